"""Listings of an HMC copied from a terminal that wrapped them: lines of its width, each continued by the next.

What is put together again is certain: a record whose lines, joined, are whole pairs of known attributes, none twice; a
header of known names; a row with as many values as its header; a command whose rest can be no output. The lines that
were joined to one stay as empty lines, so that every line keeps its number.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from planner.formats.hmc_attributes import most_known
from planner.formats.hmc_cli import (
    ATTRIBUTE,
    attribute_names,
    coded,
    found_nothing,
    heading,
    names_of,
    other_command,
    parse_command,
)
from planner.formats.values import split_fields

_NARROWEST, _WIDEST = 60, 400
_MOST_LINES = 60

Columns = tuple[tuple[str, ...], str]
"""Names of columns and what separates them."""


def rejoined(text: str) -> tuple[str, int, int]:
    """The text with its wrapped lines joined; how many lines were; the width (0: nothing was wrapped)."""
    lines = text.split("\n")
    width = max(map(len, lines), default=0)
    if not _NARROWEST <= width <= _WIDEST:
        return text, 0, 0
    out, joined = _through(lines, width, _names_go_on)
    if any(before != after and not parse_command(after) for before, after in zip(lines, out, strict=True) if after):
        out, joined = _through(lines, width, _command_goes_on)
    return ("\n".join(out), joined, width) if joined else (text, 0, 0)


GoesOn = Callable[[str, str], bool]
"""Whether a line goes on in the next."""


def _through(lines: list[str], width: int, command_goes_on: GoesOn) -> tuple[list[str], int]:
    """All lines, joined, and how many were."""
    out: list[str] = []
    at, joined, barren = 0, 0, 0
    columns: Columns = ((), "")
    while at < len(lines):
        count, looked = _taken(lines, at, width, columns, command_goes_on) if at >= barren else (1, 1)
        barren = max(barren, at + looked)  # what was looked at in vain is not looked at again
        whole = _joined(lines[at:at + count], width)
        out += [whole, *[""] * (count - 1)]
        columns = _columns(whole, columns)
        joined += count - 1
        at += count
    return out, joined


def _taken(lines: list[str], at: int, width: int, columns: Columns, command_goes_on: GoesOn) -> tuple[int, int]:
    """How many lines from this one on are one, and how many were looked at."""
    if not _is_full(lines[at], width):
        return 1, 1
    first = lines[at].lstrip()
    if parse_command(first):
        count = _more(lines, at, width, command_goes_on)
        return count, count
    if ATTRIBUTE.match(first):
        return _record(lines, at, width)
    if len(names_of(first)[0]) > 2 and most_known(names_of(first)[0]) > 2:
        return _longest(lines, at, width, _is_header)
    if columns[0]:
        return _longest(lines, at, width, lambda row: _values(row, columns[1]) == len(columns[0]))
    return 1, 1


def _is_full(line: str, width: int) -> bool:
    """Whether the terminal may have wrapped it; a copy lacks the blank at which it was wrapped."""
    return width - 1 <= len(line) <= width


def _joined(parts: list[str], width: int) -> str:
    return "".join(part.ljust(width) for part in parts[:-1]) + parts[-1]


def _is_said(line: str) -> bool:
    """A command, a prompt or a message: no rest of anything."""
    line = line.strip()
    return not line or parse_command(line) is not None or other_command(line) is not None or (
        coded(line) is not None or heading(line) is not None or found_nothing(line))


def _more(lines: list[str], at: int, width: int, goes_on: GoesOn) -> int:
    count = 1
    while (_is_full(lines[at + count - 1], width) and at + count < len(lines) and count < _MOST_LINES
           and not _is_said(lines[at + count]) and goes_on(_joined(lines[at:at + count], width), lines[at + count])):
        count += 1
    return count


def _names_go_on(command: str, line: str) -> bool:
    """In quotes that are still open, with further names of -F, or with the rest of the last one."""
    try:
        shlex.split(command)
    except ValueError:
        return True
    now, then = (_names_after(of) for of in (command.lstrip(), command.lstrip() + line))
    if len(now) == len(then):
        return bool(now) and not most_known(now[-1:]) and most_known(then) == len(then)
    return 0 < len(now) < len(then) and most_known(then[:-1]) == len(then) - 1


def _command_goes_on(command: str, line: str) -> bool:
    """As that, or, where other lines show that the terminal wrapped, with what is neither record nor row nor header."""
    return _names_go_on(command, line) or not (
        ATTRIBUTE.match(line) or _is_header(line) or ("," in line and " -" not in f" {line}"))


def _names_after(command: str) -> tuple[str, ...]:
    """The names of -F, none where --header says that they are all there."""
    parsed = parse_command(command.rstrip(",:;"))
    return parsed.columns if parsed and not parsed.header else ()


def _record(lines: list[str], at: int, width: int) -> tuple[int, int]:
    """Lines of a record up to the next one; 1 where what they make is not whole."""
    first = lines[at].lstrip().lstrip('"').partition("=")[0]

    def goes_on(so_far: str, line: str) -> bool:
        last = so_far.rpartition(",")[2]
        return not (line.lstrip().lstrip('"').startswith(f"{first}=") and "=" in last)

    count = _more(lines, at, width, goes_on)
    return (count if count > 1 and _is_record(_joined(lines[at:at + count], width)) else 1), count


def _is_record(line: str) -> bool:
    """Whole pairs of known attributes, none twice."""
    names = attribute_names(line)
    return len(set(names)) == len(names) == most_known(names) > 0 and all("=" in pair for pair in split_fields(line))


def _longest(lines: list[str], at: int, width: int, fits: Callable[[str], bool]) -> tuple[int, int]:
    """The most lines that make something that fits; 1 where the first fits alone or none do."""
    if fits(lines[at]) and (at + 1 == len(lines) or _is_said(lines[at + 1]) or fits(lines[at + 1])):
        return 1, 1
    count = _more(lines, at, width, lambda so_far, line: not fits(so_far) or ("," not in line and ":" not in line))
    return (count if fits(_joined(lines[at:at + count], width)) else 1), count


def _is_header(line: str) -> bool:
    names, _ = names_of(line)
    return len(names) > 2 and most_known(names) == len(names)


def _values(row: str, separator: str) -> int:
    try:
        return len(split_fields(row, separator))
    except ValueError:
        return 0


def _columns(line: str, known: Columns) -> Columns:
    """The columns of the rows below this line."""
    command = parse_command(line.strip())
    if command:
        return command.columns, command.separator
    if other_command(line.strip()) is not None:
        return (), ""
    return names_of(line) if _is_header(line) else known
