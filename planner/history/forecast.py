"""What the next months will use: a trend where it has proved better than "as last month", with what both missed by.

Three methods, all on one figure a month (the month-end peak, say). The baseline is the seasonal naive one: the next
month-end is as the last. The candidate adds a trend to it: last figure + slope × months ahead, the slope being the
Theil–Sen estimator (the median of the slopes between all pairs of months: Sen, Journal of the American Statistical
Association 63, 1968), which single odd months do not move. With two years a third one knows the season: the figure of
the same month a year before + the median of what a year added. All are tested with a rolling origin: from each month
on, knowing only what was before it, the next ``TESTED`` months are forecast and compared. The trend is used only if
its mean absolute error there is the smaller one, the season only if its own is a third smaller still. That choice is
made on the very months that the errors are reported of, so expect a little more than they say.

The interval is of the sizes of the errors of the method used, split-conformal: with k errors the one of rank
⌈(k + 1) × coverage⌉ (Lei et al., Journal of the American Statistical Association 113, 2018), at each tested distance,
and grown with the square root of the months ahead, as the errors of a random walk grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations, pairwise
from math import sqrt
from statistics import median
from typing import NamedTuple

from planner.history.monthly import Monthly, MonthOf, month_at, number_of
from planner.units import some

COVERAGE_PERCENT = 80
#: Months that are known before the first forecast of the back-test.
LEAST_TRAINED = 3
#: Months ahead that the back-test forecasts from each origin.
TESTED = 3
#: Forecasts of the next month that the back-test needs for the trend, and for an interval.
LEAST_TESTS = 4
LEAST_MONTHS = LEAST_TRAINED + LEAST_TESTS
#: Months from the first to the last for a season to be told: each month of the year twice.
YEARS = 24
MOST_HORIZON = 600
_YEAR = 12
_CLEARLY = 2 / 3
"""A season is one only where it misses by no more than so much of it: of noise too many series had one else."""
_NAMED = 8


class Method(StrEnum):
    """How a forecast is made."""

    NAIVE = "seasonal naive"
    TREND = "trend"
    YEARLY = "yearly season"


@dataclass(frozen=True, slots=True)
class Errors:
    """What one method missed by in a back-test: sums over ``tests`` forecasts (in per cent, over ``shares`` of them,
    those of figures above 0)."""

    tests: int = 0
    absolute: int = 0
    shares: int = 0
    percent: float = 0.0

    @property
    def mae(self) -> float | None:
        """The mean absolute error, in the unit of the figures."""
        return self.absolute / self.tests if self.tests else None

    @property
    def mape(self) -> float | None:
        """The mean absolute error in per cent of what came."""
        return self.percent / self.shares if self.shares else None

    def __add__(self, other: Errors) -> Errors:
        return Errors(self.tests + other.tests, self.absolute + other.absolute, self.shares + other.shares,
                      self.percent + other.percent)


@dataclass(frozen=True, slots=True)
class Backtest:
    """The errors of two methods over the same forecasts, of the yearly season over those that knew the month a year
    before, and of the one used."""

    naive: Errors = Errors()
    trend: Errors = Errors()
    used: Errors = Errors()
    yearly: Errors = Errors()


@dataclass(frozen=True, slots=True)
class Forecast:
    """The months ahead of one figure, in its unit (thousandths of a core).

    ``points``, and ``low`` and ``high`` with ``coverage_percent`` between them; both None while the months are too few
    for an interval. ``slope``: what trend or season adds a month, 0 for the naive method. ``months_used`` months
    had a figure, those in ``missing`` had none. ``ceiling_month``: the first month that reaches the ceiling, the last
    known one where it stands there already, None if no month up to the horizon does; ``ceiling_month_early``: the same
    by the upper end of the interval. ``notes`` say what a reader must know.
    """

    months: tuple[MonthOf, ...]
    points: tuple[int, ...]
    low: tuple[int, ...] | None
    high: tuple[int, ...] | None
    coverage_percent: int
    method: Method
    slope: float
    backtest: Backtest
    months_used: int
    missing: tuple[MonthOf, ...]
    ceiling: int | None
    ceiling_month: MonthOf | None
    ceiling_month_early: MonthOf | None
    notes: tuple[str, ...]

    def ceiling_words(self) -> str:
        """``2027-03 (at the earliest 2027-01)``, ``not within 12 months``, ``in 2026-11 already``."""
        if self.ceiling is None:
            return "no ceiling"
        if self.ceiling_month and self.ceiling_month not in self.months:
            return f"in {show_month(self.ceiling_month)} already"
        late = f"not within {len(self.months)} months" if self.ceiling_month is None else show_month(self.ceiling_month)
        if self.high is None or self.ceiling_month_early == self.ceiling_month:
            return late
        assert self.ceiling_month_early is not None
        return f"{late} (at the earliest {show_month(self.ceiling_month_early)})"


def show_month(month: MonthOf) -> str:
    """``2026-11``."""
    return f"{month[0]}-{month[1]:02d}"


_Pair = tuple[int, int]  # a month's number and its figure


class _Trial(NamedTuple):
    """One forecast of the back-test: so many months ahead, what came, and what each method said."""

    ahead: int
    came: int
    by: dict[Method, int]


def forecast(months: Sequence[MonthOf], values: Sequence[int], horizon: int, ceiling: int | None = None) -> Forecast:
    """Forecast a monthly figure for the ``horizon`` months after the last one known.

    ``months`` ascend and may leave some out: those are told, and nothing is put in their place. Raises ValueError for
    no month at all, for months that do not ascend, for a horizon not from 1 to 600, and for figures below 0.
    """
    known = _checked(months, values, horizon)
    tests = _trials(known)
    enough = sum(test.ahead == 1 for test in tests) >= LEAST_TESTS
    naive, trend = _errors(tests, Method.NAIVE), _errors(tests, Method.TREND)
    method = Method.TREND if enough and trend.absolute < naive.absolute else Method.NAIVE
    last, figure = known[-1]
    yearly = _seasonal(tests, known, horizon, method) if enough else None
    rise = slope(known) if method is Method.TREND else 0.0
    points = tuple(_point(figure, rise, ahead) for ahead in range(1, horizon + 1))
    if yearly:
        method, rise, points = Method.YEARLY, (yearly_rise(dict(known)) or 0.0) / _YEAR, yearly
    widths = _widths(tests, method, horizon) if enough else None
    low = None if widths is None else tuple(max(0, p - w) for p, w in zip(points, widths, strict=True))
    high = None if widths is None else tuple(p + w for p, w in zip(points, widths, strict=True))
    ahead = tuple(month_at(last + n) for n in range(1, horizon + 1))
    missing = tuple(month_at(n) for n in range(known[0][0], last) if n not in dict(known))
    return Forecast(
        months=ahead, points=points, low=low, high=high, coverage_percent=COVERAGE_PERCENT, method=method, slope=rise,
        backtest=Backtest(naive, trend, _errors(tests, method), _errors(tests, Method.YEARLY)), months_used=len(known),
        missing=missing, ceiling=ceiling, ceiling_month=_reached(ahead, points, known[-1], ceiling),
        ceiling_month_early=_reached(ahead, high, known[-1], ceiling),
        notes=_notes(len(known), missing, enough, method, trend, naive))


def forecast_monthly(months: Sequence[Monthly], horizon: int, ceiling: int | None = None, *,
                     figure: str = "month_end_peak") -> Forecast | None:
    """A forecast from monthly figures: ``mean``, ``p95``, ``peak`` or ``month_end_peak``; None without any.

    Months of which too little is known (:meth:`Monthly.counts`) are left out; those between others are in ``missing``,
    those before the first and after the last, and those that are known of some LPARs only, in ``notes``.
    """
    known = [month for month in months if month.counts(figure)]
    if not known:
        return None
    short = [month for month in months if month.of_some(figure)]
    made = forecast([m.month for m in known], [getattr(m, figure) for m in known], horizon, ceiling)
    left = [show_month(m.month) for m in months
            if not known[0].month <= m.month <= known[-1].month and m not in short]
    partly = [show_month(m.month) for m in known if figure == "month_end_peak" and m.month_end_missing]
    notes = [f"too little is known of {', '.join(left)}: not used"] if left else []
    notes += [f"the month-end is known in part only of {', '.join(partly)}"] if partly else []
    return with_left_out(replace(made, notes=(*made.notes, *notes)), [(m.month, m.lacking) for m in short])


def with_left_out(made: Forecast, short: Sequence[tuple[MonthOf, Sequence[str]]]) -> Forecast:
    """A forecast that says of which months too little was known of some LPARs (those) for them to be used."""
    out = {month for month, _ in short}
    said = [note for note in made.notes if note != _no_figure(made.missing)]
    lost = [month for month in made.missing if month not in out]
    return replace(made, notes=(*([_no_figure(lost)] if lost else []), *said, *of_some_words(short)))


def of_some_words(months: Iterable[tuple[MonthOf, Sequence[str]]]) -> list[str]:
    """Months that are not used, with the LPARs that too little is recorded of in them; a sentence for each such set."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for month, lacking in months:
        alike.setdefault(tuple(lacking), []).append(show_month(month))
    return [f"not used: {', '.join(listed)}, in which too little is recorded of {some(names, _NAMED)}"
            for names, listed in alike.items()]


