"""Why servers stay on after a consolidation: what keeps each of them from being emptied beside those that go off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planner.findings import errors
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.measure import scale_of
from planner.plan.choices import OUT, Status
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate
from planner.rules import Judge, Site
from planner.schedule.exact import small
from planner.stopwatch import now, stopped
from planner.units import many, some

_MOST, _PAIRS, _EACH_S = 12, 3_000, 5.0
"""Servers that are asked about at most; LPARs times servers of a site up to which any is; seconds for one."""


def why_on(plan: Plan, site: Site, judge: Judge, goal: Consolidate, known: Mapping[str, str], deadline: float
           ) -> Iterator[str]:
    """A line for each reason, with the servers that stay on for it, those of ``known`` (server → why, told elsewhere)
    left out. What is not asked about is told as such."""
    weight = scale_of(site, goal.measure).fixed
    left = sorted((s for s in site.servers if s not in plan.off and s not in known), key=lambda s: (-weight[s], s))
    reasons: dict[str, list[str]] = {}
    unasked = []
    for number, server in enumerate(left):
        unhurried = small(site) or (len(site.start) * len(site.servers) <= _PAIRS and now() + _EACH_S < deadline)
        if number < _MOST and unhurried and not stopped():
            reasons.setdefault(_why(plan, site, judge, goal, server), []).append(server)
        else:
            unasked.append(server)
    for why, servers in reasons.items():
        yield _line(servers, why)
    if unasked:
        yield _line(unasked, "planner evacuate says of each what keeps it on")


def _line(servers: Sequence[str], why: str) -> str:
    return f"{some(servers, 6)} {'stays' if len(servers) == 1 else 'stay'} on: {why}"


def _why(plan: Plan, site: Site, judge: Judge, goal: Consolidate, server: str) -> str:
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
    asked = Evacuate(servers=(*plan.off, server), come_back=goal.come_back, firmware_after=goal.firmware_after,
                     not_targets=goal.not_targets, assume_nothing=goal.assume_nothing)
    answer = EvacuationProblem(site, judge, asked).solve(_EACH_S, 1.0)
    beside = " beside what goes off" if plan.off else ""
    if answer.conflict is not None:
        return f"it cannot be emptied{beside}: {answer.conflict.summary} ({', '.join(answer.conflict.rules)})"
    if goal.n_plus_1:
        return f"it could be emptied{beside}, but no such plan in which any one server may fail was found"
    if plan.levels and plan.levels[0].status is Status.OPTIMAL:
        return f"it could be emptied{beside}, but that saves nothing by what is asked for ({goal.measure})"
    return f"nothing is known to keep it on{beside}: no better plan was found in the time"


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
