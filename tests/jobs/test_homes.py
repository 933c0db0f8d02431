"""Home is a fact: a plan made half-way brings everybody home; soft pins yield and come home; who takes nobody in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, changed, loaded, policy, stating
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner import jobs, verify_plan
from planner.cli.options import homes_from
from planner.errors import UsageError
from planner.estate.model import Estate
from planner.plan.plan import Move, Plan, dump, parse
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.report.text import headline

HALF_WAY = BASE.moved({"a1": "B"})
"""a1 has arrived on B; its home is A."""


def evacuated(estate: Estate, *servers: str, **more: Any) -> Plan:
    goal = Evacuate(servers=servers or ("A",), **({"come_back": True} | more))
    plan = jobs.evacuate(loaded(estate), goal, jobs.Options())
    assert not plan.verified or verify_plan(plan, estate).holds
    return plan


def ends(plan: Plan, estate: Estate) -> dict[str, str]:
    order = sorted(plan.moves, key=lambda m: m.start_ms)
    return {p.name: p.server for p in estate.lpars} | {m.lpar: m.target for m in order}


def told(plan: Plan, rule: str) -> list[str]:
    return [f.subject for f in plan.findings if f.rule == rule]


@pytest.mark.parametrize("given_by", ["column", "plan", "soft pin"])
def test_a_plan_made_half_way_brings_everybody_home(given_by: str) -> None:
    estate, homes = HALF_WAY, {}
    if given_by == "column":
        estate = changed(HALF_WAY, "a1", home="A")
    elif given_by == "plan":
        homes = jobs.homes_of(evacuated(BASE), HALF_WAY)
    else:
        estate = stating(HALF_WAY, policy("soft-pin", "a1", "A"))
    plan = evacuated(estate, homes=homes)
    assert plan.goal.homes == {"a1": "A"}
    assert {n: s for n, s in ends(plan, estate).items() if n in ("a1", "a2")} == {"a1": "A", "a2": "A"}
    assert parse(dump(plan), "plan.json").goal == plan.goal


def test_without_a_home_it_stays_where_it_is_and_without_a_way_back_that_is_told() -> None:
    assert ends(evacuated(HALF_WAY), HALF_WAY)["a1"] == "B"
    estate = changed(HALF_WAY, "a1", home="A")
    assert told(evacuated(estate, come_back=False), "estate.away") == ["a1"]
    assert told(evacuated(estate), "estate.away") == []
    assert [f.subject for f in loaded(estate).findings if f.rule == "estate.away"] == ["a1"]


def test_only_the_way_home_is_left_to_plan() -> None:
    estate = changed(BASE.moved({"a1": "B", "a2": "C"}), "a1", home="A")
    estate = changed(estate, "a2", home="A")
    plan = evacuated(estate)
    assert [(m.lpar, m.target, m.leg) for m in plan.moves] == [("a1", "A", "back"), ("a2", "A", "back")]


def test_the_server_where_it_stands_is_freed() -> None:
    estate = changed(HALF_WAY, "a1", home="A")
    plan = evacuated(estate, "B")
    assert ends(plan, estate)["a1"] == "A" and ends(plan, estate)["b1"] == "B"
    assert not [m for m in plan.leg("back") if m.lpar == "a1"] or plan.leg("out")


@pytest.mark.parametrize("reason", ["movers", "room"])
def test_who_cannot_come_home_is_named_and_the_others_come(reason: str) -> None:
    estate = changed(HALF_WAY, "a1", home="A")
    if reason == "movers":
        for name in ("B-v1", "B-v2"):
            estate = changed(estate, name, rmc_active=False)
    else:
        estate = stating(estate, policy("memory-ceiling", "A", "8"))
    plan = evacuated(estate)
    assert plan.verified and told(plan, "plan.home") == ["a1"] and ends(plan, estate)["a2"] == "A"
    assert headline(plan) == "free A and bring everything back but a1"


def test_the_replay_sees_who_was_to_come_home_and_does_not() -> None:
    estate = changed(HALF_WAY, "a1", home="A")
    plan = evacuated(estate)
    without: tuple[Move, ...] = tuple(m for m in plan.moves if m.lpar != "a1")
    wrong = verify_plan(plan.replace(moves=without), estate).findings
    assert ("goal.returned", "a1") in {(f.rule, f.subject) for f in wrong}
    only_back = plan.replace(moves=tuple(m for m in plan.moves if m.lpar == "a1"))
    assert ("goal.reached", "a2") in {(f.rule, f.subject) for f in verify_plan(only_back, estate).findings}


def test_two_that_are_kept_apart_may_both_come_home_where_they_lived_together() -> None:
    estate = stating(changed(HALF_WAY, "a1", home="A"), policy("keep-apart", "x", "a1; a2"))
    plan = evacuated(estate)
    assert plan.verified and ends(plan, estate)["a1"] == ends(plan, estate)["a2"] == "A"


def test_on_the_way_out_as_well_a_home_is_shared_by_those_who_lived_together() -> None:
    """The programs, unlike the rules, let share a server only who stood there at the start: a2 had to make way."""
    estate = stating(changed(HALF_WAY, "a1", home="A"), policy("keep-apart", "x", "a1; a2"), policy("fence", "a1", "A"))
    plan = evacuated(estate, "B")
    assert plan.status == "optimal" and ends(plan, estate)["a1"] == "A" and "a2" not in {m.lpar for m in plan.moves}
    stranger = stating(HALF_WAY, policy("keep-apart", "x", "a1; a2"), policy("fence", "a1", "A"))
    assert evacuated(stranger, "B").status == "infeasible"


def test_homes_that_no_plan_can_mean() -> None:
    strange = changed(BASE, "a1", home="Z")
    assert [f.subject for f in loaded(strange).findings if "home 'Z'" in f.message] == ["a1"]
    assert evacuated(strange).goal.homes == {}
    with pytest.raises(UsageError, match="no LPAR that this plan moves"):
        jobs.homes_of(evacuated(BASE), BASE.replace(lpars=BASE.lpars[2:]))


PASSING = {"headroom": (jobs.headroom, Headroom(server="A", units=1400, memory_mib=0, come_back=True)),
           "headroom where it stands": (jobs.headroom, Headroom(server="B", units=1400, memory_mib=0, come_back=True)),
           "consolidate": (jobs.consolidate, Consolidate(come_back=True, off=("C",), keep=("A", "B"))),
           "consolidate where it stands": (jobs.consolidate, Consolidate(come_back=True, off=("B",), keep=("A", "C")))}
"""Questions with a way back that are not about who stands elsewhere. All servers that may stay on are told to: one that
is left on since it would save too little makes a plan the best of those that leave it on alone."""


@pytest.mark.parametrize("kind", PASSING)
def test_whatever_passes_brings_home_who_was_away_before_as_well(kind: str) -> None:
    """Headroom and a weekend's consolidation brought home only whom they had moved themselves."""
    job, goal = PASSING[kind]
    estate = changed(HALF_WAY, "a1", home="A")
    for asked, site in ((goal, estate), (goal.replace(homes={"a1": "A"}), HALF_WAY)):
        plan = job(loaded(site), asked, jobs.Options())  # type: ignore[operator]
        assert plan.verified and plan.goal.homes == {"a1": "A"} and ends(plan, site)["a1"] == "A"
        assert all(server == BASE.lpars[n].server for n, server in enumerate(ends(plan, site).values()))
        assert verify_plan(plan, site).holds and told(plan, "estate.away") == told(plan, "plan.home") == []
        assert plan.status == "optimal"
        spoilt = plan.replace(moves=tuple(m for m in plan.moves if m.lpar != "a1"))
        assert "a1" in {f.subject for f in verify_plan(spoilt, site).findings if f.severity == "error"}


