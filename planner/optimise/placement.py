"""The placement program: which server each LPAR ends on. One method per family of rows, all of one shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.estate.capacity import Demand
from planner.estate.licence_counts import counted_units, counting_pool, pool_units
from planner.estate.licences import LicenceCeiling, Licensed
from planner.estate.policies import Group
from planner.findings import Severity, assumed
from planner.grouping import grouped, inverted
from planner.optimise.licences import Counts, Sum, added
from planner.optimise.program import BALANCE, COST, CUT, MEASURE, ONE_PLACE, Outcome, Program, Solution, Tag, Terms
from planner.optimise.solver import solve
from planner.parallel import beside
from planner.remember import remembered
from planner.rules import Judge, Site, ledger
from planner.rules.asking import refused
from planner.rules.ledger import Amounts, Resource, allowed, taken_together
from planner.rules.licences import ceiling_allows
from planner.rules.site import UsageOnSite
from planner.stopwatch import now
from planner.units import UNITS_PER_CORE

_IN_TWO = 1000
"""LPARs from which on they are judged by two processes."""
_THOUSAND, _MOST_SHARE = 1000, 100_000


def move_cost_ms(site: Site, judge: Judge, lpar: str, source: str, target: str) -> int:
    """Cost of a move in ms: its duration alone on the link, plus the risk surcharges of the cost model."""
    p = site.parameters
    warnings = sum(f.severity is Severity.WARNING for f in (*judge.readiness(lpar), *judge.move(lpar, source, target)))
    risk = p.risk_warning_s * warnings
    risk += p.risk_production_s if site.lpars[lpar].environment == "production" else 0
    risk += p.risk_heartbeat_s if site.is_heartbeat(lpar) else 0
    return site.solo(lpar, source, target).duration_ms + round(risk * 1000)


def assumed_of(site: Site, judge: Judge, lpar: str, server: str, *, come_back: bool = False) -> int:
    """How many facts an LPAR's move to a server takes for granted, and with ``come_back`` the one home."""
    start, back = site.start[lpar], judge.homeward
    home = site.homes.get(lpar, start)
    out = judge.move(lpar, start, server) if server != start else ()
    again = back.move(lpar, server, home) if come_back and server != home else ()
    return len(assumed((*out, *again)))


@dataclass(slots=True)
class Candidates:
    """Where each open LPAR may end, with the cost in ms; LPARs that are not in it stay where they are."""

    cost: dict[str, dict[str, int]] = field(default_factory=dict)

    def cheapest(self, lpar: str) -> int:
        """The least cost of placing an LPAR anywhere."""
        return min(self.cost[lpar].values())

    def bound(self) -> int:
        """Σ of each one's cheapest place: a lower bound of any placement."""
        return sum(self.cheapest(n) for n in self.cost)

    def only_cheapest(self) -> Candidates:
        """The same LPARs with their cheapest places alone."""
        return Candidates({n: {s: c for s, c in places.items() if c == min(places.values())}
                           for n, places in self.cost.items()})


def candidates_of(site: Site, judge: Judge, displaced: Sequence[str], survivors: Sequence[str],
                  shifting: Iterable[str] = (), *, come_back: bool = False) -> Candidates:
    """Displaced LPARs may go to any survivor that the rules allow; shifting ones may also stay, at no cost.

    With ``come_back`` only to where the rules, as they stand after the work, allow the move home as well.
    """
    back = judge.homeward

    def places(name: str) -> dict[str, int]:
        source = site.start[name]
        home = site.homes.get(name, source)
        return {s: move_cost_ms(site, judge, name, source, s) for s in judge.targets(name, survivors)
                if not come_back or s == home or back.allowed(name, s, home)}

    out = {name: places(name) for name in displaced}
    open_to = list(shifting)

    def among(names: Sequence[str]) -> dict[str, dict[str, int]]:
        return {name: {site.start[name]: 0} | places(name) for name in names}

    if len(open_to) < _IN_TWO:
        return Candidates(out | among(open_to))
    half = len(open_to) // 2
    second, first = beside(lambda: among(open_to[half:]), lambda: among(open_to[:half]))
    return Candidates(out | first | second)


@dataclass(frozen=True, slots=True)
class Moment:
    """``size`` (LPAR, server): what LPARs hold at that moment; ``room``: what they may take of a server then."""

    size: Callable[[str, str], Demand]
    room: Callable[[Resource, str], Amounts]


