"""The replay of restarts and new sizes: it refuses what no server carries, at any step and in the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from estates import BASE, estate, lpar, policy, server, stating

from planner.estate.model import Estate
from planner.rules import Site
from planner.verify import replay_changes

ALL = ("A", "B", "C")
#: 4 cores, of which the VIOSes hold 1.00 and a1 2.00.
TIGHT = estate([server("A", 4, 40), server("B", 4, 40)], [lpar("a1", "A", 2, 8), lpar("b1", "B", 1, 8)])


def rules(of: Estate, *changes: Any, survivors: tuple[str, ...] = ALL) -> list[str]:
    site = Site(of)
    rows = [replace(site.lpars[name], **facts) for name, facts in changes]
    return [f.rule for f in replay_changes(site, site.start, rows, [s for s in survivors if s in site.servers])]


def test_sizes_that_fit_are_fine() -> None:
    assert rules(TIGHT, ("a1", {"entitlement_units": 300, "virtual_processors": 3})) == []
    assert rules(TIGHT, ("a1", {"server": "B"}), survivors=("B",)) == []


def test_a_size_that_does_not_fit_is_told_at_its_step_and_in_the_end() -> None:
    assert rules(TIGHT, ("a1", {"entitlement_units": 301, "virtual_processors": 4})) == ["scenario.capacity"] * 2
    assert rules(TIGHT, ("a1", {"memory_mib": 40 * 1024, "max_memory_mib": 40 * 1024})) == ["scenario.capacity"] * 2


def test_the_order_counts() -> None:
    """b1 comes to A (2 + 1 + 1 = 4) only after a1 shrank, once b1 is to be larger."""
    shrink = ("a1", {"entitlement_units": 150})
    arrive = ("b1", {"server": "A", "entitlement_units": 150, "virtual_processors": 2})
    assert rules(TIGHT, shrink, arrive) == []
    assert rules(TIGHT, arrive, shrink) == ["scenario.capacity"]  # too much for a moment, not in the end


def test_what_is_over_its_limit_may_not_stay_there() -> None:
    assert rules(stating(TIGHT, policy("cpu-ceiling", "A", "50"))) == ["scenario.capacity"]


def test_a_retired_server_must_be_empty() -> None:
    assert rules(BASE, survivors=("B", "C")) == ["scenario.retired"] * 2


def test_rows_must_suit_their_server() -> None:
    assert rules(BASE, ("a1", {"virtual_processors": 11})) == ["processor.minimum-per-vp"]
    assert rules(BASE, ("a1", {"entitlement_units": 101})) == ["estate.entitlement-above-vp"]
    assert rules(BASE, ("a1", {"memory_mib": 9 * 1024})) == ["estate.memory-above-max"]
    assert rules(BASE, ("a1", {"current_mode": "POWER7"})) == ["processor.mode"]


def test_groups_are_kept_in_the_end() -> None:
    apart = stating(BASE, policy("keep-apart", "pair", "a1; b1"))
    assert rules(apart, ("a1", {"server": "B"})) == ["policy.keep-apart"]
