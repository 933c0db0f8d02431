"""How long the moves of a leg take at least, by the cost model, in whatever order and over whatever movers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner.grouping import grouped
from planner.optimise.program import Program, Tag
from planner.optimise.solver import relaxed
from planner.schedule.flight import NO_MOVERS, Pair
from planner.schedule.leg import Leg

_TAG = Tag("makespan")
_MS, _KB = 1000, 1024
"""The program counts in ms and KiB, in whole numbers."""
_LATEST = 100_000_000
"""ms: no leg takes longer."""
_LIMIT_S = 20.0
_MOST_MOVES = 400
"""Of a part of a leg whose linear program is solved; longer ones have the plain bounds alone."""


@dataclass(frozen=True, slots=True)
class Alone:
    """The least that a move takes: seconds on its best pair, seconds before it copies, bytes and bytes/s there."""

    seconds: float
    overhead: float
    sent: float
    rate: float


def alone_on(leg: Leg, i: int, pair: Pair) -> Alone:
    """What a move takes at least on a pair of movers that it has for itself."""
    job, p = leg.jobs[i], leg.parameters
    if pair == NO_MOVERS:
        return Alone(job.load.overhead_s, job.load.overhead_s, 0.0, math.inf)
    rate = leg.rate(*pair, 1, 1)
    size, sent = job.load.volume, job.load.volume
    while True:
        following = min(job.load.working_set, job.load.dirtied * size / rate)
        sent += following
        if following <= p.stop_mb * 1e6 or following >= p.stop_ratio * size:
            fixed = job.load.overhead_s + p.resume_s
            return Alone(fixed + sent / rate, fixed, sent, rate)
        size = following


def quickest(leg: Leg) -> list[Alone]:
    """Of each move what it takes at least on its best pair."""
    return [min((alone_on(leg, i, pair) for pair in job.pairs), key=lambda a: a.seconds)
            for i, job in enumerate(leg.jobs)]


class Floors:
    """The parts of a leg, and lower bounds (s) on how long they take, each worked out when it is first asked for."""

    def __init__(self, leg: Leg) -> None:
        self.parts = leg.parts()
        self.legs = [leg.part(keep) for keep in self.parts]
        self._known: dict[int, float] = {}

    def of(self, part: int) -> float:
        """Of the part of that number."""
        if part not in self._known:
            self._known[part] = _part_at_least(self.legs[part])
        return self._known[part]

    def proved(self, part: int, seconds: float) -> None:
        """That it takes at least so long, by another proof."""
        self._known[part] = max(seconds, self._known.get(part, 0.0))

    def of_all(self) -> float:
        """Of the leg: the largest of its parts' bounds."""
        return max(map(self.of, range(len(self.parts))), default=0.0)


def at_least(leg: Leg) -> float:
    """A lower bound (s) on the makespan of a leg."""
    return Floors(leg).of_all()


def _part_at_least(leg: Leg) -> float:
    """The same of a part: the longest chain that must be, what gates and links let through, and a linear program of
    how flights share them."""
    alone = quickest(leg)
    head, tail = _heads(leg, alone), tails(leg, alone)
    plain = max((*(h + t for h, t in zip(head, tail, strict=True)), *_gate_bounds(leg, alone)), default=0.0)
    if len(leg.jobs) == 1 or len(leg.jobs) > _MOST_MOVES or all(a.rate == math.inf for a in alone):
        return plain
    program = MakespanProgram(leg, alone)
    program.add_span()
    program.add_moves()
    program.add_movers()
    program.add_heads(head)
    program.add_tails(tail)
    return max(plain, program.solved())


def _gate_bounds(leg: Leg, alone: Sequence[Alone]) -> Iterator[float]:
    for gate in leg.gates:
        yield sum(alone[i].seconds for i in gate.members) / gate.limit
    for i, never in enumerate(leg.never):
        together = {i, *never}
        if all(together - {j} <= never_of.keys() for j, never_of in ((j, leg.never[j]) for j in together)):
            yield sum(alone[j].seconds for j in together)


