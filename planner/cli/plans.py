"""Commands that make plans and verify them. Start-up: each imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.app import command, load_estate, tell, tell_more, working
from planner.cli.models import ModelFile, models_in
from planner.cli.options import (
    TIMES,
    YEAR_S,
    AssumeNothing,
    Estate,
    FirmwareAfter,
    HistoryFile,
    Home,
    NotTargets,
    OthersBeside,
    Out,
    Output,
    PlanFile,
    PlannedUsage,
    PolicyFile,
    Shown,
    Solver,
    Times,
    Window,
    Zone,
    history_end,
    homes_from,
    levels_from,
    numeric,
    window_of,
    zone_known,
)
from planner.errors import UsageError
from planner.findings import Finding, finding_json
from planner.plan.choices import By, Status
from planner.stopwatch import began, stoppable

if TYPE_CHECKING:
    from planner.estate.assemble import Loaded
    from planner.jobs.alternatives import Beside
    from planner.plan.plan import Plan


@command("evacuate")
def evacuate_command(
    estate: Estate,
    servers: Annotated[list[str], typer.Argument(metavar="SERVER...", help="Servers to free.")], *,
    leave: Annotated[list[str] | None, typer.Option("--leave", metavar="LPAR",
                                                    help="Leave this LPAR there (it will be stopped).")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="LPARs that are not activated go as well, each by an "
                                           "inactive migration.")] = False,
    home: Home = None, not_a_target: NotTargets = None,
    policy: PolicyFile = None, assume_nothing: AssumeNothing = False, times: Times, usage: PlannedUsage,
    solver: Solver, write_model: ModelFile = None, out: Out = None, others: OthersBeside, output: Output,
) -> int:
    """Free these servers: a proved placement, a checked order of moves, a runbook and the way back.

    Example: planner evacuate estate.xlsx SN8379A80_p595-2 --window "2026-12-05 22:00/04:00" --return --work 60m
    """
    from planner import jobs
    from planner.plan.questions import Evacuate

    options = times.options(solver)
    loaded = load_estate(estate, policy)
    where = directory(out, "evacuate-" + "-".join(file_name(s) for s in sorted(set(servers))), force=output.force)
    homes = homes_from(home, loaded, where, come_back=times.come_back)
    goal = Evacuate(servers=tuple(servers), leave=tuple(leave or ()), inactive=inactive, come_back=times.come_back,
                    assume_nothing=assume_nothing, homes=homes, not_targets=tuple(not_a_target or ()),
                    firmware_after=levels_from(times.firmware_after, come_back=times.come_back))
    with stoppable(), models_in(write_model, force=output.force):
        plan = jobs.evacuate(loaded, goal, options, usage.spec())
        beside = others_to(plan, loaded, others, lambda more: jobs.evacuate(
            loaded, goal.replace(**more), replace(options, since=None), usage.spec()))
    deliver(plan, loaded, where, output, asked=others.alternatives, beside=beside)
    return jobs.exit_code(plan, estate=loaded.estate)


@command("headroom")
def headroom_command(
    estate: Estate,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="The server on which headroom is made.")], *,
    cores: Annotated[str, typer.Option("--cores", metavar="N",
                                       help="Processor headroom for the critical LPARs.")] = "0",
    memory: Annotated[str, typer.Option("--memory", metavar="GiB", help="Memory headroom.")] = "0",
    when: Annotated[str, typer.Option("--when", metavar="WHEN", help="month-end (the next one), a month's end such as "
                                      "2026-11, or always.")] = "month-end",
    critical: Annotated[list[str] | None, typer.Option(
        "--critical", metavar="LPAR", help="This LPAR stays (patterns too), besides those of production.")] = None,
    by: Annotated[By | None, typer.Option("--by", help="Count cores that nobody is entitled to, that nobody used, or "
                                           "both [default: both with --history, else entitlement].")] = None,
    window: Window = None,
    back_window: Annotated[str | None, typer.Option("--back-window", rich_help_panel=TIMES, help="Of the way "
                                                    "back [default: when the month-end is over].")] = None,
    come_back: Annotated[bool | None, typer.Option("--return/--no-return", rich_help_panel=TIMES, help="Plan the "
                                                   "way back as well [default: yes; with --when always only with "
                                                   "--back-window].")] = None,
    curve: Annotated[bool, typer.Option("--curve/--no-curve", help="Also find the most that can be had, and what each "
                                        "further core costs.")] = True,
    firmware_after: FirmwareAfter = None, home: Home = None, zone: Zone = "", not_a_target: NotTargets = None,
    policy: PolicyFile = None, assume_nothing: AssumeNothing = False, usage: PlannedUsage, solver: Solver,
    write_model: ModelFile = None, out: Out = None, others: OthersBeside, output: Output,
) -> int:
    """Make so much headroom: who leaves, and comes back, at the least cost; the most that can be had; what more costs.

    Example: planner headroom estate.xlsx SN8379A80_p595-2 --cores 8 --memory 64 --when 2026-11 --history usage.db
    """
    from planner import jobs
    from planner.formats.values import MOST_MIB, MOST_UNITS, mib_from_gib, units_from_cores
    from planner.jobs.peak_hours import ALWAYS, period_from
    from planner.plan.questions import Headroom

    try:
        units, mib = units_from_cores(cores), mib_from_gib(memory)
    except ValueError as error:
        raise UsageError(f"--cores {cores[:40]} --memory {memory[:40]}: {error}; at most "
                         f"{MOST_UNITS // 100:,} cores and {MOST_MIB // 1024:,} GiB") from None
    spec, first, last = usage.spec(), window_of(window), window_of(back_window, "--back-window")
    if when == ALWAYS and come_back and last is None:
        raise UsageError("--when always --return: say when they come back with --back-window")
    needed = period_from(when, usage.calendar(), first.end if first else history_end(usage.history))
    coming = (when != ALWAYS or last is not None) if come_back is None else come_back
    where = directory(out, f"headroom-{file_name(server)}", force=output.force)
    loaded = load_estate(estate, policy)
    goal = Headroom(
        server=server, units=units, memory_mib=mib, critical=tuple(critical or ()),
        by=by or (By.ENTITLEMENT if spec is None else By.BOTH), **needed._asdict(),
        come_back=coming, assume_nothing=assume_nothing, firmware_after=levels_from(firmware_after, come_back=coming),
        homes=homes_from(home, loaded, where, come_back=coming), not_targets=tuple(not_a_target or ()))
    progress = working()
    options = jobs.Options(solver.time_limit, solver.gap, first, last, zone=zone_known(zone), since=began())
    with stoppable(), models_in(write_model, force=output.force):
        plan = jobs.headroom(loaded, goal, options, spec, curve=curve, progress=progress)
        beside = others_to(plan, loaded, others, lambda more: jobs.headroom(
            loaded, goal.replace(**more), replace(options, since=None), spec, curve=False))
    if progress:
        progress("")
    deliver(plan, loaded, where, output, asked=others.alternatives, beside=beside)
    return jobs.exit_code(plan, estate=loaded.estate)


def directory(out: Path | None, name: str, what: str = "the plan", *, force: bool) -> Path:
    """Where reports go: ``out``, else ``reports/name``; raises UsageError for the directory that one works in, and
    where the long work would end in reports that cannot be written."""
    from planner.report.output import refuse_edited

    if out is not None and str(out) in (".", ""):
        raise UsageError(f"--out: name a directory of its own for {what}")
    where = out or Path("reports") / name
    refuse_edited(where, {}, force=force)
    return where


def others_to(plan: Plan, loaded: Loaded, asked: OthersBeside, again: Callable[[dict[str, Any]], Plan]
              ) -> Beside | None:
    """The other plans that were asked for; none beside a plan that there is not. ``again``: asks with more fields."""
    from planner.jobs.alternatives import alternatives

    if not (asked.alternatives and plan.verified and plan.moves):
        return None
    return alternatives(plan, loaded.estate, again, asked.alternatives)


def told_within(beside: Beside | None) -> str:
    """Where other plans are within a directory that is told."""
    names = [f"{a.directory}/" for a in beside.alternatives if a.directory] if beside else []
    return f" (with {', '.join(names)})" if names else ""


def file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in text).lstrip(".") or "_"


def deliver(plan: Plan, loaded: Loaded, where: Path, output: Output, *, with_estate: bool = False,
            asked: int = 0, beside: Beside | None = None) -> None:
    """Write the plan's directory and show the plan, also when the disk is full. ``with_estate``: what it was planned
    for is in no file yet; ``asked``: for so many other plans; ``beside``: these, each in a directory within."""
    from rich.console import Group

    from planner.plan import plan as plans
    from planner.plan.wire import as_json
    from planner.report.beside import beside_files, beside_view
    from planner.report.output import within, write_directory
    from planner.report.plan_files import plan_files
    from planner.report.plan_terminal import plan_line, plan_view

    files = plan_files(plan, loaded.estate)
    if with_estate:
        from planner.estate.saved import dump

        files["estate.json"] = dump(loaded).encode()
    others = {} if beside is None else beside_files(beside, loaded.estate)
    views = [] if beside is None else [beside_view(beside)]
    try:
        write_directory(where, files | within(others), force=output.force)
    finally:
        tell(output, lambda: plans.plan_json(plan) | ({"beside": as_json(beside)} if beside else {}),
             lambda: plan_line(plan), lambda: Group(plan_view(plan, whole=output.verbose), *views))
    lanes = [name for name in files if name.endswith(".sh")]
    rest = [name for name in files if name not in lanes] + [f"{name}/" for name in others]
    tell_more(output, f"\nReports: {where}: {', '.join(rest + lanes[:1])}"
              + "".join(f" … {name}" for name in lanes[1:][-1:]))
    if asked and beside is None:
        tell_more(output, "No other plans: " + (
            "there is none that they would stand beside" if not plan.verified else "nothing has to move"
            if not plan.moves else "first everybody is to get where the plan takes him"))


@command("verify")
def verify_command(
    plan_file: PlanFile,
    estate: Estate, policy: PolicyFile = None, history: HistoryFile = None, *,
    another_estate: Annotated[bool, typer.Option("--another-estate", help="The estate has changed since: do the moves "
                                                 "hold in it all the same?")] = False,
    prove: Annotated[bool, typer.Option("--prove", help="Prove anew what it claims of bounds and impossibility, by "
                                        "rows of its own, exact arithmetic and another solver.")] = False,
    time_limit: Annotated[float, numeric("--time-limit", 0.1, YEAR_S, "Seconds for the proof of each claim.",
                                         metavar="S")] = 60.0,
    shown: Shown,
) -> int:
    """Does this plan hold? Also against an estate exported half-way or after the work. Of a directory: are its papers
    those of this plan, and its scripts and playbook as they were written? Exit code 1: no; 4: it does, and what
    --prove was to prove is not proved.

    Example: planner verify reports/evacuate-SN8379A80_p595-2 estate.xlsx
    """
    from planner.plan.plan import read_plan
    from planner.verify import Replay, verify_plan
    from planner.verify.prove import exit_code, proofs

    plan = read_plan(plan_file)
    against = load_estate(estate, policy).estate
    usage = None
    if history is not None and plan.goal.usage:
        from planner.jobs.peak_hours import usage_again

        usage = usage_again(against, history, plan.goal.usage)
    proved = proofs(plan, against, usage, time_limit) if prove else []
    none = prove and plan.status is Status.INFEASIBLE
    replay = Replay((), (), (), ()) if none else verify_plan(plan, against, usage, another_estate=another_estate)
    papers: list[Finding] = []
    fits = True
    if plan_file.is_dir():
        from planner.report.papers import fit, papers_of

        papers = list(papers_of(plan_file, plan))
        fits = fit(papers)
    findings = [*(p.finding() for p in proved), *replay.findings, *papers]
    from planner.report.plan_terminal import verified_line, verified_view

    line = verified_line(plan, findings, holds=replay.holds, papers_fit=fits)
    tell(shown, lambda: {"holds": replay.holds and not none, "papers_fit": fits,
                         "findings": [finding_json(f) for f in findings],
                         **({"proofs": [p.as_json() for p in proved]} if prove else {})},
         lambda: line.plain, lambda: verified_view(line, findings, whole=shown.verbose))
    return exit_code(proved) if replay.holds and fits else 1
