"""What happens when people start each move as soon as what it waits for is over."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.schedule.chain import Broken
from planner.schedule.clock import Air
from planner.schedule.flight import Pair
from planner.schedule.leg import Leg


@dataclass(frozen=True, slots=True)
class Night:
    """How a night differs from the prediction: factors on the rate and the overhead of each move, and after how many
    seconds those fail that fail. With ``people`` each move takes one of them for ``before_s`` once it may begin, for
    ``after_s`` once it is over; while it flies none."""

    speed: Sequence[float] = ()
    over: Sequence[float] = ()
    failed: Mapping[int, float] = field(default_factory=dict)
    people: int = 0
    before_s: float = 0.0
    after_s: float = 0.0


AS_PREDICTED = Night()

Waits = Sequence[Mapping[int, Broken | None]]


@dataclass(frozen=True, slots=True)
class Played:
    """When each move begins and is over (s; NaN: it never begins, since what it waits for did not arrive), and where
    all is as predicted the bytes that it sends and the seconds for which its LPAR stands still."""

    start: list[float]
    end: list[float]
    sent: list[float]
    still_s: list[float]
    checked: float = 0.0
    """When the last person has checked the last move."""

    @property
    def over(self) -> float:
        """When the last move is over, and checked where people are."""
        return max((self.checked, *(e for e in self.end if not math.isnan(e))))


def played(leg: Leg, pair: Sequence[Pair], after: Waits, night: Night = AS_PREDICTED) -> Played:
    """The course of a leg whose moves wait for others, as their ``after`` says."""
    return _Play(leg, pair, after, night).course()


class _Play:
    def __init__(self, leg: Leg, pair: Sequence[Pair], after: Waits, night: Night) -> None:
        n = len(leg.jobs)
        self.leg, self.pair, self.after, self.night = leg, pair, after, night
        self.air = Air(leg, night.speed, night.over)
        self.start, self.end = [math.nan] * n, [math.nan] * n
        self.left = [len(those) for those in after]
        self.heirs: list[list[int]] = [[] for _ in range(n)]
        for i, those in enumerate(after):
            for j in those:
                self.heirs[j].append(i)
        self.lost: set[int] = set()
        self.clock: list[tuple[float, int]] = []
        self.free = [0.0] * night.people
        """When each of the people is free."""
        self.checked = 0.0
        for i, count in enumerate(self.left):
            if not count:
                self._due(i, 0.0)

    def _due(self, i: int, now: float) -> None:
        opens = self.leg.jobs[i].opens(now)
        if opens < math.inf:
            heapq.heappush(self.clock, (self._with_person(opens, self.night.before_s), i))

    def _with_person(self, now: float, seconds: float) -> float:
        """When the person who is free first has worked so long on a move from now on."""
        if not self.free:
            return now
        done = max(now, heapq.heappop(self.free)) + seconds
        heapq.heappush(self.free, done)
        return done

    def course(self) -> Played:
        now = 0.0
        while True:
            while self.clock and self.clock[0][0] <= now:
                self._begin(heapq.heappop(self.clock)[1], now)
            ended = self.air.next(now, self.clock[0][0] if self.clock else math.inf)
            if ended is not None:
                now, i = ended
                self.end[i] = now
                self.air.finish(i)
                self.checked = max(self.checked, self._with_person(now, self.night.after_s))
                self._over(i, now + self.leg.gap_s)
            elif self.clock:
                now = self.clock[0][0]
            else:
                sent, still_s = self.air.carried() if self.night is AS_PREDICTED else ([], [])
                return Played(self.start, self.end, sent, still_s, self.checked)

    def _begin(self, i: int, now: float) -> None:
        if any(j in self.lost and why is not None and why.room for j, why in self.after[i].items()):
            self.lost.add(i)
            self._over(i, now)
            return
        self.start[i] = now
        self.air.begin(i, self.pair[i], now)
        if i in self.night.failed:
            self.lost.add(i)
            self.air.give_up(i, now, self.night.failed[i])

    def _over(self, i: int, now: float) -> None:
        for x in self.heirs[i]:
            self.left[x] -= 1
            if not self.left[x]:
                self._due(x, now)
