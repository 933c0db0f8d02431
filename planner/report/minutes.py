"""How many minutes a move takes in most nights, and after how many it is given up."""

from __future__ import annotations

import math
from typing import NamedTuple

from planner.grouping import grouped
from planner.plan.plan import Move, Plan
from planner.rules import Site

_TENTH, _HUNDREDTH = 1.2816, 2.3263
"""Standard deviations beyond which a tenth, and a hundredth, of a normal distribution lies."""
_LOOK = 3
"""Minutes that a move has at least beyond what 9 in 10 take: for a look at its progress."""


class Minutes(NamedTuple):
    """8 in 10 take ``low`` to ``high`` minutes, rounded outwards; it is stopped at ``stop``: 99 in 100 are over."""

    low: int
    high: int
    stop: int


class Paces:
    """The minutes of each move of a plan: as its nights were drawn, else as the parameters' spread has them."""

    def __init__(self, plan: Plan, site: Site) -> None:
        p = site.parameters
        self._sigma = math.hypot(p.common_sigma, p.duration_sigma)
        evening = plan.evening.moves if plan.evening else ()
        self.drawn = {n: ranges[0] for n, ranges in grouped((r.number, r) for r in evening).items()}

    def of(self, move: Move) -> Minutes:
        """See the class."""
        drawn = self.drawn.get(move.number)
        low, high = (move.duration_ms * math.exp(k * self._sigma) for k in (-_TENTH, _TENTH))
        if drawn is not None and drawn.short_ms is not None and drawn.long_ms is not None:
            low, high = drawn.short_ms, drawn.long_ms
        most, stop = math.ceil(high / 60_000), high * math.exp((_HUNDREDTH - _TENTH) * self._sigma)
        return Minutes(math.floor(low / 60_000), most, max(math.ceil(stop / 60_000), most + _LOOK))
