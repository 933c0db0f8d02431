"""Rules on networks: VLANs bridged on the target, by as many VIOSes as on the source."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator

from planner.findings import Severity
from planner.rules.base import ANYHOW, MIGRATIONS, ROWS, Breach, Scope, Use, rule, unknown, untold
from planner.rules.site import Site

_SHOW_BRIDGES = ("lssyscfg -r lpar -m {target}; lshwres -r virtualio --rsubtype eth --level lpar -m {target}; on each "
                 "VIOS there: lsmap -all -net; entstat -all SEA")


def _vlan_shape(site: Site, lpar: str) -> Hashable:
    return site.reach.vlans_of(lpar), lpar in site.policies.redundancy_optional


@rule("network.known", "The networks of the LPAR are known.", Scope.LPAR, severity=Severity.ASSUMPTION, binds=ANYHOW,
      source="a network of which nothing is known cannot be looked for on another server")
def networks_known(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    if not (site.reach.vlans_of(lpar) or p.vnic_adapters or p.sriov_ports or p.lhea or p.physical_adapters):
        yield unknown("no listing states its networks: it may go where they are bridged",
                      f"lshwres -r virtualio --rsubtype eth --level lpar -m {p.server}")


@rule("network.vlan", "Every VLAN of the LPAR is bridged by a VIOS of the target on the same virtual switch, or "
      "listed as ignorable.", Scope.MOVE, binds=ANYHOW, shape=_vlan_shape,
      source="seed; migrlpar man page (--vlanbridge)")
def vlan(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    own = site.reach.vlans_of(lpar)
    needed = ", ".join(str(number) for _, number in own if number not in site.policies.ignorable_vlans)
    if needed and not any(v.name in site.reach.bridgers for v in site.vioses_on(target)):
        why = "no listing shows a SEA of it" if site.vioses_on(target) else "no VIOS of it was exported"
        yield untold(f"whether VLAN {needed} is bridged on {target} is unknown: {why}",
                     _SHOW_BRIDGES.format(target=target))
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
      shape=_vlan_shape, source="migrlpar man page (--redundantvios); IBM p8hc3_hmcvios (most cases must maintain)")
def redundancy(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    optional = Severity.WARNING if lpar in site.policies.redundancy_optional else None
    for vswitch, number in site.reach.vlans_of(lpar):
        here, there = (len(site.reach.bridging(vswitch, number, s)) for s in (source, target))
        if 0 < there < here and number not in site.policies.ignorable_vlans:
            yield Breach(f"VLAN {number} goes over {here} VIOSes on {source}, over {there} on {target}",
                         "bridge it on a second VIOS there, or state the policy redundancy if-possible", optional)


def _vnics(site: Site, lpar: str) -> Hashable:
    return site.lpars[lpar].vnic_adapters or 0


@rule("network.vnic", "Every vNIC of the LPAR finds on the target a logical port with capacity on an SR-IOV port, and "
      "a VIOS behind it.", Scope.MOVE, binds=ANYHOW, shape=_vnics,
      source="IBM p8ecu_vniconcepts_network; migrlpar P9 man page (vnic_mappings)")
def vnic(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    count, row = site.lpars[lpar].vnic_adapters or 0, site.servers[target]
    if count and row.vnic_capable is False:
        yield Breach(f"has {count} vNIC adapter(s); {target} is not vNIC capable", "replace them by virtual Ethernet")
    elif count and row.free_sriov_ports is None:
        yield unknown(f"has {count} vNIC adapter(s); whether {target} has SR-IOV ports with capacity for them, and a "
                      "VIOS behind, is unknown", f"lshwres -r sriov --rsubtype physport --level eth -m {target}")
    elif count and row.free_sriov_ports == 0 and not any(_vnics(site, n) for n in site.residents(target)):
        yield Breach(f"has {count} vNIC adapter(s); {target} has no SR-IOV logical port left", "free one there")


def _logical_ports(site: Site, server: str) -> int | None:
    free = site.servers[server].free_sriov_ports
    return None if free is None else free + sum(site.lpars[n].vnic_adapters or 0 for n in site.residents(server))


VNIC_PORTS = Use("SR-IOV logical ports", lambda site, lpar, server: site.lpars[lpar].vnic_adapters or 0, _logical_ports,
                 rare=True)


@rule("network.vnic-ports", "The vNICs on a server take no more SR-IOV logical ports than are free there, one each at "
      "least.", Scope.SERVER, use=VNIC_PORTS, encoding=ROWS, source="IBM p8ecu_vniconcepts_network")
def vnic_ports(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    for _, held, most in VNIC_PORTS.parts_over(site, server, holders):
        yield Breach(f"{server} would need {held} SR-IOV logical ports for vNICs; it has {most}", "free some there")
