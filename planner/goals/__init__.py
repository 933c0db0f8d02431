"""What is asked."""

from planner.goals.consolidate import Consolidate, Measure
from planner.goals.evacuate import Evacuate

__all__ = ["Consolidate", "Evacuate", "Measure"]
