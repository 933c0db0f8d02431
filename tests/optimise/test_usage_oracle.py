"""What was used binds the programs as brute force and the replay's own sums say: freeing, switching off, N+1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from estates import evacuate_goal, judged
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from test_consolidation import WAYS, brute, check
from test_oracle import brute as cheapest
from test_oracle import estates

from planner.estate.model import Estate
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.measure import scale_of
from planner.plan.choices import Measure, Status
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site
from planner.verify.used import too_much_used, used_when_failed

SHARES = (0, 10, 25, 50, 75)


@st.composite
def used(draw: Any, of: Estate) -> dict[str, list[int]]:
    """Two hours in which LPARs use so many tenths of their entitlement; some were not measured."""
    return {p.name: [draw(st.sampled_from(SHARES)) * p.entitlement_units for _ in range(2)]
            for p in of.lpars if draw(st.sampled_from(range(6)))}


def overfull(site: Site, where: Mapping[str, str]) -> bool:
    """Whether the replay's own sums refuse a placement."""
    rows: dict[str, list[Any]] = {s: [] for s in site.servers}
    for n, s in where.items():
        rows[s].append(site.lpars[n])
    return any(too_much_used(site, rows))


def agree_on(site: Site, judge: Judge, where: Mapping[str, str]) -> None:
    """The rule and the replay say the same of a placement."""
    holders = {s: [n for n, t in where.items() if t == s] for s in site.servers}
    told = any(f.rule in ("processor.usage", "processor.pool-usage") for s in site.servers for f in judge.settled(s, holders[s]))
    assert told == overfull(site, where)


def test_freeing_a_server_agrees_with_brute_force() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(80, 2))
    @given(estates(), st.data())
    def agree(of: Estate, data: st.DataObject) -> None:
        site, judge = judged(of, data.draw(used(of)))
        goal = evacuate_goal(site, ["A"])
        wanted = cheapest(site, judge, goal, False)
        answer = EvacuationProblem(site, judge, goal).solve(20, 0.0)
        assert answer.objective_ms == wanted and (wanted is None) == (answer.status is Status.INFEASIBLE)
        where = {n: data.draw(st.sampled_from(sorted(site.servers))) for n in site.start}
        agree_on(site, judge, where)
        seen["overfull"] += overfull(site, where)
        if wanted is not None:
            assert not overfull(site, site.start | answer.placement)
        plain, bare = judged(of)
        seen["bound"] += cheapest(plain, bare, goal, False) != wanted

    agree()
    assert seen["bound"] > portion(2, 2) and seen["overfull"] > portion(20, 2), seen


@pytest.mark.parametrize("n_plus_1", [False, True])
@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_switching_off_agrees_with_brute_force(way: Mapping[str, int], n_plus_1: bool) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(40, 2))
    @given(estates(scarce=False), st.data())
    def agree(of: Estate, data: st.DataObject) -> None:
        wide = 2 if n_plus_1 else 1
        of = of.replace(servers=tuple(replace(s, configurable_units=wide * s.configurable_units,
                                              configurable_memory_mib=wide * s.configurable_memory_mib) for s in of.servers))
        goal = Consolidate(measure=Measure.SERVERS, n_plus_1=n_plus_1)
        answers = []
        for rows in ({}, data.draw(used(of))):
            site, judge = judged(of, rows)
            scale = scale_of(site, goal.measure)
            problem = ConsolidationProblem(site, judge, goal, scale)
            problem.small, problem.middle = way["small"], way.get("middle", problem.middle)
            answer = problem.solve(20, 0.0)
            wanted = brute(site, judge, goal, scale, False)
            check(site, judge, goal, scale, answer, wanted)
            answers.append(wanted)
            if wanted is not None:
                where = site.start | answer.placement
                assert not overfull(site, where) and not any(used_when_failed(site, where, answer.restart))
        seen["bound"] += answers[0] != answers[1]

    agree()
    assert seen["bound"] > 2, seen
