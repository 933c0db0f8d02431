"""The answer to a scenario: what each server holds, how each LPAR gets there, the figures that are put side by side.

whatif.json is written from these classes, and page, workbook and terminal read them. Integers are hundredths of a core,
MiB and milliseconds; JSON has cores, GiB and seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, PlainSerializer

from planner.estate.model import Estate
from planner.jobs.alternatives import Beside
from planner.optimise.frontier import FrontierPoint
from planner.plan.choices import OUT, Status
from planner.plan.details import Change, Conflict, Cores, Physc, RoundGib
from planner.plan.plan import Findings, Moment, Plan
from planner.plan.wire import absent, empty
from planner.scenarios.paths import Door, Stage


@dataclass(frozen=True, slots=True)
class ServerLine:
    """A server in use in the end: what it may hold, holds on arrival and in the end; watts at its busy cores."""

    name: str
    model: str
    generation: str
    added: bool
    lpars: int
    units_limit: Annotated[Cores, Field(alias="cores_limit")]
    units_arrival: Annotated[Cores, Field(alias="cores_arrival")]
    units_final: Annotated[Cores, Field(alias="cores")]
    memory_limit_mib: Annotated[RoundGib, Field(alias="gib_limit")]
    memory_arrival_mib: Annotated[RoundGib, Field(alias="gib_arrival")]
    memory_final_mib: Annotated[RoundGib, Field(alias="gib")]
    idle_w: int
    max_w: int
    watts: float
    watts_assumed: bool
    watts_source: str
    used_arrival: Annotated[Physc | None, Field(alias="month_end_peak_arrival", exclude_if=absent)] = None
    """With a history the most that is used of it together on month-end days, VIOSes included, in thousandths."""
    used_final: Annotated[Physc | None, Field(alias="month_end_peak", exclude_if=absent)] = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an LPAR does not go live: the rule, what it says, what would mend it."""

    rule: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class LparLine:
    """An LPAR in a scenario: where it ends, how it gets there (in which wave, or by which move in lanes), its size and
    mode on the way, and why not live."""

    name: str
    source: str
    target: str
    way: str
    wave: int | None
    number: int | None
    units_today: Annotated[Cores, Field(alias="cores_today")]
    units: Annotated[Cores, Field(alias="cores")]
    virtual_processors_today: int
    virtual_processors: int
    memory_mib_today: Annotated[RoundGib, Field(alias="gib_today")]
    memory_mib: Annotated[RoundGib, Field(alias="gib")]
    ratio: Annotated[float, PlainSerializer(lambda ratio: round(ratio, 4), return_type=float, when_used="json")]
    basis: Annotated[str, Field(alias="virtual_processors_by")]
    why_not_resized: Annotated[str, Field(alias="not_resized")]
    stages: Annotated[tuple[Stage, ...], Field(alias="path")]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """What the servers in use have, hold, leave free and draw together; energy of so many hours at the scenario's
    prices, None where it has none."""

    servers: int
    units: Annotated[Cores, Field(alias="cores")]
    memory_mib: Annotated[RoundGib, Field(alias="memory_gib")]
    lpars: int
    free_units_arrival: Annotated[Cores, Field(alias="headroom_cores_arrival")]
    free_units: Annotated[Cores, Field(alias="headroom_cores")]
    free_mib_arrival: Annotated[RoundGib, Field(alias="headroom_gib_arrival")]
    free_mib: Annotated[RoundGib, Field(alias="headroom_gib")]
    watts: float
    kwh: int
    money: int | None
    currency: str
    co2_kg: int | None
    watts_assumed: bool
    hours: int
    used_share_arrival: Annotated[float | None, Field(alias="month_end_percent_arrival")] = None
    """Per cent of its configurable cores, whatever its ceiling, that the server which is used most then uses at its
    month-end peak."""
    used_share: Annotated[float | None, Field(alias="month_end_percent")] = None


