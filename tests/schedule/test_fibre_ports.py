"""VIOS and physical port of each virtual Fibre Channel adapter, by hand: what is full, what leaves again, what comes home."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from estates import BASE, move

from planner.estate.model import Estate, Fibre, Port
from planner.plan.plan import Move
from planner.rules import Site
from planner.schedule.fibre import with_ports


def fibre(name: str, slot: int = 40, n: int = 1, fabric: str = "f1", port: str = "") -> Fibre:
    return Fibre(name, slot, f"{name[0].upper()}-v{n}", f"{name}{slot}c", f"{name}{slot}d", fabric, True, port)


def ported(*ports: tuple[str, str, int], fibres: tuple[Fibre, ...] = (fibre("a1"), fibre("a2")), **more: Any) -> Estate:
    """(VIOS, port, virtual ports that are free), all on f1."""
    return BASE.replace(ports=tuple(Port(v, p, "f1", n) for v, p, n in ports), fibres=fibres, **more)


def flown(of: Estate, *moves: tuple[str, str, str]) -> list[Move]:
    """One after the other, with nothing chosen yet."""
    return [replace(move(of, *m, start_ms=1000 * n, duration_ms=500), fibres=(), disks=()) for n, m in enumerate(moves)]


def mapped(of: Estate, *moves: tuple[str, str, str]) -> list[list[tuple[str, str]]] | None:
    """(VIOS, port) of the adapters of each move."""
    out = with_ports(Site(of), flown(of, *moves))
    return None if out is None else [[(vios, port) for _, vios, port in m.fibres] for m in out]


def test_a_port_is_named_while_it_has_room_and_the_one_with_most_left_first() -> None:
    of = ported(("B-v1", "fcs0", 1), ("B-v1", "fcs1", 1))
    assert mapped(of, ("a1", "A", "B"), ("a2", "A", "B")) == [[("B-v1", "fcs0")], [("B-v1", "fcs1")]]
    of = ported(("B-v1", "fcs0", 1), ("B-v1", "fcs1", 2))
    assert mapped(of, ("a1", "A", "B"), ("a2", "A", "B")) == [[("B-v1", "fcs1")], [("B-v1", "fcs0")]]
    assert mapped(ported(("B-v1", "fcs0", 1)), ("a1", "A", "B"), ("a2", "A", "B")) is None


def test_who_has_no_adapter_takes_none_and_keeps_nobody_from_being_mapped() -> None:
    of = ported(("B-v1", "fcs0", 1), fibres=(fibre("a1"),))
    assert mapped(of, ("a2", "A", "B"), ("a1", "A", "B")) == [[], [("B-v1", "fcs0")]]
    assert mapped(of, ("a2", "A", "B")) == [[]]


@pytest.mark.parametrize(("source", "room"), [("B", True), ("C", False)])
def test_who_leaves_frees_ports_where_it_was_and_nowhere_else(source: str, room: bool) -> None:
    """B has one port, on which a client stands or not; C's client leaves C."""
    name = source.lower() + "1"
    of = ported((f"{source}-v1", "fcs0", 0), *((("B-v1", "fcs1", 0),) if source == "C" else ()), ("A-v1", "fcs0", 3),
                fibres=(fibre("a1"), fibre(name)))
    found = mapped(of, (name, source, "A"), ("a1", "A", "B"))
    assert found == ([[("A-v1", "fcs0")], [("B-v1", "fcs0")]] if room else None)


def test_what_arrived_and_leaves_again_frees_what_it_took() -> None:
    """One virtual port on each VIOS of B: a1 takes that of v1, a2 that of v2, and c1 finds the one that a2 gives back."""
    of = ported(("B-v1", "fcs0", 1), ("B-v2", "fcs0", 1), ("C-v1", "fcs0", 9), ("C-v2", "fcs0", 9),
                fibres=(fibre("a1"), fibre("a2"), fibre("c1")))
    b = mapped(of, ("a1", "A", "B"), ("a2", "A", "B"), ("a2", "B", "C"), ("c1", "C", "B"))
    assert b is not None and [b[0], b[1], b[3]] == [[("B-v1", "fcs0")], [("B-v2", "fcs0")], [("B-v2", "fcs0")]]
    assert mapped(of, ("a1", "A", "B"), ("a2", "A", "B"), ("c1", "C", "B")) is None


def test_an_adapter_comes_home_to_its_own_port_whatever_another_has_left() -> None:
    of = ported(("A-v1", "fcs0", 5), ("A-v1", "fcs1", 0), ("B-v1", "fcs0", 9), fibres=(fibre("a1", port="fcs1"), fibre("b1")))
    assert mapped(of, ("a1", "A", "B"), ("a1", "B", "A")) == [[("B-v1", "fcs0")], [("A-v1", "fcs1")]]
    assert mapped(of, ("b1", "B", "A")) == [[("A-v1", "fcs0")]]


def test_a_port_of_which_nobody_knows_that_it_is_free_is_not_named() -> None:
    """b1 stands on one of two ports, and nobody says which: once it has left, one of them is free."""
    of = ported(("B-v1", "fcs0", 0), ("B-v1", "fcs1", 0), ("A-v1", "fcs0", 3), fibres=(fibre("a1"), fibre("b1")))
    assert mapped(of, ("b1", "B", "A"), ("a1", "A", "B")) == [[("A-v1", "fcs0")], [("B-v1", "")]]
