"""Who holds what, kept up to date move by move; both sides are held while a move flies."""

from __future__ import annotations

from collections.abc import Mapping

from planner.rules import Site


class Occupancy:
    """Units, memory, pools and group members on each server. A server may hold its limit or what it started with."""

    def __init__(self, site: Site, placement: Mapping[str, str]) -> None:
        self.site = site
        self.units = {s: site.base(s).units for s in site.servers}
        self.memory = {s: site.base(s).memory_mib for s in site.servers}
        self.pools: dict[tuple[str, int], int] = {}
        self.members: dict[str, set[str]] = {s: set() for s in site.servers}
        self.groups: dict[str, list[tuple[str, ...]]] = {}
        for group in (*site.policies.apart, *site.policies.clusters):
            for name in group.members:
                self.groups.setdefault(name, []).append(group.members)
        allowed = {s: site.allowed(s) for s in site.servers}
        self.units_limit = {s: a.units for s, a in allowed.items()}
        self.memory_limit = {s: a.memory_mib for s, a in allowed.items()}
        for name, server in placement.items():
            self.add(name, server)

    def copy(self) -> Occupancy:
        """An independent copy."""
        other = Occupancy.__new__(Occupancy)
        other.site, other.groups = self.site, self.groups
        other.units_limit, other.memory_limit = self.units_limit, self.memory_limit
        other.units, other.memory, other.pools = dict(self.units), dict(self.memory), dict(self.pools)
        other.members = {s: set(m) for s, m in self.members.items()}
        return other

    def of(self, server: str) -> Occupancy:
        """An independent copy that knows this server alone."""
        other = Occupancy.__new__(Occupancy)
        other.site, other.groups = self.site, self.groups
        other.units_limit, other.memory_limit = self.units_limit, self.memory_limit
        other.units, other.memory = {server: self.units[server]}, {server: self.memory[server]}
        other.pools = {key: units for key, units in self.pools.items() if key[0] == server}
        other.members = {server: set(self.members[server])}
        return other

    def visit(self, lpar: str, source: str, target: str) -> None:
        """The part of a move that the servers known here see."""
        if target in self.members:
            self.add(lpar, target)
        if source in self.members:
            self.remove(lpar, source)

    def _change(self, lpar: str, server: str, sign: int) -> None:
        demand = self.site.demand(lpar, server)
        self.units[server] += sign * demand.units
        self.memory[server] += sign * demand.memory_mib
        pool = self.site.pool_on(lpar, server)
        if pool is not None:
            self.pools[server, pool] = self.pools.get((server, pool), 0) + sign * demand.units

    def add(self, lpar: str, server: str) -> None:
        """It holds this server from now on."""
        self._change(lpar, server, 1)
        self.members[server].add(lpar)

    def remove(self, lpar: str, server: str) -> None:
        """It holds this server no longer."""
        self._change(lpar, server, -1)
        self.members[server].discard(lpar)

    def fits(self, lpar: str, server: str) -> bool:
        """Whether it may arrive here now, everything else staying."""
        demand = self.site.demand(lpar, server)
        if self.units[server] + demand.units > self.units_limit[server]:
            return False
        if self.memory[server] + demand.memory_mib > self.memory_limit[server]:
            return False
        pool = self.site.pool_on(lpar, server)
        if pool is not None:
            limit = self.site.pool_allowed(server, pool)
            if limit is not None and self.pools.get((server, pool), 0) + demand.units > limit:
                return False
        return not any(self._clash(lpar, other, server) for members in self.groups.get(lpar, ())
                       for other in members)

    def _clash(self, lpar: str, other: str, server: str) -> bool:
        start = self.site.start
        return other != lpar and other in self.members[server] and not (
            start.get(lpar) == server and start.get(other) == server)

    def move(self, lpar: str, source: str, target: str) -> None:
        """It has arrived there and left here."""
        self.add(lpar, target)
        self.remove(lpar, source)
