"""The store: idempotent, blind to order, whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from children import child
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from usage_writer import columns, lslparutil_text, nmon_text, source, write

from planner.errors import InputError
from planner.formats.open import Document
from planner.formats.samples import Kind
from planner.history import store
from planner.history.clock import Clock
from planner.history.sources import read_sources
from planner.history.store import History

ZONE = "Europe/Berlin"
NOON = datetime(2026, 1, 10, 12, 0)
NOON_S = 1_768_042_800
BASE = NOON_S - NOON_S % 300


def every(minutes: int, count: int, cores: float = 1.0, start: datetime = NOON) -> list[tuple[datetime, float]]:
    return [(start + timedelta(minutes=minutes * n), cores + n / 100) for n in range(count)]


def answers(history: History) -> str:
    """All that a store answers, as text."""
    summary = history.show()
    names = history.names()
    begin, end = history.extent() or (0, 0)
    grid = history.grid(names, begin, end)
    samples = [[asdict(s) for s in history.samples(one.name, begin, end, kind=one.kind)] for one in summary.series]
    return json.dumps([asdict(summary), samples, grid.starts.tolist(), grid.physc.tolist(), grid.memory_mib.tolist(),
                       grid.spans], sort_keys=True)


def stored(path: Path, groups: list[list[Document]]) -> str:
    with History.open(path) as history:
        for group in groups:
            history.add(group, ZONE)
    with History.open(path, read_only=True) as history:
        return answers(history)


def test_twice_changes_nothing(tmp_path: Path) -> None:
    file = source(nmon_text("a", every(5, 20)))
    with History.open(tmp_path / "h") as history:
        report = history.add([file], ZONE)
        assert (report.files, report.added, report.known, report.changed) == (1, 20, 0, 0)
        before = answers(history)
        again = history.add([file, file])
        assert (again.added, again.known, again.changed) == (0, 20, 0)
        assert answers(history) == before


def test_overlapping_files_merge(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        history.add([source(nmon_text("a", every(5, 20)))], ZONE)
        report = history.add([source(nmon_text("a", every(5, 30)[10:]))])
        assert (report.added, report.known) == (10, 10)
        assert history.show().series[0].samples == 30
        assert history.show().series[0].gaps == 0


def test_the_larger_figure_counts(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        history.add([source(nmon_text("a", [(NOON, 2.0)]))], ZONE)
        assert history.add([source(nmon_text("a", [(NOON, 1.0)]))]).added == 0
        assert [s.physc for s in history.samples("a", 0, NOON_S)] == [2000]
        assert history.add([source(nmon_text("a", [(NOON, 3.0)]))]).changed == 1
        assert [s.physc for s in history.samples("a", 0, NOON_S)] == [3000]


def _pool() -> list[Document]:
    """Files that overlap, contradict each other, cut counters apart and come from several servers."""
    counts = [(NOON + timedelta(minutes=5 * n), "c", 1000 * n, 400 * n if n < 6 else 10 * n) for n in range(12)]
    return [
        source(nmon_text("a", every(5, 12)), "a1"), source(nmon_text("a", every(5, 12, 2.0)[6:]), "a2"),
        source(nmon_text("a", every(5, 12)), "a0"), source(nmon_text("b", every(60, 5), interval=3600), "b1"),
        source(nmon_text("b", every(5, 7, start=NOON + timedelta(hours=1)), serial="99XXXXX"), "b2"),
        source(lslparutil_text(counts[:5]), "c1"), source(lslparutil_text(counts[4:][::-1]), "c2"),
        source(lslparutil_text(counts[8:], system="Castle"), "c3"),
    ]


POOL = _pool()


@settings(max_examples=portion(8), deadline=None)
@given(st.permutations(range(len(POOL))), st.sets(st.integers(1, len(POOL) - 1)),
       st.lists(st.integers(0, len(POOL) - 1), max_size=3))
def test_order_cuts_and_repetition_do_not_matter(
        whole: tuple[bytes, str], order: list[int], cuts: set[int], again: list[int]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        marks = [0, *sorted(cuts), len(order)]
        groups = [[POOL[n] for n in order[a:b]] for a, b in pairwise(marks)]
        mixed = stored(Path(scratch) / "mixed", [*groups, [POOL[n] for n in again]] if again else groups)
    assert mixed == whole[1]


SERIALS = {"06A1B2C": "Harbour"}


@pytest.mark.parametrize("named", [(False, True), (True, False), (False, False, True), (True, False, True)])
def test_a_serial_number_gets_its_name_in_whatever_order(tmp_path: Path, named: tuple[bool, ...]) -> None:
    """The same nmon file, first without the servers' names and then with them, was stored twice."""
    file = source(nmon_text("a", every(5, 20)))
    with History.open(tmp_path / "h") as history:
        added = [history.add([file], ZONE, servers=SERIALS if known else {}) for known in named]
        assert [(r.added, r.known, r.changed) for r in added] == [(20, 0, 0)] + [(0, 20, 0)] * (len(named) - 1)
        assert history.servers() == ("Harbour",)
        assert [(s.servers, s.samples) for s in history.show().series] == [(("Harbour",), 20)]
        found = answers(history)
    with History.open(tmp_path / "once") as history:
        history.add([file], ZONE, servers=SERIALS)
        assert answers(history) == found


