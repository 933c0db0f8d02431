"""Which one thing evacuations hang on: a VLAN, the LUNs of an LPAR, a fabric, a VIOS.

What would open evacuations is found on the graph of reach: of an LPAR that has no place, the servers that serve all
else that it needs; where there are some once one thing is left out, that thing is in the way. What would close some is
a VIOS of the only server to which an LPAR may go, or a fabric. Each is then asked in earnest: the estate with that one
thing everywhere, or lost, and the verdicts on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from planner.estate.model import Bridge, Estate, Port, Zoning
from planner.grouping import grouped
from planner.jobs.readiness.figures import Blocker, ReadyWord, ServerFree
from planner.parallel import shared_out
from planner.rules import Judge, Site
from planner.units import some

_ASKED = 6
"""Things of a kind that are asked about, those on which most servers hang first."""
Opens = Callable[[Site, Judge, str], bool]
"""Whether a server can be freed, at least one way."""


@dataclass(frozen=True, slots=True)
class _Thing:
    """One thing, the estate with it everywhere or lost, and the servers that hang on it. ``at``: the only server on
    which that changes anything, where there is one."""

    kind: str
    name: str
    how: str
    changed: Callable[[Estate], Estate]
    servers: tuple[str, ...]
    at: str = ""


Places = Mapping[str, Sequence[str]]
"""LPAR → the servers to which it may go today."""


def blockers(site: Site, free: Sequence[ServerFree], places: Places, can: Opens) -> list[Blocker]:
    """Those that open or close at least one evacuation, the most first."""
    yes = {f.server for f in free if f.verdict.rank <= ReadyWord.ONE_WAY.rank and f.lpars}
    no = [f.server for f in free if f.verdict.rank > ReadyWord.ONE_WAY.rank]
    asked = [*_first((*_opening(site, places, no), *_dark(site, no))), *_first(_closing(site, places, yes))]
    found = [*_fabrics(site, yes), *shared_out(lambda thing: _blocker(site, thing, places, can, yes), asked)]
    return sorted((b for b in found if b.opens or b.closes), key=lambda b: (
        -len(b.opens), -len(b.closes), b.kind, b.name))


def _blocker(site: Site, thing: _Thing, places: Places, can: Opens, free: Collection[str]) -> Blocker:
    """What of a thing's servers it opens, or closes where they can be freed."""
    after = Site(thing.changed(site.estate), usage=site.usage, assume_nothing=site.assume_nothing)
    judge = Judge(after)

    def shut(server: str) -> bool:
        """Whether an LPAR that may go nowhere today may not go to the one server either that is changed."""
        return thing.at not in ("", server) and any(
            not places[n] and not judge.allowed(n, server, thing.at) for n in site.residents(server))

    able = {s for s in thing.servers if not shut(s) and can(after, judge, s)}
    return Blocker(thing.kind, thing.name, thing.how, opens=tuple(s for s in thing.servers if s in able - {*free}),
                   closes=tuple(s for s in thing.servers if s in {*free} - able))


def _first(things: Iterable[_Thing]) -> list[_Thing]:
    by_kind = grouped((t.kind, t) for t in sorted(things, key=lambda t: (-len(t.servers), t.name)))
    return [t for of in by_kind.values() for t in of[:_ASKED]]


def _opening(site: Site, places: Places, closed: Sequence[str]) -> Iterator[_Thing]:
    """VLANs, LUNs and fabrics without which an LPAR of these servers would have a place that it has not now."""
    hang: dict[tuple[object, ...], dict[str, None]] = {}
    for server in closed:
        for lpar in site.residents(server):
            for thing in () if places[lpar] else _in_the_way(site, lpar):
                hang.setdefault(thing, {})[server] = None
    for thing, servers in hang.items():
        yield _everywhere(site, thing, tuple(servers))


def _in_the_way(site: Site, lpar: str) -> Iterator[tuple[object, ...]]:
    """The things that an LPAR needs without one of which it would reach more servers."""
    here, reach = site.lpars[lpar].server, site.reach
    node = reach.alike[lpar].node
    needs = [t for t in reach.graph.successors(node) if t[0] != "vlan" or t[2] not in site.policies.ignorable_vlans]
    serving = {t: reach.serving(t) - {here} for t in needs}
    for thing in needs:
        others = [s for t, s in serving.items() if t != thing]
        left = set.intersection(*others) if others else set(site.servers) - {here}
        if left - serving[thing]:
            yield ("luns", lpar) if thing[0] == "luns" else thing


