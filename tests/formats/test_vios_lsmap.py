"""``lsmap -all`` with ``-net``, ``-npiv``, ``-vnic``: plain and ``-fmt :``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.findings import Severity
from planner.formats import registry
from planner.formats.base import NonValue, Reading, Record
from planner.formats.vios_lsmap import FORMATS, KIND, KIND_NET, KIND_NPIV, KIND_VNIC, backing_kind

FIXTURES = Path(__file__).parent.parent / "fixtures" / "vios"
READ = {form.kind: form.read for form in FORMATS}
EMPTY, NONE, UNAVAILABLE = NonValue.EMPTY, NonValue.NONE, NonValue.UNAVAILABLE

SERVER = {"type_model": "9117-MMD", "serial_num": "06AAAA1", "vios_partition_id": 1}
HEX = {"type_model": "9080-HEX", "serial_num": "06AAAA2", "vios_partition_id": 2}


def reading(kind: str, name: str) -> Reading:
    return READ[kind]((FIXTURES / name).read_text(), name)


def fields(result: Reading) -> list[dict[str, Any]]:
    return [record.fields for record in result.records]


def rules(result: Reading) -> list[tuple[str, int | None]]:
    return [(finding.rule, finding.source.line if finding.source else None) for finding in result.findings]


def vhost(number: int, slot: int, client: object, **device: object) -> dict[str, Any]:
    physloc = f"U9117.MMD.06AAAA1-V1-C{slot}"
    own = {"vhost": f"vhost{number}", "physloc": physloc, "client_partition_id": client, "slot": slot}
    return {**own, **SERVER, **device}


def device(vtd: str, lun: str, backing: object, kind: str, physloc: object, mirrored: object) -> dict[str, Any]:
    return {"vtd": vtd, "status": "Available", "lun": f"0x{lun}00000000000000", "backing_device": backing,
            "backing_kind": kind, "backing_physloc": physloc, "mirrored": mirrored}


PORT = "U2C4E.001.DAAAAAA-P2-C1-T1-W50000000000000A1-L"
ISO = "/var/vio/VMLibrary/larch_install.iso"
ALL = [
    vhost(0, 11, 14, **device("birch_root", "81", "hdisk5", "disk", PORT + "1000000000000", False)),
    vhost(0, 11, 14, **device("birch_data", "82", "lv_birch", "lv", EMPTY, UNAVAILABLE)),
    vhost(1, 12, NONE, **device("vtopt0", "81", ISO, "optical", EMPTY, UNAVAILABLE)),
    vhost(1, 12, NONE, **device("vtopt1", "82", EMPTY, "optical", EMPTY, UNAVAILABLE)),
    vhost(2, 13, 31, vtd=NONE),
    vhost(3, 14, 3, **device("elm_lu", "81", "lu_elm.00ab12cd34ef56ab78cd90ef12ab34cd", "ssp", EMPTY, UNAVAILABLE)),
    vhost(3, 14, 3, **device("elm_file", "82", "/var/vio/storagepools/filepool/elm1", "file", EMPTY, UNAVAILABLE)
          | {"status": "Defined"}),
    vhost(3, 14, 3, **device("elm_named", "83", "elm_disk", "disk", PORT + "3000000000000", False)),
]


def test_vscsi() -> None:
    result = reading(KIND, "lsmap_all.txt")
    assert fields(result) == ALL
    assert result.findings == ()


def test_each_field_knows_its_line() -> None:
    second, empty = (reading(KIND, "lsmap_all.txt").records[at] for at in (1, 4))
    assert second.source.line == second.where("vtd").line == 12
    assert (second.where("vhost").line, second.where("backing_device").line) == (3, 15)
    assert (empty.source.line, empty.where("vtd").line) == (38, 40)


def test_lines_count_from_where_the_text_stands() -> None:
    text = (FIXTURES / "lsmap_all.txt").read_text()
    assert READ[KIND](text, "x", first_line=101).records[0].where("vhost").line == 103


def test_vscsi_retyped_without_padding_blank_lines_or_status() -> None:
    result = reading(KIND, "lsmap_all_retyped.txt")
    assert [(f["vhost"], f["vtd"], f.get("status"), f.get("backing_device")) for f in fields(result)] == [
        ("vhost0", "vtscsi0", None, "hdisk1"), ("vhost0", "vtscsi1", "Available", "hdisk2"),
        ("vhost1", NONE, None, None), ("vhost2", NONE, None, None),
    ]
    assert "mirrored" not in result.records[0].fields
    assert result.records[0].fields["backing_kind"] == "disk"
    assert result.findings == ()


def test_vscsi_fmt() -> None:
    result = reading(KIND, "lsmap_all_fmt.txt")
    disk = {"status": "Available", "backing_kind": "disk", "mirrored": False}
    port = "U78D2.001.AAAA123-P1-C3-T1-W5000000000000A01-L"
    oak = {"vhost": "vhost2", "physloc": "U9080.HEX.06AAAA2-V2-C703", "client_partition_id": 12, "slot": 703, **HEX}
    assert fields(result) == [
        {"vhost": "vhost0", "physloc": "U9080.HEX.06AAAA2-V2-C701", "client_partition_id": 10, "slot": 701, **HEX,
         "vtd": NONE},
        {"vhost": "vhost1", "physloc": "U9080.HEX.06AAAA2-V2-C702", "client_partition_id": 11, "slot": 702, **HEX,
         "vtd": "oak_root", "lun": "0x8100000000000000", "backing_device": "hdisk12", "backing_physloc": port + "0",
         **disk},
        {**oak, **device("vtopt4", "81", "/var/vio/VMLibrary/oak.iso", "optical", EMPTY, UNAVAILABLE)},
        {**oak, **device("oak_data", "82", "hdisk13", "disk", port + "1000000000000", False)},
        {**oak, **device("oak_logs", "83", "hdisk14", "disk", port + "2000000000000", False)},
    ]
    assert result.findings == ()


def test_vscsi_fmt_of_old_levels_has_no_mirrored() -> None:
    line = "vhost4:U9117.MMA.06AAAA3-V1-C9:0x00000005" + "".join(
        f":vt{n}:Available:0x8{n}00000000000000:hdisk{n}:" for n in range(1, 7))
    result = READ[KIND](line, "x")
    assert [(f["vtd"], f["backing_device"], f["backing_physloc"]) for f in fields(result)] == [
        (f"vt{n}", f"hdisk{n}", EMPTY) for n in range(1, 7)]
    assert not any("mirrored" in f for f in fields(result))
    assert result.findings == ()


def test_fmt_with_a_field_too_many_is_refused() -> None:
    result = READ[KIND]("vhost4:U9117.MMA.06AAAA3-V1-C9:0x00000005:vt1:Available:0x81:a:b:U1:false", "x")
    assert result.records == ()
    assert rules(result) == [("input.bad-value", 1)]
    assert "10 fields, expected 3 and 6 for each device" in result.findings[0].message


def test_network() -> None:
    expected = [
        {"svea": "ent4", "physloc": "U9117.MMD.06AAAA1-V1-C2-T1", "slot": 2, **SERVER, "sea": "ent6",
         "backing_device": "ent0", "status": "Available", "backing_physloc": "U78A0.001.DAAAAA1-P1-C2-T1"},
        {"svea": "ent5", "physloc": "U9117.MMD.06AAAA1-V1-C3-T1", "slot": 3, **SERVER, "sea": NONE},
    ]
    for name in ("lsmap_net.txt", "lsmap_net_fmt.txt"):
        result = reading(KIND_NET, name)
        assert fields(result) == expected
        assert result.findings == ()


def vfchost(number: int, client: int, name: object, client_os: object, **more: object) -> dict[str, Any]:
    return {"vfchost": f"vfchost{number}", "physloc": f"U9117.MMD.06AAAA1-V1-C2{number + 1}", "slot": 21 + number,
            **SERVER, "client_partition_id": client, "client_name": name, "client_os": client_os, **more}


FC = {"fc_name": "fcs0", "fc_physloc": "U78A0.001.DAAAAA1-P1-C5-T1"}
NO_CLIENT = {"status": "NOT_LOGGED_IN", "ports_logged_in": 0, "vfc_client_name": EMPTY, "vfc_client_drc": EMPTY}
NPIV = [
    vfchost(0, 14, "birch", "AIX", status="LOGGED_IN", **FC, ports_logged_in=5, flags=10, vfc_client_name="fcs1",
            vfc_client_drc="U9117.MMD.06AAAA1-V14-C21"),
    vfchost(1, 15, EMPTY, EMPTY, **NO_CLIENT, **FC, flags=4),
    vfchost(2, 16, "test lpar 4", "IBM i", **NO_CLIENT, fc_name=EMPTY, fc_physloc=EMPTY, flags=1),
]
FLAG_NAMES = [("LOGGED_IN", "STRIP_MERGE"), ("NOT_LOGGED",), ("NOT_MAPPED", "NOT_CONNECTED")]


def test_npiv() -> None:
    result = reading(KIND_NPIV, "lsmap_npiv.txt")
    assert fields(result) == [f | {"flag_names": names} for f, names in zip(NPIV, FLAG_NAMES, strict=True)]
    assert result.findings == ()


def test_npiv_fmt_has_the_bare_mask() -> None:
    result = reading(KIND_NPIV, "lsmap_npiv_fmt.txt")
    assert fields(result) == NPIV[:2]
    assert result.findings == ()


def test_npiv_fmt_of_nine_fields_names_only_what_the_values_identify() -> None:
    result = reading(KIND_NPIV, "lsmap_npiv_fmt_nine.txt")
    idle, busy = fields(result)
    assert idle == {
        "vfchost": "vfchost0", "physloc": "U9080.HEX.06AAAA2-V2-C801", "slot": 801, **HEX, "client_partition_id": 10,
        "fc_name": "fcs0", "fc_physloc": "U78D2.001.AAAA123-P1-C7-T1", "status": "NOT_LOGGED_IN",
    }
    assert busy["field_4"] == "oak"
    assert busy["fc_name"] == "fcs1"
    assert rules(result) == [("input.unknown-text", 2)] * 3


def test_npiv_fmt_of_another_count_is_refused() -> None:
    result = READ[KIND_NPIV]("vfchost0:U9080.HEX.06AAAA2-V2-C801:10:fcs0:LOGGED_IN", "x")
    assert result.records == ()
    assert "5 fields, expected 12" in result.findings[0].message


def test_npiv_row_with_collapsed_columns() -> None:
    text = (FIXTURES / "lsmap_npiv.txt").read_text().replace("birch          AIX", "birch AIX")
    assert fields(READ[KIND_NPIV](text, "x"))[0]["client_name"] == "birch"
    assert fields(READ[KIND_NPIV](text, "x"))[0]["client_os"] == "AIX"


def test_vnic() -> None:
    adapter = {**HEX, "status": "Available"}
    expected = [
        {"vnicserver": "vnicserver0", "physloc": "U9080.HEX.06AAAA2-V2-C32897", "slot": 32897, **adapter,
         "client_partition_id": 10, "client_name": "oak", "client_os": "AIX", "backing_device": "ent4",
         "backing_physloc": "U78D2.001.AAAA123-P1-C9-T4-S7", "client_device_name": "ent1",
         "client_device_physloc": "U9080.HEX.06AAAA2-V10-C3"},
        {"vnicserver": "vnicserver1", "physloc": "U9080.HEX.06AAAA2-V2-C32898", "slot": 32898, **adapter,
         "client_partition_id": 11, "client_name": UNAVAILABLE, "client_os": UNAVAILABLE, "backing_device": "ent5",
         "backing_physloc": "U78D2.001.AAAA123-P1-C9-T4-S8", "client_device_name": UNAVAILABLE,
         "client_device_physloc": UNAVAILABLE},
    ]
    for name in ("lsmap_vnic.txt", "lsmap_vnic_fmt.txt"):
        result = reading(KIND_VNIC, name)
        assert fields(result) == expected
        assert result.findings == ()


@pytest.mark.parametrize(("backing", "vtd", "physloc", "kind"), [
    ("hdisk0", "vt", "U1", "disk"), ("hdiskpower7", "vt", "U1", "disk"), ("cd0", "vt", "U1", "optical"),
    ("rmt0", "vttape0", "U1", "tape"), ("/var/vio/VMLibrary/base_media", "x", EMPTY, "optical"),
    ("/pool/disk", "vtopt3", EMPTY, "optical"), ("/pool/disk", "vt", EMPTY, "file"),
    ("/pool/a.ISO", "vt", EMPTY, "optical"),
    ("some_name", "vt", "U1", "disk"), ("some_name", "vt", EMPTY, "lv"), ("some_name", "vt", None, None),
    (EMPTY, "vtopt0", EMPTY, "optical"), (EMPTY, "vtscsi0", EMPTY, None),
])
def test_backing_kind(backing: object, vtd: str, physloc: object, kind: str | None) -> None:
    assert backing_kind(backing, vtd, physloc) == kind


ROW = "vhost0          U9117.MMD.06AAAA1-V1-C11                     0x0000000e\n"
GROUP = "VTD  a\nStatus  Available\nLUN  0x81\nBacking device  hdisk1\nPhysloc  U1\nMirrored  false\n"


def only(text: str, kind: str = KIND) -> tuple[tuple[Record, ...], list[tuple[str, int | None]]]:
    result = READ[kind](text, "x")
    return result.records, rules(result)


def test_a_listing_cut_in_a_group() -> None:
    records, found = only(ROW + "VTD  a\nStatus  Available\nBacking device  hdis\n")
    assert found == [("input.truncated", 4)]
    assert "backing_kind" not in records[0].fields


def test_a_listing_cut_behind_an_adapter() -> None:
    records, found = only(ROW)
    assert "vtd" not in records[0].fields
    assert found == [("input.truncated", 1)]


def test_a_group_without_its_first_line_is_not_mixed_into_the_one_above() -> None:
    records, found = only(ROW + GROUP + GROUP.removeprefix("VTD  a\n").replace("hdisk1", "hdisk2"))
    assert [(r.fields.get("vtd"), r.fields["backing_device"]) for r in records] == [("a", "hdisk1"), (None, "hdisk2")]
    assert found == [("input.truncated", 12)]


@pytest.mark.parametrize("damaged", [
    "vhost1, U9117.MMD.06AAAA1-V1-C12 ?? 0x3\n", "vhost1 U9117.MMD.06AAAA1-V1-C12 0x00000003 more\n",
])
def test_keys_below_a_damaged_row_do_not_go_to_the_adapter_above(damaged: str) -> None:
    records, found = only(ROW + GROUP + damaged + GROUP.replace("VTD  a", "VTD  b"))
    assert [r.fields["vtd"] for r in records] == ["a"]
    assert found == [("input.unknown-text", line) for line in range(8, 15)]


@pytest.mark.parametrize(("old", "new", "field"), [
    ("0x0000000e", "0xZZ", "client_partition_id"), ("0x0000000e", "0x0001ffff", "client_partition_id"),
    ("0x81", "0xno", "lun"), ("false", "perhaps", "mirrored"), ("VTD  a", "VTD  BRAK URZADZENIA DOCELOWEGO", "vtd"),
])
def test_values_that_cannot_be_read_stay_unknown(old: str, new: str, field: str) -> None:
    records, found = only((ROW + GROUP).replace(old, new))
    assert field not in records[0].fields
    assert [rule for rule, _ in found] == ["input.bad-value"]


def test_a_location_of_another_shape() -> None:
    result = READ[KIND](ROW.replace("U9117.MMD.06AAAA1-V1-C11", "U9117.MMD.06AAAA1-V1") + GROUP, "x")
    assert "slot" not in result.records[0].fields
    assert [(f.rule, f.severity) for f in result.findings] == [("input.bad-value", Severity.WARNING)]


def test_the_same_adapter_or_device_again() -> None:
    records, found = only(ROW + GROUP + GROUP + ROW + GROUP)
    assert len(records) == 1
    assert found == [("input.duplicate-key", 8), ("input.duplicate-key", 14)]


def test_an_unknown_key_is_kept_and_said_once() -> None:
    records, found = only(ROW + GROUP + "Colour  red\n" + GROUP.replace("VTD  a", "VTD  b") + "Colour  blue\n")
    assert [r.fields["colour"] for r in records] == ["red", "blue"]
    assert found == [("input.unknown-text", 8)]


def test_a_device_whose_disk_is_gone() -> None:
    records, found = only(ROW + GROUP.replace("hdisk1", ""))
    assert records[0].fields["backing_device"] is EMPTY
    assert found == [("input.missing-value", 7)]


def test_errors_prompts_and_other_text() -> None:
    result = READ[KIND]("$ lsmap -all\n0516-010 : lsmap\nNieznany błąd\nVTD  a\n" + ROW + GROUP, "x")
    assert [(f.rule, f.severity, f.source.line if f.source else 0) for f in result.findings] == [
        ("input.unknown-text", Severity.INFO, 1), ("input.error-text", Severity.WARNING, 2),
        ("input.unknown-text", Severity.WARNING, 3), ("input.unknown-text", Severity.WARNING, 4),
    ]
    assert len(result.records) == 1


def test_npiv_values_that_cannot_be_read() -> None:
    text = (FIXTURES / "lsmap_npiv.txt").read_text()
    records, found = only(text.replace("logged in:5", "logged in:inf").replace("a<LOGGED_IN", "q<LOGGED_IN"), KIND_NPIV)
    assert not {"ports_logged_in", "flags", "flag_names"} & set(records[0].fields)
    assert found == [("input.bad-value", 7), ("input.bad-value", 8)]


def test_windows_line_ends() -> None:
    text = (FIXTURES / "lsmap_all.txt").read_text().replace("\n", "\r\n")
    assert fields(READ[KIND](text, "x")) == ALL


@pytest.mark.parametrize("mark", ":;,%|#@!^~/*+&?")
def test_any_separator(mark: str) -> None:
    npiv = ("vfchost0:U9009.42A.78AAA01-V1-C30:10:alder:AIX:LOGGED_IN:fcs0:U78D2.001.WZS001-P1-C2-T1:2:a:fcs0:"
            "U9009.42A.78AAA01-V10-C10\nvfchost1:U9009.42A.78AAA01-V1-C31:11: : :NOT_LOGGED_IN: : :0:1: : \n")
    (reading,) = registry.read_document(npiv.replace(":", mark).encode(), "x.txt")
    assert [(r.fields["slot"], r.fields["client_partition_id"]) for r in reading.records] == [(30, 10), (31, 11)]


FIELDS = ("svsa", "clientid", "vtd", "backing")


@pytest.mark.parametrize("top", ["$ lsmap -all -field svsa clientid vtd backing -fmt :", ":".join(FIELDS),
                                 ":".join(FIELDS).upper(), "padmin@vio1 $ ioscli lsmap -all -field svsa clientid vtd backing -fmt2 :"])
def test_fields_that_were_asked_for(top: str) -> None:
    text = f"{top}\nvhost0:0x0000000a:vtd0:hdisk4:vtd1:hdisk5\nvhost1:0x0000000b:vtd2:hdisk6\n"
    (reading,) = registry.read_document(text.encode(), "x.txt")
    assert [(r.fields["client_partition_id"], r.fields["vtd"], r.fields["backing_device"])
            for r in reading.records] == [(10, "vtd0", "hdisk4"), (10, "vtd1", "hdisk5"), (11, "vtd2", "hdisk6")]
    assert reading.findings == ()


@pytest.mark.parametrize("top", ["$ lsmap -all -fmt : -field clientid svsa vtd backing", "clientid:svsa:vtd:backing"])
def test_fields_that_begin_with_another_than_the_adapter(top: str) -> None:
    text = f"{top}\n0x0000000a:vhost0:vtd0:hdisk4:vtd1:hdisk5\n0x0000000b:vhost1:vtd2:hdisk6\n"
    (reading,) = registry.read_document(text.encode(), "x.txt")
    assert [(r.fields["vhost"], r.fields["client_partition_id"], r.fields["backing_device"])
            for r in reading.records] == [("vhost0", 10, "hdisk4"), ("vhost0", 10, "hdisk5"), ("vhost1", 11, "hdisk6")]
    assert reading.findings == ()


def test_fields_of_npiv_that_were_asked_for() -> None:
    text = "$ lsmap -all -npiv -field name clntid fc status -fmt :\nvfchost0:10:fcs0:LOGGED_IN\n"
    (reading,) = registry.read_document(text.encode(), "x.txt")
    assert [(r.kind, r.fields["client_partition_id"], r.fields["fc_name"]) for r in reading.records] == [
        (KIND_NPIV, 10, "fcs0")]
