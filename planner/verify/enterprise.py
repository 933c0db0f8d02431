"""What an enterprise pool meters, summed again slot by slot from the rows of history and estate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from planner.estate.licences import EnterprisePool
from planner.grouping import grouped
from planner.plan.choices import OUT
from planner.plan.plan import Plan
from planner.plan.questions import Whatif
from planner.rules import Site
from planner.verify.base import Claim, near
from planner.verify.used import used_there


def meter_claims(plan: Plan, site: Site) -> Iterator[Claim]:
    """Every pool, and what it meters before and after; without the history of the plan nothing is said."""
    if plan.goal.usage and site.usage is None:
        return
    told = [] if site.usage is None or isinstance(plan.goal, Whatif) else site.policies.enterprise_pools
    yield Claim("enterprise pools, their servers and base cores",
                [(m.pool, m.servers, m.base_cores) for m in plan.enterprise_pools],
                [(p.name, p.servers, p.base_cores) for p in told])
    after = site.start | {m.lpar: m.target for m in plan.moves if m.leg == OUT}
    for said, pool in zip(plan.enterprise_pools, told, strict=False):
        (before, peak), (then, highest) = _metered(site, pool, site.start), _metered(site, pool, after)
        yield near("hours of slots", said.hours, _hours(site), 0.001, pool.name)
        yield near("core-minutes metered before", said.core_minutes_before, before, 0.002, pool.name)
        yield near("core-minutes metered after", said.core_minutes_after, then, 0.002, pool.name)
        yield Claim("most cores used before and after", (said.peak_before / 1000, said.peak_after / 1000),
                    (peak / 1000, highest / 1000), pool.name)


def metered_in(site: Site, where: Mapping[str, str]) -> float:
    """Core-minutes that the pools meter in a placement in which anybody stands in them, or stood there before."""
    places = {*where.values(), *(site.start[n] for n in where)}
    return sum(_metered(site, p, where)[0] for p in site.policies.enterprise_pools if places & {*p.servers})


def _hours(site: Site) -> float:
    return 0.0 if site.usage is None else len(site.usage.starts) * site.usage.step_s / 3600


def _metered(site: Site, pool: EnterprisePool, where: Mapping[str, str]) -> tuple[float, int]:
    """(core-minutes above the base, the most used together in thousandths)."""
    usage = site.usage
    if usage is None:
        return 0.0, 0
    rows = grouped((s, site.lpars[n]) for n, s in where.items())
    shared = {s: [replace(p, processors="shared") if p.sharing == "donating" and p.name in usage.measured else p
                  for p in rows.get(s, ())] for s in pool.servers}
    total = sum((used_there(site, usage, s, names) for s, names in shared.items()), usage.starts * 0)
    return sum(max(0, int(x) - 1000 * pool.base_cores) for x in total) * usage.step_s / 60_000, int(total.max())
