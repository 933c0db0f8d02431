"""The seed's checklist before and after a move, per LPAR, by what runs on it.

Source: the seed talk (crontab health checks, hcheck_interval, RMC, errpt, NIM, SAP); PowerHA and Veritas: see
docs/facts.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.estate.model import Lpar


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do or to look at, with the command where there is one."""

    text: str
    command: str = ""


def runs(lpar: Lpar, *products: str) -> bool:
    """Whether one of these products is in its software list (by the beginning of the name)."""
    return any(s.casefold().startswith(p) for s in lpar.software for p in products)


def _is_aix(lpar: Lpar) -> bool:
    return lpar.os in ("AIX", "")


def before(lpar: Lpar, disks: int) -> list[Item]:
    """What to do on the LPAR before its move."""
    items = [Item("Change Request approved, owner told, quiet period confirmed")]
    if _is_aix(lpar):
        items += [
            Item("Health-check scripts off in root's crontab (comment them out)", "crontab -e"),
            Item(f"Disk health checks: note the interval of each of its {disks} disk(s)" if disks else
                 "Disk health checks: note the interval", "lsattr -El hdiskX -a hcheck_interval"),
            Item("Disk health checks off (-P as the talk has it takes effect at the next restart; AIX that knows -U "
                 "changes it at once)", "chdev -l hdiskX -a hcheck_interval=0 -P"),
            Item("Note the hardware identifier", "lsattr -El sys0 -a systemid; lsconf | grep 'Serial Number'"),
            Item("All paths enabled, error log clean", "lspath; errpt | head"),
            Item("RMC active", "lsrsrc IBM.MCP | grep -E 'Status|NodeID'"),
        ]
    elif lpar.os == "Linux":
        items += [Item("Note the hardware identifier", "grep -E 'serial|system_type' /proc/ppc64/lparcfg"),
                  Item("RMC active", "rmcdomainstatus -s ctrmc"), Item("All paths enabled", "multipath -ll")]
    elif lpar.os == "IBM i":
        items += [Item("Note the system value", "DSPSYSVAL QSRLNBR"), Item("No tape or optical in use")]
    return items + [i for products, what in _BEFORE if runs(lpar, *products) for i in what]


def after(lpar: Lpar, *, permanent: bool) -> list[Item]:
    """What to look at and to undo after its move."""
    items: list[Item] = []
    if _is_aix(lpar):
        items += [
            Item("Hardware identifier has changed", "lsattr -El sys0 -a systemid"),
            Item("Error log: expected are DE3B8540 PATH HAS FAILED (one per disk), A5E6DB96 Client Partition Migration "
                 "Completed, CC40E579 ELECTRICAL POWER RESUMED; anything else is to be looked into",
                 "errpt | head -30"),
            Item("All paths enabled again", "lspath"),
            Item("Disk health checks on again, with the interval noted before (60 in the talk)",
                 "chdev -l hdiskX -a hcheck_interval=60 -P"),
            Item("Health-check scripts on again in root's crontab", "crontab -e"),
            Item("topas and other monitors restart by themselves; figures of the move itself mean little"),
            Item("NIM: client-initiated operations fail on the CPU id check until it is reset",
                 "smitty nim_cpuid_validate (on the NIM master), or register the client again"),
        ]
    elif lpar.os == "Linux":
        items += [Item("Hardware identifier has changed", "grep -E 'serial|system_type' /proc/ppc64/lparcfg"),
                  Item("All paths enabled, kernel log clean", "multipath -ll; dmesg | tail -30")]
    elif lpar.os == "IBM i":
        items += [Item("System value and licence keys", "DSPSYSVAL QSRLNBR; WRKLICINF")]
    items += [i for products, what in _AFTER if runs(lpar, *products) for i in what]
    items.append(Item("Other licensed products that are tied to the hardware identifier still run"))
    if permanent:
        items.append(Item("It stays: update VIOS and LPAR documentation, layout diagrams, backups (mksysb, Legato)"))
    return items


_BEFORE: tuple[tuple[tuple[str, ...], tuple[Item, ...]], ...] = (
    (("sap",), (Item("SAP Basis: note the hardware key", "transaction SLICENSE; ST06"),)),
    (("powerha", "hacmp"), (Item("PowerHA: 7.2 and later handle the move by LPM_POLICY; before 7.2 unmanage the "
                                 "resource groups", "clmgr query cluster | grep -i LPM"),)),
    (("vcs", "veritas"), (Item("Veritas: raise the LLT timeout on every node", "lltconfig -T peerinact:9000"),)),
)
"""By products."""
_AFTER: tuple[tuple[tuple[str, ...], tuple[Item, ...]], ...] = (
    (("sap",), (
        Item("SAP: the hardware key has changed; the instance keeps its licence until it is restarted. Request a new "
             "key before the next restart", "transaction SLICENSE; service.sap.com/licensekey"),
        Item("SAP: system log, OS collector log, Unix log, database log", "transactions SM21, ST06, ST04N"))),
    (("oracle",), (Item("Oracle: no error in the alert log", "tail -f alert_SID.log"),)),
    (("powerha", "hacmp"), (Item("PowerHA: manage the resource groups again; the cluster is stable",
                                 "lssrc -ls clstrmgrES | grep state"),)),
    (("vcs", "veritas"), (Item("Veritas: LLT timeout back on every node", "lltconfig -T peerinact:1600"),)),
)
