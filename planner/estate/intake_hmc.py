"""HMC command output → intake."""

from __future__ import annotations

from typing import Any

from planner.estate.model import DEFAULT_VSWITCH
from planner.findings import Severity
from planner.formats.base import Reading, Record, TakeFacts, first, pick, stated
from planner.formats.facts import Client, Ethernet, Intake, Partition, PartRef, Values, mode_of, runs, state_of


def _system_name(intake: Intake, record: Record) -> str:
    return str(stated(record).get("managed_system", ""))


def _sys(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = have.get("name")
    if not isinstance(name, str):
        return
    values = pick(r, {"type_model": "model", "serial_num": "serial", "active_lpar_mobility_capable": "enterprise"})
    if reading.host:
        values["console"] = (reading.host, r.source)
    intake.system(name, values, r.source, str(have.get("serial_num", "")))


def _lpar(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    environment, version = str(have.get("lpar_env", "")), str(have.get("os_version", ""))
    vios = environment == "vioserver" or version.startswith("VIOS") if environment or version else None
    values: Values = pick(r, {"lpar_id": "lpar_id", "msp": "msp", "redundant_err_path_reporting":
                              "error_path_reporting", "work_group_id": "workload_group"})
    if "workload_group" in values:
        values["workload_group"] = (str(values["workload_group"][0]), values["workload_group"][1])
    if "state" in have:
        values["state"] = (state_of(str(have["state"])), r.where("state"))
    if "rmc_state" in have:
        values["rmc_active"] = (have["rmc_state"] == "active", r.where("rmc_state"))
    for theirs, ours in (("curr_lpar_proc_compat_mode", "current_mode"),
                         ("desired_lpar_proc_compat_mode", "preferred_mode")):
        if theirs in have:
            values[ours] = (mode_of(str(have[theirs])), r.where(theirs))
    values |= runs(environment, version, vios=vios, source=r.where("os_version"))
    ref = PartRef(_system_name(intake, r), have.get("lpar_id"), str(have.get("name", "")))
    intake.partitions.append(Partition(ref, vios, values, r.source))


def _ref(r: Record) -> PartRef:
    have = stated(r)
    return PartRef(str(have.get("managed_system", "")), have.get("lpar_id"), str(have.get("lpar_name", "")))


_SHARING = {"cap": "capped", "uncap": "uncapped"}


def _proc_lpar(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    dedicated = have.get("curr_proc_mode", have.get("pend_proc_mode")) == "ded"
    values = first(r, "virtual_processors", "curr_procs", "pend_procs")
    values |= first(r, "max_virtual_processors", "curr_max_procs", "pend_max_procs")
    values["processors"] = ("dedicated" if dedicated else "shared", r.where("curr_proc_mode"))
    sharing = str(have.get("curr_sharing_mode", have.get("pend_sharing_mode", "")))
    if dedicated:
        if "virtual_processors" in values:
            number, source = values["virtual_processors"]
            values["entitlement_units"] = (number * 100, source)
    else:
        values |= first(r, "entitlement_units", "curr_proc_units", "pend_proc_units")
        values |= pick(r, {"curr_shared_proc_pool_id": "pool_id", "curr_uncap_weight": "weight"})
        if sharing in _SHARING:
            values["sharing"] = (_SHARING[sharing], r.where("curr_sharing_mode"))
    intake.partitions.append(Partition(_ref(r), None, values, r.source))


def _mem_lpar(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    values = first(r, "memory_mib", "curr_mem", "pend_mem") | first(r, "max_memory_mib", "curr_max_mem", "pend_max_mem")
    values |= pick(r, {"curr_num_huge_pages": "huge_pages"})
    mode = have.get("mem_mode")
    if mode in ("ded", "shared"):
        values["memory_mode"] = ("shared" if mode == "shared" else "dedicated", r.where("mem_mode"))
    ratio = str(have.get("curr_hpt_ratio", "")).removeprefix("1:")
    if ratio.isdecimal() and int(ratio) > 0:
        values["hpt_ratio"] = (int(ratio), r.where("curr_hpt_ratio"))
    intake.partitions.append(Partition(_ref(r), None, values, r.source))


def _of_system(wanted: dict[str, str]) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        name = _only_system(intake, r)
        if name:
            intake.system(name, pick(r, wanted), r.source)
            if "sys_firmware_mem" in stated(r):
                intake.firmware_total[name] = (stated(r)["sys_firmware_mem"], r.where("sys_firmware_mem"))
    return take


def _only_system(intake: Intake, r: Record) -> str:
    """The system that a record names, else "" with a finding: nothing is guessed."""
    name = _system_name(intake, r)
    if not name:
        intake.say(Severity.WARNING, "input.no-system", r.source.file,
                   f"{r.kind.removeprefix('hmc-')}: no line says which managed system this is; left out",
                   "keep the command line above its output (planner collect hmc does)", r.source)
    return name


def _procpool(intake: Intake, r: Record, reading: Reading) -> None:
    have, name = stated(r), _only_system(intake, r)
    if name and "shared_proc_pool_id" in have:
        values = pick(r, {"name": "name", "max_pool_proc_units": "max_units",
                          "curr_reserved_pool_proc_units": "reserved_units"})
        if values.get("max_units", (0, None))[0] == 0:
            values.pop("max_units", None)
        intake.pools.append((name, have["shared_proc_pool_id"], values, r.source))


def _eth(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "slot_num" not in have or "port_vlan_id" not in have:
        return
    tagged = tuple(sorted(have.get("addl_vlan_ids", ())))
    intake.ethernets.append(Ethernet(_ref(r), have["slot_num"], have["port_vlan_id"], tagged,
                                     str(have.get("vswitch", DEFAULT_VSWITCH)), bool(have.get("is_trunk")), r.source))


def _adapter(into: str) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        if have.get("adapter_type") != "client" or "slot_num" not in have:
            return
        remote, slot = have.get("remote_lpar_id"), have.get("remote_slot_num")
        vios = PartRef(str(have.get("managed_system", "")), remote if isinstance(remote, int) else None,
                       str(have.get("remote_lpar_name", "")))
        getattr(intake, into).append(Client(_ref(r), have["slot_num"], vios, slot if isinstance(slot, int) else None,
                                            tuple(have.get("wwpns", ())), r.source))
    return take


def _slot(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if have.get("lpar_id") is not None and have.get("lpar_name"):
        place: Any = have.get("drc_name") or have.get("phys_loc") or have.get("drc_index")
        intake.partitions.append(Partition(_ref(r), None, {"physical_adapters": ((str(place),), r.source)}, r.source))


TAKES: dict[str, TakeFacts] = {
    "hmc-lssyscfg-sys": _sys,
    "hmc-lssyscfg-lpar": _lpar,
    "hmc-lshwres-proc-sys": _of_system({"configurable_sys_proc_units": "configurable_units",
                                        "min_proc_units_per_virtual_proc": "min_units_per_vp"}),
    "hmc-lshwres-mem-sys": _of_system({"configurable_sys_mem": "configurable_memory_mib",
                                       "mem_region_size": "lmb_mib"}),
    "hmc-lslparmigr-sys": _of_system({"num_active_migrations_supported": "max_migrations"}),
    "hmc-lshwres-mempool": _of_system({"curr_pool_mem": "shared_memory_pool_mib"}),
    "hmc-lshwres-proc-lpar": _proc_lpar,
    "hmc-lshwres-mem-lpar": _mem_lpar,
    "hmc-lshwres-procpool": _procpool,
    "hmc-lshwres-eth": _eth,
    "hmc-lshwres-scsi": _adapter("scsi"),
    "hmc-lshwres-fc": _adapter("fc"),
    "hmc-lshwres-slot": _slot,
}
