"""``lparstat INTERVAL COUNT`` of AIX and Linux for every kind of LPAR and option."""

from __future__ import annotations

import re
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.findings import Severity, Source
from planner.formats.base import NonValue, Reading
from planner.formats.lparstat_interval import FORMAT, KIND, read, recognise

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "lparstat_interval"
SAMPLES = ROOT.parent / "shared" / "samples" / "lparstat_interval"
TEXTS = [path.read_text() for path in sorted(FIXTURES.glob("*.txt"))]
DASH = NonValue.DASH
TIMES = ("%user", "%sys", "%wait", "%idle")
SHARED = (*TIMES, "physc", "%entc", "lbusy", "vcsw", "phint")


def reading(name: str) -> Reading:
    return read((FIXTURES / name).read_text(), name)


def only(result: Reading) -> dict[str, Any]:
    (record,) = result.records
    assert record.kind == KIND
    return record.fields


def rules(result: Reading) -> list[tuple[str, str, int | None]]:
    return [(f.severity.value, f.rule, f.source.line if f.source else None) for f in result.findings]


def shared(*rows: str, config: str = "type=Shared mode=Uncapped smt=4 lcpu=8 mem=4096MB psize=16 ent=0.50",
           header: str = "%user %sys %wait %idle physc %entc lbusy vcsw phint") -> Reading:
    return read("\n".join([f"System configuration: {config}", "", header, "----- -----", *rows]), "x")


GOOD = "40.0 10.0 0.0 50.0 0.26 52.0 20.3 1288 0"
VALUES = (40.0, 10.0, 0.0, 50.0, 0.26, 52.0, 20.3, 1288, 0)


def test_dedicated() -> None:
    result = reading("aix_dedicated.txt")
    assert result.findings == ()
    assert result.records[0].source == Source("aix_dedicated.txt", 2)
    assert result.records[0].lines == {"columns": 4}
    assert only(result) == {
        "os": "AIX", "since_boot": False,
        "config": {"type": "Dedicated", "mode": "Capped", "smt": 8, "lcpu": 32, "mem": 32768},
        "columns": TIMES, "rows": ((41.2, 8.3, 0.4, 50.1), (39.0, 7.5, 0.5, 53.0)), "row_lines": (6, 7),
    }


def test_dedicated_with_one_row_is_taken_as_since_boot() -> None:
    result = reading("aix_dedicated_since_boot.txt")
    found = only(result)
    assert (found["config"]["smt"], found["columns"], found["rows"], found["since_boot"]) == (
        "On", (*TIMES, "%nsp"), ((2.5, 1.5, 0.0, 96.0, 99.0),), True)
    assert rules(result) == [("info", "input.since-boot", 6)]
    assert "taken as" in result.findings[0].message


def test_dedicated_donating() -> None:
    result = reading("aix_donating.txt")
    assert result.findings == ()
    found = only(result)
    assert found["columns"] == (*TIMES, "physc", "vcsw", "%nsp", "%utcyc")
    assert found["rows"][0] == (20.0, 5.0, 1.0, 74.0, 1.31, 40210, 101.0, 0.52)


def test_shared_without_newer_columns_since_boot() -> None:
    result = reading("aix_shared_old_since_boot.txt")
    found = only(result)
    assert found["config"] == {
        "type": "Shared", "mode": "Uncapped", "smt": "On", "lcpu": 4, "mem": 6144, "psize": 12, "ent": 40}
    assert found["columns"] == SHARED
    assert found["rows"] == ((6.1, 2.9, 0.2, 90.8, 0.05, 12.2, 2.1, 2210984411, 51093377),)
    assert found["since_boot"] is True
    assert rules(result) == [("info", "input.since-boot", 6)]