def test_samples_under_serial_number_and_name_become_one(tmp_path: Path) -> None:
    """A history of the release that stored them twice is mended by the next file, of the same samples the larger."""
    twice = [source(nmon_text("a", every(5, 20))), source(nmon_text("a", every(5, 20, 2.0)[5:15]))]
    with History.open(tmp_path / "h") as history:
        history.add([twice[0]], ZONE)
        history.add_columns(columns([("a", NOON_S + 300 * n, 900) for n in range(25)], server="Harbour"), "x", "0" * 64)
        report = history.add([twice[1]], servers=SERIALS)
        assert (report.added, report.known + report.changed) == (0, 10)
        assert [f.rule for f in report.findings if f.subject == "Harbour"] == ["history.server-named"]
        found = history.samples("a", 0, NOON_S + 9999)
        assert {s.server for s in found} == {"Harbour"} and len(found) == 25
        assert [s.physc for s in found] == [*(1000 + 10 * n for n in range(5)), *(2050 + 10 * n for n in range(10)),
                                            *(1150 + 10 * n for n in range(5)), *[900] * 5]
        history.add([source(nmon_text("b", every(5, 3), serial="99XXXXX"))], ZONE)  # a number for a new entity
        assert history.names() == ("a", "b")


def test_counters_under_a_serial_number_are_counted_anew(tmp_path: Path) -> None:
    counts = [(NOON + timedelta(minutes=5 * n), "a", 1000 * n, 400 * n) for n in range(6)]
    alone = store.Columns("counter", [("lpar", "a", "serial 2106A1B2C")] * 3, {
        "t": [NOON_S + 600 * n for n in range(3)], "passed": [2000 * n for n in range(3)],
        "used": [800 * n for n in range(3)], "ent": [75] * 3, "mem_used": [-1] * 3, "mem_total": [8192] * 3})
    with History.open(tmp_path / "h") as history:
        history.add_columns(alone, "x", "0" * 64, ZONE)
        history.add([source(lslparutil_text(counts[1::2]), "y")], ZONE)
        history.add([source(nmon_text("b", every(5, 3)))], ZONE, servers=SERIALS)
        assert [(s.span_s, s.physc) for s in history.samples("a", 0, NOON_S + 9999)] == [(300, 400)] * 5


def test_another_name_of_a_serial_number_is_told(tmp_path: Path) -> None:
    file = source(nmon_text("a", every(5, 20)))
    with History.open(tmp_path / "h") as history:
        history.add([file], ZONE, servers=SERIALS)
        report = history.add([file], ZONE, servers={"06A1B2C": "Castle"})
        assert (report.added, history.servers()) == (0, ("Harbour",))
        assert "06A1B2C is Harbour in this history" in report.findings[0].message


def test_counters_resets_and_change_of_server(tmp_path: Path) -> None:
    rows = [(0, 1000, 100), (5, 2000, 600), (10, 3000, 50), (15, 4000, 1050)]
    text = lslparutil_text([(NOON + timedelta(minutes=m), "a", passed, used) for m, passed, used in rows])
    there = lslparutil_text([(NOON + timedelta(minutes=m), "a", 10 * m, m) for m in (20, 25)], system="Castle")
    with History.open(tmp_path / "h") as history:
        report = history.add([source(text), source(there)], ZONE)
        found = history.samples("a", 0, NOON_S + 9999)
        assert [(s.end_s - NOON_S, s.physc, s.server) for s in found] == [
            (300, 500, "Harbour"), (900, 1000, "Harbour"), (1500, 100, "Castle")]
        assert {f.rule for f in report.findings} == {"history.reset", "history.changed-server"}
        one = history.show().series[0]
        assert (one.resets, one.changes) == (1, ((NOON_S + 1500, "Harbour", "Castle"),))
        assert one.servers == ("Castle", "Harbour")


