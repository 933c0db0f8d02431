"""Forecasts: exact on series that are known, honest on noise, silent about what the months do not give."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.history.forecast import (
    COVERAGE_PERCENT,
    LEAST_MONTHS,
    Forecast,
    Method,
    forecast,
    forecast_monthly,
    pooled,
    slope,
)
from planner.history.monthly import Monthly, month_at, number_of

JANUARY = number_of((2025, 1))


def months(count: int) -> list[tuple[int, int]]:
    return [month_at(JANUARY + n) for n in range(count)]


def of(values: list[int], horizon: int = 3, ceiling: int | None = None) -> Forecast:
    return forecast(months(len(values)), values, horizon, ceiling)


def test_linear_growth_is_found_and_the_trend_never_misses() -> None:
    found = of([1000 + 50 * n for n in range(12)], 6, ceiling=1700)
    assert found.method is Method.TREND
    assert found.months == tuple(month_at(JANUARY + n) for n in range(12, 18))
    assert found.points == (1600, 1650, 1700, 1750, 1800, 1850)
    assert found.low == found.high == found.points
    assert (found.backtest.used.mae, found.backtest.trend.mae, found.slope) == (0, 0, 50)
    # 9 forecasts one month ahead, 8 two, 7 three; the naive ones miss by 50 a month
    assert found.backtest.naive.tests == 24
    assert found.backtest.naive.mae == pytest.approx((9 * 50 + 8 * 100 + 7 * 150) / 24)
    assert found.ceiling_month == found.ceiling_month_early == (2026, 3)
    assert found.ceiling_words() == "2026-03"
    assert found.notes == ()


def test_a_yearly_season_is_known_from_two_years_on() -> None:
    """Half-year ends take 4 cores more, and a year adds 1.2: with 24 months each one is foretold, with 23 none is."""
    values = [10_000 + 100 * n + (4000 if n % 12 in (5, 11) else 0) for n in range(30)]
    for count in range(24, 31):
        found = of(values[:count], 14)
        assert found.method is Method.YEARLY and found.slope == 100
        assert found.points == tuple(10_000 + 100 * n + (4000 if n % 12 in (5, 11) else 0)
                                     for n in range(count, count + 14))
        assert found.low == found.high == found.points and found.backtest.yearly.mae == found.backtest.used.mae == 0
        assert found.backtest.yearly.tests < found.backtest.naive.tests  # only where the month a year before was known
    assert of(values[:23], 14).method is not Method.YEARLY


@pytest.mark.parametrize("count", [24, 30, 36])
def test_noise_and_walks_have_no_season(count: int) -> None:
    draw, seen = random.Random(count), []
    for _ in range(100):
        walk = [5000]
        walk += [max(0, walk[-1] + draw.randrange(-60, 60)) for _ in range(count - 1)]
        seen += [of(walk).method, of([draw.randrange(9000, 11000) for _ in range(count)]).method]
    assert seen.count(Method.YEARLY) <= 10


def test_a_hole_where_the_season_would_look_leaves_the_other_methods() -> None:
    some = [month_at(JANUARY + n) for n in range(26) if n != 15]
    values = [10_000 + (4000 if number_of(m) % 12 == 5 else 0) for m in some]
    assert forecast(some, values, 2).method is not Method.YEARLY or (2026, 4) not in forecast(some, values, 2).months
    assert forecast(some, values, 6).method is not Method.YEARLY  # 2027-04 would look at 2026-04, which is not known


def test_errors_by_hand() -> None:
    """Three months known, then 130 and 150: as last month says 120, 120, 130; the trend (10 a month) 130, 140, 140."""
    found = of([100, 110, 120, 130, 150])
    naive, trend = found.backtest.naive, found.backtest.trend
    assert (naive.tests, naive.absolute, naive.shares) == (3, 10 + 30 + 20, 3)
    assert (trend.tests, trend.absolute, trend.shares) == (3, 0 + 10 + 10, 3)
    assert naive.mape == pytest.approx(100 * (10 / 130 + 30 / 150 + 20 / 150) / 3)
    assert trend.mape == pytest.approx(100 * (20 / 150) / 3)


def test_the_interval_by_hand() -> None:
    """Naive errors one month ahead: 10, 20, 30, 40, 20, 50; of 6, rank 6 of 80 %, is the largest."""
    values = [100, 100, 100, 110, 90, 120, 80, 100, 50]
    found = of(values, 1)
    assert found.method is Method.NAIVE
    assert (found.low, found.points, found.high) == ((0,), (50,), (100,))
    assert found.coverage_percent == 80


def test_noise_keeps_the_naive_method() -> None:
    draw = random.Random(7)
    kept = sum(of([draw.randrange(9000, 11000) for _ in range(12)]).method is Method.NAIVE for _ in range(200))
    assert kept >= 190


def test_why_there_is_no_trend_is_said_without_a_unit() -> None:
    assert of([700] * 9).notes == ("as last month: that was right throughout the back-test",)
    found = of([500, 700] * 5)
    share = found.backtest.trend.absolute / found.backtest.naive.absolute
    assert share >= 1
    assert found.notes == (f"as last month: a trend missed by {share:.2f} times as much in the back-test",)


def test_single_odd_months_do_not_move_the_trend() -> None:
    values = [1000 + 50 * n for n in range(12)]
    values[4] = 4000
    assert of(values).slope == slope(list(enumerate(values))) == 50


def test_few_months_give_no_interval_and_say_so() -> None:
    for count in range(1, LEAST_MONTHS):
        found = of([1000 + 50 * n for n in range(count)], 3, ceiling=5000)
        assert (found.method, found.points) == (Method.NAIVE, (950 + 50 * count,) * 3)
        assert found.low is None and found.high is None and found.ceiling_month_early is None
        assert f"{count} month" in found.notes[0] and "without an interval" in found.notes[0]
        assert found.ceiling_words() == "not within 3 months"
    assert of([1000 + 50 * n for n in range(LEAST_MONTHS)]).low is not None


def test_months_that_are_many_but_not_in_a_row() -> None:
    """"7 months are too few (7 in a row are needed)" contradicted itself."""
    some = [month_at(JANUARY + 4 * n) for n in range(LEAST_MONTHS)]
    assert forecast(some, [1000] * LEAST_MONTHS, 2).notes[1] == (
        "7 months, too few of them in a row for a back-test (7 are needed): as last month, without an interval")
    assert of([1000]).notes[0].startswith("1 month is too few for a back-test (7 in a row are needed)")


def test_missing_months_are_told_and_nothing_is_put_in_their_place() -> None:
    some = [month_at(JANUARY + n) for n in range(14) if n not in (5, 6)]
    found = forecast(some, [1000 + 50 * (number_of(m) - JANUARY) for m in some], 2)
    assert found.missing == ((2025, 6), (2025, 7))
    assert found.notes[0] == "no figure of 2025-06, 2025-07"
    assert found.points == (1700, 1750)
    assert found.months_used == 12
    # origins 3, 4 and 5 lack forecasts of the two months; each forecast counts at its true distance
    assert found.backtest.trend.mae == 0


def test_the_ceiling() -> None:
    draw = random.Random(3)
    values = [1000 + 50 * n + draw.randrange(-40, 40) for n in range(18)]
    found = of(values, 12, ceiling=2200)
    assert found.ceiling_month is not None and found.ceiling_month_early is not None
    assert found.ceiling_month_early < found.ceiling_month
    at = found.months.index(found.ceiling_month)
    assert found.points[at] >= 2200 > found.points[at - 1]
    assert "at the earliest" in found.ceiling_words()
    assert of(values, 2, ceiling=9999).ceiling_words() == "not within 2 months"
    assert of(values, 2, ceiling=values[-1]).ceiling_month == (2026, 6)
    assert of(values, 2).ceiling_words() == "no ceiling"


def test_a_ceiling_that_only_the_interval_reaches() -> None:
    draw = random.Random(5)
    values = [draw.randrange(900, 1100) for _ in range(12)]
    found = of(values, 3, ceiling=max(values) + 20)
    assert found.ceiling_month is None and found.ceiling_month_early is not None
    assert found.ceiling_words().startswith("not within 3 months (at the earliest 2026-")


def test_figures_never_fall_below_nothing() -> None:
    found = of([1000 - 100 * n for n in range(10)], 6)
    assert found.points == (0,) * 6 and found.low is not None and min(found.low) == 0


@pytest.mark.parametrize(("kind", "at_least"), [("noise", 0.74), ("walk", 0.70), ("trend", 0.74)])
def test_the_interval_covers_what_it_says(kind: str, at_least: float) -> None:
    """Over many series of 12 months: near 80 % of what came one and three months later lies in the interval."""
    draw = random.Random(kind)
    make: dict[str, Callable[[int, float, float], float]] = {
        "noise": lambda t, e, w: e, "walk": lambda t, e, w: w, "trend": lambda t, e, w: 400 * t + e}
    inside = [0, 0]
    tries = 400
    for _ in range(tries):
        drift, values = 0.0, []
        for t in range(15):
            error = draw.gauss(0, 300)
            drift += error
            values.append(round(20000 + make[kind](t, error, drift)))
        found = of(values[:12])
        assert found.low is not None and found.high is not None
        for number, ahead in enumerate((1, 3)):
            inside[number] += found.low[ahead - 1] <= values[11 + ahead] <= found.high[ahead - 1]
    assert COVERAGE_PERCENT == 80
    assert at_least <= inside[0] / tries <= 0.92
    assert at_least <= inside[1] / tries


FIGURES = st.lists(st.integers(0, 50_000), min_size=1, max_size=30)


@given(FIGURES, st.integers(1, 6), st.integers(1, 500))
def test_more_of_everything_is_more_of_the_forecast(values: list[int], horizon: int, more: int) -> None:
    """Raising every month by the same (an even number, for the sake of rounding) raises the forecast by it and changes
    neither method nor error."""
    high = [value + 1_000_000 for value in values]
    one, other = of(high, horizon), of([value + 2 * more for value in high], horizon)
    assert (one.method, one.slope) == (other.method, other.slope)
    assert [p + 2 * more for p in one.points] == list(other.points)
    assert (one.backtest.naive.mae, one.backtest.trend.mae) == (other.backtest.naive.mae, other.backtest.trend.mae)
    assert one.high is None or [h + 2 * more for h in one.high] == list(other.high or ())


@given(FIGURES, st.integers(1, 12), st.integers(0, 60_000))
def test_what_always_holds(values: list[int], horizon: int, ceiling: int) -> None:
    found = of(values, horizon, ceiling)
    assert len(found.months) == len(found.points) == horizon
    naive, used = found.backtest.naive, found.backtest.used
    assert used.absolute <= naive.absolute and used.tests == naive.tests == found.backtest.trend.tests
    if found.method is Method.NAIVE:
        assert set(found.points) == {values[-1]}
    if found.low is None or found.high is None:
        assert len(values) < LEAST_MONTHS
    else:
        assert all(low <= point <= high for low, point, high in zip(found.low, found.points, found.high, strict=True))
        widths = [high - point for point, high in zip(found.points, found.high, strict=True)]
        assert widths == sorted(widths)
    if found.ceiling_month and found.high:
        assert found.ceiling_month_early is not None and found.ceiling_month_early <= found.ceiling_month


@given(FIGURES, st.integers(1, 6))
def test_only_what_was_known_counts(values: list[int], horizon: int) -> None:
    """The back-test of a series does not change the forecasts that it made before its last month."""
    shorter, longer = of(values, horizon), of([*values, values[-1]], horizon)
    assert longer.backtest.naive.tests >= shorter.backtest.naive.tests
    assert longer.backtest.naive.absolute >= shorter.backtest.naive.absolute


def test_pooled_errors_count_every_forecast_once() -> None:
    one, other = of([1000 + 50 * n for n in range(12)]), of([500, 700] * 5)
    together = pooled([one, other])
    assert together.naive.tests == one.backtest.naive.tests + other.backtest.naive.tests
    assert together.used.absolute == one.backtest.used.absolute + other.backtest.used.absolute
    assert pooled([]).naive.mae is None and pooled([]).used.mape is None


@pytest.mark.parametrize(("listed", "values", "horizon"), [
    ([], [], 1), ([(2026, 1)], [5], 0), ([(2026, 1), (2026, 1)], [5, 5], 1), ([(2026, 2), (2026, 1)], [5, 5], 1),
    ([(2026, 1)], [-1], 1), ([(2026, 1)], [5, 6], 1), ([(2026, 1)], [5], 601)])
def test_wrong_series(listed: list[tuple[int, int]], values: list[int], horizon: int) -> None:
    with pytest.raises(ValueError):
        forecast(listed, values, horizon)


def test_monthly_figures_that_are_known_too_little_are_left_out() -> None:
    full = Monthly((2025, 1), 500, 900, 950, 1000, 700, 20, 120, 0, 0)
    series = [replace(full, month=month, month_end_peak=1000 + 50 * n) for n, month in enumerate(months(10))]
    series[0] = replace(series[0], month_end_peak=None, month_end_slots=0, month_end_missing=120)
    series[9] = replace(series[9], month_end_peak=7, month_end_slots=50, month_end_missing=70)
    series[8] = replace(series[8], month_end_slots=72, month_end_missing=48)
    found = forecast_monthly(series, 2)
    assert found is not None
    assert found.points == (1450, 1500) and found.months_used == 8
    assert found.notes == ("too little is known of 2025-01, 2025-10: not used",
                           "the month-end is known in part only of 2025-09")
    mean = forecast_monthly(series, 2, figure="mean")
    assert mean is not None and mean.points == (500, 500) and mean.notes[-1].startswith("as last month")
    assert forecast_monthly([series[0]], 2) is None
