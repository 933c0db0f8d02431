"""What people read of a plan in lanes: who starts when, after whom and why, in runbook, workbook, terminal and frames."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from io import BytesIO

import pytest
from estates import BASE, loaded
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from rich.console import Console

from planner.api import consolidate, headroom
from planner.estate.model import Estate, Parameter
from planner.jobs import Options, evacuate, window_from
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, Wait, dump, parse
from planner.plan.questions import Evacuate
from planner.report.answer import verdict
from planner.report.decisions import decisions
from planner.report.markdown import inline
from planner.report.night import hour_scale
from planner.report.plan_terminal import plan_view
from planner.report.runbook import runbook
from planner.report.turns import Turns, about, by, lanes_tally, middle, must_begin_ms
from planner.report.workbook import plan_workbook
from planner.units import show_minutes
from tests import papers
from tests.landscape import landscape
from tests.lanes import in_lanes, in_waves

P595, P570 = "SN8379A80_p595-2", "SN1001C70_p570-1"


@cache
def site() -> Estate:
    return landscape()


@cache
def night(window: bool = True) -> Plan:
    """The sample's evening in lanes."""
    options = Options(20, window=window_from("2026-12-05 22:00/04:00") if window else None, work_s=3600, zone="Etc/UTC")
    return in_lanes(evacuate(loaded(site()), Evacuate(servers=(P595,), come_back=True), options))


@cache
def book() -> str:
    return runbook(night(), site())


def by_hand(*moves: Move, back: bool = False) -> Plan:
    """A small plan of such moves in lanes."""
    made = evacuate(loaded(BASE), Evacuate(servers=("A",), come_back=back), Options(
        10, window=window_from("2026-12-05 22:00/04:00"), zone="Europe/Berlin"))
    return made.replace(moves=moves)


def lanes_of(text: str, leg: str) -> dict[int, list[dict[str, str]]]:
    """Lane → the rows of its moves."""
    return {int(m[1]): papers.tables(body)[0] for head, body in papers.sections(text).items()
            if (m := re.match(rf"Way {leg}, lane (\d+):", head))}


@pytest.mark.parametrize("leg", [OUT, BACK])
def test_each_lane_has_a_section_with_its_moves_in_their_order(leg: str) -> None:
    assert {lane: [int(row["No."]) for row in rows] for lane, rows in lanes_of(book(), leg).items()} == {
        lane: [m.number for m in moves] for lane, moves in night().lanes(leg)}
    for m in night().leg(leg):
        row = papers.numbered(book())[str(m.number)]
        assert row["LPAR"].startswith(f"**{m.lpar}** {m.source} → {m.target}")
    assert "wave" not in book().split("## Assumptions")[0].casefold()


def test_the_commands_are_those_of_the_same_moves_in_waves() -> None:
    """Partition ids too: a lane's section may stand before that of a lane in which its LPAR moved earlier."""
    def typed(plan: Plan) -> list[str]:
        return sorted(line for line in papers.typed(runbook(plan, site())) if line.startswith("migrlpar -o"))
    assert typed(night()) == typed(in_waves(night())) and len(typed(night())) == 2 * len(night().moves)


def test_ids_are_kept_up_in_the_order_of_the_starts() -> None:
    first = Move("a1", "A", "B", number=1, lane=2, target_id=40, parking=True, duration_ms=60_000)
    last = Move("a1", "B", "C", number=2, lane=1, target_id=40, start_ms=60_000, duration_ms=60_000,
                waits=(Wait(1, "arrived", "", ""),))
    rows = papers.numbered(runbook(by_hand(first, last), BASE))
    assert ["dest_lpar_id" in rows[n]["Command"] for n in "12"] == [True, False]
    assert ["id 11 → 40, parking" in rows["1"]["LPAR"], "id" in rows["2"]["LPAR"]] == [True, False]


def test_a_move_says_what_it_waits_for_and_why() -> None:
    moves = (Move("a1", "A", "B", number=1, lane=1, duration_ms=119_000),
             Move("b1", "B", "C", number=2, lane=2, duration_ms=119_000),
             Move("a2", "A", "B", number=3, lane=1, start_ms=8 * 60_000, duration_ms=119_000, waits=(
                 Wait(1, "arrived", "memory.capacity", "needs the id that a1 gave up"),
                 Wait(2, "arrived", "memory.capacity", "needs the room that b1 leaves on B"),),
                  not_before_ms=5 * 60_000, latest_ms=90 * 60_000),
             Move("c1", "C", "B", number=4, lane=2, start_ms=8 * 60_000, duration_ms=1000),
             Move("a3", "A", "C", number=5, lane=3, waits=(Wait(1, "ended", "", ""),)))
    turns = Turns(by_hand(*moves))
    assert [turns.needs(m) for m in moves] == [
        [], [], ["a1 (1, this lane) has arrived: needs the id that a1 gave up",
                 "b1 (2, lane 2) has arrived: needs the room that b1 leaves on B", "it is 22:05: not before that"],
        ["b1 (2, this lane) is over"], ["a1 (1, lane 1) is over"]]
    assert [[x.number for x in turns.held_back(m)] for m in moves] == [[3, 5], [3, 4], [], [], []]
    rows = papers.numbered(runbook(by_hand(*moves[:4]), BASE))
    assert rows["3"]["Start when"].startswith("; ".join(turns.needs(moves[2])) + "; not after 23:30: begun later")
    assert rows["1"]["Start when"] == "the lead says go" and rows["4"]["Start when"] == "b1 (2, this lane) is over"
    assert rows["3"]["Begins; latest"] == "about 22:08" and rows["2"]["If it fails, hold back"] == "3 a2, 4 c1"