def forced(leg: Leg) -> list[tuple[int, int]]:
    """(j, i): i can never begin before j is over: a rule has it so, or without j's room not even everything else that
    leaves makes enough."""
    out = {(j, i) for i, those in enumerate(leg.must) for j in those}
    givers = grouped((c, (j, amount)) for j, job in enumerate(leg.jobs) for c, amount in job.gives)
    whole = {c: leg.counts[c].slack + sum(q for _, q in those) for c, those in givers.items()}
    out |= {(j, i) for i, job in enumerate(leg.jobs) for c, amount in job.takes
            for j, q in givers.get(c, ()) if j != i and whole[c] - q < amount}
    return sorted(out)


def _heads(leg: Leg, alone: Sequence[Alone]) -> list[float]:
    """The earliest begin of each move: what is forced before it is over, and enough can have left."""
    givers = grouped((c, (j, amount)) for j, job in enumerate(leg.jobs) for c, amount in job.gives)
    before = grouped((i, j) for j, i in forced(leg))
    first = [job.starts[0][0] if job.starts else 0.0 for job in leg.jobs]
    over = [at + a.seconds for at, a in zip(first, alone, strict=True)]
    for _ in leg.jobs:
        was = list(first)
        for i, job in enumerate(leg.jobs):
            waits = [over[j] + leg.gap_s for j in before.get(i, ())]
            waits += [_enough_left(amount - leg.counts[c].slack, [(over[j], q) for j, q in givers.get(c, ()) if j != i])
                      + leg.gap_s for c, amount in job.takes if amount > leg.counts[c].slack]
            first[i] = max((first[i], *waits))
            over[i] = first[i] + alone[i].seconds
        if was == first:
            break
    return first


def _enough_left(missing: int, leaving: Sequence[tuple[float, int]]) -> float:
    """When those who leave, (time, amount), have left so much."""
    at = 0.0
    for end, amount in sorted(leaving):
        if missing > 0:
            missing, at = missing - amount, end
    return at


def tails(leg: Leg, alone: Sequence[Alone]) -> list[float]:
    """Seconds from the begin of each move to the end of all that waits for it by force, at least."""
    least = [a.seconds for a in alone]
    after = grouped((j, i) for j, i in forced(leg))
    for _ in leg.jobs:
        was = list(least)
        for j, those in after.items():
            least[j] = max(least[j], *(alone[j].seconds + leg.gap_s + least[i] for i in those))
        if was == least:
            break
    return least


