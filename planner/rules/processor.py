"""Rules on processors: entitlement, pools, virtual processors, compatibility modes."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator

from planner.estate.capacity import Demand, min_units_per_vp
from planner.estate.changes import Exempt, PutRow, Repair, SetTo, set_to
from planner.estate.licence_counts import DEFAULT_POOL
from planner.estate.model import ProcessorPool
from planner.findings import Severity
from planner.names import quoted
from planner.rules.base import (
    ANYHOW,
    AS_IT_IS,
    MIGRATIONS,
    ROWS,
    WHOLE,
    Alternatives,
    Breach,
    Hold,
    Relief,
    Scope,
    any_of,
    kept_by_rows,
    nameless,
    rule,
    unknown,
)
from planner.rules.modes import fullest_mode, modes_of, rank
from planner.rules.site import Site
from planner.units import many, show_cores

_MOST_CORES = 16
"""Cores that are taken to be there and inactive at most: no fact of an estate says how many."""


def _more_cores(site: Site, server: str) -> Iterator[Relief]:
    """Cores on demand, of which a ceiling gives its share; the ceiling or the reserve lifted."""
    has, policies = site.servers[server].configurable_units, site.policies
    ceiling, reserve = policies.cpu_ceiling.get(server, 100), policies.reserve_units.get(server, 0)
    yield Relief(lambda n: Repair("core", server, f"activate {many(n, 'core')} on {server} (Capacity on Demand), if so "
                                  "many are installed", (SetTo("servers", (server,), "configurable_units",
                                                               has + 100 * n),), amount=n, alike=(server,)),
                 {WHOLE: ceiling}, _MOST_CORES)
    if ceiling < 100:
        yield Relief(lambda n: Repair("ceiling", server, f"lift the policy cpu-ceiling ({ceiling} %) of {server}",
                                      (Exempt("cpu-ceiling", server),)), {WHOLE: has - has * ceiling // 100})
    if reserve:
        yield Relief(lambda n: Repair("reserve", server, f"lift the policy reserve-cores ({show_cores(reserve)}) of "
                                      f"{server}", (Exempt("reserve-cores", server),)), {WHOLE: reserve})


@rule("processor.capacity", "The entitlements on a server do not exceed what it may hold (configurable, ceiling, "
      "reserve); a server that is over at the start does not rise.", Scope.SERVER,
      rows=ROWS,
      source="Power 750 redpaper p. 124",
      relief=_more_cores)
def capacity(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    held, allowed = site.holding(server, holders).units, site.limit(server).units
    if held > max(allowed, site.at_start[server].units):
        yield Breach(f"{server} would hold {show_cores(held)} cores of {show_cores(allowed)}: "
                     f"{show_cores(held - allowed)} too many", "free cores there or raise its ceiling")


def _no_pool_limit(site: Site, server: str) -> Iterator[Relief]:
    for pool_id, row in sorted(site.pools.get(server, {}).items()):
        if row.max_units is not None:
            name = row.name or str(pool_id)
            change = Repair("pool", server, f"lift the maximum of pool {name} of {server}",
                            (SetTo("pools", (server, pool_id), "max_units", None),),
                            (f"chhwres -r procpool -m {quoted(server)} -o s --poolname {quoted(name)} -a "
                             "max_pool_proc_units=N",))
            yield Relief(lambda n, change=change: change,  # type: ignore[misc]
                         {str(pool_id): site.servers[server].configurable_units + row.reserved_units})


@rule("processor.pool", "The entitlements in a shared processor pool do not exceed its maximum less its reserve; "
      "a pool that is over at the start does not rise.", Scope.SERVER,
      rows="a row per pool in the program; every wave checked with both sides held",
      source="IBM POWER8 Managing shared processor pools; REDP-4798 p. 136",
      relief=_no_pool_limit)
def pool(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    held = site.holding(server, holders).pools
    for pool_id, units in sorted(held.items()):
        allowed = site.pool_limit(server, pool_id)
        if allowed is not None and units > max(allowed, site.at_start[server].pools.get(pool_id, 0)):
            yield Breach(f"pool {pool_id} of {server} would hold {show_cores(units)} cores of {show_cores(allowed)}",
                         "raise the pool's maximum or choose another with the policy target-pool")


_USAGE_ROWS = "rows for the slots that a placement would break, added until none is left"


@rule("processor.usage", "Where usage history exists, what runs on a server never used more together than the server "
      "may give (configurable, ceiling, reserve), in any slot of the hours that count; slots that were over at the "
      "start do not rise.", Scope.SERVER, hold=Hold.END, rows=_USAGE_ROWS,
      source="the peak of the sum, not the sum of peaks",
      relief=_more_cores)
def usage(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    if site.usage is not None and (worst := site.used.worst(server, holders)):
        yield Breach(f"with the usage of {worst[2]}, {server} would use {show_cores(-(-worst[0] // 10))} cores "
                     f"of {show_cores(worst[1] // 10)}", "place less there, or raise its ceiling")


@rule("processor.pool-usage", "Where usage history exists, the LPARs of a shared pool never used more together than "
      "its maximum, in any slot of the hours that count; slots that were over at the start do not rise.", Scope.SERVER,
      hold=Hold.END, rows=_USAGE_ROWS, source="REDP-4798 p. 136 (maximum pool capacity)",
      relief=_no_pool_limit)
def pool_usage(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    for pool_id in sorted(site.pools.get(server, {})) if site.usage is not None else ():
        if worst := site.used.worst(server, holders, pool_id):
            yield Breach(f"with the usage of {worst[2]}, pool {pool_id} of {server} would use "
                         f"{show_cores(-(-worst[0] // 10))} cores of {show_cores(worst[1] // 10)}",
                         "raise the pool's maximum or choose another with the policy target-pool")


def _processor_shape(site: Site, lpar: str) -> Hashable:
    p = site.lpars[lpar]
    return p.processors, p.entitlement_units, p.virtual_processors


def _pool_shape(site: Site, lpar: str) -> Hashable:
    wanted = site.policies.target_pool.get(lpar)
    return wanted, site.lpars[lpar].server if wanted else ""


def _mode_shape(site: Site, lpar: str) -> Hashable:
    return site.lpars[lpar].current_mode, site.lpars[lpar].preferred_mode


def _fewer_processors(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    count = site.lpars[lpar].entitlement_units // min_units_per_vp(site.servers[target])
    yield any_of(*([set_to("virtual-processors", "lpars", lpar, "virtual_processors", count,
                           words=f"leave {lpar} {many(count, 'virtual processor')}")] if count else []))


@rule("processor.minimum-per-vp", "The entitlement gives each virtual processor what the target demands at least.",
      Scope.MOVE, binds=AS_IT_IS,
      shape=_processor_shape, source="Power 570 redpaper p. 79; Power 750/760 redpaper p. 124 (0.05 from POWER7+)",
      lifts=_fewer_processors,
      reads="lpars.entitlement_units lpars.virtual_processors target.min_units_per_vp "
            "target.generation")
def minimum_per_vp(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    p, least = site.lpars[lpar], min_units_per_vp(site.servers[target])
    if p.processors != "dedicated" and p.entitlement_units < least * p.virtual_processors:
        yield Breach(f"{show_cores(p.entitlement_units)} cores for {p.virtual_processors} virtual processors; "
                     f"{target} needs {show_cores(least)} for each",
                     "raise the entitlement or take virtual processors away first")


def _room(site: Site, demand: Demand, target: str) -> bool:
    return demand.units <= site.room(target).units


@rule("processor.fits", "The LPAR's entitlement fits the target were it empty of other LPARs.", Scope.MOVE,
      binds=ANYHOW, fits=_room, lasting=False, shape=_processor_shape,
      source="arithmetic (a placement that a rule forbids never becomes a variable)",
      lifts=kept_by_rows,
      reads="lpars.entitlement_units target.configurable_units policies.cpu-ceiling "
            "policies.reserve-cores")
def fits(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    wanted = site.demand(lpar, target)
    if site.servers[target].configurable_units and not _room(site, wanted, target):
        yield Breach(f"needs {show_cores(wanted.units)} cores; {target} without any LPAR has "
                     f"{show_cores(site.room(target).units)}", "lower its entitlement or the ceiling's reserve")


def _new_pool(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    wanted, there = site.policies.target_pool[lpar], site.pools.get(target, {})
    free = [n for n in range(1, 64) if n not in there]
    number = sorted(set(site.policies.target_pool.values())).index(wanted)
    yield any_of(*[Repair("pool-new", target, f"create processor pool {wanted} on {target}",
                          (PutRow("pools", ProcessorPool(target, n, wanted)),),
                          (f"chhwres -r procpool -m {quoted(target)} -o s --poolid {n} -a "
                           f"{quoted(f'new_name={wanted}')},max_pool_proc_units=N",)) for n in free[number:number + 1]])


@rule("processor.pool-known", "The pool that a policy names exists on the target.", Scope.MOVE, binds=ANYHOW,
      shape=_pool_shape, source="HMC: the target pool is chosen by shared_proc_pool_id or name, DefaultPool otherwise",
      lifts=_new_pool,
      reads="policies.target-pool pools.name")
def pool_known(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    wanted = site.policies.target_pool.get(lpar)
    if wanted and target != site.lpars[lpar].server and all(
            p.name != wanted for p in site.pools.get(target, {}).values()):
        yield Breach(f"{target} has no processor pool {wanted!r}", "create it there or change the policy target-pool")


_MODES = "IBM p8hc3_pcmdefs; 8231-E2C iphc3pcmcombosact (default preferred mode is portable, the current must fit)"
_SET_MODE = "set a mode that both support and restart the LPAR"


def _other_mode(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    both = {*modes_of(site.servers[source])} & {*modes_of(site.servers[target])}
    fullest = fullest_mode(site.lpars[lpar].os, site.lpars[lpar].os_level)
    fit = sorted((m for m in both if "enhanced" not in m and not (fullest and rank(m) > rank(fullest))), key=rank)
    yield any_of(*[Repair("mode", lpar, f"restart {lpar} in {m} mode", (
        SetTo("lpars", (lpar,), "current_mode", m), SetTo("lpars", (lpar,), "preferred_mode", m))) for m in fit[-1:]])


@rule("processor.mode", "The target supports the processor compatibility mode in which the LPAR runs.", Scope.MOVE,
      binds=AS_IT_IS, shape=_mode_shape, source=_MODES,
      lifts=_other_mode,
      reads="lpars.current_mode target.generation target.modes target.firmware")
def mode(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    now, known = site.lpars[lpar].current_mode, modes_of(site.servers[target])
    if now and known and now not in known:
        yield Breach(f"runs in {now} mode, which {target} does not support", _SET_MODE)
    if now or not known:
        return
    here = modes_of(site.servers[source])
    if here and not set(here) & set(known):
        yield Breach(f"{source} and {target} have no processor mode in common", "a move needs a mode that both support")
    elif set(here) - set(known):
        yield unknown(f"its processor mode is unknown, and {target} does not support every mode of {source}",
                      f"lssyscfg -r lpar -m {quoted(source)} -F name,curr_lpar_proc_compat_mode")


@rule("processor.preferred-mode", "The target supports the mode that the LPAR prefers: a restart does not change it.",
      Scope.MOVE, binds=ANYHOW, shape=_mode_shape, source=_MODES,
      lifts=_other_mode,
      reads="lpars.preferred_mode target.generation target.modes target.firmware")
def preferred_mode(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    wanted, known = site.lpars[lpar].preferred_mode, modes_of(site.servers[target])
    if wanted not in ("", "default") and known and wanted not in known:
        yield Breach(f"prefers {wanted} mode, which {target} does not support", _SET_MODE)


def _os_shape(site: Site, lpar: str) -> Hashable:
    return site.lpars[lpar].os, site.lpars[lpar].os_level


@rule("processor.os-mode", "The target offers a mode that the LPAR's operating system supports.", Scope.MOVE,
      severity=Severity.WARNING, binds=ANYHOW, shape=_os_shape, encoding="adds risk_warning_s to the move's cost",
      source="IBM p10hc3_pcmdefs; AIX 5.3 on POWER8: aixtechblog 2017-02-14; Linux: Red Hat solution 7127918")
def os_mode(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    p, known = site.lpars[lpar], modes_of(site.servers[target])
    fullest = fullest_mode(p.os, p.os_level)
    if fullest and known and min(map(rank, known)) > rank(fullest):
        yield Breach(f"{p.os} {p.os_level} is not known to support any mode that {target} offers",
                     "look it up in IBM's map of systems and operating systems before it is restarted there")


@nameless
def _pool_kept_shape(site: Site, lpar: str) -> Hashable:
    p = site.lpars[lpar]
    return p.server, p.pool_id, p.processors, site.policies.target_pool.get(lpar)


@rule("processor.pool-kept", "An LPAR of a named processor pool arrives in the pool of that name.", Scope.MOVE,
      binds=MIGRATIONS,
      severity=Severity.ASSUMPTION, shape=_pool_kept_shape,
      source="github IBM/ansible-power-hmc 115, 169: it arrives in DefaultPool otherwise")
def pool_kept(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    if p.processors == "dedicated" or not p.pool_id or target == p.server:
        return
    own, there = site.pools.get(p.server, {}).get(p.pool_id), site.pools.get(target, {})
    chosen = site.pool_on(lpar, target) or DEFAULT_POOL
    name = own.name if own and own.name else str(p.pool_id)
    arrives = there[chosen].name if chosen in there and there[chosen].name else (
        "DefaultPool" if chosen == DEFAULT_POOL else str(chosen))
    if arrives == name:
        return
    most = "" if own is None or own.max_units is None else (
        f"; its maximum of {show_cores(own.max_units)} cores binds no more (licences)")
    said = f"leaves processor pool {name} for {arrives} of {target}{most}"
    query = f"lshwres -r procpool -m {quoted(target)}"
    if site.policies.target_pool.get(lpar):
        yield Breach(said, "accepted by the policy target-pool", Severity.WARNING)
    elif there:
        yield unknown(f"{said}: it has no pool of that name",
                      f"{query}; create the pool there, or accept it with the policy target-pool")
    else:
        yield unknown(f"{said}: nothing says which pools {target} has", query)
