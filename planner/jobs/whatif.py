"""What if: from a loaded estate and a scenario to a checked answer. Deterministic unless time runs out; picklable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, partial
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from planner.errors import InputError, ReplayError
from planner.estate.assemble import Loaded
from planner.estate.capacity import Demand, lpar_demand
from planner.estate.catalogue import CATALOGUE, Catalogue, Rating
from planner.estate.energy import energy, power_of
from planner.estate.load import checked
from planner.estate.model import Lpar
from planner.estate.saved import digest
from planner.estate.standing import contradictions, near_full
from planner.findings import Finding, Severity, Source, errors, ordered
from planner.grouping import linked
from planner.jobs.alternatives import alternatives
from planner.jobs.attempt import Case, attempted, finished
from planner.jobs.common import PROVED, Options, assumptions, told_first, zoned
from planner.jobs.energy import drawn
from planner.jobs.inactive import profiles_left
from planner.jobs.licences import licence_totals, licences_rise
from planner.jobs.scenario_result import (
    LparLine,
    Migration,
    Reason,
    ScenarioResult,
    ServerLine,
    Totals,
    lanes_of,
    waves_of,
)
from planner.jobs.without_order import without_order
from planner.optimise.conflict import reasons_of, unproved
from planner.optimise.frontier import Frontier, FrontierPoint
from planner.optimise.placement import move_cost_ms
from planner.optimise.scenario import ScenarioProblem, Sizes
from planner.optimise.stages import Answer
from planner.plan.choices import Status
from planner.plan.details import MILLION, Change, Conflict, WhatifDetails, mends
from planner.plan.plan import Plan
from planner.plan.questions import UNMEASURED, UNSEEN, Whatif
from planner.rules import Judge, Site
from planner.rules.site import UsageOnSite
from planner.scenarios.build import Built, build
from planner.scenarios.model import Scenario
from planner.scenarios.paths import Door, Passages, Stage, Way, doors, mode_after, mode_now, needs_activation, stages
from planner.scenarios.sizing import Size, Sizer, growth_of, ratings, told_rating
from planner.schedule.timetable import Timetable, timetable
from planner.units import some
from planner.verify import replay_changes

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small answer to find
    from planner.jobs.peak_hours import UsageGiven

_FRONTIER_S = 10.0
_AS_ASKED: Mapping[str, object] = MappingProxyType({})
"""Nothing more than a scenario states is asked."""


@dataclass(frozen=True, slots=True)
class ScenarioCase(Case):
    """One scenario's."""

    scenario: Scenario
    catalogue: Catalogue
    built: Built
    sizer: Sizer
    rated: Mapping[str, Rating]
    passages: Passages
    displaced: list[str] = field(default_factory=list)

    @property
    def goal(self) -> Whatif:
        """The question of its plan, but for those that restart."""
        assert isinstance(self.site.goal, Whatif)
        return self.site.goal


def whatif(loaded: Loaded, scenario: Scenario, options: Options, catalogue: Catalogue = CATALOGUE,
           used: UsageGiven | None = None, more: Mapping[str, object] = _AS_ASKED) -> ScenarioResult:
    """Answer one scenario; with ``used`` (of all hours) so that what was used fits slot by slot, on arrival and in the
    end, and virtual processors follow peaks. ``more``: fields of its question that are asked besides.

    Raises InputError for a scenario that does not suit the estate or the catalogue, and ReplayError when the own
    answer fails its replay.
    """
    case = _case(loaded, scenario, zoned(options, loaded.estate, used and used.basis.zone), catalogue, used, more)
    stranded = [n for n in case.displaced if not _open(case, n)]
    if stranded:
        return _infeasible(case, _stranded(case, stranded))
    problem = ScenarioProblem(case.site, case.judge, case.built.kept, case.displaced, _costs(case), _sizes(case))

    def timed(answer: Answer, states: int) -> Timetable:
        ways = _ways(case, answer.placement)
        return timetable(case.site, case.judge, _migrated(ways, answer.placement), case.options.window,
                         unmoved=[n for n, way in ways.items() if not way.migrates], states=states)

    tried = attempted(problem, case.options, timed, proved=lambda: _without_order(case))
    if tried.conflict is not None:
        return _infeasible(case, tried.conflict)
    if tried.answer is not None and tried.answer.conflict is not None:
        conflict = tried.answer.conflict
        return _infeasible(case, replace(conflict, unstated=unproved(_closed(case, conflict.lpars))))
    if tried.answer is None or tried.table is None:
        return _unknown(case, tried.reason)
    return _result(case, problem, tried.answer, tried.table)


