"""What the two servers of a move are and are to each other, told from their rows: they run, one console has both."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.findings import Finding
from planner.plan.plan import Move
from planner.rules import Site
from planner.verify.base import broken


def standing(site: Site, move: Move) -> Iterator[Finding]:
    """What keeps two servers apart, whoever moves; whether it moves in the state in which it is."""
    state = site.lpars[move.lpar].state
    if move.inactive != (state in ("not activated", "migrating - not activated")):
        yield broken("plan.inactive", move.lpar, f"is {state or 'of unknown state'} and is to move "
                     f"{'inactive' if move.inactive else 'live'}")
    for name in (move.source, move.target):
        state = site.servers[name].state.strip().lower()
        if state and state != "operating":
            yield broken("plan.operating", move.lpar, f"{name} is not Operating, but {state}")
    here, there = (_hosts(site.servers[s].console) for s in (move.source, move.target))
    links = [_hosts(";".join(link)) for link in site.policies.console_links]
    if here and there and not _meet(here, there) and not any(
            _meet(here, link) and _meet(there, link) for link in links):
        yield broken("plan.consoles", move.lpar, f"no console has {move.source} and {move.target}, and none are linked")


def _hosts(text: str) -> set[tuple[str, str]]:
    """The (host, domain) of every name in a text; an address is a host."""
    names = [name.strip() for name in text.lower().split(";") if name.strip()]
    return {(m[1], m[2]) if (m := re.fullmatch(r"([^.]*[a-z][^.]*)\.?(.*)", name)) else (name, "") for name in names}


def _meet(some: set[tuple[str, str]], others: set[tuple[str, str]]) -> bool:
    return any(a == b and (x == y or not x or not y) for a, x in some for b, y in others)
