"""Licence cores: what products count on servers (docs/licences.md has the sources), and the pools that bound it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from planner.estate.licences import Counting, LicenceCeiling, Licensed
from planner.estate.model import Estate, Lpar, ProcessorPool, Server
from planner.estate.policies import PolicySet
from planner.grouping import grouped
from planner.units import UNITS_PER_CORE

DEFAULT_POOL = 0


def most_units(lpar: Lpar) -> int:
    """The most that an LPAR can draw, hundredths of a core: uncapped its virtual processors, else its entitlement."""
    if lpar.processors == "dedicated" or lpar.sharing == "capped":
        return lpar.entitlement_units
    return max(lpar.entitlement_units, 100 * lpar.virtual_processors)


class Pools:
    """Servers and LPARs of an estate, and the shared pools in which these run."""

    def __init__(self, estate: Estate, policies: PolicySet) -> None:
        self.policies = policies
        self.servers: dict[str, Server] = {s.name: s for s in estate.servers}
        self.lpars: dict[str, Lpar] = {p.name: p for p in estate.lpars}
        self.pools: dict[str, dict[int, ProcessorPool]] = {s: {} for s in self.servers}
        for pool in estate.pools:
            self.pools.setdefault(pool.server, {})[pool.pool_id] = pool

    def pool_on(self, lpar: str, server: str) -> int | None:
        """The shared pool in which an LPAR runs on a server: where it is now; else the policy's; else the pool of
        the same name; else the default pool. None for dedicated processors."""
        p = self.lpars[lpar]
        if p.processors == "dedicated":
            return None
        here = self.pools.get(p.server, {})
        if server == p.server:
            return DEFAULT_POOL if p.pool_id is None else p.pool_id
        there = self.pools.get(server, {})
        current = here.get(p.pool_id or DEFAULT_POOL)
        wanted = self.policies.target_pool.get(lpar) or (current.name if current else "")
        if wanted:
            for pool_id, pool in sorted(there.items()):
                if pool.name == wanted:
                    return pool_id
        return DEFAULT_POOL


def pool_units(of: Pools, server: str, pool: int | None) -> int:
    """Hundredths of a core that a shared pool of a server can give at most: its maximum, or all of the server."""
    whole = of.servers[server].configurable_units
    known = of.pools.get(server, {}).get(pool) if pool is not None else None
    return whole if known is None or known.max_units is None else min(whole, known.max_units)


def counting_pool(of: Pools, licensed: Licensed, lpar: str, server: str) -> int | None:
    """The shared pool whose maximum bounds what an LPAR counts on a server; None: none does."""
    return None if licensed.counting is Counting.FULL_CAPACITY else of.pool_on(lpar, server)


def counted_units(of: Pools, licensed: Licensed, lpar: str, server: str, row: Lpar | None = None) -> int:
    """Hundredths of a core that an LPAR counts on a server were it the only one there; ``row``: as it is then, where
    that is not as it is today."""
    p, pool = row or of.lpars[lpar], of.pool_on(lpar, server)
    if not p.active or lpar not in licensed.lpars or not licensed.by_core:
        return 0
    if licensed.counting is Counting.FULL_CAPACITY:
        return of.servers[server].configurable_units
    drawn, cap = most_units(p), pool_units(of, server, pool)
    uncapped = p.processors != "dedicated" and p.sharing != "capped"
    return cap if uncapped and licensed.counting is Counting.CAPPED_ONLY else min(drawn, cap)


def licence_cores(of: Pools, licensed: Licensed, server: str, lpars: Iterable[str],
                  rows: Mapping[str, Lpar] = MappingProxyType({})) -> int:
    """Whole cores that a product counts on a server with these LPARs: those of a pool no more than it can give, all no
    more than the server has, rounded up once. ``rows``: LPARs that are not as they are today."""
    shares = [(counting_pool(of, licensed, n, server), counted_units(of, licensed, n, server, rows.get(n)))
              for n in lpars]
    total = sum(sum(units) if pool is None else min(pool_units(of, server, pool), sum(units))
                for pool, units in grouped(shares).items())
    return -(-min(total, of.servers[server].configurable_units) // UNITS_PER_CORE)


def ceiling_count(of: Pools, ceiling: LicenceCeiling, where: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    """(servers, licence cores) that a ceiling counts in a placement (LPAR → servers that it holds)."""
    holders = grouped((s, n) for n in sorted(ceiling.lpars & where.keys()) if of.lpars[n].active for s in where[n])
    return len(holders), sum(licence_cores(of, one, s, n) for one in ceiling.licensed for s, n in holders.items())
