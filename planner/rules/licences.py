"""Licence cores: what products count on servers, in the rules' own arithmetic (docs/licences.md has the sources)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from planner.estate.licences import Counting, LicenceCeiling, Licensed
from planner.estate.model import Lpar
from planner.grouping import grouped
from planner.rules.shares import most_units
from planner.rules.site import Site
from planner.units import UNITS_PER_CORE


def pool_units(site: Site, server: str, pool: int | None) -> int:
    """Hundredths of a core that a shared pool of a server can give at most: its maximum, or all of the server."""
    whole = site.servers[server].configurable_units
    known = site.pools.get(server, {}).get(pool) if pool is not None else None
    return whole if known is None or known.max_units is None else min(whole, known.max_units)


def counting_pool(site: Site, licensed: Licensed, lpar: str, server: str) -> int | None:
    """The shared pool whose maximum bounds what an LPAR counts on a server; None: none does."""
    return None if licensed.counting is Counting.FULL_CAPACITY else site.pool_on(lpar, server)


def counted_units(site: Site, licensed: Licensed, lpar: str, server: str, row: Lpar | None = None) -> int:
    """Hundredths of a core that an LPAR counts on a server were it the only one there; ``row``: as it is then, where
    that is not as it is today."""
    p, pool = row or site.lpars[lpar], site.pool_on(lpar, server)
    if not p.active or lpar not in licensed.lpars or not licensed.by_core:
        return 0
    if licensed.counting is Counting.FULL_CAPACITY:
        return site.servers[server].configurable_units
    drawn, cap = most_units(p), pool_units(site, server, pool)
    uncapped = p.processors != "dedicated" and p.sharing != "capped"
    return cap if uncapped and licensed.counting is Counting.CAPPED_ONLY else min(drawn, cap)


def licence_cores(site: Site, licensed: Licensed, server: str, lpars: Iterable[str],
                  rows: Mapping[str, Lpar] = MappingProxyType({})) -> int:
    """Whole cores that a product counts on a server with these LPARs: those of a pool no more than it can give, all no
    more than the server has, rounded up once. ``rows``: LPARs that are not as they are today."""
    shares = [(counting_pool(site, licensed, n, server), counted_units(site, licensed, n, server, rows.get(n)))
              for n in lpars]
    total = sum(sum(units) if pool is None else min(pool_units(site, server, pool), sum(units))
                for pool, units in grouped(shares).items())
    return -(-min(total, site.servers[server].configurable_units) // UNITS_PER_CORE)


def ceiling_count(site: Site, ceiling: LicenceCeiling, where: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    """(servers, licence cores) that a ceiling counts in a placement (LPAR → servers that it holds)."""
    holders = grouped((s, n) for n in sorted(ceiling.lpars & where.keys()) if site.lpars[n].active for s in where[n])
    return len(holders), sum(licence_cores(site, one, s, n) for one in ceiling.licensed for s, n in holders.items())


def ceiling_allows(site: Site, ceiling: LicenceCeiling) -> tuple[int | None, int | None]:
    """The most (servers, licence cores) there may be: as stated, or as there were at the start or before the plan began
    if that is more; None: no limit."""
    servers, cores = zip(*(ceiling_count(site, ceiling, {n: (s,) for n, s in where.items()})
                           for where in (site.start, {**site.start, **site.home})), strict=True)
    return (None if ceiling.most_servers is None else max(ceiling.most_servers, *servers),
            None if ceiling.most_cores is None else max(ceiling.most_cores, *cores))
