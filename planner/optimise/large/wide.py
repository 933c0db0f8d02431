"""A component too large for one placement program: overlapping reach, where hundreds of servers hang together.

The master spreads what leaves a server over the servers in reach, LPARs split, which gives a bound and a set. The
linear program of the placement then places all but a few hundred LPARs whole; the rest goes where there is room, and
where there is none a window, the servers in reach of the LPAR, is placed anew as an exact program. A set with more
room is tried when that fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from planner.findings import errors
from planner.grouping import inverted
from planner.optimise.heuristics.packing import tightest, tightness
from planner.optimise.large.decomposition import Placed, Settled
from planner.optimise.large.master import Choice, Master
from planner.optimise.placement import Candidates, PlacementProgram
from planner.optimise.program import Outcome, Program
from planner.optimise.solver import Relaxed, relaxed
from planner.rules import Judge, Site
from planner.rules.ledger import MEMORY, PROCESSORS, Ledger
from planner.stopwatch import now

SLACKS = (0.012, 0.02, 0.035, 0.06, 0.1)
"""Shares of the servers' room left free by the set, one after the other until a placement is found."""
TIGHTER = (0.0105, 0.009, 0.0075, 0.006)
"""What is tried then, for as long as there is time."""
_EVEN = (0.8, 0.5, 0.25, 0.0)
"""Shares of the slack that every server keeps by itself in the linear program: the first that has a solution."""
_NOWHERE = ""
_CAPACITY = (PROCESSORS.rule, MEMORY.rule)
_SPREAD_GAP, _HEAVIER = 0.002, 0.003
"""Gap of the choice of a set; and the share of the measure by which a placement on it may weigh more."""
_WINDOW_S, _NODES, _WINDOW_GAP, _WIDENINGS, _PASSES = 2.5, 10, 1.0, 4, 6
_LINEAR_S = 15.0
"""Seconds that a linear program is given even when time is out: without it there is no placement at all."""
_SOLVING = 2
"""How much longer than to build a linear program takes to solve, at least: HiGHS is late to look at the clock."""
_EJECTED, _DEPTH = 12, 2
_LARGE = 0.14
"""Share of its server from which on an LPAR is placed first."""
_CRUMBS = 3
"""Hundredths of a core that each server of a window has to spare at least for it to be tried: less is in crumbs."""


def take_wide(site: Site, judge: Judge, master: Master, deadline: float, gap: float, last: float = math.inf) -> Settled:
    """A set and a placement with bounds of both levels; that of the cost comes from servers that are on in part, and
    is far. Linear programs may take longer than ``deadline``, but not than ``last``."""
    share = max(0.1, (deadline - now()) / 6)
    bound = master.lightest(now() + share, _SPREAD_GAP, whole=False)[1]
    if bound == math.inf:
        return Settled(Outcome.INFEASIBLE)
    load = sum(master.scale.least.get(n, 0) for n in master.part.lpars)
    best: tuple[int, Choice, Placed] | None = None
    took = 0.0
    for slack in (*SLACKS, *TIGHTER):
        at = now()
        if at + took > last:
            break
        if at > deadline or (best is not None and (
                slack in SLACKS or best[0] - bound <= gap * (best[0] + load))):
            continue
        choice, _ = master.lightest(now() + share, _SPREAD_GAP, slack=slack)
        if choice is None or (best is not None and choice.measure >= best[0]):
            continue
        most = None if best is None else best[0]
        placed, used = place_wide(site, judge, master, choice, slack, (deadline, last), most)
        took = now() - at
        weighs = used.measure + master.excess(placed.placement)
        if placed.found and (best is None or weighs < best[0]):
            best = (weighs, used, placed)
    if best is None:
        return Settled(Outcome.UNKNOWN, measure_bound=bound)
    least = master.tighten(_linear_until(deadline, last), best[0], 0.0, whole=False)[1]
    return Settled(Outcome.FEASIBLE, best[1], best[2], min(bound, float(best[0])), min(least, float(best[2].cost_ms)))


def _linear_until(deadline: float, last: float) -> float:
    return min(max(deadline, now() + _LINEAR_S), last)


