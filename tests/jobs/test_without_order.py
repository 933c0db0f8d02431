"""That no order of moves exists is said only where brute force over states finds none, and of a part that is irreducible."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from estates import estate, exactly, loaded, lpar, policy, server
from scarce import drawn
from test_order_oracle import Brute, with_pools

from planner.estate.model import Estate
from planner.jobs import Options, consolidate, evacuate, exit_code, headroom
from planner.jobs import without_order as proofs
from planner.jobs.going_on import resume
from planner.jobs.whatif import whatif
from planner.plan.choices import Status
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Consolidate, Evacuate, Headroom, Resume
from planner.rules import Judge, Site
from planner.scenarios.model import Scenario
from planner.schedule.unreachable import Aim, no_order
from planner.verify import never_reached, verify_plan

OPTIONS = Options(time_limit=20)


def crossing(spare: float = 0.0) -> Estate:
    """a fits on B once b and c have changed places, for which neither B nor C has room, but with a core to spare."""
    lpars = [lpar("a", "A", 1.5), lpar("b", "B", 2), lpar("c", "C", 1.5)]
    return estate([exactly(server("A"), lpars[:1], 0, 64), exactly(server("B"), lpars[1:2], 1, 64),
                   exactly(server("C"), lpars[2:], 1 + spare, 64)], lpars)


def freed(of: Estate, *, come_back: bool = False) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=("A",), come_back=come_back), OPTIONS)


def tight(seed: int) -> Estate:
    """Three or four servers with little room, LPARs of unlike sizes, one of them on A; some may not go everywhere."""
    rng = Random(f"tight {seed}")
    homes = "ABCD"[:rng.choice((3, 3, 4))]
    lpars = [lpar(f"p{n}", "A" if n < 1 else rng.choice(homes[1:]), rng.choice((1, 1.5, 2, 2.5, 3)), 1)
             for n in range(rng.choice((5, 6, 6)))]
    fenced = [policy("fence", p.name, "; ".join(sorted({p.server, *rng.sample(homes, 2)}))) for p in lpars if rng.random() < 0.2]
    return estate([exactly(server(s), [p for p in lpars if p.server == s], 0 if s == "A" else rng.choice((0.5, 1, 1.5)), 64)
                   for s in homes], lpars, fenced)


class Fenced(Brute):
    """Who is fenced goes nowhere else."""

    def __init__(self, of: Estate) -> None:
        super().__init__(of)
        inside = {p.subject: p.value.split("; ") for p in of.policies if p.kind == "fence"}
        self.barred = {(i, s, t) for i, n in enumerate(self.names) for s in self.servers for t in self.servers
                       if t not in inside.get(n, self.servers)}


def roomier(of: Estate, name: str) -> Estate:
    """The same with room for everybody on one server."""
    return of.replace(servers=tuple(replace(s, configurable_units=9900) if s.name == name else s for s in of.servers))


NONE = (19, 92, 192)
"""A placement exists, and no order."""


@pytest.mark.parametrize("seed", [*NONE, *range(4)])
def test_no_order_is_said_where_brute_force_finds_none_and_what_is_named_is_needed(seed: int) -> None:
    of = tight(seed)
    for come_back in (False, True):
        plan = freed(of, come_back=come_back)
        assert (plan.status is Status.OPTIMAL) == Fenced(of).can_empty("A") and plan.status is not Status.UNKNOWN
        if seed in NONE:
            told = plan.conflict
            assert told and told.states and told.irreducible and told.lpars == ("p0",) and exit_code(plan) == 3
            assert told.servers and all(Fenced(roomier(of, s)).can_empty("A") for s in told.servers)
            assert parse(dump(plan), "plan.json").conflict == told


def test_it_says_what_keeps_whom_and_the_replay_works_it_out_again() -> None:
    plan = freed(crossing())
    assert plan.conflict and plan.conflict.summary == (
        "it would fit in the end, but no order of moves leads there: a away from A, since all servers have too little room "
        "meanwhile (every state that moves can reach was looked at, parking included: 1)")
    assert {f.rule for f in verify_plan(plan, crossing()).findings} == {"plan.status", "plan.no-order"}
    forged = verify_plan(plan.replace(estate_digest=freed(crossing(1)).estate_digest), crossing(1))
    assert [f.message for f in forged.findings if f.rule == "plan.no-order"] == [
        "that no order of moves reaches the goal cannot be worked out again"]
    assert freed(crossing(1)).verified


def test_of_two_that_must_go_the_one_that_could_is_not_named() -> None:
    of = crossing()
    extra = lpar("z", "A", 0.5)
    of = estate([replace(s, configurable_units=s.configurable_units + 50 * (s.name in "AD")) for s in (*of.servers, exactly(server("D"), [], 0, 64))],
                [*of.lpars, extra], [policy("fence", "a; b; c", "A; B; C")])
    told = freed(of).conflict
    assert told and told.states and told.lpars == ("a",) and told.irreducible


def test_headroom_that_no_order_of_moves_makes_is_said_to_be_impossible() -> None:
    plan = headroom(loaded(crossing()), Headroom(server="A", units=150, memory_mib=0), OPTIONS, curve=False)
    assert plan.status is Status.INFEASIBLE and plan.conflict and plan.conflict.states
    assert headroom(loaded(crossing(1)), Headroom(server="A", units=150, memory_mib=0), OPTIONS, curve=False).verified


def test_what_only_one_of_both_searches_finds_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "never_reached", lambda *given: None)
    plan = freed(crossing())
    assert plan.status is Status.UNKNOWN and plan.conflict is None and exit_code(plan) == 4


def test_a_search_that_is_too_long_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.schedule.unreachable._WORK", 5)
    assert freed(crossing()).status is Status.UNKNOWN


def test_both_searches_agree_on_what_can_be_reached() -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(30):
        of = with_pools(drawn(seed), seed) if seed % 2 else tight(seed)
        goal = Evacuate(servers=("A",), come_back=seed % 3 == 0)
        site = Site(of, goal=goal)
        judge = Judge(site)
        must = [n for n, s in site.start.items() if s == "A"]
        one = no_order(site, judge, Aim(must, ("A",), come_back=goal.come_back))
        other = never_reached(Plan(goal=goal, status=Status.UNKNOWN, estate_digest=""), site, judge)
        assert (one is not None) == bool(other), seed
        seen[one is not None, goal.come_back] += 1
    assert min(seen.values()) > 2 and len(seen) == 4, seen


def test_a_server_that_is_asked_to_go_off_and_cannot_be_left_is_said_to_be_impossible() -> None:
    """Where it is left open which servers go off, another plan is the answer."""
    plan = consolidate(loaded(crossing()), Consolidate(off=("A",)), OPTIONS)
    assert plan.status is Status.INFEASIBLE and plan.conflict and plan.conflict.states and "a away from A" in plan.conflict.summary
    assert {f.rule for f in verify_plan(plan, crossing()).findings} == {"plan.status", "plan.no-order"}
    forged = verify_plan(plan.replace(estate_digest=freed(crossing(1)).estate_digest), crossing(1))
    assert any("cannot be worked out again" in f.message for f in forged.findings)
    assert consolidate(loaded(crossing(1)), Consolidate(off=("A",)), OPTIONS).verified
    assert consolidate(loaded(crossing()), Consolidate(), OPTIONS).verified


@pytest.mark.parametrize("seed", [*NONE, *range(4)])
def test_the_same_of_servers_that_go_off_or_are_retired_by_brute_force(seed: int) -> None:
    of = tight(seed)
    can = Fenced(of).can_empty("A")
    plan = consolidate(loaded(of), Consolidate(off=("A",)), OPTIONS)
    scenario = whatif(loaded(of), Scenario("retire", retire=("A",)), OPTIONS)
    assert (plan.verified, plan.status is Status.INFEASIBLE) == (can, not can)
    assert (scenario.plan is not None, scenario.status is Status.INFEASIBLE) == (can, not can)


def test_who_may_be_restarted_need_not_leave_live() -> None:
    """a has a physical adapter: it restarts wherever it fits in the end, and b and c need not change places before."""
    of = crossing()
    mute = of.replace(lpars=tuple(replace(p, rmc_active=False) if p.name == "a" else p for p in of.lpars))
    plain, restarted = (whatif(loaded(x), Scenario("retire", retire=("A",)), OPTIONS) for x in (of, mute))
    assert plain.status is Status.INFEASIBLE and plain.conflict and plain.conflict.states
    assert restarted.status is not Status.INFEASIBLE


def test_what_is_left_of_a_plan_has_no_order_where_brute_force_finds_none() -> None:
    """Everybody to places that are drawn, of the way out or home."""
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(40):
        rng, of = Random(f"rest {seed}"), tight(seed)
        names = [p.name for p in of.lpars]
        places = {n: rng.choice([s.name for s in of.servers]) for n in rng.sample(names, rng.choice((1, 1, 2, 3)))}
        back = seed % 2 == 0
        goal = Resume(servers=(), homes=places, come_back=True) if back else Resume(servers=(), places=places)
        site = Site(of, goal=goal)
        told = proofs.without_order(Plan(goal=goal, status=Status.UNKNOWN, estate_digest=""), site, Judge(site))
        at = {n: places.get(n, p.server) for n, p in zip(names, of.lpars, strict=True)} if back else places
        can = Fenced(of).reaches(lambda there, at=at, names=names: all(there[names.index(n)] == s for n, s in at.items()))
        assert (told is None) == can, seed
        seen[back, can] += 1
    assert min(seen.values()) > 3 and len(seen) == 4, seen


def test_a_plan_whose_rest_has_no_order_says_so() -> None:
    """a was to go to C, which is smaller than it was."""
    plan = headroom(loaded(crossing(1)), Headroom(server="A", units=150, memory_mib=0), OPTIONS, curve=False)
    assert plan.verified and plan.moves
    rest = resume(loaded(crossing()), plan, OPTIONS, on=True)
    assert rest.status is Status.INFEASIBLE and rest.conflict and rest.conflict.states
    assert rest.conflict.summary.startswith("no order of moves leads there: a to where the plan has them, since ")
    assert {f.rule for f in verify_plan(rest, crossing()).findings} >= {"plan.status", "plan.no-order"}
