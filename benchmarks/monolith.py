"""A consolidation as one program, given whole to a solver: the baseline that taking it apart is compared with.

The rows are those of :class:`ConsolidationProgram` over all servers at once: x (LPAR on server), on (server), one place
for each LPAR, processors, memory, pools, groups. Only the measure is made least, the first of the planner's levels.
Objectives and bounds are in the measure's unit (W, servers, cores) and hold what the LPARs weigh wherever they run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from planner.estate.model import Estate
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.consolidation_program import ConsolidationProgram
from planner.optimise.measure import scale_of
from planner.optimise.solver import solve
from planner.plan.choices import Measure
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site

CORES = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a solver had after ``seconds``; without a solution ``objective`` is None."""

    status: str
    objective: float | None
    bound: float | None
    seconds: float

    @property
    def gap(self) -> float | None:
        """(objective − bound) / objective."""
        if self.objective is None or self.bound is None:
            return None
        return max(0.0, (self.objective - self.bound) / self.objective) if self.objective else 0.0


class Whole:
    """The whole program of an estate, built once."""

    def __init__(self, estate: Estate, measure: Measure) -> None:
        site = Site(estate)
        goal = Consolidate(measure=measure)
        problem = ConsolidationProblem(site, Judge(site), goal, scale_of(site, measure))
        self.site, self.scale = site, problem.scale
        self.model = ConsolidationProgram(site, problem.candidates, list(site.servers), goal, self.scale)
        self.divisor = self.model.minimise_measure()
        self.program = self.model.program

    @property
    def size(self) -> str:
        """Variables, rows and non-zeros."""
        p = self.program
        return f"{len(p.upper):,} variables, {len(p.rows):,} rows, {p.size:,} non-zeros"

    def measured(self, value: float) -> float:
        """The program's objective in the measure's unit."""
        return (self.scale.base + self.divisor * value) / self.scale.factor

    def attempt(self, status: str, objective: float | None, bound: float | None, seconds: float) -> Attempt:
        """In the measure's unit; a bound is at least what the LPARs weigh."""
        least = self.measured(max(bound or 0.0, 0.0))
        return Attempt(status, None if objective is None else self.measured(objective), least, seconds)

    def by_highs(self, time_limit: float) -> Attempt:
        """HiGHS as the planner calls it, one thread."""
        started = time.perf_counter()
        found = solve(self.program, time_limit)
        return self.attempt(found.outcome.value, found.objective, found.bound, time.perf_counter() - started)

    def by_cp_sat(self, time_limit: float, target: float | None = None) -> Attempt:
        """CP-SAT with two workers; the time is the solver's alone. It stops where its bound reaches ``target``."""
        from ortools.sat.python import cp_model

        model, variables = self._cp_model()
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = time_limit
        solver.parameters.num_workers = CORES
        if target is not None:
            reached = (target * self.scale.factor - self.scale.base) / self.divisor
            solver.best_bound_callback = lambda bound: solver.stop_search() if bound >= reached - 1e-6 else None
        started = time.perf_counter()
        status = solver.status_name(solver.solve(model)).lower()
        seconds = time.perf_counter() - started
        values = [solver.value(v) for v in variables] if status in ("optimal", "feasible") else []
        objective = self.program.value(values) if values and self.program.holds(values) else None
        return self.attempt(status, objective, solver.best_objective_bound, seconds)

    def _cp_model(self) -> tuple[Any, list[Any]]:
        from ortools.sat.python import cp_model

        model = cp_model.CpModel()
        variables = [model.new_int_var(0, upper, f"v{i}") for i, upper in enumerate(self.program.upper)]
        for row in self.program.rows:
            total = cp_model.LinearExpr.weighted_sum([variables[i] for i in row.terms], list(row.terms.values()))
            model.add(total == row.rhs if row.equal else total <= row.rhs)
        terms = self.program.objective
        model.minimize(cp_model.LinearExpr.weighted_sum([variables[i] for i in terms], list(terms.values())))
        return model, variables
