"""How many moves fly at once, by hand: what levels, links, firmware and consoles support, and when it is too many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from estates import BASE, changed, move

from planner.estate.model import Estate
from planner.verify.flights import crowd_findings, crowd_limits, stream, takes_part

MUCH = BASE.replace(
    servers=tuple(replace(s, max_migrations=32, max_inactive_migrations=12, firmware="AM780_040") for s in BASE.servers),
    vioses=tuple(replace(v, max_migrations=24, link_mbit=10_000) for v in BASE.vioses))
"""Everything states more than levels support: of these 16, of consoles V7R7.9.0 too."""


def limit(of: Estate, kind: str = "server", name: str = "B", unknown: int = 4) -> int:
    return crowd_limits(of, unknown)[kind, name]


@pytest.mark.parametrize(("level", "most"), [
    ("2.2.6.65", 16), ("2.2.2.0", 16), ("2.2.2", 16), ("2.2.1.9", 8), ("2.2.0.11", 8), ("2.2.0.10", 4), ("2.2", 4), ("1.5.2.1", 4),
    ("3.1", 16), ("10.1.0.0", 16), ("", 5), ("unknown", 5)])
def test_the_lowest_level_of_a_mover_limits_its_server_and_its_own_link(level: str, most: int) -> None:
    of = changed(MUCH, "B-v2", level=level)
    assert limit(of, unknown=5) == most and limit(of, name="A", unknown=5) == 16
    assert limit(of, "mover", "B-v2", 5) == (24 if most == 16 else 4) and limit(of, "mover", "B-v1", 5) == 24
    assert limit(changed(of, "B-v2", msp=False), unknown=5) == 16
    assert limit(changed(of, "B-v2", msp=None), unknown=5) == most


@pytest.mark.parametrize(("level", "most"), [
    ("V7R7.6.0", 16), ("V8R8.1.0", 16), ("V10R1M1020", 16), ("V7R7.5.0", 8), ("V7R7.4.0", 8), ("V7R7.3.9", 4), ("V7R3.4.0", 4),
    ("", 5)])
def test_the_level_of_a_console_limits_its_servers_but_not_where_the_vios_is_the_console(level: str, most: int) -> None:
    of = changed(MUCH, "B", console_level=level)
    assert limit(of, unknown=5) == most
    assert limit(changed(of, "B", console="B-v1"), unknown=5) == 16


@pytest.mark.parametrize(("firmware", "release", "most"), [
    ("AM759_001", 759, 8), ("01AM760_034", 760, 16), ("EM350_085", 350, 8), ("FW860.10", 860, 16), ("", 0, 16), ("x", 0, 16),
    ("FW1010.00", 1010, 16)])
def test_firmware_from_760_on_supports_more_than_eight(firmware: str, release: int, most: int) -> None:
    assert stream(firmware) == stream(firmware.lower()) == release
    assert limit(changed(MUCH, "B", firmware=firmware)) == most


@pytest.mark.parametrize(("link", "most"), [(None, 4), (1000, 4), (1001, 24), (10_000, 24)])
def test_a_mover_on_a_link_of_a_gigabit_has_four(link: int | None, most: int) -> None:
    assert limit(changed(MUCH, "B-v1", link_mbit=link), "mover", "B-v1") == most
    assert limit(changed(MUCH, "B-v1", link_mbit=link, max_migrations=3), "mover", "B-v1") == 3


def test_who_states_no_limit_has_four_of_each_kind() -> None:
    of = changed(changed(MUCH, "B", max_migrations=None), "B-v1", max_migrations=None)
    assert (limit(of), limit(of, "mover", "B-v1"), limit(of, "mover", "B-v2")) == (4, 4, 24)
    assert limit(of, "inactive") == 12 and limit(changed(of, "B", max_inactive_migrations=None), "inactive") == 4
    assert limit(changed(MUCH, "B", max_migrations=2)) == 2 and limit(changed(MUCH, "B", max_migrations=0)) == 0


PAIRED: dict[str, Any] = {"firmware": "FW860.10", "console_level": "V9R1M910"}


def _addressed(of: Estate, *names: str, **changes: Any) -> Estate:
    for name in names:
        of = changed(of, name, **({"mover_address": "10.0.0.1", "max_migrations": 7} | changes))
    return of


@pytest.mark.parametrize(("changes", "seven"), [
    ({}, True), ({"firmware": "FW859.10"}, False), ({"console_level": "V8R8.7.0"}, False), ({"console_level": "V10R1M1020"}, True), ({"console_level": "V9"}, True),
    ({"console": "B-v1"}, False)])
def test_a_console_that_pairs_movers_sends_each_move_over_two_on_both_sides(changes: dict[str, Any], seven: bool) -> None:
    """Each move is then one of each mover's 7. With one side alone that can, nothing is paired."""
    of = _addressed(MUCH, "A-v1", "A-v2", "B-v1", "B-v2")
    of = changed(changed(of, "A", **PAIRED), "B", **(PAIRED | changes))
    assert limit(of) == (7 if seven else 16) and limit(of, name="C") == 16
    assert limit(of, name="A") == (7 if seven else 16)
    for less in ({"mover_address": ""}, {"lpar_id": None}, {"msp": False}, {"rmc_active": False}):
        assert limit(changed(of, "B-v2", **less)) == 16, less
    for as_much in ({"msp": None}, {"rmc_active": None}):
        assert limit(changed(of, "B-v2", **as_much)) == (7 if seven else 16), as_much
    fewer = changed(of, "B-v1", max_migrations=5)
    assert limit(fewer) == (5 if seven else 16)


