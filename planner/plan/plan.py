"""Move, Window, Plan: the result that everything right of here works on, and its plan.json.

The classes are the model of plan.json too: written, read and published (docs/plan.schema.json) from their annotations.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import Field, GetPydanticSchema, ValidationError, computed_field
from pydantic_core import from_json
from typing_extensions import TypedDict

from planner.errors import InputError, UsageError
from planner.files import regular
from planner.findings import Finding, Severity, Source, finding_json
from planner.frames import frame
from planner.grouping import grouped
from planner.history.zones import zone_of
from planner.plan.choices import BACK, OUT, Status
from planner.plan.details import (
    Account,
    Conflict,
    Cores,
    HeadroomDetails,
    LicenceCount,
    Physc,
    PoolMeter,
    WhatifDetails,
)
from planner.plan.evening import Evening
from planner.plan.questions import AnyQuestion, Consolidate
from planner.plan.wire import BOUND, Clock, Listed, Minutes, Scaled, WireSchema, absent, adapter, empty, narrative

if TYPE_CHECKING:
    from pandas import DataFrame

VERSION: Literal[1] = 1
_SAME_S = 0.01
"""Seconds: times are rounded to ms, and bounds a little down."""
HIGHEST_ID = 65_535
"""Of partition ids, as the HMC counts them."""

Leg = Annotated[str, GetPydanticSchema(lambda _, handler: handler(Literal["out", "back"]))]
Moment = Annotated[int, Scaled(1000, 0, 1e8)]
"""Milliseconds; seconds in JSON."""
Finite = Annotated[float, Field(allow_inf_nan=False)]


class AdapterForm(TypedDict):
    slot: int
    vios: str


class FibreForm(AdapterForm):
    port: NotRequired[str]


class StayForm(TypedDict):
    lpar: str
    server: str
    why: Annotated[str, Field(json_schema_extra=narrative("free text"))]


class FindingForm(TypedDict):
    rule: str
    severity: Severity
    subject: str
    message: str
    fix: str
    source: str | None


Adapters = Annotated[tuple[tuple[int, str], ...], Listed(
    list[AdapterForm], lambda rows: tuple((a["slot"], a["vios"]) for a in rows),
    lambda pairs: [{"slot": slot, "vios": vios} for slot, vios in pairs])]
Fibres = Annotated[tuple[tuple[int, str, str], ...], Listed(
    list[FibreForm], lambda rows: tuple((a["slot"], a["vios"], a.get("port", "")) for a in rows),
    lambda rows: [{"slot": slot, "vios": vios, **({"port": port} if port else {})} for slot, vios, port in rows])]
Stays = Annotated[tuple[tuple[str, str, str], ...], Listed(
    list[StayForm], lambda rows: tuple((s["lpar"], s["server"], s["why"]) for s in rows),
    lambda stays: [{"lpar": lpar, "server": server, "why": why} for lpar, server, why in stays])]
Findings = Annotated[tuple[Finding, ...], Listed(
    list[FindingForm], lambda rows: tuple(Finding(**f | {"source": f["source"] and Source(f["source"])}) for f in rows),
    lambda findings: [finding_json(f) for f in findings])]


@dataclass(frozen=True, slots=True)
class Backing:
    """A backing device of a vNIC on the target: the VIOS and the physical port there that it goes to, its capacity
    (None: unknown) and the port that it leaves (``""``: unknown)."""

    slot: int
    device: int
    vios: str
    port: str
    percent: Annotated[int | None, Field(alias="capacity_percent")] = None
    source_port: Annotated[str, Field(exclude_if=empty)] = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a move waits for: the ``move`` of that number has arrived (its room is needed: it must have succeeded), or
    ended, in whatever way. ``rule``: the id of the rule that some timing would break without it; ``""``: none would, it
    keeps the pace that was found best. ``why``: the same for a person."""

    move: Annotated[int, Field(ge=1, le=100_000)]
    until: Literal["arrived", "ended"]
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Move:
    """One migration. Times in ms from the start of the window; ``bytes_sent`` over the wire, all rounds.

    ``disks``: (client slot, VIOS on the target); ``fibres``: the same with the physical port there, ``""`` where the
    console chooses it; ``vnics``: backing devices of vNICs whose port is known. ``parking``: it will move again on this
    leg. ``inactive``: the LPAR is not activated, no mover takes part and nothing is copied. The clocks are in plan.json
    alone.

    With lanes, ``number`` names it in the plan and ``lane`` (from 1 on, in each leg) the chain that it is part of: it
    starts when the one before it in its lane is over, what it ``waits`` for has come, and its ``not_before_ms`` is
    reached (a blackout is over); after ``latest_ms`` it starts no more (a blackout is near). All other times are
    predicted. Its ``wave`` is then 1 more than the most moves that must be over one after the other before it on
    its leg.
    """

    lpar: str
    source: str
    target: str
    leg: Leg = OUT
    wave: Annotated[int, Field(ge=1, le=100_000)] = 0
    start_ms: Annotated[Moment, Field(alias="start_s")] = 0
    duration_ms: Annotated[int, Scaled(1000, None, 1e8, 0), Field(alias="duration_s")] = 0
    suspend_ms: Annotated[Moment, Field(alias="suspend_s")] = 0
    bytes_sent: Annotated[int, Field(alias="bytes", ge=0)] = 0
    source_msp: str = ""
    target_msp: str = ""
    pool_id: Annotated[int | None, Field(alias="target_pool_id")] = None
    target_id: Annotated[int | None, Field(alias="target_lpar_id")] = None
    disks: Annotated[Adapters, Field(alias="virtual_scsi")] = ()
    fibres: Annotated[Fibres, Field(alias="virtual_fc")] = ()
    vnics: Annotated[tuple[Backing, ...], Field(alias="virtual_nic", exclude_if=empty)] = ()
    parking: bool = False
    inactive: Annotated[bool, Field(exclude_if=empty)] = False
    number: Annotated[int, Field(ge=0, le=100_000, exclude_if=empty)] = 0
    lane: Annotated[int, Field(ge=0, le=100_000, exclude_if=empty)] = 0
    waits: Annotated[tuple[Wait, ...], Field(exclude_if=empty)] = ()
    not_before_ms: Annotated[Moment | None, Field(alias="not_before_s", exclude_if=absent)] = None
    latest_ms: Annotated[Moment | None, Field(alias="latest_start_s", exclude_if=absent)] = None
    start_clock: Annotated[Clock | None, Field(exclude_if=absent)] = field(default=None, compare=False, repr=False)
    end_clock: Annotated[Clock | None, Field(exclude_if=absent)] = field(default=None, compare=False, repr=False)

    @property
    def end_ms(self) -> int:
        """When it is over, in ms from the start of the window."""
        return self.start_ms + self.duration_ms

    @property
    def waits_for(self) -> tuple[int, ...]:
        """The numbers of the moves that it waits for."""
        return tuple(w.move for w in self.waits)

    @property
    def vioses(self) -> tuple[str, ...]:
        """The VIOSes that its commands name."""
        return (self.source_msp, self.target_msp, *(v for _, v in self.disks), *(v for _, v, _ in self.fibres),
                *(b.vios for b in self.vnics))


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window in local clock time. ``fits``: whether the plan does, as predicted and, where nights were
    drawn, in as many of them as are asked for; ``spare_s``: what is left of it as predicted. ``zone``: IANA name;
    without one no clock ever changes."""

    start: Minutes
    end: Minutes
    fits: bool | None = None
    spare_s: int | None = None
    zone: Annotated[str, Field(exclude_if=empty, json_schema_extra=narrative(
        "whose clocks were meant is known to who gave the window; a change of them is counted"))] = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def length_s(self) -> int:
        """Seconds from start to end."""
        return self.ms_to(self.end) // 1000

    @property
    def too_short(self) -> bool:
        """Whether the plan does not even fit as predicted."""
        return self.spare_s is not None and self.spare_s < 0

    def at(self, ms: int) -> dt.datetime:
        """The local clock so many ms after the start."""
        if not self.zone:
            return self.start + dt.timedelta(milliseconds=ms)
        zone = zone_of(self.zone)
        then = self.start.replace(tzinfo=zone).astimezone(dt.UTC) + dt.timedelta(milliseconds=ms)
        return then.astimezone(zone).replace(tzinfo=None)

    def ms_to(self, clock: dt.datetime) -> int:
        """Milliseconds from the start to a local clock time; of two alike the first, unless ``fold``."""
        if not self.zone:
            return int((clock - self.start).total_seconds() * 1000)
        zone = zone_of(self.zone)
        return round((clock.replace(tzinfo=zone).timestamp() - self.start.replace(tzinfo=zone).timestamp()) * 1000)


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a server holds at one moment: units in hundredths of a core, memory in MiB, and the limits in force;
    ``used``: with a history the most that is used of it together on month-end days (of those hours that count)."""

    server: str
    lpars: int
    units: Annotated[Cores, Field(alias="cores")]
    units_limit: Annotated[Cores, Field(alias="cores_limit")]
    memory_mib: int
    memory_limit_mib: int
    used: Annotated[Physc | None, Field(alias="month_end_peak", exclude_if=absent)] = None


