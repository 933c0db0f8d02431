"""What is used up on a server at a moment, counted from the estate's rows alone: one function a thing, in ``COUNTS``.

What is counted by what each move carries (slots, ports) stands in files of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

from planner.estate.model import Lpar
from planner.findings import Finding
from planner.rules import Site
from planner.rules.base import Use, by_part, declared_uses
from planner.units import show_cores, show_gib
from planner.verify.base import broken


def lacking(site: Site, server: str, names: Collection[str]) -> Iterator[Finding]:
    """What these LPARs use of a server beyond what it has, and beside what they lacked at the start."""
    for count in COUNTS:
        yield from count(site, server, names)


def _pageless(site: Site, server: str, names: Collection[str]) -> list[str]:
    """The LPARs in shared memory mode that find no paging device, when the largest take the largest."""
    devices = [size for v in site.estate.vioses if v.server == server for size in v.paging_devices_mib]
    needs = [p for p in site.estate.lpars if p.memory_mode == "shared" and p.active]
    devices += [p.max_memory_mib for p in needs if p.server == server]
    devices.sort(reverse=True)
    wanted = sorted((p for p in needs if p.name in names), key=lambda p: -p.max_memory_mib)
    return [p.name for n, p in enumerate(wanted) if n >= len(devices) or devices[n] < p.max_memory_mib]


def _pool_over(site: Site, server: str, names: Collection[str]) -> int:
    """MiB of I/O entitled memory that find no place in a server's shared memory pool, beside what never had one."""
    row = next(s for s in site.estate.servers if s.name == server)
    sharing = [p for p in site.estate.lpars if p.memory_mode == "shared" and p.active]
    before = sum(p.io_entitled_mib or 0 for p in sharing if p.server == server)
    now = sum(p.io_entitled_mib or 0 for p in sharing if p.name in names)
    if row.free_pool_mib is not None:
        return max(0, now - before - row.free_pool_mib)
    return 0 if row.shared_memory_pool_mib is None else max(0, now - max(before, row.shared_memory_pool_mib))


def _shares(site: Site, p: Lpar, *, at_start: bool) -> list[int]:
    """The capacity in % of each logical port that an LPAR has where it was at the start, or needs elsewhere: the least
    of each vNIC."""
    rows = site.vnics.get(p.name, ())
    slots = {v.slot for v in rows}
    known = [v.percent or 1 for v in rows] if at_start else [
        min(v.percent or 1 for v in rows if v.slot == slot) for slot in slots]
    unlisted = max(0, (p.vnic_adapters or 0) - len(slots))
    return [*known, *[1] * (unlisted + (p.migratable_sriov_ports or 0))]


def _free_sriov(site: Site, server: str) -> tuple[int | None, int | None]:
    """Logical ports and % that physical ports have left which have both; None where that is not stated."""
    rows = [row for row in site.estate.sriov if row.server == server]
    if not rows:
        return site.servers[server].free_sriov_ports, None
    useful = [row for row in rows if row.free_ports != 0 and row.free_percent != 0]
    ports, percent = [r.free_ports for r in useful], [r.free_percent for r in useful]
    return (None if None in ports else sum(n or 0 for n in ports),
            None if None in percent else sum(n or 0 for n in percent))


def _vnics_over(site: Site, server: str, names: Collection[str]) -> tuple[int, int]:
    """How many logical ports, and how much % of capacity, vNICs and migratable ports find no place for on a server that
    states what is free."""
    ports, percent = _free_sriov(site, server)
    if ports is percent is None:
        return 0, 0
    here = set(site.residents(server))
    coming = [one for n in names if n not in here for one in _shares(site, site.lpars[n], at_start=False)]
    gone = [one for n in here.difference(names) for one in _shares(site, site.lpars[n], at_start=True)]
    return (0 if ports is None else max(0, len(coming) - len(gone) - ports),
            0 if percent is None else max(0, sum(coming) - sum(gone) - percent))


def _pages(site: Site, server: str, names: Collection[str]) -> Iterator[Finding]:
    for n in _pageless(site, server, names) if site.paging_sizes else ():
        yield broken("plan.paging", n, f"has no paging device on {server} at that moment")


def _pool_memory(site: Site, server: str, names: Collection[str]) -> Iterator[Finding]:
    if site.paging_sizes and (over := _pool_over(site, server, names)):
        yield broken("plan.pool-memory", server, f"{show_gib(over)} GiB of I/O entitled memory find no place in the "
                     "shared memory pool")


