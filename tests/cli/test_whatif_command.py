"""planner whatif: what it writes, what it says, its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, GIB, changed, loaded
from published import keeps_schema
from typer.testing import CliRunner

from planner.cli import app
from planner.estate.saved import dump

NEW = """\
name = "to POWER7"
retire = ["*"]
[[add]]
name = "N"
model = "9117-MMB"
ghz = 3.1
cores = 16
memory_gib = 256
firmware = "AM720_101"
[[clock]]
server = "*"
ghz = 4.7
"""


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["whatif", *map(str, arguments)])


def filled(where: Path) -> Path:
    (where / "estate.json").write_text(dump(loaded(BASE)))
    (where / "new.toml").write_text(NEW)
    (where / "same.toml").write_text('name = "nothing changes"\n')
    return where


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return filled(tmp_path)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A directory with an estate, scenarios and their reports in ``out``, and what the command said."""
    where = filled(tmp_path_factory.mktemp("once"))
    return where, run(where / "estate.json", where / "new.toml", where / "same.toml", "--out", where / "out", "--json")


def test_reports_and_a_plan_that_verifies(once: tuple[Path, Any]) -> None:
    site, told = once
    out = site / "out"
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout) == json.loads((out / "whatif.json").read_text())
    assert {p.name for p in out.iterdir()} == {".planner-manifest.json", "whatif.json", "whatif.xlsx", "whatif.html",
                                               "to-power7"}
    assert {p.name for p in (out / "to-power7").iterdir()} >= {"plan.json", "plan.xlsx", "runbook.md", "estate.json"}
    assert "# Runbook: scenario to POWER7: free A, B, C" in (out / "to-power7" / "runbook.md").read_text()
    checked = CliRunner().invoke(app, ["verify", str(out / "to-power7"), str(out / "to-power7" / "estate.json")])
    assert checked.exit_code == 0, checked.output
    elsewhere = CliRunner().invoke(app, ["verify", str(out / "to-power7"), str(site / "estate.json")])
    assert elsewhere.exit_code == 1 and "N" in elsewhere.output  # the estate of today has no server N


def test_the_plan_keeps_its_schema(once: tuple[Path, Any]) -> None:
    assert keeps_schema(json.loads((once[0] / "out" / "to-power7" / "plan.json").read_text()))


def test_the_terminal_puts_them_side_by_side(site: Path) -> None:
    told = run(site / "estate.json", site / "new.toml", site / "same.toml", "--out", site / "out")
    assert told.exit_code == 0 and "one-way after re-activation" in told.stdout
    assert all(x in told.stdout for x in ("today", "to POWER7", "nothing changes", "Free cores in the end", "Reports:"))


def test_twice_is_the_same_and_edited_files_are_kept(once: tuple[Path, Any], tmp_path: Path) -> None:
    site = Path(shutil.copytree(once[0], tmp_path, dirs_exist_ok=True))
    arguments = (site / "estate.json", site / "new.toml", site / "same.toml", "--out", site / "out")
    before = {p: p.read_bytes() for p in (site / "out").rglob("*") if p.is_file()}
    assert run(*arguments).exit_code == 0
    assert {p: p.read_bytes() for p in (site / "out").rglob("*") if p.is_file()} == before
    (site / "out" / "whatif.html").write_text("mine")
    assert run(*arguments).exit_code == 2 and (site / "out" / "whatif.html").read_text() == "mine"
    assert run(*arguments, "--force").exit_code == 0


def test_impossible_is_3_and_written(site: Path) -> None:
    big = changed(BASE, "a1", memory_mib=100 * GIB, max_memory_mib=100 * GIB)
    (site / "estate.json").write_text(dump(loaded(big)))
    (site / "small.toml").write_text(NEW.replace("memory_gib = 256", "memory_gib = 32"))
    told = run(site / "estate.json", site / "small.toml", "--out", site / "out")
    assert told.exit_code == 3 and "INFEASIBLE" in told.stdout and "a1" in told.stdout
    (_, found) = json.loads((site / "out" / "whatif.json").read_text())["scenarios"]
    assert found["conflict"]["lpars"] == ["a1"] and found["conflict"]["rules"] == ["memory.fits"]
    assert found["totals"] is None and found["plan"] is None


