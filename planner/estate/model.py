"""The estate: frozen dataclasses in exact integers; each field says its header, unit and limits on its sheet.

One description serves the workbook (read and written), its drop-downs and comments, the saved estate and the docs.
Units: ``*_units`` are hundredths of a core, ``*_mib`` MiB, ``link_mbit`` Mbit/s. ``None`` means that no source
states the fact. Every collection is sorted by its key, so that the same facts give the same estate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import StrEnum
from functools import cache
from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from planner.frames import frame
from planner.units import MOST_MIB, MOST_UNITS, MOST_WHOLE

if TYPE_CHECKING:
    from pandas import DataFrame

DEFAULT_VSWITCH = "ETHERNET0"
SWITCH_MODES = ("VEB", "VEPA")
GENERATIONS = ("POWER6", "POWER6+", "POWER7", "POWER7+", "POWER8", "POWER9", "POWER10", "POWER11")
POLICY_KINDS = (
    "production-stays", "pin", "soft-pin", "fence", "not-a-target", "keep-apart", "keep-together", "cluster",
    "blackout", "priority", "owner", "production-order", "cpu-ceiling", "memory-ceiling", "cpu-warning",
    "memory-warning", "reserve-cores", "reserve-memory", "concurrency", "console-link", "site-link", "ignorable-vlan",
    "minimum-software", "refused-software", "redundancy", "target-pool", "time-zone", "licence", "licensed-servers",
    "enterprise-pool",
)
_MODES = (
    "default", "POWER6", "POWER6+", "POWER6 enhanced", "POWER6+ enhanced", "POWER7", "POWER8", "POWER9_base",
    "POWER9", "POWER10", "POWER11",
)
MIGRATING = ("migrating - running", "migrating - not activated")
STATES = ("running", "not activated", "not available", "open firmware", "starting", "shutting down", "error",
          "hardware discovery", "suspended", "suspending", "resuming", *MIGRATING, "unknown")
"""The HMC's words for the state of a partition (HMC V7R3.4 help, LparProperties; pypowervm LPARState)."""
INACTIVE = ("not activated", "migrating - not activated")
_STRICT = {"extra": "forbid", "strict": True}


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


T = Type


@dataclass(frozen=True, slots=True)
class EstateColumn:
    """A field as a person reads and writes it: its header with the unit, what a cell holds, what one should know.

    ``after``: the field that stands before it on the sheet, where that is not the one before it in the class.
    """

    header: str
    type: Type = Type.TEXT
    choices: tuple[str, ...] = ()
    comment: str = ""
    minimum: float | None = None
    maximum: float | None = None
    after: str = ""
    field: str = ""
    required: bool = False

    @property
    def bounded(self) -> bool:
        """Whether it holds numbers, which have limits."""
        return self.type in _MOST

    def outside(self, value: float) -> str:
        """``is above 1048576``: what is wrong with a number of the program for this column; "" when nothing is."""
        if not self.bounded:
            return ""
        per, most = _MOST[self.type]
        least = (-most / per if self.type is Type.NUMBER else 0) if self.minimum is None else self.minimum
        high = most / per if self.maximum is None else self.maximum
        if least * per <= value <= high * per:
            return ""
        return f"is below {least:.12g}" if value < least * per else f"is above {high:.12g}"


_MOST: dict[Type, tuple[int, int]] = {
    T.INTEGER: (1, MOST_WHOLE), T.INTEGERS: (1, MOST_WHOLE), T.CORES: (100, MOST_UNITS), T.GIB: (1024, MOST_MIB),
    T.NUMBER: (1, 10**15)}
"""Type of a column → how many of the program's units are one on the sheet, and the most of them."""


def column(header: str, of: Type = Type.TEXT, **stated: Any) -> dict[str, EstateColumn]:
    """Metadata of a field."""
    return {"column": EstateColumn(header, of, **stated)}


