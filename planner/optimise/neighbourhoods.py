"""A placement of a wide component made better neighbourhood by neighbourhood: a dozen servers and what is on them are
a program of their own for CP-SAT, all else staying.

Measure and moves are weighed against each other until the measure is within the gap of its bound, and it never rises;
from then on the moves alone count, under that ceiling. Neighbourhoods are taken in a fixed order and CP-SAT's work is
counted, so the same placement is made better in the same way unless time runs out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from itertools import permutations
from random import Random

from planner.grouping import inverted
from planner.optimise.consolidation_program import ConsolidationProgram
from planner.optimise.large.components import Component
from planner.optimise.measure import Scale
from planner.optimise.placement import Candidates
from planner.optimise.solver import Effort, decided
from planner.parallel import beside
from planner.plan.questions import Consolidate
from planner.rules import Site
from planner.stopwatch import now

_SIZES, _WORK_EACH, _GAP = (6, 12), 0.033, 0.001
"""Servers of a neighbourhood, more where fewer gain nothing; CP-SAT's work for each, and the gap at which it stops."""
_PASSES = 20
"""How often every server may be the middle of a neighbourhood, as long as that gains something."""
_LEVELS = 12
"""A share of the moves weighs as much as a share of the measure so many times smaller."""
_SCALE = 10 ** 12
"""Parts into which a share is divided in the weighed sum."""


class Neighbourhoods:
    """The search; ``where`` is the placement of now, of all LPARs of the component. ``ceiling``: what the component may
    weigh beyond its LPARs' least once it does not weigh more; ``straight``: whether the moves to a placement have an
    order."""

    def __init__(self, site: Site, part: Component, candidates: Candidates, goal: Consolidate, scale: Scale,
                 where: Mapping[str, str], *, ceiling: int, straight: Callable[[Mapping[str, str]], bool]) -> None:
        self.site, self.part, self.candidates, self.goal, self.scale = site, part, candidates, goal, scale
        self.where, self.ceiling, self.straight = dict(where), ceiling, straight
        self.random, self.size = Random(0), _SIZES[0]
        self.near = self._near()
        self.stages = [dict(where)]
        """Placements on the way, each better than the last."""

    @property
    def cost(self) -> int:
        return sum(self._price(n, s) for n, s in self.where.items())

    @property
    def measure(self) -> int:
        """What it weighs beyond the least of its LPARs."""
        return self.scale.beyond(self.used & set(self.part.servers), self.where)

    @property
    def used(self) -> set[str]:
        """The servers on which something stands, or that were asked for."""
        return {*self.where.values(), *self.goal.keep}

    def _price(self, lpar: str, server: str) -> int:
        return self.candidates.cost.get(lpar, {}).get(server, 0)

    def _near(self) -> dict[str, dict[str, int]]:
        """By server, how many LPARs may go to each other one as well as to it."""
        out: dict[str, dict[str, int]] = {s: {} for s in self.part.servers}
        for places, times in Counter(map(tuple, self.candidates.cost.values())).items():
            for s, t in permutations(places, 2):
                out[s][t] = out[s].get(t, 0) + times
        return out

    def run(self, deadline: float) -> None:
        """Until no neighbourhood gains anything, or there is no time for one more. Two at a time, which share no
        server."""
        took = 0.0
        for _ in range(_PASSES):
            before = dict(self.where)
            order = self.random.sample(self.part.servers, len(self.part.servers))
            while order and (at := now()) + took < deadline:
                self.both(*self.two(order), deadline)
                took = now() - at
            gained = self.where != before
            if not gained and self.size == _SIZES[-1]:
                return
            self.size = _SIZES[0] if gained else _SIZES[_SIZES.index(self.size) + 1]
            if gained:
                self.stages.append(dict(self.where))
            if now() + took >= deadline:
                return

    def two(self, order: list[str]) -> tuple[list[str], list[str]]:
        """The next two neighbourhoods; their middles are taken from the order."""
        first = self.around(order.pop(), ())
        left = [s for s in order if s not in first]
        if not left:
            return first, []
        order.remove(left[-1])
        return first, self.around(left[-1], first)

    def around(self, middle: str, without: Collection[str]) -> list[str]:
        """A server and those that share most LPARs with it, chance among them."""
        near = {s: n for s, n in self.near[middle].items() if s not in without}
        weight = {s: n * self.random.uniform(0.5, 1.0) for s, n in near.items()}
        return sorted([middle, *sorted(near, key=lambda s: (-weight[s], s))[:self.size - 1]])

    def both(self, first: list[str], second: list[str], deadline: float) -> None:
        """Place what is on these servers anew, where that is better. Each may use half of what the ceiling leaves."""
        spare = self.ceiling - self.measure
        share = spare // 2 if spare > 0 and second else spare
        found = beside(lambda: self.better(second, share, deadline), lambda: self.better(first, share, deadline))
        for placement in found:
            if placement and self.straight(self.where | placement):
                self.where |= placement

    def better(self, window: list[str], spare: int, deadline: float) -> dict[str, str]:
        """A better placement on these servers, or nothing; it may weigh so much more where that is not negative."""
        if len(window) < 2:
            return {}
        model = self.program(window)
        cost = dict(model.program.objective)
        divisor = model.minimise_measure()
        known = model.standing(self.where)
        if not model.program.holds(known):
            return {}
        here = sum(c * known[i] for i, c in model.measure.items())
        model.add_measure(here + max(spare, 0) // divisor)
        if spare >= 0:
            model.add_cost()
        else:
            whole = self.measure + sum(self.scale.least.get(n, 0) for n in self.part.lpars)
            a, b = _LEVELS * _SCALE * divisor // max(whole, 1), _SCALE // max(self.cost, 1)
            both = {**model.measure, **cost}
            model.program.minimise({i: a * model.measure.get(i, 0) + b * cost.get(i, 0) for i in both})
        effort = Effort(_WORK_EACH * len(window), max(deadline - now(), 0.05))
        solution = decided(model.program, effort, _GAP, dict(enumerate(known)))
        if not solution.found or model.program.value(solution.values) >= model.program.value(known):
            return {}
        return {} if model.mend(solution) else model.placement(solution)

    def program(self, window: list[str]) -> ConsolidationProgram:
        """The whole program of these servers; LPARs from elsewhere that count stay where they are."""
        inside, used, there = set(window), self.used, inverted(self.where.items())
        cost: dict[str, dict[str, int]] = {}
        for n in sorted(n for s in window for n in there.get(s, ())):
            here = self.where[n]
            places = self.candidates.cost.get(n, {here: 0})
            stays = (home := self.site.start[n]) not in inside and home in used
            cost[n] = {s: c for s, c in places.items() if s == here or (s in inside and not stays)}
        residents = [n for s in window for n in self.site.residents(s)]
        tied = [n for g in self.site.policies.together if set(g.members) & set(cost) for n in g.members]
        for n in sorted({*residents, *tied} & set(self.where) - set(cost)):
            cost[n] = {self.where[n]: self._price(n, self.where[n])}
        model = ConsolidationProgram(self.site, Candidates(cost), window, self.goal, self.scale)
        model.add_homes(self.where)
        return model
