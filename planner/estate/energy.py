"""Placeholder until the energy facts are there."""

from __future__ import annotations

from dataclasses import dataclass

from planner.estate.model import Server


@dataclass(frozen=True, slots=True)
class Power:
    """Idle and maximum watts of a server."""

    idle_w: int
    max_w: int
    assumed: bool
    source: str


def power_of(server: Server) -> Power:
    """The watts of a server."""
    most = server.configurable_units * 100 // 100
    return Power(most * 65 // 100, most, True, "assumed: 100 W per core")
