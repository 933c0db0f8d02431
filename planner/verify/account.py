"""The power and energy of a consolidation, worked out again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from planner.estate.energy import power_of
from planner.plan.choices import Measure
from planner.plan.details import Account, ServerEnergy
from planner.plan.plan import Plan
from planner.rules import Site
from planner.verify.base import Claim, near

_WATT = 0.11
"""What a figure that is rounded to tenths may differ by."""


def account_claims(plan: Plan, account: Account, site: Site, after: Mapping[str, str]) -> Iterator[Claim]:
    """The account of a plan: the power of each server, and sums that follow from its rows."""
    on = [s for s in site.servers if s not in plan.off]
    there = {s: [[n for n, t in where.items() if t == s] for where in (site.start, after)] for s in site.servers}
    before, then = (sum(_drawn(site, s, there[s][at], limited=True) for s in which)
                    for at, which in ((0, site.servers), (1, on)))
    yield near("power before (W)", account.before_w, before, _WATT * len(there))
    yield near("power after (W)", account.after_w, then, _WATT * len(there))
    yield Claim("servers of the account", sorted(r.server for r in account.servers), sorted(site.servers))
    for row in account.servers:
        if row.server in there:
            yield from _row_claims(row, site, there[row.server], off=row.server in plan.off)
    yield near("kWh before", account.before.kwh, account.before_w * account.hours / 1000, 0.1 + account.hours / 1000)
    yield near("kWh saved", account.saved.kwh, sum(r.saved_kwh for r in account.servers), 0.002 * len(there) + 0.002)
    yield near("kWh net", account.net.kwh, account.saved.kwh - account.moves.kwh, 0.003)
    yield near("hours of moving", account.move_hours, sum(m.duration_ms for m in plan.moves) / 3.6e6)
    for name in ("before", "saved", "moves", "net"):
        value = getattr(account, name)
        for of, per in (("money", account.tariff_per_kwh), ("co2_kg", account.co2_kg_per_kwh)):
            if per is None:
                yield Claim(f"{of} of kWh {name}", getattr(value, of), None)
            else:
                yield near(f"{of} of kWh {name}", getattr(value, of), per * value.kwh, 0.02 + abs(per) / 1000)


def _row_claims(row: ServerEnergy, site: Site, names: list[list[str]], *, off: bool) -> Iterator[Claim]:
    power, server = power_of(site.servers[row.server]), row.server
    yield Claim("off, watts idle and at most, assumed, by whom",
                (row.off, row.idle_w, row.max_w, row.assumed, row.source),
                (off, power.idle_w, power.max_w, power.assumed, power.source), server)
    yield near("power before (W)", row.before_w, _drawn(site, server, names[0], limited=True), _WATT, server)
    then = 0.0 if off else _drawn(site, server, names[1], limited=True)
    yield near("power after (W)", row.after_w, then, _WATT, server)


def stays_on(site: Site, where: Mapping[str, str], off: Collection[str], measure: Measure, idle: bool) -> float:
    """The measure of a consolidation: servers, cores, or watts without the limit of a server's maximum."""
    on = [s for s in site.servers if s not in off]
    if measure is Measure.SERVERS:
        return float(len(on))
    if measure is Measure.CORES:
        return sum(site.servers[s].configurable_units for s in on) / 100
    return sum(_drawn(site, s, [] if idle else [n for n, t in where.items() if t == s], limited=False) for s in on)


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
