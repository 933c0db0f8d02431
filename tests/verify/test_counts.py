"""What the replay counts of a server by the LPARs on it, by hand, and the limits that lanes keep of the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from estates import BASE, backed, changed, judged, policy, pool, stating, without

from planner.estate.model import Estate, SriovPort
from planner.verify.counts import lacking, limits

HERE = ("b1", "b2")
GIB = 1024


def lacks(of: Estate, *coming: str, gone: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    site, _ = judged(of)
    return [(f.rule, f.subject, f.message) for f in lacking(site, "B", [*coming, *(n for n in HERE if n not in gone)])]


def kept(of: Estate, *names: str) -> list[tuple[str, int, list[int], str]]:
    """Of each limit of B the most there is, and what these LPARs hold there."""
    site, _ = judged(of)
    return [(x.rule, x.most, [x.of(n) for n in names], x.shown(1500)) for x in limits(site, "B")]


def short(count: int, what: str) -> tuple[str, str, str]:
    return "plan.vnics", "B", f"{count} {what}"


PORT, PERCENT = "vNIC(s) find no SR-IOV logical port", "% of capacity of SR-IOV ports are not there"


@pytest.mark.parametrize(("free", "over"), [(3, 0), (2, 1), (0, 3), (None, 0)])
def test_what_no_listing_shows_takes_a_logical_port_each(free: int | None, over: int) -> None:
    """a1 has two vNICs and a migratable port; b1, when it has left, leaves its one free."""
    of = changed(changed(changed(BASE, "a1", vnic_adapters=2, migratable_sriov_ports=1), "b1", vnic_adapters=1), "B",
                 free_sriov_ports=free)
    assert lacks(of, "a1") == [short(over, PORT)] * bool(over)
    assert lacks(of, "a1", gone=["b1"]) == [short(over - 1, PORT)] * (over > 1)
    found = [row for row in kept(of, "a1", "b1", "b2", "c1") if row[0] == "plan.vnics"]
    assert found == ([] if free is None else [("plan.vnics", free + 1, [3, 1, 0, 0], "1500 SR-IOV logical ports")])


@pytest.mark.parametrize(("ports", "percent", "told"), [
    (3, 9, []), (2, 9, [short(1, PORT)]), (3, 8, [short(1, PERCENT)]), (1, 1, [short(2, PORT), short(8, PERCENT)]), (None, 8, [short(1, PERCENT)]),
    (2, None, [short(1, PORT)])])
def test_a_vnic_that_comes_takes_its_smallest_device_and_one_that_leaves_gives_all(
        ports: int | None, percent: int | None, told: list[tuple[str, str, str]]) -> None:
    """a1: 5 of 5 and 8, and 3; and one of which nothing is stated, 1 %. b1 leaves 5 and 8."""
    of = backed(BASE, {"a1": [(5, 8), (3,), (None,)], "b1": [(5, 8)]}).replace(sriov=(SriovPort("B", "T1", ports, percent),))
    assert lacks(of, "a1") == told and lacks(of, "a1", gone=["b1"]) == []
    assert lacks(of, "a1", "a2", "c1") == told
    rows = [(most, held) for rule, most, held, _ in kept(of, "a1", "b1") if rule == "plan.vnics"]
    assert rows == [(n + own, [mine, own]) for n, own, mine in ((ports, 2, 3), (percent, 13, 9)) if n is not None]
    full = of.replace(sriov=(*of.sriov, SriovPort("B", "T2", 0, 90), SriovPort("B", "T3", 90, 0), SriovPort("A", "T1", 90, 90)))
    assert lacks(full, "a1") == told


def test_what_states_no_capacity_takes_one_per_cent_and_leaves_one() -> None:
    """a1 has three vNICs that no listing shows, b1 one of which no capacity is stated."""
    of = changed(backed(BASE, {"b1": [(None,)]}), "a1", vnic_adapters=3)
    for percent, gone, told in ((3, (), []), (2, (), [short(1, PERCENT)]), (2, ("b1",), []), (1, ("b1",), [short(1, PERCENT)])):
        assert lacks(of.replace(sriov=(SriovPort("B", "T1", 9, percent),)), "a1", gone=gone) == told


def sharing(of: Estate, **most: int) -> Estate:
    """These LPARs in shared memory mode, with their maximum memory in GiB."""
    for name, gib in most.items():
        of = changed(of, name, memory_mode="shared", max_memory_mib=gib * GIB, io_entitled_mib=100 * gib)
    return changed(of, "B", shared_memory_pool_mib=64 * GIB)


def test_the_largest_take_the_largest_paging_devices() -> None:
    """b1 of 16 GiB keeps its own. Free are one of 8 and one of 4."""
    of = changed(sharing(BASE, a1=8, a2=4, b1=16, c1=16), "B-v2", paging_devices_mib=(4 * GIB, 8 * GIB))
    device = "has no paging device on B at that moment"
    assert lacks(of, "a1", "a2") == [] and lacks(of, "c1", gone=["b1"]) == []
    assert lacks(of, "c1", "a2") == [("plan.paging", "c1", device)]
    assert lacks(changed(of, "a2", max_memory_mib=8 * GIB), "a1", "a2") == [("plan.paging", "a2", device)]
    assert lacks(changed(of, "c1", state="not activated"), "a1", "a2", "c1") == []
    found = [row for row in kept(of, "a1", "a2", "b1", "b2", "c1") if row[0] == "plan.paging"]
    assert found == [("plan.paging", most, held, "1500 paging devices") for most, held in (
        (3, [1, 1, 1, 0, 1]), (2, [1, 0, 1, 0, 1]), (1, [0, 0, 1, 0, 1]))]


@pytest.mark.parametrize(("changes", "most"), [
    ({"free_pool_mib": 0}, 1600), ({"free_pool_mib": 300}, 1900), ({"shared_memory_pool_mib": 2000}, 2000), ({"shared_memory_pool_mib": 900}, 1600)])
def test_a_shared_memory_pool_holds_what_is_free_and_what_is_there(changes: dict[str, Any], most: int) -> None:
    """b1 has 1600 MiB of I/O entitled memory, a1 as much as just fits when b1 stays; b2 and a2 have a share in none."""
    of = changed(changed(sharing(BASE, a1=8, b1=16), "B-v1", paging_devices_mib=(99 * GIB,)), "B", **changes)
    of = changed(changed(of, "b2", io_entitled_mib=5000), "a2", io_entitled_mib=5000)
    of = changed(of, "c1", memory_mode="shared", io_entitled_mib=5000)
    for more, said in ((0, []), (256, [("plan.pool-memory", "B", "0.25 GiB of I/O entitled memory find no place in the shared memory pool")])):
        wanted = changed(of, "a1", io_entitled_mib=most - 1600 + more)
        assert lacks(wanted, "a1", "a2") == said
        assert lacks(changed(wanted, "a1", state="not activated"), "a1", "a2") == []
        rows = [(row[1:]) for row in kept(wanted, "a1", "a2", "b1", "b2") if row[0] == "plan.pool-memory"]
        assert rows == [(most, [most - 1600 + more, 0, 1600, 0], "1.46 GiB")]


def test_cores_memory_and_pools_of_a_server_less_its_vioses_or_what_was_there() -> None:
    """16 cores less one of two VIOSes; 128 GiB less 1 of firmware and the VIOSes' 2 with a table of 32 MiB each, in blocks
    of 256. b1 and b2 hold 2.5 cores, with a ceiling of 10 % more than they may."""
    of = BASE.replace(pools=(pool("B", 0, 5, 1), pool("B", 1), pool("B", 2, 0)))
    assert [most for rule, most, _, _ in kept(of, "a1") if rule == "processor.pool"] == [400, 0]
    of = without(of, "pools", pool_id=2)
    rows = {rule: (most, held, said) for rule, most, held, said in kept(of, "a1", "b1")}
    assert rows["processor.capacity"] == (1600 - 100 - 100, [100, 200], "15.00 cores")
    assert rows["processor.pool"] == (400, [100, 200], "15.00 cores")
    memory = rows["memory.capacity"]
    assert memory[0] < 128 * GIB - GIB - 4 * GIB < memory[0] + GIB and memory[1:] == ([8192 + 128, 16384 + 256], "1.46 GiB")
    small = stating(of.replace(pools=(pool("B", 0, 2),)), policy("cpu-ceiling", "B", "10 %"), policy("memory-ceiling", "B", "1 %"))
    rows = {rule: (most, held, said) for rule, most, held, said in kept(small, "a1", "b1", "b2")}
    assert rows["processor.capacity"][0] == rows["processor.pool"][0] == 250
    assert rows["memory.capacity"][0] == sum(rows["memory.capacity"][1][1:])
