"""Answering a consolidation: component by component, each proved on its own, the sum a bound of the whole.

Levels, in this order: the measure of the servers that stay on, then the cost of the moves. A component that is small
is one integer program; one of some size is answered by two engines in turn (:mod:`planner.optimise.split_pack`); a
large one is taken apart into a master, which chooses the servers, and a packing, which places the LPARs
(:mod:`planner.optimise.large.decomposition`). Every component has an answer first; then those furthest from their
bounds are given more work, until the sum is within the gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from planner.findings import Finding
from planner.optimise.conflict import Refused, either, reasons_of, reduced, refusals_of, unproved
from planner.optimise.consolidation_program import ConsolidationProgram
from planner.optimise.emptying import emptied
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.heuristics.search import surest
from planner.optimise.judging import Judged, Judging
from planner.optimise.large.components import Component, components
from planner.optimise.large.decomposition import (
    OF_GAP,
    Place,
    Placed,
    Placer,
    Settled,
    take_apart,
    too_heavy,
)
from planner.optimise.large.master import Choice, Master
from planner.optimise.large.wide import take_wide
from planner.optimise.measure import Scale
from planner.optimise.neighbourhoods import Neighbourhoods
from planner.optimise.placement import Candidates, assumed_of
from planner.optimise.program import ONE_PLACE, Outcome, Solution
from planner.optimise.restarts import Restarting, RestartPack, RestartProgram, Targets
from planner.optimise.solver import is_read, relaxed
from planner.optimise.split_pack import Nearby, SplitPack
from planner.parallel import in_forks, two_processors
from planner.plan.choices import Status
from planner.plan.details import Conflict
from planner.plan.questions import Consolidate, Evacuate
from planner.rules import Judge, Site
from planner.stopwatch import now

if TYPE_CHECKING:
    from planner.cluster import Cluster

SMALL, MIDDLE = 300, 1800
"""Variables of a component at most for it to be given to HiGHS whole at once; and to two engines."""
_ATTEMPTS = 4
"""Placements of a component that are tried for an order of its moves, the later ones with fewer servers off."""
_ROUNDS, _MORE = 5, 4.0
"""Rounds of work on the components at most; and how many times the work of the one before each is."""
_LARGE = 1_000
"""Pairs of LPAR and server from which on several components are answered by two processes."""
_NO_WORKER_S = 10.0
"""Seconds after which a cluster without any worker is taken for lost."""
_EXACT_RESTARTS = 45_000
"""Variables of a component up to which places and restarts are found by one program when one after the other fails."""
_SPARES, _OF_SPARE = 2, 0.3
"""Servers that are tried as the one that stays empty for all others, and the share of the time that one may take."""
_LAST_S = 3.0
"""Seconds for a placement by construction when the exact way found none in its time."""
_FEW, _FIRST, _FIRST_GAP, _BOUNDING = 50_000, 0.35, 0.03, 0.15
"""Of a wide component: pairs up to which its first placement is not to take long, with the share of the time and the
gap that are enough for it, and the share of the time that is left for the bound of the cost."""
_SLOTS = 24
"""Slots of each server that the programs of a component begin with, where usage counts: bounds know of them at once."""
WIDE = 40
"""Servers of a component from which on it is spread rather than tried set by set."""


@dataclass(frozen=True, slots=True)
class ComponentAnswer:
    """The answer for a component: measure in weights beyond the ``least`` that its LPARs weigh anywhere, cost in ms,
    each with a proved lower bound.

    ``cost_bound_ms`` holds among all placements of the component that weigh no more than this one. ``worked``: what
    answered it has nothing to gain from more work.
    """

    status: Status
    off: tuple[str, ...] = ()
    placement: Mapping[str, str] = field(default_factory=dict)
    restart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    least: int = 0
    measure: int = 0
    measure_bound: float = 0.0
    cost_ms: int = 0
    cost_bound_ms: float = 0.0
    conflict: Conflict | None = None
    worked: bool = False


@dataclass(frozen=True, slots=True)
class Consolidation:
    """The answer for the estate; ``placement`` has only LPARs that move. Without a plan ``off`` is empty."""

    status: Status
    parts: tuple[ComponentAnswer, ...] = ()
    conflict: Conflict | None = None
    measure_bound: float | None = None

    @property
    def bound_ms(self) -> None:
        """Without an answer nothing is known of the cost."""

    @property
    def off(self) -> tuple[str, ...]:
        """The servers that go off."""
        return tuple(sorted(s for p in self.parts for s in p.off))

    @property
    def placement(self) -> dict[str, str]:
        """LPAR → server, for those that move."""
        return dict(sorted((n, s) for p in self.parts for n, s in p.placement.items()))

    @property
    def restart(self) -> dict[str, dict[str, str]]:
        """Failed server → LPAR → where it restarts."""
        return {s: dict(sorted(places.items())) for p in self.parts for s, places in sorted(p.restart.items())}


class Orders(Protocol):
    """Whether the moves to a placement (LPAR → server, those that move) have an order: ``found`` searches for one,
    ``straight`` tries the first that comes to hand."""

    def found(self, placement: Mapping[str, str], /) -> bool: ...
    def straight(self, placement: Mapping[str, str], /) -> bool: ...


@dataclass(frozen=True, slots=True)
class AskedPart:
    """A component to be answered, wherever that is: its ``number``, how many are still ``following``, this one
    included, the seconds that are left for them, and the best answer that is known of it."""

    number: int
    following: float
    left_s: float
    gap: float
    effort: int
    known: ComponentAnswer | None


class Elsewhere(Protocol):
    """Where the parts of a problem are answered by others: in their order, by a deadline, on so many ``processors``;
    None for one that is to be answered here."""

    @property
    def processors(self) -> int: ...
    def answers(self, problem: ConsolidationProblem, parts: Iterable[AskedPart], deadline: float
                ) -> Iterator[ComponentAnswer | None]: ...


class TwoProcessors:
    """Both of this machine."""

    processors = 2

    def answers(self, problem: ConsolidationProblem, parts: Iterable[AskedPart], deadline: float
                ) -> Iterator[ComponentAnswer | None]:
        """By forked processes, which see the clock as this one does."""
        return in_forks(ConsolidationProblem.answered, problem, parts, self.processors)


class OnCluster:
    """On a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    @property
    def processors(self) -> int:
        """As many as its workers have threads."""
        return self.cluster.processors

    def answers(self, problem: ConsolidationProblem, parts: Iterable[AskedPart], deadline: float
                ) -> Iterator[ComponentAnswer | None]:
        """By workers, which are told of the deadline."""
        return self.cluster.in_order(ConsolidationProblem.answered, problem, parts, deadline, _NO_WORKER_S)


