"""How every paper begins: whether the evening holds, what the placement costs, what proves it."""

from __future__ import annotations

from typing import NamedTuple

from planner.plan.choices import Status
from planner.plan.plan import Plan, Window
from planner.plan.questions import Resume
from planner.report.text import level_line, windows
from planner.report.turns import by
from planner.units import many, show_minutes, some


class Verdict(NamedTuple):
    """``word``: in capitals, whether the evening holds; ``sentence``: with what; ``good``: whether it does."""

    word: str
    sentence: str
    good: bool


def verdict(plan: Plan) -> Verdict:
    """Whether the moves end in time, at the asked confidence where nights were drawn; who has to be recovered before
    the rest can be planned."""
    found, goal = in_time(plan), plan.goal
    if not isinstance(goal, Resume) or not goal.stuck:
        return found
    rest = f"; what is planned until then {found.word}: {found.sentence}" if plan.moves else ""
    return Verdict("RECOVER FIRST", f"{some(goal.stuck)}, then resume again{rest}", good=False)


def in_time(plan: Plan) -> Verdict:
    """Whether the moves that are planned end in time."""
    late = [(name, w) for name, w in windows(plan) if w.too_short]
    if late:
        said = "; ".join(_too_long(name, w) for name, w in late)
        return Verdict("DOES NOT FIT", f"{said}; {_over(plan)}" if plan.evening else said, good=False)
    evening, last = plan.evening, plan.window
    if evening is None or last is None:
        spare = [f"{name}: {show_minutes(w.spare_s or 0)} to spare as predicted" for name, w in windows(plan)]
        return Verdict("FITS" if spare else "PLANNED", "; ".join(spare) or _lengths(plan), good=True)
    ends = f"the window ends {last.end:%H:%M}"
    if plan.back_from_s is not None and evening.back is not None:
        home = plan.back_window
        ends = (f"the window of the way back ends {home.end:%a %H:%M}" if home else
                f"the window of the way out ends {last.end:%a %H:%M}")
    if evening.fits is False:
        share = evening.in_time or 0.0
        return Verdict("TIGHT" if share >= _TIGHT_FROM else "DOES NOT FIT",
                       f"in time in {100 * share:.0f} nights of 100, {100 * evening.confidence:.0f} are asked for: "
                       f"{_over(plan)}, {ends}", good=False)
    return Verdict("FITS", f"{_over(plan)}; {ends}", good=True)


_TIGHT_FROM = 0.5
"""The share of nights in time below which a window is not called tight any more."""


def _over(plan: Plan) -> str:
    """``over by Sun 02:55 in 9 nights of 10``."""
    if plan.evening is None:
        return "as predicted"
    over = by(plan, (plan.evening.back or plan.evening.out).most_ms)
    if plan.back_from_s is None or plan.evening.back is None:
        return f"over by {over} in 9 nights of 10"
    return f"way out over by {by(plan, plan.evening.out.most_ms)}, all by {over}, each in 9 nights of 10"


def _too_long(name: str, w: Window) -> str:
    return f"as predicted {show_minutes(-(w.spare_s or 0))} too long for the {name}, which ends {w.end:%a %H:%M}"


def _lengths(plan: Plan) -> str:
    """How many moves, and how long they take together where no window is asked about."""
    if not plan.moves:
        return "nothing has to move"
    moves, evening = many(len(plan.moves), "move"), plan.evening
    if evening is None:
        return f"{moves}, over about {show_minutes(plan.total_s)} after the first begins"
    most = by(plan, (evening.back or evening.out).most_ms).lstrip("+")
    return f"{moves}, over {most} after the first begins in 9 nights of 10"


def proof(plan: Plan) -> list[str]:
    """How good the placement is, and whether that is proved: a line, or one a level. What a placement costs is points
    (seconds of moving weighted by risk, docs/cost-model.md), which are no time."""
    if plan.levels:
        return [f"{plan.status.value.upper()}", *map(level_line, plan.levels)]
    if plan.status is Status.OPTIMAL and plan.objective == plan.bound:
        return [f"OPTIMAL: no other placement costs less than these {plan.objective:,.0f} points (proved)"]
    if plan.status is Status.OPTIMAL:
        return [f"OPTIMAL within the gap asked for: {plan.objective:,.0f} points, no placement costs less than "
                f"{plan.bound:,.0f} (gap {100 * (plan.gap or 0):.2f} %)"]
    return [f"FEASIBLE: {plan.objective:,.0f} points, not proved: none costs less than {plan.bound:,.0f} "
            f"(gap {100 * (plan.gap or 0):.2f} %)"]

