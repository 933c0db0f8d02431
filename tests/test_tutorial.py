"""The tutorial is run as a reader types it, and prints what it says that it prints."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from quick import USUAL
from typer.testing import CliRunner

from planner.cli.app import app

ROOT = Path(__file__).parents[1]
WAITS = ("evacuate", "remedy", "resume")
"""Commands that search: a machine that is busy may take longer than a reader's."""


class Typed(NamedTuple):
    """A command of the page, what it ends with, and what of its output the page shows; ``…``: some lines."""

    command: str
    code: int
    shown: list[str]


def typed() -> Iterator[Typed]:
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    for block in re.findall(r"(?m)(?:^    .*\n|^\n(?=    ))+", text):
        for part in re.split(r"(?m)^    \$ ", block)[1:]:
            command, *shown = part.rstrip().replace("\\\n    > ", "").split("\n")
            words, _, code = command.partition("      # exit code ")
            yield Typed(words, int(code or 0), [line[4:].rstrip() for line in shown])


def run(command: str) -> tuple[int, str]:
    words = shlex.split(command)
    if words[0] == "planner":
        limit = ["--time-limit", "600"] if words[1] in WAITS else []
        done = CliRunner().invoke(app, [*words[1:], *limit], env={"COLUMNS": "120"})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output
    command = re.sub(r"^python ", f"{sys.executable} ", command)
    shell = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    return shell.returncode, shell.stdout + shell.stderr


def lacking(shown: list[str], printed: list[str]) -> str:
    """The first line that is shown and not printed there."""
    at, anywhere = 0, True
    for line in shown:
        if line == "…":
            anywhere = True
            continue
        found = next((n for n, x in enumerate(printed[at:], at) if x == line), None) if anywhere else at
        if found is None or found >= len(printed) or printed[found] != line:
            return line
        at, anywhere = found + 1, False
    return ""


def test_the_tutorial_is_what_a_reader_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for (room, name), usual in USUAL.items():
        monkeypatch.setattr(room, name, usual)  # as the command: tests search less
    for name in ("data", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    for step in typed():
        code, printed = run(step.command)
        assert code == step.code, f"{step.command}\n{printed}"
        lines = [line.rstrip() for line in printed.splitlines()]
        assert not lacking(step.shown, lines), f"{step.command}: {lacking(step.shown, lines)!r} is not in\n{printed}"
