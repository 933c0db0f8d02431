"""Options of every command that asks a usage history: the store, the site's calendar, a month, a percentile."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from planner.history.calendar import Calendar
    from planner.jobs.peak_hours import UsageSpec

_CALENDAR = "Calendar of the site"
_MOST_CLOSED_DAYS = 366
_MONTH = re.compile(r"([0-9]{4})-([0-9]{1,2})")

Store = Annotated[Path, typer.Option("--store", metavar="FILE", help="The usage history (one file).")]
Month = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Only this month [default: all].")]
Percentile = Annotated[str, typer.Option("--percentile", metavar="P", help="Percentile of the slots of a bucket.")]
Country = Annotated[str, typer.Option("--country", metavar="CODE", rich_help_panel=_CALENDAR,
                                      help="Country of the holidays (ISO 3166), such as AU. [default: no holidays]")]
Subdivision = Annotated[str, typer.Option("--subdivision", metavar="CODE", rich_help_panel=_CALENDAR,
                                          help="State or region of the holidays, such as VIC.")]
Closed = Annotated[list[str] | None, typer.Option(
    "--closed", metavar="DATE", rich_help_panel=_CALENDAR,
    help="A further day off, 2026-12-24, or several, 2026-12-24/2026-12-31; may be given several times.")]
MonthEndLast = Annotated[int, typer.Option("--month-end-last", rich_help_panel=_CALENDAR,
                                           help="Month-end days: so many last working days of a month …")]
MonthEndFirst = Annotated[int, typer.Option("--month-end-first", rich_help_panel=_CALENDAR,
                                            help="… and so many first ones of the next.")]

_USAGE = "Usage history"
HistoryFile = Annotated[Path | None, typer.Option("--history", metavar="FILE", rich_help_panel=_USAGE,
                                                  help="The usage history (made by planner history add).")]
UsagePercentile = Annotated[str, typer.Option("--percentile", metavar="P", rich_help_panel=_USAGE,
                                              help="What counts of each LPAR's samples in an hour; 100: its peak.")]
UsageMonths = Annotated[int, typer.Option("--months", min=1, max=1200, rich_help_panel=_USAGE,
                                          help="So many months back from the history's end.")]
UsageGrowth = Annotated[int, typer.Option("--growth", metavar="PERCENT", min=-90, max=1000, rich_help_panel=_USAGE,
                                          help="Take so much more usage than was recorded.")]


def usage_spec(history: Path | None, calendar: Calendar, percentile: str, months: int, growth: int) -> UsageSpec | None:
    """Which usage counts; None without a history. Raises UsageError for options that need one."""
    from planner.errors import UsageError
    from planner.history.profiles import exact_percentile
    from planner.jobs.peak_hours import UsageSpec

    if percentile != "100":
        exact_percentile(percentile)
    if history is None and (percentile != "100" or growth):
        raise UsageError("--percentile and --growth are of the usage in a history: give --history as well")
    return None if history is None else UsageSpec(history, calendar, percentile, months, growth)


def history_end(history: Path | None) -> datetime | None:
    """The local time of a history's last sample; None without one."""
    from planner.history.store import History

    if history is None:
        return None
    with History.open(history, read_only=True) as store:
        extent = store.extent()
        return store.clock().local(extent[1]) if extent else None


def calendar_from(country: str = "", subdivision: str = "", closed: list[str] | None = None, last: int = 3,
                  first: int = 2) -> Calendar:
    """The site's calendar as the options state it; raises UsageError and InputError with all that is wrong."""
    from planner.errors import UsageError
    from planner.history.calendar import Calendar

    days: set[date] = set()
    wrong = []
    for text in closed or ():
        try:
            days |= _days(text)
        except ValueError:
            wrong.append(repr(text))
    if wrong:
        raise UsageError(f"--closed {', '.join(wrong)}: not a day like 2026-12-24, nor days like "
                         f"2026-12-24/2026-12-31 (at most {_MOST_CLOSED_DAYS})")
    return Calendar(country.strip().upper(), subdivision.strip(), frozenset(days), last, first)


def _days(text: str) -> set[date]:
    first, _, last = text.partition("/")
    begin = date.fromisoformat(first.strip())
    count = (date.fromisoformat(last.strip()) - begin).days + 1 if last else 1
    if not 1 <= count <= _MOST_CLOSED_DAYS:
        raise ValueError(text)
    return {begin + timedelta(days=n) for n in range(count)}


def month_from(text: str, option: str = "--month") -> tuple[int, int]:
    """``2026-11`` as (year, month); raises UsageError."""
    from planner.errors import UsageError

    match = _MONTH.fullmatch(text.strip())
    if not match or not 1 <= int(match[2]) <= 12 or not 1971 <= int(match[1]) <= 2200:
        raise UsageError(f"{option} {text!r} is not a month like 2026-11")
    return int(match[1]), int(match[2])
