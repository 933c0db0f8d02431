"""Listings of the HMC: exact records of every kind, what is left out and why, and that no text makes it fail."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.assemble import Loaded, assemble
from planner.estate.load import load
from planner.estate.model import Vnic
from planner.findings import Severity
from planner.formats import hmc_cli, registry
from planner.formats.base import NonValue, Reading, read_text
from planner.rules import Judge, Site

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "hmc"
SAMPLES = ROOT.parent / "shared" / "samples"
HARBOUR = "Harbour-9117-MMB-SN06A1B2C"
QUARRY = "Quarry-8233-E8B-SN10D4E5F"
OF_HARBOUR = {"managed_system": HARBOUR}


def fixture(name: str) -> str:
    return read_text(FIXTURES / name)[0]


def read(name: str) -> Reading:
    return hmc_cli.read(fixture(name), name)


def said(reading: Reading) -> list[tuple[str, str, int]]:
    """Rule, severity and line of the findings, without the one about the managed system."""
    return [
        (f.rule, f.severity.value, f.source.line)
        for f in reading.findings
        if f.source and f.source.line and "which managed system" not in f.message
    ]


def records(reading: Reading) -> list[tuple[str, dict[str, object]]]:
    return [(record.kind, record.fields) for record in reading.records]


def of_text(text: str) -> Reading:
    return hmc_cli.read(text, "hmc.txt")


def test_managed_systems_with_one_that_is_powered_off() -> None:
    reading = read("lssyscfg_sys.txt")
    unavailable = NonValue.UNAVAILABLE
    assert records(reading) == [
        ("hmc-lssyscfg-sys", {
            "name": HARBOUR, "type_model": "9117-MMB", "serial_num": "06A1B2C", "ipaddr": "10.7.0.11",
            "state": "Operating", "detailed_state": "None", "sys_time": datetime(2015, 3, 14, 21, 59, 7),
            "power_off_policy": "1", "active_lpar_mobility_capable": True, "inactive_lpar_mobility_capable": True,
            "os400_lpar_mobility_capable": False, "active_mem_expansion_capable": True, "max_lpars": 160,
            "max_power_ctrl_lpars": 1, "assign_5250_cpw_percent": 0.0, "mfg_default_config": False,
            "service_lpar_id": NonValue.NONE,
            "capabilities": ("active_lpar_mobility_capable", "inactive_lpar_mobility_capable"),
        }),
        ("hmc-lssyscfg-sys", {
            "name": QUARRY, "type_model": "8233-E8B", "serial_num": "10D4E5F", "ipaddr": "10.7.0.12",
            "state": "Power Off", "detailed_state": "None", "sys_time": unavailable, "power_off_policy": "0",
            "active_lpar_mobility_capable": unavailable, "inactive_lpar_mobility_capable": unavailable,
            "os400_lpar_mobility_capable": unavailable, "active_mem_expansion_capable": unavailable,
            "max_lpars": unavailable, "max_power_ctrl_lpars": unavailable, "assign_5250_cpw_percent": unavailable,
            "mfg_default_config": unavailable, "service_lpar_id": NonValue.NONE, "capabilities": unavailable,
        }),
    ]
    assert reading.findings == ()


def test_lpars_of_several_levels_and_states() -> None:
    reading = read("lssyscfg_lpar.txt")
    assert [record.source.line for record in reading.records] == [1, 2, 3]
    assert records(reading)[1:] == [
        ("hmc-lssyscfg-lpar", {
            "name": "ledger1", "lpar_id": 4, "lpar_env": "aixlinux", "state": "Running", "resource_config": True,
            "os_version": "AIX 7.1 7100-03-04-1441", "logical_serial_num": "06A1B2C4", "default_profile": "normal",
            "curr_profile": "normal", "work_group_id": NonValue.NONE, "shared_proc_pool_util_auth": False,
            "allow_perf_collection": False, "power_ctrl_lpar_ids": (1, 2), "boot_mode": "norm",
            "lpar_keylock": "norm", "auto_start": False, "redundant_err_path_reporting": False,
            "rmc_state": "active", "rmc_ipaddr": "10.7.1.4", "time_ref": False, "lpar_avail_priority": 127,
            "desired_lpar_proc_compat_mode": "default", "curr_lpar_proc_compat_mode": "POWER7",
            "suspend_capable": False, "remote_restart_capable": False, "sync_curr_profile": True,
            "affinity_group_id": NonValue.NONE,
        }),
        ("hmc-lssyscfg-lpar", {
            "name": "tidal db", "lpar_id": 5, "lpar_env": "aixlinux", "state": "Not Activated",
            "resource_config": False, "os_version": "Unknown", "logical_serial_num": "06A1B2C5",
            "default_profile": "normal", "curr_profile": NonValue.EMPTY, "work_group_id": NonValue.NONE,
            "shared_proc_pool_util_auth": False, "allow_perf_collection": False,
            "power_ctrl_lpar_ids": NonValue.NONE, "boot_mode": NonValue.NULL, "lpar_keylock": "norm",
            "auto_start": False, "redundant_err_path_reporting": False, "rmc_state": NonValue.NONE,
            "rmc_ipaddr": NonValue.EMPTY,
        }),
    ]
    assert said(reading) == []


def test_a_profile_with_its_adapters() -> None:
    fields = read("lssyscfg_prof.txt").records[0].fields
    assert fields == {
        "name": "normal", "lpar_name": "ledger1", "lpar_id": 4, "lpar_env": "aixlinux", "all_resources": False,
        "min_mem": 2048, "desired_mem": 8192, "max_mem": 16384, "min_num_huge_pages": 0,
        "desired_num_huge_pages": 0, "max_num_huge_pages": 0, "mem_mode": "ded", "mem_expansion": 0.0,
        "hpt_ratio": "1:64", "proc_mode": "shared", "min_proc_units": 10, "desired_proc_units": 75,
        "max_proc_units": 400, "min_procs": 1, "desired_procs": 2, "max_procs": 4, "sharing_mode": "uncap",
        "uncap_weight": 128, "shared_proc_pool_id": 0, "shared_proc_pool_name": "DefaultPool",
        "affinity_group_id": NonValue.NONE, "io_slots": NonValue.NONE, "lpar_io_pool_ids": NonValue.NONE,
        "max_virtual_slots": 64,
        "virtual_serial_adapters": ("0/server/1/any//any/1", "1/server/1/any//any/1"),
        "virtual_scsi_adapters": ("13/client/1/vios-h1/23/1", "14/client/2/vios-h2/24/0"),
        "virtual_eth_adapters": ("2/1/40/41,42,43/0/1", "3/0/44//0/0"),
        "virtual_fc_adapters": ("33/client/1/vios-h1/43/c05076aa00010000,c05076aa00010001/1",
                                "34/client/2/vios-h2/44/c05076aa00010002,c05076aa00010003/0"),
        "hca_adapters": NonValue.NONE, "boot_mode": "norm", "conn_monitoring": True, "auto_start": False,
        "power_ctrl_lpar_ids": NonValue.NONE, "work_group_id": NonValue.NONE,
        "redundant_err_path_reporting": NonValue.NULL, "bsr_arrays": 0, "lpar_proc_compat_mode": "default",
    }


def test_a_profile_of_a_vios_with_newer_and_older_adapters() -> None:
    reading = read("lssyscfg_prof.txt")
    fields = reading.records[1].fields
    assert [len(fields[f"virtual_{kind}_adapters"]) for kind in ("eth", "fc", "scsi")] == [3, 1, 2]
    assert fields["virtual_eth_adapters"][1].startswith("11/0/955//0/1/hostnet/")
    assert fields["io_slots"] == ("21010201/none/1", "21010202/4/0")
    assert fields["lpar_io_pool_ids"] == (4, 7)
    assert fields["min_num_huge_pages"] is NonValue.NULL
    assert "desired_proc_units" not in fields
    assert said(reading) == []


def test_processors_of_the_system_its_lpars_and_pools() -> None:
    reading = read("lshwres_proc.txt")
    shared = {
        "lpar_name": "ledger1", "lpar_id": 4, "curr_shared_proc_pool_id": 0, "curr_proc_mode": "shared",
        "curr_min_proc_units": 10, "curr_proc_units": 75, "curr_max_proc_units": 400, "curr_min_procs": 1,
        "curr_procs": 2, "curr_max_procs": 4, "curr_sharing_mode": "uncap", "curr_uncap_weight": 128,
        "pend_shared_proc_pool_id": 0, "pend_proc_mode": "shared", "pend_min_proc_units": 10,
        "pend_proc_units": 100, "pend_max_proc_units": 400, "pend_min_procs": 1, "pend_procs": 2,
        "pend_max_procs": 4, "pend_sharing_mode": "uncap", "pend_uncap_weight": 64, "run_proc_units": 75,
        "run_procs": 2, "run_uncap_weight": 128,
    }
    dedicated = {
        "lpar_name": "vios-h1", "lpar_id": 1, "curr_proc_mode": "ded", "curr_min_procs": 1, "curr_procs": 1,
        "curr_max_procs": 2, "curr_sharing_mode": "share_idle_procs", "pend_proc_mode": "ded",
        "pend_min_procs": 1, "pend_procs": 1, "pend_max_procs": 2, "pend_sharing_mode": "share_idle_procs",
        "run_procs": 1,
    }
    assert records(reading) == [
        ("hmc-lshwres-proc-sys", OF_HARBOUR | {
            "configurable_sys_proc_units": 1600, "curr_avail_sys_proc_units": 435,
            "pend_avail_sys_proc_units": 405, "installed_sys_proc_units": 3200, "deconfig_sys_proc_units": 0,
            "min_proc_units_per_virtual_proc": 5, "max_virtual_procs_per_lpar": 64, "max_procs_per_lpar": 32,
            "max_curr_virtual_procs_per_aixlinux_lpar": 64, "max_curr_procs_per_aixlinux_lpar": 32,
            "max_shared_proc_pools": 64,
        }),
        ("hmc-lshwres-proc-lpar", OF_HARBOUR | shared),
        ("hmc-lshwres-proc-lpar", OF_HARBOUR | dedicated),
        ("hmc-lshwres-proc-pool", OF_HARBOUR | {
            "configurable_pool_proc_units": 1500, "curr_avail_pool_proc_units": 435,
            "pend_avail_pool_proc_units": 405,
        }),
        ("hmc-lshwres-procpool", OF_HARBOUR | {
            "name": "DefaultPool", "shared_proc_pool_id": 0, "lpar_names": ("ledger1",), "lpar_ids": (4,),
        }),
        ("hmc-lshwres-procpool", OF_HARBOUR | {
            "name": "dbpool", "shared_proc_pool_id": 3, "max_pool_proc_units": 400,
            "curr_reserved_pool_proc_units": 50, "pend_reserved_pool_proc_units": 50,
            "lpar_names": ("tidal db", "tidal app"), "lpar_ids": (5, 6),
        }),
    ]
    assert reading.findings == ()


def test_memory_of_the_system_its_lpars_and_its_pool_without_command_lines() -> None:
    reading = read("lshwres_mem.txt")
    assert records(reading) == [
        ("hmc-lshwres-mem-sys", {
            "configurable_sys_mem": 262144, "curr_avail_sys_mem": 65536, "pend_avail_sys_mem": 65280,
            "installed_sys_mem": 262144, "deconfig_sys_mem": 0, "sys_firmware_mem": 7680, "mem_region_size": 256,
            "configurable_num_sys_huge_pages": 0, "curr_avail_num_sys_huge_pages": 0,
            "pend_avail_num_sys_huge_pages": 0, "max_num_sys_huge_pages": 14, "requested_num_sys_huge_pages": 0,
            "huge_page_size": 16384, "max_mem_pools": 1, "default_hpt_ratios": ("1:128", "1:64"),
            "possible_hpt_ratios": ("1:32", "1:64", "1:128"),
        }),
        ("hmc-lshwres-mem-lpar", {
            "lpar_name": "ledger1", "lpar_id": 4, "curr_min_mem": 2048, "curr_mem": 8192, "curr_max_mem": 16384,
            "pend_min_mem": 2048, "pend_mem": 12288, "pend_max_mem": 16384, "run_min_mem": 2048, "run_mem": 8192,
            "curr_min_num_huge_pages": 0, "curr_num_huge_pages": 0, "curr_max_num_huge_pages": 0,
            "mem_mode": "ded", "curr_mem_expansion": 0.0, "curr_hpt_ratio": "1:64",
        }),
        ("hmc-lshwres-mem-lpar", {
            "lpar_name": "tidal db", "lpar_id": 5, "curr_min_mem": 1024, "curr_mem": 4096, "curr_max_mem": 8192,
            "pend_min_mem": 1024, "pend_mem": 4096, "pend_max_mem": 8192, "run_min_mem": 0, "run_mem": 0,
            "mem_mode": "shared",
        }),
        ("hmc-lshwres-mempool", {
            "curr_pool_mem": 32768, "pend_pool_mem": 32768, "curr_max_pool_mem": 65536,
            "pend_max_pool_mem": 65536, "sys_firmware_pool_mem": 512, "paging_vios_names": ("vios-h1", "vios-h2"),
            "paging_vios_ids": (1, 2),
        }),
    ]
    assert not reading.findings


def test_virtual_ethernet_switches_networks_and_physical_slots() -> None:
    reading = read("lshwres_eth_slot.txt")
    assert records(reading) == [
        ("hmc-lshwres-eth", {
            "lpar_name": "ledger1", "lpar_id": 4, "slot_num": 2, "state": "1", "is_required": True,
            "is_trunk": False, "ieee_virtual_eth": True, "port_vlan_id": 40, "addl_vlan_ids": (41, 42),
            "mac_addr": "FACC157C3E02",
        }),
        ("hmc-lshwres-eth", {
            "lpar_name": "vios-h1", "lpar_id": 1, "slot_num": 10, "state": "1", "is_required": True,
            "is_trunk": True, "trunk_priority": 1, "ieee_virtual_eth": True, "port_vlan_id": 99,
            "vswitch": "hostnet", "addl_vlan_ids": NonValue.NONE, "mac_addr": "FACC157C3E0A",
            "allowed_os_mac_addresses": ("all",), "qos_priority": NonValue.NONE,
        }),
        ("hmc-lshwres-vswitch", {
            "vswitch": "hostnet", "switch_mode": "VEB", "allowed_vlan_ids": ("all",),
            "vnetworks": ("VLAN40-hostnet", "VLAN41-hostnet"),
        }),
        ("hmc-lshwres-vnetwork", {
            "vnetwork": "VLAN40-hostnet", "vlan_id": 40, "vswitch": "hostnet", "is_tagged": False,
        }),
        ("hmc-lshwres-slot", {
            "unit_phys_loc": "U5877.001.00Z9Z9Z", "bus_id": 513, "phys_loc": "C3", "drc_index": "21010203",
            "lpar_name": "vios-h1", "lpar_id": 1, "slot_io_pool_id": NonValue.NONE,
            "description": "8 Gigabit PCI Express Dual Port Fibre Channel Adapter",
            "feature_codes": ("5735", "5273"), "pci_vendor_id": "10DF", "pci_device_id": "F100",
            "pci_subs_vendor_id": "10DF", "pci_subs_device_id": "F100", "pci_class": "0C04",
            "pci_revision_id": "03", "bus_grouping": False, "iop": "0", "iop_info_stale": False,
            "console_capable": False, "vpd_stale": False, "vpd_type": "5735",
            "parent_slot_drc_index": NonValue.NONE, "drc_name": "U5877.001.00Z9Z9Z-P1-C3",
        }),
        ("hmc-lshwres-slot", {
            "unit_phys_loc": "U5877.001.00Z9Z9Z", "bus_id": 514, "phys_loc": "C4", "drc_index": "21010204",
            "lpar_id": NonValue.NONE, "slot_io_pool_id": NonValue.NONE, "description": "Empty slot",
            "feature_codes": NonValue.NONE, "drc_name": "U5877.001.00Z9Z9Z-P1-C4",
        }),
    ]
    assert said(reading) == []


SERVER_OF_ANY = {
    "lpar_name": "vios-h1", "lpar_id": 1, "slot_num": 90, "state": "0", "is_required": False,
    "adapter_type": "server", "remote_lpar_id": "any", "remote_lpar_name": NonValue.EMPTY, "remote_slot_num": "any",
}
SCSI_CLIENT = {
    "lpar_name": "ledger1", "lpar_id": 4, "slot_num": 13, "state": "1", "is_required": True,
    "adapter_type": "client", "remote_lpar_id": 1, "remote_lpar_name": "vios-h1", "remote_slot_num": 23,
}
FC_SERVER = {
    "lpar_name": "vios-h1", "lpar_id": 1, "slot_num": 43, "state": "1", "is_required": False,
    "adapter_type": "server", "remote_lpar_id": 4, "remote_lpar_name": "ledger1", "remote_slot_num": 33,
}
FC_CLIENT = {
    "lpar_name": "ledger1", "lpar_id": 4, "slot_num": 33, "state": "1", "is_required": True,
    "adapter_type": "client", "remote_lpar_id": 1, "remote_lpar_name": "vios-h1", "remote_slot_num": 43,
    "wwpns": ("c05076aa00010000", "c05076aa00010001"),
}


def test_server_adapters_are_of_the_kind_of_the_clients_listed_with_them() -> None:
    scsi, fc = read("lshwres_scsi.txt"), read("lshwres_fc.txt")
    assert records(scsi) == [("hmc-lshwres-scsi", SERVER_OF_ANY), ("hmc-lshwres-scsi", SCSI_CLIENT)]
    assert records(fc) == [("hmc-lshwres-fc", FC_SERVER), ("hmc-lshwres-fc", FC_CLIENT)]
    assert said(scsi) == said(fc) == []


def test_server_adapters_that_may_be_of_either_kind_are_left_out_and_reported() -> None:
    reading = of_text(fixture("lshwres_scsi.txt") + fixture("lshwres_fc.txt"))
    assert records(reading) == [("hmc-lshwres-scsi", SCSI_CLIENT), ("hmc-lshwres-fc", FC_CLIENT)]
    assert said(reading) == [("input.ambiguous", "warning", 1), ("input.ambiguous", "warning", 3)]


def test_the_command_line_says_of_which_kind_server_adapters_are() -> None:
    server = fixture("lshwres_fc.txt").split("\n")[0]
    reading = of_text(
        f"lshwres -r virtualio --rsubtype scsi --level lpar -m H\n{server}\n"
        f"hmc7:~> lshwres -r virtualio --rsubtype fc --level lpar -m H\n{server}\n"
    )
    assert [record.kind for record in reading.records] == ["hmc-lshwres-scsi", "hmc-lshwres-fc"]
    assert reading.findings == ()


def test_migration_listings_keep_what_only_the_command_line_says() -> None:
    reading = read("lslparmigr.txt")
    to_quarry = OF_HARBOUR | {"target_system": QUARRY}
    scsi = ("13/vios-q1/1", "13/vios-q2/2")
    assert records(reading) == [
        ("hmc-lslparmigr-sys", OF_HARBOUR | {
            "inactive_lpar_mobility_capable": True, "num_inactive_migrations_supported": 8,
            "num_inactive_migrations_in_progress": 0, "active_lpar_mobility_capable": True,
            "num_active_migrations_supported": 8, "num_active_migrations_in_progress": 1,
            "inactive_prof_policy": "config",
        }),
        ("hmc-lslparmigr-lpar", OF_HARBOUR | {
            "name": "ledger1", "lpar_id": 4, "migration_state": "Migration In Progress", "migration_type": "active",
            "dest_sys_name": QUARRY, "dest_lpar_id": 9, "source_msp_name": "vios-h1", "source_msp_id": 1,
            "dest_msp_name": "vios-q1", "dest_msp_id": 1, "bytes_transmitted": 5368709120,
            "bytes_remaining": 1073741824,
        }),
        ("hmc-lslparmigr-lpar", OF_HARBOUR | {"name": "tidal db", "lpar_id": 5, "migration_state": "Not Migrating"}),
        ("hmc-lslparmigr-msp", to_quarry | {
            "lpar_names": ("tidal db",), "source_msp_name": "vios-h1", "source_msp_id": 1,
            "dest_msp_names": ("vios-q1", "vios-q2"), "dest_msp_ids": (1, 2),
            "ipaddr_mappings": ("10.7.1.1//1/vios-q1/10.7.2.1", "10.7.1.1//2/vios-q2/10.7.2.2"),
        }),
        ("hmc-lslparmigr-virtualio", to_quarry | {
            "lpar_ids": (5,), "possible_virtual_scsi_mappings": scsi, "suggested_virtual_scsi_mappings": scsi[:1],
            "possible_virtual_fc_mappings": ("33//1/14/fcs0",),
            "suggested_virtual_fc_mappings": NonValue.NONE,
        }),
        ("hmc-lslparmigr-procpool", to_quarry | {
            "lpar_names": ("tidal db",), "shared_proc_pool_ids": (0, 3),
            "shared_proc_pool_names": ("DefaultPool", "dbpool"),
        }),
    ]
    assert reading.findings == ()


def test_utilisation_samples_have_counters_of_64_bits() -> None:
    reading = read("lslparutil.txt")
    sample = OF_HARBOUR | {
        "time": datetime(2015, 3, 14, 22, 0, 3), "event_type": "sample",
        "sys_time": datetime(2015, 3, 14, 21, 59, 58),
    }
    assert records(reading) == [
        ("hmc-lslparutil-sys", sample | {
            "resource_type": "sys", "state": "Operating", "configurable_sys_proc_units": 1600,
            "configurable_sys_mem": 262144, "curr_avail_sys_proc_units": 435, "curr_avail_5250_cpw_percent": 0.0,
            "curr_avail_sys_mem": 65536, "sys_firmware_mem": 7680, "proc_cycles_per_second": 512000000,
        }),
        ("hmc-lslparutil-lpar", sample | {
            "resource_type": "lpar", "time_cycles": 2**64 - 1, "lpar_name": "ledger1", "lpar_id": 4,
            "curr_proc_mode": "shared", "curr_proc_units": 75, "curr_procs": 2, "curr_sharing_mode": "uncap",
            "curr_uncap_weight": 128, "curr_shared_proc_pool_name": "DefaultPool", "curr_shared_proc_pool_id": 0,
            "curr_5250_cpw_percent": 0.0, "mem_mode": "ded", "curr_mem": 8192, "entitled_cycles": 740123456789,
            "capped_cycles": 64000000001, "uncapped_cycles": 3200000002, "shared_cycles_while_active": 0,
            "idle_cycles": 1000000003, "run_latch_instructions": 99000000004, "run_latch_cycles": 61000000005,
        }),
        ("hmc-lslparutil-pool", sample | {
            "resource_type": "pool", "time_cycles": 1016642653003, "curr_avail_pool_proc_units": 435,
            "configurable_pool_proc_units": 1500, "borrowed_pool_proc_units": 0,
            "total_pool_cycles": 15249639795045, "utilized_pool_cycles": 2200000000000,
        }),
        ("hmc-lslparutil-procpool", sample | {
            "resource_type": "procpool", "shared_proc_pool_name": "dbpool", "shared_proc_pool_id": 3,
            "time_cycles": 1016642653003, "total_pool_cycles": 4066570612012, "utilized_pool_cycles": 900000000000,
        }),
    ]
    assert reading.findings == ()


def test_samples_of_every_kind_below_one_command() -> None:
    samples = [line for line in fixture("lslparutil.txt").split("\n") if line.startswith("time=")]
    reading = of_text("\n".join(["hmc7:~> lslparutil -r all -m H", *samples]))
    kinds = ["hmc-lslparutil-sys", "hmc-lslparutil-lpar", "hmc-lslparutil-pool", "hmc-lslparutil-procpool"]
    assert [(record.kind, record.fields["managed_system"]) for record in reading.records] == [(k, "H") for k in kinds]
    assert reading.findings == ()


def test_columns_named_by_a_header() -> None:
    reading = read("F_header.txt")
    assert records(reading) == [
        ("hmc-lssyscfg-lpar", {
            "name": "ledger1 10.7.1.4", "lpar_id": 4, "lpar_env": "aixlinux", "state": "Running",
            "default_profile": "normal", "curr_profile": "normal", "power_ctrl_lpar_ids": (1, 2),
            "rmc_state": "active", "rmc_ipaddr": "10.7.1.4",
        }),
        ("hmc-lssyscfg-lpar", {
            "name": "tidal db", "lpar_id": 5, "lpar_env": "aixlinux", "state": "Not Activated",
            "default_profile": "normal", "curr_profile": NonValue.EMPTY, "power_ctrl_lpar_ids": NonValue.NONE,
            "rmc_state": NonValue.NONE, "rmc_ipaddr": NonValue.EMPTY,
        }),
    ]
    assert not reading.findings


def test_columns_named_by_the_command_line_and_separated_by_colons() -> None:
    reading = read("F_colon.txt")
    system = {"managed_system": "Harbour 1"}
    assert records(reading) == [
        ("hmc-lssyscfg-lpar",
         system | {"name": "ledger1", "state": "Running", "os_version": "AIX 7.1 7100-03-04-1441"}),
        ("hmc-lssyscfg-lpar", system | {"name": "tidal db", "state": "Not Activated", "os_version": "Unknown"}),
        ("hmc-lssyscfg-prof", system | {
            "lpar_name": "ledger1", "name": "normal",
            "virtual_eth_adapters": ("2/1/40/41,42,43/0/1", "3/0/44//0/0"),
        }),
    ]
    assert reading.findings == ()


def test_values_without_names_ask_for_a_header() -> None:
    reading = read("F_untyped.txt")
    assert reading.records == ()
    assert said(reading) == [("input.no-header", "warning", 1)]
    assert "and 1 more such lines" in reading.findings[0].message
    assert "--header" in reading.findings[0].fix


def test_one_column_is_read_below_its_command_only() -> None:
    echo = "$ ssh hscadm@hmc7 'lssyscfg -r lpar -m \"Harbour 1\" -F name --header'"
    below = of_text(f"{echo}\nname\nledger1\ntidal db\n")
    assert [record.fields for record in below.records] == [
        {"managed_system": "Harbour 1", "name": "ledger1"}, {"managed_system": "Harbour 1", "name": "tidal db"},
    ]
    assert below.findings == ()
    alone = of_text("name\nledger1\n")
    assert (alone.records, said(alone)) == ((), [("input.unknown-text", "warning", 1)])


def test_a_header_by_position_below_a_command_without_columns() -> None:
    reading = of_text("lslparmigr -r sys -m H -F --header\nnum_active_migrations_supported,made_up_limit\n8,3\n")
    assert [record.fields for record in reading.records] == [
        {"managed_system": "H", "num_active_migrations_supported": 8, "made_up_limit": "3"}
    ]
    assert said(reading) == [("input.unknown-key", "warning", 3)]


def test_a_header_that_fits_several_listings_is_an_error() -> None:
    reading = of_text("name,state\nledger1,Running\ntidal db,Running\n")
    assert reading.records == ()
    assert said(reading) == [("input.ambiguous", "warning", 1)]
    assert "hmc-lssyscfg-sys, hmc-lssyscfg-lpar" in reading.findings[0].message


def test_a_record_under_the_command_line_of_another_listing_loses_its_system() -> None:
    reading = of_text(f"hmc:~> lshwres -r proc --level sys -m H\n{fixture('lshwres_mem.txt')}")
    assert reading.records[0].kind == "hmc-lshwres-mem-sys"
    assert all("managed_system" not in record.fields for record in reading.records)
    assert said(reading) == [("input.mixed-listing", "warning", 2)]


def test_a_shell_variable_names_no_system() -> None:
    reading = of_text('+ lshwres -r proc -m "$ms" --level pool\nconfigurable_pool_proc_units=2.0\n')
    assert [record.fields for record in reading.records] == [{"configurable_pool_proc_units": 200}]


@pytest.mark.parametrize("command", ["lssyscfg -r frame", "lssyscfg -r sysprof -m H"])
def test_output_of_commands_that_are_not_read_is_left_out(command: str) -> None:
    reading = of_text(f"hmc:~> {command}\nname=F1,type_model=9458-100,serial_num=99A9999,state=ok\nhmc:~>\n")
    assert reading.records == ()
    assert said(reading) == [("input.unknown-text", "info", 1)]


def test_another_command_ends_what_the_one_above_says() -> None:
    reading = of_text("hmc:~> lssyscfg -r lpar -m H -F name\nledger1\nhmc:~> date\nSat Mar 14\n")
    assert [record.fields["name"] for record in reading.records] == ["ledger1"]
    assert said(reading) == [("input.unknown-text", "info", 3), ("input.unknown-text", "warning", 4)]


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("curr_mem=inf", "'curr_mem': 'inf' is not memory in whole MB"),
        ("curr_mem=99999999999", "'curr_mem': '99999999999' is not memory in whole MB"),
        ("curr_mem=-4096", "'curr_mem': '-4096' is not memory in whole MB"),
        ("curr_mem_expansion=nan", "'curr_mem_expansion': 'nan' is not a number such as 1.25"),
        ("curr_num_huge_pages=1.5", "'curr_num_huge_pages': '1.5' is not a whole number of up to 31 bits"),
    ],
)
def test_bad_values_are_refused(attribute: str, message: str) -> None:
    reading = of_text(f"lpar_name=ledger1,lpar_id=4,pend_mem=4096,run_mem=4096,{attribute}\n")
    assert reading.records[0].fields == {"lpar_name": "ledger1", "lpar_id": 4, "pend_mem": 4096, "run_mem": 4096}
    finding = reading.findings[0]
    assert (finding.rule, finding.severity, finding.subject, finding.message) == (
        "input.bad-value", Severity.WARNING, "ledger1", message)


def test_a_list_whose_quotes_do_not_pair_up_is_refused() -> None:
    reading = of_text('hmc:~> lssyscfg -r prof -m H -F lpar_name,virtual_eth_adapters\nledger1,"""2/1""x""/40"\n')
    assert [f.rule for f in reading.findings] == ["input.bad-value"]


