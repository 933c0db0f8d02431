"""Answering headroom: who leaves at the least cost, the most that can be had, and what each further core costs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.estate.capacity import Demand
from planner.findings import Severity
from planner.goals.headroom import By, Headroom
from planner.optimise.conflict import Conflict, reduced, tightenings
from planner.optimise.evacuate import Answer, searched
from planner.optimise.placement import Candidates, PlacementProgram, candidates_of
from planner.optimise.solver import Outcome, Solution, Terms
from planner.plan import Status
from planner.rules import Judge, Site
from planner.units import show_cores, show_gib

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIRST_SHARE = 0.5
CORES, MEMORY = "cores", "memory"


class HeadroomProgram(PlacementProgram):
    """A placement that leaves room on the goal's server; with ``widen`` as much of that as possible.

    ``widen`` is ``cores`` (in hundredths) or ``memory`` (in logical memory blocks): the objective is then the most of
    it beyond what the goal asks. With ``servers`` of the goal's server alone it is a relaxation: every other server
    takes whatever comes, and groups are left out, since their members elsewhere may move as well.
    """

    def __init__(self, site: Site, candidates: Candidates, goal: Headroom, servers: Sequence[str] = (),
                 widen: str = "") -> None:
        self.goal, self.widen = goal, widen
        self.more: int | None = None
        self.block = max(site.servers[goal.server].lmb_mib or 0, 1)
        cores = bool(goal.units) or widen == CORES
        self.guaranteed, self.measured = cores and goal.by is not By.USAGE, cores and goal.by is not By.ENTITLEMENT
        limits = {p: site.pool_limit(goal.server, p) for p in goal.pools(site)}
        self.pools = tuple(limits) if all(v is not None for v in limits.values()) else ()
        super().__init__(site, candidates, list(servers or site.servers), ())
        self.add_pool_room()

    def prepare(self) -> None:
        """The room beyond what was asked, in hundredths of a core or blocks of memory."""
        limit = self.site.limit(self.goal.server)
        if self.widen:
            most = limit.units if self.widen == CORES else limit.memory_mib // self.block
            self.more = self.program.variable(max(most, 0))

    def room(self, server: str) -> Demand:
        """As for any placement; on the goal's server what was asked is taken off the limit, whatever was there."""
        if server != self.goal.server:
            return super().room(server)
        limit, start = self.site.limit(server), super().room(server)
        units = limit.units - self.goal.units if self.guaranteed else start.units
        memory = self.goal.needed_mib(self.site)
        return Demand(units, limit.memory_mib - memory if memory or self.widen == MEMORY else start.memory_mib)

    def wanted(self, server: str, what: str) -> Terms:
        """The variable of what is wanted beyond the goal."""
        if self.more is None or server != self.goal.server:
            return {}
        if self.widen == MEMORY:
            return {self.more: self.block} if what == "memory" else {}
        factor = {"units": int(self.guaranteed), "usage": 10 * self.measured}.get(what, 0)
        return {self.more: factor} if factor else {}

    def usage_room(self, server: str, pool: int | None) -> NDArray[np.int64] | None:
        """As for any placement; on the goal's server what was asked is taken off the limit in every slot."""
        import numpy as np

        if server != self.goal.server or pool is not None or not self.measured or self.site.usage is None:
            return super().usage_room(server, pool)
        return np.full(len(self.site.usage.starts), self.site.limit(server).units * 10 - self.goal.units * 10)

    def add_apart(self) -> None:
        """As for any placement; not in the relaxation."""
        if len(self.survivors) == len(self.site.servers):
            super().add_apart()

    def add_together(self) -> None:
        """As for any placement; not in the relaxation."""
        if len(self.survivors) == len(self.site.servers):
            super().add_together()

    def add_pool_room(self) -> None:
        """headroom.pool: the pools of the critical LPARs have the room too, entitlements counted."""
        server = self.goal.server
        if not self.pools or not self.guaranteed:
            return
        held = self.site.holding(server, self.fixed[server]).pools
        allowed = sum(self.site.pool_limit(server, p) or 0 for p in self.pools)
        terms = {self.x[n, server]: self.site.demand(n, server).units for n in self._by_server[server]
                 if self.site.pool_on(n, server) in self.pools}
        self.program.at_most({**terms, **self.wanted(server, "units")},
                             allowed - self.goal.units - sum(held.get(p, 0) for p in self.pools),
                             f"headroom.pool:{server}")

    def add_usage(self, solution: Solution) -> int:
        """Rows of usage as for any placement, and those of the critical LPARs' pools together."""
        added = super().add_usage(solution)
        usage, server = self.site.usage, self.goal.server
        if usage is None or not self.pools or not self.measured:
            return added
        names = [n for n, s in self.placement(solution).items() if s == server] + self.fixed[server]
        over = self._pool_use(names) + 10 * self.goal.units - self._pool_most()
        over = over + sum(c * solution.values[i] for i, c in self.wanted(server, "usage").items())
        for slot in usage.worst_by_bucket(over).values():
            if over[slot] > 0 and slot not in self.slots[server, -1]:
                self.slots[server, -1].add(slot)
                terms = {self.x[n, server]: int(self.site.use(n, server)[slot]) for n in self._by_server[server]
                         if self.site.pool_on(n, server) in self.pools}
                held = int(self._pool_use(self.fixed[server])[slot])
                self.program.at_most({**terms, **self.wanted(server, "usage")},
                                     self._pool_most() - 10 * self.goal.units - held, f"headroom.pool-usage:{server}")
                added += 1
        return added

    def _pool_use(self, names: Iterable[str]) -> NDArray[np.int64]:
        listed = list(names)
        uses = [self.site.usage_on(self.goal.server, listed, p) for p in self.pools]
        total: NDArray[np.int64] = sum(uses[1:], uses[0])
        return total

    def _pool_most(self) -> int:
        return sum(self.site.usage_limit(self.goal.server, p) or 0 for p in self.pools)

    def add_cost(self) -> None:
        """The objective: migration cost, or the most of what is wanted beyond the goal (minimised as its negative)."""
        super().add_cost()
        if self.more is not None:
            self.program.minimise({self.more: -1})