def with_alternatives(loaded: Loaded, scenario: Scenario, options: Options, catalogue: Catalogue,
                      used: UsageGiven | None, count: int) -> ScenarioResult:
    """The same with so many other plans at most, where there is a plan; errors are those of :func:`whatif`."""
    found = whatif(loaded, scenario, options, catalogue, used)
    if not count or found.plan is None or found.estate is None:
        return found
    again = replace(scenario, frontier=False)
    return replace(found, beside=alternatives(found, found.estate, lambda more: whatif(
        loaded, again, options, catalogue, used, more), count))


def on_arrival(loaded: Loaded, scenario: Scenario, catalogue: Catalogue = CATALOGUE) -> tuple[Built, Loaded]:
    """The estate with the scenario's servers and policies; raises InputError with everything that does not suit it."""
    built = build(loaded.estate, scenario, catalogue)
    arrival = checked(Loaded(built.estate, loaded.provenance))
    wrong = errors(arrival.findings)
    if wrong:
        raise InputError(f if f.source else replace(f, source=Source(scenario.file)) for f in wrong)
    return built, arrival


def _case(loaded: Loaded, scenario: Scenario, options: Options, catalogue: Catalogue, used: UsageGiven | None,
          more: Mapping[str, object] = _AS_ASKED) -> ScenarioCase:
    built, arrival = on_arrival(loaded, scenario, catalogue)
    used = used and used.on(arrival.estate)
    goal = Whatif(scenario=scenario.name, servers=tuple(built.retired), inactive=scenario.inactive,
                  assume_nothing=scenario.assume_nothing, usage=used and used.basis).replace(**more)
    site, judge = _judged(arrival, goal, used)
    if stuck := [n for n in site.start if not site.lpars[n].active and not judge.targets(n, built.kept)]:
        site, judge = _judged(arrival, goal.replace(leave=tuple(sorted(stuck))), used)
    rated = ratings(arrival.estate, scenario, catalogue)
    sizer = Sizer(arrival.estate, scenario, rated, used and used.peaks())
    displaced = sorted(n for n, s in site.start.items() if s in built.retired)
    return ScenarioCase(
        loaded=arrival, site=site, judge=judge, options=options, scenario=scenario, catalogue=catalogue, built=built,
        sizer=sizer, rated=rated, passages=Passages(site, judge, sizer, displaced), displaced=displaced)


def _judged(arrival: Loaded, goal: Whatif, used: UsageGiven | None) -> tuple[Site, Judge]:
    site = Site(arrival.estate, usage=used and used.usage, goal=goal)
    return site, Judge(site)


def _open(case: ScenarioCase, lpar: str) -> list[str]:
    """The servers that an LPAR may get to in any way."""
    return [s for s in case.built.kept if s != case.site.start[lpar] and case.passages.of(lpar, s).way is not None]


def _costs(case: ScenarioCase) -> Callable[[str], Mapping[str, int]]:
    """Of an LPAR: server → cost in ms: a live move as everywhere; a restart besides as the scenario prices it."""
    extra = 1000 * case.scenario.restart_cost_s

    def of(name: str) -> Mapping[str, int]:
        source = case.site.start[name]
        return {s: move_cost_ms(case.site, case.judge, name, source, s)
                + (0 if way.migrates else extra)
                for s in case.built.kept if s != source and (way := case.passages.of(name, s).way) is not None}
    return of


