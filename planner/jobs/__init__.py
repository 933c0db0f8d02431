"""One entry per question: from a loaded estate to a verified plan."""

from planner.jobs.common import PROVED, Options, exit_code, least_time_s, span_from, window_from
from planner.jobs.consolidation import consolidate, weekend_from
from planner.jobs.energy import Terms
from planner.jobs.evacuation import evacuate
from planner.jobs.headroom_plan import headroom

__all__ = ["PROVED", "Options", "Terms", "consolidate", "evacuate", "exit_code", "headroom",
           "least_time_s", "span_from", "weekend_from", "window_from"]
