"""What moves of a leg take and give back of what is scarce, in the words of a person, and who waits for whom by rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from estates import BASE, backed, changed, move, policy, pool, stating

from planner.estate.model import Estate, Fibre, Port, SriovPort
from planner.plan.plan import Backing, Move
from planner.rules import Site
from planner.schedule.leg import Leg, leg_of

Row = tuple[str, str, int, tuple[int, ...], tuple[int, ...]]


def counted(leg: Leg) -> list[Row]:
    """Of each count at B: rule, what it is, what is free, and what each move takes of it and gives."""
    return [(c.rule, c.what, c.slack, tuple(dict(job.takes).get(n, 0) for job in leg.jobs),
             tuple(dict(job.gives).get(n, 0) for job in leg.jobs)) for n, c in enumerate(leg.counts) if c.server == "B"]


def b1_leaves_a1_comes(of: Estate, **changes: Any) -> tuple[Site, list[Move]]:
    return Site(of), [move(of, "b1", "B", "C"), replace(move(of, "a1", "A", "B"), **changes)]


def test_an_id_is_free_when_who_has_it_has_left() -> None:
    of = changed(BASE, "b1", lpar_id=11)
    assert counted(leg_of(*b1_leaves_a1_comes(of))) == [("plan.id", "the partition id 11", 0, (0, 1), (1, 0))]
    assert counted(leg_of(*b1_leaves_a1_comes(of, target_id=14))) == []  # b2 has it, and stays
    assert counted(leg_of(*b1_leaves_a1_comes(of, target_id=None))) == counted(leg_of(*b1_leaves_a1_comes(BASE))) == []


def test_after_the_way_out_what_came_holds_what_it_took() -> None:
    """a1 has gone to B with id 40, b1 to C; a2 comes to B with 40 as a1 leaves it."""
    of = changed(BASE, "b1", lpar_id=40)
    site, out = b1_leaves_a1_comes(of, target_id=40)
    back = [move(of, "a1", "B", "A"), replace(move(of, "a2", "A", "B"), target_id=40)]
    assert counted(leg_of(site, back, before=out)) == [("plan.id", "the partition id 40", 0, (0, 1), (1, 0))]


def test_cores_and_pools() -> None:
    of = changed(BASE.replace(pools=(pool("B", 1, 2, name="db"),)), "b1", pool_id=1)
    of = stating(of, policy("target-pool", "a1", "db"))
    rows = counted(leg_of(*b1_leaves_a1_comes(of)))
    assert rows == [("processor.pool", "the cores in pool db (id 1)", 0, (0, 100), (200, 0))]
    few = changed(BASE, "B", configurable_units=100 + 250)
    assert counted(leg_of(*b1_leaves_a1_comes(few))) == [("processor.capacity", "the cores", 0, (0, 100), (200, 0))]


def test_virtual_ports_of_a_vios_of_each_port_and_slots() -> None:
    fibres = (Fibre("b1", 40, "B-v1", "c0", "c1", "f1", True, "fcs0"), Fibre("a1", 40, "A-v1", "d0", "d1", "f1", True))
    of = BASE.replace(fibres=fibres, ports=(Port("B-v1", "fcs0", "f1", 0), Port("C-v1", "fcs0", "f1", 8), Port("A-v1", "fcs0", "f1", 8)))
    named = {"fibres": ((40, "B-v1", "fcs0"),)}
    port = ("storage.npiv-ports", "the virtual Fibre Channel port (B-v1, f1)", 0, (0, 1), (1, 0))
    rows = counted(leg_of(*b1_leaves_a1_comes(of, **named)))
    assert port in rows and ("storage.npiv-ports", "the virtual Fibre Channel port (B-v1, port fcs0)", 0, (0, 1), (1, 0)) in rows
    assert counted(leg_of(*b1_leaves_a1_comes(of, fibres=((40, "B-v1", ""),)))).count(port) == 1
    wider = of.replace(ports=tuple(replace(p, free_ports=1) if p.vios == "B-v1" else p for p in of.ports))
    assert counted(leg_of(*b1_leaves_a1_comes(wider, **named))) == []
    slots = changed(BASE, "B-v1", max_virtual_slots=10, used_virtual_slots=10)
    rows = counted(leg_of(*b1_leaves_a1_comes(slots)))
    assert ("storage.virtual-slots", "the virtual slot (B-v1)", 0, (0, 1), (1, 0)) in rows


def test_logical_ports_and_capacity_of_sriov_ports() -> None:
    of = backed(BASE, {"a1": [(4,)], "b1": [(6,)]}, "T1").replace(
        sriov=(SriovPort("A", "T1", 9, 90), SriovPort("B", "T1", 0, 3), SriovPort("C", "T1", 9, 90)))
    rows = counted(leg_of(*b1_leaves_a1_comes(of, vnics=(Backing(7, 1, "B-v1", "T1", 4, "T1"),))))
    assert {("network.vnic-ports", "the SR-IOV logical port (T1)", 0, (0, 1), (1, 0)),
            ("network.vnic-capacity", "the SR-IOV capacity (T1)", 3, (0, 4), (6, 0))} <= {*rows}
    unstated = of.replace(sriov=(of.sriov[0], SriovPort("B", "T1", None, None), of.sriov[2]))
    rows = counted(leg_of(*b1_leaves_a1_comes(unstated, vnics=(Backing(7, 1, "B-v1", "T1", 4, "T1"),))))
    assert [row for row in rows if "(T1)" in row[1]] == []


def test_who_is_kept_apart_comes_when_the_other_has_left() -> None:
    apart = stating(BASE, policy("keep-apart", "twins", "a1; b1"))
    leg = leg_of(*b1_leaves_a1_comes(apart))
    assert leg.must == [{}, {0: ("policy.keep-apart", "it may not be on B together with b1")}] and leg.never == [{}, {}]
    site, (leaves, _) = b1_leaves_a1_comes(apart)
    assert leg_of(site, [leaves, move(apart, "a2", "A", "B")]).must == [{}, {}]
    assert leg_of(site, [leaves, move(apart, "a1", "A", "C")]).must == [{}, {}]


def test_next_moves_of_one_lpar_and_production_wait_for_those_before() -> None:
    prod = stating(changed(BASE, "a1", environment="production"), policy("production-order", "", "last"))
    leg = leg_of(Site(prod), [move(prod, "a2", "A", "B"), move(prod, "a1", "A", "B"), move(prod, "a2", "B", "C")])
    assert leg.must[1] == {0: ("timing.production-order", "production goes last")}
    assert leg.must[2] == {0: ("plan.continuity", "it is the next move of a2")}


def test_where_a_rule_that_is_asked_refuses_all_together_who_comes_waits_for_who_left_before() -> None:
    """Each fabric has two ports over B-v1 and none over B-v2 beside those of b1 and b2, which are crossed."""
    free = {("B-v1", "f1"): 2, ("B-v1", "f2"): 2, ("B-v2", "f1"): 0, ("B-v2", "f2"): 0}
    home = {"a1": "A", "b1": "B", "b2": "B"}
    of = BASE.replace(
        fibres=tuple(Fibre(name, 40 + 2 * n + k, f"{at}-v{n}", f"c0{name}{n}{k}0", f"c0{name}{n}{k}1", f"f{3 - n if name == 'b2' else n}", True)
                     for name, at in home.items() for n in (1, 2) for k in (0, 1)),
        ports=tuple(Port(v, f"fcs{n}", fabric, count) for n, ((v, fabric), count) in enumerate(free.items())))
    site = Site(of)
    comes = replace(move(of, "a1", "A", "B"), fibres=tuple((40 + 2 * n + k, f"B-v{n}", "") for n in (1, 2) for k in (0, 1)))
    leg = leg_of(site, [move(of, "b1", "B", "C"), comes, move(of, "b2", "B", "C")])
    assert leg.must == [{}, {0: ("storage.npiv-mapping", "B may have too little for both")}, {}]
    assert leg_of(site, [move(of, "c1", "C", "B"), move(of, "b1", "B", "C")]).must == [{}, {}]
