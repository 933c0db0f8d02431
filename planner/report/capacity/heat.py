"""Heat maps: hour × day of the month, one for each server."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

from planner.history.calendar import DayKind
from planner.jobs.capacity.figures import Capacity, PlaceFigures, show_month
from planner.sheets import Written, heading, printed
from planner.units import column_letters
from planner.xlsx import Book

_BLOCK = 29
_TOP = 3
_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def heat_sheet(book: Book, sheet: Any, capacity: Capacity, servers: Written) -> None:
    """The most that each server used in each hour, in cores."""
    heading(book, sheet, 0, f"Hour by hour in {show_month(capacity.month)}",
            "Cores, the most in each hour. Red: all that may be used. Orange days are month-end days, grey ones "
            "weekends and holidays. Empty: nothing recorded yet, or no more.")
    sheet.set_column(0, 0, 7)
    sheet.set_column(1, 31, 4.9)
    for number, place in enumerate(capacity.servers):
        _block(book, sheet, capacity, place, _TOP + number * _BLOCK, servers)
    sheet.set_h_pagebreaks([_TOP + n * _BLOCK for n in range(1, len(capacity.servers))])
    sheet.freeze_panes(0, 1)
    printed(sheet, _TOP + len(capacity.servers) * _BLOCK - 2, 31)


def _block(book: Book, sheet: Any, capacity: Capacity, place: PlaceFigures, top: int, servers: Written) -> None:
    sheet.write_string(top, 0, place.name, book.subtitle)
    sheet.write_string(top, 8, "may be used:", book.format(align="right"))
    usable = (f"=INDEX({servers.column('May be used')},MATCH(\"{place.name.replace(chr(34), chr(34) * 2)}\","
              f"{servers.column('Server')},0))")
    sheet.write_formula(top, 9, usable, book.format(num_format="0.0", bold=True, align="left"), place.usable)
    year, month = capacity.month
    sheet.write_string(top + 1, 0, "Hour", book.header)
    for day in range(1, calendar.monthrange(year, month)[1] + 1):
        _day(book, sheet, capacity, place, top, dt.date(year, month, day))
    for hour in range(24):
        sheet.write_string(top + 3 + hour, 0, f"{hour:02d}:00", book.format(font_size=9, align="right"))
    sheet.write_blank(top + 2, 0, None, book.header)
    last = column_letters(calendar.monthrange(year, month)[1])
    sheet.conditional_format(f"B{top + 4}:{last}{top + 27}", {
        "type": "3_color_scale", "min_type": "num", "min_value": 0, "mid_type": "formula",
        "mid_value": f"=$J${top + 1}*0.6", "max_type": "formula", "max_value": f"=$J${top + 1}",
        "min_color": "#F7FBFF", "mid_color": "#FFE699", "max_color": "#F8696B"})


def _day(book: Book, sheet: Any, capacity: Capacity, place: PlaceFigures, top: int, day: dt.date) -> None:
    kind = capacity.kinds.get(day)
    colour = {DayKind.MONTH_END: "#ED7D31", DayKind.WEEKEND: "#A6A6A6"}.get(kind or DayKind.WORKING, "#1F4E79")
    look = book.format(bold=True, font_color="#FFFFFF", bg_color=colour, align="center", font_size=9)
    sheet.write_number(top + 1, day.day, day.day, look)
    sheet.write_string(top + 2, day.day, _DAYS[day.weekday()], look)
    figures = book.format(num_format="0.0", font_size=9, align="center")
    for hour, value in enumerate(place.heat.get(day, (None,) * 24)):
        if value is not None:
            sheet.write_number(top + 3 + hour, day.day, value / 1000, figures)
