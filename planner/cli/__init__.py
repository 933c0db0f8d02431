"""The command line: parse, call, print, exit code. Rooms are imported when a command needs them."""

import sys

from planner.cli import capacity, estates, plans, usage, whatif  # registers their commands
from planner.cli.app import app

__all__ = ["app", "capacity", "estates", "main", "plans", "usage", "whatif"]


def main() -> None:
    """The entry point of the ``planner`` command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
