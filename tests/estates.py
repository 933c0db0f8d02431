"""Estates for tests: one small base, and builders that say only how something differs from it.

Sizes are in cores and GiB here and nowhere else; everything that a rule may ask is stated, so that the base has no
finding. Each LPAR has one network on VLAN 10 and one LUN over both VIOSes, zoned to every VIOS of the estate.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from openpyxl import Workbook, load_workbook
from openpyxl.utils.cell import coordinate_to_tuple

from planner.estate.assemble import Loaded
from planner.estate.capacity import lpar_demand, vios_demand
from planner.estate.load import checked
from planner.estate.model import (
    TABLES,
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
    Vnic,
    Zoning,
)
from planner.estate.workbook import workbook_bytes
from planner.formats.estate_workbook import letters
from planner.history.calendar import BUCKETS, Bucket, Calendar, DayKind
from planner.history.clock import Clock
from planner.history.usage import Usage
from planner.jobs.peak_hours import UsageGiven
from planner.optimise.asked import checked_evacuate
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.stages import Answer
from planner.plan.choices import Measure, Status
from planner.plan.details import Conflict
from planner.plan.plan import Backing, Move, Plan
from planner.plan.questions import Evacuate, UsageBasis
from planner.rules import Judge, Site

VLAN = 10
GIB = 1024
AS_UNDER_IVM = (Parameter("overhead_s", 45.0),)
"""The seed's overhead for moves by an HMC as well: the figures of tests were computed by hand with it."""
WITHOUT_USAGE = [m for m in Measure if m is not Measure.METERED]
"""What a consolidation can make least of an estate alone; test_metered_oracle.py has the other."""


def server(name: str, cores: float = 16, gib: float = 128, **changes: Any) -> Server:
    """A POWER6 570 with 256 MiB blocks."""
    stated: dict[str, Any] = {
        "model": "9117-MMA", "serial": f"65{name}", "generation": "POWER6", "console": "hmc1", "site": "north",
        "firmware_memory_mib": 1024, "lmb_mib": 256, "firmware": "EM350_085", "enterprise": True,
        "console_level": "V7R7.9.0", "vnic_capable": True}
    return Server(name, round(cores * 100), round(gib * GIB), **(stated | changes))


def vios(name: str, server: str, **changes: Any) -> Vios:
    """A mover with half a core and 2 GiB on a link of 1 Gbit/s."""
    stated: dict[str, Any] = {
        "lpar_id": int(name[-1]), "level": "2.2.6.65", "rmc_active": True, "msp": True, "virtual_processors": 2,
        "sharing": "uncapped", "link_mbit": 1000}
    return Vios(**({"name": name, "server": server, "entitlement_units": 50, "memory_mib": 2048} | stated | changes))


def vioses(server: str, **changes: Any) -> tuple[Vios, Vios]:
    """The two VIOSes of a server: ``A-v1`` and ``A-v2``."""
    return vios(f"{server}-v1", server, **changes), vios(f"{server}-v2", server, **changes)


