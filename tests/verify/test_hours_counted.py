"""Which hours of the history a plan must count, by hand: from the first move to the last one home, on the history's clocks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from estates import BASE, measured, move, plan_of, usage

from planner.history.calendar import BUCKETS, Bucket, Calendar, DayKind
from planner.history.clock import Clock
from planner.plan.choices import BACK
from planner.plan.plan import Move, Plan, Window
from planner.plan.questions import Evacuate, Headroom, Period, Question
from planner.verify.hours import wrong_hours

WORKING, WEEKEND, MONTH_END = DayKind.WORKING, DayKind.WEEKEND, DayKind.MONTH_END
FRIDAY = Window(datetime(2026, 11, 20, 21, 30), datetime(2026, 11, 21, 4))
HOUR = 3_600_000
ALL = frozenset(BUCKETS)


def leg(start_ms: int, end_ms: int, name: str = "out") -> Move:
    return move(BASE, "a1", "A", "B", leg=name, start_ms=start_ms, duration_ms=end_ms - start_ms)


#: The first leaves a thousandth of a second before 22:00, the last is home as much after 3:00.
THERE_AND_BACK = (leg(HOUR * 2, HOUR * 3), leg(HOUR // 2 - 1, HOUR * 2), leg(HOUR * 4, HOUR * 11 // 2 + 1, BACK),
                  leg(HOUR * 4, HOUR * 5, BACK))
AWAY = {(WORKING, 21), (WORKING, 22), (WORKING, 23), (WEEKEND, 0), (WEEKEND, 1), (WEEKEND, 2), (WEEKEND, 3)}


def asked(goal: Question, hours: Collection[Bucket] = ALL, zone: str = "", of: Calendar = Calendar(), **plan: Any) -> Plan:  # noqa: B008
    basis = measured(BASE, {"a1": [1]}).basis.replace(hours=frozenset(hours), zone=zone, calendar=of)
    return plan_of(plan.pop("moves", THERE_AND_BACK), "A", **plan).replace(goal=goal.replace(usage=basis))


def told(plan: Plan, clock: str = "Etc/UTC") -> list[str]:
    return [f.message for f in wrong_hours(plan, replace(usage(BASE, {}), clock=Clock(clock)))]


def needed(goal: Question, clock: str = "Etc/UTC", of: Calendar = Calendar(), **plan: Any) -> set[tuple[DayKind, int]]:  # noqa: B008
    """The hours of which each alone is missed where it is not counted."""
    return {(b.kind, b.hour) for b in BUCKETS if told(asked(goal, ALL - {b}, of=of, **plan), clock)}


FREED = Evacuate(servers=("A",), come_back=True)
ROOM = Headroom(server="A", units=100, memory_mib=0, hours=frozenset())


def test_hours_count_from_the_first_that_leaves_to_the_last_that_is_home() -> None:
    assert needed(FREED, window=FRIDAY) == AWAY
    home = (leg(HOUR // 2, HOUR), leg(HOUR * 4, HOUR * 11 // 2, BACK))
    assert needed(FREED, window=FRIDAY, moves=home) == AWAY - {(WORKING, 21), (WEEKEND, 3)}
    late = (leg(2 * HOUR, 3 * HOUR), leg(4 * HOUR, 9 * HOUR, BACK))
    assert needed(FREED, window=FRIDAY, moves=late) == AWAY - {(WORKING, 21), (WORKING, 22)}, "the window ends at 4:00"
    assert needed(FREED, window=FRIDAY, moves=late[:1]) == AWAY - {(WORKING, 21), (WORKING, 22)}, "nobody says when they are home"
    assert needed(FREED, window=FRIDAY, moves=()) == set()


@pytest.mark.parametrize(("zone", "clock", "first", "last"), [
    ("", "Asia/Kathmandu", 21, 3), ("Etc/UTC", "Asia/Kathmandu", 3, 8), ("Asia/Kathmandu", "Etc/UTC", 16, 21),
    ("Europe/Berlin", "Etc/UTC", 20, 2)])
def test_hours_are_those_of_the_historys_clocks(zone: str, clock: str, first: int, last: int) -> None:
    """Kathmandu is 5 h 45 min ahead: 21:59 to 3:00 in UTC is 3:44 to 8:45 there; a window without a zone is of its clocks."""
    found = [h for _, h in sorted(needed(FREED, clock, window=replace(FRIDAY, zone=zone)), key=lambda b: (b[0] is WEEKEND, b[1]))]
    assert (found[0], found[-1]) == (first, last)


def test_where_nobody_comes_back_or_nothing_says_when_all_hours_count() -> None:
    everything = {(b.kind, b.hour) for b in BUCKETS}
    assert needed(Evacuate(servers=("A",)), window=FRIDAY) == everything
    assert needed(FREED) == everything
    assert needed(ROOM, moves=()) == set() and needed(ROOM.replace(hours=None), moves=()) == everything
    assert needed(ROOM.replace(come_back=True)) == set()


def test_a_year_and_a_day_is_looked_at_day_by_day_and_more_is_all() -> None:
    """A calendar without month-end days: none of their hours is met."""
    of = Calendar(last=0, first=0)
    year = Window(datetime(2026, 1, 1), datetime(2027, 1, 2))
    moves = (leg(0, 1), leg(2, 400 * 24 * HOUR, BACK))
    for end, count in ((year.end, 48), (datetime(2027, 1, 2, 0, 1), 72)):
        plan = asked(FREED, hours=(), window=replace(year, end=end), moves=moves, of=of)
        assert [m.partition(" hours")[0] for m in told(plan)] == [f"does not count what was used in {count} of the {count}"]


def test_the_days_of_headroom_are_from_the_first_to_the_last_and_moves_shorten_no_days() -> None:
    """Without a window the days themselves; with one and no second, to the last day's end or the last one home."""
    days = Period(start=datetime(2026, 11, 23, 9), end=datetime(2026, 11, 23, 16))
    goal = ROOM.replace(period=days, come_back=True)
    whole = {(WORKING, h) for h in range(9, 16)}
    assert needed(goal) == whole
    later = Window(datetime(2026, 11, 21, 5), datetime(2026, 11, 21, 6))
    assert needed(goal, window=FRIDAY, back_window=later) == AWAY
    after = (leg(0, HOUR), leg(8 * HOUR, 24 * HOUR, BACK))
    assert needed(goal, window=FRIDAY, back_window=later, moves=after) == AWAY | {(WEEKEND, 4), (WEEKEND, 5)}
    assert needed(goal.replace(hours=frozenset({Bucket(MONTH_END, 7)}))) == whole | {(MONTH_END, 7)}


