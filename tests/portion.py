"""How much of a random test ``make test`` runs: a part; ``make prove-long`` runs all of it."""

from __future__ import annotations

import os

WHOLE = bool(os.environ.get("PLANNER_PROVE"))
"""Set by ``make prove-long``."""


def portion(whole: int, part: int = 4) -> int:
    """``whole`` examples when proving, else one in ``part``, and one at least."""
    return whole if WHOLE else max(1, whole // part)
