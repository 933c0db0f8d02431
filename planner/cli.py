"""The command line: parse, call, print, exit code. Rooms are imported when a command needs them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from planner.estate.assemble import Loaded
    from planner.plan import Plan

app = typer.Typer(
    name="planner", no_args_is_help=True, add_completion=False, rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Plans live moves of LPARs between IBM Power servers, from exported files alone. It never touches a machine.

    ESTATE is anything that holds one: a directory of exports, an estate workbook, a saved estate (JSON).

    Exit codes: 0 done · 1 check or verify found what needs a person · 2 usage or unreadable input · 3 proved
    impossible · 4 no answer in time · 5 the program's own plan failed its replay""",
)

Estate = Annotated[Path, typer.Argument(metavar="ESTATE", help="Directory of exports, workbook, or saved estate.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that were edited.")]
PolicyFile = Annotated[list[Path] | None, typer.Option("--policy", metavar="FILE", help="More policies (TOML); may "
                                                       "be given several times.")]


def _fail(error: Exception) -> int:
    """Say what is wrong on stderr; the exit code."""
    from planner.errors import InputError, PlannerError, ReplayError

    if isinstance(error, (InputError, ReplayError)):
        from planner.report.terminal import console, counts

        err = console(stderr=True)
        what = "This input cannot be used" if isinstance(error, InputError) else (
            "The planner's own plan failed its replay: a defect. Nothing was written")
        err.print(f"[bold red]{what}[/]: {counts(error.findings)}")
        for f in error.findings[:60]:
            err.print(f"  {f}", markup=False, soft_wrap=True)
        if len(error.findings) > 60:
            err.print(f"  … and {len(error.findings) - 60} more", markup=False)
        return error.exit_code
    if isinstance(error, PlannerError):
        sys.stderr.write(f"planner: {error}\n")
        return error.exit_code
    raise error


def _load(estate: Path, policy: list[Path] | None = None) -> Loaded:
    from planner.estate.load import checked, load
    from planner.estate.policy_file import read_policy_file, with_policies

    loaded = load([estate])
    if policy:
        extra = tuple(row for file in policy for row in read_policy_file(file))
        loaded.usable()
        loaded.estate = with_policies(loaded.estate, extra)
        loaded = checked(loaded)
    return loaded.usable()


def _progress() -> Callable[[int, int], None] | None:
    """A line on stderr while many files are read, when somebody watches."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, of: int) -> None:
        if of > 200 and (done % 100 == 0 or done == of):
            sys.stderr.write(f"\rread {done} of {of} files" + ("\n" if done == of else ""))
            sys.stderr.flush()
    return show


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def _show(renderable: Any) -> None:
    from planner.report.terminal import console

    console().print(renderable)


def _command(name: str) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Register a command: its return value is the exit code, what a user can cause becomes a message and a code."""

    def register(function: Callable[..., int]) -> Callable[..., None]:
        @wraps(function)
        def run(*arguments: Any, **options: Any) -> None:
            from planner.errors import PlannerError

            try:
                code = function(*arguments, **options)
                sys.stdout.flush()
            except PlannerError as error:
                code = _fail(error)
            except KeyboardInterrupt:
                sys.stderr.write("planner: interrupted\n")
                code = 130
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                code = 0
            except OSError as error:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                sys.stderr.write(f"planner: the answer cannot be printed: {error.strerror or error}\n")
                code = 2
            raise typer.Exit(code)

        app.command(name)(run)
        return run

    return register


