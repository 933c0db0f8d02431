"""Months: recorded, forecast, interval and ceiling, as a table and as charts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from planner.history.monthly import number_of
from planner.jobs.capacity.figures import Capacity, Month, MonthUsage, PlaceFigures, month_after
from planner.report.capacity.frame import Tables, first_of, in_cores, percentile_name
from planner.sheets import Column, Written, chart_base, ended, heading, line, printed, table
from planner.xlsx import Book

_SIZE = (650, 380)
_ROWS = 20


@dataclass(frozen=True, slots=True)
class TrendMonth:
    """One month of one place. ``ahead``: months after that of the report."""

    place: PlaceFigures
    month: Month
    usage: MonthUsage | None
    forecast: int | None
    low: int | None
    high: int | None
    ahead: int
    recorded: bool


def points(capacity: Capacity) -> list[TrendMonth]:
    """All servers and pools, each with its months in order."""
    return [_point(capacity, place, month) for place in (*capacity.servers, *capacity.pools)
            for month in _months(capacity)]


def _months(capacity: Capacity) -> list[Month]:
    return [*capacity.months, *(month_after(capacity.month, n + 1) for n in range(capacity.horizon))]


def _point(capacity: Capacity, place: PlaceFigures, month: Month) -> TrendMonth:
    usage, outlook = place.past.get(month), place.outlook
    ahead = number_of(month) - number_of(capacity.month)
    if outlook is None:
        return TrendMonth(place, month=month, usage=usage, forecast=None, low=None, high=None, ahead=ahead,
                          recorded=month in place.past)
    step = number_of(month) - number_of(outlook.after)
    last = place.past[outlook.after].month_end if step == 0 else None
    made = outlook.made

    def at(values: tuple[int, ...] | None) -> int | None:
        if values is None:
            return None
        return values[step - 1] if 1 <= step <= len(values) else last

    return TrendMonth(place, month=month, usage=usage, forecast=at(made.points), low=at(made.low), high=at(made.high),
                      ahead=ahead, recorded=month in place.past)


def trend_data_sheet(book: Book, sheet: Any, capacity: Capacity, tables: Tables) -> Written:
    """One row a place and month."""
    columns = _columns(capacity, tables)
    rows = points(capacity)
    heading(book, sheet, 0, "Months: recorded and forecast",
            "Cores. The forecast begins at the last month-end that is known. At the growth assumed: the month-end peak "
            "of the report with the growth of the Levers sheet.")
    written = table(book, sheet, 3, columns, rows, name="Trend")
    ended(sheet, written.last, columns, freeze=(4, 2), repeat=3)
    return written


def _columns(capacity: Capacity, tables: Tables) -> tuple[Column, ...]:
    def look(p: TrendMonth, header: str, *, outlook: bool = False) -> str:
        if p.place.pool:
            key, place = "Pool", tables.pools_outlook if outlook else tables.pools
        else:
            key, place = "Server", tables.outlook if outlook else tables.servers
        return place.lookup(header, key, "Server or pool") if place else ""

    def grown(p: TrendMonth) -> str:
        if p.ahead < 0:
            return ""
        return f"{look(p, 'Month-end peak')}*(1+{p.ahead}*{look(p, 'Growth', outlook=True)})"

    def of(what: str) -> Any:
        return lambda p: in_cores(getattr(p.usage, what)) if p.usage else None

    def ahead(what: str) -> Any:
        return lambda p: in_cores(getattr(p, what))

    levers = capacity.levers
    return (
        Column("Server or pool", lambda p: p.place.name, width=34),
        Column("Month", lambda p: first_of(p.month), "month", 10),
        Column("What", lambda p: "recorded" if p.recorded else "forecast" if p.ahead > 0 else "no record", width=10),
        Column("Mean", of("mean"), "cores", 9),
        Column(percentile_name(capacity), of("high"), "cores", 9),
        Column("Peak", of("peak"), "cores", 9),
        Column("Month-end peak", of("month_end"), "cores", 11),
        Column("Forecast", ahead("forecast"), "cores", 10),
        Column("Low", ahead("low"), "cores", 9),
        Column("High", ahead("high"), "cores", 9),
        Column("May be used", lambda p: p.place.usable, "cores", 10, lambda p: look(p, "May be used")),
        Column("At the growth assumed", lambda p: None if p.ahead < 0 else
               p.place.used * (1 + p.ahead * (p.place.growth(levers) / 100)), "cores", 12, grown),
        Column("Estimated", lambda p: _estimated(p), "percent", 11),
    )


def _estimated(p: TrendMonth) -> float | None:
    if p.usage is None:
        return None
    return p.usage.filled / (p.usage.slots * max(len(p.place.members), 1))


def trend_sheet(book: Book, sheet: Any, capacity: Capacity, data: Written) -> None:
    """A chart for every server, and for pools that are not all of their server."""
    heading(book, sheet, 0, "Trend and forecast of the month-end peaks",
            "Cores; the axes begin near the figures, not at 0. Thin lines: the interval of the forecast, where there "
            "are months enough for one. Figures, and the means: sheet Trend data.")
    each = len(_months(capacity))
    drawn = 0
    for number, place in enumerate((*capacity.servers, *capacity.pools)):
        if place.pool and not limited(place, capacity):
            continue
        chart = _chart(book, place, data, number * each, each, _axis(capacity, place))
        sheet.insert_chart(3 + drawn // 2 * _ROWS, drawn % 2 * 10, chart)
        drawn += 1
    sheet.set_column(0, 19, 9)
    last = 3 + -(-drawn // 2) * _ROWS
    sheet.set_h_pagebreaks([3 + 2 * _ROWS * n for n in range(1, -(-drawn // 4))])
    printed(sheet, last, 19, None)


def limited(place: PlaceFigures, capacity: Capacity) -> bool:
    """Whether a pool is less than all of its server."""
    server = next(s for s in capacity.servers if s.name == place.server)
    return place.capacity_units < server.capacity_units


def _axis(capacity: Capacity, place: PlaceFigures) -> dict[str, Any]:
    """From a little below the least that is drawn, so that lines near each other are told apart."""
    drawn = [v / 1000 for month in _months(capacity) for p in (_point(capacity, place, month),)
             for v in (p.usage.month_end if p.usage else None, p.forecast, p.low, p.high) if v is not None]
    drawn += [place.usable, place.used]
    low, high = min(drawn), max(drawn)
    if high <= 0:
        return {}
    least = max(0.0, low - max((high - low) / 4, high / 50))
    wide = high - least >= 4
    return {"min": math.floor(least) if wide else math.floor(least * 10) / 10, "num_format": "0" if wide else "0.0"}


def _chart(book: Book, place: PlaceFigures, data: Written, first: int, each: int, axis: dict[str, Any]) -> Any:
    chart = chart_base(book, place.name, "cores", _SIZE, axis=axis)
    end = first + each - 1
    months = data.cells("Month", first, end)
    for name, colour, header, width, dash in (
            ("month-end peak", "navy", "Month-end peak", 2.5, "solid"),
            ("forecast", "blue", "Forecast", 2.25, "dash"), ("interval of it", "sky", "Low", 1, "solid"),
            ("high", "sky", "High", 1, "solid"), ("may be used", "red", "May be used", 1.75, "solid"),
            ("at the growth assumed", "gold", "At the growth assumed", 1.5, "round_dot")):
        chart.add_series(line(name, colour, months, data.cells(header, first, end), width, dash))
    chart.set_legend({"position": "bottom", "font": {"size": 11}, "delete_series": [3]})
    chart.set_x_axis({"num_format": "yyyy-mm", "num_font": {"rotation": -45, "size": 8}, "text_axis": True})
    return chart