def test_after_all_lanes_of_a_way_it_is_decided_how_to_go_on() -> None:
    for way, first, last in (("out", 1, 20), ("back", 21, 40)):
        assert f"## Way {way}: when all lanes are through\n\n- [ ] Moves {first} to {last} have arrived" in book()
    assert book().count("**Go or no-go** for the work, by the lead") == 1
    end = must_begin_ms(night())
    assert end is not None and f"must begin by {about(night(), end)}" in book()
    evening, window, undrawn = night().evening, night().window, must_begin_ms(night().replace(evening=None))
    assert evening and window and undrawn and end == (evening.work_by_ms or 0) // 60_000 * 60_000
    assert 0 <= window.ms_to(window.end) - undrawn - 1000 * night().leg_span_s(BACK) < 60_000


def test_the_papers_tell_one_clock() -> None:
    """What is left of the window is counted from the same moment as by when it is over; the work is over when the nights say so."""
    plan = night()
    evening, window = plan.evening, plan.window
    assert evening and evening.back and window
    spare = show_minutes((window.ms_to(window.end) - evening.back.most_ms) // 60_000 * 60)
    assert f": fits, {spare} to spare in 9 nights of 10 (" in book()
    assert verdict(plan).sentence.startswith(f"over by {by(plan, evening.back.most_ms)} in 9 nights of 10")
    over = by(plan, evening.out.half_ms + 3_600_000)
    assert f"- [ ] Work over by about {over}, at the latest {about(plan, must_begin_ms(plan) or 0)}\n" in book()
    undrawn = plan.replace(evening=None)
    assert f": fits, {show_minutes(window.spare_s or 0)} to spare as predicted" in runbook(undrawn, site())
    alone = night(False)
    assert alone.evening and verdict(alone).sentence.endswith(
        f"over {by(alone, (alone.evening.back or alone.evening.out).most_ms)[1:]} after the first begins in 9 nights of 10")


@pytest.mark.parametrize("wide", range(40, 121))
def test_the_hours_of_a_night_do_not_touch(wide: int) -> None:
    scale = hour_scale(night(), 0, 6 * 3_600_000, wide)
    assert len(scale) <= wide and all(re.fullmatch(r"\d\d:\d\d", hour) for hour in scale.split())
    assert scale.split()[0] == "22:00" and scale.split()[-1] == "04:00"


def test_decisions_stand_in_the_order_in_which_they_are_made() -> None:
    """What follows the moves has no latest moment of its own where the way back is another night: it comes after them all the same."""
    evening = night().evening
    assert evening
    late = replace(evening, work_by_ms=None, go_by_ms=evening.out.half_ms + 60_000, moves=tuple(
        replace(r, latest_ms=r.latest_ms and r.latest_ms + 3_600_000) for r in evening.moves))
    for one in (night(), night().replace(evening=late)):
        told = decisions(one)
        assert [d.name for d in told[:3]] == ["Go or no-go", "Longest move", "Go or no-go"]
        assert (told[0].what, told[2].what[:16]) == ("the first move begins", "the work begins;")
    assert "****" not in runbook(night(False), site())


def test_time_for_checks_is_said() -> None:
    slow = site().replace(parameters=(*site().parameters, Parameter("wave_gap_s", 300)))
    said = "Between a move and what comes after it: 5 min 00 s for checks"
    assert said in runbook(night(), slow) and said not in book()


def test_what_holds_in_all_lanes_is_said_once() -> None:
    for once in ("has arrived**", "Tell all lanes", "vasistat"):
        assert book().count(once) == 1, once


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_terminal_shows_whom_a_move_waits_for_at_every_width(width: int) -> None:
    console = Console(width=width)
    with console.capture() as printed:
        console.print(plan_view(night()))
    lines = printed.get().splitlines()
    assert max(map(len, lines)) <= width
    head = next(x for x in lines if x.split()[:2] == ["no.", "lane"])
    assert {"about", "LPAR", "to", "waits", "minutes"} <= {*head.split()} and ("movers" in head) is (width == 140)
    rows = [x for m in night().moves for x in lines if re.match(rf" +{m.number} +{m.lane}( back)? .*{m.lpar} ", x)]
    assert len(rows) == len(night().moves)
    at = middle(night())
    for m, row in zip(night().moves, rows, strict=True):
        assert ", ".join(map(str, m.waits_for)) in row and about(night(), at[m][0]) in row


def test_the_length_of_a_way_stands_beside_what_it_takes_at_least() -> None:
    plan = by_hand(*(Move(f"m{n}", "A", "B", number=n, lane=n, duration_ms=(46 * 60 - 10) * 1000) for n in (1, 2)))
    assert lanes_tally(plan.replace(at_least_s={OUT: 42 * 60 + 59}), OUT) == (
        "2 moves out in 2 lanes, the moves alone about 46 min, at least 42 min")
    assert lanes_tally(plan.replace(at_least_s={}), OUT) == "2 moves out in 2 lanes, the moves alone about 46 min"


def test_moments_are_told_to_the_minute_with_the_day_where_it_is_another() -> None:
    assert [about(night(), 1000 * s) for s in (0, 520, 7200 + 9)] == ["22:00", "22:09", "Sun 00:00"]
    assert about(night().replace(back_from_s=9), 7 * 86_400_000) == "Sat 2026-12-12 22:00"
    assert about(night(False), 520_000) == "+9 min"


def rows_of(sheet: Worksheet) -> list[dict[str, object]]:
    head, *rows = sheet.values
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


def test_the_workbook_has_turn_waits_and_reasons_and_a_column_for_each_lane() -> None:
    made = load_workbook(BytesIO(plan_workbook(night(), site())))
    rows = rows_of(made["Moves"])
    assert "Wave" not in rows[0]
    for m, row in zip(night().moves, rows, strict=True):
        assert (row["Number"], row["Lane"], row["LPAR"]) == (m.number, m.lane, m.lpar)
        assert row["Waits for"] == (", ".join(map(str, m.waits_for)) or None)
        assert all(w.why in str(row["Why"]) for w in m.waits)
        assert row["Not before"] is row["Latest start"] is None
    columns = [[str(c.value) for c in column if c.value] for column in made["Lanes"].columns]
    for lane, moves in night().lanes(OUT):
        cells = [text.splitlines()[0] for text in columns[lane - 1]]
        assert [f"{m.number}  {m.lpar}" for m in moves] == [c for c in cells if c in {f"{m.number}  {m.lpar}" for m in moves}]
    assert "Lanes" not in load_workbook(BytesIO(plan_workbook(in_waves(night()), site()))).sheetnames


def test_frames_of_lanes_have_types() -> None:
    frames = night().frames()
    kinds = {n: str(k) for n, k in frames["moves"].dtypes.items()}
    assert kinds["number"] == kinds["lane"] == "Int64" and kinds["waits_for"] == "string"
    assert kinds["not_before_s"] == kinds["latest_s"] == "Float64" and "waits" not in kinds
    waits = frames["waits"]
    assert {n: str(k) for n, k in waits.dtypes.items()} == {
        "number": "Int64", "waits_for": "Int64", "until": "category", "rule": "string", "why": "string"}
    assert list(zip(waits["number"], waits["waits_for"], strict=True)) == [
        (m.number, w.move) for m in night().moves for w in m.waits]
    waves = in_waves(night()).frames()
    assert waves["moves"]["lane"].isna().all() and waves["waits"].empty


def test_a_plan_in_lanes_is_read_back() -> None:
    assert parse(dump(night()), "plan.json").replace(seal="") == night().replace(seal="")


@pytest.mark.parametrize("text", ["a", "a`b", "``", "`a``"])
def test_a_command_stays_one_in_a_line_of_markdown(text: str) -> None:
    found = re.fullmatch(r"(`+)( ?)(.*?)\2\1", inline(text))
    assert found and found[3] == text and found[1] not in re.findall("`+", text)


def test_a_lane_plan_without_a_window_or_a_way_back_has_its_papers() -> None:
    one = replace(night(False).moves[0], waits=())
    plan = night(False).replace(moves=(one,), at_least_s={})
    assert "about +0 min" in runbook(plan.replace(evening=None), site()) and plan_workbook(plan, site())


@pytest.mark.parametrize(("plan", "go", "back"), [
    (lambda: headroom(site(), P595, cores=17, memory_gib=120, window="2026-12-05 22:00/04:00",
                      back_window="2026-12-12 22:00/04:00"), "the headroom", "the headroom is not needed"),
    (lambda: consolidate(site(), come_back=True), "switching off", "all servers are on again")])
def test_what_is_between_the_ways_is_called_by_its_name(plan: Callable[[], Plan], go: str, back: str) -> None:
    text = runbook(in_lanes(plan()), site())
    assert text.count(f"**Go or no-go** for {go}, by the lead") == 1 and f"| {back}" in text


def test_what_ends_after_the_window_is_named_by_its_number_or_wave() -> None:
    options = Options(20, window=window_from("2026-12-05 22:00/22:20"), zone="Etc/UTC")
    plan = evacuate(loaded(site()), Evacuate(servers=(P595,)), options)
    (told,) = (f.message for f in plan.findings if f.rule == "timing.window")
    late = [m for m in plan.moves if m.end_ms > 20 * 60_000]
    names = [m.number for m in late] if plan.in_lanes else sorted({m.wave for m in late})
    assert f"too long; {'moves' if plan.in_lanes else 'waves'} {', '.join(f'{n} (out)' for n in names)} (" in told
