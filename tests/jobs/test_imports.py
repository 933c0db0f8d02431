"""What a small plan does not need is not imported for it: the usage store alone takes longer than the plan."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("duckdb", "holidays", "networkx", "numpy", "openpyxl", "pandas", "planner.history.store", "pulp", "xlsxwriter")


def test_jobs_start_without_what_few_questions_need() -> None:
    code = f"import planner.jobs, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
