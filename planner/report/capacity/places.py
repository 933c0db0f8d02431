"""Servers and pools: what they have, what is used, what is left, and when it will be full."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any

from planner.history.forecast import COVERAGE_PERCENT
from planner.history.monthly import LEAST_PERCENT
from planner.jobs.capacity.figures import FAR_STATED, Capacity, PartitionFigures, PlaceFigures, show_month
from planner.report.capacity.frame import first_of, in_cores, percentile_name
from planner.sheets import Column, Written, coloured, ended, heading, note, table
from planner.xlsx import Book

NEVER, UNKNOWN = "never", "not known"
MEASURED = "Measured of entitled"
#: Less of it, and figures rest on entitlements that stand in for recordings.
ENOUGH = LEAST_PERCENT / 100 - 1e-9


def servers_sheet(book: Book, sheet: Any, capacity: Capacity, sizing: Written) -> tuple[Written, Written, Written]:
    """Processors, outlook, memory and right-sizing, one table each."""
    processors, outlook = _processors(capacity, "Server"), _outlook(capacity, "Server")
    freed = _freed(capacity, sizing)
    heading(book, sheet, 0, f"Servers at the month-end of {show_month(capacity.month)}",
            "Cores. Headroom = may be used − month-end peak. A peak is of the sum of all LPARs and VIOSes, 5 minutes "
            "by 5 minutes. Measured: by entitlement, the LPARs of which at least half of the month is recorded.")
    first = table(book, sheet, 3, processors, capacity.servers, name="Servers")
    _looks(sheet, first, book)
    coloured(sheet, first.range(MEASURED), "<", ENOUGH, book.warn)
    at = first.last + 2
    heading(book, sheet, at, "When will they be full?", _OUTLOOK_NOTE)
    note(book, sheet, at + 2, _AS_MADE)
    second = table(book, sheet, at + 3, outlook, capacity.servers, name="Outlook")
    _no_date(book, sheet, second, capacity)
    at = second.last + 2
    heading(book, sheet, at, "Memory", "GiB. What counts is what is allocated: page tables, firmware and VIOSes "
            "included. In use: the most at one time; allocated memory where the sources do not state its use.")
    third = table(book, sheet, at + 2, _MEMORY, capacity.servers, name="Server_memory")
    coloured(sheet, third.range("Headroom"), "<", 0, book.bad)
    at = third.last + 2
    heading(book, sheet, at, "What right-sizing would change", "Sums of the sheet Right-sizing. "
            "Not entitled then: red where the proposals need more than the server has.")
    fourth = table(book, sheet, at + 2, freed, capacity.servers, name="Server_right_sizing")
    coloured(sheet, fourth.range("Not entitled then"), "<", 0, book.bad)
    ended(sheet, fourth.last, processors, outlook, _MEMORY, freed)
    return first, second, fourth


_OUTLOOK_NOTE = ("Growth: what the forecast adds a month, in % of the month-end peak; the Levers sheet can set one for "
                 "all. Months until full = headroom ÷ (month-end peak × growth), rounded up, or too far. Low and "
                 "High: an "
                 f"interval of {COVERAGE_PERCENT} %.")
_AS_MADE = ("The forecast (columns 'as made', Low and High) is of the day on which the workbook was made: it does not "
            "follow the sheet Levers.")


def pools_sheet(book: Book, sheet: Any, capacity: Capacity) -> tuple[Written | None, Written | None]:
    """The same for shared processor pools; a note where there are none. Enterprise pools below, where any is stated."""
    first, second, last = _shared_pools(book, sheet, capacity)
    if capacity.enterprise:
        heading(book, sheet, last + 2, "Enterprise pools (2.0): cores used above the base", "Core-minutes, at least: "
                "slots are averages of five minutes or more, IBM meters minutes. Dedicated processors that are not "
                "donated count as used all the time. What a core-minute costs is the contract's.")
        third = table(book, sheet, last + 4, _ENTERPRISE, capacity.enterprise, name="Enterprise_pools")
        ended(sheet, third.last, _processors(capacity, "Pool"), _outlook(capacity, "Pool"), _ENTERPRISE)
    return first, second


_ENTERPRISE = (
    Column("Enterprise pool", lambda e: e.name, width=34),
    Column("Servers", lambda e: ", ".join(e.servers), width=22),
    Column("Hours looked at", lambda e: e.hours, "tenth", 9.5),
    Column("Installed", lambda e: e.installed_units / 100, "cores", 12),
    Column("Base", lambda e: e.base_cores, "cores", 9.5),
    Column("Used, peak", lambda e: e.peak / 1000, "cores", 9.5),
    Column("Month-end peak", lambda e: e.month_end_peak / 1000, "cores", 9.5),
    Column("Above the base at most", lambda e: max(e.month_end_peak / 1000 - e.base_cores, e.peak / 1000 - e.base_cores,
                                                   0.0), "cores", 9.5,
           "MAX([Used, peak]-[Base],[Month-end peak]-[Base],0)"),
    Column("Minutes above", lambda e: e.minutes_above, "whole", 9.5),
    Column("Metered in the month", lambda e: e.core_minutes, "tenth", 12),
    Column("Metered at month-end", lambda e: e.month_end_core_minutes, "tenth", 12),
)


def _shared_pools(book: Book, sheet: Any, capacity: Capacity) -> tuple[Written | None, Written | None, int]:
    """Both tables, and the last row."""
    processors, outlook = _processors(capacity, "Pool"), _outlook(capacity, "Pool")
    heading(book, sheet, 0, f"Shared processor pools at the month-end of {show_month(capacity.month)}",
            "Cores. A pool has its maximum less what is reserved, or without a maximum all that its server has. "
            "VIOSes are not counted.")
    if not capacity.pools:
        sheet.write_string(3, 0, "The estate names no shared processor pools.")
        ended(sheet, 3, processors, outlook)
        return None, None, 3
    first = table(book, sheet, 3, processors, capacity.pools, name="Pools")
    _looks(sheet, first, book)
    heading(book, sheet, first.last + 2, "When will they be full?", _OUTLOOK_NOTE)
    note(book, sheet, first.last + 4, _AS_MADE)
    second = table(book, sheet, first.last + 5, outlook, capacity.pools, name="Pools_outlook")
    _no_date(book, sheet, second, capacity)
    ended(sheet, second.last, processors, outlook)
    return first, second, second.last


def _no_date(book: Book, sheet: Any, outlook: Written, capacity: Capacity) -> None:
    """Months that are further ahead than a date is told are told as no number either: it would be one."""
    coloured(sheet, outlook.range("Months until full"), ">", f"={months_told(capacity)}",
             book.format(num_format='"too far"', font_color="#7F7F7F"))


def _looks(sheet: Any, written: Written, book: Book) -> None:
    """No headroom in red; from 90 % of what may be used on amber, above all of it red."""
    coloured(sheet, written.range("Headroom"), "<", 0, book.bad)
    where = written.range("Use of what may be used")
    coloured(sheet, where, ">", 1, book.bad)
    coloured(sheet, where, ">=", 0.9, book.warn)


def _processors(capacity: Capacity, what: str) -> tuple[Column, ...]:
    high = percentile_name(capacity)
    kind = Column("Model", lambda p: p.model, width=11) if what == "Server" else Column(
        "On server", lambda p: p.server, width=22)
    return (
        Column(what, lambda p: p.name, width=22 if what == "Server" else 34),
        kind,
        Column("LPARs", lambda p: p.lpars, "whole", 9.5),
        *(Column(MEASURED, lambda p: capacity.recorded(p.name).share, "percent", 9.5) for _ in range(what == "Server")),
        Column("Configurable", lambda p: p.capacity, "cores", 12),
        Column("Ceiling", lambda p: p.ceiling / 100, "percent", 9.5,
               lambda p: "" if p.ceiling_stated else "cpu_ceiling"),
        Column("Reserve", lambda p: p.reserve_units / 100, "cores", 9.5),
        Column("May be used", lambda p: p.usable, "cores", 9.5, "[Configurable]*[Ceiling]-[Reserve]"),
        Column("Entitled", lambda p: p.entitled_units / 100, "cores", 9.5),
        Column("Not entitled", lambda p: p.capacity - p.entitled_units / 100, "cores", 9.5,
               "[Configurable]-[Entitled]"),
        Column("Used, mean", lambda p: p.usage.mean / 1000, "cores", 9.5),
        Column(f"Used, {high}", lambda p: p.usage.high / 1000, "cores", 9.5),
        Column("Used, peak", lambda p: p.usage.peak / 1000, "cores", 9.5),
        Column("Month-end peak", lambda p: p.used, "cores", 9.5),
        Column("Peak at", lambda p: p.usage.month_end_at or p.usage.peak_at, "time", 16),
        Column("Headroom", lambda p: p.headroom, "cores", 9.5, "[May be used]-[Month-end peak]"),
        Column("Use of what may be used", lambda p: p.share, "percent", 9.5,
               "IF([May be used]>0,[Month-end peak]/[May be used],0)"),
    )


def _outlook(capacity: Capacity, what: str) -> tuple[Column, ...]:
    """Looks at the table above it by name, so that either can be sorted."""
    look = partial(_above(capacity, what).lookup, key=what)
    levers = capacity.levers
    override = "IF(ISNUMBER(growth_override),growth_override,N([Growth, measured]))"
    return (
        Column(what, lambda p: p.name, width=22 if what == "Server" else 34),
        Column("Months looked at", lambda p: p.outlook.made.months_used if p.outlook else 0, "whole", 9.5),
        Column("Growth, measured", lambda p: shown_growth(p, capacity, measured=True), "fine", 9.5),
        Column("Growth", lambda p: p.growth(levers) / 100, "fine", 12, override),
        Column("Peak, next month-end (as made)", lambda p: next_peak(p, capacity, "points"), "cores", 12),
        Column("Low", lambda p: next_peak(p, capacity, "low"), "cores", 9.5),
        Column("High", lambda p: next_peak(p, capacity, "high"), "cores", 9.5),
        Column("Headroom then", lambda p: p.usable - p.used * (1 + p.growth(levers) / 100), "cores", 9.5,
               f"{look('May be used')}-{look('Month-end peak')}*(1+[Growth])"),
        Column("Months until full", lambda p: _left(p, capacity), "tenth", 9.5,
               f"IF({look('Headroom')}<=0,0,IF({look('Month-end peak')}*[Growth]<=0,\"{NEVER}\","
               f"ROUNDUP(ROUND({look('Headroom')}/({look('Month-end peak')}*[Growth]),6),1)))"),
        Column("Full at month-end", lambda p: _full(p, capacity), "month", 11,
               f"IF(ISNUMBER([Months until full]),IF([Months until full]>{months_told(capacity)},"
               f"\"> \"&{months_told(capacity)}&\" months\","
               f"EDATE(report_month,ROUNDUP(ROUND([Months until full],6),0))),\"{NEVER}\")"),
        Column("Full, forecast (as made)",
               lambda p: _reached(p, capacity, p.outlook.made.ceiling_month if p.outlook else None), "month", 13),
        Column("Full, upper end (as made)",
               lambda p: None if p.outlook and p.outlook.made.high is None else
               _reached(p, capacity, p.outlook.made.ceiling_month_early if p.outlook else None), "month", 13),
        Column("Error of method", lambda p: _error(p, "used"), "cores", 9.5),
        Column("Error of repeating", lambda p: _error(p, "naive"), "cores", 16),
        Column("Method", lambda p: p.outlook.made.method.value if p.outlook else "none", "text", 11),
    )


def _above(capacity: Capacity, what: str) -> Written:
    """Where the first table of the sheet stands."""
    headers = tuple(c.header for c in _processors(capacity, what))
    places = capacity.servers if what == "Server" else capacity.pools
    return Written(f"{what}s", 3, 0, len(places), headers)


def next_peak(of: PlaceFigures | PartitionFigures, capacity: Capacity, what: str) -> float | None:
    """The forecast (``points``, ``low`` or ``high``) of the month-end after that of the report, in cores."""
    if of.outlook is None:
        return None
    return in_cores(of.outlook.next_after(capacity.month, getattr(of.outlook.made, what)))


def _error(place: PlaceFigures, method: str) -> float | None:
    return in_cores(getattr(place.outlook.made.backtest, method).mae) if place.outlook else None


def shown_growth(place: PlaceFigures, capacity: Capacity, *, measured: bool = False) -> float | str:
    """A share a month, ``not known`` where there are too few months to say; ``measured``: whatever the lever says."""
    if capacity.levers.growth is not None and not measured:
        return capacity.levers.growth / 100
    return place.outlook.growth / 100 if place.outlook and place.outlook.tested else UNKNOWN


def _left(place: PlaceFigures, capacity: Capacity) -> Any:
    left = place.months_left(capacity.levers)
    return NEVER if left is None else shown_months(left)


def shown_months(left: float) -> float:
    """Months until full as they are shown: up to a tenth, so that they agree with the month in which it is full."""
    return float(Decimal(f"{left:.6f}").quantize(Decimal("0.1"), rounding=ROUND_CEILING))


def _full(place: PlaceFigures, capacity: Capacity) -> Any:
    left = place.months_left(capacity.levers)
    if left is None:
        return NEVER
    month = place.full_in(capacity.month, capacity.levers, capacity.far)
    return _beyond(capacity) if month is None else first_of(month)


def _beyond(capacity: Capacity) -> str:
    return f"> {capacity.far} months"


def months_told(capacity: Capacity) -> str:
    """A formula: months after which no date is told (:attr:`Capacity.far`)."""
    return f"IF(ISNUMBER(growth_override),{FAR_STATED},{capacity.far_measured})"


def _reached(place: PlaceFigures, capacity: Capacity, month: Any) -> Any:
    if place.outlook is None:
        return "unknown"
    return f"> {capacity.horizon} months" if month is None else first_of(month)


_MEMORY = (
    Column("Server", lambda p: p.name, width=22),
    Column("Configurable", lambda p: p.memory_mib / 1024, "gib", 12),
    Column("Ceiling", lambda p: p.memory_ceiling / 100, "percent", 9.5,
           lambda p: "" if p.memory_ceiling_stated else "memory_ceiling"),
    Column("Reserve", lambda p: p.memory_reserve_mib / 1024, "gib", 9.5),
    Column("May be used", lambda p: p.memory_usable, "gib", 9.5, "[Configurable]*[Ceiling]-[Reserve]"),
    Column("Allocated", lambda p: p.memory_allocated_mib / 1024, "gib", 9.5),
    Column("In use, most", lambda p: p.usage.memory_mib / 1024, "gib", 9.5),
    Column("Headroom", lambda p: p.memory_headroom, "gib", 9.5, "[May be used]-[Allocated]"),
    Column("Allocated of configurable", lambda p: p.memory_allocated_mib / p.memory_mib if p.memory_mib else 0.0,
           "percent", 12, "IF([Configurable]>0,[Allocated]/[Configurable],0)"),
)


def left_then(place: PlaceFigures, capacity: Capacity) -> float:
    """Cores of a server that nobody is entitled to once the proposals hold."""
    freed = sum(p.freed_units for p in capacity.lpars if p.server == place.name)
    return (place.capacity_units - place.entitled_units + freed) / 100


def _freed(capacity: Capacity, sizing: Written) -> tuple[Column, ...]:
    def total(what: str, sign: str) -> str:
        return (f"SUMIFS({sizing.column(what)},{sizing.column('Server')},[Server],"
                f"{sizing.column(what)},\"{sign}0\")")

    def cores(p: PlaceFigures, sign: int) -> float:
        return sum(v for x in capacity.lpars if x.server == p.name and (v := x.freed_units) * sign > 0) / 100

    def gib(p: PlaceFigures, sign: int) -> float:
        return sum(v for x in capacity.lpars if x.server == p.name and (v := x.freed_mib) * sign > 0) / 1024

    return (
        Column("Server", lambda p: p.name, width=22),
        Column("Cores freed", lambda p: cores(p, 1), "cores", 9.5, total("Cores freed", ">")),
        Column("Cores added", lambda p: -cores(p, -1), "cores", 9.5, f"-{total('Cores freed', '<')}"),
        Column("Net cores", lambda p: cores(p, 1) + cores(p, -1), "cores", 9.5, "[Cores freed]-[Cores added]"),
        Column("Not entitled then", lambda p: left_then(p, capacity), "cores", 9.5,
               f"{_above(capacity, 'Server').lookup('Not entitled', 'Server')}+[Net cores]"),
        Column("GiB freed", lambda p: gib(p, 1), "gib", 9.5, total("GiB freed", ">")),
        Column("GiB added", lambda p: -gib(p, -1), "gib", 9.5, f"-{total('GiB freed', '<')}"),
        Column("Net GiB", lambda p: gib(p, 1) + gib(p, -1), "gib", 9.5, "[GiB freed]-[GiB added]"),
    )
