"""Which LPAR can reach which server, asked of one graph: LPARs – VLANs, LUNs, fabrics – VIOSes – servers.

The graph is small: LPARs with the same networks and paths to storage are one node, LUNs that the same VIOSes see alike
are one; ``members`` names them. Nodes are tuples: ``("lpars", n)``, ``("vlan", switch, id)``, ``("luns", n)``,
``("fabric", name)``, ``("vios", name)``, ``("server", name)``. Edges run from the LPARs outwards, so everything that an
LPAR reaches is its descendants. An edge to a VIOS says in ``usable`` whether an arriving LPAR can be served there: a
LUN without reservation, a fabric with a free port.

Redundancy counts. Client adapters that lead to the same disks through k VIOSes must find k different VIOSes on
the target, each of which sees all of those disks: a matching, that is k paths that share no VIOS.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from planner.estate.capacity import SERIAL_SLOTS
from planner.estate.model import Disk, Estate, Fibre, Network, Port, by_id
from planner.grouping import grouped, linked
from planner.remember import remembered

if TYPE_CHECKING:
    import networkx as nx

PR_SHARED = "PR_shared"
NO_RESERVE = ("no_reserve", PR_SHARED, "")
"""Reserve policies with which a LUN may be served to an arriving LPAR."""
SHARED = ("lun", "ssp")
"""Backings of disks that other servers may serve: LUNs, and logical units of a cluster."""
SLOTS = " virtual slots"
"""Stands for a fabric where the virtual slots of a VIOS are meant: each adapter that it serves takes one."""
UNSTATED_PORTS = 64
"""Clients of a physical port (16 Gbit/s and slower) of which nobody states how many more it takes."""
_WAYS = 5000
"""Ways to map the adapters of an LPAR that are looked at."""

Node = tuple[Any, ...]
Spot = tuple[str, str]
"""(VIOS, fabric): the physical ports of a VIOS on a fabric, each as good as the other; (VIOS, SLOTS): its slots."""
Disks = tuple[tuple[int, str], ...]
"""(client slot, VIOS) of virtual SCSI adapters."""
Fibres = tuple[tuple[int, str, str], ...]
"""(client slot, VIOS, physical port) of virtual Fibre Channel adapters; "" where the port is unknown."""


@dataclass(frozen=True, slots=True)
class PathGroup:
    """Client adapters that carry the same storage: source VIOS → its slots, and what they carry; how many adapters
    carry it where each takes a virtual port."""

    slots: Mapping[str, tuple[int, ...]]
    carries: Mapping[str, frozenset[Any]]
    ports: Mapping[str, Mapping[Any, int]] = field(default_factory=dict)


def match(wanted: Sequence[str], eligible: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A largest assignment of each wanted name to a different eligible one, the same for the same input.

    Augmenting paths (Kuhn 1955) in the given order: a name takes its first free choice and gives it up only for one
    that has no other. The matchings of networkx know no such preference, and walk over sets of names: their answer
    differs from one process to the next, and with it the plan's mapping.
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


def path_groups(paths: Iterable[tuple[int, str, Any]]) -> tuple[PathGroup, ...]:
    """Group (slot, source VIOS, thing carried): slots that share a thing belong together."""
    carried: dict[tuple[int, str], set[Any]] = defaultdict(set)
    over: dict[Any, list[tuple[int, str]]] = defaultdict(list)
    for slot, vios, thing in paths:
        carried[slot, vios].add(thing)
        over[thing].append((slot, vios))
    return tuple(_group([(slot, vios, carried[slot, vios]) for slot, vios in adapters])
                 for adapters in linked(sorted(carried), over.values()))


def _group(adapters: Iterable[tuple[int, str, Collection[Any]]]) -> PathGroup:
    """The group of these adapters: (slot, source VIOS, what it carries)."""
    slots: dict[str, list[int]] = defaultdict(list)
    carries: dict[str, set[Any]] = defaultdict(set)
    for slot, vios, things in adapters:
        slots[vios].append(slot)
        carries[vios].update(things)
    return PathGroup({v: tuple(s) for v, s in slots.items()}, {v: frozenset(c) for v, c in carries.items()})


def _spread(way: Disks) -> Hashable:
    """How many adapters each VIOS serves."""
    return tuple(sorted(Counter(vios for _, vios in way).items()))


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


@dataclass(frozen=True, slots=True, eq=False)
class PortRange:
    """What of a server's virtual ports and slots is taken at ``least`` and at ``most``, whichever way is chosen;
    ``first``: the first of the ways."""

    server: str
    least: Mapping[Spot, int]
    most: Mapping[Spot, int]
    first: Mapping[Spot, int]


@dataclass(frozen=True, slots=True)
class Alike:
    """What the LPARs of one node share; ``storage``: a number that others share whose storage is mapped alike."""

    node: Node
    vlans: tuple[tuple[str, int], ...]
    storage: int
    scsi: tuple[PathGroup, ...]
    fibre: tuple[PathGroup, ...]


class Reach:
    """Reachability over an estate. Answers are computed once for each shape of question.

    ``held``: LPAR → server of those that hold their virtual ports and slots; by default the active ones.
    """

    def __init__(self, estate: Estate, held: Mapping[str, str] | None = None) -> None:
        self.estate = estate
        self.holding = {p.name: p.server for p in estate.lpars if p.active} if held is None else held
        self.server_of = {v.name: v.server for v in estate.vioses}
        self.vioses_on = grouped(((v.server, v.name) for v in by_id(estate.vioses)), (s.name for s in estate.servers))
        self._networks: dict[str, list[Network]] = grouped((row.lpar, row) for row in estate.networks)
        self._disks: dict[str, list[Disk]] = grouped((row.lpar, row) for row in estate.disks)
        self._fibres: dict[str, list[Fibre]] = grouped((row.lpar, row) for row in estate.fibres)
        self._answers: dict[tuple[str, int, str], tuple[StoragePaths, frozenset[Node]]] = {}
        self._nears: dict[Any, set[str] | None] = {}
        self._lacking: dict[Any, Counter[str]] = {}
        self._known_groups: dict[Any, tuple[int, tuple[PathGroup, ...], tuple[PathGroup, ...]]] = {}
        self._storages: dict[Any, int] = {}
        self._ways: dict[tuple[int, str], Sequence[Disks]] = {}
        self._uses: dict[tuple[int, str], Sequence[Mapping[Spot, int]]] = {}
        self._ranges: dict[tuple[int, str], PortRange] = {}

    # ---- the graph ----------------------------------------------------------------------------------------------

    @cached_property
    def graph(self) -> nx.DiGraph:
        """The graph. ``members`` of a node: the LPARs or LUNs that it stands for; ``alike`` of LPARs: what they share.

        Edges to a VIOS have ``usable``, and ``seas``, ``reserve_policy`` or ``ports``.
        """
        import networkx as nx  # start-up: questions that ask nothing of reach do without

        graph = nx.DiGraph()
        graph.add_nodes_from(("server", s.name) for s in self.estate.servers)
        graph.add_edges_from((("vios", v.name), ("server", v.server)) for v in self.estate.vioses)
        self._add_bridges_and_ports(graph)
        lun_nodes = self._add_luns(graph)
        nodes: dict[Any, Alike] = {}
        for name in dict.fromkeys((*(p.name for p in self.estate.lpars), *self._networks, *self._disks, *self._fibres)):
            self._add_lpar(graph, name, nodes, lun_nodes)
        return graph

    def _add_bridges_and_ports(self, graph: nx.DiGraph) -> None:
        seas: dict[tuple[Node, Node], list[str]] = defaultdict(list)
        for b in self.estate.bridges:
            seas[("vlan", b.vswitch, b.vlan), ("vios", b.vios)].append(b.sea)
        graph.add_edges_from((*ends, {"usable": True, "seas": names}) for ends, names in seas.items())
        graph.add_edges_from((("fabric", fabric), ("vios", vios), {
            "usable": self.port_room[vios, fabric] > 0, "ports": {p.port: p.free_ports for p in ports}})
            for (vios, fabric), ports in self.ports_at.items())

    def _add_luns(self, graph: nx.DiGraph) -> dict[str, Node]:
        """LUN → its node."""
        seen: dict[str, dict[str, str]] = {d.lun: {} for d in self.estate.disks if d.backing == "lun"}
        seen |= {d.lun: dict.fromkeys(self._nodes_of(d.vios), "no_reserve") for d in self.estate.disks
                 if d.backing == "ssp"}
        for z in self.estate.zonings:
            seen.setdefault(z.lun, {})[z.vios] = z.reserve_policy
        nodes: dict[frozenset[tuple[str, str]], Node] = {}
        out: dict[str, Node] = {}
        for lun, policies in seen.items():
            key = frozenset(policies.items())
            node = nodes.get(key)
            if node is None:
                node = nodes[key] = ("luns", len(nodes))
                graph.add_node(node, members=[])
                graph.add_edges_from((node, ("vios", v), {"usable": p in NO_RESERVE, "reserve_policy": p})
                                     for v, p in policies.items())
            graph.nodes[node]["members"].append(lun)
            out[lun] = node
        return out

    @remembered
    def _nodes_of(self, vios: str) -> Sequence[str]:
        """The VIOSes that are, or may be, nodes of the shared storage pool cluster of this one."""
        own = next((v.cluster for v in self.estate.vioses if v.name == vios), "")
        return [v.name for v in self.estate.vioses if not own or v.cluster in ("", own)]

    def _add_lpar(self, graph: nx.DiGraph, name: str, nodes: dict[Any, Alike], lun_nodes: Mapping[str, Node]) -> None:
        vlans = tuple(sorted({(n.vswitch, v) for n in self._networks.get(name, ()) for v in (n.vlan, *n.tagged)}))
        storage, scsi, fibre = self._grouped(name, lun_nodes)
        alike = nodes.get((vlans, storage))
        if alike is None:
            alike = nodes[vlans, storage] = Alike(("lpars", len(nodes)), vlans, storage, scsi, fibre)
            graph.add_node(alike.node, members=[], alike=alike)
            things = {c for group in (*scsi, *fibre) for carried in group.carries.values() for c in carried}
            graph.add_edges_from((alike.node, thing) for thing in (*(("vlan", *v) for v in vlans), *sorted(things)))
        graph.nodes[alike.node]["members"].append(name)

    def _grouped(self, lpar: str, lun_nodes: Mapping[str, Node]
                 ) -> tuple[int, tuple[PathGroup, ...], tuple[PathGroup, ...]]:
        """The number of an LPAR's storage and its path groups over virtual SCSI and Fibre Channel."""
        number: dict[str, int] = {}
        disks = tuple((d.slot, d.vios, number.setdefault(d.lun, len(number)), lun_nodes[d.lun])
                      for d in self.disks_of(lpar) if d.backing in SHARED)
        fibres = tuple((f.slot, f.vios, ("fabric", f.fabric)) for f in self.fibres_of(lpar))
        known = self._known_groups.get((disks, fibres))
        if known is None:
            node = {lun: at for _, _, lun, at in disks}
            scsi = tuple(PathGroup(g.slots, {v: frozenset(node[lun] for lun in c) for v, c in g.carries.items()})
                         for g in path_groups(row[:3] for row in disks))
            # All virtual Fibre Channel adapters of an LPAR lead to the same disks: one group over its VIOSes.
            fibre = (replace(_group((slot, vios, [fabric]) for slot, vios, fabric in fibres), ports={
                vios: Counter(f for _, v, f in fibres if v == vios) for _, vios, _ in fibres}),) if fibres else ()
            shape = tuple((tuple(g.slots.items()), tuple((v, tuple(sorted(c))) for v, c in sorted(g.carries.items())))
                          for g in scsi)
            storage = self._storages.setdefault((shape, fibres), len(self._storages))
            known = self._known_groups[disks, fibres] = storage, scsi, fibre
        return known

    @remembered
    def serving(self, thing: Node) -> set[str]:
        """The servers on which a VIOS can serve a VLAN, LUNs or a fabric to an arriving LPAR."""
        return {self.server_of.get(vios, "") for (_, vios), edge in self._edges(thing).items() if edge["usable"]}

    def _edges(self, node: Node) -> Mapping[Node, Mapping[str, Any]]:
        """What stands behind a node; the plain dictionaries of the graph, asked a million times on a large estate."""
        return self.graph._adj.get(node, {})  # type: ignore[no-any-return]

    # ---- what an LPAR has ---------------------------------------------------------------------------------------

    def disks_of(self, lpar: str) -> list[Disk]:
        """Its virtual SCSI paths."""
        return self._disks.get(lpar, [])

    def fibres_of(self, lpar: str) -> list[Fibre]:
        """Its virtual Fibre Channel adapters."""
        return self._fibres.get(lpar, [])

    @cached_property
    def alike(self) -> Mapping[str, Alike]:
        """LPAR → what it shares with the others of its node."""
        return {name: at["alike"] for at in self.graph.nodes.values() if "alike" in at for name in at["members"]}

    @cached_property
    def lun_nodes(self) -> Mapping[str, Node]:
        """LUN → its node."""
        return {lun: node for node, at in self.graph.nodes.items() if node[0] == "luns" for lun in at["members"]}

    def vlans_of(self, lpar: str) -> tuple[tuple[str, int], ...]:
        """The (virtual switch, VLAN) pairs that it uses."""
        return self.alike[lpar].vlans

    def storage_shape(self, lpar: str) -> int:
        """A number that two LPARs share when their storage can be mapped alike on every server: their adapters carry
        LUNs that the same VIOSes see in the same way. What of them is not seen has names of its own."""
        return self.alike[lpar].storage

    # ---- who serves it ------------------------------------------------------------------------------------------

    @cached_property
    def listing(self) -> Collection[str]:
        """The VIOSes of which some listing shows the disks that they see."""
        return {z.vios for z in self.estate.zonings}

    @cached_property
    def ported(self) -> Collection[str]:
        """The VIOSes of which some listing shows a Fibre Channel port that serves NPIV."""
        return {p.vios for p in self.estate.ports}

    @cached_property
    def bridgers(self) -> Collection[str]:
        """The VIOSes of which some listing shows a VLAN that they bridge."""
        return {b.vios for b in self.estate.bridges}

    @cached_property
    def switch_modes(self) -> Mapping[tuple[str, str], str]:
        """(server, virtual switch) → its mode (VEB, VEPA), where one is stated."""
        servers = {v.name: v.server for v in self.estate.vioses}
        return {(servers.get(b.vios, ""), b.vswitch): b.switch_mode for b in self.estate.bridges if b.switch_mode}

    @remembered
    def seas_of(self, vswitch: str) -> Mapping[str, str]:
        """VIOS → its SEA on a virtual switch, the last of several."""
        return {b.vios: b.sea for b in self.estate.bridges if b.vswitch == vswitch}

    def bridging(self, vswitch: str, vlan: int, server: str) -> tuple[str, ...]:
        """The VIOSes of a server whose SEA bridges this VLAN."""
        edges = self._edges(("vlan", vswitch, vlan))
        return tuple(v for v in self.vioses_on.get(server, ()) if ("vios", v) in edges)

    def reserve_policies(self, lun: str, server: str) -> dict[str, str]:
        """VIOSes of a server that see this LUN → the reserve policy there."""
        edges = self._edges(self.lun_nodes.get(lun, ()))
        return {v: edges["vios", v]["reserve_policy"] for v in self.vioses_on.get(server, ()) if ("vios", v) in edges}

    def near(self, lpar: str, ignorable: Collection[int] = ()) -> set[str] | None:
        """The servers on which a VIOS bridges each of its VLANs (``ignorable`` ones apart) and one serves each of
        its LUNs and fabrics; None: all. Other servers cannot take it; whether these can is for the rules to say."""
        alike = self.alike[lpar]
        key = (tuple(v for v in alike.vlans if v[1] not in ignorable), alike.storage)
        if key not in self._nears:
            things = [t for t in self._edges(alike.node) if t[0] != "vlan" or t[2] not in ignorable]
            self._nears[key] = set.intersection(*map(self.serving, things)) if things else None
        return self._nears[key]

    def lacking(self, lpar: str, ignorable: Collection[int] = ()) -> Counter[str]:
        """Server → how much of what it needs no VIOS there serves: each VLAN (``ignorable`` ones apart), any LUN, any
        fabric. Each of these is at least one refusal."""
        alike = self.alike[lpar]
        key = (tuple(v for v in alike.vlans if v[1] not in ignorable), alike.storage)
        if key not in self._lacking:
            servers, lacks = dict.fromkeys(self.server_of.values()), Counter[str]()
            needs: dict[Node, list[Node]] = grouped((t if t[0] == "vlan" else t[:1], t) for t in self._edges(
                alike.node) if t[0] != "vlan" or t[2] not in ignorable)
            for things in needs.values():
                lacks.update(s for s in servers if not all(s in self.serving(t) for t in things))
            self._lacking[key] = lacks
        return self._lacking[key]

    def disk_paths(self, lpar: str, server: str) -> StoragePaths:
        """How its virtual SCSI adapters can be mapped on a server. Disks of one VIOS alone are left out."""
        paths, blind = self._paths("scsi", lpar, server)
        return paths if not blind else replace(paths, unseen=tuple(sorted(
            {d.lun for d in self.disks_of(lpar) if d.backing in SHARED and self.lun_nodes[d.lun] in blind})))

    def fibre_paths(self, lpar: str, server: str) -> StoragePaths:
        """How its virtual Fibre Channel adapters can be mapped on a server: the first of the ways."""
        paths, blind = self._paths("fibre", lpar, server)
        return paths if not blind else replace(paths, unseen=tuple(sorted(fabric for _, fabric in blind)))

    # ---- virtual ports of Fibre Channel -------------------------------------------------------------------------

    @cached_property
    def ports_at(self) -> Mapping[Spot, Sequence[Port]]:
        """(VIOS, fabric) → its physical ports."""
        return grouped(((p.vios, p.fabric), p) for p in self.estate.ports)

    @cached_property
    def _spots_of(self) -> Mapping[str, Sequence[Spot]]:
        """VIOS → where it has physical ports."""
        return grouped((spot[0], spot) for spot in self.ports_at)

    @cached_property
    def _ports_in_use(self) -> Counter[Spot]:
        """(VIOS, fabric) → virtual ports that LPARs hold there."""
        return Counter((f.vios, f.fabric) for f in self.estate.fibres if f.lpar in self.holding)

    @cached_property
    def _slots_of(self) -> Mapping[str, Sequence[str]]:
        """LPAR → the VIOS that serves each of its virtual SCSI and Fibre Channel adapters."""
        adapters = dict.fromkeys([*((d.lpar, d.slot, d.vios, "scsi") for d in self.estate.disks),
                                  *((f.lpar, f.slot, f.vios, "fibre") for f in self.estate.fibres)])
        return grouped((lpar, vios) for lpar, _, vios, _ in adapters)

    def served_by(self, lpar: str) -> Sequence[str]:
        """The VIOS that serves each of its virtual SCSI and Fibre Channel adapters."""
        return self._slots_of.get(lpar, ())

    @cached_property
    def _widest_on(self) -> Counter[str]:
        """Server → the sum, over the LPARs that hold it, of the slots that each wants of one VIOS."""
        wanted: Counter[str] = Counter()
        for n, server in self.holding.items():
            wanted[server] += max(Counter(self.served_by(n)).values(), default=0)
        return wanted

    def comers(self, server: str) -> int:
        """The most slots of one VIOS that all the LPARs of other servers together may want there."""
        return self._widest_on.total() - self._widest_on[server]

    @cached_property
    def adapters_on(self) -> Mapping[str, int]:
        """Fabric → virtual Fibre Channel adapters of the LPARs on it that hold them; SLOTS → all that VIOSes serve."""
        on = Counter(f.fabric for f in self.estate.fibres if f.lpar in self.holding)
        on[SLOTS] = sum(len(self.served_by(n)) for n in self.holding)
        return on

    @cached_property
    def slots_used(self) -> Mapping[str, int]:
        """VIOS → slots in use at the start: as stated, else those of the adapters that are known here and two more."""
        served = Counter(vios for served in self._slots_of.values() for vios in served)
        return {v.name: served[v.name] + SERIAL_SLOTS if v.used_virtual_slots is None else v.used_virtual_slots
                for v in self.estate.vioses}

    @cached_property
    def port_room(self) -> Mapping[Spot, int]:
        """(VIOS, fabric) → the virtual ports that LPARs may have there together: what is free now, and what the
        LPARs that are served there hold. A port of which nobody states what is free takes ``UNSTATED_PORTS``. The same
        of slots, where their maximum is stated."""
        in_use = Counter({**self._ports_in_use, **Counter((v, SLOTS) for n in self.holding for v in self.served_by(n))})
        room: dict[Spot, int] = {}
        for spot, ports in self.ports_at.items():
            unstated = UNSTATED_PORTS * sum(p.free_ports is None for p in ports)
            room[spot] = sum(p.free_ports or 0 for p in ports) + max(in_use[spot], unstated)
        return room | {(v.name, SLOTS): v.max_virtual_slots - self.slots_used[v.name] + in_use[v.name, SLOTS]
                       for v in self.estate.vioses if v.max_virtual_slots is not None}

    @cached_property
    def short_of_ports(self) -> Mapping[str, Sequence[Spot]]:
        """Server → the places of its ports, and the slots, where all LPARs together would want more than there are."""
        return grouped((self.server_of[spot[0]], spot) for spot, room in sorted(self.port_room.items())
                       if spot[0] in self.server_of and self.adapters_on.get(spot[1], 0) > room)

    def short_of_slots(self, server: str) -> bool:
        """Whether the slots of a VIOS there may not be enough."""
        return any(fabric == SLOTS for _, fabric in self.short_of_ports.get(server, ()))

    def port_of(self, fibre: Fibre) -> str:
        """The physical port of an adapter: as stated, else the only one of its VIOS and fabric; "" where unknown."""
        there = self.ports_at.get((fibre.vios, fibre.fabric), ())
        return fibre.port or (there[0].port if len(there) == 1 else "")

    def own_fibres(self, lpar: str) -> Fibres:
        """Where its virtual Fibre Channel adapters are now."""
        return tuple(sorted((f.slot, f.vios, self.port_of(f)) for f in self.fibres_of(lpar)))

    def ports_left(self, server: str) -> dict[str, Counter[str]]:
        """VIOS → physical port → virtual ports that are free at the start; those that nobody states share what is taken
        to be free there."""
        left: dict[str, Counter[str]] = {v: Counter() for v in self.vioses_on.get(server, ())}
        for spot in (spot for vios in left for spot in self._spots_of.get(vios, ())):
            unstated = [p.port for p in self.ports_at[spot] if p.free_ports is None]
            rest = max(0, UNSTATED_PORTS * len(unstated) - self._ports_in_use[spot])
            left[spot[0]].update({p.port: p.free_ports for p in self.ports_at[spot] if p.free_ports is not None})
            left[spot[0]].update({port: (rest + n) // len(unstated) for n, port in enumerate(unstated)})
        return left

    def _group_ways(self, group: PathGroup, server: str) -> Iterator[Disks]:
        """Every way to map the adapters of a group that loses no path more than it must."""
        wanted, eligible = self._eligible(group, server)
        apart = len(match(wanted, eligible))
        for way in islice(product(*(eligible[v] for v in wanted)), _WAYS):
            if len(set(way)) == apart:
                yield tuple(sorted((slot, vios) for v, vios in zip(wanted, way, strict=True)
                                   for slot in group.slots[v]))

    def fibre_ways(self, lpar: str, server: str) -> Sequence[Disks]:
        """Every way to map its virtual Fibre Channel adapters on a server that loses no path more than it must and for
        which the ports are enough when nobody else takes any; none where there is no such way."""
        if not self.fibres_of(lpar):
            return ((),)
        key = self.alike[lpar].storage, server
        if key not in self._ways:
            (group,) = self.alike[lpar].fibre
            self._ways[key] = list(self._group_ways(group, server))
        return self._ways[key]

    @remembered
    def disk_ways(self, lpar: str, server: str) -> Sequence[Disks]:
        """The ways to map its virtual SCSI adapters on a server: the usual one; where slots may lack there, one more
        for each other number of them that VIOSes might take, with nothing that a rule has to ask about."""
        first = self.disk_paths(lpar, server).mapping
        if not self.short_of_slots(server):
            return (first,)
        ways: Sequence[Disks] = ((),)
        for group in self.alike[lpar].scsi:
            sure = [way for way in self._group_ways(group, server) if self._sure(group, way)]
            longer = (tuple(sorted((*before, *way))) for before in ways for way in sure)
            ways = tuple({_spread(way): way for way in longer}.values())
        return (first, *(way for way in ways if _spread(way) != _spread(first)))

    def _sure(self, group: PathGroup, way: Disks) -> bool:
        """Whether RMC is active and reserve policies are no_reserve on all VIOSes of a way."""
        things = {c for carried in group.carries.values() for c in carried}
        return all(self._with_rmc.get(vios) and all(self._edges(c)["vios", vios]["reserve_policy"] == "no_reserve"
                   for c in things if ("vios", vios) in self._edges(c)) for _, vios in way)

    @cached_property
    def _with_rmc(self) -> Mapping[str, bool | None]:
        return {v.name: v.rmc_active for v in self.estate.vioses}

    def taken(self, lpar: str, disks: Disks, fibres: Disks) -> Counter[Spot]:
        """The virtual ports and slots that it takes when its adapters are mapped like that."""
        fabrics = {f.slot: f.fabric for f in self.fibres_of(lpar)}
        out = Counter((vios, fabrics[slot]) for slot, vios in fibres)
        out.update((vios, SLOTS) for _, vios in (*disks, *fibres))
        return out

    @cached_property
    def _standing(self) -> Mapping[str, int]:
        """LPAR that holds its ports and slots → a number below 0 that those share which hold the same."""
        now: dict[str, Counter[Spot]] = {n: Counter() for n in self.holding}
        for f in self.estate.fibres:
            if f.lpar in now:
                now[f.lpar][f.vios, f.fabric] += 1
        number: dict[Hashable, int] = {}
        for n, use in now.items():
            for vios in self.served_by(n):
                use[vios, SLOTS] += 1
        out = {n: number.setdefault(tuple(use.items()), -1 - len(number)) for n, use in now.items()}
        self._uses |= {(out[n], server): (now[n],) for n, server in self.holding.items()}
        return out

    def _ports_shape(self, lpar: str, server: str) -> tuple[int, str]:
        """What LPARs share that take the same virtual ports and slots on a server."""
        return self._standing[lpar] if self.holding.get(lpar) == server else self.alike[lpar].storage, server

    def port_uses(self, lpar: str, server: str) -> Sequence[Mapping[Spot, int]]:
        """The virtual ports and slots that it may take on a server, one entry for each choice; on its own server what
        it has."""
        key = self._ports_shape(lpar, server)
        if key not in self._uses:
            uses = (self.taken(lpar, disks, fibres) for disks in self.disk_ways(lpar, server)
                    for fibres in self.fibre_ways(lpar, server))
            self._uses[key] = list({tuple(sorted(use.items())): use for use in uses}.values())
        return self._uses[key]

    def port_range(self, lpar: str, server: str) -> PortRange:
        """What it takes at least and at most of each place on a server, whichever of its ways is chosen."""
        key = self._ports_shape(lpar, server)
        if key not in self._ranges:
            uses = self.port_uses(lpar, server)
            spots = dict.fromkeys(spot for use in uses for spot in use)
            least, most = ({spot: of(use.get(spot, 0) for use in uses) for spot in spots} for of in (min, max))
            self._ranges[key] = PortRange(server, least, most, uses[0] if uses else {})
        return self._ranges[key]

    # ---- mapping ------------------------------------------------------------------------------------------------

    def _paths(self, kind: str, lpar: str, server: str) -> tuple[StoragePaths, frozenset[Node]]:
        """The paths, and what of theirs no VIOS of the server can serve."""
        alike = self.alike[lpar]
        key = (kind, alike.storage, server)
        if key not in self._answers:
            self._answers[key] = self._solve(alike.scsi if kind == "scsi" else alike.fibre, server)
        return self._answers[key]

    def serves(self, vios: str, thing: Node, ports: int = 0) -> bool:
        """Whether a VIOS can serve a LUN node, or a fabric with so many virtual ports, to an arriving LPAR."""
        edge = self._edges(thing).get(("vios", vios))
        return edge is not None and edge["usable"] and (not ports or self.port_room[vios, thing[1]] >= ports)

    def _eligible(self, group: PathGroup, server: str) -> tuple[list[str], dict[str, list[str]]]:
        """The source VIOSes of a group by slot, and the VIOSes of a server that can stand for each; where that is
        their own server, each by itself if it can, and these first."""
        here = self.vioses_on.get(server, [])
        able = {v: [t for t in sorted(here, key=lambda t: t != v) if all(
            self.serves(t, c, group.ports.get(v, {}).get(c, 0)) for c in group.carries[v])] for v in group.slots}
        return sorted(able, key=lambda v: (v not in able[v], group.slots[v])), able

    def _solve(self, groups: Iterable[PathGroup], server: str) -> tuple[StoragePaths, frozenset[Node]]:
        mapping: list[tuple[int, str]] = []
        unseen: set[Node] = set()
        split: set[str] = set()
        lost = 0
        here = self.vioses_on.get(server, [])
        for group in groups:
            wanted, eligible = self._eligible(group, server)
            for v in wanted:
                blind = {c for c in group.carries[v] if not any(self.serves(t, c) for t in here)}
                unseen |= blind
                if not blind and not eligible[v]:
                    split.add(v)
            assigned = match(wanted, eligible)
            lost += sum(1 for v in wanted if v not in assigned and eligible[v])
            for v in wanted:
                choice = assigned.get(v) or next(iter(eligible[v]), None)
                if choice:
                    mapping += [(slot, choice) for slot in group.slots[v]]
        paths = StoragePaths(tuple(sorted(mapping)), (), tuple(sorted(split)), lost)
        return paths, frozenset(unseen)


_KEPT: list[Reach] = []


def reach_of(estate: Estate, held: Mapping[str, str]) -> Reach:
    """The reach of an estate in which these LPARs hold their virtual ports (LPAR → server); the last two are kept with
    all that they have answered."""
    known = next((r for r in _KEPT if r.estate is estate and r.holding == held), None)
    if known is None:
        known = Reach(estate, held)
        _KEPT[:] = [known, *_KEPT[:1]]
    return known
