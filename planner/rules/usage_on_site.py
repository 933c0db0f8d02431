"""What LPARs and VIOSes use on the servers of a site, slot by slot, in thousandths of a core."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from planner.estate.catalogue import rperf_per_core
from planner.estate.model import Vios
from planner.history.usage import Usage

if TYPE_CHECKING:
    from planner.rules.site import Site

Slots = NDArray[np.int64]


class UsageOnSite:
    """The usage of a site's LPARs wherever they stand."""

    def __init__(self, site: Site, usage: Usage) -> None:
        self.site, self.usage = site, usage
        self._at_start: dict[tuple[str, int | None], Slots] = {}

    def of(self, lpar: str, server: str) -> Slots:
        """What an LPAR uses on a server.

        Dedicated processors are held whole. On a server whose cores are slower (rPerf per core) the same work takes
        more of them; a faster server is not credited, since an LPAR keeps its compatibility mode until it restarts.
        """
        p, servers = self.site.lpars[lpar], self.site.servers
        if p.processors == "dedicated":
            return np.full(len(self.usage.starts), p.entitlement_units * 10, dtype=np.int64)
        home = self.site.home.get(lpar, p.server)
        here, there = (rperf_per_core(servers[s].model) for s in (home if home in servers else p.server, server))
        used = self.usage.of(lpar).astype(np.int64)
        if here and there and here > there:
            ratio = Fraction(str(here)) / Fraction(str(there))
            used = -(-used * ratio.numerator // ratio.denominator)
        return used

    def of_vios(self, vios: Vios) -> Slots:
        """What a VIOS uses: its history, else its entitlement."""
        if vios.sharing == "dedicated" or vios.name not in self.usage:
            return np.full(len(self.usage.starts), vios.entitlement_units * 10, dtype=np.int64)
        return self.usage.of(vios.name).astype(np.int64)

    def on(self, server: str, lpars: Iterable[str], pool: int | None = None) -> Slots:
        """What these LPARs use together on a server (with its VIOSes), or those of one shared pool of it."""
        total = np.zeros(len(self.usage.starts), dtype=np.int64)
        for vios in self.site.vioses_on(server) if pool is None else ():
            total += self.of_vios(vios)
        for name in lpars:
            if pool is None or self.site.pool_on(name, server) == pool:
                total += self.of(name, server)
        return total

    def at_start(self, server: str, pool: int | None = None) -> Slots:
        """The same for the LPARs that are there at the start."""
        if (server, pool) not in self._at_start:
            self._at_start[server, pool] = self.on(server, self.site.residents(server), pool)
        return self._at_start[server, pool]

    def limit(self, server: str, pool: int | None = None) -> int | None:
        """What may be used: of a server its limit; of a pool its maximum, None without one."""
        if pool is None:
            return self.site.limit(server).units * 10
        known = self.site.pools.get(server, {}).get(pool)
        return None if known is None or known.max_units is None else known.max_units * 10

    def allowed(self, server: str, pool: int | None = None) -> Slots | None:
        """Slot by slot what may be used: the limit, or what was used at the start if that is more; None: no limit."""
        limit = self.limit(server, pool)
        return None if limit is None else np.maximum(limit, self.at_start(server, pool))

    def worst(self, server: str, lpars: Iterable[str], pool: int | None = None) -> tuple[int, int, str] | None:
        """(used, limit, when) in the slot in which these LPARs use most above what is allowed; None: in none."""
        limit, allowed = self.limit(server, pool), self.allowed(server, pool)
        if limit is None or allowed is None or not len(allowed):
            return None
        used = self.on(server, lpars, pool)
        at = int(np.argmax(used - allowed))
        if used[at] <= allowed[at]:
            return None
        return int(used[at]), limit, f"{self.usage.when(at):%Y-%m-%d %H:%M}, a {self.usage.bucket(at).kind} day"