def lpar(name: str, server: str, cores: float = 1, gib: float = 4, **changes: Any) -> Lpar:
    """A running, shared, uncapped AIX LPAR whose maximum memory is its memory."""
    units, mib = round(cores * 100), round(gib * GIB)
    stated: dict[str, Any] = {
        "name": name, "server": server, "entitlement_units": units, "virtual_processors": max(1, -(-units // 100)),
        "memory_mib": mib, "max_memory_mib": mib, "os": "AIX", "os_level": "6.1 TL2 SP3",
        "environment": "non-production", "state": "running", "rmc_active": True, "sharing": "uncapped",
        "weight": 128, "current_mode": "POWER6", "preferred_mode": "default"}
    return Lpar(**(stated | changes))


def policy(kind: str, subject: str = "", value: str = "", **changes: Any) -> Policy:
    return Policy(kind, subject, value, **changes)


def numbered(lpars: Iterable[Lpar]) -> tuple[Lpar, ...]:
    """The LPARs with partition ids that are unique over all servers, where they state none."""
    return tuple(replace(p, lpar_id=n) if p.lpar_id is None else p for n, p in enumerate(lpars, 11))


def estate(servers: Sequence[Server], lpars: Iterable[Lpar], policies: Sequence[Policy] = (), **more: Any) -> Estate:
    """An estate with two VIOSes a server, wired as said at the top; ``more`` replaces whole collections."""
    partitions = numbered(lpars)
    both = [v for s in servers for v in vioses(s.name)]
    rows: dict[str, Any] = {
        "servers": tuple(servers), "lpars": partitions, "policies": tuple(policies), "vioses": tuple(both),
        "bridges": tuple(Bridge(v.name, "ent6", VLAN) for v in both),
        "networks": tuple(Network(p.name, 2, VLAN) for p in partitions),
        "disks": tuple(Disk(p.name, 3 + n, f"lun-{p.name}", v.name)
                       for p in partitions for n, v in enumerate(vioses(p.server))),
        "zonings": tuple(Zoning(f"lun-{p.name}", v.name, "", "no_reserve") for p in partitions for v in both),
        "parameters": AS_UNDER_IVM}
    return Estate().replace(**(rows | more))


#: Three servers, five LPARs: A is the one that tests free. 16 cores and 128 GiB each, far from full.
BASE = estate(
    [server("A"), server("B"), server("C")],
    [lpar("a1", "A", 1, 8), lpar("a2", "A", 0.5, 4), lpar("b1", "B", 2, 16), lpar("b2", "B", 0.5, 4),
     lpar("c1", "C", 1, 8)])


def changed(base: Estate, name: str, **changes: Any) -> Estate:
    """The estate with other facts of the server, VIOS or LPAR of this name."""
    out = {kind: tuple(replace(r, **changes) if r.name == name else r for r in getattr(base, kind))
           for kind in ("servers", "vioses", "lpars") if any(r.name == name for r in getattr(base, kind))}
    assert out, name
    return base.replace(**out)


def backed(base: Estate, backing: Mapping[str, Sequence[Sequence[int]]], port: str = "") -> Estate:
    """The estate in which LPARs have vNICs: for each, in slots 7, 8 …, the capacities of its backing devices. They are
    served by the VIOSes of its server in turn, from one port."""
    home = {p.name: p.server for p in base.lpars}
    return base.replace(
        lpars=tuple(replace(p, vnic_adapters=len(backing[p.name])) if p.name in backing else p for p in base.lpars),
        vnics=(*(v for v in base.vnics if v.lpar not in backing), *(
            Vnic(name, 7 + n, 1 + k, f"{home[name]}-v{1 + k % 2}", port, percent)
            for name, vnics in backing.items() for n, devices in enumerate(vnics) for k, percent in enumerate(devices))))


def stating(base: Estate, *policies: Policy) -> Estate:
    """The estate with these policies as well."""
    return base.replace(policies=base.policies + policies)


def without(base: Estate, kind: str, **match: Any) -> Estate:
    """The estate without the rows of a kind that match."""
    kept = tuple(r for r in getattr(base, kind) if any(getattr(r, k) != v for k, v in match.items()))
    assert len(kept) < len(getattr(base, kind))
    return base.replace(**{kind: kept})


def pool(server: str, pool_id: int, maximum: float | None = None, reserved: float = 0, name: str = "") -> ProcessorPool:
    """A processor pool, in cores."""
    return ProcessorPool(server, pool_id, name or f"pool{pool_id}", None if maximum is None else round(maximum * 100),
                         round(reserved * 100))


def exactly(server_row: Server, lpars: Iterable[Lpar], spare_cores: float = 0, spare_gib: float = 0) -> Server:
    """The server, just large enough for its VIOSes and these LPARs and so much more."""
    units, mib = 0, server_row.firmware_memory_mib or 0
    for held in (*(lpar_demand(p, server_row) for p in lpars),
                 *(vios_demand(v, server_row) for v in vioses(server_row.name))):
        units, mib = units + held.units, mib + held.memory_mib
    return replace(server_row, configurable_units=units + round(spare_cores * 100),
                   configurable_memory_mib=mib + round(spare_gib * GIB))


def loaded(of: Estate) -> Loaded:
    """The estate as it comes out of loading, with its findings."""
    return checked(Loaded(of))


def usage(of: Estate, rows: Mapping[str, Sequence[int]], hours: Sequence[int] | None = None) -> Usage:
    """Usage in thousandths, slot by slot; ``hours`` on month-end days, else a slot an hour from 0:00 on.

    Partitions that are not in ``rows`` are not measured: their entitlement stands in every slot.
    """
    count = max((len(r) for r in rows.values()), default=1)
    parts = sorted((*of.lpars, *of.vioses), key=lambda p: p.name)
    physc = np.array([rows.get(p.name) or [p.entitlement_units * 10] * count for p in parts], dtype=np.int32)
    starts = np.arange(count, dtype=np.int64) * 3600
    numbers = np.array([BUCKETS.index(Bucket(DayKind.MONTH_END, h)) for h in (hours or range(count))], dtype=np.int16)
    return Usage(tuple(p.name for p in parts), starts, numbers, physc, frozenset(rows), Fraction(100), Clock("UTC"), 3600)


def measured(of: Estate, rows: Mapping[str, Sequence[int]]) -> UsageGiven:
    """The same as a question is given it."""
    found = usage(of, rows)
    return UsageGiven(found, UsageBasis(
        percentile="100", from_s=0, to_s=3600 * len(found.starts), step_s=3600, growth_percent=0, hours=frozenset(BUCKETS),
        calendar=Calendar(), measured=len(found.measured), sha256=found.digest()))


def judged(of: Estate, rows: Mapping[str, Sequence[int]] | None = None) -> tuple[Site, Judge]:
    """A site, with usage if any is given, and its judge."""
    site = Site(of, usage=None if rows is None else usage(of, rows))
    return site, Judge(site)


def evacuate_goal(site: Site, servers: Sequence[str], leave: Sequence[str] = ()) -> Evacuate:
    """The question to free these servers, checked."""
    return checked_evacuate(Evacuate(servers=tuple(servers), leave=tuple(leave)), site)


def answer(of: Estate, *servers: str, time_limit: float = 20, gap: float = 0.0) -> Answer:
    """The optimiser's answer to freeing these servers."""
    site, judge = judged(of)
    return EvacuationProblem(site, judge, evacuate_goal(site, servers)).solve(time_limit, gap)


def renamed(of: Estate, names: Mapping[str, str]) -> Estate:
    """The estate with LPARs and VIOSes renamed everywhere."""
    def new(row: Any, *fields: str) -> Any:
        return replace(row, **{f: names.get(getattr(row, f), getattr(row, f)) for f in fields})

    def words(p: Policy) -> Policy:
        return replace(p, subject="; ".join(names.get(w.strip(), w.strip()) for w in p.subject.split(";")),
                       value="; ".join(names.get(w.strip(), w.strip()) for w in p.value.split(";")))

    return of.replace(
        lpars=tuple(new(r, "name") for r in of.lpars), networks=tuple(new(r, "lpar") for r in of.networks),
        vioses=tuple(new(r, "name") for r in of.vioses),
        **{kind: tuple(new(r, "vios") for r in getattr(of, kind)) for kind in ("bridges", "zonings", "ports")},
        **{kind: tuple(new(r, "lpar", "vios") for r in getattr(of, kind)) for kind in ("disks", "vnics", "fibres")},
        policies=tuple(words(p) for p in of.policies))


def on_ports(of: Estate, adapters: Iterable[tuple[int, str, str]]) -> tuple[tuple[int, str, str], ...]:
    """(slot, VIOS, physical port) of each (slot, VIOS, fabric): the port there that has most left, 64 where nobody says;
    none named where none has."""
    left = {(p.vios, p.fabric, p.port): 64 if p.free_ports is None else p.free_ports for p in of.ports}
    out = []
    for slot, vios, fabric in adapters:
        best = max((at for at, free in left.items() if at[:2] == (vios, fabric) and free), key=left.__getitem__, default=None)
        if best:
            left[best] -= 1
        out.append((slot, vios, best[2] if best else ""))
    return tuple(out)


def on_sriov(of: Estate, name: str, source: str, target: str) -> tuple[Backing, ...]:
    """The smallest backing device of each vNIC on the port of the target that has most left, with the VIOS of its number."""
    left = {p.port: [1000 if n is None else n for n in (p.free_ports, p.free_percent)] for p in of.sriov if p.server == target}
    home = next((p.server for p in of.lpars if p.name == name), "")
    out = []
    for row in sorted((v for v in of.vnics if v.lpar == name), key=lambda v: v.percent or 1):
        best = max((at for at, (count, percent) in left.items() if count and percent >= (row.percent or 1)),
                   key=lambda at: left[at][1], default=None)
        if best and row.slot not in {b.slot for b in out}:
            left[best] = [left[best][0] - 1, left[best][1] - (row.percent or 1)]
            out.append(Backing(row.slot, row.device, f"{target}-{row.vios[-2:]}", best, row.percent,
                               row.port if source == home else ""))
    return tuple(out)


def move(of: Estate, name: str, source: str, target: str, **changes: Any) -> Move:
    """A move as a careful person would write it down: alone on the first movers, one VIOS for each slot."""
    site = Site(of)
    cost = site.solo(name, source, target)
    slots = [d for d in of.disks if d.lpar == name and d.backing in ("lun", "ssp")]
    fibres = [f for f in of.fibres if f.lpar == name]
    stated: dict[str, Any] = {
        "wave": 1, "duration_ms": cost.duration_ms, "suspend_ms": cost.suspend_ms, "bytes_sent": cost.bytes_sent,
        "source_msp": f"{source}-v1", "target_msp": f"{target}-v1",
        "pool_id": site.pool_on(name, target) if name in site.lpars and target in site.servers else None,
        "target_id": site.lpars[name].lpar_id if name in site.lpars else None,
        "disks": tuple((d.slot, f"{target}-{d.vios[-2:]}") for d in slots),
        "vnics": on_sriov(of, name, source, target),
        "fibres": on_ports(of, [(f.slot, f"{target}-{f.vios[-2:]}", f.fabric) for f in fibres])}
    return Move(name, source, target, **(stated | changes))


def freeing(*servers: str, come_back: bool = False) -> Evacuate:
    """The question to free these servers; none may be named, which nobody can ask."""
    return Evacuate.model_construct(servers=servers, come_back=come_back)


def plan_of(moves: Sequence[Move], *freed: str, **changes: Any) -> Plan:
    """These moves as a plan that frees these servers."""
    return Plan(freeing(*freed), Status.OPTIMAL, "", moves=tuple(moves), **changes)


def cell_of(of: Estate, sheet: str, row_key: str, header: str) -> str:
    """``LPARs!K2``: the cell under a header in the row that begins with this key, as the workbook is written."""
    table = next(t for t in TABLES if t.sheet == sheet)
    column = [c.header for c in table.columns].index(header) + 1
    keys = [str(getattr(r, table.columns[0].field)) for r in getattr(of, table.kind)]
    return f"{sheet}!{letters(column)}{keys.index(row_key) + 2}"


@cache
def _opened(of: Estate) -> Workbook:
    """Without the comments that explain its headers: they are half of what is written."""
    book = load_workbook(io.BytesIO(workbook_bytes(Loaded(of))))
    for sheet in book:
        sheet.legacy_drawing = None
        for cell in sheet._cells.values():
            cell.comment = None
    return book


def workbook_with(of: Estate, cells: Mapping[str, Any], without_sheets: Sequence[str] = ()) -> bytes:
    """The estate's workbook after a person changed these cells (``LPARs!B2`` → value) and deleted these sheets."""
    book, out = _opened(of), io.BytesIO()
    sheets = book._sheets
    before = {name: dict(book[name]._cells) for name in {place.partition("!")[0] for place in cells}}
    for place, value in cells.items():
        sheet, _, name = place.partition("!")
        row, column = coordinate_to_tuple(name)
        if cell := before[sheet].get((row, column)):
            own = book[sheet]._cells[row, column] = copy(cell)
            own._style = copy(cell._style)
        book[sheet].cell(row, column).value = value
    book._sheets = [sheet for sheet in sheets if sheet.title not in without_sheets]
    book.save(out)
    book._sheets = sheets
    for sheet, kept in before.items():
        book[sheet]._cells = kept
    return out.getvalue()


def short_units(of: Conflict) -> dict[str, int]:
    """The hundredths of a core that servers lack."""
    return {s: units for s, (units, _) in of.shortfall.items() if units}


def short_mib(of: Conflict) -> dict[str, int]:
    """The MiB that servers lack."""
    return {s: mib for s, (_, mib) in of.shortfall.items() if mib}
