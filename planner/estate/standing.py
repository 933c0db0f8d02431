"""Policies that do not hold where LPARs stand, today or after a plan, that contradict each other, or that cannot be
applied: told, and nobody is kept from planning but by the last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from planner.estate.assemble import Loaded
from planner.estate.capacity import Demand, held_by_servers, lpar_demand
from planner.estate.licence_counts import Pools, ceiling_count
from planner.estate.model import Estate, Server
from planner.estate.policies import Contradiction, PolicySet, compile_policies
from planner.findings import Finding, Severity, ordered
from planner.grouping import grouped
from planner.units import some


def broken_policies(estate: Estate, policies: PolicySet, where: Mapping[str, str], when: str) -> Iterator[Finding]:
    """What policies say against a placement (active LPAR → server); ``when``: how its time is called."""
    for rule, subject, message, fix in (
            *_away(estate, where), *_places(policies, where), *_groups(estate, policies, where),
            *_fills(estate, policies, where), *_licences(estate, policies, where)):
        yield Finding(rule, Severity.WARNING, subject, f"{when}: {message}", fix)


def near_full(estate: Estate, policies: PolicySet, where: Mapping[str, str], taking: Mapping[str, int | None], when: str
              ) -> Iterator[Finding]:
    """One finding of all servers that a placement makes nearly full, of those that take somebody in and for which no
    policy states its own threshold: more than ``NEAR_FULL`` per cent held, or of the cores used at the month-end peak,
    or no room for one LPAR more of the median size of those there. ``taking``: server → its month-end peak then,
    thousandths of a core, None where nothing was measured."""
    servers = {s.name: s for s in estate.servers if s.name in taking}
    held, sizes = _held_by(estate, servers, {n: s for n, s in where.items() if s in servers})
    told: dict[str, list[str]] = {}
    for name, s in servers.items():
        for what, most, warnings, field in (
                ("cores", s.configurable_units, policies.cpu_warning, "units"),
                ("memory", s.configurable_memory_mib, policies.memory_warning, "memory_mib")):
            used, there = getattr(held[name], field), sorted(getattr(d, field) for d in sizes.get(name, ()))
            if not most or name in warnings or not there:
                continue
            share = f"{what} {100 * used / most:.1f} %"
            if 100 * used > NEAR_FULL * most:
                told.setdefault(name, []).append(share)
            elif len(there) >= _FEW and getattr(policies.limit(s), field) - used < there[len(there) // 2]:
                told.setdefault(name, []).append(f"{share}: no room for one LPAR more of the median size there")
        peak, all_cores = taking[name] or 0, s.configurable_units
        if name not in policies.cpu_warning and 10 * peak > NEAR_FULL * all_cores > 0:
            told.setdefault(name, []).append(f"measured peak {10 * peak / all_cores:.1f} % of the cores")
    if told:
        full = some((f"{name}: {', '.join(words)}" for name, words in told.items()), 6)
        yield Finding("estate.near-full", Severity.WARNING, some(told), f"{when}: nearly full: {full}",
                      "leave more room (reserve-cores, reserve-memory), or state other thresholds (cpu-warning, "
                      "memory-warning)")


def _held_by(estate: Estate, servers: Mapping[str, Server], there: Mapping[str, str]
             ) -> tuple[dict[str, Demand], dict[str, list[Demand]]]:
    """Server → what it holds in all, and each of the LPARs there."""
    return held_by_servers(estate, there), grouped(
        (there[p.name], lpar_demand(p, servers[there[p.name]])) for p in estate.lpars if p.name in there)


def broken_if_kept(loaded: Loaded, where: Mapping[str, str], when: str) -> Iterator[Finding]:
    """The same of the policies that a policy file lifts: who states them in the estate means them to hold again."""
    if not loaded.lifted:
        return
    own, _ = compile_policies(loaded.estate.replace(policies=loaded.lifted))
    for f in broken_policies(loaded.estate, own, where, when):
        if f.rule != _AWAY:
            yield replace(f, message=f"{f.message}; the estate states this policy, which is lifted for this plan",
                          fix="plan with --return, or see to it afterwards; set Active to no if it is void")


def broken_today(estate: Estate, policies: PolicySet) -> Iterator[Finding]:
    """The same of where the active LPARs stand in the estate."""
    return broken_policies(estate, policies, {p.name: p.server for p in estate.lpars if p.active}, "today")


_AWAY = "estate.away"
_CONTRADICTION = "policy.contradiction"
NEAR_FULL = 95
"""Per cent of a server's cores or memory, held or used, above which it is told that it is nearly full."""
_FEW = 3
"""LPARs of a server from which on they have a median size."""
Told = Iterator[tuple[str, str, str, str]]


def _away(estate: Estate, where: Mapping[str, str]) -> Told:
    for p in estate.lpars:
        if p.home and where.get(p.name, p.home) != p.home:
            yield (_AWAY, p.name, f"its home is {p.home} and it stands on {where[p.name]}",
                   "evacuate with --return brings it home, or correct Home in sheet LPARs")


def _places(policies: PolicySet, where: Mapping[str, str]) -> Told:
    for rule, word, allowed in (("policy.pin", "pinned", policies.pins), ("policy.fence", "fenced", policies.fences),
                                ("policy.soft-pin", "softly pinned", policies.soft_pins)):
        for name, servers in sorted(allowed.items()):
            if servers and name in where and where[name] not in servers:
                more = ": it is not at home" if rule == "policy.soft-pin" else ""
                yield (rule, name, f"is {word} to {', '.join(sorted(servers))} and stands on {where[name]}{more}",
                       "bring it there, or correct the policy: plan with --return, which brings it home" if more else
                       "move it there, or correct the policy")


