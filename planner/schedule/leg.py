"""One way of a plan as numbers: its moves, what each takes and leaves, and how many may do something at a time.

Made of moves in an order that works one after the other, each with the mapping of its adapters: lanes change when moves
start and over which movers, never where their adapters go.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations, pairwise

from planner.cost import MIB, converges, dirty_rate, state_bytes
from planner.grouping import grouped, linked
from planner.plan.plan import Move, Window
from planner.reach import SLOTS
from planner.rules import Site
from planner.rules.asking import server_refuses
from planner.rules.base import Scope
from planner.rules.concurrency import inactive_limit, mover_limit, server_limit
from planner.rules.ledger import MEMORY, POOLS, PROCESSORS, Ledger, pool_words
from planner.rules.timing import in_blackout
from planner.schedule.flight import NO_MOVERS, Load, Pair

PRODUCTION = "timing.production-order"
_DAYS = 7
"""Days from the window's start in which a move is looked for a time outside its blackouts."""

Amounts = tuple[tuple[int, int], ...]
"""(number of a count, amount)."""
Spans = tuple[tuple[float, float], ...]
ANYTIME: Spans = ((0.0, math.inf),)


@dataclass(frozen=True, slots=True)
class Scarce:
    """Something of a server that those who arrive take and those who leave give back: what is free when the leg begins,
    the id of the rule that keeps it, and what it is for a person."""

    rule: str
    server: str
    what: str
    slack: int


@dataclass(frozen=True, slots=True)
class Gate:
    """So many of these moves at a time, and why."""

    rule: str
    members: frozenset[int]
    limit: int
    why: str


@dataclass(frozen=True, slots=True)
class Job:
    """One move. ``most[pair]``: flights that its two movers may carry while it flies, itself included. ``starts``: the
    times (s) between which it may begin."""

    move: Move
    load: Load
    pairs: tuple[Pair, ...]
    most: Mapping[Pair, tuple[int, int]]
    starts: Spans = ANYTIME
    rank: int = 1_000_000
    """Its priority; smaller ones go first."""
    takes: Amounts = ()
    gives: Amounts = ()

    def opens(self, now: float) -> float:
        """The earliest time from now on at which it may begin."""
        if self.starts is ANYTIME:
            return now
        return next((max(low, now) for low, high in self.starts if high >= now), math.inf)


@dataclass(frozen=True, slots=True)
class Begins:
    """When a leg begins (ms from the start of the plan): as predicted, and at the earliest, if what is before it takes
    no time at all."""

    predicted_ms: int = 0
    earliest_ms: int = 0


AT_ONCE = Begins()


class _Rates(dict[tuple[int, int, int, int], float]):
    """Bytes/s of a flight over movers a and b that carry n and m flights, by (a, b, n, m)."""

    def __init__(self, site: Site, movers: Sequence[str]) -> None:
        super().__init__()
        self.site, self.movers = site, movers

    def __missing__(self, key: tuple[int, int, int, int]) -> float:
        a, b, n, m = key
        rate = self[key] = self.site.pair_rate(self.movers[a], self.movers[b], n, m)
        return rate


