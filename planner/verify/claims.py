"""What a plan claims of itself, worked out again from its servers and moves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from math import ceil, floor

from planner.estate.consoles import is_ivm
from planner.findings import Finding, Severity, assumed
from planner.history.zones import zone_of
from planner.plan.choices import BACK, OUT, Measure, Status
from planner.plan.plan import Plan, Window
from planner.plan.questions import Consolidate, Whatif
from planner.rules import Judge, Site
from planner.verify.account import account_claims, stays_on
from planner.verify.base import Claim, Replay, after_work, broken, near
from planner.verify.clock import clock_claims
from planner.verify.details import changes_after, details_claims
from planner.verify.enterprise import meter_claims
from planner.verify.flights import stream
from planner.verify.lanes import in_order
from planner.verify.licences import licence_claims, licence_measure
from planner.verify.waits import wait_claims

_FIRST_LISTED = 340
"""The first firmware release of which a least console level is known (HMC V7R3.4 help, EL340)."""
_UNITS = {Measure.WATTS: "W", Measure.SERVERS: "servers", Measure.CORES: "cores"}


def claims(plan: Plan, site: Site, judge: Judge, played: Replay) -> list[Finding]:
    """What a plan says of itself that its servers and moves do not bear out; a bound above what it bounds."""
    made = chain(_moves(plan, site), _states(plan, site, played), _cost(plan, site, judge), _proof(plan), _clock(plan),
                 _stays(plan, site), details_claims(plan, site), _consolidation(plan, site), _found(plan, played),
                 licence_claims(plan, site), meter_claims(plan, site), _unknown_slots(plan, site),
                 _unknown_levels(plan, site))
    if in_order(plan.moves, played.findings):
        made = chain(made, wait_claims(plan.moves, site, judge))
    return [*_bounds(plan), *changes_after(plan, site), *(f for claim in made for f in claim.findings())]


def _moves(plan: Plan, site: Site) -> Iterator[Claim]:
    """Time, bytes and standstill at the share of the links that a move has in its wave, or of all the time in which it
    flies; whether it moves again."""
    last = {(m.leg, m.lpar): m for m in plan.moves}
    for m in plan.moves:
        yield Claim("whether it moves again on this leg", m.parking, last[m.leg, m.lpar] != m, m.lpar)
        if m.inactive:
            needed = ceil(1000 * site.parameters.inactive_s)
            yield Claim("milliseconds, milliseconds of standstill, bytes of an inactive migration",
                        (m.duration_ms, m.suspend_ms, m.bytes_sent), (needed, 0, 0), m.lpar)
    yield from clock_claims(plan, site) if plan.in_lanes else _in_waves(plan, site)


def _in_waves(plan: Plan, site: Site) -> Iterator[Claim]:
    for _, wave in chain(plan.waves(OUT), plan.waves(BACK)):
        busy = Counter(v for m in wave for v in {m.source_msp, m.target_msp})
        for m in wave:
            if m.source_msp in site.vioses and m.target_msp in site.vioses and m.lpar in site.lpars:
                rate = site.pair_rate(m.source_msp, m.target_msp, busy[m.source_msp], busy[m.target_msp])
                cost = site.copy(m.lpar, rate)
                yield Claim("milliseconds, milliseconds of standstill, bytes",
                            (m.duration_ms, m.suspend_ms, m.bytes_sent),
                            (cost.duration_ms, cost.suspend_ms, cost.bytes_sent), m.lpar)


def _found(plan: Plan, played: Replay) -> Iterator[Claim]:
    """None of what the replay finds, or had to take for granted, is left out."""
    said, worked = ({(f.rule, f.severity, f.subject, f.message, f.fix) for f in of.findings
                     if f.severity is not Severity.ERROR} for of in (plan, played))
    yield Claim("what it warns of and takes for granted", sorted(said & worked), sorted(worked))


def _unknown_slots(plan: Plan, site: Site) -> Iterator[Claim]:
    """An adapter on which hangs nobody knows what is named among what the plan takes for granted."""
    moved, granted = {m.lpar for m in plan.moves}, assumed(plan.findings)
    for d in site.estate.disks:
        if d.backing == "unknown" and d.lpar in moved:
            named = any(f.subject == d.lpar and f"slot {d.slot}," in f.message and d.vios in f.message for f in granted)
            yield Claim(f"that what hangs on slot {d.slot} ({d.vios}) is unknown", named, True, d.lpar)


def _unknown_levels(plan: Plan, site: Site) -> Iterator[Claim]:
    """A console or a VIOS whose level nobody states, where the firmware's or the system's least level hangs on it, is
    named as well."""
    granted = [(f.subject, f.message) for f in assumed(plan.findings)]
    for m in plan.moves:
        for row in (site.servers[s] for s in (m.source, m.target) if s in site.servers):
            vioses = site.vioses_on(row.name)
            silent = [v.name for v in vioses if not re.search(r"\d", v.level)]
            old = not re.match(r"POWER([7-9]|1\d)", row.generation)
            needed = [(n, "VIOS level") for n in silent if m.lpar in site.lpars and (
                old or site.lpars[m.lpar].os == "IBM i")]
            if stream(row.firmware) >= _FIRST_LISTED and not re.search(r"\d", row.console_level) and not is_ivm(
                    row, [v.name for v in vioses]):
                needed.append((row.name, "console"))
            for name, what in needed:
                named = any(subject == m.lpar and what in text and name in text for subject, text in granted)
                yield Claim(f"that the level of {name} ({what}) is unknown", named, True, m.lpar)


def _states(plan: Plan, site: Site, played: Replay) -> Iterator[Claim]:
    for name in ("before", "peak", "after"):
        rows, states = getattr(plan, name), getattr(played, name)
        yield Claim(f"servers {name}", [x.server for x in rows], [x.server for x in states])
        said, worked = ({x.server: x for x in of} for of in (rows, states))
        if plan.goal.usage and site.usage is None:  # nothing can be said of what was used
            said = {s: replace(x, used=None) for s, x in said.items()}
        yield from (Claim(f"what it holds {name}", said.get(server), state, server) for server, state in worked.items())


def _cost(plan: Plan, site: Site, judge: Judge) -> Iterator[Claim]:
    """Each move's time alone on the fastest pair of movers and its surcharges for risk."""
    legs = (OUT, BACK) if plan.goal.back_counts else (OUT,)
    then = after_work(plan, site, judge)
    worked = sum(surcharged(m.lpar, m.source, m.target, then if m.leg == BACK else judge)
                 for m in plan.moves if m.leg in legs) / 1000
    if not isinstance(plan.goal, Consolidate):
        yield near("objective (s)", plan.objective, worked)
        return
    names = [(x.name.removesuffix(", idle"), x.unit) for x in plan.levels]
    first = ("licences", licence_measure(site, site.start)[1]) if plan.goal.measure is Measure.LICENCES else (
        ("metered", "core-minutes") if plan.goal.measure is Measure.METERED else
        ("what stays on", _UNITS[plan.goal.measure]))
    yield Claim("levels", names, [first, ("moves", "s")])
    yield from (near("cost of the moves (s)", x.objective, worked) for x in plan.levels[1:2])
    yield from (Claim("objective, bound, gap", (plan.objective, plan.bound, plan.gap), (x.objective, x.bound, x.gap))
                for x in plan.levels[:1])


