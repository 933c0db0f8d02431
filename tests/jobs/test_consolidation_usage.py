"""Consolidation with a usage history: what entitlements allow is not what the month-end allows; a weekend is."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estates import estate, loaded, lpar, server
from landscape import build_usage, landscape

from planner import jobs
from planner.history.calendar import BUCKETS, DayKind
from planner.history.store import History
from planner.jobs.peak_hours import UsageSpec, usage_again
from planner.plan.choices import OUT, Status
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Consolidate
from planner.verify import verify_plan

P595 = "SN8379A80_p595-2"
OPTIONS = jobs.Options(30.0, 0.001)  # proved to a thousandth: less than any server draws


@pytest.fixture(scope="module")
def series() -> Any:
    return build_usage.landscape_usage(landscape(), months=1, step_s=3600)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory, series: Any) -> UsageSpec:
    path: Path = tmp_path_factory.mktemp("history") / "usage.db"
    with History.open(path) as history:
        series.into(history)
    return UsageSpec(path, build_usage.SITE, step_s=3600)


@cache
def consolidated(usage: UsageSpec | None = None) -> Plan:
    return jobs.consolidate(loaded(landscape()), Consolidate(), OPTIONS, usage)


def test_the_month_end_keeps_on_what_entitlements_alone_would_switch_off(spec: UsageSpec) -> None:
    assert consolidated().off == (P595,)
    measured = consolidated(spec)
    assert measured.status is Status.OPTIMAL and measured.off == ()


def test_a_weekend_switches_it_off_and_nobody_is_over_in_the_raw_series(spec: UsageSpec, series: Any) -> None:
    weekend = jobs.weekend_from("2026-11-27 20:00", "2026-11-30 06:00")
    plan = jobs.consolidate(loaded(landscape()), Consolidate(weekend=True), jobs.Options(30.0, window=weekend), spec)
    assert plan.off == (P595,) and plan.verified
    assert plan.goal.usage and {b.kind.value for b in plan.goal.usage.hours} == {"month-end", "weekend"}  # Friday and Monday are month-end days
    of = landscape()
    where = {p.name: p.server for p in of.lpars} | {m.lpar: m.target for m in plan.leg(OUT)}
    slots = series.slots(series.months[-1])
    inside = np.array([BUCKETS[b].kind is DayKind.WEEKEND for b in slots.buckets])
    for row in of.servers:
        held = [load for load in series.loads if where[load.lpar.name] == row.name]
        idle = sum(v.entitlement_units for v in of.vioses if v.server == row.name) / 100
        if held:
            assert max(sum(series.physc(load, slots)[inside] for load in held)) / 1000 + idle <= row.configurable_units / 100
    back = parse(dump(plan), "plan.json")
    assert verify_plan(back, of, usage_again(of, spec.path, back.goal.usage)).holds
    assert not verify_plan(back, of).holds


def test_energy_counts_what_was_measured(spec: UsageSpec) -> None:
    """The mean of the history instead of the entitlements: another wattage before."""
    by_entitlement, measured = (consolidated(u).energy for u in (None, spec))
    assert by_entitlement and measured and by_entitlement != measured


def test_a_plan_that_costs_energy_says_so() -> None:
    """Found by a reader: B goes off as asked, and A carries its LPAR at 1000 W a busy core."""
    of = estate([server("A", 4, idle_watts=1000, max_watts=5000), server("B", 4, idle_watts=1100, max_watts=1200)],
                [lpar("a1", "A", 1.5), lpar("b1", "B", 1.5)])
    plan = jobs.consolidate(loaded(of), Consolidate(off=("B",)), OPTIONS)
    assert plan.off == ("B",) and any(f.rule == "energy.net" for f in plan.findings)
    free = jobs.consolidate(loaded(of), Consolidate(), OPTIONS)
    assert free.off == ("A",) and not any(f.rule == "energy.net" for f in free.findings)
