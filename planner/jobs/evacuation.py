"""Free servers: from a loaded estate to a verified plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.estate.assemble import Loaded
from planner.estate.saved import digest
from planner.findings import Finding, Severity
from planner.history.calendar import BUCKETS, Bucket
from planner.jobs.attempt import Case, attempted, finished, unanswered
from planner.jobs.common import Options, assumptions, hours_between, left_behind, told_first, zoned
from planner.jobs.homes import bringing_home
from planner.optimise.asked import checked_evacuate, displaced, spelt_as, survivors
from planner.optimise.evacuate import EvacuationProblem
from planner.plan.choices import Status
from planner.plan.details import Conflict
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.schedule.timetable import timetable

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.history.usage import Usage
    from planner.jobs.peak_hours import UsageSpec


def evacuate(loaded: Loaded, goal: Evacuate, options: Options, usage: UsageSpec | None = None) -> Plan:
    """Free these servers; with ``usage`` so that the others carry what was used in the hours of the window, or at all
    times when nothing comes back in it.

    Raises UsageError for unknown names, InputError for a history that cannot be used, and ReplayError when the own
    plan fails its replay.
    """
    options, goal = zoned(options, loaded.estate, usage.zone() if usage else None), spelt_as(goal, loaded.estate)
    used, basis = (None, None) if usage is None else usage.read(loaded.estate, _together(goal, options, usage))
    return evacuate_with(loaded, goal.replace(usage=basis), options, used)


def evacuate_with(loaded: Loaded, goal: Evacuate, options: Options, used: Usage | None) -> Plan:
    """The same with usage that was read, as ``goal.usage`` says; names spelt as the estate has them."""
    return bringing_home(goal, loaded.estate, used, checked_evacuate,
                         lambda goal, site: _planned(loaded, site, goal, options),
                         lambda goal, site: (displaced(goal, site), survivors(goal, site)))


def _planned(loaded: Loaded, site: Site, goal: Evacuate, options: Options) -> Plan:
    """The plan that brings home whom the question names."""
    judge = Judge(site)
    blank = _blank(loaded, site, goal, options)
    blank = blank.replace(findings=(*told_first(loaded, site, options), *_unstated(goal)))

    def proved() -> Conflict | None:
        from planner.jobs.without_order import without_order  # start-up: most questions have an order

        return without_order(blank, site, judge)

    tried = attempted(EvacuationProblem(site, judge, goal), options,
                      lambda answer, states: timetable(site, judge, answer.placement, options.window,
                                               come_back=goal.come_back, work_s=options.work_s,
                                               unmoved=goal.unmoved, states=states),
                      proved=proved)
    if tried.answer is None or tried.table is None:
        return unanswered(blank, tried, options)
    return finished(Case(loaded, site, judge, options), blank, tried.answer, tried.table)


def _unstated(goal: Evacuate) -> list[Finding]:
    """That the firmware may be another when everybody comes home, where nobody said which."""
    unknown = [s for s in goal.servers if s not in goal.firmware_after] if goal.come_back else []
    return [Finding("plan.firmware-after", Severity.WARNING, ", ".join(unknown), "no level after the work was stated: "
                    "the way back is judged with today's", "if the work brings new firmware, say which: "
                    f"--firmware-after {unknown[0]}=LEVEL")] if unknown else []


def _together(goal: Evacuate, options: Options, usage: UsageSpec) -> tuple[Bucket, ...]:
    """The hours in which the LPARs stand elsewhere."""
    window = options.window
    if window is None or not goal.come_back:
        return BUCKETS
    return hours_between(options, usage.calendar, window.start, window.end)


def _blank(loaded: Loaded, site: Site, goal: Evacuate, options: Options) -> Plan:
    left = ("runs on: its paths have another VIOS" if goal.stays_up else "left on purpose: stop it with the server")
    stays = [(n, site.start[n], left) for n in goal.leave if n in site.start]
    stays += left_behind(site, goal.servers, stays_up=goal.stays_up)
    return Plan(goal=goal, status=Status.UNKNOWN, estate_digest=digest(loaded.estate),
                assumptions=assumptions(site, options), window=options.window,
                work_s=options.work_s if goal.come_back else None, stays=tuple(stays))
