"""Random valid estates whose facts exports can state: for property tests and for the synthetic sites.

``random_estate(seed, lpars, servers)`` gives the same estate for the same arguments; ``estates()`` is a strategy
over the same builder, so that a failing estate shrinks. Every estate is valid (``checked`` finds no error) and leaves
empty what no export says: environment, site, policies, the load of a partition. Each server has two VIOSes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from planner.estate.capacity import Demand, lpar_demand, vios_demand
from planner.estate.catalogue import MODELS, MODES, min_units_per_vp
from planner.estate.model import (
    DEFAULT_VSWITCH,
    Bridge,
    Disk,
    Estate,
    Fibre,
    Lpar,
    Network,
    Port,
    ProcessorPool,
    Server,
    Vios,
    Zoning,
)
from planner.units import round_up

CONSOLE = "hmc1"
_SECOND_VSWITCH = "vsw-dmz"
_WORDS = ("birch", "tidal db", "ledger", "pay roll", "erp", "quarry.web", "elm_x", "a-b", "Ü berlin", "web, old")
_LEVELS = {
    "AIX": ("6100-09-12-1846", "7100-05-09-2114", "7200-05-03-2136"), "Linux": ("4.12.14-197", "3.0.101"),
    "IBM i": ("7.3", "7.4")}
_VIOS_LEVELS = ("2.2.6.65", "2.1.3.10", "3.1.2.21")


@dataclass(slots=True)
class _Builder:
    """Draws one estate; ``slots`` is the next free slot of each LPAR, ``hdisks`` the disks of each VIOS so far."""

    rng: Random
    rows: dict[str, list[Any]] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    hdisks: dict[str, int] = field(default_factory=dict)
    luns: int = 0
    wwpns: int = 0

    def add(self, kind: str, row: Any) -> None:
        self.rows.setdefault(kind, []).append(row)

    def of(self, kind: str) -> list[Any]:
        return self.rows.get(kind, [])

    def chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def pick(self, choices: Any) -> Any:
        return self.rng.choice(list(choices))

    def slot(self, lpar: str) -> int:
        self.slots[lpar] = self.slots.get(lpar, 1) + 1
        return self.slots[lpar]

    def build(self, lpars: int, servers: int) -> Estate:
        for number in range(servers):
            self.server(number)
        for number in range(lpars):
            self.lpar(number)
        for vios in self.of("vioses"):
            self.add("zonings", Zoning(self.lun(), vios.name, self.hdisk(vios.name), "single_path"))
        return with_vhosts(self.sized())

    # ---- servers ------------------------------------------------------------------------------------------------

    def server(self, number: int) -> None:
        model = self.pick(sorted(MODELS))
        generation = MODELS[model][0]
        name = f"{self.pick(('north', 'east rack', 'Server'))} {model} {number}".replace(" ", self.pick(" -_"))
        server = Server(
            name, 0, 0, model=model, serial=f"{6 + number % 4}{number:04X}F{self.rng.randrange(10)}",
            generation=generation, console=CONSOLE, firmware_memory_mib=256 * self.rng.randint(2, 20),
            lmb_mib=self.pick((64, 128, 256)), enterprise=self.chance(90),
            min_units_per_vp=min_units_per_vp(generation), max_migrations=self.pick((4, 8, 16)),
            max_inactive_migrations=4 + number % 5, state="operating")
        self.add("servers", server)
        self.pools(server)
        self.vioses(server, number)
        self.bridges(server)

    def pools(self, server: Server) -> None:
        self.add("pools", ProcessorPool(server.name, 0, "DefaultPool"))
        if self.chance(50):
            self.add("pools", ProcessorPool(server.name, self.rng.randint(1, 63), self.pick(("db pool", "licences")),
                                            100 * self.rng.randint(50, 99), self.pick((0, 50))))

    def vioses(self, server: Server, number: int) -> None:
        ids = [1, 2] if self.chance(80) else [2, 7]
        level = self.pick(_VIOS_LEVELS)
        for place, lpar_id in enumerate(ids, 1):
            dedicated = self.chance(20)
            processors = self.rng.randint(1, 3)
            memory = server.lmb_mib * self.rng.randint(16, 32)
            self.add("vioses", Vios(
                f"vio{number}{'ab'[place - 1]}", server.name,
                100 * processors if dedicated else 100 * processors - 10 * self.rng.randint(0, 5), memory,
                lpar_id=lpar_id, level=level, rmc_active=self.chance(95), msp=self.chance(90),
                virtual_processors=processors,
                sharing="dedicated" if dedicated else self.pick(("capped", "uncapped")),
                max_memory_mib=memory * self.rng.randint(1, 2), max_virtual_slots=1000))

    def pair(self, server: str) -> list[Vios]:
        return [v for v in self.of("vioses") if v.server == server]

    def bridges(self, server: Server) -> None:
        """Both VIOSes bridge the same VLANs; more than 20 tags do not fit on one trunk adapter."""
        seas = [("ent6", DEFAULT_VSWITCH)] + ([("ent9", _SECOND_VSWITCH)] if self.chance(30) else [])
        for sea, vswitch in seas:
            most = 45 if self.chance(10) else 6
            for vlan in sorted(self.rng.sample(range(2, 4095), self.rng.randint(1, most))):
                for vios in self.pair(server.name):
                    self.add("bridges", Bridge(vios.name, sea, vlan, vswitch))

    # ---- partitions ---------------------------------------------------------------------------------------------

    def lpar(self, number: int) -> None:
        server = self.pick(self.of("servers"))
        name = f"{self.pick(_WORDS)}{number:02d}"
        running = self.chance(85)
        memory = server.lmb_mib * self.rng.randint(4, 64)
        kind = self.pick(("AIX", "AIX", "AIX", "Linux", "IBM i"))
        self.add("lpars", Lpar(
            name=name, server=server.name, lpar_id=self.partition_id(server.name), memory_mib=memory,
            max_memory_mib=memory + server.lmb_mib * self.rng.randint(0, 64), os=kind,
            os_level=self.pick(_LEVELS[kind]), state="running" if running else "not activated",
            rmc_active=self.chance(90) if running else None, hpt_ratio=self.pick((64, 64, 128)),
            never_activated=None if running else number % 7 == 0,
            current_mode=self.pick(MODES[server.generation]) if running else "", preferred_mode="default",
            huge_pages=self.pick((0, 0, 0, 2)), error_path_reporting=self.chance(5),
            workload_group=self.pick(("", "", "", "7")),
            physical_adapters=("U5877.001.00Z9Z9Z-P1-C3",) if self.chance(5) else (), **_hindrances(name),
            **self.processors(server)))
        self.networks(name, server)
        if self.chance(70):
            self.vscsi(name, server)
        if self.chance(40):
            self.npiv(name, server)

    def partition_id(self, server: str) -> int:
        used = {p.lpar_id for kind in ("vioses", "lpars") for p in self.of(kind) if p.server == server}
        return self.pick(n for n in range(3, 60 + len(used)) if n not in used)

    def processors(self, server: Server) -> dict[str, Any]:
        number = self.rng.randint(1, 6)
        stated: dict[str, Any] = {"virtual_processors": number,
                                  "max_virtual_processors": number + self.rng.randint(0, 8)}
        if self.chance(20):
            return stated | {"processors": "dedicated", "entitlement_units": 100 * number,
                             "sharing": self.pick(("capped", "donating"))}
        capped = self.chance(30)
        pools = [p.pool_id for p in self.of("pools") if p.server == server.name]
        return stated | {
            "entitlement_units": self.rng.randint((server.min_units_per_vp or 10) * number, 100 * number),
            "sharing": "capped" if capped else "uncapped", "weight": 0 if capped else self.rng.randint(1, 255),
            "pool_id": self.pick(pools)}

    def networks(self, lpar: str, server: Server) -> None:
        first = self.pair(server.name)[0].name
        for vswitch in (DEFAULT_VSWITCH, _SECOND_VSWITCH):
            vlans = [b.vlan for b in self.of("bridges") if (b.vios, b.vswitch) == (first, vswitch)]
            if vlans and (vswitch == DEFAULT_VSWITCH or self.chance(50)):
                used = self.rng.sample(vlans, min(len(vlans), self.pick((1, 1, 2, 4))))
                self.add("networks", Network(lpar, self.slot(lpar), used[0], tuple(sorted(used[1:])), vswitch))

    # ---- storage ------------------------------------------------------------------------------------------------

    def lun(self) -> str:
        self.luns += 1
        return f"00f6{self.rng.randrange(16**6):06x}{self.luns:06x}"

    def hdisk(self, vios: str) -> str:
        self.hdisks[vios] = self.hdisks.get(vios, 0) + 1
        return f"hdisk{self.hdisks[vios] - 1}"

    def vscsi(self, lpar: str, server: Server) -> None:
        """One client adapter for each VIOS that serves it; a LUN over all of them, or over one."""
        serving = self.pair(server.name)[:self.pick((1, 2, 2))]
        slots = {vios.name: self.slot(lpar) for vios in serving}
        for number in range(self.rng.randint(1, 3)):
            lun = self.lun()
            for vios in serving if self.chance(80) else serving[:1]:
                self.add("disks", Disk(lpar, slots[vios.name], lun, vios.name, "lun", f"vt{self.luns:04d}_{number}"))
            self.zone(lun, server)
        if self.chance(15):
            backing, device = self.pick((("lv", f"lv_{self.luns}"), ("optical", "/var/vio/VMLibrary/install.iso"),
                                         ("file", f"/var/vio/storagepools/p/f{self.luns}"),
                                         ("ssp", f"lu{self.luns}.00ab12cd34ef56ab78cd90ef12ab34cd")))
            self.add("disks", Disk(lpar, slots[serving[0].name], device, serving[0].name, backing,
                                   f"vx{self.luns:04d}"))

    def zone(self, lun: str, home: Server) -> None:
        policy = "no_reserve" if self.chance(90) else "single_path"
        for server in self.of("servers"):
            if server.name == home.name or self.chance(70):
                for vios in self.pair(server.name):
                    self.add("zonings", Zoning(lun, vios.name, self.hdisk(vios.name), policy))

    def npiv(self, lpar: str, server: Server) -> None:
        for number, vios in enumerate(self.pair(server.name)):
            self.wwpns += 2
            fabric = "AB"[number]
            self.add("fibres", Fibre(lpar, self.slot(lpar), vios.name, f"c0507600{self.wwpns:08x}",
                                     f"c0507600{self.wwpns + 1:08x}", fabric, port="fcs0"))
            if not any(p.vios == vios.name for p in self.of("ports")):
                self.add("ports", Port(vios.name, "fcs0", fabric))

    # ---- sizes --------------------------------------------------------------------------------------------------

    def sized(self) -> Estate:
        """Every server with room for what it holds and something to spare."""
        self.rows["servers"] = [self.large_enough(s) for s in self.of("servers")]
        return Estate().replace(**{kind: tuple(rows) for kind, rows in self.rows.items()})

    def large_enough(self, server: Server) -> Server:
        held = sum(self.demands(server), Demand(0, server.firmware_memory_mib or 0))
        reserved = sum(p.reserved_units for p in self.of("pools") if p.server == server.name)
        return Server(**{name: getattr(server, name) for name in Server.__dataclass_fields__} | {
            "configurable_units": round_up(held.units + reserved, 100) + 100 * self.rng.randint(0, 8),
            "configurable_memory_mib": round_up(held.memory_mib, server.lmb_mib or 1) + 1024 * self.rng.randint(0, 64)})

    def demands(self, server: Server) -> Iterator[Demand]:
        yield from (vios_demand(v, server) for v in self.pair(server.name))
        yield from (lpar_demand(p, server) for p in self.of("lpars") if p.server == server.name and p.active)


def _hindrances(name: str) -> dict[str, Any]:
    """What rarely stands in the way of a move; drawn by the name, so that the rest of an estate does not depend on it."""
    rng = Random(name)
    return {"lhea": rng.random() < 0.03, "sriov_ports": rng.choice((0,) * 30 + (2,)),
            "bsr_arrays": rng.choice((0,) * 30 + (1,)), "vnic_adapters": rng.choice((0, 0, 1)),
            "migration_disabled": rng.random() < 0.03, "vtpm": rng.random() < 0.1,
            "memory_expansion_percent": rng.choice((0, 0, 0, 125, 150))}


def with_vhosts(estate: Estate) -> Estate:
    """Server adapters numbered as tests/site_writer.py numbers them: by client and slot on each VIOS."""
    names: dict[tuple[str, str, int], str] = {}
    counts: dict[str, int] = {}
    for vios, lpar, slot in sorted({(d.vios, d.lpar, d.slot) for d in estate.disks}):
        number = counts.get(vios, 0)
        counts[vios] = number + 1
        names[vios, lpar, slot] = f"vhost{number}"
    return estate.replace(disks=tuple(replace(d, vhost=names[d.vios, d.lpar, d.slot]) for d in estate.disks))


def random_estate(seed: int, lpars: int = 6, servers: int = 2) -> Estate:
    """The estate of this seed."""
    return _Builder(Random(seed)).build(lpars, servers)


def estates(lpars: int = 5, servers: int = 3) -> st.SearchStrategy[Estate]:
    """Estates of 1 to so many LPARs and servers."""
    return st.builds(
        lambda rng, count, boxes: _Builder(rng).build(count, boxes),
        st.randoms(use_true_random=False), st.integers(1, lpars), st.integers(1, servers))
