"""Headroom from end to end: a history with a known month-end peak, the plan against the raw series, verify, the CLI."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estates import estate as estate_of
from estates import loaded, lpar, server, stating
from landscape import build_usage, landscape
from openpyxl import load_workbook
from published import keeps_schema
from typer.testing import CliRunner

from planner import jobs
from planner.cli import app
from planner.errors import InputError, UsageError
from planner.estate.assemble import Loaded
from planner.estate.model import Estate, Policy
from planner.estate.saved import dump
from planner.findings import errors
from planner.formats.samples import Kind
from planner.history.calendar import BUCKETS, Calendar, DayKind
from planner.history.store import Columns, History
from planner.jobs.peak_hours import UsageSpec, period_from, usage_again
from planner.plan.choices import BACK, OUT, By, Status
from planner.plan.details import HeadroomDetails
from planner.plan.plan import Plan, Window, parse, plan_json
from planner.plan.plan import dump as dump_plan
from planner.plan.questions import UNSEEN, Evacuate, Headroom, Period, hours_json
from planner.report.headroom import sentences
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
    return build_usage.landscape_usage(landscape(), months=MONTHS, step_s=3600)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, series: Any) -> Path:
    path = tmp_path_factory.mktemp("history") / "usage.db"
    with History.open(path) as history:
        series.into(history)
    return path


OPTIONS = jobs.Options(30)


def details_of(plan: Plan) -> HeadroomDetails:
    assert isinstance(plan.details, HeadroomDetails)
    return plan.details


def planned(of: Estate, store: Path | None, cores: float = 1.0, gib: float = 64, options: jobs.Options = OPTIONS,
            curve: bool = True) -> Plan:
    goal = Headroom(server=P595, units=round(cores * 100), memory_mib=round(gib * 1024), come_back=True,
                    by=By.ENTITLEMENT if store is None else By.BOTH,
                    **period_from("2026-11", build_usage.SITE, None)._asdict())
    spec = None if store is None else UsageSpec(store, build_usage.SITE, step_s=3600)
    return jobs.headroom(loaded(of), goal, options, spec, curve=curve)


@pytest.fixture(scope="module")
def plan(estate: Estate, store: Path) -> Plan:
    return planned(estate, store)


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
    for target in sorted({m.target for m in out}):
        row = next(s for s in estate.servers if s.name == target)
        arriving = {m.lpar for m in out if m.target == target}
        assert raw_peak(series, estate, target, {m.lpar for m in out if m.source == target}, arriving) <= (
            row.configurable_units / 100)


def test_the_profile_finds_the_known_peak(plan: Plan, series: Any, estate: Estate) -> None:
    """At 10:00 on month-end days the generated sum is exact, and the day's highest."""
    rows = [r for r in details_of(plan).hours if r.server == P595]
    busiest = max(rows, key=lambda r: r.peak_before)
    idle = sum(v.entitlement_units for v in estate.vioses if v.server == P595) / 100
    assert busiest.kind == "month-end" and busiest.hour == 10
    assert busiest.peak_before / 1000 == pytest.approx(series.sum_at(P595, 10) / 1000 + idle)


def test_nobody_critical_moves_and_everything_comes_home(plan: Plan, estate: Estate) -> None:
    production = {p.name for p in estate.lpars if p.environment == "production"}
    assert not {m.lpar for m in plan.moves} & production
    assert {(m.lpar, m.source) for m in plan.leg(OUT)} == {(m.lpar, m.target) for m in plan.leg(BACK)}


def test_it_comes_out_the_same_twice_and_reads_back(plan: Plan, estate: Estate, store: Path) -> None:
    again = planned(estate, store)
    assert dump_plan(again) == dump_plan(plan)
    assert plan_workbook(again, estate) == plan_workbook(plan, estate)
    assert keeps_schema(plan_json(plan))
    back = parse(dump_plan(plan), "plan.json")
    assert back.goal == plan.goal and back.details == plan.details
    assert verify_plan(back, estate, usage_again(estate, store, back.goal.usage)).holds


