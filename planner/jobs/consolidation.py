"""Empty servers and switch them off: from a loaded estate to a verified plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.estate.assemble import Loaded
from planner.estate.saved import digest
from planner.findings import Finding, Severity, ordered
from planner.history.calendar import BUCKETS, Bucket
from planner.jobs import energy as accounts
from planner.jobs.attempt import Attempt, Case, attempted, in_lanes, interrupted, unanswered
from planner.jobs.common import (
    PROVED,
    Options,
    assumptions,
    checked_plan,
    hours_between,
    left_behind,
    told_first,
    zoned,
)
from planner.jobs.energy import Meter, Terms
from planner.jobs.homes import bringing_home
from planner.jobs.stays_on import why_on
from planner.jobs.without_order import without_order
from planner.optimise.asked import checked_consolidate, spelt_as
from planner.optimise.consolidation import Consolidation, ConsolidationProblem, Elsewhere, OnCluster
from planner.optimise.judging import Judged, Judging
from planner.optimise.measure import Scale, scale_of
from planner.optimise.placement import move_cost_ms
from planner.plan.choices import BACK, OUT, Measure, Status
from planner.plan.plan import Level, Plan, Window
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site
from planner.schedule.exact import small
from planner.schedule.order import QUICK, THOROUGH, goes_straight
from planner.schedule.timetable import Timetable, timetable
from planner.stopwatch import now, stopped

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.cluster import Cluster
    from planner.jobs.peak_hours import UsageSpec

_ROUNDS = 6
_JUDGING, _BUILDING = 0.5, 0.3
"""Shares of the time that is left for asking the rules, and then for a plan by construction."""
_REST_S, _OF_TIMETABLE, _MORE, _SAMPLE = 0.2, 4.0, 1.5, 150
"""Seconds of what follows the search beside what grows with the moves: timetable, replay and reports take so many times
as long as a timetable of so many times the moves of a plan by construction, as measured on some of them."""
_SPARE_S = 1800
"""Seconds that the way back of a weekend has to spare at its end, where the weekend is long enough."""


@dataclass(frozen=True, slots=True)
class ConsolidationCase(Case):
    """``goal`` as it was asked; ``busy``: mean thousandths of a core by LPAR where a history measured them;
    ``elsewhere``: where components are answered, if not here."""

    goal: Consolidate
    terms: Terms
    busy: Mapping[str, int]
    elsewhere: Elsewhere | None = None


def consolidate(loaded: Loaded, goal: Consolidate, options: Options, usage: UsageSpec | None = None,
                terms: Terms = Terms(), cluster: Cluster | None = None) -> Plan:  # noqa: B008
    """Switch off what can be; with ``usage`` so that what stays on carries what was used, slot by slot, in the hours
    in which the servers are off (all hours when nothing comes back). A weekend is the window, and both legs lie in it.
    With a ``cluster`` the components of the estate are answered there.

    Raises UsageError for unknown names, InputError for a history that cannot be used, and ReplayError when the own
    plan fails its replay.
    """
    options, goal = zoned(options, loaded.estate, usage.zone() if usage else None), spelt_as(goal, loaded.estate)
    used, basis = (None, None) if usage is None else usage.read(loaded.estate, _together(goal, options, usage))
    active = {p.name for p in loaded.estate.lpars if p.active}
    busy = {} if used is None else {n: round(float(used.of(n).mean())) for n in sorted(used.measured) if n in active}
    goal = goal.replace(usage=basis, come_back=goal.come_back or goal.weekend)
    elsewhere = None if cluster is None else OnCluster(cluster)
    return bringing_home(goal, loaded.estate, used, checked_consolidate, lambda goal, site: _consolidated(
        ConsolidationCase(loaded, site, Judge(site), options, goal, terms, busy, elsewhere=elsewhere)))


def _consolidated(case: ConsolidationCase) -> Plan:
    """The plan that brings home whom the question names."""
    site, goal, options = case.site, case.goal, case.options
    deadline = options.deadline()
    judging = Judging(case.judge, scale_of(site, goal.measure).fixed, come_back=goal.come_back)
    judged = judging.run(math.inf if small(site) else options.share(deadline, _JUDGING))
    staying: dict[str, str] = {}
    flat = False
    while True:
        plan = _planned(case, goal, judged, staying, deadline=deadline, flat=flat)
        if not flat and plan.verified and plan.moves and not plan.off and (goal.come_back or _late(plan)):
            flat = True  # nobody goes and comes back, or moves beyond a window, for the sake of load alone
            continue
        more = _not_in_time(plan, site, goal) if now() < deadline else {}
        if not more and len(staying) <= len(site.servers):
            more = _not_worth(plan, goal, Meter(site, case.busy))
        if not more:
            return _told(case, _among(plan, staying), staying)
        staying |= more
        goal = goal.replace(keep=tuple(sorted({*goal.keep, *more})))


_NOT_WORTH = "at this length of time off the saving is below what the moves and the start cost"
_NO_TIME = "the window has no time for emptying more"


def _not_worth(plan: Plan, goal: Consolidate, meter: Meter) -> dict[str, str]:
    """The servers to leave on since it saves nothing that they are off for so short a time."""
    if not (goal.come_back and plan.verified and plan.energy):
        return {}
    per_core = {s: meter.per_core(s) for s in meter.site.servers}
    return {s: _NOT_WORTH for s in accounts.not_worth(plan.energy, per_core, meter, plan) if s not in goal.off}


def _late(plan: Plan) -> list[Window]:
    return [w for w in (plan.window, plan.back_window) if w is not None and w.too_short]


def _not_in_time(plan: Plan, site: Site, goal: Consolidate) -> dict[str, str]:
    """The servers to leave on for the next plan when this one misses a window, with the reason: those with the least
    saving for the time of their moves, half of what the plan is too long by."""
    windows = _late(plan)
    spent = {s: sum(m.duration_ms for m in plan.leg(OUT) if m.source == s) for s in plan.off if s not in goal.off}
    spent = {s: ms for s, ms in spent.items() if ms}
    if not (plan.verified and windows and spent):
        return {}
    saved = scale_of(site, goal.measure).fixed
    share = max(1 - w.length_s / max(plan.total_s, 1.0) for w in windows)
    count = min(max(math.ceil(share * len(spent) / 2), 1), len(spent))
    return dict.fromkeys(sorted(spent, key=lambda s: (saved[s] / spent[s], s))[:count], _NO_TIME)


def _told(case: ConsolidationCase, plan: Plan, staying: Mapping[str, str]) -> Plan:
    """The plan with a line for what keeps servers on."""
    if not plan.verified:
        return plan
    lines = why_on(plan, case.site, case.judge, case.goal, staying)
    return plan.replace(notes=(*plan.notes, *lines))


_LEFT_ON = {_NO_TIME: "what the window has no time for", _NOT_WORTH: "what saves nothing in so short a time"}


def _among(plan: Plan, staying: Mapping[str, str]) -> Plan:
    """A plan that leaves servers on, for want of time or of a saving, is the best of those that do, not of all."""
    reasons = [words for why, words in _LEFT_ON.items() if why in staying.values()]
    if not plan.verified or not reasons:
        return plan
    levels = tuple(replace(x, scope=f"{x.scope} that leave on {' and '.join(reasons)}") for x in plan.levels)
    return plan.replace(status=Status.FEASIBLE, levels=levels)


def _together(goal: Consolidate, options: Options, usage: UsageSpec) -> tuple[Bucket, ...]:
    """The hours in which servers are off."""
    window = options.window if goal.come_back or goal.weekend else None
    return BUCKETS if window is None else hours_between(options, usage.calendar, window.start, window.end)


def _planned(case: ConsolidationCase, goal: Consolidate, judged: Judged, staying: Mapping[str, str], *,
             deadline: float, flat: bool) -> Plan:
    """A plan for ``goal``, which may leave more servers on than was asked; ``flat``: the load does not count."""
    site, judge, options = case.site, case.judge, case.options
    scale = scale_of(site, goal.measure, case.busy)
    if flat:
        scale = replace(scale, rate={}, busy={}, least={})
    orders = _Timetables(site, judge, goal, options)
    problem = ConsolidationProblem(site, judge, goal, scale, None if small(site) else orders, judged, case.elsewhere)
    again = goal is not case.goal
    rest = _rest_s(problem.build(math.inf if again or small(site) else options.share(deadline, _BUILDING)),
                   orders.found)
    problem.order_s = rest / _OF_TIMETABLE
    searched = small(site) or stopped() or now() < deadline - rest
    tried = attempted(problem, options, lambda answer, states: orders.searched(answer.placement, states),
                      deadline=deadline - rest,
                      proved=lambda: without_order(_blank(case, staying, judged, searched=searched), site, judge))
    if tried.table is None and tried.conflict is None and not (
            tried.answer and tried.answer.status is Status.INFEASIBLE):
        tried = _unmoved(problem, tried, lambda answer: timed(site, judge, answer.placement, goal, options))
    blank = _blank(case, staying, judged, searched=searched)
    if tried.answer is None or tried.table is None:
        return unanswered(blank, tried, options)
    return _finished(case, blank, tried.answer, problem.scale, tried.table)


class _Timetables:
    """The orders of a consolidation's moves; the last timetable that was found quickly is kept."""

    def __init__(self, site: Site, judge: Judge, goal: Consolidate, options: Options) -> None:
        self.site, self.judge, self.goal, self.options = site, judge, goal, options
        self.last: tuple[Mapping[str, str], Timetable] | None = None

    def searched(self, placement: Mapping[str, str], states: int = QUICK) -> Timetable:
        """The timetable for which so many states are searched."""
        if states == QUICK and self.last is not None and self.last[0] == placement:
            return self.last[1]
        table = timed(self.site, self.judge, placement, self.goal, self.options, states)
        if states == QUICK:
            self.last = dict(placement), table
        return table

    def found(self, placement: Mapping[str, str]) -> bool:
        """Whether one is found quickly."""
        return self.searched(placement).found

    def straight(self, placement: Mapping[str, str]) -> bool:
        """Whether the first order that comes to hand is one."""
        return goes_straight(self.site, {**self.site.start, **placement})