@_command("load")
def load_command(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Directories, exports, workbooks.")],
    out: Annotated[Path | None, typer.Option("--out", help="Estate to write: .xlsx or .json.")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", metavar="FILE", help="What the columns of your own "
                                                 "tables mean (TOML, docs/formats.md).")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Write --out even when facts are missing: fill the coloured "
                                        "cells and load it again.")] = False,
    as_json: Json = False, force: Force = False,
) -> int:
    """What have I got? Reads exports, merges them, lists findings, writes an estate to correct and feed back.

    Example: planner load exports/ --out estate.xlsx
    """
    from planner.errors import InputError, UsageError
    from planner.estate import saved
    from planner.estate.load import load
    from planner.findings import errors
    from planner.plan import finding_json

    if out is not None and out.suffix.lower() not in (".xlsx", ".json"):
        raise UsageError(f"--out {out}: the name must end in .xlsx or .json")
    loaded = load(list(dict.fromkeys(s.resolve() if s.exists() else s for s in sources)), _progress(), mapping)
    wrong = errors(loaded.findings)
    if draft and out is not None and out.suffix.lower() == ".xlsx":
        wrong = tuple(f for f in wrong if f.rule != "input.missing-fact")
    if as_json:
        _print_json({"estate": saved.estate_json(loaded.estate), "kinds": loaded.kinds,
                     "findings": [finding_json(f) for f in loaded.findings]})
    else:
        from planner.report.terminal import loaded_view

        _show(loaded_view(loaded, [f for f in loaded.findings if f not in wrong]))
    if wrong:
        raise InputError(wrong)
    if out is not None:
        from planner.estate.workbook import workbook_bytes
        from planner.report.output import write_file

        data = workbook_bytes(loaded) if out.suffix.lower() == ".xlsx" else saved.dump(loaded).encode()
        write_file(out, data, force=force)
        sys.stderr.write(f"written: {out}\n")
    return 1 if loaded.partial else 0


@_command("check")
def check_command(estate: Estate, policy: PolicyFile = None, as_json: Json = False) -> int:
    """Which LPARs are ready to move at all, and what stands in the way of the others. Exit code 1: some are not.

    Example: planner check estate.xlsx
    """
    from planner.findings import Severity
    from planner.plan import finding_json
    from planner.rules import Judge, Site

    loaded = _load(estate, policy)
    site = Site(loaded.estate)
    judge = Judge(site)
    if as_json:
        rows = []
        for name, server in sorted(site.start.items()):
            found = judge.readiness(name)
            targets = judge.targets(name)
            rows.append({"lpar": name, "server": server, "targets": targets,
                         "ready": bool(targets) and not any(f.severity is Severity.ERROR for f in found),
                         "findings": [finding_json(f) for f in found]})
        _print_json({"lpars": rows, "findings": [finding_json(f) for f in loaded.findings]})
        return 1 if any(not r["ready"] for r in rows) else 0
    from planner.report.terminal import check_view, counts, findings_table

    view, refused = check_view(site, judge)
    _show(view)
    _show(f"\n{len(site.start) - refused} of {len(site.start)} LPARs are ready")
    if loaded.findings:
        _show(counts(loaded.findings))
        _show(findings_table(loaded.findings, 20))
    return 1 if refused else 0


@_command("reach")
def reach_command(
    estate: Estate,
    lpar: Annotated[str | None, typer.Option("--lpar", help="One LPAR: each server with every reason.")] = None,
    server: Annotated[str | None, typer.Option("--server", help="Only this server.")] = None,
    policy: PolicyFile = None, as_json: Json = False,
) -> int:
    """Where could each LPAR go; if not, why not.

    Example: planner reach estate.xlsx --lpar hxaix26
    """
    from planner.errors import UsageError
    from planner.plan import finding_json
    from planner.report import terminal
    from planner.rules import Judge, Site

    site = Site(_load(estate, policy).estate)
    judge = Judge(site)
    if lpar is not None and lpar not in site.lpars:
        raise UsageError(f"no LPAR {lpar!r}; the estate has: {_some(site.lpars)}")
    if server is not None and server not in site.servers:
        raise UsageError(f"no server {server!r}; the estate has: {_some(site.servers)}")
    servers = [server] if server else list(site.servers)
    names = [lpar] if lpar else sorted(site.lpars)
    if as_json:
        _print_json({"lpars": [{"lpar": n, "server": site.lpars[n].server, "targets": {
            s: {"allowed": n in site.start and judge.allowed(n, site.start[n], s),
                "refusals": [finding_json(f) for f in terminal.refusals(site, judge, n, s)]}
            for s in servers if s != site.lpars[n].server}} for n in names]})
    elif lpar and servers == [site.lpars[lpar].server]:
        _show(f"{lpar} is on {servers[0]}")
    elif lpar:
        _show(terminal.reach_detail(site, judge, lpar, servers))
    else:
        _show(terminal.reach_matrix(site, judge, names, servers))
    return 0


