"""Monthly figures against plain arithmetic on the raw samples."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from landscape import build_usage, landscape
from usage_writer import columns

from planner.history.calendar import Calendar
from planner.history.clock import Clock
from planner.history.monthly import Monthly, monthly, monthly_sets, months_of
from planner.history.store import History

ZONE = "Australia/Melbourne"
CLOCK = Clock(ZONE)
SITE = Calendar(country="AU", subdivision="VIC")
P595_2 = "SN8379A80_p595-2"


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return CLOCK.instant(datetime(year, month, day, hour))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(tmp_path / "h") as opened:
        yield opened


def hourly(name: str, first: int, count: int, used: list[int]) -> list[tuple[str, int, int]]:
    return [(name, first + 3600 * (n + 1), used[n]) for n in range(count)]


def test_one_lpar_by_hand(history: History) -> None:
    """November and the first days of December: December's second working day is the 2nd."""
    draw = random.Random(1)
    count = (30 + 3) * 24
    used = [draw.randrange(100, 900) for _ in range(count)]
    used[29 * 24 + 10] = 1500       # Monday the 30th, the last working day
    used[31 * 24 + 10] = 1700       # Wednesday, 2 December, the second working day
    used[32 * 24 + 10] = 2000       # Thursday, 3 December, is of no month-end
    used[14 * 24 + 3] = 3000        # Sunday, 15 November
    history.add_columns(columns(hourly("a", at(2026, 11, 1), count, used), span=3600), "x", "0" * 64, ZONE)
    november, december = monthly(history, SITE, lpars=["a"], step_s=3600)
    month = sorted(used[:720])
    assert november == Monthly((2026, 11), round(sum(month) / 720), month[684 - 1], 3000, 1700, 720, 0, 120, 0, 0)
    assert (december.month, december.peak, december.slots, december.missing) == ((2026, 12), 2000, 72, 31 * 24 - 72)
    assert (december.month_end_peak, december.month_end_slots, december.month_end_missing) == (None, 0, 120)
    assert november.counts() and not december.counts() and not december.counts("mean")


def test_a_set_is_summed_slot_by_slot(history: History) -> None:
    """a and b never peak together; b is not recorded in the second half."""
    a = [1000 if n % 2 else 100 for n in range(720)]
    b = [100 if n % 2 else 1000 for n in range(360)]
    history.add_columns(columns(hourly("a", at(2026, 11, 1), 720, a) + hourly("b", at(2026, 11, 1), 360, b), span=3600),
                        "x", "0" * 64, ZONE)
    both = monthly(history, SITE, lpars=["b", "a", "a"], step_s=3600)[0]
    assert (both.peak, both.slots, both.missing, both.partial) == (1100, 720, 0, 360)
    assert both.mean == round((360 * 1100 + 360 * 550) / 720)
    sets = monthly_sets(history, SITE, {"both": ["a", "b"], "alone": ["b"], "none": []}, step_s=3600)
    assert sets["both"] == [both]
    assert sets["alone"] == monthly(history, SITE, lpars=["b"], step_s=3600)
    assert (sets["alone"][0].slots, sets["alone"][0].missing) == (360, 360)
    assert sets["none"][0].mean is None and sets["none"][0].slots == 0


def test_a_month_without_a_sample_is_there_and_empty(history: History) -> None:
    rows = hourly("a", at(2026, 8, 1), 24, [5] * 24) + hourly("a", at(2026, 10, 1), 24, [7] * 24)
    history.add_columns(columns(rows, span=3600), "x", "0" * 64, ZONE)
    assert months_of(history) == ((2026, 8), (2026, 9), (2026, 10))
    found = monthly(history, SITE, lpars=["a"], step_s=3600)
    assert [m.peak for m in found] == [5, None, 7]
    assert found[1] == Monthly((2026, 9), None, None, None, 7, 0, 720, 24, 96, 0)  # 1 October is of its month-end
    assert not found[1].counts()


def test_an_empty_history_has_no_month(history: History) -> None:
    assert months_of(history) == () and monthly(history, SITE, lpars=["a"]) == []


def test_a_server_is_what_ran_on_it(history: History) -> None:
    first = hourly("a", at(2026, 11, 1), 100, [500] * 100)
    then = hourly("a", at(2026, 11, 1) + 360_000, 100, [700] * 100)
    history.add_columns(columns(first, span=3600, server="s1"), "x", "0" * 64, ZONE)
    history.add_columns(columns(then, span=3600, server="s2"), "y", "1" * 64, ZONE)
    peaks = [monthly(history, SITE, server=server, step_s=3600)[0].peak for server in ("s1", "s2")]
    assert peaks == [500, 700]
    assert monthly(history, SITE, lpars=["a"], step_s=3600)[0].peak == 700
    assert monthly(history, SITE, lpars=["a"], server="s1", step_s=3600)[0].slots == 100


def test_the_landscape_s_known_month_ends(tmp_path: Path) -> None:
    """Every month's peak is exact, October's too, in which summer time begins."""
    usage = build_usage.landscape_usage(landscape(), months=3, step_s=3600)
    with History.open(tmp_path / "g") as made:
        usage.into(made)
        server = monthly(made, SITE, server=P595_2, step_s=3600)
        assert [m.month_end_peak for m in server] == [usage.sum_at(P595_2, 10, month) for month in usage.months]
        assert [m.slots for m in server] == [720, 31 * 24 - 1, 720] and not any(m.missing for m in server)
        production = {x.lpar.name: [x.lpar.name] for x in usage.loads if x.kind == "production"}
        found = monthly_sets(made, SITE, production, step_s=3600)
        for name, months in found.items():
            assert [m.month_end_peak for m in months] == [usage.peak(name, month) for month in usage.months]
