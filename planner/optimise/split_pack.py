"""One component by two engines: which servers stay on while LPARs may be split, then who fits on them.

HiGHS solves the program with servers whole and LPARs split, a row "LPAR on server ≤ server on" for every pair: its
bound is nearly tight, and it chooses the servers. CP-SAT packs the LPARs on them, by all rows of the whole program; a
set that cannot be packed comes back as a cut. Local search comes before it: where room is scarce that finds in
hundredths of a second what CP-SAT does not. Then the fewest seconds of moves under a ceiling on the measure: set by
set, the cheapest with LPARs split first, each with its own bound, and a few servers at a time; then on all. What CP-SAT
may spend is counted in its own work, not by the clock.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import Protocol

from planner.optimise.consolidation_program import ConsolidationProgram
from planner.optimise.large.decomposition import FINEST, OF_GAP
from planner.optimise.program import CUT, Outcome, Program, Solution, Tag, near
from planner.optimise.solver import Effort, decided, relaxed
from planner.stopwatch import now

_SETS, _COST_SETS = 40, 8
"""Sets that are tried before the whole program is asked: for what they weigh; and for what their moves cost."""
_WINDOWS, _WORK_EACH, _TIMES = (3, 4), 0.04, 2
"""Servers that are placed anew at a time; CP-SAT's work for each; and for each server such windows in a pass."""
_PACKING, _MOVING, _WHOLE = 1.0, 1.5, 1.5
"""Work of CP-SAT for one set's packing, for its moves, and for both on all sets; times the effort that is asked for."""
_SPLIT_GAP = 0.125
"""Gap of the split program, as a share of the gap that is asked for."""
_SPLIT_SHARE = 0.3
"""Of the time that is left, what a split program may take."""
SET, _TRIED = Tag("set"), Tag("tried")
_WHOLE_VALUE = 0.99
"""An LPAR that is split no more than this is likely to end there."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A solution of the whole program and what is proved: ``measure_bound`` in the program's own weights, and
    ``cost_bound_ms`` among all that weigh no more than the solution. INFEASIBLE is proved; UNKNOWN may have a bound."""

    outcome: Outcome
    best: Solution | None = None
    measure_bound: float = 0.0
    cost_bound_ms: float = 0.0


class Nearby(Protocol):
    """Puts LPARs on these servers by local search so that all weighs ``most`` at most, in the program's own weights:
    LPAR → server of those that move, nothing when it finds no placement."""

    def __call__(self, on: Collection[str], most: int, deadline: float) -> Mapping[str, str]: ...