def test_decimal_commas_are_refused() -> None:
    reading = of_text('lpar_name=a,lpar_id=4,curr_procs=2,"curr_proc_units=0,75"\n')
    assert said(reading) == [("input.bad-value", "warning", 1)]
    assert "curr_proc_units" not in reading.records[0].fields


def test_a_doubled_attribute_and_a_cut_line_are_errors() -> None:
    reading = of_text(
        "lpar_name=a,lpar_id=4,curr_mem=4096,curr_mem=8192\nlpar_name=b,lpar_id=5,curr_mem=4096,run_m\n"
        'lpar_name=c,lpar_id=6,curr_mem=4096,"run_mem=\n'
    )
    assert [record.fields for record in reading.records] == [
        {"lpar_name": "a", "lpar_id": 4, "curr_mem": 4096}, {"lpar_name": "b", "lpar_id": 5, "curr_mem": 4096},
    ]
    assert said(reading) == [
        ("input.duplicate-key", "warning", 1), ("input.truncated", "warning", 2), ("input.truncated", "warning", 3),
    ]


def test_a_value_that_the_terminal_wrapped_is_not_believed() -> None:
    whole = "lpar_name=ledger1,lpar_id=4,pend_min_mem=2048,pend_mem=4096,pend_max_mem=8192,curr_mem=8192,mem_mode=ded"
    reading = of_text(f"{whole[:88]}\n{whole[88:]}\n")
    assert whole[:88].endswith(",curr_mem=8")
    assert "curr_mem" not in reading.records[0].fields
    assert reading.records[0].fields["pend_max_mem"] == 8192
    assert said(reading) == [("input.truncated", "warning", 2)]


