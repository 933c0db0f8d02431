"""A wait that names a rule is needed for it: without the wait some timing breaks that rule, and with it none does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from estates import estate, exactly, judged, lpar, move, server

from planner.estate.model import Estate, Fibre, Port
from planner.plan.plan import Move, Wait
from planner.verify.waits import wait_claims

#: b1 leaves B for C, a1 comes to B: B has room for one of them.
OLD, NEW = lpar("b1", "B", 2, 16), lpar("a1", "A", 2, 16)


def told(of: Estate, *moves: Move) -> list[tuple[str, bool, bool]]:
    """Of each claim the LPAR, what its wait says and what the estate makes of it."""
    return [(c.subject, bool(c.said), bool(c.worked)) for c in wait_claims(moves, *judged(of))]


def two(of: Estate, *waits: Wait) -> list[Move]:
    """b1 goes first in a lane of its own; a1 has these waits."""
    return [move(of, "b1", "B", "C", number=1, lane=1, start_ms=0),
            move(of, "a1", "A", "B", number=2, lane=2, start_ms=400_000, waits=waits)]


def site(spare_gib: float) -> Estate:
    return estate([server("A"), exactly(server("B"), [OLD], spare_cores=8, spare_gib=spare_gib), server("C")], [OLD, NEW])


def test_a_wait_for_room_is_needed_where_there_is_too_little() -> None:
    of = site(1)
    assert told(of, *two(of, Wait(1, "arrived", "memory.capacity", ""))) == [("a1", True, True)] * 2


def test_a_wait_for_room_is_needless_where_there_is_enough_and_that_is_told() -> None:
    of = site(64)
    assert told(of, *two(of, Wait(1, "arrived", "memory.capacity", ""))) == [("a1", True, False)]


@pytest.mark.parametrize("rule", ["processor.capacity", "storage.npiv-ports", "policy.keep-apart"])
def test_a_wait_that_another_rule_needs_is_told(rule: str) -> None:
    of = site(1)
    assert told(of, *two(of, Wait(1, "arrived", rule, ""))) == [("a1", True, False)]


def test_that_room_is_free_only_when_who_leaves_has_arrived_is_told() -> None:
    """A wait for a move to be over, however it ended, keeps no room."""
    of = site(1)
    assert told(of, *two(of, Wait(1, "ended", "memory.capacity", ""))) == [("a1", True, True), ("a1", False, True)]


def test_a_wait_that_another_path_of_waits_makes_needless_is_told() -> None:
    """A third move is over before a1 begins, and waits for b1 itself: without its own wait a1 still comes after b1."""
    of = estate([server("A"), exactly(server("B"), [OLD], spare_cores=8, spare_gib=1), server("C"), server("D")],
                [OLD, NEW, lpar("d1", "D", 1, 4)])
    room = Wait(1, "arrived", "memory.capacity", "")
    between = move(of, "d1", "D", "C", number=2, lane=3, start_ms=400_000, waits=(Wait(1, "arrived", "", ""),))
    first, last = two(of, room, Wait(2, "arrived", "", ""))
    assert told(of, first, between, replace(last, number=3, start_ms=900_000)) == [("a1", True, False)]


@pytest.mark.parametrize(("rule", "free", "needed"), [
    ("storage.npiv-ports", 0, True), ("storage.npiv-mapping", 0, True), ("storage.npiv-ports", 1, False),
    ("memory.capacity", 0, False)])
def test_ports_are_counted_under_whichever_name_a_rule_has_them(rule: str, free: int, needed: bool) -> None:
    """b1 has the only virtual port of B that a1 can have."""
    of = estate([server("A"), server("B"), server("C")], [OLD, NEW])
    homes: Sequence[tuple[str, str]] = (("a1", "A"), ("b1", "B"))
    of = of.replace(
        fibres=tuple(Fibre(n, 40, f"{s}-v1", f"c05{n}0", f"c05{n}1", "f1", True, "fcs0") for n, s in homes),
        ports=tuple(Port(f"{s}-v1", "fcs0", "f1", free if s == "B" else 9) for s in "ABC"))
    first, last = two(of, Wait(1, "arrived", rule, ""))
    mapped = [replace(m, fibres=((40, f"{m.target}-v1", "fcs0"),)) for m in (first, last)]
    assert told(of, *mapped) == [("a1", True, True)] * 2 if needed else [("a1", True, False)]


def test_waits_without_a_rule_claim_nothing() -> None:
    of = site(64)
    assert not told(of, *two(of, Wait(1, "arrived", "", "its lane")))
