"""May an LPAR go from one server to another? The sentences of docs/rules.md on one LPAR and on a pair of servers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from facts import FINE, GENERATION_MODES, Site, level


@dataclass(frozen=True)
class Question:
    """What of a question decides on single moves."""

    freed: frozenset[str] = frozenset()
    not_targets: frozenset[str] = frozenset()
    stay: frozenset[str] = frozenset()
    critical: frozenset[str] = frozenset()
    homes: Mapping[str, str] = field(default_factory=dict)
    firmware: Mapping[str, str] = field(default_factory=dict)
    goes_home: bool = False


def cluster_software(site: Site, lpar: str) -> bool:
    words = ("powerha", "hacmp", "vcs", "veritas cluster", "tsa", "gpfs", "spectrum scale", "oracle rac")
    return any(s.lower().startswith(words) for s in site.lpars[lpar].software) or any(
        lpar in group for group in site.groups("cluster"))


def hindered(site: Site, lpar: str) -> Iterator[str]:
    """Rules that refuse every move of this LPAR."""
    p, live = site.lpars[lpar], site.active(lpar)
    state = p.state.lower()
    if live and state not in ("", "running"):
        yield "partition.running"
    if live and p.rmc_active is False and p.os != "IBM i":
        yield "partition.rmc"
    if live and (p.physical_adapters or p.physical_io):
        yield "partition.physical-io"
    if live and p.lhea:
        yield "partition.lhea"
    if live and (p.sriov_ports or 0) > (p.migratable_sriov_ports or 0):
        yield "partition.sriov"
    if live and p.huge_pages:
        yield "memory.huge-pages"
    if live and p.bsr_arrays:
        yield "partition.bsr"
    if p.migration_disabled:
        yield "partition.migration-disabled"
    if p.error_path_reporting:
        yield "partition.error-path"
    if p.workload_group not in ("", "none"):
        yield "partition.workload-group"
    if p.os == "IBM i" and p.restricted_io is False:
        yield "partition.restricted-io"
    if not live and p.never_activated:
        yield "partition.activated-once"
    if live and any(s.lower().startswith("oracle rac") for s in p.software):
        yield "software.refused"
    if live and any(lpar in site.chosen(q.subject) for q in site.of("production-stays")) and p.environment == "production":
        yield "policy.production-stays"
    yield from _storage(site, lpar, live)


def _storage(site: Site, lpar: str, live: bool) -> Iterator[str]:
    for d in site.disks[lpar]:
        if d.backing in ("lv", "file"):
            yield "storage.whole-lun"
        if d.backing == "lun" and site.sees(d.vios, d.lun) not in (None, "", "no_reserve", "PR_shared"):
            yield "storage.reserve-here"
    if live and any(f.both_zoned is False for f in site.fibres[lpar]):
        yield "storage.wwpn-pair"
    for v in site.by_server[site.home[lpar]]:
        serves = {d.vios for d in site.disks[lpar]} | {f.vios for f in site.fibres[lpar]}
        if v.name in serves and v.rmc_active is False:
            yield "server.vios-rmc"


def movers(site: Site, server: str) -> list[Any]:
    return [v for v in site.by_server[server] if v.msp is not False and v.rmc_active is not False]


def _linked(site: Site, kind: str, one: str, other: str) -> bool:
    a, b = ({w.strip() for w in text.split(";") if w.strip()} for text in (one, other))
    if not a or not b or a & b:
        return True
    for p in site.of(kind):
        said = {w.strip() for w in f"{p.subject};{p.value}".split(";") if w.strip()}
        if a & said and b & said:
            return True
    return False


def between(site: Site, lpar: str, source: str, target: str) -> Iterator[str]:
    """Rules that refuse a move between two servers, whoever asks."""
    p, a, b = site.lpars[lpar], site.servers[source], site.servers[target]
    live = site.active(lpar)
    if a.lmb_mib and b.lmb_mib and a.lmb_mib != b.lmb_mib:
        yield "memory.lmb"
    if not _linked(site, "console-link", a.console, b.console):
        yield "server.console"
    if not _linked(site, "site-link", a.site, b.site):
        yield "server.site"
    if a.enterprise is False or b.enterprise is False:
        yield "server.enterprise"
    if b.dpo_running:
        yield "server.dpo"
    for s, rule in ((a, "server.source-operating"), (b, "server.operating")):
        if s.state and s.state.lower() != "operating":
            yield rule
        if live and s.max_migrations == 0:
            yield "server.migrations"
        if not live and s.max_inactive_migrations == 0:
            yield "server.inactive-migrations"
        if live and not movers(site, s.name):
            yield "server.mover"
    yield from _processors(site, p, a, b)
    yield from _capabilities(p, a, b)
    yield from _networks(site, lpar, source, target)
    yield from _reach(site, lpar, source, target)


def _processors(site: Site, p: Any, a: Any, b: Any) -> Iterator[str]:
    least = b.min_units_per_vp if b.min_units_per_vp is not None else 5 if b.generation in FINE else 10
    if p.processors != "dedicated" and p.entitlement_units < least * p.virtual_processors:
        yield "processor.minimum-per-vp"
    offered = set(b.modes) or GENERATION_MODES[b.generation]
    if site.active(p.name) and p.current_mode and p.current_mode not in offered:
        yield "processor.mode"
    if p.preferred_mode not in ("", "default") and p.preferred_mode not in offered:
        yield "processor.preferred-mode"
    units, mib = site.base(b.name)
    most = site.limits(b.name)
    if units + p.entitlement_units > most[0]:
        yield "processor.fits"
    if mib + site.memory(p.name, b.name) > most[1]:
        yield "memory.fits"
    for policy in site.of("target-pool"):
        if p.processors != "dedicated" and p.name in site.chosen(policy.subject) and b.name != p.server and policy.value not in {
                q.name for q in site.rows["pools"] if q.server == b.name}:
            yield "processor.pool-known"


def _capabilities(p: Any, a: Any, b: Any) -> Iterator[str]:
    for used, capable in ((p.memory_expansion_percent not in (None, 0, 100), b.memory_expansion_capable),
                          (p.secure_boot, b.secure_boot_capable), (p.persistent_memory, b.persistent_memory_capable)):
        if used and capable is False:
            yield "partition.capability"
    if p.vtpm and a.trusted_key and b.trusted_key and a.trusted_key != b.trusted_key:
        yield "partition.vtpm"
    if p.os == "IBM i" and False in (a.ibmi_mobility_capable, b.ibmi_mobility_capable):
        yield "partition.ibm-i"


def must_keep_paths(site: Site, lpar: str) -> bool:
    """Whether redundancy must be kept: unless a policy says *if possible*, the careful value of several counts."""
    said = [p.value for p in site.of("redundancy") if lpar in site.chosen(p.subject)]
    return not said or "must" in said


def _networks(site: Site, lpar: str, source: str, target: str) -> Iterator[str]:
    fine = site.ignorable()
    for n in site.networks[lpar]:
        for vlan in (n.vlan, *n.tagged):
            if vlan in fine:
                continue
            here, there = site.bridging(source, n.vswitch, vlan), site.bridging(target, n.vswitch, vlan)
            if not there:
                yield "network.vlan"
            elif len(here) >= 2 and len(there) < 2 and must_keep_paths(site, lpar):
                yield "network.redundancy"


def disk_choices(site: Site, lpar: str, target: str) -> dict[int, set[str]]:
    """For each client slot the VIOSes of a server that see all its LUNs as the source's do."""
    out: dict[int, set[str]] = {}
    for d in site.disks[lpar]:
        if d.backing not in ("lun", "ssp"):
            continue
        able = {v.name for v in site.by_server[target] if v.rmc_active is not False}
        if d.backing == "lun":
            here = site.sees(d.vios, d.lun) or "no_reserve"
            able = {v for v in able if site.sees(v, d.lun) is not None and (site.sees(v, d.lun) or here) == here}
        out[d.slot] = out.get(d.slot, able) & able
    return out