def test_app_in_the_middle_and_since_boot_kept_apart() -> None:
    result = reading("aix_shared_app.txt")
    interval, boot = result.records
    assert interval.fields["columns"] == (
        *TIMES, "physc", "%entc", "lbusy", "app", "vcsw", "phint", "%nsp", "%utcyc")
    assert interval.fields["rows"] == (
        (51.3, 9.2, 0.5, 39.0, 1.86, 155.0, 12.4, 11.07, 5120, 14, 103.0, 1.28),
        (49.8, 8.7, 0.5, 41.0, 1.80, 150.1, 11.9, 11.31, 4987, 11, 103.0, 1.30))
    assert interval.fields["since_boot"] is False
    assert boot.fields["rows"] == ((30.1, 6.4, 0.5, 63.0, 1.11, 92.6, 7.7, 12.90, 10146274681, 9, 103.0, 1.22),)
    assert (boot.fields["since_boot"], boot.source.line, boot.fields["row_lines"]) == (True, 9, (13,))
    assert rules(result) == [("info", "input.since-boot", 13)]


def test_configuration_changed_in_a_run() -> None:
    result = reading("aix_shared_dlpar.txt")
    before, after = (record.fields for record in result.records)
    assert (before["config"]["ent"], before["row_lines"], before["since_boot"]) == (50, (5,), False)
    assert (after["config"]["ent"], after["row_lines"], after["since_boot"]) == (100, (11, 12), False)
    assert rules(result) == [("warning", "input.configuration-changed", 6)]


def test_memory_expansion_columns() -> None:
    result = reading("aix_ame.txt")
    assert result.findings == ()
    found = only(result)
    assert found["columns"] == (*SHARED, "%xcpu", "dxm")
    assert found["rows"] == ((51.3, 9.2, 0.5, 39.0, 1.86, 155.0, 12.4, 5120, 14, 2.6, 0.0),)


def test_header_only() -> None:
    result = reading("aix_header_only.txt")
    assert result.findings == ()
    assert (only(result)["columns"], only(result)["rows"]) == (SHARED, ())


@pytest.mark.parametrize(("name", "options"), [
    ("aix_m.txt", "-m"), ("aix_m_e.txt", "-m"), ("aix_energy.txt", "-E"), ("linux_energy.txt", "-E"),
    ("aix_hypervisor.txt", "-H")])
def test_listings_without_usage_are_told_and_left_out(name: str, options: str) -> None:
    text = (FIXTURES / name).read_text()
    result = read(text, name)
    assert result.records == ()
    assert [(f.severity, f.rule, options in f.message) for f in result.findings] == [
        (Severity.INFO, "input.not-read", True)]
    usage = (FIXTURES / "aix_dedicated.txt").read_text()
    for both in (text + "\n" + usage, usage + "\n" + text):
        assert only(read(both, "x"))["rows"] == only(read(usage, "x"))["rows"]
        assert {f.rule for f in read(both, "x").findings} == {"input.not-read"}


def test_linux_rows_with_inf_are_refused() -> None:
    result = reading("linux_shared_inf.txt")
    assert only(result) == {
        "os": "Linux", "since_boot": False,
        "config": {"type": "Shared", "mode": "Uncapped", "smt": "Off", "lcpu": 4, "mem": 8040, "cpus": 24, "ent": 200},
        "columns": SHARED,
        "rows": ((60.5, 10.25, 0.0, 29.25, 1.62, 81.0, 70.75, 90217733, 0),
                 (61.25, 10.0, 0.0, 28.75, 1.63, 81.5, 71.25, 90218466, 0)),
        "row_lines": (7, 9),
    }
    assert rules(result) == [("warning", "input.bad-value", 8), ("info", "input.since-boot", 7)]
    assert "'inf'" in result.findings[0].message


def test_linux_since_boot_on_dedicated_processors() -> None:
    found = only(reading("linux_since_boot.txt"))
    assert found["config"] == {
        "type": "Dedicated", "mode": "Capped", "smt": 8, "lcpu": 6, "mem": 16081, "cpus": 0, "ent": 600}
    assert found["rows"] == ((0.04, 0.01, 0.0, 99.95, 0.0, 0.0, 0.05, 0.0, 304417290, 10228),)
    assert found["since_boot"] is True


