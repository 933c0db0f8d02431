"""Headroom from end to end: a history with a known month-end peak, the plan against the raw series, verify, the CLI."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from estates import loaded, stating
from landscape import build_usage, landscape
from openpyxl import load_workbook
from typer.testing import CliRunner

from planner import jobs
from planner.cli import app
from planner.errors import UsageError
from planner.estate.assemble import Loaded
from planner.estate.model import Estate, Policy
from planner.estate.saved import dump
from planner.history.calendar import BUCKETS, DayKind
from planner.history.store import History
from planner.jobs.usage import Period, UsageSpec, period_from, read_usage, usage_again
from planner.plan import BACK, OUT, Plan, Status, parse, plan_json
from planner.plan import dump as dump_plan
from planner.plan_schema import schema
from planner.report.runbook import runbook
from planner.report.workbook import plan_workbook
from planner.verify import verify_plan

P595 = "SN8379A80_p595-2"
CEILING = 90
MONTHS = 3


@pytest.fixture(scope="module")
def estate() -> Estate:
    """The landscape, with a ceiling of 90 % on the 595-2, which its month-end passes (93 %)."""
    return stating(landscape(), Policy("cpu-ceiling", P595, f"{CEILING}"))


@pytest.fixture(scope="module")
def series() -> Any:
    return build_usage.landscape_usage(landscape(), months=MONTHS, step_s=1800)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, series: Any) -> Path:
    path = tmp_path_factory.mktemp("history") / "usage.db"
    with History.open(path) as history:
        series.into(history)
    return path


def request(store: Path | None, cores: float = 1.0, gib: float = 64, **changes: Any) -> jobs.Request:
    period = period_from("2026-11", build_usage.SITE, None)
    spec = None if store is None else UsageSpec(store, build_usage.SITE, step_s=1800)
    return jobs.Request(P595, round(cores * 100), round(gib * 1024), period, usage=spec, **changes)


OPTIONS = jobs.Options(30, 0.0, None, come_back=True)


@pytest.fixture(scope="module")
def plan(estate: Estate, store: Path) -> Plan:
    return jobs.headroom(loaded(estate), request(store), OPTIONS)


def raw_peak(series: Any, estate: Estate, server: str, leaving: set[str], coming: set[str]) -> float:
    """The most cores used in any month-end slot, from the generated series alone: LPARs at home but for these."""
    peak = 0.0
    names = ({p.name for p in estate.lpars if p.server == server and p.active} - leaving) | coming
    idle = sum(v.entitlement_units for v in estate.vioses if v.server == server) / 100
    for month in series.months:
        slots = series.slots(month)
        inside = np.array([BUCKETS[b].kind is DayKind.MONTH_END for b in slots.buckets])
        total = sum(series.physc(load, slots)[inside] for load in series.loads if load.lpar.name in names)
        peak = max(peak, float(np.max(total)) / 1000)
    return peak + idle


def test_the_plan_keeps_every_ceiling_in_the_raw_series_and_without_its_moves_it_does_not(
        plan: Plan, estate: Estate, series: Any) -> None:
    assert plan.status is Status.OPTIMAL and plan.verified
    out = plan.leg(OUT)
    leaving = {m.lpar for m in out if m.source == P595}
    limit = 25 * CEILING / 100
    assert raw_peak(series, estate, P595, set(), set()) > limit
    assert raw_peak(series, estate, P595, leaving, set()) <= limit - 1.0
    for server in sorted({m.target for m in out}):
        row = next(s for s in estate.servers if s.name == server)
        arriving = {m.lpar for m in out if m.target == server}
        assert raw_peak(series, estate, server, {m.lpar for m in out if m.source == server}, arriving) <= (
            row.configurable_units / 100)


def test_the_profile_finds_the_known_peak(plan: Plan, series: Any, estate: Estate) -> None:
    """At 10:00 on month-end days the generated sum is exact, and the day's highest."""
    rows = [r for r in (plan.details or {})["hours"] if r["server"] == P595]
    busiest = max(rows, key=lambda r: r["peak_before"])
    idle = sum(v.entitlement_units for v in estate.vioses if v.server == P595) / 100
    assert busiest["kind"] == "month-end" and busiest["hour"] == 10
    assert busiest["peak_before"] == pytest.approx(series.sum_at(P595, 10) / 1000 + idle)


