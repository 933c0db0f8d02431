"""plan.xlsx: summary, moves by lane or wave, servers before and after with a chart, findings, assumptions."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from planner.estate.model import Estate, Lpar
from planner.findings import Finding
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, ServerState
from planner.report.answer import verdict
from planner.report.energy import energy_sheet
from planner.report.enterprise import enterprise_sheet
from planner.report.finding_kinds import by_kind
from planner.report.headroom import headroom_sheet
from planner.report.licences import licences_sheet
from planner.report.night_sheets import night_sheets
from planner.report.text import (
    alike,
    assumed_lines,
    capital,
    clock_span,
    fit,
    headline,
    pause,
    peak_words,
    seen_first,
    show_total,
    unit_of,
    window_text,
    windows,
)
from planner.report.turns import about, about_length, about_span, middle, numbers, reasons, start_order
from planner.sheets import Column, bars, chart_base, findings_sheet, paragraphs, printed, table, widths
from planner.units import cores, gib, show_duration
from planner.xlsx import Book, open_book


def plan_workbook(plan: Plan, estate: Estate, mark: str = "") -> bytes:
    """The plan as an .xlsx file; the same plan gives the same bytes. ``mark``: stands in its properties."""
    buffer = io.BytesIO()
    with open_book(buffer, f"Plan: {headline(plan)}", mark) as book:
        _summary(book, plan)
        _moves(book, plan, estate)
        if plan.in_lanes:
            _lanes(book, plan)
        night_sheets(book, plan, estate)
        _servers(book, plan)
        if plan.energy:
            energy_sheet(book, plan)
        headroom_sheet(book, plan)
        licences_sheet(book, plan, estate)
        enterprise_sheet(book, plan)
        findings_by_kind(book, plan.findings)
        _assumptions(book, plan)
    return buffer.getvalue()


def findings_by_kind(book: Book, findings: Sequence[Finding], named: str = "") -> None:
    """What is to be settled, decided, expected and known, a row a kind, as a table of that name; each finding apart
    where that is more."""
    rows = by_kind(findings)
    findings_sheet(book, rows, itemgetter(1), before=(Column("Kind", itemgetter(0), "text", 9),), named=named)
    if len(rows) < len(every := alike(findings)):
        findings_sheet(book, every, name="All findings")


def _summary(book: Book, plan: Plan) -> None:
    sheet = book.sheet("Summary")
    for at, width in enumerate(_WIDE):
        sheet.set_column(at, at, width)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, f"Plan: {headline(plan)}", book.title)
    number = book.format(num_format="#,##0.0", align="left")
    percent = book.format(num_format="0.00 %", align="left")
    left = book.format(align="left")
    answer = verdict(plan)
    rows: list[tuple[str, object, object]] = [
        *(("Not looked at", line, book.warn) for line in seen_first(plan)),
        ("Answer", f"{answer.word}: {answer.sentence}", book.good if answer.good else book.bad),
        ("Status", plan.status.value, book.good if plan.status.value == "optimal" else book.warn),
        ("Replayed and verified", plan.verified, book.good if plan.verified else book.bad),
        *_objectives(plan, number, percent),
        ("Moves out", len(plan.leg(OUT)), left), (f"{_KINDS[plan.in_lanes]}s out", len(_groups(plan, OUT)), left),
        ("Time for the way out", _length(plan, OUT), left),
    ]
    if plan.leg(BACK):
        rows += [("Between", pause(plan), left),
                 ("Moves back", len(plan.leg(BACK)), left),
                 ("Time for the way back", _length(plan, BACK), left)]
    if plan.back_from_s is None and plan.evening is None:
        rows.append(("Total time", show_total(plan), left))
    for name, w in windows(plan):
        rows += [(capital(name), window_text(w), left),
                 ("Fits it", fit(plan, w), book.good if w.fits else book.bad)]
    for row, (label, value, style) in enumerate(rows, 2):
        sheet.write_string(row, 0, label, book.bold)
        if isinstance(value, str) and len(value) > _WIDE[1]:
            paragraphs(book, sheet, row, [value], sum(_WIDE[1:]), across=len(_WIDE) - 1, left=1,
                       look=book.wrapping(style or left))
        else:
            book.write(sheet, row, 1, value, style)
    row = _groups_table(book, sheet, 3 + len(rows), plan)
    if plan.stays:
        row += 1
        sheet.write_string(row, 0, "Stays on the freed servers", book.subtitle)
        for name, server, why in plan.stays:
            row += 1
            book.write(sheet, row, 0, name)
            paragraphs(book, sheet, row, [f"{server}: {why}"], sum(_WIDE[1:]), across=len(_WIDE) - 1, left=1)
    printed(sheet, row, len(_WIDE) - 1)


_WIDE = (31, 44, 9, 70)
"""Characters of the columns of the sheet Summary."""


def _groups_table(book: Book, sheet: Any, row: int, plan: Plan) -> int:
    """Lanes, or waves, with their times and LPARs; the row after the last."""
    kind = _KINDS[plan.in_lanes]
    sheet.write_string(row, 0, f"{kind}s", book.subtitle)
    rows = [(number, f"about {about_span(plan, moves)}" if plan.in_lanes else clock_span(
                plan, min(m.start_ms for m in moves), max(m.end_ms for m in moves)), leg,
             ", ".join(m.lpar for m in moves)) for leg in (OUT, BACK) for number, moves in _groups(plan, leg)]
    headers = (kind, "When", "Leg", "LPARs")
    columns = [Column(head, itemgetter(n), "wrap" if head == headers[-1] else "text", width)
               for n, (head, width) in enumerate(zip(headers, _WIDE, strict=True))]
    return table(book, sheet, row + 1, columns, rows, height=None, empty="").last + 1


_KINDS = ("Wave", "Lane")


def _length(plan: Plan, leg: str) -> str:
    alone = "the moves alone " * (plan.evening is not None)
    return alone + about_length(plan, leg) if plan.in_lanes else show_duration(plan.leg_span_s(leg))


def _groups(plan: Plan, leg: str) -> list[tuple[int, tuple[Move, ...]]]:
    """The moves of a leg by lane, or by wave."""
    return plan.lanes(leg) if plan.in_lanes else plan.waves(leg)


def _objectives(plan: Plan, number: object, percent: object) -> list[tuple[str, object, object]]:
    """Objective, bound and gap of each level."""
    if not plan.levels:
        return [("Cost of the moves (points)", plan.objective, number),
                ("No placement costs less than", plan.bound, number),
                ("Gap", plan.gap, percent)]
    rows: list[tuple[str, object, object]] = [("Servers switched off", ", ".join(plan.off) or "none", None)]
    for x in plan.levels:
        name = x.name[0].upper() + x.name[1:]
        rows += [(f"{name} ({unit_of(x)})", x.objective, number), ("  proved lower bound", x.bound, number),
                 ("  gap", x.gap, percent)]
    return rows


def _moves(book: Book, plan: Plan, estate: Estate) -> None:
    sheet = book.sheet("Moves")
    columns = _move_columns(plan, {p.name: p for p in estate.lpars})
    rows = [*start_order(plan, OUT), *start_order(plan, BACK)] if plan.in_lanes else plan.moves
    table(book, sheet, 0, columns, rows, height=30, filters=True, empty="")
    widths(sheet, columns)
    if plan.in_lanes:
        sheet.repeat_columns(0, 3)
    sheet.freeze_panes(1, 5)
    sheet.repeat_rows(0)


def _lanes(book: Book, plan: Plan) -> None:
    """A column for each lane, its moves below each other: what the one who runs it reads."""
    sheet = book.sheet("Lanes")
    sheet.write_string(0, 0, "Lanes: one person's moves, from top to bottom", book.title)
    sheet.write_string(1, 0, "A move starts when the one above it is over and those that it waits for have arrived; "
                             "the clock is a prediction.")
    breaks, begins = list[int](), middle(plan)
    row, cell = 3, book.format(text_wrap=True, valign="top", border=1, border_color="#BFBFBF")
    for leg, title in ((OUT, "Way out"), (BACK, "Way back")):
        lanes = plan.lanes(leg)
        if not lanes:
            continue
        sheet.write_string(row, 0, title, book.subtitle)
        book.row(sheet, row + 1, [f"Lane {n}: about {about_span(plan, moves)}" for n, moves in lanes], book.header)
        sheet.set_row(row + 1, 30)
        breaks.append(row)
        row += 2
        for step in zip_longest(*(moves for _, moves in lanes)):
            texts = [_in_lane(plan, m, begins[m][0]) if m else None for m in step]
            book.row(sheet, row, texts, cell)
            sheet.set_row(row, 15 * max(sum(-(-len(line) // _LANE_WIDTH) for line in text.split("\n"))
                                        for text in texts if text))
            row += 1
        row += 1
    most = max(len(plan.lanes(leg)) for leg in (OUT, BACK))
    sheet.set_column(0, most - 1, _LANE_WIDTH)
    sheet.set_h_pagebreaks(breaks[1:])
    sheet.fit_to_pages(-(-most // _LANES_WIDE), 0)


def _in_lane(plan: Plan, m: Move, begin_ms: int) -> str:
    """A move in the words of its lane, a line each."""
    lines = [f"{m.number}  {m.lpar}", f"to {m.target}",
             f"about {about(plan, begin_ms)}, {show_duration(m.duration_ms / 1000)}"]
    if m.waits:
        lines.append(f"waits for {numbers(m.waits_for)}")
    lines += [f"{word} {about(plan, ms)}" for word, ms in (("not before", m.not_before_ms), ("not after", m.latest_ms))
              if ms is not None]
    return "\n".join(lines)


_LANES_WIDE = 6
"""Lanes beside each other on a page."""
_LANE_WIDTH = 27
_WHY_WIDTH, _SENTENCE = 44, 96
"""Characters."""


def _move_columns(plan: Plan, lpars: Mapping[str, Lpar]) -> tuple[Column, ...]:
    clock = "text" if plan.clock(0) is None else "time" if plan.in_lanes else "clock"

    def at(instant_ms: int) -> object:
        return plan.clock(instant_ms) or f"+{show_duration(instant_ms / 1000)}"

    wide = 17 if plan.in_lanes else 20
    half = middle(plan)
    times = (Column("Start", lambda m: at(half[m][0]), clock, wide),
             Column("End", lambda m: at(half[m][1]), clock, wide))
    ends = (Column("From", lambda m: m.source, "text", 22), Column("To", lambda m: m.target, "text", 22))
    name = Column("LPAR", lambda m: m.lpar, "text", 16)
    turn: tuple[Column, ...] = (Column("Wave", lambda m: m.wave, "id", 7), *times, name, *ends)
    if plan.in_lanes:
        turn = (Column("Number", lambda m: m.number, "id", 8), Column("Lane", lambda m: m.lane, "id", 6), name, *ends,
                Column("Waits for", lambda m: numbers(m.waits_for) or None, "text", 12),
                Column("Why", lambda m: reasons(m) or None, "wrap", _WHY_WIDTH), *times,
                Column("Not before", lambda m: None if m.not_before_ms is None else at(m.not_before_ms), clock, wide),
                Column("Latest start", lambda m: None if m.latest_ms is None else at(m.latest_ms), clock, wide))
    return (
        Column("Leg", lambda m: m.leg, "text", 6),
        *turn,
        Column("Parking", lambda m: m.parking or None, "text", 9),
        Column("Cores", lambda m: cores(lpars[m.lpar].entitlement_units), "cores", 8),
        Column("Memory (GiB)", lambda m: gib(lpars[m.lpar].memory_mib), "cores", 10),
        Column("Minutes", lambda m: m.duration_ms / 60000, "tenth", 9),
        Column("Stands still (s)", lambda m: None if m.inactive else m.suspend_ms / 1000, "tenth", 10),
        Column("Data sent (GB)", lambda m: m.bytes_sent / 1e9, "cores", 12),
        Column("Source mover", lambda m: m.source_msp, "text", 15),
        Column("Target mover", lambda m: m.target_msp, "text", 15),
        Column("Inactive", lambda m: m.inactive or None, "text", 9),
        Column("Target pool", lambda m: m.pool_id, "id", 8),
        Column("Target id", lambda m: m.target_id, "id", 9),
        Column("Adapters (slot → VIOS)",
               lambda m: ", ".join(f"{s} → {'/'.join(filter(None, at))}" for s, *at in (
                   *m.disks, *m.fibres, *((b.slot, b.vios, b.port) for b in m.vnics))),
               "wrap", 34),
    )


def _servers(book: Book, plan: Plan) -> None:
    sheet = book.sheet("Servers")
    states = [_States(*moments) for moments in zip(plan.before, plan.peak, plan.after, strict=True)]
    columns = (*_SERVERS, *_peaks(plan))
    written = table(book, sheet, 0, columns, states, height=30, empty="")
    widths(sheet, columns)
    sheet.write_string(written.last + 1, 0, "after: when the way out is over; at most: the highest at any moment, both "
                                            "sides of a move counted")
    for title, unit, anchor in (("Cores entitled", "Cores", 0), ("Memory held (GiB)", "GiB", 6)):
        chart = chart_base(book, title, "", (520, 320), "column")
        for name, colour in (("before", "before"), ("after", "navy"), ("limit", "gold")):
            chart.add_series(bars(name, colour, written.cells("Server"), written.cells(f"{unit} {name}")))
        sheet.insert_chart(written.last + 3, anchor, chart)
    sheet.freeze_panes(1, 1)


class _States(NamedTuple):
    """One server at three moments."""

    before: ServerState
    peak: ServerState
    after: ServerState


def _amounts(unit: str, shown: Callable[[int], float], held: Callable[[ServerState], int],
             limit: Callable[[ServerState], int]) -> tuple[Column, ...]:
    """What servers hold of one thing before, at most and after, and how that stands to the limit."""
    return (
        Column(f"{unit} before", lambda r: shown(held(r.before)), "cores", 11),
        Column(f"{unit} at most", lambda r: shown(held(r.peak)), "cores", 11),
        Column(f"{unit} after", lambda r: shown(held(r.after)), "cores", 11),
        Column(f"{unit} limit", lambda r: shown(limit(r.after)), "cores", 11),
        Column(f"{unit} free after", lambda r: shown(limit(r.after) - held(r.after)), "cores", 11,
               f"[{unit} limit]-[{unit} after]"))


_SERVERS = (
    Column("Server", lambda r: r.before.server, "bold", 24),
    Column("LPARs before", lambda r: r.before.lpars, "id", 11),
    Column("LPARs after", lambda r: r.after.lpars, "id", 11),
    *_amounts("Cores", cores, attrgetter("units"), attrgetter("units_limit")),
    *_amounts("GiB", gib, attrgetter("memory_mib"), attrgetter("memory_limit_mib")),
)
"""Of the :class:`_States` of servers."""


def _peaks(plan: Plan) -> tuple[Column, ...]:
    """What was used at most, where a history was given."""
    if plan.goal.usage is None:
        return ()
    said = peak_words(plan)

    def share(held: Callable[[_States], int | None]) -> Callable[[_States], float | None]:
        return lambda r: None if held(r) is None else (held(r) or 0) / 1000
    return (Column(f"{said} before (cores)", share(lambda r: r.before.used), "cores", 13),
            Column(f"{said} after (cores)", share(lambda r: r.after.used), "cores", 13),
            Column(f"{said} after / cores", lambda r: None if r.after.used is None or not r.after.units_limit else
                   r.after.used / 10 / r.after.units_limit, "percent", 13,
                   f"[{said} after (cores)]/[Cores limit]"))


def _assumptions(book: Book, plan: Plan) -> None:
    sheet = book.sheet("Assumptions")
    sheet.set_column(0, 0, _SENTENCE)
    sheet.write_string(0, 0, "Assumptions of this plan", book.title)
    row = paragraphs(book, sheet, 2, (*assumed_lines(plan.findings), *plan.assumptions, *plan.notes), _SENTENCE - 2)
    sheet.write_string(row + 1, 0, f"Estate (SHA-256): {plan.estate_digest}")
