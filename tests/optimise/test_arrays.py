"""Large programs go to HiGHS as arrays: the same model, the same answer, the same exact check."""

from __future__ import annotations

from random import Random

import pytest

from planner.optimise import program as programs
from planner.optimise import solver
from planner.optimise.program import Outcome, Program, Row, Tag
from planner.optimise.solver import solve


def random_program(seed: int, variables: int = 30, rows: int = 14) -> Program:
    """Some of these have no solution; in some a variable is in no row."""
    rng = Random(seed)
    program = Program()
    for _ in range(variables):
        program.variable(rng.choice((1, 1, 1, 5)))
    for number in range(rows):
        chosen = rng.sample(range(variables - 1), rng.randint(0, variables // 2))
        if rng.random() < 0.2:
            program.equals(dict.fromkeys(chosen[:4], 1), rng.randint(0, 2), Tag(f"e{number}"))
        else:
            program.at_most({i: rng.randint(-3, 9) * rng.choice((1, 2, 100)) for i in chosen}, rng.randint(-2, 60), Tag("a"))
    program.minimise({i: rng.randint(-20, 20) for i in range(variables)})
    return program


@pytest.mark.parametrize("seed", range(25))
def test_both_ways_give_the_same_answer(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = random_program(seed)
    monkeypatch.setattr(programs, "ARRAYS_FROM", 10**9)
    by_pulp = solve(program, 10)
    monkeypatch.setattr(programs, "ARRAYS_FROM", -1)
    assert solve(program, 10) == by_pulp
    if by_pulp.found:
        assert solve(program, 10, known=by_pulp.values) == by_pulp


def test_the_programs_of_the_comparison_are_of_both_kinds() -> None:
    outcomes = {solve(random_program(seed), 10).outcome for seed in range(25)}
    assert outcomes == {Outcome.OPTIMAL, Outcome.INFEASIBLE}


@pytest.mark.parametrize("seed", range(25))
def test_the_check_by_arrays_is_the_check_row_by_row(seed: int) -> None:
    program, rng = random_program(seed), Random(seed)
    answer = solve(program, 10)
    trials = [[rng.randint(-1, 5) for _ in program.upper] for _ in range(20)] + [list(answer.values)] * answer.found
    for values in trials:
        slow = all(0 <= v <= u for v, u in zip(values, program.upper, strict=True)) and all(
            r.holds(values) for r in program.rows)
        assert programs._rows_hold(program, values) is slow


def test_numbers_beyond_64_bits_are_checked_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "ARRAYS_FROM", -1)
    program = Program()
    program.variable(3)
    program.at_most({0: 7 * 2**62}, 20 * 2**62, Tag("wide"))
    program.rows[0] = Row({0: 7 * 2**62}, 20 * 2**62, False, Tag("wide"))
    assert programs._rows_hold(program, [2]) is None
    assert program.holds([2]) and not program.holds([3])
    near = Program()
    near.variable(1)
    near.rows.append(Row({0: 2**62}, 2**62 - 1, False, Tag("near")))
    assert programs._rows_hold(near, [1]) is None and not near.holds([1])


def test_a_refused_option_is_no_answer_of_highs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "ARRAYS_FROM", -1)
    monkeypatch.setattr(solver, "highs_options", lambda *_: {"no_such_option": 1})
    assert solver._highs(random_program(1), 5, 0.0, None).solver == "highs-failed"
