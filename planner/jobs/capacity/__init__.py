"""Month-end capacity: figures for people who decide. Rendering is in planner.report.capacity; see docs/capacity.md."""

from planner.jobs.capacity.entry import capacity
from planner.jobs.capacity.figures import Capacity, CapacityOptions, Levers

__all__ = ["Capacity", "CapacityOptions", "Levers", "capacity"]
