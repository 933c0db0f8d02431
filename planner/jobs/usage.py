"""Usage of an estate from a history, for the hours that a plan must carry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from planner.errors import InputError, UsageError
from planner.estate.model import Estate
from planner.findings import Finding, Severity
from planner.history.calendar import BUCKETS, Bucket, Calendar, DayKind
from planner.history.profiles import exact_percentile, month_range
from planner.history.store import STEP_S, History
from planner.history.usage import Usage, usage_of
from planner.plan import Window

MONTH_END, ALWAYS = "month-end", "always"


@dataclass(frozen=True, slots=True)
class UsageSpec:
    """Which usage counts: the last ``months`` months of a history, at a percentile, so many percent more than it was.

    ``start_s`` and ``end_s`` (UTC seconds) fix the time instead of ``months``, so that a plan can be verified later.
    """

    path: Path
    calendar: Calendar = field(default_factory=Calendar)
    percentile: str = "100"
    months: int = 13
    growth_percent: int = 0
    step_s: int = STEP_S
    start_s: int | None = None
    end_s: int | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """The hours that a plan must carry; ``start`` and ``end`` (local time, end exclusive) where days are known."""

    text: str
    buckets: tuple[Bucket, ...]
    start: dt.datetime | None = None
    end: dt.datetime | None = None


def period_from(when: str, calendar: Calendar, after: dt.datetime | None) -> Period:
    """``month-end`` (the next one after ``after``, if that is known), ``2026-11`` (that month's end) or ``always``.

    A month-end lasts from the first of its days to the end of the last. Raises UsageError.
    """
    if when == ALWAYS:
        return Period("all days and hours", BUCKETS)
    buckets = tuple(b for b in BUCKETS if b.kind is DayKind.MONTH_END)
    if when == MONTH_END:
        if after is None:
            return Period("month-end", buckets)
        month = (after.year, after.month) if after.day > 15 else _before(after.year, after.month)
        for _ in range(4):
            found = _month_end(calendar, month, buckets)
            if found.start is not None and found.start >= after:
                return found
            month = (month[0] + month[1] // 12, month[1] % 12 + 1)
    try:
        day = dt.datetime.strptime(when, "%Y-%m")
    except ValueError:
        raise UsageError(f"--when {when!r} is not 'month-end', 'always' or a month like '2026-11'") from None
    return _month_end(calendar, (day.year, day.month), buckets)


def _before(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, 12)


def _month_end(calendar: Calendar, month: tuple[int, int], buckets: tuple[Bucket, ...]) -> Period:
    days = calendar.month_end(*month)
    if not days:
        raise UsageError("the calendar has no month-end days: give --month-end-last or --month-end-first above 0")
    start, end = (dt.datetime.combine(d, dt.time()) for d in (days[0], days[-1] + dt.timedelta(days=1)))
    return Period(f"month-end {month[0]}-{month[1]:02d} ({days[0]:%a %d %b} to {days[-1]:%a %d %b %Y})", buckets, start,
                  end)


def window_period(window: Window | None, calendar: Calendar) -> Period:
    """The hours that a maintenance window touches on its days' kinds; all hours without a window."""
    if window is None:
        return Period("all days and hours", BUCKETS)
    hours = set()
    moment = window.start.replace(minute=0, second=0)
    while moment < window.end:
        hours.add(Bucket(calendar.kind(moment.date()), moment.hour))
        moment += dt.timedelta(hours=1)
    return Period(f"the window's hours, {window.start:%a %H:%M} to {window.end:%a %H:%M}",
                  tuple(b for b in BUCKETS if b in hours), window.start, window.end)


def read_usage(estate: Estate, spec: UsageSpec, buckets: Collection[Bucket]) -> tuple[Usage, dict[str, Any]]:
    """What the estate's partitions used in these buckets, and what plan.json keeps of the question.

    Raises InputError for a history that cannot be read or that holds nothing of these hours.
    """
    exact_percentile(spec.percentile)
    with History.open(spec.path, read_only=True) as history:
        extent = history.extent()
        if extent is None:
            raise _nothing(spec.path, "holds no usage")
        start_s, end_s = _span(history, spec, extent)
        found = usage_of(history, (*estate.lpars, *estate.vioses), spec.calendar, buckets=buckets,
                         percentile=spec.percentile, start_s=start_s, end_s=end_s, step_s=spec.step_s)
    if not len(found.starts):
        raise _nothing(spec.path, "holds no usage of these hours and days in the time asked for")
    grown = replace(found, physc=-(-found.physc * (100 + spec.growth_percent) // 100),
                    findings=_gathered(found, estate))
    return grown, _json(replace(spec, start_s=start_s, end_s=end_s), buckets)


def _nothing(path: Path, what: str) -> InputError:
    return InputError([Finding("history.missing", Severity.ERROR, path.name, f"the history {what}",
                               "see what there is with: planner history show --store FILE")])


def _span(history: History, spec: UsageSpec, extent: tuple[int, int]) -> tuple[int, int]:
    """The time that counts, from the beginning of a local month on."""
    end_s = extent[1] if spec.end_s is None else spec.end_s
    if spec.start_s is not None:
        return spec.start_s, end_s
    last = history.clock().local(end_s)
    month = last.year * 12 + last.month - 1 - (spec.months - 1)
    return max(extent[0], month_range(history.clock(), month // 12, month % 12 + 1)[0]), end_s


def _gathered(usage: Usage, estate: Estate) -> tuple[Finding, ...]:
    """The findings, those on active partitions that have no history in one."""
    counted = {p.name for p in estate.lpars if p.active} | {v.name for v in estate.vioses}
    lost = sorted(f.subject for f in usage.findings if f.rule == "history.missing" and f.subject in counted)
    found = [f for f in usage.findings if f.rule != "history.missing" and f.subject in counted]
    if lost:
        found.insert(0, Finding("history.missing", Severity.WARNING, ", ".join(lost[:8]) + (" …" if lost[8:] else ""),
                                f"{len(lost)} of {len(counted)} partitions have no usage history: planned with their "
                                "entitlement at all times", "add recordings of them to the history"))
    return tuple(found)


def _json(spec: UsageSpec, buckets: Collection[Bucket]) -> dict[str, Any]:
    c = spec.calendar
    hours: dict[str, list[int]] = {}
    for b in sorted(buckets):
        hours.setdefault(b.kind.value, []).append(b.hour)
    return {"percentile": spec.percentile, "from_s": spec.start_s, "to_s": spec.end_s, "step_s": spec.step_s,
            "growth_percent": spec.growth_percent, "hours": hours,
            "calendar": {"country": c.country, "subdivision": c.subdivision, "last": c.last, "first": c.first,
                         "closed": sorted(d.isoformat() for d in c.closed), "weekend": sorted(c.weekend)}}


def usage_again(estate: Estate, path: Path, asked: Mapping[str, Any]) -> Usage:
    """The usage that a plan was made with, from what plan.json keeps. Raises UsageError when that is broken."""
    try:
        c = asked["calendar"]
        calendar = Calendar(str(c["country"]), str(c["subdivision"]),
                            frozenset(dt.date.fromisoformat(d) for d in c["closed"]), int(c["last"]), int(c["first"]),
                            frozenset(int(d) for d in c["weekend"]))
        spec = UsageSpec(path, calendar, str(asked["percentile"]), 0, int(asked["growth_percent"]),
                         int(asked["step_s"]), int(asked["from_s"]), int(asked["to_s"]))
        buckets = [Bucket(DayKind(kind), int(h)) for kind, hours in asked["hours"].items() for h in hours]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the plan's goal.usage cannot be read ({error}): plan again") from None
    return read_usage(estate, spec, buckets)[0]
