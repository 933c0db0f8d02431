"""``planner explain``: an LPAR and a server, a server, a move of a plan, a server that stays on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from estates import BASE, estate, lpar, policy, server, stating
from typer.testing import CliRunner

from planner.cli import app
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import dump

PINNED = stating(BASE, policy("pin", "a1"))


def run(tmp_path: Path, of: Estate, *more: str, command: str = "explain") -> Any:
    (tmp_path / "e.json").write_text(dump(Loaded(of)))
    return CliRunner().invoke(app, [command, str(tmp_path / "e.json"), *more])


def test_an_lpar_and_its_servers(tmp_path: Path) -> None:
    one = run(tmp_path, PINNED, "a1", "B")
    assert one.exit_code == 0 and "a1 (on A) may not go to B" in one.output and "[policy.pin]" in one.output
    assert "may not go to C" not in one.output
    both = json.loads(run(tmp_path, PINNED, "a1", "--json").output)
    assert [(e["to"], e["allowed"]) for e in both] == [("B", False), ("C", False)]
    assert both[0]["because"][0]["facts"][0]["sheet"] == "Policies"


def test_a_server(tmp_path: Path) -> None:
    assert "A cannot be freed: a1 may go to no other server" in run(tmp_path, PINNED, "A").output
    assert "nothing is proved to stand in the way of freeing B" in run(tmp_path, PINNED, "B").output


def test_a_move_of_a_plan_and_a_server_that_stays_on(tmp_path: Path) -> None:
    assert run(tmp_path, BASE, "A", "--out", str(tmp_path / "p"), command="evacuate").exit_code == 0
    told = json.loads(run(tmp_path, BASE, "a1", "--plan", str(tmp_path / "p"), "--json").output)
    assert told[0]["why"] == "A is to be free" and {*told[0]["instead"][0]} == {"server", "more_points", "breaks"}
    assert "the plan does not move b1" in run(tmp_path, BASE, "b1", "--plan", str(tmp_path / "p")).output
    full = estate([server("A", 4), server("B", 4)], [lpar("a1", "A", 2), lpar("b1", "B", 2)])
    assert run(tmp_path, full, "--out", str(tmp_path / "c"), command="consolidate").exit_code == 0
    stays = run(tmp_path, full, "B", "--plan", str(tmp_path / "c")).output
    assert "on: " in stays and "B" in stays


def test_who_is_unknown_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, BASE, "zz9", "B")
    assert done.exit_code == 2 and "zz9" in done.output
    assert run(tmp_path, BASE, "a1", "A").exit_code == 2


def test_the_directory_of_a_plan_is_no_estate(tmp_path: Path) -> None:
    """It holds a workbook with a sheet of servers, which was read as an estate's with everything else missing."""
    (tmp_path / "plan.json").write_text("{}")
    done = CliRunner().invoke(app, ["explain", str(tmp_path), "a1"])
    assert done.exit_code == 2 and "give the estate" in done.output and "--plan" in done.output
