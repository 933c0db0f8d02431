"""plan.xlsx: summary, moves by wave, servers before and after with a chart, findings, assumptions."""

from __future__ import annotations

import io
from collections.abc import Sequence

from planner.estate.model import Estate
from planner.estate.workbook import write_findings
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan, ServerState
from planner.report.energy import energy_sheet
from planner.report.room import room_sheet
from planner.report.text import clock_span, headline, pause, windows
from planner.units import cores, gib, show_duration
from planner.xlsx import Book, open_book

_MOVE_COLUMNS = ("Leg", "Wave", "Start", "End", "LPAR", "From", "To", "Parking", "Cores", "Memory (GiB)", "Minutes",
                 "Stands still (s)", "Data sent (GB)", "Source mover", "Target mover", "Target pool", "Target id",
                 "Adapters (slot → VIOS)")


def plan_workbook(plan: Plan, estate: Estate) -> bytes:
    """The plan as an .xlsx file; the same plan gives the same bytes."""
    buffer = io.BytesIO()
    with open_book(buffer, f"Plan: {headline(plan)}") as book:
        _summary(book, plan)
        _moves(book, plan, estate)
        _servers(book, plan)
        if plan.energy:
            energy_sheet(book, plan)
        room_sheet(book, plan)
        write_findings(book, plan.findings)
        _assumptions(book, plan)
    return buffer.getvalue()


def _summary(book: Book, plan: Plan) -> None:
    sheet = book.sheet("Summary")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 22)
    sheet.set_column(2, 8, 13)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, f"Plan: {headline(plan)}", book.title)
    number = book.format(num_format="#,##0.0", align="left")
    percent = book.format(num_format="0.00 %", align="left")
    left = book.format(align="left")
    rows: list[tuple[str, object, object]] = [
        ("Status", plan.status.value, book.good if plan.status.value == "optimal" else book.warn),
        ("Replayed and verified", plan.verified, book.good if plan.verified else book.bad),
        *_objectives(plan, number, percent),
        ("Moves out", len(plan.leg(OUT)), left), ("Waves out", len(plan.waves(OUT)), left),
        ("Time for the way out", show_duration(plan.leg_span_s(OUT)), left),
    ]
    if plan.leg(BACK):
        rows += [("Between", pause(plan), left),
                 ("Moves back", len(plan.leg(BACK)), left),
                 ("Time for the way back", show_duration(plan.leg_span_s(BACK)), left)]
    if plan.back_from_s is None:
        rows.append(("Total time", show_duration(plan.total_s), left))
    for name, w in windows(plan):
        rows += [(name[:1].upper() + name[1:], f"{w.start:%Y-%m-%d %H:%M} – {w.end:%Y-%m-%d %H:%M}", left),
                 ("Fits it", f"yes, {show_duration(w.spare_s or 0)} to spare" if w.fits
                  else f"NO, {show_duration(-(w.spare_s or 0))} too long", book.good if w.fits else book.bad)]
    for row, (label, value, style) in enumerate(rows, 2):
        sheet.write_string(row, 0, label, book.bold)
        book.write(sheet, row, 1, value, style)
    row = 3 + len(rows)
    sheet.write_string(row, 0, "Waves", book.subtitle)
    book.row(sheet, row + 1, ("Wave", "When", "Leg", "LPARs"), book.header)
    for leg in (OUT, BACK):
        for wave, moves in plan.waves(leg):
            row += 1
            span = clock_span(plan, min(m.start_ms for m in moves), max(m.end_ms for m in moves))
            book.row(sheet, row + 1, (wave, span, leg, ", ".join(m.lpar for m in moves)), left)
    sheet.set_column(1, 1, 44)
    if plan.stays:
        row += 3
        sheet.write_string(row, 0, "Stays on the freed servers", book.subtitle)
        for name, server, why in plan.stays:
            row += 1
            book.row(sheet, row, (name, f"{server}: {why}"))


def _objectives(plan: Plan, number: object, percent: object) -> list[tuple[str, object, object]]:
    """Objective, bound and gap of each level."""
    if not plan.levels:
        return [("Cost of the moves (s)", plan.objective, number), ("Proved lower bound (s)", plan.bound, number),
                ("Gap", plan.gap, percent)]
    rows: list[tuple[str, object, object]] = [("Servers switched off", ", ".join(plan.off) or "none", None)]
    for x in plan.levels:
        name = x.name[0].upper() + x.name[1:]
        rows += [(f"{name} ({x.unit})", x.objective, number), ("  proved lower bound", x.bound, number),
                 ("  gap", x.gap, percent)]
    return rows


