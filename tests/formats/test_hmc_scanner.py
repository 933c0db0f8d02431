"""HMC Scanner workbooks, built here in the layout of version 0.11 with invented names."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.load import load
from planner.findings import Severity, Source, errors
from planner.formats.base import NonValue, Reading, Record
from planner.formats.hmc_scanner import FORMAT, KIND, read_bytes, recognise_bytes

Rows = list[list[Any]]
Sheets = dict[str, Rows]
EMPTY = NonValue.EMPTY
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"

MS = ["Managed System Name", "Managed System Serial"]
EAST = ["p10-east", "7812345"]
WEST = ["p10-west", "78A1B2C"]
ON_EAST = {"managed_system_name": "p10-east", "managed_system_serial": "7812345"}
ON_WEST = {"managed_system_name": "p10-west", "managed_system_serial": "78A1B2C"}

BOOK: Sheets = {
    "Header": [["Manager Name", "hmc1"], ["Manager Type", "HMC"], ["Generation Date/Time", "2024/05/01 10:00"],
               ["HMC Scanner Version", "0.11.50"], [], ["System_Summary"]],
    "HMC": [["Hardware"], ["Type", "7063-CR2"]],
    "System_Summary": [
        ["Managed System", "Status", "Type Model", "Serial", "GHz", "CPU Type", "Tot Cores", "Act Cores",
         "Deconf Cores", "Curr Avail Cores", "Pend Avail Cores", "Ded Cores", "Pool Size", "Virt Procs", "#LPAR",
         "Tot GB", "Act GB", "Deconf GB", "Firm GB", "Curr Avail GB", "Pend Avail GB", "Perf Sample Rate", "Mgr #1",
         "Mgr #2", "Prim SP", "Sec SP", "EC Number", "IPL Level", "Activated Level", "Deferred Level"],
        ["p10-east", "Operating", "9105-42A", "7812345", 3.3, "POWER10", 24, 20, 0, 12.3, 12.3, 2, 18, 31, 9, 1024,
         768, 0, 18.25, 305.25, 305.25, 30, "hmc1", None, "10.0.0.11", "10.0.0.12", "01ML1030", 48, 48, "none"],
        ["p10-west", "Power Off", "9105-42A", "78A1B2C", None, None, 24, "unavailable"],
    ],
    "OnOff CoD": [
        ["Type", "State", "Activated", "Available", "Unreturned", "Days left", "Hours left", "Days available",
         "Report date", "Report time", "Hist expired days", "Hist unreturned days", "Tot sys runtime hours", *MS],
        ["CPU", "Available", 0, 4, 0, 0, 0, 120, None, None, 0, 0, 5000, *EAST],
        ["MEM", "Available", 0, 262144, 0, 0, 0, 960, None, None, 0, 0, 5000, *EAST],
    ],
    "CoD Events": [["Time", "Event", *MS], ["2024/04/30 23:10:00", "HSCL0307 Capacity change", *EAST]],
    "LPAR_Summary": [
        ["Name", "ID", "Status", "Environment", "OS Version", "Pool data available", "Proc mode", "RMC IP",
         "RMC State", "Default profile", "Current profile", "Migration disabled", "Auto start", "Suspend capable",
         "Remote restart capable", "Simplified remote restart capable", "Remote restart status",
         "Sync current profile", *MS],
        ["erp01", 5, "Running", "aixlinux", "AIX 7.3", "true", "POWER10", "10.1.0.5", "active", "normal", "normal",
         "false", "True", "False", "no", "yes", "Remote Restartable", "on", *EAST],
    ],
    "LPAR_Profiles": [
        ["Lpar Name", "Profile Name", "Active", "ID", "Env", "All Res", "MinMem", "DesMem", "MaxMem",
         "MinHugePages", "DesHugePages", "MaxHugePages", "MemMode", "MemExp", "HPT_ratio", "ProcMode", "MinEnt",
         "DesEnt", "MaxEnt", "MinProc", "DesProc", "Maxproc", "ShMode", "Weight", "ProcPoolID", "ProcPoolName",
         "AffinityGrp", "BootMode", "ConnMonit", "AutoStart", "BSR_arrays", "ProcCompat", "ErrReporting", *MS],
        ["erp01", "normal", "yes", 5, "aixlinux", "false", 4, 32.5, 64, 0, 0, 0, "ded", 0, "1:128", "shared", 0.1,
         0.7, 4, 1, 4, 8, "uncap", 128, 0, "DefaultPool", "none", "norm", "true", "true", 0, "default", "null",
         *EAST],
    ],
    "LPAR_CPU": [
        ["Name", "Status", "Mode", "Min CPU", "Curr CPU", "Tgt CPU", "Max CPU", "Min Ent", "Curr Ent", "Tgt Ent",
         "Max Ent", "Weight", "Sharing Mode", "Pool Name", "Pool Resv", "Pool Max", "VP:E %", *MS],
        ["erp01", "on", "shared", 1, 4, 4, 8, 0.1, 0.7, 0.7, 4, 128, "uncap", "DefaultPool", 0, 18, 571.4, *EAST],
        ["db01", "on", "ded", 1, 2, 2, 4, None, None, None, None, None, "keep_idle_procs", None, None, None,
         "Dedicated", *EAST],
        ["erp01", "off", "shared", 0, 0, 4, 0, 0, 0, 0.7, 0, 0, "uncap", "DefaultPool", 0, 0, "Off", *WEST],
    ],
    "LPAR_MEM": [
        ["Name", "Mode", "Min GB", "Curr GB", "Tgt GB", "Max GB", "ExpFact", "AMS->", "Weight", "Prim VIOS",
         "Sec VIOS", "Curr VIOS", "Active", "Max", "Firmw", "<-AMS", *MS],
        ["erp01", "ded", 4, 32.5, 32.5, 64, 0, None, None, None, None, None, None, None, None, None, *EAST],
        ["web01", "shared", 1, 2, 2, 4, 1.5, None, 128, "vios1", "vios2", "vios1", 1.5, 2, 0.25, None, *EAST],
    ],
    "Physical_Slots": [
        ["LPAR", "Reqrd", "Adapter description", "Location", "drc_index", "Profiles desiring",
         "Profiles requiring", *MS],
        ["vios1", "yes", "PCIe3 4-port 10GbE", "U78D8.ND0.FGD0001-P0-C1", 21010010, None, "normal@vios1", *EAST],
        [None, None, "Empty slot", "U78D8.ND0.FGD0001-P0-C2", "21010011", "a@b, c@d", None, *EAST],
    ],
    "IO_slot_children": [
        ["Physical Location", "Description", "Microcode Version", "MAC Address", "WWPN", *MS],
        ["U78D8.ND0.FGD0001-P0-C1-T1", "10GbE", "1.2", "98be94000001", "", *EAST],
        ["U78D8.ND0.FGD0001-P0-C4-T0", "32Gb FC", None, None, "2100000000000001", *EAST],
    ],
    "Virtual_Ethernet": [
        ["p10-east"], [], ["Virtual Switches"], ["Name", "ETHERNET0(Default)", "EMPTYSW"],
        ["VLAN ids", "10\n20\n30", "none"], [], ["Virtual Ethernet Slots"],
        ["LPAR name", "Slot", "State", "Required", "Trunk", "Trunk Priority", "MAC Addresss", "Virtual Switch",
         "Port VLAN id", "IEEE VLAN ids"],
        ["vios1", 10, 1, "true", "true", 1, "FACC15000001", "ETHERNET0", 4000, "10\n20"],
        ["erp01", 2, 1, "false", "false", None, "FACC15000002", "ETHERNET0", 10, "none"],
        [], [],
        ["9105-42A*78A1B2C"], [], ["Virtual Switches"], ["Name", "ETHERNET0(Default)"], ["VLAN ids", "none"], [],
        ["Virtual Ethernet Slots"],
        ["LPAR name", "Slot", "State", "Required", "Trunk", "Trunk Priority", "MAC Addresss", "Virtual Switch",
         "Port VLAN id", "IEEE VLAN ids"],
    ],
    "Virtual_SCSI": [
        ["LPAR name", "Slot", "State", "Required", "Type", "Remote LPAR", "Remote Slot", *MS],
        ["erp01", 4, 1, "true", "client", "vios1", 14, *EAST],
        ["vios1", 99, 0, "false", "server", "any", "any", *EAST],
    ],
    "VSCSI_Map": [
        ["VIOS", "Slot", "Name", "Client", "VTD", "Status", "LUN", "Backing device", "Phys Loc", "Mirrored",
         "Identifier", *MS],
        ["vios1", "C14", "vhost0", '0x0000000d "erp01"', "erp01_rvg", "Available", "0x8100000000000000", "hdisk4",
         "U78D8-L1", "false", "600507680c80", *EAST],
        ["vios1", "C15", "vhost1", "0x00000000", " ", "", " ", " ", " ", "", None, *EAST],
        ["vios1", "C16", "vhost2", '0x00000003 "web01"', "cd0", "Available", "0x81", "/var/vio/boot.iso", " ", "N/A",
         None, *EAST],
    ],
    "Virtual_Fibre": [
        ["LPAR name", "Slot", "State", "Required", "Type", "Remote LPAR", "Remote Slot", "WWPN #1", "WWPN #2",
         "Physical FC Slot", *MS],
        ["erp01", 6, 1, "true", "client", "vios1", 36, "c05076000000001e", "c05076000000001f", " ", *EAST],
        ["vios1", 36, 1, "true", "server", "erp01", 6, None, None, "U78D8.ND0.FGD0001-P0-C4-T0", *EAST],
    ],
    "VIOS disks": [
        ["UUID", "SIZE(MB)", "p10-east@vios1", "p10-east@vios2"],
        ["3321360050768", 102400, "hdisk4", "hdisk7"],
        ["3321360050769", 51200, None, "hdisk8"],
    ],
    "SEA": [
        [*MS, "VIOS", "SEA", "thread", "thread", "Virt#1", "Virt#1 slot", "Virt#2", "Virt#2 slot"],
        [*EAST, "vios1", "ent8", 1, "yes", "ent4", 10, "ent5", 11],
        [*EAST, "vios2", "ent8", 0, "no", "ent4", 10],
        [], [], [],
        [*MS, "VIOS", "Etherchannel", "mode"], [*EAST, "vios1", "ent7", "8023ad"], [], [], [],
        [*MS, "VIOS", "SEA", "Virt Eth", "VLANs"], [*EAST, "vios1", "ent8", "ent4", "10, 20"],
    ],
    "FC": [[*MS, "VIOS", "FC", "init_link", "wwpn", "port_type"],
           [*EAST, "vios1", "fcs0", "auto", "0x2100000000000001", "Fabric"], [*EAST, "vios1", "fcs1", "auto"]],
    "vNIC": [[*MS, "LPAR", "VIOS", "Priority", "VIOS", "Priority"]],
    "SW_cores": [["LPAR Name", "Curr VPs", "Cores"], ["erp01", 4, 4]],
    "CPU_Pool_Usage": [
        ["Red", "Usage >= 90% of max allowed size"], [],
        ["Average Pool Usage", None, None, None, "Average Percentage Pool Usage"],
        [None, "2024/4", "2024/5", None, None, "2024/4", "2024/5"], ["p10-east", 6.25, 7.5, None, "p10-east", 34.7, 41.6],
        [], ["Peak Pool Usage", None, None, None, "Peak Percentage Pool Usage"],
        [None, "2024/4", "2024/5", None, None, "2024/4", "2024/5"], ["p10-east", 11, 12, None, "p10-east", 44, 48],
    ],
    "CPU_Pool_Hourly_Usage": [
        ["Average Pool Usage"], [None, "p10-east"], ["Hours", 1], ["Max", 7], ["Last size", 20], [], ["Date"],
        ["2024/5/1 0", 6.5]],
    "LPAR_Daily_Usage_N1": [
        ["Legend"], ["red: above entitlement"], [], [None, "p10-east", "p10-east", "p10-west"],
        [None, "erp01", "web01", "erp01"], ["Days", 2, 2, 0], ["Reds %", 50, 0, 0], ["Max", 1.2, 0.3, 0],
        ["90% <=", 1.1, 0.25, 0], ["Last Ent", 0.7, 0.2, 0],
        ["Date"], ["2024/5/1", 0.9, 0.2, 0], ["2024/5/2", 1.2, None, 0],
    ],
    "LPAR_Hourly_Usage_N1": [
        [None, "erp01"], ["Days", 1], ["Date"], ["2024/5/1 0", 0.5], ["2024/5/1 23", 0.75]],
}


def _xlsx(sheets: Sheets) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(number, column, value)
                    elif value is not None:
                        sheet.write(number, column, value)
    return out.getvalue()


def _xls(sheets: Sheets) -> bytes:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(number, column, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def reading(changes: Sheets | None = None, without: tuple[str, ...] = ()) -> Reading:
    """BOOK with some sheets replaced."""
    sheets = {name: rows for name, rows in (BOOK | (changes or {})).items() if name not in without}
    return read_bytes(_xlsx(sheets), "scan.xlsx")


READING = reading()


def records(kind: str, result: Reading = READING) -> list[Record]:
    return [record for record in result.records if record.kind == kind]


def fields(kind: str, result: Reading = READING) -> list[dict[str, Any]]:
    return [record.fields for record in records(kind, result)]


def changed(sheet: str, row: int, column: int, value: Any) -> Reading:
    rows = deepcopy(BOOK[sheet])
    rows[row] += [None] * (column + 1 - len(rows[row]))
    rows[row][column] = value
    return reading({sheet: rows})


def said(result: Reading) -> list[tuple[str, str, str | None]]:
    """What the unchanged workbook does not give rise to."""
    usual = set(READING.findings)
    return [(f.severity.value, f.rule, f.source.cell if f.source else None)
            for f in result.findings if f not in usual]


def test_is_recognised_by_its_sheets() -> None:
    assert recognise_bytes(_xlsx(BOOK))
    assert recognise_bytes(_xls(BOOK))
    assert not recognise_bytes(_xlsx({"LPARs": [["Name"]], "SEA": [], "FC": []}))
    assert not recognise_bytes(b"name,lpar_id")
    assert FORMAT.kind == KIND


def test_what_the_whole_book_gives_rise_to() -> None:
    assert [(f.severity, f.rule, str(f.source)) for f in READING.findings] == [
        *((Severity.INFO, "input.unknown-sheet", f"scan.xlsx[{name}!A1]") for name in (
            "Header", "HMC", "OnOff CoD", "CoD Events", "SW_cores")),
        (Severity.INFO, "history.too-coarse", "scan.xlsx[CPU_Pool_Usage!A1]"),
        (Severity.WARNING, "input.no-data", "scan.xlsx[LPAR_Daily_Usage_N1!D11]"),
    ]


def test_xls_gives_the_same_records() -> None:
    result = read_bytes(_xls(BOOK), "scan.xlsx")
    assert result.records == READING.records
    assert result.findings == READING.findings


def test_sheets_that_no_plan_needs_are_told_with_the_reason() -> None:
    told = {f.source.cell: f.fix for f in READING.findings if f.rule == "input.unknown-sheet" and f.source}
    assert told["OnOff CoD!A1"] == "no plan needs it: licences on demand: only what is active counts"
    assert all(fix.startswith("no plan needs it: ") for fix in told.values())


def test_systems() -> None:
    east, west = fields("scanner-system")
    assert east == {
        **ON_EAST, "status": "Operating", "type_model": "9105-42A", "ghz": 3.3, "cpu_type": "POWER10",
        "tot_proc_units": 2400, "act_proc_units": 2000, "deconf_proc_units": 0, "curr_avail_proc_units": 1230,
        "pend_avail_proc_units": 1230, "ded_proc_units": 200, "pool_size_proc_units": 1800, "virt_procs": 31,
        "lpar_count": 9, "tot_mem": 1048576, "act_mem": 786432, "deconf_mem": 0, "firm_mem": 18688,
        "curr_avail_mem": 312576, "pend_avail_mem": 312576, "perf_sample_rate": 30, "mgr_1": "hmc1", "mgr_2": EMPTY,
        "prim_sp": "10.0.0.11", "sec_sp": "10.0.0.12", "ec_number": "01ML1030", "ipl_level": "48",
        "activated_level": "48", "deferred_level": NonValue.NONE,
    }
    assert west["act_proc_units"] is NonValue.UNAVAILABLE
    assert west["curr_avail_mem"] is EMPTY
    assert records("scanner-system")[0].source == Source("scan.xlsx", cell="System_Summary!A2")


def test_lpars_have_booleans_in_three_spellings() -> None:
    assert fields("scanner-lpar") == [{
        "name": "erp01", "id": 5, "status": "Running", "environment": "aixlinux", "os_version": "AIX 7.3",
        "pool_data_available": True, "proc_mode": "POWER10", "rmc_ip": "10.1.0.5", "rmc_state": "active",
        "default_profile": "normal", "current_profile": "normal", "migration_disabled": False, "auto_start": True,
        "suspend_capable": False, "remote_restart_capable": False, "simplified_remote_restart_capable": True,
        "remote_restart_status": "Remote Restartable", "sync_current_profile": "on", **ON_EAST}]


def test_profiles() -> None:
    assert fields("scanner-profile") == [{
        "lpar_name": "erp01", "profile_name": "normal", "active": True, "id": 5, "env": "aixlinux", "all_res": False,
        "min_mem": 4096, "des_mem": 33280, "max_mem": 65536, "min_huge_pages": 0, "des_huge_pages": 0,
        "max_huge_pages": 0, "mem_mode": "ded", "mem_exp": 0.0, "hpt_ratio": "1:128", "proc_mode": "shared",
        "min_ent": 10, "des_ent": 70, "max_ent": 400, "min_proc": 1, "des_proc": 4, "max_proc": 8,
        "sh_mode": "uncap", "weight": 128, "proc_pool_id": 0, "proc_pool_name": "DefaultPool",
        "affinity_grp": NonValue.NONE, "boot_mode": "norm", "conn_monit": True, "auto_start": True, "bsr_arrays": 0,
        "proc_compat": "default", "err_reporting": NonValue.NULL, **ON_EAST}]


def test_processors() -> None:
    shared, dedicated, off = fields("scanner-lpar-cpu")
    assert shared == {
        "name": "erp01", "status": "on", "mode": "shared", "min_cpu": 1, "curr_cpu": 4, "tgt_cpu": 4, "max_cpu": 8,
        "min_ent": 10, "curr_ent": 70, "tgt_ent": 70, "max_ent": 400, "weight": 128, "sharing_mode": "uncap",
        "pool_name": "DefaultPool", "pool_resv": 0, "pool_max": 1800, "vp_e_percent": 571.4, **ON_EAST}
    assert (dedicated["curr_ent"], dedicated["curr_cpu"], dedicated["vp_e_percent"]) == (EMPTY, 2, "Dedicated")
    assert (off["status"], off["curr_ent"], off["vp_e_percent"]) == ("off", 0, "Off")
    assert off["managed_system_serial"] == "78A1B2C"


def test_the_older_processor_sheet_has_fewer_columns() -> None:
    rows = [[cell for column, cell in enumerate(row) if column not in (5, 9)] for row in BOOK["LPAR_CPU"]]
    result = reading({"LPAR_CPU": rows})
    assert said(result) == []
    assert fields("scanner-lpar-cpu", result)[0] == {
        name: value for name, value in fields("scanner-lpar-cpu")[0].items() if not name.startswith("tgt_")}


def test_memory_keeps_the_two_max_columns_apart() -> None:
    dedicated, shared = fields("scanner-lpar-mem")
    assert dedicated == {
        "name": "erp01", "mode": "ded", "min_mem": 4096, "curr_mem": 33280, "tgt_mem": 33280, "max_mem": 65536,
        "exp_fact": 0.0, "ams_weight": EMPTY, "ams_prim_vios": EMPTY, "ams_sec_vios": EMPTY, "ams_curr_vios": EMPTY,
        "ams_active": EMPTY, "ams_max": EMPTY, "ams_firmw": EMPTY, **ON_EAST}
    assert {name: value for name, value in shared.items() if name.startswith("ams_")} == {
        "ams_weight": 128, "ams_prim_vios": "vios1", "ams_sec_vios": "vios2", "ams_curr_vios": "vios1",
        "ams_active": 1.5, "ams_max": 2, "ams_firmw": 0.25}
    assert shared["exp_fact"] == 1.5


def test_slots() -> None:
    assert fields("scanner-slot") == [
        {"lpar": "vios1", "reqrd": True, "adapter_description": "PCIe3 4-port 10GbE",
         "location": "U78D8.ND0.FGD0001-P0-C1", "drc_index": "21010010", "profiles_desiring": EMPTY,
         "profiles_requiring": ("normal@vios1",), **ON_EAST},
        {"lpar": EMPTY, "reqrd": False, "adapter_description": "Empty slot", "location": "U78D8.ND0.FGD0001-P0-C2",
         "drc_index": "21010011", "profiles_desiring": ("a@b", "c@d"), "profiles_requiring": EMPTY, **ON_EAST}]


def test_virtual_ethernet_blocks_belong_to_their_system() -> None:
    trunk, client = fields("scanner-veth")
    assert trunk == {
        **ON_EAST, "lpar_name": "vios1", "slot": 10, "state": "1", "required": True, "trunk": True,
        "trunk_priority": 1, "mac_address": "FACC15000001", "virtual_switch": "ETHERNET0", "port_vlan_id": 4000,
        "ieee_vlan_ids": (10, 20)}
    assert (client["trunk"], client["trunk_priority"], client["ieee_vlan_ids"]) == (False, EMPTY, NonValue.NONE)
    assert records("scanner-veth")[0].source == Source("scan.xlsx", cell="Virtual_Ethernet!A9")


def test_virtual_scsi_and_fibre() -> None:
    assert fields("scanner-vscsi") == [
        {"lpar_name": "erp01", "slot": 4, "state": "1", "required": True, "type": "client", "remote_lpar": "vios1",
         "remote_slot": 14, **ON_EAST},
        {"lpar_name": "vios1", "slot": 99, "state": "0", "required": False, "type": "server", "remote_lpar": "any",
         "remote_slot": "any", **ON_EAST}]
    assert fields("scanner-vfc") == [
        {"lpar_name": "erp01", "slot": 6, "state": "1", "required": True, "type": "client", "remote_lpar": "vios1",
         "remote_slot": 36, "wwpn_1": "c05076000000001e", "wwpn_2": "c05076000000001f", "physical_fc_slot": EMPTY,
         **ON_EAST},
        {"lpar_name": "vios1", "slot": 36, "state": "1", "required": True, "type": "server", "remote_lpar": "erp01",
         "remote_slot": 6, "wwpn_1": EMPTY, "wwpn_2": EMPTY, "physical_fc_slot": "U78D8.ND0.FGD0001-P0-C4-T0",
         "port": "fcs0", **ON_EAST}]


def test_mappings() -> None:
    mapped, free, optical = fields("scanner-vscsi-map")
    assert mapped == {
        "vios": "vios1", "slot": "C14", "name": "vhost0", "client": '0x0000000d "erp01"', "client_lpar_id": 13,
        "client_lpar_name": "erp01", "vtd": "erp01_rvg", "status": "Available", "lun": "0x8100000000000000",
        "backing_device": "hdisk4", "phys_loc": "U78D8-L1", "mirrored": False, "identifier": "600507680c80",
        **ON_EAST}
    assert (free["client_lpar_id"], free["client_lpar_name"]) == (NonValue.NONE, EMPTY)
    assert [free[name] for name in ("vtd", "status", "lun", "backing_device", "mirrored")] == [EMPTY] * 5
    assert optical["mirrored"] is NonValue.UNAVAILABLE


def test_disks_by_vios() -> None:
    assert fields("scanner-vios-disk") == [
        {"uuid": "3321360050768", "size": 102400,
         "hdisks": (("p10-east", "vios1", "hdisk4"), ("p10-east", "vios2", "hdisk7"))},
        {"uuid": "3321360050769", "size": 51200, "hdisks": (("p10-east", "vios2", "hdisk8"),)}]


def test_ports() -> None:
    linked, unlinked = fields("scanner-fc")
    assert linked == {**ON_EAST, "vios": "vios1", "fc": "fcs0", "init_link": "auto", "wwpn": "0x2100000000000001",
                      "port_type": "Fabric"}
    assert unlinked["wwpn"] is EMPTY
    assert [f.get("port") for f in fields("scanner-vfc")] == [None, "fcs0"]


def test_seas_have_the_vlans_of_their_trunks_by_slot() -> None:
    assert [(f["vios"], f["sea"], f["vlans"]) for f in fields("scanner-sea")] == [
        ("vios1", "ent8", (("ETHERNET0", 4000), ("ETHERNET0", 10), ("ETHERNET0", 20))), ("vios2", "ent8", ())]


def test_monthly_blocks_are_no_usage_and_never_an_error() -> None:
    (pool,) = fields("scanner-pool-usage")
    assert (pool["name"], pool["managed_system_name"], pool["values"]) == ("physical pool", "p10-east", (6.5,))
    assert not [f for f in READING.findings if f.source and "CPU_Pool_Usage" in str(f.source) and f.rule != "history.too-coarse"]


def test_daily_and_hourly_usage() -> None:
    erp, web, hourly = fields("scanner-lpar-usage")
    days = (dt.datetime(2024, 5, 1), dt.datetime(2024, 5, 2))
    assert erp == {
        "name": "erp01", "resolution": "daily", **ON_EAST, "headings": ("p10-east", "erp01"),
        "last_ent": 70, "times": days, "values": (0.9, 1.2)}
    assert web["values"] == (0.2, None)
    assert hourly == {
        "name": "erp01", "resolution": "hourly", "headings": ("erp01",),
        "times": (dt.datetime(2024, 5, 1, 0), dt.datetime(2024, 5, 1, 23)), "values": (0.5, 0.75)}


def test_zeros_of_a_system_that_was_sampled_are_usage() -> None:
    rows = deepcopy(BOOK["System_Summary"])
    rows[2] += [None] * 13 + [60]
    result = reading({"System_Summary": rows})
    assert [f["values"] for f in fields("scanner-lpar-usage", result)][2] == (0, 0)
    assert "input.no-data" not in [f.rule for f in result.findings]


def test_sheets_that_are_not_there() -> None:
    assert said(reading(without=("LPAR_MEM",))) == [("warning", "input.missing-sheet", None)]
    assert said(reading({"Mine": [["x"]]})) == [("warning", "input.unknown-sheet", "Mine!A1")]


def test_unknown_column_is_kept_and_said_once() -> None:
    rows = [[*row[:-2], extra, *row[-2:]] for row, extra in
            zip(BOOK["LPAR_CPU"], ("Turbo", 1.5, "a", None), strict=True)]
    result = reading({"LPAR_CPU": rows})
    assert said(result) == [("warning", "input.unknown-column", "LPAR_CPU!R1")]
    assert [f["turbo"] for f in fields("scanner-lpar-cpu", result)] == [1.5, "a", EMPTY]


def test_a_header_that_is_spelt_otherwise_is_that_column() -> None:
    """Read as any text it stood where a number was expected, and `load` ended in a traceback."""
    rows = [["Curr_Ent" if cell == "Curr Ent" else cell for cell in row] for row in BOOK["LPAR_CPU"]]
    result = reading({"LPAR_CPU": rows})
    assert said(result) == [] and fields("scanner-lpar-cpu", result) == fields("scanner-lpar-cpu")
    rows = [[*row[:-2], extra, *row[-2:]] for row, extra in zip(BOOK["LPAR_CPU"], ("ID", "five", 5, None), strict=True)]
    result = reading({"LPAR_CPU": rows})
    assert [f.get("id") for f in fields("scanner-lpar-cpu", result)] == [None, 5, EMPTY]


def test_missing_header_row_and_missing_key_column() -> None:
    assert said(reading({"LPAR_CPU": [["a", "b"], ["c", "d"]]})) == [
        ("warning", "input.unknown-text", "LPAR_CPU!A1"), ("warning", "input.unknown-text", "LPAR_CPU!A2"),
        ("warning", "input.missing-column", "LPAR_CPU!A1")]
    cut = [row[:-1] for row in BOOK["LPAR_CPU"]]
    assert ("warning", "input.missing-column", "LPAR_CPU!A1") in said(reading({"LPAR_CPU": cut}))


@pytest.mark.parametrize("sheet, row, column, value, cell, field", [
    ("LPAR_CPU", 1, 8, "0,7", "LPAR_CPU!I2", "curr_ent"),
    ("LPAR_CPU", 1, 8, 0.705, "LPAR_CPU!I2", "curr_ent"),
    ("LPAR_CPU", 1, 8, -1, "LPAR_CPU!I2", "curr_ent"),
    ("LPAR_CPU", 1, 8, "inf", "LPAR_CPU!I2", "curr_ent"),
    ("LPAR_CPU", 1, 8, 1e300, "LPAR_CPU!I2", "curr_ent"),
    ("LPAR_CPU", 1, 4, 4.5, "LPAR_CPU!E2", "curr_cpu"),
    ("LPAR_CPU", 1, 4, True, "LPAR_CPU!E2", "curr_cpu"),
    ("LPAR_CPU", 1, 16, "Wyłączona", "LPAR_CPU!Q2", "vp_e_percent"),
    ("LPAR_Summary", 1, 11, "peut-être", "LPAR_Summary!L2", "migration_disabled"),
    ("Virtual_Fibre", 1, 7, 5.005076e18, "Virtual_Fibre!H2", "wwpn_1"),
    ("Virtual_Ethernet", 8, 9, "ten", "Virtual_Ethernet!J9", "ieee_vlan_ids"),
    ("VIOS disks", 1, 1, "big", "VIOS disks!B2", "size"),
])
def test_bad_values(sheet: str, row: int, column: int, value: Any, cell: str, field: str) -> None:
    result = changed(sheet, row, column, value)
    assert said(result) == [("warning", "input.bad-value", cell)]
    changed_record = next(r for r in result.records if str(r.source.cell).startswith(f"{sheet}!")
                          and field not in r.fields and r.source.cell == f"{sheet}!A{row + 1}")
    assert field not in changed_record.fields


def test_an_error_cell_is_a_bad_value() -> None:
    data = _xlsx(BOOK)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = f"xl/worksheets/sheet{list(BOOK).index('LPAR_CPU') + 1}.xml"
    parts[name] = parts[name].replace(b'<c r="I2"><v>0.7</v></c>', b'<c r="I2" t="e"><v>#N/A</v></c>')
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    result = read_bytes(out.getvalue(), "scan.xlsx")
    assert said(result) == [("warning", "input.bad-value", "LPAR_CPU!I2")]
    assert "curr_ent" not in fields("scanner-lpar-cpu", result)[0]


def test_missing_and_repeated_keys() -> None:
    assert said(changed("LPAR_CPU", 1, 0, None)) == [("warning", "input.missing-value", "LPAR_CPU!A2")]
    result = changed("LPAR_CPU", 2, 0, "erp01")
    assert said(result) == [("warning", "input.duplicate-key", "LPAR_CPU!A3")]
    assert len(fields("scanner-lpar-cpu", result)) == 2


def test_a_value_beside_the_table_is_reported() -> None:
    assert said(changed("LPAR_CPU", 1, 25, "note to self")) == [("warning", "input.unknown-text", "LPAR_CPU!Z2")]


def test_many_bad_cells_of_one_column_are_counted() -> None:
    rows = [BOOK["LPAR_CPU"][0]] + [[f"l{n}", "on", "shared", "?", *[None] * 13, *EAST] for n in range(50)]
    found = [f for f in reading({"LPAR_CPU": rows}).findings if f.rule == "input.bad-value"]
    assert [f.message for f in found][-2:] == [
        "min_cpu: '?' is not a whole number of up to 64 bits",
        "47 more of these in column LPAR_CPU!D"]
    assert len(found) == 4


def test_bad_dates_and_titles() -> None:
    assert said(changed("LPAR_Hourly_Usage_N1", 3, 0, "2024/13/1 0")) == [
        ("warning", "input.bad-value", "LPAR_Hourly_Usage_N1!A4")]
    result = changed("Virtual_Ethernet", 0, 0, "unknown-box")
    assert said(result) == [("warning", "input.unknown-name", "Virtual_Ethernet!A1")]
    assert fields("scanner-veth", result)[0]["managed_system_name"] == "unknown-box"


def test_refused_workbooks_are_one_finding() -> None:
    result = read_bytes(b"PK\x03\x04 broken", "scan.xlsx")
    assert (result.records, [f.rule for f in result.findings]) == ((), ["input.corrupt-workbook"])


@settings(max_examples=portion(60), deadline=None)
@given(st.lists(st.tuples(
    st.sampled_from(sorted(BOOK)), st.integers(0, 14), st.integers(0, 33),
    st.one_of(st.none(), st.text(max_size=12), st.floats(), st.booleans(),
              st.sampled_from(["Name", "Date", "Days", "Managed System Name", "AMS->", "1e999999", "2024/5"]))),
    max_size=20))
def test_mutated_cells_never_raise(edits: list[tuple[str, int, int, Any]]) -> None:
    sheets = deepcopy(BOOK)
    for name, row, column, value in edits:
        rows = sheets[name]
        rows += [[] for _ in range(row + 1 - len(rows))]
        rows[row] += [None] * (column + 1 - len(rows[row]))
        storable = not isinstance(value, float) or abs(value) < 1e300
        rows[row][column] = value if storable else str(value)
    assert isinstance(read_bytes(_xlsx(sheets), "scan.xlsx"), Reading)


@pytest.mark.skipif(not [*SAMPLES.rglob("*.xls*")], reason="no sample workbooks here")
def test_samples() -> None:
    for path in sorted(SAMPLES.rglob("*.xls*")):
        data = path.read_bytes()
        if recognise_bytes(data):
            assert errors(read_bytes(data, path.name).findings) == ()


def test_an_lpar_that_is_off_has_the_sizes_of_its_profile(tmp_path: Path) -> None:
    book = deepcopy(BOOK)
    book["System_Summary"][2:] = [["p10-west", "Operating", "9999-99X", "78A1B2C", 3, "PowerPC_POWER10", 24, 16, *[0] * 6,
                                   2, 64, 64, 0, 2, 1, 1, 30, "hmc1", *[None] * 3, "01ML1060", 67, 67, "None"]]
    book["LPAR_Summary"] += [[name, number, "Running", "vioserver", "VIOS 4.1.1.10", *["false"] * 2, None, "active",
                              "normal", "normal", *["false"] * 5, "N/A", "false", *EAST]
                             for name, number in (("vios1", 1), ("vios2", 2))]
    for name, current in (("calm", "night"), ("mute", None)):
        book["LPAR_Summary"].append([name, 8 + len(name + str(current)), "Not Activated", "aixlinux", "Unknown", "true",
                                     "POWER10", None, "inactive", "day", current, *["false"] * 5, "N/A", "true", *WEST])
        book["LPAR_CPU"].append([name, "off", "shared", *[0.0] * 9, "uncap", "DefaultPool", None, None, "Off", *WEST])
        book["LPAR_MEM"].append([name, "ded", *[0.0] * 4, *[None] * 10, *WEST])
    for profile, gb in (("day", 2), ("night", 3)):
        book["LPAR_Profiles"].append(["calm", profile, "true", 8, "aixlinux", "false", 1, gb, 4, 0, 0, 0, "ded", None, "1:128",
                                      "shared", 0.2, 0.2, 1, 1, 1, 1, "cap", 128, 0, "DefaultPool", "none", "norm", "1", "0",
                                      None, "default", "null", *WEST])
    (tmp_path / "scan.xlsx").write_bytes(_xlsx(book))
    loaded = load([tmp_path])
    assert not errors(loaded.findings)
    calm, mute = (next(p for p in loaded.estate.lpars if p.name == name) for name in ("calm", "mute"))
    assert (calm.entitlement_units, calm.virtual_processors, calm.memory_mib, calm.max_memory_mib, calm.hpt_ratio,
            calm.sharing) == (20, 1, 3072, 4096, 128, "capped")
    assert (mute.entitlement_units, mute.memory_mib) == (0, 0)
    assert any(f.subject == "mute" and "has no Entitlement" in f.message for f in loaded.findings)
    west = next(s for s in loaded.estate.servers if s.name == "p10-west")
    assert (west.firmware, west.generation) == ("ML1060_067", "POWER10")
