"""The sheet Energy of plan.xlsx: what is saved, with the tariff and the CO₂ factor as cells that may be changed."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from planner.plan.details import Account
from planner.plan.plan import Plan
from planner.sheets import Column, Written, bars, chart_base, table, widths
from planner.xlsx import Book

_TOP = 12
_COLUMNS = (
    Column("Server", attrgetter("server"), "bold", 30),
    Column("After", lambda r: "off" if r.off else "on", lambda r: "good" if r.off else "text", 12),
    Column("Idle (W)", attrgetter("idle_w"), "tenth", 12),
    Column("Maximum (W)", attrgetter("max_w"), "tenth", 12),
    Column("Watts from", attrgetter("source"), lambda r: "guessed" if r.assumed else "wrap", 44),
    Column("Before (W)", attrgetter("before_w"), "tenth", 13),
    Column("After (W)", attrgetter("after_w"), "tenth", 13),
    Column("Off (h)", attrgetter("off_h"), "tenth", 13),
    Column("Saved (kWh)", attrgetter("saved_kwh"), "tenth", 13),
    Column("Its moves (kWh)", attrgetter("moves_kwh"), "tenth", 13),
)


def energy_sheet(book: Book, plan: Plan) -> None:
    """Totals as formulas over the servers' rows, the rows, and a chart of watts before and after."""
    e = plan.energy
    if e is None:
        return
    sheet = book.sheet("Energy")
    sheet.write_string(0, 0, "Energy", book.title)
    written = table(book, sheet, _TOP, _COLUMNS, e.servers, height=30)
    widths(sheet, _COLUMNS)
    _totals(book, sheet, e, written)
    sheet.freeze_panes(_TOP + 1, 1)
    chart = chart_base(book, "Watts of each server", "", (640, 320), "column")
    for name, header, colour in (("before", "Before (W)", "before"), ("after", "After (W)", "navy")):
        chart.add_series(bars(name, colour, written.cells("Server"), written.cells(header)))
    sheet.insert_chart(written.last + 3, 0, chart)


def _totals(book: Book, sheet: Any, e: Account, written: Written) -> None:
    number, money = book.format(num_format="#,##0.0"), book.format(num_format="#,##0.00")
    entry = book.format(num_format="0.000", bg_color="#FFF2CC", border=1, border_color="#BFBFBF")
    price, co2 = e.tariff_per_kwh or 0.0, e.co2_kg_per_kwh or 0.0
    saved, moves = e.saved.kwh, e.moves.kwh
    for row, (label, value) in enumerate((("Price of a kWh", price), ("CO₂ (kg) of a kWh", co2)), 2):
        sheet.write_string(row, 0, label, book.bold)
        sheet.write_number(row, 1, value, entry)
    sheet.write_string(2, 2, e.currency)
    totals = (
        ("Hours counted", None, e.hours, number),
        ("Saved (kWh)", f"=SUM({written.range('Saved (kWh)')})", saved, number),
        ("Energy of the moves (kWh)", None, moves, number), ("Net (kWh)", "=B6-B7", saved - moves, number),
        (f"Net ({e.currency})", "=B8*B3", (saved - moves) * price, money),
        ("Net CO₂ (kg)", "=B8*B4", (saved - moves) * co2, number))
    for row, (label, formula, value, style) in enumerate(totals, 4):
        sheet.write_string(row, 0, label, book.bold)
        if formula:
            sheet.write_formula(row, 1, formula, style, value)
        else:
            sheet.write_number(row, 1, value, style)
