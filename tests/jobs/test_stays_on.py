"""For each server that a consolidation leaves on the plan says why, in the terminal, the runbook and the workbook."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from estates import changed, estate, loaded, lpar, policy, server

from planner import jobs
from planner.estate.model import Estate
from planner.jobs import stays_on
from planner.jobs.peak_hours import UsageSpec
from planner.plan.choices import Measure
from planner.plan.questions import Consolidate
from planner.report.runbook import runbook

sys.path.append(str(Path(__file__).parents[1] / "cli"))
from usage_columns import history_of

OPTIONS = jobs.Options(20.0)
SERVERS = [server(s, 8, 64, idle_watts=100, max_watts=180) for s in "ABC"]


def of(*cores: float, rows: Sequence[Any] = (), **facts: Any) -> Estate:
    """An LPAR of so many cores on each of A, B, C."""
    return estate(SERVERS[:len(cores)], [lpar(f"{s.lower()}1", s, n, 8, **facts) for s, n in zip("ABC", cores, strict=False)],
                  list(rows))


def lines(site: Estate, **asked: Any) -> list[str]:
    """The notes of a plan; one for every server that stays on, however many share it."""
    plan = jobs.consolidate(loaded(site), Consolidate(**({"measure": Measure.SERVERS} | asked)), OPTIONS)
    assert plan.verified
    told = [n for n in plan.notes if " on: " in n]
    named = [s for n in told for s in n.split(" stay")[0].split(", ")]
    assert sorted(named) == sorted({s.name for s in site.servers} - {*plan.off})
    assert all(note.replace("(", "").split(": ")[0].split()[0] in runbook(plan, site) for note in told)
    return told


@pytest.mark.parametrize(("site", "asked", "words"), [
    (of(5, 5, 5), {}, [
        f"{own} stays on: it cannot be emptied: the other servers lack 3.00 cores for what must go: {own.lower()}1 to {rest} "
        "(wherever 2 LPARs that run there and may move are put) (processor.capacity)"
        for own, rest in (("A", "B or C"), ("B", "A or C"), ("C", "A or B"))]),
    (of(5, 1), {"keep": ("B",)}, ["B stays on: as asked (--keep)"]),
    (of(5, 5, rows=[policy("pin", "a1", "A")]), {},
     ["A stays on: a1 cannot leave: to B: is pinned to A (policy.pin)", "B stays on: it cannot be emptied: the other servers lack 3.00 cores for what must go"]),
    (changed(of(1, 1), "b1", rmc_active=False), {"off": ("A",)}, ["B stays on: b1 cannot leave: has no active RMC connection"]),
    (of(1, 1, 1), {"n_plus_1": True, "off": ("C",)}, ["A, B stay on: each could be emptied beside what goes off, but no such plan in which any "
                                      "one server may fail was found"]),
    (of(1, 1), {}, ["A stays on: it carries what the others held"]),
])
def test_why_each_stays_on(site: Estate, asked: dict[str, Any], words: list[str]) -> None:
    told = lines(site, **asked)
    assert len(told) == len(words)
    for line, start in zip(sorted(told), sorted(words), strict=True):
        assert line.startswith(start), (line, start)


def test_what_saves_nothing_is_told_as_that() -> None:
    """B would take a1 at ten times the watts: A stays on."""
    site = estate([server("A", 8, 64, idle_watts=10, max_watts=18), server("B", 8, 64, idle_watts=100, max_watts=1800)],
                  [lpar("a1", "A", 5, 8), lpar("b1", "B", 1, 8)], [policy("pin", "b1", "B")])
    told = lines(site, measure=Measure.WATTS)
    assert "A stays on: it could be emptied, but that saves nothing by what is asked for (watts)" in told


def test_what_was_measured_is_told_as_that(tmp_path: Path) -> None:
    """a1 and b1 hold 1.00 and use 4.00 each: with 1.00 of VIOSes 9.00 of 8.00."""
    history_of(tmp_path / "usage.db", {"a1": (4000, 10), "b1": (4000, 10)})
    plan = jobs.consolidate(loaded(of(1, 1)), Consolidate(measure=Measure.SERVERS), OPTIONS, UsageSpec(tmp_path / "usage.db"))
    assert plan.off == ()
    assert [n for n in plan.notes if " on: " in n] == [
        f"{own} stays on: it cannot be emptied: the other servers lack 1.00 cores for what must go: {own.lower()}1 to {other} (as "
        f"measured: the peak of the sum, such as 2023-11-15 09:15, a working day: {other} would use 9.00 of 8.00 cores) "
        "(processor.usage)" for own, other in ("AB", "BA")]


def test_of_many_servers_some_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stays_on, "_MOST", 1)
    told = lines(of(5, 5, 5))
    assert told[0].startswith("A stays on: it cannot") and told[1] == (
        "B, C stay on: planner evacuate says of each what keeps it on")


def test_of_larger_sites_the_sums_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """15.00 cores on two servers of 7.00 beside their VIOSes; of 2.00 measured cores, 4.00 + 4.00 + 1.00 of 8.00."""
    monkeypatch.setattr(stays_on, "small", lambda site: False)
    assert lines(of(5, 5, 5)) == ["A, B, C stay on: the others lack 1.00 cores for it, even if LPARs could be split"]
    history_of(tmp_path / "usage.db", {"a1": (4000, 10), "b1": (4000, 10)})
    plan = jobs.consolidate(loaded(of(1, 1)), Consolidate(measure=Measure.SERVERS), OPTIONS, UsageSpec(tmp_path / "usage.db"))
    assert "A, B stay on: the others lack 1.00 cores as measured for it, even if LPARs could be split" in plan.notes
    assert lines(of(4, 4, 4, rows=[policy("keep-apart", "x", "a1; b1; c1")])) == [
        "A, B, C stay on: planner evacuate says of each what keeps it on"]
