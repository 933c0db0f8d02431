"""A plan as the sessions of people: who does what at which console, for scripts and playbook."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from planner.estate.consoles import as_one_name
from planner.history.zones import zone_of
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, Wait
from planner.report.commands import consoles_for, is_ivm, migrlpar
from planner.report.turns import Turns, about, start_order
from planner.rules import Site


class Sessions:
    """The lanes of a plan with the consoles at which they work."""

    def __init__(self, plan: Plan, site: Site) -> None:
        self.plan, self.site = in_sessions(plan), site
        self.turns = Turns(self.plan)
        ends = {m.number: consoles_for(site, m.source, m.target) for m in self.plan.moves}
        names = as_one_name(name for pair in ends.values() for name in pair)
        self.ends = {n: (names[here], names[there]) for n, (here, there) in ends.items()}
        """Number of a move → the consoles of its source and its target; ``""``: not stated."""
        servers = {name: server for m in self.plan.moves for name, server in zip(
            self.ends[m.number], (m.source, m.target), strict=True)}
        self.ivms = {name for name, server in servers.items() if is_ivm(site, server)}
        self.variables = {name: "HMC" if len(servers) == 1 else f"CONSOLE_{n}"
                          for n, name in enumerate(sorted(servers), 1)}
        """Console → the variable that says where to log in."""
        self._own: dict[int, int | None] = {}
        ids = {p.name: p.lpar_id for p in site.estate.lpars}
        for m in (m for leg in (OUT, BACK) for m in start_order(self.plan, leg)):
            self._own[m.number] = ids.get(m.lpar)
            ids[m.lpar] = m.target_id

    def order(self, move: Move, operation: str) -> str:
        """The migrlpar line of a move (:func:`planner.report.commands.migrlpar`)."""
        return migrlpar(move, self.site, operation, self._own[move.number])

    def moment(self, ms: int | None) -> tuple[str, str] | None:
        """A moment as ``date +%Y%m%d%H%M%S`` prints it (UTC where the window's zone is stated), and in words."""
        window = self.plan.window
        if ms is None or window is None:
            return None
        then = window.at(ms)
        if window.zone:
            start = window.start.replace(tzinfo=zone_of(window.zone)).astimezone(dt.UTC)
            then = start + dt.timedelta(milliseconds=ms)
        return f"{then:%Y%m%d%H%M%S}", f"{about(self.plan, ms)} {window.zone}".strip()

    def later(self, move: Move) -> list[Move]:
        """The moves of its LPAR that follow it on its way."""
        return [m for m in start_order(self.plan, move.leg) if m.lpar == move.lpar and m.number > move.number]


def in_sessions(plan: Plan) -> Plan:
    """The plan in lanes; of one in waves each place in a wave is a lane, and a wave waits for all of the one before."""
    if plan.in_lanes:
        return plan
    moves: list[Move] = []
    for leg in (OUT, BACK):
        before: tuple[Wait, ...] = ()
        for _, wave in plan.waves(leg):
            first = len(moves) + 1
            moves += [replace(m, number=first + n, lane=1 + n, waits=before) for n, m in enumerate(wave)]
            before = tuple(Wait(number, "arrived", "", "of the wave before") for number in range(first, len(moves) + 1))
    return plan.replace(moves=tuple(moves))
