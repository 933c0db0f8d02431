"""Writes an estate out in each family of exports, and says what each family can state of it.

``write(estate, family, directory)`` writes the files; ``carries(estate, family)`` is the estate without the facts
that the family cannot state (each loss is named there). Families:

- ``workbook``, ``json``: the planner's own, which state everything;
- ``hmc-files``: one file of the HMC with the bare command lines above their output, and for each VIOS a directory of
  that name with a file for each command; ``hmc-sessions``: one file for each host, as a terminal shows it;
  ``hmc-collected``: one file for each kind of host, as the scripts of ``planner collect`` write them;
  ``hmc-scripts``: sessions as sites' own scripts make them, with columns asked for in any separator, ports of SR-IOV
  and vNIC adapters, ``lsmap -fmt`` and ``lsnports``;
- ``lparstat``: ``lparstat -i`` of each AIX and Linux partition that runs, and a workbook with the rest;
- ``scanner``: an HMC Scanner workbook; ``rest``: XML of the HMC's REST API;
- ``table``: a CSV for each kind of thing, and the mapping file ``mapping.toml``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter import Workbook

from planner.estate import saved
from planner.estate.assemble import Loaded
from planner.estate.capacity import hash_page_table_mib
from planner.estate.join import UNKNOWN_FABRIC
from planner.estate.model import DEFAULT_VSWITCH, TABLES, Estate, EstateColumn, Lpar, Server, Type, Vios, Vnic
from planner.estate.workbook import workbook_bytes
from planner.report.collect import MARKER
from planner.units import gib, show_cores

CONSOLE = "hmc1"
Partition = Lpar | Vios
Pairs = Sequence[tuple[str, Any]]
_TAGS_OF_A_TRUNK = 20


# ---- what is joined to what ------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Trunk:
    """A trunk adapter of a SEA: the first VLAN is its port VLAN."""

    vios: str
    sea: str
    name: str
    slot: int
    vswitch: str
    vlans: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Serving:
    """A server adapter of a VIOS and the client adapter that it is joined to."""

    vios: str
    name: str
    slot: int
    lpar: Lpar
    client_slot: int


class Wiring:
    """Slots and device names on the VIOSes, which an estate leaves to them."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.servers = {s.name: s for s in estate.servers}
        self.vioses = {v.name: v for v in estate.vioses}
        self.lpars = {p.name: p for p in estate.lpars}
        self.trunks = tuple(t for v in estate.vioses for t in self._trunks(v.name))
        self.vhosts = self._serving("vhost", 100, {(d.vios, d.lpar, d.slot) for d in estate.disks})
        self.vfchosts = self._serving("vfchost", 500, {(f.vios, f.lpar, f.slot) for f in estate.fibres})

    def _trunks(self, vios: str) -> Iterator[Trunk]:
        number = 0
        of = [b for b in self.estate.bridges if b.vios == vios]
        for sea, vswitch in sorted({(b.sea, b.vswitch) for b in of}):
            vlans = sorted(b.vlan for b in of if (b.sea, b.vswitch) == (sea, vswitch))
            for at in range(0, len(vlans), _TAGS_OF_A_TRUNK + 1):
                yield Trunk(vios, sea, f"ent{20 + number}", 2 + number, vswitch,
                            tuple(vlans[at:at + _TAGS_OF_A_TRUNK + 1]))
                number += 1

    def _serving(self, word: str, slot: int, wanted: set[tuple[str, str, int]]) -> tuple[Serving, ...]:
        out, counts = [], dict.fromkeys(self.vioses, 0)
        for vios, lpar, client_slot in sorted(wanted):
            number = counts[vios]
            counts[vios] += 1
            out.append(Serving(vios, f"{word}{number}", slot + number, self.lpars[lpar], client_slot))
        return tuple(out)

    def server_of(self, partition: str) -> Server:
        owner = self.vioses.get(partition) or self.lpars[partition]
        return self.servers[owner.server]

    def physloc(self, partition: str, slot: int) -> str:
        """The location code of a virtual adapter: ``U9117.MMA.65D5A1C-V2-C11``."""
        server = self.server_of(partition)
        owner: Partition = self.vioses.get(partition) or self.lpars[partition]
        return f"U{server.model.replace('-', '.')}.{server.serial}-V{owner.lpar_id}-C{slot}"

    def partitions(self, server: str) -> list[Partition]:
        """VIOSes, then LPARs."""
        return [p for p in (*self.estate.vioses, *self.estate.lpars) if p.server == server]

    def firmware_total(self, server: Server) -> int:
        """What a console shows as the firmware's memory: hash page tables of active partitions included."""
        tables = [hash_page_table_mib(p.max_memory_mib or p.memory_mib, getattr(p, "hpt_ratio", 64))
                  for p in self.partitions(server.name) if isinstance(p, Vios) or p.active]
        return (server.firmware_memory_mib or 0) + sum(tables)

    def hdisk(self, vios: str, lun: str) -> str:
        return next(z.hdisk for z in self.estate.zonings if (z.vios, z.lun) == (vios, lun))

    def port(self, vios: str, number: int) -> str:
        ports = [p.port for p in self.estate.ports if p.vios == vios]
        return ports[number % len(ports)] if ports else ""


def os_version(p: Partition) -> str:
    """The version as an HMC shows it; of what does not run it says nothing."""
    if isinstance(p, Vios):
        return f"VIOS {p.level}"
    if not p.active or not p.os:
        return "Unknown"
    return {"AIX": f"AIX {p.os_level[:1]}.{p.os_level[1:2]} {p.os_level}",
            "Linux": f"Linux/SuSE {p.os_level}"}.get(p.os, f"{p.os} {p.os_level}")


def _environment(p: Partition) -> str:
    return "vioserver" if isinstance(p, Vios) else "os400" if p.os == "IBM i" else "aixlinux"


def _dedicated(p: Partition) -> bool:
    return p.sharing == "dedicated" if isinstance(p, Vios) else p.processors == "dedicated"


def _maximum(p: Partition) -> int:
    """Virtual processors at most; an estate knows them of LPARs only."""
    most = p.max_virtual_processors if isinstance(p, Lpar) else None
    return most or p.virtual_processors or 0


# ---- HMC -------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Output:
    """What one command printed on one host. ``kind`` is that of ``planner collect``."""

    host: str
    kind: str
    command: str
    text: str


def attributes(pairs: Pairs) -> str:
    """A record of ``attribute=value`` as the HMC writes it."""
    return _list(f"{name}={value}" for name, value in pairs) + "\n"


def _list(cells: Iterable[str]) -> str:
    """Values as the HMC lists them: one that holds a comma or a quote stands in quotes, with those inside doubled."""
    return ",".join('"' + c.replace('"', '""') + '"' if "," in c or '"' in c else c for c in cells)


def _cores(units: int) -> str:
    return str(units / 100)


def hmc_outputs(w: Wiring) -> Iterator[Output]:
    """What the HMC says of all its systems, in the order in which ``planner collect hmc`` asks."""
    yield Output(CONSOLE, "hmc", "lssyscfg -r sys", "".join(map(_hmc_system, w.estate.servers)))
    for s in w.estate.servers:
        of = f"-m '{s.name}'"
        for command, text in (
            (f"lssyscfg -r lpar {of}", "".join(map(_hmc_lpar, w.partitions(s.name)))),
            (f"lssyscfg -r lpar {of} -F name,lpar_id,lpar_env,msp --header", _hmc_movers(w.partitions(s.name))),
            (f"lssyscfg -r prof {of}", "".join(map(_hmc_profile, w.partitions(s.name)))),
            (f"lshwres -r proc {of} --level sys", _hmc_proc_system(s)),
            (f"lshwres -r proc {of} --level pool", attributes((
                ("configurable_pool_proc_units", _cores(s.configurable_units)), ("curr_avail_pool_proc_units", "0.0"),
                ("pend_avail_pool_proc_units", "0.0")))),
            (f"lshwres -r proc {of} --level lpar", "".join(map(_hmc_proc, w.partitions(s.name)))),
            (f"lshwres -r procpool {of}", _hmc_pools(w, s)),
            (f"lshwres -r mem {of} --level sys", _hmc_mem_system(w, s)),
            (f"lshwres -r mem {of} --level lpar", "".join(map(_hmc_mem, w.partitions(s.name)))),
            (f"lshwres -r virtualio --rsubtype eth {of} --level lpar", "".join(_hmc_eth(w, s))),
            (f"lshwres -r virtualio --rsubtype scsi {of} --level lpar", "".join(_hmc_scsi(w, s))),
            (f"lshwres -r virtualio --rsubtype fc {of} --level lpar", "".join(_hmc_fc(w, s))),
            (f"lshwres -r virtualio --rsubtype slot {of} --level lpar", "".join(map(_hmc_virtual_slots, w.partitions(s.name)))),
            (f"lshwres -r io --rsubtype slot {of}", "".join(_hmc_slots(w, s))),
            (f"lslparmigr -r sys {of}", attributes((
                ("inactive_lpar_mobility_capable", 1), ("num_inactive_migrations_supported", s.max_inactive_migrations),
                ("active_lpar_mobility_capable", int(bool(s.enterprise))),
                ("num_active_migrations_supported", s.max_migrations), ("inactive_prof_policy", "config")))),
            (f"lslparmigr -r lpar {of}", ""),
        ):
            yield Output(CONSOLE, "hmc", command, text or "No results were found.\n")


def _hmc_system(s: Server) -> str:
    return attributes((
        ("name", s.name), ("type_model", s.model), ("serial_num", s.serial), ("ipaddr", "10.1.0.1"),
        ("state", "Operating"), ("detailed_state", "None"), ("sys_time", "03/14/2026 21:59:07"),
        ("active_lpar_mobility_capable", int(bool(s.enterprise))), ("max_lpars", 160),
        ("capabilities", "active_lpar_mobility_capable,inactive_lpar_mobility_capable,virtual_fc_capable")))


def _hmc_mode(mode: str) -> str:
    return mode.replace("+", "_plus").replace(" ", "_")


def _hmc_lpar(p: Partition) -> str:
    pairs: list[tuple[str, Any]] = [
        ("name", p.name), ("lpar_id", p.lpar_id), ("lpar_env", _environment(p)),
        ("state", "Running" if isinstance(p, Vios) or p.active else "Not Activated"), ("os_version", os_version(p)),
        ("default_profile", "normal"), ("curr_profile", "")]
    pairs.append(("rmc_state", {True: "active", False: "inactive", None: "none"}[p.rmc_active]))
    if isinstance(p, Lpar):
        pairs += [("work_group_id", p.workload_group or "none"),
                  ("redundant_err_path_reporting", int(bool(p.error_path_reporting))),
                  ("migration_disabled", int(bool(p.migration_disabled))), ("vtpm_enabled", int(bool(p.vtpm))),
                  ("desired_lpar_proc_compat_mode", _hmc_mode(p.preferred_mode))]
        pairs += [] if p.never_activated is None else [
            ("last_activated_profile", "" if p.never_activated else "normal")]
        pairs += [("curr_lpar_proc_compat_mode", _hmc_mode(p.current_mode))] if p.current_mode else []
    return attributes((*pairs, ("power_ctrl_lpar_ids", "none")))


