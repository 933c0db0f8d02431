"""Which LPAR can reach which server, as a graph: LPAR – VLAN/LUN/WWPN pair – VIOS – server, with redundancy.

Nodes are tuples: ``("lpar", name)``, ``("vlan", switch, id)``, ``("sea", vios, name)``, ``("lun", id)``,
``("wwpns", lpar, slot)``, ``("fabric", name)``, ``("port", vios, name)``, ``("vios", name)``, ``("server", name)``.
Edges run from the LPAR outwards, so everything that an LPAR reaches is its descendants.

Redundancy counts. Client adapters that lead to the same disks through k VIOSes must find k different VIOSes on
the target, each of which sees all of those disks: a matching, that is k paths that share no VIOS.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from planner.estate.model import Disk, Estate, Fibre

if TYPE_CHECKING:
    import networkx as nx

NO_RESERVE = ("no_reserve", "")


@dataclass(frozen=True, slots=True)
class PathGroup:
    """Client adapters that carry the same storage: source VIOS → its slots and what they carry."""

    slots: Mapping[str, tuple[int, ...]]
    carries: Mapping[str, frozenset[str]]


def match(wanted: Sequence[str], eligible: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A largest assignment of each wanted name to a different eligible one, the same for the same input.

    Augmenting paths (Kuhn 1955) in the given order: a name takes its first free choice and gives it up only for one
    that has no other.
    """
    holder: dict[str, str] = {}

    def place(name: str, tried: set[str]) -> bool:
        for choice in eligible[name]:
            if choice not in holder:
                holder[choice] = name
                return True
        for choice in eligible[name]:
            if choice not in tried:
                tried.add(choice)
                if place(holder[choice], tried):
                    holder[choice] = name
                    return True
        return False

    for name in wanted:
        place(name, set())
    return {name: choice for choice, name in sorted(holder.items())}


def path_groups(paths: Iterable[tuple[int, str, str]]) -> tuple[PathGroup, ...]:
    """Group (slot, source VIOS, thing carried): slots that share a thing belong together."""
    carried: dict[tuple[int, str], set[str]] = defaultdict(set)
    for slot, vios, thing in paths:
        carried[(slot, vios)].add(thing)
    groups: list[tuple[set[tuple[int, str]], set[str]]] = []
    for adapter, things in sorted(carried.items()):
        joined = [g for g in groups if g[1] & things]
        merged = ({adapter}.union(*(g[0] for g in joined)), set(things).union(*(g[1] for g in joined)))
        groups = [g for g in groups if g not in joined] + [merged]
    out = []
    for adapters, _ in groups:
        slots: dict[str, list[int]] = defaultdict(list)
        carries: dict[str, set[str]] = defaultdict(set)
        for slot, vios in sorted(adapters):
            slots[vios].append(slot)
            carries[vios] |= carried[(slot, vios)]
        out.append(PathGroup({v: tuple(s) for v, s in slots.items()}, {v: frozenset(c) for v, c in carries.items()}))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class StoragePaths:
    """How an LPAR's storage adapters map onto the VIOSes of a target.

    ``mapping``: (client slot, target VIOS); ``unseen``: disks that no VIOS of the target can serve; ``split``:
    source VIOSes whose disks are all seen there, but by no single VIOS; ``lost``: VIOS-disjoint paths missing.
    """

    mapping: tuple[tuple[int, str], ...] = ()
    unseen: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    lost: int = 0

    @property
    def reached(self) -> bool:
        """Every disk can be served, redundancy apart."""
        return not self.unseen and not self.split


