"""Which servers stay on, under aggregated capacity: a relaxation whose optimum bounds every placement.

Relaxed are: who goes where (only totals and cover count), groups, pools, time. So its measure is a lower bound, and a
set of servers that turns out impossible comes back as a cut: switching off at least these servers is impossible.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from planner.goals.consolidate import Consolidate
from planner.optimise.components import Component
from planner.optimise.measure import Scale
from planner.optimise.placement import Candidates
from planner.optimise.solver import Outcome, Program, relaxed
from planner.rules import Site

RESOURCES = ("units", "memory_mib")


@dataclass(frozen=True, slots=True)
class Choice:
    """Servers to keep on: their ``measure`` in weights, and a lower bound of what emptying the others costs.

    ``measure_bound``: no set that is not cut off weighs less.
    """

    on: tuple[str, ...]
    off: tuple[str, ...]
    measure: int
    cost_bound_ms: float
    measure_bound: float


def room(site: Site, server: str, resource: str) -> int:
    """What LPARs may hold of a server in all: its limit, or what it held at the start if that is more."""
    limit, start, base = site.limit(server), site.at_start[server], site.base(server)
    return int(max(getattr(limit, resource), getattr(start, resource)) - getattr(base, resource))


class Master:
    """The master of one component."""

    def __init__(self, site: Site, part: Component, candidates: Candidates, goal: Consolidate, scale: Scale) -> None:
        self.site, self.part, self.candidates, self.goal, self.scale = site, part, candidates, goal, scale
        self.program = Program()
        self.on = {s: self.program.variable() for s in part.servers}
        self.add_asked()
        self.add_capacity()
        self.add_cover()
        self.emptying = self._emptying()

    def places(self, lpar: str) -> Iterable[str]:
        """Where an LPAR may end."""
        return self.candidates.cost.get(lpar, {self.site.start[lpar]: 0})

    def add_asked(self) -> None:
        """Servers that were asked to stay on or go off."""
        for wanted, value in ((self.goal.keep, 1), (self.goal.off, 0)):
            for s in wanted:
                if s in self.on:
                    self.program.equals({self.on[s]: 1}, value, "asked")

    def add_capacity(self) -> None:
        """What is on holds everything; for N+1 it does without any one server as well."""
        for resource in RESOURCES:
            have = {self.on[s]: room(self.site, s, resource) for s in self.part.servers}
            total = sum(min(getattr(self.site.demand(n, s), resource) for s in self.places(n)) for n in self.part.lpars)
            self.need(have, total)
            if self.goal.n_plus_1:
                for s in self.part.servers:
                    self.need({i: c for i, c in have.items() if i != self.on[s]}, total)

    def need(self, have: dict[int, int], total: int) -> None:
        """Σ have ≥ total."""
        self.program.at_most({i: -max(c, 0) for i, c in have.items()}, -total, "capacity")

    def add_cover(self) -> None:
        """Each LPAR finds a server that is on among those where it may end."""
        for places in sorted({tuple(sorted(self.places(n))) for n in self.part.lpars}):
            self.program.at_most({self.on[s]: -1 for s in places}, -1, "cover")

    def _emptying(self) -> dict[str, int]:
        """What emptying a server costs at least: each LPAR at its cheapest other place."""
        out = dict.fromkeys(self.part.servers, 0)
        for n in self.part.lpars:
            home = self.site.start[n]
            others = [c for s, c in self.candidates.cost.get(n, {}).items() if s != home]
            out[home] += min(others, default=0)
        return out

    def cut(self, off: Sequence[str]) -> None:
        """At least one of these servers stays on."""
        self.program.at_most({self.on[s]: -1 for s in off}, -1, "cut")

    def forbid(self, choice: Choice) -> None:
        """Never choose exactly this set again."""
        off = set(choice.off)
        self.program.at_most({i: 1 if s not in off else -1 for s, i in self.on.items()}, len(choice.on) - 1, "done")

    def choose(self, deadline: float, at_most: int | None = None) -> Choice | Outcome:
        """The lightest set, and among those the one that is cheapest to empty by its bound.

        ``at_most``: only sets of this measure are asked for. INFEASIBLE when there is none, UNKNOWN without time.
        """
        kept = len(self.program.rows)
        measure = {self.on[s]: w for s, w in self.scale.fixed.items() if s in self.on}
        try:
            if at_most is not None:
                self.program.at_most(measure, at_most, "measure")
            self.program.minimise(measure)
            first = self.program.solve(max(deadline - time.monotonic(), 0.05))
            if not first.found or first.objective is None:
                return Outcome.INFEASIBLE if first.outcome is Outcome.INFEASIBLE else Outcome.UNKNOWN
            self.program.at_most(measure, first.objective, "measure")
            self.program.minimise({i: -self.emptying[s] for s, i in self.on.items()})
            second = self.program.solve(max(deadline - time.monotonic(), 0.05), known=first.values)
            best = second if second.found else first
            bound = sum(self.emptying.values()) + (second.bound or -sum(self.emptying.values()))
            return self._choice(best.values, first.bound, bound)
        finally:
            del self.program.rows[kept:]

    def tighten(self, deadline: float, at_most: int, gap: float) -> tuple[Choice | None, float]:
        """The set of at most this measure that is cheapest to empty when LPARs may be split over servers, and a
        bound of what any such set costs. Needs a variable for each candidate."""
        program, site = Program(), self.site
        program.upper, program.rows = list(self.program.upper), [r for r in self.program.rows if r.tag != "done"]
        program.at_most({self.on[s]: w for s, w in self.scale.fixed.items() if s in self.on}, at_most, "measure")
        x = {(n, s): program.variable() for n in self.part.lpars for s in self.places(n)}
        for n in self.part.lpars:
            program.equals({x[n, s]: 1 for s in self.places(n)}, 1, "place")
        here: dict[str, list[str]] = {s: [] for s in self.part.servers}
        for n, s in x:
            here[s].append(n)
        for s in self.part.servers:
            for resource in RESOURCES:
                wanted = {x[n, s]: int(getattr(site.demand(n, s), resource)) for n in here[s]}
                program.at_most({**wanted, self.on[s]: -max(room(site, s, resource), 0)}, 0, "room")
        cost = self.candidates.cost
        program.minimise({i: cost[n][s] for (n, s), i in x.items() if n in cost})
        found = relaxed(program, x.values(), max(deadline - time.monotonic(), 0.05), gap)
        bound = max(0.0, found.bound or 0.0)
        if not found.values:
            return None, bound
        values = [round(v) for v in found.values[:len(self.on)]]
        return self._choice(values, 0.0, bound), bound

    def _choice(self, values: Sequence[int], measure_bound: float | None, cost_bound: float) -> Choice:
        on = tuple(s for s, i in self.on.items() if values[i])
        off = tuple(s for s, i in self.on.items() if not values[i])
        measure = sum(self.scale.fixed[s] for s in on)
        exact = measure_bound is not None and measure - measure_bound < 0.999
        return Choice(on, off, measure, max(0.0, cost_bound), float(measure) if exact else measure_bound or 0.0)
