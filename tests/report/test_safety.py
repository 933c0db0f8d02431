"""Names from an estate never become markup, formulas or commands."""

import shlex
from io import BytesIO, StringIO

import openpyxl
import pytest
from rich.console import Console

from planner.errors import UsageError
from planner.estate.model import Estate, Lpar, Server
from planner.jobs.begun import recovery
from planner.names import command, commands_on, lpar_filter, quoted
from planner.plan.plan import Move
from planner.report.commands import migrlpar, state_query
from planner.report.html import templates
from planner.report.output import write_directory
from planner.report.seen import Text
from planner.report.tables import without_empty
from planner.report.terminal import console
from planner.report.text import md
from planner.rules import Site
from planner.xlsx import open_book

NASTY = ["a b", "x; rm -rf /", "$(reboot)", "`id`", "a'b", 'a"b', "=cmd|' /C calc'!A0", "<script>", "-o", "müßig", "数据"]
UNSEEN = {"a\nb": "a\\nb", "a\x1b[31mb": "a\\x1b[31mb", "a\u202eb": "a\\u202eb", "a\u200bb": "a\\u200bb", "a\u00a0b": "a\\xa0b",
          "a\u3164b": "a\\u3164b"}


@pytest.mark.parametrize("name", NASTY)
def test_a_name_stays_one_word_of_a_command(name):
    estate = Estate(servers=(Server("A", 100, 1024), Server("B", 100, 1024)),
                    lpars=(Lpar(name, "A", 10, 1, 512, 512),))
    line = migrlpar(Move(name, "A", "B"), Site(estate), "m")
    assert "\n" not in line
    words = shlex.split(line)
    assert words[words.index("-p") + 1] == name
    assert len(words) == 9
    assert len(shlex.split(state_query("B", [name]))) == 9


@pytest.mark.parametrize(("name", "seen"), UNSEEN.items())
def test_a_name_that_cannot_be_typed_is_in_no_command_and_is_shown_as_what_it_is(name, seen):
    estate = Estate(servers=(Server("A", 100, 1024), Server("B", 100, 1024)), lpars=(Lpar(name, "A", 10, 1, 512, 512),))
    for line in (migrlpar(Move(name, "A", "B"), Site(estate), "m"), recovery(name, "A"), state_query(name, ["x"])):
        assert line.startswith("# ") and line.endswith("cannot be typed") and seen in line and name not in line
    assert shlex.split(state_query("B", [name, "x"]), comments=True) == [
        "lssyscfg", "-r", "lpar", "-m", "B", "-F", "name,lpar_id,state,rmc_state"]
    assert md(name) == md(seen)
    assert templates().from_string("{{ name }}").render(name=name) == (seen if name != "a\nb" else name)
    assert templates(html=False).from_string("{{ name }}").render(name=name) == (seen if name != "a\nb" else name)
    for wide in (False, True):
        made = console()
        with made.capture() as printed:
            made.print(f"[b]{name}[/] {name}" if wide else Text(name))
        assert name == "a\nb" or (name not in printed.get() and printed.get().count(seen) == 1 + wide)


def test_a_name_with_a_comma_is_two_names_to_migrlpar_and_in_no_list() -> None:
    site = Site(Estate(servers=(Server("A", 100, 1024), Server("B", 100, 1024)), lpars=(Lpar("x,y", "A", 10, 1, 512, 512),)))
    for line in (migrlpar(Move("x,y", "A", "B"), site, "m"), recovery("x,y", "A")):
        assert line.startswith("# migrlpar: by hand") and line.endswith("x,y cannot be typed")
    assert "lpar_names" not in state_query("B", ["x,y", "z"])
    assert command("migrlpar", "-o", "v", "-p", "x", "-i", '"a=1,b=2"').startswith("migrlpar -o v -p x")


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


def test_a_workbook_that_is_read_again_holds_what_others_show():
    held = []
    for exact in (True, False):
        stream = BytesIO()
        with open_book(stream, "t", exact=exact) as book:
            book.write(book.sheet("S"), 0, 0, "a\u202eb")
        held.append(openpyxl.load_workbook(stream)["S"]["A1"].value)
    assert held == ["a\u202eb", "a\\u202eb"]


@pytest.mark.parametrize("damaged", ["[" * 100_000, "[]", "{", ""])
def test_a_damaged_list_of_what_was_written_counts_as_none(tmp_path, damaged):
    write_directory(tmp_path, {"plan.json": b"old"}, force=False)
    (tmp_path / ".planner-manifest.json").write_text(damaged)
    with pytest.raises(UsageError):
        write_directory(tmp_path, {"plan.json": b"new"}, force=False)
    write_directory(tmp_path, {"plan.json": b"new"}, force=True)
    assert (tmp_path / "plan.json").read_bytes() == b"new"


def test_a_name_that_cannot_stand_in_a_list_of_names_is_refused_in_every_command_of_a_row() -> None:
    """Hints had ``--filter lpar_names=`` and ``chnportlogin -p`` with names that a console reads as two."""
    def row(name: str) -> str:
        return commands_on(name, f"lsnportlogin -m 'S 1' {lpar_filter(name)}; chnportlogin -o login -m 'S 1' -p {quoted(name)}")

    assert row("a b") == "lsnportlogin -m 'S 1' --filter lpar_names='a b'; chnportlogin -o login -m 'S 1' -p 'a b'"
    assert shlex.split(row('a"b').partition(";")[0])[-1] == '"lpar_names=a""b"'
    for bad in ("a,b", "a\u202eb", "a\x07b"):
        assert row(bad).startswith("# lsnportlogin: by hand") and "chnportlogin" not in row(bad)


def test_a_control_character_is_shown_on_the_terminal_as_what_it_is() -> None:
    """rich takes it away from a text before anybody could see it."""
    console = Console(width=80, file=StringIO())
    console.print(Text("a\x07b").append("c\x08d"))
    assert console.file.getvalue() == "a\\x07bc\\x08d\n"  # type: ignore[attr-defined]
    table = Console(width=80, file=StringIO())
    table.print(without_empty("", [{"LPAR": "a\nb"}], {"LPAR"}, {"LPAR"}))
    assert table.file.getvalue().split() == ["LPAR", "a\\nb"]  # type: ignore[attr-defined]
