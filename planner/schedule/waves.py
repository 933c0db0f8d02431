"""Packing an order into waves: moves that start together, within limits and fair shares of the links."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from operator import attrgetter

from planner.cost import Copy, converges
from planner.plan.plan import HIGHEST_ID, Move, Window
from planner.rules import Site
from planner.rules.base import On
from planner.rules.concurrency import inactive_limit, mover_limit, server_limit
from planner.rules.ledger import Ledger
from planner.rules.timing import in_blackout
from planner.schedule.order import Step

Pair = tuple[str, str]
_NO_MOVERS: Pair = "", ""
"""Of an inactive migration."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A step with the movers that carry it."""

    step: Step
    pair: Pair


#: A flight that may join a wave, and the costs of all whose time it changes, by their number in the wave.
Offer = tuple[Flight, Mapping[int, Copy]]


class _Wave:
    """One wave under construction."""

    def __init__(self, packer: Packer, start_ms: int) -> None:
        self.packer, self.start_ms = packer, start_ms
        self.flights: list[Flight] = []
        self.costs: list[Copy] = []
        self.longest = 0
        """The number of a flight that takes as long as any."""
        self.over: dict[str, list[int]] = {}
        """Mover → numbers of the flights that use it."""
        self.busy: dict[tuple[str, On], int] = {}
        """(server, kind) → flights of that kind that it takes part in."""
        self.flying: set[str] = set()

    @property
    def duration_ms(self) -> int:
        return self.costs[self.longest].duration_ms if self.costs else 0

    def _longest_beside(self, changed: Collection[int]) -> int:
        """The longest flight in ms of those that are not among these."""
        if self.costs and self.longest not in changed:
            return self.duration_ms
        return max((c.duration_ms for n, c in enumerate(self.costs) if n not in changed), default=0)

    def _users(self, mover: str, added: Pair) -> int:
        return len(self.over.get(mover, ())) + (mover in added)

    def _priced(self, added: Flight) -> dict[int, Copy] | None:
        """The cost of the added flight (the last number) and of those that share its movers, when all fly together;
        None when a limit or a fair share is broken. The others do not feel it."""
        site = self.packer.site
        number = len(self.flights)
        if added.pair == _NO_MOVERS:
            return {number: site.copy(added.step.lpar, 1.0)}
        out: dict[int, Copy] = {}
        for n in dict.fromkeys((*(n for mover in added.pair for n in self.over.get(mover, ())), number)):
            f = added if n == number else self.flights[n]
            a, b = f.pair
            users = self._users(a, added.pair), self._users(b, added.pair)
            if users[0] > mover_limit(site, site.vioses[a])[0] or users[1] > mover_limit(site, site.vioses[b])[0]:
                return None
            rate = site.pair_rate(a, b, *users)
            if rate < site.pair_rate(a, b) and not converges(site.lpars[f.step.lpar], rate, site.parameters):
                return None
            if max(users) > 1 and site.is_heartbeat(f.step.lpar):
                return None
            out[n] = site.copy(f.step.lpar, rate)
        return out

    def _allowed(self, step: Step) -> bool:
        site = self.packer.site
        on = site.migration(step.lpar)
        limit = server_limit if on is On.LIVE else inactive_limit
        for server in (step.source, step.target):
            if self.busy.get((server, on), 0) >= limit(site, server)[0]:
                return False
        number = site.lpars[step.lpar].lpar_id
        if number is not None and self.packer.leaving.get((step.target, number), step.lpar) != step.lpar:
            return False
        return not any(not self.flying.isdisjoint(g.members) for g in site.groups_with("clusters", (step.lpar,))
                       if step.lpar in g.members)

    def offer(self, step: Step) -> Offer | None:
        """The flight of this step on its best mover pair, when that is allowed and saves time."""
        site = self.packer.site
        if not self._allowed(step):
            return None
        best: Offer | None = None
        least = 0
        live = site.migration(step.lpar) is On.LIVE
        for pair in site.pairs(step.source, step.target) if live else (_NO_MOVERS,):
            flight = Flight(step, pair)
            costs = self._priced(flight)
            if costs is None or self._blacked_out(flight, costs):
                continue
            total = max(self._longest_beside(costs), *(c.duration_ms for c in costs.values()))
            if best is None or total < least:
                best, least = (flight, costs), total
        if best is None:
            return None
        alone = site.solo(step.lpar, step.source, step.target).duration_ms + self.packer.gap_ms
        if self.flights and least >= self.duration_ms + alone:
            return None
        return best

    def _blacked_out(self, added: Flight, costs: Mapping[int, Copy]) -> bool:
        """Whether a flight whose time changes would touch a blackout of its LPAR."""
        return any(self.packer.blackout_end((added if n == len(self.flights) else self.flights[n]).step.lpar,
                                            self.start_ms, c.duration_ms) is not None for n, c in costs.items())

    def take(self, offer: Offer) -> None:
        """The offered flight flies with this wave."""
        flight, costs = offer
        number = len(self.flights)
        self.flights.append(flight)
        self.costs.append(costs[number])
        for n, cost in costs.items():
            self.costs[n] = cost
        self.longest = max(range(len(self.costs)), key=lambda n: self.costs[n].duration_ms)
        for mover in dict.fromkeys(flight.pair) if flight.pair != _NO_MOVERS else ():
            self.over.setdefault(mover, []).append(number)
        on = self.packer.site.migration(flight.step.lpar)
        for server in dict.fromkeys((flight.step.source, flight.step.target)):
            self.busy[server, on] = self.busy.get((server, on), 0) + 1
        self.flying.add(flight.step.lpar)


