"""What the rules on moves in time say, to the second and of whom, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from estates import changed, estate, lpar, move, server

from planner.plan.plan import Move, Window
from planner.rules import Site
from planner.rules.base import Rule
from planner.rules.timing import (
    duration,
    inactive_concurrency,
    many_at_a_time,
    mover_concurrency,
    mover_place,
    server_concurrency,
)

OF = estate([server("A"), server("B"), server("C"), server("D", max_migrations=8)],
            [*(lpar(f"a{n}", "A", 0.1, 1) for n in range(1, 7)), lpar("c1", "C", 0.1, 1)])
STOPPED = OF.replace(lpars=tuple(replace(p, state="not activated") for p in OF.lpars))
START = 1_000_000


def flying(count: int, of: Any = OF, target: str = "B", **changes: Any) -> list[Move]:
    """So many at once from START on, when the last of them begins."""
    return [move(of, f"a{n}", "A", target, start_ms=START if n == count else START - 1000, duration_ms=10_000, **changes)
            for n in range(1, count + 1)]


def told(rule: Rule, moves: Sequence[Move], of: Any = OF, window: Window | None = None
         ) -> list[tuple[str, str]]:
    return [(b.subject, b.message) for b in rule.check(Site(of), moves, window)]


def test_a_server_and_a_mover_carry_four_and_no_fifth() -> None:
    assert told(server_concurrency, flying(4)) == told(mover_concurrency, flying(4)) == []
    assert told(server_concurrency, flying(5)) == [
        (s, f"5 moves at 1000 s on {s}, which supports 4 (what every level supports)") for s in ("A", "B")]
    assert told(mover_concurrency, flying(5)) == [
        (v, f"5 moves at 1000 s over {v}, which supports 4 (a link of 1 Gbit/s)") for v in ("A-v1", "B-v1")]


def test_one_inactive_migration_too_many_is_told_with_its_second() -> None:
    moves = flying(5, STOPPED, inactive=True, source_msp="", target_msp="")
    assert told(inactive_concurrency, moves[:4], STOPPED) == []
    assert told(inactive_concurrency, moves, STOPPED) == [
        (s, f"5 inactive migrations at 1000 s on {s}, which supports 4 (what every level supports)") for s in ("A", "B")]
    assert told(server_concurrency, moves, STOPPED) == []


def test_levels_are_wanted_of_those_that_fly_there_alone() -> None:
    """Five leave A for B, and one flies from C to D at the same time, of which nothing more is wanted."""
    beside = move(OF, "c1", "C", "D", start_ms=START, duration_ms=10_000)
    of = changed(OF, "A-v2", level="")
    found = told(many_at_a_time, [*flying(5), beside], of)
    assert {subject for subject, _ in found} == {f"a{n}" for n in range(1, 6)}
    assert all("carrying 5 moves at a time on A" in words for _, words in found)
    assert told(many_at_a_time, [*flying(4), beside], of) == []


def test_a_move_may_be_given_a_second_less_than_the_model_says_and_no_more() -> None:
    of = changed(OF, "a1", memory_mib=4096, max_memory_mib=4096)
    needed = Site(of).copy("a1", Site(of).pair_rate("A-v1", "B-v1")).duration_ms
    assert needed // 1000 == 102
    alone = move(of, "a1", "A", "B")
    assert told(duration, [replace(alone, duration_ms=needed - 1000)], of) == []
    assert told(duration, [replace(alone, duration_ms=needed - 1001)], of) == [
        ("a1", f"is given {(needed - 1001) / 1000:.0f} s; the cost model says {needed / 1000:.0f} s")]
    assert told(duration, [replace(alone, duration_ms=70_490)], of) == [("a1", "is given 70 s; the cost model says 102 s")]


@pytest.mark.parametrize(("changes", "words"), [
    ({"source_msp": "B-v1"}, ["B-v1 is no mover of A"]), ({"target_msp": ""}, ["no VIOS is no mover of B"]), ({}, []),
    ({"inactive": True}, ["is migrated inactive, which no mover carries, and the plan names one"]),
    ({"inactive": True, "source_msp": ""}, ["is migrated inactive, which no mover carries, and the plan names one"]),
    ({"inactive": True, "source_msp": "", "target_msp": ""}, [])])
def test_movers_are_of_source_and_target_and_none_carries_what_is_not_activated(changes: dict[str, Any], words: list[str]) -> None:
    assert told(mover_place, [move(OF, "a1", "A", "B", **changes)]) == [("a1", w) for w in words]
