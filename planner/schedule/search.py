"""The shortest schedule that a given amount of work finds: lists, then swaps, other places and other movers.

The same work gives the same schedule on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from planner.schedule.dispatch import Dispatch, ListOrder, Schedule, listed
from planner.schedule.flight import NO_MOVERS
from planner.schedule.leg import Leg

if TYPE_CHECKING:  # start-up: numpy
    from planner.schedule.bound import Floors

WORK = 60_000
"""Forecasts that a search makes unless asked for more."""
_FIRST_WORK = 2_000
_LOOKED_THROUGH = 5
"""Moves at most of a part of a leg of which every start is looked through."""
_ENOUGH = 1 + 1e-4
_WALK = 500
"""Forecasts of one walk for each move: then the next begins, every third at the best schedule so far, the others at the
first."""
_WARMTH = 0.015
"""How much worse than the one before a schedule may be, as a share of the first, when a walk begins."""


def shortest(leg: Leg, first: ListOrder, floors: Floors, work: int = WORK) -> Schedule | None:
    """The best schedule found; None when no list leads to the end, which a list that works one by one may not.

    Parts that have nothing in common are searched one by one, always the one that ends last: one of few moves through
    all that there are, then others with more work each time.
    """
    parts, legs = floors.parts, floors.legs
    firsts = [_of_part(first, keep) for keep in parts]
    begun = [best_of_lists(part, start, hurried=not work) for part, start in zip(legs, firsts, strict=True)]
    found = [one for one in begun if one is not None]
    if len(found) < len(parts):
        return None
    spent, used, small = [_FIRST_WORK] * len(parts), sum(s.work for s in found), {*range(len(parts))}
    while parts and used < work:
        worst = max(range(len(parts)), key=lambda k: found[k].makespan)
        floor = floors.of(worst)
        if worst in small and len(parts[worst]) <= _LOOKED_THROUGH and found[worst].makespan > floor:
            small.discard(worst)
            used += _looked_through(legs, found, worst, floors, work)
            continue
        if found[worst].makespan <= floor * _ENOUGH or spent[worst] > work:
            break
        spent[worst] = min(2 * spent[worst], work - used) if len(parts) > 1 else work - used
        better = _walked(legs[worst], found[worst], spent[worst], floor)
        used += better.work
        if better.value < found[worst].value:
            found[worst] = better
        if len(parts) == 1:
            break
    return _together(leg, parts, found, used)


def _looked_through(legs: Sequence[Leg], found: list[Schedule], part: int, floors: Floors, work: int) -> int:
    """Look at all schedules of a part that has few moves, with half of the work at most; the work that it took."""
    from planner.schedule.every_start import looked_through  # start-up: numpy

    found[part], proved = looked_through(legs[part], found[part], work // 2)
    if proved:
        floors.proved(part, found[part].makespan)
    return found[part].work


def _of_part(choice: ListOrder, keep: Sequence[int]) -> ListOrder:
    number = {i: n for n, i in enumerate(keep)}
    return ListOrder(tuple(number[i] for i in choice.order if i in number), tuple(choice.pairs[i] for i in keep),
                  choice.caps)


def _together(leg: Leg, parts: Sequence[Sequence[int]], found: Sequence[Schedule], work: int) -> Schedule:
    n = len(leg.jobs)
    start, end, pair, chosen = [0.0] * n, [0.0] * n, [NO_MOVERS] * n, [-1] * n
    caps = list(leg.limit)
    for keep, one in zip(parts, found, strict=True):
        for k, i in enumerate(keep):
            start[i], end[i], pair[i], chosen[i] = one.start[k], one.end[k], one.pair[k], one.choice.pairs[k]
            for v in pair[i] if pair[i] != NO_MOVERS else ():
                caps[v] = one.choice.caps[v]
    order = tuple(sorted(range(n), key=lambda i: (start[i], i)))
    return Schedule(start, end, pair, ListOrder(order, tuple(chosen), tuple(caps)), work)


def _lists(leg: Leg, first: ListOrder) -> Iterator[ListOrder]:
    """Where a search begins."""
    yield first
    n = len(leg.jobs)
    volume = [job.load.volume for job in leg.jobs]
    longest = sorted(range(n), key=lambda i: (-volume[i], i))
    helpers = [*(i for i in longest if leg.jobs[i].gives), *(i for i in longest if not leg.jobs[i].gives)]
    for order in (longest, helpers, first.order, longest[::-1]):
        for cap in (max(leg.limit, default=1), 3, 2, 1) if n <= 200 else (max(leg.limit, default=1), 2):
            yield listed(leg, _ranked(leg, order), (), [min(cap, most) for most in leg.limit])


def _ranked(leg: Leg, order: Sequence[int]) -> tuple[int, ...]:
    """The same order with the first of priority first."""
    return tuple(sorted(order, key=lambda i: leg.jobs[i].rank))


def best_of_lists(leg: Leg, first: ListOrder, *, hurried: bool = False) -> Schedule | None:
    """The best schedule of several lists; None when none leads to the end. ``hurried``: those that turn out to be worse
    are not played to their end, and their work does not count."""
    best, work = None, 0
    for choice in dict.fromkeys(_lists(leg, first)):
        one = Dispatch(leg, choice).run(best.value if hurried and best else math.inf)
        work += one.work if one else 0
        best = one if one and (best is None or one.value < best.value) else best
    return best and replace(best, work=work)


def _walked(leg: Leg, first: Schedule, work: int, enough: float) -> Schedule:
    """The best schedule of several walks until the work is used up or one is short ``enough``."""
    best, used, number = first, 0, 0
    while used < work and best.makespan > enough * _ENOUGH:
        number += 1
        begin = first if number % 3 else best
        found, more = _Walk(leg, begin, Random(number)).walked(min(work - used, _WALK * len(leg.jobs)), enough)
        used += more
        best = found if found.value < best.value else best
    return replace(best, work=used)


class _Walk:
    """Schedule after schedule, each a little other than the one before."""

    def __init__(self, leg: Leg, first: Schedule, random: Random) -> None:
        self.leg, self.random = leg, random
        self.here = self.best = first
        self.warmth = _WARMTH * first.makespan
        self.critical = self._last_chain(first)

    def walked(self, work: int, enough: float) -> tuple[Schedule, int]:
        """The best one, and the work that it took to find it."""
        used = 0
        while used < work and self.best.makespan > enough * _ENOUGH:
            most = self.here.value + self.warmth * (1 - used / work) ** 2 * self.random.random()
            found = Dispatch(self.leg, self._other()).run(most)
            used += max(len(self.leg.jobs), 20) if found is None else found.work
            if found is not None and found.value <= most:
                self.here = found
                self.critical = self._last_chain(found)
                self.best = found if found.value < self.best.value else self.best
        return self.best, used

    def _other(self) -> ListOrder:
        """A neighbour of where the walk is."""
        random, choice, n = self.random, self.here.choice, len(self.leg.jobs)
        order, pairs, caps = list(choice.order), list(choice.pairs), list(choice.caps)
        i = random.choice(self.critical) if random.random() < 0.8 else random.randrange(n)
        kind = random.random()
        if kind < 0.35:
            self._insert(order, i)
        elif kind < 0.6:
            a, b = order.index(i), order.index(random.choice(self.critical))
            order[a], order[b] = order[b], order[a]
        elif kind < 0.93 or self.here.pair[i] == NO_MOVERS:
            pairs[i] = random.randrange(-1, len(self.leg.jobs[i].pairs))
            if random.random() < 0.5:
                self._insert(order, i)
        else:
            v = random.choice(self.here.pair[i])
            caps[v] = random.randint(1, self.leg.limit[v])
        return ListOrder(_ranked(self.leg, order), tuple(pairs), tuple(caps))

    def _insert(self, order: list[int], i: int) -> None:
        n = len(order)
        place = order.index(self.random.choice(self.critical)) if n > 60 else self.random.randrange(n)
        order.remove(i)
        order.insert(place, i)

    def _last_chain(self, schedule: Schedule) -> list[int]:
        """The moves that could use a mover of the flights that lead, one after the other, to the last end."""
        i = max(range(len(schedule.end)), key=schedule.end.__getitem__)
        movers = set[int]()
        while True:
            movers.update(schedule.pair[i])
            earlier = [j for j, end in enumerate(schedule.end) if end <= schedule.start[i] + 1e-9 and j != i
                       and not set(schedule.pair[j]).isdisjoint(schedule.pair[i])]
            if not earlier:
                break
            i = max(earlier, key=schedule.end.__getitem__)
        near = [i for i, job in enumerate(self.leg.jobs) if any(v in movers for pair in job.pairs for v in pair)]
        return near or list(range(len(schedule.end)))
