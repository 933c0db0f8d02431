"""What flies: a pair of movers, and what a move has to carry."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[int, int]
"""The numbers of the movers of source and target."""
NO_MOVERS: Pair = -1, -1
"""Of an inactive migration."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a move has to carry: bytes of state, of its working set, bytes/s that it dirties; seconds before it copies,
    or of an inactive migration, which carries nothing."""

    volume: float
    working_set: float
    dirtied: float
    overhead_s: float
