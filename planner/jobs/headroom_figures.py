"""Figures of a headroom plan: what is free, the largest LPAR that fits, peaks by hour, who gets what by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.estate.capacity import hash_page_table_mib
from planner.estate.licence_counts import most_units
from planner.findings import Finding, Severity
from planner.history.calendar import Bucket
from planner.optimise.asked import critical_here, needed_slots
from planner.plan.details import Critical, Fit, Free, HourPeak, Slot
from planner.plan.questions import Headroom
from planner.rules import Site
from planner.rules.shares import contended_shares
from planner.units import show_cores

Where = Mapping[str, str]


def on(where: Where, server: str) -> list[str]:
    return sorted(n for n, s in where.items() if s == server)


def free_on(site: Site, goal: Headroom, server: str, where: Where) -> Free:
    """What is free on a server when the LPARs are there, in the hours in which the headroom is needed; less than
    nothing where it is over its limit."""
    names = on(where, server)
    holding, limit = site.holding(server, names), site.limit(server)
    used = None
    if site.usage is not None:
        used = int((10 * limit.units - site.used.on(server, names))[needed_slots(goal, site)].min()) // 10
    return Free(limit.units - holding.units, used, limit.memory_mib - holding.memory_mib)


def largest_lpar_mib(free_mib: int, lmb_mib: int) -> int:
    """The most memory (whole blocks of ``lmb_mib``) of a new LPAR whose maximum is no more than that.

    Its hash page table comes out of the same memory (maximum memory / 64, rounded up to a power of two).
    """
    block = max(lmb_mib, 1)
    memory = max(free_mib, 0) // block * block
    while memory > 0 and memory + hash_page_table_mib(memory) > free_mib:
        memory -= block
    return memory


def slots(site: Site, goal: Headroom, before: Where, after: Where) -> tuple[Slot, ...]:
    """For each server the largest single LPAR that fits now and after the plan."""
    def fit(server: str, where: Where) -> Fit:
        free = free_on(site, goal, server, where)
        unused = None if free.used_units is None else max(min(free.units, free.used_units), 0)
        memory = largest_lpar_mib(free.memory_mib, site.servers[server].lmb_mib or 0)
        return Fit(max(free.units, 0), unused, memory)

    return tuple(Slot(server, fit(server, before), fit(server, after)) for server in site.servers)


def hours(site: Site, servers: Sequence[str], after: Where) -> tuple[HourPeak, ...]:
    """By server and bucket: the peak of the sum before and after, the sum of the peaks after, the limit."""
    usage, out = site.usage, []
    if usage is None:
        return ()
    for server in dict.fromkeys(servers):
        names = on(after, server)
        before, total = site.used.at_start(server), site.used.on(server, names)
        rows = [site.used.of(n, server) for n in names] + [site.used.of_vios(v) for v in site.vioses_on(server)]
        singles: dict[Bucket, int] = {}
        for row in rows:
            for bucket, slot in usage.worst_by_bucket(row).items():
                singles[bucket] = singles.get(bucket, 0) + int(row[slot])
        first, then = usage.worst_by_bucket(before), usage.worst_by_bucket(total)
        for bucket in sorted(then):
            out.append(HourPeak(server, bucket.kind, bucket.hour, int(before[first[bucket]]), int(total[then[bucket]]),
                                singles[bucket], site.limit(server).units))
    return tuple(out)


def sum_of_peaks(site: Site, goal: Headroom, where: Where) -> int | None:
    """The sum of each partition's own peak on the goal's server (thousandths of a core), in its hours."""
    if site.usage is None:
        return None
    server, inside = goal.server, needed_slots(goal, site)
    rows = [site.used.of(n, server) for n in on(where, server)] + [site.used.of_vios(v) for v in site.vioses_on(server)]
    return sum(int(row[inside].max()) for row in rows)


def critical(site: Site, goal: Headroom, after: Where) -> tuple[Critical, ...]:
    """Each critical LPAR: what it may draw, its peak, and what it gets when every LPAR of the server pulls at once."""
    before = contended_shares(site, goal.server, on(site.start, goal.server))
    then = contended_shares(site, goal.server, on(after, goal.server))
    out = []
    for name in critical_here(goal, site):
        p = site.lpars[name]
        inside = None if site.usage is None else site.used.of(name, goal.server)[needed_slots(goal, site)]
        out.append(Critical(name, entitlement=p.entitlement_units, virtual_processors=p.virtual_processors,
                            weight=p.weight, sharing=p.sharing or p.processors, may_draw=most_units(p),
                            peak=None if inside is None else int(inside.max()), contended_before=before[name],
                            contended_after=then[name]))
    return tuple(out)


def warnings(site: Site, goal: Headroom, after: Where) -> list[Finding]:
    """Headroom that the critical LPARs cannot use as they are: virtual processors, caps, weights."""
    here = critical_here(goal, site)
    if not here or not goal.units:
        return []
    used = _group_peak(site, goal, here)
    draw = sum(most_units(site.lpars[n]) for n in here)
    findings = []
    if draw - used < goal.units:
        findings.append(Finding(
            "headroom.draw", Severity.WARNING, goal.server,
            f"its critical LPARs as they are can draw {show_cores(max(draw - used, 0))} of the "
            f"{show_cores(goal.units)} cores more: their virtual processors and caps end there",
            "add virtual processors, or entitlement where they are capped or dedicated (DLPAR), for the time"))
    share = sum(contended_shares(site, goal.server, on(after, goal.server))[n] for n in here)
    wanted = min(used + goal.units, draw)
    if share < wanted:
        weights = ", ".join(f"{n} {w}" for n in here[:6] if (w := site.lpars[n].weight) is not None)
        findings.append(Finding(
            "headroom.weights", Severity.WARNING, goal.server,
            f"when every LPAR there pulls at once, the critical ones get {show_cores(share)} cores by entitlement and "
            f"weight, {show_cores(wanted - share)} less than their peak and the headroom asked for"
            + (f" (weights: {weights}{' …' if len(here) > 6 else ''})" if weights else ""),
            "raise their weights (up to 255) or their entitlement for the time, or lower those of the others"))
    return findings


def _group_peak(site: Site, goal: Headroom, names: Sequence[str]) -> int:
    """The most that these LPARs used together (hundredths, rounded up); their entitlements where nothing is known."""
    if site.usage is None:
        return sum(site.lpars[n].entitlement_units for n in names)
    total = sum((site.used.of(n, goal.server) for n in names[1:]), site.used.of(names[0], goal.server))
    return -(-int(total[needed_slots(goal, site)].max()) // 10)
