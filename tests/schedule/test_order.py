"""Orders of moves: capacity holds between any two, chains in the right order, parking where a cycle needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from estates import BASE, estate, exactly, freeing, judged, loaded, lpar, move, plan_of, policy, server
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.model import Estate
from planner.jobs import Options, evacuate
from planner.jobs.attempt import attempted
from planner.optimise.stages import Answer
from planner.plan.choices import Status
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.schedule.order import QUICK, THOROUGH, Step, serial_order
from planner.schedule.timetable import Timetable, timetable
from planner.verify import replay


def planned(of: Estate, *freed: str, come_back: bool = False, **options: object) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=freed, come_back=come_back), Options(**options))  # type: ignore[arg-type]


def order(of: Estate, final: Mapping[str, str]) -> list[Step] | None:
    site, judge = judged(of)
    return serial_order(site, judge, site.start, site.start | dict(final))


def holds(of: Estate, steps: Sequence[Step]) -> bool:
    """Whether these steps, one after the other, pass the replay."""
    moves, now = [], 0
    for n, s in enumerate(steps, 1):
        moves.append(move(of, s.lpar, s.source, s.target, start_ms=now, wave=n))
        now = moves[-1].end_ms
    return replay(plan_of(moves), *judged(of)).holds


def test_a_survivors_lpar_shifts_first() -> None:
    """Trap 3: a1 fits only where b1 is, and b1 fits on C. Two moves, b1 before a1."""
    a1, b1 = lpar("a1", "A", 2, 16), lpar("b1", "B", 1, 6)
    of = estate([exactly(server("A"), [a1]), exactly(server("B"), [a1]), exactly(server("C"), [b1])], [a1, b1])
    plan = planned(of, "A")
    assert plan.status is Status.OPTIMAL and plan.verified
    assert [(m.lpar, m.source, m.target) for m in plan.moves] == [("b1", "B", "C"), ("a1", "A", "B")]
    assert plan.moves[1].start_ms >= plan.moves[0].end_ms and plan.moves[1].wave > plan.moves[0].wave


@pytest.mark.parametrize("what", ["cores", "memory"])
def test_fifty_thirty_twenty_into_fifty_and_fifty(what: str) -> None:
    """Trap 4: whoever puts 30 and then 20 beside each other's last room is left with 50 and nowhere to go."""
    sizes = {"p20": 20, "p30": 30, "p50": 50}
    if what == "cores":
        lpars = [lpar(n, "A", c, 1) for n, c in sizes.items()]
        rooms = [exactly(server(s), [], 50, 8) for s in "BC"]
    else:
        lpars = [lpar(n, "A", 0.1, g, hpt_ratio=1 << 30) for n, g in sizes.items()]
        rooms = [exactly(server(s), [], 8, 50 + 2 / 1024) for s in "BC"]
    of = estate([server("A", 128, 256), *rooms], lpars)
    plan = planned(of, "A")
    assert plan.status is Status.OPTIMAL and plan.verified and plan.gap == 0
    target = {m.lpar: m.target for m in plan.moves}
    assert len(plan.moves) == 3 and target["p20"] == target["p30"] != target["p50"]


def test_a_swap_without_slack_parks_on_the_third_server() -> None:
    """x and y change places; neither fits beside the other, and only C has room for one of them."""
    x, y = lpar("x", "A", 2, 8), lpar("y", "B", 2, 8)
    of = estate([exactly(server("A"), [x]), exactly(server("B"), [y]), exactly(server("C"), [x], 0.5, 2)], [x, y])
    steps = order(of, {"x": "B", "y": "A"})
    assert steps is not None and len(steps) == 3
    assert [s.parking for s in steps] == [True, False, False]
    assert steps[0].target == "C" and steps[0].lpar == steps[2].lpar
    assert holds(of, steps)


def test_a_bystander_parks_when_that_is_the_only_way() -> None:
    """x goes to B, y to A. C can take neither, but it can take b, which then comes back."""
    x, y, b = lpar("x", "A", 1, 8), lpar("y", "B", 1, 8), lpar("b", "B", 0.5, 4)
    of = estate([exactly(server("A"), [x], 2, 6), exactly(server("B"), [y, b], 2, 4.5), exactly(server("C"), [b])],
                [x, y, b])
    steps = order(of, {"x": "B", "y": "A"})
    assert steps is not None and holds(of, steps)
    assert [s.lpar for s in steps].count("b") == 2


