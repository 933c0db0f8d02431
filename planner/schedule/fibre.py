"""Which virtual adapter goes to which VIOS and physical port, so that none has too many at any moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from planner.plan.plan import Move
from planner.reach import SLOTS, Disks, Fibres, Spot
from planner.rules import Site

_STATES = 2_000
"""States that are followed at one arrival."""

Way = tuple[Disks, Disks]
"""(client slot, VIOS) of each adapter: those of virtual SCSI, those of Fibre Channel."""


def with_ports(site: Site, moves: Sequence[Move]) -> list[Move] | None:
    """The moves with the VIOS of each virtual adapter, and the port of one of Fibre Channel; None when no choice was
    found that keeps every VIOS within its virtual ports and slots at every moment."""
    out = list(moves)
    for server in dict.fromkeys(m.target for m in moves):
        there = _There(site, server, moves)
        if not any(there.counts(m.lpar) for m in moves if m.target == server):
            continue
        ways = there.chosen(1) or there.chosen(_STATES)
        if ways is None:
            return None
        for i, (disks, _) in ways.items():
            out[i] = replace(out[i], disks=disks)
        for i, fibres in there.named(ways):
            out[i] = replace(out[i], fibres=fibres)
    return out


def room_on(site: Site, server: str) -> Mapping[Spot, int]:
    """The virtual ports on a server, and its virtual slots where they may be too few: those that have to be counted."""
    here, slots = [v.name for v in site.vioses_on(server)], site.reach.short_of_slots(server)
    return {spot: n for spot, n in site.reach.port_room.items() if spot[0] in here and (slots or spot[1] != SLOTS)}


class _There:
    """What comes to a server and leaves it in the course of a plan."""

    def __init__(self, site: Site, server: str, moves: Sequence[Move]) -> None:
        self.site, self.server, self.moves = site, server, moves
        self.events = sorted([*((m.end_ms, 0, i) for i, m in enumerate(moves) if m.source == server),
                              *((m.start_ms, 1, i) for i, m in enumerate(moves) if m.target == server)])
        """(time, 0 for a departure or 1 for an arrival, number of the move)."""
        self.leaving = {m.lpar for m in moves if m.source == server}
        self.slots = site.reach.short_of_slots(server)
        self.room = room_on(site, server)

    def counts(self, lpar: str) -> bool:
        """Whether anything that an LPAR takes there has to be counted."""
        return bool(self.site.reach.fibres_of(lpar)) or self.slots

    def use(self, lpar: str, way: Way | None) -> Mapping[Spot, int]:
        """What a way of its adapters takes; None: what it had at the start."""
        reach = self.site.reach
        return reach.port_uses(lpar, self.server)[0] if way is None else reach.taken(lpar, *way)

    def ways(self, lpar: str) -> Sequence[Way]:
        """The ways of its adapters; where it was at the start, what it had."""
        reach = self.site.reach
        if self.site.start.get(lpar) != self.server:
            return [(disks, fibres) for disks in reach.disk_ways(lpar, self.server)
                    for fibres in reach.fibre_ways(lpar, self.server)]
        disks = reach.disk_paths(lpar, self.server).mapping
        return ((disks, tuple((slot, vios) for slot, vios, _ in reach.own_fibres(lpar))),)

    def chosen(self, most: int) -> dict[int, Way] | None:
        """The way of each move that arrives, by its number. Arrival by arrival the states are followed that may be
        (what is left, and the ways of those who will leave again), ``most`` at a time."""
        spots = sorted(self.room)
        left = Counter(self.room)
        for n in self.site.residents(self.server):
            left.subtract(self.use(n, None))
        least = [min(0, left[s]) for s in spots]
        states: dict[tuple[tuple[int, ...], frozenset[tuple[str, Way]]], dict[int, Way]] = {
            (tuple(left[s] for s in spots), frozenset()): {}}
        for _, arrives, i in self.events:
            lpar = self.moves[i].lpar
            if not self.counts(lpar):
                continue
            after: dict[tuple[tuple[int, ...], frozenset[tuple[str, Way]]], dict[int, Way]] = {}
            for (free, held), ways in states.items():
                if not arrives:
                    use = self.use(lpar, dict(held).get(lpar))
                    rest = frozenset(one for one in held if one[0] != lpar)
                    after.setdefault((tuple(n + use.get(s, 0) for n, s in zip(free, spots, strict=True)), rest), ways)
                for way in self.ways(lpar) if arrives and len(after) < most else ():
                    use = self.use(lpar, way)
                    now = tuple(n - use.get(s, 0) for n, s in zip(free, spots, strict=True))
                    if all(n >= low for n, low, s in zip(now, least, spots, strict=True) if use.get(s)):
                        stays = held | {(lpar, way)} if lpar in self.leaving else held
                        after.setdefault((now, stays), ways | {i: way})
            states = after
        return next(iter(states.values()), None)

    def named(self, ways: Mapping[int, Way]) -> Iterator[tuple[int, Fibres]]:
        """The physical port of each adapter: the one of its VIOS and fabric that has most left, its own when it comes
        home. ``""`` where only ports have become free of which nobody knows which they are."""
        left = self.site.reach.ports_left(self.server)
        held = {n: self.site.reach.own_fibres(n) for n in self.site.residents(self.server)}
        for _, arrives, i in self.events:
            lpar = self.moves[i].lpar
            fabrics = {f.slot: f.fabric for f in self.site.reach.fibres_of(lpar)}
            if not fabrics:
                continue
            if not arrives:
                for _, vios, port in held.pop(lpar, ()):
                    if port:
                        left[vios][port] += 1
                continue
            home = {slot: port for slot, _, port in self.site.reach.own_fibres(lpar)} if (
                self.site.start.get(lpar) == self.server) else {}
            taken = []
            for slot, vios in ways[i][1]:
                ports = [p.port for p in self.site.reach.ports_at.get((vios, fabrics[slot]), ())
                         if left[vios][p.port] > 0]
                port = min(ports, key=lambda p: (p != home.get(slot), -left[vios][p], p), default="")
                if port:
                    left[vios][port] -= 1
                taken.append((slot, vios, port))
            held[lpar] = tuple(taken)
            yield i, held[lpar]
