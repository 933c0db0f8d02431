"""Builds the sample estates: ``data/js22`` and ``data/landscape`` from the tables below, ``data/modern`` of its own.

    python data/build_samples.py [DIRECTORY]      (default: the directory of this file)

The same tables give the same files. Which figures are read from the seed talk's screens and which are assumed is
listed in data/README.md; here ``SEEN`` marks the tables of rows that a screen shows, ``INVENTED`` the others.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from planner.estate.assemble import Loaded
from planner.estate.model import (
    Bridge,
    Disk,
    Estate,
    Lpar,
    Network,
    Parameter,
    Policy,
    ProcessorPool,
    Server,
    Vios,
    Zoning,
    sorted_estate,
)
from planner.estate.workbook import workbook_bytes
from planner.formats.values import units_from_cores
from planner.units import MIB_PER_GIB, show_cores

# ---- lparstat -i ----------------------------------------------------------------------------------------------------

#: The keys in the order of AIX 7.1; (key, number of lines of the generations that print it).
KEYS: tuple[tuple[str, str], ...] = tuple((key, generations) for generations, keys in (
    ("24 31 43 44", (
        "Node Name", "Partition Name", "Partition Number", "Type", "Mode", "Entitled Capacity", "Partition Group-ID",
        "Shared Pool ID", "Online Virtual CPUs", "Maximum Virtual CPUs", "Minimum Virtual CPUs", "Online Memory",
        "Maximum Memory", "Minimum Memory", "Variable Capacity Weight", "Minimum Capacity", "Maximum Capacity",
        "Capacity Increment", "Maximum Physical CPUs in system", "Active Physical CPUs in system",
        "Active CPUs in Pool")),
    ("31 43 44", ("Shared Physical CPUs in system", "Maximum Capacity of Pool", "Entitled Capacity of Pool")),
    ("24 31 43 44", ("Unallocated Capacity", "Physical CPU Percentage", "Unallocated Weight")),
    ("43 44", (
        "Memory Mode", "Total I/O Memory Entitlement", "Variable Memory Capacity Weight", "Memory Pool ID",
        "Physical Memory in the Pool", "Hypervisor Page Size", "Unallocated Variable Memory Capacity Weight",
        "Unallocated I/O Memory entitlement", "Memory Group ID of LPAR")),
    ("31 43 44", ("Desired Virtual CPUs", "Desired Memory", "Desired Variable Capacity Weight", "Desired Capacity")),
    ("43 44", ("Target Memory Expansion Factor", "Target Memory Expansion Size", "Power Saving Mode")),
    ("44", ("Sub Processor Mode",)),
) for key in keys)


class System(NamedTuple):
    """What ``lparstat -i`` says of the server around an LPAR. Cores; ``entitled`` in hundredths."""

    installed: int
    active: int
    entitled: int


def generation(os_level: str) -> str:
    """How many lines ``lparstat -i`` has at an AIX or VIOS level."""
    if os_level.startswith("5.3"):
        return "24" if os_level.startswith("5.3 TL8") else "31"
    return "44" if os_level.startswith("7") else "43"


def _partition_values(p: Lpar) -> dict[str, str]:
    return {
        "Node Name": p.name, "Partition Name": p.name, "Partition Number": str(p.lpar_id),
        "Type": "Shared-SMT", "Mode": p.sharing.capitalize(),
        "Entitled Capacity": show_cores(p.entitlement_units), "Partition Group-ID": str(32768 + (p.lpar_id or 0)),
        "Shared Pool ID": str(p.pool_id), "Online Virtual CPUs": str(p.virtual_processors),
        "Maximum Virtual CPUs": str(p.max_virtual_processors), "Minimum Virtual CPUs": "1",
        "Online Memory": f"{p.memory_mib} MB", "Maximum Memory": f"{p.max_memory_mib} MB",
        "Minimum Memory": f"{max(512, p.memory_mib // 4)} MB",
        "Variable Capacity Weight": str(p.weight), "Minimum Capacity": "0.10",
        "Maximum Capacity": show_cores(100 * (p.max_virtual_processors or 1)), "Capacity Increment": "0.01",
        "Desired Virtual CPUs": str(p.virtual_processors), "Desired Memory": f"{p.memory_mib} MB",
        "Desired Variable Capacity Weight": str(p.weight),
        "Desired Capacity": show_cores(p.entitlement_units), "Memory Mode": "Dedicated",
    }


def _system_values(p: Lpar, system: System) -> dict[str, str]:
    percentage = 10000 * p.entitlement_units // (100 * p.virtual_processors)
    return {
        "Maximum Physical CPUs in system": str(system.installed), "Active Physical CPUs in system": str(system.active),
        "Active CPUs in Pool": str(system.active), "Shared Physical CPUs in system": str(system.active),
        "Maximum Capacity of Pool": str(100 * system.active), "Entitled Capacity of Pool": str(system.entitled),
        "Unallocated Capacity": "0.00", "Physical CPU Percentage": f"{show_cores(percentage)}%",
        "Unallocated Weight": "0", "Power Saving Mode": "Disabled",
    }


def lparstat(p: Lpar, system: System, *, comma: bool = False, padded: bool = True) -> str:
    """The output of ``lparstat -i`` on an LPAR, in the generation of its level. ``comma``: a locale with 0,20."""
    values = _partition_values(p) | _system_values(p, system)
    lines = []
    for key, generations in KEYS:
        if generation(p.os_level) in generations.split():
            value = values.get(key, "-")
            if comma and value.rstrip("%").replace(".", "").isdigit():
                value = value.replace(".", ",")
            lines.append(f"{key:<43}: {value}" if padded else f"{key} : {value}")
    return "\n".join(lines) + "\n"


def _as_lpar(vios: Vios) -> Lpar:
    """A VIOS as ``lparstat -i`` shows it: like any partition."""
    return Lpar(vios.name, vios.server, vios.entitlement_units, vios.virtual_processors or 1, vios.memory_mib,
                vios.max_memory_mib or vios.memory_mib, vios.lpar_id, os_level="6.1 TL2", sharing=vios.sharing,
                max_virtual_processors=2 * (vios.virtual_processors or 1), weight=255, pool_id=0)


# ---- the JS22 blades ------------------------------------------------------------------------------------------------

BLADE_13, BLADE_14 = "Server-7998-61X-SN10071DA", "Server-7998-61X-SN10071FA"
#: SEEN: PVIDs of hdisk1, hdisk2 and hdisk3, the same on both VIOSes.
JS22_LUNS = ("000071fabe8efb25", "000071fabe8f0837", "000071dadd6c7a7d")


def _blade(name: str, console: str, slot: int) -> Server:
    return Server(name, 400, 16 * MIB_PER_GIB, "7998-61X", name[-7:], "POWER6", console, firmware_memory_mib=352,
                  lmb_mib=64, firmware="EA350_038", enterprise=True, max_migrations=4,
                  note=f"JS22 in slot {slot} of the BladeCenter H chassis")


def _blade_vios(name: str, server: str) -> Vios:
    return Vios(name, server, 40, 2048, 1, "2.1.0.10-FP-20.1", True, True, 4, "uncapped", 2048, 1000,
                max_virtual_slots=64,
                note="VIOS and IVM of the blade; boots from the internal disk")


BXAIX85 = Lpar(
    "bxaix85", BLADE_13, 20, 2, 4096, 4096, 3, "AIX", "6.1 TL2 SP2", "non-production", "running", True, "shared",
    "uncapped", 4, 128, 0, current_mode="POWER6", preferred_mode="default",
    software=("SAP R/3 4.7", "Oracle 10.2.0.4", "NIM client"), busy_units=98,
    note="busy: physc of topas during SGEN, while it was moved")


def js22() -> Estate:
    """The two blades, as their IVMs and VIOSes show them."""
    vioses = (_blade_vios("bvio82", BLADE_13), _blade_vios("bvio83", BLADE_14))
    return sorted_estate(Estate(
        servers=(_blade(BLADE_13, "bvio82", 13), _blade(BLADE_14, "bvio83", 14)),
        pools=tuple(ProcessorPool(s, 0, "DefaultPool", 400) for s in (BLADE_13, BLADE_14)),
        vioses=vioses, lpars=(BXAIX85,),
        bridges=tuple(Bridge(v.name, "ent6", 1, note="over the Logical Host Ethernet port ent0") for v in vioses),
        networks=(Network("bxaix85", 2, 1),),
        disks=tuple(Disk("bxaix85", 3, lun, "bvio82", vtd=f"vtscsi{n}") for n, lun in enumerate(JS22_LUNS)),
        zonings=tuple(Zoning(lun, v.name, f"hdisk{n}", "no_reserve", "DS8100")
                      for n, lun in enumerate(JS22_LUNS, 1) for v in vioses),
        policies=(Policy("console-link", "bvio82", "bvio83", note="an IVM migrates to the other blade's IVM"),),
    ))


# ---- the 595-2 and the 570s -----------------------------------------------------------------------------------------

P595_2, P570_1, P570_2 = "SN8379A80_p595-2", "SN1001C70_p570-1", "SN1001C92_p570-2"
PROD, TEST = "production", "non-production"
OLD, NEW, TL8, PILOT = "5.3 TL9 SP2", "6.1 TL2 SP3", "5.3 TL8 SP4", "7.1 TL3 SP1"
ORACLE = "Oracle 10.2.0.4"


class Row(NamedTuple):
    """A client partition. ``cores`` as the HMC prints processing units; ``disks`` is its number of LUNs."""

    name: str
    id: int
    cores: str
    gib: int
    vps: int
    environment: str
    level: str
    disks: int
    software: str = ""


#: SEEN: name, id, processing units and memory of the 595-2 (second capture; hxaix41adm's id 15 is assumed).
SEEN_595_2 = (
    Row("hxaix09adm", 4, "2", 100, 6, PROD, NEW, 12, f"SAP ECC 6.0; {ORACLE}"),
    Row("hxaix11adm", 5, "1.7", 13, 4, PROD, NEW, 6, f"SAP BI 7.0; {ORACLE}"),
    Row("hxaix13", 6, "0.2", 2, 2, TEST, OLD, 2),
    Row("hxaix22", 7, "0.2", 2, 2, TEST, OLD, 2),
    Row("hxaix23", 8, "0.2", 8, 2, PROD, OLD, 3, f"SAP XI 3.0; {ORACLE}"),
    Row("hxaix24", 9, "0.2", 8, 2, PROD, OLD, 3, f"SAP EP 7.0; {ORACLE}"),
    Row("hxaix26", 16, "0.2", 2, 1, TEST, OLD, 10),
    Row("hxaix33", 17, "0.2", 8, 2, PROD, NEW, 4, "PowerHA 5.4.1"),
    Row("hxaix34", 18, "0.2", 8, 2, PROD, NEW, 2, "SAP ECC 6.0"),
    Row("hxaix35", 19, "0.2", 8, 2, PROD, NEW, 2, "SAP ECC 6.0"),
    Row("hxaix36", 20, "0.2", 8, 2, PROD, NEW, 2, "SAP ECC 6.0"),
    Row("hxaix41adm", 15, "0.2", 1, 1, TEST, OLD, 2),
    Row("hxaix43adm", 12, "0.1", 1, 1, TEST, OLD, 2),
    Row("hxaix45adm", 13, "0.1", 1, 1, TEST, OLD, 2),
    Row("hxaix47", 23, "0.2", 6, 2, TEST, OLD, 3, "SAP R/3 4.7; Oracle 10.2.0.2"),
    Row("hxaix48", 24, "0.2", 1, 1, TEST, OLD, 2),
    Row("hxaix51", 21, "0.6", 48, 3, PROD, NEW, 8, f"SAP BI 7.0; {ORACLE}"),
    Row("hxaix52", 14, "0.3", 32, 3, PROD, NEW, 6, f"SAP CRM 5.0; {ORACLE}"),
    Row("hxaix97", 22, "0.1", 1, 1, TEST, TL8, 1),
)
#: SEEN: name, id, processing units and memory of the 570-1.
SEEN_570_1 = (
    Row("hxaix01", 4, "0.5", 5, 2, PROD, OLD, 2, "WebSphere 6.1"),
    Row("hxaix02", 5, "0.5", 7, 2, PROD, OLD, 2, "WebSphere 6.1"),
    Row("hxaix04", 7, "0.5", 9, 2, PROD, OLD, 3, f"SAP SRM 5.0; {ORACLE}"),
    Row("hxaix06", 10, "0.5", 7, 2, PROD, OLD, 2, "SAP SRM 5.0"),
    Row("hxaix07", 11, "0.5", 7, 2, PROD, OLD, 2, "SAP SRM 5.0"),
    Row("hxaix14", 12, "0.5", 27, 2, TEST, OLD, 5, f"SAP ECC 6.0; {ORACLE}"),
    Row("hxaix15", 13, "0.5", 8, 2, PROD, OLD, 2),
    Row("hxaix17", 14, "2", 6, 4, PROD, NEW, 2, "WebSphere MQ 6.0"),
    Row("hxaix18", 15, "0.4", 1, 2, TEST, TL8, 1),
    Row("hxaix19", 16, "0.3", 6, 2, PROD, OLD, 2),
    Row("hxaix20", 17, "0.5", 1, 2, TEST, TL8, 1),
    Row("hxaix25", 19, "0.2", 6, 2, PROD, OLD, 2),
    Row("hxaix27", 21, "0.2", 8, 2, TEST, OLD, 2),
    Row("hxaix28", 18, "0.3", 7, 2, TEST, OLD, 2),
    Row("hxaix29", 22, "0.2", 7, 2, TEST, OLD, 2),
    Row("hxaix30", 23, "0.2", 7, 2, TEST, OLD, 2),
    Row("hxaix31", 24, "0.2", 7, 2, TEST, OLD, 2),
    Row("hxaix32", 8, "0.2", 8, 2, PROD, NEW, 2, "SAP BI 7.0"),
    Row("hxaix46", 6, "0.2", 7, 2, PROD, NEW, 2, "SAP BI 7.0"),
    Row("hxaix50", 25, "0.6", 30, 3, PROD, NEW, 6, f"SAP BI 7.0; {ORACLE}"),
)
#: INVENTED: the rows of the 570-1 below the edge of the screen (27 in all, 22 shown).
INVENTED_570_1 = (
    Row("hxaix53", 26, "0.2", 4, 1, TEST, OLD, 1),
    Row("hxaix54", 27, "0.5", 16, 2, PROD, NEW, 4, "Oracle RAC 10.2.0.4"),
    Row("hxaix55", 28, "0.3", 8, 1, TEST, OLD, 2, "Legato storage node"),
    Row("hxaix56", 29, "0.2", 4, 2, TEST, NEW, 2),
)
#: INVENTED: all of the 570-2. hxaix42 and hxnim2 are named in the talk, without a place or a size.
INVENTED_570_2 = (
    Row("hxaix03", 41, "0.3", 8, 2, PROD, OLD, 2, "WebSphere 6.1"),
    Row("hxaix05", 42, "0.3", 8, 2, PROD, OLD, 2, "WebSphere 6.1"),
    Row("hxaix08", 43, "0.3", 6, 2, PROD, OLD, 2),
    Row("hxaix10", 44, "0.2", 4, 2, TEST, OLD, 2),
    Row("hxaix12", 45, "0.3", 6, 2, PROD, OLD, 2),
    Row("hxaix16", 46, "0.1", 4, 1, TEST, OLD, 2),
    Row("hxaix21", 47, "0.1", 4, 1, TEST, TL8, 2),
    Row("hxaix37", 48, "0.2", 8, 2, PROD, NEW, 4, "PowerHA 5.4.1"),
    Row("hxaix38", 49, "0.3", 8, 2, PROD, NEW, 2, "SAP CRM 5.0"),
    Row("hxaix39", 50, "0.3", 8, 2, PROD, NEW, 2, "SAP CRM 5.0"),
    Row("hxaix40", 51, "1", 4, 2, PROD, NEW, 2, "WebSphere MQ 6.0"),
    Row("hxaix42", 52, "0.3", 12, 2, PROD, NEW, 4, f"SAP NetWeaver 7.0; {ORACLE}"),
    Row("hxaix44", 53, "0.2", 6, 2, PROD, NEW, 2, "SAP NetWeaver 7.0"),
    Row("hxaix49", 54, "0.1", 4, 1, TEST, OLD, 2),
    Row("hxaix57", 55, "0.5", 16, 2, PROD, NEW, 4, "Oracle RAC 10.2.0.4"),
    Row("hxaix58", 56, "0.2", 4, 2, TEST, NEW, 2),
    Row("hxaix59", 57, "0.2", 4, 2, TEST, NEW, 2),
    Row("hxaix60", 58, "0.2", 4, 2, TEST, NEW, 2),
    Row("hxaix61", 59, "0.2", 2, 2, TEST, NEW, 2),
    Row("hxaix62", 60, "0.1", 2, 1, TEST, NEW, 1),
    Row("hxaix63", 61, "0.1", 2, 1, TEST, NEW, 1),
    Row("hxaix64", 62, "0.1", 2, 1, TEST, NEW, 1),
    Row("hxaix65", 63, "0.1", 2, 1, TEST, NEW, 1),
    Row("hxaix66", 64, "0.1", 2, 1, TEST, OLD, 1),
    Row("hxaix67", 65, "0.1", 1, 1, TEST, PILOT, 1),
    Row("hxaix68", 66, "0.1", 1, 1, TEST, PILOT, 1),
    Row("hxaix69", 67, "0.2", 4, 1, TEST, OLD, 2),
    Row("hxaix70", 68, "0.2", 4, 2, TEST, OLD, 2),
    Row("hxlnx01", 69, "0.1", 2, 1, TEST, "RHEL 5.3", 1),
    Row("hxnim2", 70, "0.2", 4, 2, TEST, NEW, 3, "NIM master"),
)
CLIENTS = ((P595_2, SEEN_595_2), (P570_1, SEEN_570_1 + INVENTED_570_1), (P570_2, INVENTED_570_2))

#: INVENTED: what makes single LPARs instructive.
NOT_ACTIVATED, NO_RMC, LINUX = "hxaix69", "hxaix70", "hxlnx01"
LV_BACKED, PHYSICAL = "hxaix53", "hxaix55"
CAPPED = ("hxaix43adm", "hxaix45adm", "hxaix97", "hxaix62")
BUSY = {"hxaix09adm": 85, "hxaix11adm": 90, "hxaix26": 5, "hxaix51": 70, "hxaix14": 25}
ZONED_ONLY = {"hxaix09adm": P570_1, "hxaix52": P570_2}
ON_VLAN_10 = ("hxaix13", "hxaix22", "hxaix23", "hxaix24", "hxaix26", "hxaix33", "hxaix34", "hxaix35", "hxaix36")
#: lparstat -i variants, and the LPARs whose size only lparstat -i states.
DECIMAL_COMMA, UNPADDED = "hxaix65", "hxaix66"
SIZE_ONLY_IN_LPARSTAT = ("hxaix58", "hxaix59", "hxaix60", "hxaix61", "hxaix63", "hxaix64")
NOTES = {
    "hxaix09adm": "LUNs zoned to the 595-2 and the 570-1 alone",
    "hxaix14": "sandbox copy of production: may step aside",
    "hxaix41adm": "the screens show id 41 and, in the second capture, 20, which hxaix36 has: 15 is assumed",
    "hxaix52": "LUNs zoned to the 595-2 and the 570-2 alone",
    "hxaix53": "data disk is still a logical volume of hvio1",
    "hxaix55": "owns the adapter of the tape library",
    "hxaix69": "kept as a template",
    "hxaix70": "RMC broken since it was cloned",
}
SYSTEMS = {P595_2: (32, 25), P570_1: (32, 20), P570_2: (16, 12)}
#: The VIOSes that serve clients: (first, second) of each server; slots +22 and +32 of the partition id.
PAIRS = {P595_2: ("hvio7", "hvio8"), P570_1: ("hvio1", "hvio2"), P570_2: ("hvio3", "hvio4")}


def _server(name: str, model: str, cores: int, gib: int, firmware_gib: int, level: str) -> Server:
    return Server(name, 100 * cores, gib * MIB_PER_GIB, model, name[2:9], "POWER6", "hhmc01",
                  firmware_memory_mib=firmware_gib * MIB_PER_GIB, lmb_mib=256, firmware=level, enterprise=True,
                  max_migrations=4, console_level="V7R7.9.0")


SERVERS = (
    _server(P595_2, "9119-FHA", 25, 384, 8, "EH350_071"),
    _server(P570_1, "9117-MMA", 20, 320, 4, "EM350_071"),
    _server(P570_2, "9117-MMA", 12, 384, 4, "EM350_071"),
)


def _vios(name: str, server: str, number: int, gib: int, mover: bool = True, note: str = "") -> Vios:
    return Vios(name, server, 50, gib * MIB_PER_GIB, number, "2.1.0.10-FP-20.1", True, mover, 2, "uncapped",
                gib * MIB_PER_GIB, 1000, max_virtual_slots=500, note=note)


VIOSES = (
    _vios("hvio6", P595_2, 3, 2, False, "first VIOS of the 595-2: VLAN 10 only, no client disks"),
    _vios("hvio7", P595_2, 10, 2),
    _vios("hvio8", P595_2, 11, 2),
    _vios("hvio1", P570_1, 1, 4),
    _vios("hvio2", P570_1, 2, 4),
    _vios("hvio3", P570_2, 31, 4),
    _vios("hvio4", P570_2, 32, 4),
)
VIOS_LPARSTAT = ("hvio7", "hvio8")

POLICIES = (
    Policy("ignorable-vlan", "10", note="the talk: ignore the message on vlan 10; other messages are investigated"),
    Policy("production-stays", active=False,
           note="the talk's rule while support for production was not announced; it has been since. Active = yes "
                "gives the rule back: then the 595-2 cannot be emptied"),
    Policy("cluster", "hxcl01", "hxaix33; hxaix37", note="PowerHA nodes"),
    Policy("cluster", "RAC", "hxaix54; hxaix57", note="Oracle RAC nodes"),
    Policy("keep-apart", "ECC dialog instances", "hxaix34; hxaix35", note="one server may fail without the other"),
    Policy("pin", "hxaix50", P570_1, note="licensed by the server"),
    Policy("priority", "hxaix11adm", "1", note="first in the window, so that its month-end load starts on time"),
    Policy("memory-ceiling", P570_2, "95", note="room for dynamic memory at month end"),
    Policy("blackout", "hxaix42", "daily 01:00/03:00", note="online backup"),
)
PARAMETERS = (Parameter("overhead_s", 120, "moves by an HMC with dual VIOS: 120 to 300 s are suggested; DRMGR alone "
                                           "took 72 s for hxaix26"),)
#: Maximum memory: the next of these sizes above the current one (GiB).
SIZES = (2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128)


def _software(row: Row) -> tuple[str, ...]:
    stated = tuple(s for s in row.software.split("; ") if s)
    return (*stated, "NIM client") if row.name not in (LINUX, "hxnim2") else stated


def _lpar(row: Row, server: str) -> Lpar:
    sharing = "capped" if row.name in CAPPED else "uncapped"
    weight = 0 if sharing == "capped" else 192 if row.environment == PROD else 128
    return Lpar(
        row.name, server, units_from_cores(row.cores), row.vps, row.gib * MIB_PER_GIB,
        next(s for s in SIZES if s > row.gib) * MIB_PER_GIB, row.id, "Linux" if row.name == LINUX else "AIX", row.level,
        row.environment, "not activated" if row.name == NOT_ACTIVATED else "running",
        row.name not in (NOT_ACTIVATED, NO_RMC), "shared", sharing, 2 * row.vps, weight, 0,
        current_mode="POWER6", preferred_mode="default",
        physical_adapters=("U789D.001.DQDMLX3-P1-C4",) if row.name == PHYSICAL else (), software=_software(row),
        busy_units=BUSY.get(row.name), note=NOTES.get(row.name, ""))


def clients() -> tuple[Lpar, ...]:
    """Every client partition with all its facts."""
    return tuple(_lpar(row, server) for server, rows in CLIENTS for row in rows)


def lun_id(lpar: str, number: int) -> str:
    """INVENTED: 16 hexadecimal digits in the manner of a PVID."""
    return f"00c79a80{zlib.crc32(f'{lpar}/{number}'.encode()):08x}"


def _bridges() -> Iterator[Bridge]:
    for first, second in PAIRS.values():
        yield Bridge(first, "ent6", 40)
        yield Bridge(first, "ent6", 41)
        yield Bridge(second, "ent6", 42)
    yield Bridge("hvio6", "ent6", 10, note="not bridged on the 570s: policy ignorable-vlan")


def _networks(row: Row) -> Iterator[Network]:
    yield Network(row.name, 2, 40)
    yield Network(row.name, 3, 41)
    if row.software or row.name in ON_VLAN_10:
        yield Network(row.name, 4, 42)
    if row.name in ON_VLAN_10:
        yield Network(row.name, 5, 10)


def _disks(row: Row, server: str) -> Iterator[Disk]:
    for number in range(row.disks):
        for vios, offset in zip(PAIRS[server], (22, 32), strict=True):
            yield Disk(row.name, row.id + offset, lun_id(row.name, number), vios)
    if row.name == LV_BACKED:
        yield Disk(row.name, row.id + 22, "hxaix53_data_lv", PAIRS[server][0], "lv", "v53data")


def _zonings() -> Iterator[Zoning]:
    seen = {vios: 1 for pair in PAIRS.values() for vios in pair}
    for server, rows in CLIENTS:
        for row in rows:
            only = ZONED_ONLY.get(row.name)
            where = [v for s in PAIRS if only is None or s in (only, server) for v in PAIRS[s]]
            for number in range(row.disks):
                for vios in where:
                    seen[vios] += 1
                    yield Zoning(lun_id(row.name, number), vios, f"hdisk{seen[vios]}", "no_reserve")


def landscape() -> Estate:
    """The 595-2, the 570-1 and the 570-2 with every fact that the sample's files state together."""
    rows = [(row, server) for server, table in CLIENTS for row in table]
    return sorted_estate(Estate(
        servers=SERVERS,
        pools=tuple(ProcessorPool(s.name, 0, "DefaultPool", s.configurable_units) for s in SERVERS),
        vioses=VIOSES, lpars=clients(), bridges=tuple(_bridges()),
        networks=tuple(n for row, _ in rows for n in _networks(row)),
        disks=tuple(d for row, server in rows for d in _disks(row, server)),
        zonings=tuple(_zonings()), policies=POLICIES, parameters=PARAMETERS,
    ))