def test_two_months_added_twice_give_the_same_plan(plan: Plan, estate: Estate, store: Path, series: Any, tmp_path: Path) -> None:
    twice = tmp_path / "twice.db"
    for _ in range(2):
        with History.open(twice) as history:
            series.into(history)
    assert dump_plan(planned(estate, twice)) == dump_plan(plan)


def test_verify_rejects_less_room_than_asked_for(plan: Plan, estate: Estate, store: Path) -> None:
    usage = usage_again(estate, store, plan.goal.usage)
    for changes, message in (({"units": 250}, "are unused after the way out"),
                             ({"memory_mib": 200 * 1024}, "GiB are free"),
                             ({"units": 2000, "by": By.ENTITLEMENT}, "are entitled to nobody"),
                             ({"server": "nowhere"}, "no such server")):
        played = verify_plan(plan.replace(goal=plan.goal.replace(**changes)), estate, usage)
        assert any(f.rule == "goal.reached" and message in f.message for f in played.findings), changes
    first = plan.leg(OUT)[0].lpar
    moved = verify_plan(plan.replace(goal=plan.goal.replace(critical=(first,))), estate, usage)
    assert any("is critical and moves" in f.message for f in moved.findings)


def test_verify_needs_the_history_that_the_plan_was_made_with(plan: Plan, estate: Estate, store: Path, tmp_path: Path,
                                                              series: Any) -> None:
    """Without it, with less of it, or with a plan that does not say which: nothing is said to hold."""
    def said(changed: Plan, usage: Any) -> list[str]:
        return [f.message for f in verify_plan(changed, estate, usage).findings if f.rule == "plan.usage"]

    assert [f.rule for f in errors(verify_plan(plan, estate).findings)] == ["plan.usage"]
    assert any("without it nothing can be said" in m for m in said(plan, None)) and details_of(plan).hours
    usage = usage_again(estate, store, plan.goal.usage)
    assert said(plan, usage) == []
    less = tmp_path / "less.db"
    with History.open(less) as history:
        replace(series, loads=series.loads[:2]).into(history)
    few = usage_again(estate, less, plan.goal.usage)
    assert any("has usage of 2 partitions" in m for m in said(plan, few)) and not verify_plan(plan, estate, few).holds
    goal = plan.goal.replace(usage=None)
    assert any("does not say which usage" in m for m in said(plan.replace(goal=goal), usage))


def test_verify_rejects_a_way_back_before_the_room_is_no_longer_needed(estate: Estate, store: Path) -> None:
    """Found by a reader: only ``back_from_s`` was looked at, which stands in the plan itself."""
    window = jobs.window_from("2026-11-21 20:00/23:00")
    plan = planned(estate, store, curve=False, options=jobs.Options(30, 0.0, window))
    usage = usage_again(estate, store, plan.goal.usage)
    assert verify_plan(plan, estate, usage).holds
    day = 86_400_000
    early = tuple(replace(m, start_ms=m.start_ms - 4 * day) if m.leg == BACK else m for m in plan.moves)
    back = (plan.back_from_s or 0) - 4 * 86_400
    played = verify_plan(plan.replace(moves=early, back_from_s=back), estate, usage)
    assert any("the headroom is needed until" in f.message for f in played.findings)
    inside = Window(dt.datetime(2026, 11, 28, 20), dt.datetime(2026, 11, 28, 23))
    played = verify_plan(plan.replace(window=inside), estate, usage)
    assert any("may last into the time of the headroom" in f.message for f in played.findings)


def test_no_production_lpar_moves_whatever_the_plan_calls_critical(plan: Plan, estate: Estate, store: Path) -> None:
    """Found by a reader: an LPAR of another server could move, and an empty list of critical ones let all move."""
    other = next(p for p in estate.lpars if p.environment == "production" and p.server != P595 and p.active)
    usage = usage_again(estate, store, plan.goal.usage)
    moved = replace(plan.moves[0], lpar=other.name, source=other.server, target=P595)
    played = verify_plan(plan.replace(moves=(*plan.moves, moved), goal=plan.goal.replace(critical=())), estate, usage)
    assert any(f.subject == other.name and "is critical and moves" in f.message for f in played.findings)