def test_a_swap_without_any_slack_has_no_order() -> None:
    x, y = lpar("x", "A", 2, 8), lpar("y", "B", 2, 8)
    of = estate([exactly(server(s), [x]) for s in "AB"], [x, y])
    assert order(of, {"x": "B", "y": "A"}) is None
    _site, judge = judged(of)
    assert judge.placement({"x": "B", "y": "A"}) == []


def test_a_ring_of_three_needs_one_parking_move() -> None:
    lpars = [lpar(n, s, 2, 8) for n, s in zip("xyz", "ABC", strict=True)]
    of = estate([*(exactly(server(s), lpars[:1]) for s in "ABC"), exactly(server("D"), lpars[:1])], lpars)
    steps = order(of, {"x": "B", "y": "C", "z": "A"})
    assert steps is not None and len(steps) == 4 and sum(s.parking for s in steps) == 1
    assert holds(of, steps)


def test_parking_keeps_the_rules_of_the_place_where_it_parks() -> None:
    """C has the room, but y is fenced off it and x is kept apart from what runs there."""
    x, y, c = lpar("x", "A", 2, 8), lpar("y", "B", 2, 8), lpar("c", "C", 1, 4)
    of = estate([exactly(server("A"), [x]), exactly(server("B"), [y]), exactly(server("C"), [x, c])], [x, y, c])
    assert order(of, {"x": "B", "y": "A"}) is not None
    fenced = of.replace(policies=(policy("fence", "y", "A; B"), policy("keep-apart", "g", "x; c")))
    assert order(fenced, {"x": "B", "y": "A"}) is None


def test_nothing_to_do_is_an_empty_order() -> None:
    of = estate([server("A"), server("B")], [lpar("x", "A")])
    assert order(of, {}) == []


@settings(max_examples=portion(300))
@given(st.data())
def test_an_order_that_is_found_passes_the_replay_and_none_means_none(data: st.DataObject) -> None:
    """Against breadth-first search over every state of up to four LPARs on three servers."""
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    names = [f"p{n}" for n in range(len(sizes))]
    start = {n: data.draw(st.sampled_from("ABC")) for n in names}
    final = {n: data.draw(st.sampled_from("ABC")) for n in names}
    lpars = [lpar(n, start[n], 0.5, g, hpt_ratio=1 << 30) for n, g in zip(names, sizes, strict=True)]
    slack = {s: data.draw(st.integers(0, 3)) for s in "ABC"}
    need = {s: max(sum(g for n, g in zip(names, sizes, strict=True) if at[n] == s) for at in (start, final))
            for s in "ABC"}
    room = {s: need[s] + slack[s] for s in "ABC"}
    of = estate([exactly(server(s), [], 8, room[s] + len(names) / 1024) for s in "ABC"], lpars)
    steps = order(of, final)
    assert (steps is not None) == _reachable(dict(zip(names, sizes, strict=True)), start, final, room)
    if steps is not None:
        assert holds(of, steps)
        places = dict(start)
        for s in steps:
            assert places[s.lpar] == s.source
            places[s.lpar] = s.target
        assert places == final


def _reachable(sizes: Mapping[str, int], start: Mapping[str, str], final: Mapping[str, str],
               room: Mapping[str, int]) -> bool:
    names = sorted(sizes)
    origin, goal = tuple(start[n] for n in names), tuple(final[n] for n in names)
    seen, todo = {origin}, [origin]
    while todo:
        places = todo.pop()
        if places == goal:
            return True
        for i, n in enumerate(names):
            for s in room:
                held = sum(sizes[m] for m, t in zip(names, places, strict=True) if t == s)
                following = (*places[:i], s, *places[i + 1:])
                if s != places[i] and held + sizes[n] <= room[s] and following not in seen:
                    seen.add(following)
                    todo.append(following)
    return False


