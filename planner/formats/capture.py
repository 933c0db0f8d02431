"""When an export was taken and of which system, as far as its text, its name and its folders say.

The time is that of a ``date`` line above it, of the export itself (Atom's ``updated`` and ``published``, ``sys_time``
of an HMC), in the name of the file or a folder, and last that of the file, which only says when it was copied.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from planner.formats import values
from planner.formats.archive import HEAD
from planner.formats.base import Reading, Taken

BY_TEXT, BY_NAME, BY_FILE = "as it says", "by its name", "by the time of the file"

_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_DATE_LINE = re.compile(
    rf"^(?:(?:{_DAYS})[a-z]{{0,6}},? [^\n]{{10,60}}|20[0-9]{{2}}-[01][0-9]-[0-3][0-9][T ][^\n]{{5,30}})$", re.MULTILINE)
_STATED = re.compile(r"<(?:\w{1,20}:)?(?:updated|published)>([^<]{10,40})<|\bsys_time=([0-9/]{10} [0-9:]{8})"
                     r"|\"iso8601\": ?\"([^\"]{10,40})\"")
_STATING = ("updated>", "published>", "sys_time=", '"iso8601"')
_NAMED = re.compile(r"(?<![0-9])(20[0-9]{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12][0-9]|3[01])"
                    r"(?:[T_ .-]{0,2}([01][0-9]|2[0-3])[-_.:h]?([0-5][0-9])(?:[-_.:m]?([0-5][0-9]))?)?(?![0-9])")
_MTMS = re.compile(r"(?<![0-9A-Za-z])([0-9]{4}-?[0-9A-Z]{3})(?:[*_. -]?SN|[*_. -]|%2A)([0-9A-Z]{7})(?![0-9A-Za-z])",
                   re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StatedTimes:
    """The times that a text states, by the lines at which they stand; ``text`` is the rest of it."""

    text: str
    moments: tuple[tuple[int, float], ...] = ()

    def at(self, line: int) -> Taken | None:
        """The last time stated up to a line, else the first of the text."""
        if not self.moments:
            return None
        place = bisect_right(self.moments, line, key=lambda moment: moment[0])
        return Taken(self.moments[max(0, place - 1)][1], BY_TEXT)


def clock(text: str) -> StatedTimes:
    """What ``date`` printed (not in XML and JSON), which is taken out, else what the export says of itself."""
    rest, moments = text, []
    for match in () if text.lstrip()[:1] in "<{[" else _DATE_LINE.finditer(text):
        try:
            moments.append((text.count("\n", 0, match.start()) + 1, _seconds(values.date_line(match[0]))))
        except ValueError:
            continue
        rest = rest[:match.start()] + " " * len(match[0]) + rest[match.end():]
        if len(moments) == 1000:
            break
    return StatedTimes(rest, tuple(moments or _stated(text)))


def _stated(text: str) -> Iterator[tuple[int, float]]:
    start = text[:HEAD]
    match = _STATED.search(start) if any(word in start for word in _STATING) else None
    taken = stated_time(next(one for one in match.groups() if one)) if match else None
    if taken:
        yield 1, taken.at


def stated_time(text: str) -> Taken | None:
    """The time that an export states of itself; None for what is no time."""
    try:
        return Taken(_seconds(values.time(re.sub(r"\.[0-9]{1,9}", "", text.strip()))), BY_TEXT)
    except ValueError:
        return None


def _seconds(at: datetime) -> float:
    """A time whose zone is not named counts as UTC: only differences matter."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def stamped(readings: list[Reading], shown: str, changed: float | None) -> list[Reading]:
    """The readings of a file, each with its time: its own, else that in the name, else that of the file."""
    named = next((m for part in reversed(re.split(r"[/\\]", shown)) if (m := _NAMED.search(part))), None)
    fallback = None if changed is None else Taken(changed, BY_FILE)
    if named:
        try:
            year, month, day, hour, minute, second = (int(named[n] or 0) for n in (1, 3, 4, 5, 6, 7))
            fallback = Taken(_seconds(datetime(year, month, day, hour, minute, second)), BY_NAME)
        except ValueError:  # 30 February
            pass
    return [r if r.taken or not fallback else replace(r, taken=fallback) for r in readings]


def of_samples(reading: Reading) -> Reading:
    """A recording with the time at which it began."""
    first = next((at for r in reading.records if isinstance(at := r.fields.get("time"), datetime)), None)
    return replace(reading, taken=Taken(_seconds(first), BY_TEXT)) if first else reading


def mtms_in(path: str) -> tuple[str, str]:
    """Type-model and serial number in the name of a file or folder, as in ``Server-9117-MMA-SN06A1234``."""
    matches = (m for part in reversed(re.split(r"[/\\]", path)) for m in _MTMS.finditer(part))
    return next(((f"{m[1][:4]}-{m[1][-3:]}".upper(), m[2].upper()) for m in matches), ("", ""))


def system_in(path: str, names: Mapping[str, str]) -> str:
    """The system after which a file is named, or the nearest of its folders: by its MTMS, or a name or serial number
    (keys of ``names``, which give the system's name). "" where none is."""
    model, serial = mtms_in(path)
    if serial:
        return names.get(serial) or f"{model}*{serial}"
    for part in reversed(re.split(r"[/\\]", path)):
        named = [name for name in names if name in part and re.search(
            rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", part)]
        if named:
            return names[max(named, key=lambda name: (len(name), name))]
    return ""
