"""What each export becomes: figures computed by hand."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import xlsxwriter
from usage_writer import lslparutil_text, nmon_text, source, write

from planner.errors import InputError
from planner.formats.open import Document
from planner.formats.samples import SERIAL, Context, Count, Extract, Kind, Sample
from planner.history.clock import Clock
from planner.history.sources import extract, read_sources

BERLIN = Context(clock=Clock("Europe/Berlin"))
NOON = datetime(2026, 1, 10, 12, 0)  # 11:00 UTC
NOON_S = 1_768_042_800


def rules(found: Extract) -> list[tuple[str, str]]:
    return [(str(f.severity), f.rule) for f in found.findings]


def test_noon_is_what_the_tests_take_it_for() -> None:
    assert datetime(2026, 1, 10, 11, tzinfo=UTC).timestamp() == NOON_S


def test_nmon() -> None:
    text = nmon_text("hxaix01", [(NOON, 1.2345), (NOON + timedelta(seconds=301), 0.5)])
    found = extract(source(text), BERLIN)
    first, second = found.samples
    assert first == Sample(Kind.LPAR, "hxaix01", "serial 2106A1B2C", NOON_S, 300, 1234, 50, 2048, 8192)
    assert (second.end_s, second.span_s, second.physc) == (NOON_S + 301, 301, 500)


def test_nmon_names_the_server_whose_serial_number_is_known() -> None:
    context = Context(clock=Clock("UTC"), servers={"06A1B2C": "p570-1", "0000000": "other"})
    assert extract(source(nmon_text("a", [(NOON, 1)])), context).samples[0].server == "p570-1"


def test_first_snapshot_of_nmon_covers_the_time_since_it_was_started() -> None:
    path = Path(__file__).parents[1] / "fixtures/nmon/aix_shared.nmon"
    found = extract(next(read_sources([path])), BERLIN)
    assert [s.span_s for s in found.samples[:3]] == [5, 300, 301]
    assert found.samples[0].physc == 1257
    assert found.samples[0].memory_used_mib == 5358  # (51.2 + 14.2) % of 8192


def test_nmon_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.nmon.gz"
    path.write_bytes(gzip.compress(nmon_text("a", [(NOON, 1)]).encode()))
    assert len(extract(next(read_sources([path])), BERLIN).samples) == 1


def test_zone_is_asked_for() -> None:
    found = extract(source(nmon_text("a", [(NOON, 1)])), Context())
    assert found.samples == []
    assert rules(found) == [("error", "history.zone-needed")]
    assert "--zone" in found.findings[0].fix


def test_restart_and_hole_of_nmon() -> None:
    day = [(NOON, 1.0), (NOON + timedelta(minutes=5), 1.0), (NOON + timedelta(hours=9), 1.0)]
    found = extract(source(nmon_text("a", day) + nmon_text("a", [(NOON + timedelta(hours=10), 1.0)])), BERLIN)
    assert {rule for _, rule in rules(found)} == {"history.restart", "history.clock-jump"}
    assert [s.span_s for s in found.samples] == [300, 300, 300, 300]


def test_clock_of_nmon_set_back() -> None:
    found = extract(source(nmon_text("a", [(NOON, 1.0), (NOON - timedelta(hours=2), 1.0), (NOON, 1.5)])), BERLIN)
    assert ("warning", "history.clock-jump") in rules(found)
    assert len(found.samples) == 3


def test_the_end_of_summer_time_is_no_clock_that_goes_back() -> None:
    """The reader, which knows no zone, warned of every recording over that night; 72 times of a month's."""
    night = datetime(2026, 10, 25, 1, 30)
    day = [(night + timedelta(minutes=30 * n), 1.0) for n in (0, 1, 2, 1, 2, 3)]
    text = nmon_text("a", day, interval=1800)
    found = extract(source(text), BERLIN)
    assert found.findings == []
    assert [s.end_s - found.samples[0].end_s for s in found.samples] == [0, 1800, 3600, 5400, 7200, 9000]
    assert rules(extract(source(text), Context(clock=Clock("UTC")))) == [("warning", "history.clock-jump")]


