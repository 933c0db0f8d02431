"""Rules on virtual ports of Fibre Channel (NPIV): each virtual adapter takes one of a physical port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

from planner.reach import Spot
from planner.rules.base import ASKED, ROWS, Breach, Scope, Use, rule
from planner.rules.site import Site

_STATES = 20_000
"""States of a search for a mapping; beyond them it is not refused."""


def _most(site: Site, server: str) -> Mapping[str, int]:
    """By VIOS and fabric, and by fabric where several VIOSes have ports on it."""
    if not site.estate.ports:
        return {}
    room = site.reach.port_room
    out = {_part(vios, fabric): room[vios, fabric] for vios, fabric in site.reach.short_of_ports.get(server, ())}
    for fabric in dict.fromkeys(fabric for _, fabric in site.reach.short_of_ports.get(server, ())):
        there = [room[v.name, fabric] for v in site.vioses_on(server) if (v.name, fabric) in room]
        if len(there) > 1:
            out[_part(server, fabric)] = sum(there)
    return out


@cache
def _part(where: str, fabric: str) -> str:
    return f"{where}, fabric {fabric}"


def _taken(site: Site, lpar: str, server: str) -> Mapping[str, int]:
    """What it takes at least, whichever of its ways is chosen."""
    ways = site.reach.port_uses(lpar, server) if server in site.reach.short_of_ports else ()
    if not ways or not ways[0]:
        return {}
    out = {_part(*spot): least for spot, count in ways[0].items()
           if (least := count if len(ways) == 1 else min(way.get(spot, 0) for way in ways))}
    for (_, fabric), count in ways[0].items():
        out[_part(server, fabric)] = out.get(_part(server, fabric), 0) + count
    return out


PORTS = Use("virtual Fibre Channel ports", _taken, _most, rare=True)


@rule("storage.npiv-ports", "The virtual Fibre Channel adapters on a server take no more virtual ports of a fabric and "
      "of a VIOS than are free there; those of an LPAR that has left are free again.", Scope.SERVER, use=PORTS,
      encoding=ROWS, source="IBM POWER9 p9efd_managing_vfc_storage (64 active adapters a port at 16 Gb and slower); "
      "lsnports (tports, aports); HSCLA319")
def npiv_ports(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    for part, held, most in PORTS.parts_over(site, server, holders):
        yield Breach(f"{held} virtual Fibre Channel ports would be in use on {part}, which has {most}",
                     "free ports there (lsnports: aports), or add a port")


@rule("storage.npiv-mapping", "There is a mapping of all virtual Fibre Channel adapters on a server onto its VIOSes in "
      "which no VIOS has more of them on a fabric than it has virtual ports.", Scope.SERVER, encoding=ASKED,
      source="lsnports (aports); IBM p8hc3_hmcvios",
      concerns=lambda site: bool(site.reach.short_of_ports))
def npiv_mapping(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    left = {spot: site.reach.port_room[spot] for spot in site.reach.short_of_ports.get(server, ())}
    coming: list[Sequence[Mapping[Spot, int]]] = []
    for n in holders if left else ():
        ways = site.reach.port_uses(n, server)
        if len(ways) == 1:
            for spot in left.keys() & ways[0].keys():
                left[spot] -= ways[0][spot]
        elif ways:
            coming.append(ways)
    if coming and not _mapped(left, coming) and not any(PORTS.parts_over(site, server, holders)):
        yield Breach(f"no mapping of all virtual Fibre Channel adapters onto the VIOSes of {server} keeps to their "
                     "free virtual ports", "free ports there (lsnports: aports), or add a port")


def _mapped(left: Mapping[Spot, int], coming: Sequence[Sequence[Mapping[Spot, int]]]) -> bool:
    """Whether each LPAR finds a way beside the others."""
    worst: Counter[Spot] = Counter()
    for ways in coming:
        for spot in {s for way in ways for s in way}:
            worst[spot] += max(way.get(spot, 0) for way in ways)
    if all(worst[spot] <= most for spot, most in left.items()):
        return True
    spots, order = sorted(left), sorted(coming, key=len)
    states = {tuple(left[s] for s in spots)}
    for ways in order:
        amounts = [tuple(way.get(s, 0) for s in spots) for way in ways]
        states = {after for state in states for amount in amounts
                  if min(after := tuple(a - b for a, b in zip(state, amount, strict=True))) >= 0}
        if len(states) > _STATES:
            return True
    return bool(states)