def test_the_month_end_days_among_those_of_headroom_are_asked_for() -> None:
    """The last working days of November 2026 are 26, 27 and 30; the clocks of the days say which day it is."""
    days = Period(start=datetime(2026, 11, 25, 22), end=datetime(2026, 11, 26, 2))
    plan = asked(ROOM.replace(period=days), moves=())
    assert told(plan) == [
        "does not count what was used in 2 of the 2 hours in which headroom is needed, on the history's clocks (Etc/UTC): "
        "00:00 on days of kind month-end, 01:00 on days of kind month-end"]
    assert told(asked(ROOM.replace(period=days, hours=frozenset(b for b in BUCKETS if b.kind is MONTH_END)), moves=())) == []
    there = ROOM.replace(period=days.replace(zone="Asia/Kathmandu"), hours=frozenset({Bucket(WORKING, 18)}))
    assert told(asked(there, moves=())) == [
        "does not count what was used in 2 of the 3 hours in which headroom is needed, on the history's clocks (Etc/UTC): "
        "19:00 on days of kind working, 20:00 on days of kind working"]
    long = ROOM.replace(period=days.replace(end=datetime(2028, 11, 26)))
    assert [m.split(", on the")[0] for m in told(asked(long, moves=()))] == [
        "does not count what was used in 24 of the 24 hours in which headroom is needed"]


def test_hours_that_are_lost_are_told_in_their_order_and_no_more_than_three() -> None:
    plan = asked(FREED, window=FRIDAY, hours=())
    assert told(plan) == [
        "does not count what was used in 7 of the 7 hours in which its LPARs stand elsewhere or headroom is needed, on the "
        "history's clocks (Etc/UTC): 21:00 on days of kind working, 22:00 on days of kind working, 23:00 on days of kind "
        "working, … (7 in all)"]
    assert told(asked(FREED, window=FRIDAY)) == []


def test_another_zone_of_history_or_days_is_told() -> None:
    assert told(asked(FREED, zone="Etc/UTC")) == []
    assert told(asked(FREED, zone="Europe/Berlin")) == [
        "its clocks are those of Etc/UTC; the plan was made with a history of Europe/Berlin"]
    plan = asked(FREED, zone="Europe/Berlin")
    assert not [*wrong_hours(plan, None)] and not [*wrong_hours(plan.replace(goal=FREED), usage(BASE, {}))]
    days = Period(start=datetime(2026, 11, 23), end=datetime(2026, 11, 24), zone="Etc/UTC")
    for window, period, words in (
            (FRIDAY, days, "the window is of the zone (none), the days in which headroom is needed of Etc/UTC"),
            (replace(FRIDAY, zone="Etc/UTC"), days.replace(zone=""),
             "the window is of the zone Etc/UTC, the days in which headroom is needed of (none)"),
            (replace(FRIDAY, zone="Etc/UTC"), days, ""), (None, days, "")):
        of = asked(ROOM.replace(period=period), moves=(), window=window)
        assert told(of) == ([words] if words else [])