class PlacementProgram:
    """Rows and variables of one placement question over a site."""

    grouped = True
    """Whether groups of LPARs count."""

    def __init__(self, site: Site, candidates: Candidates, survivors: Sequence[str], displaced: Iterable[str]) -> None:
        self.site, self.candidates, self.survivors = site, candidates, list(survivors)
        self.displaced = set(displaced)
        self.program = Program("where LPARs end")
        self.x: dict[tuple[str, str], int] = {
            (n, s): self.program.variable(1, n, "on", s) for n, places in candidates.cost.items() for s in places}
        self.fixed = {s: [n for n in site.residents(s) if n not in candidates.cost] for s in self.survivors}
        self.by_server = inverted(self.x, self.survivors)
        self.slots: dict[tuple[int, str, int | None], set[int]] = defaultdict(set)
        """(Moment, server, pool) → the slots whose rows stand."""
        self.counts = Counts(self.program)
        self.prepare()
        self.add_one_place()
        self.add_capacity()
        if self.grouped:
            self.add_apart()
            self.add_together()
            self.add_licences()
        self.add_cost()

    def prepare(self) -> None:
        """Variables of a question beside those of the places, made before any row; none here."""

    def room(self, resource: Resource, server: str) -> Amounts:
        """What LPARs may take of a server: its limit, or what they took at the start if that is more."""
        return allowed(self.site, resource, server)

    def moments(self) -> Sequence[Moment]:
        """When the rows of what is used up hold; here at one moment, in the sizes of today."""
        return (Moment(self.site.held, self.room),)

    def wanted(self, server: str, resource: Resource) -> Terms:
        """What the row of a server must leave free besides; nothing here."""
        return {}

    def add_one_place(self) -> None:
        """Every open LPAR ends on exactly one server."""
        for n, places in self.candidates.cost.items():
            self.program.equals({self.x[n, s]: 1 for s in places}, 1, Tag(ONE_PLACE, n))

    def add_capacity(self) -> None:
        """processor.capacity, processor.pool, memory.capacity and whatever else is used up: of each part of a server
        LPARs take what its ``room`` is at most, those that stay included."""
        coming = {s: [(n, self.x[n, s]) for n in names] for s, names in self.by_server.items()}
        moments = self.moments()
        for resource, s in product(ledger.RESOURCES, self.survivors):
            loads = [self.load(resource, s, coming[s], moment) for moment in moments]
            for part, (terms, rhs) in ((part, load[part]) for part in loads[0] for load in loads):
                if not resource.rare or sum(terms.values()) > rhs:
                    self.keep_within(Tag(resource.rule, s, part), {**terms, **self.wanted(s, resource)}, rhs)

    def keep_within(self, tag: Tag, terms: Terms, most: int) -> None:
        """The row of a part of a server of which LPARs take ``most`` together."""
        self.program.at_most(terms, most, tag)

    def load(self, resource: Resource, server: str, coming: Sequence[tuple[str, int]], moment: Moment | None = None
             ) -> dict[str, tuple[dict[int, int], int]]:
        """By part of a server what those who may come take, by their variables, and what those who stay leave them."""
        size, room = (moment.size, moment.room) if moment else (self.site.held, self.room)
        left = room(resource, server)
        if not left:
            return {}
        terms: dict[str, dict[int, int]] = {part: {} for part in left}
        for n, i in coming:
            for part, amount in resource.takes(self.site, n, server, size(n, server)).items():
                if amount and part in left:
                    terms[part][i] = amount
        stay = self.staying(resource, server, size)
        return {part: (terms[part], most - stay.get(part, 0)) for part, most in left.items()}

    def staying(self, resource: Resource, server: str, size: Callable[[str, str], Demand]) -> Amounts:
        """What those who stay take of the parts of a server."""
        if size is self.site.held:
            return self._stay_today(server).get(resource.rule, {})
        taken: dict[str, int] = {}
        for n in self.fixed[server]:
            for part, amount in resource.takes(self.site, n, server, size(n, server)).items():
                taken[part] = taken.get(part, 0) + amount
        return taken

    @remembered
    def _stay_today(self, server: str) -> Mapping[str, Amounts]:
        """Rule → what those who stay take in their sizes of today, of all that has a limit there."""
        return taken_together(self.site, self.fixed[server], server)

    def add_apart(self) -> None:
        """policy.keep-apart and policy.cluster: at most one member a server, but for those who may share it."""
        for rule, group in self.site.policies.kept_apart():
            open_to = {s for n in group.members for s in self.candidates.cost.get(n, ())}
            for s in self.survivors:
                if s in open_to:
                    for terms, rhs in self.apart(group, s, partial(self.place, server=s)):
                        self.program.at_most(terms, rhs, Tag(rule, group.name))

    def apart(self, group: Group, server: str, place: Callable[[str], tuple[list[int], int]]
              ) -> Iterator[tuple[Terms, int]]:
        """What keeps a group apart on a server. ``place``: a member's variables there, and how often it is there
        whatever they are."""
        before, home = self.site.sharing(group.members, server)
        new = [i for n in group.members if n not in before | home for i in place(n)[0]]
        if new:
            yield dict.fromkeys(new, 1), 1
        for arriving, others in ((new, before | home), ([i for n in sorted(home - before) for i in place(n)[0]],
                                                        before - home)):
            old = [n for n in group.members if n in others]
            standing, always = {i: 1 for n in old for i in place(n)[0]}, sum(place(n)[1] for n in old)
            for i in arriving if old else ():
                yield {**standing, i: len(old)}, len(old) - always

    def add_together(self) -> None:
        """policy.keep-together: members end on one server, unless none of them moves."""
        for group in self.site.policies.together:
            members = [n for n in group.members if n in self.site.start]
            if len(members) < 2:
                continue
            tag, joined = Tag("policy.keep-together", group.name), self.program.variable(1, group.name, "is together")
            if any(n in self.displaced for n in members):
                self.program.equals({joined: 1}, 1, tag)
            for terms, rhs in self.together(members, joined):
                self.program.at_most(terms, rhs, tag)

    def together(self, members: Sequence[str], joined: int) -> Iterator[tuple[Terms, int]]:
        """What keeps a group together once it is ``joined``."""
        start = self.site.start
        if not any(n in self.displaced for n in members):
            for n in members:
                if n in self.candidates.cost:
                    yield {**dict.fromkeys(self.place(n, start[n])[0], -1), joined: -1}, -1
        everywhere = sorted({start[n] for n in members} | set(self.survivors))
        first = members[0]
        for other in members[1:]:
            for s in everywhere:
                a, here_a = self.place(first, s)
                b, here_b = self.place(other, s)
                # a - b ≤ 1 - joined and b - a ≤ 1 - joined
                for plus, minus, constant in ((a, b, here_b - here_a), (b, a, here_a - here_b)):
                    terms = dict.fromkeys(plus, 1) | dict.fromkeys(minus, -1)
                    yield terms | {joined: 1}, 1 + constant

    def place(self, name: str, server: str) -> tuple[list[int], int]:
        """An LPAR's variable on a server, or the constant that it is there."""
        if name in self.candidates.cost:
            return ([self.x[name, server]] if (name, server) in self.x else []), 0
        return [], int(self.site.start.get(name) == server)

    def add_licences(self) -> None:
        """policy.licence-count: products stand on no more servers, and count no more licence cores, than they may."""
        for ceiling in self.site.policies.licence_ceilings if self.site.policies.counts_licences else ():
            limits = zip(ceiling_allows(self.site, ceiling), (self._licensed_servers, self._licence_cores), strict=True)
            for most, counted in limits:
                total = Sum() if most is None else added(counted(ceiling))
                self.write_counts("policy.licence-count", ceiling.name)
                if most is not None and self.counts.most(total) > most:
                    self.program.at_most(total.terms, most - total.constant, Tag("policy.licence-count", ceiling.name))

    def write_counts(self, rule: str, subject: str) -> None:
        """The rows of the counts so far."""
        for terms, most in self.counts.rows:
            self.program.at_most(terms, most, Tag(rule, subject))
        self.counts.rows.clear()

    def _placed(self, names: Collection[str]) -> dict[str, list[tuple[str, Sum]]]:
        """Server → of LPARs that run and may be there, whether they are."""
        running = [n for n in sorted(names) if n in self.site.start and self.site.lpars[n].active]
        return grouped((s, (n, Sum(dict.fromkeys(here, 1), always))) for n in running
                       for s in self.candidates.cost.get(n, (self.site.start[n],))
                       for here, always in (self.place(n, s),) if here or always)

    def _licensed_servers(self, ceiling: LicenceCeiling) -> Iterator[Sum]:
        """Whether products are on a server, server by server."""
        for s, here in sorted(self._placed(ceiling.lpars).items()):
            yield self.counts.present(added(x for _, x in here), ceiling.name, "on", s)

    def _licence_cores(self, ceiling: LicenceCeiling) -> Iterator[Sum]:
        for licensed in ceiling.licensed:
            yield from self.licence_cores(licensed, self.site.servers).values()

    def licence_cores(self, licensed: Licensed, servers: Iterable[str]) -> dict[str, Sum]:
        """What a product counts on each of these servers on which it may be."""
        site, out, placed = self.site, {}, self._placed(licensed.lpars)
        for s in servers:
            shares = grouped((counting_pool(site, licensed, n, s), x.times(counted_units(site, licensed, n, s)))
                             for n, x in placed.get(s, ()))
            words = licensed.product, "on", s
            pools = [added(more) if pool is None else self.counts.limited(
                added(more), pool_units(site, s, pool), *words, "in pool", str(pool)) for pool, more in shares.items()]
            total = self.counts.limited(added(pools), site.servers[s].configurable_units, *words)
            if pools:
                out[s] = self.counts.rounded_up(total, UNITS_PER_CORE, *words, "in whole cores")
        return out

    def derive(self, values: list[int]) -> list[int]:
        """These values of a placement, with the counts that follow from it."""
        for i, what in self.counts.derived:
            values[i] = what(values)
        return values

    def add_cost(self) -> None:
        """The objective: total migration cost in ms."""
        self.program.minimise({self.x[n, s]: c for n, places in self.candidates.cost.items()
                               for s, c in places.items()})

    def add_cost_limit(self, most: int) -> None:
        """The cost of now is ``most`` at most, whatever is made least."""
        self.program.at_most(self.program.objective, most, COST)

    def add_excess(self, excess: Callable[[str, str], int], most: int) -> None:
        """LPARs weigh ``most`` beyond their least at most, those that stay included. ``excess`` (LPAR, server)."""
        staying = sum(excess(n, s) for s, names in self.fixed.items() for n in names)
        self.program.at_most({i: excess(n, s) for (n, s), i in self.x.items()}, most - staying, MEASURE)

    def add_balance(self, best: Mapping[str, str]) -> int:
        """Minimise the fullest server's share in the end, in thousandths of its limit, processors and memory alike.

        Returns that share for ``best``, the last variable's value in a known solution.
        """
        site, size = self.site, self.moments()[-1].size
        fullest, share = self.program.variable(_MOST_SHARE, "thousandths of the fullest server"), 0
        there = inverted(best.items())
        for s in self.survivors:
            for what in ("units", "memory_mib"):
                most = max(getattr(site.limit(s), what), 1)
                held = getattr(site.base(s), what) + sum(getattr(size(n, s), what) for n in self.fixed[s])
                terms = {self.x[n, s]: _THOUSAND * getattr(size(n, s), what) for n in self.by_server[s]}
                self.program.at_most({**terms, fullest: -most}, -_THOUSAND * held, BALANCE)
                full = held + sum(getattr(size(n, s), what) for n in there.get(s, ()))
                share = max(share, -(-_THOUSAND * full // most))
        self.program.minimise({fullest: 1})
        return min(share, _MOST_SHARE)

    def add_cut(self, placement: Mapping[str, str]) -> None:
        """Cut off every placement that agrees with this one on these LPARs."""
        if placement and all((n, s) in self.x for n, s in placement.items()):
            terms = {self.x[n, s]: 1 for n, s in placement.items()}
            self.program.at_most(terms, len(terms) - 1, CUT)

    def placement(self, solution: Solution) -> dict[str, str]:
        """LPAR → server of a solution, for the open LPARs."""
        return {n: s for (n, s), i in self.x.items() if solution.values[i] == 1}

    # ---- what is found wrong of a solution becomes rows ---------------------------------------------------------

    def mend(self, solution: Solution) -> int:
        """Rows for what this solution breaks that no row says yet; their number."""
        return self.add_usage(solution) + self.add_refused(solution)

    def add_refused(self, solution: Solution) -> int:
        """Cuts for what rules without rows refuse of this solution: of the smallest part that they refuse, one LPAR at
        least ends elsewhere. A part of which none can is cut off by a row that nothing keeps. Who is put nowhere, since
        the row that asks for it is left out, is nowhere: where it stood no cut would keep it from being."""
        where = {n: s for n, s in self.site.start.items() if n not in self.candidates.cost} | self.placement(solution)
        cuts = list(refused(self.site, where))
        for rule, server, part in cuts:
            terms = {self.x[pair]: 1 for pair in part.items() if pair in self.x}
            self.program.at_most(terms, len(terms) - 1, Tag(rule.id, server))
        return len(cuts)

    # ---- usage: rows for the slots that a placement would break, added until none is left ------------------------

    def usages(self) -> Sequence[UsageOnSite]:
        """What LPARs use, at each moment at which that binds; here at one, as they are today."""
        return (self.site.used,)

    def usage_room(self, server: str, pool: int | None, moment: int = 0) -> NDArray[np.int64] | None:
        """Slot by slot what may be used at a moment, in thousandths."""
        return self.usages()[moment].allowed(server, pool)

    def add_usage(self, solution: Solution) -> int:
        """Rows for the slots in which this solution uses too much, the worst of each bucket; their number."""
        usage = self.site.usage
        if usage is None:
            return 0
        where = inverted([*((n, s) for s, names in self.fixed.items() for n in names),
                          *self.placement(solution).items()], self.fixed)
        added = 0
        for moment, used in enumerate(self.usages()):
            for s, pool, room in self.usage_rooms(moment):
                over = used.on(s, where[s], pool) + self.usage_extra(s, pool, solution) - room
                added += sum(self.add_slot(moment, s, pool, slot) for slot in usage.worst_by_bucket(over).values()
                             if over[slot] > 0)
        return added

    def usage_rooms(self, moment: int = 0) -> Iterator[tuple[str, int | None, NDArray[np.int64]]]:
        """Servers, and pools of them, with what may be used in each slot at a moment."""
        for s in self.survivors:
            for pool in (None, *sorted(self.site.pools.get(s, {}))):
                if (room := self.usage_room(s, pool, moment)) is not None:
                    yield s, pool, room

    def usage_wanted(self, server: str, pool: int | None, slot: int) -> Terms:
        """What the row of a slot must leave free besides, in thousandths; nothing here."""
        return {}

    def usage_extra(self, server: str, pool: int | None, solution: Solution) -> Any:
        """What a solution wants free besides, in thousandths, slot by slot or for all slots; nothing here."""
        return 0

    def fill_fullest_slots(self, count: int = 1) -> list[int]:
        """The rows of so many slots, of those in which one of them uses most, in which each server would use most if
        all came who may, and these slots, the worst of each server first."""
        slots = []
        for (moment, used), s in product(enumerate(self.usages()), self.survivors) if self.site.usage else ():
            who = [*self.fixed[s], *self.by_server[s]]
            most = used.on(s, who)
            peaks = {int(most.argmax()), *(int(used.of(n, s).argmax()) for n in who if count > 1)}
            for slot in sorted(peaks, key=lambda at: (-int(most[at]), at))[:count]:
                slots.append(slot)
                self.add_slot(moment, s, None, slot)
        return slots

    def add_slot(self, moment: int, server: str, pool: int | None, slot: int) -> bool:
        """The row of one slot of a server or of a pool of it; False when it stands already."""
        room = self.usage_room(server, pool, moment)
        if room is None or slot in self.slots[moment, server, pool]:
            return False
        self.slots[moment, server, pool].add(slot)
        used, only = self.usages()[moment], slice(slot, slot + 1)
        held = used.on(server, self.fixed[server], pool, only)
        terms = {self.x[n, server]: int(used.of(n, server, only)[0]) for n in self.by_server[server]
                 if pool is None or self.site.pool_on(n, server) == pool}
        tag = Tag("processor.usage", server) if pool is None else Tag("processor.pool-usage", server, str(pool))
        self.program.at_most({**terms, **self.usage_wanted(server, pool, slot)}, int(room[slot]) - int(held[0]), tag)
        return True

    def solve(self, deadline: float, gap: float, max_nodes: int | None = None, known: Sequence[int] = ()) -> Solution:
        """Solve until nothing is left to mend; UNKNOWN, with the bound so far, when time runs out before that."""
        while True:
            solution = solve(self.program, max(deadline - now(), 0.05), gap, max_nodes, known)
            if not solution.found or not self.mend(solution):
                return solution
            known = ()
            if now() > deadline:
                return replace(solution, outcome=Outcome.UNKNOWN, values=(), objective=None)
