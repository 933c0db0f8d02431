"""Whether a plan in lanes holds for every timing that its lanes and waits allow: proved from these alone."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, pairwise

from planner.cost import converges
from planner.findings import Finding, errors
from planner.grouping import grouped
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move
from planner.rules import Hold, Judge, Scope, Site, timing
from planner.rules.concurrency import BASE_LIMIT, inactive_limit, mover_limit, server_limit
from planner.verify.base import broken
from planner.verify.counts import limits
from planner.verify.flights import crowd_limits, takes_part
from planner.verify.order import Precedence, arcs_of, ordered_by
from planner.verify.ports import PortCount
from planner.verify.provisos import Apart, Assembly, Crowd, Proviso, Room, Stay, one_after_the_other, pairs
from planner.verify.slots import SlotCount
from planner.verify.vnics import VnicCount

_LIMITS = {"server": "timing.server-limit", "mover": "timing.mover-limit", "inactive": "timing.inactive-limit"}
Amounts = Mapping[tuple[str, ...], dict[int, int]]
"""What is counted → move → how much."""
_PLAN_AGAIN = "plan again, or let it wait"


@dataclass(frozen=True, slots=True)
class LegOrder:
    """The moves of one way, their order, and where everything is when it begins: LPAR → server, partition → id."""

    order: Precedence
    where: Mapping[str, str]
    ids: Mapping[str, int | None]
    stays: Mapping[str, Sequence[Stay]]
    """Server → who is on it, from when to when."""

    @property
    def moves(self) -> Sequence[Move]:
        return self.order.moves


def legs_of(moves: Sequence[Move], site: Site) -> Iterator[LegOrder]:
    """The ways of a plan, each from where the one before it ends."""
    where = dict(site.start)
    ids = {p.name: p.lpar_id for p in site.estate.lpars}
    for name in (OUT, BACK):
        own = sorted((m for m in moves if m.leg == name), key=lambda m: (m.start_ms, m.number))
        order = ordered_by(own, arcs_of(own))
        if own and order is not None:
            yield LegOrder(order, dict(where), dict(ids), _stays(own, where, ids))
        where |= {m.lpar: m.target for m in own}
        ids |= {m.lpar: m.target_id for m in own}


def _stays(moves: Sequence[Move], where: Mapping[str, str], ids: Mapping[str, int | None]) -> dict[str, list[Stay]]:
    last = {n: Stay(n, s, number=ids[n]) for n, s in where.items()}
    over = []
    for i, m in enumerate(moves):
        over.append(replace(last[m.lpar], leaves=i))
        last[m.lpar] = Stay(m.lpar, m.target, arrives=i, number=m.target_id)
    return grouped((s.server, s) for s in (*over, *last.values()))


def in_order(moves: Sequence[Move], found: Collection[Finding]) -> bool:
    """Whether moves are in lanes, and nothing that was found keeps these from being an order of moves that can be."""
    return any(m.lane for m in moves) and not {f.rule for f in found} & {"plan.lanes", "plan.known", "plan.continuity"}


def lane_findings(moves: Sequence[Move], site: Site, judge: Judge, *, named: bool = False) -> Iterator[Finding]:
    """What some timing of these moves, whose lanes and waits are an order, would break; ``named``: and adapters that
    name no port, where one is free in every timing."""
    counters = _Counters(site)
    for leg, provisos in _proved(moves, site, judge, counters):
        for one in provisos:
            if what := one.breach(leg.order):
                yield broken(one.rule, one.subject, what, _PLAN_AGAIN)
        yield from _levels(leg, site)
    yield from (told for leg, told, rooms in counters.wishes if named and not any(r.breach(leg.order) for r in rooms))


def proved(moves: Sequence[Move], site: Site, judge: Judge) -> Iterator[tuple[LegOrder, list[Proviso]]]:
    """The ways of a plan with all that must hold at every moment of them."""
    yield from _proved(moves, site, judge, _Counters(site))


def _proved(moves: Sequence[Move], site: Site, judge: Judge, counters: _Counters
            ) -> Iterator[tuple[LegOrder, list[Proviso]]]:
    for leg in legs_of(moves, site):
        yield leg, [*_rooms(leg, site), *counters.rooms(leg), *_crowds(leg, site), *_shares(leg, site),
                    *_groups(leg, site), *_again(leg), *_ids(leg, site), *_fits(leg, site, judge)]


def _rooms(leg: LegOrder, site: Site) -> Iterator[Room]:
    """What is held of a server as a sum, where somebody comes to it."""
    for server in sorted({m.target for m in leg.moves}):
        there = leg.stays.get(server, ())
        for limit in limits(site, server):
            held = {s: limit.of(s.lpar) for s in there}
            takes = {s.arrives: n for s, n in held.items() if s.arrives is not None and n}
            if takes:
                gives = {s.leaves: n for s, n in held.items() if s.leaves is not None and n}
                left = limit.most - sum(n for s, n in held.items() if s.arrives is None)
                yield Room(limit.rule, server, server, left, takes, gives, limit.shown)


class _Counters:
    """What is counted by what each move carries. What a move takes and gives is seen by counting the moves one after
    the other, in any order that may be."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.wishes: list[tuple[LegOrder, Finding, list[Room]]] = []
        """What is wrong with an adapter that names no port, unless one of these has too little."""
        self._counts: tuple[tuple[str, PortCount | SlotCount | VnicCount], ...] = (
            ("plan.ports", PortCount(site.estate, site.start, named=False)),
            ("plan.slots", SlotCount(site.estate, site.start)),
            ("plan.vnics", VnicCount(site.estate, site.start, named=False)))

    def rooms(self, leg: LegOrder) -> Iterator[Room]:
        """What of ports, slots and SR-IOV ports this way takes and gives."""
        for rule, count in self._counts:
            left = begin = count.left()
            takes, gives = (defaultdict[tuple[str, ...], dict[int, int]](dict) for _ in range(2))
            for i, m in enumerate(leg.moves):
                deque(count.take(m), maxlen=0)
                left = _noted(takes, i, left, count.left())
                count.give(m)
                left = _noted(gives, i, left, count.left())
            for key, taken in takes.items():
                yield from self._room(rule, key, begin[key], taken, gives[key])
            if not isinstance(count, SlotCount):
                self._wish(leg, rule, count, begin, takes, gives)

    def _wish(self, leg: LegOrder, rule: str, count: PortCount | VnicCount, begin: Mapping[tuple[str, ...], int],
              takes: Amounts, gives: Amounts) -> None:
        """Adapters that might name a port: with what that would take besides, there would have to be enough."""
        for i, m in enumerate(leg.moves):
            for what, more in count.nameless(m):
                rooms = [Room(rule, m.lpar, m.target, begin[key], {**takes[key], i: takes[key].get(i, 0) + n},
                              gives[key], str) for key, n in more.items()]
                self.wishes.append((leg, broken(rule, m.lpar, f"{what}, whatever the minutes"), rooms))

    def _room(self, rule: str, key: tuple[str, ...], left: int, takes: dict[int, int], gives: dict[int, int]
              ) -> Iterator[Room]:
        if key[0] != "unstated":
            subject, server, what = _words(rule, key, self.site)
            yield Room(rule, subject, server, left, takes, gives, what)