def surcharged(lpar: str, source: str, target: str, judge: Judge) -> float:
    """What a move costs, in ms: its time alone on the fastest movers, and what its risks count."""
    site = judge.site
    p, findings = site.parameters, (*judge.readiness(lpar), *judge.move(lpar, source, target))
    risk = p.risk_warning_s * sum(f.severity is Severity.WARNING for f in findings)
    risk += p.risk_production_s * (site.lpars[lpar].environment == "production")
    risk += p.risk_heartbeat_s * site.is_heartbeat(lpar)
    return site.solo(lpar, source, target).duration_ms + round(1000 * risk)


def _bounds(plan: Plan) -> list[Finding]:
    """A bound above what it bounds, or below nothing."""
    rows = [(x.name, x.bound, x.objective) for x in plan.levels] if plan.levels else [
        ("objective", plan.bound, plan.objective)]
    return [broken("plan.bound", "plan", f"{name}: the bound {bound or 0:,.1f} is above the objective "
                   f"{objective or 0:,.1f}, or is none") for name, bound, objective in rows
            if bound is None or objective is None or not 0 <= bound <= objective + 0.0011] + [
        broken("plan.bound", "plan", f"the way {leg} is to take {least or 0:,.1f} s at least, or says nothing of it, "
               f"and takes {plan.makespan_s(leg):,.1f} s") for leg, least in _least(plan)
        if least is None or not 0 <= least <= plan.makespan_s(leg) + 0.2]


def _least(plan: Plan) -> list[tuple[str, float | None]]:
    """What each way is said to take at least; in lanes something must be said of each that has moves."""
    legs = (*plan.at_least_s, *(leg for leg in (OUT, BACK) if plan.in_lanes and plan.leg(leg)))
    return [(leg, plan.at_least_s.get(leg)) for leg in sorted({*legs})]


