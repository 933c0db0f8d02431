"""Which SR-IOV port of its target stands behind each vNIC of a mover, so that no port gives more than it has left.

What rules count comes first: one logical port a vNIC, of the capacity of its smallest backing device. The other devices
of a vNIC follow where a port has room for them until the LPAR leaves again, on another port than the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from planner.estate.model import Vnic
from planner.plan.plan import Backing, Move
from planner.rules import Site
from planner.rules.network import VNIC_VIOS
from planner.rules.versions import below

_STATES = 200
"""States that are followed at one arrival."""
_PLENTY = 1000
"""Stands for what nobody states of a port."""

Room = tuple[tuple[int, int], ...]
"""(logical ports, % of capacity) that each port has left."""
Places = tuple[int | None, ...]
"""The number of the port of each need; None: no port has room."""


class _Need(NamedTuple):
    """A logical port that an LPAR takes: of a backing device, or (slot 0) of what nobody lists."""

    slot: int
    device: int
    percent: int


class _Stay(NamedTuple):
    """An arrival and the end of it, as places in the order of events; the end of those who stay lies behind all."""

    move: int
    begins: int
    ends: int
    wanted: Sequence[_Need]


def with_vnics(site: Site, moves: Sequence[Move]) -> list[Move]:
    """The moves with the VIOS and physical port behind each vNIC, where the target's ports are listed."""
    out = list(moves)
    for server in dict.fromkeys(m.target for m in moves):
        for i, backings in _Stays(site, server, moves).named() if server in site.sriov else ():
            out[i] = replace(out[i], vnics=backings)
    stand = {(v.lpar, v.slot, v.device): v.port for v in site.estate.vnics}
    for i in sorted(range(len(out)), key=lambda i: out[i].start_ms):
        lpar, backings = out[i].lpar, out[i].vnics
        out[i] = replace(out[i], vnics=tuple(
            replace(b, source_port=stand.get((lpar, b.slot, b.device), "")) for b in backings))
        stand |= {(lpar, v.slot, v.device): "" for v in site.vnics.get(lpar, ())}
        stand |= {(lpar, b.slot, b.device): b.port for b in backings}
    return out


