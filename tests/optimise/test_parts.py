"""Parts of a site between which nothing can move are solved one by one: the sum is the answer to the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import evacuate_goal, policy, stating
from scale_estates import blocks

from planner.estate.model import Estate
from planner.optimise.evacuate import EvacuationProblem, parts_of
from planner.optimise.stages import Answer
from planner.plan.choices import Status
from planner.rules import Judge, Site

FREED = ("srv001", "srv007", "srv013")
"""Of a site of three blocks of six servers."""
OTHERS = {1: ("srv000", "srv002", "srv003", "srv004", "srv005"), 2: ("srv012", "srv014", "srv015", "srv016", "srv017")}


def site_of(seed: int) -> Estate:
    return blocks(18, 72, seed, block=6)


def asked(of: Estate, *, whole: bool = False) -> tuple[EvacuationProblem, Answer]:
    site = Site(of)
    problem = EvacuationProblem(site, Judge(site), evacuate_goal(site, FREED))
    problem.is_part = whole
    return problem, problem.solve(20, 0.0)


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_parts_cost_what_the_whole_costs(seed: int) -> None:
    problem, answer = asked(site_of(seed))
    _, whole = asked(site_of(seed), whole=True)
    assert len(parts_of(problem)) == 3
    assert answer.status is whole.status is Status.OPTIMAL
    assert answer.objective_ms == whole.objective_ms and answer.bound_ms == pytest.approx(whole.bound_ms)
    assert set(answer.placement) >= set(problem.displaced)
    assert Judge(problem.site).placement({**problem.site.start, **answer.placement}) == []


def shrunk(of: Estate, *servers: str) -> Estate:
    """These servers hold what they hold and nothing more."""
    site = Site(of)
    return of.replace(
        servers=tuple(replace(s, configurable_memory_mib=site.at_start[s.name].memory_mib) if s.name in servers else s
                      for s in of.servers),
        policies=tuple(p for p in of.policies if p.kind != "memory-ceiling"))


def test_one_impossible_part_makes_the_whole_impossible_and_is_the_one_named() -> None:
    full = shrunk(site_of(1), *OTHERS[1])
    problem, answer = asked(full)
    assert answer.status is Status.INFEASIBLE and answer.conflict is not None
    assert set(answer.conflict.servers) <= set(OTHERS[1])
    assert {problem.site.start[n] for n in answer.conflict.lpars} == {"srv001"}
    assert asked(full, whole=True)[1].status is Status.INFEASIBLE


def test_two_impossible_parts_are_both_named() -> None:
    full = shrunk(site_of(1), *OTHERS[1], *OTHERS[2])
    problem, answer = asked(full)
    assert answer.conflict is not None and not answer.conflict.irreducible and answer.conflict.sets == 2
    assert {problem.site.start[n] for n in answer.conflict.lpars} == {"srv001", "srv013"}
    assert answer.conflict.summary.count("the other servers lack") == 2


def test_a_group_that_stays_together_joins_parts() -> None:
    """Members in two blocks cannot end on one server: proved only when both blocks are looked at together."""
    of = site_of(2)
    first, second = (next(p.name for p in of.lpars if p.server == s) for s in FREED[:2])
    joined = stating(of, policy("keep-together", "pair", f"{first}; {second}"))
    problem, answer = asked(joined)
    assert len(parts_of(problem)) == 2
    assert answer.status is Status.INFEASIBLE and answer.conflict is not None
    assert "policy.keep-together" in answer.conflict.rules


def test_a_server_that_nobody_reaches_is_no_part() -> None:
    of = site_of(3)
    alone = replace(of.servers[0], name="zz-island")
    problem, answer = asked(of.replace(servers=(*of.servers, alone)))
    assert answer.status is Status.OPTIMAL
    assert all("zz-island" not in part.survivors for part in parts_of(problem))