def test_nobody_critical_moves_and_everything_comes_home(plan: Plan, estate: Estate) -> None:
    production = {p.name for p in estate.lpars if p.environment == "production"}
    assert not {m.lpar for m in plan.moves} & production
    assert {(m.lpar, m.source) for m in plan.leg(OUT)} == {(m.lpar, m.target) for m in plan.leg(BACK)}


def test_it_comes_out_the_same_twice_and_reads_back(plan: Plan, estate: Estate, store: Path) -> None:
    again = jobs.headroom(loaded(estate), request(store), OPTIONS)
    assert dump_plan(again) == dump_plan(plan)
    assert plan_workbook(again, estate) == plan_workbook(plan, estate)
    jsonschema.validate(plan_json(plan), schema())
    back = parse(dump_plan(plan), "plan.json")
    assert verify_plan(back, estate, usage_again(estate, store, back.goal["usage"])).holds


def test_two_months_added_twice_give_the_same_plan(plan: Plan, estate: Estate, store: Path, series: Any, tmp_path: Path) -> None:
    twice = tmp_path / "twice.db"
    for _ in range(2):
        with History.open(twice) as history:
            series.into(history)
    assert dump_plan(jobs.headroom(loaded(estate), request(twice), OPTIONS)) == dump_plan(plan)


def test_verify_rejects_less_room_than_asked_for(plan: Plan, estate: Estate, store: Path) -> None:
    usage = usage_again(estate, store, plan.goal["usage"])
    for changes, message in (({"cores": 2.5}, "are unused after the way out"), ({"memory_gib": 200.0}, "GiB are free"),
                             ({"cores": 20.0, "by": "entitlement"}, "are entitled to nobody"),
                             ({"server": "nowhere"}, "no such server")):
        played = verify_plan(plan.replace(goal={**plan.goal, **changes}), estate, usage)
        assert any(f.rule == "goal.reached" and message in f.message for f in played.findings), changes
    first = plan.leg(OUT)[0].lpar
    moved = verify_plan(plan.replace(goal={**plan.goal, "critical": [first]}), estate, usage)
    assert any("is critical and moves" in f.message for f in moved.findings)


def test_verify_without_the_history_says_what_it_did_not_check(plan: Plan, estate: Estate) -> None:
    played = verify_plan(plan, estate)
    assert played.holds and any(f.rule == "plan.usage" for f in played.findings)


def test_the_curve_rises_to_the_most_and_tells_the_next_cores(plan: Plan) -> None:
    details = plan.details or {}
    costs = [p["cost_s"] for p in details["curve"] if p["status"] == "optimal"]
    assert costs == sorted(costs) and len(costs) > 2
    assert details["curve"][-1]["cores"] == details["largest"]["cores"] and details["largest"]["cores_status"] == "optimal"
    asked = next(p for p in details["curve"] if p["cores"] == 1.0)
    assert asked["cost_s"] == plan.objective
    for row in details["further_cores"]:
        if row["extra_s"] is not None:
            here = next(p for p in details["curve"] if p["cores"] == row["cores"])
            assert row["extra_s"] == pytest.approx(here["cost_s"] - asked["cost_s"])
    assert [r["cores"] for r in details["further_cores"]] == [1.3, 2.0]


def test_without_history_entitlements_count_and_it_is_said(estate: Estate) -> None:
    plan = jobs.headroom(loaded(estate), request(None, 15), OPTIONS)
    assert plan.status is Status.OPTIMAL and plan.goal["by"] == "entitlement" and "usage" not in plan.goal
    assert any("No usage history was given" in a for a in plan.assumptions)