def test_all_scenarios_are_checked_before_any_is_answered(site: Path) -> None:
    (site / "wrong.toml").write_text(NEW.replace("9117-MMB", "1111-111").replace("to POWER7", "w"))
    (site / "typo.toml").write_text('name = "t"\nretire = ["Q"]\n')
    told = run(site / "estate.json", site / "wrong.toml", site / "typo.toml", "--out", site / "out")
    assert told.exit_code == 2 and "1111-111" in told.stderr and "'Q' matches no server" in told.stderr
    assert "wrong.toml:5" in told.stderr and not (site / "out").exists()
    assert run(site / "estate.json", site / "absent.toml").exit_code == 2


def test_a_catalogue_of_ones_own(site: Path) -> None:
    (site / "own.toml").write_text('[[model]]\ntype_model = "1111-111"\ngeneration = "POWER7"\n'
                                   "processor = [{ ghz = 3.1, rperf = { 16 = 400 } }]\n")
    (site / "new.toml").write_text(NEW.replace("9117-MMB", "1111-111"))
    told = run(site / "estate.json", site / "new.toml", "--catalogue", site / "own.toml", "--out", site / "out", "--json")
    assert told.exit_code == 0, told.stderr
    (a1,) = (x for x in json.loads(told.stdout)["scenarios"][1]["lpars"] if x["name"] == "a1")
    assert a1["cores"] == 0.34  # 8.396875 / 25 = 0.335875
    assert run(site / "estate.json", site / "new.toml", "--catalogue", site / "absent.toml").exit_code == 2


@pytest.mark.parametrize("arguments", [("--out", "."), ("--window", "soon")])
def test_wrong_usage_is_2(site: Path, arguments: tuple[str, str]) -> None:
    assert run(site / "estate.json", site / "new.toml", *arguments).exit_code == 2


def test_virtual_processors_follow_a_history(site: Path) -> None:
    """b1 has 2 virtual processors and peaks at 1.40 cores: 1.4 × 0.812765 = 1.14 → 2; c1 is not in the history."""
    from usage_columns import history_of

    history_of(site / "usage.duckdb", {"b1": (400, 1400, 900), "a1": (200, 300, 100)})
    told = run(site / "estate.json", site / "new.toml", "--history", site / "usage.duckdb", "--out", site / "out", "--json")
    assert told.exit_code == 0, told.stderr
    found = {x["name"]: (x["virtual_processors"], x["virtual_processors_by"])
             for x in json.loads(told.stdout)["scenarios"][1]["lpars"]}
    assert found["b1"] == (2, "peak of the history") and found["a1"] == (1, "peak of the history")
    assert found["c1"][1].startswith("no history")


def test_a_policy_of_a_scenario_that_does_not_apply_is_told_with_its_file(site: Path) -> None:
    (site / "pin.toml").write_text('name = "p"\n[[policy]]\nkind = "pin"\nsubject = "nobody"\n')
    (site / "kind.toml").write_text('name = "k"\n[[policy]]\nkind = "glue"\n')
    told = run(site / "estate.json", site / "pin.toml", site / "kind.toml", "--out", site / "out")
    assert told.exit_code == 2 and "pin.toml: policy pin (nobody / -)" in told.stderr
    assert "kind.toml: policy glue" in told.stderr and not (site / "out").exists()


def test_a_window_that_is_missed_is_4(site: Path) -> None:
    told = run(site / "estate.json", site / "new.toml", "--window", "2026-12-05 22:00/22:01", "--out", site / "out")
    assert told.exit_code == 4


def test_the_runbook_goes_on_after_the_moves(site: Path) -> None:
    """Restarts first, then new sizes with their mode; nothing of the firmware work for which servers are freed."""
    (site / "estate.json").write_text(dump(loaded(changed(BASE, "a2", rmc_active=False))))
    assert run(site / "estate.json", site / "new.toml", "--out", site / "out").exit_code == 0
    text = (site / "out" / "to-power7" / "runbook.md").read_text()
    order = [text.index(x) for x in (
        "## Way out, lane 1", "### Restarts", "- [ ] a2 on N: 0.41 cores, 1 virtual processors, 4 GiB, mode POWER7",
        "### Re-activations with the new sizes", "- [ ] b1 on N: 1.63 cores, 2 virtual processors, 16 GiB, mode POWER7",
        "### The retired servers", "## The way back", "Only for LPARs that have neither been restarted")]
    assert order == sorted(order) and "firmware" not in text.split("### Restarts")[1].split("## The way back")[0]
    (_, found) = json.loads((site / "out" / "whatif.json").read_text())["scenarios"]
    plan = json.loads((site / "out" / "to-power7" / "plan.json").read_text())
    assert plan["details"]["changes"] == found["changes"] and len(found["changes"]) == 5
