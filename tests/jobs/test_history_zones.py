"""A plan's clock and the history's clock need not be of one zone: the same instants count the same usage, whoever names
them; verify lays them on the history's clock by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from estates import BASE, loaded, policy, stating
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from usage_writer import columns

from planner import jobs
from planner.history.calendar import BUCKETS, Calendar, DayKind
from planner.history.store import History
from planner.jobs.common import Options
from planner.jobs.peak_hours import UsageSpec, period_from, usage_again
from planner.jobs.whatif import whatif
from planner.plan.choices import By
from planner.plan.plan import Plan, Window, dump, parse
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.report.runbook import runbook
from planner.scenarios.model import Scenario
from planner.verify import verify_plan

HISTORY = "Australia/Melbourne"
ZONES = ("Etc/UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati")
START = int(dt.datetime(2026, 10, 20, tzinfo=dt.UTC).timestamp())
DAY = Window(dt.datetime(2026, 11, 20, 22), dt.datetime(2026, 11, 21, 4))
"""On the clocks of the history."""
LATER = Window(dt.datetime(2026, 11, 22, 22), dt.datetime(2026, 11, 23, 4))


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> UsageSpec:
    """Another use in every hour of the week."""
    path: Path = tmp_path_factory.mktemp("history") / "usage.db"
    rows = [(name, START + 3600 * n, at + 7 * (n * n % 167) // 3)
            for n in range(1, 24 * 40) for name, at in (("a1", 40), ("b1", 90))]
    with History.open(path) as history:
        history.add_columns(columns(rows, span=3600), "made", "0" * 64, HISTORY)
    return UsageSpec(path, step_s=3600)


def told_in(window: Window, zone: str) -> Window:
    """The same instants on other clocks."""
    first, last = (t.replace(tzinfo=ZoneInfo(HISTORY)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
                   for t in (window.start, window.end))
    return Window(first, last)


def freed(spec: UsageSpec, zone: str) -> Plan:
    return jobs.evacuate(loaded(BASE), Evacuate(servers=("A",), come_back=True),
                         Options(window=told_in(DAY, zone), work_s=60, zone=zone), spec)


def switched_off(spec: UsageSpec, zone: str) -> Plan:
    return jobs.consolidate(loaded(BASE), Consolidate(off=("A",), come_back=True),
                            Options(window=told_in(DAY, zone), work_s=60, zone=zone), spec)


def weekend(spec: UsageSpec, zone: str) -> Plan:
    return jobs.consolidate(loaded(BASE), Consolidate(off=("A",), weekend=True),
                            Options(window=told_in(DAY, zone), zone=zone), spec)


def made_room(spec: UsageSpec, zone: str) -> Plan:
    goal = Headroom(server="A", units=1400, memory_mib=0, by=By.ENTITLEMENT, come_back=True, when="these days")
    return jobs.headroom(loaded(BASE), goal, Options(window=told_in(DAY, zone), back_window=told_in(LATER, zone), zone=zone),
                         spec, curve=False)


QUESTIONS = (freed, switched_off, weekend, made_room)


def holds(plan: Plan, spec: UsageSpec) -> bool:
    assert plan.verified and plan.moves and plan.goal.usage
    read = parse(dump(plan), "plan.json")
    assert read.goal.usage and not read.altered
    return verify_plan(read, BASE, usage_again(BASE, spec.path, read.goal.usage)).holds


@cache
def made(asked: Callable[[UsageSpec, str], Plan], spec: UsageSpec, zone: str) -> Plan:
    """The answer, which holds."""
    plan = asked(spec, zone)
    assert holds(plan, spec)
    return plan


@pytest.mark.parametrize("asked", QUESTIONS)
@pytest.mark.parametrize("zone", ["Etc/UTC", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_the_same_instants_count_the_same_usage(asked: Callable[[UsageSpec, str], Plan], zone: str,
                                                 spec: UsageSpec) -> None:
    """A window of 22:00 in UTC counted what is used at 22:00 in Melbourne."""
    here, there = made(asked, spec, HISTORY), made(asked, spec, zone)
    assert here.goal.usage == there.goal.usage
    assert [s.used for s in here.peak] == [s.used for s in there.peak] and here.energy == there.energy
    assert [bool([f for f in p.findings if f.rule == "timing.zone"]) for p in (here, there)] == [False, told_in(DAY, zone) != DAY]
    assert all((f"{HISTORY}, the zone of the usage history" in runbook(p, BASE).partition("## Before the window")[0]) == (
        p.window != here.window and told_in(DAY, zone) != DAY) for p in (here, there))


@pytest.mark.parametrize("asked", QUESTIONS[:3])
def test_verify_finds_hours_that_were_laid_on_the_wrong_clocks(asked: Callable[[UsageSpec, str], Plan],
                                                                spec: UsageSpec) -> None:
    """Such plans held: the hours of the window as the plan's clocks show them, on the history's clocks."""
    plan = made(asked, spec, "Etc/UTC")
    assert plan.window and plan.goal.usage
    zone = ZoneInfo("Etc/UTC")
    start, end = plan.window.start.replace(tzinfo=zone), plan.window.end.replace(tzinfo=zone)
    unconverted = spec.calendar.buckets_between(start, end, zone)
    assert set(unconverted) != plan.goal.usage.hours
    basis = spec.read(BASE, unconverted).basis
    wrong = plan.replace(goal=plan.goal.replace(usage=basis))
    found = verify_plan(wrong, BASE, usage_again(BASE, spec.path, basis))
    assert any(f.rule == "plan.usage" and "on the history's clocks" in f.message for f in found.findings)


def test_the_days_of_a_month_end_are_those_of_the_plans_clocks(spec: UsageSpec) -> None:
    needed = period_from("2026-11", spec.calendar, None)
    goal = Headroom(server="A", units=1400, memory_mib=0, by=By.BOTH, come_back=True, **needed._asdict())
    plans = {zone: jobs.headroom(loaded(BASE), goal, Options(zone=zone), spec, curve=False) for zone in (HISTORY, "Etc/UTC")}
    asked = {zone: plan.goal.hours for zone, plan in plans.items() if isinstance(plan.goal, Headroom)}
    assert asked[HISTORY] == needed.hours and needed.period is not None
    ends = {d for d in (needed.period.start.date() + dt.timedelta(n) for n in range(7))
            if spec.calendar.kind(d) is DayKind.MONTH_END}
    instants = [dt.datetime.combine(d, dt.time(h), dt.UTC).astimezone(ZoneInfo(HISTORY)) for d in ends for h in range(24)]
    assert asked["Etc/UTC"] == {spec.calendar.bucket(t) for t in instants} != needed.hours
    assert all(holds(plan, spec) for plan in plans.values())
    assert all(any("The days of month-end 2026-11" in a and zone in a for a in plan.assumptions)
               for zone, plan in plans.items())
    plan = plans["Etc/UTC"]
    assert isinstance(plan.goal, Headroom) and plan.goal.usage
    less = plan.replace(goal=plan.goal.replace(hours=needed.hours))
    assert any("in which headroom is needed, on" in f.message
               for f in verify_plan(less, BASE, usage_again(BASE, spec.path, plan.goal.usage)).findings)


@pytest.mark.parametrize("question", [
    *(lambda spec, options, ask=ask: ask(spec, options) for ask in (
        lambda s, o: jobs.evacuate(loaded(s[1]), Evacuate(servers=("A",), come_back=True), o, s[0]),
        lambda s, o: jobs.consolidate(loaded(s[1]), Consolidate(weekend=True), o, s[0]),
        lambda s, o: jobs.headroom(loaded(s[1]), Headroom(server="A", units=100, memory_mib=0), o, s[0], curve=False),
        lambda s, o: whatif(loaded(s[1]), Scenario("no A", retire=("A",), frontier=False), o,
                            used=s[0].read(s[1], BUCKETS)).plan))])
@pytest.mark.parametrize(("asked", "stated", "zone", "said"), [
    ("Asia/Kathmandu", "Europe/Berlin", "Asia/Kathmandu", "--zone"), ("", "Europe/Berlin", "Europe/Berlin", "time-zone"),
    ("", "", HISTORY, "as the usage history states")])
def test_the_history_says_the_zone_where_nobody_else_does(
        question: Callable[..., Plan], asked: str, stated: str, zone: str, said: str, spec: UsageSpec,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    estate = stating(BASE, policy("time-zone", "", stated)) if stated else BASE
    plan = question((spec, estate), Options(window=DAY, work_s=60, zone=asked))
    assert plan.window is not None and plan.window.zone == zone
    assert any(zone in a and said in a for a in plan.assumptions)
    assert not [f for f in plan.findings if "nobody stated" in f.message]


@given(st.sampled_from(ZONES), st.sampled_from(ZONES), st.integers(1_700_000_000, 1_800_000_000), st.integers(1, 3000))
@settings(max_examples=portion(60), deadline=None)
def test_the_hours_of_a_time_are_those_of_its_instants(zone: str, other: str, start: int, minutes: int) -> None:
    here, there, site = ZoneInfo(zone), ZoneInfo(other), Calendar("AU", "VIC")
    end = start + 60 * minutes
    found = site.buckets_between(dt.datetime.fromtimestamp(start, here), dt.datetime.fromtimestamp(end, here), there)
    instants = [*range(start, end, 300), end - 1]
    assert set(found) == {site.bucket(dt.datetime.fromtimestamp(at, there)) for at in instants}
