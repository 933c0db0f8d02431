"""What a sweep's results say: the cells that no other beats, what each parameter changes, a stable form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.jobs.sweep import FAILED, CellAnswer, SweepOutcome
from planner.plan.wire import as_json
from planner.report.sweep import (
    FIGURES,
    STATUSES,
    Influence,
    SweepResult,
    SweepRow,
    frontier,
    influence,
    sweep_json,
    sweep_result,
    table,
)
from planner.scenarios.model import Scenario
from planner.scenarios.sweep_file import MEASURES, Cell, GridChoice, GridParameter, Problems, Sweep, cells, read_sweep


def swept(*parameters: GridParameter, minimise: tuple[str, ...] = ("servers",), maximise: tuple[str, ...] = ("hours",)) -> Sweep:
    return Sweep("s", "s.toml", "", parameters, minimise, maximise, {}, "s.toml")


def parameter(name: str, *values: Any, given: bool = False) -> GridParameter:
    return GridParameter(name, tuple(GridChoice(v, {name: v}) for v in values), given)


def row(number: int, servers: int | None, hours: float | None, status: str = "optimal", **parameters: Any) -> SweepRow:
    figures = {**dict.fromkeys(MEASURES), "servers": servers, "hours": hours}
    return SweepRow(Cell(number, parameters, Scenario("")), "", CellAnswer(status, figures=figures))


def test_the_frontier_of_each_given_and_its_best() -> None:
    sweep = swept(parameter("g", 0, 1, given=True), parameter("a", 1, 2, 3))
    rows = [row(1, 2, 5, g=0, a=1), row(2, 1, 1, g=0, a=2), row(3, 2, 4, g=0, a=3),
            row(4, None, None, "infeasible", g=1, a=1), row(5, 9, 9, "failed", g=1, a=2),
            row(6, None, None, "unknown", g=1, a=3)]
    assert [as_json(g) for g in frontier(sweep, rows)] == [{"given": {"g": 0}, "cells": [2, 1], "best": 2},
                                                          {"given": {"g": 1}, "cells": [], "best": None}]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_each_cell_is_on_the_frontier_or_beaten_by_one_that_is(points: list[tuple[int, int]]) -> None:
    rows = [row(n, a, b, p=n) for n, (a, b) in enumerate(points)]
    (found,) = frontier(swept(parameter("p", *range(len(points)))), rows)

    def beats(x: int, y: int) -> bool:
        (a, b), (c, d) = points[x], points[y]
        return a <= c and b >= d and (a, b) != (c, d)

    for n in range(len(points)):
        assert (n in found.cells) == (not any(beats(m, n) for m in range(len(points))))


def test_influence_compares_cells_that_differ_in_one_parameter_alone() -> None:
    rows = [row(1, 1, 5.0, a=1, b=1), row(2, 2, 5.0, a=2, b=1), row(3, 1, 7.0, a=1, b=2),
            row(4, None, None, "infeasible", a=2, b=2)]
    assert as_json(influence("a", rows)) == {
        "parameter": "a", "groups": 2, "possible_differs": 1,
                                    "figures": {"servers": {"groups": 1, "most": 1}}, "proved": True}
    found = as_json(influence("b", rows))
    assert found["figures"] == {"hours": {"groups": 1, "most": 2.0}} and found["possible_differs"] == 1


def test_cells_without_an_answer_are_not_compared() -> None:
    rows = [row(1, 1, 5.0, "feasible", a=1), row(2, None, None, "unknown", a=2), row(3, None, None, "failed", a=3)]
    assert influence("a", rows) == Influence("a", groups=0, possible_differs=0, figures={}, proved=True)
    assert influence("a", [*rows, row(4, 1, 6.0, a=4)]).proved is False


@pytest.fixture
def result(tmp_path: Path) -> SweepResult:
    (tmp_path / "s.toml").write_text('name = "s"\n[grid]\nresize = [{ label = "=1+1", "resize.headroom_percent" = 2.5 }, '
                                     '{ "resize.enabled" = false }]\nretire = [[], ["A", "B"]]\n[scenario]\n')
    sweep = read_sweep(tmp_path / "s.toml")
    found = list(cells(sweep, Problems(sweep)))
    ids = tuple(f"id{c.number}" for c in found)
    return sweep_result(sweep, found, SweepOutcome(ids, {i: CellAnswer(FAILED, "@cmd") for i in ids}, 0, 0))


def test_the_form_of_the_results_stays(result: SweepResult) -> None:
    """Programs read it: a key that goes or changes its meaning needs a new version."""
    document = sweep_json(result, "0", {"gap": 0.0})
    assert list(document) == ["version", "name", "note", "file", "base", "estate_sha256", "options", "parameters",
                              "minimise", "maximise", "counts", "frontier", "influence", "cells", "assumptions"]
    assert document["version"] == 1 and list(document["counts"]) == ["cells", *STATUSES]
    (first, *_) = document["cells"]
    assert list(first) == ["cell", "id", "parameters", "settings", "status", "reason", *FIGURES, "conflict", "findings"]
    assert set(MEASURES) <= set(FIGURES)


def test_the_table_has_typed_columns_and_no_formula(result: SweepResult) -> None:
    lines = table(result, "csv").decode().splitlines()
    assert lines[0].startswith("cell,id,resize,resize.headroom_percent,resize.enabled,retire,status,reason,servers")
    assert lines[1].startswith("1,id1,'=1+1,2.5,,none,failed,'@cmd,") and lines[4].startswith('4,id4,False,,False,"A, B",')
