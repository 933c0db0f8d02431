"""Going on from half-way: from every state in which a plan can be left to its goal, or home."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, changed, estate, lpar, measured, policy, server, stating
from landscape import landscape
from portion import portion
from resume import closed_sets, looked_at, places, states, wrong

from planner import jobs
from planner.errors import InputError, UsageError
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.jobs.going_on import reached, resume
from planner.jobs.peak_hours import UsageGiven, UsageSpec
from planner.plan.carried_out import carried_out
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Consolidate, Evacuate, Headroom, Question, Resume
from planner.report.runbook import runbook
from planner.report.text import headline
from planner.schedule.lanes import Pacing
from planner.verify import verify_plan

NIGHT = jobs.window_from("2026-12-05 22:00/04:00")
OPTIONS = jobs.Options(20, work_s=600)
TIGHT = estate([server("A", 4, 40), server("B", 4, 18), server("C", 4, 26)],
               [lpar("a1", "A", 0.5, 8), lpar("a2", "A", 0.5, 8), lpar("b1", "B", 0.5, 8), lpar("c1", "C", 0.5, 4)])
"""b1 makes room for one of A."""


@cache
def planned(come_back: bool = True, of: Estate = BASE) -> Plan:
    plan = jobs.evacuate(Loaded(of), Evacuate(servers=("A",), come_back=come_back), replace(OPTIONS, window=NIGHT))
    assert plan.verified
    return plan


def resumed(plan: Plan, state: Estate, *, on: bool, **more: Any) -> Plan:
    """The rest, read back from its file."""
    rest = parse(dump(resume(Loaded(state), plan, more.pop("options", OPTIONS), on=on, **more)), "plan.json")
    assert not rest.verified or verify_plan(rest, state).holds
    return rest


def told(plan: Plan, rule: str) -> list[str]:
    return [f.subject for f in plan.findings if f.rule == f"resume.{rule}"]


def half_way(plan: Plan, count: int, of: Estate = BASE) -> Estate:
    return carried_out(of, sorted(plan.moves, key=lambda m: m.start_ms)[:count])


# ---- every state ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("of", [BASE, TIGHT], ids=["roomy", "tight"])
@pytest.mark.parametrize("come_back", [True, False])
def test_from_every_state_on_to_the_goal_and_back_home_and_again_from_half_of_that(of: Estate, come_back: bool) -> None:
    plan = planned(come_back, of)
    every = list(states(plan))
    assert len(every) >= 2 ** len({m.lpar for m in plan.leg(OUT)}) or of is TIGHT
    for leg, done in every:
        for asked, why in looked_at(plan, carried_out(of, done), of, OPTIONS):
            assert not why, (leg, [m.lpar for m in done], asked)


@pytest.mark.parametrize("on", [True, False])
def test_who_stays_and_what_is_kept_free_is_so_in_the_rest_too(on: bool) -> None:
    """A is fuller than what is kept free elsewhere would let it be: who comes home there may all the same."""
    of = estate([server("A", 3, 24), server("B", 8, 64), server("C", 8, 64)],
                [lpar("a1", "A", 1, 8), lpar("a2", "A", 1, 4), lpar("b1", "B", 0.5, 4)])
    plan = jobs.evacuate(Loaded(of), Evacuate(servers=("A",), come_back=True, stay=("b1",), spare_percent=30), OPTIONS)
    assert plan.verified and max(s.units / s.units_limit for s in plan.before if s.server == "A") > 0.7
    rest = resumed(plan, half_way(plan, 1, of), on=on)
    assert rest.verified and (rest.goal.stay, rest.goal.spare_percent) == (("b1",), 30)


def test_some_states_of_the_landscape() -> None:
    of = landscape()
    options = replace(OPTIONS, pacing=Pacing(effort=0))
    plan = jobs.evacuate(Loaded(of), Evacuate(servers=("SN8379A80_p595-2",), come_back=True), replace(options, work_s=0))
    every = list(states(plan))
    for _, done in every[3::len(every) // portion(5, 2)]:
        for asked, why in looked_at(plan, carried_out(of, done), of, options):
            assert not why, ([m.lpar for m in done], asked)


def test_what_is_half_done_costs_no_more_than_the_rest() -> None:
    """The rest of an optimal plan is the cheapest way to its places: nothing is moved for nothing."""
    plan = planned()
    for done in closed_sets(plan.leg(OUT)):
        rest = resumed(plan, carried_out(BASE, done), on=True)
        assert rest.status == "optimal" and len(rest.leg(OUT)) == len(plan.leg(OUT)) - len(done)
        assert {m.lpar for m in rest.leg(BACK)} == {m.lpar for m in plan.leg(BACK)}


def test_the_rest_of_the_way_back_needs_no_work_any_more() -> None:
    plan = planned()
    first = plan.leg(BACK)[0]
    assert {m.lpar for m in plan.leg(BACK)} > {first.lpar}
    state = carried_out(BASE, (*plan.leg(OUT), first))
    rest = resumed(plan, state, on=False)
    assert {(m.lpar, m.leg, m.target) for m in rest.moves} == {("a2" if first.lpar == "a1" else "a1", "back", "A")}
    assert rest.work_s == 0 and headline(rest) == "bring 1 LPAR home"


def test_a_resumed_plan_of_a_resumed_plan_still_knows_the_first_homes() -> None:
    """a1 went out with the first plan, a2 with the second; the third brings both home."""
    plan = planned(come_back=False)
    one = carried_out(BASE, [m for m in plan.moves if m.lpar == "a1"])
    second = resumed(plan, one, on=True)
    assert second.goal.away == {"a1": "A"} and [m.lpar for m in second.moves] == ["a2"]
    both = carried_out(one, second.moves)
    third = resumed(second, both, on=False)
    assert not wrong(third, both, places(BASE)) and len(third.moves) == 2
    assert resumed(third, carried_out(both, third.moves[:1]), on=True).moves[0].target == "A"


# ---- who is elsewhere, or cannot be moved --------------------------------------------------------------------------

def test_moved_by_hand_it_goes_where_the_plan_wants_it_and_home() -> None:
    plan = planned()
    (wanted,) = {m.target for m in plan.leg(OUT) if m.lpar == "a1"}
    state = BASE.moved({"a1": "C" if wanted == "B" else "B"})
    rest = resumed(plan, state, on=True)
    assert told(rest, "by-hand") == ["a1"] and [m.target for m in rest.leg(OUT) if m.lpar == "a1"] == [wanted]
    assert not wrong(rest, state, places(BASE))
    assert not wrong(resumed(plan, state, on=False), state, places(BASE))


def test_where_the_places_can_no_more_be_reached_others_are_looked_for() -> None:
    """Somebody has filled the server to which both were to go."""
    plan = planned()
    (wanted,) = {m.target for m in plan.leg(OUT)}
    full = changed(BASE, {"B": "b1", "C": "c1"}[wanted], memory_mib=100 * 1024, max_memory_mib=100 * 1024)
    rest = resumed(plan, stating(full, policy("reserve-memory", wanted, "24")), on=True)
    assert rest.verified and {m.target for m in rest.leg(OUT)} == {"B", "C"} - {wanted}
    assert isinstance(rest.goal, Evacuate) and any("cannot be reached from here" in note for note in rest.notes)


def test_what_is_impossible_from_here_is_said_with_the_reason() -> None:
    plan = planned()
    walled = stating(BASE, policy("fence", "a1", "A"), policy("fence", "a2", "A"))
    rest = resumed(plan, walled, on=True)
    assert rest.status == "infeasible" and rest.conflict and jobs.exit_code(rest) == 3
    assert "policy.fence" in {f.rule for f in rest.findings}


def test_who_cannot_come_home_is_an_error_and_the_others_come() -> None:
    plan = planned()
    out = carried_out(BASE, plan.leg(OUT))
    old = stating(changed(out, "a1", current_mode="POWER7"))
    rest = resumed(plan, old, on=False)
    assert rest.verified and told(rest, "stranded") == ["a1"] and reached(rest) == 3
    assert [m.lpar for m in rest.moves] == ["a2"] and rest.goal.away == {"a1": "A"}
    mended = carried_out(out, rest.moves)
    assert not wrong(resumed(rest, mended, on=False), mended, places(BASE))


def hung(state: Estate, name: str, twin: str = "") -> Estate:
    """The estate in which an LPAR is in migration; with ``twin`` that server lists it as well."""
    moving = changed(state, name, state="migrating - running")
    (row,) = (p for p in moving.lpars if p.name == name)
    return moving.replace(lpars=(*moving.lpars, replace(row, name=f"{name}@{twin}", server=twin))) if twin else moving


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("on", [True, False])
def test_one_that_hangs_is_recovered_first_and_the_rest_waits_for_what_it_holds(on: bool, both: bool) -> None:
    plan = planned()
    (move,) = (m for m in plan.leg(OUT) if m.lpar == "a1")
    state = hung(BASE if on else carried_out(BASE, [m for m in plan.leg(OUT) if m.lpar == "a2"]), "a1",
                 move.target if both else "")
    rest = resumed(plan, state, on=on)
    assert told(rest, "hung") == ["a1"] and reached(rest) == 1 and "a1" not in {m.lpar for m in rest.moves}
    text = runbook(rest, state)
    assert text.index("## Recover first") < text.index("## Read this first")
    assert "migrlpar -o s -m A -p a1\nmigrlpar -o r -m A -p a1\n" in text
    other = [m.target for m in rest.moves if m.lpar == "a2"]
    same = {m.target for m in plan.leg(OUT)} == {move.target}
    assert other == (["A"] if not on else [] if same and not both else [move.target])
    well = carried_out(BASE, rest.moves) if on else BASE
    again = resumed(rest, well, on=True)
    assert not wrong(again, well, places(BASE)) and again.goal.come_back


def test_at_the_very_end_nothing_is_left_and_the_papers_say_so() -> None:
    """They were headed "bring 0 LPARs home"."""
    plan = planned(come_back=False)
    rest = resumed(plan, carried_out(BASE, plan.moves), on=True)
    assert rest.verified and not rest.moves and headline(rest) == "nothing is left to be done"


def test_one_that_lost_its_rmc_is_left_alone_and_says_what_mends_it() -> None:
    plan = planned()
    state = changed(BASE, "a2", rmc_active=False)
    rest = resumed(plan, state, on=True)
    assert [m.lpar for m in rest.moves] == ["a1"] and told(rest, "stuck") == ["a2"] and reached(rest) == 1
    assert "free A but a2" in headline(rest) and isinstance(rest.goal, Resume) and rest.goal.then_home
    assert "rmcctrl" in next(f.fix for f in rest.findings if f.rule == "resume.stuck")
    after = carried_out(BASE, rest.moves)
    assert not wrong(resumed(rest, after, on=True), after, places(BASE))


def test_gone_and_stopped_ones_are_told_and_the_others_go() -> None:
    plan = planned()
    gone = BASE.replace(lpars=tuple(p for p in BASE.lpars if p.name != "a1"))
    assert told(resumed(plan, gone, on=True), "gone") == ["a1"]
    out = changed(carried_out(BASE, plan.leg(OUT)), "a1", state="not activated", never_activated=False)
    rest = resumed(plan, out, on=False)
    assert told(rest, "stopped") == ["a1"] and [m.lpar for m in rest.moves] == ["a2"]
    along = resumed(plan, out, on=False, inactive=True)
    assert not wrong(along, out, places(BASE)) and [m.lpar for m in along.moves if m.inactive] == ["a1"]


# ---- what is asked -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("goal", [Headroom(server="A", units=1450, memory_mib=0, come_back=True),
                                  Consolidate(off=("A",), come_back=True)], ids=["headroom", "consolidate"])
def test_plans_of_other_questions(goal: Question) -> None:
    make = {Headroom: jobs.headroom, Consolidate: jobs.consolidate}[type(goal)]
    plan = make(Loaded(BASE), goal, OPTIONS)  # type: ignore[operator]
    assert plan.verified and plan.leg(OUT)
    for _, done in list(states(plan))[:6]:
        for asked, why in looked_at(plan, carried_out(BASE, done), BASE, OPTIONS):
            assert not why, (done, asked)


def test_the_replay_sees_a_place_that_is_missed_and_one_that_should_wait() -> None:
    plan, state = planned(), changed(BASE, "a2", rmc_active=False)
    rest = resumed(plan, state, on=True)
    move = rest.moves[0]
    assert isinstance(rest.goal, Resume)
    waits = rest.replace(goal=rest.goal.replace(later=("a1",)))
    missed = rest.replace(goal=rest.goal.replace(places={**rest.goal.places, "c1": "B"}))
    unfree = rest.replace(goal=rest.goal.replace(stuck={}))
    for wrongly, subject in ((waits, move.lpar), (missed, "c1"), (unfree, "a2")):
        assert ("goal.reached", subject) in {(f.rule, f.subject) for f in verify_plan(wrongly, state).findings}


@dataclass(frozen=True)
class Recorded(UsageSpec):
    """What some LPARs used, in thousandths of a core, as a history gives it."""

    def zone(self) -> str:
        return "UTC"

    def read(self, of: Any, *_: Any) -> UsageGiven:
        return measured(of, {"a1": [600, 0], "a2": [100, 300], "b1": [1500, 0]})


def test_what_was_planned_with_usage_is_resumed_with_it_and_says_when_it_is_not() -> None:
    goal, spec = Evacuate(servers=("A",), come_back=True), Recorded(Path("usage.db"))
    plan = jobs.evacuate(Loaded(BASE), goal, OPTIONS, spec)
    state = carried_out(BASE, plan.leg(OUT)[:1])
    used = spec.read(state).usage
    with_it = resume(Loaded(state), plan, OPTIONS, on=True, usage=used)
    assert with_it.goal.usage == plan.goal.usage and verify_plan(with_it, state, used).holds
    assert any(s.used is not None for s in with_it.after)
    without = resumed(plan, state, on=True)
    assert without.goal.usage is None and "plan.usage" in {f.rule for f in without.findings}


def test_a_way_back_of_its_own_evening_keeps_its_time() -> None:
    """A consolidation for a weekend, resumed on Saturday: back on Sunday as before, or, ``--back``, at once."""
    weekend = jobs.weekend_from("2026-11-27 20:00", "2026-11-30 06:00")
    plan = jobs.consolidate(Loaded(BASE), Consolidate(weekend=True, off=("A",)), replace(OPTIONS, window=weekend))
    assert plan.verified and plan.back_window is not None
    state, now = carried_out(BASE, plan.leg(OUT)[:1]), dt.datetime(2026, 11, 28, 9)
    rest = resumed(plan, state, on=True, now=now)
    back = min(m.start_ms for m in rest.leg(BACK))
    assert rest.back_window is not None and rest.back_window.fits and rest.clock(back) == plan.back_window.start
    assert rest.back_window.end == plan.back_window.end
    assert rest.window is not None and rest.window.fits and rest.window.start == now
    home = resumed(plan, state, on=False, now=now)
    assert home.back_window is None and min(m.start_ms for m in home.moves) == 0


def test_nothing_is_left_to_do() -> None:
    plan = planned(come_back=False)
    done = carried_out(BASE, plan.moves)
    assert resumed(plan, done, on=True).moves == () and resumed(plan, BASE, on=False).moves == ()
    assert reached(resumed(plan, done, on=True)) == 0


def test_where_the_places_do_not_tell_the_leg_that_is_said() -> None:
    plan = planned()
    moves = {m.lpar: m for m in plan.leg(OUT)}
    either = carried_out(BASE, [moves["a1"]])
    assert told(resumed(plan, either, on=True), "leg") == ["plan"] and told(resumed(plan, either, on=False), "leg") == []
    assert told(resumed(plan, carried_out(BASE, plan.leg(OUT)), on=True), "leg") == []


@pytest.mark.parametrize(("now", "start", "end"), [
    ("2026-12-05 23:40", "2026-12-05 23:40", "2026-12-06 04:00"),
    ("2026-12-05 12:00", "2026-12-05 22:00", "2026-12-06 04:00"), ("2026-12-06 05:00", "", "")])
def test_the_rest_of_the_window_counts(now: str, start: str, end: str) -> None:
    rest = resumed(planned(), BASE, on=True, now=dt.datetime.fromisoformat(now))
    assert (start, end) == ("", "") if rest.window is None else (
        f"{rest.window.start:%Y-%m-%d %H:%M}", f"{rest.window.end:%Y-%m-%d %H:%M}") == (start, end)
    assert ("timing.past" in {f.rule for f in rest.findings}) is (rest.window is None)


def test_a_window_of_its_own_comes_first_and_a_clock_without_one_is_refused() -> None:
    later = jobs.window_from("2026-12-12 22:00/23:00")
    rest = resumed(planned(), BASE, on=True, options=replace(OPTIONS, window=later))
    assert rest.window is not None and rest.window.start == later.start
    unclocked = jobs.evacuate(Loaded(BASE), Evacuate(servers=("A",)), OPTIONS)
    with pytest.raises(UsageError, match="--now"):
        resumed(unclocked, BASE, on=True, now=dt.datetime(2026, 12, 5, 23))


def test_another_estate_and_a_plan_that_is_none_are_refused() -> None:
    with pytest.raises(InputError, match="is another than the plan was made for"):
        resumed(planned(), estate([server("X"), server("Y")], [lpar("x1", "X")]), on=True)
    with pytest.raises(InputError, match=r"no server '[BC]'"):
        keep = {"A", *({"B", "C"} - {m.target for m in planned().moves})}
        resumed(planned(), estate([server(s) for s in sorted(keep)], [
            lpar("a1", "A"), lpar("a2", "A")]), on=True)
    none = jobs.evacuate(Loaded(stating(BASE, policy("fence", "*", "A"))), Evacuate(servers=("A",)), OPTIONS)
    with pytest.raises(InputError, match="nothing to go on with"):
        resumed(none, BASE, on=True)


def test_the_same_from_here_is_the_same_text() -> None:
    plan, state = planned(), half_way(planned(), 1)
    texts: Mapping[str, None] = dict.fromkeys(dump(resume(Loaded(state), plan, OPTIONS, on=True)) for _ in range(2))
    assert len(texts) == 1
