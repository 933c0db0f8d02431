"""Whether the usage that a plan counts is of the hours in which its LPARs stand elsewhere, and in which headroom is
needed: instants laid on the history's clocks, by its own arithmetic."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from planner.findings import Finding
from planner.history.calendar import BUCKETS, Bucket, Calendar, DayKind
from planner.history.zones import zone_of
from planner.plan.choices import BACK
from planner.plan.plan import Plan
from planner.plan.questions import Headroom
from planner.units import some
from planner.verify.base import broken

if TYPE_CHECKING:  # start-up: what reads a history
    from planner.history.usage import Usage

_YEAR_S = 366 * 86_400


def wrong_hours(plan: Plan, usage: Usage | None) -> Iterator[Finding]:
    """What is missing of the hours that count, by the clocks of the history at hand; without one nothing is told."""
    goal, basis = plan.goal, plan.goal.usage
    if basis is None or usage is None:
        return
    there = usage.clock.name
    if basis.zone and basis.zone != there:
        yield broken("plan.usage", "history", f"its clocks are those of {there}; the plan was made with a history of "
                     f"{basis.zone}", "give the history that the plan was made with")
    needed = _elsewhere(plan, zone_of(there), basis.calendar) if plan.moves else set()
    if isinstance(goal, Headroom):
        if goal.period and plan.window and plan.window.zone != goal.period.zone:
            yield broken("plan.usage", "plan", f"the window is of the zone {plan.window.zone or '(none)'}, the days in "
                         f"which headroom is needed of {goal.period.zone or '(none)'}")
        asked = set(BUCKETS) if goal.hours is None else set(goal.hours)
        needed |= asked
        yield from _missing(_month_end(goal, zone_of(there), basis.calendar), asked, there,
                            "in which headroom is needed")
    yield from _missing(needed, basis.hours, there, "in which its LPARs stand elsewhere or headroom is needed")


def _missing(needed: Collection[Bucket], counted: Collection[Bucket], zone: str, what: str) -> Iterator[Finding]:
    lost = sorted(set(needed) - set(counted), key=BUCKETS.index)
    if lost:
        hours = some([f"{b.hour:02d}:00 on days of kind {b.kind}" for b in lost], 3)
        yield broken("plan.usage", "plan", f"does not count what was used in {len(lost)} of the {len(needed)} hours "
                     f"{what}, on the history's clocks ({zone}): {hours}", "plan again")


def _seconds(clock: datetime, zone: str, other: tzinfo) -> int:
    """UTC seconds of a clock time; without a zone the clock is the ``other``."""
    return int(clock.replace(tzinfo=zone_of(zone) if zone else other).timestamp())


def _touched(start_s: int, end_s: int, zone: tzinfo, calendar: Calendar) -> Iterator[tuple[int, Bucket]]:
    """The quarters of an hour of a time, with the bucket that the clocks of a zone show."""
    for quarter in range(start_s // 900, -(-end_s // 900)):
        local = datetime.fromtimestamp(900 * quarter, zone)
        yield 900 * quarter, Bucket(calendar.kind(local.date()), local.hour)


def _elsewhere(plan: Plan, there: tzinfo, calendar: Calendar) -> set[Bucket]:
    """The buckets in which LPARs are away, as far as windows and days tell; all, where nobody comes back."""
    window, goal = plan.window, plan.goal
    asked = isinstance(goal, Headroom)
    period = goal.period if isinstance(goal, Headroom) else None
    first, last = window or period, plan.back_window or period or (None if asked else window)
    if not goal.come_back or (first is None and not asked):
        return set(BUCKETS)
    if first is None or last is None:
        return set()
    begin, end = _seconds(first.start, first.zone, there), _seconds(last.end, last.zone, there)
    leaves = min(m.start_ms for m in plan.moves) // 1000 if window else 0
    home = max((m.end_ms for m in plan.moves if m.leg == BACK), default=0) if window else 0
    end = min(end, begin - -home // 1000) if home else end
    if end - begin > _YEAR_S:
        return set(BUCKETS)
    return {bucket for _, bucket in _touched(begin + leaves, end, there, calendar)}


def _month_end(goal: Headroom, there: tzinfo, calendar: Calendar) -> set[Bucket]:
    """The buckets of the month-end days, as the plan's clocks have them, where these days are known."""
    if goal.period is None:
        return set()
    start, end = (_seconds(t, goal.period.zone, there) for t in (goal.period.start, goal.period.end))
    here = zone_of(goal.period.zone) if goal.period.zone else there
    return {bucket for at, bucket in _touched(start, min(end, start + _YEAR_S), there, calendar)
            if calendar.kind(datetime.fromtimestamp(at, here).date()) is DayKind.MONTH_END}
