"""Reachability: the graph, and redundancy as VIOS-disjoint paths."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

import networkx as nx
import pytest
from estates import BASE, VLAN, estate, lpar, server, vioses, without
from estates_random import random_estate
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.model import Bridge, Disk, Estate, Fibre, Network, Port, Vios, Zoning
from planner.grouping import linked
from planner.reach import Reach, match, path_groups

NPIV = BASE.replace(
    fibres=(Fibre("a1", 40, "A-v1", "c050", "c051", "f1", True), Fibre("a1", 41, "A-v2", "c060", "c061", "f2", True)),
    ports=tuple(Port(v.name, f"fcs{f}", f"f{f}", 8) for v in BASE.vioses for f in (1, 2)))


def test_the_graph_has_the_kinds_of_nodes_and_edges_that_it_promises() -> None:
    graph = Reach(NPIV).graph
    assert {node[0] for node in graph} == {"lpars", "vlan", "luns", "fabric", "vios", "server"}
    assert {(a[0], b[0]) for a, b in graph.edges} == {
        ("lpars", "vlan"), ("lpars", "luns"), ("lpars", "fabric"), ("vlan", "vios"), ("luns", "vios"),
        ("fabric", "vios"), ("vios", "server")}
    assert nx.is_directed_acyclic_graph(graph)
    assert graph.edges[Reach(NPIV).lun_nodes["lun-a1"], ("vios", "B-v1")] == {
        "usable": True, "reserve_policy": "no_reserve"}
    assert graph.edges[("vlan", "ETHERNET0", VLAN), ("vios", "B-v1")] == {"usable": True, "seas": ["ent6"]}
    assert graph.edges[("fabric", "f1"), ("vios", "B-v1")] == {"usable": True, "ports": {"fcs1": 8}}


def test_lpars_and_luns_that_are_alike_are_one_node() -> None:
    """Two LPARs of A differ in their LUNs, which the same VIOSes see alike; a third has another VLAN."""
    of = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("a2", "A"), lpar("a3", "A")])
    of = of.replace(networks=(*(n for n in of.networks if n.lpar != "a3"), Network("a3", 2, 99)))
    graph = Reach(of).graph
    members = [(node[0], at["members"]) for node, at in graph.nodes.items() if "members" in at]
    assert members == [("luns", ["lun-a1", "lun-a2", "lun-a3"]), ("lpars", ["a1", "a2"]), ("lpars", ["a3"])]


def test_isolated_servers_and_lpars_are_in_the_graph() -> None:
    graph = Reach(Estate(servers=(server("X"),), lpars=(lpar("x", "X"),))).graph
    assert set(graph) == {("server", "X"), ("lpars", 0)} and not graph.edges


def test_components_of_the_graph_are_independent() -> None:
    """Two sites that share no VLAN and no LUN."""
    of = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("b1", "B")])
    of = of.replace(zonings=tuple(z for z in of.zonings if z.lun[4].upper() == z.vios[0]),
                    bridges=tuple(Bridge(b.vios, b.sea, 10 if b.vios[0] == "A" else 20) for b in of.bridges),
                    networks=(Network("a1", 2, 10), Network("b1", 2, 20)))
    parts = list(nx.weakly_connected_components(Reach(of).graph))
    assert len(parts) == 2


def test_each_slot_keeps_the_vios_of_its_own_number_where_it_can() -> None:
    """The seed maps slot 38 to hvio1 and 48 to hvio2, not crosswise."""
    reach = Reach(BASE)
    assert reach.disk_paths("a1", "B").mapping == ((3, "B-v1"), (4, "B-v2"))
    assert Reach(NPIV).fibre_paths("a1", "B").mapping == ((40, "B-v1"), (41, "B-v2"))


def test_a_choice_is_given_up_only_for_one_that_has_no_other() -> None:
    assert match(["a", "b"], {"a": ["x", "y"], "b": ["x", "y"]}) == {"a": "x", "b": "y"}
    assert match(["a", "b"], {"a": ["x", "y"], "b": ["x"]}) == {"a": "y", "b": "x"}
    assert match(["a", "b", "c"], {"a": ["x"], "b": ["x"], "c": []}) == {"a": "x"}
    assert match([], {}) == {}


@pytest.mark.parametrize(("gone", "unseen", "lost"), [((), (), 0), (("B-v2",), (), 1), (("B-v1", "B-v2"), ("lun-a1",), 0)])
def test_paths_that_are_lost_are_counted(gone: tuple[str, ...], unseen: tuple[str, ...], lost: int) -> None:
    of = BASE
    for v in gone:
        of = without(of, "zonings", lun="lun-a1", vios=v)
    paths = Reach(of).disk_paths("a1", "B")
    assert (paths.unseen, paths.lost) == (unseen, lost) and paths.reached is not bool(unseen)


def test_disks_of_one_adapter_that_no_single_vios_sees_are_split() -> None:
    of = estate([server("A"), server("B")], [lpar("a1", "A")],
                disks=(Disk("a1", 3, "l1", "A-v1"), Disk("a1", 3, "l2", "A-v1")),
                zonings=(Zoning("l1", "B-v1"), Zoning("l2", "B-v2")))
    paths = Reach(of).disk_paths("a1", "B")
    assert paths.split == ("A-v1",) and not paths.unseen and not paths.reached


def test_disks_that_are_no_luns_are_left_out() -> None:
    of = BASE.replace(disks=(*BASE.disks, Disk("a1", 9, "cd", "A-v1", "optical", "vtopt0")))
    assert Reach(of).disk_paths("a1", "B") == Reach(BASE).disk_paths("a1", "B")


def test_an_lpar_without_storage_reaches_every_server() -> None:
    paths = Reach(BASE.replace(disks=())).disk_paths("a1", "B")
    assert paths.reached and paths.mapping == () and paths.lost == 0


def test_tagged_vlans_and_virtual_switches_count() -> None:
    of = BASE.replace(networks=(Network("a1", 2, 10, (40, 41)), Network("a1", 3, 10, (), "OTHER")))
    reach = Reach(of)
    assert reach.vlans_of("a1") == (("ETHERNET0", 10), ("ETHERNET0", 40), ("ETHERNET0", 41), ("OTHER", 10))
    assert reach.bridging("ETHERNET0", 10, "B") == ("B-v1", "B-v2")
    assert reach.bridging("ETHERNET0", 40, "B") == reach.bridging("OTHER", 10, "B") == ()


def test_adapters_that_share_a_disk_belong_together_and_others_do_not() -> None:
    groups = path_groups([(3, "v1", "l1"), (4, "v2", "l1"), (5, "v1", "l2"), (6, "v2", "l3"), (6, "v2", "l2")])
    assert [dict(g.slots) for g in groups] == [{"v1": (3,), "v2": (4,)}, {"v1": (5,), "v2": (6,)}]
    assert groups[1].carries == {"v1": frozenset({"l2"}), "v2": frozenset({"l2", "l3"})}


BIPARTITE = st.integers(1, 5).flatmap(lambda n: st.lists(
    st.lists(st.sampled_from([f"t{k}" for k in range(5)]), unique=True, max_size=5), min_size=n, max_size=n))


@settings(max_examples=portion(200))
@given(BIPARTITE)
def test_a_matching_is_as_large_as_networkx_finds_disjoint_paths(edges: list[list[str]]) -> None:
    wanted = [f"w{n}" for n in range(len(edges))]
    eligible = dict(zip(wanted, edges, strict=True))
    found = match(wanted, eligible)
    assert all(choice in eligible[name] for name, choice in found.items())
    assert len(set(found.values())) == len(found)
    assert len(found) == _disjoint(eligible)


def _disjoint(eligible: dict[str, list[str]]) -> int:
    """Node-disjoint paths from a source over the wanted and the eligible names to a sink."""
    graph = nx.DiGraph([(("w", w), ("t", t)) for w, ts in eligible.items() for t in ts])
    graph.add_edges_from(("source", ("w", w)) for w in eligible)
    graph.add_edges_from((("t", t), "sink") for ts in eligible.values() for t in ts)
    if "sink" not in graph:
        return 0
    return len(list(nx.node_disjoint_paths(graph, "source", "sink"))) if nx.has_path(graph, "source", "sink") else 0


@settings(max_examples=portion(200))
@given(st.data())
def test_lost_paths_are_what_disjoint_paths_of_the_graph_leave(data: st.DataObject) -> None:
    """One LUN over k VIOSes of A; B has up to four VIOSes, of which some see it."""
    k = data.draw(st.integers(1, 3))
    there = [f"B-v{n}" for n in range(1, data.draw(st.integers(1, 4)) + 1)]
    seen = {v: data.draw(st.sampled_from(("no_reserve", "", "single_path", None))) for v in there}
    movers = [*(v.__class__(f"A-v{n}", "A", 50, 2048) for n, v in enumerate([vioses("A")[0]] * k, 1)),
              *(vioses("B")[0].__class__(name, "B", 50, 2048) for name in there)]
    of = estate([server("A"), server("B")], [lpar("a1", "A")], vioses=tuple(movers),
                disks=tuple(Disk("a1", 10 + n, "lun", f"A-v{n}") for n in range(1, k + 1)),
                zonings=tuple(Zoning("lun", v, "", p) for v, p in seen.items() if p is not None))
    reach = Reach(of)
    graph = reach.graph.copy()
    graph.remove_edges_from([(a, b) for a, b, p in graph.edges(data="reserve_policy") if p not in (None, "", "no_reserve")])
    lun = reach.lun_nodes["lun"]
    paths = len(list(nx.node_disjoint_paths(graph, lun, ("server", "B")))) if nx.has_path(
        graph, lun, ("server", "B")) else 0
    found = reach.disk_paths("a1", "B")
    if paths == 0:
        assert found.unseen == ("lun",) and found.mapping == ()
    else:
        assert found.lost == max(0, k - paths) and found.reached
        assert len({v for _, v in found.mapping}) == min(k, paths)
        assert [slot for slot, _ in found.mapping] == [10 + n for n in range(1, k + 1)]


def test_luns_that_are_seen_alike_share_answers_but_not_names() -> None:
    """Two LPARs whose LUNs the same VIOSes see are mapped alike; what is not seen is named by its own LUN."""
    of = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("a2", "A")])
    here = Reach(of)
    assert here.storage_shape("a1") == here.storage_shape("a2")
    assert here.disk_paths("a1", "B") == here.disk_paths("a2", "B") and here.disk_paths("a2", "B").reached
    blind = Reach(of.replace(zonings=tuple(z for z in of.zonings if z.vios.startswith("A"))))
    assert [blind.disk_paths(n, "B").unseen for n in ("a1", "a2", "a1")] == [("lun-a1",), ("lun-a2",), ("lun-a1",)]
    half = Reach(of.replace(zonings=tuple(z for z in of.zonings if (z.lun, z.vios) != ("lun-a2", "B-v2"))))
    assert half.storage_shape("a1") != half.storage_shape("a2")


@settings(max_examples=portion(200))
@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=8))
def test_what_is_linked_is_what_one_gets_to_by_single_links(groups: list[list[int]]) -> None:
    """Against the closure of "stands in one group"; 8 and 9 are no names."""
    names = list(range(8))
    near = {a: {a, *(b for g in groups if a in g for b in g if b in names)} for a in names}
    for _ in names:
        near = {a: set().union(*(near[b] for b in near[a])) for a in names}
    assert linked(names, groups) == sorted(map(list, {tuple(sorted(n)) for n in near.values()}))


def served(of: Estate, lpar_name: str, target: str) -> dict[str, tuple[set[str], set[str], int]]:
    """From the rows alone, for virtual SCSI and Fibre Channel: what no VIOS of the target serves; the VIOSes of today
    whose load no single one takes over; how many of those that could lose a VIOS of their own, by trying all ways."""
    there = [v.name for v in of.vioses if v.server == target]
    usable = {(z.lun, z.vios) for z in of.zonings if z.reserve_policy in ("", "no_reserve")}
    here = {(f.fabric, f.vios) for f in of.fibres if f.lpar in {p.name for p in of.lpars if p.active}}
    ports = {(p.fabric, p.vios) for p in of.ports if p.free_ports != 0 or (p.fabric, p.vios) in here}
    usable |= {(d.lun, v.name) for d in of.disks if d.backing == "ssp" for v in of.vioses if in_cluster(of, d.vios, v)}
    disks = [(d.slot, d.vios, d.lun) for d in of.disks if d.lpar == lpar_name and d.backing in ("lun", "ssp")]
    fibres = [(f.slot, f.vios, f.fabric) for f in of.fibres if f.lpar == lpar_name]
    out = {}
    for kind, rows, pairs in (("scsi", disks, usable), ("fibre", fibres, ports)):
        blind = {t for *_, t in rows if not any((t, v) in pairs for v in there)}
        split, lost = set(), 0
        for group in together(rows, all_one=kind == "fibre"):
            carried = {v: {t for row in group for t in [row[2]] if row[1] == v} for v in {row[1] for row in group}}
            takers = {v: [w for w in there if all((t, w) in pairs for t in things)] for v, things in carried.items()}
            split |= {v for v, things in carried.items() if not takers[v] and not things & blind}
            able = [takers[v] for v in takers if takers[v]]
            lost += len(able) - max(sum(w is not None for w in way) for way in product(*([*ws, None] for ws in able))
                                    if len({w for w in way if w}) == sum(w is not None for w in way))
        out[kind] = blind, split, lost
    return out


def in_cluster(of: Estate, vios: str, other: Vios) -> bool:
    """Whether a VIOS is, or may be, a node of the cluster of another."""
    own = next(v.cluster for v in of.vioses if v.name == vios)
    return not own or other.cluster in ("", own)


def together(rows: list[tuple[int, str, str]], *, all_one: bool) -> list[list[tuple[int, str, str]]]:
    """Rows of adapters that carry a thing in common, directly or over others."""
    groups: list[list[tuple[int, str, str]]] = []
    for row in rows:
        joined = [g for g in groups if all_one or any(row[2] == r[2] or row[:2] == r[:2] for r in g)]
        groups = [g for g in groups if g not in joined] + [[row, *(r for g in joined for r in g)]]
    return groups


@pytest.mark.parametrize("seed", range(30))
def test_the_graph_answers_as_the_rows_of_the_estate_do(seed: int) -> None:
    of = blinded(seed, random_estate(seed, 10, 4))
    of = of.replace(vioses=tuple(replace(v, cluster=("", "pool1", "pool2")[(n * seed) % 3]) for n, v in enumerate(of.vioses)))
    reach = Reach(of)
    for name, target in product((p.name for p in of.lpars), (s.name for s in of.servers)):
        there = {v.name for v in of.vioses if v.server == target}
        vlans = {(n.vswitch, v) for n in of.networks if n.lpar == name for v in (n.vlan, *n.tagged)}
        bridged = {vlan: {b.vios for b in of.bridges if (b.vswitch, b.vlan) == vlan and b.vios in there}
                   for vlan in vlans}
        assert {v: set(reach.bridging(*v, target)) for v in reach.vlans_of(name)} == bridged
        expected = served(of, name, target)
        for kind, paths in (("scsi", reach.disk_paths(name, target)), ("fibre", reach.fibre_paths(name, target))):
            assert (set(paths.unseen), set(paths.split), paths.lost) == expected[kind]
        near = reach.near(name)
        assert (near is None or target in near) is (all(bridged.values()) and not any(b for b, *_ in expected.values()))
        for lun in {d.lun for d in of.disks if d.lpar == name and d.backing != "ssp"}:
            assert reach.reserve_policies(lun, target) == {
                z.vios: z.reserve_policy for z in of.zonings if z.lun == lun and z.vios in there}


def blinded(seed: int, of: Estate) -> Estate:
    """With a third of the zonings and bridges gone, some LUNs reserved and some ports full."""
    rng = Random(seed)
    return of.replace(
        zonings=tuple(replace(z, reserve_policy=rng.choice((z.reserve_policy, "", "single_path")))
                      for z in of.zonings if rng.random() < 0.8),
        bridges=tuple(b for b in of.bridges if rng.random() < 0.8),
        ports=tuple(replace(p, free_ports=rng.choice((0, 3, None))) for p in of.ports if rng.random() < 0.9))
