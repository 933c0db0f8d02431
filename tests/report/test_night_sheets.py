"""The sheets of plan.xlsx for the night: each move where it runs, cells to choose from, rows that are high enough."""

import io
from dataclasses import replace

import pytest
from landscape import landscape
from openpyxl import load_workbook
from typer.testing import CliRunner

from planner.cli import app
from planner.plan.plan import read_plan
from planner.report.night_sheets import night_sheets
from planner.report.turns import middle
from planner.sheets import Column, findings_sheet, table
from planner.xlsx import open_book


@pytest.fixture(scope="module", params=[(), ("--waves",)], ids=["lanes", "waves"])
def made(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("night") / "p"
    done = CliRunner().invoke(app, ["evacuate", "data/landscape", "SN8379A80_p595-2", "--return", "--effort", "0.1",
                                    "--window", "2026-12-05 22:00/04:00", "--out", str(out), *request.param])
    assert done.exit_code == 0
    return read_plan(out), load_workbook(out / "plan.xlsx")


def test_each_move_is_drawn_from_its_start_to_its_end(made) -> None:
    plan, book = made
    sheet, at = book["Gantt"], middle(plan)
    step = 60_000 * int(sheet["A2"].value.split("is ")[1].split()[0])
    moves = {m.number or (m.leg, m.lpar): m for m in plan.moves}
    rows = [row for row in sheet.iter_rows(min_row=5) if row[2].value]
    assert len(rows) == len(moves)
    by_lpar = {(m.lpar, m.target): m for m in plan.moves}
    for row in rows:
        m = by_lpar[row[2].value, row[3].value]
        colours = [c.fill.fgColor.rgb for c in row[4:]]
        dark = [n for n, c in enumerate(colours) if c in ("FF1F4E79", "FF548235")]
        begin, end = at[m]
        assert dark == list(range(begin // step, max(end - 1, begin) // step + 1))
    hours = [c.value for c in sheet[4][4:] if c.value]
    assert sum(" " in hour for hour in hours) == 1 and any(hour.startswith("Sun ") for hour in hours)
    marked = {c.value: n for row in rows for n, c in enumerate(row[4:]) if c.value}
    assert plan.window and marked["|"] == plan.window.length_s * 1000 // step and 0 < marked["R"] < marked["|"]
    assert all(f"; {letter}: " in sheet["A2"].value for letter in marked)


def test_no_night_is_drawn_wider_than_what_is_readable_on_paper(made) -> None:
    """Of 87 minutes, a column each, the line below the heading was printed 6.4 points high."""
    plan, _ = made
    last = max(m.end_ms for m in plan.moves)
    for minutes in (70, 76, 77, 87, 96, 97, 190, 479):
        moves = [replace(m, start_ms=m.start_ms * minutes * 60_000 // last, duration_ms=m.duration_ms * minutes * 60_000 // last)
                 for m in plan.moves]
        buffer = io.BytesIO()
        with open_book(buffer, "t") as book:
            night_sheets(book, plan.replace(moves=tuple(moves), window=None, evening=None), landscape())
        sheet = load_workbook(buffer)["Gantt"]
        wide = [d.width for d in sheet.column_dimensions.values() for _ in range(d.min, d.max + 1)]
        assert len(wide) > 40 and sum(wide) <= 224, minutes  # characters: a page in landscape, whose lines are 7 points high


def test_what_became_of_a_move_and_of_a_task_is_chosen(made) -> None:
    plan, book = made
    for name, leg in (("Way out", "out"), ("Way back", "back")):
        sheet = book[name]
        head = [c.value for c in sheet[4]]
        column = [row[head.index("LPAR")].value for row in sheet.iter_rows(min_row=5)]
        assert sorted(column) == sorted(m.lpar for m in plan.leg(leg))
        assert sheet.data_validations.dataValidation[0].formula1 == '"begun,arrived,failed,recovered,left where it is"'
    tasks = book["Tasks"]
    lpars = [c.value for c in tasks[4]][4:]
    assert lpars == sorted({m.lpar for m in plan.moves})
    (cells,) = tasks.data_validations.dataValidation[0].sqref.ranges
    assert cells.size["columns"] == len(lpars)


def test_every_sheet_fits_a_page_and_repeats_its_headers(made) -> None:
    _, book = made
    for sheet in book:
        assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.page_setup.orientation == "landscape"
        assert [c.coordinate for row in sheet for c in row if c.alignment.indent and not c.alignment.horizontal] == []
    assert all(book[name].print_title_rows for name in ("Moves", "Gantt", "Way out", "Way back", "Tasks", "Findings"))


def test_a_row_is_as_high_as_its_tallest_text() -> None:
    buffer = io.BytesIO()
    texts = ["short", "one two three four five six seven eight nine ten", "a\nb\nc"]
    with open_book(buffer, "t") as book:
        sheet = book.sheet("T")
        table(book, sheet, 0, (Column("A", lambda t: t, "wrap", 12), Column("B", lambda t: t, "text", 12)), texts)
        findings_sheet(book, ())
    read = load_workbook(io.BytesIO(buffer.getvalue()))["T"]
    heights = [read.row_dimensions[n].height for n in (2, 3, 4)]
    assert heights[0] is None and heights[1] == 15 * 6 and heights[2] == 45


def test_an_answer_without_a_plan_has_a_workbook(tmp_path) -> None:
    done = CliRunner().invoke(app, ["evacuate", "data/landscape", "SN1001C70_p570-1", "--out", str(tmp_path / "p")])
    assert done.exit_code == 3
    plan, book = read_plan(tmp_path / "p"), load_workbook(tmp_path / "p" / "plan.xlsx")
    said = {(row[0], row[1]) for row in book["Answer"].iter_rows(values_only=True)}
    assert plan.conflict and any(a == "Answer" and plan.conflict.summary in b for a, b in said if b)
    assert ("LPARs", ", ".join(plan.conflict.lpars)) in said
    refused = [row[0] for row in book["Refusals"].iter_rows(min_row=4, values_only=True)]
    assert set(refused) == set(plan.conflict.refusals)
