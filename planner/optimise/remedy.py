"""The cheapest set of changes that lets a placement exist: the placement program, in which refusals can be lifted.

A refusal of a place becomes rows, the place at most the alternatives of changes that lift it (said beside the rule);
capacity rows get what can be bought for a server; LPARs can be shut down for the window or made smaller. One change
serves every place that it opens. What the program does not know (the order of moves, what a change closes) is told to
it by :meth:`Buying.add_refusal`, after the whole plan on the changed estate was tried.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from planner.estate.capacity import lpar_demand, min_units_per_vp
from planner.estate.changes import Repair, SetTo
from planner.estate.model import Estate, Lpar
from planner.estate.policies import Group
from planner.estate.prices import Prices
from planner.findings import Finding, errors
from planner.grouping import inverted, linked
from planner.names import quoted
from planner.optimise.headroom import HeadroomProgram
from planner.optimise.placement import Candidates, PlacementProgram
from planner.optimise.program import CUT, Outcome, Solution, Tag, Terms
from planner.optimise.solver import solve
from planner.plan.questions import Headroom
from planner.rules import Judge, Site, ledger
from planner.rules.base import REGISTRY, Alternatives, Relief, Scope, of_scope
from planner.rules.ledger import MEMORY, POOLS, PROCESSORS
from planner.rules.site import typed
from planner.stopwatch import now
from planner.units import round_up, show_cores, show_gib

STOPPED = ""
"""Stands for a server where an LPAR is shut down for the window."""
_PRICE, _NEEDS = 1000, "remedy"
"""Weight of a price beside that of the move of an LPAR that could stay."""
_SIZES = (PROCESSORS, POOLS, MEMORY)
_PLACES = 12
"""Servers on which an LPAR that may go nowhere is offered places; and servers with most room, for those who may."""
_PER_USE = 10
"""Thousandths of a core that are used for each hundredth that is entitled."""


def in_order(changes: Collection[Repair], prices: Prices) -> tuple[Repair, ...]:
    """A set of changes as it is told: by owner, kind and subject."""
    return tuple(sorted(changes, key=lambda c: (prices.owner(c), c.kind, c.subject, c.words)))


@dataclass(slots=True)
class Shop:
    """What can be bought. ``needs``: (LPAR, server) → of each alternative one; ``stops``, ``small``: LPAR → the change
    that shuts it down, or the row that it is made smaller to and the change; ``blocked``: LPAR → server → the rules
    that no change lifts, of those that must go and have no place; ``come_back``: the way home counts; ``clusters``: of
    each its name and the nodes that run, of which one at least goes on."""

    prices: Prices
    come_back: bool = False
    candidates: Candidates = field(default_factory=Candidates)
    needs: dict[tuple[str, str], list[Alternatives]] = field(default_factory=dict)
    stops: dict[str, Repair] = field(default_factory=dict)
    small: dict[str, tuple[Lpar, Repair]] = field(default_factory=dict)
    blocked: dict[str, dict[str, list[Finding]]] = field(default_factory=dict)
    clusters: list[tuple[str, list[str]]] = field(default_factory=list)

    @property
    def stranded(self) -> list[str]:
        """Those for whom there is no place whatever is bought."""
        return [n for n, places in self.candidates.cost.items() if not places]

    def keeps_clusters(self, changes: Collection[Repair]) -> bool:
        """Whether a node of each cluster goes on."""
        return all(any(self.stops.get(n) not in changes for n in running) for _, running in self.clusters if running)

    def lifted(self, refusals: Sequence[Finding], site: Site, *where: str) -> list[Alternatives] | None:
        """Of what one rule refuses the alternatives that may be bought; None when nothing lifts it."""
        lifts = REGISTRY[refusals[0].rule].lifts
        if lifts is None or any(f.unstated for f in refusals):
            return None
        rows: list[Alternatives] = [
            [alt for alt in alternatives if all(map(self.prices.allows, alt))] for alternatives in lifts(site, *where)]
        return rows if all(rows) else None

    def offer(self, site: Site, judge: Judge, lpar: str, server: str, cost: int) -> None:
        """The place of an LPAR on a server, with what it needs; or what nothing lifts."""
        own, ready = site.start[lpar], judge.readiness(lpar)
        home, found = site.homes.get(lpar, own), judge.move(lpar, own, server)
        there = ((judge.homeward.site, judge.homeward.move(lpar, server, home), server, home),) if (
            self.come_back and server != home) else ()
        rows: list[Alternatives] = []
        stuck: list[Finding] = []
        for of, told, *pair in ((site, ready), (site, found, own, server), *there):
            for rule in dict.fromkeys(f.rule for f in errors(told)):
                refusals = [f for f in errors(told) if f.rule == rule]
                lifted = self.lifted(refusals, of, lpar, *pair)
                rows, stuck = [*rows, *(lifted or ())], [*stuck, *(refusals if lifted is None else ())]
        if stuck:
            self.blocked.setdefault(lpar, {})[server] = stuck
        else:
            self.candidates.cost[lpar][server], self.needs[lpar, server] = cost, rows


def shop_of(site: Site, judge: Judge, prices: Prices, must: Sequence[str], may: Sequence[str],
            among: Sequence[str], *, for_may: bool = True, only: Mapping[str, Collection[str]] | None = None,
            come_back: bool = False) -> Shop:
    """What can be bought so that LPARs that ``must`` leave, and those that ``may``, go to servers ``among`` these;
    ``for_may``: the latter where a rule refuses them, too; ``only``: LPAR → the servers of these that it is offered;
    ``come_back``: on a site without a question, which states it itself."""
    shop, leaving = Shop(prices, come_back or bool(site.goal and site.goal.come_back)), {*must}
    shop.clusters = [(g.name, [n for n in g.members if n in site.start]) for g in site.policies.clusters]
    for n in (*must, *may):
        shop.candidates.cost[n] = {} if n in leaving else {site.start[n]: 0}
        for s in among if for_may or n in leaving else judge.targets(n, among):
            if s != site.start[n] and (only is None or s in only[n]):
                shop.offer(site, judge, n, s, int(n not in leaving))
        change = _stopped(site, n)
        if prices.allows(change) and not (site.goal and site.goal.takes_along):
            shop.candidates.cost[n][STOPPED], shop.stops[n] = 0, change
        if (less := _smaller(site, n)) and prices.allows(less[1]):
            shop.small[n] = less
    return shop


def _stopped(site: Site, lpar: str) -> Repair:
    """Shut down for the window; an LPAR of unknown environment as one of production, of which a cluster goes on
    without a node."""
    at, name = quoted(site.lpars[lpar].server), typed(site, lpar)
    kind = "stop" if site.lpars[lpar].environment == "non-production" else (
        "stop-node" if lpar in site.clustered else "stop-production")
    return Repair(kind, lpar, f"shut {lpar} down for the window, and start it again after it",
                  (SetTo("lpars", (lpar,), "state", "not activated"),),
                  (f"before: chsysstate -r lpar -m {at} -o osshutdown -n {name}",
                   f"after: chsysstate -r lpar -m {at} -o on -n {name} -f PROFILE"), passing=True)


def _smaller(site: Site, lpar: str) -> tuple[Lpar, Repair] | None:
    """An LPAR as small as what is known of its use lets it be, and how; None where that is nothing less. Its minimum
    entitlement and memory no estate states: no lower than its virtual processors demand anywhere."""
    p, server = site.lpars[lpar], site.servers[site.lpars[lpar].server]
    least = max(map(min_units_per_vp, site.servers.values())) * p.virtual_processors
    peak = p.busy_units
    if site.usage is not None and lpar in site.usage:
        peak = -(-int(site.usage.of(lpar).max(initial=0)) // _PER_USE)
    units = p.entitlement_units if peak is None or p.processors == "dedicated" else max(least, peak)
    mib = p.memory_mib if p.working_set_mib is None else round_up(p.working_set_mib, server.lmb_mib or 0)
    units, mib = min(units, p.entitlement_units), min(mib, p.memory_mib)
    cores, memory = p.entitlement_units - units, p.memory_mib - mib
    if not (cores or memory):
        return None
    what = [f"to {show_cores(units)} cores"] * bool(cores) + [f"to {show_gib(mib)} GiB"] * bool(memory)
    at, name = quoted(server.name), typed(site, lpar)
    commands = [f"chhwres -r proc -m {at} -o r -p {name} --procunits {show_cores(cores)}"] * bool(cores) + [
        f"chhwres -r mem -m {at} -o r -p {name} -q {memory}"] * bool(memory)
    edits = (SetTo("lpars", (lpar,), "entitlement_units", units), SetTo("lpars", (lpar,), "memory_mib", mib))
    return replace(p, entitlement_units=units, memory_mib=mib), Repair(
        "shrink", lpar, f"lower {lpar} {' and '.join(what)}, if its minimum allows it", edits, tuple(commands))


class Buying(PlacementProgram):
    """A placement in which what is refused can be bought."""

    def __init__(self, site: Site, shop: Shop, survivors: Sequence[str], displaced: Sequence[str]) -> None:
        self.shop = shop
        super().__init__(site, shop.candidates, survivors, displaced)

    def prepare(self) -> None:
        super().prepare()
        self.program.title = "the cheapest set of changes"
        self.bought: dict[Repair, int] = {}
        self.reliefs: dict[tuple[str, str], list[tuple[Relief, int]]] = defaultdict(list)
        """(rule, server) → what gives it more of that, and how often."""
        self.amounts: dict[Repair, tuple[Relief, int]] = {}
        """One of what is bought by number → what it is, and its number."""
        self._all_of: dict[tuple[Repair, ...], int] = {}
        self._smaller_on: dict[tuple[str, str], int] = {}
        for rule in of_scope(Scope.SERVER):
            for s in self.survivors if rule.relief else ():
                for relief in rule.relief(self.site, s) if rule.relief else ():
                    if self.shop.prices.allows(relief.change(1)) and max(relief.gives.values()) > 0:
                        self.reliefs[rule.id, s].append((relief, self._how_often(relief)))

    def _how_often(self, relief: Relief) -> int:
        one = relief.change(1)
        if relief.most == 1:
            return self.buy(one)
        if one not in self.amounts:
            self.amounts[one] = relief, self.program.variable(relief.most, "number of", one.words)
        return self.amounts[one][1]

    def buy(self, change: Repair) -> int:
        """The variable of a change."""
        if change not in self.bought:
            self.bought[change] = self.program.variable(1, "buy", change.words)
        return self.bought[change]

    def buy_all(self, changes: tuple[Repair, ...]) -> int:
        """A variable that is 1 only when all of these are bought."""
        if len(changes) == 1:
            return self.buy(changes[0])
        if changes not in self._all_of:
            self._all_of[changes] = together = self.program.variable(1, "all of", *(c.words for c in changes))
            for c in changes:
                self.program.at_most({together: 1, self.buy(c): -1}, 0, Tag(_NEEDS))
        return self._all_of[changes]

    def need(self, variable: int, alternatives: Alternatives) -> None:
        """Only with one of these; and with as many changes as the shortest of them has, which says nothing more but to
        the linear relaxation, where a third of each of three changes would do as two of them."""
        if not all(alternatives):
            return
        self.program.at_most({variable: 1, **{self.buy_all(alt): -1 for alt in alternatives}}, 0, Tag(_NEEDS))
        least = min(map(len, alternatives))
        if least > 1 and len(alternatives) > 1:
            changes = {self.buy(c): -1 for alt in alternatives for c in alt}
            self.program.at_most({variable: least, **changes}, 0, Tag(_NEEDS))

    def add_one_place(self) -> None:
        """As for any placement, with what each place needs."""
        super().add_one_place()
        for (n, s), i in self.x.items():
            for alternatives in self.shop.needs.get((n, s), ()):
                self.need(i, alternatives)
            if s == STOPPED:
                self.need(i, [(self.shop.stops[n],)])
        for name, running in self.shop.clusters:
            stops = {self.buy(self.shop.stops[n]): 1 for n in running if (n, STOPPED) in self.x}
            if stops and len(stops) == len(running):
                self.program.at_most(stops, len(running) - 1, Tag("policy.cluster", name))

    # ---- what servers carry --------------------------------------------------------------------------------------

    def gain(self, rule: str, server: str, part: str, per: int = 1) -> dict[int, int]:
        """Variable → what it gives a part of a server."""
        return {i: per * relief.gives[part] for relief, i in self.reliefs.get((rule, server), ())
                if relief.gives.get(part)}

    def less(self, tag: Tag) -> tuple[dict[int, int], dict[int, int]]:
        """Variable → what LPARs that are made smaller take less of a part of a server; and what those who were there
        at the start, shut down or smaller, hold less of it."""
        of = next((r for r in ledger.RESOURCES if r.rule == tag.rule), None)
        taken: dict[int, int] = {}
        held: dict[int, int] = {}
        residents = self.site.residents(tag.subject) if of else ()
        for n in residents if of else ():
            if of and (n, STOPPED) in self.x:
                size = self.site.held(n, tag.subject)
                held[self.x[n, STOPPED]] = of.takes(self.site, n, tag.subject, size).get(tag.part, 0)
        for n, (row, change) in self.shop.small.items() if of in _SIZES else ():
            here = (n, tag.subject) in self.x or n in self.fixed.get(tag.subject, ())
            if not (here or n in residents) or of is None:
                continue
            sizes = self.site.held(n, tag.subject), lpar_demand(row, self.site.servers[tag.subject])
            full, small = (of.takes(self.site, n, tag.subject, size).get(tag.part, 0) for size in sizes)
            if here and full > small:
                taken[self._smaller_there(n, tag.subject, change)] = full - small
            if n in residents and full > small:
                held[self.buy(change)] = full - small
        return taken, held

    def _smaller_there(self, lpar: str, server: str, change: Repair) -> int:
        """A variable that is 1 only where an LPAR that was made smaller is on a server."""
        if (lpar, server) not in self.x:
            return self.buy(change)
        if (lpar, server) not in self._smaller_on:
            i = self._smaller_on[lpar, server] = self.program.variable(1, lpar, "smaller, on", server)
            self.program.at_most({i: 1, self.x[lpar, server]: -1}, 0, Tag(_NEEDS))
            self.program.at_most({i: 1, self.buy(change): -1}, 0, Tag(_NEEDS))
        return self._smaller_on[lpar, server]

    def keep_within(self, tag: Tag, terms: Terms, most: int) -> None:
        """Within the limit and what is bought; or, where it was over at the start, no more than is left of that."""
        gain = self.gain(tag.rule, tag.subject, tag.part)
        smaller, held = self.less(tag)
        takes = {**terms, **{i: -a for i, a in smaller.items()}}
        of = next((r for r in ledger.RESOURCES if r.rule == tag.rule), None)
        limit = of.limits(self.site, tag.subject).get(tag.part) if of else None
        over = 0 if of is None or limit is None else self.room(of, tag.subject)[tag.part] - limit
        if over <= 0:
            super().keep_within(tag, {**takes, **{i: -a for i, a in gain.items()}}, most)
            return
        within = self.program.variable(1, tag.subject, "within the limit of", tag.rule)
        loose = sum(a for a in takes.values() if a > 0) + sum(held.values())
        left = dict(takes)
        for i, amount in held.items():
            left[i] = left.get(i, 0) + amount
        super().keep_within(tag, {**left, within: -loose - max(0, -most)}, most)
        super().keep_within(tag, {**takes, **{i: -a for i, a in gain.items()}, within: over}, most)

    def usage_wanted(self, server: str, pool: int | None, slot: int) -> Terms:
        """What is bought may be used as well, but for slots that were over at the start."""
        if self._over_at_start(server, pool)[slot]:
            return super().usage_wanted(server, pool, slot)
        return {**super().usage_wanted(server, pool, slot), **{i: -a for i, a in self._use(server, pool).items()}}

    def usage_extra(self, server: str, pool: int | None, solution: Solution) -> Any:
        more = sum(a * solution.values[i] for i, a in self._use(server, pool).items())
        return super().usage_extra(server, pool, solution) - np.where(self._over_at_start(server, pool), 0, more)

    def _use(self, server: str, pool: int | None) -> dict[int, int]:
        rule = "processor.usage" if pool is None else "processor.pool-usage"
        return self.gain(rule, server, "" if pool is None else str(pool), _PER_USE)

    def _over_at_start(self, server: str, pool: int | None) -> Any:
        limit = self.site.used.limit(server, pool)
        return self.site.used.at_start(server, pool) > (limit or 0)

    # ---- groups --------------------------------------------------------------------------------------------------

    def apart(self, group: Group, server: str, place: Callable[[str], tuple[list[int], int]]
              ) -> Iterator[tuple[Terms, int]]:
        lift = self._lifting("policy.keep-apart", group) if group in self.site.policies.apart else None
        for terms, most in super().apart(group, server, place):
            loose = {} if lift is None else {lift: min(0, most - sum(a for a in terms.values() if a > 0))}
            yield {**terms, **loose}, most

    def together(self, members: Sequence[str], joined: int) -> Iterator[tuple[Terms, int]]:
        group = next(g for g in self.site.policies.together if {*members} <= {*g.members})
        lift = self._lifting("policy.keep-together", group)
        loose = [self.x[n, STOPPED] for n in members if (n, STOPPED) in self.x] + ([] if lift is None else [lift])
        for terms, most in super().together(members, joined):
            yield {**terms, **dict.fromkeys(loose, -1)}, most

    def _lifting(self, rule: str, group: Group) -> int | None:
        """The variable that lifts a group, None where that is not to be bought."""
        lifts = REGISTRY[rule].lifts
        rows = [*lifts(self.site, group.name)] if lifts else []
        changes = tuple(c for row in rows for alt in row for c in alt)
        return self.buy_all(changes) if changes and all(map(self.shop.prices.allows, changes)) else None

    def _placed(self, names: Collection[str]) -> Any:
        """Who is shut down stands nowhere."""
        return {s: here for s, here in super()._placed(names).items() if s != STOPPED}

    # ---- what it costs -------------------------------------------------------------------------------------------

    def add_cost(self) -> None:
        """The objective: prices; of equal ones the set with which fewer LPARs move that could stay."""
        prices = {i: _PRICE * self.shop.prices.cost(c) for c, i in self.bought.items()}
        prices |= {i: _PRICE * self.shop.prices.cost(c) for c, (_, i) in self.amounts.items()}
        self.program.minimise({**prices, **{self.x[n, s]: c for n, places in self.candidates.cost.items()
                                            for s, c in places.items()}})

    def changes(self, solution: Solution) -> tuple[Repair, ...]:
        """What a solution buys, the dearest last."""
        found = [c for c, i in self.bought.items() if solution.values[i]]
        found += [relief.change(solution.values[i]) for relief, i in self.amounts.values() if solution.values[i]]
        return in_order(found, self.shop.prices)

    def add_refusal(self, solution: Solution, late: Collection[str] | None = None) -> None:
        """Something else is bought beside this set, or more of it: with it alone no plan was found. ``late``: its plan
        was too long, which of what is bought here only fewer or smaller of these LPARs mend."""
        quicker = {of[n] for of in (self.shop.stops, {n: c for n, (_, c) in self.shop.small.items()})
                   for n in late or () if n in of}
        beyond: dict[int, int] = {i: -1 for c, i in self.bought.items()
                                  if not solution.values[i] and (late is None or c in quicker)}
        for relief, i in self.amounts.values():
            if late is None and solution.values[i] < relief.most:
                more = self.program.variable(1, "more than", str(solution.values[i]))
                self.program.at_most({more: solution.values[i] + 1, i: -1}, 0, CUT)
                beyond[more] = -1
        self.program.at_most(beyond, -1, CUT)

    def add_difference(self, changes: Collection[Repair]) -> None:
        """No set any more with all that a person would call the same as these."""
        shapes = {c.shape for c in changes}
        of_shape: dict[tuple[str, ...], dict[int, int]] = defaultdict(dict)
        for c, i in self.bought.items():
            of_shape[c.shape][i] = 1
        for c, (relief, i) in self.amounts.items():
            of_shape[c.shape][i] = relief.most
        terms = {}
        for shape in sorted(shapes):
            some = self.program.variable(1, "some of", *shape)
            for i, most in of_shape[shape].items():
                self.program.at_most({i: 1, some: -most}, 0, CUT)
            terms[some] = 1
        self.program.at_most(terms, len(terms) - 1, CUT)


class HeadroomRemedy(Buying, HeadroomProgram):
    """Headroom is made."""

    def __init__(self, site: Site, shop: Shop, goal: Headroom) -> None:
        self.shop = shop
        HeadroomProgram.__init__(self, site, shop.candidates, goal)


@dataclass(frozen=True, slots=True)
class QuickBuy:
    """What is bought for the LPARs of a server alone, who go to servers ``among`` these; ``least``: for no less could
    they go to any that is offered, were there room for all everywhere."""

    changes: tuple[Repair, ...]
    among: tuple[str, ...]
    least: bool


def bought_alone(site: Site, judge: Judge, server: str, prices: Prices, time_limit: float) -> Iterator[QuickBuy]:
    """The cheapest changes for the LPARs of a server alone, everybody coming home: as if there were room for all
    everywhere, on the servers with most of it; and where there is room for them."""
    must, others = list(site.residents(server)), [s for s in site.servers if s != server]
    offered = _offered(site, judge, must, others)
    among = tuple(_among(site, offered))
    shop = shop_of(site, judge, prices, must, (), among, only=offered, come_back=True)
    if shop.stranded:
        return
    most = max(1, len(among) * len(must))
    less_room = {s: (_PRICE - 1) * rank // most for rank, s in enumerate(_roomiest(site, among))}
    for places in shop.candidates.cost.values():
        places.update((s, less_room[s]) for s in places if s != STOPPED)
    plain = _bought_plainly(shop)
    if plain:
        yield from (QuickBuy(changes, among, True) for changes in plain)
        return
    model = Buying(site, shop, among, must)
    counted = {r.rule for r in ledger.RESOURCES}
    everywhere = model.program.without(*(row.tag for row in model.program.rows if row.tag.rule in counted))
    least = None
    for ask in (partial(solve, everywhere, time_limit), partial(model.solve, now() + time_limit, 0.0)):
        solution = ask()
        if solution.outcome is not Outcome.OPTIMAL:
            return
        changes = model.changes(solution)
        price = prices.total(changes)
        least = price if least is None else least
        yield QuickBuy(changes, among, price == least)


Needs = Mapping[str, Mapping[str, Sequence[Alternatives]]]
"""LPAR → server → of each of these one."""


def _bought_plainly(shop: Shop) -> list[tuple[Repair, ...]]:
    """The cheapest sets of changes were there room for all everywhere, where that is plain: of those who may need the
    same, what lets all of them go to one server costs no more than what the dearest of them needs alone. One for each
    such server, that with most room first, but what shuts a cluster down; none where it does not."""
    places: Needs = {n: {s: [[(shop.stops[n],)]] if s == STOPPED else [[*row] for row in shop.needs[n, s] if all(row)]
                         for s in of} for n, of in shop.candidates.cost.items()}
    needs = {n: of for n, of in places.items() if all(of.values())}
    wanted = inverted((n, c) for n, of in needs.items() for rows in of.values() for c in _named(rows))
    found = [_together(shop, needs, names) for names in linked(needs, wanted.values())]
    count = max(map(len, found), default=0) if all(found) else 0
    chosen = [[ways[min(number, len(ways) - 1)] for ways in found] for number in range(count)]
    sets = dict.fromkeys(in_order([c for changes in of for c in changes], shop.prices) for of in chosen)
    return [changes for changes in sets if shop.keeps_clusters(changes)]


def _together(shop: Shop, needs: Needs, names: Sequence[str]) -> list[tuple[Repair, ...]]:
    """What lets all of these go to one server, of each server where that costs no more than they do at least."""
    total = shop.prices.total
    least = max(min(_at_least(rows, shop.prices) for rows in needs[n].values()) for n in names)
    ways = []
    for s in set.intersection(*({*needs[n]} for n in names)):
        changes = (*dict.fromkeys(c for n in names for row in needs[n][s] for c in min(row, key=total)),)
        if total(changes) == least:
            ways.append((sum(shop.candidates.cost[n][s] for n in names), s, changes))
    return [changes for *_, changes in sorted(ways, key=lambda way: way[:2])]


def _named(rows: Iterable[Alternatives]) -> set[Repair]:
    return {c for row in rows for alt in row for c in alt}


def _at_least(rows: Sequence[Alternatives], prices: Prices) -> int:
    """What a place costs at least: of each row one; where two rows have something in common, the dearest row alone."""
    apart = sum(len(_named([row])) for row in rows) == len(_named(rows))
    return (sum if apart else max)(min(map(prices.total, row)) for row in rows)


def worth_buying(site: Site, judge: Judge, names: Sequence[str], servers: Sequence[str]) -> tuple[str, ...]:
    """The servers of these, of a large site, on which places are bought for LPARs: those with most room, and for each
    LPAR some that serve most of what it needs."""
    return tuple(_among(site, _offered(site, judge, names, servers)))


def part_with(site: Site, servers: Collection[str]) -> Estate:
    """The part of a site around these servers; the whole, where the places of LPARs there hang on those of others."""
    part = site.estate.around(servers)
    here = {p.name for p in part.lpars}
    tied = any(0 < len(here.intersection(names)) < len({*names}) for names in site.policies.tied())
    return site.estate if tied else part


def _offered(site: Site, judge: Judge, names: Sequence[str], servers: Sequence[str]) -> dict[str, list[str]]:
    """LPAR → where it may go, were it fit to move; where it may go nowhere, the servers that serve most of what it
    needs, of equal ones those that serve most of what the others need, and of these those that fewest rules close."""
    closed: dict[str, Callable[[str], int]] = {n: partial(_closed, judge, n, site.start[n]) for n in names}
    may = {n: [s for s in servers if judge.connected(n, s) and not closed[n](s)] for n in names}
    lacks = {n: site.reach.lacking(n, site.policies.ignorable_vlans) for n, places in may.items() if not places}
    of_all = Counter[str]()
    for of in lacks.values():
        of_all.update(of)
    served = {n: {s: (of[s], of_all[s]) for s in servers} for n, of in lacks.items()}
    return {n: places or _first(servers, served[n], closed[n]) for n, places in may.items()}


def _closed(judge: Judge, lpar: str, source: str, target: str) -> int:
    """How many refusals of rules close a server to an LPAR."""
    return len(errors(judge.move(lpar, source, target)))


def _first(servers: Sequence[str], served: Mapping[str, tuple[int, int]], closed: Callable[[str], int]) -> list[str]:
    """As many servers as are offered: rules are asked of those alone that serve so much."""
    last = sorted(served.values())[:_PLACES][-1:]
    return sorted((s for s in servers if [served[s]] <= last), key=lambda s: (served[s], closed(s)))[:_PLACES]


def _roomiest(site: Site, servers: Collection[str]) -> list[str]:
    """Those with most room first."""
    room = ledger.Ledger(site, site.start)
    return sorted(servers, key=lambda s: (-min(room.free(s)), s))


def _among(site: Site, offered: Mapping[str, Sequence[str]]) -> list[str]:
    """The servers with most room, and for each LPAR some of its own."""
    most = _roomiest(site, {s for of in offered.values() for s in of})[:_PLACES]
    own = {s for of in offered.values() if not {*of} & {*most} or len(of) <= _PLACES for s in of}
    return [s for s in site.servers if s in own or s in most]
