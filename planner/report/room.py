"""What a headroom plan says besides its moves: on the terminal and as a sheet of plan.xlsx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from planner.plan.choices import By
from planner.plan.plan import Plan
from planner.plan.questions import Headroom
from planner.plan.wire import as_json
from planner.units import cores, gib, show_duration
from planner.xlsx import Book

if TYPE_CHECKING:
    from rich.console import RenderableType

_ROOM = (("now", "free_now"), ("after the moves", "free_after"))
_NOTE = ("entitled to nobody: configurable, less ceiling and reserve, less all entitlements; unused at the peak: the "
         "least that was left in any slot of the hours that count")


def _cores(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


def _least(room: Mapping[str, Any]) -> str:
    return _cores(room.get("cores_by_usage")) if room.get("cores_by_usage") is not None else "no history"


def sentences(plan: Plan) -> list[str]:
    """The answer in sentences, for terminal, runbook and workbook alike."""
    goal, d, out = plan.goal, as_json(plan.details) or {}, []
    if not isinstance(goal, Headroom):
        return []
    most = d.get("largest")
    if most:
        out.append(_most_sentence(goal, most))
    for row in d.get("further_cores", ()):
        out.append(f"room of {row['cores']:.2f} cores: " + (
            f"{row['extra_s']:+.1f} s of cost ({row['why']})" if row["extra_s"] is not None
            else str(row["why"])))
    slot = next((s for s in d.get("slots", ()) if s["server"] == goal.server), None)
    if slot:
        now, after = (_slot(slot[when]) for when in ("now", "after"))
        out.append(f"the largest single LPAR that fits on {slot['server']}: now {now}; after the moves {after}")
    worth = _worth(d, goal.server)
    return [*out, worth] if worth else out


def _slot(slot: Mapping[str, Any]) -> str:
    unused = "" if slot["cores_unused"] is None else f" (nobody uses {slot['cores_unused']:.2f} of them at the peak)"
    return f"{slot['cores']:.2f} cores of entitlement{unused} and {slot['memory_gib']:.2f} GiB"


def _most_sentence(goal: Headroom, most: Mapping[str, Any]) -> str:
    def told(amount: float | None, unit: str, status: str, at_most: float | None) -> str:
        if amount is None:
            return f"not found in time ({unit})" if status != "infeasible" else f"no {unit} at all"
        proof = "proved for the placement" if status == "optimal" else f"found; at most {_cores(at_most)}"
        return f"{amount:.2f} {unit} ({proof})"

    most_cores = told(most["cores"], "cores", most["cores_status"], most["cores_at_most"])
    text = f"the most room that can be had: {most_cores} with {gib(goal.memory_mib):g} GiB"
    if "memory_status" in most:
        memory = told(most["memory_gib"], "GiB", most["memory_status"], most["memory_at_most_gib"])
        text += f", or {memory} with {cores(goal.units):.2f} cores"
    return text


def _worth(d: Mapping[str, Any], server: str) -> str:
    """What planning with the peak of the sum is worth against the sum of the peaks, on the goal's server."""
    rows = [r for r in d.get("hours", ()) if r["server"] == server]
    if not rows:
        return ""
    peak, singles = max(r["peak_after"] for r in rows), float(d["sum_of_peaks_after"])
    return (f"after the moves {server} peaks at {peak:.2f} cores; the sum of each partition's own peak, "
            f"whenever it is, would be {singles:.2f}: planning with the peak of the sum is worth "
            f"{singles - peak:.2f} cores")


def room_view(plan: Plan) -> list[RenderableType]:
    """The terminal's tables."""
    from rich.table import Table
    from rich.text import Text

    goal, d = plan.goal, as_json(plan.details) or {}
    parts: list[RenderableType] = []
    if not isinstance(goal, Headroom):
        return parts
    if "free_now" in d:
        table = Table(title=f"Room on {goal.server}", title_justify="left", box=None, header_style="bold")
        table.add_column("")
        for name in ("cores entitled to nobody", "cores unused at the peak", "GiB free"):
            table.add_column(name, justify="right")
        for name, key in _ROOM:
            if key in d:
                table.add_row(name, _cores(d[key]["cores_by_entitlement"]), _least(d[key]),
                              f"{d[key]['memory_gib']:.2f}")
        asked = _cores(cores(goal.units))
        table.add_row("asked for", asked if goal.by is not By.USAGE else "-",
                      asked if goal.by is not By.ENTITLEMENT else "-", f"{gib(goal.memory_mib):.2f}")
        parts += [Text(""), table]
    if d.get("curve"):
        parts += [Text(""), _curve_table(goal, d["curve"])]
    parts += [Text(f"• {line}") for line in sentences(plan)]
    return parts


