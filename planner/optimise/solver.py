"""The one door to a solver: PuLP on HiGHS, CBC where HiGHS fails; OR-tools' CP-SAT for packings. Large programs are
handed to HiGHS as arrays, because there PuLP's building of the model would take longer than the solver; nothing else
differs.

Variables are named by index (PuLP maps "a b" and "a-b" to one name), everything is minimised (PuLP flips the
bound's sign when maximising), statuses come from the solver's own model status (PuLP calls a time limit with an
incumbent optimal, and raises KeyError for a node limit), values are read only when there is a solution (PuLP leaves
0.0 otherwise), and every solution is checked in exact integers before it is believed.
"""

from __future__ import annotations

import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import highspy
import numpy as np

from planner.optimise.program import Outcome, Program, Solution, arrays, near
from planner.stopwatch import heeding, listening, now

_LATE_S = 0.3
"""Seconds after which HiGHS is stopped that has not seen its own time limit."""
_reader: ContextVar[Callable[[Program], None] | None] = ContextVar("reader", default=None)


@contextmanager
def read_by(reader: Callable[[Program], None]) -> Iterator[None]:
    """Show every program that has a title to ``reader`` before it is solved."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


def is_read() -> bool:
    """Whether somebody reads the programs: then they are solved in this process."""
    return _reader.get() is not None


def _shown(program: Program) -> None:
    reader = _reader.get()
    if reader is not None and program.title:
        reader(program)


def as_text(program: Program, *, mps: bool = False) -> str:
    """A program in the LP or MPS format, by PuLP. Rows and variables have their index and their meaning as a name;
    comments say what letters a name cannot hold."""
    variables = {f"v{i}": " ".join(words) for i, words in enumerate(program.meaning)}
    rows = {f"c{i}": str(row.tag) for i, row in enumerate(program.rows)}
    names = {key: _name(key, meaning) for key, meaning in (variables | rows).items()}
    lost = [f"{names[key]}: {meaning}" for key, meaning in (variables | rows).items()
            if meaning and set(_NO_LETTERS.findall(meaning)) - {" ", ":"}]
    problem, _ = _model(program, names)
    with tempfile.TemporaryDirectory() as where:
        path = Path(where) / "program"
        if mps:
            problem.writeMPS(str(path))
        else:
            problem.writeLP(str(path))
        text = path.read_text(encoding="utf-8")
    comment = "* " if mps else "\\ "
    return "".join(f"{comment}{line}\n" for line in (f"planner: {program.title}", *lost)) + text


_NO_LETTERS = re.compile(r"[^A-Za-z0-9_]")


def _name(key: str, meaning: str) -> str:
    return f"{key}_{_NO_LETTERS.sub('_', meaning)[:80]}" if meaning else key


def solve(program: Program, time_limit: float, gap: float = 0.0, max_nodes: int | None = None,
          known: Sequence[int] = ()) -> Solution:
    """Minimise within ``time_limit`` seconds of wall clock, to a relative ``gap``, from a ``known`` solution.

    OPTIMAL means: proved within ``gap``. Raises nothing for a solver that fails: the outcome is UNKNOWN. With
    ``max_nodes`` only HiGHS is asked, since CBC would not stop there.
    """
    _shown(program)
    if any(not r.terms and (r.rhs != 0 if r.equal else r.rhs < 0) for r in program.rows):
        return Solution(Outcome.INFEASIBLE, solver="presolve")
    if not program.upper:
        return Solution(Outcome.OPTIMAL, (), 0, 0.0, "presolve")
    started = now()
    first = _highs(program, time_limit, gap, max_nodes, known)
    if not _proved(first, gap):
        # HiGHS 1.16 called a start solution optimal whose own dual bound was far below it: ask without one.
        cold = time_limit - (now() - started)
        again = _highs(program, cold, gap, max_nodes) if known and cold > 0 else first
        first = again if _proved(again, gap) else replace(again, outcome=Outcome.FEASIBLE)
    left = time_limit - (now() - started)
    if first.outcome is Outcome.UNKNOWN and first.solver != "highs-limit" and left > 0.5 and max_nodes is None:
        return _cbc(program, left, gap)
    return first


def _proved(solution: Solution, gap: float) -> bool:
    """Whether an optimal solution is as near its bound as the gap asks; one that claims nothing counts as proved."""
    if solution.outcome is not Outcome.OPTIMAL or solution.bound is None or solution.objective is None:
        return True
    return near(solution.objective, solution.bound + 1e-6, gap)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep HiGHS off stdout: from 1.16 on it prints a banner when it is made, before any option can forbid it."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _model(program: Program, names: Mapping[str, str] = MappingProxyType({})) -> tuple[Any, list[Any]]:
    """PuLP's model; rows and variables are named by index but for ``names``."""
    import pulp  # start-up: large programs go to HiGHS as arrays

    problem = pulp.LpProblem("p", pulp.LpMinimize)
    variables = [problem.add_variable(names.get(f"v{i}", f"v{i}"), 0, u, pulp.LpInteger)
                 for i, u in enumerate(program.upper)]
    problem += pulp.LpAffineExpression([(variables[i], c) for i, c in program.objective.items()])
    for number, row in enumerate(program.rows):
        sense = pulp.LpConstraintEQ if row.equal else pulp.LpConstraintLE
        expression = pulp.LpAffineExpression([(variables[i], c) for i, c in row.terms.items()])
        problem.addConstraint(pulp.LpConstraint(expression, sense, names.get(f"c{number}", f"c{number}"), row.rhs))
    return problem, variables


