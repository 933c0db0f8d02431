"""Free servers: from a loaded estate to a verified plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from planner.estate.assemble import Loaded
from planner.estate.saved import digest
from planner.goals.evacuate import Evacuate, evacuate_goal
from planner.jobs.common import Options, assumptions, finished, unanswered
from planner.optimise.evacuate import Answer, EvacuationProblem
from planner.plan import Plan, Status
from planner.rules import Judge, Site
from planner.schedule.timetable import timetable

if TYPE_CHECKING:
    from planner.history.usage import Usage
    from planner.jobs.usage import UsageSpec

_TRIES = 12


def evacuate(loaded: Loaded, servers: Sequence[str], options: Options, leave: Sequence[str] = (),
             usage: UsageSpec | None = None) -> Plan:
    """Free these servers; with ``usage`` so that what is left carries what was used in the window's hours.

    Raises UsageError for unknown names, InputError for a history that cannot be used, and ReplayError when the own
    plan fails its replay.
    """
    used, kept = (None, None) if usage is None else _usage(loaded, usage, options)
    site = Site(loaded.estate, usage=used)
    judge = Judge(site)
    goal = evacuate_goal(site, servers, leave)
    deadline = time.monotonic() + options.time_limit
    problem = EvacuationProblem(site, judge, goal, come_back=options.come_back)
    blank = _blank(loaded, site, judge, goal, options)
    if used is not None:
        blank = blank.replace(goal={**blank.goal, "usage": kept}, findings=used.findings)
    reason = ""
    for _ in range(_TRIES):
        answer = problem.solve(max(deadline - time.monotonic(), 0.1), options.gap)
        if answer.status in (Status.INFEASIBLE, Status.UNKNOWN):
            return unanswered(blank, answer, reason, options)
        table = timetable(site, judge, answer.placement, options.window, come_back=options.come_back,
                          work_s=options.work_s)
        if table.found:
            return finished(blank, loaded, site, judge, answer, table, options)
        reason = table.reason
        problem.forbid(answer.placement)
        if time.monotonic() > deadline or not problem.cuts[-1]:
            break
    return unanswered(blank, Answer(Status.UNKNOWN, {}), reason, options)


def _usage(loaded: Loaded, spec: UsageSpec, options: Options) -> tuple[Usage, dict[str, Any]]:
    """The usage in the window's hours, and what of it the plan keeps; read only when asked for, since the store takes
    longer to import than a small plan to make."""
    from planner.jobs.usage import read_usage, window_period

    return read_usage(loaded.estate, spec, window_period(options.window, spec.calendar).buckets)


def _blank(loaded: Loaded, site: Site, judge: Judge, goal: Evacuate, options: Options) -> Plan:
    request: dict[str, Any] = {"kind": "evacuate", "servers": list(goal.servers)}
    if goal.leave:
        request["leave"] = list(goal.leave)
    if options.come_back:
        request["return"] = True
    stays = [(n, site.start[n], "left on purpose: stop it with the server") for n in goal.leave]
    stays += [(p.name, p.server, "not activated: holds nothing") for p in loaded.estate.lpars
              if p.server in goal.servers and not p.active]
    stays += [(v.name, s, "VIOS: goes down with the server") for s in goal.servers for v in site.vioses_on(s)]
    return Plan(goal=request, status=Status.UNKNOWN, estate_digest=digest(loaded.estate),
                assumptions=assumptions(loaded.estate, options), window=options.window,
                work_s=options.work_s if options.come_back else None, stays=tuple(stays))
