"""What an estate still lacks for planning, and the command that would give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.estate.model import Estate


@dataclass(frozen=True, slots=True)
class Lack:
    """A fact that some rows lack: which, for whom, and the command (or sheet) that states it."""

    fact: str
    names: tuple[str, ...]
    of: int
    command: str


_WORKBOOK = "no export says it: fill the sheet"
_WANTED: tuple[tuple[str, str, str, str], ...] = (
    ("servers", "firmware_memory_mib", "hypervisor memory", "lshwres -r mem -m SYSTEM --level sys"),
    ("servers", "lmb_mib", "logical memory block", "lshwres -r mem -m SYSTEM --level sys"),
    ("servers", "generation", "processor generation (type-model)", "lssyscfg -r sys"),
    ("servers", "enterprise", "PowerVM Enterprise", "lssyscfg -r sys (active_lpar_mobility_capable)"),
    ("servers", "firmware", "firmware level", "lslic -m SYSTEM -t sys"),
    ("servers", "console", "console", f"{_WORKBOOK} Servers"),
    ("vioses", "msp", "mover service partition", "lssyscfg -r lpar -m SYSTEM -F name,msp --header"),
    ("vioses", "rmc_active", "RMC of the VIOS", "lssyscfg -r lpar -m SYSTEM"),
    ("vioses", "link_mbit", "speed of the mover's link", f"{_WORKBOOK} VIOS"),
    ("lpars", "lpar_id", "partition id", "lssyscfg -r lpar -m SYSTEM"),
    ("lpars", "state", "state", "lssyscfg -r lpar -m SYSTEM"),
    ("lpars", "rmc_active", "RMC of the LPAR", "lssyscfg -r lpar -m SYSTEM"),
    ("lpars", "current_mode", "processor mode", "lssyscfg -r lpar -m SYSTEM (curr_lpar_proc_compat_mode)"),
    ("lpars", "environment", "production or not", f"{_WORKBOOK} LPARs"),
)
_PROC, _MEM = (f"lshwres -r {what} -m SYSTEM --level {{}}" for what in ("proc", "mem"))
_SIZES: tuple[tuple[str, str, str, str], ...] = tuple(
    (kind, field, f"{what} of the {one}", command.format(level))
    for kind, one, level, cores, memory in (
        ("servers", "server", "sys", "configurable_units", "configurable_memory_mib"),
        ("vioses", "VIOS", "lpar", "entitlement_units", "memory_mib"),
        ("lpars", "LPAR", "lpar", "entitlement_units", "memory_mib"))
    for field, what, command in ((cores, "cores", _PROC), (memory, "memory", _MEM)))
"""What 0 stands for where nothing states it; an LPAR that is not activated may hold nothing."""


def missing(estate: Estate) -> list[Lack]:
    """The lacks, those of whole tables first."""
    out = _tables(estate)
    for kind, field, fact, command in _SIZES:
        things: tuple[Any, ...] = getattr(estate, kind)
        if names := tuple(r.name for r in things if not getattr(r, field) and getattr(r, "active", True)):
            out.append(Lack(fact, names, len(things), command))
    for kind, field, fact, command in _WANTED:
        rows: tuple[Any, ...] = getattr(estate, kind)
        names = tuple(r.name for r in rows if getattr(r, field) in (None, ""))
        if field == "generation" and all(r.model for r in rows if r.name in names):
            command = "the model is not in the catalogue: fill the sheet Servers"
        if names:
            out.append(Lack(fact, names, len(rows), command))
    return out


def _without_bridges(estate: Estate) -> list[str]:
    """The servers of which no VIOS is known to bridge a VLAN."""
    bridging = {b.vios for b in estate.bridges}
    return sorted({s.name for s in estate.servers} - {v.server for v in estate.vioses if v.name in bridging})


def _tables(estate: Estate) -> list[Lack]:
    lpars, networked = tuple(p.name for p in estate.lpars), estate.networked
    stored = {d.lpar for d in estate.disks if d.backing != "unknown"} | {f.lpar for f in estate.fibres}
    seen = {z.vios for z in estate.zonings}
    clients = {d.vios for d in estate.disks}
    unmapped = sorted({d.vios for d in estate.disks if d.backing == "unknown"})
    lacks = (
        ("VLANs of the LPAR", [n for n in lpars if n not in networked], len(lpars),
         "lshwres -r virtualio --rsubtype eth --level lpar -m SYSTEM"),
        ("disks of the LPAR", [n for n in lpars if n not in stored], len(lpars),
         "lsmap -all and lsmap -all -npiv on each VIOS; lshwres -r virtualio --rsubtype scsi (and fc) --level lpar"),
        ("what hangs on the slots that the VIOS serves", unmapped, len(clients), "lsmap -all on it"),
        ("disks that the VIOS sees", sorted(clients - seen), len(clients),
         "lspv and lsdev -dev hdiskN -attr on each VIOS"),
        ("VLANs that a server bridges",
         _without_bridges(estate), len(estate.servers),
         "entstat -all SEA on each VIOS, or lshwres -r virtualio --rsubtype eth --level lpar"),
        ("reserve policy of the LUNs", sorted({z.lun for z in estate.zonings if not z.reserve_policy}),
         len({z.lun for z in estate.zonings}), "lsdev -dev hdiskN -attr on each VIOS"),
    )
    return [Lack(fact, tuple(names), of, command) for fact, names, of, command in lacks if names]
