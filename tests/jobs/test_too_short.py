"""What would make a plan fit a window that is too short."""

from __future__ import annotations

import re
from dataclasses import replace

from estates import loaded
from landscape import landscape

from planner.estate.model import Estate
from planner.jobs import Options, evacuate, window_from
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.schedule.lanes import Pacing

FREED = "SN8379A80_p595-2"


def planned(of: Estate, until: str, *leave: str) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=(FREED,), come_back=True, leave=leave), Options(
        time_limit=20, work_s=3600, window=window_from(f"2026-12-05 22:00/{until}"), pacing=Pacing(effort=0.05)))


def told(plan: Plan) -> list[str]:
    return [f.message for f in plan.findings if f.rule == "timing.would-fit"]


def test_a_plan_that_fits_needs_nothing() -> None:
    assert told(planned(landscape(), "04:00")) == []


def test_who_is_left_behind_makes_it_fit_indeed() -> None:
    said, = told(planned(landscape(), "00:10"))
    behind = re.findall(r"hxaix\w+", said)
    assert 1 <= len(behind) <= 5 and "which fits" in said
    window = planned(landscape(), "00:10", *behind).window
    assert window is not None and not window.too_short


def test_a_faster_link_is_offered_where_there_is_a_slow_one() -> None:
    of = landscape()
    slow = of.replace(vioses=tuple(replace(v, link_mbit=1000) for v in of.vioses))
    said, = told(planned(slow, "00:20"))
    assert "links of 10 Gbit/s for" in said
    assert "neither links of 10 Gbit/s nor leaving 5" in told(planned(slow, "22:30"))[0]
