"""The shortest schedule of a few moves, by looking at every one that lanes and waits can tell.

In a plan in lanes a move begins when its leg does, when another is over and checked, or when its blackout is over. So
at each of these moments every choice of moves and of movers is gone on with, unless it cannot end before the best that
is known: no flight is shorter than alone, what must follow follows, a server's movers carry so much together.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace

from planner.grouping import grouped
from planner.schedule.bound import quickest, tails
from planner.schedule.dispatch import FLIES, WAITS, Dispatch, Schedule, listed
from planner.schedule.flight import NO_MOVERS, Pair
from planner.schedule.leg import Leg

_SHORTER = 1e-6
"""Seconds by which a schedule must be shorter to count."""


def looked_through(leg: Leg, best: Schedule, work: int) -> tuple[Schedule, bool]:
    """The shortest schedule and True; the best one found and False where ``work`` was not enough, or the moves have
    priorities, which forbid some orders."""
    if len({job.rank for job in leg.jobs}) > 1:
        return best, False
    tree = _Tree(leg, best, work)
    tree.search()
    return replace(tree.best, work=min(tree.used, work)), tree.used <= work


class _Moment(Dispatch):
    """A schedule up to a moment, which can be gone on with in several ways."""

    def __init__(self, leg: Leg) -> None:
        super().__init__(leg, listed(leg, range(len(leg.jobs))))

    def copied(self) -> _Moment:
        """Another that goes its own way from here."""
        other = copy(self)
        other.air = self.air.copied()
        other.flying = [{**those} for those in self.flying]
        other.most, other.open, other.in_gate, other.free = [*self.most], [*self.open], [*self.in_gate], [*self.free]
        other.state, other.started, other.ended = [*self.state], [*self.started], [*self.ended]
        other.options, other.sources, other.clock = [*self.options], [*self.sources], [*self.clock]
        return other

    def _safe(self, i: int) -> bool:
        return True  # what leads nowhere is found out by going there

    def begun(self, i: int, pair: Pair, now: float) -> _Moment | None:
        """The same with a move on its way over these movers; None where it may not begin now."""
        self.options[i], self.sources[i] = (pair,), () if pair == NO_MOVERS else pair[:1]
        if self._ready(i, now)[0] is None:
            return None
        other = self.copied()
        other._begin(i, pair, now)
        return other

    def later(self, now: float) -> tuple[float, list[int]] | None:
        """The next moment at which moves may begin, and which; None where nothing is left that happens."""
        while True:
            ended = self.air.next(now, self.clock[0][0] if self.clock else math.inf)
            if ended is not None:
                now, i = ended
                self._land(i, now)
                heapq.heappush(self.clock, (now + self.leg.gap_s, 0, i))
                continue
            if not self.clock:
                return None
            now, kind, i = heapq.heappop(self.clock)
            if kind == 0:
                self._let_go(i)
                return now, self.open_now(now)
            if self.state[i] == WAITS:
                return now, [i]

    def open_now(self, now: float) -> list[int]:
        """Who may begin when something is over, as far as blackouts go; the others may once these are."""
        out = []
        for i in self.choice.order:
            opens = self.leg.jobs[i].opens(now) if self.state[i] == WAITS else math.inf
            if opens <= now:
                out.append(i)
            elif opens < math.inf and (opens, 1, i) not in self.clock:
                heapq.heappush(self.clock, (opens, 1, i))
        return out


@dataclass(frozen=True, slots=True)
class _Side:
    """The movers of a server as sources, or as targets, of these moves: bytes/s of all together at most, and the least
    of it that a flight keeps others from while it copies nothing."""

    members: tuple[int, ...]
    rate: float
    kept: float


class _Tree:
    """The search, depth first, long moves first."""

    def __init__(self, leg: Leg, best: Schedule, work: int) -> None:
        self.leg, self.best, self.work, self.used = leg, best, work, 0
        self.alone = quickest(leg)
        self.tails = tails(leg, self.alone)
        self.sides = [side for k in (0, 1) for side in _sides(leg, k)]
        self.alike = _alike(leg)
        self.twins = _twins(leg)

    def search(self) -> None:
        """Everything from the begin of the leg on."""
        begin = _Moment(self.leg)
        self._from(begin, 0.0, begin.open_now(0.0))

    def _from(self, here: _Moment, now: float, may: Sequence[int]) -> None:
        """Each choice of those that may begin, then what comes when no more of them do."""
        for n, i in enumerate(may):
            if any(here.state[j] == WAITS for j in self.twins[i]):
                continue
            for pair in self._pairs(here, i):
                other = here.begun(i, pair, now)
                if other is not None and self._worth(other, now):
                    self._from(other, now, may[n + 1:])
        following = here.later(now)
        if following is not None:
            if self._worth(here, following[0]):
                self._from(here, *following)
        elif WAITS not in here.state:
            self._found(here)

    def _found(self, here: _Moment) -> None:
        order = sorted(range(len(here.started)), key=lambda i: (here.started[i], i))
        chosen = [job.pairs.index(pair) for job, pair in zip(self.leg.jobs, here.air.pair, strict=True)]
        self.best = Schedule(here.started, here.ended, here.air.pair, listed(self.leg, order, chosen), 0)

    def _pairs(self, here: _Moment, i: int) -> Iterator[Pair]:
        """Of movers that are alike and carry nothing now the first alone."""
        for pair in self.leg.jobs[i].pairs:
            if pair == NO_MOVERS or all(here.flying[v] or all(here.flying[u] for u in self.alike[v]) for v in pair):
                yield pair

    def _worth(self, here: _Moment, now: float) -> bool:
        """Whether it may still end before the best one known."""
        self.used += 1
        if self.used > self.work:
            return False
        most, n = self.best.makespan - _SHORTER, len(here.state)
        seconds, fixed, sent = [0.0] * n, [0.0] * n, [0.0] * n
        for i, state in enumerate(here.state):
            alone = self.alone[i]
            if state == WAITS:
                seconds[i], fixed[i], sent[i] = alone.seconds, alone.overhead, alone.sent
                if now + self.tails[i] > most:
                    return False
            elif state == FLIES:
                seconds[i], fixed[i], sent[i] = here.air.left_at_best(i, now)
                if now + seconds[i] + self.tails[i] - alone.seconds > most:
                    return False
            elif here.ended[i] > most:
                return False
        loads = [*((sum(sent[i] + s.kept * fixed[i] for i in s.members), s.rate) for s in self.sides),
                 *((sum(seconds[i] for i in g.members), g.limit) for g in self.leg.gates)]
        return all(not load or now + load / rate <= most for load, rate in loads)


def _sides(leg: Leg, side: int) -> Iterator[_Side]:
    """Of each server what its movers carry together at most."""
    movers = grouped((leg.site.vioses[leg.movers[v]].server, v)
                     for v in dict.fromkeys(p[side] for job in leg.jobs for p in job.pairs if p != NO_MOVERS))
    for those in movers.values():
        members = tuple(i for i, job in enumerate(leg.jobs) if job.pairs[0][side] in those)
        most = {v: max(n * leg.rate(*p, *((n, 1) if side == 0 else (1, n))) for i in members
                       for p in leg.jobs[i].pairs if p[side] == v for n in range(1, leg.limit[v] + 1)) for v in those}
        held = leg.parameters.share_in_overhead
        yield _Side(members, sum(most.values()), min(most[v] / leg.limit[v] for v in those) if held else 0.0)


def _twins(leg: Leg) -> list[list[int]]:
    """Of each move those before it that carry, take and leave the same between the same servers, tied to nobody."""
    def tied(i: int) -> bool:
        return bool(leg.must[i] or leg.never[i] or any(i in of for of in leg.must))

    same = [(job.move.source, job.move.target, job.load, job.pairs, job.most, job.starts, job.takes, job.gives, of)
            for job, of in zip(leg.jobs, leg.gates_of, strict=True)]
    return [[j for j in range(i) if same[i] == same[j] and not tied(i) and not tied(j)] for i in range(len(same))]


def _alike(leg: Leg) -> dict[int, tuple[int, ...]]:
    """Mover → those before it on its server that do for every move what it does."""
    does = dict[int, dict[object, object]]()
    for i, job in enumerate(leg.jobs):
        for p in job.pairs if job.pairs[0] != NO_MOVERS else ():
            for side, v in enumerate(p):
                rates = [leg.rate(*p, *((n, 1) if side == 0 else (1, n))) for n in range(1, leg.limit[v] + 1)]
                does.setdefault(v, {})[i, side, p[1 - side]] = job.most[p], rates
    server = [leg.site.vioses[name].server for name in leg.movers]
    return {v: tuple(u for u in does if u < v and server[u] == server[v] and does[u] == does[v]) for v in does}
