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
from planner.optimise.solver import Outcome, Relaxed, relaxed
from planner.rules import Judge, Site

SLACKS = (0.006, 0.008, 0.012, 0.016, 0.03, 0.06, 0.1)
"""Shares of the servers' room left free by the set, one after the other until a placement is found."""
_LARGE = (0.1,)
_DIVE_S = 5.0
_SPREAD_GAP = 0.002
_WINDOW_S, _WINDOW_GAP = 2.5, 1.0


def take_wide(site: Site, judge: Judge, candidates: Candidates, master: Master, deadline: float) -> Found:
    """A set and a placement with a bound of the measure; the cost is bounded for that set alone."""
    started = time.monotonic()
    share = max(0.1, (deadline - started) / 10)
    total = master.choose(started + share / 5, cheapest=False)
    if not isinstance(total, Choice):
        return Found(total)
    _, bound = master.spread(time.monotonic() + share, 0.0, _SPREAD_GAP, shifting=True)
    bound = max(bound, total.measure_bound)
    for slack in SLACKS:
        if time.monotonic() > deadline:
            break
        choice, _ = master.spread(time.monotonic() + share, slack, _SPREAD_GAP, shifting=False)
        if choice is None:
            continue
        placed = place_wide(site, judge, candidates, choice, deadline)
        if placed.outcome is Outcome.FEASIBLE:
            return Found(Outcome.FEASIBLE, choice, placed, min(bound, float(choice.measure)), placed.bound_ms)
    return Found(Outcome.UNKNOWN, measure_bound=bound)


def place_wide(site: Site, judge: Judge, candidates: Candidates, choice: Choice, deadline: float) -> Placed:
    """A placement of what leaves the other servers, exact in every rule, or UNKNOWN."""
    on = set(choice.on)
    leaving = Candidates({n: {s: c for s, c in places.items() if s in on}
                          for n, places in candidates.cost.items() if site.start[n] not in on})
    if any(not places for places in leaving.cost.values()):
        return Placed(Outcome.INFEASIBLE)
    model = PlacementProgram(site, leaving, choice.on, leaving.cost)
    linear = relaxed(model.program, range(len(model.program.upper)), max(deadline - time.monotonic(), 0.05))
    if linear.bound is None or not linear.values:
        return Placed(Outcome.UNKNOWN)
    filling = _Filling(site, candidates, leaving, choice)
    value = _dive(model, linear, filling, deadline)
    if not filling.fill(value, deadline) or not _holds(site, judge, filling.where):
        return Placed(Outcome.UNKNOWN, bound_ms=linear.bound)
    moving = {n: s for n, s in sorted(filling.where.items()) if s != site.start[n]}
    cost = sum(candidates.cost[n][s] for n, s in moving.items())
    stayed = all(site.start[n] not in on for n in moving)
    return Placed(Outcome.FEASIBLE, moving, cost, min(float(cost), max(0.0, linear.bound)) if stayed else 0.0)


def _dive(model: PlacementProgram, linear: Relaxed, filling: _Filling, deadline: float
          ) -> dict[tuple[str, str], float]:
    """Values in which only small LPARs are split: the large ones are placed whole by a mixed program, size by size."""
    value = linear.values
    upper = list(model.program.upper)
    for least in _LARGE:
        small = {i for (n, _), i in model.x.items() if filling.size(n) < least}
        small |= set(range(len(model.x), len(upper)))
        mixed = relaxed(model.program, small, max(min(_DIVE_S, deadline - time.monotonic()), 0.05), 0.2)
        if not mixed.values:
            break
        value = mixed.values
        for (n, _), i in model.x.items():
            if filling.size(n) >= least:
                model.program.upper[i] = min(model.program.upper[i], round(value[i]))
    model.program.upper[:] = upper
    return {key: value[i] for key, i in model.x.items()}


class _Filling:
    """The placement in the making: who leaves goes to ``where``; residents shift only when a window needs it."""

    def __init__(self, site: Site, candidates: Candidates, leaving: Candidates, choice: Choice) -> None:
        self.site, self.candidates, self.leaving, self.on = site, candidates, leaving, choice.on
        staying = {n: s for n, s in site.start.items() if s in set(choice.on)}
        self.room = Room(site, choice.on, staying)
        self.where: dict[str, str] = {}
        self.shifted: dict[str, str] = dict(staying)

    def fill(self, value: Mapping[tuple[str, str], float], deadline: float) -> bool:
        """First who is whole in the linear program, the largest first, then the others; False when one finds no
        place."""
        whole = {n: s for (n, s), v in value.items() if v > 0.999}
        split = [n for n in self.leaving.cost if n not in whole]
        for n in sorted(whole, key=lambda n: (-self.size(n), n)):
            if self.room.fits(n, whole[n]):
                self._put(n, whole[n])
            else:
                split.append(n)
        waiting = []
        for n in sorted(split, key=lambda n: (-self.size(n), n)):
            options = [s for s in self.leaving.cost[n] if self.room.fits(n, s)]
            best = min(options, key=lambda s: (-round(value.get((n, s), 0.0), 2), self.leaving.cost[n][s],
                                               self.room.left(n, s), s), default=None)
            if best is None:
                waiting.append(n)
            else:
                self._put(n, best)
        return all(time.monotonic() < deadline and self._window(n, deadline) for n in waiting)

    def size(self, lpar: str) -> float:
        """The larger share of its own server that an LPAR takes."""
        home = self.site.start[lpar]
        demand, limit = self.site.demand(lpar, home), self.site.limit(home)
        return max(demand.units / max(limit.units, 1), demand.memory_mib / max(limit.memory_mib, 1))

    def _put(self, lpar: str, server: str) -> None:
        self.room.add(lpar, server)
        self.where[lpar] = server

    def _window(self, lpar: str, deadline: float) -> bool:
        """Place this LPAR and all that leave to the servers in its reach anew; then with residents as well."""
        near = set(self.leaving.cost[lpar])
        wider = near | {s for n, here in self.where.items() if here in near for s in self.leaving.cost.get(n, ())}
        tries = ((near, False), (wider, False), (near, True), (wider, True))
        return any(self._anew(lpar, [s for s in self.on if s in window], deadline, residents)
                   for window, residents in tries)

    def _anew(self, lpar: str, window: list[str], deadline: float, residents: bool) -> bool:
        inside, cost = set(window), {}
        for n in [lpar, *(n for n, s in sorted(self.where.items()) if s in inside)]:
            places = {s: c for s, c in self.candidates.cost[n].items() if s in inside}
            held = self.where.get(n, "") == self.shifted.get(n, "-")
            cost[n] = places if residents or not held else {self.where[n]: places[self.where[n]]}
        if residents:
            for n, s in self.site.start.items():
                if s in inside and n not in self.where and n in self.candidates.cost:
                    cost[n] = {t: c for t, c in self.candidates.cost[n].items() if t in inside}
        for n, s in sorted(self.where.items()):
            if self.site.start[n] in inside and s not in inside:
                cost[n] = {s: self.candidates.cost[n][s]}
        model = PlacementProgram(self.site, Candidates(cost), window, [n for n in cost if n in self.leaving.cost])
        found = model.solve(min(deadline, time.monotonic() + _WINDOW_S), _WINDOW_GAP)
        if not found.found:
            return False
        for n in cost:
            old = self.where.get(n, self.shifted.get(n))
            if old is not None:
                self.room.remove(n, old)
        for n, s in model.placement(found).items():
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
