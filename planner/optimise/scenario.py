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
from planner.plan import Status
from planner.rules import Judge, Site

_FIRST_SHARE = 0.4
_BALANCE_NODES = 100
_BALANCE_GAP = 0.02
_BALANCE_VARIABLES = 4000
THOUSAND = 1000
_FRONTIER_NODES = 5000
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
    """With ``servers`` servers in use: the largest share of its cores that each keeps free in the end, in thousandths,
    proved up to ``bound``; the servers in use, and the cores (hundredths) and memory free on them together."""

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
        deadline = time.monotonic() + time_limit
        fewest = self._fewest(deadline)
        if fewest is None:
            return ()
        return tuple(self.point(k, deadline) for k in range(fewest, len(self.servers) + 1))

    def _fewest(self, deadline: float) -> int | None:
        program, _, on = self._program()
        program.minimise(dict.fromkeys(on.values(), 1))
        answer = program.solve(max(deadline - time.monotonic(), 0.05), 0.0, _FRONTIER_NODES)
        if answer.bound is not None:
            return max(1, int(-(-(answer.bound - 1e-6) // 1)))
        return answer.objective

    def point(self, count: int, deadline: float) -> Point:
        """The largest headroom with so many servers."""
        program, x, on = self._program()
        program.equals(dict.fromkeys(on.values(), 1), count, "count")
        used = program.variable(THOUSAND)  # thousandths of the fullest server in use, THOUSAND at most
        for s in self.servers:
            limit, held = self.site.limit(s).units, self.site.base(s).units
            terms = {x[n, s]: THOUSAND * self.problem.sizes.final[n, s].units for n in self._on[s]}
            # THOUSAND · held ≤ limit · used, where the server is in use
            program.at_most({**terms, used: -limit, on[s]: THOUSAND * limit}, THOUSAND * (limit - held), "headroom")
        program.minimise({used: 1})
        answer = program.solve(max(deadline - time.monotonic(), 0.05), 0.0, _FRONTIER_NODES)
        return self._told(count, answer, x, on)

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
        bound = None if answer.bound is None else THOUSAND - int(-(-(answer.bound - 1e-6) // 1))
        share = THOUSAND - answer.objective
        return Point(count, Status(answer.outcome.value), share, share if bound is None else max(bound, share), names,
                     units, mib)

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
        return program, x, on
