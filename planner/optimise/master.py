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
from planner.optimise.components import Component
from planner.optimise.measure import Scale
from planner.optimise.placement import Candidates
from planner.optimise.solver import Outcome, Program, relaxed
from planner.plan.questions import Consolidate
from planner.rules import Site

RESOURCES = ("units", "memory_mib")


@dataclass(frozen=True, slots=True)
class Choice:
    """Servers to keep on, and their ``measure`` in weights without what runs on them.

    ``measure_bound``: no placement on a set that is not ruled out weighs less, what runs beyond its least included.
    """

    on: tuple[str, ...]
    off: tuple[str, ...]
    measure: int
    measure_bound: float


def room(site: Site, server: str, resource: str) -> int:
    """What LPARs may hold of a server in all: its limit, or what it held at the start if that is more."""
    return int(getattr(site.allowed(server), resource) - getattr(site.base(server), resource))


class Master:
    """The master of one component."""

    def __init__(self, site: Site, part: Component, candidates: Candidates, goal: Consolidate, scale: Scale) -> None:
        self.site, self.part, self.candidates, self.goal, self.scale = site, part, candidates, goal, scale
        self.program = Program()
        self.on = {s: self.program.variable() for s in part.servers}
        self.add_asked()
        self.add_capacity()
        self.add_cover()
        self.loaded = any(scale.excess(n, s) for n in part.lpars for s in self.places(n))
        """Whether it makes a difference for the measure where LPARs run."""

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
            have, total = self.totals(resource)
            self.need(have, total)
            if self.goal.n_plus_1:
                self.add_failures(self.program, have, total)

    def totals(self, resource: str) -> tuple[dict[int, int], int]:
        """What every server has for LPARs, by its variable; and what they hold together at least."""
        have = {self.on[s]: room(self.site, s, resource) for s in self.part.servers}
        return have, sum(self._least(n, self.places(n), resource) for n in self.part.lpars)

    def need(self, have: dict[int, int], total: int) -> None:
        """Σ have ≥ total."""
        self.program.at_most({i: -max(c, 0) for i, c in have.items()}, -total, "capacity")

    def add_failures(self, program: Program, have: Mapping[int, int], total: int, spare: float = 0.0) -> None:
        """What is on holds everything without any one server, with a share of its room to spare."""
        for s in self.part.servers:
            program.at_most({i: -max(int(c * (1 - spare)), 0) for i, c in have.items() if i != self.on[s]}, -total,
                            "capacity")

    def add_cover(self) -> None:
        """Each LPAR finds a server that is on among those where it may end."""
        for places in sorted({tuple(sorted(self.places(n))) for n in self.part.lpars}):
            self.program.at_most({self.on[s]: -1 for s in places}, -1, "cover")

    def excess(self, moved: Mapping[str, str]) -> int:
        """What the LPARs weigh beyond their least when these have moved."""
        return sum(self.scale.excess(n, moved.get(n, self.site.start[n])) for n in self.part.lpars)

    def cut(self, off: Sequence[str]) -> None:
        """At least one of these servers stays on."""
        self.program.at_most({self.on[s]: -1 for s in off}, -1, "cut")

    def forbid(self, choice: Choice) -> None:
        """Never choose exactly this set again, until :meth:`forget`."""
        off = set(choice.off)
        self.program.at_most({i: 1 if s not in off else -1 for s, i in self.on.items()}, len(choice.on) - 1, "done")

    @property
    def done(self) -> bool:
        """Whether there are sets that are done with."""
        return any(r.tag == "done" for r in self.program.rows)

    def forget(self) -> None:
        """Sets that were done with may be chosen again."""
        self.program.rows = [r for r in self.program.rows if r.tag != "done"]

    def lightest(self, deadline: float, gap: float = 0.0, *, slack: float = 0.0, whole: bool = True,
                 rest: bool = False, spare: float = 0.0) -> tuple[Choice | None, float]:
        """The lightest set when LPARs may be split over the servers in reach, each resource by itself; and a bound of
        the measure of any set that leaves ``slack``, a share of every server's room, free: infinite when there is
        none. Without ``whole`` servers may be on in part: a bound alone, and a quick one. With ``rest`` of those sets
        that are not done with; with ``spare`` of those with that share of their room free when one server fails."""
        program, site = Program(), self.site
        program.upper = list(self.program.upper)
        program.rows = [r for r in self.program.rows if rest or r.tag != "done"]
        weights = {self.on[s]: w for s, w in self.scale.fixed.items() if s in self.on}
        for r in RESOURCES:
            have: dict[str, dict[int, int]] = {s: {} for s in self.part.servers}
            for (places, tenths), names in sorted(self._alike(r).items()):
                amount = sum(self._least(n, places, r) for n in names)
                cheapest = min(self.scale.rate.get(s, 0) for s in places)
                row = {}
                for s in places:
                    flow = program.variable(amount)
                    row[flow] = have[s][flow] = 1
                    weights[flow] = (self.scale.rate.get(s, 0) - cheapest) * tenths // 1000
                program.equals(row, amount, "flow")
            for s, terms in have.items():
                program.at_most({**terms, self.on[s]: -max(int(room(site, s, r) * (1 - slack)), 0)}, 0, "room")
        for r in RESOURCES if spare else ():
            self.add_failures(program, *self.totals(r), spare)
        program.minimise(weights)
        split = range(len(self.on) if whole else 0, len(program.upper))
        found = relaxed(program, split, max(deadline - time.monotonic(), 0.05), gap)
        if found.outcome is Outcome.INFEASIBLE:
            return None, math.inf
        rounded = len(self.part.lpars) if self.loaded else 0  # what an LPAR weighs is rounded down
        bound = max(0.0, (found.bound or 0.0) - rounded)
        if not found.values or not whole:
            return None, bound
        return self._choice([round(v) for v in found.values[:len(self.on)]], bound), bound

    def _alike(self, resource: str) -> dict[tuple[tuple[str, ...], int], list[str]]:
        """LPARs by where they may end and, for the processors, by how busy they are: tenths of their entitlement."""
        out: dict[tuple[tuple[str, ...], int], list[str]] = {}
        for n in self.part.lpars:
            places, tenths = tuple(sorted(self.places(n))), 0
            if self.loaded and resource == "units":
                tenths = self.scale.busy.get(n, 0) // max(self._least(n, places, resource), 1)
            out.setdefault((places, tenths), []).append(n)
        return out

    def _least(self, lpar: str, places: Iterable[str], resource: str) -> int:
        """What it holds at least on any of these servers."""
        return min(int(getattr(self.site.demand(lpar, s), resource)) for s in places)

    def classes(self) -> dict[str, int]:
        """Servers in classes of those that receive moves at the same rate and draw the same for a busy core. Any
        classes give a valid bound."""
        site = self.site
        kind = {s: (max((round(side_rate(v, site.servers[s], site.parameters, source=False))
                         for v in site.movers(s)), default=0), self.scale.rate.get(s, 0)) for s in self.part.servers}
        return {s: sorted(set(kind.values())).index(k) for s, k in kind.items()}

    def tighten(self, deadline: float, at_most: int, gap: float, *, whole: bool = True, rest: bool = False,
                spare: float = 0.0) -> tuple[Choice | None, float]:
        """The set that is cheapest to empty when LPARs may be split and servers of one class share their room, among
        the placements that weigh at most this, what runs beyond its least included; and a bound of what any such
        placement costs (infinite when there is none). Without ``whole`` servers may be on in part: a bound alone.
        With ``rest`` of those sets that are not done with; with ``spare`` of those with that share of their room free
        when one server fails."""
        program, site, on = Program(), self.site, self.on
        program.upper = list(self.program.upper)
        program.rows = [r for r in self.program.rows if rest or r.tag != "done"]
        weights = {on[s]: w for s, w in self.scale.fixed.items() if s in on}
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
                weights[i] = min(self.scale.excess(n, s) for s in servers)
                for r in RESOURCES:
                    held[k, r][i] = self._least(n, servers, r)
        for terms in held.values():
            program.at_most(terms, 0, "room")
        program.at_most(weights, at_most, "measure")
        for r in RESOURCES if spare else ():
            self.add_failures(program, *self.totals(r), spare)
        program.minimise(cost)
        split = range(len(on) if whole else 0, len(program.upper))
        found = relaxed(program, split, max(deadline - time.monotonic(), 0.05), gap)
        if found.outcome is Outcome.INFEASIBLE:
            return None, math.inf
        bound = max(0.0, found.bound or 0.0)
        if not found.values or not whole:
            return None, bound
        return self._choice([round(v) for v in found.values[:len(on)]], 0.0), bound

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
        return self._choice([int(s in kept) for s in self.on], 0.0)

    def _choice(self, values: Sequence[int], measure_bound: float) -> Choice:
        on = tuple(s for s, i in self.on.items() if values[i])
        off = tuple(s for s, i in self.on.items() if not values[i])
        measure = sum(self.scale.fixed[s] for s in on)
        exact = not self.loaded and measure - measure_bound < 0.999
        return Choice(on, off, measure, float(measure) if exact else measure_bound)
