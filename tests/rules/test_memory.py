"""Rules on memory at their edges: just enough, who is there already, and what is asked at the end alone."""

from __future__ import annotations

from typing import Any

from estates import BASE, changed, judged

from planner.estate.capacity import Demand
from planner.estate.model import Estate
from planner.rules import REGISTRY

GIB = 1024


def shared(**devices: Any) -> Estate:
    """a1 and b1 in shared memory mode, of 8 and 16 GiB; B has a pool, and these paging devices are free there."""
    of = changed(BASE, "B", shared_memory_pool_mib=16 * GIB)
    for name in ("a1", "b1"):
        of = changed(of, name, memory_mode="shared", io_entitled_mib=256)
    return changed(of, "B-v1", **devices) if devices else of


def messages(of: Estate, rule: str, *arguments: object) -> list[str]:
    site, _ = judged(of)
    return [f.message for f in REGISTRY[rule].findings("B", site, *arguments)]


def test_the_pool_may_be_used_up_to_its_last_mib() -> None:
    """b1 holds 256 MiB of what is free again when it has left: 512 with 256 free."""
    devices = shared(paging_devices_mib=(8 * GIB,))
    for free, mib, said in ((256, 512, 0), (256, 513, 1), (0, 256, 0), (0, 257, 1)):
        of = changed(changed(devices, "B", free_pool_mib=free), "a1", io_entitled_mib=mib)
        assert len(messages(of, "memory.shared", "a1", "A", "B")) == said, (free, mib)
    of = changed(changed(devices, "a1", io_entitled_mib=16 * GIB), "b1", memory_mode="dedicated")
    assert messages(of, "memory.shared", "a1", "A", "B") == []
    assert "has 15.99" in messages(changed(of, "B", shared_memory_pool_mib=16 * GIB - 8), "memory.shared", "a1", "A", "B")[0]


def test_a_paging_device_is_counted_for_those_that_it_is_large_enough_for() -> None:
    """b1 of 16 GiB keeps its own beside the free one of 8, which is none for 16; an LPAR of 4 takes none of 8."""
    of = shared(paging_devices_mib=(8 * GIB,))
    assert messages(of, "memory.paging-devices", "B", ["a1", "b1"]) == []
    four = changed(of, "a2", memory_mode="shared", max_memory_mib=4 * GIB)
    assert messages(four, "memory.paging-devices", "B", ["a1", "a2", "b1"]) == [
        "3 paging devices of 4 GiB or more would be in use on B, which has 2"]
    assert messages(changed(four, "B-v1", paging_devices_mib=(8 * GIB, 4 * GIB)), "memory.paging-devices", "B",
                    ["a1", "a2", "b1"]) == []
    large = changed(changed(of, "a1", max_memory_mib=16 * GIB), "B-v1", paging_devices_mib=(16 * GIB - 1,))
    assert messages(large, "memory.paging-devices", "B", ["a1", "b1"]) == [
        "2 paging devices of 16 GiB or more would be in use on B, which has 1"]


def test_who_is_not_activated_or_has_memory_of_its_own_takes_no_device_and_nothing_of_the_pool() -> None:
    for changes in ({"state": "not activated"}, {"memory_mode": "dedicated"}):
        of = changed(changed(shared(), "a1", **changes), "B", free_pool_mib=0)
        assert messages(of, "memory.paging-devices", "B", ["a1", "b1"]) == []
        assert messages(of, "memory.pool", "B", ["a1", "b1"]) == []
    of = changed(shared(), "B", free_pool_mib=0)
    assert messages(of, "memory.pool", "B", ["a1", "b1"]) == [
        "the I/O entitled memory of LPARs on B would be 0.50 GiB; its shared memory pool has 0.25 for that"]


def test_they_page_where_they_use_more_than_the_pool_and_than_before() -> None:
    """b1 keeps 16 GiB in use, a1 its working set of 1: the pool of 17 has just enough."""
    of = changed(changed(shared(), "a1", working_set_mib=1 * GIB), "B", shared_memory_pool_mib=17 * GIB)
    assert messages(of, "memory.pool-paging", "B", ["a1", "b1"]) == []
    less = changed(of, "B", shared_memory_pool_mib=17 * GIB - 1)
    assert len(messages(less, "memory.pool-paging", "B", ["a1", "b1"])) == 1
    assert messages(changed(of, "B", shared_memory_pool_mib=8 * GIB), "memory.pool-paging", "B", ["b1"]) == []
    _, judge = judged(less)
    assert [f.rule for f in judge.settled("B", ["a1", "b1"])] == ["memory.pool-paging"]
    assert "memory.pool-paging" not in {f.rule for f in judge.server("B", ["a1", "b1"])}


def test_huge_pages_are_wanted_by_those_that_come_and_boot_there() -> None:
    """b1 sleeps on B and has its pages in what is not free; a2 runs; a1 comes with four pages, c1 with none stated."""
    of = changed(changed(BASE, "B", free_huge_pages=4), "a2", huge_pages=1)
    for name, pages in (("a1", 4), ("b1", 2), ("c1", None)):
        of = changed(of, name, state="not activated", huge_pages=pages)
    everybody = ["a1", "a2", "b1", "c1"]
    assert messages(of, "memory.huge-pages-there", "B", everybody) == []
    few = changed(of, "B", free_huge_pages=3)
    assert messages(few, "memory.huge-pages-there", "B", everybody) == [
        "LPARs that come to B have 4 huge page(s) in their profiles, 3 are free: they will boot without some"]
    _, judge = judged(few)
    assert [f.rule for f in judge.settled("B", everybody)] == ["memory.huge-pages-there"] and not judge.server("B", everybody)


def test_block_sizes_are_told_for_each_server_that_states_none() -> None:
    of = changed(changed(BASE, "A", lmb_mib=None), "B", lmb_mib=None)
    assert messages(of, "memory.lmb", "a1", "A", "B") == [
        f"the logical memory block size of {s} is unknown" for s in ("A", "B")]


def test_a_size_fits_as_far_as_the_room_of_the_server_goes() -> None:
    """Asked of the size in which an LPAR is restarted: of memory and of cores each alone."""
    site, _ = judged(BASE)
    room = site.room("B")
    for rule, units, mib in (("memory.fits", 9999, 0), ("processor.fits", 0, 9999)):
        fits = REGISTRY[rule].fits
        assert fits is not None and fits(site, Demand(room.units + units, room.memory_mib + mib), "B")
        assert not fits(site, Demand(room.units + max(1, units), room.memory_mib + max(1, mib)), "B")
