"""Who reaches what as a graph of single LPARs, LUNs, SEAs and ports, for Gephi, yEd and Graphviz."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

import networkx as nx

from planner.names import shown
from planner.reach import SHARED, Node, Reach

_SHAPES = {"server": "box3d", "vios": "box", "lpar": "ellipse", "lun": "cylinder"}


def whole_graph(reach: Reach) -> nx.DiGraph:
    """Every LPAR, LUN, WWPN pair, SEA and port by itself, from the LPAR outwards to the server.

    Nodes are tuples (kind, names…) with ``kind``, ``label``, and ``server`` where they belong to one; an edge from a
    LUN has ``reserve_policy``, one from a port its ``free_ports``.
    """
    graph = nx.DiGraph()
    for (kind, *names), at in reach.graph.nodes.items():
        if kind in ("vlan", "fabric", "vios", "server"):
            graph.add_node((kind, *names))
        elif kind == "luns":
            graph.add_nodes_from(("lun", lun) for lun in at["members"])
        else:
            graph.add_nodes_from(("lpar", name) for name in at["members"])
    graph.add_edges_from((a, b, at) for a, b, at in chain(_to_storage(reach), _to_vioses(reach)))
    graph.add_edges_from((("vios", v), ("server", s)) for v, s in reach.server_of.items())
    where = {("lpar", p.name): p.server for p in reach.estate.lpars} | {
        ("vios", v): s for v, s in reach.server_of.items()}
    for node, at in graph.nodes.items():
        at |= {"kind": node[0], "label": _plain(" ".join(map(str, node[1:])))}
        server = where.get(node[:2]) or (reach.server_of.get(node[1]) if node[0] in ("sea", "port") else None)
        if server:
            at["server"] = _plain(server)
    return graph


def _to_storage(reach: Reach) -> Iterator[tuple[Node, Node, dict[str, str]]]:
    """LPAR → VLAN, LUN, WWPN pair → fabric."""
    for name, alike in reach.alike.items():
        lpar = ("lpar", name)
        yield from ((lpar, ("vlan", *vlan), {}) for vlan in alike.vlans)
        yield from ((lpar, ("lun", d.lun), {}) for d in reach.disks_of(name) if d.backing in SHARED)
        for f in reach.fibres_of(name):
            yield lpar, ("wwpns", name, f.slot), {}
            yield ("wwpns", name, f.slot), ("fabric", f.fabric), {}


def _to_vioses(reach: Reach) -> Iterator[tuple[Node, Node, dict[str, Any]]]:
    """VLAN → SEA, LUN, fabric → port → VIOS."""
    for thing, vios, edge in reach.graph.edges(data=True):
        if thing[0] == "luns":
            yield from ((("lun", lun), vios, {"reserve_policy": _plain(edge["reserve_policy"])})
                        for lun in reach.graph.nodes[thing]["members"])
        for sea in edge.get("seas", ()):
            yield thing, ("sea", vios[1], sea), {}
            yield ("sea", vios[1], sea), vios, {}
        for port, free in edge.get("ports", {}).items():
            yield thing, ("port", vios[1], port), {}
            yield ("port", vios[1], port), vios, {} if free is None else {"free_ports": free}


def graph_bytes(reach: Reach, ending: str) -> bytes:
    """The whole graph as a file: GraphML for ``.graphml``, else DOT."""
    graph = whole_graph(reach)
    if ending != ".graphml":
        return dot(graph).encode()
    out = io.BytesIO()
    nx.write_graphml(nx.relabel_nodes(graph, _name), out)
    return out.getvalue()


def _name(node: Node) -> str:
    return _plain(":".join(map(str, node)))


def _plain(text: str) -> str:
    """Without control characters, which neither format can hold."""
    return shown(text)


def dot(graph: nx.DiGraph) -> str:
    """The graph in the language of Graphviz, every name quoted."""
    lines = ["digraph reach {", "  rankdir=LR;"]
    lines += [f"  {_quoted(_name(node))} [{_attributes({**at, 'shape': _SHAPES.get(at['kind'], 'plaintext')})}];"
              for node, at in graph.nodes.items()]
    lines += [f"  {_quoted(_name(a))} -> {_quoted(_name(b))}{f' [{_attributes(at)}]' if at else ''};"
              for a, b, at in graph.edges(data=True)]
    return "\n".join((*lines, "}", ""))


def _attributes(at: dict[str, str | int]) -> str:
    return ", ".join(f"{key}={_quoted(str(value))}" for key, value in at.items())


def _quoted(text: str) -> str:
    """A name in double quotes; Graphviz knows one escape for them, and reads a backslash as the start of one."""
    return '"' + _plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