class MakespanProgram:
    """min T such that every move fits on one mover of each side (split, if that helps) and each server's gate suffices.

    Level n of a mover: the time τ(v, n) in which it carries n flights; o and c(i, v, n): the time at it that move i
    spends on its overhead and on copying. Σₙ τ(v, n) ≤ T; Σᵢ o + c ≤ n·τ(v, n); Σₙ o = overhead; while it copies a move
    gains rate/n − D on its state: Σₙ c·(rate/n − D) ≥ V − what the suspension may leave. A move is at most once in the
    air (o + c ≤ τ), and as long on its target's mover as on its source's. What begins late (head) or leaves much to do
    after it (tail) must fit into less. Where movers are shared only while moves copy, overhead takes no share.
    """

    def __init__(self, leg: Leg, alone: Sequence[Alone]) -> None:
        self.leg, self.alone = leg, alone
        self.program = Program()
        self.span = self.program.variable(_LATEST, "makespan")
        self.one = self.program.variable(1, "one")
        self.levels: dict[tuple[int, int], dict[int, int]] = {}
        """(mover, level) → the times that are spent at it."""
        self.flown: dict[int, dict[int, dict[int, int]]] = {}
        """Mover → move → the times of it there, with their level."""

    def add_span(self) -> None:
        """The whole is made least; the constant one."""
        self.program.equals({self.one: 1}, 1, _TAG)
        self.program.minimise({self.span: 1})

    def add_heads(self, head: Sequence[float]) -> None:
        """What begins late has its time in what is left."""
        self._marks([round(h, 3) for h in head])

    def add_tails(self, tail: Sequence[float]) -> None:
        """What leaves much to do after it has its time before that."""
        self._marks([round(t - a.seconds, 3) for t, a in zip(tail, self.alone, strict=True)])

    def add_moves(self) -> None:
        """Each move is on one mover of each side, overhead and copying done there."""
        for i, job in enumerate(self.leg.jobs):
            if job.pairs != (NO_MOVERS,):
                self._move(i)

    def solved(self) -> float:
        """The bound in seconds; 0.0 without one."""
        found = relaxed(self.program, range(len(self.program.upper)), _LIMIT_S)
        return max(0.0, (found.bound or 0.0) / _MS)

    def _least(self, terms: Mapping[int, float]) -> None:
        """Σ terms ≥ 0 in thousandths, coefficients rounded up, so that it asks no more than it says."""
        self.program.at_most({i: -math.ceil(1000 * c) for i, c in terms.items()}, 0, _TAG)

    def _time(self) -> int:
        return self.program.variable(_LATEST)

    def _move(self, i: int) -> None:
        job, p, held = self.leg.jobs[i], self.leg.parameters, self.leg.parameters.share_in_overhead
        slowest = min(self.leg.rate(*pair, *most) for pair, most in job.most.items())
        sent = min(alone_on(self.leg, i, pair).sent for pair in job.pairs)
        plain = job.load.working_set < job.load.volume or slowest < 2 * job.load.dirtied
        gain, loss = (sent, 0.0) if plain else (job.load.volume - 0.5 * p.stop_mb * 1e6, job.load.dirtied)
        fixed = (job.load.overhead_s if held else 0.0) + p.resume_s
        flight: dict[int, int] = {}
        for side in (0, 1):
            chosen = {v: self.program.variable(1) for v in sorted({pair[side] for pair in job.pairs})}
            self.program.equals({**dict.fromkeys(chosen.values(), -1), self.one: 1}, 0, _TAG)
            for v, here in chosen.items():
                spent, copied, carried = ({here: -1.0 * fixed * _MS}, {here: -gain / _KB}, {here: -sent / _KB})
                most = max(m[side] for pair, m in job.most.items() if pair[side] == v)
                for n in range(1, min(self.leg.limit[v], most) + 1):
                    o, c = self._time(), self._time()
                    levels = (n, 1) if side == 0 else (1, n)
                    best = max(self.leg.rate(*pair, *levels) for pair in job.pairs if pair[side] == v)
                    spent[o], carried[c] = 1.0, best / _KB / _MS
                    copied[c] = carried[c] - loss / _KB / _MS
                    for x in (o, c):
                        flight[x] = 1 - 2 * side
                        self.levels.setdefault((v, n), {})[x] = 1
                        self.flown.setdefault(v, {}).setdefault(i, {})[x] = n
                for terms in (spent, copied, carried):
                    self._least(terms)
        self.program.equals(flight, 0, _TAG)

    def add_movers(self) -> None:
        """What each mover carries at its levels, and the gates of servers: of those all of whose moves a gate holds."""
        seconds: dict[int, dict[int, int]] = {}
        for (v, n), terms in self.levels.items():
            tau = self._time()
            seconds.setdefault(v, {})[tau] = n
            self.program.at_most({**terms, tau: -n}, 0, _TAG)
            for mine in self.flown[v].values() if n > 1 else ():
                self.program.at_most({**{x: 1 for x, level in mine.items() if level == n}, tau: -1}, 0, _TAG)
        for those in seconds.values():
            self.program.at_most({**dict.fromkeys(those, 1), self.span: -1}, 0, _TAG)
        server = [self.leg.site.vioses[name].server for name in self.leg.movers]
        touching = grouped((s, i) for i, job in enumerate(self.leg.jobs) if job.pairs != (NO_MOVERS,)
                           for s in (job.move.source, job.move.target))
        for gate in self.leg.gates if seconds else ():
            for s, flown in sorted(touching.items()):
                if gate.rule == "timing.server-limit" and gate.members.issuperset(flown):
                    terms = {tau: n for v, taus in seconds.items() if server[v] == s for tau, n in taus.items()}
                    self.program.at_most({**terms, self.span: -gate.limit}, 0, _TAG)

    def _marks(self, marks: Sequence[float]) -> None:
        """Moves that begin so late, or leave so much to do, have their mover's time in what is left of the whole."""
        for by_move in self.flown.values():
            for mark in sorted({marks[i] for i in by_move} - {0.0}):
                terms = {x: self._share(n) for i, mine in by_move.items() if marks[i] >= mark for x, n in mine.items()}
                rest = {self.span: -_SHARES, self.one: math.floor(mark * _MS) * _SHARES}
                self.program.at_most(terms | rest, 0, _TAG)

    @staticmethod
    def _share(level: int) -> int:
        return _SHARES // level


_SHARES = 5040
"""Divisible by every number of flights up to 10; shares of more are rounded down."""
