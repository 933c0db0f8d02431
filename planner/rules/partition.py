"""Rules on the partition itself: state, RMC, physical devices, name and id."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from planner.estate.changes import DropRow, Repair, SetTo, set_to
from planner.estate.consoles import is_ivm
from planner.estate.model import MIGRATING, Lpar
from planner.findings import Severity
from planner.names import commands_on, lpar_filter, quoted
from planner.rules.base import (
    ANYHOW,
    MIGRATIONS,
    UNTIL_WORK,
    Alternatives,
    Breach,
    Lifts,
    On,
    Scope,
    any_of,
    rule,
    unknown,
    untold,
)
from planner.rules.site import Site, own_name, plain_name, typed

ID_FREE = "partition.id-free"
"""Told of a plan by its replay, which knows who holds an id when the LPAR arrives."""
_TABLE = "IBM POWER7 iphc3hmcvalidation and its IVM edition iphc3ivmvalidation"


def _lifted(kind: str, name: str, value: object, words: str, *commands: str) -> Lifts:
    """One field of the LPAR's row is altered; ``{lpar}`` and ``{server}`` stand in the texts."""
    def lifts(site: Site, lpar: str) -> Iterator[Alternatives]:
        named = {"lpar": typed(site, lpar), "server": quoted(site.lpars[lpar].server)}
        yield any_of(set_to(kind, "lpars", lpar, name, value, words=words.format(lpar=lpar),
                            commands=[c.format(**named) for c in commands]))
    return lifts


@rule("partition.client", "A VIOS never moves.", Scope.LPAR, binds=ANYHOW - {On.FAILOVER},
      source="aix-skills 2020-04 IBM System p LPM (a mobile partition must not be a VIOS)",
      reads="lpars.os")
def client(site: Site, lpar: str) -> Iterator[Breach]:
    if lpar in site.vioses or site.lpars[lpar].os.upper() == "VIOS":
        yield Breach("is a Virtual I/O Server", "it stays; its server's firmware work must expect that")


_RECOVER = "see how far it is: {far}; when it hangs, stop it and recover it on its source: {recover}"
_TO_RUN = dict.fromkeys(MIGRATING, _RECOVER) | {
    "not available": "its server is not Operating (lssyscfg -r sys -F name,state): mend that first",
    "error": "look at its reference code: {reference}",
    "unknown": "lssyscfg -r lpar -m {server} -F name,state says it"}


@rule("partition.running", "An LPAR that is moved live is running; one that is migrated inactive is not activated.",
      Scope.LPAR, binds=MIGRATIONS, source=f"{_TABLE}; seed",
      lifts=_lifted("start", "state", "running", "start {lpar}, or recover it"),
      reads="lpars.state")
def running(site: Site, lpar: str) -> Iterator[Breach]:
    state, query = site.lpars[lpar].state, f"lssyscfg -r lpar -m {quoted(site.lpars[lpar].server)} -F name,state"
    if not state:
        yield unknown("whether it is running is unknown", query)
    elif state not in ("running", "not activated"):
        fix = _TO_RUN.get(state, "start it, or leave it: a partition that is not activated holds nothing")
        own, server = own_name(site, lpar), quoted(site.lpars[lpar].server)
        name = quoted(own)
        yield Breach(f"is {state}", fix.format(
            server=server, far=commands_on(own, f"lslparmigr -r lpar -m {server} {lpar_filter(own)}"),
            reference=commands_on(own, f"lsrefcode -r lpar -m {server} {lpar_filter(own)}"),
            recover=commands_on(own, f"migrlpar -o s -m SOURCE -p {name}; migrlpar -o r -m SOURCE -p {name}")))


@rule("partition.size-known", "An LPAR is planned when its processors and its memory are known.", Scope.LPAR,
      binds=ANYHOW, source="nothing else can be counted",
      reads="lpars.entitlement_units lpars.virtual_processors lpars.memory_mib")