def _hmc_movers(partitions: Iterable[Partition]) -> str:
    rows = (_list((p.name, str(p.lpar_id), _environment(p), str(int(bool(p.msp))) if isinstance(p, Vios) else "null"))
            for p in partitions)
    return "\n".join(("name,lpar_id,lpar_env,msp", *rows)) + "\n"


def _hmc_profile(p: Partition) -> str:
    """What it would start with; the estate is what it has now."""
    return attributes((
        ("name", "normal"), ("lpar_name", p.name), ("lpar_id", p.lpar_id), ("lpar_env", _environment(p)),
        ("all_resources", 0), ("min_mem", 256), ("desired_mem", p.memory_mib),
        ("max_mem", p.max_memory_mib or p.memory_mib), ("proc_mode", "ded" if _dedicated(p) else "shared"),
        ("min_procs", 1), ("desired_procs", p.virtual_processors), ("max_procs", _maximum(p)), ("io_slots", "none"),
        ("max_virtual_slots", 1000), ("conn_monitoring", 0), ("auto_start", 0), *_hmc_ports(p)))


def _hmc_ports(p: Partition) -> tuple[tuple[str, str], ...]:
    """Adapters that the HMC lists with profiles; each of SR-IOV ports and vNIC adapters counts, whatever it says."""
    if isinstance(p, Vios):
        return ()
    return (("lhea_logical_ports", "23000000/1/1/none/0" if p.lhea else "none"),
            ("sriov_eth_logical_ports", _list(f"{n}/1" for n in range(p.sriov_ports or 0)) or "none"),
            ("vnic_adapters", _list(f"slot_num={n}" for n in range(p.vnic_adapters or 0)) or "none"))


def _hmc_proc_system(s: Server) -> str:
    return attributes((
        ("configurable_sys_proc_units", _cores(s.configurable_units)), ("curr_avail_sys_proc_units", "0.0"),
        ("installed_sys_proc_units", _cores(s.configurable_units + 400)), ("deconfig_sys_proc_units", 0),
        ("min_proc_units_per_virtual_proc", _cores(s.min_units_per_vp or 0)), ("max_shared_proc_pools", 64)))


def _hmc_proc(p: Partition) -> str:
    """A partition that never ran has zeros now (``curr``) and its figures for the next activation (``pend``)."""
    never_ran = isinstance(p, Lpar) and not p.active and (p.lpar_id or 0) % 2 == 1
    pairs: list[tuple[str, Any]] = [("lpar_name", p.name), ("lpar_id", p.lpar_id)]
    for when in ("curr", "pend"):
        blank = never_ran and when == "curr"
        pairs.append((f"{when}_proc_mode", "ded" if _dedicated(p) else "shared"))
        if _dedicated(p):
            mode = {"donating": "share_idle_procs_always"}.get(p.sharing, "keep_idle_procs")
            pairs.append((f"{when}_sharing_mode", mode))
        else:
            weight = p.weight if isinstance(p, Lpar) else 128
            pool = p.pool_id if isinstance(p, Lpar) else 0
            pairs += [(f"{when}_shared_proc_pool_id", pool), (f"{when}_min_proc_units", "0.1"),
                      (f"{when}_proc_units", "0.0" if blank else _cores(p.entitlement_units)),
                      (f"{when}_max_proc_units", _cores(100 * _maximum(p))),
                      (f"{when}_sharing_mode", "cap" if p.sharing == "capped" else "uncap"),
                      (f"{when}_uncap_weight", weight)]
        pairs += [(f"{when}_min_procs", 1), (f"{when}_procs", 0 if blank else p.virtual_processors),
                  (f"{when}_max_procs", 0 if blank else _maximum(p))]
    return attributes(pairs)


def _hmc_pools(w: Wiring, s: Server) -> str:
    out = []
    for pool in w.estate.pools:
        if pool.server != s.name:
            continue
        members = [p for p in w.estate.lpars if (p.server, p.pool_id) == (s.name, pool.pool_id)]
        pairs: list[tuple[str, Any]] = [("name", pool.name), ("shared_proc_pool_id", pool.pool_id)]
        if pool.max_units is not None:
            pairs += [("max_pool_proc_units", _cores(pool.max_units)),
                      ("curr_reserved_pool_proc_units", _cores(pool.reserved_units)),
                      ("pend_reserved_pool_proc_units", _cores(pool.reserved_units))]
        pairs += [("lpar_names", _list(p.name for p in members)),
                  ("lpar_ids", ",".join(str(p.lpar_id) for p in members))] if members else []
        out.append(attributes(pairs))
    return "".join(out)


def _hmc_mem_system(w: Wiring, s: Server) -> str:
    return attributes((
        ("configurable_sys_mem", s.configurable_memory_mib), ("curr_avail_sys_mem", 0),
        ("installed_sys_mem", s.configurable_memory_mib), ("deconfig_sys_mem", 0),
        ("sys_firmware_mem", w.firmware_total(s)), ("mem_region_size", s.lmb_mib), ("huge_page_size", 16384),
        ("possible_hpt_ratios", "1:32,1:64,1:128")))


def _hmc_mem(p: Partition) -> str:
    never_ran = isinstance(p, Lpar) and not p.active and (p.lpar_id or 0) % 2 == 1
    pairs: list[tuple[str, Any]] = [("lpar_name", p.name), ("lpar_id", p.lpar_id)]
    for when in ("curr", "pend"):
        blank = never_ran and when == "curr"
        pairs += [(f"{when}_min_mem", 256), (f"{when}_mem", 0 if blank else p.memory_mib),
                  (f"{when}_max_mem", 0 if blank else p.max_memory_mib or p.memory_mib)]
        pairs += [(f"{when}_num_huge_pages", p.huge_pages)] if isinstance(p, Lpar) else []
    expansion, arrays = (p.memory_expansion_percent, p.bsr_arrays) if isinstance(p, Lpar) else (0, 0)
    pairs += [("mem_mode", "ded"), ("curr_mem_expansion", (expansion or 0) / 100), ("curr_bsr_arrays", arrays or 0)]
    return attributes((*pairs, ("curr_hpt_ratio", f"1:{getattr(p, 'hpt_ratio', 64)}")))


def _hmc_eth(w: Wiring, s: Server) -> Iterator[str]:
    for t in w.trunks:
        if w.vioses[t.vios].server == s.name:
            yield _hmc_adapter(w.vioses[t.vios], t.slot, t.vlans[0], t.vlans[1:], t.vswitch, trunk=True)
    for n in w.estate.networks:
        if w.lpars[n.lpar].server == s.name:
            yield _hmc_adapter(w.lpars[n.lpar], n.slot, n.vlan, n.tagged, n.vswitch, trunk=False)


def _hmc_adapter(p: Partition, slot: int, vlan: int, tagged: tuple[int, ...], vswitch: str, trunk: bool) -> str:
    return attributes((
        ("lpar_name", p.name), ("lpar_id", p.lpar_id), ("slot_num", slot), ("state", 1), ("is_required", 1),
        ("is_trunk", int(trunk)), *([("trunk_priority", 1)] if trunk else []), ("ieee_virtual_eth", int(bool(tagged))),
        ("port_vlan_id", vlan), ("vswitch", vswitch), ("addl_vlan_ids", ",".join(map(str, tagged)) or "none"),
        ("mac_addr", f"FACC{p.lpar_id:04X}{slot:04X}")))


def _hmc_scsi(w: Wiring, s: Server) -> Iterator[str]:
    for v in w.vhosts:
        if v.lpar.server == s.name:
            server, client = _hmc_ends(w, v)
            yield attributes((*server, *_hmc_remote(v.lpar, v.client_slot)))
            yield attributes((*client, *_hmc_remote(w.vioses[v.vios], v.slot)))


def _hmc_fc(w: Wiring, s: Server) -> Iterator[str]:
    pairs = {(f.lpar, f.slot): f"{f.wwpn1},{f.wwpn2}" for f in w.estate.fibres}
    for v in w.vfchosts:
        if v.lpar.server == s.name:
            server, client = _hmc_ends(w, v)
            yield attributes((*server, *_hmc_remote(v.lpar, v.client_slot)))
            yield attributes((*client, *_hmc_remote(w.vioses[v.vios], v.slot),
                              ("wwpns", pairs[v.lpar.name, v.client_slot])))


def _hmc_ends(w: Wiring, v: Serving) -> tuple[Pairs, Pairs]:
    def end(p: Partition, slot: int, adapter: str) -> Pairs:
        return (("lpar_name", p.name), ("lpar_id", p.lpar_id), ("slot_num", slot), ("state", 1), ("is_required", 0),
                ("adapter_type", adapter))

    return end(w.vioses[v.vios], v.slot, "server"), end(v.lpar, v.client_slot, "client")


def _hmc_remote(p: Partition, slot: int) -> Pairs:
    return ("remote_lpar_id", p.lpar_id), ("remote_lpar_name", p.name), ("remote_slot_num", slot)


def _hmc_virtual_slots(p: Partition) -> str:
    most = p.max_virtual_slots if isinstance(p, Vios) else 64
    return attributes((("lpar_name", p.name), ("lpar_id", p.lpar_id), ("curr_max_virtual_slots", most),
                       ("pend_max_virtual_slots", most), ("next_avail_virtual_slot", 9)))


def _hmc_slots(w: Wiring, s: Server) -> Iterator[str]:
    yield attributes((("unit_phys_loc", "U5877.001.00Z9Z9Z"), ("bus_id", 513), ("phys_loc", "C9"),
                      ("drc_index", "21010209"), ("lpar_id", "none"), ("slot_io_pool_id", "none"),
                      ("description", "Empty slot"), ("drc_name", "U5877.001.00Z9Z9Z-P1-C9")))
    for p in w.estate.lpars:
        for adapter in p.physical_adapters if p.server == s.name else ():
            yield attributes((
                ("unit_phys_loc", adapter.split("-")[0]), ("bus_id", 513), ("phys_loc", adapter.split("-")[-1]),
                ("drc_index", "21010203"), ("lpar_name", p.name), ("lpar_id", p.lpar_id), ("slot_io_pool_id", "none"),
                ("description", "8 Gigabit PCI Express Dual Port Fibre Channel Adapter"), ("drc_name", adapter)))


# ---- VIOS ------------------------------------------------------------------------------------------------------------

