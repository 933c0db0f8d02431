"""The power and energy of a consolidation, worked out again."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction

from planner.cost import rperf_of_core
from planner.estate.energy import power_of
from planner.plan.choices import BACK, OUT, Measure
from planner.plan.details import Account, ServerEnergy
from planner.plan.plan import Move, Plan
from planner.rules import Site
from planner.verify.base import Claim, near
from planner.verify.enterprise import metered_in
from planner.verify.licences import licence_measure

_START_H = 0.5
"""Hours at maximum power that a server that was off takes to start."""
_WATT, _KWH = 0.051, 0.000_51
"""What a figure that is rounded to tenths, or to thousandths, may differ by."""


def account_claims(plan: Plan, account: Account, site: Site, after: Mapping[str, str]) -> Iterator[Claim]:
    """The account of a plan: the power of each server, and sums that follow from its rows."""
    there = {s: [[n for n, t in where.items() if t == s] for where in (site.start, after)] for s in site.servers}
    yield Claim("servers of the account", sorted(r.server for r in account.servers), sorted(site.servers))
    yield near("power before (W)", account.before_w, sum(r.before_w for r in account.servers), _WATT)
    yield near("power after (W)", account.after_w, sum(r.after_w for r in account.servers), _WATT)
    yield near("hours counted", account.hours, _hours(plan, account), _KWH)
    for row in account.servers:
        if row.server in there:
            yield from _row_claims(row, site, there[row.server], off=row.server in plan.off)
            yield from _off_claims(row, plan, account, site)
    yield near("kWh before", account.before.kwh, account.before_w * account.hours / 1000,
               _rounded(account.hours, account.before_w))
    yield near("kWh saved", account.saved.kwh, sum(r.saved_kwh for r in account.servers), _KWH * (len(there) + 1))
    yield near("kWh of moves", account.moves.kwh, sum(_kwh_of_move(m, site) for m in plan.moves), _KWH)
    yield near("kWh net", account.net.kwh, account.saved.kwh - account.moves.kwh, 3 * _KWH)
    yield near("hours of moving", account.move_hours, sum(m.duration_ms for m in plan.moves) / 3.6e6, _KWH)
    for name in ("before", "saved", "moves", "net"):
        value = getattr(account, name)
        for of, per in (("money", account.tariff_per_kwh), ("co2_kg", account.co2_kg_per_kwh)):
            if per is None:
                yield Claim(f"{of} of kWh {name}", getattr(value, of), None)
            else:
                yield near(f"{of} of kWh {name}", getattr(value, of), per * value.kwh, 0.0051 + abs(per) * _KWH)


def _hours(plan: Plan, account: Account) -> float:
    """The hours that are counted: those that a person gave, or those of a plan that comes back."""
    if not (plan.goal.come_back or plan.leg(BACK)):
        return account.hours
    last = plan.back_window or plan.window
    return (plan.window.ms_to(last.end) / 1000 if plan.window and last else plan.total_s) / 3600


def _rounded(hours: float, watts: float) -> float:
    """What kWh may differ by that were worked out of watts and hours before these were rounded."""
    return (_WATT * hours + _KWH * watts) / 1000 + _KWH


def _row_claims(row: ServerEnergy, site: Site, names: list[list[str]], *, off: bool) -> Iterator[Claim]:
    power, server = power_of(site.servers[row.server]), row.server
    yield Claim("off, watts idle and at most, assumed, by whom",
                (row.off, row.idle_w, row.max_w, row.assumed, row.source),
                (off, power.idle_w, power.max_w, power.assumed, power.source), server)
    yield near("power before (W)", row.before_w, _drawn(site, server, names[0], limited=True), _WATT, server)
    then = 0.0 if off else _drawn(site, server, names[1], limited=True)
    yield near("power after (W)", row.after_w, then, _WATT, server)


def _off_claims(row: ServerEnergy, plan: Plan, account: Account, site: Site) -> Iterator[Claim]:
    """How long a server is off, or draws something else; what that saves, and what the moves of its LPARs cost."""
    server, hours, started = row.server, account.hours, 0.0
    own = [m for m in plan.moves if server in (m.source, m.target)] if row.off else list(plan.moves)
    back, left = [m.start_ms for m in own if m.leg == BACK], max((m.end_ms for m in own if m.leg == OUT), default=0)
    if plan.leg(BACK):
        until = min(back) / 3.6e6 - (_START_H if row.off else 0.0) if back else hours
        hours = max(0.0, until - left / 3.6e6)
        started = _START_H * (row.max_w - row.before_w) / 1000 if row.off and hours else 0.0
    yield near("hours off", row.off_h, hours if row.off else 0.0, 2 * _KWH, server)
    yield near("kWh saved", row.saved_kwh, (row.before_w - row.after_w) * hours / 1000 - started,
               2 * _rounded(hours + 1, row.before_w), server)
    yield near("kWh of its moves", row.moves_kwh, sum(_kwh_of_move(m, site) for m in own) if row.off else 0.0, _KWH,
               server)


def _kwh_of_move(move: Move, site: Site) -> float:
    """The cores of the movers on both sides, by their rPerf for each MB a second, for the bytes sent."""
    p, joules = site.parameters, 0.0
    for server, rperf in ((move.source, p.source_rperf_per_mb_s), (move.target, p.target_rperf_per_mb_s)):
        joules += _core_w(site, server) * rperf / rperf_of_core(site.servers[server], p) * move.bytes_sent / 1e6
    return joules / 3.6e6


def stays_on(site: Site, where: Mapping[str, str], off: Collection[str], measure: Measure, idle: bool) -> float:
    """The measure of a consolidation: servers, cores, or watts without the limit of a server's maximum."""
    on = [s for s in site.servers if s not in off]
    if measure is Measure.SERVERS:
        return float(len(on))
    if measure is Measure.LICENCES:
        return licence_measure(site, where)[0]
    if measure is Measure.METERED:
        return metered_in(site, where)
    if measure is Measure.CORES:
        return sum(site.servers[s].configurable_units for s in on) / 100
    return sum(_drawn(site, s, [] if idle else [n for n, t in where.items() if t == s], limited=False) for s in on)


def _drawn(site: Site, server: str, names: Iterable[str], *, limited: bool) -> float:
    """Watts of a server with these LPARs: idle, and for each busy core its share of (maximum − idle)."""
    power = power_of(site.servers[server])
    cores = sum(v.entitlement_units for v in site.vioses_on(server)) / 100
    cores += sum(_busy_cores(site, n) for n in names)
    drawn = power.idle_w + _core_w(site, server) * cores
    return min(drawn, power.max_w) if limited else drawn


def _core_w(site: Site, server: str) -> float:
    """Watts that a busy core adds, to a tenth: half of one up."""
    row, power = site.servers[server], power_of(site.servers[server])
    tenths = Fraction(1000 * (power.max_w - power.idle_w), max(row.configurable_units, 1))
    return math.floor(tenths + Fraction(1, 2)) / 10


def _busy_cores(site: Site, lpar: str) -> float:
    """Cores that an LPAR keeps busy: measured on average, else stated, else its entitlement."""
    if site.usage is not None and lpar in site.usage.measured:
        return round(float(site.usage.of(lpar).mean())) / 1000
    return site.lpars[lpar].kept_busy_units / 100