@dataclass
class Leg:
    """See the module. Times count from its predicted begin. ``must[i]``: moves that are over before i starts, and by
    which rule and why; ``never``: pairs that never fly together, likewise."""

    site: Site
    jobs: list[Job]
    begins: Begins = AT_ONCE
    movers: list[str] = field(default_factory=list)
    limit: list[int] = field(default_factory=list)
    counts: list[Scarce] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    gates_of: list[list[int]] = field(default_factory=list)
    must: list[dict[int, tuple[str, str]]] = field(default_factory=list)
    never: list[dict[int, tuple[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parameters = self.site.parameters
        self.gap_s = self.parameters.wave_gap_s

    @cached_property
    def rates(self) -> _Rates:
        """What a flight carries, once the movers are known."""
        return _Rates(self.site, self.movers)

    def rate(self, a: int, b: int, n: int, m: int) -> float:
        """Bytes/s of a flight whose movers carry n and m flights."""
        return self.rates[a, b, n, m]

    def parts(self) -> list[list[int]]:
        """Moves that have nothing to do with those of other parts: no server in common, nor a group or gate."""
        ties = [*((i, j) for those in (self.must, self.never) for i, of in enumerate(those) for j in of),
                *(pair for g in self.gates for pair in pairwise(sorted(g.members)))]
        at = grouped((s, i) for i, job in enumerate(self.jobs) for s in (job.move.source, job.move.target))
        ties += [pair for there in at.values() for pair in pairwise(there)]
        return [sorted(part) for part in linked(range(len(self.jobs)), ties)]

    def part(self, keep: Sequence[int]) -> Leg:
        """The leg with these moves alone."""
        other, number = copy(self), {i: n for n, i in enumerate(keep)}
        other.jobs = [self.jobs[i] for i in keep]
        other.must, other.never = ([{number[j]: why for j, why in of[i].items()} for i in keep]
                                   for of in (self.must, self.never))
        other.gates = [replace(g, members=frozenset(number[i] for i in g.members)) for g in self.gates
                       if not g.members.isdisjoint(number)]
        other.gates_of = _gates_of(other.gates, len(keep))
        return other


def leg_of(site: Site, moves: Sequence[Move], before: Sequence[Move] = (), begins: Begins = AT_ONCE,
           window: Window | None = None, people: int = 0) -> Leg:
    """The ``moves`` of one leg, in an order that works one by one, once all those ``before`` it are over. ``people``:
    so many moves at a time at most; 0: as many as the machines support."""
    leg = flights_of(site, moves, begins, window)
    _count(leg, before)
    leg.gates = [*_gates(site, moves), *_people(moves, people)]
    leg.gates_of = _gates_of(leg.gates, len(moves))
    _order(leg, site.start | {m.lpar: m.target for m in before})
    return leg


def flights_of(site: Site, moves: Sequence[Move], begins: Begins, window: Window | None) -> Leg:
    """The flights of a leg alone, without what they wait for: enough to play moves that say themselves for what."""
    leg = Leg(site, [], begins)
    servers = sorted({s for m in moves for s in (m.source, m.target)})
    leg.movers = [v.name for s in servers for v in site.movers(s)]
    index = {v: n for n, v in enumerate(leg.movers)}
    vioses = [site.vioses[v] for v in leg.movers]
    leg.limit = [min(mover_limit(site, v)[0], server_limit(site, v.server)[0]) for v in vioses]
    leg.jobs = [_job(leg, m, index) for m in moves]
    if window is not None:
        leg.jobs = [replace(job, starts=_starts(leg, job, window))
                    if job.move.lpar in site.policies.blackouts else job for job in leg.jobs]
    return leg


def _gates_of(gates: Sequence[Gate], count: int) -> list[list[int]]:
    return [[n for n, g in enumerate(gates) if i in g.members] for i in range(count)]


def _gates(site: Site, moves: Sequence[Move]) -> Iterator[Gate]:
    """How many live moves and inactive migrations a server takes part in, where these are more."""
    at = grouped(((s, m.inactive), i) for i, m in enumerate(moves) for s in dict.fromkeys((m.source, m.target)))
    for (server, inactive), those in sorted(at.items()):
        limit, said = (inactive_limit if inactive else server_limit)(site, server)
        if len(those) > limit:
            rule = "timing.inactive-limit" if inactive else "timing.server-limit"
            yield Gate(rule, frozenset(those), limit, f"{server} takes part in {limit} at a time ({said})")


def _people(moves: Sequence[Move], people: int) -> Iterator[Gate]:
    if 0 < people < len(moves):
        yield Gate("", frozenset(range(len(moves))), people, f"{people} at a time, as many as there are people")


# ---- moves -------------------------------------------------------------------------------------------------------


def _job(leg: Leg, m: Move, index: Mapping[str, int]) -> Job:
    site, p = leg.site, leg.parameters
    lpar = site.lpars[m.lpar]
    rank = site.policies.priority.get(m.lpar, 1_000_000)
    if m.inactive:
        return Job(m, Load(0.0, 0.0, 0.0, p.inactive_s), (NO_MOVERS,), {NO_MOVERS: (0, 0)}, rank=rank)
    size = float(state_bytes(lpar.memory_mib, lpar.max_memory_mib))
    working = size if lpar.working_set_mib is None else min(size, float(lpar.working_set_mib * MIB))
    pairs = tuple((index[a], index[b]) for a, b in site.pairs(m.source, m.target))
    load = Load(size, working, dirty_rate(lpar, p), site.parameters_for(m.lpar).overhead_s)
    return Job(m, load, pairs, {pair: _most(leg, m.lpar, pair) for pair in pairs},
               rank=rank)


def _most(leg: Leg, name: str, pair: Pair) -> tuple[int, int]:
    """Flights at a time that a move bears on each mover: 1 with a heartbeat, else while pre-copy still converges."""
    if leg.site.is_heartbeat(name):
        return 1, 1
    lpar, alone = leg.site.lpars[name], leg.rate(*pair, 1, 1)

    def bears(n: int, m: int) -> bool:
        rate = leg.rate(*pair, n, m)
        return rate >= alone or converges(lpar, rate, leg.parameters)

    a, b = leg.limit[pair[0]], leg.limit[pair[1]]
    return next((n for n in range(a, 0, -1) if bears(n, 1)), 1), next((m for m in range(b, 0, -1) if bears(1, m)), 1)


def slowest_s(leg: Leg, job: Job) -> float:
    """Seconds of a move that shares its movers with as many as it bears, on its worst pair."""
    if job.pairs == (NO_MOVERS,):
        return job.load.overhead_s
    lpar = leg.site.lpars[job.move.lpar]
    rates = (leg.rate(*pair, *most) for pair, most in job.most.items())
    return max(leg.site.copy(lpar.name, rate).duration_ms for rate in rates) / 1000


def _starts(leg: Leg, job: Job, window: Window) -> Spans:
    """The times between which a move may begin so that it touches no blackout of its LPAR, however slow it is; they may
    be before the leg begins as predicted."""
    begin_ms, now = leg.begins.predicted_ms, leg.begins.earliest_ms
    long_ms, end = math.ceil(1000 * slowest_s(leg, job)), begin_ms + _DAYS * 86_400_000
    out = list[tuple[float, float]]()
    while now < end:
        free = _free_until(leg.site, job.move.lpar, window, now, end)
        if free - long_ms >= now:
            out.append(((now - begin_ms) / 1000, math.inf if free >= end else (free - long_ms - begin_ms) / 1000))
        hit = in_blackout(leg.site, job.move.lpar, window, free, free + 1)
        now = end if hit is None else max(hit[0], free + 1)
    return tuple(out)


def _free_until(site: Site, lpar: str, window: Window, start: int, end: int) -> int:
    """The beginning of the first blackout that ends after ``start``, by halving; ``end`` where there is none."""
    low, high = start, end
    if in_blackout(site, lpar, window, start, end) is None:
        return end
    while low < high:
        middle = (low + high) // 2
        if in_blackout(site, lpar, window, start, middle + 1) is None:
            low = middle + 1
        else:
            high = middle
    return low


# ---- what is used up -----------------------------------------------------------------------------------------------


Key = tuple[str, str, str]
"""Rule, server and part of what is counted."""


class _Holdings:
    """What LPARs hold of everything that is counted, as the moves before a leg have left it."""

    def __init__(self, site: Site, before: Sequence[Move]) -> None:
        self.site = site
        self.where = site.start | {m.lpar: m.target for m in before}
        self.ledger = Ledger(site, self.where)
        self.came = {m.lpar: m for m in before}
        """The move that brought an LPAR where it is."""
        self.numbers: Mapping[str, Collection[int]] = {}
        """Server → partition ids that are asked for."""

    def of_move(self, m: Move) -> Iterator[tuple[Key, int]]:
        """What it takes on its target."""
        yield from self._ledger(m.lpar, m.target)
        if m.target_id is not None:
            yield ("plan.id", m.target, str(m.target_id)), 1
        mapped = tuple((slot, vios) for slot, vios, _ in m.fibres)
        for (vios, fabric), n in self.site.reach.taken(m.lpar, m.disks, mapped).items():
            yield ("storage.npiv-ports" if fabric != SLOTS else "storage.virtual-slots", m.target,
                   f"{vios}/{fabric}"), n
        for _, vios, port in m.fibres:
            if port:
                yield ("storage.npiv-ports", m.target, f"{vios}/port {port}"), 1
        for b in m.vnics:
            yield ("network.vnic-ports", m.target, b.port), 1
            yield ("network.vnic-capacity", m.target, b.port), b.percent or 1

    def of_resident(self, lpar: str) -> Iterator[tuple[Key, int]]:
        """What it holds where it is."""
        if lpar in self.came:
            yield from self.of_move(self.came[lpar])
            return
        server = self.where[lpar]
        yield from self._ledger(lpar, server)
        number = self.site.lpars[lpar].lpar_id
        if number is not None:
            yield ("plan.id", server, str(number)), 1
        for (vios, fabric), n in self.site.reach.port_uses(lpar, server)[0].items():
            yield ("storage.npiv-ports" if fabric != SLOTS else "storage.virtual-slots", server, f"{vios}/{fabric}"), n
        for _, vios, port in self.site.reach.own_fibres(lpar):
            if port:
                yield ("storage.npiv-ports", server, f"{vios}/port {port}"), 1
        for v in self.site.vnics.get(lpar, ()):
            if v.port:
                yield ("network.vnic-ports", server, v.port), 1
                yield ("network.vnic-capacity", server, v.port), v.percent or 1

    def exchanged(self, moves: Sequence[Move]) -> tuple[list[dict[Key, int]], list[dict[Key, int]]]:
        """What each of these moves, in their order, takes on its target and gives back on its source."""
        takes, gives, there = [], [], dict[str, Move]()
        for m in moves:
            takes.append(dict(_summed(self.of_move(m))))
            gives.append(dict(_summed(self.of_move(there[m.lpar]) if m.lpar in there else self.of_resident(m.lpar))))
            there[m.lpar] = m
        return takes, gives

    def _ledger(self, lpar: str, server: str) -> Iterator[tuple[Key, int]]:
        for number, amount in self.ledger.needs(lpar, server):
            yield self.ledger.named(number), amount

    def slack(self, wanted: Collection[Key]) -> dict[Key, int]:
        """What is free of each when the leg begins; what has no limit is left out. More than there is may be held at
        the start, and stay so."""
        if not wanted:
            return {}
        free = dict[Key, int]()
        for server in sorted({server for _, server, _ in wanted}):
            free |= self._first(server)
        moved: Counter[Key] = Counter()
        first = _Holdings(self.site, ())
        for lpar, m in self.came.items():
            moved.update(dict(_summed(self.of_move(m))))
            moved.subtract(dict(_summed(first.of_resident(lpar))))
        out = {key: max(0, left - moved[key]) for key, left in free.items() if key in wanted}
        for number in range(self.ledger.size):
            if (key := self.ledger.named(number)) in wanted:
                out[key] = max(0, self.ledger.spare(number))
        return out

    def _first(self, server: str) -> Iterable[tuple[Key, int]]:
        """What is free at the start of the plan of partition ids, ports, slots and SR-IOV ports."""
        site = self.site
        used: Counter[tuple[str, str]] = Counter()
        for n in site.residents(server):
            used.update(site.reach.port_uses(n, server)[0])
        here = {v.name for v in site.vioses_on(server)}
        for (vios, fabric), room in site.reach.port_room.items():
            if vios in here:
                rule = "storage.npiv-ports" if fabric != SLOTS else "storage.virtual-slots"
                yield (rule, server, f"{vios}/{fabric}"), max(0, room - used[vios, fabric])
        for vios, ports in site.reach.ports_left(server).items():
            yield from ((("storage.npiv-ports", server, f"{vios}/port {port}"), left) for port, left in ports.items())
        for row in site.sriov.get(server, ()):
            if row.free_ports is not None:
                yield ("network.vnic-ports", server, row.port), row.free_ports
            if row.free_percent is not None:
                yield ("network.vnic-capacity", server, row.port), row.free_percent
        held = {n for _, n in site.others_on(server)}
        yield from ((("plan.id", server, str(i)), int(i not in held)) for i in self.numbers.get(server, ()))


def _summed(pairs: Iterable[tuple[Key, int]]) -> Iterable[tuple[Key, int]]:
    total: Counter[Key] = Counter()
    for key, amount in pairs:
        total[key] += amount
    return total.items()


def _count(leg: Leg, before: Sequence[Move]) -> None:
    """What the moves of a leg take and give of everything where the order can matter: some arrive and some leave, and
    it is not enough for all."""
    hold, moves = _Holdings(leg.site, before), [job.move for job in leg.jobs]
    hold.numbers = grouped((m.target, m.target_id) for m in moves if m.target_id is not None)
    takes, gives = hold.exchanged(moves)
    wanted, left = (sum((Counter(of) for of in those), Counter[Key]()) for those in (takes, gives))
    slack = hold.slack({key for key in wanted if key in left})
    keys = [key for key in sorted(slack) if wanted[key] > slack[key]]
    number = {key: n for n, key in enumerate(keys)}
    leg.counts = [Scarce(key[0], key[1], _words(leg.site, key), slack[key]) for key in keys]
    leg.jobs = [replace(job, takes=_amounts(t, number), gives=_amounts(g, number))
                for job, t, g in zip(leg.jobs, takes, gives, strict=True)]


def _amounts(of: Mapping[Key, int], number: Mapping[Key, int]) -> Amounts:
    return tuple((number[key], amount) for key, amount in of.items() if key in number and amount)


def _words(site: Site, key: Key) -> str:
    """What is counted, for a person: ``the memory``."""
    rule, server, part = key
    if rule == MEMORY.rule:
        return "the memory"
    if rule == PROCESSORS.rule:
        return "the cores"
    if rule == POOLS.rule:
        return f"the cores in pool {pool_words(site, server, part)}"
    if rule == "plan.id":
        return f"the partition id {part}"
    what = {"storage.npiv-ports": "the virtual Fibre Channel port", "storage.virtual-slots": "the virtual slot",
            "network.vnic-ports": "the SR-IOV logical port", "network.vnic-capacity": "the SR-IOV capacity"}
    at = part.removesuffix(f"/{SLOTS}").replace("/", ", ")
    return what.get(rule, "the room") + (f" ({at})" if at else "")


# ---- order by rules ------------------------------------------------------------------------------------------------


def _order(leg: Leg, start: Mapping[str, str]) -> None:
    """What must be over before what: an LPAR's moves one after the other, LPARs that are kept apart, servers whose
    rules are asked; and nodes of a cluster, which never fly together."""
    moves = [job.move for job in leg.jobs]
    leg.must, leg.never = [{} for _ in moves], [{} for _ in moves]
    of = grouped((m.lpar, i) for i, m in enumerate(moves))
    for those in of.values():
        for j, i in pairwise(those):
            leg.must[i][j] = "plan.continuity", f"it is the next move of {moves[i].lpar}"
    for group in leg.site.policies.clusters:
        there = sorted(i for n in group.members for i in of.get(n, ()))
        for i, j in combinations(there, 2):
            if moves[i].lpar != moves[j].lpar:
                why = "timing.cluster-nodes", f"both are nodes of cluster {group.name}"
                leg.never[i][j] = leg.never[j][i] = why
    if leg.site.policies.production_order:
        for j, i in combinations(range(len(moves)), 2):  # j stands before i in the order that works
            if leg.site.goes_before(moves[j].lpar, moves[i].lpar):
                leg.must[i].setdefault(j, (PRODUCTION, f"production goes {leg.site.policies.production_order}"))
    _keep_apart(leg, of)
    _touchy(leg, start)


def _keep_apart(leg: Leg, of: Mapping[str, Sequence[int]]) -> None:
    """Of LPARs that may not be together on a server the one that comes waits for the one that leaves."""
    moves = [job.move for job in leg.jobs]
    for rule, group in leg.site.policies.kept_apart():
        there = sorted(i for n in group.members for i in of.get(n, ()))
        for j, i in combinations(there, 2):  # j stands before i in the order that works
            a, b = moves[i], moves[j]
            if a.lpar != b.lpar and b.source == a.target and not leg.site.may_share(a.lpar, b.lpar, a.target):
                leg.must[i][j] = rule, f"it may not be on {a.target} together with {b.lpar}"


def _touchy(leg: Leg, start: Mapping[str, str]) -> None:
    """Where a rule that is asked would refuse everybody who is ever on a server together, who comes waits for all that
    left it before in the order that works: then it holds no more than it does in that order."""
    moves = [job.move for job in leg.jobs]
    by_target = grouped((m.target, i) for i, m in enumerate(moves))
    for rule in leg.site.asked(Scope.SERVER):
        for server, those in by_target.items():
            everybody = sorted({n for n, s in start.items() if s == server} | {moves[i].lpar for i in those})
            if all(m.source != server for m in moves) or not server_refuses(rule, leg.site, server, everybody):
                continue
            for i in those:
                for j in (j for j in range(i) if moves[j].source == server):
                    leg.must[i].setdefault(j, (rule.id, f"{server} may have too little for both"))
