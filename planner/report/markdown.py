"""Pieces of Markdown that papers are made of: commands, tables, boxes to tick."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from planner.report.text import md

BOX = "☐"
"""To be ticked by hand; in lists it is ``- [ ]``."""


def inline(text: str) -> str:
    """A command within a line of Markdown, whatever is in its names."""
    ticks = max(map(len, re.findall("`+", text)), default=0)
    return f"{'`' * (ticks + 1)}{' ' * (ticks > 0)}{text}{' ' * (ticks > 0)}{'`' * (ticks + 1)}"


def told(command: str) -> str:
    """A command within a line; a remark that stands for one as text."""
    return md(command.removeprefix("# ")) if command.startswith("#") else inline(command)


def in_cell(command: str) -> str:
    """The same within a table, in which an escaped bar is one even in code."""
    return told(command) if command.startswith("#") else inline(command).replace("|", "\\|")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of cells that are Markdown already, without the columns that are empty in all rows; none without rows."""
    listed = list(rows)
    kept = [n for n in range(len(heads)) if any(row[n] for row in listed)]
    if not kept:
        return
    yield f"| {' | '.join(heads[n] for n in kept)} |"
    yield "|" + "---|" * len(kept)
    yield from (f"| {' | '.join(row[n] for n in kept)} |" for row in listed)
    yield ""
