"""A serial order of moves in which every rule for every moment holds, with parking moves where a cycle needs one."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

from planner.grouping import inverted, linked
from planner.rules import Judge, Site
from planner.rules.ledger import Ledger

_DIRECT_STATES, _DIRECT_TIMES = 50_000, 5
"""States of a search for an order without parking at most: so many, and so many times those of one with parking."""
_DEEPEST = 400
"""Movers of a depth-first search at most: it recurses once for each."""
QUICK, THOROUGH = 1_000, 30_000
"""States of a search for parking moves at most: when other placements may be tried, and when none is left."""
_PARKING_WORK = 1_500_000
"""States times LPARs times servers: bounds a search by work, not by the clock, so that answers do not depend on it."""
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Step:
    """One move of the order; ``parking``: the LPAR moves again later on this leg."""

    lpar: str
    source: str
    target: str
    parking: bool = False


def serial_order(site: Site, judge: Judge, start: Mapping[str, str], final: Mapping[str, str],
                 first: Sequence[str] = (), unmoved: Collection[str] = (),
                 states: int = THOROUGH) -> list[Step] | None:
    """An order that takes every LPAR from ``start`` to ``final``, or None when none was found.

    Servers that are only left (nobody arrives there) free room nobody needs, so LPARs that come from them go last:
    they take room and give none. ``first`` orders equals; ``unmoved`` are never parked. The
    search is exhaustive over the others' orders up to a number of states; only then does it try parking. Where the
    first that fits each time leads nowhere, movers that share no server are put in order for themselves.
    """
    rank = {name: n for n, name in enumerate(first)}
    movers = sorted((n for n in final if final[n] != start[n]), key=lambda n: (rank.get(n, len(rank)), n))
    early, late = _early_late(start, final, movers)
    ledger = Ledger(site, start)
    if site.policies.production_order and (whole := _run(ledger.copy(), start, final, movers)) is not None:
        return whole
    first_way, tail = _run(ledger, start, final, early), _run(ledger, start, final, late)
    if first_way is not None and tail is not None:
        return [*first_way, *tail]
    steps = _by_group(site, judge, start, final, _apart(start, final, movers), unmoved, states)
    return steps if steps is not None else _in_order(site, judge, start, final, movers, unmoved, states)


def _early_late(start: Mapping[str, str], final: Mapping[str, str], movers: Sequence[str]
                ) -> tuple[list[str], list[str]]:
    """Movers from servers at which somebody arrives, and the others."""
    arriving = {final[n] for n in movers}
    return [n for n in movers if start[n] in arriving], [n for n in movers if start[n] not in arriving]


def _by_group(site: Site, judge: Judge, start: Mapping[str, str], final: Mapping[str, str],
              groups: Sequence[Sequence[str]], unmoved: Collection[str], states: int) -> list[Step] | None:
    """One group after the other; None where there is but one, or one of them has no order."""
    steps: list[Step] = []
    now = dict(start)
    for names in groups if len(groups) > 1 else ():
        then = now | {n: final[n] for n in names}
        part = _in_order(site, judge, now, then, names, unmoved, states)
        if part is None:
            return None
        steps, now = [*steps, *part], then
    return mark_parking(steps) if steps else None


def _apart(start: Mapping[str, str], final: Mapping[str, str], movers: Sequence[str]) -> list[list[str]]:
    """The movers in groups that share no server, each in their order."""
    groups = linked(sorted({s for n in movers for s in (start[n], final[n])}), {(start[n], final[n]) for n in movers})
    number = {s: k for k, servers in enumerate(groups) for s in servers}
    return list(inverted(((n, number[start[n]]) for n in movers), range(len(groups))).values())


def _in_order(site: Site, judge: Judge, start: Mapping[str, str], final: Mapping[str, str], movers: Sequence[str],
              unmoved: Collection[str], states: int) -> list[Step] | None:
    """An order of these movers, the first of equals first."""
    early, late = _early_late(start, final, movers)
    most = min(_DIRECT_STATES, _DIRECT_TIMES * states)
    steps = _direct(site, start, final, early, late, most)
    if steps is None and early and len(movers) <= _DEEPEST:
        steps = _direct(site, start, final, movers, [], most)
    return steps if steps is not None else _with_parking(site, judge, start, final, movers, unmoved, states)


def goes_straight(site: Site, placement: Mapping[str, str]) -> bool:
    """Whether each LPAR can go where a placement has it as soon as it fits there, one after the other, none parked."""
    movers = sorted(n for n, s in placement.items() if s != site.start[n])
    return _run(Ledger(site, site.start), site.start, placement, movers) is not None


def going_straight(site: Site, judge: Judge, placement: Mapping[str, str]) -> dict[str, str]:
    """Those of a placement who can go straight to their servers, one after the other, while the others stay."""
    start, ledger = site.start, Ledger(site, site.start)
    left = [n for n, s in placement.items() if n in start and judge.allowed(n, start[n], s)]
    able: dict[str, str] = {}
    while fitting := [n for n in left if n not in able and ledger.fits(n, placement[n])]:
        for name in fitting:
            if ledger.fits(name, placement[name]):
                ledger.move(name, start[name], placement[name])
                able[name] = placement[name]
    return able


def _run(ledger: Ledger, start: Mapping[str, str], final: Mapping[str, str],
         names: Sequence[str]) -> list[Step] | None:
    """These moves one after the other, each as soon as it fits; None when some never do. Changes ``ledger``."""
    steps: list[Step] = []
    open_ranks = list(range(len(names)))
    blocked: dict[str, list[int]] = {}
    while open_ranks:
        rank = heapq.heappop(open_ranks)
        name = names[rank]
        source, target = start[name], final[name]
        if not ledger.fits(name, target):
            # Only a departure from its target can let it in.
            blocked.setdefault(target, []).append(rank)
            continue
        ledger.move(name, source, target)
        steps.append(Step(name, source, target))
        for waiting in blocked.pop(source, ()):
            heapq.heappush(open_ranks, waiting)
    return steps if len(steps) == len(names) else None


def _direct(site: Site, start: Mapping[str, str], final: Mapping[str, str], early: Sequence[str],
            late: Sequence[str], most: int) -> list[Step] | None:
    """Depth first over the order of ``early`` (``most`` failed sets are remembered), then ``late`` as they fit.

    The first way down is that of the first that fits each time; it mostly arrives, and takes no recursion. More than
    ``_DEEPEST`` are not searched further.
    """
    ledger = Ledger(site, start)
    first = _run(ledger, start, final, early)
    tail = None if first is None else _run(ledger, start, final, late)
    if first is not None and tail is not None:
        return [*first, *tail]
    if len(early) > _DEEPEST:
        return None
    failed: set[frozenset[str]] = set()
    ledger = Ledger(site, start)
    steps: list[Step] = []

    def go(left: list[str]) -> bool:
        if not left:
            tail = _run(ledger.copy(), start, final, late)
            if tail is None:
                return False
            steps.extend(tail)
            return True
        key = frozenset(left)
        if key in failed or len(failed) > most:
            return False
        for name in left:
            if ledger.fits(name, final[name]):
                ledger.move(name, start[name], final[name])
                steps.append(Step(name, start[name], final[name]))
                if go([n for n in left if n != name]):
                    return True
                steps.pop()
                ledger.move(name, final[name], start[name])
        failed.add(key)
        return False

    return steps if go(list(early)) else None


def _with_parking(site: Site, judge: Judge, start: Mapping[str, str], final: Mapping[str, str],
                  movers: Sequence[str], unmoved: Collection[str], states: int) -> list[Step] | None:
    """Best first over places: direct moves, and parking moves of whatever stands in the way of a blocked one.

    Tried with the movers alone, then with what runs where they arrive, then with everything that may move.
    """
    ready = may_park(judge, start, movers, unmoved)
    busy = {final[n] for n in movers}
    near = [n for n in ready if start[n] in busy]
    tried: set[tuple[int, bool]] = set()
    for others, deep in (([], False), (near, False), (ready, True)):
        if (len(others), deep) not in tried:
            tried.add((len(others), deep))
            steps = _search(site, judge, start, final, [*movers, *others], deep, states)
            if steps is not None:
                return steps
    return None


def may_park(judge: Judge, start: Mapping[str, str], movers: Sequence[str], unmoved: Collection[str]) -> list[str]:
    """Who may be parked beside the movers themselves."""
    excluded = {*movers, *unmoved}
    return [n for n in sorted(start) if n not in excluded and judge.ready(n)]


def best_first(origin: S, left: Callable[[S], int], following: Callable[[S], Iterable[tuple[Step, S]]],
               most: int) -> list[Step] | None:
    """Steps to a state with nothing ``left``, a short way soon rather than the shortest late; None when none was found
    within so many states. ``following``: the steps that are possible in a state, and the state after each."""
    ticket = count()
    heap: list[tuple[int, int, int, S, tuple[Step, ...]]] = [(left(origin), 0, next(ticket), origin, ())]
    seen = {origin: 0}
    expanded = 0
    while heap and expanded < most:
        _, done, _, state, steps = heapq.heappop(heap)
        if not left(state):
            return mark_parking(steps)
        expanded += 1
        for step, after in following(state):
            if seen.get(after, done + 2) > done + 1:
                seen[after] = done + 1
                heapq.heappush(heap, (done + 1 + 3 * left(after), done + 1, next(ticket), after, (*steps, step)))
    return None


def _search(site: Site, judge: Judge, start: Mapping[str, str], final: Mapping[str, str],
            pool: Sequence[str], deep: bool, states: int) -> list[Step] | None:
    goal = tuple(final.get(n, start[n]) for n in pool)
    inside = set(pool)
    fixed = Ledger(site, {n: s for n, s in start.items() if n not in inside})

    def left(places: tuple[str, ...]) -> int:
        return sum(a != b for a, b in zip(places, goal, strict=True))

    def following(places: tuple[str, ...]) -> Iterable[tuple[Step, tuple[str, ...]]]:
        ledger = fixed.copy()
        for name, server in zip(pool, places, strict=True):
            ledger.arrive(name, server)
        for i, target in _options(site, judge, pool, places, goal, ledger, deep):
            yield Step(pool[i], places[i], target), (*places[:i], target, *places[i + 1:])

    most = min(states, _PARKING_WORK // max(1, len(pool) * len(site.servers)))
    return best_first(tuple(start[n] for n in pool), left, following, most)


def _options(site: Site, judge: Judge, pool: Sequence[str], places: tuple[str, ...], goal: tuple[str, ...],
             ledger: Ledger, deep: bool) -> list[tuple[int, str]]:
    """Moves to the goal that fit now; when some do not, parking moves off the servers that they wait for.

    ``deep``: a server where a parking move does not fit is waited for as well.
    """
    direct, parking, blocked = [], [], []
    for i, (name, here, there) in enumerate(zip(pool, places, goal, strict=True)):
        if here != there and judge.allowed(name, here, there) and ledger.fits(name, there):
            direct.append((i, there))
        elif here != there and there not in blocked:
            blocked.append(there)
    for waited in blocked:
        aside = ((i, s) for i, name in enumerate(pool) if places[i] == waited
                 for s in site.servers if s not in (waited, goal[i]) and judge.allowed(name, waited, s))
        for i, s in aside:
            if ledger.fits(pool[i], s):
                parking.append((i, s))
            elif deep and s not in blocked:
                blocked.append(s)
    return direct + parking


def mark_parking(steps: Sequence[Step]) -> list[Step]:
    """The same steps, marked where the LPAR moves again later."""
    last = {step.lpar: n for n, step in enumerate(steps)}
    return [replace(s, parking=last[s.lpar] != n) for n, s in enumerate(steps)]