def test_the_curve_rises_to_the_most_and_tells_the_next_cores(plan: Plan) -> None:
    details = details_of(plan)
    costs = [p.cost_ms for p in details.curve if p.status is Status.OPTIMAL and p.cost_ms is not None]
    assert costs == sorted(costs) and len(costs) > 2
    assert details.largest and details.curve[-1].units == details.largest.units
    assert details.largest.cores_status is Status.OPTIMAL
    asked = next(p for p in details.curve if p.units == 100)
    assert asked.cost_ms is not None and asked.cost_ms / 1000 == plan.objective
    for row in details.further_cores:
        if row.extra_ms is not None:
            here = next(p for p in details.curve if p.units == row.units)
            assert here.cost_ms is not None and row.extra_ms == here.cost_ms - asked.cost_ms
    assert [r.units for r in details.further_cores] == [130, 200]


def test_without_history_entitlements_count_and_it_is_said(estate: Estate) -> None:
    plan = planned(estate, None, 15)
    assert plan.status is Status.OPTIMAL and isinstance(plan.goal, Headroom)
    assert plan.goal.by is By.ENTITLEMENT and plan.goal.usage is None and "usage" not in plan_json(plan)["goal"]
    assert plan.assumptions[0] == UNSEEN and "What is free is what nobody is entitled to." in plan.assumptions


def test_more_than_there_is_names_the_most(estate: Estate, store: Path) -> None:
    plan = planned(estate, store, 8)
    assert plan.status is Status.INFEASIBLE and jobs.exit_code(plan) == 3
    most = details_of(plan).largest
    assert most and most.cores_status is Status.OPTIMAL and most.units
    assert planned(estate, store, most.units / 100, curve=False).status is Status.OPTIMAL
    more = planned(estate, store, most.units / 100 + 0.01, curve=False)
    assert more.status is Status.INFEASIBLE


def test_what_cannot_be_had_is_not_said_to_be_had_without_the_other(estate: Estate, store: Path) -> None:
    """Eight cores beside nothing are as impossible as beside 64 GiB: it read as if they came without memory."""
    plan = planned(estate, store, 8)
    said = sentences(plan)[0]
    assert "; 8.00 cores cannot be had even without any memory (proved" in said and "64 GiB" in said.split(";")[0]
    assert planned(estate, store, 8, 0, curve=False).status is Status.INFEASIBLE
    most = details_of(plan).largest
    assert most is not None
    turned = replace(most, units=None, cores_status=Status.INFEASIBLE, memory_status=None)
    assert "64 GiB cannot be had even without any core" in sentences(
        plan.replace(details=replace(details_of(plan), largest=turned)))[0]


def test_remedies_name_options_that_the_command_has(estate: Estate, store: Path) -> None:
    """For each that is critical by the environment and by name; every option named is one of the help."""
    free = next(p.name for p in estate.lpars if p.server == P595 and p.active and p.environment != "production")
    goal = planned(estate, store, 8).goal
    assert isinstance(goal, Headroom)
    plan = jobs.headroom(loaded(estate), goal.replace(critical=(free,), usage=None), OPTIONS,
                         UsageSpec(store, build_usage.SITE, step_s=3600))
    assert plan.conflict is not None
    said = "\n".join(plan.conflict.lifts)
    shown = CliRunner().invoke(app, ["headroom", "--help"], env={"COLUMNS": "200"}).stdout
    assert f"--critical, so that it may leave: {free}" in said and "environment" in said
    assert all(option in shown for option in re.findall(r"--[a-z-]+", said))


def test_the_way_back_has_its_own_window(estate: Estate, store: Path) -> None:
    window = jobs.window_from("2026-11-21 20:00/23:00")
    plan = planned(estate, store, curve=False, options=jobs.Options(30, 0.0, window))
    back = [plan.clock(m.start_ms) for m in plan.leg(BACK)]
    assert min(b for b in back if b) == dt.datetime(2026, 12, 3) and plan.window is not None and plan.window.fits
    tight = jobs.Options(30, 0.0, window, jobs.window_from("2026-12-05 22:00/22:01"))
    missed = planned(estate, store, curve=False, options=tight)
    assert missed.back_window is not None and missed.back_window.fits is False and jobs.exit_code(missed) == 4
    assert any("the window of the way back" in f.message for f in missed.findings)
    played = verify_plan(missed, estate, usage_again(estate, store, missed.goal.usage))
    assert not played.holds and {f.rule for f in played.findings if f.severity.value == "error"} == {"timing.window"}


