"""From times to waits: a partial order in which a schedule holds whatever the minutes are.

Chaining (Policella, Cesta, Oddi, Smith 2004 to 2009): every scarce thing that a move takes was handed on by a move that
is over, and each handover is a wait. A chained schedule keeps the times of the one that it came from. Which moves may
be in flight together, and what they hold, is then a question of the order alone (:class:`Check`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from planner.grouping import grouped
from planner.schedule.dispatch import Schedule
from planner.schedule.flight import NO_MOVERS, Pair
from planner.schedule.leg import PRODUCTION, Gate, Leg

_SAME = 1e-6
"""Seconds: what happens so near together happens at once."""


def bits(of: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while of:
        low = of & -of
        yield low.bit_length() - 1
        of ^= low


def closed(after: Sequence[Iterable[int]], order: Sequence[int]) -> list[int]:
    """Bits of all that is over before each move; ``order``: each stands behind what it waits for."""
    before = [0] * len(after)
    for i in order:
        for j in after[i]:
            before[i] |= before[j] | 1 << j
    return before


# ---- handing on ----------------------------------------------------------------------------------------------------


class _Slots:
    """So many places, each with who had it last; a move takes one and may keep others shut, which several may."""

    def __init__(self, count: int) -> None:
        self.last: list[set[int]] = [set() for _ in range(count)]
        self.ahead: list[set[int]] = [set() for _ in range(count)]
        """Who had a place before those that keep it shut."""
        self.busy = [0] * count
        self.held: dict[int, list[int]] = {}

    def taken(self, i: int, shut: int, new: Mapping[int, int], before: int) -> set[int]:
        """Move i takes a place and keeps ``shut`` others shut; from whom."""
        def later(s: int) -> tuple[int, int, int]:
            return (sum(not before >> j & 1 for j in self.last[s]), max((new[j] for j in self.last[s]), default=-1), s)

        idle = sorted((s for s, n in enumerate(self.busy) if not n), key=later)
        shut_now = [s for s, n in enumerate(self.busy) if n < 0]
        own, rest = idle[0], [*shut_now, *idle[1:]][:shut]
        from_whom = set(self.last[own])
        self.last[own], self.busy[own] = {i}, 1
        for s in rest:
            if not self.busy[s]:
                self.ahead[s], self.last[s] = self.last[s], set()
            from_whom |= self.ahead[s]
            self.last[s] = self.last[s] | {i}
            self.busy[s] -= 1
        self.held[i] = [own, *rest]
        return from_whom

    def given(self, i: int) -> None:
        """Move i is over."""
        own, *rest = self.held.pop(i)
        self.busy[own] = 0
        for s in rest:
            self.busy[s] += 1


class _Chain:
    """The handovers of a schedule, in the order of its times."""

    def __init__(self, leg: Leg, schedule: Schedule) -> None:
        n = len(leg.jobs)
        self.leg, self.schedule = leg, schedule
        self.after: list[set[int]] = [set() for _ in range(n)]
        self.before = [0] * n
        self.movers = [_Slots(cap) for cap in schedule.choice.caps]
        self.gates = [_Slots(g.limit) for g in leg.gates]
        self.tokens: list[list[tuple[int, int]]] = [[(c.slack, -1)] for c in leg.counts]
        """What is free of each count: (amount, who left it; -1: nobody)."""
        self.place = {i: k for k, i in enumerate(sorted(range(n), key=lambda i: (schedule.end[i], i)))}

    def made(self) -> list[set[int]]:
        """The moves that each one has something from."""
        s, over = self.schedule, set[int]()
        events = sorted([*((end, 0, i) for i, end in enumerate(s.end)), *((at, 1, i) for i, at in enumerate(s.start))],
                        key=lambda e: (round(e[0], 6), e[1], e[0], e[2]))
        for _, begins, i in events:
            if not begins:
                over.add(i)
                self._give(i)
            else:
                self._take(i, over)
        return self.after

    def _link(self, i: int, j: int) -> None:
        if not self.before[i] >> j & 1:
            self.after[i].add(j)
            self.before[i] |= self.before[j] | 1 << j

    def _take(self, i: int, over: set[int]) -> None:
        job, leg, pair = self.leg.jobs[i], self.leg, self.schedule.pair[i]
        for j in sorted({*leg.must[i], *(j for j in leg.never[i] if j in over)}, key=lambda j: -self.place[j]):
            self._link(i, j)
        for c, amount in job.takes:
            self._room(i, c, amount)
        for g in leg.gates_of[i]:
            for j in self.gates[g].taken(i, 0, self.place, self.before[i]):
                self._link(i, j)
        for v, most in zip(pair, job.most[pair], strict=True) if pair != NO_MOVERS else ():
            slots = self.movers[v]
            for j in slots.taken(i, max(0, len(slots.busy) - most), self.place, self.before[i]):
                self._link(i, j)

    def _room(self, i: int, c: int, amount: int) -> None:
        """From those that are before it anyway, then what was free at the start, then the largest."""
        rest = []
        for have, j in sorted(self.tokens[c], key=lambda t: (not (t[1] >= 0 and self.before[i] >> t[1] & 1),
                                                             t[1] >= 0, -t[0], t[1])):
            used = min(amount, have)
            amount -= used
            if used and j >= 0:
                self._link(i, j)
            if have > used:
                rest.append((have - used, j))
        self.tokens[c] = rest

    def _give(self, i: int) -> None:
        pair = self.schedule.pair[i]
        for v in pair if pair != NO_MOVERS else ():
            self.movers[v].given(i)
        for g in self.leg.gates_of[i]:
            self.gates[g].given(i)
        for c, amount in self.leg.jobs[i].gives:
            self.tokens[c].append((amount, i))


# ---- whatever the minutes are ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Broken:
    """What some timing would break: the id of the rule, and why for a person, or (``counted``) what is needed.
    ``room``: who leaves must have got away, else it is enough that the move is over. ``whose``: the move that it is
    said of; None: of any. ``counted`` things are taken by ``takers`` and left by ``givers``."""

    rule: str
    why: str
    room: bool = False
    counted: bool = False
    whose: int | None = None
    takers: frozenset[int] = frozenset()
    givers: frozenset[int] = frozenset()


class Check:
    """What of a leg could break in some timing of its moves, by their order alone.

    Reachable are the states in which what is over is closed under "before", and none of those in flight is before
    another. So the most flights at a time over a mover is the width of its moves (Dilworth); and a count is kept
    exactly when what arrivals take can all be served from what is free and what those before them gave (maximum flow).
    """

    def __init__(self, leg: Leg, pair: Sequence[Pair]) -> None:
        self.leg, self.pair = leg, pair
        over = grouped((v, i) for i, p in enumerate(pair) for v in (p if p != NO_MOVERS else ()))
        self.over = {v: sum(1 << i for i in those) for v, those in over.items()}
        self.takers = grouped((c, (i, q)) for i, job in enumerate(leg.jobs) for c, q in job.takes)
        self.givers = grouped((c, (i, q)) for i, job in enumerate(leg.jobs) for c, q in job.gives)
        self.moved = {c: sum(1 << i for i, _ in (*those, *self.givers.get(c, ())))
                      for c, those in self.takers.items()}
        self.counts_of = [sorted({c for c, _ in (*job.takes, *job.gives) if c in self.takers}) for job in leg.jobs]
        self.gate_bits = [sum(1 << i for i in g.members) for g in leg.gates]

    def broken(self, before: Sequence[int], lost: Mapping[int, int] | None = None) -> Iterator[Broken]:
        """All of it; with ``lost`` (move → bits of those that were before it and are not any more) of what that
        concerns alone."""
        names, never, must = self.leg.jobs, self.leg.never, self.leg.must
        for i in range(len(names)) if lost is None else lost:
            gone = ~0 if lost is None else lost[i]
            for j, (rule, why) in must[i].items():
                if gone >> j & 1 and not before[i] >> j & 1:
                    yield Broken(rule, why, rule != PRODUCTION, whose=i)
            for j, (rule, why) in never[i].items():
                if gone >> j & 1 and not (before[i] >> j | before[j] >> i) & 1:
                    yield Broken(rule, why, whose=i)
        for c in _concerned(lost, self.moved, self.counts_of):
            if not self._kept(c, before):
                count = self.leg.counts[c]
                yield Broken(count.rule, f"{count.what} on {count.server}", True, True, takers=frozenset(
                    i for i, _ in self.takers[c]), givers=frozenset(i for i, _ in self.givers.get(c, ())))
        for g in _concerned(lost, dict(enumerate(self.gate_bits)), self.leg.gates_of):
            gate: Gate = self.leg.gates[g]
            if _wider(self.gate_bits[g], before, gate.limit):
                yield Broken(gate.rule, gate.why)
        for v in _concerned(lost, self.over, self.pair):
            yield from self._mover(v, before)

    def _mover(self, v: int, before: Sequence[int]) -> Iterator[Broken]:
        leg, name, here = self.leg, self.leg.movers[v], self.over[v]
        if _wider(here, before, leg.limit[v]):
            yield Broken("timing.mover-limit", f"{name} carries {leg.limit[v]} at a time")
        after = [0] * len(before)
        for i in bits(here):
            for j in bits(before[i] & here):
                after[j] |= 1 << i
        for i in bits(here):
            most = leg.jobs[i].most[self.pair[i]][self.pair[i].index(v)]
            beside = here & ~(before[i] | after[i] | 1 << i)
            if most < leg.limit[v] and beside and _wider(beside, before, most - 1):
                lpar = leg.jobs[i].move.lpar
                alone = leg.site.is_heartbeat(lpar)
                yield Broken("timing.heartbeat" if alone else "timing.share", whose=i, why=(
                    f"{lpar} has a heartbeat and flies alone over {name}" if alone else
                    f"{lpar} needs its share of {name}: {most} at a time"))

    def _kept(self, c: int, before: Sequence[int]) -> bool:
        takes, gives, slack = self.takers[c], self.givers.get(c, []), self.leg.counts[c].slack
        for m, _ in takes:  # the last that has begun: all have arrived that are not behind it
            held = sum(q for j, q in takes if not before[j] >> m & 1)
            if held > slack + sum(q for j, q in gives if before[m] >> j & 1):
                return served(slack, takes, gives, before)
        return True


def _concerned(lost: Mapping[int, int] | None, members: Mapping[int, int], of: Sequence[Iterable[int]]) -> list[int]:
    """The things, with the bits of their moves, of which two moves have lost their order; all, where nothing is said to
    be lost. ``of``: the things of each move."""
    if lost is None:
        return sorted(members)
    return sorted({x for i, gone in lost.items() for x in of[i] if x in members and members[x] & gone})


def served(slack: int, takes: Sequence[tuple[int, int]], gives: Sequence[tuple[int, int]], before: Sequence[int]
           ) -> bool:
    """Whether what each arrival takes can all be had from what is free and from those that are gone before it.

    A maximum flow by augmenting paths (Ford and Fulkerson 1956): asked for every wait that may be left out, networkx
    took longer to be told of the graph than the rest of the schedule took.
    """
    left = [max(0, slack), *(amount for _, amount in gives)]
    may = [[0, *(n for n, (j, _) in enumerate(gives, 1) if before[i] >> j & 1)] for i, _ in takes]
    had: list[dict[int, int]] = [{} for _ in takes]
    """Of each arrival: number of who gives (0: what was free) → so much of it."""
    for n, (_, amount) in enumerate(takes):
        while amount:
            way = _way_to(n, left, may, had)
            if not way:
                return False
            last = way[-1][1]
            least = min(amount, left[last], *(had[a][give] for (_, give), (a, _) in pairwise(way)))
            left[last] -= least
            amount -= least
            for k, (a, give) in enumerate(way):
                had[a][give] = had[a].get(give, 0) + least
                if k:
                    had[a][way[k - 1][1]] -= least
    return True


def _way_to(first: int, left: Sequence[int], may: Sequence[Sequence[int]], had: Sequence[Mapping[int, int]]
            ) -> list[tuple[int, int]]:
    """(arrival, who gives it more) one after the other, each but the first making up for what it lets the one before it
    have, to one who has something left; [] where there is none."""
    seen: set[int] = set()
    todo: list[tuple[int, list[tuple[int, int]]]] = [(first, [])]
    while todo:
        n, way = todo.pop(0)
        for give in may[n]:
            if give in seen:
                continue
            seen.add(give)
            longer = [*way, (n, give)]
            if left[give]:
                return longer
            todo += [(m, longer) for m, own in enumerate(had) if own.get(give)]
    return []


def _wider(members: int, before: Sequence[int], most: int) -> bool:
    """Whether more than so many of these can be in flight at once: they are less a maximum matching of successions."""
    count = members.bit_count()
    return count > most and count - len(matched(members, before)) > most


def matched(members: int, before: Sequence[int], likes: Mapping[int, Sequence[int]] = MappingProxyType({})
            ) -> dict[int, int]:
    """Move → the one that comes next in its chain, in as few chains as the order allows; ``likes``: whom each would
    rather follow."""
    heir: dict[int, int] = {}

    def augmented(i: int, seen: list[int]) -> bool:
        for j in likes.get(i, ()):
            if seen[0] >> j & 1 or not before[i] >> j & 1:
                continue
            seen[0] |= 1 << j
            if j not in heir or augmented(heir[j], seen):
                heir[j] = i
                return True
        while options := before[i] & members & ~seen[0]:
            j = options.bit_length() - 1
            seen[0] |= 1 << j
            if j not in heir or augmented(heir[j], seen):
                heir[j] = i
                return True
        return False

    for i in bits(members):
        augmented(i, [0])
    return heir


# ---- waits -----------------------------------------------------------------------------------------------------------


class UnchainedError(Exception):
    """A schedule does not hold for every timing of its handovers: a defect."""


Arcs = list[set[int]]
"""Of each move those that it waits for."""


@dataclass(frozen=True, slots=True)
class Order:
    """``after[i]``: the moves that i waits for, and what would break without; None: nothing would, it keeps the pace or
    is the one before it in its lane. ``before``: bits of all that is over before each. ``lanes``: the moves in as few
    chains as their order allows, each in order; the first to begin is the first lane."""

    after: list[dict[int, Broken | None]]
    before: list[int]
    lanes: list[list[int]]

    @property
    def led(self) -> dict[int, int]:
        """Move → the one before it in its lane."""
        return {i: j for lane in self.lanes for j, i in pairwise(lane)}


def chained(leg: Leg, schedule: Schedule) -> Order:
    """The waits of a schedule: those that some timing needs, and those that keep its pace; no others."""
    return _Pruning(leg, schedule).order()


class _Pruning:
    """A schedule whose handovers become fewer."""

    def __init__(self, leg: Leg, schedule: Schedule) -> None:
        self.leg, self.schedule = leg, schedule
        self.by_start = sorted(range(len(leg.jobs)), key=lambda i: (schedule.start[i], schedule.end[i], i))
        self.check = Check(leg, schedule.pair)
        self.after: Arcs = _Chain(leg, schedule).made()
        self.before = closed(self.after, self.by_start)
        self.why: dict[tuple[int, int], Broken | None] = {}
        if any(self.check.broken(self.before)):
            raise UnchainedError

    def order(self) -> Order:
        """What is left, first without lanes, then with them: what a lane has in order needs no wait."""
        self._pace()
        self._prune({})
        lanes = _lanes(self.before, self.after, self.schedule)
        led = {i: j for lane in lanes for j, i in pairwise(lane)}
        for i, j in led.items():
            self.after[i].add(j)
        self._prune(led)
        return Order([{j: self.why.get((i, j)) for j in sorted(those)} for i, those in enumerate(self.after)],
                     self.before, lanes)

    def _prune(self, led: Mapping[int, int]) -> None:
        """Leave out what follows from the rest, and what neither a rule nor the pace needs while lanes have theirs."""
        for i, those in enumerate(self.after):
            implied = 0
            for j in those:
                implied |= self.before[j]
            self.after[i] = {j for j in those if not implied >> j & 1 or led.get(i) == j}
        arcs = [(i, j) for i, those in enumerate(self.after) for j in those if led.get(i) != j]
        for i, j in sorted(arcs, key=lambda arc: (self._tight(*arc), -self.schedule.start[arc[0]], arc)):
            self._try(i, j)

    def _try(self, i: int, j: int) -> None:
        """Leave a wait out, unless something breaks or the move would begin sooner."""
        after = self.after[i]
        after.discard(j)
        now = _reclosed(self.before, self.after, self.by_start, i)
        lost = {x: gone for x, new in enumerate(now) if (gone := self.before[x] & ~new)}
        found = next(self.check.broken(now, lost), None)
        if found is None and (not self._tight(i, j) or any(self._tight(i, k) for k in after)):
            self.before = now
        else:
            after.add(j)
            self.why[i, j] = found

    def _tight(self, i: int, j: int) -> bool:
        """Whether i begins as soon as j is over."""
        return abs(self.schedule.end[j] + self.leg.gap_s - self.schedule.start[i]) < _SAME

    def _pace(self) -> None:
        """Who begins later than its waits let it waits for the move at whose end it began."""
        for i, job in enumerate(self.leg.jobs):
            at = self.schedule.start[i]
            opened = at < _SAME or any(abs(at - low) < _SAME for low, _ in job.starts)
            if not opened and not any(self._tight(i, j) for j in self.after[i]):
                self.after[i] |= {j for j in range(len(self.after)) if self._tight(i, j)}
        self.before = closed(self.after, self.by_start)


def _reclosed(before: Sequence[int], after: Arcs, by_start: Sequence[int], changed: int) -> list[int]:
    """What is over before each, once one move waits for less."""
    now, touched = list(before), 1 << changed
    for x in by_start:
        if x == changed or before[x] & touched:
            new = 0
            for j in after[x]:
                new |= now[j] | 1 << j
            if new != now[x]:
                now[x] = new
                touched |= 1 << x
    return now


def _lanes(before: Sequence[int], after: Arcs, schedule: Schedule) -> list[list[int]]:
    """The moves in as few chains as their order allows; who waits for another rather follows it, best over the same
    movers."""
    pair, n = schedule.pair, len(after)
    likes = {i: sorted(those, key=lambda j: (-sum(a == b for a, b in zip(pair[i], pair[j], strict=True)),
                                             -schedule.end[j], j)) for i, those in enumerate(after)}
    heir = matched((1 << n) - 1, before, likes)
    led, out = set(heir.values()), []
    for i in sorted(range(n), key=lambda i: (schedule.start[i], i)):
        if i not in led:
            lane = [i]
            while lane[-1] in heir:
                lane.append(heir[lane[-1]])
            out.append(lane)
    return out
