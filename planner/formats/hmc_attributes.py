"""The listings of the HMC's commands: which attributes each prints and of what type they are.

Output of the HMC does not say which command made it; the attribute names do. A listing's attributes differ from
level to level, so this is the union of what was seen or is documented, and never a list of what must be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from planner.estate.model import DEFAULT_VSWITCH
from planner.findings import Severity
from planner.formats import values
from planner.formats.base import (
    NonValue,
    Reading,
    Record,
    TakeFacts,
    first,
    migration_from,
    pick,
    profile_sizes,
    state_from,
    stated,
)
from planner.formats.capture import mtms_in, system_in
from planner.formats.facts import (
    Client,
    Ethernet,
    Intake,
    Partition,
    PartRef,
    Profile,
    Values,
    VnicDevice,
    firmware_of,
    hpt_ratio_of,
    mode_of,
    percent_of,
    runs,
    sharing_of,
    state_of_system,
    whole_percent,
)
from planner.formats.samples import PHYSICAL_POOL, Count, Extract, Kind, Sample, less, server_of_serial, spans, whole
from planner.formats.values import Parser

_MOST_CACHED = 400

#: What an attribute is, by its name: the first that fits; text if none does.
_TYPES: tuple[tuple[Parser, re.Pattern[str]], ...] = (
    (values.whole_or_any, re.compile(r"remote_(?:lpar_id|slot_num)")),
    (values.list_of(values.text), re.compile(
        r"capabilities|lhea_capabilities|wwpns|vnetworks|feature_codes|sni_device_ids|allowed_vlan_ids|io_slots"
        r"|(?!config|curr_eth|max_eth|adapter_max|phys_port)\w+_(?:names|adapters|addresses|ratios|logical_ports|mappings"
        r"|profiles)|possible_mem_region_size|backing_devices|backing_device_states")),
    (values.text, re.compile(r"logical_port_id|slot_id|config_id")),
    (values.list_of(values.whole), re.compile(r"\w+_ids")),
    (values.mib, re.compile(r"(?:\w+_)?mem|(?:pend_)?mem_region_size|huge_page_size")),
    (values.units, re.compile(r"\w+_proc_units(?:_per_virtual_proc)?")),
    (values.counter, re.compile(
        r"\w+_cycles(?:_per_second|_while_active)?|uptime|bytes_\w+|run_latch_\w+|mem_overage_\w+")),
    (values.number, re.compile(r"\w+_percent|(?:\w+_)?mem_expansion")),
    (values.time, re.compile(r"(?:sys_)?time")),
    (values.bit, re.compile(
        r"is_\w+|supports_hmc|auto_priority_failover|\w+_(?:capable|attached|stale|enabled|disabled|grouping|reporting|auth)|\w*mfg_default_config|time_ref"
        r"|all_resources|allow_perf_collection|auto_start|conn_monitoring|ieee_virtual_eth|msp|resource_config"
        r"|sync_curr_profile|migratable|os400_restricted_io_mode")),
    (values.whole, re.compile(
        r"(?:config|curr_eth|config_eth|max_eth|adapter_max|phys_port_max)_logical_ports|(?!pci_)\w+_(?:id|weight|arrays|procs|priority|pages|pools|lpars|slots|array_size|per_(?:mem_pool|\w*lpar))"
        r"|slot_num|num_\w+_migrations_\w+|\w+_score|next_avail_virtual_slot")),
)


@lru_cache(maxsize=4096)
def parser(name: str) -> Parser:
    """How an attribute's value is read."""
    return next((parse for parse, names in _TYPES if names.fullmatch(name)), values.text)


@dataclass(frozen=True, slots=True)
class Listing:
    """What one command prints.

    ``identity``: a record without any of these cannot be said to be about anything (empty: it is about the whole
    managed system). ``of_system``: the record belongs to a managed system that its attributes do not name.
    ``always``: an attribute that no record lacks, even of ``-F``, or it would say nothing. ``open``: nobody has
    described all of its attributes, so that only its command line tells it and none of them is new.
    """

    kind: str
    identity: tuple[str, ...]
    names: frozenset[str]
    of_system: bool = True
    always: str | None = None
    open: bool = False

    @classmethod
    def of(cls, kind: str, identity: str, names: str, of_system: bool = True, always: str | None = None,
           open: bool = False) -> Listing:
        """The listing with these attributes, which stand between blanks; ``*_x`` is curr_x, pend_x and run_x."""
        every = (name.replace("*", of) for name in names.split() for of in ("curr", "pend", "run"))
        return cls(kind, tuple(identity.split()), frozenset(every), of_system, always, open)

    def knows(self, name: str) -> bool:
        """Whether the listing is known to have this attribute."""
        return name in self.names or name.endswith("_capable")


