"""Profiles: golden cases by hand, and a generated landscape with a known month-end peak."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landscape import landscape as sample
from portion import portion
from usage_writer import bucket_sums, columns

from planner.errors import InputError
from planner.estate.model import Lpar
from planner.formats.samples import Kind
from planner.history.calendar import Bucket, Calendar, DayKind
from planner.history.clock import Clock
from planner.history.profiles import (
    ENTITLEMENT,
    HISTORY,
    Profiles,
    at_percentile,
    exact_percentile,
    local_hours,
    month_range,
    profiles,
    recorded,
)
from planner.history.store import Columns, History

ZONE = "Australia/Melbourne"
CLOCK = Clock(ZONE)
SITE = Calendar(country="AU", subdivision="VIC")
WORKING_10 = Bucket(DayKind.WORKING, 10)
END_10 = Bucket(DayKind.MONTH_END, 10)


def lpar(name: str, units: int = 50, memory: int = 4096) -> Lpar:
    return Lpar(name, "s1", units, 2, memory, memory)


def at(day: int, hour: int, slot: int, month: int = 11) -> int:
    """The end of a 5-minute slot of an hour in 2026, local."""
    return CLOCK.instant(datetime(2026, month, day, hour)) + 300 * (slot + 1)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History.open(tmp_path / "h")


def test_percentile_is_the_nearest_rank() -> None:
    values = np.array([15, 20, 35, 40, 50])
    assert [at_percentile(values, Fraction(p)) for p in (5, 30, 40, 50, 100)] == [15, 20, 20, 35, 50]
    assert at_percentile(np.arange(1, 1001), exact_percentile("99.9")) == 999
    for wrong in (0, 101, "x", -5, "1/0", float("nan")):
        with pytest.raises(InputError, match="percentile"):
            exact_percentile(wrong)


def test_peak_of_the_sum_by_hand(history: History) -> None:
    """On Tuesday 2026-11-10 a peaks in the first slot of the hour from 10:00 and b in the second: 1.1 together."""
    first, second = at(10, 10, 0), at(10, 10, 1)
    rows = [("a", first, 1000), ("a", second, 100), ("b", first, 100), ("b", second, 900)]
    history.add_columns(columns(rows), "x", "x", ZONE)
    found = profiles(history, [lpar("b"), lpar("a")], SITE, percentile=100)
    assert found.profile("a").physc[WORKING_10] == 1000
    assert found.profile("b").physc[WORKING_10] == 900
    together = bucket_sums(found, ["a", "b"])[WORKING_10]
    assert (together.value, together.sum_of_singles) == (1100, 1900)
    assert (together.slots, together.filled) == (2, 0)
    assert bucket_sums(found, ["a", "b"], "memory")[WORKING_10].value == 2000
    month = recorded(history, SITE, lpars=["a", "b"], month=(2026, 11)).physc.sums
    assert (month[WORKING_10].value, month[WORKING_10].sum_of_singles) == (1100, 1900)
    assert recorded(history, SITE, server="s1", month=(2026, 11)).physc.sums[WORKING_10].value == 1100


def test_a_hole_takes_the_lpars_own_percentile(history: History) -> None:
    rows = [("a", at(10, 10, 0), 400), ("a", at(10, 10, 2), 300), *(("b", at(10, 10, n), 100 + n) for n in range(3))]
    history.add_columns(columns(rows), "x", "x", ZONE)
    found = profiles(history, [lpar("a"), lpar("b")], SITE, percentile=100)
    assert found.series("a").tolist()[:3] == [400, 400, 300]
    together = bucket_sums(found, ["a", "b"])[WORKING_10]
    assert (together.value, together.filled) == (501, 1)
    assert recorded(history, SITE, lpars=["a", "b"], month=(2026, 11)).physc.sums[WORKING_10].value == 500


def test_without_history_the_entitlement_stands_in(history: History) -> None:
    history.add_columns(columns([("a", at(10, 10, 0), 400)]), "x", "x", ZONE)
    found = profiles(history, [lpar("a", 20), lpar("new", 150, 8192)], SITE, percentile=100)
    new = found.profile("new")
    assert (new.source, new.physc[END_10], new.memory_mib[END_10]) == (ENTITLEMENT, 1500, 8192)
    known = found.profile("a")
    assert (known.source, known.physc[WORKING_10], known.memory_mib[WORKING_10]) == (HISTORY, 400, 1000)
    assert known.physc[END_10] == 400
    assert known.physc[Bucket(DayKind.MONTH_END, 11)] == 200
    assert len(known.missing) == 71
    assert bucket_sums(found, ["a", "new"])[WORKING_10].value == 1900
    assert bucket_sums(found, ["a", "new"])[END_10].value == 1900
    assert [(f.rule, f.subject) for f in found.findings] == [("history.missing-bucket", "a"),
                                                             ("history.missing", "new")]
    assert "1.50 cores" in found.findings[1].message


def test_coarse_history_is_told(history: History) -> None:
    history.add_columns(columns([("a", at(10, 10, 11), 400)], span=3600), "x", "x", ZONE)
    found = profiles(history, [lpar("a")], SITE)
    assert "history.coarse" in {f.rule for f in found.findings}
    assert found.profile("a").slots == 12


def test_an_empty_history_and_an_unknown_server(history: History) -> None:
    found = profiles(history, [lpar("a")], SITE)
    assert found.profile("a").source == ENTITLEMENT
    assert bucket_sums(found, ["a"])[END_10].value == 500
    assert bucket_sums(found, [])[END_10].value == 0
    with pytest.raises(InputError, match="no usage"):
        recorded(history, SITE, server="s9", month=(2026, 11))


def test_buckets_follow_the_local_clock(history: History) -> None:
    """Melbourne's summer time begins on Sunday 2026-10-04 at 02:00: 10:00 is 00:00 UTC before and 23:00 UTC after."""
    history.add_columns(columns([("a", at(2, 10, 0, 10), 200), ("a", at(5, 10, 0, 10), 300)]), "x", "x", ZONE)
    found = profiles(history, [lpar("a")], Calendar(last=0, first=0), percentile=100)
    assert found.profile("a").physc[WORKING_10] == 300
    assert bucket_sums(found, ["a"])[WORKING_10].slots == 12 + 1


