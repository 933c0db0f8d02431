"""Ctrl-C while DuckDB works ends as Ctrl-C anywhere: DuckDB makes a RuntimeError of it, whatever the store was asked."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from children import child
from typer.testing import CliRunner
from usage_writer import columns, nmon_text, source

from planner.cli import app
from planner.history.contents import Contents
from planner.history.store import History

NOON = datetime(2026, 1, 10, 12, 0)
CALLS: dict[str, Callable[[History], Any]] = {
    "zone": lambda h: h.zone, "clock": lambda h: h.clock(), "show": lambda h: h.show(), "names": lambda h: h.names(),
    "lpars_on": lambda h: h.lpars_on("Harbour", 0, 1), "servers": lambda h: h.servers(),
    "first_seen": lambda h: h.first_seen(), "extent": lambda h: h.extent(), "samples": lambda h: h.samples("a", 0, 9),
    "grid": lambda h: h.grid(["a"], 0, 600), "forget": lambda h: h.forget(["a"]), "unfinished": lambda h: h.unfinished,
    "add": lambda h: h.add([document("b")]),
    "add_columns": lambda h: h.add_columns(columns([("b", 300, 10)]), "b", "d", "Europe/Berlin")}
NO_QUESTIONS = {"open", "close", "compact", "path"}


class Interrupted:
    """A connection in which Ctrl-C comes at the ``at``-th statement and every later one but those that end things."""

    def __init__(self, connection: Any, at: int) -> None:
        self.connection, self.left = connection, at

    def execute(self, query: str, *more: Any) -> Any:
        self.left -= 1
        if self.left < 0 and query not in ("ROLLBACK",):
            raise RuntimeError("Query interrupted")
        return self.connection.execute(query, *more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def document(name: str) -> Any:
    return source(nmon_text(name, [(NOON + timedelta(minutes=5 * n), 1.0) for n in range(4)]), name)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "h"
    with History.open(path) as history:
        history.add([document("a")], "Europe/Berlin")
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "h"))


def test_every_question_is_listed() -> None:
    assert CALLS.keys() | NO_QUESTIONS >= {n for n in dir(History) if not n.startswith("_")}


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("name", CALLS)
def test_whatever_is_asked(path: Path, name: str, at: int) -> None:
    with History.open(path) as history:
        whole, history._db = history._db, Interrupted(history._db, at)  # type: ignore[assignment]
        try:
            with pytest.raises(KeyboardInterrupt):
                for _ in range(3):
                    CALLS[name](history)
        finally:
            history._db = whole
    with History.open(path, read_only=True) as history:
        assert history.names() in (("a",), ("a", "b"))


def test_another_runtime_error_is_no_interruption(path: Path) -> None:
    with History.open(path, read_only=True) as history, pytest.raises(RuntimeError, match="other"), history._mapped():
        raise RuntimeError("another thing")


WORKS = """
import sys
from pathlib import Path
from planner.history.store import History
with History.open(Path(sys.argv[1]), read_only=True) as history, history._mapped():
    print("now", flush=True)
    while True:
        history._db.execute("SELECT sum(range) FROM range(300000)").fetchall()
"""


def test_what_duckdb_makes_of_the_signal(path: Path) -> None:
    """The real one, wherever it comes."""
    with child(sys.executable, "-c", WORKS, str(path)) as works:
        assert works.stdout is not None and works.stdout.readline() == b"now\n"
        works.send_signal(signal.SIGINT)
        said = works.communicate(timeout=60)[1]
    assert said.rstrip().endswith(b"KeyboardInterrupt") and b"RuntimeError" not in said


@pytest.fixture
def interrupted(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    own = Contents.__init__

    def begin(self: Contents, file: Path, connection: Any) -> None:
        own(self, file, Interrupted(connection, 1))  # type: ignore[arg-type]

    monkeypatch.setattr(Contents, "__init__", begin)
    yield path


@pytest.mark.parametrize("arguments", [["show"], ["forget", "--lpar", "a"]])
def test_a_command_ends_as_it_does_on_ctrl_c(interrupted: Path, arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["history", arguments[0], "--store", str(interrupted), *arguments[1:]])
    assert (done.exit_code, done.stderr) == (130, "planner: interrupted\n")


def test_a_new_history_that_another_command_is_making_is_left_alone(tmp_path: Path) -> None:
    """The second of two first additions took away the file into which the first was still writing."""
    store = tmp_path / "new.db"
    with History.open(store) as first:
        code = (f"import pathlib, sys; from planner.cli import main; sys.argv = ['planner', 'history', 'add', {str(tmp_path)!r}, "
                f"'--store', {str(store)!r}]; exists = pathlib.Path.exists; pathlib.Path.exists = lambda p: p.suffix != '.db' and exists(p); main()")
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert second.returncode == 2 and "another program, or this one, has the history open" in second.stderr
        first.add([document("a")], "Europe/Berlin")
    with History.open(store, read_only=True) as history:
        assert history.names() == ("a",)
