"""What a Power Enterprise Pool 2.0 meters: the cores that all of its servers use together above its base.

IBM meters minute by minute, on averages of a minute; a history has slots of five minutes or more, whose averages hide
what is above the base for less: at least so much is metered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from planner.estate.licences import EnterprisePool
from planner.estate.model import Lpar
from planner.grouping import inverted
from planner.rules import Site

if TYPE_CHECKING:  # start-up: numpy is for questions of usage alone
    import numpy as np
    from numpy.typing import NDArray

    Series = NDArray[np.int64]

_MILLI_MINUTE_S = 60_000
"""Thousandths of a core for a second that are a core-minute."""


def metered(used: Series, base_cores: int) -> Series:
    """Thousandths of a core above the base, slot by slot."""
    above: Series = (used - 1000 * base_cores).clip(min=0)
    return above


def counted_whole(lpar: Lpar) -> bool:
    """Whether its dedicated processors are metered as used all the time: it gives none of them away."""
    return lpar.processors == "dedicated" and lpar.sharing != "donating"


def metered_of(site: Site, lpar: str, server: str) -> Series:
    """What of an LPAR's use is metered on a server; what donates its dedicated processors as measured."""
    p = site.lpars[lpar]
    if not p.active or p.processors != "dedicated" or counted_whole(p) or lpar not in site.used.usage:
        return site.used.of(lpar, server)
    ratio = site.used.ratio(lpar, server)
    used: Series = -(-site.used.usage.of(lpar).astype("int64") * ratio.numerator // ratio.denominator)
    return used


def pool_use(site: Site, pool: EnterprisePool, where: Mapping[str, str]) -> Series:
    """What all servers of a pool use together when LPARs stand like that."""
    there = inverted(where.items(), site.servers)
    return sum((metered_of(site, n, s) for s in pool.servers for n in there[s]), fixed_use(site, pool))


def fixed_use(site: Site, pool: EnterprisePool) -> Series:
    """What the VIOSes of its servers use."""
    return sum((site.used.on(s, ()) for s in pool.servers), site.used.none)


def meter_scale(site: Site) -> tuple[int, int]:
    """What a thousandth of a core for a slot weighs, and how many such weights are a core-minute."""
    step_s = site.used.usage.step_s
    common = math.gcd(step_s, _MILLI_MINUTE_S)
    return step_s // common, _MILLI_MINUTE_S // common


def peopled(site: Site, where: Mapping[str, str]) -> Iterator[EnterprisePool]:
    """The pools in which LPARs of a placement stand, or stood at the start: what the others meter nobody changes."""
    servers = {*where.values(), *(site.start[n] for n in where)}
    return (pool for pool in site.policies.enterprise_pools if servers & {*pool.servers})


def metered_weight(site: Site, where: Mapping[str, str]) -> int:
    """What all pools meter in a placement, in weights."""
    weight, _ = meter_scale(site)
    return weight * sum(int(metered(pool_use(site, pool, where), pool.base_cores).sum())
                        for pool in peopled(site, where))
