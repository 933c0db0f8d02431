"""Names from an estate never become markup, formulas or commands."""

import errno
import os
import shlex

import openpyxl
import pytest

from planner.errors import UsageError
from planner.plan.plan import Move
from planner.report.commands import migrlpar, state_query
from planner.report.output import write_directory
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


@pytest.mark.parametrize("full_at", [1, 2, 3, 4])
def test_a_disk_that_fills_up_leaves_the_old_directory_whole(tmp_path, monkeypatch, full_at):
    """Whichever file does not fit any more, manifest included: all of the old plan, nothing of the new one."""
    old = {"plan.json": b"old", "runbook.md": b"old", "gone.txt": b"old"}
    write_directory(tmp_path, old, force=False)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    written, sync = [], os.fsync

    def full(handle):
        written.append(handle)
        if len(written) == full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        write_directory(tmp_path, {"plan.json": b"new", "runbook.md": b"new", "plan.xlsx": b"new"}, force=False)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    monkeypatch.undo()
    write_directory(tmp_path, {"plan.json": b"new"}, force=False)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".planner-manifest.json", "plan.json"]


@pytest.mark.parametrize("damaged", ["[" * 100_000, "[]", "{", ""])
def test_a_damaged_list_of_what_was_written_counts_as_none(tmp_path, damaged):
    write_directory(tmp_path, {"plan.json": b"old"}, force=False)
    (tmp_path / ".planner-manifest.json").write_text(damaged)
    with pytest.raises(UsageError):
        write_directory(tmp_path, {"plan.json": b"new"}, force=False)
    write_directory(tmp_path, {"plan.json": b"new"}, force=True)
    assert (tmp_path / "plan.json").read_bytes() == b"new"
