"""Which partition ids are held on each server at a moment of the replay, counted from the estate's rows alone."""

from __future__ import annotations

from collections.abc import Iterator

from planner.estate.model import Estate
from planner.findings import Finding, Severity
from planner.plan.plan import HIGHEST_ID, Move
from planner.rules.partition import ID_FREE
from planner.verify.base import broken


class IdCount:
    """Who has which id where; a mover has one on both servers until its move is over."""

    def __init__(self, estate: Estate) -> None:
        self._own = {p.name: (p.server, p.lpar_id) for p in estate.lpars}
        self._there: dict[str, dict[str, int | None]] = {}
        """Server → partition → id."""
        for server, name, number in (*((p.server, p.name, p.lpar_id) for p in estate.lpars),
                                     *((v.server, v.name, v.lpar_id) for v in estate.vioses)):
            self._there.setdefault(server, {})[name] = number

    def take(self, move: Move) -> Iterator[Finding]:
        """The move has begun: its id on the target is one that nobody holds there, its own where that can be."""
        there = self._there.setdefault(move.target, {})
        here, (home, own) = self._there.get(move.source, {}).get(move.lpar), self._own[move.lpar]
        holder = {i: n for n, i in there.items() if n != move.lpar}
        there[move.lpar] = given = move.target_id
        if given is None:
            if here is not None:
                yield broken("plan.id", move.lpar, f"gets no id on {move.target}; it has {here}")
            return
        if not 1 <= given <= HIGHEST_ID:
            yield broken("plan.id", move.lpar, f"gets id {given}, which no partition can have")
        elif here is None:
            yield broken("plan.id", move.lpar, f"gets id {given}; nobody knows the one it has")
        if given in holder:
            yield broken("plan.id", move.lpar, f"gets id {given} on {move.target}, which {holder[given]} has")
        lost = own if move.target == home else here
        if lost is not None and given not in (own, lost):
            why = f"is taken by {holder[lost]} on" if lost in holder else "is free, but not given to it, on"
            yield Finding(ID_FREE, Severity.WARNING, move.lpar,
                          f"partition id {lost} {why} {move.target}: it will get another, and lsmap -all shows the old "
                          "one until it restarts", "give ids that are unique across all servers")

    def give(self, move: Move) -> None:
        """The move is over: its id on the source is free."""
        self._there.get(move.source, {}).pop(move.lpar, None)
