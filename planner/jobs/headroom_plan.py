"""Make headroom on a server: from a loaded estate and its usage to a verified plan, with the curve of its cost."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from planner.errors import UsageError
from planner.estate.assemble import Loaded
from planner.estate.saved import digest
from planner.findings import Finding, Severity, ordered
from planner.history.calendar import BUCKETS, Bucket, Calendar
from planner.jobs import headroom_figures as figures
from planner.jobs.attempt import Case, attempted, finished, impossible, unanswered
from planner.jobs.common import Options, assumptions, hours_between, told_first, zoned
from planner.jobs.homes import bringing_home
from planner.jobs.without_order import without_order
from planner.optimise.asked import checked_headroom, critical_here, spelt_as
from planner.optimise.headroom import CORES, MEMORY, CurveStep, HeadroomProblem, Most
from planner.optimise.stages import Answer
from planner.plan.choices import Status
from planner.plan.details import Further, HeadroomDetails, Largest, Point
from planner.plan.plan import Plan
from planner.plan.questions import Headroom
from planner.rules import Judge, Site
from planner.schedule.timetable import timetable
from planner.stopwatch import now
from planner.units import show_cores

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.jobs.peak_hours import UsageSpec

_POINTS = 12
_STEPS = (25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""Hundredths of a core between the points of the curve."""
_STEP_LIMIT_S = 5.0
_FURTHER = 3
"""Cores beyond what was asked whose price is told one by one."""


def headroom(loaded: Loaded, goal: Headroom, options: Options, usage: UsageSpec | None = None, *, curve: bool = True,
             progress: Callable[[str], None] | None = None) -> Plan:
    """Make headroom; ``usage`` of None counts entitlements alone. The way back is for after the period, or in its own
    window. ``curve``: also what each further core costs. ``progress`` is told what is being worked on.

    Raises UsageError and InputError for what cannot be asked, ReplayError for a plan that fails its replay.
    """
    tell, options = progress or (lambda text: None), zoned(options, loaded.estate, usage.zone() if usage else None)
    goal = _on_clocks(spelt_as(goal, loaded.estate), options, usage)
    used, basis = None, None
    if usage is not None:
        tell("usage history")
        used, basis = usage.read(loaded.estate, {*_away(goal, options, usage.calendar), *(goal.hours or BUCKETS)})
    goal = goal.replace(usage=basis)
    return bringing_home(goal, loaded.estate, used, checked_headroom, lambda goal, site: _planned(
        Case(loaded, site, Judge(site), options), goal, usage, tell, curve=curve))


def _planned(case: Case, goal: Headroom, usage: UsageSpec | None, tell: Callable[[str], None], *, curve: bool) -> Plan:
    """The plan that brings home whom the question names."""
    loaded, site, judge, options = case.loaded, case.site, case.judge, case.options
    problem = HeadroomProblem(site, judge, goal)
    said = [*told_first(loaded, site, options)]
    if not critical_here(goal, site):
        said.append(Finding("headroom.critical", Severity.WARNING, goal.server, "no LPAR on it is critical (none is "
                            "production, none named): all may leave", "name those that stay with --critical"))
    blank = _blank(loaded, site, goal, usage, options).replace(findings=tuple(said))
    tell("placement and order")
    tried = attempted(problem, options, lambda answer, states: timetable(
        site, judge, answer.placement, options.window, come_back=goal.come_back, work_s=blank.work_s or 0,
        back_from_s=blank.back_from_s or 0, unmoved=goal.unmoved, states=states),
        lambda table: not blank.replace(moves=table.moves).late(), proved=lambda: without_order(blank, site, judge))
    if tried.answer is not None and tried.answer.status is Status.INFEASIBLE:
        tell("why it is impossible")
        return _impossible(blank, problem, options)
    if tried.answer is None or tried.table is None:
        return unanswered(blank, tried, options)
    plan = finished(case, blank, tried.answer, tried.table)
    return _completed(plan, problem, tried.answer, options, tell, curve=curve)


def _away(goal: Headroom, options: Options, calendar: Calendar) -> Collection[Bucket]:
    """The hours in which the LPARs that leave stand elsewhere: from the way out to the end of the way back; all hours
    when they do not come back, or when nobody said when they leave or come back."""
    period, window, back = goal.period, options.window, options.back_window
    start = window.start if window else period.start if period else None
    end = back.end if back else period.end if period else None
    if not goal.come_back or start is None or end is None:
        return BUCKETS if not goal.come_back or period or goal.hours is None else goal.hours
    return hours_between(options, calendar, start, end)


