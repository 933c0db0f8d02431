"""Usage by hour of day and kind of day, of one LPAR and of sets of them: what planning asks of the history."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.errors import InputError
from planner.estate.model import Lpar, Vios
from planner.findings import Finding, Severity, ordered
from planner.history.calendar import BUCKETS, Bucket, Calendar, DayKind
from planner.history.clock import Clock
from planner.history.contents import STEP_S, Grid
from planner.history.store import History
from planner.units import show_cores

_DAY_S = 86_400
_FIRST_DAY = date(1970, 1, 1).toordinal()
_AT = {bucket: number for number, bucket in enumerate(BUCKETS)}
HISTORY = "history"
ENTITLEMENT = "entitlement"


@dataclass(frozen=True, slots=True)
class UsageProfile:
    """What an LPAR uses in each bucket, at a percentile: ``physc`` in thousandths of a core, ``memory_mib`` MiB.

    ``source`` is ``history`` or, for an LPAR without any, ``entitlement``: then the entitlement and all its memory
    stand in every bucket. ``missing`` are buckets that the history has nothing of; they hold the entitlement or, if
    that is more, what the LPAR uses at the same hour of other days. Memory that no source states is all of it.
    """

    lpar: str
    source: str
    percentile: Fraction
    physc: Mapping[Bucket, int]
    memory_mib: Mapping[Bucket, int]
    missing: tuple[Bucket, ...] = ()
    slots: int = 0
    span_s: int = 0


@dataclass(frozen=True, slots=True)
class BucketSum:
    """A set of LPARs in one bucket. ``value``: the percentile of the sum, slot by slot; ``sum_of_singles``: the sum
    of each one's percentile. ``slots`` were looked at; in ``filled`` of slots × LPARs nothing was known, and the LPAR's
    own percentile (on a server's record: nothing) was taken."""

    value: int
    sum_of_singles: int
    slots: int
    filled: int


def exact_percentile(percentile: float | int | str | Fraction) -> Fraction:
    """A percentile above 0 and up to 100, exactly; raises InputError."""
    try:
        exact = percentile if isinstance(percentile, Fraction) else Fraction(str(percentile))
    except (ValueError, ZeroDivisionError):
        exact = Fraction(0)
    if not 0 < exact <= 100:
        raise InputError([Finding("history.percentile", Severity.ERROR, "percentile",
                                  f"{percentile} is no percentile", "give a number above 0 and up to 100, such as 95")])
    return exact


def at_percentile(values: NDArray[Any], percentile: Fraction) -> int:
    """The nearest-rank percentile: the smallest value that at least that share of the values does not exceed."""
    rank = _rank(len(values), percentile)
    return int(np.partition(values, rank)[rank])


def _rank(count: int, percentile: Fraction) -> int:
    """Which of so many values in their order, counted from 0, is at the nearest rank."""
    return -(-percentile.numerator * count // (percentile.denominator * 100)) - 1


def month_range(clock: Clock, year: int, month: int) -> tuple[int, int]:
    """The beginning and the end of a local month in UTC seconds."""
    first = datetime(year, month, 1)
    return clock.instant(first), clock.instant(first + timedelta(days=months.monthrange(year, month)[1]))


def local_hours(instants: NDArray[np.int64], clock: Clock) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The local day (its ordinal) and hour of each instant (UTC seconds)."""
    days, which = np.unique(instants // _DAY_S, return_inverse=True)
    first = {day: clock.offset_s(day * _DAY_S) for day in {*days.tolist(), *(days + 1).tolist()}}
    offsets = np.array([first[day] for day in days.tolist()], dtype=np.int64)[which]
    for number, day in enumerate(days.tolist()):
        if first[day] != first[day + 1]:  # the clock is put on or back on it
            at = np.flatnonzero(which == number)
            offsets[at] = [clock.offset_s(instant) for instant in instants[at].tolist()]
    local = instants + offsets
    return local // _DAY_S + _FIRST_DAY, local % _DAY_S // 3600


def bucket_numbers(grid: Grid, clock: Clock, site: Calendar) -> NDArray[np.int16]:
    """The number (in ``BUCKETS``) of each slot's bucket: the local hour and day of the slot's middle."""
    days, hours = local_hours(grid.starts + grid.step_s // 2, clock)
    each, which = np.unique(days, return_inverse=True)
    numbers = [[_AT[Bucket(kind, hour)] for hour in range(24)]
               for kind in (site.kind(date.fromordinal(day)) for day in each.tolist())]
    return np.array(numbers, dtype=np.int16).reshape(-1, 24)[which, hours]


def _columns(numbers: NDArray[np.int16]) -> dict[Bucket, NDArray[np.int64]]:
    """Bucket → its slots, for the buckets that have any."""
    slots = {bucket: np.flatnonzero(numbers == number) for bucket, number in _AT.items()}
    return {bucket: columns for bucket, columns in slots.items() if len(columns)}


def _singles(figures: NDArray[np.int32], columns: Mapping[Bucket, NDArray[np.int64]],
             percentile: Fraction) -> tuple[dict[Bucket, int], ...]:
    """For each row its nearest-rank percentile in each bucket of which something is known."""
    singles: tuple[dict[Bucket, int], ...] = tuple({} for _ in figures)
    for bucket, listed in columns.items():
        values = np.sort(figures[:, listed])  # what is not known comes first
        known = (values >= 0).sum(axis=1)
        for row, count in enumerate(known.tolist()):
            if count:
                singles[row][bucket] = int(values[row, len(listed) - count + _rank(count, percentile)])
    return singles


@dataclass(slots=True)
class Profiles:
    """The profiles of an estate's LPARs over one period, and sums over sets of them. Made by :func:`profiles`."""

    percentile: Fraction
    start_s: int
    end_s: int
    by_lpar: Mapping[str, UsageProfile]
    findings: tuple[Finding, ...]
    grid: Grid
    columns: Mapping[Bucket, NDArray[np.int64]]
    _rows: dict[str, int] = field(default_factory=dict)
    _numbers: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, dtype=np.int16))
    """Of each slot, which of the ``columns`` it is in."""

    def __post_init__(self) -> None:
        self._rows = {name: number for number, name in enumerate(self.grid.names)}
        self._numbers = np.zeros(len(self.grid.starts), dtype=np.int16)
        for number, listed in enumerate(self.columns.values()):
            self._numbers[listed] = number

    def profile(self, lpar: str) -> UsageProfile:
        """The profile of one LPAR; raises KeyError for one that is not of the estate."""
        return self.by_lpar[lpar]

    def series(self, lpar: str, what: str = "physc") -> NDArray[np.int32]:
        """An LPAR slot by slot (``grid.starts``), holes filled with its own percentile of the bucket."""
        figures: NDArray[np.int32] = (self.grid.physc if what == "physc" else self.grid.memory_mib)[self._rows[lpar]]
        profile = self.by_lpar[lpar]
        stated = profile.physc if what == "physc" else profile.memory_mib
        own = np.array([stated[bucket] for bucket in self.columns], dtype=np.int32)
        return np.where(figures < 0, own[self._numbers], figures) if len(own) else figures


