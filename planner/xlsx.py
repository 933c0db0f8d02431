"""A thin hand over XlsxWriter: the house's cell styles, strings that stay strings, the same bytes every time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from planner.names import shown

ACCENT = "#1F4E79"


class Book:
    """An open workbook with the house's formats."""

    def __init__(self, workbook: Any, *, exact: bool = False) -> None:
        self.workbook, self._exact = workbook, exact
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self.header = self.format(bold=True, font_color="#FFFFFF", bg_color=ACCENT, text_wrap=True, valign="vcenter",
                                  border=1, border_color="#BFBFBF")
        self.title = self.format(bold=True, font_size=16, font_color=ACCENT)
        self.subtitle = self.format(bold=True, font_size=12, font_color=ACCENT)
        self.bold = self.format(bold=True, valign="top")
        self.wrap = self.format(text_wrap=True, valign="top", align="left", indent=1)
        self.bad = self.format(bg_color="#F8CBAD", font_color="#9C0006", valign="top")
        self.warn = self.format(bg_color="#FFEB9C", font_color="#7F6000", valign="top")
        self.guessed = self.format(bg_color="#FFEB9C", font_color="#7F6000", text_wrap=True, valign="top", align="left",
                                   indent=1)
        self.good = self.format(bg_color="#C6EFCE", font_color="#006100", valign="top")

    def format(self, **properties: Any) -> Any:
        """A cell format; equal properties give the same object."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(properties)
        return self._formats[key]

    def wrapping(self, look: Any) -> Any:
        """A format of this book for text of several lines."""
        properties = next(key for key, one in self._formats.items() if one is look)
        return self.format(**dict(properties) | {"text_wrap": True})

    def sheet(self, name: str) -> Any:
        """A new sheet, landscape, one page wide when printed."""
        sheet = self.workbook.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer("&L&A&RPage &P of &N")
        return sheet

    def write(self, sheet: Any, row: int, column: int, value: Any, style: Any = None) -> None:
        """Text is always written as text: a name that begins with = never becomes a formula."""
        if value is None:
            if style is not None:
                sheet.write_blank(row, column, None, style)
        elif isinstance(value, bool):
            sheet.write_string(row, column, "yes" if value else "no", style)
        elif isinstance(value, (int, float)):
            sheet.write_number(row, column, value, style)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(row, column, value, style or self.format(num_format="yyyy-mm-dd hh:mm"))
        else:
            sheet.write_string(row, column, self.text(value), style)

    def text(self, value: object) -> str:
        """A value as a cell shows it."""
        return (str(value) if self._exact else shown(str(value), "\n"))[:32767]

    def row(self, sheet: Any, row: int, values: Sequence[Any], style: Any = None, start: int = 0) -> None:
        for index, value in enumerate(values, start):
            self.write(sheet, row, index, value, style)


@contextmanager
def open_book(target: IO[bytes], title: str, mark: str = "", *, exact: bool = False) -> Iterator[Book]:
    """A workbook that is written to ``target`` on leaving; no clock enters it. ``mark``: a remark in its properties.
    ``exact``: it is read again, its texts stand as they are; else what nobody sees in them is shown."""
    import xlsxwriter  # start-up: most commands write no workbook

    workbook = xlsxwriter.Workbook(target, {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    workbook.set_properties({"title": title, "author": "planner", "comments": mark, "created": dt.datetime(2000, 1, 1)})
    yield Book(workbook, exact=exact)
    workbook.close()
