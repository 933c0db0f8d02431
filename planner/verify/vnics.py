"""What a plan's moves take of SR-IOV ports for vNICs, counted from the estate's rows alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from planner.estate.model import Estate, Vnic
from planner.plan.plan import Backing, Move
from planner.rules.versions import below

WHAT = ("logical ports", "% of capacity")


class VnicCount:
    """What stands on which SR-IOV port at a moment of the replay."""

    def __init__(self, estate: Estate, there_now: Collection[str], *, named: bool = True) -> None:
        """``named``: each vNIC must name a port on the target, where one is known to have room."""
        self._rows: dict[str, dict[tuple[int, int], Vnic]] = {}
        self._ports = {(p.server, p.port): [p.free_ports, p.free_percent] for p in estate.sriov}
        """(server, port) → logical ports and % that are left; None: nobody states it."""
        self._vioses = {(v.server, v.name) for v in estate.vioses}
        self._serving = {v.server for v in estate.vioses if not below(v.level, "2.2.4.0")}
        """Servers with a VIOS that may know vNICs."""
        self._held: dict[tuple[str, str], list[tuple[str, int]]] = {}
        """(LPAR, server) → (port, %) of each backing device there."""
        self._stands: dict[tuple[str, int, int], str] = {}
        self._home = {p.name: p.server for p in estate.lpars}
        for v in estate.vnics:
            self._rows.setdefault(v.lpar, {})[v.slot, v.device] = v
            self._stands[v.lpar, v.slot, v.device] = v.port
            if v.lpar in there_now and v.lpar in self._home:
                self._held.setdefault((v.lpar, self._home[v.lpar]), []).append((v.port, v.percent or 1))
        unlisted = any((p.migratable_sriov_ports or 0) + max(0, (p.vnic_adapters or 0) - len(
            {slot for slot, _ in self._rows.get(p.name, ())})) for p in estate.lpars)
        self._listed = not unlisted
        self._named = named and self._listed

    def take(self, move: Move) -> Iterator[str]:
        """The move has begun: its vNICs have logical ports on the target too. What is wrong with that."""
        rows, seen = self._rows.get(move.lpar, {}), set[tuple[int, int]]()
        on: set[tuple[int, str]] = set()
        taken = self._held.setdefault((move.lpar, move.target), [])
        for b in move.vnics:
            yield from self._strange(move, b, rows, seen, on)
            seen.add((b.slot, b.device))
            on.add((b.slot, b.port))
            percent = b.percent or 1
            taken.append((b.port, percent))
            left = self._change(move.target, b.port, -1, -percent)
            yield from (f"the vNIC in slot {b.slot} finds no {what} on {b.port} at that moment"
                        for what, n in zip(("logical port", "capacity"), left, strict=True) if n < 0)
        yield from self._nameless(move, rows) if self._named else ()
        self._stands |= {(move.lpar, *key): "" for key in rows}
        self._stands |= {(move.lpar, b.slot, b.device): b.port for b in move.vnics}

    def _nameless(self, move: Move, rows: dict[tuple[int, int], Vnic]) -> Iterator[str]:
        """vNICs without a port, though one has room for their smallest backing device."""
        served = move.target in self._serving
        for slot in sorted({slot for slot, _ in rows} - {b.slot for b in move.vnics}) if served else ():
            least = min(v.percent or 1 for (s, _), v in rows.items() if s == slot)
            free = next((port for (server, port), (count, percent) in sorted(self._ports.items())
                         if server == move.target and count != 0 and (percent is None or percent >= least)), "")
            if free:
                yield f"the vNIC in slot {slot} names no physical port of {move.target}, though {free} has room for it"

    def give(self, move: Move) -> None:
        """The move is over: what it had on the source is free."""
        for port, percent in self._held.pop((move.lpar, move.source), ()):
            self._change(move.source, port, 1, percent)

    def nameless(self, move: Move) -> Iterator[tuple[str, dict[tuple[str, ...], int]]]:
        """vNICs without a port, in words with each port that they might have, and what that would take."""
        rows = self._rows.get(move.lpar, {})
        slots = {slot for slot, _ in rows} - {b.slot for b in move.vnics} if move.target in self._serving else ()
        for slot in sorted(slots):
            least = min(v.percent or 1 for (s, _), v in rows.items() if s == slot)
            for (server, port), stated in sorted(self._ports.items()) if self._listed else ():
                if server == move.target:
                    more: dict[tuple[str, ...], int] = {(what, server, port): n for what, n, known in zip(
                        WHAT, (1, least), stated, strict=True) if known is not None}
                    yield (f"the vNIC in slot {slot} names no physical port of {server}, though {port} has room for "
                           "it"), more

    def left(self) -> dict[tuple[str, ...], int]:
        """(what, server, physical port) → how much is left, where that is stated."""
        return {(what, *port): n for port, left in self._ports.items()
                for what, n in zip(WHAT, left, strict=True) if n is not None}

    def _strange(self, move: Move, b: Backing, rows: dict[tuple[int, int], Vnic], seen: Collection[tuple[int, int]],
                 on: Collection[tuple[int, str]]) -> Iterator[str]:
        """What a mapping names that is not there, or not so."""
        what = f"backing device {b.device} of the vNIC in slot {b.slot}"
        row = rows.get((b.slot, b.device))
        if row is None or (b.slot, b.device) in seen:
            yield f"{what} is mapped, " + ("which it has not" if row is None else "twice")
        elif row.percent != b.percent:
            yield f"{what} is to have {_share(b.percent)}; it has {_share(row.percent)}"
        if (move.target, b.vios) not in self._vioses:
            yield f"{what} is mapped to {b.vios or 'no VIOS'}, which is none of {move.target}"
        if (move.target, b.port) not in self._ports:
            yield f"{what} is mapped to {b.port or 'no port'}, which is no SR-IOV port of {move.target}"
        at_home = row is not None and move.target == self._home.get(move.lpar) and row.port == b.port
        if (b.slot, b.port) in on and not at_home:
            yield f"two backing devices of the vNIC in slot {b.slot} stand on {b.port}"
        if row is not None and self._stands[move.lpar, b.slot, b.device] != b.source_port:
            yield (f"{what} is to leave {b.source_port or 'no port'}; it stands on "
                   f"{self._stands[move.lpar, b.slot, b.device] or 'one that nobody knows'}")

    def _change(self, server: str, port: str, count: int, percent: int) -> tuple[int, int]:
        """More or less of a port that is listed; what it then has left, 0 where that is unknown."""
        left = self._ports.get((server, port), [None, None])
        for n, change in enumerate((count, percent)):
            had = left[n]
            if had is not None:
                left[n] = had + change
        return left[0] or 0, left[1] or 0


def _share(percent: float | None) -> str:
    return "no stated capacity" if percent is None else f"{percent} %"