def _run(model: Any, seconds: float) -> None:
    """Run HiGHS, so that it can be stopped where somebody might."""
    model.HandleUserInterrupt = listening()
    heeding(model.run, model.cancelSolve, seconds + _LATE_S)


def _run_arrays(program: Program, options: Mapping[str, Any], known: Sequence[int],
                fractional: Collection[int] = ()) -> tuple[Any, list[float]]:
    """HiGHS's own model after its run, and the values of the variables; built from arrays row by row. Variables are
    whole but for ``fractional`` ones.

    Columns stand as PuLP puts them (those in use, by name), so that HiGHS gets the same model on both ways.
    """
    a = arrays(program)
    used = sorted({*program.objective, *a.index.tolist()}, key=str)
    column = np.zeros(len(program.upper), np.int32)
    column[used] = np.arange(len(used))
    cost = np.array([program.objective.get(i, 0) for i in used], np.float64)
    upper = np.array([program.upper[i] for i in used], np.float64)
    right = a.right.astype(np.float64)
    with _silent():
        made: Any = highspy.Highs
        model = made()
        for name, value in options.items():
            if model.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                raise ValueError(f"HiGHS refuses {name} = {value!r}")
        passed = model.passModel(
            len(used), len(program.rows), len(a.value), int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize), 0.0, cost, np.zeros(len(used)), upper,
            np.where(a.equal, right, -highspy.kHighsInf), right, a.start[:-1].astype(np.int32), column[a.index],
            a.value.astype(np.float64), np.array([int(i not in fractional) for i in used], np.int32))
        if passed == highspy.HighsStatus.kError:
            raise ValueError("HiGHS refuses the model")
        if known:
            start = highspy.HighsSolution()
            start.col_value = [float(known[i]) for i in used]
            model.setSolution(start)
        _run(model, options["time_limit"])
    values = model.getSolution().col_value
    raw = [0.0] * len(program.upper)
    for i, value in zip(used, values, strict=False):
        raw[i] = value
    return model, raw


def _checked(program: Program, outcome: Outcome, raw: Sequence[float | None], bound: float | None,
             solver: str) -> Solution:
    if outcome not in (Outcome.OPTIMAL, Outcome.FEASIBLE):
        return Solution(outcome, solver=solver, bound=bound)
    values = tuple(round(v or 0.0) for v in raw)
    if not program.holds(values):
        return Solution(Outcome.UNKNOWN, solver=f"{solver}-inexact")
    objective = program.value(values)
    if bound is not None and math.isfinite(bound):
        bound = min(bound, float(objective))
    else:
        bound = None
    return Solution(outcome, values, objective, bound, solver)


#: Options are HiGHS's own names: PuLP passes misspelt ones on in silence, so a test asks HiGHS for each.
def highs_options(time_limit: float, gap: float, max_nodes: int | None) -> dict[str, Any]:
    """Options of one HiGHS run. An integer objective is proved once the gap is below 1.

    The tolerance is tight, so that rounded values hold in exact integers: coefficients reach 10⁷.
    """
    options: dict[str, Any] = {"mip_abs_gap": 0.999, "mip_rel_gap": gap, "time_limit": max(time_limit, 0.01),
                               "mip_feasibility_tolerance": 1e-9,
                               "random_seed": 0, "threads": 1, "output_flag": False}
    if max_nodes is not None:
        options["mip_max_nodes"] = max_nodes
    return options


