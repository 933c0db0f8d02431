"""What stands by when something fails: where LPARs may go and restart, and which VIOSes may go down alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from planner.findings import Finding, Severity, assumed, errors
from planner.grouping import inverted
from planner.jobs.readiness.figures import LparPlaces, Obstacle, ReadyWord, ServerLost, ViosDown
from planner.optimise.heuristics.packing import tightness
from planner.optimise.measure import scale_of
from planner.optimise.restarts import Restarting
from planner.plan.questions import Consolidate
from planner.remember import remembered
from planner.rules import Judge, Site
from planner.rules.availability import restart_refusals
from planner.rules.ledger import Ledger
from planner.scenarios.vios_down import lost_paths
from planner.units import show_cores, show_gib, some

_MOST_PAIRS = 20_000
"""LPARs times servers of a site up to which a program looks for what was not found by construction."""
_REDUNDANCY = frozenset({"network.redundancy", "storage.redundancy"})


def places_of(site: Site, judge: Judge, lpar: str) -> LparPlaces:
    """Where an LPAR may go, and what the loss of a path has to do with it."""
    here = site.lpars[lpar].server
    near = [s for s in site.servers if s != here and judge.connected(lpar, s)]
    said = {s: judge.move(lpar, here, s) for s in near} if judge.ready(lpar) else {}
    places = tuple(s for s in said if not errors(said[s]))
    single = tuple(s for s in places if any(
        f.rule in _REDUNDANCY and f.severity is Severity.WARNING for f in said[s]))
    closed = tuple(s for s in said if s not in places and {f.rule for f in errors(said[s])} <= _REDUNDANCY)
    taken = assumed(judge.readiness(lpar)) or (places and all(assumed(said[s]) for s in places))
    word = ReadyWord.NO if not places else ReadyWord.IF if taken else ReadyWord.YES
    why = () if places else _obstacles(lpar, judge.answer(lpar).refusals)
    return LparPlaces(lpar, here, word, places, single, closed, why)


def _obstacles(lpar: str, findings: Sequence[Finding]) -> tuple[Obstacle, ...]:
    return tuple(Obstacle(lpar, f.rule, f.message, f.fix) for f in findings)


def vios_down(site: Site, vios: str) -> ViosDown:
    """Whether a VIOS may go down alone."""
    lost = lost_paths(site, vios)
    only = tuple(dict.fromkeys(p.lpar for p in lost if p.only))
    unknown = tuple(dict.fromkeys(p.lpar for p in lost if not p.known and p.lpar not in only))
    word = ReadyWord.NO if only else ReadyWord.IF if unknown else ReadyWord.YES
    return ViosDown(vios, site.vioses[vios].server, word, only, unknown)


class Failover:
    """Where LPARs start anew when a server dies, all others running as they do."""

    def __init__(self, site: Site, judge: Judge) -> None:
        self.site, self.judge = site, judge

    @cached_property
    def _restarting(self) -> Restarting:
        goal = Consolidate()
        return Restarting(self.site, self.targets, list(self.site.servers), goal, scale_of(self.site, goal.measure))

    @cached_property
    def _room(self) -> Ledger:
        return Ledger(self.site, self.site.start)

    @remembered
    def targets(self, lpar: str, failed: str) -> Sequence[str]:
        """The servers on which an LPAR of a server that is lost may start."""
        return [s for s in self.site.servers if s != failed and self.judge.restartable(lpar, failed, s)]

    def lost(self, server: str) -> ServerLost:
        """The answer for one server."""
        names = [n for n in self.site.residents(server) if self.site.lpars[n].active]
        able = [n for n in names if self.targets(n, server)]
        nowhere = tuple(self._nowhere(n, server) for n in names if n not in able)
        there = inverted(self.site.start.items()) | {server: able}
        on = set(self.site.servers) - {server}
        found = self._restarting.built(server, there, on, self._room) if able else {}
        if found is None and not nowhere and len(self.site.start) * len(on) <= _MOST_PAIRS:
            where = {n: s for s, some_of in there.items() for n in some_of}
            found = self._restarting.solved(server, where, on)
        lacks = "" if found is not None else self._lacking(server, able)
        word = (ReadyWord.NO if nowhere or lacks else ReadyWord.UNKNOWN if found is None else ReadyWord.YES)
        places = self._as_many(server, able) if found is None else found
        restarts = {s: tuple(sorted(of)) for s, of in sorted(inverted(places.items()).items())}
        left = tuple(n for n in able if n not in places)
        return ServerLost(server, word, len(names), restarts, nowhere, left, lacks)

    def _as_many(self, server: str, names: Sequence[str]) -> dict[str, str]:
        """Places for as many as are found, the largest first, each where it fits most tightly."""
        room, places = self._room.copy(), {}
        for n in self.site.residents(server):
            room.leave(n, server)
        for n in sorted(names, key=lambda n: (-self.site.share(n, server), n)):
            fitting = [t for t in self.targets(n, server) if room.fits(n, t)]
            if fitting:
                places[n] = min(fitting, key=lambda t: (tightness(room, n, t), t))
                room.arrive(n, places[n])
        return places

    def _nowhere(self, lpar: str, failed: str) -> Obstacle:
        """Why an LPAR has no place to start, of the server that has the fewest reasons."""
        near = [s for s in self.site.servers if s != failed and self.judge.connected(lpar, s)]
        among = near or [s for s in self.site.servers if s != failed]
        least = min(((restart_refusals(self.site, lpar, failed, s), s) for s in among), key=lambda r: len(r[0]),
                    default=([], ""))
        f = least[0][0] if least[0] else None
        return Obstacle(lpar, f.rule if f else "availability.n-plus-1", f"on {least[1]}: {f.message}" if f else
                        "there is no other server", f.fix if f else "")

    def _lacking(self, server: str, names: Sequence[str]) -> str:
        """What all servers on which they may start lack together for them; "" where sums lack nothing."""
        on = sorted({s for n in names for s in self.targets(n, server)})
        sizes = [[self.site.held(n, s) for s in self.targets(n, server)] for n in names]
        units = sum(min(d.units for d in of) for of in sizes) - sum(max(0, self._room.free(s)[0]) for s in on)
        mib = sum(min(d.memory_mib for d in of) for of in sizes) - sum(max(0, self._room.free(s)[1]) for s in on)
        lacks = [f"{show_cores(units)} cores"] * (units > 0) + [f"{show_gib(mib)} GiB"] * (mib > 0)
        return f"{some(on, 4)} lack {' and '.join(lacks)} for them together" if lacks else ""
