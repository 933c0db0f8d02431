"""The output of a Checkmk agent of AIX: ``<<<section>>>`` lines around the output of plain commands.

Sections whose output is known (``lparstat_aix``) are captures that are read like any; the others are named once.
Record ``checkmk``: ``host``, ``captures``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from planner.findings import Finding, Severity, Source
from planner.formats.base import Format, Reading, Record

KIND = "checkmk"

_SECTION = re.compile(r"^<<<([\w:()-]{1,120})>>>\s*$", re.MULTILINE)
_HOST = re.compile(r"^Hostname:\s*(\S{1,253})", re.MULTILINE)
_KNOWN = ("lparstat_aix",)


def recognise(text: str) -> bool:
    """The agent's first section."""
    return text.lstrip().startswith("<<<check_mk")


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """The captures inside; the names of the sections that are left out."""
    pieces = _SECTION.split(text)
    sections = list(zip(pieces[1::2], pieces[2::2], strict=False))
    host = _HOST.search(text)
    captures = tuple(body for name, body in sections if name.partition(":")[0] in _KNOWN and body.strip())
    others = sorted({name.partition(":")[0] for name, _ in sections} - {*_KNOWN, "check_mk"})
    record = Record(KIND, {"host": host[1] if host else "", "captures": captures}, Source(file, first_line))
    findings = (Finding("input.not-needed", Severity.INFO, file,
                        f"{len(others)} sections of a Checkmk agent that are not read: {', '.join(others[:10])}",
                        "nothing to do", Source(file, first_line)),) if others else ()
    return Reading(KIND, (record,), findings, host=host[1] if host else "")


def _inside(reading: Reading) -> Iterable[str]:
    return (text for record in reading.records for text in record.fields["captures"])


FORMAT = Format(KIND, recognise, read, inside=_inside)
