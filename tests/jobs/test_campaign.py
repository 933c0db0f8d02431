"""Campaigns: every state between two steps is whole, and the order saves windows and moves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from estates import BASE, changed, estate, lpar, policy, server

import planner
from planner import jobs
from planner.errors import InputError
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.jobs.campaign import CampaignResult, campaign, with_levels
from planner.plan.carried_out import carried_out
from planner.plan.choices import Status
from planner.report.campaign_files import campaign_overview
from planner.report.campaign_json import campaign_document
from planner.report.runbook import runbook
from planner.scenarios.campaign_file import Campaign, read_campaign
from planner.verify import verify_plan

NIGHT = {"start": dt.datetime(2026, 12, 5, 22), "end": dt.datetime(2026, 12, 6, 4), "times": 4}
OPTIONS = jobs.Options(20, zone="Europe/Berlin")


def asked(servers: str, windows: Any = (NIGHT,), more: Any = None, **work: Any) -> Campaign:
    return Campaign.model_validate({
        "name": "Levels", "window": windows, "work": [{"server": s, "firmware": "EM350_149", **work} for s in servers],
        **(more or {})})


def answered(of: Estate, question: Campaign) -> CampaignResult:
    return campaign(Loaded(of), question, OPTIONS)


def places(of: Estate) -> dict[str, str]:
    return {p.name: p.server for p in of.lpars}


def holds(result: CampaignResult) -> None:
    """Each step begins in the state in which the one before ends, with its levels, empties its server and fits in as
    many nights as are asked for."""
    state = result.estate
    clock = dt.datetime.min
    for step in result.steps:
        assert step.estate == state and step.start >= clock and step.window in result.windows
        assert step.window.start <= step.start < step.end <= step.window.end - dt.timedelta(minutes=30)
        assert step.plan.verified and verify_plan(step.plan, state).holds
        assert step.in_time >= step.plan.evening.confidence and not step.too_few
        out = carried_out(state, step.plan.leg("out"))
        assert {n for n, s in places(out).items() if s == step.work.server} <= set(step.work.leave)
        state, clock = with_levels(carried_out(state, step.plan.moves), step.work), step.end
    assert state == result.end


def test_all_servers_refilled_one_after_the_other_in_one_window():
    result = answered(BASE, asked("ABC", [NIGHT | {"end": dt.datetime(2026, 12, 6, 8)}]))
    holds(result)
    assert result.exit_code == 0 and places(result.end) == places(BASE) and result.every_order
    assert {s.firmware for s in result.end.servers} == {"EM350_149"}
    assert {s.window.start for s in result.steps} == {NIGHT["start"]}
    assert sum(len(s.plan.moves) for s in result.steps) == 10


def test_the_next_of_a_window_begins_when_the_one_before_is_over_in_most_nights():
    result = answered(BASE, asked("AB", [NIGHT | {"end": dt.datetime(2026, 12, 6, 8)}], {"pause_minutes": 0}))
    holds(result)
    first, second = result.steps
    spread = first.plan.evening.back
    assert dt.timedelta(0) <= first.end - first.window.at(spread.most_ms) < dt.timedelta(minutes=1)
    assert first.end > first.window.at(max(m.end_ms for m in first.plan.moves))
    assert dt.timedelta(0) <= second.start - first.end < dt.timedelta(minutes=5)


def test_a_window_long_enough_as_predicted_but_not_in_most_nights_is_not_taken():
    """The second window has room for the spread, the first for the predicted minutes alone."""
    alone = answered(BASE, asked("A", [NIGHT])).steps[0].plan
    predicted, most = max(m.end_ms for m in alone.moves), alone.evening.back.most_ms
    short = NIGHT | {"times": 1, "end": NIGHT["start"] + dt.timedelta(milliseconds=(predicted + most) // 120_000 * 60_000)}
    night, bare = dt.datetime(2026, 12, 12, 22), {"spare_minutes": 0}
    result = answered(BASE, asked("A", [short, NIGHT | {"start": night, "end": night + dt.timedelta(hours=6), "times": 1}], bare))
    assert [s.start for s in result.steps] == [night] and not campaign_document(result).steps[0].warning
    result = answered(BASE, asked("AB", [short], bare))
    (step,), (line,) = result.steps, campaign_document(result).steps
    assert step.too_few and 0 <= line.in_time < 0.9 and line.spare_s < 0 and len(result.left) == 1
    told = campaign_overview(campaign_document(result))
    assert all(f"in time in {100 * line.in_time:.0f} of 100 nights, 90 are asked for" in told[name].decode()
               for name in ("overview.md", "overview.html"))


def test_who_is_not_brought_back_saves_moves_and_is_named():
    result = answered(BASE, asked("ABC", refill=False))
    holds(result)
    assert sum(len(s.plan.moves) for s in result.steps) < 10
    then = places(result.end)
    assert result.away == {n: (s, then[n]) for n, s in places(BASE).items() if then[n] != s} != {}


def test_the_last_plan_brings_everybody_home():
    result = answered(BASE, asked("ABC", more={"home_at_end": True}, refill=False))
    holds(result)
    assert not result.away and len(result.steps) == 3


def test_the_order_is_that_with_the_fewest_moves():
    """C can only take a1; b's LPARs are many: who empties B first, into A and C, moves them twice."""
    of = estate([server("A", 4, 40), server("B", 4, 40)],
                [lpar("a1", "A", 0.5, 8), *(lpar(f"b{n}", "B", 0.5, 4) for n in range(3))])
    result = answered(of, asked("BA", refill=False))
    holds(result)
    assert [s.work.server for s in result.steps] == ["A", "B"]
    assert sum(len(s.plan.moves) for s in result.steps) == 1 + 4


