"""The order that lanes and waits give the moves of a leg: who must be over before whom, who may fly together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import or_

from planner.findings import Finding
from planner.grouping import grouped
from planner.plan.plan import Move, Wait
from planner.units import some
from planner.verify.base import broken

Arc = tuple[int, int, Wait | None]
"""(the place of one that must be over, of one that starts after it, the wait that says so; None: its lane does)."""


@dataclass(frozen=True, slots=True)
class Precedence:
    """Moves, and of each those that are over before it starts: bit j of ``before[i]`` is move j's."""

    moves: tuple[Move, ...]
    before: tuple[int, ...]

    def precedes(self, one: int, other: int) -> bool:
        """Whether one is over before the other starts, whatever the minutes."""
        return bool(self.before[other] >> one & 1)

    def beside(self, one: int, others: Iterable[int]) -> list[int]:
        """Those that may fly while this one does."""
        return [o for o in others if o != one and not self.precedes(o, one) and not self.precedes(one, o)]

    def crowd(self, members: Collection[int], most: int) -> list[int]:
        """More than ``most`` of these that may all fly at once, as many as there are; [] where that cannot be.

        No more fly at once than there are lanes; exactly, their number is that of the fewest chains of the order into
        which they go (Dilworth), which a maximum matching gives.
        """
        if len(members) <= most or len({self.moves[i].lane for i in members}) <= most:
            return []
        import networkx as nx  # start-up: a plan in waves does without

        graph, starts = nx.Graph(), [("over", i) for i in members]
        graph.add_nodes_from(starts)
        graph.add_nodes_from(("after", i) for i in members)
        graph.add_edges_from((("over", i), ("after", j)) for i in members for j in members if self.precedes(i, j))
        matching = nx.bipartite.hopcroft_karp_matching(graph, starts)
        if len(members) - len(matching) // 2 <= most:
            return []
        # What a smallest vertex cover leaves out on both sides (König).
        covered = {i for _, i in nx.bipartite.to_vertex_cover(graph, matching, starts)}
        return [i for i in members if i not in covered]


def arcs_of(moves: Sequence[Move]) -> list[Arc]:
    """What lanes and waits say at once; waits for what is not among the moves say nothing."""
    place = {m.number: i for i, m in enumerate(moves)}
    lanes = grouped(((m.leg, m.lane), i) for i, m in sorted(enumerate(moves), key=lambda one: (
        one[1].start_ms, one[1].number)))
    arcs: list[Arc] = [(a, b, None) for chain in lanes.values() for a, b in pairwise(chain)]
    return arcs + [(place[w.move], i, w) for i, m in enumerate(moves) for w in m.waits if w.move in place]


def ordered_by(moves: Sequence[Move], arcs: Sequence[Arc]) -> Precedence | None:
    """The order that follows from arcs; None where they go round in a circle."""
    after = grouped((a, b) for a, b, _ in arcs)
    open_arcs = [0] * len(moves)
    for _, b, _ in arcs:
        open_arcs[b] += 1
    before = [0] * len(moves)
    ready = [i for i, count in enumerate(open_arcs) if not count]
    for i in ready:  # grows as it goes
        for j in after.get(i, ()):
            before[j] |= before[i] | 1 << i
            open_arcs[j] -= 1
            if not open_arcs[j]:
                ready.append(j)
    return Precedence(tuple(moves), tuple(before)) if len(ready) == len(moves) else None


def depths(order: Precedence, arcs: Sequence[Arc]) -> list[int]:
    """Of each move the most that must be over one after the other before it."""
    depth = [0] * len(order.moves)
    into = grouped((b, a) for a, b, _ in arcs)
    for i in sorted(range(len(depth)), key=lambda i: order.before[i].bit_count()):
        depth[i] = max((depth[a] + 1 for a in into.get(i, ())), default=0)
    return depth


def malformed(moves: Sequence[Move]) -> list[Finding]:
    """What makes lanes and waits no order of these moves."""
    wrong = [broken("plan.lanes", m.lpar, f"move {m.number or 'without a number'} is in no lane")
             for m in moves if not m.lane]
    numbers = [m.number for m in sorted(moves, key=lambda m: (m.start_ms, m.number))]
    if numbers != [*range(1, len(moves) + 1)]:
        wrong.append(broken("plan.lanes", "plan", f"its moves have the numbers {some(map(str, numbers), 20)} in the "
                            f"order in which they start, not 1 to {len(moves)}"))
    for leg, lanes in grouped((m.leg, m.lane) for m in moves).items():
        if {*lanes} != {*range(1, len({*lanes}) + 1)}:
            wrong.append(broken("plan.lanes", "plan", f"the lanes of the way {leg} are "
                                f"{some(map(str, sorted({*lanes})), 20)}, not numbered from 1 on"))
    known = {m.number: m for m in moves}
    return wrong + [f for m in moves for f in _strange_waits(m, known)] + circular(moves)


def _strange_waits(move: Move, known: dict[int, Move]) -> Iterator[Finding]:
    waited = [w.move for w in move.waits]
    for number in dict.fromkeys(waited):
        other = known.get(number)
        what = ("no move of the plan has" if other is None else "is its own" if other is move else
                f"is of the way {other.leg}" if other.leg != move.leg else
                "stands twice" if waited.count(number) > 1 else "")
        if what:
            yield broken("plan.lanes", move.lpar, f"move {move.number} waits for move {number}, a number that {what}")


def circular(moves: Sequence[Move]) -> list[Finding]:
    """Moves that wait for one another."""
    if ordered_by(moves, arcs_of(moves)) is not None:
        return []
    return [broken("plan.lanes", "plan", "lanes and waits go round in a circle: " + " waits for ".join(
        f"{m.lpar} (move {m.number})" for m in _circle(moves)) + ": none of them ever starts")]


def _circle(moves: Sequence[Move]) -> list[Move]:
    """Moves each of which waits for the next, and the last for the first, which stands there again."""
    import networkx as nx

    graph = nx.DiGraph((b, a) for a, b, _ in arcs_of(moves))
    edges = nx.find_cycle(graph)
    return [moves[a] for a, _ in (*edges, edges[0])]


def needless_waits(order: Precedence, arcs: Sequence[Arc]) -> Iterator[tuple[int, Wait]]:
    """(move, wait) of waits that lane and other waits of the move imply. One for the move before it in its lane adds
    that this must have arrived, and why."""
    into = grouped((b, (a, w)) for a, b, w in arcs)
    for b, own in into.items():
        implied = reduce(or_, (order.before[a] for a, _ in own), 0)
        led = {a for a, w in own if w is None}
        yield from ((b, w) for a, w in own if w is not None and (
            implied >> a & 1 or (a in led and not (w.rule and w.until == "arrived"))))