def profiles(history: History, lpars: Iterable[Lpar | Vios], site: Calendar, *,
             percentile: float | int | str | Fraction = 95, start_s: int | None = None, end_s: int | None = None,
             step_s: int = STEP_S) -> Profiles:
    """The profiles of these LPARs over a period (the whole history where no end is given). Raises InputError."""
    share = exact_percentile(percentile)
    listed = sorted(lpars, key=lambda lpar: lpar.name)
    known = history.extent() or (0, 0)
    begin, end = known[0] if start_s is None else start_s, known[1] if end_s is None else end_s
    grid = history.grid([lpar.name for lpar in listed], begin, end, step_s=step_s)
    columns = _columns(bucket_numbers(grid, history.clock(), site))
    by_lpar: dict[str, UsageProfile] = {}
    said: list[Finding] = []
    cores, memory = (_singles(figures, columns, share) for figures in (grid.physc, grid.memory_mib))
    for number, lpar in enumerate(listed):
        by_lpar[lpar.name] = _profile(lpar, grid, number, share, cores[number], memory[number])
        said += _findings(by_lpar[lpar.name], lpar)
    return Profiles(share, begin, end, by_lpar, ordered(said), grid, columns)


def _profile(lpar: Lpar | Vios, grid: Grid, row: int, percentile: Fraction, physc: Mapping[Bucket, int],
             memory: Mapping[Bucket, int]) -> UsageProfile:
    entitled = lpar.entitlement_units * 10
    missing = tuple(bucket for bucket in BUCKETS if bucket not in physc)
    slots = int((grid.physc[row] >= 0).sum())
    source = HISTORY if physc else ENTITLEMENT
    return UsageProfile(lpar.name, source, percentile, physc=_completed(physc, entitled),
                        memory_mib={bucket: memory.get(bucket, lpar.memory_mib) for bucket in BUCKETS},
                        missing=missing if physc else (), slots=slots, span_s=grid.spans[row])


def _completed(known: Mapping[Bucket, int], entitled: int) -> dict[Bucket, int]:
    """Buckets of which nothing is known: the entitlement, or the most at the same hour of other days."""
    at_hour = [max([entitled, *(known[b] for b in BUCKETS if b.hour == hour and b in known)]) for hour in range(24)]
    return {bucket: known.get(bucket, at_hour[bucket.hour]) for bucket in BUCKETS}


