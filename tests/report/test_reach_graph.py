"""The graph that is written for Gephi, yEd and Graphviz: every LPAR, LUN, SEA and port by itself."""

from __future__ import annotations

import io
import re
from pathlib import Path

import networkx as nx
import pytest
from estates import BASE, VLAN, lpar, server
from estates_random import random_estate
from typer.testing import CliRunner

from planner.cli import app
from planner.estate.model import Estate, Fibre, Port
from planner.reach import Reach
from planner.report.reach_graph import dot, graph_bytes, whole_graph

NPIV = BASE.replace(
    fibres=(Fibre("a1", 40, "A-v1", "c050", "c051", "f1", True), Fibre("a1", 41, "A-v2", "c060", "c061", "f2", True)),
    ports=tuple(Port(v.name, f"fcs{f}", f"f{f}", 8) for v in BASE.vioses for f in (1, 2)))
LANDSCAPE = Path(__file__).parents[2] / "data" / "landscape"


def test_the_graph_has_the_kinds_of_nodes_and_edges_that_it_promises() -> None:
    graph = whole_graph(Reach(NPIV))
    assert {node[0] for node in graph} == {
        "lpar", "vlan", "sea", "lun", "wwpns", "fabric", "port", "vios", "server"}
    assert {(a[0], b[0]) for a, b in graph.edges} == {
        ("lpar", "vlan"), ("vlan", "sea"), ("sea", "vios"), ("lpar", "lun"), ("lun", "vios"), ("lpar", "wwpns"),
        ("wwpns", "fabric"), ("fabric", "port"), ("port", "vios"), ("vios", "server")}
    assert nx.is_directed_acyclic_graph(graph)
    assert graph.edges[("lun", "lun-a1"), ("vios", "B-v1")]["reserve_policy"] == "no_reserve"


def test_a_path_runs_from_the_lpar_to_the_server() -> None:
    graph = whole_graph(Reach(NPIV))
    for path in (
            [("lpar", "a1"), ("vlan", "ETHERNET0", VLAN), ("sea", "B-v1", "ent6"), ("vios", "B-v1"), ("server", "B")],
            [("lpar", "a1"), ("lun", "lun-a1"), ("vios", "B-v2"), ("server", "B")],
            [("lpar", "a1"), ("wwpns", "a1", 40), ("fabric", "f1"), ("port", "B-v1", "fcs1"), ("vios", "B-v1"),
             ("server", "B")]):
        assert nx.is_path(graph, path)


def test_isolated_servers_and_lpars_are_in_the_graph() -> None:
    graph = whole_graph(Reach(Estate(servers=(server("X"),), lpars=(lpar("x", "X"),))))
    assert set(graph) == {("server", "X"), ("lpar", "x")} and not graph.edges


@pytest.mark.parametrize("seed", range(8))
def test_it_has_the_rows_of_the_estate(seed: int) -> None:
    of = random_estate(seed, 8, 3)
    graph = whole_graph(Reach(of))
    edges = {(("vlan", b.vswitch, b.vlan), ("sea", b.vios, b.sea)) for b in of.bridges}
    edges |= {(("sea", b.vios, b.sea), ("vios", b.vios)) for b in of.bridges}
    edges |= {(("lpar", n.lpar), ("vlan", n.vswitch, v)) for n in of.networks for v in (n.vlan, *n.tagged)}
    edges |= {(("lpar", d.lpar), ("lun", d.lun)) for d in of.disks if d.backing in ("lun", "ssp")}
    edges |= {(("lun", z.lun), ("vios", z.vios)) for z in of.zonings}
    edges |= {(("lun", d.lun), ("vios", v.name)) for d in of.disks if d.backing == "ssp" for v in of.vioses}
    edges |= {(("lpar", f.lpar), ("wwpns", f.lpar, f.slot)) for f in of.fibres}
    edges |= {(("wwpns", f.lpar, f.slot), ("fabric", f.fabric)) for f in of.fibres}
    edges |= {(("fabric", p.fabric), ("port", p.vios, p.port)) for p in of.ports}
    edges |= {(("port", p.vios, p.port), ("vios", p.vios)) for p in of.ports}
    edges |= {(("vios", v.name), ("server", v.server)) for v in of.vioses}
    assert set(graph.edges) == edges
    assert {n for n in graph if n[0] in ("lpar", "server", "vios")} == {
        *(("lpar", p.name) for p in of.lpars), *(("server", s.name) for s in of.servers),
        *(("vios", v.name) for v in of.vioses)}


@pytest.mark.parametrize("seed", range(4))
def test_graphml_is_read_back(seed: int) -> None:
    reach = Reach(random_estate(seed, 8, 3))
    read = nx.read_graphml(io.BytesIO(graph_bytes(reach, ".graphml")))
    whole = whole_graph(reach)
    assert read.is_directed() and read.number_of_edges() == whole.number_of_edges()
    assert sorted(str(sorted(at.items())) for at in read.nodes.values()) == sorted(
        str(sorted(at.items())) for at in whole.nodes.values())


LINE = re.compile(r'  "(?:[^"\\]|\\.)*"( -> "(?:[^"\\]|\\.)*")?( \[(\w+="(?:[^"\\]|\\.)*"(, )?)+\])?;')


def test_dot_quotes_every_name() -> None:
    odd = BASE.replace(lpars=(*BASE.lpars, lpar('say "hi" \\ -> x;\n}', "A")))
    first, rank, *body, last = dot(whole_graph(Reach(odd))).splitlines()
    assert (first, rank, last) == ("digraph reach {", "  rankdir=LR;", "}")
    assert [line for line in body if not LINE.fullmatch(line)] == []
    assert '"lpar:say \\"hi\\" \\\\ -> x;\\\\n}"' in "\n".join(body)
    graph = whole_graph(Reach(odd))
    assert len(body) == len(graph) + graph.number_of_edges()


@pytest.mark.parametrize("ending", [".graphml", ".dot", ".gv"])
def test_reach_writes_the_graph(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"reach{ending}"
    done = CliRunner().invoke(app, ["reach", str(LANDSCAPE), "--graph", str(file)])
    assert done.exit_code == 0 and file.read_bytes()
    again = CliRunner().invoke(app, ["reach", str(LANDSCAPE), "--graph", str(file), "--force"])
    assert again.exit_code == 0


def test_another_ending_is_a_usage_error_that_names_those_that_are_known(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["reach", str(LANDSCAPE), "--graph", str(tmp_path / "reach.png")])
    assert done.exit_code == 2 and not list(tmp_path.iterdir())
    assert ".graphml" in done.output and ".dot" in done.output and ".gv" in done.output
