"""Builds the third sample estate, ``data/modern``: POWER9, Power10 and Power11 under two consoles, invented throughout.

    python data/build_samples.py [DIRECTORY]      writes it with the other two

NPIV over two fabrics, vNIC, IBM i, Linux, shared storage pools, a second virtual switch, servers with fewer active
cores than they have (Power Enterprise Pools). data/README.md says which LPAR meets which rule.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from planner.estate.assemble import Loaded
from planner.estate.model import (
    Bridge,
    Disk,
    Estate,
    Fibre,
    Lpar,
    Network,
    Policy,
    Port,
    ProcessorPool,
    Server,
    SriovPort,
    Vios,
    Vnic,
    Zoning,
    sorted_estate,
)
from planner.estate.workbook import workbook_bytes
from planner.units import MIB_PER_GIB

EAST, WEST = "hmc-east", "hmc-west"
LEVELS = {EAST: "V10R3M1060", WEST: "V11R1M1110"}
TRUSTED = {"west-e1080": "west", "west-s1124": "west"}
"""Servers that share a trusted system key; of the others nobody states it."""


PPT_CAPABLE = ("east-s1024", "east-s1024b", "west-e980", "west-e1080")
"""Servers that are known to let LPARs choose their physical page table ratio."""
FREE_HUGE_PAGES = {"west-e980": 2, "west-e1080": 8}
VEPA = {"west-s1124": "DMZ"}
"""Servers with a virtual switch in VEPA mode; the others have it in VEB mode."""


POOLS = {"east-s924": 8 * MIB_PER_GIB, "west-e980": 64 * MIB_PER_GIB}
"""Shared memory pools (AMS): the smaller one is less than ams-dev1 keeps in use."""


SRIOV = (("east-s1024", "U78D2.001.WZS0AAA-P1-C4-T1", 40, 60), ("east-s1024", "U78D2.001.WZS0AAA-P1-C4-T2", 50, 80),
         ("east-s1024b", "U78D2.001.WZS0AAB-P1-C4-T1", 57, 8),
         ("east-s1024b", "U78D2.001.WZS0AAB-P1-C4-T2", 1, 90), ("west-s1124", "U78D9.001.WZS0AAC-P1-C4-T1", 60, 100))
"""Physical SR-IOV ports: free logical ports and % of capacity. On east-s1024b there is room for one vNIC on each."""
VNICS = tuple(Vnic("vnic-web1", slot, n, f"east-s1024-v{n}", SRIOV[n - 1][1], percent)
              for slot in (7, 8) for n, percent in ((1, 2), (2, 10)))
"""Two vNICs, each with a backing device of either VIOS, on the ports in turn."""


class Machine(NamedTuple):
    """A server: active cores of those installed, GiB, the level of its firmware and of its VIOSes, Mbit/s of movers."""

    name: str
    model: str
    console: str
    cores: int
    gib: int
    firmware: str
    vios_level: str
    link: int
    free_ports: int
    slots: int = 400
    """The most virtual slots of each of its VIOSes; 12 of them have adapters of its own."""


MACHINES = (
    Machine("east-s924", "9009-42A", EAST, 24, 1024, "VL950_141", "3.1.4.10", 10_000, 60),
    Machine("east-s1024", "9105-42A", EAST, 40, 2048, "ML1040_027", "3.1.4.21", 25_000, 58),
    Machine("east-s1024b", "9105-42A", EAST, 24, 1024, "ML1040_027", "4.1.0.10", 25_000, 12, 20),
    Machine("west-e980", "9080-M9S", WEST, 64, 4096, "VH950_131", "3.1.4.10", 40_000, 200),
    Machine("west-e1080", "9080-HEX", WEST, 60, 4096, "MH1050_066", "4.1.0.10", 100_000, 220),
    Machine("west-s1124", "9824-42A", WEST, 32, 2048, "NL1110_069", "4.1.1.0", 100_000, 250),
)


class Client(NamedTuple):
    """An LPAR: cores, virtual processors, GiB, mode, VLANs; ``storage`` is npiv, vscsi or ssp; ``more`` is the rest."""

    name: str
    server: str
    os: str
    level: str
    cores: float
    vps: int
    gib: int
    mode: str
    vlans: tuple[int, ...] = (110,)
    storage: str = "npiv"
    more: dict[str, Any] = {}  # noqa: RUF012


PRODUCTION: dict[str, Any] = {"environment": "production"}
CLIENTS = (
    Client("erp-db1", "east-s924", "AIX", "7.2 TL5 SP6", 4, 6, 256, "POWER9", (110, 120),
           more=PRODUCTION | {"software": ("Oracle 19.18",), "busy_units": 310, "working_set_mib": 96 * 1024}),
    Client("erp-app1", "east-s924", "AIX", "7.2 TL5 SP6", 1.5, 3, 48, "POWER9", more=PRODUCTION),
    Client("erp-app2", "east-s1024", "AIX", "7.2 TL5 SP6", 1.5, 3, 48, "POWER9", more=PRODUCTION),
    Client("crm-db1", "east-s1024b", "AIX", "7.3 TL1 SP2", 3, 5, 128, "POWER10", (110, 120), more=PRODUCTION),
    Client("crm-app1", "east-s1024b", "Linux", "RHEL 9.2", 1, 2, 32, "POWER10"),
    Client("crm-test", "east-s1024b", "Linux", "RHEL 8.8", 0.5, 1, 16, "POWER9", (130,)),
    Client("bank-i1", "east-s924", "IBM i", "7.4 TR7", 2, 3, 96, "POWER9", (120,),
           more=PRODUCTION | {"restricted_io": True}),
    Client("bank-i2", "east-s1024", "IBM i", "7.5 TR1", 2, 3, 96, "POWER10", (120,), more=PRODUCTION),
    Client("nim-east", "east-s1024", "AIX", "7.3 TL0 SP1", 0.3, 1, 8, "POWER9", (130,), "vscsi",
           {"software": ("NIM master",)}),
    Client("vnic-web1", "east-s1024", "Linux", "SLES 15 SP4", 1, 2, 24, "POWER10", (), more={"vnic_adapters": 2}),
    Client("hnv-web1", "east-s1024", "Linux", "RHEL 9.2", 1, 2, 24, "POWER10", (130,), more={"sriov_ports": 1,
           "migratable_sriov_ports": 1}),
    Client("gpfs-n1", "east-s1024", "AIX", "7.3 TL1 SP2", 1, 2, 32, "POWER10", (130,), "vscsi"),
    Client("ssp-dev1", "east-s1024b", "AIX", "7.2 TL5 SP3", 0.4, 1, 16, "POWER9", (130,), "ssp"),
    Client("ssp-dev2", "east-s1024b", "AIX", "7.2 TL5 SP3", 0.4, 1, 16, "POWER9", (130,), "ssp"),
    Client("old-ledger", "east-s924", "AIX", "7.1 TL5 SP9", 0.5, 1, 24, "POWER8", (110,)),
    Client("licence-x", "east-s1024", "AIX", "7.2 TL4 SP2", 1, 2, 32, "POWER9", more={"migration_disabled": True}),
    Client("vault-1", "west-e1080", "AIX", "7.3 TL1 SP2", 1, 2, 32, "POWER10", (120,), more={"vtpm": True}),
    Client("dw-db1", "west-e980", "AIX", "7.2 TL5 SP6", 16, 16, 1024, "POWER9", (110, 120),
           more=PRODUCTION | {"processors": "dedicated", "sharing": "", "memory_expansion_percent": 125}),
    Client("dw-load", "west-e980", "AIX", "7.2 TL5 SP6", 4, 8, 192, "POWER9", more={"ppt_ratio": 1024, "pool_id": 1}),
    Client("pay-a", "west-e980", "AIX", "7.2 TL5 SP6", 2, 4, 64, "POWER9", more=PRODUCTION | {
        "software": ("PowerHA 7.2.7",)}),
    Client("pay-b", "west-e1080", "AIX", "7.2 TL5 SP6", 2, 4, 64, "POWER9", more=PRODUCTION | {
        "software": ("PowerHA 7.2.7",)}),
    Client("hana-1", "west-e1080", "Linux", "SLES 15 SP4", 12, 12, 1536, "POWER10", (110,),
           more=PRODUCTION | {"processors": "dedicated", "sharing": "", "software": ("SAP HANA",),
                              "persistent_memory": 1}),
    Client("ocp-w1", "west-s1124", "Linux", "RHEL 9.6", 4, 8, 128, "POWER10", more={"secure_boot": True}),
    Client("ocp-w2", "west-s1124", "Linux", "RHEL 9.6", 4, 8, 128, "POWER11"),
    Client("dmz-www", "west-s1124", "AIX", "7.3 TL2 SP1", 0.5, 1, 16, "POWER10", (900,)),
    Client("cold-dr", "west-s1124", "AIX", "7.2 TL5 SP6", 2, 4, 64, "POWER9",
           more={"state": "not activated", "huge_pages": 4}),
    Client("ams-dev1", "west-e980", "AIX", "7.2 TL5 SP3", 0.5, 1, 16, "POWER9", (130,),
           more={"memory_mode": "shared", "io_entitled_mib": 256}),
    Client("mute-1", "west-e980", "AIX", "7.2 TL5 SP6", 0.5, 1, 16, "POWER9", more={"rmc_active": False}),
)
POLICIES = (
    Policy("site-link", "east", "west"),
    Policy("console-link", EAST, WEST, note="mkauthkeys was done between them"),
    Policy("cluster", "pay", "pay-a; pay-b"),
    Policy("keep-apart", "erp applications", "erp-app1; erp-app2"),
    Policy("blackout", "dw-load", "daily 00:30/04:30", note="the nightly load"),
    Policy("memory-ceiling", "*", "95"),
)
BRIDGED = {"ETHERNET0": (110, 120, 130), "DMZ": (900,)}
NPIV_SLOTS, OPTICAL_SLOT = (5, 6), 9
SHARED_DISK = ("gpfs-n1",)
"""Clients whose disk others use too: it is held with PR_shared."""
NAMED_POOLS = tuple(ProcessorPool(name, 1, "batch", 1600) for name in ("west-e980", "west-e1080"))
"""A shared processor pool by name, which west-s1124 has not."""


def viosse(machine: Machine) -> tuple[str, str]:
    """The two VIOSes of a server."""
    return f"{machine.name}-v1", f"{machine.name}-v2"


def _servers() -> Iterator[Server]:
    for number, m in enumerate(MACHINES):
        yield Server(m.name, 100 * m.cores, m.gib * MIB_PER_GIB, m.model, f"78A{number}B{number}0", console=m.console,
                     site=m.name.split("-")[0], firmware_memory_mib=(8 + m.cores // 8) * MIB_PER_GIB,
                     lmb_mib=256, firmware=m.firmware,
                     enterprise=True, max_migrations=16 if m.cores > 24 else 8,
                     memory_expansion_capable=m.model != "9824-42A", console_level=LEVELS[m.console],
                     shared_memory_pool_mib=POOLS.get(m.name), free_pool_mib=POOLS.get(m.name, 512) - 512 or None,
                     trusted_key=TRUSTED.get(m.name, ""), ibmi_mobility_capable=m.model != "9824-42A" or None,
                     secure_boot_capable=m.name != "west-e980" or None,
                     persistent_memory_capable=m.model in ("9105-42A", "9080-HEX") or None,
                     ppt_ratio_capable=m.name in PPT_CAPABLE or None, free_huge_pages=FREE_HUGE_PAGES.get(m.name))


def _vioses() -> Iterator[Vios]:
    for m in MACHINES:
        for number, name in enumerate(viosse(m), 1):
            yield Vios(name, m.name, 200, 16 * MIB_PER_GIB, number, m.vios_level, True, True, 4, "uncapped",
                       link_mbit=m.link, max_migrations=8, cluster="ssp-dev" if m.model == "9105-42A" else "none",
                       paging_devices_mib=(32 * MIB_PER_GIB,) if m.name in POOLS else (),
                       max_virtual_slots=m.slots, used_virtual_slots=12 + sum(c.server == m.name for c in CLIENTS))


def _lpars() -> Iterator[Lpar]:
    for number, c in enumerate(CLIENTS, 10):
        facts: dict[str, Any] = {
            "os": c.os, "os_level": c.level, "environment": "non-production", "state": "running",
            "rmc_active": None if c.os == "IBM i" else True, "sharing": "uncapped", "weight": 128, "pool_id": 0,
            "max_virtual_processors": 2 * c.vps, "hpt_ratio": 128, "current_mode": c.mode, "preferred_mode": c.mode}
        if (c.more.get("processors"), c.more.get("state")) != (None, None):
            facts |= {"weight": None, "pool_id": None} if "processors" in c.more else {"rmc_active": None}
        yield Lpar(c.name, c.server, round(100 * c.cores), c.vps, c.gib * MIB_PER_GIB,
                   (c.gib + c.gib // 4) * MIB_PER_GIB, number, **facts | c.more)


def _bridges() -> Iterator[Bridge]:
    for m in MACHINES:
        for name in viosse(m):
            for number, (switch, vlans) in enumerate(BRIDGED.items()):
                if switch == "ETHERNET0" or m.name.startswith("west-"):
                    mode = "VEPA" if VEPA.get(m.name) == switch else "VEB"
                    yield from (Bridge(name, f"ent{8 + number}", vlan, switch, mode) for vlan in vlans)


def wwpn(name: str, slot: int, of_pair: int) -> str:
    """An invented world wide port name."""
    return f"c050760{zlib.crc32(f'{name}/{slot}'.encode()):08x}{of_pair}"


def _storage() -> tuple[list[Fibre], list[Disk], list[Zoning]]:
    machines = {m.name: m for m in MACHINES}
    fibres, disks, zonings = [], [], []
    for c in CLIENTS:
        lun = f"3321360050763808{zlib.crc32(c.name.encode()):08X}04214503IBMfcp"
        for slot, vios, fabric in zip(NPIV_SLOTS, viosse(machines[c.server]), "AB", strict=True):
            if c.storage == "npiv":
                zoned = None if c.name in ("crm-test", "old-ledger") else True
                fibres.append(Fibre(c.name, slot, vios, wwpn(c.name, slot, 0), wwpn(c.name, slot, 1), f"SAN-{fabric}",
                                    zoned))
            else:
                disks.append(Disk(c.name, slot, lun, vios, "ssp" if c.storage == "ssp" else "lun", f"vtd_{c.name}",
                                  f"vhost{slot}"))
        if c.storage == "vscsi":
            policy = "PR_shared" if c.name in SHARED_DISK else "no_reserve"
            zonings += [Zoning(lun, vios, "hdisk4", policy) for m in MACHINES if m.console == EAST
                        for vios in viosse(m)]
    disks.append(Disk("nim-east", OPTICAL_SLOT, "boot.iso", "east-s1024-v1", "optical", "vtopt_nim",
                      f"vhost{OPTICAL_SLOT}"))
    return fibres, disks, zonings


def modern() -> Estate:
    """The estate."""
    fibres, disks, zonings = _storage()
    return sorted_estate(Estate(
        servers=tuple(_servers()), pools=(*(ProcessorPool(m.name, 0, "DefaultPool") for m in MACHINES), *NAMED_POOLS),
        vioses=tuple(_vioses()), lpars=tuple(_lpars()), bridges=tuple(_bridges()),
        networks=tuple(Network(c.name, 2 + n, vlan, (), "DMZ" if vlan == 900 else "ETHERNET0")
                       for c in CLIENTS for n, vlan in enumerate(c.vlans)),
        disks=tuple(disks), zonings=tuple(zonings), fibres=tuple(fibres),
        ports=tuple(Port(name, f"fcs{n}", f"SAN-{fabric}", m.free_ports)
                    for m in MACHINES for n, (name, fabric) in enumerate(zip(viosse(m), "AB", strict=True))),
        vnics=VNICS,
        sriov=tuple(SriovPort(*port, number=f"1/{port[1][-1]}") for port in SRIOV), policies=POLICIES))


def files() -> dict[str, bytes]:
    """Every file that this script writes, by its name under ``data``."""
    return {"modern/modern.xlsx": workbook_bytes(Loaded(modern()))}