class SplitPack:
    """Both levels of one component. ``base``: what its LPARs weigh whatever is chosen, in the program's weights, which
    counts for the gap; ``effort`` multiplies what CP-SAT may spend; ``known``: where LPARs are in the best answer so
    far; ``bound``: what is proved of the measure."""

    nearby: Nearby | None = None
    """The local search, where there is one."""

    def __init__(self, model: ConsolidationProgram, base: float, deadline: float, gap: float, effort: float,
                 known: Mapping[str, str] | None = None, bound: float = 0.0) -> None:
        self.model, self.base, self.deadline, self.gap, self.effort = model, base, deadline, gap, effort
        self.known, self.bound = known, bound
        self.measure = dict(model.measure)
        self.cuts: list[tuple[list[int], Tag]] = []
        self.sure = True
        """Whether all cuts are proved."""
        self.most, self.settled = 0, False
        """What a placement may weigh, and whether that is settled."""

    @property
    def program(self) -> Program:
        """The whole program, to which rows are added as they are found."""
        return self.model.program

    def run(self) -> Levels:
        """Both levels, as near their bounds as the effort allows."""
        first = self.first()
        if first.best is None:
            return first
        return self.second(first)

    # ---- what stays on ----------------------------------------------------------------------------------------------

    def first(self) -> Levels:
        """Sets from the lightest on, until one can be packed within the gap; then the whole program from there."""
        best, bound = self.remembered(), self.bound
        if bound and self.light(best, bound):
            return Levels(Outcome.FEASIBLE, best, bound)
        likely: dict[int, int] = {}
        for _ in range(_SETS):
            values, least = self.split(self.measure)
            if least == math.inf and self.sure and not self.cuts and best is None:
                return Levels(Outcome.INFEASIBLE)
            bound = max(bound, least) if self.sure and least < math.inf else bound
            if not values or self.light(best, bound) or (best is not None and self.late()):
                break
            likely = likely or self.likely(values)
            found = self.rounded(values, self.ceiling(bound))
            if not self.light(found if found.found else None, bound):
                found = self.on_set(values, _PACKING, 0.25 * self.gap)
            best = self.lighter(best, found)
            if found.found or self.late():
                break
            self.cut(values, sure=found.outcome is Outcome.INFEASIBLE)
        return self.whole(best, bound, likely)

    def whole(self, best: Solution | None, bound: float, likely: Mapping[int, int]) -> Levels:
        """The whole program where the best set is not within the gap of the bound."""
        if not self.light(best, bound) and (best is None or not self.late()):
            wide = self.gap * OF_GAP * (1 + self.base / max(bound, 1.0))
            found = self.decided(_WHOLE, likely if best is None else self.values(best), wide, bound,
                                 thorough=best is not None)
            bound = max(bound, found.bound or 0.0)
            if found.outcome is Outcome.INFEASIBLE and best is None:
                return Levels(Outcome.INFEASIBLE)
            best = self.lighter(best, found)
        return Levels(Outcome.UNKNOWN if best is None else Outcome.FEASIBLE, best, bound)

    def light(self, best: Solution | None, bound: float) -> bool:
        """Whether there is a solution within the gap of a bound."""
        return best is not None and self.weight(best) <= self.ceiling(bound)

    def lighter(self, best: Solution | None, found: Solution) -> Solution | None:
        return found if found.found and (best is None or self.weight(found) < self.weight(best)) else best

    def ceiling(self, bound: float) -> int:
        """What a placement may weigh to be within the gap of a bound."""
        if self.gap == 0:
            return math.ceil(bound - 1e-6)
        return int(bound + max(OF_GAP * self.gap, FINEST) * (bound + self.base))

    # ---- the moves --------------------------------------------------------------------------------------------------

    def second(self, first: Levels) -> Levels:
        """The fewest seconds of moves among what is as light as the first level allows."""
        model, best = self.model, first.best
        if best is None or self.late():
            return first
        self.most, self.settled = max(self.weight(best), self.ceiling(first.measure_bound)), True
        model.add_measure(self.most)
        model.add_cost()
        cost = dict(model.program.objective)
        self.cuts = [(off, tag) for off, tag in self.cuts if tag == CUT]  # a bound may leave out only what is proved
        best = replace(best, objective=model.program.value(best.values))
        best, floor, closed = self.by_sets(best, cost)
        for thorough in (False, True) if self.effort > 1 and not closed else ():
            if self.near(best, floor) or self.late():
                break
            found = self.decided(_WHOLE, self.values(best), self.gap, floor, thorough=thorough)
            best, floor = self.cheaper(best, found), max(floor, found.bound or 0.0)
        return replace(first, best=best, cost_bound_ms=min(floor, float(best.objective or 0)))

    def by_sets(self, best: Solution, cost: Mapping[int, int]) -> tuple[Solution, float, bool]:
        """The cheapest placement on the sets that are the cheapest with LPARs split; a bound of all, which is the least
        of what is proved of each set and of those that were not looked at; and whether those can be left at that."""
        rest, bounds, closed = 0.0, [], False
        for _ in range(min(1 + round(self.effort), _COST_SETS)):
            values, least = self.split(cost)
            rest = max(rest, least)
            closed = self.near(best, rest)
            if not values or closed or self.late():
                break
            best, bound = self.of_set(values, best, rest)
            bounds.append(bound)
            self.cut(values, sure=True)
        self.cuts = [(off, tag) for off, tag in self.cuts if tag == CUT]
        floor = min([rest, *bounds])
        return self.by_windows(best, floor, round(2 * self.effort)), floor, closed

    def of_set(self, values: tuple[float, ...], best: Solution, floor: float) -> tuple[Solution, float]:
        """The best placement so far or one on the servers that are on in these values, and a bound of what those cost:
        infinite where they hold nothing as light."""
        found = self.rounded(values, self.most)
        likely = self.values(found) if found.found else self.likely(values)
        best = self.cheaper(best, self.by_windows(found, floor, 1) if found.found else found)
        if self.near(best, floor):
            return best, floor
        found = self.on_set(values, _MOVING, 0.25 * self.gap, floor, likely)
        bound = math.inf if found.outcome is Outcome.INFEASIBLE else max(found.bound or 0.0, floor)
        return self.cheaper(best, found), bound

    def by_windows(self, best: Solution, floor: float, passes: int) -> Solution:
        """A placement made cheaper a few of its servers at a time, all else staying, until that gains nothing."""
        random, on = Random(0), [s for s, i in self.model.on.items() if best.values[i]]
        for size in _WINDOWS[:1 + (passes > 1)]:
            windows = list(combinations(on, size))
            for _ in range(passes if len(on) > size else 0):
                before = best.objective
                for window in random.sample(windows, min(len(windows), _TIMES * len(on))):
                    if self.near(best, floor) or self.late():
                        return best
                    best = self.cheaper(best, self.in_window(window, best))
                if best.objective == before:
                    break
        return best

    def in_window(self, window: Collection[str], best: Solution) -> Solution:
        """What is on these servers placed anew among them, all else staying."""
        rows = self.program.rows
        self.add_window(self.program, window, self.model.placement(best))
        try:
            effort = Effort(_WORK_EACH * len(window), max(self.deadline - now(), 0.05))
            found = decided(self.program, effort, 0.1 * self.gap, self.values(best))
            return Solution(Outcome.UNKNOWN) if found.found and self.model.mend(found) else found
        finally:
            self.program.rows = [r for r in rows if r.tag != SET]

    def rounded(self, values: Sequence[float], most: int) -> Solution:
        """A placement by local search on the servers that are on in these values, ``most`` heavy."""
        if self.nearby is None:
            return Solution(Outcome.UNKNOWN)
        start = self.model.site.start
        moving = self.nearby([s for s, i in self.model.on.items() if values[i] > 0.5], most, self.deadline)
        where = {n: moving.get(n, start[n]) for n in self.model.candidates.cost}
        found = self.standing_at(where) if moving else None
        return found if found and not self.model.mend(found) else Solution(Outcome.UNKNOWN)

    def near(self, solution: Solution, floor: float) -> bool:
        return near(solution.objective or 0, floor, self.gap)

    def cheaper(self, best: Solution, found: Solution) -> Solution:
        if not found.found or found.objective is None or best.objective is None:
            return best
        return found if found.objective < best.objective else best

    # ---- engines ----------------------------------------------------------------------------------------------------

    def split(self, objective: Mapping[int, int]) -> tuple[tuple[float, ...], float]:
        """Values of the program with LPARs split, () without any, and a bound of the objective: infinite when there is
        no solution beside the cuts."""
        model, program = self.model, self.model.linked()
        program.objective = dict(objective)
        self.add_cuts(program)
        left = self.deadline - now()
        answer = relaxed(program, {*model.x.values(), *model.z.values()}, max(_SPLIT_SHARE * left, 0.05),
                         _SPLIT_GAP * self.gap)
        if answer.outcome is Outcome.INFEASIBLE:
            return (), math.inf
        return answer.values, max(answer.bound or 0.0, 0.0)

    def add_cuts(self, program: Program) -> None:
        """Of the servers that were off in a set that is cut, one at least is on."""
        for off, tag in self.cuts:
            program.at_most(dict.fromkeys(off, -1), -1, tag)

    def add_set(self, program: Program, values: Sequence[float]) -> None:
        """No servers but those that are on in these values are on; all of them, as long as only what fits counts and
        not what it weighs."""
        for i in self.model.on.values():
            if not self.settled or values[i] < 0.5:
                program.equals({i: 1}, round(values[i]), SET)

    def add_window(self, program: Program, window: Collection[str], where: Mapping[str, str]) -> None:
        """Who is on these servers in this placement stays among them, and everybody else where he is."""
        for (n, s), i in self.model.x.items():
            if where[n] in window and s not in window:
                program.equals({i: 1}, 0, SET)
            elif where[n] not in window and s == where[n]:
                program.equals({i: 1}, 1, SET)

    def on_set(self, values: tuple[float, ...], work: float, gap: float, floor: float = 0.0,
               likely: Mapping[int, int] | None = None) -> Solution:
        """The best placement on the servers that are on in these values; ``likely``: what CP-SAT looks at first."""
        rows = self.program.rows
        self.add_set(self.program, values)
        try:
            return self.decided(work, self.likely(values) if likely is None else likely, gap, floor, thorough=False)
        finally:
            self.program.rows = [r for r in rows if r.tag != SET]

    def decided(self, work: float, likely: Mapping[int, int], gap: float, floor: float, *, thorough: bool) -> Solution:
        """By CP-SAT, until nothing is left to mend."""
        while True:
            effort = Effort(work * self.effort, max(self.deadline - now(), 0.05), thorough)
            solution = decided(self.program, effort, gap, likely, floor)
            if not solution.found or not self.model.mend(solution):
                return solution
            if self.late():
                return Solution(Outcome.UNKNOWN, bound=solution.bound)

    def cut(self, values: Sequence[float], *, sure: bool) -> None:
        """Of the servers that are off in these values one at least is on: less cannot hold what these did not."""
        self.sure = self.sure and sure
        self.cuts.append(([i for i in self.model.on.values() if values[i] < 0.5], CUT if sure else _TRIED))

    # ---- values -----------------------------------------------------------------------------------------------------

    def likely(self, values: tuple[float, ...]) -> dict[int, int]:
        """What of a split solution is likely to stay so: the servers, and LPARs that are whole."""
        out = {i: round(values[i]) for i in self.model.on.values()}
        return out | {i: 1 for i in self.model.x.values() if values[i] > _WHOLE_VALUE}

    def values(self, solution: Solution) -> dict[int, int]:
        return dict(enumerate(solution.values))

    def weight(self, solution: Solution) -> int:
        return sum(c * solution.values[i] for i, c in self.measure.items())

    def remembered(self) -> Solution | None:
        """The best answer so far as a solution of this program; None where there is none or a row denies it."""
        return None if self.known is None or self.model.z else self.standing_at(self.known)

    def standing_at(self, where: Mapping[str, str]) -> Solution | None:
        """A placement as a solution of this program; None where a row denies it."""
        values = self.model.standing(where)
        if not self.program.holds(values):
            return None
        return Solution(Outcome.FEASIBLE, tuple(values), self.program.value(values))

    def late(self) -> bool:
        return now() > self.deadline
