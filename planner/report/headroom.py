"""What a headroom plan says besides its moves: on the terminal and as a sheet of plan.xlsx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from planner.plan.choices import By, Status
from planner.plan.details import Fit, Free, HeadroomDetails, Largest, Point
from planner.plan.plan import Plan
from planner.plan.questions import Headroom
from planner.plan.wire import as_json
from planner.report.seen import Text
from planner.report.tables import listing
from planner.report.text import capital
from planner.sheets import Column, chart_base, keyed, line, paragraphs, points, table
from planner.units import cores, gib, show_cores, show_gib
from planner.xlsx import Book

_FREE_WHEN = (("now", "free_now"), ("after the moves", "free_after"))
_NOTE = ("entitled to nobody: configurable, less ceiling and reserve, less all entitlements; unused at the peak: the "
         "least that was left in any slot of the hours that count")


def _free_row(name: str, free: Free) -> tuple[str, str, str, str]:
    unused = "no history" if free.used_units is None else show_cores(free.used_units)
    return name, show_cores(free.units), unused, f"{gib(free.memory_mib):,.2f}"


def sentences(plan: Plan) -> list[str]:
    """The answer in sentences, for terminal, runbook and workbook alike."""
    goal, d = plan.goal, plan.details
    if not isinstance(goal, Headroom) or not isinstance(d, HeadroomDetails):
        return []
    out = [_most_sentence(goal, d.largest)] if d.largest else []
    out += [f"headroom of {show_cores(row.units)} cores: " + (
        row.why if row.extra_ms is None else f"{row.extra_ms / 1000:+,.0f} points ({row.why})")
        for row in d.further_cores]
    out += [f"the largest single LPAR that fits on {slot.server}: now {_fit(slot.now)}; after the moves "
            f"{_fit(slot.after)}" for slot in d.slots if slot.server == goal.server]
    worth = _worth(d, goal.server)
    return [*out, worth] if worth else out


def _fit(fit: Fit) -> str:
    unused = "" if fit.unused_units is None else f" (nobody uses {show_cores(fit.unused_units)} of them at the peak)"
    return f"{show_cores(fit.units)} cores of entitlement{unused} and {gib(fit.memory_mib):,.2f} GiB"


def _most_sentence(goal: Headroom, most: Largest) -> str:
    parts = [_amount(most.units, 100, most.cores_status, most.units_at_most,
                     ("cores", f"{show_gib(goal.memory_mib)} GiB", "without any core"))]
    if most.memory_status is not None:
        parts.append(_amount(most.memory_mib, 1024, most.memory_status, most.memory_at_most_mib,
                             ("GiB", f"{show_cores(goal.units)} cores", "without any memory")))
    either = most.units is not None and most.memory_mib is not None
    return f"the most headroom that can be had: {(', or ' if either else '; ').join(parts)}"


def _amount(amount: int | None, per: int, status: Status, at_most: int | None, words: tuple[str, str, str]) -> str:
    """How much of one thing beside so much of the other. ``words``: the unit, the other, none of the first."""
    unit, beside, none = words
    if amount is not None:
        limit = "?" if at_most is None else f"{at_most / per:,.2f}"
        proof = "proved for the placement" if status is Status.OPTIMAL else f"found; at most {limit}"
        return f"{amount / per:,.2f} {unit} ({proof}) with {beside}"
    if status is Status.INFEASIBLE:
        return f"{beside} cannot be had even {none} (proved for the placement)"
    return f"not found in time ({unit} with {beside})"


def _worth(d: HeadroomDetails, server: str) -> str:
    """What planning with the peak of the sum is worth against the sum of the peaks, on the goal's server."""
    rows = [r for r in d.hours if r.server == server]
    if not rows:
        return ""
    peak, singles = max(r.peak_after for r in rows) / 1000, (d.sum_of_peaks_after or 0) / 1000
    return (f"after the moves {server} peaks at {peak:.2f} cores; the sum of each partition's own peak, "
            f"whenever it is, would be {singles:.2f}: planning with the peak of the sum is worth "
            f"{singles - peak:.2f} cores")


def headroom_view(plan: Plan) -> list[RenderableType]:
    """The terminal's tables."""
    goal, d = plan.goal, plan.details
    if not isinstance(goal, Headroom) or not isinstance(d, HeadroomDetails):
        return []
    table = listing(f"Headroom on {goal.server}", ("",), ("cores entitled to nobody", "cores unused at the peak",
                                                      "GiB free"))
    for name, free in (("now", d.free_now), ("after the moves", d.free_after)):
        if free is not None:
            table.add_row(*_free_row(name, free))
    asked = show_cores(goal.units)
    table.add_row("asked for", asked if goal.by is not By.USAGE else "-",
                  asked if goal.by is not By.ENTITLEMENT else "-", f"{gib(goal.memory_mib):,.2f}")
    curve = [Text(""), _curve_table(goal, d.curve)] if d.curve else []
    return [Text(""), table, *curve, *(Text(f"• {line}") for line in sentences(plan))]


def _curve_table(goal: Headroom, curve: Sequence[Point]) -> RenderableType:
    table = listing("What headroom costs", (), ("cores", "points", "moves", "GiB moved"))
    table.add_column("status")
    for row in curve:
        asked = " ← asked for" if row.units == goal.units else ""
        cost = "-" if row.cost_ms is None else f"{row.cost_ms / 1000:,.0f}"
        order = "" if row.ordered or row.cost_ms is None else ", no order of the moves found"
        table.add_row(show_cores(row.units), cost, str(row.moves), f"{gib(row.moved_mib):,.1f}",
                      row.status + order + asked)
    return table


