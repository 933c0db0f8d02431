"""``lspv``, attributes of disks, ``lsdev``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.findings import Severity
from planner.formats.base import NonValue, Reading
from planner.formats.vios_disks import FORMATS, KIND_ATTR, KIND_LSDEV, KIND_LSPV

FIXTURES = Path(__file__).parent.parent / "fixtures" / "vios"
READ = {form.kind: form.read for form in FORMATS}
EMPTY, NONE, UNAVAILABLE = NonValue.EMPTY, NonValue.NONE, NonValue.UNAVAILABLE


def reading(kind: str, name: str) -> Reading:
    return READ[kind]((FIXTURES / name).read_text(), name)


def fields(result: Reading) -> list[dict[str, Any]]:
    return [record.fields for record in result.records]


def rules(result: Reading) -> list[tuple[str, int | None]]:
    return [(finding.rule, finding.source.line if finding.source else None) for finding in result.findings]


ROOT = {"name": "hdisk0", "pvid": "00f6aaaa11112222", "vg": "rootvg", "status": "active"}


@pytest.mark.parametrize(("name", "expected"), [
    ("lspv.txt", [ROOT, {"name": "hdisk1", "pvid": "00f6aaaa33334444", "vg": NONE},
                  {"name": "hdisk2", "pvid": NONE, "vg": NONE}]),
    ("lspv_aix.txt", [ROOT, {"name": "hdisk1", "pvid": "00f6aaaa33334444", "vg": "datavg", "status": "concurrent"},
                      {"name": "hdisk2", "pvid": NONE, "vg": NONE}]),
    ("lspv_size.txt", [{"name": "hdisk0", "pvid": "00f6aaaa11112222", "size": 140013},
                       {"name": "hdisk1", "pvid": "00f6aaaa33334444", "size": 51200}]),
    ("lspv_free.txt", [{"name": "hdisk7", "pvid": NONE, "size": 102400},
                       {"name": "hdisk8", "pvid": "00f6aaaa55556666", "size": 102400}]),
    ("lspv_size_fmt.txt", [{"name": "hdisk0", "pvid": "00f6aaaa11112222", "size": 140013},
                           {"name": "hdisk2", "pvid": NONE, "size": 51200}]),
])
def test_tables_of_lspv(name: str, expected: list[dict[str, Any]]) -> None:
    result = reading(KIND_LSPV, name)
    assert fields(result) == expected
    assert result.findings == ()
    header = 0 if "fmt" in name or "aix" in name else 1
    assert [record.source.line for record in result.records] == [header + n for n in range(1, len(expected) + 1)]


def test_lspv_fmt_with_groups() -> None:
    result = READ[KIND_LSPV]("hdisk0:00f6aaaa11112222:rootvg:active\nhdisk1:none:None:\n", "x")
    assert fields(result) == [ROOT, {"name": "hdisk1", "pvid": NONE, "vg": NONE, "status": EMPTY}]


def test_one_disk() -> None:
    result = reading(KIND_LSPV, "lspv_hdisk_active.txt")
    assert fields(result) == [{
        "name": "hdisk0", "vg": "rootvg", "pvid": "00f6aaaa11112222",
        "vg_identifier": "00f6aaaa00004c000000015aaaaaaaaa",
        "pv_state": "active", "stale_partitions": "0", "allocatable": "yes", "pp_size": "256 megabyte(s)",
        "logical_volumes": "14", "size": "546 (139776 megabytes)", "vg_descriptors": "2",
        "free": "330 (84480 megabytes)", "hot_spare": "no", "used": "216 (55296 megabytes)",
        "max_request": "256 kilobytes", "free_distribution": "95..55..00..71..109",
        "used_distribution": "15..54..109..38..00", "mirror_pool": NONE,
    }]
    assert result.findings == ()


def test_a_disk_that_is_unavailable() -> None:
    result = reading(KIND_LSPV, "lspv_hdisk_unavailable.txt")
    disk = result.records[0].fields
    stated = {"name", "vg", "pvid", "vg_identifier", "max_request"}
    assert {name: disk[name] for name in ("name", "vg", "pvid")} == {
        "name": "hdisk4", "vg": "oldvg", "pvid": "00f6aaaa77778888"}
    assert {value for name, value in disk.items() if name not in stated} == {UNAVAILABLE}
    assert len(disk) == 18
    assert rules(result) == [("input.error-text", 1)]
    assert result.findings[0].severity is Severity.WARNING


def test_lspv_of_a_disk_cut_short() -> None:
    text = "".join((FIXTURES / "lspv_hdisk_active.txt").read_text().splitlines(keepends=True)[:4])
    assert rules(READ[KIND_LSPV](text, "x")) == [("input.truncated", 4)]


@pytest.mark.parametrize(("line", "rule"), [
    ("hdisk3          00f6", "input.unknown-text"), ("0516-304 : Unable to find hdisk9", "input.error-text"),
    ("HSCL0000 something", "input.error-text"), (":::", "input.unknown-text"),
    ("hdisk0          00f6aaaa11112222                    140013", "input.duplicate-key"),
    ("hdisk9          00f6xxxx11112222                    140013", "input.bad-value"),
    ("hdisk9          00f6aaaa11112223                    1e999", "input.bad-value"),
    ("hdisk9          00f6aaaa11112223                    -5", "input.bad-value"),
    ("Nie ma dysku", "input.unknown-text"),
])
def test_lines_of_lspv_that_cannot_be_used(line: str, rule: str) -> None:
    result = READ[KIND_LSPV]((FIXTURES / "lspv_size.txt").read_text() + line + "\n", "x")
    assert rules(result) == [(rule, 4)]
    assert fields(result)[:2] == fields(reading(KIND_LSPV, "lspv_size.txt"))
    assert all("size" not in record.fields or record.fields["size"] == 140013 for record in result.records[2:])


ATTRIBUTES = {
    "pcm": "PCM/friend/fcpother", "algorithm": "fail_over", "clr_q": "no", "hcheck_cmd": "test_unit_rdy",
    "hcheck_interval": "60", "location": EMPTY, "lun_id": "0x1000000000000", "max_transfer": "0x80000",
    "pvid": "00f6aaaa33334444", "queue_depth": "20", "reserve_policy": "no_reserve", "shiny_new": "7",
    "unique_id": "240C50 1341325AAAAA0300 04107210790003IBMfcp", "ww_name": "0x50000000000000a1",
}


def test_attributes_by_lsdev() -> None:
    result = reading(KIND_ATTR, "hdisk_attr.txt")
    assert fields(result) == [ATTRIBUTES]
    assert (result.records[0].where("reserve_policy").line, result.records[0].source.line) == (13, 3)
    assert rules(result) == [("input.unknown-text", 14)]
    assert "shiny_new" in result.findings[0].message


def test_attributes_by_lsattr() -> None:
    result = reading(KIND_ATTR, "hdisk_attr_aix.txt")
    assert fields(result) == [{
        "pcm": "PCM/friend/fcpother", "hcheck_interval": "0", "location": EMPTY, "pvid": NONE, "queue_depth": "3",
        "reserve_policy": "single_path", "size_in_mb": "51200", "unique_id": "3321360050768AAA 0010B04214503IBMf",
    }]
    assert result.findings == ()


def test_attributes_with_collapsed_columns_of_two_named_disks() -> None:
    result = reading(KIND_ATTR, "hdisk_attr_collapsed.txt")
    assert fields(result) == [
        {"device": "hdisk3", "hcheck_interval": "60", "location": EMPTY, "reserve_policy": "PR_shared",
         "unique_id": "240C50 1341325AAAAA"},
        {"device": "hdisk4", "reserve_policy": "no_reserve"},
    ]
    assert result.findings == ()


@pytest.mark.parametrize("prompt", ["$ lsdev -dev hdisk7 -attr", "padmin@vio1 $ lsdev -dev hdisk7 -attr", "hdisk7"])
def test_the_command_names_the_disk(prompt: str) -> None:
    result = READ[KIND_ATTR](prompt + "\n" + (FIXTURES / "hdisk_attr.txt").read_text(), "x")
    assert fields(result) == [{"device": "hdisk7", **ATTRIBUTES}]


def test_headers_begin_disks() -> None:
    text = (FIXTURES / "hdisk_attr.txt").read_text()
    assert fields(READ[KIND_ATTR](text + text, "x")) == [ATTRIBUTES, ATTRIBUTES]


@pytest.mark.parametrize(("line", "rule"), [
    ("pvid 00f6 Physical volume identifier False", "input.bad-value"),
    ("reserve_policy zebra Reserve Policy True+", "input.bad-value"),
    ("unique_id 12 34 kennung False", "input.bad-value"),
    ("hcheck_interval 60 Health", "input.unknown-text"),
    ("0514-519 The following device was not found", "input.error-text"),
])
def test_attributes_that_cannot_be_used(line: str, rule: str) -> None:
    text = (FIXTURES / "hdisk_attr.txt").read_text().splitlines()
    name = line.split()[0]
    kept = [row for row in text if row.split()[:1] not in ([name], ["shiny_new"])]
    result = READ[KIND_ATTR]("\n".join([*kept, line]), "x")
    assert rules(result) == [(rule, len(kept) + 1)]
    assert result.records[0].fields.get(name) == ("zebra" if name == "reserve_policy" else None)


def test_an_attribute_twice_and_a_disk_without_any() -> None:
    row = "reserve_policy no_reserve Reserve Policy True\n"
    result = READ[KIND_ATTR](row + row + "hdisk9:\n", "x")
    assert fields(result) == [{"reserve_policy": "no_reserve"}]
    assert rules(result) == [("input.duplicate-key", 2), ("input.truncated", 3)]


@pytest.mark.parametrize(("name", "devices", "line"), [
    ("lsdev_adapter.txt", 6, 2), ("lsdev_aix.txt", 4, 1), ("lsdev_typed.txt", 2, 1)])
def test_lists_of_devices_are_counted_and_left_out(name: str, devices: int, line: int) -> None:
    result = reading(KIND_LSDEV, name)
    assert result.records == ()
    assert [(f.severity, f.rule, f.message) for f in result.findings] == [
        (Severity.INFO, "input.not-read", f"{devices} devices: no plan needs them")]
    assert rules(result) == [("input.not-read", line)]


def test_lines_of_lsdev_that_cannot_be_used() -> None:
    text = (FIXTURES / "lsdev_adapter.txt").read_text() + "ent9  Dostępny  karta\n$\n"
    assert rules(READ[KIND_LSDEV](text, "x")) == [
        ("input.unknown-text", 8), ("input.unknown-text", 9), ("input.not-read", 2)]
