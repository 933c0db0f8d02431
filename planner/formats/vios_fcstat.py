"""``fcstat fcsN`` of a VIOS or of AIX: a Fibre Channel port, its names, speeds and link.

Record ``fcstat``, one a report: ``name`` and its keys as fields (``world_wide_port_name`` of 16 hexadecimal digits,
with or without 0x in the report; ``port_speed_running``, ``port_type``, …), counts of traffic left aside.
"""

from __future__ import annotations

import re

from planner.findings import Source
from planner.formats.base import Format, Reading, Record
from planner.formats.lines import lines, snake

KIND = "fcstat"

_TITLE = re.compile(r"FIBRE CHANNEL STATISTICS REPORT:\s*(\w{1,32})")
_KEY = re.compile(r"(Device Type|World Wide (?:Node|Port) Name|Port Speed \((?:supported|running)\)|Port FC ID"
                  r"|Port Type|Attention Type)\s*:\s*(\S.*)")


def recognise(text: str) -> bool:
    """The title of a report."""
    return _TITLE.search(text[:4096]) is not None


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record a report."""
    records: list[Record] = []
    for number, line in lines(text, first_line):
        title, key = _TITLE.search(line), _KEY.match(line.strip())
        if title:
            records.append(Record(KIND, {"name": title[1]}, Source(file, number)))
        elif key and records:
            value = key[2].strip()
            if key[1].startswith("World Wide"):
                value = value.lower().removeprefix("0x")
            records[-1].fields[snake(key[1])] = value
    return Reading(KIND, tuple(records))


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "speed and names of a port: no rule asks for them": ((KIND, "*"),),
}

FORMAT = Format(KIND, recognise, read)
