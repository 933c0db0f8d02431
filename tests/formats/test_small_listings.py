"""Small listings of VIOS, HMC and AIX, each in its known forms, and what they give an estate."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from test_hmc_cli import QUARRY_SITE

from planner.estate.assemble import Loaded
from planner.estate.load import load
from planner.formats import aix_errpt, hmc_level, hmc_lspartition, lparcfg, registry, vios_lsmap, vios_lsnports
from planner.formats.base import NonValue, Reading
from planner.formats.vios_vasistat import read as read_vasistat

PORTS = """\
$ lsnports
name             physloc                        fabric tports aports swwpns  awwpns{label}
fcs0             U78CB.001.WZS0A1B-P1-C2-T1          1     64     58   2048    2010{red}
fcs1             U78CB.001.WZS0A1B-P1-C2-T2          1     64     61   2048      20{blue}
fcs2             U78CB.001.WZS0A1B-P1-C2-T3          0     64     64   2048    2048{none}
"""
PLAIN = PORTS.format(label="", red="", blue="", none="")
LABELLED = PORTS.format(label=" label", red=" Red", blue=" Blue side", none=" not_supported")


def only(text: str, kind: str) -> Reading:
    (reading,) = registry.read_document(text.encode(), "file.txt")
    assert reading.kind == kind
    return reading


@pytest.mark.parametrize("text", [PLAIN, LABELLED, LABELLED.upper().replace("$ LSNPORTS\n", ""),
                                  "\n".join(" ".join(line.split()) for line in PLAIN.split("\n")[1:])])
def test_lsnports_in_its_forms(text: str) -> None:
    records = only(text, vios_lsnports.KIND).records
    assert [(str(r.fields["name"]).lower(), r.fields["fabric"], r.fields["aports"], r.fields["awwpns"])
            for r in records] == [("fcs0", True, 58, 2010), ("fcs1", True, 61, 20), ("fcs2", False, 64, 2048)]


def test_labels_are_free_text() -> None:
    assert [r.fields["label"] for r in only(LABELLED, vios_lsnports.KIND).records] == [
        "Red", "Blue side", NonValue.NONE]


def site(tmp_path: Path, **texts: str) -> Loaded:
    for name, text in {"site.txt": QUARRY_SITE, **texts}.items():
        (tmp_path / name.replace("__", ".")).write_text(text)
    return load([tmp_path]).usable()


NPIV = "".join(f"vfchost{n}:U9009.42A.78D0E1F-V1-C{30 + n}:3:slate:AIX:LOGGED_IN:fcs{n}:U78CB-T{n}:2:a:fcs{n}:"
               f"U9009.42A.78D0E1F-V3-C{10 + n}\n" for n in (0, 1))
CLIENTS = "hscroot@quarry:~> lshwres -r virtualio --rsubtype fc --level lpar -m Quarry\n" + "".join(
    f"lpar_name=slate,lpar_id=3,slot_num={10 + n},adapter_type=client,state=1,remote_lpar_id=1,"
    f'remote_lpar_name=quarry-v1,remote_slot_num={30 + n},is_required=1,"wwpns=c05076000000{n}a00,c05076000000{n}a01"\n'
    for n in (0, 1))


def test_labels_are_the_fabrics_of_ports_and_of_the_pairs_behind_them(tmp_path: Path) -> None:
    ports = LABELLED.replace("not_supported", "Green").replace("C2-T3          0", "C2-T3          1")
    estate = site(tmp_path, **{"quarry-v1.lsnports": ports, "quarry-v1.npiv": NPIV, "c.txt": CLIENTS}).estate
    assert [(p.port, p.fabric, p.free_ports) for p in estate.ports] == [
        ("fcs0", "Red", 58), ("fcs1", "Blue side", 10), ("fcs2", "Green", 64)]
    assert [(f.slot, f.fabric) for f in estate.fibres] == [(10, "Red"), (11, "Blue side")]


def test_without_all_labels_one_fabric_is_assumed_and_said(tmp_path: Path) -> None:
    loaded = site(tmp_path, **{"quarry-v1.lsnports": LABELLED, "quarry-v1.npiv": NPIV, "c.txt": CLIENTS})
    assert {p.fabric for p in loaded.estate.ports} == {f.fabric for f in loaded.estate.fibres} == {"unknown"}
    assert [p.free_ports for p in loaded.estate.ports] == [58, 10, 0]
    (told,) = [f for f in loaded.findings if f.rule == "input.unknown-fabric"]
    assert "(quarry-v1:fcs2: no label)" in told.message


def test_rmc_of_lspartition(tmp_path: Path) -> None:
    text = ("<#0> Partition:<3*9009-42A*78D0E1F, slate.example, 192.0.2.10>\n"
            "       Active:<0>, OS:<AIX, 7.2, 7200-05-09-2446>, DCaps:<0x2c5f>, CmdCaps:<0x4000003b, 0x3b>\n"
            "<#1> Partition:<5*9009-42A*78D0E1F, , 192.0.2.19>\n"
            "Active:<1>, OS:< , , >, DCaps:<0x0>, CmdCaps:<0x0, 0x0>, PinnedMem:<0>\n")
    first, second = only(text, hmc_lspartition.KIND).records
    assert first.fields == {"lpar_id": 3, "type_model": "9009-42A", "serial_num": "78D0E1F", "host": "slate.example",
                            "ip": "192.0.2.10", "active": False, "os": "AIX", "os_level": "7200-05-09-2446"}
    assert second.fields["active"] is True and "os" not in second.fields
    loaded = site(tmp_path, only__txt=text)
    assert next(p.rmc_active for p in loaded.estate.lpars if p.name == "chalk") is True


def test_level_of_a_console() -> None:
    text = ('hscroot@quarry:~> lshmc -V\n"version= Version: 10\n Release: 3\n Service Pack: 1060\n'
            'HMC Build level 2406041953\n","base_version=V10R3\n"\n')
    (record,) = only(text, hmc_level.KIND).records
    assert (record.fields["level"], record.fields["base_version"]) == ("V10R3M1060", "V10R3")


def test_moves_in_the_error_log() -> None:
    short = ("IDENTIFIER TIMESTAMP  T C RESOURCE_NAME  DESCRIPTION\n"
             "A5E6DB96   0110104526 I S pmig           Client Partition Migration Completed\n"
             "BFE4C025   0110104326 P H sysplanar0     UNDETERMINED ERROR\n"
             "08917DC6   0110104026 I S pmig           Client Partition Migration Started\n")
    assert [(r.fields["event"], r.fields["time"]) for r in only(short, aix_errpt.KIND).records] == [
        ("completed", dt.datetime(2026, 1, 10, 10, 45)), ("started", dt.datetime(2026, 1, 10, 10, 40))]
    long = ("-----\nLABEL:          CLIENT_PMIG_DONE\nIDENTIFIER:     A5E6DB96\n\nDate/Time:       Sat Jan 10 10:45:53 "
            "CET 2026\nSequence Number: 81372\nNode Id:         slate\nResource Name:   pmig\n\nDescription\n"
            "Client Partition Migration Completed\n")
    (record,) = only(long, aix_errpt.KIND).records
    assert (record.fields["event"], record.fields["node"], record.fields["time"]) == (
        "completed", "slate", dt.datetime(2026, 1, 10, 10, 45, 53))


def test_operations_of_a_vasi_device() -> None:
    (record,) = read_vasistat("VASI STATISTICS (vasi0) :\nMaximum Operations: 8\nOperation #0 (ACTIVE):\n-----\n"
                              "    Operation Type: Migration (Source)\n    Total Bytes to Transfer: 2147483648\n",
                              "file").records
    assert record.fields == {"device": "vasi0", "number": 0, "active": True, "operation_type": "Migration (Source)",
                             "total_bytes_to_transfer": 2147483648}


@pytest.mark.parametrize("separator", list(":,%"))
def test_lsmap_with_any_separator(separator: str) -> None:
    text = ("vhost0:U9009.42A.78D0E1F-V1-C12:0x0000000a:vtscsi0:Available:0x8100000000000000:hdisk4:U78CB-L1:false\n"
            "vhost1:U9009.42A.78D0E1F-V1-C13:0x00000000: : : : : : \n").replace(":", separator)
    first, second = only(text, vios_lsmap.KIND).records
    assert (first.fields["backing_device"], first.fields["slot"], second.fields["vtd"]) == ("hdisk4", 12, NonValue.NONE)


def test_lparcfg_of_a_kernel_that_prints_bytes() -> None:
    text = ("lparcfg 1.9\nserial_number=IBM,0278D0E1F\nsystem_type=IBM,9105-42A\npartition_id=4\nMinMem=2048\n"
            "CapiLicensed=1\nServicePartition=0\npower_mode_data=0001000000010001\nMaxMem=34359738368\n"
            "security_flavor=2\npartition_entitled_capacity=100\npartition_active_processors=2\n"
            "partition_potential_processors=4\nshared_processor_mode=1\n")
    reading = lparcfg.read(text, "lparcfg")
    assert (reading.records[0].fields["max_mem"], reading.findings) == (32768, ())
