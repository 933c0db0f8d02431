"""What stands by when something fails: where LPARs may go and restart, and which VIOSes may go down alone."""

from __future__ import annotations

from collections.abc import Sequence

from planner.findings import Finding, Severity, assumed, errors
from planner.grouping import inverted
from planner.jobs.readiness.figures import LparPlaces, Obstacle, ReadyWord, ServerLost, ViosDown
from planner.optimise.failover import Failover
from planner.rules import Judge, Site
from planner.scenarios.vios_down import lost_paths

_REDUNDANCY = frozenset({"network.redundancy", "storage.redundancy"})


def places_of(site: Site, judge: Judge, lpar: str) -> LparPlaces:
    """Where an LPAR may go, and what the loss of a path has to do with it."""
    here = site.lpars[lpar].server
    near = [s for s in site.servers if s != here and judge.connected(lpar, s)]
    said = {s: judge.move(lpar, here, s) for s in near} if judge.ready(lpar) else {}
    places = tuple(s for s in said if not errors(said[s]))
    single = tuple(s for s in places if _paths_lost(said[s], Severity.WARNING))
    closed = tuple(s for s in said if s not in places and len(errors(said[s])) == _paths_lost(said[s], Severity.ERROR))
    taken = assumed(judge.readiness(lpar)) or (places and all(assumed(said[s]) for s in places))
    word = ReadyWord.NO if not places else ReadyWord.IF if taken else ReadyWord.YES
    why = () if places else _obstacles(lpar, judge.answer(lpar).refusals)
    return LparPlaces(lpar, here, word, places, single, closed, why)


def _paths_lost(said: Sequence[Finding], severity: Severity) -> int:
    """How many findings of this severity are of paths that would be lost."""
    return sum(f.rule in _REDUNDANCY and f.severity is severity for f in said)


def _obstacles(lpar: str, findings: Sequence[Finding]) -> tuple[Obstacle, ...]:
    return tuple(Obstacle(lpar, f.rule, f.message, f.fix) for f in findings)


def vios_down(site: Site, vios: str) -> ViosDown:
    """Whether a VIOS may go down alone."""
    lost = lost_paths(site, vios)
    only = tuple(dict.fromkeys(p.lpar for p in lost if p.only))
    unknown = tuple(dict.fromkeys(p.lpar for p in lost if not p.known and p.lpar not in only))
    word = ReadyWord.NO if only else ReadyWord.IF if unknown else ReadyWord.YES
    return ViosDown(vios, site.vioses[vios].server, word, only, unknown)


def server_lost(site: Site, judge: Judge, failover: Failover, server: str) -> ServerLost:
    """Whether a server may die."""
    found = failover.of(server)
    nowhere = tuple(_nowhere(site, judge, n, server) for n in found.nowhere)
    word = ReadyWord.NO if nowhere or found.lacks else ReadyWord.UNKNOWN if found.left else ReadyWord.YES
    restarts = {s: tuple(sorted(of)) for s, of in sorted(inverted(found.places.items()).items())}
    lpars = len(found.places) + len(nowhere) + len(found.left)
    return ServerLost(server, word, lpars, restarts, nowhere, found.left, found.lacks)


def _nowhere(site: Site, judge: Judge, lpar: str, failed: str) -> Obstacle:
    """Why an LPAR has no place to start, of the server that has the fewest reasons."""
    near = [s for s in site.servers if s != failed and judge.connected(lpar, s)]
    among = near or [s for s in site.servers if s != failed]
    server, why = judge.fewest(lpar, among, lambda s: judge.restart_refusals(lpar, failed, s))
    if not why:
        return Obstacle(lpar, "availability.n-plus-1", "there is no other server")
    return Obstacle(lpar, why[0].rule, f"on {server}: {why[0].message}", why[0].fix)
