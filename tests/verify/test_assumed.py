"""What a plan takes for granted: told by plan, runbook and verify; refused where nothing is assumed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import BASE, changed, estate, loaded, lpar, server

from planner.findings import Severity, assumed
from planner.jobs import Options, consolidate, evacuate, headroom
from planner.jobs.whatif import whatif
from planner.plan.choices import Status
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.report.runbook import runbook
from planner.report.text import md
from planner.rules import Judge, Site
from planner.rules.timing import moments
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
    assert refused.status is Status.UNKNOWN and refused.conflict is not None and "a1" in refused.conflict.lpars
    plan = made(nothing=False)
    strict = replace(plan, goal=plan.goal.replace(assume_nothing=True))
    assert "partition.rmc" in {f.rule for f in verify_plan(strict, UNKNOWN).findings if f.severity is Severity.ERROR}


LEVELS = {
    "console": (changed(BASE, "B", console_level=""), "lshmc -V"),
    "VIOS level": (changed(BASE, "B-v2", level=""), "ioslevel"),
    "VIOS level of IBM i": (changed(changed(changed(changed(BASE, "a1", os="IBM i", os_level="7.4", restricted_io=True), "A",
        generation="POWER7", firmware="AM740_088", ibmi_mobility_capable=True), "B", generation="POWER7", firmware="AM740_088",
        ibmi_mobility_capable=True), "B-v2", level=""), "ioslevel")}


@pytest.mark.parametrize("what", LEVELS)
def test_a_level_that_decides_and_that_nobody_states_is_assumed_everywhere(what: str) -> None:
    """An unknown console level passed for one that the firmware's release note wants, an unknown VIOS for a new one."""
    of, command = LEVELS[what]
    judge = Judge(Site(of.replace(servers=tuple(s for s in of.servers if s.name != "C"))))
    verdict = judge.answer("a1")
    assert verdict.answer == "ready if" and any(command in f.fix for f in verdict.assumptions)
    plan = evacuate(loaded(of), Evacuate(servers=("A", "C")), Options())
    told = [f for f in assumed(plan.findings) if command in f.fix and f.subject == "a1"]
    gates = [line for line in runbook(plan, of).splitlines() if line.startswith("- [ ] **Gate** a1")]
    assert plan.verified and told and any(command in line and md(told[0].message) in line for line in gates)
    silent = plan.replace(findings=tuple(f for f in plan.findings if f not in told))
    assert any(f.message.startswith("that the level of B") for f in verify_plan(silent, of).findings)
    strict = evacuate(loaded(of), Evacuate(servers=("A", "C"), assume_nothing=True), Options())
    assert strict.status is Status.UNKNOWN


@pytest.mark.parametrize("name", ["B", "B-v1"])
def test_an_unknown_level_is_no_matter_of_few_moves_and_allows_no_more_where_nothing_is_assumed(name: str) -> None:
    """Nobody might leave a server, not one at a time, as nobody stated that eight at a time may."""
    of = estate([server(s, max_migrations=8, generation="POWER7", firmware="EM330_034") for s in "AB"],
                [lpar(f"m{n}", "A", 0.1, 1) for n in range(6)])
    of = of.replace(vioses=tuple(replace(v, link_mbit=10_000, max_migrations=8) for v in of.vioses))
    of = changed(changed(of, "A", console_level="V7R7.4"), "B", console_level="V7R7.4")
    of = changed(of, name, **{"B": {"console_level": ""}, "B-v1": {"level": ""}}[name])
    goal = Evacuate(servers=("A",))
    few = evacuate(loaded(of.replace(lpars=of.lpars[:4])), goal, Options())
    many = evacuate(loaded(of), goal, Options())
    none = evacuate(loaded(of), goal.model_copy(update={"assume_nothing": True}), Options())
    at_once = [max(len(flying) for _, flying in moments(p.moves)) for p in (few, many, none)]
    assert [p.verified for p in (few, many, none)] == [True] * 3 and at_once == [4, 6, 4]
    told = [{f.subject for f in assumed(p.findings) if f.rule == "timing.levels"} for p in (few, many, none)]
    assert told == [set(), {p.name for p in of.lpars}, set()]
    assert "**Gate** m0, m1, m2, m3, m4, m5 stay until" in runbook(many, of)


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
