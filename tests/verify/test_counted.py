"""What the replay counts of ports, slots and ids while moves come and go, to the last one, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import BASE, changed, move

from planner.estate.model import Disk, Estate, Fibre, Port
from planner.plan.plan import Move
from planner.verify.ids import IdCount
from planner.verify.ports import PortCount
from planner.verify.slots import SlotCount

#: B-v1 has two ports on f1, of one of which nobody says what is free, B-v2 one on f2; b1 and b2 are on the first two.
PORTED = BASE.replace(
    ports=(Port("B-v1", "fcs0", "f1"), Port("B-v1", "fcs1", "f1", 2), Port("B-v2", "fcs0", "f2")),
    fibres=(Fibre("a1", 40, "A-v1", "c0", "c1", "f1", True), Fibre("a1", 41, "A-v1", "c2", "c3", "f1", True),
            Fibre("b1", 40, "B-v1", "d0", "d1", "f1", True, "fcs0"), Fibre("b2", 40, "B-v1", "e0", "e1", "f1", True, "fcs1")))
OF_F1, OF_FCS1, REST = ("fabric", "B-v1", "f1"), ("port", "B-v1", "fcs1"), ("unstated", "B-v1", "f1")
ELSEWHERE = {("fabric", "B-v2", "f2"): 64, ("unstated", "B-v2", "f2"): 64}


def coming(*fibres: tuple[int, str, str], of: Estate = PORTED) -> Move:
    return move(of, "a1", "A", "B", fibres=fibres)


def test_virtual_ports_are_counted_of_the_fabric_and_of_each_port_as_they_come_and_go() -> None:
    """Of 64 that nobody states the two clients of the fabric are taken off."""
    count = PortCount(PORTED, {"a1", "b1", "b2"})

    def left() -> tuple[int, int, int]:
        now = count.left()
        assert {key: n for key, n in now.items() if key[1] == "B-v2"} == ELSEWHERE and len(now) == 5
        return now[OF_F1], now[OF_FCS1], now[REST]

    assert left() == (64, 2, 62)
    assert [*count.take(coming((40, "B-v1", "fcs0"), (41, "B-v1", "fcs1")))] == [] and left() == (62, 1, 61)
    count.give(move(PORTED, "b1", "B", "C", fibres=()))
    assert left() == (63, 1, 62)
    count.give(move(PORTED, "b2", "B", "C", fibres=()))
    assert left() == (64, 2, 62)
    home = replace(coming(), source="B", target="A")
    count.give(home)
    assert left() == (66, 3, 63)
    count.give(home)
    assert left() == (66, 3, 63)


def test_what_an_adapter_might_have_and_what_is_said_of_one_that_names_none() -> None:
    said = "slot 40 names no physical port of B-v1, though {} has a free one on fabric f1"
    bare = coming((40, "B-v1", ""))
    count = PortCount(PORTED, {"a1", "b1", "b2"})
    assert [*count.nameless(bare)] == [(said.format("fcs0"), {REST: 1}), (said.format("fcs1"), {OF_FCS1: 1})]
    assert [*count.nameless(replace(bare, lpar="c1"))] == [*count.nameless(coming((49, "B-v1", "")))] == []
    assert [*count.take(bare)] == [said.format("fcs0")]
    assert [*PortCount(PORTED, {"a1"}, named=False).take(bare)] == []
    for free, port in ((0, ""), (1, "fcs1")):
        of = PORTED.replace(ports=(Port("B-v1", "fcs0", "f1", 0), Port("B-v1", "fcs1", "f1", free), Port("B-v1", "fcs2", "f1", 0)))
        told = [*PortCount(of, {"a1"}).take(bare)]
        assert (said.format(port) in told) is bool(port) and (len(told) == 1)


def test_an_adapter_that_is_not_its_own_is_passed_over_and_the_next_is_counted() -> None:
    count = PortCount(PORTED, {"a1"})
    assert [*count.take(coming((99, "B-v1", "fcs0"), (41, "B-v1", "fcs1")))] == [] and count.left()[OF_FCS1] == 1


def test_a_port_of_another_fabric_is_refused_and_used_up_all_the_same() -> None:
    of = PORTED.replace(ports=(Port("B-v2", "fcs0", "f2", 0),))
    assert [*PortCount(of, {"a1"}).take(coming((40, "B-v2", "fcs0")))] == [
        "slot 40 is mapped to fcs0 of B-v2, which is no port on fabric f1",
        "slot 40 finds no free virtual port on fcs0 of B-v2 at that moment"]


@pytest.mark.parametrize(("clients", "left"), [(0, 64), (1, 63), (63, 1), (64, 0), (65, 0)])
def test_a_port_that_states_nothing_has_64_less_its_clients(clients: int, left: int) -> None:
    """Of those that are not there nothing is taken off."""
    of = PORTED.replace(ports=PORTED.ports[:1], fibres=tuple(
        Fibre(name, n, "B-v1", f"c{name}{n}", f"d{name}{n}", "f1", True) for name in ("b1", "b2") for n in range(clients)))
    assert PortCount(of, {"b1"}).left() == {OF_F1: left, REST: left}
    two = of.replace(ports=(*of.ports, Port("B-v1", "fcs5", "f1")))
    assert PortCount(two, {"b1"}).left() == {OF_F1: 128 - clients, REST: 128 - clients}


def test_slots_are_counted_of_disks_and_fibres_beside_two_of_a_vios_of_its_own() -> None:
    """b1 has a disk over each VIOS and an adapter of Fibre Channel over the first, b2 the disks."""
    of = changed(changed(PORTED, "B-v1", max_virtual_slots=9), "B-v2", max_virtual_slots=9, used_virtual_slots=9)
    count = SlotCount(of, {"a1", "b1", "b2"})
    assert count.left() == {("B-v1",): 9 - 2 - 4, ("B-v2",): 0}
    a1 = replace(coming((40, "B-v1", ""), (41, "B-v1", ""), of=of), disks=((3, "B-v1"), (4, "C-v1")))
    assert [*count.take(a1)] == [] and count.left() == {("B-v1",): 0, ("B-v2",): 0}
    more = [*count.take(replace(a1, lpar="a2", fibres=(), disks=((3, "B-v1"), (4, "B-v1"))))]
    assert more == ["2 of its adapters would take slots of B-v1, 2 more than are free"]
    count.give(move(of, "b1", "B", "C"))
    assert count.left() == {("B-v1",): 0, ("B-v2",): 1}
    count.give(move(of, "b1", "B", "C"))
    assert count.left() == {("B-v1",): 0, ("B-v2",): 1}


def test_a_vios_with_more_in_use_than_it_has_may_stay_so() -> None:
    of = changed(BASE, "B-v1", max_virtual_slots=9, used_virtual_slots=12)
    count = SlotCount(of, {"a1"})
    assert count.left() == {("B-v1",): 0}
    assert [*count.take(move(of, "a1", "A", "B"))] == ["1 of its adapters would take slots of B-v1, 4 more than are free"]
    gone = SlotCount(of, {"b1"})
    gone.give(move(of, "b1", "B", "C"))
    assert gone.left() == {("B-v1",): 1} and SlotCount(of.replace(disks=(*of.disks, Disk("x", 1, "l", "A-v1"))), ()).left() == {("B-v1",): 0}


def test_ids_are_held_until_their_lpar_has_left_and_an_own_one_is_kept_where_it_can_be() -> None:
    """a1 has 11, b1 13; VIOSes have 1 and 2."""
    def said(*moves: Move, of: Estate = BASE, over: bool = True) -> list[str]:
        count, last = IdCount(of), []
        for m in moves:
            last = [f.message.partition(":")[0] for f in count.take(m)]
            if over:
                count.give(m)
        return last

    def to(name: str, source: str, target: str, number: int | None) -> Move:
        return move(BASE, name, source, target, target_id=number)

    assert said(to("a1", "A", "B", 11)) == []
    assert said(to("a1", "A", "B", 13)) == ["gets id 13 on B, which b1 has", "partition id 11 is free, but not given to it, on B"]
    assert said(to("a1", "A", "B", 2)) == ["gets id 2 on B, which B-v2 has", "partition id 11 is free, but not given to it, on B"]
    assert said(to("b1", "B", "C", 13), to("a1", "A", "B", 13)) == ["partition id 11 is free, but not given to it, on B"]
    assert said(to("b1", "B", "C", 13), to("a1", "A", "B", 13), over=False)[0] == "gets id 13 on B, which b1 has"
    assert said(to("a1", "A", "B", None)) == ["gets no id on B; it has 11"]
    assert said(to("a1", "A", "B", 20), to("a1", "B", "A", 11)) == []
    assert said(to("a1", "A", "B", 20), to("a1", "B", "A", 20)) == ["partition id 11 is free, but not given to it, on A"]
    assert said(to("a1", "A", "B", 20), to("a1", "B", "C", 20)) == said(to("a1", "A", "A", 11)) == []
    taken = changed(BASE, "b1", lpar_id=11)
    assert said(to("a1", "A", "B", 20), of=taken) == ["partition id 11 is taken by b1 on B"]
    nobody = changed(BASE, "a1", lpar_id=None)
    assert said(to("a1", "A", "B", None), of=nobody) == []
    assert said(to("a1", "A", "B", 20), of=nobody) == ["gets id 20; nobody knows the one it has"]
    assert said(to("a1", "A", "B", 0)) == ["gets id 0, which no partition can have", "partition id 11 is free, but not given to it, on B"]
