"""How many migrations run at a time: the smallest of what is stated and what each level supports."""

from __future__ import annotations

from typing import Any

import pytest
from estates import BASE, changed, judged, policy, stating

from planner.estate.model import Estate
from planner.rules.concurrency import mover_limit, server_limit

ALL_16 = {"max_migrations": 16, "firmware": "AM780_040"}
NEW = {"level": "2.2.2.1", "max_migrations": 8, "link_mbit": 10_000}


def of(server: dict[str, Any], vios: dict[str, Any]) -> Estate:
    found = changed(BASE, "B", **server)
    for name in ("B-v1", "B-v2"):
        found = changed(found, name, **(NEW | vios))
    return found


@pytest.mark.parametrize(("server", "vios", "limit", "why"), [
    (ALL_16, {}, 16, "Max migrations"),
    (ALL_16, {"level": ""}, 16, "Max migrations"),
    (ALL_16 | {"max_migrations": None}, {}, 4, "what every level supports"),
    (ALL_16 | {"firmware": "AM730_087"}, {}, 8, "firmware AM730_087"),
    (ALL_16, {"level": "2.2.1.4"}, 8, "VIOS level of B-v1 2.2.1.4"),
    (ALL_16, {"level": "2.1.0.10-FP-20.1"}, 4, "VIOS level of B-v1 2.1.0.10-FP-20.1"),
    (ALL_16 | {"max_migrations": 2}, {"level": "2.2.1.4"}, 2, "Max migrations"),
])
def test_the_smallest_limit_of_a_server_counts_and_is_named(server: dict[str, Any], vios: dict[str, Any], limit: int, why: str
                                                            ) -> None:
    assert server_limit(judged(of(server, vios))[0], "B") == (limit, why)


@pytest.mark.parametrize(("vios", "limit", "why"), [
    ({}, 8, "Max migrations"), ({"link_mbit": 1000}, 4, "a link of 1 Gbit/s"), ({"link_mbit": None}, 4, "a link of 1 Gbit/s"),
    ({"level": "2.2.1.4"}, 4, "level 2.2.1.4"), ({"max_migrations": 3}, 3, "Max migrations"),
    ({"max_migrations": None}, 4, "what every level supports")])
def test_the_smallest_limit_of_a_mover_counts_and_is_named(vios: dict[str, Any], limit: int, why: str) -> None:
    site, _ = judged(of(ALL_16, vios))
    assert mover_limit(site, site.vioses["B-v1"]) == (limit, why)


def test_a_policy_lowers_both() -> None:
    site, _ = judged(stating(of(ALL_16, {}), policy("concurrency", "B", "3"), policy("concurrency", "B-v1", "2")))
    assert server_limit(site, "B") == (3, "policy concurrency")
    assert mover_limit(site, site.vioses["B-v1"]) == (2, "policy concurrency")
