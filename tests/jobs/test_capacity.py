"""Figures of the capacity report where records are few."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from capacity_site import MONTH, SITE, ZONE, columns, local, site, stamp
from estates import estate, loaded, lpar, server
from openpyxl import load_workbook
from typer.testing import CliRunner

from planner.cli import app
from planner.errors import InputError, UsageError
from planner.estate.model import Estate
from planner.formats.samples import Kind
from planner.history.calendar import Calendar
from planner.history.store import Columns, History
from planner.jobs.capacity import Capacity, CapacityOptions, capacity
from planner.report.capacity import answer, capacity_json, capacity_workbook


def hours(history: History, name: str, first: datetime, last: datetime, physc: int) -> None:
    ends = list(range(stamp(first) + 3600, stamp(last) + 1, 3600))
    history.add_columns(Columns("sample", [(Kind.LPAR.value, name, "A")] * len(ends), {
        "t": ends, "span": [3600] * len(ends), "physc": [physc] * len(ends), "ent": [-1] * len(ends),
        "mem_used": [1024] * len(ends), "mem_total": [-1] * len(ends)}), f"{name} {first}", f"{name} {first}", ZONE)


def asked(history: History, of: Estate, **changes: int) -> Capacity:
    return capacity(loaded(of), history, CapacityOptions(MONTH, SITE, **changes))


ONE = estate([server("A")], [lpar("a", "A", 1, 4)])


def test_a_month_that_is_not_over(tmp_path: Path) -> None:
    """Recorded to the 20th: no month-end peak, so the peak of the month stands in, and that is said."""
    with History.open(tmp_path / "h") as history:
        hours(history, "a", datetime(2026, 11, 1), datetime(2026, 11, 20), 700)
        found = asked(history, ONE)
    place = found.servers[0]
    assert place.usage.month_end is None and place.outlook is None
    assert place.used == (700 + 1000) / 1000  # two VIOSes without a record: half a core each
    told = next(f for f in found.findings if f.rule == "history.month-end")
    assert told.message == ("0 % of its month-end days are recorded: too few, so the peak of the month stands for the "
                            "month-end peak")
    assert found.lpars[0].sizing.basis == "too little history"
    assert capacity_workbook(found)


def test_a_month_without_a_record_is_told_and_not_invented(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        hours(history, "a", datetime(2026, 8, 1), datetime(2026, 9, 3), 500)
        hours(history, "a", datetime(2026, 11, 1), datetime(2026, 12, 3), 700)
        found = asked(history, ONE)
    assert found.months == ((2026, 8), (2026, 9), (2026, 10), (2026, 11))
    assert found.absent == ((2026, 10),)
    place = found.servers[0]
    assert {m: u.month_end for m, u in place.past.items()} == {(2026, 8): 1500, (2026, 9): None, (2026, 11): 1700}
    assert place.outlook and place.outlook.made.months_used == 2 and not place.outlook.made.low
    assert "2026-10" in "; ".join(place.outlook.made.notes)
    assert capacity_workbook(found)


def test_what_comes_later_was_not_there_before(tmp_path: Path) -> None:
    """Before its first sample an LPAR uses nothing; once it is there, a month without a record counts as entitled."""
    both = estate([server("A")], [lpar("a", "A", 1, 4), lpar("b", "A", 2, 4)])
    with History.open(tmp_path / "h") as history:
        hours(history, "a", datetime(2026, 8, 1), datetime(2026, 12, 3), 500)
        hours(history, "b", datetime(2026, 9, 10), datetime(2026, 10, 1), 300)
        found = asked(history, both)
    past = {m[1]: u.month_end for m, u in found.servers[0].past.items()}
    assert past == {8: 1500, 9: 1800, 10: 3500, 11: 3500}
    gap = next(g for g in found.gaps if g.name == "b")
    assert gap.effect == "its entitlement counts at all times" and gap.missing == gap.slots


def test_summer_time_begins(tmp_path: Path) -> None:
    """4 October 2026 has 23 hours in Melbourne; all of them are known, and 02:00 is empty in the heat map."""
    with History.open(tmp_path / "h") as history:
        hours(history, "a", datetime(2026, 10, 1), datetime(2026, 11, 4), 500)
        found = capacity(loaded(ONE), history, CapacityOptions((2026, 10), SITE))
    assert found.servers[0].usage.slots == (31 * 24 - 1) * 12
    day = found.servers[0].heat[local(stamp(datetime(2026, 10, 4, 12))).date()]
    assert [h for h, v in enumerate(day) if v is None] == [2]


def test_without_a_month_end(tmp_path: Path) -> None:
    """A calendar that names no month-end days: the peak of the month counts, and the workbook is whole."""
    with History.open(tmp_path / "h") as history:
        hours(history, "a", datetime(2026, 11, 1), datetime(2026, 12, 3), 500)
        found = capacity(loaded(ONE), history, CapacityOptions(MONTH, Calendar(last=0, first=0)))
    assert found.month_end_days == () and found.servers[0].used == 1.5
    assert capacity_workbook(found)


def test_an_estate_of_a_server_alone(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        history.add_columns(columns([MONTH]), "x", "x", ZONE)
        bare = estate([server("A")], [], vioses=())
        with pytest.raises(InputError, match="nothing of this estate"):
            asked(history, bare)
        with pytest.raises(UsageError, match="no servers"):
            asked(history, Estate())
        with pytest.raises(InputError, match="2026-02"):
            capacity(loaded(site()), history, CapacityOptions((2026, 2), SITE))


def test_little_measured_is_said_first_and_nothing_is_recommended(tmp_path: Path) -> None:
    """One LPAR of four was recorded, and the front page said that nothing has to move."""
    many = estate([server("A", 20)], [lpar(name, "A", 1, 4) for name in "abcd"])
    with History.open(tmp_path / "h") as history:
        hours(history, "a", datetime(2026, 11, 1), datetime(2026, 12, 3), 500)
        hours(history, "b", datetime(2026, 11, 1), datetime(2026, 11, 3), 500)
        found = asked(history, many)
    said = answer(found)
    assert said[0].startswith("Only 1 of 4 LPARs has usage in this month (1.0 of 4.0 entitled cores): the others count "
                              "with their entitlement. How full:")
    assert said[2] == "When full: too little is measured to say."
    assert said[4] == ("Recommended: add the recordings of the other LPARs; of moves nothing can be said before.")
    assert capacity_json(found)["measured"]["lpars"] == 1
    sheet = load_workbook(io.BytesIO(capacity_workbook(found)), data_only=True)["Summary"]
    assert sheet["A4"].value == said[0] and sheet["A8"].value == said[4]
    assert "1 of 4 active LPARs (1.0 of 4.0 entitled cores) measured" in sheet["A2"].value


def test_a_server_that_is_not_measured_is_not_spoken_of(tmp_path: Path) -> None:
    """B is over its ceiling by entitlement alone: that is no recommendation."""
    two = estate([server("A", 40), server("B", 2)], [lpar("a", "A", 30, 4), lpar("b", "B", 1, 4)])
    with History.open(tmp_path / "h") as history:
        hours(history, "a", datetime(2026, 11, 1), datetime(2026, 12, 3), 500)
        found = asked(history, two)
    assert found.servers[1].headroom < 0
    assert answer(found)[4] == ("Recommended: nothing has to move for the next month-end. Nothing is said of B (0 of 1 "
                                "LPAR measured).")


def test_other_names_are_told(tmp_path: Path) -> None:
    """"Nothing in 2026-11; it holds 2026-04-01 to 2026-12-01; ask for a month that it holds" contradicted itself."""
    with History.open(tmp_path / "h") as history:
        hours(history, "x", datetime(2026, 11, 1), datetime(2026, 12, 3), 500)
        with pytest.raises(InputError) as refused:
            asked(history, ONE)
    said = refused.value.findings[0]
    assert said.message == "the history has nothing of this estate: it holds x; the estate has A-v1, A-v2, a"
    assert "the same in both" in said.fix and "month" not in said.fix


def test_nothing_to_recommend(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        hours(history, "a", datetime(2026, 11, 1), datetime(2026, 12, 3), 500)
        said = answer(asked(history, ONE))
    assert said[4] == "Recommended: nothing has to move for the next month-end."
    assert said[2] == ("When full: growth is not known from so few months; without any no further server reaches its "
                       "ceiling.")


@pytest.mark.parametrize("out", ["x.pdf", "x", "x.xls", "x.csv", "plan.json"])
def test_only_a_workbook_is_written(tmp_path: Path, out: str) -> None:
    """An Excel file under the name x.pdf opened nowhere."""
    done = CliRunner().invoke(app, ["capacity", str(tmp_path), "--history", str(tmp_path / "h"), "--month", "2026-11",
                                    "--out", str(tmp_path / out)])
    assert done.exit_code == 2 and "ends in .xlsx" in done.stderr
