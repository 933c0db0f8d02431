"""The evidence of licences: what each product counts on each server before and after the way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from planner.estate.licence_counts import licence_cores
from planner.estate.model import Lpar
from planner.findings import Finding, Severity
from planner.grouping import grouped, inverted
from planner.plan.choices import BACK, OUT
from planner.plan.details import LicenceCount
from planner.plan.plan import Plan
from planner.plan.questions import Whatif
from planner.rules import Site
from planner.units import UNITS_PER_CORE, some


def licence_counts(site: Site, plan: Plan) -> Iterator[LicenceCount]:
    """Product by product, server by server; nothing of a scenario, which changes what is counted."""
    if isinstance(plan.goal, Whatif):
        return
    then = {**site.start, **{m.lpar: m.target for m in plan.leg(OUT)}}
    for product, one in site.policies.licensed.items():
        if not one.by_core:
            continue
        runs = sorted(n for n in one.lpars & site.start.keys() if site.lpars[n].active)
        before, after = (inverted((n, where[n]) for n in runs) for where in (site.start, then))
        for server in (s for s in site.servers if s in before or s in after):
            here, there = tuple(before.get(server, ())), tuple(after.get(server, ()))
            yield LicenceCount(
                product, server, one.counting.value, one.stated, one.source, lpars_before=here, lpars_after=there,
                cores_before=licence_cores(site, one, server, here), per_core=one.per_core, unit=one.unit,
                cores_after=licence_cores(site, one, server, there),
                server_cores=-(-site.servers[server].configurable_units // UNITS_PER_CORE))


def licence_totals(site: Site, where: Mapping[str, str], rows: Mapping[str, Lpar] = MappingProxyType({})
                   ) -> dict[str, int]:
    """Product → its licence cores over all servers when LPARs stand like that, as these ``rows`` where they are not as
    they are today."""
    return {product: sum(licence_cores(site, one, s, names, rows) for s, names in inverted(
        (n, where[n]) for n in sorted(one.lpars & where.keys())).items())
            for product, one in site.policies.licensed.items() if one.by_core}


def licences_rise(before: Mapping[str, int], after: Mapping[str, int], when: str) -> Iterator[Finding]:
    """One finding of all products that count more licence cores than before (product → cores over all servers)."""
    more = {x: (before.get(x, 0), cores) for x, cores in sorted(after.items()) if cores > before.get(x, 0)}
    if more:
        rises = some((f"{x} {first} → {then}" for x, (first, then) in more.items()), 8)
        yield Finding("licences.more", Severity.WARNING, some(more), f"{when}: more licence cores: {rises}",
                      "weigh what they cost, bound them with the policy licensed-servers, or consolidate with "
                      "--minimise licences")


def plan_licences_rise(plan: Plan) -> Iterator[Finding]:
    """The same of what a plan counts before and after its way out."""
    rows = grouped((r.product, r) for r in plan.licences)
    return licences_rise({x: sum(r.cores_before for r in of) for x, of in rows.items()},
                         {x: sum(r.cores_after for r in of) for x, of in rows.items()},
                         "after the way out" if plan.leg(BACK) else "after this plan")


def licence_assumptions(site: Site, plan: Plan) -> tuple[str, ...]:
    """What the counts take for granted."""
    if not plan.licences:
        return ()
    assumed = sorted({f"{r.product} {r.counting}" for r in plan.licences if not r.stated})
    out = ["Licence cores: of activated LPARs, per product and server, rounded up once; cores, no money. A licence "
           "that is counted at its highest over a period counts the larger of before and after."]
    if assumed:
        out.append(f"How products are counted, where no policy licence says so: {some(assumed, 6)} (docs/licences.md).")
    if any(r.product.casefold().startswith("oracle") for r in plan.licences) and plan.moves:
        out.append("Oracle's partitioning policy does not accept Live Partition Mobility as hard partitioning: where "
                   "your contract follows it, all cores of every source and target of such a move count (column Cores "
                   "of the server). Look it up.")
    silent = sorted(p for p, one in site.policies.licensed.items() if not one.by_core)
    if silent:
        out.append(f"Not counted by the core: {some(silent, 6)}.")
    return tuple(out)
