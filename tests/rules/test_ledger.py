"""The ledger: what is used up is declared once, and what stood together at the start may stay together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import estate, exactly, judged, lpar, policy, pool, server

from planner.estate.capacity import Demand
from planner.estate.model import Estate, Fibre, Port
from planner.optimise.conflict import of_program
from planner.optimise.heuristics.packing import packed
from planner.optimise.placement import PlacementProgram, candidates_of
from planner.optimise.program import Outcome, Tag
from planner.rules import Site, ledger
from planner.rules.ledger import MEMORY, POOLS, PROCESSORS, WHOLE, Ledger, Resource, allowed
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


def _crossed() -> Estate:
    """Each LPAR has two virtual ports on fabric f1 over one VIOS and two on f2 over the other; b2 alone has f1 over the
    second. What is free on B is 2 ports of the first VIOS on each fabric, and none of the second."""
    of = estate([server(s) for s in "ABC"], [lpar("a1", "A"), lpar("b1", "B"), lpar("b2", "B"), lpar("c1", "C")])
    free = {("B-v1", "f1"): 2, ("B-v1", "f2"): 2, ("B-v2", "f1"): 0, ("B-v2", "f2"): 0}
    return of.replace(
        fibres=tuple(Fibre(p.name, 40 + 2 * n + k, f"{p.server}-v{n}", f"c0{p.name}{n}{k}0", f"c0{p.name}{n}{k}1",
                           f"f{3 - n if p.name == 'b2' else n}", True) for p in of.lpars for n in (1, 2) for k in (0, 1)),
        ports=tuple(Port(v, f"fcs{n}", fabric, count) for n, ((v, fabric), count) in enumerate(free.items())))


def test_who_arrives_finds_a_mapping_beside_all_that_are_there_and_again_when_one_has_left() -> None:
    """Each fabric has the ports for a1, but of one VIOS alone: no row and no count refuses it, the rule that is asked
    does. Were b1 and b2 not counted, each VIOS would have the most that a1 can take, and nobody would ask."""
    site, _ = judged(_crossed())
    one_by_one, whole = Ledger(site, {}), Ledger(site, site.start)
    for name in ("b1", "b2"):
        one_by_one.arrive(name, "B")
    for book in (whole, one_by_one):
        assert all(amount <= book.spare(number) for number, amount in book.needs("a1", "B"))
        assert not book.fits("a1", "B") and not book.fits("c1", "B") and book.copy().fits("a1", "C")
        for name in ("b1", "b2"):
            book.leave(name, "B")
        assert book.fits("a1", "B")
        for name in ("b1", "b2"):
            book.arrive(name, "B")
        assert not book.fits("a1", "B")
        book.leave("b1", "B")
        assert book.fits("a1", "B")
        book.arrive("a1", "B")
        assert not book.fits("c1", "B")
        book.move("a1", "B", "C")
        assert book.fits("c1", "B") and book.fits("b1", "B")


@pytest.mark.parametrize("placement", [{}, {"b1": "B", "b2": "B", "c1": "C"}, {"a1": "A", "b1": "B", "b2": "C", "c1": "C"},
                                       {"a1": "B"}, {"a1": "B", "b1": "C", "b2": "C", "c1": "C"}], ids=len)
def test_a_ledger_of_a_placement_is_that_of_the_arrivals(placement: dict[str, str]) -> None:
    """Whether it is counted from what stands at the start or from nothing."""
    site, _ = judged(_crossed())
    book, arrived = Ledger(site, placement), Ledger(site, {})
    for name, target in placement.items():
        arrived.arrive(name, target)
    assert [book.spare(n) for n in range(book.size)] == [arrived.spare(n) for n in range(book.size)]
    assert book.free("B") == (1600 - 2 * 50 - sum(100 for s in placement.values() if s == "B"),
                              book.left(MEMORY, "B"))
    assert [book.fits(n, s) for n in site.lpars for s in "ABC"] == [arrived.fits(n, s) for n in site.lpars for s in "ABC"]


def test_what_lacks_is_told_with_its_part_and_in_the_singular_for_one() -> None:
    of = OF.replace(pools=(pool("B", 1, 2, name="db"), replace(pool("B", 2, 2), name="")))
    site, _ = judged(of)
    assert [POOLS.more(50, "B", part, site) for part in ("1", "2", "7")] == [
        f"0.50 more cores in pool {said} of B" for said in ("db (id 1)", "2", "7")]
    assert POOLS.more(50, "C", "1", site) == "0.50 more cores in pool 1 of C"
    assert (PROCESSORS.more(150, "B", WHOLE, site), MEMORY.more(1536, "B", WHOLE, site)) == (
        "1.50 more cores on B", "1.50 GiB more memory on B")
    ports = next(r for r in ledger.RESOURCES if r.rule == "storage.npiv-ports")
    assert [ports.more(n, "B", "B-v1, fabric f1", site) for n in (1, 2)] == [
        f"{n} more virtual Fibre Channel {ports} on B (B-v1, fabric f1)" for n, ports in ((1, "port"), (2, "ports"))]
    paging = next(r for r in ledger.RESOURCES if r.rule == "memory.pool")
    assert paging.more(512, "B", WHOLE, site) == "512 more MiB of I/O entitled memory on B"
