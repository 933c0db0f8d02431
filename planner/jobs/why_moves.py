"""Why a move of a plan is made at all, why it goes where it goes, and what its next best targets would cost or break.

Everything is worked out anew from the plan and the estate: whoever shows a plan asks :func:`why_moves`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner.findings import Finding, errors
from planner.grouping import inverted
from planner.optimise.placement import move_cost_ms
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.plan.questions import Headroom, Resume
from planner.rules import Judge, Site
from planner.units import many, some

_NEXT, _LOOKED_AT = 2, 12
"""Other targets that are told of a move; the cheapest so many are looked at for them."""


@dataclass(frozen=True, slots=True)
class Instead:
    """Another target of a move: what it would cost more than where it goes (thousandths of a point; less than
    nothing where it would be cheaper), and what it would break, everybody else being where the plan leaves them."""

    server: str
    more_ms: int
    breaks: tuple[Finding, ...]

    @property
    def text(self) -> str:
        """``p570-2 would cost 12 points more``, ``p595-1: memory.capacity: …``."""
        if not self.breaks:
            points, word = round(abs(self.more_ms) / 1000), "more" if self.more_ms > 0 else "less"
            return f"{self.server} would cost " + (f"{many(points, 'point')} {word}" if points else "the same")
        return f"{self.server}: " + "; ".join(f"{f.message} ({f.rule})" for f in self.breaks[:2])


@dataclass(frozen=True, slots=True)
class WhyMove:
    """Why a move is made at all, why there, and its next best targets."""

    made: str
    there: str
    instead: tuple[Instead, ...] = ()


def why_moves(plan: Plan, site: Site, judge: Judge) -> Iterator[tuple[Move, WhyMove]]:
    """Each move of a plan in its order, with why. ``site``: of the estate of before, made for the plan's goal
    (``Site(estate, goal=plan.goal)``), and ``judge`` of it."""
    end = site.start | {m.lpar: m.target for m in plan.leg(OUT)}
    holders = inverted(sorted(end.items()), site.servers)
    for m in plan.moves:
        if m.leg == BACK:
            home = m.target == site.homes.get(m.lpar, site.start.get(m.lpar))
            yield m, WhyMove("it comes home" if home else "it makes room for those who come home",
                             "its home" if home else "on its way")
        elif m.parking:
            yield m, WhyMove(_made(m, plan, site, end), "parked: it moves on when its place is free")
        elif m.lpar in site.start:
            yield m, _why(m, plan, site, judge, end, holders)


def _why(m: Move, plan: Plan, site: Site, judge: Judge, end: Mapping[str, str],
         holders: Mapping[str, list[str]]) -> WhyMove:
    """Of a move of the way out that is not parking."""
    start, gone = site.start[m.lpar], {*plan.goal.freed, *plan.off}
    others = [s for s in site.servers if s not in gone | {start, m.target}]
    cost = {s: move_cost_ms(site, judge, m.lpar, start, s) for s in judge.targets(m.lpar, [*others, m.target])}
    own = cost.get(m.target, 0)
    nearest = sorted((s for s in others if s in cost), key=lambda s: (cost[s], s))[:_LOOKED_AT]
    found = [Instead(s, cost[s] - own, _broken(m.lpar, s, judge, end, holders)) for s in nearest]
    if len(found) < _NEXT:
        refused = [Instead(s, 0, errors((*judge.readiness(m.lpar), *judge.move(m.lpar, start, s))))
                   for s in others if s not in cost]
        found += sorted(refused, key=lambda i: (len(i.breaks), i.server))[:_NEXT - len(found)]
    there = _there([i for i in found if i.server in cost], len(cost))
    best = sorted(found, key=lambda i: (bool(i.breaks), i.server not in cost, i.more_ms, i.server))
    return WhyMove(_made(m, plan, site, end), there, tuple(best[:_NEXT]))


def _there(others: Sequence[Instead], targets: int) -> str:
    """Why there, of so many targets that the rules leave; ``others``: those of them that were looked at."""
    cheaper = [i for i in others if i.more_ms < 0]
    if targets <= 1:
        return "the only server that the rules leave it"
    if len(others) == targets - 1 and all(i.breaks for i in others):
        return f"the only one of its {many(targets, 'target')} that has a place for it"
    if not cheaper:
        return f"none of its {many(targets, 'target')} is cheaper"
    if all(i.breaks for i in cheaper):
        return f"the cheapest that has a place for it: {cheaper[0].text}"
    return "the cheapest placement of all together, or the most even one"


def _broken(lpar: str, server: str, judge: Judge, end: Mapping[str, str],
            holders: Mapping[str, list[str]]) -> tuple[Finding, ...]:
    """What is broken when an LPAR ends on another server."""
    there, policies = sorted({*holders[server], lpar}), judge.site.policies
    beside = {n for g in (*policies.apart, *policies.clusters, *policies.together) if lpar in g.members
              for n in g.members if n in end}
    where = {n: (end[n],) for n in sorted(beside)} | {lpar: (server,)}
    return errors((*judge.server(server, there), *judge.settled(server, there), *judge.groups(where, end=True)))


def _made(m: Move, plan: Plan, site: Site, end: Mapping[str, str]) -> str:
    """Why it moves at all."""
    goal, source = plan.goal, site.start.get(m.lpar, m.source)
    if source in goal.freed:
        return f"{source} is to be free"
    if source in plan.off:
        return f"{source} goes off"
    if isinstance(goal, Headroom) and source == goal.server:
        return f"it makes room: {goal.text}"
    if isinstance(goal, Resume) and m.lpar in goal.places:
        return "the plan that goes on has it there"
    friends = [n for g in site.policies.together if m.lpar in g.members for n in g.members if n != m.lpar]
    if friends and any(site.start.get(n) != end.get(n) for n in friends):
        return f"it is kept together with {some(sorted(friends), 4)}"
    comers = sorted(n for n, s in end.items() if s == source and site.start[n] != source)
    return f"it makes room on {source} for {some(comers, 4)}" if comers else (
        "the placement of all together is cheaper or more even with it")
