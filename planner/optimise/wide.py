"""A component too large for one placement program: overlapping reach, where hundreds of servers hang together.

The master spreads what leaves a server over the servers in reach, LPARs split, which gives a bound and a set. The
linear program of the placement then places all but a few hundred LPARs whole; the rest goes where there is room, and
where there is none a window, the servers in reach of the LPAR, is placed anew as an exact program. A set with more
room is tried when that fails.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from planner.findings import Severity
from planner.optimise.decomposition import Found, Placed
from planner.optimise.master import Choice, Master
from planner.optimise.packing import Room
from planner.optimise.placement import Candidates, PlacementProgram
from planner.optimise.solver import Outcome, relaxed
from planner.rules import Judge, Site

SLACKS = (0.01, 0.016, 0.03, 0.06, 0.1)
"""Shares of the servers' room left free by the set, one after the other until a placement is found."""
_NOWHERE = ""
_SPREAD_GAP = 0.002
_WINDOW_S, _NODES, _WINDOW_GAP, _WIDENINGS = 4.0, 50, 1.0, 4
_CRUMBS = 3
"""Hundredths of a core that each server of a window has to spare at least for it to be tried: less is in crumbs."""
_NOWHERE = ""
_SPREAD_GAP = 0.002
_NODES, _WINDOW_GAP, _WIDENINGS = 10, 1.0, 4
"""A window is searched by nodes, not by the clock, so that the answer does not depend on the machine's speed."""


def take_wide(site: Site, judge: Judge, candidates: Candidates, master: Master, deadline: float) -> Found:
    """A set and a placement with a bound of the measure; the cost is bounded for that set alone."""
    share = max(0.1, (deadline - time.monotonic()) / 6)
    total = master.choose(time.monotonic() + share / 6, cheapest=False)
    if not isinstance(total, Choice):
        return Found(total)
    bound = max(total.measure_bound, master.spread(time.monotonic() + share, 0.0, _SPREAD_GAP, whole=False)[1])
    for slack in SLACKS:
        if time.monotonic() > deadline:
            break
        choice, _ = master.spread(time.monotonic() + share, slack, _SPREAD_GAP)
        if choice is None:
            continue
        placed, used = place_wide(site, judge, candidates, master, choice, deadline)
        if placed.outcome is Outcome.FEASIBLE:
            return Found(Outcome.FEASIBLE, used, placed, min(bound, float(used.measure)), placed.bound_ms)
    return Found(Outcome.UNKNOWN, measure_bound=bound)


def place_wide(site: Site, judge: Judge, candidates: Candidates, master: Master, choice: Choice, deadline: float
               ) -> tuple[Placed, Choice]:
    """A placement on these servers, or on a few more, exact in every rule; or UNKNOWN."""
    on = set(choice.on)
    options = Candidates({n: {s: c for s, c in places.items() if s in on} for n, places in candidates.cost.items()})
    if any(not places for places in options.cost.values()):
        return Placed(Outcome.INFEASIBLE), choice
    model = PlacementProgram(site, options, choice.on, [n for n in options.cost if site.start[n] not in on])
    linear = relaxed(model.program, range(len(model.program.upper)), max(deadline - time.monotonic(), 0.05))
    if linear.bound is None or not linear.values:
        return Placed(Outcome.UNKNOWN), choice
    filling = _Filling(site, candidates, options, choice, master)
    value = {key: linear.values[i] for key, i in model.x.items()}
    if not filling.fill(value, deadline) or not _holds(site, judge, filling.where):
        return Placed(Outcome.UNKNOWN, bound_ms=linear.bound), choice
    moving = {n: s for n, s in sorted(filling.where.items()) if s != site.start[n]}
    cost = sum(options.cost[n][s] for n, s in moving.items())
    more = len(filling.on) > len(choice.on)
    bound = 0.0 if more else min(float(cost), max(0.0, linear.bound))
    return Placed(Outcome.FEASIBLE, moving, cost, bound), master.chosen(filling.on) if more else choice


