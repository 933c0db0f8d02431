"""N+1 of components that are not written out whole: every failure is stood, and bounds hold."""

from __future__ import annotations

import math
from functools import cache

import pytest
from portion import WHOLE
from scale_estates import blocks, open_estate, ring

from planner.estate.model import Estate
from planner.optimise.consolidation import Consolidation, ConsolidationProblem
from planner.optimise.measure import scale_of
from planner.plan.choices import Measure, Status
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site
from planner.schedule.order import goes_straight

WAYS = {"two engines": 10**6, "taken apart": 0}
GOAL = Consolidate(measure=Measure.WATTS, n_plus_1=True)


@cache
def solved(middle: int, seed: int, gap: float = 0.02) -> tuple[ConsolidationProblem, Consolidation]:
    site = Site(blocks(8, 48, seed, block=8))
    problem = ConsolidationProblem(site, Judge(site), GOAL, scale_of(site, GOAL.measure))
    problem.small, problem.middle = 0, middle
    return problem, problem.solve(10, gap)


@pytest.mark.parametrize("middle", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize("seed", [1, 2, 3] if WHOLE else [2, 3])
def test_servers_go_off_and_every_failure_is_stood(middle: int, seed: int) -> None:
    problem, answer = solved(middle, seed)
    site = problem.site
    where = site.start | answer.placement
    assert answer.off and answer.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert not problem.judge.placement(where) and not problem.judge.restarts(where, answer.off, answer.restart)
    assert set(answer.restart) == set(where.values())


@pytest.mark.parametrize("of", [ring(12, 60), open_estate(10, 60), blocks(12, 72)], ids=["ring", "open", "blocks"])
def test_what_is_built_switches_off_and_stands_every_failure(of: Estate) -> None:
    site = Site(of)
    problem = ConsolidationProblem(site, Judge(site), GOAL, scale_of(site, GOAL.measure))
    where = site.start | problem.build(math.inf)
    answer = next(problem.surer())
    assert len(answer.off) >= 2 and site.start | answer.placement == where
    assert not problem.judge.placement(where) and not problem.judge.restarts(where, answer.off, answer.restart)
    assert goes_straight(site, where)


def test_both_ways_bound_each_other() -> None:
    """What one found is no lighter than the other proved."""
    (one, first), (_, second) = (solved(middle, 3) for middle in WAYS.values())
    for mine, others in ((first, second), (second, first)):
        weighs = one.scale.at(mine.off, one.site.start | mine.placement) - one.scale.base
        assert sum(p.measure_bound for p in others.parts) <= weighs + 1
