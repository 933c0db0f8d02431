"""The page for what fails: stop, then recover, once for each server; and what then, case by case."""

from __future__ import annotations

from collections.abc import Iterator

from planner.names import command
from planner.plan.plan import Plan
from planner.report.commands import consoles_for, migrlpar
from planner.report.markdown import in_cell, table
from planner.report.runbook_steps import sole_console
from planner.report.text import md
from planner.rules import Site

_LPAR = "LPAR"
"""Stands for the name in a command."""


def recovery(plan: Plan, site: Site) -> Iterator[str]:
    """The whole page."""
    yield "## If something fails\n"
    if plan.moves:
        yield ("A move **hangs or fails half-way** (no byte more for minutes, or *stop at* is reached): three steps in "
               f"this order, at the console of its source; {_LPAR} is the name as it stands after `-p` in its command, "
               "quotes included. It is never on both servers for good.\n")
        rows = dict.fromkeys(_steps(plan, site))
        yield from table(("It moves", "Console", "1. See how far it is", "2. Stop it", "3. Recover it"), list(rows))
        yield ("Stopped: `lslparmigr` says `Not Migrating`. Recovered: exactly `Running` on one server, not listed on "
               "the other. Then the queries of its section, before anything else.\n")
    yield from table(("What has happened", "What then"), _cases(plan, site))


def _steps(plan: Plan, site: Site) -> Iterator[tuple[str, ...]]:
    alone = bool(sole_console(site))
    for m in plan.moves:
        console = consoles_for(site, m.source, m.target)[0]
        stop, recover = (migrlpar(m, site, step, name=_LPAR) for step in "sr")
        far = command("lslparmigr", "-r", "lpar", "-m", m.source, "--filter", f"lpar_names={_LPAR}")
        to = f" to {md(m.target)}" * ("--ip" in recover)
        yield (f"from {md(m.source)}{to}", "" if alone else md(console), in_cell(far), in_cell(stop), in_cell(recover))


def _cases(plan: Plan, site: Site) -> Iterator[tuple[str, str]]:
    if plan.in_lanes:
        yield ("A validation fails", "Do not move that LPAR. Nothing has changed; those whose *start when* names it "
               "are held back, all others go on.")
        yield ("A move has failed, or runs where it was", "Hold back the moves that its row names, and what comes "
               "after these in their lanes or waits for them: they may need what it was to leave. All others go on. "
               "Once more, if the reason is plain and its *latest* has not passed. Planned anew from a fresh export, "
               "more of them may.")
    elif plan.moves:
        yield ("A validation fails", "Do not move that LPAR. Nothing has changed; moves of later waves that do not "
               "need its room may go on, otherwise stop here: between two waves everything runs.")
    if plan.moves:
        yield ("A mover or VIOS is lost", "Begin no move; let those under way end, or stop and recover them. LPARs go "
               "on over their other VIOS, where they have one.")
        sources = dict.fromkeys(m.source for m in plan.moves)
        under_way = (in_cell(command("lslparmigr", "-r", "lpar", "-m", s)) for s in sources)
        yield ("A session or the console is lost", "Do not take its moves for failed: log in again and see what is "
               f"under way, before anything else: {', '.join(under_way)}")
        yield ("It is to end for tonight", "Begin no move. Whenever nothing is in flight all LPARs run, wherever they "
               "are then: at any such moment it can be left at that.")
    yield ("Half-way and no further", "The LPARs that have moved stay where they are and run. From a fresh export "
           "`planner resume PLAN ESTATE --back` plans their way home, `--on` the rest.")
