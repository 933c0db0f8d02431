"""Time and memory of the capacity workbook for the landscape sample with generated usage.

    python benchmarks/capacity.py [--months 24] [--step 300]
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from planner.estate.load import load
from planner.history.store import History
from planner.jobs.capacity import CapacityOptions, capacity
from planner.report.capacity import capacity_workbook

DATA = Path(__file__).parents[1] / "data"


def _build_usage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_usage", DATA / "build_usage.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_usage"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--step", type=int, default=300, help="seconds; divides 3600")
    asked = parser.parse_args()
    usage, loaded = _build_usage(), load([DATA / "landscape"]).usable()
    with tempfile.TemporaryDirectory() as where, History.open(Path(where) / "usage.duckdb") as history:
        samples = usage.landscape_usage(loaded.estate, months=asked.months, step_s=asked.step).into(history)
        began = time.perf_counter()
        figures = capacity(loaded, history, CapacityOptions(usage.LAST_MONTH, usage.SITE, months=asked.months))
        computed = time.perf_counter()
        size = len(capacity_workbook(figures))
        done = time.perf_counter()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20
        print(f"{samples:,} samples: figures {computed - began:.1f} s, workbook {done - computed:.1f} s, "
              f"{size:,} bytes; peak memory {memory:.1f} GB")


if __name__ == "__main__":
    main()
