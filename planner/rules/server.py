"""Rules on a pair of servers: edition, consoles, sites, movers."""

from __future__ import annotations

from collections.abc import Iterator

from planner.estate.catalogue import older
from planner.estate.changes import PutRow, Repair, SetTo, set_to
from planner.estate.consoles import are_linked, between, consoles_of
from planner.estate.model import GENERATIONS, Policy
from planner.names import quoted
from planner.rules.base import (
    ANYHOW,
    MIGRATIONS,
    Alternatives,
    Breach,
    Lifts,
    Scope,
    any_of,
    rule,
    two_servers,
    unknown,
    untold,
)
from planner.rules.capability import vios_needed
from planner.rules.site import Site, is_ibm_i, storage_shape
from planner.rules.versions import below


def _of_each(kind: str, name: str, wrong: object, right: object, words: str, *commands: str) -> Lifts:
    """A field of source or target is altered where it is ``wrong``; ``{0}`` stands for the server."""
    def lifts(site: Site, lpar: str, *pair: str) -> Iterator[Alternatives]:
        for s in pair:
            if getattr(site.servers[s], name) == wrong:
                yield any_of(set_to(kind, "servers", s, name, right, words=words.format(s),
                                    commands=[c.format(quoted(s)) for c in commands]))
    return lifts


@rule("server.enterprise", "Source and target have PowerVM Enterprise Edition.", Scope.MOVE,
      binds=MIGRATIONS, shape=two_servers,
      source="HMC V7R3.4 help MigrationRequirements; seed, JS22 checklist",
      lifts=_of_each("enterprise", "enterprise", False, True, "enter the key of PowerVM Enterprise on {0}"),
      reads="source.enterprise target.enterprise")
