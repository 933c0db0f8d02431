"""``planner resume``. Start-up: what it needs is imported when it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.app import command, load_estate, show
from planner.cli.options import (
    TIMES,
    Estate,
    HistoryFile,
    OthersBeside,
    Out,
    Output,
    Pace,
    PlanFile,
    PolicyFile,
    Solver,
    Window,
    Zone,
    window_of,
    zone_known,
)
from planner.cli.plans import deliver, directory, file_name
from planner.errors import UsageError
from planner.stopwatch import began, stoppable

if TYPE_CHECKING:
    from datetime import datetime

    from planner.jobs.recorded import Recorded
    from planner.plan.plan import Plan


@command("resume")
def resume_command(
    plan_file: PlanFile, estate: Estate, *,
    on: Annotated[bool | None, typer.Option("--on/--back", show_default=False, help="Go on with the plan, or bring "
                                            "everybody home.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="LPARs that were stopped meanwhile go as well, each by "
                                           "an inactive migration.")] = False,
    record: Annotated[Path | None, typer.Option("--record", metavar="FILE", help="The record that the page of the plan "
                                                "exports: where everybody is; ESTATE may then be from before.")] = None,
    window: Window = None,
    now: Annotated[str | None, typer.Option("--now", metavar="TIME", rich_help_panel=TIMES, help="Without --window: "
                                            "the time from which on the rest of the plan's window counts, "
                                            '"2026-12-05 23:40" [default: the clock].')] = None,
    work: Annotated[str | None, typer.Option("--work", rich_help_panel=TIMES, help="Time for the work that is left "
                                             "before the way back [default: the plan's].")] = None,
    zone: Zone = "", pace: Pace, policy: PolicyFile = None, history: HistoryFile = None, solver: Solver,
    out: Out = None, others: OthersBeside, output: Output,
) -> int:
    """Half-way: where everybody is, what to recover first, and the rest of the plan, or the way home, from today.

    Example: planner resume reports/evacuate-SN8379A80_p595-2 exports-2340/ --back --now "2026-12-05 23:40"
    """
    from planner import jobs
    from planner.jobs.going_on import reached, rests_beside
    from planner.plan.plan import read_plan

    if on is None:
        raise UsageError("say where to: --on (go on with the plan) or --back (bring everybody home)")
    plan = read_plan(plan_file)
    name = plan_file.resolve().name if plan_file.is_dir() else plan_file.resolve().parent.name
    where = directory(out, f"resume-{file_name(name)}", force=output.force)
    loaded = load_estate(estate, policy)
    told = None
    if record is not None:
        from planner.jobs.recorded import recorded

        told = recorded(record, plan, loaded)
        loaded = told.loaded
    usage = None
    if history is not None and plan.goal.usage:
        from planner.jobs.peak_hours import usage_again

        usage = usage_again(loaded.estate, history, plan.goal.usage)
    in_waves = pace.waves or (bool(plan.moves) and not plan.in_lanes)
    options = jobs.Options(solver.time_limit, solver.gap, window_of(window), zone=zone_known(zone), since=began(),
                           work_s=_work_s(work, plan, told, _clock(now)), pacing=replace(pace.pacing(), waves=in_waves))
    asked: dict[str, Any] = {"on": on, "inactive": inactive, "usage": usage, "record": told}
    with stoppable():
        rest = jobs.resume(loaded, plan, options, **asked, now=_clock(now))
        beside = rests_beside(loaded, plan, rest, options, others.alternatives, **asked)
    if rest.verified and not rest.moves and not rest.goal.unmoved and not output.as_json:
        show("[bold green]Nothing is left to do.[/]")
    deliver(rest, loaded, where, output, with_estate=told is not None, asked=others.alternatives, beside=beside)
    return jobs.exit_code(rest, estate=loaded.estate) or reached(rest)


def _work_s(text: str | None, plan: Plan, told: Recorded | None, now: datetime | None) -> int:
    """Seconds of work that are left: as asked, else the plan's own (or an hour), less what the record has of it."""
    from planner.jobs import span_from

    if text is not None:
        return span_from(text)
    planned = span_from("60m") if plan.work_s is None else plan.work_s
    return told.work_left_s(planned, now) if told else planned


def _clock(text: str | None) -> datetime | None:
    """A local clock time; raises UsageError."""
    from planner.jobs import moment_from

    return None if text is None else moment_from(text, "--now")
