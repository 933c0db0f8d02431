"""Forecasts of an estate's servers, pools and LPARs, and what ``planner history forecast`` says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from estates import estate, loaded, lpar, policy, server
from landscape import DATA, build_usage, landscape
from typer.testing import CliRunner

from planner.cli import app
from planner.formats.samples import Kind
from planner.history.forecast import Method, forecast
from planner.history.store import Columns, History
from planner.jobs.capacity import CapacityOptions, capacity
from planner.jobs.forecasts import Entity, ForecastQuestion, forecasts

P595_2, P570_1 = "SN8379A80_p595-2", "SN1001C70_p570-1"
VICTORIA = ("--country", "AU", "--subdivision", "VIC")


@pytest.fixture(scope="module")
def usage() -> Any:
    """The LPARs of the 595-2 over seven months, the fewest for a trend."""
    made = build_usage.landscape_usage(landscape(), months=7, step_s=3600)
    return replace(made, loads=tuple(load for load in made.loads if load.lpar.server == P595_2))


@pytest.fixture(scope="module")
def store(usage: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("forecast") / "usage.duckdb"
    with History.open(made) as history:
        usage.into(history)
    return made


@pytest.fixture(scope="module")
def history(store: Path) -> Iterator[History]:
    with History.open(store, read_only=True) as opened:
        yield opened


def by_name(found: list[Entity]) -> dict[str, Entity]:
    return {one.name: one for one in found}


def test_servers_as_their_lpars_stand(usage: Any, history: History) -> None:
    """The known month-ends go in, the ceiling is 90 % less what partitions without recordings are entitled to."""
    found = forecasts(history, build_usage.SITE, ForecastQuestion(horizon=6, estate=landscape(), step_s=3600))
    assert [one.name for one in found] == [P570_1, "SN1001C92_p570-2", P595_2]
    server = by_name(found)[P595_2]
    ends = [usage.sum_at(P595_2, 10, month) for month in usage.months]
    assert [m.month_end_peak for m in server.months] == ends
    assert (server.unknown, server.assumed) == (("hvio6", "hvio7", "hvio8"), 1500)
    assert server.ceiling == 25_000 * 90 // 100 - 1500
    assert server.forecast == replace(forecast(usage.months, ends, 6, server.ceiling), notes=server.forecast.notes)
    assert server.forecast.method is Method.TREND
    assert server.forecast.ceiling_month == (2026, 11)
    assert server.forecast.ceiling_words() == "in 2026-11 already"


def test_lpars_have_what_they_can_use_as_ceiling(usage: Any, history: History) -> None:
    found = by_name(forecasts(history, build_usage.SITE, ForecastQuestion(horizon=2, estate=landscape(), by_lpar=True, step_s=3600)))
    assert found["hxaix09adm"].ceiling == 6000 and found["hxaix43adm"].ceiling == 100
    assert "hxaix69" not in found  # not activated
    assert [m.month_end_peak for m in found["hxaix09adm"].months] == [
        usage.peak("hxaix09adm", month) for month in usage.months]
    recorded = by_name(forecasts(history, build_usage.SITE, ForecastQuestion(horizon=2, by_lpar=True, step_s=3600)))
    assert recorded["hxaix09adm"].forecast is not None and found["hxaix09adm"].forecast is not None
    assert recorded["hxaix09adm"].forecast.points == found["hxaix09adm"].forecast.points
    assert recorded[P595_2].ceiling is None
    assert recorded[P595_2].months == found[P595_2].months


def test_a_pool_of_its_own_is_forecast_of_its_members(usage: Any, history: History) -> None:
    estate = landscape()
    there = [p.name for p in estate.lpars if p.server == P595_2 and p.active][:4]
    lpars = tuple(replace(p, pool_id=3) if p.name in there else p for p in estate.lpars)
    pool = replace(next(row for row in estate.pools if row.server == P595_2), pool_id=3, name="batch", max_units=1200)
    found = forecasts(history, build_usage.SITE, ForecastQuestion(horizon=1, estate=estate.replace(lpars=lpars, pools=(
        *estate.pools, pool)), step_s=3600))
    pools = [one for one in found if one.kind is Kind.POOL]
    assert [(one.name, one.server, one.ceiling) for one in pools] == [
        ("DefaultPool", P595_2, 22_500), ("batch", P595_2, 10_800)]
    assert pools[1].lpars == tuple(sorted(there))
    assert len(pools[0].lpars) == 19 - 4


FOUR = ("hxaix09adm", "hxaix11adm", "hxaix13", "hxaix26")


@pytest.fixture(scope="module")
def thin(usage: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four LPARs of the 595-2 in six months; in November, of which two days are of October's month-end, one alone."""
    made: Path = tmp_path_factory.mktemp("thin") / "usage.duckdb"
    kept = replace(usage, loads=tuple(load for load in usage.loads if load.lpar.name in FOUR))
    with History.open(made) as history:
        replace(kept, months=kept.months[:-1]).into(history)
        replace(kept, months=kept.months[-1:], loads=tuple(x for x in kept.loads if x.lpar.name == "hxaix26")).into(
            history)
    return made


