"""What the capacity workbook says, as plain figures. Usage is in thousandths of a core, entitlements in hundredths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from planner.findings import Finding
from planner.history.calendar import Calendar, DayKind
from planner.history.forecast import Forecast
from planner.history.forecast import show_month as show_month
from planner.history.monthly import LEAST_KNOWN, LEAST_PERCENT, MonthOf, month_at, number_of
from planner.plan.plan import Plan, ServerState

Month = MonthOf
#: Hours 0 to 23; None where nothing is known.
Hours = tuple[int | None, ...]
UNCOUNTED = "not activated: holds nothing, not counted"
PERCENTILES = (50, 80, 95)
_FAR, FAR_STATED = 24, 120
"""Months after which a date of being full is never told, at a growth that is measured and at one that is stated."""


def month_after(month: Month, count: int = 1) -> Month:
    """The month so many months later (earlier, where negative)."""
    return month_at(number_of(month) + count)


def months_to(last: Month, count: int) -> tuple[Month, ...]:
    """So many months that end with this one, in order."""
    return tuple(month_after(last, n - count + 1) for n in range(count))


@dataclass(frozen=True, slots=True)
class Levers:
    """What a person may change, here and in the workbook. Per cent, but for ``step_units`` (hundredths of a core) and
    ``least_memory_mib``. ``growth``: per cent a month for every server and pool, instead of what was measured.
    ``entitle_…``: the percentile of the month, one of ``PERCENTILES``, that an uncapped LPAR is entitled to: what it
    uses above it comes from the pool. ``propose_all``: for every LPAR, not only for what is odd."""

    percentile: Fraction = Fraction(95)
    cpu_ceiling: int = 90
    memory_ceiling: int = 95
    growth: float | None = None
    margin_production: int = 20
    margin_other: int = 10
    step_units: int = 5
    least_memory_mib: int = 1024
    entitle_production: int = 80
    entitle_other: int = 50
    propose_all: bool = False

    def entitle_at(self, production: bool) -> int:
        """The place in ``PERCENTILES`` of the one that holds for production, or for the others."""
        return PERCENTILES.index(self.entitle_production if production else self.entitle_other)


@dataclass(frozen=True, slots=True)
class CapacityOptions:
    """What is asked: the month, how many months to look back (it included) and ahead, the calendar, the levers."""

    month: Month
    calendar: Calendar
    levers: Levers = field(default_factory=Levers)
    months: int = 24
    horizon: int = 6


@dataclass(frozen=True, slots=True)
class MonthUsage:
    """What something used in a month, in thousandths of a core (``memory_mib``: the most memory in use).

    ``high``: at the percentile. ``month_end``: the most in the days of this month-end, None when less than half of
    them is recorded. ``filled`` of ``slots`` × members were not recorded and are estimated. ``known_percent``: so much
    of the month-end is recorded of the members that have a history, by their entitlement (in the slots of which
    anything is); ``lacking``: the members of which less than ``LEAST_PERCENT`` is.
    """

    mean: int
    high: int
    peak: int
    peak_at: datetime
    month_end: int | None
    month_end_at: datetime | None
    memory_mib: int
    slots: int
    filled: int
    known_percent: int = 100
    lacking: tuple[str, ...] = ()

    @property
    def of_some(self) -> bool:
        """Whether too little is known of some members for its month-end to be compared with those of other months."""
        return self.known_percent < LEAST_PERCENT

    @property
    def decisive(self) -> int:
        """The month-end peak; where none is known, the peak of the month."""
        return self.peak if self.month_end is None else self.month_end


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast of month-end peaks, in thousandths of a core, for the months after ``after``, the last that is used.
    ``growth``: per cent of the last month-end peak that the forecast adds a month."""

    after: Month
    growth: float
    made: Forecast

    @property
    def tested(self) -> bool:
        """Whether there are months enough to say whether it grows: growth of 0 is a measurement only then."""
        return self.made.low is not None

    def next_after(self, month: Month, values: tuple[int, ...] | None) -> int | None:
        """Of the forecast's ``points``, ``low`` or ``high`` that of the month-end that follows a month."""
        return values[number_of(month) - number_of(self.after)] if values else None