def _sizes(case: ScenarioCase) -> Sizes:
    def final(name: str, server: str) -> Demand:
        if not case.site.lpars[name].active:
            return Demand(0, 0)
        return lpar_demand(case.sizer.final(case.site.lpars[name], server).row, case.site.servers[server])

    def live(name: str, server: str) -> bool:
        return server == case.site.start[name] or case.passages.of(name, server).way in (Way.LIVE, Way.INACTIVE, None)

    def arrival(name: str, server: str) -> Demand:
        return case.site.held(name, server) if live(name, server) else final(name, server)

    sizes, site = Sizes(cache(arrival), cache(final)), case.site
    if site.usage is None:
        return sizes
    end = cache(partial(_use_in_the_end, case))

    def first(name: str, server: str) -> Fraction:
        return site.used.ratio(name, server) if live(name, server) else end(name, server)
    return replace(sizes, used=(UsageOnSite(site, site.usage, sizes.arrival, cache(first)),
                                UsageOnSite(site, site.usage, sizes.final, end, strict=True)))


def _use_in_the_end(case: ScenarioCase, name: str, server: str) -> Fraction:
    """Cores that an LPAR will use on a server, grown, for one that was measured: by rPerf where it runs in the mode
    of a server that is added, else as after a live move; in millionths, rounded up."""
    p = case.site.lpars[name]
    size, growth = case.sizer.final(p, server), growth_of(case.scenario, p)[0]
    ratio = case.site.used.ratio(name, server) if size.why else size.ratio
    return Fraction(ceil(ratio * (1 + growth) * MILLION), MILLION)


def _ways(case: ScenarioCase, placement: Mapping[str, str]) -> dict[str, Way]:
    """How each LPAR of a placement moves; of LPARs that are kept together all restart when one must."""
    ways = {n: case.passages.of(n, s).way or Way.LIVE for n, s in placement.items()}
    for group in case.site.policies.together:
        inside = [n for n in group.members if n in ways]
        if any(not ways[n].migrates for n in inside):
            ways |= {n: Way.RESTART for n in inside if ways[n] is Way.LIVE}
    return ways


def _migrated(ways: Mapping[str, Way], placement: Mapping[str, str]) -> dict[str, str]:
    return {n: s for n, s in placement.items() if ways[n].migrates}


def _running(case: ScenarioCase, where: Mapping[str, str]) -> dict[str, str]:
    return {n: s for n, s in where.items() if case.site.lpars[n].active}


# ---- no answer ------------------------------------------------------------------------------------------------------


def _stranded(case: ScenarioCase, names: Sequence[str]) -> Conflict:
    """LPARs of retired servers that can get to no other server, live or by a restart."""
    closed = _closed(case, names)
    rules = dict.fromkeys(f.rule for by_server in closed.values() for why in by_server.values() for f in why)
    refusals = reasons_of(closed)
    lifts = dict.fromkeys(x for n, by_server in refusals.items() for x in mends(n, by_server))
    count = len(names)
    what = (f"{names[0]} can get to no other server, not even by a restart" if count == 1 else
            f"{count} LPARs can get to no other server, not even by a restart; each alone makes it impossible")
    return Conflict(what, tuple(names), case.built.kept, tuple(rules), tuple(lifts), refusals,
                    irreducible=count == 1, unstated=unproved(closed, alone=True))


def _closed(case: ScenarioCase, names: Sequence[str]) -> dict[str, dict[str, Sequence[Finding]]]:
    """Why LPARs can get to no server that is kept, not even by a restart."""
    return {n: {s: case.passages.of(n, s).refusals for s in case.built.kept} for n in names}


def _without_order(case: ScenarioCase) -> Conflict | None:
    """That no order of live moves takes those away who can leave in no other way: who may be restarted, or is kept
    together with one that may be, need not."""
    ways = {n: {case.passages.of(n, s).way for s in case.built.kept} for n in case.displaced}
    able = {n for n, of in ways.items() if any(way and not way.migrates for way in of)}
    together = linked(case.displaced, [[n for n in g.members if n in ways] for g in case.site.policies.together])
    may_stay = {n for names in together if not able.isdisjoint(names) for n in names}
    blank = Plan(goal=case.goal, status=Status.UNKNOWN, estate_digest="")
    return without_order(blank, case.site, case.judge, may_stay)


