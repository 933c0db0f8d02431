"""Where everything ends in a scenario: every LPAR placed so that it fits on arrival, in today's size, and in the end,
grown and resized; and the frontier of servers against headroom."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from planner.estate.capacity import Demand
from planner.optimise.conflict import Conflict, explain
from planner.optimise.evacuate import Answer
from planner.optimise.placement import Candidates, PlacementProgram
from planner.optimise.solver import Outcome, Program, Solution
from planner.plan.choices import Status
from planner.rules import Judge, Site

_FIRST_SHARE = 0.4
_BALANCE_NODES = 100
_BALANCE_GAP = 0.02
_BALANCE_VARIABLES = 4000
THOUSAND, HUNDRED = 1000, 100
_FRONTIER_NODES = 300
_FRONTIER_VARIABLES = 20_000

Pair = tuple[str, str]


class Phase(StrEnum):
    """Which sizes a program holds to."""

    ARRIVAL = "on arrival, before anything is resized"
    FINAL = "after growth and resizing"
    BOTH = "on arrival and after growth and resizing together"


class Kept(dict[Pair, Demand]):
    """What LPARs hold on servers, worked out when first asked for: of most pairs nobody asks."""

    def __init__(self, of: Callable[[str, str], Demand]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, pair: Pair) -> Demand:
        self[pair] = self._of(*pair)
        return self[pair]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What each LPAR holds on each server it may end on: ``arrival`` when it gets there, ``final`` in the end."""

    arrival: Mapping[Pair, Demand]
    final: Mapping[Pair, Demand]


class ScenarioProgram(PlacementProgram):
    """The placement program with two sets of capacity rows: on arrival, and strictly in the end."""

    def __init__(self, site: Site, candidates: Candidates, survivors: Sequence[str], displaced: Iterable[str],
                 sizes: Sizes, phase: Phase = Phase.BOTH) -> None:
        self.sizes, self.phase = sizes, phase
        super().__init__(site, candidates, survivors, displaced)

    def room(self, server: str) -> Demand:
        """In the end a server holds its limit at most, whatever it holds today."""
        return self.site.limit(server) if self.phase is Phase.FINAL else super().room(server)

    def _capacity(self, what: str, tag: str) -> None:
        site, limit = self.site, PlacementProgram.room
        for s in self.survivors:
            base = getattr(site.base(s), what)
            for phase, sizes, most in ((Phase.ARRIVAL, self.sizes.arrival, getattr(limit(self, s), what)),
                                       (Phase.FINAL, self.sizes.final, getattr(site.limit(s), what))):
                if self.phase in (phase, Phase.BOTH):
                    held = base + sum(getattr(sizes[n, s], what) for n in self.fixed[s])
                    terms = {self.x[n, s]: getattr(sizes[n, s], what) for n in self._by_server[s]}
                    self.program.at_most(terms, most - held, f"{tag}:{s}")

    def add_processors(self) -> None:
        """processor.capacity, on arrival and in the end."""
        self._capacity("units", "processor.capacity")

    def add_memory(self) -> None:
        """memory.capacity, on arrival and in the end."""
        self._capacity("memory_mib", "memory.capacity")

    def add_pools(self) -> None:
        """processor.pool, on arrival and in the end."""
        for s in self.survivors:
            for pool_id in self.site.pools.get(s, {}):
                limit = self.site.pool_limit(s, pool_id)
                if limit is not None:
                    self._pool(s, pool_id, limit)

    def _pool(self, s: str, pool_id: int, limit: int) -> None:
        inside = [n for n in self._by_server[s] if self.site.pool_on(n, s) == pool_id]
        staying = [n for n in self.fixed[s] if self.site.pool_on(n, s) == pool_id]
        today = max(limit, self.site.at_start[s].pools.get(pool_id, 0))
        for phase, sizes, most in ((Phase.ARRIVAL, self.sizes.arrival, today), (Phase.FINAL, self.sizes.final, limit)):
            if self.phase in (phase, Phase.BOTH):
                held = sum(sizes[n, s].units for n in staying)
                self.program.at_most({self.x[n, s]: sizes[n, s].units for n in inside}, most - held,
                                     f"processor.pool:{s}/{pool_id}")


