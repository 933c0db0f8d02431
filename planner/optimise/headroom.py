"""Answering headroom: who leaves at the least cost, the most that can be had, and what each further core costs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.findings import Finding
from planner.optimise.asked import critical_here, critical_pools, may_leave, needed_mib, needed_slots
from planner.optimise.conflict import reasons_of, reduced, refusals_of, tightenings, unproved
from planner.optimise.placement import Candidates, Moment, PlacementProgram, candidates_of, move_cost_ms
from planner.optimise.program import ONE_PLACE, Outcome, Solution, Tag, Terms
from planner.optimise.stages import Answer, StagedProblem
from planner.plan.choices import By, Status
from planner.plan.details import Conflict, mends, shortfall
from planner.plan.questions import Headroom
from planner.rules import Judge, Site
from planner.rules.base import WHOLE
from planner.rules.ledger import MEMORY as MEMORY_USED
from planner.rules.ledger import POOLS, PROCESSORS, Amounts, Resource
from planner.stopwatch import now
from planner.units import show_cores, show_gib, some

CORES, MEMORY = "cores", "memory"


class HeadroomProgram(PlacementProgram):
    """A placement that leaves headroom on the goal's server; with ``widen`` as much of that as possible.

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
        self.grouped = len(servers or site.servers) == len(site.servers)
        super().__init__(site, candidates, list(servers or site.servers), ())
        self.add_pool_headroom()

    def prepare(self) -> None:
        """The headroom beyond what was asked, in hundredths of a core or blocks of memory."""
        limit = self.site.limit(self.goal.server)
        if self.widen:
            most = limit.units if self.widen == CORES else limit.memory_mib // self.block
            self.more = self.program.variable(max(most, 0), self.widen, "beyond what was asked")

    def room(self, resource: Resource, server: str) -> Amounts:
        """As for any placement; on the goal's server what was asked is taken off the limit, whatever was there."""
        limit, memory = resource.limits(self.site, server), needed_mib(self.goal, self.site)
        if server == self.goal.server and resource is PROCESSORS and self.guaranteed:
            return {WHOLE: limit[WHOLE] - self.goal.units}
        if server == self.goal.server and resource is MEMORY_USED and (memory or self.widen == MEMORY):
            return {WHOLE: limit[WHOLE] - memory}
        return super().room(resource, server)

    def wanted(self, server: str, resource: Resource) -> Terms:
        """The variable of what is wanted beyond the goal."""
        if self.more is None or server != self.goal.server:
            return {}
        if self.widen == MEMORY:
            return {self.more: self.block} if resource is MEMORY_USED else {}
        return {self.more: 1} if resource is PROCESSORS and self.guaranteed else {}

    def wanted_use(self, server: str) -> Terms:
        """The same in a slot, in thousandths of a core."""
        if self.more is None or server != self.goal.server or self.widen == MEMORY or not self.measured:
            return {}
        return {self.more: 10}

    def usage_room(self, server: str, pool: int | None, moment: int = 0) -> NDArray[np.int64] | None:
        """As for any placement; on the goal's server what was asked is taken off the limit in every slot."""
        room = super().usage_room(server, pool, moment)
        if server != self.goal.server or pool is not None or not self.measured or room is None:
            return room
        left = 10 * (self.site.limit(server).units - self.goal.units)
        return np.where(needed_slots(self.goal, self.site), left, room)

    def usage_extra(self, server: str, pool: int | None, solution: Solution) -> Any:
        """What the solution wants beyond the goal, in the slots in which the headroom is needed."""
        extra = sum(c * solution.values[i] for i, c in self.wanted_use(server).items()) if pool is None else 0
        return extra * needed_slots(self.goal, self.site) if extra else 0

    def usage_wanted(self, server: str, pool: int | None, slot: int) -> Terms:
        """The variable counts only in the slots in which the headroom is needed."""
        if pool is not None or not self.wanted_use(server) or not needed_slots(self.goal, self.site)[slot]:
            return {}
        return self.wanted_use(server)

    def add_pool_headroom(self) -> None:
        """headroom.pool: the pools of the critical LPARs have the headroom too, entitlements counted."""
        server = self.goal.server
        if not self.pools or not self.guaranteed:
            return
        strictly = Moment(self.site.demand, lambda resource, s: resource.limits(self.site, s))
        coming = [(n, self.x[n, server]) for n in self.by_server[server]]
        loads = [self.load(POOLS, server, coming, strictly)[str(p)] for p in self.pools]
        terms = {i: units for load, _ in loads for i, units in load.items()}
        self.program.at_most({**terms, **self.wanted(server, PROCESSORS)},
                             sum(left for _, left in loads) - self.goal.units, Tag("headroom.pool", server))

    def add_usage(self, solution: Solution) -> int:
        """Rows of usage as for any placement, and those of the critical LPARs' pools together."""
        added = super().add_usage(solution)
        usage, server = self.site.usage, self.goal.server
        if usage is None or not self.pools or not self.measured:
            return added
        names = [n for n, s in self.placement(solution).items() if s == server] + self.fixed[server]
        over = self._pool_use(names) + 10 * self.goal.units - self._pool_most()
        over = over + sum(c * solution.values[i] for i, c in self.wanted_use(server).items())
        over[~needed_slots(self.goal, self.site)] = 0
        for slot in usage.worst_by_bucket(over).values():
            if over[slot] > 0 and slot not in self.slots[0, server, -1]:
                self.slots[0, server, -1].add(slot)
                terms = {self.x[n, server]: int(self.site.used.of(n, server)[slot]) for n in self.by_server[server]
                         if self.site.pool_on(n, server) in self.pools}
                held = int(self._pool_use(self.fixed[server])[slot])
                self.program.at_most({**terms, **self.wanted_use(server)},
                                     self._pool_most() - 10 * self.goal.units - held,
                                     Tag("headroom.pool-usage", server))
                added += 1
        return added

    def _pool_use(self, names: Iterable[str]) -> NDArray[np.int64]:
        listed = list(names)
        uses = [self.site.used.on(self.goal.server, listed, p) for p in self.pools]
        total: NDArray[np.int64] = sum(uses[1:], uses[0])
        return total

    def _pool_most(self) -> int:
        return sum(self.site.used.limit(self.goal.server, p) or 0 for p in self.pools)

    def add_cost(self) -> None:
        """The objective: migration cost, or the most of what is wanted beyond the goal (minimised as its negative)."""
        super().add_cost()
        if self.more is not None:
            self.program.minimise({self.more: -1})


