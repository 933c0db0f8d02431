"""An order for small sites in which each virtual adapter has its VIOS: parking moves also where only the exact virtual
port or slot is in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import ne

from planner.reach import Spot
from planner.remember import remembered
from planner.rules import Judge, Site
from planner.rules.ledger import Ledger
from planner.schedule.fibre import room_on
from planner.schedule.order import Step, best_first, may_park

SMALL = 300
"""LPARs times servers of a small site at most."""
_WORK, _ASKED, _MADE, _EACH = 300_000, 15_000, 2_500_000, 20
"""States times LPARs times servers; moves of which the ledger is asked, once for all states with the same places; and
LPARs of the states that are made, each state counting as so many more: they bound a search by work, not by the clock,
to half a second or so."""

State = tuple[tuple[str, ...], tuple[int, ...]]
"""The server of each LPAR, and the number of what it takes there among what it may take."""


def small(site: Site) -> bool:
    """Whether a site is so small that its answers can be searched for whatever the clock says."""
    return len(site.start) * len(site.servers) <= SMALL


def exact_order(site: Site, judge: Judge, final: Mapping[str, str], unmoved: Collection[str] = ()) -> list[Step] | None:
    """An order, one move after the other, that takes every LPAR from where it is at the start to ``final`` and in which
    every adapter finds a VIOS with a free virtual port and slot; None when none was found, which proves nothing.

    Everybody who may be moved may be parked on any server. Tried with the movers alone, then with all.
    """
    movers = [n for n in sorted(final) if final[n] != site.start[n]]
    ready = may_park(judge, site.start, movers, unmoved)
    for others in ([], ready) if ready else ([],):
        pool = [*movers, *others]
        search = _Exact(site, judge, pool, final)
        steps = best_first(search.origin, search.left, search.following, _WORK // max(1, len(pool) * len(site.servers)))
        if steps is not None:
            return steps
    return None


class _Exact:
    """What may happen next while all but the ``pool`` stay where they are."""

    def __init__(self, site: Site, judge: Judge, pool: Sequence[str], final: Mapping[str, str]) -> None:
        self.site, self.judge, self.pool = site, judge, pool
        self.asked = self.made = 0
        self.origin: State = tuple(site.start[n] for n in pool), (0,) * len(pool)
        self.goal = tuple(final.get(n, site.start[n]) for n in pool)
        inside = set(pool)
        others = {n: s for n, s in site.start.items() if n not in inside}
        self.fixed = Ledger(site, others)
        self.room = Counter({spot: n for s in site.servers for spot, n in room_on(site, s).items()})
        for n, s in others.items():
            self.room.subtract(self._use(n, s, 0))
        self.least = {spot: min(0, n) for spot, n in self._free(self.origin).items()}

    def _use(self, lpar: str, server: str, number: int) -> Mapping[Spot, int]:
        """What it takes there of what is counted."""
        return self._uses(lpar, server)[number]

    @remembered
    def _uses(self, lpar: str, server: str) -> Sequence[Mapping[Spot, int]]:
        """What it may take there of what is counted; where it was at the start, what it had."""
        uses = ({spot: n for spot, n in use.items() if spot in self.room}
                for use in self.site.reach.port_uses(lpar, server))
        return list({tuple(sorted(use.items())): use for use in uses}.values())

    def _free(self, state: State) -> Counter[Spot]:
        free = self.room.copy()
        for name, server, number in zip(self.pool, *state, strict=True):
            for spot, n in self._use(name, server, number).items():
                free[spot] -= n
        return free

    def left(self, state: State) -> int:
        """How many are not yet where they shall be."""
        return sum(map(ne, state[0], self.goal))

    @remembered
    def _fitting(self, places: tuple[str, ...]) -> Sequence[tuple[int, str]]:
        """The moves that are allowed and fit, ports and slots counted as if each could still choose."""
        self.asked += len(self.pool) * len(self.site.servers)
        if self.asked > _ASKED:
            return []
        ledger = self.fixed.copy()
        for name, server in zip(self.pool, places, strict=True):
            ledger.arrive(name, server)
        return [(i, target) for i, (name, here) in enumerate(zip(self.pool, places, strict=True))
                for target in self.site.servers
                if target != here and self.judge.allowed(name, here, target) and ledger.fits(name, target)]

    def following(self, state: State) -> Iterator[tuple[Step, State]]:
        """The moves that are possible, each with every choice of what it takes."""
        places, numbers = state
        free = self._free(state)
        for i, target in self._fitting(places) if self.made < _MADE else ():
            name = self.pool[i]
            after = (*places[:i], target, *places[i + 1:])
            for number, use in enumerate(self._uses(name, target)):
                if all(free[spot] - n >= self.least[spot] for spot, n in use.items()):
                    self.made += len(self.pool) + _EACH
                    yield Step(name, places[i], target), (after, (*numbers[:i], number, *numbers[i + 1:]))