def test_what_is_not_known_has_no_part_in_a_percentile(history: History) -> None:
    """Two of the twelve slots of an hour of a, ten of b: half of the known ones of each."""
    rows = [("a", at(10, 10, n), used) for n, used in ((2, 700), (7, 900))] + [("b", at(10, 10, n), 100 * n) for n in range(1, 11)]
    history.add_columns(columns(rows), "x", "x", ZONE)
    found = profiles(history, [lpar("a"), lpar("b")], SITE, percentile=50)
    assert [found.profile(n).physc[WORKING_10] for n in "ab"] == [700, 500]
    slot = int(np.flatnonzero(found.grid.physc[0] < 0)[0])
    assert found.series("a")[slot] == 700 and found.series("b").min() >= 100


@pytest.mark.parametrize("zone", [ZONE, "Australia/Lord_Howe", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"])
def test_local_hours_are_those_of_each_instant(zone: str) -> None:
    """All quarters of an hour of 2026: clocks are put on and back, by half an hour too."""
    first = int(datetime(2025, 12, 31, tzinfo=UTC).timestamp())
    instants = np.arange(first, first + 367 * 86_400, 900, dtype=np.int64)
    days, hours = local_hours(instants, Clock(zone))
    local = [datetime.fromtimestamp(one, ZoneInfo(zone)) for one in instants.tolist()]
    assert days.tolist() == [t.toordinal() for t in local] and hours.tolist() == [t.hour for t in local]


# --- the sample landscape ---------------------------------------------------------------------------------------------

PEAK_DAYS = {date(2026, 9, 28), date(2026, 9, 29), date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 2)}
CRITICAL = ("hxaix09adm", "hxaix33", "hxaix51")


def _month_end_history(path: Path, lpars: list[Lpar]) -> History:
    """September and October 2026, hourly: the critical LPARs use four times their entitlement at month-end, 08 to 18;
    the others half of theirs always. The 25th (a Friday, Grand Final) is a holiday in Victoria: no month-end day."""
    start, end = month_range(CLOCK, 2026, 9)[0], month_range(CLOCK, 2026, 10)[1]
    ends = np.arange(start + 3600, end + 1, 3600)
    local = [CLOCK.local(int(one) - 1800) for one in ends]
    peak = np.array([SITE.kind(when.date()) is DayKind.MONTH_END and 8 <= when.hour < 18 for when in local])
    values: dict[str, list[np.ndarray]] = {}
    for one in lpars:
        base = np.full(len(ends), one.entitlement_units * 5)
        used = np.where(peak, base * 8, base) if one.name in CRITICAL else base
        constant = {"span": 3600, "ent": one.entitlement_units, "mem_used": one.memory_mib // 2,
                    "mem_total": one.memory_mib}
        for name, row in ({"t": ends, "physc": used} | {k: np.full(len(ends), v) for k, v in constant.items()}).items():
            values.setdefault(name, []).append(row)
    entities = [(Kind.LPAR.value, one.name, one.server) for one in lpars for _ in ends]
    history = History.open(path)
    history.add_columns(Columns("sample", entities, {name: np.concatenate(rows) for name, rows in values.items()}),
                        "generated", "0" * 64, ZONE)
    return history


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> tuple[History, list[Lpar], Profiles]:
    lpars = list(sample().lpars)
    history = _month_end_history(tmp_path_factory.mktemp("landscape") / "h", lpars)
    return history, lpars, profiles(history, lpars, SITE, percentile=95)


def test_the_month_end_peak_is_found(landscape: tuple[History, list[Lpar], Profiles]) -> None:
    _, lpars, found = landscape
    assert {day for day in PEAK_DAYS if SITE.kind(day) is not DayKind.MONTH_END} == set()
    for one in lpars:
        profile = found.profile(one.name)
        assert profile.missing == ()
        normal = one.entitlement_units * 5
        for bucket, used in profile.physc.items():
            high = one.name in CRITICAL and bucket.kind is DayKind.MONTH_END and 8 <= bucket.hour < 18
            assert used == (normal * 8 if high else normal), (one.name, bucket)


def test_the_sum_of_a_server_at_month_end(landscape: tuple[History, list[Lpar], Profiles]) -> None:
    history, lpars, found = landscape
    on = [one for one in lpars if one.server == "SN8379A80_p595-2"]
    expected = sum(one.entitlement_units * 5 * (8 if one.name in CRITICAL else 1) for one in on)
    assert bucket_sums(found, [one.name for one in on])[END_10].value == expected
    assert bucket_sums(found, [one.name for one in on])[WORKING_10].value == sum(o.entitlement_units * 5 for o in on)
    month = recorded(history, SITE, server="SN8379A80_p595-2", month=(2026, 9)).physc.sums
    assert max(month, key=lambda bucket: month[bucket].value).kind is DayKind.MONTH_END
    assert month[END_10].value == expected


@settings(max_examples=portion(10), deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 47), st.integers(0, 3000)), min_size=1, max_size=60))
def test_the_peak_of_the_sum_is_never_above_the_sum_of_the_peaks(rows: list[tuple[str, int, int]]) -> None:
    unique = {(name, at(10, 0, 0) + 1500 * slot): used for name, slot, used in rows}
    with tempfile.TemporaryDirectory() as scratch, History.open(Path(scratch) / "h") as history:
        history.add_columns(columns([(n, t, used) for (n, t), used in unique.items()]), "x", "x", ZONE)
        found = profiles(history, [lpar(name) for name in "abc"], SITE, percentile=100)
        for together in bucket_sums(found, "abc").values():
            assert together.value <= together.sum_of_singles
        for name in {name for name, _ in unique}:
            alone = bucket_sums(found, [name])
            assert all(alone[bucket].value == used for bucket, used in found.profile(name).physc.items())
