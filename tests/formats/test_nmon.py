"""nmon of AIX: configuration, samples, the lparstat -i inside; nmon of Linux is refused."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.findings import Severity, Source
from planner.formats import archive, lines, lparstat_i, nmon
from planner.formats.base import NonValue, Reading
from planner.formats.lines import LineStream
from planner.formats.nmon import CONFIG, FORMAT, SAMPLE, read, read_lines, recognise
from planner.formats.open import read_entry

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "nmon"
SAMPLES = ROOT.parent / "shared" / "samples" / "nmon"
SHARED = (FIXTURES / "aix_shared.nmon").read_text()
OLD = (FIXTURES / "aix53_20_values_cr.nmon").read_bytes().decode()
TEXTS = [SHARED, OLD, (FIXTURES / "linux_x86.nmon").read_text()]
LPAR = next(line for line in SHARED.splitlines() if line.startswith("LPAR,T0001"))


@contextmanager
def opened(path: Path, shown: str | None = None) -> Iterator[archive.Entry]:
    for entry in archive.entries(path, shown or path.name):
        assert isinstance(entry, archive.Entry)
        yield entry


def read_file(path: Path, shown: str | None = None) -> Reading:
    """As the only way in reads it."""
    with opened(path, shown) as entry:
        return read_entry(entry).readings[0]


def of_kind(result: Reading, kind: str) -> list[dict[str, Any]]:
    return [record.fields for record in result.records if record.kind == kind]


def rules(result: Reading, *but: str) -> list[tuple[str, str, int | None]]:
    return [(f.severity.value, f.rule, f.source.line if f.source else None)
            for f in result.findings if f.rule not in but]


def told(result: Reading) -> list[tuple[str, str, int | None]]:
    """Findings beyond those about what AIX itself writes oddly and about what is not read."""
    return [(f.severity.value, f.rule, f.source.line if f.source else None)
            for f in result.findings if f.severity is not Severity.INFO]


def changed(old: str, new: str) -> Reading:
    assert SHARED.count(old) == 1
    return read(SHARED.replace(old, new), "x")


def line_of(text: str) -> int:
    (number,) = [n for n, line in enumerate(SHARED.splitlines(), 1) if line.startswith(text)]
    return number


def test_configuration() -> None:
    result = read(SHARED, "aix_shared.nmon")
    (config,) = of_kind(result, CONFIG)
    assert config == {
        "host": "platypus", "runname": NonValue.EMPTY, "time": "23:55.02", "date": "30-JUN-2025", "interval": 300,
        "snapshots": 288, "serial_number": "21ABCDF", "lpar_number": 9, "lpar_name": "platypus_app", "aix": "7.2.5.101",
        "lparno": 9, "lparname": "platypus_app", "virtual_cpu": 6, "max_virtual": 12, "entitled_capacity": 120,
        "max_memory": 16384, "online_memory": 8192, "pool_id": 0,
        "flags": ("LPARed", "DRable", "SMT", "Shared", "UnCapped", "Migratable", "Not-Donating", "AMSable"),
    }
    assert result.records[0].where("flags") == Source("aix_shared.nmon", 108)
    assert line_of("BBBL,21") == 108 > line_of("ZZZZ,T0001")


def test_findings_of_a_good_recording() -> None:
    result = read(SHARED, "x")
    assert rules(result) == [
        ("info", "input.missing-value", line_of("AAA,Sub")), ("info", "input.unknown-text", line_of("n---")),
        ("info", "input.not-read", 2), ("info", "input.not-read", line_of("BBBB"))]
    assert "build, capped, command, cpu in sys, cpus, " in result.findings[2].message
    assert "lines of sections that are not read: BBBB, BBBC, BBBN, BBBP, CPU01, CPU_ALL, POOLS, TOP" in (
        result.findings[3].message)


def test_samples_across_midnight() -> None:
    result = read(SHARED, "x")
    samples = of_kind(result, SAMPLE)
    assert [sample["time"] for sample in samples] == [
        datetime(2025, 6, 30, 23, 55, 7), datetime(2025, 7, 1, 0, 0, 7), datetime(2025, 7, 1, 0, 5, 8)]
    assert [sample["physc"] for sample in samples] == [1.257, 0.842, 2.4]
    assert samples[0] == {
        "time": datetime(2025, 6, 30, 23, 55, 7), "physc": 1.257, "virtual_cpus": 6, "entitled": 120, "pcpu_user": 1.006,
        "pcpu_sys": 0.189, "memory_total": 8192, "memory_free": 1024, "process_percent": 51.2, "system_percent": 14.2,
    }
    first = next(record for record in result.records if record.kind == SAMPLE)
    assert first.source.line == line_of("ZZZZ,T0001")


def test_embedded_lparstat() -> None:
    result = read(SHARED, "aix_shared.nmon")
    (record,) = [record for record in result.records if record.kind == lparstat_i.KIND]
    path = ROOT / "tests" / "fixtures" / "lparstat_i" / "aix_44_shared_ame.txt"
    (alone,) = lparstat_i.read(path.read_text(), path.name).records
    assert record.fields == alone.fields
    assert record.source == Source("aix_shared.nmon", 52)
    assert record.lines["node_name"] == 52
    assert record.lines["sub_processor_mode"] == 95


def test_findings_in_the_embedded_lparstat_name_the_line() -> None:
    result = changed(": 8192 MB\"\nBBBP,015", ": 8192\"\nBBBP,015")
    (bad,) = [f for f in result.findings if f.rule == "input.bad-value"]
    assert (bad.source, bad.subject) == (Source("x", line_of("BBBP,014")), "platypus_app")


def test_20_values_and_carriage_returns() -> None:
    result = read(OLD, "x")
    assert told(result) == [("warning", "input.missing-value", 23)]
    assert of_kind(result, SAMPLE)[0] == {
        "time": datetime(2024, 3, 5, 10, 0, 5), "memory_total": 4096, "memory_free": 2048, "physc": 0.5,
        "virtual_cpus": 2, "entitled": 100}


def test_old_configuration_in_french() -> None:
    (config,) = of_kind(read(OLD, "x"), CONFIG)
    assert config == {
        "host": "bilby", "runname": "bilby_prod", "time": "10:00.01", "date": "05-MAR-2024", "interval": 60,
        "snapshots": 5, "serial_number": NonValue.UNAVAILABLE, "lpar_name": NonValue.NONE, "aix": "5.3.12.1",
    }


def test_linux_is_refused_with_one_finding() -> None:
    result = read(TEXTS[2], "x")
    assert result.records == ()
    assert rules(result) == [("warning", "input.unsupported", 6)]


@pytest.mark.parametrize("cut, rule", [(1, "input.truncated"), (2, "input.truncated"), (12, "input.truncated")])
def test_row_shorter_than_the_others(cut: int, rule: str) -> None:
    """Once a row has had all columns, one without the last is damaged."""
    third = next(line for line in SHARED.splitlines() if line.startswith("LPAR,T0003"))
    result = changed(third, third.rsplit(",", cut)[0])
    assert told(result) == [("warning", rule, line_of("LPAR,T0003"))]
    assert [sample.get("physc") for sample in of_kind(result, SAMPLE)] == [1.257, 0.842, None]


def test_row_longer_than_its_header() -> None:
    result = changed(LPAR, LPAR + ",7")
    assert told(result) == [("warning", "input.bad-value", line_of("LPAR,T0001"))]
    assert "physc" not in of_kind(result, SAMPLE)[0]
    assert told(changed(LPAR, LPAR + ",")) == []


@pytest.mark.parametrize("value", ["inf", "nan", "-nan%", "-1.2", "1e9", "999999", "", "6.50", "1.2.3"])
def test_bad_cores(value: str) -> None:
    result = changed("LPAR,T0001,1.257,", f"LPAR,T0001,{value},")
    first = of_kind(result, SAMPLE)[0]
    assert "physc" not in first
    assert first["entitled"] == 120
    assert told(result) == [("warning", "input.bad-value", line_of("LPAR,T0001"))]


@pytest.mark.parametrize("old, new", [
    ("83.80,15.71", "15.71,99.80"), ("16.76,3.14,0.00,1.05", "16.76,9.14,0.00,1.05"),
    ("5.24,6.28,1,0", "5.24,9.28,1,0")])
def test_column_slip(old: str, new: str) -> None:
    result = changed(old, new)
    assert told(result) == [("warning", "input.column-slip", line_of("LPAR,T0001"))]
    assert of_kind(result, SAMPLE)[0]["physc"] == 1.257


def test_column_slip_is_told_once_per_file() -> None:
    slipped = SHARED.replace(",15.71,", ",35.71,").replace(",10.53,", ",30.53,").replace(",30.00,", ",70.00,")
    assert told(read(slipped, "x")) == [("warning", "input.column-slip", line_of("LPAR,T0001"))]


@pytest.mark.parametrize("line", ["ZZZZ,T0002,25:00:07,01-JUL-2025", "ZZZZ,T0002,00:00:07,31-JUN-2025",
                                  "ZZZZ,T0002,00:00:07,01-JUIL-2025", "ZZZZ,T0002", "ZZZZ,2,00:00:07,01-JUL-2025"])
def test_bad_time(line: str) -> None:
    result = changed("ZZZZ,T0002,00:00:07,01-JUL-2025", line)
    assert [sample["physc"] for sample in of_kind(result, SAMPLE)] == [1.257, 2.4]
    assert told(result) == [
        ("warning", "input.bad-value", line_of("ZZZZ,T0002")), ("warning", "input.missing-value", 1)]
    assert "1 snapshots without a time (ZZZZ), the first is T0002" in str([f.message for f in result.findings])


def test_clock_set_back() -> None:
    result = changed("ZZZZ,T0003,00:05:08,01-JUL", "ZZZZ,T0003,23:05:08,30-JUN")
    assert told(result) == [("warning", "input.time-order", line_of("ZZZZ,T0003"))]
    assert len(of_kind(result, SAMPLE)) == 3


def test_sorted_file() -> None:
    lines = [line for line in SHARED.splitlines() if not line.startswith(("AAA,progname", "BBBP"))]
    result = read("\n".join(["AAA,progname,topas_nmon", *sorted(lines)]), "x")
    expected = of_kind(read(SHARED, "x"), SAMPLE)
    assert of_kind(result, SAMPLE) == expected
    assert told(result) == []


def test_two_recordings_in_one_file() -> None:
    result = read(SHARED + SHARED.replace("30-JUN", "29-JUN").replace("01-JUL", "30-JUN"), "x")
    assert len(of_kind(result, CONFIG)) == len(of_kind(result, lparstat_i.KIND)) == 2
    assert [sample["time"].day for sample in of_kind(result, SAMPLE)] == [30, 1, 1, 29, 30, 30]
    assert told(result) == []


def test_snapshot_twice() -> None:
    again = "ZZZZ,T0001,05:00:00,01-JUL-2025\n" + LPAR.replace("1.257", "2.222") + "\n"
    result = read(SHARED + again, "x")
    assert [sample["physc"] for sample in of_kind(result, SAMPLE)] == [1.257, 0.842, 2.4]
    assert told(result) == [("warning", "input.duplicate-key", len(SHARED.splitlines()) + 1)]


def test_second_start_of_a_snapshot_adds_nothing() -> None:
    memory = next(line for line in SHARED.splitlines() if line.startswith("MEMNEW,T0001"))
    text = SHARED.replace(memory + "\n", "") + "ZZZZ,T0001,05:00:00,01-JUL-2025\n" + memory + "\n"
    assert "process_percent" not in of_kind(read(text, "x"), SAMPLE)[0]


def test_row_twice_in_a_snapshot() -> None:
    result = changed(LPAR, LPAR + "\n" + LPAR.replace("1.257", "1.258"))
    assert of_kind(result, SAMPLE)[0]["physc"] == 1.257
    assert told(result) == [("warning", "input.duplicate-key", line_of("LPAR,T0001") + 1)]


def test_lines_with_their_ends() -> None:
    assert read_lines(SHARED.splitlines(keepends=True), "x") == read(SHARED.rstrip("\n"), "x")


def test_without_header_lpar_section_name_or_snapshot() -> None:
    rows = "\n".join(line for line in SHARED.splitlines() if not line.startswith("LPAR,Logical"))
    assert ("warning", "input.truncated") in {found[:2] for found in told(read(rows, "x"))}
    result = read("AAA,progname,topas_nmon\nAAA,host,a\n", "x")
    assert [f.message for f in result.findings] == [
        "no snapshot", "no name of the LPAR (AAA,LPARNumberName or BBBL,lparname)"]
    no_lpar = "\n".join(line for line in SHARED.splitlines() if not line.startswith("LPAR,"))
    assert "no LPAR section: the cores used are not known" in [f.message for f in read(no_lpar, "x").findings]
    assert of_kind(read(no_lpar, "x"), SAMPLE)[0]["pcpu_user"] == 1.006


@pytest.mark.parametrize("old, new, name", [
    ("BBBL,14,Entitled Capacity,1.2  ", "BBBL,14,Entitled Capacity,1,2", "entitled_capacity"),
    ("BBBL,17,online Memory,8192", "BBBL,17,online Memory,inf", "online_memory"),
    ("BBBL,20,pool id,0", "BBBL,20,pool id,none of them", "pool_id"), ("AAA,interval,300", "AAA,interval,5m", "interval"),
    ("BBBL,04,Virtual CPU,6", "BBBL,04,Virtual CPU,6000000", "virtual_cpu")])
def test_bad_configuration(old: str, new: str, name: str) -> None:
    result = changed(old, new)
    assert name not in of_kind(result, CONFIG)[0]
    assert told(result) == [("warning", "input.bad-value", line_of(old))]


def test_an_unknown_key_is_counted() -> None:
    result = changed("BBBL,20,pool id,0", "BBBL,20,pool id,0\nBBBL,22,Hyper Mode,fast")
    assert told(result) == []
    assert [f.rule for f in result.findings] == [f.rule for f in read(SHARED, "x").findings]


def test_foreign_lines_are_reported() -> None:
    result = read(SHARED + "topas_nmon: brak miejsca na dysku\n0516-404 nmon\n", "x")
    assert [found[1] for found in told(result)] == ["input.unknown-text", "input.error-text"]


def test_too_many_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nmon, "MOST_SAMPLES", 2)
    result = read(SHARED, "x")
    assert len(of_kind(result, SAMPLE)) == 2
    assert told(result) == [("error", "input.too-large", line_of("ZZZZ,T0003"))]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_read_file(tmp_path: Path, ends: str, encoding: str, packed: bool) -> None:
    data = SHARED.replace("\n", ends).encode(encoding)
    path = tmp_path / "any.name"
    path.write_bytes(gzip.compress(data) if packed else data)
    result = read_file(path, "shown")
    expected = read(SHARED, "shown")
    assert result.records == expected.records
    assert result.findings == expected.findings


def test_latin_1_is_read_with_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "x.nmon"
    path.write_bytes(OLD.replace("\r", "\n").encode("latin-1"))
    result = read_file(path)
    assert result.records == read(OLD, "x.nmon").records
    assert result.findings[0].rule == "input.encoding"


def test_damaged_gzip_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(SHARED.encode(), compresslevel=0)[:-600])
    result = read_file(path)
    assert [sample["physc"] for sample in of_kind(result, SAMPLE)] == [1.257, 0.842]
    assert (result.findings[0].rule, result.findings[0].severity) == ("input.truncated", Severity.ERROR)


def test_a_gzip_bomb_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"\0" * 50_000_000))
    with opened(path) as entry:
        stream = LineStream(entry, limit=20_000_000)
        assert max(map(len, stream)) <= 3 << 20
    assert [f.rule for f in stream.findings] == ["input.too-large"]


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7, 30])
def test_lines_at_the_edge_of_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(lines, "_CHUNK", size)
    path = tmp_path / "x"
    path.write_bytes("aaaa\r\nbé\r\n\r\nccé\rd\n\ne\r".encode())
    with opened(path) as entry:
        assert list(LineStream(entry)) == ["aaaa", "bé", "", "ccé", "d", "", "e"]


def recording(snapshots: int) -> Iterator[str]:
    """A long recording in which most lines are of sections that are not read."""
    start = SHARED.index("ZZZZ,T0002")
    block = SHARED[start:SHARED.index("ZZZZ,T0003")]
    yield from SHARED[:start].splitlines()
    for number in range(2, snapshots):
        yield from block.replace("T0002", f"T{number:04d}").splitlines()
        yield from (f"CPU{cpu:02d},T{number:04d},1.0,2.0,3.0,94.0" for cpu in range(96))
        yield "DISKBUSY," + f"T{number:04d}" + ",1.25" * 300


def test_streaming_holds_samples_only() -> None:
    tracemalloc.start()
    started = process_time()
    result = read_lines(recording(400), "x")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(of_kind(result, SAMPLE)) == 399
    assert peak < 2 << 20
    assert process_time() - started < 20


def test_recognises_its_own_only() -> None:
    assert all(recognise(text) for text in TEXTS)
    assert FORMAT.recognise is recognise
    assert recognise("CPU_ALL,a,b\nZZZZ,T0001,10:00:00,01-JAN-2025\n")
    assert not recognise("Partition Name : AAA,progname,x\n")
    assert not recognise("AAA,b,c\n1,2,3\n")


@pytest.mark.parametrize("text", ["LPAR,T0001" + ",1" * 200_000, "LPAR,x" + ",PhysicalCPU" * 50_000,
                                  "AAA," * 100_000, "n" + "-" * 400_000, "ZZZZ" + "," * 400_000,
                                  "BBBL,1,Flags," + "a " * 200_000, "A" * 400_000])
def test_long_lines_are_quick(text: str) -> None:
    started = process_time()
    read(SHARED + text + "\n" + text, "x")
    recognise(text)
    assert process_time() - started < 2


@settings(max_examples=portion(300), deadline=2000)
@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), st.text(max_size=12))))
def test_no_mutation_raises(text: str, edits: list[tuple[float, int, str]]) -> None:
    for where, cut, put in edits:
        at = int(where * len(text))
        text = text[:at] + put + text[at + cut:]
    result = read(text, "x")
    read_lines([text], "x")
    recognise(text)
    assert all(isinstance(record.fields["time"], datetime) for record in result.records if record.kind == SAMPLE)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no collected samples here")
def test_collected_samples() -> None:
    for path in sorted(SAMPLES.glob("*.nmon")):
        result = read_file(path)
        assert {f.rule for f in result.findings if f.severity is Severity.ERROR} <= {"input.unsupported"}
