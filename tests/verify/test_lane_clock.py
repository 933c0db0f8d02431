"""The clock of lanes: what verify works out from the starts and ends that a plan states is what flying them all gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from estates import BASE, estate, loaded, lpar, server, vioses
from landscape import landscape
from portion import WHOLE, portion
from timings import broken_at_some_time, in_lanes, loosened, timed

from planner.estate.model import Estate, Parameter
from planner.findings import errors
from planner.jobs import Options, evacuate
from planner.plan.plan import Move, Plan, Wait
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.schedule.lanes import Pacing
from planner.verify import verify_plan
from planner.verify.clock import Traffic


def crowded() -> Estate:
    """Eight LPARs of all sizes leave A over one pair of movers a server, most of them for B."""
    lpars = [lpar(f"a{n}", "A", 0.5, 2 + 3 * n, busy_units=(0, 30, 60, 100)[n % 4], working_set_mib=(None, 1024)[n % 2])
             for n in range(8)]
    movers = [replace(v, msp=v.name.endswith("1")) for s in "ABC" for v in vioses(s)]
    return estate([server("A"), server("B"), server("C", 4, 48)], [*lpars, lpar("b1", "B")], vioses=tuple(movers))


FREED = "SN8379A80_p595-2"
OVERHEAD = Parameter("overhead_s", 45.0)
ESTATES: dict[str, Callable[[], tuple[Estate, str]]] = {
    "base": lambda: (BASE, "A"), "crowded": lambda: (crowded(), "A"),
    "landscape": lambda: (landscape(), FREED),
    "shares held while copying": lambda: (landscape().replace(parameters=(OVERHEAD, Parameter("share_in_overhead", 0.0))), FREED),
    "gaps": lambda: (landscape().replace(parameters=(OVERHEAD, Parameter("wave_gap_s", 90.0))), FREED)}


@cache
def made(name: str) -> tuple[Plan, Estate]:
    """A plan in lanes, loosened, with a way back."""
    of, freed = ESTATES[name]()
    plan = evacuate(loaded(of), Evacuate(servers=(freed,), come_back=True), Options(work_s=600, time_limit=20, pacing=Pacing(waves=True)))
    site = Site(of, goal=plan.goal)
    return loosened(in_lanes(plan, site), site, Judge(site)), of


@pytest.mark.parametrize("name", ESTATES)
def test_a_plan_in_lanes_is_verified_with_its_times(name: str) -> None:
    plan, of = made(name)
    assert plan.in_lanes and not errors(verify_plan(plan, of).findings)


@pytest.mark.parametrize("name", ["base", "landscape"])
def test_no_timing_that_the_waits_allow_breaks_a_rule_and_without_a_wait_some_does(name: str) -> None:
    plan, of = made(name)
    site = Site(of, goal=plan.goal)
    judge = Judge(site)
    assert broken_at_some_time(plan, site, judge, portion(200)) == []
    waiting = [(m, w) for m in plan.moves for w in m.waits]
    for m, wait in waiting[::4 if WHOLE else 12]:
        rest = edited(plan, m.number, waits=tuple(w for w in m.waits if w is not wait))
        assert broken_at_some_time(rest, site, judge, 1000), (m.lpar, wait)


def edited(plan: Plan, at: int, **changes: object) -> Plan:
    return plan.replace(moves=tuple(replace(m, **changes) if m.number == at else m for m in plan.moves))  # type: ignore[arg-type]


EDITS: dict[str, Callable[[Move], dict[str, object]]] = {
    "starts later": lambda m: {"start_ms": m.start_ms + 1000}, "starts earlier": lambda m: {"start_ms": m.start_ms - 1000},
    "takes longer": lambda m: {"duration_ms": m.duration_ms + 1000},
    "takes less": lambda m: {"duration_ms": m.duration_ms - 1000},
    "stands still longer": lambda m: {"suspend_ms": m.suspend_ms + 1000},
    "sends more": lambda m: {"bytes_sent": m.bytes_sent * 101 // 100},
    "another wave": lambda m: {"wave": m.wave + 1}, "another number": lambda m: {"number": m.number + 100},
    "another lane": lambda m: {"lane": m.lane + 100}, "no lane": lambda m: {"lane": 0},
    "a wait more": lambda m: {"waits": (*m.waits, Wait(1 if m.number > 1 else 2, "ended", "timing.share", ""))},
    "waits for itself": lambda m: {"waits": (Wait(m.number, "ended", "", ""),)},
    "waits for nobody": lambda m: {"waits": (Wait(999, "ended", "", ""),)},
    "may not start before": lambda m: {"not_before_ms": m.start_ms + 60_000},
    "may start no more": lambda m: {"latest_ms": max(0, m.start_ms - 1)},
    "over no mover": lambda m: {"source_msp": ""}}


@pytest.mark.parametrize("edit", EDITS)
def test_what_is_changed_is_seen(edit: str) -> None:
    plan, of = made("landscape")
    believed = [m.lpar for m in plan.moves[::4 if WHOLE else 10] if (m.start_ms or edit != "may start no more") and not errors(
        verify_plan(edited(plan, m.number, **EDITS[edit](m)), of).findings)]
    assert believed == []


@pytest.mark.parametrize("edit", ["takes longer", "takes less", "stands still longer", "sends more"])
def test_what_is_changed_is_seen_where_a_move_uses_all_the_movers_that_there_are(edit: str) -> None:
    movers = (*vioses("A")[:1], *vioses("B")[:1])
    of = estate([server("A"), server("B")], [lpar("a1", "A")], vioses=movers)
    of = of.replace(**{kind: tuple(r for r in getattr(of, kind) if r.vios.endswith("1")) for kind in ("bridges", "disks", "zonings")})
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options(20))
    assert [{m.source_msp, m.target_msp} for m in plan.moves] == [{"A-v1", "B-v1"}] and verify_plan(plan, of).holds
    assert errors(verify_plan(edited(plan, plan.moves[0].number, **EDITS[edit](plan.moves[0])), of).findings)


def test_a_wait_that_is_dropped_or_that_nothing_needs_is_seen() -> None:
    plan, of = made("landscape")
    waiting = [(m, w) for m in plan.moves for w in m.waits]
    assert len(waiting) > 10
    for m, wait in waiting[::2 if WHOLE else 8]:
        rest = tuple(w for w in m.waits if w is not wait)
        assert errors(verify_plan(timed(edited(plan, m.number, waits=rest), Site(of)), of).findings)
        assert errors(verify_plan(edited(plan, m.number, waits=rest), of).findings)
        turned = replace(wait, until="ended" if wait.until == "arrived" else "arrived")
        found = errors(verify_plan(edited(plan, m.number, waits=(*rest, turned)), of).findings)
        assert [f.message.partition(":")[0] for f in found] == [f"whether move {wait.move} must have arrived"]
        other = replace(wait, rule="timing.mover-limit")
        found = errors(verify_plan(edited(plan, m.number, waits=(*rest, other)), of).findings)
        assert [f.subject for f in found] == [m.lpar] and "because of timing.mover-limit" in found[0].message


def test_a_wait_that_lane_or_other_waits_imply_is_seen() -> None:
    """For the move before it in its lane, for one before that, and for what another move waits for, for which it waits."""
    plan, of = made("landscape")
    moves, tried = plan.numbered(), set()
    for _, chain in plan.lanes("out"):
        for n, m in enumerate(chain):
            before = {a.number: "lane" for a in chain[max(0, n - 2):n]} | {
                w.move: "waits" for one in m.waits for w in moves[one.move].waits}
            for number, why in sorted(before.items()):
                if number in {w.move for w in m.waits} or why in tried:
                    continue
                tried.add(why)
                found = errors(verify_plan(edited(plan, m.number, waits=(*m.waits, Wait(number, "ended", "", ""))), of).findings)
                assert any(f"has to be told to wait for move {number}" in f.message for f in found), (m.number, number, why)
    assert tried == {"lane", "waits"}


@pytest.mark.parametrize(("least", "holds"), [(0.0, True), (1500.0, True), (-1.0, False), (10**6, False)])
def test_no_way_is_shorter_than_it_is_said_to_be_at_least(least: float, holds: bool) -> None:
    plan, of = made("landscape")
    for leg in ("out", "back"):
        found = errors(verify_plan(plan.replace(at_least_s={**plan.at_least_s, leg: least}), of).findings)
        assert [f.rule for f in found] == ([] if holds else ["plan.bound"])
    assert errors(verify_plan(plan.replace(at_least_s={}), of).findings)


def test_at_a_constant_share_a_move_costs_what_the_model_says() -> None:
    of = crowded()
    site = Site(of)
    moves = [Move(f"a{n}", "A", "B", start_ms=0, duration_ms=10**7, source_msp="A-v1", target_msp="B-v1") for n in range(3)]
    for m in moves:
        course, cost = Traffic(moves, site).course(m), site.copy(m.lpar, site.pair_rate("A-v1", "B-v1", 3, 3))
        assert (course.duration_s * 1000, course.suspend_s * 1000, course.sent) == pytest.approx(
            (cost.duration_ms, cost.suspend_ms, cost.bytes_sent), abs=1.001)


def test_moves_of_a_wave_are_priced_at_the_share_that_they_have_in_it() -> None:
    of = landscape()
    plan = evacuate(loaded(of), Evacuate(servers=(FREED,)), Options(time_limit=20))
    quick = [replace(m, duration_ms=Site(of).solo(m.lpar, m.source, m.target).duration_ms) for m in plan.moves]
    assert {f.rule for f in errors(verify_plan(plan.replace(moves=tuple(quick)), of).findings)} == {"plan.figures"}