def _noted(into: Mapping[tuple[str, ...], dict[int, int]], move: int, left: dict[tuple[str, ...], int],
           now: dict[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    """``now``, once what a move has changed is noted."""
    for key, amount in sorted(now.items() - left.items()):
        into[key][move] = abs(amount - left[key])
    return now


def _words(rule: str, key: tuple[str, ...], site: Site) -> tuple[str, str, Callable[[int], str]]:
    """The subject, the server, and an amount in words."""
    if rule == "plan.slots":
        return key[0], site.vioses[key[0]].server, lambda n: f"{n} virtual slots of {key[0]}"
    what, there, port = key
    if rule == "plan.vnics":
        return there, there, lambda n: f"{n} {what} of {port}"
    return there, site.vioses[there].server, lambda n: f"{n} virtual ports of {there}, {what} {port},"


def _crowds(leg: LegOrder, site: Site) -> Iterator[Crowd]:
    """How many moves servers and movers take part in at a time."""
    own = crowd_limits(site.estate, 4 if site.assume_nothing else BASE_LIMIT * 100)
    parts = grouped((key, i) for i, m in enumerate(leg.moves) for key in sorted(takes_part(m)))
    for (kind, name), members in sorted(parts.items()):
        limit = (mover_limit(site, site.vioses[name]) if name in site.vioses else None) if kind == "mover" else (
            server_limit if kind == "server" else inactive_limit)(site, name)
        if limit is not None:
            most = min(limit[0], own.get((kind, name), limit[0]))
            yield Crowd(_LIMITS[kind], name, members, most, f"; {name} supports {most}")


def _shares(leg: LegOrder, site: Site) -> Iterator[Crowd]:
    """How many moves each one bears on its movers. Its rate is the lesser of what each side gives it, and less the more
    there are: so the sides are judged one by one."""
    over = _over_movers(leg)
    for i, m in enumerate(leg.moves):
        if not {m.source_msp, m.target_msp} <= site.vioses.keys():
            continue
        for mover, sides in ((m.source_msp, (1, 0)), (m.target_msp, (0, 1))):
            members = over[mover]
            most = next((n - 1 for n in range(2, len(members) + 1) if not _bears(site, m, n, sides)), len(members))
            if most < len(members):
                yield Crowd("timing.share", m.lpar, members, most, f" over {mover}: too little of it for what "
                            f"{m.lpar} dirties", beside=i)


def _over_movers(leg: LegOrder) -> dict[str, list[int]]:
    return grouped((v, i) for i, m in enumerate(leg.moves) for v in sorted({m.source_msp, m.target_msp} - {""}))


def _bears(site: Site, move: Move, count: int, sides: tuple[int, int]) -> bool:
    rate = site.pair_rate(move.source_msp, move.target_msp, *(count if side else 1 for side in sides))
    return rate >= site.pair_rate(move.source_msp, move.target_msp) or converges(
        site.lpars[move.lpar], rate, site.parameters)


def _groups(leg: LegOrder, site: Site) -> Iterator[Apart]:
    """Who is kept apart, who may not fly beside whom."""
    on = grouped((s.lpar, s) for there in leg.stays.values() for s in there)
    for rule, group in site.policies.kept_apart():
        met = grouped((s.server, s) for n in group.members for s in on.get(n, ()))
        for server, there in sorted(met.items()):
            for a, b in pairs(there):
                if not site.may_share(a.lpar, b.lpar, server):
                    yield Apart(rule, a.lpar, one_after_the_other(a, b), _touched(a, b),
                                f"and {b.lpar} of {group.name} may be on {server} at once", room=True)
    flying = grouped((m.lpar, i) for i, m in enumerate(leg.moves))
    for group in site.policies.clusters:
        met_in_flight = [(a, b) for n, other in combinations(group.members, 2)
                         for a in flying.get(n, ()) for b in flying.get(other, ())]
        for i, k in met_in_flight:
            yield Apart("timing.cluster-nodes", leg.moves[i].lpar, [(i, k), (k, i)], [i, k],
                        f"and {leg.moves[k].lpar} of cluster {group.name} may be in flight at once")
    yield from _heartbeats(leg, site)
    yield from _production(leg, site)


def _again(leg: LegOrder) -> Iterator[Apart]:
    """An LPAR that moves again has arrived."""
    for name, own in grouped((m.lpar, i) for i, m in enumerate(leg.moves)).items():
        for a, b in pairwise(own):
            yield Apart("plan.continuity", name, [(a, b)], [a, b], f"may move again before it is on "
                        f"{leg.moves[a].target}", room=True)


def _production(leg: LegOrder, site: Site) -> Iterator[Apart]:
    """Production and the others never fly together where a policy says which of them goes first."""
    for a, b in combinations(range(len(leg.moves)), 2) if site.policies.production_order else ():
        one, other = leg.moves[a].lpar, leg.moves[b].lpar
        if {one, other} <= site.lpars.keys() and (site.goes_before(one, other) or site.goes_before(other, one)):
            yield Apart("timing.production-order", one, [(a, b), (b, a)], [a, b],
                        f"may be in flight with {other}, though production goes {site.policies.production_order}")


def _heartbeats(leg: LegOrder, site: Site) -> Iterator[Apart]:
    over = _over_movers(leg)
    for a, m in enumerate(leg.moves):
        if m.lpar in site.lpars and site.is_heartbeat(m.lpar):
            for b in sorted({b for v in {m.source_msp, m.target_msp} - {""} for b in over[v]} - {a}):
                yield Apart("timing.heartbeat", m.lpar, [(a, b), (b, a)], [a, b],
                            f"has a heartbeat and may share its movers with {leg.moves[b].lpar}")


def _ids(leg: LegOrder, site: Site) -> Iterator[Apart]:
    """Nobody comes to a server with an id that somebody may have there."""
    stays = [s for there in leg.stays.values() for s in there]
    here = {s.lpar for s in stays}
    others = [*((p.name, p.server, p.lpar_id) for p in site.estate.lpars),
              *((v.name, v.server, v.lpar_id) for v in site.estate.vioses)]
    stays += [Stay(name, server, number=number) for name, server, number in others if name not in here]
    for (server, number), there in grouped(((s.server, s.number), s) for s in stays if s.number is not None).items():
        for one, other in pairs(there):
            comes, stands = (other, one) if one.arrives is None else (one, other)
            yield Apart("plan.id", comes.lpar, one_after_the_other(one, other), _touched(one, other),
                        f"gets id {number} on {server}, which {stands.lpar} may have then", room=True)


def _touched(*stays: Stay) -> list[int]:
    return [i for s in stays for i in (s.arrives, s.leaves) if i is not None]


def _fits(leg: LegOrder, site: Site, judge: Judge) -> Iterator[Assembly]:
    """What rules refuse of a server that is no sum."""
    asked = {r.id for r in site.asked(Scope.SERVER) if r.hold is Hold.ALWAYS}
    for server in sorted({m.target for m in leg.moves}) if asked else ():
        for rule in sorted(asked):
            yield Assembly(rule, server, leg.stays[server], partial(_refused, judge, server, rule),
                      partial(_enough, judge, server))


def _refused(judge: Judge, server: str, rule: str, there: Collection[str]) -> str:
    return next((f.message for f in errors(judge.server(server, sorted(there))) if f.rule == rule), "")


def _enough(judge: Judge, server: str, there: Collection[str]) -> bool:
    return not errors(judge.server(server, sorted(there)))


def _levels(leg: LegOrder, site: Site) -> Iterator[Finding]:
    """What so many moves at a time as there may be want of the levels of console and movers: asked of the most that may
    fly together."""
    parts: dict[tuple[str, str], list[int]] = grouped(
        (key, i) for i, m in enumerate(leg.moves) for key in sorted(takes_part(m)) if key[0] != "inactive")
    together = dict.fromkeys(tuple(leg.order.crowd(members, BASE_LIMIT)) for members in parts.values())
    for crowd in together:
        yield from timing.many_at_a_time.findings("", site, [
            replace(leg.moves[i], start_ms=0, duration_ms=1) for i in crowd], None)
