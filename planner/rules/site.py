"""An estate as rules look at it: indexed, with reachability, policies and parameters at hand."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from planner.cost import Copy, copy_at, side_rate, stream_rate
from planner.estate.capacity import Demand, lpar_demand, vios_demand
from planner.estate.model import Estate, Lpar, ProcessorPool, Server, Vios
from planner.estate.parameters import Parameters, parameters_of
from planner.estate.policies import Group, compile_policies
from planner.reach import Reach

if TYPE_CHECKING:
    from planner.history.usage import Usage
    from planner.rules.usage_on_site import UsageOnSite

DEFAULT_POOL = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """What partitions hold of a server: units and memory in all, units by shared pool."""

    units: int
    memory_mib: int
    pools: Mapping[int, int]


class Site:
    """Everything that a rule may ask. Never changes after it is made."""

    def __init__(self, estate: Estate, home: Mapping[str, str] | None = None, usage: Usage | None = None) -> None:
        self.estate = estate
        self.usage = usage
        self.home: Mapping[str, str] = home or {}
        self.reach = Reach(estate)
        self.policies, _ = compile_policies(estate)
        self.clustered = frozenset(n for g in self.policies.clusters for n in g.members)
        self.parameters: Parameters
        self.parameters, _ = parameters_of(estate.parameters)
        self.servers: dict[str, Server] = {s.name: s for s in estate.servers}
        self.vioses: dict[str, Vios] = {v.name: v for v in estate.vioses}
        self.lpars: dict[str, Lpar] = {p.name: p for p in estate.lpars}
        self.pools: dict[str, dict[int, ProcessorPool]] = {s: {} for s in self.servers}
        for pool in estate.pools:
            self.pools.setdefault(pool.server, {})[pool.pool_id] = pool
        self._on: dict[str, list[Vios]] = {s: [] for s in self.servers}
        for v in estate.vioses:
            self._on.setdefault(v.server, []).append(v)
        self._demand: dict[tuple[str, str], Demand] = {}
        self._shares: dict[tuple[str, str], tuple[int, int, int | None]] = {}
        self._held: tuple[str, tuple[str, ...], Holding] | None = None
        self._sides: dict[tuple[str, bool], float] = {}
        self._pairs: dict[tuple[str, str], Sequence[tuple[str, str]]] = {}
        self._solo: dict[tuple[str, str, str], Copy] = {}
        self._copies: dict[tuple[str, float], Copy] = {}
        self._rates: dict[tuple[str, str], float] = {}
        self._defined: dict[str, list[tuple[str, int | None]]] = {s: [] for s in self.servers}
        for p in estate.lpars:
            self._defined.setdefault(p.server, []).append((p.name, p.lpar_id))
        self._named: dict[str, dict[str, list[str]]] = {}
        self._numbered: dict[str, dict[int, list[str]]] = {}
        self._heartbeat: dict[str, bool] = {}
        self._groups: dict[str, dict[str, list[int]]] = {}
        self.start: dict[str, str] = {p.name: p.server for p in estate.lpars if p.active}
        self._limits = {s: self._limit(self.servers[s]) for s in self.servers}
        self._base = {s: self._base_of(self.servers[s]) for s in self.servers}
        self._residents: dict[str, list[str]] = {s: [] for s in self.servers}
        for name, server in self.start.items():
            self._residents.setdefault(server, []).append(name)
        self.at_start = {s: self.holding(s, self._residents[s]) for s in self.servers}
        self.ledger: object = None
        """What the ledger works out once for all programs and schedules of this site."""

    @cached_property
    def unsized(self) -> Mapping[str, str]:
        """Server → an active partition on it whose processors or memory nothing states."""
        found = {p.server: p.name for p in self.estate.lpars if p.active and not (p.entitlement_units and p.memory_mib)}
        return found | {v.server: v.name for v in self.estate.vioses
                        if v.rmc_active is not False and not (v.entitlement_units and v.memory_mib)}

    def residents(self, server: str) -> Sequence[str]:
        """The active LPARs of a server at the start, by name."""
        return self._residents.get(server, ())

    # ---- capacity -----------------------------------------------------------------------------------------------

    def demand(self, lpar: str, server: str) -> Demand:
        """What an LPAR holds on a server."""
        key = (lpar, server)
        if key not in self._demand:
            self._demand[key] = lpar_demand(self.lpars[lpar], self.servers[server])
        return self._demand[key]

    def _base_of(self, server: Server) -> Demand:
        held = Demand(sum(p.reserved_units for p in self.pools.get(server.name, {}).values()),
                      (server.firmware_memory_mib or 0) + (server.shared_memory_pool_mib or 0))
        for vios in self._on.get(server.name, ()):
            held = held + vios_demand(vios, server)
        return held

    def base(self, server: str) -> Demand:
        """What a server holds without any client: VIOSes, firmware, shared memory pool, reserved pool units."""
        return self._base[server]

    def _limit(self, server: Server) -> Demand:
        p = self.policies
        units = server.configurable_units * p.cpu_ceiling.get(server.name, 100) // 100
        memory = server.configurable_memory_mib * p.memory_ceiling.get(server.name, 100) // 100
        return Demand(units - p.reserve_units.get(server.name, 0), memory - p.reserve_mib.get(server.name, 0))

    def limit(self, server: str) -> Demand:
        """What a server may hold: configurable, lowered by ceiling and reserve."""
        return self._limits[server]

    def pool_limit(self, server: str, pool_id: int) -> int | None:
        """Units that the LPARs of a pool may have (maximum less reserved), or None without a maximum."""
        pool = self.pools.get(server, {}).get(pool_id)
        return None if pool is None or pool.max_units is None else pool.max_units - pool.reserved_units

    def share(self, lpar: str, server: str) -> float:
        """The larger share of a server's cores and memory that an LPAR takes there."""
        demand, limit = self.demand(lpar, server), self.limit(server)
        return max(demand.units / max(limit.units, 1), demand.memory_mib / max(limit.memory_mib, 1))

    def pool_on(self, lpar: str, server: str) -> int | None:
        """The shared pool in which an LPAR runs on a server: where it is now; else the policy's; else the pool of
        the same name; else the default pool. None for dedicated processors."""
        p = self.lpars[lpar]
        if p.processors == "dedicated":
            return None
        here = self.pools.get(p.server, {})
        if server == p.server:
            return DEFAULT_POOL if p.pool_id is None else p.pool_id
        there = self.pools.get(server, {})
        current = here.get(p.pool_id or DEFAULT_POOL)
        wanted = self.policies.target_pool.get(lpar) or (current.name if current else "")
        if wanted:
            for pool_id, pool in sorted(there.items()):
                if pool.name == wanted:
                    return pool_id
        return DEFAULT_POOL

    def holding(self, server: str, lpars: Iterable[str]) -> Holding:
        """What a server holds with these LPARs on it, summed from scratch. Rules ask for the same in turn: the last
        answer is kept."""
        names = tuple(lpars)
        if self._held is not None and self._held[0] == server and self._held[1] == names:
            return self._held[2]
        base, known = self.base(server), self._shares
        units, memory = base.units, base.memory_mib
        pools: dict[int, int] = {}
        for name in names:
            share = known.get((name, server)) or self._share(name, server)
            units += share[0]
            memory += share[1]
            if share[2] is not None:
                pools[share[2]] = pools.get(share[2], 0) + share[0]
        held = Holding(units, memory, pools)
        self._held = server, names, held
        return held

    def _share(self, lpar: str, server: str) -> tuple[int, int, int | None]:
        demand = self.demand(lpar, server)
        share = self._shares[lpar, server] = demand.units, demand.memory_mib, self.pool_on(lpar, server)
        return share

    @cached_property
    def used(self) -> UsageOnSite:
        """What is used on this site; raises ValueError without ``usage``."""
        from planner.rules.usage_on_site import UsageOnSite  # start-up: numpy is for questions of usage alone

        if self.usage is None:
            raise ValueError("this site has no usage")
        return UsageOnSite(self, self.usage)

    # ---- movers and time ----------------------------------------------------------------------------------------

    def vioses_on(self, server: str) -> list[Vios]:
        """The VIOSes of a server."""
        return self._on.get(server, [])

    def movers(self, server: str) -> list[Vios]:
        """Its mover service partitions; a VIOS whose mover attribute nobody states counts as one."""
        return [v for v in self.vioses_on(server)
                if v.msp is not False and v.rmc_active is not False and v.max_migrations != 0]

    def _side(self, mover: str, *, source: bool) -> float:
        if (mover, source) not in self._sides:
            vios = self.vioses[mover]
            self._sides[mover, source] = side_rate(vios, self.servers[vios.server], self.parameters, source=source)
        return self._sides[mover, source]

    def pair_rate(self, source_msp: str, target_msp: str, source_moves: int = 1, target_moves: int = 1) -> float:
        """Bytes/s of one move between two movers that carry so many moves at that time."""
        out = self._side(source_msp, source=True) / source_moves
        into = self._side(target_msp, source=False) / target_moves
        return stream_rate(min(out, into), self.parameters)

    def pairs(self, source: str, target: str) -> Sequence[tuple[str, str]]:
        """The mover pairs of two servers, the fastest first, by name among equals."""
        key = (source, target)
        if key not in self._pairs:
            found = [(-self.pair_rate(a.name, b.name), a.name, b.name)
                     for a in self.movers(source) for b in self.movers(target)]
            self._pairs[key] = [(a, b) for _, a, b in sorted(found)]
        return self._pairs[key]

    def best_pair(self, source: str, target: str) -> tuple[str, str] | None:
        """The fastest mover pair of two servers, first by name among equals."""
        return next(iter(self.pairs(source, target)), None)

    def solo(self, lpar: str, source: str, target: str) -> Copy:
        """The cost of a move that has both movers for itself. Servers without a mover: as 1 Gbit/s."""
        key = (lpar, source, target)
        if key not in self._solo:
            self._solo[key] = self.copy(lpar, self._solo_rate(source, target))
        return self._solo[key]

    def _solo_rate(self, source: str, target: str) -> float:
        rate = self._rates.get((source, target))
        if rate is None:
            pair = self.best_pair(source, target)
            rate = self.pair_rate(*pair) if pair else self.parameters.link_efficiency * 125e6
            self._rates[source, target] = rate
        return rate

    def copy(self, lpar: str, rate: float) -> Copy:
        """The cost of moving an LPAR at ``rate`` bytes/s."""
        key = (lpar, rate)
        if key not in self._copies:
            self._copies[key] = copy_at(self.lpars[lpar], rate, self.parameters)
        return self._copies[key]

    # ---- groups -------------------------------------------------------------------------------------------------

    def groups_with(self, kind: Literal["apart", "together", "clusters"], names: Collection[str]) -> Sequence[Group]:
        """The groups of a kind that one of these LPARs belongs to (or more groups, when there are many names)."""
        groups: Sequence[Group] = getattr(self.policies, kind)
        if len(names) > len(groups):
            return groups
        if kind not in self._groups:
            index: dict[str, list[int]] = {}
            for number, group in enumerate(groups):
                for name in group.members:
                    index.setdefault(name, []).append(number)
            self._groups[kind] = index
        known = self._groups[kind]
        return [groups[number] for number in sorted({number for name in names for number in known.get(name, ())})]

    # ---- names --------------------------------------------------------------------------------------------------

    def others_on(self, server: str) -> Iterator[tuple[str, int | None]]:
        """(name, partition id) of every partition that is defined on a server, active or not."""
        yield from self._defined.get(server, ())
        for v in self.vioses_on(server):
            yield v.name, v.lpar_id

    def named(self, plain: str, server: str) -> Sequence[str]:
        """The partitions of a server whose own name this is (see :func:`plain_name`)."""
        if server not in self._named:
            known: dict[str, list[str]] = {}
            for name, _ in self.others_on(server):
                known.setdefault(plain_name(name), []).append(name)
            self._named[server] = known
        return self._named[server].get(plain, ())

    def numbered(self, number: int, server: str) -> Sequence[str]:
        """The partitions of a server that have this id."""
        if server not in self._numbered:
            known: dict[int, list[str]] = {}
            for name, lpar_id in self.others_on(server):
                if lpar_id is not None:
                    known.setdefault(lpar_id, []).append(name)
            self._numbered[server] = known
        return self._numbered[server].get(number, ())

    def is_heartbeat(self, lpar: str) -> bool:
        """Whether it runs cluster software whose heartbeat must not compete with another move."""
        if lpar not in self._heartbeat:
            self._heartbeat[lpar] = lpar in self.clustered or any(
                s.casefold().startswith(_HEARTBEAT) for s in self.lpars[lpar].software)
        return self._heartbeat[lpar]


_HEARTBEAT = ("powerha", "hacmp", "vcs", "veritas cluster", "gpfs", "spectrum scale", "oracle rac", "db2 purescale")


def is_ibm_i(site: Site, lpar: str) -> bool:
    """The shape of rules that look at nothing of an LPAR but whether it runs IBM i."""
    return site.lpars[lpar].os == "IBM i"


def storage_shape(site: Site, lpar: str) -> Hashable:
    """The shape of rules on storage paths: who serves it, what the adapters carry, whether paths may be lost."""
    serving = {d.vios for d in site.reach.disks_of(lpar)} | {f.vios for f in site.reach.fibres_of(lpar)}
    return site.reach.storage_shape(lpar), frozenset(serving), lpar in site.policies.redundancy_optional


def plain_name(name: str) -> str:
    """A partition's own name: inactive namesakes are kept as ``name@server``."""
    return name.split("@", 1)[0]
