"""planner sweep: what it writes and says, its exit codes, going on after it was killed."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, loaded
from typer.testing import CliRunner

from planner.cli import app
from planner.estate.saved import dump
from planner.jobs import sweep as job

SWEEP = """\
name = "how many"
[grid]
"growth[0].cores_percent" = [0, 400]
"add[0].count" = [1, 2]
[scenario]
retire = ["*"]
[[scenario.add]]
name = "N"
model = "9117-MMB"
ghz = 3.1
cores = 16
memory_gib = 256
firmware = "AM720_101"
[[scenario.growth]]
lpars = "*"
[[scenario.clock]]
server = "*"
ghz = 4.7
"""


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["sweep", *map(str, arguments)])


def filled(where: Path) -> Path:
    (where / "estate.json").write_text(dump(loaded(BASE)))
    (where / "s.toml").write_text(SWEEP)
    return where


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return filled(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def here() -> Iterator[None]:
    """Cells are answered in this process, where no other runner is what a test is about."""
    from planner.jobs import sweep_runners

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_runners, "process_pool", lambda workers: sweep_runners.in_process)
        yield


@pytest.fixture(scope="module")
def once(here: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A directory with estate, sweep and its results in ``out``, and what the command said."""
    where = filled(tmp_path_factory.mktemp("once"))
    return where, run(where / "estate.json", where / "s.toml", "--out", where / "out", "--json")


@pytest.fixture
def swept(once: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(once[0], tmp_path, dirs_exist_ok=True))


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_results_and_kept_cells(once: tuple[Path, Any]) -> None:
    out, told = once[0] / "out", once[1]
    assert "used again" not in told.stderr
    assert told.exit_code == 0, told.output
    document = json.loads((out / "results.json").read_text())
    assert json.loads(told.stdout) == document
    assert document["counts"] == {"cells": 4, "optimal": 3, "feasible": 0, "infeasible": 1, "unknown": 0, "failed": 0}
    assert {p.name for p in out.iterdir()} == {".planner-manifest.json", "results.csv", "results.json", "cells",
                                               "scenarios"}
    assert {p.stem for p in (out / "cells").iterdir()} == {c["id"] for c in document["cells"]}
    table = rows(out / "results.csv")
    assert [(r["growth[0].cores_percent"], r["add[0].count"], r["status"], r["servers"]) for r in table] == [
        ("0", "1", "optimal", "1"), ("0", "2", "optimal", "2"), ("400", "1", "infeasible", ""),
        ("400", "2", "optimal", "2")]
    for row, cell in zip(table, document["cells"], strict=True):
        assert row["id"] == cell["id"]
        assert all(float(row[k]) == cell[k] for k in ("watts", "headroom_cores", "hours") if cell[k] is not None)


def test_the_cells_that_no_other_beats_are_scenarios_for_whatif(swept: Path) -> None:
    site, document = swept, json.loads((swept / "out" / "results.json").read_text())
    files = sorted((site / "out" / "scenarios").glob("*.toml"))
    assert [p.name for p in files] == ["cell-1.toml", "cell-2.toml", "cell-4.toml"]
    told = CliRunner().invoke(app, ["whatif", str(site / "estate.json"), *map(str, files), "--out", str(site / "whatif"),
                                    "--json"])
    assert told.exit_code == 0, told.output
    for number, scenario in zip((1, 2, 4), json.loads(told.stdout)["scenarios"][1:], strict=True):
        cell = document["cells"][number - 1]
        assert scenario["totals"]["watts"] == cell["watts"] and scenario["objective_s"] == cell["objective_s"]
        assert scenario["totals"]["headroom_cores"] == cell["headroom_cores"]


def test_the_terminal_says_what_matters(site: Path) -> None:
    told = run(site / "estate.json", site / "s.toml", "--out", site / "out")
    assert told.exit_code == 0
    for wanted in ("4 cells: 3 optimal, 1 infeasible", "★", "add[0].count: whether it is possible in 1 of 2 comparisons",
                   "1 infeasible", "cell 3: after growth and resizing", "Results: "):
        assert wanted in told.stdout, told.stdout


def test_again_uses_what_is_finished_and_writes_the_same(swept: Path) -> None:
    site, arguments = swept, (swept / "estate.json", swept / "s.toml", "--out", swept / "out")
    before = {p: p.read_bytes() for p in (site / "out").rglob("*") if p.is_file()}
    again = run(*arguments)
    assert "4 of 4 cells were finished before and are used again" in again.stderr
    assert {p: p.read_bytes() for p in (site / "out").rglob("*") if p.is_file()} == before
    assert "used again" not in run(*arguments, "--fresh").stderr
    assert {p: p.read_bytes() for p in (site / "out").rglob("*") if p.is_file()} == before


def test_a_larger_grid_adds_to_what_is_there_and_another_estate_does_not(swept: Path) -> None:
    site, arguments = swept, (swept / "estate.json", swept / "s.toml", "--out", swept / "out")
    (site / "s.toml").write_text(SWEEP.replace("[0, 400]", "[0, 10, 400]"))
    assert "4 of 6 cells were finished before" in run(*arguments).stderr
    (site / "estate.json").write_text(dump(loaded(BASE.replace(lpars=BASE.lpars[:-1]))))
    assert "finished before" not in run(*arguments).stderr


