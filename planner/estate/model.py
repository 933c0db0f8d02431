"""The estate: frozen dataclasses in exact integers.

Units: ``*_units`` are hundredths of a core, ``*_mib`` MiB, ``link_mbit`` Mbit/s. ``None`` means that no source
states the fact. Every collection is sorted by its key, so that the same facts give the same estate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

DEFAULT_VSWITCH = "ETHERNET0"
_STRICT = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True)
class Server:
    """A managed system. ``firmware_memory_mib`` excludes the hash page tables of partitions; watts: while it is on."""

    __pydantic_config__ = _STRICT
    name: str
    configurable_units: int
    configurable_memory_mib: int
    model: str = ""
    serial: str = ""
    generation: str = ""
    console: str = ""
    site: str = ""
    firmware_memory_mib: int | None = None
    lmb_mib: int | None = None
    firmware: str = ""
    enterprise: bool | None = None
    modes: tuple[str, ...] = ()
    min_units_per_vp: int | None = None
    max_migrations: int | None = None
    dpo_running: bool | None = None
    shared_memory_pool_mib: int | None = None
    idle_watts: int | None = None
    max_watts: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProcessorPool:
    """A shared processor pool. ``max_units`` of None: no limit but the server's."""

    __pydantic_config__ = _STRICT
    server: str
    pool_id: int
    name: str = ""
    max_units: int | None = None
    reserved_units: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Vios:
    """A Virtual I/O Server; ``msp``: it is a mover service partition."""

    __pydantic_config__ = _STRICT
    name: str
    server: str
    entitlement_units: int
    memory_mib: int
    lpar_id: int | None = None
    level: str = ""
    rmc_active: bool | None = None
    msp: bool | None = None
    virtual_processors: int | None = None
    sharing: str = ""
    max_memory_mib: int | None = None
    link_mbit: int | None = None
    max_migrations: int | None = None
    paging_devices_mib: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lpar:
    """A client partition. ``busy_units``: physc while it would be moved; ``software``: products with versions."""

    __pydantic_config__ = _STRICT
    name: str
    server: str
    entitlement_units: int
    virtual_processors: int
    memory_mib: int
    max_memory_mib: int
    lpar_id: int | None = None
    os: str = ""
    os_level: str = ""
    environment: str = ""
    state: str = ""
    rmc_active: bool | None = None
    processors: str = "shared"
    sharing: str = ""
    max_virtual_processors: int | None = None
    weight: int | None = None
    pool_id: int | None = None
    hpt_ratio: int = 64
    memory_mode: str = "dedicated"
    current_mode: str = ""
    preferred_mode: str = ""
    physical_adapters: tuple[str, ...] = ()
    lhea: bool | None = None
    sriov_ports: int | None = None
    huge_pages: int | None = None
    bsr_arrays: int | None = None
    error_path_reporting: bool | None = None
    workload_group: str = ""
    software: tuple[str, ...] = ()
    busy_units: int | None = None
    working_set_mib: int | None = None
    note: str = ""

    @property
    def active(self) -> bool:
        """Holds processors and memory now. Unknown states count as active: that is the careful side."""
        return self.state != "not activated"

    @property
    def kept_busy_units(self) -> int:
        """Hundredths of a core that it keeps busy: as stated, else its entitlement."""
        return self.entitlement_units if self.busy_units is None else self.busy_units


@dataclass(frozen=True, slots=True)
class Bridge:
    """A VLAN that a Shared Ethernet Adapter of a VIOS bridges."""

    __pydantic_config__ = _STRICT
    vios: str
    sea: str
    vlan: int
    vswitch: str = DEFAULT_VSWITCH
    note: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """A virtual Ethernet adapter of an LPAR: its port VLAN and tagged VLANs."""

    __pydantic_config__ = _STRICT
    lpar: str
    slot: int
    vlan: int
    tagged: tuple[int, ...] = ()
    vswitch: str = DEFAULT_VSWITCH
    note: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """One path of an LPAR to a disk: through a client slot and the VIOS that serves it."""

    __pydantic_config__ = _STRICT
    lpar: str
    slot: int
    lun: str
    vios: str
    backing: str = "lun"
    vtd: str = ""
    vhost: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Zoning:
    """A LUN that a VIOS sees, under which hdisk and reserve policy."""

    __pydantic_config__ = _STRICT
    lun: str
    vios: str
    hdisk: str = ""
    reserve_policy: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fibre:
    """A virtual Fibre Channel adapter (NPIV) of an LPAR: its WWPN pair and the fabric they are zoned in."""

    __pydantic_config__ = _STRICT
    lpar: str
    slot: int
    vios: str
    wwpn1: str
    wwpn2: str
    fabric: str
    both_zoned: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """An NPIV-capable Fibre Channel port of a VIOS."""

    __pydantic_config__ = _STRICT
    vios: str
    port: str
    fabric: str
    free_ports: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """One statement of a person; see docs/policies.md for the kinds."""

    __pydantic_config__ = _STRICT
    kind: str
    subject: str = ""
    value: str = ""
    active: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the cost model set for this estate."""

    __pydantic_config__ = _STRICT
    name: str
    value: float
    note: str = ""


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
    policies: tuple[Policy, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    def replace(self, **changes: Any) -> Estate:
        """A copy with other collections, sorted as they must be."""
        return sorted_estate(replace(self, **changes))

    def moved(self, placement: dict[str, str]) -> Estate:
        """A copy in which these LPARs are on these servers."""
        return replace(self, lpars=tuple(
            replace(p, server=placement[p.name]) if placement.get(p.name, p.server) != p.server else p
            for p in self.lpars))


CLASSES: dict[str, type[Any]] = {
    "servers": Server, "pools": ProcessorPool, "vioses": Vios, "lpars": Lpar, "bridges": Bridge,
    "networks": Network, "disks": Disk, "zonings": Zoning, "fibres": Fibre, "ports": Port, "policies": Policy,
    "parameters": Parameter,
}

#: What tells the rows of a kind apart, and their order.
KEYS: dict[str, Callable[[Any], Any]] = {
    "servers": attrgetter("name"),
    "pools": attrgetter("server", "pool_id"),
    "vioses": attrgetter("name"),
    "lpars": attrgetter("name"),
    "bridges": attrgetter("vios", "sea", "vswitch", "vlan"),
    "networks": attrgetter("lpar", "slot"),
    "disks": attrgetter("lpar", "slot", "lun", "vios"),
    "zonings": attrgetter("lun", "vios"),
    "fibres": attrgetter("lpar", "slot"),
    "ports": attrgetter("vios", "port"),
    "policies": attrgetter("kind", "subject", "value", "active", "note"),
    "parameters": attrgetter("name"),
}


def sorted_estate(estate: Estate) -> Estate:
    """The same estate with each collection in the order of its key."""
    return replace(estate, **{f.name: tuple(sorted(getattr(estate, f.name), key=KEYS[f.name]))
                              for f in fields(estate)})
