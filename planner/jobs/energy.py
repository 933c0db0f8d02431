"""What a consolidation saves: energy, money and CO₂, from idle and maximum watts and from what runs where and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from planner.cost import rperf_of_core, state_bytes
from planner.estate.energy import HOURS_PER_YEAR, Power, Tariff, core_tenths, energy, power_of, watts
from planner.grouping import inverted
from planner.plan.choices import BACK, OUT
from planner.plan.details import Account, ServerEnergy, Value
from planner.plan.plan import Move, Plan
from planner.rules import Site
from planner.units import some

KWH = 3.6e6
"""Watt-seconds in a kWh."""


@dataclass(frozen=True, slots=True)
class Terms:
    """``hours`` of a permanent change that are counted; ``start_s``: seconds at maximum power until a server that was
    off carries LPARs again."""

    tariff: Tariff = field(default_factory=lambda: Tariff(0.25, "EUR", 0.35))
    hours: float = HOURS_PER_YEAR
    start_s: int = 1800

    def value(self, kwh: float) -> Value:
        """Energy as kWh, and as money and CO₂ where the tariff says."""
        cost = energy(1000 * kwh, 1.0, self.tariff)
        return Value(round(cost.kwh, 3), None if cost.money is None else round(cost.money, 2),
                     None if cost.co2_kg is None else round(cost.co2_kg, 2))


def drawn(site: Site, server: str, power: Power, busy_cores: float) -> float:
    """Watts of a server that is on: idle, and what its LPARs keep busy with its VIOSes, at most the maximum."""
    cores = sum(v.entitlement_units for v in site.vioses_on(server)) / 100 + busy_cores
    return watts(power, site.servers[server].configurable_units, cores)


@dataclass(frozen=True, slots=True)
class Meter:
    """Watts of a site's servers; ``busy``: mean thousandths of a core of LPARs where measured."""

    site: Site
    busy: Mapping[str, int]

    def cores(self, names: Iterable[str]) -> float:
        """Cores that these LPARs keep busy: measured, else stated, else their entitlement."""
        return sum(self.busy.get(n, 10 * self.site.lpars[n].kept_busy_units) for n in names) / 1000

    def per_core(self, server: str) -> float:
        """Watts that a busy core adds."""
        row = self.site.servers[server]
        return core_tenths(power_of(row), row.configurable_units) / 10

    def watts(self, server: str, names: Iterable[str]) -> float:
        """Watts of a server that is on and carries these LPARs."""
        return drawn(self.site, server, power_of(self.site.servers[server]), self.cores(names))

    def move_kwh(self, move: Move) -> float:
        """What a move itself costs: the VIOS processors that carry its bytes on both sides (docs/cost-model.md)."""
        p, sides = self.site.parameters, 0.0
        for server, rperf in ((move.source, p.source_rperf_per_mb_s), (move.target, p.target_rperf_per_mb_s)):
            per_core = rperf_of_core(self.site.servers[server], p)
            sent = move.bytes_sent or self.state(move.lpar)
            sides += self.per_core(server) * sent / 1e6 * rperf / per_core
        return sides / KWH

    def state(self, lpar: str) -> int:
        """Bytes of an LPAR's state."""
        p = self.site.lpars[lpar]
        return state_bytes(p.memory_mib, p.max_memory_mib)


def off_seconds(plan: Plan, server: str, terms: Terms, until_s: float) -> float:
    """Seconds for which a server is off: from its last LPAR's leaving until it must be started for the way back."""
    left = max((m.end_ms for m in plan.leg(OUT) if server in (m.source, m.target)), default=0) / 1000
    back = min((m.start_ms for m in plan.leg(BACK) if server in (m.source, m.target)), default=None)
    end = until_s if back is None else back / 1000 - terms.start_s
    return max(0.0, end - left)


