"""What a plan says besides its moves, one class a thing: headroom and what it costs, energy, changes, a conflict.

Integers are hundredths of a core, MiB and milliseconds; plan.json has cores, GiB and seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, NamedTuple, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from planner.estate.model import Lpar
from planner.history.calendar import DayKind
from planner.plan.choices import By, Status
from planner.plan.wire import Listed, Scaled, absent, empty, narrative

Cores = Annotated[int, Scaled(100)]
"""Hundredths of a core; cores in JSON."""
MILLION = 1_000_000
Physc = Annotated[int, Scaled(1000)]
"""Thousandths of a core; cores in JSON."""
Gib = Annotated[int, Scaled(1024)]
"""MiB; GiB in JSON."""
RoundGib = Annotated[int, Scaled(1024, digits=2)]
"""MiB; GiB with two decimals in JSON."""


@dataclass(frozen=True, slots=True)
class Free:
    """What is free on a server below its limits: entitlement, the least unused in any slot, memory."""

    units: Annotated[Cores, Field(alias="cores_by_entitlement")]
    used_units: Annotated[Cores | None, Field(alias="cores_by_usage")]
    memory_mib: Annotated[Gib, Field(alias="memory_gib")]

    def units_counted(self, by: By) -> int:
        """The cores that count as free, in hundredths."""
        unused = self.units if self.used_units is None else self.used_units
        return {By.ENTITLEMENT: self.units, By.USAGE: unused, By.BOTH: min(self.units, unused)}[by]


@dataclass(frozen=True, slots=True)
class Fit:
    """The largest single LPAR that fits: entitlement, what of that nobody uses at the peak (None: unknown), memory."""

    units: Annotated[Cores, Field(alias="cores")]
    unused_units: Annotated[Cores | None, Field(alias="cores_unused")]
    memory_mib: Annotated[Gib, Field(alias="memory_gib")]


@dataclass(frozen=True, slots=True)
class Slot:
    """What fits on a server now and after the plan."""

    server: str
    now: Fit
    after: Fit


@dataclass(frozen=True, slots=True)
class Critical:
    """A critical LPAR: what it may draw, its peak, and what it gets when every LPAR of the server pulls at once."""

    lpar: str
    entitlement: Cores
    virtual_processors: int
    weight: int | None
    sharing: str
    may_draw: Cores
    peak: Physc | None
    contended_before: Cores
    contended_after: Cores


@dataclass(frozen=True, slots=True)
class HourPeak:
    """A server in an hour of the days of a kind: the peak of the sum, the sum of the peaks, the limit."""

    server: str
    kind: DayKind
    hour: int
    peak_before: Physc
    peak_after: Physc
    sum_of_peaks_after: Physc
    limit: Cores


@dataclass(frozen=True, slots=True)
class Largest:
    """The most headroom that can be had, each with the proof: cores beside the memory asked for, memory beside the
    cores.

    A status of None: not asked.
    """

    units: Annotated[Cores | None, Field(alias="cores")]
    cores_status: Status
    units_at_most: Annotated[Cores | None, Field(alias="cores_at_most")]
    memory_mib: Annotated[Gib | None, Field(alias="memory_gib")] = None
    memory_status: Status | None = None
    memory_at_most_mib: Annotated[Gib | None, Field(alias="memory_at_most_gib")] = None


@dataclass(frozen=True, slots=True)
class Point:
    """What headroom of so many cores costs; ``ordered``: an order of its moves was found (windows and blackouts
    aside)."""

    units: Annotated[Cores, Field(alias="cores")]
    status: Status
    ordered: bool
    cost_ms: Annotated[Annotated[int, Scaled(1000)] | None, Field(alias="cost_s")]
    bound_s: float | None
    moves: int
    moved_mib: Annotated[Gib, Field(alias="moved_gib")]
    lpars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Further:
    """What a core beyond the asked ones adds to the cost; None where that is not known, or there is none."""

    units: Annotated[Cores, Field(alias="cores")]
    extra_ms: Annotated[Annotated[int, Scaled(1000)] | None, Field(alias="extra_s")]
    why: str


@dataclass(frozen=True, slots=True)
class HeadroomDetails:
    """The headroom: what is free, the most that can be had, the curve of its cost, peaks by hour, who gets what."""

    free_now: Free
    largest: Largest | None = None
    free_after: Free | None = None
    slots: tuple[Slot, ...] = ()
    critical: tuple[Critical, ...] = ()
    hours: tuple[HourPeak, ...] = ()
    sum_of_peaks_after: Physc | None = None
    curve: tuple[Point, ...] = ()
    further_cores: tuple[Further, ...] = ()


THE_SCENARIOS = narrative("what the scenario makes of it; that the servers carry it is replayed")


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to an LPAR after the live moves: ``kind`` is restart, restart after work, re-activation, DLPAR or
    growth; the rest is what it is then."""

    lpar: str
    kind: str
    server: Annotated[str, Field(json_schema_extra=THE_SCENARIOS)]
    units: Annotated[Cores, Field(alias="cores", json_schema_extra=THE_SCENARIOS)]
    virtual_processors: Annotated[int, Field(json_schema_extra=THE_SCENARIOS)]
    memory_mib: Annotated[Gib, Field(alias="memory_gib", json_schema_extra=THE_SCENARIOS)]
    mode: Annotated[str, Field(json_schema_extra=THE_SCENARIOS)]

    def done_to(self, p: Lpar) -> Lpar:
        """The LPAR as it is then."""
        return replace(p, server=self.server, entitlement_units=self.units, memory_mib=self.memory_mib,
                       virtual_processors=self.virtual_processors, current_mode=self.mode,
                       max_memory_mib=max(self.memory_mib, p.max_memory_mib))


