"""How many migrations run at a time: the smallest of what is stated and what each level supports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from estates import BASE, changed, judged, move, policy, stating
from hypothesis import example, given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.model import Estate
from planner.plan.plan import Move
from planner.rules import Site
from planner.rules.concurrency import mover_limit, server_limit
from planner.verify.flights import crowd_findings

ALL_16 = {"max_migrations": 16, "firmware": "AM780_040", "console_level": "V7R7.6.0"}
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
    (ALL_16 | {"console_level": "V7R7.5"}, {}, 8, "console level V7R7.5"),
    (ALL_16 | {"console_level": "V7R7.3.0"}, {}, 4, "console level V7R7.3.0"),
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


SERVERS = st.fixed_dictionaries({
    "max_migrations": st.sampled_from((None, 0, 2, 4, 8, 16)), "console": st.sampled_from(("hmc1", "B-v1")),
    "firmware": st.sampled_from(("", "EM350_085", "AM730_087", "01AM760_078", "FW860.10", "NH1060_012")),
    "console_level": st.sampled_from(("", "V7R3.4.0", "V7R7.4", "V7R7.4.0 SP1", "V7R7.5", "V7R7.6", "V10R3M1060"))})
VIOSES = st.fixed_dictionaries({
    "max_migrations": st.sampled_from((None, 3, 8)), "link_mbit": st.sampled_from((None, 1000, 10_000)),
    "level": st.sampled_from(("", "2.1.0.10-FP-20.1", "2.2.0.11", "2.2.1.4", "2.2.2", "2.2.2.1", "3.1.4.10"))})


@settings(max_examples=portion(100))
@given(SERVERS, VIOSES, st.booleans())
@example({"max_migrations": 16, "console": "hmc1", "firmware": "01AM760_078", "console_level": "V7R7.6"},
         {"max_migrations": 8, "link_mbit": 10_000, "level": "2.2.2"}, False)
@example({"max_migrations": 8, "console": "B-v1", "firmware": "", "console_level": "V7R3.4.0"},
         {"max_migrations": None, "link_mbit": None, "level": ""}, False)
def test_the_replay_finds_the_same_limits_by_itself(server: dict[str, Any], vios: dict[str, Any], nothing: bool) -> None:
    """It knew nothing of console levels and firmware: sixteen moves at once under V7R7.3 held. Then it took the level of an
    IVM for that of an HMC: more than four were refused that the rules had allowed."""
    made = of(server, vios)
    site = Site(made, assume_nothing=nothing)
    movers = {f"{s}-v{n}": mover_limit(site, site.vioses[f"{s}-v{n}"])[0] for s in "AB" for n in (1, 2)}
    one = move(made, "a1", "A", "B")
    both = [replace(one, source_msp=f"A-v{n}", target_msp=f"B-v{n}") for n in (1, 2)]
    for count in range(1, 18):
        moves = [both[n % 2] for n in range(count)]
        crowded = {f.subject for f in crowd_findings(made, moves, assume_nothing=nothing)}
        assert crowded & {"A", "B"} == {s for s in "AB" if count > server_limit(site, s)[0]}
        assert crowded - {"A", "B"} == {m for m, most in movers.items() if (count + (m[-1] == "1")) // 2 > most}


def test_a_policy_lowers_both() -> None:
    site, _ = judged(stating(of(ALL_16, {}), policy("concurrency", "B", "3"), policy("concurrency", "B-v1", "2")))
    assert server_limit(site, "B") == (3, "policy concurrency")
    assert mover_limit(site, site.vioses["B-v1"]) == (2, "policy concurrency")


def paired(**changes: Any) -> Estate:
    """A and B with two movers each that carry 8 and 6 at a time, their addresses known, at levels that pair them."""
    found = BASE
    for s in "AB":
        found = changed(found, s, **(ALL_16 | {"firmware": "FW950.30", "console_level": "V9R2.950"} | changes))
        for n, most in ((1, 8), (2, 6)):
            found = changed(found, f"{s}-v{n}", **(NEW | {"level": "3.1.2.10", "max_migrations": most,
                                                          "mover_address": f"10.0.{'AB'.index(s)}.{n}"}))
    return found


def test_where_two_pairs_carry_a_move_a_server_takes_part_in_as_many_as_one_mover_carries() -> None:
    assert server_limit(Site(paired()), "A") == (6, "each move takes a place on two of its movers")
    for changes in ({"firmware": "FW840.60"}, {"console_level": "V8R8.7.0"}, {"console_level": ""}):
        assert server_limit(Site(paired(**changes)), "A")[0] > 6
    alone = changed(paired(), "B-v2", mover_address="")
    assert server_limit(Site(alone), "A")[0] == 16


def test_the_replay_counts_both_pairs() -> None:
    """Seven at once, four over one mover and three over the other: each takes a place on both."""
    moves = [Move(f"p{n}", "A", "B", source_msp=f"A-v{1 + n % 2}", target_msp=f"B-v{1 + n % 2}", duration_ms=60_000)
             for n in range(7)]
    said = [f.message for f in crowd_findings(paired(), moves)]
    assert any("7 moves at once" in text and "of 6" in text for text in said)
    assert not [*crowd_findings(paired(), moves[:6])]
    assert not [*crowd_findings(paired(console_level="V8R8.7.0"), moves)]
    assert not [*crowd_findings(changed(paired(), "B-v2", mover_address=""), moves)]