def _infeasible(case: ScenarioCase, conflict: Conflict) -> ScenarioResult:
    why = [Finding(rule, Severity.ERROR, ", ".join(conflict.lpars[:8]) or ", ".join(conflict.servers),
                   conflict.summary, "; ".join(conflict.lifts[:8])) for rule in conflict.rules or ("goal.reached",)]
    return _blank(case, conflict.status, conflict=conflict, findings=(*why, *contradictions(case.loaded.findings)))


def _unknown(case: ScenarioCase, reason: str) -> ScenarioResult:
    message = f"a placement exists, but {reason}" if reason else (
        f"no answer within {case.options.time_limit:g} s, and no proof that there is none")
    note = Finding("plan.unknown", Severity.ERROR, case.scenario.name, message, "give more time (--time-limit)")
    return _blank(case, Status.UNKNOWN, findings=(note, *contradictions(case.loaded.findings)))


def _blank(case: ScenarioCase, status: Status, **more: Any) -> ScenarioResult:
    s = case.scenario
    stated: dict[str, Any] = {
        "retired": case.built.retired, "added": tuple(a.name for a in s.add), "assumptions": _assumptions(case),
        "ratings": tuple(told_rating(n, r) for n, r in sorted(case.rated.items())) if s.add and s.resize else ()}
    return ScenarioResult(s.name, s.file, s.note, status, **(stated | more))


def _assumptions(case: ScenarioCase) -> tuple[str, ...]:
    s = case.scenario
    out = [*case.built.assumptions]
    if s.resize and s.add:
        out += ["Resizing: entitlement × rPerf per core of the source / of the target, each at its active cores, "
                f"× {float(1 + s.headroom):g} (headroom), rounded up to 0.01, at least the minimum per virtual "
                "processor.",
                "rPerf is a commercial model of CPU, cache and memory; it says nothing of disks and networks.",
                "A live move carries sizes over; the new size counts only after re-activation in the target's own mode "
                "(POWER6 mode has SMT2: no SMT4 credit before). Where the mode does not change, DLPAR sets it."]
    if s.growth:
        out.append("Growth comes after the moves: they are made, and checked, in today's sizes.")
    out += ["LPARs of servers that stay move live or not at all.",
            f"A restart takes {s.restart_minutes} minutes and counts as {s.restart_cost_s // 60} minutes of moving.",
            "Not checked: whether the operating system level runs on the new hardware, adapters' cabling, licences but "
            "for the policies on them.",
            f"Energy: linear from idle to maximum watts at each server's busy cores (an LPAR that states none is as "
            f"busy as its entitlement), for {s.hours} hours."]
    common = assumptions(case.site, case.options)
    first = tuple(a for a in common if a in (UNSEEN, UNMEASURED))
    return (*first, *out, *common[len(first):])


# ---- an answer ------------------------------------------------------------------------------------------------------


def _result(case: ScenarioCase, problem: ScenarioProblem, answer: Answer, table: Timetable) -> ScenarioResult:
    where = _running(case, {**case.site.start, **answer.placement})
    final = {n: case.sizer.final(case.site.lpars[n], s) for n, s in where.items()}
    ways = _ways(case, answer.placement)
    plan = _plan(case, answer, ways, table)
    changed = _changed(case, ways, final)
    use = _use(case, where)
    _replayed(case, answer.placement, ways, [row for _, row in changed], use)
    changes = tuple(Change(row.name, kind, row.server, row.entitlement_units, row.virtual_processors, row.memory_mib,
                           row.current_mode) for kind, row in changed)
    lines = _lines(case, where, final, ways, plan)
    rows = {n: replace(size.row, current_mode=_mode(case, n, where[n])) for n, size in final.items()}
    opened = tuple(doors(case.site, _running(case, answer.placement), rows, ways))
    if plan is not None:
        plan = plan.replace(findings=ordered((*plan.findings, *_one_way(opened))),
                            details=WhatifDetails(changes, use))
    servers = _servers(case, where, final, ways)
    licences = licence_totals(case.site, where, {n: size.row for n, size in final.items()})
    rise = licences_rise(licence_totals(case.site, case.site.start), licences, "in the end")
    points, note = _frontier(case, problem)
    status, cost = _cost(case, answer, ways)
    return _blank(
        case, status, **cost, totals=_totals(case.site, servers, case.scenario), servers=servers, lpars=lines,
        changes=changes, migration=_migration(case, ways, lines, plan), waves=waves_of(plan), lanes=lanes_of(plan),
        doors=opened, findings=ordered((*_risks(case, lines, opened, plan, servers, rows), *rise)), frontier=points,
        frontier_note=note, plan=plan, licences=licences, estate=case.loaded.estate if plan else None)


