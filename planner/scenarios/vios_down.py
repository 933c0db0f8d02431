"""One VIOS down: which LPARs of its server lose which path, and which of them have no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from planner.estate.model import Disk, Lpar
from planner.grouping import grouped
from planner.rules import Site


@dataclass(frozen=True, slots=True)
class LostPath:
    """A path of an LPAR that goes down with a VIOS, and the VIOSes that serve the same meanwhile (none: it was the only
    one); ``known`` False: nobody states what serves it."""

    vios: str
    lpar: str
    path: str
    others: tuple[str, ...] = ()
    known: bool = True

    @property
    def only(self) -> bool:
        """Whether it is known to be the only one."""
        return self.known and not self.others


def lost_paths(site: Site, vios: str) -> list[LostPath]:
    """Every path of active LPARs that goes down with a VIOS; and the LPARs of which no listing states paths.

    Virtual SCSI: a disk is served by another VIOS too. NPIV: another adapter leads over another VIOS, on whichever
    fabric: that both lead to the same disks is taken for granted. Networks: another VIOS of the server bridges the
    VLAN (one that none bridges, or that a policy says may be ignored, has no path to lose): that it takes over is taken
    for granted. vNIC: another backing device is of another VIOS. A VIOS without RMC connection serves nobody here.
    """
    server = site.vioses[vios].server
    here = [p for p in site.estate.lpars if p.server == server and p.active]
    down = {v.name for v in site.vioses_on(server) if v.rmc_active is False}
    return [replace(lost, others=tuple(v for v in lost.others if v not in down))
            for p in here for lost in (*_storage(site, p, vios), *_networks(site, p, vios))]


def _storage(site: Site, lpar: Lpar, vios: str) -> Iterator[LostPath]:
    disks = [d for d in site.reach.disks_of(lpar.name) if d.backing != "optical"]
    over = sorted({(f.vios, f.slot) for f in site.reach.fibres_of(lpar.name)})
    if not disks and not over:
        yield LostPath(vios, lpar.name, "its disks", known=False)
    yield from _served(lpar.name, disks, vios)
    slots = [str(slot) for v, slot in over if v == vios]
    if slots:
        others = tuple(dict.fromkeys(v for v, _ in over if v != vios))
        yield LostPath(vios, lpar.name, f"NPIV: {_some(slots, 'adapter')}", others)


def _served(lpar: str, disks: list[Disk], vios: str) -> Iterator[LostPath]:
    """The disks that it has over a VIOS, those with the same other VIOSes together."""
    by = grouped((d.lun, d.vios) for d in disks)
    unknown = {d.lun for d in disks if d.backing == "unknown"}
    alike = grouped((tuple(sorted({*vioses} - {vios})), lun) for lun, vioses in sorted(by.items()) if vios in vioses)
    for others, luns in alike.items():
        yield LostPath(vios, lpar, f"virtual SCSI: {_some(luns, 'disk')}", others,
                       known=bool(others) or unknown.isdisjoint(luns))


def _networks(site: Site, lpar: Lpar, vios: str) -> Iterator[LostPath]:
    if not lpar.other_networks and not site.reach.vlans_of(lpar.name):
        yield LostPath(vios, lpar.name, "its networks", known=False)
    wanted = site.reach.vlans_of(lpar.name)
    for switch, vlan in wanted:
        bridges = site.reach.bridging(switch, vlan, lpar.server)
        if vios in bridges and vlan not in site.policies.ignorable_vlans:
            yield LostPath(vios, lpar.name, f"VLAN {vlan} on {switch}", tuple(v for v in sorted(bridges) if v != vios))
    for slot, devices in sorted(grouped((v.slot, v.vios) for v in site.vnics.get(lpar.name, ())).items()):
        if vios in devices or "" in devices:
            others = tuple(sorted({v for v in devices if v and v != vios}))
            yield LostPath(vios, lpar.name, f"vNIC in slot {slot}", others, known=bool(others) or "" not in devices)


def _some(names: list[str], what: str) -> str:
    return f"{what} {names[0]}" if len(names) == 1 else f"{len(names)} {what}s"
