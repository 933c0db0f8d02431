"""What the enterprise pools of an estate meter before a plan and after it: the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.estate.licences import EnterprisePool
from planner.optimise.metering import metered, pool_use
from planner.plan.choices import OUT
from planner.plan.details import PoolMeter
from planner.plan.plan import Plan
from planner.plan.questions import Whatif
from planner.rules import Site

if TYPE_CHECKING:
    from planner.optimise.metering import Series


def pool_meters(site: Site, plan: Plan) -> Iterator[PoolMeter]:
    """Of each enterprise pool what is metered in the slots that count, before and after the way out; nothing without a
    history, nor of a scenario, whose LPARs are resized."""
    if site.usage is None or isinstance(plan.goal, Whatif) or not len(site.usage.starts):
        return
    after = {**site.start, **{m.lpar: m.target for m in plan.leg(OUT)}}
    for pool in site.policies.enterprise_pools:
        before, then = (pool_use(site, pool, where) for where in (site.start, after))
        minutes = site.usage.step_s / 60
        yield PoolMeter(
            pool.name, pool.servers, pool.base_cores, hours=round(len(site.usage.starts) * minutes / 60, 3),
            core_minutes_before=_minutes(before, pool, minutes), core_minutes_after=_minutes(then, pool, minutes),
            peak_before=int(before.max()), peak_after=int(then.max()))


def _minutes(used: Series, pool: EnterprisePool, minutes: float) -> float:
    return round(int(metered(used, pool.base_cores).sum()) * minutes / 1000, 3)


def enterprise_assumptions(plan: Plan) -> tuple[str, ...]:
    """What the metering takes for granted."""
    if not plan.enterprise_pools:
        return ()
    return ("Enterprise pools (2.0): cores used by all of a pool above its base, in the slots that count, dedicated "
            "processors that are not donated as used all the time. Slots are averages of five minutes or more where "
            "IBM meters minutes: at least so much. Memory is not metered here; what a core-minute costs is not known.",)