def _migration(case: ScenarioCase, ways: Mapping[str, Way], lines: Sequence[LparLine], plan: Plan | None) -> Migration:
    restarts = sum(not w.migrates for w in ways.values())
    inactive = tuple(sorted(n for n, w in ways.items() if w is Way.INACTIVE))
    return Migration(
        live=sum(w is Way.LIVE for w in ways.values()), restarts=restarts,
        reactivations=sum(needs_activation(x.stages) for x in lines),
        resized=sum(x.units != x.units_today for x in lines), inactive=_inactive(case), inactive_moved=inactive,
        inactive_moves=len(inactive), waves=len(waves_of(plan)), lanes=len(lanes_of(plan)),
        hours=round((plan.total_s if plan else 0.0) / 3600, 2), outage_minutes=restarts * case.scenario.restart_minutes)


def _cost(case: ScenarioCase, answer: Answer, ways: Mapping[str, Way]) -> tuple[Status, dict[str, float]]:
    """What is proved, and objective, bound and gap; restarts for the sake of others that restart cost extra."""
    joined = sum(not w.migrates and case.passages.of(n, answer.placement[n]).way is Way.LIVE
                 for n, w in ways.items())
    objective = (answer.objective_ms or 0) / 1000 + joined * case.scenario.restart_cost_s
    status = Status.FEASIBLE if joined else answer.status
    bound = objective if status is Status.OPTIMAL else (answer.bound_ms or 0.0) / 1000
    gap = 0.0 if objective - bound <= PROVED * objective else round((objective - bound) / objective, 6)
    return status, {"objective": objective, "bound": bound, "gap": gap}


def _mode(case: ScenarioCase, lpar: str, target: str) -> str:
    p = case.site.lpars[lpar]
    return p.current_mode if target == p.server else mode_after(case.site, case.sizer, p, target)


def _plan(case: ScenarioCase, answer: Answer, ways: Mapping[str, Way], table: Timetable) -> Plan | None:
    """What is migrated as a plan, replayed against the estate on arrival."""
    live = _migrated(ways, answer.placement)
    if not live:
        return None
    restarted = sorted(n for n in ways if not ways[n].migrates)
    cost = {n: move_cost_ms(case.site, case.judge, n, case.site.start[n], s) for n, s in live.items()}
    rest = (answer.objective_ms or 0) - sum(cost.values())  # what the restarts cost
    goal = case.goal.replace(leave=tuple(sorted({*case.goal.leave, *restarted})))
    stays = [(n, case.site.start[n], f"{ways[n].value} on {answer.placement[n]}") for n in restarted]
    stays += profiles_left(case.site, case.built.retired)
    blank = Plan(goal=goal, status=Status.UNKNOWN, estate_digest=digest(case.loaded.estate), window=case.options.window,
                 assumptions=(*assumptions(case.site, case.options), *case.built.assumptions),
                 stays=tuple(stays), findings=told_first(case.loaded, case.site, case.options))
    part = Answer(answer.status, live, sum(cost.values()), max(0.0, (answer.bound_ms or 0.0) - rest))
    return finished(case, blank, part, table)


