"""What is done before and after a move on the LPAR itself: a list for each kind of LPAR, printed once.

Sources: the seed talk (crontab, hcheck_interval, errpt, DRMGR phases, IBM.CSMAgentRM_dr.sh, NIM, SAP). IBM's pages:
chdev (AIX 7.1 and 7.2 have -U, which changes a disk in use; -P changes the database alone until the next restart),
rmcdomainstatus, PowerHA 7.2 ha_admin_live_partition_var (LPM_POLICY, HEARTBEAT_FREQUENCY_DURING_LPM), FLASH10640 (HACMP
5.x: unmanage), IBM i QIBM_QWC_SUSPEND and nas8N1011014, hybrid network virtualisation (linux-on-systems: a bond of port
and backup). RMC class by AIX level: site notes that agree with the talk's. Veritas: InfoScale 7.3 (peerinact).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from planner.estate.model import Lpar
from planner.rules.versions import below, split_product


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do or to look at, with the command where there is one."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """What is done before and after the move of each LPAR that it is for."""

    key: str
    title: str
    applies: Callable[[Lpar], bool]
    before: tuple[Item, ...]
    after: tuple[Item, ...]
    alarms: str = ""
    """What of it gives alarms while it moves, in a monitoring of the site."""


def lists_of(lpar: Lpar) -> list[Checklist]:
    """The lists that an LPAR needs, in the order in which they are printed."""
    return [one for one in CHECKLISTS if one.applies(lpar)]


def lists_for(lpars: Iterable[Lpar]) -> list[Checklist]:
    """The lists that at least one of these LPARs needs."""
    wanted = {one.key for lpar in lpars for one in lists_of(lpar)}
    return [one for one in CHECKLISTS if one.key in wanted]


def needs_rmc(lpar: Lpar) -> bool:
    """Whether its moves go through RMC: those of IBM i do not."""
    return lpar.os != "IBM i"


def _runs(*products: str) -> Callable[[Lpar], bool]:
    """Whether one of these products is in the software list (by the beginning of the name)."""
    return lambda lpar: any(s.casefold().startswith(p) for s in lpar.software for p in products)


def _is_aix(lpar: Lpar) -> bool:
    return lpar.os in ("AIX", "")


def _aix(older: bool) -> Callable[[Lpar], bool]:
    """AIX below 7.1, or from 7.1 on; of an unknown level: both."""
    return lambda lpar: _is_aix(lpar) and below(lpar.os_level, "7.1") in (older, None)


def _powerha(older: bool) -> Callable[[Lpar], bool]:
    """PowerHA (HACMP) below 7.2, or from 7.2 on; of an unknown level: both."""
    def applies(lpar: Lpar) -> bool:
        versions = [split_product(s)[1] for s in lpar.software if s.casefold().startswith(("powerha", "hacmp"))]
        return any(below(v, "7.2") in (older, None) for v in versions)
    return applies


def _migratable_port(lpar: Lpar) -> bool:
    return bool(lpar.migratable_sriov_ports)


_RMC = "/usr/sbin/rsct/bin/rmcdomainstatus -s ctrmc"
_SERIAL = "grep -E 'serial|system_type' /proc/ppc64/lparcfg"

CHECKLISTS = (
    Checklist("ALL", "every LPAR", lambda _: True, (
        Item("Change Request approved, owner told, quiet period confirmed"),), (
        Item("It answers from another subnet. It announces its MAC address at its new place (gratuitous ARP); if it "
             "does not answer, a switch still has the old port: ping the gateway from the LPAR, then look at the "
             "switch's MAC table for its VLANs", "ping -c 3 GATEWAY"),
        Item("Other licensed products that are tied to the hardware identifier still run")),
        alarms="ping and agents (it stands still for seconds), its link to the console"),
    Checklist("AIX", "every AIX LPAR", _is_aix, (
        Item("Health-check scripts off in root's crontab (comment them out)", "crontab -e"),
        Item("Note the health-check interval of each disk (how many: table of the moves)",
             "lsattr -El hdiskX -a hcheck_interval"),
        Item("Note the hardware identifier", "lsattr -El sys0 -a systemid; lsconf | grep 'Serial Number'"),
        Item("All paths enabled, error log clean", "lspath; errpt | head"),
        Item("RMC active: the line of its console begins with I A", _RMC),
        Item("Follow the move in syslog: CHECK, PRE, KERNEL, POST, then 'End: DR PMIG operation'; an application that "
             "has not handled its signals holds it up", "tail -f /var/log/syslog"),
        ), (
        Item("Hardware identifier has changed", "lsattr -El sys0 -a systemid"),
        Item("Error log: expected are DE3B8540 PATH HAS FAILED (one per disk), A5E6DB96 Client Partition Migration "
             "Completed, CC40E579 ELECTRICAL POWER RESUMED; anything else is to be looked into", "errpt | head -30"),
        Item("Syslog ends with 'End: DR PMIG operation'", "grep -E 'DRMGR|PMIG' /var/log/syslog | tail"),
        Item("All paths enabled again", "lspath"),
        Item("Health-check scripts on again in root's crontab", "crontab -e"),
        Item("topas and other monitors restart by themselves; figures of the move itself mean little"),
        Item("NIM: client-initiated operations fail on the CPU id check until it is reset, or the client registered "
             "again (on the NIM master)", "smitty nim_cpuid_validate")),
        alarms="error log and paths (PATH HAS FAILED, one a disk), inventory by hardware identifier"),
    Checklist("AIX-6", "AIX below 7.1", _aix(True), (
        Item("Disk health checks: without chdev -U (documented from AIX 7.1 on) a disk in use cannot be changed. -P "
             "does nothing now, it takes effect at the next restart: restart the LPAR after it, before the "
             "night, or leave it and expect PATH HAS FAILED",
             "chdev -l hdiskX -a hcheck_interval=0 -P"),
        Item("RMC class", "lsrsrc IBM.ManagementServer"),
        Item("Known problem, 'Refresh of IBM.ManagementServer resource failed': the script belongs to root.system",
             "ls -l /usr/lib/dr/scripts/all/IBM.CSMAgentRM_dr.sh")), (
        Item("Disk health checks: if they were set to 0, back to the interval noted before (the command has 60); it "
             "takes effect at the next restart", "chdev -l hdiskX -a hcheck_interval=60 -P"),
        Item("DD42A684 DRMGR 'DR script related Message' in the error log is that known problem",
             "chown root.system /usr/lib/dr/scripts/all/IBM.CSMAgentRM_dr.sh"))),
    Checklist("AIX-7", "AIX 7.1 and later", _aix(False), (
        Item("Disk health checks off at once with -U, if lsattr shows True+ for the attribute; where it does not, -P "
             "would do nothing before the next restart: leave them", "chdev -l hdiskX -a hcheck_interval=0 -U"),
        Item("RMC class", "lsrsrc IBM.MCP | grep -E 'Status|NodeID'")), (
        Item("Disk health checks on again, with the interval noted before (the command has 60)",
             "chdev -l hdiskX -a hcheck_interval=60 -U"),)),
    Checklist("LINUX", "Linux", lambda p: p.os == "Linux", (
        Item("Note the hardware identifier", _SERIAL), Item("RMC active", "rmcdomainstatus -s ctrmc"),
        Item("All paths enabled", "multipath -ll")), (
        Item("Hardware identifier has changed", _SERIAL),
        Item("All paths enabled, kernel log clean", "multipath -ll; dmesg | tail -30")),
        alarms="kernel log and paths, inventory by hardware identifier"),
    Checklist("HNV", "migratable SR-IOV ports (hybrid network virtualisation)", _migratable_port, (
        Item("The bond has its SR-IOV port and its backup device, both up: over the backup alone it stays on the "
             "network while it moves", "cat /proc/net/bonding/*"),), (
        Item("The SR-IOV port is in the bond again and carries the traffic; where the target had none for it, the LPAR "
             "runs over its backup", "cat /proc/net/bonding/*"),),
        alarms="link of the bond's ports"),
    Checklist("IBMI", "IBM i (moves without RMC)", lambda p: p.os == "IBM i", (
        Item("Restricted I/O: all of it virtual. Tapes, opticals and their libraries varied off",
             "WRKCFGSTS CFGTYPE(*DEV)"),
        Item("Programs at the exit points of a suspend allow it", "WRKREGINF EXITPNT(QIBM_QWC_SUSPEND)"),
        Item("Note the system value, have licence keys for the target's serial number", "DSPSYSVAL QSRLNBR")), (
        Item("System value has changed, licence keys", "DSPSYSVAL QSRLNBR; WRKLICINF"),
        Item("Programs of the resume ended well, system operator's messages", "DSPMSG QSYSOPR")),
        alarms="system operator's messages, inventory by serial number"),
    Checklist("SAP", "SAP", _runs("sap"), (
        Item("SAP Basis: note the hardware key", "transaction SLICENSE; ST06"),), (
        Item("The hardware key has changed; the instance keeps its licence until it is restarted. Request a new key "
             "before the next restart (service.sap.com/licensekey)", "transaction SLICENSE"),
        Item("System log, OS collector log, Unix log, database log", "transactions SM21, ST06, ST04N")),
        alarms="availability and licence of the instances"),
    Checklist("ORACLE", "Oracle", _runs("oracle"), (), (Item("No error in the alert log", "tail -f alert_SID.log"),),
        alarms="availability of the databases"),
    Checklist("HA-7.2", "PowerHA 7.2 and later", _powerha(False), (
        Item("LPM_POLICY is manage (or unmanage where the site wants no monitoring meanwhile); node failure detection "
             "during the move: 600 s if unset, and above the stand-still in the table of the moves",
             "clmgr query cluster | grep -iE 'LPM'"),
        Item("Set both", "clmgr modify cluster LPM_POLICY=manage HEARTBEAT_FREQUENCY_DURING_LPM=600")), (
        Item("The cluster is stable (ST_STABLE), resource groups where they were", "lssrc -ls clstrmgrES | grep state; "
             "clRGinfo"),),
        alarms="cluster events"),
    Checklist("HA-OLD", "HACMP and PowerHA below 7.2", _powerha(True), (
        Item("It knows no LPM_POLICY: stop cluster services on this node with 'Unmanage Resource Groups' (may stay "
             "managed where heartbeats have their default values and the stand-still in the table of the moves is "
             "shorter than the failure detection)", "smitty clstop"),
        Item("Failure detection rate of the heartbeat networks", "lssrc -ls topsvcs")), (
        Item("Cluster services started again, resource groups managed", "smitty clstart"),
        Item("The cluster is stable (ST_STABLE), resource groups where they were", "lssrc -ls clstrmgrES | grep state; "
             "clRGinfo")),
        alarms="cluster events"),
    Checklist("VCS", "Veritas Cluster Server", _runs("vcs", "veritas"), (
        Item("Raise the LLT timeout on every node (90 s)", "lltconfig -T peerinact:9000"),), (
        Item("LLT timeout back on every node", "lltconfig -T peerinact:1600"),),
        alarms="cluster events"),
)
PERMANENT = Item("For those that stay: documentation of VIOSes and LPARs, layout diagrams, backups (mksysb, Legato)")
