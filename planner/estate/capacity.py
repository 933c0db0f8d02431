"""Processor and memory arithmetic of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.estate.catalogue import min_units_per_vp as _generation_minimum
from planner.estate.model import Estate, Lpar, ProcessorPool, Server, Vios
from planner.findings import Finding, Severity, Source
from planner.grouping import grouped
from planner.units import power_of_two_at_least, round_up

SERIAL_SLOTS = 2
"""Slots 0 and 1 of every partition hold serial adapters (HMC V7R3.4 help, VEthernetAdapter.AdapterID)."""


def too_many_slots(name: str, used: int, most: int, source: Source | None) -> Finding:
    """What is said of a partition with more adapters in virtual slots than it has slots."""
    return Finding("estate.slots-above-maximum", Severity.WARNING, name, f"{name} uses {used} virtual slots and has "
                   f"{most}", "one of the two is wrong, or older than the other: lshwres -r virtualio --rsubtype slot "
                   "--level lpar", source)


def hash_page_table_mib(max_memory_mib: int, ratio: int = 64) -> int:
    """Hash page table: maximum memory / 64, rounded up to a power of two, in MiB.

    Source: i5 LPAR redbook p. 29 (10,752 MB / 64 = 168 → 256 MB); the seed shows 64 MiB for 4 GiB.
    """
    return power_of_two_at_least(-(-max_memory_mib // ratio)) if max_memory_mib > 0 else 0


def min_units_per_vp(server: Server) -> int:
    """Hundredths of a core that a virtual processor needs on this server."""
    return server.min_units_per_vp if server.min_units_per_vp is not None else _generation_minimum(server.generation)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a partition holds of a server: hundredths of a core and MiB."""

    units: int
    memory_mib: int

    def __add__(self, other: Demand) -> Demand:
        return Demand(self.units + other.units, self.memory_mib + other.memory_mib)

    def __sub__(self, other: Demand) -> Demand:
        return Demand(self.units - other.units, self.memory_mib - other.memory_mib)


def lpar_demand(lpar: Lpar, server: Server) -> Demand:
    """What an active LPAR holds on this server: entitlement; memory rounded up to the LMB plus hash page table.

    A partition in shared memory mode (AMS) lives in the server's shared memory pool, which is counted whole with
    the server, so only its hash page table is counted here.
    """
    memory = 0 if lpar.memory_mode == "shared" else round_up(lpar.memory_mib, server.lmb_mib or 0)
    return Demand(lpar.entitlement_units, memory + hash_page_table_mib(lpar.max_memory_mib, lpar.hpt_ratio))


def vios_demand(vios: Vios, server: Server) -> Demand:
    """What a VIOS holds on its server."""
    table = hash_page_table_mib(vios.max_memory_mib or vios.memory_mib)
    return Demand(vios.entitlement_units, round_up(vios.memory_mib, server.lmb_mib or 0) + table)


def base_demand(server: Server, vioses: Iterable[Vios], pools: Iterable[ProcessorPool]) -> Demand:
    """What a server holds without any client: its VIOSes, firmware, shared memory pool, reserved units of its pools."""
    own = Demand(sum(pool.reserved_units for pool in pools),
                 (server.firmware_memory_mib or 0) + (server.shared_memory_pool_mib or 0))
    return sum((vios_demand(vios, server) for vios in vioses), own)


def held_by_servers(estate: Estate, where: Mapping[str, str]) -> dict[str, Demand]:
    """What each server holds when active LPARs stand like that (LPAR → server)."""
    servers = {s.name: s for s in estate.servers}
    vioses, pools = grouped((v.server, v) for v in estate.vioses), grouped((p.server, p) for p in estate.pools)
    base = {n: base_demand(s, vioses.get(n, ()), pools.get(n, ())) for n, s in servers.items()}
    units, memory = ({n: getattr(d, of) for n, d in base.items()} for of in ("units", "memory_mib"))
    for p in estate.lpars:
        if (place := where.get(p.name)) in servers:
            more = lpar_demand(p, servers[place])
            units[place] += more.units
            memory[place] += more.memory_mib
    return {n: Demand(units[n], memory[n]) for n in servers}
