"""``entstat -all`` of a Shared Ethernet Adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.formats.base import Reading
from planner.formats.vios_entstat import read

FIXTURES = Path(__file__).parent.parent / "fixtures" / "vios"
TEXT = (FIXTURES / "entstat_sea.txt").read_text()
LAN = "Virtual I/O Ethernet Adapter (l-lan)"
TAGS = (100, 110, 120, 130, 140, 150, 160, 170)


def rules(result: Reading) -> list[str]:
    return [finding.rule for finding in result.findings]


def virtual(name: str, line: int, pvid: int, tags: tuple[int, ...], **more: Any) -> dict[str, Any]:
    return {"name": name, "role": "virtual", "line": line, "device_type": LAN, "pvid": pvid, "tags": tags,
            "hardware_address": f"02:aa:bb:00:00:0{name[-1]}", "switch_id": "vSwitchA",
            **more}


TRUNK = {"trunk": True, "priority": 1, "active": True}


def test_a_sea_with_two_trunks_and_a_control_channel() -> None:
    result = read(TEXT, "x")
    assert [record.fields for record in result.records] == [{
        "sea": "ent8", "device_type": "Shared Ethernet Adapter", "hardware_address": "00:aa:bb:00:00:01",
        "vlan_ids": {"ent4": TAGS, "ent5": (200,)},
        "ha_state": "PRIMARY_SH", "vlans": (1, *TAGS, 200),
        "adapters": (
            {"name": "ent0", "role": "real", "line": 57, "hardware_address": "00:aa:bb:00:00:01",
             "device_type": "4-Port Gigabit Ethernet PCI-Express Adapter (e414571614102004)"},
            virtual("ent4", 86, 1, TAGS, **TRUNK),
            virtual("ent5", 141, 200, (), **TRUNK),
            virtual("ent6", 195, 4000, (), trunk=False) | {"role": "control"},
        ),
    }]
    assert result.findings == ()
    assert (result.records[0].source.line, result.records[0].where("ha_state").line) == (1, 49)


@pytest.mark.parametrize("strip", [True, False])
def test_values_wrapped_in_terminal_codes(strip: bool) -> None:
    text = (FIXTURES / "entstat_ansi.txt").read_text()
    if strip:
        text = text.replace("\x1b[m\x0f ", "").replace(" \x1b[m\x0f", "")
    result = read(text, "x")
    fields = result.records[0].fields
    assert (fields["sea"], fields["vlan_ids"], fields["vlans"]) == ("ent9", {"ent7": (300,)}, (300,))
    assert "ha_state" not in fields
    assert result.findings == ()


def test_cut_before_the_adapters_the_list_of_the_sea_is_all_there_is() -> None:
    result = read(TEXT[:TEXT.index("ETHERNET STATISTICS (ent0)")], "x")
    assert result.records[0].fields["vlans"] == (*TAGS, 200)
    assert result.records[0].fields["adapters"] == ()
    assert [f.message for f in result.findings] == [
        "ends without the statistics of ent0", "ends without the statistics of ent4, ent5"]
    assert rules(result) == ["input.truncated"] * 2


def test_an_unreadable_tag_leaves_the_tags_unknown() -> None:
    result = read(TEXT.replace("160   170 ", "16O   170 "), "x")
    adapter = result.records[0].fields["adapters"][1]
    assert "tags" not in adapter
    assert rules(result) == ["input.bad-value"]
    assert result.records[0].fields["vlans"] == (*TAGS, 200)


def test_vlans_are_unknown_when_neither_list_can_be_read() -> None:
    result = read(TEXT.replace("160   170 ", "160   5000 ").replace("160 170", "inf 170"), "x")
    assert "vlans" not in result.records[0].fields
    assert result.records[0].fields["vlan_ids"] == {"ent5": (200,)}
    assert "input.bad-value" in rules(result)


@pytest.mark.parametrize(("line", "key"), [
    ("Port VLAN ID:     1\n", "'Port VLAN ID'"), ("VLAN Tag IDs:  None\n", "'VLAN Tag IDs'"),
    ("Trunk Adapter: True\n", "'Trunk Adapter'"), ("  Priority: 1  Active: True\n", "'Priority'"),
    ("    State: PRIMARY_SH\n", "'State'"),
])
def test_what_every_part_states_is_missed(line: str, key: str) -> None:
    result = read(TEXT.replace(line, "", 1), "x")
    assert [f.message for f in result.findings] == [f"has no {key}"]


@pytest.mark.parametrize(("old", "new"), [
    ("State: PRIMARY_SH", "State: HALB"),
    ("Trunk Adapter: True", "Trunk Adapter: Oui"), ("Port VLAN ID:     1", "Port VLAN ID:     0"),
])
def test_values_that_cannot_be_read(old: str, new: str) -> None:
    assert rules(read(TEXT.replace(old, new, 1), "x")) == ["input.bad-value"]


@pytest.mark.parametrize(("line", "rule"), [
    ("what is this", "input.unknown-text"), ("entstat: 0909-003 Unable to connect to device ent9", "input.error-text"),
    ("$ exit", "input.unknown-text"), ("zażółć gęślą jaźń", "input.unknown-text"),
])
def test_other_text_is_reported(line: str, rule: str) -> None:
    result = read(TEXT + line + "\n", "x")
    assert rules(result) == [rule]
    assert result.records == read(TEXT, "x").records


def test_two_seas_and_one_of_them_again() -> None:
    other = TEXT.replace("ent8", "ent18").replace("00:00:01", "00:00:11")
    result = read(TEXT + other + TEXT, "x")
    assert [record.fields["sea"] for record in result.records] == ["ent8", "ent18"]
    assert [len(record.fields["adapters"]) for record in result.records] == [4, 4]
    assert rules(result) == ["input.duplicate-key"]


def test_members_of_a_link_aggregation() -> None:
    member = TEXT[TEXT.index("ETHERNET STATISTICS (ent0)"):TEXT.index("Virtual Adapter: ent4")].replace("ent0", "ent2")
    text = TEXT.replace("--------------------------------------------------------------\nVirtual Adapter: ent4",
                        member + "Virtual Adapter: ent4")
    adapters = read(text, "x").records[0].fields["adapters"]
    assert [(a["name"], a["role"]) for a in adapters][:3] == [("ent0", "real"), ("ent2", "member"), ("ent4", "virtual")]


def test_without_a_sea_there_is_no_record() -> None:
    result = read(TEXT[TEXT.index("ETHERNET STATISTICS (ent6)"):], "x")
    assert result.records == ()
    assert rules(result) == ["input.unknown-text", "input.missing-value"]
