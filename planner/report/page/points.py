"""What is decided in the evening of a plan, each by its latest moment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from planner.plan.choices import BACK, OUT
from planner.plan.evening import Evening
from planner.plan.plan import Plan
from planner.report.decisions import turning_line
from planner.report.page.answer import Short, nights
from planner.report.text import between
from planner.report.turns import about, by, must_begin_ms, until
from planner.units import many, some

_NAMED = 6


class Decide(NamedTuple):
    """What is decided at a moment (ms of the plan; None: whenever): ``mark`` is ``end`` for the point of no return."""

    when: str
    what: str
    text: str
    ms: int | None = None
    mark: str = ""


def points(plan: Plan, short: Short, gates: int) -> list[Decide]:
    """The decisions by their moments, those of none last; ``gates``: how many assumptions are to be settled."""
    return sorted(_points(plan, short, gates), key=lambda d: math.inf if d.ms is None else d.ms)


def _points(plan: Plan, short: Short, gates: int) -> Iterator[Decide]:
    if not plan.moves:
        return
    first = min(m.start_ms for m in plan.moves)
    out, evening = plan.leg(OUT), plan.evening
    settled = f"; {many(gates, 'assumption')} settled" * bool(gates)
    yield Decide(about(plan, first), "Go or no-go",
                f"Go if: a fresh export verified today; {many(len(out or plan.moves), 'validation')} without an error; "
                f"movers and RMC active; backups taken; monitors silent{settled}.", first)
    if evening is not None and out:
        yield from _latest(plan, evening, short)
    if plan.leg(BACK) and (last := must_begin_ms(plan)) is not None:
        yield Decide(until(plan, last), "Point of no return", "The way back begins now, or not in this window. Not "
                    "begun: everyone stays where he is and runs, and comes home another night.", last, "end")
    if evening is not None and (turning := evening.turning) is not None:
        yield Decide("–" if turning.by_ms is None else until(plan, turning.by_ms), "Point of no return",
                     turning_line(plan, turning), turning.by_ms or first, "end")
    if evening is not None and evening.left_first:
        yield Decide("late?", "Who is left behind first",
                    f"{some(evening.left_first, _NAMED)}: they run as well where they are.")
    if out:
        stops = "" if evening is None or len(evening.safe_after) == len(out) else (
            f" Not in between: only after move {some(evening.safe_after, _NAMED)}.")
        yield Decide("any time", "Next safe stop", "Begin no further move; when those in the air have landed every "
                    f"LPAR is whole, wherever it is.{stops}")


def _latest(plan: Plan, evening: Evening, short: Short) -> Iterator[Decide]:
    """Of the way out: the latest start of its first and of its longest move, and of the work."""
    if evening.go_by_ms is None:
        return
    if evening.go_by_ms < 0:
        yield Decide("–", "No start is early enough", f"Not in {nights(evening.confidence)}: more people, a longer "
                    "window, a faster link or fewer LPARs.", 0)
        return
    yield Decide(f"≤ {until(plan, evening.go_by_ms)}", "Last start of the first move", "Later: not this night.",
                 evening.go_by_ms)
    longest = max(plan.leg(OUT), key=lambda m: m.duration_ms)
    drawn = next((r for r in evening.moves if r.number == longest.number), None)
    if drawn is not None and drawn.latest_ms is not None and len(plan.leg(OUT)) > 1:
        yield Decide(f"≤ {until(plan, drawn.latest_ms)}", f"Last start of {longest.lpar}, the longest move",
                    f"It begins {until(plan, drawn.early_ms)} to {by(plan, drawn.late_ms)} in 8 nights of 10. Later: "
                    "leave it, bring home who has left.", drawn.latest_ms)
    last = must_begin_ms(plan)
    if last is None or plan.back_from_s is not None or not plan.work_s or last <= 1000 * plan.work_s:
        return
    empty = f"{short(', '.join(plan.goal.freed))} empty, " if plan.goal.freed else "Way out over, "
    yield Decide(f"≤ {until(plan, last - 1000 * plan.work_s)}", f"{empty}{between(plan)} begins",
                f"In half of the nights {by(plan, evening.out.half_ms)}. Later: shorten the {between(plan)}, or turn "
                "round.", last - 1000 * plan.work_s)