def size_known(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    unknown = [what for what, size in (("processors", p.entitlement_units and p.virtual_processors),
                                       ("memory", p.memory_mib)) if not size]
    if unknown:
        never = "" if p.active else "; it may never have been activated"
        verb = "is" if unknown == ["memory"] else "are"
        yield untold(f"cannot be planned: its {' and '.join(unknown)} {verb} unknown{never}",
                     "add its sizes in sheet LPARs, or give lshwres and lssyscfg -r prof")


@rule("partition.activated-once", "An LPAR that is migrated inactive has been activated before, unless an IVM manages "
      "it: an HMC migrates the last activated profile.", Scope.LPAR, binds=MIGRATIONS,
      source="IBM POWER6 iphc3kickoff (never activated: not by an HMC, by an IVM)",
      reads="lpars.never_activated lpars.state")
def activated_once(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    if p.active or is_ivm(site.servers[p.server], [v.name for v in site.vioses_on(p.server)]):
        return
    if p.never_activated:
        yield Breach("was never activated, so there is no last valid configuration to migrate",
                     "activate it once (to its SMS menu is enough), or define it anew on the target")
    elif p.never_activated is None:
        yield unknown("whether it was ever activated is unknown",
                      f"lssyscfg -r lpar -m {quoted(p.server)} -F name,last_activated_profile,curr_profile")


def _owned(p: Lpar) -> Iterator[str]:
    """What of its server's hardware an LPAR has that does not go with it."""
    if p.physical_adapters or p.physical_io:
        yield "physical adapters"
    if p.lhea:
        yield "LHEA ports"
    if (p.sriov_ports or 0) > 0:
        yield "SR-IOV ports"
    if p.bsr_arrays:
        yield "BSR arrays"
    if p.huge_pages:
        yield "huge pages"


@rule("partition.hardware-left", "Physical adapters, LHEA and SR-IOV ports, BSR arrays and huge pages do not go with "
      "an LPAR that is migrated inactive: told for the day on which it is activated.", Scope.LPAR,
      severity=Severity.WARNING, binds=MIGRATIONS, encoding="adds risk_warning_s to the move's cost",
      source="IBM Power10 source-destination-servers (huge pages); HMC V7R3.4 help MigrationRequirements (I/O)")
def hardware_left(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    if not p.active and (owned := ", ".join(_owned(p))):
        yield Breach(f"has {owned}, which stay behind in an inactive migration",
                     "see to them on the target, or take them out of its profile, before it is activated there")


@rule("partition.rmc", "The LPAR's RMC connection to the console is active (IBM i needs none).", Scope.LPAR,
      source=f"{_TABLE}; seed; pypowervm can_lpm",
      lifts=_lifted("rmc", "rmc_active", True, "mend the RMC connection of {lpar}",
                    "on {lpar}: /usr/sbin/rsct/bin/rmcctrl -z; rmcctrl -A; rmcctrl -p"),
      reads="lpars.rmc_active")
def rmc(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    if p.os == "IBM i" or not p.active:
        return
    if p.rmc_active is False:
        yield Breach("has no active RMC connection",
                     "on the LPAR: /usr/sbin/rsct/bin/rmcctrl -z; rmcctrl -A; rmcctrl -p")
    elif p.rmc_active is None:
        yield unknown("whether its RMC connection is active is unknown",
                      f"lssyscfg -r lpar -m {quoted(p.server)} -F name,rmc_state")


@rule("partition.migration-disabled", "Migration is not switched off for the LPAR.", Scope.LPAR, binds=MIGRATIONS,
      source="IBM p8efc_partitiontemplate_lpmdisable; lssyscfg -r lpar (migration_disabled)",
      lifts=_lifted(
          "mobile", "migration_disabled", False, "switch the migration of {lpar} on, if its licences allow it",
          "chsyscfg -r lpar -m {server} -i name={lpar},migration_disabled=0"),
      reads="lpars.migration_disabled")
def migration_disabled(site: Site, lpar: str) -> Iterator[Breach]:
    if site.lpars[lpar].migration_disabled:
        yield Breach("migration is switched off for it (migration_disabled), often because of a licence",
                     f"ask the owner of its licences; then chsyscfg -r lpar -m {quoted(site.lpars[lpar].server)} -i "
                     + quoted(f"name={own_name(site, lpar)},migration_disabled=0"))


def _without_adapters(site: Site, lpar: str) -> Iterator[Alternatives]:
    edits = (SetTo("lpars", (lpar,), "physical_adapters", ()), SetTo("lpars", (lpar,), "physical_io", None))
    which = ", ".join(site.lpars[lpar].physical_adapters) or "which, no export says"
    yield any_of(Repair("adapters", lpar, f"take the physical adapters of {lpar} away, by DLPAR and from its profile "
                        f"({which})", edits))


@rule("partition.physical-io", "The LPAR owns no physical adapter.", Scope.LPAR, binds=UNTIL_WORK,
      source=f"{_TABLE}; seed",
      lifts=_without_adapters,
      reads="lpars.physical_adapters lpars.physical_io")
def physical_io(site: Site, lpar: str) -> Iterator[Breach]:
    adapters = site.lpars[lpar].physical_adapters
    if adapters or site.lpars[lpar].physical_io:
        yield Breach(f"owns physical adapters: {', '.join(adapters) or 'no export says which'}",
                     "remove them by DLPAR and from its profile")


@rule("partition.lhea", "The LPAR has no Logical Host Ethernet (LHEA) port.", Scope.LPAR, binds=UNTIL_WORK,
      source="seed, JS22 checklist",
      lifts=_lifted("profile", "lhea", None, "replace the LHEA ports of {lpar} by virtual Ethernet"),
      reads="lpars.lhea")
def lhea(site: Site, lpar: str) -> Iterator[Breach]:
    if site.lpars[lpar].lhea:
        yield Breach("has LHEA ports", "replace them by virtual Ethernet")


@rule("partition.sriov", "The LPAR has no SR-IOV logical port that is not migratable.", Scope.LPAR, binds=UNTIL_WORK,
      source="migrlpar P9 man page (physical I/O unless --migsriov; vNIC is allowed)",
      lifts=_lifted("profile", "sriov_ports", 0, "replace the SR-IOV ports of {lpar} by virtual Ethernet"),
      reads="lpars.sriov_ports lpars.migratable_sriov_ports")
def sriov(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    count = (p.sriov_ports or 0) - (p.migratable_sriov_ports or 0)
    if count > 0:
        yield Breach(f"has {count} SR-IOV logical port(s)", "replace them by vNIC or virtual Ethernet, or make them "
                     "migratable with a backup adapter (FW950); where they are: sheet LPARs, Migratable SR-IOV ports")


@rule("partition.bsr", "The LPAR has no barrier synchronisation register (BSR) array.", Scope.LPAR,
      source="IBM POWER8 p8hc3_hmcservers",
      lifts=_lifted("profile", "bsr_arrays", 0, "take the BSR arrays out of the profile of {lpar} and restart it"),
      reads="lpars.bsr_arrays")
def bsr(site: Site, lpar: str) -> Iterator[Breach]:
    count = site.lpars[lpar].bsr_arrays
    if count:
        yield Breach(f"has {count} BSR array(s)", "take them out of its profile and restart it")


@rule("partition.error-path", "The LPAR is not the redundant error path reporting partition.", Scope.LPAR,
      binds=MIGRATIONS, source=_TABLE,
      lifts=_lifted("profile", "error_path_reporting", False,
                               "switch error path reporting off in the profile of {lpar} and restart it"),
      reads="lpars.error_path_reporting")
def error_path(site: Site, lpar: str) -> Iterator[Breach]:
    if site.lpars[lpar].error_path_reporting:
        yield Breach("reports redundant error paths", "switch it off in its profile and restart it")


@rule("partition.workload-group", "The LPAR is in no partition workload group.", Scope.LPAR, binds=MIGRATIONS,
      source=_TABLE,
      lifts=_lifted("workload-group", "workload_group", "", "take {lpar} out of its workload group"),
      reads="lpars.workload_group")
def workload_group(site: Site, lpar: str) -> Iterator[Breach]:
    group = site.lpars[lpar].workload_group
    if group and group.casefold() != "none":
        yield Breach(f"is in workload group {group}", "take it out of the group")


def _namesake_shape(site: Site, lpar: str) -> Hashable:
    """Most are called as nobody else is, wherever they go."""
    return lpar if site.has_namesake(lpar) else None


def _without_namesakes(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    for name in site.named(plain_name(lpar), target):
        idle = name in site.lpars and not site.lpars[name].active
        if name != lpar:
            yield any_of(*([Repair("remove-profile", name, f"remove the profile {name}, which is not activated",
                                   (DropRow("lpars", (name,)),))] if idle else []))


@rule("partition.name-free", "No partition of the target has the LPAR's name.", Scope.MOVE, binds=ANYHOW,
      shape=_namesake_shape, source=f"{_TABLE}; seed",
      lifts=_without_namesakes,
      reads="lpars.server")
def name_free(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    plain = plain_name(lpar)
    if any(name != lpar for name in site.named(plain, target)):
        yield Breach(f"{target} already has a partition named {plain}", "rename or remove the one there")


@rule(ID_FREE, "The LPAR's partition id is free on the target; ids are best unique over all servers.",
      Scope.MOVE, binds=MIGRATIONS, severity=Severity.WARNING, shape=_namesake_shape,
      encoding="adds risk_warning_s to the move's cost, by who stands there at the start; told of a plan whose move "
               "has to take another id; a free one is chosen",
      source="seed, Known Problems: lsmap keeps showing the old id until the LPAR restarts")
def id_free(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    own = site.lpars[lpar].lpar_id
    taken = None if own is None else next((n for n in site.numbered(own, target) if n != lpar), None)
    if taken:
        yield Breach(f"partition id {own} is taken by {taken} on {target}: it will get another, and lsmap -all shows "
                     "the old one until it restarts", "give ids that are unique across all servers")
