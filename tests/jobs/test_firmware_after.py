"""The way back is judged with the levels that the servers have once the work is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner import jobs, verify_plan
from planner.errors import UsageError
from planner.estate.assemble import Loaded
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.report.runbook import runbook
from tests.estates import BASE, changed

ESTATE = BASE.replace(servers=tuple(replace(
    s, generation="POWER7", model="8233-E8B", firmware="AM720_101") for s in BASE.servers))


def evacuated(levels: dict[str, str], estate: object = ESTATE) -> Plan:
    goal = Evacuate(servers=("A",), come_back=True, firmware_after=levels)
    return jobs.evacuate(Loaded(estate), goal, jobs.Options())  # type: ignore[arg-type]


def test_a_level_that_lets_nobody_home_is_refused_with_the_order_that_works() -> None:
    plan = evacuated({"A": "AM770_032"})
    assert plan.status == "infeasible" and plan.conflict is not None
    assert {r.rule for by_server in plan.conflict.refusals.values() for found in by_server.values()
            for r in found} == {"server.firmware"}
    assert any("A to AM763 and everybody home" in lift for lift in plan.conflict.lifts)


def test_a_level_that_goes_with_both_needs_no_step_in_between() -> None:
    """AM730 goes with AM710 and with AM760: the other server comes first, and A needs its new level once."""
    of = changed(changed(changed(ESTATE, "A", firmware="AM730_087"), "B", firmware="AM710_043"), "C", firmware="AM710_043")
    plan = evacuated({"A": "AM760_062"}, of)
    assert plan.conflict is not None and any("this order it works: B to AM760_062 and everybody home, then A to AM760_062"
                                             in lift for lift in plan.conflict.lifts)


def test_one_server_that_has_a_level_to_come_home_from_takes_them_all() -> None:
    plan = evacuated({"A": "AM770_032"}, changed(ESTATE, "C", firmware="AM740_042"))
    assert {m.target for m in plan.leg("out")} == {"C"} and plan.status == "optimal"
    again = parse(dump(plan), "plan.json")
    assert again.goal.firmware_after == {"A": "AM770_032"}
    assert "A has AM770_032, with which" in runbook(plan, ESTATE)


@pytest.mark.parametrize(("levels", "told"), [({}, True), ({"A": "AM730_099"}, False)])
def test_that_no_level_was_stated_is_told_once(levels: dict[str, str], told: bool) -> None:
    plan = evacuated(levels)
    found = [f for f in plan.findings if f.rule == "plan.firmware-after"]
    assert len(found) == told and plan.verified
    assert ("no level after the work was stated" in runbook(plan, ESTATE)) == told


def test_the_replay_judges_the_way_back_with_the_level_by_itself() -> None:
    plan = evacuated({})
    spoilt = plan.replace(goal=plan.goal.replace(firmware_after={"A": "AM770_032"}))
    wrong = [f for f in verify_plan(spoilt, ESTATE).findings if f.rule == "server.firmware"]
    assert {f.subject for f in wrong} == {"a1", "a2"}


@pytest.mark.parametrize(("level", "holds"), [("AM730_099", True), ("AM770_032", False)])
def test_after_the_work_the_level_that_is_there_counts(level: str, holds: bool) -> None:
    plan = evacuated({"A": "AM730_099"})
    away = changed(ESTATE, "A", firmware=level).moved({m.lpar: m.target for m in plan.leg("out")})
    found = verify_plan(plan, away)
    assert found.holds == holds
    assert any(f.rule == "plan.firmware-after" for f in found.findings) != holds


@pytest.mark.parametrize(("levels", "says"), [({"X": "AM770"}, "no server"), ({"A": "soon"}, "not a level")])
def test_levels_that_nothing_can_be_judged_with(levels: dict[str, str], says: str) -> None:
    for goal in (Evacuate(servers=("A",), come_back=True, firmware_after=levels),
                 Consolidate(come_back=True, firmware_after=levels),
                 Headroom(server="A", units=100, memory_mib=0, come_back=True, firmware_after=levels)):
        job = {"evacuate": jobs.evacuate, "consolidate": jobs.consolidate, "headroom": jobs.headroom}[goal.kind]
        with pytest.raises(UsageError, match=says):
            job(Loaded(ESTATE), goal, jobs.Options())  # type: ignore[operator]


def test_headroom_and_consolidation_judge_the_way_back_with_it_too() -> None:
    level = {"A": "AM770_032"}
    full = jobs.headroom(Loaded(ESTATE), Headroom(server="A", units=1550, memory_mib=0, come_back=True,
                                                  firmware_after=level), jobs.Options(), curve=False)
    assert full.status == "infeasible"
    off = jobs.consolidate(Loaded(ESTATE), Consolidate(come_back=True, firmware_after=level), jobs.Options())
    assert "A" not in off.off and off.verified
