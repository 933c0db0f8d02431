"""Month by month: mean, percentile, peak and month-end peak of LPARs and of what runs together; what forecasts use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from planner.history.calendar import Calendar
from planner.history.clock import Clock
from planner.history.contents import STEP_S, Grid
from planner.history.profiles import at_percentile, exact_percentile, month_range
from planner.history.store import History

MonthOf = tuple[int, int]
#: Called with the number of months asked for and of months in all.
Progress = Callable[[int, int], None]
P95 = exact_percentile(95)
#: Of a month's slots (for a month-end peak: of the month-end's) so many must be known for its figure to count.
LEAST_KNOWN = 0.5
#: Of several LPARs together so many per cent must be known, or their sum is of some only and says nothing of all.
LEAST_PERCENT = 90


@dataclass(frozen=True, slots=True)
class Monthly:
    """One month of an LPAR, or of a set of LPARs together slot by slot. Thousandths of a core; None: nothing is known.

    ``mean``, ``p95`` (nearest rank) and ``peak`` are of the calendar month, ``month_end_peak`` is of its month-end:
    the last working days of the month and the first ones of the next (:meth:`Calendar.month_end`). ``slots`` were
    known of at least one LPAR, ``missing`` of none; ``partial`` of some only: an LPAR without a figure adds nothing.
    ``month_end_slots`` and ``month_end_missing`` are the same of the month-end.

    ``known_percent`` and ``month_end_known_percent``: in the slots of which anything is known, so much is known of all
    LPARs that are to be counted, each by its weight. ``lacking``: those of which less than ``LEAST_PERCENT`` is.
    """

    month: MonthOf
    mean: int | None
    p95: int | None
    peak: int | None
    month_end_peak: int | None
    slots: int
    missing: int
    month_end_slots: int
    month_end_missing: int
    partial: int
    known_percent: int = 100
    month_end_known_percent: int = 100
    lacking: tuple[str, ...] = ()

    def counts(self, figure: str = "month_end_peak") -> bool:
        """Whether enough of it is known (``LEAST_KNOWN``, ``LEAST_PERCENT``) for a figure to stand for the month."""
        return self._long_enough(figure) and not self.of_some(figure)

    def of_some(self, figure: str = "month_end_peak") -> bool:
        """Whether it is long enough, but too little is known of some LPARs for a figure to stand for all of them."""
        percent = self.month_end_known_percent if figure == "month_end_peak" else self.known_percent
        return self._long_enough(figure) and percent < LEAST_PERCENT

    def _long_enough(self, figure: str) -> bool:
        known, missing = ((self.month_end_slots, self.month_end_missing) if figure == "month_end_peak"
                          else (self.slots, self.missing))
        return known > 0 and known >= LEAST_KNOWN * (known + missing)


#: The slots of which anything is known, and LPAR → those in which it is.
Known = tuple[int, Mapping[str, int]]

FIGURES = tuple(f.name for f in fields(Monthly))[1:5]


def months_of(history: History) -> tuple[MonthOf, ...]:
    """The local calendar months from the first sample to the last, those without any between them included."""
    extent = history.extent()
    if extent is None:
        return ()
    clock = history.clock()
    first, last = clock.local(extent[0]), clock.local(extent[1] - 1)
    return tuple(month_at(number) for number in range(number_of((first.year, first.month)),
                                                      number_of((last.year, last.month)) + 1))


def number_of(month: MonthOf) -> int:
    """Months since the year 0: consecutive months are consecutive numbers."""
    return month[0] * 12 + month[1] - 1


def month_at(number: int) -> MonthOf:
    """The month of a number."""
    return number // 12, number % 12 + 1


def monthly(history: History, site: Calendar, *, lpars: Iterable[str] | None = None, server: str | None = None,
            months: Sequence[MonthOf] | None = None, step_s: int = STEP_S,
            progress: Progress | None = None) -> list[Monthly]:
    """The months of a set of LPARs together (one LPAR is a set too), wherever they ran; or of what ran on a server.

    The members of a processor pool are a set of LPARs. With both, of these LPARs what they used on that server.
    ``months``: all from the first sample to the last where none are given. A month of which nothing is known is there
    with None. Of a server ``partial`` counts an LPAR also while it was elsewhere.
    """
    names = None if lpars is None else sorted(set(lpars))
    figures = []
    for month in _watched(months_of(history) if months is None else months, progress):
        begin, end, _ = period_of(history.clock(), site, month)
        there = history.lpars_on(server or "", begin, end) if names is None else names
        grid = history.grid(there, begin, end, step_s=step_s, server=server)
        figures.append(_monthly(grid, range(len(there)), history.clock(), site, month))
    return figures


def monthly_sets(history: History, site: Calendar, sets: Mapping[str, Iterable[str]], *,
                 months: Sequence[MonthOf] | None = None, step_s: int = STEP_S,
                 progress: Progress | None = None) -> dict[str, list[Monthly]]:
    """Many sets of LPARs at once (name → LPARs): the store is asked once for each month. See :func:`monthly`."""
    listed = {name: sorted(set(lpars)) for name, lpars in sets.items()}
    names = sorted({lpar for lpars in listed.values() for lpar in lpars})
    rows = {lpar: number for number, lpar in enumerate(names)}
    figures: dict[str, list[Monthly]] = {name: [] for name in listed}
    for month in _watched(months_of(history) if months is None else months, progress):
        begin, end, _ = period_of(history.clock(), site, month)
        grid = history.grid(names, begin, end, step_s=step_s)
        for name, lpars in listed.items():
            figures[name].append(_monthly(grid, [rows[lpar] for lpar in lpars], history.clock(), site, month))
    return figures


def monthly_servers(history: History, site: Calendar, *, months: Sequence[MonthOf] | None = None,
                    step_s: int = STEP_S, progress: Progress | None = None) -> dict[str, list[Monthly]]:
    """The months of what ran on each server that the history names, with how much is known of it.

    An LPAR is expected where it is recorded in a month; without any record in it, where it was last recorded before,
    else where it is recorded first. Its weight is what it uses in the mean of all months.
    """
    listed = tuple(months_of(history) if months is None else months)
    expected = _expected(history, site, listed)
    names = history.names()
    rows = {name: number for number, name in enumerate(names)}
    used: dict[str, list[int]] = {name: [0, 0] for name in names}
    known: dict[str, list[tuple[Known, Known]]] = {server: [] for server in expected}
    made: dict[str, list[Monthly]] = {server: [] for server in expected}
    for number, month in enumerate(_watched(listed, progress)):
        begin, end, _ = period_of(history.clock(), site, month)
        grid = history.grid(names, begin, end, step_s=step_s)
        _add_up(grid, used)
        for server, by_month in expected.items():
            there = sorted(by_month[number])
            known[server].append(_known(grid, {name: rows[name] for name in there}, history.clock(), site, month))
            made[server] += monthly(history, site, server=server, months=[month], step_s=step_s)
    weights = {name: -(-total // max(1, slots)) for name, (total, slots) in used.items()}
    return {server: [weighed(one, *counted, weights) for one, counted in zip(made[server], known[server], strict=True)]
            for server in expected}


def _expected(history: History, site: Calendar, months: Sequence[MonthOf]) -> dict[str, list[set[str]]]:
    """Server → for each month the LPARs that are expected there."""
    there: dict[str, list[set[str]]] = {}
    for server in history.servers():
        spans = [period_of(history.clock(), site, month)[:2] for month in months]
        there[server] = [set(history.lpars_on(server, *span)) for span in spans]
    expected: dict[str, list[set[str]]] = {server: [set() for _ in months] for server in there}
    for name in sorted({name for sets in there.values() for one in sets for name in one}):
        on = [[server for server, sets in there.items() if name in sets[n]] for n in range(len(months))]
        last = next(servers for servers in on if servers)
        for number, servers in enumerate(on):
            last = servers or last
            for server in last:
                expected[server][number].add(name)
    return expected


def _add_up(grid: Grid, used: Mapping[str, list[int]]) -> None:
    totals = np.maximum(grid.physc, 0).sum(axis=1, dtype=np.int64)
    slots = (grid.physc >= 0).sum(axis=1)
    for name, total, count in zip(grid.names, totals.tolist(), slots.tolist(), strict=True):
        used[name][0] += total
        used[name][1] += count


def _known(grid: Grid, rows: Mapping[str, int], clock: Clock, site: Calendar, month: MonthOf) -> tuple[Known, Known]:
    """What is known of these LPARs in the month, and in its month-end."""
    inside, closing = masks_of(grid, clock, site, month)
    return known_of(grid.physc, rows, inside), known_of(grid.physc, rows, closing)


def known_of(physc: NDArray[np.int32], rows: Mapping[str, int], slots: NDArray[np.bool_]) -> Known:
    """What is known of some rows (by name) in these slots; -1 stands for nothing."""
    figures = physc[list(rows.values())][:, slots] >= 0
    return int(figures.any(axis=0).sum()), dict(zip(rows, figures.sum(axis=1).tolist(), strict=True))


def weighed(one: Monthly, month: Known, month_end: Known, weights: Mapping[str, int]) -> Monthly:
    """A month with how much of its LPARs is known, by their weights."""
    return replace(one, known_percent=known_percent(month, weights), month_end_known_percent=known_percent(
        month_end, weights), lacking=tuple(sorted({*lacking(month), *lacking(month_end)})))


def lacking(known: Known) -> tuple[str, ...]:
    """The LPARs of which less than ``LEAST_PERCENT`` is known, in order."""
    slots, counts = known
    return tuple(sorted(name for name, count in counts.items() if 100 * count < LEAST_PERCENT * slots))


def known_percent(known: Known, weights: Mapping[str, int]) -> int:
    """So many whole per cent are known of these LPARs; 100 where they have no weight at all."""
    slots, counts = known
    whole = slots * sum(weights[name] for name in counts)
    return 100 * sum(weights[name] * count for name, count in counts.items()) // whole if whole else 100


def unknown(clock: Clock, site: Calendar, month: MonthOf, step_s: int = STEP_S) -> Monthly:
    """A month of which nothing is known."""
    begin, _, end = period_of(clock, site, month)
    days = sum(stop - start for start, stop in month_end_of(clock, site, month))
    return Monthly(month, mean=None, p95=None, peak=None, month_end_peak=None, slots=0, missing=(end - begin) // step_s,
                   month_end_slots=0, month_end_missing=days // step_s, partial=0)


def _watched(months: Sequence[MonthOf], progress: Progress | None) -> Iterator[MonthOf]:
    for number, month in enumerate(months, 1):
        yield month
        if progress:
            progress(number, len(months))


def period_of(clock: Clock, site: Calendar, month: MonthOf) -> tuple[int, int, int]:
    """The beginning of a month, the end of what is asked for it (month-end days of the next one too), its own end."""
    begin, end = month_range(clock, *month)
    return begin, max([end, *(stop for _, stop in month_end_of(clock, site, month))]), end


def month_end_of(clock: Clock, site: Calendar, month: MonthOf) -> list[tuple[int, int]]:
    """Beginning and end of each day of a month-end, in UTC seconds."""
    return [(_midnight(clock, day), _midnight(clock, day + timedelta(days=1))) for day in site.month_end(*month)]


def _midnight(clock: Clock, day: date) -> int:
    return clock.instant(datetime(day.year, day.month, day.day))


def _monthly(grid: Grid, rows: Sequence[int], clock: Clock, site: Calendar, month: MonthOf) -> Monthly:
    figures = grid.physc[list(rows)]
    known = (figures >= 0).sum(axis=0)
    total = np.maximum(figures, 0).sum(axis=0, dtype=np.int64)
    inside, closing = masks_of(grid, clock, site, month)
    values, last = total[inside & (known > 0)], total[closing & (known > 0)]
    return Monthly(
        month, mean=_mean(values), p95=at_percentile(values, P95) if len(values) else None, peak=_most(values),
        month_end_peak=_most(last), slots=len(values), missing=int(inside.sum()) - len(values),
        month_end_slots=len(last), month_end_missing=int(closing.sum()) - len(last),
        partial=int((inside & (known > 0) & (known < len(figures))).sum()))


def masks_of(grid: Grid, clock: Clock, site: Calendar, month: MonthOf) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which slots are of the month, and which of its month-end."""
    middles = grid.starts + grid.step_s // 2
    begin, _, end = period_of(clock, site, month)
    closing = np.zeros(len(middles), dtype=bool)
    for start, stop in month_end_of(clock, site, month):
        closing |= (middles >= start) & (middles < stop)
    return (middles >= begin) & (middles < end), closing


def _mean(values: NDArray[np.int64]) -> int | None:
    """Half up."""
    return (2 * int(values.sum()) + len(values)) // (2 * len(values)) if len(values) else None


def _most(values: NDArray[np.int64]) -> int | None:
    return int(values.max()) if len(values) else None