def vios_outputs(w: Wiring, vios: str) -> Iterator[Output]:
    """What one VIOS says, in the order in which ``planner collect vios`` asks."""
    zonings = [z for z in w.estate.zonings if z.vios == vios]
    disks = sorted(zonings, key=lambda z: int(z.hdisk.removeprefix("hdisk")))
    commands: list[tuple[str, str]] = [
        ("ioslevel", f"{w.vioses[vios].level}\n"),
        ("lsmap -all", "".join(_lsmap(w, v) for v in w.vhosts if v.vios == vios)),
        ("lsmap -all -net", "".join(_lsmap_net(w, t) for t in w.trunks if t.vios == vios)),
        ("lsmap -all -npiv", "".join(_lsmap_npiv(w, n, v) for n, v in enumerate(
            [v for v in w.vfchosts if v.vios == vios]))),
        ("lspv", _table(("NAME", "PVID", "VG", "STATUS"), (17, 33, 17), [
            (z.hdisk, z.lun, "rootvg", "active") if z is disks[-1] else (z.hdisk, z.lun, "None", "") for z in disks])),
        ("lspv -size", _table(("NAME", "PVID", "SIZE(megabytes)"), (16, 36), [
            (z.hdisk, z.lun, "51200") for z in disks])),
        ("lsdev -type adapter", _table(("name", "status", "description"), (17, 12), [
            ("ent0", "Available", "4-Port Gigabit Ethernet PCI-Express Adapter (e414571614102004)"),
            *((t.name, "Available", "Virtual I/O Ethernet Adapter (l-lan)") for t in w.trunks if t.vios == vios),
            *((v.name, "Available", "Virtual SCSI Server Adapter") for v in w.vhosts if v.vios == vios)])),
        *((f"lsdev -dev {z.hdisk} -attr", _disk_attributes(z.lun, z.reserve_policy)) for z in disks),
        *((f"entstat -all {sea}", _entstat(sea, [t for t in w.trunks if (t.vios, t.sea) == (vios, sea)]))
          for sea in sorted({t.sea for t in w.trunks if t.vios == vios}))]
    for command, text in commands:
        if text:
            yield Output(vios, "vios", command, text)


def _table(header: tuple[str, ...], widths: tuple[int, ...], rows: Iterable[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...]) -> str:
        return "".join(f"{c:<{w}}" for c, w in zip(cells, (*widths, 0), strict=False)).rstrip() + "\n"

    return "".join(map(line, (header, *rows)))


def _lsmap(w: Wiring, v: Serving) -> str:
    lines = ["SVSA            Physloc                                      Client Partition ID",
             "--------------- -------------------------------------------- ------------------",
             f"{v.name:<15} {w.physloc(v.vios, v.slot):<44} 0x{v.lpar.lpar_id:08x}", ""]
    disks = [d for d in w.estate.disks if (d.vios, d.lpar, d.slot) == (v.vios, v.lpar.name, v.client_slot)]
    for number, d in enumerate(disks, 1):
        lun = d.backing == "lun"
        device = w.hdisk(d.vios, d.lun) if lun else d.lun
        place = f"U78A0.001.DAAAAA1-P1-C5-T1-W50000000000000A1-L{number:x}000000000000" if lun else ""
        lines += [f"{key:<21} {value}".rstrip() for key, value in (
            ("VTD", d.vtd), ("Status", "Available"), ("LUN", f"0x8{number}00000000000000"), ("Backing device", device),
            ("Physloc", place), ("Mirrored", "false" if lun else "N/A"))] + [""]
    return "\n".join(lines) + "\n"


def _lsmap_net(w: Wiring, t: Trunk) -> str:
    return (f"SVEA   Physloc\n------ --------------------------------------------\n"
            f"{t.name:<6} {w.physloc(t.vios, t.slot)}-T1\n\n"
            f"SEA                 {t.sea}\nBacking device      ent0\nStatus              Available\n"
            f"Physloc             U78A0.001.DAAAAA1-P1-C2-T1\n\n")


def _lsmap_npiv(w: Wiring, number: int, v: Serving) -> str:
    running = v.lpar.active
    name, system = (v.lpar.name, v.lpar.os) if running else ("", "")
    row = f"{v.name:<13} {w.physloc(v.vios, v.slot):<34} {v.lpar.lpar_id:>6} {name:<14} {system}".rstrip()
    drc = w.physloc(v.lpar.name, v.client_slot) if running else ""
    return (f"Name          Physloc                            ClntID ClntName       ClntOS\n"
            f"------------- ---------------------------------- ------ -------------- -------\n{row}\n\n"
            f"Status:{'LOGGED_IN' if running else 'NOT_LOGGED_IN'}\n"
            f"FC name:{w.port(v.vios, number):<24}FC loc code:U78A0.001.DAAAAA1-P1-C5-T1\n"
            f"Ports logged in:{5 if running else 0}\n"
            f"Flags:{'a<LOGGED_IN,STRIP_MERGE>' if running else '4<NOT_LOGGED>'}\n"
            f"VFC client name:{'fcs0' if running else '':<16}VFC client DRC:{drc}\n\n")


def _disk_attributes(pvid: str, policy: str) -> str:
    rows = (("PCM", "PCM/friend/fcpother", "Path Control Module", "False"),
            ("algorithm", "fail_over", "Algorithm", "True+"), ("location", "", "Location Label", "True+"),
            ("pvid", f"{pvid}{'0' * 16}", "Physical volume identifier", "False"),
            ("queue_depth", "20", "Queue DEPTH", "True+"), ("reserve_policy", policy, "Reserve Policy", "True+"),
            ("unique_id", f"240C50 {pvid} 04107210790003IBMfcp", "Unique device identifier", "False"))
    head, *body = _table(("attribute", "value", "description", "user_settable"), (16, 49, 41), rows).splitlines()
    return "\n".join((head, "", *body)) + "\n"


def _entstat(sea: str, trunks: Sequence[Trunk]) -> str:
    line = "-" * 62
    tags = "".join(f"    {t.name}: {' '.join(map(str, t.vlans[1:]))}\n" for t in trunks if len(t.vlans) > 1)
    return (f"{line}\nETHERNET STATISTICS ({sea}) :\nDevice Type: Shared Ethernet Adapter\n"
            f"Hardware Address: 00:aa:bb:00:00:01\n\nGeneral Statistics:\n-------------------\nNo mbuf Errors: 0\n"
            f"Driver Flags: Up Broadcast Running\n\tSimplex 64BitSupport\n\n{line}\n"
            f"Statistics for adapters in the Shared Ethernet Adapter {sea}\n{line}\n"
            f"Number of adapters: {1 + len(trunks)}\nSEA Flags: 00000009\n    < THREAD >\n    < LARGESEND >\n"
            f"VLAN Ids :\n{tags}Real Side Statistics:\n    Packets received: 238\n"
            f"High Availability Statistics:\n    Control Channel PVID: 4094\n    State: PRIMARY\n"
            f"    Bridge Mode: All\n    High Availability Mode: Auto\n    Priority: 1\n"
            f"{line}\nReal Adapter: ent0\n\nETHERNET STATISTICS (ent0) :\n"
            f"Device Type: 4-Port Gigabit Ethernet PCI-Express Adapter (e414571614102004)\n"
            f"Hardware Address: 00:aa:bb:00:00:01\nMedia Speed Running: 1000 Mbps Full Duplex\n\n"
            + "".join(map(_entstat_trunk, trunks)))


def _entstat_trunk(t: Trunk) -> str:
    tags = [f"{v:5d}" for v in t.vlans[1:]]
    listed = "\n               ".join(" ".join(tags[at:at + 6]) for at in range(0, len(tags), 6)) or " None"
    return (f"{'-' * 62}\nVirtual Adapter: {t.name}\n\nETHERNET STATISTICS ({t.name}) :\n"
            f"Device Type: Virtual I/O Ethernet Adapter (l-lan)\nHardware Address: 02:aa:bb:00:00:{t.slot:02x}\n\n"
            f"Virtual I/O Ethernet Adapter (l-lan) Specific Statistics:\n{'-' * 57}\nRQ Length: 4481\n"
            f"Trunk Adapter: True\n  Priority: 1  Active: True\nFilter MCast Mode: False\nLAN State: Operational\n\n"
            f"Hypervisor Send Failures: 0\n  Receiver Failures: 0\n\nPort VLAN ID: {t.vlans[0]:5d}\n"
            f"VLAN Tag IDs: {listed}\nSwitch ID: {t.vswitch}\n\nHypervisor Information\n  Virtual Memory\n"
            f"    Total (KB)                 79\n\n")


def outputs(estate: Estate) -> list[Output]:
    """Every command's output of the HMC and of all VIOSes."""
    w = Wiring(estate)
    return [*hmc_outputs(w), *(o for v in estate.vioses for o in vios_outputs(w, v.name))]


def _hmc_files(estate: Estate, directory: Path) -> None:
    found = outputs(estate)
    _text(directory / "hmc.txt", "".join(f"{o.command}\n{o.text}" for o in found if o.kind == "hmc"))
    several: dict[Path, str] = {}
    for o in found:
        if o.kind == "vios":
            disk = o.command.startswith("lsdev -dev")
            name = "disks" if disk else o.command.replace(" -", "-").replace(" ", "-")
            file = directory / o.host / f"{name}.txt"
            several[file] = several.get(file, "") + (f"$ {o.command}\n" if disk else "") + o.text
    for file, text in several.items():
        _text(file, text)


def _hmc_sessions(estate: Estate, directory: Path) -> None:
    hosts: dict[str, str] = {}
    for o in outputs(estate):
        prompt = f"hscroot@{o.host}:~> " if o.kind == "hmc" else f"padmin@{o.host} $ "
        hosts[o.host] = hosts.get(o.host, "") + f"{prompt}{o.command}\n{o.text}"
    for host, text in hosts.items():
        _text(directory / f"{host}.log", text)


def _hmc_collected(estate: Estate, directory: Path) -> None:
    kinds: dict[str, str] = {}
    for o in outputs(estate):
        mark = f"{MARKER} host={o.host} kind={o.kind} command={o.command}\n"
        kinds[o.kind] = kinds.get(o.kind, "") + mark + o.text
    for kind, text in kinds.items():
        _text(directory / f"{kind}.txt", text)


# ---- scripts of a site's own -----------------------------------------------------------------------------------------

_MARKS = ",:;|#%"


def _hmc_scripts(estate: Estate, directory: Path) -> None:
    w = Wiring(estate)
    found = [o for o in outputs(estate) if not o.command.startswith(("lssyscfg -r prof", "lsmap -all", "lspv"))]
    for number, s in enumerate(estate.servers):
        mark = _MARKS[number % len(_MARKS)]
        found += [o for o in _script_listings(w, s, mark) if o.text]
    hosts: dict[str, str] = {}
    for o in [*found, *(o for v in estate.vioses for o in _vios_scripts(w, v.name))]:
        prompt = f"hscroot@{o.host}:~> " if o.kind == "hmc" else f"padmin@{o.host} $ "
        hosts[o.host] = hosts.get(o.host, "") + f"{prompt}{o.command}\n{o.text}"
    for host, text in hosts.items():
        _text(directory / f"{host}.log", text)


def _vnics(w: Wiring) -> list[Vnic]:
    """A backing device for each vNIC, of the first VIOS of its server."""
    first = {v.server: v.name for v in reversed(w.estate.vioses)}
    return [Vnic(p.name, 700 + n, 1, first[p.server], "1/0", 2)
            for p in w.estate.lpars for n in range(p.vnic_adapters or 0)]