def _moves(book: Book, plan: Plan, estate: Estate) -> None:
    sheet = book.sheet("Moves")
    book.row(sheet, 0, _MOVE_COLUMNS, book.header)
    lpars = {p.name: p for p in estate.lpars}
    two, one, whole = (book.format(num_format=f) for f in ("0.00", "0.0", "0"))
    clock = book.format(num_format="yyyy-mm-dd hh:mm:ss")
    for row, m in enumerate(plan.moves, 1):
        p = lpars[m.lpar]
        start, end = plan.clock(m.start_ms), plan.clock(m.end_ms)
        disks = ", ".join(f"{s} → {v}" for s, v in (*m.disks, *m.fibres))
        values = (m.leg, m.wave, start or f"+{show_duration(m.start_ms / 1000)}",
                  end or f"+{show_duration(m.end_ms / 1000)}", m.lpar, m.source, m.target, m.parking or None,
                  cores(p.entitlement_units), gib(p.memory_mib), m.duration_ms / 60000, m.suspend_ms / 1000,
                  m.bytes_sent / 1e9, m.source_msp, m.target_msp, m.pool_id, m.target_id, disks)
        styles = (None, whole, clock if start else None, clock if end else None, None, None, None, None, two, two, one,
                  one, two, None, None, whole, whole, None)
        for column, (value, style) in enumerate(zip(values, styles, strict=True)):
            book.write(sheet, row, column, value, style)
    for column, width in enumerate((6, 7, 20, 20, 16, 22, 22, 9, 8, 10, 9, 10, 12, 15, 15, 8, 9, 30)):
        sheet.set_column(column, column, width)
    sheet.set_row(0, 30)
    sheet.freeze_panes(1, 5)
    sheet.autofilter(0, 0, max(len(plan.moves), 1), len(_MOVE_COLUMNS) - 1)
    sheet.repeat_rows(0)


def _servers(book: Book, plan: Plan) -> None:
    sheet = book.sheet("Servers")
    book.row(sheet, 0, (
        "Server", "LPARs before", "LPARs after", "Cores before", "Cores at most", "Cores after", "Cores limit",
        "Cores free after", "GiB before", "GiB at most", "GiB after", "GiB limit", "GiB free after"), book.header)
    two, bold = book.format(num_format="#,##0.00"), book.bold
    sheet.set_row(0, 30)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 12, 11)
    states: Sequence[tuple[ServerState, ServerState, ServerState]] = list(
        zip(plan.before, plan.peak, plan.after, strict=True))
    for row, (b, k, a) in enumerate(states, 1):
        book.write(sheet, row, 0, b.server, bold)
        book.row(sheet, row, (b.lpars, a.lpars), None, 1)
        book.row(sheet, row, (cores(b.units), cores(k.units), cores(a.units), cores(a.units_limit)), two, 3)
        sheet.write_formula(row, 7, f"=G{row + 1}-F{row + 1}", two, cores(a.units_limit - a.units))
        book.row(sheet, row, (gib(b.memory_mib), gib(k.memory_mib), gib(a.memory_mib), gib(a.memory_limit_mib)), two, 8)
        sheet.write_formula(row, 12, f"=L{row + 1}-K{row + 1}", two, gib(a.memory_limit_mib - a.memory_mib))
    last = max(len(states), 1)
    note = "after: when the way out is over; at most: the highest at any moment, both sides of a move counted"
    sheet.write_string(last + 1, 0, note)
    for title, columns, anchor in (("Cores entitled", (3, 5, 6), 0), ("Memory held (GiB)", (8, 10, 11), 6)):
        chart = book.workbook.add_chart({"type": "column"})
        for column, name, colour in zip(columns, ("before", "after", "limit"), ("#7F9DB9", "#1F4E79", "#D9A441"),
                                        strict=True):
            chart.add_series({
                "name": name, "categories": ["Servers", 1, 0, last, 0], "values": ["Servers", 1, column, last, column],
                "fill": {"color": colour}, "gap": 80})
        chart.set_title({"name": title, "name_font": {"size": 12}})
        chart.set_legend({"position": "bottom"})
        chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
        chart.set_size({"width": 520, "height": 320})
        sheet.insert_chart(last + 3, anchor, chart)
    sheet.freeze_panes(1, 1)


def _assumptions(book: Book, plan: Plan) -> None:
    sheet = book.sheet("Assumptions")
    sheet.set_column(0, 0, 120)
    sheet.write_string(0, 0, "Assumptions of this plan", book.title)
    for row, text in enumerate((*plan.assumptions, *plan.notes), 2):
        sheet.write_string(row, 0, text, book.wrap)
        sheet.set_row(row, 15 * (1 + len(text) // 100))
    row = 3 + len(plan.assumptions) + len(plan.notes)
    sheet.write_string(row, 0, f"Estate (SHA-256): {plan.estate_digest}")
