"""The plan that was asked for: moves with their times, servers before and after."""

from __future__ import annotations

from typing import Any

from planner.jobs.capacity.figures import Capacity, PlanFigures, show_month
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.report.text import clock_span, headline, window_text, windows
from planner.report.turns import numbers
from planner.sheets import Column, ended, heading, table
from planner.units import many, show_duration
from planner.xlsx import Book


def moves_sheet(book: Book, sheet: Any, capacity: Capacity, figures: PlanFigures) -> None:
    """Moves, and what they do to each server."""
    plan = figures.plan
    heading(book, sheet, 0, f"Plan: {headline(plan)}",
            f"Status {plan.status.value}; {legs_words(plan)}."
            + "".join(f" {what.capitalize()}: {window_text(w)}." for what, w in windows(plan)))
    verdict = ("Replayed against this estate: it holds." if figures.holds else
               "Replayed against this estate: it does NOT hold. " + "; ".join(str(f) for f in figures.findings[:3]))
    if figures.holds and (open_points := [f for f in figures.findings if f.rule == "plan.usage"]):
        verdict += f" {open_points[0]}"
    sheet.write_string(2, 0, verdict, book.format(bold=True, font_color="#006100" if figures.holds else "#9C0006"))
    moves = _moves(capacity, figures)
    heading(book, sheet, 4, "Servers before and after",
            f"Month-end peak: what ran in {show_month(capacity.month)}, summed for the LPARs that are there before and "
            "after the way out; what goes to slower cores uses more of them there (rPerf). Entitled and memory: by the "
            "replay.")
    first = table(book, sheet, 6, _EFFECTS, figures.effects, name="Plan_servers")
    heading(book, sheet, first.last + 2, "Moves")
    second = table(book, sheet, first.last + 3, moves, plan.moves, name="Plan_moves")
    ended(sheet, second.last, moves, _EFFECTS)


def legs_words(plan: Plan) -> str:
    """``2 moves out in 12 min 03 s, 2 moves back in 11 min 40 s``: without the days between them."""
    said = [f"{many(len(plan.leg(leg)), 'move')} {leg} in {show_duration(plan.leg_span_s(leg))}"
            for leg in (OUT, BACK) if plan.leg(leg)]
    return ", ".join(said) or "no moves"


_EFFECTS = (
    Column("Server", lambda e: e.before.server, width=24),
    Column("LPARs before", lambda e: e.before.lpars, "whole", 9),
    Column("LPARs after", lambda e: e.after.lpars, "whole", 9),
    Column("Month-end peak before", lambda e: e.peak_before / 1000, "cores", 22),
    Column("Month-end peak after", lambda e: e.peak_after / 1000, "cores", 22),
    Column("Change", lambda e: (e.peak_after - e.peak_before) / 1000, "cores", 9,
           "[Month-end peak after]-[Month-end peak before]"),
    Column("Entitled before", lambda e: e.before.units / 100, "cores", 10),
    Column("Entitled after", lambda e: e.after.units / 100, "cores", 10),
    Column("Entitled limit", lambda e: e.after.units_limit / 100, "cores", 10),
    Column("GiB before", lambda e: e.before.memory_mib / 1024, "gib", 10),
    Column("GiB after", lambda e: e.after.memory_mib / 1024, "gib", 10),
    Column("GiB limit", lambda e: e.after.memory_limit_mib / 1024, "gib", 10),
)


def _moves(capacity: Capacity, figures: PlanFigures) -> tuple[Column, ...]:
    plan = figures.plan
    peaks = {p.name: p.usage.decisive / 1000 for p in capacity.partitions if p.usage}

    turn: tuple[Column, ...] = (Column("Wave", lambda m: m.wave, "whole", 9),)
    if plan.in_lanes:
        turn = (Column("Number", lambda m: m.number, "whole", 9), Column("Lane", lambda m: m.lane, "whole", 9),
                Column("Waits for", lambda m: numbers(m.waits_for), width=12))
    return (
        Column("LPAR", lambda m: m.lpar, width=24),
        Column("Way", lambda m: m.leg, width=9),
        *turn,
        Column("From", lambda m: m.source, width=22),
        Column("To", lambda m: m.target, width=22),
        Column("Parking", lambda m: "yes" if m.parking else "no", width=9),
        Column("Month-end peak", lambda m: peaks.get(m.lpar), "cores", 10),
        Column("Minutes", lambda m: m.duration_ms / 60000, "tenth", 10),
        Column("Stands still (s)", lambda m: m.suspend_ms / 1000, "tenth", 10),
        Column("Data sent (GB)", lambda m: m.bytes_sent / 1e9, "tenth", 10),
        Column("Source mover", lambda m: m.source_msp, width=12),
        Column("Target mover", lambda m: m.target_msp, width=12),
        Column("When", lambda m: clock_span(plan, m.start_ms, m.end_ms), width=44),
    )
