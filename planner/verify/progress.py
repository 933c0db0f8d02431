"""How far the work has come, by where the LPARs stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.plan.plan import Move


def done_of(moves: Sequence[Move], home: Mapping[str, str], start: Mapping[str, str]) -> list[Move]:
    """The moves that are done: the first so many in the order of their starts that agree best with where the LPARs
    stand; the fewest of equally good (all at home: nothing is done)."""
    order = sorted(moves, key=lambda m: m.start_ms)
    place = dict(home)
    wrong = sum(start.get(n) != s for n, s in place.items())
    best = (wrong, 0)
    for number, move in enumerate(order, 1):
        here = start.get(move.lpar)
        wrong += (here != move.target) - (here != place[move.lpar])
        place[move.lpar] = move.target
        best = min(best, (wrong, number))
    own: dict[str, list[Move]] = {n: [] for n in home}
    count = dict.fromkeys(home, 0)
    for number, move in enumerate(order):
        own[move.lpar].append(move)
        count[move.lpar] += number < best[1]
    done: set[Move] = set()
    for lpar in home:
        stops = [home[lpar], *(m.target for m in own[lpar])]
        near = [n for n, s in enumerate(stops) if s == start.get(lpar)]
        reached = count[lpar]
        if near and stops[reached] != start.get(lpar):
            reached = min(near, key=lambda n: abs(n - count[lpar]))
        done.update(own[lpar][:reached])
    return [m for m in moves if m in done]
