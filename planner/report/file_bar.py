"""The bar that shows on stderr how many of many files are read."""

from __future__ import annotations

import atexit

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress


class FileBar:
    """A bar for so many files; the last takes it away, and so does the end of the program."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._bar = Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True),
                             transient=True)
        self._task = self._bar.add_task("reading files", total=files)
        self._bar.start()
        atexit.register(self._bar.stop)

    def at(self, done: int) -> None:
        """So many are read."""
        self._bar.update(self._task, completed=done)
        if done >= self._files:
            self._bar.stop()
