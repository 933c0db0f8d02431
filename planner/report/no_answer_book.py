"""plan.xlsx of an answer without a plan: what was asked, what stands in its way, who refuses whom, what lifts it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from planner.plan.choices import Status
from planner.plan.details import Conflict, WhyNot, told_once
from planner.plan.plan import Plan
from planner.report.text import headline, impossible_word, lift_lines, seen_first
from planner.report.workbook import findings_by_kind
from planner.sheets import Column, ended, heading, table
from planner.units import show_cores, show_gib, some
from planner.xlsx import Book, open_book


def no_answer_book(plan: Plan, mark: str) -> bytes:
    """The workbook; the same plan gives the same bytes. ``mark``: which plan it was made from."""
    buffer = io.BytesIO()
    with open_book(buffer, f"No plan: {headline(plan)}", mark=mark) as book:
        _answer(book, plan)
        if plan.conflict is not None:
            _refusals(book, plan.conflict)
        findings_by_kind(book, plan.findings)
    return buffer.getvalue()


def _answer(book: Book, plan: Plan) -> None:
    """What was asked and what the answer is, a row each."""
    sheet = book.sheet("Answer")
    columns = (Column("What", lambda r: r[0], "bold", 26), Column("Answer", lambda r: r[1], "wrap", 110))
    heading(book, sheet, 0, "No plan")
    written = table(book, sheet, 2, columns, [*_rows(plan)], height=None)
    ended(sheet, written.last, columns, freeze=(3, 0), repeat=2)


def _rows(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "Asked", headline(plan)
    yield from (("Not looked at", line) for line in seen_first(plan))
    conflict = plan.conflict
    if conflict is None:
        yield "Answer", ("its own plan failed its replay" if plan.moves and not plan.verified else
                         "IMPOSSIBLE (proved)" if plan.status is Status.INFEASIBLE else
                         "UNKNOWN: no answer in the time there was (--time-limit gives more)")
        return
    yield "Answer", f"{impossible_word(bool(conflict.unstated))}: {conflict.summary}"
    yield from (("To be exported", line) for line in conflict.unstated)
    yield from ((what, ", ".join(names)) for what, names in (
        ("LPARs", conflict.lpars), ("Servers", conflict.servers), ("Rules", conflict.rules)) if names)
    yield from (("Lacks at least", f"{server}: {show_cores(units)} cores, {show_gib(mib)} GiB")
                for server, (units, mib) in conflict.shortfall.items())
    yield from (("What would lift it", line.removeprefix("would lift it: ")) for line in lift_lines(conflict.lifts))
    yield "The cheapest changes", "planner remedy asks for them, with tickets for their owners and the plan after them"


class _Kept(NamedTuple):
    """Why an LPAR may not go to servers."""

    lpar: str
    why: WhyNot
    servers: tuple[str, ...]


def _refusals(book: Book, conflict: Conflict) -> None:
    rows = [_Kept(name, why, servers) for name, by_server in conflict.refusals.items()
            for why, servers in told_once(by_server)]
    if not rows:
        return
    sheet: Any = book.sheet("Refusals")
    columns = (Column("LPAR", lambda r: r.lpar, "bold", 18),
               Column("To", lambda r: some(filter(None, r.servers)), "wrap", 26),
               Column("Reason", lambda r: r.why.message, "wrap", 56),
               Column("What would mend it", lambda r: r.why.fix, "wrap", 44),
               Column("Rule", lambda r: r.why.rule, "text", 24))
    heading(book, sheet, 0, "Who may go nowhere, and why")
    written = table(book, sheet, 2, columns, rows, height=None, filters=True)
    ended(sheet, written.last, columns, freeze=(3, 1), repeat=2)
