"""Answering headroom: who leaves at the least cost, the most that can be had, and what each further core costs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from planner.estate.capacity import Demand
from planner.findings import Severity
from planner.optimise.asked import critical_here, critical_pools, may_leave, needed_mib, needed_slots
from planner.optimise.conflict import Conflict, reduced, tightenings
from planner.optimise.evacuate import Answer, searched
from planner.optimise.placement import Candidates, PlacementProgram, candidates_of, move_cost_ms
from planner.optimise.solver import Outcome, Solution, Terms
from planner.plan.choices import By, Status
from planner.plan.questions import Headroom
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
        limits = {p: site.pool_limit(goal.server, p) for p in critical_pools(goal, site)}
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
        memory = needed_mib(self.goal, self.site)
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

        room = super().usage_room(server, pool)
        if server != self.goal.server or pool is not None or not self.measured or room is None:
            return room
        left = 10 * (self.site.limit(server).units - self.goal.units)
        return np.where(needed_slots(self.goal, self.site), left, room)

    def usage_extra(self, server: str, pool: int | None, solution: Solution) -> Any:
        """What the solution wants beyond the goal, in the slots in which the room is needed."""
        extra = sum(c * solution.values[i] for i, c in self.wanted(server, "usage").items()) if pool is None else 0
        return extra * needed_slots(self.goal, self.site) if extra else 0

    def usage_wanted(self, server: str, pool: int | None, slot: int) -> Terms:
        """The variable counts only in the slots in which the room is needed."""
        if pool is not None or not self.wanted(server, "usage") or not needed_slots(self.goal, self.site)[slot]:
            return {}
        return self.wanted(server, "usage")

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
        over[~needed_slots(self.goal, self.site)] = 0
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
    """One question of headroom; ``cuts`` are placements that could not be scheduled, or not in the window."""

    def __init__(self, site: Site, judge: Judge, goal: Headroom, *, come_back: bool = True) -> None:
        self.site, self.judge, self.goal, self.come_back = site, judge, goal, come_back
        self.cuts: list[Mapping[str, str]] = []
        self.leaving = may_leave(goal, site)
        self.narrow = self._candidates(self.leaving)
        self._wide: Candidates | None = None

    def _candidates(self, names: Sequence[str]) -> Candidates:
        """Where each may go, with the cost of the way out and, when they come back, of the way home."""
        site = self.site
        found = candidates_of(site, self.judge, (), list(site.servers), names, come_back=self.come_back)
        if self.come_back:
            for name, places in found.cost.items():
                home = site.start[name]
                places |= {s: c + move_cost_ms(site, self.judge, name, s, home) for s, c in places.items() if s != home}
        return found

    @property
    def wide(self) -> Candidates:
        """With the LPARs of the other servers that are not critical, which may make room for those that leave."""
        if self._wide is None:
            critical = set(self.goal.critical)
            others = [n for n, s in self.site.start.items() if s != self.goal.server and n not in critical]
            found = self._candidates(sorted([*self.leaving, *others]))
            self._wide = Candidates({n: p for n, p in found.cost.items() if len(p) > 1 or n in self.narrow.cost})
        return self._wide

    def forbid(self, placement: Mapping[str, str]) -> None:
        """Never answer again with the LPARs placed like this (those that stay counted as well)."""
        self.cuts.append({n: placement.get(n, self.site.start[n]) for n in self.wide.cost})

    def _model(self, candidates: Candidates, goal: Headroom, servers: Sequence[str] = (), widen: str = ""
               ) -> HeadroomProgram:
        model = HeadroomProgram(self.site, candidates, goal, servers, widen)
        for cut in self.cuts:
            if all(n in candidates.cost or s == self.site.start[n] for n, s in cut.items()):
                model.forbid({n: s for n, s in cut.items() if n in candidates.cost})
        return model

    def solve(self, time_limit: float, gap: float, goal: Headroom | None = None) -> Answer:
        """Who moves where, at the least cost. A goal of another size may be given. Deterministic unless time ends."""
        deadline = time.monotonic() + time_limit
        goal = goal or self.goal
        relaxed = HeadroomProgram(self.site, self.narrow, goal, [goal.server]).solve(deadline, 0.0)
        if relaxed.outcome is Outcome.INFEASIBLE:
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
        """The most cores (with the memory that was asked) or the most memory (with the cores) that can be had.

        The proof is of the placement; whether an order of the moves leads there is another question.
        """
        deadline = time.monotonic() + time_limit
        goal = self.goal.replace(units=0) if what == CORES else self.goal.replace(memory_mib=0)
        model = HeadroomProgram(self.site, self.wide, goal, widen=what)
        solution = model.solve(deadline, gap)
        scale = 1 if what == CORES else model.block
        at_most = None if solution.bound is None else int(-solution.bound + 1e-6) * scale
        if solution.found and model.more is not None:
            return Most(solution.values[model.more] * scale, Status(solution.outcome.value), at_most)
        return Most(None, Status(solution.outcome.value), at_most)

    def step(self, units: int, time_limit: float, gap: float) -> Step:
        """What room of so many units costs."""
        answer = self.solve(time_limit, gap, self.goal.replace(units=units))
        return Step(units, answer.status, answer.objective_ms, answer.bound_ms, answer.placement)

    def conflict(self, most: Most, memory: Most, time_limit: float) -> Conflict:
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
        here = critical_here(self.goal, self.site)
        base, limit = self.site.base(server), self.site.limit(server)
        units, mib = limit.units - base.units, limit.memory_mib - base.memory_mib
        if self.goal.units > units or self.goal.memory_mib > mib:
            lifts.append(f"ask another server: {server} without any LPAR has {show_cores(units)} cores and "
                         f"{show_gib(mib)} GiB")
        elif here:
            lifts.append("let a critical LPAR leave too: " + ", ".join(here[:8]) + (" …" if len(here) > 8 else ""))
        if most.amount:
            lifts.append(f"ask for {show_cores(most.amount)} cores or less")
        if memory.amount:
            lifts.append(f"ask for {show_gib(memory.amount)} GiB or less")
        lpars = tuple(t.removeprefix("lpar:") for t in kept if t.startswith("lpar:"))
        servers = sorted({t.split(":", 1)[1].split("/")[0] for t in rows if not t.startswith("policy.")})
        rules = tuple(dict.fromkeys(t.split(":", 1)[0] for t in rows))
        return Conflict(self._summary(most, memory), lpars, tuple(servers), rules, tuple(dict.fromkeys(lifts)),
                        refusals, {server: short} if short else {}, {}, complete)

    def _summary(self, most: Most, memory: Most) -> str:
        found = " that were found; more is not excluded"
        parts = []
        if most.amount is not None:
            parts.append(f"with {show_gib(self.goal.memory_mib)} GiB it is {show_cores(most.amount)} cores at most"
                         + ("" if most.status is Status.OPTIMAL else found))
        if memory.amount is not None:
            parts.append(f"with {show_cores(self.goal.units)} cores it is {show_gib(memory.amount)} GiB at most"
                         + ("" if memory.status is Status.OPTIMAL else found))
        if not parts and most.status is memory.status is Status.INFEASIBLE:
            parts = ["neither the cores nor the memory can be had, even one without the other"]
        return f"{self.goal.text} cannot be made free" + (": " + "; ".join(parts) if parts else "")

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
