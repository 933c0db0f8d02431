"""What opens every server of a site, together and within a budget: against the goals one by one."""

from __future__ import annotations

from itertools import combinations

from estates import BASE, changed, policy, stating

from planner.estate.assemble import Loaded
from planner.estate.changes import applied
from planner.estate.model import Estate
from planner.jobs.common import Options
from planner.jobs.opening import Opened, open_all
from planner.jobs.remedy import Remedy, possible, remedy
from planner.plan.questions import Evacuate
from planner.schedule.lanes import Pacing

#: VLAN 10 is bridged on C alone beside where each is: one bridge on B and one on A would open all three; b1 has no RMC.
SPARSE = changed(BASE.replace(zonings=tuple(z for z in BASE.zonings if z.vios[0] in ("C", z.lun[4].upper()))), "b1", rmc_active=False)


def asked(of: Estate, *servers: str) -> Remedy:
    return Remedy(Loaded(of), Evacuate(servers=servers), Options(time_limit=20, pacing=Pacing(waves=True)))


def opened(of: Estate, budget: int | None = None) -> Opened:
    return open_all(lambda s: asked(of, s), [s.name for s in of.servers], budget)


def test_what_lasts_is_bought_once_and_every_window_has_its_plan() -> None:
    of = stating(SPARSE, policy("fence", "c1", "C; B"), policy("reserve-cores", "C", "14"))
    told = opened(of)
    assert not told.closed and told.cheapest and {*told.today, *told.sets} == {"A", "B", "C"}
    assert told.cost <= told.alone
    for s, found in told.sets.items():
        assert found.plan.verified and found.plan.goal.freed == (s,)
        assert found.estate == applied(of, [*told.lasting, *found.changes])
        assert possible(asked(found.estate, s).today)


def test_two_goals_that_share_a_change_cost_less_together() -> None:
    of = stating(BASE, policy("fence", "a1; b1", "A; B"), policy("not-a-target", "A; B"))
    told = opened(of)
    assert told.cost < told.alone


def test_a_budget_opens_as_many_as_it_can() -> None:
    of = stating(changed(changed(BASE, "a1", rmc_active=False), "b1", rmc_active=False), policy("pin", "a2"), policy("pin", "c1"))
    alone = {s: min(asked_cost(of, s)) for s in "ABC"}
    for budget in (0, 5, 50, 60, 1000):
        told = opened(of, budget)
        most = max(n for n in range(4) for some in combinations(alone.values(), n) if sum(some) <= budget)
        assert len(told.sets) == most and told.cost <= budget
        assert all(why == "not within the budget" for why in told.closed.values())


def asked_cost(of: Estate, server: str) -> list[int]:
    return [s.cost for s in remedy(asked(of, server)).sets]
