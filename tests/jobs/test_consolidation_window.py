"""A window too short for the cheapest set of servers: as much as there is time for."""

from __future__ import annotations

import datetime as dt

import pytest
from estates import estate, loaded, lpar, server

from planner.jobs import Options, exit_code
from planner.jobs.consolidation import consolidate
from planner.plan.choices import Measure, Status
from planner.plan.plan import Plan, Window
from planner.plan.questions import Consolidate

#: Three servers can go off: B and C are quick to empty, D has 20 LPARs over a slow link.
SITE = estate([server(s, 40, 400) for s in "ABCD"],
              [lpar("a1", "A", 4, 32), lpar("b1", "B", 1, 4), lpar("c1", "C", 1, 4),
               *(lpar(f"d{k:02d}", "D", 0.5, 8) for k in range(20))])


def planned(minutes: int, off: tuple[str, ...] = ()) -> Plan:
    start = dt.datetime(2026, 11, 28, 22)
    window = Window(start, start + dt.timedelta(minutes=minutes))
    return consolidate(loaded(SITE), Consolidate(off=off), Options(time_limit=30, window=window))


def test_with_time_for_all_it_is_proved() -> None:
    plan = planned(8 * 60)
    assert len(plan.off) == 3 and plan.status is Status.OPTIMAL and exit_code(plan) == 0


def test_with_less_time_it_switches_off_what_there_is_time_for() -> None:
    plan = planned(15)
    assert plan.window is not None and plan.window.fits and plan.verified and exit_code(plan) == 0
    assert 0 < len(plan.off) < 3 and "D" not in plan.off
    assert plan.status is Status.FEASIBLE and all("no time for" in x.scope for x in plan.levels)
    assert any("D" in n and n.endswith("the window has no time for emptying more") for n in plan.notes)


def test_with_no_time_nothing_moves() -> None:
    plan = planned(1)
    assert plan.off == () and plan.moves == () and plan.window is not None and plan.window.fits


@pytest.mark.parametrize("minutes", [1, 15])
def test_what_was_asked_to_go_off_is_never_left_on(minutes: int) -> None:
    plan = planned(minutes, ("D",))
    assert "D" in plan.off and plan.window is not None and plan.window.fits is False and exit_code(plan) != 0


@pytest.mark.parametrize(("minutes", "off", "status"), [(3000, ("A",), Status.OPTIMAL), (10, (), Status.FEASIBLE)])
def test_what_is_not_worth_its_start_is_left_on_and_nothing_is_proved_of_all_plans(
        minutes: int, off: tuple[str, ...], status: Status) -> None:
    site = estate([server("A", 8, 32), server("B", 8, 64)], [lpar("a1", "A", 1, 8), lpar("b1", "B", 2, 16)])
    plan = consolidate(loaded(site), Consolidate(measure=Measure.SERVERS, come_back=True), Options(work_s=minutes * 60))
    assert plan.off == off and plan.status is status
    assert plan.levels[0].scope == "all plans" + ("" if off else " that leave on what saves nothing in so short a time")
