"""How many minutes a move takes in most nights, and after how many it is given up."""

from __future__ import annotations

import math
from typing import NamedTuple

from planner.plan.plan import Move, Plan
from planner.rules import Site

_TENTH, _HUNDREDTH = 1.2816, 2.3263
_LOOK = 3


class Minutes(NamedTuple):
    """8 in 10 take from ``low`` to ``high`` minutes, rounded outwards; at ``stop``, when 99 in 100 are over,
    it is stopped."""

    low: int
    high: int
    stop: int


class Paces:
    """The minutes of each move of a plan."""

    def __init__(self, plan: Plan, site: Site) -> None:
        p = site.parameters
        self._sigma = math.hypot(p.common_sigma, p.duration_sigma)

    def of(self, move: Move) -> Minutes:
        """See the class."""
        low, high = (move.duration_ms * math.exp(k * self._sigma) for k in (-_TENTH, _TENTH))
        most, stop = math.ceil(high / 60_000), high * math.exp((_HUNDREDTH - _TENTH) * self._sigma)
        return Minutes(math.floor(low / 60_000), most, max(math.ceil(stop / 60_000), most + _LOOK))
