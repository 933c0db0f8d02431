"""The frontier of servers in use against headroom: how much each number of servers leaves free."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from planner.estate.capacity import Demand
from planner.optimise.placement import Candidates
from planner.optimise.program import Outcome, Program, Solution, Tag
from planner.optimise.scenario import Pair, ScenarioProblem, ScenarioProgram
from planner.optimise.solver import solve
from planner.plan.choices import Status

HUNDRED = 100
_NODES, _VARIABLES = 300, 20_000
_WHAT = ("units", "memory_mib")


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """With ``servers`` servers in use: the largest share of its cores that each keeps free in the end, in whole per
    cent, proved up to ``bound``; the servers in use, and the cores (hundredths) and memory free on them together."""

    servers: int
    status: Status
    share: int | None = None
    bound: int | None = None
    names: tuple[str, ...] = ()
    free_units: int = 0
    free_mib: int = 0


class Frontier:
    """How much headroom each number of servers leaves: one small program a number."""

    def __init__(self, problem: ScenarioProblem) -> None:
        self.problem, self.site = problem, problem.site
        self.servers = problem.survivors

    @cached_property
    def places(self) -> dict[str, list[str]]:
        """Every LPAR with the servers that it may end on."""
        out = {n: sorted(places) for n, places in self.problem.wide.cost.items()}
        for n, s in self.site.start.items():
            if n not in out and s in self.servers:
                out[n] = [s]
        return dict(sorted(out.items()))

    def points(self, time_limit: float) -> tuple[FrontierPoint, ...]:
        """From the fewest servers to all of them; () when the question is too large to be asked here."""
        if len(self.site.start) * len(self.servers) > _VARIABLES or not self.places:
            return ()
        counts = range(self._fewest(), len(self.servers) + 1)
        left = time.monotonic() + time_limit
        out: list[FrontierPoint] = []
        for number, k in enumerate(counts):
            share = max(left - time.monotonic(), 0.1) / (len(counts) - number)
            found = self.point(k, time.monotonic() + share)
            if out or found.status is not Status.INFEASIBLE:
                out.append(found)
        return tuple(out)

    def _fewest(self) -> int:
        """So many servers are needed at least: everything in its smallest size on the roomiest servers."""
        fewest = 1
        for what in _WHAT:
            wanted = sum(min(getattr(self.problem.sizes.final(n, s), what) for s in places)
                         for n, places in self.places.items())
            rooms = sorted((getattr(self.site.room(s), what) for s in self.servers), reverse=True)
            count = 0
            while wanted > 0 and count < len(rooms):
                wanted -= rooms[count]
                count += 1
            fewest = max(fewest, count)
        return fewest

    def point(self, count: int, deadline: float) -> FrontierPoint:
        """The largest headroom with so many servers."""
        program, x, on = self._program()
        program.equals(dict.fromkeys(on.values(), 1), count, Tag("count"))
        used = program.variable(HUNDRED, "per cent of the fullest server in use")
        program.at_most({used: -1}, -min(self._least(count), HUNDRED), Tag("least"))
        for s in self.servers:
            limit = self.site.limit(s).units
            terms = {x[n, s]: HUNDRED * self.problem.sizes.final(n, s).units for n in self._on[s]}
            # HUNDRED · held ≤ limit · used, where the server is in use
            program.at_most({**terms, used: -limit, on[s]: HUNDRED * limit}, HUNDRED * self.site.room(s).units,
                            Tag("headroom", s))
        program.minimise({used: 1})
        known = self._spread(count, program, x, on, used)
        if known and program.value(known) == self._least(count):
            answer = Solution(Outcome.OPTIMAL, tuple(known), known[used], float(known[used]), "spread")
        else:
            answer = solve(program, max(deadline - time.monotonic(), 0.05), 0.0, _NODES, known)
        if not answer.found and known:
            answer = Solution(Outcome.FEASIBLE, tuple(known), known[used], answer.bound, "spread")
        return self._point_of(count, answer, x, on)

    def _spread(self, count: int, program: Program, x: Mapping[Pair, int], on: Mapping[str, int],
                used: int) -> list[int]:
        """A first placement: the largest LPARs first, each where the fullest server stays emptiest; [] when that breaks
        a row."""
        site, final = self.site, self.problem.sizes.final
        forced = {places[0] for places in self.places.values() if len(places) == 1}
        order = sorted(self.servers, key=lambda s: (s not in forced, -site.room(s).units, s))
        held = {s: site.base(s) for s in order[:count]}
        values = [0] * len(program.upper)
        largest = sorted(self.places, key=lambda n: (-max(final(n, s).units for s in self.places[n]), n))
        for n in largest:
            fits = [s for s in self.places[n] if s in held and held[s].memory_mib + final(n, s).memory_mib
                    <= site.limit(s).memory_mib]
            if not fits:
                return []
            best = min(fits, key=lambda s: ((held[s].units + final(n, s).units) / max(site.limit(s).units, 1), s))
            held[best] = held[best] + final(n, best)
            values[x[n, best]] = 1
        for s, holding in held.items():
            values[on[s]] = 1
            values[used] = max(values[used], -(-HUNDRED * holding.units // max(site.limit(s).units, 1)))
        return values if program.holds(values) else []

    def _least(self, count: int) -> int:
        """Per cent that the fullest of so many servers is filled to at least: everything in its smallest size, spread
        evenly over the largest servers with the smallest bases."""
        limits = sorted((max(self.site.limit(s).units, 0) for s in self.servers), reverse=True)[:count]
        bases = sorted(self.site.base(s).units for s in self.servers)[:count]
        lpars = sum(min(self.problem.sizes.final(n, s).units for s in places) for n, places in self.places.items())
        return -(-HUNDRED * (lpars + sum(bases)) // max(sum(limits), 1))

    def _point_of(self, count: int, answer: Solution, x: Mapping[Pair, int], on: Mapping[str, int]) -> FrontierPoint:
        if not answer.found or answer.objective is None:
            return FrontierPoint(count, Status(answer.outcome.value))
        names = tuple(s for s in self.servers if answer.values[on[s]])
        free = sum((self.site.room(s) for s in names), Demand(0, 0))
        free -= sum((self.problem.sizes.final(n, s) for s in names for n in self._on[s] if answer.values[x[n, s]]),
                    Demand(0, 0))
        least = self._least(count) if answer.bound is None else int(-(-(answer.bound - 1e-6) // 1))
        share = HUNDRED - answer.objective
        return FrontierPoint(count, Status(answer.outcome.value), share, max(HUNDRED - least, share), names,
                             free.units, free.memory_mib)

    def _program(self) -> tuple[Program, dict[Pair, int], dict[str, int]]:
        """Every LPAR on one server that is in use, capacity on arrival and in the end."""
        candidates = Candidates({n: dict.fromkeys(places, 0) for n, places in self.places.items()})
        model = ScenarioProgram(self.site, candidates, self.servers, self.problem.displaced, self.problem.sizes)
        program, x = model.program, model.x
        program.title = "how few servers, and what stays free"
        on = {s: program.variable(1, s, "is in use") for s in self.servers}
        self._on = model.by_server
        for (_, s), i in x.items():
            program.at_most({i: 1, on[s]: -1}, 0, Tag("on", s))
        for s in self.servers:
            # Room only where the server is in use: implied, but a far better bound for the solver.
            for what in _WHAT:
                terms = {x[n, s]: getattr(self.problem.sizes.final(n, s), what) for n in self._on[s]}
                program.at_most({**terms, on[s]: -getattr(self.site.room(s), what)}, 0, Tag("room", s))
        return program, x, on