def test_a_record_without_its_lpar_is_an_error() -> None:
    reading = of_text("curr_mem=4096,run_mem=4096,pend_mem=4096\n")
    assert (reading.records, said(reading)) == ((), [("input.missing-value", "warning", 1)])


def test_rows_of_another_width_are_errors_and_sentences_are_not_rows() -> None:
    reading = of_text("hmc:~> lssyscfg -r lpar -m H -F name\na,b\nAn invalid attribute was entered.\nc\n")
    assert [record.fields["name"] for record in reading.records] == ["c"]
    assert said(reading) == [("input.bad-value", "warning", 2), ("input.error-text", "warning", 3)]


def test_unknown_attributes_are_kept_and_named_once() -> None:
    line = "lpar_name=a,lpar_id=4,curr_mem=4096,run_mem=4096,made_up=7,made_up_too=none"
    reading = of_text(f"{line}\n{line}\n")
    assert [(r.fields["made_up"], r.fields["made_up_too"]) for r in reading.records] == [("7", NonValue.NONE)] * 2
    unknown = [f for f in reading.findings if f.rule == "input.unknown-key"]
    assert [f.message for f in unknown] == [
        "hmc-lshwres-mem-lpar has attributes that are not known: made_up, made_up_too"
    ]


def test_lines_are_counted_from_the_first_line_given() -> None:
    reading = hmc_cli.read("\n" + fixture("lshwres_mem.txt"), "part.txt", first_line=100)
    assert [record.source.line for record in reading.records] == [101, 102, 103, 104]