LISTINGS: dict[str, Listing] = {listing.kind: listing for listing in (
    Listing.of("hmc-lssyscfg-sys", "name serial_num type_model",
        "name type_model serial_num ipaddr ipaddr_secondary state detailed_state power_off_policy service_lpar_name"
        " lpar_proc_compat_modes pend_lpar_config_state config_version sp_version sp_boot_attr sp_boot_major_type"
        " sp_boot_minor_type curr_sys_keylock pend_sys_keylock curr_power_on_side pend_power_on_side power_on_type"
        " power_on_option power_on_method power_on_attr power_on_lpar_start_policy pend_power_on_lpar_start_policy"
        " pend_power_on_option curr_power_on_speed pend_power_on_speed curr_power_on_speed_override"
        " pend_power_on_speed_override max_lpars max_power_ctrl_lpars service_lpar_id curr_configured_max_lpars"
        " pend_configured_max_lpars assign_5250_cpw_percent mfg_default_config curr_mfg_default_config"
        " pend_mfg_default_config cod_proc_capable cod_mem_capable os400_capable micro_lpar_capable"
        " huge_page_mem_capable virtual_fc_capable virtual_io_server_capable virtual_switch_capable"
        " 5250_application_capable active_lpar_mobility_capable inactive_lpar_mobility_capable"
        " os400_lpar_mobility_capable active_lpar_share_idle_procs_capable active_mem_expansion_capable"
        " active_mem_sharing_capable sys_time capabilities", of_system=False),
    Listing.of("hmc-lssyscfg-lpar", "name lpar_id",
        "name lpar_env state os_version logical_serial_num default_profile curr_profile last_activated_profile"
        " boot_mode lpar_keylock rmc_state rmc_ipaddr ipl_source desired_lpar_proc_compat_mode"
        " curr_lpar_proc_compat_mode remote_restart_status uuid lpar_id work_group_id affinity_group_id"
        " lpar_avail_priority resource_config shared_proc_pool_util_auth allow_perf_collection auto_start"
        " redundant_err_path_reporting time_ref suspend_capable remote_restart_capable"
        " simplified_remote_restart_capable sync_curr_profile vtpm_enabled rmc_osshutdown_capable dlpar_mem_capable"
        " dlpar_proc_capable dlpar_io_capable msp migration_disabled os400_restricted_io_mode power_ctrl_lpar_ids"
        " power_ctrl_lpar_names"),
    Listing.of("hmc-lssyscfg-prof", "lpar_name lpar_id",
        "name lpar_name lpar_env mem_mode hpt_ratio ppt_ratio proc_mode sharing_mode shared_proc_pool_name boot_mode"
        " lpar_proc_compat_mode lpar_id min_procs desired_procs max_procs uncap_weight shared_proc_pool_id"
        " affinity_group_id max_virtual_slots min_num_huge_pages desired_num_huge_pages max_num_huge_pages"
        " work_group_id bsr_arrays virtual_opti_pool_id hsl_pool_id min_mem desired_mem max_mem min_proc_units"
        " desired_proc_units max_proc_units mem_expansion all_resources conn_monitoring auto_start"
        " redundant_err_path_reporting electronic_err_reporting lpar_io_pool_ids power_ctrl_lpar_ids"
        " power_ctrl_lpar_names hca_adapters lhea_logical_ports lhea_capabilities sriov_eth_logical_ports"
        " sriov_roce_logical_ports vnic_adapters virtual_vasi_adapters vtpm_adapters sni_device_ids"
        " virtual_eth_vsi_profiles io_slots virtual_serial_adapters virtual_scsi_adapters virtual_eth_adapters"
        " virtual_fc_adapters", always="lpar_name"),
    Listing.of("hmc-lshwres-proc-sys", "",
        "configurable_sys_proc_units curr_avail_sys_proc_units pend_avail_sys_proc_units installed_sys_proc_units"
        " deconfig_sys_proc_units min_proc_units_per_virtual_proc max_virtual_procs_per_lpar max_procs_per_lpar"
        " max_shared_proc_pools max_curr_virtual_procs_per_aixlinux_lpar max_curr_virtual_procs_per_vios_lpar"
        " max_curr_virtual_procs_per_os400_lpar max_curr_procs_per_aixlinux_lpar max_curr_procs_per_vios_lpar"
        " max_curr_procs_per_os400_lpar"),
    Listing.of("hmc-lshwres-proc-lpar", "lpar_name lpar_id",
        "lpar_name lpar_id *_proc_mode *_sharing_mode *_shared_proc_pool_name *_min_procs *_procs *_max_procs"
        " *_uncap_weight *_shared_proc_pool_id *_min_proc_units *_proc_units *_max_proc_units *_5250_cpw_percent"),
    Listing.of("hmc-lshwres-proc-pool", "",
        "configurable_pool_proc_units curr_avail_pool_proc_units pend_avail_pool_proc_units"),
    Listing.of("hmc-lshwres-procpool", "name shared_proc_pool_id",
        "name shared_proc_pool_id max_pool_proc_units curr_reserved_pool_proc_units pend_reserved_pool_proc_units"
        " lpar_ids lpar_names"),
    Listing.of("hmc-lshwres-mem-sys", "",
        "curr_mem_mirroring_mode pend_mem_mirroring_mode configurable_sys_mem curr_avail_sys_mem pend_avail_sys_mem"
        " installed_sys_mem deconfig_sys_mem sys_firmware_mem mem_region_size pend_mem_region_size huge_page_size"
        " configurable_num_sys_huge_pages curr_avail_num_sys_huge_pages pend_avail_num_sys_huge_pages"
        " requested_num_sys_huge_pages max_num_sys_huge_pages total_sys_bsr_arrays bsr_array_size"
        " curr_avail_sys_bsr_arrays max_mem_pools max_paging_vios_per_mem_pool default_hpt_ratios"
        " possible_hpt_ratios possible_mem_region_size"),
    Listing.of("hmc-lshwres-mem-lpar", "lpar_name lpar_id",
        "lpar_name mem_mode curr_hpt_ratio lpar_id *_min_mem *_mem *_max_mem *_io_entitled_mem *_min_num_huge_pages"
        " *_num_huge_pages *_max_num_huge_pages *_bsr_arrays *_mem_weight *_mem_expansion"),
    Listing.of("hmc-lshwres-mempool", "",
        "paging_storage_pool curr_pool_mem pend_pool_mem curr_max_pool_mem pend_max_pool_mem curr_avail_pool_mem"
        " pend_avail_pool_mem sys_firmware_pool_mem paging_vios_names lpar_names paging_vios_ids lpar_ids"),
    Listing.of("hmc-lshwres-eth", "lpar_name lpar_id",
        "lpar_name mac_addr vswitch drc_name lpar_id slot_num trunk_priority port_vlan_id qos_priority state"
        " is_required is_trunk ieee_virtual_eth addl_vlan_ids allowed_os_mac_addresses allowed_os_mac_addrs"),
    Listing.of("hmc-lshwres-scsi", "lpar_name lpar_id",
        "lpar_name adapter_type remote_lpar_name drc_name lpar_id slot_num remote_lpar_id remote_slot_num state"
        " is_required"),
    Listing.of("hmc-lshwres-fc", "lpar_name lpar_id",
        "lpar_name adapter_type remote_lpar_name drc_name lpar_id slot_num remote_lpar_id remote_slot_num state"
        " is_required wwpns"),
    Listing.of("hmc-lshwres-serial", "lpar_name lpar_id",
        "lpar_name adapter_type connect_status remote_lpar_name lpar_id slot_num remote_lpar_id remote_slot_num state"
        " is_required supports_hmc", of_system=False, always="supports_hmc"),
    Listing.of("hmc-lshwres-vslot", "lpar_name lpar_id",
        "lpar_name lpar_id curr_max_virtual_slots pend_max_virtual_slots next_avail_virtual_slot",
        always="next_avail_virtual_slot"),
    Listing.of("hmc-lshwres-vnic", "lpar_name lpar_id",
        "lpar_name lpar_id slot_num desired_mode curr_mode auto_priority_failover port_vlan_id pvid_priority mac_addr"
        " allowed_vlan_ids allowed_os_mac_addrs backing_devices backing_device_states", always="backing_devices"),
    Listing.of("hmc-lshwres-vnicbkdev", "lpar_name lpar_id",
        "lpar_name lpar_id type adapter_id physical_port_id logical_port_id capacity desired_capacity max_capacity"
        " desired_max_capacity failover_priority is_active status", of_system=False, always="failover_priority"),
    Listing.of("hmc-lshwres-sriov-adapter", "adapter_id slot_id phys_loc",
        "adapter_id slot_id config_state functional_state phys_loc phys_ports logical_ports adapter_max_logical_ports"
        " sriov_status alternate_config", of_system=False, always="config_state"),
    Listing.of("hmc-lshwres-sriov-physport", "adapter_id phys_port_loc",
        "adapter_id phys_port_id phys_port_type phys_port_loc phys_port_label phys_port_sub_label state"
        " config_logical_ports phys_port_max_logical_ports curr_eth_logical_ports config_eth_logical_ports"
        " max_eth_logical_ports curr_conn_speed config_conn_speed max_recv_packet_size recv_flow_control"
        " trans_flow_control veb_mode vepa_mode", always="phys_port_id"),
    Listing.of("hmc-lshwres-sriov-logport", "logical_port_id drc_name location_code",
        "config_id lpar_name lpar_id lpar_state adapter_id logical_port_id logical_port_type phys_port_id drc_name"
        " location_code functional_state capacity max_capacity is_required is_promisc port_vlan_id pvid_priority"
        " mac_addr curr_mac_addr allowed_os_mac_addrs allowed_vlan_ids diag debug huge_dma_window_capable migratable",
        always="logical_port_id"),
    Listing.of("hmc-lslic-sys", "",
        "ecnumber activated_level activated_spname platform_ipl_level platform_ipl_spname deferred_level"
        " deferred_spname installed_level installed_spname accepted_level accepted_spname lic_type management_status"
        " disabled_reason mtms update_access_key_exp_date unactivated_level curr_ecnumber_primary curr_level_primary"
        " curr_ecnumber_secondary curr_level_secondary", always="ecnumber"),
    Listing.of("hmc-lsmemopt-lpar", "lpar_name lpar_id", "lpar_name lpar_id curr_lpar_score predicted_lpar_score",
        of_system=False, always="curr_lpar_score"),
    Listing.of("hmc-lsmemopt-sys", "", "curr_sys_score predicted_sys_score", of_system=False,
        always="curr_sys_score"),
    Listing.of("hmc-lshwres-vswitch", "vswitch", "vswitch switch_mode allowed_vlan_ids vnetworks"),
    Listing.of("hmc-lshwres-vnetwork", "vnetwork vlan_id", "vnetwork vswitch vlan_id is_tagged"),
    Listing.of("hmc-lshwres-slot", "drc_index drc_name phys_loc",
        "unit_phys_loc phys_loc drc_index lpar_name description pci_vendor_id pci_device_id pci_subs_vendor_id"
        " pci_subs_device_id pci_class pci_revision_id vpd_type vpd_model vpd_serial_num drc_name"
        " parent_slot_drc_index iop bus_id lpar_id slot_io_pool_id bus_grouping iop_info_stale console_capable"
        " load_source_attached alt_restart_device_attached vpd_stale feature_codes"),
    Listing.of("hmc-lslparmigr-sys", "",
        "inactive_prof_policy inactive_lpar_mobility_capable active_lpar_mobility_capable"
        " num_inactive_migrations_supported num_inactive_migrations_possible num_inactive_migrations_in_progress"
        " num_active_migrations_supported num_active_migrations_possible num_active_migrations_in_progress"),
    Listing.of("hmc-lslparmigr-lpar", "name lpar_id",
        "name migration_state migration_type source_sys_name dest_sys_name source_msp_name dest_msp_name"
        " remote_manager remote_user lpar_id source_lpar_id dest_lpar_id source_msp_id dest_msp_id bytes_transmitted"
        " bytes_remaining", always="migration_state"),
    Listing.of("hmc-lslparmigr-msp", "source_msp_name source_msp_id",
        "source_msp_name source_msp_id dest_msp_names ipaddr_mappings dest_msp_ids"),
    Listing.of("hmc-lslparmigr-mspconnection", "",
        "source_msp_name source_msp_id source_msp_ipaddr dest_msp_name dest_msp_id dest_msp_ipaddr", open=True),
    Listing.of("hmc-lslparmigr-manager", "", "remote_manager", open=True),
    Listing.of("hmc-lslparmigr-sriov", "", "lpar_name lpar_id", open=True),
    Listing.of("hmc-lsnportlogin", "", "lpar_name lpar_id slot_num wwpn wwpn_status", open=True),
    Listing.of("hmc-lstskey", "", "", open=True),
    Listing.of("hmc-lslparmigr-virtualio", "",
        "possible_virtual_scsi_mappings suggested_virtual_scsi_mappings possible_virtual_fc_mappings"
        " suggested_virtual_fc_mappings"),
    Listing.of("hmc-lslparmigr-procpool", "shared_proc_pool_ids shared_proc_pool_names",
        "shared_proc_pool_ids shared_proc_pool_names"),
    Listing.of("hmc-lslparutil-sys", "time",
        "event_type resource_type state primary_state detailed_state time sys_time configurable_sys_proc_units"
        " curr_avail_sys_proc_units configurable_sys_mem curr_avail_sys_mem sys_firmware_mem time_cycles"
        " proc_cycles_per_second curr_avail_5250_cpw_percent", always="time"),
    Listing.of("hmc-lslparutil-lpar", "lpar_name lpar_id",
        "event_type resource_type lpar_name curr_proc_mode curr_sharing_mode curr_shared_proc_pool_name mem_mode"
        " state primary_state detailed_state time sys_time lpar_id curr_procs curr_uncap_weight"
        " curr_shared_proc_pool_id curr_mem_weight run_mem_weight curr_proc_units curr_mem phys_run_mem"
        " curr_io_entitled_mem mapped_io_entitled_mem time_cycles entitled_cycles capped_cycles uncapped_cycles"
        " shared_cycles_while_active donated_cycles idle_cycles run_latch_instructions run_latch_cycles"
        " mem_overage_cooperation uptime curr_5250_cpw_percent", always="time"),
    Listing.of("hmc-lslparutil-pool", "time",
        "event_type resource_type time sys_time configurable_pool_proc_units curr_avail_pool_proc_units"
        " borrowed_pool_proc_units time_cycles total_pool_cycles utilized_pool_cycles", always="time"),
    Listing.of("hmc-lslparutil-procpool", "shared_proc_pool_name shared_proc_pool_id",
        "event_type resource_type shared_proc_pool_name time sys_time shared_proc_pool_id max_pool_proc_units"
        " curr_reserved_pool_proc_units time_cycles total_pool_cycles utilized_pool_cycles", always="time"),
)}