@dataclass(frozen=True, slots=True)
class Server:
    """A managed system. ``firmware_memory_mib`` excludes the hash page tables of partitions; watts: while it is on."""

    __pydantic_config__ = _STRICT
    name: str = field(metadata=column("Server", comment="Managed system name as the HMC shows it."))
    configurable_units: int = field(metadata=column("Configurable (cores)", T.CORES, after="site", minimum=0,
        comment="lshwres -r proc --level sys: configurable_sys_proc_units."))
    configurable_memory_mib: int = field(metadata=column("Configurable memory (GiB)", T.GIB, after="configurable_units",
        minimum=0, comment="lshwres -r mem --level sys: configurable_sys_mem / 1024."))
    model: str = field(default="", metadata=column("Type-model",
        comment="For example 9119-FHA; gives the processor generation when that is empty."))
    serial: str = field(default="", metadata=column("Serial"))
    generation: str = field(default="", metadata=column("Generation", choices=GENERATIONS))
    console: str = field(default="", metadata=column("Console",
        comment="HMC or IVM that manages it; several, separated by ;. Other consoles: policy console-link."))
    site: str = field(default="", metadata=column("Site", comment="Moves between sites need the policy site-link."))
    firmware_memory_mib: int | None = field(default=None, metadata=column("Firmware memory (GiB)", T.GIB, minimum=0,
        comment="Memory that the hypervisor holds WITHOUT the hash page tables of the partitions."))
    lmb_mib: int | None = field(default=None, metadata=column("LMB (MiB)", T.INTEGER, minimum=1,
        comment="Logical memory block (mem_region_size). Must be equal on both servers."))
    firmware: str = field(default="", metadata=column("Firmware",
        comment="Activated level, for example EM350_085, 01AM780_054, FW860.10."))
    enterprise: bool | None = field(default=None, metadata=column("PowerVM Enterprise", T.YES_NO))
    modes: tuple[str, ...] = field(default=(), metadata=column("Processor modes", T.LIST,
        comment="Only when they differ from the generation's own."))
    min_units_per_vp: int | None = field(default=None, metadata=column("Minimum per VP (cores)", T.CORES, minimum=0,
        comment="0.10 up to POWER7, 0.05 from POWER7+. Empty: by generation."))
    max_migrations: int | None = field(default=None, metadata=column("Max migrations", T.INTEGER, minimum=0,
        comment="Concurrent active migrations supported (lslparmigr -r sys). Empty: 4, which every level supports."))
    dpo_running: bool | None = field(default=None, metadata=column("DPO running", T.YES_NO,
        comment="Dynamic Platform Optimizer at work: no inbound moves."))
    shared_memory_pool_mib: int | None = field(default=None, metadata=column("Shared memory pool (GiB)", T.GIB,
        minimum=0, comment="Active Memory Sharing pool. Empty: none."))
    idle_watts: int | None = field(default=None, metadata=column("Idle (W)", T.INTEGER, minimum=0, maximum=200_000,
        comment="Watts while it is on and does nothing. Empty: assumed from the catalogue, and said so."))
    max_watts: int | None = field(default=None, metadata=column("Maximum (W)", T.INTEGER, minimum=0, maximum=200_000,
        comment="Watts at full load, measured or of the data sheet. Empty: assumed from the catalogue."))
    memory_expansion_capable: bool | None = field(default=None, metadata=column("Memory expansion capable", T.YES_NO,
        comment="Active Memory Expansion: active_mem_expansion_capable."))
    console_level: str = field(default="", metadata=column("Console level", after="console",
        comment="lshmc -V, for example V10R3M1060 (the lowest of several). Some devices are mobile from a level on."))
    trusted_key: str = field(default="", metadata=column("Trusted system key",
        comment="The same word on servers that share the key (chtskey): LPARs with a vTPM move only between them."))
    vnic_capable: bool | None = field(default=None, metadata=column("vNIC capable", T.YES_NO,
        comment="vnic_dedicated_sriov_capable."))
    free_sriov_ports: int | None = field(default=None, metadata=column("Free SR-IOV logical ports", T.INTEGER,
        minimum=0,
        comment="On physical ports that have capacity left, for vNICs, where sheet SR-IOV ports does not list them."))
    remote_restart_capable: bool | None = field(default=None, metadata=column("Remote restart capable", T.YES_NO,
        comment="Simplified remote restart: powervm_lpar_simplified_remote_restart_capable."))
    secure_boot_capable: bool | None = field(default=None, metadata=column("Secure boot capable", T.YES_NO))
    ibmi_mobility_capable: bool | None = field(default=None, metadata=column("IBM i mobility capable", T.YES_NO,
        comment="os400_lpar_mobility_capable."))
    persistent_memory_capable: bool | None = field(default=None, metadata=column("Persistent memory mobile", T.YES_NO,
        comment="Moves LPARs with virtual persistent memory (vPMEM)."))
    free_pool_mib: int | None = field(default=None, metadata=column("Free pool memory (GiB)", T.GIB,
        after="shared_memory_pool_mib", minimum=0, comment="lshwres -r mempool: curr_avail_pool_mem, what I/O entitled "
        "memory may still take of the pool. Empty: all but what those there have."))
    state: str = field(default="", metadata=column("State",
        comment="operating, or as its console says: nobody goes to a server in another state. Empty: unknown."))
    max_inactive_migrations: int | None = field(default=None, metadata=column("Max inactive migrations", T.INTEGER,
        minimum=0, comment="num_inactive_migrations_supported. Empty: 4."))
    ppt_ratio_capable: bool | None = field(default=None, metadata=column("PPT ratio capable", T.YES_NO,
        comment="Lets an LPAR choose its physical page table ratio (REST CustomPhysicalPageTableRatioCapable)."))
    free_huge_pages: int | None = field(default=None, metadata=column("Free huge pages", T.INTEGER, minimum=0,
        comment="lshwres -r mem --level sys: curr_avail_num_sys_huge_pages."))
    note: str = field(default="", metadata=column("Note"))

    @property
    def operating(self) -> bool:
        """Whether it may be: nothing else is stated."""
        return self.state.strip().casefold() in ("", "operating")


