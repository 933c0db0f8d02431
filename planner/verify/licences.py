"""Licence cores, counted again from the rows of the estate."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import ceil

from planner.estate.licences import LicenceCeiling, Licensed
from planner.findings import Finding
from planner.grouping import inverted
from planner.plan.choices import OUT
from planner.plan.details import LicenceCount
from planner.plan.plan import Plan
from planner.plan.questions import Whatif
from planner.rules import Site
from planner.verify.base import Claim, broken


def cores_counted(site: Site, one: Licensed, server: str, names: Collection[str]) -> int:
    """Whole cores of a product on a server: dedicated ones as they are, those of each shared pool up to its maximum."""
    row = site.servers[server]
    here = [p for n in names if n in one.lpars and (p := site.lpars[n]).active]
    if not here or one.counting == "not-by-core":
        return 0
    if one.counting == "full-capacity":
        return ceil(row.configurable_units / 100)
    own, shared = 0.0, dict[int | None, float]()
    most = {n: k.max_units for n, k in site.pools.get(server, {}).items() if k.max_units is not None}
    for p in here:
        pool = site.pool_on(p.name, server)
        limit = most.get(pool, row.configurable_units) if pool is not None else row.configurable_units
        if p.processors == "dedicated":
            own += p.entitlement_units
        elif p.sharing == "capped":
            shared[pool] = min(limit, shared.get(pool, 0) + p.entitlement_units)
        elif one.counting == "capped-only":
            shared[pool] = limit
        else:
            shared[pool] = min(limit, shared.get(pool, 0) + max(p.entitlement_units, 100 * p.virtual_processors))
    return ceil(min(row.configurable_units, own + sum(shared.values())) / 100)


def licence_measure(site: Site, where: Mapping[str, str]) -> tuple[float, str]:
    """What all products count in a placement, in the one unit that is stated of all, else in cores; and the unit."""
    products = [one for one in site.policies.licensed.values() if one.counting != "not-by-core"]
    units = {one.unit for one in products}
    valued = len(units) == 1 and units != {"cores"}
    there = inverted(where.items())
    total = sum((one.per_core if valued else 1) * cores_counted(site, one, s, names)
                for one in products for s, names in there.items())
    return float(total), units.pop() if valued else "licence cores"


def licences_over(site: Site, where: Mapping[str, str]) -> Iterator[Finding]:
    """What stands on more servers, or counts more cores, than a policy says and than there were."""
    for c in site.policies.licence_ceilings:
        then, *before = (_spread(site, c, places) for places in (where, site.start, {**site.start, **site.home}))
        for n, (most, what) in enumerate(((c.most_servers, "servers"), (c.most_cores, "licence cores"))):
            if most is not None and then[n] > max(most, *(count[n] for count in before)):
                yield broken("plan.licences", c.name, f"takes {then[n]} {what} in the end, {most} are allowed")


def _spread(site: Site, c: LicenceCeiling, where: Mapping[str, str]) -> tuple[int, int]:
    on = inverted((n, s) for n, s in where.items() if n in c.lpars)
    cores = sum(cores_counted(site, one, s, names) for one in c.licensed for s, names in on.items())
    return sum(any(site.lpars[n].active for n in names) for names in on.values()), cores


def licence_claims(plan: Plan, site: Site) -> Iterator[Claim]:
    """Every row of the evidence, and that none is missing."""
    worked = [] if isinstance(plan.goal, Whatif) else [
        row for product, one in site.policies.licensed.items() for row in _rows(plan, site, product, one)]
    yield Claim("licence cores", plan.licences, tuple(worked))


def _rows(plan: Plan, site: Site, product: str, one: Licensed) -> Iterator[LicenceCount]:
    moved: Mapping[str, str] = {m.lpar: m.target for m in plan.moves if m.leg == OUT}
    runs = [p for p in site.estate.lpars if p.name in one.lpars and p.active] if one.counting != "not-by-core" else []
    first = inverted((p.name, p.server) for p in runs)
    then = inverted((p.name, moved.get(p.name, p.server)) for p in runs)
    for s in site.estate.servers:
        before, after = tuple(first.get(s.name, ())), tuple(then.get(s.name, ()))
        if before or after:
            yield LicenceCount(
                product, s.name, one.counting.value, one.stated, one.source, lpars_before=before, lpars_after=after,
                cores_before=cores_counted(site, one, s.name, before), per_core=one.per_core, unit=one.unit,
                cores_after=cores_counted(site, one, s.name, after), server_cores=ceil(s.configurable_units / 100))
