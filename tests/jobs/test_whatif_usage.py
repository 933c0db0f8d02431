"""What was used binds a what-if: the peak of the sum slot by slot, on arrival in the modes of today and in the end."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from estates import estate, loaded, lpar, measured, server
from landscape import build_usage

from planner.errors import ReplayError
from planner.estate.load import load
from planner.history.calendar import BUCKETS
from planner.history.store import History
from planner.jobs import Options
from planner.jobs import whatif as job
from planner.jobs.peak_hours import UsageGiven, UsageSpec, usage_again
from planner.jobs.scenario_result import ScenarioResult
from planner.jobs.whatif import whatif
from planner.plan.choices import Status
from planner.plan.details import WhatifDetails
from planner.plan.plan import dump, parse
from planner.scenarios.file import read_scenarios
from planner.scenarios.model import Growth, NewServer, Scenario, ServerClock
from planner.verify import verify_plan

DATA = Path(__file__).parents[2] / "data"
OPTIONS = Options(time_limit=60)
(TWO_770,) = read_scenarios([DATA / "scenarios" / "power7-770.toml"])
TWO_770 = replace(TWO_770, frontier=False)


@pytest.fixture(scope="module")
def landscape() -> Any:
    return load([DATA / "landscape"]).usable()


@pytest.fixture(scope="module")
def series(landscape: Any) -> Any:
    return build_usage.landscape_usage(landscape.estate, months=1, step_s=3600)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory, series: Any) -> UsageSpec:
    path: Path = tmp_path_factory.mktemp("history") / "usage.db"
    with History.open(path) as history:
        series.into(history)
    return UsageSpec(path, build_usage.SITE, step_s=3600)


@pytest.fixture(scope="module")
def used(landscape: Any, spec: UsageSpec) -> UsageGiven:
    return spec.read(landscape.estate, BUCKETS)


def test_two_770_do_not_carry_the_month_end(landscape: Any, used: UsageGiven) -> None:
    """By hand, from data/build_usage.py: at 10:00 of a month-end day the LPARs of the 595-2 use 93 % of its 25 cores, those
    of the others half of their 20 and 12; each one's level is rounded down, so it is 23.241 + 9.981 + 5.988 = 39.210.

    On arrival who moves live runs as today: 39.210 less the five that restart, 1.272 = 37.938. These use, in the end:
    hxaix54 0.580 × 0.584543 → 0.340 and hxaix57 0.374 × 0.854124 → 0.320 in POWER7 mode; hxaix53 0.203, hxaix55 0.050 and
    hxaix70 0.065 as they do today: 0.978. With two VIOSes of 1.00 on each: 37.938 + 0.978 + 4.000 = 42.916 of 2 × 16.00 cores.
    10.916 lack: of the whole hundredths of two servers that is 10.92 or 10.93.

    In the end the live ones that run in POWER7 mode use less: those of the 595-2 15.268 for 16.430 (× 0.928978, each rounded
    up), of the 570-1 1.452 for 2.480 (× 0.584543), of the 570-2 2.968 for 3.465 (× 0.854124); the rest, in POWER6 mode,
    6.811 + 6.668 + 2.084: 35.251 + 0.978 + 4.000 = 40.229 of 32.00. So it is refused on arrival already."""
    at = int(sum(used.usage.of(p.name).astype(int) for p in landscape.estate.lpars if p.active).argmax())
    assert (used.usage.bucket(at).kind, used.usage.bucket(at).hour) == ("month-end", 10)
    by_server = {s: sum(int(used.usage.of(p.name)[at]) for p in landscape.estate.lpars if p.active and p.server == s)
                 for s in ("SN8379A80_p595-2", "SN1001C70_p570-1", "SN1001C92_p570-2")}
    assert list(by_server.values()) == [23_241, 9_981, 5_988]
    found = whatif(landscape, TWO_770, OPTIONS, used=used)
    assert found.status is Status.INFEASIBLE and found.conflict is not None
    assert found.conflict.summary.startswith("on arrival") and "processor.usage" in found.conflict.rules
    assert sum(units for units, _ in found.conflict.shortfall.values()) in (1092, 1093)
    assert whatif(landscape, TWO_770, OPTIONS).status is Status.OPTIMAL  # entitlements alone fit


def test_three_770_carry_it_and_the_raw_series_says_so(landscape: Any, used: UsageGiven, spec: UsageSpec, series: Any) -> None:
    """42.916 + 2.000 for two VIOSes more = 44.916 of 48.00 cores."""
    three = replace(TWO_770, add=(*TWO_770.add, replace(TWO_770.add[0], name="p770-3")))
    found = whatif(landscape, three, OPTIONS, used=used)
    assert found.status in (Status.OPTIMAL, Status.FEASIBLE) and found.plan is not None and found.estate is not None
    slots = series.slots(series.months[-1])
    lines = {x.name: x for x in found.lpars}
    for name in ("p770-1", "p770-2", "p770-3"):
        here = [load for load in series.loads if lines[load.lpar.name].target == name]
        restarted = {n for n, x in lines.items() if x.way.startswith("restart")}
        arrival = sum(series.physc(x, slots) * (lines[x.lpar.name].ratio if x.lpar.name in restarted else 1) for x in here)
        end = sum(series.physc(x, slots) * lines[x.lpar.name].ratio for x in here)
        assert 4_000 < max(arrival) <= 14_000 and max(end) <= 14_000
    plan = parse(dump(found.plan), "plan.json")
    assert plan.goal.usage is not None and isinstance(plan.details, WhatifDetails) and plan.details.use
    again = usage_again(found.estate, spec.path, plan.goal.usage)
    assert verify_plan(plan, found.estate, again).holds
    assert not verify_plan(plan, found.estate).holds
    twice = replace(again, physc=2 * again.physc)
    assert "plan.used" in {f.rule for f in verify_plan(plan, found.estate, twice).findings}


#: Four POWER6 cores at 8.824 rPerf each, on two POWER7 cores at 10.331: × 0.854124.
NEW = NewServer("N", "9117-MMB", 3, 256 * 1024, ghz="3.1", firmware="AM720_101", vios_units=50)
MOVED = Scenario("s", add=(NEW,), retire=("A",), clocks=(ServerClock("A", "4.7"),), frontier=False)


def small(rows: dict[str, list[int]], asked: Scenario = MOVED, **facts: Any) -> ScenarioResult:
    of = estate([server("A", 12, 64, model="9117-MMA", generation="POWER6", firmware="EM350_085")],
                [lpar(n, "A", 0.5, 4, virtual_processors=4, current_mode="POWER6", **facts) for n in ("a1", "a2")])
    return whatif(loaded(of), asked, OPTIONS, used=measured(of, rows))


@pytest.mark.parametrize(("rows", "status", "when"), [
    ({"a1": [1000, 0], "a2": [1000, 0]}, Status.OPTIMAL, ""),     # 1.00 + 1.00 + 1.00 of VIOSes = 3.00 of 3
    ({"a1": [1001, 0], "a2": [1000, 0]}, Status.INFEASIBLE, "on arrival"),
    ({"a1": [1900, 0], "a2": [0, 1900]}, Status.OPTIMAL, ""),     # the peak of the sum, not the sum of the peaks
])
def test_a_live_move_brings_what_was_used(rows: dict[str, list[int]], status: Status, when: str) -> None:
    found = small(rows)
    assert found.status is status
    assert found.conflict is None or found.conflict.summary.startswith(when)


def test_a_restart_arrives_in_the_mode_of_its_server() -> None:
    """Restarted, both run in POWER7 mode from the first moment: 1.17 × 0.854124 = 0.99933 → 1.000 each."""
    assert small({"a1": [1170], "a2": [1170]}, rmc_active=False).status is Status.OPTIMAL
    assert small({"a1": [1171], "a2": [1171]}, rmc_active=False).status is Status.INFEASIBLE  # 1.001
    assert small({"a1": [1001], "a2": [1000]}).status is Status.INFEASIBLE


def test_growth_counts_in_the_end() -> None:
    """1.00 × 0.854124 × 1.17 = 0.99933 each; × 1.18 = 1.00787. In POWER6 mode, as AIX 5.3 keeps it, nothing is credited."""
    grown = {n: replace(MOVED, growth=(Growth("*", Fraction(n, 100)),)) for n in (1, 17, 18)}
    rows = {"a1": [1000], "a2": [1000]}
    assert small(rows, grown[17]).status is Status.OPTIMAL
    refused = small(rows, grown[18])
    assert refused.status is Status.INFEASIBLE and refused.conflict and refused.conflict.summary.startswith("after growth")
    assert small(rows, grown[1], os="AIX", os_level="5.3").status is Status.INFEASIBLE


def test_the_replay_counts_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that forgets a moment is found out: neither on arrival nor in the end does N carry it."""
    sizes = job._sizes
    monkeypatch.setattr(job, "_sizes", lambda case: replace(sizes(case), used=None))
    grown = replace(MOVED, growth=(Growth("*", Fraction(18, 100)),))
    for used, asked, facts in ((1001, MOVED, {}), (1000, grown, {}), (1171, MOVED, {"rmc_active": False})):
        with pytest.raises(ReplayError) as told:
            small({"a1": [used], "a2": [used]}, asked, **facts)
        assert "plan.used" in {f.rule for f in told.value.findings}