def _groups(estate: Estate, policies: PolicySet, where: Mapping[str, str]) -> Told:
    idle = {p.name: p.server for p in estate.lpars if p.name not in where}
    for rule, group in policies.kept_apart():
        for server, names in sorted(grouped((where[n], n) for n in group.members if n in where).items()):
            for a, b in combinations(names, 2):
                yield rule, a, f"{a} and {b} are kept apart ({group.name}) but share {server}", "move one of them"
    for group in policies.together:
        places = sorted({at[n] for n in group.members for at in (where, idle) if n in at})
        if len(places) > 1 and any(n in where for n in group.members):
            behind = [n for n in group.members if n in idle]
            yield ("policy.keep-together", group.members[0], f"{', '.join(group.members)} are kept together "
                   f"({group.name}) but stand on {', '.join(places)}" + (
                       f"; not activated: {', '.join(behind)}" if behind else ""), "move them to one server")


def _fills(estate: Estate, policies: PolicySet, where: Mapping[str, str]) -> Told:
    """Servers above a ceiling, into a reserve, or above a threshold that warns."""
    limits = (policies.cpu_ceiling, policies.memory_ceiling, policies.reserve_units, policies.reserve_mib,
              policies.cpu_warning, policies.memory_warning)
    stated = {name for limit in limits for name in limit}
    held = held_by_servers(estate, where) if stated else {}
    for s in (s for s in estate.servers if s.name in stated):
        allowed, taken = policies.limit(s), held[s.name]
        for what, kind, most, used, at_most, ceilings, reserves, warnings in (
                ("cpu", "cores are", s.configurable_units, taken.units, allowed.units, policies.cpu_ceiling,
                 policies.reserve_units, policies.cpu_warning),
                ("memory", "memory is", s.configurable_memory_mib, taken.memory_mib, allowed.memory_mib,
                 policies.memory_ceiling, policies.reserve_mib, policies.memory_warning)):
            full = f"its {kind} {100 * used / max(most, 1):.1f} % held"
            if most and used > at_most and (s.name in ceilings or s.name in reserves):
                rule = "processor.capacity" if what == "cpu" else "memory.capacity"
                yield (rule, s.name, f"{full}, above what its policies allow ({100 * at_most / most:.1f} %)",
                       "free some of it, or correct the policy")
            if most and s.name in warnings and 100 * used > warnings[s.name] * most:
                yield (f"policy.{what}-warning", s.name, f"{full}, above the threshold of {warnings[s.name]} %",
                       "free some of it before it is full")


def _licences(estate: Estate, policies: PolicySet, where: Mapping[str, str]) -> Told:
    """Products on servers on which they are not licensed, on more servers than may be, or with more licence cores."""
    if not policies.licence_ceilings:
        return
    pools = Pools(estate, policies)
    for c in policies.licence_ceilings:
        there = {n: (s,) for n, s in where.items() if n in c.lpars and s in pools.servers and pools.lpars[n].active}
        held = ceiling_count(pools, c, there)
        for used, most, what in zip(held, (c.most_servers, c.most_cores), ("servers", "licence cores"), strict=True):
            if most is not None and used > most:
                yield ("policy.licence-count", c.name, f"takes {used} {what} of {most} allowed",
                       "move it closer together, or correct the policy licensed-servers")
        stray = grouped((s, n) for n, (s,) in sorted(there.items()) if c.servers is not None and s not in c.servers)
        if stray:
            places = some((f"{s} ({some(names, 4)})" for s, names in sorted(stray.items())), 4)
            yield ("policy.licensed-servers", c.name, f"runs where it is not licensed: {places}",
                   "move it to where it is licensed, or correct the policy")


def policy_findings(loaded: Loaded, told: Collection[str] = ()) -> Iterable[Finding]:
    """An error for every active policy row that cannot be applied, a warning for two that contradict each other and for
    what is broken today: a policy is never dropped in silence, save where what it names stands in a row that is
    refused (``told``). With a number that nothing can have no sum is made."""
    policies, refused = compile_policies(loaded.estate)
    sums = not any(f.rule == "input.bad-value" and f.severity is Severity.ERROR for f in loaded.findings)
    return ordered((*(broken_today(loaded.estate, policies) if sums else ()),
                    *(_contradicted(loaded, one) for one in policies.contradictions), *(
        Finding("input.bad-policy", Severity.ERROR, policy.kind,
                f"policy {policy.kind} ({policy.subject or '-'} / {policy.value or '-'}): {reason}",
                "correct the row or set Active to no",
                loaded.source("policies", (policy.kind, policy.subject, policy.value), "kind"))
        for policy, reason, unmatched in refused if unmatched not in told)))


def contradictions(findings: Iterable[Finding]) -> list[Finding]:
    """Those that tell of two policies that contradict each other."""
    return [f for f in findings if f.rule == _CONTRADICTION]


def _contradicted(loaded: Loaded, one: Contradiction) -> Finding:
    sources = [loaded.source("policies", (p.kind, p.subject, p.value), "kind") for p in one.rows]
    rows = [f"{p.kind} ({p.subject or '-'} / {p.value or '-'})" + (f" at {at}" if at else "")
            for p, at in zip(one.rows, sources, strict=True)]
    return Finding(_CONTRADICTION, Severity.WARNING, ", ".join(one.names),
                   f"two policies contradict each other: {rows[0]} and {rows[1]}: {one.applied}",
                   "correct one of the rows or set its Active to no", sources[1])