class _Stays:
    """What comes to a server and leaves it in the course of a plan."""

    def __init__(self, site: Site, server: str, moves: Sequence[Move]) -> None:
        self.site, self.server, self.moves = site, server, moves
        self.ports = sorted(site.sriov[server], key=lambda p: p.port)
        self.index = {p.port: n for n, p in enumerate(self.ports)}
        self.events = sorted([*((m.end_ms, 0, i) for i, m in enumerate(moves) if m.source == server),
                              *((m.start_ms, 1, i) for i, m in enumerate(moves) if m.target == server)])
        """(time, 0 for a departure or 1 for an arrival, number of the move)."""

    def named(self) -> Iterator[tuple[int, tuple[Backing, ...]]]:
        """The backing devices of each move that arrives, by its number."""
        stays = self._stays()
        chosen = self._chosen(stays)
        rooms = self._rooms(stays, chosen)
        for stay, places in zip(stays, chosen, strict=True):
            lpar = self.moves[stay.move].lpar
            placed = [(need, at) for need, at in zip(stay.wanted, places, strict=True) if need.slot and at is not None]
            while_there = slice(stay.begins, stay.ends)
            for need in _needs(self.site, lpar)[1]:
                beside = {at for other, at in placed if other.slot == need.slot}
                spots = [set(self._spots(room, need, lpar)) for room in rooms[while_there]]
                own = self._own(lpar).get((need.slot, need.device))
                at = next((at for at in self._spots(rooms[stay.begins], need, lpar) if (at not in beside or at == own)
                           and all(at in spot for spot in spots)), None) if beside else None
                if at is not None:
                    rooms[while_there] = [_less(room, at, need.percent) for room in rooms[while_there]]
                    placed.append((need, at))
            yield stay.move, self._backings(lpar, sorted(placed))

    def _stays(self) -> list[_Stay]:
        ends = dict[str, int]()
        stays = list[_Stay]()
        for number, (_, arrives, i) in reversed([*enumerate(self.events)]):
            lpar = self.moves[i].lpar
            if arrives:
                stays.append(_Stay(i, number, ends.pop(lpar, len(self.events)), _needs(self.site, lpar)[0]))
            else:
                ends[lpar] = number
        return stays[::-1]

    def _start(self) -> Room:
        return tuple((_PLENTY if p.free_ports is None else p.free_ports,
                      _PLENTY if p.free_percent is None else p.free_percent) for p in self.ports)

    def _own(self, lpar: str) -> dict[tuple[int, int], int]:
        """(slot, device) → the port on which it stood here at the start."""
        return {(v.slot, v.device): self.index[v.port] for v in self.site.vnics.get(lpar, ())
                if self.site.start.get(lpar) == self.server and v.port in self.index}

    def _spots(self, room: Room, need: _Need, lpar: str) -> list[int]:
        """The ports with room for a logical port: its own first, then that with most left."""
        own = self._own(lpar).get((need.slot, need.device))
        return sorted((at for at, (count, percent) in enumerate(room) if count > 0 and percent >= need.percent),
                      key=lambda at: (at != own, -room[at][1], -room[at][0], at))

    def _chosen(self, stays: Sequence[_Stay]) -> list[Places]:
        """The ports of what each arrival must find, with the fewest that find none."""
        states: list[tuple[int, Room, tuple[Places, ...]]] = [(0, self._start(), ())]
        arrivals = {stay.begins: stay for stay in stays}
        for number in range(len(self.events)):
            if number not in arrivals:
                states = [(n, self._left(room, stays, number, places), places) for n, room, places in states]
                continue
            after: dict[tuple[object, ...], tuple[int, Room, tuple[Places, ...]]] = {}
            leaving = [n for n, s in enumerate(stays) if s.begins <= number < s.ends < len(self.events)]
            for lacking, room, places in states:
                for now, there in self._ways(room, arrivals[number]).items():
                    new = lacking + there.count(None), now, (*places, there)
                    after.setdefault((now, *(new[2][n] for n in leaving)), new)
            states = sorted(after.values(), key=lambda state: state[0])[:_STATES]
        return list(states[0][2])

    def _ways(self, room: Room, stay: _Stay) -> dict[Room, Places]:
        """What may be left once an LPAR has come, and how."""
        lpar, ways = self.moves[stay.move].lpar, {room: tuple[int | None, ...]()}
        for need in stay.wanted:
            after: dict[Room, Places] = {}
            for left, places in ways.items():
                spots = self._spots(left, need, lpar)
                for at in spots[:1] if self._own(lpar) else spots:
                    after.setdefault(_less(left, at, need.percent), (*places, at))
                if not spots:
                    after.setdefault(left, (*places, None))
            ways = dict([*after.items()][:_STATES])
        return ways

    def _left(self, room: Room, stays: Sequence[_Stay], number: int, chosen: Sequence[Places]) -> Room:
        """What is left when the LPAR of this departure has gone."""
        stay = next((n for n, s in enumerate(stays) if s.ends == number), None)
        if stay is not None:
            gone = [(at, need.percent) for need, at in zip(stays[stay].wanted, chosen[stay], strict=True)]
        else:
            lpar = self.moves[self.events[number][2]].lpar
            shares: Mapping[tuple[int, int], int] = {(v.slot, v.device): v.percent or 1
                                                     for v in self.site.vnics.get(lpar, ())}
            gone = [(at, shares[key]) for key, at in self._own(lpar).items()]
        for at, percent in gone:
            room = room if at is None else _less(room, at, -percent, -1)
        return room

    def _rooms(self, stays: Sequence[_Stay], chosen: Sequence[Places]) -> list[Room]:
        """What is left after each event."""
        room, rooms, arrivals = self._start(), [], {stay.begins: n for n, stay in enumerate(stays)}
        for number in range(len(self.events)):
            if number in arrivals:
                n = arrivals[number]
                for need, at in zip(stays[n].wanted, chosen[n], strict=True):
                    room = room if at is None else _less(room, at, need.percent)
            else:
                room = self._left(room, stays, number, chosen)
            rooms.append(room)
        return rooms

    def _backings(self, lpar: str, placed: Sequence[tuple[_Need, int]]) -> tuple[Backing, ...]:
        """With a VIOS each: its own where it is at home, else another for each device of a vNIC, in turn."""
        here = [v.name for v in self.site.vioses_on(self.server) if not below(v.level, VNIC_VIOS)]
        rows = {(v.slot, v.device): v for v in self.site.vnics.get(lpar, ())}
        home, used, out = self.site.start.get(lpar) == self.server, dict.fromkeys(here, 0), list[Backing]()
        for need, at in placed if here else ():
            row, beside = rows[need.slot, need.device], {b.vios for b in out if b.slot == need.slot}
            vios = row.vios if home and row.vios in here else min(here, key=lambda v: (v in beside, used[v]))
            used[vios] += 1
            out.append(Backing(need.slot, need.device, vios, self.ports[at].port, row.percent))
        return tuple(out)


def _needs(site: Site, lpar: str) -> tuple[list[_Need], list[_Need]]:
    """What an LPAR must find on a target, the largest first, and the other backing devices of its vNICs."""
    rows = sorted(site.vnics.get(lpar, ()), key=lambda v: (v.percent or 1, v.device))
    first = {v.slot: v for v in reversed(rows)}
    own = site.lpars[lpar]
    unlisted = max(0, (own.vnic_adapters or 0) - len(first)) + (own.migratable_sriov_ports or 0)
    wanted = [*map(_need, first.values()), *(_Need(0, n, 1) for n in range(unlisted))]
    return sorted(wanted, key=lambda n: (-n.percent, n)), [_need(v) for v in rows if first[v.slot] is not v]


def _need(row: Vnic) -> _Need:
    return _Need(row.slot, row.device, row.percent or 1)


def _less(room: Room, at: int, percent: int, count: int = 1) -> Room:
    return (*room[:at], (room[at][0] - count, room[at][1] - percent), *room[at + 1:])