def test_parquet_has_the_same_cells(swept: Path) -> None:
    import pandas as pd

    pytest.importorskip("pyarrow")
    site, arguments = swept, (swept / "estate.json", swept / "s.toml", "--out", swept / "out")
    table = pd.read_csv(site / "out" / "results.csv")
    assert run(*arguments, "--format", "parquet").exit_code == 0
    assert not (site / "out" / "results.csv").exists()
    frame = pd.read_parquet(site / "out" / "results.parquet")
    assert list(frame.columns) == list(table.columns) and len(frame) == 4
    assert str(frame["servers"].dtype) == "Int64" and str(frame["watts"].dtype) == "Float64"
    assert frame["watts"].astype("float64").tolist()[:2] == table["watts"].tolist()[:2]


def test_parquet_without_pyarrow_says_what_to_install(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    told = run(site / "estate.json", site / "s.toml", "--out", site / "out", "--format", "parquet")
    assert told.exit_code == 2 and "pip install 'planner[parquet]'" in told.stderr and not (site / "out").exists()


def test_a_failed_cell_is_1_and_a_row(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = job.whatif

    def broken(loaded: Any, scenario: Any, *rest: Any) -> Any:
        if len(scenario.add) == 2:
            raise RuntimeError("=boom")
        return real(loaded, scenario, *rest)

    monkeypatch.setattr(job, "whatif", broken)
    told = run(site / "estate.json", site / "s.toml", "--out", site / "out")
    assert told.exit_code == 1 and "2 failed" in told.stdout and "cells 2, 4: broke off: RuntimeError: =boom" in told.stdout
    assert [r["status"] for r in rows(site / "out" / "results.csv")] == ["optimal", "failed", "infeasible", "failed"]


@pytest.mark.parametrize(("arguments", "said"), [
    (("--out", "."), "--out"), (("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "--workers"),
    (("--window", "soon"), "--window"), (("--workers", "0"), "--workers"), (("--format", "xml"), "--format"),
    (("--catalogue", "absent.toml"), "absent.toml"), (("--policy", "absent.toml"), "absent.toml"),
])
def test_wrong_usage_is_2(site: Path, arguments: tuple[str, ...], said: str) -> None:
    told = run(site / "estate.json", site / "s.toml", "--out", site / "out", *arguments)
    assert told.exit_code == 2 and said in told.stderr.replace("\n", ""), told.output
    assert not (site / "out").exists()


def test_a_wrong_sweep_file_is_2_and_nothing_runs(site: Path) -> None:
    (site / "s.toml").write_text(SWEEP.replace("cores = 16", "cores = 999").replace('"*"]', '"Q"]'))
    told = run(site / "estate.json", site / "s.toml", "--out", site / "out")
    assert told.exit_code == 2 and "s.toml:11" in told.stderr and "'Q' matches no server" in told.stderr
    assert "[in the cell" not in told.stderr  # every cell has it, however many copies it adds
    assert run(site / "estate.json", site / "absent.toml", "--out", site / "out").exit_code == 2
    assert not (site / "out").exists()


def test_edited_results_are_kept(swept: Path) -> None:
    site, arguments = swept, (swept / "estate.json", swept / "s.toml", "--out", swept / "out")
    (site / "out" / "results.csv").write_text("mine")
    told = run(*arguments)
    assert told.exit_code == 2 and (site / "out" / "results.csv").read_text() == "mine"
    assert run(*arguments, "--force").exit_code == 0


def test_killed_midway_it_goes_on_and_comes_to_the_same(once: tuple[Path, Any], site: Path) -> None:
    """The whole process group is killed with SIGKILL when some cells are there; workers of its own go with it."""
    (site / "s.toml").write_text(SWEEP.replace("[0, 400]", "[0, 400, " + ", ".join(map(str, range(1, 60))) + "]"))
    command = [sys.executable, "-m", "planner.cli", "sweep", str(site / "estate.json"), str(site / "s.toml"), "--out",
               str(site / "out"), "--workers", "2"]
    child = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list((site / "out").glob("cells/*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    finished = len(list((site / "out" / "cells").glob("*.json")))
    assert finished >= 3 and not (site / "out" / "results.csv").exists()
    deadline = time.monotonic() + 60
    while _alive(child.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(child.pid)
    (site / "s.toml").write_text(SWEEP)
    told = run(site / "estate.json", site / "s.toml", "--out", site / "out")
    assert told.exit_code == 0 and "of 4 cells were finished before and are used again" in told.stderr
    for name in ("results.csv", "results.json"):
        assert (site / "out" / name).read_bytes() == (once[0] / "out" / name).read_bytes()


def _alive(group: int) -> bool:
    """Whether a process of the group is left that has not ended."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in ("Z", "X"):
            return True
    return False
