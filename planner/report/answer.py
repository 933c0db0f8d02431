"""How every paper begins: whether the evening holds, what the placement costs, what proves it."""

from __future__ import annotations

from typing import NamedTuple

from planner.plan.choices import Status
from planner.plan.plan import Plan, Window
from planner.report.text import level_line, windows
from planner.report.turns import by
from planner.units import many, show_minutes


class Verdict(NamedTuple):
    """``word``: in capitals, whether the evening holds; ``sentence``: with what; ``good``: whether it does."""

    word: str
    sentence: str
    good: bool


def verdict(plan: Plan) -> Verdict:
    """Whether the moves end in time, at the asked confidence where nights were drawn."""
    late = [(name, w) for name, w in windows(plan) if w.too_short]
    if late:
        return Verdict("DOES NOT FIT", "; ".join(_too_long(name, w) for name, w in late), good=False)
    evening, last = plan.evening, plan.window
    if evening is None or last is None:
        spare = [f"{name}: {show_minutes(w.spare_s or 0)} to spare" for name, w in windows(plan)]
        return Verdict("FITS" if spare else "PLANNED", "; ".join(spare) or _lengths(plan), good=True)
    ends = f"the window ends {last.end:%H:%M}"
    if plan.back_from_s is not None and evening.back is not None:
        home = plan.back_window
        ends = (f"the window of the way back ends {home.end:%a %H:%M}" if home else
                f"the window of the way out ends {last.end:%a %H:%M}")
    if evening.fits is False:
        return Verdict("TIGHT", f"in time in {100 * (evening.in_time or 0):.0f} nights of 100, "
                                f"{100 * evening.confidence:.0f} are asked for; {ends}", good=False)
    over = by(plan, (evening.back or evening.out).most_ms)
    ways = f"way out over by {by(plan, evening.out.most_ms)}, all by {over}, each" if (
        plan.back_from_s is not None and evening.back) else f"over by {over}"
    return Verdict("FITS", f"{ways} in 9 nights of 10; {ends}", good=True)


def _too_long(name: str, w: Window) -> str:
    return f"{show_minutes(-(w.spare_s or 0))} too long for the {name}, which ends {w.end:%a %H:%M}"


def _lengths(plan: Plan) -> str:
    return many(len(plan.moves), "move") if plan.moves else "nothing has to move"


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

