"""Settings that all tests share. Being here also puts this directory on the path, for ``estates`` and ``tight``."""

from __future__ import annotations

import gc
import os
import signal
from functools import cache

import quick  # noqa: F401
import typer.testing
from hypothesis import HealthCheck, settings
from portion import portion

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as a shell leaves it for what it starts with "&"
os.environ.pop("COLUMNS", None)  # a runner that sets it for itself would narrow all tables

typer.testing._get_command = cache(typer.testing._get_command)  # made of all functions' signatures, for each run: 50 ms

gc.disable()  # until the tests are collected: what is made until then is kept


def pytest_collection_finish() -> None:
    """All tests and what they import are never looked through for garbage again: that took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.enable()


settings.register_profile("planner", max_examples=portion(100, 2), deadline=None, derandomize=True, print_blob=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.load_profile("planner")
