"""A timetable in lanes: each move begins when what it waits for is over, and the plan holds whatever the minutes are.

A plan is a partial order of its moves, found from a schedule by chaining (:mod:`planner.schedule.chain`); a lane is a
chain of it, what one person at one terminal does, one move after another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner.grouping import grouped
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Wait, Window
from planner.rules import Site
from planner.schedule.chain import Broken, Order, UnchainedError, chained
from planner.schedule.clock import Air
from planner.schedule.dispatch import ListOrder, Schedule, listed
from planner.schedule.flight import NO_MOVERS
from planner.schedule.leg import ANYTIME, AT_ONCE, Begins, Leg, leg_of
from planner.schedule.play import Played, played
from planner.schedule.search import WORK, best_of_lists, shortest
from planner.schedule.timetable import Timetable

_PACE = "the shortest order that was found has it so"
_MOST_MOVES = 3_000
"""Of a leg in lanes: longer ones stay in waves."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How moves are put in time: in barrier ``waves`` or lanes; so many ``people`` at a time (0: as many as the
    machines support); ``effort``: so many times the usual work on a short order; ``confidence``: the share of nights
    that must be over in time; ``bounded``: with what each leg takes at least; ``nights``: with how long it takes in
    nights as the spread has them."""

    waves: bool = False
    people: int = 0
    effort: float = 1.0
    confidence: float = 0.9
    bounded: bool = True
    nights: bool = True


IN_LANES = Pacing()


@dataclass(frozen=True, slots=True)
class _Way:
    """One leg in lanes."""

    leg: Leg
    schedule: Schedule
    order: Order
    course: Played
    begin_ms: int
    bound_s: float

    def ms(self, seconds: float) -> int:
        """A time of the leg in ms of the plan; rounded up, so that what begins at an end does."""
        return self.begin_ms + math.ceil(1000 * seconds - 1e-4)


def laned(site: Site, table: Timetable, window: Window | None, pacing: Pacing) -> Timetable:
    """The same moves in lanes, each leg no longer than in waves; the timetable itself where waves are asked for, or a
    leg has no lanes."""
    if pacing.waves or not table.moves:
        return table
    ways: list[_Way] = []
    before: list[Move] = []
    begins = AT_ONCE
    for name in (OUT, BACK):
        moves = sorted((m for m in table.moves if m.leg == name), key=lambda m: (m.start_ms, m.wave))
        way = _way(site, moves, before, begins, window, pacing, ways[0] if ways else None) if moves else None
        if way is not None:
            ways.append(way)
            before += moves
        elif moves:
            return table
        out_ms = way.ms(way.course.over) if way is not None else 0
        begins = Begins(max(out_ms + table.work_ms, table.back_from_ms), max(table.work_ms, table.back_from_ms))
    return replace(table, moves=_numbered(ways), bounds_s={w.leg.jobs[0].move.leg: w.bound_s for w in ways})


def way_home(site: Site, moves: Sequence[Move], window: Window | None, people: int) -> tuple[Move, ...]:
    """The way back of these moves, right after them, in lanes, by a quick search: no plan, its ports and ids are not
    chosen. Empty where none was found."""
    back = [Move(m.lpar, m.target, m.source, BACK, inactive=m.inactive) for m in reversed(moves)]
    over = max((m.end_ms for m in moves), default=0)
    leg = leg_of(site, back, moves, Begins(over, over), window, people)
    found = best_of_lists(leg, listed(leg, range(len(back))))
    if not back or found is None:
        return ()
    try:
        order = chained(leg, found)
    except UnchainedError:
        return ()
    course = played(leg, found.pair, order.after)
    return _numbered([_Way(leg, found, order, course, over, 0.0)], max(m.number for m in moves))


def _way(site: Site, moves: Sequence[Move], before: Sequence[Move], begins: Begins, window: Window | None,
         pacing: Pacing, other: _Way | None) -> _Way | None:
    """A leg in lanes; None where blackouts leave some move no time but that of its wave, it is too long, or no waits
    can be made of its times."""
    from planner.schedule.bound import Floors  # start-up: numpy

    if len(moves) > _MOST_MOVES:
        return None
    leg = leg_of(site, moves, before, begins, window, pacing.people)
    barrier = _barrier(leg)
    if barrier is None:
        return None
    first = barrier.choice if other is None else _mirrored(leg, other)
    floors = Floors(leg)
    found = shortest(leg, first, floors, round(WORK * pacing.effort))
    best = barrier if found is None or found.makespan > barrier.makespan else found
    try:
        order = chained(leg, best)
    except UnchainedError:
        return None
    course = played(leg, best.pair, order.after)
    return _Way(leg, best, order, course, begins.predicted_ms, floors.of_all() if pacing.bounded else 0.0)


def _barrier(leg: Leg) -> Schedule | None:
    """The waves that the moves come in, each as long as its moves take when shares change; None where some move may not
    begin then. With fewer people than a wave has moves, they go one by one."""
    n = len(leg.jobs)
    index = {name: k for k, name in enumerate(leg.movers)}
    pairs = [NO_MOVERS if job.move.inactive else (index[job.move.source_msp], index[job.move.target_msp])
             for job in leg.jobs]
    start, end, now, work = [0.0] * n, [0.0] * n, 0.0, 0
    for wave in _waves(leg):
        opens = max(leg.jobs[i].opens(now) for i in wave)
        if opens == math.inf or any(leg.jobs[i].opens(opens) != opens for i in wave):
            return None
        air, now = Air(leg), opens
        for i in wave:
            start[i] = now
            air.begin(i, pairs[i], now)
        for _ in wave:
            ended = air.next(now, math.inf)
            assert ended is not None
            now, i = ended
            end[i] = now
            air.finish(i)
        work += air.work
        now += leg.gap_s
    chosen = [job.pairs.index(pair) for job, pair in zip(leg.jobs, pairs, strict=True)]
    return Schedule(start, end, pairs, listed(leg, range(n), chosen), work)


def _waves(leg: Leg) -> list[list[int]]:
    """The moves by the wave that they come in; one by one where there are fewer people than some wave has moves."""
    waves = [*grouped((job.move.wave, i) for i, job in enumerate(leg.jobs)).values()]
    few = any(not gate.rule and gate.limit < max(map(len, waves)) for gate in leg.gates)
    return [[i] for wave in waves for i in wave] if few else waves


def _mirrored(leg: Leg, other: _Way) -> ListOrder:
    """The other leg backwards: who left last comes back first, over the same movers."""
    last = {job.move.lpar: k for k, job in enumerate(other.leg.jobs)}
    ends, names = other.schedule.end, other.leg.movers

    def over(lpar: str) -> tuple[str, str]:
        a, b = other.schedule.pair[last[lpar]]
        return ("", "") if (a, b) == NO_MOVERS else (names[b], names[a])

    order = sorted(range(len(leg.jobs)), key=lambda i: (
        -ends[last[leg.jobs[i].move.lpar]] if leg.jobs[i].move.lpar in last else 0.0, i))
    pairs = []
    for job in leg.jobs:
        wanted = over(job.move.lpar) if job.move.lpar in last else ("", "")
        pairs.append(next((k for k, (x, y) in enumerate(job.pairs) if (x, y) != NO_MOVERS and (
            leg.movers[x], leg.movers[y]) == wanted), -1))
    return listed(leg, order, pairs)


def _numbered(ways: Sequence[_Way], last: int = 0) -> tuple[Move, ...]:
    """The moves of all legs with numbers above ``last``, lanes and waits, in the order in which they begin."""
    out: list[Move] = []
    for way in ways:
        lane_of = {i: number for number, lane in enumerate(way.order.lanes, 1) for i in lane}
        order = sorted(range(len(way.leg.jobs)), key=lambda i: (way.ms(way.course.start[i]), lane_of[i]))
        led = way.order.led
        number = {i: k for k, i in enumerate(order, last + len(out) + 1)}
        depth = _depths(way.order, order)
        for i in order:
            waits = tuple(_wait(way, i, j, number[j], why) for j, why in way.order.after[i].items() if j != led.get(i))
            out.append(_move(way, i, number[i], lane_of[i], depth[i], waits))
    return tuple(out)


def _depths(order: Order, by_start: Sequence[int]) -> dict[int, int]:
    """1 more than the most moves that must be over one after the other before each."""
    depth: dict[int, int] = {}
    for i in by_start:
        depth[i] = 1 + max((depth[j] for j in order.after[i]), default=0)
    return depth


def _wait(way: _Way, i: int, j: int, number: int, why: Broken | None) -> Wait:
    """Why move i waits for j; where it does so for the sake of another that comes before or after both, for whose."""
    if why is None:
        return Wait(number, "ended", "", _PACE)
    told = why.why
    if why.counted:
        direct = i in why.takers and j in why.givers
        told = (f"needs {told} that {way.leg.jobs[j].move.lpar} leaves" if direct else
                f"so that those who come after it find {told}")
    elif why.whose is not None and why.whose not in (i, j):
        name = way.leg.jobs[why.whose].move.lpar
        told = f"for the sake of {name}" + (f", which{told.removeprefix(name)}" if told.startswith(f"{name} ") else
                                            f": {told}")
    return Wait(number, "arrived" if why.room else "ended", why.rule, told)


def _move(way: _Way, i: int, number: int, lane: int, depth: int, waits: tuple[Wait, ...]) -> Move:
    job, course, leg = way.leg.jobs[i], way.course, way.leg
    clear = job.starts is ANYTIME
    start, end = way.ms(course.start[i]), way.ms(course.end[i])
    low, high = next((way.ms(low), high) for low, high in job.starts if high >= course.start[i])
    a, b = way.schedule.pair[i]
    return replace(
        job.move, wave=depth, start_ms=start, duration_ms=end - start, suspend_ms=math.ceil(1000 * course.still_s[i]),
        bytes_sent=round(course.sent[i]), source_msp="" if a < 0 else leg.movers[a],
        target_msp="" if b < 0 else leg.movers[b], number=number, lane=lane, waits=waits,
        not_before_ms=None if clear or low <= leg.begins.earliest_ms else low,
        latest_ms=None if high == math.inf else way.ms(high))
