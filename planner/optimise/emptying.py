"""A first consolidation by construction: servers are emptied one after the other as long as the others have room.

It is fast, exact in every rule, and proves nothing. Nobody goes to a server that somebody leaves, so its moves have an
order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from typing import NamedTuple

from planner.findings import errors
from planner.grouping import inverted
from planner.optimise.heuristics.packing import tightness
from planner.optimise.large.components import Component
from planner.optimise.measure import Scale
from planner.optimise.placement import Candidates
from planner.optimise.restarts import Restarting
from planner.plan.questions import Consolidate
from planner.rules import Judge
from planner.rules.ledger import Ledger
from planner.stopwatch import now

_PASSES = 3
"""How often a server that could not be emptied is tried again."""


class Manner(NamedTuple):
    """What decides: ``full``, how much less a server is worth emptying by what it carries; ``cheap``, how much of its
    room a place may waste that costs as much less as a typical one costs."""

    full: float
    cheap: float


MANNERS = (Manner(0, 0.05), Manner(3, 0.05), Manner(0, 0), Manner(3, 0.2))


def emptied(judge: Judge, part: Component, candidates: Candidates, goal: Consolidate, scale: Scale, deadline: float,
            restarting: Restarting | None = None) -> Emptying | None:
    """The lightest placement of a component, of those as light the cheapest, of as many ways as there is time for. None
    where what must go off could not be emptied; with ``restarting``, for N+1, where failures are not stood."""
    best: Emptying | None = None
    begun = Emptying(judge, part, candidates, goal, scale, restarting)
    for way in MANNERS:
        emptying = begun.in_the_manner(way)
        if emptying.run(deadline) and (best is None or emptying.weight < best.weight):
            best = emptying
        if now() > deadline:
            break
    return best


class Emptying:
    """The placement in the making of one component: ``where`` of all its LPARs."""

    def __init__(self, judge: Judge, part: Component, candidates: Candidates, goal: Consolidate, scale: Scale,
                 restarting: Restarting | None = None) -> None:
        self.site, self.judge, self.part, self.goal, self.scale = judge.site, judge, part, goal, scale
        self.cost, self.way = candidates.cost, MANNERS[0]
        paid = sorted(c for places in self.cost.values() for c in places.values() if c)
        self.typical = paid[len(paid) // 2] if paid else 1
        self.lmbs = [*{self.site.servers[s].lmb_mib: s for s in part.servers}.values()]
        """A server for each size of logical memory blocks: what an LPAR holds differs by that alone."""
        self.mean = max(sum(scale.fixed[s] for s in part.servers) / len(part.servers), 1.0)
        self.where = {n: self.site.start[n] for n in part.lpars}
        self.there = inverted(self.where.items(), part.servers)
        self.room = Ledger(self.site, self.where)
        self.tied = {n for g in self.site.policies.together for n in g.members}
        self.left: set[str] = set()
        """Servers that are empty, and take nobody in."""
        self.restarting = restarting
        self.restart: dict[str, dict[str, str]] = {}
        """Failed server → LPAR → where it restarts, where that is asked for."""

    def in_the_manner(self, way: Manner) -> Emptying:
        """Another one that begins where this one stands."""
        other = copy(self)
        other.way, other.where, other.room = way, dict(self.where), self.room.copy()
        other.there = {s: [*names] for s, names in self.there.items()}
        other.left, other.restart = {*self.left}, dict(self.restart)
        return other

    @property
    def moved(self) -> dict[str, str]:
        """LPAR → server of those that move."""
        return {n: s for n, s in sorted(self.where.items()) if s != self.site.start[n]}

    @property
    def on(self) -> tuple[str, ...]:
        """The servers that stay on."""
        return tuple(s for s in self.part.servers if s not in self.left)

    def run(self, deadline: float) -> bool:
        """Whether what must go off could be emptied, and no rule that looks at groups refuses the whole."""
        restarting, self.restarting = self.restarting, None
        empty = () if restarting else (s for s in self.part.servers if not self.there[s] and s not in self.goal.keep)
        self.left = {*empty}
        asked = [s for s in self.part.servers if s in self.goal.off]
        self.left |= {*asked}
        if not all(self.empty(s, asked=True) for s in asked if self.there[s]):
            return False
        self.restarting = restarting
        if not self.stands(self.part.servers):
            return False
        for _ in range(_PASSES):
            before = len(self.left)
            for s in self.worth():
                if now() > deadline:
                    break
                self.empty(s)
            if len(self.left) == before:
                break
        return not errors(self.judge.groups({n: (s,) for n, s in (self.site.start | self.where).items()}, end=True))

    @property
    def weight(self) -> tuple[int, int]:
        """What the placement weighs beyond the LPARs' least, and what its moves cost."""
        return self.scale.beyond(self.on, self.where), sum(self.cost[n][s] for n, s in self.moved.items())

    def worth(self) -> list[str]:
        """Servers that may be emptied, those first that weigh most for their size and, by the way, carry little."""
        open_to = [s for s in self.part.servers if s not in self.left and s not in self.goal.keep
                   and all(n in self.cost and n not in self.tied for n in self.there[s])]
        volume = {s: sum(self.site.share(n, s) for n in self.there[s]) for s in open_to}
        weight = {s: self.scale.fixed[s] / max(self.site.limit(s).units, 1) for s in open_to}
        return sorted(open_to, key=lambda s: (-weight[s] / (1 + self.way.full * volume[s]), s))

    def empty(self, server: str, *, asked: bool = False) -> bool:
        """Place all that is on a server on others; nothing is changed where that fails, or saves nothing."""
        if self.cramped(server):
            return False
        names = sorted(self.there[server], key=lambda n: (-self.site.share(n, server), n))
        gone: list[tuple[str, str]] = []
        gain = self.scale.fixed[server]
        for n in names:
            target = self.target(n, server)
            if target is None:
                break
            gain -= self.scale.excess(n, target) - self.scale.excess(n, server)
            self.room.move(n, server, target)
            gone.append((n, target))
        touched = inverted(gone)
        kept = len(gone) == len(names) and (asked or gain > 0) and all(
            self.holds(t, [*self.there[t], *more]) for t, more in sorted(touched.items()))
        if kept:
            self.put(server, gone)
            if self.stands([server, *touched]):
                return True
            self.take_back(server, gone)
        for n, target in reversed(gone):
            self.room.move(n, target, server)
        return False

    def cramped(self, server: str) -> bool:
        """Whether the cores or the memory of all others together are too few for what is on a server, which no way of
        placing it can change."""
        free = [self.room.free(t) for t in self.on if t != server]
        least = [[self.site.held(n, t) for t in self.lmbs] for n in self.there[server]]
        return (sum(max(units, 0) for units, _ in free) < sum(min(d.units for d in on) for on in least)
                or sum(max(mib, 0) for _, mib in free) < sum(min(d.memory_mib for d in on) for on in least))

    def put(self, server: str, gone: Sequence[tuple[str, str]]) -> None:
        """A server is left, and all that was there is elsewhere."""
        self.left.add(server)
        self.there[server] = []
        for n, target in gone:
            self.where[n] = target
            self.there[target].append(n)

    def take_back(self, server: str, gone: Sequence[tuple[str, str]]) -> None:
        """All that was there is there again."""
        self.left.discard(server)
        for n, target in gone:
            self.where[n] = server
            self.there[server].append(n)
            self.there[target].remove(n)

    def stands(self, touched: Collection[str]) -> bool:
        """Whether every failure is stood that these servers, on which something changed, have to do with."""
        if self.restarting is None:
            return True
        on, near, new = {*self.on}, {*touched}, {}
        for s in self.on:
            if self.there[s] and (s in near or near & {*self.restart.get(s, {}).values()}):
                found = self.restarting.built(s, self.there, on, self.room)
                if found is None:
                    return False
                new[s] = found
        self.restart |= new
        for s in self.left:
            self.restart.pop(s, None)
        return True

    def target(self, lpar: str, server: str) -> str | None:
        """Where it fits most tightly, weighs least and costs least, of servers that stay on."""
        prices, loss = self.cost.get(lpar, {}), {}
        for t, price in prices.items():
            if (t != server and t not in self.left and self.room.has_room(lpar, t)
                    and (spare := tightness(self.room, lpar, t)) >= 0):
                loss[t] = spare + self.way.cheap * price / self.typical + self.scale.excess(lpar, t) / self.mean
        return next((t for t in sorted(loss, key=lambda t: (loss[t], t)) if self.room.fits(lpar, t)), None)

    def holds(self, server: str, lpars: Sequence[str]) -> bool:
        """Whether every rule, usage included, lets a server carry these."""
        pools = (None, *sorted(self.site.pools.get(server, {}))) if self.site.usage is not None else ()
        return not errors((*self.judge.server(server, lpars), *self.judge.settled(server, lpars))) and not any(
            self.site.used.worst(server, lpars, pool) for pool in pools)
