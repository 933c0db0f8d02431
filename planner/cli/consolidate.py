"""The command that empties servers to switch them off."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import Estate, Force, Json, PolicyFile, command, load_estate
from planner.cli.calendars import (
    Closed,
    Country,
    HistoryFile,
    MonthEndFirst,
    MonthEndLast,
    Subdivision,
    UsageGrowth,
    UsageMonths,
    UsagePercentile,
    calendar_from,
    usage_spec,
)
from planner.cli.plans import deliver, directory, file_name
from planner.plan.choices import Measure

if TYPE_CHECKING:
    from planner.plan.plan import Window

_SERVERS = "may be given several times"


@command("consolidate")
def consolidate_command(
    estate: Estate,
    minimise: Annotated[Measure, typer.Option("--minimise", help="What of the servers that stay on is made least."),
                        ] = Measure.WATTS,
    n_plus_1: Annotated[bool, typer.Option("--n-plus-1", help="Any one server that stays on may fail: its LPARs "
                                           "restart on the others.")] = False,
    keep: Annotated[list[str] | None, typer.Option("--keep", metavar="SERVER",
                                                   help=f"This server stays on; {_SERVERS}.")] = None,
    off: Annotated[list[str] | None, typer.Option("--off", metavar="SERVER",
                                                  help=f"This server goes off; {_SERVERS}.")] = None,
    weekend: Annotated[bool, typer.Option("--weekend", help="Off from --from to --to only: both legs, and what they "
                                          "cost against what is saved.")] = False,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help='"2026-11-27 20:00", local time.')] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help='"2026-11-30 06:00".')] = None,
    tariff: Annotated[float, typer.Option("--tariff", min=0.0, help="Price of a kWh.")] = 0.25,
    currency: Annotated[str, typer.Option("--currency", help="Currency of the price.")] = "EUR",
    co2: Annotated[float, typer.Option("--co2", min=0.0, help="kg of CO₂ per kWh.")] = 0.35,
    hours: Annotated[float, typer.Option("--hours", min=1.0, help="Hours over which a permanent change is counted.")
                     ] = 8760.0,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR",
                                             help="Where the plan goes (default reports/consolidate-ESTATE).")] = None,
    window: Annotated[str | None, typer.Option("--window", help='"2026-12-05 22:00/04:00", local time.')] = None,
    come_back: Annotated[bool, typer.Option("--return", help="Plan the way back as well.")] = False,
    work: Annotated[str | None, typer.Option("--work", help="Time between the legs [default: 60m].")] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", min=0.1, help="Seconds for the solver.")] = 60.0,
    gap: Annotated[float, typer.Option("--gap", min=0.0, max=1.0, help="Relative gap that counts as proved.")] = 0.0,
    policy: PolicyFile = None, history: HistoryFile = None, percentile: UsagePercentile = "100",
    months: UsageMonths = 13, growth: UsageGrowth = 0, country: Country = "", subdivision: Subdivision = "",
    closed: Closed = None, month_end_last: MonthEndLast = 3, month_end_first: MonthEndFirst = 2,
    as_json: Json = False, force: Force = False,
) -> int:
    """Which servers can be switched off: the cheapest set that carries it all, and the moves that empty the others.

    Example: planner consolidate estate.xlsx --weekend --from "2026-11-27 20:00" --to "2026-11-30 06:00"
    """
    from planner import jobs
    from planner.errors import UsageError
    from planner.estate.energy import HOURS_PER_YEAR, Tariff
    from planner.plan.questions import Consolidate

    if not all(math.isfinite(x) for x in (tariff, co2, hours)):
        raise UsageError("--tariff, --co2 and --hours are finite numbers")
    if work is not None and not come_back:
        raise UsageError("--work is the time before the way back: give --return as well")
    if hours != HOURS_PER_YEAR and (weekend or come_back):
        raise UsageError("--hours is for a change that stays: a way back ends it before")
    span = _weekend(weekend, start, end, window, come_back)
    where = directory(out, f"consolidate-{file_name(estate.resolve().stem)}")
    options = jobs.Options(time_limit, gap, span or (None if window is None else jobs.window_from(window)),
                           work_s=jobs.span_from(work or "60m"))
    goal = Consolidate(measure=minimise, n_plus_1=n_plus_1, keep=tuple(keep or ()), off=tuple(off or ()),
                       weekend=weekend, come_back=come_back)
    loaded = load_estate(estate, policy)
    plan = jobs.consolidate(loaded, goal, options,
                            usage_spec(history, calendar_from(country, subdivision, closed, month_end_last,
                                                              month_end_first), percentile, months, growth),
                            jobs.Terms(Tariff(tariff, currency, co2), hours))
    deliver(plan, loaded, where, as_json=as_json, force=force)
    return jobs.exit_code(plan, estate=loaded.estate)


def _weekend(weekend: bool, start: str | None, end: str | None, window: str | None, come_back: bool) -> Window | None:
    from planner import jobs
    from planner.errors import UsageError

    if not weekend:
        if start or end:
            raise UsageError("--from and --to belong to --weekend")
        return None
    if not start or not end:
        raise UsageError('--weekend needs --from "2026-11-27 20:00" and --to "2026-11-30 06:00"')
    if window or come_back:
        raise UsageError("--weekend has both legs and their times already: leave --window and --return out")
    return jobs.weekend_from(start, end)
