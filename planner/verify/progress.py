"""How far the work has come, by where the LPARs stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import or_

from planner.findings import Finding, Severity
from planner.grouping import grouped
from planner.plan.choices import OUT
from planner.plan.plan import Move, Plan
from planner.units import some
from planner.verify.order import arcs_of, ordered_by


def done_of(plan: Plan, home: Mapping[str, str], start: Mapping[str, str]) -> list[Move]:
    """The moves that are done, by where the LPARs stand: in lanes the fewest with which all is done that must be over
    before them; in waves, and where there are none such, the first so many that agree best."""
    counts = _in_order(plan, home, start) if plan.in_lanes else None
    if counts is None:
        return _first_done(plan.moves, home, start)
    own = grouped((m.lpar, m) for m in sorted(plan.moves, key=lambda m: m.start_ms))
    done = {m for n, moves in own.items() for m in moves[:counts[n]]}
    return [m for m in plan.moves if m in done]


def _in_order(plan: Plan, home: Mapping[str, str], start: Mapping[str, str]) -> dict[str, int] | None:
    """LPAR → how many of its moves are done; None where its place says that one is done before which another must be
    over that is not. The fewest that places allow, and ever more where others that are done need it."""
    before = _all_before(plan)
    if before is None:
        return None
    own = grouped((m.lpar, i) for i, m in sorted(enumerate(plan.moves), key=lambda one: one[1].start_ms))
    may = {n: _counts([home[n], *(plan.moves[i].target for i in places)], start.get(n)) for n, places in own.items()}
    counts, needed, todo = dict.fromkeys(own, 0), 0, [*own]
    while todo:
        for n in todo:
            least = max((k for k, i in enumerate(own[n], 1) if needed >> i & 1), default=0)
            if least > may[n][-1]:
                return None
            counts[n] = next(k for k in may[n] if k >= least)
        needed = reduce(or_, (before[i] for n in own for i in own[n][:counts[n]]), 0)
        todo = [n for n in own if any(needed >> i & 1 for i in own[n][counts[n]:])]
    return counts


def _counts(stops: Sequence[str], here: str | None) -> list[int]:
    """How many of its moves an LPAR may have made, by where it stands; any where it stands at none of its stops."""
    return [k for k, stop in enumerate(stops) if stop == here] or [*range(len(stops))]


def _all_before(plan: Plan) -> list[int] | None:
    """Of each move those that are over before it starts: all of the way out before each of the way back."""
    order = ordered_by(plan.moves, arcs_of(plan.moves))
    out = sum(1 << i for i, m in enumerate(plan.moves) if m.leg == OUT)
    return None if order is None else [
        bits if m.leg == OUT else bits | out for bits, m in zip(order.before, plan.moves, strict=True)]


def out_of_order(plan: Plan, done: Collection[Move]) -> list[Finding]:
    """Moves that are done although one that they wait for is not."""
    before, gone = _all_before(plan) if plan.in_lanes else None, {*done}
    late = {i: m for i, m in enumerate(plan.moves) if m not in gone}
    return [] if before is None else [
        Finding("plan.order", Severity.WARNING, m.lpar, f"has moved to {m.target} although "
                f"{some([late[j].lpar for j in missing], 4)} had to be over before it",
                "see by hand that what it waited for was there; the rest is checked from where everything stands")
        for i, m in enumerate(plan.moves) if i not in late and (missing := [j for j in late if before[i] >> j & 1])]


def next_of(plan: Plan, rest: Sequence[Move]) -> str:
    """What may start now."""
    if not rest:
        return "nothing"
    if not plan.in_lanes:
        return ", ".join(m.lpar for m in rest if m.wave == rest[0].wave)
    leg = [m for m in rest if m.leg == rest[0].leg]
    held = {b for _, b, _ in arcs_of(leg)}
    return ", ".join(f"{m.lpar} (lane {m.lane})" for i, m in enumerate(leg) if i not in held)


def _first_done(moves: Sequence[Move], home: Mapping[str, str], start: Mapping[str, str]) -> list[Move]:
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
