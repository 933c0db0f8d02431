"""Plans live moves of LPARs between IBM Power servers, from exported files alone.

For programs: ``from planner import load_estate, evacuate, headroom, consolidate, whatif, campaign,
readiness, resume, verify_plan``; see docs/python.md. Data flows one way through the rooms, see docs/architecture.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.api import (
        Calendar,
        Estate,
        Plan,
        UsageSpec,
        alternatives,
        campaign,
        consolidate,
        evacuate,
        headroom,
        load_estate,
        read_plan,
        readiness,
        remedy,
        remedy_all,
        resume,
        verify_plan,
        whatif,
    )

__version__ = "0.1.0"
__all__ = ["Calendar", "Estate", "Plan", "UsageSpec", "alternatives", "campaign", "consolidate", "evacuate", "headroom",
           "load_estate", "read_plan", "readiness", "remedy", "remedy_all", "resume", "verify_plan", "whatif"]


def __getattr__(name: str) -> Any:
    """The names of ``__all__``, imported when they are asked for: the command line starts without them."""
    if name in __all__:
        from planner import api  # start-up: solver, tables and networks are for those who plan

        return getattr(api, name)
    raise AttributeError(f"module 'planner' has no attribute {name!r}")
