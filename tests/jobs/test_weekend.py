"""A weekend off: nothing is in time only because the weekend is long, and the way back is begun soon enough."""

from __future__ import annotations

from functools import cache

from estates import loaded
from landscape import landscape

from planner import jobs
from planner.plan.choices import BACK
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate
from planner.report.answer import verdict
from planner.report.decisions import decisions
from planner.report.text import energy_lines
from planner.schedule.lanes import Pacing


@cache
def weekend() -> Plan:
    window = jobs.weekend_from("2026-12-04 20:00", "2026-12-07 06:00")
    return jobs.consolidate(loaded(landscape()), Consolidate(weekend=True, come_back=True),
                            jobs.Options(20, window=window, zone="Etc/UTC", pacing=Pacing(effort=0.02)))


def test_a_weekend_is_no_time_to_begin_late_and_its_way_back_begins_by_its_latest() -> None:
    plan = weekend()
    evening, back = plan.evening, {m.number for m in plan.leg(BACK)}
    assert evening.go_by_ms is None and evening.slack_ms is None and evening.in_time >= evening.confidence
    assert all(r.latest_ms is None for r in evening.moves if r.number not in back)
    assert back and all(r.late_ms <= r.latest_ms for r in evening.moves if r.number in back)
    assert evening.work_by_ms >= min(m.start_ms for m in plan.leg(BACK)) == 1000 * plan.back_from_s
    said = {d.what.partition(";")[0]: d.latest for d in decisions(plan)}
    assert said["the first move begins"] == said["switching off begins"] == "" and any(said.values())


def test_a_weekend_says_when_all_is_over_and_for_how_long_it_is_off() -> None:
    plan = weekend()
    (off,) = (r for r in plan.energy.servers if r.off)
    assert off.off_h < plan.energy.hours - 1
    assert f"58.0 h, {off.off_h:,.1f} of them switched off" in energy_lines(plan)[1]
    over = plan.clock(-(-plan.evening.back.most_ms // 60_000) * 60_000)
    assert f"all by {over:%a %Y-%m-%d %H:%M}" in verdict(plan).sentence and "ends Mon 06:00" in verdict(plan).sentence
