"""The replay: what holds is accepted, every tampered plan is refused and the breach named."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from estates import (
    BASE,
    backed,
    changed,
    estate,
    exactly,
    judged,
    loaded,
    lpar,
    move,
    plan_of,
    policy,
    server,
    stating,
    vioses,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.estate.model import Disk, Estate, Fibre, Port, SriovPort, Zoning
from planner.findings import Severity
from planner.jobs import Options, evacuate
from planner.plan.choices import BACK, OUT, Status
from planner.plan.plan import Backing, Move, Plan, Window, dump, parse
from planner.plan.questions import Evacuate
from planner.schedule.lanes import Pacing
from planner.verify import Replay, replay, verify_plan
from planner.verify.lanes import lane_findings
from planner.verify.ports import PortCount
from planner.verify.vnics import VnicCount


def there_and_back(of: Estate = BASE, work_s: int = 600) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=("A",), come_back=True), Options(work_s=work_s, pacing=Pacing(waves=True)))


PLAN = there_and_back()


def errors_of(plan: Plan, of: Estate = BASE) -> set[str]:
    return {f.rule for f in replay(plan, *judged(of)).findings if f.severity is Severity.ERROR}


def edited(lpar_name: str, leg: str = OUT, **changes: Any) -> Plan:
    """PLAN with one move changed."""
    return PLAN.replace(moves=tuple(
        replace(m, **changes) if (m.lpar, m.leg) == (lpar_name, leg) else m for m in PLAN.moves))


def test_the_planners_own_plan_holds_and_reads_back_the_same() -> None:
    assert PLAN.verified and errors_of(PLAN) == set()
    again = parse(dump(PLAN), "plan.json")
    assert again.moves == PLAN.moves and errors_of(again) == set()
    assert (again.goal, again.status, again.work_s) == (PLAN.goal, PLAN.status, PLAN.work_s)


def _fibre_estate() -> Estate:
    ports = tuple(Port(v.name, "fcs0", "f1", 8) for s in "ABC" for v in vioses(s))
    return BASE.replace(fibres=(Fibre("a1", 40, "A-v1", "c050", "c051", "f1", True),), ports=ports)


def _two_fibres() -> Estate:
    of = _fibre_estate()
    return of.replace(fibres=(*of.fibres, Fibre("a1", 41, "A-v2", "c060", "c061", "f1", True)))


def _sharing(**changes: Any) -> Estate:
    of = changed(changed(BASE, "a1", memory_mode="shared", io_entitled_mib=256), "B", shared_memory_pool_mib=1024)
    return changed(changed(of, "B", **changes), "B-v1", paging_devices_mib=(8192,))


def _backed(ports: int, percent: int) -> Estate:
    of = backed(BASE, {"a1": [(5, 5)]})
    return of.replace(sriov=(SriovPort("B", "P1-C4-T1", ports, percent),))


def _vnic_named(**changes: Any) -> tuple[Plan, Estate]:
    """a1 goes to B, whose two ports have room for both backing devices of its vNIC; the first is named otherwise."""
    of = _backed(5, 50)
    of = of.replace(sriov=(*of.sriov, SriovPort("B", "P1-C4-T2", 5, 50)))
    good = Backing(7, 1, "B-v1", "P1-C4-T1", 5)
    return plan_of([move(of, "a1", "A", "B", vnics=(replace(good, **changes), Backing(7, 2, "B-v2", "P1-C4-T2", 5)))]), of


Build = Callable[[], tuple[Plan, Estate]]


def _idle(of: Estate, name: str) -> Estate:
    return changed(of, name, state="not activated")


BROKEN: dict[str, tuple[str, Build]] = {
    "leaves a server that it is not on": ("plan.continuity", lambda: (edited("a1", source="C"), BASE)),
    "goes where it is": ("plan.continuity", lambda: (edited("a1", target="A"), BASE)),
    "flies twice at once": ("plan.continuity", lambda: (
        PLAN.replace(moves=(*PLAN.moves, move(BASE, "a1", "A", "B", wave=1))), BASE)),
    "comes back from elsewhere": ("plan.continuity", lambda: (edited("a1", BACK, source="B"), BASE)),
    "is unknown": ("plan.known", lambda: (edited("a1", lpar="nobody"), BASE)),
    "goes to an unknown server": ("plan.known", lambda: (edited("a1", target="D"), BASE)),
    "comes from an unknown server": ("plan.known", lambda: (edited("a1", source="D"), BASE)),
    "is not active": ("plan.known", lambda: (PLAN, _idle(BASE, "a1"))),
    "is a VIOS": ("plan.known", lambda: (edited("a1", lpar="A-v1"), BASE)),
    "takes the id of another": ("plan.id", lambda: (plan_of([move(BASE, "a1", "A", "B", target_id=13)], ), BASE)),
    "takes the id of a VIOS": ("plan.id", lambda: (plan_of([move(BASE, "a1", "A", "B", target_id=2)], ), BASE)),
    "takes the id of an idle one": ("plan.id", lambda: (
        plan_of([move(BASE, "a1", "A", "B", target_id=14)]), _idle(BASE, "b2"))),
    "takes the id of one that came before": ("plan.id", lambda: (plan_of(
        [move(BASE, "a1", "A", "B", target_id=40),
         move(BASE, "a2", "A", "B", target_id=40, start_ms=10**6, wave=2)]), BASE)),
    "has a slot mapped nowhere": ("plan.adapters", lambda: (edited("a1", disks=((3, "C-v1"),)), BASE)),
    "has a slot mapped to another server": ("plan.adapters", lambda: (
        edited("a1", disks=((3, "A-v1"), (4, "C-v2"))), BASE)),
    "is mapped to a VIOS that does not see its LUN": ("plan.adapters", lambda: (
        plan_of([move(BASE, "a1", "A", "B")]), BASE.replace(
            zonings=tuple(z for z in BASE.zonings if (z.lun, z.vios) != ("lun-a1", "B-v2"))))),
    "is mapped to a VIOS that holds its LUN": ("plan.adapters", lambda: (
        plan_of([move(BASE, "a1", "A", "B")]), BASE.replace(
            zonings=tuple(replace(z, reserve_policy="PR_exclusive") if (z.lun, z.vios) == ("lun-a1", "B-v2") else z
                          for z in BASE.zonings)))),
    "has a Fibre Channel slot mapped nowhere": ("plan.adapters", lambda: (
        plan_of([move(_fibre_estate(), "a1", "A", "B", fibres=())]), _fibre_estate())),
    "has a Fibre Channel slot on a VIOS without a port of its fabric": ("plan.adapters", lambda: (
        plan_of([move(_fibre_estate(), "a1", "A", "B")]),
        _fibre_estate().replace(ports=(Port("B-v2", "fcs0", "f1", 8),)))),
    "has both Fibre Channel paths on one VIOS": ("plan.adapters", lambda: (
        plan_of([move(_two_fibres(), "a1", "A", "B", fibres=((40, "B-v1", ""), (41, "B-v1", "")))]), _two_fibres())),
    "has both paths to a LUN on one VIOS": ("plan.adapters", lambda: (
        plan_of([move(BASE, "a1", "A", "B", disks=((3, "B-v1"), (4, "B-v1")))]), BASE)),
    "takes slots that a VIOS has not": ("plan.slots", lambda: (plan_of([move(BASE, "a1", "A", "B")]), changed(
        BASE, "B-v2", max_virtual_slots=9, used_virtual_slots=9))),
    "takes slots that another will leave later": ("plan.slots", lambda: (
        plan_of([move(BASE, "b1", "B", "C"), move(BASE, "a1", "A", "B")]), changed(BASE, "B-v1", max_virtual_slots=4))),
    "finds too little of a shared memory pool": ("plan.pool-memory", lambda: (
        plan_of([move(BASE, "a1", "A", "B")]), _sharing(free_pool_mib=255))),
    "finds a shared memory pool that is too small": ("plan.pool-memory", lambda: (
        plan_of([move(BASE, "a1", "A", "B")]), _sharing(shared_memory_pool_mib=255))),
    "finds no logical port for its vNIC": ("plan.vnics", lambda: (plan_of([move(BASE, "a1", "A", "B")]), _backed(0, 50))),
    "finds no capacity for its vNIC": ("plan.vnics", lambda: (plan_of([move(BASE, "a1", "A", "B")]), _backed(5, 4))),
    "has a vNIC without a port": ("plan.vnics", lambda: (
        plan_of([move(_backed(5, 50), "a1", "A", "B", vnics=())]), _backed(5, 50))),
    "has a vNIC that it has not": ("plan.vnics", lambda: _vnic_named(slot=9)),
    "has a backing device that it has not": ("plan.vnics", lambda: _vnic_named(device=3)),
    "has a backing device twice": ("plan.vnics", lambda: _vnic_named(device=2)),
    "has a vNIC on a VIOS of another server": ("plan.vnics", lambda: _vnic_named(vios="C-v1")),
    "has a vNIC on a port that is not there": ("plan.vnics", lambda: _vnic_named(port="P1-C4-T9")),
    "has a vNIC of another capacity": ("plan.vnics", lambda: _vnic_named(percent=4)),
    "has a vNIC that leaves another port": ("plan.vnics", lambda: _vnic_named(source_port="P1-C4-T1")),
    "has both backing devices on one port": ("plan.vnics", lambda: _vnic_named(port="P1-C4-T2")),
    "has vNICs on a port that is full": ("plan.vnics", lambda: (lambda plan, of: (plan, of.replace(sriov=(
        SriovPort("B", "P1-C4-T1", 5, 4), SriovPort("B", "P1-C4-T2", 5, 50)))))(*_vnic_named())),
    "goes into another pool": ("plan.pool", lambda: (plan_of([move(BASE, "a1", "A", "B", pool_id=3)]), BASE)),
    "has waves that do not start together": ("plan.times", lambda: (edited("a2", start_ms=1000), BASE)),
    "starts before the window": ("plan.times", lambda: (edited("a1", start_ms=-1), BASE)),
    "takes no time": ("plan.times", lambda: (edited("a1", duration_ms=0), BASE)),
    "flies on no leg": ("plan.times", lambda: (
        PLAN.replace(moves=(replace(PLAN.moves[0], leg="sideways"), *PLAN.moves[1:])), BASE)),
    "is left behind": ("goal.reached", lambda: (
        plan_of([move(BASE, "a1", "A", "B")], "A"), BASE)),
    "frees an unknown server": ("goal.reached", lambda: (plan_of([], "Z"), BASE)),
    "is not brought back": ("goal.returned", lambda: (
        PLAN.replace(moves=tuple(m for m in PLAN.moves if (m.lpar, m.leg) != ("a2", BACK))), BASE)),
    "ends on another server": ("goal.returned", lambda: (edited("a2", BACK, target="B"), BASE)),
    "comes back too early": ("goal.work-time", lambda: (
        edited("a1", BACK, start_ms=max(m.end_ms for m in PLAN.leg(OUT)) + 599_000), BASE)),
}


def _held_ports(held: int) -> Estate:
    """fcs0 of B-v1 states no number: 64 virtual ports, of which b1 has so many."""
    of = _fibre_estate()
    return of.replace(fibres=(*of.fibres, *(Fibre("b1", 100 + n, "B-v1", f"d{n}0", f"d{n}1", "f1", True) for n in range(held))),
                      ports=tuple(replace(p, free_ports=None) for p in of.ports))


JUST: dict[str, tuple[str, Callable[[int], Estate], int]] = {
    "I/O entitled memory free in the pool": ("plan.pool-memory", lambda n: _sharing(free_pool_mib=n), 256),
    "I/O entitled memory in the whole pool": ("plan.pool-memory", lambda n: _sharing(shared_memory_pool_mib=n), 256),
    "the whole pool beside what is there": ("plan.pool-memory", lambda n: changed(
        _sharing(shared_memory_pool_mib=n), "b1", memory_mode="shared", io_entitled_mib=100), 356),
    "the whole pool beside one that has no part in it": ("plan.pool-memory", lambda n: changed(
        _sharing(shared_memory_pool_mib=n), "b1", io_entitled_mib=100), 256),
    "% of two vNICs": ("plan.vnics", lambda n: backed(BASE, {"a1": [(5, 7), (9,)]}).replace(
        sriov=(SriovPort("B", "P1-C4-T1", 5, n),)), 14),
    "the last % of capacity": ("plan.vnics", lambda n: backed(BASE, {"a1": [(1,)]}).replace(
        sriov=(SriovPort("B", "P1-C4-T1", 5, n),)), 1),
    "the size of a paging device": ("plan.paging", lambda n: changed(_sharing(), "B-v1", paging_devices_mib=(n, 1024)), 8192),
    "paging devices": ("plan.paging", lambda n: changed(changed(
        _sharing(), "b1", memory_mode="shared"), "B-v1", paging_devices_mib=(8192,) * n), 1),
    "logical ports": ("plan.vnics", lambda n: _backed(n, 50), 1),
    "% of capacity": ("plan.vnics", lambda n: _backed(5, n), 5),
    "logical ports where % are left too": ("plan.vnics", lambda n: _backed(5, 0).replace(
        sriov=(SriovPort("B", "P1-C4-T1", 5, 0), SriovPort("B", "P1-C4-T2", n, 50))), 1),
    "% where logical ports are left too": ("plan.vnics", lambda n: _backed(5, 0).replace(
        sriov=(SriovPort("B", "P1-C4-T1", 0, 50), SriovPort("B", "P1-C4-T2", 5, n))), 5),
    "logical ports for migratable ports": ("plan.vnics", lambda n: changed(changed(
        BASE, "a1", migratable_sriov_ports=2, vnic_adapters=1), "B", free_sriov_ports=n), 3),
    "virtual slots": ("plan.slots", lambda n: changed(BASE, "B-v1", max_virtual_slots=n, used_virtual_slots=9), 10),
    "virtual slots beside those that the estate shows": ("plan.slots", lambda n: changed(
        BASE, "B-v1", max_virtual_slots=n), 2 + 2 + 1),
    "virtual ports": ("plan.ports", lambda n: _fibre_estate().replace(ports=(Port("B-v1", "fcs0", "f1", n),)), 1),
    "virtual ports where nobody states them": ("plan.ports", lambda n: _held_ports(64 - n), 1)}


@pytest.mark.parametrize("what", JUST)
def test_what_is_just_enough_holds_and_one_less_does_not(what: str) -> None:
    """At the minutes of the plan, and whatever the minutes (in lanes)."""
    rule, of, least = JUST[what]
    for n in (least - 1, least):
        one, whole = move(of(n), "a1", "A", "B"), judged(of(n))
        assert (rule in errors_of(plan_of([one]), of(n))) is (n < least)
        assert (rule in {f.rule for f in lane_findings([replace(one, number=1, lane=1)], *whole, named=True)}) is (n < least)


@pytest.mark.parametrize(("ports", "percent", "room"), [
    (1, 2, True), (0, 50, False), (1, 1, False), (1, None, True), (None, 2, True)])
def test_a_vnic_without_a_port_is_told_where_one_has_room_for_its_smallest_device(
        ports: int | None, percent: int | None, room: bool) -> None:
    of = backed(BASE, {"a1": [(5, 2), (9,)]}, "T1").replace(sriov=(SriovPort("B", "T1", ports, percent),))
    coming = move(of, "a1", "A", "B", vnics=())
    assert [text for text in VnicCount(of, {"a1"}).take(coming) if "slot 7 names no" in text] != [] or not room
    assert room or not [*VnicCount(of, {"a1"}).take(coming)]
    stated = {"logical ports": ports, "% of capacity": percent}
    assert VnicCount(of, {"a1"}).left() == {(what, "B", "T1"): n for what, n in stated.items() if n is not None}
    assert [takes for _, takes in VnicCount(of, {"a1"}).nameless(coming)] == [
        {(what, "B", "T1"): n for (what, known), n in zip(stated.items(), (1, least), strict=True) if known is not None}
        for least in (2, 9)]
    assert not [*VnicCount(changed(of, "a2", vnic_adapters=1), {"a1"}).take(coming)]


def test_a_vnic_that_states_no_capacity_counts_as_one_per_cent() -> None:
    of = backed(BASE, {"a1": [(None,)], "b1": [(None,)]}, "T1").replace(sriov=(SriovPort("B", "T1", 3, 3),))
    count = VnicCount(of, {"a1", "b1"})
    assert not [*count.take(move(of, "a1", "A", "B", vnics=(Backing(7, 1, "B-v1", "T1", None, "T1"),)))]
    assert set(count.left().values()) == {2}
    count.give(move(of, "b1", "B", "C", vnics=()))
    assert set(count.left().values()) == {3}


def test_at_home_alone_both_devices_of_a_vnic_may_stand_on_the_port_that_they_had() -> None:
    of = backed(BASE, {"a1": [(5, 5)]}, "T1").replace(sriov=tuple(SriovPort(s, "T1", 9, 90) for s in "AB"))
    for target, said in (("A", False), ("B", True)):
        both = tuple(Backing(7, n, f"{target}-v{n}", "T1", 5, "T1") for n in (1, 2))
        told = [*VnicCount(of, {"a1"}).take(move(of, "a1", "B" if target == "A" else "A", target, vnics=both))]
        assert any("two backing devices" in text for text in told) is said


def test_an_adapter_without_a_port_might_have_each_of_its_fabric_and_one_with_a_port_has_it() -> None:
    of = _fibre_estate()
    for fibres, told in ((((40, "B-v1", ""),), [{("port", "B-v1", "fcs0"): 1}]), (((40, "B-v1", "fcs0"),), []), (((99, "B-v1", ""),), [])):
        assert [takes for _, takes in PortCount(of, {"a1"}).nameless(move(of, "a1", "A", "B", fibres=fibres))] == told


@pytest.mark.parametrize(("one", "other"), [((4, None), (5, 1)), ((None, 50), (0, 50))])
def test_what_one_port_leaves_open_limits_nothing(one: tuple[int | None, int | None], other: tuple[int, int]) -> None:
    of = _backed(5, 50).replace(sriov=(SriovPort("B", "P1-C4-T1", *one), SriovPort("B", "P1-C4-T2", *other)))
    coming = move(of, "a1", "A", "B", vnics=(Backing(7, 1, "B-v1", "P1-C4-T1", 5),))
    assert "plan.vnics" not in errors_of(plan_of([coming]), of)


def _at_ports(free: Sequence[int], *, on: str = "", held: str = "", at_ms: int = 0) -> set[str]:
    """a1 goes to port ``on`` of B-v1, whose ports have so many virtual ports left, while b1 leaves one (``held``)."""
    of = _fibre_estate()
    of = of.replace(ports=(*(Port("B-v1", f"fcs{n}", "f1", left) for n, left in enumerate(free)), Port("C-v1", "fcs0", "f1", 8)),
                    fibres=(*of.fibres, Fibre("b1", 40, "B-v1", "c060", "c061", "f1", True, held)))
    leaving = move(of, "b1", "B", "C", source_msp="B-v2", target_msp="C-v2")
    coming = move(of, "a1", "A", "B", fibres=((40, "B-v1", on),), start_ms=at_ms, wave=2 if at_ms else 1)
    return errors_of(plan_of([leaving, coming]), of) & {"plan.ports"}


def test_a_virtual_port_is_free_once_its_lpar_has_left_on_the_port_that_it_had() -> None:
    later = 10**7
    assert _at_ports([0], on="fcs0") and not _at_ports([0], on="fcs0", at_ms=later)
    assert not _at_ports([0, 0], on="fcs1", held="fcs1", at_ms=later) and _at_ports([0, 0], on="fcs0", held="fcs1", at_ms=later)
    assert not _at_ports([1, 0], on="fcs0") and _at_ports([1, 0], on="fcs1")
    assert not _at_ports([0, 1], on="fcs1") and _at_ports([0, 1], on="fcs0")
    assert _at_ports([2])  # names none, though one is free


@pytest.mark.parametrize(("number", "can_be"), [(0, False), (1, True), (65_535, True), (65_536, False)])
def test_an_id_is_one_that_a_partition_can_have(number: int, can_be: bool) -> None:
    of = BASE.replace(vioses=tuple(replace(v, lpar_id=30 + v.lpar_id) for v in BASE.vioses if v.lpar_id))
    assert ("plan.id" not in errors_of(plan_of([move(of, "a1", "A", "B", target_id=number)]), of)) is can_be


def _at_sriov(ports: tuple[int, int], percent: tuple[int, int], *, on: int, at_ms: int = 0, count: int = 1) -> set[str]:
    """vNICs of 5 % of a1 go to T1 or T2 of B, of which so much is left, while b1 leaves T1, of which it has 5 %."""
    of = backed(BASE, {"a1": [(5,)] * count, "b1": [(5,)]}, "T1").replace(sriov=(
        *(SriovPort("B", f"T{n + 1}", ports[n], percent[n]) for n in (0, 1)), SriovPort("C", "T1", 9, 90)))
    leaving = move(of, "b1", "B", "C", source_msp="B-v2", target_msp="C-v2")
    coming = move(of, "a1", "A", "B", vnics=tuple(
        Backing(7 + n, 1, "B-v1", f"T{on}", 5, "T1") for n in range(count)), start_ms=at_ms, wave=2 if at_ms else 1)
    return errors_of(plan_of([leaving, coming]), of)


def test_a_logical_port_is_free_once_its_lpar_has_left_on_the_port_that_it_had() -> None:
    later = 10**7
    for ports, percent in (((0, 9), (50, 50)), ((9, 9), (0, 50)), ((9, 9), (4, 50))):
        assert "plan.vnics" in _at_sriov(ports, percent, on=1)
        assert "plan.vnics" not in _at_sriov(ports, percent, on=1, at_ms=later)
        assert "plan.vnics" not in _at_sriov(ports, percent, on=2)
        assert "plan.vnics" in _at_sriov(ports[::-1], percent[::-1], on=2, at_ms=later)
        assert "plan.vnics" in _at_sriov(ports, percent, on=1, at_ms=later, count=2)


def test_slots_are_free_once_their_lpar_has_left() -> None:
    of, later = changed(BASE, "B-v1", max_virtual_slots=4), {"start_ms": 10**7, "wave": 2}
    assert "plan.slots" not in errors_of(plan_of([move(BASE, "b1", "B", "C"), move(BASE, "a1", "A", "B", **later)]), of)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plan_is_refused_by_name(name: str) -> None:
    rule, build = BROKEN[name]
    plan, of = build()
    assert rule in errors_of(plan, of)


def test_an_id_that_has_become_free_is_not_said_to_be_taken() -> None:
    """y left B before x came and took its own id there, and yet x was said to get another."""
    of = changed(BASE, "b1", lpar_id=11)
    first = move(of, "b1", "B", "C")
    later = {"start_ms": first.end_ms, "wave": 2}
    for number, told in ((11, []), (40, ["a1"])):
        plan = plan_of([first, move(of, "a1", "A", "B", target_id=number, **later)])
        assert [f.subject for f in replay(plan, *judged(of)).findings if f.rule == "partition.id-free"] == told


def test_capacity_is_checked_while_both_sides_are_held() -> None:
    """Two LPARs that change places fit before and after; not while they fly, and the replay looks then."""
    of = estate([exactly(server(s), [lpar("x", s, 1, 8)], 0.5, 4) for s in "AB"],
                [lpar("x", "A", 1, 8), lpar("y", "B", 1, 8)])
    swap = [move(of, "x", "A", "B"), move(of, "y", "B", "A", source_msp="B-v2", target_msp="A-v2")]
    assert errors_of(plan_of(swap), of) == {"memory.capacity", "processor.capacity"}
    one_by_one = [swap[0], replace(swap[1], start_ms=swap[0].end_ms, wave=2)]
    assert errors_of(plan_of(one_by_one), of) == {"memory.capacity", "processor.capacity"}
    _site, judge = judged(of)
    assert judge.placement({"x": "B", "y": "A"}) == []


def test_one_that_leaves_makes_room_at_the_moment_it_has_left_and_not_before() -> None:
    leaving, coming = lpar("b1", "B", 1, 8), lpar("a1", "A", 1, 8)
    of = estate([server("A"), exactly(server("B"), [leaving]), server("C")], [leaving, coming])
    first, second = move(of, "b1", "B", "C"), move(of, "a1", "A", "B", source_msp="A-v2", target_msp="B-v2", wave=2)
    assert errors_of(plan_of([first, replace(second, start_ms=first.end_ms)]), of) == set()
    assert "memory.capacity" in errors_of(plan_of([first, replace(second, start_ms=first.end_ms - 1)]), of)


def test_keep_apart_is_checked_while_both_sides_are_held() -> None:
    """b1 leaves B for C while a1, kept apart from it, arrives on B."""
    of = stating(BASE, policy("keep-apart", "ci", "a1; b1"))
    leaving = move(of, "b1", "B", "C", source_msp="B-v2", target_msp="C-v2")
    together = [leaving, move(of, "a1", "A", "B")]
    assert errors_of(plan_of(together), of) == {"policy.keep-apart"}
    assert errors_of(plan_of([leaving, replace(together[1], start_ms=leaving.end_ms, wave=2)]), of) == set()


def test_before_peak_and_after_are_what_the_servers_hold() -> None:
    played = replay(PLAN, *judged(BASE))
    by = {name: {s.server: s for s in getattr(played, name)} for name in ("before", "peak", "after")}
    assert [(by["before"][s].lpars, by["before"][s].units) for s in "ABC"] == [(2, 250), (2, 350), (1, 200)]
    assert (by["after"]["A"].lpars, by["after"]["A"].units) == (0, 100)
    assert sum(s.lpars for s in played.after) == sum(s.lpars for s in played.before) == 5
    for s in "ABC":
        assert by["peak"][s].units >= max(by["before"][s].units, by["after"][s].units)
        assert by["peak"][s].memory_mib >= max(by["before"][s].memory_mib, by["after"][s].memory_mib)


@given(st.data())
def test_no_single_slip_in_a_plan_goes_unseen(data: st.DataObject) -> None:
    """Any other source, target, mover, slot, VIOS or shorter time in a move is refused, whatever else holds."""
    index = data.draw(st.integers(0, len(PLAN.moves) - 1))
    m = PLAN.moves[index]
    name, value = data.draw(st.one_of(
        st.tuples(st.just("source"), st.sampled_from("ABCD")),
        st.tuples(st.just("source_msp"), st.sampled_from(("", "A-v1", "B-v1", "C-v1", "nobody"))),
        st.tuples(st.just("target_msp"), st.sampled_from(("", "A-v1", "B-v2", "C-v1", "nobody"))),
        st.tuples(st.just("duration_ms"), st.integers(-5, m.duration_ms - 1001)),
        st.tuples(st.just("disks"), st.sampled_from(((), m.disks[:1], ((3, "A-v1"), (4, "B-v1")), ((7, "C-v1"),)))),
        st.tuples(st.just("target_id"), st.sampled_from((1, 2)))))
    right = m.source if name.startswith("source") else m.target
    assume(value != getattr(m, name) and not (name.endswith("_msp") and str(value).startswith(f"{right}-")))
    moves = [*PLAN.moves]
    moves[index] = replace(m, **{name: value})
    assert not replay(PLAN.replace(moves=tuple(moves)), *judged(BASE)).holds


def _against(of: Estate, plan: Plan = PLAN) -> Replay:
    return verify_plan(plan, of, another_estate=True)


def test_verify_says_when_the_estate_is_another() -> None:
    played = _against(changed(BASE, "b1", memory_mib=8192))
    assert played.holds and [f.rule for f in played.findings] == ["plan.estate"]
    strictly = verify_plan(PLAN, changed(BASE, "b1", memory_mib=8192))
    assert not strictly.holds and [f.rule for f in strictly.findings] == ["plan.estate"]
    assert _against(BASE).findings == ()


def test_verify_sees_that_a_vios_has_another_id_than_the_commands_name() -> None:
    found = _against(changed(BASE, "C-v1", lpar_id=9))
    assert {f.rule for f in found.findings if f.severity is Severity.ERROR} == {"plan.vios-id"}


def test_verify_sees_moves_after_the_end_of_the_window() -> None:
    start = dt.datetime(2026, 12, 5, 22, 0)
    late = PLAN.replace(window=Window(start, start + dt.timedelta(seconds=PLAN.total_s - 1)))
    assert "timing.window" in {f.rule for f in _against(BASE, late).findings if f.severity is Severity.ERROR}
    fitting = PLAN.replace(window=Window(start, start + dt.timedelta(seconds=math.ceil(PLAN.total_s)), True, 0))
    assert _against(BASE, fitting).holds


def test_verify_refuses_what_is_no_plan() -> None:
    for status in (Status.INFEASIBLE, Status.UNKNOWN):
        assert {f.rule for f in _against(BASE, PLAN.replace(status=status)).findings} >= {"plan.status"}


def test_verify_goes_on_from_where_the_work_stands() -> None:
    half = _against(BASE.moved({"a1": "C"}))
    assert half.holds and [f.rule for f in half.findings] == ["plan.progress"]
    assert "planner resume PLAN" in half.findings[0].fix
    whole = _against(BASE.moved({"a1": "C", "a2": "C"}))
    assert whole.holds and "2 of 4" in whole.findings[0].message


def test_verify_sees_that_an_lpar_stands_where_the_plan_never_put_it() -> None:
    assert not _against(BASE.moved({"a1": "B"})).holds


def test_verify_sees_what_changed_since_the_plan_was_made() -> None:
    """A new LPAR on the target took the room."""
    full = BASE.replace(lpars=(*BASE.lpars, lpar("new", "C", 13.5, 110, lpar_id=99)))
    assert {f.rule for f in _against(full).findings if f.severity is Severity.ERROR} >= {
        "memory.capacity", "processor.capacity"}


def test_a_lun_over_two_slots_of_one_vios_is_followed_slot_by_slot() -> None:
    """Two adapters of one VIOS must both be mapped, although they carry the same LUN."""
    of = estate([server("A"), server("B")], [lpar("a1", "A")], disks=(
        Disk("a1", 3, "l1", "A-v1"), Disk("a1", 5, "l2", "A-v1")),
        zonings=tuple(Zoning(x, v.name, "", "no_reserve") for x in ("l1", "l2") for s in "AB" for v in vioses(s)))
    good: Move = move(of, "a1", "A", "B")
    assert errors_of(plan_of([good], "A"), of) == set()
    assert errors_of(plan_of([replace(good, disks=good.disks[:1])], "A"), of) == {"plan.adapters"}


def test_vnics_that_are_named_as_they_must_be_hold() -> None:
    plan, of = _vnic_named()
    assert errors_of(plan, of) == set()