def test_who_stays_away_from_headroom_and_consolidation_is_named_with_the_reason() -> None:
    estate = changed(changed(HALF_WAY, "a1", home="A"), "a1", environment="production")
    job, goal = PASSING["headroom"]
    plan = job(loaded(estate), goal, jobs.Options())  # type: ignore[operator]
    assert plan.verified and told(plan, "plan.home") == ["a1"] and "but a1" in headline(plan)
    shut = stating(changed(HALF_WAY, "a1", home="A"), policy("memory-ceiling", "A", "8"))
    job, goal = PASSING["consolidate"]
    plan = job(loaded(shut), goal, jobs.Options())  # type: ignore[operator]
    assert plan.verified and told(plan, "plan.home") == ["a1"] and ends(plan, shut)["c1"] == "C"


# ---- soft pins ------------------------------------------------------------------------------------------------------


def test_a_soft_pin_yields_when_its_server_is_freed_and_it_comes_home() -> None:
    estate = stating(BASE, policy("soft-pin", "a1"), policy("keep-apart", "x", "a1; b1"))
    plan = evacuated(estate)
    assert {m.target for m in plan.leg("out") if m.lpar == "a1"} == {"C"} and ends(plan, estate)["a1"] == "A"
    assert told(plan, "policy.soft-pin") == []
    assert told(evacuated(estate, come_back=False), "policy.soft-pin") == ["a1"]


def test_a_soft_pin_yields_to_nothing_else() -> None:
    tight = stating(changed(changed(BASE, "B", configurable_units=350), "C", configurable_units=260),
                    policy("soft-pin", "b1"), policy("soft-pin", "c1"))
    assert all(m.lpar not in ("b1", "c1") for m in evacuated(tight).moves)
    pinned = stating(BASE, policy("soft-pin", "a1; a2; b1; b2; c1"))
    full = jobs.headroom(loaded(pinned), Headroom(server="B", units=1400, memory_mib=0), jobs.Options(), curve=False)
    assert full.status == "infeasible"
    assert jobs.consolidate(loaded(pinned), Consolidate(), jobs.Options()).off == ()


