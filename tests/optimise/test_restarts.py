"""N+1 of components that are not written out whole: every failure is stood, and bounds hold."""

from __future__ import annotations

import pytest
from scale_estates import blocks

from planner.optimise.consolidation import Consolidation, ConsolidationProblem
from planner.optimise.measure import scale_of
from planner.plan.choices import Measure, Status
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site

WAYS = {"two engines": 10**6, "taken apart": 0}
GOAL = Consolidate(measure=Measure.WATTS, n_plus_1=True)


def solved(middle: int, seed: int, gap: float = 0.02) -> tuple[ConsolidationProblem, Consolidation]:
    site = Site(blocks(8, 48, seed, block=8))
    problem = ConsolidationProblem(site, Judge(site), GOAL, scale_of(site, GOAL.measure))
    problem.small, problem.middle = 0, middle
    return problem, problem.solve(10, gap)


@pytest.mark.parametrize("middle", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize("seed", [1, 2])
def test_servers_go_off_and_every_failure_is_stood(middle: int, seed: int) -> None:
    problem, answer = solved(middle, seed)
    site = problem.site
    where = site.start | answer.placement
    assert answer.off and answer.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert not problem.judge.placement(where) and not problem.judge.restarts(where, answer.off, answer.restart)
    assert set(answer.restart) == set(where.values())


def test_both_ways_bound_each_other() -> None:
    """What one found is no lighter than the other proved."""
    (one, first), (_, second) = (solved(middle, 3) for middle in WAYS.values())
    for mine, others in ((first, second), (second, first)):
        weighs = one.scale.at(mine.off, one.site.start | mine.placement) - one.scale.base
        assert sum(p.measure_bound for p in others.parts) <= weighs + 1
