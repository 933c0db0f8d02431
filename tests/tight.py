"""Random tight evacuations that are known to be possible, because they are built backwards from where they end.

Eight servers, about sixty LPARs. Afterwards each survivor's memory is 98 % full and its processors nearly so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from estates import estate, exactly, lpar, server

from planner.estate.capacity import Demand, lpar_demand
from planner.estate.model import Estate, Lpar, Server

SURVIVORS = tuple("BCDEFGH")
FREED = "A"
FULL = 98
_SIZES = (4, 6, 8, 12, 16, 20, 24, 32, 40, 48)


@dataclass(frozen=True, slots=True)
class Tight:
    """An evacuation of ``FREED`` with a way that is known to lead there: (LPAR, source, target) in order."""

    estate: Estate
    way: tuple[tuple[str, str, str], ...]


def _sized(row: Server, held: list[Lpar], rng: Random) -> Server:
    """The server, so large that these LPARs and its VIOSes fill 98 % of its memory and nearly all of its cores."""
    exact = exactly(row, held)
    return replace(exact, configurable_memory_mib=exact.configurable_memory_mib * 100 // FULL,
                   configurable_units=exact.configurable_units + rng.choice((0, 20, 50, 100)))


def _final(rng: Random) -> list[Lpar]:
    """About sixty LPARs where they are to end."""
    names = [f"p{n:02}" for n in range(rng.randint(56, 64))]
    lpars = []
    for n, name in enumerate(names):
        gib = rng.choice(_SIZES) + rng.choice((0, 0, 0.5, 1))
        lpars.append(lpar(name, SURVIVORS[n % len(SURVIVORS)], rng.randrange(10, 300, 5) / 100, gib,
                          lpar_id=rng.randint(3, 900), busy_units=rng.randrange(5, 150, 5)))
    return [replace(p, virtual_processors=max(1, -(-p.entitlement_units // 100)), lpar_id=n)
            for n, p in enumerate(lpars, 11)]


def tight(seed: int, *, shifting: bool) -> Tight:
    """A tight evacuation. ``shifting``: no survivor has room for the largest displaced LPAR until another one left."""
    rng = Random(seed)
    while True:
        found = _attempt(rng, shifting)
        if found is not None:
            return found


def _attempt(rng: Random, shifting: bool) -> Tight | None:
    final = {p.name: p for p in _final(rng)}
    rows = {s: _sized(server(s), [p for p in final.values() if p.server == s], rng) for s in SURVIVORS}
    world = _World(rows, final)
    way = _shifted(world, rng) if shifting else _direct(world, rng)
    if way is None:
        return None
    here = [p for p in world.lpars.values() if p.server == FREED]
    rows[FREED] = exactly(server(FREED), here, spare_cores=1, spare_gib=8)
    ordered = [rows[s] for s in (FREED, *SURVIVORS)]
    return Tight(estate(ordered, world.lpars.values()), tuple(reversed(way)))


class _World:
    """Servers with room for what they hold at the end, walked backwards."""

    def __init__(self, rows: dict[str, Server], lpars: dict[str, Lpar]) -> None:
        self.rows, self.lpars = rows, dict(lpars)
        self.room = {s: self._room(s) for s in rows}

    def _room(self, name: str) -> Demand:
        row, held = self.rows[name], exactly(self.rows[name], [p for p in self.lpars.values() if p.server == name])
        return Demand(row.configurable_units - held.configurable_units,
                      row.configurable_memory_mib - held.configurable_memory_mib)

    def demand(self, name: str) -> Demand:
        return lpar_demand(self.lpars[name], next(iter(self.rows.values())))

    def fits(self, name: str, where: str) -> bool:
        need, room = self.demand(name), self.room[where]
        return need.units <= room.units and need.memory_mib <= room.memory_mib

    def back(self, name: str, to: str) -> tuple[str, str, str]:
        """Undo the move of this LPAR from ``to`` to where it is."""
        need, here = self.demand(name), self.lpars[name].server
        self.room[here] = Demand(self.room[here].units + need.units, self.room[here].memory_mib + need.memory_mib)
        if to in self.room:
            self.room[to] = Demand(self.room[to].units - need.units, self.room[to].memory_mib - need.memory_mib)
        self.lpars[name] = replace(self.lpars[name], server=to)
        return name, to, here

    def on(self, where: str) -> list[str]:
        return sorted(n for n, p in self.lpars.items() if p.server == where)

    def memory(self, names: Iterable[str]) -> list[str]:
        """These by memory, largest first."""
        return sorted(names, key=lambda n: (-self.demand(n).memory_mib, n))


def _direct(world: _World, rng: Random) -> list[tuple[str, str, str]]:
    """One or two LPARs of each survivor came from the freed server."""
    return [world.back(name, FREED) for s in SURVIVORS for name in rng.sample(world.on(s), rng.choice((1, 1, 2)))]


def _shifted(world: _World, rng: Random) -> list[tuple[str, str, str]] | None:
    """Large and small LPARs came from the freed server, and others moved over to make room for the large ones.

    Backwards: once the displaced ones are gone, others move into the largest hole, until none is large enough for
    the largest displaced one. None when the processors do not let them.
    """
    way = []
    for number, s in enumerate(rng.sample(SURVIVORS, len(SURVIVORS))):
        by_size = world.memory(world.on(s))
        way.append(world.back(by_size[0] if number < 3 else rng.choice(by_size[len(by_size) // 2:]), FREED))
    largest = max(world.demand(n).memory_mib for n in world.on(FREED))
    shifted: set[str] = set()
    while max(r.memory_mib for r in world.room.values()) >= largest:
        hole = max(SURVIVORS, key=lambda s: (world.room[s].memory_mib, s))
        useful = [n for t in SURVIVORS for n in world.on(t) if n not in shifted and world.fits(n, hole)
                  and world.demand(n).memory_mib < world.room[hole].memory_mib - world.room[t].memory_mib]
        if not useful:
            return None
        name = rng.choice(world.memory(useful)[:6])
        shifted.add(name)
        way.append(world.back(name, hole))
    return way
