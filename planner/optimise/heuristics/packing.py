"""A placement on given servers by construction: fast, kept exact in integers, without any claim of being cheapest.

Who gains most by a cheap place gets it, as far as the cheap servers have room in all; then the largest first, each
where it fits most tightly; who finds no room is exchanged for one that does elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from planner.optimise.placement import Candidates
from planner.rules import Site
from planner.rules.ledger import MEMORY, PROCESSORS, Ledger

_FILL = 0.995
"""Share of the room of the servers of one price that is given away before anything is placed."""


def tightness(room: Ledger, lpar: str, server: str) -> float:
    """How much room would be left beside an LPAR, as the larger share of the server: small is tight."""
    demand, limit = room.site.demand(lpar, server), room.site.limit(server)
    return max((room.left(PROCESSORS, server) - demand.units) / max(limit.units, 1),
               (room.left(MEMORY, server) - demand.memory_mib) / max(limit.memory_mib, 1))


def tightest(room: Ledger, lpar: str, servers: Iterable[str], may: Callable[[str], bool] = lambda server: True
             ) -> str | None:
    """The server of these, that it ``may`` go to and where it fits, with the least room left beside it; None of none.
    What takes long is asked of as few as need be."""
    roomy = sorted((tightness(room, lpar, s), s) for s in servers if room.has_room(lpar, s))
    return next((s for _, s in roomy if may(s) and room.fits(lpar, s)), None)


def packed(site: Site, candidates: Candidates, servers: Sequence[str], *, checked: bool = False,
           others: Callable[[str], Mapping[str, int]] | None = None) -> dict[str, str] | None:
    """A place for every LPAR of ``candidates`` (all of which leave their server), or None when none was found.
    ``others``: where, at which price, those may go that stand on ``servers``, to make room.

    Usage rows and groups that are kept or counted together are not its matter: None where there are any, unless what
    comes out is ``checked``.
    """
    if not checked and (site.usage is not None or any(
            n in candidates.cost for names in site.policies.tied() for n in names)):
        return None
    on = set(servers)
    room = Ledger(site, {n: s for n, s in site.start.items() if s in on})
    wish, refused = _wishes(site, candidates, room)
    where: dict[str, str] = {}

    def places(name: str) -> Mapping[str, int]:
        return candidates.cost[name] if name in candidates.cost or others is None else others(name)

    for n in sorted(candidates.cost, key=lambda n: (-site.share(n, servers[0]), n)):
        chosen = _cheapest(room, n, candidates.cost[n], wish[n], yields=n in refused)
        chosen = chosen or _exchanged(room, where, n, places) or (others and _exchanged(room, where, n, places, site))
        if chosen is None:
            return None
        room.arrive(n, chosen)
        where[n] = chosen
    return {n: s for n, s in where.items() if n in candidates.cost or s != site.start[n]}


def _cheapest(room: Ledger, lpar: str, prices: Mapping[str, int], wish: int, *, yields: bool) -> str | None:
    """The server of the first price, up to the wish, where it fits, most tightly among equals; who ``yields`` leaves
    those below the wish to others, and looks at room alone."""
    best = sorted((prices[s] > wish, yields and prices[s] < wish, 0 if yields else prices[s],
                   tightness(room, lpar, s), s) for s in prices if room.has_room(lpar, s))
    return next((s for *_, s in best if room.fits(lpar, s)), None)


def _wishes(site: Site, candidates: Candidates, room: Ledger) -> tuple[dict[str, int], set[str]]:
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
            budget.setdefault(cheap, [_FILL * sum(room.left(PROCESSORS, s) for s in cheap),
                                      _FILL * sum(room.left(MEMORY, s) for s in cheap)])
    for _, n, cheap in sorted(gains, key=lambda g: (g[0], g[1])):
        demand, left = site.demand(n, min(cheap)), budget[cheap]
        if demand.units <= left[0] and demand.memory_mib <= left[1]:
            left[0] -= demand.units
            left[1] -= demand.memory_mib
        else:
            wish[n] = min((c for s, c in candidates.cost[n].items() if s not in cheap), default=wish[n])
            refused.add(n)
    return wish, refused


def _exchanged(room: Ledger, where: dict[str, str], lpar: str, places: Callable[[str], Mapping[str, int]],
               site: Site | None = None) -> str | None:
    """A server where it fits once one of those placed before, or with ``site`` one that stands there, goes elsewhere;
    that one has gone then. ``places``: where one may go, at which price."""
    for s in sorted(places(lpar), key=lambda s: (places(lpar)[s], s)):
        there = [n for n in site.residents(s) if n not in where] if site else [
            n for n, server in sorted(where.items()) if server == s]
        for m in there:
            room.leave(m, s)
            if room.fits(lpar, s):
                room.arrive(lpar, s)
                other = min((t for t in places(m) if t != s and room.fits(m, t)),
                            key=lambda t: (places(m)[t], t), default=None)
                room.leave(lpar, s)
                if other is not None:
                    room.arrive(m, other)
                    where[m] = other
                    return s
            room.arrive(m, s)
    return None
