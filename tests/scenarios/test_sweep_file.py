"""Sweep files: the grid of scenarios that they state, and everything that is wrong with one told at once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError
from planner.scenarios.sweep_file import Cell, Problems, cells, read_sweep

GOOD = """\
name = "s"
[grid]
"growth[0].cores_percent" = { start = 0, stop = 20, step = 10 }
"add[0].count" = [0, 2]
[scenario]
retire = ["A"]
[[scenario.add]]
name = "N"
model = "9117-MMB"
cores = 16
memory_gib = 256
[[scenario.growth]]
lpars = "*"
"""


def grid(tmp_path: Path, text: str) -> list[Cell]:
    (tmp_path / "s.toml").write_text(text)
    sweep = read_sweep(tmp_path / "s.toml")
    problems = Problems(sweep)
    found = list(cells(sweep, problems))
    problems.raise_any()
    return found


def told(tmp_path: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        grid(tmp_path, text)
    return "\n".join(map(str, caught.value.findings))


def test_every_combination_the_last_parameter_fastest(tmp_path: Path) -> None:
    found = grid(tmp_path, GOOD)
    assert [(c.number, *c.values.values()) for c in found] == [
        (1, 0, 0), (2, 0, 2), (3, 10, 0), (4, 10, 2), (5, 20, 0), (6, 20, 2)]
    assert [[a.name for a in c.scenario.add] for c in found[:2]] == [[], ["N-1", "N-2"]]
    assert found[5].scenario.growth[0].cores == Fraction(1, 5) and found[5].scenario.retire == ("A",)
    assert not any(c.scenario.frontier for c in found)


def test_the_base_may_be_a_scenario_file(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('name = "b"\nretire = ["A"]\n[[ceiling]]\ncpu_percent = 90\n')
    found = grid(tmp_path, 'name = "s"\nbase = "base.toml"\n[grid]\n"ceiling[0].cpu_percent" = [80, 90]\n'
                 'retire = [[], ["A", "B"]]\n')
    assert [c.values["retire"] for c in found] == ["none", "A, B", "none", "A, B"]
    assert [c.scenario.policies[0].value for c in found] == ["80", "80", "90", "90"]
    assert found[1].scenario.retire == ("A", "B")


def test_paths_that_change_together_and_every_row(tmp_path: Path) -> None:
    found = grid(tmp_path, GOOD.replace('"add[0].count" = [0, 2]', 'machine = [{ label = "slow", "add[*].ghz" = 3.1, '
                                        '"add[*].cores" = 16 }, { "add[*].ghz" = 3.5, "add[*].cores" = 12 }]'))
    assert [(c.values["machine"], c.scenario.add[0].ghz, c.scenario.add[0].cores) for c in found[:2]] == [
        ("slow", "3.1", 16), ("3.5, 12", "3.5", 12)]


def test_a_table_that_the_base_lacks_is_made(tmp_path: Path) -> None:
    found = grid(tmp_path, GOOD + '[[scenario.ceiling]]\ncpu_percent = 80\n[scenario.migration]\nrestart_minutes = 5\n')
    assert found[0].scenario.headroom == 0
    found = grid(tmp_path, GOOD.replace('"add[0].count" = [0, 2]', '"resize.headroom_percent" = [5, 10.5]'))
    assert [c.scenario.headroom for c in found[:2]] == [Fraction(5, 100), Fraction(105, 1000)]


WRONG = {
    "typo = 1": "s.toml:1: typo: is no key of a sweep",
    "minimise = ['joy']": "minimise[0]",
    "max_cells = 5": "s.toml:3: grid: makes 3 × 2 = 6 cells, more than max_cells = 5",
    "given = ['x']": "given[0]: 'x' is no parameter of the grid",
    "base = 'other.toml'": "found both",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_with_the_sweep(tmp_path: Path, line: str) -> None:
    assert WRONG[line] in told(tmp_path, f"{line}\n{GOOD}")


GRID_WRONG = {
    '"add[0].count" = 3': "expected a list of values",
    '"add[0].count" = []': "expected a list of values",
    '"add[0].count" = [1, 1]': "s.toml:4: grid.add[0].count: has the same value twice",
    '"add[0].count" = [1, {a = 1}]': "mixes tables and values",
    '"add[0].count" = [-1]': "found -1, expected a whole number from 0",
    '"add[0].cores" = { start = 16, stop = 0 }': "never ends there",
    '"add[0].cores" = { start = 1, end = 2 }': "expected the numbers start, stop",
    '"add[0].cores" = { start = 0, stop = 1, step = 0 }': "never ends there",
    '"add[0].cores" = { start = 0, stop = 9, step = 1e-9 }': "more than 100000 values",
    '"add[7].cores" = [16]': "the base scenario has 1 rows there",
    '"add.cores" = [16]': "say which: add[0] or add[*]",
    '"add[0].cores.x" = [16]': "leads into something that is no table",
    '"ceiling[*].cpu_percent" = [80]': "the base scenario has 0 rows there",
    '"a b" = [16]': "'a b' is no path into a scenario",
    'frontier = [true]': "changes no answer",
    '"retir" = [["A"]]': "s.toml:4: retir: is no key of a scenario",
    '"add[0].cores" = ["many"]': "s.toml:4: add[0].cores: found 'many', expected",
    'servers = [{ "add[0].cores" = 8 }]': "is the name of a column",
    'm = [{ label = "x" }]': "expected a table of paths and values",
    'm = [{ "add[0].cores" = 8 }]\n"add[0].cores" = [8]': "which m sets as well",
}


@pytest.mark.parametrize("line", GRID_WRONG)
def test_what_is_wrong_with_the_grid(tmp_path: Path, line: str) -> None:
    assert GRID_WRONG[line] in told(tmp_path, GOOD.replace('"add[0].count" = [0, 2]', line))


def test_all_at_once_each_with_its_place(tmp_path: Path) -> None:
    """Of the sweep's form, of its grid and of the scenario in one go."""
    text = GOOD.replace('retire = ["A"]', 'retire = "A"').replace("cores = 16", "cores = 0").replace(
        "[0, 2]", "7").replace('name = "s"', 'nam = "s"')
    found = told(tmp_path, text)
    for wanted in ("s.toml:1: nam: is no key", "name: is missing", "s.toml:4: grid.add[0].count", "s.toml:6: retire",
                   "s.toml:10: add[0].cores"):
        assert wanted in found, found


