"""``planner capacity`` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from landscape import DATA, build_usage, landscape, saved_landscape
from openpyxl import load_workbook
from typer.testing import CliRunner

from planner.cli import app
from planner.history.store import History

VICTORIA = ("--country", "AU", "--subdivision", "VIC")
BUSY = "SN8379A80_p595-2"


def run(*arguments: Any) -> Any:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture(scope="module")
def usage() -> Any:
    return build_usage.landscape_usage(landscape(), months=2, step_s=3600)


@pytest.fixture(scope="module")
def store(usage: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("store") / "usage.duckdb"
    with History.open(made) as history:
        usage.into(history)
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_landscape(tmp_path_factory.mktemp("site"))


def test_the_known_month_end_peak_is_found(store: Path, usage: Any, tmp_path: Path) -> None:
    out = tmp_path / "capacity.xlsx"
    asked = ("capacity", DATA / "landscape", "--history", store, "--month", "2026-11", *VICTORIA, "--out", out)
    done = run(*asked, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    for server in told["servers"]:
        vioses = sum(v.entitlement_units for v in landscape().vioses if v.server == server["name"])
        assert server["used"]["month_end_peak"] == (usage.sum_at(server["name"], 10) + vioses * 10) / 1000
    for lpar in told["lpars"]:
        if lpar["used"] and usage.load(lpar["name"]).role != "evening":  # noise hides the peaks of the evening
            assert lpar["used"]["month_end_peak"] == usage.peak(lpar["name"]) / 1000
    busy = next(s for s in told["servers"] if s["name"] == BUSY)
    assert busy["headroom"] < 0 < min(s["headroom"] for s in told["servers"] if s["name"] != BUSY)
    assert told["answer"][0].startswith(f"How full: at the month-end of 2026-11 the fullest server is {BUSY};")
    assert "Summary" in load_workbook(out).sheetnames
    again = run(*asked)
    assert again.exit_code == 0 and told["answer"][1] in " ".join(again.stdout.split())


def test_an_edited_workbook_is_not_overwritten(store: Path, site: Path, tmp_path: Path) -> None:
    out = tmp_path / "capacity.xlsx"
    out.write_text("mine")
    asked = ("capacity", site, "--history", store, "--month", "2026-11", "--months", "1", "--out", out)
    done = run(*asked)
    assert done.exit_code == 2 and "--force" in done.stderr and out.read_text() == "mine"
    assert run(*asked, "--force").exit_code == 0


@pytest.mark.parametrize(("arguments", "said"), [
    (("--month", "2026-13"), "is not a month like 2026-11"),
    (("--month", "2025-01"), "the history has nothing of this estate in 2025-01; of its LPARs it holds 2026-10-01 to 2026-12-01"),
    (("--month", "2026-11", "--percentile", "0"), "0 is no percentile"),
    (("--month", "2026-11", "--country", "Atlantis"), "ISO 3166"),
    (("--month", "2026-11", "--plan", "/nowhere/plan.json"), "cannot be read"),
    (("--month", "2026-11", "--cpu-ceiling", "0"), "--cpu-ceiling"),
    (("--month", "2026-11", "--growth", "nan"), "--growth"),
    (("--month", "2026-11", "--history", "/nowhere/h"), "its directory does not exist"),
])
def test_what_cannot_be_answered_is_said(store: Path, site: Path, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    out = tmp_path / "capacity.xlsx"
    done = run("capacity", site, "--history", store, "--out", out, *arguments)
    assert done.exit_code == 2 and not out.exists()
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_a_plan_of_another_estate_is_refused(store: Path, site: Path, tmp_path: Path) -> None:
    made = run("evacuate", DATA / "js22", "Server-7998-61X-SN10071DA", "--out", tmp_path / "plan")
    assert made.exit_code == 0, made.output
    done = run("capacity", site, "--history", store, "--month", "2026-11", "--plan", tmp_path / "plan", "--out",
               tmp_path / "c.xlsx")
    assert done.exit_code == 2 and "give the plan that was made for it" in done.stderr


def test_a_headroom_plan_is_replayed_with_its_usage(store: Path, site: Path, tmp_path: Path) -> None:
    """As ``planner headroom`` wrote it: it holds, also in what it says of usage, and the peak falls as it said."""
    made = run("headroom", site, BUSY, "--cores", "1", "--memory", "4", "--when", "2026-11", "--history", store,
               *VICTORIA, "--time-limit", "20", "--out", tmp_path / "plan", "--json")
    assert made.exit_code == 0, made.output
    done = run("capacity", site, "--history", store, "--month", "2026-11", *VICTORIA, "--plan", tmp_path / "plan",
               "--out", tmp_path / "c.xlsx", "--json")
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)["plan"]
    assert plan["holds"] and "plan.usage" not in {f["rule"] for f in plan["findings"]}
    busy = next(s for s in plan["servers"] if s["server"] == BUSY)
    assert busy["month_end_peak_after"] <= 25 - 1 < busy["month_end_peak_before"]


def test_help_has_an_example() -> None:
    assert "Example: planner capacity" in run("capacity", "--help").output.replace("\n", " ")
