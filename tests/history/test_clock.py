"""Local times where summer time begins and ends (Berlin: 2026-03-29 02:00 and 2026-10-25 03:00)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InputError
from planner.formats.samples import ClockNotes, spans
from planner.history.clock import Clock

BERLIN = Clock("Europe/Berlin")


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[misc]


def test_hour_that_occurs_twice() -> None:
    notes = ClockNotes()
    local = [datetime(2026, 10, 25, h, m) for h, m in ((1, 30), (2, 0), (2, 30), (2, 0), (2, 30), (3, 0))]
    assert BERLIN.instants(local, notes) == [utc(2026, 10, 24, 23, 30) + 1800 * n for n in range(6)]
    assert notes == ClockNotes()


def test_hourly_labels_and_descending_order() -> None:
    hours = [datetime(2026, 10, 25, h) for h in (1, 2, 2, 3)]
    expected = [utc(2026, 10, 24, 23) + 3600 * n for n in range(4)]
    assert BERLIN.instants(hours, ClockNotes()) == expected
    assert BERLIN.instants(hours[::-1], ClockNotes()) == expected[::-1]


def test_a_series_that_begins_in_that_hour_is_told() -> None:
    notes = ClockNotes()
    assert BERLIN.instants([datetime(2026, 10, 25, 2, 30)], notes) == [utc(2026, 10, 25, 0, 30)]
    assert notes.guessed == [datetime(2026, 10, 25, 2, 30)]


def test_hour_that_does_not_exist() -> None:
    notes = ClockNotes()
    local = [datetime(2026, 3, 29, 1, 59), datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 3, 0)]
    assert BERLIN.instants(local, notes) == [utc(2026, 3, 29, 0, 59), utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 1, 0)]
    assert notes.nonexistent == [local[1]]


def test_clock_set_back_on_another_day() -> None:
    notes = ClockNotes()
    BERLIN.instants([datetime(2026, 5, 1, h) for h in (8, 10, 9, 11)], notes)
    assert notes.back == [(datetime(2026, 5, 1, 10), datetime(2026, 5, 1, 9))]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "UTC"]),
       st.integers(1_740_000_000, 1_800_000_000), st.sampled_from([60, 300, 900]), st.integers(2, 400))
def test_what_a_running_clock_shows_is_understood(zone: str, start: int, step: int, count: int) -> None:
    """Samples from well before a change to after it come back to the instants that they were taken at."""
    clock = Clock(zone)
    truth = [start - 7200 + step * n for n in range(count + 7200 // step)]
    local = [clock.local(at) for at in truth]
    notes = ClockNotes()
    found = clock.instants(local, notes)
    if not notes.guessed:
        assert found == truth
    assert not notes.nonexistent


def test_unknown_zone() -> None:
    for name in ("Europe/Bertin", "", "../etc/passwd", "\0"):
        with pytest.raises(InputError, match="IANA"):
            Clock(name)


def test_spans() -> None:
    assert spans([0, 300, 601, 5000, 4000]) == [300, 300, 301, 300, 300]
    assert spans([10]) == [300]
    assert spans([0, 60], 60) == [60, 60]
    assert spans([]) == []
    assert timedelta(seconds=sum(spans(list(range(0, 86400, 300))))) == timedelta(days=1)
