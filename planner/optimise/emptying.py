"""A first consolidation by construction: servers are emptied one after the other as long as the others have room.

It is fast, exact in every rule, and proves nothing. Nobody goes to a server that somebody leaves, so its moves have an
order.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.findings import errors
from planner.grouping import inverted
from planner.optimise.heuristics.packing import tightness
from planner.optimise.large.components import Component
from planner.optimise.measure import Scale
from planner.optimise.placement import Candidates
from planner.plan.questions import Consolidate
from planner.rules import Judge
from planner.rules.ledger import Ledger
from planner.stopwatch import now

_PASSES = 3
"""How often a server that could not be emptied is tried again."""


class Emptying:
    """The placement in the making of one component: ``where`` of all its LPARs."""

    def __init__(self, judge: Judge, part: Component, candidates: Candidates, goal: Consolidate, scale: Scale) -> None:
        self.site, self.judge, self.part, self.goal, self.scale = judge.site, judge, part, goal, scale
        self.cost = candidates.cost
        self.where = {n: self.site.start[n] for n in part.lpars}
        self.there = inverted(self.where.items(), part.servers)
        self.room = Ledger(self.site, self.where)
        self.tied = {n for g in self.site.policies.together for n in g.members}
        self.left: set[str] = set()
        """Servers that are empty, and take nobody in."""

    def run(self, deadline: float) -> dict[str, str] | None:
        """LPAR → server of those that move; None where what must go off could not be emptied, or a rule that looks at
        groups refuses the whole."""
        self.left = {s for s in self.part.servers if not self.there[s] and s not in self.goal.keep}
        asked = [s for s in self.part.servers if s in self.goal.off]
        self.left |= {*asked}
        if not all(self.empty(s, asked=True) for s in asked if self.there[s]):
            return None
        for _ in range(_PASSES):
            before = len(self.left)
            for s in self.worth():
                if now() > deadline:
                    break
                self.empty(s)
            if len(self.left) == before:
                break
        if errors(self.judge.groups({n: (s,) for n, s in (self.site.start | self.where).items()}, end=True)):
            return None
        return {n: s for n, s in sorted(self.where.items()) if s != self.site.start[n]}

    def worth(self) -> list[str]:
        """Servers that may be emptied, those first that save most for what is to be moved."""
        open_to = [s for s in self.part.servers if s not in self.left and s not in self.goal.keep
                   and all(n in self.cost and n not in self.tied for n in self.there[s])]
        volume = {s: sum(self.site.share(n, s) for n in self.there[s]) for s in open_to}
        return sorted(open_to, key=lambda s: (-self.scale.fixed[s] / (volume[s] + 0.05), s))

    def empty(self, server: str, *, asked: bool = False) -> bool:
        """Place all that is on a server on others; nothing is changed where that fails, or saves nothing."""
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
        for n, target in reversed(gone) if not kept else ():
            self.room.move(n, target, server)
        if kept:
            self.left.add(server)
            self.there[server] = []
            for n, target in gone:
                self.where[n] = target
                self.there[target].append(n)
        return kept

    def target(self, lpar: str, server: str) -> str | None:
        """Where it fits most tightly, of servers that stay on."""
        places = [t for t in self.cost.get(lpar, ()) if t != server and t not in self.left]
        spare = {t: tightness(self.room, lpar, t) for t in places}
        by_spare = sorted((t for t, left in spare.items() if left >= 0), key=lambda t: (spare[t], t))
        return next((t for t in by_spare if self.room.fits(lpar, t)), None)

    def holds(self, server: str, lpars: Sequence[str]) -> bool:
        """Whether every rule, usage included, lets a server carry these."""
        pools = (None, *sorted(self.site.pools.get(server, {}))) if self.site.usage is not None else ()
        return not errors((*self.judge.server(server, lpars), *self.judge.settled(server, lpars))) and not any(
            self.site.used.worst(server, lpars, pool) for pool in pools)