def _changed(case: ScenarioCase, ways: Mapping[str, Way], final: Mapping[str, Size]) -> list[tuple[str, Lpar]]:
    """What follows the live moves, in this order: restarts, then new sizes, those that shrink first."""
    old = case.site.lpars
    rows = {n: replace(size.row, current_mode=_mode(case, n, size.row.server)) for n, size in final.items()}
    restarts = [(ways[n].value, rows[n]) for n in sorted(ways) if not ways[n].migrates]
    rest = sorted((n for n in rows if ways.get(n, Way.LIVE) is Way.LIVE and _differs(case, old[n], rows[n])),
                  key=lambda n: (rows[n].entitlement_units - old[n].entitlement_units,
                                 rows[n].memory_mib - old[n].memory_mib, n))
    return [*restarts, *((_kind(case, n, rows[n], ways), rows[n]) for n in rest)]


def _differs(case: ScenarioCase, old: Lpar, row: Lpar) -> bool:
    """Whether anything but the place is another; a mode that nobody states is its server's own."""
    return replace(old, server=row.server, current_mode=row.current_mode) != row or (
        row.current_mode not in ("", mode_now(case.site, old)))


def _kind(case: ScenarioCase, name: str, row: Lpar, ways: Mapping[str, Way]) -> str:
    if name not in ways:
        return "growth"
    old = case.site.lpars[name]
    return "DLPAR" if row.current_mode in ("", mode_now(case.site, old)) else "re-activation"


def _use(case: ScenarioCase, where: Mapping[str, str]) -> dict[str, int]:
    """LPAR → millionths of what was measured that it uses in the end, of those that then use another share."""
    site = case.site
    if site.usage is None:
        return {}
    end = {n: _use_in_the_end(case, n, s) for n, s in sorted(where.items())}
    return {n: int(ratio * MILLION) for n, ratio in end.items() if ratio != site.used.ratio(n, where[n])}


def _replayed(case: ScenarioCase, placement: Mapping[str, str], ways: Mapping[str, Way], changes: Sequence[Lpar],
              use: Mapping[str, int]) -> None:
    """Replay what follows the live moves. Raises ReplayError."""
    where = {**case.site.start, **_migrated(ways, placement)}
    breaches = replay_changes(case.site, where, changes, case.built.kept, use)
    if breaches:
        raise ReplayError(breaches)


def _lines(case: ScenarioCase, where: Mapping[str, str], final: Mapping[str, Size], ways: Mapping[str, Way],
           plan: Plan | None) -> tuple[LparLine, ...]:
    turns = {m.lpar: (None, m.number) if plan.in_lanes else (m.wave, None) for m in plan.moves} if plan else {}
    out = []
    for n, target in sorted(where.items()):
        old, size, way = case.site.lpars[n], final[n], ways.get(n)
        path = stages(case.site, case.sizer, old, target, way) if way else _staying(case, n, size)
        wave, number = turns.get(n, (None, None))
        out.append(LparLine(
            n, old.server, target, way=way.value if way else "stays", wave=wave, number=number,
            units_today=old.entitlement_units, units=size.row.entitlement_units,
            virtual_processors_today=old.virtual_processors, virtual_processors=size.row.virtual_processors,
            memory_mib_today=old.memory_mib, memory_mib=size.row.memory_mib, ratio=float(size.ratio), basis=size.basis,
            why_not_resized=size.why, stages=path,
            reasons=tuple(Reason(f.rule, f.message, f.fix) for f in _not_live(case, n, target, way))))
    return tuple(out)


def _not_live(case: ScenarioCase, name: str, target: str, way: Way | None) -> tuple[Finding, ...]:
    """Why an LPAR does not go live; () when it does or stays."""
    if way in (None, Way.LIVE):
        return ()
    reasons = case.passages.of(name, target).reasons
    return reasons or (Finding("policy.keep-together", Severity.ERROR, name, "is kept together with an LPAR that must "
                               "restart", "lift the policy keep-together for the migration"),)


def _staying(case: ScenarioCase, name: str, size: Size) -> tuple[Stage, ...]:
    p, row, mode = case.site.lpars[name], size.row, _mode(case, name, size.row.server)
    today = Stage("today", p.server, mode, p.entitlement_units, p.virtual_processors)
    if (row.entitlement_units, row.virtual_processors) == (p.entitlement_units, p.virtual_processors):
        return (today,)
    return today, Stage("after growth", p.server, mode, row.entitlement_units, row.virtual_processors)