@dataclass(frozen=True, slots=True)
class WhatifDetails:
    """What follows the live moves, in order. ``use``: LPAR → cores that it uses in the end for a million that were
    measured, where a history was given and it does not use as many: grown, or by rPerf in the mode of its server."""

    changes: tuple[Change, ...]
    use: Annotated[Mapping[str, Annotated[int, Field(ge=0, le=10**9)]], Field(
        alias="use_millionths", exclude_if=empty)] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Value:
    """Energy, and what it costs where the tariff says."""

    kwh: float
    money: Annotated[float | None, Field(exclude_if=absent)] = None
    co2_kg: Annotated[float | None, Field(exclude_if=absent)] = None


@dataclass(frozen=True, slots=True)
class ServerEnergy:
    """A server's part in the account: watts before and after, hours off, kWh saved and spent on its moves."""

    server: str
    off: bool
    idle_w: int
    max_w: int
    assumed: bool
    source: str
    before_w: float
    after_w: float
    off_h: float
    saved_kwh: float
    moves_kwh: float


@dataclass(frozen=True, slots=True)
class Account:
    """The energy that a consolidation saves over ``hours``, less that of its moves."""

    hours: float
    tariff_per_kwh: float | None
    currency: Annotated[str, Field(json_schema_extra=narrative("as a person gave it"))]
    co2_kg_per_kwh: float | None
    before_w: float
    after_w: float
    before: Value
    saved: Value
    moves: Value
    net: Value
    move_hours: float
    servers: tuple[ServerEnergy, ...]


@dataclass(frozen=True, slots=True)
class LicenceCount:
    """What a product counts on a server before the way out and after it, in whole cores: by the LPARs in which it runs
    there, and were the server counted whole. ``per_core``: what a core is worth in ``unit``; ``stated``: a policy says
    how it is counted; ``source``: who else does."""

    product: str
    server: str
    counting: str
    stated: bool
    source: str
    lpars_before: tuple[str, ...]
    lpars_after: tuple[str, ...]
    cores_before: int
    cores_after: int
    server_cores: int
    per_core: int
    unit: str


@dataclass(frozen=True, slots=True)
class PoolMeter:
    """What an enterprise pool meters in ``hours`` of slots: core-minutes above its base before and after the way out,
    and the most that its servers use together."""

    pool: str
    servers: tuple[str, ...]
    base_cores: int
    hours: float
    core_minutes_before: float
    core_minutes_after: float
    peak_before: Annotated[Physc, Field(alias="peak_cores_before")]
    peak_after: Annotated[Physc, Field(alias="peak_cores_after")]


class Short(TypedDict):
    cores: float
    gib: float


class Shortfall(Short):
    by_server: dict[str, Short]


class Refusal(TypedDict):
    rule: str
    reason: str
    fix: NotRequired[str]


class WhyNot(NamedTuple):
    """Why an LPAR may not go somewhere, and what would mend that."""

    rule: str
    message: str
    fix: str = ""


def _unnamed(text: str, server: str) -> str:
    """A text without the server of which it is said."""
    return _as_a_word(server).sub("\0", text) if server and server in text else text


@cache
def _as_a_word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")


