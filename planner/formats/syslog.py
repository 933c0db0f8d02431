"""syslog of AIX and Linux: what it says of past moves (``DRMGR``, ``CLIENT_PMIG_…``, the kernel), for ``calibrate``.

Record ``syslog``, one a line about mobility: ``host``, ``program``, ``text``, ``event`` (``started``, ``completed``,
``aborted``, ``phase`` or ``other``), ``phase`` (``check``, ``pre``, ``kernel``, ``post``) and ``time``: local, or with
the zone that stands there; where the stamp has no year ``stamp`` (``Jan 10 10:45:53``) stands for it. DRMGR lines count
from the start of a PMIG operation to the start of another operation.
"""

from __future__ import annotations

import re
from typing import Any

from planner.findings import Severity, Source
from planner.formats import values
from planner.formats.base import Format, Reading, Record
from planner.formats.lines import Notes, head, lines

KIND = "syslog"

LINE = re.compile(r"([A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\S{0,16}) "
                  r"(\S{1,255}) (.*)")
_PROGRAM = re.compile(r"(?:[a-z0-9]{1,8}[:.][a-z]{1,8} )?([\w./-]{1,40})(?:\[\d{1,10}\])?: ?(.*)")
_OPERATION = re.compile(r"[=~]+\s*(Start|End):\s*(.{1,60}?)\s*[=~]*$")
_PHASE = re.compile(r"\b(CHECK|PRE|KERNEL|POST)\b", re.IGNORECASE)
_PMIG = re.compile(r"PMIG|[Pp]artition [Mm]igration|-c pmig")
_LABELS = {"CLIENT_PMIG_STARTED": "started", "CLIENT_PMIG_DONE": "completed", "CLIENT_PMIG_ABORTED": "aborted",
           "memory transfer completed": "completed", "waiting for memory transfer": "started"}
_ENDS = (("fail", "aborted"), ("abort", "aborted"), ("end:", "completed"), ("success", "completed"))
_FEWEST = 2


def recognise(text: str) -> bool:
    """Two of the first lines stamped as syslog does, or a single line with an entry of the error log on mobility."""
    dated = [bool(LINE.fullmatch(line)) for line in head(text, 5)]
    return sum(dated) >= min(_FEWEST, len(dated)) > 0


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """Lines on mobility in their order; the others are counted."""
    notes = Notes(file)
    records: list[Record] = []
    moving: dict[str, bool] = {}
    others = 0
    for number, line in lines(text, first_line):
        fields = _fields(line, moving)
        if fields is None:
            others += 1
        else:
            records.append(Record(KIND, fields, Source(file, number)))
    if others:
        notes.add(Severity.INFO, "input.not-needed", f"{others} lines that are not about mobility", "nothing to do",
                  first_line)
    return Reading(KIND, tuple(records), notes.all())


def _fields(line: str, moving: dict[str, bool]) -> dict[str, Any] | None:
    """What a line says; None where it is not about a move. ``moving``: the hosts whose DRMGR is at one."""
    match = LINE.fullmatch(line)
    if not match:
        return None
    stamp, host, rest = match.groups()
    named = _PROGRAM.match(rest)
    program, text = (named[1], named[2]) if named else ("", rest)
    drmgr = program.lower().endswith("drmgr")
    operation = _OPERATION.search(text) if drmgr or program == KIND else None
    started = operation is not None and operation[1] == "Start"
    if operation and started:
        moving[host] = _PMIG.search(operation[2]) is not None
    kernel = program == "kernel" and "mobility:" in text
    if not (kernel or _PMIG.search(text) or (drmgr and moving.get(host))):
        return None
    fields: dict[str, Any] = {"host": host, "program": program, "text": text[:400], **_when(stamp)}
    if operation:
        return fields | {"event": "started" if started else "completed"}
    phase = _PHASE.search(text)
    if phase:
        fields["phase"] = phase[1].lower()
    return fields | {"event": _event(text, drmgr=drmgr, phase=phase is not None)}


def _event(text: str, *, drmgr: bool, phase: bool) -> str:
    """What a line says has happened, beside the start of an operation."""
    label = next((event for label, event in _LABELS.items() if label in text), "")
    ended = next((event for word, event in _ENDS if drmgr and word in text.lower()), "")
    return label or ("phase" if phase else ended or "other")


def _when(stamp: str) -> dict[str, Any]:
    try:
        return {"time": values.time(stamp)}
    except ValueError:
        return {"stamp": stamp}


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "moves of the past are for the calibration of the cost model": ((KIND, "*"),),
}

FORMAT = Format(KIND, recognise, read)
