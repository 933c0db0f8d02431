"""Consolidation against brute force: both levels, N+1, servers that must stay on or go off."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from estates import judged
from hypothesis import given, settings
from hypothesis import strategies as st
from test_oracle import cost_ms, estates

from planner.estate.model import Estate
from planner.goals.consolidate import Consolidate, Measure
from planner.optimise.consolidation import Consolidation, ConsolidationProblem
from planner.optimise.measure import Scale, scale_of
from planner.plan import Status
from planner.rules import Judge, Site
from planner.rules.availability import restart_refusals

Where = Mapping[str, str]
PLAIN = Consolidate()


def solved(of: Estate, goal: Consolidate = PLAIN, *, come_back: bool = False, **changes: Any) -> tuple[Site, Scale, Consolidation]:
    site, judge = judged(of)
    scale = scale_of(site, goal.measure)
    problem = ConsolidationProblem(site, judge, goal, scale, come_back=come_back)
    for name, value in changes.items():
        setattr(problem, name, value)
    return site, scale, problem.solve(30, 0.0)


def choices(site: Site, judge: Judge, goal: Consolidate, come_back: bool) -> list[list[str]]:
    out = []
    for n, home in sorted(site.start.items()):
        there = [s for s in judge.targets(n) if not come_back or judge.allowed(n, s, home)]
        out.append([s for s in (home, *there) if s not in goal.off])
    return out


def survives(site: Site, judge: Judge, where: Where, on: Sequence[str], failed: str) -> bool:
    """Whether what runs on a server that fails can be started on the others, tried in every way."""
    lost = [n for n, s in where.items() if s == failed]
    places = [[t for t in on if t != failed and not restart_refusals(site, n, failed, t)] for n in lost]
    before = {(f.rule, f.subject, f.message) for f in judge.groups({n: (s,) for n, s in where.items()}, end=False)}
    for chosen in itertools.product(*places):
        after = {**where, **dict(zip(lost, chosen, strict=True))}
        full = any(judge.server(t, [n for n, s in after.items() if s == t]) for t in set(chosen))
        groups = [f for f in judge.groups({n: (s,) for n, s in after.items()}, end=False)
                  if (f.rule, f.subject, f.message) not in before]
        if not full and not groups:
            return True
    return not lost


def allowed_off(site: Site, goal: Consolidate, where: Where) -> Iterator[tuple[str, ...]]:
    """Sets of servers that may be off: empty ones; for N+1 an empty one may have to stay on."""
    empty = [s for s in site.servers if s not in where.values() and s not in goal.keep]
    for count in range(len(empty), -1, -1):
        if goal.n_plus_1 or count == len(empty):
            yield from itertools.combinations(empty, count)


def brute(site: Site, judge: Judge, goal: Consolidate, scale: Scale, come_back: bool) -> tuple[int, int] | None:
    """The least (measure, cost) over every placement that the rules allow."""
    names = sorted(site.start)
    ranked = []
    for places in itertools.product(*choices(site, judge, goal, come_back)):
        where = dict(zip(names, places, strict=True))
        cost = sum(cost_ms(site, judge, n, site.start[n], s) for n, s in where.items() if s != site.start[n])
        ranked += [((scale.of(off), cost), off, where) for off in allowed_off(site, goal, where)
                   if set(goal.off) <= set(off)]
    ranked.sort(key=lambda r: r[0])
    for value, off, where in ranked:
        if judge.placement(where):
            continue
        on = [s for s in site.servers if s not in off]
        if not goal.n_plus_1 or all(survives(site, judge, where, on, s) for s in on):
            return value
    return None


def check(site: Site, judge: Judge, goal: Consolidate, scale: Scale, answer: Consolidation, wanted: tuple[int, int] | None) -> None:
    if wanted is None:
        assert answer.status is Status.INFEASIBLE and answer.conflict is not None
        return
    where = site.start | answer.placement
    assert not judge.placement(where)
    assert not set(answer.off) & set(where.values())
    measure, cost = scale.of(answer.off), sum(p.cost_ms for p in answer.parts)
    assert (measure, cost) == wanted
    assert cost == sum(cost_ms(site, judge, n, site.start[n], s) for n, s in answer.placement.items())
    assert answer.status is Status.OPTIMAL
    assert scale.load + sum(p.measure for p in answer.parts) == measure
    assert sum(p.measure for p in answer.parts) >= sum(p.measure_bound for p in answer.parts) - 0.5
    if goal.n_plus_1:
        assert not judge.restarts(where, answer.off, answer.restart)


def agrees(of: Estate, goal: Consolidate, come_back: bool, seen: Counter[str], **changes: Any) -> None:
    site, judge = judged(of)
    scale = scale_of(site, goal.measure)
    _, _, answer = solved(of, goal, come_back=come_back, **changes)
    seen[answer.status] += 1
    seen["moves"] += bool(answer.placement)
    seen["off"] += bool(answer.off)
    check(site, judge, goal, scale, answer, brute(site, judge, goal, scale, come_back))


@pytest.mark.parametrize("small", [10**6, 0], ids=["whole", "taken apart"])
def test_both_levels_agree_with_brute_force(small: int) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=120)
    @given(estates(), st.sampled_from(list(Measure)), st.booleans(), st.data())
    def agree(of: Estate, measure: Measure, come_back: bool, data: st.DataObject) -> None:
        names = [s.name for s in of.servers]
        asked = data.draw(st.sampled_from(("", "", *names)))
        off = data.draw(st.booleans())
        goal = Consolidate(measure, False, () if off or not asked else (asked,), (asked,) if off and asked else ())
        agrees(of, goal, come_back, seen, small=small)

    agree()
    assert seen[Status.OPTIMAL] > 50 and seen[Status.INFEASIBLE] > 3 and seen["moves"] > 25 and seen["off"] > 25, seen


@pytest.mark.parametrize("small", [10**6, 0], ids=["whole", "taken apart"])
def test_n_plus_1_agrees_with_brute_force(small: int) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=100)
    @given(estates(), st.sampled_from(list(Measure)), st.booleans())
    def agree(of: Estate, measure: Measure, come_back: bool) -> None:
        roomy = of.replace(servers=tuple(exactly_more(s) for s in of.servers))
        agrees(roomy, Consolidate(measure, True), come_back, seen, small=small)

    agree()
    assert seen[Status.OPTIMAL] > 20 and seen[Status.INFEASIBLE] > 10 and seen["off"] > 3, seen


def exactly_more(s: Any) -> Any:
    """A server with room for another's LPARs as well."""
    from dataclasses import replace

    return replace(s, configurable_units=s.configurable_units + 250, configurable_memory_mib=s.configurable_memory_mib + 10240)
