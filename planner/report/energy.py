"""The sheet Energy of plan.xlsx: what is saved, with the tariff and the CO₂ factor as cells that may be changed."""

from __future__ import annotations

from planner.plan.plan import Plan
from planner.plan.wire import as_json
from planner.xlsx import Book

_COLUMNS = ("Server", "After", "Idle (W)", "Maximum (W)", "Watts from", "Before (W)", "After (W)", "Off (h)",
            "Saved (kWh)", "Its moves (kWh)")
_TOP = 12


def energy_sheet(book: Book, plan: Plan) -> None:
    """Totals as formulas over the servers' rows, the rows, and a chart of watts before and after."""
    e = as_json(plan.energy) or {}
    sheet = book.sheet("Energy")
    number, money = book.format(num_format="#,##0.0"), book.format(num_format="#,##0.00")
    entry = book.format(num_format="0.000", bg_color="#FFF2CC", border=1, border_color="#BFBFBF")
    guessed = book.format(bg_color="#FFEB9C", font_color="#7F6000", text_wrap=True, valign="top")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 3, 12)
    sheet.set_column(4, 4, 44)
    sheet.set_column(5, 9, 13)
    sheet.write_string(0, 0, "Energy", book.title)
    rows = e["servers"]
    first, last = _TOP + 2, _TOP + 1 + len(rows)
    price, co2 = e["tariff_per_kwh"] or 0.0, e["co2_kg_per_kwh"] or 0.0
    saved, moves = (e[k]["kwh"] for k in ("saved", "moves"))
    for row, (label, value) in enumerate((("Price of a kWh", price), ("CO₂ (kg) of a kWh", co2)), 2):
        sheet.write_string(row, 0, label, book.bold)
        sheet.write_number(row, 1, value, entry)
    sheet.write_string(2, 2, e["currency"])
    totals = (
        ("Hours counted", None, e["hours"], number), ("Saved (kWh)", f"=SUM(I{first}:I{last})", saved, number),
        ("Energy of the moves (kWh)", None, moves, number), ("Net (kWh)", "=B6-B7", saved - moves, number),
        (f"Net ({e['currency']})", "=B8*B3", (saved - moves) * price, money),
        ("Net CO₂ (kg)", "=B8*B4", (saved - moves) * co2, number))
    for row, (label, formula, value, style) in enumerate(totals, 4):
        sheet.write_string(row, 0, label, book.bold)
        if formula:
            sheet.write_formula(row, 1, formula, style, value)
        else:
            sheet.write_number(row, 1, value, style)
    book.row(sheet, _TOP, _COLUMNS, book.header)
    sheet.set_row(_TOP, 30)
    for row, r in enumerate(rows, _TOP + 1):
        book.write(sheet, row, 0, r["server"], book.bold)
        book.write(sheet, row, 1, "off" if r["off"] else "on", book.good if r["off"] else None)
        book.row(sheet, row, (r["idle_w"], r["max_w"]), number, 2)
        book.write(sheet, row, 4, r["source"], guessed if r["assumed"] else book.wrap)
        book.row(sheet, row, (r["before_w"], r["after_w"], r["off_h"], r["saved_kwh"], r["moves_kwh"]), number, 5)
    sheet.freeze_panes(_TOP + 1, 1)
    _chart(book, sheet, len(rows))


def _chart(book: Book, sheet: object, count: int) -> None:
    chart = book.workbook.add_chart({"type": "column"})
    for column, name, colour in ((5, "before", "#7F9DB9"), (6, "after", "#1F4E79")):
        chart.add_series({"name": name, "categories": ["Energy", _TOP + 1, 0, _TOP + count, 0],
                          "values": ["Energy", _TOP + 1, column, _TOP + count, column], "fill": {"color": colour},
                          "gap": 80})
    chart.set_title({"name": "Watts of each server", "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_size({"width": 640, "height": 320})
    sheet.insert_chart(_TOP + count + 3, 0, chart)  # type: ignore[attr-defined]