def test_more_than_there_is_names_the_most(estate: Estate, store: Path) -> None:
    plan = jobs.headroom(loaded(estate), request(store, 8), OPTIONS)
    assert plan.status is Status.INFEASIBLE and jobs.exit_code(plan) == 3
    most = (plan.details or {})["largest"]
    assert most["cores_status"] == "optimal"
    assert jobs.headroom(loaded(estate), request(store, most["cores"], curve=False), OPTIONS).status is Status.OPTIMAL
    more = jobs.headroom(loaded(estate), request(store, most["cores"] + 0.01, curve=False), OPTIONS)
    assert more.status is Status.INFEASIBLE


def test_the_way_back_has_its_own_window(estate: Estate, store: Path) -> None:
    window = jobs.window_from("2026-11-21 20:00/23:00")
    options = jobs.Options(30, 0.0, window, come_back=True)
    plan = jobs.headroom(loaded(estate), request(store, curve=False), options)
    back = [plan.clock(m.start_ms) for m in plan.leg(BACK)]
    assert min(b for b in back if b) == dt.datetime(2026, 12, 3) and plan.window is not None and plan.window.fits
    tight = request(store, curve=False, back_window=jobs.window_from("2026-12-05 22:00/22:01"))
    missed = jobs.headroom(loaded(estate), tight, options)
    assert missed.back_window is not None and missed.back_window.fits is False and jobs.exit_code(missed) == 4
    assert any("the window of the way back" in f.message for f in missed.findings)
    played = verify_plan(missed, estate, usage_again(estate, store, missed.goal["usage"]))
    assert not played.holds and {f.rule for f in played.findings if f.severity.value == "error"} == {"timing.window"}


@pytest.mark.parametrize(("window", "back", "message"), [
    ("2026-11-26 22:00/23:00", None, "has begun"), ("2026-11-21 20:00/23:00", "2026-12-01 20:00/23:00", "is over"),
    (None, "2026-12-05 20:00/23:00", "needs --window")])
def test_windows_that_overlap_the_month_end_are_refused(estate: Estate, store: Path, window: str | None, back: str | None,
                                                         message: str) -> None:
    options = jobs.Options(30, 0.0, (window and jobs.window_from(window)) or None, come_back=True)
    with pytest.raises(UsageError, match=message):
        jobs.headroom(loaded(estate), request(store, back_window=(back and jobs.window_from(back)) or None), options)


def test_the_next_month_end_is_the_one_after() -> None:
    def found(year: int, month: int, day: int) -> Period:
        return period_from("month-end", build_usage.SITE, dt.datetime(year, month, day))

    assert found(2026, 11, 21).start == dt.datetime(2026, 11, 26) and found(2026, 11, 21).end == dt.datetime(2026, 12, 3)
    assert found(2026, 11, 26).start == dt.datetime(2026, 11, 26)
    assert found(2026, 11, 27).start == dt.datetime(2026, 12, 29)
    assert found(2026, 12, 30).start == dt.datetime(2027, 1, 27)
    assert period_from("month-end", build_usage.SITE, None).start is None
    assert len(period_from("always", build_usage.SITE, None).buckets) == 72
    with pytest.raises(UsageError, match="--when 'soon'"):
        period_from("soon", build_usage.SITE, None)