def test_short_lists_of_columns_are_told_apart_where_they_can_be() -> None:
    kinds = {
        "lpar_name,curr_mem": "hmc-lshwres-mem-lpar", "lpar_name:curr_proc_units": "hmc-lshwres-proc-lpar",
        "name,lpar_id": "hmc-lssyscfg-lpar", "lpar_name,name": "hmc-lssyscfg-prof",
        "curr_avail_sys_mem,mem_region_size": "hmc-lshwres-mem-sys", "name,type_model": "hmc-lssyscfg-sys",
        "configurable_sys_proc_units,curr_avail_sys_proc_units": "hmc-lshwres-proc-sys",
        "time,lpar_name,capped_cycles": "hmc-lslparutil-lpar", "lpar_name,port_vlan_id": "hmc-lshwres-eth",
    }
    for header, kind in kinds.items():
        time = "03/14/2015 22:00:03" if header.startswith("time") else "1"
        separator = ":" if ":" in header else ","
        row = separator.join([time, *["1"] * header.count(separator)])
        assert [record.kind for record in of_text(f"{header}\n{row}\n").records] == [kind], header


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.txt")), ids=lambda path: path.name)
def test_fixtures_are_recognised(path: Path) -> None:
    assert hmc_cli.recognise(read_text(path)[0])


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", "Node Name : ledger1\nPartition Name : ledger1\nType : Shared-SMT\n",
        "AAA,progname,topas_nmon\nAAA,command,topas_nmon -f\nBBBP,001,lsconf,\"System Model: IBM\"\n",
        "serial_number=IBM,0206A1B2C\nsystem_type=IBM,9117-MMB\npartition_id=4\nshared_processor_mode=1\n",
        "PV NAME SIZE(megabytes) FREE(megabytes)\nhdisk4 102400 102400\n",
        "time,lpar_name,physc\n2015-03-14 22:00,ledger1,0.7\n", "a=1,b=2\n", "key=value\n", "Errors:\n",
    ],
)
def test_other_text_is_not_claimed(text: str) -> None:
    assert not hmc_cli.recognise(text)