def headroom_sheet(book: Book, plan: Plan) -> None:
    """The sheet Headroom: what is free, the curve with its chart, peaks by hour with theirs, critical LPARs, slots."""
    goal, d = plan.goal, as_json(plan.details)
    if not isinstance(goal, Headroom) or d is None:
        return
    sheet = book.sheet("Headroom")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, _ACROSS, 14)
    sheet.write_string(0, 0, f"Headroom on {goal.server}: {goal.when}", book.title)
    row = _free(book, sheet, goal, d)
    row = paragraphs(book, sheet, row, [f"{capital(sentence)}." for sentence in sentences(plan)], _LINE, _ACROSS)
    row = _curve(book, sheet, d["curve"], row + 1)
    for title, columns, rows in (
            ("Largest single LPAR that fits", _SLOTS, d["slots"]),
            ("Critical LPARs, in cores: what each may draw, and what it gets when every LPAR of the server pulls at "
             "once", _CRITICAL, d["critical"])):
        row += 1
        if rows:
            sheet.write_string(row, 0, title, book.subtitle)
            row = table(book, sheet, row + 1, columns, rows, height=30).last + 2
    _hours(book, goal.server, d["hours"])


_ACROSS, _LINE = 9, 134
"""Columns that sentences go over, and the characters of their lines."""
_FREE = keyed(
    ("", "name", "text"), ("Cores entitled to nobody", "cores_by_entitlement", "cores"),
    ("Cores unused at the peak", "cores_by_usage", "cores"), ("GiB free", "memory_gib", "cores"))
_CURVE = keyed(
    ("Cores", "cores", "cores"), ("Cost (points)", "cost_s", "tenth"), ("None costs less than", "bound_s", "tenth"),
    ("Moves", "moves", "id"), ("GiB moved", "moved_gib", "tenth"), ("Status", "status", "text"),
    ("Ordered", "ordered", "text"), ("LPARs", "lpars", "text"))
_SLOTS = keyed(
    ("Server", "server", "text"), ("Cores now", "now/cores", "cores"), ("Unused at peak", "now/cores_unused", "cores"),
    ("GiB now", "now/memory_gib", "cores"), ("Cores after", "after/cores", "cores"),
    ("Unused at peak", "after/cores_unused", "cores"), ("GiB after", "after/memory_gib", "cores"))
_CRITICAL = keyed(
    ("LPAR", "lpar", "text"), ("Entitled", "entitlement", "cores"), ("Virtual processors", "virtual_processors", "id"),
    ("Weight", "weight", "id"), ("Sharing", "sharing", "text"), ("May draw", "may_draw", "cores"),
    ("Peak", "peak", "cores"), ("Contended now", "contended_before", "cores"),
    ("Contended after", "contended_after", "cores"))
_HOURS = (
    *keyed(("Server", "server", "text"), ("Day kind", "kind", "text"), ("Hour", "hour", "id"),
              ("Peak before", "peak_before", "cores"), ("Peak after", "peak_after", "cores"),
              ("Limit", "limit", "cores"), ("Sum of peaks after", "sum_of_peaks_after", "cores")),
    Column("Worth", lambda r: r["sum_of_peaks_after"] - r["peak_after"], "cores", 13,
           "[Sum of peaks after]-[Peak after]"))


def _free(book: Book, sheet: Any, goal: Headroom, d: Mapping[str, Any]) -> int:
    asked = {"cores_by_entitlement": cores(goal.units), "cores_by_usage": cores(goal.units),
             "memory_gib": gib(goal.memory_mib)}
    rows = [{"name": name, **d[key]} for name, key in _FREE_WHEN if d[key]] + [{"name": "asked for", **asked}]
    last = table(book, sheet, 2, _FREE, rows, height=30).last
    return paragraphs(book, sheet, last + 1, [f"Counted: {goal.by}. {_NOTE}."], _LINE, _ACROSS) + 1


def _curve(book: Book, sheet: Any, curve: Sequence[Mapping[str, Any]], row: int) -> int:
    if not curve:
        return row
    sheet.write_string(row, 0, "What headroom costs", book.subtitle)
    written = table(book, sheet, row + 1, _CURVE, [{**point, "lpars": ", ".join(point["lpars"])} for point in curve],
                    height=30)
    chart = chart_base(book, "Cost against cores of headroom", "points, risk included", (620, 300), "scatter")
    chart.add_series(points("cost", "navy", written.cells("Cores"), written.cells("Cost (points)")))
    chart.set_x_axis({"name": "cores of headroom"})
    chart.set_legend({"none": True})
    sheet.insert_chart(written.last + 2, 0, chart)
    return written.last + 18


def _hours(book: Book, server: str, hours: Sequence[Mapping[str, Any]]) -> None:
    if not hours:
        return
    sheet = book.sheet("Peaks by hour")
    written = table(book, sheet, 0, _HOURS, hours, height=30, filters=True)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 7, 13)
    sheet.freeze_panes(1, 3)
    sheet.repeat_rows(0)
    busiest = max(hours, key=lambda r: (r["server"] == server, r["peak_before"]))
    mine = [n for n, r in enumerate(hours) if r["server"] == busiest["server"] and r["kind"] == busiest["kind"]]
    chart = chart_base(book, f"{busiest['server']}, {busiest['kind']} days: peak cores by hour", "cores", (620, 320))
    for name, header, colour in (("before", "Peak before", "before"), ("after", "Peak after", "navy"),
                                 ("limit", "Limit", "gold")):
        chart.add_series(line(name, colour, written.cells("Hour", mine[0], mine[-1]),
                              written.cells(header, mine[0], mine[-1])))
    chart.set_x_axis({"name": "hour"})
    sheet.insert_chart(1, 9, chart)