def test_a_problem_of_many_cells_is_told_once_with_the_first_of_them(tmp_path: Path) -> None:
    found = told(tmp_path, GOOD.replace("[0, 2]", "[0, 2, 3]").replace("cores = 16", "cores = 0"))
    assert found.count("\n") == 0 and "s.toml:10: add[0].cores" in found
    assert "[in the cell growth[0].cores_percent = 0, add[0].count = 2 and 5 more]" in found


def test_a_base_that_cannot_be_read(tmp_path: Path) -> None:
    text = 'name = "s"\nbase = "gone.toml"\n[grid]\nretire = [["A"]]\n'
    assert "gone.toml: scenario: cannot be read" in told(tmp_path, text)
    (tmp_path / "gone.toml").write_text("x = [")
    assert "gone.toml" in told(tmp_path, text) and "not a TOML file" in told(tmp_path, text)
    assert "scenario: found 3, expected a table" in told(tmp_path, 'name = "s"\nscenario = 3\n[grid]\nretire = [["A"]]\n')


def test_what_is_given_and_what_is_chosen(tmp_path: Path) -> None:
    def given(extra: str = "") -> Any:
        (tmp_path / "s.toml").write_text(extra + GOOD)
        return [p.given for p in read_sweep(tmp_path / "s.toml").parameters]
    assert given() == [True, False] and given("given = ['add[0].count']\n") == [False, True]


def test_what_the_grid_states_wrongly_is_told_of_the_grid(tmp_path: Path) -> None:
    """Found by a newcomer: a count of the first row was put down to the second, and a table of the grid to the base."""
    row = '[[add]]\nname = "N"\nmodel = "9117-MMB"\ncores = 16\nmemory_gib = 256\n'
    (tmp_path / "base.toml").write_text('name = "b"\n' + row + row.replace('"N"', '"M"'))
    found = told(tmp_path, 'name = "s"\nbase = "base.toml"\n[grid]\n"add[0].count" = [1, -2]\n"foo.bar" = [1]\n')
    assert "s.toml:4: add[0].count: found -2" in found and "s.toml:5: foo: is no key" in found
    assert "base.toml" not in found


@pytest.mark.parametrize("word", ["start = 0", "stop = 20", "step = 10", "[0, 2]", "{ start = 0, stop = 20, step = 10 }", '["A"]', '"N"',
                                  '"9117-MMB"', "16", "256", '"*"', '"s"'])
def test_what_is_wrong_is_not_told_by_the_screenful(tmp_path: Path, word: str) -> None:
    """A text of 100,000 letters where none belongs was printed whole."""
    long = f'"{"x" * 100_000}"'
    text = GOOD.replace(word, f"{word.partition(' = ')[0]} = {long}" if word[0] == "s" else long)
    for other in (text, text.replace("cores = 16", "cores = 0"), f"grid = {long}\n", f'name = "s"\n[grid]\n"growth[0].cores_percent" = [0, {long}]\n'
                  '[[scenario.growth]]\nlpars = "*"\n'):
        try:
            grid(tmp_path, other)
        except InputError as error:
            assert all(len(str(f)) < 3000 for f in error.findings)
