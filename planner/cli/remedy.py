"""The command that says what would make a goal possible. Start-up: it imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import command, load_estate, tell, tell_more, working
from planner.cli.options import (
    Estate,
    NotTargets,
    Out,
    Output,
    PlannedUsage,
    PolicyFile,
    Solver,
    Times,
    history_end,
    levels_from,
    numeric,
)
from planner.cli.plans import directory, file_name
from planner.errors import UsageError
from planner.stopwatch import stoppable

if TYPE_CHECKING:
    from planner.estate.prices import Prices
    from planner.jobs.opening import Opened
    from planner.jobs.remedy import Remedied
    from planner.plan.questions import Evacuate, Headroom


@command("remedy")
def remedy_command(
    estate: Estate,
    servers: Annotated[list[str] | None, typer.Argument(metavar="[SERVER...]", help="Servers to free; with --cores or "
                                                        "--memory the one on which headroom is made.")] = None, *,
    every: Annotated[bool, typer.Option("--all", help="What lets each server of the site be freed, one at a time.")
                     ] = False,
    budget: Annotated[int | None, typer.Option("--budget", min=0, max=10**9, metavar="POINTS", help="With --all: the "
                                               "most servers that so much opens.")] = None,
    cores: Annotated[str, typer.Option("--cores", metavar="N", help="Headroom instead, this much.")] = "0",
    memory: Annotated[str, typer.Option("--memory", metavar="GiB", help="Memory of the headroom.")] = "0",
    when: Annotated[str, typer.Option("--when", metavar="WHEN", help="Of headroom: always, month-end (the next), or a "
                                      "month's end such as 2026-11.")] = "always",
    critical: Annotated[list[str] | None, typer.Option("--critical", metavar="LPAR", help="Of headroom: this LPAR "
                                                       "stays (patterns too), besides those of production.")] = None,
    prices: Annotated[Path | None, typer.Option("--prices", metavar="FILE", help="Your own prices and owners (TOML, "
                                                "docs/remedy.md).")] = None,
    sets: Annotated[int, numeric("--sets", 1, 20, "So many sets, the cheapest that differ.")] = 3,
    not_a_target: NotTargets = None, policy: PolicyFile = None, times: Times, usage: PlannedUsage, solver: Solver,
    out: Out = None, output: Output,
) -> int:
    """What would make it possible: the cheapest changes, as tickets for their owners, and the verified plan after them.

    Example: planner remedy estate.xlsx SN1001C70_p570-1 --return
    """
    from planner.estate.prices import PRICES, read_prices
    from planner.jobs.peak_hours import ALWAYS, period_from
    from planner.jobs.remedy import Remedy, possible, remedy
    from planner.plan.questions import Headroom

    listed = PRICES if prices is None else read_prices(prices)
    if bool(servers) is every or (budget is not None and not every):
        raise UsageError("name servers, or give --all (and --budget with it)")
    chosen = servers or ["all"]
    where = directory(out, "remedy-" + "-".join(file_name(s) for s in sorted(set(chosen))), "the remedy",
                      force=output.force)
    loaded, progress, options, spec = load_estate(estate, policy), working(), times.options(solver), usage.spec()
    needed = period_from(when, usage.calendar(), options.window.end if options.window else history_end(usage.history))

    def asked(*named: str) -> Remedy:
        goal = _goal(list(named), cores, memory, times, not_a_target, measured=spec is not None)
        if isinstance(goal, Headroom):
            goal = goal.replace(critical=tuple(critical or ()), **needed._asdict())
        elif critical or when != ALWAYS:
            raise UsageError("--critical and --when are of headroom: give --cores or --memory")
        return Remedy(loaded, goal, options, spec, listed)

    with stoppable():
        if every:
            from planner.jobs.opening import open_all

            opened = open_all(asked, [s.name for s in loaded.estate.servers], budget, progress)
        else:
            told = remedy(asked(*chosen), sets, progress)
    if progress:
        progress("")
    if every:
        _deliver_all(opened, budget, listed, where, output)
        return 0 if not opened.closed or budget is not None else 4
    _deliver(told, listed, where, output)
    return 0 if told.sets or possible(told.today) else 3 if told.none else 4


def _goal(servers: list[str], cores: str, memory: str, times: Times, not_a_target: list[str] | None, *, measured: bool
          ) -> Evacuate | Headroom:
    """What is asked; raises UsageError."""
    from planner.formats.values import mib_from_gib, units_from_cores
    from planner.plan.choices import By
    from planner.plan.questions import Evacuate, Headroom

    try:
        units, mib = units_from_cores(cores), mib_from_gib(memory)
    except ValueError as error:
        raise UsageError(f"--cores {cores[:40]} --memory {memory[:40]}: {error}") from None
    levels = levels_from(times.firmware_after, come_back=times.come_back)
    if not (units or mib):
        return Evacuate(servers=tuple(servers), come_back=times.come_back, firmware_after=levels,
                        not_targets=tuple(not_a_target or ()))
    if len(servers) > 1:
        raise UsageError("--cores and --memory are headroom on one server: name one")
    return Headroom(server=servers[0], units=units, memory_mib=mib, by=By.BOTH if measured else By.ENTITLEMENT,
                    come_back=times.come_back, firmware_after=levels, not_targets=tuple(not_a_target or ()))


def _deliver_all(told: Opened, budget: int | None, prices: Prices, where: Path, output: Output) -> None:
    """Write what is done once, with the estate after it, and a plan for each server; show it."""
    from planner.estate import saved
    from planner.estate.assemble import Loaded
    from planner.report.output import json_text, within, write_directory
    from planner.report.plan_files import plan_files
    from planner.report.remedy import opened_document, opened_line, opened_page, opened_view

    document = opened_document(told, prices, budget)
    files = {"remedy.json": json_text(document).encode(), "remedy.md": opened_page(told, prices, budget).encode(),
             "estate.json": saved.dump(Loaded(told.estate)).encode()}
    windows = {f"window-{file_name(server)}": {
        **plan_files(s.plan, s.estate), "estate.json": saved.dump(Loaded(s.estate)).encode()}
        for server, s in told.sets.items()}
    try:
        write_directory(where, files | within(windows), force=output.force)
    finally:
        tell(output, lambda: document, lambda: opened_line(told, budget), lambda: opened_view(told, prices, budget))
    tell_more(output, f"\nReports: {where}: {', '.join([*files, *(f'{name}/' for name in windows)])}")


def _deliver(told: Remedied, prices: Prices, where: Path, output: Output) -> None:
    """Write the overview and the directory of each set; show it, also when the disk is full."""
    from planner.estate import saved
    from planner.estate.assemble import Loaded
    from planner.report.output import json_text, within, write_directory
    from planner.report.plan_files import plan_files
    from planner.report.remedy import (
        directory_of,
        remedy_document,
        remedy_line,
        remedy_page,
        remedy_view,
        tickets_page,
    )

    document = remedy_document(told, prices)
    files = {"remedy.json": json_text(document).encode(), "remedy.md": remedy_page(told, prices).encode()}
    sets = {directory_of(n): {
        **plan_files(s.plan, s.estate), "tickets.md": tickets_page(told, n, prices).encode(),
        "estate.json": saved.dump(Loaded(s.estate)).encode()} for n, s in enumerate(told.sets, 1)}
    try:
        write_directory(where, files | within(sets), force=output.force)
    finally:
        tell(output, lambda: document, lambda: remedy_line(told), lambda: remedy_view(told, prices))
    tell_more(output, f"\nReports: {where}: {', '.join([*files, *(f'{name}/' for name in sets)])}")
