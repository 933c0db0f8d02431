"""The clock of moves under way by hand: who shares what when, rounds, and how a flight goes on from the middle."""

from __future__ import annotations

import math
from typing import Any

import pytest
from estates import AS_UNDER_IVM, BASE, changed, move

from planner.cost import copy_at, state_bytes
from planner.estate.model import Estate, Parameter
from planner.rules import Site
from planner.schedule.clock import Air
from planner.schedule.flight import NO_MOVERS
from planner.schedule.leg import Leg, leg_of

IDLE = changed(changed(BASE, "a1", busy_units=0), "a2", busy_units=0)
"""Nothing is dirtied: 45 s of overhead, one round, and 0.5 s of standstill."""
SIZE, SMALL = float(state_bytes(8192, 8192)), float(state_bytes(4096, 4096))


def leg(of: Estate = IDLE, **parameters: float) -> Leg:
    """a1 (number 0) and a2 leave A for B."""
    site = Site(of.replace(parameters=(*AS_UNDER_IVM, *(Parameter(k, v) for k, v in parameters.items()))))
    return leg_of(site, [move(of, n, "A", "B") for n in ("a1", "a2")])


def flown(of: Leg, second: float = math.inf, **factors: Any) -> dict[int, float]:
    """When each is over, if a1 begins at 0 and a2 so many seconds later, over the same movers."""
    air, ends, now, pair = Air(of, **factors), dict[int, float](), 0.0, of.jobs[0].pairs[0]
    air.begin(0, pair, 0.0)
    begun = second == math.inf
    while True:
        if (over := air.next(now, math.inf if begun else second)) is not None:
            now, i = over
            ends[i] = now
            air.finish(i)
        elif begun:
            return ends
        else:
            begun, now = True, second
            air.begin(1, pair, second)


def rates(of: Leg) -> tuple[float, float]:
    """Alone, and of two."""
    a, b = of.jobs[0].pairs[0]
    return of.rate(a, b, 1, 1), of.rate(a, b, 2, 2)


def test_alone_it_takes_what_the_cost_model_says() -> None:
    for of in (IDLE, BASE, changed(BASE, "a1", busy_units=60, working_set_mib=700)):
        one = leg(of)
        cost = copy_at(one.site.lpars["a1"], rates(one)[0], one.site.parameters)
        assert flown(one)[0] * 1000 == pytest.approx(cost.duration_ms, abs=1)


WHOLE, HALF = SIZE / 79e6, SMALL / 79e6
"""Seconds of copying of a1 and of a2 alone: 110.465 and 55.249; two over the same movers take twice as long."""


@pytest.mark.parametrize(("second", "ends"), [
    # both from 45 on; a2 is over first, and a1 has half of that time's bytes
    (0.0, {1: 45 + 2 * HALF + 0.5, 0: 45.5 + 2 * HALF + (WHOLE - (2 * HALF + 0.5) / 2) + 0.5}),
    (20.0, {1: 65 + 2 * HALF + 0.5, 0: 65.5 + 2 * HALF + (WHOLE - (20.5 + 2 * HALF) / 2) + 0.5}),
    (60.0, {1: 105 + 2 * HALF + 0.5, 0: 105.5 + 2 * HALF + (WHOLE - 15 - (45.5 + 2 * HALF) / 2) + 0.5}),
    # a1 has 95 s behind it and takes twice the rest; a2 copies alone
    (140.0, {0: 140 + 2 * (WHOLE - 95) + 0.5, 1: 185 + HALF + 0.5}), (155.9, {0: 45 + WHOLE + 0.5, 1: 200.9 + HALF + 0.5})])
def test_both_share_their_movers_while_both_fly(second: float, ends: dict[int, float]) -> None:
    of = leg()
    assert rates(of) == (79e6, 39.5e6)
    assert flown(of, second) == pytest.approx(ends, abs=1e-6) and list(flown(of, second)) == list(ends)


def test_in_its_overhead_it_takes_no_share_where_that_is_said() -> None:
    """a2 begins at 60 and shares from 105 on, when a1 has 60 s behind it."""
    first = 105 + 2 * (WHOLE - 60) + 0.5
    assert flown(leg(share_in_overhead=0.0), 60.0) == pytest.approx(
        {0: first, 1: first + HALF - (first - 105) / 2 + 0.5}, abs=1e-6)