@dataclass(frozen=True, slots=True)
class Level:
    """One of several objectives, in their order: ``objective`` and proved lower ``bound`` in ``unit``, relative gap.

    ``scope`` says among which plans the bound holds.
    """

    name: str
    unit: str
    objective: Finite
    bound: Finite
    gap: float
    status: Status
    scope: Annotated[str, Field(json_schema_extra=narrative("free text"))] = ""


@dataclass(frozen=True, slots=True)
class Wave:
    """The moves of a leg that start together."""

    wave: int
    leg: Leg
    start_ms: Annotated[Moment, Field(alias="start_s")]
    end_ms: Annotated[Moment, Field(alias="end_s")]
    lpars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan, or the proof that there is none.

    ``objective`` and ``bound`` in seconds of moving, risk surcharge included; with ``levels`` (several objectives in
    order) those of the first level, in its unit.
    """

    version: Literal[1] = field(default=VERSION, kw_only=True)
    goal: Annotated[AnyQuestion, Field(json_schema_extra=narrative("what was asked is known to who asked"))]
    status: Status
    estate_digest: Annotated[str, Field(alias="estate_sha256", json_schema_extra=BOUND)]
    objective: Finite | None = None
    bound: Finite | None = None
    gap: Finite | None = None
    verified: bool = False
    moves: tuple[Move, ...] = ()
    findings: Annotated[Findings, Field(json_schema_extra=narrative(
        "what the replay finds must be among them; the others are of exports, clocks and history"))] = ()
    conflict: Conflict | None = None
    window: Window | None = None
    back_window: Window | None = None
    """The way back's own window, when it is not on the same evening."""
    back_from_s: Annotated[int | None, Field(ge=0, le=10**9)] = None
    """Seconds from the start of the plan before which nothing comes back; then ``window`` binds the way out alone."""
    work_s: int | None = None
    assumptions: Annotated[tuple[str, ...], Field(json_schema_extra=narrative("free text"))] = ()
    before: tuple[ServerState, ...] = ()
    peak: tuple[ServerState, ...] = ()
    after: tuple[ServerState, ...] = ()
    vios_ids: Mapping[str, int | None] = field(default_factory=dict)
    """Partition ids of the VIOSes that the commands name: a changed id makes a command wrong."""
    stays: Stays = ()
    """(LPAR, server, why) of what is left on the freed servers on purpose."""
    notes: Annotated[tuple[str, ...], Field(json_schema_extra=narrative("free text"))] = ()
    details: Annotated[HeadroomDetails | WhatifDetails | None, Field(exclude_if=absent)] = None
    levels: tuple[Level, ...] = ()
    off: Annotated[tuple[str, ...], Field(alias="switched_off")] = ()
    """Servers that a consolidation empties and switches off."""
    evening: Annotated[Evening | None, Field(exclude_if=absent, json_schema_extra=narrative(
        "nights that were drawn: how it may go is told, not proved"))] = None
    at_least_s: Annotated[Mapping[Leg, Finite], Field(exclude_if=empty)] = field(default_factory=dict)
    """Leg → seconds that its moves take at least by the cost model, in whatever order and over whatever movers."""
    restart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """N+1: server that fails after the plan → LPAR that ran there → server on which it restarts."""
    energy: Account | None = None
    licences: Annotated[tuple[LicenceCount, ...], Field(exclude_if=empty)] = ()
    """Products that are licensed by the core, on each server that they stand on before or after the way out."""
    enterprise_pools: Annotated[tuple[PoolMeter, ...], Field(exclude_if=empty)] = ()
    """Power Enterprise Pools 2.0, where a history tells what is used."""
    seal: Annotated[str, Field(alias="plan_sha256")] = ""
    """SHA-256 of everything else as it was written (:func:`seal_of`): what only the solver could tell anew, such as a
    proof or the question itself, is as it was. Against slips, not against forgers."""
    altered: Annotated[tuple[str, ...], Field(exclude=True)] = field(default=(), compare=False, repr=False)
    """What of the text that it was read from is not as the planner writes it."""

    def replace(self, **changes: Any) -> Plan:
        """A copy with other values."""
        return replace(self, **changes)

    def leg(self, name: str) -> tuple[Move, ...]:
        """The moves of one leg in the order in which they start."""
        return tuple(m for m in self.moves if m.leg == name)

    def numbered(self) -> dict[int, Move]:
        """Number → move; in waves, where moves have none, counted from 1 on as plan.json lists them, the way out
        first."""
        return {m.number or n: m for n, m in enumerate((*self.leg(OUT), *self.leg(BACK)), 1)}

    @property
    def in_lanes(self) -> bool:
        """Whether its moves start when what they wait for is over, and not in waves."""
        return any(m.lane for m in self.moves)

    def lanes(self, leg: str) -> list[tuple[int, tuple[Move, ...]]]:
        """(lane number, its moves in their order) of one leg."""
        moves = sorted(self.leg(leg), key=lambda m: (m.start_ms, m.number))
        return [(n, tuple(chain)) for n, chain in sorted(grouped((m.lane, m) for m in moves).items())]

    def waves(self, leg: str) -> list[tuple[int, tuple[Move, ...]]]:
        """(wave number, its moves) of one leg in order."""
        return [(n, tuple(moves)) for n, moves in sorted(grouped((m.wave, m) for m in self.leg(leg)).items())]

    def leg_span_s(self, name: str) -> float:
        """Seconds from the first start to the last end of a leg; 0 when it has no move."""
        moves = self.leg(name)
        return (max(m.end_ms for m in moves) - min(m.start_ms for m in moves)) / 1000 if moves else 0.0

    def makespan_s(self, name: str) -> float:
        """Seconds from when a leg may begin to when it is over."""
        out, back = (max((m.end_ms for m in self.leg(leg)), default=0) / 1000 for leg in (OUT, BACK))
        return out if name == OUT else back - max(out + (self.work_s or 0), self.back_from_s or 0)

    def shortest(self, name: str) -> bool:
        """Whether a leg is proved to take no less time, whatever the order of its moves and their movers."""
        return self.makespan_s(name) <= self.at_least_s.get(name, 0.0) + _SAME_S

    def limit(self, leg: str) -> Window | None:
        """The window that the moves of a leg must keep."""
        return self.window if leg == OUT or self.back_from_s is None else self.back_window

    def in_time(self, leg: str) -> float | None:
        """The share of nights in which the window of a leg is kept; None where none were drawn, or it has none."""
        return None if self.evening is None else self.evening.in_time_of.get(leg, self.evening.in_time)

    def too_few(self, leg: str) -> bool:
        """Whether these are fewer than are asked for."""
        share = self.in_time(leg)
        return share is not None and self.evening is not None and share < self.evening.confidence

    def must_end_ms(self, leg: str) -> int | None:
        """When the window of a leg ends, in ms of the plan; None where it has none."""
        window = self.limit(leg)
        return None if window is None or self.window is None else self.window.ms_to(window.end)

    def late(self) -> list[Move]:
        """The moves that end after the window of their leg."""
        ends = {leg: self.must_end_ms(leg) for leg in {m.leg for m in self.moves}}
        return [m for m in self.moves if (end := ends[m.leg]) is not None and m.end_ms > end]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total_s(self) -> float:
        """Seconds from the start of the window to the end of the last move, work between the legs included."""
        work = 0 if any(m.leg == BACK for m in self.moves) else self.work_s or 0
        return max((m.end_ms for m in self.moves), default=0) / 1000 + work

    def clock(self, ms: int) -> dt.datetime | None:
        """Clock time of a moment, when there is a window."""
        return self.window.at(ms) if self.window else None

    def frames(self) -> dict[str, DataFrame]:
        """Moves, what they wait for, levels, findings, and what each server holds before, at most and after: typed
        columns with units in their names (docs/python.md)."""
        states = [(moment, state) for moment in ("before", "peak", "after") for state in getattr(self, moment)]
        servers = frame([state for _, state in states], ServerState)
        servers.insert(1, "moment", [moment for moment, _ in states])
        servers["moment"] = servers["moment"].astype("category")
        moves = frame(_clocked(self).moves, Move, {"end_ms": int, "waits_for": tuple[int, ...]}).drop(columns="waits")
        for name in ("number", "lane"):
            moves[name] = moves[name].mask(moves[name] == 0)
        waiting = [(m, w) for m in self.moves for w in m.waits]
        waits = frame([w for _, w in waiting], Wait).rename(columns={"move": "waits_for"})
        waits.insert(0, "number", [m.number for m, _ in waiting])
        waits["number"] = waits["number"].astype("Int64")
        return {"moves": moves, "waits": waits, "servers": servers, "levels": frame(self.levels, Level),
                "findings": frame(self.findings, Finding)}

    @computed_field(alias="waves")  # type: ignore[prop-decorator]
    @property
    def _waves(self) -> tuple[Wave, ...]:
        return tuple(Wave(n, leg, min(m.start_ms for m in moves), max(m.end_ms for m in moves),
                          tuple(m.lpar for m in moves)) for leg in (OUT, BACK) for n, moves in self.waves(leg))


