"""The traps of solvers and of PuLP: each once seen, none to be seen again."""

from __future__ import annotations

import os
import sys
import time
from random import Random
from typing import Any

import pytest
from estates import BASE, answer
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.optimise import solver
from planner.optimise.program import Outcome, Program, Tag
from planner.optimise.solver import highs_options, solve
from planner.plan.choices import Status


def knapsack(values: list[int], weights: list[int], room: int) -> Program:
    """As a minimisation: the most valuable of what fits."""
    program = Program()
    items = [program.variable() for _ in values]
    program.at_most(dict(zip(items, weights, strict=True)), room, Tag("room"))
    program.minimise({i: -v for i, v in zip(items, values, strict=True)})
    return program


def market_split(rows: int = 4, columns: int = 30) -> Program:
    """Hard for its size (Cornuéjols and Dawande 1998), with slack so that any choice is a solution."""
    rng, program = Random(3), Program()
    items = [program.variable() for _ in range(columns)]
    slacks = []
    for _ in range(rows):
        weights = [rng.randrange(100) for _ in range(columns)]
        over, under = program.variable(10_000), program.variable(10_000)
        program.equals({**dict(zip(items, weights, strict=True)), over: -1, under: 1}, sum(weights) // 2, Tag("split"))
        slacks += [over, under]
    program.minimise(dict.fromkeys(slacks, 1))
    return program


def exact_split() -> Program:
    """The same without slack: a solution is next to impossible to find, and so is the proof that there is none."""
    program = market_split(6, 50)
    program.rows = [type(r)({i: c for i, c in r.terms.items() if i < 50}, r.rhs, True, r.tag) for r in program.rows]
    program.minimise({0: 1})
    return program


def test_highs_knows_every_option_by_name_and_value() -> None:
    """PuLP passes misspelt options on in silence, and HiGHS then goes on with its defaults."""
    import highspy

    for name, value in highs_options(1.5, 0.01, 7).items():
        made = highspy.Highs()
        made.setOptionValue("output_flag", False)
        assert made.setOptionValue(name, value) == highspy.HighsStatus.kOk, name
        assert made.getOptionValue(name)[1] == value
    assert highspy.Highs().setOptionValue("mip_relgap", 0.1) == highspy.HighsStatus.kError


def test_highs_is_recent_enough() -> None:
    """1.14.0 returned wrong optima."""
    from importlib.metadata import version

    assert tuple(map(int, version("highspy").split(".")[:3])) >= (1, 15, 1)


def test_a_proved_optimum_is_called_optimal_with_its_bound() -> None:
    found = solve(knapsack([60, 100, 120], [10, 20, 30], 50), 10)
    assert (found.outcome, found.values, found.objective, found.bound) == (Outcome.OPTIMAL, (0, 1, 1), -220, -220)


def test_a_time_limit_with_a_solution_is_feasible_and_never_optimal() -> None:
    """PuLP calls this Optimal."""
    program = market_split()
    found = solve(program, 0.7)
    assert found.outcome is Outcome.FEASIBLE and found.found
    assert program.holds(found.values) and found.objective == program.value(found.values)
    assert found.bound is not None and found.objective is not None and found.bound < found.objective


def test_a_time_limit_without_a_solution_is_unknown_and_has_no_values() -> None:
    program = exact_split()
    found = solve(program, 0.3)
    assert found.outcome is Outcome.UNKNOWN and found.values == () and found.objective is None and not found.found


def test_a_node_limit_keeps_the_known_solution() -> None:
    """PuLP raises KeyError for a node limit."""
    program = market_split()
    items = [0] * 30
    rest = []
    for row in program.rows:
        short = row.rhs - sum(row.terms[i] * items[i] for i in range(30) if i in row.terms)
        rest += [max(0, -short), max(0, short)]
    known = [*items, *rest]
    assert program.holds(known)
    found = solve(program, 20, 0.0, 1, known)
    assert found.outcome is Outcome.FEASIBLE and found.solver == "highs"
    assert found.objective is not None and found.objective <= program.value(known)


def test_a_node_limit_without_a_solution_does_not_ask_cbc_for_all_the_time_that_is_left() -> None:
    program = exact_split()
    started = time.monotonic()
    found = solve(program, 30, 0.0, 1)
    assert found.outcome is Outcome.UNKNOWN and found.solver == "highs-limit"
    assert time.monotonic() - started < 10


def test_an_infeasible_program_leaves_no_values() -> None:
    """PuLP leaves 0.0 in its variables."""
    program = Program()
    x, y = program.variable(), program.variable()
    program.at_most({x: -1, y: -1}, -1, Tag("one"))
    program.at_most({x: 3, y: 5}, 2, Tag("room"))
    program.minimise({x: 1})
    found = solve(program, 5)
    assert (found.outcome, found.values, found.objective, found.found) == (Outcome.INFEASIBLE, (), None, False)


def test_an_empty_row_that_cannot_hold_is_infeasible_and_one_that_can_is_nothing() -> None:
    program = Program()
    x = program.variable()
    program.at_most({x: 0}, 0, Tag("nothing"))
    program.minimise({x: -1})
    assert solve(program, 5).values == (1,)
    program.equals({}, 1, Tag("never"))
    assert solve(program, 5).outcome is Outcome.INFEASIBLE


def test_a_program_without_variables_is_solved() -> None:
    found = solve(Program(), 5)
    assert (found.outcome, found.values, found.objective) == (Outcome.OPTIMAL, (), 0)


def test_variables_in_no_row_and_no_objective_are_zero() -> None:
    program = Program()
    idle, x, also_idle = program.variable(), program.variable(), program.variable(5)
    program.at_most({x: -1}, -1, Tag("must"))
    program.minimise({x: 1})
    found = solve(program, 5)
    assert found.values == (0, 1, 0) and idle == 0 and also_idle == 2


def test_rows_are_divided_by_their_common_divisor_and_remember_what_was_stated() -> None:
    program = Program()
    x, y = program.variable(), program.variable()
    program.at_most({x: 4096, y: 8192}, 10_000, Tag("room"))
    (row,) = program.rows
    assert (row.terms, row.rhs) == ({x: 1, y: 2}, 2)
    assert row.stated == ({x: 4096, y: 8192}, 10_000)
    program.at_most({x: 4, y: 6}, -7, Tag("below"))
    assert program.rows[1].rhs == -4 and program.rows[1].stated == ({x: 4, y: 6}, -7)


@settings(max_examples=portion(60))
@given(st.lists(st.tuples(st.integers(1, 9000), st.integers(1, 70_000)), min_size=1, max_size=9),
       st.integers(0, 200_000))
def test_knapsacks_agree_with_enumeration(items: list[tuple[int, int]], room: int) -> None:
    values, weights = [v for v, _ in items], [w for _, w in items]
    best = max(sum(v for k, v in enumerate(values) if n >> k & 1) for n in range(1 << len(items))
               if sum(w for k, w in enumerate(weights) if n >> k & 1) <= room)
    assert solve(knapsack(values, weights, room), 10).objective == -best


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """HiGHS prints a banner when it is made; plan output on stdout must stay clean."""
    print("before")
    answer(BASE, "A")
    solve(market_split(), 0.3)
    os.write(1, b"after\n")
    sys.stdout.flush()
    told = capfd.readouterr()
    assert sorted(told.out.split()) == ["after", "before"] and told.err == ""


@pytest.fixture
def no_highs(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("no HiGHS here")

    monkeypatch.setattr(solver, "_run_highs", fail)


def test_cbc_answers_when_highs_fails(no_highs: None, capfd: pytest.CaptureFixture[str]) -> None:
    found = solve(knapsack([60, 100, 120], [10, 20, 30], 50), 20)
    assert (found.outcome, found.values, found.objective, found.solver) == (Outcome.OPTIMAL, (0, 1, 1), -220, "cbc")
    program = Program()
    x = program.variable()
    program.at_most({x: 2}, 1, Tag("half"))
    program.at_most({x: -1}, -1, Tag("whole"))
    assert (solve(program, 20).outcome, solve(program, 20).values) == (Outcome.INFEASIBLE, ())
    told = capfd.readouterr()
    assert told.out == told.err == ""


def test_a_whole_evacuation_on_cbc_costs_the_same(no_highs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    by_cbc = answer(BASE, "A")
    monkeypatch.undo()
    by_highs = answer(BASE, "A")
    assert by_cbc.status is by_highs.status is Status.OPTIMAL and by_cbc.objective_ms == by_highs.objective_ms


def test_cbc_out_of_time_with_a_solution_is_feasible_without_a_bound(no_highs: None) -> None:
    program = market_split()
    found = solve(program, 2)
    assert found.outcome is not Outcome.OPTIMAL
    if found.found:
        assert found.outcome is Outcome.FEASIBLE and found.bound is None and program.holds(found.values)


def test_neither_solver_is_unknown(no_highs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import pulp

    monkeypatch.setattr(pulp.PULP_CBC_CMD, "actualSolve", lambda *_, **__: 1 / 0)
    found = solve(knapsack([1], [1], 1), 5)
    assert found.outcome is Outcome.UNKNOWN and found.values == ()


def test_a_solution_that_is_not_exact_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    program = knapsack([60, 100, 120], [10, 20, 30], 50)
    run = solver._run_highs
    monkeypatch.setattr(solver, "_run_highs", lambda *a: (run(*a)[0], [1.0, 1.0, 1.0]))
    monkeypatch.setattr(solver, "_cbc", lambda *_: solver.Solution(Outcome.UNKNOWN, solver="none"))
    assert solve(program, 5).outcome is Outcome.UNKNOWN


def test_an_optimum_far_above_its_own_bound_is_asked_again_and_else_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by a reader: HiGHS 1.16 called a start solution optimal with objective 83492 and dual bound 0."""
    from planner.optimise import solver

    program = solver.Program()
    program.minimise({program.variable(): 5})
    claimed = solver.Solution(solver.Outcome.OPTIMAL, (1,), 5, 0.0, "highs")
    true = solver.Solution(solver.Outcome.OPTIMAL, (0,), 0, 0.0, "highs")
    monkeypatch.setattr(solver, "_highs", lambda p, t, g, n, known=(): claimed if known else true)
    assert solve(program, 10, known=(1,)) == true
    monkeypatch.setattr(solver, "_highs", lambda p, t, g, n, known=(): claimed)
    assert solve(program, 10, known=(1,)).outcome is solve(program, 10).outcome is solver.Outcome.FEASIBLE


def test_a_relaxation_bounds_its_program_from_below_and_splits_what_it_may() -> None:
    """3x + 2y ≥ 5 at 5x + 3y: split y = 2.5 costs 7.5; with y whole y = 2, x = 1/3 cost 7 2/3; whole 8."""
    from planner.optimise.solver import relaxed

    program = Program()
    x, y = program.variable(5), program.variable(5)
    program.at_most({x: -3, y: -2}, -5, Tag("a"))
    program.minimise({x: 5, y: 3})
    assert solve(program, 5).objective == 8
    split, mixed = relaxed(program, (x, y), 5), relaxed(program, (x,), 5)
    assert split.bound == pytest.approx(7.5, abs=1e-4) and split.values[y] == pytest.approx(2.5)
    assert mixed.bound == pytest.approx(23 / 3, abs=1e-4) and mixed.values[y] == pytest.approx(2)
    program.at_most({x: 1, y: 1}, 1, Tag("c"))
    assert relaxed(program, (x, y), 5).outcome is Outcome.INFEASIBLE