def test_lparstat_needs_a_start_an_interval_and_a_name() -> None:
    path = Path(__file__).parents[1] / "fixtures/lparstat_interval/aix_shared_dlpar.txt"
    file = next(read_sources([path]))
    found = extract(file, BERLIN)
    assert ("error", "history.no-clock") in rules(found)
    assert "--start" in found.findings[-1].fix
    assert "--lpar" in found.findings[-1].fix
    context = Context(clock=Clock("Europe/Berlin"), start=NOON, interval_s=10, lpar="x")
    found = extract(file, context)
    assert [(s.end_s - NOON_S, s.physc, s.entitlement) for s in found.samples] == [(10, 260, 50), (20, 260, 100),
                                                                                  (30, 280, 100)]


def test_lparstat_with_its_command() -> None:
    text = ("web1$ lparstat 60 2\n\nSystem configuration: type=Dedicated mode=Capped smt=4 lcpu=16 "
            "mem=8192MB\n\n%user  %sys  %wait  %idle\n----- ----- ------ ------\n"
            " 50.0  25.0    0.0   25.0\n 10.0   x.0    0.0   85.0\n 10.0   5.0    0.0   85.0\n")
    found = extract(source(text), Context(clock=Clock("UTC"), start=NOON, lpar="web1"))
    base = int(NOON.replace(tzinfo=UTC).timestamp())
    assert [(s.end_s - base, s.span_s, s.physc) for s in found.samples] == [(60, 60, 3000), (180, 60, 600)]


def test_lslparutil_counts() -> None:
    text = lslparutil_text([(NOON + timedelta(minutes=5), "a", 2000, 700), (NOON, "a", 1000, 100)])
    found = extract(source(text), BERLIN)
    assert found.counts == [Count(Kind.LPAR, "a", "Harbour", NOON_S, 1000, 100, 75, None, 8192),
                            Count(Kind.LPAR, "a", "Harbour", NOON_S + 300, 2000, 700, 75, None, 8192)]


@pytest.mark.parametrize(("path", "server"), [
    ("9117-MMB_06A1B2C/lslparutil.txt", "Harbour"), ("x/Server-9117-MMB-SN06A1B2C.txt", "Harbour"),
    ("Harbour/lpar.txt", "Harbour"), ("Quay.txt", "Quay"), ("9117-MMB_06A9999.txt", SERIAL + "06A9999"),
    ("Harbours/lpar.txt", "")])
def test_lslparutil_without_its_system_is_of_the_one_that_the_file_or_a_folder_is_named_after(
        tmp_path: Path, path: str, server: str) -> None:
    text = lslparutil_text([(NOON, "a", 1000, 100)]).partition("\n")[2]
    (tmp_path / path).parent.mkdir(exist_ok=True)
    known = Context(clock=BERLIN.clock, servers={"06A1B2C": "Harbour", "06A7777": "Quay"})
    (found,) = read_sources([write(tmp_path, path, text)])
    assert [c.server for c in extract(found, known).counts] == [server]


def test_lslparutil_of_the_system_and_its_pools() -> None:
    path = Path(__file__).parents[1] / "fixtures/hmc/lslparutil.txt"
    found = extract(next(read_sources([path])), BERLIN)
    assert [(s.kind, s.name, s.physc, s.entitlement, s.memory_used_mib) for s in found.samples] == [
        (Kind.SERVER, "Harbour-9117-MMB-SN06A1B2C", None, 1165, 196608)]
    assert sorted((c.kind, c.name, c.used_cycles) for c in found.counts) == [
        (Kind.LPAR, "ledger1", 67200000003), (Kind.POOL, "dbpool", 900000000000),
        (Kind.POOL, "physical pool", 2200000000000)]


