"""Other plans beside the first: each verified for the question as it was asked besides, its traits counted by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner import jobs
from planner.cli.app import app
from planner.estate.assemble import Loaded
from planner.estate.model import Estate, Policy
from planner.estate.saved import dump
from planner.jobs.alternatives import Alternative, Beside, Traits, alternatives, compared, traits_of
from planner.plan.choices import OUT, Status
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate, Headroom, Question
from planner.rules import Judge, Site
from planner.verify import verify_plan
from tests.estates import changed, estate, lpar, server, stating

OPTIONS = jobs.Options(time_limit=20)
ROOMY, MOVES, PRODUCTION, SHORT = ("most headroom is left", "no other LPAR moves", "no production moves but what must",
                                   "the shortest evening")
#: a1 fits on B if b1 leaves for C, and on C, where little is left then.
TIGHT = estate([server("A", 16), server("B", 6), server("C", 8)],
               [lpar("a1", "A", 4, 8), lpar("b1", "B", 2, 8, environment="production"), lpar("c1", "C", 1, 8)])
#: Either of two LPARs makes the room that is asked for on A; B is small, C has more.
ROOM = estate([server("A", 16), server("B", 6), server("C", 12)],
              [lpar("a1", "A", 4, 8), lpar("a2", "A", 4, 8), lpar("b1", "B", 1, 8), lpar("c1", "C", 2, 8)])


def asked(of: Estate, goal: Any, job: Callable[..., Plan]) -> tuple[Plan, Beside]:
    first = job(Loaded(of), goal, OPTIONS)
    return first, alternatives(first, of, lambda more: job(Loaded(of), goal.replace(**more), OPTIONS), 4)


CASES: dict[str, tuple[Estate, Question, Callable[..., Plan]]] = {
    "evacuate": (TIGHT, Evacuate(servers=("A",)), jobs.evacuate),
    "headroom": (ROOM, Headroom(server="A", units=1000, memory_mib=0), jobs.headroom),
    "consolidate": (ROOM, Consolidate(), jobs.consolidate)}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[Estate, Plan, Beside]:
    of, goal, job = CASES[request.param]
    return of, *asked(of, goal, job)


def test_each_is_verified_and_keeps_what_it_was_asked_besides(case: tuple[Estate, Plan, Beside]) -> None:
    of, first, beside = case
    limits = {s.name: s for s in of.servers}
    assert beside.alternatives
    for plan in (a.plan for a in beside.alternatives if a.plan):
        assert plan.verified and verify_plan(plan, of).holds
        assert not {m.lpar for m in plan.moves} & {*plan.goal.stay}
        before = {s.server: s for s in plan.before}
        for s in plan.after:
            if s.units > before[s.server].units and s.server != getattr(plan.goal, "server", ""):
                assert 100 * s.units <= (100 - plan.goal.spare_percent) * limits[s.server].configurable_units
    assert beside.first == traits_of(first, of)


def test_what_an_alternative_is_best_in_it_is_best_in(case: tuple[Estate, Plan, Beside]) -> None:
    _, _, beside = case
    made = {name: a.traits for a in beside.alternatives for name in a.best.split("; ") if a.traits}
    if MOVES in made:
        assert made[MOVES].others == 0 < beside.first.others
    if ROOMY in made:
        assert made[ROOMY].headroom_percent > beside.first.headroom_percent
    if SHORT in made:
        assert made[SHORT].minutes < beside.first.minutes
    for a in beside.alternatives:
        assert (a.traits is None) == bool(a.instead) and bool(a.traits) == bool(a.gives_up)


def test_no_point_of_the_front_is_beaten(case: tuple[Estate, Plan, Beside]) -> None:
    _, _, beside = case
    costs, shares = [p.cost for p in beside.front], [p.headroom_percent for p in beside.front]
    assert costs == sorted(set(costs)) and shares == sorted(set(shares))
    for t in (beside.first, *(a.traits for a in beside.alternatives if a.traits)):
        assert any(p.cost <= t.cost and p.headroom_percent >= t.headroom_percent for p in beside.front)


def test_production_that_stands_elsewhere_stays_where_it_is_asked_to() -> None:
    """a1 leaves A; b1, production, would make room for it on B: asked to stay, it does."""
    busy = stating(changed(TIGHT, "C", configurable_units=500), Policy("pin", "c1", "C"))
    first, beside = asked(busy, Evacuate(servers=("A",)), jobs.evacuate)
    assert beside.first.production == 1 and first.status is Status.OPTIMAL
    a = next(a for a in beside.alternatives if PRODUCTION in a.best)
    assert a.traits is None and a.instead.startswith("impossible: ")


def test_most_headroom_is_what_brute_force_finds() -> None:
    """Over all placements of all LPARs: the best least share, to the step of 5 that is searched."""
    _, beside = asked(TIGHT, Evacuate(servers=("A",)), jobs.evacuate)
    site = Site(TIGHT)
    judge, best = Judge(site), -1
    for choice in product("BC", repeat=3):
        where = dict(zip(("a1", "b1", "c1"), choice, strict=True))
        if judge.placement(where):
            continue
        shares = []
        for s in "BC":
            held = site.holding(s, [n for n, at in where.items() if at == s])
            row, at_start = site.servers[s], site.at_start[s]
            if held.units > at_start.units:
                shares.append(100 - 100 * held.units / row.configurable_units)
            if held.memory_mib > at_start.memory_mib:
                shares.append(100 - 100 * held.memory_mib / row.configurable_memory_mib)
        best = max(best, int(min(shares, default=100)))
    told = max([beside.first.headroom_percent, *(a.traits.headroom_percent for a in beside.alternatives if a.traits)])
    assert told // 5 == best // 5


def test_a_plan_that_moves_whom_it_was_asked_to_leave_does_not_hold() -> None:
    plan = jobs.evacuate(Loaded(TIGHT), Evacuate(servers=("A",)), OPTIONS)
    mover = plan.leg(OUT)[0].lpar
    held = verify_plan(plan.replace(goal=plan.goal.replace(stay=(mover,))), TIGHT)
    assert not held.holds and "policy.asked-to-stay" in {f.rule for f in held.findings}
    full = verify_plan(plan.replace(goal=plan.goal.replace(spare_percent=95)), TIGHT)
    assert not full.holds and "processor.capacity" in {f.rule for f in full.findings}


def test_the_command_writes_each_in_a_directory_and_says_so(tmp_path: Path) -> None:
    file, out = tmp_path / "estate.json", tmp_path / "plan"
    file.write_text(dump(Loaded(TIGHT)))
    done = CliRunner().invoke(app, ["evacuate", str(file), "A", "--alternatives", "4", "--out", str(out), "--json"])
    told = json.loads(done.stdout)
    there = [a for a in told["beside"]["alternatives"] if a["directory"]]
    assert done.exit_code == 0 and there
    for a in there:
        assert json.loads((out / a["directory"] / "plan.json").read_text())["verified"]
        again = CliRunner().invoke(app, ["verify", str(out / a["directory"]), str(file)])
        assert again.exit_code == 0, again.output
    shown = CliRunner().invoke(app, ["evacuate", str(file), "A", "--alternatives", "4", "--out", str(out)])
    assert "Other plans" in shown.output and "alternative-1" in shown.output


def test_a_sweep_that_makes_no_other_plans_says_why() -> None:
    done = CliRunner().invoke(app, ["sweep", "x", "y", "--alternatives", "2"])
    assert done.exit_code == 2 and "each cell is an alternative" in " ".join(done.output.replace("│", "").split())


def test_what_the_first_is_better_in_by_little_is_told() -> None:
    """Two more moves for 3 mW: "nothing of what is compared here" was all that was said of the plan without them."""
    first = Traits(14, 2, 7, 5, 112.0, 8812.05, "W")
    alike = compared(Alternative("no other LPAR moves", replace(first, moves=12, minutes=97.0, cost=8812.053)), first)
    assert alike.gives_up == ("+0.003 W",)
    assert compared(Alternative("x", replace(first, cost=14467.016)), first).gives_up == ("+5,655 W",)
    assert compared(Alternative("x", first), first).gives_up == ("nothing of what is compared here",)


@pytest.mark.parametrize(("cores", "why"), [("1", "nothing has to move"), ("200", "there is none that they would stand beside")])
def test_where_there_are_none_it_says_why(cores: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "estate.json"
    file.write_text(dump(Loaded(ROOM)))
    ask = ["headroom", str(file), "A", "--cores", cores, "--when", "always", "--no-curve", "--out", str(tmp_path / "out")]
    assert f"No other plans: {why}" in CliRunner().invoke(app, [*ask, "--alternatives", "2"]).output
    assert "No other plans" not in CliRunner().invoke(app, [*ask, "--force"]).output
