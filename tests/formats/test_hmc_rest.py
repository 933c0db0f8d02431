"""The HMC's REST answers: Atom XML (plain, prefixed, recorded with a frame) and quick JSON, whole and damaged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.formats.base import NonValue, Reading, Record
from planner.formats.hmc_rest import FORMAT, KIND, read, recognise, snake

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "rest"
SAMPLES = ROOT.parent / "shared" / "samples"
TEXTS = {path.name: path.read_text() for path in sorted(FIXTURES.iterdir())}
SYSTEM = "1f3b2222-0000-3000-8000-00000000bbbb"
ERP01 = "2a4c3333-0000-3000-8000-00000000cccc"
POOL = "3b5d4444-0000-3000-8000-00000000dddd"
VIOS1 = "4c6e5555-0000-3000-8000-00000000eeee"


def reading(name: str, old: str = "", new: str = "") -> Reading:
    """A fixture, with one piece of it replaced."""
    assert old in TEXTS[name]
    return read(TEXTS[name].replace(old, new, 1) if old else TEXTS[name], name)


def only(result: Reading) -> Record:
    (record,) = result.records
    return record


def rules(result: Reading) -> list[tuple[str, str, int | None]]:
    return [(f.severity.value, f.rule, f.source.line if f.source else None) for f in result.findings]


def test_managed_system() -> None:
    result = reading("managed_system.xml")
    record = only(result)
    assert (result.kind, record.kind, record.source.line) == (KIND, "rest-managed-system", 12)
    assert record.fields == {
        "uuid": SYSTEM, "system_name": "p10-east", "state": "operating", "description": NonValue.EMPTY,
        "machine_type": "9105", "model": "42A", "serial_number": "7812345", "activated_level": "48",
        "associated_logical_partitions": (ERP01, "2a4c3333-0000-3000-8000-00000000cccd"),
        "active_logical_partition_mobility_capable": True, "inactive_logical_partition_mobility_capable": True,
        "quantum_leap_capable": False, "available_wwpns": 65400,
        "configurable_system_memory": 786432, "current_available_system_memory": 312576,
        "current_logical_memory_block_size": 256, "current_memory_mirroring_mode": NonValue.NONE,
        "installed_system_memory": 1048576, "memory_used_by_hypervisor": 18688,
        "configurable_system_processor_units": 2000, "current_available_system_processor_units": 1230,
        "installed_system_processor_units": 2400, "minimum_processor_units_per_virtual_processor": 5,
        "shared_processor_pools": (POOL,),
        "supported_partition_processor_compatibility_modes": ("default", "POWER9", "POWER10"),
        "maximum_inactive_migrations": 16, "maximum_active_migrations": 8,
        "number_of_inactive_migrations_in_progress": 0, "number_of_active_migrations_in_progress": 1,
        "maximum_firmware_active_migrations": 32, "io_slots": ({"description": "slot"},),
    }
    assert record.where("maximum_active_migrations").line == 67
    assert rules(result) == []


def test_partition_with_prefixed_elements_on_one_namespace() -> None:
    result = reading("lpars.xml")
    assert result.findings == ()
    assert only(result).kind == "rest-lpar"
    assert only(result).fields == {
        "uuid": ERP01, "partition_id": 5, "partition_name": "erp01", "partition_state": "running",
        "partition_type": "AIX/Linux", "associated_managed_system": SYSTEM, "processor_pool": POOL,
        "current_processor_compatibility_mode": "POWER10", "migration_disable": False,
        "migration_state": "Not_Migrating", "operating_system_version": "AIX 7.3 7300-01-02-2320",
        "resource_monitoring_control_state": "active",
        "desired_memory": 33280, "maximum_memory": 65536, "minimum_memory": 4096, "current_memory": 33280,
        "runtime_memory": 33280, "expansion_factor": 0.0,
        "has_dedicated_processors": False, "sharing_mode": "uncapped", "desired_processing_units": 70,
        "maximum_processing_units": 400, "minimum_processing_units": 10, "desired_virtual_processors": 4,
        "maximum_virtual_processors": 8, "minimum_virtual_processors": 1, "shared_processor_pool_id": 0,
        "uncapped_weight": 128, "current_processing_units": 70, "allocated_virtual_processors": 4,
    }


def test_vios_in_a_recorded_answer() -> None:
    result = reading("vios_recorded.txt")
    assert result.findings == ()
    assert (only(result).kind, only(result).source.line) == ("rest-vios", 14)
    assert only(result).fields == {
        "uuid": VIOS1, "partition_id": 1, "partition_name": "vios1", "partition_type": "Virtual IO Server",
        "mover_service_partition": True, "associated_managed_system": SYSTEM,
        "physical_volumes": ({
            "reserve_policy": "NoReserve", "unique_device_id": "01M0lCTTIwNzY", "available_for_usage": True,
            "volume_capacity": 102400, "volume_name": "hdisk4", "volume_state": "active"},),
        "shared_ethernet_adapters": ({
            "backing_device_name": "ent7", "device_name": "ent8", "high_availability_mode": "auto",
            "port_vlan_id": 4000,
            "trunk_adapters": ({
                "device_name": "ent4", "port_vlan_id": 4000, "tagged_vlan_ids": (10, 20, 30), "trunk_priority": 1,
                "virtual_switch_id": 0},)},),
        "virtual_scsi_mappings": ({
            "associated_logical_partition": ERP01, "client_local_partition_id": 5, "client_virtual_slot_number": 4,
            "server_adapter_name": "vhost0", "server_virtual_slot_number": 14,
            "server_remote_logical_partition_id": "any", "storage_kind": "PhysicalVolume",
            "storage_volume_name": "hdisk4", "target_target_name": "erp01_rvg"},),
        "virtual_fibre_channel_mappings": ({
            "client_wwpns": ("c05076000000001e", "c05076000000001f"), "server_adapter_name": "vfchost0",
            "server_connecting_partition_id": 5, "server_map_port": "fcs0", "server_physical_port_name": "fcs0",
            "server_physical_available_ports": 63},),
    }


def test_pool_knows_its_system_from_the_link() -> None:
    result = reading("pools.xml")
    assert result.findings == ()
    assert only(result).kind == "rest-pool"
    assert only(result).fields == {
        "uuid": POOL, "associated_managed_system": SYSTEM, "assigned_partitions": (ERP01,), "pool_id": 1,
        "pool_name": "licences", "maximum_processing_units": 600, "current_reserved_processing_units": 50}


def test_quick_partitions_have_booleans_as_text_and_nulls() -> None:
    result = reading("quick_lpars.json")
    assert result.findings == ()
    lpar, vios = result.records
    assert (lpar.kind, lpar.source.line, vios.kind, vios.source.line) == ("rest-lpar", 2, "rest-vios", 21)
    assert lpar.fields == {
        "uuid": ERP01, "associated_managed_system": SYSTEM, "partition_id": 5, "partition_name": "erp01",
        "partition_state": "running", "partition_type": "AIX/Linux", "allocated_virtual_processors": 4,
        "current_memory": 33280, "current_processing_units": 70, "current_processors": NonValue.NULL,
        "has_dedicated_processors": False, "is_virtual_service_attention_led_on": False,
        "migration_state": "Not_Migrating", "operating_system_version": "AIX 7.3 7300-01-02-2320",
        "resource_monitoring_control_state": "active", "reference_code": NonValue.EMPTY, "sharing_mode": "uncapped",
    }
    assert vios.fields["operating_system_version"] == "VIOS 4.1.0.10"


def test_quick_systems() -> None:
    result = reading("quick_systems.json")
    assert rules(result) == [("info", "input.unknown-key", 1)]
    assert only(result).kind == "rest-managed-system"
    assert only(result).fields == {
        "uuid": SYSTEM, "system_name": "p10-east", "state": "operating", "description": NonValue.NULL,
        "mtms": "9105-42A*7812345", "machine_type": "9105", "model": "42A", "serial_number": "7812345",
        "configurable_system_memory": 786432, "configurable_system_processor_units": 2000,
        "current_available_system_processor_units": 1230, "is_classic_hmc_management": True, "flying_toasters": "3"}


def test_one_quick_object_without_a_list() -> None:
    assert only(read('{"PartitionName": "a", "PartitionID": 2, "UUID": "x"}\n', "q")).fields == {
        "partition_name": "a", "partition_id": 2, "uuid": "x"}


def test_quick_pool() -> None:
    assert only(read('[{"PoolID": 0, "PoolName": "DefaultPool", "UUID": "x"}]', "q")).kind == "rest-pool"


@pytest.mark.parametrize("name", TEXTS)
def test_is_recognised(name: str) -> None:
    assert recognise(TEXTS[name])
    assert FORMAT.recognise(TEXTS[name][:65536])


@pytest.mark.parametrize("text", [
    "", "name,lpar_id\n", "<html><body>login</body></html>", '{"systemUtil": {"utilInfo": {"version": "1.0"}}}',
    '{"goal": {"kind": "evacuate"}, "moves": []}', "Node Name : x\nPartition Name : y\nType : Shared-SMT\n"])
def test_other_text_is_not_recognised(text: str) -> None:
    assert not recognise(text)


def test_names() -> None:
    assert [snake(name) for name in (
        "PartitionID", "MACAddress", "IsVNICCapable", "MaximumProcessorUnitsPerIBMiPartition", "RMCState")] == [
        "partition_id", "mac_address", "is_vnic_capable", "maximum_processor_units_per_ibmi_partition",
        "resource_monitoring_control_state"]


@pytest.mark.parametrize("old, new, field, line", [
    ("<p:DesiredProcessingUnits>0.7<", "<p:DesiredProcessingUnits>0,7<", "desired_processing_units", 25),
    ("<p:DesiredProcessingUnits>0.7<", "<p:DesiredProcessingUnits>0.705<", "desired_processing_units", 25),
    ("<p:CurrentMemory>33280<", "<p:CurrentMemory>NaN<", "current_memory", 18),
    ("<p:CurrentMemory>33280<", "<p:CurrentMemory>1e400<", "current_memory", 18),
    ("<p:CurrentMemory>33280<", "<p:CurrentMemory>-1<", "current_memory", 18),
    ("<p:CurrentMemory>33280<", "<p:CurrentMemory>99999999999999<", "current_memory", 18),
    ("<p:MigrationDisable>false<", "<p:MigrationDisable>faux<", "migration_disable", 9),
    ("<p:UncappedWeight>128<", "<p:UncappedWeight>128.5<", "uncapped_weight", 32),
])
def test_bad_values(old: str, new: str, field: str, line: int) -> None:
    result = reading("lpars.xml", old, new)
    assert rules(result) == [("warning", "input.bad-value", line)]
    assert result.findings[0].subject == "erp01"
    assert only(result).fields == {
        name: value for name, value in only(reading("lpars.xml")).fields.items() if name != field}


def test_what_no_fact_is_made_of_is_never_an_error() -> None:
    for element, value, bad in (("QuantumLeapCapable", "false", "perhaps"), ("MaximumInactiveMigrations", "16", "true")):
        text = re.sub(rf"(<{element}[^>]*>){value}<", rf"\g<1>{bad}<", TEXTS["managed_system.xml"])
        result = read(text, "managed_system.xml")
        assert result.findings == ()
        assert only(result).fields[snake(element)] == bad


def test_elements_of_no_known_family_are_listed_once() -> None:
    result = read(TEXTS["managed_system.xml"].replace("QuantumLeapCapable", "Toasters"), "managed_system.xml")
    assert [f.message for f in result.findings] == ["elements of no known family: Toasters"]
    assert only(result).fields["toasters"] == "false"


def test_bad_value_in_json() -> None:
    result = reading("quick_lpars.json", '"CurrentProcessingUnits": 0.7', '"CurrentProcessingUnits": NaN')
    assert rules(result) == [("warning", "input.bad-value", 2)]
    assert "current_processing_units" not in result.records[0].fields


def test_missing_and_repeated_names() -> None:
    result = reading("lpars.xml", "<p:PartitionName>erp01</p:PartitionName>", "")
    assert rules(result) == [("warning", "input.missing-value", 6)]
    assert result.records == ()
    result = reading("lpars.xml", "<p:PartitionID>5<", "<p:PartitionID>6</p:PartitionID><p:PartitionID>5<")
    assert rules(result) == [("warning", "input.duplicate-key", 12)]
    assert only(result).fields["partition_id"] == 6


def test_xml_that_breaks_off_keeps_what_was_whole() -> None:
    text = TEXTS["pools.xml"]
    entry = text[text.index("  <entry>"):text.index("</feed>")]
    doubled = text.replace(entry, entry * 2)
    result = read(doubled[:doubled.rindex("<PoolName>")], "pools.xml")
    assert rules(result) == [("error", "input.truncated", 28)]
    assert "inside a SharedProcessorPool that begins in line 21" in result.findings[0].message
    assert [record.fields["pool_name"] for record in result.records] == ["licences"]


def test_json_that_breaks_off_keeps_what_was_whole() -> None:
    result = read(TEXTS["quick_lpars.json"][:-30], "q.json")
    assert rules(result) == [("error", "input.truncated", 21)]
    assert [record.fields["partition_name"] for record in result.records] == ["erp01"]


def test_answers_one_after_the_other() -> None:
    result = read(TEXTS["pools.xml"] + TEXTS["managed_system.xml"], "all.xml")
    assert [record.kind for record in result.records] == ["rest-pool", "rest-managed-system"]
    assert result.records[1].source.line == 12 + TEXTS["pools.xml"].count("\n")


def test_first_line_is_counted_on() -> None:
    assert only(read(TEXTS["pools.xml"], "all", 101)).source.line == 106


def test_error_answers() -> None:
    xml = ('<HttpErrorResponse:HttpErrorResponse xmlns:HttpErrorResponse='
           '"http://www.ibm.com/xmlns/systems/power/firmware/web/mc/2012_10/" schemaVersion="V1_0">'
           "<HTTPStatus>403</HTTPStatus><Message>HSCL1234 Brak uprawnień do zasobu.</Message>"
           "</HttpErrorResponse:HttpErrorResponse>")
    assert recognise(xml)
    for text in (xml, '{"HTTPStatus": "403", "Message": "HSCL1234 Brak uprawnień do zasobu."}'):
        result = read(text, "error")
        assert rules(result) == [("info", "input.error-text", 1)]
        assert result.findings[0].message == (
            "the HMC answered with an error (403): HSCL1234 Brak uprawnień do zasobu.")
        assert result.records == ()


def test_an_answer_without_objects() -> None:
    assert rules(read('<feed xmlns="http://www.w3.org/2005/Atom"><id>x</id></feed>', "f")) == [
        ("info", "input.no-data", 1)]


def test_objects_that_are_not_read() -> None:
    text = TEXTS["pools.xml"].replace("SharedProcessorPool:SharedProcessorPool", "Cluster:Cluster")
    result = read(text.replace("xmlns:SharedProcessorPool", "xmlns:Cluster"), "cluster.xml")
    assert rules(result) == [("info", "input.not-read", 6)]


BOMB = ('<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        "<feed><id>&b;&b;&b;</id></feed>")


@pytest.mark.parametrize("text", [
    BOMB, '<!DOCTYPE feed SYSTEM "file:///etc/hostname"><feed/>', "<feed>" + "<a>" * 100 + "</a>" * 100 + "</feed>"])
def test_what_is_refused(text: str) -> None:
    assert rules(read(text, "bomb.xml")) == [("error", "input.unreadable", 1)]


def test_hostile_json() -> None:
    for text in ("[" * 100_000, '{"PartitionName": ' + '{"a":' * 100_000, "[" + "9" * 100_000 + "]",
                 '[{"PartitionName": "a", "PartitionID": ' + "9" * 10_000 + ', "UUID": "x"}]',
                 '[{"PartitionName": "a", "X": ' + "[" * 900 + "]" * 900 + "}]"):
        assert read(text, "hostile.json").findings


def test_text_around_the_answer() -> None:
    result = read("HTTP/1.1 200 OK\nDate: today\n\n" + TEXTS["pools.xml"], "curl.txt")
    assert rules(result) == [("warning", "input.unknown-text", 1)]
    assert only(result).source.line == 9
    assert rules(read("nothing of this kind", "x")) == [("warning", "input.unknown-text", 1)]
    assert rules(read("[] tail", "x")) == [("warning", "input.unknown-text", 1)]


PIECES = st.sampled_from(["<", ">", "</", "&", "&x;", '"', "{", "[", "]", "}", ",", "null", "1e999", "\x00", "\ud800",
                          "<!DOCTYPE a>", "BODY{\n", "END OF SECTION}", "<?xml ", "-", "kb='x'", "é"])


@settings(max_examples=portion(300), deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), PIECES), max_size=5))
def test_mutations_never_raise(name: str, edits: list[tuple[float, int, str]]) -> None:
    text: Any = TEXTS[name]
    for place, cut, new in edits:
        start = int(place * len(text))
        text = text[:start] + new + text[start + cut:]
    recognise(text)
    assert isinstance(read(text, "mutated"), Reading)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples here")
def test_samples_of_other_formats_are_not_claimed() -> None:
    """There are no REST samples; no other export may be taken for one."""
    for path in sorted(SAMPLES.rglob("*.txt")):
        assert not recognise(path.read_text(errors="replace")), path.name
