"""The independent replay: a plan's moves, moment by moment, against the estate and the rules.

It shares nothing with the optimiser and the scheduler but the estate and the rules, and keeps its own arithmetic.
"""

from planner.verify.against import unsure, verify_plan
from planner.verify.base import Replay, server_state, server_states
from planner.verify.changes import replay_changes
from planner.verify.replay import replay
from planner.verify.restored import NOT_AS_IT_WAS
from planner.verify.unreachable import never_reached

__all__ = ["NOT_AS_IT_WAS", "Replay", "never_reached", "replay", "replay_changes", "server_state", "server_states",
           "unsure", "verify_plan"]