def _rest_s(built: Mapping[str, str], ordered: Callable[[Mapping[str, str]], bool]) -> float:
    """Seconds to keep for timetable, replay and reports: measured by a timetable of some moves of a plan."""
    some = dict(list(built.items())[:_SAMPLE])
    at = now()
    ordered(some)
    return _REST_S + _OF_TIMETABLE * _MORE * (now() - at) * len(built) / max(len(some), 1)


def _unmoved(problem: ConsolidationProblem, tried: Attempt[Consolidation],
             timetable_of: Callable[[Consolidation], Timetable]) -> Attempt[Consolidation]:
    """The plan by construction, or that in which nothing moves, which there is unless more was asked for."""
    for answer in problem.surer():
        table = timetable_of(answer)
        if table.found:
            return Attempt(answer, table)
    return tried


def timed(site: Site, judge: Judge, placement: Mapping[str, str], goal: Consolidate, options: Options,
          states: int = THOROUGH) -> Timetable:
    """The legs; at a weekend the way back ends as late as it may."""
    window = options.window
    if not goal.weekend or window is None:
        return timetable(site, judge, placement, window, come_back=goal.come_back, work_s=options.work_s, states=states)
    late, table = 0, Timetable()
    for _ in range(_ROUNDS):
        table = timetable(site, judge, placement, window, come_back=True, back_from_s=late, states=states)
        back = [m for m in table.moves if m.leg == BACK]
        if not table.found or not back:
            return table
        spare = window.length_s - _SPARE_S - max(m.end_ms for m in back) / 1000
        if 0 <= spare < 60 or (spare < 0 and late == 0):
            break
        late = max(0, int(min(m.start_ms for m in back) / 1000 + spare) // 60 * 60)
    return table


def _blank(case: ConsolidationCase, staying: Mapping[str, str], judged: Judged, *, searched: bool) -> Plan:
    site, goal, options = case.site, case.goal, case.options
    assumed = [*assumptions(site, options),
               *accounts.assumptions(site, case.terms, case.busy, back=goal.come_back)]
    if goal.measure is Measure.WATTS:
        assumed.append("Watts: idle watts of the servers that stay on, and for each busy core the (maximum − idle) / "
                       "cores of the server on which it runs, to a tenth of a watt.")
    if goal.weekend:
        assumed.append(f"The way back is planned to end {_SPARE_S // 60} minutes before the end of the weekend, or "
                       f"sooner, so that it is over in time in {100 * options.pacing.confidence:.0f} of 100 nights, "
                       "and in 9 of 10 each of its moves begins by its latest.")
    if goal.n_plus_1:
        assumed.append("N+1: one server fails at a time; its LPARs start anew on the others, which keep their ceilings "
                       "and reserves, of what was used as well where a history was given.")
    kept_on = {why: sorted(s for s in staying if staying[s] == why) for why in sorted({*staying.values()})}
    notes = [f"{', '.join(names)} {'stays' if len(names) == 1 else 'stay'} on: {why}" for why, names in kept_on.items()]
    notes += interrupted()
    notes += [f"the time was not enough to ask where every LPAR may go: {judged.unasked} may go to more servers than "
              "were asked about, so no bound is proved"] if judged.unasked else []
    notes += [] if searched else [f"the time limit of {options.time_limit:g} s was over before a search began: this is "
                                  "the plan by construction"]
    return Plan(goal=goal, status=Status.UNKNOWN, estate_digest=digest(case.loaded.estate), assumptions=tuple(assumed),
                window=options.window, work_s=options.work_s if goal.come_back and not goal.weekend else None,
                notes=tuple(notes), findings=told_first(case.loaded, site, options))


def _finished(case: ConsolidationCase, blank: Plan, answer: Consolidation, scale: Scale, table: Timetable) -> Plan:
    """The plan, checked; at a weekend its way back begins so early that it is over in time as often as asked for."""
    def made(lanes: Timetable) -> Plan:
        return _made(case, blank, answer, scale, lanes)

    plan = in_lanes(made, case.site, table, case.options)
    begin = min((m.start_ms for m in plan.leg(BACK)), default=0)
    by = _back_by_ms(plan, begin)
    if case.goal.weekend and by < begin:
        sooner = max(by, *(m.end_ms for m in plan.leg(OUT))) // 60_000 * 60_000
        plan = in_lanes(made, case.site, replace(table, back_from_ms=sooner), case.options)
    account = accounts.account(plan, Meter(case.site, case.busy), case.terms)
    kwh = account.net.kwh
    if plan.off and kwh < 0:
        lost = Finding("energy.net", Severity.WARNING, "plan", f"uses {-kwh:,.1f} kWh more than leaving everything as "
                       "it is, the moves and starts counted", "leave the servers on, or ask for watts without --off")
        plan = plan.replace(findings=ordered((*plan.findings, lost)))
    return plan.replace(energy=account)


def _back_by_ms(plan: Plan, begin_ms: int) -> int:
    """When the way back is to begin, as planned or sooner: over in time in as many nights as are asked for, and each of
    its moves begun by its latest in 9 of 10."""
    evening, back = plan.evening, {m.number for m in plan.leg(BACK)}
    if evening is None or evening.work_by_ms is None:
        return begin_ms
    late = [r.late_ms - r.latest_ms for r in evening.moves if r.number in back and r.latest_ms is not None]
    return min(begin_ms - max([0, *late]), evening.work_by_ms)


def _made(case: ConsolidationCase, blank: Plan, answer: Consolidation, scale: Scale, table: Timetable) -> Plan:
    loaded, site, judge, options = case.loaded, case.site, case.judge, case.options
    levels = _levels(site, judge, answer, scale, table, options)
    proved = all(x.status is Status.OPTIMAL for x in levels)
    plan = blank.replace(
        status=Status.OPTIMAL if proved else Status.FEASIBLE, objective=levels[0].objective, bound=levels[0].bound,
        gap=levels[0].gap, levels=levels, moves=table.moves, at_least_s=table.bounds_s, off=answer.off,
        restart=answer.restart, stays=tuple(left_behind(site, answer.off)), back_window=None)
    back, window = plan.leg(BACK), options.window
    if case.goal.weekend and window and back:
        begin = min(m.start_ms for m in back) // 1000
        first = window.at(begin * 1000)
        home = replace(window, start=first) if first < window.end else window
        plan = plan.replace(back_window=home, back_from_s=begin, work_s=0)
    return checked_plan(plan, loaded, site, judge, options.pacing)


def _levels(site: Site, judge: Judge, answer: Consolidation, scale: Scale, table: Timetable,
            options: Options) -> tuple[Level, ...]:
    measure = scale.at(answer.off, site.start | answer.placement)
    measure_bound = min(scale.base + sum(p.measure_bound for p in answer.parts), float(measure))
    cost = sum(move_cost_ms(site, judge, m.lpar, m.source, m.target) for m in table.moves if m.leg == OUT)
    cost_bound = min(sum(p.cost_bound_ms for p in answer.parts), float(cost))
    name = "licences" if scale.licensed else "metered" if scale.metered else (
        "what stays on" if scale.rate or scale.unit != "W" else "what stays on, idle")
    first = _level(name, scale.unit, measure, measure_bound, scale.factor, options.gap, "all plans")
    scope = ("plans of the same measure" if first.bound == first.objective else
             "plans of no greater measure in any component")
    return first, _level("moves", "s", cost, cost_bound, 1000, options.gap, scope)


def _level(name: str, unit: str, value: int, bound: float, factor: int, gap: float, scope: str) -> Level:
    """A level from weights; proved when the bound is as near as the gap asks."""
    proved = value - bound <= max(gap, PROVED) * value + 0.999
    if value - bound <= PROVED * value + 0.999:
        bound = float(value)
    relative = 0.0 if value == 0 else max(0.0, (value - bound) / value)
    return Level(name, unit, value / factor, bound / factor, round(relative, 6),
                 Status.OPTIMAL if proved else Status.FEASIBLE, scope)