def test_an_impossible_server_is_named_with_its_conflict_and_the_others_are_done():
    of = BASE.replace(policies=(policy("pin", "a1", "A"),))
    result = answered(of, asked("ABC"))
    holds(result)
    assert result.exit_code == 3 and sorted(s.work.server for s in result.steps) == ["B", "C"]
    assert [(x.work.server, x.plan.status, x.plan.conflict.lpars) for x in result.left] == [
        ("A", Status.INFEASIBLE, ("a1",))]
    assert places(result.end) == places(of)


@pytest.mark.parametrize("windows, done", [
    ([NIGHT | {"times": 1, "end": dt.datetime(2026, 12, 6)}], 1),
    ([NIGHT | {"times": 1, "end": dt.datetime(2026, 12, 5, 22, 30)}], 0)])
def test_windows_that_are_too_few_leave_servers_that_are_named(windows, done):
    result = answered(BASE, asked("ABC", windows))
    holds(result)
    assert len(result.steps) == done and len(result.left) == 3 - done and result.exit_code == 4
    document = campaign_document(result)
    assert all("window" in x.why and x.lifts for x in document.left)


def test_nothing_is_done_in_a_freeze():
    freeze = {"first": dt.date(2026, 12, 1), "last": dt.date(2026, 12, 12)}
    result = answered(BASE, asked("AB", more={"freeze": [freeze]}))
    holds(result)
    assert all(s.start >= dt.datetime(2026, 12, 13) for s in result.steps) and len(result.frozen) == 2


def test_a_level_that_closes_the_way_between_two_servers_is_named_before():
    """IBM's matrix blocks moves from 340 to 770: once A has it nobody of B can flee to A."""
    of = changed(changed(BASE, "B", firmware="EL340_101"), "A", firmware="EM350_085")
    question = asked("A")
    question = question.model_copy(update={"work": (question.work[0].model_copy(update={"firmware": "AM770_032"}),)})
    (step,) = answered(of, question).steps
    assert any(d.after == "firmware AM770_032 on A" and "from B (EL340_101) to A" in d.reason and "b1" in d.lpars
               for d in step.doors)


def test_who_is_activated_elsewhere_and_cannot_come_back_is_named_before():
    """a1 may only go to a POWER7 server, whose own mode a POWER6 server does not have."""
    of = estate([server("A"), server("N", generation="POWER7", model="9117-MMB", firmware="AM720_101")],
                [lpar("a1", "A", os_level="7.1 TL3 SP5")])
    (step,) = answered(of, asked("A")).steps
    assert any(d.after == "re-activation" and d.lpars == ("a1",) and "processor." in d.reason for d in step.doors)


def test_the_overview_is_the_same_each_time_and_its_calendar_keeps_the_width():
    files = [campaign_overview(campaign_document(answered(BASE, asked("AB")))) for _ in range(2)]
    assert files[0] == files[1]
    calendar = files[0]["campaign.ics"].decode()
    assert calendar.count("BEGIN:VEVENT") == 1 and "DTSTART:20261205T210000Z" in calendar
    assert all(len(line.encode()) <= 75 for line in calendar.split("\r\n"))


