"""That no order of moves leads where a question wants it, worked out again: places by places, from rows alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from planner.findings import errors
from planner.grouping import inverted
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Question, Resume, Whatif
from planner.rules import Judge, Site
from planner.verify.base import after_work
from planner.verify.counts import limits
from planner.verify.goals import Course, reached

_MOST = 2_000_000
"""LPARs times servers of all states that are looked at, at most."""

Where = tuple[tuple[str, str], ...]
"""(LPAR, server) of those who may move, by name."""


@dataclass
class _PartReplayed:
    """Who may move among some servers, who stays, and what each takes of each server."""

    site: Site
    judge: Judge
    servers: list[str]
    moving: list[str]
    takes: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    work: int = 0

    def __post_init__(self) -> None:
        inside = {*self.moving}
        self.limits = {s: [*limits(self.site, s)] for s in self.servers}
        self.grouped = {n for g in (*self.site.policies.apart, *self.site.policies.clusters) for n in g.members}
        self.staying = {n: s for n, s in self.site.start.items() if n not in inside}

    def amounts(self, lpar: str, server: str) -> tuple[int, ...]:
        """What it takes of everything that is limited there."""
        if (lpar, server) not in self.takes:
            self.takes[lpar, server] = tuple(x.of(lpar) for x in self.limits[server])
        return self.takes[lpar, server]

    def next_to(self, where: Where, judge: Judge) -> Iterator[Where]:
        """Places after one move that nothing forbids while both servers are held."""
        now = dict(where)
        everyone = self.staying | now
        on = inverted(everyone.items(), self.servers)
        held = {s: [sum(column) for column in zip(*(self.amounts(n, s) for n in on[s]), strict=True)]
                or [0] * len(self.limits[s]) for s in self.servers}
        for lpar, here in where:
            for server in self.servers:
                if server != here and judge.allowed(lpar, here, server) and all(
                        taken + more <= x.most for x, taken, more in zip(
                            self.limits[server], held[server], self.amounts(lpar, server), strict=True)):
                    both = {n: (s,) for n, s in everyone.items() if n in self.grouped} | {lpar: (here, server)}
                    if lpar not in self.grouped or not errors(self.judge.groups(both, end=False)):
                        yield tuple(sorted((now | {lpar: server}).items()))

    def closed(self, begin: Collection[Where], judge: Judge) -> Iterator[Where]:
        """Everything that can be reached from some places; ends early where it is too much, see ``over``."""
        seen, todo = {*begin}, [*begin]
        while todo and not self.over:
            where = todo.pop()
            yield where
            self.work += len(self.moving) * len(self.servers)
            fresh = [w for w in self.next_to(where, judge) if w not in seen]
            seen.update(fresh)
            todo += dict.fromkeys(fresh)

    @property
    def over(self) -> bool:
        """Whether it was given up."""
        return self.work > _MOST


def never_reached(plan: Plan, site: Site, judge: Judge, may_stay: Collection[str] = ()) -> bool | None:
    """Whether the goal of a plan is in no state that moves, one after the other, can reach from the start, or none of
    those from which everybody comes home; None where that is too much to look at. ``may_stay``: LPARs that may be on a
    freed server all the same."""
    for servers in _together(site, judge, _about(plan.goal, site)):
        moving = sorted(n for n, s in site.start.items()
                        if s in servers and n not in plan.goal.unmoved and judge.ready(n))
        world = _PartReplayed(site, judge, servers, moving)
        asked = _within(plan, {*servers}, may_stay, site)
        start = tuple((n, site.start[n]) for n in moving)
        there = [w for w in world.closed([start], judge) if _done(asked, world, dict(w), {*servers})]
        if world.over:
            continue
        if not there:
            return True
        if plan.goal.come_back:
            home = tuple((n, site.homes.get(n, site.start[n])) for n in moving)
            arrives = any(w == home for w in world.closed(there, after_work(plan, site, judge)))
            if not arrives and not world.over:
                return True
    return None


def _about(goal: Question, site: Site) -> set[str]:
    """The servers that a question is about."""
    own = {*goal.freed, getattr(goal, "server", ""), *getattr(goal, "off", ())} - {""}
    ends = {**goal.homes, **getattr(goal, "places", {})}
    return own | {s for n, there in ends.items() for s in (site.start.get(n, there), there)
                  if site.start.get(n, there) != there}


def _within(plan: Plan, servers: Collection[str], may_stay: Collection[str], site: Site) -> Plan:
    """The plan with the question as far as these servers are concerned: with the servers off that it asks for, whatever
    happens when another fails."""
    goal = plan.goal
    if isinstance(goal, Consolidate):
        return plan.replace(goal=goal.replace(n_plus_1=False), off=goal.off)
    if isinstance(goal, Resume):
        return plan.replace(goal=goal.replace(places={n: s for n, s in goal.places.items()
                                                      if site.start.get(n) in servers}))
    if isinstance(goal, Whatif):
        return plan.replace(goal=goal.replace(leave=(*goal.leave, *may_stay)))
    return plan


def _done(plan: Plan, world: _PartReplayed, where: Mapping[str, str], servers: Collection[str]) -> bool:
    """Whether the goal is reached, as far as it is about these servers; what else stands in the end left out."""
    everywhere = world.staying | dict(where)
    elsewhere = {n: "" if s not in servers else s for n, s in everywhere.items()}
    return not reached(plan.goal, Course(plan, world.site, world.judge, elsewhere, elsewhere, {}))


def _together(site: Site, judge: Judge, concerned: Collection[str]) -> Iterator[list[str]]:
    """Servers that hang together by the networks and storage of LPARs, with one that is concerned."""
    left = sorted(concerned)
    while left:
        part, grown = {left[0]}, True
        while grown:
            more = set(part)
            for n, s in site.start.items():
                there = judge.near(n)
                reach = {s, *(site.servers if there is None else there)}
                if reach & part:
                    more |= reach & site.servers.keys()
            part, grown = more, more != part
        left = [s for s in left if s not in part]
        yield [s for s in site.servers if s in part]
