"""The command that empties servers to switch them off. Start-up: what a command needs it imports when it runs."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import command, load_estate
from planner.cli.models import ModelFile, models_in, on_cluster, refuse_models_elsewhere
from planner.cli.options import (
    TIMES,
    AssumeNothing,
    Estate,
    Home,
    NotTargets,
    OthersBeside,
    Out,
    Output,
    PlannedUsage,
    PolicyFile,
    Solver,
    Times,
    homes_from,
    levels_from,
    numeric,
)
from planner.cli.plans import deliver, directory, file_name, others_to
from planner.errors import UsageError
from planner.plan.choices import Measure
from planner.stopwatch import stoppable

if TYPE_CHECKING:
    from planner.plan.plan import Window

_ENERGY = "What energy costs"
_SOLVER = "Solver"
_SERVERS = "may be given several times"


@command("consolidate")
def consolidate_command(
    estate: Estate, *,
    minimise: Annotated[Measure, typer.Option("--minimise", help="What of the servers that stay on is made least."),
                        ] = Measure.WATTS,
    n_plus_1: Annotated[bool, typer.Option("--n-plus-1", help="Any one server that stays on may fail: its LPARs "
                                           "restart on the others.")] = False,
    keep: Annotated[list[str] | None, typer.Option("--keep", metavar="SERVER",
                                                   help=f"This server stays on; {_SERVERS}.")] = None,
    off: Annotated[list[str] | None, typer.Option("--off", metavar="SERVER",
                                                  help=f"This server goes off; {_SERVERS}.")] = None,
    home: Home = None, not_a_target: NotTargets = None,
    weekend: Annotated[bool, typer.Option("--weekend", rich_help_panel=TIMES, help="Off from --from to --to only: both "
                                          "legs, and what they cost against what is saved.")] = False,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", rich_help_panel=TIMES,
                                              help='"2026-11-27 20:00", local time.')] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", rich_help_panel=TIMES, help='"2026-11-30 06:00".')
                   ] = None,
    tariff: Annotated[float, numeric("--tariff", 0.0, 1e6, "Price of a kWh.", _ENERGY)] = 0.25,
    currency: Annotated[str, typer.Option("--currency", rich_help_panel=_ENERGY, help="Currency of the price.")
                        ] = "EUR",
    co2: Annotated[float, numeric("--co2", 0.0, 1e6, "kg of CO₂ per kWh.", _ENERGY)] = 0.35,
    hours: Annotated[float, numeric("--hours", 1.0, 1e6, "Hours over which a permanent change is counted.", _ENERGY)
                     ] = 8760.0,
    policy: PolicyFile = None, assume_nothing: AssumeNothing = False, times: Times, usage: PlannedUsage,
    solver: Solver, scheduler: Annotated[str | None, on_cluster("the components", _SOLVER)] = None,
    write_model: ModelFile = None, out: Out = None, others: OthersBeside, output: Output,
) -> int:
    """Which servers can be switched off: the cheapest set that carries it all, and the moves that empty the others.

    Example: planner consolidate estate.xlsx --weekend --from "2026-11-27 20:00" --to "2026-11-30 06:00"
    """
    from planner import jobs
    from planner.cluster import cluster_at
    from planner.estate.energy import HOURS_PER_YEAR, Tariff
    from planner.plan.questions import Consolidate

    if hours != HOURS_PER_YEAR and (weekend or times.come_back):
        raise UsageError("--hours is for a change that stays: a way back ends it before")
    refuse_models_elsewhere(write_model, scheduler)
    options = times.options(solver, _weekend(weekend, start, end, times))
    where = directory(out, f"consolidate-{file_name(estate.resolve().stem)}", force=output.force)
    cluster = None if scheduler is None else cluster_at(scheduler)
    loaded = load_estate(estate, policy)
    coming = times.come_back or weekend
    goal = Consolidate(measure=minimise, n_plus_1=n_plus_1, keep=tuple(keep or ()), off=tuple(off or ()),
                       weekend=weekend, come_back=times.come_back, not_targets=tuple(not_a_target or ()),
                       assume_nothing=assume_nothing,
                       homes=homes_from(home, loaded, where, come_back=coming),
                       firmware_after=levels_from(times.firmware_after, come_back=coming))
    terms = jobs.Terms(Tariff(tariff, currency, co2), hours)
    with stoppable(), models_in(write_model, force=output.force):
        plan = jobs.consolidate(loaded, goal, options, usage.spec(), terms, cluster)
        beside = others_to(plan, loaded, others, lambda more: jobs.consolidate(
            loaded, goal.replace(**more), replace(options, since=None), usage.spec(), terms, cluster))
    if cluster is not None and cluster.lost:
        sys.stderr.write(f"{cluster.lost}: what it had in hand was answered here\n")
    deliver(plan, loaded, where, output, asked=others.alternatives, beside=beside)
    return jobs.exit_code(plan, estate=loaded.estate)


def _weekend(weekend: bool, start: str | None, end: str | None, times: Times) -> Window | None:
    from planner import jobs

    if not weekend:
        if start or end:
            raise UsageError("--from and --to belong to --weekend")
        return None
    if not start or not end:
        raise UsageError('--weekend needs --from "2026-11-27 20:00" and --to "2026-11-30 06:00"')
    if times.window or times.come_back:
        raise UsageError("--weekend has both legs and their times already: leave --window and --return out")
    return jobs.weekend_from(start, end)