_CONSOLIDATION = {"levels", "off", "restart", "energy"}
"""Fields that only a consolidation has."""
_MUST = ("version", "objective", "bound", "gap", "verified", "moves")
"""What a plan.json must have although a Plan has a default for it."""


def _clocked(plan: Plan) -> Plan:
    """With the clock times of its moves, when there is a window."""
    return plan.replace(moves=tuple(replace(
        m, start_clock=plan.clock(m.start_ms), end_clock=plan.clock(m.end_ms)) for m in plan.moves))


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain data; its schema is docs/plan.schema.json."""
    unsealed = _unsealed(plan)
    return unsealed | {"plan_sha256": seal_of(unsealed)}


def _unsealed(plan: Plan) -> dict[str, Any]:
    left_out = {"seal", *(() if isinstance(plan.goal, Consolidate) else _CONSOLIDATION)}
    document: dict[str, Any] = adapter(Plan).dump_python(_clocked(plan), mode="json", by_alias=True, exclude=left_out)
    return document


def dump(plan: Plan) -> str:
    """The text of plan.json."""
    return json.dumps(plan_json(plan), ensure_ascii=False, indent=1) + "\n"


def _canonical(document: Any) -> Any:
    """The same facts in one form: moves in the order of their times, no difference between 5 and 5.0."""
    if isinstance(document, dict):
        out = {key: _canonical(value) for key, value in document.items()}
        for name in ("moves", "waves"):
            if isinstance(rows := out.get(name), list):
                out[name] = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
        if "wave" in out and isinstance(lpars := out.get("lpars"), list):
            out["lpars"] = sorted(lpars, key=str)
        return out
    if isinstance(document, list):
        return [_canonical(one) for one in document]
    return int(document) if isinstance(document, float) and document.is_integer() else document


def seal_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a plan.json, its own seal left out; in whatever order its moves stand."""
    return _sha256(_canonical({key: value for key, value in document.items() if key != "plan_sha256"}))


