"""What a rule says that lifts its refusals lifts them: each alternative alone, applied to the estate."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import BASE, changed, estate, lpar, policy, server, stating, without

from planner.estate.changes import applied
from planner.estate.model import Disk, Estate, Fibre, Port, ProcessorPool
from planner.estate.prices import PRICES
from planner.findings import errors
from planner.plan.questions import Evacuate
from planner.rules import REGISTRY, Judge, Scope, Site


def with_disk(**row: str) -> Estate:
    return BASE.replace(disks=(*BASE.disks, Disk("a1", 9, "extra", "A-v1", **row)))


def with_fibres(*ports: Port) -> Estate:
    return BASE.replace(ports=ports, fibres=(Fibre("a1", 7, "A-v1", "c1", "c2", "f1", False), Fibre(
        "a1", 8, "A-v2", "c3", "c4", "f1", True)))


A_PORTS = (Port("A-v1", "fcs0", "f1"), Port("A-v2", "fcs0", "f1"))
CASES: dict[str, Estate] = {
    "partition.running": changed(BASE, "a1", state="error"),
    "partition.rmc": changed(BASE, "a1", rmc_active=False),
    "partition.migration-disabled": changed(BASE, "a1", migration_disabled=True),
    "partition.physical-io": changed(BASE, "a1", physical_adapters=("U78-P1-C1",), physical_io=True),
    "partition.lhea": changed(BASE, "a1", lhea=True),
    "partition.sriov": changed(BASE, "a1", sriov_ports=2),
    "partition.bsr": changed(BASE, "a1", bsr_arrays=1),
    "partition.error-path": changed(BASE, "a1", error_path_reporting=True),
    "partition.workload-group": changed(BASE, "a1", workload_group="wlg"),
    "partition.name-free": BASE.replace(lpars=(*BASE.lpars, replace(
        BASE.lpars[0], name="a1@B", server="B", state="not activated", lpar_id=90))),
    "policy.production-stays": stating(changed(BASE, "a1", environment="production"), policy("production-stays", "*")),
    "policy.pin": stating(BASE, policy("pin", "a*")),
    "policy.fence": stating(BASE, policy("fence", "a1; c1", "A; C")),
    "policy.not-a-target": stating(BASE, policy("not-a-target", "B; C")),
    "processor.minimum-per-vp": changed(BASE, "a1", virtual_processors=40),
    "processor.pool-known": stating(BASE, policy("target-pool", "a1", "gold")).replace(
        pools=(ProcessorPool("B", 1, "silver"),)),
    "processor.mode": changed(changed(BASE, "B", modes=("POWER5", "POWER6")), "a1", current_mode="POWER6+"),
    "processor.preferred-mode": changed(changed(BASE, "B", modes=("POWER5", "POWER6")), "a1", preferred_mode="POWER6+"),
    "memory.huge-pages": changed(BASE, "a1", huge_pages=2),
    "network.vlan": BASE.replace(bridges=tuple(
        replace(b, vlan=99) if b.vios.startswith("B") else b for b in BASE.bridges)),
    "network.redundancy": BASE.replace(bridges=tuple(
        replace(b, vlan=99) if b.vios == "B-v2" else b for b in BASE.bridges)),
    "storage.no-optical": with_disk(backing="optical", vtd="vtopt0"),
    "storage.whole-lun": with_disk(backing="lv"),
    "storage.reserve-here": BASE.replace(zonings=tuple(
        replace(z, reserve_policy="single_path") if (z.lun, z.vios) == ("lun-a1", "A-v1") else z for z in BASE.zonings)),
    "storage.lun-seen": BASE.replace(zonings=tuple(
        z for z in BASE.zonings if z.lun != "lun-a1" or not z.vios.startswith("B"))),
    "storage.redundancy": without(BASE, "zonings", lun="lun-a1", vios="B-v2"),
    "storage.wwpn-pair": with_fibres(*A_PORTS),
    "storage.fabric": with_fibres(*A_PORTS, Port("B-v1", "fcs0", "f2")),
    "server.enterprise": changed(BASE, "B", enterprise=False),
    "server.console": changed(BASE, "B", console="hmc2"),
    "server.site": changed(BASE, "B", site="south"),
    "server.dpo": changed(BASE, "B", dpo_running=True),
    "server.mover": changed(changed(BASE, "B-v1", msp=False), "B-v2", msp=False),
    "server.migrations": changed(BASE, "B", max_migrations=0),
    "server.vios-rmc": changed(BASE, "A-v1", rmc_active=False),
    "server.vios-level": changed(BASE, "B-v1", level="1.4.0.0"),
    "server.firmware": changed(changed(BASE, "A", firmware="AM770_032"), "B", firmware="AM710_099"),
    "software.minimum": changed(BASE, "a1", os_level="5.3 TL5", software=("Oracle 10.1",), environment="production"),
    "software.minimum-there": stating(changed(BASE, "a1", software=("MQ 6.0",)), policy(
        "minimum-software", "MQ", "7.0 on POWER6")),
    "software.refused": changed(BASE, "a1", software=("Oracle RAC 10.2", "MQ 7.0")),
}
OTHERWISE = {"processor.fits", "memory.fits", "policy.keep-apart", "policy.keep-together", "policy.soft-pin",
             "storage.optical-there", "storage.slots", "server.inactive-migrations"}
"""Kept by rows, on groups, or of what another case shows: the oracle of remedies has them."""


def refused(of: Estate, rule: str) -> bool:
    found = REGISTRY[rule]
    where = ("a1",) if found.scope is Scope.LPAR else ("a1", "A", "B")
    return bool(errors(found.findings("a1", Site(of), *where)))


@pytest.mark.parametrize("rule", CASES)
def test_each_alternative_lifts_the_refusal(rule: str) -> None:
    of, found = CASES[rule], REGISTRY[rule]
    assert refused(of, rule) and found.lifts is not None
    where = ("a1",) if found.scope is Scope.LPAR else ("a1", "A", "B")
    rows = [list(row) for row in found.lifts(Site(of), *where)]
    assert rows and all(rows)
    for number, row in enumerate(rows):
        for alternative in row:
            assert {c.kind for c in alternative} <= PRICES.of.keys()
            others = [c for n, other in enumerate(rows) if n != number for c in other[0]]
            assert not refused(applied(of, [*alternative, *others]), rule), [c.words for c in alternative]


def test_every_rule_that_says_what_lifts_it_is_tried() -> None:
    lifting = {r.id for r in REGISTRY.values() if r.lifts is not None}
    assert lifting == CASES.keys() | OTHERWISE


@pytest.mark.parametrize(("kind", "other"), [("keep-apart", "keep-together"), ("keep-together", "keep-apart")])
@pytest.mark.parametrize("group", ["g", ""])
def test_the_active_rows_of_a_group_and_no_others_are_lifted_one_by_one(kind: str, other: str, group: str) -> None:
    """Rows without a name are one group."""
    mine = (policy(kind, group, "a1; a2"), policy(kind, group, "a1; b1"))
    of = stating(BASE, *mine, policy(kind, "h", "b1; b2"), policy(other, group, "a1; c1"), policy(kind, group, "b2; c1", active=False))
    lifts = REGISTRY[f"policy.{kind}"].lifts
    assert lifts is not None
    rows = [list(row) for row in lifts(Site(of), group or "unnamed")]
    assert [len(row) for row in rows] == [1, 1] and all({c.kind for c in row[0]} == {kind} for row in rows)
    for own, row in zip(mine, rows, strict=True):
        left = applied(of, row[0]).policies
        assert [p for p in left if p.active] == [p for p in of.policies if p.active and p is not own]


def test_a_soft_pin_is_lifted_where_a_question_makes_it_a_refusal() -> None:
    of = stating(BASE, policy("soft-pin", "a1; a2", "A"))
    goal, found = Evacuate(servers=("C",)), REGISTRY["policy.soft-pin"]

    def told(of: Estate, name: str) -> bool:
        return bool(errors(found.findings(name, Site(of, goal=goal), name, "A", "B")))

    assert found.lifts is not None and told(of, "a1")
    ((change,),) = found.lifts(Site(of, goal=goal), "a1", "A", "B")
    assert change[0].kind == "soft-pin"
    after = applied(of, list(change))
    assert not told(after, "a1") and told(after, "a2")


def test_what_a_question_refuses_no_policy_lifts_and_who_belongs_there_is_let_in() -> None:
    """LPARs are judged alike only where the same servers refuse them and are their own."""
    of, goal = estate([server(s) for s in "ABC"], [lpar(n, "A") for n in "xyz"]), Evacuate(servers=("A",), not_targets=("B",))
    site, found = Site(of, {"y": "B"}, goal=goal), REGISTRY["policy.not-a-target"]
    judge = Judge(site)
    assert [bool([f for f in judge.move(n, "A", "B") if f.rule == found.id]) for n in "xyz"] == [True, False, True]
    assert found.lifts is not None
    assert [[*row] for row in found.lifts(site, "x", "A", "B")] == [[]]
    assert [len([*row]) for row in found.lifts(Site(stating(of, policy("not-a-target", "B"))), "x", "A", "B")] == [1]