def paths_of(site: Site, lpar: str) -> dict[str, list[int]]:
    """LUN → the slots through which it comes, where these are over different VIOSes."""
    out: dict[str, dict[str, int]] = {}
    for d in site.disks[lpar]:
        if d.backing in ("lun", "ssp"):
            out.setdefault(d.lun, {})[d.vios] = d.slot
    return {lun: sorted(slots.values()) for lun, slots in out.items()}


def keeps_paths(site: Site, lpar: str, chosen: Mapping[int, str]) -> bool:
    """Whether each LUN comes over as many VIOSes as before."""
    return not must_keep_paths(site, lpar) or all(
        len({chosen[s] for s in slots}) == len(slots) for slots in paths_of(site, lpar).values())


def fibre_choices(site: Site, lpar: str, target: str) -> dict[int, set[str]]:
    """For each virtual Fibre Channel slot the VIOSes of a server with a port on its fabric."""
    usable = {v.name for v in site.by_server[target] if v.rmc_active is not False}
    return {f.slot: {p.vios for p in site.rows["ports"] if p.vios in usable and p.fabric == f.fabric}
            for f in site.fibres[lpar]}


def keeps_fibres(site: Site, lpar: str, chosen: Mapping[int, str]) -> bool:
    before = {f.vios for f in site.fibres[lpar]}
    return not must_keep_paths(site, lpar) or len(set(chosen.values())) >= len(before)


