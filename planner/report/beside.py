"""Other plans beside the first one: side by side on the terminal, on pages and in workbooks, each as a directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType

from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import dump
from planner.jobs.alternatives import Beside, Traits
from planner.plan.plan import Plan
from planner.report.output import within
from planner.report.plan_files import plan_files
from planner.report.seen import Text
from planner.report.tables import listing
from planner.sheets import Column, ended, heading, note, table
from planner.xlsx import Book


class PlanRow(NamedTuple):
    """The first plan, another one (``directory`` within that of the first), or one that there is not (``traits``
    None). ``of``: what it is of, where there are several; ``told``: what it gives up, or why there is none."""

    of: str
    name: str
    directory: str
    best: str
    traits: Traits | None
    told: str


class Figure(NamedTuple):
    """What people choose by: how it is called, and of which traits it is; ``unit``: behind the figure."""

    name: str
    value: Callable[[Traits], float]
    unit: str = ""


EXPLAINED = (
    "Others: LPARs that move from servers that the question is not about. Headroom left: the least share of its cores, "
    "or of its memory, that a server which holds more than before has free then. Minutes: in 9 nights of 10; restarts "
    "come after.")
_FRONT = "Least headroom left on a server that takes LPARs in, and its cost"


def beside_files(beside: Beside, estate: Estate) -> dict[str, dict[str, bytes]]:
    """Directory → its files."""
    return {a.directory: plan_files(a.plan, estate) for a in beside.alternatives if a.plan and a.directory}


def directory_files(plan: Plan, estate: Estate, beside: Beside | None) -> dict[str, bytes]:
    """The files of one plan of several, with the estate in which it begins, and with the other plans beside it, each in
    a directory within."""
    held = plan_files(plan, estate) | {"estate.json": dump(Loaded(estate)).encode()}
    return held | within(beside_files(beside, estate) if beside else {})


def plan_rows(beside: Beside, of: str = "") -> list[PlanRow]:
    """The first plan, the others, and those that there are not."""
    return [PlanRow(of, "the first", "", "", beside.first, ""), *(
        PlanRow(of, a.directory or "none", a.directory or "", a.best, a.traits, a.instead or ", ".join(a.gives_up))
        for a in beside.alternatives)]


def figures(rows: Sequence[PlanRow]) -> list[Figure]:
    """Those that are told of these plans: restarts and servers that go off where there are any."""
    known = [r.traits for r in rows if r.traits is not None]
    units = sorted({t.unit for t in known})
    return [Figure("moves", lambda t: t.moves),
            *[Figure("restarts", lambda t: t.restarts)] * any(t.restarts for t in known),
            Figure("others", lambda t: t.others), Figure("production", lambda t: t.production),
            Figure("headroom left", lambda t: t.headroom_percent, " %"), Figure("minutes", lambda t: t.minutes),
            Figure(f"cost ({', '.join(units)})", lambda t: t.cost),
            *[Figure("off", lambda t: t.off)] * any(t.off for t in known)]


def front_line(beside: Beside) -> str:
    """``…: 5 % for 8,812 → 20 % for 9,100``; "" of one point."""
    points = [f"{p.headroom_percent} % for {p.cost:,.0f}" for p in beside.front]
    return f"{_FRONT}: {' → '.join(points)}" if len(points) > 1 else ""


def _cells(row: PlanRow, told: Sequence[Figure]) -> list[str]:
    return ["" if row.traits is None else f"{f.value(row.traits):,.0f}{f.unit}" for f in told]


def beside_view(beside: Beside, title: str = "Other plans") -> RenderableType:
    """A row for each plan, what it gives up, and the front."""
    rows = plan_rows(beside)
    told = figures(rows)
    view = listing(Text(f"\n{title}"), ("plan",), [f.name for f in told])
    for row in rows:
        if row.traits is not None:
            view.add_row(Text(row.name), *_cells(row, told))
    lines = [f"  {r.name}: {r.best}; for that {r.told}" if r.traits else f"  {r.best}: {r.told}" for r in rows[1:]]
    line = front_line(beside)
    return Group(view, *map(Text, lines + [f"  {line[:1].lower()}{line[1:]}"] * bool(line)))


class BesideTable(NamedTuple):
    """The same for a page: headers of figures, rows with their figures as they are shown, and the front."""

    headers: list[str]
    rows: list[tuple[PlanRow, list[str]]]
    front: str
    explained: str = EXPLAINED


def beside_table(beside: Beside) -> BesideTable:
    """What a page shows of other plans (``beside.html.j2``)."""
    rows = plan_rows(beside)
    told = figures(rows)
    line = front_line(beside)
    return BesideTable([f.name for f in told], [(row, _cells(row, told)) for row in rows],
                       line and f"{line}.")


def beside_columns(rows: Sequence[PlanRow]) -> tuple[Column[PlanRow], ...]:
    """Of a table of these plans."""
    return (Column("Plan", lambda r: r.name, "text", 15), *map(_column, figures(rows)),
            Column("Best in", lambda r: r.best, "wrap", 28),
            Column("For that, or why there is none", lambda r: r.told, "wrap", 48))


def beside_sheet(book: Book, what: str, every: Sequence[tuple[str, Beside]]) -> None:
    """The sheet of other plans, of all that have any (``what`` they are, each by its name); none where none has."""
    rows = [row for name, beside in every for row in plan_rows(beside, name)]
    if not rows:
        return
    columns: tuple[Column[PlanRow], ...] = (Column(what, lambda r: r.of, "wrap", 24), *beside_columns(rows))
    sheet = book.sheet("Other plans")
    heading(book, sheet, 0, "Other plans for the same, side by side", EXPLAINED, columns)
    written = table(book, sheet, 3, columns, rows)
    fronts = [f"{name}: {line[:1].lower()}{line[1:]}" for name, beside in every if (line := front_line(beside))]
    for row, text in enumerate(fronts, written.last + 2):
        note(book, sheet, row, text, columns)
    ended(sheet, written.last + len(fronts) + 2, columns, freeze=(4, 0), repeat=3)


def _column(figure: Figure) -> Column[PlanRow]:
    unit = f" ({figure.unit.strip()})" if figure.unit else ""
    return Column(f"{figure.name[0].upper()}{figure.name[1:]}{unit}",
                  lambda row: None if row.traits is None else figure.value(row.traits), "exact", 11)
