"""One component taken apart: the master chooses which servers stay on, a placement program puts the LPARs.

Sets are tried in the order of the master's bounds. A set that is proved impossible becomes a cut (with less on it is
impossible as well), one that was placed or given up is not chosen again. The answer is proved when the next set's
bounds are no better than what was found.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from planner.optimise.evacuate import searched
from planner.optimise.master import Choice, Master
from planner.optimise.packing import packed
from planner.optimise.placement import Candidates, PlacementProgram
from planner.optimise.solver import Outcome, Solution, relaxed
from planner.rules import Site

MOST_SETS = 400
_ROUND_FROM = 500
"""Variables of a placement program from which on rounding its linear program is tried first."""
_SEARCHED = 400
"""Variables of a placement program up to which a local search is tried when the solver finds nothing."""
_FREE_SHARES = (0.25, 0.5)
_ROUND_S = 1.0
_WIDE = 20_000
"""Variables of a placement program with the LPARs of servers that stay on, at most."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A placement on a set of servers; ``bound_ms``: no placement on this set costs less."""

    outcome: Outcome
    placement: Mapping[str, str] = field(default_factory=dict)
    cost_ms: int = 0
    bound_ms: float = 0.0
    restart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The best set found with its placement, and what is proved of both levels."""

    outcome: Outcome
    choice: Choice | None = None
    placed: Placed | None = None
    measure_bound: float = 0.0
    cost_bound_ms: float = 0.0


class Place(Protocol):
    """Puts LPARs on the servers of a choice by ``deadline``. No such placement costs less than ``floor``; ``quick``:
    by construction alone, UNKNOWN when that finds none."""

    def __call__(self, choice: Choice, deadline: float, floor: float, *, quick: bool = False) -> Placed: ...


class _Search:
    """Master and placement in turn: the best set so far, and what is proved of both levels."""

    def __init__(self, master: Master, place: Place, deadline: float, gap: float) -> None:
        self.master, self.place, self.deadline, self.gap = master, place, deadline, gap
        self.best: tuple[Choice, Placed] | None = None
        self.measure_bound: float | None = None
        self.tight = 0.0
        """A bound of the cost of every set of at most ``tight_measure``; 0 until it is asked for."""
        self.tight_measure = -1
        self.bounds: list[tuple[int, float]] = []
        """Measure and bound of the cost of sets that are done with, given up or not looked at any more."""
        self.given_up = False
        self.done: set[tuple[str, ...]] = set()

    def run(self) -> Found:
        """Until both levels are proved within the gap, or time is out."""
        choice: Choice | None = None
        rest = 0.0
        for _ in range(MOST_SETS):
            choice, rest = self.following()
            if choice is None:
                if self.best is None and rest == math.inf and not self.given_up:
                    return Found(Outcome.INFEASIBLE)
                self.bounds.append((0, rest))
                break
            if choice.measure > self.tight_measure:
                self.tight = 0.0
            if self.best is None and not self.given_up:
                self.measure_bound = choice.measure_bound
            if self.enough(rest) or (time.monotonic() > self.deadline and self.best is not None):
                break
            if not self.tried(self.cheapest(choice)) and time.monotonic() > self.deadline:
                break
        if choice is not None:  # what was not looked at any more
            self.bounds.append((0, rest))
        return self.found()

    def following(self) -> tuple[Choice | None, float]:
        """The next set to try, and a bound of what any set costs that is still to be tried; no set and an infinite
        bound when there is none."""
        if self.best is not None and self.tight and self.best[0].measure <= self.tight_measure:
            return self.master.tighten(self.deadline, self.best[0].measure, self.gap / 8, rest=True)
        choice = self.master.choose(self.deadline, None if self.best is None else self.best[0].measure)
        if isinstance(choice, Choice):
            return choice, choice.cost_bound_ms
        return None, math.inf if choice is Outcome.INFEASIBLE else 0.0

    def enough(self, rest: float) -> bool:
        """Whether what is left to try, of which no set costs less than ``rest``, cannot be better by the gap."""
        return self.best is not None and _near(self.best[1].cost_ms, self.bound([rest]), self.gap)

    def bound(self, rest: Sequence[float]) -> float:
        """What no set of the best one's measure costs less than; ``rest``: bounds of sets not in ``bounds``."""
        if self.best is None:
            return 0.0
        measure = self.best[0].measure
        tight = self.tight if measure <= self.tight_measure else 0.0
        return max(tight, min([*rest, *(b for m, b in self.bounds if m <= measure)], default=0.0))

    def cheapest(self, choice: Choice) -> Choice:
        """Another set of the same measure that is cheaper to empty by a tighter bound, which is then known as well.

        Asked for once, when a placement by construction does not reach the bound of the choice.
        """
        if self.tight or self.best is not None:
            return choice
        quick = self.place(choice, self.deadline, choice.cost_bound_ms, quick=True)
        if quick.outcome is Outcome.FEASIBLE and _near(quick.cost_ms, choice.cost_bound_ms, self.gap):
            return choice
        found, bound = self.master.tighten(self.deadline, choice.measure, self.gap / 8)
        self.tight, self.tight_measure = max(min(bound, 1e18), 1e-9), choice.measure
        return choice if found is None or found.off in self.done or found.measure > choice.measure else found

    def tried(self, choice: Choice) -> bool:
        """Place on a set; False when that was given up."""
        now = time.monotonic()
        until = self.deadline if self.best is not None else now + max((self.deadline - now) / 2, 0.05)
        tight = self.tight if choice.measure <= self.tight_measure else 0.0
        placed = self.place(choice, until, max(tight, choice.cost_bound_ms))
        if placed.outcome is Outcome.INFEASIBLE:
            self.master.cut(choice.off)
            return True
        self.master.forbid(choice)
        self.done.add(choice.off)
        if placed.outcome is Outcome.UNKNOWN:
            self.given_up = self.given_up or self.best is None
            self.bounds.append((choice.measure, choice.cost_bound_ms))
            return False
        self.bounds.append((choice.measure, max(placed.bound_ms, choice.cost_bound_ms)))
        if self.best is None or placed.cost_ms < self.best[1].cost_ms:
            self.best = (choice, placed)
        return True

    def found(self) -> Found:
        """What there is."""
        if self.best is None:
            return Found(Outcome.UNKNOWN, measure_bound=self.measure_bound or 0.0)
        choice, placed = self.best
        bound = self.bound([float(placed.cost_ms)])
        return Found(Outcome.FEASIBLE, choice, placed, min(self.measure_bound or 0.0, choice.measure),
                     min(bound, float(placed.cost_ms)))


