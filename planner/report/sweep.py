"""Results of a sweep: results.json, the table of its cells, and what follows from them. Pure functions."""

from __future__ import annotations

import importlib.util
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from planner.errors import UsageError
from planner.jobs.sweep import FAILED, SweepOutcome
from planner.report.output import no_formula
from planner.scenarios.sweep_file import MEASURES, Cell, Sweep, plain

VERSION = 1
STATUSES = ("optimal", "feasible", "infeasible", "unknown", FAILED)
ANSWERED = ("optimal", "feasible")
WHOLE = ("servers", "lpars", "kwh", "money", "co2_kg", "moves", "restarts", "reactivations", "resized",
         "outage_minutes", "waves", "errors", "warnings")
FIGURES = ("servers", "cores", "memory_gib", "lpars", "watts", "kwh", "money", "currency", "co2_kg",
           "headroom_cores_arrival", "headroom_cores", "headroom_gib_arrival", "headroom_gib", "headroom_percent",
           "moves", "restarts", "reactivations", "resized", "hours", "outage_minutes", "waves", "objective_s",
           "bound_s", "gap", "errors", "warnings")
"""Columns of a cell after its parameters and its status; docs/sweep.md says what each is."""
Document = dict[str, Any]


def sweep_json(sweep: Sweep, cells: Sequence[Cell], outcome: SweepOutcome, estate_digest: str,
               options: Mapping[str, Any]) -> Document:
    """Every cell in the order of the grid, and what follows; the same whatever ran where and what was kept."""
    rows = [_row(sweep, cell, id_, outcome.answers[id_]) for cell, id_ in zip(cells, outcome.ids, strict=True)]
    return {
        "version": VERSION, "name": sweep.name, "note": sweep.note, "file": sweep.file, "base": sweep.base,
        "estate_sha256": estate_digest, "options": dict(options),
        "parameters": [{"name": p.name, "paths": list(p.paths), "given": p.given,
                        "values": [plain(c.label) for c in p.choices]} for p in sweep.parameters],
        "minimise": list(sweep.minimise), "maximise": list(sweep.maximise),
        "counts": {"cells": len(rows), **{s: sum(r["status"] == s for r in rows) for s in STATUSES}},
        "frontier": frontier(sweep, rows), "influence": [influence(p.name, rows) for p in sweep.parameters],
        "cells": rows, "assumptions": _assumptions(outcome)}


def _row(sweep: Sweep, cell: Cell, id_: str, answer: Mapping[str, Any]) -> Document:
    settings: Document = {}
    for p in sweep.parameters:
        (choice,) = (c for c in p.choices if plain(c.label) == cell.values[p.name])
        settings |= {path: plain(v) for path, v in choice.settings.items()}
    figures = answer["figures"]
    return {"cell": cell.number, "id": id_, "parameters": dict(cell.values), "settings": settings,
            "status": answer["status"], "reason": answer["reason"], **{k: figures.get(k) for k in FIGURES},
            "conflict": answer["conflict"], "findings": answer["findings"]}


def _assumptions(outcome: SweepOutcome) -> list[Document]:
    """Each assumption once, with the number of cells that it is made in."""
    counts = Counter(text for id_ in outcome.ids for text in outcome.answers[id_]["assumptions"])
    return [{"text": text, "cells": n} for text, n in counts.items()]


# ---- what follows ---------------------------------------------------------------------------------------------------


def frontier(sweep: Sweep, rows: Sequence[Document]) -> list[Document]:
    """For each combination of what is given: the cells that no other beats in every measure, the best first.

    The best has the least of the first measure, among these the least of the second, and so on.
    """
    given = [p.name for p in sweep.parameters if p.given]
    groups: dict[tuple[str, ...], list[Document]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row["parameters"][g]) for g in given), []).append(row)
    return [{"given": {g: members[0]["parameters"][g] for g in given}, "cells": best, "best": best[0] if best else None}
            for members in groups.values() for best in [_unbeaten(sweep, members)]]