class Packer:
    """Packs the steps of one leg; ``alone``: one after the other, in their order."""

    def __init__(self, site: Site, window: Window | None, *, alone: bool = False) -> None:
        self.site, self.window, self.alone = site, window, alone
        self.gap_ms = round(site.parameters.wave_gap_s * 1000)
        self.leaving: Mapping[tuple[str, int], str] = {}
        """(server, partition id) → the LPAR that has it and will leave there: who waits for that keeps its own id."""

    def clock(self, ms: int) -> dt.datetime | None:
        """Clock time of a moment, when there is a window."""
        return self.window.at(ms) if self.window else None

    def blackout_end(self, lpar: str, start_ms: int, duration_ms: int) -> int | None:
        """When a blackout ends that a move of this LPAR would touch; None when it touches none."""
        if lpar not in self.site.policies.blackouts:
            return None
        if self.window is None:
            return None
        hit = in_blackout(self.site, lpar, self.window, start_ms, start_ms + duration_ms)
        return None if hit is None else hit[0]

    def pack(self, steps: Sequence[Step], start: Mapping[str, str], leg: str, start_ms: int, wave_number: int,
             free_order: bool) -> list[Move] | None:
        """Waves from ``start_ms`` on; None when a blackout never lets a move go.

        ``free_order``: nothing but capacity links the steps, so any may be drawn forward. Otherwise a step is drawn
        forward only when the rest still goes in order.
        """
        ledger = Ledger(self.site, start)
        left = list(steps)
        moves: list[Move] = []
        now, waits = start_ms, 0
        while left:
            self.leaving = self._with_ids(left)
            wave = self._fill(ledger, left, now, free_order)
            if not wave.flights and self.leaving:
                self.leaving = {}
                wave = self._fill(ledger, left, now, free_order)
            if not wave.flights:
                later = self._later(left, now)
                waits += 1
                if later is None or waits > 1000:
                    return None
                now = later
                continue
            for flight, cost in zip(wave.flights, wave.costs, strict=True):
                moves.append(_move(self.site, flight, cost, leg, wave_number, now))
                ledger.move(flight.step.lpar, flight.step.source, flight.step.target)
            gone = {f.step for f in wave.flights}
            left = [s for s in left if s not in gone]
            now += wave.duration_ms + self.gap_ms
            wave_number += 1
        return moves

    def _later(self, left: Sequence[Step], now: int) -> int | None:
        """The earliest end of a blackout that holds a step back now."""
        ends = [end for s in left
                if (end := self.blackout_end(s.lpar, now, self.site.solo(s.lpar, s.source, s.target).duration_ms))
                is not None]
        return min((e for e in ends if e > now), default=None)

    def _with_ids(self, left: Sequence[Step]) -> dict[tuple[str, int], str]:
        return {(s.source, number): s.lpar for s in left if (number := self.site.lpars[s.lpar].lpar_id) is not None}

    def _fill(self, ledger: Ledger, left: list[Step], now: int, free_order: bool) -> _Wave:
        wave = _Wave(self, now)
        ahead, after = ledger.copy(), ledger.copy()
        waiting: set[str] = set()
        skipped: dict[str, list[Step]] = {}
        for step in left[:1] if self.alone else left:
            blocked = step.lpar in waiting or not ahead.fits(step.lpar, step.target) or self._too_early(step, left)
            offer = None if blocked else wave.offer(step)
            if offer is not None and (free_order or self._rest_goes(after, skipped, step)):
                wave.take(offer)
                ahead.arrive(step.lpar, step.target)
                after.move(step.lpar, step.source, step.target)
            else:
                for server in (step.source, step.target):
                    skipped.setdefault(server, []).append(step)
            waiting.add(step.lpar)
        return wave

    def _too_early(self, step: Step, left: Sequence[Step]) -> bool:
        """Whether the policy on production has one of those that stand before it go first."""
        return bool(self.site.policies.production_order) and any(
            self.site.goes_before(s.lpar, step.lpar) for s in takewhile(lambda s: s is not step, left))

    @staticmethod
    def _rest_goes(after: Ledger, skipped: Mapping[str, Sequence[Step]], step: Step) -> bool:
        """Whether the steps that are not in the wave, ``after`` which so much is left, still go one by one in their
        order with this one in it as well.

        They did before this one was drawn forward, and it changes nothing for those after its place in the order,
        nor for any server but the one that it arrives at. So only the ``skipped`` ones before it that come to that
        server or leave it (server → steps) are looked at.
        """
        server = step.target
        before = skipped.get(server, ())
        if all(s.target != server for s in before):
            return True
        trial = after.copy()
        trial.move(step.lpar, step.source, step.target)
        for s in before:
            if s.target == server and not trial.fits(s.lpar, server):
                return False
            trial.move(s.lpar, s.source, s.target)
        return True


