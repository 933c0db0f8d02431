"""njmon of AIX and of Linux on Power: sizes into an estate, snapshots into a history, in each frame that it comes in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_writer import source, write

from planner.estate.load import load
from planner.findings import Severity
from planner.formats import njmon, registry
from planner.formats.base import Reading
from planner.formats.samples import Context, Kind, Sample
from planner.history.sources import extract

FIXTURES = Path(__file__).parents[1] / "fixtures" / "njmon"
AIX, LINUX = ((FIXTURES / name).read_text() for name in ("aix.json", "linux.json"))
SNAPSHOTS = [json.loads(line) for line in AIX.splitlines()]
NOON_S = 1_768_042_800  # 2026-01-10 11:00 UTC
SITE = """\
hscroot@hmc1:~> lssyscfg -r sys
name=harbour,type_model=8286-42A,serial_num=06AAAB1,state=Operating
hscroot@hmc1:~> lshwres -r procpool -m harbour
name=DefaultPool,shared_proc_pool_id=0
"""


def read(text: str) -> Reading:
    return registry.read_document(text.encode(), "a.json")[0]


@pytest.mark.parametrize("text", [
    AIX, json.dumps(SNAPSHOTS), json.dumps({"samples": SNAPSHOTS}, indent=2), "\n".join(
        json.dumps(one, indent=4) for one in SNAPSHOTS), ",\n".join(map(json.dumps, SNAPSHOTS))],
    ids=["lines", "array", "samples", "documents", "commas"])
def test_every_frame_gives_the_same(text: str) -> None:
    assert [r.fields for r in read(text).records] == [r.fields for r in read(AIX).records]
    assert read(text).findings == ()


def test_snapshots_become_samples() -> None:
    found = extract(source(AIX), Context(servers={"06AAAB1": "harbour"}))
    assert found.samples == [
        Sample(Kind.LPAR, "alder", "harbour", NOON_S + 300 * n, 300, 1187 + 100 * n, 40, 5120, 8192) for n in (0, 1)]
    assert found.findings == []


def test_of_a_dedicated_partition_what_is_busy() -> None:
    text = AIX.replace('"shared_enabled": 1', '"shared_enabled": 0')
    assert [one.physc for one in extract(source(text), Context()).samples] == [1177, 1177]


def test_linux_counts_what_lparcfg_says() -> None:
    found = extract(source(LINUX), Context())
    assert found.samples == [Sample(Kind.LPAR, "birch2", "serial 7806AAAB1", NOON_S + 60 * n, 60, 250 if n else None,
                                    50, 2000, 8000) for n in (0, 1)]
    assert [f.severity for f in found.findings] == [Severity.INFO]


def test_sizes_of_an_estate(tmp_path: Path) -> None:
    for name, text in (("site.txt", SITE), ("aix.json", AIX), ("linux.json", LINUX)):
        write(tmp_path, name, text)
    alder, birch = load([tmp_path]).estate.lpars
    assert (alder.name, alder.lpar_id, alder.server, alder.entitlement_units, alder.virtual_processors,
            alder.max_virtual_processors, alder.memory_mib, alder.max_memory_mib, alder.processors, alder.sharing,
            alder.weight, alder.pool_id, alder.os, alder.os_level) == (
        "alder", 7, "harbour", 40, 2, 4, 8192, 16384, "shared", "uncapped", 64, 0, "AIX", "7200-05-03-2136")
    assert (birch.name, birch.lpar_id, birch.server, birch.entitlement_units, birch.max_memory_mib, birch.os) == (
        "birch2", 9, "harbour", 50, 16384, "Linux")


def test_what_is_damaged_costs_that_snapshot_alone() -> None:
    broken = AIX.replace('"snapshot_loop": 0', '"snapshot_loop": ', 1)
    reading = read(broken)
    assert [r.kind for r in reading.records] == [njmon.SAMPLE, njmon.CONFIG]
    assert [(f.rule, f.severity) for f in reading.findings] == [("input.bad-value", Severity.WARNING)]
    assert [r.kind for r in read(AIX[:-40]).records] == [njmon.SAMPLE, njmon.CONFIG]


@pytest.mark.parametrize(("old", "new"), [
    ('"physical_consumed": 1.187', '"physical_consumed": -1'), ('"vcpus_online": 2', '"vcpus_online": 1e9'),
    ('"2026-01-10T11:00:00"', '"yesterday"'), ('"mem_online": 8192', '"mem_online": 1e300')])
def test_a_value_that_cannot_be_is_left_out(old: str, new: str) -> None:
    assert [f.rule for f in read(AIX.replace(old, new)).findings] == ["input.bad-value"]


def test_of_another_machine_nothing_is_taken() -> None:
    x86: dict[str, Any] = {"identity": SNAPSHOTS[0]["identity"], "timestamp": SNAPSHOTS[0]["timestamp"]}
    (finding,) = read(json.dumps(x86)).findings
    assert "not an LPAR" in finding.message


@given(st.text(st.sampled_from('{}[]",:0123456789 \nnjmon_version')), st.integers(0, len(AIX)))
@settings(max_examples=60)
def test_any_text_is_read(insert: str, at: int) -> None:
    njmon.read(AIX[:at] + insert + AIX[at:], "a.json")