def _unbeaten(sweep: Sweep, rows: Sequence[Document]) -> list[int]:
    scored = []
    for row in rows:
        values = [row[m] for m in (*sweep.minimise, *sweep.maximise)]
        if row["status"] in ANSWERED and None not in values:
            cut = len(sweep.minimise)
            scored.append(((*values[:cut], *(-v for v in values[cut:])), row["cell"]))
    unbeaten: list[tuple[tuple[float, ...], int]] = []
    for score, number in sorted(scored):
        if not any(all(a <= b for a, b in zip(k, score, strict=True)) and k != score for k, _ in unbeaten):
            unbeaten.append((score, number))
    return [number for _, number in unbeaten]


def influence(name: str, rows: Sequence[Document]) -> Document:
    """What one parameter changes while all others stay: in how many groups of such cells the status differs, and each
    figure, and by how much at most. Cells without an answer in time, and failed ones, are left out."""
    groups: dict[tuple[str, ...], list[Document]] = {}
    for row in rows:
        if row["status"] not in ("unknown", FAILED):
            others = tuple(str(v) for k, v in row["parameters"].items() if k != name)
            groups.setdefault(others, []).append(row)
    compared = [g for g in groups.values() if len(g) > 1]
    figures = {}
    for measure in MEASURES:
        spreads = [max(v) - min(v) for g in compared
                   if len(v := [r[measure] for r in g if r[measure] is not None]) > 1]
        if any(spreads):
            figures[measure] = {"groups": sum(s > 0 for s in spreads), "most": round(max(spreads), 2)}
    possible = [{r["status"] in ANSWERED for r in g} for g in compared]
    return {"parameter": name, "groups": len(compared), "possible_differs": sum(len(p) > 1 for p in possible),
            "figures": figures, "proved": all(r["status"] in ("optimal", "infeasible") for g in compared for r in g)}


# ---- the table ------------------------------------------------------------------------------------------------------


def require_format(kind: str) -> None:
    """Raises UsageError when Parquet is wanted and pyarrow, which writes it, is not installed."""
    if kind == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise UsageError("--format parquet needs pyarrow, which is not installed: pip install 'planner[parquet]', or "
                         "take --format csv")


def table(document: Document, kind: str) -> bytes:
    """results.csv or results.parquet: one row a cell; parameters first, by their paths."""
    frame = pd.DataFrame({name: pd.array(values, dtype=dtype) for name, values, dtype in _columns(document)})
    out = io.BytesIO()
    if kind == "parquet":
        frame.to_parquet(out, engine="pyarrow", index=False)
        return out.getvalue()
    for name in frame.columns:
        if str(frame[name].dtype) == "string":
            frame[name] = frame[name].map(no_formula, na_action="ignore")
    frame.to_csv(out, index=False, lineterminator="\n", encoding="utf-8")
    return out.getvalue()


def _columns(document: Document) -> Iterator[tuple[str, list[Any], str]]:
    rows = document["cells"]
    yield "cell", [r["cell"] for r in rows], "Int64"
    yield "id", [r["id"] for r in rows], "string"
    for p in document["parameters"]:
        names = [p["name"], *(x for x in p["paths"] if x != p["name"])]
        for name in names:
            values = [r["parameters"][name] if name == p["name"] else r["settings"].get(name) for r in rows]
            yield name, *_typed(values)
    for name in ("status", "reason"):
        yield name, [r[name] for r in rows], "string"
    for name in FIGURES:
        kind = "string" if name == "currency" else "Int64" if name in WHOLE else "Float64"
        yield name, [r[name] for r in rows], kind


def _typed(values: Sequence[Any]) -> tuple[list[Any], str]:
    known = [v for v in values if v is not None]
    if known and all(isinstance(v, bool) for v in known):
        return list(values), "boolean"
    if known and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in known):
        return list(values), "Int64" if all(isinstance(v, int) for v in known) else "Float64"
    return [None if v is None else str(v) for v in values], "string"
