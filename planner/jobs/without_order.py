"""Where placements exist, but no order of moves leads to any: the conflict, told only when the replay's own search of
all states finds the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from planner.optimise.asked import displaced
from planner.optimise.conflict import either, group_words
from planner.plan.details import Conflict
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate, Headroom, Question, Resume, Whatif
from planner.rules import Judge, Site
from planner.schedule.unreachable import Aim, NoOrder, no_order
from planner.units import some
from planner.verify import never_reached


def without_order(plan: Plan, site: Site, judge: Judge, may_stay: Collection[str] = ()) -> Conflict | None:
    """Why no order of moves reaches the goal of a plan that was not found; None where that is not proved: the site, or
    the part that is concerned, is too large, or some states could not be told apart; or the question leaves it open
    which servers go off. ``may_stay``: who need not leave a freed server live."""
    aim = _aim(plan.goal, site, may_stay)
    proof = no_order(site, judge, aim) if aim else None
    if aim is None or proof is None or not never_reached(plan, site, judge, may_stay):
        return None
    return _conflict(plan.goal, site, proof)


def _aim(goal: Question, site: Site, may_stay: Collection[str]) -> Aim | None:
    """What the moves of a question have to reach; None where there is more than one such thing."""
    back = goal.come_back
    if isinstance(goal, Headroom):
        return Aim(about=(goal.server,), unmoved=goal.unmoved, come_back=back,
                   reached=lambda where, asked: _is_free(goal, site, where))
    if isinstance(goal, Resume):
        return _rest(goal, site)
    if isinstance(goal, Consolidate):
        must = [n for n, s in site.start.items() if s in goal.off]
        return Aim(must, goal.off, goal.unmoved, come_back=back) if goal.off else None
    if not isinstance(goal, Evacuate | Whatif):
        return None
    must = [n for n in displaced(goal, site) if n not in may_stay] if isinstance(goal, Evacuate) else [
        n for n, s in site.start.items() if s in goal.servers and n not in goal.leave and n not in may_stay]
    return Aim(must, goal.freed, goal.unmoved, come_back=back)


def _rest(goal: Resume, site: Site) -> Aim:
    """What is left of a plan: everybody at the places that it has, and at home."""
    unmoved = goal.unmoved
    places = {n: s for n, s in goal.places.items() if n in site.start and n not in unmoved}
    going = {n: s for n, s in (places or goal.homes).items() if site.start.get(n, s) != s and n not in unmoved}

    def there(where: Mapping[str, str], asked: Collection[str]) -> bool:
        return all(where[n] == s for n, s in places.items() if n in asked or n not in going)

    leaving = [n for n, s in site.start.items() if s in goal.servers and n not in unmoved]
    return Aim({*going, *leaving}, goal.servers, unmoved, {*going.values()}, there, come_back=goal.come_back)


def _is_free(goal: Headroom, site: Site, where: Mapping[str, str]) -> bool:
    """Whether so much is entitled to nobody there; what is used is not looked at."""
    holding = site.holding(goal.server, [n for n, s in where.items() if s == goal.server])
    limit = site.limit(goal.server)
    by_use = goal.by.value == "usage"
    return (by_use or limit.units - holding.units >= goal.units) and (
        limit.memory_mib - holding.memory_mib >= goal.memory_mib)


def _conflict(goal: Question, site: Site, proof: NoOrder) -> Conflict:
    servers = tuple(sorted({subject for _, subject, _ in proof.keeps if subject in site.servers}))
    groups = [(rule, subject) for rule, subject, _ in proof.keeps if subject not in site.servers]
    rules = tuple(dict.fromkeys(rule for rule, _, _ in proof.keeps))
    what = _what(goal, proof)
    named = "all servers" if len(servers) == len(site.servers) > 1 else some(servers, 4)
    why = [f"{named} {'has' if len(servers) == 1 else 'have'} too little room meanwhile"] * bool(servers) + [
        f"{group_words(site, rule, group)} forbids what would make room" for rule, group in groups]
    lifts = [f"leave behind and stop: {n}" for n in proof.lpars] if proof.irreducible and len(proof.lpars) > 1 else []
    lifts += [f"lift {rule} ({group})" for rule, group in groups]
    lifts += [f"give {named} more room, if only during the moves ({', '.join(rules)})"] * bool(servers)
    fits = "" if isinstance(goal, Resume) else "it would fit in the end, but "
    return Conflict(
        f"{fits}no order of moves leads there: {what}"
        + (f", since {' and '.join(why)}" if why else "")
        + f" (every state that moves can reach was looked at, parking included: {proof.states})",
        proof.lpars, servers, rules, either(lifts), irreducible=proof.irreducible, states=proof.states)


def _what(goal: Question, proof: NoOrder) -> str:
    """What no order leads to, in words."""
    if isinstance(goal, Headroom):
        return goal.text
    who, freed = some(proof.lpars, 6), goal.off if isinstance(goal, Consolidate) else goal.freed
    if freed:
        return f"{who} away from {some(freed)}" + (", and home again" if proof.back else "")
    return f"{who} home" if proof.back else f"{who} to where the plan has them"
