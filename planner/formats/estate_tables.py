"""The shape of the estate workbook: its sheets, their headers, the unit and meaning of each column.

One description serves reading, writing, drop-downs, cell comments, the saved estate's field names and the docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """What a cell holds. Inside the program: cores are hundredths, GiB are MiB."""

    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    CORES = "cores"
    GIB = "GiB"
    YES_NO = "yes/no"
    LIST = "list, separated by ;"
    INTEGERS = "whole numbers, separated by ;"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header, the field that it fills, what it holds, and what a person should know."""

    header: str
    field: str
    type: Type = Type.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    comment: str = ""
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet. ``key`` names the fields that identify a row; ``mandatory`` sheets must be in every workbook."""

    sheet: str
    kind: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    mandatory: bool = True
    comment: str = ""


T = Type
_MODES = (
    "default", "POWER6", "POWER6+", "POWER6 enhanced", "POWER6+ enhanced", "POWER7", "POWER8", "POWER9_base",
    "POWER9", "POWER10", "POWER11",
)
POLICY_KINDS = (
    "production-stays", "pin", "fence", "keep-apart", "keep-together", "cluster", "blackout", "priority",
    "cpu-ceiling", "memory-ceiling", "reserve-cores", "reserve-memory", "concurrency", "console-link", "site-link",
    "ignorable-vlan", "minimum-software", "refused-software", "redundancy", "target-pool",
)

SERVERS = Table("Servers", "servers", ("name",), (
    Column("Server", "name", required=True, comment="Managed system name as the HMC shows it."),
    Column("Type-model", "model", comment="For example 9119-FHA; gives the processor generation when that is empty."),
    Column("Serial", "serial"),
    Column("Generation", "generation", choices=(
        "POWER6", "POWER6+", "POWER7", "POWER7+", "POWER8", "POWER9", "POWER10", "POWER11")),
    Column("Console", "console", comment="HMC or IVM that manages it. Other consoles: policy console-link."),
    Column("Site", "site", comment="Moves between sites need the policy site-link."),
    Column("Configurable (cores)", "configurable_units", T.CORES, True, minimum=0,
           comment="lshwres -r proc --level sys: configurable_sys_proc_units."),
    Column("Configurable memory (GiB)", "configurable_memory_mib", T.GIB, True, minimum=0,
           comment="lshwres -r mem --level sys: configurable_sys_mem / 1024."),
    Column("Firmware memory (GiB)", "firmware_memory_mib", T.GIB, minimum=0,
           comment="Memory that the hypervisor holds WITHOUT the hash page tables of the partitions."),
    Column("LMB (MiB)", "lmb_mib", T.INTEGER, minimum=1,
           comment="Logical memory block (mem_region_size). Must be equal on both servers."),
    Column("Firmware", "firmware", comment="Activated level, for example EM350_085, 01AM780_054, FW860.10."),
    Column("PowerVM Enterprise", "enterprise", T.YES_NO),
    Column("Processor modes", "modes", T.LIST, comment="Only when they differ from the generation's own."),
    Column("Minimum per VP (cores)", "min_units_per_vp", T.CORES, minimum=0,
           comment="0.10 up to POWER7, 0.05 from POWER7+. Empty: by generation."),
    Column("Max migrations", "max_migrations", T.INTEGER, minimum=0,
           comment="Concurrent active migrations supported (lslparmigr -r sys). Empty: 4, which every level supports."),
    Column("DPO running", "dpo_running", T.YES_NO, comment="Dynamic Platform Optimizer at work: no inbound moves."),
    Column("Shared memory pool (GiB)", "shared_memory_pool_mib", T.GIB, minimum=0,
           comment="Active Memory Sharing pool. Empty: none."),
    Column("Idle (W)", "idle_watts", T.INTEGER, minimum=0, maximum=200_000,
           comment="Watts while it is on and does nothing. Empty: assumed from the catalogue, and said so."),
    Column("Maximum (W)", "max_watts", T.INTEGER, minimum=0, maximum=200_000,
           comment="Watts at full load, measured or of the data sheet. Empty: assumed from the catalogue."),
    Column("Note", "note"),
))
POOLS = Table("Pools", "pools", ("server", "pool_id"), (
    Column("Server", "server", required=True),
    Column("Pool id", "pool_id", T.INTEGER, True, minimum=0, maximum=63),
    Column("Pool name", "name"),
    Column("Maximum (cores)", "max_units", T.CORES, minimum=0, comment="Empty: no limit but the server's."),
    Column("Reserved (cores)", "reserved_units", T.CORES, minimum=0),
    Column("Note", "note"),
))
VIOS = Table("VIOS", "vioses", ("name",), (
    Column("VIOS", "name", required=True),
    Column("Server", "server", required=True),
    Column("Id", "lpar_id", T.INTEGER, minimum=1),
    Column("Level", "level", comment="ioslevel, for example 2.1.0.10."),
    Column("RMC active", "rmc_active", T.YES_NO),
    Column("Mover (MSP)", "msp", T.YES_NO, comment="Mover service partition."),
    Column("Entitlement (cores)", "entitlement_units", T.CORES, True, minimum=0),
    Column("Virtual processors", "virtual_processors", T.INTEGER, minimum=0),
    Column("Sharing", "sharing", choices=("capped", "uncapped", "dedicated")),
    Column("Memory (GiB)", "memory_mib", T.GIB, True, minimum=0),
    Column("Max memory (GiB)", "max_memory_mib", T.GIB, minimum=0,
           comment="Empty: as Memory. Sizes its hash page table."),
    Column("Mover link (Mbit/s)", "link_mbit", T.INTEGER, minimum=1, comment="Empty: 1000 is assumed, and said so."),
    Column("Max migrations", "max_migrations", T.INTEGER, minimum=0, comment="Empty: 4, which every level supports."),
    Column("Paging devices (GiB)", "paging_devices_mib", T.LIST, comment="Sizes of free AMS paging devices."),
    Column("Note", "note"),
))
LPARS = Table("LPARs", "lpars", ("name",), (
    Column("LPAR", "name", required=True),
    Column("Server", "server", required=True),
    Column("Id", "lpar_id", T.INTEGER, minimum=1),
    Column("OS", "os", choices=("AIX", "Linux", "IBM i")),
    Column("OS level", "os_level", comment="For example 6.1 TL2 SP3, 7.1 TR4."),
    Column("Environment", "environment", choices=("production", "non-production")),
    Column("State", "state", comment="running, not activated, or as the console says. Empty: unknown."),
    Column("RMC active", "rmc_active", T.YES_NO),
    Column("Processors", "processors", choices=("shared", "dedicated")),
    Column("Sharing", "sharing", choices=("capped", "uncapped", "donating")),
    Column("Entitlement (cores)", "entitlement_units", T.CORES, True, minimum=0,
           comment="Dedicated: the number of cores."),
    Column("Virtual processors", "virtual_processors", T.INTEGER, True, minimum=0),
    Column("Max virtual processors", "max_virtual_processors", T.INTEGER, minimum=0),
    Column("Weight", "weight", T.INTEGER, minimum=0, maximum=255),
    Column("Pool id", "pool_id", T.INTEGER, minimum=0, maximum=63),
    Column("Memory (GiB)", "memory_mib", T.GIB, True, minimum=0),
    Column("Max memory (GiB)", "max_memory_mib", T.GIB, True, minimum=0, comment="Sizes the hash page table."),
    Column("HPT ratio (1:n)", "hpt_ratio", T.INTEGER, minimum=1, comment="Empty: 64."),
    Column("Memory mode", "memory_mode", choices=("dedicated", "shared")),
    Column("Current mode", "current_mode", choices=_MODES[1:], comment="Processor compatibility mode now."),
    Column("Preferred mode", "preferred_mode", choices=_MODES),
    Column("Physical adapters", "physical_adapters", T.LIST, comment="Required or assigned physical I/O, by location."),
    Column("LHEA", "lhea", T.YES_NO, comment="Logical Host Ethernet ports assigned."),
    Column("SR-IOV ports", "sriov_ports", T.INTEGER, minimum=0),
    Column("Huge pages", "huge_pages", T.INTEGER, minimum=0),
    Column("BSR arrays", "bsr_arrays", T.INTEGER, minimum=0),
    Column("Error path reporting", "error_path_reporting", T.YES_NO, comment="Redundant error path reporting."),
    Column("Workload group", "workload_group"),
    Column("Software", "software", T.LIST,
           comment="For example SAP; Oracle 10.2.0.4; Oracle RAC; PowerHA 5.4.1; NIM client."),
    Column("Busy (cores)", "busy_units", T.CORES, minimum=0, comment="physc in the window. Empty: the entitlement."),
    Column("Working set (GiB)", "working_set_mib", T.GIB, minimum=0, comment="Empty: all of its memory."),
    Column("Note", "note"),
))
VLANS = Table("VLANs", "bridges", ("vios", "sea", "vswitch", "vlan"), (
    Column("VIOS", "vios", required=True),
    Column("SEA", "sea", required=True, comment="Shared Ethernet Adapter, for example ent6."),
    Column("VLAN", "vlan", T.INTEGER, True, minimum=1, maximum=4094),
    Column("Virtual switch", "vswitch", comment="Empty: ETHERNET0."),
    Column("Note", "note"),
))
NETWORKS = Table("LPAR networks", "networks", ("lpar", "slot"), (
    Column("LPAR", "lpar", required=True),
    Column("Slot", "slot", T.INTEGER, True, minimum=0),
    Column("VLAN", "vlan", T.INTEGER, True, minimum=1, maximum=4094, comment="Port VLAN id."),
    Column("Tagged VLANs", "tagged", T.INTEGERS),
    Column("Virtual switch", "vswitch", comment="Empty: ETHERNET0."),
    Column("Note", "note"),
))
DISKS = Table("Disks", "disks", ("lpar", "slot", "lun", "vios"), (
    Column("LPAR", "lpar", required=True),
    Column("Slot", "slot", T.INTEGER, True, minimum=0, comment="Client slot of the virtual SCSI adapter."),
    Column("LUN", "lun", required=True, comment="PVID, UDID or serial; the same word in Zoning."),
    Column("VIOS", "vios", required=True, comment="The VIOS that serves it through this slot; one row per path."),
    Column("Backing", "backing", choices=("lun", "lv", "file", "optical", "ssp"), comment="Empty: lun."),
    Column("VTD", "vtd", comment="Virtual target device on the VIOS."),
    Column("vhost", "vhost", comment="Virtual SCSI server adapter on the VIOS."),
    Column("Note", "note"),
))
ZONING = Table("Zoning", "zonings", ("lun", "vios"), (
    Column("LUN", "lun", required=True),
    Column("VIOS", "vios", required=True),
    Column("hdisk", "hdisk"),
    Column("Reserve policy", "reserve_policy", choices=("no_reserve", "single_path", "PR_shared", "PR_exclusive")),
    Column("Note", "note"),
))
NPIV = Table("NPIV", "fibres", ("lpar", "slot"), (
    Column("LPAR", "lpar", required=True),
    Column("Slot", "slot", T.INTEGER, True, minimum=0),
    Column("VIOS", "vios", required=True),
    Column("WWPN 1", "wwpn1", required=True),
    Column("WWPN 2", "wwpn2", required=True, comment="Used for the move: must be zoned like the first."),
    Column("Fabric", "fabric", required=True),
    Column("Both zoned", "both_zoned", T.YES_NO),
    Column("Note", "note"),
), mandatory=False)
FC_PORTS = Table("FC ports", "ports", ("vios", "port"), (
    Column("VIOS", "vios", required=True),
    Column("Port", "port", required=True, comment="For example fcs0."),
    Column("Fabric", "fabric", required=True),
    Column("Free virtual ports", "free_ports", T.INTEGER, minimum=0,
           comment="lsnports awwpns / aports. Empty: enough."),
    Column("Note", "note"),
), mandatory=False)
POLICIES = Table("Policies", "policies", ("kind", "subject", "value"), (
    Column("Policy", "kind", required=True, choices=POLICY_KINDS),
    Column("Subject", "subject", comment="LPAR, server, group or product; * and ? are wildcards; several with ;"),
    Column("Value", "value"),
    Column("Active", "active", T.YES_NO, comment="no: kept on file, not applied. Empty: yes."),
    Column("Note", "note"),
))
PARAMETERS = Table("Parameters", "parameters", ("name",), (
    Column("Parameter", "name", required=True),
    Column("Value", "value", T.NUMBER, True, minimum=0),
    Column("Note", "note"),
), mandatory=False)

TABLES = (SERVERS, POOLS, VIOS, LPARS, VLANS, NETWORKS, DISKS, ZONING, NPIV, FC_PORTS, POLICIES, PARAMETERS)
#: Sheets that `load` writes for people and does not read back.
REPORT_SHEETS = ("Read me", "Findings", "Sources")
