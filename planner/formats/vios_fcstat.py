"""``fcstat fcsN`` of a VIOS or of AIX: a Fibre Channel port, its names, speeds and link.

Record ``fcstat``, one a report: ``name`` and its keys as fields (``world_wide_port_name`` of 16 hexadecimal digits,
with or without 0x in the report; ``port_speed_running``, ``port_type``, …), counts of traffic left aside. The table of
clients that ``vios fcstat VIOS`` prints, a tool around the command, is record ``fcstat-client``, one a port however
often it is printed: ``host``, ``port`` of the VIOS, ``wwpn``, ``client_port``.
"""

from __future__ import annotations

import re

from planner.findings import Source
from planner.formats.base import Format, Reading, Record
from planner.formats.lines import lines, snake

KIND, KIND_CLIENT = "fcstat", "fcstat-client"

_TITLE = re.compile(r"FIBRE CHANNEL STATISTICS REPORT:\s*(\w{1,32})")
_KEY = re.compile(r"(Device Type|World Wide (?:Node|Port) Name|Port Speed \((?:supported|running)\)|Port FC ID"
                  r"|Port Type|Attention Type)\s*:\s*(\S.*)")
_CLIENTS = re.compile(r"^HOSTNAME\s+PHYSDEV\s+WWPN\s+DEV\b", re.MULTILINE)
_CLIENT = re.compile(r"(\S{1,64})\s+(fcs[0-9]{1,3})\s+(?:0x)?([0-9A-Fa-f]{16})\s+(fcs[0-9]{1,3}|-)(?:\s|$)")


def recognise(text: str) -> bool:
    """The title of a report, or the header of the clients' table."""
    return _TITLE.search(text[:4096]) is not None or _CLIENTS.search(text[:4096]) is not None


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record a report, or a client's port."""
    records: list[Record] = []
    clients: dict[tuple[str, ...], Record] = {}
    for number, line in lines(text, first_line):
        if client := _CLIENT.match(line):
            host, port, wwpn, own = client.groups()
            clients.setdefault((host, port, wwpn), Record(KIND_CLIENT, {
                "host": host, "port": port, "wwpn": wwpn.lower(), "client_port": own}, Source(file, number)))
        title, key = _TITLE.search(line), _KEY.match(line.strip())
        if title:
            records.append(Record(KIND, {"name": title[1]}, Source(file, number)))
        elif key and records:
            value = key[2].strip()
            if key[1].startswith("World Wide"):
                value = value.lower().removeprefix("0x")
            records[-1].fields[snake(key[1])] = value
    return Reading(KIND, (*records, *clients.values()))


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "speed and names of a port; whether it serves NPIV, its fabric and what is free of it says lsnports alone": (
        (KIND, "*"),),
    "the port behind a client's WWPN: lsmap -all -npiv states it, with the slot": ((KIND_CLIENT, "*"),),
}

FORMAT = Format(KIND, recognise, read)
