"""Working days, weekends, month-end days."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InputError
from planner.history.calendar import BUCKETS, Calendar, DayKind


def test_month_end_of_november_2026() -> None:
    """The 28th and 29th are a weekend; the last three working days are the 26th, 27th and 30th."""
    site = Calendar()
    assert site.month_end(2026, 11) == (date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30), date(2026, 12, 1),
                                        date(2026, 12, 2))
    kinds = {day: site.kind(date(2026, 11, day)) for day in range(1, 31)}
    assert [day for day, kind in kinds.items() if kind is DayKind.MONTH_END] == [2, 3, 26, 27, 30]
    assert kinds[1] is kinds[28] is kinds[29] is DayKind.WEEKEND
    assert kinds[4] is DayKind.WORKING


def test_holidays_move_month_end() -> None:
    """Germany, New Year 2027: Friday the 1st is a holiday, so the first working days are Monday and Tuesday."""
    site = Calendar(country="DE")
    assert site.kind(date(2027, 1, 1)) is DayKind.WEEKEND
    assert site.month_end(2026, 12)[-2:] == (date(2027, 1, 4), date(2027, 1, 5))


def test_subdivision_and_own_days() -> None:
    """The Melbourne Cup, first Tuesday of November, is a holiday in parts of Victoria only."""
    cup = date(2026, 11, 3)
    assert Calendar(country="AU", subdivision="VIC").kind(cup) is DayKind.WEEKEND
    assert Calendar(country="AU", subdivision="NSW").is_working(cup)
    assert not Calendar(closed=frozenset({cup})).is_working(cup)


def test_all_that_is_wrong_is_told() -> None:
    with pytest.raises(InputError) as caught:
        Calendar(country="XX", last=-1, first=99, weekend=frozenset(range(7)))
    assert len(caught.value.findings) == 4
    with pytest.raises(InputError, match="VIC"):
        Calendar(country="AU", subdivision="ZZ")
    with pytest.raises(InputError, match="country"):
        Calendar(subdivision="VIC")


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 15), st.integers(0, 15))
def test_month_end_days_are_working_days_and_as_many_as_asked(day: date, last: int, first: int) -> None:
    site = Calendar(last=last, first=first)
    days = site.working_days(day.year, day.month)
    near = [one for one in days if site.kind(one) is DayKind.MONTH_END]
    assert len(near) == min(len(days), last + first)
    assert site.is_working(day) == (site.kind(day) is not DayKind.WEEKEND)


def test_buckets() -> None:
    assert len(set(BUCKETS)) == 72