def _proof(plan: Plan) -> Iterator[Claim]:
    """The gap is that between objective and bound; a plan with one is not optimal."""
    rows = [(x.name, x.objective, x.bound, x.gap) for x in plan.levels] if plan.levels else [
        ("plan", plan.objective, plan.bound, plan.gap)]
    for name, objective, bound, gap in rows:
        if objective is not None and bound is not None:
            yield near(f"gap of {name}", gap, max(0.0, objective - bound) / objective if objective > 0 else 0.0, 2e-6)
    if plan.levels:
        proved = all(x.status is Status.OPTIMAL for x in plan.levels)
        if plan.window is None or plan.status is Status.OPTIMAL:  # what no window has time for may have been left on
            yield Claim("status that its levels make", plan.status, Status.OPTIMAL if proved else Status.FEASIBLE)
    else:
        optimal = near("bound of what is optimal", plan.bound, plan.objective or 0.0)
        if plan.status is Status.OPTIMAL or optimal.said == optimal.worked:
            yield Claim("status of what costs no more than its bound", plan.status, Status.OPTIMAL)
            yield optimal


def _clock(plan: Plan) -> Iterator[Claim]:
    """Whether the windows are kept, and what they have to spare; no work without a way back."""
    for leg, window in ((OUT, plan.window), (BACK, plan.back_window)):
        if window is None or plan.window is None:
            yield Claim("a window of the way back alone", window, None)
            continue
        last = max((m.end_ms / 1000 for m in plan.leg(leg)), default=_seconds(plan.window, window.start))
        spare = floor(_seconds(plan.window, window.end) - (plan.total_s if plan.back_from_s is None else last))
        yield Claim(f"whether the way {leg} fits, and seconds to spare", (window.fits, window.spare_s),
                    (spare >= 0 and not plan.too_few(leg), spare))
    if not plan.goal.come_back:
        yield Claim("times of a way back", (plan.work_s, plan.back_from_s), (None, None))
    elif isinstance(plan.goal, Consolidate) and plan.goal.weekend:
        own = plan.back_from_s is not None
        yield Claim("whether the way back has a window of its own, and seconds of work before it",
                    (plan.back_window is not None, plan.work_s), (own, 0 if own else None))
    else:
        yield Claim("whether the seconds of work are known", plan.work_s is not None and plan.work_s >= 0, True)


def _seconds(window: Window, clock: datetime) -> float:
    """From the start of a window to a clock time of its zone, clock changes counted."""
    zone = zone_of(window.zone or "UTC")
    start, end = (t.replace(tzinfo=zone).astimezone(UTC) for t in (window.start, clock))
    return (end - start).total_seconds()


def _stays(plan: Plan, site: Site) -> Iterator[Claim]:
    """Who is left on the freed servers on purpose, is not activated, or is a VIOS."""
    freed = plan.off if isinstance(plan.goal, Consolidate) else plan.goal.freed
    stays = {(n, site.start.get(n, "")) for n in plan.goal.left if n not in site.lpars or site.lpars[n].active}
    stays |= {(p.name, p.server) for p in site.estate.lpars if p.server in freed and p.name not in site.start}
    if not isinstance(plan.goal, Whatif):
        stays |= {(v.name, s) for s in freed for v in site.vioses_on(s)}
    yield Claim("who stays", sorted((n, s) for n, s, _ in plan.stays), sorted(stays))


def _consolidation(plan: Plan, site: Site) -> Iterator[Claim]:
    """What stays on, and the energy that follows from it; of no other question."""
    goal = plan.goal
    if not isinstance(goal, Consolidate):
        yield Claim("what only a consolidation has", (plan.levels, plan.off, dict(plan.restart), plan.energy),
                    ((), (), {}, None))
        return
    yield Claim("servers that go off", plan.off, tuple(sorted({*plan.off})))
    if not goal.n_plus_1:
        yield Claim("restarts that were not asked for", dict(plan.restart), {})
    if goal.usage and site.usage is None:
        return
    after = site.start | {m.lpar: m.target for m in plan.leg(OUT)}
    for x in plan.levels[:1]:
        yield near(x.name, x.objective, stays_on(site, after, plan.off, goal.measure, x.name.endswith("idle")))
    if plan.energy is None:
        yield Claim("energy", None, "an account")
    else:
        yield from account_claims(plan, plan.energy, site, after)
