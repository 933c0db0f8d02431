"""The night of a plan to scale, as text; from when to when a lane is at work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from planner.plan.choices import BACK, OUT
from planner.plan.evening import MoveRange, NightSpread
from planner.plan.plan import Move, Plan, Window
from planner.report.turns import about_span, by, must_begin_ms, until
from planner.units import show_minutes

_WIDTH, _TICK, _TICK_SPAN, _CLOCK = 96, 10, 15, len("22:00")
"""Characters of the drawn night; between two of its hours at least, and where these are spans."""
_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 10_080, 43_200)
MOST_LANES = 12
"""Lanes of a way that are shown one by one."""


class _Bar(NamedTuple):
    """A line of the night: from its start to its end in half of the nights, and to that in 9 of 10."""

    label: str
    start_ms: int
    half_ms: int
    most_ms: int
    mark: str = "="


def drawings(plan: Plan) -> Iterator[str]:
    """The night to scale; two where the way back is another."""
    if not plan.moves:
        return
    if plan.back_from_s is None:
        yield _drawn(plan, (OUT, BACK), plan.window, 0)
        return
    for leg, w in ((OUT, plan.window), (BACK, plan.back_window)):
        if plan.leg(leg):
            start = plan.window.ms_to(w.start) if plan.window and w else min(m.start_ms for m in plan.leg(leg))
            yield _drawn(plan, (leg,), w, start)


def _drawn(plan: Plan, legs: tuple[str, ...], window: Window | None, start: int) -> str:
    bars = [bar for leg in legs for bar in _bars(plan, leg)]
    limit = None if window is None or plan.window is None else plan.window.ms_to(window.end)
    end = max(max(b.most_ms for b in bars), limit or 0)
    last = must_begin_ms(plan) if BACK in legs else None
    per = max((end - start) / _WIDTH, 1.0)
    margin = 2 + max(len("limits"), *(len(b.label) for b in bars))

    def at(ms: int) -> int:
        return min(max(round((ms - start) / per), 0), _WIDTH)

    lines = [" " * margin + hour_scale(plan, start, end, _WIDTH)]
    for b in bars:
        whole = b.mark * max(at(b.half_ms) - at(b.start_ms), 1)
        lines.append(f"{b.label:<{margin}}{' ' * at(b.start_ms)}{whole}{'~' * (at(b.most_ms) - at(b.half_ms))}")
    limits = [" "] * (_WIDTH + 1)
    for ms, mark in ((limit, "|"), (last, "!")):
        if ms is not None:
            limits[at(ms)] = mark
    if limit is not None:
        lines.append(f"{'limits':<{margin}}{''.join(limits).rstrip()}")
    nights = "= to its end in half of the nights, ~ in 9 of 10" if plan.evening else "= as predicted"
    work = ", # what is between the ways" * any(b.mark == "#" for b in bars)
    return "\n".join([*lines, f"{nights}{work}{', ! point of no return' * (last is not None)}"
                      f"{', | end of the window' * (limit is not None)}"])


def hour_scale(plan: Plan, start: int, end: int, wide: int) -> str:
    """The hours above a night (ms of the plan) that is drawn in so many letters, each at its place; the last one, which
    is moved in where it would run out, instead of one that it would touch."""
    clock, per = plan.clock(start), max((end - start) / wide, 1.0)
    tick, last = (_TICK_SPAN, wide) if clock is None else (_TICK, wide - _CLOCK)
    step = next((m for m in _STEPS_MIN if m * 60_000 / per >= tick), _STEPS_MIN[-1]) * 60_000
    ahead = 0 if clock is None else (clock.hour * 60 + clock.minute) * 60_000 % step
    out = before = ""
    for ms in range(start + (-ahead) % step, end + 1, step):
        then = plan.clock(ms)
        hour = f"{then:%H:%M}" if then else f"+{show_minutes((ms - start) / 1000)}"
        at = min(round((ms - start) / per), last)
        out, before = (before if len(out) >= at else out).ljust(at) + hour, out
    return out


def _bars(plan: Plan, leg: str) -> Iterator[_Bar]:
    moves = plan.leg(leg)
    if not moves:
        return
    ranges = _ranges(plan)
    lanes = plan.lanes(leg) if plan.in_lanes else []
    if 0 < len(lanes) <= MOST_LANES:
        yield from (_lane(f"{leg}, lane {n}", chain, ranges) for n, chain in lanes)
    else:
        yield _lane(f"way {leg}", moves, ranges, _spread(plan, leg))
    if leg == OUT and plan.work_s and plan.back_from_s is None:
        spread = _spread(plan, OUT)
        over = max(m.end_ms for m in moves) if spread is None else spread.half_ms
        yield _Bar("work", over, over + 1000 * plan.work_s, over + 1000 * plan.work_s, "#")


def _spread(plan: Plan, leg: str) -> NightSpread | None:
    return None if plan.evening is None else plan.evening.out if leg == OUT else plan.evening.back


def _lane(label: str, moves: Sequence[Move], ranges: Mapping[int, MoveRange], spread: NightSpread | None = None
          ) -> _Bar:
    start, end = min(m.start_ms for m in moves), max(m.end_ms for m in moves)
    if spread is not None:
        return _Bar(label, start, spread.half_ms, spread.most_ms)
    drawn = [ranges[m.number] for m in moves if m.number in ranges]
    if not drawn:
        return _Bar(label, start, end, end)
    most = max(r.over_ms for r in drawn)
    return _Bar(label, min(r.early_ms for r in drawn), max(r.half_ms or r.over_ms for r in drawn), most)


def about_nights(plan: Plan, moves: Sequence[Move]) -> str:
    """``22:03 to Sun 00:06 in 9 nights of 10``; as predicted where no night was drawn."""
    drawn = [r for m in moves if (r := _ranges(plan).get(m.number))]
    if not drawn:
        return f"about {about_span(plan, tuple(moves))}"
    early, over = min(r.early_ms for r in drawn), max(r.over_ms for r in drawn)
    return f"{until(plan, early)} to {by(plan, over)} in 9 nights of 10"


def _ranges(plan: Plan) -> dict[int, MoveRange]:
    return {r.number: r for r in plan.evening.moves} if plan.evening else {}