def _script_listings(w: Wiring, s: Server, mark: str) -> Iterator[Output]:
    """What profiles would say of adapters: a row for each port and vNIC, and of the rest the profiles' own columns."""
    parts = w.partitions(s.name)

    def listing(command: str, names: str, rows: Iterable[Sequence[object]]) -> Output:
        cells = [[f'"{cell}"' if mark in str(cell) else str(cell) for cell in row] for row in rows]
        body = [mark.join(row) for row in cells]
        asked = f"{command} -m '{s.name}' -F '{names.replace(',', mark)}' --header"
        return Output(CONSOLE, "hmc", asked, "\n".join((names.replace(",", mark), *body, "")) if body else "")

    yield listing("lshwres -r sriov --rsubtype logport --level eth",
                  "config_id,lpar_name,lpar_id,adapter_id,logical_port_id,logical_port_type,capacity",
                  [(n, p.name, p.lpar_id, 1, f"2700{p.lpar_id:02x}{n:02x}", "eth", "2.0") for p in parts
                   if isinstance(p, Lpar) for n in range(p.sriov_ports or 0)])
    yield listing("lshwres -r virtualio --rsubtype vnic --level lpar",
                  "lpar_name,lpar_id,slot_num,curr_mode,port_vlan_id,backing_devices",
                  [(p.name, p.lpar_id, v.slot, "ded", 0, f"sriov/{v.vios}/{w.vioses[v.vios].lpar_id}/{v.port}/27004003/"
                    f"{v.percent}.0/{v.percent}.0/50/100.0/100.0") for p in parts for v in _vnics(w) if v.lpar == p.name])
    yield listing("lssyscfg -r prof", "name,lpar_name,lpar_id,lhea_logical_ports", [
        ("normal", p.name, p.lpar_id, "23000000/1/1/none/0" if p.lhea else "none") for p in parts
        if isinstance(p, Lpar)])


def _vios_scripts(w: Wiring, vios: str) -> Iterator[Output]:
    """``lsmap -fmt`` of disks and WWPN pairs, ``lspv`` and the ports with their labels."""
    for one in vios_outputs(w, vios):
        if one.command in ("lspv", "lspv -size", "lsmap -all -net"):
            yield one
    blank = " "
    rows = []
    for v in (one for one in w.vhosts if one.vios == vios):
        cells = [v.name, w.physloc(vios, v.slot), f"0x{v.lpar.lpar_id:08x}"]
        for number, d in enumerate(d for d in w.estate.disks if (d.vios, d.lpar, d.slot) == (
                vios, v.lpar.name, v.client_slot)):
            lun = d.backing == "lun"
            cells += [d.vtd, "Available", f"0x8{number + 1}00000000000000", w.hdisk(vios, d.lun) if lun else d.lun,
                      "U78A0.001.DAAAAA1-P1-C5-T1" if lun else blank, "false"]
        rows.append("|".join(cells))
    pairs = []
    own = [one for one in w.vfchosts if one.vios == vios]
    for number, v in enumerate(own):
        on = v.lpar.active
        pairs.append("%".join((v.name, w.physloc(vios, v.slot), str(v.lpar.lpar_id), v.lpar.name if on else blank,
                               v.lpar.os if on and v.lpar.os else blank, "LOGGED_IN" if on else "NOT_LOGGED_IN",
                               w.port(vios, number), "U78A0.001.DAAAAA1-P1-C5-T1", "5", "a",
                               "fcs0" if on else blank, w.physloc(v.lpar.name, v.client_slot) if on else blank)))
    ports = [p for p in w.estate.ports if p.vios == vios]
    listed = [(p.port, "U78A0.001.DAAAAA1-P1-C5-T1", "1", str(FC_PORTS), str(FC_PORTS - len(own)), "2048", "2010",
               p.fabric) for p in ports]
    for command, lines in (("lsmap -all -fmt '|'", rows), ("lsmap -all -npiv -fmt %", pairs)):
        if lines:
            yield Output(vios, "vios", command, "\n".join(lines) + "\n")
    if listed:
        yield Output(vios, "vios", "lsnports", _table(
            ("name", "physloc", "fabric", "tports", "aports", "swwpns", "awwpns", "label"),
            (17, 31, 7, 7, 7, 7, 8), listed))


# ---- lparstat -i -----------------------------------------------------------------------------------------------------

#: What the planner takes from ``lparstat -i``, of AIX and of Linux (which knows neither its weight nor all of its
#: memory).
LPARSTAT_FACTS = ("lpar_id", "state", "processors", "sharing", "entitlement_units", "virtual_processors",
                  "max_virtual_processors", "weight", "pool_id", "memory_mib", "max_memory_mib", "memory_mode")
LINUX_FACTS = tuple(name for name in LPARSTAT_FACTS if name not in ("weight", "memory_mib"))


def has_lparstat(p: Lpar) -> bool:
    """IBM i has no lparstat, and what does not run says nothing."""
    return p.active and p.os in ("AIX", "Linux")


def lparstat(w: Wiring, p: Lpar) -> str:
    """``lparstat -i`` of an LPAR as AIX 7 or Linux prints it."""
    pairs = _linux_lparstat(w, p) if p.os == "Linux" else _aix_lparstat(w, p)
    return "".join(f"{key:<43}: {value}\n" for key, value in pairs)


def _lparstat_head(p: Lpar) -> Pairs:
    smt = "" if p.os == "Linux" else "-SMT-4"
    return (("Node Name", p.name.replace(" ", "")), ("Partition Name", p.name), ("Partition Number", p.lpar_id),
            ("Type", p.processors.capitalize() + smt), ("Mode", p.sharing.capitalize()),
            ("Entitled Capacity", show_cores(p.entitlement_units)), ("Partition Group-ID", 32768 + (p.lpar_id or 0)),
            ("Shared Pool ID", "-" if p.pool_id is None else p.pool_id), ("Online Virtual CPUs", p.virtual_processors),
            ("Maximum Virtual CPUs", p.max_virtual_processors), ("Minimum Virtual CPUs", 1))


def _aix_lparstat(w: Wiring, p: Lpar) -> Pairs:
    cores = w.servers[p.server].configurable_units // 100
    return (*_lparstat_head(p), ("Online Memory", f"{p.memory_mib} MB"), ("Maximum Memory", f"{p.max_memory_mib} MB"),
            ("Minimum Memory", "256 MB"), ("Variable Capacity Weight", "-" if p.weight is None else p.weight),
            ("Minimum Capacity", "0.10"), ("Maximum Capacity", show_cores(100 * _maximum(p))),
            ("Capacity Increment", "1.00" if _dedicated(p) else "0.01"),
            ("Maximum Physical CPUs in system", cores + 4), ("Active Physical CPUs in system", cores),
            ("Active CPUs in Pool", "-" if _dedicated(p) else cores),
            ("Physical CPU Percentage", f"{p.entitlement_units / p.virtual_processors:.2f}%"),
            ("Unallocated Weight", "-" if _dedicated(p) else 0), ("Memory Mode", "Dedicated"),
            ("Unallocated Variable Memory Capacity Weight", "-"), ("Power Saving Mode", "Disabled"))