def _curve_table(goal: Headroom, curve: Sequence[Mapping[str, Any]]) -> RenderableType:
    from rich.table import Table

    table = Table(title="What room costs", title_justify="left", box=None, header_style="bold")
    for name in ("cores", "cost", "moves", "GiB moved", "status"):
        table.add_column(name, justify="left" if name == "status" else "right")
    for row in curve:
        asked = " ← asked for" if row["cores"] == cores(goal.units) else ""
        cost = "-" if row["cost_s"] is None else show_duration(row["cost_s"])
        order = "" if row["ordered"] or row["cost_s"] is None else ", no order of the moves found"
        table.add_row(_cores(row["cores"]), cost, str(row["moves"]), f"{row['moved_gib']:.1f}",
                      row["status"] + order + asked)
    return table


def room_sheet(book: Book, plan: Plan) -> None:
    """The sheet Room: what is free, the curve with its chart, peaks by hour with theirs, critical LPARs, slots."""
    goal, d = plan.goal, as_json(plan.details) or {}
    if not isinstance(goal, Headroom) or "free_now" not in d:
        return
    sheet = book.sheet("Room")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 9, 14)
    sheet.write_string(0, 0, f"Room on {goal.server}: {goal.when}", book.title)
    row = _free(book, sheet, goal, d, 2)
    for line in sentences(plan):
        sheet.write_string(row, 0, line[:1].upper() + line[1:] + ".")
        row += 1
    row = _curve(book, sheet, d.get("curve", ()), row + 1)
    row = _slots(book, sheet, d.get("slots", ()), row + 1)
    row = _critical(book, sheet, d.get("critical", ()), row + 1)
    _hours(book, goal.server, d.get("hours", ()))


def _free(book: Book, sheet: Any, goal: Headroom, d: Mapping[str, Any], row: int) -> int:
    two = book.format(num_format="#,##0.00")
    book.row(sheet, row, ("", "Cores entitled to nobody", "Cores unused at the peak", "GiB free"), book.header)
    sheet.set_row(row, 30)
    for name, key in _ROOM:
        if key in d:
            row += 1
            room = d[key]
            book.row(sheet, row, (name, room["cores_by_entitlement"], room["cores_by_usage"], room["memory_gib"]), two)
    book.row(sheet, row + 1, ("asked for", cores(goal.units), cores(goal.units), gib(goal.memory_mib)), two)
    sheet.write_string(row + 2, 0, f"Counted: {goal.by}. {_NOTE}.")
    return row + 4


def _curve(book: Book, sheet: Any, curve: Sequence[Mapping[str, Any]], row: int) -> int:
    if not curve:
        return row
    two, one, whole = (book.format(num_format=f) for f in ("#,##0.00", "#,##0.0", "0"))
    sheet.write_string(row, 0, "What room costs", book.subtitle)
    book.row(sheet, row + 1, ("Cores", "Cost (s)", "Proved bound (s)", "Moves", "GiB moved", "Status", "Ordered",
                              "LPARs"), book.header)
    sheet.set_row(row + 1, 30)
    first = row + 2
    for number, point in enumerate(curve, first):
        values = (point["cores"], point["cost_s"], point["bound_s"], point["moves"], point["moved_gib"],
                  f" {point['status']}", point["ordered"], ", ".join(point["lpars"]))
        styles = (two, one, one, whole, one, None, None, None)
        for column, (value, style) in enumerate(zip(values, styles, strict=True)):
            book.write(sheet, number, column, value, style)
    last = first + len(curve) - 1
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    chart.add_series({"name": "cost", "categories": ["Room", first, 0, last, 0], "values": ["Room", first, 1, last, 1],
                      "line": {"color": "#1F4E79"}, "marker": {"type": "circle", "fill": {"color": "#1F4E79"}}})
    chart.set_title({"name": "Cost against cores of room", "name_font": {"size": 12}})
    chart.set_x_axis({"name": "cores of room"})
    chart.set_y_axis({"name": "seconds of moves, risk included", "major_gridlines": {"visible": True,
                                                                                   "line": {"color": "#D9D9D9"}}})
    chart.set_legend({"none": True})
    chart.set_size({"width": 620, "height": 300})
    sheet.insert_chart(last + 2, 0, chart)
    return last + 18


