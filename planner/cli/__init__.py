"""The command line: parse, call, print, exit code. Rooms are imported when a command needs them."""

import sys

from planner.cli import consolidate, estates, plans  # registers their commands
from planner.cli.app import app

__all__ = ["app", "consolidate", "estates", "main", "plans"]


def main() -> None:
    """The entry point of the ``planner`` command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
