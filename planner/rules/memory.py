"""Rules on memory: capacity with hash page tables, logical memory blocks, shared memory."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping

from planner.estate.capacity import Demand
from planner.estate.changes import Exempt, Repair, SetTo, set_to
from planner.findings import Severity
from planner.names import quoted
from planner.rules.base import (
    ANYHOW,
    MIGRATIONS,
    ROWS,
    WHOLE,
    Alternatives,
    Breach,
    Hold,
    Relief,
    Scope,
    Use,
    any_of,
    kept_by_rows,
    rule,
    two_servers,
    unknown,
)
from planner.rules.site import Site
from planner.units import show_gib

_MOST_GIB = 512
"""GiB that are taken to be there and inactive at most: no fact of an estate says how many."""


def _more_memory(site: Site, server: str) -> Iterator[Relief]:
    """Memory on demand, of which a ceiling gives its share; the ceiling or the reserve lifted."""
    has, policies = site.servers[server].configurable_memory_mib, site.policies
    ceiling, reserve = policies.memory_ceiling.get(server, 100), policies.reserve_mib.get(server, 0)
    yield Relief(lambda n: Repair("gib", server, f"activate {n} GiB of memory on {server} (Capacity on Demand), if so "
                                  "much is installed", (SetTo("servers", (server,), "configurable_memory_mib",
                                                              has + 1024 * n),), amount=n, alike=(server,)),
                 {WHOLE: 1024 * ceiling // 100}, _MOST_GIB)
    if ceiling < 100:
        yield Relief(lambda n: Repair("ceiling", server, f"lift the policy memory-ceiling ({ceiling} %) of {server}",
                                      (Exempt("memory-ceiling", server),)), {WHOLE: has - has * ceiling // 100})
    if reserve:
        yield Relief(lambda n: Repair("reserve", server, f"lift the policy reserve-memory ({show_gib(reserve)} GiB) of "
                                      f"{server}", (Exempt("reserve-memory", server),)), {WHOLE: reserve})


@rule("memory.capacity", "Memory rounded up to LMBs, hash page tables and firmware do not exceed what a server may "
      "hold; a server that is over at the start does not rise.", Scope.SERVER,
      rows=ROWS,
      source="i5 LPAR redbook p. 29; seed (384 → 448 MB reserved firmware memory)",
      relief=_more_memory)
def capacity(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    held, allowed = site.holding(server, holders).memory_mib, site.limit(server).memory_mib
    if held > max(allowed, site.at_start[server].memory_mib):
        yield Breach(f"{server} would hold {show_gib(held)} GiB of {show_gib(allowed)}: "
                     f"{show_gib(held - allowed)} GiB too much", "free memory there or raise its ceiling")


def _memory_shape(site: Site, lpar: str) -> Hashable:
    p = site.lpars[lpar]
    return p.memory_mode, p.memory_mib, p.max_memory_mib, p.hpt_ratio, p.io_entitled_mib, p.active


def _room(site: Site, demand: Demand, target: str) -> bool:
    return demand.memory_mib <= site.room(target).memory_mib


@rule("memory.fits", "The LPAR's memory and hash page table fit the target were it empty of other LPARs.", Scope.MOVE,
      binds=ANYHOW, fits=_room, lasting=False, shape=_memory_shape,
      source="arithmetic (a placement that a rule forbids never becomes a variable)",
      lifts=kept_by_rows,
      reads="lpars.memory_mib lpars.max_memory_mib target.configurable_memory_mib "
            "policies.memory-ceiling policies.reserve-memory")
def fits(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    wanted = site.demand(lpar, target)
    if site.servers[target].configurable_memory_mib and not _room(site, wanted, target):
        yield Breach(f"needs {show_gib(wanted.memory_mib)} GiB with its hash page table; {target} without any LPAR has "
                     f"{show_gib(site.room(target).memory_mib)}", "lower its memory or its maximum memory")


@rule("memory.lmb", "Source and target have the same logical memory block size.", Scope.MOVE, binds=MIGRATIONS,
      shape=two_servers,
      source="IBM POWER7 iphatlparmemory; HMC V7R3.4 help MigrationRequirements; seed (memory region size)",
      reads="source.lmb_mib target.lmb_mib")
def lmb(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    a, b = site.servers[source].lmb_mib, site.servers[target].lmb_mib
    if a and b and a != b:
        yield Breach(f"logical memory block {a} MiB on {source}, {b} MiB on {target}",
                     "set the same size on one of them; that needs a restart of the server")
    for name, size in ((source, a), (target, b)):
        if not size:
            yield unknown(f"the logical memory block size of {name} is unknown",
                          f"lshwres -r mem -m {quoted(name)} --level sys -F mem_region_size")


@rule("memory.shared", "A partition in shared memory mode finds a shared memory pool and a large enough paging "
      "device on the target.", Scope.MOVE, binds=ANYHOW, shape=_memory_shape,
      source="HMC V7R3.4 help MigrationRequirements (AMS)",
      reads="lpars.memory_mode lpars.max_memory_mib target.shared_memory_pool_mib "
            "vioses.paging_devices_mib")
def shared(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    if p.memory_mode != "shared":
        return
    if not site.servers[target].shared_memory_pool_mib:
        yield Breach(f"uses Active Memory Sharing; {target} has no shared memory pool", f"create one on {target}")
        return
    if not any(size >= p.max_memory_mib for v in site.vioses_on(target) for size in v.paging_devices_mib):
        yield Breach(f"no free paging device of {show_gib(p.max_memory_mib)} GiB (its maximum memory) on {target}",
                     f"add a paging device to the shared memory pool of {target}")
    room = _pool_room(site, target)
    if not p.active:
        return
    if p.io_entitled_mib is None:
        yield unknown(f"its I/O entitled memory, which the pool of {target} must have free, is unknown",
                      f"lshwres -r mem -m {quoted(source)} --level lpar -F lpar_name,mem_mode,curr_io_entitled_mem")
    elif room is not None and p.io_entitled_mib > room:
        yield Breach(f"its devices need {show_gib(p.io_entitled_mib)} GiB of the shared memory pool of {target}, which "
                     f"has {show_gib(room)} for that", f"enlarge the shared memory pool of {target}")


def _entitled(site: Site, lpar: str) -> int:
    p = site.lpars[lpar]
    return p.io_entitled_mib or 0 if p.memory_mode == "shared" and p.active else 0


def _pool_room(site: Site, server: str) -> int | None:
    """MiB that the I/O entitled memory of all LPARs together may take of a server's shared memory pool."""
    row = site.servers[server]
    if row.free_pool_mib is None:
        return row.shared_memory_pool_mib
    return row.free_pool_mib + sum(_entitled(site, n) for n in site.residents(server))


