"""What load counts is what it lists: as findings, as still missing, or as errors at the end."""

import re
from dataclasses import replace

import pytest

from planner.estate.assemble import Loaded
from planner.findings import Finding, Severity
from planner.report.missing import missing
from planner.report.terminal import console, loaded_view
from tests.estates import BASE, changed, judged, loaded, without


@pytest.mark.parametrize(("gaps", "others", "wrong"), [(0, 0, 0), (30, 0, 0), (3, 2, 0), (0, 2, 1), (3, 0, 2)])
def test_the_count_is_what_the_tables_have(gaps, others, wrong):
    found = [Finding(rule, severity, f"s{n}", f"{rule} {n}", "") for rule, severity, number in (
        ("input.gap", Severity.WARNING, gaps), ("input.x", Severity.WARNING, others), ("input.y", Severity.ERROR, wrong))
        for n in range(number)]
    shown = console()
    with shown.capture() as text:
        shown.print(loaded_view(replace(Loaded(BASE), findings=tuple(found)), [f for f in found if f.severity != "error"]))
    said = [int(m[1]) if (m := re.search(pattern, text.get())) else 0 for pattern in (
        r"(\d+) warnings?\b", r"(\d+) of the warnings under Still missing", r"(\d+) errors at the end")]
    assert said == [gaps + others, gaps, wrong]
    assert len(re.findall("input.x", text.get())) == others


@pytest.mark.parametrize(("name", "field", "fact"), [
    ("B", "configurable_units", "cores of the server"), ("B", "configurable_memory_mib", "memory of the server"),
    ("B-v1", "entitlement_units", "cores of the VIOS"), ("B-v1", "memory_mib", "memory of the VIOS"),
    ("a1", "entitlement_units", "cores of the LPAR"), ("a1", "memory_mib", "memory of the LPAR")])
def test_unknown_sizes_are_missing(name, field, fact):
    of = changed(BASE, name, **{field: 0})
    assert [lack.names for lack in missing(of) if lack.fact == fact] == [(name,)]
    assert not [lack for lack in missing(BASE) if lack.fact == fact]
    if name == "a1":
        assert not [lack for lack in missing(changed(of, "a1", state="not activated")) if lack.fact == fact]


@pytest.mark.parametrize("adapters", [
    {}, {"vnic_adapters": 1}, {"sriov_ports": 1, "migratable_sriov_ports": 1}, {"sriov_ports": 1}, {"lhea": True},
    {"physical_adapters": ("P1-C1",)}])
def test_who_has_other_adapters_lacks_no_virtual_ethernet(adapters):
    """An LPAR whose network is a vNIC or an SR-IOV port was asked for its virtual Ethernet adapters, by load alone."""
    of = without(changed(BASE, "a1", **adapters), "networks", lpar="a1")
    asked = [*(n for lack in missing(of) if lack.fact == "VLANs of the LPAR" for n in lack.names)]
    gaps = [f.subject for f in loaded(of).findings if f.rule == "input.gap" and "LPAR networks" in f.message]
    assumed = ["a1" for f in judged(of)[1].readiness("a1") if f.rule == "network.known"]
    assert asked == gaps == assumed == ([] if adapters else ["a1"])
