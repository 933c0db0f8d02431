"""Move, Wave, Plan: the result that everything right of here works on, and its plan.json."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, Literal

from planner.errors import InputError
from planner.findings import Finding, Severity, Source

VERSION = 1


class Status(StrEnum):
    """What is proved. ``feasible``: a plan with a bound; ``unknown``: no answer in time. Never one for another."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


class Measure(StrEnum):
    """What of the servers that stay on is made least."""

    WATTS = "watts"
    """idle watts of the servers, and the load part: whole watts per core times the cores in use"""
    SERVERS = "servers"
    CORES = "cores"
    """configurable cores, which is what many licences count"""


OUT, BACK = "out", "back"


@dataclass(frozen=True, slots=True)
class Move:
    """One live migration. Times in ms from the start of the window; ``bytes_sent`` over the wire, all rounds.

    ``disks`` and ``fibres``: (client slot, VIOS on the target). ``parking``: it will move again on this leg.
    """

    lpar: str
    source: str
    target: str
    leg: str = OUT
    wave: int = 0
    start_ms: int = 0
    duration_ms: int = 0
    suspend_ms: int = 0
    bytes_sent: int = 0
    source_msp: str = ""
    target_msp: str = ""
    pool_id: int | None = None
    target_id: int | None = None
    disks: tuple[tuple[int, str], ...] = ()
    fibres: tuple[tuple[int, str], ...] = ()
    parking: bool = False

    @property
    def end_ms(self) -> int:
        """When it is over, in ms from the start of the window."""
        return self.start_ms + self.duration_ms


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window in local clock time (no zone: the site's own), and whether the plan fits."""

    start: dt.datetime
    end: dt.datetime
    fits: bool | None = None
    spare_s: int | None = None

    @property
    def length_s(self) -> int:
        """Seconds from start to end."""
        return int((self.end - self.start).total_seconds())


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a server holds at one moment: units in hundredths of a core, memory in MiB, and the limits in force."""

    server: str
    lpars: int
    units: int
    units_limit: int
    memory_mib: int
    memory_limit_mib: int


@dataclass(frozen=True, slots=True)
class Level:
    """One of several objectives, in their order: ``objective`` and proved lower ``bound`` in ``unit``, relative gap.

    ``scope`` says among which plans the bound holds.
    """

    name: str
    unit: str
    objective: float
    bound: float
    gap: float
    status: Status
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan, or the proof that there is none.

    ``objective`` and ``bound`` in seconds of moving, risk surcharge included; with ``levels`` (several objectives in
    order) those of the first level, in its unit.
    """

    goal: Mapping[str, Any]
    status: Status
    estate_digest: str
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    verified: bool = False
    moves: tuple[Move, ...] = ()
    findings: tuple[Finding, ...] = ()
    conflict: Mapping[str, Any] | None = None
    window: Window | None = None
    back_window: Window | None = None
    """The way back's own window, when it is not on the same evening."""
    back_from_s: int | None = None
    """Seconds from the start of the plan before which nothing comes back; then ``window`` binds the way out alone."""
    work_s: int | None = None
    assumptions: tuple[str, ...] = ()
    before: tuple[ServerState, ...] = ()
    peak: tuple[ServerState, ...] = ()
    after: tuple[ServerState, ...] = ()
    vios_ids: Mapping[str, int | None] = field(default_factory=dict)
    """Partition ids of the VIOSes that the commands name: a changed id makes a command wrong."""
    stays: tuple[tuple[str, str, str], ...] = ()
    """(LPAR, server, why) of what is left on the freed servers on purpose."""
    notes: tuple[str, ...] = field(default=())
    details: Mapping[str, Any] | None = None
    """Figures of the goal's own: for headroom what is free, the curve of its cost, peaks by hour."""
    levels: tuple[Level, ...] = ()
    off: tuple[str, ...] = ()
    """Servers that a consolidation empties and switches off."""
    restart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """N+1: server that fails after the plan → LPAR that ran there → server on which it restarts."""
    energy: Mapping[str, Any] | None = None

    def replace(self, **changes: Any) -> Plan:
        """A copy with other values."""
        return replace(self, **changes)

    def leg(self, name: str) -> tuple[Move, ...]:
        """The moves of one leg in the order in which they start."""
        return tuple(m for m in self.moves if m.leg == name)

    def waves(self, leg: str) -> list[tuple[int, tuple[Move, ...]]]:
        """(wave number, its moves) of one leg in order."""
        numbers = sorted({m.wave for m in self.leg(leg)})
        return [(n, tuple(m for m in self.leg(leg) if m.wave == n)) for n in numbers]

    def leg_span_s(self, name: str) -> float:
        """Seconds from the first start to the last end of a leg; 0 when it has no move."""
        moves = self.leg(name)
        return (max(m.end_ms for m in moves) - min(m.start_ms for m in moves)) / 1000 if moves else 0.0

    def limit(self, leg: str) -> Window | None:
        """The window that the moves of a leg must keep."""
        return self.window if leg == OUT or self.back_from_s is None else self.back_window

    def late(self) -> list[Move]:
        """The moves that end after the window of their leg."""
        return [m for m in self.moves if (w := self.limit(m.leg)) and (end := self.clock(m.end_ms)) and end > w.end]

    @property
    def total_s(self) -> float:
        """Seconds from the start of the window to the end of the last move, work between the legs included."""
        work = 0 if any(m.leg == BACK for m in self.moves) else self.work_s or 0
        return max((m.end_ms for m in self.moves), default=0) / 1000 + work

    def clock(self, ms: int) -> dt.datetime | None:
        """Clock time of a moment, when there is a window."""
        return self.window.start + dt.timedelta(milliseconds=ms) if self.window else None


def _seconds(ms: int) -> float:
    return ms / 1000


def move_json(move: Move, plan: Plan) -> dict[str, Any]:
    """One move as plan.json has it."""
    out: dict[str, Any] = {
        "lpar": move.lpar, "source": move.source, "target": move.target, "leg": move.leg, "wave": move.wave,
        "start_s": _seconds(move.start_ms), "duration_s": _seconds(move.duration_ms),
        "suspend_s": _seconds(move.suspend_ms), "bytes": move.bytes_sent,
        "source_msp": move.source_msp, "target_msp": move.target_msp, "parking": move.parking,
        "target_pool_id": move.pool_id, "target_lpar_id": move.target_id,
        "virtual_scsi": [{"slot": s, "vios": v} for s, v in move.disks],
        "virtual_fc": [{"slot": s, "vios": v} for s, v in move.fibres],
    }
    start, end = plan.clock(move.start_ms), plan.clock(move.end_ms)
    if start and end:
        out["start_clock"], out["end_clock"] = start.isoformat(sep=" ", timespec="seconds"), end.isoformat(
            sep=" ", timespec="seconds")
    return out


def finding_json(f: Finding) -> dict[str, Any]:
    """One finding as every JSON output has it."""
    return {"rule": f.rule, "severity": f.severity.value, "subject": f.subject, "message": f.message, "fix": f.fix,
            "source": str(f.source) if f.source else None}


def _state_json(s: ServerState) -> dict[str, Any]:
    return {"server": s.server, "lpars": s.lpars, "cores": s.units / 100, "cores_limit": s.units_limit / 100,
            "memory_mib": s.memory_mib, "memory_limit_mib": s.memory_limit_mib}


def _window_json(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    return {"start": window.start.isoformat(sep=" ", timespec="minutes"),
            "end": window.end.isoformat(sep=" ", timespec="minutes"), "length_s": window.length_s,
            "fits": window.fits, "spare_s": window.spare_s}


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain data; its schema is docs/plan.schema.json."""
    return {
        "version": VERSION, "goal": dict(plan.goal), "status": plan.status.value, "objective": plan.objective,
        "bound": plan.bound, "gap": plan.gap, "verified": plan.verified,
        "total_s": plan.total_s, "work_s": plan.work_s, "window": _window_json(plan.window),
        "back_window": _window_json(plan.back_window), "back_from_s": plan.back_from_s,
        "moves": [move_json(m, plan) for m in plan.moves],
        "waves": [{"wave": n, "leg": leg, "start_s": _seconds(min(m.start_ms for m in moves)),
                   "end_s": _seconds(max(m.end_ms for m in moves)), "lpars": [m.lpar for m in moves]}
                  for leg in (OUT, BACK) for n, moves in plan.waves(leg)],
        "findings": [finding_json(f) for f in plan.findings], "conflict": plan.conflict,
        "stays": [{"lpar": a, "server": b, "why": c} for a, b, c in plan.stays],
        "before": [_state_json(s) for s in plan.before], "peak": [_state_json(s) for s in plan.peak],
        "after": [_state_json(s) for s in plan.after],
        "vios_ids": dict(plan.vios_ids),
        "assumptions": list(plan.assumptions), "notes": list(plan.notes),
        **({} if plan.details is None else {"details": dict(plan.details)}), "estate_sha256": plan.estate_digest,
        **_consolidation_json(plan),
    }


def _consolidation_json(plan: Plan) -> dict[str, Any]:
    """What only a consolidation has; nothing for other plans."""
    if plan.goal.get("kind") != "consolidate":
        return {}
    return {
        "levels": [{"name": x.name, "unit": x.unit, "objective": x.objective, "bound": x.bound, "gap": x.gap,
                    "status": x.status.value, "scope": x.scope} for x in plan.levels],
        "switched_off": list(plan.off), "restart": {s: dict(p) for s, p in plan.restart.items()},
        "energy": plan.energy}


def dump(plan: Plan) -> str:
    """The text of plan.json."""
    return json.dumps(plan_json(plan), ensure_ascii=False, indent=1) + "\n"


def _bad(file: str, message: str) -> InputError:
    return InputError([Finding("input.bad-plan", Severity.ERROR, file, message,
                               "give a plan.json as the planner wrote it (docs/plan.schema.json)", Source(file))])


def parse(text: str, file: str) -> Plan:
    """Read a plan.json back; raises InputError that names every field that does not fit."""

    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    class Adapter(BaseModel):
        slot: int
        vios: str

    class MoveIn(BaseModel):
        model_config = ConfigDict(extra="ignore", strict=True)
        lpar: str
        source: str
        target: str
        wave: int = Field(ge=1, le=100_000)
        start_s: float = Field(ge=0, le=1e8, allow_inf_nan=False)
        duration_s: float = Field(gt=0, le=1e8, allow_inf_nan=False)
        suspend_s: float = Field(ge=0, le=1e8, allow_inf_nan=False)
        bytes: int = Field(ge=0)
        leg: Literal["out", "back"]
        source_msp: str = ""
        target_msp: str = ""
        parking: bool = False
        target_pool_id: int | None = None
        target_lpar_id: int | None = None
        virtual_scsi: list[Adapter] = []
        virtual_fc: list[Adapter] = []

    class WindowIn(BaseModel):
        model_config = ConfigDict(extra="ignore")
        start: dt.datetime
        end: dt.datetime

    Hour = Annotated[int, Field(ge=0, le=23)]

    class Site(BaseModel):
        model_config = ConfigDict(extra="forbid")
        country: str
        subdivision: str
        last: int = Field(ge=0, le=15)
        first: int = Field(ge=0, le=15)
        closed: list[dt.date]
        weekend: list[Annotated[int, Field(ge=0, le=6)]]

    class Used(BaseModel):
        model_config = ConfigDict(extra="forbid")
        percentile: str
        from_s: int = Field(ge=0, le=10**11)
        to_s: int = Field(ge=0, le=10**11)
        step_s: int = Field(ge=1, le=86_400)
        growth_percent: int = Field(ge=-90, le=1000)
        hours: dict[Literal["month-end", "working", "weekend"], list[Hour]]
        calendar: Site
        measured: int = Field(ge=0)
        sha256: str

    class Period(BaseModel):
        model_config = ConfigDict(extra="forbid")
        start: dt.datetime
        end: dt.datetime

    class GoalIn(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        usage: Used | None = None
        come_back: bool = Field(default=False, alias="return")

    class Evacuate(GoalIn):
        kind: Literal["evacuate"]
        servers: list[str] = Field(min_length=1)
        leave: list[str] = Field(default=[])

    class Whatif(GoalIn):
        kind: Literal["whatif"]
        scenario: str
        servers: list[str]
        leave: list[str] = Field(default=[])

    class Headroom(GoalIn):
        kind: Literal["headroom"]
        server: str
        cores: float = Field(ge=0, le=1e6)
        memory_gib: float = Field(ge=0, le=1e9)
        by: Literal["both", "entitlement", "usage"]
        when: str = ""
        critical: list[str] = Field(default=[])
        hours: dict[Literal["month-end", "working", "weekend"], list[Hour]] | None = None
        period: Period | None = None

    class Consolidate(GoalIn):
        kind: Literal["consolidate"]
        minimise: Annotated[Measure, Field(strict=False)]
        n_plus_1: bool = False
        keep: list[str] = Field(default=[])
        off: list[str] = Field(default=[])
        weekend: bool = False

    class LevelIn(BaseModel):
        model_config = ConfigDict(extra="ignore")
        name: str
        unit: str
        objective: float = Field(allow_inf_nan=False)
        bound: float = Field(allow_inf_nan=False)
        gap: float
        status: Status
        scope: str = ""

    class PlanIn(BaseModel):
        model_config = ConfigDict(extra="ignore")
        version: Literal[1]
        goal: Annotated[Evacuate | Headroom | Whatif | Consolidate, Field(discriminator="kind")]
        status: Status
        estate_sha256: str = ""
        objective: float | None
        bound: float | None
        gap: float | None
        verified: bool
        moves: list[MoveIn]
        window: WindowIn | None = None
        back_window: WindowIn | None = None
        back_from_s: int | None = Field(default=None, ge=0, le=10**9)
        details: dict[str, Any] | None = None
        work_s: int | None = None
        conflict: dict[str, Any] | None = None
        vios_ids: dict[str, int | None] = {}
        switched_off: list[str] = []
        restart: dict[str, dict[str, str]] = {}
        levels: list[LevelIn] = []
        energy: dict[str, Any] | None = None

    try:
        document = PlanIn.model_validate_json(text)
    except ValidationError as error:
        problems = [_bad(file, f"{'.'.join(map(str, e['loc'])) or 'plan'}: {e['msg']}").findings[0]
                    for e in error.errors()]
        raise InputError(problems) from None
    moves = tuple(Move(
        m.lpar, m.source, m.target, m.leg, m.wave, round(m.start_s * 1000), round(m.duration_s * 1000),
        round(m.suspend_s * 1000), m.bytes, m.source_msp, m.target_msp, m.target_pool_id, m.target_lpar_id,
        tuple((a.slot, a.vios) for a in m.virtual_scsi), tuple((a.slot, a.vios) for a in m.virtual_fc), m.parking,
    ) for m in document.moves)
    window, back_window = (Window(w.start, w.end) if w else None for w in (document.window, document.back_window))
    goal = document.goal.model_dump(by_alias=True, exclude_defaults=True, mode="json")
    return Plan(goal, document.status, document.estate_sha256, document.objective, document.bound,
                document.gap, document.verified, moves, conflict=document.conflict, window=window,
                back_window=back_window, back_from_s=document.back_from_s, work_s=document.work_s,
                vios_ids=document.vios_ids, details=document.details, off=tuple(document.switched_off),
                restart=document.restart, energy=document.energy,
                levels=tuple(Level(x.name, x.unit, x.objective, x.bound, x.gap, x.status, x.scope)
                             for x in document.levels))
