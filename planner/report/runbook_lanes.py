"""The ways of a plan in lanes: all moves in one table, a section for each lane, and what is checked when all are
through."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.findings import assumed
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.plan.questions import Consolidate, Headroom
from planner.report.checklists import PERMANENT
from planner.report.commands import consoles_for, migrlpar, vnic_lines
from planner.report.runbook_steps import (
    arrivals,
    items,
    lists_named,
    move_cells,
    move_lines,
    on_consoles,
    sole_console,
)
from planner.report.site_checks import AFTER_A_WAVE
from planner.report.text import md
from planner.report.turns import Turns, about, about_span, must_begin_ms, numbers, start_order
from planner.rules import Site
from planner.units import many, show_duration, show_minutes, some

_WAY = {OUT: "Way out", BACK: "Way back"}


def way_in_lanes(plan: Plan, site: Site, leg: str, ids: dict[str, int | None]) -> Iterator[str]:
    """One way: its table, its lanes, its end. ``ids``: what each LPAR's partition id is before it; kept up."""
    own = _own_ids(plan, leg, ids)
    turns, gated = Turns(plan), {f.subject for f in assumed(plan.findings)} if leg == OUT else set()
    yield from _table(plan, site, leg, own)
    for lane, moves in plan.lanes(leg):
        zone = f", {md(plan.window.zone)}" if plan.window is not None and plan.window.zone else ""
        yield (f"### {_WAY[leg]}, lane {lane}: {many(len(moves), 'move')}, about {about_span(plan, moves)}{zone}\n")
        for m in moves:
            yield from _move(turns, site, m, own[m.number], gated=m.lpar in gated)
    yield from _through(plan, site, leg)


def _own_ids(plan: Plan, leg: str, ids: dict[str, int | None]) -> dict[int, int | None]:
    """Number of each move → the LPAR's partition id until then."""
    own = {}
    for m in start_order(plan, leg):
        own[m.number] = ids.get(m.lpar)
        ids[m.lpar] = m.target_id
    return own


def _table(plan: Plan, site: Site, leg: str, own: dict[int, int | None]) -> Iterator[str]:
    yield ("In the order in which they are predicted to start; the clock is a prediction, what counts is who waits for "
           "whom:\n")
    yield ("| no. | lane | about | waits for | LPAR | from | to | id | cores | GiB | disks | minutes | stands still "
           "| movers |")
    yield "|---:|---:|---|---|---|---|---|---|---:|---:|---:|---:|---:|---|"
    for m in start_order(plan, leg):
        cells = (m.number, m.lane, about(plan, m.start_ms), numbers(m.waits_for), *move_cells(site, m, own[m.number]))
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""


def _move(turns: Turns, site: Site, m: Move, own_id: int | None, *, gated: bool) -> Iterator[str]:
    plan = turns.plan
    yield (f"#### {m.number}. {md(m.lpar)} to {md(m.target)}: about {about(plan, m.start_ms)}, "
           f"{show_duration(m.duration_ms / 1000)}\n")
    yield from _start(turns, m)
    before = f"Is `Not Activated` on {md(m.source)}" if m.inactive else f"Before, lists {lists_named(site, m)}"
    yield f"- [ ] {before}{'; its gates are settled' * gated}"
    yield from (f"  - {md(line)}" for line in vnic_lines(m, site))
    yield ""
    yield from on_consoles(site, [*move_lines(site, [m], "m", {m.lpar: own_id}), *arrivals(site, [m])])
    final = f". {PERMANENT.text}" if m.leg == OUT and not m.parking and not plan.leg(BACK) else ""
    state, after = ("Not Activated", "its profiles are there") if m.inactive else (
        "Running", f"after, lists {lists_named(site, m)}")
    yield f"- [ ] Arrived: exactly `{state}` on {md(m.target)}, not listed on {md(m.source)}; {after}{final}"
    at = "" if sole_console(site) else f" on console {md(consoles_for(site, m.source, m.target)[0])}"
    stop, recover = (inline(migrlpar(m, site, step)) for step in "sr")
    held = some((f"{x.number} {md(x.lpar)}" for x in turns.held_back(m)), 6)
    yield f"- Only if it hangs{at}: stop {stop}, then recover {recover}" + (
        f". If it fails, hold back {held}" if held else "") + "\n"


def _start(turns: Turns, m: Move) -> Iterator[str]:
    """When it may start: one thing in the same line, several below."""
    needs = turns.needs(m)
    first = "the lead says go" if m.leg == OUT else f"{_between(turns.plan)[1]} and the lead says go"
    if len(needs) > 1:
        yield "- [ ] May start when"
        yield from (f"  - {md(need)}" for need in needs)
    else:
        yield f"- [ ] May start when {md(needs[0] if needs else first)}"
    if m.latest_ms is not None:
        yield (f"- Not after {about(turns.plan, m.latest_ms)}: begun later it may run into a time in which it must not "
               "move")


def _between(plan: Plan) -> tuple[str, str]:
    """What is decided upon when the way out is through, and what is so before the way back begins."""
    match plan.goal:
        case Headroom():
            return "the headroom", "the headroom is not needed any more"
        case Consolidate():
            return "switching off", "all servers are on again, their VIOSes too,"
        case _:
            return "the work", "the work is over"


def _through(plan: Plan, site: Site, leg: str) -> Iterator[str]:
    """What is looked at when all lanes of a way are through, and what is then decided."""
    moves = start_order(plan, leg)
    yield f"### {_WAY[leg]}: when all lanes are through\n"
    yield (f"- [ ] Moves {moves[0].number} to {moves[-1].number} have arrived; one that has not is written down with "
           "where it runs")
    yield from items(AFTER_A_WAVE)
    if leg == OUT and plan.leg(BACK):
        yield (f"- [ ] **Go or no-go** for {_between(plan)[0]}, by the lead: go only if all of them have arrived; else "
               "those that have arrived stay and run, or take the way back")
        if (last := must_begin_ms(plan)) is not None:
            work = f"; the work takes {show_minutes(plan.work_s)}" if plan.work_s else ""
            yield (f"- The way back, about {show_minutes(plan.leg_span_s(BACK))}, must begin by {about(plan, last)} to "
                   f"be over by the end of the window{work}")
    yield ""


def inline(text: str) -> str:
    """A command within a line of Markdown, whatever is in its names."""
    ticks = max(map(len, re.findall("`+", text)), default=0)
    return f"{'`' * (ticks + 1)}{' ' * (ticks > 0)}{text}{' ' * (ticks > 0)}{'`' * (ticks + 1)}"
