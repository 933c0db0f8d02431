"""Month-end against a normal day, and against earlier month-ends."""

from __future__ import annotations

from typing import Any, NamedTuple

from planner.history.calendar import DayKind
from planner.jobs.capacity.figures import Capacity, Month, PlaceFigures, month_after, show_month
from planner.report.capacity.frame import first_of, in_cores, percentile_name
from planner.sheets import Column, Written, chart_base, ended, heading, line, printed, table, widths
from planner.xlsx import Book

_SIZE = (560, 300)
_SPACE = 320
_BESIDE = 9


class _Earlier(NamedTuple):
    """A server in one month."""

    place: PlaceFigures
    month: Month


class _Hour(NamedTuple):
    """A server in one hour of the day, 0 to 23."""

    place: PlaceFigures
    hour: int


def month_end_sheet(book: Book, sheet: Any, capacity: Capacity, hours: Written) -> None:
    """Comparison, earlier month-ends, and a chart of a day for each server."""
    high = percentile_name(capacity)
    heading(book, sheet, 0, f"Month-end of {show_month(capacity.month)} against normal days",
            f"Cores. The busiest hour by {high} of the sum, on month-end days ("
            f"{', '.join(f'{d:%d %b}' for d in capacity.month_end_days)}), other working days, weekends.")
    first = table(book, sheet, 3, _COMPARED, capacity.servers, name="Month_end_compared")
    top = first.last + 2
    heading(book, sheet, top, "Earlier month-ends", "Cores. Changes in % of the earlier month-end peak.")
    rows = [_Earlier(place, month) for place in capacity.servers for month in capacity.months if month in place.past]
    second = table(book, sheet, top + 2, _EARLIER, rows, name="Month_ends")
    for number, place in enumerate(capacity.servers):
        sheet.insert_chart(3, _BESIDE, _chart(book, place, hours, number * 24), {"y_offset": number * _SPACE})
    widths(sheet, _COMPARED, _EARLIER)
    sheet.set_column(_BESIDE, _BESIDE + 8, 9)
    sheet.freeze_panes(0, 1)
    printed(sheet, max(second.last, 3 + len(capacity.servers) * _SPACE // 20), _BESIDE + 8)


def day_data_sheet(book: Book, sheet: Any, capacity: Capacity) -> Written:
    """What the charts of a day show: a row an hour."""
    high = percentile_name(capacity)
    columns = _hours()
    heading(book, sheet, 0, "Hours of the day", f"Cores: the {high} of the sum in each hour of "
            f"{show_month(capacity.month)} and its month-end.")
    written = table(book, sheet, 3, columns,
                    [_Hour(place, hour) for place in capacity.servers for hour in range(24)], name="Hours")
    ended(sheet, written.last, columns, freeze=(4, 2), repeat=3)
    return written


def _busiest(place: PlaceFigures, kind: DayKind) -> float | None:
    known = [v for v in place.hours[kind] if v is not None]
    return max(known) / 1000 if known else None


def _ratio(place: PlaceFigures) -> float | None:
    there, normal = _busiest(place, DayKind.MONTH_END), _busiest(place, DayKind.WORKING)
    return there / normal if there is not None and normal else None


_COMPARED = (
    Column("Server", lambda p: p.name, width=24),
    Column("Working day", lambda p: _busiest(p, DayKind.WORKING), "cores", 11),
    Column("Month-end day", lambda p: _busiest(p, DayKind.MONTH_END), "cores", 11),
    Column("Weekend", lambda p: _busiest(p, DayKind.WEEKEND), "cores", 16),
    Column("Month-end ÷ working day", lambda p: _ratio(p), "cores", 12,
           lambda p: "" if _ratio(p) is None else "[Month-end day]/[Working day]"),
    Column("Month-end peak", lambda p: p.used, "cores", 11),
    Column("Sum of single peaks", lambda p: p.sum_of_peaks / 1000, "cores", 11),
    Column("Gain of sharing", lambda p: p.sum_of_peaks / 1000 - p.used, "cores", 11,
           "[Sum of single peaks]-[Month-end peak]"),
)


def _change(place: PlaceFigures, month: Month, back: int) -> float | None:
    now, then = place.past[month].month_end, place.past.get(month_after(month, -back))
    return None if now is None or then is None or not then.month_end else now / then.month_end - 1


_EARLIER = (
    Column("Server", lambda r: r.place.name, width=24),
    Column("Month-end of", lambda r: first_of(r.month), "month", 11),
    Column("Month-end peak", lambda r: in_cores(r.place.past[r.month].month_end), "cores", 11),
    Column("When", lambda r: r.place.past[r.month].month_end_at, "time", 16),
    Column("Mean of the month", lambda r: r.place.past[r.month].mean / 1000, "cores", 12),
    Column("On the month before", lambda r: _change(r.place, r.month, 1), "fine", 11),
    Column("On the year before", lambda r: _change(r.place, r.month, 12), "fine", 11),
)


def _hours() -> tuple[Column, ...]:
    def of(kind: DayKind) -> Any:
        return lambda r: in_cores(r.place.hours[kind][r.hour])

    return (
        Column("Server", lambda r: r.place.name, width=24),
        Column("Hour", lambda r: f"{r.hour:02d}:00", width=11),
        Column("Month-end days", of(DayKind.MONTH_END), "cores", 11),
        Column("Working days", of(DayKind.WORKING), "cores", 16),
        Column("Weekends", of(DayKind.WEEKEND), "cores", 12),
    )


def _chart(book: Book, place: PlaceFigures, hours: Written, first: int) -> Any:
    chart = chart_base(book, f"{place.name}: a day", "cores", _SIZE)
    names = hours.cells("Hour", first, first + 23)
    for header, colour in (("Month-end days", "red"), ("Working days", "navy"), ("Weekends", "grey")):
        chart.add_series(line(header.lower(), colour, names, hours.cells(header, first, first + 23)))
    chart.set_x_axis({"num_font": {"rotation": -45, "size": 8}, "interval_unit": 2})
    return chart
