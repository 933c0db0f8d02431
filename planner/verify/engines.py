"""The solvers of the proofs: GLOP for multipliers, which are believed in exact arithmetic alone, and CP-SAT. Other ones
than found the answer (HiGHS, by ``optimise/solver.py``) but where that took CP-SAT for a packing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from planner.stopwatch import heeding

_FINEST = 10**9
"""Largest denominator of a multiplier."""


@dataclass(frozen=True, slots=True)
class Bounding:
    """Σ terms ≤ most (or = most) of whole variables from 0 to 1, and which rule says so of whom."""

    rule: str
    subject: str
    terms: Mapping[int, int]
    most: int
    equal: bool = False


@dataclass(slots=True)
class Claimed:
    """What is to be minimised over whole variables from 0 to 1, with a name and a cost each, within rows."""

    names: list[str] = field(default_factory=list)
    cost: list[int] = field(default_factory=list)
    rows: list[Bounding] = field(default_factory=list)

    def variable(self, name: str, cost: int = 0) -> int:
        """A new variable; its index."""
        self.names.append(name)
        self.cost.append(cost)
        return len(self.cost) - 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """Multipliers of rows, at most 0 where a row is no equation. What they prove follows from them by adding up."""

    program: Claimed
    multipliers: Sequence[Fraction]

    def least(self) -> Fraction:
        """No point costs less, in exact arithmetic: Σ multiplier × right side, and of each variable what its cost is
        below Σ multiplier × coefficient."""
        left = [Fraction(c) for c in self.program.cost]
        total = Fraction(0)
        for row, by in zip(self.program.rows, self.multipliers, strict=True):
            total += by * row.most
            for i, c in row.terms.items() if by else ():
                left[i] -= by * c
        return total + sum((min(x, Fraction(0)) for x in left), Fraction(0))

    def used(self) -> Iterator[tuple[Bounding, Fraction]]:
        """The rows that the proof rests on."""
        return ((row, by) for row, by in zip(self.program.rows, self.multipliers, strict=True) if by)

    def as_json(self) -> dict[str, Any]:
        """Everything that another program needs to add it up: multipliers and costs are exact."""
        names = self.program.names
        rows = [{"rule": row.rule, "subject": row.subject, "multiplier": str(by), "most": row.most, "equal": row.equal,
                 "terms": {names[i]: c for i, c in row.terms.items()}} for row, by in self.used()]
        return {"rows": rows, "cost": dict(zip(names, self.program.cost, strict=True)), "least": str(self.least())}


def certificate(program: Claimed, *, impossible: bool = False) -> Certificate:
    """The best multipliers that GLOP finds; ``impossible``: those that show that no point keeps all rows, whose
    ``least`` is above 0 for no cost at all."""
    from ortools.linear_solver import pywraplp  # start-up: a proof that somebody asked for

    solver = pywraplp.Solver.CreateSolver("GLOP")
    x = [solver.NumVar(0, 1, "") for _ in program.cost]
    made = []
    for row in program.rows:
        one = solver.Constraint(row.most if row.equal else -solver.infinity(), row.most)
        for i, c in row.terms.items():
            one.SetCoefficient(x[i], c)
        made.append(one)
    objective = solver.Objective()
    if impossible:
        scale = [max(map(abs, row.terms.values()), default=1) for row in program.rows]
        for one, per in zip(made, scale, strict=True):
            for sign in (1, -1):
                lacking = solver.NumVar(0, solver.infinity(), "")
                one.SetCoefficient(lacking, sign * per)
                objective.SetCoefficient(lacking, 1)
    else:
        for i, c in enumerate(program.cost):
            objective.SetCoefficient(x[i], c)
    objective.SetMinimization()
    solved = solver.Solve() == pywraplp.Solver.OPTIMAL
    by = [Fraction(one.dual_value()).limit_denominator(_FINEST) if solved else Fraction(0) for one in made]
    return Certificate(program, [y if row.equal else min(y, Fraction(0))
                                      for y, row in zip(by, program.rows, strict=True)])


@dataclass(frozen=True, slots=True)
class Searched:
    """What CP-SAT found: the cheapest ``values`` (() without any), the proved ``least`` cost, math.inf where no point
    keeps the rows."""

    values: Sequence[int]
    least: float


def searched(program: Claimed, seconds: float) -> Searched:
    """Minimise by CP-SAT, one worker and one seed, within ``seconds`` of wall clock."""
    from ortools.sat.python import cp_model  # start-up: a proof that somebody asked for

    model = cp_model.CpModel()
    x = [model.new_bool_var("") for _ in program.cost]

    def total(terms: Mapping[int, int]) -> Any:
        return cp_model.LinearExpr.weighted_sum([x[i] for i in terms], list(terms.values()))

    for row in program.rows:
        model.add(total(row.terms) == row.most if row.equal else total(row.terms) <= row.most)
    model.minimize(total({i: c for i, c in enumerate(program.cost) if c}))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers, solver.parameters.random_seed = 1, 0
    solver.parameters.max_time_in_seconds = max(seconds, 0.01)
    solver.parameters.catch_sigint_signal = False
    status = heeding(lambda: solver.solve(model), solver.stop_search, seconds)
    if status == cp_model.INFEASIBLE:
        return Searched((), math.inf)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return Searched([int(solver.value(v)) for v in x] if found else (), solver.best_objective_bound)
