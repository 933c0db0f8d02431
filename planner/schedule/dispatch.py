"""List scheduling: moves begin in the order of a list as soon as all that they need is there."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from planner.schedule.clock import Air
from planner.schedule.flight import NO_MOVERS, Pair
from planner.schedule.leg import ANYTIME, Leg

WAITS, FLIES, OVER, CHECKED = range(4)
_SOON = 1e-9


@dataclass(frozen=True, slots=True)
class ListOrder:
    """What a schedule is made of: the moves in the order in which they are offered a start; the number of each one's
    mover pair, -1 for the fastest that is free; how many flights each mover carries at most."""

    order: tuple[int, ...]
    pairs: tuple[int, ...]
    caps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each move begins and is over (s), over which movers, and by which choice; ``work``: forecasts made."""

    start: list[float]
    end: list[float]
    pair: list[Pair]
    choice: ListOrder
    work: int

    @property
    def makespan(self) -> float:
        """When the last move is over."""
        return max(self.end, default=0.0)

    @property
    def value(self) -> float:
        """What a search makes less: the end, and a little the mean of all ends."""
        return self.makespan + 0.01 * sum(self.end) / max(1, len(self.end))


class Dispatch:
    """One schedule in the making."""

    def __init__(self, leg: Leg, choice: ListOrder) -> None:
        n = len(leg.jobs)
        self.leg, self.choice = leg, choice
        self.rank = [0] * n
        for r, i in enumerate(choice.order):
            self.rank[i] = r
        self.air = Air(leg)
        self.flying: list[dict[int, int]] = [{} for _ in leg.movers]
        """Of each mover the flights that it carries, and how many at a time each of them bears there."""
        self.most: list[int] = list(choice.caps)
        """Flights that each mover may carry now."""
        self.open = [most > 0 for most in choice.caps]
        """Whether a mover may carry one more."""
        self.options = [job.pairs if c < 0 else (job.pairs[c],) for job, c in zip(leg.jobs, choice.pairs, strict=True)]
        self.sources = [tuple({a: None for a, _ in pairs if a >= 0}) for pairs in self.options]
        self.in_gate = [0] * len(leg.gates)
        self.free = [c.slack for c in leg.counts]
        self.state = [WAITS] * n
        self.started, self.ended = [0.0] * n, [0.0] * n
        self.waiting: defaultdict[Hashable, list[int]] = defaultdict(list)
        self.clock: list[tuple[float, int, int]] = []
        """(time, 0 for a move that was checked or 1 for one that may begin now, number)."""
        self.contested = [i for i in choice.order if leg.jobs[i].takes or leg.jobs[i].gives]

    def run(self, give_up: float = math.inf) -> Schedule | None:
        """The schedule; None when it ends later than ``give_up``, or nothing can go on."""
        left, now = len(self.leg.jobs), 0.0
        self._offer(self.choice.order, now)
        while left:
            until = self.clock[0][0] if self.clock else math.inf
            ended = self.air.next(now, until)
            if ended is not None:
                now, i = ended
                self._land(i, now)
                left -= 1
                if now > give_up:
                    return None
                if not self.leg.gap_s:
                    self._release(i, now)
                else:
                    heapq.heappush(self.clock, (now + self.leg.gap_s, 0, i))
            elif self.clock:
                now, kind, i = heapq.heappop(self.clock)
                if kind == 0:
                    self._release(i, now)
                else:
                    self._offer((i,), now)
            else:
                return None
        return Schedule(self.started, self.ended, self.air.pair, self.choice, self.air.work)

    def _land(self, i: int, now: float) -> None:
        self.air.finish(i)
        self.state[i], self.ended[i] = OVER, now

    def _release(self, i: int, now: float) -> None:
        """A move is over and checked: what it held is free for those that wait for it."""
        self._let_go(i)
        pair, waiting = self.air.pair[i], self.waiting.pop
        woken = {*waiting(("move", i), ()), *waiting("safe", ())}
        for c, _ in self.leg.jobs[i].gives:
            woken.update(waiting(("count", c), ()))
        for g in self.leg.gates_of[i]:
            woken.update(waiting(("gate", g), ()))
        for v in pair if pair != NO_MOVERS else ():
            woken.update(waiting(v, ()))
        if woken:
            self._offer(sorted(woken, key=self.rank.__getitem__), now)

    def _let_go(self, i: int) -> None:
        pair = self.air.pair[i]
        self.state[i] = CHECKED
        for v in pair if pair != NO_MOVERS else ():
            flying = self.flying[v]
            del flying[i]
            self.most[v] = most = min((self.choice.caps[v], *flying.values()))
            self.open[v] = len(flying) < most
        for g in self.leg.gates_of[i]:
            self.in_gate[g] -= 1
        for c, amount in self.leg.jobs[i].gives:
            self.free[c] += amount

    def _offer(self, moves: Iterable[int], now: float) -> None:
        state, waiting, ready = self.state, self.waiting, self._ready
        for i in moves:
            if state[i] == WAITS:
                pair, keys = ready(i, now)
                if pair is None:
                    for key in keys:
                        waiting[key].append(i)
                else:
                    self._begin(i, pair, now)

    def _begin(self, i: int, pair: Pair, now: float) -> None:
        self.state[i], self.started[i] = FLIES, now
        job = self.leg.jobs[i]
        for c, amount in job.takes:
            self.free[c] -= amount
        for g in self.leg.gates_of[i]:
            self.in_gate[g] += 1
        self.air.begin(i, pair, now)
        for v, bears in zip(pair, job.most[pair], strict=True) if pair != NO_MOVERS else ():
            flying = self.flying[v]
            flying[i] = bears
            if bears < self.most[v]:
                self.most[v] = bears
            self.open[v] = len(flying) < self.most[v]

    def _ready(self, i: int, now: float) -> tuple[Pair | None, Sequence[Hashable]]:
        """The mover pair on which a move may begin now, or what it waits for."""
        leg, state, is_open = self.leg, self.state, self.open
        for g in leg.gates_of[i]:  # what most wait for is looked at first
            if self.in_gate[g] >= leg.gates[g].limit:
                return None, (("gate", g),)
        sources = self.sources[i]
        for a in sources:
            if is_open[a]:
                break
        else:
            if sources:
                return None, sources
        job = leg.jobs[i]
        if job.starts is not ANYTIME and (opens := job.opens(now)) > now + _SOON:
            if opens < math.inf:
                heapq.heappush(self.clock, (opens, 1, i))
            return None, ()
        for j in leg.must[i]:
            if state[j] != CHECKED:
                return None, (("move", j),)
        for j in leg.never[i]:
            if state[j] in (FLIES, OVER):
                return None, (("move", j),)
        for c, amount in job.takes:
            if self.free[c] < amount:
                return None, (("count", c),)
        pair, keys = self._pair(i)
        if pair is not None and job.takes and not self._safe(i):
            return None, ("safe",)
        return pair, keys

    def _pair(self, i: int) -> tuple[Pair | None, Sequence[Hashable]]:
        """The chosen pair, or the fastest that has room for one more flight."""
        is_open, flying, options = self.open, self.flying, self.options[i]
        if options[0] == NO_MOVERS:
            return NO_MOVERS, ()
        best, rate, keys = None, 0.0, list[Hashable]()
        most, rates = self.leg.jobs[i].most, self.leg.rates
        for pair in options:
            a, b = pair
            if not is_open[a]:
                keys.append(a)
                continue
            if not is_open[b]:
                keys.append(b)
                continue
            n, m = len(flying[a]) + 1, len(flying[b]) + 1
            bears = most[pair]
            if n > bears[0]:
                keys.append(a)
            elif m > bears[1]:
                keys.append(b)
            elif (now := rates[a, b, n, m]) > rate:
                best, rate = pair, now
        return best, keys

    def _safe(self, i: int) -> bool:
        """Whether everything still goes, one by one, after a move has begun that may take the room of others."""
        leg, state = self.leg, self.state
        free, jobs = list(self.free), self.leg.jobs
        for j in self.contested:
            if state[j] in (FLIES, OVER):
                for c, amount in jobs[j].gives:
                    free[c] += amount
        for c, amount in jobs[i].takes:
            free[c] -= amount
        for c, amount in jobs[i].gives:
            free[c] += amount
        left = [j for j in self.contested if state[j] == WAITS and j != i]
        while left:
            waits, stuck = set(left), []
            for j in left:
                if all(free[c] >= amount for c, amount in jobs[j].takes) and waits.isdisjoint(leg.must[j]):
                    for c, amount in jobs[j].takes:
                        free[c] -= amount
                    for c, amount in jobs[j].gives:
                        free[c] += amount
                    waits.discard(j)
                else:
                    stuck.append(j)
            if len(stuck) == len(left):
                return False
            left = stuck
        return True


def listed(leg: Leg, order: Sequence[int], pairs: Sequence[int] = (), caps: Sequence[int] = ()) -> ListOrder:
    """A choice by its order; where nothing else is chosen, what is fastest and as many as may."""
    return ListOrder(tuple(order), tuple(pairs or [-1] * len(order)), tuple(caps or leg.limit))
