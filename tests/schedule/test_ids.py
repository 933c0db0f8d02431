"""Partition ids: one holder a server at every moment, held on both sides until a move is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from estates import estate, judged, loaded, lpar, plan_of, server
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.model import Estate
from planner.jobs.common import checked_plan
from planner.plan.plan import Move
from planner.rules import Site
from planner.schedule.timetable import timetable
from planner.verify import replay

SERVERS = "ABC"


def numbered(*rows: tuple[str, str, int]) -> Estate:
    """LPARs with their server and id."""
    return estate([server(s) for s in SERVERS], [lpar(n, s, 0.5, 1, lpar_id=i) for n, s, i in rows])


def shared(site: Site, moves: Sequence[Move]) -> list[tuple[str, int, set[str]]]:
    """(server, id, holders) wherever two hold an id of one server at one moment: each stay from its own arithmetic."""
    stays: dict[str, list[tuple[str, int | None, float, float]]] = {}
    for p in site.lpars.values():
        own = sorted((m for m in moves if m.lpar == p.name), key=lambda m: m.start_ms)
        ends = [m.end_ms for m in own]
        stays[p.name] = [(p.server, p.lpar_id, 0.0, ends[0] if ends else 1e12)] + [
            (m.target, m.target_id, m.start_ms, ends[n + 1] if n + 1 < len(own) else 1e12) for n, m in enumerate(own)]
    found = []
    for n, one in stays.items():
        for o, other in stays.items():
            found += [(s, i, {n, o}) for s, i, a, b in one for t, j, c, d in other
                      if n < o and (s, i) == (t, j) and i is not None and a < d and c < b]
    return found


@pytest.mark.parametrize(("where", "ids", "waves"), [
    # y makes way for x on B: x waits and keeps its id.
    ({"x": "B", "y": "C"}, {"x": 20, "y": 20}, {"y": 1, "x": 2}),
    # They change places: no order leaves both their ids.
    ({"x": "B", "y": "A"}, {"x": 3, "y": 4}, {"x": 1, "y": 1})])
def test_who_can_wait_keeps_its_id(where: Mapping[str, str], ids: Mapping[str, int],
                                   waves: Mapping[str, int]) -> None:
    of = numbered(("x", "A", 20), ("y", "B", 20))
    site, judge = judged(of)
    table = timetable(site, judge, where, None)
    assert not shared(site, table.moves)
    assert {m.lpar: m.target_id for m in table.moves} == ids
    assert {m.lpar: m.wave for m in table.moves} == waves


def test_an_id_is_held_on_both_sides_in_the_replay() -> None:
    of = numbered(("x", "A", 20), ("y", "B", 20))
    site, judge = judged(of)
    y, x = timetable(site, judge, {"x": "B", "y": "C"}, None).moves
    early = plan_of([y, replace(x, start_ms=0, wave=1, source_msp="A-v2", target_msp="B-v2")])
    assert "plan.id" in {f.rule for f in replay(early, *judged(of)).findings}


@settings(max_examples=portion(60))
@given(st.data())
def test_no_moment_has_an_id_twice(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 6))
    taken: set[tuple[str, int]] = set()
    rows = []
    for n in range(count):
        home = data.draw(st.sampled_from(SERVERS))
        number = data.draw(st.sampled_from([i for i in (20, 21, 22, 23, 24, 25) if (home, i) not in taken]))
        taken.add((home, number))
        rows.append((f"p{n}", home, number))
    of = numbered(*rows)
    site, judge = judged(of)
    table = timetable(site, judge, {n: data.draw(st.sampled_from(SERVERS)) for n, _, _ in rows}, None,
                      come_back=data.draw(st.booleans()))
    assert table.found and not shared(site, table.moves)
    played = replay(plan_of(table.moves), site, judge)
    assert not [str(f) for f in played.findings if f.rule == "plan.id"]
    own = {n: (home, number) for n, home, number in rows}
    given = dict(own)
    told = set()
    for m in sorted(table.moves, key=lambda m: m.start_ms):
        kept = own[m.lpar][1] if m.target == own[m.lpar][0] else given[m.lpar][1]
        if m.target_id not in (own[m.lpar][1], kept):
            told.add(m.lpar)
        given[m.lpar] = m.target, m.target_id or 0
    assert {f.subject for f in played.findings if f.rule == "partition.id-free"} == told


@pytest.mark.parametrize(("rows", "where", "told"), [
    # y has left B when x comes, and x keeps 20: the plan warned that y takes it.
    ([("x", "A", 20), ("y", "B", 20)], {"x": "B", "y": "C"}, {}),
    ([("x", "A", 20), ("y", "B", 20), ("z", "C", 20)], {"x": "B", "y": "C"}, {"y": "z on C"}),
    # Whoever comes first has 20 on C by the time that the other comes; at the start nobody had.
    ([("x", "A", 20), ("y", "B", 20)], {"x": "C", "y": "C"}, {"y": "x on C"})])
def test_a_plan_warns_of_an_id_that_is_taken_when_its_lpar_arrives(
        rows: list[tuple[str, str, int]], where: Mapping[str, str], told: Mapping[str, str]) -> None:
    """The warning was judged by who had the id at the start, the id in the command by who has it on arrival."""
    of = numbered(*rows)
    site, judge = judged(of)
    plan = checked_plan(plan_of(timetable(site, judge, where, None).moves), loaded(of), site, judge)
    said = {f.subject: f.message for f in plan.findings if f.rule == "partition.id-free"}
    assert said.keys() == told.keys() == {m.lpar for m in plan.moves if m.target_id != site.lpars[m.lpar].lpar_id}
    assert all(said[n].startswith(f"partition id 20 is taken by {by}: ") for n, by in told.items())
