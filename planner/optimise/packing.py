"""A placement on given servers by construction: fast, kept exact in integers, without any claim of being cheapest.

Who gains most by a cheap place gets it, as far as the cheap servers have room in all; then the largest first, each
where it fits most tightly; who finds no room is exchanged for one that does elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from planner.optimise.placement import Candidates
from planner.rules import Site

_FILL = 0.995
"""Share of the room of the servers of one price that is given away before anything is placed."""


class Room:
    """What servers still have for LPARs: units, MiB, pools; and who of a group that is kept apart is where."""

    def __init__(self, site: Site, servers: Sequence[str], staying: Mapping[str, str]) -> None:
        self.site = site
        residents: dict[str, list[str]] = {s: [] for s in servers}
        for n, s in staying.items():
            residents[s].append(n)
        self.units: dict[str, int] = {}
        self.memory: dict[str, int] = {}
        self.pools: dict[tuple[str, int], int] = {}
        self.members: dict[str, set[str]] = {s: set(names) for s, names in residents.items()}
        self.others: dict[str, set[str]] = {}
        for group in (*site.policies.apart, *site.policies.clusters):
            for n in group.members:
                self.others.setdefault(n, set()).update(set(group.members) - {n})
        for s in servers:
            self.open(s, residents[s])

    def open(self, server: str, residents: Sequence[str] = ()) -> None:
        """A server that may take LPARs from now on, with what it holds already."""
        site, s = self.site, server
        held, allowed = site.holding(s, residents), site.allowed(s)
        self.members.setdefault(s, set(residents))
        self.units[s] = allowed.units - held.units
        self.memory[s] = allowed.memory_mib - held.memory_mib
        for pool in site.pools.get(s, {}):
            most = site.pool_allowed(s, pool)
            if most is not None:
                self.pools[s, pool] = most - held.pools.get(pool, 0)

    def fits(self, lpar: str, server: str) -> bool:
        """Whether it may arrive there."""
        demand = self.site.demand(lpar, server)
        if demand.units > self.units[server] or demand.memory_mib > self.memory[server]:
            return False
        if (self.others.get(lpar, set()) & self.members[server]):
            return False
        pool = self.site.pool_on(lpar, server) if self.pools else None
        return pool is None or demand.units <= self.pools.get((server, pool), demand.units)

    def _change(self, lpar: str, server: str, sign: int) -> None:
        demand = self.site.demand(lpar, server)
        self.units[server] -= sign * demand.units
        self.memory[server] -= sign * demand.memory_mib
        pool = self.site.pool_on(lpar, server) if self.pools else None
        if pool is not None and (server, pool) in self.pools:
            self.pools[server, pool] -= sign * demand.units

    def add(self, lpar: str, server: str) -> None:
        """It is there from now on."""
        self._change(lpar, server, 1)
        self.members[server].add(lpar)

    def remove(self, lpar: str, server: str) -> None:
        """It is there no longer."""
        self._change(lpar, server, -1)
        self.members[server].discard(lpar)

    def left(self, lpar: str, server: str) -> float:
        """How much room would be left beside it, as the larger share of what it needs: small is tight."""
        demand = self.site.demand(lpar, server)
        limit = self.site.limit(server)
        return max((self.units[server] - demand.units) / max(limit.units, 1),
                   (self.memory[server] - demand.memory_mib) / max(limit.memory_mib, 1))


def packed(site: Site, candidates: Candidates, servers: Sequence[str]) -> dict[str, str] | None:
    """A place for every LPAR of ``candidates`` (all of which leave their server), or None when none was found.

    Usage rows and groups that are kept together are not its matter: None where there are any.
    """
    if site.usage is not None or any(n in candidates.cost for g in site.policies.together for n in g.members):
        return None
    staying = {n: s for n, s in site.start.items() if s in set(servers)}
    room = Room(site, servers, staying)
    wish, refused = _wishes(site, candidates, room)
    where: dict[str, str] = {}
    for n in sorted(candidates.cost, key=lambda n: (-site.share(n, servers[0]), n)):
        prices = candidates.cost[n]
        options = [s for s in prices if room.fits(n, s)]
        chosen = min(options, key=lambda s: (prices[s] > wish[n], n in refused and prices[s] < wish[n],
                                              prices[s] if n not in refused else 0, room.left(n, s), s), default=None)
        if chosen is None and not (chosen := _exchanged(candidates, room, where, n)):
            return None
        room.add(n, chosen)
        where[n] = chosen
    return where


def _wishes(site: Site, candidates: Candidates, room: Room) -> tuple[dict[str, int], set[str]]:
    """The price up to which each LPAR looks for a place first: its cheapest, for those that gain most by it; and those
    that leave the cheap places to others."""
    wish: dict[str, int] = {}
    refused: set[str] = set()
    budget: dict[frozenset[str], list[float]] = {}
    gains: list[tuple[float, str, frozenset[str]]] = []
    for n, prices in candidates.cost.items():
        least = min(prices.values())
        cheap = frozenset(s for s, c in prices.items() if c <= least * 1.05)
        dear = min((c for s, c in prices.items() if s not in cheap), default=least)
        wish[n] = max(prices[s] for s in cheap)
        if len(cheap) < len(prices):
            demand = site.demand(n, min(cheap))
            gains.append(((least - dear) / max(demand.units / 100 + demand.memory_mib / 8192, 0.01), n, cheap))
            budget.setdefault(cheap, [_FILL * sum(room.units[s] for s in cheap),
                                      _FILL * sum(room.memory[s] for s in cheap)])
    for _, n, cheap in sorted(gains, key=lambda g: (g[0], g[1])):
        demand, left = site.demand(n, min(cheap)), budget[cheap]
        if demand.units <= left[0] and demand.memory_mib <= left[1]:
            left[0] -= demand.units
            left[1] -= demand.memory_mib
        else:
            wish[n] = min((c for s, c in candidates.cost[n].items() if s not in cheap), default=wish[n])
            refused.add(n)
    return wish, refused


def _exchanged(candidates: Candidates, room: Room, where: dict[str, str], lpar: str) -> str | None:
    """A server where it fits once one of those placed before goes elsewhere; that one has gone then."""
    for s in sorted(candidates.cost[lpar], key=lambda s: (candidates.cost[lpar][s], s)):
        for m in _placed_on(where, s):
            room.remove(m, s)
            if room.fits(lpar, s):
                room.add(lpar, s)
                other = min((t for t in candidates.cost[m] if t != s and room.fits(m, t)),
                            key=lambda t: (candidates.cost[m][t], t), default=None)
                room.remove(lpar, s)
                if other is not None:
                    room.add(m, other)
                    where[m] = other
                    return s
            room.add(m, s)
    return None


def _placed_on(where: Mapping[str, str], server: str) -> Iterable[str]:
    return [n for n, s in sorted(where.items()) if s == server]
