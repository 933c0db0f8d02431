"""The site's calendar: which days are working days, weekends and month-end days; holidays from ``holidays``."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from planner.errors import InputError
from planner.findings import Finding, Severity


class DayKind(StrEnum):
    """``WEEKEND`` is every day that is no working day: holidays too."""

    MONTH_END = "month-end"
    WORKING = "working"
    WEEKEND = "weekend"


class Bucket(NamedTuple):
    """An hour of the day (0 to 23, local time) on days of one kind."""

    kind: DayKind
    hour: int


_MONTH = re.compile(r"([0-9]{4})-(0?[1-9]|1[0-2])")
_QUARTER_S = 900
"""Every zone of today differs from UTC by whole quarters of an hour."""
KINDS = tuple(DayKind)
BUCKETS = tuple(Bucket(kind, hour) for kind in KINDS for hour in range(24))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of a site.

    ``country`` (ISO 3166, ``AU``) and ``subdivision`` (``VIC``) choose the holidays of the ``holidays`` library;
    ``closed`` are further days off. ``last`` and ``first``: how many working days at the end and at the beginning of a
    month are month-end days. ``weekend``: 0 is Monday. Raises InputError for what does not exist.
    """

    country: str = ""
    subdivision: str = ""
    closed: frozenset[date] = frozenset()
    last: int = 3
    first: int = 2
    weekend: frozenset[int] = frozenset({5, 6})

    def __post_init__(self) -> None:
        problems = [_wrong(f"{name} is {value}: not a number of working days from 0 to 15", "give such a number")
                    for name, value in (("last", self.last), ("first", self.first)) if not 0 <= value <= 15]
        if not self.weekend < frozenset(range(7)):
            problems.append(_wrong("the weekend is not some of the days 0 (Monday) to 6", "leave a working day"))
        if self.subdivision and not self.country:
            problems.append(_wrong(f"subdivision {self.subdivision!r} without a country", "give the country too"))
        try:
            public_holidays(self.country, self.subdivision, 2026)
        except InputError as error:
            problems += error.findings
        if problems:
            raise InputError(problems)

    def is_working(self, day: date) -> bool:
        """Whether it is neither weekend nor holiday."""
        return (day.weekday() not in self.weekend and day not in self.closed
                and day not in public_holidays(self.country, self.subdivision, day.year))

    def working_days(self, year: int, month: int) -> tuple[date, ...]:
        return _working_days(self, year, month)

    def kind(self, day: date) -> DayKind:
        if not self.is_working(day):
            return DayKind.WEEKEND
        days = self.working_days(day.year, day.month)
        at = days.index(day)
        near = at < self.first or at >= len(days) - self.last
        return DayKind.MONTH_END if near else DayKind.WORKING

    def bucket(self, local: datetime) -> Bucket:
        """The bucket of a local time."""
        return Bucket(self.kind(local.date()), local.hour)

    def buckets_between(self, start: datetime, end: datetime, there: tzinfo,
                        hours: Collection[Bucket] = BUCKETS) -> tuple[Bucket, ...]:
        """The buckets, on the clocks of ``there``, of the time from ``start`` to ``end`` (both with a zone) that is in
        these ``hours`` on the clocks of ``start``; all of them for more than a year."""
        if end - start > timedelta(days=366):
            return BUCKETS
        touched, here = set(), start.tzinfo
        first, last = int(start.timestamp()) // _QUARTER_S, -(-int(end.timestamp()) // _QUARTER_S)
        for quarter in range(first, last):
            moment = datetime.fromtimestamp(quarter * _QUARTER_S, UTC)
            if hours is BUCKETS or self.bucket(moment.astimezone(here)) in hours:
                touched.add(self.bucket(moment.astimezone(there)))
        return tuple(b for b in BUCKETS if b in touched)

    def month_end(self, year: int, month: int) -> tuple[date, ...]:
        """The days of one month-end: the last working days of this month and the first ones of the next."""
        days = self.working_days(year, month)
        after = self.working_days(year + month // 12, month % 12 + 1)
        return (*days[len(days) - min(self.last, len(days)):], *after[:self.first])


def _wrong(message: str, fix: str) -> Finding:
    return Finding("history.calendar", Severity.ERROR, "calendar", message, fix)


@lru_cache(maxsize=1024)
def _working_days(site: Calendar, year: int, month: int) -> tuple[date, ...]:
    first = date(year, month, 1)
    days = (first + timedelta(days=n) for n in range(calendar.monthrange(year, month)[1]))
    return tuple(day for day in days if site.is_working(day))


def month_in(text: str) -> tuple[int, int] | None:
    """``2026-11`` as (year, month); None for what is no month of 1971 to 2200."""
    match = _MONTH.fullmatch(text.strip())
    return (int(match[1]), int(match[2])) if match and 1971 <= int(match[1]) <= 2200 else None


@lru_cache(maxsize=1024)
def public_holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    """The holidays of a year by the ``holidays`` library; none without a country. Raises InputError."""
    if not country:
        return frozenset()
    import holidays  # start-up: a slow import that most questions do not need

    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
    except NotImplementedError as error:
        raise InputError([_wrong(f"{str(error)[:200]}", f"give {_expected(country)}, or a list of dates")]) from None


def _expected(country: str) -> str:
    """What could have been meant."""
    import holidays  # start-up: a slow import that most questions do not need

    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        return "an ISO 3166 code such as AU, DE or GB"
    return f"one of {', '.join(known[country][:60]) or 'no subdivision'}"
