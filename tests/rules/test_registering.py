"""What the registry takes as a rule, and what the rules say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from planner.estate.model import POLICY_KINDS, TABLE
from planner.findings import Severity
from planner.rules import RULES, Breach, Scope
from planner.rules.base import ASKED, PRUNES, REGISTRY, ROWS, On, Use, of_scope, rule

LIVE, FAILOVER, RESTART, WORK, INACTIVE = On


def nothing(*_: Any) -> Iterator[Breach]:
    yield from ()


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    yield
    for name in [n for n in REGISTRY if n.startswith("test.")]:
        del REGISTRY[name]


@pytest.mark.parametrize("scope", [Scope.SERVER, Scope.GROUP, Scope.RESTART, Scope.FLIGHT])
def test_a_rule_that_prunes_no_candidate_says_how_it_is_kept(scope: Scope) -> None:
    """Once such a rule was published as pruning candidates; plans then died in their replay (exit code 5)."""
    with pytest.raises(ValueError, match=r"test\.silent: say how the programs keep it"):
        rule("test.silent", "A sentence.", scope, source="test")
    assert "test.silent" not in REGISTRY
    assert rule("test.asked", "A sentence.", scope, encoding=ASKED, source="test")(nothing).encoding == ASKED


def test_what_is_counted_becomes_rows_and_what_looks_at_one_lpar_prunes() -> None:
    use = Use("LPARs", by=lambda site, lpar, server: 1, most=lambda site, server: 8)
    assert rule("test.counted", "A sentence.", Scope.SERVER, use=use, source="test")(nothing).encoding == ROWS
    assert rule("test.one", "A sentence.", Scope.LPAR, source="test")(nothing).encoding == PRUNES


def test_an_id_stands_once() -> None:
    with pytest.raises(ValueError, match=r"memory\.capacity stands twice"):
        rule("memory.capacity", "A sentence.", Scope.SERVER, encoding=ASKED, source="test")


def test_every_rule_on_one_lpar_binds_live_moves() -> None:
    assert all(LIVE in r.binds for r in of_scope(Scope.LPAR, Scope.MOVE))


def test_what_work_gets_round_binds_a_failover_and_no_planned_restart() -> None:
    work = {r.id: r.binds for r in RULES if WORK in r.binds}
    assert set(work) == {"partition.lhea", "partition.migratable-sriov", "partition.physical-io", "partition.sriov",
                         "storage.whole-lun"}
    assert all(FAILOVER in b and RESTART not in b for b in work.values())


def test_what_binds_a_planned_restart_binds_a_failover_but_for_vioses_and_who_is_asked_to_stay() -> None:
    """A server that dies asks nobody to stay on it."""
    assert {r.id for r in RULES if RESTART in r.binds and FAILOVER not in r.binds} == {
        "partition.client", "policy.asked-to-stay"}
    only_failover = {r.id for r in RULES if FAILOVER in r.binds and not r.binds & {RESTART, WORK}}
    assert only_failover == {"processor.minimum-per-vp", "processor.mode"}


def test_what_an_inactive_migration_does_without() -> None:
    """Everything else binds it: networks, storage, slots and ports, modes, sizes, firmware, policies."""
    assert {r.id for r in of_scope(Scope.LPAR, Scope.MOVE) if INACTIVE not in r.binds} == {
        "memory.huge-pages", "partition.bsr", "partition.lhea", "partition.migratable-sriov", "partition.physical-io",
        "partition.rmc", "partition.sriov", "policy.production-stays", "server.migrations", "server.mover",
        "software.minimum", "software.minimum-there", "software.refused", "storage.wwpn-pair"}, (
            "binds=MIGRATIONS for a condition of inactive migrations too; else enter the rule here")


def test_rules_on_a_size_or_a_wish_close_no_door() -> None:
    assert {r.id for r in RULES if r.fits} == {"memory.fits", "processor.fits"}
    assert {r.id for r in RULES if not r.lasting} == {
        "memory.fits", "processor.fits", "policy.fence", "policy.licensed-servers", "policy.not-a-target", "policy.pin",
        "policy.soft-pin"}


@pytest.mark.parametrize("encoding", ["rows", ROWS, PRUNES, "by hand"])
@pytest.mark.parametrize(("scope", "use"), [(Scope.SERVER, False), (Scope.GROUP, False), (Scope.GROUP, True)])
def test_an_encoding_that_nothing_enforces_is_refused(scope: Scope, use: bool, encoding: str) -> None:
    """Any text once passed, and plans then died in their replay."""
    counted = Use("LPARs", by=lambda site, lpar, server: 1, most=lambda site, server: 8) if use else None
    with pytest.raises(ValueError, match=r"test\.text: say how the programs keep it: .*nothing keeps"):
        rule("test.text", "A sentence.", scope, encoding=encoding, use=counted, source="test")


def test_every_rule_on_servers_and_groups_is_kept_by_something() -> None:
    by_rows = {r.id for r in of_scope(Scope.SERVER, Scope.GROUP) if r.use is None and r.encoding != ASKED
               and r.severity is Severity.ERROR}
    assert by_rows == {r.id for r in REGISTRY.values() if r.own_rows}


@pytest.mark.parametrize("word", sorted({word for r in RULES for word in r.reads}))
def test_what_a_refusal_rests_on_is_a_column_of_the_estate_or_a_policy(word: str) -> None:
    """A wrong word ended in a KeyError where somebody asked why not there."""
    kind, _, name = word.partition(".")
    if kind == "policies":
        assert name in POLICY_KINDS
    else:
        assert name in {c.field for c in TABLE[{"source": "servers", "target": "servers"}.get(kind, kind)].columns}