def _sha256(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _misread(raw: Any, read: Any, place: str = "") -> Iterator[str]:
    """What stands in a document and is not what is read from it: fields that a plan has not, figures that follow from
    others and do not."""
    if isinstance(raw, dict) and isinstance(read, dict):
        for key, value in raw.items():
            if key in read:
                yield from _misread(value, read[key], f"{place}.{key}")
            elif value:
                yield f"{place}.{key}"[1:] + ": a plan has no such field"
        yield from (f"{place}.{key}"[1:] + ": is left out" for key in read.keys() - raw.keys())
    elif isinstance(raw, list) and isinstance(read, list) and len(raw) == len(read):
        for number, pair in enumerate(zip(raw, read, strict=True)):
            yield from _misread(*pair, f"{place}.{number}")
    elif raw != read:
        yield f"{place[1:]}: {_shown(raw)} is not what the rest makes it, {_shown(read)}"


def _shown(value: Any) -> str:
    """As the file has it."""
    return json.dumps(value, ensure_ascii=False)[:80]


def parse(text: str, file: str) -> Plan:
    """Read a plan.json back; raises InputError that names every field that does not fit."""
    try:
        plan: Plan = adapter(Plan).validate_json(text, strict=True, by_alias=True, by_name=False)
        raw = from_json(text)
        problems = [f"{name}: Field required" for name in sorted(set(_MUST) - raw.keys())]
        if not problems:
            return plan.replace(altered=tuple(_alterations(raw, plan)))
    except ValidationError as error:
        if (other := _other_version(text)) is not None:
            raise InputError([Finding("input.bad-plan", Severity.ERROR, file, f"a plan of version {other}; this "
                                      f"program reads {VERSION}", "plan again, or use the release that made it",
                                      Source(file))]) from None
        problems = [f"{'.'.join(map(str, e['loc'])) or 'plan'}: {e['msg']}" for e in error.errors()]
    except ValueError as error:
        problems = [f"plan: {error}, such as NaN or a number without end"]
    raise InputError(Finding("input.bad-plan", Severity.ERROR, file, problem, "give a plan.json as the planner wrote "
                             "it (docs/plan.schema.json)", Source(file)) for problem in problems)


def _other_version(text: str) -> int | None:
    """The version of a plan that is not of this one; None where none is stated."""
    try:
        version = from_json(text)["version"]
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return version if type(version) is int and version != VERSION and abs(version) < 10**6 else None


def _alterations(raw: dict[str, Any], plan: Plan) -> Iterator[str]:
    seal = raw.pop("plan_sha256", "")
    facts = _canonical(raw)
    yield from islice(_misread(facts, _canonical(_unsealed(plan))), 3)
    if not re.fullmatch("[0-9a-f]{64}", plan.estate_digest):
        yield "its estate_sha256 is that of no estate"
    if not seal:
        yield "it has no plan_sha256"
    elif seal != _sha256(facts):
        yield "its plan_sha256 is that of another text"


_MOST_BYTES = 1 << 27
"""Of a plan.json: some hundred thousand moves."""


def read_plan(path: str | Path) -> Plan:
    """A plan.json, or the one in a directory; raises UsageError and InputError."""
    file = Path(path) / "plan.json" if Path(path).is_dir() else Path(path)
    try:
        with regular(file) as stream:
            data = stream.read(_MOST_BYTES + 1)
        text = data.decode("utf-8") if len(data) <= _MOST_BYTES else "\0"
    except MemoryError:
        raise UsageError(f"{file} is too large for a plan.json") from None
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None
    if "\0" in text:
        raise UsageError(f"{file} is no plan.json: give the directory of the plan, or its plan.json")
    return parse(text, file.name)


def schema() -> dict[str, Any]:
    """The JSON Schema of plan.json. Seconds count from the start of the window; ``objective`` and ``bound`` are seconds
    of cost, for a consolidation those of the first of its ``levels``, in its unit."""
    document = adapter(Plan).json_schema(mode="serialization", by_alias=True, schema_generator=WireSchema)
    document["required"] = [name for name in document["required"] if name not in ("switched_off", *_CONSOLIDATION)]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document, "title": "planner plan"}
