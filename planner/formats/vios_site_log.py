"""The log that site scripts write on a VIOS around ``lssea``: firmware, FC ports, mappings and SEAs in one file.

Sections begin with their titles (``Firmware level:``, ``FC info:``, ``NPIV map info:``, ``vSCSI map info:``), then
comes the report of ``lssea``, whose banner names host, system (``IBM,02`` and serial number) and level of the VIOS.
Records: ``vios-log`` (``host``, ``serial_num``, ``level``, ``firmware``, ``captures``) and ``vios-log-sea`` (``name``,
``vlans`` as (virtual switch, VLAN)). An adapter without tags repeats its priority as its only tag, which is no VLAN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from planner.findings import Source
from planner.formats.base import Format, Reading, Record, stated
from planner.formats.facts import Intake, Sea, ViosRef, firmware_of
from planner.formats.lines import lines

KIND = "vios-site-log"

_BANNER = re.compile(r"running lssea on (\S{1,100}) \| IBM,\w\w(\w{5,10}) \| ioslevel (\S{1,20})")
_SYSTEM = re.compile(r"sys0!system:(\w{6,14})")
_SECTION = re.compile(r"([A-Za-z]\w+(?: \w+){0,3} ?(?:info|level|date)|VIOS hostname):\s*")
_SEA = re.compile(r"SEA\s*:\s*(\w{1,32})\s*")
_ADAPTER = re.compile(r"(ent\d+)\s+C\d+\s+\S+-V\d+-C\d+\S*\s+(\d+)\s+(?:True|False)\s+(\d{1,4})\s+(\S+)\s+\S+"
                      r"(?:\s+([\d,]{1,200}))?")
_MAPS = ("NPIV map info", "vSCSI map info", "FC info")


def recognise(text: str) -> bool:
    """The banner of ``lssea``, or the titles above it."""
    return _BANNER.search(text) is not None or ("VIOS hostname:" in text and "map info:" in text)


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """What the log says of its VIOS, the captures in it, and one record a SEA."""
    whole: dict[str, Any] = {}
    captures: dict[str, list[str]] = {}
    seas: list[Record] = []
    title = ""
    for number, line in lines(text, first_line):
        section, banner, sea = _SECTION.fullmatch(line.strip()), _BANNER.match(line), _SEA.fullmatch(line.strip())
        if section or banner:
            title = section[1].strip() if section else ""
        elif title == "VIOS hostname":
            whole.setdefault("host", line.strip())
        elif title in _MAPS:
            captures.setdefault(title, []).append(line)
        if banner:
            whole |= {"host": banner[1], "serial_num": banner[2], "level": banner[3]}
        if sea:
            seas.append(Record("vios-log-sea", {"name": sea[1], "vlans": ()}, Source(file, number)))
        elif adapter := _ADAPTER.match(line.strip()):
            if seas:
                seas[-1].fields["vlans"] += _vlans(adapter)
        elif system := _SYSTEM.match(line):
            whole["firmware"] = firmware_of(system[1])
    whole["captures"] = tuple("\n".join(own) + "\n" for own in captures.values())
    record = Record("vios-log", {k: v for k, v in whole.items() if v}, Source(file, first_line))
    return Reading(KIND, (record, *seas), host=str(whole.get("host", "")))


def _vlans(adapter: re.Match[str]) -> tuple[tuple[str, int], ...]:
    _, priority, port, switch, tags = adapter.groups()
    tagged = [] if tags in (None, priority) else [int(one) for one in str(tags).split(",") if 0 < len(one) < 6]
    return tuple((switch, vlan) for vlan in (int(port), *tagged))


def _ref(record: Record, reading: Reading) -> ViosRef:
    return ViosRef(reading.host, file=record.source.file)


def _take_vios(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    if "level" in have:
        level = {"level": (str(have["level"]), record.source)}
        intake.of_vioses.append((_ref(record, reading), level, record.source))
    if {"serial_num", "firmware"} <= have.keys():
        intake.of_known_systems.append((have["serial_num"], {"firmware": (have["firmware"], record.source)},
                                        record.source))


def _take_sea(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    if have["vlans"]:
        intake.seas.append(Sea(_ref(record, reading), str(have["name"]), have["vlans"], record.source))


def _inside(reading: Reading) -> Iterable[str]:
    return (text for record in reading.records for text in record.fields.get("captures", ()))


FORMAT = Format(KIND, recognise, read, {"vios-log": _take_vios, "vios-log-sea": _take_sea}, inside=_inside)