FIXTURE_TEXTS = [read_text(path)[0] for path in sorted(FIXTURES.glob("*.txt"))]
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["delete", "insert", "double"]), st.integers(0, 3000), st.integers(0, 60),
        st.one_of(st.text(max_size=6), st.sampled_from(['"', '""', ",", "=", "\n", ":", "/", "HSCLA246 x", "-F "])),
    ),
    max_size=8,
)


def mutated(text: str, mutations: list[tuple[str, int, int, str]]) -> str:
    for action, at, length, piece in mutations:
        start = at % (len(text) + 1)
        if action == "delete":
            text = text[:start] + text[start + length:]
        elif action == "insert":
            text = text[:start] + piece + text[start:]
        else:
            text = text[:start] + text[start:start + length] * 2 + text[start + length:]
    return text


@settings(max_examples=portion(300), deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FIXTURE_TEXTS), MUTATIONS)
def test_no_mutation_makes_the_reader_fail(text: str, mutations: list[tuple[str, int, int, str]]) -> None:
    changed = mutated(text, mutations)
    hmc_cli.recognise(changed)
    reading = of_text(changed)
    assert reading.kind == "hmc-cli"
    lines = changed.count("\n") + 1
    places = [r.source.line for r in reading.records] + [f.source.line for f in reading.findings if f.source]
    assert all(line is not None and 1 <= line <= lines for line in places)


@settings(max_examples=portion(200), deadline=2000)
@given(st.text(max_size=300))
def test_any_text_is_read_or_reported(text: str) -> None:
    reading = of_text(text)
    assert not text.strip() or reading.records or reading.findings or hmc_cli.other_command(text.strip()) == "" or (
        hmc_cli.heading(text.strip()) is not None)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of real sites are not here")
def test_samples_of_real_sites() -> None:
    for path in sorted(SAMPLES.rglob("*.txt")):
        text, _ = read_text(path)
        ours = path.parent.name == "hmc_cli"
        assert hmc_cli.recognise(text[:65536]) is ours, path.name
        if ours:
            reading = hmc_cli.read(text, path.name)
            assert reading.records, path.name
            assert not [f for f in reading.findings if f.severity is Severity.ERROR], path.name


# ---- listings as consoles of POWER9 and POWER10 print them -----------------------------------------------------------

QUARRY_SITE = """\
hscroot@quarry:~> lssyscfg -r sys -m Quarry
name=Quarry,type_model=9009-42A,serial_num=78D0E1F,state=Operating
hscroot@quarry:~> lshwres -r proc -m Quarry --level sys
configurable_sys_proc_units=16.0,curr_avail_sys_proc_units=8.0
hscroot@quarry:~> lshwres -r mem -m Quarry --level sys
configurable_sys_mem=262144,sys_firmware_mem=6144,mem_region_size=256
hscroot@quarry:~> lssyscfg -r lpar -m Quarry
name=quarry-v1,lpar_id=1,lpar_env=vioserver,state=Running,os_version=VIOS 3.1.4.21,rmc_state=active
name=slate,lpar_id=3,lpar_env=aixlinux,state=Running,os_version=AIX 7.2 7200-05-03-2148,rmc_state=active
name=flint,lpar_id=4,lpar_env=aixlinux,state=Not Activated,os_version=Unknown,rmc_state=none,curr_profile=night
name=chalk,lpar_id=5,lpar_env=aixlinux,state=Not Activated,os_version=Unknown,rmc_state=none
hscroot@quarry:~> lshwres -r proc -m Quarry --level lpar
lpar_name=quarry-v1,lpar_id=1,curr_proc_mode=shared,curr_proc_units=0.5,curr_procs=1,curr_sharing_mode=uncap
lpar_name=slate,lpar_id=3,curr_proc_mode=shared,curr_proc_units=0.5,curr_procs=1,curr_sharing_mode=uncap
lpar_name=flint,lpar_id=4,curr_proc_mode=shared,curr_proc_units=0.0,curr_procs=0,curr_sharing_mode=cap,pend_procs=0
lpar_name=chalk,lpar_id=5,curr_proc_mode=shared,curr_proc_units=0.0,curr_procs=0,curr_sharing_mode=cap,pend_procs=0
hscroot@quarry:~> lshwres -r mem -m Quarry --level lpar
lpar_name=quarry-v1,lpar_id=1,curr_min_mem=1024,curr_mem=4096,curr_max_mem=8192,mem_mode=ded
lpar_name=slate,lpar_id=3,curr_min_mem=1024,curr_mem=8192,curr_max_mem=16384,mem_mode=ded
lpar_name=flint,lpar_id=4,curr_min_mem=0,curr_mem=0,curr_max_mem=0,mem_mode=ded
lpar_name=chalk,lpar_id=5,curr_min_mem=0,curr_mem=0,curr_max_mem=0,mem_mode=ded
"""


def site_with(tmp_path: Path, *sessions: str) -> Loaded:
    (tmp_path / "site").mkdir()
    for number, text in enumerate((QUARRY_SITE, *sessions)):
        (tmp_path / "site" / f"{number}.txt").write_text(text)
    return load([tmp_path / "site"]).usable()


def told(loaded: Loaded, words: str) -> list[tuple[str, str]]:
    return [(f.severity.value, f.subject) for f in loaded.findings if words in f.message]