@dataclass(frozen=True, slots=True)
class ProcessorPool:
    """A shared processor pool. ``max_units`` of None: no limit but the server's."""

    __pydantic_config__ = _STRICT
    server: str = field(metadata=column("Server"))
    pool_id: int = field(metadata=column("Pool id", T.INTEGER, minimum=0, maximum=63))
    name: str = field(default="", metadata=column("Pool name"))
    max_units: int | None = field(default=None, metadata=column("Maximum (cores)", T.CORES, minimum=0,
        comment="Empty: no limit but the server's."))
    reserved_units: int = field(default=0, metadata=column("Reserved (cores)", T.CORES, minimum=0))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Vios:
    """A Virtual I/O Server; ``msp``: it is a mover service partition."""

    __pydantic_config__ = _STRICT
    name: str = field(metadata=column("VIOS"))
    server: str = field(metadata=column("Server"))
    entitlement_units: int = field(metadata=column("Entitlement (cores)", T.CORES, after="msp", minimum=0))
    memory_mib: int = field(metadata=column("Memory (GiB)", T.GIB, after="sharing", minimum=0))
    lpar_id: int | None = field(default=None, metadata=column("Id", T.INTEGER, minimum=1))
    level: str = field(default="", metadata=column("Level", comment="ioslevel, for example 2.1.0.10."))
    rmc_active: bool | None = field(default=None, metadata=column("RMC active", T.YES_NO))
    msp: bool | None = field(default=None, metadata=column("Mover (MSP)", T.YES_NO, comment="Mover service partition."))
    virtual_processors: int | None = field(default=None, metadata=column("Virtual processors", T.INTEGER, minimum=0))
    sharing: str = field(default="", metadata=column("Sharing", choices=("capped", "uncapped", "dedicated")))
    max_memory_mib: int | None = field(default=None, metadata=column("Max memory (GiB)", T.GIB, minimum=0,
        comment="Empty: as Memory. Sizes its hash page table."))
    link_mbit: int | None = field(default=None, metadata=column("Mover link (Mbit/s)", T.INTEGER, minimum=1,
        comment="Empty: 1000 is assumed, and said so."))
    max_migrations: int | None = field(default=None, metadata=column("Max migrations", T.INTEGER, minimum=0,
        comment="Empty: 4, which every level supports."))
    cluster: str = field(default="", metadata=column("SSP cluster",
        comment="Shared storage pool cluster that it is a node of (cluster -list); none: of no cluster."))
    paging_devices_mib: tuple[int, ...] = field(default=(), metadata=column("Paging devices (GiB)", T.LIST,
        comment="Sizes of free AMS paging devices."))
    max_virtual_slots: int | None = field(default=None, metadata=column("Max virtual slots", T.INTEGER, minimum=0,
        comment="lshwres -r virtualio --rsubtype slot --level lpar: curr_max_virtual_slots. Empty: unknown."))
    used_virtual_slots: int | None = field(default=None, metadata=column("Used virtual slots", T.INTEGER, minimum=0,
        comment="All its virtual adapters now, its own included. Empty: the client adapters known here and 2."))
    mover_address: str = field(default="", metadata=column("Mover address",
        comment="IP address over which it moves LPARs (source_msp_ipaddr of migrlpar). Empty: the console chooses."))
    note: str = field(default="", metadata=column("Note"))
    link_mtu: int | None = field(default=None, metadata=column("Mover link MTU", T.INTEGER, after="link_mbit",
        minimum=576, maximum=65_535, comment="Empty: 1500. From 9000 on a byte costs the VIOS half."))


