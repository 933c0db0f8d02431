"""Rules on what an LPAR uses and both servers, their consoles or VIOSes must be able to take."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from planner.estate.catalogue import older
from planner.estate.model import Lpar, Server
from planner.findings import Severity
from planner.names import quoted
from planner.rules.base import ANYHOW, MIGRATIONS, UNTIL_WORK, Breach, Scope, rule, unknown
from planner.rules.firmware import CONSOLE, least_console
from planner.rules.site import Site, is_ibm_i
from planner.rules.versions import below, firmware_release


def console_needed(site: Site, server: str, wanted: str, what: str) -> Iterator[Breach]:
    """What a device demands of the level of a server's console; an unknown one is told by server.console-firmware where
    the firmware wants no less."""
    found = site.servers[server].console_level
    low = below(found, wanted)
    if low is None and below(least_console(site.servers[server].firmware), wanted) is not False:
        yield unknown(f"{what} needs console level {wanted}; that of the console of {server} is unknown", CONSOLE)
    elif low:
        yield Breach(f"{what} needs console level {wanted}; that of {server} has {found}", "update the console")


def vios_needed(site: Site, vios: str, wanted: str, what: str, fix: str) -> Iterator[Breach]:
    """What a device demands of the level of a VIOS."""
    found = site.vioses[vios].level if vios in site.vioses else ""
    low = below(found, wanted)
    if low is None:
        yield unknown(f"{what} needs VIOS level {wanted}; that of {vios} is unknown", f"on {vios}: ioslevel")
    elif low:
        yield Breach(f"{what} needs VIOS level {wanted}; {vios} has {found}", fix)


def firmware_needed(site: Site, server: str, wanted: int, what: str) -> Iterator[Breach]:
    """What a device demands of a server's firmware release; an unknown level is told by server.firmware."""
    release = firmware_release(site.servers[server].firmware)
    if release and release[0] < wanted:
        yield Breach(f"{what} needs firmware FW{wanted}; {server} has {site.servers[server].firmware}",
                     f"update the firmware of {server}")


@dataclass(frozen=True, slots=True)
class _Capability:
    """What an LPAR may use: the server's field that says whether it has that, and the oldest generation that may."""

    what: str
    used: Callable[[Lpar], bool]
    field: str
    oldest: str
    settle: str
    severity: Severity | None = None
    then: str = "choose another server, or switch it off in its profile and restart it"
    """What is to be done where the target does not have it."""


_RESTART = _Capability("simplified remote restart", lambda p: bool(p.simplified_remote_restart),
                       "remote_restart_capable", "POWER8", "lssyscfg -r sys -m {} -F name,capabilities",
                       Severity.WARNING, "migrlpar --requirerr 2 moves it; it cannot be restarted remotely there")
_REST = "ask the console for REST ManagedSystem ({}), or state it in sheet Servers"
_PPT_DEFAULT = 4096
_CAPABILITIES = (
    _Capability("Active Memory Expansion", lambda p: (p.memory_expansion_percent or 0) > 100,
                "memory_expansion_capable", "POWER7", "lssyscfg -r sys -m {} -F name,active_mem_expansion_capable"),
    _Capability("secure boot", lambda p: bool(p.secure_boot), "secure_boot_capable", "POWER9",
                _REST.format("PartitionSecureBootCapable")),
    _Capability("virtual persistent memory", lambda p: bool(p.persistent_memory), "persistent_memory_capable", "POWER9",
                _REST.format("LogicalPartitionPersistentMemoryMigrationCapable")),
    _RESTART,
    _Capability("a physical page table (PPT) ratio of its own", lambda p: p.ppt_ratio not in (None, _PPT_DEFAULT),
                "ppt_ratio_capable", "POWER9", _REST.format("CustomPhysicalPageTableRatioCapable"), Severity.WARNING,
                "it moves and loses its ratio there: note it, and set it again in its profile"))


def _lacks(row: Server, c: _Capability) -> bool:
    return getattr(row, c.field) is False or older(row.generation, c.oldest)


def lacks_restart(row: Server) -> bool:
    """Whether a server is known to be without simplified remote restart."""
    return _lacks(row, _RESTART)


def _used(site: Site, lpar: str) -> Hashable:
    return tuple(c.used(site.lpars[lpar]) for c in _CAPABILITIES)


@rule("partition.capability", "What the LPAR uses, the target has: memory expansion, secure boot, persistent memory, "
      "remote restart, its page table ratio.", Scope.MOVE, binds=ANYHOW, shape=_used,
      source="pypowervm capability flags; PowerVC 2.3 migration requirements (secure boot); migrlpar P9 (--requirerr); "
      "IBM POWER9 p9hc3_pptscenarios (a server that does not support it loses it)",
      reads="lpars.memory_expansion_percent lpars.secure_boot lpars.persistent_memory "
            "target.memory_expansion_capable target.secure_boot_capable "
            "target.persistent_memory_capable target.generation")
