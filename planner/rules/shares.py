"""Who gets what when every LPAR of a server pulls at once: entitlements, then spare cycles by uncapped weight."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from planner.estate.model import Lpar
from planner.rules.site import Site

DEFAULT_WEIGHT = 128


def most_units(lpar: Lpar) -> int:
    """The most that an LPAR can draw, hundredths of a core: uncapped its virtual processors, else its entitlement."""
    if lpar.processors == "dedicated" or lpar.sharing == "capped":
        return lpar.entitlement_units
    return max(lpar.entitlement_units, 100 * lpar.virtual_processors)


def contended_shares(site: Site, server: str, lpars: Iterable[str]) -> dict[str, int]:
    """Hundredths of a core (rounded down) that each LPAR gets on a server when all of them pull at once.

    Each has its entitlement; what nobody is entitled to goes to the uncapped ones in proportion to their weights, up
    to their virtual processors and the maximum of their pool (what one cannot take, the others share). Sources: HMC
    V7R340 help (weights 0 to 255, default 128, ratio of spare cycles); REDP-4798 p. 136 (maximum pool capacity).
    """
    names = sorted(lpars)
    share = {n: Fraction(site.demand(n, server).units) for n in names}
    spare = Fraction(site.servers[server].configurable_units
                     - sum(v.entitlement_units for v in site.vioses_on(server))) - sum(share.values())
    growing = {n: weight for n in names
               if (weight := _weight(site.lpars[n])) and most_units(site.lpars[n]) > share[n]}
    pools = {p: Fraction(k.max_units) for p, k in site.pools.get(server, {}).items() if k.max_units is not None}
    pool_of = {n: site.pool_on(n, server) for n in names}
    while growing and spare > 0:
        held = {p: sum((share[n] for n in names if pool_of[n] == p), Fraction(0)) for p in pools}
        step = min([spare / sum(growing.values()),
                    *((most_units(site.lpars[n]) - share[n]) / w for n, w in growing.items()),
                    *((pools[p] - held[p]) / sum(w for n, w in growing.items() if pool_of[n] == p)
                      for p in pools if any(pool_of[n] == p for n in growing))])
        step = max(step, Fraction(0))
        for n, w in growing.items():
            share[n] += step * w
        spare -= step * sum(growing.values())
        held = {p: sum((share[n] for n in names if pool_of[n] == p), Fraction(0)) for p in pools}
        growing = {n: w for n, w in growing.items() if share[n] < most_units(site.lpars[n])
                   and (pool_of[n] not in pools or held[pool_of[n] or 0] < pools[pool_of[n] or 0])}
    return {n: int(share[n]) for n in names}


def _weight(lpar: Lpar) -> int:
    """Its uncapped weight; 0 for an LPAR that cannot draw spare cycles. Unknown sharing counts as uncapped."""
    if lpar.processors == "dedicated" or lpar.sharing == "capped":
        return 0
    return DEFAULT_WEIGHT if lpar.weight is None else lpar.weight
