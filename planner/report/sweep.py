"""Results of a sweep: results.json, the table of its cells, and what follows from them. Pure functions."""

from __future__ import annotations

import importlib.util
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from planner.errors import UsageError
from planner.jobs.sweep import FAILED, PROVED, CellAnswer, SweepOutcome
from planner.plan.wire import as_json
from planner.report.output import no_formula
from planner.scenarios.sweep_file import MEASURES, Cell, Sweep, plain

VERSION = 1
STATUSES = ("optimal", "feasible", "infeasible", "unknown", FAILED)
ANSWERED = ("optimal", "feasible")
WHOLE = ("servers", "lpars", "kwh", "money", "co2_kg", "moves", "restarts", "reactivations", "resized",
         "outage_minutes", "waves", "lanes", "errors", "warnings")
FIGURES = ("servers", "cores", "memory_gib", "lpars", "watts", "kwh", "money", "currency", "co2_kg",
           "headroom_cores_arrival", "headroom_cores", "headroom_gib_arrival", "headroom_gib", "headroom_percent",
           "month_end_percent_arrival", "month_end_percent",
           "moves", "restarts", "reactivations", "resized", "hours", "outage_minutes", "waves", "lanes",
           "objective_s", "bound_s", "gap", "errors", "warnings")
"""Columns of a cell after its parameters and its status; docs/sweep.md says what each is."""


@dataclass(frozen=True, slots=True)
class SweepRow:
    """A cell, its id and its answer."""

    cell: Cell
    id: str
    answer: CellAnswer


@dataclass(frozen=True, slots=True)
class Unbeaten:
    """Of the cells in which the same is given: those that no other beats in every measure, the best first."""

    given: Mapping[str, Any]
    cells: tuple[int, ...]
    best: int | None


@dataclass(frozen=True, slots=True)
class Spread:
    """In how many groups of cells a figure differs, and by how much at most."""

    groups: int
    most: int | float


