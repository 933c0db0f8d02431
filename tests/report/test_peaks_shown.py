"""What was used stands in every report, and first of all that nobody looked where nobody did."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from estates import estate, loaded, lpar, server
from openpyxl import load_workbook
from typer.testing import CliRunner

from planner.cli import app
from planner.estate.saved import dump
from planner.jobs import sweep_runners
from planner.plan.questions import UNMEASURED, UNSEEN

sys.path.append(str(Path(__file__).parents[1] / "cli"))
from usage_columns import history_of

THURSDAY = 1_701_338_400
"""2023-11-30 21:00 in Melbourne: the last working day of a month."""
#: Two VIOSes of 0.50 on each server.
OF = estate([server("A", 8, 64), server("B", 8, 64), server("C", 8, 64)],
            [lpar("a1", "A", 1, 4), lpar("a2", "A", 1, 4), lpar("b1", "B", 1, 4)])
ROWS = {"a1": (2000, 100), "a2": (1500, 2600), "b1": (1000, 400)}
NEW = ('name = "n"\nretire = ["*"]\n[[add]]\nname = "N"\nmodel = "9117-MMB"\nghz = 3.1\ncores = 8\nmemory_gib = 64\n'
       'firmware = "AM720_101"\n')


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sweep_runners, "process_pool", lambda workers: sweep_runners.in_process)
    (tmp_path / "estate.json").write_text(dump(loaded(OF)))
    (tmp_path / "new.toml").write_text(NEW)
    (tmp_path / "sweep.toml").write_text('name = "s"\nbase = "new.toml"\n[grid]\n"add[0].cores" = [8, 16]\n')
    history_of(tmp_path / "usage.db", ROWS, THURSDAY)
    return tmp_path


def run(site: Path, command: str, *arguments: str, history: bool) -> str:
    more = ("--history", site / "usage.db") if history else ()
    told = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(x) for x in (
        command, site / "estate.json", *arguments, *more, "--out", site / "out", "--force")])
    assert told.exit_code == 0, told.output
    return told.stdout


@pytest.mark.parametrize(("command", "arguments"), [
    ("evacuate", ["A"]), ("headroom", ["A", "--cores", "5", "--memory", "1", "--when", "always"]),
    ("consolidate", ["--off", "A"])])
def test_every_plan_shows_the_peak_of_each_server(site: Path, command: str, arguments: list[str]) -> None:
    """A uses 2.0 + 1.5 + 1.0 of its VIOSes = 4.50 in the first slot, 0.1 + 2.6 + 1.0 in the second; empty it uses 1.00."""
    told = run(site, command, *arguments, history=True)
    assert UNSEEN not in told and "month-end peak" in told and "4.50 →" in told
    plan = json.loads((site / "out/plan.json").read_text())
    before, after = ({s["server"]: s["month_end_peak"] for s in plan[when]} for when in ("before", "after"))
    assert before == {"A": 4.5, "B": 2.0, "C": 1.0} and after["A"] < 4.5
    assert UNSEEN not in plan["assumptions"]
    assert f"| A | 4.50 → {after['A']:.2f} / 8.00 |" in (site / "out/runbook.md").read_text()
    rows = list(load_workbook(site / "out/plan.xlsx")["Servers"].iter_rows(values_only=True))
    at = rows[0].index("Month-end peak before (cores)")
    assert [row[at] for row in rows[1:4]] == [4.5, 2.0, 1.0] and rows[0][at + 1] == "Month-end peak after (cores)"


@pytest.mark.parametrize(("command", "arguments"), [
    ("evacuate", ["A"]), ("headroom", ["A", "--cores", "5", "--memory", "1", "--when", "always"]),
    ("consolidate", ["--off", "A"])])
def test_every_plan_without_a_history_says_so_first(site: Path, command: str, arguments: list[str]) -> None:
    told = run(site, command, *arguments, history=False)
    lines = [line.strip("│ ") for line in told.splitlines()]
    assert lines[1] == UNSEEN and "month-end peak" not in told
    plan = json.loads((site / "out/plan.json").read_text())
    assert plan["assumptions"][0] == UNSEEN and all("month_end_peak" not in s for s in plan["before"])
    assert (site / "out/runbook.md").read_text().splitlines()[2] == f"**{UNSEEN}**"
    summary = list(load_workbook(site / "out/plan.xlsx")["Summary"].iter_rows(values_only=True))
    assert UNSEEN in summary[2]


def test_a_whatif_and_a_sweep_do_the_same(site: Path) -> None:
    """On arrival N holds all three as they were used, 4.50 + 2.00 of its VIOSes, of 8 cores 81.25 %, of 16 40.6 %; in the
    end each in the ratio of rPerf."""
    assert run(site, "whatif", str(site / "new.toml"), history=False).splitlines()[0] == UNSEEN
    assert UNSEEN in (site / "out/whatif.html").read_text() and "month_end_peak" not in (site / "out/whatif.json").read_text()
    told = run(site, "whatif", str(site / "new.toml"), history=True)
    assert UNSEEN not in told and "Month-end peak / configurable cores, on arrival" in told
    scenario: Any = json.loads((site / "out/whatif.json").read_text())["scenarios"][1]
    lines = {s["name"]: (s["month_end_peak_arrival"], s["month_end_peak"]) for s in scenario["servers"]}
    last = 2.0 + sum(x["ratio"] * ROWS[x["name"]][0] / 1000 for x in scenario["lpars"])
    assert lines["N"][0] == 6.5 and 2 < lines["N"][1] < 6.5 and lines["N"][1] == pytest.approx(last, abs=0.004)
    assert "Month-end peak on arrival" in (site / "out/whatif.html").read_text()
    assert run(site, "sweep", str(site / "sweep.toml"), history=False).splitlines()[0] == UNSEEN
    assert UNSEEN not in run(site, "sweep", str(site / "sweep.toml"), history=True)
    cells = list(csv.DictReader(io.StringIO((site / "out/results.csv").read_text())))
    assert [float(c["month_end_percent_arrival"]) for c in cells] == [81.2, 40.6]


def test_a_history_of_others_is_no_look_at_these(site: Path) -> None:
    (site / "usage.db").unlink()
    history_of(site / "usage.db", {"stranger": (100, 200)}, THURSDAY)
    told = run(site, "evacuate", "A", history=True)
    assert [line.strip("│ ") for line in told.splitlines()][1] == UNMEASURED
    assert json.loads((site / "out/plan.json").read_text())["assumptions"][0] == UNMEASURED
    for command in ("whatif", "sweep"):
        file = {"whatif": "new.toml", "sweep": "sweep.toml"}[command]
        assert run(site, command, str(site / file), history=True).splitlines()[0] == UNMEASURED
