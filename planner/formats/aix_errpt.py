"""``errpt`` and ``errpt -a`` of AIX: the error log's entries on partition mobility, for ``calibrate``.

Record ``aix-errpt``: ``identifier``, ``time`` (local; whole minutes in the short form, whose stamp is MMDDhhmmyy),
``resource``, ``description``, ``event`` (``started``, ``completed``, ``aborted`` or ``other``), and from ``errpt -a``
``label``, ``node``, ``sequence``. Entries about anything else are counted, not kept.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from planner.findings import Severity, Source
from planner.formats.base import Format, Reading, Record
from planner.formats.lines import Notes, head, lines

KIND = "aix-errpt"

_HEADER = re.compile(r"IDENTIFIER\s+TIMESTAMP\s+T\s+C\s+RESOURCE_NAME\s+DESCRIPTION")
_ROW = re.compile(r"([0-9A-F]{8})\s+(\d{10})\s+[A-Z]\s+[A-Z]\s+(\S+)\s+(\S.*)")
_KEY = re.compile(r"(LABEL|IDENTIFIER|Date/Time|Sequence Number|Node Id|Resource Name):\s*(\S.*)")
_NAMES = {"LABEL": "label", "IDENTIFIER": "identifier", "Date/Time": "time", "Sequence Number": "sequence",
          "Node Id": "node", "Resource Name": "resource"}
_EVENTS = {"08917DC6": "started", "A5E6DB96": "completed", "5E075ADF": "aborted"}
_LABELS = {"CLIENT_PMIG_STARTED": "started", "CLIENT_PMIG_DONE": "completed", "CLIENT_PMIG_ABORTED": "aborted"}
_MOBILITY = re.compile(r"pmig|DRMGR|Migration", re.IGNORECASE)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = re.compile(r"\w{3} (\w{3}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) .{0,40}?(\d{4})")


def recognise(text: str) -> bool:
    """The header or a row of the short form, or the first keys of an entry of the long one."""
    first = head(text)
    return any(_HEADER.fullmatch(line) or _ROW.fullmatch(line) for line in first) or (
        any(line.startswith("LABEL:") for line in first) and any(line.startswith("IDENTIFIER:") for line in first))


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """Entries on mobility, newest first as they stand."""
    notes = Notes(file)
    entries: list[tuple[int, dict[str, Any]]] = []
    described = False
    for number, line in lines(text, first_line):
        row, key = _ROW.fullmatch(line.strip()), _KEY.match(line)
        if row:
            entries.append((number, {"identifier": row[1], "time": row[2], "resource": row[3], "description": row[4]}))
        elif key:
            if key[1] == "LABEL" or not entries:
                entries.append((number, {}))
            entries[-1][1][_NAMES[key[1]]] = key[2].strip()
        elif described and entries:
            entries[-1][1].setdefault("description", line.strip())
        described = line.strip() == "Description"
    kept = [Record(KIND, _typed(fields, notes, number), Source(file, number)) for number, fields in entries
            if _MOBILITY.search(" ".join(map(str, fields.values())))]
    if len(kept) < len(entries):
        notes.add(Severity.INFO, "input.not-needed", f"{len(entries) - len(kept)} entries that are not about mobility",
                  "nothing to do", first_line)
    return Reading(KIND, tuple(kept), notes.all())


def _typed(fields: dict[str, Any], notes: Notes, line: int) -> dict[str, Any]:
    fields["event"] = _EVENTS.get(fields.get("identifier", "")) or _LABELS.get(fields.get("label", ""), "other")
    try:
        fields["time"] = _time(str(fields.get("time", "")))
    except ValueError:
        notes.bad_value("time", f"{fields.pop('time', '')!r} is no time of the error log", line)
    return fields


def _time(text: str) -> dt.datetime:
    """``0110104526`` or ``Sat Jan 10 10:45:53 CET 2026``. Raises ValueError."""
    if text.isdecimal() and len(text) == 10:
        month, day, hour, minute, year = (int(text[at:at + 2]) for at in range(0, 10, 2))
        return dt.datetime(2000 + year, month, day, hour, minute)
    match = _TIME.fullmatch(text)
    if not match or match[1] not in _MONTHS:
        raise ValueError(text)
    day, hour, minute, second, year = map(int, match.groups()[1:])
    return dt.datetime(year, _MONTHS.index(match[1]) + 1, day, hour, minute, second)


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "moves of the past are for the calibration of the cost model": ((KIND, "*"),),
}

FORMAT = Format(KIND, recognise, read)
