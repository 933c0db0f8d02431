"""Every rule by example: where it is silent, what it says when it is broken, and that the replay sees it too.

The situation is always that of ``BASE``: a1 goes from A to B, where b1 and b2 run. An example differs from that by one
thing. A rule without an example fails the first test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest
from estates import (
    BASE,
    backed,
    changed,
    estate,
    exactly,
    judged,
    lpar,
    move,
    on_ports,
    plan_of,
    policy,
    pool,
    server,
    stating,
    without,
)

from planner.estate.model import Bridge, Disk, Estate, Fibre, Port, SriovPort
from planner.findings import Finding, Severity
from planner.jobs import window_from
from planner.plan.choices import Measure
from planner.plan.plan import Move, Plan, Window
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.rules import RULES, Judge, Rule, Scope, Site
from planner.rules.base import REGISTRY
from planner.rules.firmware import firmware_mobile
from planner.schedule.vnics import with_vnics
from planner.verify import replay

ERROR, ASSUMED, WARNING, INFO = Severity
Moves = Callable[[Estate], list[Move]]


def a1_to_b(of: Estate) -> list[Move]:
    return [move(of, "a1", "A", "B")]


def both_to_b(of: Estate, **second: Any) -> list[Move]:
    """a1 and a2 at once, each over movers of its own unless ``second`` says otherwise."""
    return [move(of, "a1", "A", "B"), move(of, "a2", "A", "B", **({"source_msp": "A-v2", "target_msp": "B-v2"} | second))]


def so_many(count: int, over: int = 2) -> Moves:
    """The first LPARs of A go to B at once, by turns over one or two movers of either side, with time enough."""
    return lambda of: [move(of, p.name, "A", "B", source_msp=f"A-v{1 + n % over}", target_msp=f"B-v{1 + n % over}",
                            duration_ms=10**6) for n, p in enumerate([p for p in of.lpars if p.server == "A"][:count])]


def one_link(of: Estate) -> list[Move]:
    """a1 and a2 at once over one pair of movers, with time enough for half the rate each."""
    return [replace(m, duration_ms=3 * m.duration_ms) for m in both_to_b(of, source_msp="A-v1", target_msp="B-v1")]


def asleep_to_b(of: Estate) -> list[Move]:
    """All that is not activated at once."""
    return [move(of, p.name, "A", "B", inactive=True, source_msp="", target_msp="") for p in of.lpars if not p.active]


SLEEPING = estate([server("A"), server("B")], [
    lpar(f"z{n}", "A", state="not activated", never_activated=False) for n in range(5)])


def a1_asleep(**changes: Any) -> Estate:
    stated: dict[str, Any] = {"state": "not activated", "rmc_active": None, "never_activated": False}
    return changed(without(BASE, "lpars", name="a2"), "a1", **(stated | changes))


def one_after_the_other(of: Estate) -> list[Move]:
    first, second = both_to_b(of, source_msp="A-v1", target_msp="B-v1")
    return [first, replace(second, start_ms=first.end_ms, wave=2)]


@dataclass(frozen=True, slots=True)
class Bad:
    """A broken rule: the estate, what it says, how bad it is; and the moves and the window where they differ."""

    estate: Estate
    message: str
    severity: Severity = ERROR
    moves: Moves = a1_to_b
    window: Window | None = None
    usage: Mapping[str, Sequence[int]] | None = None
    stay: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Good:
    """The same, kept."""

    estate: Estate
    moves: Moves = a1_to_b
    window: Window | None = None
    usage: Mapping[str, Sequence[int]] | None = None
    stay: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    good: Sequence[Good]
    bad: Sequence[Bad]
    tags: Sequence[str] = field(default=())


def a1(**changes: Any) -> Estate:
    return changed(BASE, "a1", **changes)


def b(**changes: Any) -> Estate:
    return changed(BASE, "B", **changes)


DB2 = changed(changed(changed(BASE, "a1", software=("DB2 9.7",)), "c1", software=("DB2 9.7",), sharing="capped"), "a2",
              software=("SAP",))
"""DB2 on a1, which draws a core, and c1."""


def fact(good: dict[str, Any], bad: dict[str, Any], message: str, severity: Severity = ERROR, *more: Bad) -> Example:
    """A rule on facts of a1 alone."""
    return Example([Good(BASE), Good(a1(**good))], [Bad(a1(**bad), message, severity), *more])


def _with(lpars: Sequence[str], on: str, *, cores: int = 0, mib: int = 0) -> Estate:
    """B just large enough for these LPARs, less so many hundredths of a core and MiB; b1 and b2 live on ``on``."""
    of = changed(changed(BASE, "b1", server=on), "b2", server=on)
    of = of.replace(disks=tuple(replace(d, vios=f"{on}-{d.vios[-2:]}") if d.lpar in ("b1", "b2") else d for d in of.disks))
    row = exactly(server("B"), [p for p in of.lpars if p.name in lpars])
    return changed(of, "B", configurable_units=row.configurable_units - cores,
                   configurable_memory_mib=row.configurable_memory_mib - mib)


def _fabric(*free: tuple[str, str, int | None], both_zoned: bool | None = True) -> Estate:
    """a1 on NPIV over both VIOSes and fabrics f1 and f2; ``free``: (port's VIOS, fabric, free ports)."""
    fibres = tuple(Fibre("a1", 40 + n, f"A-v{n}", f"c05{n}0", f"c05{n}1", f"f{n}", both_zoned) for n in (1, 2))
    ports = tuple(Port(v, f"fcs{n}", f, number) for n, (v, f, number) in enumerate(free))
    return BASE.replace(fibres=fibres, ports=ports)


def _adapters(*free: tuple[str, str, int | None], names: Sequence[str] = ("a1", "a2")) -> Estate:
    """These LPARs on NPIV, over the first VIOS on fabric f1 and over the second on f2."""
    of = _fabric(*free)
    home = {p.name: p.server for p in of.lpars}
    return of.replace(fibres=tuple(
        Fibre(name, 40 + n, f"{home[name]}-v{n}", f"c0{name}{n}0", f"c0{name}{n}1", f"f{n}", True)
        for name in names for n in (1, 2)))


def _paging(*sizes: int) -> Estate:
    """a1 and a2 in shared memory mode; B with paging devices of these sizes."""
    return changed(changed(AMS, "a2", memory_mode="shared", max_memory_mib=8192, io_entitled_mib=256), "B-v1", paging_devices_mib=sizes)


def _entitled(mib: int, free: int | None = None) -> Estate:
    """a1 and a2 in shared memory mode, each with so much I/O entitled memory; ``free``: of the pool of B."""
    of = changed(_paging(16 * 1024, 8 * 1024), "a1", io_entitled_mib=mib)
    return changed(changed(of, "a2", io_entitled_mib=mib), "B", free_pool_mib=free)


def _vnic(vnics: int = 1, b: int | None = None) -> Estate:
    """a1 and a2 with so many vNICs; ``b``: SR-IOV logical ports that are left on B, those on A are known."""
    of = changed(changed(BASE, "a1", vnic_adapters=vnics), "a2", vnic_adapters=vnics)
    return changed(changed(of, "B", free_sriov_ports=b), "A", free_sriov_ports=4)


def _sriov(*ports: tuple[int | None, int | None]) -> Estate:
    """a1 and a2 with a vNIC of two backing devices, of 5 and 8 %; the free logical ports and % of each port of B."""
    of = backed(_vnic(), {"a1": [(5, 8)], "a2": [(5, 8)]})
    return of.replace(sriov=tuple(SriovPort("B", f"P1-C4-T{n}", *left) for n, left in enumerate(ports, 1)))


def _slots(most: int | None, used: int | None = 7) -> Estate:
    """The VIOSes of B with so many virtual slots; nobody is served there."""
    of = without(without(BASE, "lpars", name="b1"), "lpars", name="b2")
    return both_vioses(of.replace(disks=tuple(d for d in of.disks if d.lpar[0] != "b")), max_virtual_slots=most,
                       used_virtual_slots=used)


def both_vioses(of: Estate, **changes: Any) -> Estate:
    """The VIOSes of B with other facts."""
    return changed(changed(of, "B-v1", **changes), "B-v2", **changes)


def _twice() -> Estate:
    """a1 with two adapters over one VIOS and fabric."""
    of = _fabric(("B-v1", "f1", 1))
    return of.replace(fibres=tuple(replace(f, vios="A-v1", fabric="f1") for f in of.fibres))


def _crossed(last: int) -> Estate:
    """a1, a2 and c1 on NPIV; both VIOSes of B have ports on both fabrics, enough of each fabric."""
    return _adapters(("B-v1", "f1", 2), ("B-v1", "f2", 2), ("B-v2", "f1", 1), ("B-v2", "f2", last), names=("a1", "a2", "c1"))


def three_to_b(of: Estate) -> list[Move]:
    """a1, a2 and c1 one after the other, c1 over crossed VIOSes."""
    first, second = one_after_the_other(of)
    crossed = on_ports(of, [(f.slot, f.vios.translate({ord("1"): "2", ord("2"): "1", ord(f.vios[0]): "B"}), f.fabric)
                            for f in of.fibres if f.lpar == "c1"])
    return [first, second, replace(move(of, "c1", "C", "B"), fibres=crossed, start_ms=second.end_ms, wave=3)]


def _nameless(of: Estate) -> Estate:
    return of.replace(fibres=tuple(replace(f, wwpn2="") for f in of.fibres))


def _reserved(policy_name: str, *vioses: str) -> Estate:
    return BASE.replace(zonings=tuple(
        replace(z, reserve_policy=policy_name) if z.lun == "lun-a1" and z.vios in vioses else z for z in BASE.zonings))


def _unzoned(*vioses: str) -> Estate:
    out = BASE
    for v in vioses:
        out = without(out, "zonings", lun="lun-a1", vios=v)
    return out


def _modes(here: str, there: str) -> Estate:
    """The virtual switch in these modes on A and on B."""
    of = {"A": here, "B": there}
    return BASE.replace(bridges=tuple(replace(b, switch_mode=of.get(b.vios[0], "")) for b in BASE.bridges))


def _asleep_with(pages: int, free: int | None) -> Estate:
    return changed(a1_asleep(huge_pages=pages), "B", free_huge_pages=free)


def _disk(backing: str) -> Estate:
    return BASE.replace(disks=(*BASE.disks, Disk("a1", 9, "extra", "A-v1", backing, "vtopt0")))


def _unlisted(*vioses: str) -> Estate:
    return BASE.replace(zonings=tuple(z for z in BASE.zonings if z.vios not in vioses))


def _movers(**changes: Any) -> Estate:
    return changed(changed(BASE, "B-v1", **changes), "B-v2", **changes)


def _levels(of: Estate, level: str) -> Estate:
    for v in of.vioses:
        of = changed(of, v.name, level=level)
    return of


def both(of: Estate, **changes: Any) -> Estate:
    """The estate with other facts of A and B alike."""
    return changed(changed(of, "A", **changes), "B", **changes)


def _clusters(here: str, there: str) -> Estate:
    """a1 with a logical unit that A-v1, of the cluster ``here``, serves; the VIOSes of B are of ``there``."""
    of = changed(_disk("ssp"), "A-v1", cluster=here)
    return changed(changed(of, "B-v1", cluster=there), "B-v2", cluster=there)


def _vtd(name: str) -> Estate:
    return BASE.replace(disks=tuple(replace(d, vtd=name) if d.lpar == "a1" else d for d in BASE.disks))


IBM_I = _levels(a1(os="IBM i", os_level="7.1 TR4", restricted_io=True, rmc_active=None), "2.2.1.4")
POWER7 = both(IBM_I, generation="POWER7", firmware="AM740_088", ibmi_mobility_capable=True)
POWER9 = both(_levels(a1(current_mode="POWER9", os_level="7.2 TL5"), "3.1.4.10"), generation="POWER9",
              firmware="VL950_099", console_level="V10R3M1060")
MANY = both(_levels(estate([server("A"), server("B")], [lpar(f"m{n}", "A", 0.1, 1, current_mode="POWER9", os_level="7.2 TL5")
                                                       for n in range(16)]), "3.1.4.10"), max_migrations=16,
            generation="POWER9", firmware="VL950_099", console_level="V10R3M1060")
FAST = MANY.replace(vioses=tuple(replace(v, link_mbit=100_000, max_migrations=8) for v in MANY.vioses))
POWER8 = changed(changed(a1(current_mode="POWER7", os_level="6.1 TL9 SP5"), "A", generation="POWER7", firmware="AM780_056"),
                 "B", generation="POWER8", firmware="SV860_056")
OPTICAL = POWER9.replace(disks=_disk("optical").disks)
HNV = changed(POWER9, "a1", sriov_ports=1, migratable_sriov_ports=1)
PR = _levels(_reserved("PR_shared", "A-v1", "A-v2", "B-v1", "B-v2"), "2.1.2.0")
NAMED_POOL = a1(pool_id=3).replace(pools=(pool("A", 0, name="DefaultPool"), pool("A", 3, 4, name="DB"),
                                          pool("B", 0, name="DefaultPool")))
SHARED = a1(memory_mode="shared", io_entitled_mib=256)
AMS = changed(changed(SHARED, "B", shared_memory_pool_mib=16384), "B-v1", paging_devices_mib=(4096, 8192))
NIGHT = window_from("2026-12-05 22:00/04:00")
IDLE = a1(busy_units=50)
BUSY = changed(changed(BASE, "a1", busy_units=150), "a2", busy_units=150)
B_OF_4 = changed(b(configurable_units=400), "b1", entitlement_units=50)
SMALL_POOL = BASE.replace(pools=(pool("A", 0), pool("B", 0, 3.5)))
POOLED = BASE.replace(pools=(pool("A", 0), pool("B", 0, 3.5)))
ALL_PORTS = [(v, f, 8) for v in ("A-v1", "A-v2", "B-v1", "B-v2") for f in ("f1", "f2")]

EXAMPLES: dict[str, Example] = {
    "memory.capacity": Example(
        [Good(_with(["a1", "b1", "b2"], "B"))],
        [Bad(_with(["a1", "b1", "b2"], "B", mib=64), "B would hold 33.50 GiB of 33.44: 0.06 GiB too much"),
         Bad(stating(BASE, policy("memory-ceiling", "B", "26 %")), "33.50 GiB of 33.28"),
         Bad(stating(BASE, policy("reserve-memory", "*", "95")), "33.50 GiB of 33: 0.50 GiB too much")]),
    "memory.fits": Example(
        [Good(_with(["a1"], "C"))],
        [Bad(_with(["a1"], "C", mib=128), "needs 8.12 GiB with its hash page table; B without any LPAR has 8")]),
    "memory.paging-devices": Example(
        [Good(BASE), Good(_paging(16 * 1024, 8 * 1024), both_to_b)],
        [Bad(_paging(16 * 1024), "2 paging devices of 8 GiB or more would be in use on B, which has 1", moves=both_to_b)]),
    "memory.huge-pages": fact({"huge_pages": 0}, {"huge_pages": 2}, "has 2 huge page(s)"),
    "memory.huge-pages-there": Example(
        [Good(BASE), Good(_asleep_with(4, free=4), asleep_to_b), Good(_asleep_with(4, free=None), asleep_to_b)],
        [Bad(_asleep_with(4, free=3), "come to B have 4 huge page(s) in their profiles, 3 are free", WARNING, asleep_to_b)]),
    "memory.lmb": Example([Good(BASE)],
                          [Bad(b(lmb_mib=128), "logical memory block 256 MiB on A, 128 MiB on B"),
                           Bad(b(lmb_mib=None), "block size of B is unknown", ASSUMED)]),
    "memory.shared": Example(
        [Good(BASE), Good(AMS)],
        [Bad(SHARED, "uses Active Memory Sharing; B has no shared memory pool"),
         Bad(changed(AMS, "B-v1", paging_devices_mib=(4096,)), "no free paging device of 8 GiB"),
         Bad(changed(AMS, "a1", io_entitled_mib=None), "which the pool of B must have free, is unknown", ASSUMED),
         Bad(changed(AMS, "B", free_pool_mib=128), "need 0.25 GiB of the shared memory pool of B, which has 0.12")]),
    "memory.pool": Example(
        [Good(BASE), Good(_entitled(256), both_to_b), Good(_entitled(512, free=1024), both_to_b)],
        [Bad(_entitled(512, free=1000), "would be 1 GiB; its shared memory pool has 0.98 for that", moves=both_to_b),
         Bad(changed(_entitled(512), "B", shared_memory_pool_mib=1000), "pool has 0.98 for that", moves=both_to_b)]),
    "memory.pool-paging": Example(
        [Good(BASE), Good(_entitled(256), both_to_b), Good(changed(_entitled(1), "B", shared_memory_pool_mib=8192))],
        [Bad(changed(_entitled(1), "B", shared_memory_pool_mib=8192), "would keep 12 GiB in use, its pool has 8", WARNING,
             moves=both_to_b)]),
    "network.redundancy": Example(
        [Good(BASE), Good(BASE.replace(vioses=(*BASE.vioses, replace(BASE.vioses[0], name="A-v3", lpar_id=3)),
                                       bridges=(*BASE.bridges, Bridge("A-v3", "ent6", 10))))],  # of three, two are enough
        [Bad(without(BASE, "bridges", vios="B-v2"), "VLAN 10 goes over 2 VIOSes on A, over 1 on B"),
         Bad(stating(without(BASE, "bridges", vios="B-v2"), policy("redundancy", "a1", "if-possible")), "over 1 on B",
             WARNING)]),
    "network.switch-mode": Example(
        [Good(BASE), Good(_modes("VEPA", "VEPA")), Good(_modes("VEB", ""))],
        [Bad(_modes("VEPA", "VEB"), "switch ETHERNET0 is in mode VEPA on A, in VEB on B", WARNING),
         Bad(_modes("VEB", "VEPA"), "in mode VEB on A, in VEPA on B", WARNING),
         Bad(_modes("VEPA", ""), "in mode VEPA on A; that on B is unknown", ASSUMED),
         Bad(_modes("", "VEPA"), "in mode VEPA on B; that on A is unknown", ASSUMED)]),
    "network.vnic": Example(
        [Good(BASE), Good(_vnic(b=1)), Good(_vnic(vnics=0))],
        [Bad(_vnic(), "whether B has SR-IOV ports with capacity for them, and a VIOS behind, is unknown", ASSUMED),
         Bad(changed(_vnic(b=1), "B", vnic_capable=False), "B is not vNIC capable"),
         Bad(_vnic(b=0), "B has no SR-IOV logical port left"),
         Bad(_sriov((2, 4), (0, 20)), "which need 5 % of SR-IOV ports; no such ports are left on B"),
         Bad(_sriov((2, None)), "whether B has SR-IOV ports with capacity for them, and a VIOS behind, is unknown", ASSUMED),
         Bad(changed(changed(_vnic(b=1), "B-v1", level="2.2.3.60"), "B-v2", level=""),
             "a vNIC needs VIOS level 2.2.4.0; that of B-v2 is unknown", ASSUMED),
         Bad(_levels(_vnic(b=1), "2.2.3.60"), "a vNIC needs VIOS level 2.2.4.0; B-v1 has 2.2.3.60"),
         Bad(changed(_vnic(b=1), "B", vnic_capable=None), "a vNIC needs firmware FW840; B has EM350_085"),
         Bad(changed(_vnic(b=1), "B", vnic_capable=None, firmware="AL740_100", console_level=""),
             "a vNIC needs console level V8R8.4; that of the console of B is unknown", ASSUMED)]),
    "network.vnic-slots": Example(
        [Good(BASE), Good(_sriov((4, 10))), Good(_vnic(vnics=0))],
        [Bad(_vnic(), "of 1 vNIC adapter(s) no listing states the slot", INFO),
         Bad(changed(_sriov((4, 10)), "a1", vnic_adapters=3), "of 2 vNIC adapter(s) no listing states the slot", INFO)]),
    "network.vnic-failover": Example(
        [Good(BASE), Good(_sriov((4, 20), (4, 20))), Good(_vnic(b=1))],
        [Bad(_sriov((4, 20)), "1 of 2 backing devices of its vNICs find no port with room on B", WARNING),
         Bad(_sriov((4, 20), (1, 7)), "1 of 2 backing devices of its vNICs find no port with room on B", WARNING)]),
    "network.vnic-capacity": Example(
        [Good(BASE), Good(_sriov((4, 10)), both_to_b), Good(_sriov((4, 5), (4, 5)), both_to_b)],
        [Bad(_sriov((4, 9)), "B would need 10 % of SR-IOV ports for vNICs; its ports have 9 %", moves=both_to_b)]),
    "network.vnic-fit": Example(
        [Good(BASE), Good(_sriov((4, 9), (1, 5)), both_to_b)],
        [Bad(_sriov((4, 9), (1, 4)), "no distribution of the vNICs that come over the SR-IOV ports of B", moves=both_to_b),
         Bad(_sriov((1, 20), (1, 4)), "no distribution of the vNICs that come over the SR-IOV ports", moves=both_to_b)]),
    "network.vnic-ports": Example(
        [Good(_vnic(b=2), both_to_b), Good(_vnic(b=1))],
        [Bad(_vnic(b=1), "B would need 2 SR-IOV logical ports for vNICs; it has 1", moves=both_to_b)]),
    "network.known": Example(
        [Good(BASE), Good(changed(without(BASE, "networks", lpar="a1"), "a1", vnic_adapters=1))],
        [Bad(without(BASE, "networks", lpar="a1"), "no listing states its networks", ASSUMED)]),
    "network.vlan": Example(
        [Good(BASE)],
        [Bad(BASE.replace(bridges=tuple(replace(x, vlan=99) if x.vios[0] == "B" else x for x in BASE.bridges)),
             "VLAN 10 (ETHERNET0) is not bridged on B"),
         Bad(without(without(BASE, "bridges", vios="B-v1"), "bridges", vios="B-v2"),
             "whether VLAN 10 is bridged on B is unknown: no listing shows a SEA of it"),
         Bad(BASE.replace(bridges=tuple(replace(x, vswitch="OTHER") if x.vios[0] == "B" else x for x in BASE.bridges)),
             "VLAN 10 (ETHERNET0) is not bridged on B"),
         Bad(stating(without(without(BASE, "bridges", vios="B-v1"), "bridges", vios="B-v2"),
                     policy("ignorable-vlan", "10")), "listed as ignorable", WARNING)]),
    "partition.activated-once": Example(
        [Good(BASE), Good(a1_asleep(), asleep_to_b)],
        [Bad(a1_asleep(never_activated=True), "was never activated", moves=asleep_to_b),
         Bad(a1_asleep(never_activated=None), "whether it was ever activated is unknown", ASSUMED, asleep_to_b)]),
    "partition.hardware-left": Example(
        [Good(BASE), Good(a1_asleep(), asleep_to_b)],
        [Bad(a1_asleep(huge_pages=4, lhea=True), "has LHEA ports, huge pages, which stay behind", WARNING, asleep_to_b)]),
    "partition.bsr": fact({"bsr_arrays": 0}, {"bsr_arrays": 1}, "has 1 BSR array(s)"),
    "partition.client": Example([Good(BASE)], [Bad(a1(os="VIOS"), "is a Virtual I/O Server")]),
    "partition.error-path": fact({"error_path_reporting": False}, {"error_path_reporting": True},
                                 "reports redundant error paths"),
    "partition.ibm-i": Example(
        [Good(BASE), Good(POWER7)],
        [Bad(changed(POWER7, "B", generation="POWER6"), "runs IBM i; B is POWER6"),
         Bad(changed(POWER7, "A", generation="POWER6"), "runs IBM i; A is POWER6"),
         Bad(changed(POWER7, "B", ibmi_mobility_capable=False), "runs IBM i, which B cannot move"),
         Bad(changed(POWER7, "B", firmware="AM720_064"), "IBM i needs firmware FW730; B has AM720_064"),
         Bad(changed(POWER7, "B", ibmi_mobility_capable=None, console_level="V7R7.4"), "needs console level V7R7.5; that of B"),
         Bad(changed(POWER7, "B", ibmi_mobility_capable=None), "whether B can move it is unknown", ASSUMED)]),
    "partition.restricted-io": Example(
        [Good(BASE), Good(POWER7)],
        [Bad(changed(POWER7, "a1", restricted_io=False), "runs IBM i with unrestricted I/O"),
         Bad(changed(POWER7, "a1", restricted_io=None), "whether it is a restricted I/O partition is unknown", ASSUMED)]),
    "partition.capability": Example(
        [Good(BASE), Good(changed(POWER9, "a1", secure_boot=False)),
         Good(changed(changed(POWER9, "a1", secure_boot=True), "B", secure_boot_capable=True)),
         Good(a1(memory_expansion_percent=100)), Good(changed(changed(POWER9, "a1", ppt_ratio=4096), "B", ppt_ratio_capable=False)),
         Good(changed(changed(POWER9, "a1", ppt_ratio=64), "B", ppt_ratio_capable=True))],
        [Bad(a1(memory_expansion_percent=125), "uses Active Memory Expansion, which B does not have"),
         Bad(changed(POWER9, "a1", memory_expansion_percent=125), "whether B has it is unknown", ASSUMED),
         Bad(changed(changed(POWER9, "a1", secure_boot=True), "B", secure_boot_capable=False), "uses secure boot, which B"),
         Bad(changed(changed(POWER9, "a1", persistent_memory=2), "B", persistent_memory_capable=False), "persistent memory"),
         Bad(changed(changed(POWER9, "a1", simplified_remote_restart=True), "B", remote_restart_capable=False),
             "uses simplified remote restart, which B does not have", WARNING),
         Bad(changed(changed(POWER9, "a1", ppt_ratio=1024), "B", ppt_ratio_capable=False), "table (PPT) ratio of its own, which B",
             WARNING),
         Bad(changed(POWER9, "a1", ppt_ratio=1024), "uses a physical page table (PPT) ratio of its own; whether B", ASSUMED)]),
    "partition.migratable-sriov": Example(
        [Good(BASE), Good(POWER9)],
        [Bad(HNV, "runs over the backup adapter", INFO),
         Bad(changed(HNV, "B", firmware="VL940_071"), "a migratable SR-IOV port needs firmware FW950; B has VL940_071"),
         Bad(changed(HNV, "A", console_level="V9R1M940"), "needs console level V9R2M950; that of A has V9R1M940"),
         Bad(changed(HNV, "B", console_level=""), "that of the console of B is unknown", ASSUMED)]),
    "partition.migration-disabled": fact({"migration_disabled": False}, {"migration_disabled": True},
                                         "migration is switched off for it"),
    "partition.vtpm": Example(
        [Good(BASE), Good(both(a1(vtpm=True), trusted_key="k1"))],
        [Bad(changed(both(a1(vtpm=True), trusted_key="k1"), "B", trusted_key="k2"), "have different trusted system keys"),
         Bad(a1(vtpm=True), "whether A and B share the trusted system key is unknown", ASSUMED)]),
    "partition.id-free": Example([Good(BASE), Good(a1(lpar_id=None))],
                                 [Bad(changed(BASE, "b1", lpar_id=11), "partition id 11 is taken by b1 on B", WARNING),
                                  Bad(changed(BASE, "B-v2", lpar_id=11), "is taken by B-v2", WARNING)]),
    "partition.lhea": fact({"lhea": False}, {"lhea": True}, "has LHEA ports"),
    "partition.name-free": Example(
        [Good(BASE), Good(BASE.replace(lpars=(*BASE.lpars, lpar("a1@C", "C", lpar_id=40, state="not activated"))))],
        [Bad(BASE.replace(lpars=(*BASE.lpars, lpar("a1@B", "B", lpar_id=40, state="not activated"))),
             "B already has a partition named a1")]),
    "partition.physical-io": fact({"physical_adapters": ()}, {"physical_adapters": ("U789D-P1-C3",)},
                                  "owns physical adapters: U789D-P1-C3"),
    "partition.rmc": fact({}, {"rmc_active": False}, "has no active RMC connection", ERROR,
                          Bad(a1(rmc_active=None), "whether its RMC connection is active is unknown", ASSUMED)),
    "partition.running": fact({}, {"state": "open firmware"}, "is open firmware", ERROR,
                              Bad(a1(state=""), "whether it is running is unknown", ASSUMED)),
    "partition.size-known": Example(
        [Good(BASE)], [Bad(a1(memory_mib=0), "cannot be planned: its memory is unknown"),
                       Bad(a1(entitlement_units=0, virtual_processors=0), "its processors are unknown")]),
    "partition.sriov": fact({"sriov_ports": 0}, {"sriov_ports": 2}, "has 2 SR-IOV logical port(s)"),
    "partition.workload-group": fact({"workload_group": "None"}, {"workload_group": "32769"},
                                     "is in workload group 32769"),
    "policy.cluster": Example(
        [Good(stating(BASE, policy("cluster", "crm", "a1; c1")))],
        [Bad(stating(BASE, policy("cluster", "crm", "a1; b1")), "a1 and b1 are nodes of cluster crm but share B")]),
    "policy.fence": Example([Good(BASE), Good(stating(BASE, policy("fence", "a1", "A; B")))],
                            [Bad(stating(BASE, policy("fence", "a?", "A; C")), "is fenced to A, C"),
                             Bad(stating(BASE, policy("fence", "a1", "A; B"), policy("fence", "a1", "C")),
                                 "is fenced to no server at all")]),
    "policy.keep-apart": Example(
        [Good(stating(BASE, policy("keep-apart", "ci", "a1; c1"))),
         Good(stating(BASE, policy("keep-apart", "ci", "b1; b2")))],
        [Bad(stating(BASE, policy("keep-apart", "ci", "a1; b2")), "a1 and b2 are kept apart (ci) but share B"),
         Bad(stating(BASE, policy("keep-apart", "ci", "a1; a2")), "a1 and a2 are kept apart (ci) but share B",
             moves=both_to_b)]),
    "policy.keep-together": Example(
        [Good(stating(BASE, policy("keep-together", "app", "a1; a2")), both_to_b),
         Good(stating(BASE, policy("keep-together", "app", "a1; b1"))),
         Good(stating(BASE, policy("keep-together", "app", "b1; c1")))],
        [Bad(stating(BASE, policy("keep-together", "app", "a1; a2")), "a1, a2 are kept together (app) but end on A, B"),
         Bad(stating(BASE, policy("keep-together", "app", "a1; c1")), "but end on B, C")]),
    "policy.licensed-servers": Example(
        [Good(DB2), Good(stating(DB2, policy("licensed-servers", "DB2", "A; B"))),
         Good(stating(DB2, policy("licensed-servers", "SAP", "C")))],
        [Bad(stating(DB2, policy("licensed-servers", "DB*", "A; C")), "runs DB*, which is licensed on A, C")]),
    "policy.licence-count": Example(
        [Good(stating(DB2, policy("licensed-servers", "DB2", "2 servers; 3 cores"))),
         Good(stating(DB2, policy("licensed-servers", "SAP", "1 server"))),
         Good(stating(DB2, policy("licensed-servers", "DB2", "1 server")), both_to_b)],
        [Bad(stating(changed(DB2, "a2", software=("SAP", "DB2")), policy("licensed-servers", "DB2", "2 servers")),
             "DB2 would take 3 servers of 2"),
         Bad(stating(changed(changed(DB2, "a1", sharing="capped", entitlement_units=50), "a2", sharing="capped",
                             software=("DB2",)), policy("licensed-servers", "DB2", "1 core")),
             "DB2 would take 3 licence cores of 2")]),
    "policy.not-a-target": Example(
        [Good(BASE), Good(stating(BASE, policy("not-a-target", "B", "b*"))), Good(stating(BASE, policy("not-a-target", "A")))],
        [Bad(stating(BASE, policy("not-a-target", "B")), "B is not a target"),
         Bad(stating(BASE, policy("not-a-target", "*", "a1")), "B is not a target")]),
    "policy.asked-to-stay": Example([Good(BASE), Good(BASE, stay=("a2", "b1"))],
                                    [Bad(BASE, "is asked to stay", stay=("a1",))]),
    "policy.soft-pin": Example(
        [Good(BASE), Good(stating(BASE, policy("soft-pin", "a1", "A; B")))],
        [Bad(stating(BASE, policy("soft-pin", "a1")), "is softly pinned to A and leaves only a server that is freed",
             WARNING)]),
    "policy.pin": Example([Good(BASE), Good(stating(BASE, policy("pin", "a1", "A; B"))),
                           Good(stating(BASE, policy("pin", "a1", active=False)))],
                          [Bad(stating(BASE, policy("pin", "a1")), "is pinned to A")]),
    "policy.production-stays": Example(
        [Good(stating(BASE, policy("production-stays"))),
         Good(stating(a1(environment="production"), policy("production-stays", active=False)))],
        [Bad(stating(a1(environment="production"), policy("production-stays")), "is production")]),
    "processor.capacity": Example(
        [Good(_with(["a1", "b1", "b2"], "B"))],
        [Bad(_with(["a1", "b1", "b2"], "B", cores=1), "B would hold 4.50 cores of 4.49: 0.01 too many"),
         Bad(stating(BASE, policy("cpu-ceiling", "B", "28 %")), "4.50 cores of 4.48"),
         Bad(stating(BASE, policy("reserve-cores", "B", "12")), "4.50 cores of 4.00")]),
    "processor.fits": Example(
        [Good(_with(["a1"], "C"))],
        [Bad(_with(["a1"], "C", cores=1), "needs 1.00 cores; B without any LPAR has 0.99")]),
    "processor.minimum-per-vp": Example(
        [Good(changed(a1(virtual_processors=5), "B", min_units_per_vp=20)), Good(a1(virtual_processors=10)),
         Good(changed(a1(virtual_processors=1, processors="dedicated"), "B", min_units_per_vp=200))],
        [Bad(changed(a1(virtual_processors=6), "B", min_units_per_vp=20),
             "1.00 cores for 6 virtual processors; B needs 0.20 for each"),
         Bad(a1(virtual_processors=11), "B needs 0.10 for each")]),
    "processor.mode": Example(
        [Good(BASE), Good(a1(preferred_mode="POWER6 enhanced")), Good(changed(a1(current_mode="POWER7"), "B", modes=("POWER7",)))],
        [Bad(a1(current_mode="POWER7"), "runs in POWER7 mode, which B does not support"),
         Bad(changed(POWER9, "B", firmware="VL930_116"), "runs in POWER9 mode, which B does not support"),
         Bad(changed(changed(POWER8, "a1", current_mode=""), "A", generation="POWER9", firmware=""),
             "its processor mode is unknown, and B does not support", ASSUMED),
         Bad(changed(changed(POWER8, "a1", current_mode=""), "B", generation="POWER10"), "have no processor mode in common")]),
    "processor.os-mode": Example(
        [Good(BASE), Good(POWER8), Good(POWER9), Good(changed(POWER9, "a1", os_level=""))],
        [Bad(changed(POWER9, "a1", os_level="5.3 TL12 SP9"), "AIX 5.3 TL12 SP9 is not known to support any mode", WARNING)]),
    "processor.pool-kept": Example(
        [Good(BASE), Good(NAMED_POOL.replace(pools=(*NAMED_POOL.pools, pool("B", 7, 4, name="DB")))),
         Good(changed(NAMED_POOL, "a1", processors="dedicated"))],
        [Bad(NAMED_POOL, "leaves processor pool DB for DefaultPool of B; its maximum of 4.00 cores binds no more", ASSUMED),
         Bad(without(NAMED_POOL, "pools", server="B"), "nothing says which pools B has", ASSUMED),
         Bad(stating(NAMED_POOL, policy("target-pool", "a1", "DefaultPool")), "leaves processor pool DB", WARNING)]),
    "processor.preferred-mode": Example(
        [Good(BASE), Good(a1(preferred_mode="default")), Good(a1(preferred_mode="POWER6 enhanced")),
         Good(changed(a1(current_mode="POWER7", preferred_mode="POWER7"), "B", modes=("POWER7",)))],
        [Bad(a1(preferred_mode="POWER6+"), "prefers POWER6+ mode, which B does not support")]),
    "processor.pool": Example(
        [Good(POOLED), Good(changed(BASE.replace(pools=(pool("A", 0), pool("B", 0, 2.5))), "a1", processors="dedicated"))],
        [Bad(BASE.replace(pools=(pool("A", 0), pool("B", 0, 3.49))), "pool 0 of B would hold 3.50 cores of 3.49"),
         Bad(BASE.replace(pools=(pool("A", 0), pool("B", 0, 4, 1))), "pool 0 of B would hold 3.50 cores of 3.00")]),
    "processor.pool-usage": Example(
        [Good(SMALL_POOL, usage={"a1": [1000, 500], "b1": [500, 1500], "b2": [1000, 1000]}), Good(SMALL_POOL)],
        [Bad(SMALL_POOL, "with the usage of 1970-01-01 01:00, a month-end day, pool 0 of B would use 3.51 cores of 3.50",
             usage={"a1": [1000, 510], "b1": [500, 2000], "b2": [1000, 1000]})]),
    "processor.usage": Example(
        [Good(B_OF_4, usage={"a1": [1000, 500], "b1": [500, 1000], "b2": [1500, 1500]}), Good(B_OF_4),
         Good(B_OF_4, usage={"a1": [0, 500], "b1": [3500, 1000], "b2": [3500, 1500]})],
        [Bad(B_OF_4, "with the usage of 1970-01-01 00:00, a month-end day, B would use 4.01 cores of 4.00",
             usage={"a1": [1010, 500], "b1": [500, 1000], "b2": [1500, 1500]}),
         Bad(stating(changed(B_OF_4, "B", configurable_units=500), policy("cpu-ceiling", "B", "80")), "B would use 4.01 cores of 4.00",
             usage={"a1": [500, 1010], "b1": [1000, 500], "b2": [1500, 1500]})]),
    "processor.pool-known": Example(
        [Good(BASE), Good(stating(BASE.replace(pools=(pool("B", 2, 5, name="SAP"),)), policy("target-pool", "a1", "SAP")))],
        [Bad(stating(BASE, policy("target-pool", "a1", "SAP")), "B has no processor pool 'SAP'")]),
    "server.console-firmware": Example(
        [Good(BASE), Good(POWER9), Good(changed(BASE, "B", console_level="", firmware="EM330_034")),
         Good(changed(changed(stating(BASE, policy("console-link", "A-v1", "B-v1")), "A", console="A-v1", console_level=""),
                      "B", console="B-v1", console_level=""))],
        [Bad(changed(BASE, "B", console_level=""), "the console level of B is unknown; firmware EM350_085 wants V7R3.4 at least",
             ASSUMED),
         Bad(changed(POWER9, "A", console_level="unknown"), "the console level of A is unknown; firmware VL950_099 wants V8R8.6 at least", ASSUMED),
         Bad(changed(POWER9, "B", console_level="V8R8.5.0"), "VL950_099 of B wants console level V8R8.6 at least", WARNING),
         Bad(changed(POWER9, "A", firmware="FW1110.01"), "FW1110.01 of A wants console level V11R1M1110 at least", WARNING),
         Bad(changed(POWER9, "A", firmware="ML1060_896", console_level="V9R2M950"), "level V10R1M1020 at least", WARNING)]),
    "server.console": Example(
        [Good(BASE), Good(changed(b(console=""), "A", console="")), Good(stating(b(console="hmc2"), policy("console-link", "hmc1", "hmc2"))),
         Good(b(console="hmc2; hmc1")), Good(b(console="HMC1.example.com")),
         Good(stating(changed(b(console="hmc3; hmc2"), "A", console="hmc0; hmc1.a"), policy("console-link", "hmc1", "hmc2")))],
        [Bad(b(console="hmc2"), "A is managed by hmc1, B by hmc2"),
         Bad(changed(b(console="hmc1.b; hmc3"), "A", console="hmc1.a; hmc2"), "A is managed by hmc1.a and hmc2, B by hmc1.b and hmc3"),
         Bad(b(console=""), "A is managed by hmc1; the console of B is unknown", ASSUMED)]),
    "server.sizes-known": Example(
        [Good(BASE), Good(changed(BASE, "b1", memory_mib=0, state="not activated"))],
        [Bad(changed(BASE, "b1", memory_mib=0), "what b1 holds of B is unknown"),
         Bad(changed(BASE, "B", configurable_units=0), "nothing says how many cores B has"),
         Bad(changed(BASE, "B", configurable_memory_mib=0), "nothing says how much memory B has")]),
    "server.operating": Example(
        [Good(BASE), Good(b(state="Operating")), Good(changed(BASE, "C", state="error"))],
        [Bad(b(state=state), f"B is in the state '{state}', not Operating") for state in (
            "Power Off", "no connection", "error", "incomplete", "standby", "initializing", "recovery")]),
    "server.source-operating": Example(
        [Good(BASE), Good(changed(BASE, "A", state="operating"))],
        [Bad(changed(BASE, "A", state="error - terminated"), "A is in the state 'error - terminated', not Operating")]),
    "server.dpo": Example([Good(BASE), Good(changed(BASE, "A", dpo_running=True))],
                          [Bad(b(dpo_running=True), "the Dynamic Platform Optimizer runs on B")]),
    "server.enterprise": Example([Good(BASE)],
                                 [Bad(b(enterprise=None), "whether B has PowerVM Enterprise", ASSUMED),
                                  Bad(b(enterprise=False), "B has no PowerVM Enterprise Edition"),
                                  Bad(changed(BASE, "A", enterprise=False), "A has no PowerVM Enterprise Edition")]),
    "server.firmware": Example(
        [Good(BASE), Good(POWER9), Good(changed(b(firmware="AM730_087"), "A", firmware="EM350_085"))],
        [Bad(changed(b(firmware="AM730_087"), "A", firmware="EM340_061"),
             "firmware EM340_061 on A cannot send to AM730_087 on B"),
         Bad(b(firmware=""), "the firmware level of B is unknown", ASSUMED),
         Bad(b(firmware="EL310_048"), "cannot send to EL310_048"),
         Bad(b(firmware="FW1060.10"), "is in no matrix known here", WARNING)]),
    "server.mover": Example(
        [Good(BASE), Good(changed(BASE, "B-v2", msp=False))],
        [Bad(_movers(msp=None), "which VIOS of B is a mover service partition is unknown", ASSUMED),
         Bad(_movers(msp=False), "no VIOS of B is a mover service partition"),
         Bad(_movers(rmc_active=False), "no mover service partition of B has an active RMC connection and carries a migration")]),
    "server.site": Example(
        [Good(BASE), Good(stating(b(site="south"), policy("site-link", "north", "south")))],
        [Bad(b(site="south"), "A stands in north, B in south")]),
    "server.inactive-migrations": Example(
        [Good(BASE), Good(changed(a1_asleep(), "B", max_inactive_migrations=1), asleep_to_b),
         Good(changed(BASE, "B", max_inactive_migrations=0))],
        [Bad(changed(a1_asleep(), "B", max_inactive_migrations=0), "B supports 0 inactive migrations",
             moves=asleep_to_b)]),
    "server.migrations": Example(
        [Good(BASE), Good(b(max_migrations=1)), Good(changed(changed(POWER9, "B", max_migrations=16), "B-v1", level=""))],
        [Bad(b(max_migrations=0), "B supports 0 migrations"),
         Bad(changed(BASE, "A", max_migrations=0), "A supports 0 migrations")]),
    "server.vios-rmc": Example(
        [Good(BASE)],
        [Bad(changed(BASE, "B-v2", rmc_active=None), "whether B-v2 has an active RMC connection is unknown", ASSUMED),
         Bad(changed(BASE, "B-v2", rmc_active=False), "B-v2 has no active RMC connection"),
         Bad(changed(BASE, "A-v2", rmc_active=False), "A-v2 has no active RMC connection")]),
    "server.vios-level": Example(
        [Good(BASE), Good(changed(changed(BASE, "B-v2", level=""), "B", generation="POWER7")), Good(POWER7)],
        [Bad(changed(BASE, "B-v2", level="1.5.0.0"), "Mobility needs VIOS level 1.5.1.1; B-v2 has 1.5.0.0"),
         Bad(changed(BASE, "B-v2", level=""), "Mobility needs VIOS level 1.5.1.1; that of B-v2 is unknown", ASSUMED),
         Bad(changed(changed(BASE, "A-v1", level=""), "A", generation=""), "that of A-v1 is unknown", ASSUMED),
         Bad(changed(POWER7, "B-v2", level=""), "IBM i needs VIOS level 2.2.1.4; that of B-v2 is unknown", ASSUMED),
         Bad(_levels(POWER7, "2.2.1.3"), "IBM i needs VIOS level 2.2.1.4; A-v1 has 2.2.1.3")]),
    "software.minimum": Example(
        [Good(BASE), Good(a1(os_level="6.1 TL0 SP1")), Good(a1(environment="production", software=("SAP ECC 6.0",))),
         Good(a1(environment="production", software=("Oracle 10.2.0.4",), os_level="5300-08-04-0844"))],
        [Bad(a1(environment="production", software=("SAP ECC 6.0",), os_level="6.1 TL2 SP2"),
             "AIX 6.1 TL2 SP2 is below 6.1 TL2 SP3"),
         Bad(a1(environment="production", software=("Oracle 10.2.0.3",)), "Oracle 10.2.0.3 is below 10.2.0.4"),
         Bad(a1(software=("Oracle 10.2.0.3",)), "Oracle 10.2.0.3 is below 10.2.0.4", WARNING),
         Bad(a1(os_level="5.3 TL6 SP9"), "AIX 5.3 TL6 SP9 is below 5.3 TL7 SP1", WARNING),
         Bad(stating(a1(software=("PowerHA 5.4.1",)), policy("minimum-software", "PowerHA", "6.1")),
             "PowerHA 5.4.1 is below 6.1 (policy)")]),
    "software.minimum-there": Example(
        [Good(BASE), Good(POWER8), Good(stating(POWER8, policy("minimum-software", "AIX", "7.1 on POWER9"))),
         Good(changed(changed(POWER8, "a1", os_level="6.1 TL9 SP1"), "B", generation="POWER7", firmware="AM780_056")),
         Good(changed(POWER8, "a1", os_level="6.1 TL9 SP1", environment="production", software=("SAP ECC 6.0", "ifix IV59492m9a")))],
        [Bad(changed(POWER8, "a1", os_level="6.1 TL9 SP1", environment="production"),
             "on POWER8 (APAR IV59492) AIX 6.1 TL9 SP1 is below 6.1 TL9 SP5"),
         Bad(changed(POWER8, "a1", os_level="6.1 TL9 SP1"), "is below 6.1 TL9 SP5", WARNING),
         Bad(stating(POWER8, policy("minimum-software", "AIX", "AIX 7.1 TL3 on POWER7+, POWER8")),
             "which the policy wants on POWER8"),
         Bad(stating(POWER8, policy("minimum-software", "AIX", "7.1 from POWER7+")), "is below 7.1, which the policy wants")]),
    "software.refused": Example(
        [Good(BASE), Good(a1(software=("Oracle 10.2.0.4",)))],
        [Bad(a1(software=("Oracle RAC 10.2.0.4",)), "runs Oracle RAC 10.2.0.4"),
         Bad(stating(a1(software=("Node-locked CAD 3",)), policy("refused-software", "Node-locked CAD")),
             "runs Node-locked CAD 3")]),
    "storage.fabric": Example(
        [Good(BASE), Good(_fabric(*ALL_PORTS)), Good(_fabric(("B-v1", "f1", None), ("B-v2", "f2", 1)))],
        [Bad(_fabric(("B-v1", "f1", 8)), "no VIOS of B has a free NPIV port on fabric f2"),
         Bad(_fabric(("B-v1", "f1", 8), ("B-v2", "f2", 0)), "free NPIV port on fabric f2"),
         Bad(_twice(), "need virtual ports of one VIOS, 2 on f1; on B B-v1 has 1 on f1")]),
    "storage.npiv-mapping": Example(
        [Good(_crossed(2), three_to_b), Good(_fabric(*ALL_PORTS))],
        [Bad(_crossed(1), "no mapping of all virtual Fibre Channel adapters onto the VIOSes of B", moves=three_to_b)]),
    "storage.npiv-ports": Example(
        [Good(_adapters(("B-v1", "f1", 2), ("B-v2", "f2", 2)), both_to_b),
         Good(_adapters(("B-v1", "f1", 1), ("B-v2", "f2", 1))), Good(_adapters(("B-v1", "f1", None), ("B-v2", "f2", None)))],
        [Bad(_adapters(("B-v1", "f1", 1), ("B-v2", "f2", 2)),
             "2 virtual Fibre Channel ports would be in use on B-v1, fabric f1, which has 1", moves=both_to_b)]),
    "storage.slots": Example(
        [Good(BASE), Good(_slots(8)), Good(_slots(100, None)), Good(_slots(None)), Good(_slots(None, 60))],
        [Bad(_slots(7), "its 2 adapters find no virtual slots: were nobody else on B, B-v1 would have 0, B-v2 would"),
         Bad(_slots(None, 62), "whether the VIOSes of B have virtual slots for all that may come is unknown", ASSUMED),
         Bad(_slots(20, None), "for all that may come is unknown", ASSUMED)]),
    "storage.virtual-slots": Example(
        [Good(_slots(9), both_to_b), Good(_slots(8)), Good(_slots(None), both_to_b)],
        [Bad(_slots(8), "client adapters would take 2 virtual slots of B-v1, which has 1 for them", moves=both_to_b)]),
    "storage.lun-seen": Example(
        [Good(BASE), Good(PR), Good(_clusters("pool1", "pool1"))],
        [Bad(_unzoned("B-v1", "B-v2"), "LUN lun-a1 is not seen by any VIOS of B"),
         Bad(_unlisted("B-v1", "B-v2"), "whether LUN lun-a1 is seen by a VIOS of B is unknown: neither lspv nor lsdev"),
         Bad(_reserved("single_path", "B-v1", "B-v2"), "is reserved on B: single_path on B-v1, single_path on B-v2")]),
    "storage.no-optical": Example(
        [Good(BASE)],
        [Bad(_disk("optical"), "virtual optical vtopt0 (slot 9, vtopt0) on A-v1 is attached"),
         Bad(_levels(_disk("optical"), ""), "virtual optical vtopt0 (slot 9, vtopt0) on A-v1 is attached"),
         Bad(OPTICAL, "is attached: it moves with VIOS 3.1.3", INFO),
         Bad(changed(OPTICAL, "A", console_level="V9R2M950"), "needs console level V10R1; that of A has V9R2M950"),
         Bad(changed(OPTICAL, "A", console_level=""), "that of the console of A is unknown", ASSUMED)]),
    "storage.optical-there": Example(
        [Good(BASE), Good(OPTICAL)],
        [Bad(changed(OPTICAL, "B-v2", level="3.1.2.10"), "virtual optical vtopt0 needs VIOS level 3.1.3; B-v2 has 3.1.2.10"),
         Bad(changed(OPTICAL, "B-v2", level=""), "that of B-v2 is unknown", ASSUMED)]),
    "storage.cluster": Example(
        [Good(BASE), Good(_clusters("pool1", "pool1"))],
        [Bad(_clusters("pool1", "pool2"), "A-v1 serves it a disk of cluster pool1, of which no VIOS of B is a node"),
         Bad(_clusters("pool1", "none"), "of which no VIOS of B is a node"),
         Bad(_clusters("pool1", ""), "whether a VIOS of B is a node of that cluster is unknown", ASSUMED),
         Bad(_clusters("", "pool1"), "whether a VIOS of B is a node of that cluster is unknown", ASSUMED)]),
    "storage.device-names": Example(
        [Good(BASE), Good(_vtd("vtscsi3"))], [Bad(_vtd("ora_data"), "have names of their own (ora_data)", INFO)]),
    "storage.reserve-there": Example(
        [Good(BASE), Good(PR)],
        [Bad(_levels(_reserved("PR_shared", "A-v1", "A-v2"), "2.1.2.0"), "PR_shared on A, no_reserve on B"),
         Bad(changed(PR, "B-v1", level="2.1.1.0"), "reserve_policy PR_shared needs VIOS level 2.1.2.0; B-v1 has 2.1.1.0"),
         Bad(_reserved("", "B-v1"), "the reserve policy of its LUNs on B-v1 is unknown", ASSUMED)]),
    "storage.path-known": Example(
        [Good(BASE), Good(_fabric(*ALL_PORTS))],
        [Bad(BASE.replace(disks=(*BASE.disks, Disk("a1", 9, "lun-a1", "gone"))), "slot 9 leads to gone, which no listing"),
         Bad(_disk("unknown"), "what hangs on its slot 9, which A-v1 serves, is unknown", ASSUMED),
         Bad(BASE.replace(disks=()), "no listing states its disks", ASSUMED),
         Bad(_nameless(_fabric(*ALL_PORTS)), "the WWPNs of its Fibre Channel adapter in slot")]),
    "storage.redundancy": Example(
        [Good(BASE)],
        [Bad(_unzoned("B-v2"), "disks: 1 path(s) over a VIOS of their own would be lost on B"),
         Bad(_unlisted("B-v2"), "whether a second VIOS of B sees its LUNs is unknown"),
         Bad(_reserved("single_path", "B-v1"), "1 path(s)"),
         Bad(_fabric(("B-v1", "f1", 8), ("B-v1", "f2", 8)), "Fibre Channel adapters: 1 path(s)"),
         Bad(stating(_unzoned("B-v2"), policy("redundancy", "a*", "if-possible")), "1 path(s)", WARNING)]),
    "storage.reserve-here": Example(
        [Good(BASE), Good(PR), Good(_reserved("single_path", "C-v1"))],
        [Bad(_reserved("", "A-v1"), "the reserve policy of its LUNs on A-v1 is unknown", ASSUMED),
         Bad(changed(PR, "A-v1", level=""), "that of A-v1 is unknown", ASSUMED),
         Bad(changed(PR, "A-v2", level="2.1.1.0"), "needs VIOS level 2.1.2.0; A-v2 has 2.1.1.0"),
         Bad(_reserved("single_path", "A-v2"), "LUN lun-a1 has reserve_policy single_path on A-v2")]),
    "storage.whole-lun": Example(
        [Good(BASE)], [Bad(_disk("lv"), "disk extra (slot 9, vtopt0) on A-v1 is a logical volume"),
                       Bad(_disk("file"), "on A-v1 is a file")]),
    "storage.wwpn-pair": Example(
        [Good(_fabric(*ALL_PORTS))],
        [Bad(_fabric(*ALL_PORTS, both_zoned=None), "(slot 41, 42) is zoned, to the same target ports, is unknown", ASSUMED),
         Bad(_fabric(*ALL_PORTS, both_zoned=False), "the second WWPN c0511 (slot 41) is not zoned like c0510")]),
    "timing.blackout": Example(
        [Good(stating(BASE, policy("blackout", "a1", "daily 22:00/23:00"))),
         Good(stating(BASE, policy("blackout", "a1", "2026-12-04 22:00/23:00")), window=NIGHT),
         Good(stating(BASE, policy("blackout", "a1", "daily 21:00/22:00")), window=NIGHT)],
        [Bad(stating(BASE, policy("blackout", "a1", "daily 22:03/23:00")),
             "moves from 22:00 to 22:03, inside its blackout daily 22:03/23:00", window=NIGHT),
         Bad(stating(BASE, policy("blackout", "a*", "2026-12-05 20:00/2026-12-06 01:00")), "inside its blackout",
             window=NIGHT)]),
    "timing.production-order": Example(
        [Good(stating(BASE, policy("production-order", "", "first")), both_to_b),
         Good(a1(environment="production"), both_to_b),
         Good(stating(a1(environment="production"), policy("production-order", "", "last")))],
        [Bad(stating(a1(environment="production"), policy("production-order", "", "first")),
             "is to move before a2 (production first), and does not", moves=both_to_b)]),
    "timing.cluster-nodes": Example(
        [Good(stating(BASE, policy("cluster", "crm", "b1; a1")), lambda of: [move(of, "a1", "A", "C")]),
         Good(stating(BASE, policy("cluster", "crm", "a1; c1")), both_to_b)],
        [Bad(stating(BASE, policy("cluster", "crm", "a1; c1")), "a1, c1 of cluster crm are in flight together at 0 s",
             moves=lambda of: [move(of, "a1", "A", "B"),
                               move(of, "c1", "C", "A", source_msp="C-v2", target_msp="A-v2")])]),
    "timing.duration": Example(
        [Good(BASE), Good(IDLE, one_link)],
        [Bad(BASE, "is given 192 s; the cost model says 193 s",
             moves=lambda of: [replace(move(of, "a1", "A", "B"), duration_ms=192_000)]),
         Bad(SLEEPING, "is given 58 s; the cost model says 60 s",
             moves=lambda of: [replace(m, duration_ms=58_000) for m in asleep_to_b(of)[:1]])]),
    "timing.heartbeat": Example(
        [Good(a1(software=("PowerHA 6.1",)), both_to_b), Good(a1(software=("PowerHA 6.1",)), one_after_the_other)],
        [Bad(a1(software=("PowerHA 6.1",)), "has a heartbeat and shares its movers with a2", moves=one_link)]),
    "timing.inactive-limit": Example(
        [Good(SLEEPING, lambda of: [*(found := asleep_to_b(of))[1:], replace(found[0], start_ms=60_000, wave=2)])],
        [Bad(SLEEPING, "5 inactive migrations at 0 s on A, which supports 4", moves=lambda of: asleep_to_b(of))]),
    "timing.mover-limit": Example(
        [Good(changed(BASE, "B-v1", max_migrations=1), both_to_b),
         Good(changed(BASE, "B-v1", max_migrations=1), one_after_the_other)],
        [Bad(changed(BASE, "B-v1", max_migrations=1), "2 moves at 0 s over B-v1, which supports 1", moves=one_link),
         Bad(stating(BASE, policy("concurrency", "A-v1", "1")), "2 moves at 0 s over A-v1, which supports 1",
             moves=one_link)]),
    "availability.n-plus-1": Example(
        [Good(BASE)],
        [Bad(changed(BASE, "c1", physical_adapters=("U78-P1-C1",)), "cannot restart on A when C fails: owns physical"),
         Bad(changed(BASE, "C", configurable_units=220), "when A fails: C would hold"),
         Bad(stating(BASE, policy("keep-apart", "pair", "a2; c1")), "when C fails: a2 and c1 are kept apart")]),
    "timing.mover-place": Example(
        [Good(BASE)],
        [Bad(changed(BASE, "B-v1", msp=False), "B-v1 is no mover of B"),
         Bad(BASE, "C-v1 is no mover of A", moves=lambda of: [move(of, "a1", "A", "B", source_msp="C-v1")]),
         Bad(BASE, "no VIOS is no mover of B", moves=lambda of: [move(of, "a1", "A", "B", target_msp="")])]),
    "timing.server-limit": Example(
        [Good(BASE, both_to_b), Good(b(max_migrations=1), one_after_the_other)],
        [Bad(b(max_migrations=1), "2 moves at 0 s on B, which supports 1 (Max migrations)", moves=both_to_b),
         Bad(stating(BASE, policy("concurrency", "A", "1")), "2 moves at 0 s on A, which supports 1", moves=both_to_b)]),
    "timing.levels": Example(
        [Good(FAST, so_many(16)), Good(changed(FAST, "B-v1", level=""), so_many(4))],
        [Bad(changed(FAST, "B", firmware="AM740_088", console_level=""), "carrying 5 moves at a time on B needs console "
             "level V7R7.4; that of the console of B is unknown", ASSUMED, so_many(5)),
         Bad(changed(FAST, "B-v1", level=""), "carrying 5 moves at a time on B needs VIOS level 2.2.0.11; that of B-v1 is "
             "unknown", ASSUMED, so_many(5)),
         Bad(changed(FAST, "A-v2", level=""), "on A needs VIOS level 2.2.2.0; that of A-v2 is unknown", ASSUMED, so_many(9)),
         Bad(changed(FAST, "B-v1", level=""), "on B needs VIOS level 2.2.2.0; that of B-v1 is unknown", ASSUMED,
             so_many(5, over=1)),
         Bad(changed(FAST, "B-v1", level="2.2.0.10"), "on B needs VIOS level 2.2.0.11; B-v1 has 2.2.0.10", moves=so_many(5))]),
    "timing.share": Example(
        [Good(BUSY, both_to_b), Good(BUSY, one_after_the_other), Good(IDLE, one_link)],
        [Bad(BUSY, "gets 39.5 MB/s beside other moves", moves=one_link)]),
}

BY_ID = {r.id: r for r in RULES}
GOOD = [pytest.param(rule, g, id=f"{rule}-{n}") for rule, e in EXAMPLES.items() for n, g in enumerate(e.good)]
BAD = [pytest.param(rule, x, id=f"{rule}-{n}") for rule, e in EXAMPLES.items() for n, x in enumerate(e.bad)]


#: N+1 for ``a1_to_b``: where each LPAR restarts when its server fails.
RESTART = {"A": {"a2": "C"}, "B": {"a1": "A", "b1": "A", "b2": "A"}, "C": {"c1": "A"}}


def plan_for(example: Good | Bad, rule: str = "") -> Plan:
    plan = plan_of(with_vnics(Site(example.estate), example.moves(example.estate)), window=example.window)
    if any(m.inactive for m in plan.moves):
        return plan.replace(goal=Evacuate(servers=("A",), inactive=True))
    if example.stay:
        return plan.replace(goal=Headroom(server="C", units=1, memory_mib=0, stay=example.stay))
    if rule.startswith("availability."):
        goal = Consolidate(measure=Measure.SERVERS, n_plus_1=True)
        return plan.replace(goal=goal, restart=RESTART)
    return plan


def situation(example: Good | Bad, plan: Plan) -> tuple[Site, Judge]:
    """The site of an example; with the question where LPARs are planned that are not activated."""
    if plan.goal.takes_along or plan.goal.stay:
        return (site := Site(example.estate, goal=plan.goal)), Judge(site)
    return judged(example.estate, example.usage)


def said(rule: Rule, site: Site, judge: Judge, plan: Plan) -> list[Finding]:
    """What a rule says of this plan, asked directly."""
    first = plan.moves[0]
    end = site.start | {m.lpar: m.target for m in plan.moves}
    if rule.scope is Scope.LPAR:
        return rule.findings(first.lpar, site, first.lpar)
    if rule.scope is Scope.MOVE:
        return rule.findings(first.lpar, site, first.lpar, first.source, first.target)
    if rule.scope is Scope.SERVER:
        return rule.findings("B", site, "B", [n for n, s in end.items() if s == "B"])
    if rule.scope is Scope.GROUP:
        return rule.findings("", site, {n: (s,) for n, s in end.items()})
    if rule.scope is Scope.RESTART:
        return rule.findings("", site, end, plan.off, plan.restart)
    return rule.findings("", site, plan.moves, plan.window)


def test_every_rule_has_a_good_and_a_bad_example() -> None:
    assert set(EXAMPLES) == set(BY_ID), "a rule needs an entry in EXAMPLES above"
    assert all(e.good and e.bad for e in EXAMPLES.values())
    assert {i for i, e in EXAMPLES.items() if any(x.severity is ERROR for x in e.bad)} == {
        i for i, r in BY_ID.items() if r.severity is ERROR}


@pytest.mark.parametrize(("rule", "example"), GOOD)
def test_a_rule_is_silent_on_its_good_example(rule: str, example: Good) -> None:
    plan = plan_for(example, rule)
    assert said(BY_ID[rule], *situation(example, plan), plan) == []


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_a_rule_says_what_is_wrong_and_how_bad_it_is(rule: str, example: Bad) -> None:
    plan = plan_for(example, rule)
    site, judge = situation(example, plan)
    found = [f for f in said(BY_ID[rule], site, judge, plan) if example.message in f.message]
    assert found, [f.message for f in said(BY_ID[rule], site, judge, plan)]
    assert {(f.rule, f.severity) for f in found} == {(rule, example.severity)}
    assert all(f.subject and f.fix for f in found)


def test_a_vnic_comes_home_to_the_ports_that_it_left() -> None:
    """Nobody states the ports of A: a gate was told for the way home to the very ports that it left."""
    judge = Judge(Site(changed(_vnic(b=4), "A", free_sriov_ports=None)))
    told = {pair: [f.rule for f in judge.move("a1", *pair) if f.rule == "network.vnic"]
            for pair in (("A", "B"), ("B", "A"), ("A", "C"))}
    assert told == {("A", "B"): [], ("B", "A"): [], ("A", "C"): ["network.vnic"]}


def with_blanks(value: Any) -> Any:
    """An estate whose servers and whose a1 have names of two words, wherever they are named."""
    if isinstance(value, tuple):
        return tuple(map(with_blanks, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: with_blanks(getattr(value, f.name)) for f in fields(value) if f.init})
    return f"{value} x" if value in ("A", "B", "C", "a1") else value


def test_a_name_stays_one_word_of_the_command_that_settles_it() -> None:
    """A gate's command stands in the runbook like any other: names with blanks, or worse, were put into it as they are."""
    told = []
    for rule, example in (p.values for p in BAD):
        if BY_ID[rule].scope in (Scope.LPAR, Scope.MOVE) and {"a1"} <= {p.name for p in example.estate.lpars}:
            judge = Judge(Site(with_blanks(example.estate)))
            told += [f.fix for f in (*judge.readiness("a1 x"), *judge.move("a1 x", "A x", "B x")) if f.rule == rule]
    assert [fix for fix in told if re.search(r"(-m|-t|-p|names=) ?(A|B|a1) x", fix)] == []
    assert sum("-m 'A x'" in fix or "-m 'B x'" in fix for fix in told) > 20


@pytest.mark.parametrize(("rule", "example"), [p for p in BAD if p.values[1].severity is ASSUMED])
def test_an_assumption_is_told_by_the_replay_and_refused_where_nothing_is_assumed(rule: str, example: Bad) -> None:
    plan = plan_for(example, rule)
    for nothing, severity in ((False, ASSUMED), (True, ERROR)):
        goal = plan.goal.replace(assume_nothing=nothing) if plan.goal.takes_along else None
        site = Site(example.estate, goal=goal, assume_nothing=nothing)
        found = [f for f in replay(plan, site, Judge(site)).findings if f.rule == rule and example.message in f.message]
        assert {f.severity for f in found} == {severity}


@pytest.mark.parametrize(("rule", "example"), GOOD)
def test_the_replay_accepts_a_plan_that_keeps_the_rule(rule: str, example: Good) -> None:
    plan = plan_for(example, rule)
    played = replay(plan, *situation(example, plan))
    assert played.holds, [str(f) for f in played.findings]


@pytest.mark.parametrize(("rule", "example"), [p for p in BAD if p.values[1].severity is ERROR])
def test_the_replay_rejects_a_plan_that_breaks_the_rule(rule: str, example: Bad) -> None:
    plan = plan_for(example, rule)
    played = replay(plan, *situation(example, plan))
    assert not played.holds
    assert rule in {f.rule for f in played.findings if f.severity is ERROR}


@pytest.mark.parametrize(("rule", "example"), [
    p for p in BAD if p.values[1].severity is ERROR and BY_ID[str(p.values[0])].use])
def test_the_replay_counts_by_itself_what_is_used_up(rule: str, example: Bad, monkeypatch: pytest.MonkeyPatch) -> None:
    """A use that counts wrongly writes wrong rows and its check is silent: the replay counts the estate's rows anew."""
    monkeypatch.setitem(REGISTRY, rule, replace(BY_ID[rule], check=lambda *_: iter(())))
    plan = plan_for(example, rule)
    assert not replay(plan, *situation(example, plan)).holds, "count it in planner/verify/counts.py as well"


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_a_rule_is_one_sentence_with_a_source(rule: Rule) -> None:
    assert rule.sentence.endswith(".") and rule.sentence[0].isupper()
    assert rule.source and rule.encoding


#: IBM's matrix for POWER6 and POWER7, row → mobile (M) or blocked (B) in the order of the columns.
COLUMNS = ("EM350_085", "AM710_043", "AM720_064", "AM730_087", "AM740_110", "AM760_034", "AM763_043", "AM770_032",
           "AM773_033", "AM780_040")
MATRIX = {
    "EM340_039": "MMMBBBBBBB", "EM350_085": "MMMMMMMMMM", "AM710_043": "MMMMMBBBBB", "AM720_064": "MMMMMMMBBB",
    "AM730_087": "MMMMMMMMMM", "AM740_110": "MMMMMMMMMM", "AM760_034": "MBMMMMMMMM", "AM763_043": "MBMMMMMMMM",
    "AM770_032": "MBBMMMMMMM", "AM773_033": "MBBMMMMMMM", "AM780_040": "MBBMMMMMMM"}


@pytest.mark.parametrize("row", MATRIX)
def test_the_firmware_matrix_is_ibms(row: str) -> None:
    """Source: 8231-E2C p7hc3firmwaresupportmatrix; a level's own release is always mobile to itself."""
    told = "".join("M" if firmware_mobile(row, column) else "B" for column in COLUMNS)
    assert told == MATRIX[row]


@pytest.mark.parametrize(("source", "target", "mobile"), [
    ("EM350_085", "FW860.10", True), ("AM780_040", "FW840.00", True), ("AM760_034", "SV840_100", False),
    ("SV840_100", "AM760_034", False), ("AM760_034", "FW840.00", None), ("FW850.10", "AM780_040", None),
    ("AM780_040", "SV850_010", True), ("AM710_043", "SV860_056", None), ("FW1050.00", "FW1060.10", None),
    ("FW950.A0", "NH1060_012", None), ("FW1060.10", "VL950_099", True), ("FW1060.10", "FW1050.20", True),
    ("VL920_101", "FW950.10", None), ("FW950.10", "FW920.10", None), ("FW1060.00", "FW1061.00", None),
    ("FW1110.00", "FW1061.00", True), ("AM760_034", "SV840_113", True), ("FW860.10", "EM350_085", True), ("FW950.10", "FW1050.00", True),
    ("FW1110.00", "FW1060.10", True), ("FW1060.10", "FW1110.00", None), ("EM350_085", "FW950.10", None),
    ("EM310_048", "EM350_085", False), ("EM350_085", "unknown", None)])
def test_later_firmware_is_mobile_only_where_a_matrix_says_so(source: str, target: str, mobile: bool | None) -> None:
    assert firmware_mobile(source, target) is mobile