def test_one_reading_of_counters_is_no_usage_yet(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        report = history.add([source(lslparutil_text([(NOON, "a", 1000, 100)]))], ZONE)
        assert [f.rule for f in report.findings] == ["history.one-count"]
        assert (report.added, history.show().series) == (1, ())


def test_a_period_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history, pytest.raises(InputError, match="shorter period"):
        history.grid(["a"] * 80, 0, 1 << 40)


def test_gaps_are_told_and_close_when_filled(tmp_path: Path) -> None:
    day = every(5, 40)
    with History.open(tmp_path / "h") as history:
        report = history.add([source(nmon_text("a", day[:10] + day[20:]))], ZONE)
        assert [(f.rule, f.subject) for f in report.findings if f.rule == "history.gap"] == [("history.gap", "a")]
        one = history.show().series[0]
        assert (one.gaps, one.gap_s, one.longest_gap) == (1, 3000, (NOON_S + 2700, NOON_S + 5700))
        history.add([source(nmon_text("a", day[10:20]))])
        assert history.show().series[0].gaps == 0


def test_zone_is_kept_and_guarded(tmp_path: Path) -> None:
    file = source(nmon_text("a", [(NOON, 1.0)]))
    with History.open(tmp_path / "h") as history:
        with pytest.raises(InputError, match="--zone"):
            history.add([file])
        assert history.show().series == ()
        history.add([file], ZONE)
        assert history.zone == ZONE
        with pytest.raises(InputError, match="zone is Europe/Berlin"):
            history.add([file], "UTC")
        with pytest.raises(InputError, match="added before"):
            history.add([file], "UTC", force_zone=True)
        other = source(nmon_text("b", [(NOON, 1.0)]))
        history.add([other], "UTC", force_zone=True)
        assert history.samples("b", 0, NOON_S + 3600)[0].end_s == NOON_S + 3600
        assert history.zone == ZONE


def test_refusals_are_told_together_and_nothing_is_added(tmp_path: Path) -> None:
    rows = Path(__file__).parents[1] / "fixtures/lparstat_interval/aix_shared_dlpar.txt"
    with History.open(tmp_path / "h") as history:
        with pytest.raises(InputError) as caught:
            history.add([source(nmon_text("a", [(NOON, 1.0)])), *read_sources([rows])])
        assert {f.rule for f in caught.value.findings} == {"history.zone-needed", "history.no-clock"}
        with pytest.raises(InputError, match="no usage"):
            history.add([source("System configuration is not here\n")], ZONE)
        assert (history.show().series, history.zone) == ((), "")


def test_two_runs_of_lparstat_cannot_share_a_start(tmp_path: Path) -> None:
    rows = Path(__file__).parents[1] / "fixtures/lparstat_interval"
    files = list(read_sources([rows / "aix_shared_dlpar.txt", rows / "aix_shared_app.txt"]))
    with History.open(tmp_path / "h") as history:
        with pytest.raises(InputError, match="one at a time"):
            history.add(files, ZONE, start=NOON, interval_s=10, lpar="x")
        report = history.add(files[:1] * 2, ZONE, start=NOON, interval_s=10, lpar="x")
        assert report.added == 3


def test_large_adds_are_merged_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_MOST_HELD", 15)
    with History.open(tmp_path / "h") as history:
        history.add(POOL, ZONE)
        in_pieces = answers(history)
    assert in_pieces == stored(tmp_path / "whole", [POOL])


def test_grid_by_hand(tmp_path: Path) -> None:
    """Slots from 0: a on the minute; b 100 s late, which stays in its slots; c hourly, spread; d without anything."""
    with History.open(tmp_path / "h") as history:
        history.add_columns(columns([("a", BASE + 300 * n, 100 * n) for n in (1, 2, 4)]), "a", "a")
        history.add_columns(columns([("b", BASE + 100 + 300 * n, n) for n in (1, 2, 3)]), "b", "b")
        history.add_columns(columns([("c", BASE + 3600, 7)], span=3600), "c", "c")
        grid = history.grid(["a", "b", "c", "d"], BASE, BASE + 1200)
        assert grid.starts.tolist() == [BASE, BASE + 300, BASE + 600, BASE + 900]
        assert grid.physc.tolist() == [[100, 200, -1, 400], [1, 2, 3, -1], [7, 7, 7, 7], [-1] * 4]
        assert grid.memory_mib[0].tolist() == [1000, 1000, -1, 1000]
        assert grid.spans == (300, 300, 3600, 0)


def test_grid_prefers_the_finest_source_and_averages_finer_ones(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        history.add_columns(columns([("a", BASE + 300 * n, 1000) for n in (1, 2)]), "fine", "1")
        history.add_columns(columns([("a", BASE + 3600, 5)], span=3600), "coarse", "2")
        history.add_columns(columns([("b", BASE + 100 * n, n) for n in (1, 2, 3, 4)], span=100), "finer", "3")
        grid = history.grid(["a", "b"], BASE, BASE + 900)
        assert grid.physc.tolist() == [[1000, 1000, 5], [2, 4, -1]]


@settings(max_examples=portion(8), deadline=None)
@given(st.integers(0, 299), st.sampled_from([299, 300, 301, 600, 900]), st.integers(0, 10**6))
def test_no_slot_of_a_recording_without_gaps_is_empty(offset: int, span: int, shift: int) -> None:
    first = BASE + 86400 * (shift % 700) + offset
    rows = [("a", first + span * n, n) for n in range(1, 120)]
    with tempfile.TemporaryDirectory() as scratch, History.open(Path(scratch) / "h") as history:
        history.add_columns(columns(rows, span=span), "a", "a")
        grid = history.grid(["a"], first + 300, first + 118 * span)
        assert (grid.physc >= 0).all()


def test_names_servers_and_extent(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        assert history.extent() is None
        history.add_columns(columns([("b", BASE + 300, 1)], server="s2"), "b", "b")
        history.add_columns(columns([("a", BASE + 300, 1)], server="s1"), "a", "a")
        assert history.names() == ("a", "b")
        assert history.names(Kind.POOL) == ()
        assert history.lpars_on("s2", BASE, BASE + 300) == ("b",)
        assert history.extent() == (BASE, BASE + 300)
        assert [s.physc for s in history.samples("a", BASE, BASE + 300, server="s2")] == []


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 20000, b"PK\x03\x04" * 5000])
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, "h", "")
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        History.open(path)
    assert len(caught.value.findings) == 1
    assert path.read_bytes() == content


