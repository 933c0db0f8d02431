"""How a plan is told on the terminal: the answer first, whatever the width, and nothing that is cut."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.cli import app
from planner.plan.plan import read_plan


@pytest.fixture(scope="module")
def servers():
    from planner.estate.load import load

    return sorted(s.name for s in load([Path("data/js22")]).estate.servers)


def told(tmp_path, server, *more, columns=80):
    done = CliRunner().invoke(app, ["evacuate", "data/js22", server, "--effort", "0.1", "--out", str(tmp_path / "p"),
                                    "--force", *more], env={"COLUMNS": str(columns)})
    return done, read_plan(tmp_path / "p")


@pytest.mark.parametrize("columns", [60, 80, 100, 140])
def test_no_line_is_wider_than_the_terminal_and_no_move_is_lost(tmp_path, servers, columns) -> None:
    done, plan = told(tmp_path, servers[0], "--return", "--window", "2026-12-05 22:00/04:00", columns=columns)
    lines = done.stdout.splitlines()
    assert done.exit_code == 0 and plan.moves
    assert max(map(len, lines)) <= columns
    assert all(any(m.lpar in line for line in lines) for m in plan.moves)
    night = next(line for line in lines if "O" in line and "B" in line and set(line) <= set("│ .OwB~!x|"))
    assert night.index("O") < night.index("w") < night.index("B")


@pytest.mark.parametrize(("window", "word"), [("2026-12-05 22:00/04:00", "FITS"), ("2026-12-05 22:00/22:01", "DOES NOT"),
                                              (None, "PLANNED")])
def test_whether_the_window_holds_comes_before_whether_it_is_optimal(tmp_path, servers, window, word) -> None:
    asked = ("--window", window) if window else ()
    done, plan = told(tmp_path, servers[0], *asked)
    shown = done.stdout
    assert shown.index(word) < shown.index("OPTIMAL:") and "points (proved)" in " ".join(shown.split())
    one, _ = told(tmp_path, servers[0], *asked, "-q", columns=200)
    assert one.stdout.startswith(word) and len(one.stdout.splitlines()) == 1 and one.exit_code == done.exit_code
    assert f"{plan.objective:,.0f} points" in one.stdout


def test_verbose_has_what_the_screen_leaves_out(tmp_path, servers) -> None:
    window = ("--window", "2026-12-05 22:00/04:00")
    assert "in half of them" not in " ".join(told(tmp_path, servers[0], *window)[0].stdout.split())
    assert "in half of them" in " ".join(told(tmp_path, servers[0], *window, "-v")[0].stdout.replace("│", "").split())