class ScenarioProblem:
    """One scenario, solved in stages: the LPARs of retired servers first, then whatever may move live."""

    come_back = False

    def __init__(self, site: Site, judge: Judge, survivors: Sequence[str], displaced: Sequence[str],
                 costs: Callable[[str], Mapping[str, int]], sizes: Sizes) -> None:
        self.site, self.judge, self.survivors = site, judge, list(survivors)
        self.displaced = list(displaced)
        self.costs, self.sizes = costs, sizes
        self.cuts: list[Mapping[str, str]] = []
        self.direct = Candidates({n: dict(costs(n)) for n in self.displaced})

    @cached_property
    def wide(self) -> Candidates:
        """The candidates when the LPARs of servers that stay may move as well."""
        more = {n: {s: 0} | places for n, s in self.site.start.items()
                if n not in self.direct.cost and (places := dict(self.costs(n)))}
        return Candidates(self.direct.cost | more)

    def forbid(self, placement: Mapping[str, str]) -> None:
        """Never answer again with survivors' LPARs placed like this."""
        self.cuts.append({n: s for n, s in placement.items() if n not in self.direct.cost})

    def program(self, candidates: Candidates, phase: Phase = Phase.BOTH) -> ScenarioProgram:
        """The program over these candidates, cuts included."""
        model = ScenarioProgram(self.site, candidates, self.survivors, self.displaced, self.sizes, phase)
        for cut in self.cuts:
            model.forbid(cut)
        return model

    def solve(self, time_limit: float, gap: float) -> Answer:
        """The cheapest placement in ``time_limit`` seconds. Every LPAR of a retired server must have candidates."""
        deadline = time.monotonic() + time_limit
        bound = float(self.direct.bound())
        first = self.program(self.direct)
        early = first.solve(time.monotonic() + _FIRST_SHARE * time_limit, gap)
        if early.objective is not None and early.objective - bound <= gap * max(early.objective, 1):
            return self._answer(first, early, Status.OPTIMAL, bound, deadline)
        if len(self.wide.cost) == len(self.direct.cost):
            model, solution = first, early
        else:
            model = self.program(self.wide)
            solution = model.solve(deadline, gap)
        if solution.outcome is Outcome.INFEASIBLE and not self.cuts:
            return Answer(Status.INFEASIBLE, {}, conflict=self.explain(model.candidates, deadline))
        return self._best(first, early, model, solution, bound, gap, deadline)

    def _best(self, first: ScenarioProgram, early: Solution, model: ScenarioProgram, solution: Solution, bound: float,
              gap: float, deadline: float) -> Answer:
        proved = bound if self.cuts else max(bound, solution.bound or 0.0)
        found = [(s.objective, m, s) for m, s in ((first, early), (model, solution)) if s.objective is not None]
        if not found:
            return Answer(Status.UNKNOWN, {}, bound_ms=proved)
        cost, best, chosen = min(found, key=lambda f: f[0])
        close = cost - proved <= max(gap * cost, 0.999) and not self.cuts
        return self._answer(best, chosen, Status.OPTIMAL if close else Status.FEASIBLE, min(proved, cost), deadline)

    def _answer(self, model: ScenarioProgram, solution: Solution, status: Status, bound: float,
                deadline: float) -> Answer:
        placement = self._balanced(model, solution, deadline)
        moving = {n: s for n, s in sorted(placement.items()) if s != self.site.start[n]}
        return Answer(status, moving, solution.objective, bound)

    def _balanced(self, model: ScenarioProgram, solution: Solution, deadline: float) -> dict[str, str]:
        """Among placements of the same cost one that fills no server more than it must; bounded by nodes."""
        best = model.placement(solution)
        if len(model.x) > _BALANCE_VARIABLES or not model.x or solution.objective is None:
            return best
        even = self.program(model.candidates)
        even.program.at_most(even.program.objective, solution.objective, "cost")
        start = [*solution.values, self._fill_least(even, best)]
        answer = even.program.solve(max(deadline - time.monotonic(), 1.0), _BALANCE_GAP, _BALANCE_NODES, start)
        return even.placement(answer) if answer.found else best

    def _fill_least(self, model: ScenarioProgram, best: Mapping[str, str]) -> int:
        """Minimise the fullest server's share in the end, in thousandths; that share of ``best``."""
        program, fullest, share = model.program, model.program.variable(100_000), 0
        for s in self.survivors:
            for what in ("units", "memory_mib"):
                most = max(getattr(self.site.limit(s), what), 1)
                held = getattr(self.site.base(s), what) + sum(
                    getattr(self.sizes.final[n, s], what) for n in model.fixed[s])
                terms = {i: THOUSAND * getattr(self.sizes.final[n, s], what) for (n, t), i in model.x.items() if t == s}
                program.at_most({**terms, fullest: -most}, -THOUSAND * held, "balance")
                there = held + sum(getattr(self.sizes.final[n, s], what) for n, t in best.items() if t == s)
                share = max(share, -(-THOUSAND * there // most))
        program.minimise({fullest: 1})
        return min(share, 100_000)

    def explain(self, candidates: Candidates, deadline: float) -> Conflict:
        """Why there is no placement, and at which moment it fails."""
        left = max(deadline - time.monotonic(), 2.0)
        for phase in (Phase.ARRIVAL, Phase.FINAL, Phase.BOTH):
            model = self.program(candidates, phase)
            if phase is Phase.BOTH or model.program.solve(left).outcome is Outcome.INFEASIBLE:
                told = explain(self, [], model, time.monotonic() + left)  # type: ignore[arg-type]
                return replace(told, summary=f"{phase.value}: {told.summary}")
        raise AssertionError("unreachable: the last phase always answers")


# ---- the frontier: servers kept against headroom --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
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

    def points(self, time_limit: float) -> tuple[Point, ...]:
        """From the fewest servers to all of them; () when the question is too large to be asked here."""
        if len(self.site.start) * len(self.servers) > _FRONTIER_VARIABLES or not self.places:
            return ()
        counts = range(self._fewest(), len(self.servers) + 1)
        left = time.monotonic() + time_limit
        out: list[Point] = []
        for number, k in enumerate(counts):
            share = max(left - time.monotonic(), 0.1) / (len(counts) - number)
            found = self.point(k, time.monotonic() + share)
            if out or found.status is not Status.INFEASIBLE:
                out.append(found)
        return tuple(out)

    def _fewest(self) -> int:
        """So many servers are needed at least: everything in its smallest size on the roomiest servers."""
        fewest = 1
        for what in ("units", "memory_mib"):
            wanted = sum(min(getattr(self.problem.sizes.final[n, s], what) for s in places)
                         for n, places in self.places.items())
            rooms = sorted((getattr(self.site.limit(s), what) - getattr(self.site.base(s), what)
                            for s in self.servers), reverse=True)
            count = 0
            while wanted > 0 and count < len(rooms):
                wanted -= rooms[count]
                count += 1
            fewest = max(fewest, count)
        return fewest

    def point(self, count: int, deadline: float) -> Point:
        """The largest headroom with so many servers."""
        program, x, on = self._program()
        program.equals(dict.fromkeys(on.values(), 1), count, "count")
        used = program.variable(HUNDRED)  # per cent of the fullest server in use
        program.at_most({used: -1}, -min(self._least(count), HUNDRED), "least")
        for s in self.servers:
            limit, held = self.site.limit(s).units, self.site.base(s).units
            terms = {x[n, s]: HUNDRED * self.problem.sizes.final[n, s].units for n in self._on[s]}
            # HUNDRED · held ≤ limit · used, where the server is in use
            program.at_most({**terms, used: -limit, on[s]: HUNDRED * limit}, HUNDRED * (limit - held), "headroom")
        program.minimise({used: 1})
        known = self._spread(count, program, x, on, used)
        if known and program.value(known) == self._least(count):
            answer = Solution(Outcome.OPTIMAL, tuple(known), known[used], float(known[used]), "spread")
        else:
            answer = program.solve(max(deadline - time.monotonic(), 0.05), 0.0, _FRONTIER_NODES, known)
        if not answer.found and known:
            answer = Solution(Outcome.FEASIBLE, tuple(known), known[used], answer.bound, "spread")
        return self._told(count, answer, x, on)

    def _spread(self, count: int, program: Program, x: Mapping[Pair, int], on: Mapping[str, int],
                used: int) -> list[int]:
        """A first placement: the largest LPARs first, each where the fullest server stays emptiest; [] when that breaks
        a row."""
        site, final = self.site, self.problem.sizes.final
        forced = {places[0] for places in self.places.values() if len(places) == 1}
        order = sorted(self.servers, key=lambda s: (s not in forced, site.base(s).units - site.limit(s).units, s))
        held = {s: site.base(s) for s in order[:count]}
        values = [0] * len(program.upper)
        largest = sorted(self.places, key=lambda n: (-max(final[n, s].units for s in self.places[n]), n))
        for n in largest:
            fits = [s for s in self.places[n] if s in held and held[s].memory_mib + final[n, s].memory_mib
                    <= site.limit(s).memory_mib]
            if not fits:
                return []
            best = min(fits, key=lambda s: ((held[s].units + final[n, s].units) / max(site.limit(s).units, 1), s))
            held[best] = held[best] + final[n, best]
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
        lpars = sum(min(self.problem.sizes.final[n, s].units for s in places) for n, places in self.places.items())
        return -(-HUNDRED * (lpars + sum(bases)) // max(sum(limits), 1))

    def _told(self, count: int, answer: Solution, x: Mapping[Pair, int], on: Mapping[str, int]) -> Point:
        if not answer.found or answer.objective is None:
            return Point(count, Status(answer.outcome.value))
        names = tuple(s for s in self.servers if answer.values[on[s]])
        units = mib = 0
        for s in names:
            held = self.site.base(s)
            for n in self._on[s]:
                if answer.values[x[n, s]]:
                    held = held + self.problem.sizes.final[n, s]
            units += self.site.limit(s).units - held.units
            mib += self.site.limit(s).memory_mib - held.memory_mib
        least = self._least(count) if answer.bound is None else int(-(-(answer.bound - 1e-6) // 1))
        share = HUNDRED - answer.objective
        return Point(count, Status(answer.outcome.value), share, max(HUNDRED - least, share), names, units, mib)

    def _program(self) -> tuple[Program, dict[Pair, int], dict[str, int]]:
        """Every LPAR on one server that is in use, capacity on arrival and in the end."""
        candidates = Candidates({n: dict.fromkeys(places, 0) for n, places in self.places.items()})
        model = ScenarioProgram(self.site, candidates, self.servers, self.problem.displaced, self.problem.sizes)
        program, x = model.program, model.x
        on = {s: program.variable() for s in self.servers}
        self._on: dict[str, list[str]] = defaultdict(list)
        for (n, s), i in x.items():
            self._on[s].append(n)
            program.at_most({i: 1, on[s]: -1}, 0, "on")
        for s in self.servers:
            # Room only where the server is in use: implied, but a far better bound for the solver.
            for what in ("units", "memory_mib"):
                room = getattr(self.site.limit(s), what) - getattr(self.site.base(s), what)
                terms = {x[n, s]: getattr(self.problem.sizes.final[n, s], what) for n in self._on[s]}
                program.at_most({**terms, on[s]: -room}, 0, "room")
        return program, x, on
