"""Impossibilities and gaps: what no site can be, told with its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from estates import BASE, changed, loaded, lpar, policy, pool, server, stating
from hypothesis import given
from hypothesis import strategies as st

from planner.estate.assemble import Loaded
from planner.estate.capacity import Demand, hash_page_table_mib, lpar_demand, min_units_per_vp, vios_demand
from planner.estate.catalogue import GENERATIONS, MODELS, MODES, generation_of, rperf_per_core
from planner.estate.model import (
    TABLE,
    TABLES,
    Disk,
    Estate,
    Fibre,
    Network,
    Parameter,
    Policy,
    Port,
    SriovPort,
    Type,
    Vnic,
    Zoning,
)
from planner.estate.validate import validate
from planner.findings import Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING


def a1(**changes: object) -> Estate:
    return changed(BASE, "a1", **changes)


def pair(first: str, second: str) -> tuple[Fibre, ...]:
    return (Fibre("a1", 40, "A-v1", first, "c051", "f1"), Fibre("b1", 40, "B-v1", second, "c061", "f1"))


#: What is wrong, the rule that tells it, about whom, how bad, and what it says.
WRONG: dict[str, tuple[Estate, str, str, Severity, str]] = {
    "too little for each virtual processor": (
        a1(virtual_processors=11), "estate.entitlement-per-vp", "a1", WARNING,
        "1.00 cores for 11 virtual processors; POWER6 needs 0.10 for each"),
    "too little even for POWER7+": (
        changed(a1(virtual_processors=21), "A", generation="POWER7+"), "estate.entitlement-per-vp", "a1", WARNING,
        "POWER7+ needs 0.05"),
    "more than its virtual processors carry": (
        a1(entitlement_units=150, virtual_processors=1), "estate.entitlement-above-vp", "a1", WARNING, "at most 1.00"),
    "part of a dedicated core": (
        a1(processors="dedicated", entitlement_units=150, virtual_processors=2), "estate.dedicated", "a1", WARNING,
        "1.50 cores for 2 processors"),
    "more virtual processors than its maximum": (
        a1(max_virtual_processors=0), "estate.vp-above-max", "a1", WARNING, "1 virtual processors, maximum 0"),
    "more memory than its maximum": (
        a1(max_memory_mib=4096), "estate.memory-above-max", "a1", WARNING, "8 GiB of memory, maximum 4"),
    "no memory": (a1(memory_mib=0), "estate.no-memory", "a1", WARNING, "runs without memory"),
    "memory between two blocks": (
        a1(memory_mib=8193, max_memory_mib=8193), "estate.memory-not-lmb", "a1", WARNING, "counted as the next multiple"),
    "a server over its cores": (
        changed(BASE, "A", configurable_units=249), "estate.server-over-cores", "A", WARNING,
        "partitions hold 2.50 cores of 2.49"),
    "a server over its memory": (
        changed(BASE, "A", configurable_memory_mib=17_000), "estate.server-over-memory", "A", WARNING, "GiB held of 16.60"),
    "idle above maximum": (
        changed(BASE, "A", idle_watts=1500, max_watts=1400), "estate.idle-above-maximum", "A", ERROR,
        "1500 W idle, 1400 W at most"),
    "watts that no server draws": (
        changed(BASE, "A", max_watts=200_001), "input.bad-value", "A", ERROR, "200001 is above 200000"),
    "watts below nothing": (changed(BASE, "A", idle_watts=-1), "input.bad-value", "A", ERROR, "-1 is below 0"),
    "a pool over its maximum": (
        BASE.replace(pools=(pool("A", 0, 1.49),)), "estate.pool-over-maximum", "A", WARNING,
        "entitled and reserved 1.50 cores, maximum 1.49"),
    "a pool over its maximum by its reserve": (
        BASE.replace(pools=(pool("A", 0, 2, 0.6),)), "estate.pool-over-maximum", "A", WARNING, "2.10 cores, maximum 2.00"),
    "a pool that is not there": (a1(pool_id=3), "input.unknown-name", "a1", WARNING, "pool 3 of A is not in sheet Pools"),
    "one id twice on a server": (a1(lpar_id=12), "estate.duplicate-id", "a2", WARNING, "both have partition id 12 on A"),
    "the id of a VIOS": (a1(lpar_id=1), "estate.duplicate-id", "a1", WARNING, "both have partition id 1 on A"),
    "a name among LPARs and VIOSes": (
        BASE.replace(lpars=(*BASE.lpars, lpar("A-v1", "A", 0.1, 1, lpar_id=90))), "input.duplicate", "A-v1", WARNING,
        "stands among the LPARs and the VIOSes"),
    "a VLAN that nobody bridges": (
        BASE.replace(networks=(*BASE.networks, Network("a1", 3, 77))), "input.unknown-vlan", "a1", WARNING, "a1 uses VLAN 77"),
    "a tagged VLAN that nobody bridges": (
        BASE.replace(networks=(*BASE.networks, Network("a1", 3, 10, (78,)))), "input.unknown-vlan", "a1", WARNING, "VLAN 78"),
    "a VLAN on another switch": (
        BASE.replace(networks=(*BASE.networks, Network("a1", 3, 10, (), "OTHER"))), "input.unknown-vlan", "a1", WARNING,
        "(switch OTHER)"),
    "a LUN that its own VIOS does not see": (
        BASE.replace(disks=(*BASE.disks, Disk("a1", 9, "ghost", "A-v1"))), "estate.lun-not-zoned", "a1", WARNING,
        "Zoning does not show it there"),
    "one WWPN twice": (BASE.replace(fibres=pair("C050", "c050")), "estate.duplicate-wwpn", "b1", WARNING,
                       "also belongs to a1 slot 40"),
    "a pair that is no pair": (
        BASE.replace(fibres=(Fibre("a1", 40, "A-v1", "c050", "C050", "f1"),)), "estate.duplicate-wwpn", "a1", WARNING, "c050"),
    "a disk of nobody": (BASE.replace(disks=(*BASE.disks, Disk("zz", 3, "l", "A-v1"))), "input.unknown-name", "zz", WARNING,
                         "'zz' is not in sheet LPARs"),
    "a zoning to no VIOS": (BASE.replace(zonings=(*BASE.zonings, Zoning("l", "zz"))), "input.unknown-name", "l", WARNING,
                            "'zz' is not in sheet VIOS"),
    "an unknown generation": (changed(BASE, "A", generation="POWER99"), "input.bad-value", "A", ERROR,
                              "unknown generation 'POWER99'"),
    "an unknown parameter": (BASE.replace(parameters=(Parameter("speed", 1.0),)), "input.unknown-name", "speed", ERROR,
                             "is no parameter of the cost model"),
    "a parameter out of range": (BASE.replace(parameters=(Parameter("link_efficiency", 1.5),)), "input.bad-value",
                                 "link_efficiency", ERROR, "at most 1"),
    "an unknown mover attribute": (changed(BASE, "A-v1", msp=None), "input.gap", "A-v1", WARNING, "a mover is assumed"),
    "an unknown block size": (changed(BASE, "A", lmb_mib=None), "input.gap", "A", WARNING, "equality is not checked"),
    "an unknown RMC state": (a1(rmc_active=None), "input.gap", "a1", WARNING, "RMC is assumed active"),
    "an LPAR without a network": (
        BASE.replace(networks=tuple(n for n in BASE.networks if n.lpar != "a1")), "input.gap", "a1", WARNING,
        "has no row in LPAR networks"),
    "an LPAR without a disk": (
        BASE.replace(disks=tuple(d for d in BASE.disks if d.lpar != "a1")), "input.gap", "a1", WARNING,
        "has no row in Disks or NPIV"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_no_site_can_be_is_told(name: str) -> None:
    of, rule, subject, severity, words = WRONG[name]
    told = [f for f in loaded(of).findings if f.rule == rule and f.subject == subject and words in f.message]
    assert told, [str(f) for f in loaded(of).findings]
    assert {f.severity for f in told} == {severity} and all(f.fix for f in told)
    assert len(told) == 1


FINE: dict[str, Callable[[], Estate]] = {
    "the base": lambda: BASE,
    "the least for each virtual processor": lambda: a1(virtual_processors=10),
    "half of that on POWER7+": lambda: changed(a1(virtual_processors=20), "A", generation="POWER7+"),
    "a minimum that the server states": lambda: changed(a1(virtual_processors=100), "A", min_units_per_vp=1),
    "whole dedicated cores": lambda: a1(processors="dedicated", entitlement_units=200, virtual_processors=2),
    "one id on two servers": lambda: a1(lpar_id=14),
    "a full pool": lambda: BASE.replace(pools=(pool("A", 0, 1.5),)),
    "an inactive LPAR without memory": lambda: a1(memory_mib=0, state="not activated"),
    "a server that is just full": lambda: changed(BASE, "A", configurable_units=250),
    "an ignorable VLAN": lambda: stating(BASE.replace(networks=(*BASE.networks, Network("a1", 3, 77))),
                                         policy("ignorable-vlan", "77")),
}


@pytest.mark.parametrize("name", FINE)
def test_what_a_site_can_be_is_not_complained_of(name: str) -> None:
    assert [str(f) for f in loaded(FINE[name]()).findings] == []


def test_findings_name_the_cell_of_the_fact() -> None:
    from planner.findings import Source

    place = Source("s.xlsx", cell="LPARs!K2")
    told = validate(Loaded(a1(virtual_processors=11), {"lpars/a1/entitlement_units": place})).findings
    assert [f.source for f in told if f.rule == "estate.entitlement-per-vp"] == [place]


@pytest.mark.parametrize(("mib", "table"), [(4096, 64), (10752, 256), (2048, 32), (1, 1), (0, 0), (64, 1), (65, 2)])
def test_the_hash_page_table(mib: int, table: int) -> None:
    """i5 LPAR redbook p. 29: 10,752 MB / 64 = 168 → 256 MB; the seed: 64 MiB for 4 GiB."""
    assert hash_page_table_mib(mib) == table


@given(st.integers(1, 1 << 24), st.sampled_from((64, 128, 512)))
def test_the_hash_page_table_is_the_least_power_of_two_that_is_enough(mib: int, ratio: int) -> None:
    table = hash_page_table_mib(mib, ratio)
    assert table & (table - 1) == 0 and table * ratio >= mib and (table == 1 or table * ratio < 2 * mib)


def test_what_an_lpar_holds() -> None:
    row = server("A")
    assert lpar_demand(lpar("x", "A", 0.4, 4), row) == Demand(40, 4096 + 64)
    assert lpar_demand(lpar("x", "A", 0.4, 4, memory_mib=4000), row) == Demand(40, 4096 + 64)
    assert lpar_demand(lpar("x", "A", 0.4, 4, memory_mib=4000), replace(row, lmb_mib=None)) == Demand(40, 4000 + 64)
    assert lpar_demand(lpar("x", "A", 0.4, 4, memory_mode="shared"), row) == Demand(40, 64)
    assert lpar_demand(lpar("x", "A", 0.4, 4, hpt_ratio=128), row) == Demand(40, 4096 + 32)
    (vios, *_) = BASE.vioses
    assert vios_demand(vios, row) == Demand(50, 2048 + 32)
    assert vios_demand(replace(vios, max_memory_mib=8192), row) == Demand(50, 2048 + 128)


def test_the_catalogue_knows_generations_and_their_minimum() -> None:
    assert generation_of("7998-61X") == "POWER6" and generation_of(" 9117-mmd ") == "POWER7+" and generation_of("x") == ""
    assert rperf_per_core("7998-61X") == 7.57 and rperf_per_core("x") is None
    assert {g for g, _ in MODELS.values()} <= set(GENERATIONS) == set(MODES)
    assert [min_units_per_vp(server("A", generation=g)) for g in ("", "POWER6", "POWER7", "POWER7+", "POWER10")] == [
        10, 10, 10, 5, 5]


#: Policies that are held against what servers hold today.
HELD = tuple(Policy(kind, "A", "50") for kind in ("cpu-ceiling", "memory-ceiling", "cpu-warning", "memory-warning"))
#: A row of every kind that has numbers.
RICH = BASE.replace(pools=(pool("A", 0, 10),), fibres=pair("c050", "c060"), ports=(Port("A-v1", "fcs0", "f1", 8),),
                    sriov=(SriovPort("A", "P1-C4-T1", 8, 50),), vnics=(Vnic("a1", 7, 1, "A-v1", "P1-C4-T1", 5),),
                    parameters=(Parameter("overhead_s", 1.0),), policies=HELD)
NUMBERS = [(table.kind, c.field) for table in TABLES for c in table.columns if c.outside(-10**30)]


@pytest.mark.parametrize("value", [-1, 10**12, 10**400], ids=["-1", "1e12", "1e400"])
@pytest.mark.parametrize(("kind", "field"), NUMBERS)
def test_no_number_of_a_saved_estate_is_beyond_what_machines_have(kind: str, field: str, value: int) -> None:
    """One finding for the one number, and no sum is made with it."""
    column = next(c for c in TABLE[kind].columns if c.field == field)
    held = (value,) if column.type in (Type.INTEGERS, Type.LIST) else value
    row = replace(next(iter(getattr(RICH, kind))), **{field: held})
    if not column.outside(value):
        pytest.skip("a number may be that")
    found = [f for f in loaded(RICH.replace(**{kind: (row,)})).findings if f.severity is ERROR]
    assert [f.rule for f in found] == ["input.bad-value"] and column.header in found[0].message


def test_a_hash_page_table_of_nothing_is_told() -> None:
    """Found with a broken export: a ratio of 0 ended in a division by zero; later only where a ceiling was stated."""
    found = [f for f in loaded(changed(BASE.replace(policies=HELD), "a1", hpt_ratio=0)).findings if f.severity is ERROR]
    assert [(f.rule, f.subject) for f in found] == [("input.bad-value", "a1")]
