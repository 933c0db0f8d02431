"""Large estates for benchmarks and tests: the same arguments give the same estate, and ``load`` finds no error in it.

    python benchmarks/scale_estates.py {blocks,ring,open} SERVERS LPARS SEED FILE.json

- ``blocks``: servers in blocks of about 12 that share VLANs and the zoning of their LUNs; an LPAR reaches its block;
- ``ring``: an LPAR on server i reaches the servers i ± 8 of a ring, so the whole site is one component;
- ``open``: every LPAR reaches every server (NPIV only: no site zones a LUN to a thousand VIOSes).

Every server has two VIOSes that bridge the same VLANs and see the same storage; links of 1 and 10 Gbit/s; LPARs of
mixed size, some of them production, some over NPIV, the rest over one to three LUNs on both VIOSes; pools; pairs that
are kept apart; clusters of two; ceilings of 90 and 95 %. Servers are about 50 to 65 % full on average.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from planner.estate.assemble import Loaded
from planner.estate.capacity import lpar_demand, vios_demand
from planner.estate.model import (
    Bridge,
    Disk,
    Estate,
    Fibre,
    Lpar,
    Network,
    Parameter,
    Policy,
    Port,
    ProcessorPool,
    Server,
    Vios,
    Zoning,
)
from planner.estate.saved import dump
from planner.units import round_up

GIB, LMB = 1024, 256
RING_REACH = 8
FILL = 0.57
"""Share of a site that is held, VIOSes included; single servers differ."""
_MOST_FILL = 0.85
_UNITS = (20, 30, 50, 80, 100, 150, 200, 400)
_UNIT_WEIGHTS = (10, 14, 22, 18, 16, 10, 7, 3)
_GIB = (4, 8, 12, 16, 24, 32, 64)
_GIB_WEIGHTS = (14, 26, 20, 18, 10, 9, 3)
_FIRMWARE_MIB = 2048
_SCALES = (0.75, 1.0, 1.0, 1.5)
"""Sizes of servers: a site has bought in several years."""


@dataclass(slots=True)
class _Site:
    """One estate in the making. ``near[i]``: the servers that an LPAR of server i reaches, itself among them."""

    rng: Random
    near: Sequence[Sequence[int]]
    vlans: Sequence[Sequence[int]]
    """VLANs that an LPAR of server i may use."""
    npiv_percent: int
    rows: dict[str, list[Any]] = field(default_factory=dict)
    held: list[list[int]] = field(default_factory=list)
    """Units and MiB that each server holds."""
    hdisks: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, row: Any) -> None:
        self.rows.setdefault(kind, []).append(row)

    def build(self, lpars: int) -> Estate:
        sizes = self.sizes(lpars)
        for number, (units, mib) in enumerate(sizes):
            self.server(number, units, mib)
        homes = self.homes(lpars, [units for units, _ in sizes])
        self.bridges()
        for number, home in enumerate(homes):
            self.lpar(number, home)
        self.pool_limits()
        self.slots()
        self.policies(homes)
        self.add("parameters", Parameter("overhead_s", 45.0, "figures stay those of an IVM"))
        return Estate().replace(**{kind: tuple(rows) for kind, rows in self.rows.items()})

    # ---- servers ------------------------------------------------------------------------------------------------

    def sizes(self, lpars: int) -> list[tuple[int, int]]:
        """Units and MiB of each server, so that the site is ``FILL`` full."""
        mean_units = sum(u * w for u, w in zip(_UNITS, _UNIT_WEIGHTS, strict=True)) / sum(_UNIT_WEIGHTS)
        mean_mib = GIB * sum(g * w for g, w in zip(_GIB, _GIB_WEIGHTS, strict=True)) / sum(_GIB_WEIGHTS)
        each = lpars / len(self.near)
        units, mib = each * mean_units + 150, each * mean_mib * 1.04 + 10 * GIB
        out = []
        for _ in self.near:
            scale = self.rng.choice(_SCALES) / (sum(_SCALES) / len(_SCALES)) / FILL
            out.append((max(800, round_up(round(units * scale), 400)),
                        max(64 * GIB, round_up(round(mib * scale), 16 * GIB))))
        return out

    def server(self, number: int, units: int, mib: int) -> None:
        name = f"srv{number:03d}"
        model, generation, firmware = (
            ("9117-MMB", "POWER7", "AM770_112"), ("9119-FHB", "POWER7", "AH770_098"))[number % 2]
        link = self.rng.choice((1000, 10_000, 10_000, 10_000))
        self.add("servers", Server(
            name, units, mib, model=model, serial=f"10{number:05d}", generation=generation, console="hmc1",
            site="north", firmware_memory_mib=_FIRMWARE_MIB, lmb_mib=LMB, firmware=firmware, enterprise=True,
            max_migrations=8, console_level="V7R7.9.0"))
        self.add("pools", ProcessorPool(name, 0, "DefaultPool"))
        if number % 2:
            self.add("pools", ProcessorPool(name, 1, "licences", 0))
        self.held.append([0, _FIRMWARE_MIB])
        for place in (1, 2):
            vios = Vios(f"{name}-vio{place}", name, 75, 4 * GIB, lpar_id=place, level="2.2.6.65", rmc_active=True,
                        max_virtual_slots=400, msp=True, virtual_processors=4, sharing="uncapped",
                        max_memory_mib=4 * GIB, link_mbit=link)
            demand = vios_demand(vios, self.rows["servers"][-1])
            self.held[-1][0] += demand.units
            self.held[-1][1] += demand.memory_mib
            self.add("vioses", vios)
            self.add("ports", Port(vios.name, "fcs0", "AB"[place - 1], 64))

    def vioses(self, number: int) -> tuple[str, str]:
        return f"srv{number:03d}-vio1", f"srv{number:03d}-vio2"

    def bridges(self) -> None:
        """A server bridges the VLANs of every LPAR that may come to it."""
        wanted: list[set[int]] = [set() for _ in self.near]
        for home, reached in enumerate(self.near):
            for number in reached:
                wanted[number].update(self.vlans[home])
        for number, vlans in enumerate(wanted):
            for vios in self.vioses(number):
                for vlan in sorted(vlans):
                    self.add("bridges", Bridge(vios, "ent8", vlan))

    # ---- partitions ---------------------------------------------------------------------------------------------

    def homes(self, lpars: int, sizes: Sequence[int]) -> list[int]:
        """A server for each LPAR, by size of the servers, in an order that follows the servers."""
        return sorted(self.rng.choices(range(len(sizes)), weights=sizes, k=lpars))

    def lpar(self, number: int, home: int) -> None:
        rng = self.rng
        units = rng.choices(_UNITS, _UNIT_WEIGHTS)[0]
        memory = GIB * rng.choices(_GIB, _GIB_WEIGHTS)[0]
        row = Lpar(
            f"lp{number:05d}", "", units, rng.randint(-(-units // 100), min(units // 10, -(-units // 100) + 2)),
            memory, round_up(memory * rng.choice((4, 4, 5, 8)) // 4, LMB),
            lpar_id=rng.randint(3, 40) if rng.randrange(20) == 0 else 100 + number, os="AIX",
            os_level="7100-05-09-2114", environment="production" if rng.randrange(10) < 3 else "non-production",
            state="running", rmc_active=True, sharing="uncapped", weight=128, current_mode="POWER7",
            preferred_mode="default", software=("Oracle 11.2.0.4",) if rng.randrange(8) == 0 else (),
            pool_id=0)
        home = self.room_for(row, home)
        pooled = home % 2 == 1 and rng.randrange(6) == 0
        self.add("lpars", self.named(row, home, int(pooled)))
        self.wire(row.name, home)

    def named(self, row: Lpar, home: int, pool_id: int) -> Lpar:
        server = f"srv{home:03d}"
        taken = {p.lpar_id for p in self.rows.get("lpars", ())[-200:] if p.server == server}
        own = row.lpar_id if row.lpar_id not in taken else 100 + int(row.name[2:])
        return replace(row, server=server, pool_id=pool_id, lpar_id=own)

    def room_for(self, row: Lpar, home: int) -> int:
        """The wanted server, or the next with room; counts what it holds from then on."""
        for step in range(len(self.near)):
            number = (home + step) % len(self.near)
            server, held = self.rows["servers"][number], self.held[number]
            demand = lpar_demand(row, server)
            if (held[0] + demand.units <= _MOST_FILL * server.configurable_units
                    and held[1] + demand.memory_mib <= _MOST_FILL * server.configurable_memory_mib):
                held[0] += demand.units
                held[1] += demand.memory_mib
                return number
        raise ValueError("the site has no room for another LPAR")

    def wire(self, lpar: str, home: int) -> None:
        rng, vlans = self.rng, self.vlans[home]
        first = rng.choice(list(vlans))
        self.add("networks", Network(lpar, 2, first))
        if len(vlans) > 1 and rng.randrange(10) < 3:
            self.add("networks", Network(lpar, 3, rng.choice([v for v in vlans if v != first])))
        both = self.vioses(home)
        number = int(lpar[2:])
        if rng.randrange(100) < self.npiv_percent:
            for place, vios in enumerate(both):
                wwpn = f"c05076{number:06x}{place:02x}"
                self.add("fibres", Fibre(lpar, 10 + place, vios, f"{wwpn}00", f"{wwpn}01", "AB"[place], True))
            return
        for disk in range(rng.randint(1, 3)):
            lun = f"6005076801{number:06x}{disk:02x}"
            for place, vios in enumerate(both):
                self.add("disks", Disk(lpar, 10 + place, lun, vios, "lun", f"vt{number}_{disk}"))
            for reached in self.near[home]:
                for vios in self.vioses(reached):
                    hdisk = self.hdisks.get(vios, 0)
                    self.hdisks[vios] = hdisk + 1
                    self.add("zonings", Zoning(lun, vios, f"hdisk{hdisk}", "no_reserve"))

    # ---- policies -----------------------------------------------------------------------------------------------

    def pool_limits(self) -> None:
        """Licence pools with half as much again as they hold now."""
        used: dict[str, int] = {}
        for p in self.rows["lpars"]:
            if p.pool_id == 1:
                used[p.server] = used.get(p.server, 0) + p.entitlement_units
        self.rows["pools"] = [
            p if p.pool_id == 0 else replace(p, max_units=round_up(max(used.get(p.server, 0) * 3 // 2, 200), 100))
            for p in self.rows["pools"]]

    def slots(self) -> None:
        """Every VIOS states the virtual slots that it uses: its own, and one for each client adapter."""
        served = Counter(vios for _, _, vios in {
            (row.lpar, row.slot, row.vios) for kind in ("disks", "fibres") for row in self.rows.get(kind, ())})
        self.rows["vioses"] = [replace(v, used_virtual_slots=6 + served[v.name]) for v in self.rows["vioses"]]

    def policies(self, homes: Sequence[int]) -> None:
        by_home: dict[int, list[str]] = {}
        for p in self.rows["lpars"]:
            by_home.setdefault(int(p.server[3:]), []).append(p.name)
        self.add("policies", Policy("cpu-ceiling", "*", "90"))
        self.add("policies", Policy("memory-ceiling", "*", "95"))
        used: set[str] = set()
        for kind, word, number in (("cluster", "ha", len(homes) // 60), ("keep-apart", "pair", len(homes) // 25)):
            for n in range(number):
                pair = self.pair(by_home, used)
                if pair:
                    self.add("policies", Policy(kind, f"{word}{n:04d}", "; ".join(pair)))

    def pair(self, by_home: dict[int, list[str]], used: set[str]) -> tuple[str, ...]:
        """Two LPARs of two servers that reach each other, neither in a group yet; () when chance finds none."""
        for _ in range(20):
            home = self.rng.choice(sorted(by_home))
            other = self.rng.choice(list(self.near[home]))
            if other == home or other not in by_home:
                continue
            chosen = self.rng.choice(by_home[home]), self.rng.choice(by_home[other])
            if not used & set(chosen):
                used.update(chosen)
                return chosen
        return ()


def blocks(servers: int, lpars: int, seed: int = 1, block: int = 12) -> Estate:
    """Blocks of about ``block`` servers that share nothing with each other but the fabrics."""
    count = max(1, round(servers / block))
    block_of = [n * count // servers for n in range(servers)]
    members = [[n for n in range(servers) if block_of[n] == b] for b in range(count)]
    vlans = [(100 + 2 * b, 101 + 2 * b) for b in block_of]
    return _Site(Random(f"blocks {seed}"), [members[b] for b in block_of], vlans, 40).build(lpars)


def ring(servers: int, lpars: int, seed: int = 1, reach: int = RING_REACH) -> Estate:
    """Each server's LPARs have their own VLAN, bridged by the ``reach`` servers on both sides."""
    near = [sorted({(n + step) % servers for step in range(-reach, reach + 1)}) for n in range(servers)]
    return _Site(Random(f"ring {seed}"), near, [(100 + n,) for n in range(servers)], 40).build(lpars)


def open_estate(servers: int, lpars: int, seed: int = 1) -> Estate:
    """Two VLANs for all, all storage over NPIV."""
    everywhere = list(range(servers))
    return _Site(Random(f"open {seed}"), [everywhere] * servers, [(100, 101)] * servers, 100).build(lpars)


SHAPES: dict[str, Callable[[int, int, int], Estate]] = {"blocks": blocks, "ring": ring, "open": open_estate}


def save(estate: Estate, path: Path) -> Path:
    """The estate as the planner saves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(Loaded(estate)), encoding="utf-8")
    return path


if __name__ == "__main__":
    shape, number_of_servers, number_of_lpars, chosen_seed, file = sys.argv[1:]
    save(SHAPES[shape](int(number_of_servers), int(number_of_lpars), int(chosen_seed)), Path(file))