def enterprise(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for name in (source, target):
        if site.servers[name].enterprise is False:
            yield Breach(f"{name} has no PowerVM Enterprise Edition", f"enter the Enterprise key on {name}")
        elif site.servers[name].enterprise is None:
            yield unknown(f"whether {name} has PowerVM Enterprise Edition is unknown",
                          f"lssyscfg -r sys -m {quoted(name)} -F name,active_lpar_mobility_capable")


@rule("server.sizes-known", "Nobody is let in where the size of the server or of a running partition is unknown.",
      Scope.MOVE, binds=ANYHOW, shape=two_servers, source="what cannot be counted leaves nothing that is free",
      reads="target.configurable_units target.configurable_memory_mib")
def sizes_known(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    row = site.servers[target]
    unknown = [what for what, size in (("many cores", row.configurable_units),
                                       ("much memory", row.configurable_memory_mib)) if not size]
    if unknown:
        yield untold(f"nothing says how {' and how '.join(unknown)} {target} has",
                     "add its sizes in sheet Servers, or give lshwres -r proc and -r mem --level sys")
    if target in site.unsized:
        yield untold(f"what {site.unsized[target]} holds of {target} is unknown",
                     "add its processors and its memory in the workbook, or give lshwres --level lpar")


def _consoles_linked(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    pair = between(site.servers[source], site.servers[target], site.policies.console_links)
    a, b = sorted(pair)
    yield any_of(Repair("console-link", a, f"let consoles {a} and {b} work together: SSH keys, and policy console-link",
                        (PutRow("policies", Policy("console-link", a, b)),),
                        (f"on {a}: mkauthkeys --ip {b} -u hscroot; mkauthkeys --ip {b} -u hscroot --test",)))


@rule("server.console", "One console (of several that a server may have) manages source and target, or consoles that "
      "reach each other.", Scope.MOVE, binds=ANYHOW, shape=two_servers,
      source="seed: same HMC, DR site out of scope; HMC V7R3.4 on: two HMCs",
      lifts=_consoles_linked,
      reads="source.console target.console policies.console-link")
def console(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    a, b = (" and ".join(consoles_of(site.servers[name])) for name in (source, target))
    here, there = between(site.servers[source], site.servers[target], site.policies.console_links)
    if a and b and here != there and not are_linked(here, there, site.policies.console_links):
        yield Breach(f"{source} is managed by {a}, {target} by {b}",
                     "set up SSH keys between the consoles (mkauthkeys --ip) and state the policy console-link")
    elif bool(a) != bool(b):
        named, other = (source, target) if a else (target, source)
        yield unknown(f"{named} is managed by {a or b}; the console of {other} is unknown",
                      "on each console: lssyscfg -r sys -F name")


@rule("server.operating", "Nobody is planned onto a server that is stated to be in another state than Operating.",
      Scope.MOVE, binds=ANYHOW, shape=two_servers,
      source="IBM POWER7 iphc3hmcvalidation table 1 (both systems are operating); HMC help, managed system states",
      reads="target.state")
def operating(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    yield from _out_of_order(site, target)


@rule("server.source-operating", "Nobody is moved live from a server that is stated to be in another state than "
      "Operating.", Scope.MOVE, binds=MIGRATIONS, shape=two_servers, source="IBM POWER7 iphc3hmcvalidation table 1",
      reads="source.state")
def source_operating(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    yield from _out_of_order(site, source)


def _out_of_order(site: Site, server: str) -> Iterator[Breach]:
    row = site.servers[server]
    if not row.operating:
        yield Breach(f"{server} is in the state {row.state!r}, not Operating",
                     f"bring it back, then: lssyscfg -r sys -m {quoted(server)} -F name,state")


def _sites_linked(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    a, b = sorted(site.servers[s].site for s in (source, target))
    yield any_of(Repair("site-link", a, f"let LPARs move between {a} and {b} (policy site-link)",
                        (PutRow("policies", Policy("site-link", a, b)),)))


@rule("server.site", "Source and target stand on one site, or on sites that are linked.", Scope.MOVE,
      binds=ANYHOW, shape=two_servers, source="seed: DR site out of scope",
      lifts=_sites_linked,
      reads="source.site target.site policies.site-link")
def linked_site(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    a, b = site.servers[source].site, site.servers[target].site
    if a and b and a != b and frozenset((a, b)) not in site.policies.site_links:
        yield Breach(f"{source} stands in {a}, {target} in {b}", "state the policy site-link if that is allowed")


@rule("server.dpo", "The target does not run the Dynamic Platform Optimizer.", Scope.MOVE,
      binds=MIGRATIONS, shape=two_servers,
      source="IBM POWER8 p8hc3_hmcservers: blocks inbound mobility until it ends",
      lifts=_of_each("dpo", "dpo_running", True, False, "stop the Dynamic Platform Optimizer on {0}, or wait for it",
                     "optmem -m {0} -o stop"),
      reads="target.dpo_running")
def dpo(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    if site.servers[target].dpo_running:
        yield Breach(f"the Dynamic Platform Optimizer runs on {target}",
                     f"wait for it, or stop it: optmem -m {quoted(target)} -o stop")


def made_mover(site: Site, vios: str) -> Repair:
    """A VIOS becomes a mover that carries migrations."""
    server = site.vioses[vios].server
    return Repair("mover", vios, f"make {vios} of {server} a mover with active RMC", (
        SetTo("vioses", (vios,), "msp", True), SetTo("vioses", (vios,), "rmc_active", True),
        SetTo("vioses", (vios,), "max_migrations", None)),
        (f"chsyscfg -r lpar -m {quoted(server)} -i {quoted(f'name={vios},msp=1')}",), alike=(server,))


def _a_mover(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    for name in (source, target):
        if not site.movers(name):
            yield any_of(*(made_mover(site, v.name) for v in site.vioses_on(name)))


@rule("server.mover", "Source and target each have a mover service partition with active RMC.", Scope.MOVE,
      shape=two_servers, source="HMC V7R3.4 help LPARMobilityMSP; IBM POWER7 iphc3hmcvalidation table 1",
      lifts=_a_mover,
      reads="vioses.msp vioses.rmc_active vioses.max_migrations")
def mover(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for name in (source, target):
        vioses = site.vioses_on(name)
        if not vioses:
            yield untold(f"no VIOS of {name} was exported",
                         f"lssyscfg -r lpar -m {quoted(name)}: a VIOS with the mover attribute is needed there")
        elif all(v.msp is None for v in vioses):
            yield unknown(f"which VIOS of {name} is a mover service partition is unknown",
                          f"lssyscfg -r lpar -m {quoted(name)} -F name,msp --header")
        elif all(v.msp is False for v in vioses):
            yield Breach(f"no VIOS of {name} is a mover service partition",
                         f"chsyscfg -r lpar -m {quoted(name)} -i {quoted(f'name={vioses[0].name},msp=1')}")
        elif not site.movers(name):
            yield Breach(f"no mover service partition of {name} has an active RMC connection and carries a migration",
                         "mend RMC between the console and the VIOS; check Max migrations of the VIOS")


@rule("server.migrations", "Source and target support at least one migration at a time.", Scope.MOVE, shape=two_servers,
      source="IBM POWER7 iphc3hmcvalidation table 1 (number of running migrations against the number supported)",
      lifts=_of_each("migrations", "max_migrations", 0, None, "enable mobility on {0}"),
      reads="source.max_migrations target.max_migrations")
def migrations(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for name in (source, target):
        if site.servers[name].max_migrations == 0:
            yield Breach(f"{name} supports 0 migrations (Max migrations)",
                         "correct the figure, or enable mobility there")


@rule("server.inactive-migrations", "Source and target support at least one inactive migration at a time, where the "
      "LPAR is not activated.", Scope.MOVE, binds=MIGRATIONS, shape=lambda site, lpar: site.lpars[lpar].active,
      source="IBM POWER7 iphc3hmcvalidation table 1 (inactive migrations against the number supported)",
      lifts=_of_each("migrations", "max_inactive_migrations", 0, None, "enable mobility on {0}"),
      reads="source.max_inactive_migrations target.max_inactive_migrations")
def inactive_migrations(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for name in (source, target) if not site.lpars[lpar].active else ():
        if site.servers[name].max_inactive_migrations == 0:
            yield Breach(f"{name} supports 0 inactive migrations (Max inactive migrations)",
                         "correct the figure, or enable mobility there")


def _with_rmc(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    for v in (*site.vioses_on(source), *site.vioses_on(target)):
        if v.rmc_active is False and v.name in _concerned(site, lpar, source, target):
            yield any_of(set_to("vios-rmc", "vioses", v.name, "rmc_active", True,
                                words=f"mend the RMC connection of {v.name}"))


@rule("server.vios-rmc", "The VIOSes that serve the LPAR's storage now, and those that shall, have active RMC.",
      Scope.MOVE, binds=MIGRATIONS,
      shape=storage_shape, source="IBM POWER7 iphc3hmcvalidation table 1 (RMC to source and destination VIOS); seed",
      lifts=_with_rmc,
      reads="vioses.rmc_active")
def vios_rmc(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    if site.answering(source) and site.answering(target):
        return
    for name in _concerned(site, lpar, source, target):
        if site.vioses[name].rmc_active is False:
            yield Breach(f"{name} has no active RMC connection", "mend RMC between the console and the VIOS")
        elif site.vioses[name].rmc_active is None:
            yield unknown(f"whether {name} has an active RMC connection is unknown",
                          f"lssyscfg -r lpar -m {quoted(site.vioses[name].server)} -F name,rmc_state")


def _concerned(site: Site, lpar: str, source: str, target: str) -> list[str]:
    """The VIOSes that serve its storage, and those that shall."""
    reach = site.reach
    serving = {d.vios for d in reach.disks_of(lpar)} | {f.vios for f in reach.fibres_of(lpar)}
    serving = {v for v in serving if v in site.vioses and site.vioses[v].server == source}
    mapped = {v for paths in (reach.disk_paths(lpar, target), reach.fibre_paths(lpar, target))
              for _, v in paths.mapping}
    return sorted(serving | mapped)


_LEAST_VIOS, _IBM_I_VIOS = "1.5.1.1", "2.2.1.4"


def _updated_vioses(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    wanted = _IBM_I_VIOS if site.lpars[lpar].os == "IBM i" else _LEAST_VIOS
    for v in (*site.vioses_on(source), *site.vioses_on(target)):
        if below(v.level, wanted):
            yield any_of(set_to("vios-level", "vioses", v.name, "level", wanted,
                                words=f"update {v.name} to {wanted} or later"))


@rule("server.vios-level", "The VIOSes have at least the level that Live Partition Mobility needs.", Scope.MOVE,
      binds=MIGRATIONS,
      shape=is_ibm_i, source="SAP note 1102760 (text copy): VIOS 1.5.1.1-FP-10.1; IBM nas8N1011014 for IBM i: 2.2.1.4",
      lifts=_updated_vioses,
      reads="vioses.level")
def vios_level(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    check = _vioses_for_ibm_i if site.lpars[lpar].os == "IBM i" else _vioses_for_mobility
    for name in (source, target):
        yield from site.said_of(check, name)


def _vioses_for_ibm_i(site: Site, server: str) -> Iterator[Breach]:
    for vios in site.vioses_on(server):
        yield from vios_needed(site, vios.name, _IBM_I_VIOS, "IBM i", f"update {vios.name}")


def _vioses_for_mobility(site: Site, server: str) -> Iterator[Breach]:
    generation = site.servers[server].generation
    decides = generation not in GENERATIONS or older(generation, "POWER7")  # later servers have later VIOSes
    for vios in site.vioses_on(server):
        if decides or below(vios.level, _LEAST_VIOS):
            yield from vios_needed(site, vios.name, _LEAST_VIOS, "Live Partition Mobility", f"update {vios.name}")
