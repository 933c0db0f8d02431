"""The evening of a plan: nights as the spread has them, and what can be decided until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache

import pytest
from estates import loaded
from landscape import landscape

from planner.estate.model import Parameter
from planner.jobs import Options, evacuate, exit_code, headroom, window_from
from planner.plan.choices import BACK, OUT
from planner.plan.evening import Evening, Turning
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Evacuate, Headroom, Period
from planner.report.decisions import NO_RETURN, decisions
from planner.report.page.answer import Line, answer
from planner.report.text import fit
from planner.schedule.lanes import Pacing
from planner.units import show_minutes
from planner.verify import verify_plan

FREED = "SN8379A80_p595-2"
EXACT = {"duration_sigma": 0.0, "common_sigma": 0.0, "failed_share": 0.0, "check_before_s": 0.0, "check_after_s": 0.0}


@cache
def planned(window: str = "2026-12-05 22:00/04:00", people: int = 0, **parameters: float) -> Plan:
    rows = tuple(Parameter(name, value) for name, value in parameters.items())
    of = landscape()
    return evacuate(loaded(of.replace(parameters=(*of.parameters, *rows))), Evacuate(servers=(FREED,), come_back=True),
                    Options(time_limit=20, work_s=3600, window=window_from(window) if window else None,
                            pacing=Pacing(effort=0.02, people=people)))


def evening(*arguments: str, **more: float) -> Evening:
    told = planned(*arguments, **more).evening  # type: ignore[arg-type]
    assert told is not None
    return told


def test_without_spread_every_night_is_as_predicted() -> None:
    plan, told = planned(**EXACT), evening(**EXACT)
    for leg, spread in ((OUT, told.out), (BACK, told.back)):
        assert spread is not None
        over = max(m.end_ms for m in plan.leg(leg))
        assert spread.half_ms == pytest.approx(over, abs=10) and spread.nearly_all_ms == pytest.approx(over, abs=10)
    of = {m.number: m for m in plan.moves}
    assert all(r.early_ms == r.late_ms == pytest.approx(of[r.number].start_ms, abs=10) for r in told.moves)
    length = 6 * 3_600_000
    end = max(m.end_ms for m in plan.moves)
    assert told.in_time == 1 and told.fits and told.go_by_ms == pytest.approx(length - end, abs=10)
    assert told.slack_ms == told.go_by_ms
    assert told.work_by_ms == pytest.approx(length - 1000 * plan.leg_span_s(BACK), abs=10)


def test_spread_failures_and_checklists_make_it_later() -> None:
    exact, spread = evening(**EXACT), evening()
    assert spread.out.half_ms > exact.out.half_ms and spread.out.most_ms > spread.out.half_ms
    failing = evening(**{**EXACT, "failed_share": 0.5})
    assert failing.out.half_ms > exact.out.half_ms
    assert evening(people=8).out.half_ms < evening(people=1).out.half_ms


def test_a_window_that_is_mostly_too_short_is_warned_of() -> None:
    plan, told = planned("2026-12-05 22:00/01:00"), evening("2026-12-05 22:00/01:00")
    assert plan.window is not None and told.in_time == 0 and told.fits is False
    found, = [f for f in plan.findings if f.rule == "timing.confidence"]
    assert "0 of 100 nights" in found.message and told.go_by_ms is not None and told.go_by_ms < 0
    assert any("no start is early enough" in d.what for d in decisions(plan))


def test_it_is_read_back_and_the_same_every_time() -> None:
    plan = planned()
    assert parse(dump(plan), "plan.json").evening == plan.evening
    planned.cache_clear()
    assert planned().evening == plan.evening


def test_in_waves_there_is_none_and_without_a_window_nothing_to_decide_upon() -> None:
    told = evening("")
    assert told.in_time is None and told.fits is None and told.go_by_ms is None
    assert all(r.latest_ms is None for r in told.moves)
    undrawn = decisions(replace(planned(""), evening=None))
    assert [(d.name, d.latest) for d in undrawn] == [("Go or no-go", ""), ("Go or no-go", "")]


def test_a_way_back_of_another_day_without_a_window_is_never_late() -> None:
    of = landscape()
    days = Period(start=dt.datetime(2026, 12, 9), end=dt.datetime(2026, 12, 11))
    goal = Headroom(server=FREED, units=200, memory_mib=112 * 1024, when="2026-12", period=days, come_back=True)
    plan = headroom(loaded(of), goal, Options(
        time_limit=20, window=window_from("2026-12-05 20:00/23:00"), pacing=Pacing(effort=0.02)), curve=False)
    assert plan.leg(BACK) and plan.back_window is None and plan.evening is not None and plan.evening.in_time == 1


def test_a_window_fits_only_in_as_many_nights_as_are_asked_for() -> None:
    plan = planned("2026-12-05 22:00/01:00")
    assert plan.window is not None and plan.window.fits is False and not plan.window.too_short
    assert exit_code(plan) == 0
    assert fit(plan, plan.window).startswith("in time in 0 of 100 nights, 90 are asked for")
    said = next(line for line in answer(plan, str, Line("", "")) if line.bold.startswith("It does not fit"))
    assert f"The moves alone: {show_minutes(plan.window.spare_s or 0)} to spare." in said.text and not said.good
    again = verify_plan(plan, landscape())
    assert again.holds and any(f.rule == "timing.confidence" for f in again.findings)
    wide = planned()
    assert wide.window is not None and wide.window.fits and fit(wide, wide.window).startswith("fits, ")


def one_way(window: str, **parameters: float) -> Plan:
    of = landscape()
    rows = tuple(Parameter(name, value) for name, value in parameters.items())
    return evacuate(loaded(of.replace(parameters=(*of.parameters, *rows))), Evacuate(servers=(FREED,)), Options(
        time_limit=20, window=window_from(window) if window else None, pacing=Pacing(effort=0.02)))


def turning(plan: Plan) -> Turning:
    assert plan.evening is not None and plan.evening.turning is not None
    return plan.evening.turning


def test_who_planned_no_way_back_is_told_until_when_there_is_one() -> None:
    """Without spread the way home of all takes what it takes alone: worked out by hand from the whole plan with one."""
    plan = one_way("2026-12-05 22:00/04:00", **EXACT)
    told, length = turning(plan), 6 * 3_600_000
    assert told.by_ms is not None and told.back_s is not None and told.after is None
    assert told.by_ms == pytest.approx(length - 1000 * told.back_s, abs=1000)
    both = planned(**EXACT)
    assert told.back_s == pytest.approx(both.leg_span_s(BACK), rel=0.15) and told.back_s >= both.at_least_s[BACK] - 1
    assert any(d.name == NO_RETURN and "all that has moved would be home" in d.what for d in decisions(plan))


def test_where_not_all_could_come_back_in_time_some_move_is_the_last() -> None:
    plan = one_way("2026-12-05 22:00/23:00", **EXACT)
    told = turning(plan)
    assert told.by_ms is None and told.after is not None and 0 < told.after < len(plan.moves)
    begun = [m for m in plan.moves if m.number <= told.after]
    assert max(m.end_ms for m in begun) + 1000 * (told.back_s or 0) <= 3_600_000
    assert any(d.name == NO_RETURN and d.when.startswith(f"before move {told.after + 1},") for d in decisions(plan))
    assert turning(one_way("2026-12-05 22:00/22:10", **EXACT)).after == 0


def test_without_a_window_it_is_said_how_to_ask_for_the_way_back() -> None:
    plan = one_way("")
    assert plan.evening is not None and plan.evening.turning is None
    assert any("--return" in d.what and "--window" in d.what for d in decisions(plan))
    assert not any("no way back" in d.what for d in decisions(planned()))
