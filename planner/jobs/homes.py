"""Who stands elsewhere than at home when a plan begins, and whether its way back can bring it there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from planner.errors import UsageError
from planner.estate.model import Estate
from planner.estate.policies import compile_policies
from planner.findings import Finding, Severity, errors, ordered
from planner.plan.choices import Status
from planner.plan.plan import Plan
from planner.plan.questions import Question
from planner.rules import Judge, Site
from planner.units import some

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.history.usage import Usage

Q = TypeVar("Q", bound=Question)


def homes_of(plan: Plan, estate: Estate) -> dict[str, str]:
    """Where the LPARs of a plan stood before it, of those that the estate has; raises UsageError when it has none."""
    known, homes = {p.name for p in estate.lpars}, recorded_homes(plan)
    if not known & homes.keys():
        raise UsageError("--home: the estate has no LPAR that this plan moves")
    return {n: s for n, s in homes.items() if n in known}


def recorded_homes(plan: Plan) -> dict[str, str]:
    """Where the LPARs of a plan belong: where they stood before it, or before that with which it went on."""
    homes: dict[str, str] = dict(plan.goal.away)
    for m in sorted(plan.moves, key=lambda m: m.start_ms):
        homes.setdefault(m.lpar, plan.goal.homes.get(m.lpar, m.source))
    return homes


def moved_away(plan: Plan, estate: Estate) -> dict[str, str]:
    """LPAR → where it stood before a plan, of those that stand where it takes them, not where they were."""
    stands = {p.name: p.server for p in estate.lpars}
    there = {(m.lpar, m.target) for m in plan.moves} | {(n, stands.get(n, "")) for n in plan.goal.away}
    return {n: s for n, s in homes_of(plan, estate).items() if s != stands[n] and (n, stands[n]) in there}


def stated_homes(estate: Estate, given: Mapping[str, str], along: Collection[str] = ()) -> dict[str, str]:
    """LPAR → home of those that stand elsewhere: as ``given``, as the estate states it, else as a soft pin does.
    ``along``: servers to which what is not activated comes home as well."""
    pins, _ = compile_policies(estate)
    servers = {s.name for s in estate.servers}
    homes = {}
    for p in estate.lpars:
        pinned = pins.soft_pins.get(p.name, (p.server,))
        home = given.get(p.name) or p.home or (p.server if p.server in pinned or not pinned else pinned[0])
        if (p.active or home in along) and home in servers and home != p.server:
            homes[p.name] = home
    return homes


def bringing_home(goal: Q, estate: Estate, used: Usage | None, checked: Callable[[Q, Site], Q],
                  planned: Callable[[Q, Site], Plan],
                  must_go: Callable[[Q, Site], tuple[Sequence[str], Sequence[str]]] = lambda goal, site: ((), ())
                  ) -> Plan:
    """The plan of a question, with a way back that also brings home who stood elsewhere before; who cannot come is
    named in it. ``must_go``: the LPARs that leave in any case, and the servers to which they may."""
    homes = stated_homes(estate, goal.homes, goal.takes_along) if goal.come_back else {}

    def sited(goal: Q) -> Site:
        return Site(estate, usage=used, goal=goal)

    given = homes.keys() & goal.homes.keys()
    goal = goal.replace(homes=homes, away={} if goal.come_back else goal.away)
    site = sited(goal)
    goal = checked(goal, site)
    if goal.freed and goal.come_back and not homes:
        return _told(planned(goal, site), unstated_homes(goal, Judge(site)))
    away = out_of_reach(Judge(site), goal.unmoved, *must_go(goal, site)) if homes else {}
    if away:
        goal = goal.replace(homes={n: s for n, s in homes.items() if n not in away}, away={n: homes[n] for n in away})
        site = sited(goal)
    plan = planned(goal, site)
    if goal.homes and (plan.status is Status.UNKNOWN or (plan.conflict and plan.conflict.states)):
        away |= dict.fromkeys(goal.homes, ("no order of moves was found that brings it there as well", ""))
        goal = goal.replace(homes={}, away=homes)
        plan = planned(goal, sited(goal))
    coming = ", ".join(f"{n} to {s}" for n, s in sorted(goal.homes.items()) if n in given)
    notes = (f"comes home as an earlier plan had it: {coming}",) if coming else ()
    return _told(plan.replace(notes=(*plan.notes, *notes)), not_home(homes, away))


def _told(plan: Plan, findings: Sequence[Finding]) -> Plan:
    return plan.replace(findings=ordered((*plan.findings, *findings))) if findings else plan


def unstated_homes(goal: Question, judge: Judge) -> tuple[Finding, ...]:
    """That who left a freed server before, in a plan that nobody names, does not come home: of those that networks and
    storage let stand there."""
    site = judge.site
    if any(p.home for p in site.estate.lpars) or site.policies.soft_pins:
        return ()
    names = sorted(n for n, s in site.start.items()
                   if s not in goal.freed and any(judge.connected(n, f) for f in goal.freed))
    return (Finding("plan.home", Severity.INFO, some(names), "no home is stated: who was moved away from "
                    f"{', '.join(goal.freed)} before this plan is not brought back", "the earlier plan (--home "
                    "PLAN), or Home in sheet LPARs"),) if names else ()


def out_of_reach(judge: Judge, unmoved: Collection[str], displaced: Sequence[str], survivors: Sequence[str]
                 ) -> dict[str, tuple[str, str]]:
    """LPAR → (why, what would mend it) of those that no way back can bring home from where they stand, or from where
    they may go; ``unmoved`` do not move at all."""
    site, back = judge.site, judge.homeward
    out = {}
    for name, home in site.homes.items():
        if name in unmoved:
            out[name] = ("the question leaves it where it is", "plan its way home by itself: evacuate with --return")
            continue
        here = site.start[name]
        places = judge.targets(name, survivors) if name in displaced else [here]
        if not any(s == home or back.allowed(name, s, home) for s in places):
            refusals = errors((*back.readiness(name), *back.move(name, here, home)))
            out[name] = ("; ".join(dict.fromkeys(f.message for f in refusals)) or "no server from which it could come "
                         "home takes it in", "; ".join(dict.fromkeys(f.fix for f in refusals if f.fix)))
    return out


def not_home(homes: Mapping[str, str], why: Mapping[str, tuple[str, str]]) -> tuple[Finding, ...]:
    """That these do not come home."""
    return tuple(
        Finding("plan.home", Severity.WARNING, n, f"its home is {homes[n]}; it is not brought there: {reason}",
                fix or "plan again once that is mended") for n, (reason, fix) in why.items())
