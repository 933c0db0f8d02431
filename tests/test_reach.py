"""Reachability with redundancy: the matching against networkx's disjoint paths, and the seed's dual VIOS."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from planner.estate.model import Bridge, Disk, Estate, Fibre, Lpar, Network, Port, Server, Vios, Zoning
from planner.reach import Reach, match

SERVERS = (Server("A", 1000, 65536), Server("B", 1000, 65536))
VIOSES = (Vios("a1", "A", 50, 2048), Vios("a2", "A", 50, 2048), Vios("b1", "B", 50, 2048), Vios("b2", "B", 50, 2048))
BASE = Estate(
    servers=SERVERS, vioses=VIOSES, lpars=(Lpar("x", "A", 20, 1, 2048, 2048),),
    bridges=tuple(Bridge(v.name, "ent6", 40) for v in VIOSES), networks=(Network("x", 2, 40),),
    disks=(Disk("x", 38, "L1", "a1"), Disk("x", 48, "L1", "a2"), Disk("x", 38, "L2", "a1"), Disk("x", 48, "L2", "a2")),
    zonings=tuple(Zoning(lun, v.name, reserve_policy="no_reserve") for lun in ("L1", "L2") for v in VIOSES))


def without(*pairs):
    return BASE.replace(zonings=tuple(z for z in BASE.zonings if (z.lun, z.vios) not in pairs))


def test_both_slots_find_a_vios_of_their_own():
    assert Reach(BASE).disk_paths("x", "B").mapping == ((38, "b1"), (48, "b2"))


def test_one_path_less_is_lost_redundancy_not_lost_reach():
    paths = Reach(without(("L1", "b2"))).disk_paths("x", "B")
    assert (paths.reached, paths.lost, paths.unseen) == (True, 1, ())


def test_a_lun_that_nobody_sees():
    paths = Reach(without(("L2", "b1"), ("L2", "b2"))).disk_paths("x", "B")
    assert (paths.reached, paths.unseen) == (False, ("L2",))


def test_an_adapter_needs_one_vios_that_sees_all_of_its_luns():
    paths = Reach(without(("L1", "b1"), ("L2", "b2"))).disk_paths("x", "B")
    assert paths.unseen == () and paths.split == ("a1", "a2") and not paths.reached


def test_a_reserved_lun_is_not_served():
    held = BASE.replace(zonings=tuple(
        Zoning(z.lun, z.vios, reserve_policy="single_path") if z.vios.startswith("b") else z for z in BASE.zonings))
    assert Reach(held).disk_paths("x", "B").unseen == ("L1", "L2")
    assert Reach(held).reserve_policies("L1", "B") == {"b1": "single_path", "b2": "single_path"}


def test_bridging_by_switch_and_vlan():
    reach = Reach(BASE)
    assert reach.bridging("ETHERNET0", 40, "B") == ("b1", "b2")
    assert reach.bridging("ETHERNET0", 41, "B") == () == reach.bridging("other", 40, "B")


def test_fibre_adapters_need_a_free_port_on_their_fabric():
    estate = BASE.replace(
        disks=(), fibres=(Fibre("x", 10, "a1", "c1", "c2", "red"), Fibre("x", 11, "a2", "c3", "c4", "blue")),
        ports=(Port("b1", "fcs0", "blue", 3), Port("b1", "fcs1", "red", 0), Port("b2", "fcs0", "red")))
    assert Reach(estate).fibre_paths("x", "B").mapping == ((10, "b2"), (11, "b1"))
    full = estate.replace(ports=(Port("b1", "fcs1", "red", 0), Port("b2", "fcs0", "blue")))
    assert Reach(full).fibre_paths("x", "B").unseen == ("red",)


def test_the_graph_leads_from_the_lpar_to_the_servers_over_every_kind_of_node():
    graph = Reach(BASE).graph
    assert {n[0] for n in nx.descendants(graph, ("lpar", "x"))} == {"vlan", "sea", "vios", "lun", "server"}
    assert nx.has_path(graph, ("lpar", "x"), ("server", "B"))
    assert graph.edges[("lun", "L1"), ("vios", "b1")]["reserve_policy"] == "no_reserve"


@given(st.dictionaries(st.sampled_from("abcd"), st.sets(st.sampled_from("wxyz")), min_size=1))
def test_the_matching_is_as_large_as_the_disjoint_paths_allow(eligible):
    """Menger: the largest matching is the largest number of paths that share no VIOS."""
    found = match(sorted(eligible), {k: sorted(v) for k, v in eligible.items()})
    assert all(v in eligible[k] for k, v in found.items()) and len(set(found.values())) == len(found)
    graph = nx.DiGraph()
    graph.add_nodes_from(["from", "to"])
    for name, choices in eligible.items():
        graph.add_edge("from", ("w", name))
        for choice in choices:
            graph.add_edge(("w", name), ("v", choice))
            graph.add_edge(("v", choice), "to")
    paths = list(nx.node_disjoint_paths(graph, "from", "to")) if nx.has_path(graph, "from", "to") else []
    assert len(found) == len(paths)


def test_the_matching_prefers_the_given_order():
    """Slot 38 to hvio1 and slot 48 to hvio2, as the talk's dialog shows, not crossed."""
    both = ["hvio1", "hvio2"]
    assert match(["hvio7", "hvio8"], {"hvio7": both, "hvio8": both}) == {"hvio7": "hvio1", "hvio8": "hvio2"}