@dataclass(frozen=True, slots=True)
class Step:
    """What room of so many units costs: a point of the curve. Costs in ms; ``moves``: LPAR → server."""

    units: int
    status: Status
    cost_ms: int | None
    bound_ms: float | None
    moves: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Most:
    """The most that can be had: hundredths of a core or MiB; ``status`` says whether that is proved."""

    amount: int | None
    status: Status
    at_most: int | None


class HeadroomProblem:
    """One question of headroom; ``cuts`` are placements of LPARs elsewhere that could not be scheduled."""

    def __init__(self, site: Site, judge: Judge, goal: Headroom, *, come_back: bool = True) -> None:
        self.site, self.judge, self.goal, self.come_back = site, judge, goal, come_back
        self.cuts: list[Mapping[str, str]] = []
        self.leaving = goal.may_leave(site)
        self.narrow = self._candidates(self.leaving)
        self._wide: Candidates | None = None

    def _candidates(self, names: Sequence[str]) -> Candidates:
        return candidates_of(self.site, self.judge, (), list(self.site.servers), names, come_back=self.come_back)

    @property
    def wide(self) -> Candidates:
        """With the LPARs of the other servers that are not critical, which may make room for those that leave."""
        if self._wide is None:
            others = [n for n, s in self.site.start.items() if s != self.goal.server and n not in self.goal.critical]
            found = self._candidates(sorted([*self.leaving, *others]))
            self._wide = Candidates({n: p for n, p in found.cost.items() if len(p) > 1 or n in self.narrow.cost})
        return self._wide

    def forbid(self, placement: Mapping[str, str]) -> None:
        """Never answer again with the LPARs of other servers placed like this."""
        self.cuts.append({n: s for n, s in placement.items() if self.site.start[n] != self.goal.server})

    def _model(self, candidates: Candidates, goal: Headroom, servers: Sequence[str] = (), widen: str = ""
               ) -> HeadroomProgram:
        model = HeadroomProgram(self.site, candidates, goal, servers, widen)
        for cut in self.cuts:
            model.forbid(cut)
        return model

    def solve(self, time_limit: float, gap: float, goal: Headroom | None = None) -> Answer:
        """Who moves where, at the least cost. A goal of another size may be given. Deterministic unless time ends."""
        deadline = time.monotonic() + time_limit
        goal = goal or self.goal
        relaxed = self._model(self.narrow, goal, [goal.server]).solve(deadline, 0.0)
        if relaxed.outcome is Outcome.INFEASIBLE and not self.cuts:
            return Answer(Status.INFEASIBLE, {})
        bound = float(relaxed.bound or 0.0)
        first = self._model(self.narrow, goal)
        solution = first.solve(time.monotonic() + _FIRST_SHARE * time_limit, gap)
        if solution.found and solution.objective is not None and (
                solution.objective - bound <= max(gap * solution.objective, 0.999)):
            return self._answer(first, solution, Status.OPTIMAL, bound)
        return self._open(goal, first, solution, bound, deadline, gap)

    def _open(self, goal: Headroom, first: HeadroomProgram, early: Solution, bound: float, deadline: float,
              gap: float) -> Answer:
        """Let LPARs of other servers make room as well."""
        model, solution = first, early
        if len(self.wide.cost) > len(self.narrow.cost):
            model = self._model(self.wide, goal)
            solution = model.solve(deadline, gap)
            if solution.outcome is Outcome.UNKNOWN and not early.found:
                solution = searched(model, solution)
        if solution.outcome is Outcome.INFEASIBLE and not self.cuts:
            return Answer(Status.INFEASIBLE, {})
        proved = bound if self.cuts else max(bound, solution.bound or 0.0)
        options = [(s.objective, n, m, s) for n, (m, s) in enumerate(((first, early), (model, solution)))
                   if s.found and s.objective is not None]
        if not options:
            return Answer(Status.UNKNOWN, {}, bound_ms=proved)
        cost, _, best, found = min(options, key=lambda o: o[:2])
        close = cost - proved <= max(gap * cost, 0.999)
        return self._answer(best, found, Status.OPTIMAL if close and not self.cuts else Status.FEASIBLE,
                            min(proved, cost))

    def _answer(self, model: HeadroomProgram, solution: Solution, status: Status, bound: float) -> Answer:
        moving = {n: s for n, s in sorted(model.placement(solution).items()) if s != self.site.start[n]}
        return Answer(status, moving, solution.objective, bound)

    def most(self, what: str, time_limit: float, gap: float = 0.0) -> Most:
        """The most cores (with the memory that was asked) or the most memory (with the cores) that can be had."""
        deadline = time.monotonic() + time_limit
        goal = replace(self.goal, units=0) if what == CORES else replace(self.goal, memory_mib=0)
        model = self._model(self.wide, goal, widen=what)
        solution = model.solve(deadline, gap)
        scale = 1 if what == CORES else model.block
        at_most = None if solution.bound is None else int(-solution.bound + 1e-6) * scale
        if solution.found and model.more is not None:
            return Most(solution.values[model.more] * scale, Status(solution.outcome.value), at_most)
        return Most(None, Status(solution.outcome.value), at_most)

    def step(self, units: int, time_limit: float, gap: float) -> Step:
        """What room of so many units costs."""
        answer = self.solve(time_limit, gap, replace(self.goal, units=units))
        return Step(units, answer.status, answer.objective_ms, answer.bound_ms, answer.placement)

    def conflict(self, most: Most, time_limit: float) -> Conflict:
        """Why there is no such room: the most that can be had, what holds it, and what would lift that."""
        until = time.monotonic() + time_limit
        model = self._model(self.wide, self.goal)
        model.solve(until, 0.0)
        kept, complete = reduced(model.program, until)
        rows = [t for t in kept if not t.startswith("lpar:")]
        stuck = [n for n in self.leaving if len(self.narrow.cost[n]) < 2]
        refusals = {n: self._refusals(n) for n in stuck}
        lifts = [f"{n}: {fix}" for n in stuck for fix in self._fixes(n)][:10]
        server, short = self.goal.server, max(0, self.goal.units - (most.amount or 0))
        lifts += tightenings(self.site, {server: max(short, 1)}, {server: 1})
        here = self.goal.here(self.site)
        if here:
            lifts.append("let a critical LPAR leave too: " + ", ".join(here[:8]) + (" …" if len(here) > 8 else ""))
        if most.amount is not None:
            lifts.append(f"ask for {show_cores(most.amount)} cores or less")
        return Conflict(self._summary(most), tuple(t.removeprefix("lpar:") for t in kept if t.startswith("lpar:")),
                        tuple(sorted({t.split(":", 1)[1].split("/")[0] for t in rows if not t.startswith("policy.")})),
                        tuple(dict.fromkeys(t.split(":", 1)[0] for t in rows)), tuple(dict.fromkeys(lifts)), refusals,
                        {server: short} if short else {}, {}, complete)

    def _summary(self, most: Most) -> str:
        if most.amount is None:
            return (f"{show_gib(self.goal.memory_mib)} GiB cannot be made free on {self.goal.server}, whatever the "
                    "cores") if most.status is Status.INFEASIBLE else f"{self.goal.text} cannot be made free"
        return (f"{self.goal.text} cannot be made free: with {show_gib(self.goal.memory_mib)} GiB it is "
                f"{show_cores(most.amount)} cores at most"
                + ("" if most.status is Status.OPTIMAL else " that were found; more is not excluded"))

    def _reasons(self, lpar: str) -> Iterable[tuple[str, str, str, str]]:
        """(server, rule, message, fix) of why an LPAR may not leave."""
        ready = [f for f in self.judge.readiness(lpar) if f.severity is Severity.ERROR]
        if ready:
            yield from (("", f.rule, f.message, f.fix) for f in ready)
            return
        home = self.site.start[lpar]
        for server in (s for s in self.site.servers if s != home):
            found = [f for f in self.judge.move(lpar, home, server) if f.severity is Severity.ERROR]
            if not found and self.come_back:
                found = [replace(f, message=f"the way back: {f.message}")
                         for f in self.judge.move(lpar, server, home) if f.severity is Severity.ERROR]
            yield from ((server, f.rule, f.message, f.fix) for f in found)

    def _refusals(self, lpar: str) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for server, rule, message, _ in self._reasons(lpar):
            found.setdefault(server, []).append((rule, message))
        return found

    def _fixes(self, lpar: str) -> list[str]:
        return list(dict.fromkeys(fix for _, _, _, fix in self._reasons(lpar) if fix))