def test_hmc_scanner(tmp_path: Path) -> None:
    path = tmp_path / "scan.xlsx"
    with xlsxwriter.Workbook(path) as book:
        summary = book.add_worksheet("System_Summary")
        for row, cells in enumerate((["Managed System", "Serial", "Perf Sample Rate"], ["east", "7812345", 30])):
            summary.write_row(row, 0, cells)
        for name in ("LPAR_CPU", "LPAR_MEM"):
            book.add_worksheet(name)
        hourly = book.add_worksheet("LPAR_Hourly_Usage_N1")
        for row, cells in enumerate(([None, "east"], [None, "erp01"], ["Last Ent", 0.7], ["Date"],
                                     ["2026/1/10 12", 0.5], ["2026/1/10 13", None], ["2026/1/10 14", 0.75])):
            hourly.write_row(row, 0, cells)
        daily = book.add_worksheet("LPAR_Daily_Usage_N1")
        for row, cells in enumerate(([None, "east"], [None, "erp01"], ["Days", 1], ["Date"], ["2026/3/29", 0.25])):
            daily.write_row(row, 0, cells)
    found = extract(next(read_sources([path])), BERLIN)
    assert [f for f in found.findings if f.rule.startswith("history.")] == []
    assert sorted((s.end_s - s.span_s, s.span_s, s.physc) for s in found.samples) == [
        (NOON_S, 3600, 500), (NOON_S + 7200, 3600, 750), (Clock("Europe/Berlin").instant(datetime(2026, 3, 29)),
                                                         23 * 3600, 250)]
    assert {(s.name, s.server) for s in found.samples} == {("erp01", "east")}


MAPPING = """
[[table]]
kind = "usage"
file = "*.csv"
columns = { "When" = "time", "LPAR" = "name", "Cores" = "physc", "RAM used" = "memory_used", "Seconds" = "span" }
units = { "RAM used" = "GB", "Seconds" = "count" }
"""


def _table(tmp_path: Path, rows: str) -> Extract:
    mapping = write(tmp_path, "m.toml", MAPPING)
    path = write(tmp_path, "u.csv", "When,LPAR,Cores,RAM used,Seconds\n" + rows)
    return extract(next(read_sources([path], mapping)), BERLIN)


def test_mapped_table(tmp_path: Path) -> None:
    found = _table(tmp_path, "2026-01-10 12:00,a,1.25,4,600\n2026-01-10T11:10:00Z,b,0.5,2,600\n")
    assert found.samples == [Sample(Kind.LPAR, "a", "", NOON_S, 600, 1250, None, 4096),
                             Sample(Kind.LPAR, "b", "", NOON_S + 600, 600, 500, None, 2048)]


def test_bad_rows_of_a_mapped_table_are_all_told(tmp_path: Path) -> None:
    found = _table(tmp_path, "10.1.2026,a,1,4,600\n2026-01-10 12:00,,1,4,600\n2026-02-30 12:00,a,1,4,600\n"
                             "2026-01-10 12:00,a,x,4,600\n9999-12-31 23:00,z,1,1,600\n")
    assert found.samples == []
    assert [f.source.line for f in found.findings if f.source] == [2, 3, 4, 5, None, None]


def test_missing_paths_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        list(read_sources([tmp_path / "x", tmp_path / "y"]))
    assert len(caught.value.findings) == 2


def test_a_file_without_usage_says_so() -> None:
    assert rules(extract(Document("empty"), BERLIN)) == [("info", "history.no-usage")]


@pytest.mark.parametrize(("name", "data", "severity"), [
    ("readme.nmon.txt", b"# How we record\n\nnmon starts at midnight.\n", "warning"),
    ("offer.nmon.pdf", b"%PDF-1.7\n1 0 obj\n", "warning"),
    ("july.Z", b"\x1f\x9d\x90" + bytes(100), "error"),
    ("july.7z", b"7z\xbc\xaf'\x1c" + bytes(100), "error"),
    ("july", b"CPU_ALL,T0002,3.1,1.0,0.2,95.7\nLPAR,T0002,0.04,2\n", "error"),
    ("july.json", b'{"samples": [{"a": 1},\n', "error"),
])
def test_what_a_file_is_and_not_its_name_says_how_bad_it_is_that_nobody_reads_it(
        name: str, data: bytes, severity: str, tmp_path: Path) -> None:
    """Only what was called .nmon was an error; a recording in a packed file of another name was lost with a warning."""
    (tmp_path / name).write_bytes(data)
    found = extract(next(read_sources([tmp_path / name])), BERLIN)
    assert [str(f.severity) for f in found.findings] == [severity]