def place_wide(site: Site, judge: Judge, master: Master, choice: Choice, slack: float, until: tuple[float, float],
               most: int | None = None) -> tuple[Placed, Choice]:
    """A placement on these servers, or on a few more, exact in every rule; or UNKNOWN. ``most``: the set must weigh
    less than this."""
    options, on = _options(master, choice), set(choice.on)
    if any(not places for places in options.cost.values()):
        return Placed(Outcome.INFEASIBLE), choice
    at = now()
    model = PlacementProgram(site, options, choice.on, [n for n in options.cost if site.start[n] not in on])
    if now() + _SOLVING * (now() - at) > until[1]:
        return Placed(Outcome.UNKNOWN), choice
    linear = _linear(master, model, choice, slack, _linear_until(*until))
    if linear.bound is None or not linear.values:
        return Placed(Outcome.UNKNOWN), choice
    filling = _Filling(site, master.candidates, options, choice, master, most)
    value = {key: linear.values[i] for key, i in model.x.items()}
    if not filling.fill(value, *until) or not _holds(site, judge, filling.where):
        return Placed(Outcome.UNKNOWN, bound_ms=linear.bound), choice
    moving = {n: s for n, s in sorted(filling.where.items()) if s != site.start[n]}
    cost = sum(options.cost[n][s] for n, s in moving.items())
    more = len(filling.on) > len(choice.on)
    return Placed(Outcome.FEASIBLE, moving, cost, 0.0), master.chosen(filling.on) if more else choice


def _options(master: Master, choice: Choice) -> Candidates:
    """Who may go where on the servers of a choice. Who is kept apart from another stays at home where that is on: two
    that change places could not be ordered."""
    site, on = master.site, set(choice.on)
    grouped = {n for _, group in site.policies.kept_apart() for n in group.members}
    return Candidates({n: {s: c for s, c in places.items() if s in on} for n, places in master.candidates.cost.items()
                       if n not in grouped or site.start[n] not in on})


def _linear(master: Master, model: PlacementProgram, choice: Choice, slack: float, deadline: float) -> Relaxed:
    """The linear program of the placement: the roomiest that has a solution."""
    linear = Relaxed(Outcome.UNKNOWN)
    for program in _programs(master, model, choice, slack):
        linear = relaxed(program, range(len(program.upper)), max(deadline - now(), 0.05))
        if linear.values or now() > deadline:
            break
    return linear


def _programs(master: Master, model: PlacementProgram, choice: Choice, slack: float) -> Iterator[Program]:
    """The program with a share of every server's room left free, so that no server is full before the rounding; where
    it matters where LPARs run, first with the load as small as the choice has it."""
    programs = [model.program]
    if master.loaded:
        whole = choice.measure_bound + sum(master.scale.least.get(n, 0) for n in master.part.lpars)
        model.program = model.program.without()
        model.add_excess(master.scale.excess, int(choice.measure_bound - choice.measure + _HEAVIER * whole))
        programs.insert(0, model.program)
    for program in programs:
        for share in _EVEN:
            yield _roomier(program, slack * share)


def _roomier(program: Program, slack: float) -> Program:
    out = program.without()
    out.title = program.title
    out.rows = [replace(r, rhs=int(r.rhs * (1 - slack))) if r.tag.rule in _CAPACITY and r.rhs > 0 else r
                for r in out.rows]
    return out


