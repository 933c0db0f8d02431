"""How many moves fly at once, counted and limited from the estate's rows alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from planner.estate.consoles import is_ivm
from planner.estate.model import Estate
from planner.findings import Finding
from planner.grouping import grouped
from planner.plan.plan import Move
from planner.verify.base import broken

_VIOS_STEPS = ((16, (2, 2, 2, 0)), (8, (2, 2, 0, 11)))
_CONSOLE_STEPS = ((16, (7, 7, 6)), (8, (7, 7, 4)))
"""Moves of a server at once that its movers and its console support, and from which level on."""
_ANY = 99
"""What is not known limits nothing where it may be assumed: it is among what a plan takes for granted."""


def crowd_findings(estate: Estate, moves: Sequence[Move], *, assume_nothing: bool = False) -> Iterator[Finding]:
    """Servers and movers with more moves at once than they support, each at the first such moment; inactive migrations
    of a server are counted apart."""
    most = crowd_limits(estate, 4 if assume_nothing else _ANY)
    events = sorted([(m.start_ms, 1, n) for n, m in enumerate(moves)] + [(m.end_ms, 0, n) for n, m in enumerate(moves)])
    flying: dict[tuple[str, str], int] = {}
    told: set[tuple[str, str]] = set()
    for time, begins, n in events:
        for key in takes_part(moves[n]):
            flying[key] = flying.get(key, 0) + (1 if begins else -1)
            if key in most and flying[key] > most[key] and key not in told:
                told.add(key)
                yield broken("plan.crowded", key[1], f"{flying[key]} moves at once at {time // 1000} s, of {most[key]} "
                             "that it supports", "spread them over more waves")


def takes_part(move: Move) -> set[tuple[str, str]]:
    """(kind of limit, server or mover) of everything that is busy with a move."""
    if move.inactive:
        return {("inactive", move.source), ("inactive", move.target)}
    return {("server", move.source), ("server", move.target), ("mover", move.source_msp), ("mover", move.target_msp)}


def crowd_limits(estate: Estate, unknown: int) -> dict[tuple[str, str], int]:
    """What servers and movers support of each kind; ``unknown``: what an unknown level does."""
    most = {("server", s.name): _stated(s.max_migrations) for s in estate.servers}
    most |= {("inactive", s.name): _stated(s.max_inactive_migrations) for s in estate.servers}
    for v in estate.vioses:
        if v.msp is not False and ("server", v.server) in most:
            most["server", v.server] = min(most["server", v.server], _by_level(v.level, _VIOS_STEPS, unknown))
    own = grouped((v.server, v.name) for v in estate.vioses)
    for s in estate.servers:
        console = _ANY if is_ivm(s, own.get(s.name, [])) else _by_level(s.console_level, _CONSOLE_STEPS, unknown)
        most["server", s.name] = min(most["server", s.name], console,
                                     8 if 0 < stream(s.firmware) < 760 else _ANY)
    most |= {("mover", v.name): min(_stated(v.max_migrations), 4 if (v.link_mbit or 0) <= 1000 or _by_level(
        v.level, _VIOS_STEPS, unknown) < 16 else _ANY) for v in estate.vioses}
    pairs = _paired(estate)
    for server, movers in pairs.items() if len(pairs) > 1 else ():
        most["server", server] = min(most["server", server], *(most["mover", name] for name in movers))
    return most


def _paired(estate: Estate) -> dict[str, list[str]]:
    """Servers whose console sends a move over two of its movers at once, with those that it may take."""
    able = grouped((v.server, v.name) for v in estate.vioses if v.mover_address and v.lpar_id is not None
                   and v.msp is not False and v.rmc_active is not False and v.max_migrations != 0)
    own = grouped((v.server, v.name) for v in estate.vioses)
    return {s.name: able[s.name] for s in estate.servers if len(able.get(s.name, ())) > 1 and stream(s.firmware) >= 860
            and [int(n) for n in re.findall(r"\d+", s.console_level)] >= [9] and not is_ivm(s, own[s.name])}


def _stated(limit: int | None) -> int:
    return 4 if limit is None else limit


def _by_level(text: str, steps: Sequence[tuple[int, tuple[int, ...]]], unknown: int) -> int:
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    return next((n for n, since in steps if (*numbers, 0, 0, 0) >= since), 4) if numbers else unknown


def stream(firmware: str) -> int:
    """``01AM780_054`` → 780, ``FW860.10`` → 860; 0 for what says none."""
    found = re.search(r"[A-Z]{2}(\d{3,4})", firmware.upper())
    return int(found[1]) if found else 0
