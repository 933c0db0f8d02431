"""One component taken apart: the master chooses which servers stay on, a placement program puts the LPARs.

Sets are tried in the order of the master's bounds. A set that is proved impossible becomes a cut (with less on it is
impossible as well), one that was placed or given up is not chosen again. The answer is proved when the next set's
bounds are no better than what was found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from planner.optimise.master import Choice, Master
from planner.optimise.placement import Candidates, PlacementProgram
from planner.optimise.search import placement_by_search
from planner.optimise.solver import Outcome
from planner.rules import Site

MOST_SETS = 400
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


Place = Callable[[Choice, float], Placed]


def take_apart(master: Master, place: Place, deadline: float, gap: float) -> Found:
    """Master and placement in turn until both levels are proved within ``gap`` or time is out."""
    best: tuple[Choice, Placed] | None = None
    measure_bound: float | None = None
    cost_bounds: list[float] = []
    given_up = False
    for _ in range(MOST_SETS):
        choice = master.choose(deadline, None if best is None else best[0].measure)
        if not isinstance(choice, Choice):
            proved = choice is Outcome.INFEASIBLE
            if best is None:
                return Found(Outcome.INFEASIBLE if proved and not given_up else Outcome.UNKNOWN)
            cost_bounds += [] if proved else [0.0]
            break
        if not given_up and best is None:
            measure_bound = choice.measure_bound
        if best is not None and _near(best[1].cost_ms, min([choice.cost_bound_ms, *cost_bounds]), gap):
            cost_bounds.append(choice.cost_bound_ms)
            break
        if best is not None and time.monotonic() > deadline:
            cost_bounds.append(choice.cost_bound_ms)
            break
        placed = place(choice, deadline)
        if placed.outcome is Outcome.INFEASIBLE:
            master.cut(choice.off)
            continue
        master.forbid(choice)
        if placed.outcome is Outcome.UNKNOWN:
            given_up = given_up or best is None
            cost_bounds += [] if best is None else [choice.cost_bound_ms]
            if time.monotonic() > deadline:
                break
            continue
        cost_bounds.append(max(placed.bound_ms, choice.cost_bound_ms))
        if best is None or placed.cost_ms < best[1].cost_ms:
            best = (choice, placed)
    if best is None:
        return Found(Outcome.UNKNOWN, measure_bound=measure_bound or 0.0)
    return Found(Outcome.FEASIBLE, best[0], best[1], min(measure_bound or 0.0, best[0].measure),
                 min([*cost_bounds, float(best[1].cost_ms)], default=0.0))


def _near(value: float, bound: float, gap: float) -> bool:
    return value - bound <= max(gap * value, 0.999)


class Placer:
    """Puts the LPARs of a component on the servers that stay on; ``cuts`` are placements not to be given again."""

    def __init__(self, site: Site, candidates: Candidates, gap: float, cuts: list[Mapping[str, str]]) -> None:
        self.site, self.candidates, self.gap, self.cuts = site, candidates, gap, cuts

    def __call__(self, choice: Choice, deadline: float) -> Placed:
        """First only those that must go; then all that may, unless the cheapest places of the first are reached."""
        direct = self._narrow(choice, shifting=False)
        if any(not places for places in direct.cost.values()):
            return Placed(Outcome.INFEASIBLE)
        if not direct.cost:
            return Placed(Outcome.FEASIBLE)
        least = direct.bound()
        now = time.monotonic()
        first = self._solved(choice, direct, now + max(0.4 * (deadline - now), 0.05))
        if first.outcome is Outcome.FEASIBLE and _near(first.cost_ms, least, self.gap):
            return Placed(Outcome.FEASIBLE, first.placement, first.cost_ms, float(least))
        wide = self._narrow(choice, shifting=True)
        if len(wide.cost) == len(direct.cost):
            return first
        if sum(map(len, wide.cost.values())) > _WIDE:
            return Placed(first.outcome if first.outcome is Outcome.FEASIBLE else Outcome.UNKNOWN, first.placement,
                          first.cost_ms, float(least))
        second = self._solved(choice, wide, deadline, first)
        if second.outcome in (Outcome.FEASIBLE, Outcome.INFEASIBLE) or first.outcome is not Outcome.FEASIBLE:
            return second
        return Placed(first.outcome, first.placement, first.cost_ms, max(float(least), second.bound_ms))

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
        solution = model.solve(deadline, self.gap, known=start)
        if solution.outcome is Outcome.INFEASIBLE:
            return Placed(Outcome.INFEASIBLE)
        bound = max(0.0, solution.bound or 0.0)
        values = solution.values or tuple(placement_by_search(model))
        if not values:
            return Placed(Outcome.UNKNOWN, bound_ms=bound)
        placement = {n: s for (n, s), i in model.x.items() if values[i] == 1 and s != self.site.start[n]}
        cost = sum(candidates.cost[n][s] for n, s in placement.items())
        if solution.outcome is Outcome.OPTIMAL and self.gap == 0:
            bound = float(cost)
        return Placed(Outcome.FEASIBLE, dict(sorted(placement.items())), cost, min(bound, float(cost)))