def _linux_lparstat(w: Wiring, p: Lpar) -> Pairs:
    return (*_lparstat_head(p), ("Online Memory", f"{p.memory_mib * 1000} kB"), ("Minimum Memory", 256),
            ("Desired Memory", p.memory_mib), ("Maximum Memory", p.max_memory_mib), ("Minimum Capacity", "0.10"),
            ("Maximum Capacity", show_cores(100 * _maximum(p))), ("Capacity Increment", "0.01"),
            ("Active Physical CPUs in system", w.servers[p.server].configurable_units // 100),
            ("Unallocated Processor Capacity", "0.00"),
            ("Physical CPU Percentage", f"{p.entitlement_units / p.virtual_processors:.2f}%"),
            ("Memory Mode", "Dedicated"),
            ("Desired Variable Capacity Weight", p.weight or 0))


def _lparstat_family(estate: Estate, directory: Path) -> None:
    w = Wiring(estate)
    for number, p in enumerate(p for p in estate.lpars if has_lparstat(p)):
        _text(directory / f"lpar{number:03d}.txt", lparstat(w, p))
    _bytes(directory / "estate.xlsx", _rest_of_the_workbook(estate))


def _rest_of_the_workbook(estate: Estate) -> bytes:
    """The estate workbook with every cell empty that ``lparstat -i`` states."""
    def rest(p: Lpar) -> Lpar:
        facts = LINUX_FACTS if p.os == "Linux" else LPARSTAT_FACTS
        return replace(p, **dict.fromkeys(facts)) if has_lparstat(p) else p

    return workbook_bytes(Loaded(estate.replace(lpars=tuple(map(rest, estate.lpars)))))


# ---- HMC Scanner -----------------------------------------------------------------------------------------------------

def _scanner(estate: Estate, directory: Path) -> None:
    w = Wiring(estate)
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    for name, rows in (
        ("System_Summary", _scan_systems(w)), ("LPAR_Summary", _scan_lpars(w)), ("LPAR_CPU", _scan_cpu(w)),
        ("LPAR_MEM", _scan_mem(w)), ("Virtual_Ethernet", _scan_ethernet(w)), ("Virtual_SCSI", _scan_scsi(w)),
        ("LPAR_Profiles", _scan_profiles(w)), ("SEA", _scan_sea(w)),
        ("Physical_Slots", _scan_slots(w)), ("VSCSI_Map", _scan_map(w)), ("Virtual_Fibre", _scan_fibre(w)), ("VIOS disks", _scan_disks(w)),
        ("SRIOV Logical Ports", _scan_ports(w)), ("vNIC", _scan_vnics(w)),
    ):
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    _bytes(directory / "hmc_scan.xlsx", out.getvalue())


Rows = Iterator[tuple[Any, ...]]
_BY_SYSTEM = ("Managed System Name", "Managed System Serial")


def _scan_systems(w: Wiring) -> Rows:
    yield ("Managed System", "Status", "Type Model", "Serial", "GHz", "CPU Type", "Tot Cores", "Act Cores",
           "Deconf Cores", "#LPAR", "Tot GB", "Act GB", "Deconf GB", "Firm GB", "Mgr #1", "Mgr #2")
    for s in w.estate.servers:
        memory = gib(s.configurable_memory_mib)
        yield (s.name, "Operating", s.model, s.serial, None, None, s.configurable_units / 100 + 4,
               s.configurable_units / 100, 0, len(w.partitions(s.name)), memory, memory, 0, gib(w.firmware_total(s)),
               s.console, None)


def _everyone(w: Wiring) -> Iterator[tuple[Partition, tuple[str, str]]]:
    for s in w.estate.servers:
        for p in w.partitions(s.name):
            yield p, (s.name, s.serial)


def _on(p: Partition) -> bool:
    return isinstance(p, Vios) or p.active


def _scan_lpars(w: Wiring) -> Rows:
    yield ("Name", "ID", "Status", "Environment", "OS Version", "Proc mode", "RMC State", "Default profile",
           "Current profile", "Migration disabled", *_BY_SYSTEM)
    for p, system in _everyone(w):
        yield (p.name, p.lpar_id, "Running" if _on(p) else "Not Activated", _environment(p), os_version(p),
               _hmc_mode(p.current_mode) if isinstance(p, Lpar) else "default",
               {True: "active", False: "inactive", None: "none"}[p.rmc_active], "normal", None,
               bool(isinstance(p, Lpar) and p.migration_disabled), *system)


def _scan_cpu(w: Wiring) -> Rows:
    yield ("Name", "Status", "Mode", "Min CPU", "Curr CPU", "Tgt CPU", "Max CPU", "Min Ent", "Curr Ent", "Tgt Ent",
           "Max Ent", "Weight", "Sharing Mode", "Pool Name", "Pool Resv", "Pool Max", "VP:E %", *_BY_SYSTEM)
    for p, system in _everyone(w):
        on, pool = _on(p), _pool(w, p)
        ents: tuple[Any, ...] = (None, None, None, None, None)
        if not _dedicated(p):
            weight = p.weight if isinstance(p, Lpar) else 128
            ents = (0.1, p.entitlement_units / 100, p.entitlement_units / 100, _maximum(p), weight)
        sharing = {"capped": "cap", "uncapped": "uncap"}.get(p.sharing, "")
        if _dedicated(p):
            sharing = "share_idle_procs_always" if p.sharing == "donating" else "keep_idle_procs"
        if on:
            yield (p.name, "On", "ded" if _dedicated(p) else "shared", 1, p.virtual_processors, p.virtual_processors,
                   _maximum(p), *ents, sharing, *pool, _vp_e(p), *system)
        else:
            yield (p.name, "off", "shared", *(0.0,) * 9, sharing, *pool, "Off", *system)


def _pool(w: Wiring, p: Partition) -> tuple[Any, Any, Any]:
    if _dedicated(p):
        return None, None, None
    number = (p.pool_id if isinstance(p, Lpar) else None) or 0
    pool = next(q for q in w.estate.pools if (q.server, q.pool_id) == (p.server, number))
    limited = pool.max_units is not None
    return pool.name, pool.reserved_units / 100 if limited else None, (pool.max_units or 0) / 100 if limited else None


def _scan_profiles(w: Wiring) -> Rows:
    """Two profiles for each partition: the one in use with its sizes, and one of other sizes."""
    yield ("Lpar Name", "Profile Name", "Active", "ID", "Env", "All Res", "MinMem", "DesMem", "MaxMem", "MemMode",
           "HPT_ratio", "ProcMode", "MinEnt", "DesEnt", "MaxEnt", "MinProc", "DesProc", "Maxproc", "ShMode", "Weight",
           *_BY_SYSTEM)
    for p, system in _everyone(w):
        ratio = p.hpt_ratio if isinstance(p, Lpar) else 64
        start = (p.lpar_id, _environment(p), "false", 0.25)
        sharing = {"capped": "cap", "uncapped": "uncap"}.get(p.sharing, "keep_idle_procs")
        weight = p.weight if isinstance(p, Lpar) else 128
        ents: tuple[Any, ...] = (None,) * 3 if _dedicated(p) else (0.1, p.entitlement_units / 100, 4)
        yield (p.name, "normal", "true", *start, gib(p.memory_mib), gib(p.max_memory_mib or p.memory_mib), "ded",
               f"1:{ratio}", "ded" if _dedicated(p) else "shared", *ents, 1, p.virtual_processors, _maximum(p), sharing,
               None if _dedicated(p) else weight, *system)
        yield (p.name, "other", "false", *start, 999, 999, "ded", "1:512", "shared", 0.1, 9, 9, 1, 9, 9, "cap", 1, *system)


def _scan_sea(w: Wiring) -> Rows:
    yield (*_BY_SYSTEM, "VIOS", "SEA", "ctl_chan", "thread", "thread", "real_adapter", *(
        f"Virt#{n}{part}" for n in range(1, 9) for part in ("", " slot")))
    for vios, sea in sorted({(t.vios, t.sea) for t in w.trunks}):
        server = w.servers[w.vioses[vios].server]
        trunks = [t for t in w.trunks if (t.vios, t.sea) == (vios, sea)]
        yield (server.name, server.serial, vios, sea, None, "1", "1", "ent0", *(
            cell for t in trunks for cell in (t.name, str(t.slot))))
    yield from ((), (), ())
    yield (*_BY_SYSTEM, "VIOS", "Etherchannel", "mode")
    yield from ((), (), ())
    yield (*_BY_SYSTEM, "VIOS", "SEA", "Virt Eth", "Port VLAN", "VLANs", "Switch")


def _vp_e(p: Partition) -> Any:
    if _dedicated(p):
        return "Dedicated"
    return "MicroLPAR" if p.virtual_processors == 1 else 10000 * (p.virtual_processors or 0) / p.entitlement_units


def _scan_mem(w: Wiring) -> Rows:
    yield ("Name", "Mode", "Min GB", "Curr GB", "Tgt GB", "Max GB", "ExpFact", "AMS->", "Weight", "Prim VIOS",
           "Sec VIOS", "Curr VIOS", "Active", "Max", "Firmw", "<-AMS", *_BY_SYSTEM)
    for p, system in _everyone(w):
        sizes = (0.25, gib(p.memory_mib), gib(p.memory_mib), gib(p.max_memory_mib or p.memory_mib))
        yield (p.name, "ded", *(sizes if _on(p) else (0.0,) * 4),
               (p.memory_expansion_percent or 0) / 100 if isinstance(p, Lpar) else 0, *(None,) * 9, *system)


def _scan_slots(w: Wiring) -> Rows:
    yield ("LPAR", "Reqrd", "Adapter description", "Location", "drc_index", *_BY_SYSTEM)
    for p, system in _everyone(w):
        for place in p.physical_adapters if isinstance(p, Lpar) else ():
            yield (p.name, None, "Ethernet", place, "21010010", *system)


def _scan_ethernet(w: Wiring) -> Rows:
    header = ("LPAR name", "Slot", "State", "Required", "Trunk", "Trunk Priority", "MAC Addresss", "Virtual Switch",
              "Port VLAN id", "IEEE VLAN ids")
    for s in w.estate.servers:
        trunks = [(t.vios, t.slot, True, t.vswitch, t.vlans[0], t.vlans[1:]) for t in w.trunks
                  if w.vioses[t.vios].server == s.name]
        clients = [(n.lpar, n.slot, False, n.vswitch, n.vlan, n.tagged) for n in w.estate.networks
                   if w.lpars[n.lpar].server == s.name]
        used = [(vswitch, {vlan, *tags}) for _, _, _, vswitch, vlan, tags in trunks + clients]
        switches = sorted({name for name, _ in used})
        yield (s.name,)
        yield ()
        yield ("Virtual Switches",)
        yield ("Name", *(f"{name}(Default)" if name == "ETHERNET0" else name for name in switches))
        yield ("VLAN ids", *("\n".join(map(str, sorted(set().union(*(v for name, v in used if name == switch)))))
                             for switch in switches))
        yield ()
        yield ("Virtual Ethernet Slots",)
        yield header
        for lpar, slot, trunk, vswitch, vlan, tags in trunks + clients:
            yield (lpar, slot, "On", "False", "True" if trunk else "False", 1 if trunk else "", f"FACC{slot:08X}",
                   vswitch, vlan, "\n".join(map(str, tags)) or None)
        yield ()
        yield ()


_ADAPTERS = ("LPAR name", "Slot", "State", "Required", "Type", "Remote LPAR", "Remote Slot")


def _scan_ends(w: Wiring, v: Serving) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[str, str]]:
    server = w.servers[v.lpar.server]
    return ((v.vios, v.slot, "1", "false", "server", v.lpar.name, v.client_slot),
            (v.lpar.name, v.client_slot, "1", "true", "client", v.vios, v.slot), (server.name, server.serial))


def _scan_scsi(w: Wiring) -> Rows:
    yield (*_ADAPTERS, *_BY_SYSTEM)
    for v in w.vhosts:
        server, client, system = _scan_ends(w, v)
        yield (*server, *system)
        yield (*client, *system)


def _scan_fibre(w: Wiring) -> Rows:
    yield (*_ADAPTERS, "WWPN #1", "WWPN #2", "Physical FC Slot", *_BY_SYSTEM)
    pairs = {(f.lpar, f.slot): (f.wwpn1, f.wwpn2) for f in w.estate.fibres}
    for v in w.vfchosts:
        server, client, system = _scan_ends(w, v)
        yield (*server, None, None, None, *system)
        yield (*client, *pairs[v.lpar.name, v.client_slot], None, *system)


def _scan_map(w: Wiring) -> Rows:
    yield ("VIOS", "Slot", "Name", "Client", "VTD", "Status", "LUN", "Backing device", "Phys Loc", "Mirrored",
           "Identifier", *_BY_SYSTEM)
    for v in w.vhosts:
        server = w.servers[v.lpar.server]
        for d in w.estate.disks:
            if (d.vios, d.lpar, d.slot) == (v.vios, v.lpar.name, v.client_slot):
                lun = d.backing == "lun"
                yield (v.vios, v.slot, v.name, f'0x{v.lpar.lpar_id:08x} "{v.lpar.name}"', d.vtd, "Available",
                       "0x8100000000000000", w.hdisk(d.vios, d.lun) if lun else d.lun,
                       "U78A0.001.DAAAAA1-P1-C5-T1" if lun else None, "false" if lun else None,
                       d.lun if lun else None, server.name, server.serial)


def _scan_ports(w: Wiring) -> Rows:
    """Ports of LPARs, one that nobody has, and one behind a vNIC, which is its VIOS's."""
    yield (*_BY_SYSTEM, "LPAR", "LPAR State", "Physical Port", "Logical Port", "Required", "Type", "Max capacity",
           "Capacity", "MAC", "Curr MAC", "Allowed OS MAC", "Allowed VLAN", "Port VLAN", "VNIC backing device", "Mode",
           "Client LPARs")
    number = 0
    for p, system in _everyone(w):
        backed = p.name if isinstance(p, Vios) else None
        for lpar, behind in [(p.name, "false")] * (_count(p, "sriov_ports")) + [(backed, "true"), (None, None)] * bool(backed):
            number += 1
            yield (*system, lpar, "Running", "U78C9.001.A-P1-C6-T1", f"U78C9.001.A-P1-C6-T1-S{number}", "1", "eth", 100.0,
                   2.0, "FA0000000001", None, "all", "all", 0, behind, "ethernet", None)


_SCANNED_PORT = "U78C9.001.A-P1-C6-T1"


def _scan_vnics(w: Wiring) -> Rows:
    yield (*_BY_SYSTEM, "LPAR", "Slot", "Des mode", "Curr mode", "Auto failover", "Port VLAN", "PVID priority",
           "Allowed VLANs", "MAC", "Allowerd MACs", *("VIOS", "Priority", "Physical Port", "Logical Port") * 6)
    for p, system in _everyone(w):
        for v in (v for v in _vnics(w) if v.lpar == p.name):
            yield (*system, p.name, v.slot, "ded", "ded", "1", 0, 0, "all", "FA0000000002", "all",
                   v.vios, 50, _SCANNED_PORT, "27004003")


def _count(p: Partition, what: str) -> int:
    return getattr(p, what, None) or 0


def _scan_disks(w: Wiring) -> Rows:
    vioses = [v.name for v in w.estate.vioses]
    yield ("UUID", "SIZE(MB)", *(f"{w.vioses[v].server}@{v}" for v in vioses))
    seen = {(z.lun, z.vios): z.hdisk for z in w.estate.zonings}
    for lun in sorted({z.lun for z in w.estate.zonings}):
        yield (lun, 51200, *(seen.get((lun, v)) for v in vioses))