# ---- files ----------------------------------------------------------------------------------------------------------


def _has_lparstat(p: Lpar) -> bool:
    return p.name not in (NOT_ACTIVATED, NO_RMC, LINUX)


def _without_lparstat_facts(p: Lpar) -> Lpar:
    """What a person typed into the workbook: the rest is left to ``lparstat -i``. None leaves a cell empty."""
    if not _has_lparstat(p):
        return p
    left_out: dict[str, Any] = dict.fromkeys(("max_virtual_processors", "weight", "pool_id"))
    if p.name in SIZE_ONLY_IN_LPARSTAT:
        left_out |= dict.fromkeys(("lpar_id", "entitlement_units", "virtual_processors", "memory_mib",
                                   "max_memory_mib"))
    return replace(p, state="", sharing="", **left_out)


def _entitled(estate: Estate, server: str) -> int:
    """Hundredths of a core entitled on a server."""
    return sum(v.entitlement_units for v in estate.vioses if v.server == server) + sum(
        p.entitlement_units for p in estate.lpars if p.server == server and p.active)


def _lparstats(estate: Estate, partitions: Iterable[Lpar], systems: dict[str, tuple[int, int]]) -> dict[str, bytes]:
    out = {}
    for p in partitions:
        system = System(*systems[p.server], _entitled(estate, p.server))
        text = lparstat(p, system, comma=p.name == DECIMAL_COMMA, padded=p.name != UNPADDED)
        out[f"lparstat/{p.name}.txt"] = text.encode()
    return out


