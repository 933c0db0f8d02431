"""whatif.xlsx: the scenarios side by side with native charts, then a sheet for each, the frontier, findings."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from planner.findings import Finding, Severity
from planner.report.whatif_page import cells
from planner.sheets import Column, bars, chart_base, findings_sheet, keyed, paragraphs, points, table, widths
from planner.units import show_duration
from planner.xlsx import Book, open_book

Document = Mapping[str, Any]
_FORBIDDEN = "[]:*?/\\'"
_COLOURS = ("#1F4E79", "#D9822B", "#3A9D8F", "#8E5EA2", "#B5443C", "#6B7683")


_SERVER_COLUMNS = keyed(
    ("Server", "name", "plain", 22), ("Model", "model", "plain", 12), ("Generation", "generation", "plain", 11),
    ("LPARs", "lpars", "id", 8), ("Cores on arrival", "cores_arrival", "cores", 10),
    ("Cores in the end", "cores", "cores", 10), ("Cores limit", "cores_limit", "cores", 10),
    ("GiB on arrival", "gib_arrival", "cores", 10), ("GiB in the end", "gib", "cores", 10),
    ("GiB limit", "gib_limit", "cores", 10), ("Idle (W)", "idle_w", "exact", 9),
    ("Maximum (W)", "max_w", "exact", 9), ("Watts", "watts", "exact", 9), ("Assumed", "watts_assumed", "plain", 9),
    ("Watts from", "watts_source", "plain", 60))
_LPAR_COLUMNS = keyed(
    ("LPAR", "name", "plain", 24), ("From", "source", "plain", 20), ("To", "target", "plain", 20),
    ("Way", "way", "plain", 18), ("Wave", "wave", "id", 7), ("Cores today", "cores_today", "cores", 9),
    ("Cores in the end", "cores", "cores", 9), ("VP today", "virtual_processors_today", "id", 8),
    ("VP in the end", "virtual_processors", "id", 8), ("GiB today", "gib_today", "cores", 9),
    ("GiB in the end", "gib", "cores", 9), ("Ratio by rPerf", "ratio", "ratio", 10), ("Modes", "modes", "plain", 34),
    ("Virtual processors by", "virtual_processors_by", "plain", 34), ("Not resized", "not_resized", "plain", 30),
    ("Not live because", "why", "plain", 60))
_FRONTIER_COLUMNS = keyed(
    ("Scenario", "scenario", "plain", 34), ("Servers in use", "servers", "id", 9),
    ("Free on each, at least (%)", "headroom_percent", "exact", 14), ("Proved up to (%)", "bound_percent", "exact", 10),
    ("Free cores", "free_cores", "exact", 10), ("Free GiB", "free_gib", "exact", 10), ("Status", "status", "plain", 11),
    ("Which", "which", "plain", 60))


def whatif_workbook(document: Document) -> bytes:
    """The workbook; the same document gives the same bytes."""
    buffer = io.BytesIO()
    with open_book(buffer, "What if") as book:
        names = sheet_names([s["name"] for s in document["scenarios"]])
        _comparison(book, document)
        _frontier(book, document)
        for name, scenario in list(zip(names, document["scenarios"], strict=True))[1:]:
            _scenario(book, name, scenario)
        _findings(book, document)
        _assumptions(book, document)
    return buffer.getvalue()


def sheet_names(names: Sequence[str]) -> list[str]:
    """Names that Excel takes for sheets: 31 characters, no two the same whatever their case."""
    taken = {"comparison", "frontier", "findings", "assumptions", "history"}
    out = []
    for number, name in enumerate(names):
        plain = "".join(c for c in name if c not in _FORBIDDEN).strip()[:28] or f"Scenario {number}"
        chosen, n = plain, 2
        while chosen.casefold() in taken:
            chosen, n = f"{plain[:26]} {n}", n + 1
        taken.add(chosen.casefold())
        out.append(chosen)
    return out


def _comparison(book: Book, document: Document) -> None:
    sheet = book.sheet("Comparison")
    scenarios = document["scenarios"]
    sheet.write_string(0, 0, "What if: scenarios side by side", book.title)
    book.row(sheet, 2, ("", "Unit", *(s["name"] for s in scenarios)), book.header)
    sheet.set_row(2, 48)
    styles = {"optimal": book.good, "feasible": book.warn, "infeasible": book.bad, "unknown": book.bad}
    book.row(sheet, 3, ("Status", ""), book.bold)
    for column, s in enumerate(scenarios, 2):
        answered = column > 2
        book.write(sheet, 3, column, s["status"] if answered else "as it is", styles[s["status"]] if answered else None)
    plain, two = book.format(num_format="#,##0"), book.format(num_format="#,##0.00")
    at = {}
    for number, row in enumerate(cells(document), 4):
        at[row["cells"][0]["key"]] = number
        book.row(sheet, number, (row["label"], row["unit"]), book.bold)
        for column, cell in enumerate(row["cells"], 2):
            book.write(sheet, number, column, cell["value"], two if isinstance(cell["value"], float) else plain)
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 9)
    sheet.set_column(2, 2 + len(scenarios), 20)
    sheet.freeze_panes(4, 2)
    last = max(at.values()) + 2
    for place, (title, keys) in enumerate((
            ("Power (W)", ("totals.watts",)), ("Cores", ("totals.cores", "totals.headroom_cores")),
            ("Moves", ("migration.live", "migration.restarts", "migration.reactivations")))):
        _chart(book, sheet, title, [at[k] for k in keys if k in at], len(scenarios), last, place)
    sheet.write_string(last + 18, 0, "On arrival: in today's sizes, restarted LPARs in their final ones. "
                       "In the end: after growth, restarts, resizing.")


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


def _frontier(book: Book, document: Document) -> None:
    sheet = book.sheet("Frontier")
    rows = [_frontier_row(s["name"], p) for s in document["scenarios"] for p in s["frontier"]]
    written = table(book, sheet, 0, _FRONTIER_COLUMNS, rows, height=32, empty="No scenario has a frontier.")
    widths(sheet, _FRONTIER_COLUMNS)
    if not rows:
        return
    chart = chart_base(book, "Servers in use against headroom", "% of its cores free on every server", (620, 320),
                       "scatter")
    first = 0
    for number, s in enumerate(document["scenarios"]):
        if s["frontier"]:
            last = first + len(s["frontier"]) - 1
            chart.add_series(points(s["name"], _COLOURS[number % len(_COLOURS)],
                                    written.cells("Servers in use", first, last),
                                    written.cells("Free on each, at least (%)", first, last)))
            first = last + 1
    chart.set_x_axis({"name": "servers in use", "major_unit": 1, "major_gridlines": {"visible": False}})
    sheet.insert_chart(written.last + 2, 0, chart)


def _frontier_row(name: str, point: Document) -> Document:
    free = {} if point["headroom_percent"] is not None else {"free_cores": None, "free_gib": None}
    return {**point, **free, "scenario": name, "which": ", ".join(point["names"])}


def _scenario(book: Book, name: str, scenario: Document) -> None:
    sheet = book.sheet(name)
    sheet.write_string(0, 0, scenario["name"], book.title)
    sheet.set_column(0, 0, 24)
    style = {"optimal": book.good, "feasible": book.warn}.get(scenario["status"], book.bad)
    book.row(sheet, 1, ("Status",), book.bold)
    book.write(sheet, 1, 1, scenario["status"], style)
    row = 2
    for label, value in (("Cost of the moves (s)", scenario["objective_s"]), ("Proved bound (s)", scenario["bound_s"]),
                         ("Retired", ", ".join(scenario["retired"])), ("Added", ", ".join(scenario["added"]))):
        if value not in (None, ""):
            book.write(sheet, row, 0, label, book.bold)
            book.write(sheet, row, 1, value, book.format(align="left"))
            row += 1
    if scenario["conflict"]:
        book.write(sheet, row, 0, "Proved impossible", book.bad)
        book.write(sheet, row, 1, scenario["conflict"]["summary"])
        row += 1
        for lift in scenario["conflict"]["lifts"]:
            book.write(sheet, row, 1, f"would lift it: {lift}")
            row += 1
    for door in scenario["one_way_doors"]:
        book.write(sheet, row, 0, "One-way door", book.warn)
        book.write(sheet, row, 1, f"after {door['after']}: {door['reason']}: {', '.join(door['lpars'])}")
        row += 1
    for wave in scenario["waves"]:
        book.write(sheet, row, 0, f"Wave {wave['wave']}", book.bold)
        moves = ", ".join(f"{m['lpar']} → {m['target']}" for m in wave["moves"])
        book.write(sheet, row, 1, f"+{show_duration(wave['start_s'])} to +{show_duration(wave['end_s'])}: {moves}")
        row += 1
    row += 1
    if scenario["servers"]:
        row = table(book, sheet, row, _SERVER_COLUMNS, scenario["servers"], height=32).last + 2
        table(book, sheet, row, _LPAR_COLUMNS, [_flat(x) for x in scenario["lpars"]], height=32, filters=True)
        widths(sheet, _LPAR_COLUMNS)


def _flat(lpar: Document) -> dict[str, Any]:
    modes = " → ".join(dict.fromkeys(p["mode"] for p in lpar["path"] if p["mode"]))
    return {**lpar, "modes": f"{modes} ({lpar['path'][-1]['when']})" if len(lpar["path"]) > 1 else modes,
            "why": "; ".join(r["reason"] for r in lpar["reasons"]),
            "ratio": lpar["ratio"] if not lpar["not_resized"] else None}


def _findings(book: Book, document: Document) -> None:
    risks = [(s["name"], f) for s in document["scenarios"] for f in s["risks"]]
    findings_sheet(book, risks, lambda r: Finding(r[1]["rule"], Severity(r[1]["severity"]), r[1]["subject"],
                                                  r[1]["message"], r[1]["fix"]),
                   before=(Column("Scenario", itemgetter(0), "wrap", 26),), where=False)


def _assumptions(book: Book, document: Document) -> None:
    sheet = book.sheet("Assumptions")
    sheet.set_column(0, 0, 130)
    row = 0
    for s in document["scenarios"][1:]:
        book.write(sheet, row, 0, s["name"], book.subtitle)
        row = paragraphs(book, sheet, row + 1, (*s["rperf"], *s["assumptions"]), 120) + 1
    book.write(sheet, row, 0, f"Estate (SHA-256): {document['estate_sha256']}")
