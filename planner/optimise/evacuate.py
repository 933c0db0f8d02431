"""Answering an evacuation: displaced LPARs first, then chains through survivors, proved against the lower bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from planner.grouping import grouped, linked
from planner.optimise.asked import displaced, survivors
from planner.optimise.conflict import in_sum, joined, stranded
from planner.optimise.placement import Candidates, PlacementProgram, candidates_of
from planner.optimise.stages import Answer, StagedProblem
from planner.plan.choices import Status
from planner.plan.questions import Evacuate
from planner.rules import Judge, Scope, Site
from planner.rules.base import asked_rules
from planner.stopwatch import now

_LARGE = 20_000
"""LPARs times servers from which on sums are looked at before any program is: there it would take its whole time to
prove what they show."""


@dataclass(frozen=True, slots=True)
class EvacuationPart:
    """What of an evacuation belongs together: LPARs that must go, and the servers among which they can cause moves."""

    displaced: Sequence[str]
    survivors: Sequence[str]
    direct: Candidates


def parts_of(problem: EvacuationProblem) -> list[EvacuationPart]:
    """The connected components of reach among the surviving servers that have to do with a displaced LPAR."""
    site, narrow = problem.site, problem.narrow.cost
    nears = {(id(near), server): near for name, server in site.start.items() for near in (problem.judge.near(name),)}
    reached = [(server, *sorted(problem.survivors if near is None else near)) for (_, server), near in nears.items()]
    together = [[s for n in sorted(names) if n in site.start for s in (site.start[n], *narrow.get(n, ()))]
                for names in site.policies.tied()]
    components = linked(problem.survivors, (*reached, *together))
    component = {server: number for number, servers in enumerate(components) for server in servers}
    members = grouped((component[next(iter(narrow[name]))], name) for name in problem.displaced)
    return [EvacuationPart(names, components[number], Candidates({n: narrow[n] for n in names}))
            for number, names in members.items()]


class EvacuationProblem(StagedProblem):
    """One evacuation; ``part``: what of it is answered, all when it is None."""

    def __init__(self, site: Site, judge: Judge, goal: Evacuate, part: EvacuationPart | None = None) -> None:
        super().__init__(site, judge, come_back=goal.come_back)
        self.goal, self.is_part = goal, part is not None
        self.displaced = displaced(goal, site) if part is None else list(part.displaced)
        self.survivors = survivors(goal, site) if part is None else list(part.survivors)
        self.narrow = part.direct if part else candidates_of(site, judge, self.displaced, self.survivors,
                                                             come_back=goal.come_back)

    @cached_property
    def wide(self) -> Candidates:
        """With those LPARs of survivors that may move at all."""
        shifting = [n for n, s in self.site.start.items()
                    if s in self.survivors and self.judge.targets(n, self.survivors)]
        return candidates_of(self.site, self.judge, self.displaced, self.survivors, shifting,
                             come_back=self.come_back)

    def model(self, candidates: Candidates) -> PlacementProgram:
        return PlacementProgram(self.site, candidates, self.survivors, self.displaced)

    def solve(self, time_limit: float, gap: float) -> Answer:
        """The best placement that can be had in ``time_limit`` seconds. Deterministic unless time runs out."""
        deadline = now() + time_limit
        if not self.displaced:
            return Answer(Status.OPTIMAL, {}, 0, 0.0)
        if nowhere := [n for n in self.displaced if not self.narrow.cost[n]]:
            return Answer(Status.INFEASIBLE, {}, conflict=stranded(self, nowhere))
        large = len(self.site.start) * len(self.survivors) > _LARGE
        if large and not self.is_part and (conflict := in_sum(self.site, self.displaced, self.survivors)):
            return Answer(Status.INFEASIBLE, {}, conflict=conflict)
        if not self.is_part and not self.cuts and not asked_rules(Scope.GROUP):
            return self._by_parts(deadline, gap)
        return self.staged(float(self.narrow.bound()), deadline, gap)

    def _by_parts(self, deadline: float, gap: float) -> Answer:
        """Parts of the site between which nothing can move are problems of their own: costs and bounds add up."""
        parts = parts_of(self)
        answers = []
        for number, part in enumerate(parts):
            share = max(deadline - now(), 0.1) / (len(parts) - number)
            answers.append(type(self)(self.site, self.judge, self.goal, part).solve(share, gap))
        conflicts = [a.conflict for a in answers if a.conflict is not None]
        if any(a.status is Status.INFEASIBLE for a in answers):
            return Answer(Status.INFEASIBLE, {}, conflict=joined(conflicts) if conflicts else None)
        bound = sum(p.direct.bound() if a.bound_ms is None else a.bound_ms
                    for p, a in zip(parts, answers, strict=True))
        if any(a.status is Status.UNKNOWN for a in answers):
            return Answer(Status.UNKNOWN, {}, bound_ms=bound)
        proved = all(a.status is Status.OPTIMAL for a in answers)
        placement = dict(sorted(item for a in answers for item in a.placement.items()))
        return Answer(Status.OPTIMAL if proved else Status.FEASIBLE, placement,
                      sum(a.objective_ms or 0 for a in answers), bound)


class Unexplained(EvacuationProblem):
    """One evacuation of which nobody asks why it is impossible."""

    def explain(self, model: PlacementProgram, deadline: float) -> None:
        """Nothing."""
