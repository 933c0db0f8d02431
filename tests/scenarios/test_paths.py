"""How an LPAR gets there: live, by a restart, after work, not at all; its modes on the way; what cannot be undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from estates import BASE, GIB, backed, changed, estate, lpar, policy, server, stating

from planner.estate.catalogue import CATALOGUE
from planner.estate.model import Disk, Estate, SriovPort
from planner.rules import Judge, Site
from planner.scenarios.build import build
from planner.scenarios.model import NewServer, Scenario, ServerClock
from planner.scenarios.paths import Passage, Passages, Way, doors, needs_activation, stages
from planner.scenarios.sizing import Sizer, ratings

NEW = NewServer("N", "9117-MMB", 16, 256 * 1024, ghz="3.1", firmware="AM720_101")
LIVE, RESTART, WORK = Way.LIVE, Way.RESTART, Way.WORK


def world(of: Estate = BASE, new: NewServer = NEW, **scenario: Any) -> tuple[Site, Sizer, Passages]:
    """The site on arrival when A is retired and N is new."""
    asked = Scenario("s", add=(new,), **({"retire": ("A",), "clocks": (ServerClock("A", "4.7"),)} | scenario))
    made = build(of, asked, CATALOGUE).estate
    site = Site(made)
    sizer = Sizer(made, asked, ratings(made, asked, CATALOGUE))
    return site, sizer, Passages(site, Judge(site), sizer, [n for n, s in site.start.items() if s == "A"])


def passage(of: Estate, new: NewServer = NEW, lpar_name: str = "a1", target: str = "N", **more: Any) -> Passage:
    return world(of, new, **more)[2].of(lpar_name, target)


def a1(**changes: Any) -> Estate:
    return changed(BASE, "a1", **changes)


#: Of what is refused live: the estate, the new server, the way that is left, and the rule.
WAYS: dict[str, tuple[Estate, NewServer, Way | None, str]] = {
    "nothing against it": (BASE, NEW, LIVE, ""),
    "another block size": (BASE, replace(NEW, lmb_mib=128), RESTART, "memory.lmb"),
    "enhanced mode": (a1(current_mode="POWER6 enhanced"), NEW, RESTART, "processor.mode"),
    "no RMC": (a1(rmc_active=False), NEW, RESTART, "partition.rmc"),
    "IBM i from POWER6": (a1(os="IBM i"), NEW, RESTART, "partition.ibm-i"),
    "huge pages": (a1(huge_pages=2), NEW, RESTART, "memory.huge-pages"),
    "firmware matrix": (changed(BASE, "A", firmware="EM340_039"), replace(NEW, firmware="AM770_010"), RESTART,
                        "server.firmware"),
    "production stays": (stating(a1(environment="production"), policy("production-stays")), NEW, RESTART,
                         "policy.production-stays"),
    "physical adapter": (a1(physical_adapters=("U1-P1-C1",)), NEW, WORK, "partition.physical-io"),
    "LHEA": (a1(lhea=True), NEW, WORK, "partition.lhea"),
    "logical volume": (BASE.replace(disks=(*BASE.disks, Disk("a1", 9, "datalv", "A-v1", "lv"))), NEW, WORK,
                       "storage.whole-lun"),
    "pinned": (stating(BASE, policy("pin", "a1", "A")), NEW, None, "policy.pin"),
    "preferred mode that the target lacks": (a1(current_mode="POWER6", preferred_mode="POWER6 enhanced"), NEW, None,
                                             "processor.preferred-mode"),
    "larger than the target": (a1(memory_mib=300 * GIB, max_memory_mib=300 * GIB).replace(
        servers=tuple(replace(s, configurable_memory_mib=512 * GIB) for s in BASE.servers)), NEW, None, "memory.fits"),
    "another site": (changed(BASE, "A", site="south"), replace(NEW, wired_like="B"), None, "server.site"),
}


@pytest.mark.parametrize("name", WAYS)
def test_the_way_that_is_left(name: str) -> None:
    of, new, way, rule = WAYS[name]
    found = passage(of, new)
    assert found.way is way
    if rule:
        assert rule in {f.rule for f in (found.reasons if way else found.refusals)}


def test_lpars_of_servers_that_stay_do_not_restart() -> None:
    assert passage(changed(BASE, "b1", rmc_active=False), lpar_name="b1").way is None
    assert passage(BASE, lpar_name="b1").way is LIVE


def test_what_is_too_large_today_may_restart_in_its_final_size() -> None:
    """12 cores of a 570 (8.824 rPerf) are 10.25 on a 770 of 12 cores at 3.5 GHz (140.75 / 12 = 11.729): 12 × 0.7523 =
    9.03; with two VIOSes of 1.00 the 12 cores hold 11.03, but not 12 + 2."""
    base = estate([server("A", 14)], [lpar("a1", "A", 12, 8)])
    found = passage(base, replace(NEW, ghz="3.5", cores=12))
    assert found.way is RESTART and [f.rule for f in found.reasons] == ["processor.fits"]


def path(of: Estate, way: Way = LIVE, new: NewServer = NEW) -> list[tuple[str, str, str, int, int]]:
    site, sizer, _ = world(of, new)
    return [(s.when, s.server, s.mode, s.units, s.virtual_processors)
            for s in stages(site, sizer, site.lpars["a1"], "N", way)]


def test_no_credit_for_power7_before_re_activation() -> None:
    """A 570 of 16 cores at 4.7 GHz: 134.35 / 16 = 8.396875; ratio 8.396875 / 10.33125 = 0.812765; 1.00 → 0.82."""
    assert path(BASE) == [
        ("today", "A", "POWER6", 100, 1), ("after the live move", "N", "POWER6", 100, 1),
        ("after re-activation", "N", "POWER7", 82, 1)]


def test_a_restart_gives_mode_and_size_at_once() -> None:
    assert path(BASE, RESTART) == [("today", "A", "POWER6", 100, 1), ("after the restart", "N", "POWER7", 82, 1)]


def test_within_a_generation_dlpar_sets_the_size() -> None:
    of = changed(a1(current_mode="POWER7"), "A", model="9117-MMB", generation="POWER7", firmware="AM720_101")
    new = replace(NEW, model="9117-MMD", ghz="3.8", firmware="AM760_010")
    site, sizer, _ = world(of, new, clocks=(ServerClock("A", "3.1"),))
    found = stages(site, sizer, site.lpars["a1"], "N", LIVE)
    # 10.33125 / 13.70625 = 0.753762: 1.00 → 0.76
    assert [(s.when, s.mode, s.units) for s in found] == [
        ("today", "POWER7", 100), ("after the live move", "POWER7", 100), ("after resizing by DLPAR", "POWER7", 76)]
    assert not needs_activation(found)


def test_a_preferred_mode_is_kept_and_earns_nothing() -> None:
    assert path(a1(preferred_mode="POWER6")) == [
        ("today", "A", "POWER6", 100, 1), ("after the live move", "N", "POWER6", 100, 1)]


def doors_of(of: Estate, new: NewServer = NEW, way: Way = LIVE) -> list[tuple[str, str]]:
    site, sizer, _ = world(of, new)
    rows = {"a1": replace(sizer.final(site.lpars["a1"], "N").row, current_mode="POWER7")}
    return [(d.after, d.reason) for d in doors(site, {"a1": "N"}, rows, {"a1": way}) if d.lpars == ("a1",)]


def test_re_activation_closes_the_way_back() -> None:
    assert doors_of(BASE) == [("re-activation", "runs in POWER7 mode, which A does not support (processor.mode)")]


def test_firmware_may_close_it_with_the_move_itself() -> None:
    """Asked of the way back alone: firmware below 3.2 takes nothing in (REDP-4798 p. 142)."""
    found = doors_of(changed(BASE, "A", firmware="EM310_001"))
    assert found[0][0] == "the live move" and "firmware AM720_101 on N cannot send to EM310_001 on A" in found[0][1]


def test_the_sriov_port_that_it_left_is_no_door_that_closes() -> None:
    """Of A's port 5 % are free beside the 20 % that a1 has there: they are free again once it is gone."""
    ports = tuple(SriovPort(s, f"{s}-P0", free_ports=2, free_percent=5) for s in "ABC")
    of = backed(BASE.replace(sriov=ports), {"a1": [[20]]}, port="A-P0")
    assert not [found for found in doors_of(of) if "network.vnic" in found[1]]


def test_a_restart_over_another_block_size_is_no_way_back_either() -> None:
    found = doors_of(BASE, replace(NEW, lmb_mib=128), RESTART)
    assert {(a, r.split("(")[-1]) for a, r in found} == {("the restart", "memory.lmb)"), ("the restart", "processor.mode)")}