def take_apart(master: Master, place: Place, deadline: float, gap: float) -> Found:
    """Master and placement in turn until both levels are proved within ``gap`` or time is out."""
    return _Search(master, place, deadline, gap).run()


def _near(value: float, bound: float, gap: float) -> bool:
    return value - bound <= max(gap * value, 0.999)


class Placer:
    """Puts the LPARs of a component on the servers that stay on; ``cuts`` are placements not to be given again."""

    def __init__(self, site: Site, candidates: Candidates, gap: float, cuts: list[Mapping[str, str]]) -> None:
        self.site, self.candidates, self.gap, self.cuts = site, candidates, gap, cuts

    def __call__(self, choice: Choice, deadline: float, floor: float, *, quick: bool = False) -> Placed:
        """By construction; then only those that must go; then all that may, unless the floor is reached before."""
        direct = self._narrow(choice, shifting=False)
        if any(not places for places in direct.cost.values()):
            return Placed(Outcome.INFEASIBLE)
        if not direct.cost:
            return Placed(Outcome.FEASIBLE)
        least = max(float(direct.bound()), floor)
        made = self._constructed(choice, direct)
        if quick or (made.outcome is Outcome.FEASIBLE and _near(made.cost_ms, least, self.gap)):
            return made
        now = time.monotonic()
        first = self._solved(choice, direct, now + max(0.4 * (deadline - now), 0.05))
        if first.outcome is Outcome.FEASIBLE and _near(first.cost_ms, least, self.gap):
            return Placed(Outcome.FEASIBLE, first.placement, first.cost_ms, least)
        wide = self._narrow(choice, shifting=True)
        if len(wide.cost) == len(direct.cost):
            return first
        if sum(map(len, wide.cost.values())) > _WIDE:
            return Placed(first.outcome if first.outcome is Outcome.FEASIBLE else Outcome.UNKNOWN, first.placement,
                          first.cost_ms, least)
        second = self._solved(choice, wide, deadline, first)
        if second.outcome in (Outcome.FEASIBLE, Outcome.INFEASIBLE) or first.outcome is not Outcome.FEASIBLE:
            return second
        return Placed(first.outcome, first.placement, first.cost_ms, max(least, second.bound_ms))

    def _constructed(self, choice: Choice, direct: Candidates) -> Placed:
        """By construction; nothing when cuts are to be kept."""
        where = None if self.cuts else packed(self.site, direct, choice.on)
        if where is None:
            return Placed(Outcome.UNKNOWN)
        cost = sum(direct.cost[n][s] for n, s in where.items())
        return Placed(Outcome.FEASIBLE, dict(sorted(where.items())), cost, float(direct.bound()))

    def _narrow(self, choice: Choice, *, shifting: bool) -> Candidates:
        """Candidates on the set: of those that must go, and with ``shifting`` of the others as well."""
        on, out = set(choice.on), {}
        for n in self.candidates.cost:
            home = self.site.start[n]
            if home not in on or shifting:
                places = {s: c for s, c in self.candidates.cost[n].items() if s in on}
                if home not in on or len(places) > 1:
                    out[n] = places
        return Candidates({n: out[n] for n in out if self.site.start[n] in on or self.site.start[n] in choice.off})

    def _solved(self, choice: Choice, candidates: Candidates, deadline: float, known: Placed | None = None) -> Placed:
        displaced = [n for n in candidates.cost if self.site.start[n] not in choice.on]
        model = PlacementProgram(self.site, candidates, choice.on, displaced)
        for cut in self.cuts:
            model.forbid(cut)
        start: list[int] = []
        if known is not None and known.outcome is Outcome.FEASIBLE:
            where = self.site.start | dict(known.placement)
            start = [int(where[n] == s) for n, s in model.x] + [0] * (len(model.program.upper) - len(model.x))
            start = start if model.program.holds(start) else []
        solution = self._rounded(model, deadline) if not start else Solution(Outcome.UNKNOWN)
        if not solution.found:
            solution = model.solve(deadline, self.gap, known=start)
        if solution.outcome is Outcome.INFEASIBLE:
            return Placed(Outcome.INFEASIBLE)
        bound = max(0.0, solution.bound or 0.0)
        values = solution.values
        if not values and len(model.x) <= _SEARCHED:
            values = searched(model, solution).values
        if not values:
            return Placed(Outcome.UNKNOWN, bound_ms=bound)
        placement = {n: s for (n, s), i in model.x.items() if values[i] == 1 and s != self.site.start[n]}
        cost = sum(candidates.cost[n][s] for n, s in placement.items())
        if solution.outcome is Outcome.OPTIMAL and self.gap == 0 and cost - bound <= 0.999:  # proved to a unit
            bound = float(cost)
        return Placed(Outcome.FEASIBLE, dict(sorted(placement.items())), cost, min(bound, float(cost)))

    def _rounded(self, model: PlacementProgram, deadline: float) -> Solution:
        """Those whom the linear program places whole stay there, but for the smallest; the others are placed exactly.

        UNKNOWN unless that comes within the gap of the linear program's bound: then the whole program is asked.
        """
        unknown = Solution(Outcome.UNKNOWN)
        if self.gap == 0 or len(model.x) < _ROUND_FROM or self.site.usage is not None:
            return unknown
        linear = relaxed(model.program, range(len(model.program.upper)), max(deadline - time.monotonic(), 0.05))
        if linear.bound is None or not linear.values:
            return unknown
        whole = {n: s for (n, s), i in model.x.items() if linear.values[i] > 0.999}
        by_size = sorted(whole, key=lambda n: (self._size(n, whole[n]), n))
        for share in _FREE_SHARES:
            kept = set(by_size[int(share * len(by_size)):])
            narrow = Candidates({n: {whole[n]: places[whole[n]]} if n in kept else places
                                 for n, places in model.candidates.cost.items()})
            part = PlacementProgram(self.site, narrow, model.survivors, model.displaced)
            now = time.monotonic()
            found = part.program.solve(max(min(_ROUND_S, deadline - now), 0.05), 0.6 * self.gap)
            if found.found and found.objective is not None and _near(found.objective, linear.bound, self.gap):
                where = part.placement(found)
                values = [int(where[n] == s) for n, s in model.x] + [0] * (len(model.program.upper) - len(model.x))
                if model.program.holds(values):
                    cost = model.program.value(values)
                    return Solution(Outcome.FEASIBLE, tuple(values), cost, linear.bound, "rounded")
        return unknown

    def _size(self, lpar: str, server: str) -> float:
        demand, limit = self.site.demand(lpar, server), self.site.limit(server)
        return max(demand.units / max(limit.units, 1), demand.memory_mib / max(limit.memory_mib, 1))
