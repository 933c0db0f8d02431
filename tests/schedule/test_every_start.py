"""A few moves: the schedule is the shortest of all that lanes and waits can tell, by brute force over partial orders."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, product
from random import Random

import pytest
from estates import estate, loaded, lpar, server
from tight import tight

from planner.estate.model import Estate, Parameter, Policy
from planner.jobs import Options, evacuate, window_from
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.plan.questions import Evacuate
from planner.rules import Site
from planner.schedule.bound import Floors
from planner.schedule.chain import Check, chained
from planner.schedule.dispatch import Dispatch, listed
from planner.schedule.every_start import looked_through
from planner.schedule.lanes import Pacing
from planner.schedule.leg import Leg, leg_of
from planner.schedule.play import played
from planner.schedule.search import shortest

_ENOUGH = 10**6


@cache
def orders(n: int) -> list[tuple[int, ...]]:
    """All partial orders of n moves, as bits of those before each: 19 of 3, 219 of 4."""
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    out = []
    for chosen in product((0, 1), repeat=len(pairs)):
        before = [0] * n
        for (i, j), yes in zip(pairs, chosen, strict=True):
            before[i] |= yes << j
        if not any(before[i] >> j & 1 and before[j] & ~before[i] | before[i] >> i & 1
                   for i in range(n) for j in range(n)) and not any(
                before[i] >> j & 1 and before[j] >> i & 1 for i, j in combinations(range(n), 2)):
            out.append(tuple(before))
    return out


def brute_force(leg: Leg) -> float:
    """The shortest of all orders over all movers that hold for every timing, each played."""
    n, best = len(leg.jobs), math.inf
    for pair in product(*(job.pairs for job in leg.jobs)):
        check = Check(leg, pair)
        for before in orders(n):
            if not any(check.broken(before)):
                after = [{j: None for j in range(n) if before[i] >> j & 1} for i in range(n)]
                best = min(best, played(leg, pair, after).over)
    return best


Legs = Callable[[Random, int], Leg]
"""Some moves of a plan, so many, each over two pairs of movers."""


def few_of(of: Estate, way: Iterable[tuple[str, str, str]], window: str = "", people: int = 0) -> Legs:
    clock = window_from(window) if window else None
    moves, site = [Move(*step) for step in way], Site(of)

    def few(rng: Random, n: int) -> Leg:
        leg = leg_of(site, [moves[i] for i in sorted(rng.sample(range(len(moves)), n))], window=clock, people=people)
        leg.jobs = [replace(job, pairs=tuple(sorted(rng.sample(job.pairs, 2)))) for job in leg.jobs]
        return leg

    return few


def stated(of: Estate, name: str, value: float) -> Estate:
    return of.replace(parameters=(*of.parameters, Parameter(name, value)))


def legs() -> Iterator[Legs]:
    """Of several kinds: room that others leave, gaps, shares held while copying alone, people, blackouts, nodes."""
    for seed in range(4):
        given = tight(seed, shifting=True)
        yield few_of(given.estate, given.way)
        yield few_of(stated(given.estate, "wave_gap_s", 20), given.way, people=2)
        yield few_of(stated(given.estate, "share_in_overhead", 0), given.way)
    rng = Random(5)
    sizes = [rng.choice((2, 8, 20, 48)) for _ in range(6)]
    lpars = [lpar(f"p{n}", "A", 0.5, gib, busy_units=rng.choice((5, 60, 150)))
             for n, gib in enumerate(sizes)]
    policies = (Policy("cluster", "c", "p0; p1"), Policy("blackout", "p2", "daily 22:02/22:05"))
    way = [(p.name, "A", "BC"[n % 2]) for n, p in enumerate(lpars)]
    yield few_of(estate([server(s, gib=256) for s in "ABC"], lpars, policies), way, "2026-12-05 22:00/06:00")


def test_all_partial_orders_are_counted() -> None:
    assert [len(orders(n)) for n in (1, 2, 3, 4)] == [1, 3, 19, 219]


def test_the_shortest_is_that_of_brute_force() -> None:
    rng, seen, shorter = Random(1), 0, 0
    for number, few in enumerate(legs()):
        for n in (2, 3, 3, 3) if number % 3 else (3, 3, 4):
            leg = few(rng, n)
            first = Dispatch(leg, listed(leg, range(len(leg.jobs)), [0] * len(leg.jobs))).run()
            if first is None:
                continue
            best, proved = looked_through(leg, first, _ENOUGH)
            assert proved
            assert best.makespan == pytest.approx(brute_force(leg), abs=1e-5)
            course = played(leg, best.pair, chained(leg, best).after)
            assert course.over == pytest.approx(best.makespan, abs=1e-5)
            assert best.makespan >= Floors(leg).of_all() - 0.01
            seen, shorter = seen + 1, shorter + (best.makespan < first.makespan - 1)
    assert seen > 40 and shorter > 5


def test_too_little_work_proves_nothing() -> None:
    leg = next(legs())(Random(3), 4)
    first = Dispatch(leg, listed(leg, range(4))).run()
    assert first is not None
    best, proved = looked_through(leg, first, 2)
    assert not proved and best.makespan <= first.makespan


def test_a_search_of_few_moves_ends_with_the_shortest_and_its_proof() -> None:
    rng = Random(2)
    for seed in range(4):
        given = tight(seed, shifting=False)
        leg = few_of(given.estate, given.way)(rng, 4)
        floors = Floors(leg)
        found = shortest(leg, listed(leg, range(4)), floors)
        assert found is not None
        assert found.makespan == pytest.approx(brute_force(leg), abs=1e-5)
        assert floors.of_all() == pytest.approx(found.makespan, abs=0.01)


def small_plan(*policies: Policy) -> Plan:
    lpars = [lpar(f"p{n}", "A", 0.5, gib, busy_units=40) for n, gib in enumerate((4, 9, 17, 17, 26))]
    of = estate([server(s) for s in "ABC"], lpars, policies)
    return evacuate(loaded(of), Evacuate(servers=("A",), come_back=True), Options(pacing=Pacing(effort=10)))


def test_a_plan_of_five_moves_says_that_it_is_the_shortest() -> None:
    plan = small_plan()
    assert len(plan.leg(OUT)) == 5 and plan.verified
    assert plan.shortest(OUT) and plan.shortest(BACK)


def test_where_priorities_forbid_orders_nothing_is_claimed() -> None:
    plan = small_plan(Policy("priority", "p0", "1"))
    assert plan.verified and not plan.shortest(OUT) and not plan.shortest(BACK)