@pytest.mark.parametrize("of", [None, landscape()])
def test_a_month_of_some_lpars_is_no_month_of_their_server(thin: Path, usage: Any, of: Any) -> None:
    """The three that were not recorded counted as idle: "last 0.57", and an error of 463 % of what came."""
    with History.open(thin, read_only=True) as history:
        server = by_name(forecasts(history, build_usage.SITE, ForecastQuestion(horizon=3, estate=of, by_lpar=True, step_s=3600)))[P595_2]
        one = by_name(forecasts(history, build_usage.SITE, ForecastQuestion(horizon=3, estate=of, by_lpar=True, step_s=3600)))["hxaix26"]
    november = next(m for m in server.months if m.month == (2026, 11))
    lacking = tuple(sorted(set(FOUR) - {"hxaix26"}))
    assert (november.counts(), november.of_some(), november.lacking) == (False, True, lacking)
    assert server.forecast and server.forecast.months_used == len(usage.months) - 2
    assert server.forecast.months[0] == (2026, 10)
    assert server.forecast.points[0] > 3000
    assert f"not used: 2026-10, 2026-11, in which too little is recorded of {', '.join(lacking)}" in server.forecast.notes
    assert one.forecast and one.forecast.months_used == len(usage.months)


def test_the_command_names_those_that_are_missing(thin: Path) -> None:
    said = " ".join(run("--store", thin, *VICTORIA).output.split())
    assert "not used: 2026-10, 2026-11, in which too little is recorded of hxaix09adm, hxaix11adm, hxaix13" in said
    assert "with --estate those count that are in it" in said
    told = json.loads(run("--store", thin, *VICTORIA, "--json").stdout)["entities"][0]
    assert told["months"][-1]["lacking"] == ["hxaix09adm", "hxaix11adm", "hxaix13"]


def test_history_forecast_and_capacity_agree(thin: Path) -> None:
    """On the same history they use the same months, of the same figures but for what has no recordings at all."""
    with History.open(thin, read_only=True) as history:
        found = by_name(forecasts(history, build_usage.SITE, ForecastQuestion(horizon=3, estate=landscape())))[P595_2]
        place = next(p for p in capacity(loaded(landscape()), history, CapacityOptions((2026, 11), build_usage.SITE)
                                         ).servers if p.name == P595_2)
    assert found.forecast and place.outlook
    assert place.outlook.after == (2026, 9)
    assert place.outlook.made.points[:3] == tuple(v + found.assumed for v in found.forecast.points)
    assert place.outlook.made.months_used == found.forecast.months_used
    assert all(any(word in note for note in place.outlook.made.notes) for word in ("2026-11", "hxaix13"))
    assert {m: u.month_end for m, u in place.past.items()} == {
        m.month: (m.month_end_peak or 0) + found.assumed for m in found.months}


