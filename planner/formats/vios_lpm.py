"""``lsdev -dev vioslpm0 -attr`` of a VIOS: how many moves it carries at a time, and what it gives each.

Record ``vios-lpm``: each attribute as a whole number. Source: IBM p8hc3_vioslpmpseudo (cfg_msp_lpm_ops from 1 to 8).
"""

from __future__ import annotations

import re

from planner.formats.base import Format, Reading, Record, pick, vios_of
from planner.formats.facts import Intake
from planner.formats.lines import Notes, Raw, head, is_prompt, lines
from planner.formats.values import whole

KIND = "vios-lpm"

_ROW = re.compile(r"([a-z][a-z0-9_]{1,40})\s+(\d{1,9})\s+\S.*\s(?:True|False)")
_OPERATIONS = "cfg_msp_lpm_ops"
_HEADER = ("attribute", "value", "description", "user_settable")


def recognise(text: str) -> bool:
    """The row of the attribute that only this device has."""
    return any(match[1] == _OPERATIONS for line in head(text) if (match := _ROW.fullmatch(line)))


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record; lines that are no attribute are findings."""
    notes = Notes(file)
    raw: Raw = {}
    for number, line in lines(text, first_line):
        match = _ROW.fullmatch(line.strip())
        if match and match[1] in raw:
            notes.twice(match[1], number)
        elif match:
            raw[match[1]] = (match[2], number)
        elif tuple(line.split()) != _HEADER and not is_prompt(line):
            notes.unknown(line, "an attribute of vioslpm0", number)
    fields, places = notes.typed(raw, dict.fromkeys(raw, whole))
    at = min((number for _, number in raw.values()), default=first_line)
    return Reading(KIND, (Record(KIND, fields, notes.source(at), places),) if fields else (), notes.all())


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    values = pick(record, {_OPERATIONS: "max_migrations"})
    if values:
        intake.of_vioses.append((vios_of(record, reading), values, record.source))


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "what a VIOS gives each move; the cost model is fitted to moves": ((KIND, "*"),),
}

FORMAT = Format(KIND, recognise, read, {KIND: _take})
