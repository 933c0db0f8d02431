"""The clock of moves under way: each shares its movers with those that are in flight when it is, whose number changes.

With a constant share it agrees with :func:`planner.cost.copy_at` (docs/cost-model.md, "Shares that change").
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from copy import copy

from planner.estate.parameters import Parameters
from planner.schedule.flight import NO_MOVERS, Pair
from planner.schedule.leg import Leg

_OVERHEAD, _ROUND, _LAST, _RESUME, _ENDS, _OVER = range(6)
_TIMED = _OVERHEAD, _RESUME, _ENDS


class Air:
    """Flights under way. ``speed`` and ``over`` are factors on the rate and the overhead of each (how a night may
    differ from the prediction). All times in seconds."""

    def __init__(self, leg: Leg, speed: Sequence[float] = (), over: Sequence[float] = ()) -> None:
        n = len(leg.jobs)
        self.leg, self.speed, self.over = leg, speed, over
        p: Parameters = leg.parameters
        self.stop, self.ratio, self.resume_s = p.stop_mb * 1e6, p.stop_ratio, p.resume_s
        self.held = p.share_in_overhead
        self.users: list[set[int]] = [set() for _ in leg.movers]
        """Flights that share each mover now."""
        self.pair: list[Pair] = [NO_MOVERS] * n
        self.phase, self.rate = [_OVERHEAD] * n, [0.0] * n
        self.left, self.size, self.spent = [0.0] * n, [0.0] * n, [0.0] * n
        """Of the phase: seconds or bytes that are left; bytes of the round; seconds that it took so far."""
        self.at, self.version, self.ends = [0.0] * n, [0] * n, [math.nan] * n
        self.sent, self.still_s = [0.0] * n, [0.0] * n
        self.heap: list[tuple[float, int, int, bool]] = []
        """(time, version, move, whether it is over then; else it begins to copy)."""
        self.stale: set[int] = set()
        self.work = 0
        """Forecasts made: the unit of a search's budget."""

    def copied(self) -> Air:
        """Another that goes its own way from here."""
        other = copy(self)
        other.users = [{*of} for of in self.users]
        other.pair, other.phase, other.rate = [*self.pair], [*self.phase], [*self.rate]
        other.left, other.size, other.spent = [*self.left], [*self.size], [*self.spent]
        other.at, other.version, other.ends = [*self.at], [*self.version], [*self.ends]
        other.sent, other.still_s = [*self.sent], [*self.still_s]
        other.heap, other.stale = [*self.heap], {*self.stale}
        return other

    def begin(self, i: int, pair: Pair, now: float) -> None:
        """A move takes off."""
        load = self.leg.jobs[i].load
        self.pair[i], self.at[i], self.rate[i] = pair, now, 0.0
        self.sent[i] = self.still_s[i] = 0.0
        over = self.over[i] if self.over else 1.0
        if pair == NO_MOVERS:
            self.give_up(i, now, load.overhead_s * over)
            return
        self.phase[i], self.left[i] = _OVERHEAD, load.overhead_s * over
        if self.held:
            self._share(i)
        else:
            self.version[i] += 1
            heapq.heappush(self.heap, (now + self.left[i], self.version[i], i, False))

    def give_up(self, i: int, now: float, seconds: float) -> None:
        """A move, just begun, is over after so many seconds, whatever it has carried."""
        self.phase[i], self.left[i], self.at[i] = _ENDS, seconds, now
        self.version[i] += 1
        heapq.heappush(self.heap, (now + seconds, self.version[i], i, True))

    def _share(self, i: int) -> None:
        for mover in self.pair[i]:
            self.users[mover].add(i)
            self.stale.add(mover)

    def finish(self, i: int) -> None:
        """A move is over."""
        self.version[i] += 1
        if self.pair[i] != NO_MOVERS:
            for mover in self.pair[i]:
                self.users[mover].discard(i)
                self.stale.add(mover)

    def next(self, now: float, until: float) -> tuple[float, int] | None:
        """The next move that is over before ``until`` when none takes off before it, and when; taken from the queue."""
        if self.stale:
            self._reprice(now)
        heap, version = self.heap, self.version
        while heap and heap[0][0] <= until:
            end, number, i, over = heapq.heappop(heap)
            if number != version[i]:
                continue
            if over:
                self.ends[i] = end
                return end, i
            self.at[i] = end
            self._turn(i)
            self._share(i)
            self._reprice(end)
        return None

    def carried(self) -> tuple[list[float], list[float]]:
        """Of each move that is over the bytes that it has sent, and the seconds for which its LPAR stood still: added
        up when they are asked for, which a search never does."""
        for i, end in enumerate(self.ends):
            if end == end:
                self._advance(i, end)
        return self.sent, self.still_s

    def _reprice(self, now: float) -> None:
        users, rates, known, speed = self.users, self.rate, self.leg.rates, self.speed
        touched = set[int]().union(*[users[mover] for mover in self.stale])
        self.stale.clear()
        for i in touched:
            a, b = self.pair[i]
            rate = known[a, b, len(users[a]), len(users[b])]
            if speed:
                rate *= speed[i]
            if rate != rates[i] and self.phase[i] != _OVER:
                self._advance(i, now)
                rates[i] = rate
                self.version[i] += 1
                heapq.heappush(self.heap, (self._forecast(i), self.version[i], i, True))

    def _advance(self, i: int, now: float) -> None:
        """Bring a flight up to date at the rate that it had until now."""
        rest, rate = now - self.at[i], self.rate[i]
        self.at[i] = now
        while rest > 0 and (phase := self.phase[i]) != _OVER:
            timed, left = phase in _TIMED, self.left[i]
            needed = left if timed else left / rate
            part = rest if rest < needed else needed
            self.spent[i] += part
            if not timed:
                self.sent[i] += rate * part
            if phase in (_LAST, _RESUME):
                self.still_s[i] += part
            rest -= part
            if needed > part:
                self.left[i] = left - (part if timed else rate * part)
            else:
                self._turn(i)

    def _turn(self, i: int) -> None:
        """The next phase or round: what a round of d seconds dirties is min(working set, D·d)."""
        load, phase = self.leg.jobs[i].load, self.phase[i]
        if phase == _OVERHEAD:
            self.phase[i], self.size[i], self.left[i] = _ROUND, load.volume, load.volume
        elif phase == _ROUND:
            following = min(load.working_set, load.dirtied * self.spent[i])
            if following <= self.stop or following >= self.ratio * self.size[i]:
                self.phase[i] = _LAST
            self.size[i] = self.left[i] = following
        elif phase == _LAST:
            self.phase[i], self.left[i] = _RESUME, self.resume_s
        else:
            self.phase[i], self.left[i] = _OVER, 0.0
        self.spent[i] = 0.0

    def left_at_best(self, i: int, now: float) -> tuple[float, float, float]:
        """If it has its movers for itself from now on: seconds until it is over, those of them in which it copies
        nothing, and bytes that it sends."""
        self._advance(i, now)
        if self.pair[i] == NO_MOVERS:
            return self.left[i], self.left[i], 0.0
        shared, self.rate[i] = self.rate[i], self.leg.rate(*self.pair[i], 1, 1)
        seconds = self._forecast(i) - now
        fixed = self.left[i] if self.phase[i] >= _RESUME else self.resume_s + self.left[i] * (
            self.phase[i] == _OVERHEAD)
        sent = max(0.0, seconds - fixed) * self.rate[i]
        self.rate[i] = shared
        return seconds, fixed, sent

    def _forecast(self, i: int) -> float:
        """When it is over if its rate stays."""
        self.work += 1
        load, rate, end, phase = self.leg.jobs[i].load, self.rate[i], self.at[i], self.phase[i]
        left, size, spent = self.left[i], self.size[i], self.spent[i]
        if phase >= _RESUME:
            return end + left
        if phase == _OVERHEAD:
            end += left
            left = size = load.volume
            spent, phase = 0.0, _ROUND
        working, dirtied, stop, ratio = load.working_set, load.dirtied, self.stop, self.ratio
        while phase == _ROUND:
            needed = left / rate
            end += needed
            left = min(working, dirtied * (spent + needed))
            if left <= stop or left >= ratio * size:
                phase = _LAST
            size, spent = left, 0.0
        return end + left / rate + self.resume_s