def by_id(vioses: Iterable[Vios]) -> list[Vios]:
    """In the order of their partition ids, by name where these say nothing: which of equal ones is chosen does not hang
    on how they are called."""
    return sorted(vioses, key=lambda v: (v.lpar_id is None, v.lpar_id or 0, v.name))


@dataclass(frozen=True, slots=True)
class Lpar:
    """A client partition. ``busy_units``: physc while it would be moved; ``software``: products with versions."""

    __pydantic_config__ = _STRICT
    name: str = field(metadata=column("LPAR"))
    server: str = field(metadata=column("Server"))
    entitlement_units: int = field(metadata=column("Entitlement (cores)", T.CORES, after="sharing", minimum=0,
        comment="Dedicated: the number of cores."))
    virtual_processors: int = field(metadata=column("Virtual processors", T.INTEGER, after="entitlement_units",
        minimum=0))
    memory_mib: int = field(metadata=column("Memory (GiB)", T.GIB, after="pool_id", minimum=0))
    max_memory_mib: int = field(metadata=column("Max memory (GiB)", T.GIB, after="memory_mib", minimum=0,
        comment="Sizes the hash page table."))
    lpar_id: int | None = field(default=None, metadata=column("Id", T.INTEGER, minimum=1))
    os: str = field(default="", metadata=column("OS", choices=("AIX", "Linux", "IBM i")))
    os_level: str = field(default="", metadata=column("OS level", comment="For example 6.1 TL2 SP3, 7.1 TR4."))
    environment: str = field(default="", metadata=column("Environment", choices=("production", "non-production")))
    state: str = field(default="", metadata=column("State", choices=STATES,
        comment="As the console says. Empty: unknown. Only what is not activated holds nothing."))
    rmc_active: bool | None = field(default=None, metadata=column("RMC active", T.YES_NO))
    processors: str = field(default="shared", metadata=column("Processors", choices=("shared", "dedicated")))
    sharing: str = field(default="", metadata=column("Sharing", choices=("capped", "uncapped", "donating")))
    max_virtual_processors: int | None = field(default=None, metadata=column("Max virtual processors", T.INTEGER,
        minimum=0))
    weight: int | None = field(default=None, metadata=column("Weight", T.INTEGER, minimum=0, maximum=255))
    pool_id: int | None = field(default=None, metadata=column("Pool id", T.INTEGER, minimum=0, maximum=63))
    hpt_ratio: int = field(default=64, metadata=column("HPT ratio (1:n)", T.INTEGER, minimum=1, comment="Empty: 64."))
    memory_mode: str = field(default="dedicated", metadata=column("Memory mode", choices=("dedicated", "shared")))
    current_mode: str = field(default="", metadata=column("Current mode", choices=_MODES[1:],
        comment="Processor compatibility mode now."))
    preferred_mode: str = field(default="", metadata=column("Preferred mode", choices=_MODES))
    physical_adapters: tuple[str, ...] = field(default=(), metadata=column("Physical adapters", T.LIST,
        comment="Required or assigned physical I/O, by location."))
    lhea: bool | None = field(default=None, metadata=column("LHEA", T.YES_NO,
        comment="Logical Host Ethernet ports assigned."))
    sriov_ports: int | None = field(default=None, metadata=column("SR-IOV ports", T.INTEGER, minimum=0))
    huge_pages: int | None = field(default=None, metadata=column("Huge pages", T.INTEGER, minimum=0))
    bsr_arrays: int | None = field(default=None, metadata=column("BSR arrays", T.INTEGER, minimum=0))
    error_path_reporting: bool | None = field(default=None, metadata=column("Error path reporting", T.YES_NO,
        comment="Redundant error path reporting."))
    workload_group: str = field(default="", metadata=column("Workload group"))
    software: tuple[str, ...] = field(default=(), metadata=column("Software", T.LIST,
        comment="For example SAP; Oracle 10.2.0.4; Oracle RAC; PowerHA 5.4.1; NIM client."))
    busy_units: int | None = field(default=None, metadata=column("Busy (cores)", T.CORES, minimum=0,
        comment="physc in the window. Empty: the entitlement."))
    working_set_mib: int | None = field(default=None, metadata=column("Working set (GiB)", T.GIB, minimum=0,
        comment="Empty: all of its memory."))
    physical_io: bool | None = field(default=None, metadata=column("Physical I/O", T.YES_NO, after="physical_adapters",
        comment="Where only that it has some is stated, not which."))
    vnic_adapters: int | None = field(default=None, metadata=column("vNIC adapters", T.INTEGER, minimum=0))
    migration_disabled: bool | None = field(default=None, metadata=column("Migration disabled", T.YES_NO,
        comment="Its profile forbids migration (migration_disabled)."))
    vtpm: bool | None = field(default=None, metadata=column("vTPM", T.YES_NO,
        comment="Virtual Trusted Platform Module enabled."))
    migratable_sriov_ports: int | None = field(default=None, metadata=column("Migratable SR-IOV ports", T.INTEGER,
        after="sriov_ports", minimum=0,
        comment="Of its SR-IOV ports those that are migratable (hybrid network virtualisation, with a backup vNIC)."))
    simplified_remote_restart: bool | None = field(default=None, metadata=column("Remote restart", T.YES_NO,
        comment="Simplified remote restart is on (simplified_remote_restart_capable)."))
    secure_boot: bool | None = field(default=None, metadata=column("Secure boot", T.YES_NO))
    restricted_io: bool | None = field(default=None, metadata=column("Restricted I/O", T.YES_NO,
        comment="IBM i: restricted I/O partition, as a move needs it."))
    persistent_memory: int | None = field(default=None, metadata=column("Persistent memory volumes", T.INTEGER,
        minimum=0, comment="vPMEM volumes in DRAM."))
    memory_expansion_percent: int | None = field(default=None, metadata=column(
        "Memory expansion (%)", T.INTEGER, minimum=0, maximum=1000,
        comment="Active Memory Expansion factor: 125 is 1.25; 0 and 100: none."))
    io_entitled_mib: int | None = field(default=None, metadata=column("I/O entitled memory (GiB)", T.GIB, minimum=0,
        after="memory_mode", comment="In shared memory mode: curr_io_entitled_mem, what its devices are guaranteed."))
    home: str = field(default="", metadata=column("Home",
        comment="The server to which it belongs when it stands elsewhere; a plan with --return brings it there. Empty: "
        "where it is."))
    never_activated: bool | None = field(default=None, metadata=column("Never activated", T.YES_NO,
        comment="Of one that is not activated: its console names no last activated profile, so it cannot be migrated."))
    ppt_ratio: int | None = field(default=None, metadata=column("PPT ratio (1:n)", T.INTEGER, minimum=1,
        after="hpt_ratio", comment="Physical page table ratio, from POWER9 on (lssyscfg -r prof: ppt_ratio). 4096 is "
        "the default."))
    owner: str = field(default="", metadata=column("Owner",
        comment="Team or person to ask about it, of its application. Papers name it; no plan depends on it."))
    note: str = field(default="", metadata=column("Note"))

    @property
    def active(self) -> bool:
        """Holds processors and memory now. Unknown states count as active: that is the careful side."""
        return self.state not in INACTIVE

    @property
    def other_networks(self) -> bool:
        """Has adapters over which it may have its networks without a virtual Ethernet adapter."""
        return bool(self.vnic_adapters or self.sriov_ports or self.lhea or self.physical_adapters)

    @property
    def kept_busy_units(self) -> int:
        """Hundredths of a core that it keeps busy: as stated, else its entitlement."""
        return self.entitlement_units if self.busy_units is None else self.busy_units