def _findings(profile: UsageProfile, lpar: Lpar | Vios) -> Iterable[Finding]:
    if profile.source == ENTITLEMENT:
        yield Finding("history.missing", Severity.WARNING, profile.lpar,
                      f"no usage history: planned with its entitlement, {show_cores(lpar.entitlement_units)} cores, at "
                      "all times", "add recordings of it to the history")
        return
    kinds = [kind for kind in DayKind if any(bucket.kind is kind for bucket in profile.missing)]
    if kinds:
        yield Finding("history.missing-bucket", Severity.WARNING, profile.lpar,
                      f"no usage known for {len(profile.missing)} of {len(BUCKETS)} buckets (of days of kind "
                      f"{', '.join(kinds)}): its entitlement, or its use at these hours of other days, is taken",
                      "add recordings that cover them")
    if profile.span_s >= 3600:
        yield Finding("history.coarse", Severity.WARNING, profile.lpar,
                      f"its history is of averages over {profile.span_s // 60} minutes, which hide peaks",
                      "add nmon recordings, or count on more than the percentile")


@dataclass(frozen=True, slots=True)
class PeakSum:
    """The most that a set of LPARs uses together, and the sum of the most that each one uses (at a percentile of each
    bucket), in thousandths of a core. ``bucket``: where the sum is highest, the first of equals. ``slots`` are those of
    the period; in ``filled`` of slots × LPARs nothing was recorded, and nothing was added for them."""

    lpars: tuple[str, ...]
    bucket: Bucket
    peak_of_sum: int
    sum_of_peaks: int
    slots: int
    filled: int

    @property
    def difference(self) -> int:
        """What planning with the peak of the sum is worth against planning with the sum of the peaks."""
        return self.sum_of_peaks - self.peak_of_sum


@dataclass(frozen=True, slots=True)
class Figures:
    """Cores or memory of a set of LPARs: each one's percentile by bucket, in the order of the set, and their sums.
    Buckets of which nothing was recorded are absent."""

    singles: tuple[Mapping[Bucket, int], ...]
    sums: Mapping[Bucket, BucketSum]

    def value(self, bucket: Bucket) -> int | None:
        """The percentile of the sum; of one LPAR its own, in which holes have no part. None: nothing was recorded."""
        if bucket not in self.sums:
            return None
        return self.singles[0][bucket] if len(self.singles) == 1 else self.sums[bucket].value


@dataclass(frozen=True, slots=True)
class RecordedUsage:
    """What was recorded of a set of LPARs, without fallback: ``physc`` in thousandths of a core, ``memory`` in MiB.
    A hole adds nothing to a sum and is counted in its ``filled``; ``slots`` and ``filled`` here are of the period."""

    lpars: tuple[str, ...]
    physc: Figures
    memory: Figures
    slots: int
    filled: int

    def peak(self) -> PeakSum:
        """The peak of the sum of cores beside the sum of the peaks."""
        sums = self.physc.sums
        top = max(sums, key=lambda bucket: (sums[bucket].value, -_AT[bucket]))
        return PeakSum(self.lpars, top, sums[top].value,
                       sum(max(single.values(), default=0) for single in self.physc.singles), self.slots, self.filled)


def recorded(history: History, site: Calendar, *, lpars: Sequence[str] | None = None, server: str | None = None,
             month: tuple[int, int] | None = None, percentile: float | int | str | Fraction = 100,
             step_s: int = STEP_S) -> RecordedUsage:
    """What LPARs, or whatever ran on a server, used in a month (else in all the history).

    Raises InputError for a set or a server of which the history knows nothing.
    """
    share = exact_percentile(percentile)
    clock = history.clock()
    begin, end = month_range(clock, *month) if month else (history.extent() or (0, 0))
    names = sorted(set(lpars)) if lpars is not None else history.lpars_on(server or "", begin, end)
    grid = history.grid(names, begin, end, step_s=step_s, server=server)
    if not (grid.physc >= 0).any():
        raise InputError([Finding("history.missing", Severity.ERROR, server or ", ".join(names) or "history",
                                  "no usage of it in the period asked for",
                                  "see what there is with: planner history show --store FILE")])
    columns = _columns(bucket_numbers(grid, clock, site))
    return RecordedUsage(tuple(names), _figures(grid.physc, columns, share), _figures(grid.memory_mib, columns, share),
                    len(grid.starts), int((grid.physc < 0).sum()))


def _figures(figures: NDArray[np.int32], columns: Mapping[Bucket, NDArray[np.int64]], share: Fraction) -> Figures:
    singles = _singles(figures, columns, share)
    total = np.maximum(figures, 0).sum(axis=0, dtype=np.int64)
    holes = (figures < 0).sum(axis=0)
    return Figures(singles, {
        bucket: BucketSum(at_percentile(total[listed], share), sum(single.get(bucket, 0) for single in singles),
                          len(listed), int(holes[listed].sum()))
        for bucket, listed in columns.items() if any(bucket in single for single in singles)})