@pytest.mark.parametrize(("window", "back", "message"), [
    ("2026-11-26 22:00/23:00", None, "has begun"), ("2026-11-21 20:00/23:00", "2026-12-01 20:00/23:00", "is over"),
    (None, "2026-12-05 20:00/23:00", "needs --window")])
def test_windows_that_overlap_the_month_end_are_refused(estate: Estate, store: Path, window: str | None, back: str | None,
                                                         message: str) -> None:
    out, home = (jobs.window_from(text) if text else None for text in (window, back))
    with pytest.raises(UsageError, match=message):
        planned(estate, store, options=jobs.Options(30, 0.0, out, home))


def test_the_next_month_end_is_the_one_after() -> None:
    def found(year: int, month: int, day: int) -> Period | None:
        return period_from("month-end", build_usage.SITE, dt.datetime(year, month, day)).period

    november = Period(start=dt.datetime(2026, 11, 26), end=dt.datetime(2026, 12, 3))
    assert found(2026, 11, 21) == found(2026, 11, 26) == november
    later = [found(2026, 11, 27), found(2026, 12, 30)]
    assert [p and p.start for p in later] == [dt.datetime(2026, 12, 29), dt.datetime(2027, 1, 27)]
    assert period_from("month-end", build_usage.SITE, None).period is None
    assert len(period_from("always", build_usage.SITE, None).hours) == 72
    with pytest.raises(UsageError, match="--when 'soon'"):
        period_from("soon", build_usage.SITE, None)


