"""Rules on networks: VLANs bridged on the target, by as many VIOSes as on the source."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from planner.findings import Severity
from planner.rules.base import ANYHOW, Breach, Scope, rule
from planner.rules.site import Site


def _vlan_shape(site: Site, lpar: str) -> Hashable:
    return site.reach.vlans_of(lpar), lpar in site.policies.redundancy_optional


@rule("network.vlan", "Every VLAN of the LPAR is bridged by a VIOS of the target on the same virtual switch, or "
      "listed as ignorable.", Scope.MOVE, binds=ANYHOW, shape=_vlan_shape,
      source="seed; migrlpar man page (--vlanbridge)")
def vlan(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for vswitch, number in site.reach.vlans_of(lpar):
        if site.reach.bridging(vswitch, number, target):
            continue
        if number in site.policies.ignorable_vlans:
            yield Breach(f"VLAN {number} is not bridged on {target}; it is listed as ignorable",
                         "expect the message in the validation", Severity.WARNING)
        else:
            yield Breach(f"VLAN {number} ({vswitch}) is not bridged on {target}",
                         f"add it to a SEA there (chdev/mkvdev -sea), or state the policy ignorable-vlan {number}")


@rule("network.redundancy", "A VLAN that two VIOSes bridge on the source is bridged by two on the target.",
      Scope.MOVE,
      shape=_vlan_shape, source="migrlpar man page (--redundantvios); IBM p8hc3_hmcvios (most cases must maintain)")
def redundancy(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    optional = Severity.WARNING if lpar in site.policies.redundancy_optional else None
    for vswitch, number in site.reach.vlans_of(lpar):
        here, there = (len(site.reach.bridging(vswitch, number, s)) for s in (source, target))
        if 0 < there < here and number not in site.policies.ignorable_vlans:
            yield Breach(f"VLAN {number} goes over {here} VIOSes on {source}, over {there} on {target}",
                         "bridge it on a second VIOS there, or state the policy redundancy if-possible", optional)