def test_an_lpar_that_never_ran_blocks_nothing_and_its_profile_says_its_sizes(tmp_path: Path) -> None:
    loaded = site_with(tmp_path, "hscroot@quarry:~> lssyscfg -r prof -m Quarry\n"
                       "name=day,lpar_name=flint,lpar_id=4,proc_mode=ded,desired_procs=9,desired_mem=1024,max_mem=2048\n"
                       "name=night,lpar_name=flint,lpar_id=4,proc_mode=ded,desired_procs=2,max_procs=4,desired_mem=4096,"
                       "max_mem=8192,hpt_ratio=1:128\n")
    flint, chalk = (next(p for p in loaded.estate.lpars if p.name == n) for n in ("flint", "chalk"))
    assert (flint.processors, flint.entitlement_units, flint.virtual_processors, flint.memory_mib, flint.max_memory_mib,
            flint.hpt_ratio) == ("dedicated", 200, 2, 4096, 8192, 128)
    assert (chalk.entitlement_units, chalk.memory_mib) == (0, 0)
    assert told(loaded, "has no Entitlement (cores), Virtual processors, Memory") == [("warning", "chalk")]
    judge = Judge(Site(loaded.estate))
    assert any("cannot be planned: its processors and memory are unknown" in f.message for f in judge.readiness("chalk"))
    assert {n: judge.answer(n).answer.value for n in judge.site.lpars} == dict.fromkeys(
        ("chalk", "flint", "slate"), "not ready")  # there is no other server
    assert "partition.size-known" in {f.rule for f in judge.answer("chalk").refusals}


def test_who_was_never_activated_is_said_by_the_last_activated_profile_alone(tmp_path: Path) -> None:
    """curr_profile is empty of everything that is off; a name in it shows that it has run."""
    rows = "".join(f"name={n},lpar_id={i},lpar_env=aixlinux,state=Not Activated,{more}\n" for n, i, more in (
        ("marl", 6, "curr_profile=,last_activated_profile="), ("loess", 7, "curr_profile=,last_activated_profile=day"),
        ("silt", 8, "curr_profile="), ("till", 9, "curr_profile=day,last_activated_profile=null")))
    loaded = site_with(tmp_path, f"hscroot@quarry:~> lssyscfg -r lpar -m Quarry\n{rows}"
                       "hscroot@quarry:~> lslparmigr -r sys -m Quarry\n"
                       "inactive_lpar_mobility_capable=1,num_inactive_migrations_supported=6\n")
    known = {p.name: p.never_activated for p in loaded.estate.lpars}
    assert {n: known[n] for n in ("marl", "loess", "silt", "till", "flint", "chalk")} == {
        "marl": True, "loess": False, "silt": None, "till": False, "flint": False, "chalk": None}
    assert loaded.estate.servers[0].max_inactive_migrations == 6


def test_a_vlan_that_nobody_bridges_is_said_of_its_lpar(tmp_path: Path) -> None:
    loaded = site_with(tmp_path, "hscroot@quarry:~> lshwres -r virtualio --rsubtype eth -m Quarry --level lpar\n"
                       "lpar_name=slate,lpar_id=3,slot_num=2,state=1,is_required=1,is_trunk=0,ieee_virtual_eth=0,"
                       "port_vlan_id=9,vswitch=ETHERNET0,addl_vlan_ids=,mac_addr=26E6B0001002\n")
    assert told(loaded, "slate uses VLAN 9 (switch ETHERNET0), which no VIOS bridges") == [("warning", "slate")]


SERIAL = "".join(
    f"lpar_name=slate,lpar_id=3,slot_num={slot},state=1,is_required=1,connect_status=unavailable,adapter_type=server,"
    "supports_hmc=1,remote_lpar_id=any,remote_lpar_name=,remote_slot_num=any\n" for slot in (0, 1))


@pytest.mark.parametrize("above", ["", "hscroot@quarry:~> lshwres -r virtualio --rsubtype serial -m Quarry --level lpar\n"])
def test_virtual_serial_adapters_are_not_needed(tmp_path: Path, above: str) -> None:
    loaded = site_with(tmp_path, above + SERIAL)
    assert told(loaded, "not needed") == [("info", "1.txt")]


def test_sriov_and_vnic_listings_count_ports_and_adapters(tmp_path: Path) -> None:
    loaded = site_with(
        tmp_path, "hscroot@quarry:~> lshwres -r sriov --rsubtype logport -m Quarry --level eth -F lpar_name,lpar_id,"
        "adapter_id,logical_port_id,capacity --header\nlpar_name,lpar_id,adapter_id,logical_port_id,capacity\n"
        "slate,3,1,27004001,2.0\nslate,3,1,27004002,2.0\n"
        "hscroot@quarry:~> lshwres -r sriov --rsubtype adapter -m Quarry -F adapter_id,config_state --header\n"
        "adapter_id,config_state\n1,sriov\nnull,dedicated\n"
        "hscroot@quarry:~> lshwres -r virtualio --rsubtype vnic --level lpar -m Quarry\n"
        "lpar_name=slate,lpar_id=3,slot_num=7,desired_mode=ded,curr_mode=ded,auto_priority_failover=1,port_vlan_id=0,"
        "allowed_vlan_ids=all,mac_addr=fa0000000701,"
        '"backing_devices=sriov/quarry-v1/1/1/3/27004003/10.0/10.0/50/100.0/100.0",backing_device_states=sriov/27004003/1\n'
        "hscroot@quarry:~> lshwres -r virtualio --rsubtype slot --level lpar -m Quarry\n"
        "lpar_name=slate,lpar_id=3,curr_max_virtual_slots=64,pend_max_virtual_slots=64,next_avail_virtual_slot=8\n")
    slate = next(p for p in loaded.estate.lpars if p.name == "slate")
    assert (slate.sriov_ports, slate.vnic_adapters, loaded.estate.vnics) == (
        2, 1, (Vnic("slate", 7, 1, "quarry-v1", "1/3", 10),))
    assert not [f for f in loaded.findings if f.rule in ("input.ambiguous", "input.unknown-text")]


PHYSICAL = ("hscroot@quarry:~> lshwres -r sriov --rsubtype physport -m Quarry --level {} -F adapter_id,phys_port_id,"
            "phys_port_loc,state,config_logical_ports,phys_port_max_logical_ports --header\n"
            "adapter_id,phys_port_id,phys_port_loc,state,config_logical_ports,phys_port_max_logical_ports\n{}")
LOGICAL = ("hscroot@quarry:~> lshwres -r sriov --rsubtype logport -m Quarry --level eth -F lpar_name,lpar_id,adapter_id,"
           "phys_port_id,logical_port_id,capacity --header\nlpar_name,lpar_id,adapter_id,phys_port_id,logical_port_id,capacity\n"
           "quarry-v1,1,1,0,27004001,2.0\nslate,3,1,0,27004002,10.5\n")


def test_what_physical_ports_of_sriov_adapters_have_left(tmp_path: Path) -> None:
    """The lists of levels eth and roce name the same ports; of a port whose logical ports are not all listed, the
    capacity that is left is unknown."""
    ports = "1,0,U78D2.001.AAA0001-P1-C4-T1,1,2,60\n1,1,U78D2.001.AAA0001-P1-C4-T2,1,1,60\n1,2,null,0,0,4\n"
    loaded = site_with(tmp_path, PHYSICAL.format("eth", ports), PHYSICAL.format("roce", ports), LOGICAL)
    assert [(p.server, p.port, p.free_ports, p.free_percent) for p in loaded.estate.sriov] == [
        ("Quarry", "1/2", 4, 100), ("Quarry", "U78D2.001.AAA0001-P1-C4-T1", 58, 87),
        ("Quarry", "U78D2.001.AAA0001-P1-C4-T2", 59, None)]