def _some(choices: Mapping[int, set[str]]) -> Iterator[dict[int, str]]:
    slots = sorted(choices)
    for picked in itertools.product(*(sorted(choices[s]) for s in slots)):
        yield dict(zip(slots, picked, strict=True))


def _reach(site: Site, lpar: str, source: str, target: str) -> Iterator[str]:
    disks = disk_choices(site, lpar, target)
    if not all(disks.values()):
        yield "storage.lun-seen"
    elif not any(keeps_paths(site, lpar, one) for one in _some(disks)):
        yield "storage.redundancy"
    fibres = fibre_choices(site, lpar, target)
    if not all(fibres.values()):
        yield "storage.fabric"
    elif not any(keeps_fibres(site, lpar, one) for one in _some(fibres)):
        yield "storage.redundancy"
    if site.vnics[lpar] and (site.servers[target].vnic_capable is False or site.servers[target].free_sriov_ports == 0):
        yield "network.vnic"


def starts(site: Site, lpar: str, source: str, target: str) -> Iterator[str]:
    """Rules that bind on a failover: an LPAR whose server is gone starts on another, without movers and RMC."""
    a, b = site.servers[source], site.servers[target]
    if not _linked(site, "console-link", a.console, b.console):
        yield "server.console"
    if not _linked(site, "site-link", a.site, b.site):
        yield "server.site"
    if b.state and b.state.lower() != "operating":
        yield "server.operating"
    yield from _processors(site, site.lpars[lpar], a, b)
    for n in site.networks[lpar]:
        if any(v not in site.ignorable() and not site.bridging(target, n.vswitch, v) for v in (n.vlan, *n.tagged)):
            yield "network.vlan"
    here = [v.name for v in site.by_server[target]]
    for d in site.disks[lpar]:
        if d.backing == "lun" and not any(site.sees(v, d.lun) for v in here):
            yield "storage.lun-seen"
    for f in site.fibres[lpar]:
        if not any(p.vios in here and p.fabric == f.fabric for p in site.rows["ports"]):
            yield "storage.fabric"


def wanted(site: Site, lpar: str, source: str, target: str, asked: Question) -> Iterator[str]:
    """Rules of people that refuse a move."""
    p = site.lpars[lpar]
    belongs = {asked.homes.get(lpar, p.home or p.server), p.server}
    for policy in site.of("pin"):
        if lpar in site.chosen(policy.subject) and target not in site.boxes(policy.value, {p.server}):
            yield "policy.pin"
    for policy in site.of("fence"):
        if lpar in site.chosen(policy.subject) and target not in site.boxes(policy.value, ()):
            yield "policy.fence"
    for policy in site.of("soft-pin"):
        own = site.boxes(policy.value, {p.home or p.server})
        if lpar in site.chosen(policy.subject) and target not in own and (p.server in own and p.server not in asked.freed):
            yield "policy.soft-pin"
    closed = {s for policy in site.of("not-a-target") for s in site.boxes(policy.subject)
              if not policy.value.strip() or lpar in site.chosen(policy.value)} | set(asked.not_targets)
    if target in closed and target not in belongs:
        yield "policy.not-a-target"
    if lpar in asked.stay:
        yield "policy.asked-to-stay"
    if lpar in asked.critical or (asked.critical and p.environment == "production"):
        yield "headroom.critical"


def refusals(site: Site, lpar: str, source: str, target: str, asked: Question) -> list[str]:
    """All rules that refuse a move; none: it may be made where there is room."""
    return [*hindered(site, lpar), *between(site, lpar, source, target), *wanted(site, lpar, source, target, asked)]


def warned(site: Site, lpar: str, source: str, target: str) -> int:
    """Warnings that make a move dearer: of the sentences of docs/rules.md those that the drawn estates can break."""
    p = site.lpars[lpar]
    ids = {q.lpar_id for q in site.lpars.values() if q.server == target and q.name != lpar}
    ids |= {v.lpar_id for v in site.by_server[target]}
    out = int(p.lpar_id is not None and p.lpar_id in ids)
    for n in site.networks[lpar]:
        out += sum(v in site.ignorable() and not site.bridging(target, n.vswitch, v) for v in (n.vlan, *n.tagged))
        modes = [{b.switch_mode for b in site.rows["bridges"] if site.vioses[b.vios].server == s
                  and (b.vswitch, b.vlan) == (n.vswitch, n.vlan)} - {""} for s in (source, target)]
        out += bool(modes[0] and modes[1] and modes[0] != modes[1])
    return out


def surcharge(site: Site, lpar: str, source: str, target: str) -> Any:
    of, p = site.parameters, site.lpars[lpar]
    return ((of["risk_production_s"] if p.environment == "production" else 0)
            + (of["risk_heartbeat_s"] if cluster_software(site, lpar) else 0)
            + of["risk_warning_s"] * warned(site, lpar, source, target))


__all__ = ["Question", "level", "refusals"]
