"""What enterprise pools meter, before a plan and after it: lines, and the sheet of plan.xlsx."""

from __future__ import annotations

from operator import attrgetter

from planner.plan.plan import Plan
from planner.sheets import Column, table, widths
from planner.xlsx import Book

_COLUMNS = (
    Column("Enterprise pool", attrgetter("pool"), "bold", 22),
    Column("Base (cores)", attrgetter("base_cores"), "id", 10),
    Column("Hours looked at", attrgetter("hours"), "tenth", 10),
    Column("Metered before (core-minutes)", attrgetter("core_minutes_before"), "tenth", 16),
    Column("Metered after (core-minutes)", attrgetter("core_minutes_after"), "tenth", 16),
    Column("Difference", lambda m: m.core_minutes_after - m.core_minutes_before, "tenth", 12,
           "[Metered after (core-minutes)]-[Metered before (core-minutes)]"),
    Column("Peak before (cores)", lambda m: m.peak_before / 1000, "cores", 12),
    Column("Peak after (cores)", lambda m: m.peak_after / 1000, "cores", 12),
    Column("Servers", lambda m: ", ".join(m.servers), "wrap", 60),
)
"""Of a :class:`PoolMeter`."""


def enterprise_sheet(book: Book, plan: Plan) -> None:
    """A row a pool; none without a pool or a history."""
    if not plan.enterprise_pools:
        return
    sheet = book.sheet("Enterprise pools")
    sheet.write_string(0, 0, "Enterprise pools: cores used above the base", book.title)
    sheet.write_string(1, 0, "At least so much: slots of a history are averages of five minutes or more, IBM meters "
                             "minutes. What a core-minute costs is the contract's.")
    table(book, sheet, 3, _COLUMNS, plan.enterprise_pools, height=30)
    widths(sheet, _COLUMNS)


def enterprise_lines(plan: Plan) -> list[str]:
    """``enterprise pool north (base 40 cores): 1,234.5 core-minutes metered before, 980.0 after, at least …``."""
    return [f"enterprise pool {m.pool} (base {m.base_cores} cores): {m.core_minutes_before:,.1f} core-minutes metered "
            f"before, {m.core_minutes_after:,.1f} after, at least, in {m.hours:,.1f} h; peak "
            f"{m.peak_before / 1000:,.2f} → {m.peak_after / 1000:,.2f} cores" for m in plan.enterprise_pools]
