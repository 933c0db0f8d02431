"""A rounded linear program made whole and cheap by local search, all shifts and exchanges weighed at once in arrays.

The best shift of one LPAR or exchange of two is taken, whether it gains or not; who moved stays for a while (tabu
search; Glover 1989). Room may be overdrawn at a price that rises while nothing mends it. Bounded by steps, never by
the clock, and without chance: the same program and start give the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.optimise.placement import PlacementProgram
from planner.optimise.program import MEASURE, ONE_PLACE, Row
from planner.remember import remembered
from planner.rules.ledger import MEMORY, PROCESSORS

Floats = NDArray[np.float64]

_STEPS, _MOST_STEPS = 100, 250
"""Steps with a placement, and without one."""
_TENURE, _STAGGER = 9, 5
_MOST = 1200
"""LPARs at most: every exchange of two is weighed at each step."""
_LOOKED_AT = 24
"""Shifts and exchanges that are asked for the rows of few LPARs, the best first."""
_DEARER = 1.3
_NEVER = 1e18
_ROOMS = (PROCESSORS.rule, MEMORY.rule)


def polished(model: PlacementProgram, likely: Mapping[tuple[str, str], float], target: float) -> list[int]:
    """Values of a placement that keeps every row: the first that costs at most ``target`` ms, or the cheapest of
    those met; [] without any. ``likely``: how much of an LPAR a linear program put on a server."""
    open_to = model.candidates.cost
    if not open_to or len(open_to) > _MOST or any(not places for places in open_to.values()):
        return []
    board = _Board(model)
    board.start({n: max(places, key=lambda s: (round(likely.get((n, s), 0.0), 4), -places[s], s))
                 for n, places in open_to.items()}, likely)
    best = board.searched(target)
    if best is None:
        return []
    values = [0] * len(model.program.upper)
    for i, k in enumerate(best):
        values[board.variable[i][k]] = 1
    return values if model.program.holds(model.derive(values)) else []


class _Room:
    """What LPARs take of every server (LPARs × servers), what is spare there, and the price of a unit overdrawn."""

    def __init__(self, lpars: int, servers: int) -> None:
        self.need: Floats = np.zeros((lpars, servers))
        self.spare: Floats = np.full(servers, np.inf)
        self.price: Floats = np.zeros(servers)

    def overdrawn(self, spare: Floats, price: Floats) -> Floats:
        paid: Floats = np.maximum(-spare, 0.0) * price
        return paid


class _Board:
    """Where each open LPAR stands, as indices, and what its rows have to spare."""

    def __init__(self, model: PlacementProgram) -> None:
        self.names, self.servers = sorted(model.candidates.cost), sorted({s for _, s in model.x})
        number = {n: i for i, n in enumerate(self.names)}
        self.column = {s: k for k, s in enumerate(self.servers)}
        shape = len(self.names), len(self.servers)
        self.cost: Floats = np.full(shape, _NEVER)
        self.variable = [[-1] * shape[1] for _ in range(shape[0])]
        place: dict[int, tuple[int, int]] = {}
        for (n, s), variable in model.x.items():
            i, k = number[n], self.column[s]
            self.cost[i, k], self.variable[i][k], place[variable] = model.candidates.cost[n][s], variable, (i, k)
        self.rooms, self.load, self.left = [_Room(*shape), _Room(*shape)], np.zeros(shape), np.inf
        self.few: list[list[tuple[int, Mapping[int, int]]]] = [[] for _ in self.servers]
        """Of each server the rows of few with their terms, by number."""
        self.spare: list[int] = []
        self.least = self.cost.min(axis=1)
        for row in model.program.rows:
            if row.tag.rule != ONE_PLACE:
                self._add(row, place)
        paid = self.cost[(self.cost > 0) & (self.cost < _NEVER)]
        typical = float(np.median(paid)) if paid.size else 1.0
        for room in self.rooms:
            room.price = np.full(shape[1], typical) / (np.max(room.need, axis=0) / 4 + 1)
        self.load_price = typical / (float(np.max(self.load)) / 4 + 1)

    def _add(self, row: Row, place: Mapping[int, tuple[int, int]]) -> None:
        """A row that only LPARs of one server weigh on becomes room of it; others are looked at one by one."""
        rule, server = row.tag.rule, row.tag.subject
        if rule in _ROOMS and server in self.column and all(i in place for i in row.terms):
            room = self.rooms[_ROOMS.index(rule)]
            room.spare[self.column[server]] = row.rhs
            for variable, c in row.terms.items():
                room.need[place[variable]] = c
        elif row.tag == MEASURE:
            self.left = float(row.rhs)
            for variable, c in row.terms.items():
                self.load[place[variable]] = c
        else:
            for k in {place[variable][1] for variable in row.terms if variable in place}:
                self.few[k].append((len(self.spare), row.terms))
            self.spare.append(row.rhs)

    @remembered
    def weighs(self, i: int, k: int) -> Sequence[tuple[int, int]]:
        """The rows of few that an LPAR weighs on when it is there, and how much."""
        variable = self.variable[i][k]
        return [(row, terms[variable]) for row, terms in self.few[k] if variable in terms]

    # ---- state ------------------------------------------------------------------------------------------------------

    def start(self, where: Mapping[str, str], likely: Mapping[tuple[str, str], float]) -> None:
        """Stand like this, but for LPARs that break a row of few: those go where they are likely next."""
        self.at = np.array([self.column[where[n]] for n in self.names])
        self.everyone = np.arange(len(self.at))
        for room in self.rooms:
            np.subtract.at(room.spare, self.at, room.need[self.everyone, self.at])
        self.left -= float(self.load[self.everyone, self.at].sum())
        for i, k in enumerate(self.at.tolist()):
            for row, c in self.weighs(i, k):
                self.spare[row] -= c
        for i, n in enumerate(self.names):
            if any(self.spare[row] < 0 for row, _ in self.weighs(i, int(self.at[i]))):
                others = sorted(((-likely.get((n, s), 0.0), self.cost[i, k], k) for s, k in self.column.items()
                                 if self.cost[i, k] < _NEVER and k != self.at[i]))
                for _, _, k in others:
                    if self.mends([(i, k)]):
                        self.take([(i, k)])
                        break

    def mends(self, steps: list[tuple[int, int]]) -> bool:
        """Whether no row of few is broken by these steps, or broken further."""
        change: dict[int, int] = {}
        for i, k in steps:
            for row, c in self.weighs(i, int(self.at[i])):
                change[row] = change.get(row, 0) - c
            for row, c in self.weighs(i, k):
                change[row] = change.get(row, 0) + c
        return all(more <= max(self.spare[row], 0) for row, more in change.items())

    def take(self, steps: list[tuple[int, int]]) -> None:
        """These LPARs stand there now."""
        for i, k in steps:
            here = int(self.at[i])
            for room in self.rooms:
                room.spare[here] += room.need[i, here]
                room.spare[k] -= room.need[i, k]
            self.left += float(self.load[i, here] - self.load[i, k])
            for row, c in self.weighs(i, here):
                self.spare[row] += c
            for row, c in self.weighs(i, k):
                self.spare[row] -= c
            self.at[i] = k

    def holds(self) -> bool:
        """Whether nothing is overdrawn."""
        roomy = all(bool((room.spare >= 0).all()) for room in self.rooms)
        return roomy and self.left >= 0 and min(self.spare, default=0) >= 0

    # ---- search -----------------------------------------------------------------------------------------------------

    def searched(self, target: float) -> list[int] | None:
        """The servers of the best placement met, by LPAR."""
        best: tuple[float, list[int]] | None = None
        until = np.zeros(len(self.at), np.int64)
        for step in range(_MOST_STEPS):
            if best is not None and step > _STEPS:
                break
            whole = self.holds()
            cost = float(self.cost[self.everyone, self.at].sum())
            if whole and (best is None or cost < best[0]):
                best = cost, self.at.tolist()
                if cost <= target:
                    break
            gain, steps = self._best(np.flatnonzero(until <= step))
            if not steps:
                break
            if not whole and gain >= 0:
                self._dearer()
            self.take(steps)
            for i, _ in steps:
                until[i] = step + 1 + _TENURE + step % _STAGGER
        return None if best is None else best[1]

    def _dearer(self) -> None:
        for room in self.rooms:
            room.price[room.spare < 0] *= _DEARER
        self.load_price *= _DEARER if self.left < 0 else 1.0

    def _best(self, free: NDArray[np.int64]) -> tuple[float, list[tuple[int, int]]]:
        """The shift or exchange of LPARs that may move that costs least, what is overdrawn included."""
        if not len(free):
            return 0.0, []
        some = free[self._worth_moving(free)]
        ranked: list[tuple[float, list[tuple[int, int]]]] = []
        for worth, exchange in ((self._shifts(free), False), (self._exchanges(some, free), True)):
            flat = worth.ravel()
            if not flat.size:
                continue
            first = np.argpartition(flat, min(_LOOKED_AT, flat.size) - 1)[:_LOOKED_AT]
            for index in first[np.lexsort((first, flat[first]))].tolist():
                a, b = divmod(index, worth.shape[1])
                if exchange:
                    i, j = int(some[a]), int(free[b])
                    steps = [(i, int(self.at[j])), (j, int(self.at[i]))]
                else:
                    steps = [(int(free[a]), b)]
                ranked.append((float(flat[index]), steps))
        ranked.sort(key=lambda r: (r[0], len(r[1]), r[1]))
        return next(((w, steps) for w, steps in ranked if w < _NEVER / 2 and self.mends(steps)), (0.0, []))

    def _overload(self, more: Floats) -> Floats:
        """What it costs that the load grows by so much."""
        over: Floats = (np.maximum(more - self.left, 0.0) - max(-self.left, 0.0)) * self.load_price
        return over

    def _shifts(self, free: NDArray[np.int64]) -> Floats:
        """By LPAR and server, what going there costs."""
        at = self.at[free]
        worth: Floats = self.cost[free] - self.cost[free, at][:, None]
        for room in self.rooms:
            here, now = room.need[free, at], room.overdrawn(room.spare, room.price)
            worth = worth + room.overdrawn(room.spare[None, :] - room.need[free], room.price[None, :]) - now[None, :]
            worth += (room.overdrawn(room.spare[at] + here, room.price[at]) - now[at])[:, None]
        worth += self._overload(self.load[free] - self.load[free, at][:, None])
        worth[range(len(free)), at] = _NEVER
        return worth

    def _worth_moving(self, free: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these are cheaper elsewhere, or weigh where something is overdrawn: one of two that change places
        is, or the exchange gains nothing."""
        at = self.at[free]
        worth: NDArray[np.bool_] = (self.cost[free, at] > self.least[free]) | (self.left < 0)
        for room in self.rooms:
            worth |= room.spare[at] < 0
        return worth

    def _exchanges(self, some: NDArray[np.int64], free: NDArray[np.int64]) -> Floats:
        """By LPAR and LPAR, what their changing places costs."""
        worth: Floats = self._instead(some, free) + self._instead(free, some).T
        here, there = self.at[some], self.at[free]
        if self.left < np.inf:
            worth += self._overload(self.load[some].take(there, axis=1) - self.load[some, here][:, None]
                                    + (self.load[free].take(here, axis=1) - self.load[free, there][:, None]).T)
        worth[here[:, None] == there[None, :]] = _NEVER
        return worth

    def _instead(self, who: NDArray[np.int64], whom: NDArray[np.int64]) -> Floats:
        """What it costs that each of ``who`` takes the place of each of ``whom``, which is gone then."""
        at = self.at[whom]
        worth: Floats = self.cost[who].take(at, axis=1)
        worth -= self.cost[who, self.at[who]][:, None]
        for room in self.rooms:
            over: Floats = room.need[who].take(at, axis=1)  # in place: this is most of what a search takes
            over -= room.need[whom, at] + room.spare[at]
            np.maximum(over, 0.0, out=over)
            over *= room.price[at]
            worth += over
            worth -= room.overdrawn(room.spare[at], room.price[at])
        return worth
