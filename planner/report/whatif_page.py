"""whatif.html: one page that needs nothing else: no network, no script; its figures are those of whatif.json."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import getitem
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from planner.report.charts import Series, bars, lines, shown
from planner.units import show_duration

Document = Mapping[str, Any]


def _figure(scenario: Any, key: str) -> Any:
    """``totals.watts`` of a scenario of whatif.json, None without an answer."""
    value = reduce(getitem, key.split("."), scenario) if scenario["totals"] is not None else None
    return round(value, 2) if isinstance(value, float) else value


#: What is put side by side: label, key in a scenario of whatif.json, unit.
ROWS: tuple[tuple[str, str, str], ...] = (
    ("Servers", "totals.servers", ""), ("Cores", "totals.cores", ""), ("Memory", "totals.memory_gib", "GiB"),
    ("LPARs", "totals.lpars", ""),
    ("Free cores on arrival", "totals.headroom_cores_arrival", ""),
    ("Free cores in the end", "totals.headroom_cores", ""),
    ("Free memory on arrival", "totals.headroom_gib_arrival", "GiB"),
    ("Free memory in the end", "totals.headroom_gib", "GiB"), ("Power", "totals.watts", "W"),
    ("Energy", "totals.kwh", "kWh"), ("Cost of energy", "totals.money", "CURRENCY"), ("CO₂", "totals.co2_kg", "kg"),
    ("Moves live", "migration.live", ""), ("Inactive migrations", "migration.inactive_moves", ""),
    ("Restarts", "migration.restarts", ""),
    ("Re-activations in the new mode", "migration.reactivations", ""),
    ("LPARs resized", "migration.resized", ""), ("Waves", "migration.waves", ""),
    ("Live migration", "migration.hours", "h"),
)


def cells(document: Document) -> list[dict[str, Any]]:
    """The comparison as rows of cells; a scenario without an answer has none."""
    out: list[dict[str, Any]] = []
    for label, key, unit in ROWS:
        row = []
        for s in document["scenarios"]:
            value = _figure(s, key)
            in_unit = (s["totals"] or {}).get("currency", "") if unit == "CURRENCY" else unit
            row.append({"key": key, "value": value, "unit": in_unit})
        shown_unit = next((c["unit"] for c in row if c["unit"]), "")
        out.append({"label": label, "unit": "" if unit == "CURRENCY" and not shown_unit else shown_unit, "cells": row})
    return [r for r in out if any(c["value"] is not None for c in r["cells"])]


def _of(document: Document, key: str) -> tuple[float | None, ...]:
    return tuple(_figure(s, key) for s in document["scenarios"])


def _by_server(document: Document, key: str) -> tuple[float | None, ...]:
    return tuple(None if s["totals"] is None else round(sum(x[key] for x in s["servers"]), 2)
                 for s in document["scenarios"])


def charts(document: Document) -> list[dict[str, Any]]:
    """The page's charts with their legends."""
    names = [s["name"] for s in document["scenarios"]]
    core_series = [Series("may be held", _by_server(document, "cores_limit")),
                   Series("held on arrival", _by_server(document, "cores_arrival")),
                   Series("held in the end", _by_server(document, "cores"))]
    memory = [Series("may be held", _by_server(document, "gib_limit")),
              Series("held in the end", _by_server(document, "gib"))]
    out = [
        {"title": "Cores", "svg": bars("Cores", names, core_series), "legend": [s.name for s in core_series]},
        {"title": "Memory (GiB)", "svg": bars("Memory", names, memory, "GiB"), "legend": [s.name for s in memory]},
        {"title": "Power (W), all that is in use, at its busy cores",
         "svg": bars("Power", names, [Series("watts", _of(document, "totals.watts"))], "W"), "legend": []}]
    points = [(s["name"], [(p["servers"], p["headroom_percent"]) for p in s["frontier"]
                           if p["headroom_percent"] is not None]) for s in document["scenarios"]]
    drawn = [(n, p) for n, p in points if p]
    if drawn:
        out.append({"title": "Servers in use against the share of its cores (%) that each keeps free",
                    "legend": [n for n, _ in drawn], "svg": lines("Frontier", drawn, "% free")})
    return out


def whatif_page(document: Document) -> str:
    """The page as HTML; the same document gives the same bytes."""
    made = Environment(loader=PackageLoader("planner.report"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"shown": lambda v: "–" if v is None else shown(float(v)) if isinstance(v, (int, float)) else v,
                     "span": show_duration}
    return made.get_template("whatif.html.j2").render(document=document, rows=cells(document), charts=charts(document))
