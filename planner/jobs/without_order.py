"""Where placements exist, but no order of moves leads to any: the conflict, told only when the replay's own search of
all states finds the same."""

from __future__ import annotations

from collections.abc import Mapping

from planner.optimise.asked import displaced
from planner.optimise.conflict import either, group_words
from planner.plan.details import Conflict
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate, Headroom
from planner.rules import Judge, Site
from planner.schedule.unreachable import NoOrder, no_order
from planner.units import some
from planner.verify import never_reached


def without_order(plan: Plan, site: Site, judge: Judge) -> Conflict | None:
    """Why no order of moves reaches the goal of a plan that was not found; None where that is not proved: the site, or
    the part that is concerned, is too large, or some states could not be told apart."""
    goal = plan.goal
    if not isinstance(goal, Evacuate | Headroom):
        return None
    must = displaced(goal, site) if isinstance(goal, Evacuate) else []
    concerned = goal.freed if isinstance(goal, Evacuate) else (goal.server,)

    def reached(where: Mapping[str, str]) -> bool:
        return isinstance(goal, Evacuate) or _is_free(goal, site, where)

    proof = no_order(site, judge, must, concerned, goal.unmoved, reached, come_back=goal.come_back)
    if proof is None or not never_reached(plan, site, judge):
        return None
    return _conflict(goal, site, proof)


def _is_free(goal: Headroom, site: Site, where: Mapping[str, str]) -> bool:
    """Whether so much is entitled to nobody there; what is used is not looked at."""
    holding = site.holding(goal.server, [n for n, s in where.items() if s == goal.server])
    limit = site.limit(goal.server)
    by_use = goal.by.value == "usage"
    return (by_use or limit.units - holding.units >= goal.units) and (
        limit.memory_mib - holding.memory_mib >= goal.memory_mib)


def _conflict(goal: Evacuate | Headroom, site: Site, proof: NoOrder) -> Conflict:
    servers = tuple(sorted({subject for _, subject, _ in proof.keeps if subject in site.servers}))
    groups = [(rule, subject) for rule, subject, _ in proof.keeps if subject not in site.servers]
    rules = tuple(dict.fromkeys(rule for rule, _, _ in proof.keeps))
    what = goal.text if isinstance(goal, Headroom) else (
        f"{some(proof.lpars, 6)} away from {some(goal.servers)}" + (", and home again" if proof.back else ""))
    named = "all servers" if len(servers) == len(site.servers) > 1 else some(servers, 4)
    why = [f"{named} {'has' if len(servers) == 1 else 'have'} too little room meanwhile"] * bool(servers) + [
        f"{group_words(site, rule, group)} forbids what would make room" for rule, group in groups]
    lifts = [f"leave behind and stop: {n}" for n in proof.lpars] if proof.irreducible and len(proof.lpars) > 1 else []
    lifts += [f"lift {rule} ({group})" for rule, group in groups]
    lifts += [f"give {named} more room, if only during the moves ({', '.join(rules)})"] * bool(servers)
    return Conflict(
        f"it would fit in the end, but no order of moves leads there: {what}"
        + (f", since {' and '.join(why)}" if why else "")
        + f" (every state that moves can reach was looked at, parking included: {proof.states})",
        proof.lpars, servers, rules, either(lifts), irreducible=proof.irreducible, states=proof.states)
