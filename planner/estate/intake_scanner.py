"""HMC Scanner workbooks → intake."""

from __future__ import annotations

import re

from planner.estate.model import DEFAULT_VSWITCH
from planner.formats.base import Reading, Record, TakeFacts, first, pick, stated
from planner.formats.facts import (
    Client,
    Ethernet,
    Hdisk,
    Intake,
    Mapping,
    Partition,
    PartRef,
    Values,
    ViosRef,
    mode_of,
    runs,
    state_of,
)
from planner.formats.vios_lsmap import BACKING, backing_kind


def _system(r: Record) -> str:
    have = stated(r)
    return str(have.get("managed_system_serial") or have.get("managed_system_name") or "")


def _ref(r: Record, name: str = "name") -> PartRef:
    have = stated(r)
    return PartRef(_system(r), have.get("id"), str(have.get(name, "")))


def _sys(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name, serial = str(have["managed_system_name"]), str(have.get("managed_system_serial", ""))
    values = pick(r, {"type_model": "model", "managed_system_serial": "serial", "act_proc_units": "configurable_units",
                      "act_mem": "configurable_memory_mib", "mgr_1": "console"})
    intake.system(name, values, r.source, serial)
    if "firm_mem" in have:
        intake.firmware_total[name] = (have["firm_mem"], r.where("firm_mem"))


def _lpar(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    environment, version = str(have.get("environment", "")), str(have.get("os_version", ""))
    vios = environment == "vioserver" or version.startswith("VIOS") if environment else None
    values: Values = pick(r, {"id": "lpar_id"})
    if "status" in have:
        values["state"] = (state_of(str(have["status"])), r.source)
    if "rmc_state" in have:
        values["rmc_active"] = (str(have["rmc_state"]).lower() == "active", r.source)
    if "proc_mode" in have:
        values["current_mode"] = (mode_of(str(have["proc_mode"])), r.source)
    values |= runs(environment, version, vios=vios, source=r.source)
    intake.partitions.append(Partition(_ref(r), vios, values, r.source))


def _cpu(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    dedicated = have.get("mode") == "ded"
    values = first(r, "virtual_processors", "curr_cpu", "tgt_cpu") | first(r, "max_virtual_processors", "max_cpu")
    values["processors"] = ("dedicated" if dedicated else "shared", r.source)
    if dedicated:
        if "virtual_processors" in values:
            values["entitlement_units"] = (values["virtual_processors"][0] * 100, r.source)
    else:
        values |= first(r, "entitlement_units", "curr_ent", "tgt_ent") | pick(r, {"weight": "weight"})
        sharing = {"cap": "capped", "uncap": "uncapped"}.get(str(have.get("sharing_mode", "")))
        if sharing:
            values["sharing"] = (sharing, r.source)
    intake.partitions.append(Partition(_ref(r), None, values, r.source))


def _mem(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    values = first(r, "memory_mib", "curr_mem", "tgt_mem") | first(r, "max_memory_mib", "max_mem")
    if have.get("mode") in ("ded", "shared"):
        values["memory_mode"] = ("shared" if have["mode"] == "shared" else "dedicated", r.source)
    intake.partitions.append(Partition(_ref(r), None, values, r.source))


def _eth(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "slot" in have and "port_vlan_id" in have:
        intake.ethernets.append(Ethernet(
            _ref(r, "lpar_name"), have["slot"], have["port_vlan_id"], tuple(sorted(have.get("ieee_vlan_ids", ()))),
            str(have.get("virtual_switch") or DEFAULT_VSWITCH), bool(have.get("trunk")), r.source))


def _adapter(into: str) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        if str(have.get("type", "")).lower() != "client" or "slot" not in have:
            return
        slot = have.get("remote_slot")
        wwpns = tuple(str(have[w]) for w in ("wwpn_1", "wwpn_2") if w in have)
        getattr(intake, into).append(Client(
            _ref(r, "lpar_name"), have["slot"], PartRef(_system(r), None, str(have.get("remote_lpar", ""))),
            slot if isinstance(slot, int) else None, wwpns, r.source))
    return take


def _backing(r: Record) -> str:
    have = stated(r)
    kind = backing_kind(have.get("backing_device"), have.get("vtd"), r.fields.get("phys_loc"))
    return BACKING.get(kind or "", "lv")


def _map(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "vtd" not in have:
        return
    slot = re.search(r"(\d+)$", str(have.get("slot", "")))
    device = str(have.get("backing_device", have["vtd"]))
    vios = ViosRef(str(have["vios"]), file=r.source.file)
    client = PartRef(_system(r), have.get("client_lpar_id") or None, str(have.get("client_lpar_name", "")))
    intake.mappings.append(Mapping(vios, int(slot[1]) if slot else None, client, str(have["vtd"]), _backing(r),
                                   device, r.source, vhost=str(have.get("name", ""))))
    if "identifier" in have and device.startswith("hdisk"):
        intake.hdisks.append(Hdisk(vios, device, (f"uid:{have['identifier']}",), "", r.source))


def _disk(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "uuid" in have:
        for _, vios, hdisk in have.get("hdisks", ()):
            ref = ViosRef(vios, file=r.source.file)
            intake.hdisks.append(Hdisk(ref, hdisk, (f"uid:{have['uuid']}",), "", r.source))


TAKES: dict[str, TakeFacts] = {
    "scanner-system": _sys, "scanner-lpar": _lpar, "scanner-lpar-cpu": _cpu, "scanner-lpar-mem": _mem,
    "scanner-veth": _eth, "scanner-vscsi": _adapter("scsi"), "scanner-vfc": _adapter("fc"), "scanner-vscsi-map": _map,
    "scanner-vios-disk": _disk,
}
