"""Inactive migrations: LPARs that are not activated go along when a server is freed of everything."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, changed, estate, exactly, judged, loaded, lpar, policy, server, stating
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from typer.testing import CliRunner

from planner.cli import app
from planner.estate import saved
from planner.estate.model import Estate, Fibre, Parameter, Port
from planner.findings import Finding, Severity
from planner.jobs import Options, evacuate, homes_of, window_from
from planner.optimise.evacuate import EvacuationProblem
from planner.plan.choices import BACK, OUT, Status
from planner.plan.plan import Move, Plan, dump, parse, seal_of
from planner.plan.questions import Evacuate
from planner.report.runbook import runbook
from planner.report.workbook import plan_workbook
from planner.rules import Judge, Site
from planner.verify import verify_plan
from tests import papers

sys.path.append(str(Path(__file__).parents[1] / "optimise"))
from test_oracle import brute, estates

NIGHT = window_from("2026-12-05 22:00/04:00")


def off(of: Estate, *names: str, **more: Any) -> Estate:
    for name in names:
        of = changed(of, name, **({"state": "not activated", "rmc_active": None, "never_activated": False} | more))
    return of


ONE_OFF = off(BASE, "a2")


def freed(of: Estate, *, inactive: bool = True, window: Any = None, **asked: Any) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=("A",), inactive=inactive, **asked), Options(window=window))


def told(plan: Plan, rule: str) -> list[tuple[Severity, str]]:
    return [(f.severity, f.subject) for f in plan.findings if f.rule == rule]


def test_it_goes_along_without_mover_copy_or_room_and_comes_home() -> None:
    full = replace(exactly(server("B"), [p for p in BASE.lpars if p.server == "B"]), name="B")
    of = ONE_OFF.replace(servers=(BASE.servers[0], full))
    of = of.replace(lpars=tuple(p for p in of.lpars if p.name not in ("a1", "c1")),
                    vioses=tuple(v for v in of.vioses if v.server != "C"),
                    disks=tuple(d for d in of.disks if d.lpar not in ("a1", "c1")),
                    networks=tuple(n for n in of.networks if n.lpar not in ("a1", "c1")),
                    bridges=tuple(b for b in of.bridges if b.vios[0] != "C"),
                    zonings=tuple(z for z in of.zonings if z.vios[0] != "C"))
    plan = freed(of, come_back=True)
    assert plan.status is Status.OPTIMAL and plan.objective == 60
    assert [(m.lpar, m.target, m.leg, m.inactive, m.duration_ms, m.suspend_ms, m.bytes_sent, m.source_msp, m.target_msp)
            for m in plan.moves] == [("a2", "B", OUT, True, 60_000, 0, 0, "", ""),
                                     ("a2", "A", BACK, True, 60_000, 0, 0, "", "")]
    assert {s.server: (s.units, s.memory_mib) for s in plan.after} == {
        s.server: (s.units, s.memory_mib) for s in plan.before}
    assert told(plan, "inactive.room") == [(Severity.WARNING, "a2")]
    assert verify_plan(plan, of).holds


def test_without_being_asked_it_stays_and_every_report_says_that_the_server_is_not_empty() -> None:
    plan = freed(ONE_OFF, inactive=False)
    assert [m.lpar for m in plan.moves] == ["a1"]
    why = {n: why for n, _, why in plan.stays}["a2"]
    assert "the server is not empty; an inactive migration (--inactive): ready (B, C)" in why
    assert "its profile stays" in runbook(plan, ONE_OFF) and b"its profile stays" in dump(plan).encode()
    blind = ONE_OFF.replace(
        bridges=tuple(b if b.vios.startswith("A") else replace(b, vlan=11) for b in ONE_OFF.bridges))
    assert "VLAN 10 (ETHERNET0) is not bridged on" in str(evacuate(
        loaded(blind), Evacuate(servers=("A",), leave=("a1",)), Options()).stays)


def test_findings_of_nobody_are_none_of_a_move_without_movers() -> None:
    """An empty name of a mover once drew in every finding that has no subject."""
    known = loaded(ONE_OFF)
    known = replace(known, findings=(*known.findings, Finding("input.note", Severity.INFO, "", "of nobody", "")))
    plan = evacuate(known, Evacuate(servers=("A",), inactive=True), Options())
    assert not told(plan, "input.note")


def test_a_server_that_takes_only_what_is_off_needs_no_mover() -> None:
    of = off(BASE, "a1", "a2")
    for name in ("A-v1", "A-v2"):
        of = changed(of, name, msp=False)
    assert {m.lpar for m in freed(of).moves if m.inactive} == {"a1", "a2"}
    assert freed(changed(of, "a1", state="running", rmc_active=True)).status is Status.INFEASIBLE


@pytest.mark.parametrize(("change", "rule"), [
    ({"state": "migrating - not activated"}, "partition.running"),
    ({"never_activated": True}, "partition.activated-once"),
    ({"memory_mib": 200 * 1024}, "memory.fits"), ({"entitlement_units": 1700, "virtual_processors": 17}, "processor.fits"),
    ({"migration_disabled": True}, "partition.migration-disabled"), ({"current_mode": "POWER9"}, "processor.mode")])
def test_what_binds_an_inactive_migration_makes_it_impossible_and_leave_lifts_it(change: dict[str, Any], rule: str) -> None:
    of = changed(ONE_OFF, "a2", **change)
    plan = freed(of)
    assert plan.status is Status.INFEASIBLE and plan.conflict is not None
    assert rule in plan.conflict.rules and any("--leave a2" in x for x in plan.conflict.lifts)
    left = freed(of, leave=("a2",))
    assert left.verified and [m.lpar for m in left.moves] == ["a1"]


def test_one_that_may_never_have_been_activated_gives_no_plan_and_says_why() -> None:
    of = changed(ONE_OFF, "a2", memory_mib=0)
    plan = freed(of)
    assert not plan.moves and plan.status in (Status.INFEASIBLE, Status.UNKNOWN)
    assert any("it may never have been activated" in f.message for f in plan.findings)
    assert freed(of, leave=("a2",)).verified


@pytest.mark.parametrize("change", [
    {"rmc_active": False}, {"huge_pages": 4}, {"bsr_arrays": 1}, {"physical_adapters": ("U78-P1-C1",)}, {"lhea": True},
    {"sriov_ports": 1}, {"software": ("Oracle RAC 11",)}, {"environment": "production"}])
def test_what_binds_live_moves_alone_does_not_keep_it(change: dict[str, Any]) -> None:
    of = stating(changed(ONE_OFF, "a2", **change), policy("production-stays", "*"))
    plan = freed(of)
    assert plan.verified and {m.lpar for m in plan.moves} == {"a1", "a2"}
    hardware = set(change) & {"huge_pages", "bsr_arrays", "physical_adapters", "lhea", "sriov_ports"}
    assert told(plan, "partition.hardware-left") == [(Severity.WARNING, "a2")] * len(hardware)
    assert freed(changed(of, "a2", state="running")).status is Status.INFEASIBLE


def crowd(count: int, **changes: Any) -> Estate:
    names = [f"x{n}" for n in range(count)]
    return estate([server("A", **changes), server("B")], [
        *(lpar(n, "A", state="not activated", never_activated=False) for n in names), lpar("a1", "A"), lpar("a2", "A")])


def test_inactive_migrations_are_counted_apart_from_live_moves() -> None:
    """Each server takes part in four of its own; live moves fly beside them."""
    plan = freed(crowd(6))
    waves = [Counter(m.inactive for m in moves) for _, moves in plan.waves(OUT)]
    assert [w[True] for w in waves if w[True]] == [4, 2] and sum(w[False] for w in waves) == 2 and waves[0][False]
    one = [replace(m, wave=1, start_ms=0) for m in plan.moves]
    found = {f.rule for f in verify_plan(plan.replace(moves=tuple(one)), crowd(6)).findings}
    assert {"timing.inactive-limit", "plan.crowded"} <= found


def test_a_server_that_states_how_many_takes_so_many() -> None:
    waves = freed(crowd(6, max_inactive_migrations=2)).waves(OUT)
    assert [sum(m.inactive for m in moves) for _, moves in waves] == [2, 2, 2]
    none = freed(crowd(2, max_inactive_migrations=0))
    assert none.conflict and none.conflict.rules == ("server.inactive-migrations",)


def test_whether_it_was_ever_activated_is_no_yes_where_nobody_says_it() -> None:
    of = off(BASE, "a2", never_activated=None)
    assert told(freed(of), "partition.activated-once") == [(Severity.ASSUMPTION, "a2")]
    assert not evacuate(loaded(of), Evacuate(servers=("A",), inactive=True, assume_nothing=True),
                        Options()).verified
    ivm = of.replace(servers=tuple(replace(s, console="ivm-a") for s in of.servers))
    for never in (None, True):
        plan = freed(changed(ivm, "a2", never_activated=never))
        assert plan.verified and not told(plan, "partition.activated-once")


def test_the_time_is_the_estates_own_where_it_states_one_and_said_to_be_assumed_else() -> None:
    assert any("not known: 60 s assumed (parameter inactive_s)" in a for a in freed(ONE_OFF).assumptions)
    of = ONE_OFF.replace(parameters=(Parameter("inactive_s", 100.5),))
    plan = freed(of)
    assert {m.duration_ms for m in plan.moves if m.inactive} == {100_500}
    assert any("stated in the estate: 100.5 s" in a for a in plan.assumptions) and verify_plan(plan, of).holds


def test_its_virtual_ports_are_counted_on_both_sides() -> None:
    """Two adapters that want one free port, the way home included."""
    def npiv(free: int) -> Estate:
        of = off(BASE, "a1", "a2")
        return of.replace(
            disks=(), zonings=(), fibres=tuple(Fibre(n, 40, "A-v1", f"c0{n}0", f"c0{n}1", "f1", None) for n in ("a1", "a2")),
            servers=of.servers[:2], lpars=tuple(p for p in of.lpars if p.server != "C"),
            vioses=of.vioses[:4], bridges=of.bridges[:4], networks=tuple(n for n in of.networks if n.lpar != "c1"),
            ports=(Port("A-v1", "fcs0", "f1", 0), Port("B-v1", "fcs0", "f1", free)))
    assert freed(npiv(1)).status is Status.INFEASIBLE
    plan = freed(npiv(2), come_back=True)
    assert plan.verified and len(plan.moves) == 4 and {m.fibres for m in plan.leg(OUT)} == {((40, "B-v1", "fcs0"),)}
    assert not verify_plan(plan, changed_ports(npiv(2), 1)).holds


def changed_ports(of: Estate, free: int) -> Estate:
    return of.replace(ports=tuple(replace(p, free_ports=free) if p.vios == "B-v1" else p for p in of.ports))


def test_a_plan_goes_on_from_an_estate_half_way() -> None:
    plan = freed(ONE_OFF)
    half = ONE_OFF.moved({m.lpar: m.target for m in plan.leg(OUT) if m.inactive})
    found = verify_plan(plan, half)
    assert found.holds and any("1 of 2 moves are already done" in f.message for f in found.findings)
    awake = changed(ONE_OFF, "a2", state="running", rmc_active=True)
    assert "plan.inactive" in {f.rule for f in verify_plan(plan, awake, another_estate=True).findings if f.severity is Severity.ERROR}


def test_a_plan_made_half_way_brings_home_what_is_off_as_well() -> None:
    first = freed(ONE_OFF)
    half = ONE_OFF.moved({m.lpar: m.target for m in first.moves if m.inactive})
    plan = freed(half, come_back=True, homes=homes_of(first, half))
    assert {(m.lpar, m.leg, m.inactive) for m in plan.moves} == {
        ("a1", OUT, False), ("a1", BACK, False), ("a2", BACK, True)}
    assert verify_plan(plan, half).holds


def test_the_runbook_and_the_workbook_have_it() -> None:
    text = runbook(plan := freed(ONE_OFF, come_back=True), ONE_OFF)
    line = next(x for x in papers.typed(text) if x.startswith("migrlpar -o m -m A") and "-p a2" in x)
    assert "msp" not in line and "virtual_scsi_mappings=" in line
    assert "`Not Activated`" in text and "No client LPAR is defined on A any more" in text
    assert "; inactive |" in text and len(plan_workbook(plan, ONE_OFF)) > 1000
    twin = ONE_OFF.replace(lpars=tuple(replace(p, name="a9@A") if p.name == "a2" else p for p in ONE_OFF.lpars),
                           disks=tuple(replace(d, lpar="a9@A") if d.lpar == "a2" else d for d in ONE_OFF.disks),
                           networks=tuple(replace(n, lpar="a9@A") if n.lpar == "a2" else n for n in ONE_OFF.networks))
    text = runbook(freed(twin), twin)
    assert "-p a9 " in text and "lpar_names=a9" in text and "-p a9@A" not in text


def test_check_answers_for_what_is_off(tmp_path: Path) -> None:
    of = off(ONE_OFF, "b2", migration_disabled=True)
    file = tmp_path / "estate.json"
    file.write_text(saved.dump(loaded(of)))
    ran = CliRunner().invoke(app, ["check", str(file), "--json"])
    rows = {r["lpar"]: r for r in json.loads(ran.stdout)["lpars"]}
    assert (rows["a2"]["answer"], rows["a2"]["migration"], rows["a2"]["targets"]) == ("ready", "inactive", ["B", "C"])
    assert (rows["b2"]["answer"], rows["a1"]["migration"], ran.exit_code) == ("not ready", "live", 0)
    assert "inactive migration" in CliRunner().invoke(app, ["check", str(file)]).stdout
    done = CliRunner().invoke(app, ["evacuate", str(file), "A", "--inactive", "--out", str(tmp_path / "plan"), "--json"])
    assert done.exit_code == 0 and [m["lpar"] for m in json.loads(done.stdout)["moves"] if m.get("inactive")] == ["a2"]
    assert CliRunner().invoke(app, ["verify", str(tmp_path / "plan"), str(file)]).exit_code == 0


# ---- property: random estates with LPARs that are off ---------------------------------------------------------------


@st.composite
def sleepy(draw: Any) -> Estate:
    """A small estate of which some LPARs, and one of A, are not activated."""
    of = draw(estates())
    names = draw(st.lists(st.sampled_from([p.name for p in of.lpars]), max_size=3))
    return off(of, "p1" if draw(st.booleans()) else names[0] if names else "p1", *names)


def edits(move: Move) -> list[Move]:
    """The move changed where it may not be."""
    return [replace(move, inactive=False), replace(move, source_msp=f"{move.source}-v1", target_msp=f"{move.target}-v1"),
            replace(move, duration_ms=move.duration_ms // 2), replace(move, bytes_sent=1), replace(move, suspend_ms=1),
            replace(move, target_id=None), replace(move, target="nowhere"), replace(move, source=move.target),
            *(replace(move, disks=()) for _ in move.disks[:1])]


def test_random_estates_with_lpars_that_are_off_get_plans_that_hold_and_edited_ones_do_not() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(40))
    @given(sleepy(), st.booleans(), st.booleans(), st.integers(0, 8))
    def planned(of: Estate, come_back: bool, by_night: bool, which: int) -> None:
        plan = freed(of, come_back=come_back, window=NIGHT if by_night else None)
        seen[plan.status] += 1
        if not plan.verified:
            return
        again = parse(dump(plan), "plan.json")
        played = verify_plan(again, of)
        assert played.holds, [str(f) for f in played.findings]
        assert all(m.inactive is not judged(of)[0].lpars[m.lpar].active for m in plan.moves)
        assert not {p.name for p in of.lpars if p.server == "A"} - {m.lpar for m in plan.moves}
        for n, m in enumerate(plan.moves):
            seen["inactive"] += m.inactive
            if m.inactive:
                edited = edits(m)[which % len(edits(m))]
                moves = (*plan.moves[:n], edited, *plan.moves[n + 1:])
                assert not verify_plan(plan.replace(moves=moves), of).holds, edited
    planned()
    assert seen[Status.OPTIMAL] > portion(10) and seen["inactive"] > portion(10), seen


def test_the_programs_agree_with_brute_force_where_some_are_off() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(40))
    @given(sleepy(), st.booleans())
    def agree(of: Estate, come_back: bool) -> None:
        goal = Evacuate(servers=("A",), inactive=True)
        site = Site(of, goal=goal)
        judge = Judge(site)
        wanted = brute(site, judge, goal, come_back)
        found = EvacuationProblem(site, judge, goal.replace(come_back=come_back)).solve(20, 0.0)
        assert found.objective_ms == wanted and (wanted is None) is (found.status is Status.INFEASIBLE)
        seen[found.status] += 1
        seen["off"] += sum(not site.lpars[n].active for n in found.placement)
    agree()
    assert min(seen[Status.OPTIMAL], seen["off"], seen[Status.INFEASIBLE]) > portion(5), seen


@cache
def sealed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(dump(freed(ONE_OFF)))
    return document


@pytest.mark.parametrize(("name", "value"), [("inactive", False), ("source_msp", "A-v1"), ("duration_s", 59.0),
                                             ("bytes", 5), ("suspend_s", 0.5), ("target", "A")])
def test_an_edited_inactive_move_is_refused_even_when_sealed_anew(name: str, value: Any) -> None:
    document = json.loads(json.dumps(sealed()))
    next(m for m in document["moves"] if m.get("inactive"))[name] = value
    plan = parse(json.dumps(document | {"plan_sha256": seal_of(document)}), "plan.json")
    assert plan.altered or not verify_plan(plan, ONE_OFF).holds
