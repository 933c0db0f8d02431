"""What enterprise pools meter, made least, against brute force over small estates.

What a placement meters is worked out by the replay's arithmetic, which knows nothing of the rows.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from estates import estate, judged, lpar, policy, server
from test_licence_oracle import placements

from planner.errors import UsageError
from planner.estate.model import Estate
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.measure import scale_of
from planner.optimise.placement import move_cost_ms
from planner.plan.choices import Measure, Status
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site
from planner.verify.enterprise import metered_in

GOAL = Consolidate(measure=Measure.METERED)


def drawn(rng: Random) -> tuple[Estate, dict[str, list[int]]]:
    """Two servers of a pool and one or two outside, of which B's cores are slower; five LPARs with eight slots, one of
    them with dedicated processors, which it donates or keeps."""
    homes = "ABCD"[:rng.randint(3, 4)]
    names = [f"p{n}" for n in range(5)]
    lpars = [lpar(n, "A" if k < 2 else rng.choice(homes), rng.choice((0.3, 0.5, 1)), 4, virtual_processors=4) for k, n in
             enumerate(names[:4])]
    lpars.append(lpar(names[4], rng.choice("AB"), 1, 4, processors="dedicated", sharing=rng.choice(("donating", "capped"))))
    rows = [policy("enterprise-pool", "north", f"A; B; {rng.randint(2, 4)} cores")]
    rows += [policy("enterprise-pool", "south", "C; D; 2 cores")] if homes == "ABCD" and rng.random() < 0.5 else []
    used = {n: [rng.choice((0, 100, 700, 1500, 2500)) for _ in range(8)] for n in names if rng.random() < 0.9}
    faster = {"model": "9117-MMB"}
    return estate([server(s, rng.choice((5, 8)), **({} if s == "B" else faster)) for s in homes], lpars, rows), used


def least(site: Site, judge: Judge) -> tuple[float, int]:
    """The fewest core-minutes of a placement that the rules allow, and the least cost of one with so few."""
    best = (float("inf"), 0)
    for where in placements(site, judge, "none"):
        cost = sum(move_cost_ms(site, judge, n, site.start[n], s) for n, s in where.items() if s != site.start[n])
        value = round(metered_in(site, where), 6), cost
        if value < best and not judge.placement(where):
            best = value
    return best


@pytest.mark.parametrize("engine", ["whole", "split", "large"])
def test_a_consolidation_meters_the_fewest_core_minutes_at_the_least_cost(engine: str) -> None:
    """By one program, by two engines, and where others are taken apart."""
    rng, seen = Random(5), Counter[str]()
    for _ in range(12):
        site, judge = judged(*drawn(rng))
        problem = ConsolidationProblem(site, judge, GOAL, scale_of(site, GOAL.measure))
        problem.small, problem.middle = (problem.small, 0) if engine == "whole" else (0, 10_000 * (engine == "split"))
        answer = problem.solve(20, 0.0)
        where = site.start | answer.placement
        weight = problem.scale.at(answer.off, where)
        found = round(metered_in(site, where), 6), sum(p.cost_ms for p in answer.parts)
        assert found == least(site, judge) and answer.status is Status.OPTIMAL, site.estate
        assert weight == sum(p.measure for p in answer.parts)
        assert weight / problem.scale.factor == pytest.approx(found[0])
        seen["fewer"] += found[0] < round(metered_in(site, site.start), 6)
        seen["none"] += not found[0]
    assert seen["fewer"] > 5 and seen["none"] < 8, seen


@pytest.mark.parametrize(("pools", "rows", "said"), [
    ((), {}, "no enterprise pool is stated"), ((policy("enterprise-pool", "north", "A; 2 cores"),), None, "give --history")])
def test_what_is_not_stated_or_measured_cannot_be_made_least(pools: tuple[object, ...], rows: dict[str, list[int]] | None,
                                                             said: str) -> None:
    site, _ = judged(estate([server("A"), server("B")], [lpar("a", "A")], pools), rows)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=said):
        scale_of(site, Measure.METERED)