def test_too_many_are_told_once_at_the_first_moment_and_who_ends_makes_room() -> None:
    of = changed(MUCH, "B", max_migrations=1)
    one, two, three = (move(of, n, "A" if n[0] == "a" else "C", "B", start_ms=start, duration_ms=10_000, source_msp="", target_msp="")
                       for n, start in (("a1", 0), ("a2", 10_000), ("c1", 12_345)))
    assert not [*crowd_findings(of, [two, one])]
    found = [*crowd_findings(of, [three, two, one])]
    assert [(f.subject, f.message) for f in found] == [("B", "2 moves at once at 12 s, of 1 that it supports")]
    more = [replace(m, start_ms=0) for m in (one, two, three)]
    assert [f.message for f in crowd_findings(of, more)] == ["2 moves at once at 0 s, of 1 that it supports"]


def test_what_is_not_known_limits_nothing_unless_nothing_may_be_assumed() -> None:
    of = changed(MUCH, "B", console_level="")
    many = [move(of, "a1", "A", "B", start_ms=0, duration_ms=10_000, source_msp="", target_msp="")] * 5
    assert not [*crowd_findings(of, many)]
    assert [f.subject for f in crowd_findings(of, many, assume_nothing=True)] == ["B"]
    assert not [*crowd_findings(of, many[:4], assume_nothing=True)]


def test_what_is_not_activated_is_counted_apart_and_busies_no_mover() -> None:
    of = changed(changed(MUCH, "B", max_migrations=1, max_inactive_migrations=1), "A", max_inactive_migrations=2)
    flying = move(of, "a1", "A", "B", source_msp="A-v1", target_msp="B-v1")
    asleep = replace(flying, lpar="a2", inactive=True)
    assert takes_part(flying) == {("server", "A"), ("server", "B"), ("mover", "A-v1"), ("mover", "B-v1")}
    assert takes_part(asleep) == {("inactive", "A"), ("inactive", "B")}
    assert not [*crowd_findings(of, [flying, asleep])]
    assert [f.subject for f in crowd_findings(of, [flying, asleep, replace(asleep, lpar="a3")])] == ["B"]
