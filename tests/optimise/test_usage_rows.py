"""Usage in the placement program of an evacuation: the peak of the sum in every slot of every server and pool."""

from __future__ import annotations

from estates import estate, evacuate_goal, judged, lpar, pool, server, short_units

from planner.estate.model import Estate
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.stages import Answer
from planner.plan.choices import Status

ROOM = [server("A"), server("B", 6), server("C", 6)]


def of(**more: object) -> Estate:
    return estate(ROOM, [lpar("a1", "A", 1, 4), lpar("a2", "A", 1, 4), lpar("b1", "B", 1, 4), lpar("c1", "C", 1, 4)], **more)


def freed(of_: Estate, rows: dict[str, list[int]]) -> Answer:
    site, judge = judged(of_, rows)
    found = EvacuationProblem(site, judge, evacuate_goal(site, ["A"])).solve(20, 0.0)
    if found.status is Status.OPTIMAL:
        assert not judge.placement(site.start | dict(found.placement))
    return found


def test_lpars_that_peak_together_go_to_different_servers() -> None:
    """B and C have 5 cores beside their VIOSes; 3 + 3 at one hour is too much for either, at different hours it is not."""
    together = freed(of(), {"a1": [3000, 0], "a2": [3000, 0], "b1": [0, 0], "c1": [0, 0]})
    assert together.status is Status.OPTIMAL and len(set(together.placement.values())) == 2
    apart = freed(of(), {"a1": [3000, 0], "a2": [0, 3000], "b1": [5000, 5000], "c1": [1000, 1000]})
    assert apart.status is Status.OPTIMAL and set(apart.placement.values()) == {"C"}


def test_a_survivor_shifts_to_make_room_at_one_hour() -> None:
    answer = freed(of(), {"a1": [5000, 0], "a2": [0, 5000], "b1": [1000, 0], "c1": [0, 0]})
    assert answer.status is Status.OPTIMAL and dict(answer.placement) == {"a1": "C", "a2": "B"}


def test_no_room_at_one_hour_is_proved_and_named() -> None:
    answer = freed(of(), {"a1": [3000, 0], "a2": [3000, 0], "b1": [3000, 0], "c1": [3000, 0]})
    assert answer.status is Status.INFEASIBLE and answer.conflict is not None
    assert "processor.usage" in answer.conflict.rules
    assert sum(short_units(answer.conflict).values()) == 200, answer.conflict.summary


def test_a_pools_maximum_counts_what_its_lpars_use() -> None:
    """Pool 0 of B may have 3 cores: entitlements fit, the usage of both does not."""
    pools = of(pools=(pool("A", 0), pool("B", 0, 3), pool("C", 0, 3)))
    answer = freed(pools, {"a1": [2000, 0], "a2": [2000, 0], "b1": [500, 0], "c1": [500, 0]})
    assert answer.status is Status.OPTIMAL and len(set(answer.placement.values())) == 2


def test_what_was_too_much_at_the_start_is_no_obstacle_elsewhere() -> None:
    """B is over at 0:00 already: it takes in what sleeps then."""
    answer = freed(of(), {"a1": [0, 1000], "a2": [0, 1000], "b1": [9000, 0], "c1": [5000, 5000]})
    assert answer.status is Status.OPTIMAL and set(answer.placement.values()) == {"B"}
