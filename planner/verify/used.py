"""What is used slot by slot, summed from the rows of history and estate alone; knows nothing of how rules count it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from planner.estate.catalogue import MODELS
from planner.estate.model import Lpar
from planner.findings import Finding
from planner.grouping import grouped
from planner.plan.details import MILLION
from planner.plan.plan import ServerState
from planner.rules import Site
from planner.units import show_cores
from planner.verify.base import broken

if TYPE_CHECKING:  # start-up: what reads a history
    import numpy as np
    from numpy.typing import NDArray

    from planner.history.usage import Usage

    Series = NDArray[np.int64]


def too_much_used(site: Site, rows: Mapping[str, Iterable[Lpar]], use: Mapping[str, int] | None = None, *,
                  strict: bool = False) -> Iterator[Finding]:
    """Servers and pools that use more than they may in some slot, and more than at the start unless ``strict``.
    ``rows``: server → the LPARs on it, as they are then; ``use``: LPAR → cores it uses there for a million that were
    measured, where it does not run as it was measured."""
    usage = site.usage
    if usage is None or not len(usage.starts):
        return
    for server in sorted(rows.keys() & site.servers.keys()):
        there, first = list(rows[server]), [site.lpars[n] for n in site.residents(server)]
        most = [(None, site.limit(server).units, site.policies.limit(site.servers[server]).units)] + [
            (k, p.max_units, p.max_units) for k, p in sorted(site.pools.get(server, {}).items())
            if p.max_units is not None]
        for pool, units, stated in most:
            now, before = (_sum(site, usage, server, of, pool, way) for of, way in ((there, use or {}), (first, {})))
            over = now - before.clip(min=10 * units, max=10 * stated if strict else None)
            worst = int(over.argmax())
            if over[worst] > 0:
                what = server if pool is None else f"pool {pool} of {server}"
                yield broken("plan.used", server, f"with the usage of {usage.when(worst):%Y-%m-%d %H:%M}, {what} would "
                             f"use {show_cores(-(-int(now[worst]) // 10))} cores of {show_cores(units)}")


def with_peaks(site: Site, states: Iterable[ServerState], where: Mapping[str, str]) -> tuple[ServerState, ...]:
    """What servers hold with the month-end peak of those who are there (LPAR → server), where a history tells."""
    usage = site.usage
    if usage is None:
        return tuple(states)
    rows = grouped((s, site.lpars[n]) for n, s in where.items())
    return tuple(replace(x, used=usage.month_end_peak(_sum(site, usage, x.server, rows.get(x.server, ()), None, {})))
                 for x in states)


def used_when_failed(site: Site, where: Mapping[str, str], restart: Mapping[str, Mapping[str, str]]
                     ) -> Iterator[Finding]:
    """What is used too much when any one server fails and what ran there (``where``: LPAR → server) starts anew as
    ``restart`` says: failed server → LPAR → server."""
    for failed, places in sorted(restart.items()):
        after = {n: places.get(n, s) if s == failed else s for n, s in where.items()}
        there = set(places.values())
        for f in too_much_used(site, grouped((s, site.lpars[n]) for n, s in after.items() if s in there)):
            yield replace(f, message=f"when {failed} fails: {f.message}")


def used_there(site: Site, usage: Usage, server: str, rows: Iterable[Lpar]) -> Series:
    """Thousandths of a core that these LPARs and the server's VIOSes use, slot by slot."""
    return _sum(site, usage, server, rows, None, {})


def _sum(site: Site, usage: Usage, server: str, rows: Iterable[Lpar], pool: int | None, use: Mapping[str, int]
         ) -> Series:
    """Thousandths of a core in each slot: LPARs, and of a whole server its VIOSes."""
    total: Series = usage.starts * 0
    for v in site.vioses_on(server) if pool is None else ():
        whole = v.sharing == "dedicated" or v.name not in usage.measured
        total = total + (10 * v.entitlement_units if whole else usage.physc[usage.names.index(v.name)])
    for p in rows:
        if not p.active or (pool is not None and site.pool_on(p.name, server) != pool):
            continue
        if p.processors == "dedicated":
            total = total + 10 * p.entitlement_units
            continue
        more = Fraction(use[p.name], MILLION) if p.name in use else _slower(site, p.name, server)
        measured = usage.physc[usage.names.index(p.name)].astype("int64")
        total = total + (measured * more.numerator + more.denominator - 1) // more.denominator
    return total


def _slower(site: Site, lpar: str, server: str) -> Fraction:
    """How many cores of a server do the work of one where the LPAR was measured: never less than one."""
    home = site.home.get(lpar, "")
    models = (site.servers[s].model.strip().upper() for s in (
        home if home in site.servers else site.lpars[lpar].server, server))
    here, there = (Fraction(str(MODELS[m][1])) if m in MODELS else Fraction(0) for m in models)
    return max(here / there, Fraction(1)) if here and there else Fraction(1)
