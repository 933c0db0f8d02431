"""The command, and ``python -m planner``. Ctrl-C while it is still being imported ends it without a traceback."""

import sys


def main() -> None:
    """The entry point of the ``planner`` command."""
    try:
        from planner.cli import main as command  # start-up: it is what may be interrupted

        command()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
