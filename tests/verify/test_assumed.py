"""What a plan takes for granted: told by plan, runbook and verify; refused where nothing is assumed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import BASE, changed, loaded

from planner.findings import Severity, assumed
from planner.jobs import Options, consolidate, evacuate, headroom
from planner.jobs.whatif import whatif
from planner.plan.choices import Status
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.report.runbook import runbook
from planner.scenarios.model import Scenario
from planner.verify import verify_plan

UNKNOWN = changed(BASE, "a1", rmc_active=None)
GOAL = Evacuate(servers=("A",))


def made(*, nothing: bool) -> Plan:
    return evacuate(loaded(UNKNOWN), GOAL.replace(assume_nothing=nothing), Options())


def test_an_assumption_is_in_plan_runbook_and_verify() -> None:
    plan = parse(dump(made(nothing=False)), "plan.json")
    assert [(f.rule, f.subject) for f in assumed(plan.findings)] == [("partition.rmc", "a1")]
    assert "**Gate** a1 stays until this is settled: whether its RMC connection is active is unknown" in runbook(plan, UNKNOWN)
    found = verify_plan(plan, UNKNOWN)
    assert found.holds and [f.rule for f in assumed(found.findings)] == ["partition.rmc"]


def test_a_plan_that_leaves_an_assumption_out_does_not_hold() -> None:
    plan = made(nothing=False)
    silent = plan.replace(findings=tuple(f for f in plan.findings if f.severity is not Severity.ASSUMPTION))
    assert not verify_plan(silent, UNKNOWN).holds


def test_where_nothing_is_assumed_it_is_refused_and_verify_knows() -> None:
    refused = made(nothing=True)
    assert refused.status is Status.INFEASIBLE and refused.conflict is not None and "a1" in refused.conflict.lpars
    plan = made(nothing=False)
    strict = replace(plan, goal=plan.goal.replace(assume_nothing=True))
    assert "partition.rmc" in {f.rule for f in verify_plan(strict, UNKNOWN).findings if f.severity is Severity.ERROR}


def asked(kind: str, *, nothing: bool) -> Plan | None:
    of, options = loaded(UNKNOWN), Options()
    match kind:
        case "evacuate":
            return evacuate(of, Evacuate(servers=("A",), assume_nothing=nothing), options)
        case "headroom":
            goal = Headroom(server="A", units=1425, memory_mib=0, assume_nothing=nothing)
            return headroom(of, goal, options, curve=False)
        case "consolidate":
            return consolidate(of, Consolidate(off=("A",), assume_nothing=nothing), options)
    return whatif(of, Scenario("no A", retire=("A",), frontier=False, assume_nothing=nothing), options).plan


@pytest.mark.parametrize("kind", ["evacuate", "headroom", "consolidate", "whatif"])
def test_the_question_says_whether_anything_is_assumed(kind: str) -> None:
    """Options of the run, always False for those who used the jobs from Python, stood above what was asked."""
    free, strict = (asked(kind, nothing=nothing) for nothing in (False, True))
    assert free is not None and "a1" in {m.lpar for m in free.moves} and not free.goal.assume_nothing
    assert strict is None or strict.goal.assume_nothing
    assert strict is None or "a1" not in {m.lpar for m in strict.moves}
