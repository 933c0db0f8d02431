"""The figures that a plan claims of itself, summed up again from its servers and moves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from planner.estate.energy import power_of
from planner.findings import Finding
from planner.plan.choices import OUT, Measure
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate
from planner.rules import Site
from planner.verify.base import broken

_TOLERANCE = 1e-4
"""Relative difference between a plan's figure and the one summed here that is put down to rounding."""


def claims(plan: Plan, site: Site) -> list[Finding]:
    """What a plan says of itself that its servers and moves do not bear out; a bound above what it bounds."""
    wrong = [broken("plan.bound", "plan", f"{x.name}: the bound {x.bound:,.1f} is above the objective "
                    f"{x.objective:,.1f}") for x in plan.levels if x.bound > x.objective * (1 + _TOLERANCE)]
    goal = plan.goal
    if not isinstance(goal, Consolidate) or not plan.levels or (goal.usage and site.usage is None):
        return wrong
    after = site.start | {m.lpar: m.target for m in plan.leg(OUT)}
    first = plan.levels[0]
    sums = [(first.name, first.objective, _stays_on(site, after, plan.off, goal.measure, first.name.endswith("idle")))]
    if plan.energy is not None:
        sums += [("power before", plan.energy.before_w, _power(site, site.start, ())),
                 ("power after", plan.energy.after_w, _power(site, after, plan.off))]
    return wrong + [broken("plan.figures", "plan", f"{name}: the plan says {said:,.1f}, its servers and moves make "
                           f"{summed:,.1f}") for name, said, summed in sums
                    if abs(said - summed) > max(1.0, _TOLERANCE * abs(summed))]


def _stays_on(site: Site, where: Mapping[str, str], off: Collection[str], measure: Measure, idle: bool) -> float:
    """The measure of a consolidation: servers, cores, or watts without the limit of a server's maximum."""
    on = [s for s in site.servers if s not in off]
    if measure is Measure.SERVERS:
        return float(len(on))
    if measure is Measure.CORES:
        return sum(site.servers[s].configurable_units for s in on) / 100
    return sum(_drawn(site, s, [] if idle else [n for n, t in where.items() if t == s], limited=False) for s in on)


def _power(site: Site, where: Mapping[str, str], off: Collection[str]) -> float:
    """Watts of the servers that are on."""
    on = [s for s in site.servers if s not in off]
    return sum(_drawn(site, s, [n for n, t in where.items() if t == s], limited=True) for s in on)


def _drawn(site: Site, server: str, names: Iterable[str], *, limited: bool) -> float:
    """Watts of a server with these LPARs: idle, and (maximum − idle) for the share of its cores that is busy."""
    row, power = site.servers[server], power_of(site.servers[server])
    cores = sum(v.entitlement_units for v in site.vioses_on(server)) / 100
    cores += sum(_busy_cores(site, n) for n in names)
    share = cores / max(row.configurable_units / 100, 0.01)
    return power.idle_w + (power.max_w - power.idle_w) * (min(share, 1.0) if limited else share)


def _busy_cores(site: Site, lpar: str) -> float:
    """Cores that an LPAR keeps busy: measured on average, else stated, else its entitlement."""
    if site.usage is not None and lpar in site.usage.measured:
        return round(float(site.usage.of(lpar).mean())) / 1000
    return site.lpars[lpar].kept_busy_units / 100
