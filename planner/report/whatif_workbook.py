"""whatif.xlsx: the scenarios side by side with native charts, then a sheet for each, the frontier, findings."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from planner.grouping import grouped
from planner.jobs.scenario_result import LparLine, ScenarioFigures, ServerLine
from planner.optimise.frontier import FrontierPoint
from planner.report.beside import beside_sheet
from planner.report.charts import shown
from planner.report.finding_kinds import by_kind
from planner.report.text import alike, impossible_word, lift_lines
from planner.report.whatif_json import WhatifDocument, rounded_gib
from planner.report.whatif_page import cells, timetable
from planner.sheets import (
    Column,
    bars,
    chart_base,
    findings_sheet,
    note,
    paragraphs,
    points,
    statements,
    table,
    widths,
)
from planner.units import cores
from planner.xlsx import Book, open_book

_FORBIDDEN = "[]:*?/\\'"
_COLOURS = ("#1F4E79", "#D9822B", "#3A9D8F", "#8E5EA2", "#B5443C", "#6B7683")


class _Point(NamedTuple):
    scenario: str
    point: FrontierPoint


def _modes(x: LparLine) -> str:
    modes = " → ".join(dict.fromkeys(s.mode for s in x.stages if s.mode))
    return f"{modes} ({x.stages[-1].when})" if len(x.stages) > 1 else modes


def _cores_used(thousandths: int | None) -> float | None:
    return None if thousandths is None else thousandths / 1000


_SERVER_COLUMNS: tuple[Column[ServerLine], ...] = (
    Column("Server", lambda s: s.name, "text", 22), Column("Model", lambda s: s.model, "text", 12),
    Column("Generation", lambda s: s.generation, "text", 11), Column("LPARs", lambda s: s.lpars, "id", 8),
    Column("Cores on arrival", lambda s: cores(s.units_arrival), "cores", 10),
    Column("Cores in the end", lambda s: cores(s.units_final), "cores", 10),
    Column("Cores limit", lambda s: cores(s.units_limit), "cores", 10),
    Column("GiB on arrival", lambda s: rounded_gib(s.memory_arrival_mib), "cores", 10),
    Column("GiB in the end", lambda s: rounded_gib(s.memory_final_mib), "cores", 10),
    Column("GiB limit", lambda s: rounded_gib(s.memory_limit_mib), "cores", 10),
    Column("Month-end peak on arrival (cores)", lambda s: _cores_used(s.used_arrival), "cores", 11),
    Column("Month-end peak in the end (cores)", lambda s: _cores_used(s.used_final), "cores", 11),
    Column("Idle (W)", lambda s: s.idle_w, "exact", 9), Column("Maximum (W)", lambda s: s.max_w, "exact", 9),
    Column("Watts", lambda s: s.watts, "exact", 9),
    Column("Watts from (marked: assumed)", lambda s: s.watts_source, lambda s: "guessed" if s.watts_assumed else "wrap",
           60))
_LPAR_COLUMNS: tuple[Column[LparLine], ...] = (
    Column("LPAR", lambda x: x.name, "text", 27), Column("From", lambda x: x.source, "text", 20),
    Column("To", lambda x: x.target, "text", 20), Column("Way", lambda x: x.way, "text", 18),
    Column("Wave", lambda x: x.wave, "id", 7), Column("Move", lambda x: x.number, "id", 7),
    Column("Cores today", lambda x: cores(x.units_today), "cores", 9),
    Column("Cores in the end", lambda x: cores(x.units), "cores", 9),
    Column("VP today", lambda x: x.virtual_processors_today, "id", 8),
    Column("VP in the end", lambda x: x.virtual_processors, "id", 8),
    Column("GiB today", lambda x: rounded_gib(x.memory_mib_today), "cores", 9),
    Column("GiB in the end", lambda x: rounded_gib(x.memory_mib), "cores", 9),
    Column("Ratio by rPerf", lambda x: None if x.why_not_resized else round(x.ratio, 4), "ratio", 10),
    Column("Modes", _modes, "wrap", 34), Column("Virtual processors by", lambda x: x.basis, "wrap", 34),
    Column("Not resized", lambda x: x.why_not_resized, "wrap", 30),
    Column("Not live because", lambda x: "; ".join(r.reason for r in x.reasons), "wrap", 60))
_FRONTIER_COLUMNS: tuple[Column[_Point], ...] = (
    Column("Scenario", lambda r: r.scenario, "wrap", 34), Column("Servers in use", lambda r: r.point.servers, "id", 9),
    Column("Free on each, at least (%)", lambda r: r.point.share, "exact", 14),
    Column("Proved up to (%)", lambda r: r.point.bound, "exact", 10),
    Column("Free cores", lambda r: None if r.point.share is None else cores(r.point.free_units), "exact", 10),
    Column("Free GiB", lambda r: None if r.point.share is None else rounded_gib(r.point.free_mib), "exact", 10),
    Column("Status", lambda r: r.point.status, "text", 11),
    Column("Which", lambda r: ", ".join(r.point.names), "wrap", 60))


def whatif_workbook(document: WhatifDocument) -> bytes:
    """The workbook; the same document gives the same bytes."""
    buffer = io.BytesIO()
    with open_book(buffer, "What if") as book:
        names = sheet_names([s.name for s in document.scenarios])
        _comparison(book, document)
        beside_sheet(book, "Scenario", [(s.name, s.beside) for s in document.scenarios if s.beside])
        _frontier(book, document)
        for name, scenario in list(zip(names, document.scenarios, strict=True))[1:]:
            _scenario(book, name, scenario)
        _findings(book, document)
        _assumptions(book, document)
    return buffer.getvalue()


def sheet_names(names: Sequence[str]) -> list[str]:
    """Names that Excel takes for sheets: 31 characters, no two the same whatever their case."""
    taken = {"comparison", "other plans", "frontier", "findings", "all findings", "assumptions", "history"}
    out = []
    for number, name in enumerate(names):
        plain = "".join(c for c in name if c not in _FORBIDDEN).strip()[:28] or f"Scenario {number}"
        chosen, n = plain, 2
        while chosen.casefold() in taken:
            chosen, n = f"{plain[:26]} {n}", n + 1
        taken.add(chosen.casefold())
        out.append(chosen)
    return out


def _comparison(book: Book, document: WhatifDocument) -> None:
    sheet = book.sheet("Comparison")
    scenarios = document.scenarios
    sheet.write_string(0, 0, "What if: scenarios side by side", book.title)
    columns = (Column("", itemgetter(0), width=32), Column("", itemgetter(1), width=9),
               *(Column(s.name, itemgetter(2), width=20) for s in scenarios))
    for line in document.first:
        statements(book, sheet, 1, [("Not looked at", line, book.warn)], columns)
    book.row(sheet, 2, ("", "Unit", *(s.name for s in scenarios)), book.header)
    sheet.set_row(2, 48)
    styles = {"optimal": book.good, "feasible": book.warn, "infeasible": book.bad, "unknown": book.bad}
    book.row(sheet, 3, ("Status", ""), book.bold)
    for column, s in enumerate(scenarios, 2):
        answered = column > 2
        book.write(sheet, 3, column, s.status if answered else "as it is", styles[s.status] if answered else None)
    plain, two = book.format(num_format="#,##0"), book.format(num_format="#,##0.00")
    at = {}
    for number, row in enumerate(cells(document), 4):
        at[row.key] = number
        book.row(sheet, number, (row.label, row.unit), book.bold)
        for column, value in enumerate(row.figures, 2):
            book.write(sheet, number, column, value, two if isinstance(value, float) else plain)
    widths(sheet, columns)
    sheet.freeze_panes(4, 2)
    last = max(at.values()) + 2
    for place, (title, keys) in enumerate((
            ("Power (W)", ("totals.watts",)), ("Cores", ("totals.cores", "totals.headroom_cores")),
            ("Moves", ("migration.live", "migration.restarts", "migration.reactivations")))):
        _chart(book, sheet, title, [at[k] for k in keys if k in at], len(scenarios), last, place)
    note(book, sheet, last + 18, "On arrival: in today's sizes, restarted LPARs in their final ones. In the end: after "
         "growth, restarts, resizing.", columns)


def _chart(book: Book, sheet: Any, title: str, rows: Sequence[int], count: int, below: int, place: int) -> None:
    """A chart of rows of the comparison, which has so many scenarios."""
    if not rows:
        return
    chart = chart_base(book, title, "", (430, 320), "column")
    for colour, row in zip(_COLOURS, rows, strict=False):
        chart.add_series(bars(["Comparison", row, 0], colour, ["Comparison", 2, 2, 2, 1 + count],
                              ["Comparison", row, 2, row, 1 + count]))
    if len(rows) == 1:
        chart.set_legend({"none": True})
    sheet.insert_chart(below, 0, chart, {"x_offset": place * 440})


def _frontier(book: Book, document: WhatifDocument) -> None:
    sheet = book.sheet("Frontier")
    rows = [_Point(s.name, p) for s in document.scenarios for p in s.frontier]
    written = table(book, sheet, 0, _FRONTIER_COLUMNS, rows, height=32, empty="No scenario has a frontier.")
    widths(sheet, _FRONTIER_COLUMNS)
    if not rows:
        return
    chart = chart_base(book, "Servers in use against headroom", "% of its cores free on every server", (620, 320),
                       "scatter")
    first = 0
    for number, s in enumerate(document.scenarios):
        if s.frontier:
            last = first + len(s.frontier) - 1
            chart.add_series(points(s.name, _COLOURS[number % len(_COLOURS)],
                                    written.cells("Servers in use", first, last),
                                    written.cells("Free on each, at least (%)", first, last)))
            first = last + 1
    chart.set_x_axis({"name": "servers in use", "major_unit": 1, "major_gridlines": {"visible": False}})
    sheet.insert_chart(written.last + 2, 0, chart)


def _scenario(book: Book, name: str, s: ScenarioFigures) -> None:
    sheet = book.sheet(name)
    sheet.write_string(0, 0, s.name, book.title)
    columns = [c for c in _LPAR_COLUMNS if c.header != ("Wave" if s.lanes else "Move")]
    tables = (columns, _SERVER_COLUMNS) if s.servers else (_ALONE,)
    row = statements(book, sheet, 1, _stated(book, s), *tables) + 1
    if s.servers:
        row = table(book, sheet, row, _SERVER_COLUMNS, s.servers, height=32).last + 2
        table(book, sheet, row, columns, s.lpars, height=32, filters=True)
        sheet.repeat_rows(row)
    widths(sheet, *tables)


_ALONE = (Column("", itemgetter(0), width=27), Column("", itemgetter(1), width=100))
"""Of a scenario without an answer."""


def _stated(book: Book, s: ScenarioFigures) -> Iterator[tuple[str, str, Any]]:
    """The answer, what stands in its way, what cannot be undone, the order of the moves."""
    yield "Status", s.status, {"optimal": book.good, "feasible": book.warn}.get(s.status, book.bad)
    if s.objective is not None:
        yield "Cost of the moves (points)", shown(s.objective), None
    if s.bound is not None:
        yield "None costs less than", shown(s.bound), None
    yield from ((what, ", ".join(names), None) for what, names in (("Retired", s.retired), ("Added", s.added)) if names)
    if s.conflict:
        yield impossible_word(bool(s.conflict.unstated)), s.conflict.summary, book.bad
        yield from (("", x, None) for x in (*(f"to export: {x}" for x in s.conflict.unstated),
                                            *lift_lines(s.conflict.lifts)))
    yield from (("One-way door", f"after {d.after}: {d.reason}: {', '.join(d.lpars)}", book.warn) for d in s.doors)
    yield from ((name, text, None) for name, text in timetable(s))


def _findings(book: Book, document: WhatifDocument) -> None:
    """A row a kind, what is said of several scenarios once; each finding apart where that is more."""
    said = grouped((told, s.name) for s in document.scenarios for told in by_kind(s.findings))
    findings_sheet(book, [("; ".join(names), word, f) for (word, f), names in said.items()], itemgetter(2), before=(
        Column("Scenario", itemgetter(0), "wrap", 26), Column("Kind", itemgetter(1), "text", 9)), where=False)
    every = grouped((f, s.name) for s in document.scenarios for f in alike(s.findings))
    if len(said) < len(every):
        findings_sheet(book, [("; ".join(names), f) for f, names in every.items()], itemgetter(1), before=(
            Column("Scenario", itemgetter(0), "wrap", 26),), where=False, name="All findings")


def _assumptions(book: Book, document: WhatifDocument) -> None:
    sheet = book.sheet("Assumptions")
    sheet.set_column(0, 0, 96)
    row, asked = 0, document.scenarios[1:]
    every = [a for a in asked[0].assumptions if all(a in s.assumptions for s in asked)] if len(asked) > 1 else []
    parts = [("All scenarios", every), *((s.name, [a for a in (*s.ratings, *s.assumptions) if a not in every])
                                         for s in asked)]
    for name, texts in parts:
        if texts:
            book.write(sheet, row, 0, name, book.subtitle)
            row = paragraphs(book, sheet, row + 1, texts, 94) + 1
    book.write(sheet, row, 0, f"Estate (SHA-256): {document.estate_sha256}")