@dataclass(frozen=True, slots=True)
class Migration:
    """How the LPARs get there. ``inactive``: LPARs of retired servers that are not activated, ``inactive_moved`` those
    that are migrated; ``hours``: length of the live migration."""

    live: int = 0
    restarts: int = 0
    reactivations: int = 0
    resized: int = 0
    inactive: tuple[str, ...] = ()
    inactive_moved: tuple[str, ...] = ()
    inactive_moves: int = 0
    waves: int = 0
    lanes: int = 0
    hours: float = 0.0
    outage_minutes: int = 0


@dataclass(frozen=True, slots=True)
class WaveMove:
    """One migration of a wave."""

    lpar: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class WaveLine:
    """The migrations that start together."""

    wave: int
    start_ms: Annotated[Moment, Field(alias="start_s")]
    end_ms: Annotated[Moment, Field(alias="end_s")]
    moves: tuple[WaveMove, ...]


def waves_of(plan: Plan | None) -> tuple[WaveLine, ...]:
    """The timetable of what is migrated in waves."""
    return tuple(WaveLine(n, min(m.start_ms for m in moves), max(m.end_ms for m in moves),
                          tuple(WaveMove(m.lpar, m.source, m.target) for m in moves))
                 for n, moves in (plan.waves(OUT) if plan and not plan.in_lanes else ()))


@dataclass(frozen=True, slots=True)
class LaneMove(WaveMove):
    """One migration of a lane: its number in the plan, its predicted times, and the moves that it waits for beside the
    one before it in its lane."""

    number: int
    start_ms: Annotated[Moment, Field(alias="start_s")]
    end_ms: Annotated[Moment, Field(alias="end_s")]
    waits_for: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LaneLine:
    """The migrations that one person starts one after the other."""

    lane: int
    start_ms: Annotated[Moment, Field(alias="start_s")]
    end_ms: Annotated[Moment, Field(alias="end_s")]
    moves: tuple[LaneMove, ...]


def lanes_of(plan: Plan | None) -> tuple[LaneLine, ...]:
    """The timetable of what is migrated in lanes."""
    return tuple(LaneLine(n, min(m.start_ms for m in moves), max(m.end_ms for m in moves), tuple(
        LaneMove(m.lpar, m.source, m.target, m.number, m.start_ms, m.end_ms, m.waits_for) for m in moves))
        for n, moves in (plan.lanes(OUT) if plan and plan.in_lanes else ()))


@dataclass(frozen=True, slots=True)
class ScenarioFigures:
    """A scenario as whatif.json has it. ``objective`` and ``bound``: seconds of moving, restarts as the scenario
    prices them; ``directory``: where the plan of its live moves is, None when there is none."""

    name: str
    file: str
    note: str
    status: Status
    objective: Annotated[float | None, Field(alias="objective_s")] = None
    bound: Annotated[float | None, Field(alias="bound_s")] = None
    gap: float | None = None
    retired: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    totals: Totals | None = None
    migration: Migration = field(default_factory=Migration)
    waves: tuple[WaveLine, ...] = ()
    lanes: tuple[LaneLine, ...] = ()
    changes: tuple[Change, ...] = ()
    doors: Annotated[tuple[Door, ...], Field(alias="one_way_doors")] = ()
    findings: Annotated[Findings, Field(alias="risks")] = ()
    conflict: Conflict | None = None
    frontier: tuple[FrontierPoint, ...] = ()
    frontier_note: str = ""
    servers: tuple[ServerLine, ...] = ()
    lpars: tuple[LparLine, ...] = ()
    ratings: Annotated[tuple[str, ...], Field(alias="rperf")] = ()
    licences: Annotated[Mapping[str, int], Field(alias="licence_cores", exclude_if=empty)] = field(default_factory=dict)
    """Product that is licensed by the core → what it counts in the end, over all servers."""
    assumptions: tuple[str, ...] = ()
    directory: Annotated[str | None, Field(alias="plan")] = None
    beside: Annotated[Beside | None, Field(exclude_if=absent)] = None
    """Other plans for the scenario, where such were asked for: each in a directory within that of its plan."""


@dataclass(frozen=True, slots=True)
class ScenarioResult(ScenarioFigures):
    """The answer to one scenario: its figures, and plan and estate of the live moves, None when there is none."""

    plan: Plan | None = None
    estate: Estate | None = None