def _run_highs(program: Program, options: Mapping[str, Any], known: Sequence[int]) -> tuple[Any, list[float]]:
    """HiGHS's own model after its run, and the values of the variables; PuLP builds it, unless it is large."""
    if program.large:
        return _run_arrays(program, options, known)
    import pulp  # start-up: large programs go to HiGHS as arrays

    problem, variables = _model(program)
    solver = pulp.HiGHS(msg=False, **options)
    with _silent():
        solver.createAndConfigureSolver(problem)
        solver.buildSolverModel(problem)
        used = problem.variablesDict()
        columns = {v.index: i for i, v in enumerate(variables) if v.name in used}
        if known:
            start = highspy.HighsSolution()
            start.col_value = [float(known[columns[c]]) for c in sorted(columns)]
            problem.solverModel.setSolution(start)
        _run(problem.solverModel, options["time_limit"])
    values = problem.solverModel.getSolution().col_value
    raw = [0.0] * len(variables)
    for column, index in columns.items():
        raw[index] = values[column] if column < len(values) else 0.0
    return problem.solverModel, raw


def _highs(program: Program, time_limit: float, gap: float, max_nodes: int | None,
           known: Sequence[int] = ()) -> Solution:
    try:
        model, raw = _run_highs(program, highs_options(time_limit, gap, max_nodes), known)
        status = model.getModelStatus()
        info = model.getInfo()
    except Exception:  # a broken HiGHS: CBC is asked next
        return Solution(Outcome.UNKNOWN, solver="highs-failed")
    statuses = highspy.HighsModelStatus
    has_solution = info.primal_solution_status == 2
    bound = info.mip_dual_bound
    if status == statuses.kOptimal and has_solution:
        return _checked(program, Outcome.OPTIMAL, raw, bound, "highs")
    if status == statuses.kInfeasible:
        return Solution(Outcome.INFEASIBLE, solver="highs")
    limits = (statuses.kTimeLimit, statuses.kIterationLimit, statuses.kSolutionLimit, statuses.kInterrupt)
    if status in limits and has_solution:
        return _checked(program, Outcome.FEASIBLE, raw, bound, "highs")
    if status in limits:
        return Solution(Outcome.UNKNOWN, bound=bound if math.isfinite(bound) else None, solver="highs-limit")
    return Solution(Outcome.UNKNOWN, solver="highs-failed")


def _cbc(program: Program, time_limit: float, gap: float) -> Solution:
    """CBC reports no bound: without proof the answer is FEASIBLE with none."""
    import pulp  # start-up: HiGHS answers first

    try:
        problem, variables = _model(program)
        problem.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=time_limit, gapRel=gap, threads=1))
    except Exception:  # no CBC either
        return Solution(Outcome.UNKNOWN, solver="cbc-failed")
    raw = [v.varValue for v in variables]
    if problem.status == pulp.LpStatusOptimal and problem.sol_status == pulp.LpSolutionOptimal:
        return _checked(program, Outcome.OPTIMAL, raw, float(program.value([round(v or 0) for v in raw])), "cbc")
    if problem.sol_status == pulp.LpSolutionIntegerFeasible:
        return _checked(program, Outcome.FEASIBLE, raw, None, "cbc")
    if problem.status == pulp.LpStatusInfeasible:
        return Solution(Outcome.INFEASIBLE, solver="cbc")
    return Solution(Outcome.UNKNOWN, solver="cbc")


# ---- relaxations: some variables may be fractional --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A program of which some variables may be fractional: a proved lower ``bound`` (None without one), and values.

    Values are the solver's own, not checked exactly: good for choosing, never for a plan.
    """

    outcome: Outcome
    bound: float | None = None
    values: tuple[float, ...] = ()


RELAXED_OPTIONS = {
    "mip_feasibility_tolerance": 1e-6, "mip_allow_restart": False, "mip_detect_symmetry": False,
    "mip_heuristic_run_rins": False, "mip_heuristic_run_rens": False, "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_run_feasibility_jump": False, "mip_pscost_minreliable": 0}
"""Programs that are mostly fractional: HiGHS spends two thirds of its time on restarts, symmetry and programs within
the program, for nothing."""
_BOUND_SLACK = 1e-7
"""What a bound gives up, relative to itself, for the arithmetic of the solver's linear programs."""


