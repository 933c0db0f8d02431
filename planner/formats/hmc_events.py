"""``lssvcevents -t console`` of an HMC: what its log says of migrations, for ``calibrate``.

Record ``hmc-events``, one a line about a migration: ``time`` (local), ``text``, ``event`` (``validated``, ``started``,
``completed``, ``aborted`` or ``other``) and, where the line names them, ``lpar``, ``source``, ``target``. That lines
begin with ``time=`` is real; no line on a migration was seen: events are told by the words of ``migrlpar`` and the log.
"""

from __future__ import annotations

import re
from typing import Any

from planner.findings import Severity, Source
from planner.formats import values
from planner.formats.base import Format, Reading, Record
from planner.formats.lines import Notes, head, lines

KIND = "hmc-events"

_LINE = re.compile(r"time=([0-9/:. -]{14,19}),\"?(?:text=|(?!\w+=))(.*?)\"?$")
_COMMAND = re.compile(r"\bmigrlpar\b.*?\s-o\s+([a-z]+)\b")
_OPTIONS = {"lpar": re.compile(r"\bmigrlpar\b.*?\s-p\s+\"?([^\s\",]{1,100})"),
            "source": re.compile(r"\bmigrlpar\b.*?\s-m\s+\"?([^\s\",]{1,100})"),
            "target": re.compile(r"\bmigrlpar\b.*?\s-t\s+\"?([^\s\",]{1,100})")}
_NAMED = re.compile(r"\b[Pp]artition (?:named? )?\"?([^\s\",;:]{1,100}?)\"?(?=[.,;:]?(?:\s|$))")
_ABOUT = re.compile(r"migrlpar|migrat", re.IGNORECASE)
_OF_NO_LPAR = {"migration", "mobility", "from", "to", "on", "has", "is", "was", "migrate"}
_WORDS = (("aborted", r"fail|abort|stopped|cancel"), ("completed", r"complet|success|finished|ended"),
          ("started", r"start|begin|began|initiat|issued|request"))
_COMMANDS = {"v": "validated", "m": "started", "s": "aborted", "r": "other", "set": "other"}


def recognise(text: str) -> bool:
    """Most of the first lines begin with a time and go on with a text."""
    first = head(text, 5)
    return 0 < len(first) <= 2 * sum(_LINE.match(line) is not None for line in first)


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """The lines on migrations in their order; the others are counted."""
    notes = Notes(file)
    records: list[Record] = []
    others = 0
    for number, line in lines(text, first_line):
        match = _LINE.match(line.strip())
        if match is None or not _ABOUT.search(match[2]):
            others += 1
            continue
        try:
            fields = {"time": values.time(match[1].strip()), **_said(match[2])}
        except ValueError:
            notes.bad_value("time", f"{match[1]!r} is no time of an HMC", number)
            continue
        records.append(Record(KIND, fields, Source(file, number)))
    if others:
        notes.add(Severity.INFO, "input.not-needed", f"{others} lines that are not about migrations", "nothing to do",
                  first_line)
    return Reading(KIND, tuple(records), notes.all())


def _said(text: str) -> dict[str, Any]:
    command = _COMMAND.search(text)
    text = text[:400]
    fields = {name: match[1] for name, pattern in _OPTIONS.items() if (match := pattern.search(text))}
    if not command and (named := next((m[1] for m in _NAMED.finditer(text) if m[1].lower() not in _OF_NO_LPAR), "")):
        fields["lpar"] = named
    rest = text if not command else text[command.end():]
    told = next((event for event, words in _WORDS if re.search(words, rest, re.IGNORECASE)), "")
    if command and told in ("", "started"):
        told = _COMMANDS.get(command[1], "other")
    elif re.search(r"validat", text, re.IGNORECASE) or (command and command[1] == "v"):
        told = "validated" if told == "completed" else "other"
    return fields | {"event": told or "other", "text": text}


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "moves of the past are for the calibration of the cost model": ((KIND, "*"),),
}

FORMAT = Format(KIND, recognise, read)
