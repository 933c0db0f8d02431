"""What a plan's moves take of the virtual ports of Fibre Channel, counted from the estate's rows alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from planner.estate.model import Estate
from planner.plan.plan import Move

PER_PORT = 64
"""Clients of a physical port that states nothing (16 Gbit/s and slower)."""


class PortCount:
    """Who has which virtual ports at a moment of the replay."""

    def __init__(self, estate: Estate, there_now: Collection[str], *, named: bool = True) -> None:
        """``named``: each adapter must name its port on the target, where one is known to be free."""
        self._named = named
        self._fabric = {(p.vios, p.port): p.fabric for p in estate.ports}
        self._adapters: dict[str, dict[int, str]] = {}
        self._held: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
        """(LPAR, server) → (VIOS, fabric, port or "") of each adapter there."""
        on_port: dict[tuple[str, str], int] = {}
        clients: dict[tuple[str, str], int] = {}
        home = {p.name: p.server for p in estate.lpars}
        there: dict[tuple[str, str], list[str]] = {}
        for (vios, port), fabric in self._fabric.items():
            there.setdefault((vios, fabric), []).append(port)
        for f in estate.fibres:
            self._adapters.setdefault(f.lpar, {})[f.slot] = f.fabric
            if f.lpar in there_now:
                ports = there.get((f.vios, f.fabric), [])
                port = f.port or (ports[0] if len(ports) == 1 else "")
                self._held.setdefault((f.lpar, home[f.lpar]), []).append((f.vios, f.fabric, port))
                clients[f.vios, f.fabric] = clients.get((f.vios, f.fabric), 0) + 1
        self._free: dict[tuple[str, str], int] = {}
        """(VIOS, fabric) → virtual ports that are left."""
        unstated: dict[tuple[str, str], int] = {}
        for p in estate.ports:
            self._free.setdefault((p.vios, p.fabric), 0)
            if p.free_ports is None:
                unstated[p.vios, p.fabric] = unstated.get((p.vios, p.fabric), 0) + PER_PORT
            else:
                self._free[p.vios, p.fabric] += p.free_ports
                on_port[p.vios, p.port] = p.free_ports
        self._shared = {spot: max(0, most - clients.get(spot, 0)) for spot, most in unstated.items()}
        """(VIOS, fabric) → virtual ports that are left of all those together that do not state them."""
        for spot, left in self._shared.items():
            self._free[spot] += left
        self._on_port = on_port
        """(VIOS, port) → virtual ports that are left of one that states them."""
        self._names = [*(("fabric", *spot) for spot in self._free), *(("port", *spot) for spot in on_port),
                       *(("unstated", *spot) for spot in self._shared)]

    def take(self, move: Move) -> Iterator[str]:
        """The move has begun: its adapters have their ports on the target too. What is wrong with that."""
        taken = self._held.setdefault((move.lpar, move.target), [])
        fabrics = self._adapters.get(move.lpar, {})
        for slot, vios, port in move.fibres:
            fabric = fabrics.get(slot)
            if fabric is None:
                continue
            if port and self._fabric.get((vios, port)) != fabric:
                yield f"slot {slot} is mapped to {port} of {vios}, which is no port on fabric {fabric}"
            if not port and self._named and (free := self._known(vios, fabric)):
                yield f"slot {slot} names no physical port of {vios}, though {free} has a free one on fabric {fabric}"
            taken.append((vios, fabric, port))
            self._count(vios, fabric, port, -1)
            if (vios, fabric) in self._free:
                self._free[vios, fabric] -= 1
                if self._free[vios, fabric] < 0:
                    yield f"slot {slot} finds no free virtual port on fabric {fabric} of {vios} at that moment"
            if self._on_port.get((vios, port), 0) < 0 <= self._free.get((vios, fabric), 0):
                yield f"slot {slot} finds no free virtual port on {port} of {vios} at that moment"

    def give(self, move: Move) -> None:
        """The move is over: what it had on the source is free."""
        for vios, fabric, port in self._held.pop((move.lpar, move.source), ()):
            if (vios, fabric) in self._free:
                self._free[vios, fabric] += 1
            self._count(vios, fabric, port, 1)

    def left(self) -> dict[tuple[str, ...], int]:
        """("fabric", VIOS, fabric) or ("port", VIOS, physical port) → virtual ports that are left; ("unstated", VIOS,
        fabric): of all physical ports together that do not state theirs."""
        counts = (*self._free.values(), *self._on_port.values(), *self._shared.values())
        return dict(zip(self._names, counts, strict=True))

    def nameless(self, move: Move) -> Iterator[tuple[str, dict[tuple[str, ...], int]]]:
        """Adapters without a physical port, in words with each that they might have, and what that would take."""
        fabrics = self._adapters.get(move.lpar, {})
        for slot, vios, port in move.fibres:
            there = [] if port or slot not in fabrics else [p for (v, p), f in self._fabric.items() if (v, f) == (
                vios, fabrics[slot])]
            for p in there:
                key = ("port", vios, p) if (vios, p) in self._on_port else ("unstated", vios, fabrics[slot])
                yield (f"slot {slot} names no physical port of {vios}, though {p} has a free one on fabric "
                       f"{fabrics[slot]}"), {key: 1}

    def _count(self, vios: str, fabric: str, port: str, change: int) -> None:
        """One more or less of a port that is known by name."""
        if (vios, port) in self._on_port:
            self._on_port[vios, port] += change
        elif port and (vios, fabric) in self._shared:
            self._shared[vios, fabric] += change

    def _known(self, vios: str, fabric: str) -> str:
        """A physical port there that is known to have a virtual one left; ``""``: there is none."""
        there = [port for (v, port), f in self._fabric.items() if (v, f) == (vios, fabric)]
        return next((port for port in there if self._on_port.get(
            (vios, port), self._shared.get((vios, fabric), 0)) > 0), "")
