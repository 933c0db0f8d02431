"""What a plan in lanes says of a move's turn: when it may start, about when that is, and who waits for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from planner.estate.model import Estate
from planner.grouping import grouped
from planner.plan.choices import BACK, OUT
from planner.plan.evening import MoveRange
from planner.plan.plan import Move, Plan
from planner.units import many, show_duration, show_minutes

ROUGH_FROM_S = 600
"""Seconds from which on a predicted time of several moves is told in whole minutes."""
_STATES = {"arrived": "has arrived", "ended": "is over"}


class Turns:
    """The moves of a plan in lanes, and who goes before whom."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.numbered = {m.number: m for m in plan.moves}
        self.before_in_lane = {b.number: a for leg in (OUT, BACK) for _, moves in plan.lanes(leg)
                               for a, b in pairwise(moves)}
        """Number of a move → the move before it in its lane."""
        self._after = grouped([*((a.number, self.numbered[n]) for n, a in self.before_in_lane.items()),
                               *((n, m) for m in plan.moves for n in m.waits_for)])

    def needs(self, move: Move) -> list[str]:
        """What must be so before a move may start, in words; none for one that begins its way."""
        before = self.before_in_lane.get(move.number)
        out = []
        if before and before.number not in move.waits_for:
            out.append(f"{before.lpar} ({before.number}, this lane) is over")
        for wait in move.waits:
            other = self.numbered[wait.move]
            where = "this lane" if other is before else f"lane {other.lane}"
            out.append(f"{other.lpar} ({other.number}, {where}) {_STATES[wait.until]}"
                       + (f": {wait.why}" if wait.why else ""))
        if move.not_before_ms is not None:
            out.append(f"it is {about(self.plan, move.not_before_ms)}: not before that")
        return out

    def held_back(self, move: Move) -> list[Move]:
        """The next in its lane and those that wait for it: held back where it fails, as what comes after them may need
        what it was to leave, and waits for it through them alone."""
        return sorted(set(self._after.get(move.number, ())), key=lambda m: m.number)


def start_order(plan: Plan, leg: str) -> list[Move]:
    """The moves of a leg in the order in which they are predicted to start."""
    return sorted(plan.leg(leg), key=lambda m: (m.number, m.wave))


def ids_before(plan: Plan, estate: Estate) -> dict[Move, int | None]:
    """Move → its LPAR's partition id until then."""
    now, own = {p.name: p.lpar_id for p in estate.lpars}, {}
    for m in (*start_order(plan, OUT), *start_order(plan, BACK)):
        own[m] = now.get(m.lpar)
        now[m.lpar] = m.target_id
    return own


def lane_name(move: Move) -> str:
    """``3``, of the way back ``3 back``."""
    return f"{move.lane}{' back' * (move.leg == BACK)}"


def about(plan: Plan, ms: int) -> str:
    """A predicted moment to the minute: ``22:08``, on another day than the first ``Sun 00:23``, with the date where the
    way back is another night; ``+8 min`` without a window."""
    clock = plan.clock(round(ms / 60_000) * 60_000)
    if clock is None or plan.window is None:
        return f"+{show_minutes(ms / 1000)}"
    day = "" if clock.date() == plan.window.start.date() else "%a " if plan.back_from_s is None else "%a %Y-%m-%d "
    return f"{clock:{day}%H:%M}"


def by(plan: Plan, ms: int) -> str:
    """The minute by whose begin that is over."""
    return about(plan, math.ceil(ms / 60_000) * 60_000)


def until(plan: Plan, ms: int) -> str:
    """The last whole minute that is not later."""
    return about(plan, math.floor(ms / 60_000) * 60_000)


def hour(plan: Plan, leg: str, ms: int) -> str:
    """The same without the day, where the way's window is no longer than one."""
    w, told = plan.limit(leg), until(plan, ms)
    return told if w is None or w.length_s > 86_400 else told.rpartition(" ")[2]


def middle(plan: Plan, moves: Iterable[Move] | None = None) -> dict[Move, tuple[int, int]]:
    """Each move's begin and end (ms): in half of the nights, checklists and all, where nights were drawn; else as
    predicted. It is the one clock that people are shown."""
    drawn = {} if plan.evening is None else {r.number: r for r in plan.evening.moves}
    return {m: _in_half(m, drawn.get(m.number)) for m in (plan.moves if moves is None else moves)}


def _in_half(m: Move, drawn: MoveRange | None) -> tuple[int, int]:
    if drawn is None:
        return m.start_ms, m.end_ms
    if drawn.begun_ms is not None and drawn.half_ms is not None:
        return drawn.begun_ms, drawn.half_ms
    start = (drawn.early_ms + drawn.late_ms) // 2
    return start, start + m.duration_ms


def about_span(plan: Plan, moves: list[Move] | tuple[Move, ...]) -> str:
    """``22:00 to 22:46``, ``Sun 00:02 to 00:40``: about when the first of them starts and the last is over."""
    spans = middle(plan, moves).values()
    start, end = about(plan, min(begin for begin, _ in spans)), about(plan, max(end for _, end in spans))
    day = start.rpartition(" ")[0]
    return f"{start} to {end.removeprefix(f'{day} ') if plan.window else end}"


def lanes_tally(plan: Plan, leg: str) -> str:
    """``20 moves out in 5 lanes, about 46 min, at least 42 min``; where nights were drawn it says that these are the
    moves alone."""
    alone = "" if plan.evening is None else "the moves alone "
    return (f"{many(len(plan.leg(leg)), 'move')} {leg} in {many(len(plan.lanes(leg)), 'lane')}, "
            f"{alone}{about_length(plan, leg)}")


def about_length(plan: Plan, leg: str) -> str:
    """``about 46 min, at least 42 min``: what a way is predicted to take, and what no order of it can undercut;
    ``about 3 min, the shortest there is`` where that is the same."""
    span, least = plan.leg_span_s(leg), plan.at_least_s.get(leg)
    bound = "" if not least else f", at least {_roughly(least, math.floor(least / 60))}"
    bound = ", the shortest there is" if least and plan.shortest(leg) else bound
    return f"about {_roughly(span, math.ceil(span / 60))}{bound}"


def _roughly(seconds: float, minutes: int) -> str:
    return show_duration(seconds) if seconds < ROUGH_FROM_S else show_minutes(60 * minutes)


def must_begin_ms(plan: Plan) -> int | None:
    """The last minute in which the way back may begin to be over by the end of its window, in as many nights as are
    asked for, or at its predicted pace; None where there is no way back, no window, or no such moment left."""
    end, back = plan.must_end_ms(BACK), plan.leg(BACK)
    if not back or end is None:
        return None
    predicted = end - round(1000 * plan.leg_span_s(BACK))
    drawn = None if plan.evening is None else plan.evening.work_by_ms
    last = (predicted if drawn is None else drawn) // 60_000 * 60_000
    return last if last >= min(m.start_ms for m in back) else None


def reasons(move: Move) -> str:
    """Why it waits: ``3 has arrived: needs the room that …; 7 is over``."""
    return "; ".join(f"{w.move} {_STATES[w.until]}" + (f": {w.why}" if w.why else "") for w in move.waits)


def numbers(moves: Iterable[int]) -> str:
    """``3, 7``."""
    return ", ".join(map(str, moves))
