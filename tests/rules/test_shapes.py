"""Answers shared between LPARs of one shape are those that the rules give when each is asked alone."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from estates import policy, stating
from estates_random import random_estate
from pairs import KINDS, with_pairs
from scale_estates import SHAPES

from planner.estate.model import Estate
from planner.findings import Finding, Severity
from planner.rules import Judge, Scope, Site
from planner.rules.availability import restart_refusals
from planner.rules.base import of_scope


def asked_alone(site: Site, lpar: str, source: str, target: str) -> tuple[Finding, ...]:
    return tuple(f for r in of_scope(Scope.MOVE) if site.migration(lpar) in r.binds
                 for f in r.findings(lpar, site, lpar, source, target))


def with_policies(seed: int, estate: Estate) -> Estate:
    """Policies that make LPARs of one size differ, servers that differ from each other, and an IBM i."""
    rng = Random(seed)
    names, servers = [p.name for p in estate.lpars], [s.name for s in estate.servers]
    lpars = [replace(p, name=n, os="IBM i" if rng.random() < 0.2 else p.os) for p, n in zip(estate.lpars, names, strict=True)]
    boxes = [replace(s, enterprise=rng.random() < 0.8, lmb_mib=rng.choice((128, 256)), console=rng.choice(("a", "b")),
                     dpo_running=rng.random() < 0.1, generation=rng.choice(("POWER6", s.generation)),
                     max_migrations=rng.choice((0, 4, 8)), console_level=rng.choice(("", "V7R7.3", s.console_level))) for s in estate.servers]
    vioses = [replace(v, msp=rng.random() < 0.7, rmc_active=rng.random() < 0.8, level=rng.choice(("", "1.4", v.level)))
              for v in estate.vioses]
    vlan = str(estate.networks[0].vlan) if estate.networks else "1"
    # Names with commas or blanks do not survive in a policy's list.
    plain = [n for n in names if n.replace("_", "").replace(".", "").isalnum()] or ["*"]
    rows = [policy("redundancy", plain[0], "if-possible"), policy("ignorable-vlan", vlan),
            policy("target-pool", plain[-1], "licences"), policy("fence", plain[0], servers[0]),
            policy("console-link", "a", "b", active=rng.random() < 0.5)]
    return stating(estate.replace(lpars=tuple(lpars), servers=tuple(boxes), vioses=tuple(vioses)), *rows)


ESTATES = {f"random {n}": with_policies(n, random_estate(n, 14, 4)) for n in range(12)} | {
    name: with_policies(5, shape(20, 60, 2)) for name, shape in SHAPES.items()} | {
    kind: with_pairs(random_estate(n, 14, 4), n, kind) for n, kind in enumerate(KINDS)}


@pytest.mark.parametrize("name", ESTATES)
def test_shared_answers_are_those_of_each_rule_asked_alone(name: str) -> None:
    site = Site(ESTATES[name])
    judge = Judge(site)
    for lpar in site.lpars:
        here = site.lpars[lpar].server
        for server in site.servers:
            for source, target in {(here, server), (server, here)}:
                if source != target:
                    assert judge.move(lpar, source, target) == asked_alone(site, lpar, source, target)


@pytest.mark.parametrize("name", ESTATES)
def test_shared_answers_on_a_restart_are_those_of_each_rule_asked_alone(name: str) -> None:
    """Asked alone for each LPAR and two servers, 24 servers took half a minute that no time limit counted."""
    site = Site(ESTATES[name])
    judge, some = Judge(site), next(iter(site.servers))
    answers = {(n, s, t): judge.restartable(n, s, t) for n, p in site.lpars.items()
               for s in {p.server, some} for t in site.servers if s != t}
    assert {asked for asked, may in answers.items() if may} == {
        asked for asked in answers if judge.connected(asked[0], asked[2]) and not restart_refusals(site, *asked)}


@pytest.mark.parametrize("name", ESTATES)
def test_rules_that_do_not_concern_a_site_have_nothing_to_say_there(name: str) -> None:
    site = Site(ESTATES[name])
    for r in of_scope(Scope.SERVER):
        for server in site.servers if not r.may_speak(site) else ():
            for names in (site.residents(server), [*site.start]):
                assert not r.findings(server, site, server, names), r.id


@pytest.mark.parametrize("name", ESTATES)
def test_servers_that_are_not_connected_are_refused_by_a_rule(name: str) -> None:
    site = Site(ESTATES[name])
    judge = Judge(site)
    apart = [(n, s) for n in site.lpars for s in site.servers if not judge.connected(n, s)]
    for lpar, server in apart:
        found = asked_alone(site, lpar, site.lpars[lpar].server, server)
        assert any(f.severity is Severity.ERROR for f in found), (lpar, server)
    assert apart or name not in ("ring", "blocks")


def test_every_rule_on_moves_has_a_shape() -> None:
    """A rule without a shape is asked for every LPAR and target: think before adding one."""
    alone = {r.id for r in of_scope(Scope.MOVE) if r.shape is None}
    assert not alone, "give it a shape: what it looks at in the LPAR"
