"""whatif.html: one page that needs nothing else: no network, no script; its figures are those of whatif.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from planner.jobs.scenario_result import Migration, ScenarioFigures, ServerLine, Totals
from planner.report.beside import beside_table
from planner.report.charts import Series, bars, lines, shown
from planner.report.finding_kinds import by_kind
from planner.report.html import templates
from planner.report.text import impossible_word, used_cores
from planner.report.turns import numbers
from planner.report.whatif_json import WhatifDocument, rounded_gib
from planner.units import cores, show_duration

Of = Callable[[Totals, Migration], float | None]


class FigureRow(NamedTuple):
    """A figure of every scenario, None without an answer; ``key``: where whatif.json has it."""

    label: str
    key: str
    unit: str
    figures: tuple[float | None, ...]


#: What is put side by side: label, key in a scenario of whatif.json, unit, and where it stands.
ROWS: tuple[tuple[str, str, str, Of], ...] = (
    ("Servers", "totals.servers", "", lambda t, m: t.servers),
    ("Cores", "totals.cores", "", lambda t, m: cores(t.units)),
    ("Memory", "totals.memory_gib", "GiB", lambda t, m: rounded_gib(t.memory_mib)),
    ("LPARs", "totals.lpars", "", lambda t, m: t.lpars),
    ("Free cores on arrival", "totals.headroom_cores_arrival", "", lambda t, m: cores(t.free_units_arrival)),
    ("Free cores in the end", "totals.headroom_cores", "", lambda t, m: cores(t.free_units)),
    ("Free memory on arrival", "totals.headroom_gib_arrival", "GiB", lambda t, m: rounded_gib(t.free_mib_arrival)),
    ("Free memory in the end", "totals.headroom_gib", "GiB", lambda t, m: rounded_gib(t.free_mib)),
    ("Month-end peak / configurable cores, on arrival", "totals.month_end_percent_arrival", "%",
     lambda t, m: t.used_share_arrival),
    ("Month-end peak / configurable cores, in the end", "totals.month_end_percent", "%", lambda t, m: t.used_share),
    ("Power", "totals.watts", "W", lambda t, m: t.watts), ("Energy", "totals.kwh", "kWh", lambda t, m: t.kwh),
    ("Cost of energy", "totals.money", "CURRENCY", lambda t, m: t.money),
    ("CO₂", "totals.co2_kg", "kg", lambda t, m: t.co2_kg), ("Moves live", "migration.live", "", lambda t, m: m.live),
    ("Inactive migrations", "migration.inactive_moves", "", lambda t, m: m.inactive_moves),
    ("Restarts", "migration.restarts", "", lambda t, m: m.restarts),
    ("Re-activations in the new mode", "migration.reactivations", "", lambda t, m: m.reactivations),
    ("LPARs resized", "migration.resized", "", lambda t, m: m.resized),
    ("Waves", "migration.waves", "", lambda t, m: m.waves), ("Lanes", "migration.lanes", "", lambda t, m: m.lanes),
    ("Live migration", "migration.hours", "h", lambda t, m: m.hours),
)


def cells(document: WhatifDocument) -> list[FigureRow]:
    """The comparison; a row that no scenario has a figure for is left out."""
    currency = next((s.totals.currency for s in document.scenarios if s.totals and s.totals.currency), "")
    other = "migration.waves" if any(s.migration.lanes for s in document.scenarios) else "migration.lanes"
    rows = [FigureRow(label, key, currency if unit == "CURRENCY" else unit, _figures(document, of))
            for label, key, unit, of in ROWS if key != other]
    rows += [FigureRow(f"Licence cores of {product}", f"licence_cores.{product}", "", tuple(
        None if s.totals is None else s.licences.get(product) for s in document.scenarios))
        for product in sorted({name for s in document.scenarios for name in s.licences})]
    return [r for r in rows if any(v is not None for v in r.figures)]


def timetable(s: ScenarioFigures) -> list[tuple[str, str]]:
    """Wave, or lane, and from when to when which moves go in it."""
    waves = [(f"Wave {w.wave}", w.start_ms, w.end_ms, [f"{m.lpar} → {m.target}" for m in w.moves]) for w in s.waves]
    lanes = [(f"Lane {x.lane}", x.start_ms, x.end_ms, [
        f"{m.number} {m.lpar} → {m.target}" + f" (waits for {numbers(m.waits_for)})" * bool(m.waits_for)
        for m in x.moves]) for x in s.lanes]
    return [(name, f"{'about ' * bool(s.lanes)}+{show_duration(start / 1000)} to +{show_duration(end / 1000)}: "
             + ", ".join(moves)) for name, start, end, moves in (*waves, *lanes)]


def _figures(document: WhatifDocument, of: Of) -> tuple[float | None, ...]:
    found = [None if s.totals is None else of(s.totals, s.migration) for s in document.scenarios]
    return tuple(round(v, 2) if isinstance(v, float) else v for v in found)


def _by_server(document: WhatifDocument, of: Callable[[ServerLine], float]) -> tuple[float | None, ...]:
    return tuple(None if s.totals is None else round(sum(map(of, s.servers)), 2) for s in document.scenarios)


def charts(document: WhatifDocument) -> list[tuple[str, str, list[str]]]:
    """The page's charts: title, SVG, names of the legend."""
    names = [s.name for s in document.scenarios]
    core_series = [Series("may be held", _by_server(document, lambda x: cores(x.units_limit))),
                   Series("held on arrival", _by_server(document, lambda x: cores(x.units_arrival))),
                   Series("held in the end", _by_server(document, lambda x: cores(x.units_final)))]
    memory = [Series("may be held", _by_server(document, lambda x: rounded_gib(x.memory_limit_mib))),
              Series("held in the end", _by_server(document, lambda x: rounded_gib(x.memory_final_mib)))]
    watts = Series("watts", _figures(document, lambda t, m: t.watts))
    out = [("Cores", bars("Cores", names, core_series), [s.name for s in core_series]),
           ("Memory (GiB)", bars("Memory", names, memory, "GiB"), [s.name for s in memory]),
           ("Power (W), all that is in use, at its busy cores", bars("Power", names, [watts], "W"), [])]
    points = [(s.name, [(p.servers, p.share) for p in s.frontier if p.share is not None]) for s in document.scenarios]
    drawn = [(n, p) for n, p in points if p]
    if drawn:
        out.append(("Servers in use against the share of its cores (%) that each keeps free",
                         lines("Frontier", drawn, "% free"), [n for n, _ in drawn]))
    return out


_FILTERS: dict[str, Callable[..., Any]] = {
    "shown": lambda v: "–" if v is None else shown(float(v)) if isinstance(v, (int, float)) else v,
    "span": lambda ms: show_duration(ms / 1000), "cores": cores, "gib": rounded_gib, "used": used_cores,
    "by_kind": by_kind, "beside": beside_table, "impossible": lambda unstated: impossible_word(bool(unstated))}


def whatif_page(document: WhatifDocument) -> str:
    """The page as HTML; the same document gives the same bytes."""
    return templates(**_FILTERS).get_template("whatif.html.j2").render(
        document=document, rows=cells(document), charts=charts(document))
