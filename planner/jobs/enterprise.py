"""What a Power Enterprise Pool 2.0 meters: the cores that all of its servers use together above its base.

IBM meters minute by minute, on averages of a minute; a history has slots of five minutes or more, whose averages hide
what is above the base for less: at least so much is metered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from planner.estate.licences import EnterprisePool
from planner.estate.model import Lpar
from planner.grouping import inverted
from planner.plan.choices import OUT
from planner.plan.details import PoolMeter
from planner.plan.plan import Plan
from planner.plan.questions import Whatif
from planner.rules import Site

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    import numpy as np
    from numpy.typing import NDArray

    Series = NDArray[np.int64]


def metered(used: Series, base_cores: int) -> Series:
    """Thousandths of a core above the base, slot by slot."""
    above: Series = (used - 1000 * base_cores).clip(min=0)
    return above


def counted_whole(lpar: Lpar) -> bool:
    """Whether its dedicated processors are metered as used all the time: it gives none of them away."""
    return lpar.processors == "dedicated" and lpar.sharing != "donating"


def pool_meters(site: Site, plan: Plan) -> Iterator[PoolMeter]:
    """Of each enterprise pool what is metered in the slots that count, before and after the way out; nothing without a
    history, nor of a scenario, whose LPARs are resized."""
    if site.usage is None or isinstance(plan.goal, Whatif) or not len(site.usage.starts):
        return
    after = {**site.start, **{m.lpar: m.target for m in plan.leg(OUT)}}
    for pool in site.policies.enterprise_pools:
        before, then = (_used(site, pool, where) for where in (site.start, after))
        minutes = site.usage.step_s / 60
        yield PoolMeter(
            pool.name, pool.servers, pool.base_cores, hours=round(len(site.usage.starts) * minutes / 60, 3),
            core_minutes_before=_minutes(before, pool, minutes), core_minutes_after=_minutes(then, pool, minutes),
            peak_before=int(before.max()), peak_after=int(then.max()))


def _minutes(used: Series, pool: EnterprisePool, minutes: float) -> float:
    return round(int(metered(used, pool.base_cores).sum()) * minutes / 1000, 3)


def _used(site: Site, pool: EnterprisePool, where: Mapping[str, str]) -> Series:
    """What all servers of a pool use; what donates its dedicated processors as measured."""
    there = inverted(where.items(), site.servers)
    total: Series = site.used.none.copy()
    for server in pool.servers:
        total += site.used.on(server, there[server])
        for n in there[server]:
            p = site.lpars[n]
            if p.active and p.processors == "dedicated" and not counted_whole(p) and n in site.used.usage:
                ratio = site.used.ratio(n, server)
                used = -(-site.used.usage.of(n).astype("int64") * ratio.numerator // ratio.denominator)
                total += used - site.demand(n, server).units * 10
    return total


def enterprise_assumptions(plan: Plan) -> tuple[str, ...]:
    """What the metering takes for granted."""
    if not plan.enterprise_pools:
        return ()
    return ("Enterprise pools (2.0): cores used by all of a pool above its base, in the slots that count, dedicated "
            "processors that are not donated as used all the time. Slots are averages of five minutes or more where "
            "IBM meters minutes: at least so much. Memory is not metered here; what a core-minute costs is not known.",)
