"""Going on with a plan by the record of its evening: from an estate of before, of meanwhile, or of later."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, changed
from evening import record, written
from resume import carried_out, looked_at, places, states, wrong

from planner import jobs
from planner.errors import InputError, UsageError
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.jobs.going_on import resume
from planner.jobs.recorded import Recorded, recorded
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, dump, parse
from planner.plan.questions import Evacuate
from planner.verify import verify_plan

OPTIONS = jobs.Options(20, work_s=600)
DONE = ("started", "arrived")


@cache
def planned(*, waves: bool = False) -> Plan:
    """A freed and filled again, read back from its file."""
    options = replace(OPTIONS, window=jobs.window_from("2026-12-05 22:00/04:00"))
    options = replace(options, pacing=replace(options.pacing, waves=waves))
    return parse(dump(jobs.evacuate(Loaded(BASE), Evacuate(servers=("A",), come_back=True), options)), "plan.json")


def number(plan: Plan, lpar: str, leg: str = OUT) -> int:
    return next(n for n, m in plan.numbered().items() if (m.lpar, m.leg) == (lpar, leg))


def told(tmp_path: Path, plan: Plan, done: Mapping[int, Sequence[str]], of: Estate = BASE, work: Sequence[str] = ()
         ) -> Recorded:
    return recorded(written(tmp_path / "night.json", record(plan, done, work)), plan, Loaded(of))


def resumed(plan: Plan, found: Recorded, *, on: bool) -> Plan:
    rest = resume(found.loaded, plan, OPTIONS, on=on, record=found)
    assert rest.verified and verify_plan(rest, found.loaded.estate).holds
    return rest


def said(plan: Plan, rule: str) -> list[str]:
    return [f.subject for f in plan.findings if f.rule == f"resume.{rule}"]


def stood(estate: Estate) -> dict[str, str]:
    return {p.name: p.server for p in estate.lpars}


@pytest.mark.parametrize("waves", [False, True])
def test_from_every_state_the_record_over_the_estate_of_before_is_the_estate_of_now(tmp_path: Path, waves: bool) -> None:
    plan = planned(waves=waves)
    numbers = {(m.lpar, m.leg): n for n, m in plan.numbered().items()}
    assert plan.in_lanes is not waves
    every: list[tuple[str, tuple[Move, ...]]] = list(states(plan))
    assert len(every) > 6
    for _, done in every:
        found = told(tmp_path, plan, {numbers[m.lpar, m.leg]: DONE for m in done})
        assert found.loaded.estate == carried_out(BASE, done)
        rest = resumed(plan, found, on=False)
        assert not wrong(rest, found.loaded.estate, places(BASE))


def test_the_record_tells_the_way_back_from_the_way_out(tmp_path: Path) -> None:
    """Where only a2 is away, places tell neither whether a1 is home again nor whether it has never left."""
    plan = planned()
    found = told(tmp_path, plan, {number(plan, "a2"): DONE})
    assert {(m.lpar, m.leg) for m in resumed(plan, found, on=True).moves} == {("a1", OUT), ("a1", BACK), ("a2", BACK)}
    every = {number(plan, n): DONE for n in ("a1", "a2")} | {number(plan, "a1", BACK): DONE}
    rest = resumed(plan, told(tmp_path, plan, every), on=True)
    assert [(m.lpar, m.leg) for m in rest.moves] == [("a2", BACK)] and rest.work_s == 0 and not said(rest, "leg")


@pytest.mark.parametrize("events", [("started",), ("started", "failed"), ("started", "failed", "stopped")])
def test_who_is_under_way_or_failed_is_left_alone_and_recovered_first(tmp_path: Path, events: Sequence[str]) -> None:
    plan = planned()
    found = told(tmp_path, plan, {number(plan, "a1"): events})
    rest = resume(found.loaded, plan, OPTIONS, on=True, record=found)
    move = plan.numbered()[number(plan, "a1")]
    assert said(rest, "hung") == ["a1"] and rest.goal.stuck == {"a1": "A"} and "a1" not in {m.lpar for m in rest.moves}
    assert found.under_way == {"a1": move} and f"from A to {move.target}" in str(rest.findings)


def test_who_was_recovered_moves_again(tmp_path: Path) -> None:
    plan = planned()
    hung = changed(BASE, "a1", state="migrating - running")
    found = told(tmp_path, plan, {number(plan, "a1"): ("started", "failed", "stopped", "recovered")}, hung)
    assert found.loaded.estate == BASE
    assert {m.lpar for m in resumed(plan, found, on=True).leg(OUT)} == {"a1", "a2"}


def test_a_migration_that_the_record_has_as_over_leaves_no_second_listing(tmp_path: Path) -> None:
    plan = planned()
    a1 = next(p for p in BASE.lpars if p.name == "a1")
    target = plan.numbered()[number(plan, "a1")].target
    both = changed(BASE, "a1", state="migrating - running").replace(lpars=(
        *(replace(p, state="migrating - running") if p is a1 else p for p in BASE.lpars),
        replace(a1, name=f"a1@{target}", server=target, state="migrating - not activated")))
    found = told(tmp_path, plan, {number(plan, "a1"): DONE}, both)
    assert found.loaded.estate == carried_out(BASE, [plan.numbered()[number(plan, "a1")]])


def test_an_estate_that_is_newer_counts_and_is_told(tmp_path: Path) -> None:
    plan = planned()
    now = carried_out(BASE, [m for m in plan.leg(OUT) if m.lpar == "a1"])
    found = told(tmp_path, plan, {number(plan, "a1"): ("started",)}, now)
    assert found.loaded.estate == now and not found.under_way
    rest = resumed(plan, found, on=True)
    assert said(rest, "newer") == ["a1"] and {m.lpar for m in rest.leg(OUT)} == {"a2"}


def test_one_that_stands_where_the_plan_has_it_at_no_time_is_told(tmp_path: Path) -> None:
    plan = planned()
    target = plan.numbered()[number(plan, "a1")].target
    now = BASE.moved({"a1": "B" if target == "C" else "C"})
    found = told(tmp_path, plan, {number(plan, "a1"): DONE}, now)
    assert stood(found.loaded.estate) == stood(now) and [f.rule for f in found.findings] == ["resume.newer"]


@pytest.mark.parametrize(("work", "now", "left"), [
    ((), "23:00", 600), (("started",), "22:04", 360), (("started",), "23:59", 0), (("started", "over"), "22:03", 0)])
def test_the_work_that_is_left(tmp_path: Path, work: Sequence[str], now: str, left: int) -> None:
    plan = planned()
    found = told(tmp_path, plan, {}, work=work)
    assert found.work_left_s(600, dt.datetime.fromisoformat(f"2026-12-05 {now}")) == left


def test_once_the_way_back_has_begun_no_work_is_left(tmp_path: Path) -> None:
    plan = planned()
    done: dict[int, Sequence[str]] = dict.fromkeys((number(plan, "a1"), number(plan, "a2")), DONE)
    found = told(tmp_path, plan, done | {number(plan, "a1", BACK): ("started",)}, work=("started",))
    assert found.work_left_s(600, None) == 0


def test_records_of_other_plans_unknown_moves_and_moves_out_of_turn_are_refused(tmp_path: Path) -> None:
    plan = planned()
    out, back = number(plan, "a1"), number(plan, "a1", BACK)

    def refused(**changes: Any) -> str:
        document = record(plan, {out: DONE, back: ("started",)}) | changes
        with pytest.raises(InputError) as caught:
            recorded(written(tmp_path / "night.json", document), plan, Loaded(BASE))
        return str(caught.value)

    rows = record(plan, {out: DONE, back: DONE})["moves"]
    assert "of another plan" in refused(plan_sha256="ab" * 32) and "night.json[plan_sha256]" in refused(plan_sha256="ab" * 32)
    assert f"move {back} (a1) is arrived, and its move {out} before that is not begun" in refused(moves=rows[1:])
    strange = refused(moves=[rows[0] | {"number": 99}, rows[1] | {"target": "B2"}])
    assert "the plan has no such move" in strange and "night.json[moves[1]]" in strange and "to B2" in strange


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for text in ("", "{}", json.dumps({"moves": []}), "moves"):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"no record of an evening"):
            recorded(path, planned(), Loaded(BASE))
    with pytest.raises(InputError, match="no such file"):
        recorded(tmp_path / "none", planned(), Loaded(BASE))


def test_the_rest_by_a_record_is_resumed_again(tmp_path: Path) -> None:
    """looked_at carries each rest out to its middle and resumes it."""
    plan = planned()
    found = told(tmp_path, plan, {number(plan, "a1"): DONE})
    for asked, why in looked_at(plan, found.loaded.estate, BASE, OPTIONS):
        assert not why, asked
