"""Impossibilities and gaps of an estate: what no site can be, and what a plan will have to assume."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from planner.estate.assemble import Loaded
from planner.estate.capacity import SERIAL_SLOTS, held_by_servers, min_units_per_vp, too_many_slots
from planner.estate.catalogue import generation_of
from planner.estate.model import GENERATIONS, STATES, TABLE, TABLES, Estate, EstateColumn, Lpar, Server, Type
from planner.estate.parameters import LIMITS, RATE, movers_in
from planner.findings import Finding, Severity, ordered
from planner.units import show_cores, show_gib, some


@dataclass(frozen=True, slots=True)
class _Check:
    loaded: Loaded

    def finding(self, severity: Severity, rule: str, kind: str, key: tuple[object, ...], name: str, message: str,
                fix: str) -> Finding:
        return Finding(rule, severity, str(key[0]), message, fix, self.loaded.source(kind, key, name))


def _limits(c: _Check) -> Iterator[Finding]:
    """Numbers that nothing can have: with them no sum is worth making."""
    for table in TABLES:
        rows = getattr(c.loaded.estate, table.kind)
        for column in (one for one in table.columns if one.bounded):
            for row, number, wrong in _outside(rows, column):
                key = table.key_of(row)
                what = f"{' / '.join(map(str, key))}: {column.header}{_stated(column, number)}"
                yield c.finding(Severity.ERROR, "input.bad-value", table.kind, key, column.field, f"{what} {wrong}",
                                "correct it")


def _outside(rows: Sequence[Any], column: EstateColumn) -> Iterator[tuple[Any, float, str]]:
    """The rows with a number that the column cannot have, and what is wrong with it."""
    values = list(map(attrgetter(column.field), rows))
    outside = {n: wrong for v in set(values) for n in _numbers(v) if (wrong := column.outside(n))}
    for row, stated in zip(rows, values, strict=True) if outside else ():
        yield from ((row, n, outside[n]) for n in _numbers(stated) if n in outside)


def _numbers(value: Any) -> Iterable[int | float]:
    return (n for n in (value if isinstance(value, tuple) else (value,)) if isinstance(n, (int, float)))


def _stated(column: EstateColumn, number: float) -> str:
    """The number, where the sheet has it as the program does."""
    return "" if column.type in (Type.CORES, Type.GIB) else f": {str(number)[:30]}"


def _references(c: _Check) -> Iterator[Finding]:
    e = c.loaded.estate
    servers = {s.name for s in e.servers}
    vioses = {v.name for v in e.vioses}
    lpars = {p.name for p in e.lpars}
    broken = {values.get("name") for _, values in c.loaded.partial}
    for kind, name, known, sheet in (
            ("pools", "server", servers, "Servers"), ("vioses", "server", servers, "Servers"),
            ("lpars", "server", servers, "Servers"), ("bridges", "vios", vioses, "VIOS"),
            ("networks", "lpar", lpars, "LPARs"), ("disks", "lpar", lpars, "LPARs"), ("disks", "vios", vioses, "VIOS"),
            ("zonings", "vios", vioses, "VIOS"), ("fibres", "lpar", lpars, "LPARs"),
            ("fibres", "vios", vioses, "VIOS"), ("ports", "vios", vioses, "VIOS"),
            ("vnics", "lpar", lpars, "LPARs"), ("vnics", "vios", vioses | {""}, "VIOS"),
            ("sriov", "server", servers, "Servers")):
        rows = getattr(e, kind)
        strange = set(map(attrgetter(name), rows)) - known - broken
        for row in rows if strange else ():
            value = getattr(row, name)
            if value in strange:
                whole = name == "server"
                about = "" if whole else f"; {row.lpar} is not planned" if hasattr(row, "lpar") and (
                    name == "vios") else "; not counted"
                yield c.finding(Severity.ERROR if whole else Severity.WARNING, "input.unknown-name", kind,
                                TABLE[kind].key_of(row), name, f"{value!r} is not in sheet {sheet}{about}",
                                f"correct the name or add it to {sheet}")


def _states(c: _Check) -> Iterator[Finding]:
    for p in c.loaded.estate.lpars:
        if p.state and p.state not in STATES:
            yield c.finding(Severity.WARNING, "input.unknown-state", "lpars", (p.name,), "state", f"state {p.state!r} "
                            "is no word of the HMC: it counts as active", "one of " + ", ".join(STATES))


def _homes(c: _Check) -> Iterator[Finding]:
    servers = {s.name for s in c.loaded.estate.servers}
    for p in c.loaded.estate.lpars:
        if p.home and p.home not in servers:
            yield c.finding(Severity.WARNING, "input.unknown-name", "lpars", (p.name,), "home",
                            f"home {p.home!r} is not in sheet Servers: not counted", "correct the name")


def _names(c: _Check) -> Iterator[Finding]:
    e = c.loaded.estate
    vioses = {v.name for v in e.vioses}
    for p in e.lpars:
        if p.name in vioses:
            yield c.finding(Severity.WARNING, "input.duplicate", "lpars", (p.name,), "name",
                            f"{p.name} stands among the LPARs and the VIOSes; not planned", "keep it where it belongs")
    seen: dict[tuple[str, int], str] = {}
    for kind, name, server, lpar_id in [("vioses", v.name, v.server, v.lpar_id) for v in e.vioses] + [
            ("lpars", p.name, p.server, p.lpar_id) for p in e.lpars]:
        if lpar_id is None:
            continue
        other = seen.setdefault((server, lpar_id), name)
        if other != name:
            yield c.finding(Severity.WARNING, "estate.duplicate-id", kind, (name,), "lpar_id",
                            f"{name} and {other} both have partition id {lpar_id} on {server}",
                            "one of the two is wrong: a server gives an id once")


def _lpar_arithmetic(c: _Check) -> Iterator[Finding]:
    servers = {s.name: s for s in c.loaded.estate.servers}
    for p in c.loaded.estate.lpars:
        server = servers.get(p.server)
        if server is not None:
            yield from _entitlement(c, p, server)
            yield from _memory(c, p, server)


def _entitlement(c: _Check, p: Lpar, server: Server) -> Iterator[Finding]:
    key = (p.name,)
    if p.processors == "dedicated":
        if p.entitlement_units % 100 or p.entitlement_units != p.virtual_processors * 100:
            yield c.finding(Severity.WARNING, "estate.dedicated", "lpars", key, "entitlement_units",
                            f"{p.name} is dedicated: {show_cores(p.entitlement_units)} cores for "
                            f"{p.virtual_processors} processors", "dedicated partitions hold whole cores")
        return
    least = min_units_per_vp(server)
    if p.entitlement_units < least * p.virtual_processors:
        yield c.finding(
            Severity.WARNING, "estate.entitlement-per-vp", "lpars", key, "entitlement_units",
            f"{p.name}: {show_cores(p.entitlement_units)} cores for {p.virtual_processors} virtual processors; "
            f"{server.generation or 'this server'} needs {show_cores(least)} for each",
            "correct the entitlement or the number of virtual processors")
    if p.entitlement_units > 100 * p.virtual_processors:
        yield c.finding(Severity.WARNING, "estate.entitlement-above-vp", "lpars", key, "entitlement_units",
                        f"{p.name}: {show_cores(p.entitlement_units)} cores on {p.virtual_processors} virtual "
                        "processors; one carries at most 1.00", "correct one of the two")
    if p.max_virtual_processors is not None and p.max_virtual_processors < p.virtual_processors:
        yield c.finding(Severity.WARNING, "estate.vp-above-max", "lpars", key, "max_virtual_processors",
                        f"{p.name}: {p.virtual_processors} virtual processors, maximum {p.max_virtual_processors}",
                        "correct one of the two")


def _memory(c: _Check, p: Lpar, server: Server) -> Iterator[Finding]:
    key = (p.name,)
    if p.memory_mib > p.max_memory_mib:
        yield c.finding(Severity.WARNING, "estate.memory-above-max", "lpars", key, "max_memory_mib",
                        f"{p.name}: {show_gib(p.memory_mib)} GiB of memory, maximum {show_gib(p.max_memory_mib)}",
                        "correct one of the two")
    if p.memory_mib <= 0 and p.active:
        yield c.finding(Severity.WARNING, "estate.no-memory", "lpars", key, "memory_mib",
                        f"{p.name} runs without memory", "give its memory, or the state 'not activated'")
    if server.lmb_mib and p.memory_mib % server.lmb_mib:
        yield c.finding(Severity.WARNING, "estate.memory-not-lmb", "lpars", key, "memory_mib",
                        f"{p.name}: {p.memory_mib} MiB is not a multiple of the LMB of {p.server} "
                        f"({server.lmb_mib} MiB); counted as the next multiple", "check the LMB")


def _server_sums(c: _Check) -> Iterator[Finding]:
    e = c.loaded.estate
    held = held_by_servers(e, {p.name: p.server for p in e.lpars if p.active})
    for s in e.servers:
        units, used = held[s.name].units, held[s.name].memory_mib
        if units > s.configurable_units > 0:
            yield c.finding(Severity.WARNING, "estate.server-over-cores", "servers", (s.name,), "configurable_units",
                            f"{s.name}: partitions hold {show_cores(units)} cores of "
                            f"{show_cores(s.configurable_units)} configurable: nobody is let in",
                            "one of the figures is wrong")
        if used > s.configurable_memory_mib > 0:
            yield c.finding(Severity.WARNING, "estate.server-over-memory", "servers", (s.name,),
                            "configurable_memory_mib",
                            f"{s.name}: {show_gib(used)} GiB held of "
                            f"{show_gib(s.configurable_memory_mib)} configurable: nobody is let in",
                            "one of the figures is wrong")


def _pool_sums(c: _Check) -> Iterator[Finding]:
    e = c.loaded.estate
    known = {(p.server, p.pool_id) for p in e.pools}
    entitled: dict[tuple[str, int], int] = defaultdict(int)
    for p in e.lpars:
        if p.processors == "shared" and p.active:
            entitled[(p.server, p.pool_id or 0)] += p.entitlement_units
            if p.pool_id and (p.server, p.pool_id) not in known:
                yield c.finding(Severity.WARNING, "input.unknown-name", "lpars", (p.name,), "pool_id",
                                f"{p.name}: pool {p.pool_id} of {p.server} is not in sheet Pools: no maximum is known",
                                "add it to Pools, or give lshwres -r procpool")
    for pool in e.pools:
        used = entitled[(pool.server, pool.pool_id)] + pool.reserved_units
        if pool.max_units is not None and used > pool.max_units:
            yield c.finding(Severity.WARNING, "estate.pool-over-maximum", "pools", (pool.server, pool.pool_id),
                            "max_units", f"pool {pool.pool_id} of {pool.server}: entitled and reserved "
                            f"{show_cores(used)} cores, maximum {show_cores(pool.max_units)}: nobody is let in",
                            "one of the figures is wrong")


def _ignorable(e: Estate) -> set[str]:
    return {w.strip() for p in e.policies if p.kind == "ignorable-vlan" and p.active
            for w in f"{p.subject};{p.value}".replace(",", ";").split(";") if w.strip()}


def _vlans(c: _Check) -> Iterator[Finding]:
    e = c.loaded.estate
    bridged = {(b.vswitch, b.vlan) for b in e.bridges}
    ignorable = _ignorable(e)
    for n in e.networks:
        for vlan in (n.vlan, *n.tagged):
            if (n.vswitch, vlan) not in bridged and str(vlan) not in ignorable:
                yield c.finding(Severity.WARNING, "input.unknown-vlan", "networks", (n.lpar, n.slot), "vlan",
                                f"{n.lpar} uses VLAN {vlan} (switch {n.vswitch}), which no VIOS bridges",
                                "add it to VLANs, correct it, or state the policy ignorable-vlan")


def _storage(c: _Check) -> Iterator[Finding]:
    unzoned = {(d.lun, d.vios) for d in c.loaded.estate.disks if d.backing == "lun"}
    unzoned.difference_update(map(attrgetter("lun", "vios"), c.loaded.estate.zonings))
    for d in c.loaded.estate.disks if unzoned else ():
        if d.backing == "lun" and (d.lun, d.vios) in unzoned:
            yield c.finding(Severity.WARNING, "estate.lun-not-zoned", "disks", (d.lpar, d.slot, d.lun, d.vios), "lun",
                            f"{d.lpar} has LUN {d.lun} through {d.vios}, but Zoning does not show it there",
                            "add the row to Zoning")


def _pairs_of_wwpns(c: _Check) -> Iterator[Finding]:
    seen: dict[str, tuple[str, int]] = {}
    for f in c.loaded.estate.fibres:
        for wwpn in filter(None, (f.wwpn1, f.wwpn2)):
            other = seen.setdefault(wwpn.lower(), (f.lpar, f.slot))
            if other != (f.lpar, f.slot) or f.wwpn1.lower() == f.wwpn2.lower():
                yield c.finding(Severity.WARNING, "estate.duplicate-wwpn", "fibres", (f.lpar, f.slot), "wwpn1",
                                f"WWPN {wwpn} of {f.lpar} slot {f.slot} also belongs to {other[0]} slot {other[1]}",
                                "a WWPN is unique: correct it")
                break


_GENERATION = "processor modes are not checked"
#: facts without which a rule can only assume: kind → (field, what it means when unknown)
_GAPS: dict[str, tuple[tuple[str, str], ...]] = {
    "servers": (("firmware_memory_mib", "0 is assumed for the hypervisor"), ("lmb_mib", "equality is not checked"),
                ("firmware", "the firmware matrix is not checked"), ("enterprise", "PowerVM Enterprise is assumed"),
                ("generation", _GENERATION), ("console", "one console is assumed")),
    "vioses": (("msp", "a mover is assumed"), ("rmc_active", "RMC is assumed active"),
               ("link_mbit", "1000 Mbit/s is assumed")),
    "lpars": (("state", "running is assumed"), ("rmc_active", "RMC is assumed active"),
              ("lpar_id", "the id on the target is not checked"), ("environment", "non-production is assumed"),
              ("current_mode", "the processor mode is not checked")),
}


def _unstated_ports(c: _Check) -> Iterator[Finding]:
    """Ports whose free virtual ports nobody states, told once for all."""
    unstated = [(p.vios, p.port) for p in c.loaded.estate.ports if p.free_ports is None]
    if unstated and c.loaded.estate.fibres:
        yield c.finding(Severity.WARNING, "input.unknown-ports", "ports", unstated[0], "free_ports",
                        f"nothing says how many virtual ports are free on {len(unstated)} Fibre Channel port(s) "
                        f"({some(map('/'.join, unstated), 4)}): 64 with its clients is taken, the most of ports of 16 "
                        "Gbit/s and slower", "give lsnports of each VIOS, or fill Free virtual ports in sheet FC ports")


def _untold(row: Any, wanted: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """(field, what it is for) of what a row does not state, save the connection that nobody expects of it."""
    silent = getattr(row, "os", "") == "IBM i" or not getattr(row, "active", True)
    return [(n, why) for n, why in wanted
            if getattr(row, n) in (None, "") and not (n == "rmc_active" and silent)]


def _gaps(c: _Check) -> Iterator[Finding]:
    for kind, wanted in _GAPS.items():
        for row in getattr(c.loaded.estate, kind):
            absent = _untold(row, wanted)
            model = row.model if kind == "servers" and ("generation", _GENERATION) in absent else ""
            if model:
                absent.remove(("generation", _GENERATION))
                yield c.finding(Severity.WARNING, "input.unknown-model", kind, (row.name,), "model",
                                f"{row.name}: model {model} is not in the catalogue, so its generation is unknown: "
                                f"{_GENERATION}", "fill Generation in sheet Servers")
            if absent:
                yield c.finding(Severity.WARNING, "input.gap", kind, (row.name,), "",
                                f"{row.name}: unknown: " + "; ".join(f"{n} ({m})" for n, m in absent),
                                "add it to the estate workbook")


def _unconnected(c: _Check) -> Iterator[Finding]:
    """LPARs of which nobody states a network or a disk."""
    networked = c.loaded.estate.networked
    stored = {d.lpar for d in c.loaded.estate.disks} | {f.lpar for f in c.loaded.estate.fibres}
    for p in c.loaded.estate.lpars:
        for known, sheet in ((networked, "LPAR networks"), (stored, "Disks or NPIV")):
            if p.name not in known:
                yield c.finding(Severity.WARNING, "input.gap", "lpars", (p.name,), "",
                                f"{p.name} has no row in {sheet}: nothing of it is checked there", f"add it to {sheet}")


def _generations(c: _Check) -> Iterator[Finding]:
    for s in c.loaded.estate.servers:
        if s.model and s.generation in GENERATIONS and not generation_of(s.model):
            yield c.finding(Severity.INFO, "input.unknown-model", "servers", (s.name,), "model",
                            f"{s.name}: model {s.model} is not in the catalogue: it is judged as {s.generation}",
                            "correct Generation in sheet Servers if that is wrong")
        if s.generation and s.generation not in GENERATIONS:
            yield c.finding(Severity.ERROR, "input.bad-value", "servers", (s.name,), "generation",
                            f"{s.name}: unknown generation {s.generation!r}", "one of " + ", ".join(GENERATIONS))


def _watts(c: _Check) -> Iterator[Finding]:
    for s in c.loaded.estate.servers:
        if s.idle_watts is not None and s.max_watts is not None and s.idle_watts > s.max_watts:
            yield c.finding(Severity.ERROR, "estate.idle-above-maximum", "servers", (s.name,), "idle_watts",
                            f"{s.name}: {s.idle_watts} W idle, {s.max_watts} W at most", "correct one of the two")


def _virtual_slots(c: _Check) -> Iterator[Finding]:
    """VIOSes that use more virtual slots than they have: as stated, else those of the adapters that they serve, and the
    two serial ones."""
    e = c.loaded.estate
    served = Counter(vios for *_, vios in {*((d.lpar, d.slot, d.vios) for d in e.disks),
                                           *((f.lpar, f.slot, f.vios) for f in e.fibres)})
    for v in e.vioses:
        used = served[v.name] + SERIAL_SLOTS if v.used_virtual_slots is None else v.used_virtual_slots
        if v.max_virtual_slots is not None and used > v.max_virtual_slots:
            yield too_many_slots(v.name, used, v.max_virtual_slots,
                                 c.loaded.source("vioses", (v.name,), "used_virtual_slots"))


def _parameters(c: _Check) -> Iterator[Finding]:
    movers = {v.name for v in c.loaded.estate.vioses}
    for p in c.loaded.estate.parameters:
        limits, key = LIMITS.get(p.name), (p.name, p.subject)
        of = movers_in(p.subject)
        if limits is None:
            yield c.finding(Severity.ERROR, "input.unknown-name", "parameters", key, "name",
                            f"{p.name!r} is no parameter of the cost model", "one of: " + ", ".join(LIMITS))
        elif not 0 <= p.value <= limits["most"] or (limits["above_zero"] and p.value == 0):
            least = "above 0" if limits["above_zero"] else "at least 0"
            yield c.finding(Severity.ERROR, "input.bad-value", "parameters", key, "value",
                            f"{p.name} = {p.value:g}; expected {least} and at most {limits['most']:g}",
                            "correct it, or clear the row for the default")
        elif (p.name == RATE and of is None) or (p.name != RATE and p.subject):
            yield c.finding(Severity.ERROR, "input.bad-value", "parameters", key, "subject",
                            f"{p.name} is for {p.subject!r}; expected " + (
                                "link 10000 (Mbit/s) or SOURCE > TARGET" if p.name == RATE else "nothing"),
                            "correct the column For")
        elif strange := [name for name in of or () if name not in movers]:
            yield c.finding(Severity.WARNING, "input.unknown-name", "parameters", key, "subject",
                            f"{p.name} is for {p.subject!r}, but there is no VIOS {strange[0]!r}: not used",
                            "correct the column For")


CHECKS: tuple[Callable[[_Check], Iterator[Finding]], ...] = (
    _references, _names, _states, _homes, _generations, _watts, _lpar_arithmetic, _server_sums, _pool_sums, _vlans,
    _storage, _pairs_of_wwpns, _virtual_slots, _parameters, _gaps, _unstated_ports, _unconnected,
)


def validate(loaded: Loaded) -> Loaded:
    """The same estate with the findings of every check added."""
    check = _Check(loaded)
    findings = [*_limits(check)] or [f for run in CHECKS for f in run(check)]
    return replace(loaded, findings=ordered((*loaded.findings, *findings)))
