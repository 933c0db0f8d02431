"""One month of the history, slot by slot: what single partitions and sums of them used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.estate.model import Lpar, Vios
from planner.history.calendar import Calendar, DayKind
from planner.history.clock import Clock
from planner.history.contents import STEP_S
from planner.history.monthly import (
    Known,
    Monthly,
    known_of,
    known_percent,
    lacking,
    masks_of,
    month_end_of,
    period_of,
    unknown,
    weighed,
)
from planner.history.profiles import Profiles, at_percentile, local_hours, profiles
from planner.history.store import History
from planner.jobs.capacity.figures import PERCENTILES, Hours, Month, MonthUsage
from planner.jobs.capacity.sizing import Measured


@dataclass(slots=True)
class MonthSeries:
    """A month and the days of its month-end that lie in the next one, as far as the history goes.

    ``in_month``, ``in_end``: which slots are of the calendar month and of its month-end; ``days`` and ``hours`` the
    local day and hour of each. ``end_slots``: how many slots the month-end has in all. ``weights``: the entitlement of
    the partitions that the history has ever met; the others count alike in all months.
    """

    month: Month
    profiles: Profiles
    clock: Clock
    days: NDArray[np.int64]
    hours: NDArray[np.int64]
    in_month: NDArray[np.bool_]
    in_end: NDArray[np.bool_]
    kinds: Mapping[date, DayKind]
    end_slots: int
    absent: frozenset[str]
    weights: Mapping[str, int]
    site: Calendar
    _filled: dict[tuple[str, str], Any] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)

    @property
    def end_known(self) -> bool:
        """Whether the history covers at least half of the month-end."""
        return 2 * int(self.in_end.sum()) >= self.end_slots > 0

    def any_known(self, names: Sequence[str]) -> bool:
        """Whether anything is recorded of any of these partitions in the month."""
        return any((self.known(name) & self.in_month).any() for name in names)

    def series(self, name: str, what: str = "physc") -> NDArray[np.int64]:
        """A partition slot by slot, holes filled; nothing of one that came only later."""
        if name in self.absent:
            return np.zeros(len(self.days), dtype=np.int64)
        if (name, what) not in self._filled:
            self._filled[name, what] = self.profiles.series(name, what)
        row: NDArray[np.int64] = self._filled[name, what]
        return row

    def total(self, names: Iterable[str], what: str = "physc",
              slower: Mapping[str, float] | None = None) -> NDArray[np.int64]:
        """What these partitions use together, slot by slot; those in ``slower`` so many times as much, rounded up."""
        total = np.zeros(len(self.days), dtype=np.int64)
        for name in names:
            times = (slower or {}).get(name)
            total += self.series(name, what) if times is None else np.ceil(self.series(name, what) * times).astype(
                np.int64)
        return total

    def known(self, name: str) -> NDArray[np.bool_]:
        """In which slots something is recorded of a partition."""
        row: NDArray[np.bool_] = self.profiles.grid.physc[self._row(name)] >= 0
        return row

    def _row(self, name: str) -> int:
        if not self._rows:
            self._rows |= {name: number for number, name in enumerate(self.profiles.grid.names)}
        return self._rows[name]

    def span_s(self, name: str) -> int:
        """The usual span of a partition's samples in seconds, 0 without any."""
        return self.profiles.grid.spans[self._row(name)]

    def memory_stated(self, name: str) -> bool:
        """Whether any source states how much memory it uses."""
        return bool((self.profiles.grid.memory_mib[self._row(name)] >= 0).any())

    def usage(self, names: Sequence[str], slower: Mapping[str, float] | None = None) -> MonthUsage:
        """The figures of these partitions together, those in ``slower`` with so many times their cores."""
        total = self.total(names, slower=slower)
        memory = self.total(names, "memory")[self.in_month]
        known = np.zeros(len(total), dtype=bool)
        for name in names:
            known |= self.known(name)
        filled = sum(int((~self.known(name) & self.in_month).sum()) for name in names if name not in self.absent)
        whole = self._usage(total, self.in_month, self.in_end, known, int(memory.max()), filled)
        of = self._known(names, self.in_end)
        return replace(whole, known_percent=known_percent(of, self.weights), lacking=lacking(of))

    def _known(self, names: Iterable[str], slots: NDArray[np.bool_]) -> Known:
        return known_of(self.profiles.grid.physc, {n: self._row(n) for n in names if n in self.weights}, slots)

    def monthly(self, names: Sequence[str], *, alone: bool = False) -> Monthly:
        """The same as a month of a forecast; ``alone``: of one partition, what is recorded only."""
        usage = (self.single(names[0]) if alone else self.usage(names)) if self.any_known(names) else None
        nothing = unknown(self.clock, self.site, self.month, self.profiles.grid.step_s)
        if usage is None:
            return nothing
        known = np.array([self.known(name) for name in names])
        some = known.any(axis=0)
        slots, closing = int((self.in_month & some).sum()), int((self.in_end & some).sum())
        one = replace(
            nothing, mean=usage.mean, p95=usage.high, peak=usage.peak, month_end_peak=usage.month_end, slots=slots,
            missing=nothing.missing - slots, month_end_slots=closing, month_end_missing=self.end_slots - closing,
            partial=int((self.in_month & some & ~known.all(axis=0)).sum()))
        return weighed(one, self._known(names, self.in_month), self._known(names, self.in_end), self.weights)

    def single(self, name: str) -> MonthUsage | None:
        """The figures of one partition, of what is recorded alone; None of one without a record in the month."""
        known = self.known(name)
        if not (known & self.in_month).any():
            return None
        memory = self.profiles.grid.memory_mib[self._row(name)]
        return self._usage(self.profiles.grid.physc[self._row(name)], self.in_month & known, self.in_end & known, known,
                           int(max(memory[self.in_month].max(), 0)), int((~known & self.in_month).sum()))

    def _usage(self, values: NDArray[Any], in_month: NDArray[np.bool_], in_end: NDArray[np.bool_],
               known: NDArray[np.bool_], memory_mib: int, filled: int) -> MonthUsage:
        month, end = np.flatnonzero(in_month), np.flatnonzero(in_end)
        share = self.profiles.percentile
        here, there = values[month], values[end]
        mean = (2 * int(here.sum()) + len(here)) // (2 * len(here))
        enough = 2 * int((in_end & known).sum()) >= self.end_slots > 0
        usage = MonthUsage(
            mean=mean, high=at_percentile(here, share), peak=int(here.max()),
            peak_at=self._when(month[int(here.argmax())]), month_end=None, month_end_at=None,
            memory_mib=memory_mib, slots=int(self.in_month.sum()), filled=filled)
        return usage if not enough else replace(
            usage, month_end=int(there.max()), month_end_at=self._when(end[int(there.argmax())]))

    def _when(self, slot: Any) -> datetime:
        return self.clock.local(int(self.profiles.grid.starts[int(slot)]))

    def measured(self, name: str) -> Measured | None:
        """What right-sizing needs of one partition."""
        known = self.known(name)
        if not known.any():
            return None
        values, memory = self.profiles.grid.physc[self._row(name)], self.profiles.grid.memory_mib[self._row(name)]
        end = self.in_end & known
        need = [at_percentile(values[slots], self.profiles.percentile) for hour in range(24)
                if (slots := end & (self.hours == hour)).any()]
        most = int(memory.max())
        enough = 2 * int(end.sum()) >= self.end_slots > 0 and (
            2 * int((self.in_month & known).sum()) >= int(self.in_month.sum()))
        usual = values[self.in_month & known]
        return Measured(max(need, default=0), int(values.max()), most if most >= 0 else None, enough,
                        tuple(at_percentile(usual, Fraction(p)) if len(usual) else 0 for p in PERCENTILES))

    def by_hour(self, names: Sequence[str]) -> dict[DayKind, Hours]:
        """The percentile of the sum in each hour: days of this month-end, other working days, weekends."""
        total = self.total(names)
        kind_of = np.array([list(DayKind).index(self.kinds[date.fromordinal(d)]) for d in np.unique(self.days)])
        kinds = kind_of[np.unique(self.days, return_inverse=True)[1]]
        by_kind = {}
        for number, kind in enumerate(DayKind):
            slots = self.in_end if kind is DayKind.MONTH_END else self.in_month & (kinds == number)
            by_kind[kind] = tuple(at_percentile(total[at], self.profiles.percentile)
                                  if (at := slots & (self.hours == hour)).any() else None for hour in range(24))
        return by_kind

    def heat(self, names: Sequence[str]) -> dict[date, Hours]:
        """For each day of the month the most in each hour; None where the history has not come or gone that far."""
        total = self.total(names)
        by_day = {}
        for day in np.unique(self.days[self.in_month]).tolist():
            on = self.days == day
            by_day[date.fromordinal(day)] = tuple(int(total[at].max()) if (at := on & (self.hours == hour)).any()
                                                  else None for hour in range(24))
        return by_day


