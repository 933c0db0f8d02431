"""``vasistat -all`` of a VIOS: the migrations that a VASI device carries or carried, for ``calibrate``.

Record ``vios-vasistat``, one for each operation: ``device``, ``number``, ``active``, its keys as fields
(``operation_type``, ``elapsed_time``, ``total_bytes_to_transfer``, ``bytes_left_to_transfer``, …), counts as numbers,
and ``active_operations`` of its device.
"""

from __future__ import annotations

import re
from typing import Any

from planner.findings import Source
from planner.formats.base import Format, Reading, Record
from planner.formats.lines import lines, snake

KIND = "vios-vasistat"

_DEVICE = re.compile(r"VASI STATISTICS \((\w{1,32})\)")
_OPERATION = re.compile(r"Operation #(\d{1,4})(?: \((\w+)\))?:?")
_PAIR = re.compile(r"([A-Z][\w /]{1,60}):\s+(\S.*)")


def recognise(text: str) -> bool:
    """The title of a device."""
    return _DEVICE.search(text[:4096]) is not None


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record an operation; of the device's own counters that of active operations."""
    records: list[Record] = []
    device = ""
    active: dict[str, int] = {}
    for number, line in lines(text, first_line):
        title, operation, pair = _DEVICE.search(line), _OPERATION.match(line.strip()), _PAIR.match(line.strip())
        if title:
            device, active = title[1], {}
        elif operation:
            fields = {"device": device, "number": int(operation[1]), "active": operation[2] == "ACTIVE", **active}
            records.append(Record(KIND, fields, Source(file, number)))
        elif pair and pair[1] == "Active Operations" and pair[2].strip().isdecimal():
            active = {"active_operations": int(pair[2].strip()[:9])}
        elif pair and records:
            value = pair[2].strip()
            known: Any = int(value) if value.isdecimal() and len(value) <= 20 else value
            records[-1].fields[snake(pair[1])] = known
    return Reading(KIND, tuple(records))


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "bytes and state of a move are for the calibration of the cost model": ((KIND, "*"),),
}

FORMAT = Format(KIND, recognise, read)
