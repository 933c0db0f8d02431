"""``lparstat -i`` of every generation of AIX, of Linux, and damaged."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.findings import Severity
from planner.formats.base import NonValue, Reading
from planner.formats.lparstat_i import FORMAT, KIND, Notes, read, recognise

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "lparstat_i"
SAMPLES = ROOT.parent / "shared" / "samples" / "lparstat_i"
TEXTS = [path.read_text() for path in sorted(FIXTURES.glob("*.txt"))]
DASH = NonValue.DASH
NO_SHARED_MEMORY = dict.fromkeys((
    "io_memory_entitlement", "memory_weight", "memory_pool_id", "memory_pool_size", "hypervisor_page_size",
    "unallocated_memory_weight", "unallocated_io_memory", "memory_group_id"), DASH)


def reading(name: str) -> Reading:
    return read((FIXTURES / name).read_text(), name)


def fields(result: Reading) -> dict[str, Any]:
    (record,) = result.records
    assert record.kind == KIND
    return record.fields


def rules(result: Reading) -> list[tuple[str, str, int | None]]:
    return [(f.severity.value, f.rule, f.source.line if f.source else None) for f in result.findings]


def lpar(**changes: str) -> str:
    """A complete lparstat -i with some values changed; the underscore in a name stands for a blank."""
    lines = []
    for line in (FIXTURES / "aix_43_shared.txt").read_text().splitlines():
        key = line.partition(":")[0].strip()
        lines.append(f"{key} : {changes.get(key.replace(' ', '_'), line.partition(':')[2].strip())}")
    return "\n".join(lines) + "\n"


def test_24_lines_dedicated_with_decimal_comma_and_irregular_blanks() -> None:
    result = reading("aix_24_dedicated_comma.txt")
    assert result.findings == ()
    assert fields(result) == {
        "node_name": "kookaburra", "partition_name": "kookaburra", "partition_number": 3, "type": "Dedicated-SMT",
        "mode": "Capped", "entitled_capacity": 200, "group_id": 32771, "shared_pool_id": DASH, "online_vcpus": 2,
        "maximum_vcpus": 6, "minimum_vcpus": 0, "online_memory": 6144, "maximum_memory": 12288,
        "minimum_memory": 256, "weight": DASH, "minimum_capacity": 100, "maximum_capacity": 600,
        "capacity_increment": 100, "installed_cpus_in_system": 8, "active_cpus_in_system": 8,
        "active_cpus_in_pool": DASH, "group_unallocated_capacity": DASH, "physical_cpu_percentage": 100.0,
        "group_unallocated_weight": DASH,
    }


def test_24_lines_shared_capped() -> None:
    result = reading("aix_24_shared.txt")
    assert result.findings == ()
    found = fields(result)
    assert len(found) == 24
    assert (found["entitled_capacity"], found["weight"], found["capacity_increment"]) == (40, 0, 1)
    assert (found["installed_cpus_in_system"], found["active_cpus_in_system"], found["active_cpus_in_pool"]) == (
        16, 12, 10)


def test_23_lines_cut_short_in_the_percentage() -> None:
    result = reading("aix_23_cut_short.txt")
    assert rules(result) == [("warning", "input.truncated", 23)]
    assert "the rest of 'physical cpu percentage'" in result.findings[0].message
    found = fields(result)
    assert len(found) == 22 and "physical_cpu_percentage" not in found
    assert found["group_unallocated_capacity"] == 0


def test_31_lines_without_padding() -> None:
    result = reading("aix_31_no_padding.txt")
    assert result.findings == ()
    found = fields(result)
    assert len(found) == 31
    assert {name: found[name] for name in (
        "entitled_capacity", "pool_maximum_capacity", "pool_entitled_capacity", "desired_vcpus", "desired_memory",
        "desired_weight", "desired_capacity")} == {
        "entitled_capacity": 150, "pool_maximum_capacity": 1600, "pool_entitled_capacity": 1210, "desired_vcpus": 3,
        "desired_memory": 12288, "desired_weight": 128, "desired_capacity": 150}


def test_43_lines_in_a_pool_of_its_own() -> None:
    result = reading("aix_43_shared.txt")
    assert result.findings == ()
    found = fields(result)
    assert len(found) == 43
    assert (found["shared_pool_id"], found["active_cpus_in_pool"], found["shared_cpus_in_system"]) == (5, 4, 64)
    assert found["power_saving_mode"] == "Disabled"


def test_44_lines_with_memory_expansion() -> None:
    result = reading("aix_44_shared_ame.txt")
    assert result.findings == ()
    assert fields(result) == {
        "node_name": "platypus", "partition_name": "platypus_app", "partition_number": 9, "type": "Shared-SMT-4",
        "mode": "Uncapped", "entitled_capacity": 120, "group_id": 32777, "shared_pool_id": 0, "online_vcpus": 6,
        "maximum_vcpus": 12, "minimum_vcpus": 2, "online_memory": 8192, "maximum_memory": 16384,
        "minimum_memory": 2048, "weight": 128, "minimum_capacity": 60, "maximum_capacity": 900,
        "capacity_increment": 1, "installed_cpus_in_system": 32, "active_cpus_in_system": 24,
        "active_cpus_in_pool": 20, "shared_cpus_in_system": 20, "pool_maximum_capacity": 2000,
        "pool_entitled_capacity": 1875, "group_unallocated_capacity": 5, "physical_cpu_percentage": 20.0,
        "group_unallocated_weight": 0, "memory_mode": "Dedicated-Expanded", **NO_SHARED_MEMORY, "desired_vcpus": 6,
        "desired_memory": 8192, "desired_weight": 128, "desired_capacity": 120, "expansion_factor": 1.45,
        "expansion_size": 11776, "power_saving_mode": "Disabled", "sub_processor_mode": DASH,
    }


def test_44_lines_dedicated_donating() -> None:
    result = reading("aix_44_dedicated.txt")
    assert result.findings == ()
    found = fields(result)
    assert (found["type"], found["mode"], found["entitled_capacity"]) == ("Dedicated-SMT-8", "Donating", 400)
    assert (found["shared_pool_id"], found["active_cpus_in_pool"], found["weight"]) == (DASH, DASH, DASH)
    assert (found["shared_cpus_in_system"], found["pool_maximum_capacity"], found["pool_entitled_capacity"]) == (
        0, 0, 0)
    assert found["expansion_factor"] is DASH


def test_linux_order_and_units() -> None:
    result = reading("linux_shared.txt")
    assert rules(result) == [
        ("warning", "input.missing-unit", 22), ("warning", "input.missing-unit", 28),
        ("info", "input.missing-unit", 13)]
    assert fields(result) == {
        "node_name": "numbat", "partition_name": "numbat_web", "partition_number": 18, "type": "Shared",
        "mode": "Uncapped", "entitled_capacity": 200, "group_id": 32786, "shared_pool_id": 0, "online_vcpus": 4,
        "maximum_vcpus": 8, "minimum_vcpus": 1, "online_memory": 8040, "minimum_memory": 1024,
        "desired_memory": 8192, "maximum_memory": 16384, "minimum_capacity": 50, "maximum_capacity": 800,
        "capacity_increment": 1, "active_cpus_in_system": 24, "active_cpus_in_pool": 24,
        "shared_cpus_in_system": 24, "pool_entitled_capacity": 1935, "group_unallocated_capacity": 0,
        "physical_cpu_percentage": 50.0, "group_unallocated_weight": 0, "memory_mode": "Dedicated",
        "memory_weight": 0, "memory_pool_id": 65535, "memory_pool_size": 0, "unallocated_memory_weight": 0,
        "unallocated_io_memory": 0, "memory_group_id": 32786, "desired_weight": 128,
    }


@pytest.mark.parametrize("online, maximum", [("8233536 kB", "16777216"), ("8040 MB", "16384")])
def test_memory_without_a_unit_is_not_guessed(online: str, maximum: str) -> None:
    """16777216 cannot be MB beside 8 GiB online; and AIX always prints a unit."""
    text = (FIXTURES / "linux_shared.txt").read_text().replace("8233536 kB", online).replace("16384", maximum)
    result = read(text, "x")
    assert not {"minimum_memory", "desired_memory", "maximum_memory"} & fields(result).keys()
    assert [f.rule for f in result.findings].count("input.bad-value") == 3


@pytest.mark.parametrize("value", [
    "inf", "nan", "1e5", "1e999999", "-1.00", "1,2,3", "1.0000000001", "99999999999999999999", "1.005", "two", "1_0",
    "\u0661", "9" * 5000])
def test_numbers_that_are_none(value: str) -> None:
    result = read(lpar(Entitled_Capacity=value), "x")
    assert "entitled_capacity" not in fields(result)
    assert rules(result) == [("warning", "input.bad-value", 6)]
    assert result.findings[0].subject == "quokka_db"


@pytest.mark.parametrize("value", ["4096", "4096 TB", "4096 MB x", "MB", "1e3 MB", "inf MB"])
def test_memory_that_is_none(value: str) -> None:
    result = read(lpar(Online_Memory=value), "x")
    assert "online_memory" not in fields(result)
    assert rules(result) == [("warning", "input.bad-value", 12)]


@pytest.mark.parametrize("value, mib", [("4 GB", 4096), ("4.50 GB", 4608), ("4194304 KB", 4096), ("0", 0)])
def test_memory_units(value: str, mib: int) -> None:
    assert fields(read(lpar(Physical_Memory_in_the_Pool=value), "x"))["memory_pool_size"] == mib


def test_filtered_output_names_what_is_missing() -> None:
    text = "Partition Name : dingo\nType : Shared\nEntitled Capacity : 0.50\n"
    result = read(text, "x", first_line=10)
    assert rules(result) == [("warning", "input.truncated", 12)]
    assert "'partition number', 'mode', 'online virtual cpus'" in result.findings[0].message
    assert fields(result) == {"partition_name": "dingo", "type": "Shared", "entitled_capacity": 50}
    assert result.records[0].lines == {"partition_name": 10, "type": 11, "entitled_capacity": 12}


def test_twice_empty_and_unknown() -> None:
    result = read(lpar(Memory_Mode="") + "Partition Name : other\nNuova chiave : 4\n/bin/ksh\n", "x")
    assert rules(result) == [
        ("warning", "input.missing-value", 28), ("warning", "input.duplicate-key", 44),
        ("warning", "input.unknown-text", 46), ("info", "input.unknown-text", 45)]
    assert fields(result)["partition_name"] == "quokka_db"


@pytest.mark.parametrize("line", ["ksh: lparstat:  not found.", "0516-306 lspv: unknown disk", "HSCL8012 no partition",
                                  "No results were found.", "lparstat: must be root"])
def test_error_messages_are_told_apart(line: str) -> None:
    assert rules(read(lpar() + line, "x")) == [("warning", "input.error-text", 44)]


@pytest.mark.parametrize("line", ["Nom du nœud : bilby", "ksh : lparstat introuvable", "Nazwa węzła : bilby",
                                  "Zugriff verweigert"])
def test_other_languages_are_reported(line: str) -> None:
    result = read(line, "x")
    assert result.records == ()
    assert {f.rule for f in result.findings} in (
        {"input.unknown-text", "input.truncated"}, {"input.error-text", "input.truncated"})


def test_line_ends_and_colours() -> None:
    expected = fields(reading("aix_44_shared_ame.txt"))
    text = (FIXTURES / "aix_44_shared_ame.txt").read_text()
    assert fields(read(text.replace("\n", "\r\n"), "x")) == expected
    assert fields(read(text.replace("\n", "\r"), "x")) == expected
    assert fields(read("\x1b[1m" + text, "x")) == expected


def test_recognises_its_own_only() -> None:
    assert all(recognise(text) for text in TEXTS)
    assert FORMAT.recognise is recognise
    assert not recognise("name=a,lpar_id=1,mode=x\nType : y\n")
    assert not recognise('BBBP,1,lparstat -i,"Node Name : a"\nBBBP,2,lparstat -i,"Type : b"\n' * 3)


def test_many_findings_are_counted() -> None:
    result = read("nonsense\n" * 500, "x")
    unknown = [f for f in result.findings if f.rule == "input.unknown-text"]
    assert len(unknown) == Notes.FULL + 1
    assert unknown[-1].message.startswith("450 more")


@pytest.mark.parametrize("text", ["A" + " " * 300_000, "Type :" + " " * 300_000 + "x" + " " * 300_000 + "y",
                                  ":" * 300_000, "Online Memory : " + "1" * 300_000 + " MB"])
def test_long_lines_are_quick(text: str) -> None:
    started = process_time()
    read(text, "x")
    recognise(text)
    assert process_time() - started < 2


@settings(max_examples=portion(300), deadline=2000)
@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.text(max_size=12))))
def test_no_mutation_raises(text: str, edits: list[tuple[float, int, str]]) -> None:
    for where, cut, put in edits:
        at = int(where * len(text))
        text = text[:at] + put + text[at + cut:]
    result = read(text, "x")
    recognise(text)
    assert all(f.source and f.rule.startswith("input.") for f in result.findings)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no collected samples here")
def test_collected_samples() -> None:
    paths = sorted(SAMPLES.glob("*.txt"))
    assert paths
    for path in paths:
        text = path.read_text()
        result = read(text, path.name)
        assert recognise(text)
        assert [f for f in result.findings if f.severity is not Severity.INFO] == []
        assert len(fields(result)) == 24