def test_from_python(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('name = "x"\n[[window]]\nstart = 2026-12-05 22:00:00\nend = 2026-12-06 06:00:00\n')
    result = planner.campaign(BASE, file, every=True, zone="Europe/Berlin")
    holds(result)
    assert len(result.steps) == 3
    with pytest.raises(InputError, match="--all"):
        planner.campaign(BASE, str(file))


def in_place(of: Estate, leave: tuple[str, ...] = ()) -> CampaignResult:
    return answered(of, asked("A", firmware="", vios="3.1.4.21", empty=False, leave=leave))


def test_vioses_one_after_the_other_where_everybody_keeps_a_path():
    result = in_place(BASE)
    (step,) = result.steps
    assert step.plan is None and result.exit_code == 0 and step.end - step.start == dt.timedelta(hours=2)
    assert {(x.vios, x.lpar, x.others) for x in step.lost} == {
        (f"A-v{n}", f"a{m}", (f"A-v{3 - n}",)) for n in (1, 2) for m in (1, 2)}
    assert {x.path for x in step.lost} == {"virtual SCSI: disk lun-a1", "virtual SCSI: disk lun-a2",
                                           "VLAN 10 on ETHERNET0"}
    assert {v.level for v in result.end.vioses if v.server == "A"} == {"3.1.4.21"}
    (line,) = campaign_document(result).steps
    assert line.verified and line.status is None and not line.directory


@pytest.mark.parametrize("what, path", [
    ("disks", "virtual SCSI: disk lun-a2"), ("bridges", "VLAN 10 on ETHERNET0"), ("rmc", "VLAN 10 on ETHERNET0")])
def test_who_has_one_vios_alone_is_named_and_the_server_left(what, path):
    of = changed(BASE, "A-v2", rmc_active=False) if what == "rmc" else BASE.replace(**{what: tuple(
        row for row in getattr(BASE, what) if not (row.vios == "A-v2" and (what == "bridges" or row.lpar == "a2")))})
    result = in_place(of)
    assert not result.steps and result.exit_code == 3
    (left,) = campaign_document(result).left
    assert f"{path} has A-v1 alone" in left.why and "a2" in left.why and "go down alone: " in left.why and "empty = true" in left.lifts[-1]
    if what == "disks":
        assert [s.work.server for s in in_place(of, ("a2",)).steps] == ["A"]


def one_single() -> Estate:
    """BASE with a2's disk over A-v1 alone."""
    return BASE.replace(disks=tuple(d for d in BASE.disks if not (d.vios == "A-v2" and d.lpar == "a2")))


@pytest.mark.parametrize("refill", [True, False])
def test_who_has_a_single_path_alone_is_moved_and_comes_home(refill):
    of = one_single()
    result = answered(of, asked("A", firmware="", vios="3.1.4.21", empty=False, move_single=True, refill=refill))
    (step,) = result.steps
    assert result.exit_code == 0 and step.plan.verified and verify_plan(step.plan, of).holds
    assert {m.lpar for m in step.plan.moves} == {"a2"} and len(step.plan.moves) == 1 + refill
    assert {x.lpar for x in step.lost} == {"a1"} and all(x.others for x in step.lost)
    work = min((m.start_ms for m in step.plan.leg("back")), default=0) - max(m.end_ms for m in step.plan.leg("out"))
    assert not refill or work >= 2 * 3_600_000
    assert step.plan.goal.leave == ("a1",) and [n for n, _, _ in step.plan.stays] == ["a1", "A-v1", "A-v2"]
    assert (places(result.end) == places(of)) is refill
    assert {v.level for v in result.end.vioses if v.server == "A"} == {"3.1.4.21"}
    (line,) = campaign_document(result).steps
    assert line.verified and line.directory and not line.stays and "single path leave" in line.work
    text = runbook(step.plan, of)
    assert "one VIOS after the other, never two at once" in text and "stopped by its owner" not in text


def test_single_paths_are_moved_for_work_in_place_alone():
    for wrong in ({"empty": True}, {"empty": False, "vios": "3.1.4.21", "firmware": "", "leave": ["a2"]}):
        with pytest.raises(ValueError, match="move_single is for empty = false"):
            asked("A", move_single=True, **wrong)


def test_paths_that_nobody_states_are_not_taken_for_kept():
    of = BASE.replace(disks=tuple(d for d in BASE.disks if d.lpar != "a2"))
    result = in_place(of)
    (line,) = campaign_document(result).steps
    assert not line.verified and [(x.lpar, x.path) for x in line.lost if not x.known] == [("a2", "its disks")] * 2
    strict = campaign(Loaded(of), result.campaign, OPTIONS, assume_nothing=True)
    assert not strict.steps and strict.exit_code == 4


NEW = {"name": "N", "model": "9117-MMB", "cores": 16, "memory_gib": 128, "firmware": "AM740_042", "lmb_mib": 256}


def replaced(of: Estate, new: dict[str, Any], after: str = "") -> CampaignResult:
    work = [{"server": "A", "refill": False, "replace_by": new}, *(
        {"server": s, "firmware": "EM350_149", "refill": False} for s in after)]
    return answered(of, Campaign.model_validate({"name": "New", "window": [NIGHT], "work": work}))


def test_a_replaced_server_gives_its_lpars_to_the_new_one_for_good():
    result = replaced(BASE, NEW)
    (step,) = result.steps
    assert result.exit_code == 0 and verify_plan(step.plan, step.estate).holds
    assert {(m.lpar, m.target, m.leg) for m in step.plan.moves} == {("a1", "N", "out"), ("a2", "N", "out")}
    assert [s.name for s in step.estate.servers] == ["A", "B", "C", "N"] and result.away == dict.fromkeys(("a1", "a2"), ("A", "N"))
    assert any("POWER7 mode" in d.reason for d in step.doors)
    document = campaign_document(result)
    assert document.steps[0].work == "replaced by N (9117-MMB)" and any("cable and zone it so" in n for n in document.notes)


def test_nobody_goes_to_a_server_that_was_replaced():
    result = replaced(BASE, NEW, after="B")
    assert [s.work.server for s in result.steps if not s.work.replace_by] == ["B"] and result.exit_code == 0
    first = [s.work.server for s in result.steps].index("A")
    for step in result.steps[first + 1:]:
        assert all(m.target != "A" for m in step.plan.moves) and verify_plan(step.plan, step.estate).holds
    assert not [p for p in result.end.lpars if p.server in "AB"]


def test_a_new_server_that_is_too_small_is_named_as_impossible():
    result = replaced(BASE, NEW | {"memory_gib": 12})
    assert not result.steps and result.exit_code == 3 and result.left[0].plan.conflict is not None


@pytest.mark.parametrize(("text", "said"), [
    ('refill = false\n[work.replace_by]\nname = "N"\nmodel = "9999-XXX"\ncores = 4\nmemory_gib = 64\n', "not in the catalogue"),
    ('refill = false\n[work.replace_by]\nname = "B"\nmodel = "9117-MMB"\ncores = 4\nmemory_gib = 64\n', "'B' is taken"),
    ('refill = false\n[work.replace_by]\nname = "N"\nmodel = "9117-MMB"\ncores = 4\n', "memory_gib: is missing"),
    ('[work.replace_by]\nname = "N"\nmodel = "9117-MMB"\ncores = 4\nmemory_gib = 64\n', "replace_by is with refill = false")])
def test_what_is_wrong_with_a_new_server_is_told_with_its_line(tmp_path, text, said):
    file = tmp_path / "c.toml"
    file.write_text(f'name = "x"\n[[window]]\nstart = 2026-12-05 22:00:00\nend = 2026-12-06 04:00:00\n[[work]]\nserver = "A"\n{text}')
    with pytest.raises(InputError) as wrong:
        read_campaign(file, BASE)
    assert [said in f.message and f.source.line is not None for f in wrong.value.findings] == [True]


def test_all_servers_of_a_site_by_its_name(tmp_path):
    of = changed(BASE, "C", site="south")
    file = tmp_path / "c.toml"
    text = 'name = "x"\n[[window]]\nstart = 2026-12-05 22:00:00\nend = 2026-12-06 04:00:00\n[[work]]\nserver = "site:{}"\n'
    file.write_text(text.format("north"))
    assert [w.server for w in read_campaign(file, of).work] == ["A", "B"]
    file.write_text(text.format("east"))
    with pytest.raises(InputError, match="site:east"):
        read_campaign(file, of)
