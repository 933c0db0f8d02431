"""Rules on processors: what would lift their refusals, and the edges of pools and capacity, by hand."""

from __future__ import annotations

import pytest
from estates import BASE, changed, judged, policy, pool, stating

from planner.estate.changes import Repair
from planner.estate.model import Estate
from planner.rules import REGISTRY, Site


def lifts(of: Estate, rule: str, lpar: str = "a1") -> list[Repair]:
    found = REGISTRY[rule].lifts
    assert found is not None
    return [change for row in found(Site(of), lpar, "A", "B") for alternative in row for change in alternative]


def messages(of: Estate, rule: str, *arguments: object) -> list[str]:
    site, _ = judged(of)
    return [f.message for f in REGISTRY[rule].findings("B", site, *arguments)]


def test_new_pools_get_the_first_numbers_from_1_that_are_free_each_its_own() -> None:
    of = stating(BASE.replace(pools=(pool("B", 0), pool("B", 2))), policy("target-pool", "a1", "gold"),
                 policy("target-pool", "a2", "iron"))
    assert [lifts(of, "processor.pool-known", n)[0].commands for n in ("a1", "a2")] == [
        (f"chhwres -r procpool -m B -o s --poolid {number} -a new_name={name},max_pool_proc_units=N",)
        for number, name in ((1, "gold"), (3, "iron"))]
    assert len(lifts(of, "processor.pool-known")) == 1
    full = of.replace(pools=tuple(pool("B", n) for n in range(63)))
    assert "--poolid 63 " in lifts(full, "processor.pool-known")[0].commands[0]
    assert lifts(full, "processor.pool-known", "a2") == []


@pytest.mark.parametrize(("here", "there", "level", "mode"), [
    (("POWER8", "POWER9", "POWER10"), ("POWER9", "POWER10", "POWER11"), "7.3", "POWER10"),
    (("POWER8", "POWER9", "POWER10"), ("POWER9", "POWER10", "POWER11"), "7.2 TL5", "POWER9"),
    (("POWER6", "POWER6 enhanced"), ("POWER6", "POWER6 enhanced"), "", "POWER6"),
    (("POWER6 enhanced",), ("POWER6 enhanced",), "", ""), (("POWER6",), ("POWER7",), "", "")])
def test_the_newest_mode_that_both_offer_and_the_system_supports(here: tuple[str, ...], there: tuple[str, ...], level: str,
                                                                 mode: str) -> None:
    """None that is enhanced: a move does not take such."""
    of = changed(changed(changed(BASE, "A", modes=here), "B", modes=there), "a1", os_level=level)
    for rule in ("processor.mode", "processor.preferred-mode"):
        assert [c.words for c in lifts(of, rule)] == ([f"restart a1 in {mode} mode"] if mode else [])


def test_so_many_virtual_processors_are_left_as_the_entitlement_feeds() -> None:
    of = changed(changed(BASE, "B", min_units_per_vp=20), "a1", virtual_processors=9)
    assert [c.words for c in lifts(of, "processor.minimum-per-vp")] == ["leave a1 5 virtual processors"]
    assert lifts(changed(of, "a1", entitlement_units=19), "processor.minimum-per-vp") == []
    assert [c.words for c in lifts(changed(of, "a1", entitlement_units=20), "processor.minimum-per-vp")] == [
        "leave a1 1 virtual processor"]


def test_a_pool_or_a_server_that_is_over_at_the_start_does_not_rise_and_may_stay() -> None:
    """b1 and b2 hold 2.50 in a pool of 2.00 less 0.25, on a server of which 3.00 may be held: 1 is that
    of its VIOSes, and 0.25 what the pool has reserved."""
    of = stating(BASE.replace(pools=(pool("B", 0, 2, 0.25),)), policy("reserve-cores", "B", "13"))
    assert messages(of, "processor.pool", "B", ["b1", "b2"]) == messages(of, "processor.capacity", "B", ["b1", "b2"]) == []
    assert messages(of, "processor.pool", "B", ["a2", "b1", "b2"]) == ["pool 0 of B would hold 3.00 cores of 1.75"]
    assert messages(of, "processor.pool", "B", ["a1", "a2", "b2"]) == []
    assert messages(of, "processor.capacity", "B", ["a2", "b1", "b2"]) == [
        "B would hold 4.25 cores of 3.00: 1.25 too many"]
    fewer = changed(of, "B", configurable_units=1650)
    assert messages(fewer, "processor.capacity", "B", ["b1", "b2"]) == []


def test_an_lpar_in_dedicated_mode_leaves_no_pool_and_one_at_home_neither() -> None:
    named = changed(BASE, "a1", pool_id=3).replace(pools=(pool("A", 3, name="DB"), pool("B", 0, name="DefaultPool")))
    assert messages(named, "processor.pool-kept", "a1", "A", "B") == [
        "leaves processor pool DB for DefaultPool of B: it has no pool of that name"]
    assert messages(named, "processor.pool-kept", "a1", "B", "A") == []
    unnamed = named.replace(pools=tuple(p for p in named.pools if p.server == "B"))
    assert messages(unnamed, "processor.pool-kept", "a1", "A", "B") == [
        "leaves processor pool 3 for DefaultPool of B: it has no pool of that name"]


def test_without_a_known_generation_nothing_is_said_of_modes() -> None:
    of = changed(changed(BASE, "B", generation="", modes=()), "a1", current_mode="", preferred_mode="POWER9")
    for rule in ("processor.mode", "processor.preferred-mode", "processor.os-mode"):
        assert messages(of, rule, "a1", "A", "B") == []


@pytest.mark.parametrize("turned", [False, True])
def test_lpars_of_one_shape_name_one_pool_and_come_from_one_server(turned: bool) -> None:
    """a1 comes home to A, which has no pool SAP, c1 is new there; a2 names no pool. Each is asked before the others."""
    of = stating(BASE, policy("target-pool", "a1", "SAP"), policy("target-pool", "c1", "SAP"))
    _, judge = judged(of)
    asked = {"a1": ("B", "A"), "c1": ("C", "A"), "a2": ("A", "B"), "b1": ("B", "A")}
    told = {n: not judge.allowed(n, *asked[n]) for n in sorted(asked, reverse=turned)}
    assert told == {n: "processor.pool-known" in {f.rule for f in judge.move(n, *way)} for n, way in asked.items()}
    assert told == {"a1": False, "c1": True, "a2": False, "b1": False}
    shape = REGISTRY["processor.pool-known"].shape
    assert shape is not None
    site, _ = judged(stating(of, policy("target-pool", "b2", "SAP")))
    assert len({shape(site, n) for n in ("a1", "c1", "b2")}) == 3 and shape(site, "a2") == shape(site, "b1")
