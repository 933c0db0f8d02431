"""The staged solve: with few LPARs first, with all that may move when that is not proved, then balanced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from planner.optimise.conflict import of_program, with_gaps
from planner.optimise.heuristics.search import searched, surest
from planner.optimise.placement import Candidates, PlacementProgram, assumed_of
from planner.optimise.program import Outcome, Solution, near
from planner.plan.choices import Status
from planner.plan.details import Conflict
from planner.rules import Judge, Site
from planner.stopwatch import now

_BALANCE_NODES, _BALANCE_GAP, _BALANCE_VARIABLES = 100, 0.02, 4000
"""Balancing is bounded by nodes rather than time, so that the answer does not hang on the machine's speed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Where everything ends. ``objective_ms`` and ``bound_ms``: cost in ms; ``placement``: only LPARs that move."""

    status: Status
    placement: Mapping[str, str]
    objective_ms: int | None = None
    bound_ms: float | None = None
    conflict: Conflict | None = None


class StagedProblem:
    """A placement question that is solved in stages; ``cuts`` are placements not to be given again."""

    first_share = 0.5
    """Share of the time for the narrow stage: what is left is for opening up more."""
    balances, balances_cheapest = True, True
    """Whether answers are balanced; and only among the cheapest places where every LPAR has one of its own."""
    narrow: Candidates
    """The LPARs that the question is about, and where they may end."""

    def __init__(self, site: Site, judge: Judge, *, come_back: bool = False) -> None:
        self.site, self.judge, self.come_back = site, judge, come_back
        self.cuts: list[Mapping[str, str]] = []

    @cached_property
    def wide(self) -> Candidates:
        """The candidates with the other LPARs that may make room."""
        raise NotImplementedError

    def model(self, candidates: Candidates) -> PlacementProgram:
        """The program over these candidates, without cuts."""
        raise NotImplementedError

    def explain(self, model: PlacementProgram, deadline: float) -> Conflict | None:
        return with_gaps(of_program(model, deadline), self)

    def cut_of(self, placement: Mapping[str, str]) -> dict[str, str]:
        """What of a placement must not come again: that of the LPARs that the question is not about."""
        return {n: s for n, s in placement.items() if n not in self.narrow.cost}

    def refuse(self, answer: Answer) -> bool:
        """Never answer like this again; False when the question leaves nothing else to be tried."""
        self.cuts.append(self.cut_of(answer.placement))
        return bool(self.cuts[-1])

    def program(self, candidates: Candidates) -> PlacementProgram:
        """The program over these candidates, cuts included."""
        model, start = self.model(candidates), self.site.start
        for cut in self.cuts:
            if all(n in candidates.cost or s == start[n] for n, s in cut.items()):
                model.add_cut({n: s for n, s in cut.items() if n in candidates.cost})
        return model

    def staged(self, bound: float, deadline: float, gap: float) -> Answer:
        """The cheapest placement that can be had; ``bound``: no placement costs less."""
        first, at = self.program(self.narrow), now()
        early = _solved(first, at + self.first_share * (deadline - at), gap)
        if early.objective is not None and near(early.objective, bound, gap):
            return self._answer(first, early, Status.OPTIMAL, bound, deadline)
        model, solution = first, early
        if len(self.wide.cost) > len(self.narrow.cost):
            model = self.program(self.wide)
            solution = _solved(model, deadline, gap)
        if solution.outcome is Outcome.INFEASIBLE and not self.cuts:
            return Answer(Status.INFEASIBLE, {}, conflict=self.explain(model, deadline))
        proved = bound if self.cuts else max(bound, solution.bound or 0.0)
        solved = [(s.objective, m, s) for m, s in ((first, early), (model, solution)) if s.objective is not None]
        if not solved:
            return Answer(Status.UNKNOWN, {}, bound_ms=proved)
        cost, best, chosen = min(solved, key=lambda f: f[0])
        status = Status.OPTIMAL if near(cost, proved, gap) and not self.cuts else Status.FEASIBLE
        return self._answer(best, chosen, status, min(proved, cost), deadline)

    def _answer(self, model: PlacementProgram, solution: Solution, status: Status, bound: float,
                deadline: float) -> Answer:
        placement = model.placement(solution)
        if self.balances:
            placement = self._balanced(model, solution, placement, deadline)
        placement = self._surest(model, solution, placement)
        moving = {n: s for n, s in sorted(placement.items()) if s != self.site.start[n]}
        return Answer(status, moving, sum(model.candidates.cost[n][s] for n, s in placement.items()), bound)

    def _surest(self, model: PlacementProgram, solution: Solution, placement: dict[str, str]) -> dict[str, str]:
        """Of the same cost a placement that takes less for granted: before all balance, and without a claim."""
        values = [int(placement.get(n) == s) for n, s in model.x]
        found = surest(model, [*values, *solution.values[len(values):]],
                       partial(assumed_of, self.site, self.judge, come_back=self.come_back))
        return {n: s for (n, s), i in model.x.items() if found[i] == 1}

    def _balanced(self, model: PlacementProgram, solution: Solution, best: dict[str, str], deadline: float
                  ) -> dict[str, str]:
        """Among placements of the same cost one that fills no server more than it must (last in the order of aims)."""
        cost, candidates = solution.objective or 0, model.candidates
        if self.balances_cheapest and cost == candidates.bound():
            candidates = candidates.only_cheapest()
        choices = [places for places in candidates.cost.values() if len(places) > 1]
        if not choices or len(model.x) > _BALANCE_VARIABLES or deadline - now() < 1:
            return best
        even = self.program(candidates)
        even.program.title += ", balanced"
        if candidates is model.candidates:
            even.add_cost_limit(cost)
        rest = solution.values[len(model.x):]
        known = [int(best.get(n) == s) for n, s in even.x] + [*rest, even.add_balance(best)]
        for place, slots in sorted(model.slots.items(), key=str):
            for slot in sorted(slots):
                even.add_slot(*place, slot)
        answer = even.solve(deadline, _BALANCE_GAP, _BALANCE_NODES, known)
        placement = even.placement(answer) if answer.found else best
        return placement if sum(candidates.cost[n][s] for n, s in placement.items()) == cost else best


def _solved(model: PlacementProgram, deadline: float, gap: float) -> Solution:
    """By the solver, else by local search (not given to HiGHS to start from: on tight estates that made it slower)."""
    solution = model.solve(deadline, gap)
    return searched(model, solution) if solution.outcome is Outcome.UNKNOWN else solution