def _move(site: Site, flight: Flight, cost: Copy, leg: str, wave: int, start_ms: int) -> Move:
    step = flight.step
    return Move(step.lpar, step.source, step.target, leg=leg, wave=wave, start_ms=start_ms,
                duration_ms=cost.duration_ms, suspend_ms=cost.suspend_ms, bytes_sent=cost.bytes_sent,
                source_msp=flight.pair[0], target_msp=flight.pair[1], pool_id=site.pool_on(step.lpar, step.target),
                disks=site.reach.disk_paths(step.lpar, step.target).mapping, parking=step.parking,
                inactive=flight.pair == _NO_MOVERS)


def with_ids(site: Site, moves: Sequence[Move]) -> list[Move]:
    """The moves with a partition id on each target: its own where that is free, else one free on all servers.

    An id is held on both sides from the start of a wave to its end. Ids best are unique over all servers (the seed's
    known problem with lsmap), so a new one is.
    """
    ids = {s: {n: i for n, i in site.others_on(s) if i is not None} for s in site.servers}
    everywhere = {i for there in ids.values() for i in there.values()}
    own = {n: p.lpar_id for n, p in site.lpars.items()}
    current = dict(own)
    out: list[Move] = []
    for _, wave in groupby(moves, key=attrgetter("leg", "wave")):
        flown = []
        for move in wave:
            wanted = [i for i in (own[move.lpar], current[move.lpar]) if i is not None]
            if wanted:
                taken = {i for n, i in ids[move.target].items() if n != move.lpar}
                number = next((i for i in wanted if i not in taken), None) or next(
                    i for i in range(1, HIGHEST_ID + 1) if i not in everywhere)
                everywhere.add(number)
                ids[move.target][move.lpar] = current[move.lpar] = number
            flown.append(replace(move, target_id=current[move.lpar]))
        for move in flown:
            ids[move.source].pop(move.lpar, None)
        out += flown
    return out