def relaxed(program: Program, fractional: Collection[int], time_limit: float, gap: float = 0.0) -> Relaxed:
    """Minimise with these variables fractional, handed to HiGHS as arrays. A solver that fails gives UNKNOWN.

    Rows are taken as :meth:`Program.at_most` keeps them, rounded for whole variables: a row of fractional variables
    alone must have the right side 0, or coefficients without a common divisor, for the bound to hold for them.
    """
    _shown(program)
    try:
        options = highs_options(time_limit, gap, None) | RELAXED_OPTIONS
        model, raw = _run_arrays(program, options, (), frozenset(fractional))
        status, info, values = model.getModelStatus(), model.getInfo(), tuple(raw)
    except Exception:  # a broken HiGHS
        return Relaxed(Outcome.UNKNOWN)
    whole = len(fractional) == len(program.upper)
    solved = status == highspy.HighsModelStatus.kOptimal
    bound = info.objective_function_value if whole and solved else info.mip_dual_bound
    if status == highspy.HighsModelStatus.kInfeasible:
        return Relaxed(Outcome.INFEASIBLE)
    known = math.isfinite(bound) and (solved or not whole)
    safe = bound - _BOUND_SLACK * abs(bound) if known else None
    if info.primal_solution_status == 2:
        return Relaxed(Outcome.OPTIMAL if solved else Outcome.FEASIBLE, safe, values)
    return Relaxed(Outcome.UNKNOWN, safe)


# ---- packings ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effort:
    """What CP-SAT may spend: ``work``, its own deterministic time (a second of a fast processor, more or less), ends a
    search at the same place on every machine; ``seconds`` of wall clock are for a time limit. ``thorough``: linear
    programs of all rows, for bounds."""

    work: float
    seconds: float
    thorough: bool = False


def decided(program: Program, effort: Effort, gap: float = 0.0, likely: Mapping[int, int] = MappingProxyType({}),
            floor: float = 0.0) -> Solution:
    """Minimise by CP-SAT, one worker and one seed, so that the same program gives the same answer unless wall clock
    ended the search. ``likely``: values to look at first; ``floor``: a proved lower bound.

    OPTIMAL means: proved within ``gap``; a solver that fails gives UNKNOWN.
    """
    try:
        status, raw, bound = _run_cp_sat(program, effort, gap, likely, floor)
    except (OverflowError, ValueError):
        return Solution(Outcome.UNKNOWN, solver="cp-sat-failed")
    outcome = {"OPTIMAL": Outcome.OPTIMAL, "FEASIBLE": Outcome.FEASIBLE,
               "INFEASIBLE": Outcome.INFEASIBLE}.get(status, Outcome.UNKNOWN)
    return _checked(program, outcome, raw, max(bound, floor), "cp-sat")


def _run_cp_sat(program: Program, effort: Effort, gap: float, likely: Mapping[int, int], floor: float
                ) -> tuple[str, list[float | None], float]:
    """Status, values and bound."""
    from ortools.sat.python import cp_model  # start-up: most questions do without

    model = cp_model.CpModel()
    variables = [model.new_int_var(0, upper, "") for upper in program.upper]

    def total(terms: Mapping[int, int]) -> Any:
        return cp_model.LinearExpr.weighted_sum([variables[i] for i in terms], list(terms.values()))

    for row in program.rows:
        model.add(total(row.terms) == row.rhs if row.equal else total(row.terms) <= row.rhs)
    if program.objective:
        model.minimize(total(program.objective))
        if floor > 0:
            model.add(total(program.objective) >= math.ceil(floor - 1e-6))
    for i, value in likely.items():
        model.add_hint(variables[i], value)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers, solver.parameters.random_seed = 1, 0
    solver.parameters.max_deterministic_time = effort.work
    solver.parameters.max_time_in_seconds = max(effort.seconds, 0.01)
    solver.parameters.relative_gap_limit = gap
    solver.parameters.catch_sigint_signal = False
    if effort.thorough:
        solver.parameters.linearization_level = 2
    status = solver.status_name(heeding(lambda: solver.solve(model), solver.stop_search, effort.seconds))
    found = status in ("OPTIMAL", "FEASIBLE")
    raw: list[float | None] = [float(solver.value(v)) for v in variables] if found else []
    bound = solver.best_objective_bound if program.objective else 0.0
    return status, raw, bound if math.isfinite(bound) else 0.0
