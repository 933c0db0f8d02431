"""What is told of an LPAR and a server: the refusals are those of the rules, each with facts that state it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from random import Random

import pytest
from estates import BASE, changed, judged, policy, stating

from planner.estate.assemble import Loaded
from planner.estate.load import load
from planner.estate.model import Estate
from planner.estate.workbook import workbook_bytes
from planner.findings import Severity, errors
from planner.jobs.explain import explained, in_the_way
from planner.rules import RULES, Judge, Scope, Site

sys.path.append(str(Path(__file__).parent))
from test_remedy_oracle import flawed

from tests.landscape import landscape


def told(of: Estate, lpar: str, server: str):
    site = Site(of)
    return explained(Loaded(of), site, Judge(site), lpar, server)


@pytest.mark.parametrize("seed", range(10))
def test_the_refusals_are_those_of_the_rules(seed: int) -> None:
    of = flawed(Random(seed))
    site = Site(of)
    judge = Judge(site)
    for p in of.lpars:
        for s in site.servers:
            if s != p.server:
                found = errors((*judge.readiness(p.name), *judge.move(p.name, p.server, s)))
                e = explained(Loaded(of), site, judge, p.name, s)
                assert [b.finding for b in e.because] == list(found)
                assert bool(e.because) is not judge.allowed(p.name, p.server, s)
                assert all(b.facts for b in e.because if not b.finding.rule.startswith("policy.pin"))


def test_every_rule_that_refuses_says_what_it_reads() -> None:
    assert {r.id for r in RULES if r.scope in (Scope.LPAR, Scope.MOVE) and r.severity is Severity.ERROR
            and not r.reads} == {"storage.cluster", "policy.asked-to-stay"}  # the last rests on the question


def test_facts_have_their_file_and_cell(tmp_path: Path) -> None:
    of = stating(changed(changed(BASE, "a1", rmc_active=False), "B", firmware="AM710_099"), policy("pin", "a*", "A"))
    (tmp_path / "e.xlsx").write_bytes(workbook_bytes(Loaded(changed(of, "A", firmware="AM770_032"))))
    loaded = load([tmp_path / "e.xlsx"])
    site = Site(loaded.estate)
    facts = {b.finding.rule: [f.text for f in b.facts] for b in explained(loaded, site, Judge(site), "a1", "B").because}
    assert facts["partition.rmc"][0].startswith("LPARs a1, RMC active: no (e.xlsx[LPARs!")
    assert [t.split(" (")[0] for t in facts["server.firmware"]] == [
        "Servers B, Firmware: AM710_099", "Servers A, Firmware: AM770_032"]
    assert facts["policy.pin"][0].startswith("Policies pin a* A, Value: A (e.xlsx[Policies!")


def test_what_the_target_lacks_comes_first() -> None:
    gone = BASE.replace(zonings=tuple(z for z in BASE.zonings if z.lun != "lun-a1" or z.vios.startswith("A")))
    facts = next(b.facts for b in told(gone, "a1", "B").because if b.finding.rule == "storage.lun-seen")
    assert facts[0].text == "Zoning of B-v1, B-v2 on B, LUN: no row of lun-a1" and "lun-a1" in facts[1].text


def test_the_examples_of_the_readme_are_of_refusals() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    examples = re.findall(r"^planner explain estate.xlsx (\S+) (\S+)", text, re.M)
    assert examples and all(told(landscape(), *names).because for names in examples)


def test_who_is_there_already_and_the_tightest_hour_are_told() -> None:
    full = changed(BASE, "B", configurable_units=400)
    e = told(full, "a1", "B")
    assert not e.because and [f.rule for f in e.beside] == ["processor.capacity"]
    site, judge = judged(BASE, {"a1": [100, 4000], "a2": [0, 0], "b1": [9000, 9000], "b2": [0, 0], "c1": [0, 0]})
    hour, = explained(Loaded(BASE), site, judge, "a1", "B").hours
    assert (hour.where, hour.used, hour.limit) == ("B", 14000, 16000) and "would use 14.00 of 16.00 cores" in hour.text


def test_what_keeps_a_server_from_being_freed() -> None:
    site = Site(stating(BASE, policy("pin", "a1")))
    conflict = in_the_way(site, Judge(site), "A", 5.0)
    assert conflict is not None and conflict.lpars == ("a1",)
    assert in_the_way(site, Judge(site), "B", 5.0) is None