def test_a_percentile_caps_each_lpar_and_growth_raises_it(estate: Estate, store: Path) -> None:
    buckets = period_from("2026-11", build_usage.SITE, None).hours
    peak, _ = UsageSpec(store, build_usage.SITE, step_s=3600).read(estate, buckets)
    calm, _ = UsageSpec(store, build_usage.SITE, "50", step_s=3600).read(estate, buckets)
    grown, _ = UsageSpec(store, build_usage.SITE, growth_percent=10, step_s=3600).read(estate, buckets)
    assert (calm.physc <= peak.physc).all() and (calm.physc < peak.physc).any()
    for name in peak.names:
        more = 110 if name in peak else 100  # what nobody measured is an entitlement, and does not grow
        assert (grown.of(name) == -(-peak.of(name) * more // 100)).all()
    assert len(peak.measured) < len(peak.names)


def test_reports_say_what_was_asked(plan: Plan, estate: Estate, tmp_path: Path) -> None:
    text = runbook(plan, estate)
    assert "make headroom of 1 cores and 64 GiB on SN8379A80" in text and "--history HISTORY" in text
    assert "curr_avail_sys_proc_units" in text and "firmware work done" not in text
    file = tmp_path / "plan.xlsx"
    file.write_bytes(plan_workbook(plan, estate))
    book = load_workbook(file)
    assert {"Headroom", "Peaks by hour"} <= set(book.sheetnames)
    sheet, free_after = book["Headroom"], details_of(plan).free_after
    assert sheet["B4"].value == details_of(plan).free_now.units / 100
    assert free_after and free_after.used_units and sheet["C5"].value == free_after.used_units / 100


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
                           (["--cores", "0", "--memory", "0"], "ask for some headroom")):
        bad = run(*asked, *wrong, "--out", str(tmp_path / "other"))
        assert bad.exit_code == 2 and message in bad.stderr + bad.stdout, bad.output
        assert "Traceback" not in bad.output
    checked = CliRunner().invoke(app, ["verify", str(tmp_path / "plan"), str(file), "--history", str(store)])
    assert checked.exit_code == 0 and "the plan holds" in checked.stdout


def test_an_evacuation_counts_the_usage_of_its_windows_hours(estate: Estate, store: Path) -> None:
    window = jobs.window_from("2026-11-27 09:00/12:00")
    spec = UsageSpec(store, build_usage.SITE, step_s=3600)
    goal, options = Evacuate(servers=("SN1001C92_p570-2",)), jobs.Options(30, 0.0, window)
    plan = jobs.evacuate(loaded(estate), goal, options, spec)
    assert plan.goal.usage and plan.goal.usage.hours == set(BUCKETS)  # nothing comes back: all hours
    back = jobs.evacuate(loaded(estate), goal.replace(come_back=True), options, spec)
    assert back.goal.usage and hours_json(back.goal.usage.hours) == {"month-end": [9, 10, 11]}
    parsed = parse(dump_plan(plan), "plan.json")
    assert parsed.goal.usage == plan.goal.usage
    if plan.moves:
        assert verify_plan(parsed, estate, usage_again(estate, store, plan.goal.usage)).holds


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


def small(rows: dict[str, dict[int, int]], path: Path, *more: Policy, **dev1: Any) -> tuple[Estate, Headroom, UsageSpec]:
    """A (8 cores) with production and two others, B (8 cores) with one; usage of November 2026 by kind of day."""
    of = estate_of([server("A", 8, 64), server("B", 8, 64)],
                   [lpar("prod", "A", 2, 16, environment="production", virtual_processors=6, weight=255),
                    lpar("dev1", "A", 2, 8, **dev1), lpar("dev2", "A", 2, 16), lpar("b1", "B", 1, 8)], more)
    calendar = Calendar()
    columns = Columns("sample", [], {})
    values: dict[str, list[int]] = {name: [] for name in ("t", "span", "physc", "ent", "mem_used", "mem_total")}
    start = int(dt.datetime(2026, 11, 1, tzinfo=dt.UTC).timestamp())
    for name, by_kind in rows.items():
        for hour in range(33 * 24):
            kind = calendar.kind((dt.datetime(2026, 11, 1) + dt.timedelta(hours=hour)).date())
            columns.entities.append((Kind.LPAR.value, name, ""))
            for key, value in (("t", start + 3600 * (hour + 1)), ("span", 3600), ("physc", by_kind[kind]), ("ent", -1),
                               ("mem_used", -1), ("mem_total", -1)):
                values[key].append(value)
    columns.values.update(values)
    with History.open(path) as history:
        history.add_columns(columns, "made", "0" * 64, "UTC")
    asked = Headroom(server="A", units=300, memory_mib=0, **period_from("2026-11", calendar, None)._asdict())
    return of, asked, UsageSpec(path, calendar, step_s=3600)


def quick(of: Estate, asked: Headroom, usage: UsageSpec, window: Window | None = None) -> Plan:
    return jobs.headroom(loaded(of), asked, jobs.Options(30, 0.0, window), usage, curve=False)


ME, WORK, WEEKEND = DayKind.MONTH_END, DayKind.WORKING, DayKind.WEEKEND
CALM = {ME: 500, WORK: 500, WEEKEND: 500}


def test_a_server_carries_its_guests_in_all_hours_in_which_they_are_there(tmp_path: Path) -> None:
    """Found by a reader: B is full on weekends, and the guests stay over one; only month-end days were looked at."""
    rows = {"prod": CALM, "dev1": {ME: 1500, WORK: 1500, WEEKEND: 1500}, "dev2": CALM,
            "b1": {ME: 500, WORK: 500, WEEKEND: 6000}}
    of, asked, usage = small(rows, tmp_path / "u.db")
    window = jobs.window_from("2026-11-21 20:00/23:00")
    plan = quick(of, asked.replace(come_back=True), usage, window)
    assert plan.status is Status.OPTIMAL and {m.lpar for m in plan.moves} == {"dev2"}  # dev1 is cheaper
    assert isinstance(plan.goal, Headroom) and plan.goal.usage and {b.kind for b in plan.goal.usage.hours} == set(DayKind)
    assert plan.goal.hours and {b.kind for b in plan.goal.hours} == {DayKind.MONTH_END}


def test_room_is_needed_only_in_its_hours(tmp_path: Path) -> None:
    """On the weekend A itself is full; the headroom is for the month-end."""
    rows = {"prod": {ME: 500, WORK: 500, WEEKEND: 6500}, "dev1": CALM, "dev2": CALM, "b1": CALM}
    of, asked, usage = small(rows, tmp_path / "u.db")
    plan = quick(of, asked.replace(by=By.USAGE, units=500, come_back=True), usage)
    assert plan.status is Status.OPTIMAL and not plan.moves
    assert verify_plan(plan, of, usage_again(of, tmp_path / "u.db", plan.goal.usage)).holds


def test_memory_alone_is_room_on_a_server_over_its_ceiling_of_cores(tmp_path: Path) -> None:
    """Found by two readers: the replay asked for 0 free cores where nobody had asked for any."""
    rows = {n: {ME: 4000, WORK: 4000, WEEKEND: 4000} for n in ("prod", "dev1", "dev2")} | {"b1": CALM}
    of, asked, usage = small(rows, tmp_path / "u.db", Policy("cpu-ceiling", "A", "40"))
    for by in By:
        plan = quick(of, asked.replace(units=0, memory_mib=4096, by=by), usage)
        assert plan.status is Status.OPTIMAL and not plan.moves
    none = quick(of, asked.replace(units=100, memory_mib=4096), usage)
    assert none.conflict is not None and "with 1.00 cores" not in none.conflict.summary


def test_another_lpar_leaves_when_the_cheapest_may_not_in_the_window(tmp_path: Path) -> None:
    """Found by a reader: the plan of the blacked-out LPAR missed the window, and no other was tried."""
    rows = dict.fromkeys(("prod", "dev1", "dev2", "b1"), CALM)
    of, asked, usage = small(rows, tmp_path / "u.db", Policy("blackout", "dev1", "2026-11-21 19:00/2026-11-22 06:00"))
    window = jobs.window_from("2026-11-21 20:00/23:00")
    plan = quick(of, asked, usage, window)
    assert {m.lpar for m in plan.moves} == {"dev2"} and plan.window is not None and plan.window.fits
    assert plan.status is Status.FEASIBLE and jobs.exit_code(plan) == 0


def test_a_room_that_no_lpar_could_free_is_not_blamed_on_the_critical_ones(tmp_path: Path) -> None:
    rows = dict.fromkeys(("prod", "dev1", "dev2", "b1"), CALM)
    of, asked, usage = small(rows, tmp_path / "u.db")
    plan = quick(of, asked.replace(units=10_000), usage)
    assert plan.conflict is not None and not any("critical" in x for x in plan.conflict.lifts)
    assert any("without any LPAR has 7.00 cores" in x for x in plan.conflict.lifts)
    memory = quick(of, asked.replace(units=100, memory_mib=64 * 1024), usage)
    assert memory.conflict is not None and any("GiB or less" in x for x in memory.conflict.lifts)


@pytest.mark.parametrize(("changes", "field"), [
    ({"hours": [3]}, "hours"), ({"step_s": 0}, "step_s"), ({"growth_percent": -500}, "growth_percent"),
    ({"to_s": 1e400}, "to_s"), ({"calendar": {}}, "calendar")])
def test_a_broken_question_of_usage_in_plan_json_is_named(plan: Plan, changes: dict[str, Any], field: str) -> None:
    """Found by a reader: each of these was a traceback, or a plan that holds with negative usage."""
    document = json.loads(dump_plan(plan))
    document["goal"]["usage"] |= changes
    with pytest.raises(InputError) as error:
        parse(json.dumps(document), "plan.json")
    assert any(field in f.message for f in error.value.findings)


@pytest.mark.parametrize(("option", "value"), [
    ("--when", "9999-12"), ("--window", "9999-12-31 23:00/01:00"), ("--back-window", "tomorrow"), ("--percentile", "0"),
    ("--closed", "2026-11-01/2026-12-31")])
def test_odd_times_are_refused_with_the_option_that_says_them(estate: Estate, store: Path, tmp_path: Path, option: str,
                                                               value: str) -> None:
    file = tmp_path / "estate.json"
    file.write_text(dump(Loaded(estate)), encoding="utf-8")
    told = run(str(file), P595, "--cores", "1", "--when", "2026-11", "--history", str(store), option, value)
    assert told.exit_code == 2 and not isinstance(told.exception, (ValueError, OverflowError)), told.output
    assert (value if option == "--percentile" else option) in told.stderr + told.stdout
