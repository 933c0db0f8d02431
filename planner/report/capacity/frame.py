"""What all sheets of the capacity workbook share: named tables with formulas, formats, texts with figures."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from planner.jobs.capacity.figures import Capacity, Month
from planner.xlsx import ACCENT, Book

NUMBERS = {
    "cores": "#,##0.00", "tenth": "#,##0.0", "gib": "#,##0.0", "whole": "#,##0", "percent": "0 %", "fine": "0.0 %",
    "time": "yyyy-mm-dd hh:mm", "month": "yyyy-mm", "day": "yyyy-mm-dd", "text": ""}
COLOURS = {"navy": ACCENT, "blue": "#2E75B6", "sky": "#9DC3E6", "red": "#C00000", "gold": "#D9A441",
           "grey": "#A6A6A6", "rule": "#D9D9D9"}
_PIECE = 120
_REFERENCE = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``formula`` (text, or a function of the row that may give ""): ``[Header]`` stands for the
    cell of that column in the same row; ``value`` then gives the result that is stored with it."""

    header: str
    value: Callable[[Any], Any]
    style: str = "text"
    width: float = 10
    formula: str | Callable[[Any], str] = ""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a table stands."""

    sheet: str
    top: int
    left: int
    count: int
    headers: tuple[str, ...]

    @property
    def last(self) -> int:
        """Its last row, from 0."""
        return self.top + max(self.count, 1)

    def letters(self, header: str) -> str:
        """The letters of a column."""
        return letters(self.left + self.headers.index(header))

    def column(self, header: str) -> str:
        """All cells of a column, as a formula on any sheet names them."""
        at = self.letters(header)
        return f"'{self.sheet}'!${at}${self.top + 2}:${at}${self.last + 1}"

    def range(self, header: str) -> str:
        """All cells of a column on its own sheet: ``B5:B9``."""
        at = self.letters(header)
        return f"{at}{self.top + 2}:{at}{self.last + 1}"

    def cells(self, header: str, first: int = 0, last: int | None = None) -> list[Any]:
        """Rows ``first`` to ``last`` of a column, as charts want them."""
        at = self.left + self.headers.index(header)
        end = self.last if last is None else self.top + 1 + last
        return [self.sheet, self.top + 1 + first, at, end, at]


@dataclass(frozen=True, slots=True)
class Tables:
    """Where the figures of servers and pools stand; pools of None: there are none."""

    servers: Written
    outlook: Written
    pools: Written | None
    pools_outlook: Written | None


def letters(column: int) -> str:
    """``0`` → ``A``."""
    return letters(column // 26 - 1) + chr(65 + column % 26) if column >= 26 else chr(65 + column)


def style(book: Book, name: str) -> Any:
    """The cell format of a kind of figure."""
    number = NUMBERS[name]
    if not number:
        return book.format(valign="top", align="left", indent=1)
    left = {"align": "left", "indent": 1} if name in ("time", "month", "day") else {}
    return book.format(num_format=number, valign="top", **left)


def table(book: Book, sheet: Any, top: int, name: str, columns: Sequence[Column], rows: Sequence[Any],
          left: int = 0) -> Written:
    """A named table with filters at (``top``, ``left``); an empty one says so in its only row."""
    written = Written(sheet.get_name(), top, left, len(rows), tuple(c.header for c in columns))
    sheet.add_table(top, left, written.last, left + len(columns) - 1, {
        "name": name, "style": "Table Style Light 15",
        "columns": [{"header": c.header, "header_format": header(book, c.style)} for c in columns]})
    sheet.set_row(top, 48)
    for number, row in enumerate(rows):
        for at, column in enumerate(columns):
            cell(book, sheet, top + 1 + number, left + at, column, row, written)
    if not rows:
        sheet.write_string(top + 1, left, "none")
    return written


def header(book: Book, kind: str) -> Any:
    """A header: over figures in the middle, over words on the left."""
    if kind in ("text", "time", "month", "day"):
        return book.header
    return book.format(bold=True, font_color="#FFFFFF", bg_color=ACCENT, text_wrap=True, valign="vcenter",
                       align="center", border=1, border_color="#BFBFBF")


def cell(book: Book, sheet: Any, at: int, number: int, column: Column, row: Any, written: Written) -> None:
    """One cell of a table: a formula with its result, or a value."""
    formula = column.formula(row) if callable(column.formula) else column.formula
    value = column.value(row)
    look = style(book, column.style)
    if formula:
        here = _REFERENCE.sub(lambda m: f"{written.letters(m[1])}{at + 1}", formula)
        sheet.write_formula(at, number, f"={here}", look, stored(value))
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        sheet.write_datetime(at, number, dt.datetime(value.year, value.month, value.day), look)
    else:
        book.write(sheet, at, number, value, look)


def stored(value: Any) -> Any:
    """A formula's result as the file holds it: dates as day numbers."""
    return serial(value) if isinstance(value, dt.date) else "" if value is None else value


