"""The clock of lanes by hand: how many fly when, what a move takes while that changes, and the times that it may keep."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from estates import AS_UNDER_IVM, BASE, changed, freeing, move, plan_of, policy, stating

from planner.cost import state_bytes
from planner.estate.model import Estate, Parameter
from planner.plan.choices import BACK
from planner.plan.plan import Move, Plan, Wait, Window
from planner.rules import Site
from planner.verify.clock import Traffic, clock_claims, out_of_bounds

IDLE = changed(changed(BASE, "a1", busy_units=0), "a2", busy_units=0)
"""Nothing is dirtied: one round, and 0.5 s of standstill. 45 s of overhead before the first byte."""


def flight(name: str, start_s: float, end_s: float, of: Estate = IDLE, **changes: Any) -> Move:
    return move(of, name, "A", "B", **({"start_ms": round(start_s * 1000), "duration_ms": round((end_s - start_s) * 1000)} | changes))


def parameters(of: Estate, **values: float) -> Estate:
    return of.replace(parameters=(*AS_UNDER_IVM, *(Parameter(k, v) for k, v in values.items())))


@pytest.mark.parametrize(("share", "begins"), [(1.0, 0.0), (0.0, 45.0)])
def test_how_many_fly_over_a_mover_at_a_time_and_until_when(share: float, begins: float) -> None:
    """One from 0 to 100, one from 50 to 150: in the overhead they count where it takes its share."""
    site = Site(parameters(IDLE, share_in_overhead=share))
    traffic = Traffic([flight("a2", 50, 150), flight("a1", 0, 100)], site)
    for mover in ("A-v1", "B-v1"):
        assert [traffic.count(mover, t) for t in (begins - 1, begins, begins + 50, 100, 149.999, 150, 200)] == [
            (0, begins), (1, begins + 50), (2, 100.0), (1, 150.0), (1, 150.0), (0, inf), (0, inf)]


@pytest.mark.parametrize(("other", "spans"), [
    ((1000, 2000), [(1, inf)]), ((0, 1000), [(2, inf)]), ((50, 1000), [(1, 5.0), (2, inf)]), ((50, 60), [(1, 5.0), (2, 10.0), (1, inf)]),
    ((40, 60), [(2, 15.0), (1, inf)])])
def test_a_move_takes_its_bytes_at_the_rate_of_each_span(other: tuple[float, float], spans: list[tuple[int, float]]) -> None:
    """``spans``: how many fly over both movers, and for how many seconds of copying; it begins 45 s after its start."""
    site = Site(IDLE)
    left, seconds = float(state_bytes(8192, 8192)), 45.0
    for count, most in spans:
        rate = site.pair_rate("A-v1", "B-v1", count, count)
        lasted = min(most, left / rate)
        left, seconds = left - rate * lasted, seconds + lasted
    assert left == pytest.approx(0)
    one = flight("a1", 0, 900)
    course = Traffic([one, flight("a2", *other)], site).course(one)
    assert (course.duration_s, course.suspend_s, course.sent) == pytest.approx((seconds + 0.5, 0.5, state_bytes(8192, 8192)))
    moved = replace(one, start_ms=7000)
    again = Traffic([moved, flight("a2", other[0] + 7, other[1] + 7)], site).course(moved)
    assert again.duration_s == pytest.approx(course.duration_s)


def test_a_small_one_is_slowed_from_the_moment_at_which_another_begins() -> None:
    """5 s of its 55 alone, the rest at the half."""
    site, small = Site(IDLE), float(state_bytes(4096, 4096))
    one, two = (site.pair_rate("A-v1", "B-v1", n, n) for n in (1, 2))
    flying = flight("a2", 0, 900)
    assert Traffic([flying, flight("a1", 50, 1000)], site).course(flying).duration_s == pytest.approx(50.5 + (small - 5 * one) / two)


def test_where_the_rounds_stop_within_a_hair_of_100_mb_either_course_is_believed() -> None:
    """What is left after the first round is half a thousandth more than where rounds stop: one more, or none."""
    of, size = changed(BASE, "a1", busy_units=5), float(state_bytes(8192, 8192))
    share = 0.2e6 * 5 / 79e6
    site = Site(parameters(of, stop_mb=size * share / 1e6 / 1.0005))
    for rounds in (1, 2):
        sent, still = size * sum(share**n for n in range(rounds + 1)), size * share**rounds / 79e6 + 0.5
        m = flight("a1", 0, 45 + sent / 79e6 + 0.5, of, suspend_ms=round(still * 1000), bytes_sent=round(sent), wave=1, lane=1, number=1)
        told = [c.what for c in clock_claims(plan_of([m], "A"), site) if c.findings()]
        assert told == [], rounds
    far = Site(parameters(of, stop_mb=size * share / 1e6 / 1.01))
    assert {c.what for c in clock_claims(plan_of([replace(m, suspend_ms=1900)], "A"), far) if c.findings()} == {"seconds of standstill"}


def test_a_long_standstill_is_compared_in_seconds() -> None:
    """34.9 GB that are dirtied faster than they are sent: 442 s."""
    of = changed(BASE, "a1", busy_units=500, memory_mib=32_768, max_memory_mib=32_768)
    once = state_bytes(32_768, 32_768) / 79e6
    m = flight("a1", 0, 45.5 + 2 * once, of, suspend_ms=round(once * 1000) + 500, bytes_sent=2 * state_bytes(32_768, 32_768), wave=1, lane=1, number=1)
    assert [c.what for c in clock_claims(plan_of([m], "A"), Site(of)) if c.findings()] == []


def test_one_that_lasts_longer_than_its_plan_says_is_among_those_that_fly() -> None:
    """It says 50 s, and the other flies all the time: from then on the two are still two."""
    site = Site(IDLE)
    short, other = flight("a1", 0, 50), flight("a2", 0, 900)
    two = site.pair_rate("A-v1", "B-v1", 2, 2)
    assert Traffic([short, other], site).course(short).duration_s == pytest.approx(45.5 + state_bytes(8192, 8192) / two)


@pytest.mark.parametrize(("units", "hair", "rounds"), [
    (4, 0.0, 1), (5, 0.0, 2), (4, 0.2, 2), (5, -0.2, 1), (356, 0.0, 1), (355, 0.0, 42), (355, -0.01, 1), (356, 0.01, 44), (400, 0.2, 1)])
def test_rounds_stop_at_100_mb_or_at_nine_tenths_of_the_last_and_a_hair_later_or_earlier(units: int, hair: float,
                                                                                         rounds: int) -> None:
    """8.7 GB at 79 MB/s, of which each hundredth of a core dirties 0.25 %: 4 of them leave 88 MB, 5 leave 110; 356 leave
    0.901 of each round. 400 dirty more than is sent: everything once more, in suspension."""
    of = changed(BASE, "a1", busy_units=units)
    site, size = Site(of), float(state_bytes(8192, 8192))
    rate = site.pair_rate("A-v1", "B-v1", 1, 1)
    share = min(1.0, 0.2e6 * units / rate)
    one = flight("a1", 0, 10**5, of)
    course = Traffic([one], site).course(one, hair)
    assert course.sent == pytest.approx(size * sum(share**n for n in range(rounds + 1)))
    assert course.suspend_s == pytest.approx(size * share**rounds / rate + 0.5)


IN_LANES = plan_of([flight("a1", 100, 200, lane=1, number=1)], "A")
NIGHT = Window(dt.datetime(2026, 12, 5, 22), dt.datetime(2026, 12, 6, 4))


def told(of: Estate, window: Window | None = NIGHT, plan: Plan = IN_LANES, **changes: Any) -> list[tuple[str, str]]:
    moves = tuple(replace(m, **changes) for m in plan.moves)
    return [(f.rule, f.message) for f in out_of_bounds(plan.replace(moves=moves, window=window), Site(of))]


@pytest.mark.parametrize(("changes", "out"), [
    ({}, False), ({"not_before_ms": 100_000}, False), ({"not_before_ms": 100_001}, True), ({"latest_ms": 100_000}, False),
    ({"latest_ms": 99_999}, True), ({"not_before_ms": 100_001, "lane": 0}, False), ({"start_ms": -1}, True)])
def test_a_move_starts_neither_before_it_may_nor_after_its_latest_start(changes: dict[str, Any], out: bool) -> None:
    assert [rule for rule, _ in told(IDLE, **changes)] == ["plan.times"] * out
    if out:
        at = changes.get("start_ms", 100_000) / 1000
        assert told(IDLE, **changes)[0][1] == f"starts at {at} s, before it may or after its latest start"


@pytest.mark.parametrize(("hours", "changes", "touched"), [
    ("03:00/05:00", {}, "22:00 to 04:00"), ("04:00/05:00", {}, ""), ("21:00/22:00", {}, ""), ("21:00/22:01", {}, "22:00 to 04:00"),
    ("21:00/22:01", {"not_before_ms": 60_000}, ""), ("21:00/22:01", {"not_before_ms": 59_999}, "22:00 to 04:00"),
    ("22:10/23:00", {"latest_ms": 500_000}, ""), ("22:10/23:00", {"latest_ms": 500_001}, "22:00 to 22:10"),
    ("22:02/23:00", {"latest_ms": 20_000, "start_ms": 10_000}, ""), ("04:00/05:00", {"duration_ms": 21_501_000}, "22:00 to 04:00")])
def test_no_start_that_the_bounds_allow_touches_a_blackout(hours: str, changes: dict[str, Any], touched: str) -> None:
    """From the start of the window, or from when it may, to the end of the window, or of a flight that starts last."""
    found = told(stating(IDLE, policy("blackout", "a1", f"daily {hours}")), **changes)
    assert found == ([("timing.blackout", f"may move from {touched}, which touches its blackout daily {hours}")] if touched else [])
    assert not told(stating(IDLE, policy("blackout", "a1", f"daily {hours}")), None, **changes)
    assert not told(stating(IDLE, policy("blackout", "a2", f"daily {hours}")), **changes)


def test_the_way_back_begins_after_the_work_or_when_its_window_does() -> None:
    of = stating(IDLE, policy("blackout", "a1", "daily 22:00/23:00"))
    back = IN_LANES.replace(moves=tuple(replace(m, leg=BACK, start_ms=7_200_000) for m in IN_LANES.moves))
    for changes, out in (({"work_s": 3600}, False), ({"work_s": 3599}, True), ({}, True)):
        assert bool(told(of, plan=back.replace(**changes))) is out, changes
    for from_s, out in ((3600, False), (3599, True)):
        later = back.replace(back_from_s=from_s, back_window=NIGHT, work_s=60)
        assert bool(told(of, plan=later)) is out, from_s
    assert not told(of, plan=back.replace(back_from_s=3600, back_window=None))


def test_each_starts_as_soon_as_it_may_and_the_way_back_after_the_work() -> None:
    """Without waits at 0, or when it may; the way back when the last has ended and the work is done."""
    site = Site(IDLE)

    def late(*moves: Move, **changes: Any) -> set[str]:
        plan = plan_of(moves, "A").replace(goal=freeing("A", come_back=True), **changes)
        return {c.subject for c in clock_claims(plan, site) if c.what == "seconds at which it starts" and c.findings()}

    out = flight("a1", 0, 200, lane=1, number=1, wave=1)
    assert late(out) == set() and late(replace(out, start_ms=1000)) == {"a1"}
    assert late(replace(out, start_ms=1000, not_before_ms=1000)) == set() == late(replace(out, start_ms=1150, not_before_ms=1000))
    assert late(replace(out, start_ms=2_000_000, not_before_ms=2_000_000)) == set()
    home = move(IDLE, "a1", "B", "A", leg=BACK, lane=1, number=2, start_ms=260_000)
    assert late(out, replace(home, start_ms=200_000)) == set() == late(out, replace(home, start_ms=200_000), back_from_s=10)
    assert late(out, home, work_s=60) == set() and late(out, home, work_s=61) == {"a1"} == late(out, home)
    assert late(out, home, work_s=10, back_from_s=260) == set() and late(out, home, work_s=10, back_from_s=261) == {"a1"}


def test_minutes_are_compared_to_a_fifth_of_a_second_and_bytes_to_a_million() -> None:
    """At half an hour a thousandth is seconds. Of 4.4 GB two ten-thousandths are less than a million."""
    site = Site(IDLE)

    def told(**changes: Any) -> list[str]:
        first = flight("a1", 2000, 2200, lane=1, number=1, not_before_ms=2_000_000, source_msp="A-v2", target_msp="B-v2")
        cost = site.solo("a2", "A", "B")
        after = flight("a2", 2200, 2300, lane=1, number=2, wave=2, bytes_sent=cost.bytes_sent, waits=(Wait(1, "ended", "", ""),),
                       duration_ms=cost.duration_ms, suspend_ms=cost.suspend_ms)
        plan = plan_of([first, replace(after, **{k: getattr(after, k) + v for k, v in changes.items()})], "A")
        return [c.what for c in clock_claims(plan, site) if c.subject == "a2" and c.findings() and "told to wait" not in c.what]

    assert told() == told(bytes_sent=950_000) == told(duration_ms=190) == told(suspend_ms=-190) == told(start_ms=190) == []
    assert told(bytes_sent=1_050_000) == told(bytes_sent=-1_050_000) == ["10⁶ bytes"]
    assert told(duration_ms=250) == told(duration_ms=-250) == ["seconds"] and told(suspend_ms=250) == ["seconds of standstill"]
    assert told(start_ms=250) == told(start_ms=-250) == ["seconds at which it starts"]
    assert told(wave=1) == ["wave: one more than must be over before it one after the other"]
