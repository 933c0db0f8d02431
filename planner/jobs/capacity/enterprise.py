"""The enterprise pools of a month: what is metered above their base."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.estate.licences import EnterprisePool
from planner.estate.model import Lpar, Vios
from planner.jobs.capacity.figures import EnterpriseFigures
from planner.jobs.capacity.month_series import MonthSeries
from planner.optimise.metering import counted_whole, metered
from planner.rules import Site


def enterprise_figures(site: Site, pool: EnterprisePool, now: MonthSeries, members: Sequence[str]) -> EnterpriseFigures:
    """What ``members``, all that runs on the servers of a pool, use together slot by slot, less its base."""
    used = np.zeros(len(now.days), dtype=np.int64)
    for name in members:
        row: Lpar | Vios = site.lpars.get(name) or site.vioses[name]
        whole = counted_whole(row) if isinstance(row, Lpar) else row.sharing == "dedicated"
        used += row.entitlement_units * 10 if whole else now.series(name)
    above, minutes = metered(used, pool.base_cores), now.profiles.grid.step_s / 60
    month, end = above[now.in_month], above[now.in_end]
    return EnterpriseFigures(
        name=pool.name, servers=pool.servers, base_cores=pool.base_cores,
        installed_units=sum(site.servers[s].configurable_units for s in pool.servers),
        core_minutes=int(month.sum()) * minutes / 1000, minutes_above=int((month > 0).sum()) * minutes,
        month_end_core_minutes=int(end.sum()) * minutes / 1000, peak=int(used[now.in_month].max(initial=0)),
        month_end_peak=int(used[now.in_end].max(initial=0)), hours=len(month) * minutes / 60)
