"""The command line: parse, call, print, exit code. Rooms are imported when a command needs them."""

import gc
import os
import sys

from planner.cli.app import app
from planner.stopwatch import ended_by_sigterm, exit_code, of_this_process

__all__ = ["app", "main"]


def main() -> None:
    """The entry point of the ``planner`` command."""
    of_this_process()
    ended_by_sigterm()
    # A large estate is half a million objects that stay: looking for cycles among them again and again costs a tenth
    # of the run and finds nothing. A small one never has so many; cycles of a million take some 100 MiB.
    gc.set_threshold(1_000_000, 50, 50)
    # The solver runs in one thread; numpy would start one for each processor before it does anything.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Nothing here is a plugin of pydantic, which would look through all packages of the machine for one.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(exit_code())
    finally:
        # Nor at the end, when the process gives back everything at once.
        gc.freeze()
