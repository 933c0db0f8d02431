"""The evening's decisions in words: when it is over in most nights, and until when what can be decided."""

from __future__ import annotations

from collections.abc import Iterator

from planner.plan.choices import BACK, OUT
from planner.plan.evening import Evening, NightSpread, Turning
from planner.plan.plan import Plan
from planner.plan.questions import Resume, Whatif
from planner.report.turns import about, by, until
from planner.units import show_minutes, some

_NO_WAY_BACK = "No way back was asked for (--return plans one)"
_NAMED = 6
"""LPARs, and safe stops, that a line names at most."""


def spreads(plan: Plan) -> Iterator[str]:
    """When each way is over in how many nights, and how many are over in time."""
    evening = plan.evening
    if evening is None:
        return
    yield (f"Of {evening.nights} nights drawn, with {evening.people} people at the checklists, the moves {OUT} are "
           f"over {_spread(plan, evening.out)}")
    if evening.back:
        yield f"The way back is over {_spread(plan, evening.back)}"
    if evening.in_time is not None:
        yield (f"In time in {100 * evening.in_time:.0f} of 100 nights; {100 * evening.confidence:.0f} are asked for.")


def moments(plan: Plan) -> Iterator[str]:
    """Until when what must be decided, and what to do when it gets late."""
    evening = plan.evening
    if evening is None:
        return
    if evening.in_time is not None:
        yield from _in_time(plan, evening)
    elif not plan.leg(BACK) and not isinstance(plan.goal, Resume | Whatif):
        yield f"{_NO_WAY_BACK}; with --window as well its point of no return is worked out."
    if evening.safe_after:
        yield from _late(plan, evening)


def _spread(plan: Plan, spread: NightSpread) -> str:
    return (f"by {by(plan, spread.half_ms)} in half of them, by {by(plan, spread.most_ms)} in 9 of 10, by "
            f"{by(plan, spread.nearly_all_ms)} in 97 of 100.")


def _in_time(plan: Plan, evening: Evening) -> Iterator[str]:
    if evening.go_by_ms is not None:
        yield ("No start is early enough for that." if evening.go_by_ms < 0 else
               f"Go or no-go: the first move begins by {until(plan, evening.go_by_ms)}, or not this night.")
    if evening.work_by_ms is not None:
        yield (f"Point of no return: what is between the ways must be over by {until(plan, evening.work_by_ms)}; later "
               "the way back does not fit." if evening.work_by_ms >= max((m.end_ms for m in plan.leg(OUT)), default=0)
               else "Point of no return: before the first move; the way back does not fit, however short the work.")
    if evening.turning is not None:
        yield turning_line(plan, evening.turning)
    if evening.slack_ms is not None and evening.slack_ms > 0:
        yield f"The work may take {show_minutes(evening.slack_ms / 1000)} longer than planned."


def turning_line(plan: Plan, turning: Turning) -> str:
    """Until when somebody could still turn round who has planned no way back."""
    if turning.barred:
        return (f"{_NO_WAY_BACK}, and as the estate is today there is none for {some(turning.barred, _NAMED)}: rules "
                "refuse it.")
    took = show_minutes(turning.back_s or 0)
    if turning.by_ms is not None:
        return (f"{_NO_WAY_BACK}. Point of no return: all that has moved would be home in time if that began by "
                f"{until(plan, turning.by_ms)} ({took} are counted for it).")
    if not turning.after:
        return f"{_NO_WAY_BACK}. Point of no return: the first move; once it has begun no way back fits the window."
    following = next(m for m in plan.leg(OUT) if m.number == turning.after + 1)
    return (f"{_NO_WAY_BACK}. Point of no return: move {following.number} (about "
            f"{about(plan, following.start_ms)}); up to move {turning.after} all that has moved would be home in "
            f"time ({took} are counted for it).")


def _late(plan: Plan, evening: Evening) -> Iterator[str]:
    """What to do when it gets late."""
    out = [m.number for m in plan.leg(OUT)]
    stops = ("any move" if len(evening.safe_after) == len(out) else
             f"move {', '.join(map(str, evening.safe_after[:_NAMED]))}"
             + (" and later ones" if len(evening.safe_after) > _NAMED else ""))
    yield (f"If it gets late: begin no further move, let those under way end; after {stops} everything is whole. Left "
           f"where they are first: {some(evening.left_first, _NAMED)}.")
