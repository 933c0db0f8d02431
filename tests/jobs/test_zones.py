"""Clock times have a zone: a change of its clocks makes a window an hour shorter or longer, wherever it counts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from estates import BASE, changed, loaded, policy, stating

from planner import jobs, verify_plan
from planner.errors import InputError
from planner.estate.model import Estate
from planner.jobs.common import Options
from planner.jobs.whatif import whatif
from planner.plan.plan import Plan, Window, dump, parse
from planner.plan.questions import Consolidate, Evacuate, Headroom, Period
from planner.rules.timing import in_blackout
from planner.scenarios.model import Scenario

ZONE = "Europe/Berlin"
SPRING, AUTUMN, PLAIN = "2027-03-28", "2027-10-31", "2027-06-13"
"""Days on which Berlin's clocks go from 2 to 3, from 3 to 2, and do neither."""


def options(day: str, clock: str = "01:00/05:00", **more: Any) -> Options:
    return Options(window=jobs.window_from(f"{day} {clock}"), **({"zone": ZONE} | more))


def evacuated(day: str, estate: Estate = BASE, **more: Any) -> Plan:
    plan = jobs.evacuate(loaded(estate), Evacuate(servers=("A",), come_back=True), options(day, **more))
    assert plan.verified and plan.window is not None and verify_plan(plan, estate).holds == plan.window.fits
    assert parse(dump(plan), "plan.json").window == plan.window
    return plan


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 3), (AUTUMN, 5), (PLAIN, 4)])
def test_a_window_is_as_long_as_its_clocks_make_it(day: str, hours: int) -> None:
    plan = evacuated(day)
    assert plan.window is not None and plan.window.length_s == hours * 3600
    assert plan.window.spare_s == int(hours * 3600 - plan.total_s)


@pytest.mark.parametrize(("day", "fits"), [(SPRING, False), (AUTUMN, True), (PLAIN, False)])
def test_whether_a_plan_fits_is_told_with_the_change(day: str, fits: bool) -> None:
    plan = evacuated(day, clock="01:30/04:00", work_s=3 * 3600)
    assert plan.window is not None and plan.window.fits == fits
    assert bool([f for f in plan.findings if f.rule == "timing.window"]) != fits


@pytest.mark.parametrize(("day", "clock"), [(SPRING, "03:30"), (AUTUMN, "02:30"), (PLAIN, "02:30")])
def test_clock_times_of_moves_are_those_on_the_wall(day: str, clock: str) -> None:
    window = replace(jobs.window_from(f"{day} 01:00/05:00"), zone=ZONE)
    assert f"{window.at(90 * 60_000):%H:%M}" == clock
    for minutes in range(0, 300, 10):
        assert window.ms_to(window.at(minutes * 60_000)) == minutes * 60_000
    assert f"{window.at(150 * 60_000):%H:%M}" == {SPRING: "04:30", AUTUMN: "02:30", PLAIN: "03:30"}[day]


@pytest.mark.parametrize(("day", "until"), [(SPRING, 60), (AUTUMN, 180), (PLAIN, 120)])
def test_a_blackout_ends_when_its_clock_says_so(day: str, until: int) -> None:
    estate = stating(BASE, policy("blackout", "a1", "daily 00:30/03:00"))
    plan = evacuated(day, estate)
    (out,) = [m for m in plan.leg("out") if m.lpar == "a1"]
    assert out.start_ms == until * 60_000
    early = plan.replace(moves=tuple(replace(m, start_ms=m.start_ms - 60_000) if m is out else m for m in plan.moves))
    assert "timing.blackout" in {f.rule for f in verify_plan(early, estate).findings}


