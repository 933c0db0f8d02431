"""iCalendar (RFC 5545): what is written into people's calendars. In UTC where the zone is known, else floating."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from planner.history.zones import zone_of
from planner.names import shown

_MOST_OCTETS = 75


class Appointment(NamedTuple):
    """One event in local clock time; without an ``end`` a moment. ``remind_min``: so long before somebody is told."""

    uid: str
    start: dt.datetime
    end: dt.datetime | None
    summary: str
    description: str
    zone: str = ""
    remind_min: int | None = None


def calendar(events: Iterable[Appointment], of: str) -> str:
    """The text of a calendar. ``of``: what makes it, a word."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//planner//{of}//EN", "CALSCALE:GREGORIAN",
             *(line for event in events for line in _lines(event)), "END:VCALENDAR"]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _lines(event: Appointment) -> Iterator[str]:
    """The event; its stamp is its start, so that the same plan gives the same calendar."""
    yield from ("BEGIN:VEVENT", f"UID:{event.uid}@planner", f"DTSTAMP:{_stamp(event.start, event.zone or 'UTC')}",
                f"DTSTART:{_stamp(event.start, event.zone)}")
    if event.end is not None:
        yield f"DTEND:{_stamp(event.end, event.zone)}"
    yield from (f"SUMMARY:{_escaped(event.summary)}", f"DESCRIPTION:{_escaped(event.description)}")
    if event.remind_min is not None:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"TRIGGER:-PT{event.remind_min}M",
                    f"DESCRIPTION:{_escaped(event.summary)}", "END:VALARM")
    yield "END:VEVENT"


def _stamp(clock: dt.datetime, zone: str) -> str:
    if not zone:
        return f"{clock:%Y%m%dT%H%M%S}"
    return f"{clock.replace(tzinfo=zone_of(zone)).astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for char in "\\;,":
        text = text.replace(char, "\\" + char)
    return "\\n".join(shown(line) for line in text.split("\n"))


def _folded(line: str) -> str:
    """No line longer than 75 octets; what follows begins with a space."""
    out, size = "", 0
    for char in line:
        width = len(char.encode())
        if size + width > _MOST_OCTETS:
            out, size = out + "\r\n ", 1
        out, size = out + char, size + width
    return out
