"""Forgetting: what stays is as if the rest had never been added, and the rest is not in the file any more."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from typer.testing import CliRunner, Result
from usage_writer import lslparutil_text, nmon_text, source

from planner.cli import app
from planner.errors import InputError
from planner.formats.open import Document
from planner.formats.samples import Kind
from planner.history.store import Columns, History

ZONE = "Europe/Berlin"
NOON = datetime(2026, 1, 10, 12, 0)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["history", "forget", "--store", *arguments])


def every(count: int, start: datetime = NOON, minutes: int = 60) -> list[tuple[datetime, float]]:
    return [(start + timedelta(minutes=minutes * n), 1 + n / 100) for n in range(count)]


def counted(first: int, last: int, server: str = "Harbour") -> Document:
    rows = [(NOON + timedelta(hours=n), "c", 1000 * n, 17 * n * n) for n in range(first, last)]
    return source(lslparutil_text(rows, server), f"c{first}{server}")


def contents(path: Path) -> str:
    """All series and samples; of the sources their names alone, since a source still stated what is forgotten."""
    with History.open(path, read_only=True) as history:
        summary = history.show()
        begin, end = history.extent() or (0, 0)
        samples = [[asdict(s) | {"source": ""} for s in history.samples(one.name, begin, end, kind=one.kind)]
                   for one in summary.series]
        return json.dumps([asdict(summary)["series"], [s.name for s in summary.sources], samples], sort_keys=True)


def made(path: Path, documents: list[Document]) -> Path:
    with History.open(path) as history:
        history.add(documents, ZONE)
    return path


@settings(max_examples=portion(8), deadline=None)
@given(cut=st.integers(1, 22), early=st.booleans())
def test_what_stays_is_as_if_the_rest_had_never_been_added(
        tmp_path_factory: pytest.TempPathFactory, cut: int, early: bool) -> None:
    """Samples and counters cut at any hour; usage across the cut is that of the counters that stay."""
    scratch, at = tmp_path_factory.mktemp("forget"), NOON + timedelta(hours=cut)
    hours = every(24)
    ended = [source(nmon_text("a", [h for h in hours if h[0] <= at], interval=3600), "a1"), counted(0, cut)]
    begun = [source(nmon_text("a", [h for h in hours if h[0] > at], interval=3600), "a2"), counted(cut + 1, 24)]
    whole = made(scratch / "whole", [*ended, counted(cut, cut + 1), *begun])
    with History.open(whole) as history:
        edge = history.clock().instant(at)
        history.forget(before_s=edge) if early else history.forget(since_s=edge)
        history.compact()
    assert contents(whole) == contents(made(scratch / "wanted", begun if early else ended))


def test_an_lpar_a_server_a_time(tmp_path: Path) -> None:
    files = [source(nmon_text("a", every(10)), "a"), source(nmon_text("b", every(10)), "b"), counted(0, 12),
             counted(12, 24, "Castle")]
    path = made(tmp_path / "h", files)
    with History.open(path) as history:
        before = contents_of(history)
        assert history.forget(["a"], dry=True).rows == 10
        assert contents_of(history) == before
        assert (one := history.forget(["a"])).rows == 10 and (one.entities, one.sources) == (1, 1)
        assert history.forget(["a"]).rows == 0
        assert history.forget(server="Castle").rows == 12
        assert history.names() == ("b", "c") and history.servers() == ("Harbour", "serial 2106A1B2C")
        with pytest.raises(ValueError, match="which samples"):
            history.forget()
        history.compact()
    assert contents(path) == contents(made(tmp_path / "other", [files[1], files[2]]))


def contents_of(history: History) -> str:
    return json.dumps([asdict(one) for one in history.show().series])


def test_it_is_gone_from_the_file_and_can_be_added_again(tmp_path: Path) -> None:
    secret = source(nmon_text("payroll-secret", every(200)), "a")
    path = made(tmp_path / "h", [secret, source(nmon_text("b", every(10)), "b")])
    whole = contents(path)
    assert b"payroll-secret" in path.read_bytes()
    done = run(str(path), "--lpar", "payroll-secret", "--before", "2030-01-01")
    assert done.exit_code == 0 and "200 samples are forgotten" in done.stdout
    assert b"payroll-secret" not in path.read_bytes() and [f.name for f in tmp_path.iterdir()] == ["h"]
    with History.open(path) as history:
        history.add([secret])
    assert contents(path) == whole


@pytest.mark.parametrize(("given_", "said"), [
    ([], "say what is to be forgotten"), (["--lpar", "nosuch"], "no LPAR 'nosuch'"),
    (["--server", "nosuch"], "no server 'nosuch'"), (["--before", "2026-13-01"], "not a day like"),
    (["--since", "2026-01-11", "--before", "2026-01-01"], "wrong way round"),
    (["--since", "2026-01-10", "--before", "2026-01-10"], "wrong way round"),
])
def test_what_is_wrong_is_said_and_nothing_is_forgotten(
        tmp_path: Path, given_: list[str], said: str) -> None:
    path = made(tmp_path / "h", [source(nmon_text("b", every(10)), "b")])
    data = contents(path)
    done = run(str(path), *given_)
    assert done.exit_code == 2 and said in done.stderr and contents(path) == data


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert run(str(tmp_path / "no"), "--lpar", "a").exit_code == 2
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_anew_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "h", [source(nmon_text("a", every(10)), "a"), source(nmon_text("b", every(10)), "b")])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with History.open(path) as history:
        history.forget(["a"])
        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(InputError, match="No space left"):
            history.compact()
    assert [f.name for f in tmp_path.iterdir()] == ["h"]
    with History.open(path, read_only=True) as history:
        assert history.names() == ("b",)


def test_what_could_not_be_written_into_the_file_is_kept_beside_it(tmp_path: Path) -> None:
    """The log of the old file was read after the new one, and destroyed it: series that nobody had named were gone."""
    secret = source(nmon_text("payroll-secret", every(200)), "a")
    path = made(tmp_path / "h", [secret, source(nmon_text("b", every(10)), "b"), source(nmon_text("c", every(10)), "c")])
    with History.open(path) as history:
        history.forget(["payroll-secret"])
        history._db.execute("PRAGMA disable_checkpoint_on_shutdown")  # as on a disk that refuses it
        with pytest.raises(InputError, match=r"h\.wal could not be written into it"):
            history.compact()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["h", "h.wal"]
    with History.open(path, read_only=True) as history:
        assert history.names() == ("b", "c") and history.unfinished
    (tmp_path / ".planner-0123456789abcdef").write_bytes(b"of one that was killed")
    done = run(str(path), "--lpar", "payroll-secret")
    assert done.exit_code == 2 and "no LPAR 'payroll-secret'" in done.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["h"] and b"payroll-secret" not in path.read_bytes()
    with History.open(path, read_only=True) as history:
        assert history.names() == ("b", "c") and not history.unfinished


def test_a_dry_run_and_a_wrong_name_write_nothing_anew(tmp_path: Path) -> None:
    path = made(tmp_path / "h", [source(nmon_text("a", every(10)), "a")])
    before = path.stat().st_ino
    assert run(str(path), "--lpar", "a", "--dry-run").exit_code == 0 and run(str(path), "--lpar", "nosuch").exit_code == 2
    assert path.stat().st_ino == before
    assert run(str(path), "--lpar", "a").exit_code == 0 and path.stat().st_ino != before


def test_a_server_of_which_pools_alone_are_recorded_is_known(tmp_path: Path) -> None:
    """Only servers with LPARs were names that --server took."""
    rows = Columns("sample", [(kind.value, kind.value, "Castle") for kind in (Kind.POOL, Kind.SERVER)], {
        "t": [600, 600], "span": [300] * 2, "physc": [100] * 2, "ent": [50] * 2, "mem_used": [1] * 2,
        "mem_total": [2] * 2})
    path = tmp_path / "h"
    with History.open(path) as history:
        history.add_columns(rows, "x", "0" * 64)
    assert run(str(path), "--server", "Nowhere").exit_code == 2
    assert "2 samples would be forgotten" in run(str(path), "--server", "Castle", "--dry-run").stdout
    assert "2 samples are forgotten" in run(str(path), "--server", "Castle").stdout
    assert "nothing" in run(str(path), "--since", "1970-01-01").stdout