def test_repeated_header_opens_no_new_record() -> None:
    head = "System configuration: type=Shared mode=Uncapped smt=4 lcpu=8 mem=4096MB psize=16 ent=0.50\n\n" + " ".join(
        SHARED) + "\n"
    found = only(read(f"{head}{GOOD}\n{GOOD}\n\n{' '.join(SHARED)}\n----\n{GOOD}\n\n{head}{GOOD}\n", "x"))
    assert found["rows"] == (VALUES,) * 4
    assert found["row_lines"] == (4, 5, 9, 14)


@pytest.mark.parametrize("row", [
    GOOD.replace("0.26", "inf"), GOOD.replace("0.26", "-nan"), GOOD.replace("0.26", "-0.26"),
    GOOD.replace("0.26", "0,26"), GOOD.replace("0.26", "1e3"), GOOD.replace("0.26", "17.5"),
    GOOD.replace("40.0", "400.0"), GOOD.replace("20.3", "101"), GOOD.replace("1288", "12.5"),
    GOOD.replace("52.0", "9" * 15), GOOD + " 5", "inf inf inf inf inf inf inf inf inf",
    "40.0 20.0 0.0 40.0 0.00 52.0 20.3 1288 0"])
def test_absurd_rows_are_refused(row: str) -> None:
    result = shared(GOOD, row)
    assert only(result)["rows"] == (VALUES,)
    assert rules(result)[0] == ("warning", "input.bad-value", 6)


def test_app_beyond_the_pool_is_refused() -> None:
    header = "%user %sys %wait %idle physc %entc lbusy app vcsw phint"
    result = shared("40.0 10.0 0.0 50.0 0.26 52.0 20.3 69099.72 1288 0", header=header)
    assert only(result)["rows"] == ()
    assert rules(result) == [("warning", "input.bad-value", 5)]


def test_cut_row() -> None:
    result = shared(GOOD, GOOD, "40.0 10.0 0.0")
    assert only(result)["rows"] == (VALUES, VALUES)
    assert rules(result) == [("warning", "input.truncated", 7)]


def test_column_slip_is_reported_once() -> None:
    slipped = "40.0 10.0 50.0 0.26 52.0 20.3 1.0 1288 0"
    result = shared(GOOD, slipped.replace("52.0", "13.0"), slipped.replace("52.0", "13.0"))
    assert rules(result) == [("warning", "input.column-slip", 6)]
    for row in (GOOD.replace("52.0", "80.0"), GOOD.replace("50.0", "40.0")):
        assert rules(shared(GOOD, row)) == [("warning", "input.column-slip", 6)]


@pytest.mark.parametrize("config, key, finding", [
    ("type=Shared lcpu=4 mem=1904", "mem", ("warning", "input.bad-value", 1)),
    ("type=Shared lcpu=4 mem=19TB", "mem", ("warning", "input.bad-value", 1)),
    ("type=Shared lcpu=4 mem=1MB psize=", "psize", ("warning", "input.missing-value", 1)),
    ("type=Shared lcpu=4 mem=1MB ent=0,50", "ent", ("warning", "input.bad-value", 1)),
    ("type=Shared lcpu=4 mem=1MB ent=1e9", "ent", ("warning", "input.bad-value", 1)),
    ("type=Shared lcpu=9999999 mem=1MB", "lcpu", ("warning", "input.bad-value", 1)),
    ("type=Shared lcpu=4 mem=1MB stray", "stray", ("warning", "input.unknown-text", 1)),
    ("type=Shared lcpu=4 mem=999999999999GB", "mem", ("warning", "input.bad-value", 1)),
])
def test_bad_configuration(config: str, key: str, finding: tuple[str, str, int]) -> None:
    result = shared(GOOD, GOOD, config=config)
    assert key not in only(result)["config"]
    assert rules(result) == [finding]


def test_unknown_key_and_column_are_kept_and_told_once() -> None:
    result = shared(GOOD + " 7.5", GOOD + " 8.5", config="type=Shared lcpu=4 mem=1MB hue=blue ent=0.50",
                    header=" ".join((*SHARED, "%new")))
    found = only(result)
    assert found["config"]["hue"] == "blue"
    assert [row[-1] for row in found["rows"]] == [7.5, 8.5]
    assert rules(result) == [("warning", "input.unknown-text", 1), ("warning", "input.unknown-text", 3)]


