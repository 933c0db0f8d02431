"""Other plans for the rest of one: everybody gets where he is to go, home too; all of its moves count in the cost."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from estates import changed, estate, lpar, measured, policy, server, stating
from typer.testing import CliRunner

import planner
from planner import jobs
from planner.cli.app import app
from planner.errors import UsageError
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import dump
from planner.jobs.alternatives import Beside
from planner.jobs.attempt import moves_cost_ms
from planner.jobs.going_on import reached, rests_beside, resume
from planner.optimise.placement import move_cost_ms
from planner.plan.carried_out import carried_out
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate, Headroom
from planner.rules import Judge, Site
from planner.verify import verify_plan

OPTIONS = jobs.Options(20, work_s=600)
MOVES, ROOMY, SHORT = "no other LPAR moves", "most headroom is left", "the shortest evening"
#: A is freed: a1 fits on C or D, or on B once b1 has left it.
OF = estate([server("A", 16), server("B", 6), server("C", 8), server("D", 7)],
            [lpar("a1", "A", 4, 8), lpar("a2", "A", 1, 8), lpar("a3", "A", 2, 8),
             lpar("b1", "B", 2, 8, environment="production"), lpar("c1", "C", 1, 8)])
#: a1 may go to B alone, once b1 has left it.
TIGHT = stating(estate([server("A", 16), server("B", 6), server("C", 8), server("D", 12)],
                       [lpar("a1", "A", 4, 8), lpar("a2", "A", 1, 8), lpar("b1", "B", 2, 8, environment="production"),
                        lpar("c1", "C", 1, 8)]), policy("pin", "a1", "A; B"), policy("pin", "c1", "C"))


def begun(of: Estate, count: int, *, come_back: bool) -> tuple[Plan, Estate]:
    """A plan that frees A, and the estate once so many of its moves are over."""
    plan = jobs.evacuate(Loaded(of), Evacuate(servers=("A",), come_back=come_back), OPTIONS)
    assert plan.verified
    return plan, carried_out(of, sorted(plan.moves, key=lambda m: m.start_ms)[:count])


def asked(plan: Plan, state: Estate, *, on: bool, **more: Any) -> tuple[Plan, Beside | None]:
    first = resume(Loaded(state), plan, OPTIONS, on=on, **more)
    return first, rests_beside(Loaded(state), plan, first, OPTIONS, 4, on=on, **more)


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("come_back", [True, False])
@pytest.mark.parametrize("count", range(4))
def test_each_is_verified_and_gets_everybody_where_he_is_to_go(count: int, come_back: bool, on: bool) -> None:
    plan, state = begun(OF, count, come_back=come_back)
    first, beside = asked(plan, state, on=on)
    assert (beside is None) == (not first.moves)
    for a in beside.alternatives if beside else ():
        if a.plan is None or a.traits is None:
            assert a.instead
            continue
        assert a.plan.verified and verify_plan(a.plan, state).holds and not reached(a.plan)
        then, home = ({p.name: p.server for p in of.lpars} for of in (carried_out(state, a.plan.moves), OF))
        if come_back or not on:
            assert then == home
        else:
            assert "A" not in then.values()
        assert a.traits.cost == moves_cost_ms(Judge(Site(state)), a.plan.moves) / 1000


def test_the_first_costs_what_it_says_and_the_roomier_one_is_told_beside_it() -> None:
    """Half-way: a3 stands on C, a1 is to go to D (7: 1.00 + 4.00) and a2 to B. Keeping 30 % free a1 goes to C, where a3
    and c1 leave for D: two more moves of LPARs that stand elsewhere than on A; home again all of them count."""
    plan, state = begun(OF, 1, come_back=True)
    first, beside = asked(plan, state, on=True)
    assert beside is not None and beside.first.cost == first.objective and beside.first.moves == len(first.leg(OUT)) == 2
    roomy = next(a for a in beside.alternatives if ROOMY in a.best)
    assert roomy.traits is not None and roomy.plan is not None and roomy.plan.goal.spare_percent >= 30
    assert roomy.traits.headroom_percent > beside.first.headroom_percent
    assert roomy.traits.others == 1 and roomy.traits.cost > beside.first.cost
    assert roomy.gives_up[0] == f"+{roomy.traits.cost - beside.first.cost:,.0f} points"
    assert {m.lpar for m in roomy.plan.leg(BACK)} == {"a1", "a2", "a3", "c1"}


def test_who_is_to_stay_is_no_reason_to_leave_the_others_where_they_are() -> None:
    """b1 makes room for a1: without it nobody can free A; it was taken for one whom a person has to see to first."""
    plan, state = begun(TIGHT, 0, come_back=True)
    assert "b1" in {m.lpar for m in plan.leg(OUT)}
    stays = resume(Loaded(state), plan, OPTIONS, on=True, more={"stay": ("b1",)})
    assert not stays.verified and stays.conflict is not None and not stays.goal.left
    _, beside = asked(plan, state, on=True)
    assert beside is not None
    a = next(a for a in beside.alternatives if MOVES in a.best)
    assert a.plan is None and a.instead == f"impossible: {stays.conflict.summary}"


def test_no_other_moves_is_the_cheapest_of_such_plans_by_brute_force() -> None:
    """C hangs on a slow link: b1 makes room on B for a1 (D is too small for it). Where b1 stays a1 goes to C: over all
    places of the three, and home again."""
    slow = changed(changed(OF, "C-v1", link_mbit=100), "C-v2", link_mbit=100)
    slow = changed(changed(slow, "D", configurable_units=490), "a1", memory_mib=32768, max_memory_mib=32768)
    plan, state = begun(slow, 0, come_back=True)
    assert "b1" in {m.lpar for m in plan.leg(OUT)}
    _, beside = asked(plan, state, on=True)
    assert beside is not None and beside.first.others == 1
    a = next(a for a in beside.alternatives if MOVES in a.best)
    site = Site(state)
    judge, costs = Judge(site), []
    for places in product("BCD", repeat=3):
        held = {"B": 300, "C": 200, "D": 100}
        for units, s in zip((400, 100, 200), places, strict=True):
            held[s] += units
        if held["B"] <= 600 and held["C"] <= 800 and held["D"] <= 490:
            costs.append(sum(move_cost_ms(site, judge, n, *way) for n, s in zip(("a1", "a2", "a3"), places, strict=True)
                             for way in (("A", s), (s, "A"))))
    assert a.traits is not None and a.traits.cost == min(costs) / 1000 and a.traits.others == 0


def test_on_the_way_home_where_everybody_ends_is_given() -> None:
    plan, state = begun(OF, 2, come_back=True)
    first, beside = asked(plan, state, on=False)
    assert beside is not None and beside.first.moves == len(first.moves) and not first.leg(OUT)
    assert {a.best: a.instead for a in beside.alternatives}[ROOMY] == "everybody goes home, and where that is is given"
    held = {s.name: s.configurable_units for s in OF.servers}
    then = Site(carried_out(state, first.moves)).at_start
    assert beside.first.headroom_percent == int(100 - 100 * then["A"].units / held["A"])


def test_while_somebody_is_to_be_recovered_first_there_are_none() -> None:
    plan, state = begun(OF, 1, come_back=True)
    mover = next(m.lpar for m in plan.leg(OUT) if {p.name: p.server for p in state.lpars}[m.lpar] == "A")
    first, beside = asked(plan, changed(state, mover, rmc_active=False), on=True)
    assert reached(first) == 1 and beside is None


def test_of_headroom_its_own_lpars_are_no_others() -> None:
    """Those that leave the server on which a critical one runs."""
    goal = Headroom(server="A", units=1300, memory_mib=0, critical=("a3",), come_back=True)
    plan = jobs.headroom(Loaded(OF), goal, OPTIONS)
    _, beside = asked(plan, OF, on=True)
    assert beside is not None and beside.first.moves and beside.first.others == 0


def test_another_placement_keeps_to_the_usage_and_to_homes_that_the_plan_had() -> None:
    """Where the places cannot be reached others were looked for by entitlements alone, and who had left before had no home
    any more: on the way back of that plan it stayed where it was."""
    plan, state = begun(OF, 1, come_back=False)
    (gone,) = [p.name for p in state.lpars if p.server != next(q.server for q in OF.lpars if q.name == p.name)]
    _, beside = asked(plan, state, on=True)
    assert beside is not None
    other = next(a.plan for a in beside.alternatives if a.plan)
    assert other.goal.kind == "evacuate" and other.goal.away == {gone: "A"}
    home = resume(Loaded(carried_out(state, other.moves)), other, OPTIONS, on=False)
    assert home.verified and {m.lpar: m.target for m in home.moves}[gone] == "A"

    used = {p.name: [p.entitlement_units * 10] for p in OF.lpars}
    for c1, found in ((1000, True), (3500, False)):
        given = measured(OF, used | {"c1": [c1]})
        busy = plan.replace(goal=plan.goal.replace(usage=given.basis))
        told = resume(Loaded(state), busy, OPTIONS, on=True, usage=given.usage, more={"spare_percent": 30})
        assert told.goal.kind == "evacuate" and told.goal.usage == given.basis and told.verified == found
        assert not found or verify_plan(told, state, given.usage).holds


def test_the_command_writes_each_in_a_directory(tmp_path: Path) -> None:
    plan, state = begun(OF, 1, come_back=True)
    file, now, out = tmp_path / "then.json", tmp_path / "now.json", tmp_path / "rest"
    file.write_text(dump(Loaded(OF)))
    now.write_text(dump(Loaded(state)))
    run = CliRunner().invoke
    assert run(app, ["evacuate", str(file), "A", "--return", "--out", str(tmp_path / "p")]).exit_code == 0
    typed = ["resume", str(tmp_path / "p"), str(now), "--on", "--out", str(out), "--alternatives"]
    done = run(app, [*typed, "4", "--json"])
    told = json.loads(done.stdout)["beside"]
    there = [a["directory"] for a in told["alternatives"] if a["directory"]]
    assert done.exit_code == 0 and there
    for name in there:
        again = run(app, ["verify", str(out / name), str(now)])
        assert again.exit_code == 0, again.output
    shown = run(app, [*typed, "4"])
    assert "Other plans" in shown.output and "everybody is to get" not in shown.output
    hung = tmp_path / "hung.json"
    mover = next(m.lpar for m in plan.leg(OUT) if {p.name: p.server for p in state.lpars}[m.lpar] == "A")
    hung.write_text(dump(Loaded(changed(state, mover, rmc_active=False))))
    shown = run(app, ["resume", str(tmp_path / "p"), str(hung), "--on", "--out", str(out), "--alternatives", "2"])
    assert shown.exit_code == 1 and "No other plans: first everybody is to get where the plan takes him" in shown.output


def test_python_has_them_with_the_plan_that_was_begun() -> None:
    plan, state = begun(OF, 1, come_back=True)
    for on in (True, False):
        first = planner.resume(plan, state, on=on, work="10m", time_limit=20)
        beside = planner.alternatives(first, state, 4, begun=plan, time_limit=20)
        assert beside.first.cost == first.objective
        assert all(verify_plan(a.plan, state).holds for a in beside.alternatives if a.plan)
        with pytest.raises(UsageError, match="begun: give the plan that this one goes on with"):
            planner.alternatives(first, state)
