"""The capacity workbook, cell by cell against figures by plain Python; recalculated in LibreOffice."""

from __future__ import annotations

import io
import math
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from capacity_site import (
    MONTH,
    MONTHS,
    SITE,
    ZONE,
    columns,
    fill,
    local,
    members,
    oracle,
    raw,
    site,
)
from estates import changed, estate, loaded, lpar, move, plan_of, server
from openpyxl import load_workbook
from openpyxl.workbook import Workbook

from planner.estate.catalogue import rperf_per_core
from planner.history.calendar import DayKind
from planner.history.forecast import Forecast, forecast
from planner.history.store import History
from planner.jobs import window_from
from planner.jobs.capacity import Capacity, CapacityOptions, Levers, capacity
from planner.jobs.capacity.figures import month_after
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Wait
from planner.report.capacity import answer, capacity_json, capacity_workbook
from planner.report.capacity.places import shown_months
from planner.units import show_duration

Rows = list[dict[str, Any]]
SERVERS = ("A", "B")
POOLS = ("A / pool 0", "A / Ledger", "B / pool 0")
USABLE = {"A": 9 * 0.9, "B": 10 * 0.8 - 0.5, "A / pool 0": 9 * 0.9, "A / Ledger": 5.5 * 0.9, "B / pool 0": 10 * 0.8}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return fill(History.open(tmp_path_factory.mktemp("capacity") / "h"))


@pytest.fixture(scope="module")
def figures(history: History) -> Capacity:
    moves = [move(site(), "dev1", "A", "B"), move(site(), "web1", "A", "B")]
    return capacity(loaded(site()), history, CapacityOptions(MONTH, SITE), plan_of(moves, "A", verified=True))


@pytest.fixture(scope="module")
def data(figures: Capacity) -> bytes:
    return capacity_workbook(figures)


@pytest.fixture(scope="module")
def book(data: bytes) -> Workbook:
    return load_workbook(io.BytesIO(data), data_only=True)


def rows_of(book: Workbook, name: str) -> Rows:
    """The rows of a named table."""
    for sheet in book:
        if name in sheet.tables:
            cells = [[c.value for c in row] for row in sheet[sheet.tables[name].ref]]
            return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
    raise AssertionError(f"no table {name}")


def by(book: Workbook, name: str, key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows_of(book, name)}


@cache
def ends(place: str) -> tuple[int, ...]:
    """Month-end peaks of a place, month by month."""
    return tuple(oracle(m).figures(oracle(m).total(members(place))).month_end for m in MONTHS)


@cache
def used(place: str) -> tuple[tuple[int, int], ...]:
    """The months that a forecast may use: those of which 90 % is known of all that are there now."""
    return tuple(m for m in MONTHS if oracle(m).known_percent(members(place)) >= 90)


def foretold(place: str) -> Forecast:
    peaks = dict(zip(MONTHS, ends(place), strict=True))
    return forecast(used(place), [peaks[m] for m in used(place)], 6, round(USABLE[place] * 1000))


def near(value: Any) -> Any:
    return pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(("table", "key", "places"), [("Servers", "Server", SERVERS), ("Pools", "Pool", POOLS)])
def test_servers_and_pools_cell_by_cell(book: Workbook, table: str, key: str, places: tuple[str, ...]) -> None:
    found = by(book, table, key)
    assert sorted(found) == sorted(places)
    for name in places:
        row, of = found[name], oracle().figures(oracle().total(members(name)))
        assert row["Used, mean"] == near(of.mean / 1000)
        assert row["Used, p95"] == near(of.high / 1000)
        assert row["Used, peak"] == near(of.peak / 1000)
        assert row["Month-end peak"] == near(of.month_end / 1000)
        assert row["Peak at"] == of.month_end_at
        assert row["May be used"] == near(USABLE[name])
        assert row["Headroom"] == near(USABLE[name] - of.month_end / 1000)
        assert row["Use of what may be used"] == near(of.month_end / 1000 / USABLE[name])
    capacities = {"A": 9, "B": 10, "A / pool 0": 9, "A / Ledger": 5.5, "B / pool 0": 10}
    entitled = {"A": 2 + 2 + 1 + 1 + 1 + 1 + 0.5, "B": 1 + 1 + 3 + 0.5 + 0.75 + 1, "A / pool 0": 4, "A / Ledger": 3,
                "B / pool 0": 3.25}
    for name in places:
        assert found[name]["Configurable"] == capacities[name]
        assert found[name]["Entitled"] == near(entitled[name])
        assert found[name]["Not entitled"] == near(capacities[name] - entitled[name])