def test_missing_configuration_line() -> None:
    result = read(" ".join(SHARED) + f"\n{GOOD}\n{GOOD}\n", "x", first_line=5)
    found = only(result)
    assert (found["config"], found["rows"], found["row_lines"]) == ({}, (VALUES, VALUES), (6, 7))
    assert "os" not in found
    assert rules(result) == [("warning", "input.truncated", 5)]


@pytest.mark.parametrize("text, rule", [
    ("", "input.truncated"), ("Keine Berechtigung\n", "input.unknown-text"), ("Odmowa dostępu\n", "input.unknown-text"),
    ("ksh: lparstat:  not found\n", "input.error-text"), ("0516-010 : Fehler\n", "input.error-text")])
def test_no_lparstat_at_all(text: str, rule: str) -> None:
    result = read(text, "x")
    assert result.records == ()
    assert rule in [f.rule for f in result.findings]


def test_line_ends() -> None:
    text = (FIXTURES / "aix_shared_app.txt").read_text()
    for ends in ("\r\n", "\r"):
        assert read(text.replace("\n", ends), "x").records == read(text, "x").records


def test_recognises_its_own_only() -> None:
    assert all(recognise(text) for text in TEXTS)
    assert FORMAT.recognise is recognise
    assert not recognise("System configuration: lcpu=4 mem=7936MB ent=0.20\n\nkthr memory page faults cpu\n")
    assert not recognise("System configuration: lcpu=4 ent=0.2 mode=Uncapped\n\ncpu min maj mpc int cs\n")
    assert not recognise("System configuration: lcpu=4 drives=2 paths=4 vdisks=1\n")
    assert not recognise("Partition Name : a\nType : Shared\nMode : Capped\n")
    assert not recognise('BBBP,159,lparstat -H,"Hypervisor Number of %Total Time %Hypervisor"\n')


@pytest.mark.parametrize("piece", [" ", "-", "- ", "-Actual", "%user ", "1 ", "GHz[", "a=b ", "n-", "1.1GHz[", "1"])
def test_long_lines_are_quick(piece: str) -> None:
    started = process_time()
    text = piece * (400_000 // len(piece))
    recognise(text)
    shared(text, GOOD + text)
    read("System configuration: " + text, "x")
    assert process_time() - started < 2


@settings(max_examples=portion(300), deadline=2000)
@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.text(max_size=12))))
def test_no_mutation_raises(text: str, edits: list[tuple[float, int, str]]) -> None:
    for where, cut, put in edits:
        at = int(where * len(text))
        text = text[:at] + put + text[at + cut:]
    result = read(text, "x")
    recognise(text)
    for record in result.records:
        assert all(len(row) == len(record.fields["columns"]) for row in record.fields["rows"])
        assert len(record.fields["rows"]) == len(record.fields["row_lines"])


def test_a_locale_with_a_decimal_comma_is_the_same_usage() -> None:
    """Every row of a German AIX was left out, and with it all of its usage."""
    text = (FIXTURES / "aix_shared_app.txt").read_text()
    local = re.sub(r"(?<=[0-9])\.(?=[0-9])", ",", text)
    assert local != text and read(local, "x") == read(text, "x")
    mixed = "\n".join(a if "=" in a else b for a, b in zip(text.split("\n"), local.split("\n"), strict=True))
    assert "ent=1." in mixed and read(mixed, "x") == read(text, "x")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no collected samples here")
def test_collected_samples() -> None:
    paths = sorted(SAMPLES.glob("*.txt"))
    assert paths
    for path in paths:
        text = path.read_text()
        result = read(text, path.name)
        assert recognise(text)
        assert [f for f in result.findings if f.severity is Severity.ERROR] == []
        told = {f.rule for f in result.findings}
        if path.name == "datadog_m_e.txt":  # shared memory and adapter pools hold no usage of cores
            assert (told, result.records) == ({"input.not-read"}, ())
            continue
        assert told <= {"input.since-boot", "input.bad-value"}
        assert only(result)["rows"]