@dataclass(frozen=True, slots=True)
class PlaceFigures:
    """A server, or a shared processor pool of one. ``past``: month → usage, for the months of which any is known.

    ``capacity_units``: configurable, of a pool its maximum less what is reserved. ``ceiling``: per cent that may be
    used; ``ceiling_stated``: by a policy. ``hours``: by kind of day, the percentile of the sum in each hour of the
    month. ``heat``: day of the month → the most in each hour. ``sum_of_peaks``: of the members' own month-end peaks.
    """

    name: str
    server: str
    pool: str
    model: str
    members: tuple[str, ...]
    lpars: int
    capacity_units: int
    ceiling: int
    ceiling_stated: bool
    reserve_units: int
    entitled_units: int
    usage: MonthUsage
    sum_of_peaks: int
    past: Mapping[Month, MonthUsage]
    outlook: Outlook | None
    hours: Mapping[DayKind, Hours]
    heat: Mapping[date, Hours]
    memory_mib: int = 0
    memory_ceiling: int = 0
    memory_ceiling_stated: bool = False
    memory_reserve_mib: int = 0
    memory_allocated_mib: int = 0

    @property
    def capacity(self) -> float:
        """Cores that can be used at all."""
        return self.capacity_units / 100

    @property
    def usable(self) -> float:
        """Cores that may be used: ceiling × capacity − reserve."""
        return self.capacity * (self.ceiling / 100) - self.reserve_units / 100

    @property
    def used(self) -> float:
        """Cores at the month-end peak."""
        return self.usage.decisive / 1000

    @property
    def headroom(self) -> float:
        """Cores between the month-end peak and what may be used; negative when it is over."""
        return self.usable - self.used

    @property
    def share(self) -> float:
        """The month-end peak as a share of what may be used."""
        return self.used / self.usable if self.usable > 0 else 0.0

    @property
    def memory_usable(self) -> float:
        """GiB that may be allocated."""
        return self.memory_mib / 1024 * (self.memory_ceiling / 100) - self.memory_reserve_mib / 1024

    @property
    def memory_headroom(self) -> float:
        """GiB that may still be allocated."""
        return self.memory_usable - self.memory_allocated_mib / 1024

    def growth(self, levers: Levers) -> float:
        """Per cent of the month-end peak a month."""
        if levers.growth is not None:
            return levers.growth
        return self.outlook.growth if self.outlook else 0.0

    def months_left(self, levers: Levers) -> float | None:
        """Months until the month-end peak reaches what may be used, at a growth by the same cores each month; 0 when
        it is there, None when it never is."""
        if self.headroom <= 0:
            return 0.0
        cores = self.used * (self.growth(levers) / 100)
        return self.headroom / cores if cores > 0 else None

    def full_in(self, month: Month, levers: Levers, far: int) -> Month | None:
        """The first month-end at which it is full; None when that is never or beyond ``far`` months."""
        left = self.months_left(levers)
        return None if left is None or left > far else month_after(month, math.ceil(round(left, 6)))


class Odd(StrEnum):
    """What may be odd about the processors of an LPAR."""

    LIMIT = "at its own limit"
    LITTLE = "entitled to too little"
    MUCH = "entitled to too much"
    VPS = "too many virtual processors"


LEAST_ODD_UNITS, LEAST_ODD_VPS = 20, 2
"""Hundredths of a core, and virtual processors, by which what an LPAR has must differ at least to be odd."""


@dataclass(frozen=True, slots=True)
class EnterpriseFigures:
    """A Power Enterprise Pool 2.0 in the month: core-minutes above its base in all of it and at its month-end, minutes
    in which anything is above; peaks in thousandths of a core; ``hours`` of slots that the month has in the history."""

    name: str
    servers: tuple[str, ...]
    base_cores: int
    installed_units: int
    core_minutes: float
    minutes_above: float
    month_end_core_minutes: float
    peak: int
    month_end_peak: int
    hours: float


@dataclass(frozen=True, slots=True)
class PartitionSizes:
    """Hundredths of a core, virtual processors, MiB."""

    units: int
    virtual_processors: int
    memory_mib: int


@dataclass(frozen=True, slots=True)
class Sizing:
    """The proposal for one LPAR. ``basis`` other than ``history`` says why there is none for its processors;
    ``memory_basis`` other than ``used`` why there is none for its memory. ``held_back``: it ran into its own limit, so
    that more may be wanted than was measured. ``borrows``: it may use more than it is entitled to, and ``need`` is the
    lever's percentile of the month (``of``: all of ``PERCENTILES``), else that of its highest hour at month-end,
    ``end_need``. ``right``: what it should have by that; ``odd``: what is odd about what it has, "" if nothing is;
    ``proposed``: the right sizes where something is odd or all were asked for, else those of today."""

    basis: str
    memory_basis: str
    held_back: bool
    borrows: bool
    need: int
    of: tuple[int, ...]
    end_need: int
    peak: int
    most_memory_mib: int | None
    margin: int
    least_units_per_vp: int
    lmb_mib: int
    right: PartitionSizes
    odd: str
    odd_memory: bool
    proposed: PartitionSizes
    note: str


