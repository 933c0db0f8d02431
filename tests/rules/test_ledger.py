"""The ledger: what is used up is declared once, and what stood together at the start may stay together."""

from __future__ import annotations

import pytest
from estates import estate, exactly, judged, lpar, policy, server

from planner.estate.capacity import Demand
from planner.optimise.conflict import of_program
from planner.optimise.heuristics.packing import packed
from planner.optimise.placement import PlacementProgram, candidates_of
from planner.optimise.program import Outcome, Tag
from planner.rules import Site, ledger
from planner.rules.ledger import PROCESSORS, WHOLE, Ledger, Resource, allowed
from planner.schedule.timetable import timetable

OF = estate([server("A"), server("B"), server("C")],
            [lpar("a1", "A"), lpar("a2", "A"), lpar("a3", "A"), lpar("b1", "B"), lpar("b2", "B")])


def _drives(site: Site, name: str, target: str, size: Demand) -> dict[str, int]:
    """An invented thing: every LPAR takes a tape drive in each of two drawers."""
    return {"upper": 1, "lower": 1}


DRIVES = Resource("invented.drives", _drives,
                  lambda site, target: {"upper": 2} if target == "B" else {"upper": 4, "lower": 1} if target == "C" else {},
                  lambda amount, target, part, site: f"{amount} more tape drives in the {part} drawer of {target}")


@pytest.fixture
def drives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RESOURCES", (*ledger.RESOURCES, DRIVES))


def program(site: Site, *survivors: str) -> PlacementProgram:
    _, judge = judged(site.estate)
    return PlacementProgram(site, candidates_of(site, judge, ["a1", "a2", "a3"], survivors), survivors, ["a1", "a2", "a3"])


@pytest.mark.usefixtures("drives")
def test_a_resource_declared_once_is_kept_by_programs_heuristics_and_schedule() -> None:
    """B's upper drawer is full with b1 and b2, C's lower drawer takes one: of a1, a2 and a3 one finds a place."""
    site, judge = judged(OF)
    model = program(site, "B", "C")
    assert model.solve(float("inf"), 0.0).outcome is Outcome.INFEASIBLE
    assert [str(r.tag) for r in model.program.rows if r.tag.rule == DRIVES.rule] == [
        "invented.drives:B/upper", "invented.drives:C/upper", "invented.drives:C/lower"]
    conflict = of_program(model, float("inf"))
    assert conflict.rules == ("invented.drives",) and "2 tape drives in the upper drawer of B" in conflict.summary
    assert packed(site, candidates_of(site, judge, ["a1", "a2"], ["B", "C"]), ["B", "C"]) is None
    assert set((packed(site, candidates_of(site, judge, ["a1"], ["B", "C"]), ["B", "C"]) or {}).values()) == {"C"}
    assert timetable(site, judge, {"a1": "C"}, None).found and not timetable(site, judge, {"a1": "C", "a2": "C"}, None).found


@pytest.mark.usefixtures("drives")
def test_what_was_held_at_the_start_is_allowed_and_does_not_rise() -> None:
    over = estate([server("B"), server("C")], [lpar(f"b{n}", "B") for n in range(3)] + [lpar("c1", "C")])
    site, _ = judged(over)
    book = Ledger(site, site.start)
    assert allowed(site, DRIVES, "B") == {"upper": 3} and allowed(site, DRIVES, "C") == {"upper": 4, "lower": 1}
    assert book.left(DRIVES, "B", "upper") == 0 and not book.fits("c1", "B")
    book.leave("b1", "B")
    assert book.fits("c1", "B")


def test_a_server_over_its_limit_keeps_what_it_has() -> None:
    lpars = [lpar("b1", "B", 4), lpar("c1", "C", 0.5)]
    site, _ = judged(estate([exactly(server("B"), lpars[:1]), server("C")], lpars, [policy("cpu-ceiling", "B", "50")]))
    assert PROCESSORS.limits(site, "B")[WHOLE] < 400 == allowed(site, PROCESSORS, "B")[WHOLE]
    assert not Ledger(site, site.start).fits("c1", "B")


APART = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("b1", "B"), lpar("b2", "B")],
               [policy("keep-apart", "databases", "a1; b1; b2")])


def test_old_co_residents_are_tolerated_where_they_stood_and_nobody_joins_them() -> None:
    """The packing refused what the schedule tolerated: b1 back beside b2, where both stood at the start."""
    site, judge = judged(APART)
    book = Ledger(site, {n: s for n, s in site.start.items() if n != "b1"})
    assert book.fits("b1", "B") and not book.fits("a1", "B")
    assert packed(site, candidates_of(site, judge, ["a1"], ["B"]), ["B"]) is None
    again = candidates_of(site, judge, (), ["B"], ["b1"])
    assert packed(site, again, ["B"]) == {"b1": "B"}
    assert Ledger(site, {"a1": "A"}).fits("b1", "B") and not Ledger(site, {"a1": "A"}).fits("b1", "A")


def test_tags_are_told_as_rule_subject_and_part() -> None:
    assert str(Tag("processor.pool", "B", "0")) == "processor.pool:B/0" and Tag("processor.pool").family == "processor"
