"""plan.html: its data are those of the plan, it needs and reaches nothing else, and every kind of plan has one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from estates import BASE, loaded

from planner.api import consolidate, headroom
from planner.estate.model import Estate
from planner.jobs import Options, evacuate, window_from
from planner.plan.plan import Plan, plan_json
from planner.plan.questions import Evacuate
from planner.report.page import plan_page
from planner.report.plan_files import plan_files
from tests.landscape import landscape
from tests.lanes import in_lanes, in_waves

P595 = "SN8379A80_p595-2"
_VOID = {"meta", "link", "br", "hr", "input", "img", "col"}


@cache
def site() -> Estate:
    return landscape()


@cache
def night() -> Plan:
    """The sample's evening in lanes."""
    options = Options(20, window=window_from("2026-12-05 22:00/04:00"), work_s=3600, zone="Australia/Melbourne")
    return in_lanes(evacuate(loaded(site()), Evacuate(servers=(P595,), come_back=True), options))


def small(**question: Any) -> Plan:
    return evacuate(loaded(BASE), Evacuate(servers=("A",), **question), Options(10))


KINDS = {
    "lanes": night, "no window": lambda: in_lanes(small(come_back=True)), "waves": lambda: in_waves(small()),
    "headroom": lambda: headroom(BASE, "B", cores=2, when="always", curve=False),
    "consolidation": lambda: consolidate(BASE), "impossible": lambda: _impossible()}


def _impossible() -> Plan:
    stuck = BASE.replace(lpars=tuple(replace(p, migration_disabled=True) for p in BASE.lpars))
    plan = evacuate(loaded(stuck), Evacuate(servers=("A",)), Options(10))
    assert not plan.verified
    return plan


@cache
def page(kind: str) -> str:
    plan = KINDS[kind]()
    return plan_page(plan, site() if kind == "lanes" else BASE, plan_json(plan)["plan_sha256"])


def block(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(re.search(r'<script type="application/json" id="plan-data">(.*?)</script>', text, re.S)[1])
    return found


class Walk(HTMLParser):
    """Raises AssertionError where an element is closed that is not open; collects attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_well_formed_and_reaches_nothing_outside(kind: str) -> None:
    walk = Walk(page(kind))
    assert len(walk.ids) == len(set(walk.ids))
    for tag, name, value in walk.attributes:
        assert name != "style" and not name.startswith("on"), "its policy would block it"
        if name in ("src", "href", "srcset", "action"):
            assert value.startswith("#") or value == "data:,", (tag, name, value)
    assert not re.search(r"@import|url\(", page(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_its_policy_lets_its_own_scripts_and_style_run_and_no_others(kind: str) -> None:
    text = page(kind)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    parts = {name: rest for name, _, rest in (part.strip().partition(" ") for part in policy.split(";"))}
    assert parts["default-src"] == "'none'" and "unsafe" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    for directive, texts in (("script-src", scripts), ("style-src", re.findall(r"<style>(.*?)</style>", text, re.S))):
        hashes = ["'sha256-" + base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() + "'" for one in texts]
        assert texts and parts[directive].split() == hashes


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "impossible"])
def test_its_data_are_those_of_the_plan(kind: str) -> None:
    plan, data = KINDS[kind](), block(page(kind))
    document = plan_json(plan)
    assert (data["plan"], data["estate"]) == (document["plan_sha256"], plan.estate_digest)
    there = {(m["lpar"], m["leg"], m["from"], m["to"], m["start_s"], m["duration_s"], m["lane"] or 0, m["wave"])
             for m in data["moves"]}
    assert there == {(m["lpar"], m["leg"], m["source"], m["target"], m["start_s"], m["duration_s"], m.get("lane", 0),
                      m["wave"]) for m in document["moves"]}
    assert len({m["n"] for m in data["moves"]}) == len(plan.moves)
    assert {n for lane in data["lanes"] for n in lane["moves"]} == {m.number for m in plan.moves if m.number}
    waits = {m["n"]: [w["move"] for w in m["waits"]] for m in data["moves"] if m["waits"]}
    assert waits == {m.number: list(m.waits_for) for m in plan.moves if m.waits}


def test_its_clock_is_that_of_the_window_in_its_zone() -> None:
    clock = block(page("lanes"))["clock"]
    assert clock == {"local": "2026-12-05T22:00", "zone": "Australia/Melbourne", "epoch_s": 1_796_468_400}
    assert block(page("waves"))["clock"] is None


def test_its_commands_are_those_of_the_runbook() -> None:
    files = plan_files(night(), site())
    runbook, data = files["runbook.md"].decode(), block(files["plan.html"].decode())
    for m in data["moves"]:
        assert f"`{m['commands']['move']}`" in runbook
        for key in ("stop", "recover"):
            general = m["commands"][key].replace(f"-p {m['lpar']}", "-p LPAR")
            assert f"`{general}`" in runbook


def test_names_become_no_markup() -> None:
    name = "a</script><img src=x onerror=alert(1)>\u202e'\""
    plan = small()
    moves = tuple(replace(m, waits=(), lpar=name if m.lpar == plan.moves[0].lpar else m.lpar) for m in plan.moves)
    estate = BASE.replace(lpars=tuple(replace(p, name=name) if p.name == plan.moves[0].lpar else p for p in BASE.lpars))
    text = plan_page(plan.replace(moves=moves), estate, "0" * 64)
    assert "<img" not in text and name in {m["lpar"] for m in block(text)["moves"]}
    Walk(text)


def test_an_unverified_plan_has_a_page_and_nothing_to_run() -> None:
    plan = _impossible()
    files = plan_files(plan, BASE)
    assert set(files) == {"plan.json", "plan.html"}
    assert "#during" not in files["plan.html"].decode()
