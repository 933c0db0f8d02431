"""``lsnports`` of a VIOS: the Fibre Channel ports that serve NPIV, and how many virtual ports each has left.

Columns by their header, in any case and padding; ``label`` (from VIOS 3.1.1 on) is free text, by custom the name of
the fabric. Record ``vios-lsnports``: ``name``, ``physloc``, ``fabric`` (a flag: connected to one that knows NPIV),
``tports``, ``aports`` (ports, free ones), ``swwpns``, ``awwpns`` (WWPNs, free ones), ``label``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from planner.findings import Severity
from planner.formats.base import Format, NonValue, Reading, Record, stated, vios_of
from planner.formats.facts import Intake, NpivPort
from planner.formats.lines import Notes, head, is_rule, lines, word
from planner.formats.values import bit, whole

KIND = "vios-lsnports"

_HEADER = re.compile(r"name\s+physloc\s+fabric\s+tports\s+aports(?:\s+\w+)*", re.IGNORECASE)
_PARSERS: dict[str, Callable[[str], Any]] = {
    "fabric": bit, "tports": whole, "aports": whole, "swwpns": whole, "awwpns": whole}


def recognise(text: str) -> bool:
    """The header of ``lsnports``."""
    return any(_HEADER.fullmatch(line) for line in head(text))


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record a port; lines that are none are findings."""
    notes = Notes(file)
    records: list[Record] = []
    names: list[str] = []
    for number, line in lines(text, first_line):
        if _HEADER.fullmatch(line.strip()):
            names = line.lower().split()
        elif names and len(row := line.split(None, len(names) - 1)) >= 5 and row[2].isdecimal():
            raw = {name: (value, number) for name, value in zip(names, row, strict=False)}
            fields, places = notes.typed(raw, _PARSERS | {"label": _label}, row[0])
            records.append(Record(KIND, fields, notes.source(number), places))
        elif not is_rule(line):
            notes.unknown(line, "a port of lsnports", number)
    return Reading(KIND, tuple(records), notes.all())


def _label(text: str) -> Any:
    return NonValue.NONE if text.strip().lower() == "not_supported" else word(text.strip())


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    """Each virtual adapter takes one virtual port and two WWPNs; a port without a fabric serves nobody."""
    have = stated(record)
    if "name" not in have:
        return
    free = [have["aports"]] if "aports" in have else []
    free += [have["awwpns"] // 2] if "awwpns" in have else []
    vios = vios_of(record, reading)
    if have.get("fabric") is False:
        free = [0]
        intake.once(Severity.INFO, "input.no-fabric", str(have["name"]),
                    f"{have['name']} is connected to no fabric that knows NPIV: it serves nobody",
                    "check its cable and its switch", record.source)
    intake.ports.append(NpivPort(vios, str(have["name"]), str(have.get("label", "")), min(free, default=None),
                                 record.source))


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "where the port sits and how much it has in all; what is free is taken": ((KIND, "physloc tports swwpns"),),
}

FORMAT = Format(KIND, recognise, read, {KIND: _take})