def test_other_duckdb_and_missing_files_are_refused(tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / "other")) as other:
        other.execute("CREATE TABLE meta(key VARCHAR, value VARCHAR); CREATE TABLE t(a INTEGER)")
    for path, words in (("other", "no usage history"), ("none", "no such history"), (".", "directory")):
        with pytest.raises(InputError, match=words):
            History.open(tmp_path / path, read_only=True)
    with pytest.raises(InputError, match="does not exist"):
        History.open(tmp_path / "a" / "b")


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        history._set("version", "2")
    with pytest.raises(InputError, match="version 2"):
        History.open(tmp_path / "h")


@settings(max_examples=portion(20), deadline=None)
@given(st.data())
def test_damage_is_refused_or_harmless(whole: tuple[bytes, str], data: Any) -> None:
    """A byte changed or the end cut off: one clear error, or the same answers."""
    content, truth = whole
    at = data.draw(st.integers(0, len(content) - 1))
    cut = data.draw(st.booleans())
    broken = content[:at] if cut else content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1:]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "h"
        path.write_bytes(broken)
        try:
            with History.open(path, read_only=True) as history:
                assert answers(history) == truth
        except InputError as error:
            assert len(error.findings) == 1
            assert error.findings[0].fix


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    path = tmp_path_factory.mktemp("store") / "h"
    truth = stored(path, [POOL])
    return path.read_bytes(), truth


def test_a_store_in_use_says_so(tmp_path: Path) -> None:
    path = tmp_path / "h"
    script = f"import sys, time, pathlib; from planner.history.store import History\n" \
             f"h = History.open(pathlib.Path({str(path)!r})); print('open', flush=True); time.sleep(60)"
    with child(sys.executable, "-c", script, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        with pytest.raises(InputError, match="another program"):
            History.open(path)


_ADD_FOR_EVER = """
import sys
from pathlib import Path
from planner.history.store import Columns, History
from usage_writer import columns
with History.open(Path(sys.argv[1])) as history:
    for batch in range(10000):
        rows = [("a", 1_700_000_100 + 300 * (batch * 2000 + n), batch) for n in range(2000)]
        history.add_columns(columns(rows), f"file{batch}", f"{batch:064x}")
        print(batch, flush=True)
"""


@pytest.mark.parametrize("after", [1, 6])
def test_killed_while_adding(tmp_path: Path, after: int) -> None:
    """kill -9 in the middle of an add: the store opens, holds all that was acknowledged, and nothing by halves."""
    path = tmp_path / "h"
    here = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", _ADD_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": f"{here.parent}{os.pathsep}{here}"}) as adding:
        assert adding.stdout is not None
        acknowledged = [int(adding.stdout.readline()) for _ in range(after)]
        adding.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in adding.stdout.read().split()]
    with History.open(path, read_only=True) as history:
        assert history.show().series[0].samples >= 2000 * len(acknowledged)
    with History.open(path) as history:
        found = [s.physc for s in history.samples("a", 0, 2_000_000_000)]
        assert len(found) % 2000 == 0
        assert len(found) // 2000 - len(acknowledged) in (0, 1)
        assert found == [n // 2000 for n in range(len(found))]
        assert len(history.show().sources) == len(found) // 2000
        rows = [("a", 1_700_000_100 + 300 * n, n // 2000) for n in range(len(found))]
        assert history.add_columns(columns(rows), "all", "f" * 64).added == 0


def test_clock_of_a_store_without_zone(tmp_path: Path) -> None:
    with History.open(tmp_path / "h") as history:
        assert history.clock().name == "UTC"
        assert Clock("UTC").local(0) == datetime(1970, 1, 1)