@pytest.mark.parametrize(("most", "free"), [(120, (58, 59)), (100, (48, 49)), (40, (18, 19)), (3, (0, 0)), (2, (0, 0))])
def test_the_ports_of_an_adapter_have_no_more_free_than_it_has_for_all(tmp_path: Path, most: int, free: tuple[int, int]) -> None:
    """Three logical ports are configured on it; those that are left go to both of its ports."""
    ports = "1,0,U78D2.001.AAA0001-P1-C4-T1,1,2,60\n1,1,U78D2.001.AAA0001-P1-C4-T2,1,1,60\n"
    adapter = ("hscroot@quarry:~> lshwres -r sriov --rsubtype adapter -m Quarry -F adapter_id,config_state,"
               f"adapter_max_logical_ports --header\nadapter_id,config_state,adapter_max_logical_ports\n1,sriov,{most}\n")
    loaded = site_with(tmp_path, PHYSICAL.format("eth", ports), adapter)
    assert tuple(p.free_ports for p in loaded.estate.sriov) == free


def test_the_shared_memory_pool_and_what_devices_are_guaranteed_of_it(tmp_path: Path) -> None:
    loaded = site_with(
        tmp_path, "hscroot@quarry:~> lshwres -r mempool -m Quarry\n"
        "curr_pool_mem=32768,curr_avail_pool_mem=30720,pend_pool_mem=32768,pend_avail_pool_mem=30720,"
        'sys_firmware_pool_mem=512,"paging_vios_names=quarry-v1,null","paging_vios_ids=1,none"\n'
        "hscroot@quarry:~> lshwres -r mem -m Quarry --level lpar\n"
        "lpar_name=slate,lpar_id=3,curr_mem=8192,curr_max_mem=16384,mem_mode=shared,curr_io_entitled_mem=256,"
        "pend_io_entitled_mem=300,run_io_entitled_mem=256\n"
        "lpar_name=quarry-v1,lpar_id=1,curr_mem=4096,curr_max_mem=8192,mem_mode=ded,curr_io_entitled_mem=0\n")
    server, slate = loaded.estate.servers[0], next(p for p in loaded.estate.lpars if p.name == "slate")
    assert (server.shared_memory_pool_mib, server.free_pool_mib) == (32768, 30720)
    assert slate.io_entitled_mib == 256


SLOTS = ("hscroot@quarry:~> lshwres -r virtualio --rsubtype slot --level lpar -m Quarry\n"
         "lpar_name=quarry-v1,lpar_id=1,curr_max_virtual_slots=20,pend_max_virtual_slots=40,next_avail_virtual_slot=4\n")
ADAPTERS = ("hscroot@quarry:~> lshwres -r virtualio --rsubtype scsi --level lpar -m Quarry\n"
            "lpar_name=quarry-v1,lpar_id=1,slot_num=5,adapter_type=server,remote_lpar_id=any,remote_slot_num=any\n"
            "lpar_name=quarry-v1,lpar_id=1,slot_num=6,adapter_type=server,remote_lpar_id=any,remote_slot_num=any\n")
TRUNK = ("hscroot@quarry:~> lshwres -r virtualio --rsubtype eth --level lpar -m Quarry\n"
         "lpar_name=quarry-v1,lpar_id=1,slot_num=2,is_trunk=1,trunk_priority=1,port_vlan_id=10,addl_vlan_ids=none\n")


@pytest.mark.parametrize(("text", "most", "used"), [
    (SLOTS + ADAPTERS + TRUNK, 20, 5), (SLOTS + ADAPTERS, 20, None), (SLOTS + TRUNK, 20, None), (ADAPTERS + TRUNK, None, 5)])
def test_virtual_slots_of_a_vios_are_counted_where_all_kinds_are_listed(
        tmp_path: Path, text: str, most: int | None, used: int | None) -> None:
    vios = next(v for v in site_with(tmp_path, text).estate.vioses if v.name == "quarry-v1")
    assert (vios.max_virtual_slots, vios.used_virtual_slots) == (most, used)


@pytest.mark.parametrize(("name", "number", "eth"), [("quarry-v1", 1, TRUNK), ("slate", 3, "")])
@pytest.mark.parametrize(("most", "count"), [(5, 3), (4, 3), (5, 4), (20, 9)])
def test_more_adapters_than_virtual_slots_are_told(tmp_path: Path, name: str, number: int, eth: str, most: int, count: int) -> None:
    """Of a VIOS and of an LPAR, with the two serial adapters of each."""
    kind = "server" if eth else "client"
    rows = "".join(f"lpar_name={name},lpar_id={number},slot_num={10 + n},adapter_type={kind},remote_lpar_id=any,remote_slot_num=any\n"
                   for n in range(count - bool(eth)))
    text = (f"hscroot@quarry:~> lshwres -r virtualio --rsubtype slot --level lpar -m Quarry\nlpar_name={name},lpar_id={number},"
            f"curr_max_virtual_slots={most},pend_max_virtual_slots={most},next_avail_virtual_slot=4\n"
            f"hscroot@quarry:~> lshwres -r virtualio --rsubtype scsi --level lpar -m Quarry\n{rows}{eth}")
    found = [(f.severity, f.subject, f.message) for f in site_with(tmp_path, text).findings if f.rule == "estate.slots-above-maximum"]
    assert found == ([("warning", name, f"{name} uses {count + 2} virtual slots and has {most}")] if count + 2 > most else [])


@pytest.mark.parametrize("text", [
    "hscroot@quarry:~> lslic -m Quarry -t sys -F ecnumber,activated_level --header\necnumber,activated_level\n01VL950,99\n",
    "hscroot@quarry:~> lslic -m Quarry -t sys -Fcurr_ecnumber_primary:activated_level\n01VL950:99\n",
    "hscroot@quarry:~> lslic -m Quarry\nlic_type=Managed System,activated_level=99,ecnumber=01VL950\n",
    "hscroot@quarry:~> lslic -m Quarry -t syspower\nlic_type=Managed System,activated_level=99,ecnumber=01VL950\n",
    "lic_type=Managed System,activated_level=99,installed_level=105,ecnumber=01VL950,mtms=9009-42A*78D0E1F\n"])
def test_lslic_says_the_firmware(tmp_path: Path, text: str) -> None:
    assert site_with(tmp_path, text).estate.servers[0].firmware == "VL950_099"


def test_lslic_of_a_system_that_nobody_lists_makes_no_server(tmp_path: Path) -> None:
    loaded = site_with(tmp_path, "hmc:~> lslic -m Other -t sys\nactivated_level=99,ecnumber=01VL950\n")
    assert [s.name for s in loaded.estate.servers] == ["Quarry"]
    assert told(loaded, "no export lists the system Other") == [("info", "Other")]


@pytest.mark.parametrize("separator", [*",:;|%#@!", " ", "\t"])
def test_a_header_is_known_whatever_separates_it(separator: str) -> None:
    rows = ("name lpar_env state curr_profile os_version", 'slate aixlinux Running day "AIX 7.2"')
    text = "\n".join(separator.join(shlex.split(row)[:4]) + separator + row.split(None, 4)[4] for row in rows)
    (record,) = of_text(text).records
    assert record.fields == {"name": "slate", "lpar_env": "aixlinux", "state": "Running", "curr_profile": "day",
                             "os_version": "AIX 7.2"}


def test_blanks_of_retyped_rows_belong_to_nothing() -> None:
    (record,) = of_text(
        "lpar_name=slate,lpar_id=3,slot_num=62, is_trunk=1,trunk_priority=1, port_vlan_id=62,vswitch=ETHERNET0,"
        '" addl_vlan_ids=193,227",mac_addr=FA000001003E, qos_priority=none').records
    assert record.kind == "hmc-lshwres-eth"
    assert {n: record.fields[n] for n in ("is_trunk", "port_vlan_id", "addl_vlan_ids", "vswitch")} == {
        "is_trunk": True, "port_vlan_id": 62, "addl_vlan_ids": (193, 227), "vswitch": "ETHERNET0"}


def test_memory_scores_are_read() -> None:
    reading = of_text("hmc:~> lsmemopt -m Quarry -r lpar -o currscore\n"
                      "lpar_name=slate,lpar_id=3,curr_lpar_score=100\nlpar_name=chalk,lpar_id=5,curr_lpar_score=none\n")
    assert [(r.kind, r.fields["curr_lpar_score"]) for r in reading.records] == [
        ("hmc-lsmemopt-lpar", 100), ("hmc-lsmemopt-lpar", NonValue.NONE)]
    assert not reading.findings


