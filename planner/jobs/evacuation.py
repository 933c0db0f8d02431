"""Free servers: from a loaded estate to a verified plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.estate.assemble import Loaded
from planner.estate.saved import digest
from planner.history.calendar import BUCKETS, Bucket
from planner.jobs.attempt import Case, attempted, finished, unanswered
from planner.jobs.common import Options, assumptions, left_behind
from planner.optimise.asked import checked_evacuate
from planner.optimise.evacuate import EvacuationProblem
from planner.plan.choices import Status
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.schedule.timetable import timetable

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.jobs.peak_hours import UsageSpec


def evacuate(loaded: Loaded, goal: Evacuate, options: Options, usage: UsageSpec | None = None) -> Plan:
    """Free these servers; with ``usage`` so that the others carry what was used in the hours of the window, or at all
    times when nothing comes back in it.

    Raises UsageError for unknown names, InputError for a history that cannot be used, and ReplayError when the own
    plan fails its replay.
    """
    used, basis = (None, None) if usage is None else usage.read(loaded.estate, _together(goal, options, usage))
    site = Site(loaded.estate, usage=used, assume_nothing=options.assume_nothing)
    judge = Judge(site)
    goal = checked_evacuate(goal.replace(usage=basis, assume_nothing=options.assume_nothing), site)
    case = Case(loaded, site, judge, options)
    blank = _blank(loaded, site, goal, options)
    if used is not None:
        blank = blank.replace(findings=used.findings)
    found = attempted(EvacuationProblem(site, judge, goal), options,
                      lambda answer, states: timetable(site, judge, answer.placement, options.window,
                                               come_back=goal.come_back, work_s=options.work_s,
                                               unmoved=goal.unmoved, states=states))
    if found.answer is None or found.table is None:
        return unanswered(blank, found, options)
    return finished(case, blank, found.answer, found.table)


def _together(goal: Evacuate, options: Options, usage: UsageSpec) -> tuple[Bucket, ...]:
    """The hours in which the LPARs stand elsewhere."""
    window = options.window
    return usage.calendar.buckets_between(window.start, window.end) if window and goal.come_back else BUCKETS


def _blank(loaded: Loaded, site: Site, goal: Evacuate, options: Options) -> Plan:
    stays = [(n, site.start[n], "left on purpose: stop it with the server") for n in goal.leave]
    stays += left_behind(site, goal.servers)
    return Plan(goal=goal, status=Status.UNKNOWN, estate_digest=digest(loaded.estate),
                assumptions=assumptions(loaded.estate, options), window=options.window,
                work_s=options.work_s if goal.come_back else None, stays=tuple(stays))
