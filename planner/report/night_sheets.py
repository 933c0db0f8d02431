"""Sheets of plan.xlsx for the night itself: the moves to scale, each way with what became of it, each LPAR's tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from planner.estate.model import Estate
from planner.estate.policies import owners
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.report.checklists import lists_for
from planner.report.decisions import decisions, spreads
from planner.report.turns import about, middle, must_begin_ms, numbers, start_order
from planner.sheets import COLOURS, Column, ended, heading, note, printed, table, widths
from planner.xlsx import ACCENT, Book

_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)
_SLOTS = 76
"""Columns of time at most: with more of them what is printed is less than 7 points high."""
_WORTH = 2
"""The window's end is drawn where it is not so many times as far as the last move's."""
_MARKS = {"R": "the way back begins by then, or not at all", "|": "window's end"}
_TIMES = 4
"""Columns before them."""
MOVE_STATES = ("begun", "arrived", "failed", "recovered", "left where it is")
TASK_STATES = ("ok", "n/a", "!")
_NAMED = 6
"""LPARs that a decision names; all of them stand below."""
_FILLED = 400
"""Moves from which on no chart of them is readable: the sheets that list them remain."""


def night_sheets(book: Book, plan: Plan, estate: Estate) -> None:
    """Decisions, Gantt, way out, way back, tasks: of a plan in which something moves."""
    if not plan.moves:
        return
    whose = owners(estate)
    _decisions(book, plan, whose)
    if len(plan.moves) <= _FILLED and plan.back_from_s is None:
        _gantt(book, plan)
    for leg, name in ((OUT, "Way out"), (BACK, "Way back")):
        if plan.leg(leg):
            at = middle(plan, plan.leg(leg))
            _way(book, plan, name, whose, sorted(start_order(plan, leg), key=lambda m: at[m]))
    _tasks(book, plan, estate, whose)


def _decisions(book: Book, plan: Plan, whose: Mapping[str, str]) -> None:
    """What is decided until when, with cells for what was."""
    sheet = book.sheet("Decisions")
    columns = (Column("When", lambda d: d.moment, "wrap", 24),
               Column("What", lambda d: f"{d.name}: {d.told(_NAMED)}", "wrap", 50),
               Column("Yes, if", lambda d: d.yes_if, "wrap", 40),
               Column("Otherwise", lambda d: d.otherwise, "wrap", 40),
               *_blank(("Decided", 11), ("By", 12)))
    heading(book, sheet, 0, "Decisions of the evening")
    top = 2
    for top, line in enumerate(spreads(plan), 2):
        note(book, sheet, top - 1, line)
    written = table(book, sheet, top, columns, decisions(plan, whose), height=None)
    _choices(sheet, written.range("Decided"), ("yes", "no"))
    last = written.last
    for d in decisions(plan, whose):
        if len(d.names) > _NAMED:
            heading(book, sheet, last + 2, d.name, f"All {len(d.names)}: {d.what}.")
            rows = [*enumerate(d.names, 1)]
            last = table(book, sheet, last + 5, (Column("Order", itemgetter(0), "text", 24),
                                                 Column("LPAR", itemgetter(1), "text", 50)), rows, height=None).last
    ended(sheet, last, columns, freeze=(top + 1, 1), repeat=top)


def _gantt(book: Book, plan: Plan) -> None:
    """A row a move, a column a slot of time: dark while it runs in half of the nights, pale until it is over in 9 of
    10."""
    at, over = middle(plan), {r.number: r.over_ms for r in plan.evening.moves} if plan.evening else {}
    last = max(*(m.end_ms for m in plan.moves), *over.values(), 0)
    end = 0 if plan.window is None else plan.window.length_s * 1000 + 1
    last = max(last, end) if end <= _WORTH * last else last
    step = next((s * 60_000 for s in _STEPS_MIN if last <= s * 60_000 * _SLOTS), _STEPS_MIN[-1] * 60_000)
    slots = -(-last // step)
    sheet, marks = book.sheet("Gantt"), _marks(plan, step, slots)
    columns = (*(Column(name, itemgetter(0), width=width) for name, width in (
        ("No.", 5), ("Lane" if plan.in_lanes else "Wave", 6), ("LPAR", 14), ("To", 20))),
        *(Column("", itemgetter(0), width=1.6),) * slots)
    heading(book, sheet, 0, "The night to scale", f"A column is {step // 60_000} min. Dark: in half of the nights; "
            "pale: until it is over in 9 nights of 10" + "".join(
                f"; {letter}: {_MARKS[letter]}" for letter in sorted({*marks.values()})) + ".", columns)
    book.row(sheet, 3, [c.header for c in columns[:_TIMES]], book.header)
    _clock_row(book, sheet, plan, step, slots)
    row = 4
    for leg in (OUT, BACK):
        for m in sorted(plan.leg(leg), key=lambda m: (m.lane if plan.in_lanes else m.wave, at[m], m.lpar)):
            book.row(sheet, row, (m.number, m.lane if plan.in_lanes else m.wave, m.lpar, m.target), book.format(
                align="left"))
            _bar(book, sheet, row, m, (*at[m], over.get(m.number, m.end_ms)), step=step, slots=slots,
                 marks=marks)
            row += 1
    for place, column in enumerate(columns):
        sheet.set_column(place, place, column.width)
    sheet.freeze_panes(4, 3)
    printed(sheet, row - 1, _TIMES + slots - 1, 3)


def _clock_row(book: Book, sheet: Any, plan: Plan, step: int, slots: int) -> None:
    """Clock times over the slots that they begin, each over as many columns as it needs; a day once."""
    each, day = max(4, slots // 12), ""
    for first in range(0, slots, each):
        end = min(first + each, slots) - 1
        text = about(plan, first * step)
        own = text.rpartition(" ")[0] if plan.window else ""
        if end - first >= 3:
            sheet.merge_range(3, _TIMES + first, 3, _TIMES + end, text if own != day else text.removeprefix(f"{own} "),
                              book.header)
        day = own


def _marks(plan: Plan, step: int, slots: int) -> dict[int, str]:
    """Slot → the letter of what falls into it."""
    end = plan.window.length_s * 1000 if plan.window else None
    moments = ((end, "|"), (must_begin_ms(plan), "R"))
    return {ms // step: letter for ms, letter in moments if ms is not None and 0 <= ms // step < slots}


def _bar(book: Book, sheet: Any, row: int, m: Move, times: tuple[int, int, int], *, step: int, slots: int,
         marks: dict[int, str]) -> None:
    dark, pale = (COLOURS["navy"], "#BDD7EE") if m.leg == OUT else ("#548235", "#C6E0B4")
    start, end, over = times
    first, last, late = start // step, max(end - 1, start) // step, max(over - 1, 0) // step
    for slot in range(slots):
        colour = dark if first <= slot <= last else pale if last < slot <= late else None
        letter = marks.get(slot, "")
        if colour or letter:
            ink = "#FFFFFF" if colour == dark else "#C00000"
            look = {"font_color": ink, "align": "center", "font_size": 8} | ({"bg_color": colour} if colour else {})
            book.write(sheet, row, _TIMES + slot, letter or None, book.format(**look))


def _way(book: Book, plan: Plan, name: str, whose: Mapping[str, str], moves: Sequence[Move]) -> None:
    """One way in the order of its starts, with cells for what became of each move."""
    sheet, at = book.sheet(name), middle(plan)
    heading(book, sheet, 0, name, "In the order in which they begin. A move starts when the one before it in its "
            "lane is over and those that it waits for have arrived." if plan.in_lanes else
            "A wave begins when all of the one before it are over.")
    columns = (
        Column("No.", lambda m: m.number, "id", 5),
        Column("Lane" if plan.in_lanes else "Wave", lambda m: m.lane if plan.in_lanes else m.wave, "id", 6),
        Column("About", lambda m: about(plan, at[m][0]), "text", 11 if plan.back_from_s is None else 22),
        Column("LPAR", lambda m: m.lpar, "bold", 16),
        *(Column("Ask", lambda m: whose.get(m.lpar, ""), "wrap", 16),) * any(m.lpar in whose for m in moves),
        Column("From", lambda m: m.source, "text", 21), Column("To", lambda m: m.target, "text", 21),
        Column("Waits for", lambda m: numbers(m.waits_for), "text", 10),
        Column("Minutes", lambda m: m.duration_ms / 60_000, "tenth", 9),
        *_blank(("State", 15), ("Begun at", 10), ("Over at", 10), ("By", 12), ("Note", 30)))
    written = table(book, sheet, 3, columns, moves, height=None, filters=True)
    _choices(sheet, written.range("State"), MOVE_STATES)
    widths(sheet, columns)
    sheet.freeze_panes(4, 4)
    printed(sheet, written.last, len(columns) - 1, 3)


class _Task(NamedTuple):
    """One task, before or after a move, and the LPARs that it is for."""

    of: str
    when: str
    text: str
    command: str
    lpars: frozenset[str]


def _tasks(book: Book, plan: Plan, estate: Estate, whose: Mapping[str, str]) -> None:
    """What is done on each LPAR before and after its move: a row a task, a column an LPAR."""
    by_name = {p.name: p for p in estate.lpars}
    live = sorted({m.lpar for m in plan.moves if not m.inactive})
    tasks = [_Task(one.key, when, item.text, item.command, frozenset(n for n in live if one.applies(by_name[n])))
             for when in ("before", "after") for one in lists_for(by_name[n] for n in live)
             for item in (one.before if when == "before" else one.after)]
    if not tasks:
        return
    sheet = book.sheet("Tasks")
    columns = (Column("List", lambda t: t.of, "text", 10), Column("When", lambda t: t.when, "text", 8),
               Column("Task", lambda t: t.text, "wrap", 64),
               Column("Command", lambda t: t.command, "wrap", 36))
    heading(book, sheet, 0, "Tasks on the LPARs", "Before and after each move of an LPAR; grey: not for this one.")
    written = table(book, sheet, 3, columns, tasks, height=90)
    last = len(columns) + len(live) - 1
    upright = book.format(bold=True, font_color="#FFFFFF", bg_color=ACCENT, rotation=90, align="center",
                          valign="bottom", border=1, border_color="#BFBFBF")
    book.row(sheet, 3, [f"{n} ({whose[n]})" if n in whose else n for n in live], upright, len(columns))
    ticked, grey = book.format(border=1, border_color="#BFBFBF", align="center", valign="vcenter"), book.format(
        bg_color="#D9D9D9", border=1, border_color="#BFBFBF")
    for row, task in enumerate(tasks, written.top + 1):
        for at, name in enumerate(live, len(columns)):
            book.write(sheet, row, at, None, ticked if name in task.lpars else grey)
    sheet.data_validation(written.top + 1, len(columns), written.last, last, {
        "validate": "list", "source": list(TASK_STATES), "ignore_blank": True})
    widths(sheet, columns)
    sheet.set_column(len(columns), last, 4)
    sheet.freeze_panes(4, len(columns))
    printed(sheet, written.last, last, 3, wide=-(-len(live) // _LPARS_WIDE))


_LPARS_WIDE = 30
"""LPARs beside each other on a page."""


def _blank(*headers: tuple[str, float]) -> tuple[Column, ...]:
    """Columns that people fill."""
    return tuple(Column(name, lambda _: None, "wrap", width) for name, width in headers)


def _choices(sheet: Any, cells: str, states: Sequence[str]) -> None:
    sheet.data_validation(cells, {"validate": "list", "source": list(states), "ignore_blank": True})