def _on_clocks(goal: Headroom, options: Options, usage: UsageSpec | None) -> Headroom:
    """The question with the zone of its days, and with the hours of the history's clocks in which they fall."""
    period, hours = goal.period, goal.hours
    if period is None:
        return goal
    if usage is not None and hours is not None:
        hours = frozenset(hours_between(options, usage.calendar, period.start, period.end, hours))
    return goal.replace(period=period.replace(zone=options.zone), hours=hours)


def _blank(loaded: Loaded, site: Site, goal: Headroom, usage: UsageSpec | None, options: Options) -> Plan:
    work_s, back_from_s = _pause(goal, options)
    return Plan(goal=goal, status=Status.UNKNOWN, estate_digest=digest(loaded.estate), work_s=work_s,
                assumptions=(*assumptions(site, options), *_assumed(goal, usage, options)),
                window=options.window, back_window=options.back_window if goal.come_back else None,
                back_from_s=back_from_s)


def _pause(goal: Headroom, options: Options) -> tuple[int | None, int | None]:
    """(seconds between the legs, seconds from the window's start to the way back): one of them, where days are known.

    Raises UsageError for windows that overlap the period.
    """
    period, window, back = goal.period, options.window, options.back_window
    if window and period and window.end > period.start:
        raise UsageError(f"the window ends {window.end:%Y-%m-%d %H:%M}, after {goal.when} has begun: the LPARs must "
                         "have left before that")
    if not goal.come_back:
        return None, None
    if back and period and back.start < period.end:
        raise UsageError(f"the way back begins {back.start:%Y-%m-%d %H:%M}, before {goal.when} is over")
    if back and window is None:
        raise UsageError("--back-window needs --window: the plan's clock starts with the way out")
    begin = back.start if back else period.end if period else None
    if begin is None:
        return 0, None
    if window is None:
        return (int((begin - period.start).total_seconds()) if period else 0), None
    return 0, window.ms_to(begin) // 1000


def _assumed(goal: Headroom, spec: UsageSpec | None, options: Options) -> list[str]:
    out = [f"Critical LPARs (production, or named with --critical) stay; headroom is counted by {goal.by.value} for "
           f"{goal.when}."]
    if goal.period is None and options.back_window is None:
        out.append("Nobody said on which days the headroom is needed (--when 2026-11, --window): times of the way back "
                   "count as if it began when the way out is over.")
    if goal.period and options.window is None:
        out.append(f"The days of {goal.when} are those of the zone {options.zone or '(none known)'}, "
                   f"{options.zone_from}.")
    if spec is None:
        return [*out, "What is free is what nobody is entitled to."]
    out.append(f"Usage: at most the last {spec.months} months of the history, slot by slot of {spec.step_s // 60} "
               "minutes, "
               f"percentile {spec.percentile} of each LPAR in its hour of day and kind of day"
               + (f", {spec.growth_percent} % more than recorded" if spec.growth_percent else "")
               + "; the peak of the sum counts, not the sum of the peaks. Servers that take LPARs in are looked at in "
               "all hours in which these are there.")
    out.append("An LPAR is taken to use on another server what it used; more where that server's cores are slower by "
               "rPerf, not less where they are faster.")
    return out


def _impossible(blank: Plan, problem: HeadroomProblem, options: Options) -> Plan:
    most, memory = (problem.most(what, options.time_limit) for what in (CORES, MEMORY))
    plan = impossible(blank, problem.conflict(most, memory, options.time_limit))
    free = figures.free_on(problem.site, problem.goal, problem.goal.server, problem.site.start)
    return plan.replace(details=HeadroomDetails(free, _largest(most, memory)))


def _largest(most: Most, memory: Most | None) -> Largest:
    beside = (memory.amount, memory.status, memory.at_most) if memory else ()
    return Largest(most.amount, most.status, most.at_most, *beside)


