"""Settings that all tests share. Being here also puts this directory on the path, for ``estates`` and ``tight``."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings
from portion import portion

from planner.jobs import evening
from planner.schedule import lanes

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as a shell leaves it for what it starts with "&"
os.environ.pop("COLUMNS", None)  # a runner that sets it for itself would narrow all tables

settings.register_profile("planner", max_examples=portion(100, 2), deadline=None, derandomize=True, print_blob=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.load_profile("planner")

USUAL = {(room, name): getattr(room, name) for room, name in (
    (lanes, "WORK"), (evening, "WORK"), (evening, "LEAST"), (evening, "MOST"))}
"""What a command takes."""
lanes.WORK //= 10
evening.WORK, evening.LEAST, evening.MOST = 1_600, 20, 50
"""A short order is searched for in every plan, and each is played in many nights: tests that are not about that need fewer."""