def told_once(by_server: Mapping[str, Sequence[WhyNot]]) -> Iterator[tuple[WhyNot, tuple[str, ...]]]:
    """Each reason as it is said of the first server, with all servers of which it is said in the same words."""
    found: dict[WhyNot, tuple[WhyNot, dict[str, None]]] = {}
    for server, reasons in by_server.items():
        for why in reasons:
            alike = WhyNot(why.rule, _unnamed(why.message, server), _unnamed(why.fix, server))
            found.setdefault(alike, (why, {}))[1][server] = None
    return ((why, tuple(servers)) for why, servers in found.values())


def and_elsewhere(text: str, servers: Sequence[str]) -> str:
    """What is said of the first of these servers, and that it is so on the others."""
    count = f" ({len(servers)} in all)" if len(servers) > 2 else ""
    return f"{text}; the same on {', '.join(servers[1:])}{count}" if servers[1:] else text


def mends(lpar: str, by_server: Mapping[str, Sequence[WhyNot]]) -> Iterator[str]:
    """What would let an LPAR go to servers, each thing once."""
    fixes = {s: [WhyNot("", "", why.fix) for why in reasons if why.fix] for s, reasons in by_server.items()}
    for why, servers in told_once(fixes):
        own = _unnamed(why.fix, servers[0]) != why.fix
        yield f"{lpar}: {and_elsewhere(why.fix, servers) if own else why.fix}"


def _shortfall_json(short: Mapping[str, tuple[int, int]]) -> Shortfall:
    return {"cores": sum(units for units, _ in short.values()) / 100, "gib": sum(m for _, m in short.values()) / 1024,
            "by_server": {s: {"cores": units / 100, "gib": mib / 1024} for s, (units, mib) in sorted(short.items())}}


def _refusal_json(why: WhyNot) -> Refusal:
    told: Refusal = {"rule": why.rule, "reason": why.message}
    return told | {"fix": why.fix} if why.fix else told


_WHY = narrative("why, and what would help; that its LPARs, servers and rules conflict is proved by verify --prove")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A proof of impossibility in the reader's words; none where something is ``unstated``.

    ``refusals``: LPAR → server (or "") → reasons; ``shortfall``: the least that the survivors lack, by server
    (hundredths of a core, MiB); ``irreducible``: take any one member away and the rest is possible.
    """

    summary: Annotated[str, Field(json_schema_extra=_WHY)]
    lpars: tuple[str, ...]
    servers: tuple[str, ...]
    rules: tuple[str, ...]
    lifts: Annotated[tuple[str, ...], Field(json_schema_extra=_WHY)]
    refusals: Annotated[Mapping[str, Mapping[str, Sequence[WhyNot]]], Field(json_schema_extra=_WHY), Listed(
        dict[str, dict[str, list[Refusal]]],
        lambda told: {n: {s: [WhyNot(r["rule"], r["reason"], r.get("fix", "")) for r in reasons]
                          for s, reasons in by.items()} for n, by in told.items()},
        lambda held: {n: {s: [_refusal_json(r) for r in reasons] for s, reasons in by.items()}
                      for n, by in held.items()})] = field(default_factory=dict)
    shortfall: Annotated[Mapping[str, tuple[int, int]], Field(json_schema_extra=_WHY), Listed(
        Shortfall, lambda told: {s: (round(100 * x["cores"]), round(1024 * x["gib"]))
                                 for s, x in told["by_server"].items()}, _shortfall_json)] = field(default_factory=dict)
    irreducible: Annotated[bool, Field(json_schema_extra=_WHY)] = True
    unstated: Annotated[tuple[str, ...], Field(exclude_if=empty, json_schema_extra=_WHY)] = ()
    """What nobody states and would have to be exported before this is a proof."""
    sets: Annotated[int, Field(exclude_if=empty, json_schema_extra=_WHY)] = 0
    """It is so many irreducible sets, each of which is impossible by itself; 0: one, or not known."""
    states: Annotated[int, Field(exclude_if=empty)] = 0
    """Placements may exist; of the so many states that moves can reach none is one. 0: no proof of orders."""

    @property
    def status(self) -> Status:
        """Impossible where it is proved; else unknown."""
        return Status.UNKNOWN if self.unstated else Status.INFEASIBLE


def shortfall(units: Mapping[str, int], mib: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """What servers lack, from the hundredths of a core and the MiB of each."""
    return {s: (units.get(s, 0), mib.get(s, 0)) for s in sorted({*units, *mib})}
