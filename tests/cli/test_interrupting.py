"""Ctrl-C while a plan is searched for: the best so far, verified; a second one ends at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from scale_estates import open_estate, save

#: The command, which says when it has begun to search, and after the first signal waits for the next one if told to.
COMMAND = """
import sys
from planner.cli import main
from planner.optimise.consolidation import ConsolidationProblem
from planner.schedule import timetable
solve, waits = ConsolidationProblem.solve, sys.argv.pop(1) == "twice"
def said(self, *given):
    print("searching", file=sys.stderr, flush=True)
    answer = solve(self, *given)
    if waits:
        print("found", file=sys.stderr, flush=True)
        while True:
            pass
    return answer
ConsolidationProblem.solve = said
main()
"""


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("twice", [False, True])
def test_a_signal_gives_the_best_so_far_and_a_second_one_ends(tmp_path: Path, group: bool, twice: bool) -> None:
    file, out = save(open_estate(16, 96), tmp_path / "estate.json"), tmp_path / "plan"
    command = [sys.executable, "-c", COMMAND, "twice" if twice else "once", "consolidate", str(file), "--time-limit", "300",
               "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None and process.stderr.readline() == "searching\n"
    (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
    if twice:
        assert process.stderr.readline() == "found\n"
        (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
    told, errors = process.communicate(timeout=100)
    if twice:
        assert process.returncode == 130 and not out.exists() and "interrupted" in errors and "Traceback" not in errors
        return
    plan = json.loads((out / "plan.json").read_text())
    assert process.returncode == 0 and not errors
    assert plan["status"] == "feasible" and plan["verified"] and plan["switched_off"] and plan["moves"]
    assert all(level["bound"] <= level["objective"] for level in plan["levels"])
    note = "interrupted by the user: the best so far"
    assert note in plan["notes"] and note in " ".join(told.split())