def serial(day: dt.date) -> int:
    """The number by which a workbook knows a day."""
    return (dt.date(day.year, day.month, day.day) - dt.date(1899, 12, 30)).days


def widths(sheet: Any, *tables: Sequence[Column]) -> None:
    """Column widths that suit all tables of a sheet, which begin in its first column."""
    for at in range(max(len(t) for t in tables)):
        sheet.set_column(at, at, max(t[at].width for t in tables if at < len(t)))


def heading(book: Book, sheet: Any, row: int, text: str, said: str = "") -> None:
    """A heading, and below it what the reader must know."""
    sheet.write_string(row, 0, text, book.title if row == 0 else book.subtitle)
    if said:
        note(book, sheet, row + 1, said)


def note(book: Book, sheet: Any, row: int, text: str) -> None:
    """What the reader must know, in a row of its own."""
    sheet.write_string(row, 0, text, book.format(italic=True, font_color="#595959"))


def printed(sheet: Any, last_row: int, last_column: int, repeat: int | None = None, *, wide: int = 1) -> None:
    """What is printed, and the row of headers on each page; on so many pages beside each other the first column on
    each of them."""
    if wide > 1:
        sheet.fit_to_pages(wide, 0)
        sheet.repeat_columns(0)
    sheet.print_area(0, 0, last_row, last_column)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    if repeat is not None:
        sheet.repeat_rows(repeat)


def first_of(month: Month) -> dt.date:
    """The first day of a month."""
    return dt.date(*month, 1)


def fixed(value: float, digits: int) -> str:
    """A figure in a sentence, rounded as FIXED of a workbook does."""
    exact = Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return f"{exact:f}"


def literal(text: str) -> str:
    """A text as a formula holds it: quotation marks twice, and no piece of more than the 255 characters allowed."""
    pieces = [text[n:n + _PIECE].replace('"', '""') for n in range(0, len(text), _PIECE)]
    return "&".join(f'"{piece}"' for piece in pieces) or '""'


def many(number: int, word: str) -> str:
    """``1 server``, ``3 servers``."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def percentile_name(capacity: Capacity) -> str:
    """``p95``."""
    return f"p{float(capacity.levers.percentile):g}"


def chart_base(book: Book, title: str, unit: str, size: tuple[int, int], kind: str = "line", *,
               axis: dict[str, Any] | None = None) -> Any:
    """An empty chart in the house's looks."""
    chart = book.workbook.add_chart({"type": kind})
    chart.set_title({"name": title, "name_font": {"size": 11, "color": COLOURS["navy"]}, "overlay": False})
    chart.set_legend({"position": "bottom", "font": {"size": 9}})
    chart.set_y_axis({"min": 0, "name": unit, "name_font": {"size": 9, "bold": False}, "num_format": "0",
                      "major_gridlines": {"visible": True, "line": {"color": COLOURS["rule"]}}, "line": {"none": True},
                      **(axis or {})})
    chart.set_size({"width": size[0], "height": size[1]})
    return chart


def line(name: str, colour: str, categories: list[Any], values: list[Any], width: float = 2.25,
         dash: str = "solid") -> dict[str, Any]:
    """A line of a chart."""
    return {"name": name, "categories": categories, "values": values,
            "line": {"color": COLOURS[colour], "width": width, "dash_type": dash}}
