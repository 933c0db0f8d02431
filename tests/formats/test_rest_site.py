"""REST answers of one site, in the shape in which the HMC sends them, as the estate that they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from planner.estate.assemble import Loaded, assemble
from planner.estate.model import Bridge, Disk, Fibre, Network, Port, ProcessorPool, Zoning
from planner.findings import Severity, Source
from planner.formats import hmc_rest_facts
from planner.formats.base import Reading, Record
from planner.formats.facts import Intake, firmware_of, mode_of
from planner.formats.open import documents

FIXTURES = Path(__file__).parents[1] / "fixtures" / "rest"
SITE = ("system_with_lists.xml", "lpars_of_all_kinds.xml", "vios.xml", "switches.xml", "cna.xml", "networks.xml",
        "bridge.xml", "vscsi_clients.xml", "vfc_clients.xml", "sriov_ports.xml", "vnics.xml", "pools_unused.xml",
        "job.xml")
LUN = "33213600507680AABB0404214503IBMfcp"


def loaded(*names: str, texts: dict[str, str] | None = None, directory: Path) -> Loaded:
    for name in names:
        shutil.copy(FIXTURES / name, directory / name)
    for name, text in (texts or {}).items():
        (directory / name).write_text(text)
    return assemble(reading for document in documents([directory]) for reading in document.readings)


def told(found: Loaded) -> list[tuple[str, str, str]]:
    return [(f.severity.value, f.rule, f.subject) for f in found.findings]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded(*SITE, directory=tmp_path_factory.mktemp("site"))


def test_the_server(site: Loaded) -> None:
    (server,) = site.estate.servers
    assert (server.name, server.model, server.serial) == ("harbour", "8286-41A", "06BBB2C")
    assert (server.configurable_units, server.configurable_memory_mib, server.lmb_mib) == (1600, 524288, 256)
    assert server.firmware == "SV860_226"
    assert server.modes == ("POWER6+", "POWER6+ enhanced", "POWER7", "POWER8")
    # 21504 less the tables of oak07 (24576 / 128, to a power of two) and of the VIOS (16384 / 64)
    assert server.firmware_memory_mib == 21504 - 256 - 256


def test_an_lpar_that_runs(site: Loaded) -> None:
    lpar = next(p for p in site.estate.lpars if p.name == "oak07")
    assert (lpar.hpt_ratio, lpar.entitlement_units, lpar.memory_mib, lpar.max_memory_mib) == (128, 60, 12288, 24576)
    assert (lpar.sriov_ports, lpar.vnic_adapters, lpar.physical_adapters) == (1, 2, ("U78C9.001.WZS0AAA-P1-C6",))
    assert (lpar.current_mode, lpar.preferred_mode) == ("POWER8", "default")


def test_slots_of_buses_are_the_same_slots(tmp_path: Path) -> None:
    text = (FIXTURES / "system_with_lists.xml").read_text()
    start, end = text.index("<IOSlots"), text.index("</IOSlots>") + len("</IOSlots>")
    slots = text[start:end]
    for number, inside in enumerate((slots, "")):
        (tmp_path / str(number)).mkdir()
        found = loaded("lpars_of_all_kinds.xml", directory=tmp_path / str(number), texts={
            "s.xml": f"{text[:start]}<IOBuses><IOBus><IOBusID>34</IOBusID>{slots}</IOBus></IOBuses>{inside}{text[end:]}"})
        assert next(p for p in found.estate.lpars if p.name == "oak07").physical_adapters == (
            "U78C9.001.WZS0AAA-P1-C6",)


def test_a_stopped_lpar_has_what_it_would_have(site: Loaded) -> None:
    lpar = next(p for p in site.estate.lpars if p.name == "oak08")
    assert (lpar.state, lpar.entitlement_units, lpar.virtual_processors, lpar.memory_mib) == (
        "not activated", 60, 3, 12288)


def test_an_lpar_that_was_never_activated_is_its_own_finding(site: Loaded) -> None:
    about = [f for f in site.findings if f.subject == "oak09"]
    assert {f.rule for f in about} == {"input.missing-fact"}
    assert {f.subject for f in site.findings if f.severity is Severity.ERROR} <= {"oak09"}


def test_virtual_switches_by_their_number(site: Loaded) -> None:
    assert site.estate.networks == (
        Network("oak07", 3, 310), Network("oak07", 4, 4094, (511, 512), "vsw-backup"))
    assert site.estate.bridges == (
        Bridge("vioharb1", "ent40", 310, switch_mode="VEB"),
        *(Bridge("vioharb1", "ent40", vlan, "vsw-backup", "VEB") for vlan in (511, 512, 4094)))


def test_disks_by_the_unique_id_that_lsdev_shows(site: Loaded) -> None:
    assert site.estate.disks == tuple(sorted((
        Disk("oak07", 5, LUN, "vioharb1", "lun", "vt_root", "vhost0"),
        Disk("oak07", 5, "oak.img", "vioharb1", "file", "vt_img", "vhost0"),
        Disk("oak07", 5, "oak_lu", "vioharb1", "ssp", "vt_lu", "vhost0"),
        Disk("oak07", 5, "oak_lv", "vioharb1", "lv", "vt_lv", "vhost0")), key=lambda d: d.lun))
    assert [(z.hdisk, z.reserve_policy) for z in site.estate.zonings] == [
        ("hdisk4", "no_reserve"), ("hdisk5", "single_path")]


def test_a_disk_of_rest_meets_the_disk_of_lsdev(tmp_path: Path) -> None:
    lsdev = ("padmin@vioharb2:~$ lsdev -dev hdisk9 -attr\nattribute       value  description  user_settable\n\n"
             f"reserve_policy  no_reserve  Reserve Policy  True\nunique_id       {LUN}  Unique device identifier  False\n")
    other = (FIXTURES / "vios.xml").read_text().replace("vioharb1", "vioharb2").replace(
        ">1<", ">2<", 1).replace("5d7f3333", "5d7f4444").split("<PhysicalVolumes")[0]
    tail = "</VirtualIOServer:VirtualIOServer></content></entry></feed>"
    found = loaded("system_with_lists.xml", "vios.xml", directory=tmp_path,
                   texts={"second.xml": other + tail, "disks.txt": lsdev})
    assert Zoning(LUN, "vioharb2", "hdisk9", "no_reserve") in found.estate.zonings


def test_fibre_channel_with_free_ports(site: Loaded) -> None:
    assert site.estate.fibres == (
        Fibre("oak07", 9, "vioharb1", "c0507600aaaa0002", "c0507600aaaa0003", "unknown", port="fcs0"),)
    assert site.estate.ports == (Port("vioharb1", "fcs0", "unknown", 61),)


def test_unused_pools_are_left_out(site: Loaded) -> None:
    assert site.estate.pools == (
        ProcessorPool("harbour", 0, "DefaultPool"), ProcessorPool("harbour", 1, "licences", 300, 50))


def test_what_a_job_printed_is_read_like_a_session(site: Loaded) -> None:
    assert site.kinds["vios-ioslevel"] == 1
    assert site.estate.vioses[0].level == "3.1.4.21"


def test_client_feeds_alone_say_what_mappings_would(tmp_path: Path) -> None:
    text = (FIXTURES / "vios.xml").read_text()
    start, end = text.index("<VirtualFibreChannelMappings"), text.index("</VirtualSCSIMappings>")
    bare = text[:start] + text[end + len("</VirtualSCSIMappings>"):]
    found = loaded("system_with_lists.xml", "lpars_of_all_kinds.xml", "vfc_clients.xml", directory=tmp_path,
                   texts={"vios.xml": bare})
    assert [(f.lpar, f.slot, f.vios) for f in found.estate.fibres] == [("oak07", 9, "vioharb1")]
    assert ("info", "input.no-mappings", "vioharb1") in told(found)


def test_a_switch_that_no_file_names_goes_by_its_number(tmp_path: Path) -> None:
    found = loaded("system_with_lists.xml", "lpars_of_all_kinds.xml", "cna.xml", "bridge.xml", "vios.xml",
                   directory=tmp_path)
    assert [(n.slot, n.vswitch) for n in found.estate.networks] == [(3, "ETHERNET0"), (4, "VSWITCH3")]
    assert {b.vswitch for b in found.estate.bridges if b.vlan != 310} == {"VSWITCH3"}
    assert [t for t in told(found) if t[1] == "input.unknown-switch"] == [
        ("warning", "input.unknown-switch", "harbour"), ("info", "input.unknown-switch", "harbour")]


def test_ports_count_for_partitions_of_quick_answers(tmp_path: Path) -> None:
    quick = ('[{"PartitionName": "oak07", "PartitionID": 7, "UUID": "5D7F2222-0000-4000-8000-00000000B007",'
             '"PartitionType": "AIX/Linux", "AssociatedManagedSystem": "harbour", "CurrentMemory": 1.2E+4,'
             '"CurrentProcessingUnits": 0.6, "AllocatedVirtualProcessors": 3, "HasDedicatedProcessors": "false"}]')
    found = loaded("system_with_lists.xml", "sriov_ports.xml", "vnics.xml", directory=tmp_path,
                   texts={"quick.json": quick})
    stated = [values for kind, values in found.partial if kind == "lpars"] or [
        {name: getattr(p, name) for name in ("name", "sriov_ports", "vnic_adapters", "memory_mib")}
        for p in found.estate.lpars]
    assert [(v["name"], v["sriov_ports"], v["vnic_adapters"], v["memory_mib"]) for v in stated] == [
        ("oak07", 1, 2, 12000)]


def test_physical_ports_of_sriov_adapters_with_what_they_have_left(tmp_path: Path) -> None:
    """Of an adapter in shared mode; converged ports give logical ports to Fibre Channel over Ethernet as well."""
    found = loaded("sriov_adapters.xml", directory=tmp_path)
    assert [(p.server, p.port, p.number, p.free_ports, p.free_percent) for p in found.estate.sriov] == [
        ("quay", "U78D2.001.WZS0HAR-P1-C8-T1", "2/0", 6, 96), ("quay", "U78D2.001.WZS0HAR-P1-C8-T3", "2/2", 5, 87)]


@pytest.mark.parametrize(("stated", "never"), [('"normal"', False), ('""', True), ("null", None)])
def test_the_last_activated_profile_says_whether_it_ever_ran(tmp_path: Path, stated: str, never: bool | None) -> None:
    quick = ('[{"PartitionName": "oak09", "PartitionID": 9, "UUID": "5D7F2222-0000-4000-8000-00000000B009",'
             '"PartitionType": "AIX/Linux", "AssociatedManagedSystem": "harbour", "CurrentMemory": 12000,'
             '"CurrentProcessingUnits": 0.6, "AllocatedVirtualProcessors": 3, "HasDedicatedProcessors": "false",'
             f'"PartitionState": "not activated", "LastActivatedProfile": {stated}}}]')
    found = loaded("system_with_lists.xml", directory=tmp_path, texts={"quick.json": quick})
    values = [values.get("never_activated") for kind, values in found.partial if kind == "lpars"] or [
        p.never_activated for p in found.estate.lpars]
    assert values == [never]


def test_adapters_of_a_partition_that_nothing_names(tmp_path: Path) -> None:
    found = loaded("cna.xml", "vfc_clients.xml", "vnics.xml", directory=tmp_path)
    assert [f.message for f in found.findings if f.rule == "input.unknown-partition"] == [
        "virtual Ethernet adapters 'slot 3 in VLAN 310 on ETHERNET0, slot 4 in VLAN 4094, 511, 512 on VSWITCH3': no "
        "listing names partition id 7 of 5d7f1111-0000-3000-8000-00000000a001",
        "virtual Fibre Channel adapters 'slot 9 c0507600aaaa0002 c0507600aaaa0003': no listing names partition id 7 of "
        "06BBB2C",
        "vnic adapters '5d7f9999-0000-3000-8000-000000000029, 5d7f9999-0000-3000-8000-00000000002a': no listing names "
        "partition id 7 of 06BBB2C"]


def test_partitions_of_a_system_that_nothing_describes_block_no_other(tmp_path: Path) -> None:
    other = (FIXTURES / "lpars_of_all_kinds.xml").read_text().replace("-00000000a001", "-00000000a009").replace(
        "06BBB2C", "06CCC3C")
    found = loaded("system_with_lists.xml", "vios.xml", "pools.xml", directory=tmp_path, texts={"other.xml": other})
    assert [t for t in told(found) if t[1] == "input.unknown-system"] == [
        ("warning", "input.unknown-system", "5d7f1111-0000-3000-8000-00000000a009")]
    assert found.estate.lpars == () and found.estate.pools == ()
    assert [v.name for v in found.estate.vioses] == ["vioharb1"]


def test_one_quick_object_without_uuid(tmp_path: Path) -> None:
    found = loaded("quick_one_system.json", directory=tmp_path)
    (server,) = found.estate.servers
    assert (server.name, server.configurable_units, server.configurable_memory_mib, server.firmware) == (
        "harbour", 1600, 524288, "SV860_226")


def test_a_bridge_that_holds_nothing_says_what_it_is(tmp_path: Path) -> None:
    found = loaded("bridge_empty.xml", directory=tmp_path)
    assert told(found) == [("info", "input.no-data", "bridge_empty.xml")]
    assert "HMC REST NetworkBridge" in found.findings[0].message


@pytest.mark.parametrize(("stated", "mode"), [
    ("default", "default"), ("POWER9_Base", "POWER9_base"), ("POWER6_Plus", "POWER6+"), ("POWER6_plus", "POWER6+"),
    ("POWER6_Plus_Enhanced", "POWER6+ enhanced"), ("POWER6_enhanced", "POWER6 enhanced"), ("POWER10", "POWER10")])
def test_modes(stated: str, mode: str) -> None:
    assert mode_of(stated) == mode


def test_firmware_in_both_notations() -> None:
    assert firmware_of("SV860_FW860.81 (226)", "226", "FW860.81 (226)") == "SV860_226"
    assert firmware_of("", "99", "FW950.40 (99)") == "FW950.40"


@pytest.mark.parametrize(("console", "firmware", "most"), [(16, 8, 8), (8, 32, 8), (None, 4, 4), (16, None, 16)])
def test_of_the_limits_of_console_and_firmware_the_smaller_counts(
        console: int | None, firmware: int | None, most: int) -> None:
    said = {"maximum_active_migrations": console, "maximum_firmware_active_migrations": firmware}
    fields = {"system_name": "S", **{k: v for k, v in said.items() if v is not None}}
    intake = Intake()
    hmc_rest_facts.FACTS["rest-managed-system"](intake, Record("rest-managed-system", fields, Source("x", 1)), Reading("hmc-rest"))
    assert intake.systems["S"]["max_migrations"][0] == most
