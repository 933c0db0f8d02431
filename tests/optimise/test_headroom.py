"""Headroom: brute force against the programs, pools, the curve, the most that can be had, and why there is no room."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import test_oracle
from estates import changed, estate, judged, lpar, policy, pool, server, short_units, stating
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import WHOLE, portion

from planner.errors import UsageError
from planner.estate.model import Estate
from planner.optimise.asked import checked_headroom, needed_mib
from planner.optimise.headroom import CORES, MEMORY, HeadroomProblem
from planner.plan.choices import By, Status
from planner.plan.questions import Headroom
from planner.rules import Judge, Site

EXAMPLES = portion(300, 4)
SLOTS = 4


def headroom_goal(site: Site, server: str, units: int, mib: int, critical: Sequence[str] = (),
                  by: By = By.ENTITLEMENT) -> Headroom:
    goal = Headroom(server=server, units=units, memory_mib=mib, critical=tuple(critical), by=by, come_back=True)
    return checked_headroom(goal, site)


def uses(site: Site, rows: Mapping[str, Sequence[int]], name: str, slot: int) -> int:
    """Thousandths: dedicated processors whole, what was given, the entitlement of those that nobody measured."""
    p = site.lpars[name]
    return p.entitlement_units * 10 if p.processors == "dedicated" or name not in rows else rows[name][slot]


def headroom(site: Site, rows: Mapping[str, Sequence[int]], goal: Headroom, placement: Mapping[str, str]) -> tuple[int, int, int]:
    """(cores by entitlement, cores by usage, in hundredths rounded down; MiB) free on the goal's server, from the rows
    of the estate alone; the critical LPARs' pools count where all of them have a maximum."""
    s = site.servers[goal.server]
    p = site.policies
    here = [site.lpars[n] for n, at in placement.items() if at == goal.server]
    own = [v for v in site.estate.vioses if v.server == goal.server]
    pools = {q.pool_id: q for q in site.estate.pools if q.server == goal.server}
    limit = s.configurable_units * p.cpu_ceiling.get(s.name, 100) // 100 - p.reserve_units.get(s.name, 0)
    reserved = sum(q.reserved_units for q in pools.values())
    entitled = limit - reserved - sum(x.entitlement_units for x in (*here, *own))
    used = [limit * 10 - sum(rows[v.name][t] if v.name in rows else v.entitlement_units * 10 for v in own)
            - sum(uses(site, rows, x.name, t) for x in here) for t in range(SLOTS)]
    unused = min(used) // 10
    mine = {site.pool_on(n, s.name) for n, at in site.start.items() if at == s.name and n in goal.critical} or {0}
    if None not in mine and all(q in pools and pools[q].max_units is not None for q in mine if q is not None):
        inside = [x for x in here if site.pool_on(x.name, s.name) in mine]
        most = sum((pools[q].max_units or 0) for q in mine if q is not None)
        entitled = min(entitled, most - sum(pools[q].reserved_units for q in mine if q is not None)
                       - sum(x.entitlement_units for x in inside))
        unused = min(unused, *((most * 10 - sum(uses(site, rows, x.name, t) for x in inside)) // 10
                               for t in range(SLOTS)))
    held = site.holding(s.name, [x.name for x in here]).memory_mib
    memory = s.configurable_memory_mib * p.memory_ceiling.get(s.name, 100) // 100 - p.reserve_mib.get(s.name, 0) - held
    return entitled, unused, memory


def placements(site: Site, judge: Judge, goal: Headroom) -> Iterator[dict[str, str]]:
    """Every way of putting LPARs on servers from which they may come back; critical ones stay."""
    names = sorted(site.start)
    choices = [[s for s in site.servers if s == site.start[n]
                or (n not in goal.critical and test_oracle.there_and_back(judge, n, site.start[n], s))] for n in names]
    for places in itertools.product(*choices):
        yield dict(zip(names, places, strict=True))


def kept(site: Site, judge: Judge, rows: Mapping[str, Sequence[int]], goal: Headroom) -> Iterator[tuple[int, int, int]]:
    """(cost, cores that count, MiB) of every placement that the rules allow, the way back included."""
    holds = test_oracle.lawful(site, judge)
    for placement in placements(site, judge, goal):
        if not holds(placement):
            continue
        moves = [(n, site.start[n], s) for n, s in placement.items() if s != site.start[n]]
        entitled, unused, memory = headroom(site, rows, goal, placement)
        counted = {By.ENTITLEMENT: entitled, By.USAGE: unused, By.BOTH: min(entitled, unused)}[goal.by]
        cost = sum(test_oracle.cost_ms(site, judge, n, s, t) + test_oracle.cost_ms(site, judge, n, t, s) for n, s, t in moves)
        yield cost, counted, memory


