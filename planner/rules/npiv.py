"""Rules on what VIOSes have for client adapters: each takes a virtual slot, one of Fibre Channel (NPIV) a virtual port.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache

from planner.estate.capacity import SERIAL_SLOTS
from planner.estate.changes import PutRow, Repair, set_to
from planner.estate.model import Port, Vios
from planner.names import quoted
from planner.reach import SLOTS, UNSTATED_PORTS, PortRange, Spot
from planner.rules.base import ANYHOW, ASKED, ROWS, Alternatives, Breach, Relief, Scope, Use, any_of, rule, unknown
from planner.rules.site import Site, storage_shape

_STATES = 20_000
"""States of a search for a mapping; beyond them it is not refused."""
_NOTHING: Mapping[str, int] = {}


def _most(site: Site, server: str, *, slots: bool = False) -> Mapping[str, int]:
    """By VIOS and fabric, and by fabric where several VIOSes have ports on it; or the slots, by VIOS and in all."""
    room, here = site.reach.port_room, site.vioses_on(server)
    short = [spot for spot in site.reach.short_of_ports.get(server, ()) if (spot[1] == SLOTS) is slots]
    out = {_part(*spot): room[spot] for spot in short}
    for fabric in dict.fromkeys(fabric for _, fabric in short):
        there = [room[v.name, fabric] for v in here if (v.name, fabric) in room]
        if len(there) > 1 and (not slots or len(there) == len(here)):
            out[_all(server, fabric)] = sum(there)
    return out


@cache
def _part(vios: str, fabric: str) -> str:
    return vios if fabric == SLOTS else f"{vios}, fabric {fabric}"


@cache
def _all(server: str, fabric: str) -> str:
    return f"all VIOSes of {server}" + ("" if fabric == SLOTS else f", fabric {fabric}")


def _taken(site: Site, lpar: str, server: str) -> Mapping[str, int]:
    """What it takes at least, whichever of its ways is chosen."""
    short = server in site.reach.short_of_ports
    return site.once(_least_of, site.reach.port_range(lpar, server)) if short else _NOTHING


def _least_of(site: Site, taken: PortRange) -> Mapping[str, int]:
    out = {_part(*spot): least for spot, least in taken.least.items() if least}
    for (_, fabric), count in taken.first.items():
        out[_all(taken.server, fabric)] = out.get(_all(taken.server, fabric), 0) + count
    return out


def _at_most(site: Site, lpar: str, server: str) -> Mapping[str, int]:
    """What it takes at most, whichever of its ways is chosen."""
    short = server in site.reach.short_of_ports
    return site.once(_most_of, site.reach.port_range(lpar, server)) if short else _NOTHING


def _most_of(site: Site, taken: PortRange) -> Mapping[str, int]:
    short = site.reach.short_of_ports[taken.server]
    return {_part(*spot): most for spot in short if (most := taken.most.get(spot))}


def _room(site: Site, server: str) -> Mapping[str, int]:
    return {_part(*spot): site.reach.port_room[spot] for spot in site.reach.short_of_ports.get(server, ())}


WHICHEVER = Use("virtual ports and slots, whichever way the LPARs choose", _at_most, _room)
PORTS = Use("virtual Fibre Channel ports", _taken, _most, rare=True)
_MORE_SLOTS = ("remove server adapters there that serve nobody, or raise max_virtual_slots in the profile of the VIOS "
               "and activate it anew")
VIRTUAL_SLOTS = Use("virtual slots", _taken, lambda site, server: _most(site, server, slots=True), rare=True)


def connected(site: Site, vios: str, fabric: str) -> Repair:
    """A further port of a VIOS on a fabric, with as many virtual ports as are taken for one of which nobody says it."""
    return Repair("port", vios, f"connect a further port with NPIV of {vios} to fabric {fabric}",
                  (PutRow("ports", Port(vios, f"new port on {fabric}", fabric)),), (f"on {vios}: lsnports",),
                  alike=(site.vioses[vios].server, fabric))


def _more_slots(site: Site, vios: str) -> Repair:
    most = (site.vioses[vios].max_virtual_slots or 0) + LEAST_SLOTS
    return set_to("slots", "vioses", vios, "max_virtual_slots", most,
                  words=f"raise max_virtual_slots of {vios} to {most} in its profile and activate it anew")


def _relief(*, slots: bool) -> Callable[[Site, str], Iterator[Relief]]:
    def relief(site: Site, server: str) -> Iterator[Relief]:
        for vios, fabric in site.reach.short_of_ports.get(server, ()):
            if (fabric == SLOTS) is slots:
                change = _more_slots(site, vios) if slots else connected(site, vios, fabric)
                yield Relief(lambda n, change=change: change,  # type: ignore[misc]
                             dict.fromkeys((_part(vios, fabric), _all(server, fabric)), UNSTATED_PORTS))
    return relief


@rule("storage.npiv-ports", "The virtual Fibre Channel adapters on a server take no more virtual ports of a fabric and "
      "of a VIOS than are free there; those of an LPAR that has left are free again.", Scope.SERVER, use=PORTS,
      encoding=ROWS, enough=WHICHEVER, source="IBM POWER9 p9efd_managing_vfc_storage (64 active adapters a port at "
      "16 Gb and slower); lsnports (tports, aports); HSCLA319",
      relief=_relief(slots=False))
def npiv_ports(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    for part, held, most in PORTS.parts_over(site, server, holders):
        yield Breach(f"{held} virtual Fibre Channel ports would be in use on {part}, which has {most}",
                     "free ports there (lsnports: aports), or add a port")


@rule("storage.virtual-slots", "The virtual SCSI and Fibre Channel adapters of the LPARs on a server take no more "
      "virtual slots of a VIOS than it has beside what else is in them.", Scope.SERVER, use=VIRTUAL_SLOTS,
      encoding=ROWS, enough=WHICHEVER, source="HMC V7R3.4 help, VEthernetAdapter.AdapterID (slots below the maximum "
      "number of adapters); lshwres -r virtualio --rsubtype slot; powercampus.de 7.1 (another maximum takes a new "
      "activation)",
      relief=_relief(slots=True))
def virtual_slots(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    for part, held, most in VIRTUAL_SLOTS.parts_over(site, server, holders):
        yield Breach(f"client adapters would take {held} virtual slots of {part}, which has {most} for them",
                     _MORE_SLOTS)


LEAST_SLOTS = 64
"""A VIOS of which nobody states the maximum is taken to have so many; captures show 64, 400 and 2000."""
_OWN_SLOTS = 20
"""Slots that a VIOS of which nobody states the number may use itself: serial, trunk adapters, control channels."""


def _slots_there(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    yield any_of(*(_more_slots(site, vios) for vios, fabric in site.reach.short_of_ports.get(target, ())
                   if fabric == SLOTS))


@rule("storage.slots", "The target's VIOSes have virtual slots for the LPAR's adapters were no other LPAR there; where "
      "they might be too few, their number is known.", Scope.MOVE, binds=ANYHOW, shape=storage_shape,
      source="lshwres -r virtualio --rsubtype slot (curr_max_virtual_slots); pypowervm test data "
      "(MaximumVirtualIOSlots 64, 400, 2000)",
      lifts=_slots_there,
      reads="vioses.max_virtual_slots vioses.used_virtual_slots")
def slots(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    reach, wanted = site.reach, len(site.reach.served_by(lpar))
    short = {spot: reach.port_room[spot] for spot in reach.short_of_ports.get(target, ()) if spot[1] == SLOTS}
    scarce = wanted > min(short.values(), default=wanted)
    uses = reach.port_uses(lpar, target) if scarce and target not in site.belongs(lpar) else ()
    if uses and all(any(use.get(spot, 0) > most for spot, most in short.items()) for use in uses):
        yield Breach(f"its {wanted} adapters find no virtual slots: were nobody else on {target}, " + ", ".join(
            f"{vios} would have {most}" for (vios, _), most in short.items()), _MORE_SLOTS)
    elif wanted and any(_unknown(site, v) for v in site.vioses_on(target)):
        yield unknown(f"whether the VIOSes of {target} have virtual slots for all that may come is unknown",
                      f"lshwres -r virtualio --rsubtype slot --level lpar -m {quoted(target)}")


def _unknown(site: Site, vios: Vios) -> bool:
    """Whether nobody states what a VIOS has or uses, and it might be too little."""
    if vios.max_virtual_slots is not None and vios.used_virtual_slots is not None:
        return False
    most = LEAST_SLOTS if vios.max_virtual_slots is None else vios.max_virtual_slots
    own = 0 if vios.used_virtual_slots is not None else _OWN_SLOTS - SERIAL_SLOTS
    return site.reach.slots_used[vios.name] + own + site.reach.comers(vios.server) > most


@rule("storage.npiv-mapping", "There is a mapping of all client adapters on a server onto its VIOSes in which no VIOS "
      "has more of them on a fabric than it has virtual ports, nor more than it has slots.", Scope.SERVER,
      encoding=ASKED, source="lsnports (aports); IBM p8hc3_hmcvios",
      concerns=lambda site: bool(site.reach.short_of_ports), enough=WHICHEVER)
def npiv_mapping(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
    left = {spot: site.reach.port_room[spot] for spot in site.reach.short_of_ports.get(server, ())}
    if not left:
        return
    coming: list[Sequence[Mapping[Spot, int]]] = []
    for n in holders:
        ways = site.reach.port_uses(n, server)
        if len(ways) == 1:
            for spot in left.keys() & ways[0].keys():
                left[spot] -= ways[0][spot]
        elif ways:
            coming.append(ways)
    if coming and not _mapped(left, coming) and not any(
            use.over(site, server, holders) for use in (PORTS, VIRTUAL_SLOTS)):
        slots = ", and to their virtual slots" if site.reach.short_of_slots(server) else ""
        yield Breach(f"no mapping of all virtual Fibre Channel adapters onto the VIOSes of {server} keeps to their "
                     f"free virtual ports{slots}", "free ports there (lsnports: aports), or add a port"
                     + (slots and ", or free virtual slots"))


def _mapped(left: Mapping[Spot, int], coming: Sequence[Sequence[Mapping[Spot, int]]]) -> bool:
    """Whether each LPAR finds a way beside the others."""
    spots, order = sorted(left), sorted(coming, key=len)
    states = {tuple(left[s] for s in spots)}
    for ways in order:
        amounts = [tuple(way.get(s, 0) for s in spots) for way in ways]
        states = {after for state in states for amount in amounts
                  if min(after := tuple(a - b for a, b in zip(state, amount, strict=True))) >= 0}
        if len(states) > _STATES:
            return True
    return bool(states)
