"""What a plan's moves take of the virtual slots of VIOSes, counted from the estate's rows alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from planner.estate.model import Estate
from planner.plan.plan import Move


class SlotCount:
    """Which slots of VIOSes client adapters have at a moment of the replay."""

    def __init__(self, estate: Estate, there_now: Collection[str]) -> None:
        served = {("scsi", d.lpar, d.slot): d.vios for d in estate.disks}
        served |= {("fibre", f.lpar, f.slot): f.vios for f in estate.fibres}
        full = Counter(served.values())
        self._left = {v.name: v.max_virtual_slots - (full[v.name] + 2 if v.used_virtual_slots is None else
                                                     v.used_virtual_slots)
                      for v in estate.vioses if v.max_virtual_slots is not None}
        """VIOS → slots that are free; those of serial adapters, 0 and 1, never are."""
        self._least = {vios: min(0, left) for vios, left in self._left.items()}
        self._held: dict[tuple[str, str], list[str]] = {}
        """(LPAR, server) → the VIOS of each adapter there."""
        home = {p.name: p.server for p in estate.lpars if p.name in there_now}
        for (_, lpar, _), vios in served.items():
            if lpar in home:
                self._held.setdefault((lpar, home[lpar]), []).append(vios)

    def take(self, move: Move) -> Iterator[str]:
        """The move has begun: its adapters have slots on the target too. Where they find none."""
        coming = [*(vios for _, vios in move.disks), *(vios for _, vios, _ in move.fibres)]
        self._held.setdefault((move.lpar, move.target), []).extend(coming)
        for vios, count in sorted(Counter(coming).items()):
            if vios in self._left:
                self._left[vios] -= count
                if self._left[vios] < self._least[vios]:
                    yield f"{count} of its adapters would take slots of {vios}, {-self._left[vios]} more than are free"

    def give(self, move: Move) -> None:
        """The move is over: its slots on the source are free."""
        for vios in self._held.pop((move.lpar, move.source), ()):
            if vios in self._left:
                self._left[vios] += 1

    def left(self) -> dict[tuple[str, ...], int]:
        """(VIOS) → slots that may still be taken: less than none are free where it was so at the start."""
        return {(vios,): left - self._least[vios] for vios, left in self._left.items()}
