"""``planner campaign``: an overview, and for each step a plan that verifies against the estate beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from estates import BASE, policy
from openpyxl import load_workbook
from typer.testing import CliRunner

from planner.cli import app
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import dump

FILE = """name = "Levels | 2026"
[default]
firmware = "EM350_149"
[[window]]
start = 2026-12-05 22:00:00
end = 2026-12-06 06:00:00
times = 2
[[freeze]]
first = 2026-12-12
last = 2026-12-13
"""


def run(tmp_path: Path, of: Estate, text: str = FILE, *more: str):
    (tmp_path / "e.json").write_text(dump(Loaded(of)))
    (tmp_path / "c.toml").write_text(text)
    return CliRunner().invoke(app, ["campaign", str(tmp_path / "e.json"), str(tmp_path / "c.toml"), "--all", "--zone",
                                    "Europe/Berlin", "--out", str(tmp_path / "out"), *more])


def test_every_step_is_a_plan_that_verifies(tmp_path):
    done = run(tmp_path, BASE)
    assert done.exit_code == 0 and "3 of 3 servers in 1 window" in done.output, done.output
    out = tmp_path / "out"
    assert sorted(p.name for p in out.iterdir() if p.is_file() and p.name[0] != ".") == [
        "campaign.ics", "campaign.json", "campaign.xlsx", "overview.html", "overview.md"]
    steps = json.loads((out / "campaign.json").read_text())["steps"]
    for step in steps:
        where = out / step["directory"]
        assert CliRunner().invoke(app, ["verify", str(where), str(where / "estate.json")]).exit_code == 0
        assert (where / "runbook.md").exists()
    assert [s["levels"]["C"] for s in steps] == ["EM350_085" if n <= [s["server"] for s in steps].index("C") else
                                                 "EM350_149" for n in range(3)]
    assert load_workbook(out / "campaign.xlsx").sheetnames == ["Campaign", "Windows", "One-way doors",
                                                                "VIOS paths", "Not done", "Away"]
    assert "Levels \\| 2026" in (out / "overview.md").read_text()
    unseen = "Measured usage was not looked at"
    assert done.stdout.startswith(unseen) and (out / "overview.md").read_text().splitlines()[2].startswith(f"**{unseen}")
    assert unseen in (out / "overview.html").read_text()


@pytest.mark.parametrize("text, code, said", [
    (FILE.replace("06:00:00", "06:00:00\ncolour = 3").replace("EM350_149", "new"), 2, "c.toml:3"),
    (FILE.replace("2026-12-06 06:00:00\ntimes = 2", "2026-12-05 23:10:00"), 4, "no window is left|fits none")])
def test_bad_files_and_windows_too_few(tmp_path, text, code, said):
    import re

    done = run(tmp_path, BASE, text)
    assert done.exit_code == code and re.search(said, " ".join(done.output.split())), done.output


def test_an_impossible_server_is_exit_code_3_and_the_others_have_plans(tmp_path):
    done = run(tmp_path, BASE.replace(policies=(policy("pin", "a1", "A"),)), FILE, "--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == 3 and [x["server"] for x in answer["left"]] == ["A"]
    assert answer["left"][0]["conflict"]["lpars"] == ["a1"] and len(answer["steps"]) == 2
