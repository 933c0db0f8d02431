"""``planner remedy``: sets of changes with tickets, and for each a plan that verifies against the estate beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, changed, policy, stating
from typer.testing import CliRunner

import planner
from planner.cli import app
from planner.errors import UsageError
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.prices import PRICES
from planner.estate.saved import dump

PINNED = stating(changed(BASE, "a2", rmc_active=False), policy("pin", "a1"))


def run(tmp_path: Path, of: Estate, *more: str) -> Any:
    (tmp_path / "e.json").write_text(dump(Loaded(of)))
    return CliRunner().invoke(app, ["remedy", str(tmp_path / "e.json"), *more, "--out", str(tmp_path / "out")])


def test_sets_are_told_with_tickets_and_their_plans_verify(tmp_path: Path) -> None:
    done = run(tmp_path, PINNED, "A", "--return")
    assert done.exit_code == 0, done.output
    assert "shut a1 down for the window" in done.output and "no cheaper set on the price list will do" in done.output
    told = json.loads((tmp_path / "out" / "remedy.json").read_text())
    assert [s["price"] for s in told["sets"]] == [50, 90, 95] and not told["today"]["possible"]
    assert [t["owner"] for t in told["sets"][0]["tickets"]] == ["Power", "application"]
    tickets = (tmp_path / "out" / "set-1" / "tickets.md").read_text()
    assert "rmcctrl -p" in tickets and "chsysstate" in tickets and "undone after the window" in tickets
    for n in (1, 2, 3):
        where = tmp_path / "out" / f"set-{n}"
        held = CliRunner().invoke(app, ["verify", str(where), str(where / "estate.json")])
        assert held.exit_code == 0, held.output


def test_what_is_possible_needs_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, BASE, "A", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["sets"] == [] and json.loads(done.stdout)["today"]["possible"]


def test_headroom_has_remedies_too(tmp_path: Path) -> None:
    done = run(tmp_path, stating(BASE, policy("pin", "*"), policy("reserve-cores", "B", "3")), "B", "--cores", "11", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["sets"][0]["price"] == 40 and "reserve-cores" in told["sets"][0]["tickets"][0]["changes"][0]["what"]
    alone = run(tmp_path, BASE, "B", "--critical", "b1")
    assert alone.exit_code == 2 and "--critical and --when are of headroom" in " ".join(alone.output.split())
    stays = run(tmp_path, BASE, "B", "--cores", "13", "--critical", "b1", "--when", "month-end", "--json")
    assert stays.exit_code == 0 and all("b1" not in c["what"] or "lower" in c["what"] for s in json.loads(stays.stdout)["sets"]
                                        for t in s["tickets"] for c in t["changes"])


def test_a_price_list_forbids_and_names_owners(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[pin]\nallowed = false\n[stop]\nallowed = false\n[rmc]\nowner = "desk"\nprice = 7\n')
    done = run(tmp_path, PINNED, "A", "--prices", str(prices))
    assert done.exit_code == 3 and "No set of changes on the price list makes it possible" in done.output
    assert "a1" in done.output and "policy.pin" in done.output
    done = run(tmp_path, changed(BASE, "a2", rmc_active=False), "A", "--prices", str(prices), "--json")
    assert json.loads(done.stdout)["sets"][0]["tickets"][0]["owner"] == "desk"


def test_a_wrong_price_list_is_told_with_its_line(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text("[stop]\nprice = 0\n[nonsense]\nprice = 3\n")
    done = run(tmp_path, BASE, "A", "--prices", str(prices))
    assert done.exit_code == 2 and "prices.toml:2" in done.output and "prices.toml:3" in done.output


def test_the_page_lists_the_prices_of_the_package() -> None:
    page = (Path(__file__).parents[2] / "docs" / "remedy.md").read_text()
    told = {m[1]: (m[2], m[3], m[4]) for m in re.finditer(r"(?m)^\| `([a-z-]+)` \| (.*?) \| (\d+)(?:, not allowed)? \| (.*?) \|$", page)}
    assert told == {k: (p.what, str(p.price), p.owner) for k, p in PRICES.of.items()}


def test_every_server_and_a_budget(tmp_path: Path) -> None:
    done = run(tmp_path, PINNED, "--all", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["today"] == ["B", "C"] and told["price"] == 50 and told["windows"]["A"]["verified"]
    where = tmp_path / "out" / "window-A"
    assert CliRunner().invoke(app, ["verify", str(where), str(where / "estate.json")]).exit_code == 0
    done = run(tmp_path, PINNED, "--all", "--budget", "40")
    assert done.exit_code == 0 and "not within the budget" in done.output


def test_a_goal_is_named_once(tmp_path: Path) -> None:
    assert run(tmp_path, BASE).exit_code == 2 and run(tmp_path, BASE, "A", "--all").exit_code == 2
    assert run(tmp_path, BASE, "A", "--budget", "3").exit_code == 2


def test_a_window_that_is_too_short_wants_a_faster_link_or_is_told_how_much_longer(tmp_path: Path) -> None:
    big = changed(changed(BASE, "a1", memory_mib=65536, max_memory_mib=65536), "a2", memory_mib=16384, max_memory_mib=16384)
    window = ("--window", "2026-12-05 22:00/22:40", "--zone", "Europe/Berlin")
    done = run(tmp_path, big, "A", *window, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["sets"]
    kinds = [{c["kind"] for t in s["tickets"] for c in t["changes"]} for s in told]
    assert {"link"} in kinds and {"stop"} in kinds and all(s["plan"]["seconds"] <= 2400 for s in told)
    prices = tmp_path / "p.toml"
    prices.write_text("[link]\nallowed = false\n[stop]\nallowed = false\n")
    done = run(tmp_path, big, "A", *window, "--prices", str(prices))
    assert done.exit_code == 4 and "would do" in done.output


def test_the_same_from_python(tmp_path: Path) -> None:
    told = planner.remedy(PINNED, "A", come_back=True)
    assert [s.cost for s in told.sets] == [50, 90, 95] and told.cheapest and not told.today.verified
    with pytest.raises(UsageError):
        planner.remedy(BASE, "A", "B", cores=2)
    assert planner.remedy(BASE, "B", cores=2).sets == ()