def account(plan: Plan, meter: Meter, terms: Terms) -> Account:
    """The account of a plan, servers one by one; kWh over ``hours``.

    A plan that comes back is counted over its own time, one that does not over the tariff's hours: as if the change
    were instant, the moves' own energy taken off.
    """
    site = meter.site
    final = {**site.start, **{m.lpar: m.target for m in plan.leg(OUT)}}
    before, after = (inverted(sorted(where.items()), site.servers) for where in (site.start, final))
    back = any(m.leg == BACK for m in plan.moves) or plan.goal.come_back
    window = plan.back_window or plan.window
    until = plan.total_s if not back else (
        plan.window.ms_to(window.end) / 1000 if plan.window and window else plan.total_s)
    hours = until / 3600 if back else terms.hours
    rows = tuple(_server(plan, meter, terms, s, before[s], after[s], until if back else terms.hours * 3600)
                 for s in site.servers)
    saved = sum(r.saved_kwh for r in rows)
    moves = sum(meter.move_kwh(m) for m in plan.moves)
    before_w, after_w = sum(r.before_w for r in rows), sum(r.after_w for r in rows)
    return Account(
        round(hours, 3), terms.tariff.price_per_kwh, terms.tariff.currency, terms.tariff.co2_kg_per_kwh,
        round(before_w, 1), round(after_w, 1), before=terms.value(before_w * hours / 1000), saved=terms.value(saved),
        moves=terms.value(moves), net=terms.value(saved - moves),
        move_hours=round(sum(m.duration_ms for m in plan.moves) / 3.6e6, 3), servers=rows)


def _server(plan: Plan, meter: Meter, terms: Terms, server: str, before: list[str], after: list[str],
            until_s: float) -> ServerEnergy:
    power = power_of(meter.site.servers[server])
    off = server in plan.off
    first = meter.watts(server, before)
    then = 0.0 if off else meter.watts(server, after)
    back = any(m.leg == BACK for m in plan.moves)
    if off:
        seconds = off_seconds(plan, server, terms, until_s) if back else until_s
        start = terms.start_s * (power.max_w - first) if back and seconds else 0.0
        saved = (first * seconds - start) / KWH
    else:
        seconds = 0.0
        saved = (first - then) * _changed_seconds(plan, until_s) / KWH
    moves = sum(meter.move_kwh(m) for m in plan.moves if server in (m.source, m.target)) if off else 0.0
    return ServerEnergy(server, off, idle_w=power.idle_w, max_w=power.max_w, assumed=power.assumed, source=power.source,
                        before_w=round(first, 1), after_w=round(then, 1), off_h=round(seconds / 3600, 3),
                        saved_kwh=round(saved, 3), moves_kwh=round(moves, 3))


def _changed_seconds(plan: Plan, until_s: float) -> float:
    """Seconds between the end of the way out and the start of the way back."""
    if not any(m.leg == BACK for m in plan.moves):
        return until_s
    left = max((m.end_ms for m in plan.leg(OUT)), default=0) / 1000
    return max(0.0, min(m.start_ms for m in plan.leg(BACK)) / 1000 - left)


def not_worth(account: Account, per_core: Mapping[str, float], meter: Meter, plan: Plan) -> list[str]:
    """Servers whose time off saves no more than the moves to empty and fill them cost, the load moved included."""
    def taken(row: ServerEnergy) -> float:
        return sum(per_core[m.target] * meter.cores([m.lpar]) * row.off_h / 1000
                   for m in plan.leg(OUT) if m.source == row.server)

    return sorted(r.server for r in account.servers if r.off and r.saved_kwh - r.moves_kwh - taken(r) <= 0)


def assumptions(site: Site, terms: Terms, busy: Mapping[str, int], *, back: bool) -> tuple[str, ...]:
    """What the account takes for granted."""
    stated = sum(site.lpars[n].busy_units is not None for n in site.start if n not in busy)
    guessed = [s for s, row in site.servers.items() if power_of(row).assumed]
    t = terms.tariff
    priced = [*([] if t.price_per_kwh is None else [f"{t.price_per_kwh:g} {t.currency}/kWh"]),
              *([] if t.co2_kg_per_kwh is None else [f"{t.co2_kg_per_kwh:g} kg CO₂/kWh"])]
    out = [f"Energy: {', '.join(priced) or 'in kWh alone, no price and no CO₂ were given'}.",
           "Power of a server: idle, and for each core in use (maximum − idle) / configurable cores, to a tenth of a "
           "watt; 0 when it is off. Every server counts as on before the plan. Cooling is not counted.",
           f"Cores in use: {len(busy)} LPARs as measured on average, {stated} as stated (Busy (cores)), "
           f"{len(site.start) - len(busy) - stated} by entitlement; VIOSes by entitlement."]
    if guessed:
        out.append(f"Watts assumed, not stated by the estate: {some(guessed, 6)} (columns Idle (W) and "
                   "Maximum (W) state them).")
    out.append(f"A server that was off takes {terms.start_s // 60} minutes at maximum power to start." if back else
               f"Counted over {terms.hours:g} hours, as if the change were instant.")
    return tuple(out)
