"""Consoles of servers: two HMCs often manage one server; a name stands with its domain or without."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

from planner.estate.model import Server

Links = Collection[frozenset[str]]


def consoles_of(server: Server) -> tuple[str, ...]:
    """The consoles that manage a server, the one that manages most first; none where none is stated."""
    return _names(server.console)


@cache
def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(";") if name.strip())


def is_ivm(server: Server, own_vioses: Collection[str]) -> bool:
    """Whether an Integrated Virtualization Manager manages it: its console is one of its own VIOSes."""
    return any(name in own_vioses or name.casefold().startswith("ivm") for name in consoles_of(server))


def same_console(one: str, other: str) -> bool:
    """``hmc1`` is ``HMC1`` and ``hmc1.example.com``; two domains make two consoles."""
    short, long = sorted((one.casefold(), other.casefold()), key=len)
    return short == long or (not short.isdigit() and "." not in short and long.partition(".")[0] == short)


def as_one_name(names: Iterable[str]) -> dict[str, str]:
    """Each name → the shortest of that console; as it is where the short name may be one of two consoles."""
    every, out = sorted(set(names), key=lambda name: (len(name), name)), {}
    for name in every:
        shortest = next(other for other in every if same_console(name, other))
        alike = [other for other in every if same_console(shortest, other)]
        out[name] = shortest if all(same_console(name, other) for other in alike) else name
    return out


def between(source: Server, target: Server, links: Links = ()) -> tuple[str, str]:
    """The consoles at which a move is ordered and received: one that has both servers where there is one, else two
    that are linked, else the first of each; ``""``: not stated."""
    ends = consoles_of(source) or ("",), consoles_of(target) or ("",)
    pairs = [(here, there) for here in ends[0] for there in ends[1]]
    common = next((here for here, there in pairs if here and same_console(here, there)), "")
    return (common, common) if common else next((p for p in pairs if are_linked(*p, links)), pairs[0])


def are_linked(here: str, there: str, links: Links) -> bool:
    """Whether the policy console-link lets two consoles work together."""
    return any({here, there} == link or all(any(same_console(x, y) for x in (here, there)) for y in link)
               for link in links if here and there)
