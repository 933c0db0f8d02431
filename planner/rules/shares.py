"""Who gets what when every LPAR of a server pulls at once: entitlements, then spare cycles by uncapped weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from planner.estate.licence_counts import most_units
from planner.estate.model import Lpar, Vios
from planner.rules.site import Site

DEFAULT_WEIGHT, MOST_WEIGHT = 128, 255


@dataclass(frozen=True, slots=True)
class _Claim:
    """One partition in the contest, hundredths of a core: what it has, what it can have at most, weight and pool."""

    entitled: int
    most: int
    weight: int
    pool: int | None


def contended_shares(site: Site, server: str, lpars: Iterable[str]) -> dict[str, int]:
    """Hundredths of a core (rounded down) that each LPAR gets on a server when all of them pull at once.

    Each has its entitlement; what nobody is entitled to goes to the uncapped ones in proportion to their weights, up
    to their virtual processors and the maximum of their pool (what one cannot take, the others share). VIOSes pull
    too, uncapped ones with the highest weight, which is usual for them and the careful side. Sources: HMC V7R340 help
    (weights 0 to 255, default 128, ratio of spare cycles); REDP-4798 p. 136 (maximum pool capacity).
    """
    claims = {n: _Claim(site.demand(n, server).units, most_units(site.lpars[n]), _weight(site.lpars[n]),
                        site.pool_on(n, server)) for n in sorted(lpars)}
    every = claims | {f"\0{v.name}": _vios_claim(v) for v in site.vioses_on(server)}
    pools = {p: Fraction(k.max_units) for p, k in site.pools.get(server, {}).items() if k.max_units is not None}
    share = _filled(every, pools, Fraction(site.servers[server].configurable_units))
    return {n: int(share[n]) for n in claims}


def _vios_claim(vios: Vios) -> _Claim:
    most = vios.entitlement_units
    if vios.sharing not in ("capped", "dedicated") and vios.virtual_processors:
        most = max(most, 100 * vios.virtual_processors)
    return _Claim(vios.entitlement_units, most, MOST_WEIGHT if most > vios.entitlement_units else 0, None)


def _filled(claims: Mapping[str, _Claim], pools: Mapping[int, Fraction], whole: Fraction) -> dict[str, Fraction]:
    """Everybody's share: all grow by their weights until somebody or a pool is full, then the others go on."""
    share = {n: Fraction(c.entitled) for n, c in claims.items()}
    spare = whole - sum(share.values())
    while spare > 0:
        left = {p: most - sum((share[n] for n, c in claims.items() if c.pool == p), Fraction(0))
                for p, most in pools.items()}
        growing = {n: c for n, c in claims.items()
                   if c.weight and share[n] < c.most and (c.pool is None or left.get(c.pool, 1) > 0)}
        if not growing:
            break
        weight = sum(c.weight for c in growing.values())
        step = min(spare / weight, _step(growing, share, left))
        for n, c in growing.items():
            share[n] += step * c.weight
        spare -= step * weight
    return share


def _step(growing: Mapping[str, _Claim], share: Mapping[str, Fraction], left: Mapping[int, Fraction]) -> Fraction:
    """How far all can grow, for each unit of weight, until somebody or a pool is full."""
    by_pool = {p: sum(c.weight for c in growing.values() if c.pool == p) for p in left}
    return min((*((c.most - share[n]) / c.weight for n, c in growing.items()),
                *(left[p] / weight for p, weight in by_pool.items() if weight)))


def _weight(lpar: Lpar) -> int:
    """Its uncapped weight; 0 for an LPAR that cannot draw spare cycles. Unknown sharing counts as uncapped."""
    if lpar.processors == "dedicated" or lpar.sharing == "capped":
        return 0
    return DEFAULT_WEIGHT if lpar.weight is None else lpar.weight
