"""``lspartition -dlpar`` of an HMC: which partitions have an RMC connection, two lines each.

``<#0> Partition:<10*9009-42A*78AAA01, host, 192.0.2.10>``, then ``Active:<1>, OS:<AIX, 7.2, 7200-05-09-2446>, …``,
indented or not. Record ``hmc-lspartition``: ``lpar_id``, ``type_model``, ``serial_num``, ``host``, ``ip``, ``active``
(the connection), ``os``, ``os_level``; what is empty there has no field.
"""

from __future__ import annotations

import re
from typing import Any

from planner.findings import Severity
from planner.formats.base import Format, Reading, Record, stated
from planner.formats.facts import Intake, Partition, PartRef, Values, os_of
from planner.formats.lines import Notes, head, lines
from planner.formats.values import whole

KIND = "hmc-lspartition"

_PARTITION = re.compile(r"<#\d{1,6}>\s*Partition:<([^<>]{0,200})>")
_DETAIL = re.compile(r"Active:<(\d)>(?:,\s*OS:<([^<>]{0,200})>)?")


def recognise(text: str) -> bool:
    """The first line of a partition."""
    return any(_PARTITION.match(line) for line in head(text, 20))


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record a partition. The second line may be missing, never the first."""
    notes = Notes(file)
    records: list[Record] = []
    for number, line in lines(text, first_line):
        head_of, detail = _PARTITION.search(line), _DETAIL.search(line)
        if head_of:
            fields = _identity(head_of[1])
            if "lpar_id" in fields:
                records.append(Record(KIND, fields, notes.source(number)))
            else:
                notes.unknown(line, "id*type-model*serial, host, address", number)
        if detail and records:
            records[-1].fields["active"] = detail[1] != "0"
            words = [word.strip() for word in (detail[2] or "").split(",")]
            if words[0]:
                records[-1].fields.update({"os": words[0], "os_level": words[-1]})
        if not head_of and not detail:
            notes.unknown(line, "a partition of lspartition -dlpar", number)
    return Reading(KIND, tuple(records), notes.all())


def _identity(text: str) -> dict[str, Any]:
    place, host, ip = ([word.strip() for word in text.split(",")] + ["", ""])[:3]
    number, _, system = place.partition("*")
    model, _, serial = system.partition("*")
    try:
        stated_here = {"lpar_id": whole(number), "type_model": model, "serial_num": serial, "host": host, "ip": ip}
    except ValueError:
        return {}
    return {name: value for name, value in stated_here.items() if value != ""}


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    values: Values = {}
    if "active" in have:
        values["rmc_active"] = (have["active"], record.source)
    system, level = os_of("", f"{have.get('os', '')} {have.get('os_level', '')}")
    if system and level:
        values |= {"os": (system, record.source), "os_level": (level, record.source)}
    if "serial_num" in have:
        intake.partitions.append(Partition(PartRef(have["serial_num"], have["lpar_id"]), None, values, record.source))
    else:
        intake.once(Severity.WARNING, "input.no-system", record.source.file,
                    "lspartition: partitions without their system are left out", "export it again", record.source)


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "how the console reaches the partition": ((KIND, "type_model host ip"),),
}

FORMAT = Format(KIND, recognise, read, {KIND: _take})
