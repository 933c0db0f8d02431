"""Packing an order into waves: moves that start together, within limits and fair shares of the links."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from planner.cost import Copy, converges, copy_at
from planner.plan import Move, Window
from planner.rules import Site
from planner.rules.timing import in_blackout, server_limit, vios_limit
from planner.schedule.occupancy import Occupancy
from planner.schedule.order import Step

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Flight:
    """A step with the movers that carry it."""

    step: Step
    pair: Pair


class _Wave:
    """One wave under construction."""

    def __init__(self, packer: Packer, start_ms: int) -> None:
        self.packer, self.start_ms = packer, start_ms
        self.flights: list[Flight] = []
        self.costs: list[Copy] = []

    @property
    def duration_ms(self) -> int:
        return max((c.duration_ms for c in self.costs), default=0)

    def _users(self, flights: Sequence[Flight], mover: str) -> int:
        return sum(mover in f.pair for f in flights)

    def _priced(self, flights: list[Flight]) -> list[Copy] | None:
        """The cost of each flight when all fly together, or None when a limit or a fair share is broken."""
        site = self.packer.site
        out: list[Copy] = []
        for f in flights:
            a, b = f.pair
            users = self._users(flights, a), self._users(flights, b)
            if users[0] > vios_limit(site, site.vioses[a]) or users[1] > vios_limit(site, site.vioses[b]):
                return None
            lpar = site.lpars[f.step.lpar]
            rate = site.pair_rate(a, b, *users)
            if rate < site.pair_rate(a, b) and not converges(lpar, rate, site.parameters):
                return None
            if max(users) > 1 and site.is_heartbeat(f.step.lpar):
                return None
            out.append(copy_at(lpar, rate, site.parameters))
        return out

    def _allowed(self, step: Step) -> bool:
        site = self.packer.site
        for server in (step.source, step.target):
            busy = sum(server in (f.step.source, f.step.target) for f in self.flights)
            if busy >= server_limit(site, server):
                return False
        flying = {f.step.lpar for f in self.flights}
        return not any(step.lpar in g.members and flying & set(g.members) for g in site.policies.clusters)

    def offer(self, step: Step) -> tuple[list[Flight], list[Copy]] | None:
        """The wave with this step on its best mover pair, when that is allowed and saves time."""
        site = self.packer.site
        if not self._allowed(step):
            return None
        best: tuple[int, int, list[Flight], list[Copy]] | None = None
        pairs = [(a.name, b.name) for a in site.movers(step.source) for b in site.movers(step.target)]
        for number, pair in enumerate(sorted(pairs, key=lambda p: (-site.pair_rate(*p), p))):
            flights = [*self.flights, Flight(step, pair)]
            costs = self._priced(flights)
            if costs is None or self.packer.blackout(flights, costs, self.start_ms):
                continue
            total = max(c.duration_ms for c in costs)
            if best is None or (total, number) < best[:2]:
                best = (total, number, flights, costs)
        if best is None:
            return None
        alone = site.solo(step.lpar, step.source, step.target).duration_ms + self.packer.gap_ms
        if self.flights and best[0] >= self.duration_ms + alone:
            return None
        return best[2], best[3]

    def take(self, offer: tuple[list[Flight], list[Copy]]) -> None:
        self.flights, self.costs = offer


class Packer:
    """Packs the steps of one leg."""

    def __init__(self, site: Site, window: Window | None) -> None:
        self.site, self.window = site, window
        self.gap_ms = round(site.parameters.wave_gap_s * 1000)

    def clock(self, ms: int) -> dt.datetime | None:
        """Clock time of a moment, when there is a window."""
        return self.window.start + dt.timedelta(milliseconds=ms) if self.window else None

    def blackout(self, flights: Sequence[Flight], costs: Sequence[Copy], start_ms: int) -> bool:
        """Whether a flight would touch a blackout of its LPAR."""
        return any(self._blackout_end(f.step.lpar, start_ms, c.duration_ms) is not None
                   for f, c in zip(flights, costs, strict=True))

    def _blackout_end(self, lpar: str, start_ms: int, duration_ms: int) -> int | None:
        start = self.clock(start_ms)
        if start is None or self.window is None:
            return None
        hit = in_blackout(self.site, lpar, start, start + dt.timedelta(milliseconds=duration_ms))
        return None if hit is None else int((hit[0] - self.window.start).total_seconds() * 1000)

    def pack(self, steps: Sequence[Step], start: Mapping[str, str], leg: str, start_ms: int, wave_number: int,
             free_order: bool) -> list[Move] | None:
        """Waves from ``start_ms`` on; None when a blackout never lets a move go.

        ``free_order``: nothing but capacity links the steps, so any may be drawn forward. Otherwise a step is drawn
        forward only when the rest still goes in order.
        """
        occupancy = Occupancy(self.site, start)
        left = list(steps)
        moves: list[Move] = []
        now, waits = start_ms, 0
        while left:
            wave = self._fill(occupancy, left, now, free_order)
            if not wave.flights:
                later = self._later(left, now)
                waits += 1
                if later is None or waits > 1000:
                    return None
                now = later
                continue
            for flight, cost in zip(wave.flights, wave.costs, strict=True):
                moves.append(_move(self.site, flight, cost, leg, wave_number, now))
                occupancy.move(flight.step.lpar, flight.step.source, flight.step.target)
                left.remove(flight.step)
            now += wave.duration_ms + self.gap_ms
            wave_number += 1
        return moves

    def _later(self, left: Sequence[Step], now: int) -> int | None:
        """The earliest end of a blackout that holds a step back now."""
        ends = [end for s in left
                if (end := self._blackout_end(s.lpar, now, self.site.solo(s.lpar, s.source, s.target).duration_ms))
                is not None]
        return min((e for e in ends if e > now), default=None)

    def _fill(self, occupancy: Occupancy, left: list[Step], now: int, free_order: bool) -> _Wave:
        wave = _Wave(self, now)
        held = occupancy.copy()
        waiting: set[str] = set()
        for step in left:
            blocked = step.lpar in waiting or not held.fits(step.lpar, step.target)
            offer = None if blocked else wave.offer(step)
            if offer is not None and (free_order or self._rest_goes(occupancy, left, wave, step)):
                wave.take(offer)
                held.add(step.lpar, step.target)
            waiting.add(step.lpar)
        return wave

    def _rest_goes(self, occupancy: Occupancy, left: Sequence[Step], wave: _Wave, step: Step) -> bool:
        """Whether the steps that are not in the wave still go one by one in their order after it."""
        gone = [f.step for f in wave.flights] + [step]
        trial = occupancy.copy()
        for s in gone:
            trial.move(s.lpar, s.source, s.target)
        for s in left:
            if s not in gone:
                if not trial.fits(s.lpar, s.target):
                    return False
                trial.move(s.lpar, s.source, s.target)
        return True


def _move(site: Site, flight: Flight, cost: Copy, leg: str, wave: int, start_ms: int) -> Move:
    step = flight.step
    return Move(step.lpar, step.source, step.target, leg, wave, start_ms, cost.duration_ms, cost.suspend_ms,
                cost.bytes_sent, flight.pair[0], flight.pair[1], site.pool_on(step.lpar, step.target),
                disks=site.reach.disk_paths(step.lpar, step.target).mapping,
                fibres=site.reach.fibre_paths(step.lpar, step.target).mapping, parking=step.parking)


def with_ids(site: Site, moves: Sequence[Move]) -> list[Move]:
    """The moves with a partition id on each target: its own where that is free, else one free on all servers.

    Ids best are unique over all servers (the seed's known problem with lsmap), so a new one is.
    """
    ids: dict[str, dict[str, int]] = {s: {n: i for n, i in site.others_on(s) if i is not None} for s in site.servers}
    everywhere = {i for there in ids.values() for i in there.values()}
    current = {p.name: p.lpar_id for p in site.estate.lpars}
    own = dict(current)
    out = []
    for move in moves:
        number = own[move.lpar]
        if number is not None:
            taken = {i for n, i in ids[move.target].items() if n != move.lpar}
            if number in taken:
                number = current[move.lpar] if current[move.lpar] not in taken else None
            if number is None:
                number = next(i for i in range(1, 65536) if i not in everywhere)
            everywhere.add(number)
            ids[move.source].pop(move.lpar, None)
            ids[move.target][move.lpar] = number
            current[move.lpar] = number
        out.append(replace(move, target_id=number))
    return out


