"""Campaign files: what they say, and everything that is wrong with them at once, each with its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from estates import BASE

from planner.errors import InputError
from planner.scenarios.campaign_file import Campaign, read_campaign

WINDOW = '[[window]]\nstart = 2026-12-05 22:00:00\nend = "2026-12-06 04:00"\ntimes = 3\n'


def read(tmp_path: Path, text: str, *, every: bool = False) -> Campaign:
    file = tmp_path / "c.toml"
    file.write_text(text)
    return read_campaign(file, BASE, every=every)


def test_a_pattern_names_servers_and_all_are_those_without_a_row_as_well(tmp_path):
    text = f'name = "x"\n[default]\nminutes = 30\n[[work]]\nserver = "[AB]"\nfirmware = "EM350_149"\n{WINDOW}'
    assert [w.server for w in read(tmp_path, text).work] == ["A", "B"]
    every = read(tmp_path, text, every=True).work
    assert [(w.server, w.minutes, w.firmware) for w in every] == [
        ("A", 60, "EM350_149"), ("B", 60, "EM350_149"), ("C", 30, "")]


def test_windows_repeat_and_a_freeze_takes_each_that_it_touches(tmp_path):
    text = f'name = "x"\n{WINDOW}[[freeze]]\nfirst = "2026-12-13"\nlast = 2026-12-13\n'
    free, frozen = read(tmp_path, text, every=True).windows()
    assert [w.start.date() for w in free] == [dt.date(2026, 12, 5), dt.date(2026, 12, 19)]
    assert [w.start.date() for w, _ in frozen] == [dt.date(2026, 12, 12)]


def test_everything_that_is_wrong_is_told_at_once_with_its_line(tmp_path):
    text = ('name = ""\ncolour = "red"\n'
            '[[work]]\nserver = "Z"\nfirmware = "soon"\nminutes = "long"\nleave = ["a1", "nobody"]\n'
            '[[work]]\nserver = "A"\n[[work]]\nserver = "A*"\n'
            '[[window]]\nstart = "tonight"\nend = 2026-12-06 04:00:00\n'
            '[[window]]\nstart = 2026-12-06 04:00:00\nend = 2026-12-05 04:00:00\n'
            '[[freeze]]\nfirst = 2026-12-24\nlast = 2026-12-01\n')
    with pytest.raises(InputError) as wrong:
        read(tmp_path, text)
    said = {(f.source.line, f.message.partition(":")[0]) for f in wrong.value.findings}
    assert said == {(1, "name"), (2, "colour"), (4, "work.0.server"), (5, "work.0.firmware"), (6, "work.0.minutes"),
                    (7, "work.0.leave"), (11, "work.2.server"), (13, "window.0.start"), (15, "window.1"),
                    (18, "freeze.0")}


@pytest.mark.parametrize("text, said", [
    ('name = "x"\n' + WINDOW, "--all"), ('name = "x"\n[[work]]\nserver = "A"\n', "window: is missing"),
    ('name = "x"\n[[work]]\nserver = "A"\n' + WINDOW + WINDOW, "overlap"), ("name = ", "not a TOML file"),
    ('name = "x"\nwork = 3\nwindow = 3\ndefault = 3\nfreeze = 3\n', "work")])
def test_a_file_that_says_too_little_or_two_things(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, text)
