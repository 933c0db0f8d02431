"""The local clocks that exports print, and the one clock (UTC) that samples are kept on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from planner.formats.samples import ClockNotes
from planner.history.zones import zone_of


class Clock:
    """Local times of one zone to UTC."""

    def __init__(self, zone: str) -> None:
        self.name = zone
        self.zone = zone_of(zone)
        self._plain: dict[date, int | None] = {}

    def instants(self, times: Sequence[datetime], notes: ClockNotes) -> list[int]:
        """UTC seconds of the local times of one series, in its order; a series that mostly goes back is read backwards.

        In the hour that summer time's end repeats, the first pass is assumed until the clock goes back. A time in the
        hour that its start leaves out is read with the offset before the change. Times with an offset stand for
        themselves.
        """
        steps = [after < before for before, after in pairwise(times) if not (before.tzinfo or after.tzinfo)]
        if 2 * sum(steps) > len(steps):
            return self._ascending(times[::-1], notes)[::-1]
        return self._ascending(times, notes)

    def _ascending(self, times: Sequence[datetime], notes: ClockNotes) -> list[int]:
        instants: list[int] = []
        before: datetime | None = None
        in_twice = second = False
        for time in times:
            if time.tzinfo:
                instants.append(int(time.timestamp()))
                continue
            local = time.replace(microsecond=0)
            was_twice, in_twice = in_twice, self._occurs_twice(local)
            if before and local < before and not (was_twice and in_twice and not second):
                notes.back.append((before, local))
            if in_twice and before is None:
                notes.guessed.append(local)
            second = in_twice and was_twice and (second or (before is not None and local <= before))
            instants.append(self._instant(local, second, notes))
            before = local
        return instants

    def _instant(self, local: datetime, second: bool, notes: ClockNotes) -> int:
        offset = self._offset_of_day(local.date())
        if offset is not None:
            return round(local.replace(tzinfo=UTC).timestamp()) - offset
        aware = local.replace(tzinfo=self.zone, fold=1 if second else 0)
        instant = round(aware.timestamp())
        if datetime.fromtimestamp(instant, self.zone).replace(tzinfo=None, fold=0) != local:
            notes.nonexistent.append(local)
        return instant

    def _offset_of_day(self, day: date) -> int | None:
        """The offset in seconds if it is the same all day and around it, else None."""
        if day not in self._plain:
            midnight = datetime(day.year, day.month, day.day)
            hours = (midnight + timedelta(hours=h) for h in range(-3, 28))
            offsets = {hour.replace(tzinfo=self.zone).utcoffset() for hour in hours}
            only = offsets.pop() if len(offsets) == 1 else None
            self._plain[day] = None if only is None else round(only.total_seconds())
        return self._plain[day]

    def _occurs_twice(self, local: datetime) -> bool:
        if self._offset_of_day(local.date()) is not None:
            return False
        first, last = (local.replace(tzinfo=self.zone, fold=f).utcoffset() for f in (0, 1))
        return first is not None and last is not None and first > last

    def local(self, instant_s: int) -> datetime:
        """The local time, without a zone, of an instant."""
        return datetime.fromtimestamp(instant_s, self.zone).replace(tzinfo=None)

    def offset_s(self, instant_s: int) -> int:
        """Seconds by which the local time is ahead of UTC at an instant."""
        offset = datetime.fromtimestamp(instant_s, self.zone).utcoffset()
        assert offset is not None
        return round(offset.total_seconds())

    def instant(self, local: datetime) -> int:
        """UTC seconds of one local time."""
        return self.instants([local], ClockNotes())[0]