@pytest.mark.parametrize(("table", "key", "places"), [("Outlook", "Server", SERVERS),
                                                      ("Pools_outlook", "Pool", POOLS)])
def test_the_outlook_cell_by_cell(book: Workbook, table: str, key: str, places: tuple[str, ...]) -> None:
    found = by(book, table, key)
    for name in places:
        row, peaks = found[name], ends(name)
        said = foretold(name)
        assert row["Months looked at"] == len(used(name))
        assert row["Peak, next month-end (as made)"] == near(said.points[0] / 1000)
        assert (row["Low"], row["High"]) == ((near(said.low[0] / 1000), near(said.high[0] / 1000))
                                             if said.low and said.high else (None, None))
        growth, room = said.slope / peaks[-1], USABLE[name] - peaks[-1] / 1000
        assert row["Growth"] == near(growth)
        assert row["Growth, measured"] == ("not known" if said.low is None else near(growth))
        assert row["Headroom then"] == near(room - peaks[-1] / 1000 * growth)
        months = "never" if growth <= 0 < room else max(room, 0) / (peaks[-1] / 1000 * growth) if room > 0 else 0
        if not isinstance(months, str):  # up to a tenth
            months = float(Decimal(f"{months:.6f}").quantize(Decimal("0.1"), ROUND_CEILING))
        assert row["Months until full"] == (months if isinstance(months, str) else near(months))
        if not isinstance(months, str) and months <= 8:
            number = 2026 * 12 + 10 + int(Decimal(months).quantize(Decimal(1), ROUND_CEILING))
            assert row["Full at month-end"] == datetime(number // 12, number % 12 + 1, 1)
        else:
            assert row["Full at month-end"] == ("never" if months == "never" else "> 8 months")
        reached = said.ceiling_month
        assert row["Full, forecast (as made)"] == ("> 6 months" if reached is None else datetime(*reached, 1))
        for header, missed in (("Error of method", said.backtest.used), ("Error of repeating", said.backtest.naive)):
            assert row[header] == (None if missed.mae is None else near(missed.mae / 1000))
        assert row["Method"] == said.method.value
    assert {r["Method"] for r in found.values()} <= {"trend", "seasonal naive"}
    assert [len(used(name)) for name in (*SERVERS, *POOLS)] == [8, 6, 8, 8, 3]  # batch1 lacks June, new1 came late


def test_memory_and_right_sizing_of_servers(book: Workbook) -> None:
    sized = rows_of(book, "Right_sizing")
    memory, freed = by(book, "Server_memory", "Server"), by(book, "Server_right_sizing", "Server")
    for name, (gib, ceiling) in {"A": (128, 0.92), "B": (96, 0.95)}.items():
        row = memory[name]
        lpars = [p for p in site().lpars if p.server == name and p.active]
        tables = sum(max(1, 2 ** ((-(-p.max_memory_mib // 64)) - 1).bit_length()) for p in lpars) + 2 * 32
        allocated = sum(p.memory_mib for p in lpars) + 2 * 2048 + tables + 1024
        assert row["Allocated"] == near(allocated / 1024)
        assert row["May be used"] == near(gib * ceiling)
        assert row["Headroom"] == near(gib * ceiling - allocated / 1024)
        assert row["In use, most"] == near(oracle().figures(oracle().total(members(name))).memory / 1024)
        here = [r for r in sized if r["Server"] == name]
        plus = sum(r["Cores freed"] for r in here if r["Cores freed"] > 0)
        minus = -sum(r["Cores freed"] for r in here if r["Cores freed"] < 0)
        assert (freed[name]["Cores freed"], freed[name]["Cores added"]) == (near(plus), near(minus))
        assert freed[name]["Net cores"] == near(plus - minus)
        assert freed[name]["Net GiB"] == near(sum(r["GiB freed"] for r in here))


def test_lpars_cell_by_cell(book: Workbook) -> None:
    found = by(book, "LPARs", "LPAR")
    assert sorted(found) == sorted([*(p.name for p in site().lpars), *(v.name for v in site().vioses)])
    for name in found:
        row = found[name]
        if name not in raw():
            assert row["Verdict"] == "no history" and row["Used, mean"] is None and row["Next month-end"] is None
            continue
        known = {s: (v[0], v[1]) for s, v in oracle().known(name).items()}
        of = oracle().figures(known)
        assert (row["Used, mean"], row["Used, p95"], row["Used, peak"], row["Month-end peak"]) == tuple(
            near(v / 1000) for v in (of.mean, of.high, of.peak, of.month_end)), name
        share = of.month_end / 1000 / row["Entitled"]
        assert row["Peak of entitled"] == near(share)
        assert row["Verdict"] == ("over" if share > 1 else "under" if share < 0.5 else "within")
        assert row["Memory in use, most (GiB)"] == (None if name == "web1" else near(of.memory / 1024))


def up(value: int, margin: int, step: int) -> int:
    """A value and so many per cent more, up to a multiple of ``step``; in exact decimals."""
    exact = Decimal(value) * (100 + margin) / 100 / step
    return int(exact.to_integral_value(ROUND_CEILING)) * step


def test_right_sizing_cell_by_cell(book: Workbook) -> None:
    found = by(book, "Right_sizing", "LPAR")
    vioses = {v.name for v in site().vioses}
    assert not vioses & set(found)
    for p in site().lpars:
        row, known = found[p.name], oracle().known(p.name)
        if p.name in ("off1", "mute1"):
            assert row["Basis"] == ("not activated" if p.name == "off1" else "no history")
            assert (row["Cores freed"], row["GiB freed"]) == (0, 0)
            continue
        margin = 20 if p.environment == "production" else 10
        end = {s: v for s, v in known.items() if oracle().in_end(s)}
        need = max(sorted(v[0] for v in hour)[-1] for h in range(24)
                   if (hour := [v for s, v in end.items() if local(s).hour == h]))
        month = sorted(v[0] for s, v in known.items() if oracle().in_month(s))
        of = {percent: month[-(-percent * len(month) // 100) - 1] for percent in (50, 80, 95)}
        assert [row[f"Month p{p}"] for p in of] == [near(v / 1000) for v in of.values()]
        assert row["Month-end need"] == near(need / 1000)
        if p.processors == "shared" and p.sharing == "uncapped":
            need = of[80 if p.environment == "production" else 50]
        peak = max(v[0] for v in known.values())
        limit = p.entitlement_units * 10 if p.sharing == "capped" else p.virtual_processors * 1000
        held = peak * 100 >= limit * 95
        assert row["At its limit"] == ("yes" if held else "no")
        assert (row["Need"], row["Peak used"]) == (near(need / 1000), near(peak / 1000))
        vps = max(1, up(peak, margin, 1000) // 1000, p.virtual_processors if held else 0)
        units = up(need, margin, 50) // 10
        units = vps * 100 if p.processors == "dedicated" else max(
            min(units, vps * 100), vps * 10, p.entitlement_units if held and p.sharing == "capped" else 0)
        assert row["Right virtual processors"] == vps, p.name
        assert row["Right entitlement"] == near(units / 100), p.name
        less, had = p.entitlement_units - units, p.virtual_processors
        odd = held or (abs(less) >= 20 and not 0.5 < units / p.entitlement_units < 2) or had >= max(2 * vps, vps + 2)
        assert (row["What is odd"] not in (None, "")) == odd, p.name
        assert row["Proposed virtual processors"] == (vps if odd else had)
        assert row["Proposed entitlement"] == near((units if odd else p.entitlement_units) / 100)
        assert row["Cores freed"] == near(less / 100 if odd else 0)
        used = [v[1] for v in known.values() if v[1] is not None]
        memory = max(1024, up(max(used), margin, 256)) if used else p.memory_mib
        assert row["Memory basis"] == ("used" if used else "use not stated")
        assert row["Right (GiB)"] == near(memory / 1024)
        odd = memory > p.memory_mib or 2 * memory <= p.memory_mib
        assert row["Memory odd"] == ("yes" if odd else "no")
        assert row["Proposed (GiB)"] == near((memory if odd else p.memory_mib) / 1024)
        assert row["GiB freed"] == near((p.memory_mib - memory) / 1024 if odd else 0)
    assert found["cap1"]["At its limit"] == "yes" and found["cap1"]["Proposed entitlement"] >= 1


def test_months_cell_by_cell(book: Workbook) -> None:
    rows = rows_of(book, "Trend")
    assert len(rows) == (len(SERVERS) + len(POOLS)) * (len(MONTHS) + 6)
    for row in rows:
        name, month = row["Server or pool"], (row["Month"].year, row["Month"].month)
        assert row["May be used"] == near(USABLE[name])
        peaks = ends(name)
        said = foretold(name)
        ahead = (month[0] - 2026) * 12 + month[1] - 11
        if ahead <= 0:
            of = oracle(month).figures(oracle(month).total(members(name)))
            assert (row["Mean"], row["p95"], row["Peak"], row["Month-end peak"]) == tuple(
                near(v / 1000) for v in (of.mean, of.high, of.peak, of.month_end)), (name, month)
        else:
            assert row["What"] == "forecast" and row["Month-end peak"] is None
            assert row["Forecast"] == near(said.points[ahead - 1] / 1000)
            assert row["Low"] == (near(said.low[ahead - 1] / 1000) if said.low else None)
        if ahead >= 0:
            assert row["At the growth assumed"] == near((peaks[-1] + ahead * said.slope) / 1000)
        else:
            assert row["At the growth assumed"] is None


def test_days_hours_and_month_ends(book: Workbook) -> None:
    for row in rows_of(book, "Hours"):
        total, hour = oracle().total(members(row["Server"])), int(row["Hour"][:2])
        for header, kind in (("Month-end days", DayKind.MONTH_END), ("Working days", DayKind.WORKING),
                             ("Weekends", DayKind.WEEKEND)):
            assert row[header] == near(hourly(row["Server"], kind)[hour] / 1000)
        assert total
    for row in rows_of(book, "Month_end_compared"):
        name = row["Server"]
        normal, end = max(hourly(name, DayKind.WORKING)), max(hourly(name, DayKind.MONTH_END))
        assert (row["Working day"], row["Month-end day"]) == (near(normal / 1000), near(end / 1000))
        assert row["Month-end ÷ working day"] == near(end / normal)
        singles = sum(max(v for s, (v, _) in oracle().names[n].items() if oracle().in_end(s)) for n in members(name))
        assert row["Sum of single peaks"] == near(singles / 1000)
        assert row["Gain of sharing"] == near((singles - ends(name)[-1]) / 1000)
    months = rows_of(book, "Month_ends")
    assert len(months) == 2 * len(MONTHS)
    for row in months:
        at = MONTHS.index((row["Month-end of"].year, row["Month-end of"].month))
        peaks = ends(row["Server"])
        assert row["Month-end peak"] == near(peaks[at] / 1000)
        assert row["On the month before"] == (near(peaks[at] / peaks[at - 1] - 1) if at else None)


@cache
def hourly(name: str, kind: DayKind) -> list[int]:
    return oracle().by_hour(oracle().total(members(name)), kind)


def test_heat_map_cell_by_cell(book: Workbook) -> None:
    sheet = book["Heat map"]
    for number, name in enumerate(SERVERS):
        top = 4 + number * 29
        assert sheet.cell(top, 1).value == name
        assert sheet.cell(top, 10).value == near(USABLE[name])
        most: dict[tuple[int, int], int] = {}
        for s, (v, _) in oracle().total(members(name)).items():
            at = local(s)
            if oracle().in_month(s):
                most[at.day, at.hour] = max(most.get((at.day, at.hour), 0), v)
        for day in range(1, 31):
            assert sheet.cell(top + 1, day + 1).value == day
            marked = sheet.cell(top + 1, day + 1).fill.start_color.rgb == "FFED7D31"
            assert marked == (SITE.kind(datetime(2026, 11, day).date()) is DayKind.MONTH_END)
            for hour in range(24):
                assert sheet.cell(top + 3 + hour, day + 1).value == near(most[day, hour] / 1000)


def test_the_front_page(book: Workbook, figures: Capacity) -> None:
    sheet = book["Summary"]
    said = [sheet.cell(row, 1).value for row in range(4, 9)]
    assert tuple(said) == answer(figures) == tuple(capacity_json(figures)["answer"])
    peaks = {name: ends(name)[-1] / 1000 for name in SERVERS}
    fullest = max(SERVERS, key=lambda n: peaks[n] / USABLE[n])
    assert f"fullest server is {fullest}; its peak is {peaks[fullest]:.1f} of the {USABLE[fullest]:.1f} cores" in said[0]
    over = [n for n in SERVERS if peaks[n] > USABLE[n]]
    assert over and f"{len(over)} of 2 servers over the ceiling" in said[1]
    assert "2 moves" in said[4] and ("still over the ceiling: A" in said[4]) == (
        oracle().figures(oracle().total([n for n in members("A") if n not in ("dev1", "web1")])).month_end / 1000 > USABLE["A"])


def test_the_plan_is_shown_with_its_effect(book: Workbook) -> None:
    effects = by(book, "Plan_servers", "Server")
    goes = {"dev1", "web1"}
    for name, gone, come in (("A", goes, set()), ("B", set(), goes)):
        then = (set(members(name)) - gone) | come
        after = oracle().figures(oracle().total(sorted(then))).month_end
        assert effects[name]["Month-end peak before"] == near(ends(name)[-1] / 1000)
        assert effects[name]["Month-end peak after"] == near(after / 1000)
    assert [r["LPAR"] for r in rows_of(book, "Plan_moves")] == ["dev1", "web1"]


def test_what_does_not_follow_the_levers_says_so(data: bytes) -> None:
    """"The sentences and figures follow the sheet Levers" was not true of the forecast."""
    book = load_workbook(io.BytesIO(data))
    for sheet, table in (("Servers", "Outlook"), ("Pools", "Pools_outlook")):
        found = book[sheet].tables[table]
        top = int(found.ref.split(":")[0].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        fixed = {c.name for c in found.tableColumns if "as made" in c.name}
        assert fixed == {"Peak, next month-end (as made)", "Full, forecast (as made)", "Full, upper end (as made)"}
        assert "does not follow the sheet Levers" in book[sheet].cell(top - 1, 1).value
    assert "not that on a plan" in book["Summary"]["A3"].value


def test_months_until_full_agree_with_the_month(figures: Capacity) -> None:
    """78.0 stood beside a month 79 months away."""
    assert [shown_months(left) for left in (78.0, 78.04, 78.1, 0.0, 0.0000001)] == [78.0, 78.1, 78.1, 0.0, 0.0]
    for place in (*figures.servers, *figures.pools):
        left, full = place.months_left(figures.levers), place.full_in(figures.month, figures.levers, 1000)
        if left is not None and full is not None:
            assert full == month_after(figures.month, math.ceil(shown_months(left)))


def test_what_is_too_far_ahead_is_no_figure_either(figures: Capacity, data: bytes) -> None:
    """84.0 stood beside "> 8 months": the year 2033 in another form."""
    told = {p["name"]: p for p in capacity_json(figures)["servers"]}
    for place in figures.servers:
        left, said = place.months_left(figures.levers), told[place.name]
        far = left is not None and left > figures.far
        assert (said["months_until_full"], said["full_after_months"]) == ((None, figures.far) if far else (left, None))
    sheet = load_workbook(io.BytesIO(data))["Servers"]
    shown = [rule.dxf.numFmt.formatCode for at in sheet.conditional_formatting for rule in at.rules
             if rule.dxf and rule.dxf.numFmt]
    assert shown == ['"too far"']


def test_the_trend_begins_near_its_figures(data: bytes) -> None:
    axes = [chart.y_axis.scaling.min for chart in load_workbook(io.BytesIO(data))["Trend"]._charts]
    assert len(axes) == 3 and min(axes) > 0
    for axis, name in zip(axes, ("A", "B", "A / Ledger"), strict=True):
        assert 0.5 * min(ends(name)) / 1000 < axis < min(*ends(name), USABLE[name] * 1000) / 1000


def test_the_legs_of_a_plan_are_told_apart(history: History) -> None:
    """Days of work between them were added to the moves: "4 moves, 268 h 03 min in all"."""
    moves = [move(site(), "dev1", "A", "B"), replace(move(site(), "dev1", "B", "A"), leg=BACK, start_ms=965_000_000)]
    plan = plan_of(moves, "A", verified=True)
    book = load_workbook(io.BytesIO(capacity_workbook(capacity(
        loaded(site()), history, CapacityOptions(MONTH, SITE, months=1), plan))))
    took = [show_duration(plan.leg_span_s(leg)) for leg in (OUT, BACK)]
    assert f"1 move out in {took[0]}, 1 move back in {took[1]}." in book["Moves"]["A2"].value


def test_the_clocks_of_a_plan_are_told_with_their_zone(history: History) -> None:
    window = replace(window_from("2026-12-05 22:00/04:00"), zone="Asia/Kathmandu")
    plan = plan_of([move(site(), "dev1", "A", "B")], "A", verified=True, window=window)
    book = load_workbook(io.BytesIO(capacity_workbook(capacity(
        loaded(site()), history, CapacityOptions(MONTH, SITE, months=1), plan))))
    assert "Window: 2026-12-05 22:00 – 2026-12-06 04:00 (Asia/Kathmandu)." in book["Moves"]["A2"].value


def test_a_plan_in_lanes_has_numbers_lanes_and_waits_in_place_of_waves(history: History) -> None:
    first, second = move(site(), "dev1", "A", "B"), move(site(), "web1", "A", "B")
    plan = plan_of([replace(first, number=1, lane=1), replace(second, number=2, lane=2, waits=(
        Wait(1, "arrived", "memory.capacity", "needs the room that dev1 leaves"),))], "A", verified=True)
    book = load_workbook(io.BytesIO(capacity_workbook(capacity(
        loaded(site()), history, CapacityOptions(MONTH, SITE, months=1), plan))))
    rows = rows_of(book, "Plan_moves")
    assert [(r["LPAR"], r["Number"], r["Lane"], "Wave" in r) for r in rows] == [("dev1", 1, 1, False), ("web1", 2, 2, False)]
    assert [r["Waits for"] or "" for r in rows] == ["", "1"]


def test_what_moves_to_slower_cores_uses_more_of_them(history: History) -> None:
    """As headroom counts it; a faster server is not credited."""
    of = site().replace(servers=tuple(replace(s, model=model) for s, model in zip(
        site().servers, ("9117-MMC", "9117-MMA"), strict=True)))
    fast, slow = (rperf_per_core(s.model) or 0 for s in of.servers)
    assert fast > slow
    plan = plan_of([move(of, "web1", "A", "B"), move(of, "batch1", "B", "A")], "A", verified=True)
    found = capacity(loaded(of), history, CapacityOptions(MONTH, SITE, months=1), plan).plan
    assert found
    there = {n: oracle().total([n]) for n in {*members("A"), *members("B")}}
    wanted = []
    for names in (set(members("A")) - {"web1"} | {"batch1"}, set(members("B")) - {"batch1"} | {"web1"}):
        slower = {"web1"} & names if "ded1" in names else set()
        wanted.append(max(sum(math.ceil(there[n][s][0] * (fast / slow)) if n in slower else there[n][s][0]
                              for n in names) for s in oracle().starts if oracle().in_end(s)))
    assert [e.peak_after for e in found.effects] == wanted


def test_gaps_are_told(book: Workbook) -> None:
    records = by(book, "Records", "LPAR or VIOS")
    hours = 30 * 24
    missing = {name: sum(1 for s in oracle().starts if oracle().in_month(s)) - sum(
        1 for s in oracle().known(name) if oracle().in_month(s)) for name in raw()}
    assert missing["dev1"] == 60
    for name, count in missing.items():
        assert records[name]["Missing of the month"] == near(count / hours)
    assert records["mute1"]["How it is counted"] == "its entitlement counts at all times"
    told = {f["Rule"]: f"{f['Subject']}: {f['What was found']}" for f in rows_of(book, "Findings")}
    assert len(told) == len(rows_of(book, "Findings"))
    assert all(name in told[rule] for name, rule in (
        ("mute1", "history.missing"), ("dev1", "history.coarse"), ("2026-11", "history.month-end")))
    assert not any("off1" in text for text in told.values())


def test_what_a_person_expects_of_a_workbook(data: bytes) -> None:
    book = load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["Summary", "Levers", "Servers", "Pools", "Trend", "Month-end", "Heat map", "LPARs",
                               "Right-sizing", "Moves", "Trend data", "Day data", "Data", "Findings", "All findings"]
    assert {"cpu_ceiling", "memory_ceiling", "growth_override", "margin_production"} <= set(book.defined_names)
    for sheet in book:
        assert sheet.print_area and sheet.page_setup.orientation == "landscape" and (
            sheet.page_setup.fitToWidth == (2 if sheet.title in ("LPARs", "Right-sizing") else None))
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.oddFooter.right.text == "Page &P of &N"
        assert sheet.freeze_panes or sheet.title in ("Summary", "Trend")
        for table in sheet.tables.values():
            assert table.autoFilter is not None
    assert [len(book[s]._charts) for s in ("Summary", "Trend", "Month-end")] == [1, 3, 2]
    assert book["LPARs"].print_title_rows == "$4:$4" and book["LPARs"].print_title_cols == "$A:$A"
    servers = book["Servers"]
    assert servers["F5"].value == "=cpu_ceiling" and servers["F6"].value == 0.8
    assert servers["F5"].number_format == "0 %"


def test_two_months_added_twice_change_nothing(tmp_path: Path, data: bytes, figures: Capacity) -> None:
    """In another order, in other portions, two months a second time under another name: the same bytes."""
    with History.open(tmp_path / "h") as history:
        for n, months in enumerate(([(2026, 10), (2026, 11)], MONTHS[:4], MONTHS[4:6], [(2026, 10), (2026, 11)])):
            history.add_columns(columns(months), f"part {n}", f"part {n}", ZONE)
        assert figures.plan
        again = capacity(loaded(site()), history, CapacityOptions(MONTH, SITE), figures.plan.plan)
    assert capacity_workbook(again) == data


def test_names_cannot_become_formulas(tmp_path: Path) -> None:
    """A server's name with a quotation mark stands in a formula of the heat map; one that begins with = is text."""
    odd = estate([server('=1+"x"'), server("B")], [lpar("=2+3", '=1+"x"', 1, 4), lpar("b", "B", 1, 4)])
    with History.open(tmp_path / "h") as history:
        fill(history)
        found = capacity_workbook(capacity(loaded(odd), with_usage(history, "=2+3"), CapacityOptions(MONTH, SITE, months=1)))
    book = load_workbook(io.BytesIO(found), data_only=True)
    assert '=1+"x"' in by(book, "Servers", "Server")
    assert '=1+""x""' in load_workbook(io.BytesIO(found))["Heat map"]["J4"].value
    assert "=2+3" in by(book, "LPARs", "LPAR")


def with_usage(history: History, name: str) -> History:
    part = columns([MONTH])
    part.entities = [("lpar", name, "x") for _ in part.entities]
    history.add_columns(part, name, name, ZONE)
    return history


soffice = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")

_ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">
<value>0</value></prop></item></oor:items>"""


def recalculated(directory: Path, *files: bytes) -> list[Workbook]:
    """The workbooks as LibreOffice saves them after it has computed every formula anew."""
    profile, out = directory / "profile", directory / "out"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_ALWAYS)
    names = []
    for number, data in enumerate(files):
        names.append(directory / f"book{number}.xlsx")
        names[-1].write_bytes(data)
    subprocess.run(["soffice", "--headless", f"-env:UserInstallation=file://{profile}", "--convert-to", "xlsx",
                    "--outdir", str(out), *map(str, names)], check=True, capture_output=True, timeout=170)
    return [load_workbook(out / name.name, data_only=True) for name in names]


def formulas(book: Workbook) -> list[tuple[str, str]]:
    return [(sheet.title, cell.coordinate) for sheet in book for row in sheet.iter_rows()
            for cell in row if isinstance(cell.value, str) and cell.value.startswith("=")]


@soffice
def test_recalculated_in_libreoffice(tmp_path: Path, data: bytes, book: Workbook, history: History) -> None:
    """No error cell; every stored result is what LibreOffice computes; with other levers in the Levers sheet the
    results are those of a workbook that was made with these levers."""
    other = load_workbook(io.BytesIO(data))
    places = formulas(other)
    for name, value in (("cpu_ceiling", 0.7), ("growth_override", 0.02), ("margin_other", 0.5),
                        ("margin_production", 0.0), ("memory_ceiling", 0.8), ("entitle_production", 95),
                        ("entitle_other", 80), ("right_size", "all")):
        sheet, _, cell = other.defined_names[name].attr_text.partition("!")
        other[sheet][cell.replace("$", "")] = value
    edited = io.BytesIO()
    other.save(edited)
    levers = Levers(cpu_ceiling=70, memory_ceiling=80, growth=2.0, margin_production=0, margin_other=50,
                    entitle_production=95, entitle_other=80, propose_all=True)
    made = capacity_workbook(capacity(loaded(site()), history, CapacityOptions(MONTH, SITE, levers)))
    as_made, changed_there, made_there = recalculated(tmp_path, data, edited.getvalue(), made)
    assert len(places) > 250
    for sheet, cell in places:
        assert agrees(as_made[sheet][cell].value, book[sheet][cell].value), (sheet, cell)
    wanted = load_workbook(io.BytesIO(made), data_only=True)
    changes = 0
    for sheet, cell in formulas(load_workbook(io.BytesIO(made))):
        assert agrees(made_there[sheet][cell].value, wanted[sheet][cell].value), (sheet, cell)
        if (sheet, cell) != ("Summary", "A8"):
            assert agrees(changed_there[sheet][cell].value, wanted[sheet][cell].value), (sheet, cell)
            changes += not agrees(book[sheet][cell].value, wanted[sheet][cell].value)
    assert changes > 100
    assert "Recommended: take" in made_there["Summary"]["A8"].value
    assert made_there["Summary"]["A8"].value.endswith("Nothing is said of B (4 of 5 LPARs measured).")
    assert not any(str(cell.value).startswith("#") for one in (as_made, changed_there) for sheet in one
                   for row in sheet.iter_rows() for cell in row)


def agrees(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return bool(one == pytest.approx(other, abs=1e-9))
    return bool(one == other or (one in (None, "") and other in (None, "")))


def test_other_levers_at_once(history: History) -> None:
    """A policy's ceiling stands whatever is given; nothing is full where nothing grows."""
    calm = changed(site(), "led1", entitlement_units=300)
    found = capacity(loaded(calm), history, CapacityOptions(MONTH, SITE, Levers(cpu_ceiling=100, growth=0.0)))
    assert [(p.name, p.ceiling) for p in found.servers] == [("A", 100), ("B", 80)]
    assert {p.months_left(found.levers) for p in found.servers} <= {None, 0.0}
    assert "no further server reaches its ceiling" in answer(found)[2]