def _js22_files() -> dict[str, bytes]:
    estate = js22()
    typed = estate.replace(lpars=(_without_lparstat_facts(BXAIX85),))
    return {"js22.xlsx": workbook_bytes(Loaded(typed)), **_lparstats(estate, [BXAIX85], {BLADE_13: (4, 4)})}


def _landscape_files() -> dict[str, bytes]:
    estate = landscape()
    typed = estate.replace(lpars=tuple(_without_lparstat_facts(p) for p in estate.lpars))
    shown = [p for p in estate.lpars if _has_lparstat(p)]
    shown += [_as_lpar(v) for v in estate.vioses if v.name in VIOS_LPARSTAT]
    return {"landscape.xlsx": workbook_bytes(Loaded(typed)), **_lparstats(estate, shown, SYSTEMS)}


PRODUCTION_STAYS = """\
# The talk's rule: an LPAR that is moved must be a non-production system.
#
#   planner evacuate data/landscape SN8379A80_p595-2 --policy data/landscape-production-stays.toml    (exit code 3)

[[policy]]
kind = "production-stays"
note = "the talk, before support for production was announced"
"""


def files() -> dict[str, bytes]:
    """Every file that this script writes, by its name under ``data``."""
    out = {f"js22/{name}": data for name, data in _js22_files().items()}
    out |= {f"landscape/{name}": data for name, data in _landscape_files().items()}
    out["landscape-production-stays.toml"] = PRODUCTION_STAYS.encode()
    return out


def main(directory: Path) -> None:
    """Write the files of all three estates; nothing else in the directory is touched."""
    from build_modern import files as modern

    for name, data in sorted({**files(), **modern()}.items()):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
