"""What would make a goal possible, for people: sets of changes, and for each owner a ticket with its commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType

from planner.estate.changes import Repair
from planner.estate.prices import Prices
from planner.grouping import grouped
from planner.jobs.opening import Opened
from planner.jobs.remedy import ChangeSet, Remedied, possible
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.report.seen import Text
from planner.report.text import headline, md, show_total
from planner.units import many

_BOUNDS = ("What is installed and inactive (cores, memory) and what an LPAR's minimum is no estate states: whoever "
           "gets such a ticket looks first.")


def tickets(changes: Sequence[Repair], prices: Prices) -> list[tuple[str, list[Repair]]]:
    """(owner, what is asked of it), by owner."""
    return sorted(grouped((prices.owner(c), c) for c in changes).items())


def directory_of(number: int) -> str:
    """Where the plan of a set goes."""
    return f"set-{number}"


def remedy_document(told: Remedied, prices: Prices) -> dict[str, Any]:
    """All of it as JSON."""
    conflict = told.today.conflict
    return {
        "goal": headline(told.today), "today": {"status": told.today.status, "possible": possible(told.today),
                                                "why": conflict.summary if conflict else _why(told.today)},
        "cheapest": told.cheapest, "none": told.none, "said": list(told.said),
        "sets": [{"price": s.cost, "directory": directory_of(n), "tickets": [
            {"owner": owner, "price": prices.total(tuple(asked)), "changes": [_change_json(c, prices) for c in asked]}
            for owner, asked in tickets(s.changes, prices)], "plan": {
                "status": s.plan.status, "verified": s.plan.verified, "moves": len(s.plan.moves),
                "seconds": round(s.plan.total_s)}} for n, s in enumerate(told.sets, 1)]}


def _change_json(c: Repair, prices: Prices) -> dict[str, Any]:
    return {"kind": c.kind, "subject": c.subject, "what": c.words, "price": prices.cost(c),
            "for_the_window": c.passing, "commands": list(c.commands)}


def _why(plan: Plan) -> str:
    """Why there is no plan, where nothing is proved."""
    return "; ".join(dict.fromkeys(f.message for f in plan.findings if f.rule in ("plan.unknown", "timing.window")))


def remedy_line(told: Remedied) -> str:
    """What was found, in one sentence."""
    if possible(told.today):
        return "It is possible today: nothing has to be changed."
    if not told.sets:
        return ("No set of changes on the price list makes it possible." if told.none else
                "No set of changes was found in the time; that there is none is not proved.")
    first = told.sets[0]
    proof = "no cheaper set on the price list will do" if told.cheapest else "a cheaper set is not excluded"
    verb = "makes" if len(first.changes) == 1 else "make"
    return f"{many(len(first.changes), 'change')} for {first.cost} points {verb} it possible ({proof})."


def _plan_line(s: ChangeSet) -> str:
    back = f", {many(len(s.plan.leg(BACK)), 'move')} back" if s.plan.leg(BACK) else ""
    return f"{many(len(s.plan.leg(OUT)), 'move')} out{back}, {show_total(s.plan)} in all, verified by replay"


def remedy_page(told: Remedied, prices: Prices) -> str:
    """The overview in Markdown."""
    conflict = told.today.conflict
    lines = [f"# What would make it possible: {md(headline(told.today))}", "",
             f"Today: {md(conflict.summary if conflict else _why(told.today) or told.today.status.value)}.", "",
             remedy_line(told), *(f"- {md(x)}" for x in told.said)]
    if len(told.sets) > 1:
        lines += ["", "| set | points | what is given up or done | plan |", "|---|---|---|---|"]
        for n, s in enumerate(told.sets, 1):
            lines.append(f"| [{directory_of(n)}]({directory_of(n)}/tickets.md) | {s.cost} | "
                         f"{md('; '.join(c.words for c in s.changes))} | {_plan_line(s)} |")
    for n, s in enumerate(told.sets[:1], 1):
        lines += ["", f"## {directory_of(n).capitalize()}: {s.cost} points", "", f"The plan then: {_plan_line(s)}.",
                  "", *_ticket_lines(s.changes, prices, "###")]
    return "\n".join([*lines, "", _BOUNDS, ""] if told.sets else [*lines, ""])


def tickets_page(told: Remedied, number: int, prices: Prices) -> str:
    """The tickets of one set in Markdown."""
    s = told.sets[number - 1]
    return "\n".join([f"# Tickets, so that it is possible: {md(headline(told.today))}", "",
                      f"{s.cost} points. The plan then: {_plan_line(s)}; it holds on estate.json, the estate after "
                      "these changes.", "", *_ticket_lines(s.changes, prices, "##"), _BOUNDS, ""])


def _ticket_lines(changes: Sequence[Repair], prices: Prices, level: str) -> Iterator[str]:
    for owner, asked in tickets(changes, prices):
        yield f"{level} {md(owner.capitalize())}: {prices.total(tuple(asked))} points"
        yield ""
        for c in asked:
            yield f"- [ ] {md(c.words)} ({prices.cost(c)})" + ("; undone after the window" if c.passing else "")
            if c.commands:
                yield from ("", "      " + "\n      ".join(c.commands), "")
        yield ""


def remedy_view(told: Remedied, prices: Prices) -> RenderableType:
    """On one screen of the terminal."""
    conflict = told.today.conflict
    why = conflict.summary if conflict else _why(told.today)
    parts: list[RenderableType] = [Text(headline(told.today), "bold")]
    if why:
        parts.append(Text(f"today: {why}", "red"))
    parts.append(Text(remedy_line(told), "green" if told.sets or possible(told.today) else "red"))
    parts += [Text(x, "dim") for x in told.said]
    for n, s in enumerate(told.sets, 1):
        parts.append(Text(f"\n{directory_of(n)}: {s.cost} points; {_plan_line(s)}", "bold"))
        for owner, asked in tickets(s.changes, prices):
            parts += [Text(f"  {owner:<12} {c.words} ({prices.cost(c)})") for c in asked]
    return Group(*parts)


def opened_line(told: Opened, budget: int | None) -> str:
    """How many servers can be freed today, and how many more for how much."""
    within = "" if budget is None else f" of a budget of {budget}"
    proof = "no cheaper set on the price list does this" if told.cheapest else "a cheaper set is not excluded"
    alone = f"; one by one the goals cost {told.alone}" if budget is None and told.alone > told.cost else ""
    return (f"{many(len(told.today), 'server')} can be freed today; {told.cost} points{within} open "
            f"{len(told.sets)} more ({proof}{alone}).")


def _windows(told: Opened) -> Iterator[tuple[str, str]]:
    """(server, what its window takes)."""
    for s in told.today:
        yield s, "today"
    for s, found in told.sets.items():
        own = "; ".join(c.words for c in found.changes) or "with what lasts alone"
        yield s, f"{own} ({found.cost}); {_plan_line(found)}"
    for s, why in told.closed.items():
        yield s, f"not opened: {why}"


def opened_document(told: Opened, prices: Prices, budget: int | None) -> dict[str, Any]:
    """All of it as JSON."""
    return {"budget": budget, "today": list(told.today), "price": told.cost, "one_by_one": told.alone,
            "cheapest": told.cheapest, "closed": told.closed,
            "once": [{"owner": owner, "changes": [_change_json(c, prices) for c in asked]}
                     for owner, asked in tickets(told.lasting, prices)],
            "windows": {s: {"price": found.cost, "directory": f"window-{s}", "verified": found.plan.verified,
                            "changes": [_change_json(c, prices) for c in found.changes]}
                        for s, found in told.sets.items()}}


def opened_page(told: Opened, prices: Prices, budget: int | None) -> str:
    """In Markdown."""
    lines = ["# What opens every server", "", opened_line(told, budget), "", "| server | its window |", "|---|---|",
             *(f"| {md(s)} | {md(what)} |" for s, what in _windows(told)), "", "## Once, for all", ""]
    return "\n".join([*lines, *(_ticket_lines(told.lasting, prices, "###") if told.lasting else ("nothing", "")),
                      _BOUNDS, ""])


def opened_view(told: Opened, prices: Prices, budget: int | None) -> RenderableType:
    """On the terminal."""
    parts = [Text(opened_line(told, budget), "bold")]
    for owner, asked in tickets(told.lasting, prices):
        parts += [Text(f"once  {owner:<12} {c.words} ({prices.cost(c)})") for c in asked]
    return Group(*parts, *(Text(f"{s}: {what}") for s, what in _windows(told)))
