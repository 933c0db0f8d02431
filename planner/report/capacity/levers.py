"""The sheet of assumptions: what a person may change, and everything that was assumed."""

from __future__ import annotations

from typing import Any

from planner.jobs.capacity.figures import PERCENTILES, Capacity, show_month
from planner.report.capacity.frame import first_of
from planner.sheets import NUMBERS, heading, paragraphs, printed, serial
from planner.xlsx import Book

SHEET = "Levers"
_WHICH = ("odd", "all")


def levers_sheet(book: Book, sheet: Any, capacity: Capacity) -> None:
    """Cells that other sheets' formulas look at, each with a defined name; the assumptions below them."""
    heading(book, sheet, 0, "Levers and assumptions",
            "Change a yellow cell: headroom, dates, charts and right-sizing follow; the forecast ('as made') does not.")
    book.row(sheet, 3, ("What", "Value", "Name", "What it does"), book.header)
    rows = _levers(capacity)
    for row, (label, name, value, number, does) in enumerate(rows, 4):
        entry = name != "report_month"
        look = book.format(num_format=NUMBERS[number], align="right", valign="top", **(
            {"bg_color": "#FFF2CC", "font_color": "#0000FF", "border": 1, "border_color": "#BFBFBF"} if entry else {}))
        top = book.format(valign="top", align="left", indent=1)
        sheet.write_string(row, 0, label, book.wrap)
        book.write(sheet, row, 1, value, look)
        sheet.write_string(row, 2, name, top)
        sheet.write_string(row, 3, does, book.wrap)
        if len(does) > 98:
            sheet.set_row(row, 30)
        book.workbook.define_name(name, f"={SHEET}!$B${row + 1}")
        if entry:
            sheet.data_validation(row, 1, row, 1, _allowed(name))
    last = 5 + len(rows)
    heading(book, sheet, last, "Assumptions")
    paragraphs(book, sheet, last + 1, capacity.assumptions, 145, across=4)
    for at, width in enumerate((38, 12, 20, 90)):
        sheet.set_column(at, at, width)
    sheet.freeze_panes(4, 0)
    printed(sheet, last + len(capacity.assumptions), 3)


def _levers(capacity: Capacity) -> tuple[tuple[str, str, Any, str, str], ...]:
    levers = capacity.levers
    growth = None if levers.growth is None else levers.growth / 100
    return (
        ("Ceiling, processors", "cpu_ceiling", levers.cpu_ceiling / 100, "percent",
         "Share of a server's or pool's cores that may be used at the month-end peak, unless a policy states its own."),
        ("Ceiling, memory", "memory_ceiling", levers.memory_ceiling / 100, "percent",
         "Share of a server's memory that may be allocated, unless a policy states its own."),
        ("Growth a month, all servers and pools", "growth_override", growth, "fine",
         "Empty: each one's own, as the forecast has it. A value here (2 %) holds for all; 0 % is no growth."),
        ("Right-sizing margin, production", "margin_production", levers.margin_production / 100, "percent",
         "On top of what was used, for processors and memory of production LPARs."),
        ("Right-sizing margin, others", "margin_other", levers.margin_other / 100, "percent",
         "The same for all other LPARs."),
        ("Right-sizing, entitlement of production", "entitle_production", levers.entitle_production, "whole",
         "Percentile of the month (50, 80 or 95) that an uncapped LPAR is entitled to; the pool carries the rest."),
        ("Right-sizing, entitlement of others", "entitle_other", levers.entitle_other, "whole",
         "The same for all other LPARs."),
        ("Right-sizing for", "right_size", "all" if levers.propose_all else "odd", "text",
         "odd: proposals where what an LPAR has is odd; all: for every LPAR."),
        ("Right-sizing step (cores)", "entitlement_step", levers.step_units / 100, "cores",
         "Entitlements are rounded up to a multiple of it."),
        ("Least memory of an LPAR (GiB)", "least_memory", levers.least_memory_mib / 1024, "gib",
         "Right-sizing proposes no less."),
        (f"Month of this report ({show_month(capacity.month)})", "report_month", serial(first_of(capacity.month)),
         "month", "For reading only: dates are counted from it."),
    )


def _allowed(name: str) -> dict[str, Any]:
    if listed := {"entitle_production": PERCENTILES, "entitle_other": PERCENTILES, "right_size": _WHICH}.get(name):
        return {"validate": "list", "source": list(listed), "error_title": name,
                "error_message": f"Give one of {', '.join(map(str, listed))}."}
    low, high = {"cpu_ceiling": (0.01, 1), "memory_ceiling": (0.01, 1), "growth_override": (-0.5, 1),
                 "entitlement_step": (0.01, 1), "least_memory": (0.25, 1024)}.get(name, (0, 5))
    shown = f"{low} to {high}" if name in ("entitlement_step", "least_memory") else f"{low:.0%} to {high:.0%}"
    return {"validate": "decimal", "criteria": "between", "minimum": low, "maximum": high, "ignore_blank": True,
            "error_title": name, "error_message": f"Give a value from {shown}."}
