"""A what-if that is asked more besides: who stays, and what every server that takes in keeps spare, in the end too; a plan
that ignores it does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from estates import changed, estate, loaded, lpar, measured, server, stating

from planner.estate.model import Estate, Policy
from planner.jobs import Options
from planner.jobs.scenario_result import ScenarioResult
from planner.jobs.whatif import whatif
from planner.optimise.placement import move_cost_ms
from planner.plan.choices import Status
from planner.rules import Judge, Site
from planner.scenarios.model import Growth, Scenario
from planner.verify import replay_changes, verify_plan

#: A is retired: a1 goes live, a2 has no RMC and restarts. Each server holds 1.00 core and 4 GiB of VIOSes.
OF = estate([server("A", 16), server("B", 8), server("C", 12)],
            [lpar("a1", "A", 4, 8), lpar("a2", "A", 0.5, 4, rmc_active=False), lpar("b1", "B", 2, 8), lpar("c1", "C", 1, 8)])
GONE = Scenario("s", retire=("A",), frontier=False)
GROWN = replace(GONE, growth=(Growth("*", Fraction(1, 4)),))


def asked(of: Estate = OF, scenario: Scenario = GONE, **more: object) -> ScenarioResult:
    return whatif(loaded(of), scenario, Options(20), more=more)


@pytest.mark.parametrize(("more", "rules"), [
    ({"stay": ("a1",)}, {"policy.asked-to-stay"}), ({"stay": ("a2",)}, {"policy.asked-to-stay"}),
    ({"spare_percent": 70}, {"processor.capacity", "scenario.capacity"})])
def test_a_plan_that_ignores_it_does_not_hold(more: Mapping[str, object], rules: set[str]) -> None:
    found = asked()
    assert found.plan is not None and found.estate is not None and found.plan.verified
    assert (found.migration.live, found.migration.restarts) == (1, 1)
    held = verify_plan(found.plan.replace(goal=found.plan.goal.replace(**more)), found.estate)
    assert not held.holds and rules <= {f.rule for f in held.findings}


def test_what_grows_into_what_is_to_be_spare_does_not_hold() -> None:
    """On C: 1.00 + 1.00 + 4.00 = 6.00 of 12 on arrival, half of it; × 1.25 in the end 7.25 (VIOSes do not grow)."""
    found = asked(OF, GROWN, stay=("b1", "c1"))
    assert found.plan is not None and found.estate is not None
    assert [(m.lpar, m.target) for m in found.plan.moves] == [("a1", "C")]
    rules = []
    for spare in (39, 40):
        held = verify_plan(found.plan.replace(goal=found.plan.goal.replace(spare_percent=spare)), found.estate)
        rules.append({f.rule for f in held.findings if f.subject in ("C", "a1", "c1")} & {"processor.capacity", "scenario.capacity"})
    assert rules == [set(), {"scenario.capacity"}]
    assert asked(OF, GROWN, spare_percent=39).status is Status.OPTIMAL


def test_a_restart_that_a_rule_forbids_does_not_hold() -> None:
    """A pin binds on a restart as well: the replay asks that itself."""
    site = Site(stating(OF, Policy("pin", "a2", "A; C")))
    rows = [replace(site.lpars["a2"], server=s) for s in ("B", "C")]
    assert [[f.rule for f in replay_changes(site, site.start | {"a1": "C"}, [row], ["B", "C"])] for row in rows] == [
        ["policy.pin"], []]


def test_who_is_asked_to_stay_restarts_neither() -> None:
    found = asked(stay=("a2",))
    assert found.status is Status.INFEASIBLE and found.conflict is not None
    assert found.conflict.rules == ("policy.asked-to-stay",) and found.conflict.lpars == ("a2",)


def test_a_server_that_takes_nobody_in_keeps_what_it_holds() -> None:
    """B is full: what is to be spare binds where somebody arrives."""
    full = changed(OF, "b1", entitlement_units=700, virtual_processors=7)
    found = asked(full, spare_percent=45)
    assert found.status is Status.OPTIMAL and found.totals is not None
    assert {(s.name, s.units_final) for s in found.servers} == {("B", 800), ("C", 650)}
    assert found.plan is not None and found.estate is not None and verify_plan(found.plan, found.estate).holds


def test_usage_keeps_to_it_as_entitlements_do() -> None:
    """b1 uses 6.50 of B's 8, with its VIOSes 7.50, and stays so; C would use 1.00 + 4.00 + 0.50 + 1.00 = 6.50 of 12."""
    used = {"a1": [4000], "a2": [500], "b1": [6500], "c1": [1000]}
    roomy = changed(OF, "b1", virtual_processors=8)
    for spare, status in ((45, Status.OPTIMAL), (46, Status.INFEASIBLE)):
        found = whatif(loaded(roomy), GONE, Options(20), used=measured(roomy, used), more={"spare_percent": spare, "stay": ("b1", "c1")})
        assert found.status is status


@pytest.mark.parametrize("spare", range(0, 60, 10))
@pytest.mark.parametrize("stay", [(), ("b1",), ("b1", "c1")])
@pytest.mark.parametrize("scenario", [GONE, GROWN], ids=["as it is", "grown"])
def test_the_cheapest_is_what_brute_force_finds(scenario: Scenario, stay: tuple[str, ...], spare: int) -> None:
    """Over all placements: on arrival and in the end a server that holds more than today keeps so much free."""
    found = asked(OF, scenario, stay=stay, spare_percent=spare)
    site, growth = Site(OF), Fraction(5, 4) if scenario.growth else Fraction(1)
    judge, costs = Judge(site), []
    for choice in product("BC", repeat=4):
        where = dict(zip(("a1", "a2", "b1", "c1"), choice, strict=True))
        if all(where[n] == site.start[n] for n in stay) and all(_fits(site, where, s, spare, growth) for s in "BC"):
            costs.append(sum(move_cost_ms(site, judge, n, site.start[n], s) + 1000 * scenario.restart_cost_s * (n == "a2")
                             for n, s in where.items() if s != site.start[n]))
    if not costs:
        assert found.status is Status.INFEASIBLE
        return
    assert found.status is Status.OPTIMAL and found.objective == min(costs) / 1000


def _fits(site: Site, where: Mapping[str, str], server: str, spare: int, growth: Fraction) -> bool:
    """In cores: memory is ample. a2 arrives in its final size."""
    there = [n for n, s in where.items() if s == server]
    grown = {n: site.lpars[n].entitlement_units * growth for n in there}
    arrived = sum(grown[n] if n == "a2" else site.lpars[n].entitlement_units for n in there)
    most = site.servers[server].configurable_units
    start, limit = site.at_start[server].units, Fraction(most * (100 - spare), 100)
    return 100 + max(arrived, sum(grown.values())) <= min(most, max(limit, start))
