"""``planner campaign``. Start-up: what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import command, load_estate, tell, tell_more, working
from planner.cli.options import (
    TIMES,
    AssumeNothing,
    Estate,
    OthersBeside,
    Out,
    Output,
    PlannedUsage,
    PolicyFile,
    Solver,
    Zone,
    zone_known,
)
from planner.cli.plans import directory, file_name, told_within
from planner.stopwatch import stoppable

if TYPE_CHECKING:
    from planner.jobs.campaign import CampaignResult
    from planner.report.campaign_json import CampaignDocument


@command("campaign")
def campaign_command(
    estate: Estate,
    file: Annotated[Path, typer.Argument(metavar="CAMPAIGN.toml", help="Servers, work, windows and freezes "
                                         "(docs/campaign.md).")], *,
    every: Annotated[bool, typer.Option("--all", help="All servers of the estate: those without a row of work get the "
                                        "file's default.")] = False,
    people: Annotated[int, typer.Option("--people", metavar="N", min=0, max=1000, rich_help_panel=TIMES,
                                        show_default=False, help="So many moves at a time at most, one a "
                                        "person [default: as many as the machines support].")] = 0,
    zone: Zone = "", policy: PolicyFile = None, assume_nothing: AssumeNothing = False, usage: PlannedUsage,
    solver: Solver, out: Out = None, others: OthersBeside, output: Output,
) -> int:
    """Several servers emptied and worked on over several windows: order, windows, a checked plan for each.

    Example: planner campaign estate.xlsx campaign.toml --out reports/campaign-firmware
    """
    from planner import jobs
    from planner.jobs.campaign import campaign
    from planner.plan.wire import as_json
    from planner.report.campaign_json import campaign_document
    from planner.report.campaign_terminal import campaign_line, campaign_view
    from planner.scenarios.campaign_file import read_campaign
    from planner.schedule.lanes import Pacing

    where = directory(out, f"campaign-{file_name(file.stem)}", "the campaign", force=output.force)
    loaded = load_estate(estate, policy)
    asked = read_campaign(file, loaded.estate, every=every)
    options = jobs.Options(solver.time_limit, solver.gap, zone=zone_known(zone), pacing=Pacing(people=people))
    progress = working()
    with stoppable():
        result = campaign(loaded, asked, options, usage.spec(), assume_nothing=assume_nothing, progress=progress,
                          others=others.alternatives)
    if progress:
        progress("")
    document = campaign_document(result)
    try:
        names = _write(result, document, where, force=output.force)
    finally:
        tell(output, lambda: as_json(document), lambda: campaign_line(document),
             lambda: campaign_view(document, whole=output.verbose))
    tell_more(output, f"\nReports: {where}: {', '.join(names)}")
    return result.exit_code


def _write(result: CampaignResult, document: CampaignDocument, where: Path, *, force: bool) -> list[str]:
    """The overview, and for each step a plan's directory with the estate that it begins in."""
    from planner.report.beside import directory_files
    from planner.report.campaign_files import campaign_overview
    from planner.report.output import within, write_directory

    overview = campaign_overview(document)
    files = dict(overview)
    for line, step in zip(document.steps, result.steps, strict=True):
        if step.plan is not None:
            files |= within({line.directory: directory_files(step.plan, step.estate, step.beside)})
    write_directory(where, files, force=force)
    return [*overview, *(f"{line.directory}/{told_within(line.beside)}" for line in document.steps if line.directory)]
