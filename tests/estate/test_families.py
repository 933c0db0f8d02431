"""Random estates written out in each family of exports and read back: as records, and as a whole estate."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from estates_random import estates, random_estate
from hypothesis import given, settings
from portion import portion
from site_writer import FAMILIES, LPARSTAT_FACTS, Wiring, carries, has_lparstat, write

from planner.estate.assemble import Loaded
from planner.estate.load import checked, load
from planner.estate.model import TABLES, Estate, Lpar, Vios
from planner.findings import Severity, errors
from planner.formats import registry, table
from planner.formats.base import Reading, Record

FEW = settings(max_examples=portion(12, 6))


@contextmanager
def written(estate: Estate, family: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        write(estate, family, Path(directory))
        yield Path(directory)


def read_back(estate: Estate, family: str) -> list[Reading]:
    """What the readers say of the files, without anything joined."""
    out: list[Reading] = []
    with written(estate, family) as directory:
        for path in sorted(p for p in directory.rglob("*") if p.is_file()):
            out += registry.read_document(path.read_bytes(), str(path.relative_to(directory)))
    return out


def records(readings: list[Reading], kind: str) -> list[Record]:
    return [r for reading in readings for r in reading.records if r.kind == kind]


def said(readings: list[Reading], kind: str, *names: str) -> set[tuple[Any, ...]]:
    """These fields of every record of a kind."""
    return {tuple(r.fields.get(n) for n in names) for r in records(readings, kind)}


def no_errors(readings: list[Reading]) -> None:
    found = [f for r in readings for f in r.findings if f.severity is not Severity.INFO]
    assert not found, found[:3]


def everyone(estate: Estate) -> list[Lpar | Vios]:
    return [*estate.vioses, *estate.lpars]


def dedicated(p: Lpar | Vios) -> bool:
    return p.sharing == "dedicated" if isinstance(p, Vios) else p.processors == "dedicated"


@given(estates())
@settings(max_examples=portion(40, 8))
def test_random_estates_are_valid(estate: Estate) -> None:
    assert not errors(checked(Loaded(estate)).findings)


def test_a_seed_gives_one_estate() -> None:
    assert random_estate(7, 9, 3) == random_estate(7, 9, 3) != random_estate(8, 9, 3)
    made = random_estate(1, 200, 20)
    assert (len(made.lpars), len(made.servers), len(made.vioses)) == (200, 20, 40)
    assert {p.processors for p in made.lpars} == {"shared", "dedicated"}
    assert {p.active for p in made.lpars} == {True, False}
    assert {d.backing for d in made.disks} == {"lun", "lv", "optical", "file", "ssp"}
    assert any(" " in p.name for p in made.lpars) and any(" " in s.name for s in made.servers)
    assert {len({d.vios for d in made.disks if d.lun == z.lun}) for z in made.zonings} == {0, 1, 2}


# ---- records ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("family", ["hmc-files", "hmc-sessions", "hmc-collected"])
@given(estate=estates())
@FEW
def test_hmc_records(family: str, estate: Estate) -> None:
    found = read_back(estate, family)
    no_errors(found)
    w = Wiring(estate)
    assert said(found, "hmc-lssyscfg-sys", "name", "type_model", "serial_num") == {
        (s.name, s.model, s.serial) for s in estate.servers}
    assert said(found, "hmc-lshwres-proc-sys", "managed_system", "configurable_sys_proc_units") == {
        (s.name, s.configurable_units) for s in estate.servers}
    assert said(found, "hmc-lshwres-mem-sys", "managed_system", "configurable_sys_mem", "sys_firmware_mem",
                "mem_region_size") == {
        (s.name, s.configurable_memory_mib, w.firmware_total(s), s.lmb_mib) for s in estate.servers}
    assert said(found, "hmc-lslparmigr-sys", "managed_system", "num_active_migrations_supported") == {
        (s.name, s.max_migrations) for s in estate.servers}
    assert said(found, "hmc-lshwres-mem-lpar", "managed_system", "lpar_name", "lpar_id", "pend_mem",
                "pend_max_mem") == {
        (p.server, p.name, p.lpar_id, p.memory_mib, p.max_memory_mib or p.memory_mib) for p in everyone(estate)}
    assert said(found, "hmc-lshwres-proc-lpar", "lpar_name", "pend_procs", "pend_proc_units") == {
        (p.name, p.virtual_processors, None if dedicated(p) else p.entitlement_units) for p in everyone(estate)}
    assert said(found, "hmc-lshwres-procpool", "managed_system", "shared_proc_pool_id", "max_pool_proc_units") == {
        (q.server, q.pool_id, q.max_units) for q in estate.pools}
    assert {(r.fields["lpar_name"], r.fields["slot_num"], r.fields["port_vlan_id"], r.fields["vswitch"])
            for r in records(found, "hmc-lshwres-eth") if not r.fields["is_trunk"]} == {
        (n.lpar, n.slot, n.vlan, n.vswitch) for n in estate.networks}
    assert {(r.fields["lpar_name"], r.fields["slot_num"], *r.fields["wwpns"])
            for r in records(found, "hmc-lshwres-fc") if "wwpns" in r.fields} == {
        (f.lpar, f.slot, f.wwpn1, f.wwpn2) for f in estate.fibres}


@pytest.mark.parametrize("family", ["hmc-files", "hmc-sessions", "hmc-collected"])
@given(estate=estates())
@FEW
def test_vios_records(family: str, estate: Estate) -> None:
    found = read_back(estate, family)
    ids = {v.name: (w.servers[v.server].serial, v.lpar_id) for w in [Wiring(estate)] for v in estate.vioses}
    clients = {p.name: p.lpar_id for p in estate.lpars}
    served = said(found, "vios-lsmap", "serial_num", "vios_partition_id", "client_partition_id", "vtd")
    assert served == {(*ids[d.vios], clients[d.lpar], d.vtd) for d in estate.disks}
    assert said(found, "vios-lsmap-npiv", "serial_num", "vios_partition_id", "client_partition_id") == {
        (*ids[f.vios], clients[f.lpar]) for f in estate.fibres}
    luns = {z.lun for z in estate.zonings}
    assert {pvid for _, pvid in said(found, "vios-lspv", "name", "pvid")} == luns
    assert said(found, "vios-hdisk-attr", "device", "pvid", "reserve_policy") == {
        (z.hdisk, z.lun, z.reserve_policy) for z in estate.zonings}
    bridged = {(r.fields["sea"], adapter["switch_id"], vlan) for r in records(found, "vios-entstat")
               for adapter in r.fields["adapters"] if adapter["role"] == "virtual"
               for vlan in (adapter["pvid"], *adapter["tags"])}
    assert bridged == {(b.sea, b.vswitch, b.vlan) for b in estate.bridges}
    assert {level for (level,) in said(found, "vios-ioslevel", "level")} == {v.level for v in estate.vioses}
    if family != "hmc-files":
        hosts = {r.host for r in found if r.kind.startswith("vios-")}
        assert hosts == {v.name for v in estate.vioses}


@given(estate=estates())
@FEW
def test_lparstat_records(estate: Estate) -> None:
    found = read_back(estate, "lparstat")
    no_errors([r for r in found if r.kind == "lparstat-i"])
    assert said(found, "lparstat-i", "partition_name", "partition_number", "entitled_capacity", "online_vcpus",
                "maximum_vcpus", "maximum_memory") == {
        (p.name, p.lpar_id, p.entitlement_units, p.virtual_processors, p.max_virtual_processors, p.max_memory_mib)
        for p in estate.lpars if has_lparstat(p)}
    rest = {r.fields["name"]: r.fields for r in records(found, "lpars")}
    assert {n for p in estate.lpars if p.os == "AIX" and p.active for n in LPARSTAT_FACTS if n in rest[p.name]} == set()


@given(estate=estates())
@FEW
def test_scanner_records(estate: Estate) -> None:
    found = read_back(estate, "scanner")
    no_errors(found)
    w = Wiring(estate)
    assert said(found, "scanner-system", "managed_system_name", "act_proc_units", "act_mem", "firm_mem") == {
        (s.name, s.configurable_units, s.configurable_memory_mib, w.firmware_total(s)) for s in estate.servers}
    def on(p: Lpar | Vios) -> int:
        return 1 if isinstance(p, Vios) or p.active else 0

    assert said(found, "scanner-lpar-cpu", "managed_system_name", "name", "tgt_cpu", "curr_cpu") == {
        (p.server, p.name, *(on(p) * (p.virtual_processors or 0),) * 2) for p in everyone(estate)}
    assert said(found, "scanner-lpar-mem", "name", "tgt_mem", "max_mem") == {
        (p.name, on(p) * p.memory_mib, on(p) * (p.max_memory_mib or p.memory_mib)) for p in everyone(estate)}
    assert {(r.fields["lpar_name"], r.fields["des_proc"], r.fields["des_mem"]) for r in records(found, "scanner-profile")
            if r.fields["profile_name"] == "normal"} == {
        (p.name, p.virtual_processors, p.memory_mib) for p in everyone(estate)}
    assert {(r.fields["lpar_name"], r.fields["slot"], r.fields["port_vlan_id"])
            for r in records(found, "scanner-veth") if not r.fields["trunk"]} == {
        (n.lpar, n.slot, n.vlan) for n in estate.networks}
    assert said(found, "scanner-vscsi-map", "vios", "client_lpar_name", "vtd") == {
        (d.vios, d.lpar, d.vtd) for d in estate.disks}
    assert {(r.fields["lpar_name"], r.fields["slot"], r.fields["wwpn_1"], r.fields["wwpn_2"])
            for r in records(found, "scanner-vfc") if r.fields["type"] == "client"} == {
        (f.lpar, f.slot, f.wwpn1, f.wwpn2) for f in estate.fibres}
    assert {(r.fields["uuid"], vios, hdisk) for r in records(found, "scanner-vios-disk")
            for _, vios, hdisk in r.fields["hdisks"]} == {(z.lun, z.vios, z.hdisk) for z in estate.zonings}


@given(estate=estates())
@FEW
def test_rest_records(estate: Estate) -> None:
    found = read_back(estate, "rest")
    no_errors(found)
    assert said(found, "rest-managed-system", "system_name", "configurable_system_processor_units",
                "configurable_system_memory") == {
        (s.name, s.configurable_units, s.configurable_memory_mib) for s in estate.servers}
    assert said(found, "rest-lpar", "partition_name", "partition_id", "desired_memory", "maximum_memory",
                "desired_processing_units") == {
        (p.name, p.lpar_id, p.memory_mib, p.max_memory_mib, None if dedicated(p) else p.entitlement_units)
        for p in estate.lpars}
    vioses = records(found, "rest-vios")
    assert {(r.fields["partition_name"], disk["volume_name"], disk["volume_unique_id"])
            for r in vioses for disk in r.fields.get("physical_volumes", ())} == {
        (z.vios, z.hdisk, z.lun) for z in estate.zonings}
    assert {(r.fields["partition_name"], m["target_target_name"])
            for r in vioses for m in r.fields.get("virtual_scsi_mappings", ()) if "target_target_name" in m} == {
        (d.vios, d.vtd) for d in estate.disks}
    assert {m["client_wwpns"] for r in vioses for m in r.fields.get("virtual_fibre_channel_mappings", ())} == {
        (f.wwpn1, f.wwpn2) for f in estate.fibres}


@given(estate=estates())
@FEW
def test_table_records(estate: Estate) -> None:
    with written(estate, "table") as directory:
        mapping = table.load_mapping((directory / "mapping.toml").read_text(), "mapping.toml")
        assert isinstance(mapping, table.MappingFile), mapping
        found = [table.read(path.read_text(), path.name, mapping) for path in sorted(directory.glob("*.csv"))]
    no_errors(found)
    for sheet in TABLES:
        have = records(found, f"table-{sheet.kind}")
        assert len(have) == len(getattr(estate, sheet.kind))
        for record, row in zip(have, getattr(estate, sheet.kind), strict=True):
            for column in sheet.columns:
                value = getattr(row, column.field)
                if value is not None and value not in ("", ()):
                    shown = tuple(map(str, value)) if isinstance(value, tuple) else value
                    assert record.fields[column.field] == shown, column.header


# ---- estates ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("family", FAMILIES)
@given(estate=estates())
@FEW
def test_load_gives_what_the_family_carries(family: str, estate: Estate) -> None:
    with written(estate, family) as directory:
        loaded = load([directory], mapping=directory / "mapping.toml" if family == "table" else None)
    assert not errors(loaded.findings)
    assert loaded.estate == carries(estate, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_larger_site(family: str) -> None:
    estate = random_estate(11, 20, 4)
    with written(estate, family) as directory:
        loaded = load([directory], mapping=directory / "mapping.toml" if family == "table" else None)
    assert loaded.estate == carries(estate, family)


def test_two_families_complete_each_other() -> None:
    """Consoles and VIOSes say what a workbook leaves open, and the workbook what they cannot say."""
    estate = random_estate(5, 12, 3)
    with written(estate, "hmc-collected") as directory:
        write(estate, "workbook", directory)
        loaded = load([directory])
    used = carries(estate, "hmc-collected").vioses
    assert loaded.estate == estate.replace(vioses=tuple(
        replace(v, used_virtual_slots=told.used_virtual_slots) for v, told in zip(estate.vioses, used, strict=True)))