def test_a_night_makes_flights_slower_and_overheads_longer() -> None:
    assert flown(leg(), speed=[0.5, 1.0], over=[2.0, 1.0]) == pytest.approx({0: 90 + 2 * WHOLE + 0.5})
    assert flown(leg(share_in_overhead=0.0), over=[2.0, 1.0]) == pytest.approx({0: 90 + WHOLE + 0.5})
    assert flown(leg(), 140.0, over=[1.0, 2.0])[1] == pytest.approx(230 + HALF + 0.5)


@pytest.mark.parametrize(("units", "rounds"), [(4, 1), (5, 2), (355, 42), (356, 1), (400, 1)])
def test_rounds_end_at_100_mb_or_nine_tenths(units: int, rounds: int) -> None:
    """As in the clock of the replay: each hundredth of a core dirties 0.2 MB/s."""
    of = leg(changed(IDLE, "a1", busy_units=units))
    share = 0.2e6 * units / 79e6
    whole = sum(SIZE * share**n for n in range(rounds))
    last = min(SIZE, SIZE * share**rounds)
    air, pair = Air(of), of.jobs[0].pairs[0]
    air.begin(0, pair, 7.0)
    end = 7 + 45 + (whole + last) / 79e6 + 0.5
    assert air.next(7.0, end - 1e-3) is None and air.next(7.0, math.inf) == (pytest.approx(end), 0)
    sent, still = air.carried()
    assert (sent[0], still[0]) == pytest.approx((whole + last, last / 79e6 + 0.5)) and (sent[1], still[1]) == (0.0, 0.0)


@pytest.mark.parametrize(("at", "left", "fixed", "sent"), [
    (0.0, 45.5 + WHOLE, 45.5, SIZE), (10.0, 35.5 + WHOLE, 35.5, SIZE), (55.0, 0.5 + WHOLE - 10, 0.5, SIZE - 790e6),
    (45.2 + WHOLE, 0.3, 0.3, 0.0)])
def test_what_is_left_at_best_is_what_it_takes_with_its_movers_for_itself(at: float, left: float, fixed: float,
                                                                          sent: float) -> None:
    """Whoever shares them comes at this moment; the flight goes on as before."""
    of = leg()
    air, pair = Air(of), of.jobs[0].pairs[0]
    air.begin(0, pair, 0.0)
    assert air.next(0.0, at) is None
    air.begin(1, pair, at)
    assert air.next(at, at) is None
    found = air.left_at_best(0, at)
    assert found == pytest.approx((left, fixed, sent), abs=1e-6)
    number, end = next(iter(flown(of, at).items()))
    assert air.next(at, math.inf) == (pytest.approx(end), number)


def test_a_copy_goes_its_own_way() -> None:
    of = leg()
    air, pair = Air(of), of.jobs[0].pairs[0]
    air.begin(0, pair, 0.0)
    assert air.next(0.0, 60.0) is None
    other = air.copied()
    other.begin(1, pair, 60.0)
    assert other.next(60.0, math.inf) == (pytest.approx(flown(of, 60.0)[1]), 1)
    assert air.next(60.0, math.inf) == (pytest.approx(45.5 + WHOLE), 0)
    assert [len(users) for users in air.users if users] == [1, 1]
    assert (Air(of).work, air.work, other.work) == (0, 1, 3)  # forecasts: one alone, and of both when a2 begins


def test_what_is_given_up_is_over_when_it_is_said_and_what_is_not_activated_after_its_overhead() -> None:
    of = leg()
    air, pair = Air(of), of.jobs[0].pairs[0]
    air.begin(0, pair, 5.0)
    air.give_up(0, 5.0, 30.0)
    air.begin(1, NO_MOVERS, 5.0)
    assert air.left_at_best(1, 15.0) == (35.0, 35.0, 0.0)
    assert air.next(5.0, 34.9) is None and air.next(5.0, 35.0) == (35.0, 0)
    air.finish(0)
    assert air.next(35.0, math.inf) == (50.0, 1)
    air.finish(1)
    sent, still = air.carried()
    assert (sent, still) == ([0.0, 0.0], [0.0, 0.0]) and air.next(50.0, math.inf) is None
