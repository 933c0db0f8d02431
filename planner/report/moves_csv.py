"""moves.csv: a row a move, for programs and change tickets; the units stand in the headers."""

from __future__ import annotations

import csv
import io

from planner.estate.policies import owners
from planner.names import shown
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.report.commands import consoles_for, migrlpar
from planner.report.minutes import Paces
from planner.report.output import no_formula
from planner.report.turns import ids_before, middle, numbers, start_order
from planner.rules import Site

_HEADER = ("Number", "Leg", "Lane", "Wave", "LPAR", "From", "To", "Partition id before", "Partition id after",
           "Owner", "Parking", "Inactive", "Waits for", "Start", "Latest start", "Minutes", "Minutes at least",
           "Minutes at most", "Stop at", "Stands still (s)", "Source mover", "Target mover", "Console", "Command")


def moves_csv(plan: Plan, site: Site) -> str:
    """The whole file. *Minutes at least* and *at most*: 8 in 10; starts are clock times where there is a window, else
    seconds from the first. Names stand as people see them everywhere: plan.json has those that nobody can type."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(_HEADER)
    paces, own, half = Paces(plan, site), ids_before(plan, site.estate), middle(plan)
    whose = owners(site.estate)

    def at(ms: int | None) -> str:
        if ms is None:
            return ""
        clock = plan.clock(ms)
        return f"{ms / 1000:.0f}" if clock is None else f"{clock:%Y-%m-%d %H:%M:%S}"

    def cells(m: Move) -> tuple[object, ...]:
        minutes, drawn = paces.of(m), paces.drawn.get(m.number)
        return (m.number or "", m.leg, m.lane or "", m.wave, m.lpar, m.source, m.target, own[m], m.target_id,
                whose.get(m.lpar, ""), "yes" * m.parking, "yes" * m.inactive, numbers(m.waits_for), at(half[m][0]),
                at(drawn.latest_ms if drawn else m.latest_ms), f"{m.duration_ms / 60_000:.1f}", minutes.low,
                minutes.high, minutes.stop, "" if m.inactive else f"{m.suspend_ms / 1000:.1f}", m.source_msp,
                m.target_msp, consoles_for(site, m.source, m.target)[0], migrlpar(m, site, "m", own[m]))

    for m in (*start_order(plan, OUT), *start_order(plan, BACK)):
        rows.writerow([no_formula("" if x is None else shown(str(x))) for x in cells(m)])
    return out.getvalue()
