"""The command that says what would make a goal possible. Start-up: it imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import command, load_estate, print_json, show, working
from planner.cli.options import (
    Estate,
    NotTargets,
    Out,
    Output,
    PlannedUsage,
    PolicyFile,
    Solver,
    Times,
    levels_from,
)
from planner.cli.plans import directory, file_name
from planner.errors import UsageError
from planner.stopwatch import stoppable

if TYPE_CHECKING:
    from planner.estate.prices import Prices
    from planner.jobs.remedy import Remedied
    from planner.plan.questions import Evacuate, Headroom


@command("remedy")
def remedy_command(
    estate: Estate,
    servers: Annotated[list[str], typer.Argument(metavar="SERVER...", help="Servers to free; with --cores or --memory "
                                                 "the one on which headroom is made.")], *,
    cores: Annotated[str, typer.Option("--cores", metavar="N", help="Headroom instead, this much.")] = "0",
    memory: Annotated[str, typer.Option("--memory", metavar="GiB", help="Memory of the headroom.")] = "0",
    prices: Annotated[Path | None, typer.Option("--prices", metavar="FILE", help="Your own prices and owners (TOML, "
                                                "docs/remedy.md).")] = None,
    sets: Annotated[int, typer.Option("--sets", min=1, max=20, help="So many sets, the cheapest that differ.")] = 3,
    not_a_target: NotTargets = None, policy: PolicyFile = None, times: Times, usage: PlannedUsage, solver: Solver,
    out: Out = None, output: Output,
) -> int:
    """What would make it possible: the cheapest changes, as tickets for their owners, and the verified plan after them.

    Example: planner remedy estate.xlsx SN1001C70_p570-1 --return
    """
    from planner.estate.prices import PRICES, read_prices
    from planner.jobs.remedy import Remedy, possible, remedy

    listed = PRICES if prices is None else read_prices(prices)
    goal = _goal(servers, cores, memory, times, not_a_target)
    where = directory(out, "remedy-" + "-".join(file_name(s) for s in sorted(set(servers))), "the remedy",
                      force=output.force)
    asked = Remedy(load_estate(estate, policy), goal, times.options(solver), usage.spec(), listed)
    progress = working()
    with stoppable():
        told = remedy(asked, sets, progress)
    if progress:
        progress("")
    _deliver(told, listed, where, output)
    return 0 if told.sets or possible(told.today) else 3 if told.none else 4


def _goal(servers: list[str], cores: str, memory: str, times: Times, not_a_target: list[str] | None
          ) -> Evacuate | Headroom:
    """What is asked; raises UsageError."""
    from planner.formats.values import mib_from_gib, units_from_cores
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
    return Headroom(server=servers[0], units=units, memory_mib=mib, come_back=times.come_back, firmware_after=levels,
                    not_targets=tuple(not_a_target or ()))


def _deliver(told: Remedied, prices: Prices, where: Path, output: Output) -> None:
    """Write the overview and the directory of each set; show it, also when the disk is full."""
    from planner.estate import saved
    from planner.estate.assemble import Loaded
    from planner.report.output import json_text, write_directory
    from planner.report.plan_files import plan_files
    from planner.report.remedy import directory_of, remedy_document, remedy_page, remedy_view, tickets_page

    document = remedy_document(told, prices)
    files = {"remedy.json": json_text(document).encode(), "remedy.md": remedy_page(told, prices).encode()}
    try:
        write_directory(where, files, force=output.force)
        for n, s in enumerate(told.sets, 1):
            write_directory(where / directory_of(n), {
                **plan_files(s.plan, s.estate), "tickets.md": tickets_page(told, n, prices).encode(),
                "estate.json": saved.dump(Loaded(s.estate)).encode()}, force=output.force)
    finally:
        if output.as_json:
            print_json(document)
        else:
            show(remedy_view(told, prices))
    if not output.as_json:
        show(f"\nReports: {where}: {', '.join([*files, *(f'{directory_of(n + 1)}/' for n in range(len(told.sets)))])}")
