"""Command for every morning: readiness. Start-up: what it needs it imports when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import command, load_estate, tell, tell_more
from planner.cli.options import OUTPUT, AssumeNothing, Estate, Output, PlannedUsage, PolicyFile, Solver
from planner.cli.plans import directory
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.estate.assemble import Loaded
    from planner.estate.model import Estate as EstateOfThen
    from planner.jobs.readiness.figures import ReadinessDocument


@command("readiness")
def readiness_command(
    estate: Estate, *,
    since: Annotated[Path | None, typer.Option("--since", metavar="OLD_ESTATE", help="What got worse and better since "
                                               "then, and by which fact: an estate, or the directory that an earlier "
                                               "run wrote (--out), also when this run replaces it.")] = None,
    policy: PolicyFile = None, assume_nothing: AssumeNothing = False,
    inactive: Annotated[bool, typer.Option("--inactive", help="LPARs that are not activated leave a server as well, "
                                           "each by an inactive migration.")] = False,
    usage: PlannedUsage, solver: Solver,
    remedies: Annotated[bool | None, typer.Option("--remedies/--no-remedies", show_default=False, help="Also the "
                                                  "cheapest changes with which a server could be freed [default: where "
                                                  "the site is small].")] = None,
    prometheus: Annotated[Path | None, typer.Option("--prometheus", metavar="FILE", rich_help_panel=OUTPUT,
                                                    help="Also write the figures as Prometheus reads them: .prom, for "
                                                    "the textfile collector of its node exporter.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", rich_help_panel=OUTPUT, help="Write page, "
                                             "workbook, JSON and metrics there.")] = None,
    output: Output,
) -> int:
    """Can each server be freed today, for how long an evening; what restarts where when one dies; on what it hangs.

    Made for every morning: exit code 1 when something got worse --since then, 0 when not, or when nothing is compared.

    Example: planner readiness exports/ --since reports/readiness --out reports/readiness
    """
    from planner.jobs.common import Options
    from planner.jobs.readiness.entry import Morning, earlier_document, readiness
    from planner.plan.wire import as_json
    from planner.report.output import write_file
    from planner.report.readiness_metrics import metrics
    from planner.report.readiness_terminal import readiness_line, readiness_view

    if out is not None:
        directory(out, "", "the reports", force=output.force)
    if prometheus is not None and prometheus.suffix != ".prom":
        raise UsageError(f"--prometheus {prometheus}: the name must end in .prom")
    loaded = load_estate(estate, policy)
    then = None if since is None else _earlier(since, policy)
    if then is not None and not {s.name for s in then.servers} & {s.name for s in loaded.estate.servers}:
        raise UsageError(f"--since {since}: none of its servers is in {estate}: it is another site's")
    document = readiness(loaded, Options(solver.time_limit, solver.gap), Morning(
        assume_nothing, remedies, usage.spec(), inactive), since=then, name=str(since or ""),
        document=None if since is None else earlier_document(since / "readiness.json"))
    try:
        if out is not None:
            _write(document, loaded, out, force=output.force)
        if prometheus is not None:
            write_file(prometheus, metrics(document).encode(), force=True)
    finally:
        tell(output, lambda: as_json(document), lambda: readiness_line(document),
             lambda: readiness_view(document, whole=output.verbose))
    if out is not None:
        tell_more(output, f"\nReports: {out}: readiness.json, readiness.xlsx, readiness.html, readiness.prom, "
                  "estate.json")
    return 1 if document.worse else 0


def _earlier(since: Path, policy: list[Path] | None) -> EstateOfThen:
    """The estate of then: of a directory that an earlier run wrote as it was, policies included."""
    from planner.estate.policy_file import loaded

    saved = since / "estate.json"
    if (since / "readiness.json").is_file() and saved.is_file():
        return loaded([saved], of_then=True).estate
    return load_estate(since, policy, of_then=True).estate


def _write(document: ReadinessDocument, loaded: Loaded, out: Path, *, force: bool) -> None:
    from planner.estate import saved
    from planner.plan.wire import as_json
    from planner.report.output import json_text, write_directory
    from planner.report.readiness_metrics import metrics
    from planner.report.readiness_page import readiness_page
    from planner.report.readiness_workbook import readiness_workbook

    write_directory(out, {
        "readiness.json": json_text(as_json(document)).encode(), "readiness.xlsx": readiness_workbook(document),
        "readiness.html": readiness_page(document).encode(), "readiness.prom": metrics(document).encode(),
        "estate.json": saved.dump(loaded).encode()},
        force=force)
