"""Ctrl-C or SIGTERM while a plan is searched for: the best so far, verified; a second one ends at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import quick
from children import child
from scale_estates import open_estate, save

#: The command, which says when it has begun to search, and after the first signal waits for the next one if told to.
COMMAND = """
import quick, sys, time
from planner.cli import main
from planner.optimise.consolidation import ConsolidationProblem
from planner.schedule import timetable
solve, waits = ConsolidationProblem.solve, sys.argv.pop(1) == "twice"
def said(self, *given):
    print("searching", file=sys.stderr, flush=True)
    answer = solve(self, *given)
    if waits:
        print("found", file=sys.stderr, flush=True)
        time.sleep(600)
    return answer
ConsolidationProblem.solve = said
main()
"""


@pytest.mark.parametrize(("group", "number"), [(False, signal.SIGTERM), (True, signal.SIGINT)])
@pytest.mark.parametrize("twice", [False, True])
def test_a_signal_gives_the_best_so_far_and_a_second_one_ends(
        tmp_path: Path, group: bool, number: signal.Signals, twice: bool) -> None:
    file, out = save(open_estate(8, 48), tmp_path / "estate.json"), tmp_path / "plan"
    with child(sys.executable, "-c", COMMAND, "twice" if twice else "once", "consolidate", str(file), "--time-limit", "300",
               "--out", str(out), text=True, start_new_session=True, env=quick.environment()) as process:
        assert process.stderr is not None and process.stderr.readline() == "searching\n"
        (os.killpg if group else os.kill)(process.pid, number)
        if twice:
            assert process.stderr.readline() == "found\n"
            (os.killpg if group else os.kill)(process.pid, number)
        told, errors = process.communicate(timeout=100)
    if twice:
        assert process.returncode == 128 + number and not out.exists() and "interrupted" in errors and "Traceback" not in errors
        return
    plan = json.loads((out / "plan.json").read_text())
    assert process.returncode == 0 and not errors
    assert plan["status"] == "feasible" and plan["verified"] and plan["switched_off"] and plan["moves"]
    assert all(level["bound"] <= level["objective"] for level in plan["levels"])
    note = "interrupted by the user: the best so far"
    assert note in plan["notes"] and note in " ".join(told.split())


LOADING = """
import os, sys, time
from planner.cli import main
from planner.estate import load
def loading(*given):
    os.write(2, b"loading\\n")
    time.sleep(600)
load.load = loading
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_before_there_is_anything_a_signal_ends_the_command(tmp_path: Path, number: signal.Signals) -> None:
    with child(sys.executable, "-c", LOADING, "load", str(tmp_path)) as process:
        assert process.stderr is not None and process.stderr.readline() == b"loading\n"
        process.send_signal(number)
        assert process.communicate(timeout=100)[1] == b"planner: interrupted\n" and process.returncode == 128 + number


IMPORTING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *more):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
import runpy
runpy.run_module("planner", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_while_the_command_is_imported_has_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTING, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
