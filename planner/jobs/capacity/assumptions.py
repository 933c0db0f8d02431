"""What the capacity report assumes, in words."""

from __future__ import annotations

from planner.history.calendar import Calendar
from planner.jobs.capacity.figures import CapacityOptions, month_after, show_month


def _calendar(site: Calendar) -> str:
    where = "-".join(p for p in (site.country, site.subdivision) if p)
    closed = f", closed on {', '.join(str(d) for d in sorted(site.closed))}" if site.closed else ""
    return (f"holidays of {where}" if where else "no holidays") + closed + (
        f"; month-end: the last {site.last} and the first {site.first} working days")


def assumptions(options: CapacityOptions) -> tuple[str, ...]:
    """What the figures of a report rest on."""
    levers, percent = options.levers, float(options.levers.percentile)
    return (
        f"Month-end of {show_month(options.month)}: the days "
        f"{', '.join(str(d) for d in options.calendar.month_end(*options.month))} "
        f"({_calendar(options.calendar)}).",
        "Server and pool figures are sums slot by slot (5 minutes) of the LPARs and VIOSes that the estate has there "
        "now, wherever they ran before; a pool counts its LPARs alone. So they are peaks of the sum, not sums of "
        "peaks.",
        "A partition without any history counts with its entitlement and all its memory at all times. A hole in a "
        f"record takes the partition's own {percent:g}th percentile of that hour and kind of day. Before its first "
        "sample a partition counts as not there.",
        f"Percentiles are nearest-rank, {percent:g} unless another is named. Means and percentiles are of the calendar "
        "month; the month-end peak is of the month-end days, of which some are in the next month.",
        "Memory in use is what sources call computational (AIX) or not free; where no source states it, all that is "
        "allocated counts as used. Allocated memory includes page tables, firmware and VIOSes.",
        "Headroom is what may be used (ceiling × configurable − reserve) less the month-end peak. Unentitled cores are "
        "configurable less entitled, VIOSes and pool reserves included.",
        "The forecast takes the method that did better in a back-test on these months, of a robust trend and of "
        "repeating the last figure; months until full assume growth by the same number of cores each month.",
        f"Months before {show_month(month_after(options.month, 1 - options.months))} are not looked at.",
        f"Right-sizing: an uncapped LPAR is entitled to the {levers.entitle_production}th percentile of the month in "
        f"production, the {levers.entitle_other}th elsewhere and borrows the rest from its pool; sizes are proposed "
        + ("for all." if levers.propose_all else "where those of today are odd.")
        + " It is a proposal from one month: ask the owners, and mind what runs only once a quarter or a year.",
    )
