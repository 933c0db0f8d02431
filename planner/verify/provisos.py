"""What must hold at every moment, for every timing that an order allows: one class a kind, each with its exact test.

A move may fly once everything before it is over, and as long as it likes. So the states that can be are: a set of moves
that are over, with each one all that are before it; and in flight some of those that are next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

from planner.units import some
from planner.verify.order import Precedence


class Proviso(Protocol):
    """``breach``: what could happen against ``rule``; "": nothing. ``moves``: those that it looks at. ``room``: who
    waits for its sake needs that the other has got away, not only that its move is over."""

    @property
    def rule(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def moves(self) -> Collection[int]: ...
    @property
    def room(self) -> bool: ...
    def breach(self, order: Precedence) -> str: ...


def names(order: Precedence, moves: Collection[int]) -> str:
    return some([order.moves[i].lpar for i in moves], 4)


@dataclass(frozen=True, slots=True)
class Room:
    """Something of a server of which ``left`` is there when the leg begins: arrivals take of it, departures give.

    Of what has started, what is before it has surely left, and nothing else has. So the most that is held is that of
    some arrivals, less what those give that are before one of them.
    """

    rule: str
    subject: str
    server: str
    left: int
    takes: Mapping[int, int]
    gives: Mapping[int, int]
    shown: Callable[[int], str]
    room: bool = True

    @property
    def moves(self) -> Collection[int]:
        return [*self.takes, *self.gives]

    def breach(self, order: Precedence) -> str:
        if sum(self.takes.values()) <= self.left or self.surely(order):
            return ""
        early = self.worst(order)
        if not early:
            return ""
        gone = [d for d in self.gives if any(order.precedes(d, a) for a in early)]
        over = sum(self.takes[a] for a in early) - self.left - sum(self.gives[d] for d in gone)
        late = names(order, [d for d in self.gives if d not in gone])
        return (f"{names(order, early)} may be on {self.server} " + (f"before {late} left it" if late else "together")
                + f": {self.shown(over)} too many")

    def surely(self, order: Precedence) -> bool:
        """Whether each arrival finds its own even if all those have come that need not come after it, and none has left
        but those before it. Sound: it is asked of the last one that has started; not exact."""
        for a in self.takes:
            held = sum(n for o, n in self.takes.items() if not order.precedes(a, o))
            if held > self.left and held > self.left + sum(n for d, n in self.gives.items() if order.precedes(d, a)):
                return False
        return True

    def worst(self, order: Precedence) -> list[int]:
        """Arrivals that take more than there is for them; [] when there are none. Exact: a flow that fills all takes
        from what is left and from departures before them exists unless some arrivals lack it (minimum cut)."""
        import networkx as nx  # start-up: a plan in waves does without

        graph = nx.DiGraph()
        graph.add_edge("from", "left", capacity=max(self.left, 0))
        for d, amount in self.gives.items():
            graph.add_edge("from", ("left by", d), capacity=amount)
        for a, amount in self.takes.items():
            graph.add_edge("left", ("to", a))
            graph.add_edge(("to", a), "to", capacity=amount)
            graph.add_edges_from((("left by", d), ("to", a)) for d in self.gives if order.precedes(d, a))
        filled, (_, cut) = nx.minimum_cut(graph, "from", "to")
        return [] if filled >= sum(self.takes.values()) else [a for a in self.takes if ("to", a) in cut]


@dataclass(frozen=True, slots=True)
class Crowd:
    """No more than ``most`` of some moves fly at once; ``beside``: while this one does, which is one of them."""

    rule: str
    subject: str
    members: Collection[int]
    most: int
    what: str
    beside: int | None = None
    room: bool = False

    @property
    def moves(self) -> Collection[int]:
        return self.members

    def breach(self, order: Precedence) -> str:
        if len(self.members) <= self.most:
            return ""
        own = [] if self.beside is None else [self.beside]
        others = self.members if self.beside is None else order.beside(self.beside, self.members)
        together = order.crowd(others, self.most - len(own))
        return f"{names(order, [*own, *together])} may fly at once{self.what}" if together else ""


@dataclass(frozen=True, slots=True)
class Apart:
    """One of these (move, move) must be so that the first is over before the second starts."""

    rule: str
    subject: str
    ways: Collection[tuple[int, int]]
    moves: Collection[int]
    what: str
    room: bool = False

    def breach(self, order: Precedence) -> str:
        return "" if any(order.precedes(a, b) for a, b in self.ways) else self.what


@dataclass(frozen=True, slots=True)
class Stay:
    """An LPAR on a server, from the start of one move to the end of another; None: from the beginning of the leg, to
    its end."""

    lpar: str
    server: str
    arrives: int | None = None
    leaves: int | None = None
    number: int | None = None
    """Its partition id there."""


MOST_STATES = 20_000


@dataclass(frozen=True, slots=True)
class Assembly:
    """Rules that refuse some sets of LPARs on a server, and with a set all larger ones: no sum tells.

    ``refused``: what is wrong with a set. Where all that ever come may be there together nothing can be wrong; else
    every set is looked at that is as large as can be.
    """

    rule: str
    subject: str
    stays: Sequence[Stay]
    refused: Callable[[Collection[str]], str]
    enough: Callable[[Collection[str]], bool]
    room: bool = True

    @property
    def moves(self) -> Collection[int]:
        return [i for s in self.stays for i in (s.arrives, s.leaves) if i is not None]

    def breach(self, order: Precedence) -> str:
        if self.enough({s.lpar for s in self.stays}):
            return ""
        asked: set[frozenset[str]] = set()
        for number, there in enumerate(self._states(order)):
            if number >= MOST_STATES:
                return (f"more than {MOST_STATES:,} ways in which {self.subject} may fill are to be looked at: nobody "
                        "can say that this holds whatever the minutes")
            if there not in asked and (what := self.refused(sorted(there))):
                return f"{some(sorted(there), 6)} may be on {self.subject} at once: {what}"
            asked.add(there)
        return ""

    def _states(self, order: Precedence) -> Iterator[frozenset[str]]:
        """Who is there when certain arrivals have started, with each those before it, and none left but who must."""
        comes = sorted((s.arrives for s in self.stays if s.arrives is not None),
                       key=lambda i: order.before[i].bit_count())

        def grown(rest: Sequence[int], started: frozenset[int], gone: int) -> Iterator[frozenset[str]]:
            if not rest:
                yield frozenset(s.lpar for s in self.stays if (s.arrives is None or s.arrives in started)
                                and (s.leaves is None or not gone >> s.leaves & 1))
                return
            first = rest[0]
            yield from grown(rest[1:], started | {first}, gone | order.before[first])
            yield from grown([i for i in rest[1:] if not order.precedes(first, i)], started, gone)

        yield from grown(comes, frozenset(), 0)


def pairs(stays: Sequence[Stay]) -> Iterator[tuple[Stay, Stay]]:
    """Stays of two LPARs of which one at least begins with a move."""
    for a, b in combinations(stays, 2):
        if a.lpar != b.lpar and (a.arrives is not None or b.arrives is not None):
            yield a, b


def one_after_the_other(a: Stay, b: Stay) -> list[tuple[int, int]]:
    """How two stays may be kept from overlapping."""
    return [(x.leaves, y.arrives) for x, y in ((a, b), (b, a)) if x.leaves is not None and y.arrives is not None]
