"""Which servers stay on, under aggregated capacity: a relaxation whose optimum bounds every placement.

Relaxed are: who goes where (only totals and cover count), groups, pools, time. So its measure is a lower bound, and a
set of servers that turns out impossible comes back as a cut: switching off at least these servers is impossible.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from planner.cost import side_rate
from planner.optimise.large.components import Component
from planner.optimise.measure import Scale
from planner.optimise.placement import Candidates
from planner.optimise.program import CUT, MEASURE, Outcome, Program, Tag
from planner.optimise.solver import relaxed
from planner.plan.questions import Consolidate
from planner.rules import Site
from planner.rules.base import WHOLE
from planner.rules.ledger import PROCESSORS, Resource, allowed, of_whole_servers
from planner.stopwatch import now

_DONE = Tag("done")
"""The rows of sets that are not to be chosen again."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Servers to keep on, and their ``measure`` in weights without what runs on them.

    ``measure_bound``: no placement on a set that is not ruled out weighs less, what runs beyond its least included.
    """

    on: tuple[str, ...]
    off: tuple[str, ...]
    measure: int
    measure_bound: float


class Master:
    """The master of one component."""

    def __init__(self, site: Site, part: Component, candidates: Candidates, goal: Consolidate, scale: Scale) -> None:
        self.site, self.part, self.candidates, self.goal, self.scale = site, part, candidates, goal, scale
        self.resources = of_whole_servers(site)
        self._known: dict[tuple[str, str, tuple[str, ...]], int] = {}
        self.program = Program("which servers stay on")
        self.on = {s: self.program.variable(1, s, "stays on") for s in part.servers}
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
                    self.program.equals({self.on[s]: 1}, value, Tag("asked", s))

    def add_capacity(self) -> None:
        """What is on holds everything; for N+1 it does without any one server as well."""
        for resource in self.resources:
            have, total = self.totals(resource)
            self.program.at_most({i: -max(c, 0) for i, c in have.items()}, -total, Tag("capacity"))
            if self.goal.n_plus_1:
                self.add_failures(self.program, have, total)

    def room(self, server: str, resource: Resource) -> int:
        """What LPARs may hold of a server in all: its limit, or what they held at the start if that is more."""
        return allowed(self.site, resource, server)[WHOLE]

    def totals(self, resource: Resource) -> tuple[dict[int, int], int]:
        """What every server has for LPARs, by its variable; and what they hold together at least."""
        have = {self.on[s]: self.room(s, resource) for s in self.part.servers}
        return have, sum(self._least(n, self.places(n), resource) for n in self.part.lpars)

    def add_failures(self, program: Program, have: Mapping[int, int], total: int, spare: float = 0.0) -> None:
        """What is on holds everything without any one server, with a share of its room to spare."""
        for s in self.part.servers:
            program.at_most({i: -max(int(c * (1 - spare)), 0) for i, c in have.items() if i != self.on[s]}, -total,
                            Tag("capacity"))

    def add_cover(self) -> None:
        """Each LPAR finds a server that is on among those where it may end."""
        for places in sorted({tuple(sorted(self.places(n))) for n in self.part.lpars}):
            self.program.at_most({self.on[s]: -1 for s in places}, -1, Tag("cover", ", ".join(places)))

    def excess(self, moved: Mapping[str, str]) -> int:
        """What the LPARs weigh beyond their least when these have moved."""
        return sum(self.scale.excess(n, moved.get(n, self.site.start[n])) for n in self.part.lpars)

    def add_cut(self, off: Sequence[str]) -> None:
        """At least one of these servers stays on."""
        self.program.at_most({self.on[s]: -1 for s in off}, -1, CUT)

    def add_done(self, choice: Choice) -> None:
        """Never choose exactly this set again, until :meth:`forget`."""
        off = set(choice.off)
        self.program.at_most({i: 1 if s not in off else -1 for s, i in self.on.items()}, len(choice.on) - 1, _DONE)

    @property
    def done(self) -> bool:
        return any(r.tag == _DONE for r in self.program.rows)

    def forget(self) -> None:
        """Sets that were done with may be chosen again."""
        self.program.rows = [r for r in self.program.rows if r.tag != _DONE]

    def lightest(self, deadline: float, gap: float = 0.0, *, slack: float = 0.0, whole: bool = True,
                 rest: bool = False, spare: float = 0.0, above: int = -1) -> tuple[Choice | None, float]:
        """The lightest set when LPARs may be split over the servers in reach, each resource by itself; and a bound of
        the measure of any set that leaves ``slack``, a share of every server's room, free: infinite when there is
        none. Without ``whole`` servers may be on in part: a bound alone, and a quick one. With ``rest`` of those sets
        that are not done with; with ``spare`` of those with that share of their room free when one server fails; with
        ``above`` of those that weigh more."""
        program = self._relaxation(rest)
        weights = {self.on[s]: w for s, w in self.scale.fixed.items() if s in self.on}
        for resource in self.resources:
            self.add_room(program, resource, self.add_flows(program, resource, weights), slack)
        if above >= 0:
            self.add_above(program, weights, above)
        program.minimise(weights)
        values, bound = self._solved(program, deadline, gap, whole=whole, spare=spare)
        rounded = len(self.part.lpars) if self.loaded else 0  # what an LPAR weighs is rounded down
        bound = max(0.0, bound - rounded)
        return (self._choice(values, bound) if values else None), bound

    def _relaxation(self, rest: bool) -> Program:
        """A program that starts with the servers' variables and rows; ``rest``: sets that are done with left out."""
        program = self.program.without(*([] if rest else [_DONE]))
        program.title, program.objective = self.program.title, {}
        return program

    def _solved(self, program: Program, deadline: float, gap: float, *, whole: bool, spare: float
                ) -> tuple[list[int], float]:
        """Which servers are on, [] when that is not known or not ``whole``; and the bound, infinite when impossible."""
        for resource in self.resources if spare else ():
            self.add_failures(program, *self.totals(resource), spare)
        split = range(len(self.on) if whole else 0, len(program.upper))
        answer = relaxed(program, split, max(deadline - now(), 0.05), gap)
        if answer.outcome is Outcome.INFEASIBLE:
            return [], math.inf
        return [round(v) for v in answer.values[:len(self.on)]] if whole else [], answer.bound or 0.0

    def add_room(self, program: Program, resource: Resource, have: Mapping[str, Mapping[int, int]], slack: float
                 ) -> None:
        """A server takes what it has room for, a share left free, and nothing when it is off. ``have``: by server what
        arrives there."""
        for s, terms in have.items():
            room = max(int(self.room(s, resource) * (1 - slack)), 0)
            program.at_most({**terms, self.on[s]: -room}, 0, Tag("room", s))

    def add_above(self, program: Program, weights: Mapping[int, int], above: int) -> None:
        """The set weighs more than this."""
        program.at_most({i: -w for i, w in weights.items()}, -(above + 1), MEASURE)

    def add_flows(self, program: Program, resource: Resource, weights: dict[int, int]) -> dict[str, dict[int, int]]:
        """What LPARs hold of a resource is spread over the servers in reach; by server what arrives there. Adds to
        ``weights`` what it weighs that they run there."""
        have: dict[str, dict[int, int]] = {s: {} for s in self.part.servers}
        for (places, tenths), names in sorted(self._alike(resource).items()):
            amount = sum(self._least(n, places, resource) for n in names)
            cheapest = min(self.scale.rate.get(s, 0) for s in places)
            row = {}
            for s in places:
                flow = program.variable(amount, resource.rule, "on", s)
                row[flow] = have[s][flow] = 1
                weights[flow] = (self.scale.rate.get(s, 0) - cheapest) * tenths * self.scale.parts // 1000
            program.equals(row, amount, Tag("flow"))
        return have

    def _alike(self, resource: Resource) -> dict[tuple[tuple[str, ...], int], list[str]]:
        """LPARs by where they may end and, for the processors, by how busy they are: tenths of their entitlement."""
        out: dict[tuple[tuple[str, ...], int], list[str]] = {}
        for n in self.part.lpars:
            places, tenths = tuple(sorted(self.places(n))), 0
            if self.loaded and resource is PROCESSORS:
                held = max(self._least(n, places, resource), 1)
                tenths = 1000 * self.scale.busy.get(n, 0) // (self.scale.parts * held)
            out.setdefault((places, tenths), []).append(n)
        return out

    def _least(self, lpar: str, places: Iterable[str], resource: Resource) -> int:
        """What it holds at least on any of these servers."""
        key = lpar, resource.rule, tuple(places)
        least = self._known.get(key)
        if least is None:
            site, amounts = self.site, resource.takes
            least = self._known[key] = min(amounts(site, lpar, s, site.demand(lpar, s))[WHOLE] for s in key[2])
        return least

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
        program, cost = self._relaxation(rest), {}
        weights = {self.on[s]: w for s, w in self.scale.fixed.items() if s in self.on}
        of = self.classes()
        held: dict[tuple[int, str], dict[int, int]] = {
            (k, r.rule): {self.on[s]: -max(self.room(s, r), 0) for s in of if of[s] == k}
            for k in sorted(set(of.values())) for r in self.resources}
        for n in self.part.lpars:
            for i, k, servers, price in self.add_ways(program, n, of):
                cost[i] = price
                weights[i] = min(self.scale.excess(n, s) for s in servers)
                for r in self.resources:
                    held[k, r.rule][i] = self._least(n, servers, r)
        self.add_shared_room(program, held.values())
        self.add_measure(program, weights, at_most)
        program.minimise(cost)
        values, bound = self._solved(program, deadline, gap, whole=whole, spare=spare)
        return (self._choice(values, 0.0) if values else None), max(0.0, bound)

    def add_shared_room(self, program: Program, held: Iterable[Mapping[int, int]]) -> None:
        """The servers of a class that are on have room together for what goes to it, of each resource."""
        for terms in held:
            program.at_most(terms, 0, Tag("room"))

    def add_measure(self, program: Program, weights: Mapping[int, int], most: int) -> None:
        """What is on weighs this at most, what runs beyond its least included."""
        program.at_most(weights, most, MEASURE)

    def add_ways(self, program: Program, lpar: str, of: Mapping[str, int]) -> list[tuple[int, int, list[str], int]]:
        """Where an LPAR goes, in part, to stay first: (variable, class, servers of it, price). It stays only where the
        server is on."""
        home = self.site.start[lpar]
        ways = [(program.variable(1, lpar, "stays"), of[home], [home], 0)]
        for k, (price, servers) in self._by_class(lpar, of).items():
            ways.append((program.variable(1, lpar, "goes to class", str(k)), k, servers, price))
        program.equals({i: 1 for i, *_ in ways}, 1, Tag("place", lpar))
        program.at_most({ways[0][0]: 1, self.on[home]: -1}, 0, Tag("stay", lpar))
        return ways

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
        names = set(on)
        return self._choice([int(s in names) for s in self.on], 0.0)

    def _choice(self, values: Sequence[int], measure_bound: float) -> Choice:
        on = tuple(s for s, i in self.on.items() if values[i])
        off = tuple(s for s, i in self.on.items() if not values[i])
        measure = sum(self.scale.fixed[s] for s in on)
        exact = not self.loaded and measure - measure_bound < 0.999
        return Choice(on, off, measure, float(measure) if exact else measure_bound)
