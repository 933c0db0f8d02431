"""What the HMC's REST objects give an estate, and what of them it does not need.

A partition is known by its id on a managed system, an adapter's owner by its UUID where it states no id. Virtual
switches are numbers here: their names come from the feed VirtualSwitch, wherever that is read.
"""

from __future__ import annotations

import re
from typing import Any

from planner.estate.model import DEFAULT_VSWITCH
from planner.findings import Severity
from planner.formats.base import NonValue, Reading, Record, TakeFacts, first, migration_from, pick, state_from, stated
from planner.formats.facts import (
    Client,
    DiskMapping,
    Ethernet,
    Hdisk,
    Intake,
    Partition,
    PartRef,
    Sea,
    Values,
    Vfc,
    ViosRef,
    VnicDevice,
    firmware_of,
    mode_of,
    percent_of,
    runs,
    state_of_system,
    whole_percent,
)
from planner.formats.values import location

Row = dict[str, Any]
_RESERVE = {"noreserve": "no_reserve", "singlepath": "single_path", "persistentreserveexclusive": "PR_exclusive",
            "persistentreserveshared": "PR_shared"}
_BACKING = {"PhysicalVolume": "lun", "LogicalVolume": "lv", "VirtualOpticalMedia": "optical", "LogicalUnit": "ssp",
            "VirtualDisk": "lv"}
_FIRMWARE = ("system_firmware", "activated_level", "activated_service_pack_name_and_level")
_DEVICES = ("storage_volume_name", "storage_disk_name", "storage_media_name", "storage_unit_name",
            "storage_unique_device_id", "target_target_name")


def _valued(row: Row) -> Row:
    return {k: v for k, v in row.items() if not isinstance(v, NonValue)}


def _rows(have: Row, name: str) -> tuple[Row, ...]:
    """The rows of a list; none where a plain value stands in its place."""
    value = have.get(name, ())
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, tuple) else ()


def _system(have: Row) -> str:
    """The managed system: what a reference names, else the serial number in the location code of an adapter."""
    place = location(have.get("location_code")) or location(have.get("dynamic_reconfiguration_connector_name"))
    return str(have.get("associated_managed_system") or (place.serial_num if place else ""))


def _owner(have: Row) -> PartRef:
    """The partition of an adapter: by its id on its system, else by its UUID, which stands in the place of a name."""
    system, lpar_id = _system(have), have.get("local_partition_id")
    known = bool(system) and isinstance(lpar_id, int)
    return PartRef(system, lpar_id if known else None, "" if known else str(have.get("owner", "")))