def test_the_way_back_of_headroom_begins_when_the_clock_says_so() -> None:
    start = dt.datetime(2027, 3, 27, 23)
    goal = Headroom(server="A", units=1500, memory_mib=0, come_back=True, when="night",
                    period=Period(start=start, end=start + dt.timedelta(hours=8)))
    plan = jobs.headroom(loaded(BASE), goal, Options(window=jobs.window_from("2027-03-27 20:00/22:00"), zone=ZONE),
                         curve=False)
    assert plan.verified and plan.back_from_s == 10 * 3600  # 20:00 to 07:00, an hour of which there is not
    assert min(f"{plan.clock(m.start_ms):%H:%M}" for m in plan.leg("back")) == "07:00"
    assert verify_plan(plan, BASE).holds


@pytest.mark.parametrize(("day", "hours"), [("2027-03-27", 57), ("2027-10-30", 59), (PLAIN, 58)])
def test_a_weekend_is_an_hour_shorter_or_longer(day: str, hours: int) -> None:
    start = dt.datetime.fromisoformat(day) - dt.timedelta(hours=4)
    plan = jobs.consolidate(loaded(BASE), Consolidate(weekend=True, come_back=True),
                            Options(window=Window(start, start + dt.timedelta(hours=58)), zone=ZONE))
    assert plan.verified and plan.window is not None and plan.window.length_s == hours * 3600
    assert plan.window.fits and verify_plan(plan, BASE).holds


@pytest.mark.parametrize(("asked", "stated", "zone", "said"), [
    (ZONE, "Australia/Melbourne", ZONE, "--zone"), ("", "Australia/Melbourne", "Australia/Melbourne", "policy time-zone"),
    ("", "", "Asia/Tokyo", "this machine")])
def test_who_says_the_zone(asked: str, stated: str, zone: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    estate = stating(BASE, policy("time-zone", "", stated)) if stated else BASE
    plan = evacuated(PLAIN, estate, zone=asked)
    assert plan.window is not None and plan.window.zone == zone
    assert any(zone in a and said in a for a in plan.assumptions)
    assert bool([f for f in plan.findings if f.rule == "timing.zone"]) == (said == "this machine")


@pytest.mark.parametrize(("now", "past"), [("2027-06-14", True), ("2027-06-12", False)])
def test_a_window_in_the_past_is_a_finding(now: str, past: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(dt.datetime.fromisoformat(f"{now}T12:00:00+00:00").timestamp())))
    assert bool([f for f in evacuated(PLAIN).findings if f.rule == "timing.past"]) == past


def test_what_ifs_have_a_zone_and_keep_to_it() -> None:
    """Their windows were in a zone that nobody had stated; in the plan that spring forward makes an hour shorter."""
    asked = Scenario("no A", retire=("A",), frontier=False)
    found = [whatif(loaded(BASE), asked, options(SPRING, zone=zone)).plan for zone in (ZONE, "UTC")]
    assert [p and p.window and (p.window.zone, p.window.length_s // 3600) for p in found] == [(ZONE, 3), ("UTC", 4)]


def test_who_restarts_in_a_what_if_is_not_parked_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    from planner.jobs import whatif as job

    seen: list[list[str]] = []
    real = job.timetable
    monkeypatch.setattr(job, "timetable", lambda *args, **more: (seen.append(more["unmoved"]), real(*args, **more))[1])
    deaf = changed(BASE, "a1", rmc_active=False)
    assert whatif(loaded(deaf), Scenario("no A", retire=("A",), frontier=False), Options()).migration.restarts == 1
    assert seen and all(names == ["a1"] for names in seen)


def test_a_zone_that_there_is_not() -> None:
    with pytest.raises(InputError, match="no time zone"):
        jobs.evacuate(loaded(BASE), Evacuate(servers=("A",)), options(PLAIN, zone="Middle/Earth"))


def test_a_time_that_occurs_twice_is_in_a_blackout_both_times() -> None:
    from planner.rules import Site

    site = Site(stating(BASE, policy("blackout", "a1", f"{AUTUMN} 02:00/02:30")))
    window = replace(jobs.window_from(f"{AUTUMN} 01:00/05:00"), zone=ZONE)
    hits = [in_blackout(site, "a1", window, m * 60_000, (m + 5) * 60_000) is not None for m in (50, 70, 130, 155)]
    assert hits == [False, True, True, False]