@dataclass(frozen=True, slots=True)
class CurveStep:
    """What headroom of so many units costs: a point of the curve. Costs in ms; ``moves``: LPAR → server."""

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


class HeadroomProblem(StagedProblem):
    """One question of headroom; ``cuts`` are placements that could not be scheduled, or not in the window."""

    balances = False

    def __init__(self, site: Site, judge: Judge, goal: Headroom) -> None:
        super().__init__(site, judge, come_back=goal.come_back)
        self.goal = goal
        self.leaving = may_leave(goal, site)
        self.narrow = self._candidates(self.leaving)

    def _candidates(self, names: Sequence[str]) -> Candidates:
        """Where each may go, with the cost of the way out and, when they come back, of the way home; who has its home
        elsewhere pays that in any case."""
        site = self.site
        open_to = [*names, *sorted(site.homes.keys() - {*names})]
        candidates = candidates_of(site, self.judge, (), list(site.servers), open_to, come_back=self.come_back)
        for name in open_to[len(names):]:
            candidates.cost[name] = {site.start[name]: 0}
        if self.come_back:
            back = self.judge.homeward
            for name, places in candidates.cost.items():
                home = site.homes.get(name, site.start[name])
                places |= {s: c + move_cost_ms(back.site, back, name, s, home) for s, c in places.items() if s != home}
        return candidates

    @cached_property
    def wide(self) -> Candidates:
        """With the LPARs of the other servers that are not critical, which may make room for those that leave."""
        critical = set(self.goal.critical)
        others = [n for n, s in self.site.start.items() if s != self.goal.server and n not in critical]
        opened = self._candidates(sorted([*self.leaving, *others]))
        return Candidates({n: p for n, p in opened.cost.items() if len(p) > 1 or n in self.narrow.cost})

    def cut_of(self, placement: Mapping[str, str]) -> dict[str, str]:
        """All who may move, those that stay included."""
        return {n: placement.get(n, self.site.start[n]) for n in self.wide.cost}

    def model(self, candidates: Candidates) -> HeadroomProgram:
        """The placement that leaves the headroom that was asked."""
        return HeadroomProgram(self.site, candidates, self.goal)

    def explain(self, model: PlacementProgram, deadline: float) -> None:
        """See :meth:`conflict`, which needs to know the most that can be had."""

    def solve(self, time_limit: float, gap: float) -> Answer:
        """Who moves where, at the least cost. Deterministic unless time ends."""
        deadline = now() + time_limit
        relaxed = HeadroomProgram(self.site, self.narrow, self.goal, [self.goal.server]).solve(deadline, 0.0)
        if relaxed.outcome is Outcome.INFEASIBLE:
            return Answer(Status.INFEASIBLE, {})
        return self.staged(float(relaxed.bound or 0.0), deadline, gap)

    def most(self, what: str, time_limit: float, gap: float = 0.0) -> Most:
        """The most cores (with the memory that was asked) or the most memory (with the cores) that can be had.

        The proof is of the placement; whether an order of the moves leads there is another question.
        """
        deadline = now() + time_limit
        goal = self.goal.replace(units=0) if what == CORES else self.goal.replace(memory_mib=0)
        model = HeadroomProgram(self.site, self.wide, goal, widen=what)
        solution = model.solve(deadline, gap)
        scale = 1 if what == CORES else model.block
        at_most = None if solution.bound is None else int(-solution.bound + 1e-6) * scale
        amount = solution.values[model.more] * scale if solution.found and model.more is not None else None
        return Most(amount, Status(solution.outcome.value), at_most)

    def step(self, units: int, time_limit: float, gap: float) -> CurveStep:
        """What headroom of so many units costs."""
        smaller = copy(self)
        smaller.goal = self.goal.replace(units=units)
        answer = smaller.solve(time_limit, gap)
        return CurveStep(units, answer.status, answer.objective_ms, answer.bound_ms, answer.placement)

    def conflict(self, most: Most, memory: Most, time_limit: float) -> Conflict:
        """Why there is no such headroom: the most that can be had, what holds it, and what would lift that."""
        until = now() + time_limit
        model = self.program(self.wide)
        model.solve(until, 0.0)
        tags, complete = reduced(model, until)
        rows = [t for t in tags if t.rule != ONE_PLACE]
        stuck = {n: self._refused(n) for n in self.leaving if len(self.narrow.cost[n]) < 2}
        short = max(0, self.goal.units - (most.amount or 0))
        lifts = (*self._fixes(stuck), *tightenings(self.site, {self.goal.server: max(short, 1)}, {self.goal.server: 1}),
                 *self._lifts(most, memory))
        return Conflict(self._summary(most, memory, tags, stuck), tuple(t.subject for t in tags if t.rule == ONE_PLACE),
                        servers=tuple(sorted({t.subject for t in rows if t.family != "policy"})),
                        rules=tuple(dict.fromkeys(t.rule for t in rows)), lifts=tuple(dict.fromkeys(lifts)),
                        refusals=reasons_of(stuck), shortfall=shortfall({self.goal.server: short} if short else {}, {}),
                        irreducible=complete, unstated=unproved({n: self._refused(n) for n in self.leaving}))

    def _lifts(self, most: Most, memory: Most) -> Iterator[str]:
        """What to ask instead."""
        server, here = self.goal.server, critical_here(self.goal, self.site)
        room = self.site.room(server)
        if self.goal.units > room.units or self.goal.memory_mib > room.memory_mib:
            yield (f"ask another server: {server} without any LPAR has {show_cores(room.units)} cores and "
                   f"{show_gib(room.memory_mib)} GiB")
        else:
            for production, how in ((False, "name one LPAR less with --critical, so that it may leave"), (
                    True, "state another environment than production in the estate workbook (sheet LPARs) for an LPAR "
                          "that may leave")):
                if names := [n for n in here if (self.site.lpars[n].environment == "production") == production]:
                    yield f"{how}: {some(names, 8)}"
        if most.amount:
            yield f"ask for {show_cores(most.amount)} cores or less"
        if memory.amount:
            yield f"ask for {show_gib(memory.amount)} GiB or less"

    def _summary(self, most: Most, memory: Most, tags: Sequence[Tag], stuck: Collection[str]) -> str:
        """How much there is at most, and what holds it."""
        goal, more = self.goal, " that were found; more is not excluded"
        parts = []
        if most.amount is not None and goal.units:
            parts.append((f"with {show_gib(goal.memory_mib)} GiB " if goal.memory_mib else "")
                         + f"it is {show_cores(most.amount)} cores at most"
                         + ("" if most.status is Status.OPTIMAL else more))
        if memory.amount is not None and goal.memory_mib:
            parts.append((f"with {show_cores(goal.units)} cores " if goal.units else "")
                         + f"it is {show_gib(memory.amount)} GiB at most"
                         + ("" if memory.status is Status.OPTIMAL else more))
        if not parts and most.status is memory.status is Status.INFEASIBLE:
            parts = ["neither the cores nor the memory can be had, even one without the other"]
        return f"{goal.text} cannot be made free" + (": " + "; ".join(parts) if parts else "") + (
            f", since {self._held(tags, stuck)}")

    def _held(self, tags: Sequence[Tag], stuck: Collection[str]) -> str:
        """What keeps more from being free."""
        goal, held = self.goal, [t.subject for t in tags if t.rule == ONE_PLACE and t.subject in stuck]
        full = dict.fromkeys(t.subject for t in tags if t.subject in self.site.servers and t.subject != goal.server)
        why = [f"{some(held, 4)} may go nowhere else"] * bool(held)
        if full:
            why.append(f"{some(full, 4)} {'has' if len(full) == 1 else 'have'} too little for "
                       f"{'the others' if held else 'who may go'}")
        stays = critical_here(goal, self.site)
        return " and ".join(why) or (f"{some(stays, 4)} {'stays' if len(stays) == 1 else 'stay'} there" if stays else
                                     f"{goal.server} has no more, even without any LPAR")

    def _refused(self, lpar: str) -> dict[str, list[Finding]]:
        """Server → why an LPAR may not leave for it."""
        others = [s for s in self.site.servers if s != self.site.start[lpar]]
        refusals = refusals_of(self.judge, lpar, others, come_back=self.come_back)
        return {s: reasons for s, reasons in refusals.items() if reasons}

    def _fixes(self, stuck: Mapping[str, Mapping[str, Sequence[Finding]]]) -> list[str]:
        """What would let those leave that may go nowhere, the first few."""
        return [x for n, by_server in reasons_of(stuck).items() for x in mends(n, by_server)][:10]