@pytest.mark.parametrize("mark", [",", ";", ":", "\t", " ", "   ", "|", "#", "+", "*", ", ", "; "])
def test_a_header_tells_the_columns_whatever_separates_them(mark: str) -> None:
    text = "".join(mark.join(row) + "\n" for row in (
        ("name", "lpar_id", "lpar_env", "state"), ("alder", "10", "aixlinux", "Running")))
    (reading,) = registry.read_document(text.encode(), "x.txt")
    assert [r.fields for r in reading.records] == [
        {"name": "alder", "lpar_id": 10, "lpar_env": "aixlinux", "state": "Running"}]


def test_a_listing_that_is_not_read_is_one_finding() -> None:
    text = ("hscroot@hmc1:~> lssyscfg -r cage -m harbour\n"
            "cage_num=1,unit_phys_loc=U5\ncage_num=2,unit_phys_loc=U6\n")
    (reading,) = registry.read_document(text.encode(), "x.txt")
    assert [(str(f.severity), f.message) for f in reading.findings] == [
        ("info", "a listing that is not read: lssyscfg -r cage")]


@pytest.mark.parametrize("resource", ["mspconnection", "manager", "sriov"])
def test_listings_that_nobody_has_described_keep_all_that_they_state(resource: str) -> None:
    """Their attributes are known by name at best: whatever stands there is kept, and none of it is called new."""
    command = f"hmc7:~> lslparmigr -r {resource} -m {HARBOUR} -t {QUARRY}"
    reading = of_text(f"{command}\nlpar_id=4,source_msp_name=vios-h1,colour=green\n"
                      f"{command} -F colour,shade\nblue,dark\n{command} -F --header\ncolour:shade\nred:light\n")
    assert [(r.kind, r.fields["managed_system"], r.fields["colour"]) for r in reading.records] == [
        (f"hmc-lslparmigr-{resource}", HARBOUR, colour) for colour in ("green", "blue", "red")]
    assert not reading.findings


def test_one_attribute_of_what_a_system_supports_is_read() -> None:
    reading = of_text(f"hmc7:~> lslparmigr -r sys -m {HARBOUR} -F num_active_migrations_supported\n16\n")
    assert records(reading) == [("hmc-lslparmigr-sys", OF_HARBOUR | {"num_active_migrations_supported": 16})]
    assert not reading.findings


MOVERS = (
    (f'lslparmigr -r msp -m {HARBOUR} -t {QUARRY} --filter lpar_ids=5',
     'source_msp_name=vios-h1,source_msp_id=1,"dest_msp_names=vios-q1,vios-q2","dest_msp_ids=1,2",'
     '"ipaddr_mappings=10.7.1.1//1/vios-q1/10.7.2.1,10.7.1.1//2/vios-q2/10.7.2.2,10.7.1.1//2/vios-q2/10.8.2.2"'),
    (f'lslparmigr -r mspconnection -m {HARBOUR} -t {QUARRY}',
     'source_msp_name=vios-h1,source_msp_id=1,source_msp_ipaddr=10.7.1.1,dest_msp_name=vios-q1,dest_msp_id=1,'
     'dest_msp_ipaddr=10.7.2.1\nsource_msp_id=1,source_msp_ipaddr=10.7.1.1,dest_msp_id=2,dest_msp_ipaddr=10.7.2.2\n'
     'source_msp_id=1,source_msp_ipaddr=10.7.1.1,dest_msp_id=2,dest_msp_ipaddr=10.8.2.2'),
)


@pytest.mark.parametrize(("command", "rows"), MOVERS)
def test_the_only_address_that_a_console_names_for_a_mover_is_its_address(command: str, rows: str) -> None:
    """migrlpar is told the address of a mover; of several that the console offers none is chosen, and that is told."""
    listed = "".join(f"hmc7:~> lssyscfg -r lpar -m {system}\nname={name},lpar_id={number},lpar_env=vioserver\n"
                     for system, name, number in ((HARBOUR, "vios-h1", 1), (QUARRY, "vios-q1", 1), (QUARRY, "vios-q2", 2)))
    found = assemble([of_text(f"{listed}hmc7:~> {command}\n{rows}\n")])
    assert {v.name: v.mover_address for v in found.estate.vioses} == {
        "vios-h1": "10.7.1.1", "vios-q1": "10.7.2.1", "vios-q2": ""}
    assert [(f.subject, f.message) for f in found.findings if f.rule == "input.several-addresses"] == [
        ("vios-q2", "its console offers 10.7.2.2, 10.8.2.2 as its address for moves: none is chosen")]


def test_a_logical_port_says_whether_it_is_migratable_and_an_lpar_whether_its_io_is_restricted(tmp_path: Path) -> None:
    """What assumptions on hybrid network virtualisation and IBM i ask for arrives where it is given."""
    (tmp_path / "hmc.txt").write_text(
        "hmc1:~> lssyscfg -r sys\nname=S,type_model=9105-42A,serial_num=AAA0001,state=Operating\n"
        "hmc1:~> lssyscfg -r lpar -m S -F name,lpar_id,lpar_env,state,os400_restricted_io_mode\n"
        "i1,3,os400,Running,1\ni2,4,os400,Running,0\nweb,5,aixlinux,Running,null\n"
        "hmc1:~> lshwres -r sriov --rsubtype logport -m S --level eth -F lpar_name,lpar_id,adapter_id,phys_port_id,"
        "logical_port_id,capacity,migratable\nweb,5,1,0,27004001,2.0,1\nweb,5,1,1,27004002,2.0,0\n")
    lpars = {p.name: p for p in load([tmp_path]).estate.lpars}
    assert {n: p.restricted_io for n, p in lpars.items()} == {"i1": True, "i2": False, "web": None}
    assert (lpars["web"].sriov_ports, lpars["web"].migratable_sriov_ports) == (2, 1)


def test_modes_of_switches_and_huge_pages_arrive_those_of_a_profile_where_the_lpar_stands_still(tmp_path: Path) -> None:
    prof = ("name=normal,lpar_name={0},lpar_id={1},lpar_env=aixlinux,min_mem=1024,desired_mem=2048,max_mem=4096,"
            "desired_num_huge_pages=3,ppt_ratio=1:1024,proc_mode=shared,desired_procs=1,desired_proc_units=0.2\n")
    (tmp_path / "hmc.txt").write_text(
        "hmc1:~> lssyscfg -r sys\nname=S,type_model=9105-42A,serial_num=AAA0001,state=Operating\n"
        "hmc1:~> lssyscfg -r lpar -m S -F name,lpar_id,lpar_env,state,curr_profile\n"
        "vio1,1,vioserver,Running,normal\nup,3,aixlinux,Running,normal\ndown,4,aixlinux,Not Activated,normal\n"
        "hmc1:~> lssyscfg -r prof -m S\n" + prof.format("up", 3) + prof.format("down", 4)
        + "hmc1:~> lshwres -r mem -m S --level lpar -F lpar_name,lpar_id,curr_mem,curr_max_mem,curr_num_huge_pages\n"
        "up,3,2048,4096,0\ndown,4,0,0,0\n"
        "hmc1:~> lshwres -r mem -m S --level sys -F configurable_sys_mem,curr_avail_num_sys_huge_pages\n65536,2\n"
        "hmc1:~> lshwres -r virtualio --rsubtype eth --level lpar -m S\n"
        "lpar_name=vio1,lpar_id=1,slot_num=5,state=1,ieee_virtual_eth=1,port_vlan_id=900,vswitch=DMZ,addl_vlan_ids=none,"
        "is_trunk=1,trunk_priority=1,is_required=0,mac_addr=26E6B0001002\n"
        "hmc1:~> lshwres -r virtualio --rsubtype vswitch -m S\n"
        "vswitch=DMZ,switch_mode=VEPA,vnetworks=none\n")
    estate = load([tmp_path]).estate
    assert {p.name: (p.huge_pages, p.ppt_ratio) for p in estate.lpars} == {"up": (0, 1024), "down": (3, 1024)}
    assert [s.free_huge_pages for s in estate.servers] == [2]
    assert [(b.vswitch, b.vlan, b.switch_mode) for b in estate.bridges] == [("DMZ", 900, "VEPA")]
