"""Several captures of one site: which is the newest, and where they differ."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from planner.findings import Finding, Severity, Source
from planner.formats.base import Reading, Taken
from planner.formats.capture import BY_FILE
from planner.grouping import grouped

_TOGETHER = 60.0  # seconds: files that were changed so shortly one after another were copied, and say nothing
_ONE_CAPTURE = 3600.0
_MANY = 5
_NEVER = Taken(float("-inf"), "")


class CaptureTimes:
    """When what stands at a place was taken."""

    def __init__(self, readings: Iterable[Reading] = ()) -> None:
        self._files: dict[str, list[tuple[int, Taken]]] = {}
        stated_here = [(r.records[0].source, r.taken) for r in readings if r.records and r.taken]
        together = _copied(taken.at for _, taken in stated_here if taken.by == BY_FILE)
        for source, taken in stated_here:
            if taken.by == BY_FILE:
                taken = Taken(together[taken.at], BY_FILE)
            moments = self._files.setdefault(source.file, [])
            if (0, taken) not in moments:
                moments.append((source.line or 0 if moments else 0, taken))
        for moments in self._files.values():
            moments.sort()

    def of(self, source: Source) -> Taken:
        moments = self._files.get(source.file)
        if not moments:
            return _NEVER
        return moments[max(0, bisect_right(moments, source.line or 0, key=lambda moment: moment[0]) - 1)][1]

    def order(self, source: Source) -> tuple[float, str, int, str]:
        """The newest first; what is equally old by the name of its file, and in one file, a log, the last first."""
        return -self.of(source).at, source.file, -(source.line or 0), source.cell or ""

    def tell(self, one: Source, other: Source) -> bool:
        """Whether it is known which of two places is the newer."""
        return self.of(one).at != self.of(other).at and _NEVER not in (self.of(one), self.of(other))

    def apart(self, one: Source, other: Source) -> tuple[bool, float]:
        """How far apart two places were taken; those in the same file are nearest."""
        between = abs(self.of(one).at - self.of(other).at) if self.tell(one, other) else 0.0
        return one.file != other.file, between

    def long_before(self, one: Source, other: Source) -> bool:
        """Whether a place is of an older capture than another: not minutes, but an hour or more apart."""
        apart = self.of(other).at - self.of(one).at if self.tell(one, other) else 0.0
        return one.file != other.file and apart >= _ONE_CAPTURE

    def shown(self, source: Source) -> str:
        """``hmc1.txt (2026-10-02 10:00, by its name)``."""
        taken = self.of(source)
        try:
            return f"{source.file} ({datetime.fromtimestamp(taken.at, UTC):%Y-%m-%d %H:%M}, {taken.by})"
        except (OverflowError, ValueError, OSError):  # never, or the mark of a damaged archive
            return source.file


def _copied(times: Iterable[float]) -> dict[float, float]:
    """Each time → the last of those that follow one another closely."""
    out: dict[float, float] = {}
    group: list[float] = []
    for at in sorted(set(times)):
        if group and at - group[-1] > _TOGETHER:
            out.update(dict.fromkeys(group, group[-1]))
            group = []
        group.append(at)
    return out | dict.fromkeys(group, group[-1] if group else 0.0)


def newest_first(readings: Sequence[Reading], times: CaptureTimes) -> list[Reading]:
    """The readings in the order in which they count; those without records keep their place at the end."""
    def order(reading: Reading) -> tuple[float, str, int]:
        source = reading.records[0].source
        return -times.of(source).at, source.file, -(source.line or 0)

    full = [r for r in readings if r.records]
    return [*sorted(full, key=order), *(r for r in readings if not r.records)]


# ---- where captures differ -------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Difference:
    """A fact of which two places say something else: ``used`` and ``other`` as a message shows them."""

    subject: str
    what: str
    used: str
    other: str
    at: Source
    where: Source


def differences(stated: Iterable[Difference], times: CaptureTimes) -> list[Finding]:
    """One finding for two files of which one is known to be newer, or that differ in many facts."""
    pairs = grouped(((one.at.file, one.where.file), one) for one in stated
                    if one.at.file != one.where.file or times.tell(one.at, one.where) or None not in (
                        one.at.line, one.where.line))
    return [finding for pair in sorted(pairs) for finding in _of_pair(list(dict.fromkeys(pairs[pair])), times)]


def _of_pair(every: list[Difference], times: CaptureTimes) -> list[Finding]:
    first = every[0]
    dated = times.tell(first.at, first.where)
    which = "first" if first.at.file != first.where.file else "last"
    if not dated and len(every) <= _MANY:
        return [Finding("input.conflict", Severity.WARNING, one.subject, f"{one.what} of {one.subject}: {one.used} "
                        f"here, {one.other} in {one.where}; the {which} is used", "correct one of the two", one.at)
                for one in every]
    shown = "; ".join(f"{one.subject}: {one.what} {one.used}, not {one.other}" for one in every[:_MANY])
    shown += f"; and {len(every) - _MANY} more" if len(every) > _MANY else ""
    if not dated:
        what = f"{first.at.file} and {first.where.file} differ in {len(every)} facts and nothing tells which is newer"
        if which == "last":
            what = f"{first.at.file} states {len(every)} facts twice"
        return [Finding("input.conflict", Severity.WARNING, first.where.file, f"{what}: the {which} is used: {shown}",
                        "leave out the older of the two", first.at)]
    sure = BY_FILE not in (times.of(first.at).by, times.of(first.where).by)
    return [Finding("input.older-capture", Severity.INFO if sure else Severity.WARNING, first.where.file,
                    f"{times.shown(first.where)} is older than {times.shown(first.at)}, which counts: {shown}",
                    "nothing to do if that is so", first.where)]
