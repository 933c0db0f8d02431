"""Ceilings on licences against brute force, over small estates in which several products run in pools and out of them.

What a placement counts is worked out by the replay's arithmetic, which knows nothing of the rows.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random

import pytest
from estates import estate, evacuate_goal, judged, lpar, policy, pool, server, vioses

from planner.errors import UsageError
from planner.estate.model import Estate
from planner.optimise import consolidation
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.measure import scale_of
from planner.optimise.placement import PlacementProgram, candidates_of, move_cost_ms
from planner.plan.choices import Measure, Status
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site
from planner.verify.licences import cores_counted, licence_measure, licences_over

PRODUCTS = ("DB2 9.7", "Oracle 19", "MQ 9", "SAP ECC 6.0")
CEILINGS = ("{} servers", "{} cores", "A; B; {} servers", "1 server; {} cores")


def drawn(rng: Random, homes: str = "ABC") -> Estate:
    """Three servers with cores that seldom bind, five LPARs, one to three rows about licences."""
    lpars = [lpar(f"p{n}", "A" if n < 2 else rng.choice(homes), rng.choice((0.3, 0.5, 1, 1.7)), 4,
                  virtual_processors=rng.randint(2, 4), sharing=rng.choice(("capped", "uncapped")), pool_id=rng.choice((0, 1)),
                  software=tuple(rng.sample(PRODUCTS, rng.randint(0, 2)))) for n in range(5)]
    products = sorted({s.split()[0] for p in lpars for s in p.software if "SAP" not in s})
    rows = [policy("licence", p, rng.choice(("sub-capacity", "capped-only", "full-capacity")))
            for p in products if rng.random() < 0.6]
    rows += [policy("licensed-servers", rng.choice(products), rng.choice(CEILINGS).format(rng.randint(1, 12)))
             for _ in range(rng.randint(1, 2)) if products]
    return estate([server(s, rng.choice((4, 5, 8))) for s in homes], lpars, rows,
                  pools=tuple(pool(s, 1, rng.choice((2, 3))) for s in homes),
                  vioses=tuple(v for s in homes for v in vioses(s, link_mbit=1000 if s == "B" else 10_000)))


def placements(site: Site, judge: Judge, freed: str) -> Iterator[dict[str, str]]:
    names = sorted(site.start)
    choices = [[s for s in site.servers if s != freed and (s == site.start[n] or judge.allowed(n, site.start[n], s))]
               for n in names]
    for places in itertools.product(*choices):
        yield dict(zip(names, places, strict=True))


def cheapest(site: Site, judge: Judge, freed: str) -> int | None:
    def holds(where: Mapping[str, str]) -> bool:
        lists = {s: [n for n, t in where.items() if t == s] for s in site.servers}
        return not [*licences_over(site, where)] and not any(
            f.severity == "error" for s, names in lists.items() for f in judge.server(s, names))

    found = ((sum(move_cost_ms(site, judge, n, site.start[n], s) for n, s in where.items() if s != site.start[n]), where)
             for where in placements(site, judge, freed))
    return min((cost for cost, where in found if holds(where)), default=None)


def test_an_evacuation_keeps_ceilings_at_the_least_cost() -> None:
    rng, seen = Random(5), Counter[str]()
    for _ in range(150):
        site, judge = judged(drawn(rng))
        wanted = cheapest(site, judge, "A")
        found = EvacuationProblem(site, judge, evacuate_goal(site, ["A"])).solve(20, 0.0)
        assert (found.status, found.objective_ms) == (
            (Status.INFEASIBLE, None) if wanted is None else (Status.OPTIMAL, wanted)), site.estate
        free, _ = judged(site.estate.replace(policies=()))
        bound = EvacuationProblem(free, Judge(free), evacuate_goal(free, ["A"])).solve(20, 0.0)
        seen[found.status] += 1
        seen["binds"] += found.status is Status.OPTIMAL and found.objective_ms != bound.objective_ms
    assert min(seen[Status.OPTIMAL], seen[Status.INFEASIBLE]) > 20 and seen["binds"] > 5, seen


def least(site: Site, judge: Judge) -> tuple[float, int]:
    """The fewest licence cores of a placement that the rules allow, and the least cost of one with so few."""
    best = (float("inf"), 0)
    for where in placements(site, judge, "none"):
        cost = sum(move_cost_ms(site, judge, n, site.start[n], s) for n, s in where.items() if s != site.start[n])
        value = licence_measure(site, where)[0], cost
        if value < best and not judge.placement(where):
            best = value
    return best


@pytest.mark.parametrize("engine", ["whole", "split", "large"])
def test_a_consolidation_counts_the_fewest_licence_cores_at_the_least_cost(engine: str) -> None:
    """By one program, by two engines, and where others are taken apart."""
    rng, seen, goal = Random(7), Counter[str](), Consolidate(measure=Measure.LICENCES)
    for _ in range(20):
        site, judge = judged(drawn(rng))
        if not any(x.by_core for x in site.policies.licensed.values()):
            continue
        problem = ConsolidationProblem(site, judge, goal, scale_of(site, goal.measure))
        problem.small, problem.middle = (problem.small, 0) if engine == "whole" else (0, 10_000 * (engine == "split"))
        answer = problem.solve(20, 0.0)
        where = site.start | answer.placement
        found = licence_measure(site, where)[0], sum(p.cost_ms for p in answer.parts)
        assert found == least(site, judge) and answer.status is Status.OPTIMAL, site.estate
        assert found[0] == sum(p.measure for p in answer.parts) == problem.scale.at(answer.off, where)
        seen["fewer"] += found[0] < licence_measure(site, site.start)[0]
        seen["moves"] += bool(answer.placement)
    assert seen["fewer"] > 5, seen


@pytest.mark.parametrize(("engine", "small", "middle", "wide"), [
    ("whole", 10_000, 0, 40), ("split", 0, 10_000, 40), ("taken apart", 0, 0, 40), ("wide", 0, 0, 1)])
def test_ceilings_bind_whatever_is_made_least(engine: str, small: int, middle: int, wide: int, monkeypatch: pytest.MonkeyPatch
                                              ) -> None:
    """And by whatever engine: what is found keeps every rule, and what is proved is the least."""
    monkeypatch.setattr(consolidation, "WIDE", wide)
    rng, seen = Random(11), Counter[str]()
    for number in range(14):
        site, judge = judged(drawn(rng))
        goal = Consolidate(measure=(Measure.SERVERS, Measure.WATTS)[number % 2], n_plus_1=number % 7 == 6)
        scale = scale_of(site, goal.measure)
        problem = ConsolidationProblem(site, judge, goal, scale)
        problem.small, problem.middle = small, middle
        answer = problem.solve(10, 0.0)
        where = site.start | answer.placement
        assert not judge.placement(where) and not [*licences_over(site, where)]
        seen[answer.status] += 1
        seen["off"] += bool(answer.off)
        if goal.n_plus_1 and answer.status is not Status.INFEASIBLE:
            assert not judge.restarts(where, answer.off, answer.restart)
        elif goal.measure is Measure.SERVERS and answer.status is Status.OPTIMAL:
            assert scale.at(answer.off, where) == min(
                scale.at([s for s in site.servers if s not in w.values()], w)
                for w in placements(site, judge, "none") if not judge.placement(w))
    assert seen[Status.OPTIMAL] > 4 and seen["off"] > 3, seen


def test_where_nothing_is_licensed_by_the_core_there_is_nothing_to_make_least() -> None:
    site, _ = judged(estate([server("A"), server("B")], [lpar("a1", "A", software=("SAP ECC 6.0",))]))
    with pytest.raises(UsageError, match="nothing in this estate is known to be licensed by the core"):
        scale_of(site, Measure.LICENCES)


@pytest.mark.parametrize(("rows", "unit", "value"), [
    ((), "licence cores", 4), (("sub-capacity; 120 PVU", "sub-capacity; 70 PVU"), "PVU", 380),
    (("sub-capacity; 120 PVU", "sub-capacity; 9 EUR"), "licence cores", 4), (("full-capacity", "sub-capacity"), "licence cores", 18)])
def test_what_is_made_least_is_worth_what_is_stated_of_all(rows: Sequence[str], unit: str, value: int) -> None:
    """Two cores of DB2 and two of MQ."""
    of = estate([server("A"), server("B")], [lpar("a1", "A", 2, software=("DB2 9.7",)), lpar("b1", "B", 2, software=("MQ 9",))],
                [policy("licence", p, row) for p, row in zip(("DB2", "MQ"), rows, strict=False)])
    site, _ = judged(of)
    scale = scale_of(site, Measure.LICENCES)
    assert (scale.unit, scale.at((), site.start)) == (unit, value) == licence_measure(site, site.start)[::-1]


def test_what_the_rows_count_is_what_is_counted() -> None:
    """In every placement: the variables as they follow from it keep the rows, and their sum is the count."""
    rng, sums = Random(6), Counter[int]()
    for _ in range(25):
        site, judge = judged(drawn(rng))
        model = PlacementProgram(site, candidates_of(site, judge, (), list(site.servers), list(site.start)),
                                 list(site.servers), ())
        counts = {p: model.licence_cores(x, site.servers) for p, x in site.policies.licensed.items() if x.by_core}
        rows = [*model.counts.rows]
        for where in itertools.islice(placements(site, judge, "none"), 0, None, 7):
            values = [0] * len(model.program.upper)
            for (n, s), i in model.x.items():
                values[i] = int(where[n] == s)
            model.derive(values)
            assert all(sum(c * values[i] for i, c in terms.items()) <= most for terms, most in rows)
            for product, by_server in counts.items():
                for s, total in by_server.items():
                    names = [n for n, t in where.items() if t == s]
                    assert total.at(values) == cores_counted(site, site.policies.licensed[product], s, names)
                    sums[total.at(values)] += 1
    assert len(sums) > 5, sums
