"""Make room on a server: from a loaded estate and its usage to a verified plan, with the curve of what room costs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from planner.errors import UsageError
from planner.estate.assemble import Loaded
from planner.estate.saved import digest
from planner.findings import Finding, Severity, ordered
from planner.goals.headroom import By, Headroom, headroom_goal
from planner.jobs import headroom_figures as figures
from planner.jobs.common import Options, assumptions, finished, unanswered
from planner.optimise.evacuate import Answer
from planner.optimise.headroom import CORES, MEMORY, HeadroomProblem, Most, Step
from planner.plan import Plan, Status, Window
from planner.rules import Judge, Site
from planner.schedule.timetable import timetable
from planner.units import show_cores

if TYPE_CHECKING:
    from planner.jobs.usage import Period, UsageSpec

_TRIES = 12
_POINTS = 12
_STEPS = (25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""Hundredths of a core between the points of the curve."""
_STEP_LIMIT_S = 5.0
_FURTHER = 3
"""Cores beyond what was asked whose price is told one by one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: room on ``server`` in ``period``; ``usage`` of None counts entitlements alone.

    ``by`` of None: both ways where there is usage. The way back is for after the period, or in ``back_window``.
    """

    server: str
    units: int
    memory_mib: int
    period: Period
    critical: tuple[str, ...] = ()
    by: By | None = None
    usage: UsageSpec | None = None
    back_window: Window | None = None
    curve: bool = True


def headroom(loaded: Loaded, request: Request, options: Options) -> Plan:
    """Make room. Raises UsageError and InputError for what cannot be asked, ReplayError for a plan that fails."""
    from planner.jobs.usage import read_usage

    usage, kept = (None, None) if request.usage is None else read_usage(loaded.estate, request.usage,
                                                                        request.period.buckets)
    site = Site(loaded.estate, usage=usage)
    judge = Judge(site)
    by = request.by or (By.ENTITLEMENT if usage is None else By.BOTH)
    goal = headroom_goal(site, request.server, request.units, request.memory_mib, request.critical, by)
    deadline = time.monotonic() + options.time_limit
    problem = HeadroomProblem(site, judge, goal, come_back=options.come_back)
    blank = _blank(loaded, site, goal, request, kept, options)
    said = list(usage.findings) if usage else []
    if not goal.here(site):
        said.append(Finding("headroom.critical", Severity.WARNING, goal.server, "no LPAR on it is critical (none is "
                            "production, none named): all may leave", "name those that stay with --critical"))
    blank = blank.replace(findings=tuple(said))
    reason = ""
    for _ in range(_TRIES):
        answer = problem.solve(max(deadline - time.monotonic(), 0.1), options.gap)
        if answer.status is Status.INFEASIBLE:
            return _impossible(blank, problem, options)
        if answer.status is Status.UNKNOWN:
            return unanswered(blank, answer, reason, options)
        table = timetable(site, judge, answer.placement, options.window, come_back=options.come_back,
                          work_s=blank.work_s or 0, back_from_s=blank.back_from_s or 0)
        if table.found:
            plan = finished(blank, loaded, site, judge, answer, table, options)
            return _completed(plan, problem, answer, request, options)
        reason = table.reason
        problem.forbid(answer.placement)
        if time.monotonic() > deadline or not problem.cuts[-1]:
            break
    return unanswered(blank, Answer(Status.UNKNOWN, {}), reason, options)


def _blank(loaded: Loaded, site: Site, goal: Headroom, request: Request, usage: dict[str, Any] | None,
           options: Options) -> Plan:
    asked: dict[str, Any] = {"kind": "headroom", "server": goal.server, "cores": goal.units / 100,
                             "memory_gib": goal.memory_mib / 1024, "by": goal.by.value, "when": request.period.text,
                             "critical": goal.here(site)}
    if usage is not None:
        asked["usage"] = usage
    if options.come_back:
        asked["return"] = True
    work_s, back_from_s = _pause(request, options)
    return Plan(goal=asked, status=Status.UNKNOWN, estate_digest=digest(loaded.estate), work_s=work_s,
                assumptions=(*assumptions(loaded.estate, options), *_assumed(goal, request)), window=options.window,
                back_window=request.back_window if options.come_back else None, back_from_s=back_from_s)


def _pause(request: Request, options: Options) -> tuple[int | None, int | None]:
    """(seconds between the legs, seconds from the window's start to the way back): one of them, where days are known.

    Raises UsageError for windows that overlap the period.
    """
    period, window, back = request.period, options.window, request.back_window
    if window and period.start and window.end > period.start:
        raise UsageError(f"the window ends {window.end:%Y-%m-%d %H:%M}, after {period.text} has begun: the LPARs must "
                         "have left before that")
    if not options.come_back:
        return None, None
    if back and period.end and back.start < period.end:
        raise UsageError(f"the way back begins {back.start:%Y-%m-%d %H:%M}, before {period.text} is over")
    if back and window is None:
        raise UsageError("--back-window needs --window: the plan's clock starts with the way out")
    begin = back.start if back else period.end
    if begin is None:
        return 0, None
    if window is None:
        return (int((begin - period.start).total_seconds()) if period.start else 0), None
    return 0, int((begin - window.start).total_seconds())