class _Filling:
    """The placement in the making: every LPAR that may move, by its options on the servers that are on."""

    def __init__(self, site: Site, candidates: Candidates, options: Candidates, choice: Choice,
                 master: Master, most: int | None) -> None:
        self.left = None if most is None else most - choice.measure
        self.site, self.candidates, self.options, self.on = site, candidates, options, list(choice.on)
        self.weight = {s: master.scale.fixed[s] for s in choice.off if s not in master.goal.off}
        on = set(choice.on)
        self.room = Ledger(site, {n: s for n, s in site.start.items() if s in on and n not in options.cost})
        self.where: dict[str, str] = {}
        self.held: dict[str, dict[str, None]] = {s: {} for s in choice.on}

    def fill(self, value: Mapping[tuple[str, str], float], deadline: float, last: float) -> bool:
        """First the large, then who is whole in the linear program, then the others, the largest first, each where
        most of it was or where it fits. Who finds no place gets one by a window, or by one more server; False when
        not even so, or not by ``last``."""
        whole = {n for (n, _), v in value.items() if v > 0.999}
        waiting = []
        for n in sorted(self.options.cost, key=lambda n: (self.size(n) < _LARGE, n not in whole, -self.size(n), n)):
            if now() > last:
                return False
            fitting = [s for s in self.options.cost[n] if self.room.fits(n, s)]
            best = min(fitting, key=lambda s: (-round(value.get((n, s), 0.0), 2), tightness(self.room, n, s), s),
                       default=None)
            if best is None:
                waiting.append(n)
            else:
                self._put(n, best)
        if not all(now() <= last and (self._window(n, deadline) or self._switched_on(n)) for n in waiting):
            return False
        self._settle(last)
        return True

    def _settle(self, last: float) -> None:
        """Windows take the first placement that holds: who need not have moved goes home, or changes places with
        one that is cheaper elsewhere, as long as that costs less."""
        for _ in range(_PASSES):
            away = [n for n, s in sorted(self.where.items()) if s != self.site.start[n] and
                    self.site.start[n] in self.held]
            if not sum(now() <= last and self._homeward(n) for n in away):
                break

    def _homeward(self, lpar: str) -> bool:
        """Whether it went home, alone or in exchange."""
        home, here, cost = self.site.start[lpar], self.where[lpar], self.options.cost
        self._take(lpar)
        if self.room.fits(lpar, home):
            self._put(lpar, home)
            return True
        site, room = self.site, self.room
        wanted, gain = site.demand(lpar, home), cost[lpar][here]
        least_units = wanted.units - room.left(PROCESSORS, home)
        least_mib = wanted.memory_mib - room.left(MEMORY, home)
        most_units, most_mib = room.left(PROCESSORS, here), room.left(MEMORY, here)
        for other in list(self.held[home]):
            demand = site.demand(other, home)
            if (not (least_units <= demand.units <= most_units and least_mib <= demand.memory_mib <= most_mib)
                    or here not in cost[other] or site.start[other] == home
                    or cost[other][here] - cost[other][home] >= gain):
                continue
            self._take(other)
            if self.room.fits(lpar, home) and self.room.fits(other, here):
                self._put(lpar, home)
                self._put(other, here)
                return True
            self._put(other, home)
        self._put(lpar, here)
        return False

    def _switched_on(self, lpar: str) -> bool:
        """One more server stays on, the lightest in reach, since no window has room for this LPAR."""
        fitting = [s for s in self.candidates.cost[lpar] if s in self.weight]
        server = min(fitting, key=lambda s: (self.weight[s], s), default=None)
        if server is None or (self.left is not None and self.weight[server] >= self.left):
            return False
        self.left = None if self.left is None else self.left - self.weight[server]
        del self.weight[server]
        self.on.append(server)
        self.held[server] = {}
        for n, places in self.candidates.cost.items():
            if server in places and n in self.options.cost:
                self.options.cost[n][server] = places[server]
        if self.room.fits(lpar, server):
            self._put(lpar, server)
            return True
        return self._switched_on(lpar)

    def size(self, lpar: str) -> float:
        """The larger share of its own server that an LPAR takes."""
        return self.site.share(lpar, self.site.start[lpar])

    def _put(self, lpar: str, server: str) -> None:
        self.room.arrive(lpar, server)
        self.where[lpar] = server
        self.held[server][lpar] = None

    def _take(self, lpar: str) -> str:
        """It is nowhere now; where it was."""
        server = self.where.pop(lpar)
        self.room.leave(lpar, server)
        del self.held[server][lpar]
        return server

    def _cleared(self, lpar: str) -> bool:
        """Put it where several others make room by going to where there is some."""
        for s in sorted(self.options.cost[lpar], key=lambda s: (-tightness(self.room, lpar, s), s)):
            gone: list[str] = []
            for m in sorted(self.held[s], key=lambda m: (-self.size(m), m)):
                free = tightest(self.room, m, (t for t in self.options.cost[m] if t != s))
                if free is not None:
                    self._take(m)
                    self._put(m, free)
                    gone.append(m)
                    if self.room.fits(lpar, s):
                        self._put(lpar, s)
                        return True
            for m in reversed(gone):
                self._take(m)
                self._put(m, s)
        return False

    def _ejected(self, lpar: str, depth: int, still: frozenset[str]) -> bool:
        """Put it where one other makes room by going elsewhere, which may eject another in its turn."""
        site, room = self.site, self.room
        for s in sorted(self.options.cost[lpar], key=lambda s: (-tightness(room, lpar, s), s)):
            wanted = site.demand(lpar, s)
            units, mib = wanted.units - room.left(PROCESSORS, s), wanted.memory_mib - room.left(MEMORY, s)
            fitting = [m for m in self.held[s] if m not in still
                       and site.demand(m, s).units >= units and site.demand(m, s).memory_mib >= mib]
            for m in sorted(fitting, key=lambda m: (self.size(m), m))[:_EJECTED]:
                self._take(m)
                if room.fits(lpar, s):
                    self._put(lpar, s)
                    free = min((t for t in self.options.cost[m] if t != s and room.fits(m, t)),
                               key=lambda t: (self.options.cost[m][t], t), default=None)
                    if free is not None:
                        self._put(m, free)
                        return True
                    if depth > 1 and self._ejected(m, depth - 1, still | {m, lpar}):
                        return True
                    self._take(lpar)
                self._put(m, s)
        return False

    def _window(self, lpar: str, deadline: float) -> bool:
        """Place this LPAR and what is on the servers in its reach anew; then in the reach of those as well."""
        window = set(self.options.cost[lpar])
        if fitting := [s for s in window if self.room.fits(lpar, s)]:
            self._put(lpar, min(fitting))
            return True
        if self._ejected(lpar, _DEPTH, frozenset((lpar,))) or self._cleared(lpar):
            return True
        if now() > deadline:
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
        window = [s for s in self.on if s in inside]
        wanted = self.site.demand(lpar, window[0])
        spare = sum(self.room.left(PROCESSORS, s) for s in window) - wanted.units
        if spare < _CRUMBS * len(window) or sum(self.room.left(MEMORY, s) for s in window) < wanted.memory_mib:
            return False
        cost = self._places(lpar, inside, residents=residents)
        model = PlacementProgram(self.site, Candidates(cost), window, [n for n in cost if self.site.start[n] not in
                                                                       self.held])
        solution = model.solve(min(deadline, now() + _WINDOW_S), _WINDOW_GAP, nodes)
        if not solution.found:
            return False
        for n in cost:
            if n in self.where:
                self._take(n)
        for n, s in model.placement(solution).items():
            if s != _NOWHERE:
                self._put(n, s)
        return True

    def _places(self, lpar: str, inside: set[str], *, residents: bool) -> dict[str, dict[str, int]]:
        """Where this LPAR and all that are in the window may go, with the cost."""
        cost: dict[str, dict[str, int]] = {}
        for n in [lpar, *sorted(n for n, s in self.where.items() if s in inside)]:
            here, places = self.where.get(n), {s: c for s, c in self.options.cost[n].items() if s in inside}
            cost[n] = places if residents or here != self.site.start[n] else {here: places[here]}
        for n in self.options.cost:  # those at home here who are elsewhere by now, or wait for a place
            if self.site.start[n] in inside and n not in cost:
                cost[n] = {self.where.get(n, _NOWHERE): 0}
        return cost


def _holds(site: Site, judge: Judge, moved: Mapping[str, str]) -> bool:
    """Whether servers and groups keep every rule with these LPARs moved: asked of the rules themselves."""
    where = {**site.start, **moved}
    holders = inverted(where.items())
    touched = sorted({*moved.values()})
    findings = [f for s in touched for f in (*judge.server(s, holders[s]), *judge.settled(s, holders[s]))]
    findings += judge.groups({n: (s,) for n, s in where.items()}, end=True)
    return not errors(findings)