def month_series(history: History, partitions: Sequence[Lpar | Vios], site: Calendar, month: Month, *,
                 percentile: Fraction, first_seen: Mapping[str, int], step_s: int = STEP_S) -> MonthSeries | None:
    """A month of these partitions; None when nothing at all is recorded in it."""
    clock, extent = history.clock(), history.extent()
    begin, last, end = period_of(clock, site, month)
    if extent is None or extent[1] <= begin or extent[0] >= end:
        return None
    profiled = profiles(history, partitions, site, percentile=percentile, start_s=max(begin, extent[0]),
                        end_s=min(last, extent[1]), step_s=step_s)
    days, hours = local_hours(profiled.grid.starts + profiled.grid.step_s // 2, clock)
    in_month, in_end = masks_of(profiled.grid, clock, site, month)
    if not in_month.any() or not (profiled.grid.physc[:, in_month] >= 0).any():
        return None
    whole = sum(stop - start for start, stop in month_end_of(clock, site, month)) // profiled.grid.step_s
    absent = frozenset(n for n, first in first_seen.items() if first >= last)
    kinds = {date.fromordinal(d): site.kind(date.fromordinal(d)) for d in np.unique(days).tolist()}
    weights = {p.name: p.entitlement_units for p in partitions if p.name in first_seen}
    return MonthSeries(month=month, profiles=profiled, clock=clock, days=days, hours=hours, in_month=in_month,
                       in_end=in_end, kinds=kinds, end_slots=whole, absent=absent, weights=weights, site=site)