def _completed(plan: Plan, problem: HeadroomProblem, answer: Answer, options: Options,
               tell: Callable[[str], None], *, curve: bool) -> Plan:
    site, goal = problem.site, problem.goal
    after = {**site.start, **answer.placement}
    now, then = (figures.free_on(site, goal, goal.server, where) for where in (site.start, after))
    servers = [goal.server, *sorted(set(answer.placement.values()))]
    details = HeadroomDetails(
        now, free_after=then, slots=figures.slots(site, goal, site.start, after),
        critical=figures.critical(site, goal, after), hours=figures.hours(site, servers, after),
        sum_of_peaks_after=figures.sum_of_peaks(site, goal, after))
    if curve:
        details = _with_curve(details, problem, plan, answer, options, tell)
    findings = [*plan.findings, *figures.warnings(site, goal, after)]
    return plan.replace(details=details, findings=ordered(dict.fromkeys(findings)))


def _with_curve(details: HeadroomDetails, problem: HeadroomProblem, plan: Plan, answer: Answer, options: Options,
                tell: Callable[[str], None]) -> HeadroomDetails:
    """With the most that can be had and the cost of each further core up to it, in no more than the time limit."""
    deadline = now() + options.time_limit

    def limit() -> float:
        return max(min(_STEP_LIMIT_S, deadline - now()), 0.05)

    tell("the most that can be had")
    most, memory = problem.most(CORES, limit()), problem.most(MEMORY, limit())
    asked = CurveStep(problem.goal.units, plan.status, round(1000 * (plan.objective or 0)), 1000 * (plan.bound or 0),
                 answer.placement)
    points = {asked.units: asked}
    problem.cuts.clear()
    grid = _grid(details.free_now.units_counted(problem.goal.by), asked.units, most.amount or asked.units)
    for number, units in enumerate(grid, 1):
        tell(f"what headroom costs: {number} of {len(grid)}")
        if units not in points and now() < deadline:
            points[units] = problem.step(units, limit(), options.gap)
    steps = [points[u] for u in sorted(points)]
    return replace(details, largest=_largest(most, memory), curve=tuple(_point(s, problem) for s in steps),
                   further_cores=tuple(_further(points, asked, most)))


def _grid(free: int, asked: int, most: int) -> list[int]:
    """Round amounts of cores from what is free to the most; always the next few cores after what was asked, and the
    most itself. In hundredths of a core."""
    near = [u for k in range(1, _FURTHER + 1) if (u := asked + 100 * k) <= most]
    first = max(free, 0)
    step = next((s for s in _STEPS if (most - first) // s <= _POINTS), _STEPS[-1])
    even = range(-(-first // step) * step, most + 1, step)
    return sorted({u for u in (*even, *near, most) if u > 0})


def _point(step: CurveStep, problem: HeadroomProblem) -> Point:
    ordered_moves = step.cost_ms is not None and timetable(problem.site, problem.judge, step.moves, None,
                                                           come_back=problem.goal.come_back,
                                                           unmoved=problem.goal.unmoved).found
    return Point(step.units, step.status, ordered_moves, cost_ms=step.cost_ms,
                 bound_s=None if step.bound_ms is None else step.bound_ms / 1000, moves=len(step.moves),
                 moved_mib=sum(problem.site.lpars[n].memory_mib for n in step.moves), lpars=tuple(sorted(step.moves)))


def _further(points: dict[int, CurveStep], asked: CurveStep, most: Most) -> list[Further]:
    """What each core beyond the asked ones adds to the cost, and where it ends; None where a cost is not known."""
    if most.status is Status.INFEASIBLE:
        return []
    out = []
    wanted = [asked.units + 100 * k for k in range(_FURTHER + 1)]
    for before, units in pairwise(wanted):
        if most.amount is not None and most.amount < units:
            if most.amount > before:
                out.append(_extra(points.get(before), points.get(most.amount), most.amount))
            proof = " (proved)" if most.status is Status.OPTIMAL else " that was found"
            out.append(Further(units, None, f"not to be had: {show_cores(most.amount)} cores is the most{proof}"))
            break
        out.append(_extra(points.get(before), points.get(units), units))
    return out


def _extra(before: CurveStep | None, here: CurveStep | None, units: int) -> Further:
    """What the step from one point to the next adds to the cost."""
    if before is None or here is None or before.cost_ms is None or here.cost_ms is None:
        return Further(units, None, "not found in time")
    proved = before.status is here.status is Status.OPTIMAL
    return Further(units, here.cost_ms - before.cost_ms,
                   "both costs proved" if proved else "of the best plans found, not proved")
