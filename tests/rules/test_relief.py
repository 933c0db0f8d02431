"""What gives a server more of what a rule counts, by hand, and that the estate has so much more after it."""

from __future__ import annotations

import pytest
from estates import BASE, changed, estate, judged, lpar, policy, pool, server, stating

from planner.estate.changes import applied
from planner.estate.model import Estate, Fibre, Port
from planner.rules import REGISTRY, Site
from planner.rules.base import Relief, by_part
from planner.rules.ledger import RESOURCES

LIMITS = {r.rule: r.limits for r in RESOURCES}
HALVED = stating(BASE, policy("memory-ceiling", "B", "50 %"), policy("reserve-memory", "B", "8"),
                 policy("cpu-ceiling", "B", "75 %"), policy("reserve-cores", "B", "2"))


def reliefs(of: Estate, rule: str, at: str = "B") -> list[Relief]:
    found = REGISTRY[rule].relief
    assert found is not None
    return list(found(Site(of), at))


def more(of: Estate, rule: str, relief: Relief, count: int) -> dict[str, int]:
    """How much higher the limits of B are with so many of it."""
    before, after = (LIMITS[rule](judged(e)[0], "B") for e in (of, applied(of, [relief.change(count)])))
    return {part: after[part] - most for part, most in before.items() if after.get(part, 10**9) != most}


@pytest.mark.parametrize(("rule", "of", "told"), [
    ("memory.capacity", BASE, [("gib", 1024, 512)]),
    ("memory.capacity", HALVED, [("gib", 512, 512), ("ceiling", 64 * 1024, 1), ("reserve", 8 * 1024, 1)]),
    ("processor.capacity", BASE, [("core", 100, 16)]),
    ("processor.capacity", HALVED, [("core", 75, 16), ("ceiling", 400, 1), ("reserve", 200, 1)])])
def test_capacity_on_demand_a_ceiling_and_a_reserve_give_what_they_say(rule: str, of: Estate,
                                                                       told: list[tuple[str, int, int]]) -> None:
    found = reliefs(of, rule)
    assert [(r.change(1).kind, r.gives[""], r.most) for r in found] == told
    for relief in found:
        for count in {1, relief.most}:
            assert more(of, rule, relief, count) == {"": count * relief.gives[""]}, relief.change(count).words
    assert [r.change(3).amount for r in found[:1]] == [3]


def test_what_of_an_odd_ceiling_is_given_is_rounded_down() -> None:
    """70 % of 1001 hundredths are 700 (300.3 are not given), of 1024 MiB 716, of 1025 MiB 717."""
    of = stating(changed(BASE, "B", configurable_units=1001, configurable_memory_mib=1025), policy("cpu-ceiling", "B", "70 %"),
                 policy("memory-ceiling", "B", "70 %"))
    assert [dict(r.gives) for r in reliefs(of, "processor.capacity")] == [{"": 70}, {"": 301}]
    assert [dict(r.gives) for r in reliefs(of, "memory.capacity")] == [{"": 716}, {"": 308}]


@pytest.mark.parametrize("rule", ["processor.pool", "processor.pool-usage"])
def test_a_pool_without_its_maximum_has_the_server_and_its_reserve(rule: str) -> None:
    """The one without a maximum needs nothing; a pool is told by its name, one without a name by its number."""
    of = BASE.replace(pools=(pool("B", 0), pool("B", 1, 4, 1, name="db"), pool("A", 2, 1)))
    (relief,) = reliefs(of, rule)
    change = relief.change(1)
    assert (dict(relief.gives), relief.most, change.words) == ({"1": 1700}, 1, "lift the maximum of pool db of B")
    assert change.commands == ("chhwres -r procpool -m B -o s --poolname db -a max_pool_proc_units=N",)
    assert Site(applied(of, [change])).pool_limit("B", 1) is None and Site(of).pool_limit("B", 1) == 300


def _short(**slots: int | None) -> Estate:
    """a1 and a2 with two adapters each over fabric f1; on B one port that is free of the first VIOS."""
    of = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("a2", "A")])
    of = of.replace(ports=(Port("B-v1", "fcs0", "f1", 1), Port("B-v2", "fcs0", "f1")),
                    fibres=tuple(Fibre(p.name, 40 + n, f"A-v{n}", f"c{p.name}{n}", f"d{p.name}{n}", "f1", True)
                                 for p in of.lpars for n in (1, 2)))
    return changed(of, "B-v1", **slots)


def test_a_further_port_gives_its_vios_and_all_of_them_64_virtual_ports() -> None:
    of = _short()
    (relief,) = reliefs(of, "storage.npiv-ports")
    assert dict(relief.gives) == {"B-v1, fabric f1": 64, "all VIOSes of B, fabric f1": 64} and relief.most == 1
    room = [Site(e).reach.port_room["B-v1", "f1"] for e in (of, applied(of, [relief.change(1)]))]
    assert room == [1, 65]
    assert reliefs(of, "storage.virtual-slots") == [] and reliefs(of, "storage.npiv-ports", "A") == []


@pytest.mark.parametrize("most", [12, None])
def test_a_higher_maximum_of_slots_gives_64_of_them(most: int | None) -> None:
    """Of a VIOS whose maximum nobody states there is nothing to lack."""
    of = _short(max_virtual_slots=most, used_virtual_slots=8)
    found = reliefs(of, "storage.virtual-slots")
    assert [(dict(r.gives), r.change(1).words) for r in found] == ([] if most is None else [(
        {"B-v1": 64, "all VIOSes of B": 64}, "raise max_virtual_slots of B-v1 to 76 in its profile and activate it anew")])
    for relief in found:
        after = Site(applied(of, [relief.change(1)]))
        assert next(v.max_virtual_slots for v in after.estate.vioses if v.name == "B-v1") == 76
        assert by_part(LIMITS["storage.virtual-slots"](after, "B")).get("B-v1", 99) > 4