def _vnics(site: Site, server: str, names: Collection[str]) -> Iterator[Finding]:
    for over, what in zip(_vnics_over(site, server, names), (
            "vNIC(s) find no SR-IOV logical port", "% of capacity of SR-IOV ports are not there"), strict=True):
        if over:
            yield broken("plan.vnics", server, f"{over} {what}")


COUNTS: tuple[Callable[[Site, str, Collection[str]], Iterator[Finding]], ...] = (_pages, _pool_memory, _vnics)


@dataclass(frozen=True, slots=True)
class Limit:
    """What all LPARs on a server may hold of something together, and what each of them holds there."""

    rule: str
    most: int
    of: Callable[[str], int]
    shown: Callable[[int], str]


def limits(site: Site, server: str) -> Iterator[Limit]:
    """Everything that LPARs hold of a server as a sum: what the rules say of processors, memory, pools and all that
    they declare as used up, and what is counted here."""
    base, limit, start = site.base(server), site.limit(server), site.at_start[server]
    yield Limit("processor.capacity", max(limit.units, start.units) - base.units,
                lambda n: site.held(n, server).units, _cores)
    yield Limit("memory.capacity", max(limit.memory_mib, start.memory_mib) - base.memory_mib,
                lambda n: site.held(n, server).memory_mib, _gib)
    for pool in sorted(site.pools.get(server, {})):
        most = site.pool_limit(server, pool)
        if most is not None:
            yield Limit("processor.pool", max(most, start.pools.get(pool, 0)), partial(_in_pool, site, server, pool),
                        _cores)
    for rule, use in declared_uses():
        for part, most in by_part(use.most(site, server)).items():
            of = partial(_used, site, use, server, part)
            yield Limit(rule.id, max(most, sum(map(of, site.residents(server)))), of, partial(_of_use, use.what))
    for own in (_paging_limits, _pool_memory_limits, _sriov_limits):
        yield from own(site, server)


def _paging_limits(site: Site, server: str) -> Iterator[Limit]:
    """Of each size: so many devices are as large, which those who are there at the start have with them."""
    sharing = {p.name: p for p in site.estate.lpars if p.memory_mode == "shared" and p.active}
    devices = [size for v in site.estate.vioses if v.server == server for size in v.paging_devices_mib]
    devices += [p.max_memory_mib for p in sharing.values() if p.server == server]
    for size in site.paging_sizes:
        wanting = {n for n, p in sharing.items() if p.max_memory_mib >= size}
        yield Limit("plan.paging", sum(one >= size for one in devices), lambda n, wanting=wanting: int(  # type: ignore[misc]
            n in wanting), partial(_of_use, "paging devices"))


def _pool_memory_limits(site: Site, server: str) -> Iterator[Limit]:
    row = site.servers[server]
    entitled = {p.name: p.io_entitled_mib or 0 for p in site.estate.lpars if p.memory_mode == "shared" and p.active}
    before = sum(entitled.get(p.name, 0) for p in site.estate.lpars if p.server == server)
    most = before + row.free_pool_mib if row.free_pool_mib is not None else (
        None if row.shared_memory_pool_mib is None else max(before, row.shared_memory_pool_mib))
    if entitled and most is not None:
        yield Limit("plan.pool-memory", most, lambda n: entitled.get(n, 0), _gib)


def _sriov_limits(site: Site, server: str) -> Iterator[Limit]:
    here = set(site.residents(server))
    ports, percent = _free_sriov(site, server)
    if ports is not None:
        of = partial(_in_shares, site, here, len)
        yield Limit("plan.vnics", ports + sum(map(of, here)), of, partial(_of_use, "SR-IOV logical ports"))
    if percent is not None:
        of = partial(_in_shares, site, here, sum)
        yield Limit("plan.vnics", percent + sum(map(of, here)), of, partial(_of_use, "% of SR-IOV ports"))


def _in_pool(site: Site, server: str, pool: int, lpar: str) -> int:
    return site.held(lpar, server).units if site.pool_on(lpar, server) == pool else 0


def _used(site: Site, use: Use, server: str, part: str, lpar: str) -> int:
    return site.taken(use.by, lpar, server).get(part, 0)


def _in_shares(site: Site, here: Collection[str], amount: Callable[[list[int]], int], lpar: str) -> int:
    return amount(_shares(site, site.lpars[lpar], at_start=lpar in here))


def _cores(units: int) -> str:
    return f"{show_cores(units)} cores"


def _gib(mib: int) -> str:
    return f"{show_gib(mib)} GiB"


def _of_use(what: str, count: int) -> str:
    return f"{count} {what}"
