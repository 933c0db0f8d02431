"""What benchmarks share: whole processes measured, and how time grows with size."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a process: wall-clock and processor seconds, peak resident MB, exit code, what it printed."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    code: int
    output: str


def run(command: Sequence[str | Path], time_limit: float = 600, cwd: Path | None = None) -> Run:
    """Run a command to its end; its peak memory is that of its own process. After ``time_limit`` it is killed."""
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.STDOUT, cwd=cwd)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - started > time_limit:
                process.kill()
            time.sleep(0.002)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode, text)


def median(runs: Sequence[Run]) -> Run:
    """The run whose wall-clock time is the median (the lower one of two)."""
    return sorted(runs, key=lambda r: r.seconds)[(len(runs) - 1) // 2]


def power_law(sizes: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """(factor, exponent) of seconds = factor × size ^ exponent, by least squares in logarithms."""
    x, y = [math.log(s) for s in sizes], [math.log(t) for t in seconds]
    slope, constant = statistics.linear_regression(x, y)
    return math.exp(constant), slope
