"""The command line: parse, call, print, exit code. Rooms are imported when a command needs them."""

import sys

from planner.cli import capacity, estates, plans, usage  # registers their commands
from planner.cli.app import app

__all__ = ["app", "capacity", "estates", "main", "plans", "usage"]


def main() -> None:
    """The entry point of the ``planner`` command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
