"""Command that answers a grid of scenarios: sweep. Start-up: what it needs it imports when it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.app import command, load_estate, tell, tell_more
from planner.cli.models import ModelFile, models_in, on_cluster, refuse_models_elsewhere
from planner.cli.options import (
    OUTPUT,
    AssumeNothing,
    Estate,
    Hardware,
    Inactive,
    Output,
    PlannedUsage,
    PolicyFile,
    Solver,
    none_beside,
    numeric,
    window_of,
    zone_known,
)
from planner.cli.plans import directory
from planner.errors import UsageError
from planner.units import show_duration

if TYPE_CHECKING:
    from planner.jobs.sweep import Progress, Runner, SweepContext, SweepOutcome
    from planner.plan.questions import UsageBasis
    from planner.report.sweep import SweepResult
    from planner.scenarios.sweep_file import Cell


_WHERE = "Where the cells are answered"


class TableFormat(StrEnum):
    """How the table of cells is written."""

    CSV = "csv"
    PARQUET = "parquet"


@command("sweep")
def sweep_command(
    estate: Estate,
    sweep_file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="A scenario and a grid of parameters "
                                               "(docs/sweep.md).")], *,
    policy: PolicyFile = None, assume_nothing: AssumeNothing = False, inactive: Inactive = True,
    workers: Annotated[int | None, numeric("--workers", 1, 1024, "Processes; one for each processor if not given.",
                                          _WHERE)] = None,
    scheduler: Annotated[str | None, on_cluster("the cells", _WHERE)] = None,
    resume: Annotated[bool, typer.Option("--resume/--fresh", rich_help_panel=_WHERE, help="Use what an earlier run "
                                         "finished in DIR, or answer every cell anew.")] = True,
    hardware: Hardware, usage: PlannedUsage, solver: Solver, write_model: ModelFile = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", rich_help_panel=OUTPUT, help="Where results and finished "
                                      "cells go.")] = Path("reports/sweep"),
    kind: Annotated[TableFormat, typer.Option("--format", rich_help_panel=OUTPUT, help="Table of the cells.")
                    ] = TableFormat.CSV,
    alternatives: Annotated[int | None, none_beside("each cell is an alternative that a person states")] = None,
    output: Output,
) -> int:
    """Many scenarios: every combination of a grid of parameters, on all processors or a Dask cluster.

    Exit code 1: a cell failed (its row says why). What is finished is kept, and used when the command is run again.
    With --write-model every cell is answered anew, one after the other, in this process.

    Example: planner sweep estate.xlsx growth.toml --out reports/sweep --workers 4
    """
    from planner import jobs
    from planner.estate.saved import digest
    from planner.jobs.sweep import SweepContext, planned
    from planner.report.output import refuse_edited
    from planner.report.sweep import require_format, sweep_json, sweep_result
    from planner.scenarios.sweep_file import read_sweep

    directory(out, "", "the results", force=output.force)
    if workers is not None and scheduler is not None:
        raise UsageError("--workers is for this machine; on a cluster its own workers count: give one of --workers and "
                         "--scheduler")
    refuse_models_elsewhere(write_model, scheduler)
    require_format(kind)
    runner = _runner(workers, scheduler, here=write_model is not None)
    refuse_edited(out, {f"results.{kind}": b"", "results.json": b""}, force=output.force)
    refuse_edited(out / "scenarios", {}, force=output.force)
    options = jobs.Options(solver.time_limit, solver.gap, window_of(hardware.window),
                           zone=zone_known(hardware.zone))
    models = hardware.models()
    sweep = read_sweep(sweep_file)
    loaded = load_estate(estate, policy)
    cells = [replace(c, scenario=replace(c.scenario, inactive=inactive, assume_nothing=assume_nothing))
             for c in planned(sweep, loaded, models)]
    context = SweepContext(loaded, options, models, usage.at_all_times(loaded))
    with models_in(write_model, force=output.force):
        outcome = _answered(context, cells, runner, out / "cells", resume=resume and write_model is None)
    result = sweep_result(sweep, cells, outcome)
    document = sweep_json(result, digest(loaded.estate), {
        "time_limit_s": solver.time_limit, "gap": solver.gap, "window": hardware.window,
        "catalogue": hardware.catalogue and hardware.catalogue.name,
        "history": usage.history and usage.history.name})
    _write(result, document, out, kind, output, context.used and context.used.basis)
    return 1 if outcome.failed else 0


def _answered(context: SweepContext, cells: Sequence[Cell], runner: Runner, cells_dir: Path, *,
              resume: bool) -> SweepOutcome:
    from planner.jobs.sweep import Store, run_sweep

    watch = _Watch(cells_dir)
    try:
        outcome = run_sweep(context, cells, runner, Store(cells_dir), resume=resume, progress=watch)
    except KeyboardInterrupt:
        watch.stopped()
        raise
    watch.finished(outcome)
    return outcome


def _write(result: SweepResult, document: dict[str, Any], out: Path, kind: TableFormat, output: Output,
           basis: UsageBasis | None) -> None:
    from planner.report.output import json_text, write_directory
    from planner.report.sweep import table
    from planner.scenarios.sweep_file import scenario_text

    results = f"results.{kind}"
    chosen = [result.rows[n - 1].cell for group in result.frontier for n in group.cells]
    cells = {f"scenarios/cell-{c.number}.toml": scenario_text(result.sweep, c).encode() for c in chosen}
    write_directory(out, {results: table(result, kind), "results.json": json_text(document).encode()} | cells,
                    force=output.force)
    from planner.plan.questions import unseen
    from planner.report.sweep_terminal import sweep_line, sweep_view

    tell(output, lambda: document, lambda: sweep_line(result),
         lambda: sweep_view(result, unseen(basis), whole=output.verbose))
    tell_more(output, f"\nResults: {out}: {results}, results.json; these cells for planner whatif: "
              "scenarios/cell-N.toml")


def _runner(workers: int | None, scheduler: str | None, *, here: bool) -> Runner:
    from planner.jobs.sweep_runners import cores_here, dask_cluster, in_process, process_pool

    if here:
        return in_process
    return process_pool(workers or cores_here()) if scheduler is None else dask_cluster(scheduler)


class _Watch:
    """What is told on stderr: a line of progress to those who watch, and what was kept from before to everyone."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.start, self.last = directory, time.monotonic(), (0, 0)

    def __call__(self, now: Progress) -> None:
        if now.done == now.reused and now.reused:
            sys.stderr.write(f"{now.reused} of {now.of} cells were finished before and are used again\n")
        self.last = (now.done - now.failed, now.of)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{now.done} of {now.of} cells{self._rest(now)}")
            sys.stderr.flush()

    def _rest(self, now: Progress) -> str:
        rest = f", {now.failed} failed" if now.failed else ""
        here = now.done - now.reused
        if here and now.done < now.of:
            rest += f", about {show_duration((time.monotonic() - self.start) / here * (now.of - now.done))} to go"
        return rest

    def _clear(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")

    def stopped(self) -> None:
        """Say what an interrupted sweep leaves."""
        self._clear()
        sys.stderr.write(f"planner: {self.last[0]} of {self.last[1]} cells are finished and kept in {self.directory}; "
                         "the same command goes on from there\n")

    def finished(self, outcome: SweepOutcome) -> None:
        """Clear the line; say what could not be used again."""
        self._clear()
        if outcome.damaged:
            sys.stderr.write(f"{outcome.damaged} files in {self.directory} were damaged or edited; their cells were "
                             "answered anew\n")