@dataclass(frozen=True, slots=True)
class PartitionFigures:
    """An LPAR or VIOS with what it has, what it used and what is proposed. ``usage`` of None: no history of it."""

    name: str
    server: str
    pool: str
    environment: str
    processors: str
    sharing: str
    entitlement_units: int
    virtual_processors: int
    memory_mib: int
    usage: MonthUsage | None
    outlook: Outlook | None
    sizing: Sizing
    memory_stated: bool
    known_slots: int
    slots: int
    span_s: int
    active: bool = True

    @property
    def measured(self) -> bool:
        """Whether at least half of the month is recorded of it."""
        return self.known_slots > 0 and self.known_slots >= LEAST_KNOWN * self.slots

    @property
    def used_share(self) -> float | None:
        """Its month-end peak as a share of its entitlement."""
        return None if self.usage is None else self.usage.decisive / 10 / self.entitlement_units

    @property
    def freed_units(self) -> int:
        """Hundredths of a core that the proposal frees; negative where more is needed."""
        return self.entitlement_units - self.sizing.proposed.units

    @property
    def freed_mib(self) -> int:
        """MiB that the proposal frees; negative where more is needed."""
        return self.memory_mib - self.sizing.proposed.memory_mib

    @property
    def verdict(self) -> str:
        """``over``: the month-end peak is above the entitlement; ``under``: below half of it."""
        if self.used_share is None:
            return "no history"
        return "over" if self.used_share > 1 else "under" if self.used_share < 0.5 else "within"


@dataclass(frozen=True, slots=True)
class Effect:
    """What the plan does to one server: month-end peak in thousandths of a core before and after, what comes from
    faster cores with as much more as these are slower (as :meth:`Site.use`); entitlement and memory as the replay has
    them."""

    before: ServerState
    after: ServerState
    peak_before: int
    peak_after: int


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """The plan that was asked for, replayed against this estate."""

    plan: Plan
    holds: bool
    findings: tuple[Finding, ...]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of one partition's record. Seconds; ``missing`` slots of ``slots`` in the month of the report."""

    name: str
    server: str
    missing: int
    slots: int
    span_s: int
    effect: str
    first_s: int | None = None
    last_s: int | None = None
    gaps: int = 0
    gap_s: int = 0
    resets: int = 0
    changes: int = 0


@dataclass(frozen=True, slots=True)
class MeasuredShare:
    """How many active LPARs are measured (:attr:`PartitionFigures.measured`), with how much of all entitlement."""

    measured: int
    lpars: int
    units: int
    all_units: int

    @property
    def share(self) -> float:
        """The entitlement of those that are measured as a share of all."""
        return self.units / self.all_units if self.all_units else 1.0

    @property
    def enough(self) -> bool:
        """Whether figures rest on what was measured, and not on entitlements that stand in for it."""
        return 100 * self.units >= LEAST_PERCENT * self.all_units


@dataclass(frozen=True, slots=True)
class Capacity:
    """Everything that the workbook says. ``months``: those looked back on, ``absent`` of them without any record."""

    month: Month
    months: tuple[Month, ...]
    absent: tuple[Month, ...]
    horizon: int
    zone: str
    levers: Levers
    month_end_days: tuple[date, ...]
    servers: tuple[PlaceFigures, ...]
    pools: tuple[PlaceFigures, ...]
    partitions: tuple[PartitionFigures, ...]
    gaps: tuple[Gap, ...]
    findings: tuple[Finding, ...]
    assumptions: tuple[str, ...]
    kinds: Mapping[date, DayKind] = field(default_factory=dict)
    plan: PlanFigures | None = None
    enterprise: tuple[EnterpriseFigures, ...] = ()

    @property
    def far(self) -> int:
        """Months after which a date of being full is not told: at a growth that somebody states ten years; else no
        further ahead than was looked back, at most two years, at least the months that are forecast."""
        return FAR_STATED if self.levers.growth is not None else self.far_measured

    @property
    def far_measured(self) -> int:
        """The same where growth is measured, whatever the lever says."""
        return max(self.horizon, min(_FAR, len(self.months) - len(self.absent)))

    @property
    def growth_known(self) -> bool:
        """Whether a growth was given, or measured of any server."""
        return self.levers.growth is not None or any(p.outlook and p.outlook.tested for p in self.servers)

    @property
    def lpars(self) -> tuple[PartitionFigures, ...]:
        """The partitions that may be right-sized."""
        return tuple(p for p in self.partitions if p.environment != "VIOS")

    def recorded(self, server: str | None = None) -> MeasuredShare:
        """How much of the active LPARs (of one server) is measured in the month."""
        active = [p for p in self.lpars if p.active and server in (None, p.server)]
        there = [p for p in active if p.measured]
        return MeasuredShare(len(there), len(active), sum(p.entitlement_units for p in there),
                        sum(p.entitlement_units for p in active))
