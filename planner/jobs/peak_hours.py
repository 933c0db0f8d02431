"""Usage of an estate from a history, for the hours that a plan must carry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from planner.errors import InputError, UsageError
from planner.estate.model import Estate
from planner.findings import Finding, Severity
from planner.history.calendar import BUCKETS, Bucket, Calendar, DayKind, month_in
from planner.history.contents import STEP_S
from planner.history.monthly import month_at, number_of
from planner.history.profiles import exact_percentile, month_range
from planner.history.store import History
from planner.history.usage import Usage, usage_of
from planner.plan.questions import Period, UsageBasis
from planner.units import some

MONTH_END, ALWAYS = "month-end", "always"


class UsageGiven(NamedTuple):
    """What was used, and what plan.json keeps of the question."""

    usage: Usage
    basis: UsageBasis

    def on(self, estate: Estate) -> UsageGiven:
        """With what an estate has besides: as :meth:`UsageSpec.read` would give it for that estate."""
        usage = self.usage.with_entitled((*estate.lpars, *estate.vioses))
        return UsageGiven(usage, self.basis.replace(sha256=usage.digest()))

    def peaks(self) -> dict[str, int]:
        """The most that each partition used that was measured, in thousandths of a core."""
        return {n: int(self.usage.of(n).max()) for n in sorted(self.usage.measured)}


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

    def zone(self) -> str:
        """The zone that the history states (IANA); empty when it states none. Raises InputError."""
        with History.open(self.path, read_only=True) as history:
            return history.zone

    def read(self, estate: Estate, buckets: Collection[Bucket]) -> UsageGiven:
        """What the estate's partitions used in these buckets.

        Raises InputError for a history that cannot be read or that holds nothing of these hours.
        """
        exact_percentile(self.percentile)
        with History.open(self.path, read_only=True) as history:
            extent = history.extent()
            if extent is None:
                raise _nothing(self.path, "holds no usage")
            start_s, end_s = _span(history, self, extent)
            zone = history.zone
            usage = usage_of(history, (*estate.lpars, *estate.vioses), self.calendar, buckets=buckets,
                             percentile=self.percentile, start_s=start_s, end_s=end_s, step_s=self.step_s)
        if not len(usage.starts):
            raise _nothing(self.path, "holds no usage of these hours and days in the time asked for")
        physc = usage.physc.copy()
        for row, name in enumerate(usage.names):
            if name in usage:
                physc[row] = -(-physc[row] * (100 + self.growth_percent) // 100)
        grown = replace(usage, physc=physc, findings=_gathered(usage, estate))
        return UsageGiven(grown, UsageBasis(
            percentile=self.percentile, from_s=start_s, to_s=end_s, step_s=self.step_s,
            growth_percent=self.growth_percent, hours=frozenset(buckets), calendar=self.calendar,
            measured=len(grown.measured), sha256=grown.digest(), zone=zone))


class Needed(NamedTuple):
    """When headroom is needed, as fields of a Headroom: in words, the hours, from when to when where days are known."""

    when: str
    hours: frozenset[Bucket]
    period: Period | None = None


def period_from(when: str, calendar: Calendar, after: dt.datetime | None) -> Needed:
    """``month-end`` (the next one after ``after``, if that is known), ``2026-11`` (that month's end) or ``always``.

    A month-end lasts from the first of its days to the end of the last. Raises UsageError.
    """
    if when == ALWAYS:
        return Needed("all days and hours", frozenset(BUCKETS))
    hours = frozenset(b for b in BUCKETS if b.kind is DayKind.MONTH_END)
    if when == MONTH_END:
        if after is None:
            return Needed("month-end", hours)
        month = month_at(number_of((after.year, after.month)) - (after.day <= 15))
        for _ in range(4):
            needed = _month_end(calendar, month, hours)
            if needed.period is not None and needed.period.start >= after:
                return needed
            month = month_at(number_of(month) + 1)
    asked = month_in(when)
    if asked is None:
        raise UsageError(f"--when {when!r} is not 'month-end', 'always' or a month like '2026-11'")
    return _month_end(calendar, asked, hours)


def _month_end(calendar: Calendar, month: tuple[int, int], hours: frozenset[Bucket]) -> Needed:
    days = calendar.month_end(*month)
    if not days:
        raise UsageError(f"the calendar has no month-end days for {month[0]}-{month[1]:02d}: give --month-end-last or "
                         "--month-end-first above 0, and leave working days open (--closed)")
    start, end = (dt.datetime.combine(d, dt.time()) for d in (days[0], days[-1] + dt.timedelta(days=1)))
    return Needed(f"month-end {month[0]}-{month[1]:02d} ({days[0]:%a %d %b} to {days[-1]:%a %d %b %Y})", hours,
                  Period(start=start, end=end))


def _nothing(path: Path, what: str) -> InputError:
    return InputError([Finding("history.missing", Severity.ERROR, path.name, f"the history {what}",
                               "see what there is with: planner history show --store FILE")])


def _span(history: History, spec: UsageSpec, extent: tuple[int, int]) -> tuple[int, int]:
    """The time that counts, from the beginning of a local month on."""
    end_s = extent[1] if spec.end_s is None else spec.end_s
    if spec.start_s is not None:
        return spec.start_s, end_s
    last = history.clock().local(end_s)
    month = month_at(number_of((last.year, last.month)) - spec.months + 1)
    return max(extent[0], month_range(history.clock(), *month)[0]), end_s


def _gathered(usage: Usage, estate: Estate) -> tuple[Finding, ...]:
    """The findings, those on active partitions that have no history in one."""
    counted = {p.name for p in estate.lpars if p.active} | {v.name for v in estate.vioses}
    lost = sorted(f.subject for f in usage.findings if f.rule == "history.missing" and f.subject in counted)
    rest = [f for f in usage.findings if f.rule != "history.missing" and f.subject in counted]
    if lost:
        few = " Most of what this plan says of usage rests on entitlements, not on measurements." if (
            2 * len(lost) > len(counted)) else ""
        rest.insert(0, Finding("history.missing", Severity.WARNING, some(lost, 8),
                               f"{len(lost)} of {len(counted)} partitions have no usage in the hours that count: "
                               f"planned with their entitlement at all times.{few}",
                               "add recordings of them to the history"))
    return tuple(rest)


def usage_again(estate: Estate, path: Path, basis: UsageBasis) -> Usage:
    """The usage that a plan was made with, from what plan.json keeps."""
    spec = UsageSpec(path, basis.calendar, basis.percentile, months=0, growth_percent=basis.growth_percent,
                     step_s=basis.step_s, start_s=basis.from_s, end_s=basis.to_s)
    return spec.read(estate, basis.hours)[0]
