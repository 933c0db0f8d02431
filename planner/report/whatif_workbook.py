"""whatif.xlsx: the scenarios side by side with native charts, then a sheet for each, the frontier, findings."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from planner.report.whatif_page import cells
from planner.units import show_duration
from planner.xlsx import Book, open_book

Document = Mapping[str, Any]
_FORBIDDEN = "[]:*?/\\'"
_COLOURS = ("#1F4E79", "#D9822B", "#3A9D8F", "#8E5EA2", "#B5443C", "#6B7683")
_SERVER_COLUMNS = (
    ("Server", "name", 22), ("Model", "model", 12), ("Generation", "generation", 11), ("LPARs", "lpars", 8),
    ("Cores on arrival", "cores_arrival", 10), ("Cores in the end", "cores", 10), ("Cores limit", "cores_limit", 10),
    ("GiB on arrival", "gib_arrival", 10), ("GiB in the end", "gib", 10), ("GiB limit", "gib_limit", 10),
    ("Idle (W)", "idle_w", 9), ("Maximum (W)", "max_w", 9), ("Watts", "watts", 9), ("Assumed", "watts_assumed", 9),
    ("Watts from", "watts_source", 60))
_LPAR_COLUMNS = (
    ("LPAR", "name", 24), ("From", "source", 20), ("To", "target", 20), ("Way", "way", 18), ("Wave", "wave", 7),
    ("Cores today", "cores_today", 9), ("Cores in the end", "cores", 9), ("VP today", "virtual_processors_today", 8),
    ("VP in the end", "virtual_processors", 8), ("GiB today", "gib_today", 9), ("GiB in the end", "gib", 9),
    ("Ratio by rPerf", "ratio", 10), ("Modes", "modes", 34), ("Virtual processors by", "virtual_processors_by", 34),
    ("Not resized", "not_resized", 30), ("Not live because", "why", 60))


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
        _columns(book, sheet, title, [(k, at[k]) for k in keys if k in at], len(scenarios), last, place)
    sheet.write_string(last + 18, 0, "On arrival: in today's sizes, restarted LPARs in their final ones. "
                       "In the end: after growth, restarts, resizing.")


def _columns(book: Book, sheet: Any, title: str, rows: Sequence[tuple[str, int]], count: int, below: int,
             place: int) -> None:
    if not rows:
        return
    chart = book.workbook.add_chart({"type": "column"})
    for number, (_, row) in enumerate(rows):
        chart.add_series({"name": ["Comparison", row, 0], "categories": ["Comparison", 2, 2, 2, 1 + count],
                          "values": ["Comparison", row, 2, row, 1 + count], "gap": 80,
                          "fill": {"color": _COLOURS[number]}})
    chart.set_title({"name": title, "name_font": {"size": 12}})
    chart.set_legend({"none": True} if len(rows) == 1 else {"position": "bottom"})
    chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}, "min": 0})
    chart.set_size({"width": 430, "height": 320})
    sheet.insert_chart(below, 0, chart, {"x_offset": place * 440})


def _frontier(book: Book, document: Document) -> None:
    sheet = book.sheet("Frontier")
    head = ("Scenario", "Servers in use", "Free on each, at least (%)", "Proved up to (%)", "Free cores", "Free GiB",
            "Status", "Which")
    book.row(sheet, 0, head, book.header)
    sheet.set_row(0, 32)
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    row = 1
    for number, s in enumerate(document["scenarios"]):
        first = row
        for p in s["frontier"]:
            free = p["headroom_percent"] is not None
            book.row(sheet, row, (s["name"], p["servers"], p["headroom_percent"], p["bound_percent"],
                                  p["free_cores"] if free else None, p["free_gib"] if free else None, p["status"],
                                  ", ".join(p["names"])))
            row += 1
        if row > first:
            chart.add_series({"name": s["name"], "categories": ["Frontier", first, 1, row - 1, 1],
                              "values": ["Frontier", first, 2, row - 1, 2],
                              "line": {"color": _COLOURS[number % 6]},
                              "marker": {"type": "circle", "size": 7, "fill": {"color": _COLOURS[number % 6]}}})
    for column, width in enumerate((34, 9, 14, 10, 10, 10, 11, 60)):
        sheet.set_column(column, column, width)
    if row > 1:
        chart.set_title({"name": "Servers in use against headroom", "name_font": {"size": 12}})
        chart.set_x_axis({"name": "servers in use", "major_unit": 1, "major_gridlines": {"visible": False}})
        chart.set_y_axis({"name": "% of its cores free on every server", "min": 0})
        chart.set_size({"width": 620, "height": 320})
        sheet.insert_chart(row + 1, 0, chart)
    else:
        sheet.write_string(1, 0, "No scenario has a frontier.")


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
        row = _table(book, sheet, row, _SERVER_COLUMNS, scenario["servers"], set_widths=False) + 1
        _table(book, sheet, row, _LPAR_COLUMNS, [_flat(x) for x in scenario["lpars"]], set_widths=True)


def _flat(lpar: Document) -> dict[str, Any]:
    modes = " → ".join(dict.fromkeys(p["mode"] for p in lpar["path"] if p["mode"]))
    return {**lpar, "modes": f"{modes} ({lpar['path'][-1]['when']})" if len(lpar["path"]) > 1 else modes,
            "why": "; ".join(r["reason"] for r in lpar["reasons"]),
            "ratio": lpar["ratio"] if not lpar["not_resized"] else None}


def _table(book: Book, sheet: Any, row: int, columns: Sequence[tuple[str, str, int]], rows: Sequence[Document], *,
           set_widths: bool) -> int:
    book.row(sheet, row, [c[0] for c in columns], book.header)
    sheet.set_row(row, 32)
    two, four = book.format(num_format="#,##0.00"), book.format(num_format="0.0000")
    for number, values in enumerate(rows, row + 1):
        for column, (_, key, _) in enumerate(columns):
            value = values[key]
            style = four if key == "ratio" else two if isinstance(value, float) else None
            book.write(sheet, number, column, value, style)
    if set_widths:
        for column, (_, _, width) in enumerate(columns):
            sheet.set_column(column, column, width)
        sheet.autofilter(row, 0, row + max(len(rows), 1), len(columns) - 1)
    return row + 1 + len(rows)


def _findings(book: Book, document: Document) -> None:
    sheet = book.sheet("Findings")
    book.row(sheet, 0, ("Scenario", "Severity", "About", "Rule", "What was found", "What to do"), book.header)
    row = 1
    for s in document["scenarios"]:
        for f in s["risks"]:
            book.row(sheet, row, (s["name"], f["severity"], f["subject"], f["rule"], f["message"], f["fix"]), book.wrap)
            book.write(sheet, row, 1, f["severity"], {"error": book.bad, "warning": book.warn}.get(f["severity"]))
            lines = max(-(-len(str(t)) // w) for t, w in ((f["message"], 58), (f["fix"], 48), (f["subject"], 24)))
            sheet.set_row(row, 15 * max(lines, 1))
            row += 1
    for column, width in enumerate((26, 10, 26, 22, 60, 50)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(row - 1, 1), 5)


def _assumptions(book: Book, document: Document) -> None:
    sheet = book.sheet("Assumptions")
    sheet.set_column(0, 0, 130)
    row = 0
    for s in document["scenarios"][1:]:
        book.write(sheet, row, 0, s["name"], book.subtitle)
        for text in (*s["rperf"], *s["assumptions"]):
            row += 1
            book.write(sheet, row, 0, text, book.wrap)
        row += 2
    book.write(sheet, row, 0, f"Estate (SHA-256): {document['estate_sha256']}")