def test_a_hole_is_filled_as_capacity_does(tmp_path: Path) -> None:
    """The only LPAR of a server is not recorded on one month-end day of two: its entitlement stands there."""
    start = 1_793_451_600  # 1 November 2026, 00:00 in Melbourne
    ends = [start + 3600 * (n + 1) for n in range(33 * 24) if n // 24 not in (27, 29)]
    of_a = {name: [value] * len(ends) for name, value in (("span", 3600), ("physc", 400), ("ent", -1),
                                                          ("mem_used", -1), ("mem_total", -1))}
    of = estate([server("A")], [lpar("a", "A", 2, 4)])
    with History.open(tmp_path / "h") as made:
        made.add_columns(Columns("sample", [("lpar", "a", "A")] * len(ends), {"t": ends, **of_a}), "x", "0" * 64,
                         "Australia/Melbourne")
        found = by_name(forecasts(made, build_usage.SITE, ForecastQuestion(horizon=1, estate=of, by_lpar=True)))
        place = capacity(loaded(of), made, CapacityOptions((2026, 11), build_usage.SITE)).servers[0]
    assert [m.month_end_peak for m in found["a"].months[:1]] == [400]
    assert found["A"].months[0].month_end_peak == place.usage.decisive - found["A"].assumed


def run(*arguments: Any) -> Any:
    done = CliRunner().invoke(app, ["history", "forecast", *(str(a) for a in arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_the_command_says_when_and_how_good(usage: Any, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = run("--store", store, "--estate", DATA / "landscape", "--horizon", "4", *VICTORIA)
    assert shown.exit_code == 0
    said = " ".join(shown.output.split())
    assert f"{P595_2} 7 23.24" in said and "21.00 in 2026-11 already" in said
    assert "2026-12 2027-01 2027-02 method" in said
    assert "hvio6, hvio7, hvio8: what they are entitled to, 1.50 cores, is taken off the ceiling" in said
    assert "as last month missed by" in said and "holidays of AU-VIC" in said


def test_the_one_line_says_who_is_full_first_and_all_months_are_there_on_demand(usage: Any, store: Path) -> None:
    asked = ("--store", store, "--estate", DATA / "landscape", "--horizon", "4", *VICTORIA)
    assert run(*asked, "-q").stdout == f"{P595_2} reaches its ceiling first: 2026-11\n"
    said = run(*asked, "-v").stdout
    assert all(month in said for month in ("2026-12", "2027-01", "2027-02", "2027-03"))


def test_the_command_for_programs(usage: Any, store: Path) -> None:
    told = json.loads(run("--store", store, "--estate", DATA / "landscape", "--by-lpar", *VICTORIA, "--json").stdout)
    assert len(told["entities"]) == 3 + 72
    assert [one["name"] for one in told["entities"] if one["forecast"] is None and one["kind"] == "server"] == [
        P570_1, "SN1001C92_p570-2"]
    server = next(one for one in told["entities"] if one["name"] == P595_2)
    assert [m["month_end_peak"] for m in server["months"]] == [usage.sum_at(P595_2, 10, m) for m in usage.months]
    assert server["forecast"]["months"][0]["month"] == "2026-12"
    assert told["backtest"]["mae_used"] <= told["backtest"]["mae_naive"]


def test_few_months_are_said(store: Path, tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as made:
        build_usage.landscape_usage(landscape(), months=2, step_s=3600).into(made)
    shown = run("--store", tmp_path / "h", "--figure", "mean")
    assert shown.exit_code == 0
    said = " ".join(shown.output.split())
    assert "2 months are too few for a back-test (7 in a row are needed)" in said and "Back-test: too few months." in said


def test_nothing_to_forecast(tmp_path: Path) -> None:
    History.open(tmp_path / "h").close()
    done = run("--store", tmp_path / "h")
    assert done.exit_code == 2 and "no month of which enough is known" in done.output
    assert run("--store", tmp_path / "none").exit_code == 2
    assert run("--store", tmp_path / "h", "--horizon", "0").exit_code == 2


def test_nothing_is_cut_at_any_width(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns names and figures were cut, method and ceiling were gone."""
    answers: list[Any] = []  # the same at any width: worked out once
    monkeypatch.setattr("planner.jobs.forecasts.forecasts", lambda *asked: answers[0] if answers else answers.append(
        forecasts(*asked)) or answers[0])
    for columns in (80, 100, 140, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        done = run("--store", store, "--estate", DATA / "landscape", *VICTORIA)
        assert done.exit_code == 0 and max(map(len, done.stdout.splitlines())) <= columns
        for word in (P595_2, P570_1, "trend", "21.00"):
            assert word in done.stdout
        assert {"in", "2026-11", "already"} <= {*done.stdout.split()}  # the last column may fold between words
        assert len(re.findall(r"\d\d\.\d\d \(\d\d\.\d\d–\d\d\.\d\d\)", done.stdout)) == 3


def test_a_policy_states_its_ceiling_and_reserve_here_too(history: History) -> None:
    """--ceiling 90 stood for all servers, whatever the policies of the estate say."""
    stated = landscape().replace(policies=(policy("cpu-ceiling", P595_2, "80"), policy("reserve-cores", P595_2, "2")))
    found = by_name(forecasts(history, build_usage.SITE, ForecastQuestion(horizon=1, estate=stated, step_s=3600)))
    assert found[P595_2].ceiling == 25_000 * 80 // 100 - 2000 - 1500
    plain = by_name(forecasts(history, build_usage.SITE, ForecastQuestion(horizon=1, estate=landscape(), step_s=3600)))
    assert found[P570_1].ceiling == plain[P570_1].ceiling and plain[P595_2].ceiling != found[P595_2].ceiling
