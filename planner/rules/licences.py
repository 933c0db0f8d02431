"""How far a plan may spread licences."""

from __future__ import annotations

from planner.estate.licence_counts import ceiling_count
from planner.estate.licences import LicenceCeiling
from planner.rules.site import Site


def ceiling_allows(site: Site, ceiling: LicenceCeiling) -> tuple[int | None, int | None]:
    """The most (servers, licence cores) there may be: as stated, or as there were at the start or before the plan began
    if that is more; None: no limit."""
    servers, cores = zip(*(ceiling_count(site, ceiling, {n: (s,) for n, s in where.items()})
                           for where in (site.start, {**site.start, **site.home})), strict=True)
    return (None if ceiling.most_servers is None else max(ceiling.most_servers, *servers),
            None if ceiling.most_cores is None else max(ceiling.most_cores, *cores))
