"""What is used in the end of a what-if is no more than a server may give, also where it is more today."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from estates import estate, judged, loaded, lpar, measured, policy, pool, server, stating

from planner.errors import ReplayError
from planner.estate.model import Policy
from planner.jobs import Options
from planner.jobs import whatif as job
from planner.jobs.scenario_result import ScenarioResult
from planner.jobs.whatif import today, whatif
from planner.plan.choices import Status
from planner.scenarios.model import Growth, Scenario
from planner.verify import replay_changes

#: Of A's 10 cores 1.00 of VIOSes and 4.00 each of a1 and a2 are used: 9.00; of B's 1.00 and 4.00 of b1.
OF = estate([server("A", 10, 64), server("B", 10, 64)], [lpar(n, n[0].upper(), 0.5, 4, virtual_processors=5)
                                                        for n in ("a1", "a2", "b1")])
USED = {"a1": [4000, 0], "a2": [4000, 0], "b1": [0, 4000]}


def asked(of: Any = OF, used: Any = USED, **facts: Any) -> ScenarioResult:
    return whatif(loaded(of), Scenario("s", frontier=False, **facts), Options(), used=measured(of, used))


def ceiling(percent: int) -> tuple[Policy, ...]:
    return (policy("cpu-ceiling", "*", str(percent)),)


def test_a_server_above_its_ceiling_is_relieved() -> None:
    """Under 80 % A may use 8.00: one of its two goes to B, 9.00 in no slot."""
    assert asked(policies=ceiling(90)).migration.live == 0
    found = asked(policies=ceiling(80))
    assert found.status is Status.OPTIMAL and found.migration.live == 1
    assert found.totals is not None and found.totals.used_share is not None and found.totals.used_share <= 80


@pytest.mark.parametrize(("percent", "status"), [(50, Status.OPTIMAL), (49, Status.INFEASIBLE)])
def test_what_cannot_be_met_is_impossible_with_the_reason(percent: int, status: Status) -> None:
    """4.00 + 1.00 of VIOSes is the least that one of three on two servers leaves: 5.00 in each slot."""
    found = asked(policies=ceiling(percent))
    assert found.status is status
    if found.conflict is not None:
        assert found.conflict.summary.startswith("after growth and resizing") and "the servers lack " in found.conflict.summary
        assert "for what runs on them" in found.conflict.summary
        assert "processor.usage" in found.conflict.rules


def test_growth_counts_under_the_ceiling() -> None:
    """4.00 × 1.15 + 1.00 = 5.60."""
    for percent, status in ((56, Status.OPTIMAL), (55, Status.INFEASIBLE)):
        found = asked(policies=ceiling(percent), growth=(Growth("*", Fraction(15, 100)),))
        assert found.status is status


def test_a_pool_is_held_to_its_maximum_as_well() -> None:
    """a1 and a2 use 8.00 of a pool of 7.00: only without one of them there it is kept."""
    of = estate(OF.servers, [replace(p, pool_id=1 if p.server == "A" else None) for p in OF.lpars])
    of = of.replace(pools=(pool("A", 1, 7),))
    found = asked(of)
    assert found.status is Status.OPTIMAL and found.migration.live == 1


def test_today_and_scenarios_divide_by_the_same_cores() -> None:
    """A ceiling changes what may be used, not the cores there are: 9.00 of 10."""
    now = today(loaded(OF), used=measured(OF, USED)).totals
    then = asked(policies=ceiling(90)).totals
    assert now is not None and then is not None and now.used_share == then.used_share == then.used_share_arrival == 90.0


def test_the_replay_is_strict_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that lets what was over stay over is found out; on arrival it may."""
    sizes = job._sizes

    def lenient(case: Any) -> Any:
        found = sizes(case)
        for one in found.used or ():
            one.strict = False
        return found
    monkeypatch.setattr(job, "_sizes", lenient)
    with pytest.raises(ReplayError) as told:
        asked(policies=ceiling(80))
    assert {f.rule for f in told.value.findings} == {"plan.used"}


def test_the_replay_names_server_and_moment() -> None:
    site, _ = judged(stating(OF, policy("cpu-ceiling", "*", "80")), USED)
    (told,) = replay_changes(site, site.start, [], ["A", "B"])
    assert told.rule == "plan.used" and told.subject == "A" and "9.00 cores of 8.00" in told.message
