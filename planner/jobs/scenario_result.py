"""The answer to a scenario: what each server holds, how each LPAR gets there, the figures that are put side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.estate.energy import Energy
from planner.estate.model import Estate, Lpar
from planner.findings import Finding
from planner.optimise.frontier import FrontierPoint
from planner.plan.choices import Status
from planner.plan.details import Change, Conflict
from planner.plan.plan import Plan
from planner.scenarios.model import Scenario
from planner.scenarios.paths import Door, Stage
from planner.units import cores, gib


@dataclass(frozen=True, slots=True)
class ServerLine:
    """A server in use in the end. Units in hundredths of a core, memory in MiB, watts at its busy cores."""

    name: str
    model: str
    generation: str
    added: bool
    lpars: int
    units_limit: int
    units_arrival: int
    units_final: int
    memory_limit_mib: int
    memory_arrival_mib: int
    memory_final_mib: int
    idle_w: int
    max_w: int
    watts: float
    watts_assumed: bool
    watts_source: str


@dataclass(frozen=True, slots=True)
class LparLine:
    """An LPAR in a scenario: where it ends, how it gets there, its size and mode on the way, and why not live."""

    name: str
    source: str
    target: str
    way: str
    old: Lpar
    final: Lpar
    ratio: float
    basis: str
    why_not_resized: str
    stages: tuple[Stage, ...]
    reasons: tuple[Finding, ...] = ()
    wave: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures that are put side by side. Hundredths of a core, MiB, watts."""

    servers: int
    units: int
    memory_mib: int
    lpars: int
    free_units_arrival: int
    free_units: int
    free_mib_arrival: int
    free_mib: int
    watts: float
    energy: Energy


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """The answer to one scenario. ``objective`` and ``bound``: seconds of moving, restarts as the scenario prices
    them; ``hours``: length of the live migration; ``plan`` and ``estate``: of the live moves, None when there is
    none."""

    name: str
    file: str
    note: str
    status: Status
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    totals: Totals | None = None
    servers: tuple[ServerLine, ...] = ()
    lpars: tuple[LparLine, ...] = ()
    changes: tuple[Change, ...] = ()
    inactive: tuple[str, ...] = ()
    """LPARs of retired servers that are not activated; ``inactive_moved``: those that are migrated."""
    inactive_moved: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    live: int = 0
    restarts: int = 0
    activations: int = 0
    resized: int = 0
    hours: float = 0.0
    outage_minutes: int = 0
    waves: int = 0
    doors: tuple[Door, ...] = ()
    findings: tuple[Finding, ...] = ()
    conflict: Conflict | None = None
    ratings: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    frontier: tuple[FrontierPoint, ...] = ()
    frontier_note: str = ""
    plan: Plan | None = None
    estate: Estate | None = None
    scenario: Scenario | None = None

    def figures(self) -> dict[str, Any]:
        """The totals in cores, GiB, watts, kWh, money and kg, as whatif.json and the cells of a sweep have them; none
        without an answer."""
        t = self.totals
        if t is None:
            return {}
        e = t.energy
        return {
            "servers": t.servers, "cores": cores(t.units), "memory_gib": rounded_gib(t.memory_mib), "lpars": t.lpars,
            "headroom_cores_arrival": cores(t.free_units_arrival), "headroom_cores": cores(t.free_units),
            "headroom_gib_arrival": rounded_gib(t.free_mib_arrival), "headroom_gib": rounded_gib(t.free_mib),
            "watts": round(t.watts, 1), "kwh": round(e.kwh), "money": None if e.money is None else round(e.money),
            "currency": self.scenario.tariff.currency if self.scenario else "",
            "co2_kg": None if e.co2_kg is None else round(e.co2_kg)}


def rounded_gib(mib: int) -> float:
    """MiB as GiB with two decimals."""
    return round(gib(mib), 2)
