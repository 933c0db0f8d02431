"""List scheduling by hand: who begins when, over which movers, and what each waits for; and the numbers of a leg."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import pytest
from estates import AS_UNDER_IVM, BASE, changed, estate, lpar, move, policy, server, stating

from planner.cost import state_bytes
from planner.estate.model import Estate, Parameter
from planner.plan.plan import Window
from planner.plan.questions import Evacuate
from planner.rules import Site
from planner.schedule.dispatch import Dispatch, Schedule, listed
from planner.schedule.leg import ANYTIME, Begins, Leg, leg_of
from planner.verify.clock import Traffic

NIGHT = Window(dt.datetime(2026, 12, 5, 22), dt.datetime(2026, 12, 6, 4))
FOUR = estate([server("A"), server("B"), server("C")], [lpar(f"a{n}", "A", 0.5, 4, busy_units=0) for n in range(4)])
"""Four alike that dirty nothing: 45 s, 55.25 s of copying alone on their movers, 0.5 s of standstill."""
ALONE = 45.5 + state_bytes(4096, 4096) / 79e6


def leg(of: Estate = FOUR, count: int = 4, people: int = 0, window: Window | None = None, begins: Begins | None = None,
        **parameters: float) -> Leg:
    site = Site(of.replace(parameters=(*AS_UNDER_IVM, *(Parameter(k, v) for k, v in parameters.items()))))
    moves = [move(of, f"a{n}", "A", "B") for n in range(count)]
    return leg_of(site, moves, begins=begins or Begins(), window=window, people=people)


def run(of: Leg, order: tuple[int, ...] = (0, 1, 2, 3), give_up: float = math.inf, caps: tuple[int, ...] = ()) -> Schedule:
    found = Dispatch(of, listed(of, order, caps=caps)).run(give_up)
    assert found is not None
    return found


def test_each_takes_the_movers_on_which_it_is_fastest() -> None:
    """Two over each pair of movers, A-v1 and B-v1, A-v2 and B-v2, all at once at half the rate."""
    of = leg()
    assert of.movers == ["A-v1", "A-v2", "B-v1", "B-v2"] and of.limit == [4, 4, 4, 4]
    found = run(of, (2, 0, 1, 3))
    assert [found.pair[i] for i in (2, 0, 1, 3)] == [(0, 2), (1, 3), (0, 2), (1, 3)]
    assert found.start == [0, 0, 0, 0] and found.end == pytest.approx([2 * ALONE - 45.5] * 4)
    assert found.makespan == max(found.end) and found.value == pytest.approx(1.01 * found.makespan)


@pytest.mark.parametrize(("people", "gap"), [(1, 0.0), (1, 30.0), (2, 0.0), (2, 30.0)])
def test_so_many_at_a_time_as_there_are_people_and_a_gap_after_each(people: int, gap: float) -> None:
    found = run(leg(people=people, wave_gap_s=gap), (3, 1, 0, 2))
    for place, i in enumerate((3, 1, 0, 2)):
        assert found.start[i] == pytest.approx(place // people * (ALONE + gap))
        assert found.end[i] == pytest.approx(found.start[i] + ALONE)


def test_as_many_as_the_movers_carry_and_the_server_takes_part_in() -> None:
    """Caps of one flight a mover; then three of the server; then one mover alone."""
    found = run(leg(), caps=(1, 1, 1, 1))
    assert found.start == pytest.approx([0, 0, ALONE, ALONE]) and found.pair == [(0, 2), (1, 3)] * 2
    found = run(leg(), caps=(1, 0, 1, 0))
    assert found.start == pytest.approx([n * ALONE for n in range(4)]) and set(found.pair) == {(0, 2)}
    three = run(leg(changed(FOUR, "B", max_migrations=3)))
    assert sorted(three.start)[:3] == [0, 0, 0] and sorted(three.start)[3] == pytest.approx(min(three.end))
    gates = leg(changed(FOUR, "B", max_migrations=3)).gates
    assert [(g.rule, g.limit, sorted(g.members)) for g in gates] == [("timing.server-limit", 3, [0, 1, 2, 3])]
    assert leg(changed(FOUR, "B", max_migrations=4)).gates == []


def test_a_gap_is_over_while_another_still_flies() -> None:
    """a0 of 8 GiB and a1 of 4 begin, each over movers of its own; a2 when a1 is over and 10 s have passed."""
    found = run(leg(changed(FOUR, "a0", memory_mib=8192, max_memory_mib=8192), people=2, wave_gap_s=10.0))
    assert found.start[:3] == pytest.approx([0.0, 0.0, ALONE + 10]) and found.end[0] > ALONE + 10


def test_who_begins_after_a_gap_slows_those_that_still_fly() -> None:
    """All over one pair of movers: each takes as long as the clock of the replay makes of the starts and ends."""
    of = leg(changed(FOUR, "a0", memory_mib=8192, max_memory_mib=8192), people=2, wave_gap_s=10.0)
    found = run(of, caps=(4, 0, 4, 0))
    moves = [replace(job.move, start_ms=round(1000 * start), duration_ms=round(1000 * (end - start)), source_msp="A-v1",
                     target_msp="B-v1") for job, start, end in zip(of.jobs, found.start, found.end, strict=True)]
    assert found.start[2] == pytest.approx(found.end[1] + 10) and found.start[2] < found.end[0]
    for m in moves:
        assert Traffic(moves, of.site).course(m).duration_s == pytest.approx(m.duration_ms / 1000, abs=0.01)


def test_who_finds_a_mover_of_its_target_full_begins_when_that_has_room() -> None:
    found = run(leg(), caps=(4, 0, 1, 0))
    assert found.start == pytest.approx([n * ALONE for n in range(4)])
    fast = changed(changed(changed(FOUR, "A-v1", link_mbit=10_000), "A-v2", link_mbit=10_000), "a0", busy_units=98)
    made = leg(fast, 3)
    assert made.jobs[0].most[0, 2][0] > made.jobs[0].most[0, 2][1] == 2
    late = Dispatch(made, listed(made, (1, 2, 0), pairs=(0, 0, 0))).run()
    assert late is not None and late.start[0] == pytest.approx(min(late.end[1:])) and late.start[1:] == [0.0, 0.0]


def test_a_schedule_that_ends_too_late_is_given_up() -> None:
    of = leg(people=1)
    assert Dispatch(of, listed(of, (0, 1, 2, 3))).run(4 * ALONE - 0.01) is None
    assert run(of, give_up=4 * ALONE + 0.01).makespan == pytest.approx(4 * ALONE)


def test_a_heartbeat_bears_nobody_beside_it_and_a_busy_one_so_many_as_it_converges_with() -> None:
    """At 79 MB/s two halves are enough for 19.75 MB/s that are dirtied, three thirds are not for 13.2."""
    busy = changed(changed(FOUR, "a0", busy_units=98), "a1", busy_units=66)
    of = leg(busy)
    assert [set(job.most.values()) for job in of.jobs] == [{(2, 2)}, {(2, 2)}, {(4, 4)}, {(4, 4)}]
    assert set(leg(changed(FOUR, "a0", busy_units=65)).jobs[0].most.values()) == {(3, 3)}
    assert set(leg(changed(FOUR, "a0", software=("PowerHA 7.2",))).jobs[0].most.values()) == {(1, 1)}


def test_a_flight_bears_on_each_mover_what_that_one_carries() -> None:
    made = leg(changed(FOUR, "B-v1", max_migrations=2))
    assert made.limit == [4, 4, 2, 4] and made.jobs[3].most == {(0, 2): (4, 2), (1, 2): (4, 2), (0, 3): (4, 4), (1, 3): (4, 4)}
    assert replace(made.jobs[0], starts=((0.0, 5.0),)).opens(5.001) == math.inf


def test_nodes_of_a_cluster_never_fly_together_and_who_leaves_makes_way() -> None:
    of = leg(stating(FOUR, policy("cluster", "db", "a0; a2")))
    assert [sorted(never) for never in of.never] == [[2], [], [0], []] and of.must == [{}, {}, {}, {}]
    found = run(of, caps=(1, 1, 1, 1))
    assert found.start[:2] == [0, 0] and found.start[2] >= found.end[0]


@pytest.mark.parametrize(("hours", "begins", "spans"), [
    ("daily 21:00/22:00", Begins(), [(0.0, 82_800)]),
    ("daily 22:00/22:10", Begins(), [(600.0, 86_400)]),
    ("daily 22:10/23:00", Begins(), [(0.0, 600.0), (3600.0, 87_000)]),
    ("daily 22:10/23:00", Begins(60_000, 0), [(-60.0, 540.0), (3540.0, 86_940)]),
    ("2026-12-05 22:00/2026-12-05 23:00", Begins(), [(3600.0, math.inf)]),
    ("2026-12-05 21:00/2026-12-05 22:00", Begins(), [(0.0, math.inf)])])
def test_a_move_begins_where_it_touches_no_blackout_however_slow_it_is(hours: str, begins: Begins,
                                                                       spans: list[tuple[float, float]]) -> None:
    """At the slowest four share each mover: 45.5 s and four times 55.25. ``spans``: from when, and the blackout after it."""
    slow = math.ceil(1000 * (45.5 + 4 * (ALONE - 45.5))) / 1000
    of = leg(stating(FOUR, policy("blackout", "a0", hours)), window=NIGHT, begins=begins)
    assert [job.starts for job in of.jobs[1:]] == [ANYTIME] * 3
    told = [(low, high - slow) for low, high in spans]
    starts = of.jobs[0].starts
    assert [x for span in starts[:len(spans)] for x in span] == pytest.approx([x for span in told for x in span])
    assert (len(starts) == 1) is (told[-1][1] == math.inf)
    assert [of.jobs[0].opens(now) for now in (told[0][0], *(low for low, _ in told))] == [told[0][0], *(low for low, _ in told)]
    if told[0][1] < math.inf:
        assert of.jobs[0].opens(starts[0][1]) == starts[0][1] and of.jobs[0].opens(starts[0][1] + 0.001) == starts[1][0]


def test_who_takes_off_in_a_blackout_waits_for_its_end() -> None:
    of = leg(stating(FOUR, policy("blackout", "a0", "daily 22:00/22:10"), policy("blackout", "a3", "daily 22:03/22:30")), window=NIGHT)
    found = run(of)
    assert found.start == pytest.approx([600.0, 0.0, 0.0, 1800.0])
    assert run(of, (3, 0, 1, 2)).start == found.start


SWAP = estate([server("A", 4, 12), server("B", 4, 12), server("C", 4, 12)],
              [lpar("a0", "A", 0.5, 4, busy_units=0), lpar("b0", "B", 0.5, 4, busy_units=0)])


def test_who_needs_room_begins_when_it_is_free_and_takes_nothing_that_others_need() -> None:
    """12 GiB less 1 of firmware and 4.25 for two VIOSes: room for one of 4 GiB. b0 leaves B for C, then a0 comes."""
    site = Site(SWAP.replace(parameters=AS_UNDER_IVM))
    of = leg_of(site, [move(SWAP, "b0", "B", "C"), move(SWAP, "a0", "A", "B")])
    (memory,) = of.counts
    assert (memory.rule, memory.server, memory.what) == ("memory.capacity", "B", "the memory")
    assert memory.slack < 4096 + 64 <= memory.slack + of.jobs[0].gives[0][1]
    assert of.jobs[1].takes == of.jobs[0].gives and not of.jobs[0].takes and not of.jobs[1].gives
    for order in ((0, 1), (1, 0)):
        found = run(of, order)
        assert found.start == pytest.approx([0.0, ALONE])


CROWDED = estate([server("A", 8, 12), server("B", 8, 16), server("C", 8, 64), server("D", 8, 16)],
                 [lpar(n, at, 0.5, 4, busy_units=0) for n, at in (
                     ("y", "A"), ("z", "B"), ("x", "C"), ("w", "C"), ("t", "C"), ("u", "D"))])
"""A has room for one LPAR, B and D for two: y goes to B, then z to A, then x to B; w to D, then u to C, then t to D."""
PATHS = {"y": "AB", "z": "BA", "x": "CB", "w": "CD", "u": "DC", "t": "CD"}


@pytest.mark.parametrize(("order", "at_once"), [("yzxwut", True), ("xyztwu", True), ("ywzuxt", True), ("xtuwzy", False)])
def test_nobody_takes_the_room_without_which_others_are_stuck(order: str, at_once: bool) -> None:
    """x at once on B: y could not come, z not go to A, and nothing went on. What leaves while they fly is counted.

    Whether all still goes is tried in the order of the list: before y flies, x in it is in the way of t too, which waits.
    """
    site = Site(CROWDED.replace(parameters=AS_UNDER_IVM))
    names = list(PATHS)
    of = leg_of(site, [move(CROWDED, n, *PATHS[n], source_msp="", target_msp="") for n in names])
    assert {(c.rule, c.server) for c in of.counts} == {("memory.capacity", s) for s in "ABD"}
    found = run(of, tuple(names.index(n) for n in order))
    start = dict(zip(names, found.start, strict=True))
    end = dict(zip(names, found.end, strict=True))
    assert start["y"] == 0 and start["z"] == end["y"] and start["x"] == end["z"]
    assert start["u"] == 0 and (min(start["w"], start["t"]) == 0) is at_once
    assert max(start["w"], start["t"]) == end["u"]


def test_what_several_leave_is_enough_for_a_large_one_and_nobody_waits_for_its_sake() -> None:
    """p and q may not leave A before 23:00, and g of 8 GiB needs the room of both; k comes to B when m has left it."""
    of = estate([server("A", 8, 16), server("B", 8, 12), server("C", 8, 64)], [
        lpar(n, at, 0.5, gib, busy_units=0) for n, at, gib in (("p", "A", 4), ("q", "A", 4), ("m", "B", 4), ("k", "C", 4), ("g", "C", 8))],
        [policy("blackout", n, "daily 22:00/23:00") for n in "pq"])
    ways = {"p": "AC", "q": "AC", "m": "BC", "k": "CB", "g": "CA"}
    made = leg_of(Site(of.replace(parameters=AS_UNDER_IVM)), [move(of, n, *way) for n, way in ways.items()], window=NIGHT)
    assert {(c.rule, c.server) for c in made.counts} == {("memory.capacity", "A"), ("memory.capacity", "B")}
    found = run(made, (0, 1, 2, 3, 4))
    assert found.start == pytest.approx([3600, 3600, 0, ALONE, max(found.end[:2])])


def test_over_a_chosen_pair_and_no_more_beside_it_than_it_bears() -> None:
    """a0 is busy and bears one beside it on the gigabit of A; on the ten of B it would bear more."""
    of = changed(changed(changed(FOUR, "B-v1", link_mbit=10_000), "B-v2", link_mbit=10_000), "a0", busy_units=98)
    made = leg(of, 3)
    assert set(made.jobs[0].most.values()) == {(2, 3)} and made.jobs[0].pairs == ((0, 2), (0, 3), (1, 2), (1, 3))
    found = Dispatch(made, listed(made, (1, 2, 0), pairs=(0, 0, 0))).run()
    assert found is not None and found.pair == [(0, 2)] * 3
    assert found.start[1:] == [0.0, 0.0] and found.start[0] == pytest.approx(min(found.end[1:]))
    other = Dispatch(made, listed(made, (0, 1, 2), pairs=(3, 1, -1))).run()
    assert other is not None and other.pair[:2] == [(1, 3), (0, 3)]


def test_what_is_done_together_is_no_part_of_the_rest() -> None:
    """a0 and a1 between A and B, c0 and d0 between C and D; a gate or an order makes them one."""
    of = estate([server(s) for s in "ABCD"], [lpar(n, n[0].upper(), 0.5, 4) for n in ("a0", "a1", "c0", "c1")])
    moves = [move(of, "a0", "A", "B"), move(of, "c0", "C", "D"), move(of, "a1", "A", "B"), move(of, "c1", "C", "D")]
    apart = leg_of(Site(of), moves)
    assert apart.parts() == [[0, 2], [1, 3]]
    assert leg_of(Site(of), moves, people=3).parts() == [[0, 1, 2, 3]]
    clustered = leg_of(Site(stating(of, policy("cluster", "db", "a1; c1"))), moves)
    assert clustered.parts() == [[0, 1, 2, 3]]
    part = leg_of(Site(stating(of, policy("cluster", "db", "c0; c1"))), moves).part([1, 3])
    assert [job.move.lpar for job in part.jobs] == ["c0", "c1"] and [sorted(n) for n in part.never] == [[1], [0]]
    gated = leg_of(Site(changed(changed(of, "A", max_migrations=1), "C", max_migrations=1)), moves).part([1, 3])
    assert [(sorted(g.members), g.limit) for g in gated.gates] == [([0, 1], 1)] and gated.gates_of == [[0], [0]]


def test_one_that_is_not_activated_takes_its_seconds_over_no_mover() -> None:
    goal = Evacuate(servers=("A",), inactive=True)
    of = changed(FOUR, "a0", state="not activated", never_activated=False)
    site = Site(of.replace(parameters=(*AS_UNDER_IVM, Parameter("inactive_s", 77.0))), goal=goal)
    made = leg_of(site, [move(of, "a0", "A", "B", inactive=True, source_msp="", target_msp=""), move(of, "a1", "A", "B")])
    assert made.jobs[0].pairs == ((-1, -1),) and made.jobs[0].load.overhead_s == 77.0
    assert run(made, (0, 1)).end == pytest.approx([77.0, ALONE])
    few = changed(changed(of, "a1", state="not activated", never_activated=False), "B", max_inactive_migrations=1)
    asleep = [move(few, n, "A", "B", inactive=True, source_msp="", target_msp="") for n in ("a0", "a1")]
    gated = leg_of(Site(few.replace(parameters=(Parameter("inactive_s", 77.0),)), goal=goal), asleep)
    assert [(g.rule, g.limit) for g in gated.gates] == [("timing.inactive-limit", 1)]
    assert run(gated, (1, 0)).start == [77.0, 0.0]


def test_priorities_and_the_size_that_is_carried() -> None:
    of = stating(changed(changed(BASE, "a1", working_set_mib=100, max_memory_mib=16_384, busy_units=50), "a2", working_set_mib=10**6),
                 policy("priority", "a2", "3"))
    made = leg_of(Site(of.replace(parameters=AS_UNDER_IVM)), [move(of, n, "A", "B") for n in ("a1", "a2")])
    assert [job.rank for job in made.jobs] == [1_000_000, 3]
    one, two = (job.load for job in made.jobs)
    assert (one.volume, one.working_set, one.dirtied, one.overhead_s) == (state_bytes(8192, 16_384), 100 * 2**20, 10e6, 45.0)
    assert two.working_set == two.volume == state_bytes(4096, 4096)
