"""What the figures rest on: records with their gaps."""

from __future__ import annotations

import datetime as dt
from typing import Any

from planner.history.clock import Clock
from planner.jobs.capacity.figures import UNCOUNTED, Capacity, show_month
from planner.sheets import Column, coloured, ended, heading, table
from planner.xlsx import Book


def data_sheet(book: Book, sheet: Any, capacity: Capacity) -> None:
    """Gaps by partition."""
    gaps = _gaps(capacity)
    absent = ", ".join(show_month(m) for m in capacity.absent)
    heading(book, sheet, 0, "Data and gaps",
            f"Months looked at: {show_month(capacity.months[0])} to {show_month(capacity.month)}; "
            + (f"without any record: {absent}." if absent else "all have records."))
    first = table(book, sheet, 3, gaps, capacity.gaps, name="Records")
    coloured(sheet, first.range("Missing of the month"), ">", 0.05, book.warn)
    ended(sheet, first.last, gaps, freeze=(4, 1), repeat=3)


def _gaps(capacity: Capacity) -> tuple[Column, ...]:
    clock = Clock(capacity.zone)

    def local(instant: int | None) -> dt.datetime | None:
        return None if instant is None else clock.local(instant)

    return (
        Column("LPAR or VIOS", lambda g: g.name, width=22),
        Column("Server", lambda g: g.server, width=21),
        Column("Recorded from", lambda g: local(g.first_s), "time", 24),
        Column("Recorded to", lambda g: local(g.last_s), "time", 16),
        Column("Missing of the month", lambda g: None if g.effect == UNCOUNTED else g.missing / g.slots, "percent", 10),
        Column("Interval (min)", lambda g: g.span_s / 60 if g.span_s else None, "tenth", 9),
        Column("Gaps", lambda g: g.gaps, "whole", 7),
        Column("Gaps (h)", lambda g: g.gap_s / 3600, "tenth", 8),
        Column("Counter resets", lambda g: g.resets, "whole", 9),
        Column("Changes of server", lambda g: g.changes, "whole", 10),
        Column("How it is counted", lambda g: g.effect or "as recorded", width=62),
    )
