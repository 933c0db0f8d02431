"""What the replay counts of ports, slots and ids while moves come and go, to the last one, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import BASE, backed, changed, move

from planner.estate.model import Disk, Estate, Fibre, Port, SriovPort
from planner.plan.plan import Backing, Move
from planner.verify.ids import IdCount
from planner.verify.ports import PortCount
from planner.verify.slots import SlotCount
from planner.verify.vnics import VnicCount

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
    assert [*count.take(replace(bare, lpar="c1"))] == [] and [*count.take(bare)] == [said.format("fcs0")]
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
    count.give(move(of, "a1", "B", "A"))
    count.give(move(of, "b1", "B", "C"))  # which is not there: it is not activated
    assert count.left() == {("B-v1",): 0}
    gone = SlotCount(of, {"b1"})
    gone.give(move(of, "b1", "B", "C"))
    assert gone.left() == {("B-v1",): 1} and SlotCount(of.replace(disks=(*of.disks, Disk("x", 1, "l", "A-v1"))), ()).left() == {("B-v1",): 0}


def test_ids_are_held_until_their_lpar_has_left_and_an_own_one_is_kept_where_it_can_be() -> None:
    """a1 has 11, b1 13; VIOSes have 1 and 2."""
    def said(*moves: Move, of: Estate = BASE, over: bool = True) -> list[str]:
        count, last = IdCount(of), []
        for m in moves:
            found = [*count.take(m)]
            last = [f.message.partition(":")[0] for f in found]
            assert [f.rule for f in found] == ["partition.id-free" if "partition id" in text else "plan.id" for text in last]
            if over:
                count.give(m)
        return last

    def to(name: str, source: str, target: str, number: int | None) -> Move:
        return move(BASE, name, source, target, target_id=number)

    assert said(to("a1", "A", "B", 11)) == []
    assert said(to("a1", "A", "B", 13)) == ["gets id 13 on B, which b1 has", "partition id 11 is free, but not given to it, on B"]
    assert said(to("a1", "A", "B", 2)) == ["gets id 2 on B, which B-v2 has", "partition id 11 is free, but not given to it, on B"]
    assert said(to("a1", "A", "B", 1))[0] == "gets id 1 on B, which B-v1 has"
    assert said(to("b1", "B", "C", 13), to("a1", "A", "B", 13)) == ["partition id 11 is free, but not given to it, on B"]
    assert said(to("b1", "B", "C", 13), to("a1", "A", "B", 13), over=False)[0] == "gets id 13 on B, which b1 has"
    assert said(to("a1", "A", "B", None)) == ["gets no id on B; it has 11"]
    assert said(to("a1", "A", "B", 20), to("a1", "B", "A", 11)) == []
    assert said(to("a1", "A", "B", 20), to("a1", "B", "A", 20)) == ["partition id 11 is free, but not given to it, on A"]
    assert said(to("a1", "A", "B", 20), to("a1", "B", "C", 20)) == said(to("a1", "A", "A", 11)) == []
    assert said(replace(to("a1", "A", "B", 11), source="D")) == ["gets id 11; nobody knows the one it has"]
    taken = changed(BASE, "b1", lpar_id=11)
    assert said(to("a1", "A", "B", 20), of=taken) == ["partition id 11 is taken by b1 on B"]
    nobody = changed(BASE, "a1", lpar_id=None)
    assert said(to("a1", "A", "B", None), of=nobody) == []
    assert said(to("a1", "A", "B", 20), of=nobody) == ["gets id 20; nobody knows the one it has"]
    assert said(to("a1", "A", "B", 0)) == ["gets id 0, which no partition can have", "partition id 11 is free, but not given to it, on B"]


#: a1 has a vNIC over two devices and one over one, a2 one; nobody says how many logical ports T2 of B has left.
BACKED = backed(BASE, {"a1": [(5, 8), (2,)], "a2": [(None,)]}, "T1").replace(
    sriov=(SriovPort("A", "T1", 5, 50), SriovPort("B", "T1", 4, 20), SriovPort("B", "T2", None, 50), SriovPort("C", "T1", 9, 90)))
OUT = (Backing(7, 1, "B-v1", "T1", 5, "T1"), Backing(7, 2, "B-v2", "T2", 8, "T1"), Backing(8, 1, "B-v1", "T1", 2, "T1"))
OF_A2 = (Backing(7, 1, "B-v1", "T1", None, "T1"),)


def to_b(*vnics: Backing, name: str = "a1") -> Move:
    return move(BACKED, name, "A", "B", vnics=vnics)


def test_logical_ports_and_capacity_are_counted_of_each_port_as_they_come_and_go() -> None:
    """Of a2 no capacity is stated: it counts as 1 %."""
    count = VnicCount(BACKED, {"a1", "a2"})

    def left(server: str) -> list[int]:
        return [n for (_, at, _), n in sorted(count.left().items(), key=lambda x: x[0][2:] + x[0][:1]) if at == server]

    assert (left("A"), left("B"), left("C")) == ([50, 5], [20, 4, 50], [90, 9])
    assert [*count.take(to_b(*OUT))] == [] and (left("A"), left("B")) == ([50, 5], [13, 2, 42])
    assert [*count.take(to_b(*OF_A2, name="a2"))] == [] and left("B") == [12, 1, 42]
    count.give(to_b(*OUT))
    assert left("A") == [65, 8]
    count.give(to_b(*OF_A2, name="a2"))
    assert left("A") == [66, 9]
    onwards = tuple(replace(b, vios=b.vios.replace("B", "C"), port="T1", source_port=b.port) for b in OUT)
    assert [*count.take(move(BACKED, "a1", "B", "C", vnics=onwards))] == ["two backing devices of the vNIC in slot 7 stand on T1"]
    count.give(move(BACKED, "a1", "B", "C", vnics=onwards))
    assert (left("B"), left("C")) == ([19, 3, 50], [75, 6])


def test_what_a_mapping_names_that_is_not_so_is_told() -> None:
    def said(at: int = 0, **changes: object) -> list[str]:
        return [*VnicCount(BACKED, {"a1", "a2"}).take(to_b(*(replace(b, **changes) if n == at else b for n, b in enumerate(OUT))))]  # type: ignore[arg-type]

    device = "backing device 1 of the vNIC in slot 7"
    assert said() == []
    assert said(percent=6) == [f"{device} is to have 6 %; it has 5 %"]
    assert said(percent=None) == [f"{device} is to have no stated capacity; it has 5 %"]
    assert said(vios="A-v1") == [f"{device} is mapped to A-v1, which is none of B"]
    assert said(vios="") == [f"{device} is mapped to no VIOS, which is none of B"]
    assert said(port="T9") == [f"{device} is mapped to T9, which is no SR-IOV port of B"]
    assert said(port="") == [f"{device} is mapped to no port, which is no SR-IOV port of B"]
    assert said(port="T2") == ["two backing devices of the vNIC in slot 7 stand on T2"]
    assert said(source_port="T2") == [f"{device} is to leave T2; it stands on T1"]
    assert said(source_port="") == [f"{device} is to leave no port; it stands on T1"]
    assert said(device=3) == ["backing device 3 of the vNIC in slot 7 is mapped, which it has not"]
    assert said(1, device=1) == [f"{device} is mapped, twice"]


def test_a_device_that_came_without_being_named_stands_on_a_port_that_nobody_knows() -> None:
    count = VnicCount(BACKED, {"a1", "a2"})
    assert [*count.take(to_b(OUT[0], OUT[2]))] == []
    on = tuple(replace(b, vios="C-v1", port="T1", source_port=b.port) for b in OUT[1:])
    assert [*count.take(move(BACKED, "a1", "B", "C", vnics=on))] == [
        "backing device 2 of the vNIC in slot 7 is to leave T2; it stands on one that nobody knows"]


@pytest.mark.parametrize(("ports", "percent", "told"), [
    (1, 4, []), (1, 3, ["capacity"]), (0, 4, ["logical port"]), (0, 3, ["logical port", "capacity"]), (None, None, [])])
def test_what_finds_no_place_is_told_by_what_lacks(ports: int | None, percent: int | None, told: list[str]) -> None:
    of = backed(BASE, {"a1": [(4,)]}).replace(sriov=(SriovPort("B", "T1", ports, percent),))
    coming = move(of, "a1", "A", "B", vnics=(Backing(7, 1, "B-v1", "T1", 4),))
    assert [*VnicCount(of, {"a1"}).take(coming)] == [f"the vNIC in slot 7 finds no {what} on T1 at that moment" for what in told]


def test_where_a_vnic_might_be_is_told_of_ports_that_a_vios_serves() -> None:
    text = "the vNIC in slot {} names no physical port of B, though {} has room for it"
    count = VnicCount(BACKED, {"a1", "a2"})
    found = [*count.nameless(to_b(OUT[2]))]
    assert found == [(text.format(7, "T1"), {("logical ports", "B", "T1"): 1, ("% of capacity", "B", "T1"): 5}),
                     (text.format(7, "T2"), {("% of capacity", "B", "T2"): 5})]
    assert [*count.nameless(to_b(*OUT))] == [] and [*count.take(to_b(OUT[2]))] == [text.format(7, "T1")]
    assert [*VnicCount(BACKED, {"a1"}, named=False).take(to_b(OUT[2]))] == []
    for level, served in (("2.2.3.9", False), ("2.2.4.0", True)):
        old = changed(changed(BACKED, "B-v1", level=level), "B-v2", level="2.2.3.0")
        assert bool([*VnicCount(old, {"a1"}).nameless(to_b())]) is bool([*VnicCount(old, {"a1"}).take(to_b())]) is served
    for more in ({"migratable_sriov_ports": 1}, {"vnic_adapters": 1}, {"migratable_sriov_ports": 1, "vnic_adapters": 1}):
        unlisted = changed(BACKED, "c1", **more)
        assert [*VnicCount(unlisted, {"a1"}).nameless(to_b())] == [*VnicCount(unlisted, {"a1"}).take(to_b())] == []
