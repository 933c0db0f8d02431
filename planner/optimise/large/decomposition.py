"""One component taken apart: the master chooses which servers stay on, a placement program puts the LPARs.

The master's relaxation bounds the measure. Among all sets that come within the gap of that bound the one that is
cheapest to empty is tried first; its bound of the cost holds for every placement of that measure. A set that is proved
impossible becomes a cut (with less on it is impossible as well), one that was placed or given up is not chosen again.
Both levels are proved when what was found is as near its bounds as asked.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from planner.optimise.heuristics.packing import packed
from planner.optimise.heuristics.polish import polished
from planner.optimise.heuristics.search import searched
from planner.optimise.large.master import Choice, Master
from planner.optimise.placement import Candidates, PlacementProgram
from planner.optimise.program import MEASURE, Outcome, Program, Solution, near
from planner.optimise.solver import Relaxed, relaxed
from planner.stopwatch import now

MOST_SETS = 400
_SEARCHED = 400
"""Variables of a placement program up to which a local search is tried when the solver finds nothing."""
_MENDED = 3
"""How often a local search is run again when rules that are asked refuse what it found."""
_FREE_SHARES, _NODES, _QUICK_NODES, _ROUND_S = (0.15, 0.3, 0.6), 400, 100, 8.0
"""Shares of the LPARs that are placed exactly though the linear program placed them whole, one after the other; nodes
of the solver's search for each, so that the answer does not hang on the machine's speed; and seconds at most."""
_SPARE, _MOST_SPARE = 0.005, 0.3
"""Share of the room that a set leaves free when one server fails, once the restarts found no place; then the double."""
_QUICK = 2.0
"""A quick answer may be this many gaps from its bound: what counts is the sum."""
OF_GAP, FINEST = 0.85, 0.0005
"""What the first level may be above its bound: this share of the gap; where it matters where LPARs run at least that
share of the measure."""
_WIDE = 20_000
"""Variables of a placement program with the LPARs of servers that stay on, at most."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A placement on a set of servers; ``bound_ms``: no placement on this set costs less. ``heavy`` says of an
    INFEASIBLE one that there may be placements, but none that weighs as little as asked; ``cramped`` of an UNKNOWN one
    that sets with more room to spare should be tried."""

    outcome: Outcome
    placement: Mapping[str, str] = field(default_factory=dict)
    cost_ms: int = 0
    bound_ms: float = 0.0
    restart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    heavy: bool = False
    cramped: bool = False

    @property
    def found(self) -> bool:
        return self.outcome is Outcome.FEASIBLE

    def better(self, other: Placed) -> bool:
        """Whether it is to be had rather than another."""
        return self.found and (not other.found or self.cost_ms < other.cost_ms)


@dataclass(frozen=True, slots=True)
class Settled:
    """The best set found with its placement, and what is proved of both levels: ``cost_bound_ms`` of all placements
    that weigh no more than this one."""

    outcome: Outcome
    choice: Choice | None = None
    placed: Placed | None = None
    measure_bound: float = 0.0
    cost_bound_ms: float = 0.0


class Place(Protocol):
    """Puts LPARs on the servers of a choice by ``deadline``, so that they weigh ``most`` beyond their least at most.
    No such placement costs less than ``floor``; ``quick``: UNKNOWN rather than taking long."""

    def __call__(self, choice: Choice, most: int, deadline: float, floor: float, *, quick: bool) -> Placed: ...


class _Search:
    """Master and placement in turn: the best set so far, and what is proved of both levels. ``quick``: no more than
    the first placement."""

    def __init__(self, master: Master, place: Place, deadline: float, gap: float, *, quick: bool) -> None:
        self.master, self.place, self.deadline, self.gap, self.quick = master, place, deadline, gap, quick
        self.best: tuple[Choice, Placed] | None = None
        self.measure_bound = 0.0
        self.most = 0
        """What a placement may weigh: the first level is settled with this."""
        self.step = 0.0
        self.tight = 0.0
        """A bound of the cost of every placement that weighs that at most; 0 until it is known."""
        self.bounds: list[float] = []
        """Bounds of the cost of sets that are done with, given up or not looked at any more."""
        self.given_up = False
        self.spare = 0.0
        """Share of the room that the next set leaves free when one server fails."""

    def run(self) -> Settled:
        """Until both levels are proved within the gap, or time is out."""
        first, bound = self.master.lightest(self.deadline, self.gap / 8)
        if first is None:
            return Settled(Outcome.INFEASIBLE if bound == math.inf else Outcome.UNKNOWN)
        self.settle(first, bound)
        rest, unasked = 0.0, [first]
        for _ in range(MOST_SETS):
            if self.near(self.tight) or self.late():
                rest = 0.0
                break
            choice, rest = self.following()
            if choice is None and rest < math.inf and unasked and self.best is None:
                choice = unasked.pop()
            if choice is None:
                if self.best is not None or rest < math.inf:
                    break
                if not self.higher():
                    return Settled(Outcome.UNKNOWN if self.given_up else Outcome.INFEASIBLE,
                                 measure_bound=self.measure_bound)
            elif self.near(self.bound(rest)):
                break
            elif self.tried(choice) and (self.quick or now() > self.deadline):
                rest = 0.0
                break
        self.bounds.append(rest)
        return self.result()

    def following(self) -> tuple[Choice | None, float]:
        """The next set to try, and a bound of what any set costs that is still to be tried; no set and an infinite
        bound when none is as light as asked."""
        if not self.tight:
            choice, bound = self.master.tighten(self.deadline, self.most, self.gap / 4)
            if bound == math.inf:
                return None, math.inf
            self.tight = max(bound, 1e-9)
            if not self.master.done and not self.spare:
                return choice, bound
        choice, rest = self.master.tighten(self.deadline, self.most, self.gap / 4, rest=True, spare=self.spare)
        if self.spare and (choice is not None or self.best is not None):
            rest = 0.0  # sets with less room to spare were not looked at
        return choice, rest

    def settle(self, lightest: Choice, bound: float) -> None:
        """What is asked of the first level: within the gap of its bound, and by little more where it matters where
        LPARs run, since then no placement reaches the bound itself."""
        scale, lpars = self.master.scale, self.master.part.lpars
        if not self.given_up:
            self.measure_bound = lightest.measure_bound
        whole = bound + sum(scale.least.get(n, 0) for n in lpars)
        least = float(lightest.measure) if not self.master.loaded else bound
        self.step = whole * max(OF_GAP * self.gap, FINEST if self.master.loaded else 0.0)
        self.most = int(max(least, bound + self.step))

    def higher(self) -> bool:
        """Ask for less of the first level, since no set holds what was asked for; False when there is none at all."""
        if self.master.loaded:
            self.master.forget()
            self.bounds.clear()
        self.tight = 0.0
        # No set as light as asked is left, however light one looks here.
        above = self.most if not self.spare and not self.master.loaded else -1
        following, bound = self.master.lightest(self.deadline, self.gap / 8, rest=True, spare=self.spare, above=above)
        if following is None:
            return False
        if self.spare:
            self.most = int(max(self.most, bound, following.measure) + self.step)
            return True
        if not self.master.loaded:
            self.settle(following, bound)
            return True
        if not self.given_up:
            self.measure_bound = max(self.measure_bound, following.measure_bound)
        self.step *= 2
        self.most = int(max(self.most, bound) + self.step)
        return True

    def late(self) -> bool:
        """Time is out, and there is something to show."""
        return now() > self.deadline and self.best is not None

    def near(self, bound: float) -> bool:
        """Whether the best is as near this bound as the gap asks."""
        return self.best is not None and near(self.best[1].cost_ms, bound, self.gap)

    def bound(self, rest: float) -> float:
        """What no placement as light as asked costs less than; ``rest``: the bound of sets not in ``bounds``."""
        return max(self.tight, min([rest, *self.bounds]))

    def tried(self, choice: Choice) -> bool:
        """Place on a set; False when that is impossible."""
        at = now()
        until = self.deadline if self.best is not None else at + max((self.deadline - at) / 2, 0.05)
        placed = self.place(choice, self.most - choice.measure, until, self.tight, quick=self.quick)
        if placed.outcome is Outcome.INFEASIBLE and not placed.heavy:
            self.master.add_cut(choice.off)
            return False
        self.master.add_done(choice)
        if placed.outcome is Outcome.INFEASIBLE:
            return False
        if placed.outcome is Outcome.UNKNOWN:
            self.spare = min(2 * self.spare or _SPARE, _MOST_SPARE) if placed.cramped else self.spare
            self.given_up = self.given_up or self.best is None
            self.bounds.append(max(placed.bound_ms, self.tight))
            return True
        self.bounds.append(max(placed.bound_ms, self.tight))
        if self.best is None or placed.cost_ms < self.best[1].cost_ms:
            self.best = (choice, placed)
        return True

    def result(self) -> Settled:
        if self.best is None:
            return Settled(Outcome.UNKNOWN, measure_bound=self.measure_bound)
        choice, placed = self.best
        bound = min(self.bound(math.inf), float(placed.cost_ms))
        return Settled(Outcome.FEASIBLE, choice, placed, self.measure_bound, bound)


def take_apart(master: Master, place: Place, deadline: float, gap: float, *, quick: bool = False) -> Settled:
    """Master and placement in turn until both levels are proved within ``gap`` or time is out; ``quick``: no more than
    a first placement, which may be further away."""
    return _Search(master, place, deadline, gap, quick=quick).run()


class Placer:
    """Puts the LPARs of a component on the servers that stay on; ``cuts`` are placements not to be given again."""

    def __init__(self, master: Master, gap: float, cuts: list[Mapping[str, str]]) -> None:
        self.site, self.candidates, self.master, self.gap, self.cuts = master.site, master.candidates, master, gap, cuts

    def __call__(self, choice: Choice, most: int, deadline: float, floor: float, *, quick: bool) -> Placed:
        """By construction; by rounding a linear program; exactly, first with those alone that must go."""
        direct = self._narrow(choice, shifting=False)
        if any(not places for places in direct.cost.values()):
            return Placed(Outcome.INFEASIBLE)
        least, best = max(float(direct.bound()), floor), self._constructed(choice, direct, most)
        if not best.found or not near(best.cost_ms, least, self.gap):
            for placed, all_in in self._attempts(choice, direct, best, most, deadline, quick=quick):
                if placed.outcome is Outcome.INFEASIBLE and all_in:
                    return placed
                least = max(least, placed.bound_ms if all_in else 0.0)
                best = placed if placed.better(best) else best
                if best.found and near(best.cost_ms, least, self.gap):
                    break
        return replace(best, bound_ms=min(least, float(best.cost_ms)) if best.found else least)

    def _attempts(self, choice: Choice, direct: Candidates, best: Placed, most: int, deadline: float, *, quick: bool
                  ) -> Iterator[tuple[Placed, bool]]:
        """Placements, dearer ways later; and whether everything that may move could."""
        wide = self._narrow(choice, shifting=True)
        all_in = sum(map(len, wide.cost.values())) <= _WIDE
        if not all_in:
            wide = direct
        if self.gap > 0:
            rounded = self._rounded(choice, wide, most, deadline, quick=quick)
            best = rounded if rounded.found else best
            yield rounded, all_in
        if quick:
            return
        if not best.found and len(wide.cost) != len(direct.cost):
            at = now()
            best = self._solved(choice, direct, most, at + max(0.4 * (deadline - at), 0.05))
            yield best, False
        yield self._solved(choice, wide, most, deadline, best), all_in

    def _constructed(self, choice: Choice, direct: Candidates, most: int) -> Placed:
        """By construction; nothing when cuts are to be kept."""
        where = None if self.cuts else packed(self.site, direct, choice.on)
        if where is None or self.master.excess(where) > most:
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
        return Candidates(out)

    def _program(self, choice: Choice, candidates: Candidates, most: int) -> PlacementProgram:
        """The placement on these servers, no cut among its answers, and as light as asked."""
        displaced = [n for n in candidates.cost if self.site.start[n] not in choice.on]
        model = PlacementProgram(self.site, candidates, choice.on, displaced)
        for cut in self.cuts:
            model.add_cut(cut)
        if self.master.loaded:
            model.add_excess(self.master.scale.excess, most)
        return model

    def _solved(self, choice: Choice, candidates: Candidates, most: int, deadline: float, known: Placed | None = None
                ) -> Placed:
        model = self._program(choice, candidates, most)
        start: list[int] = []
        if known is not None and known.found:
            start = _values(model, self.site.start | dict(known.placement))
        solution = model.solve(deadline, self.gap, known=start)
        if solution.outcome is Outcome.INFEASIBLE:
            return Placed(Outcome.INFEASIBLE, heavy=self.master.loaded and too_heavy(model, deadline))
        bound = max(0.0, solution.bound or 0.0)
        if not solution.found and len(model.x) <= _SEARCHED:
            solution = searched(model, solution)
        if not solution.found:
            return Placed(Outcome.UNKNOWN, bound_ms=bound)
        placed = self._placed(model, solution.values, bound)
        proved = solution.outcome is Outcome.OPTIMAL and self.gap == 0 and placed.cost_ms - bound <= 0.999
        return replace(placed, bound_ms=float(placed.cost_ms)) if proved else placed

    def _placed(self, model: PlacementProgram, values: Sequence[int], bound: float) -> Placed:
        placement = {n: s for (n, s), i in model.x.items() if values[i] == 1 and s != self.site.start[n]}
        cost = sum(model.candidates.cost[n][s] for n, s in placement.items())
        return Placed(Outcome.FEASIBLE, dict(sorted(placement.items())), cost, min(bound, float(cost)))

    def _rounded(self, choice: Choice, candidates: Candidates, most: int, deadline: float, *, quick: bool) -> Placed:
        """The linear program rounded: by local search; then those whom it places whole stay there, but for the
        smallest, and the others are placed exactly. UNKNOWN with the linear program's bound when neither finds any."""
        model = self._program(choice, candidates, most)
        linear = _fractional(model.program, deadline)
        if linear.outcome is Outcome.INFEASIBLE:
            heavy = self.master.loaded and _fractional(
                model.program.without(MEASURE), deadline).outcome is not Outcome.INFEASIBLE
            return Placed(Outcome.INFEASIBLE, heavy=heavy)
        best = Placed(Outcome.UNKNOWN, bound_ms=linear.bound or 0.0)
        if not linear.values:
            return best
        if values := self._searched(model, linear, best.bound_ms / (1 - OF_GAP * self.gap)):
            best = self._placed(model, values, best.bound_ms)
        whole = {n: s for (n, s), i in model.x.items() if linear.values[i] > 0.999}
        by_size = sorted(whole, key=lambda n: (self.site.share(n, whole[n]), n))
        nodes = _QUICK_NODES if quick else _NODES
        for share in _FREE_SHARES:
            if best.found and near(best.cost_ms, best.bound_ms, self.gap * (_QUICK if quick else 1)):
                break
            staying = {n: whole[n] for n in by_size[int(share * len(by_size)):]}
            placed = self._mostly(choice, model, staying, best, most, deadline, nodes)
            best = placed if placed is not None and placed.better(best) else best
        return best

    def _searched(self, model: PlacementProgram, linear: Relaxed, target: float) -> list[int]:
        """Values by local search from the linear program's on, of which no rule that is asked refuses anything; []
        without any."""
        likely = {key: linear.values[i] for key, i in model.x.items()}
        for _ in range(_MENDED if self.site.usage is None else 0):
            values = polished(model, likely, target)
            if not values or not model.mend(Solution(Outcome.FEASIBLE, tuple(values))):
                return values
        return []

    def nearby(self, on: Collection[str], most: int, deadline: float) -> Mapping[str, str]:
        """A placement on these servers, near the linear program's, by local search alone: LPAR → server of those that
        move; nothing when it finds none."""
        choice = self.master.chosen(on)
        wide = self._narrow(choice, shifting=True)
        if not all(wide.cost.values()):
            return {}
        model = self._program(choice, wide, most - choice.measure)
        linear = _fractional(model.program, deadline)
        values = self._searched(model, linear, (linear.bound or 0.0) / (1 - OF_GAP * self.gap)) if linear.values else []
        return self._placed(model, values, 0.0).placement if values else {}

    def _mostly(self, choice: Choice, model: PlacementProgram, staying: Mapping[str, str], best: Placed, most: int,
                deadline: float, nodes: int) -> Placed | None:
        """A placement that leaves these where they are, unless the best one so far has them elsewhere."""
        where = self.site.start | dict(best.placement)
        narrow = Candidates({
            n: {s: places[s]} if (s := staying.get(n)) and (not best.found or where[n] == s) else places
            for n, places in model.candidates.cost.items()})
        part = self._program(choice, narrow, most)
        until = min(deadline, now() + _ROUND_S)
        solution = part.solve(until, 0.5 * self.gap, nodes, _values(part, where) if best.found else [])
        values = _values(model, self.site.start | part.placement(solution)) if solution.found else []
        return self._placed(model, values, best.bound_ms) if values else None


def _fractional(program: Program, deadline: float) -> Relaxed:
    """The linear program of an integer one."""
    return relaxed(program, range(len(program.upper)), max(deadline - now(), 0.05))


def too_heavy(model: PlacementProgram, deadline: float) -> bool:
    """Whether an impossible program might have an answer that may weigh more."""
    model.program = model.program.without(MEASURE)
    return model.solve(deadline, 1.0).outcome is not Outcome.INFEASIBLE


def _values(model: PlacementProgram, where: Mapping[str, str]) -> list[int]:
    """The values of a program's variables when LPARs are there; none when that breaks a row."""
    values = [int(where[n] == s) for n, s in model.x] + [0] * (len(model.program.upper) - len(model.x))
    return values if model.program.holds(model.derive(values)) else []