@dataclass(frozen=True, slots=True)
class Bridge:
    """A VLAN that a Shared Ethernet Adapter of a VIOS bridges."""

    __pydantic_config__ = _STRICT
    vios: str = field(metadata=column("VIOS"))
    sea: str = field(metadata=column("SEA", comment="Shared Ethernet Adapter, for example ent6."))
    vlan: int = field(metadata=column("VLAN", T.INTEGER, minimum=1, maximum=4094))
    vswitch: str = field(default=DEFAULT_VSWITCH, metadata=column("Virtual switch", comment="Empty: ETHERNET0."))
    switch_mode: str = field(default="", metadata=column("Switch mode", choices=SWITCH_MODES,
        comment="Of the virtual switch on this server (lshwres -r virtualio --rsubtype vswitch). Empty: unknown."))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Network:
    """A virtual Ethernet adapter of an LPAR: its port VLAN and tagged VLANs."""

    __pydantic_config__ = _STRICT
    lpar: str = field(metadata=column("LPAR"))
    slot: int = field(metadata=column("Slot", T.INTEGER, minimum=0))
    vlan: int = field(metadata=column("VLAN", T.INTEGER, minimum=1, maximum=4094, comment="Port VLAN id."))
    tagged: tuple[int, ...] = field(default=(), metadata=column("Tagged VLANs", T.INTEGERS))
    vswitch: str = field(default=DEFAULT_VSWITCH, metadata=column("Virtual switch", comment="Empty: ETHERNET0."))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Disk:
    """One path of an LPAR to a disk: through a client slot and the VIOS that serves it."""

    __pydantic_config__ = _STRICT
    lpar: str = field(metadata=column("LPAR"))
    slot: int = field(metadata=column("Slot", T.INTEGER, minimum=0, comment="Client slot of the virtual SCSI adapter."))
    lun: str = field(metadata=column("LUN", comment="PVID, UDID or serial; the same word in Zoning."))
    vios: str = field(metadata=column("VIOS", comment="The VIOS that serves it through this slot; one row per path."))
    backing: str = field(default="lun", metadata=column("Backing", comment="Empty: lun. unknown: nobody states "
        "what hangs there.", choices=("lun", "lv", "file", "optical", "ssp", "unknown")))
    vtd: str = field(default="", metadata=column("VTD", comment="Virtual target device on the VIOS."))
    vhost: str = field(default="", metadata=column("vhost", comment="Virtual SCSI server adapter on the VIOS."))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Zoning:
    """A LUN that a VIOS sees, under which hdisk and reserve policy."""

    __pydantic_config__ = _STRICT
    lun: str = field(metadata=column("LUN"))
    vios: str = field(metadata=column("VIOS"))
    hdisk: str = field(default="", metadata=column("hdisk"))
    reserve_policy: str = field(default="", metadata=column("Reserve policy",
        choices=("no_reserve", "single_path", "PR_shared", "PR_exclusive")))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Fibre:
    """A virtual Fibre Channel adapter (NPIV) of an LPAR: its WWPN pair and the fabric they are zoned in."""

    __pydantic_config__ = _STRICT
    lpar: str = field(metadata=column("LPAR"))
    slot: int = field(metadata=column("Slot", T.INTEGER, minimum=0))
    vios: str = field(metadata=column("VIOS"))
    wwpn1: str = field(metadata=column("WWPN 1"))
    wwpn2: str = field(metadata=column("WWPN 2", comment="Used for the move: must be zoned like the first."))
    fabric: str = field(metadata=column("Fabric"))
    both_zoned: bool | None = field(default=None, metadata=column("Both zoned", T.YES_NO))
    port: str = field(default="", metadata=column("Port", after="vios",
        comment="Physical port of the VIOS that carries it now (lsmap -all -npiv). Empty: unknown."))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Port:
    """An NPIV-capable Fibre Channel port of a VIOS."""

    __pydantic_config__ = _STRICT
    vios: str = field(metadata=column("VIOS"))
    port: str = field(metadata=column("Port", comment="For example fcs0."))
    fabric: str = field(metadata=column("Fabric"))
    free_ports: int | None = field(default=None, metadata=column("Free virtual ports", T.INTEGER, minimum=0,
        comment="lsnports: the smaller of aports and awwpns / 2. Empty: unknown, 64 with its clients is assumed."))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Vnic:
    """A backing device of a vNIC of an LPAR: the logical port behind it, of a VIOS and on a physical port."""

    __pydantic_config__ = _STRICT
    lpar: str = field(metadata=column("LPAR"))
    slot: int = field(metadata=column("Slot", T.INTEGER, minimum=0, comment="Client slot of the vNIC."))
    device: int = field(metadata=column("Device", T.INTEGER, minimum=1,
        comment="Number of the backing device among those of its vNIC, from 1 on."))
    vios: str = field(default="", metadata=column("VIOS", comment="The VIOS that serves it. Empty: unknown."))
    port: str = field(default="", metadata=column("Physical port", comment="As sheet SR-IOV ports names it, else "
        "adapter/port as the console numbers them (lshwres -r virtualio --rsubtype vnic). Empty: unknown."))
    percent: int | None = field(default=None, metadata=column("Capacity (%)", T.INTEGER, minimum=0, maximum=100,
        comment="Of its logical port, rounded up. Empty: unknown, 1 is counted."))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class SriovPort:
    """A physical port of an SR-IOV adapter in shared mode, and what it has left for logical ports."""

    __pydantic_config__ = _STRICT
    server: str = field(metadata=column("Server"))
    port: str = field(metadata=column("Physical port", comment="Its location code, or adapter/port as the console "
        "numbers them."))
    free_ports: int | None = field(default=None, metadata=column("Free logical ports", T.INTEGER, minimum=0,
        comment="lshwres -r sriov --rsubtype physport: phys_port_max_logical_ports less config_logical_ports."))
    free_percent: int | None = field(default=None, metadata=column("Free capacity (%)", T.INTEGER, minimum=0,
        maximum=100, comment="100 less the capacity of each logical port (--rsubtype logport)."))
    number: str = field(default="", metadata=column("Adapter/port", after="port", comment="As the console numbers "
        "them, for example 1/0: the mapping of a vNIC in a command needs it. Empty: Physical port is one, or unknown."))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Policy:
    """One statement of a person; see docs/policies.md for the kinds."""

    __pydantic_config__ = _STRICT
    kind: str = field(metadata=column("Policy", choices=POLICY_KINDS))
    subject: str = field(default="", metadata=column("Subject",
        comment="LPAR, server, group or product; * and ? are wildcards; several with ;"))
    value: str = field(default="", metadata=column("Value"))
    active: bool = field(default=True, metadata=column("Active", T.YES_NO,
        comment="no: kept on file, not applied. Empty: yes."))
    note: str = field(default="", metadata=column("Note"))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the cost model set for this estate; ``moves``: it was calibrated from so many past ones."""

    __pydantic_config__ = _STRICT
    name: str = field(metadata=column("Parameter"))
    value: float = field(metadata=column("Value", T.NUMBER, minimum=0))
    note: str = field(default="", metadata=column("Note"))
    subject: str = field(default="", metadata=column("For", after="name",
        comment="Of rate_mb_s alone: link 10000 (Mbit/s), or a pair of movers, source > target."))
    low: float | None = field(default=None, metadata=column("Low", T.NUMBER, after="value", minimum=0,
        comment="Of a calibrated value: its interval of confidence."))
    high: float | None = field(default=None, metadata=column("High", T.NUMBER, after="low", minimum=0))
    moves: int | None = field(default=None, metadata=column("Moves", T.INTEGER, after="high", minimum=1,
        comment="Past moves from which it was calibrated. Empty: stated by a person."))


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything that is known of a site."""

    __pydantic_config__ = _STRICT
    servers: tuple[Server, ...] = ()
    pools: tuple[ProcessorPool, ...] = ()
    vioses: tuple[Vios, ...] = ()
    lpars: tuple[Lpar, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    networks: tuple[Network, ...] = ()
    disks: tuple[Disk, ...] = ()
    zonings: tuple[Zoning, ...] = ()
    fibres: tuple[Fibre, ...] = ()
    ports: tuple[Port, ...] = ()
    vnics: tuple[Vnic, ...] = ()
    sriov: tuple[SriovPort, ...] = ()
    policies: tuple[Policy, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    def replace(self, **changes: Any) -> Estate:
        """A copy with other collections, sorted as they must be."""
        return replace(self, **{kind: _sorted(kind, rows) for kind, rows in changes.items()})

    def moved(self, placement: dict[str, str]) -> Estate:
        """A copy in which these LPARs are on these servers."""
        return replace(self, lpars=tuple(
            replace(p, server=placement[p.name]) if placement.get(p.name, p.server) != p.server else p
            for p in self.lpars))

    def around(self, servers: Collection[str]) -> Estate:
        """What is on these servers and belongs to it; of the others, whose names policies and consoles go by, the
        bare machines."""
        lpars, vioses = ({row.name for row in rows if row.server in servers} for rows in (self.lpars, self.vioses))
        near = {"server": {*servers}, "lpar": lpars, "vios": {*vioses, ""}}
        kept: dict[str, tuple[Any, ...]] = {}
        for kind, of in CLASSES.items():
            rows = getattr(self, kind)
            for name in {f.name for f in fields(of)} & near.keys():
                rows = [*compress(rows, map(near[name].__contains__, map(attrgetter(name), rows)))]
            kept[kind] = tuple(rows)
        return replace(self, **kept)

    @property
    def networked(self) -> set[str]:
        """The LPARs of which some network is known, or an adapter over which it may go."""
        return {n.lpar for n in self.networks} | {p.name for p in self.lpars if p.other_networks}

    def frames(self) -> dict[str, DataFrame]:
        """One DataFrame a collection, with typed columns and units in their names (docs/python.md)."""
        return {kind: frame(getattr(self, kind), of) for kind, of in CLASSES.items()}


CLASSES: dict[str, type[Any]] = {
    "servers": Server, "pools": ProcessorPool, "vioses": Vios, "lpars": Lpar, "bridges": Bridge,
    "networks": Network, "disks": Disk, "zonings": Zoning, "fibres": Fibre, "ports": Port, "vnics": Vnic,
    "sriov": SriovPort,
    "policies": Policy, "parameters": Parameter,
}


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of thing: its sheet, what tells its rows apart (``key``), its columns in the sheet's order.

    ``mandatory`` sheets must be in every workbook.
    """

    kind: str
    sheet: str
    key: tuple[str, ...]
    mandatory: bool = True

    @property
    def columns(self) -> tuple[EstateColumn, ...]:
        """All columns, in the order in which the sheet has them."""
        return _columns(self.kind)

    def key_of(self, row: Any) -> tuple[Any, ...]:
        """The key of a row."""
        return tuple(getattr(row, name) for name in self.key)


@cache
def _columns(kind: str) -> tuple[EstateColumn, ...]:
    stated = [replace(f.metadata["column"], field=f.name, required=f.default is MISSING)
              for f in fields(CLASSES[kind])]
    ordered = [one for one in stated if not one.after]
    for one in stated:
        if one.after:
            ordered.insert([c.field for c in ordered].index(one.after) + 1, one)
    return tuple(ordered)


TABLES = (
    Table("servers", "Servers", ("name",)),
    Table("pools", "Pools", ("server", "pool_id")),
    Table("vioses", "VIOS", ("name",)),
    Table("lpars", "LPARs", ("name",)),
    Table("bridges", "VLANs", ("vios", "sea", "vswitch", "vlan")),
    Table("networks", "LPAR networks", ("lpar", "slot")),
    Table("disks", "Disks", ("lpar", "slot", "lun", "vios")),
    Table("zonings", "Zoning", ("lun", "vios")),
    Table("fibres", "NPIV", ("lpar", "slot"), mandatory=False),
    Table("ports", "FC ports", ("vios", "port"), mandatory=False),
    Table("vnics", "vNICs", ("lpar", "slot", "device"), mandatory=False),
    Table("sriov", "SR-IOV ports", ("server", "port"), mandatory=False),
    Table("policies", "Policies", ("kind", "subject", "value")),
    Table("parameters", "Parameters", ("name", "subject"), mandatory=False),
)
TABLE = {table.kind: table for table in TABLES}


def sorted_estate(estate: Estate) -> Estate:
    """The same estate with each collection in the order of its key."""
    return replace(estate, **{kind: _sorted(kind, getattr(estate, kind)) for kind in TABLE})


def _sorted(kind: str, rows: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(rows, key=attrgetter(*TABLE[kind].key)))
