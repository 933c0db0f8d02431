"""Virtual ports and slots of VIOSes, by hand: what of each is counted where, and who is told what lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from estates import BASE, changed, judged, vios

from planner.estate.model import Estate, Fibre, Port
from planner.rules import REGISTRY
from planner.rules.npiv import PORTS, VIRTUAL_SLOTS, WHICHEVER


def on_fibre(*free: tuple[str, str, int | None], names: Sequence[str] = ("a1", "a2")) -> Estate:
    """These LPARs with an adapter over the first VIOS on fabric f1 and one over the second on f2, beside their disks."""
    home = {p.name: p.server for p in BASE.lpars}
    return BASE.replace(
        fibres=tuple(Fibre(name, 40 + n, f"{home[name]}-v{n}", f"c{name}{n}0", f"c{name}{n}1", f"f{n}", True)
                     for name in names for n in (1, 2)),
        ports=tuple(Port(v, f"fcs{n}", fabric, count) for n, (v, fabric, count) in enumerate(free)))


def with_slots(of: Estate, *most: int | None, used: int | None = 4) -> Estate:
    """The VIOSes of B with these maxima of slots."""
    for n, maximum in enumerate(most, 1):
        of = changed(of, f"B-v{n}", max_virtual_slots=maximum, used_virtual_slots=used)
    return of


def messages(of: Estate, rule: str, *arguments: object) -> list[str]:
    site, _ = judged(of)
    return [f.message for f in REGISTRY[rule].findings("B", site, *arguments)]


def test_ports_are_counted_of_each_vios_and_fabric_and_slots_of_each_vios() -> None:
    """b1 and b2 hold a slot of each VIOS of B: of 10 with 4 in use 8 are theirs and others'. f2 has one VIOS alone."""
    site, _ = judged(with_slots(on_fibre(("B-v1", "f1", 1), ("B-v2", "f1", 0), ("B-v2", "f2", 1)), 10, 8))
    assert PORTS.most(site, "B") == {
        "B-v1, fabric f1": 1, "B-v2, fabric f1": 0, "B-v2, fabric f2": 1, "all VIOSes of B, fabric f1": 1}
    assert VIRTUAL_SLOTS.most(site, "B") == {"B-v1": 8, "B-v2": 6, "all VIOSes of B": 14}
    assert PORTS.by(site, "a1", "B") == {
        "B-v1, fabric f1": 1, "B-v2, fabric f2": 1, "all VIOSes of B, fabric f1": 1, "all VIOSes of B, fabric f2": 1,
        "B-v1": 2, "B-v2": 2, "all VIOSes of B": 4}
    assert WHICHEVER.by(site, "b1", "B") == {"B-v1": 1, "B-v2": 1} and WHICHEVER.most(site, "A") == {}


def test_slots_of_all_vioses_are_counted_where_all_of_them_state_how_many_they_have() -> None:
    third = BASE.replace(vioses=(*BASE.vioses, vios("B-v3", "B")))
    site, _ = judged(with_slots(third, 6, 5))
    assert VIRTUAL_SLOTS.most(site, "B") == {"B-v1": 4, "B-v2": 3}
    site, _ = judged(with_slots(third, 6, 5, 4))
    assert VIRTUAL_SLOTS.most(site, "B") == {"B-v1": 4, "B-v2": 3, "B-v3": 0, "all VIOSes of B": 7}


def test_one_vios_without_a_slot_is_enough_to_refuse_and_nobody_is_refused_at_home() -> None:
    """Of 4 with 4 in use the slots of b1 and b2 alone are free again when they have left."""
    lone = BASE.replace(lpars=tuple(p for p in BASE.lpars if p.server != "B"),
                        disks=tuple(d for d in BASE.disks if d.lpar[0] != "b"))
    assert messages(with_slots(lone, 4, 5), "storage.slots", "a1", "A", "B") == [
        "its 2 adapters find no virtual slots: were nobody else on B, B-v1 would have 0, B-v2 would have 1"]
    assert messages(with_slots(lone, 5, 5), "storage.slots", "a1", "A", "B") == []
    over = changed(changed(lone, "A-v1", max_virtual_slots=2, used_virtual_slots=6), "A-v2", max_virtual_slots=20,
                   used_virtual_slots=6)
    assert len(messages(over, "storage.slots", "c1", "C", "A")) == 1
    assert messages(over, "storage.slots", "a1", "B", "A") == []


