"""Command that answers scenarios: whatif."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.app import Estate, Force, Json, PolicyFile, command, load_estate, print_json, show
from planner.cli.plans import directory

if TYPE_CHECKING:
    from planner.estate.assemble import Loaded
    from planner.findings import Finding
    from planner.jobs.whatif import ScenarioResult


@command("whatif")
def whatif_command(
    estate: Estate,
    scenarios: Annotated[list[Path], typer.Argument(metavar="SCENARIO.toml...", help="Scenario files "
                                                    "(docs/whatif.md).")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the reports go.")] = Path("reports/whatif"),
    catalogue: Annotated[Path | None, typer.Option("--catalogue", metavar="FILE", help="Models of your own (TOML): "
                                                   "added, or in place of those of the same type-model.")] = None,
    window: Annotated[str | None, typer.Option("--window", help='"2026-12-05 22:00/04:00", local time.')] = None,
    history: Annotated[Path | None, typer.Option("--history", metavar="FILE", help="Usage history: virtual processors "
                                                 "follow each LPAR's peak.")] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", min=0.1, help="Seconds for the solver, a scenario.")
                          ] = 60.0,
    gap: Annotated[float, typer.Option("--gap", min=0.0, max=1.0, help="Relative gap that counts as proved.")] = 0.0,
    policy: PolicyFile = None, as_json: Json = False, force: Force = False,
) -> int:
    """Other hardware, growth, policies: scenarios side by side, with the way there.

    Example: planner whatif estate.xlsx power7.toml growth.toml --out reports/whatif
    """
    from planner import jobs
    from planner.estate.catalogue import CATALOGUE
    from planner.estate.catalogue_file import read_catalogue
    from planner.estate.saved import digest
    from planner.jobs.whatif import exit_code, today, whatif
    from planner.report.whatif_json import whatif_json
    from planner.scenarios.file import read_scenarios

    directory(out, "", "the reports")
    models = CATALOGUE if catalogue is None else read_catalogue(catalogue)
    asked = read_scenarios(scenarios)
    loaded = load_estate(estate, policy)
    _suits(loaded, asked, models)
    options = jobs.Options(time_limit, gap, None if window is None else jobs.window_from(window))
    peaks = None if history is None else peaks_of(loaded, history)
    results = [today(loaded, asked[0], models)]
    for number, scenario in enumerate(asked, 1):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[Kscenario {number} of {len(asked)}: {scenario.name}")
        results.append(whatif(loaded, scenario, options, models, peaks))
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    document = whatif_json(results, digest(loaded.estate))
    _write(results, document, out, force=force)
    if as_json:
        print_json(document)
    else:
        from planner.report.whatif_terminal import whatif_view

        show(whatif_view(document))
        show(f"\nReports: {out}: whatif.json, whatif.xlsx, whatif.html"
             + "".join(f", {s['plan']}/" for s in document["scenarios"] if s["plan"]))
    return exit_code(results)


def _suits(loaded: Loaded, scenarios: Sequence[Any], catalogue: Any) -> None:
    """Raises InputError with everything that does not suit the estate, of all scenarios together."""
    from planner.errors import InputError
    from planner.jobs.whatif import on_arrival

    found: list[Finding] = []
    for scenario in scenarios:
        try:
            on_arrival(loaded, scenario, catalogue)
        except InputError as error:
            found += error.findings
    if found:
        raise InputError(found)


def peaks_of(loaded: Loaded, path: Path) -> dict[str, int]:
    """Highest mean of five minutes of each LPAR that the history knows, in thousandths of a core."""
    from planner.history.store import History

    with History.open(path, read_only=True) as history:
        extent = history.extent()
        known = set(history.names())
        names = [p.name for p in loaded.estate.lpars if p.name in known]
        if extent is None or not names:
            return {}
        grid = history.grid(names, *extent)
    highest = grid.physc.max(axis=1, initial=-1).tolist()
    return {name: peak for name, peak in zip(names, highest, strict=True) if peak >= 0}


def _write(results: Sequence[ScenarioResult], document: dict[str, Any], out: Path, *, force: bool) -> None:
    from planner.estate import saved
    from planner.estate.assemble import Loaded
    from planner.plan import plan as plans
    from planner.report.output import write_directory
    from planner.report.runbook import runbook
    from planner.report.whatif_json import dump
    from planner.report.whatif_page import whatif_page
    from planner.report.whatif_workbook import whatif_workbook
    from planner.report.workbook import plan_workbook

    write_directory(out, {"whatif.json": dump(document).encode(), "whatif.xlsx": whatif_workbook(document),
                          "whatif.html": whatif_page(document).encode()}, force=force)
    for result, scenario in zip(results, document["scenarios"], strict=True):
        if result.plan is not None and result.estate is not None:
            write_directory(out / scenario["plan"], {
                "plan.json": plans.dump(result.plan).encode(),
                "plan.xlsx": plan_workbook(result.plan, result.estate),
                "runbook.md": runbook(result.plan, result.estate).encode(),
                "estate.json": saved.dump(Loaded(result.estate)).encode()}, force=force)
