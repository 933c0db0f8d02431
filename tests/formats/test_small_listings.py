"""Small listings of VIOS, HMC and AIX, each in its known forms, and what they give an estate."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from test_hmc_cli import QUARRY_SITE

from planner.estate.assemble import Loaded, assemble
from planner.estate.load import load
from planner.formats import (
    aix_errpt,
    hmc_level,
    hmc_lspartition,
    lparcfg,
    registry,
    syslog,
    vios_lsmap,
    vios_lsnports,
)
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


def test_level_of_a_console_is_that_of_its_servers(tmp_path: Path) -> None:
    text = ('hscroot@quarry:~> lshmc -V\n"version= Version: 10\n Release: 3\n Service Pack: 1060\n'
            'HMC Build level 2406041953\n","base_version=V10R3\n"\n'
            "hscroot@quarry:~> lssyscfg -r sys\n"
            "name=flint,type_model=9009-42A,serial_num=7800A10,state=Operating,active_lpar_mobility_capable=1,"
            "os400_lpar_mobility_capable=1\n")
    server = next(s for s in site(tmp_path, only__txt=text).estate.servers if s.name == "flint")
    assert (server.console, server.console_level, server.ibmi_mobility_capable) == ("quarry", "V10R3M1060", True)


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


def facts(**parts: object) -> str:
    return json.dumps({"host1": {"changed": False, "ansible_facts": parts}})


def test_ansible_facts_become_the_captures_they_were_made_from(tmp_path: Path) -> None:
    vios = {"name": "quarry-v2", "lpar_id": "2", "lpar_env": "vioserver", "msp": "1", "rmc_state": "active",
            "os_version": "VIOS 3.1.4.10", "state": "Running"}
    readings = registry.read_document(facts(vios_info=vios).encode(), "vios.json")
    assert [r.kind for r in readings] == ["ansible", "hmc-cli"]
    assert readings[1].records[0].fields["name"] == "quarry-v2" and readings[1].records[0].fields["msp"] is True


def test_mappings_of_ansible_are_rows_of_lsmap() -> None:
    device = {"backing": "hdisk4", "bdphysloc": "U78CB-L1", "lun": "0x8100000000000000", "mirrored": False,
              "status": "Available"}
    npiv = {"clntid": 3, "clntname": "slate", "clntos": "AIX", "fc": "fcs0", "fcphysloc": "U78CB-T1", "flags": 10,
            "physloc": "U9009.42A.78D0E1F-V1-C15", "ports": 2, "status": "LOGGED_IN", "vfcclient": "fcs0",
            "vfcclientdrc": "U9009.42A.78D0E1F-V3-C5"}
    text = facts(mappings={
        "vscsi": {"vhost0": {"clientid": 10, "physloc": "U9009.42A.78D0E1F-V1-C12", "vtds": {"vtscsi0": device}},
                  "vhost1": {"clientid": 0, "physloc": "U9009.42A.78D0E1F-V1-C13", "vtds": {}}},
        "npiv": {"vfchost0": npiv},
        "net": {"ent11": {"backing": "ent8", "physloc": "U9009.42A.78D0E1F-V1-C61-T1", "sea": "ent13",
                          "status": "Available"}}})
    readings = {r.kind: r for r in registry.read_document(text.encode(), "map.json")}
    scsi, free = readings["vios-lsmap"].records
    assert (scsi.fields["vtd"], scsi.fields["client_partition_id"], scsi.fields["backing_device"]) == (
        "vtscsi0", 10, "hdisk4")
    assert free.fields["vtd"] is NonValue.NONE
    (fc,) = readings["vios-lsmap-npiv"].records
    assert (fc.fields["client_partition_id"], fc.fields["fc_name"], fc.fields["flags"]) == (3, "fcs0", 10)
    assert readings["vios-lsmap-net"].records[0].fields["sea"] == "ent13"
    assert not [f for r in readings.values() for f in r.findings]


def test_lpar_facts_of_ansible_are_lparstat() -> None:
    text = facts(lpar={
        "nodename": "slate", "lpar_name": "slate", "lpar_number": 3, "lpar_type": "Shared-SMT-8", "lpar_mode": "Uncapped",
        "entitled_capacity": 1.0, "pool_id": 0, "online_vcpus": 2, "max_vcpus": 8, "min_vcpus": 1,
        "online_memory": 16384.0, "max_memory": 32768.0, "min_memory": 1024.0, "variable_weight": 128,
        "oslevel": {"tl": 5}})
    _, lparstat = registry.read_document(text.encode(), "lpar.json")
    fields = lparstat.records[0].fields
    assert (fields["partition_name"], fields["entitled_capacity"], fields["online_memory"]) == ("slate", 100, 16384)


def test_checkmk_sections() -> None:
    text = ("<<<check_mk>>>\nVersion: 2.3.0\nAgentOS: aix\nHostname: slate\n<<<df>>>\n/dev/hd4 1 2\n<<<lparstat_aix>>>\n"
            "System configuration: type=Shared mode=Uncapped smt=8 lcpu=16 mem=16384MB psize=20 ent=1.00\n"
            "%user  %sys  %wait  %idle physc %entc  lbusy  vcsw phint  %nsp\n"
            "----- ----- ------ ------ ----- ----- ------ ----- ----- -----\n"
            "  0.2   0.4    0.0   99.3  0.02   1.7    0.0   215     3   101\n")
    agent, lparstat = registry.read_document(text.encode(), "agent.txt")
    assert (agent.host, lparstat.kind, len(lparstat.records) > 0) == ("slate", "lparstat-interval", True)
    assert "1 sections of a Checkmk agent that are not read: df" in agent.findings[0].message


SITE_LOG = """\
Execution date:
Sat Jan 10 10:44:49 CET 2026
VIOS hostname:
quarry-v1
Firmware level:\x20
sys0!system:VL950_099 (t) VL950_075 (p) VL950_099 (t)
ent0!b315211014101207.002800401000
FC info:\x20
FIBRE CHANNEL STATISTICS REPORT: fcs0
Device Type: PCIe4 4-Port 32Gb FC Adapter (adapter/pciex)
World Wide Port Name: 0x2100000000000001
Port Speed (running):   32 GBIT
NPIV map info:\x20
vfchost0:U9009.42A.78D0E1F-V1-C15:3: :fcs0:U78CB-T1: : :NOT_LOGGED_IN
vSCSI map info:\x20
vhost0:U9009.42A.78D0E1F-V1-C12:0x0000000a: : : : : :\x20
running lssea on quarry-v1 | IBM,0278D0E1F | ioslevel 3.1.4.10 | 2.0 20200108 | Sat Jan 10 10:45:30 CET 2026
+------------------------------------------------------+
\x1b[m\x0fSEA : \x1b[m\x0f ent13\x1b[m\x0f\x20
ha_mode              : Sharing
vlans                : 61 62 193\x20
 VIRTUAL ADAPTERS\x20
adapter slot hardware_path                  priority active port_vlan_id  vswitch         mode    vlan_tags_ids\x20
------- ---- -------------                  -------- ------ ------------  -------         ----    -------------\x20
ent11   C61  U9009.42A.78D0E1F-V1-C61-T0    1        True   61            ETHERNET0       VEB     1
ent12   C62  U9009.42A.78D0E1F-V1-C62-T0    1        True   62            ETHERNET0       VEB     193,2227
 NO CONTROL CHANNEL\x20
"""


def test_a_site_log_of_lssea(tmp_path: Path) -> None:
    readings = {r.kind: r for r in registry.read_document(SITE_LOG.encode(), "quarry.log")}
    assert set(readings) == {"vios-site-log", "fcstat", "vios-lsmap", "vios-lsmap-npiv"}
    assert readings["fcstat"].records[0].fields == {
        "name": "fcs0", "device_type": "PCIe4 4-Port 32Gb FC Adapter (adapter/pciex)",
        "world_wide_port_name": "2100000000000001", "port_speed_running": "32 GBIT"}
    estate = site(tmp_path, **{"quarry.log": SITE_LOG}).estate
    assert estate.servers[0].firmware == "VL950_099"
    assert [(b.sea, b.vlan) for b in estate.bridges] == [("ent13", 61), ("ent13", 62), ("ent13", 193), ("ent13", 2227)]


def test_the_clients_that_a_tool_around_fcstat_prints_again_and_again() -> None:
    head = "HOSTNAME   PHYSDEV  WWPN                DEV    INREQS    INBYTES      OUTREQS    OUTBYTES     CTRLREQS\n"
    row = "tern       fcs2     0xC050760001230058  fcs6   318.10/s  83.39 MB/s   481.34/s   126.18 MB/s  0\n"
    text = "$ vios fcstat quarry\n" + (head + row.replace("tern", "quarry").replace("0xC05076", "0x210000") + row) * 3
    (reading,) = registry.read_document(text.encode(), "x.txt")
    assert (reading.kind, reading.host, reading.findings) == ("fcstat", "quarry", ())
    assert [r.fields for r in reading.records][1:] == [
        {"host": "tern", "port": "fcs2", "wwpn": "c050760001230058", "client_port": "fcs6"}]


@pytest.mark.parametrize("text", [
    Path(__file__).parents[1].joinpath("fixtures/small/prtconf.txt").read_text(),
    Path(__file__).parents[1].joinpath("fixtures/small/lscfg_sysplanar.txt").read_text(),
    "tern:/ # lsmcode -A\nsys0!system:VL950_099 (t) VL950_075 (p) VL950_099 (t)\n",
    "tern:/ # lsattr -El sys0\nfwversion IBM,VL950_099 Firmware version and revision levels False\n"
    "modelname IBM,9009-42A Machine name False\nsystemid IBM,0278BBBB3 Hardware system identifier False\n"])
def test_aix_names_its_server_and_the_firmware(text: str) -> None:
    """Of a server that another source lists; an LPAR that runs there is put there, with its mode."""
    (reading,) = registry.read_document(text.encode(), "tern.txt")
    listed = registry.read_document(
        b"hscroot@hmc1:~> lssyscfg -r sys\nname=P9,type_model=9009-42A,serial_num=78BBBB3\n"
        b"hscroot@hmc1:~> lssyscfg -r lpar -m P9\nname=tern,lpar_id=3,lpar_env=aixlinux,state=Running\n", "hmc.txt")
    loaded = assemble([*listed, reading])
    (server,) = loaded.estate.servers
    assert (server.firmware, server.model) == ("VL950_099", "9009-42A")
    modes = {p.name: (p.server, p.current_mode) for p in loaded.estate.lpars}
    assert modes.get("tern db", ("P9", "POWER9")) == ("P9", "POWER9")


def test_syslog_keeps_the_moves() -> None:
    reading = only((Path(__file__).parents[1] / "fixtures" / "small" / "syslog.txt").read_text(), syslog.KIND)
    assert [(r.fields["host"], r.fields["event"], r.fields.get("phase")) for r in reading.records] == [
        ("alder1", "started", None), ("alder1", "phase", "check"), ("alder1", "phase", "kernel"),
        ("alder1", "phase", "pre"), ("alder1", "phase", "kernel"), ("alder1", "phase", "post"),
        ("alder1", "completed", None), ("alder1", "completed", None), ("birch2", "started", None),
        ("birch2", "completed", None)]
    assert reading.records[0].fields["stamp"] == "Jan 10 10:40:01"
    assert reading.records[-1].fields["time"].isoformat() == "2026-01-10T12:01:07+01:00"
    assert [f.message for f in reading.findings] == ["3 lines that are not about mobility"]


def test_the_vios_is_named_after_the_command_of_a_tool() -> None:
    (reading,) = registry.read_document(PLAIN.replace("$ lsnports", "$ vios lsnports ms15-vio1").encode(), "x.txt")
    assert (reading.kind, reading.host, reading.command) == (vios_lsnports.KIND, "ms15-vio1", "lsnports")


def test_rows_that_grep_left_of_errpt() -> None:
    text = "root@tern / # errpt | grep pmig\nA5E6DB96   0110104526 I S pmig           Client Partition Migration Completed\n"
    assert [r.fields["event"] for r in only(text, aix_errpt.KIND).records] == ["completed"]
