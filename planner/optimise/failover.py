"""Where what runs on a server starts anew when that server dies, all others running as they do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from planner.grouping import inverted
from planner.optimise.heuristics.packing import tightest
from planner.optimise.measure import scale_of
from planner.optimise.restarts import Restarting
from planner.plan.questions import Consolidate
from planner.remember import remembered
from planner.rules import Judge, Site
from planner.rules.ledger import Ledger
from planner.units import show_cores, show_gib, some

_MOST_PAIRS = 20_000
"""LPARs times servers of a site up to which a program looks for what was not found by construction."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """LPAR → server in ``places``; ``nowhere``: those that no server may start; ``left``: those of the others that
    found no room; ``lacks``: what is missing for them, where sums prove that they cannot all be placed."""

    places: Mapping[str, str]
    nowhere: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    lacks: str = ""


class _AsTheyRun(Restarting):
    """All other servers as they are: rules are asked of those with room, one after the other."""

    def __init__(self, failover: Failover) -> None:
        site, goal = failover.site, Consolidate()
        super().__init__(site, failover.targets, list(site.servers), goal, scale_of(site, goal.measure))
        self.may = failover.may

    def place(self, lpar: str, failed: str, on: Collection[str], room: Ledger) -> str | None:
        return tightest(room, lpar, on, lambda t: self.may(lpar, failed, t))


class Failover:
    """Where LPARs start anew when a server dies, all others running as they do."""

    def __init__(self, site: Site, judge: Judge) -> None:
        self.site, self.judge = site, judge

    @cached_property
    def _restarting(self) -> Restarting:
        return _AsTheyRun(self)

    @cached_property
    def _room(self) -> Ledger:
        return Ledger(self.site, self.site.start)

    def may(self, lpar: str, failed: str, server: str) -> bool:
        """Whether an LPAR of a server that is lost may start on a server."""
        return server != failed and self.judge.restartable(lpar, failed, server)

    @remembered
    def targets(self, lpar: str, failed: str) -> Sequence[str]:
        """The servers on which an LPAR of a server that is lost may start."""
        return [s for s in self.site.servers if self.may(lpar, failed, s)]

    def of(self, server: str) -> Restarts:
        """What becomes of the LPARs of a server that dies."""
        names = [n for n in self.site.residents(server) if self.site.lpars[n].active]
        able = [n for n in names if any(self.may(n, server, s) for s in self.site.servers)]
        nowhere = tuple(n for n in names if n not in able)
        there = inverted(self.site.start.items()) | {server: able}
        on = set(self.site.servers) - {server}
        found = self._restarting.built(server, there, on, self._room) if able else {}
        if found is None and not nowhere and len(self.site.start) * len(on) <= _MOST_PAIRS:
            found = self._restarting.solved(server, self.site.start, on)
        if found is not None:
            return Restarts(found, nowhere)
        places = self._as_many(server, able)
        return Restarts(places, nowhere, tuple(n for n in able if n not in places), self._lacking(server, able))

    def _as_many(self, server: str, names: Sequence[str]) -> dict[str, str]:
        """Places for as many as are found, the largest first, each where it fits most tightly."""
        room, places = self._room.copy(), {}
        for n in self.site.residents(server):
            room.leave(n, server)
        for n in sorted(names, key=lambda n: (-self.site.share(n, server), n)):
            best = tightest(room, n, self.targets(n, server))
            if best is not None:
                places[n] = best
                room.arrive(n, best)
        return places

    def _lacking(self, server: str, names: Sequence[str]) -> str:
        """What all servers on which they may start lack together for them; "" where sums lack nothing."""
        on = sorted({s for n in names for s in self.targets(n, server)})
        sizes = [[self.site.held(n, s) for s in self.targets(n, server)] for n in names]
        units = sum(min(d.units for d in of) for of in sizes) - sum(max(0, self._room.free(s)[0]) for s in on)
        mib = sum(min(d.memory_mib for d in of) for of in sizes) - sum(max(0, self._room.free(s)[1]) for s in on)
        lacks = [f"{show_cores(units)} cores"] * (units > 0) + [f"{show_gib(mib)} GiB"] * (mib > 0)
        return f"{some(on, 4)} lack{'s' * (len(on) == 1)} {' and '.join(lacks)} for them together" if lacks else ""
