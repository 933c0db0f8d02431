"""Rules on failure: what runs on a server that fails must be able to run elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache

from planner.findings import Finding, errors
from planner.grouping import grouped, inverted
from planner.rules.base import REGISTRY, Breach, Hold, On, Rule, Scope, of_scope, rule
from planner.rules.site import Site

Restart = Mapping[str, Mapping[str, str]]
"""Server that fails → LPAR that ran there → server on which it restarts."""

@cache
def _on_failover() -> tuple[Rule, ...]:
    return tuple(r for r in of_scope(Scope.LPAR, Scope.MOVE) if On.FAILOVER in r.binds)


def restart_refusals(site: Site, lpar: str, source: str, target: str) -> list[Finding]:
    """Why an LPAR that ran on ``source`` cannot be started on ``target`` when ``source`` is lost."""
    return [f for rule in _on_failover() for f in errors(rule.findings(
        lpar, site, lpar, *(() if rule.scope is Scope.LPAR else (source, target))))]


@rule("availability.n-plus-1", "Where N+1 is asked for, any one server that stays on may fail: its LPARs restart on "
      "the others that stay on, which see their networks and storage and carry them, kept apart as they must be.",
      Scope.RESTART, hold=Hold.END, encoding="restart variables for each failing server and its rows; large estates: "
      "rows on the room that is left, then a restart placement for each failing server",
      source="Ganeti htools manual (N+1 memory redundancy)")
def n_plus_1(site: Site, where: Mapping[str, str], off: Collection[str], restart: Restart) -> Iterator[Breach]:
    residents = inverted(sorted(where.items()))
    known = {(f.subject, f.message) for f in _apart(site, where)}
    for server, names in sorted(residents.items()):
        if server in off:
            continue
        places = restart.get(server, {})
        yield from _places(site, off, server, names, places)
        arriving = grouped((places[name], name) for name in names
                           if places.get(name, server) != server and places[name] in site.servers)
        findings = [f for target, more in sorted(arriving.items())
                    for f in _overfull(site, target, [*residents.get(target, ()), *more])]
        moved = {n: t for t, more in arriving.items() for n in more}
        after = {n: s for n, s in where.items() if s != server} | moved
        findings += [f for f in _apart(site, after) if (f.subject, f.message) not in known]
        for f in findings:
            yield Breach(f"when {server} fails: {f.message}", f.fix, subject=f.subject)


def _places(site: Site, off: Collection[str], failed: str, names: Collection[str],
            places: Mapping[str, str]) -> Iterator[Breach]:
    fix = "keep one more server on (--keep), or plan again"
    for name in names:
        target = places.get(name)
        if target is None or target not in site.servers or target == failed or target in off:
            yield Breach(f"has no place to restart when {failed} fails", fix, subject=name)
        else:
            for f in restart_refusals(site, name, failed, target):
                yield Breach(f"cannot restart on {target} when {failed} fails: {f.message}", f.fix or fix, subject=name)


def _overfull(site: Site, server: str, holders: Collection[str]) -> list[Finding]:
    return [f for r in of_scope(Scope.SERVER) for f in errors(r.findings(server, site, server, holders))]


def _apart(site: Site, where: Mapping[str, str]) -> list[Finding]:
    held = {n: (s,) for n, s in where.items()}
    of_groups = dict.fromkeys(rule for rule, _ in site.policies.kept_apart())
    return [f for name in of_groups for f in REGISTRY[name].findings("", site, held)]