def _assumed(goal: Headroom, request: Request) -> list[str]:
    out = [f"Critical LPARs (production, or named with --critical) stay; room is counted by {goal.by.value} for "
           f"{request.period.text}."]
    if request.period.start is None and request.back_window is None:
        out.append("Nobody said on which days the room is needed (--when 2026-11, --window): times of the way back "
                   "count as if it began when the way out is over.")
    spec = request.usage
    if spec is None:
        out.append("No usage history was given: what is free is what nobody is entitled to.")
        return out
    out.append(f"Usage: the last {spec.months} months of the history, slot by slot of {spec.step_s // 60} minutes, "
               f"percentile {spec.percentile} of each LPAR in its hour of day and kind of day"
               + (f", {spec.growth_percent} % more than recorded" if spec.growth_percent else "")
               + "; the peak of the sum counts, not the sum of the peaks.")
    out.append("An LPAR is taken to use on another server what it used; more where that server's cores are slower by "
               "rPerf, not less where they are faster.")
    return out


def _impossible(blank: Plan, problem: HeadroomProblem, options: Options) -> Plan:
    most = problem.most(CORES, options.time_limit)
    answer = Answer(Status.INFEASIBLE, {}, conflict=problem.conflict(most, options.time_limit))
    plan = unanswered(blank, answer, "", options)
    room = figures.room_of(problem.site, problem.goal, dict(problem.site.start))
    return plan.replace(details={"free_now": room.json(), "largest": _largest(problem, most, None)})


def _largest(problem: HeadroomProblem, most_cores: Most, most_memory: Most | None) -> dict[str, Any]:
    out: dict[str, Any] = {"cores": None if most_cores.amount is None else most_cores.amount / 100,
                           "cores_status": most_cores.status.value,
                           "cores_at_most": None if most_cores.at_most is None else most_cores.at_most / 100}
    if most_memory is not None:
        out |= {"memory_gib": None if most_memory.amount is None else most_memory.amount / 1024,
                "memory_status": most_memory.status.value,
                "memory_at_most_gib": None if most_memory.at_most is None else most_memory.at_most / 1024}
    return out


def _completed(plan: Plan, problem: HeadroomProblem, answer: Answer, request: Request, options: Options) -> Plan:
    site, goal = problem.site, problem.goal
    after = {**site.start, **answer.placement}
    now, then = (figures.room_of(site, goal, where) for where in (dict(site.start), after))
    details: dict[str, Any] = {"free_now": now.json(), "free_after": then.json(),
                               "slots": figures.slots(site, dict(site.start), after),
                               "critical": figures.critical(site, goal, after),
                               "hours": figures.hours(site, [goal.server, *sorted(set(answer.placement.values()))],
                                                      after),
                               "sum_of_peaks_after": figures.sum_of_peaks(site, goal.server, after)}
    if request.curve:
        details |= _curve(problem, now, answer, options)
    found = [*plan.findings, *figures.warnings(site, goal, after)]
    return plan.replace(details=details, findings=ordered(dict.fromkeys(found)))


def _curve(problem: HeadroomProblem, now: figures.Room, answer: Answer, options: Options) -> dict[str, Any]:
    """The most that can be had, and the cost of each further core up to it."""
    limit = min(options.time_limit, _STEP_LIMIT_S)
    most, memory = problem.most(CORES, limit), problem.most(MEMORY, limit)
    asked = Step(problem.goal.units, answer.status, answer.objective_ms, answer.bound_ms, answer.placement)
    points = {asked.units: asked}
    for units in _grid(now.units_counted(problem.goal.by), asked.units, most.amount or asked.units):
        if units not in points:
            points[units] = problem.step(units, limit, options.gap)
    steps = [points[u] for u in sorted(points)]
    return {"largest": _largest(problem, most, memory), "curve": [_point(s, problem.site) for s in steps],
            "further_cores": _further(points, asked, most)}


def _grid(free: int, asked: int, most: int) -> list[int]:
    """Round amounts of cores from what is free to the most; always the next few cores after what was asked, and the
    most itself. In hundredths of a core."""
    near = [u for k in range(1, _FURTHER + 1) if (u := asked + 100 * k) <= most]
    first = max(free, 0)
    step = next((s for s in _STEPS if (most - first) // s <= _POINTS), _STEPS[-1])
    even = range(-(-first // step) * step, most + 1, step)
    return sorted({u for u in (*even, *near, most) if u > 0})


def _point(step: Step, site: Site) -> dict[str, Any]:
    seconds = None if step.cost_ms is None else step.cost_ms / 1000
    gib = sum(site.lpars[n].memory_mib for n in step.moves) / 1024
    return {"cores": step.units / 100, "status": step.status.value, "cost_s": seconds,
            "bound_s": None if step.bound_ms is None else step.bound_ms / 1000, "moves": len(step.moves),
            "moved_gib": gib, "lpars": sorted(step.moves)}


def _further(points: dict[int, Step], asked: Step, most: Most) -> list[dict[str, Any]]:
    """What each core beyond the asked ones adds to the cost, and where it ends; None where a cost is not known."""
    out = []
    wanted = [asked.units + 100 * k for k in range(_FURTHER + 1)]
    for before, units in pairwise(wanted):
        if most.amount is not None and most.amount < units:
            if most.amount > before:
                out.append(_extra(points.get(before), points.get(most.amount), most.amount))
            proof = " (proved)" if most.status is Status.OPTIMAL else " that was found"
            out.append({"cores": units / 100, "extra_s": None,
                        "why": f"not to be had: {show_cores(most.amount)} cores is the most{proof}"})
            break
        out.append(_extra(points.get(before), points.get(units), units))
    return out


def _extra(before: Step | None, here: Step | None, units: int) -> dict[str, Any]:
    """What the step from one point to the next adds to the cost."""
    if before is None or here is None or before.cost_ms is None or here.cost_ms is None:
        return {"cores": units / 100, "extra_s": None, "why": "not found in time"}
    proved = before.status is here.status is Status.OPTIMAL
    return {"cores": units / 100, "extra_s": (here.cost_ms - before.cost_ms) / 1000,
            "why": "both costs proved" if proved else "of the best plans found, not proved"}
