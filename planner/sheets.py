"""Tables, charts, findings and texts on the sheets of a workbook: the one way in which all workbooks are written."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from textwrap import wrap
from typing import Any, Generic

from typing_extensions import TypeVar

from planner.findings import Finding
from planner.units import column_letters
from planner.xlsx import ACCENT, Book

NUMBERS = {
    "cores": "#,##0.00", "tenth": "#,##0.0", "gib": "#,##0.0", "whole": "#,##0", "percent": "0 %", "fine": "0.0 %",
    "ratio": "0.0000", "id": "0", "exact": "#,##0.##", "time": "yyyy-mm-dd hh:mm", "clock": "yyyy-mm-dd hh:mm:ss",
    "month": "yyyy-mm", "day": "yyyy-mm-dd", "text": ""}
"""Kinds of figures and their formats; exact: as many decimals as there are."""
LOOKS = ("wrap", "bold", "good", "warn", "bad", "guessed")
"""Kinds of cells that are looks of the book."""
COLOURS = {"navy": ACCENT, "blue": "#2E75B6", "sky": "#9DC3E6", "red": "#C00000", "gold": "#D9A441",
           "grey": "#A6A6A6", "rule": "#D9D9D9", "before": "#7F9DB9"}
_WORDS = ("text", "time", "clock", "month", "day", *LOOKS)
Row = TypeVar("Row", default=Any)
_REFERENCE = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column of a table of such rows. ``style``: a kind of NUMBERS or LOOKS, or a function of the row that gives one.
    ``formula`` (text, or a function of the row that may give ""): ``[Header]`` stands for the cell of that column in
    the same row; ``value`` then gives the result that is stored with it."""

    header: str
    value: Callable[[Row], Any]
    style: str | Callable[[Row], str] = "text"
    width: float = 10
    formula: str | Callable[[Row], str] = ""


def keyed(*columns: tuple[str, str, str] | tuple[str, str, str, float]) -> tuple[Column, ...]:
    """Columns of rows of plain data: header, key such as ``now/cores``, kind of figure, width (14)."""
    def get(key: str) -> Callable[[Any], Any]:
        return lambda row: reduce(getitem, key.split("/"), row)

    return tuple(Column(header, get(key), kind, width[0] if width else 14) for header, key, kind, *width in columns)


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
        return self.top + max(self.count, 1)

    def letters(self, header: str) -> str:
        return column_letters(self.left + self.headers.index(header))

    def column(self, header: str) -> str:
        """All cells of a column, as a formula on any sheet names them."""
        at = self.letters(header)
        return f"'{self.sheet}'!${at}${self.top + 2}:${at}${self.last + 1}"

    def lookup(self, header: str, key: str, own: str = "") -> str:
        """A formula: this column's cell in the row known by ``key``, which a row of the other table has in ``own``."""
        return f"INDEX({self.column(header)},MATCH([{own or key}],{self.column(key)},0))"

    def range(self, header: str) -> str:
        """All cells of a column on its own sheet: ``B5:B9``."""
        at = self.letters(header)
        return f"{at}{self.top + 2}:{at}{self.last + 1}"

    def cells(self, header: str, first: int = 0, last: int | None = None) -> list[Any]:
        """Rows ``first`` to ``last`` of a column, as charts want them."""
        at = self.left + self.headers.index(header)
        end = self.last if last is None else self.top + 1 + last
        return [self.sheet, self.top + 1 + first, at, end, at]


def style(book: Book, kind: str) -> Any:
    """The cell format of a kind of figure or of a look."""
    if kind in LOOKS:
        return getattr(book, kind)
    number = NUMBERS[kind]
    if not number:
        return book.format(valign="top", align="left", indent=1)
    left = {"align": "left", "indent": 1} if kind in _WORDS else {}
    return book.format(num_format=number, valign="top", **left)