POOL_MEMORY = Use("MiB of I/O entitled memory", lambda site, lpar, server: _entitled(site, lpar), _pool_room, rare=True)


@rule("memory.pool", "The I/O entitled memory of the LPARs in shared memory mode on a server fits its shared memory "
      "pool.", Scope.SERVER, use=POOL_MEMORY, encoding=ROWS, source="HMC V7R3.4 help, Shared.CustomEntitledMemory (at "
      "activation the pool must have it available) and Mig_SharedMemoryPool (available memory on the destination)")
def pool(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    if over := POOL_MEMORY.over(site, server, holders):
        yield Breach(f"the I/O entitled memory of LPARs on {server} would be {show_gib(over[0])} GiB; its shared "
                     f"memory pool has {show_gib(over[1])} for that", f"enlarge the shared memory pool of {server}")


@rule("memory.pool-paging", "What LPARs in shared memory mode keep in use fits the shared memory pool of their server; "
      "else they page.", Scope.SERVER, severity=Severity.WARNING, hold=Hold.END, encoding="told; no row keeps it",
      concerns=lambda site: any(s.shared_memory_pool_mib for s in site.estate.servers),
      source="IBM REDP-4470 PowerVM Active Memory Sharing (physical overcommitment)")
def pool_paging(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    size = site.servers[server].shared_memory_pool_mib
    used, before = (sum(p.memory_mib if p.working_set_mib is None else p.working_set_mib
                        for p in (site.lpars[n] for n in names) if p.memory_mode == "shared" and p.active)
                    for names in (holders, site.residents(server)))
    if size and used > max(size, before):
        yield Breach(f"LPARs in shared memory mode on {server} would keep {show_gib(used)} GiB in use, its pool has "
                     f"{show_gib(size)}: they will page", f"enlarge the shared memory pool of {server}")


def _at_least(mib: int) -> str:
    return f"{show_gib(mib)} GiB or more"


def _paged(site: Site, lpar: str, server: str) -> Mapping[str, int]:
    p = site.lpars[lpar]
    return {} if p.memory_mode != "shared" or not p.active else {
        _at_least(size): 1 for size in site.paging_sizes if size <= p.max_memory_mib}


def _paging_devices(site: Site, server: str) -> Mapping[str, int]:
    """By size what is free and what those who are there have, which is free when they have left."""
    if not site.paging_sizes:
        return {}
    sizes = [size for v in site.vioses_on(server) for size in v.paging_devices_mib]
    sizes += [p.max_memory_mib for n in site.residents(server)
              if (p := site.lpars[n]).memory_mode == "shared" and p.active]
    return {_at_least(size): sum(one >= size for one in sizes) for size in site.paging_sizes}


PAGING = Use("paging devices", _paged, _paging_devices, rare=True)


@rule("memory.paging-devices", "Each partition in shared memory mode has a paging device of its own, at least as large "
      "as its maximum memory.", Scope.SERVER, use=PAGING, encoding=ROWS,
      source="HMC V7R3.4 help MigrationRequirements (AMS); IBM p11hcg_prepdev (a device serves one partition)")
def paging_devices(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    for part, held, most in PAGING.parts_over(site, server, holders):
        yield Breach(f"{held} paging devices of {part} would be in use on {server}, which has {most}",
                     f"add paging devices to the shared memory pool of {server}")


def _asleep(site: Site, lpar: str, server: str) -> int:
    p = site.lpars[lpar]
    return 0 if p.active or p.server == server else p.huge_pages or 0


@rule("memory.huge-pages-there", "A server to which LPARs are migrated inactive has the huge pages of their profiles "
      "free; else they boot without some.", Scope.SERVER, severity=Severity.WARNING, hold=Hold.END,
      encoding="told; no row keeps it", concerns=lambda site: any(
          s.free_huge_pages is not None for s in site.estate.servers),
      source="IBM Power10 environment-source-destination-servers (boots without some "
      "or all huge pages after the inactive migration)")
def huge_pages_there(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    free, wanted = site.servers[server].free_huge_pages, sum(_asleep(site, n, server) for n in holders)
    if free is not None and wanted > free:
        yield Breach(f"LPARs that come to {server} have {wanted} huge page(s) in their profiles, {free} are free: "
                     "they will boot without some", f"free huge pages on {server} before they are activated")


def _no_huge_pages(site: Site, lpar: str) -> Iterator[Alternatives]:
    yield any_of(set_to("profile", "lpars", lpar, "huge_pages", 0,
                        words=f"take the huge pages out of the profile of {lpar} and restart it"))


@rule("memory.huge-pages", "The LPAR has no huge pages.", Scope.LPAR,
      source="IBM Power10 environment-source-destination-servers: active migration refused",
      lifts=_no_huge_pages,
      reads="lpars.huge_pages")
def huge_pages(site: Site, lpar: str) -> Iterator[Breach]:
    count = site.lpars[lpar].huge_pages
    if count:
        yield Breach(f"has {count} huge page(s)", "take them out of its profile and restart it")