def kinds_of(names: tuple[str, ...], wanted: str | None = None) -> tuple[str, ...]:
    """The listings that know most of these attributes: one if they tell it apart, several if not, none if unknown.

    ``wanted``, if it is among them, is the one. Without it more than half of the names must be known.
    """
    best, most = _best(names)
    if wanted in best and wanted is not None:
        return (wanted,)
    return best if 2 * most > len(names) else ()


def most_known(names: tuple[str, ...]) -> int:
    """How many of these attributes the listing has that has most of them."""
    return _best(names)[1]


def _best(names: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """The listings that know most of the names, and how many; only lists of an ordinary length are remembered."""
    return _remembered(names) if len(names) <= _MOST_CACHED else _search(names)


def _search(names: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    known = {kind: _count(names, listing) for kind, listing in LISTINGS.items()}
    most = max(known.values())
    return tuple(kind for kind, count in known.items() if count == most > 0), most


_remembered = lru_cache(maxsize=256)(_search)


def _count(names: tuple[str, ...], listing: Listing) -> int:
    if listing.open or (listing.always and listing.always not in names):
        return 0
    return sum(map(listing.knows, names))


# --- what is taken ----------------------------------------------------------------------------------------------------


def _system_name(intake: Intake, record: Record) -> str:
    return str(stated(record).get("managed_system", ""))


_CAPABILITIES = {"os400_lpar_mobility_capable": "ibmi_mobility_capable", "active_mem_expansion_capable":
                 "memory_expansion_capable", "powervm_lpar_simplified_remote_restart_capable": "remote_restart_capable",
                 "vnic_dedicated_sriov_capable": "vnic_capable"}
"""What a system's list of capabilities names; one that it does not name may be one that the console does not know."""


def _sys(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = have.get("name")
    if not isinstance(name, str):
        return
    values = pick(r, {"type_model": "model", "serial_num": "serial", "active_lpar_mobility_capable": "enterprise",
                      "active_mem_expansion_capable": "memory_expansion_capable",
                      "os400_lpar_mobility_capable": "ibmi_mobility_capable"})
    named = str(have.get("capabilities", ""))
    for word, ours in _CAPABILITIES.items():
        if word in named:
            values.setdefault(ours, (True, r.where("capabilities")))
    modes = tuple(mode_of(mode.strip()) for mode in str(have.get("lpar_proc_compat_modes", "default")).split(","))
    if modes != ("default",):
        values["modes"] = (tuple(mode for mode in modes if mode != "default"), r.where("lpar_proc_compat_modes"))
    if "state" in have:
        values |= state_of_system(str(have["state"]), r.where("state"))
    if reading.host:
        values["console"] = (reading.host, r.source)
    intake.system(name, values, r.source, str(have.get("serial_num", "")))


def _lpar(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    environment, version = str(have.get("lpar_env", "")), str(have.get("os_version", ""))
    vios = environment == "vioserver" or version.startswith("VIOS") if environment or version else None
    values: Values = pick(r, {"lpar_id": "lpar_id", "msp": "msp", "redundant_err_path_reporting":
                              "error_path_reporting", "work_group_id": "workload_group",
                              "migration_disabled": "migration_disabled", "vtpm_enabled": "vtpm",
                              "os400_restricted_io_mode": "restricted_io",
                              "simplified_remote_restart_capable": "simplified_remote_restart"})
    values |= first(r, "profile", "curr_profile", "last_activated_profile", "default_profile")
    for name in ("last_activated_profile", "curr_profile"):
        if name in have or (name == "last_activated_profile" and r.fields.get(name) in (NonValue.EMPTY, NonValue.NONE)):
            values["never_activated"] = (name not in have, r.where(name))
    if "workload_group" in values:
        values["workload_group"] = (str(values["workload_group"][0]), values["workload_group"][1])
    values |= state_from(r, "state")
    if "rmc_state" in have:
        values["rmc_active"] = (have["rmc_state"] == "active", r.where("rmc_state"))
    for theirs, ours in (("curr_lpar_proc_compat_mode", "current_mode"),
                         ("desired_lpar_proc_compat_mode", "preferred_mode")):
        if theirs in have:
            values[ours] = (mode_of(str(have[theirs])), r.where(theirs))
    values |= runs(environment, version, vios=vios, source=r.where("os_version"))
    ref = PartRef(_system_name(intake, r), have.get("lpar_id"), str(have.get("name", "")))
    if "uuid" in have:
        values["uuid"] = (str(have["uuid"]).lower(), r.where("uuid"))
        intake.identify(str(have["uuid"]), ref)
    if "logical_serial_num" in have:
        intake.identified.append((str(have["logical_serial_num"]), ref))
    intake.partitions.append(Partition(ref, vios, values, r.source))


def _migration(intake: Intake, r: Record, reading: Reading) -> None:
    """An LPAR that is in migration: what ``lssyscfg -r lpar`` says as well, but of one that has failed."""
    have = stated(r)
    values = migration_from(r, "migration_state", active=have.get("migration_type") != "inactive")
    if values:
        ref = PartRef(_system_name(intake, r), have.get("lpar_id"), str(have.get("name", "")))
        intake.partitions.append(Partition(ref, None, values, r.source))


def _ref(r: Record) -> PartRef:
    have = stated(r)
    return PartRef(str(have.get("managed_system", "")), have.get("lpar_id"), str(have.get("lpar_name", "")))


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
        if sharing_of(sharing):
            values["sharing"] = (sharing_of(sharing), r.where("curr_sharing_mode"))
    intake.partitions.append(Partition(_ref(r), None, values, r.source))


def _mem_lpar(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    values = first(r, "memory_mib", "curr_mem", "pend_mem") | first(r, "max_memory_mib", "curr_max_mem", "pend_max_mem")
    values |= pick(r, {"curr_num_huge_pages": "huge_pages", "curr_bsr_arrays": "bsr_arrays"})
    if "curr_mem_expansion" in have:
        values["memory_expansion_percent"] = (percent_of(have["curr_mem_expansion"]), r.where("curr_mem_expansion"))
    mode = have.get("mem_mode")
    if mode in ("ded", "shared"):
        values["memory_mode"] = ("shared" if mode == "shared" else "dedicated", r.where("mem_mode"))
    if mode == "shared":
        values |= pick(r, {"curr_io_entitled_mem": "io_entitled_mib"})
    if hpt_ratio_of(have.get("curr_hpt_ratio")):
        values["hpt_ratio"] = (hpt_ratio_of(have["curr_hpt_ratio"]), r.where("curr_hpt_ratio"))
    intake.partitions.append(Partition(_ref(r), None, values, r.source))


def _of_system(wanted: dict[str, str]) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        name = _only_system(intake, r)
        if name:
            intake.system(name, pick(r, wanted), r.source)
            if "sys_firmware_mem" in stated(r):
                intake.firmware_total.setdefault(name, (stated(r)["sys_firmware_mem"], r.where("sys_firmware_mem")))
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
    _occupies(intake, r, "eth")
    tagged = tuple(sorted(have.get("addl_vlan_ids", ())))
    intake.ethernets.append(Ethernet(_ref(r), have["slot_num"], have["port_vlan_id"], tagged,
                                     str(have.get("vswitch", DEFAULT_VSWITCH)), bool(have.get("is_trunk")), r.source))


def _occupies(intake: Intake, r: Record, kind: str) -> None:
    if isinstance(slot := stated(r).get("slot_num"), int):
        intake.occupied.setdefault(_ref(r), {})[slot] = (kind, r.where("slot_num"))


def _vslot(intake: Intake, r: Record, reading: Reading) -> None:
    most = pick(r, {"curr_max_virtual_slots": "max_virtual_slots"})
    intake.partitions.append(Partition(_ref(r), None, most, r.source))


def _adapter(into: str) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        _occupies(intake, r, into)
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


def _profile(intake: Intake, r: Record, reading: Reading) -> None:
    """Adapters that only a profile lists; a list that is empty says that there is none."""
    ports = {"lhea": ("lhea_logical_ports",), "sriov_ports": ("sriov_eth_logical_ports", "sriov_roce_logical_ports"),
             "vnic_adapters": ("vnic_adapters",)}
    values: Values = pick(r, {"bsr_arrays": "bsr_arrays", "max_virtual_slots": "max_virtual_slots"})
    for ours, theirs in ports.items():
        lists = [r.fields[name] for name in theirs if name in r.fields]
        if lists:
            count = sum(0 if isinstance(one, NonValue) else len(one) for one in lists)
            values[ours] = (count > 0 if ours == "lhea" else count, r.where(theirs[0]))
    for name in ("hpt_ratio", "ppt_ratio"):
        if ratio := hpt_ratio_of(stated(r).get(name)):
            values[name] = (ratio, r.where(name))
    intake.profiles.append(Profile(_ref(r), str(stated(r).get("name", "")), values,
                                   profile_sizes(r, _DESIRED, "proc_mode", "sharing_mode")))


_DESIRED = {"desired_procs": "virtual_processors", "desired_proc_units": "entitlement_units",
            "max_procs": "max_virtual_processors", "desired_mem": "memory_mib", "max_mem": "max_memory_mib",
            "uncap_weight": "weight", "shared_proc_pool_id": "pool_id", "desired_num_huge_pages": "huge_pages"}


def _each(ours: str, theirs: str) -> TakeFacts:
    """One more of something that an LPAR has several of."""
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        if theirs in have and ("lpar_name" in have or "lpar_id" in have):
            intake.has(_ref(r), ours, str(have[theirs]), r.where(theirs))
    return take


def _mover_pair(intake: Intake, r: Record, reading: Reading) -> None:
    """The address of each mover that a console names in a pair (``lslparmigr -r mspconnection``)."""
    have = stated(r)
    for side, system in (("source", "managed_system"), ("dest", "target_system")):
        _mover(intake, r, PartRef(str(have.get(system, "")), _number(have.get(f"{side}_msp_id")),
                                  str(have.get(f"{side}_msp_name", ""))), have.get(f"{side}_msp_ipaddr"))


def _mover_pairs(intake: Intake, r: Record, reading: Reading) -> None:
    """The same of the pairs of ``lslparmigr -r msp``: ``address/interface/id/name/address``, of the source first."""
    have = stated(r)
    here, there = (str(have.get(name, "")) for name in ("managed_system", "target_system"))
    for pair in have.get("ipaddr_mappings", ()):
        parts = str(pair).split("/")
        if len(parts) >= 5:
            _mover(intake, r, PartRef(here, _number(have.get("source_msp_id")), str(have.get("source_msp_name", ""))),
                   parts[0])
            _mover(intake, r, PartRef(there, _number(parts[2]), parts[3]), parts[4])


def _mover(intake: Intake, r: Record, vios: PartRef, address: object) -> None:
    if isinstance(address, str) and address and (vios.name or vios.lpar_id is not None):
        intake.has(vios, "mover_address", address, r.source)


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and re.fullmatch("[0-9]{1,6}", value)) else (
        None)


def _physical_port(r: Record) -> str:
    """``adapter/port`` as the console numbers them; "" where a record does not say both."""
    have = stated(r)
    both = have.get("adapter_id"), have.get("phys_port_id")
    return "" if None in both else "/".join(map(str, both))


def _physport(intake: Intake, r: Record, reading: Reading) -> None:
    have, system, port = stated(r), _only_system(intake, r), _physical_port(r)
    if system and port:
        values = pick(r, {"phys_port_loc": "port"})
        for most, now in (("phys_port_max_logical_ports", "config_logical_ports"),
                          ("max_eth_logical_ports", "config_eth_logical_ports")):
            if isinstance(have.get(most), int) and isinstance(have.get(now), int):
                values.setdefault("free_ports", (max(0, have[most] - have[now]), r.where(now)))
                values.setdefault("configured", (have[now], r.where(now)))
        intake.merge(port, intake.sriov.setdefault((system, port), {"listed": (port, r.source)}), values)


def _sriov_adapter(intake: Intake, r: Record, reading: Reading) -> None:
    """How many logical ports all physical ports of an adapter may have together."""
    have, system = stated(r), _only_system(intake, r)
    if system and isinstance(have.get("adapter_max_logical_ports"), int):
        intake.sriov_adapters[system, str(have["adapter_id"])] = (
            have["adapter_max_logical_ports"], r.where("adapter_max_logical_ports"))


def _hundredths(text: object) -> int | None:
    """``2.0`` (%) → 200; None where no share is stated."""
    match = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2}))?", str(text))
    return None if match is None else int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _logport(intake: Intake, r: Record, reading: Reading) -> None:
    """A logical port: one more of its LPAR, and what it takes of its physical port."""
    _each("sriov_ports", "logical_port_id")(intake, r, reading)
    have, port = stated(r), _physical_port(r)
    if have.get("migratable"):
        _each("migratable_sriov_ports", "logical_port_id")(intake, r, reading)
    share = _hundredths(have.get("capacity", ""))
    if port and share is not None and have.get("managed_system"):
        of = intake.capacity.setdefault((str(have["managed_system"]), port), {})
        of.setdefault(str(have["logical_port_id"]), (share, r.where("capacity")))


def _vnic(intake: Intake, r: Record, reading: Reading) -> None:
    """A vNIC, with its backing devices: ``sriov/VIOS/id/adapter/port/logical port/capacity/…``."""
    _each("vnic_adapters", "slot_num")(intake, r, reading)
    _occupies(intake, r, "vnic")
    have = stated(r)
    for number, device in enumerate(have.get("backing_devices") or ("",) if "slot_num" in have else (), 1):
        parts = (*str(device).split("/"), *[""] * 7)
        vios = PartRef(str(have.get("managed_system", "")), _number(parts[2]), parts[1])
        port = f"{parts[3]}/{parts[4]}" if parts[3].isdecimal() and parts[4].isdecimal() else ""
        intake.vnics.append(VnicDevice(_ref(r), have["slot_num"], number, vios, port, whole_percent(parts[6]),
                                       r.where("backing_devices")))


def _vswitch(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "vswitch" in have and "switch_mode" in have and (system := _only_system(intake, r)):
        intake.switch_modes.setdefault((system, str(have["vswitch"])), (
            str(have["switch_mode"]).upper(), r.where("switch_mode")))


def _lslic(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    release = have.get("ecnumber") or have.get("curr_ecnumber_primary", "")
    level = firmware_of(str(release), *(str(have.get(name, "")) for name in ("activated_level", "activated_spname")))
    system = str(have.get("managed_system") or (values.mtms(str(have.get("mtms"))) or ("", "", ""))[2])
    if level and system:
        intake.of_known_systems.append((system, {"firmware": (level, r.source)}, r.source))
    else:
        intake.say(Severity.WARNING, "input.no-system", r.source.file,
                   "lslic: " + ("no line says which managed system this is" if level else "no activated level")
                   + "; left out", "keep the command line above its output", r.source)


FACTS: dict[str, TakeFacts] = {
    "hmc-lssyscfg-sys": _sys,
    "hmc-lssyscfg-lpar": _lpar,
    "hmc-lssyscfg-prof": _profile,
    "hmc-lshwres-proc-sys": _of_system({"configurable_sys_proc_units": "configurable_units",
                                        "min_proc_units_per_virtual_proc": "min_units_per_vp"}),
    "hmc-lshwres-mem-sys": _of_system({"configurable_sys_mem": "configurable_memory_mib",
                                       "mem_region_size": "lmb_mib",
                                       "curr_avail_num_sys_huge_pages": "free_huge_pages"}),
    "hmc-lslparmigr-sys": _of_system({"num_active_migrations_supported": "max_migrations",
                                      "num_inactive_migrations_supported": "max_inactive_migrations"}),
    "hmc-lslparmigr-lpar": _migration,
    "hmc-lslparmigr-msp": _mover_pairs,
    "hmc-lslparmigr-mspconnection": _mover_pair,
    "hmc-lshwres-mempool": _of_system({"curr_pool_mem": "shared_memory_pool_mib",
                                       "curr_avail_pool_mem": "free_pool_mib"}),
    "hmc-lshwres-proc-lpar": _proc_lpar,
    "hmc-lshwres-mem-lpar": _mem_lpar,
    "hmc-lshwres-procpool": _procpool,
    "hmc-lshwres-eth": _eth,
    "hmc-lshwres-scsi": _adapter("scsi"),
    "hmc-lshwres-fc": _adapter("fc"),
    "hmc-lshwres-slot": _slot,
    "hmc-lshwres-vslot": _vslot,
    "hmc-lshwres-vnic": _vnic,
    "hmc-lshwres-sriov-adapter": _sriov_adapter,
    "hmc-lshwres-sriov-physport": _physport,
    "hmc-lshwres-sriov-logport": _logport,
    "hmc-lslic-sys": _lslic,
    "hmc-lshwres-vswitch": _vswitch,
}


def take_samples(out: Extract, reading: Reading) -> None:
    series: dict[tuple[Kind, str, str], list[Record]] = {}
    path, known = f"{reading.folder}/{out.file}", out.context.servers
    by_path = server_of_serial(mtms_in(path)[1], known) or system_in(path, {name: name for name in known.values()})
    for record in reading.records:
        if record.kind.startswith("hmc-lslparutil-"):
            key = _sample_entity(out, record, by_path)
            if key and isinstance(record.fields.get("time"), datetime):
                series.setdefault(key, []).append(record)
    for key in sorted(series):
        _sample_series(out, key, series[key])


def _sample_entity(out: Extract, record: Record, by_path: str) -> tuple[Kind, str, str] | None:
    what, fields = record.kind.rpartition("-")[2], record.fields
    server = str(fields.get("managed_system") or by_path)
    if what == "lpar" and isinstance(fields.get("lpar_name"), str):
        return Kind.LPAR, fields["lpar_name"], server
    if what == "pool":
        return Kind.POOL, PHYSICAL_POOL, server
    if what == "procpool" and isinstance(fields.get("shared_proc_pool_name"), str):
        return Kind.POOL, fields["shared_proc_pool_name"], server
    if what == "sys" and server:
        return Kind.SERVER, server, server
    out.once(f"entity {what}", "input.missing-value", Severity.WARNING,
             f"a sample of lslparutil -r {what} that does not say whose it is: left out",
             "keep the command line with its -m above the output, or name the file or folder after the system; and "
             "list names", record.source)
    return None


def _sample_series(out: Extract, key: tuple[Kind, str, str], records: list[Record]) -> None:
    instants = out.instants([record.fields["time"] for record in records], key[1])
    if instants is None:
        return
    timed = sorted(zip(instants, records, strict=True), key=lambda pair: pair[0])
    if key[0] is Kind.SERVER:
        lengths = spans([at for at, _ in timed])
        for (at, record), span in zip(timed, lengths, strict=True):
            out.sample(_sample_server(record.fields, key[1], at, span), record.source)
        return
    for at, record in timed:
        count = _sample_count(record.fields, key, at)
        if count is None:
            out.once(f"cycles {key[0]}", "input.missing-value", Severity.WARNING,
                     "a sample without the cycles used and the cycles of time: left out", "list all attributes",
                     record.source)
        else:
            out.counts.append(count)


def _sample_server(fields: dict[str, Any], name: str, at: int, span: int) -> Sample:
    units, free = whole(fields.get("configurable_sys_proc_units")), whole(fields.get("curr_avail_sys_proc_units"))
    memory, spare = whole(fields.get("configurable_sys_mem")), whole(fields.get("curr_avail_sys_mem"))
    return Sample(Kind.SERVER, name, name, at, span, physc=None, entitlement=less(units, free),
                  memory_used_mib=less(memory, spare), memory_total_mib=memory)


def _sample_count(fields: dict[str, Any], key: tuple[Kind, str, str], at: int) -> Count | None:
    """Cores used are Δ(capped + uncapped cycles) / Δ time cycles; of a pool, Δ utilized / Δ time cycles."""
    names = ("capped_cycles", "uncapped_cycles") if key[0] is Kind.LPAR else ("utilized_pool_cycles",)
    parts = [whole(fields.get(name)) for name in names]
    dedicated = fields.get("curr_proc_mode") == "ded"
    if dedicated and len(parts) == 2 and parts[1] is None:
        parts[1] = 0
    passed, used = whole(fields.get("time_cycles")), sum(part or 0 for part in parts)
    if passed is None or None in parts or used > values.MOST_COUNT:
        return None
    processors = whole(fields.get("curr_procs"))
    entitled = processors * 100 if dedicated and processors is not None else whole(fields.get("curr_proc_units"))
    if key[0] is Kind.POOL:
        entitled = less(whole(fields.get("configurable_pool_proc_units")),
                         whole(fields.get("curr_avail_pool_proc_units")))
    return Count(*key, at, passed, used, entitled, whole(fields.get("phys_run_mem")), whole(fields.get("curr_mem")))


def known_fields() -> Iterator[tuple[str, str]]:
    """(record kind, attribute) of all that is typed here."""
    return ((kind, name) for kind, listing in LISTINGS.items() for name in sorted(listing.names))


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "what the next activation would have: a plan moves what runs, and pend stands in only where nothing runs": (
        ("hmc-lshwres-*", "pend_*"),
        ("hmc-lssyscfg-sys", "pend_* config_version *mfg_default_config"),
    ),
    "what runs at this moment (run_…): the same as curr_… but for changes that DLPAR has yet to finish": (
        ("hmc-lshwres-*", "run_*"),
    ),
    "a limit of the LPAR's profile: a move neither checks it nor changes it": (
        ("hmc-lshwres-*-lpar", "curr_min_* curr_max_proc_units curr_max_num_huge_pages"),
    ),
    "what an activation from the profile would give: what the LPAR has now is listed by lshwres": (
        ("hmc-lssyscfg-prof", "affinity_group_id all_resources auto_start boot_mode conn_monitoring max_num_*"
         " max_proc_units min_* electronic_err_reporting hsl_pool_id io_slots"
         " lhea_capabilities lpar_env lpar_io_pool_ids mem_expansion lpar_proc_compat_mode mem_mode"
         " power_ctrl_lpar_* redundant_err_path_reporting shared_proc_pool_name virtual_* vtpm_adapters"
         " work_group_id"),
    ),
    "adapters that only clusters of InfiniBand or its successors have, none of which is moved": (
        ("hmc-lssyscfg-prof", "hca_adapters sni_device_ids"),
    ),
    "of IBM i on one machine: a licence or a load source, not a condition of a move": (
        ("*", "*5250* os400_* assign_5250* load_source_attached alt_restart_device_attached iop"
         " iop_info_stale ipl_source console_capable"),
    ),
    "what is free now: a plan computes it from what each partition holds": (
        ("hmc-lshwres-*", "curr_avail_*"),
        ("hmc-lshwres-mem-sys", "requested_num_* configurable_num_*"),
    ),
    "installed, but not licensed or not in order: only what is configurable can be used": (
        ("hmc-lshwres-*-sys", "installed_* deconfig_*"),
    ),
    "what the model of server can do at most: no move of an LPAR that runs comes near it": (
        ("hmc-lshwres-*-sys", "max_* total_sys_* bsr_array_size huge_page_size default_hpt_ratios possible_*"
         " *mirroring_mode"),
        ("hmc-lssyscfg-sys", "max_* *_configured_max_lpars"),
    ),
    "power, service processor, addresses and clock of the server: not of a move": (
        ("hmc-lssyscfg-sys", "*power* sp_* *keylock ipaddr* sys_time service_lpar_* detailed_state cod_*"
         " virtual_* micro_lpar_capable huge_page_mem_capable"
         " active_lpar_share_idle_procs_capable active_mem_sharing_capable"),
    ),
    "of what is migrated inactive: how many at a time is taken, and which profile goes is set on the console": (
        ("*", "inactive_lpar_mobility_capable inactive_prof_policy num_inactive_migrations_in_progress"
         " num_inactive_migrations_possible"),
    ),
    "what was under way when it was exported; the plan is of another evening": (
        ("hmc-lslparmigr-sys", "num_active_migrations_in_progress num_active_migrations_possible"),
        ("hmc-lslparmigr-lpar", "source_* dest_* remote_* bytes_*"),
    ),
    "taken of a migration of what is not activated: any other is of one that runs": (
        ("hmc-lslparmigr-lpar", "migration_type"),
    ),
    "said by lssyscfg -r sys as well": (
        ("hmc-lslparmigr-sys", "active_lpar_mobility_capable"),
    ),
    "the console's own opinion of one move: the rules answer for all, and migrlpar -o v has the last word": (
        ("hmc-lslparmigr-msp", "*"),
        ("hmc-lslparmigr-virtualio", "*"),
        ("hmc-lslparmigr-procpool", "*"),
        ("hmc-lslparmigr-sriov", "*"),
        ("hmc-lslparmigr-mspconnection", "*"),
    ),
    "which consoles a console may move LPARs to: the policy console-link states it": (
        ("hmc-lslparmigr-manager", "*"),
    ),
    "that WWPNs log in to a fabric does not say to which storage they are zoned: sheet NPIV states it": (
        ("hmc-lsnportlogin", "*"),
    ),
    "no manual at hand names its attributes: sheet Servers states which servers share a trusted system key": (
        ("hmc-lstskey", "*"),
    ),
    "a message: its text is told as a finding": (
        ("hmc-message", "*"),
    ),
    "names and states of an adapter: it follows its LPAR as it is": (
        ("hmc-lshwres-*", "drc_name is_required state mac_addr allowed_os_mac_addr* ieee_virtual_eth"
         " qos_priority trunk_priority"),
    ),
    "what the slot's adapter is; that an LPAR has it is enough": (
        ("hmc-lshwres-slot", "*"),
    ),
    "members of a pool: each LPAR names its pool": (
        ("hmc-lshwres-*pool", "lpar_*"),
        ("hmc-lshwres-proc-lpar", "*_pool_name"),
    ),
    "paging of a shared memory pool: its devices are not listed here, only who serves them": (
        ("hmc-lshwres-mempool", "*"),
    ),
    "weights between partitions that share memory; entitlement to I/O memory is taken as it is now": (
        ("*", "*mem_weight pend_io_entitled_mem run_io_entitled_mem mapped_io_entitled_mem"),
        ("hmc-lslparutil-lpar", "curr_io_entitled_mem"),
    ),
    "the physical shared pool is what the processor pools and dedicated partitions leave": (
        ("hmc-lshwres-proc-pool", "*"),
    ),
    "virtual terminals: every partition has them everywhere": (
        ("hmc-lshwres-serial", "*"),
    ),
    "the lowest slot that is free: the slots that are not are counted from the adapters": (
        ("hmc-lshwres-vslot", "next_avail_virtual_slot"),
    ),
    "of SR-IOV adapters and backing devices, what no plan counts": (
        ("hmc-lshwres-vnicbkdev", "*"),
        ("hmc-lshwres-sriov-*", "*"),
        ("hmc-lshwres-vnic", "*"),
    ),
    "of the list of capabilities, what no rule asks for": (
        ("hmc-lssyscfg-sys", "capabilities"),
    ),
    "levels that are installed but do not run": (
        ("hmc-lslic-sys", "*"),
    ),
    "how near an LPAR's memory is to its processors: a move decides it anew": (
        ("hmc-lsmemopt-*", "*"),
    ),
    "switches and networks by themselves: adapters name theirs": (
        ("hmc-lshwres-vswitch", "allowed_vlan_ids vnetworks"),
        ("hmc-lshwres-vnetwork", "*"),
    ),
    "restart, console and management of the LPAR: the same after a move": (
        ("hmc-lssyscfg-lpar", "affinity_group_id allow_perf_collection auto_start boot_mode dlpar_*"
         " lpar_avail_priority lpar_keylock power_ctrl_* remote_restart_* resource_config"
         " rmc_ipaddr rmc_osshutdown_capable shared_proc_pool_util_auth suspend_capable"
         " sync_curr_profile time_ref"),
    ),
    "of a sample, what lshwres states for now or what no figure of usage is made of": (
        ("hmc-lslparutil-*", "*"),
    ),
}