def _slots(book: Book, sheet: Any, slots: Sequence[Mapping[str, Any]], row: int) -> int:
    if not slots:
        return row
    two = book.format(num_format="#,##0.00")
    sheet.write_string(row, 0, "Largest single LPAR that fits", book.subtitle)
    book.row(sheet, row + 1, ("Server", "Cores now", "Unused at peak", "GiB now", "Cores after", "Unused at peak",
                              "GiB after"), book.header)
    for number, slot in enumerate(slots, row + 2):
        figures = [slot[when][what] for when in ("now", "after") for what in ("cores", "cores_unused",
                                                                                     "memory_gib")]
        book.row(sheet, number, (slot["server"], *figures), two)
    return row + 3 + len(slots)


def _critical(book: Book, sheet: Any, rows: Sequence[Mapping[str, Any]], row: int) -> int:
    if not rows:
        return row
    two, whole = book.format(num_format="#,##0.00"), book.format(num_format="0")
    sheet.write_string(row, 0, "Critical LPARs, in cores: what each may draw, and what it gets when every LPAR of the "
                       "server pulls at once", book.subtitle)
    book.row(sheet, row + 1, ("LPAR", "Entitled", "Virtual processors", "Weight", "Sharing", "May draw", "Peak",
                              "Contended now", "Contended after"), book.header)
    sheet.set_row(row + 1, 30)
    styles = (None, two, whole, whole, None, two, two, two, two)
    for number, p in enumerate(rows, row + 2):
        values = (p["lpar"], p["entitlement"], p["virtual_processors"], p["weight"], f" {p['sharing']}", p["may_draw"],
                  p["peak"], p["contended_before"], p["contended_after"])
        for column, (value, style) in enumerate(zip(values, styles, strict=True)):
            book.write(sheet, number, column, value, style)
    return row + 3 + len(rows)


def _hours(book: Book, server: str, hours: Sequence[Mapping[str, Any]]) -> None:
    if not hours:
        return
    sheet = book.sheet("Peaks by hour")
    two = book.format(num_format="#,##0.00")
    heads = ("Server", "Day kind", "Hour", "Peak before", "Peak after", "Limit", "Sum of peaks after", "Worth")
    book.row(sheet, 0, heads, book.header)
    sheet.set_row(0, 30)
    for number, r in enumerate(hours, 1):
        book.row(sheet, number, (r["server"], r["kind"]))
        book.write(sheet, number, 2, r["hour"])
        book.row(sheet, number, (r["peak_before"], r["peak_after"], r["limit"], r["sum_of_peaks_after"]), two, 3)
        sheet.write_formula(number, 7, f"=G{number + 1}-E{number + 1}", two, r["sum_of_peaks_after"] - r["peak_after"])
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 7, 13)
    sheet.freeze_panes(1, 3)
    sheet.autofilter(0, 0, len(hours), len(heads) - 1)
    sheet.repeat_rows(0)
    busiest = max(hours, key=lambda r: (r["server"] == server, r["peak_before"]))
    mine = [n for n, r in enumerate(hours, 1) if r["server"] == busiest["server"] and r["kind"] == busiest["kind"]]
    chart = book.workbook.add_chart({"type": "line"})
    for column, name, colour in ((3, "before", "#7F9DB9"), (4, "after", "#1F4E79"), (5, "limit", "#D9A441")):
        chart.add_series({"name": name, "categories": ["Peaks by hour", mine[0], 2, mine[-1], 2],
                          "values": ["Peaks by hour", mine[0], column, mine[-1], column], "line": {"color": colour}})
    chart.set_title({"name": f"{busiest['server']}, {busiest['kind']} days: peak cores by hour",
                     "name_font": {"size": 12}})
    chart.set_x_axis({"name": "hour"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 620, "height": 320})
    sheet.insert_chart(1, 9, chart)
