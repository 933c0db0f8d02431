"""A slice of what ``make faults`` does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def last_line(script: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / script, *arguments], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.skipif(shutil.which("cc") is None, reason="without a C compiler changes to files are not counted")
def test_changes_to_files_killed_and_refused() -> None:
    said = last_line("fault_points.py", "--only", "load json", "--every", "6")
    number = int(said.partition(" ")[0])
    assert number >= 6 and said == f"{number} faults at the changes of 1 commands, 0 wrong"


@pytest.mark.skipif(shutil.which("cc") is None, reason="without a C compiler changes to files are not counted")
@pytest.mark.parametrize("command", ["history add anew", "history forget"])
def test_changes_to_a_history_killed_and_refused(command: str) -> None:
    """A disk that refused one change while a history was written anew made forgetting lose what was not to be forgotten."""
    said = last_line("fault_points.py", "--only", command, "--every", "9")
    number = int(said.partition(" ")[0])
    assert number >= 9 and said == f"{number} faults at the changes of 1 commands, 0 wrong"


@pytest.mark.skipif(shutil.which("cc") is None, reason="without a C compiler the clock is not set back")
def test_clocks_set_back() -> None:
    said = last_line("fault_clock.py", "--only", "load xlsx,history add anew,resume now")
    assert said == "3 commands under 5 wrong clocks, 0 wrong"


def test_hostile_files() -> None:
    said = last_line("fault_files.py", "--only", "policy,parameters", "--leaves", "4", "--every", "12")
    assert int(said.partition(" ")[0]) >= 6 and " in 2 places, 0 wrong; exit codes: " in said