def _servers(case: ScenarioCase, where: Mapping[str, str], final: Mapping[str, Size], ways: Mapping[str, Way]
             ) -> tuple[ServerLine, ...]:
    """What each server holds: on arrival LPARs in today's sizes, but those that restart in their final ones."""
    added, usages = {a.name for a in case.scenario.add}, _sizes(case).used
    out = []
    for s in case.built.kept:
        names = sorted(n for n, t in where.items() if t == s)
        arrival, held = case.site.base(s), case.site.base(s)
        for n in names:
            last = lpar_demand(final[n].row, case.site.servers[s])
            arrival = arrival + (case.site.demand(n, s) if ways.get(n, Way.LIVE) is Way.LIVE else last)
            held = held + last
        busy = sum(_busy(case.site.lpars[n], final[n].row) for n in names)
        line = _server_line(case.site, case.catalogue, s, len(names), arrival, held, busy=busy, added=s in added)
        out.append(_with_peaks(line, names, *usages) if usages else line)
    return tuple(out)


def _with_peaks(line: ServerLine, names: Sequence[str], first: UsageOnSite, last: UsageOnSite) -> ServerLine:
    """With the month-end peaks of these LPARs on it, as they arrive and in the end."""
    arrival, end = (x.usage.month_end_peak(x.on(line.name, names)) for x in (first, last))
    return replace(line, used_arrival=arrival, used_final=end)


def _busy(old: Lpar, row: Lpar) -> float:
    """Hundredths of a core that an LPAR keeps busy in the end: as today, converted and grown with its entitlement."""
    return old.kept_busy_units * row.entitlement_units / max(old.entitlement_units, 1)


def _server_line(site: Site, catalogue: Catalogue, name: str, lpars: int, arrival: Demand, held: Demand, *, busy: float,
                 added: bool) -> ServerLine:
    row, limit = site.servers[name], site.limit(name)
    power = power_of(row, catalogue)
    return ServerLine(
        name, model=row.model, generation=row.generation, added=added, lpars=lpars, units_limit=limit.units,
        units_arrival=arrival.units, units_final=held.units, memory_limit_mib=limit.memory_mib,
        memory_arrival_mib=arrival.memory_mib, memory_final_mib=held.memory_mib, idle_w=power.idle_w, max_w=power.max_w,
        watts=round(drawn(site, name, power, busy / 100), 1), watts_assumed=power.assumed, watts_source=power.source)


def _totals(site: Site, servers: Sequence[ServerLine], scenario: Scenario) -> Totals:
    """What these servers have, hold, leave free and draw together; energy for the scenario's hours at its prices."""
    power = sum(s.watts for s in servers)
    used = energy(power, scenario.hours, scenario.tariff)
    return Totals(
        servers=len(servers), units=sum(site.servers[s.name].configurable_units for s in servers),
        memory_mib=sum(site.servers[s.name].configurable_memory_mib for s in servers),
        lpars=sum(s.lpars for s in servers), free_units_arrival=sum(s.units_limit - s.units_arrival for s in servers),
        free_units=sum(s.units_limit - s.units_final for s in servers),
        free_mib_arrival=sum(s.memory_limit_mib - s.memory_arrival_mib for s in servers),
        free_mib=sum(s.memory_limit_mib - s.memory_final_mib for s in servers), watts=round(power, 1),
        kwh=round(used.kwh), money=None if used.money is None else round(used.money),
        currency=scenario.tariff.currency, co2_kg=None if used.co2_kg is None else round(used.co2_kg),
        watts_assumed=any(s.watts_assumed for s in servers), hours=scenario.hours,
        used_share_arrival=_fullest((s.used_arrival, site.servers[s.name].configurable_units) for s in servers),
        used_share=_fullest((s.used_final, site.servers[s.name].configurable_units) for s in servers))


def _fullest(pairs: Iterable[tuple[int | None, int]]) -> float | None:
    """Per cent, of (thousandths used, hundredths there are), None where nothing was measured."""
    return max((round(10 * used / units, 1) for used, units in pairs if used is not None and units), default=None)