# ---- HMC REST --------------------------------------------------------------------------------------------------------

_UOM = "http://www.ibm.com/xmlns/systems/power/firmware/uom/mc/2012_10/"
Tree = Sequence[tuple[str, Any]]


def _xml(tree: Tree) -> str:
    """Elements of (name, text), (name, elements) or (name, a link)."""
    out = []
    for name, value in tree:
        if isinstance(value, Link):
            rel = "" if name == "link" else ' kb="CUR" kxe="false"'
            out.append(f'<{name}{rel} href="https://{CONSOLE}:12443/rest/api/uom/{value.path}" rel="related"/>\n')
        elif isinstance(value, list | tuple):
            atom = "" if name in _PLAIN else "<Metadata>\n<Atom/>\n</Metadata>\n"
            out.append(f'<{name} kxe="false" kb="CUR" schemaVersion="V1_5_0">\n{atom}{_xml(value)}</{name}>\n')
        elif value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            out.append(f'<{name} kb="CUR" kxe="false">{escape(text)}</{name}>\n')
    return "".join(out)


_PLAIN = ("SRIOVEthernetLogicalPorts", "DedicatedVirtualNICs", "ClientNetworkAdapters", "VirtualNetworks")


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to another object."""

    path: str


def _feed(kind: str, home: str, objects: Iterable[tuple[str, Tree]]) -> str:
    """A feed as the HMC sends it: no declaration, an empty line first; ``home`` is the path above the objects."""
    url = f"https://{CONSOLE}:12443/rest/api/uom/{home}{kind}"
    entries = "".join(
        f'<entry>\n<id>{uuid}</id>\n<title>{kind}</title>\n<published>2026-01-10T08:00:00.000+01:00</published>\n'
        f'<link rel="SELF" href="{url}/{uuid}"/>\n<author>\n<name>IBM Power Systems Management Console</name>\n'
        f'</author>\n<etag:etag xmlns:etag="{_UOM}" xmlns="{_UOM}">-1000001</etag:etag>\n'
        f'<content type="application/vnd.ibm.powervm.uom+xml; type={kind}">\n<{kind}:{kind} xmlns:{kind}="{_UOM}" '
        f'xmlns="{_UOM}" xmlns:ns2="http://www.w3.org/XML/1998/namespace/k2" schemaVersion="V1_5_0">\n<Metadata>\n'
        f"<Atom>\n<AtomID>{uuid}</AtomID>\n<AtomCreated>1700000000000</AtomCreated>\n</Atom>\n</Metadata>\n"
        f"{_xml(tree)}</{kind}:{kind}>\n</content>\n</entry>\n" for uuid, tree in objects)
    return (f'\n<feed xmlns="http://www.w3.org/2005/Atom">\n<id>0</id>\n<link rel="SELF" href="{url}"/>\n'
            f"<generator>IBM Power Systems Management Console</generator>\n{entries}</feed>\n")


class _Uuids:
    """An identifier for each thing, by kind and name."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], str] = {}

    def of(self, kind: str, name: object) -> str:
        number = len(self.known) + 1
        return self.known.setdefault((kind, str(name)), f"{number:08x}-0000-3000-8000-{number:012x}")


@dataclass(frozen=True, slots=True)
class _Rest:
    """What the REST objects of a site are made of: the wiring, identifiers, numbers of virtual switches."""

    w: Wiring
    ids: _Uuids

    def system(self, server: str) -> str:
        return f"ManagedSystem/{self.ids.of('server', server)}"

    def part(self, p: Partition) -> str:
        return f"{'VirtualIOServer' if isinstance(p, Vios) else 'LogicalPartition'}/{self.ids.of('part', p.name)}"

    def switches(self, server: str) -> dict[str, int]:
        """Name → number; every system counts its own, and 0 is the default one's everywhere."""
        more = sorted({b.vswitch for b in self.w.estate.bridges} - {DEFAULT_VSWITCH})
        offset = 1 + [s.name for s in self.w.estate.servers].index(server)
        return {DEFAULT_VSWITCH: 0} | {name: offset + number for number, name in enumerate(more)}

    def ports(self, p: Partition, kind: str, count: int | None) -> list[tuple[str, Link]]:
        return [("link", Link(f"{self.part(p)}/{kind}/{self.ids.of(kind, f'{p.name}/{n}')}")) for n in range(count or 0)]


def _rest(estate: Estate, directory: Path) -> None:
    r = _Rest(Wiring(estate), _Uuids())
    _text(directory / "systems.xml", _feed("ManagedSystem", "", [
        (r.ids.of("server", s.name), _rest_system(r, s)) for s in estate.servers]))
    for number, s in enumerate(estate.servers):
        def put(kind: str, objects: Iterable[tuple[str, Tree]], number: int = number, server: str = s.name) -> None:
            _text(directory / f"{number}_{kind}.xml", _feed(kind, r.system(server) + "/", objects))
        put("LogicalPartition", [(r.ids.of("part", p.name), _rest_lpar(r, p)) for p in estate.lpars
                                 if p.server == s.name])
        put("VirtualIOServer", [(r.ids.of("part", v.name), _rest_vios(r, v)) for v in estate.vioses
                                if v.server == s.name])
        put("SharedProcessorPool", _rest_pools(r, s))
        put("VirtualSwitch", [(r.ids.of("switch", f"{s.name}/{n}"), (("SwitchID", n), ("SwitchMode", "Veb"), (
            "SwitchName", name + ("(Default)" if n == 0 else "")))) for name, n in r.switches(s.name).items()])
        put("VirtualNetwork", [(r.ids.of("network", f"{s.name}/{b.vlan}"), (
            ("NetworkName", f"VLAN{b.vlan}"), ("NetworkVLANID", b.vlan), ("VswitchID", 0), ("TaggedNetwork", True)))
            for b in estate.bridges[:3]])
        put("NetworkBridge", [(r.ids.of("bridge", s.name), _rest_bridge(r, s))])
    for number, p in enumerate(estate.lpars):
        for kind, objects in _rest_adapters(r, p).items():
            _text(directory / f"lpar{number}_{kind}.xml", _feed(kind, r.part(p) + "/", objects))
    _text(directory / "gone.xml", _rest_error())


def _rest_error() -> str:
    """What the HMC answers where there is nothing."""
    web = _UOM.replace("/uom/", "/web/")
    return (f'\n<entry xmlns="http://www.w3.org/2005/Atom">\n<content type="application/vnd.ibm.powervm.web+xml; '
            f'type=HttpErrorResponse">\n<HttpErrorResponse:HttpErrorResponse xmlns:HttpErrorResponse="{web}" '
            f'xmlns="{web}" schemaVersion="V1_0">\n<HTTPStatus kb="ROR" kxe="false">404</HTTPStatus>\n'
            '<Message kb="ROO" kxe="false">REST000B The URL is not valid.</Message>\n'
            "</HttpErrorResponse:HttpErrorResponse>\n</content>\n</entry>\n")


def _rest_system(r: _Rest, s: Server) -> Tree:
    kind, _, model = s.model.partition("-")
    slots = [("IOSlot", (
        ("Description", "8 Gigabit PCI Express Dual Port Fibre Channel Adapter"), ("FeatureCodes", "5735"),
        ("FeatureCodes", "EN0G"), ("PartitionID", p.lpar_id), ("PartitionName", p.name),
        ("SlotDynamicReconfigurationConnectorName", place)))
        for p in r.w.estate.lpars if p.server == s.name for place in p.physical_adapters]
    free = [("IOSlot", (("Description", "Empty slot"), ("SlotDynamicReconfigurationConnectorName", "U5877-P1-C9")))]
    return (
        ("AssociatedSystemCapabilities", (("ActiveLogicalPartitionMobilityCapable", bool(s.enterprise)),
                                          ("AIXCapable", "Active"))),
        ("AssociatedSystemIOConfiguration", (("IOSlots", slots + free), ("WWPNPrefix", "C05076000001"))),
        ("AssociatedSystemMemoryConfiguration", (
            *(("AllowedHardwarePageTableRations", n) for n in range(5, 10)),
            ("ConfigurableSystemMemory", s.configurable_memory_mib), ("CurrentLogicalMemoryBlockSize", s.lmb_mib),
            ("InstalledSystemMemory", s.configurable_memory_mib), ("MemoryUsedByHypervisor", r.w.firmware_total(s)),
            ("TemporaryMemoryForLogicalPartitionMobilityInUse", False))),
        ("AssociatedSystemProcessorConfiguration", (
            ("ConfigurableSystemProcessorUnits", s.configurable_units / 100),
            ("InstalledSystemProcessorUnits", s.configurable_units / 100 + 4),
            ("MinimumProcessorUnitsPerVirtualProcessor", (s.min_units_per_vp or 0) / 100),
            ("TemporaryProcessorUnitsForLogicalPartitionMobilityInUse", False))),
        ("MachineTypeModelAndSerialNumber", (("MachineType", kind), ("Model", model), ("SerialNumber", s.serial))),
        ("State", "operating"), ("SystemName", s.name),
        ("SystemMigrationInformation", (
            ("MaximumActiveMigrations", s.max_migrations), ("MaximumInactiveMigrations", s.max_inactive_migrations))))


def _rest_pools(r: _Rest, s: Server) -> list[tuple[str, Tree]]:
    """64 of them, of which those are unused that have a maximum of nothing."""
    used = {q.pool_id: q for q in r.w.estate.pools if q.server == s.name}
    out: list[tuple[str, Tree]] = []
    for number in range(64):
        q = used.get(number)
        name, most, reserved = (q.name, q.max_units, q.reserved_units) if q else (f"SharedPool{number:02}", 0, 0)
        out.append((r.ids.of("pool", f"{s.name}/{number}"), (
            ("PoolID", number), ("AvailableProcUnits", "0.00"), ("PoolName", name),
            ("CurrentReservedProcessingUnits", reserved / 100 if number else None),
            ("MaximumProcessingUnits", None if most is None else most / 100))))
    return out


def _rest_mode(mode: str) -> str:
    return mode.replace("+", "_Plus").replace(" enhanced", "_Enhanced").replace("_base", "_Base")


def _rest_lpar(r: _Rest, p: Lpar) -> Tree:
    ports = ((name, r.ports(p, kind, count) or None) for name, kind, count in (
        ("SRIOVEthernetLogicalPorts", "SRIOVEthernetLogicalPort", p.sriov_ports),
        ("DedicatedVirtualNICs", "VirtualNICDedicated", p.vnic_adapters)))
    return (*_rest_partition(r, p), ("AssociatedManagedSystem", Link(r.system(p.server))), *ports)


