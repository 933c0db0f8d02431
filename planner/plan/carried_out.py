"""The estate once moves are over: where the next plan begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from planner.estate.model import Estate
from planner.plan.plan import Move

Spot = tuple[str, str, str]
_Changes = dict[Any, dict[str, Any]]


def carried_out(estate: Estate, moves: Sequence[Move]) -> Estate:
    """The estate once these moves are over: each LPAR with the server, id, pool and VIOSes of its last move, and what
    is left of virtual ports, slots and SR-IOV ports as an export would count it then."""
    last = {m.lpar: m for m in sorted(moves, key=lambda m: m.start_ms)}
    disks: _Changes = {(m.lpar, slot): {"vios": vios} for m in last.values() for slot, vios in m.disks}
    fibres: _Changes = {(m.lpar, slot): {"vios": vios, "port": port}
                        for m in last.values() for slot, vios, port in m.fibres}
    vnics: _Changes = {(m.lpar, b.slot, b.device): {"vios": b.vios, "port": b.port, "percent": b.percent}
                       for m in last.values() for b in m.vnics}
    places: _Changes = {n: {"server": m.target, "lpar_id": m.target_id, "pool_id": m.pool_id} for n, m in last.items()}
    then = estate.replace(
        lpars=tuple(replace(p, **places.get(p.name, {})) for p in estate.lpars),
        disks=tuple(replace(d, **disks.get((d.lpar, d.slot), {})) for d in estate.disks),
        fibres=tuple(replace(f, **fibres.get((f.lpar, f.slot), {})) for f in estate.fibres),
        vnics=tuple(replace(v, **vnics.get((v.lpar, v.slot, v.device), {})) for v in estate.vnics))
    return _recounted(then, estate, then)


def vacated(estate: Estate, placement: dict[str, str]) -> Estate:
    """The estate with these LPARs on these servers, whichever adapters they got there; what they had of virtual ports,
    slots and SR-IOV ports is free again."""
    left = {kind: tuple(r for r in getattr(estate, kind) if r.lpar not in placement)
            for kind in ("disks", "fibres", "vnics")}
    return _recounted(estate.moved(placement), estate, estate.replace(**left))


def _recounted(of: Estate, before: Estate, then: Estate) -> Estate:
    """``of`` with what is left of everything that is counted, where client adapters took what they have in ``before``
    and take what they have in ``then``."""
    more = _taken(then)
    more.subtract(_taken(before))

    def less(free: int | None, key: Spot) -> int | None:
        return None if free is None else free - more[key]

    return of.replace(
        ports=tuple(replace(p, free_ports=less(p.free_ports, ("port", p.vios, p.port))) for p in of.ports),
        sriov=tuple(replace(p, free_ports=less(p.free_ports, ("vnic", p.server, p.port)),
                            free_percent=less(p.free_percent, ("percent", p.server, p.port))) for p in of.sriov),
        vioses=tuple(v if v.used_virtual_slots is None else replace(
            v, used_virtual_slots=v.used_virtual_slots + more["slot", v.name, ""]) for v in of.vioses))


def _taken(estate: Estate) -> Counter[Spot]:
    """(what, VIOS or server, port) → how much of it client adapters take."""
    out: Counter[Spot] = Counter()
    server = {v.name: v.server for v in estate.vioses}
    for f in estate.fibres:
        ports = [p.port for p in estate.ports if (p.vios, p.fabric) == (f.vios, f.fabric)]
        out["port", f.vios, f.port or (ports[0] if len(ports) == 1 else "")] += 1
    for _, _, vios in {*((f.lpar, f.slot, f.vios) for f in estate.fibres), *(
            (d.lpar, d.slot, d.vios) for d in estate.disks)}:
        out["slot", vios, ""] += 1
    for v in estate.vnics:
        out["vnic", server.get(v.vios, ""), v.port] += 1
        out["percent", server.get(v.vios, ""), v.port] += v.percent or 1
    return out
