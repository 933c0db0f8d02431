"""A placement by local search, for when room is so scarce that the solver finds none in its time.

Whoever breaks a row is shifted or exchanged so that the weighted breach falls most; in a dead end the rows that are
broken weigh more from then on, and who moved stays for a while (breakout and tabu search; Morris 1993, Glover 1989).
Bounded by steps, never by the clock, and without chance: the same program gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from planner.optimise.placement import PlacementProgram
from planner.optimise.program import ONE_PLACE, Outcome, Solution

_STEPS = 1500
_TENURE = 12
_VARIABLES = 20_000
_ROUNDS, _ROUND_STEPS = 8, 60
_SEARCHES = 20
_ASKED = 20_000
"""Exchanges that are weighed to assume less at the same cost."""

Change = dict[int, int]


class _Shift(NamedTuple):
    """LPARs (by number) that would go to other variables, and how much worse the rows and dearer the moves would be."""

    worse: float
    dearer: int
    names: tuple[int, ...]
    to: tuple[int, ...]


class _Standing:
    """Where each open LPAR stands (as the index of its variable), and what its rows hold of what they may."""

    def __init__(self, model: PlacementProgram, extra: Sequence[int] = ()) -> None:
        self.model = model
        self.choices: list[list[int]] = [[model.x[n, s] for s in places] for n, places in model.candidates.cost.items()]
        self.cost = [0] * len(model.x)
        for (n, s), i in model.x.items():
            self.cost[i] = model.candidates.cost[n][s]
        self.extra = list(extra) or self._extra()
        self.columns: list[list[tuple[int, int]]] = [[] for _ in model.x]
        self.spare: list[int] = []
        self.weight: list[float] = []
        self._add({i: c for i, c in enumerate(self.cost) if c}, sum(self.cost))
        for row in model.program.rows:
            if row.tag.rule != ONE_PLACE and any(i < len(model.x) for i in row.terms):
                self._add(row.terms, row.rhs)
        self.at = [min(c, key=lambda i: (self.cost[i], i)) for c in self.choices]
        for i in self.at:
            for row_number, c in self.columns[i]:
                self.spare[row_number] -= c
        self.scale = tuple(self.weight)

    def _extra(self) -> list[int]:
        """Values of the variables that place nothing: a group is joined when it must be."""
        count = len(self.model.program.upper) - len(self.model.x)
        forced = {i for r in self.model.program.rows if r.equal and len(r.terms) == 1 and r.rhs == 1 for i in r.terms}
        return [int(len(self.model.x) + k in forced) for k in range(count)]

    def _add(self, terms: dict[int, int], rhs: int) -> None:
        number, widest = len(self.spare), 1
        for i, c in terms.items():
            if i < len(self.columns):
                self.columns[i].append((number, c))
                widest = max(widest, abs(c))
            else:
                rhs -= c * self.extra[i - len(self.columns)]
        self.spare.append(rhs)
        self.weight.append(1 / widest)

    def restart(self, at: Sequence[int], cost: int) -> None:
        """Stand like this again, every row of the same weight, and cost no more than that from now on."""
        self.take(range(len(at)), at)
        self.spare[0] = cost - sum(self.cost[i] for i in at)
        self.weight = list(self.scale)

    def change(self, steps: Sequence[tuple[int, int]]) -> Change:
        """How the rows' loads change when these LPARs (old variable, new variable) move."""
        out: Change = {}
        for old, new in steps:
            for row, c in self.columns[old]:
                out[row] = out.get(row, 0) - c
            for row, c in self.columns[new]:
                out[row] = out.get(row, 0) + c
        return out

    def worse(self, change: Change) -> float:
        """By how much the weighted breach grows."""
        total = 0.0
        for row, more in change.items():
            spare = self.spare[row]
            before = -spare if spare < 0 else 0
            after = more - spare if more > spare else 0
            if before != after:
                total += (after - before) * self.weight[row]
        return total

    def take(self, who: Sequence[int], to: Sequence[int]) -> None:
        for row, more in self.change([(self.at[k], new) for k, new in zip(who, to, strict=True)]).items():
            self.spare[row] -= more
        for k, new in zip(who, to, strict=True):
            self.at[k] = new

    def broken(self) -> list[int]:
        """Rows that do not hold."""
        return [r for r, spare in enumerate(self.spare) if spare < 0]

    def culprits(self, broken: Sequence[int]) -> list[int]:
        """LPARs that weigh on a broken row."""
        rows = set(broken)
        return [k for k, i in enumerate(self.at) if any(r in rows and c > 0 for r, c in self.columns[i])]

    def shifts(self, who: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """One LPAR goes elsewhere."""
        for k in who:
            for i in self.choices[k]:
                if i != self.at[k]:
                    yield (k,), (i,)

    def exchanges(self, who: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Two LPARs change places."""
        server = {i: s for (_, s), i in self.model.x.items()}
        here = [server[i] for i in self.at]
        there = [{server[i]: i for i in c} for c in self.choices]
        for k in who:
            for m in range(len(self.at)):
                if here[k] != here[m] and here[m] in there[k] and here[k] in there[m]:
                    yield (k, m), (there[k][here[m]], there[m][here[k]])


def placement_by_search(model: PlacementProgram) -> list[int]:
    """Values of a placement that keeps every row, or [] when none was found soon.

    Once there is one, cheaper ones are asked for, half-way to the sum of each LPAR's cheapest place each time.
    """
    if len(model.x) > _VARIABLES or any(not places for places in model.candidates.cost.values()):
        return []
    search = _Standing(model)
    if not _mend(search, _STEPS):
        return []
    least, best = model.candidates.bound(), list(search.at)
    for _ in range(_ROUNDS):
        paid = sum(search.cost[i] for i in best)
        if paid == least:
            break
        search.restart(best, (paid + least) // 2)
        if _mend(search, _ROUND_STEPS):
            best = list(search.at)
        else:
            least = (paid + least) // 2
    values = [0] * len(model.x) + search.extra
    for i in best:
        values[i] = 1
    return values if model.program.holds(model.derive(values)) else []


def searched(model: PlacementProgram, solution: Solution) -> Solution:
    """A placement by local search that breaks no row, those of usage included; else the solution as it is."""
    for _ in range(_SEARCHES):
        values = placement_by_search(model)
        if not values:
            break
        other = Solution(Outcome.FEASIBLE, tuple(values), model.program.value(values), solution.bound, "search")
        if not model.mend(other):
            return other
    return solution


def surest(model: PlacementProgram, values: Sequence[int], assumed: Callable[[str, str], int]) -> Sequence[int]:
    """The same placement, or one that costs no more and assumes less: none is left to which one LPAR going elsewhere,
    or two changing places, would lead, of so many as are weighed. ``assumed`` (LPAR, server): how much it would be."""
    if len(model.x) > _VARIABLES:
        return values
    doubt = {i: assumed(n, s) for (n, s), i in model.x.items() if values[i]}
    better = {n for (n, s), i in model.x.items() if doubt.get(i) and any(
        assumed(n, other) < doubt[i] for other in model.candidates.cost[n])}
    for _ in range(_SEARCHES if better else 0):
        search = _Standing(model, values[len(model.x):])
        at = [next(i for i in choices if values[i]) for choices in search.choices]
        search.restart(at, sum(search.cost[i] for i in at))
        _surer(search, better, assumed)
        found = [0] * len(model.x) + search.extra
        for i in search.at:
            found[i] = 1
        if search.at == at or not model.program.holds(model.derive(found)):
            break
        if not model.mend(Solution(Outcome.FEASIBLE, tuple(found), model.program.value(found))):
            return found
    return values


def _surer(search: _Standing, who: Collection[str], assumed: Callable[[str, str], int]) -> None:
    """Shifts and exchanges that keep every row, cost no more and assume less, until there is none."""
    pairs, budget = {i: pair for pair, i in search.model.x.items()}, iter(range(_ASKED))
    doubtful = [k for k, n in enumerate(search.model.candidates.cost) if n in who]

    def gains(movers: Sequence[int], to: Sequence[int]) -> bool:
        now = [search.at[k] for k in movers]
        return (sum(search.cost[i] for i in to) <= sum(search.cost[i] for i in now)
                and sum(assumed(*pairs[i]) for i in to) < sum(assumed(*pairs[i]) for i in now)
                and search.worse(search.change(list(zip(now, to, strict=True)))) <= 0)

    for _ in range(_ROUND_STEPS):
        for shift in search.shifts(doubtful):
            if gains(*shift):
                search.take(*shift)
        exchanges = zip(search.exchanges(doubtful), budget, strict=False)
        exchange = next((moved for moved, _ in exchanges if gains(*moved)), None)
        if exchange is None:
            return
        search.take(*exchange)


def _mend(search: _Standing, steps: int) -> bool:
    """Whether every row holds after at most so many steps."""
    tabu: dict[int, int] = {}
    for step in range(steps):
        broken = search.broken()
        if not broken:
            _cheaper(search)
            return True
        _step(search, broken, tabu, step)
    return not search.broken()


def _step(search: _Standing, broken: Sequence[int], tabu: dict[int, int], step: int) -> None:
    who = search.culprits(broken)
    best: _Shift | None = None
    for moves in (search.shifts(who), search.exchanges(who)):
        for names, to in moves:
            if any(tabu.get(k, -1) >= step for k in names):
                continue
            worse = search.worse(search.change([(search.at[k], i) for k, i in zip(names, to, strict=True)]))
            dearer = sum(search.cost[i] - search.cost[search.at[k]] for k, i in zip(names, to, strict=True))
            if best is None or (worse, dearer) < (best.worse, best.dearer):
                best = _Shift(worse, dearer, names, to)
        if best is not None and best.worse < -1e-9:
            break
    if best is None or best.worse >= -1e-9:
        for row in broken:
            search.weight[row] *= 1.5
    if best is not None:
        search.take(best.names, best.to)
        tabu.update(dict.fromkeys(best.names, step + _TENURE))


def _cheaper(search: _Standing) -> None:
    """Shifts and exchanges that keep every row and cost less, until there is none."""
    for _ in range(_STEPS):
        dear = [k for k, i in enumerate(search.at) if search.cost[i] > min(search.cost[c] for c in search.choices[k])]
        best: _Shift | None = None
        for moves in (search.shifts(dear), search.exchanges(dear)):
            for names, to in moves:
                dearer = sum(search.cost[i] - search.cost[search.at[k]] for k, i in zip(names, to, strict=True))
                if dearer < (best.dearer if best else 0) and (worse := search.worse(
                        search.change([(search.at[k], i) for k, i in zip(names, to, strict=True)]))) <= 0:
                    best = _Shift(worse, dearer, names, to)
            if best:
                break
        if best is None:
            return
        search.take(best.names, best.to)
