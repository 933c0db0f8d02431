"""The scenario's programs: both moments hold, conflicts name the moment, the frontier against brute force."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from estates import BASE, estate, loaded, lpar, policy, server, stating

from planner.estate.catalogue import CATALOGUE
from planner.estate.model import Estate
from planner.jobs import Options
from planner.jobs.whatif import _case, _costs, _sizes, whatif
from planner.optimise.frontier import Frontier, FrontierPoint
from planner.optimise.scenario import ScenarioProblem
from planner.plan.choices import Status
from planner.plan.wire import as_json
from planner.scenarios.model import NewServer, Scenario, ServerClock

OPTIONS = Options(time_limit=20)
NEW = NewServer("N", "9117-MMB", 16, 256 * 1024, ghz="3.1", firmware="AM720_101")


def scenario(**changes: Any) -> Scenario:
    return Scenario("s", **({"add": (NEW,), "retire": ("A",), "clocks": (ServerClock("A", "4.7"),)} | changes))


def problem(of: Estate, asked: Scenario) -> ScenarioProblem:
    case = _case(loaded(of), asked, OPTIONS, CATALOGUE, None)
    return ScenarioProblem(case.site, case.judge, case.built.kept, case.displaced, _costs(case), _sizes(case))


def test_the_sizes_of_today_must_fit_on_arrival() -> None:
    """Four LPARs of 3 cores from a 570 of 16 cores (8.396875 a core) to a 770 of 12 cores at 3.5 GHz (11.729167):
    in the end 4 × 3 × 0.7159 = 8.60 (2.15 each) and the VIOSes' 2.00 fit, on arrival 12.00 and 2.00 do not."""
    small = replace(NEW, ghz="3.5", cores=12)
    of = estate([server("A")], [lpar(f"a{n}", "A", 3, 4) for n in range(4)])
    found = whatif(loaded(of), scenario(add=(small,), frontier=False), OPTIONS)
    assert found.status is Status.INFEASIBLE and found.conflict is not None
    assert found.conflict.summary.startswith("on arrival, before anything is resized: the other servers lack 2.00 cores")
    assert found.conflict.rules == ("processor.capacity",) and found.conflict.servers == ("N",)
    assert as_json(found.conflict)["shortfall"]["cores"] == 2.0
    one_more = whatif(loaded(of), scenario(add=(replace(NEW, ghz="3.5", cores=14),), frontier=False), OPTIONS)
    assert one_more.status is Status.OPTIMAL and one_more.migration.live == 4


def test_what_grows_must_fit_in_the_end() -> None:
    of = estate([server("A", 8), server("B", 8)], [lpar("a1", "A", 6, 4), lpar("b1", "B", 1, 4)])
    grown = Scenario("s", growth=(_grow("a1", 30),), frontier=False)
    # 7.80 and the VIOSes' 1.00 are 8.80 of 8: neither server carries it.
    found = whatif(loaded(of), grown, OPTIONS)
    assert found.status is Status.INFEASIBLE and found.conflict is not None
    assert found.conflict.summary == ("after growth and resizing: the servers lack 0.80 cores for what runs on them "
                                      "(wherever 1 LPAR that runs there and may move is put)")


def test_growth_moves_what_no_longer_fits_together() -> None:
    """A: 4 + 3 + 1 (VIOSes) = 8 of 8; with 20 % more 4.8 + 3.6 + 1 = 9.4. One goes to B, live, in its size of today."""
    of = estate([server("A", 8), server("B", 8)], [lpar("a1", "A", 4, 4), lpar("a2", "A", 3, 4)])
    found = whatif(loaded(of), Scenario("s", growth=(_grow("*", 20),)), OPTIONS)
    assert found.status is Status.OPTIMAL and found.migration.live == 1 and found.plan is not None and found.plan.verified
    assert sorted(s.units_final for s in found.servers) == [460, 580]
    assert [p.servers for p in found.frontier] == [2]


def test_a_ceiling_binds_what_it_finds_over_it() -> None:
    of = estate([server("A", 10), server("B", 10)], [lpar("a1", "A", 4, 4), lpar("a2", "A", 4, 4)])
    asked = Scenario("s", policies=(policy("cpu-ceiling", "*", "80"),), frontier=False)
    found = whatif(loaded(of), asked, OPTIONS)
    assert found.migration.live == 1 and sorted(s.units_final for s in found.servers) == [500, 500]


def _grow(lpars: str, percent: int) -> Any:
    from fractions import Fraction

    from planner.scenarios.model import Growth

    return Growth(lpars, Fraction(percent, 100))


def frontier(of: Estate, asked: Scenario) -> tuple[FrontierPoint, ...]:
    return Frontier(problem(of, asked)).points(20)


def by_hand(made: ScenarioProblem, count: int) -> int | None:
    """The largest share (per cent) that every server in use can keep free, over all placements."""
    site, best = made.site, None
    names = sorted(site.start)
    places = [sorted(made.wide.cost.get(n, {site.start[n]: 0})) for n in names]
    for chosen in product(*places):
        used = {s: [n for n, t in zip(names, chosen, strict=True) if t == s] for s in made.survivors}
        on = [s for s in made.survivors if used[s]]
        idle = [s for s in made.survivors if not used[s]]
        if len(on) > count:
            continue
        on += idle[:count - len(on)]
        shares = []
        for s in on:
            held = site.base(s)
            arrival = site.base(s)
            for n in used[s]:
                held, arrival = held + made.sizes.final(n, s), arrival + made.sizes.arrival(n, s)
            limit = site.limit(s)
            if max(held.units, arrival.units) > limit.units or max(held.memory_mib, arrival.memory_mib) > limit.memory_mib:
                break
            shares.append(100 - -(-100 * held.units // limit.units))
        else:
            best = max(best if best is not None else -1, min(shares))
    return best


@pytest.mark.parametrize("asked", [scenario(), scenario(retire=()), Scenario("growth", growth=(_grow("*", 50),))],
                         ids=["replaced", "added", "grown"])
def test_the_frontier_is_what_brute_force_finds(asked: Scenario) -> None:
    of = estate([server("A", 6), server("B", 6), server("C", 9)],
                [lpar("a1", "A", 2.5, 8), lpar("a2", "A", 1.5, 4), lpar("b1", "B", 2, 16), lpar("c1", "C", 3, 8)])
    made = problem(of, asked)
    points = frontier(of, asked)
    assert points and all(p.status is Status.OPTIMAL and p.bound == p.share for p in points)
    expected = {k: by_hand(made, k) for k in range(1, len(made.survivors) + 1)}
    assert {p.servers: p.share for p in points} == {k: v for k, v in expected.items() if v is not None}


def test_more_servers_never_leave_less_room() -> None:
    shares = [p.share for p in frontier(BASE, scenario(retire=()))]
    assert len(shares) == 4 and shares == sorted(shares, key=lambda s: s or 0)


def test_an_lpar_that_may_not_move_keeps_its_server_on() -> None:
    points = frontier(stating(BASE, policy("pin", "b1", "B"), policy("pin", "c1", "C")), scenario())
    assert all({"B", "C"} <= set(p.names) for p in points)
