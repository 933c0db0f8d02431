"""Facts of an LPAR, two servers and their VIOSes that refuse a move from one to the other, drawn for the oracles.

Each kind says by itself, from the rows of the estate alone, whom it keeps from where: no rule of the planner takes part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from planner.estate.model import Bridge, Disk, Estate, Lpar, Server, Vios

Choices = Mapping[str, Sequence[Any]]
Refuses = Callable[[Estate, Lpar, Server, Server], bool]


def nobody(of: Estate, lpar: Lpar, source: Server, target: Server) -> bool:
    return False


NEWEST = {"servers": {"generation": ["POWER9"], "firmware": ["VL950_099"], "console_level": ["V10R3M1060"],
                      "enterprise": [True], "ibmi_mobility_capable": [True]},
          "lpars": {"current_mode": ["POWER9"], "os_level": ["7.2 TL5"]}, "vioses": {"level": ["3.1.4.10"]}}


@dataclass(frozen=True, slots=True)
class Kind:
    """What it draws for each LPAR, each server and the VIOSes of each server, and whom it keeps from going where."""

    refuses: Refuses
    lpars: Choices = field(default_factory=dict)
    servers: Choices = field(default_factory=dict)
    vioses: Choices = field(default_factory=dict)
    more: Callable[[Estate, Random], Estate] = lambda of, rng: of
    warns: Callable[[Estate, Lpar, Server, Server], int] = lambda of, p, a, b: 0
    """How many warnings such a move carries."""


def _on(of: Estate, server: Server) -> list[Vios]:
    return [v for v in of.vioses if v.server == server.name]


def _old(of: Estate, server: Server, *least: int) -> bool:
    """Whether a VIOS of the server has a lower level."""
    return any(tuple(int(n) for n in v.level.split(".")) < least for v in _on(of, server))


def _capability(used: str, value: object, capable: str) -> Kind:
    return Kind(lambda of, p, a, b: getattr(p, used) == value and getattr(b, capable) is False,
                lpars={used: (value, None)}, servers={capable: (True, True, False, None)})


def _either(word: str, bad: object, *good: object) -> Kind:
    """A server with this fact neither sends nor takes."""
    return Kind(lambda of, p, a, b: bad in (getattr(a, word), getattr(b, word)), servers={word: (*good, *good, *good, bad)})


def _differing(word: str, *values: object) -> Kind:
    return Kind(lambda of, p, a, b: getattr(a, word) != getattr(b, word), servers={word: values})


def _spare_bridges(of: Estate, rng: Random) -> Estate:
    """Some servers without the bridge of their second VIOS."""
    single = {s.name for s in of.servers if rng.random() < 0.3}
    return of.replace(bridges=tuple(b for b in of.bridges if not (b.vios.endswith("-v2") and b.vios[:-3] in single)))


def _bridging(of: Estate, server: Server, vswitch: str) -> int:
    return sum(b.vswitch == vswitch for b in of.bridges if b.vios in {v.name for v in _on(of, server)})


def _second_switch(of: Estate, rng: Random) -> Estate:
    """Some LPARs on another virtual switch, which some servers have as well."""
    both = {s.name for s in of.servers if rng.random() < 0.7}
    moved = {p.name for p in of.lpars if p.server in both and rng.random() < 0.5}
    return of.replace(
        bridges=(*of.bridges, *(Bridge(v.name, "ent7", of.bridges[0].vlan, "DMZ") for v in of.vioses if v.server in both)),
        networks=tuple(replace(n, vswitch="DMZ") if n.lpar in moved else n for n in of.networks))


def _less_bridged(of: Estate, p: Lpar, a: Server, b: Server) -> bool:
    return any(_bridging(of, b, n.vswitch) < _bridging(of, a, n.vswitch) for n in of.networks if n.lpar == p.name)


def _behind(of: Estate, p: Lpar, backing: str) -> bool:
    return any(d.lpar == p.name and d.backing == backing for d in of.disks)


def _clusters(of: Estate, rng: Random) -> Estate:
    """Every disk in the shared storage pool of the cluster of its server."""
    return of.replace(disks=tuple(replace(d, backing="ssp") for d in of.disks))


def _optical(of: Estate, rng: Random) -> Estate:
    loaded = [p for p in of.lpars if rng.random() < 0.5]
    return of.replace(disks=(*of.disks, *(Disk(p.name, 9, "install.iso", f"{p.server}-v1", "optical") for p in loaded)))


def _shared_reserve(of: Estate, rng: Random) -> Estate:
    return of.replace(zonings=tuple(replace(z, reserve_policy="PR_shared") if z.reserve_policy == "no_reserve" else z
                                    for z in of.zonings))


def _reserved(of: Estate, p: Lpar, a: Server, b: Server) -> bool:
    shared = {z.lun for z in of.zonings if z.reserve_policy == "PR_shared"}
    return any(d.lpar == p.name and d.lun in shared for d in of.disks) and (_old(of, a, 2, 1, 2) or _old(of, b, 2, 1, 2))


def _switch_modes(of: Estate, rng: Random) -> Estate:
    """Every virtual switch of a server in one mode, which is not always stated."""
    modes = {s.name: rng.choice(("VEB", "VEB", "VEPA", "")) for s in of.servers}
    home = {v.name: v.server for v in of.vioses}
    return of.replace(bridges=tuple(replace(b, switch_mode=modes[home[b.vios]]) for b in of.bridges))


def _mode(of: Estate, server: Server) -> str:
    return next((b.switch_mode for b in of.bridges if b.vios in {v.name for v in _on(of, server)}), "")


def _to_power8(source: Server, target: Server) -> bool:
    return (source.generation, target.generation) == ("POWER7", "POWER8")


def _release(server: Server) -> int:
    return int("".join(re.findall(r"\d+", server.firmware)[:1]) or 0)


def _no_hybrid(of: Estate, p: Lpar, a: Server, b: Server) -> bool:
    return bool(p.migratable_sriov_ports) and any(_release(s) < 950 or s.console_level == "V9R1M940" for s in (a, b))


def _rmc_lost(of: Estate, p: Lpar, a: Server, b: Server) -> bool:
    return any(v.rmc_active is False for s in (a, b) for v in _on(of, s))


KINDS: dict[str, Kind] = {
    "memory expansion": _capability("memory_expansion_percent", 125, "memory_expansion_capable"),
    "secure boot": _capability("secure_boot", True, "secure_boot_capable"),
    "persistent memory": _capability("persistent_memory", 1, "persistent_memory_capable"),
    "virtual TPM": Kind(lambda of, p, a, b: bool(p.vtpm and a.trusted_key and b.trusted_key) and a.trusted_key != b.trusted_key,
                        lpars={"vtpm": (True, None)}, servers={"trusted_key": ("k1", "k1", "k2", "")}),
    "migratable SR-IOV": Kind(_no_hybrid, lpars={"migratable_sriov_ports": (1, None)}, servers={
        "firmware": ("VL950_099", "VL950_141", "VL940_050"), "console_level": ("V9R2M950", "V10R3M1060", "V9R1M940")}),
    "IBM i": Kind(lambda of, p, a, b: p.os == "IBM i" and (
        p.restricted_io is False or False in (a.ibmi_mobility_capable, b.ibmi_mobility_capable)),
        lpars={"os": ("IBM i", "AIX"), "os_level": ("7.4",), "restricted_io": (True, True, None, False)},
        servers={"ibmi_mobility_capable": (True, True, None, False)}),
    "firmware": Kind(lambda of, p, a, b: {_release(a), _release(b)} == {710, 780}, lpars={"current_mode": ("POWER7",)},
                     servers={"generation": ("POWER7",), "firmware": ("AM710_043", "AM780_056", "AM740_088")}),
    "mode": Kind(lambda of, p, a, b: bool(b.modes) and p.current_mode not in b.modes, lpars={"current_mode": ("POWER8", "POWER9")},
                 servers={"modes": (("POWER8", "POWER9"), ("POWER8",), ("POWER7", "POWER8", "POWER9"))}),
    "preferred mode": Kind(
        lambda of, p, a, b: bool(b.modes) and p.preferred_mode not in ("default", *b.modes),
        lpars={"current_mode": ("POWER8",), "preferred_mode": ("POWER9", "POWER8", "default")},
        servers={"modes": (("POWER8", "POWER9"), ("POWER8", "POWER9"), ("POWER8",))}),
    "virtual processors": Kind(
        lambda of, p, a, b: p.processors != "dedicated" and p.entitlement_units < (b.min_units_per_vp or 5) * p.virtual_processors,
        lpars={"virtual_processors": (1, 2)}, servers={"min_units_per_vp": (5, 10, 30)}),
    "memory blocks": _differing("lmb_mib", 256, 256, 128),
    "site": _differing("site", "north", "north", "south"),
    "console": _differing("console", "hmc1", "hmc1", "hmc1", "hmc2"),
    "edition": _either("enterprise", False, True),
    "state": _either("state", "error", "operating", ""),
    "migrations": _either("max_migrations", 0, 4),
    "optimizer": Kind(lambda of, p, a, b: bool(b.dpo_running), servers={"dpo_running": (False, None, True)}),
    "movers": Kind(lambda of, p, a, b: any(v.msp is False for s in (a, b) for v in _on(of, s)),
                   vioses={"msp": (True, True, True, False)}),
    "VIOS connection": Kind(_rmc_lost, vioses={"rmc_active": (True, True, True, False)}),
    "VIOS level": Kind(lambda of, p, a, b: _old(of, a, 1, 5, 1, 1) or _old(of, b, 1, 5, 1, 1),
                       vioses={"level": ("3.1.4.10", "2.1.0.10", "1.5.0.0")}),
    "redundant bridges": Kind(nobody, more=_spare_bridges),
    "bridges of a virtual switch": Kind(_less_bridged, more=_second_switch),
    "storage cluster": Kind(
        lambda of, p, a, b: _behind(of, p, "ssp") and _on(of, a)[0].cluster != _on(of, b)[0].cluster,
        vioses={"cluster": ("blue", "blue", "green")}, more=_clusters),
    "virtual optical": Kind(lambda of, p, a, b: _behind(of, p, "optical") and (_old(of, a, 3, 1, 3) or _old(of, b, 3, 1, 3)),
                            vioses={"level": ("3.1.3.10", "3.1.4.10", "2.2.6.65")}, more=_optical),
    "PR_shared": Kind(_reserved, vioses={"level": ("2.1.2.0", "3.1.4.10", "2.1.0.10")}, more=_shared_reserve),
    "vNIC": Kind(lambda of, p, a, b: bool(p.vnic_adapters) and b.vnic_capable is False and b.name != p.server,
                 lpars={"vnic_adapters": (1, None)}, servers={"vnic_capable": (True, True, False, None)}),
    "shared memory": Kind(
        lambda of, p, a, b: p.memory_mode == "shared" and not b.shared_memory_pool_mib,
        lpars={"memory_mode": ("shared", "dedicated"), "io_entitled_mib": (1,)},
        servers={"shared_memory_pool_mib": (4096, 4096, None)}, vioses={"paging_devices_mib": ((8192,) * 6,)}),
    "software": Kind(
        lambda of, p, a, b: p.environment == "production" and _to_power8(a, b),
        lpars={"os_level": ("6.1 TL9 SP1",), "current_mode": ("POWER7",), "environment": ("production", "non-production")},
        servers={"generation": ("POWER7", "POWER7", "POWER8"), "firmware": ("SV860_056",)},
        warns=lambda of, p, a, b: p.os_level == "6.1 TL9 SP1" and p.environment != "production" and _to_power8(a, b)),
    "huge pages": Kind(lambda of, p, a, b: bool(p.huge_pages), lpars={"huge_pages": (None, 0, 0, 2)}),
    "page table ratio": Kind(nobody, lpars={"ppt_ratio": (64, 4096, None)}, servers={"ppt_ratio_capable": (True, True, False)},
                             warns=lambda of, p, a, b: p.ppt_ratio == 64 and b.ppt_ratio_capable is False),
    "remote restart": Kind(nobody, lpars={"simplified_remote_restart": (True, None)},
                           servers={"remote_restart_capable": (True, True, False, None)},
                           warns=lambda of, p, a, b: bool(p.simplified_remote_restart) and b.remote_restart_capable is False),
    "unlisted firmware": Kind(nobody, servers={"firmware": ("VL950_099", "FW1060.10")},
                              warns=lambda of, p, a, b: _release(a) == 950 and _release(b) == 1060),
    "console level": Kind(nobody, servers={"console_level": ("V10R3M1060", "", "V8R8.5.0")},
                          warns=lambda of, p, a, b: [a.console_level, b.console_level].count("V8R8.5.0")),
    "switch mode": Kind(nobody, more=_switch_modes,
                        warns=lambda of, p, a, b: len({_mode(of, a), _mode(of, b)} - {""}) == 2),
}
"""By what they are about. The last refuse nobody: a warning makes a move dearer."""


def _as_drawn(of: Estate, rng: Random, lpars: Choices, servers: Choices, vioses: Choices) -> Estate:
    def some(choices: Choices) -> dict[str, Any]:
        return {word: rng.choice(list(values)) for word, values in choices.items()}

    there = {s.name: some(vioses) for s in of.servers}
    return of.replace(lpars=tuple(replace(p, **some(lpars)) for p in of.lpars),
                      servers=tuple(replace(s, **some(servers)) for s in of.servers),
                      vioses=tuple(replace(v, **there[v.server]) for v in of.vioses))


def with_pairs(of: Estate, seed: int, kind: str = "") -> Estate:
    """The same on recent servers, between some of which some LPARs may not move: for one reason, of two the second rarely."""
    rng = Random(f"pairs {seed}")
    of = _as_drawn(of, rng, **NEWEST)
    drawn = (kind,) if kind else rng.sample(sorted(KINDS), rng.choice((1, 1, 1, 2)))
    own = [name for name in drawn if "generation" in KINDS[name].servers]  # others are said of the newest servers
    for name in own[:1] or drawn:
        of = KINDS[name].more(_as_drawn(of, rng, KINDS[name].lpars, KINDS[name].servers, KINDS[name].vioses), rng)
    return of


def refused(of: Estate, lpar: Lpar, source: Server, target: Server) -> bool:
    """Whether any kind keeps an LPAR from going from one server to another."""
    return any(kind.refuses(of, lpar, source, target) for kind in KINDS.values())


def warnings(of: Estate, lpar: Lpar, source: Server, target: Server) -> int:
    """How many warnings all kinds have for such a move."""
    return sum(int(kind.warns(of, lpar, source, target)) for kind in KINDS.values())