class _Filling:
    """The placement in the making: every LPAR that may move, by its options on the servers that are on."""

    def __init__(self, site: Site, candidates: Candidates, options: Candidates, choice: Choice,
                 master: Master) -> None:
        self.site, self.candidates, self.options, self.on = site, candidates, options, list(choice.on)
        self.weight = {s: master.scale.fixed[s] for s in choice.off if s not in master.goal.off}
        on = set(choice.on)
        self.room = Room(site, choice.on, {n: s for n, s in site.start.items() if s in on and n not in options.cost})
        self.where: dict[str, str] = {}

    def fill(self, value: Mapping[tuple[str, str], float], deadline: float) -> bool:
        """First who is whole in the linear program, then the others, the largest first, each where most of it was or
        where it fits. Who finds no place gets one by a window, or by one more server; False when not even so."""
        whole = {n for (n, _), v in value.items() if v > 0.999}
        waiting = []
        for n in sorted(self.options.cost, key=lambda n: (n not in whole, -self.size(n), n)):
            fitting = [s for s in self.options.cost[n] if self.room.fits(n, s)]
            best = min(fitting, key=lambda s: (-round(value.get((n, s), 0.0), 2), self.room.left(n, s), s),
                       default=None)
            if best is None:
                waiting.append(n)
            else:
                self._put(n, best)
        return all(self._window(n, deadline) or self._switched_on(n) for n in waiting)

    def _switched_on(self, lpar: str) -> bool:
        """One more server stays on, the lightest in reach, since no window has room for this LPAR."""
        fitting = [s for s in self.candidates.cost[lpar] if s in self.weight]
        server = min(fitting, key=lambda s: (self.weight[s], s), default=None)
        if server is None:
            return False
        del self.weight[server]
        self.on.append(server)
        self.room.open(server)
        for n, places in self.candidates.cost.items():
            if server in places:
                self.options.cost[n][server] = places[server]
        if self.room.fits(lpar, server):
            self._put(lpar, server)
            return True
        return self._switched_on(lpar)

    def size(self, lpar: str) -> float:
        """The larger share of its own server that an LPAR takes."""
        home = self.site.start[lpar]
        demand, limit = self.site.demand(lpar, home), self.site.limit(home)
        return max(demand.units / max(limit.units, 1), demand.memory_mib / max(limit.memory_mib, 1))

    def _put(self, lpar: str, server: str) -> None:
        self.room.add(lpar, server)
        self.where[lpar] = server

    def _window(self, lpar: str, deadline: float) -> bool:
        """Place this LPAR and what is on the servers in its reach anew; then in the reach of those as well."""
        window = set(self.options.cost[lpar])
        if any(self.room.fits(lpar, s) for s in window):
            self._put(lpar, min(s for s in window if self.room.fits(lpar, s)))
            return True
        if time.monotonic() > deadline:
            return False
        if self._anew(lpar, window, deadline, _NODES // 10, residents=False):
            return True
        for _ in range(_WIDENINGS):
            if self._anew(lpar, window, deadline, _NODES, residents=True):
                return True
            window = window | {s for n, here in self.where.items() if here in window for s in self.options.cost[n]}
        return False

    def _anew(self, lpar: str, inside: set[str], deadline: float, nodes: int, *,
              residents: bool) -> bool:
        """A window as a program of its own: what is there now may go anywhere in it; ``residents``: those at home
        too."""
        window, cost = [s for s in self.on if s in inside], {}
        wanted = self.site.demand(lpar, window[0])
        spare = sum(self.room.units[s] for s in window) - wanted.units
        if spare < _CRUMBS * len(window) or sum(self.room.memory[s] for s in window) < wanted.memory_mib:
            return False
        for n in [lpar, *sorted(n for n, s in self.where.items() if s in inside)]:
            here = self.where.get(n)
            places = {s: c for s, c in self.options.cost[n].items() if s in inside}
            cost[n] = places if residents or here != self.site.start[n] else {here: places[here]}
        for n in self.options.cost:  # those at home here who are elsewhere by now, or wait for a place
            if self.site.start[n] in inside and n not in cost:
                cost[n] = {self.where.get(n, _NOWHERE): 0}
        model = PlacementProgram(self.site, Candidates(cost), window, [n for n in cost if self.site.start[n] not in
                                                                       self.room.units])
        found = model.solve(min(deadline, time.monotonic() + _WINDOW_S), _WINDOW_GAP, nodes)
        if not found.found:
            return False
        for n in cost:
            if n in self.where:
                self.room.remove(n, self.where[n])
        for n, s in model.placement(found).items():
            if s != _NOWHERE:
                self._put(n, s)
        return True


def _holds(site: Site, judge: Judge, moved: Mapping[str, str]) -> bool:
    """Whether servers and groups keep every rule with these LPARs moved: asked of the rules themselves."""
    where = {**site.start, **moved}
    holders: dict[str, list[str]] = {}
    for n, s in where.items():
        holders.setdefault(s, []).append(n)
    touched = sorted({*moved.values()})
    found = [f for s in touched for f in (*judge.server(s, holders[s]), *judge.settled(s, holders[s]))]
    found += judge.groups({n: (s,) for n, s in where.items()}, end=True)
    return not any(f.severity is Severity.ERROR for f in found)
