"""Of placements of one cost the one that assumes less: no equal shift or exchange is left that would assume less."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations, permutations
from random import Random
from typing import Any

import pytest
from estates import changed, estate, exactly, judged, loaded, lpar, policy, server
from portion import portion

from planner.estate.model import Estate
from planner.findings import assumed
from planner.jobs import Options, consolidate, evacuate, headroom
from planner.jobs.whatif import whatif
from planner.optimise import stages
from planner.optimise.placement import move_cost_ms
from planner.plan.choices import Status
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.rules import Judge
from planner.scenarios.model import Scenario

UNKNOWN = [{"console_level": ""}, {"enterprise": None}, {"firmware": "", "vnic_capable": True}]
FULL = estate([server("A", 6), server("B", 16), server("C", 16), server("D", 16)],
              [lpar("a1", "A"), lpar("a2", "A"), lpar("a3", "A", 2), lpar("d1", "D")])


def plans(of: Estate) -> dict[str, Plan | None]:
    site = loaded(of)
    return {
        "evacuate": evacuate(site, Evacuate(servers=("A",)), Options()),
        "and back": evacuate(site, Evacuate(servers=("A",), come_back=True), Options()),
        "headroom": headroom(site, Headroom(server="A", units=500, memory_mib=0), Options(), curve=False),
        "consolidate": consolidate(site, Consolidate(off=("A",)), Options()),
        "whatif": whatif(site, Scenario("no A", retire=("A",), frontier=False), Options()).plan}


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_nobody_goes_where_something_is_unknown_when_it_costs_the_same_elsewhere(unknown: dict[str, Any]) -> None:
    """Which of two equal servers was taken hung on the order of their names."""
    for doubtful in permutations("BCD", 2):
        of = FULL
        for name in doubtful:
            of = changed(of, name, **unknown)
        for kind, plan in plans(of).items():
            assert plan is not None and plan.verified and plan.moves, kind
            if kind == "consolidate" and "D" in doubtful:  # another server stays on only for a cause that it counts
                continue
            assert not assumed(plan.findings) and not {m.target for m in plan.moves} & {*doubtful}, (kind, doubtful)


@pytest.mark.parametrize("known", [{"x": "B", "y": "C"}, {"x": "C", "y": "B"}])
def test_two_change_places_where_one_alone_has_no_room(known: dict[str, str]) -> None:
    """B and C have room for one each; of x and y the reservations are known on one of them alone."""
    of = estate([server("A"), server("B", 2), server("C", 2)], [lpar("x", "A"), lpar("y", "A")])
    of = of.replace(zonings=tuple(replace(z, reserve_policy="") if z.vios[0] not in ("A", known[z.lun[-1]]) else z
                                  for z in of.zonings))
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options())
    assert plan.status is Status.OPTIMAL and {m.lpar: m.target for m in plan.moves} == known


def open_questions(judge: Judge, where: dict[str, str]) -> int:
    start = judge.site.start
    return sum(len(assumed(judge.move(n, start[n], s))) for n, s in where.items() if s != start[n])


def less(judge: Judge, where: dict[str, str]) -> list[dict[str, str]]:
    """Placements that hold, cost no more and assume less, one shift or exchange away."""
    site = judge.site
    open_to = [n for n in where if where[n] != site.start[n]]

    def cost(placement: dict[str, str]) -> int:
        return sum(move_cost_ms(site, judge, n, site.start[n], s) for n, s in placement.items() if s != site.start[n])

    shifts = [where | {n: s} for n in open_to for s in site.servers if s not in ("A", where[n])]
    shifts += [where | {a: where[b], b: where[a]} for a, b in combinations(open_to, 2)]
    allowed = [p for p in shifts if all(p[n] == site.start[n] or judge.allowed(n, site.start[n], p[n]) for n in open_to)]
    return [p for p in allowed if open_questions(judge, p) < open_questions(judge, where) and cost(p) <= cost(where)
            and not judge.placement(p)]


def doubtful(seed: int) -> Estate:
    """Four servers, of which two or three have little room; what is unknown of servers and of disks there is drawn."""
    rng = Random(seed)
    lpars = [lpar(f"a{n}", "A", rng.choice((0.5, 1, 2)), rng.choice((2, 4, 8))) for n in range(rng.randint(2, 5))]
    lpars += [lpar(f"{s.lower()}1", s, rng.choice((0.5, 1))) for s in "BCD"]
    servers = [server("A"), *(exactly(server(s, **rng.choice((*UNKNOWN, {}, {}))), [p for p in lpars if p.server == s],
                                      rng.choice((1, 2, 3, 9)), rng.choice((8, 16, 32))) for s in "BCD")]
    kept = [policy("keep-apart", "x", "a0; a1")] if rng.random() < 0.3 else []
    of = estate(servers, lpars, kept)
    return of.replace(zonings=tuple(replace(z, reserve_policy="") if z.vios[0] != "A" and rng.random() < 0.15 else z
                                    for z in of.zonings))


def test_no_equal_shift_or_exchange_that_assumes_less_is_left_and_no_claim_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    for seed in range(portion(60)):
        of = doubtful(seed)
        judge = judged(of)[1]
        with monkeypatch.context() as patched:
            patched.setattr(stages, "surest", lambda model, values, assumed: values)
            plain = evacuate(loaded(of), Evacuate(servers=("A",)), Options(20))
        plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options(20))
        if {plan.status, plain.status} == {Status.OPTIMAL}:
            assert (plan.objective, plan.bound) == (plain.objective, plain.bound)
            before, after = (judge.site.start | {m.lpar: m.target for m in p.moves} for p in (plain, plan))
            assert not less(judge, after)
            seen["surer"] += open_questions(judge, after) < open_questions(judge, before)
            assert open_questions(judge, after) <= open_questions(judge, before)
            seen["optimal"] += 1
    assert seen["optimal"] > portion(40) and seen["surer"] > portion(8), seen