def _everywhere(site: Site, thing: tuple[object, ...], servers: tuple[str, ...]) -> _Thing:
    kind, name = str(thing[0]), str(thing[-1])
    if kind == "vlan":
        switch, vlan = str(thing[1]), int(name)
        return _Thing("VLAN", f"{vlan}" + ("" if switch == "ETHERNET0" else f" on {switch}"),
                      "bridged by every VIOS that bridges any", partial(_bridged, switch=switch, vlan=vlan), servers)
    if kind == "fabric":
        return _Thing("fabric", name, "a free NPIV port on it on every VIOS that has any",
                      partial(_ported, fabric=name), servers)
    luns = tuple(dict.fromkeys(d.lun for d in site.reach.disks_of(name) if d.backing == "lun"))
    return _Thing("LUN", some(luns, 2) + f" of {name}", "zoned to every VIOS of which disks are known, without "
                  "reservation", partial(_zoned, luns=luns), servers)


def _bridged(estate: Estate, switch: str, vlan: int) -> Estate:
    have = {b.vios for b in estate.bridges if (b.vswitch, b.vlan) == (switch, vlan)}
    seas = {b.vios: b for b in estate.bridges if b.vswitch == switch and b.vios not in have}
    seas |= {b.vios: b for b in estate.bridges if b.vios not in have and b.vios not in seas}
    more = tuple(Bridge(v, b.sea, vlan, switch) for v, b in seas.items())
    return estate.replace(bridges=estate.bridges + more)


def _ported(estate: Estate, fabric: str) -> Estate:
    vioses = dict.fromkeys(p.vios for p in estate.ports)
    return estate.replace(ports=estate.ports + tuple(Port(v, f"fabric {fabric}", fabric, 64) for v in vioses))


def _zoned(estate: Estate, luns: Collection[str]) -> Estate:
    kept = tuple(z for z in estate.zonings if z.lun not in luns)
    vioses = dict.fromkeys(z.vios for z in estate.zonings)
    return estate.replace(zonings=kept + tuple(Zoning(d, v, reserve_policy="no_reserve") for d in luns for v in vioses))


def _answering(estate: Estate, vios: str, *, up: bool) -> Estate:
    """With a VIOS that has RMC and is a mover, or that has no RMC."""
    return estate.replace(vioses=tuple(replace(v, rmc_active=up, msp=True if up else v.msp) if v.name == vios else v
                                       for v in estate.vioses))


def _dark(site: Site, closed: Sequence[str]) -> Iterator[_Thing]:
    """VIOSes that are known not to answer, or not to be movers, on servers that matter to these."""
    near = {s: {s, *(t for n in site.residents(s) for t in (site.reach.near(n) or site.servers))} for s in closed}
    for v in site.estate.vioses:
        if v.rmc_active is False or v.msp is False:
            of = tuple(s for s in closed if v.server in near[s])
            if of:
                yield _Thing("VIOS", v.name, "with RMC and as a mover",
                             partial(_answering, vios=v.name, up=True), of, at=v.server)


def _closing(site: Site, places: Places, free: Collection[str]) -> Iterator[_Thing]:
    """VIOSes of the only server to which some LPAR may go; with the servers of these."""
    hang: dict[str, Counter[str]] = {}
    for server in sorted(free):
        for lpar in site.residents(server):
            if len(places[lpar]) == 1:
                hang.setdefault(places[lpar][0], Counter())[server] += 1
    for target, servers in hang.items():
        for v in site.vioses_on(target):
            yield _Thing("VIOS", v.name, "down", partial(_answering, vios=v.name, up=False),
                         tuple(sorted(servers)))


def _fabrics(site: Site, free: Collection[str]) -> Iterator[Blocker]:
    """A fabric that is lost closes every server with an LPAR on it: no port of it is left anywhere."""
    on = grouped((f.fabric, site.start[f.lpar]) for f in site.estate.fibres if site.start.get(f.lpar) in free)
    for fabric, servers in sorted(on.items()):
        yield Blocker("fabric", fabric, "lost", closes=tuple(sorted({*servers})))
