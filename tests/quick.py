"""A short order is searched for in every plan, and each is played in many nights: tests that are not about that need fewer.

``python -m quick …`` is the command with it, where a test wants it as a process of its own.
"""

from __future__ import annotations

import os
import sys

from planner.jobs import evening
from planner.schedule import lanes

USUAL = {(room, name): getattr(room, name) for room, name in (
    (lanes, "WORK"), (evening, "WORK"), (evening, "LEAST"), (evening, "MOST"))}
"""What a command takes."""
lanes.WORK //= 20
evening.WORK, evening.LEAST, evening.MOST = 1_600, 20, 50


def environment(**more: str) -> dict[str, str]:
    """One in which a Python process finds this module, and what it needs."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **more}


if __name__ == "__main__":
    from planner.cli import main

    main()
