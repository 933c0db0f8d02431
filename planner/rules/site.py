"""An estate as rules look at it: indexed, with reachability, policies and parameters at hand."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from planner.cost import Copy, copy_at, side_rate, stream_rate
from planner.estate.capacity import Demand, base_demand, lpar_demand
from planner.estate.catalogue import rperf_per_core
from planner.estate.consoles import is_ivm
from planner.estate.licence_counts import Pools
from planner.estate.model import Estate, Lpar, Vios, by_id
from planner.estate.parameters import Parameters, link_class, pair_name, parameters_of
from planner.estate.policies import Group, compile_policies
from planner.grouping import grouped, inverted
from planner.names import quoted
from planner.reach import reach_of
from planner.remember import remembered
from planner.rules.base import Breach, On, Rule, Scope, asked_rules, by_part, nameless
from planner.rules.links import one_stream, packs

if TYPE_CHECKING:  # start-up: numpy is for questions of usage alone
    import numpy as np
    from numpy.typing import NDArray

    from planner.history.usage import Usage
    from planner.plan.questions import Question

    Slots = NDArray[np.int64]

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Holding:
    """What partitions hold of a server: units and memory in all, units by shared pool."""

    units: int
    memory_mib: int
    pools: Mapping[int, int]


class Site(Pools):
    """Everything that a rule may ask. Never changes after it is made.

    ``assume_nothing`` is for a site without a question, which states it itself."""

    def __init__(self, estate: Estate, home: Mapping[str, str] | None = None, usage: Usage | None = None,
                 goal: Question | None = None, *, assume_nothing: bool = False) -> None:
        super().__init__(estate, compile_policies(estate)[0])
        self.estate = estate
        self.assume_nothing = goal.assume_nothing if goal else assume_nothing
        self.goal = goal
        along, left = (goal.takes_along, goal.left) if goal else ((), ())
        self.homes: Mapping[str, str] = goal.homes if goal else {}
        """LPAR → home, of those that stand elsewhere at the start and come home."""
        self.usage = usage
        self.home: Mapping[str, str] = home or {}
        def goes_along(p: Lpar) -> bool:
            return p.name not in left and bool({p.server, self.home.get(p.name), self.homes.get(p.name)} & {*along})

        self.start: dict[str, str] = {p.name: p.server for p in estate.lpars if p.active or goes_along(p)}
        """Where those stand that are planned: the active LPARs; and the others that stand on servers that are freed of
        them too, or come home there, which hold neither processors nor memory."""
        self.reach = reach_of(estate, self.start)
        self.clustered = frozenset(n for g in self.policies.clusters for n in g.members)
        self.parameters: Parameters
        self.parameters, _ = parameters_of(estate.parameters)
        self.vioses: dict[str, Vios] = {v.name: v for v in estate.vioses}
        self.sriov = grouped((row.server, row) for row in estate.sriov)
        """Server → the physical ports of its SR-IOV adapters."""
        self.vnics = grouped((row.lpar, row) for row in estate.vnics)
        """LPAR → the backing devices of its vNICs."""
        self._on = grouped((v.server, v) for v in by_id(estate.vioses))
        self._held: tuple[str, tuple[str, ...], Holding] | None = None
        self._defined = grouped((p.server, (p.name, p.lpar_id)) for p in estate.lpars)
        self._residents = inverted(self.start.items())
        self.ledger: object = None
        """What the ledger works out once for all programs and schedules of this site."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Made anew where it is sent to: what was worked out of it is not sent."""
        made = partial(Site, assume_nothing=self.assume_nothing)
        return made, (self.estate, self.home, self.usage, self.goal)

    @cached_property
    def at_start(self) -> Mapping[str, Holding]:
        """Server → what its LPARs hold at the start."""
        return {s: self.holding(s, self.residents(s)) for s in self.servers}

    @cached_property
    def after_work(self) -> Site:
        """The site in which LPARs come home: servers have the levels that the question states for then."""
        levels = self.goal.firmware_after if self.goal else {}
        if not levels:
            return self
        rows = tuple(replace(s, firmware=levels.get(s.name, s.firmware)) for s in self.estate.servers)
        return Site(self.estate.replace(servers=rows), self.home, self.usage, self.goal)

    def belongs(self, lpar: str) -> frozenset[str]:
        """The servers to which an LPAR may always return: where it was before the plan began, and its home."""
        places = (self.home.get(lpar), self.start.get(lpar), self.homes.get(lpar), self.lpars[lpar].home)
        return frozenset(s for s in places if s)

    def may_share(self, a: str, b: str, server: str) -> bool:
        """Whether LPARs that are kept apart may be together there."""
        return any(len(names) == 2 for names in self.sharing((a, b), server))

    def sharing(self, members: Iterable[str], server: str) -> tuple[frozenset[str], frozenset[str]]:
        """Those of LPARs kept apart who may be together on a server all the same: who was there before the plan, and
        to whom it is home."""
        before, home = (frozenset(n for n in members if of.get(n, self.start.get(n)) == server)
                        for of in (self.home, self.homes))
        return before, home

    @cached_property
    def unsized(self) -> Mapping[str, str]:
        """Server → an active partition on it whose processors or memory nothing states."""
        lpars = {p.server: p.name for p in self.estate.lpars if p.active and not (p.entitlement_units and p.memory_mib)}
        return lpars | {v.server: v.name for v in self.estate.vioses
                        if v.rmc_active is not False and not (v.entitlement_units and v.memory_mib)}

    @cached_property
    def paging_sizes(self) -> Sequence[int]:
        """What active LPARs in shared memory mode need of a paging device, each size once."""
        return sorted({p.max_memory_mib for p in self.estate.lpars if p.active and p.memory_mode == "shared"})

    def residents(self, server: str) -> Sequence[str]:
        """The LPARs of a server at the start that are planned, by name."""
        return self._residents.get(server, ())

    def migration(self, lpar: str) -> On:
        """How an LPAR is migrated in its state of today."""
        return On.LIVE if self.lpars[lpar].active else On.INACTIVE

    # ---- capacity -----------------------------------------------------------------------------------------------

    @remembered
    def asked(self, scope: Scope) -> tuple[Rule, ...]:
        """The rules of a scope that the programs keep by asking them, of those that concern this site."""
        return tuple(asked_rules(scope, self))

    @remembered
    def least(self, limits: Callable[[Site, str], Iterable[tuple[int, str]]], name: str) -> tuple[int, str]:
        """The lowest of the limits of a server or VIOS (rules/concurrency.py), and what says so."""
        return min(limits(self, name))

    @remembered
    def said_of(self, check: Callable[[Site, str], Iterator[Breach]], server: str) -> Sequence[Breach]:
        """What a check that looks at one server alone says of it."""
        return tuple(check(self, server))

    @remembered
    def once(self, of: Callable[[Site, T], V], shared: T) -> V:
        """What a function makes of something that many LPARs share."""
        return of(self, shared)

    @remembered
    def taken(self, by: Callable[[Site, str, str], int | Mapping[str, int]], lpar: str, server: str
              ) -> Mapping[str, int]:
        """What an LPAR uses up of a server, by part; ``by``: of a :class:`Use`."""
        return by_part(by(self, lpar, server))

    @remembered
    def demand(self, lpar: str, server: str) -> Demand:
        """What an LPAR needs of a server to run there: the same on servers with the same logical memory blocks."""
        like = self._first_of_lmb[self.servers[server].lmb_mib]
        return lpar_demand(self.lpars[lpar], self.servers[server]) if like == server else self.demand(lpar, like)

    @cached_property
    def _first_of_lmb(self) -> Mapping[int | None, str]:
        return {s.lmb_mib: n for n, s in reversed(self.servers.items())}

    @remembered
    def held(self, lpar: str, server: str) -> Demand:
        """What an LPAR holds of a server where it stands: nothing while it is not activated."""
        return self.demand(lpar, server) if self.lpars[lpar].active else Demand(0, 0)

    @remembered
    def base(self, server: str) -> Demand:
        """What a server holds without any client: VIOSes, firmware, shared memory pool, reserved pool units."""
        return base_demand(self.servers[server], self.vioses_on(server), self.pools.get(server, {}).values())

    @remembered
    def limit(self, server: str) -> Demand:
        """What a server may hold: configurable, lowered by ceiling and reserve, and by what the question keeps spare
        where it does not ask for headroom itself and nobody comes home."""
        row, limit, goal = self.servers[server], self.policies.limit(self.servers[server]), self.goal
        spare = goal.spare_percent if goal and goal.spare_percent and server not in (
            getattr(goal, "server", ""), *goal.freed, *goal.homes.values(), *goal.away.values()) else 0
        if not spare:
            return limit
        return Demand(min(limit.units, row.configurable_units * (100 - spare) // 100),
                      min(limit.memory_mib, row.configurable_memory_mib * (100 - spare) // 100))

    @remembered
    def limit_in_the_end(self, server: str) -> Demand:
        """What a server may hold once a scenario is carried out: what it may whatever it held at the start; of what
        the question keeps spare no more than it had free then."""
        stated, limit, start = self.policies.limit(self.servers[server]), self.limit(server), self.at_start[server]
        return Demand(min(stated.units, max(limit.units, start.units)),
                      min(stated.memory_mib, max(limit.memory_mib, start.memory_mib)))

    @remembered
    def room(self, server: str) -> Demand:
        """What the clients of a server may hold together: its limit less its base."""
        return self.limit(server) - self.base(server)

    def pool_limit(self, server: str, pool_id: int) -> int | None:
        """Units that the LPARs of a pool may have (maximum less reserved), or None without a maximum."""
        pool = self.pools.get(server, {}).get(pool_id)
        return None if pool is None or pool.max_units is None else pool.max_units - pool.reserved_units

    def share(self, lpar: str, server: str) -> float:
        """The larger share of a server's cores and memory that an LPAR takes there."""
        demand, limit = self.demand(lpar, server), self.limit(server)
        return max(demand.units / max(limit.units, 1), demand.memory_mib / max(limit.memory_mib, 1))

    def holding(self, server: str, lpars: Iterable[str]) -> Holding:
        """What a server holds with these LPARs on it, summed from scratch. Rules ask for the same in turn: the last
        answer is kept."""
        names = tuple(lpars)
        if self._held is not None and self._held[0] == server and self._held[1] == names:
            return self._held[2]
        base = self.base(server)
        units, memory = base.units, base.memory_mib
        pools: dict[int, int] = {}
        for name in names:
            more_units, more_memory, pool = self._share(name, server)
            units += more_units
            memory += more_memory
            if pool is not None:
                pools[pool] = pools.get(pool, 0) + more_units
        held = Holding(units, memory, pools)
        self._held = server, names, held
        return held

    @remembered
    def _share(self, lpar: str, server: str) -> tuple[int, int, int | None]:
        held = self.held(lpar, server)
        return held.units, held.memory_mib, self.pool_on(lpar, server)

    @cached_property
    def used(self) -> UsageOnSite:
        """What is used on this site; raises ValueError without ``usage``."""
        if self.usage is None:
            raise ValueError("this site has no usage")
        return UsageOnSite(self, self.usage)

    # ---- movers and time ----------------------------------------------------------------------------------------

    def vioses_on(self, server: str) -> list[Vios]:
        return self._on.get(server, [])

    @remembered
    def answering(self, server: str) -> bool:
        """Whether all its VIOSes are known to have active RMC."""
        return all(v.rmc_active for v in self.vioses_on(server))

    def movers(self, server: str) -> list[Vios]:
        """Its mover service partitions; a VIOS whose mover attribute nobody states counts as one."""
        return [v for v in self.vioses_on(server)
                if v.msp is not False and v.rmc_active is not False and v.max_migrations != 0]

    @remembered
    def _side(self, mover: str, *, source: bool, packed: bool) -> float:
        vios = self.vioses[mover]
        return side_rate(vios, self.servers[vios.server], self.parameters, source=source, packed=packed)

    @remembered
    def _stream(self, source_msp: str, target_msp: str) -> float:
        """Bytes/s of one move between two movers that have nothing else to do: by what carries them (rules/links.py),
        unless it was measured."""
        ends = [self.vioses[name] for name in (source_msp, target_msp)]
        measured = any(link_class(v.link_mbit) in self.parameters.rates for v in ends)
        old = any(one_stream(v, self.servers[v.server]) for v in ends)
        return self.parameters.old_stream_mb_s * 1e6 if old and not measured else math.inf

    @remembered
    def pair_rate(self, source_msp: str, target_msp: str, source_moves: int = 1, target_moves: int = 1) -> float:
        """Bytes/s of one move between two movers that carry so many moves at that time."""
        if measured := self.parameters.rates.get(pair_name(source_msp, target_msp)):
            return stream_rate(measured / max(source_moves, target_moves), self.parameters)
        packed = all(packs(self.servers[self.vioses[name].server]) for name in (source_msp, target_msp))
        out = self._side(source_msp, source=True, packed=packed) / source_moves
        into = self._side(target_msp, source=False, packed=packed) / target_moves
        one = math.inf if self.parameters.stream_mb_s else self._stream(source_msp, target_msp)
        return stream_rate(min(out, into, one), self.parameters)

    @remembered
    def pairs(self, source: str, target: str) -> Sequence[tuple[str, str]]:
        """The mover pairs of two servers, the fastest first, by id among equals."""
        pairs = [(a.name, b.name) for a in self.movers(source) for b in self.movers(target)]
        return sorted(pairs, key=lambda pair: -self.pair_rate(*pair))

    def solo(self, lpar: str, source: str, target: str) -> Copy:
        """The cost of a move that has both movers for itself. Servers without a mover: as 1 Gbit/s."""
        return self.copy(lpar, self._solo_rate(source, target) if self.lpars[lpar].active else 1.0)

    @remembered
    def _solo_rate(self, source: str, target: str) -> float:
        pairs = self.pairs(source, target)
        return self.pair_rate(*pairs[0]) if pairs else self.parameters.link_efficiency * 125e6

    @cached_property
    def _of_consoles(self) -> Mapping[bool, Parameters]:
        return {ivm: self.parameters.of_console(ivm=ivm) for ivm in (False, True)}

    def parameters_for(self, lpar: str) -> Parameters:
        """The cost model's parameters for a move of this LPAR: ``overhead_s`` is that of the console that orders it."""
        server = self.servers[self.lpars[lpar].server]
        return self._of_consoles[is_ivm(server, [v.name for v in self.vioses_on(server.name)])]

    @remembered
    def copy(self, lpar: str, rate: float) -> Copy:
        """The cost of moving an LPAR at ``rate`` bytes/s."""
        return copy_at(self.lpars[lpar], rate, self.parameters_for(lpar))

    # ---- groups -------------------------------------------------------------------------------------------------

    def groups_with(self, kind: Literal["apart", "together", "clusters"], names: Collection[str]) -> Sequence[Group]:
        """The groups of a kind that one of these LPARs belongs to (or more groups, when there are many names)."""
        groups: Sequence[Group] = getattr(self.policies, kind)
        if len(names) > len(groups):
            return groups
        known = self._group_numbers(kind)
        return [groups[number] for number in sorted({number for name in names for number in known.get(name, ())})]

    @remembered
    def _group_numbers(self, kind: str) -> Mapping[str, Sequence[int]]:
        return grouped((name, n) for n, group in enumerate(getattr(self.policies, kind)) for name in group.members)

    # ---- names --------------------------------------------------------------------------------------------------

    def others_on(self, server: str) -> Iterator[tuple[str, int | None]]:
        """(name, partition id) of every partition that is defined on a server, active or not."""
        yield from self._defined.get(server, ())
        for v in self.vioses_on(server):
            yield v.name, v.lpar_id

    def named(self, plain: str, server: str) -> Sequence[str]:
        """The partitions of a server whose own name this is (see :func:`plain_name`)."""
        return self._by_plain_name(server).get(plain, ())

    @remembered
    def _by_plain_name(self, server: str) -> Mapping[str, Sequence[str]]:
        return grouped((plain_name(name), name) for name, _ in self.others_on(server))

    def numbered(self, number: int, server: str) -> Sequence[str]:
        """The partitions of a server that have this id."""
        return self._by_number(server).get(number, ())

    @remembered
    def _by_number(self, server: str) -> Mapping[int | None, Sequence[str]]:
        return inverted(self.others_on(server))

    @cached_property
    def _called(self) -> Counter[str | int | None]:
        """Partitions by their plain name, and by their id."""
        rows = [(p.name, p.lpar_id) for of in (self.estate.lpars, self.estate.vioses) for p in of]
        return Counter(called for name, number in rows for called in (plain_name(name), number))

    def has_namesake(self, lpar: str) -> bool:
        """Whether some other partition has its name, or its id."""
        number = self.lpars[lpar].lpar_id
        return self._called[plain_name(lpar)] > 1 or (number is not None and self._called[number] > 1)

    @remembered
    def goes_before(self, lpar: str, other: str) -> bool:
        """Whether the policy on production wants one LPAR to be moved before the other."""
        order = self.policies.production_order
        mine, others = (self.lpars[n].environment == "production" for n in (lpar, other))
        return bool(order) and mine != others and mine == (order == "first")

    def is_heartbeat(self, lpar: str) -> bool:
        """Whether it runs cluster software whose heartbeat must not compete with another move."""
        return lpar in self.clustered or any(s.casefold().startswith(_HEARTBEAT) for s in self.lpars[lpar].software)


class UsageOnSite:
    """What LPARs and VIOSes use on the servers of a site, slot by slot, in thousandths of a core.

    ``size`` (LPAR, server): what it holds there, of which dedicated processors count whole; ``ratio`` (LPAR, server):
    how many cores there do the work of one that was measured. Not given: as the LPARs are today, moved live.
    ``strict``: what was over a limit at the start may not stay so.
    """

    def __init__(self, site: Site, usage: Usage, size: Callable[[str, str], Demand] | None = None,
                 ratio: Callable[[str, str], Fraction] | None = None, *, strict: bool = False) -> None:
        self.site, self.usage, self.strict = site, usage, strict
        self.none: Slots = 0 * usage.starts.astype("int64")
        self.size, self.ratio = size or site.demand, ratio or self.ratio_live

    def ratio_live(self, lpar: str, server: str) -> Fraction:
        """On a server whose cores are slower (rPerf per core) the same work takes more of them; a faster server is not
        credited, since an LPAR keeps its compatibility mode until it restarts."""
        servers, now = self.site.servers, self.site.lpars[lpar].server
        home = self.site.home.get(lpar, now)
        here, there = (rperf_per_core(servers[s].model) for s in (home if home in servers else now, server))
        return Fraction(str(here)) / Fraction(str(there)) if here and there and here > there else Fraction(1)

    def of(self, lpar: str, server: str, slots: slice = slice(None)) -> Slots:
        """What an LPAR uses on a server, in all slots or in a slice of them."""
        p = self.site.lpars[lpar]
        if not p.active:
            return self.none[slots]
        if p.processors == "dedicated":
            return self.none[slots] + self.size(lpar, server).units * 10
        used, ratio = self.usage.of(lpar)[slots].astype("int64"), self.ratio(lpar, server)
        return used if ratio == 1 else -(-used * ratio.numerator // ratio.denominator)

    def of_vios(self, vios: Vios, slots: slice = slice(None)) -> Slots:
        """What a VIOS uses: its history, else its entitlement."""
        if vios.sharing == "dedicated" or vios.name not in self.usage:
            return self.none[slots] + vios.entitlement_units * 10
        return self.usage.of(vios.name)[slots].astype("int64")

    def on(self, server: str, lpars: Iterable[str], pool: int | None = None, slots: slice = slice(None)) -> Slots:
        """What these LPARs use together on a server (with its VIOSes), or those of one shared pool of it."""
        total: Slots = self.none[slots].copy()
        for vios in self.site.vioses_on(server) if pool is None else ():
            total += self.of_vios(vios, slots)
        return total + self.of_all(server, lpars, pool, slots)

    def of_all(self, server: str, lpars: Iterable[str], pool: int | None = None, slots: slice = slice(None)) -> Slots:
        """The same without its VIOSes."""
        total: Slots = self.none[slots].copy()
        for name in lpars:
            if pool is None or self.site.pool_on(name, server) == pool:
                total += self.of(name, server, slots)
        return total

    @remembered
    def at_start(self, server: str, pool: int | None = None) -> Slots:
        """The same for the LPARs that are there at the start, as they are today."""
        return self.site.used.on(server, self.site.residents(server), pool)

    def limit(self, server: str, pool: int | None = None) -> int | None:
        """What may be used: of a server its limit; of a pool its maximum, None without one."""
        if pool is None:
            return self.site.limit(server).units * 10
        known = self.site.pools.get(server, {}).get(pool)
        return None if known is None or known.max_units is None else known.max_units * 10

    def allowed(self, server: str, pool: int | None = None) -> Slots | None:
        """Slot by slot what may be used: the limit, or what was used at the start if that is more; strict no more than
        policies allow. None: no limit."""
        limit = self.limit(server, pool)
        if limit is None:
            return None
        stated = limit if pool is not None else 10 * self.site.policies.limit(self.site.servers[server]).units
        return self.at_start(server, pool).clip(min=limit, max=stated if self.strict else None)

    def worst(self, server: str, lpars: Iterable[str], pool: int | None = None) -> tuple[int, int, str] | None:
        """(used, limit, when) in the slot in which these LPARs use most above what is allowed; None: in none."""
        limit, allowed = self.limit(server, pool), self.allowed(server, pool)
        if limit is None or allowed is None or not len(allowed):
            return None
        used = self.on(server, lpars, pool)
        at = int((used - allowed).argmax())
        if used[at] <= allowed[at]:
            return None
        return int(used[at]), limit, f"{self.usage.when(at):%Y-%m-%d %H:%M}, a {self.usage.bucket(at).kind} day"


_HEARTBEAT = ("powerha", "hacmp", "vcs", "veritas cluster", "gpfs", "spectrum scale", "oracle rac", "db2 purescale")


@nameless
def is_ibm_i(site: Site, lpar: str) -> bool:
    """The shape of rules that look at nothing of an LPAR but whether it runs IBM i."""
    return site.lpars[lpar].os == "IBM i"


def storage_shape(site: Site, lpar: str) -> Hashable:
    """The shape of rules on storage paths: who serves it, what the adapters carry, whether paths may be lost."""
    serving = {d.vios for d in site.reach.disks_of(lpar)} | {f.vios for f in site.reach.fibres_of(lpar)}
    return site.reach.storage_shape(lpar), frozenset(serving), lpar in site.policies.redundancy_optional


def own_name(site: Site, lpar: str) -> str:
    """What its console calls an LPAR: of namesakes those that do not run are kept as ``name@server``."""
    return lpar.removesuffix(f"@{site.lpars[lpar].server}")


def typed(site: Site, lpar: str) -> str:
    """An LPAR in a command on its console: its own name, as one word."""
    return quoted(own_name(site, lpar))


def plain_name(name: str) -> str:
    """A partition's own name: inactive namesakes are kept as ``name@server``."""
    return name.split("@", 1)[0]