class Reach:
    """Reachability over an estate. Answers are computed once for each shape of question."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.server_of = {v.name: v.server for v in estate.vioses}
        self.vioses_on: dict[str, list[str]] = {s.name: [] for s in estate.servers}
        for v in estate.vioses:
            self.vioses_on.setdefault(v.server, []).append(v.name)
        self._networks = _by_lpar(estate.networks)
        self._disks: dict[str, list[Disk]] = _by_lpar(estate.disks)
        self._fibres: dict[str, list[Fibre]] = _by_lpar(estate.fibres)
        self._bridging: dict[tuple[str, int], dict[str, list[str]]] = defaultdict(dict)
        for b in estate.bridges:
            there = self._bridging[(b.vswitch, b.vlan)].setdefault(self.server_of.get(b.vios, ""), [])
            if b.vios not in there:
                there.append(b.vios)
        self._seen: dict[str, dict[str, str]] = defaultdict(dict)
        for z in estate.zonings:
            self._seen[z.lun][z.vios] = z.reserve_policy
        self._fabrics: dict[str, dict[str, int]] = defaultdict(dict)
        for p in estate.ports:
            room = 64 if p.free_ports is None else p.free_ports
            self._fabrics[p.vios][p.fabric] = self._fabrics[p.vios].get(p.fabric, 0) + room
        self._fabric_servers: dict[str, set[str]] = defaultdict(set)
        for vios, fabrics in self._fabrics.items():
            for fabric, room in fabrics.items():
                if room > 0:
                    self._fabric_servers[fabric].add(self.server_of.get(vios, ""))
        self._answers: dict[tuple[int, str], StoragePaths] = {}
        self._shapes: dict[Any, int] = {}
        self._nears: dict[Any, set[str] | None] = {}
        self._groups: dict[tuple[str, str], tuple[tuple[PathGroup, ...], int]] = {}
        self._alike: dict[tuple[tuple[str, str], ...], int] = {}
        self._classes: dict[str, int] = {}

    @cached_property
    def graph(self) -> nx.DiGraph:
        """The whole graph; an edge lun → vios has its ``reserve_policy``."""
        import networkx as nx

        graph = nx.DiGraph()
        e = self.estate
        graph.add_nodes_from(("server", s.name) for s in e.servers)
        graph.add_nodes_from(("lpar", p.name) for p in e.lpars)
        graph.add_edges_from((("vios", v.name), ("server", v.server)) for v in e.vioses)
        for b in e.bridges:
            graph.add_edge(("vlan", b.vswitch, b.vlan), ("sea", b.vios, b.sea))
            graph.add_edge(("sea", b.vios, b.sea), ("vios", b.vios))
        for n in e.networks:
            graph.add_edges_from((("lpar", n.lpar), ("vlan", n.vswitch, vlan)) for vlan in (n.vlan, *n.tagged))
        graph.add_edges_from((("lpar", d.lpar), ("lun", d.lun)) for d in e.disks)
        for z in e.zonings:
            graph.add_edge(("lun", z.lun), ("vios", z.vios), reserve_policy=z.reserve_policy)
        for f in e.fibres:
            graph.add_edge(("lpar", f.lpar), ("wwpns", f.lpar, f.slot))
            graph.add_edge(("wwpns", f.lpar, f.slot), ("fabric", f.fabric))
        for p in e.ports:
            graph.add_edge(("fabric", p.fabric), ("port", p.vios, p.port))
            graph.add_edge(("port", p.vios, p.port), ("vios", p.vios))
        return graph

    def networks_of(self, lpar: str) -> list[Any]:
        """Its virtual Ethernet adapters."""
        return self._networks.get(lpar, [])

    def disks_of(self, lpar: str) -> list[Disk]:
        """Its virtual SCSI paths."""
        return self._disks.get(lpar, [])

    def fibres_of(self, lpar: str) -> list[Fibre]:
        """Its virtual Fibre Channel adapters."""
        return self._fibres.get(lpar, [])

    def vlans_of(self, lpar: str) -> tuple[tuple[str, int], ...]:
        """The (virtual switch, VLAN) pairs that it uses."""
        return tuple(sorted({(n.vswitch, v) for n in self.networks_of(lpar) for v in (n.vlan, *n.tagged)}))

    def bridging(self, vswitch: str, vlan: int, server: str) -> tuple[str, ...]:
        """The VIOSes of a server whose SEA bridges this VLAN."""
        return tuple(self._bridging.get((vswitch, vlan), {}).get(server, ()))

    def reserve_policies(self, lun: str, server: str) -> dict[str, str]:
        """VIOSes of a server that see this LUN → the reserve policy there."""
        seen = self._seen.get(lun, {})
        return {v: seen[v] for v in self.vioses_on.get(server, ()) if v in seen}

    def disk_paths(self, lpar: str, server: str) -> StoragePaths:
        """How its virtual SCSI adapters can be mapped on a server. Disks that are no LUNs are left out."""
        return self._paths("scsi", lpar, server)

    def fibre_paths(self, lpar: str, server: str) -> StoragePaths:
        """How its virtual Fibre Channel adapters can be mapped on a server."""
        return self._paths("fibre", lpar, server)

    def storage_shape(self, lpar: str) -> tuple[int, int]:
        """Numbers that two LPARs share when their storage can be mapped alike on every server: their adapters carry
        LUNs that the same VIOSes see in the same way. What of them is not seen has names of its own."""
        return self._grouped("scsi", lpar)[1], self._grouped("fibre", lpar)[1]

    def near(self, lpar: str, ignorable: Collection[int] = ()) -> set[str] | None:
        """The servers on which a VIOS bridges each of its VLANs (``ignorable`` ones apart) and one serves each of
        its LUNs and fabrics; None: all. Other servers cannot take it; whether these can is for the rules to say."""
        vlans = tuple(v for v in self.vlans_of(lpar) if v[1] not in ignorable)
        key = (vlans, self.storage_shape(lpar))
        if key not in self._nears:
            self._nears[key] = self._near(lpar, vlans)
        return self._nears[key]

    def _near(self, lpar: str, vlans: Iterable[tuple[str, int]]) -> set[str] | None:
        found: set[str] | None = None
        for vlan in vlans:
            found = _both(found, self._bridging.get(vlan, {}).keys())
        for kind in ("scsi", "fibre"):
            for group in self._grouped(kind, lpar)[0]:
                for thing in sorted(frozenset().union(*group.carries.values())):
                    found = _both(found, self._serving(kind, thing))
        return found

    def _serving(self, kind: str, thing: str) -> Collection[str]:
        if kind == "fibre":
            return self._fabric_servers.get(thing, ())
        return {self.server_of.get(v, "") for v, policy in self._seen.get(thing, {}).items() if policy in NO_RESERVE}

    def _grouped(self, kind: str, lpar: str) -> tuple[tuple[PathGroup, ...], int]:
        """The path groups of an LPAR, and the number of their shape."""
        known = self._groups.get((kind, lpar))
        if known is None:
            if kind == "scsi":
                groups = path_groups((d.slot, d.vios, d.lun) for d in self.disks_of(lpar) if d.backing == "lun")
            else:
                groups = _fibre_groups(self.fibres_of(lpar))
            alike = self._class if kind == "scsi" else str
            shape = (kind, tuple((tuple(g.slots.items()), tuple(sorted((v, tuple(sorted({alike(x) for x in c})))
                     for v, c in g.carries.items()))) for g in groups))
            known = self._groups[(kind, lpar)] = groups, self._shapes.setdefault(shape, len(self._shapes))
        return known

    def _paths(self, kind: str, lpar: str, server: str) -> StoragePaths:
        groups, shape = self._grouped(kind, lpar)
        known = self._answers.get((shape, server))
        if known is None:
            known = self._answers[shape, server] = self._solve(kind, groups, server)
        elif known.unseen:
            return self._solve(kind, groups, server)
        return known

    def _class(self, lun: str) -> int:
        """A number that LUNs share when the same VIOSes see them in the same way."""
        if lun not in self._classes:
            seen = tuple(sorted(self._seen.get(lun, {}).items()))
            self._classes[lun] = self._alike.setdefault(seen, len(self._alike))
        return self._classes[lun]

    def _serves(self, kind: str, vios: str, thing: str) -> bool:
        if kind == "scsi":
            return self._seen.get(thing, {}).get(vios, "none") in NO_RESERVE
        return self._fabrics.get(vios, {}).get(thing, 0) > 0

    def _solve(self, kind: str, groups: tuple[PathGroup, ...], server: str) -> StoragePaths:
        mapping: list[tuple[int, str]] = []
        unseen: set[str] = set()
        split: set[str] = set()
        lost = 0
        here = self.vioses_on.get(server, [])
        for group in groups:
            wanted = sorted(group.slots, key=lambda v: group.slots[v])
            eligible = {v: [t for t in here if all(self._serves(kind, t, c) for c in group.carries[v])] for v in wanted}
            for v in wanted:
                blind = {c for c in group.carries[v] if not any(self._serves(kind, t, c) for t in here)}
                unseen |= blind
                if not blind and not eligible[v]:
                    split.add(v)
            assigned = match(wanted, eligible)
            lost += sum(1 for v in wanted if v not in assigned and eligible[v])
            for v in wanted:
                choice = assigned.get(v) or next(iter(eligible[v]), None)
                if choice:
                    mapping += [(slot, choice) for slot in group.slots[v]]
        return StoragePaths(tuple(sorted(mapping)), tuple(sorted(unseen)), tuple(sorted(split)), lost)


def _both(found: set[str] | None, more: Collection[str]) -> set[str]:
    return set(more) if found is None else found.intersection(more)


def _fibre_groups(fibres: list[Fibre]) -> tuple[PathGroup, ...]:
    """All vFC adapters of an LPAR lead to the same disks: one group over its VIOSes."""
    if not fibres:
        return ()
    slots: dict[str, list[int]] = defaultdict(list)
    carries: dict[str, set[str]] = defaultdict(set)
    for f in fibres:
        slots[f.vios].append(f.slot)
        carries[f.vios].add(f.fabric)
    return (PathGroup({v: tuple(s) for v, s in slots.items()}, {v: frozenset(c) for v, c in carries.items()}),)


def _by_lpar(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.lpar].append(row)
    return dict(found)
