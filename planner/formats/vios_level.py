"""``ioslevel``: the level of a VIOS on one line, such as ``2.2.1.4`` or ``2.1.3.0-FP-23``.

Record ``vios-ioslevel``: ``level`` (the text), ``version`` (its four numbers as a tuple, to compare), and
``fix_pack`` (``FP-23``) where one is printed.
"""

from __future__ import annotations

import re
from typing import Any

from planner.formats.base import Format, Reading, Record, stated, vios_of
from planner.formats.facts import Intake
from planner.formats.lines import Notes, head, lines

KIND = "vios-ioslevel"

_LEVEL = re.compile(r"([1-4])\.([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{1,3})(?:[- ]([A-Z]{2}[-A-Za-z0-9. ]{0,30}))?")


def recognise(text: str) -> bool:
    """Nothing but one line that is a level (AIX's own levels begin with 5 or more)."""
    first = head(text)
    return len(first) == 1 and _LEVEL.fullmatch(first[0]) is not None


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """The level; any other line is a finding."""
    notes = Notes(file)
    records: list[Record] = []
    for number, line in lines(text, first_line):
        match = _LEVEL.fullmatch(line.strip())
        if match is None:
            notes.unknown(line, "a level such as 2.2.1.4", number)
        elif records:
            notes.twice("the level", number)
        else:
            records.append(Record(KIND, _fields(match), notes.source(number)))
    if not records:
        notes.missing("a level such as 2.2.1.4", first_line, at_end=True)
    return Reading(KIND, tuple(records), notes.all())


def _fields(match: re.Match[str]) -> dict[str, Any]:
    fields = {"level": match[0], "version": tuple(int(match[n]) for n in range(1, 5))}
    return fields | ({"fix_pack": match[5]} if match[5] else {})


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    level = str(stated(record).get("level", ""))
    intake.of_vioses.append((vios_of(record, reading), {"level": (level, record.source)}, record.source))


FORMAT = Format(KIND, recognise, read, {KIND: _take})


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "parts of the level": (
        ("vios-ioslevel", "fix_pack version"),
    ),
}
