"""The capacity workbook for people who live in Excel; a pure function of the figures. See docs/capacity.md."""

from __future__ import annotations

import io

from planner.jobs.capacity.figures import Capacity, show_month
from planner.report.capacity.data import data_sheet
from planner.report.capacity.frame import Tables
from planner.report.capacity.front import answer, front_sheet
from planner.report.capacity.heat import heat_sheet
from planner.report.capacity.levers import levers_sheet
from planner.report.capacity.monthend import day_data_sheet, month_end_sheet
from planner.report.capacity.moves import moves_sheet
from planner.report.capacity.places import pools_sheet, servers_sheet
from planner.report.capacity.plain import capacity_json
from planner.report.capacity.sizes import SIZING, lpars_sheet, sizing_sheet
from planner.report.capacity.trend import trend_data_sheet, trend_sheet
from planner.report.workbook import findings_by_kind
from planner.xlsx import open_book

__all__ = ["answer", "capacity_json", "capacity_workbook"]

_SHEETS = ("Summary", "Levers", "Servers", "Pools", "Trend", "Month-end", "Heat map", "LPARs", SIZING, "Moves",
           "Trend data", "Day data", "Data")


def capacity_workbook(capacity: Capacity) -> bytes:
    """The workbook as an .xlsx file; the same figures give the same bytes."""
    buffer = io.BytesIO()
    with open_book(buffer, f"Capacity at the month-end of {show_month(capacity.month)}") as book:
        sheets = {name: book.sheet(name) for name in _SHEETS if name != "Moves" or capacity.plan}
        sizing = sizing_sheet(book, sheets[SIZING], capacity)
        tables = Tables(*servers_sheet(book, sheets["Servers"], capacity, sizing),
                        *pools_sheet(book, sheets["Pools"], capacity))
        front_sheet(book, sheets["Summary"], capacity, tables, sizing)
        levers_sheet(book, sheets["Levers"], capacity)
        trend = trend_data_sheet(book, sheets["Trend data"], capacity, tables)
        trend_sheet(book, sheets["Trend"], capacity, trend)
        days = day_data_sheet(book, sheets["Day data"], capacity)
        month_end_sheet(book, sheets["Month-end"], capacity, days)
        heat_sheet(book, sheets["Heat map"], capacity, tables.servers)
        lpars_sheet(book, sheets["LPARs"], capacity)
        if capacity.plan:
            moves_sheet(book, sheets["Moves"], capacity, capacity.plan)
        data_sheet(book, sheets["Data"], capacity)
        findings_by_kind(book, capacity.findings, "Findings")
        sheets["Summary"].activate()
    return buffer.getvalue()
