"""One entry per question: from a loaded estate to a verified plan."""

from planner.jobs.common import PROVED, Options, exit_code, least_time_s, span_from, window_from
from planner.jobs.evacuation import evacuate
from planner.jobs.room import Request, headroom

__all__ = ["PROVED", "Options", "Request", "evacuate", "exit_code", "headroom", "least_time_s", "span_from",
           "window_from"]
