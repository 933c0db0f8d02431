"""What is asked."""

from planner.goals.evacuate import Evacuate

__all__ = ["Evacuate"]
