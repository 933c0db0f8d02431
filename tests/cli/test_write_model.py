"""``--write-model``: programs that a person reads and another solver solves, on every planning command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highspy
import pytest
from estates import BASE, estate, lpar, server
from typer.testing import CliRunner

from planner.cli import app
from planner.estate.assemble import Loaded
from planner.estate.saved import dump
from planner.plan.plan import parse


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "estate.json").write_text(dump(Loaded(BASE)))
    return tmp_path


def solved(file: Path) -> float | None:
    """What HiGHS by itself makes of a file; None when it is infeasible."""
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    assert model.readModel(str(file)) == highspy.HighsStatus.kOk
    model.run()
    if model.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    return model.getInfo().objective_function_value


@pytest.mark.parametrize("ending", ["lp", "mps"])
def test_another_solver_finds_the_same_cost(site: Path, ending: str) -> None:
    told = run("evacuate", site / "estate.json", "A", "--out", site / "plan", "--write-model", site / f"m.{ending}")
    assert told.exit_code == 0 and f"m-1.{ending}, " in told.stderr, told.stderr
    plan = parse((site / "plan/plan.json").read_text(), "plan.json")
    assert plan.objective is not None and solved(site / f"m-1.{ending}") == pytest.approx(1000 * plan.objective)
    text = (site / f"m-1.{ending}").read_text()
    assert text.startswith(("\\ planner: where LPARs end", "* planner: where LPARs end"))
    assert "a1_on_B" in text and "processor_capacity_B" in text
    assert "balanced" in (site / f"m-2.{ending}").read_text().splitlines()[0]


def test_an_impossible_program_is_written_too(site: Path) -> None:
    of = estate([server("A"), server("B", 2)], [lpar("a1", "A"), lpar("a2", "A")])
    (site / "full.json").write_text(dump(Loaded(of)))
    told = run("evacuate", site / "full.json", "A", "--out", site / "plan", "--write-model", site / "why.lp")
    assert told.exit_code == 3 and solved(site / "why.lp") is None


@pytest.mark.parametrize("arguments", [
    ("headroom", "estate.json", "A", "--cores", "14", "--when", "always", "--no-curve"), ("consolidate", "estate.json"),
    ("whatif", "estate.json", "s.toml"), ("sweep", "estate.json", "g.toml")])
def test_every_planning_command_writes_its_programs(site: Path, arguments: tuple[str, ...],
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site)
    (site / "s.toml").write_text('name = "without A"\nretire = ["A"]\n')
    (site / "g.toml").write_text('name = "g"\nbase = "s.toml"\n[grid]\nretire = [["A"]]\n')
    told = run(*arguments, "--out", "plan", "--write-model", "m.lp")
    assert told.exit_code == 0, told.output
    written = sorted(site.glob("m*.lp"))
    assert written and all(solved(f) is not None for f in written)
    if arguments[0] in ("whatif", "sweep"):
        assert all(f.read_text().startswith("\\ planner: without A") for f in written)


def test_another_ending_is_refused_before_any_work(site: Path) -> None:
    told = run("evacuate", site / "estate.json", "A", "--out", site / "plan", "--write-model", site / "m.txt")
    assert told.exit_code == 2 and "--write-model" in told.output and not (site / "plan").exists()
