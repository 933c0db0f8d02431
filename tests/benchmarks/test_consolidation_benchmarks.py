"""The benchmarks of consolidation ask their peers the question that the planner answers."""

import ganeti
import hsqueeze
import pytest
from estates import WITHOUT_USAGE
from monolith import Whole
from scale_estates import open_estate

from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.measure import scale_of
from planner.plan.choices import Measure, Status
from planner.plan.questions import Consolidate
from planner.rules import Judge, Site


def planned(estate, measure):
    site = Site(estate)
    problem = ConsolidationProblem(site, Judge(site), Consolidate(measure=measure), scale_of(site, measure))
    answer = problem.solve(20, 0.01)
    return sum(p.measure for p in answer.parts) + problem.scale.base, problem.scale.factor, answer


@pytest.mark.parametrize("measure", [m for m in WITHOUT_USAGE if m is not Measure.LICENCES])
def test_the_whole_model_has_the_same_optimum_as_the_planner(measure):
    estate = open_estate(4, 16, seed=3)
    whole = Whole(estate, measure).by_highs(20)
    weight, factor, answer = planned(estate, measure)
    assert answer.status is Status.OPTIMAL and whole.status == "optimal"
    assert whole.objective == pytest.approx(weight / factor)
    assert whole.gap == pytest.approx(0, abs=1e-6)


def test_counting_bounds_the_servers_from_below():
    estate = open_estate(5, 20, seed=2)
    weight, _, _ = planned(estate, Measure.SERVERS)
    assert 1 <= hsqueeze.counted(estate) <= weight


def test_what_ganeti_reads_has_the_room_and_the_demand_of_the_site():
    estate = open_estate(4, 12, seed=1)
    site = Site(estate)
    lines = ganeti.text(estate, ("srv001",), ganeti.HUNDREDTHS).splitlines()
    nodes = {f[0]: f for f in (x.split("|") for x in lines if x.startswith("srv"))}
    instances = {f[0]: f for f in (x.split("|") for x in lines if x.startswith("lp"))}
    assert [n for n, f in nodes.items() if f[7] == "Y"] == ["srv001"]
    for s, fields in nodes.items():
        assert int(fields[6]) == site.limit(s).units - site.base(s).units
        held = sum(int(instances[n][1]) for n in site.residents(s))
        assert int(fields[1]) - int(fields[3]) == held
    assert {n: f[6] for n, f in instances.items()} == dict(site.start)


def test_the_cases_let_every_lpar_go_everywhere_and_have_no_pool_that_binds():
    asked = hsqueeze.case(2, 1)
    assert hsqueeze.open_to_all(asked.estate)
    assert asked.estate == hsqueeze.case(2, 1).estate
    assert all(p.max_units is None for p in asked.estate.pools)
