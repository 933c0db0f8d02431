"""Every rule has somebody in the sample estates of ``data/`` whom it concerns: it says something of an LPAR, a server or
a plan there as it is, or once a single fact of the sample is another (one cell, one policy more, usage, or the ports of
one server)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from estates import usage

from planner.estate.load import load
from planner.estate.model import Estate, Policy, Port
from planner.jobs import window_from
from planner.plan.choices import BACK
from planner.plan.plan import Move
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.rules.base import REGISTRY, Rule, Scope
from planner.rules.judge import StrictJudge

DATA = Path(__file__).parents[2] / "data"
LPAR, SERVER, V1 = "erp-app1", "east-s924", "east-s924-v1"
CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "memory.lmb": ("servers", SERVER, {"lmb_mib": 128}), "memory.pool": ("lpars", "ams-dev1", {"io_entitled_mib": 10**6}),
    "memory.huge-pages-there": ("servers", "east-s1024", {"free_huge_pages": 0}),
    "server.console-firmware": ("servers", SERVER, {"console_level": "V8R8.5.0"}), "network.known": ("networks", LPAR, {"lpar": "nim-east"}),
    "network.redundancy": ("bridges", "east-s1024-v1", {"vlan": 4000}),
    "network.vnic-ports": ("sriov", "east-s1024b", {"free_ports": 0}),
    "network.vnic-slots": ("lpars", "vnic-web1", {"vnic_adapters": 3}),
    "network.vnic-fit": ("sriov", "east-s1024b", {"free_percent": 1}),
    "network.vnic-capacity": ("sriov", "west-s1124", {"free_percent": 3}),
    "storage.slots": ("vioses", "east-s1024b-v1", {"max_virtual_slots": 2}),
    "partition.running": ("lpars", LPAR, {"state": "suspended"}),
    "partition.size-known": ("lpars", LPAR, {"memory_mib": 0}),
    "partition.client": ("lpars", LPAR, {"os": "VIOS"}),
    "partition.name-free": ("lpars", "cold-dr", {"name": f"{LPAR}@west-s1124"}),
    "partition.lhea": ("lpars", LPAR, {"lhea": True}), "partition.sriov": ("lpars", LPAR, {"sriov_ports": 1}),
    "partition.bsr": ("lpars", LPAR, {"bsr_arrays": 1}), "partition.error-path": ("lpars", LPAR, {"error_path_reporting": True}),
    "partition.workload-group": ("lpars", LPAR, {"workload_group": "wlg1"}),
    "processor.minimum-per-vp": ("lpars", LPAR, {"virtual_processors": 64}),
    "processor.fits": ("lpars", LPAR, {"entitlement_units": 10**6}),
    "server.enterprise": ("servers", SERVER, {"enterprise": False}),
    "server.sizes-known": ("servers", SERVER, {"configurable_units": 0}),
    "server.console": ("servers", SERVER, {"console": "hmc-far"}), "server.operating": ("servers", SERVER, {"state": "Error"}),
    "server.source-operating": ("servers", SERVER, {"state": "Error"}), "server.dpo": ("servers", SERVER, {"dpo_running": True}),
    "server.mover": ("vioses", "bvio82", {"msp": False}), "server.migrations": ("servers", SERVER, {"max_migrations": 0}),
    "timing.levels": ("vioses", "west-s1124-v1", {"level": ""}),
    "server.inactive-migrations": ("servers", "west-s1124", {"max_inactive_migrations": 0}),
    "server.vios-rmc": ("vioses", V1, {"rmc_active": False}), "server.vios-level": ("vioses", V1, {"level": "1.4"}),
    "storage.path-known": ("fibres", LPAR, {"vios": "nobody"}),
    "server.site": ("servers", SERVER, {"site": "north"}),
    "storage.optical-there": ("vioses", V1, {"level": "3.1.0.0"}),
    "storage.reserve-here": ("zonings", "east-s1024-v1", {"reserve_policy": "single_path"}),
    "storage.reserve-there": ("zonings", V1, {"reserve_policy": "PR_shared"}),
    "storage.redundancy": ("zonings", V1, {"lun": "another"}), "storage.fabric": ("ports", V1, {"fabric": "SAN-Z"}),
}
"""Rule → (table, whose row, cell): the fact that has to be another."""
KEY = {"lpars": "name", "servers": "name", "vioses": "name", "networks": "lpar", "fibres": "lpar", "sriov": "server",
       "bridges": "vios", "ports": "vios", "zonings": "vios"}
POLICIES = {
    "policy.production-stays": ("production-stays", "*", ""), "policy.fence": ("fence", LPAR, SERVER),
    "timing.production-order": ("production-order", "", "last"),
    "policy.soft-pin": ("soft-pin", LPAR, SERVER), "policy.not-a-target": ("not-a-target", SERVER, ""),
    "policy.licensed-servers": ("licensed-servers", "*", SERVER), "policy.licence-count": ("licensed-servers", "Linux", "0 servers"),
    "policy.keep-together": ("keep-together", "x", "erp-app1; erp-app2"),
    "software.minimum-there": ("minimum-software", "AIX", "7.3 on POWER11"),
    "processor.pool-known": ("target-pool", LPAR, "no such pool")}
"""Rule → the policy that has to be stated besides."""
GOAL = Evacuate(servers=("west-s1124",), inactive=True, stay=("dw-load",))
"""The question under which a changed sample is asked: what is not activated on that server goes too, one LPAR stays."""
ASKED = {"policy.asked-to-stay"}
"""Rules that are of the question alone."""
BUSY = {"processor.usage": LPAR, "processor.pool-usage": "dw-load"}
"""Rule → the LPAR that has to have used a hundred cores."""
CROSSED = {"storage.npiv-mapping": tuple(Port(f"east-s1024b-v{n}", f"fcs{n}", f"SAN-{fabric}", free)
                                         for n, fabric, free in ((1, "A", 2), (1, "B", 2), (2, "A", 1), (2, "B", 1)))}
"""Rule → the ports that a server has to have: enough of each fabric for three LPARs, but not over two VIOSes for each."""


@cache
def sample(name: str) -> Estate:
    return load([DATA / name]).usable().estate


def asked(rule: Rule, site: Site, names: list[str]) -> Iterator[Any]:
    """What a rule says of these LPARs: of each alone on every way, of all of them together in every place."""
    servers = list(site.servers)
    for n in names:
        if rule.scope is Scope.LPAR:
            yield from rule.check(site, n)
        elif rule.scope is Scope.MOVE:
            for t in servers:
                if t != site.lpars[n].server:
                    yield from rule.check(site, n, site.lpars[n].server, t)
    everybody = list(site.start)
    for s in servers:
        if rule.scope is Scope.SERVER:
            yield from rule.check(site, s, everybody)
            for some in (*((n,) for n in names), *combinations(names[:6], 3)):
                yield from rule.check(site, s, sorted({*site.residents(s), *some} & site.start.keys()))
        elif rule.scope is Scope.GROUP:
            yield from rule.check(site, dict.fromkeys(everybody, (s,)))
    if rule.scope is Scope.GROUP:
        yield from rule.check(site, {n: (servers[i % len(servers)],) for i, n in enumerate(everybody)})
    elif rule.scope is Scope.FLIGHT:
        window = window_from("2026-12-05 00:30/04:00")
        for off in (False, True):
            yield from rule.check(site, [Move(n, site.lpars[n].server, servers[-1], wave=1, duration_ms=1000, inactive=off,
                                              source_msp="nobody") for n in names], window)
        movers = {s: site.vioses_on(s)[0].name for s in servers}
        yield from rule.check(site, [Move(n, site.start[n], servers[-1], wave=1, duration_ms=1000, source_msp=movers[
            site.start[n]], target_msp=movers[servers[-1]], leg=BACK) for n in everybody], window)
    elif rule.scope is Scope.RESTART:
        yield from rule.check(site, dict(site.start), (), {})


def silent(of: Estate, rules: set[str], names: list[str] | None = None, **more: Any) -> set[str]:
    """Those of these rules that say nothing."""
    site = Site(of, **more)
    names = sorted(site.lpars) if names is None else names
    return {i for i in rules if next(asked(REGISTRY[i], site, names), None) is None}


def changed(of: Estate, rule: str) -> Estate:
    """The sample with the one fact that this rule has to find another."""
    if rule in POLICIES:
        return of.replace(policies=(*of.policies, Policy(*POLICIES[rule])))
    if rule in CROSSED:
        return of.replace(ports=(*(p for p in of.ports if not p.vios.startswith("east-s1024b-")), *CROSSED[rule]))
    if rule in {*BUSY, *ASKED}:
        return of
    table, name, cell = CHANGES[rule]
    if table == "vioses" and name not in {v.name for v in of.vioses}:
        of = sample("js22")
    rows = getattr(of, table)
    number = next(n for n, row in enumerate(rows) if getattr(row, KEY[table]) == name)
    return of.replace(**{table: (*rows[:number], replace(rows[number], **cell), *rows[number + 1:])})


def test_every_rule_concerns_somebody_of_the_samples() -> None:
    left = silent(sample("landscape"), silent(sample("modern"), set(REGISTRY)))
    assert left & (CHANGES.keys() | POLICIES.keys() | BUSY.keys() | CROSSED.keys() | ASKED) == left
    of = sample("modern")
    assert [rule for rule in sorted(left) if silent(changed(of, rule), {rule}, goal=GOAL, usage=usage(
        of, {BUSY[rule]: [100_000]}) if rule in BUSY else None)] == []


@pytest.mark.parametrize("name", ["landscape", "modern"])
def test_what_is_assumed_refuses_where_nothing_is_whoever_asked_before(name: str) -> None:
    site = Site(sample(name), assume_nothing=True)
    strict, judge = StrictJudge(site, Judge(Site(sample(name)))), Judge(site)
    for n in site.start:
        assert strict.readiness(n) == judge.readiness(n)
    ways = [(n, here, s) for n, here in site.start.items() for s in site.servers if s != here]
    assert [strict.move(*way) for way in ways] == [judge.move(*way) for way in ways]
    assert any(f.unstated for way in ways for f in strict.move(*way)) is (name == "modern")
