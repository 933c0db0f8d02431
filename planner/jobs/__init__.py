"""One entry per question: from a loaded estate to a verified plan."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from planner.jobs.common import (
    PROVED,
    Options,
    exit_code,
    least_time_s,
    moment_from,
    span_from,
    weekend_from,
    window_from,
)

if TYPE_CHECKING:
    from planner.jobs.consolidation import consolidate
    from planner.jobs.energy import Terms
    from planner.jobs.evacuation import evacuate
    from planner.jobs.going_on import resume
    from planner.jobs.headroom_plan import headroom
    from planner.jobs.homes import homes_of

_MODULE = {"Terms": "energy", "consolidate": "consolidation", "evacuate": "evacuation", "headroom": "headroom_plan",
           "homes_of": "homes", "resume": "going_on"}

__all__ = ["PROVED", "Options", "Terms", "consolidate", "evacuate", "exit_code", "headroom", "homes_of",
           "least_time_s", "moment_from", "resume", "span_from", "weekend_from", "window_from"]


def __getattr__(name: str) -> Any:
    """A question's own entry; start-up: one question does without the programs of the others."""
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
