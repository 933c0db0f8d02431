"""Rules on networks: VLANs bridged on the target, by as many VIOSes as on the source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from itertools import combinations

from planner.estate.changes import PutRow, Repair
from planner.estate.model import Bridge
from planner.findings import Severity
from planner.names import quoted
from planner.plan.plan import Move, Window
from planner.rules.base import (
    ANYHOW,
    ASKED,
    MIGRATIONS,
    ROWS,
    Alternatives,
    Breach,
    Scope,
    Use,
    fewer_paths,
    nameless,
    rule,
    unknown,
    untold,
)
from planner.rules.capability import console_needed, firmware_needed, vios_needed
from planner.rules.site import Site
from planner.rules.versions import below

_SHOW_BRIDGES = ("lssyscfg -r lpar -m {target}; lshwres -r virtualio --rsubtype eth --level lpar -m {target}; on each "
                 "VIOS there: lsmap -all -net; entstat -all SEA")


@nameless
def _vlan_shape(site: Site, lpar: str) -> Hashable:
    return site.reach.vlans_of(lpar), lpar in site.policies.redundancy_optional


@rule("network.known", "The networks of the LPAR are known.", Scope.LPAR, severity=Severity.ASSUMPTION, binds=ANYHOW,
      source="a network of which nothing is known cannot be looked for on another server")
def networks_known(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    if not (site.reach.vlans_of(lpar) or p.other_networks):
        yield unknown("no listing states its networks: it may go where they are bridged",
                      f"lshwres -r virtualio --rsubtype eth --level lpar -m {quoted(p.server)}")


def _bridged(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    """Each VLAN bridged by as many VIOSes as it must, or by one where fewer paths are accepted."""
    for vswitch, number in site.reach.vlans_of(lpar):
        here, there = (site.reach.bridging(vswitch, number, s) for s in (source, target))
        lacking = (1 if lpar in site.policies.redundancy_optional else min(len(here), 2)) - len(there)
        if (lacking <= 0 and there) or number in site.policies.ignorable_vlans:
            continue
        seas = site.reach.seas_of(vswitch)
        more = [_bridge(target, v.name, seas[v.name], vswitch, number) for v in site.vioses_on(target)
                if v.name in seas and v.name not in there]
        fewer = [(*some, fewer_paths(lpar)) for some in combinations(more, 1 - len(there))] if lacking > 1 - len(
            there) else []
        yield [*combinations(more, max(lacking, 1)), *fewer]


def _bridge(server: str, vios: str, sea: str, vswitch: str, vlan: int) -> Repair:
    return Repair("bridge", vios, f"bridge VLAN {vlan} ({vswitch}) on {vios} of {server}, by {sea}",
                  (PutRow("bridges", Bridge(vios, sea, vlan, vswitch)),),
                  (f"chhwres -r virtualio -m {quoted(server)} -o a -p {quoted(vios)} --rsubtype eth -a "
                   f"ieee_virtual_eth=1,port_vlan_id=UNUSED,addl_vlan_ids={vlan},is_trunk=1,trunk_priority=N,"
                   f"vswitch={vswitch}",
                   f"on {vios}: chdev -dev {sea} -attr virt_adapters=OLD,NEW"), alike=(server, vswitch, str(vlan)))


@rule("network.vlan", "Every VLAN of the LPAR is bridged by a VIOS of the target on the same virtual switch, or "
      "listed as ignorable.", Scope.MOVE, binds=ANYHOW, shape=_vlan_shape,
      source="seed; migrlpar man page (--vlanbridge)",
      lifts=_bridged,
      reads="networks.vlan networks.tagged bridges.vlan")
def vlan(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    own = site.reach.vlans_of(lpar)
    needed = ", ".join(str(number) for _, number in own if number not in site.policies.ignorable_vlans)
    if needed and not any(v.name in site.reach.bridgers for v in site.vioses_on(target)):
        why = "no listing shows a SEA of it" if site.vioses_on(target) else "no VIOS of it was exported"
        yield untold(f"whether VLAN {needed} is bridged on {target} is unknown: {why}",
                     _SHOW_BRIDGES.format(target=quoted(target)))
        return
    for vswitch, number in own:
        if site.reach.bridging(vswitch, number, target):
            continue
        if number in site.policies.ignorable_vlans:
            yield Breach(f"VLAN {number} is not bridged on {target}; it is listed as ignorable",
                         "expect the message in the validation", Severity.WARNING)
        else:
            yield Breach(f"VLAN {number} ({vswitch}) is not bridged on {target}",
                         f"add it to a SEA there (chdev/mkvdev -sea), or state the policy ignorable-vlan {number}")


@rule("network.redundancy", "A VLAN that two VIOSes bridge on the source is bridged by two on the target.",
      Scope.MOVE, binds=MIGRATIONS,
      shape=_vlan_shape, source="migrlpar man page (--redundantvios); IBM p8hc3_hmcvios (most cases must maintain)",
      lifts=_bridged,
      reads="networks.vlan bridges.vlan policies.redundancy")
def redundancy(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    optional = Severity.WARNING if lpar in site.policies.redundancy_optional else None
    for vswitch, number in site.reach.vlans_of(lpar):
        there = len(site.reach.bridging(vswitch, number, target))
        here = len(site.reach.bridging(vswitch, number, source)) if there == 1 else 0
        if there == 1 < here and number not in site.policies.ignorable_vlans:
            yield Breach(f"VLAN {number} goes over {here} VIOSes on {source}, over {there} on {target}",
                         "bridge it on a second VIOS there, or state the policy redundancy if-possible", optional)


@rule("network.switch-mode", "The virtual switch of each VLAN of the LPAR is in one mode (VEB, VEPA) on both servers.",
      Scope.MOVE, severity=Severity.WARNING, binds=ANYHOW, shape=_vlan_shape,
      encoding="adds risk_warning_s to the move's cost", source="IBM P8ESS VirtualSwitch (VEB and VEPA); migrlpar man "
      "page (--vsi); that the modes must be equal was not seen stated: look it up")
def switch_mode(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for vswitch in sorted({name for name, _ in site.reach.vlans_of(lpar)}):
        here, there = (site.reach.switch_modes.get((server, vswitch), "") for server in (source, target))
        if here and there and here != there:
            yield Breach(f"virtual switch {vswitch} is in mode {here} on {source}, in {there} on {target}",
                         "look it up in IBM's text, and let migrlpar -o v say whether it refuses; else set one mode on "
                         "both (chhwres -r virtualio --rsubtype vswitch)")
        elif "VEPA" in (here, there) and "" in (here, there):
            silent = target if here else source
            yield unknown(f"virtual switch {vswitch} is in mode VEPA on {source if here else target}; that on {silent} "
                          "is unknown", f"lshwres -r virtualio --rsubtype vswitch -m {quoted(silent)}")


_STATES = 20_000
"""States of a search for ports; beyond them nothing is refused."""


def _vnics(site: Site, lpar: str) -> tuple[int, ...]:
    """The least capacity, in %, of the logical ports that its vNICs need: one each, of those that back it now the
    smallest; 1 where nobody states it."""
    least: dict[int, int] = {}
    for row in site.vnics.get(lpar, ()):
        least[row.slot] = min(least.get(row.slot, 100), row.percent or 1)
    return tuple(sorted((*least.values(), *[1] * ((site.lpars[lpar].vnic_adapters or 0) - len(least)))))


def _logical(site: Site, lpar: str, server: str) -> tuple[int, ...]:
    """The capacity of each logical port that it takes on a server: where it was at the start of all that back its
    vNICs; and 1 for each port of its own that is made anew there."""
    wanted, rows = _vnics(site, lpar), site.vnics.get(lpar, ())
    if site.start.get(lpar) == server:
        wanted = (*(row.percent or 1 for row in rows), *[1] * (len(wanted) - len({row.slot for row in rows})))
    return (*wanted, *[1] * (site.lpars[lpar].migratable_sriov_ports or 0))


def _left(site: Site, server: str) -> tuple[int | None, int | None]:
    """Logical ports and % of capacity that are free on all physical ports together; None: nobody states it."""
    rows = site.sriov.get(server)
    if not rows:
        return site.servers[server].free_sriov_ports, None
    ports = [row.free_ports for row in rows if row.free_percent != 0]
    percent = [row.free_percent for row in rows if row.free_ports != 0]
    return (None if None in ports else sum(n or 0 for n in ports),
            None if None in percent else sum(n or 0 for n in percent))


def _with_residents(site: Site, server: str, free: int | None, amount: Callable[[tuple[int, ...]], int]) -> int | None:
    return None if free is None else free + sum(amount(_logical(site, n, server)) for n in site.residents(server))


VNIC_PORTS = Use("SR-IOV logical ports", lambda site, lpar, server: len(_logical(site, lpar, server)),
                 lambda site, server: _with_residents(site, server, _left(site, server)[0], len), rare=True)
VNIC_CAPACITY = Use("% of an SR-IOV port", lambda site, lpar, server: sum(_logical(site, lpar, server)),
                    lambda site, server: _with_residents(site, server, _left(site, server)[1], sum), rare=True)


VNIC_VIOS = "2.2.4.0"


def _vnic_shape(site: Site, lpar: str) -> Hashable:
    wanted = _vnics(site, lpar)
    return wanted, wanted and site.lpars[lpar].server


def _vnic_levels(site: Site, target: str) -> Iterator[Breach]:
    """What vNICs demand of the levels of a target; firmware and console are not asked where it says what it can."""
    if site.servers[target].vnic_capable is None:
        yield from firmware_needed(site, target, 840, "a vNIC")
        yield from console_needed(site, target, "V8R8.4", "a vNIC")
    low = {v.name: below(v.level, VNIC_VIOS) for v in site.vioses_on(target)}
    if False not in low.values():
        for name in [n for n, known in low.items() if known is None] or low:
            yield from vios_needed(site, name, VNIC_VIOS, "a vNIC", f"update {name}")


@rule("network.vnic", "Every vNIC of the LPAR finds on the target a logical port with capacity on an SR-IOV port, and "
      "a VIOS behind it, at levels that know vNICs.", Scope.MOVE, binds=ANYHOW, shape=_vnic_shape,
      source="IBM p8ecu_vniconcepts_network (FW840, HMC 840, VIOS 2.2.4.0); migrlpar P9 man page (vnic_mappings)",
      reads="lpars.vnic_adapters target.vnic_capable target.free_sriov_ports")
def vnic(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    wanted, row = _vnics(site, lpar), site.servers[target]
    if not wanted or target == site.lpars[lpar].server:  # on its way home to the ports that it left
        return
    what, (ports, percent) = f"has {len(wanted)} vNIC adapter(s)", _left(site, target)
    yield from _vnic_levels(site, target)
    if row.vnic_capable is False:
        yield Breach(f"{what}; {target} is not vNIC capable", "replace them by virtual Ethernet")
    elif ports is None or (percent is None and target in site.sriov):
        yield unknown(f"{what}; whether {target} has SR-IOV ports with capacity for them, and a VIOS behind, is "
                      "unknown", f"lshwres -r sriov --rsubtype physport --level eth -m {quoted(target)} "
                      "(and logport)")
    elif any(_logical(site, n, target) for n in site.residents(target)):
        return
    elif ports == 0:
        yield Breach(f"{what}; {target} has no SR-IOV logical port left", "free one there")
    elif not _fit(_ports_of(site, target, ()), wanted):
        yield Breach(f"{what}, which need {' and '.join(map(str, wanted))} % of SR-IOV ports; no such ports are left "
                     f"on {target}", "free capacity there (chhwres -r sriov)")


@rule("network.vnic-slots", "The client slot of every vNIC of the LPAR is known, so that a plan names the port behind "
      "it.", Scope.LPAR, severity=Severity.INFO, binds=ANYHOW, source="migrlpar P9 man page (vnic_mappings)")
def vnic_slots(site: Site, lpar: str) -> Iterator[Breach]:
    listed = len({row.slot for row in site.vnics.get(lpar, ())})
    unlisted = (site.lpars[lpar].vnic_adapters or 0) - listed
    if unlisted > 0:
        yield Breach(f"of {unlisted} vNIC adapter(s) no listing states the slot: the console chooses the ports behind "
                     "them", f"lshwres -r virtualio --rsubtype vnic --level lpar -m {quoted(site.lpars[lpar].server)}")


@rule("network.vnic-failover", "Every backing device of the vNICs of an LPAR that moves has a port with room on its "
      "target while it stays there.", Scope.FLIGHT, severity=Severity.WARNING,
      encoding="the scheduler gives each device a port where one has room; a plan that leaves one without says so",
      source="IBM p8ecu_vniconcepts_network (backing devices of a vNIC take over from one another)")
def vnic_failover(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for m in moves:
        listed = len(site.vnics.get(m.lpar, ()))
        if m.target in site.sriov and m.target not in site.belongs(m.lpar) and len(m.vnics) < listed:
            yield Breach(f"{listed - len(m.vnics)} of {listed} backing devices of its vNICs find no port with room on "
                         f"{m.target}: a vNIC may have no failover there", "free a port there, or capacity of one "
                         f"(lshwres -r sriov --rsubtype physport --level eth -m {quoted(m.target)})", subject=m.lpar)


@rule("network.vnic-ports", "The vNICs and migratable SR-IOV ports on a server take no more SR-IOV logical ports "
      "than are free there, one each at least.", Scope.SERVER, use=VNIC_PORTS, encoding=ROWS,
      source="IBM p8ecu_vniconcepts_network; migrlpar P9 man page (--migsriov)")
def vnic_ports(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    for _, held, most in VNIC_PORTS.parts_over(site, server, holders):
        yield Breach(f"{server} would need {held} SR-IOV logical ports for vNICs; it has {most}", "free some there")


@rule("network.vnic-capacity", "The logical ports that vNICs take on a server have no more capacity than its SR-IOV "
      "ports have left.", Scope.SERVER, use=VNIC_CAPACITY, encoding=ROWS, source="lshwres -r sriov --rsubtype logport "
      "(capacity: 1 to 100 % a logical port, 100 % a physical port)")
def vnic_capacity(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    for _, held, most in VNIC_CAPACITY.parts_over(site, server, holders):
        yield Breach(f"{server} would need {held} % of SR-IOV ports for vNICs; its ports have {most} %",
                     "free some there")


@rule("network.vnic-fit", "There is a distribution of the vNICs that come to a server over its SR-IOV ports that "
      "keeps to the logical ports and the capacity of each.", Scope.SERVER, encoding=ASKED,
      concerns=lambda site: bool(site.sriov),
      source="migrlpar P9 man page (vnic_mappings: one physical port for each backing device)")
def vnic_fit(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    wanted = [one for n in holders if site.start.get(n) != server for one in _logical(site, n, server)
              ] if server in site.sriov else ()
    if wanted and not _fit(_ports_of(site, server, holders), wanted) and not any(
            use.over(site, server, holders) for use in (VNIC_PORTS, VNIC_CAPACITY)):
        yield Breach(f"no distribution of the vNICs that come over the SR-IOV ports of {server} keeps to what each has "
                     "left", "free capacity on one port there (chhwres -r sriov)")


def _ports_of(site: Site, server: str, holders: Collection[str]) -> list[tuple[int, int]]:
    """(logical ports, %) that each physical port may have left: nobody knows on which those stood who have left."""
    gone = [one for n in site.residents(server) if n not in holders for one in _logical(site, n, server)]
    plenty = 1000
    return [(len(gone) + (plenty if row.free_ports is None else row.free_ports),
             min(100, sum(gone) + (100 if row.free_percent is None else row.free_percent)))
            for row in site.sriov.get(server, ())] or [(plenty, 100 * plenty)]


def _fit(ports: list[tuple[int, int]], wanted: Iterable[int]) -> bool:
    """Whether logical ports of these capacities find places, the largest first."""
    states = {tuple(sorted(ports))}
    for percent in sorted(wanted, reverse=True):
        states = {tuple(sorted((*state[:i], (count - 1, left - percent), *state[i + 1:]))) for state in states
                  for i, (count, left) in enumerate(state) if count and left >= percent}
        if len(states) > _STATES:
            return True
    return bool(states)
