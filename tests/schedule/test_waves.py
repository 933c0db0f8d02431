"""Waves: what may fly together, when the clock allows it, the window, and the way back."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from estates import BASE, changed, estate, exactly, freeing, judged, loaded, lpar, policy, server, stating
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.errors import UsageError
from planner.estate.model import Estate, Lpar, Policy
from planner.findings import Severity
from planner.jobs import Options, evacuate, exit_code, span_from, window_from
from planner.plan.choices import BACK, OUT, Status
from planner.plan.plan import Move, Plan
from planner.plan.questions import Evacuate
from planner.rules.timing import moments
from planner.schedule.lanes import Pacing
from planner.schedule.order import Step
from planner.schedule.timetable import Timetable, timetable
from planner.schedule.waves import Packer, with_ids
from planner.verify import replay


def planned(of: Estate, *freed: str, window: str = "", come_back: bool = False, **options: Any) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=freed or ("A",), come_back=come_back), Options(
        window=window_from(window) if window else None, time_limit=20, pacing=Pacing(waves=True), **options))


def many(count: int, *policies: Policy, **facts: Any) -> Estate:
    """So many small LPARs on A, hardly busy, and two large servers beside it."""
    lpars = [lpar(f"p{n:02}", "A", 0.1, 1, **({"busy_units": 5} | facts)) for n in range(count)]
    return estate([server("A"), server("B"), server("C")], lpars, policies)


def most_at_once(moves: Sequence[Move], *fields: str) -> int:
    """The most moves in flight at a time that name the same server or mover in one of these fields."""
    return max(max(Counter(getattr(m, f) for m in flying for f in fields).values()) for _, flying in moments(moves))


def test_no_more_than_four_at_a_time_on_a_server_or_a_mover() -> None:
    plan = planned(many(14))
    assert plan.verified and len(plan.moves) == 14
    assert most_at_once(plan.moves, "source", "target") == 4
    assert most_at_once(plan.moves, "source_msp", "target_msp") <= 4
    assert len(plan.waves(OUT)) == 4


def test_a_server_that_supports_eight_takes_eight_over_two_movers() -> None:
    of = many(16)
    for s in "ABC":
        of = changed(of, s, max_migrations=8)
        for n in (1, 2):
            of = changed(of, f"{s}-v{n}", level="2.2.0.11")
    plan = planned(of)
    assert plan.verified and most_at_once(plan.moves, "source", "target") == 8
    assert most_at_once(plan.moves, "source_msp", "target_msp") == 4
    assert len(plan.waves(OUT)) == 2


@pytest.mark.parametrize(("subject", "value", "most"), [("A", "2", 2), ("*", "1", 1), ("A-v1; A-v2", "1", 2)])
def test_a_policy_lowers_the_concurrency(subject: str, value: str, most: int) -> None:
    plan = planned(many(6, policy("concurrency", subject, value)))
    assert plan.verified and most_at_once(plan.moves, "source") == most


def test_waves_do_not_overlap_and_keep_their_gap() -> None:
    from planner.estate.model import Parameter

    plan = planned(many(9).replace(parameters=(Parameter("wave_gap_s", 300.0),)))
    waves = plan.waves(OUT)
    for (_, earlier), (_, later) in itertools.pairwise(waves):
        assert min(m.start_ms for m in later) == max(m.end_ms for m in earlier) + 300_000
        assert len({m.start_ms for m in later}) == 1


def test_a_busy_lpar_gets_the_link_for_itself() -> None:
    """1.9 cores dirty 38 MB/s; half of 79 is too little for it, the whole is enough."""
    plan = planned(changed(many(4), "p00", busy_units=190))
    busy = next(m for m in plan.moves if m.lpar == "p00")
    beside = [m for m in plan.moves if m is not busy and m.start_ms < busy.end_ms and busy.start_ms < m.end_ms]
    assert plan.verified and all({m.source_msp, m.target_msp}.isdisjoint({busy.source_msp, busy.target_msp})
                                 for m in beside)


def test_cluster_software_flies_alone_on_its_movers() -> None:
    plan = planned(changed(many(5), "p02", software=("PowerHA 6.1",)))
    beating = next(m for m in plan.moves if m.lpar == "p02")
    for m in plan.moves:
        together = m is not beating and m.start_ms < beating.end_ms and beating.start_ms < m.end_ms
        assert not (together and {m.source_msp, m.target_msp} & {beating.source_msp, beating.target_msp})
    assert plan.verified


def test_nodes_of_a_cluster_are_in_different_waves_and_end_apart() -> None:
    """Both nodes on A is tolerated; they part, one after the other."""
    plan = planned(many(4, policy("cluster", "crm", "p00; p03")))
    nodes = {m.lpar: m for m in plan.moves if m.lpar in ("p00", "p03")}
    assert plan.verified
    assert nodes["p00"].wave != nodes["p03"].wave and nodes["p00"].target != nodes["p03"].target


def test_priority_goes_first_and_long_moves_before_short_ones() -> None:
    of = many(6, policy("priority", "p05", "1"), policy("concurrency", "*", "1"))
    of = changed(of, "p03", memory_mib=16384, max_memory_mib=16384)
    order = [m.lpar for m in sorted(planned(of).moves, key=lambda m: m.start_ms)]
    assert order[:2] == ["p05", "p03"]


def test_a_blackout_is_waited_for() -> None:
    of = stating(BASE, policy("blackout", "a1", "daily 21:30/22:40"))
    plan = planned(of, window="2026-12-05 22:00/04:00")
    first = {m.lpar: m for m in plan.moves}
    assert plan.verified and plan.clock(first["a2"].start_ms) == dt.datetime(2026, 12, 5, 22, 0)
    assert plan.clock(first["a1"].start_ms) == dt.datetime(2026, 12, 5, 22, 40)
    assert plan.window is not None and plan.window.fits and exit_code(plan) == 0


def test_a_blackout_that_begins_during_the_move_is_waited_for() -> None:
    """a1 takes 193 s: begun at 22:00 it would touch the blackout from 22:03 on."""
    plan = planned(stating(BASE, policy("blackout", "a1", "daily 22:03/22:10")), window="2026-12-05 22:00/04:00")
    assert plan.verified
    assert plan.clock(next(m for m in plan.moves if m.lpar == "a1").start_ms) == dt.datetime(2026, 12, 5, 22, 10)


def test_a_blackout_without_a_window_is_warned_of() -> None:
    plan = planned(stating(BASE, policy("blackout", "a1", "daily 21:30/22:40")))
    assert plan.verified and [f.severity for f in plan.findings if f.rule == "timing.blackout"] == [Severity.WARNING]


def test_a_window_that_fits_says_by_how_much() -> None:
    plan = planned(BASE, window="2026-12-05 22:00/04:00", come_back=True, work_s=span_from("60m"))
    assert plan.window is not None and plan.window.fits
    assert plan.window.spare_s == int(6 * 3600 - plan.total_s)
    assert not any(f.rule == "timing.window" for f in plan.findings)


def test_a_window_that_does_not_fit_says_what_does_not_and_whether_it_could() -> None:
    plan = planned(BASE, window="2026-12-05 22:00/23:00", come_back=True, work_s=span_from("1h"))
    assert plan.status is Status.OPTIMAL and plan.window is not None and plan.window.fits is False
    told = next(f for f in plan.findings if f.rule == "timing.window")
    assert told.severity is Severity.ERROR and "a1, a2" in told.message and "no schedule could fit" in told.message
    site, _ = judged(BASE)
    assert exit_code(plan, site) == 3
    crowded = many(14)
    late = planned(crowded, window="2026-12-05 22:00/22:02")
    assert exit_code(late, judged(crowded)[0]) == 4
    assert "no proof that there is none" in next(f.message for f in late.findings if f.rule == "timing.window")


@pytest.mark.parametrize(("text", "hours"), [
    ("2026-12-05 22:00/04:00", 6), ("2026-12-05 22:00/2026-12-06 04:00", 6), ("2026-12-05 01:00/04:30", 3.5)])
def test_windows_as_people_write_them(text: str, hours: float) -> None:
    assert window_from(text).length_s == hours * 3600


@pytest.mark.parametrize("text", ["", "tonight", "2026-12-05 22:00", "2026-13-05 22:00/04:00", "2026-12-05 25:00/04:00",
                                  "2026-12-05 22:00/2026-12-04 04:00", "2026-12-05 22:00/2026-12-05 22:00"])
def test_windows_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--window"):
        window_from(text)


@pytest.mark.parametrize(("text", "seconds"), [("60m", 3600), ("1h30m", 5400), ("90s", 90), ("2 h", 7200), ("5min", 300)])
def test_spans(text: str, seconds: int) -> None:
    assert span_from(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "60", "1.5h", "-5m", "an hour"])
def test_spans_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        span_from(text)


def test_the_way_back_brings_everything_home_after_the_work() -> None:
    plan = planned(BASE, come_back=True, work_s=3600)
    out, back = plan.leg(OUT), plan.leg(BACK)
    assert plan.verified and {(m.lpar, m.target, m.source) for m in out} == {(m.lpar, m.source, m.target) for m in back}
    assert min(m.start_ms for m in back) == max(m.end_ms for m in out) + 3_600_000
    assert min(m.wave for m in back) == max(m.wave for m in out) + 1


def test_shifted_survivors_come_home_as_well_in_the_reverse_order() -> None:
    """b1 made room for a1 on B: a1 must have left before b1 returns."""
    a1, b1 = lpar("a1", "A", 2, 16), lpar("b1", "B", 1, 6)
    of = estate([exactly(server("A"), [a1]), exactly(server("B"), [a1]), exactly(server("C"), [b1])], [a1, b1])
    plan = planned(of, "A", come_back=True, work_s=60)
    assert plan.verified
    assert [(m.lpar, m.target) for m in plan.moves] == [("b1", "C"), ("a1", "B"), ("a1", "A"), ("b1", "B")]


def test_the_way_back_by_the_way_out_reversed() -> None:
    """Parked on the way out, parked on the way home: no order of direct moves exists in either direction."""
    x, y = lpar("x", "A", 2, 8), lpar("y", "B", 2, 8)
    of = estate([exactly(server("A"), [x]), exactly(server("B"), [y]), exactly(server("C"), [x])], [x, y])
    site, judge = judged(of)
    table = timetable(site, judge, {"x": "B", "y": "A"}, None, come_back=True, work_s=10)
    assert table.found and [m.leg for m in table.moves] == [OUT] * 3 + [BACK] * 3
    assert sum(m.parking for m in table.moves) == 2
    assert _holds(of, table)


def _holds(of: Estate, table: Timetable) -> bool:
    plan = Plan(freeing(come_back=True), Status.FEASIBLE, "", moves=table.moves, work_s=10)
    return replay(plan, *judged(of)).holds


def test_no_placement_that_cannot_come_home_is_taken() -> None:
    """A runs the Dynamic Platform Optimizer: LPARs may leave it, none may come back."""
    of = changed(BASE, "A", dpo_running=True)
    assert planned(of).verified
    plan = planned(of, come_back=True)
    assert plan.status is Status.INFEASIBLE and plan.conflict is not None
    assert "the way back" in plan.conflict.refusals["a1"]["B"][0][1]
    assert "could come home" in plan.conflict.summary or "the way back counts" in plan.conflict.summary


def test_ids_are_kept_where_they_are_free_and_new_ones_are_unique_everywhere() -> None:
    of = changed(BASE, "c1", lpar_id=11)
    of = changed(of, "b1", lpar_id=12)
    plan = planned(stating(of, policy("fence", "a1", "A; C"), policy("fence", "a2", "A; B")), come_back=True)
    ids = {(m.lpar, m.leg): m.target_id for m in plan.moves}
    used = {p.lpar_id for p in of.lpars} | {v.lpar_id for v in of.vioses}
    assert plan.verified
    assert ids["a1", OUT] not in used and ids["a2", OUT] not in used and ids["a1", OUT] != ids["a2", OUT]


def test_a_blackout_without_end_leaves_no_timetable() -> None:
    of = stating(BASE, policy("blackout", "a1", "daily 00:00/00:00"))
    plan = planned(of, window="2026-12-05 22:00/04:00")
    assert plan.status is Status.UNKNOWN and exit_code(plan) == 4
    assert any("blackout" in f.message for f in plan.findings) and not plan.moves


def _steps(lpars: Sequence[Lpar]) -> list[Step]:
    return [Step(p.name, p.server, "B" if n % 3 else "C") for n, p in enumerate(lpars) if p.server == "A"]


@settings(max_examples=portion(60))
@given(st.lists(st.tuples(st.sampled_from((1, 2, 8)), st.sampled_from((5, 60, 120, 190)), st.booleans()), min_size=1,
                max_size=9), st.sampled_from((1, 2, 4, 8)), st.sampled_from((1000, 10000)), st.booleans())
def test_every_packing_passes_the_replay(sizes: list[tuple[int, int, bool]], limit: int, link: int, free: bool) -> None:
    lpars = [lpar(f"p{n}", "A", 0.5, gib, busy_units=busy, software=("PowerHA 6.1",) if beats else ())
             for n, (gib, busy, beats) in enumerate(sizes)]
    of = estate([server(s, max_migrations=limit) for s in "ABC"], lpars)
    for v in of.vioses:
        of = changed(of, v.name, link_mbit=link, max_migrations=limit, level="2.2.2.1")
    site, judge = judged(of)
    moves = Packer(site, None).pack(_steps(of.lpars), site.start, OUT, 0, 1, free)
    assert moves is not None and len(moves) == len(lpars)
    plan = Plan(freeing("A"), Status.OPTIMAL, "", moves=tuple(with_ids(site, moves)))
    played = replay(plan, site, judge)
    assert played.holds, [str(f) for f in played.findings]
