"""``/proc/ppc64/lparcfg`` of Linux on Power."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.findings import Severity
from planner.formats import registry
from planner.formats.base import Reading
from planner.formats.facts import Intake, PartRef
from planner.formats.lparcfg import FORMAT, KIND, field_name, read, recognise

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "lparcfg"
SAMPLES = ROOT.parent / "shared" / "samples" / "lparcfg"
TEXTS = [path.read_text() for path in sorted(FIXTURES.glob("*.txt"))]


def reading(name: str) -> Reading:
    return read((FIXTURES / name).read_text(), name)


def fields(result: Reading) -> dict[str, Any]:
    (record,) = result.records
    assert record.kind == KIND
    return record.fields


def rules(result: Reading) -> list[tuple[str, str, int | None]]:
    return [(f.severity.value, f.rule, f.source.line if f.source else None) for f in result.findings]


def changed(old: str, new: str) -> Reading:
    text = (FIXTURES / "linux_shared.txt").read_text()
    assert text.count(old) == 1
    return read(text.replace(old, new), "x")


def test_shared() -> None:
    result = reading("linux_shared.txt")
    assert result.findings == ()
    assert result.records[0].lines["partition_entitled_capacity"] == 20
    assert fields(result) == {
        "version": "1.9", "serial_number": "IBM,02ABCDE99", "system_type": "IBM,9009-42A", "partition_id": 18,
        "bound_thrds": 1, "cap_inc": 1, "dis_whe_rot_per": 5120000, "min_ent_cap": 50, "min_ent_cap_per_vp": 5,
        "min_mem": 1024, "min_procs": 1, "partition_max_entitled_capacity": 800, "system_potential_processors": 24,
        "des_ent_cap": 200, "des_mem": 8192, "des_procs": 4, "des_var_cap_wt": 128, "ded_don_mode": 0,
        "partition_entitled_capacity": 200, "group": 32786, "system_active_processors": 24, "pool": 0,
        "pool_capacity": 2400, "pool_idle_time": 911842290011, "pool_num_procs": 24,
        "unallocated_capacity_weight": 0, "capacity_weight": 128, "capped": False, "unallocated_capacity": 0,
        "physical_procs_allocated_to_virtualization": 24, "max_proc_entitled_capacity": 2400,
        "entitled_proc_capacity_available": 1935, "entitled_memory": 8589934592, "mapped_entitled_memory": 0,
        "entitled_memory_group_number": 32786, "entitled_memory_pool_number": 65535, "entitled_memory_weight": 0,
        "unallocated_entitled_memory_weight": 0, "unallocated_io_mapping_entitlement": 0,
        "entitled_memory_loan_request": -4096, "backing_memory": 8589934592, "cmo_enabled": False,
        "dispatches": 304417290, "dispatch_dispersions": 10228, "purr": 1044908220117, "tbr": 88710023451120,
        "partition_active_processors": 4, "partition_potential_processors": 8, "shared_processor_mode": True,
        "slb_size": 32,
    }


def test_dedicated_without_pool_keys() -> None:
    result = reading("linux_dedicated_no_pool.txt")
    assert result.findings == ()
    assert fields(result) == {
        "version": "1.8", "serial_number": "IBM,0300F1E22", "system_type": "IBM,8286-42A", "partition_id": 4,
        "group": 32772, "max_mem": 65536, "partition_entitled_capacity": 600, "partition_active_processors": 6,
        "partition_potential_processors": 12, "shared_processor_mode": False, "capped": True,
    }


def test_excerpt_names_what_is_missing() -> None:
    result = read("system_type=IBM,9009-42A\npartition_id=7\n", "x", first_line=3)
    assert fields(result) == {"system_type": "IBM,9009-42A", "partition_id": 7}
    assert rules(result) == [("warning", "input.truncated", 4)]
    assert "'partition_entitled_capacity'" in result.findings[0].message


@pytest.mark.parametrize("value", ["inf", "nan", "2.00", "2,00", "-200", "0x1f", "1e3", "two", "9" * 21,
                                   "99999999999", "\u0662"])
def test_bad_capacity(value: str) -> None:
    result = changed("\npartition_entitled_capacity=200\n", f"\npartition_entitled_capacity={value}\n")
    assert "partition_entitled_capacity" not in fields(result)
    assert rules(result) == [("warning", "input.bad-value", 20)]


@pytest.mark.parametrize("old, new, name", [
    ("capped=0", "capped=2", "capped"), ("DesMem=8192", "DesMem=9999999999", "des_mem"),
    ("partition_active_processors=4", "partition_active_processors=400000", "partition_active_processors"),
    ("shared_processor_mode=1", "shared_processor_mode=yes", "shared_processor_mode")])
def test_other_bad_values(old: str, new: str, name: str) -> None:
    result = changed(old, new)
    assert name not in fields(result)
    assert [f.rule for f in result.findings] == ["input.bad-value"]


def test_unknown_empty_double_and_foreign_lines() -> None:
    text = "new_counter=12\nNewText=a b\npool=\npartition_id=9\ncat: brak pliku\nksh: cat: not found\n"
    result = changed("lparcfg 1.9\n", "lparcfg 1.9\n" + text)
    found = fields(result)
    assert (found["new_counter"], found["new_text"], found["partition_id"], found["pool"]) == (12, "a b", 9, 0)
    assert rules(result) == [
        ("warning", "input.missing-value", 4), ("warning", "input.unknown-text", 6), ("warning", "input.error-text", 7),
        ("warning", "input.duplicate-key", 10), ("info", "input.unknown-text", 2)]
    assert "NewText, new_counter" in result.findings[-1].message


def test_field_names() -> None:
    assert [field_name(key) for key in ("MinEntCapPerVP", "BoundThrds", "purr", "DedDonMode")] == [
        "min_ent_cap_per_vp", "bound_thrds", "purr", "ded_don_mode"]


def test_recognises_its_own_only() -> None:
    assert all(recognise(text) for text in TEXTS)
    assert FORMAT.recognise is recognise
    assert recognise("serial_number=IBM,1\r\npartition_id=2\r\ngroup=3\r\n")
    assert not recognise("name=a,lpar_id=1,pool=2\nname=b,lpar_id=2,pool=2\n")
    assert not recognise("type=Shared mode=Uncapped smt=8 lcpu=4 mem=4101120 kB cpus=24 ent=4.00\n")


@pytest.mark.parametrize("text", ["lparcfg " + "1." * 100_000, "A" * 300_000 + "=1", "=" * 300_000,
                                  "pool=" + "1" * 300_000, "lparcfg" + " " * 300_000])
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
    for record in result.records:
        assert record.fields.keys() <= record.lines.keys()


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no collected samples here")
def test_collected_samples() -> None:
    for path in sorted(SAMPLES.glob("*.txt")):
        result = read(path.read_text(), path.name)
        assert [f for f in result.findings if f.severity is Severity.ERROR] == []
        assert result.records


def test_a_current_kernel_names_the_partition_and_says_bytes() -> None:
    reading = registry.read_document((FIXTURES / "linux_power10.txt").read_bytes(), "x.txt")[0]
    assert reading.findings == ()
    (partition,) = assemble_intake(reading).partitions
    assert (partition.ref, partition.values["max_memory_mib"][0]) == (PartRef("0278BBB04", 14, "cedar db"), 65536)


def assemble_intake(reading: Reading) -> Intake:
    intake = Intake()
    for record in reading.records:
        FORMAT.facts[KIND](intake, record, reading)
    return intake