def capability(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    for c in _CAPABILITIES:
        row = site.servers[target]
        if not c.used(site.lpars[lpar]):
            continue
        if _lacks(row, c):
            yield Breach(f"uses {c.what}, which {target} does not have", c.then, c.severity)
        elif getattr(row, c.field) is None:
            yield unknown(f"uses {c.what}; whether {target} has it is unknown", c.settle.format(quoted(target)))


def _vtpm(site: Site, lpar: str) -> Hashable:
    return bool(site.lpars[lpar].vtpm)


@rule("partition.vtpm", "An LPAR with a virtual TPM moves between servers that share the trusted system key.",
      Scope.MOVE, binds=MIGRATIONS, shape=_vtpm,
      source="IBM 9009-42A p9edm chtskey; kernel.org bindings ibm,vtpm (that both need one key: assumed)",
      reads="lpars.vtpm source.trusted_key target.trusted_key")
def vtpm(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    if not site.lpars[lpar].vtpm:
        return
    a, b = (site.servers[s].trusted_key for s in (source, target))
    if not a or not b:
        yield unknown(f"has a vTPM; whether {' and '.join(sorted((source, target)))} share the trusted system key is "
                      "unknown", "the validation of its way out shows it (migrlpar -o v); set with chtskey, shown by "
                      "lstskey; state it in sheet Servers, Trusted system key")
    elif a != b:
        yield Breach(f"has a vTPM; {source} and {target} have different trusted system keys",
                     "chtskey on one of them, with all its vTPM LPARs down")


MIGRATABLE_SINCE, MIGRATES_SRIOV = "V9R2M950", ("--migsriov", "1")
"""The HMC level that knows migratable SR-IOV ports, and the option of its migrlpar that moves them."""


def _migratable(site: Site, lpar: str) -> Hashable:
    return bool(site.lpars[lpar].migratable_sriov_ports)


@rule("partition.migratable-sriov", "Migratable SR-IOV ports move between servers and consoles that know hybrid "
      "network virtualisation.", Scope.MOVE, binds=UNTIL_WORK, shape=_migratable,
      source="IBM linux-on-systems hybrid-network-virtualization: FW950, HMC V9R2M950; community blog 2025-09-29; "
      "migrlpar P9 man page and IBM's op-test (--migsriov 1)",
      reads="lpars.migratable_sriov_ports source.firmware target.firmware target.console_level")
def migratable_sriov(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    if not site.lpars[lpar].migratable_sriov_ports:
        return
    what = "a migratable SR-IOV port"
    for server in (source, target):
        yield from firmware_needed(site, server, 950, what)
        yield from console_needed(site, server, MIGRATABLE_SINCE, what)
    yield Breach(f"runs over the backup adapter of its migratable SR-IOV port on the way; {target} needs an SR-IOV "
                 "port for it", f"lshwres -r sriov --rsubtype physport -m {quoted(target)}; it moves with migrlpar "
                 f"{' '.join(MIGRATES_SRIOV)}", Severity.INFO)


@rule("partition.ibm-i", "IBM i moves between POWER7 or later servers whose firmware, console and mobility capability "
      "are new enough, from 7.1 TR4 on.", Scope.MOVE, binds=MIGRATIONS, shape=is_ibm_i,
      source="IBM nas8N1011014; IBM support live-partition-mobility; pypowervm can_lpm",
      reads="lpars.os source.generation target.generation source.firmware target.firmware "
            "source.ibmi_mobility_capable target.ibmi_mobility_capable")
def ibm_i(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    if site.lpars[lpar].os != "IBM i":
        return
    for name in (source, target):
        row = site.servers[name]
        if row.generation.startswith("POWER6"):
            yield Breach(f"runs IBM i; {name} is {row.generation}", "IBM i needs POWER7 on both sides")
            continue
        yield from firmware_needed(site, name, 730, "IBM i")
        if row.ibmi_mobility_capable is False:
            yield Breach(f"runs IBM i, which {name} cannot move", f"lssyscfg -r sys -m {quoted(name)}: "
                         "os400_lpar_mobility_capable; update firmware and console")
        elif row.ibmi_mobility_capable is None:
            yield unknown(f"runs IBM i; whether {name} can move it is unknown",
                          f"lssyscfg -r sys -m {quoted(name)} -F name,os400_lpar_mobility_capable")
            if older(row.generation, "POWER8"):  # later servers are managed by later consoles
                yield from console_needed(site, name, "V7R7.5", "IBM i")


@rule("partition.restricted-io", "IBM i that moves is a restricted I/O partition.", Scope.LPAR, binds=MIGRATIONS,
      source="IBM support live-partition-mobility (IBM i); pypowervm can_lpm",
      reads="lpars.os lpars.restricted_io")
def restricted_io(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    if p.os != "IBM i" or p.restricted_io:
        return
    if p.restricted_io is None:
        yield unknown("runs IBM i; whether it is a restricted I/O partition is unknown",
                      f"lssyscfg -r lpar -m {quoted(p.server)} -F name,os400_restricted_io_mode")
    else:
        yield Breach("runs IBM i with unrestricted I/O", "set restricted I/O in its profile and restart it")
