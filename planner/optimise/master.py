"""Which servers stay on, under aggregated capacity: a relaxation whose optimum bounds every placement.

Relaxed are: who goes where (only totals and cover count), groups, pools, time. So its measure is a lower bound, and a
set of servers that turns out impossible comes back as a cut: switching off at least these servers is impossible.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from planner.cost import side_rate
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

    def choose(self, deadline: float, at_most: int | None = None, *, cheapest: bool = True) -> Choice | Outcome:
        """The lightest set, and with ``cheapest`` among those the one that is cheapest to empty by its bound.

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
            if not cheapest:
                return self._choice(first.values, first.bound, 0.0)
            self.program.at_most(measure, first.objective, "measure")
            self.program.minimise({i: -self.emptying[s] for s, i in self.on.items()})
            second = self.program.solve(max(deadline - time.monotonic(), 0.05), known=first.values)
            best = second if second.found else first
            bound = sum(self.emptying.values()) + (second.bound or -sum(self.emptying.values()))
            return self._choice(best.values, first.bound, bound)
        finally:
            del self.program.rows[kept:]

    def classes(self) -> dict[str, int]:
        """Servers in classes of those that receive moves at the same rate. Any classes give a valid bound."""
        site = self.site
        rate = {s: max((round(side_rate(v, site.servers[s], site.parameters, source=False))
                        for v in site.movers(s)), default=0) for s in self.part.servers}
        return {s: sorted(set(rate.values())).index(r) for s, r in rate.items()}

    def tighten(self, deadline: float, at_most: int, gap: float, *, rest: bool = False) -> tuple[Choice | None, float]:
        """The set of at most this measure that is cheapest to empty when LPARs may be split and servers of one class
        share their room, and a bound of what any such set costs (infinite when there is none). With ``rest`` of those
        sets that are not done with."""
        program, site, on = Program(), self.site, self.on
        program.upper = list(self.program.upper)
        program.rows = [r for r in self.program.rows if rest or r.tag != "done"]
        program.at_most({on[s]: w for s, w in self.scale.fixed.items() if s in on}, at_most, "measure")
        of = self.classes()
        held: dict[tuple[int, str], dict[int, int]] = {
            (k, r): {on[s]: -max(room(site, s, r), 0) for s in of if of[s] == k}
            for k in sorted(set(of.values())) for r in RESOURCES}
        cost: dict[int, int] = {}
        for n in self.part.lpars:
            home, least = site.start[n], self._by_class(n, of)
            stay = program.variable()
            ways = [(stay, of[home], [home])]
            for k, (price, servers) in least.items():
                ways.append((program.variable(), k, servers))
                cost[ways[-1][0]] = price
            program.equals({i: 1 for i, _, _ in ways}, 1, "place")
            program.at_most({stay: 1, on[home]: -1}, 0, "stay")
            for i, k, servers in ways:
                for r in RESOURCES:
                    held[k, r][i] = min(int(getattr(site.demand(n, s), r)) for s in servers)
        for terms in held.values():
            program.at_most(terms, 0, "room")
        program.minimise(cost)
        found = relaxed(program, range(len(on), len(program.upper)), max(deadline - time.monotonic(), 0.05), gap)
        if found.outcome is Outcome.INFEASIBLE:
            return None, math.inf
        bound = max(0.0, found.bound or 0.0)
        if not found.values:
            return None, bound
        return self._choice([round(v) for v in found.values[:len(on)]], 0.0, bound), bound

    def spread(self, deadline: float, slack: float, gap: float, *, whole: bool = True) -> tuple[Choice | None, float]:
        """The lightest set when LPARs may be split over the servers in reach, each resource by itself; and a bound of
        the measure of any set that leaves ``slack``, a share of every server's room, free. Without ``whole`` servers
        may be on in part: a bound alone, and a quick one."""
        program, site = Program(), self.site
        program.upper, program.rows = list(self.program.upper), [r for r in self.program.rows if r.tag != "done"]
        alike: dict[tuple[str, ...], list[str]] = {}
        for n in self.part.lpars:
            alike.setdefault(tuple(sorted(self.places(n))), []).append(n)
        for r in RESOURCES:
            have = {s: {self.on[s]: -max(int(room(site, s, r) * (1 - slack)), 0)} for s in self.part.servers}
            for places, names in sorted(alike.items()):
                amount = sum(min(int(getattr(site.demand(n, s), r)) for s in places) for n in names)
                row = {}
                for s in places:
                    flow = program.variable(amount)
                    row[flow] = have[s][flow] = 1
                program.equals(row, amount, "flow")
            for terms in have.values():
                program.at_most(terms, 0, "room")
        program.minimise({self.on[s]: w for s, w in self.scale.fixed.items() if s in self.on})
        split = range(len(self.on) if whole else 0, len(program.upper))
        found = relaxed(program, split, max(deadline - time.monotonic(), 0.05), gap)
        bound = max(0.0, found.bound or 0.0)
        if not found.values or not whole:
            return None, bound
        return self._choice([round(v) for v in found.values[:len(self.on)]], bound, 0.0), bound

    def _by_class(self, lpar: str, of: Mapping[str, int]) -> dict[int, tuple[int, list[str]]]:
        """Class → the least cost of moving an LPAR to a server of it, and those servers."""
        home = self.site.start[lpar]
        out: dict[int, tuple[int, list[str]]] = {}
        for s, price in self.candidates.cost.get(lpar, {}).items():
            if s != home:
                least, servers = out.get(of[s], (price, []))
                out[of[s]] = (min(least, price), [*servers, s])
        return out

    def chosen(self, on: Iterable[str]) -> Choice:
        """This set, without any bound."""
        kept = set(on)
        return self._choice([int(s in kept) for s in self.on], 0.0, 0.0)

    def _choice(self, values: Sequence[int], measure_bound: float | None, cost_bound: float) -> Choice:
        on = tuple(s for s, i in self.on.items() if values[i])
        off = tuple(s for s, i in self.on.items() if not values[i])
        measure = sum(self.scale.fixed[s] for s in on)
        exact = measure_bound is not None and measure - measure_bound < 0.999
        return Choice(on, off, measure, max(0.0, cost_bound), float(measure) if exact else measure_bound or 0.0)
