"""What a bound on a leg is made of, on legs that are counted by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from estates import estate, lpar, server

from planner.plan.plan import Move
from planner.rules import Site
from planner.schedule.bound import _gate_bounds, _heads, at_least, forced, tails
from planner.schedule.flight import NO_MOVERS
from planner.schedule.leg import Gate, Job, Leg, Load, Scarce

SITE = Site(estate([server("A"), server("B")], [lpar("a1", "A")]))


def leg_with(*jobs: dict[str, Any], slack: int = 0, gap_s: float = 5.0) -> Leg:
    """Inactive migrations of 100 s from A to B that take and give of one scarce thing."""
    n = len(jobs)
    leg = Leg(SITE, [Job(Move(f"p{i}", "A", "B", inactive=True), Load(0.0, 0.0, 0.0, 100.0), (NO_MOVERS,),
                         {NO_MOVERS: (0, 0)}, **job) for i, job in enumerate(jobs)])
    leg.counts = [Scarce("memory.capacity", "B", "the memory", slack)]
    leg.must, leg.never = [{} for _ in range(n)], [{} for _ in range(n)]
    leg.gates_of, leg.gap_s = [[] for _ in range(n)], gap_s
    return leg


def takes(amount: int) -> dict[str, Any]:
    return {"takes": ((0, amount),)}


def gives(amount: int) -> dict[str, Any]:
    return {"gives": ((0, amount),)}


def lasting(*seconds: float) -> Any:
    return [SimpleNamespace(seconds=s) for s in seconds]


def test_who_arrives_is_forced_behind_those_alone_without_whom_there_is_never_enough() -> None:
    """1 is free, 2 and 3 are given: without the 3 the 4 that are taken never are; without the 2 they just are."""
    assert forced(leg_with(gives(2), gives(3), takes(4), slack=1)) == [(1, 2)]
    assert forced(leg_with(gives(2), gives(3), takes(5), slack=1)) == [(0, 2), (1, 2)]
    assert forced(leg_with(gives(2), gives(3), takes(3), slack=1)) == []


def test_what_a_rule_has_over_before_is_forced() -> None:
    leg = leg_with({}, {})
    leg.must[1][0] = "policy.keep-apart", "they may not be together"
    assert forced(leg) == [(0, 1)]


def test_the_earliest_begin_is_when_enough_can_have_left() -> None:
    """3 more than the 1 that is free is given by any two of three that end at 10, 20 and 30 s: after the second, and the
    gap behind it."""
    leg = leg_with(gives(2), gives(2), takes(4), gives(2), slack=1)
    assert forced(leg) == []
    assert _heads(leg, lasting(10, 20, 7, 30)) == [0.0, 0.0, 25.0, 0.0]


def test_who_gives_does_not_make_its_own_room() -> None:
    """A move that takes 2 here and gives 2 elsewhere of the same thing waits for the other."""
    leg = leg_with(gives(2) | takes(2), gives(2))
    assert _heads(leg, lasting(10, 20)) == [25.0, 0.0]


def test_what_is_taken_of_what_is_free_waits_for_nobody() -> None:
    assert _heads(leg_with(gives(2), takes(1), slack=1), lasting(10, 20)) == [0.0, 0.0]


def test_a_chain_is_as_long_as_its_moves_and_the_gaps_between_them() -> None:
    leg = leg_with({}, {}, {})
    leg.must[1][0] = leg.must[2][1] = "policy.keep-apart", "they may not be together"
    alone = lasting(10, 20, 30)
    assert _heads(leg, alone) == [0.0, 15.0, 40.0]
    assert tails(leg, alone) == [70.0, 55.0, 30.0]
    assert at_least(leg) == pytest.approx(3 * 100 + 2 * 5)


def test_a_gate_lets_so_many_through_at_a_time() -> None:
    leg = leg_with({}, {}, {}, {})
    leg.gates = [Gate("timing.inactive-limit", frozenset({0, 1, 2}), 2, "")]
    assert list(_gate_bounds(leg, lasting(10, 20, 30, 99))) == [30.0, 10.0, 20.0, 30.0, 99.0]


def test_those_who_never_fly_together_go_one_by_one_where_each_bars_every_other() -> None:
    """0 and 2 may fly together, both never beside 1: three that bar one another would take all their time."""
    path, ring = leg_with({}, {}, {}), leg_with({}, {}, {})
    why = "timing.cluster-nodes", "nodes"
    for leg, pairs in ((path, [(0, 1), (1, 2)]), (ring, [(0, 1), (1, 2), (0, 2)])):
        for i, j in pairs:
            leg.never[i][j] = leg.never[j][i] = why
    assert list(_gate_bounds(path, lasting(10, 20, 40))) == [30.0, 60.0]
    assert list(_gate_bounds(ring, lasting(10, 20, 40))) == [70.0] * 3
    assert at_least(path) == pytest.approx(200) and at_least(ring) == pytest.approx(300)
