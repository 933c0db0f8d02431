"""Which port and VIOS each backing device of a vNIC gets, by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from estates import BASE, backed, changed, move

from planner.estate.model import Estate, SriovPort
from planner.rules import Site
from planner.schedule.vnics import with_vnics


def wired(backing: Mapping[str, Sequence[Sequence[Any]]], *ports: tuple[int | None, int | None], stand: str = "") -> Estate:
    """(logical ports, % of capacity) that T1, T2 … of B have free; the vNICs that there are stand on ``stand``."""
    return backed(BASE, backing, stand).replace(sriov=tuple(SriovPort("B", f"T{n}", *p) for n, p in enumerate(ports, 1)))


def placed(of: Estate, *moves: tuple[str, str, str]) -> list[list[tuple[int, int, str, str]]]:
    """(slot, device, VIOS, port) of each move, one after the other."""
    flown = [replace(move(of, *m, start_ms=1000 * n, duration_ms=500), vnics=()) for n, m in enumerate(moves)]
    return [[(b.slot, b.device, b.vios, b.port) for b in m.vnics] for m in with_vnics(Site(of), flown)]


def ports(of: Estate, *moves: tuple[str, str, str]) -> list[list[tuple[int, int, str]]]:
    return [[(slot, device, port) for slot, device, _, port in one] for one in placed(of, *moves)]


COME = (("a1", "A", "B"), ("a2", "A", "B"))


def test_who_came_stays_on_its_port_and_who_left_another_server_frees_none() -> None:
    of = wired({"a1": [(5,)], "a2": [(5,)], "c1": [(5,)]}, (1, 100))
    assert ports(of, *COME) == [[(7, 1, "T1")], []]
    assert ports(of, ("c1", "C", "A"), *COME)[1:] == [[(7, 1, "T1")], []]


@pytest.mark.parametrize("percent", [5, None])
def test_who_stood_there_at_the_start_frees_its_port_with_what_it_took(percent: int | None) -> None:
    """What states no capacity takes one hundredth."""
    of = wired({"a1": [(percent,)], "b1": [(percent,)]}, (0, 0), stand="T1")
    assert ports(of, ("a1", "A", "C"), ("b1", "B", "C"), ("a1", "C", "B"))[1:] == [[], [(7, 1, "T1")]]
    assert ports(of, ("b1", "B", "C"), ("a1", "A", "B")) == [[], [(7, 1, "T1")]]
    assert ports(of, ("a1", "A", "B"), ("b1", "B", "C")) == [[], []]


def test_of_ports_with_as_much_capacity_that_with_more_logical_ports_is_taken() -> None:
    assert ports(wired({"a1": [(5,)]}, (2, 50), (4, 50)), COME[0]) == [[(7, 1, "T2")]]
    assert ports(wired({"a1": [(5,)]}, (4, 50), (2, 50)), COME[0]) == [[(7, 1, "T1")]]


def test_the_largest_is_placed_first() -> None:
    assert ports(wired({"a1": [(2,), (8,)]}, (4, 10), (4, 9)), COME[0]) == [[(7, 1, "T2"), (8, 1, "T1")]]


def test_a_second_device_has_room_as_long_as_it_stays_or_is_not_named() -> None:
    """Of T2 a2 needs 9 of 10 once it comes: for a1's second device 2 are left until then alone."""
    of = wired({"a1": [(5, 2)], "a2": [(9,)]}, (4, 5), (4, 10))
    assert ports(of, COME[0]) == [[(7, 1, "T1"), (7, 2, "T2")]]
    alone = wired({"a1": [(2, 5)], "a2": [(9,)]}, (4, 2), (4, 10))
    assert ports(alone, *COME) == [[(7, 1, "T1")], [(7, 1, "T2")]]


def test_of_a_vnics_devices_the_smallest_must_be_found_and_one_without_a_capacity_is_a_hundredth() -> None:
    assert ports(wired({"a1": [(None, 1)]}, (1, 100)), COME[0]) == [[(7, 1, "T1")]]
    assert ports(wired({"a1": [(2, 1)]}, (1, 100)), COME[0]) == [[(7, 2, "T1")]]


def test_a_vnic_that_nobody_lists_takes_a_hundredth_of_a_port_as_well() -> None:
    of = changed(wired({"a2": [(5,)]}, (4, 5)), "a1", vnic_adapters=1)
    assert ports(of, *COME) == [[], []] and ports(of, COME[1]) == [[(7, 1, "T1")]]
    assert ports(changed(of, "a1", vnic_adapters=0), *COME) == [[], [(7, 1, "T1")]]


def test_vioses_take_turns_and_devices_of_one_vnic_are_on_different_ones() -> None:
    of = wired({"a1": [(5,), (5,), (5,), (5,)]}, (None, None))
    assert [vios for _, _, vios, _ in placed(of, COME[0])[0]] == ["B-v1", "B-v2", "B-v1", "B-v2"]
    of = wired({"a1": [(5,), (5, 6)]}, (None, None), (None, None))
    assert [(slot, device, vios) for slot, device, vios, _ in placed(of, COME[0])[0]] == [
        (7, 1, "B-v1"), (8, 1, "B-v2"), (8, 2, "B-v1")]


def test_where_no_vios_can_serve_a_vnic_none_is_named() -> None:
    of = wired({"a1": [(5,)]}, (4, 50))
    for name in ("B-v1", "B-v2"):
        of = changed(of, name, level="2.2.3.0")
    assert placed(of, COME[0]) == [[]]
    assert placed(changed(of, "B-v2", level="2.2.4.0"), COME[0]) == [[(7, 1, "B-v2", "T1")]]
