"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rich import text as rich_text
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from planner import names
from planner.report.seen import Text


class Fitting:
    """The first of these whose columns keep their words (``whole``: their lines) whole in the width there is; where
    none does, the last."""

    def __init__(self, *widest_first: RenderableType, whole: bool = False) -> None:
        self.widest_first, self.whole = widest_first, whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield next((one for one in self.widest_first if self._needs(console, options, one) <= options.max_width),
                   self.widest_first[-1])

    def _needs(self, console: Console, options: ConsoleOptions, one: RenderableType) -> int:
        measured = Measurement.get(console, options.update(width=_WIDEST), one)
        return measured.maximum if self.whole else measured.minimum


class Narrowing:
    """One of two by the width of the terminal."""

    def __init__(self, wide: RenderableType, narrow: RenderableType, least: int) -> None:
        self.wide, self.narrow, self.least = wide, narrow, least

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield self.wide if options.max_width >= self.least else self.narrow


_WIDEST = 1000


class WholeWords(Table):
    """A table that breaks no word, name or clock time: where the terminal is too narrow for its columns each row is a
    paragraph, its first cell and then the others with their headers."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        wide = options.update(width=_WIDEST)
        for column in self.columns:
            column.min_width = max(Measurement.get(console, wide, cell).minimum
                                   for cell in (column.header, *column.cells))
        padding = sum(self._get_padding_width(n) for n in range(len(self.columns)))
        if sum(column.min_width or 0 for column in self.columns) + padding <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        if self.title:
            yield Text.from_markup(self.title) if isinstance(self.title, str) else self.title
        heads = [_plain(column.header) for column in self.columns]
        for row in zip(*(column.cells for column in self.columns), strict=True):
            yield Padding(_paragraph(heads, row), (0, 0, 0, 1), expand=False)


def _paragraph(heads: Sequence[str], row: Sequence[RenderableType]) -> Text:
    """A row of a table in a sentence."""
    text = Text("")
    for head, cell in zip(heads, row, strict=True):
        if plain := _plain(cell):
            first = not text.plain
            text.append("" if first else f"; {head} " if head else "; ", "dim")
            text.append(f"{head} " * (first and plain.isdecimal()))
            text.append(plain, "bold" if first else cell.style if isinstance(cell, rich_text.Text) else "")
    return text


def _plain(cell: RenderableType) -> str:
    return " ".join((cell.plain if isinstance(cell, rich_text.Text) else str(cell)).split())


def listing(title: str | rich_text.Text, left: Sequence[str], right: Sequence[str] = ()) -> Table:
    """An empty table: columns of words that may fold, then columns of figures."""
    table = WholeWords(title=title or None, title_justify="left", box=None, header_style="bold")
    for name in left:
        table.add_column(Text(name), overflow="fold")
    for name in right:
        table.add_column(Text(name), justify="right")
    return table


def without_empty(title: str, rows: Sequence[Mapping[str, str]], left: Collection[str], whole: Collection[str],
                  most: int | None = None) -> Table:
    """The first rows (all with the same keys) as a table; columns that are empty in all rows are left out. ``left``:
    columns of words; ``whole``: those that are not folded."""
    table = WholeWords(title=Text(title), title_justify="left", box=None, header_style="bold")
    shown = [name for name in rows[0] if any(row[name] for row in rows)]
    for name in shown:
        widest = max(len(name), *(len(row[name]) for row in rows[:most])) if name in whole else None
        table.add_column(name, overflow="fold", justify="left" if name in left else "right", no_wrap=name in whole,
                         min_width=widest)
    for row in rows[:most]:
        table.add_row(*(Text(names.shown(row[name])) for name in shown))
    return table