def _rest_partition(r: _Rest, p: Partition) -> Tree:
    on = _on(p)
    current, preferred = (p.current_mode, p.preferred_mode) if isinstance(p, Lpar) else ("", "")
    ratio = getattr(p, "hpt_ratio", 64).bit_length() - 1
    return (
        ("CurrentProcessorCompatibilityMode", _rest_mode(current) or None),
        ("OperatingSystemVersion", os_version(p) + " "), ("PartitionID", p.lpar_id),
        ("PartitionMemoryConfiguration", (
            ("DesiredMemory", p.memory_mib), ("HardwarePageTableRatio", ratio),
            ("MaximumMemory", p.max_memory_mib or p.memory_mib), ("MinimumMemory", 256),
            ("CurrentHugePageCount", getattr(p, "huge_pages", 0)), ("CurrentHardwarePageTableRatio", ratio),
            ("CurrentMemory", p.memory_mib if on else 0), *_rest_expansion(p),
            ("CurrentMaximumMemory", p.max_memory_mib or p.memory_mib))),
        ("PartitionName", p.name), ("PartitionProcessorConfiguration", _rest_processors(p)),
        ("PartitionState", "running" if on else "not activated"),
        ("PartitionType", {"os400": "OS400", "aixlinux": "AIX/Linux"}.get(_environment(p), "Virtual IO Server")),
        ("PartitionUUID", r.ids.of("part", p.name).upper()),
        ("PendingProcessorCompatibilityMode", _rest_mode(preferred) or None),
        ("ResourceMonitoringControlState", {True: "active", False: "inactive", None: "none"}[p.rmc_active]),
        ("MACAddressPrefix", 209365417978624), *_rest_hindrances(p))


def _rest_expansion(p: Partition) -> Tree:
    return (("CurrentExpansionFactor", (p.memory_expansion_percent or 0) / 100),) if isinstance(p, Lpar) else ()


def _rest_hindrances(p: Partition) -> Tree:
    if isinstance(p, Vios):
        return ()
    return (("HasPhysicalIO", bool(p.physical_adapters)), ("MigrationDisable", bool(p.migration_disabled)),
            ("IsVirtualTrustedPlatformModuleEnabled", bool(p.vtpm)),
            ("IsRedundantErrorPathReportingEnabled", bool(p.error_path_reporting)))


def _rest_processors(p: Partition) -> Tree:
    number, most = p.virtual_processors, _maximum(p)
    if _dedicated(p):
        sharing = "sre idle procs always" if p.sharing == "donating" else "keep idle procs"
        return (("DedicatedProcessorConfiguration", (
            ("DesiredProcessors", number), ("MaximumProcessors", most), ("MinimumProcessors", 1))),
            ("HasDedicatedProcessors", True), ("SharingMode", sharing))
    pool, weight = (p.pool_id, p.weight) if isinstance(p, Lpar) else (0, 128)
    return (("HasDedicatedProcessors", False), ("SharedProcessorConfiguration", (
        ("DesiredProcessingUnits", p.entitlement_units / 100), ("DesiredVirtualProcessors", number),
        ("MaximumProcessingUnits", most), ("MaximumVirtualProcessors", most), ("MinimumProcessingUnits", 0.1),
        ("MinimumVirtualProcessors", 1), ("SharedProcessorPoolID", pool), ("UncappedWeight", weight))),
        ("SharingMode", p.sharing), ("CurrentSharedProcessorConfiguration", (
            ("CurrentProcessingUnits", p.entitlement_units / 100), ("AllocatedVirtualProcessors", number))))


_REST_POLICIES = {"no_reserve": "NoReserve", "single_path": "SinglePath", "PR_shared": "PersistentReserve",
                  "PR_exclusive": "PersistentReserve"}


def _rest_vios(r: _Rest, v: Vios) -> Tree:
    trunks = [("TrunkAdapter", _rest_trunk(r, t)) for t in r.w.trunks if t.vios == v.name]
    control = ("TrunkAdapter", (*_rest_place(r, v, 90), ("PortVLANID", 4093), ("VirtualSwitchID", 0)))
    return (
        *_rest_partition(r, v), ("MoverServicePartition", bool(v.msp)),
        ("AssociatedManagedSystem", Link(r.system(v.server))),
        ("PhysicalVolumes", [("PhysicalVolume", _rest_volume(r, z.lun, z.hdisk, z.reserve_policy))
                             for z in r.w.estate.zonings if z.vios == v.name]),
        ("SharedEthernetAdapters", _rest_seas(r, v)), ("TrunkAdapters", [*trunks, control]),
        ("VirtualFibreChannelMappings", list(_rest_fc(r, v))), ("VirtualSCSIMappings", list(_rest_scsi(r, v))))


def _rest_volume(r: _Rest, lun: str, hdisk: str, policy: str) -> Tree:
    return (("Description", "MPIO IBM 2076 FC Disk"), ("ReservePolicy", _REST_POLICIES.get(policy)),
            ("UniqueDeviceID", f"01{r.ids.of('volume', lun)}"), ("VolumeCapacity", 51200), ("VolumeName", hdisk),
            ("VolumeState", "active"), ("VolumeUniqueID", lun))


def _rest_place(r: _Rest, p: Partition, slot: int) -> Tree:
    return (("DynamicReconfigurationConnectorName", r.w.physloc(p.name, slot)),
            ("LocationCode", r.w.physloc(p.name, slot)), ("LocalPartitionID", p.lpar_id), ("RequiredAdapter", True),
            ("VariedOn", True), ("VirtualSlotNumber", slot))


def _rest_trunk(r: _Rest, t: Trunk) -> Tree:
    v = r.w.vioses[t.vios]
    return (*_rest_place(r, v, t.slot), ("PortVLANID", t.vlans[0]),
            ("TaggedVLANIDs", " ".join(map(str, t.vlans[1:])) or None),
            ("VirtualSwitchID", r.switches(v.server)[t.vswitch]), ("DeviceName", t.name), ("TrunkPriority", 1))


def _rest_seas(r: _Rest, v: Vios) -> list[tuple[str, Tree]]:
    return [("SharedEthernetAdapter", (
        ("AssignedVirtualIOServer", Link(f"{r.system(v.server)}/{r.part(v)}")), ("HighAvailabilityMode", "auto"),
        ("DeviceName", sea), ("TrunkAdapters", [("TrunkAdapter", _rest_trunk(r, t)) for t in r.w.trunks
                                                if (t.vios, t.sea) == (v.name, sea)]), ("LargeSend", True)))
        for sea in sorted({t.sea for t in r.w.trunks if t.vios == v.name})]


def _rest_bridge(r: _Rest, s: Server) -> Tree:
    """One trunk stands here twice: in the load group and in its SEA."""
    vioses = [v for v in r.w.estate.vioses if v.server == s.name]
    trunks = [("TrunkAdapter", _rest_trunk(r, t)) for v in vioses for t in r.w.trunks if t.vios == v.name]
    return (("ControlChannelID", 4093), ("FailoverEnabled", True), ("LoadGroups", [("LoadGroup", (
        ("PortVLANID", 1), ("TrunkAdapters", trunks)))]), ("PortVLANID", 1),
        ("SharedEthernetAdapters", [sea for v in vioses for sea in _rest_seas(r, v)]))


_REST_STORAGE: dict[str, Callable[[str], Tree]] = {
    "lv": lambda name: (("VirtualDisk", (("DiskCapacity", 60), ("DiskName", name), ("VirtualDiskType", "LV"))),),
    "file": lambda name: (("VirtualDisk", (("DiskName", name), ("VirtualDiskType", "File"))),),
    "optical": lambda name: (("VirtualOpticalMedia", (("MediaName", name), ("Size", "5.3799"))),),
    "ssp": lambda name: (("LogicalUnit", (("UniqueDeviceID", "27"), ("UnitName", name))),),
}


def _rest_scsi(r: _Rest, v: Vios) -> Iterator[tuple[str, Tree]]:
    yield "VirtualSCSIMapping", (("ServerAdapter", (
        *_rest_place(r, v, 99), ("AdapterName", "vhost99"), ("RemoteLogicalPartitionID", 65535),
        ("RemoteSlotNumber", 65535))),)
    for s in r.w.vhosts:
        for d in r.w.estate.disks if s.vios == v.name else ():
            if (d.vios, d.lpar, d.slot) != (s.vios, s.lpar.name, s.client_slot):
                continue
            storage: Tree = (("PhysicalVolume", _rest_volume(r, d.lun, r.w.hdisk(d.vios, d.lun), "")),
                             ) if d.backing == "lun" else _REST_STORAGE[d.backing](d.lun)
            yield "VirtualSCSIMapping", (
                ("AssociatedLogicalPartition", Link(r.part(s.lpar))),
                ("ClientAdapter", _rest_place(r, s.lpar, s.client_slot)),
                ("ServerAdapter", (*_rest_place(r, v, s.slot), ("AdapterName", s.name))), ("Storage", storage),
                ("TargetDevice", (("PhysicalVolumeVirtualTargetDevice", (("TargetName", d.vtd),)),)))


FC_PORTS = 64


def _rest_fc(r: _Rest, v: Vios) -> Iterator[tuple[str, Tree]]:
    pairs = {(f.lpar, f.slot): f"{f.wwpn1} {f.wwpn2}" for f in r.w.estate.fibres}
    own = [s for s in r.w.vfchosts if s.vios == v.name]
    for number, s in enumerate(own):
        port = r.w.port(v.name, number)
        yield "VirtualFibreChannelMapping", (
            ("AssociatedLogicalPartition", Link(r.part(s.lpar))),
            ("ClientAdapter", (*_rest_place(r, s.lpar, s.client_slot), ("ConnectingPartitionID", v.lpar_id),
                               ("ConnectingVirtualSlotNumber", s.slot),
                               ("WWPNs", pairs[s.lpar.name, s.client_slot]))),
            ("Port", (("PortName", port), ("WWPN", "1000000000000001"), ("AvailablePorts", FC_PORTS - len(own)),
                      ("TotalPorts", FC_PORTS))),
            ("ServerAdapter", (*_rest_place(r, v, s.slot), ("AdapterName", s.name),
                               ("ConnectingPartitionID", s.lpar.lpar_id), ("MapPort", port))))