def table(book: Book, sheet: Any, top: int, columns: Sequence[Column[Row]], rows: Sequence[Row], *, name: str = "",
          left: int = 0, height: float | None = 48, filters: bool = False, empty: str = "none") -> Written:
    """A table at (``top``, ``left``): with a name one of Excel's own, with its filters, else plain headers above rows.

    ``height``: of the headers' row at least, in points. ``empty``: what the only row of a table without rows says.
    """
    written = Written(sheet.get_name(), top, left, len(rows), tuple(c.header for c in columns))
    if name:
        sheet.add_table(top, left, written.last, left + len(columns) - 1, {
            "name": name, "style": "Table Style Light 15",
            "columns": [{"header": c.header, "header_format": _header(book, c.style)} for c in columns]})
    else:
        for at, column in enumerate(columns, left):
            sheet.write_string(top, at, column.header, _header(book, column.style))
    if filters:
        sheet.autofilter(top, left, written.last, left + len(columns) - 1)
    lines = {top: max(_lines(c.header, c.width - _MARGIN) for c in columns)} if columns else {}
    if height:
        lines[top] = max(lines[top], -(-int(height) // _LINE))
    for at, column in enumerate(columns, left):
        _fill(book, sheet, at, column, rows, written, lines)
    for row, most in lines.items():
        sheet.set_row(row, min(_MOST_HIGH, _LINE * most))
    if empty and not rows:
        sheet.write_string(top + 1, left, empty)
    return written


def _header(book: Book, kind: str | Callable[[Any], str]) -> Any:
    """A header: over figures in the middle, over words on the left."""
    if callable(kind) or kind in _WORDS:
        return book.header
    return book.format(bold=True, font_color="#FFFFFF", bg_color=ACCENT, text_wrap=True, valign="vcenter",
                       align="center", border=1, border_color="#BFBFBF")


def _fill(book: Book, sheet: Any, at: int, column: Column, rows: Sequence[Any], written: Written,
          lines: dict[int, int]) -> None:
    """The cells of one column: formulas with their results, or values. ``lines``: row → the lines of its tallest text
    that is wrapped, where they are more than one: only Excel makes such a row grow by itself."""
    same = None if callable(column.style) else style(book, column.style)
    wrapped = (book.wrap, book.guessed)
    for number, row in enumerate(rows, written.top + 1):
        look = style(book, column.style(row)) if callable(column.style) else same
        formula = column.formula(row) if callable(column.formula) else column.formula
        value = column.value(row)
        if formula:
            sheet.write_formula(number, at, _formula(formula, written, number), look, stored(value))
        elif isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            sheet.write_datetime(number, at, dt.datetime(value.year, value.month, value.day), look)
        else:
            book.write(sheet, number, at, value, look)
            if look in wrapped and isinstance(value, str) and (high := _lines(value, column.width - _MARGIN)) > 1:
                lines[number] = max(high, lines.get(number, 1))


def _lines(text: str, characters: float) -> int:
    """Lines that a text takes in a cell of so many characters: words stay whole where they fit."""
    width = max(int(characters), 1)
    return sum(max(1, len(wrap(part, width))) for part in text.split("\n"))


_LINE, _MOST_HIGH = 15, 409
"""Points: of a line; of a row at most."""
_EDGE, _PAGE, _UNSCALED = 0.7, 224, 130
"""Characters: what a column takes beside its width; of a page in landscape, whose lines are then 7 points high; of one
that is printed unscaled."""
_MARGIN = 2.5
"""Characters of a column that its edges and the indent take."""


def _formula(text: str, written: Written, row: int) -> str:
    """A formula of a column as a cell of this row holds it."""
    return "=" + _REFERENCE.sub(lambda m: f"{written.letters(m[1])}{row + 1}", text)


def stored(value: Any) -> Any:
    """A formula's result as the file holds it: dates as day numbers."""
    return serial(value) if isinstance(value, dt.date) else "" if value is None else value


def serial(day: dt.date) -> int:
    """The number by which a workbook knows a day."""
    return (dt.date(day.year, day.month, day.day) - dt.date(1899, 12, 30)).days


def widths(sheet: Any, *tables: Sequence[Column]) -> None:
    """Column widths that suit all tables of a sheet, which begin in its first column; printed on as many pages beside
    each other as it takes to read it, the first column on each."""
    wide = _widest(tables)
    for at, width in enumerate(wide):
        sheet.set_column(at, at, width)
    first, *others = (width + _EDGE for width in wide)
    if first + sum(others) > _PAGE:
        sheet.fit_to_pages(math.ceil(sum(others) / (_PAGE - first)), 0)
        sheet.repeat_columns(0)


def _widest(tables: Sequence[Sequence[Column]]) -> list[float]:
    return [max(t[at].width for t in tables if at < len(t)) for at in range(max(len(t) for t in tables))]


def heading(book: Book, sheet: Any, row: int, text: str, said: str = "", *tables: Sequence[Column]) -> None:
    """A heading, and below it what the reader must know."""
    sheet.write_string(row, 0, text, book.title if row == 0 else book.subtitle)
    if said:
        note(book, sheet, row + 1, said, *tables)


def note(book: Book, sheet: Any, row: int, text: str, *tables: Sequence[Column]) -> None:
    """What the reader must know, in a row of its own; wrapped over the columns of ``tables`` that stand on the first
    page, where they are given."""
    look = {"italic": True, "font_color": "#595959"}
    if tables:
        across, characters = _first_page(tables)
        paragraphs(book, sheet, row, [text], characters, across, look=book.format(text_wrap=True, valign="top", **look))
    else:
        sheet.write_string(row, 0, text, book.format(**look))


def printed(sheet: Any, last_row: int, last_column: int, repeat: int | None = None, *, wide: int = 1) -> None:
    """What is printed, and the row of headers on each page; on so many pages beside each other the first column on
    each of them."""
    if wide > 1:
        sheet.fit_to_pages(wide, 0)
        sheet.repeat_columns(0)
    sheet.print_area(0, 0, last_row, last_column)
    if repeat is not None:
        sheet.repeat_rows(repeat)


def ended(sheet: Any, last_row: int, *tables: Sequence[Column], freeze: tuple[int, int] = (0, 1),
          repeat: int | None = None, wide: int = 1) -> None:
    """What a sheet of tables that begin in its first column ends with: their widths, what stays in sight, what is
    printed: as many columns as the first table has."""
    widths(sheet, *tables)
    sheet.freeze_panes(*freeze)
    printed(sheet, last_row, len(tables[0]) - 1, repeat, wide=wide)


def coloured(sheet: Any, where: str, criteria: str, value: Any, look: Any) -> None:
    """Cells whose figure meets a criterion, in another look."""
    sheet.conditional_format(where, {"type": "cell", "criteria": criteria, "value": value, "format": look})


def chart_base(book: Book, title: str, unit: str, size: tuple[int, int], kind: str = "line", *,
               axis: dict[str, Any] | None = None) -> Any:
    """An empty chart (line, column or scatter) in the house's looks."""
    subtype = {"subtype": "straight_with_markers"} if kind == "scatter" else {}
    chart = book.workbook.add_chart({"type": kind} | subtype)
    chart.set_title({"name": title, "name_font": {"size": 12, "color": COLOURS["navy"]}, "overlay": False})
    chart.set_legend({"position": "bottom", "font": {"size": 11}})
    chart.set_y_axis({"min": 0, "name": unit, "name_font": {"size": 10, "bold": False}, "num_font": {"size": 10},
                      "num_format": "0",
                      "major_gridlines": {"visible": True, "line": {"color": COLOURS["rule"]}}, "line": {"none": True},
                      **(axis or {})})
    chart.set_size({"width": size[0], "height": size[1]})
    return chart


def line(name: str, colour: str, categories: list[Any], values: list[Any], width: float = 2.25,
         dash: str = "solid") -> dict[str, Any]:
    return {"name": name, "categories": categories, "values": values,
            "line": {"color": COLOURS.get(colour, colour), "width": width, "dash_type": dash}}


def points(name: str, colour: str, categories: list[Any], values: list[Any]) -> dict[str, Any]:
    """A line with its points, of a scatter chart."""
    return line(name, colour, categories, values) | {
        "marker": {"type": "circle", "size": 7, "fill": {"color": COLOURS.get(colour, colour)}}}


def bars(name: Any, colour: str, categories: list[Any], values: list[Any], gap: int = 80) -> dict[str, Any]:
    """The columns of one series."""
    return {"name": name, "categories": categories, "values": values, "fill": {"color": COLOURS.get(colour, colour)},
            "gap": gap}


def grown_row(sheet: Any, row: int, texts: Sequence[tuple[str, float]]) -> None:
    """A row high enough for its texts, each with the characters of a line: only Excel makes it grow by itself, and to
    409 points at most."""
    sheet.set_row(row, min(_MOST_HIGH, _LINE * max(1, *(_lines(text, width) for text, width in texts))))


def paragraphs(book: Book, sheet: Any, row: int, texts: Sequence[str], characters: float, across: int = 1,
               left: int = 0, look: Any = None) -> int:
    """Texts below each other over so many columns from ``left`` on, so many characters a line; the row after the
    last. ``look``: one that wraps, else that of wrapped text."""
    for text in map(book.text, texts):
        if across > 1:
            sheet.merge_range(row, left, row, left + across - 1, text, look or book.wrap)
        else:
            sheet.write_string(row, left, text, look or book.wrap)
        grown_row(sheet, row, [(text, characters)])
        row += 1
    return row


def statements(book: Book, sheet: Any, row: int, rows: Iterable[tuple[str, str, Any]],
               *tables: Sequence[Column]) -> int:
    """Rows of label (with its look; None: bold) and text above tables that begin in the first column; the row after the
    last. A text is wrapped over the columns that its page has in every size in which the sheet is printed: what runs on
    is cut at the border of its page."""
    across, characters = _first_page(tables)
    for label, text, look in rows:
        book.write(sheet, row, 0, label, look or book.bold)
        row = paragraphs(book, sheet, row, [text], characters - tables[0][0].width, across=across - 1, left=1)
    return row


def _first_page(tables: Sequence[Sequence[Column]]) -> tuple[int, float]:
    """The columns that the first page has in every size in which tables are printed, and the characters of a line over
    them; two columns at least."""
    wide = [width + _EDGE for width in _widest(tables)]
    across = max((n for n in range(2, len(wide) + 1) if sum(wide[:n]) <= _UNSCALED), default=2)
    return across, sum(wide[:across]) - _MARGIN


def findings_sheet(book: Book, rows: Sequence[Any], of: Callable[[Any], Finding] = lambda row: row, *,
                   before: Sequence[Column] = (), where: bool = True, name: str = "Findings", named: str = "") -> None:
    """A sheet of findings in the order given; columns ``before`` say whose a finding is, ``where`` its place, if
    any has one; ``named``: the name of the table."""
    sheet = book.sheet(name)
    placed = where and any(of(row).source for row in rows)
    columns = (*before, *_finding_columns(of)[:None if placed else -1])
    written = table(book, sheet, 0, columns, rows, name=named, height=None, filters=not named,
                    empty="Nothing was found.")
    ended(sheet, written.last, columns, freeze=(1, 0), repeat=0)


def _finding_columns(of: Callable[[Any], Finding]) -> tuple[Column, ...]:
    looks = {"error": "bad", "assumption": "warn", "warning": "warn"}
    return (
        Column("Severity", lambda r: of(r).severity.value, lambda r: looks.get(of(r).severity.value, "wrap"), 11),
        Column("Subject", lambda r: of(r).subject, "wrap", 20),
        Column("Rule", lambda r: of(r).rule, "wrap", 28),
        Column("What was found", lambda r: of(r).message, "wrap", 70),
        Column("What to do", lambda r: of(r).fix, "wrap", 50),
        Column("Where", lambda r: str(of(r).source or ""), "wrap", 30),
    )
