"""Whole-process times of the command, as seconds and as multiples of a bare interpreter start in the same run.

    python benchmarks/whole_process.py [RUNS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLANNER = [sys.executable, "-m", "planner.cli"]
CASES = {
    "python -c pass (baseline)": [sys.executable, "-c", "pass"],
    "python -c 'import pandas' (baseline)": [sys.executable, "-c", "import pandas"],
    "planner --help": [*PLANNER, "--help"],
    "planner load data/landscape": [*PLANNER, "load", str(ROOT / "data/landscape")],
    "planner evacuate data/js22": [*PLANNER, "evacuate", str(ROOT / "data/js22"), "Server-7998-61X-SN10071DA", "--out"],
    "planner evacuate data/landscape --return": [
        *PLANNER, "evacuate", str(ROOT / "data/landscape"), "SN8379A80_p595-2", "--return", "--window",
        "2026-12-05 22:00/04:00", "--out"],
}


def seconds(command: list[str], runs: int) -> float:
    """Median wall-clock seconds of a command; one warm-up run is not counted."""
    times = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(runs + 1):
            full = [*command, f"{scratch}/{number}"] if command[-1] == "--out" else command
            started = time.perf_counter()
            subprocess.run(full, check=True, capture_output=True, cwd=ROOT)
            times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    base = 0.0
    for name, command in CASES.items():
        took = seconds(command, runs)
        base = base or took
        print(f"{name:42} {took:7.3f} s   {took / base:6.1f} x")


if __name__ == "__main__":
    main()