@st.composite
def questions(draw: Any) -> tuple[Estate, dict[str, list[int]], int | None, int | None, By]:
    of = draw(test_oracle.estates())
    rows = {p.name: [draw(st.sampled_from((0, 300, 600, 1000))) * p.entitlement_units // 100 for _ in range(SLOTS)]
            for p in of.lpars if draw(st.sampled_from(range(8))) < 7}
    return (of, rows, draw(st.sampled_from((50, 25, 100, 150, 0, -50, None))),
            draw(st.sampled_from((None, None, 1024, 2048, 0))), draw(st.sampled_from(tuple(By))))


def asked(site: Site, rows: Mapping[str, Sequence[int]], more_units: int | None, more_mib: int | None, by: By
          ) -> Headroom | None:
    """A goal of so much more than what is free at the start; None asks nothing of that kind."""
    entitled, unused, memory = headroom(site, rows, headroom_goal(site, "A", 1, 0), site.start)
    free = {By.ENTITLEMENT: entitled, By.USAGE: unused, By.BOTH: min(entitled, unused)}[by]
    units = 0 if more_units is None else max(0, free + more_units)
    mib = 0 if more_mib is None else max(0, memory + more_mib)
    return headroom_goal(site, "A", units, mib, by=by) if units or mib else None


def test_the_program_agrees_with_brute_force_on_feasibility_cost_and_the_most_that_can_be_had() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES)
    @given(questions())
    def agree(question: tuple[Estate, dict[str, list[int]], int | None, int | None, By]) -> None:
        of, rows, more_units, more_mib, by = question
        rows = rows | {"A-v1": [500, 0, 700, 500]}
        site, judge = judged(of, rows)
        goal = asked(site, rows, more_units, more_mib, by)
        if goal is None:
            return
        units = goal.units
        ways = list(kept(site, judge, rows, goal))
        wanted = needed_mib(goal, site)
        costs = [cost for cost, cores, memory in ways if (not units or cores >= units) and (not wanted or memory >= wanted)]
        answer = HeadroomProblem(site, judge, goal).solve(20, 0.0)
        seen[answer.status] += 1
        if units:
            assert (answer.status is Status.OPTIMAL) == bool(costs)
        if answer.status is Status.OPTIMAL:
            assert answer.objective_ms == min(costs) and (answer.bound_ms or 0) <= min(costs)
            assert not judge.placement(site.start | dict(answer.placement))
            seen["moved"] += bool(answer.placement)
            seen["chain"] += any(site.start[n] != "A" for n in answer.placement)
        most = HeadroomProblem(site, judge, goal).most(CORES, 20)
        had = [cores for _, cores, memory in ways if not wanted or memory >= wanted]
        if had and max(had) >= 0:
            assert most.status is Status.OPTIMAL and most.amount == max(had)
            seen["most"] += 1
        else:
            assert most.status is Status.INFEASIBLE

    agree()
    assert min(seen[Status.OPTIMAL], seen[Status.INFEASIBLE]) > portion(30, 6), seen
    assert seen["moved"] > portion(30, 6) and (seen["chain"] > 1 or not WHOLE) and seen["most"] > portion(100, 6), seen


A, B = server("A", 8, 64), server("B", 8, 64)


def base(*more: Any, **changes: Any) -> Estate:
    """A carries a critical LPAR and two others; B has room."""
    return estate([A, B], [lpar("prod", "A", 2, 16, environment="production", virtual_processors=6, weight=255),
                           lpar("dev1", "A", 2, 8), lpar("dev2", "A", 2, 16), lpar("b1", "B", 1, 8)], more, **changes)


def problem(of: Estate, units: int, mib: int = 0, rows: Mapping[str, Sequence[int]] | None = None,
            critical: Sequence[str] = (), by: By = By.ENTITLEMENT) -> HeadroomProblem:
    site, judge = judged(of, rows)
    return HeadroomProblem(site, judge, headroom_goal(site, "A", units, mib, critical, by))


def test_the_cheapest_lpar_leaves_and_production_stays() -> None:
    """8 cores less VIOSes (1) and 6 entitled leave 1; 3 are wanted: one of the two LPARs goes, the smaller one."""
    answer = problem(base(), 300).solve(10, 0)
    assert (answer.status, dict(answer.placement)) == (Status.OPTIMAL, {"dev1": "B"})


def test_what_is_free_already_costs_nothing() -> None:
    answer = problem(base(), 100).solve(10, 0)
    assert (answer.status, dict(answer.placement), answer.objective_ms) == (Status.OPTIMAL, {}, 0)