def test_a_vios_without_a_slot_or_port_refuses_nobody_who_can_do_without_it() -> None:
    """c1 has one disk, which one VIOS of B can serve and the other, which is full, cannot; or both can."""
    one = BASE.replace(lpars=tuple(p for p in BASE.lpars if p.server != "B"), disks=tuple(
        d for d in BASE.disks if d.lpar == "c1" and d.vios == "C-v1"), zonings=tuple(z for z in BASE.zonings if z.lun == "lun-c1"))
    without = one.replace(zonings=tuple(z for z in one.zonings if z.vios != "B-v1"))
    for of, (first, second), refused in ((one, (4, 5), False), (one, (5, 4), False), (one, (4, 4), True),
                                         (without, (4, 5), False), (without, (5, 4), True)):
        assert bool(messages(with_slots(of, first, second), "storage.slots", "c1", "C", "B")) is refused, (of is one, first, second)


def test_what_nobody_states_of_slots_is_told_from_the_first_that_might_lack() -> None:
    """64 are taken to be there: a1, a2 and c1 may want one each of a VIOS. Where nobody states what is in use, 18 more
    than b1, b2 and the two of its own are."""
    for used, said in ((61, 0), (62, 1)):
        assert len(messages(with_slots(BASE, None, None, used=used), "storage.slots", "a1", "A", "B")) == said, used
    for most, said in ((25, 0), (24, 1)):
        assert len(messages(with_slots(BASE, most, most, used=None), "storage.slots", "a1", "A", "B")) == said, most
    assert messages(with_slots(BASE, 64, 64, used=4), "storage.slots", "a1", "A", "B") == []


def test_no_mapping_is_told_where_no_count_says_it() -> None:
    """Three ports on each fabric, two of them over the first VIOS: an LPAR takes one of each VIOS, and only two can."""
    wide = on_fibre(("B-v1", "f1", 2), ("B-v2", "f1", 1), ("B-v1", "f2", 2), ("B-v2", "f2", 1), names=("a1", "a2", "c1"))
    three = ["a1", "a2", "b1", "c1"]
    assert messages(wide, "storage.npiv-mapping", "B", three[:3]) == []
    assert messages(wide, "storage.npiv-mapping", "B", three) == [
        "no mapping of all virtual Fibre Channel adapters onto the VIOSes of B keeps to their free virtual ports"]
    assert messages(wide, "storage.npiv-ports", "B", three) == []
    held = on_fibre(*((p.vios, p.fabric, p.free_ports) for p in wide.ports), names=("a1", "a2", "b1", "c1"))
    assert messages(held, "storage.npiv-mapping", "B", three[:3]) == []
    assert len(messages(held, "storage.npiv-mapping", "B", three)) == 1  # b1 keeps what it holds, and no more
    fixes = [f.fix for f in REGISTRY["storage.npiv-mapping"].findings("B", judged(wide)[0], "B", three)]
    assert fixes == ["free ports there (lsnports: aports), or add a port"]
    fewer = wide.replace(ports=(replace(wide.ports[0], free_ports=1), *wide.ports[1:]))
    assert messages(fewer, "storage.npiv-ports", "B", three) == [
        "3 virtual Fibre Channel ports would be in use on all VIOSes of B, fabric f1, which has 2"]
    assert messages(fewer, "storage.npiv-mapping", "B", three) == []


def test_more_slots_are_offered_of_each_vios_that_may_lack_them() -> None:
    lifts = REGISTRY["storage.slots"].lifts
    of = with_slots(on_fibre(("B-v1", "f1", 1), ("B-v2", "f1", 0), ("B-v2", "f2", 1)), 10, None)
    assert lifts is not None
    assert [[c.words for row in alternative for c in row] for alternative in lifts(judged(of)[0], "a1", "A", "B")] == [
        ["raise max_virtual_slots of B-v1 to 74 in its profile and activate it anew"]]
