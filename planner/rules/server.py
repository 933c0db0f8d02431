"""Rules on a pair of servers: edition, consoles, sites, firmware, movers."""

from __future__ import annotations

from collections.abc import Iterator

from planner.findings import Severity
from planner.rules.base import ANYHOW, Breach, Scope, rule, two_servers
from planner.rules.site import Site, is_ibm_i, storage_shape
from planner.rules.versions import below, firmware_release


@rule("server.enterprise", "Source and target have PowerVM Enterprise Edition.", Scope.MOVE, shape=two_servers,
      source="HMC V7R3.4 help MigrationRequirements; seed, JS22 checklist")
def enterprise(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for name in (source, target):
        if site.servers[name].enterprise is False:
            yield Breach(f"{name} has no PowerVM Enterprise Edition", f"enter the Enterprise key on {name}")


@rule("server.sizes-known", "Nobody is let in where the size of the server or of a running partition is unknown.",
      Scope.MOVE, binds=ANYHOW, shape=two_servers, source="what cannot be counted leaves nothing that is free")
def sizes_known(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    row = site.servers[target]
    unknown = [what for what, held in (("many cores", row.configurable_units),
                                       ("much memory", row.configurable_memory_mib)) if not held]
    if unknown:
        yield Breach(f"nothing says how {' and how '.join(unknown)} {target} has",
                     "add its sizes in sheet Servers, or give lshwres -r proc and -r mem --level sys")
    if target in site.unsized:
        yield Breach(f"what {site.unsized[target]} holds of {target} is unknown",
                     "add its processors and its memory in the workbook, or give lshwres --level lpar")


@rule("server.console", "Source and target are managed by one console, or by consoles that reach each other.",
      Scope.MOVE, binds=ANYHOW, shape=two_servers,
      source="seed: same HMC, DR site out of scope; HMC V7R3.4 on: two HMCs")
def console(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    a, b = site.servers[source].console, site.servers[target].console
    if a and b and a != b and frozenset((a, b)) not in site.policies.console_links:
        yield Breach(f"{source} is managed by {a}, {target} by {b}",
                     "set up SSH keys between the consoles (mkauthkeys --ip) and state the policy console-link")


@rule("server.site", "Source and target stand on one site, or on sites that are linked.", Scope.MOVE,
      binds=ANYHOW, shape=two_servers, source="seed: DR site out of scope")
def linked_site(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    a, b = site.servers[source].site, site.servers[target].site
    if a and b and a != b and frozenset((a, b)) not in site.policies.site_links:
        yield Breach(f"{source} stands in {a}, {target} in {b}", "state the policy site-link if that is allowed")


_P67 = (350, 710, 720, 730, 740, 760, 763, 770, 773, 780)
#: Rows of IBM's POWER6/POWER7 matrix: from → targets that are blocked.
_BLOCKED = {
    340: {730, 740, 760, 763, 770, 773, 780}, 710: {760, 763, 770, 773, 780}, 720: {770, 773, 780},
    760: {710}, 763: {710}, 770: {710, 720}, 773: {710, 720}, 780: {710, 720},
}


def firmware_mobile(source: str, target: str) -> bool | None:
    """Whether a partition may move between two firmware levels; None when the published matrices do not say.

    Sources: IBM firmware support matrices for partition mobility (8231-E2C p7hc3firmwaresupportmatrix; 8286-42A
    p8hc3_firmwaresupportmatrix; 9856-42H security-firmware-support-matrix-partition-mobility); eFW3.2 as the
    lowest level on POWER6: REDP-4798 p. 142.
    """
    a, b = firmware_release(source), firmware_release(target)
    if a is None or b is None:
        return None
    if a[0] < 320 or b[0] < 320:
        return False
    if a[0] == b[0]:
        return True
    era_a, era_b = _era(a[0]), _era(b[0])
    if {era_a, era_b} <= {6, 7}:
        return _power6_7(a, b)
    if {era_a, era_b} == {8} or (8 in (era_a, era_b) and {era_a, era_b} <= {6, 7, 8}):
        return _power8(a, b)
    if era_a == era_b == 9 or {era_a, era_b} == {9, 10} or era_a == era_b == 10:
        return True
    if era_a == 11 and era_b in (9, 10, 11):
        return True
    return None


def _era(release: int) -> int:
    """The generation that a firmware release belongs to."""
    if release < 700:
        return 6
    return 7 if release < 800 else 8 if release < 900 else 9 if release < 1000 else 10 if release < 1100 else 11


def _column(release: int) -> int | None:
    """The matrix column: 350 stands for every later POWER6 level."""
    if 350 <= release < 700:
        return 350
    return release if release in _P67 else None


def _power6_7(a: tuple[int, int], b: tuple[int, int]) -> bool | None:
    if a[0] < 700 and b[0] < 700:
        return True
    if a[0] < 350:
        if a < (340, 39):
            return None
        column = _column(b[0])
        return None if column is None else column not in _BLOCKED[340]
    if b[0] < 350:
        return None
    row, column = _column(a[0]), _column(b[0])
    return None if row is None or column is None else column not in _BLOCKED.get(row, set())


def _power8(a: tuple[int, int], b: tuple[int, int]) -> bool | None:
    for release, _ in (a, b):
        listed = 810 <= release <= 860 or 730 <= release <= 783 or 350 <= release < 700
        if not listed:
            return None
    return not (a[0] == 760 and b[0] == 840 and b[1] < 113)


@rule("server.firmware", "IBM's firmware matrix lists the two levels as mobile.", Scope.MOVE, shape=two_servers,
      source="IBM firmware support matrices for partition mobility, POWER6/7, POWER8, Power11 editions")
def firmware(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    a, b = site.servers[source].firmware, site.servers[target].firmware
    if not a or not b:
        return
    allowed = firmware_mobile(a, b)
    if allowed is False:
        yield Breach(f"firmware {a} on {source} cannot send to {b} on {target}", "update the firmware of one of them")
    elif allowed is None:
        yield Breach(f"firmware {a} ({source}) to {b} ({target}) is in no matrix known here",
                     "look it up in IBM's firmware support matrix", Severity.WARNING)


@rule("server.dpo", "The target does not run the Dynamic Platform Optimizer.", Scope.MOVE, shape=two_servers,
      source="IBM POWER8 p8hc3_hmcservers: blocks inbound mobility until it ends")
def dpo(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    if site.servers[target].dpo_running:
        yield Breach(f"the Dynamic Platform Optimizer runs on {target}",
                     f"wait for it, or stop it: optmem -m {target} -o stop")


@rule("server.mover", "Source and target each have a mover service partition with active RMC.", Scope.MOVE,
      shape=two_servers, source="HMC V7R3.4 help LPARMobilityMSP; IBM POWER7 iphc3hmcvalidation table 1")
def mover(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for name in (source, target):
        vioses = site.vioses_on(name)
        if not vioses:
            yield Breach(f"{name} has no VIOS", "the estate must show at least one VIOS with the mover attribute")
        elif all(v.msp is False for v in vioses):
            yield Breach(f"no VIOS of {name} is a mover service partition",
                         f"chsyscfg -r lpar -m {name} -i 'name={vioses[0].name},msp=1'")
        elif not site.movers(name):
            yield Breach(f"no mover service partition of {name} has an active RMC connection and carries a migration",
                         "mend RMC between the console and the VIOS; check Max migrations of the VIOS")


@rule("server.migrations", "Source and target support at least one migration at a time.", Scope.MOVE, shape=two_servers,
      source="IBM POWER7 iphc3hmcvalidation table 1 (number of running migrations against the number supported)")
def migrations(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for name in (source, target):
        if site.servers[name].max_migrations == 0:
            yield Breach(f"{name} supports 0 migrations (Max migrations)",
                         "correct the figure, or enable mobility there")


@rule("server.vios-rmc", "The VIOSes that serve the LPAR's storage now, and those that shall, have active RMC.",
      Scope.MOVE,
      shape=storage_shape, source="IBM POWER7 iphc3hmcvalidation table 1 (RMC to source and destination VIOS); seed")
def vios_rmc(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    reach = site.reach
    serving = {d.vios for d in reach.disks_of(lpar)} | {f.vios for f in reach.fibres_of(lpar)}
    serving = {v for v in serving if v in site.vioses and site.vioses[v].server == source}
    mapped = {v for paths in (reach.disk_paths(lpar, target), reach.fibre_paths(lpar, target))
              for _, v in paths.mapping}
    for name in sorted(serving | mapped):
        if site.vioses[name].rmc_active is False:
            yield Breach(f"{name} has no active RMC connection", "mend RMC between the console and the VIOS")


@rule("server.vios-level", "The VIOSes have at least the level that Live Partition Mobility needs.", Scope.MOVE,
      shape=is_ibm_i, source="SAP note 1102760 (text copy): VIOS 1.5.1.1-FP-10.1; IBM nas8N1011014 for IBM i: 2.2.1.4")
def vios_level(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    wanted = "2.2.1.4" if site.lpars[lpar].os == "IBM i" else "1.5.1.1"
    for name in (source, target):
        for vios in site.vioses_on(name):
            if vios.level and below(vios.level, wanted):
                yield Breach(f"{vios.name} has VIOS level {vios.level}, below {wanted}", f"update {vios.name}")
