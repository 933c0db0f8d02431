"""``verify --prove``: what is claimed to be least, or impossible, against brute force and against claims that lie."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from estates import backed, estate, evacuate_goal, exactly, judged, loaded, lpar, policy, server, vioses
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from typer.testing import CliRunner

from planner.cli.app import app
from planner.estate.model import Estate
from planner.estate.saved import digest, dump
from planner.jobs import Options, consolidate, evacuate, headroom
from planner.jobs.whatif import whatif
from planner.optimise.evacuate import EvacuationProblem
from planner.plan.choices import Measure, Status
from planner.plan.details import Conflict
from planner.plan.plan import Move, Plan
from planner.plan.plan import dump as written
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.scenarios.model import Scenario
from planner.verify.prove import Proof, Proven, proofs

sys.path.append(str(Path(__file__).parents[1] / "optimise"))
sys.path.append(str(Path(__file__).parents[1] / "jobs"))
from test_oracle import brute, cost_ms, estates, lawful, placements
from test_without_order import crossing, freed

PROVED, REFUTED, OPEN, UNSEEN = Proven.PROVED, Proven.REFUTED, Proven.OPEN, Proven.UNSEEN
#: a1 or a2 alone would go to B; both fit only when b1 makes room there, which is cheaper than a move of a2 to slow C.
TIGHT = estate([server("A", 8, 64), server("B", 4, 32), server("C", 4, 32)],
               [lpar("a1", "A", 2, 16), lpar("a2", "A", 2, 8), lpar("b1", "B", 1, 8), lpar("c1", "C", 1, 4)])
HERE = Options(20)


LICENSED = TIGHT.replace(policies=(policy("licence", "DB2", "sub-capacity; 120 PVU"),), lpars=tuple(
    replace(p, software=("DB2 9.7",)) for p in TIGHT.lpars))


def verdicts(plan: Plan, of: Estate) -> list[Proven]:
    return [p.verdict for p in proofs(plan, of, seconds=20)]


def drawn(seed: int) -> Estate:
    """Five LPARs on three servers with little room; who goes to C goes ten times as fast."""
    rng = Random(seed)
    lpars = [lpar(f"p{n}", "AABBC"[n], rng.choice((0.5, 1, 1.5, 2)), rng.choice((2, 4, 8))) for n in range(5)]
    rows = [exactly(server(s), [p for p in lpars if p.server == s], rng.choice((1, 2, 3)), rng.choice((8, 12, 16))) for s in "ABC"]
    apart = [policy("keep-apart", "pair", "; ".join(rng.sample([p.name for p in lpars], 2)))]
    return estate(rows, lpars, rng.choice((apart, [])), vioses=tuple(
        v for s in "ABC" for v in vioses(s, link_mbit=10000 if s in "AC" else 1000)))


def agree(of: Estate, come_back: bool, seen: Counter[str]) -> None:
    """What brute force finds is proved; a bound a second higher, of the best plan and of the dearest, and a conflict
    that is none are not."""
    site, judge = judged(of)
    goal = evacuate_goal(site, ["A"]).replace(come_back=come_back)
    least, answer = brute(site, judge, goal, come_back), EvacuationProblem(site, judge, goal).solve(20, 0.0)
    blank = Plan(goal=goal, status=answer.status, estate_digest=digest(of))
    if least is None:
        assert answer.conflict is not None
        found = verdicts(blank.replace(conflict=answer.conflict), of)
        assert found[0] is PROVED and REFUTED not in found, proofs(blank.replace(conflict=answer.conflict), of)
        seen[f"conflict {found[-1]}"] += 1
        return
    moves = tuple(Move(n, site.start[n], s) for n, s in answer.placement.items())
    plan = blank.replace(objective=least / 1000, bound=least / 1000, moves=moves)
    assert verdicts(plan, of) == [PROVED], proofs(plan, of)
    assert verdicts(plan.replace(bound=least / 1000 + 1), of) == [REFUTED]
    holds = lawful(site, judge)
    costs = {tuple(where.items()): sum(cost_ms(site, judge, n, site.start[n], s) for n, s in where.items()
                                       if s != site.start[n]) for where in placements(site, judge, goal, come_back)}
    dear = max((cost, where) for where, cost in costs.items() if holds(dict(where)))
    if dear[0] > least + 1000:
        lies = plan.replace(objective=dear[0] / 1000, bound=least / 1000 + 1, moves=tuple(
            Move(n, site.start[n], s) for n, s in dear[1] if s != site.start[n]))
        found = proofs(lies, of)[0]
        assert found.verdict is REFUTED or (found.verdict is OPEN and "no order" in found.told), found
        seen[f"search {found.verdict}"] += 1
    lie = blank.replace(status=Status.INFEASIBLE, conflict=Conflict("", tuple(sorted(site.start)), ("B",), (), ()))
    assert PROVED not in verdicts(lie, of)


def test_proofs_agree_with_brute_force_and_lies_are_told() -> None:
    seen: Counter[str] = Counter()
    for seed in range(30):
        agree(drawn(seed), seed % 2 == 1, seen)
    assert seen[f"conflict {PROVED}"] > 3 and seen[f"search {REFUTED}"] > 10, seen


@settings(max_examples=portion(40))
@given(estates(), st.booleans())
def test_proofs_agree_with_brute_force_whatever_a_row_can_say(of: Estate, come_back: bool) -> None:
    agree(of, come_back, Counter())


def plans() -> dict[str, tuple[Plan, Estate]]:
    of = loaded(TIGHT)
    found = whatif(of, Scenario("no A", retire=("A",), frontier=False), HERE)
    assert found.plan is not None and found.estate is not None
    return {
        "evacuate": (evacuate(of, Evacuate(servers=("A",), come_back=True), HERE), TIGHT),
        "headroom": (headroom(of, Headroom(server="A", units=600, memory_mib=1024), HERE, curve=False), TIGHT),
        **{f"consolidate {measure}": (consolidate(of, Consolidate(measure=measure), HERE), TIGHT)
           for measure in (Measure.SERVERS, Measure.CORES, Measure.WATTS)},
        "whatif": (found.plan, found.estate)}


def test_every_question_is_proved_and_a_bound_one_higher_is_not() -> None:
    for kind, (plan, of) in plans().items():
        found = proofs(plan, of, seconds=20)
        assert {p.verdict for p in found} <= {PROVED, UNSEEN} and found[0].verdict is PROVED, (kind, found)
        for n, level in enumerate(plan.levels):
            higher = replace(level, bound=level.bound * 1.01 + 1)
            lies = plan.replace(levels=tuple(higher if m == n else x for m, x in enumerate(plan.levels)))
            assert verdicts(lies, of)[n] is REFUTED, (kind, level.name)
        if not plan.levels:
            told = proofs(plan.replace(bound=(plan.bound or 0) + 1), of)[0]
            assert told.verdict is REFUTED, (kind, told)


def test_what_is_not_looked_at_is_not_called_proved() -> None:
    """Where LPARs restart when a server fails, and licence cores, are not in the program."""
    for goal in (Consolidate(n_plus_1=True), Consolidate(measure=Measure.LICENCES)):
        found = verdicts(consolidate(loaded(LICENSED), goal, HERE), LICENSED)
        assert REFUTED not in found and (goal.n_plus_1 or found[0] is OPEN)


@pytest.mark.parametrize(("of", "goal"), [
    (estate([server("A", 8, 64), server("B", 3, 32)], [lpar("a1", "A", 2), lpar("a2", "A", 1.5), lpar("b1", "B", 0.5)]),
     Evacuate(servers=("A",))),
    (estate([server("A", 8, 64), server("B", 8, 64)], [lpar("a1", "A"), lpar("a2", "A")],
            [policy("keep-apart", "pair", "a1; a2")]), Evacuate(servers=("A",))),
    (estate([server("A", 8, 64), server("B", 3, 64)], [lpar("a1", "A", 4), lpar("b1", "B", 2)]),
     Headroom(server="A", units=700, memory_mib=0))])
def test_a_conflict_with_one_member_less_does_not_conflict(of: Estate, goal: Evacuate | Headroom) -> None:
    plan = (evacuate(loaded(of), goal, HERE) if isinstance(goal, Evacuate)
            else headroom(loaded(of), goal, HERE, curve=False))
    assert plan.status is Status.INFEASIBLE and plan.conflict is not None
    assert verdicts(plan, of) == [PROVED, PROVED], proofs(plan, of)
    for field in ("lpars", "rules"):
        whole = getattr(plan.conflict, field)
        for one in whole if len(whole) > 1 or field == "rules" else ():
            less = replace(plan.conflict, **{field: tuple(x for x in whole if x != one)})
            assert verdicts(plan.replace(conflict=less), of) == [PROVED, REFUTED], (field, one)


def test_that_no_order_leads_there_is_proved_by_all_states() -> None:
    plan = freed(crossing())
    assert [(p.verdict, p.by) for p in proofs(plan, crossing())] == [(PROVED, "all states")]
    assert verdicts(plan.replace(estate_digest=digest(crossing(1))), crossing(1)) == [OPEN]


def test_a_plan_that_was_altered_or_is_of_another_estate_is_not_proved() -> None:
    plan, _ = plans()["evacuate"]
    assert verdicts(plan.replace(altered=("its bound",)), TIGHT) == [REFUTED]
    assert verdicts(plan, backed(TIGHT, {"a1": [(5, 2)]}, "P1-C4-T1")) == [OPEN]


def added_up(told: Proof) -> Fraction:
    """What the certificate proves, from its JSON alone: of any values from 0 to 1."""
    certificate = json.loads(json.dumps(told.as_json()))["certificate"]
    left = {name: Fraction(cost) for name, cost in certificate["cost"].items()}
    total = Fraction(0)
    for row in certificate["rows"]:
        by = Fraction(row["multiplier"])
        assert row["equal"] or by <= 0
        total += by * row["most"]
        for name, c in row["terms"].items():
            left[name] -= by * c
    return total + sum(min(x, Fraction(0)) for x in left.values())


def test_a_certificate_can_be_added_up_by_anybody() -> None:
    of = estate([server("A", 8, 64), server("B", 16, 64)], [lpar("a1", "A"), lpar("a2", "A")])
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), HERE)
    told = proofs(plan, of)[0]
    assert told.by == "exact arithmetic" and added_up(told) >= Fraction(round(1000 * (plan.bound or 0)) - 1)
    none = estate([server("A", 8, 64), server("B", 1, 64)], [lpar("a1", "A"), lpar("a2", "A")])
    assert added_up(proofs(evacuate(loaded(none), Evacuate(servers=("A",)), HERE), none)[0]) > 0


def test_verify_says_what_is_proved_by_what_and_answers_by_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "estate.json").write_text(dump(loaded(TIGHT)))

    def run(plan: Plan, *more: str) -> tuple[int, str]:
        (tmp_path / "plan.json").write_text(written(plan))
        done = CliRunner().invoke(app, ["verify", str(tmp_path / "plan.json"), str(tmp_path / "estate.json"), *more])
        return done.exit_code, " ".join(done.output.split())

    plan = plans()["evacuate"][0]
    code, told = run(plan, "--prove")
    assert code == 0 and "proved by" in told and "the plan holds" in told
    code, told = run(plan, "--prove", "--json")
    assert code == 0 and json.loads(told)["proofs"][0]["verdict"] == "proved"
    worse = plan.replace(bound=(plan.bound or 0) + 5, objective=(plan.objective or 0) + 5)
    assert run(worse, "--prove")[0] == 1
    none = evacuate(loaded(TIGHT), Evacuate(servers=("A", "B", "C")), HERE)
    assert run(none, "--prove")[0] == 0 and run(none)[0] == 1
    (tmp_path / "estate.json").write_text(dump(loaded(LICENSED)))
    assert run(consolidate(loaded(LICENSED), Consolidate(measure=Measure.LICENCES), HERE), "--prove")[0] == 4
