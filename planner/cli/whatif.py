"""Command that answers scenarios: whatif. Start-up: what it needs it imports when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.app import command, load_estate, tell, tell_more
from planner.cli.models import ModelFile, models_in
from planner.cli.options import (
    OUTPUT,
    AssumeNothing,
    Estate,
    Hardware,
    Inactive,
    OthersBeside,
    Output,
    PlannedUsage,
    PolicyFile,
    Solver,
    window_of,
    zone_known,
)
from planner.cli.plans import directory, told_within
from planner.errors import InputError
from planner.findings import Finding

if TYPE_CHECKING:
    from planner.estate.assemble import Loaded
    from planner.jobs.scenario_result import ScenarioResult
    from planner.report.whatif_json import WhatifDocument


@command("whatif")
def whatif_command(
    estate: Estate,
    scenarios: Annotated[list[Path], typer.Argument(metavar="SCENARIO.toml...", help="Scenario files "
                                                    "(docs/whatif.md).")], *,
    policy: PolicyFile = None, assume_nothing: AssumeNothing = False, inactive: Inactive = True,
    hardware: Hardware, usage: PlannedUsage, solver: Solver, write_model: ModelFile = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", rich_help_panel=OUTPUT, help="Where the reports go.")
                   ] = Path("reports/whatif"),
    others: OthersBeside, output: Output,
) -> int:
    """Other hardware, growth, policies: scenarios side by side, with the way there.

    Example: planner whatif estate.xlsx power7.toml growth.toml --out reports/whatif
    """
    from planner import jobs
    from planner.estate.saved import digest
    from planner.jobs.whatif import exit_code, today, with_alternatives
    from planner.plan.wire import as_json
    from planner.report.whatif_json import whatif_document
    from planner.report.whatif_terminal import whatif_line, whatif_view
    from planner.scenarios.file import read_scenarios

    directory(out, "", "the reports", force=output.force)
    models = hardware.models()
    asked = [replace(s, inactive=inactive, assume_nothing=assume_nothing) for s in read_scenarios(scenarios)]
    loaded = load_estate(estate, policy)
    _suits(loaded, asked, models)
    options = jobs.Options(solver.time_limit, solver.gap, window_of(hardware.window),
                           zone=zone_known(hardware.zone))
    used = usage.at_all_times(loaded)
    results = [today(loaded, asked[0], models, used)]
    with models_in(write_model, force=output.force):
        for number, scenario in enumerate(asked, 1):
            if sys.stderr.isatty():
                sys.stderr.write(f"\r\033[Kscenario {number} of {len(asked)}: {scenario.name}")
            results.append(with_alternatives(loaded, scenario, options, models, used, others.alternatives))
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    document = whatif_document(results, digest(loaded.estate), used and used.basis)
    try:
        _write(results, document, out, force=output.force)
    finally:
        tell(output, lambda: as_json(document), lambda: whatif_line(document),
             lambda: whatif_view(document, whole=output.verbose))
    tell_more(output, f"\nReports: {out}: whatif.json, whatif.xlsx, whatif.html"
              + "".join(f", {s.directory}/{told_within(s.beside)}" for s in document.scenarios if s.directory))
    return exit_code(results)


def _suits(loaded: Loaded, scenarios: Sequence[Any], catalogue: Any) -> None:
    """Raises InputError with everything that does not suit the estate, of all scenarios together."""
    from planner.jobs.whatif import on_arrival

    problems: list[Finding] = []
    for scenario in scenarios:
        try:
            on_arrival(loaded, scenario, catalogue)
        except InputError as error:
            problems += error.findings
    if problems:
        raise InputError(problems)


def _write(results: Sequence[ScenarioResult], document: WhatifDocument, out: Path, *, force: bool) -> None:
    from planner.plan.wire import as_json
    from planner.report.beside import directory_files
    from planner.report.output import json_text, within, write_directory
    from planner.report.whatif_page import whatif_page
    from planner.report.whatif_workbook import whatif_workbook

    files = {"whatif.json": json_text(as_json(document)).encode(), "whatif.xlsx": whatif_workbook(document),
             "whatif.html": whatif_page(document).encode()}
    for result, scenario in zip(results, document.scenarios, strict=True):
        if result.plan is not None and result.estate is not None and scenario.directory:
            files |= within({scenario.directory: directory_files(result.plan, result.estate, result.beside)})
    write_directory(out, files, force=force)