@settings(max_examples=portion(150))
@given(st.data())
def test_a_timetable_of_any_reachable_placement_goes_out_and_comes_back(data: st.DataObject) -> None:
    """Waves, parking moves and the way back together, with groups, over servers with little room."""
    names = [f"p{n}" for n in range(data.draw(st.integers(1, 6)))]
    sizes = {n: data.draw(st.integers(1, 4)) for n in names}
    start = {n: data.draw(st.sampled_from("ABC")) for n in names}
    final = {n: data.draw(st.sampled_from("ABC")) for n in names}
    lpars = [lpar(n, start[n], 0.5, g, hpt_ratio=1 << 30, busy_units=data.draw(st.sampled_from((5, 60, 150))))
             for n, g in sizes.items()]
    room = {s: max(sum(sizes[n] for n in names if at[n] == s) for at in (start, final)) + data.draw(st.integers(0, 4))
            for s in "ABC"}
    rows = []
    if len(names) > 1 and data.draw(st.booleans()):
        pair = data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True))
        rows.append(policy(data.draw(st.sampled_from(("keep-apart", "cluster"))), "g", "; ".join(pair)))
    of = estate([exactly(server(s), [], 8, room[s] + len(names) / 1024) for s in "ABC"], lpars, rows)
    site, judge = judged(of)
    if judge.placement(final):
        return
    steps = serial_order(site, judge, site.start, final)
    table = timetable(site, judge, final, None, come_back=True, work_s=60)
    assert table.found is (steps is not None)
    plan = Plan(freeing(come_back=True), Status.FEASIBLE, "", moves=table.moves, work_s=60)
    if table.moves:
        played = replay(plan, site, judge)
        assert played.holds, [str(f) for f in played.findings]


def test_who_may_not_move_is_not_parked() -> None:
    """The one way that x and y can change places is to park one of them, or what stands on C."""
    x, y, z = lpar("x", "A", 2, 8), lpar("y", "B", 2, 8), lpar("z", "C", 2, 8)
    of = estate([exactly(server("A"), [x]), exactly(server("B"), [y]), exactly(server("C"), [z]),
                 exactly(server("D"), [z])], [x, y, z])
    site, judge = judged(changed_to_stay(of))
    final = site.start | {"x": "B", "y": "A"}
    assert serial_order(site, judge, site.start, final) is not None
    assert serial_order(site, judge, site.start, final, unmoved=("z",)) is None


def changed_to_stay(of: Estate) -> Estate:
    """x and y may be on A, B and C alone, z on C and D."""
    return of.replace(policies=(policy("fence", "x; y", "A; B; C"), policy("fence", "z", "C; D")))


def test_what_is_not_found_quickly_is_searched_thoroughly_and_never_called_impossible() -> None:
    """Answers are tried quickly one after the other; then thoroughly, the cheapest first."""
    asked: list[tuple[int, int]] = []

    class Stub:
        site = judged(BASE)[0]
        number = 0

        def solve(self, time_limit: float, gap: float) -> Answer:
            self.number += 1
            return Answer(Status.OPTIMAL, {"n": str(self.number)}, 0, 0.0)

        def refuse(self, answer: Answer) -> bool:
            return self.number < 3

    def timed(answer: Answer, states: int) -> Timetable:
        asked.append((int(answer.placement["n"]), states))
        return Timetable() if asked[-1] == (2, THOROUGH) else Timetable(reason="none was found")

    found = attempted(Stub(), Options(20), timed)
    assert asked == [(1, QUICK), (2, QUICK), (3, QUICK), (1, THOROUGH), (2, THOROUGH)]
    assert found.answer is not None and found.answer.placement == {"n": "2"}


def test_movers_that_share_no_server_are_put_in_order_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found on 1,000 servers: twelve pairs that change places, each by way of its own third server, were searched as one
    and no order was found within the bounded work."""
    from planner.schedule import order as module

    monkeypatch.setattr(module, "_PARKING_WORK", 20_000)
    names = [f"{side}{k:02d}" for k in range(12) for side in "ABC"]
    lpars = [lpar(f"p{s}", s, 2, 16) for s in names if s[0] != "C"]
    sizes = {s: [p for p in lpars if p.server == s] or [lpar("x", s, 2, 16)] for s in names}
    of = estate([exactly(server(s), sizes[s]) for s in names], lpars)
    final = {f"p{a}{k:02d}": f"{b}{k:02d}" for k in range(12) for a, b in ("AB", "BA")}
    steps = order(of, final)
    assert steps is not None and len(steps) == 36 and sum(s.parking for s in steps) == 12
    assert holds(of, steps)
