"""What a plan's evening is told to other programs: window.ics to calendars, moves.csv to tables; how long moves take."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
import shlex
from dataclasses import replace
from functools import cache

import pytest
from estates import BASE, loaded, policy, stating

from planner.jobs import Options, evacuate, window_from
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.report.ics import Appointment, calendar
from planner.report.minutes import Paces
from planner.report.moves_csv import moves_csv
from planner.report.turns import must_begin_ms
from planner.report.window_ics import window_ics
from planner.rules import Site

ZONE = "Europe/Berlin"


@cache
def night(zone: str = ZONE, window: bool = True, back: bool = True) -> Plan:
    options = Options(10, window=window_from("2026-12-05 22:00/04:00") if window else None, zone=zone,
                      work_s=3600 if back else 0)
    return evacuate(loaded(BASE), Evacuate(servers=("A",), come_back=back), options)


def events(text: str) -> list[dict[str, str]]:
    """Each event's properties, unfolded; its reminder apart."""
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n")) and text.endswith("END:VCALENDAR\r\n")
    lines = text.replace("\r\n ", "").split("\r\n")
    found: list[dict[str, str]] = []
    for line in lines:
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found:
            name, _, value = line.partition(":")
            found[-1].setdefault(name, value)
    return found


def test_the_calendar_has_the_window_its_decisions_and_the_work() -> None:
    plan, utc = night(), dt.timedelta(hours=1)
    evening, last = plan.evening, must_begin_ms(plan)
    assert evening and evening.go_by_ms and last and plan.window
    found = events(window_ics(plan))
    assert [e["SUMMARY"].split(":")[0] for e in found] == ["Window", "The work", "Latest go", "Point of no return"]
    assert [e["DTSTART"] for e in found] == [f"{x - utc:%Y%m%dT%H%M%SZ}" for x in (
        plan.window.start, plan.window.at(round(evening.out.half_ms / 60_000) * 60_000),
        plan.window.at(evening.go_by_ms // 60_000 * 60_000), plan.window.at(last))]
    assert found[0]["DTEND"] == "20261206T030000Z" and [("DTEND" in e, "TRIGGER" in e) for e in found] == [
        (True, False), (True, False), (False, True), (False, True)]
    assert len({e["UID"] for e in found}) == 4 and all("free A" in e["SUMMARY"] for e in found)
    assert window_ics(plan) == window_ics(plan.replace(notes=("another",)))


def test_a_clock_without_a_zone_floats_and_no_window_gives_no_event() -> None:
    plan = night()
    assert plan.window
    floating = plan.replace(window=replace(plan.window, zone=""))
    assert events(window_ics(floating))[0]["DTSTART"] == "20261205T220000"
    assert events(window_ics(night(window=False))) == []


def test_who_planned_no_way_back_is_told_until_when_there_is_one() -> None:
    plan = night(back=False)
    assert plan.evening and plan.evening.turning and plan.evening.turning.by_ms
    (*_, last) = events(window_ics(plan))
    assert last["SUMMARY"].startswith("Point of no return") and "No way back was asked for" in last["DESCRIPTION"]


def test_text_of_an_event_is_escaped_and_folded() -> None:
    event = Appointment("u", dt.datetime(2026, 12, 5, 22), None, "a;b,c\\d\u202ee" + "ö" * 90, "x\ny")
    (found,) = events(calendar([event], "t"))
    assert found["SUMMARY"] == r"a\;b\,c\\d\u202ee" + "ö" * 90
    assert found["DESCRIPTION"] == "x\\ny" and "\u202e" not in found["SUMMARY"]


@pytest.mark.parametrize("window", [True, False])
def test_the_table_has_a_row_a_move_with_its_command(window: bool) -> None:
    plan, site = night(window=window), Site(BASE)
    rows = list(csv.DictReader(io.StringIO(moves_csv(plan, site))))
    assert [(r["LPAR"], r["Leg"], r["From"], r["To"]) for r in rows] == [
        (m.lpar, m.leg, m.source, m.target) for m in sorted(plan.moves, key=lambda m: m.number)]
    for row, m in zip(rows, sorted(plan.moves, key=lambda m: m.number), strict=True):
        words = shlex.split(row["Command"])
        assert words[:3] == ["migrlpar", "-o", "m"] and words[words.index("-p") + 1] == m.lpar
        assert int(row["Minutes at least"]) <= m.duration_ms / 60_000 <= int(row["Minutes at most"]) < int(row["Stop at"])
        assert row["Console"] == "hmc1" and row["Waits for"] == ", ".join(map(str, m.waits_for))
        assert re.fullmatch(r"2026-12-0\d \d\d:\d\d:\d\d" if window else r"\d+", row["Start"])
    out = {r["LPAR"]: r["Partition id after"] for r in rows if r["Leg"] == "out"}
    assert [r["Partition id before"] for r in rows if r["Leg"] == "back"] == [
        out[r["LPAR"]] for r in rows if r["Leg"] == "back"]


@pytest.mark.parametrize(("name", "seen"), [("a\u202eb", r"a\u202eb"), ("a\x07b", r"a\x07b"), ("a\nb", r"a\nb"), ("=1", "'=1")])
def test_what_nobody_sees_in_a_name_is_shown_in_its_row(name: str, seen: str) -> None:
    plan = night(window=False, back=False)
    (first, *more) = plan.moves
    text = moves_csv(plan.replace(moves=(replace(first, lpar=name), *more)), Site(BASE.replace(lpars=tuple(
        replace(p, name=name) if p.name == first.lpar else p for p in BASE.lpars))))
    assert seen in [r["LPAR"] for r in csv.DictReader(io.StringIO(text))] and (name == "=1" or name not in text)


def test_each_row_says_whom_to_ask() -> None:
    plan, site = night(window=False, back=False), Site(stating(BASE, policy("owner", "a1", "Ledgers")))
    rows = csv.DictReader(io.StringIO(moves_csv(plan, site)))
    assert {r["LPAR"]: r["Owner"] for r in rows} == {m.lpar: "Ledgers" * (m.lpar == "a1") for m in plan.moves}


def test_a_name_in_the_table_is_no_formula() -> None:
    plan = night(window=False, back=False)
    name = "=cmd|' /C calc'!A0"
    of = BASE.replace(lpars=tuple(replace(p, name=name) if p.name == plan.moves[0].lpar else p for p in BASE.lpars))
    text = moves_csv(plan.replace(moves=(replace(plan.moves[0], lpar=name),)), Site(of))
    assert next(csv.DictReader(io.StringIO(text)))["LPAR"] == f"'{name}"


def test_minutes_are_those_that_were_drawn_else_of_the_spread() -> None:
    plan, site = night(), Site(BASE)
    m, evening = plan.moves[0], plan.evening
    assert evening
    drawn = next(r for r in evening.moves if r.number == m.number)
    told = Paces(plan, site).of(m)
    assert drawn.short_ms and drawn.long_ms and drawn.half_ms and drawn.early_ms < drawn.half_ms <= drawn.over_ms
    assert told[:2] == (drawn.short_ms // 60_000, math.ceil(drawn.long_ms / 60_000)) and told.stop >= told.high + 3
    sigma = math.hypot(site.parameters.common_sigma, site.parameters.duration_sigma)
    by_spread = Paces(plan.replace(evening=None), site).of(replace(m, duration_ms=600_000))
    assert by_spread == (math.floor(10 * math.exp(-1.2816 * sigma)), math.ceil(10 * math.exp(1.2816 * sigma)),
                         math.ceil(10 * math.exp(2.3263 * sigma)))