def _frontier(case: ScenarioCase, problem: ScenarioProblem) -> tuple[tuple[FrontierPoint, ...], str]:
    if not case.scenario.frontier:
        return (), "not asked for"
    points = Frontier(problem).points(min(_FRONTIER_S, case.options.time_limit))
    return points, "" if points else "too large to be asked here: planner consolidate answers it"


def _risks(case: ScenarioCase, lines: Sequence[LparLine], opened: Sequence[Door], plan: Plan | None,
           servers: Sequence[ServerLine], rows: Mapping[str, Lpar]) -> tuple[Finding, ...]:
    estate, taking = case.loaded.estate, {x.target for x in lines if x.target != x.source}
    grown = estate.replace(lpars=tuple(rows.get(p.name, p) for p in estate.lpars))
    out = [*_one_way(opened), *near_full(grown, case.site.policies, {x.name: x.target for x in lines},
                                         {s.name: s.used_final for s in servers if s.name in taking}, "in the end")]
    for x in lines:
        if x.way in (Way.RESTART, Way.WORK):
            why = "; ".join(dict.fromkeys(r.reason for r in x.reasons))
            fixes = "; ".join(dict.fromkeys(r.fix for r in x.reasons if r.fix))
            out.append(Finding("scenario.restart", Severity.WARNING, x.name, f"cannot go live to {x.target}: {why}",
                               f"plan an outage of {case.scenario.restart_minutes} minutes; or {fixes}"))
        if case.sizer.final(case.site.lpars[x.name], x.target).by_preference:
            out.append(Finding("scenario.mode", Severity.WARNING, x.name, f"is not resized: {x.why_not_resized}",
                               "set its preferred mode to default before it is activated there"))
    for name, _, why in profiles_left(case.site, case.built.retired):
        out.append(Finding("scenario.inactive", Severity.WARNING, name, f"is not moved by the plan: {why}",
                           "move it inactive, or keep its profile elsewhere, before its server goes"))
    return ordered((*out, *(f for f in (plan.findings if plan else ()) if f.severity is not Severity.INFO)))


def _inactive(case: ScenarioCase) -> tuple[str, ...]:
    return tuple(p.name for p in case.loaded.estate.lpars if not p.active and p.server in case.built.retired)


def _one_way(opened: Sequence[Door]) -> list[Finding]:
    return [Finding("scenario.one-way", Severity.WARNING, some(d.lpars, 4),
                    f"after {d.after} the way back live is closed: {d.reason}",
                    "go back before that, or by a restart") for d in opened]


def today(loaded: Loaded, scenario: Scenario | None = None, catalogue: Catalogue = CATALOGUE,
          used: UsageGiven | None = None) -> ScenarioResult:
    """The estate as it is, in the same figures; tariff and hours of a scenario, so that they compare."""
    scenario = scenario or Scenario("today")
    site = Site(loaded.estate, usage=used and used.usage)
    servers = []
    for s in site.servers:
        names = sorted(n for n, t in site.start.items() if t == s)
        held = Demand(site.at_start[s].units, site.at_start[s].memory_mib)
        busy = sum(_busy(site.lpars[n], site.lpars[n]) for n in names)
        line = _server_line(site, catalogue, s, len(names), held, held, busy=busy, added=False)
        servers.append(_with_peaks(line, names, site.used, site.used) if used else line)
    return ScenarioResult("today", "", "the estate as it is", Status.OPTIMAL, servers=tuple(servers),
                          totals=_totals(site, servers, scenario), licences=licence_totals(site, site.start))


def exit_code(results: Sequence[ScenarioResult]) -> int:
    """3 when a scenario is proved impossible, else 4 when one has no answer or misses its window, else 0."""
    statuses = {r.status for r in results}
    missed = any(r.plan is not None and r.plan.window is not None and r.plan.window.too_short for r in results)
    return 3 if Status.INFEASIBLE in statuses else 4 if missed or Status.UNKNOWN in statuses else 0
