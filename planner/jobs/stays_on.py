"""Why servers stay on after a consolidation: what keeps each of them from being emptied beside those that go off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.estate.capacity import Demand
from planner.findings import errors
from planner.grouping import grouped, linked
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.measure import scale_of
from planner.plan.choices import OUT, Status
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate
from planner.rules import Judge, Site
from planner.schedule.exact import small
from planner.stopwatch import now, stopped
from planner.units import many, show_cores, show_gib, some

_MOST, _PAIRS = 12, 50_000
"""Servers that are asked about at most; LPARs times servers of a site up to which any is."""
_FEW, _EACH_S, _ALL_S = 4, 5.0, 3.0
"""Servers of a site up to which the exact conflict is told, and not what sums say; seconds for one conflict, and the
seconds after which no further one is begun."""
_UNASKED = "planner evacuate says of each what keeps it on"


def why_on(plan: Plan, site: Site, judge: Judge, goal: Consolidate, known: Mapping[str, str]) -> Iterator[str]:
    """A line for each reason, with the servers that stay on for it, those of ``known`` (server → why, told elsewhere)
    left out. What is not asked about is told as such."""
    weight = scale_of(site, goal.measure).fixed
    left = sorted((s for s in site.servers if s not in plan.off and s not in known), key=lambda s: (-weight[s], s))
    asked = left[:_MOST] if len(site.start) * len(site.servers) <= _PAIRS and not stopped() else []
    until = now() + _ALL_S
    reasons = grouped((_why(plan, site, judge, goal, s, until) if s in asked else _UNASKED, s) for s in left)
    for why, servers in sorted(reasons.items(), key=lambda r: r[0] == _UNASKED):
        if len(servers) == 1:
            yield f"{servers[0]} stays on: {why}"
        else:
            yield f"{some(servers, 6)} stay on: {f'each {why[3:]}' if why.startswith('it ') else why}"


def _why(plan: Plan, site: Site, judge: Judge, goal: Consolidate, server: str, until: float) -> str:
    where = site.start | {m.lpar: m.target for m in plan.leg(OUT)}
    stuck = [(n, why) for n in site.residents(server) if (why := _kept(site, judge, n))]
    if server in goal.keep:
        return "as asked (--keep)"
    if server not in where.values():
        return "empty, for what starts anew when another server fails"
    if stuck:
        name, why = stuck[0]
        return f"{name} {why}" + (f"; nor can {many(len(stuck) - 1, 'more LPAR')}" if len(stuck) > 1 else "")
    if {*plan.off, server} >= {*site.servers}:
        return "it carries what the others held"
    lacking = "" if small(site) and len(site.servers) <= _FEW else _lacking(plan, site, judge, where, server)
    if lacking or not small(site) or now() > until:
        return lacking or _UNASKED
    asked = Evacuate(servers=(*plan.off, server), come_back=goal.come_back, firmware_after=goal.firmware_after,
                     not_targets=goal.not_targets, assume_nothing=goal.assume_nothing)
    answer = EvacuationProblem(site, judge, asked).solve(min(_EACH_S, until + 1 - now()), 1.0)
    beside = " beside what goes off" if plan.off else ""
    if answer.conflict is not None:
        return f"it cannot be emptied{beside}: {answer.conflict.summary} ({', '.join(answer.conflict.rules)})"
    if goal.n_plus_1:
        return f"it could be emptied{beside}, but no such plan in which any one server may fail was found"
    if plan.levels and plan.levels[0].status is Status.OPTIMAL:
        return f"it could be emptied{beside}, but that saves nothing by what is asked for ({goal.measure})"
    return f"nothing is known to keep it on{beside}: no better plan was found in the time"


def _lacking(plan: Plan, site: Site, judge: Judge, where: Mapping[str, str], server: str) -> str:
    """What the other servers that stay on in its reach lack, even if LPARs could be split; "" where that is nothing."""
    parts = linked(site.servers, ((s, *judge.targets(n)) for n, s in site.start.items()))
    part = next({*p} for p in parts if server in p)
    rest = [s for s in site.servers if s in part - {server, *plan.off}]
    names = [n for n, s in where.items() if s in part]
    short = sum((site.held(n, where[n]) for n in names), Demand(0, 0))
    short -= sum((site.room(s) for s in rest), Demand(0, 0))
    lacks = [f"{show_cores(short.units)} cores"] * (short.units > 0)
    lacks += [f"{show_gib(short.memory_mib)} GiB"] * (short.memory_mib > 0)
    if site.usage is not None and rest:
        total = sum((site.used.of(n, where[n]) for n in names), site.used.none)
        total = sum((site.used.on(s, ()) for s in rest), total)
        over = int(total.max(initial=0)) - 10 * sum(site.limit(s).units for s in rest)
        lacks += [f"{show_cores(-(-over // 10))} cores as measured"] * (over > 0)
    return f"the others lack {' and '.join(lacks)} for it, even if LPARs could be split" if lacks else ""


def _kept(site: Site, judge: Judge, lpar: str) -> str:
    """Why an LPAR may go nowhere; "" where it may."""
    here = site.start[lpar]
    if not site.lpars[lpar].active or judge.targets(lpar):
        return ""
    ready = errors(judge.readiness(lpar))
    others = [s for s in site.servers if s != here]
    found = list(ready) or [f for s in others[:1] for f in errors(judge.move(lpar, here, s))]
    to = "" if ready or not others else f"to {others[0]}: "
    what = f"{to}{found[0].message} ({found[0].rule})" if found else "nothing is in its reach"
    return f"cannot leave: {what}"
