"""A consolidation by construction: what rules say of it, what it gains, what of the rules was asked in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

from estates import WITHOUT_USAGE, judged
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from scale_estates import blocks, open_estate, ring
from test_oracle import estates

from planner.estate.model import Estate
from planner.optimise import consolidation, judging
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.emptying import Emptying
from planner.optimise.judging import Judging
from planner.optimise.measure import scale_of
from planner.plan.choices import Measure, Status
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site
from planner.schedule.order import goes_straight


@settings(max_examples=portion(60))
@given(estates(), st.sampled_from(WITHOUT_USAGE), st.booleans(), st.integers(0, 9))
def test_what_is_built_keeps_every_rule_has_an_order_and_is_never_worse(of: Estate, measure: Measure, come_back: bool, kept: int) -> None:
    site, judge = judged(of)
    keep = sorted(site.servers)[kept % len(site.servers)]
    goal = Consolidate(measure=measure, come_back=come_back, keep=(keep,))
    scale = scale_of(site, measure)
    problem = ConsolidationProblem(site, judge, goal, scale)
    built = problem.build(math.inf)
    first, *rest = problem.surer()
    weight = {str(a): scale.at(a.off, site.start | a.placement) for a in (first, *rest)}
    assert first.placement == built and keep not in first.off
    assert weight[str(first)] == min(weight.values())
    assert not judge.placement(site.start | built) and goes_straight(site, site.start | built)
    assert not set(first.off) & set((site.start | built).values())


def test_what_is_built_switches_off_and_is_a_bound_of_what_is_found() -> None:
    """Every component has one, and more time makes it no worse on either level."""
    site = Site(ring(10, 60))
    judge, goal = Judge(site), Consolidate()
    problem = ConsolidationProblem(site, judge, goal, scale_of(site, Measure.WATTS))
    built = problem.build(math.inf)
    first = next(problem.surer())
    assert built and len(first.off) >= 3
    found = problem.solve(3, 0.01)
    assert sum(p.measure for p in found.parts) <= sum(p.measure for p in first.parts)
    assert sum(p.measure for p in problem.solve(-1, 0.01).parts) <= sum(p.measure for p in first.parts)


@given(st.sampled_from((blocks, open_estate, ring)), st.integers(0, 9), st.lists(st.sampled_from((0, 16, 256, 1024)), min_size=6, max_size=6))
@settings(max_examples=portion(25))
def test_servers_that_are_not_tried_could_not_be_emptied(shape: Callable[..., Estate], seed: int, lmbs: list[int]) -> None:
    """Where all others have too little room together, trying ends in the same answer."""
    of = shape(6, 60, seed)
    site, judge = judged(of.replace(servers=tuple(replace(s, lmb_mib=lmb) for s, lmb in zip(of.servers, lmbs, strict=True))))
    problem = ConsolidationProblem(site, judge, Consolidate(), scale_of(site, Measure.WATTS))
    built = problem.build(math.inf)
    with patch.object(Emptying, "cramped", return_value=False) as tried:
        assert problem.build(math.inf) == built and tried.called


def test_usage_binds_what_is_built() -> None:
    """By entitlement one server carries both; in one slot they use more cores together than it has."""
    of = open_estate(2, 6, seed=1)
    busy = {p.name: (p.entitlement_units * 10, 8000) for p in of.lpars}
    calm = {p.name: (10, 10) for p in of.lpars}
    for rows, most in ((calm, 1), (busy, 0)):
        site, judge = judged(of, rows)
        problem = ConsolidationProblem(site, judge, Consolidate(), scale_of(site, Measure.WATTS))
        problem.build(math.inf)
        assert len(next(problem.surer()).off) == most


def test_what_was_not_asked_in_time_stays_and_nothing_is_proved_of_it(monkeypatch) -> None:
    """Asked in two passes or one the answer is the same; without time for any nobody moves; what is asked of some
    servers alone proves neither a bound nor that something is impossible."""
    site = Site(ring(20, 80))
    judge, scale = Judge(site), scale_of(site, Measure.WATTS)
    asking = Judging(judge, scale.fixed, come_back=False)
    whole = asking.run(math.inf)
    monkeypatch.setattr(judging, "_FEW", 5)
    assert asking.run(math.inf) == whole and whole.unasked == 0 and list(whole.candidates.cost) == sorted(whole.candidates.cost)
    none = asking.run(-math.inf)
    assert none.unasked > 40 and not none.candidates.cost
    few, unasked = asking.asked(sorted(site.start), math.inf)
    assert unasked == 0 and {n: p for n, p in few.items() if len(p) > 1} == whole.candidates.cost
    calls = iter(range(10 ** 6))
    monkeypatch.setattr(judging, "now", lambda: next(calls) / 100)
    some = asking.run(1.0)
    assert 0 < some.unasked < 80 and any(len(p) > 1 for p in some.candidates.cost.values())
    problem = ConsolidationProblem(site, judge, Consolidate(), scale, judged=some)
    problem.build(math.inf)
    answer = problem.solve(2, 0.01)
    assert answer.status is Status.FEASIBLE and all(p.measure_bound == 0 == p.cost_bound_ms for p in answer.parts)
    assert not judge.placement(site.start | answer.placement)
    complete = ConsolidationProblem(site, judge, Consolidate(), scale)
    assert problem.scale.base <= complete.scale.base


def test_a_search_begins_from_the_cheapest_of_those_about_as_light_as_the_lightest() -> None:
    """Watts count first, but a start that is hardly heavier and much cheaper leads further on both levels."""
    light, near, cheap = (consolidation.ComponentAnswer(Status.FEASIBLE, measure=m, cost_ms=c) for m, c in (
        (1000, 90), (1009, 50), (1020, 10)))
    for answers in ((light, near, cheap), (cheap, near, light)):
        assert min(answers, key=lambda a: consolidation._ahead(1000, 0.01, a)) is near
        assert min(answers, key=lambda a: consolidation._ahead(1000, 0.0, a)) is light
        assert min(answers, key=lambda a: consolidation._ahead(1000, 0.05, a)) is cheap