class ConsolidationProblem:
    """One consolidation; ``cuts`` are placements that could not be scheduled. ``orders`` tells of the moves of one
    component whether there is an order of them: where none is found, the component takes what has one."""

    def __init__(self, site: Site, judge: Judge, goal: Consolidate, scale: Scale,
                 orders: Orders | None = None, judged: Judged | None = None,
                 elsewhere: Elsewhere | None = None) -> None:
        self.site, self.judge, self.goal, self.scale, self.orders = site, judge, goal, scale, orders
        self.elsewhere = elsewhere
        """Where parts are answered, if there are several; without it on two processors where they are large."""
        self.cuts: list[Mapping[str, str]] = []
        self.small, self.middle = SMALL, MIDDLE
        judged = judged or Judging(judge, scale.fixed, come_back=goal.come_back).run(math.inf)
        self.unasked = judged.unasked
        """How many LPARs were not asked about every server in reach: with any nothing is proved."""
        self.candidates = judged.candidates
        self.scale = scale.among({n: list(site.servers) if self.unasked else self.candidates.cost.get(n, {s: 0})
                                  for n, s in site.start.items()})
        links = [(s, self.restart_servers(s)) for s in site.servers] if goal.n_plus_1 else []
        links += [(pool.servers[0], list(pool.servers[1:])) for pool in scale.metered]
        self.components = components(site, self.candidates, links)
        self.restartable: dict[tuple[str, str], list[str]] = {}
        self.proved: dict[Component, ComponentAnswer] = {}
        self.known: dict[int, ComponentAnswer] = {}
        """The best answers so far, by the component's number."""
        self.deadline, self.order_s = math.inf, 0.0
        """When all is to be over; and seconds that it takes to look for an order of all moves."""
        self.ordered: dict[tuple[tuple[str, str], ...], bool] = {}
        self.built: dict[int, ComponentAnswer] = {}
        """Answers by construction, by the component's number."""

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to who answers a part: a part has what is known of it with it."""
        return self.__dict__ | {"elsewhere": None, "known": {}}

    # ---- facts ------------------------------------------------------------------------------------------------------

    def restart_servers(self, server: str) -> list[str]:
        """The servers on which something that may be on this server may restart."""
        here = [n for n, s in self.site.start.items() if s == server]
        here += [n for n, places in self.candidates.cost.items() if server in places and self.site.start[n] != server]
        found: set[str] = set()
        for n in here:
            near = self.judge.near(n)
            more = (self.site.servers.keys() if near is None else near & self.site.servers.keys()) - found - {server}
            found |= {t for t in more if self.judge.restartable(n, server, t)}
        return sorted(found)

    def restarts(self, part: Component) -> dict[tuple[str, str], Sequence[str]]:
        """(LPAR, server it may end on) → servers of the component where it may restart."""
        targets = self.targets(part)
        return {(n, s): targets(n, s) for n in part.lpars
                for s in self.candidates.cost.get(n, {self.site.start[n]: 0})}

    def targets(self, part: Component) -> Targets:
        """The same of one pair."""
        def targets(lpar: str, server: str) -> Sequence[str]:
            known = self.restartable.get((lpar, server))
            if known is None:
                known = self.restartable[lpar, server] = [
                    t for t in part.servers if t != server and self.judge.restartable(lpar, server, t)]
            return known

        return targets

    def candidates_in(self, part: Component) -> Candidates:
        return Candidates({n: self.candidates.cost[n] for n in part.lpars if n in self.candidates.cost})

    def refuse(self, answer: Consolidation) -> bool:
        """Never answer again with the LPARs of a component placed like this, where the order matters: some go to
        servers that others leave. False when there is no such component."""
        start = self.site.start
        self.cuts += [dict(p.placement) for p in answer.parts
                      if {start[n] for n in p.placement} & set(p.placement.values())]
        return bool(self.cuts)

    def surer(self) -> Iterator[Consolidation]:
        """What there is when what was found has no order: the answer by construction; then nothing moves. Less where
        more was asked for. Bounds hold still."""
        numbers = range(len(self.components))
        known = {n: self.known[n].measure_bound if n in self.known else 0.0 for n in numbers}
        for made in (self.built, {}):
            parts = [replace(made[n], measure_bound=min(known[n], float(made[n].measure))) if n in made else
                     self._part(c, self._as_it_is(c, known[n]), 0.0) for n, c in enumerate(self.components)]
            if all(p.status is Status.FEASIBLE for p in parts):
                yield Consolidation(self._status(parts, 0.0), tuple(parts))

    def build(self, deadline: float) -> dict[str, str]:
        """A first answer of every component by construction, where it can be had without a solver: LPAR → server of
        those that move in it."""
        for number, part in enumerate(self.components):
            restarting = self._restarting(part) if self.goal.n_plus_1 else None
            made = emptied(self.judge, part, self.candidates_in(part), self.goal, self.scale, deadline, restarting)
            if made is None:
                continue
            cost = sum(self.candidates.cost[n][s] for n, s in made.moved.items())
            choice = Choice(made.on, tuple(s for s in part.servers if s in made.left), 0, 0.0)
            placed = Placed(Outcome.FEASIBLE, made.moved, cost, restart=made.restart)
            settled = Settled(Outcome.FEASIBLE, choice, placed)
            self.built[number] = self._part(part, settled, deadline)
        return {n: s for p in self.built.values() for n, s in p.placement.items()}

    # ---- solving ----------------------------------------------------------------------------------------------------

    def solve(self, time_limit: float, gap: float) -> Consolidation:
        """The best answer that can be had in ``time_limit`` seconds. Deterministic unless time runs out."""
        deadline = now() + time_limit
        refused = self._off_impossible(time_limit / 4, deadline)
        if refused is not None:
            return refused
        numbers = sorted(range(len(self.components)), key=lambda n: (-self._size(self.components[n]), n))
        self.deadline = deadline
        parts = self.known = {n: p for n, p in self.built.items()
                              if not any(cut.items() <= p.placement.items() for cut in self.cuts)}
        for effort in range(_ROUNDS):
            for number, answer in self._answers(numbers, deadline, gap, effort):
                parts[number] = _better(self._sure(answer), parts.get(number), gap)
                if parts[number].status is Status.INFEASIBLE:
                    return Consolidation(Status.INFEASIBLE, (), parts[number].conflict)
                if effort and not self._unproved(parts, gap):
                    break
            numbers = [n for n in self._unproved(parts, gap) if not parts[n].worked]
            if not numbers or now() > deadline:
                break
        for number, answer in parts.items():
            self.proved.setdefault(self.components[number], answer)
        answers = [self._or_as_it_is(number, parts[number]) for number in sorted(parts)]
        if any(p.status is Status.UNKNOWN for p in answers):
            return Consolidation(Status.UNKNOWN)
        return Consolidation(self._status(answers, gap), tuple(answers))

    def _sure(self, answer: ComponentAnswer) -> ComponentAnswer:
        """The answer without its proofs, where not everything was asked."""
        if not self.unasked:
            return answer
        if answer.status is Status.INFEASIBLE:
            return ComponentAnswer(Status.UNKNOWN)
        return replace(answer, measure_bound=0.0, cost_bound_ms=0.0)

    def _unproved(self, parts: Mapping[int, ComponentAnswer], gap: float) -> list[int]:
        """The components that need more work for the whole to be within the gap: those without an answer first, then
        those furthest from their bound."""
        none = [n for n, p in parts.items() if p.status is not Status.FEASIBLE]
        if not none and self._status(list(parts.values()), gap) is Status.OPTIMAL:
            return []
        far = [n for n, p in parts.items() if n not in none and self._status([p], gap) is not Status.OPTIMAL]
        return none + sorted(far, key=lambda n: (parts[n].cost_bound_ms - parts[n].cost_ms, n))

    def _answers(self, numbers: Sequence[int], deadline: float, gap: float, effort: int
                 ) -> Iterator[tuple[int, ComponentAnswer]]:
        """The answers of these components in their order: one after the other, or where they are large on two
        processors, or where else they are to be answered. Who answers makes no difference to the answer."""
        size = sum(self._size(self.components[n]) for n in numbers)
        others = self.elsewhere or (TwoProcessors() if size >= _LARGE and two_processors() else None)
        if len(numbers) < 2 or self.cuts or is_read() or others is None:
            yield from ((n, self._numbered(n, len(numbers) - k, deadline, gap, effort)) for k, n in enumerate(numbers))
            return
        parts = (AskedPart(n, (len(numbers) - k) / others.processors, deadline - now(), gap, effort, self.known.get(n))
                 for k, n in enumerate(numbers))
        for k, (number, reply) in enumerate(zip(numbers, others.answers(self, parts, deadline), strict=True)):
            yield number, reply or self._numbered(number, len(numbers) - k, deadline, gap, effort)

    def answered(self, part: AskedPart) -> ComponentAnswer:
        """The answer of a part that somebody else asks for."""
        asked = copy(self)  # which may keep servers on, and forbid placements
        asked.known = {} if part.known is None else {part.number: part.known}
        asked.deadline = now() + part.left_s
        return asked._numbered(part.number, part.following, asked.deadline, part.gap, part.effort)

    def _numbered(self, number: int, following: float, deadline: float, gap: float, effort: int) -> ComponentAnswer:
        """The answer of one component in its share of the time that is left; ``following``: those still to come, this
        one included. When none is left, what is known of it."""
        left = deadline - now()
        if left < 0 and number in self.known:
            return self.known[number]
        least = min(left / 4, 10.0) if effort else 0.0  # all have a first answer before one is worked on
        share = max(left / max(following, 1), least, 0.1)
        until = now() + share
        return self._orderly(number, self.part(number, until, gap, effort), until, gap, effort)

    def _orderly(self, number: int, answer: ComponentAnswer, deadline: float, gap: float, effort: int
                 ) -> ComponentAnswer:
        """The answer if its moves have an order; else another placement, then one with fewer servers off, while there
        is time; then what is known, then everything as it is. What was proved of the measure stays so."""
        part, cuts, goal = self.components[number], self.cuts, self.goal
        best, kept, ordered = answer, goal.keep, False
        try:
            for attempt in range(_ATTEMPTS + 1):
                ordered = best.status is Status.FEASIBLE and self._has_order(best)
                if ordered or best.status is not Status.FEASIBLE or attempt == _ATTEMPTS or now() > self.deadline:
                    break
                self.cuts = [*self.cuts, dict(best.placement)]
                if attempt:
                    off = [s for s in best.off if s not in goal.off]
                    kept = (*kept, *off[:len(off) // 2 + 1])
                    self.goal = goal.replace(keep=kept)
                best = self._answer(number, min(max(deadline, now() + _LAST_S), self.deadline), gap, effort)
        finally:
            self.cuts, self.goal = cuts, goal
        if best is answer and (ordered or answer.status is not Status.FEASIBLE):
            return answer
        if not ordered:
            staying = self._part(part, self._as_it_is(part, answer.measure_bound), deadline)
            best = self.known.get(number, staying)
            if best.status is not Status.FEASIBLE:
                return answer
        cost_bound = answer.cost_bound_ms if best.measure <= answer.measure else 0.0
        return replace(best, measure_bound=min(answer.measure_bound, float(best.measure)),
                       cost_bound_ms=min(cost_bound, float(best.cost_ms)), worked=True)

    def _straight(self, where: Mapping[str, str]) -> bool:
        return self.orders is None or self.orders.straight({n: s for n, s in where.items() if s != self.site.start[n]})

    def _has_order(self, answer: ComponentAnswer) -> bool:
        """Whether its moves have an order; those to servers that nobody leaves always have."""
        left = {self.site.start[n] for n in answer.placement}
        if self.orders is None or not left & set(answer.placement.values()):
            return True
        key = tuple(answer.placement.items())
        if key not in self.ordered:
            self.ordered[key] = self.orders.found(answer.placement)
        return self.ordered[key]

    def _status(self, parts: Sequence[ComponentAnswer], gap: float) -> Status:
        measure, cost = sum(p.measure for p in parts), sum(p.cost_ms for p in parts)
        whole = measure + sum(p.least for p in parts)
        near = measure - sum(p.measure_bound for p in parts) <= max(gap, 1e-6) * whole
        close = cost - sum(p.cost_bound_ms for p in parts) <= max(gap, 1e-6) * cost + 0.999
        return Status.OPTIMAL if near and close else Status.FEASIBLE

    def _off_impossible(self, time_limit: float, deadline: float) -> Consolidation | None:
        """The conflict when the servers that must go off cannot be emptied even with every other one on."""
        if not self.goal.off:
            return None
        asked = Evacuate(servers=self.goal.off, come_back=self.goal.come_back,
                         firmware_after=self.goal.firmware_after, not_targets=self.goal.not_targets)
        answer = EvacuationProblem(self.site, self.judge, asked).solve(time_limit, 1.0)
        if answer.status is not Status.INFEASIBLE or answer.conflict is None:
            return None
        named = ", ".join(self.goal.off)
        lifts = tuple(x for x in answer.conflict.lifts if "--leave" not in x)
        return Consolidation(Status.INFEASIBLE, (), replace(answer.conflict, lifts=(*lifts, f"or let {named} stay on")))

    def part(self, number: int, deadline: float, gap: float, effort: int) -> ComponentAnswer:
        """The answer for one component by the time of ``deadline``, with so much effort: at 0 a first one, or
        UNKNOWN."""
        part = self.components[number]
        known = self.proved.get(part)
        if known is None:
            return self._answer(number, deadline, gap, effort)
        if not any(set(cut) & set(part.lpars) for cut in self.cuts):
            return known
        answer = self._answer(number, deadline, gap, effort)
        if answer.status in (Status.INFEASIBLE, Status.UNKNOWN):
            return ComponentAnswer(Status.UNKNOWN)
        same = answer.measure == known.measure
        return replace(answer, measure_bound=known.measure_bound, cost_bound_ms=known.cost_bound_ms if same else 0.0)

    def _least(self, part: Component) -> int:
        """What its LPARs weigh whatever is chosen."""
        return sum(self.scale.least.get(n, 0) for n in part.lpars)

    def _size(self, part: Component) -> int:
        """Variables of the whole program of a component."""
        pairs = self._pairs(part)
        if pairs > self.middle:  # in each failure each may be anywhere
            return pairs * (len(part.servers) if self.goal.n_plus_1 else 1)
        return pairs + (sum(map(len, self.restarts(part).values())) if self.goal.n_plus_1 else 0)

    def _pairs(self, part: Component) -> int:
        """Pairs of LPAR and server where it may end."""
        return sum(len(self.candidates.cost.get(n, ())) for n in part.lpars)

    def _answer(self, number: int, deadline: float, gap: float, effort: int) -> ComponentAnswer:
        """Whole when it is small, by two engines when it is larger, else taken apart."""
        part = self.components[number]
        if self._size(part) <= self.small:
            return replace(self._exact(part, deadline, gap), worked=True)
        if self._pairs(part) <= self.middle or self.scale.of_places:
            return self._packed(part, deadline, gap, effort, self.known.get(number))
        if self.goal.n_plus_1 and len(part.servers) > WIDE and number in self.known:
            return self._bounded(number, deadline, gap)
        return self._large(number, deadline, gap, effort)

    def _large(self, number: int, deadline: float, gap: float, effort: int) -> ComponentAnswer:
        """Taken apart, or by neighbourhoods where it is wide."""
        part, quick = self.components[number], effort == 0 and gap > 0
        cuts = self.cuts_in(part)
        master = Master(self.site, part, self.candidates_in(part), self.goal, self.scale)
        plain = not (self.goal.n_plus_1 or cuts or self.site.usage is not None or self.site.policies.counts_licences)
        if len(part.servers) > WIDE and plain and quick:
            return ComponentAnswer(Status.UNKNOWN)
        if len(part.servers) > WIDE and plain:
            settled = self._wide(number, master, deadline, gap)
        else:
            placer: Place = self._with_restarts(part, master, gap) if self.goal.n_plus_1 else Placer(master, gap, cuts)
            settled = take_apart(master, placer, deadline, gap, quick=quick)
            if settled.outcome is Outcome.UNKNOWN and plain and not quick:
                made = take_wide(self.site, self.judge, master, now() + _LAST_S, gap)
                settled = replace(made, measure_bound=max(settled.measure_bound, made.measure_bound))
        if settled.outcome is Outcome.UNKNOWN and not quick:
            settled = self._as_it_is(part, settled.measure_bound)
        return replace(self._part(part, settled, deadline), worked=not quick)

    def _bounded(self, number: int, deadline: float, gap: float) -> ComponentAnswer:
        """What is known of a wide component with N+1, no one server of which is in reach of all; with its bounds."""
        part, made = self.components[number], self.known[number]
        master = Master(self.site, part, self.candidates_in(part), self.goal, self.scale)
        bound = max(master.lightest(deadline, gap / 8)[1], made.measure_bound)
        least = master.tighten(deadline, made.measure, 0.0, whole=False)[1]
        return replace(made, measure_bound=min(bound, float(made.measure)),
                       cost_bound_ms=min(max(least, made.cost_bound_ms), float(made.cost_ms)), worked=True)

    def _wide(self, number: int, master: Master, deadline: float, gap: float) -> Settled:
        """A first placement, then neighbourhood by neighbourhood for as long as there is time; the last stage on the
        way whose moves have an order."""
        at, start, part = now(), self.site.start, self.components[number]
        few = self._size(part) <= _FEW
        made = self.known.get(number)
        first = take_wide(self.site, self.judge, master, at + _FIRST * (deadline - at) if few else deadline,
                          max(gap, _FIRST_GAP) if few else gap, deadline)
        if few and first.outcome is not Outcome.INFEASIBLE:
            whole = master.lightest(min(now() + _LAST_S, deadline), gap / 8)[1]
            first = replace(first, measure_bound=max(first.measure_bound, whole if whole < math.inf else 0.0))
        if gap == 0 or (first.placed is None and (made is None or first.outcome is Outcome.INFEASIBLE)):
            return first
        starts = [made] if made else []
        starts += [self._part(part, first, deadline)] if first.placed else []
        placement = min(starts, key=partial(_ahead, min(s.measure for s in starts), gap)).placement
        where = {n: placement.get(n, start[n]) for n in part.lpars}
        ceiling = first.measure_bound + OF_GAP * gap * (first.measure_bound + self._least(part))
        search = Neighbourhoods(self.site, part, self.candidates_in(part), self.goal, self.scale, where,
                                ceiling=int(ceiling), straight=self._straight)
        search.run(deadline - _BOUNDING * (deadline - at) - self.order_s)
        for stage in reversed(search.stages[1:] or search.stages):
            found = self._settled(part, master, stage, first, deadline - self.order_s)
            if self._has_order(self._part(part, found, deadline)):
                return found
        return first

    def _settled(self, part: Component, master: Master, where: Mapping[str, str], first: Settled, deadline: float
                 ) -> Settled:
        """A placement with a bound of what any as light costs, in time or as the ``first`` one has it."""
        off = self._empty(part, where.values())
        on = tuple(s for s in part.servers if s not in off)
        measure = self.scale.beyond(on, where)
        moving = {n: s for n, s in sorted(where.items()) if s != self.site.start[n]}
        cost = sum(self.candidates.cost[n][s] for n, s in moving.items())
        least, bound = 0.0, first.measure_bound
        if first.choice and first.placed and measure <= first.choice.measure + master.excess(first.placed.placement):
            least = first.cost_bound_ms
        if now() < deadline and self._size(part) <= _FEW:
            model = self.program(part)
            model.add_measure(measure // model.minimise_measure())
            model.add_cost()
            program = model.linked()
            least = max(least, relaxed(program, range(len(program.upper)), _left(deadline)).bound or 0.0)
        if not least and now() < deadline:
            least = master.tighten(min(now() + _LAST_S, deadline), measure, 0.0, whole=False)[1]
        choice = Choice(on, off, 0, bound)
        least = min(least, float(cost))
        return Settled(Outcome.FEASIBLE, choice, Placed(Outcome.FEASIBLE, moving, cost, least), bound, least)

    def _packed(self, part: Component, deadline: float, gap: float, effort: int, known: ComponentAnswer | None
                ) -> ComponentAnswer:
        """By the split program and CP-SAT, from the best answer so far on."""
        model, start = self.program(part, lazily=True), self.site.start
        divisor = model.minimise_measure()
        where = {n: known.placement.get(n, start[n]) for n in part.lpars} if known else None
        proved = known.measure_bound / divisor if known else 0.0
        engines = RestartPack if self.goal.n_plus_1 else SplitPack
        pack = engines(model, self._least(part) / divisor, deadline, gap, _MORE ** effort, where, proved)
        if not self.goal.n_plus_1 and not self.scale.of_places:
            pack.nearby = self._nearby(part, divisor, gap)
        levels = pack.run()
        bound = float(divisor * math.ceil(levels.measure_bound - 1e-6))  # weights are whole
        if levels.best is None:
            settled = Settled(levels.outcome)
            if levels.outcome is Outcome.UNKNOWN:
                settled = self._as_it_is(part, bound)
            return self._part(part, settled, deadline)
        moving = {n: s for n, s in sorted(model.placement(levels.best).items()) if s != start[n]}
        cost = sum(model.candidates.cost[n][s] for n, s in moving.items())
        off = tuple(model.off(levels.best))
        choice = Choice(tuple(s for s in part.servers if s not in off), off, 0, bound)
        placed = Placed(Outcome.FEASIBLE, moving, cost, levels.cost_bound_ms, model.restart(levels.best))
        return self._part(part, Settled(Outcome.FEASIBLE, choice, placed, bound, levels.cost_bound_ms), deadline)

    def _nearby(self, part: Component, divisor: int, gap: float) -> Nearby:
        """Placements by local search, weights as a program of this divisor counts them."""
        master = Master(self.site, part, self.candidates_in(part), self.goal, self.scale)
        placer = Placer(master, gap, self.cuts_in(part))
        return lambda on, most, deadline: placer.nearby(on, most * divisor, deadline)

    def _or_as_it_is(self, number: int, answer: ComponentAnswer) -> ComponentAnswer:
        """The answer of a component; where time was out before there was one, everything stays there."""
        if answer.status is not Status.UNKNOWN:
            return answer
        part = self.components[number]
        return self._part(part, self._as_it_is(part, answer.measure_bound), 0.0)

    def _as_it_is(self, part: Component, bound: float) -> Settled:
        """Everything stays where it is; only what is empty already goes off. Impossible when more must go off."""
        off = () if self.goal.n_plus_1 else self._empty(part, (self.site.start[n] for n in part.lpars))
        if not set(self.goal.off) & set(part.servers) <= set(off):
            return Settled(Outcome.UNKNOWN)
        on = tuple(s for s in part.servers if s not in off)
        measure = sum(self.scale.fixed[s] for s in on)
        choice, placed = Choice(on, off, measure, bound), Placed(Outcome.FEASIBLE)
        if self.goal.n_plus_1:
            placed, failing = self._restarted(part, choice, placed, now() + _LAST_S)
            if failing:
                return Settled(Outcome.UNKNOWN)
        return Settled(Outcome.FEASIBLE, choice, placed, bound, 0.0)

    def _part(self, part: Component, settled: Settled, deadline: float) -> ComponentAnswer:
        """What was found, or why there is nothing."""
        if settled.outcome is Outcome.INFEASIBLE:
            return ComponentAnswer(Status.INFEASIBLE, conflict=self._explain(part, self.program(part), deadline))
        if settled.choice is None or settled.placed is None:
            return ComponentAnswer(Status.UNKNOWN)
        placed = settled.placed
        where = {n: placed.placement.get(n, self.site.start[n]) for n in part.lpars}
        off = settled.choice.off if self.goal.n_plus_1 else self._empty(part, where.values())
        measure = self.scale.beyond((s for s in part.servers if s not in off), where)
        return ComponentAnswer(Status.FEASIBLE, off=off, placement=placed.placement, restart=placed.restart,
                               least=self._least(part), measure=measure,
                               measure_bound=min(settled.measure_bound, float(measure)),
                               cost_ms=placed.cost_ms, cost_bound_ms=settled.cost_bound_ms)

    def _empty(self, part: Component, used: Iterable[str]) -> tuple[str, ...]:
        """The servers that need not stay on, since nothing is there."""
        needed = {*used, *self.goal.keep}
        return tuple(s for s in part.servers if s not in needed)

    def _with_restarts(self, part: Component, master: Master, gap: float) -> Place:
        """Placement and restart places of one set of servers: a placement that knows nothing of restarts bounds the
        cost, and is the answer where every server may fail; else both at once, exactly."""
        placer = Placer(master, gap, self.cuts_in(part))

        def place(choice: Choice, most: int, deadline: float, floor: float, *, quick: bool) -> Placed:
            at = now()
            first = placer(choice, most, at + 0.3 * max(deadline - at, 0.0), floor, quick=False)
            if first.outcome is Outcome.INFEASIBLE:
                return first
            placed, failing = self._restarted(part, choice, first, deadline) if first.found else (first, [])
            if placed.found and not failing:
                return placed
            best = self._spared(part, placer, choice, most, deadline, first.bound_ms)
            if failing and not (quick and best.found):
                placed = self._standing(part, placer, choice, first, failing, most, deadline)
                best = placed if placed.better(best) else best
            if best.found:
                return best
            if self._size(part) > _EXACT_RESTARTS:
                return Placed(Outcome.UNKNOWN, bound_ms=first.bound_ms, cramped=True)
            model = self.program(part, choice)
            if master.loaded:
                model.add_excess(self.scale.excess, most)
            solution = model.solve(deadline, gap)
            if not solution.found:
                heavy = solution.outcome is Outcome.INFEASIBLE and master.loaded and too_heavy(model, deadline)
                return Placed(solution.outcome, bound_ms=first.bound_ms, heavy=heavy)
            whole = self.answer(part, model, solution, choice.measure, 0.0, solution)
            return Placed(Outcome.FEASIBLE, whole.placement, whole.cost_ms, max(whole.cost_bound_ms, first.bound_ms),
                          whole.restart)

        return place

    def _restarting(self, part: Component) -> Restarting:
        return Restarting(self.site, self.targets(part), part.servers, self.goal, self.scale)

    def _restarted(self, part: Component, choice: Choice, placed: Placed, deadline: float
                   ) -> tuple[Placed, list[str]]:
        """A placement with a place to restart for the LPARs of every server, and the servers for which there is none
        that was found."""
        where = {n: placed.placement.get(n, self.site.start[n]) for n in part.lpars}
        restart, failing = self._restarting(part).of(where, choice.on, part.servers, deadline)
        return replace(placed, restart=restart), failing

    def _spared(self, part: Component, placer: Placer, choice: Choice, most: int, deadline: float, bound: float
                ) -> Placed:
        """A placement on these servers but the largest, which stays empty for all others."""
        for spare in sorted(choice.on, key=lambda s: (-self.site.limit(s).units, s))[:_SPARES]:
            others = replace(choice, on=tuple(s for s in choice.on if s != spare), off=(*choice.off, spare))
            found = placer(others, most, now() + _OF_SPARE * max(deadline - now(), 0.0), 0.0, quick=False)
            if found.found:
                placed, failing = self._restarted(part, choice, replace(found, bound_ms=bound), deadline)
                if not failing:
                    return placed
        return Placed(Outcome.UNKNOWN, bound_ms=bound)

    def _standing(self, part: Component, placer: Placer, choice: Choice, first: Placed, failing: Sequence[str],
                  most: int, deadline: float) -> Placed:
        """A placement on these servers that stands failures which another one does not."""
        model = self.program(part, choice, lazily=True)
        if placer.master.loaded:
            model.add_excess(self.scale.excess, most)
        model.minimise_measure()
        model.add_cost()
        where = {n: first.placement.get(n, self.site.start[n]) for n in part.lpars}
        found = RestartPack(model, 0.0, deadline, placer.gap, 1.0).stood(model.standing(where), failing, first.bound_ms)
        if not found.found:
            return Placed(Outcome.UNKNOWN, bound_ms=first.bound_ms)
        moving = {n: s for n, s in sorted(model.placement(found).items()) if s != self.site.start[n]}
        cost = sum(model.candidates.cost[n][s] for n, s in moving.items())
        return Placed(Outcome.FEASIBLE, moving, cost, min(first.bound_ms, float(cost)), model.restart(found))

    def cuts_in(self, part: Component) -> list[Mapping[str, str]]:
        cuts = [{n: s for n, s in cut.items() if n in part.lpars} for cut in self.cuts]
        return [cut for cut in cuts if cut]

    def _asked(self, choice: Choice | None) -> Consolidate:
        """The question, with the servers that stay on as they were chosen."""
        return self.goal if choice is None else self.goal.replace(keep=choice.on, off=choice.off)

    def program(self, part: Component, choice: Choice | None = None, *, lazily: bool = False) -> ConsolidationProgram:
        """The exact program of a component, cuts included; with a ``choice`` of the servers that stay on. ``lazily``:
        for N+1 failures are written out as they are needed."""
        what = self.site, self.candidates_in(part), part.servers, self._asked(choice), self.scale
        if lazily and self.goal.n_plus_1:
            model: ConsolidationProgram = RestartProgram(*what, self.targets(part))
        else:
            model = ConsolidationProgram(*what, self.restarts(part) if self.goal.n_plus_1 else None)
        for cut in self.cuts_in(part):
            model.add_cut(cut)
        model.fill_fullest_slots(_SLOTS)
        return model

    def _exact(self, part: Component, deadline: float, gap: float) -> ComponentAnswer:
        """Both levels by the whole program, one after the other."""
        model = self.program(part)
        divisor = model.minimise_measure()
        first = model.solve(now() + 0.6 * _left(deadline), gap)
        if first.outcome is Outcome.INFEASIBLE:
            return ComponentAnswer(Status.INFEASIBLE, conflict=self._explain(part, model, deadline))
        if not first.found or first.objective is None:
            return ComponentAnswer(Status.UNKNOWN)
        model.add_measure(first.objective)
        model.add_cost()
        second = model.solve(deadline, gap, known=first.values)
        best = second if second.found else first
        surer = surest(model, best.values, partial(assumed_of, self.site, self.judge, come_back=self.goal.come_back))
        best = replace(best, values=tuple(surer))
        bound = divisor * (first.bound if first.bound is not None else 0.0)
        if first.outcome is Outcome.OPTIMAL and gap == 0:
            bound = divisor * first.objective
        return self.answer(part, model, best, divisor * first.objective, bound, second)

    def answer(self, part: Component, model: ConsolidationProgram, best: Solution, measure: int, bound: float,
               second: Solution) -> ComponentAnswer:
        """A part from a solution of the whole program."""
        placement = model.placement(best)
        moving = {n: s for n, s in sorted(placement.items()) if s != self.site.start[n]}
        cost = sum(model.candidates.cost[n][s] for n, s in moving.items())
        cost_bound = min(float(cost), second.bound or 0.0) if second.found else 0.0
        return ComponentAnswer(
            Status.FEASIBLE, off=tuple(model.off(best)), placement=moving, restart=model.restart(best),
            least=self._least(part), measure=measure, measure_bound=min(float(measure), bound), cost_ms=cost,
            cost_bound_ms=cost_bound)

    # ---- why not ----------------------------------------------------------------------------------------------------

    def _explain(self, part: Component, model: ConsolidationProgram, deadline: float) -> Conflict:
        """Which failures, servers and LPARs conflict, when what was asked for is impossible."""
        stranded = self._stranded(part) if self.goal.n_plus_1 else {}
        if stranded:
            return stranded_conflict(stranded)
        model.program.minimise({})
        rows, complete = reduced(model, max(deadline, now() + 5.0))
        failing = sorted({t.subject for t in rows if t.family == "availability"})
        asked = sorted(t.subject for t in rows if t.family == "goal")
        lpars = tuple(sorted(t.subject for t in rows if t.rule == ONE_PLACE))
        rules = tuple(dict.fromkeys(t.rule for t in rows if t.rule not in (ONE_PLACE, "on")))
        what = (f"the failure of {', '.join(failing)} cannot be absorbed by the servers that may stay on" if failing
                else f"{', '.join(asked)} cannot go off beside what else must hold")
        lifts = [*(f"let {s} stay on" for s in asked), *([] if not failing else ["ask without --n-plus-1"])]
        refused = {n: refusals_of(self.judge, n, [s for s in self.site.servers if s != self.site.start[n]],
                                  come_back=self.goal.come_back) for n in lpars}
        return Conflict(what, lpars, tuple(failing or asked), rules, either(lifts), irreducible=complete,
                        unstated=unproved(refused))

    def _stranded(self, part: Component) -> dict[str, dict[str, Sequence[Finding]]]:
        """LPARs that may restart nowhere, whatever server they end on; with the refusals at home."""
        out: dict[str, dict[str, Sequence[Finding]]] = {}
        for n in part.lpars:
            home = self.site.start[n]
            places = self.candidates.cost.get(n, {home: 0})
            if not any(self.judge.restartable(n, s, t) for s in places for t in self.site.servers if t != s):
                out[n] = {t: self.judge.restart_refusals(n, home, t) for t in self.site.servers if t != home}
        return out


def stranded_conflict(refusals: Refused) -> Conflict:
    """N+1 is impossible since these LPARs can be started on no other server."""
    names = tuple(refusals)
    rules = dict.fromkeys(f.rule for by_server in refusals.values() for why in by_server.values() for f in why)
    what = (f"{names[0]} could be started on no other server when its own fails" if len(names) == 1 else
            f"{len(names)} LPARs could be started on no other server when their own fails")
    return Conflict(what, names, tuple(sorted({s for b in refusals.values() for s in b})), tuple(rules),
                    ("mend what the reasons name", "or ask without --n-plus-1"), reasons_of(refusals),
                    irreducible=len(names) == 1)


def _left(deadline: float) -> float:
    return max(deadline - now(), 0.05)


def _better(answer: ComponentAnswer, before: ComponentAnswer | None, gap: float) -> ComponentAnswer:
    """Which answer stands, with all that is proved: the lighter does; of two within the gap the one that is nearer its
    bound of the cost."""
    if before is None or before.status is not Status.FEASIBLE or answer.status is Status.INFEASIBLE:
        return answer
    if answer.status is not Status.FEASIBLE:
        return before
    first, second = answer, before
    if abs(answer.measure - before.measure) > gap * before.measure:
        first, second = sorted((answer, before), key=lambda a: a.measure)
    elif answer.cost_ms - answer.cost_bound_ms >= before.cost_ms - before.cost_bound_ms:
        first, second = before, answer
    cost_bound = first.cost_bound_ms
    if first.measure <= second.measure:
        cost_bound = min(max(cost_bound, second.cost_bound_ms), float(first.cost_ms))
    return replace(first, measure_bound=min(max(answer.measure_bound, before.measure_bound), float(first.measure)),
                   cost_bound_ms=cost_bound)


def _ahead(least: int, gap: float, answer: ComponentAnswer) -> tuple[int, int]:
    """Answers in the order in which a search is to begin from them: of those within the gap of the least measure the
    cheapest, then the lightest."""
    return (0, answer.cost_ms) if answer.measure <= least * (1 + gap) else (answer.measure, 0)