def _sys(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = str(have.get("system_name", ""))
    if not name:
        return
    values = pick(r, {
        "serial_number": "serial", "configurable_system_processor_units": "configurable_units",
        "configurable_system_memory": "configurable_memory_mib", "current_logical_memory_block_size": "lmb_mib",
        "minimum_processor_units_per_virtual_processor": "min_units_per_vp", "maximum_active_migrations":
        "max_migrations", "maximum_inactive_migrations": "max_inactive_migrations",
        "active_logical_partition_mobility_capable": "enterprise",
        "active_memory_expansion_capable": "memory_expansion_capable",
        "ibmi_logical_partition_mobility_capable": "ibmi_mobility_capable",
        "partition_secure_boot_capable": "secure_boot_capable",
        "logical_partition_persistent_memory_migration_capable": "persistent_memory_capable",
        "virtual_nic_dedicated_sriov_capable": "vnic_capable",
        "custom_physical_page_table_ratio_capable": "ppt_ratio_capable",
        "power_vm_logical_partition_simplified_remote_restart_capable": "remote_restart_capable"})
    _smaller_of_firmware(values, have, r)
    level = firmware_of(*(str(have.get(name, "")) for name in _FIRMWARE))
    if level:
        values["firmware"] = (level, r.where(next(name for name in _FIRMWARE if name in have)))
    if "machine_type" in have and "model" in have:
        values["model"] = (f"{have['machine_type']}-{have['model']}", r.source)
    if "state" in have:
        values |= state_of_system(str(have["state"]), r.where("state"))
    modes = [mode_of(str(m)) for m in have.get("supported_partition_processor_compatibility_modes", ())]
    if modes:
        values["modes"] = (tuple(m for m in modes if m != "default"), r.source)
    intake.system(name, values, r.source, str(have.get("uuid", "")), str(have.get("serial_number", "")))
    _take_slots(intake, name, have, r)
    for adapter in map(_valued, _rows(have, "sriov_adapters")):
        _sriov_ports(intake, name, adapter, r)
    if "memory_used_by_hypervisor" in have:
        intake.firmware_total.setdefault(name, (have["memory_used_by_hypervisor"],
                                                r.where("memory_used_by_hypervisor")))


def _sriov_ports(intake: Intake, system: str, adapter: Row, r: Record) -> None:
    """The physical ports of an adapter in shared mode, with what each has left."""
    if str(adapter.get("adapter_mode", "")).lower() != "sriov":
        return
    where = r.where("sriov_adapters")
    for kind in ("ethernet_physical_ports", "converged_ethernet_physical_ports"):
        for port in map(_valued, _rows(adapter, kind)):
            number = f"{adapter.get('sriov_adapter_id')}/{port.get('physical_port_id')}"
            values: Values = {"port": (str(port["location_code"]), where)} if port.get("location_code") else {}
            most = port.get("port_logical_port_limit")
            used = [port[name] for name in _CONFIGURED if isinstance(port.get(name), int)]
            if isinstance(most, int) and used:
                values["free_ports"] = (max(0, most - sum(used)), where)
                values["configured"] = (sum(used), where)
            if (share := whole_percent(port.get("allocated_capacity"))) is not None:
                values["free_percent"] = (100 - share, where)
            if re.fullmatch("[0-9]+/[0-9]+", number):
                intake.merge(number, intake.sriov.setdefault((system, number), {"listed": (number, where)}), values)


_CONFIGURED = ("configured_ethernet_logical_ports", "configured_fiber_channel_over_ethernet_logical_ports")


def _smaller_of_firmware(values: dict[str, Any], have: Row, r: Record) -> None:
    """Migrations at a time: what the firmware allows, where that is less than what the console says."""
    for kind, ours in (("active", "max_migrations"), ("inactive", "max_inactive_migrations")):
        name = f"maximum_firmware_{kind}_migrations"
        if name in have and have[name] < values.get(ours, (have[name] + 1,))[0]:
            values[ours] = (have[name], r.where(name))


def _take_slots(intake: Intake, name: str, have: Row, r: Record) -> None:
    buses = (slot for bus in _rows(have, "io_buses") for slot in _rows(bus, "io_slots"))
    for slot in map(_valued, (*_rows(have, "io_slots"), *buses)):
        if isinstance(slot.get("partition_id"), int):
            ref = PartRef(name, slot["partition_id"], str(slot.get("partition_name", "")))
            intake.has(ref, "physical_adapters", str(slot.get("slot_dynamic_reconfiguration_connector_name")
                                                     or slot.get("description", "")), r.where("io_slots"))


def _partition(vios: bool) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        ref = PartRef(str(have.get("associated_managed_system", "")), have.get("partition_id"),
                      str(have.get("partition_name", "")))
        values = _values(r, vios)
        if r.lines and not vios:  # the whole object, which lists its ports if it has any; quick answers never do
            for name, ours in (("sriov_ethernet_logical_ports", "sriov_ports"),
                               ("dedicated_virtual_nics", "vnic_adapters")):
                values[ours] = (len(have.get(name, ())), r.where(name))
        if "partition_uuid" in have:
            values["uuid"] = (str(have["partition_uuid"]).lower(), r.where("partition_uuid"))
        intake.partitions.append(Partition(ref, vios, values, r.source))
        if "logical_serial_number" in have:
            intake.identified.append((str(have["logical_serial_number"]), ref))
        for name in ("uuid", "partition_uuid"):
            if have.get(name):
                intake.identify(str(have[name]), ref)
        if vios:
            _vios_parts(intake, r, ref)
    return take


def _values(r: Record, vios: bool) -> Values:
    have = stated(r)
    values = pick(r, {"partition_id": "lpar_id", "mover_service_partition": "msp", "shared_processor_pool_id":
                      "pool_id", "uncapped_weight": "weight", "has_physical_io": "physical_io", "migration_disable":
                      "migration_disabled", "is_virtual_trusted_platform_module_enabled": "vtpm",
                      "current_huge_page_count": "huge_pages",
                      "is_redundant_error_path_reporting_enabled": "error_path_reporting"})
    if not vios:
        values |= first(r, "hpt_ratio", "current_hardware_page_table_ratio", "hardware_page_table_ratio")
        values |= pick(r, {"physical_page_table_ratio": "ppt_ratio"})
    for name in ("current_expansion_factor", "expansion_factor"):
        if name in have:
            values.setdefault("memory_expansion_percent", (percent_of(have[name]), r.where(name)))
    values |= first(r, "max_virtual_slots", "current_maximum_virtual_io_slots", "maximum_virtual_io_slots")
    values |= first(r, "memory_mib", "current_memory", "desired_memory") | first(r, "max_memory_mib", "maximum_memory",
                                                                                 "current_maximum_memory")
    values |= state_from(r, "partition_state")
    values |= migration_from(r, "migration_state", active="not activated" not in values.get("state", ("",))[0])
    if not vios:
        values |= pick(r, {"last_activated_profile": "profile"})
        if "last_activated_profile" in have or r.fields.get("last_activated_profile") is NonValue.EMPTY:
            values["never_activated"] = ("last_activated_profile" not in have, r.where("last_activated_profile"))
    if "resource_monitoring_control_state" in have:
        values["rmc_active"] = (have["resource_monitoring_control_state"] == "active", r.source)
    for name, ours in (("current_processor_compatibility_mode", "current_mode"),
                       ("pending_processor_compatibility_mode", "preferred_mode")):
        if name in have:
            values[ours] = (mode_of(str(have[name])), r.where(name))
    values |= _processors(r)
    version = str(have.get("operating_system_version", ""))
    environment = "os400" if have.get("partition_type") == "OS400" else ""
    values |= runs(environment, version, vios=vios, source=r.source)
    return values


def _processors(r: Record) -> Values:
    have = stated(r)
    dedicated = have.get("has_dedicated_processors")
    if dedicated is None:
        return {}
    values: Values = {"processors": ("dedicated" if dedicated else "shared", r.source)}
    if dedicated:
        values |= first(r, "virtual_processors", "current_processors", "desired_processors", "run_processors")
        values |= pick(r, {"maximum_processors": "max_virtual_processors"})
        if "virtual_processors" in values:
            values["entitlement_units"] = (values["virtual_processors"][0] * 100, r.source)
        return values
    values |= first(r, "virtual_processors", "allocated_virtual_processors", "desired_virtual_processors")
    values |= first(r, "entitlement_units", "current_processing_units", "desired_processing_units")
    values |= pick(r, {"maximum_virtual_processors": "max_virtual_processors"})
    if have.get("sharing_mode") in ("capped", "uncapped"):
        values["sharing"] = (have["sharing_mode"], r.source)
    return values


def _vios_parts(intake: Intake, r: Record, ref: PartRef) -> None:
    have = stated(r)
    vios = ViosRef(ref.name, ref.system, ref.lpar_id, r.source.file)
    for disk in map(_valued, _rows(have, "physical_volumes")):
        _disk(intake, vios, disk, "", r)
    for sea in map(_valued, _rows(have, "shared_ethernet_adapters")):
        _sea(intake, vios, sea, r)
    for m in map(_valued, _rows(have, "virtual_scsi_mappings")):
        _scsi(intake, vios, ref, m, r)
    for m in map(_valued, _rows(have, "virtual_fibre_channel_mappings")):
        _fibre(intake, vios, ref, m, r)
    if "virtual_scsi_mappings" in r.fields:
        intake.vhosts.add((vios, None))
    elif "physical_volumes" in r.fields:
        intake.once(Severity.INFO, "input.no-mappings", ref.name, f"what {ref.name} serves is not in its answer",
                    "ask for VirtualIOServer?group=ViosSCSIMapping,ViosFCMapping", r.source)


def _disk(intake: Intake, vios: ViosRef, disk: Row, prefix: str, r: Record) -> None:
    """A disk by the unique id that lsdev shows as well, and by the console's own encoding of it."""
    ids = tuple(f"{word}:{disk[prefix + name]}" for word, name in (
        ("uid", "volume_unique_id"), ("unique-device", "unique_device_id")) if disk.get(prefix + name))
    policy = str(disk.get(prefix + "reserve_policy", ""))
    intake.hdisks.append(Hdisk(vios, str(disk.get(prefix + "volume_name", "")), ids,
                               _RESERVE.get(policy.replace("_", "").lower(), policy), r.source))


def _sea(intake: Intake, vios: ViosRef, sea: Row, r: Record) -> None:
    vlans = {(_switch(t), n) for t in map(_valued, _rows(sea, "trunk_adapters"))
             for n in (t.get("port_vlan_id"), *t.get("tagged_vlan_ids", ())) if isinstance(n, int)}
    ordered = tuple(sorted(vlans, key=lambda vlan: (str(vlan[0]), vlan[1])))
    intake.seas.append(Sea(vios, str(sea.get("device_name", "")), ordered, r.source))


def _switch(adapter: Row) -> str | int:
    """The number of an adapter's virtual switch; where it has none there is one switch only."""
    number = adapter.get("virtual_switch_id")
    return number if isinstance(number, int) else DEFAULT_VSWITCH


def _scsi(intake: Intake, vios: ViosRef, ref: PartRef, m: Row, r: Record) -> None:
    device = next((str(m[name]) for name in _DEVICES if m.get(name)), "")
    if not device:
        return
    kind = str(m.get("storage_kind", ""))
    if kind == "PhysicalVolume" and m.get("storage_volume_name"):
        _disk(intake, vios, m, "storage_", r)
    lpar_id = m.get("client_local_partition_id", m.get("server_remote_logical_partition_id"))
    client = PartRef(ref.system, lpar_id if isinstance(lpar_id, int) else None)
    slot = m.get("client_virtual_slot_number", m.get("server_remote_slot_number"))
    backing = "file" if m.get("storage_virtual_disk_type") == "File" else _BACKING.get(kind, "lv")
    intake.mappings.append(DiskMapping(
        vios, m.get("server_virtual_slot_number"), client, vtd=str(m.get("target_target_name", device)),
        backing=backing, device=device, source=r.source, client_slot=slot if isinstance(slot, int) else None,
        vhost=str(m.get("server_adapter_name", ""))))


def _fibre(intake: Intake, vios: ViosRef, ref: PartRef, m: Row, r: Record) -> None:
    lpar = m.get("client_local_partition_id", m.get("server_connecting_partition_id"))
    client = PartRef(ref.system, lpar if isinstance(lpar, int) else None)
    port = str(m.get("port_port_name") or m.get("server_physical_port_name") or m.get("server_map_port") or "")
    free = m.get("port_available_ports", m.get("server_physical_available_ports"))
    intake.vfcs.append(Vfc(vios, m.get("server_virtual_slot_number"), client, port, r.source, free))
    slot = m.get("client_virtual_slot_number", m.get("server_connecting_virtual_slot_number"))
    if m.get("client_wwpns") and isinstance(slot, int):
        intake.fc.append(Client(client, slot, ref, m.get("server_virtual_slot_number"), _wwpns(m["client_wwpns"]),
                                r.source))


def _wwpns(stated: Any) -> tuple[str, ...]:
    return tuple(str(wwpn).lower() for wwpn in stated)


def _ethernet(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    intake.ethernets.append(Ethernet(_owner(have), have["virtual_slot_number"], have["port_vlan_id"],
                                     tuple(sorted(have.get("tagged_vlan_ids", ()))), _switch(have), False, r.source))


def _scsi_client(intake: Intake, r: Record, reading: Reading) -> None:
    _client(intake.scsi, r, "remote_logical_partition_id", "remote_slot_number")


def _fc_client(intake: Intake, r: Record, reading: Reading) -> None:
    _client(intake.fc, r, "connecting_partition_id", "connecting_virtual_slot_number")


def _client(into: list[Client], r: Record, partition: str, slot: str) -> None:
    have = stated(r)
    remote, remote_slot = have.get(partition), have.get(slot)
    vios = PartRef(_system(have), remote if isinstance(remote, int) else None)
    into.append(Client(_owner(have), have["virtual_slot_number"], vios,
                       remote_slot if isinstance(remote_slot, int) else None, _wwpns(have.get("wwpns", ())), r.source))


def _named_switch(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = str(have["switch_name"]).removesuffix("(Default)")
    intake.switches.setdefault((_system(have), have["switch_id"]), name)
    if "switch_mode" in have:
        intake.switch_modes.setdefault((_system(have), name), (
            str(have["switch_mode"]).upper(), r.where("switch_mode")))


def _bridge(intake: Intake, r: Record, reading: Reading) -> None:
    """The SEAs of both VIOSes: which VIOS it is, its trunks say."""
    have = stated(r)
    seas = _rows(have, "shared_ethernet_adapters")
    if not seas:
        intake.say(Severity.INFO, "input.no-data", r.source.file, "an HMC REST NetworkBridge without Shared Ethernet "
                   "Adapters: there is nothing in it to take", "export NetworkBridge from the HMC again, or leave it "
                   "out; the answers of ManagedSystem, LogicalPartition and VirtualIOServer make an estate", r.source)
    for sea in map(_valued, seas):
        ids = {t.get("local_partition_id") for t in _rows(sea, "trunk_adapters")}
        vios = intake.identifiers.get(str(sea.get("assigned_virtual_io_server", "")), PartRef())
        lpar_id = ids.pop() if len(ids) == 1 else vios.lpar_id
        _sea(intake, ViosRef(vios.name, _system(have), lpar_id if isinstance(lpar_id, int) else None, r.source.file),
             sea, r)


def _logical_port(intake: Intake, r: Record, reading: Reading) -> None:
    """An SR-IOV port that no vNIC stands on is its owner's."""
    have = stated(r)
    if have.get("vnic_port_usage", "NOT_VNIC") == "NOT_VNIC":
        intake.has(_owner(have), "sriov_ports", str(have.get("uuid") or r.source), r.source)


def _vnic(intake: Intake, r: Record, reading: Reading) -> None:
    """A vNIC, with its backing devices where its slot is stated."""
    have, owner = stated(r), _owner(stated(r))
    intake.has(owner, "vnic_adapters", str(have.get("uuid") or r.source), r.source)
    slot = have.get("virtual_slot_number")
    for number, device in enumerate(_rows(have, "associated_backing_devices") or ({},), 1):
        of = _valued(device)
        port = f"{of.get('related_sriov_adapter_id')}/{of.get('related_sriov_physical_port_id')}"
        share = whole_percent(of.get("current_capacity_percentage", of.get("desired_capacity_percentage")))
        if isinstance(slot, int):
            intake.vnics.append(VnicDevice(
                owner, slot, number, PartRef("", None, str(of.get("associated_virtual_io_server", ""))),
                port if re.fullmatch("[0-9]+/[0-9]+", port) else "", share, r.source))


def _pool(intake: Intake, r: Record, reading: Reading) -> None:
    """A pool; of the 64 that every system has, one that is not the default and holds nothing is unused."""
    have = stated(r)
    system, most = str(have.get("associated_managed_system", "")), have.get("maximum_processing_units")
    if not system or (have["pool_id"] and most == 0):
        return
    values = pick(r, {"pool_name": "name", "current_reserved_processing_units": "reserved_units"})
    values |= first(r, "max_units", "maximum_processing_units")
    intake.pools.append((system, have["pool_id"], values, r.source))


FACTS: dict[str, TakeFacts] = {
    "rest-managed-system": _sys, "rest-lpar": _partition(False), "rest-vios": _partition(True), "rest-pool": _pool,
    "rest-ethernet": _ethernet, "rest-scsi-client": _scsi_client, "rest-fc-client": _fc_client,
    "rest-switch": _named_switch, "rest-bridge": _bridge, "rest-sriov-port": _logical_port, "rest-vnic": _vnic,
}


_ADAPTERS = ("rest-ethernet", "rest-fc-client", "rest-scsi-client")

#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "a limit of the LPAR's profile: a move neither checks it nor changes it": (
        ("rest-*", "minimum_memory minimum_processing_units minimum_processors minimum_virtual_processors"),
        ("rest-lpar", "maximum_processing_units"),
        ("rest-vios", "maximum_processing_units"),
    ),
    "what is free, or installed and not configurable: a plan computes the first and cannot use the second": (
        ("rest-managed-system", "current_available_* installed_* available_wwpns temporary_*"),
        ("rest-pool", "available_proc_units"),
    ),
    "other objects: they name the system or the partition themselves": (
        ("rest-*", "associated_logical_partitions shared_processor_pools assigned_partitions processor_pool"),
        ("rest-managed-system", "mtms"),
        ("rest-pool", "uuid"),
        ("rest-switch", "uuid"),
        ("rest-bridge", "uuid"),
        ("rest-job", "uuid job_id status"),
        *((kind, "uuid owner dynamic_reconfiguration_connector_name") for kind in _ADAPTERS),
        ("rest-ethernet", "associated_virtual_switch location_code"),
    ),
    "the other end of an adapter, which its own fields name as well": (
        ("rest-fc-client", "server_*"),
        ("rest-scsi-client", "server_*"),
    ),
    "names and states of an adapter: it follows its LPAR as it is": (
        *((kind, "required_adapter varied_on") for kind in _ADAPTERS),
        ("rest-ethernet", "mac_address tagged_vlan_supported"),
        ("rest-fc-client", "adapter_type"),
        ("rest-scsi-client", "adapter_type"),
        ("rest-sriov-port", "adapter_id configured_capacity location_code"),
    ),
    "of a bridge, what its SEAs and their trunks state; trunks of no SEA bridge nothing": (
        ("rest-bridge", "control_channel_id failover_enabled port_vlan_id"),
        ("rest-vios", "trunk_adapters"),
    ),
    "names of VLANs: a plan goes by their numbers, and adapters name theirs": (
        ("rest-network", "*"),
    ),
    "what a command printed: it is read like a session": (
        ("rest-job", "job_parameters results"),
    ),
    "of a VIOS no ratio is stated in an estate, and what a system offers is no plan's choice": (
        ("rest-vios", "*hardware_page_table_ratio"),
        ("rest-managed-system", "allowed_* default_*"),
    ),
    "of what is migrated inactive: how many at a time is taken": (
        ("rest-managed-system", "number_of_inactive_* inactive_*"),
    ),
    "what was under way when it was exported": (
        ("rest-*", "number_of_active_* runtime_memory"),
    ),
    "lamps and addresses of the console and its machines": (
        ("rest-*", "is_classic_* *attention_led* partition_type mac_address_prefix wwpn_prefix aix_capable"),
    ),
    "elements that this program does not know: told as input.unknown-key": (
        ("rest-*", "flying_toasters quantum_leap_capable"),
    ),
}