def test_memory_counts_in_blocks_and_with_the_hash_page_tables_of_those_that_leave() -> None:
    of = base()
    site, _ = judged(of)
    free = site.limit("A").memory_mib - site.at_start["A"].memory_mib
    now, without_dev1 = (x // 256 * 256 for x in (free, free + 8192 + 128))
    assert problem(of, 0, now).solve(10, 0).placement == {}
    assert dict(problem(of, 0, now + 1).solve(10, 0).placement) == {"dev1": "B"}
    assert dict(problem(of, 0, without_dev1).solve(10, 0).placement) == {"dev1": "B"}
    assert dict(problem(of, 0, without_dev1 + 1).solve(10, 0).placement) == {"dev2": "B"}


def test_the_peak_of_the_sum_counts_not_the_sum_of_the_peaks() -> None:
    """dev1 peaks when the others sleep: 7 cores are enough for all of them with 2 to spare, at each hour."""
    rows = {"prod": [4000, 1000], "dev1": [0, 3000], "dev2": [0, 0]}
    assert problem(base(), 300, rows=rows, by=By.USAGE).solve(10, 0).placement == {}
    both = {"prod": [4000, 1000], "dev1": [3000, 0], "dev2": [0, 0]}
    assert dict(problem(base(), 300, rows=both, by=By.USAGE).solve(10, 0).placement) == {"dev1": "B"}


def test_a_server_that_takes_somebody_in_keeps_its_own_ceiling_at_every_hour() -> None:
    """B has entitlement to spare, but at 1:00 its own LPAR uses 6 of 8 cores (VIOSes 1): only dev2 fits then."""
    rows = {"prod": [0, 0], "dev1": [2000, 2000], "dev2": [2000, 500], "b1": [0, 6000]}
    answer = problem(base(), 300, rows=rows, by=By.ENTITLEMENT).solve(10, 0)
    assert dict(answer.placement) == {"dev2": "B"}


def test_the_pool_of_the_critical_lpars_has_the_room_too() -> None:
    """Pool 1 may have 4.5 cores and 4 are entitled in it: a core of room there means that dev1 leaves the pool."""
    of = changed(changed(base(), "prod", pool_id=1), "dev1", pool_id=1).replace(pools=(pool("A", 1, 4.5),))
    assert dict(problem(of, 100).solve(10, 0).placement) == {"dev1": "B"}
    without = changed(of, "prod", pool_id=None)
    assert dict(problem(without, 100).solve(10, 0).placement) == {}


def test_the_most_that_can_be_had_and_what_each_step_costs() -> None:
    wish = problem(base(), 300)
    most = wish.most(CORES, 10)
    assert (most.amount, most.status) == (500, Status.OPTIMAL)
    memory = wish.most(MEMORY, 10)
    site = wish.site
    # A's 64 GiB less firmware, VIOSes and prod; dev1 and dev2 with their tables have gone.
    left = site.holding("A", ["prod"]).memory_mib
    assert memory.amount == (site.limit("A").memory_mib - left) // 256 * 256 and memory.status is Status.OPTIMAL
    costs = [wish.step(units, 10, 0.0).cost_ms for units in (100, 200, 300, 400, 500)]
    assert costs == sorted(c for c in costs if c is not None) and costs[0] == 0
    assert wish.step(501, 10, 0.0).status is Status.INFEASIBLE


def test_what_cannot_be_had_is_told_with_the_most_and_with_who_stays() -> None:
    of = stating(changed(base(), "dev2", physical_adapters=("U78-P1-C1",)), policy("cpu-ceiling", "A", "90"))
    wish = problem(of, 400)
    assert wish.solve(10, 0).status is Status.INFEASIBLE
    most = wish.most(CORES, 10)
    assert most.amount == 220  # 7.2 less VIOSes 1, prod 2 and dev2 2
    conflict = wish.conflict(most, wish.most(MEMORY, 10), 10)
    assert "2.20 cores at most" in conflict.summary and short_units(conflict) == {"A": 180}
    assert "dev2" in conflict.refusals and any("prod" in x for x in conflict.lifts)
    assert any("cpu-ceiling" in x for x in conflict.lifts) and "ask for 2.20 cores or less" in conflict.lifts
    assert conflict.rules == ("processor.capacity",) and conflict.servers == ("A",)


@pytest.mark.parametrize(("units", "mib", "critical", "by", "message"), [
    (0, 0, (), By.ENTITLEMENT, "ask for some headroom"), (100, 0, ("nobody*",), By.ENTITLEMENT, "matches no LPAR"),
    (100, 0, (), By.USAGE, "needs usage")])
def test_a_question_that_makes_no_sense_is_refused(units: int, mib: int, critical: tuple[str, ...], by: By, message: str) -> None:
    site, _ = judged(base())
    with pytest.raises(UsageError, match=message):
        headroom_goal(site, "A", units, mib, critical, by)
    with pytest.raises(UsageError, match="no server 'Z'"):
        headroom_goal(site, "Z", 100, 0)
