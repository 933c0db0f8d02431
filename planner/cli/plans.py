"""Commands that make plans and verify them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import Estate, Force, Json, PolicyFile, command, load_estate, print_json, show

if TYPE_CHECKING:
    from planner.estate.assemble import Loaded
    from planner.plan import Plan


@command("evacuate")
def evacuate_command(
    estate: Estate,
    servers: Annotated[list[str], typer.Argument(metavar="SERVER...", help="Servers to free.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR",
                                             help="Where the plan goes (default reports/evacuate-SERVER).")] = None,
    window: Annotated[str | None, typer.Option("--window", help='"2026-12-05 22:00/04:00", local time.')] = None,
    come_back: Annotated[bool, typer.Option("--return", help="Plan the way back as well.")] = False,
    work: Annotated[str | None, typer.Option("--work", help="Time for the work before the way back [default: 60m].")
                    ] = None,
    leave: Annotated[list[str] | None, typer.Option("--leave", metavar="LPAR",
                                                    help="Leave this LPAR there (it will be stopped).")] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", min=0.1, help="Seconds for the solver.")] = 60.0,
    gap: Annotated[float, typer.Option("--gap", min=0.0, max=1.0, help="Relative gap that counts as proved.")] = 0.0,
    policy: PolicyFile = None, as_json: Json = False, force: Force = False,
) -> int:
    """Free these servers: a proved placement, a checked order of moves, a runbook and the way back.

    Example: planner evacuate estate.xlsx SN8379A80_p595-2 --window "2026-12-05 22:00/04:00" --return --work 60m
    """
    from planner import jobs
    from planner.errors import UsageError
    from planner.rules import Site

    if work is not None and not come_back:
        raise UsageError("--work is the time before the way back: give --return as well")
    options = jobs.Options(time_limit, gap, None if window is None else jobs.window_from(window), come_back,
                           jobs.span_from(work or "60m"))
    loaded = load_estate(estate, policy)
    plan = jobs.evacuate(loaded, servers, options, leave or ())
    if out is not None and str(out) in (".", ""):
        raise UsageError("--out: name a directory of its own for the plan")
    where = out or Path("reports") / ("evacuate-" + "-".join(file_name(s) for s in sorted(set(servers))))
    deliver(plan, loaded, where, as_json=as_json, force=force)
    return jobs.exit_code(plan, Site(loaded.estate))


def file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in text).lstrip(".") or "_"


def deliver(plan: Plan, loaded: Loaded, where: Path, *, as_json: bool, force: bool) -> None:
    """Write the plan's directory and show the plan."""
    from planner import plan as plans
    from planner.report.output import write_directory

    files = {"plan.json": plans.dump(plan).encode()}
    if plan.verified:
        from planner.report.runbook import runbook
        from planner.report.workbook import plan_workbook

        files["plan.xlsx"] = plan_workbook(plan, loaded.estate)
        files["runbook.md"] = runbook(plan, loaded.estate).encode()
    write_directory(where, files, force=force)
    if as_json:
        print_json(plans.plan_json(plan))
        return
    from planner.report.terminal import plan_view

    show(plan_view(plan))
    show(f"\nReports: {where}: {', '.join(files)}")


def read_plan(plan_file: Path) -> Plan:
    """A plan.json, or the one in a directory; raises UsageError and InputError."""
    from planner import plan as plans
    from planner.errors import UsageError

    path = plan_file / "plan.json" if plan_file.is_dir() else plan_file
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no plan.json: give the directory of the plan, or its plan.json") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    return plans.parse(text, path.name)


@command("verify")
def verify_command(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="plan.json, or the directory that holds it.")],
    estate: Estate, policy: PolicyFile = None, as_json: Json = False,
) -> int:
    """Does this plan hold? Also against an estate exported half-way or after the work. Exit code 1: it does not.

    Example: planner verify reports/evacuate-SN8379A80_p595-2 estate.xlsx
    """
    from planner.plan import finding_json
    from planner.verify import verify_plan

    plan = read_plan(plan_file)
    replay = verify_plan(plan, load_estate(estate, policy).estate)
    if as_json:
        print_json({"holds": replay.holds, "findings": [finding_json(f) for f in replay.findings]})
        return 0 if replay.holds else 1
    from planner.report.terminal import counts, findings_table

    verdict = "[bold green]the plan holds[/]" if replay.holds else "[bold red]the plan does NOT hold[/]"
    show(f"{verdict}: {len(plan.moves)} moves replayed, {counts(replay.findings)}")
    if replay.findings:
        show(findings_table(replay.findings))
    return 0 if replay.holds else 1