def test_a_percentile_caps_each_lpar_and_growth_raises_it(estate: Estate, store: Path) -> None:
    buckets = period_from("2026-11", build_usage.SITE, None).buckets
    peak, _ = read_usage(estate, UsageSpec(store, build_usage.SITE, step_s=1800), buckets)
    calm, _ = read_usage(estate, UsageSpec(store, build_usage.SITE, "50", step_s=1800), buckets)
    grown, _ = read_usage(estate, UsageSpec(store, build_usage.SITE, growth_percent=10, step_s=1800), buckets)
    assert (calm.physc <= peak.physc).all() and (calm.physc < peak.physc).any()
    assert (grown.physc == -(-peak.physc * 110 // 100)).all()


def test_reports_say_what_was_asked(plan: Plan, estate: Estate, tmp_path: Path) -> None:
    text = runbook(plan, estate)
    assert f"room of 1 cores and 64 GiB on {P595.replace('_', '_')}" in text
    assert "curr_avail_sys_proc_units" in text and "firmware work done" not in text
    file = tmp_path / "plan.xlsx"
    file.write_bytes(plan_workbook(plan, estate))
    book = load_workbook(file)
    assert {"Room", "Peaks by hour"} <= set(book.sheetnames)
    sheet = book["Room"]
    assert sheet["B4"].value == (plan.details or {})["free_now"]["cores_by_entitlement"]
    assert sheet["C5"].value == (plan.details or {})["free_after"]["cores_by_usage"]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["headroom", *arguments])


def test_the_command_line(estate: Estate, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "estate.json"
    file.write_text(dump(Loaded(estate)), encoding="utf-8")
    asked = [str(file), P595, "--cores", "1", "--memory", "64", "--history", str(store), "--country", "AU", "--subdivision",
             "VIC", "--no-curve"]
    told = run(*asked, "--when", "2026-11", "--out", str(tmp_path / "plan"), "--json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["status"] == "optimal"
    assert {"plan.json", "plan.xlsx", "runbook.md"} <= {p.name for p in (tmp_path / "plan").iterdir()}
    for wrong, message in ((["--cores", "some"], "--cores some"), (["--when", "later"], "--when 'later'"),
                           (["--critical", "zz"], "matches no LPAR"), (["--history", str(tmp_path / "no.db")], "no such"),
                           (["--cores", "0", "--memory", "0"], "ask for some room")):
        bad = run(*asked, *wrong, "--out", str(tmp_path / "other"))
        assert bad.exit_code == 2 and message in bad.stderr + bad.stdout, bad.output
        assert "Traceback" not in bad.output
    checked = CliRunner().invoke(app, ["verify", str(tmp_path / "plan"), str(file), "--history", str(store)])
    assert checked.exit_code == 0 and "the plan holds" in checked.stdout


def test_an_evacuation_counts_the_usage_of_its_windows_hours(estate: Estate, store: Path) -> None:
    window = jobs.window_from("2026-11-27 09:00/12:00")
    spec = UsageSpec(store, build_usage.SITE, step_s=1800)
    plan = jobs.evacuate(loaded(estate), ["SN1001C92_p570-2"], jobs.Options(30, 0.0, window), usage=spec)
    assert plan.goal["usage"]["hours"] == {"month-end": [9, 10, 11]}
    parsed = parse(dump_plan(plan), "plan.json")
    assert parsed.goal["usage"] == plan.goal["usage"]
    if plan.moves:
        assert verify_plan(parsed, estate, usage_again(estate, store, plan.goal["usage"])).holds


def test_without_days_the_way_back_is_planned_all_the_same(estate: Estate, tmp_path: Path) -> None:
    """``planner headroom ESTATE SERVER --cores N --memory GiB`` and no more."""
    file = tmp_path / "estate.json"
    file.write_text(dump(Loaded(estate)), encoding="utf-8")
    told = run(str(file), P595, "--cores", "15", "--memory", "64", "--out", str(tmp_path / "plan"), "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert {m["leg"] for m in found["moves"]} == {"out", "back"}
    assert any("Nobody said on which days" in a for a in found["assumptions"])
    for_good = run(str(file), P595, "--cores", "15", "--when", "always", "--out", str(tmp_path / "other"), "--json")
    assert for_good.exit_code == 0 and {m["leg"] for m in json.loads(for_good.stdout)["moves"]} == {"out"}
