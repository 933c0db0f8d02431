"""What-ifs that retire a server migrate what is not activated there; what cannot go is named and stops nothing."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, changed, exactly, loaded, policy, stating
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.model import Estate
from planner.findings import Severity
from planner.jobs import Options
from planner.jobs.scenario_result import ScenarioResult
from planner.jobs.whatif import whatif
from planner.plan.choices import Status
from planner.plan.plan import dump, parse
from planner.plan.wire import as_json
from planner.report.runbook import runbook
from planner.report.whatif_json import whatif_document
from planner.scenarios.model import Growth, Scenario
from planner.verify import verify_plan

sys.path.append(str(Path(__file__).parents[1] / "verify"))
from test_inactive import ONE_OFF, off, sleepy

GONE = Scenario("without A", retire=("A",), frontier=False)


def answered(of: Estate, scenario: Scenario = GONE, **more: Any) -> ScenarioResult:
    return whatif(loaded(of), replace(scenario, **more), Options(20))


def moves(result: ScenarioResult) -> dict[str, bool]:
    return {m.lpar: m.inactive for m in result.plan.moves} if result.plan else {}


def told(result: ScenarioResult) -> list[str]:
    return [f.message for f in result.findings if f.rule == "scenario.inactive"]


def test_what_is_off_goes_by_default_and_stays_when_asked_to() -> None:
    found = answered(ONE_OFF)
    assert moves(found) == {"a1": False, "a2": True} and (found.migration.live, found.migration.restarts) == (1, 0)
    assert (found.migration.inactive, found.migration.inactive_moved, told(found)) == (("a2",), ("a2",), [])
    assert as_json(whatif_document([found], ""))["scenarios"][0]["migration"]["inactive_moved"] == ["a2"]
    assert found.plan and found.estate and verify_plan(parse(dump(found.plan), "plan.json"), found.estate).holds
    kept = answered(ONE_OFF, inactive=False)
    assert moves(kept) == {"a1": False} and kept.migration.inactive_moved == () and "ready (B, C)" in told(kept)[0]
    assert kept.plan and kept.estate and verify_plan(kept.plan, kept.estate).holds
    assert "the profiles of a2" in runbook(kept.plan, kept.estate)


@pytest.mark.parametrize("change", [{"memory_mib": 0}, {"migration_disabled": True}, {"memory_mib": 10**6}])
def test_what_cannot_go_is_named_with_the_reason_and_stops_nothing(change: dict[str, Any]) -> None:
    found = answered(changed(ONE_OFF, "a2", **change))
    assert found.status is Status.OPTIMAL and moves(found) == {"a1": False}
    assert len(told(found)) == 1 and "inactive migration (--inactive): not ready" in told(found)[0]
    assert found.plan and found.estate and verify_plan(found.plan, found.estate).holds


def test_it_takes_no_room_and_is_neither_resized_nor_restarted() -> None:
    """Both servers have just room for a1; a2 is 'kept together' with it and goes inactive where a1 goes."""
    of = stating(ONE_OFF, policy("keep-together", "pair", "a1; a2"))
    a1 = next(p for p in of.lpars if p.name == "a1")
    rows = tuple(exactly(s, [p for p in of.lpars if p.server == s.name] + [a1] * (s.name != "A")) for s in of.servers)
    found = answered(of.replace(servers=rows))
    assert found.plan and moves(found) == {"a1": False, "a2": True}
    assert len({m.target for m in found.plan.moves}) == 1
    assert {f.rule for f in found.plan.findings if f.subject == "a2" and f.severity is Severity.WARNING} >= {
        "inactive.room"}
    grown = answered(of, replace(GONE, growth=(Growth("*", Fraction(1), Fraction(1)),)))
    assert "a2" not in {c.lpar for c in grown.changes} and "a1" in {c.lpar for c in grown.changes}


def test_random_estates_without_a_server_have_plans_that_hold() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(30))
    @given(sleepy(), st.sampled_from((True, True, False)))
    def planned(of: Estate, inactive: bool) -> None:
        of = off(of, next(p.name for p in of.lpars if p.server == "A"))
        found = answered(of, inactive=inactive)
        seen[found.status] += 1
        if found.plan is None or found.estate is None:
            return
        seen["inactive"] += sum(m.inactive for m in found.plan.moves)
        assert inactive or not any(m.inactive for m in found.plan.moves)
        played = verify_plan(parse(dump(found.plan), "plan.json"), found.estate)
        assert played.holds, [str(f) for f in played.findings]
        asleep = {p.name for p in of.lpars if p.server == "A" and not p.active}
        assert asleep == {*found.migration.inactive} and {*found.migration.inactive_moved} == {
            m.lpar for m in found.plan.moves if m.inactive}
        assert asleep - {*found.migration.inactive_moved} == {f.subject for f in found.findings if f.rule == "scenario.inactive"}
    planned()
    assert seen["inactive"] > portion(5) and seen[Status.OPTIMAL] > portion(10), seen


def test_base_has_nothing_off() -> None:
    assert answered(BASE).migration.inactive == ()