# ---- not a target ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["option", "policy"])
def test_a_server_that_is_not_a_target_takes_nobody_in_but_its_own(by: str) -> None:
    estate = BASE if by == "option" else stating(BASE, policy("not-a-target", "A; B"))
    plan = evacuated(estate, not_targets=("A", "B") if by == "option" else ())
    assert {m.target for m in plan.leg("out")} == {"C"} and ends(plan, estate)["a1"] == "A"
    for goal in (Headroom(server="A", units=1500, memory_mib=0, not_targets=("B",)), Consolidate(not_targets=("B",))):
        job = jobs.headroom if isinstance(goal, Headroom) else jobs.consolidate
        found = job(loaded(BASE), goal, jobs.Options())  # type: ignore[operator]
        assert found.verified and found.moves and all(m.target != "B" for m in found.moves)


def test_the_replay_keeps_servers_that_are_not_targets_by_itself() -> None:
    plan = evacuated(BASE)
    target = plan.leg("out")[0].target
    spoilt = plan.replace(goal=plan.goal.replace(not_targets=(target, "A")))
    rules = {f.rule for f in verify_plan(spoilt, BASE).findings}
    assert {"goal.not-a-target", "policy.not-a-target"} <= rules
    with pytest.raises(UsageError, match="no server"):
        evacuated(BASE, not_targets=("Z",))


def test_the_plan_that_a_new_one_replaces_says_who_is_away(tmp_path: Path) -> None:
    """A plan made half-way in the same directory forgot whom the first had moved; one that could not bring it home
    must not forget it for the next."""
    first = evacuated(BASE)
    taken = BASE.moved({"a1": next(m.target for m in first.leg("out") if m.lpar == "a1")})
    shut = taken.replace(vioses=tuple(
        replace(v, rmc_active=v.server == "A" or v.server not in {p.server for p in taken.lpars if p.name == "a1"}) for v in taken.vioses))
    for plan, estate in ((first, BASE), (first, taken), (evacuated(shut, homes={"a1": "A"}), taken)):
        (tmp_path / "plan.json").write_text(dump(plan))
        homes = homes_from(None, loaded(estate), tmp_path, come_back=True)
        assert homes == ({} if estate is BASE else {"a1": "A"})
    assert plan.goal.away == {"a1": "A"} and told(plan, "plan.home") == ["a1"]
    assert evacuated(taken, homes=homes).notes == ("comes home as an earlier plan had it: a1 to A",)
    assert homes_from(None, loaded(taken), tmp_path, come_back=False) == {}
    assert homes_from(None, loaded(taken), tmp_path / "none", come_back=True) == {}


def test_where_nobody_states_a_home_it_is_said_that_who_left_before_stays_away() -> None:
    """A new plan headed "bring everything back" was silent on whom an earlier one had moved."""
    assert [f.subject for f in evacuated(HALF_WAY).findings if f.rule == "plan.home"] == ["a1, b1, b2, c1"]
    assert told(evacuated(changed(HALF_WAY, "b1", home="B")), "plan.home") == []
    assert headline(evacuated(HALF_WAY)) == "free A and bring everything back"


@given(st.data())
@settings(max_examples=portion(40), deadline=None)
def test_whatever_is_stated_everybody_ends_at_home_or_is_named(data: st.DataObject) -> None:
    """Homes and soft pins by chance, on any state that an earlier plan may have left."""
    names = [p.name for p in BASE.lpars]
    estate = BASE.moved({n: data.draw(st.sampled_from("ABC")) for n in data.draw(st.sets(st.sampled_from(names)))})
    for n in data.draw(st.sets(st.sampled_from(names))):
        estate = changed(estate, n, home=data.draw(st.sampled_from("ABC")))
    for n in sorted(data.draw(st.sets(st.sampled_from(names), max_size=2))):
        estate = stating(estate, policy("soft-pin", n, data.draw(st.sampled_from("ABC"))))
    kind = data.draw(st.sampled_from(["evacuate", *PASSING]))
    job, goal = PASSING.get(kind, (jobs.evacuate, Evacuate(servers=("A",), come_back=True)))
    plan = job(loaded(estate), goal, jobs.Options())  # type: ignore[operator]
    assert plan.verified or kind != "evacuate"
    if not plan.verified:
        return
    assert verify_plan(plan, estate).holds
    pins = {p.subject: p.value for p in estate.policies}
    for p in estate.lpars:
        home = p.home or pins.get(p.name) or p.server
        assert ends(plan, estate)[p.name] == home or p.name in told(plan, "plan.home")
