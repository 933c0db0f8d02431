"""plan.html: its data are those of the plan, it needs and reaches nothing else, and every kind of plan has one."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from cockpit import axe_violations, in_chromium, needs_axe, needs_chromium
from estates import BASE, loaded

from planner.api import consolidate, headroom
from planner.estate.model import Estate
from planner.findings import Finding, Severity, errors
from planner.jobs import Options, evacuate, window_from
from planner.plan.choices import OUT, Status
from planner.plan.plan import Plan, plan_json
from planner.plan.questions import Evacuate
from planner.report.finding_kinds import kinds
from planner.report.page import plan_page
from planner.report.page.told import assumptions
from planner.report.plan_files import plan_files
from planner.report.turns import by, must_begin_ms, until
from planner.rules import Judge, Site
from planner.units import show_cores
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


def _short() -> Plan:
    plan = evacuate(loaded(BASE), Evacuate(servers=("A",), come_back=True), Options(
        10, window=window_from("2026-12-05 22:00/22:05"), zone="UTC"))
    assert plan.verified and plan.window and plan.window.fits is False
    return plan


KINDS: dict[str, Callable[[], Plan]] = {
    "lanes": night, "no window": lambda: in_lanes(small(come_back=True)), "waves": lambda: in_waves(small()).replace(evening=None),
    "headroom": lambda: headroom(BASE, "B", cores=2, when="always", curve=False),
    "consolidation": lambda: consolidate(BASE), "impossible": lambda: _impossible(), "too short": lambda: _short(),
    "nothing": lambda: _nothing()}


def _nothing() -> Plan:
    plan = headroom(BASE, "C", cores=0.1, when="always", curve=False)
    assert plan.verified and not plan.moves
    return plan


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
    assert not re.search(r"@import|url\((?!#)", page(kind))


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


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("impossible", "nothing")])
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
    assert set(files) == {"plan.json", "plan.html", "plan.xlsx"}
    assert "#during" not in files["plan.html"].decode()


def text_of(kind: str) -> str:
    """What a reader without scripts sees, blanks as one."""
    body = re.sub(r"<(style|script)[^>]*>.*?</\1>", " ", page(kind), flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", body)))


def test_the_answer_is_at_the_asked_confidence_in_whole_minutes() -> None:
    plan, text = night(), text_of("lanes")
    evening = plan.evening
    assert evening and evening.go_by_ms and evening.back
    assert re.search(rf"It fits: over by {by(plan, plan.must_end_ms(OUT) - evening.go_by_ms)} in 9 nights of 10", text)
    assert f"Way back must begin by {until(plan, must_begin_ms(plan))}" in text
    assert f"20 moves out by {by(plan, evening.out.most_ms)}, 20 back by {by(plan, evening.back.most_ms)}" in text
    assert f"Go or no-go: 22:00, at the latest {until(plan, evening.go_by_ms)}" in text
    assert "Point of no return" in text and "Next safe stop" in text
    assert not re.search(r"\d\d:\d\d:\d\d", text), "no predicted second"


def test_each_kind_of_plan_says_first_how_it_stands() -> None:
    first = {kind: re.search(r"<h2>(.*?)</h2>", page(kind))[1] for kind in KINDS}
    assert first["too short"].startswith("It does not fit: ") and "too long" in first["too short"]
    assert re.fullmatch(r"Over .* after it begins in 9 nights of 10", first["no window"])
    assert re.fullmatch(r"Over about .* after it begins", first["waves"])
    assert first["impossible"] == "IMPOSSIBLE (proved)"
    assert first["consolidation"].startswith("Switch off ") and "free on B" in first["headroom"]
    assert "Nothing has to move" in text_of("nothing") and "#during" not in page("nothing")


def test_servers_hold_what_the_plan_says() -> None:
    plan, text = night(), text_of("lanes")
    for moment in (plan.before, plan.peak, plan.after):
        for s in moment:
            assert f"{s.memory_mib / 1024:.1f}" in text and show_cores(s.units) in text
    tight = [s for s in plan.peak if s.memory_limit_mib - s.memory_mib < 0.02 * s.memory_limit_mib]
    assert tight and all(f"{(s.memory_limit_mib - s.memory_mib) / 1024:.1f} left" in text for s in tight)


def test_every_finding_stands_with_its_kind_and_every_assumption_with_what_settles_it() -> None:
    plan = night()
    found = kinds(plan.findings)
    assert sum(k.number for k in found) == len([f for f in plan.findings if f.severity is not Severity.ASSUMPTION])
    assert [k.word for k in found] == sorted((k.word for k in found), key=["stops it", "decide", "expect", "know"].index)
    text = text_of("lanes")
    assert all(k.rule in text and all(fix in text for fix in k.fixes) for k in found)
    gate = Finding("partition.rmc", Severity.ASSUMPTION, "hxaix13", "RMC is not stated", "lssyscfg -r lpar -m 'X Y'")
    told = [*assumptions(plan.replace(findings=(*plan.findings, gate)), site())]
    assert told[0].settle == gate.fix and told[0].command and "hxaix13" in told[0].whom
    assert {a.what for a in told} >= {a for a in plan.assumptions if not a.startswith("Cost model: ")}


def test_each_move_has_its_reason() -> None:
    data = block(page("lanes"))
    why = {m["lpar"]: m["why"] for m in data["moves"] if m["leg"] == "out"}
    assert "makes room on SN1001C70_p570-1" in why["hxaix14"]["made"]
    assert why["hxaix09adm"]["there"] == "the only server that the rules leave it"
    assert all(m["why"]["made"] == "it comes home" for m in data["moves"] if m["leg"] == "back")


def test_reach_refuses_with_the_rules_reasons_and_serves_by_what_the_estate_has() -> None:
    plan, data = night(), block(page("lanes"))["reach"]
    placed, judge = Site(site(), goal=plan.goal), Judge(Site(site(), goal=plan.goal))
    assert set(data["lpars"]) == {m.lpar for m in plan.moves}
    for name, one in data["lpars"].items():
        for at in one["at"]:
            if at["why"] is None:
                assert at["server"] == one["home"] == placed.lpars[name].server
                continue
            refused = [f.message for f in errors((*judge.readiness(name), *judge.move(name, one["home"], at["server"])))]
            assert [data["reasons"][n][0].rpartition(" (")[0] for n in at["why"]] == refused[:3]
            assert at["server"] != one["to"] or not at["why"]
            served = {v for reached in at["by"] for v, _ in reached}
            assert served <= set(range(len(data["vioses"][at["server"]])))


def test_what_stands_in_the_way_is_said_and_drawn() -> None:
    plan, text, data = _impossible(), text_of("impossible"), block(page("impossible"))
    assert plan.conflict and {x[0] for x in data["conflict"]} == set(plan.conflict.lpars)
    assert {x[1] for x in data["conflict"]} == set(plan.conflict.rules)
    assert all(word in text for word in (*plan.conflict.lpars, *plan.conflict.rules, "What would lift it",
                                         "What was tried"))
    lifts = [x.rpartition(": ")[2] for x in plan.conflict.lifts]
    assert lifts and all(x in text for x in lifts) and "planner remedy ESTATE A" in text


def test_a_plan_that_was_not_found_in_time_is_called_unknown() -> None:
    plan = _impossible().replace(status=Status.UNKNOWN, conflict=None, findings=(Finding(
        "solver.time", Severity.ERROR, "plan", "time ran out after 5 s", "--time-limit"),))
    text = plan_page(plan, BASE, "0" * 64)
    assert "UNKNOWN" in text and "time ran out after 5 s" in text and "proved" not in text.partition("<main>")[2][:600]


def test_a_plan_that_failed_its_replay_shows_nothing_that_could_be_run() -> None:
    text = plan_page(small().replace(verified=False), BASE, "0" * 64)
    assert "NOT VERIFIED: the plan failed its replay" in text and "migrlpar" not in text and block(text)["moves"] == []


_COLOURS = re.compile(r"--([a-z-]+): (#[0-9a-f]{6})")
_ON = {"card": ("fg", "dim", "link", "good", "warn", "bad"), "bg": ("fg", "dim"), "code": ("fg",), "soft": ("fg",),
       "deep": ("on-deep",), "light": ("on-light",), "work": ("on-work",), "room": ("fg",), "warn-soft": ("warn",),
       "bad-soft": ("bad",), "good-soft": ("good",), "fg": ("card",)}


def luminance(colour: str) -> float:
    parts = [int(colour[n:n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1])
def test_text_has_a_contrast_of_at_least_four_and_a_half(theme: int) -> None:
    """By the formula of WCAG 2, light and dark."""
    blocks = re.findall(r":root \{(.*?)\}", page("lanes"), re.S)
    colours = dict(_COLOURS.findall(blocks[0])) | (dict(_COLOURS.findall(blocks[1])) if theme else {})
    for ground, texts in _ON.items():
        for text in texts:
            light, dark = sorted((luminance(colours[ground]), luminance(colours[text])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_characters_that_nobody_sees_are_shown_in_text() -> None:
    plan = small().replace(stays=(("a\u202eb", "A", "x"),))
    assert "a\\u202eb" in plan_page(plan, BASE, "0" * 64)


_CROWDED = """
location.hash = "#before"; await wait(300);
const odd = [], root = document.documentElement;
if (root.scrollWidth > root.clientWidth) odd.push("the page is wider than the window");
for (const svg of document.querySelectorAll("#before svg")) {
  const s = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
  texts.forEach(([text, r], n) => {
    if (/\\S…$/.test(text)) odd.push("not all of it: " + text);
    if (r.left < s.left - 1 || r.right > s.right + 1 || r.top < s.top - 1 || r.bottom > s.bottom + 1) odd.push("cut: " + text);
    for (const [other, q] of texts.slice(n + 1)) {
      if (Math.min(r.right, q.right) - Math.max(r.left, q.left) > 1 && Math.min(r.bottom, q.bottom) - Math.max(r.top, q.top) > 3) odd.push(text + " over " + other);
    }
  });
}
return [odd, document.querySelectorAll("#before svg text").length, innerWidth];
"""


@needs_chromium
@pytest.mark.parametrize(("kind", "width"), [
    ("lanes", 1400), ("lanes", 900), ("lanes", 390), ("waves", 390), ("no window", 390), ("impossible", 390)])
def test_no_text_of_a_picture_is_cut_or_lies_over_another(kind: str, width: int, tmp_path: Path) -> None:
    told = in_chromium(tmp_path, page(kind), _CROWDED, width=width)
    odd, texts, across = told["answer"]
    assert told["wrong"] == [] and odd == [] and texts and across == width


@needs_chromium
@pytest.mark.parametrize("width", [1400, 390])
def test_the_last_moment_is_told_alike_on_a_phone(width: int, tmp_path: Path) -> None:
    """A phone said "home by": all would be home by when the way back must only begin."""
    told = in_chromium(tmp_path, page("lanes"), """
      location.hash = "#before"; await wait(300);
      return one("#night-picture .no-return-label").textContent""", width=width)
    assert told["wrong"] == [] and "way back must begin by " in told["answer"]


@needs_axe
@needs_chromium
@pytest.mark.parametrize(("kind", "width", "dark"), [("lanes", 1400, False), ("lanes", 1400, True), ("lanes", 390, False), ("impossible", 390, True)])
def test_axe_finds_nothing_before_the_evening(kind: str, width: int, dark: bool, tmp_path: Path) -> None:
    assert axe_violations(tmp_path, page(kind), "html", 'location.hash = "#before"; await wait(300);', width=width, dark=dark) == []


@needs_chromium
def test_moves_are_sorted_filtered_and_chosen_by_keys_and_each_lpar_has_its_reach(tmp_path: Path) -> None:
    told = in_chromium(tmp_path, page("lanes"), """
      location.hash = "#before"; await wait(300);
      const names = () => [...document.querySelectorAll("#moves-table tbody td:first-child b")].map(b => b.textContent);
      const by = name => [...document.querySelectorAll("#moves-table th button")].find(b => b.textContent === name).click();
      const type = (id, text) => { one(id).value = text; one(id).dispatchEvent(new Event("input", { bubbles: true })); };
      by("GiB"); by("GiB");
      const largest = names()[0], order = [...document.querySelectorAll("#moves-table th")].map(th => th.ariaSort).filter(x => x !== "none");
      type("#f-text", "crm"); type("#f-way", "out");
      const found = names();
      const svg = one("#lanes-picture svg");
      svg.focus();
      svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
      const chosen = one("#lanes-chosen").textContent;
      one("#r-lpar").value = "hxaix52"; one("#r-lpar").dispatchEvent(new Event("change"));
      return { largest, order, found, chosen, reach: one("#reach-picture svg").getAttribute("aria-label") };""")
    first, answer = night().leg(OUT)[0], told["answer"]
    assert told["wrong"] == [] and answer["largest"] == "hxaix09adm" and answer["order"] == ["descending"]
    assert answer["found"] == ["hxaix52"] and f"{first.lpar}, lane {first.lane}" in answer["chosen"]
    assert "p570-1 refused: 6 LUNs are not seen by any VIOS" in answer["reach"] and "p570-2 is its target" in answer["reach"]


@needs_chromium
def test_names_stand_in_the_pages_tables_and_pictures_as_they_are(tmp_path: Path) -> None:
    name = "a<img src=x>&'\u202e\""
    plan, shown = small(), "a<img src=x>&'\\u202e\""
    moves = tuple(replace(m, lpar=name if m.lpar == plan.moves[0].lpar else m.lpar) for m in plan.moves)
    estate = BASE.replace(lpars=tuple(replace(p, name=name) if p.name == plan.moves[0].lpar else p for p in BASE.lpars))
    told = in_chromium(tmp_path, plan_page(in_lanes(plan.replace(moves=moves)), estate, "0" * 64), """
      location.hash = "#before"; await wait(300);
      const said = [...document.querySelectorAll("#before title")].map(t => t.textContent).join(" ");
      return [document.querySelectorAll("img").length, one("#moves-table").textContent, said, one("#r-lpar").textContent];""")
    images, *places = told["answer"]
    assert told["wrong"] == [] and images == 0 and all(shown in text and name not in text for text in places)
