"""HMC REST documents → intake."""

from __future__ import annotations

from typing import Any

from planner.estate.model import DEFAULT_VSWITCH
from planner.formats.base import NonValue, Reading, Record, TakeFacts, first, pick, stated
from planner.formats.facts import (
    Client,
    Hdisk,
    Intake,
    Mapping,
    Partition,
    PartRef,
    Sea,
    Values,
    Vfc,
    ViosRef,
    mode_of,
    runs,
    state_of,
)

_RESERVE = {"noreserve": "no_reserve", "singlepath": "single_path", "persistentreserveexclusive": "PR_exclusive",
            "persistentreserveshared": "PR_shared"}
_BACKING = {"PhysicalVolume": "lun", "LogicalVolume": "lv", "VirtualOpticalMedia": "optical", "LogicalUnit": "ssp",
            "VirtualDisk": "lv"}
_DEVICES = ("storage_volume_name", "storage_disk_name", "storage_media_name", "storage_unit_name",
            "storage_unique_device_id", "target_target_name")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if not isinstance(v, NonValue)}


def _sys(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = str(have.get("system_name", ""))
    if not name:
        return
    values = pick(r, {
        "serial_number": "serial", "configurable_system_processor_units": "configurable_units",
        "configurable_system_memory": "configurable_memory_mib", "current_logical_memory_block_size": "lmb_mib",
        "minimum_processor_units_per_virtual_processor": "min_units_per_vp", "maximum_active_migrations":
        "max_migrations", "active_logical_partition_mobility_capable": "enterprise"})
    if "machine_type" in have and "model" in have:
        values["model"] = (f"{have['machine_type']}-{have['model']}", r.source)
    modes = [mode_of(str(m)) for m in have.get("supported_partition_processor_compatibility_modes", ())]
    if modes:
        values["modes"] = (tuple(m for m in modes if m != "default"), r.source)
    intake.system(name, values, r.source, str(have.get("uuid", "")), str(have.get("serial_number", "")))
    if "memory_used_by_hypervisor" in have:
        intake.firmware_total[name] = (have["memory_used_by_hypervisor"], r.where("memory_used_by_hypervisor"))


def _partition(vios: bool) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        ref = PartRef(str(have.get("associated_managed_system", "")), have.get("partition_id"),
                      str(have.get("partition_name", "")))
        intake.partitions.append(Partition(ref, vios, _values(r, vios), r.source))
        if vios:
            _vios_parts(intake, r, ref)
    return take


def _values(r: Record, vios: bool) -> Values:
    have = stated(r)
    values = pick(r, {"partition_id": "lpar_id", "mover_service_partition": "msp", "shared_processor_pool_id":
                      "pool_id", "uncapped_weight": "weight"})
    values |= first(r, "memory_mib", "current_memory", "desired_memory") | first(r, "max_memory_mib", "maximum_memory",
                                                                                 "current_maximum_memory")
    if "partition_state" in have:
        values["state"] = (state_of(str(have["partition_state"])), r.source)
    if "resource_monitoring_control_state" in have:
        values["rmc_active"] = (have["resource_monitoring_control_state"] == "active", r.source)
    if "current_processor_compatibility_mode" in have:
        values["current_mode"] = (mode_of(str(have["current_processor_compatibility_mode"])), r.source)
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
    vios = ViosRef(ref.name, file=r.source.file)
    for disk in map(_plain, have.get("physical_volumes", ())):
        ids = (f"uid:{disk['unique_device_id']}",) if "unique_device_id" in disk else ()
        policy = str(disk.get("reserve_policy", ""))
        intake.hdisks.append(Hdisk(vios, str(disk.get("volume_name", "")), ids,
                                   _RESERVE.get(policy.replace("_", "").lower(), policy), r.source))
    for sea in map(_plain, have.get("shared_ethernet_adapters", ())):
        vlans = {(_switch(t), n) for t in map(_plain, sea.get("trunk_adapters", ()))
                 for n in (t.get("port_vlan_id"), *t.get("tagged_vlan_ids", ())) if isinstance(n, int)}
        intake.seas.append(Sea(vios, str(sea.get("device_name", "")), tuple(sorted(vlans)), r.source))
    for m in map(_plain, have.get("virtual_scsi_mappings", ())):
        _scsi(intake, vios, ref, m, r)
    for m in map(_plain, have.get("virtual_fibre_channel_mappings", ())):
        _fibre(intake, vios, ref, m, r)


def _switch(trunk: dict[str, Any]) -> str:
    return str(trunk.get("virtual_switch_name", DEFAULT_VSWITCH)).removesuffix("(Default)") or DEFAULT_VSWITCH


def _scsi(intake: Intake, vios: ViosRef, ref: PartRef, m: dict[str, Any], r: Record) -> None:
    device = next((str(m[name]) for name in _DEVICES if m.get(name)), "")
    if not device:
        return
    client = PartRef(ref.system, m.get("client_local_partition_id"))
    intake.mappings.append(Mapping(
        vios, m.get("server_virtual_slot_number"), client, str(m.get("target_target_name", device)),
        _BACKING.get(str(m.get("storage_kind", "")), "lv"), device, r.source, m.get("client_virtual_slot_number"),
        str(m.get("server_adapter_name", ""))))


def _fibre(intake: Intake, vios: ViosRef, ref: PartRef, m: dict[str, Any], r: Record) -> None:
    lpar = m.get("client_local_partition_id", m.get("server_connecting_partition_id"))
    client = PartRef(ref.system, lpar if isinstance(lpar, int) else None)
    port = str(m.get("server_physical_port_name") or m.get("server_map_port") or "")
    intake.vfcs.append(Vfc(vios, m.get("server_virtual_slot_number"), client, port, r.source))
    wwpns = tuple(str(w) for w in m.get("client_wwpns", ()))
    slot = m.get("client_virtual_slot_number", m.get("server_connecting_virtual_slot_number"))
    if wwpns and isinstance(slot, int):
        intake.fc.append(Client(client, slot, PartRef(ref.system, ref.lpar_id, ref.name),
                                m.get("server_virtual_slot_number"), wwpns, r.source))


def _pool(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    system = str(have.get("associated_managed_system", ""))
    if system and "pool_id" in have:
        values = pick(r, {"pool_name": "name", "maximum_processing_units": "max_units",
                          "current_reserved_processing_units": "reserved_units"})
        if not values.get("max_units", (0, None))[0]:
            values.pop("max_units", None)
        intake.pools.append((system, have["pool_id"], values, r.source))


TAKES: dict[str, TakeFacts] = {
    "rest-managed-system": _sys, "rest-lpar": _partition(False), "rest-vios": _partition(True), "rest-pool": _pool,
}