@dataclass(frozen=True, slots=True)
class Influence:
    """What one parameter changes while all others stay: in how many groups of such cells the status differs, and each
    figure."""

    parameter: str
    groups: int
    possible_differs: int
    figures: Mapping[str, Spread]
    proved: bool


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Every cell in the order of the grid, and what follows; the same whatever ran where and what was kept."""

    sweep: Sweep
    rows: Sequence[SweepRow]
    frontier: Sequence[Unbeaten]
    influence: Sequence[Influence]

    @property
    def counts(self) -> dict[str, int]:
        """How many cells have each status."""
        return {s: sum(r.answer.status == s for r in self.rows) for s in STATUSES}


def sweep_result(sweep: Sweep, cells: Sequence[Cell], outcome: SweepOutcome) -> SweepResult:
    """The cells with their answers, and what follows."""
    rows = [SweepRow(c, id_, outcome.answers[id_]) for c, id_ in zip(cells, outcome.ids, strict=True)]
    return SweepResult(sweep, rows, frontier(sweep, rows), [influence(p.name, rows) for p in sweep.parameters])


def sweep_json(result: SweepResult, estate_digest: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """results.json."""
    sweep, rows = result.sweep, result.rows
    assumed = Counter(text for r in rows for text in r.answer.assumptions)
    return {
        "version": VERSION, "name": sweep.name, "note": sweep.note, "file": sweep.file, "base": sweep.base,
        "estate_sha256": estate_digest, "options": dict(options),
        "parameters": [{"name": p.name, "paths": list(p.paths), "given": p.given,
                        "values": [plain(c.label) for c in p.choices]} for p in sweep.parameters],
        "minimise": list(sweep.minimise), "maximise": list(sweep.maximise),
        "counts": {"cells": len(rows), **result.counts},
        "frontier": [as_json(g) for g in result.frontier], "influence": [as_json(i) for i in result.influence],
        "cells": [_row(sweep, r) for r in rows], "assumptions": [{"text": t, "cells": n} for t, n in assumed.items()]}


def _row(sweep: Sweep, r: SweepRow) -> dict[str, Any]:
    told = as_json(r.answer)
    return {"cell": r.cell.number, "id": r.id, "parameters": dict(r.cell.values), "settings": _settings(sweep, r.cell),
            "status": told["status"], "reason": told["reason"], **{k: told["figures"].get(k) for k in FIGURES},
            "conflict": told["conflict"], "findings": told["findings"]}


def _settings(sweep: Sweep, cell: Cell) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for p in sweep.parameters:
        (choice,) = (c for c in p.choices if plain(c.label) == cell.values[p.name])
        settings |= {path: plain(v) for path, v in choice.settings.items()}
    return settings


# ---- what follows ---------------------------------------------------------------------------------------------------


def frontier(sweep: Sweep, rows: Sequence[SweepRow]) -> list[Unbeaten]:
    """For each combination of what is given: the cells that no other beats in every measure, the best first.

    The best has the least of the first measure, among these the least of the second, and so on.
    """
    given = [p.name for p in sweep.parameters if p.given]
    groups: dict[tuple[str, ...], list[SweepRow]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row.cell.values[g]) for g in given), []).append(row)
    return [Unbeaten({g: members[0].cell.values[g] for g in given}, best, best[0] if best else None)
            for members in groups.values() for best in [_unbeaten(sweep, members)]]


def _unbeaten(sweep: Sweep, rows: Sequence[SweepRow]) -> tuple[int, ...]:
    scored, measures, cut = [], (*sweep.minimise, *sweep.maximise), len(sweep.minimise)
    for row in rows:
        values = [v for m in measures if (v := row.answer.figures.get(m)) is not None]
        if row.answer.status in ANSWERED and len(values) == len(measures):
            scored.append(((*values[:cut], *(-v for v in values[cut:])), row.cell.number))
    unbeaten: list[tuple[tuple[float, ...], int]] = []
    for score, number in sorted(scored):
        if not any(all(a <= b for a, b in zip(k, score, strict=True)) and k != score for k, _ in unbeaten):
            unbeaten.append((score, number))
    return tuple(number for _, number in unbeaten)


def influence(name: str, rows: Sequence[SweepRow]) -> Influence:
    """What one parameter changes; cells without an answer in time, and failed ones, are left out."""
    groups: dict[tuple[str, ...], list[CellAnswer]] = {}
    for row in rows:
        if row.answer.status not in ("unknown", FAILED):
            others = tuple(str(v) for k, v in row.cell.values.items() if k != name)
            groups.setdefault(others, []).append(row.answer)
    compared = [g for g in groups.values() if len(g) > 1]
    figures = {}
    for measure in MEASURES:
        spreads = [max(v) - min(v) for g in compared
                   if len(v := [x for a in g if (x := a.figures.get(measure)) is not None]) > 1]
        if any(spreads):
            figures[measure] = Spread(sum(s > 0 for s in spreads), round(max(spreads), 2))
    possible = [{a.status in ANSWERED for a in g} for g in compared]
    return Influence(name, len(compared), sum(len(p) > 1 for p in possible), figures,
                     all(a.status in PROVED for g in compared for a in g))


# ---- the table ------------------------------------------------------------------------------------------------------


def require_format(kind: str) -> None:
    """Raises UsageError when Parquet is wanted and pyarrow, which writes it, is not installed."""
    if kind == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise UsageError("--format parquet needs pyarrow, which is not installed: pip install 'planner[parquet]', or "
                         "take --format csv")


def table(result: SweepResult, kind: str) -> bytes:
    """results.csv or results.parquet: one row a cell; parameters first, by their paths."""
    frame = pd.DataFrame({name: pd.array(values, dtype=dtype) for name, values, dtype in _columns(result)})
    out = io.BytesIO()
    if kind == "parquet":
        frame.to_parquet(out, engine="pyarrow", index=False)
        return out.getvalue()
    for name in frame.columns:
        if str(frame[name].dtype) == "string":
            frame[name] = frame[name].map(no_formula, na_action="ignore")
    frame.to_csv(out, index=False, lineterminator="\n", encoding="utf-8")
    return out.getvalue()


def _columns(result: SweepResult) -> Iterator[tuple[str, list[Any], str]]:
    rows, settings = result.rows, [_settings(result.sweep, r.cell) for r in result.rows]
    yield "cell", [r.cell.number for r in rows], "Int64"
    yield "id", [r.id for r in rows], "string"
    for p in result.sweep.parameters:
        yield p.name, *_typed([r.cell.values[p.name] for r in rows])
        for path in p.paths:
            if path != p.name:
                yield path, *_typed([s.get(path) for s in settings])
    yield "status", [r.answer.status for r in rows], "string"
    yield "reason", [r.answer.reason for r in rows], "string"
    for name in FIGURES:
        kind = "string" if name == "currency" else "Int64" if name in WHOLE else "Float64"
        yield name, [r.answer.figures.get(name) for r in rows], kind


def _typed(values: Sequence[Any]) -> tuple[list[Any], str]:
    known = [v for v in values if v is not None]
    if known and all(isinstance(v, bool) for v in known):
        return list(values), "boolean"
    if known and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in known):
        return list(values), "Int64" if all(isinstance(v, int) for v in known) else "Float64"
    return [None if v is None else str(v) for v in values], "string"
