"""The estate on arrival: new servers wired up as asked, every assumption told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import BASE, changed, loaded

from planner.errors import InputError
from planner.estate.catalogue import CATALOGUE
from planner.estate.load import checked
from planner.estate.model import Bridge, Estate, Fibre, Policy, Port
from planner.findings import Severity
from planner.rules import Judge, Site
from planner.scenarios.build import build
from planner.scenarios.model import NewServer, Scenario

NEW = NewServer("N", "9117-MMB", 16, 256 * 1024, ghz="3.1", firmware="AM720_101")


def built(*new: NewServer, base: Estate = BASE, **scenario: object) -> Estate:
    return build(base, Scenario("s", add=new or (NEW,), **scenario), CATALOGUE).estate  # type: ignore[arg-type]


def test_a_new_server_takes_every_lpar_of_the_estate() -> None:
    estate = built()
    site = Site(estate)
    judge = Judge(site)
    assert all(judge.allowed(n, s, "N") for n, s in site.start.items())
    (server,) = (s for s in estate.servers if s.name == "N")
    assert (server.configurable_units, server.generation, server.console, server.site, server.lmb_mib) == (
        1600, "POWER7", "hmc1", "north", 256)
    assert not [f for f in checked(loaded(estate)).findings if f.severity is Severity.ERROR]


def test_it_is_wired_like_one_server_only_when_asked() -> None:
    base = changed(BASE, "A", site="south").replace(bridges=(*BASE.bridges, Bridge("B-v1", "ent6", 77)))
    like_a = built(replace(NEW, wired_like="A"), base=base)
    like_b = built(replace(NEW, wired_like="B"), base=base)
    assert {b.vlan for b in like_a.bridges if b.vios.startswith("N-")} == {10}
    assert {b.vlan for b in like_b.bridges if b.vios.startswith("N-")} == {10, 77}
    assert next(s.site for s in like_a.servers if s.name == "N") == "south"


def test_a_vlan_lies_on_as_many_vioses_as_today() -> None:
    """More of them would refuse the way back: a VLAN over two VIOSes may not come to a server with one."""
    base = BASE.replace(bridges=(Bridge("A-v1", "ent6", 40), Bridge("A-v2", "ent6", 42), Bridge("B-v1", "ent6", 40),
                                 Bridge("B-v2", "ent6", 42), Bridge("C-v1", "ent6", 9), Bridge("C-v2", "ent6", 9)))
    new = {(b.vios, b.vlan) for b in built(base=base).bridges if b.vios.startswith("N-")}
    assert new == {("N-vios1", 40), ("N-vios2", 42), ("N-vios1", 9), ("N-vios2", 9)}


def test_fabrics_come_with_the_wiring() -> None:
    base = BASE.replace(fibres=(Fibre("a1", 9, "A-v1", "c01", "c02", "fab-a", True),),
                        ports=(Port("A-v1", "fcs0", "fab-a", 60), Port("B-v1", "fcs0", "fab-b", 60)))
    ports = {(p.vios, p.fabric) for p in built(base=base).ports if p.vios.startswith("N-")}
    assert ports == {(f"N-vios{n}", f) for n in (1, 2) for f in ("fab-a", "fab-b")}


def test_what_nobody_stated_is_an_assumption() -> None:
    told = build(BASE, Scenario("s", add=(replace(NEW, firmware=""),)), CATALOGUE).assumptions
    for text in ("LMB 256 MiB", "4 GiB of memory for the hypervisor", "firmware matrix is not checked",
                 "mover links of 1000 Mbit/s", "sees 5 LUNs"):
        assert any(text in line for line in told), (text, told)
    stated = replace(NEW, lmb_mib=128, firmware_memory_mib=1024, vios_link_mbit=10_000)
    assert len(build(BASE, Scenario("s", add=(stated,)), CATALOGUE).assumptions) == 1


def test_a_block_size_that_the_model_lacks_is_not_taken_over() -> None:
    power9 = NewServer("N", "9009-42A", 16, 256 * 1024, firmware="VM940_010")
    base = BASE.replace(servers=tuple(replace(s, lmb_mib=64) for s in BASE.servers))
    assert next(s.lmb_mib for s in built(power9, base=base).servers if s.name == "N") is None


def test_policies_of_a_scenario_replace_and_switch_off() -> None:
    base = BASE.replace(policies=(Policy("pin", "b1", "B"),))
    assert Site(base).policies.pins == {"b1": ("B",)}
    assert Site(built(base=base, policies=(Policy("pin", "b1", active=False),))).policies.pins == {}


def test_retired_servers_stay_in_the_estate_until_they_are_empty() -> None:
    made = build(BASE, Scenario("s", add=(NEW,), retire=("A", "B*")), CATALOGUE)
    assert (made.retired, made.kept) == (("A", "B"), ("C", "N")) and len(made.estate.servers) == 4


def test_a_scenario_that_does_not_suit_is_refused_whole() -> None:
    with pytest.raises(InputError) as raised:
        build(BASE, Scenario("s", "s.toml", add=(replace(NEW, name="A"),), retire=("Q",)), CATALOGUE)
    assert len(raised.value.findings) == 2
