"""The frontier of servers in use against headroom: how much each number of servers leaves free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import Field

from planner.estate.capacity import Demand
from planner.optimise.placement import Candidates
from planner.optimise.program import Outcome, Solution, Tag
from planner.optimise.scenario import ScenarioProblem, ScenarioProgram
from planner.plan.choices import Status
from planner.plan.details import Cores, RoundGib
from planner.rules.base import WHOLE
from planner.rules.ledger import PROCESSORS, Resource, of_whole_servers
from planner.stopwatch import now

HUNDRED = 100
_NODES, _VARIABLES = 300, 20_000


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """With ``servers`` servers in use: the largest share of its cores that each keeps free in the end, in whole per
    cent, proved up to ``bound``; the servers in use, and the cores (hundredths) and memory free on them together."""

    servers: int
    status: Status
    share: Annotated[int | None, Field(alias="headroom_percent")] = None
    bound: Annotated[int | None, Field(alias="bound_percent")] = None
    names: tuple[str, ...] = ()
    free_units: Annotated[Cores, Field(alias="free_cores")] = 0
    free_mib: Annotated[RoundGib, Field(alias="free_gib")] = 0


class FrontierProgram(ScenarioProgram):
    """Every LPAR on one of ``count`` servers that are in use, the fullest of them as empty as can be; ``least``: per
    cent that it is filled to at least."""

    def __init__(self, problem: ScenarioProblem, places: Mapping[str, Iterable[str]], count: int, least: int) -> None:
        candidates = Candidates({n: dict.fromkeys(servers, 0) for n, servers in places.items()})
        super().__init__(problem.site, candidates, problem.survivors, problem.displaced, problem.sizes)
        self.entitle("how few servers, and what stays free")
        self.on = {s: self.program.variable(1, s, "is in use") for s in self.survivors}
        self.add_on()
        self.add_room()
        self.add_count(count)
        self.used = self.program.variable(HUNDRED, "per cent of the fullest server in use")
        self.add_least(least)
        self.add_headroom()
        self.program.minimise({self.used: 1})

    def in_the_end(self, resource: Resource, server: str) -> tuple[dict[int, int], int]:
        """What those who may come take of a whole server in the end, by their variables, and what there is for them."""
        coming = [(n, self.x[n, server]) for n in self.by_server[server]]
        return self.load(resource, server, coming, self.moments()[-1])[WHOLE]

    def add_on(self) -> None:
        """An LPAR ends where the server is in use."""
        for (_, s), i in self.x.items():
            self.program.at_most({i: 1, self.on[s]: -1}, 0, Tag("on", s))

    def add_room(self) -> None:
        """There is room only where the server is in use: implied, but a far better bound for the solver."""
        for s in self.survivors:
            for resource in of_whole_servers(self.site):
                terms, room = self.in_the_end(resource, s)
                self.program.at_most({**terms, self.on[s]: -room}, 0, Tag("room", s))

    def add_count(self, count: int) -> None:
        """So many servers are in use."""
        self.program.equals(dict.fromkeys(self.on.values(), 1), count, Tag("count"))

    def add_least(self, least: int) -> None:
        """The fullest server is filled to this at least."""
        self.program.at_most({self.used: -1}, -least, Tag("least"))

    def add_headroom(self) -> None:
        """A server that is in use is no fuller than the fullest: HUNDRED · held ≤ limit · used."""
        for s in self.survivors:
            limit, (terms, room) = self.site.limit(s).units, self.in_the_end(PROCESSORS, s)
            self.program.at_most({**{i: HUNDRED * units for i, units in terms.items()}, self.used: -limit,
                                  self.on[s]: HUNDRED * limit}, HUNDRED * room, Tag("headroom", s))


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
        left = now() + time_limit
        out: list[FrontierPoint] = []
        for number, k in enumerate(counts):
            share = max(left - now(), 0.1) / (len(counts) - number)
            point = self.point(k, now() + share)
            if out or point.status is not Status.INFEASIBLE:
                out.append(point)
        return tuple(out)

    def _fewest(self) -> int:
        """So many servers are needed at least: everything in its smallest size on the roomiest servers."""
        fewest = 1
        site, final = self.site, self.problem.sizes.final
        for resource in of_whole_servers(site):
            wanted = sum(min(resource.takes(site, n, s, final(n, s))[WHOLE] for s in places)
                         for n, places in self.places.items())
            rooms = sorted((resource.limits(site, s)[WHOLE] for s in self.servers), reverse=True)
            count = 0
            while wanted > 0 and count < len(rooms):
                wanted -= rooms[count]
                count += 1
            fewest = max(fewest, count)
        return fewest

    def point(self, count: int, deadline: float) -> FrontierPoint:
        """The largest headroom with so many servers."""
        model = FrontierProgram(self.problem, self.places, count, min(self._least(count), HUNDRED))
        known = self._spread(count, model)
        if known and model.mend(Solution(Outcome.FEASIBLE, tuple(known))):
            known = []
        if known and known[model.used] == self._least(count):
            answer = Solution(Outcome.OPTIMAL, tuple(known), known[model.used], float(known[model.used]), "spread")
        else:
            answer = model.solve(deadline, 0.0, _NODES, known)
        if not answer.found and known:
            answer = Solution(Outcome.FEASIBLE, tuple(known), known[model.used], answer.bound, "spread")
        return self._point_of(count, answer, model)

    def _spread(self, count: int, model: FrontierProgram) -> list[int]:
        """A first placement: the largest LPARs first, each where the fullest server stays emptiest; [] when that breaks
        a row."""
        site, final = self.site, self.problem.sizes.final
        forced = {places[0] for places in self.places.values() if len(places) == 1}
        order = sorted(self.servers, key=lambda s: (s not in forced, -site.room(s).units, s))
        held = {s: site.base(s) for s in order[:count]}
        values = [0] * len(model.program.upper)
        largest = sorted(self.places, key=lambda n: (-max(final(n, s).units for s in self.places[n]), n))
        for n in largest:
            fits = [s for s in self.places[n] if s in held and held[s].memory_mib + final(n, s).memory_mib
                    <= site.limit(s).memory_mib]
            if not fits:
                return []
            best = min(fits, key=lambda s: ((held[s].units + final(n, s).units) / max(site.limit(s).units, 1), s))
            held[best] = held[best] + final(n, best)
            values[model.x[n, best]] = 1
        for s, holding in held.items():
            values[model.on[s]] = 1
            values[model.used] = max(values[model.used], -(-HUNDRED * holding.units // max(site.limit(s).units, 1)))
        return values if model.program.holds(model.derive(values)) else []

    def _least(self, count: int) -> int:
        """Per cent that the fullest of so many servers is filled to at least: everything in its smallest size, spread
        evenly over the largest servers with the smallest bases."""
        limits = sorted((max(self.site.limit(s).units, 0) for s in self.servers), reverse=True)[:count]
        bases = sorted(self.site.base(s).units for s in self.servers)[:count]
        lpars = sum(min(self.problem.sizes.final(n, s).units for s in places) for n, places in self.places.items())
        return -(-HUNDRED * (lpars + sum(bases)) // max(sum(limits), 1))

    def _point_of(self, count: int, answer: Solution, model: FrontierProgram) -> FrontierPoint:
        if not answer.found or answer.objective is None:
            return FrontierPoint(count, Status(answer.outcome.value))
        names = tuple(s for s in self.servers if answer.values[model.on[s]])
        free = sum((self.site.room(s) for s in names), Demand(0, 0))
        placed = model.placement(answer).items()
        free -= sum((self.problem.sizes.final(n, s) for n, s in placed if s in names), Demand(0, 0))
        least = self._least(count) if answer.bound is None else int(-(-(answer.bound - 1e-6) // 1))
        share = HUNDRED - answer.objective
        return FrontierPoint(count, Status(answer.outcome.value), share, max(HUNDRED - least, share), names,
                             free.units, free.memory_mib)