def _some(names: Any) -> str:
    shown = list(names)
    return ", ".join(shown[:12]) + (f", … ({len(shown)} in all)" if len(shown) > 12 else "")


@_command("evacuate")
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
    loaded = _load(estate, policy)
    plan = jobs.evacuate(loaded, servers, options, leave or ())
    if out is not None and str(out) in (".", ""):
        raise UsageError("--out: name a directory of its own for the plan")
    where = out or Path("reports") / ("evacuate-" + "-".join(_file_name(s) for s in sorted(set(servers))))
    _deliver(plan, loaded, where, as_json=as_json, force=force)
    return jobs.exit_code(plan, Site(loaded.estate))


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in text).lstrip(".") or "_"


def _deliver(plan: Plan, loaded: Loaded, where: Path, *, as_json: bool, force: bool) -> None:
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
        _print_json(plans.plan_json(plan))
        return
    from planner.report.terminal import plan_view

    _show(plan_view(plan))
    _show(f"\nReports: {where}: {', '.join(files)}")


@_command("verify")
def verify_command(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="plan.json, or the directory that holds it.")],
    estate: Estate, policy: PolicyFile = None, as_json: Json = False,
) -> int:
    """Does this plan hold? Also against an estate exported half-way or after the work. Exit code 1: it does not.

    Example: planner verify reports/evacuate-SN8379A80_p595-2 estate.xlsx
    """
    from planner import plan as plans
    from planner.errors import UsageError
    from planner.plan import finding_json
    from planner.verify import verify_plan

    path = plan_file / "plan.json" if plan_file.is_dir() else plan_file
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no plan.json: give the directory of the plan, or its plan.json") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    plan = plans.parse(text, path.name)
    replay = verify_plan(plan, _load(estate, policy).estate)
    if as_json:
        _print_json({"holds": replay.holds, "findings": [finding_json(f) for f in replay.findings]})
        return 0 if replay.holds else 1
    from planner.report.terminal import counts, findings_table

    verdict = "[bold green]the plan holds[/]" if replay.holds else "[bold red]the plan does NOT hold[/]"
    _show(f"{verdict}: {len(plan.moves)} moves replayed, {counts(replay.findings)}")
    if replay.findings:
        _show(findings_table(replay.findings))
    return 0 if replay.holds else 1


class _Kind(StrEnum):
    """Kinds of host that a collection script is for."""

    HMC = "hmc"
    VIOS = "vios"
    LPAR = "lpar"


@_command("collect")
def collect_command(
    kind: Annotated[_Kind, typer.Argument(help="Kind of host that the script asks.")],
) -> int:
    """Print a shell script of read-only commands whose output `planner load` reads back. It needs no root.

    Example: planner collect hmc > collect-hmc.sh; sh collect-hmc.sh hscroot@hmc1 > exports/hmc1.txt
    """
    from planner.report.collect import script

    sys.stdout.write(script(kind.value))
    return 0


def _version(wanted: bool) -> None:
    if wanted:
        from planner import __version__

        sys.stdout.write(f"planner {__version__}\n")
        raise typer.Exit(0)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
                       ] = False,
) -> None:
    """Options of the command itself; its help is that of the application."""


def main() -> None:
    """The entry point of the ``planner`` command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