def _rest_adapters(r: _Rest, p: Lpar) -> dict[str, list[tuple[str, Tree]]]:
    """The feeds of an LPAR's own adapters; one that it has none of is not asked for."""
    pairs = {(f.lpar, f.slot): f"{f.wwpn1} {f.wwpn2}" for f in r.w.estate.fibres}
    feeds: dict[str, list[tuple[str, Tree]]] = {
        "ClientNetworkAdapter": [(r.ids.of("cna", f"{p.name}/{n.slot}"), (
            *_rest_place(r, p, n.slot), ("MACAddress", f"FA00{n.slot:08X}"), ("PortVLANID", n.vlan),
            ("TaggedVLANIDs", " ".join(map(str, n.tagged))), ("TaggedVLANSupported", bool(n.tagged)),
            ("AssociatedVirtualSwitch", Link(f"{r.system(p.server)}/VirtualSwitch/{r.ids.of('switch', n.vswitch)}")),
            ("VirtualSwitchID", r.switches(p.server)[n.vswitch]))) for n in r.w.estate.networks if n.lpar == p.name],
        "VirtualSCSIClientAdapter": [(r.ids.of("vscsi", f"{s.vios}/{s.slot}"), (
            ("AdapterType", "Client"), *_rest_place(r, p, s.client_slot),
            ("RemoteLogicalPartitionID", r.w.vioses[s.vios].lpar_id), ("RemoteSlotNumber", s.slot),
            ("ServerAdapter", _rest_place(r, r.w.vioses[s.vios], s.slot)))) for s in r.w.vhosts if s.lpar == p],
        "VirtualFibreChannelClientAdapter": [(r.ids.of("vfc", f"{s.vios}/{s.slot}"), (
            ("AdapterType", "Client"), *_rest_place(r, p, s.client_slot),
            ("ConnectingPartitionID", r.w.vioses[s.vios].lpar_id), ("ConnectingVirtualSlotNumber", s.slot),
            ("ServerAdapter", _rest_place(r, r.w.vioses[s.vios], s.slot)), ("WWPNs", pairs[p.name, s.client_slot])))
            for s in r.w.vfchosts if s.lpar == p],
        "SRIOVEthernetLogicalPort": [(r.ids.of("SRIOVEthernetLogicalPort", f"{p.name}/{n}"), (
            ("AdapterID", 1), ("LocationCode", f"U78D2.001.AAA0001-P1-C8-T1-S{n}"), ("ConfiguredCapacity", "2.0%"),
            ("VNICPortUsage", "NOT_VNIC"))) for n in range(p.sriov_ports or 0)],
        "VirtualNICDedicated": [(r.ids.of("VirtualNICDedicated", f"{p.name}/{n}"), (
            ("LocalPartitionID", p.lpar_id), ("VirtualSlotNumber", v.slot), ("Details", (("OSDeviceName", "ent3"),)),
            ("AssociatedBackingDevices", (("VirtualNICBackingDeviceChoice", (("VirtualNICSRIOVBackingDevice", (
                ("DeviceType", "SRIOV"),
                ("AssociatedVirtualIOServer", Link(f"{r.system(p.server)}/{r.part(r.w.vioses[v.vios])}")),
                ("RelatedSRIOVAdapterID", 1), ("CurrentCapacityPercentage", f"{v.percent}.0%"),
                ("RelatedSRIOVPhysicalPortID", 0))),)),))))
            for n, v in enumerate(v for v in _vnics(r.w) if v.lpar == p.name)]}
    return {kind: objects for kind, objects in feeds.items() if objects}


# ---- a person's own tables -------------------------------------------------------------------------------------------

_UNITS = {Type.CORES: "cores", Type.GIB: "GB", Type.INTEGER: "count", Type.YES_NO: "yes-no", Type.LIST: "list",
          Type.INTEGERS: "list"}


def _cell(column: EstateColumn, value: Any) -> str:
    if value is None or value == ():
        return ""
    if column.type is Type.CORES:
        return show_cores(value)
    if column.type is Type.GIB:
        return repr(gib(value))
    if column.type is Type.YES_NO:
        return "yes" if value else "no"
    return "|".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _tables(estate: Estate, directory: Path) -> None:
    mapping = []
    for table in TABLES:
        rows = getattr(estate, table.kind)
        if not rows:
            continue
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([c.header for c in table.columns])
        writer.writerows([[_cell(c, getattr(row, c.field)) for c in table.columns] for row in rows])
        _text(directory / f"{table.kind}.csv", out.getvalue())
        columns = ", ".join(f'"{c.header}" = "{c.field}"' for c in table.columns)
        units = ", ".join(f'"{c.header}" = "{_UNITS[c.type]}"' for c in table.columns if c.type in _UNITS)
        mapping.append(f'[[table]]\nkind = "{table.kind}"\nfile = "{table.kind}.csv"\ncolumns = {{ {columns} }}\n'
                       f"units = {{ {units} }}\n")
    _text(directory / "mapping.toml", "\n".join(mapping))


# ---- all of it -------------------------------------------------------------------------------------------------------

def _text(path: Path, text: str) -> None:
    _bytes(path, text.encode())


def _bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _workbook(estate: Estate, directory: Path) -> None:
    _bytes(directory / "estate.xlsx", workbook_bytes(Loaded(estate)))


def _json(estate: Estate, directory: Path) -> None:
    _text(directory / "estate.json", saved.dump(Loaded(estate)))


_WRITERS: dict[str, Callable[[Estate, Path], None]] = {
    "workbook": _workbook, "json": _json, "hmc-files": _hmc_files, "hmc-sessions": _hmc_sessions,
    "hmc-collected": _hmc_collected, "hmc-scripts": _hmc_scripts, "lparstat": _lparstat_family, "scanner": _scanner, "rest": _rest,
    "table": _tables,
}
FAMILIES = tuple(_WRITERS)


def write(estate: Estate, family: str, directory: Path) -> None:
    """Write the files of a family into a directory."""
    _WRITERS[family](estate, directory)


def carries(estate: Estate, family: str) -> Estate:
    """The estate as far as the family states it."""
    return _CARRIED[family](estate)


def _all(estate: Estate) -> Estate:
    return estate


def _console_output(estate: Estate, **servers: Any) -> Estate:
    """What no console and no VIOS says of any estate, whatever the family.

    Lost: site, firmware level and modes of servers; link and limits of VIOSes; environment, software, load and notes
    of LPARs; how a dedicated partition shares; what a partition that does not run runs (IBM i shows by its
    environment); the fabric of ports and WWPNs; policies and parameters.
    """
    return estate.replace(
        servers=tuple(replace(s, site="", firmware="", modes=(), dpo_running=None, note="", state="operating", **servers)
                      for s in estate.servers),
        vioses=tuple(replace(v, link_mbit=None, max_migrations=None, paging_devices_mib=(), max_virtual_slots=None, note="")
                     for v in estate.vioses),
        lpars=tuple(replace(
            p, environment="", software=(), busy_units=None, working_set_mib=None, note="",
            sharing="" if p.processors == "dedicated" else p.sharing,
            os=p.os if p.active or p.os == "IBM i" else "", os_level=p.os_level if p.active else "")
            for p in estate.lpars),
        fibres=tuple(replace(f, fabric=UNKNOWN_FABRIC, both_zoned=None, note="") for f in estate.fibres),
        ports=tuple(replace(p, fabric=UNKNOWN_FABRIC, free_ports=None, note="") for p in estate.ports),
        policies=(), parameters=())


def _hmc_states(estate: Estate, **servers: Any) -> Estate:
    """The console lists what takes the virtual slots of a VIOS, serial adapters (0 and 1) apart."""
    w, most = Wiring(estate), {v.name: v.max_virtual_slots for v in estate.vioses}
    used = {v: {0, 1, *(x.slot for x in (*w.trunks, *w.vhosts, *w.vfchosts) if x.vios == v)} for v in most}
    out = _console_output(estate, **servers)
    serving = {x.vios for x in (*w.vhosts, *w.vfchosts)} & {t.vios for t in w.trunks}
    return out.replace(vioses=tuple(
        replace(v, max_virtual_slots=most[v.name], used_virtual_slots=len(used[v.name]) if v.name in serving else None)
        for v in out.vioses))


def _scripts_state(estate: Estate) -> Estate:
    """Labels name the fabrics, and ports say what they have left; who has no row of ports or vNICs is not known."""
    used = {v.name: sum(f.vios == v.name for f in estate.fibres) for v in estate.vioses}
    out = _hmc_states(estate)
    return out.replace(
        lpars=tuple(replace(p, sriov_ports=p.sriov_ports or None, vnic_adapters=p.vnic_adapters or None) for p in out.lpars),
        vnics=tuple(_vnics(Wiring(estate))),
        fibres=tuple(replace(f, both_zoned=None, note="") for f in estate.fibres),
        ports=tuple(replace(p, free_ports=FC_PORTS - used[p.vios], note="") for p in estate.ports))


def _hmc_without_host(estate: Estate) -> Estate:
    """No prompt says which HMC it was."""
    return _hmc_states(estate, console="")


def _without_ratios(estate: Estate, whole: Estate) -> Estate:
    """No HPT ratio is stated, so 1:64 stands for each, and what is left of the firmware's memory differs by that."""
    w, plain = Wiring(whole), Wiring(whole.replace(lpars=tuple(replace(p, hpt_ratio=64) for p in whole.lpars)))
    return estate.replace(
        lpars=tuple(replace(p, hpt_ratio=64) for p in estate.lpars),
        servers=tuple(replace(s, firmware_memory_mib=max(0, w.firmware_total(s) - plain.firmware_total(s)
                                                         + (s.firmware_memory_mib or 0))) for s in estate.servers))


#: Adapters that only profiles and the HMC's memory listing name.
_NOT_LISTED: dict[str, Any] = {"lhea": None, "sriov_ports": None, "vnic_adapters": None, "bsr_arrays": None}


def _scanner_states(estate: Estate) -> Estate:
    """HMC Scanner names no physical port behind a WWPN pair.

    Lost besides: LMB, smallest share, mobility and migration limits of servers; ids of pools (LPARs name theirs), and
    pools without an LPAR; the mover, preferred mode, error path reporting, workload group, huge pages, vTPM, LHEA
    ports and BSR arrays of profiles; reserve policies. An LPAR without an SR-IOV port or vNIC has no row.
    """
    out = _console_output(estate, lmb_mib=None, min_units_per_vp=None, enterprise=None, max_migrations=None,
                          max_inactive_migrations=None)
    return out.replace(
        pools=(), ports=(), fibres=tuple(replace(f, port="") for f in out.fibres),
        vnics=tuple(replace(v, port=_SCANNED_PORT, percent=None) for v in _vnics(Wiring(estate))),
        vioses=tuple(replace(v, msp=None) for v in out.vioses),
        lpars=tuple(replace(p, preferred_mode="", error_path_reporting=None, workload_group="",
                            huge_pages=None, pool_id=None, **_NOT_LISTED | {
                                "sriov_ports": p.sriov_ports or None, "vnic_adapters": p.vnic_adapters or None},
                            vtpm=None, never_activated=None) for p in out.lpars),
        zonings=tuple(replace(z, reserve_policy="") for z in out.zonings))


def _rest_states(estate: Estate) -> Estate:
    """REST objects of systems, partitions, VIOSes, pools, switches, bridges and adapters.

    Lost besides: the console; workload group, LHEA ports and BSR arrays of partitions.
    """
    out = _console_output(estate, console="")
    served = [s.vios for s in Wiring(estate).vfchosts]
    return out.replace(
        bridges=tuple(replace(b, switch_mode="VEB") for b in out.bridges), vnics=tuple(_vnics(Wiring(estate))),
        ports=tuple(replace(p, free_ports=FC_PORTS - served.count(p.vios)) for p in out.ports),
        lpars=tuple(replace(p, workload_group="", physical_io=bool(p.physical_adapters), lhea=None, bsr_arrays=None,
                            never_activated=None)
                    for p in out.lpars))


_CARRIED: dict[str, Callable[[Estate], Estate]] = {
    "workbook": _all, "json": _all, "lparstat": _all, "table": _all, "hmc-files": _hmc_without_host,
    "hmc-scripts": _scripts_state, "hmc-sessions": _hmc_states, "hmc-collected": _hmc_states, "scanner": _scanner_states,
    "rest": _rest_states,
}
