"""A table of past moves (CSV with ``,``, ``;`` or tabs) with the headers of docs/calibrate.md, for ``calibrate``.

Record ``past-moves``, one a row: ``lpar``, ``start`` and ``end`` (times), ``seconds``, ``validation_s``,
``sent_bytes``, ``memory_mib``, ``max_memory_mib``, ``busy_cores``, ``source``, ``target``, ``source_mover``,
``target_mover``, ``link_mbit``, ``console``, ``failed``. Cells that are empty or no value are absent.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from planner.findings import Severity, Source
from planner.formats import values
from planner.formats.base import Format, Reading, Record
from planner.formats.lines import Notes, head

KIND = "past-moves"

_FAILED = {"ok": False, "done": False, "completed": False, "failed": True, "aborted": True}


def _failed(text: str) -> bool:
    if text.casefold() not in _FAILED:
        raise ValueError(f"{values.shown(text)} is none of: {', '.join(_FAILED)}")
    return _FAILED[text.casefold()]


def _number(text: str) -> float:
    number = float(values.decimal_from(text))
    if number < 0:
        raise ValueError(f"{values.shown(text)} is negative")
    return number


#: Header, in small letters and without what stands in brackets → field and what a cell is.
COLUMNS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "lpar": ("lpar", str), "start": ("start", values.time), "end": ("end", values.time),
    "seconds": ("seconds", _number), "validation": ("validation_s", _number), "bytes sent": ("sent_bytes", _number),
    "memory": ("memory_mib", values.gib),
    "max memory": ("max_memory_mib", values.gib), "busy cores": ("busy_cores", _number), "source": ("source", str),
    "target": ("target", str), "source mover": ("source_mover", str), "target mover": ("target_mover", str),
    "link": ("link_mbit", values.whole), "console": ("console", str), "result": ("failed", _failed)}


def _header(cells: list[str]) -> list[str]:
    return [" ".join(re.sub(r"[(].*?[)]", "", cell).casefold().replace("_", " ").split()) for cell in cells]


def _delimiter(line: str) -> str | None:
    """What separates the cells of a header line; None where it is none of this table."""
    for mark in (",", ";", "\t"):
        names = set(_header(line.split(mark)))
        if "lpar" in names and ({"start", "end"} <= names or "seconds" in names):
            return mark
    return None


def recognise(text: str) -> bool:
    """The first line is a header with LPAR, and with Start and End or with Seconds."""
    return any(_delimiter(line.replace('"', "")) for line in head(text.lstrip("\ufeff"), 1))


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record a row; a cell that says nothing usable is told and left out."""
    notes = Notes(file)
    records: list[Record] = []
    body = text.lstrip("\ufeff\n")
    first_line += text.count("\n", 0, len(text) - len(body))
    rows = csv.reader(io.StringIO(body), delimiter=_delimiter(body.split("\n", 1)[0].replace('"', "")) or ",")
    names: list[str] = []
    line = first_line
    with suppress(csv.Error):
        for cells in rows:
            if not names:
                names = _header(cells)
                strange = [name for name in names if name and name not in COLUMNS]
                if strange:
                    notes.add(Severity.WARNING, "input.unknown-column",
                              f"no column of past moves: {', '.join(strange)}",
                              "see docs/calibrate.md for the headers", line)
            elif any(cell.strip() for cell in cells):
                records.append(Record(KIND, _row(names, cells, notes, line), Source(file, line)))
            line = first_line + rows.line_num
    return Reading(KIND, tuple(records), notes.all())


def _row(names: list[str], cells: list[str], notes: Notes, line: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        text = cell.strip()
        if name not in COLUMNS or values.non_value(text) is not None:
            continue
        field, parse = COLUMNS[name]
        try:
            fields[field] = parse(text)
        except ValueError as error:
            notes.bad_value(name, str(error), line)
    return fields


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "moves of the past are for the calibration of the cost model": ((KIND, "*"),),
}

FORMAT = Format(KIND, recognise, read)
