"""Names from an estate never become markup, formulas or commands."""

import shlex

import openpyxl
import pytest

from planner.plan.plan import Move
from planner.report.commands import migrlpar, state_query
from planner.report.text import md
from planner.rules import Site
from planner.xlsx import open_book

NASTY = ["a b", "x; rm -rf /", "$(reboot)", "`id`", "a'b", 'a"b', "=cmd|' /C calc'!A0", "<script>", "a\nb", "-o"]


@pytest.mark.parametrize("name", NASTY)
def test_a_name_stays_one_word_of_a_command(name):
    from planner.estate.model import Estate, Lpar, Server

    estate = Estate(servers=(Server("A", 100, 1024), Server("B", 100, 1024)),
                    lpars=(Lpar(name, "A", 10, 1, 512, 512),))
    line = migrlpar(Move(name, "A", "B"), Site(estate), "m")
    assert "\n" not in line
    words = shlex.split(line)
    assert words[words.index("-p") + 1] == name.replace("\n", "?")
    assert len(words) == 9
    assert len(shlex.split(state_query("B", [name]))) == 9


@pytest.mark.parametrize("name", NASTY)
def test_a_name_stays_text_in_markdown(name):
    shown = md(name)
    assert "\n" not in shown and "<script" not in shown
    assert "`id`" not in shown


@pytest.mark.parametrize("name", NASTY)
def test_a_name_stays_text_in_a_workbook(name, tmp_path):
    path = tmp_path / "x.xlsx"
    with path.open("wb") as stream, open_book(stream, "t") as book:
        book.write(book.sheet("S"), 0, 0, name)
    cell = openpyxl.load_workbook(path)["S"]["A1"]
    assert cell.data_type == "s" and cell.value == name