def pooled(forecasts: Iterable[Forecast]) -> Backtest:
    """The back-tests of many forecasts as one: every forecast made in them counts once."""
    total = Backtest()
    for one in forecasts:
        total = Backtest(total.naive + one.backtest.naive, total.trend + one.backtest.trend,
                         total.used + one.backtest.used, total.yearly + one.backtest.yearly)
    return total


def slope(known: Sequence[_Pair]) -> float:
    """The Theil–Sen slope a month; 0 of a single month."""
    return median([(b - a) / (n - m) for (m, a), (n, b) in combinations(known, 2)] or [0.0])


def yearly_rise(known: Mapping[int, int]) -> float | None:
    """The median of what a year added to a month; None where none is known twice."""
    rises = [figure - known[number - _YEAR] for number, figure in known.items() if number - _YEAR in known]
    return median(rises) if rises else None


def _a_year_before(known: Mapping[int, int], last: int, ahead: int) -> int | None:
    """The figure of the same month in the last year that is known, with what years have added; None without one."""
    years = -(-ahead // _YEAR)
    before, rise = known.get(last + ahead - _YEAR * years), yearly_rise(known)
    return None if before is None or rise is None else max(0, round(before + years * rise))


def _seasonal(tests: Sequence[_Trial], known: Sequence[_Pair], horizon: int, other: Method) -> tuple[int, ...] | None:
    """The months ahead by the season, where there are two years and it misses clearly less than the other method."""
    if known[-1][0] - known[0][0] + 1 < YEARS:
        return None
    both = [test for test in tests if Method.YEARLY in test.by]
    points = [_a_year_before(dict(known), known[-1][0], ahead) for ahead in range(1, horizon + 1)]
    if None in points or sum(test.ahead == 1 for test in both) < LEAST_TESTS or (
            _errors(both, Method.YEARLY).absolute >= _CLEARLY * _errors(both, other).absolute):
        return None
    return tuple(point for point in points if point is not None)


def _checked(months: Sequence[MonthOf], values: Sequence[int], horizon: int) -> list[_Pair]:
    known = [(number_of(month), int(value)) for month, value in zip(months, values, strict=True)]
    if not known or any(after[0] <= before[0] for before, after in pairwise(known)):
        raise ValueError("months that ascend, at least one")
    if not 1 <= horizon <= MOST_HORIZON or any(value < 0 for _, value in known):
        raise ValueError(f"a horizon from 1 to {MOST_HORIZON} months, and figures of 0 or more")
    return known


def _point(figure: int, rise: float, ahead: int) -> int:
    return max(0, round(figure + rise * ahead))


def _trials(known: Sequence[_Pair]) -> list[_Trial]:
    """Every forecast of the back-test."""
    trials = []
    for count in range(LEAST_TRAINED, len(known)):
        last, figure = known[count - 1]
        rise, past = slope(known[:count]), dict(known[:count])
        for number, came in known[count:count + TESTED]:
            if number - last <= TESTED:
                season = _a_year_before(past, last, number - last)
                said = {Method.NAIVE: figure, Method.TREND: _point(figure, rise, number - last)}
                trials.append(_Trial(number - last, came, said if season is None else said | {Method.YEARLY: season}))
    return trials


def _errors(tests: Sequence[_Trial], method: Method) -> Errors:
    missed = [(abs(test.came - test.by[method]), test.came) for test in tests if method in test.by]
    shares = [100 * error / came for error, came in missed if came]
    return Errors(len(missed), sum(error for error, _ in missed), len(shares), sum(shares))


def _widths(tests: Sequence[_Trial], method: Method, horizon: int) -> tuple[int, ...]:
    """Half of the interval, for each month ahead: the widest that any tested distance up to it asks for."""
    at: dict[int, int] = {}
    for ahead in range(1, TESTED + 1):
        missed = sorted(abs(test.came - test.by[method]) for test in tests if test.ahead == ahead and method in test.by)
        rank = -(-(len(missed) + 1) * COVERAGE_PERCENT // 100)
        if len(missed) >= LEAST_TESTS:
            at[ahead] = missed[min(rank, len(missed)) - 1]
    return tuple(round(max(width * sqrt(months / ahead) for ahead, width in at.items() if ahead <= months))
                 for months in range(1, horizon + 1))


def _reached(ahead: Sequence[MonthOf], figures: Sequence[int] | None, last: _Pair,
             ceiling: int | None) -> MonthOf | None:
    if ceiling is None or figures is None:
        return None
    if last[1] >= ceiling:
        return month_at(last[0])
    return next((month for month, figure in zip(ahead, figures, strict=True) if figure >= ceiling), None)


def _notes(used: int, missing: Sequence[MonthOf], enough: bool, method: Method, trend: Errors,
           naive: Errors) -> tuple[str, ...]:
    notes = []
    if missing:
        notes.append(_no_figure(missing))
    if not enough:
        notes.append(_too_few(used))
    elif method is Method.NAIVE:
        notes.append(_why_naive(trend, naive))
    return tuple(notes)


def _no_figure(missing: Iterable[MonthOf]) -> str:
    return f"no figure of {', '.join(map(show_month, missing))}"


def _too_few(used: int) -> str:
    if used >= LEAST_MONTHS:
        return (f"{used} months, too few of them in a row for a back-test ({LEAST_MONTHS} are needed): as last month, "
                "without an interval")
    return (f"{used} month{' is' if used == 1 else 's are'} too few for a back-test ({LEAST_MONTHS} in a row are "
            "needed): as last month, without an interval")


def _why_naive(trend: Errors, naive: Errors) -> str:
    if not naive.absolute:
        return "as last month: that was right throughout the back-test"
    return f"as last month: a trend missed by {trend.absolute / naive.absolute:.2f} times as much in the back-test"
