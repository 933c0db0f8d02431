"""What every command shares: the application, common options, how answers and errors are shown.

Start-up: reports are imported when there is something to show.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import wraps
from importlib import import_module
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_type_hints

import typer
from typer.core import TyperGroup
from typer.main import get_group

from planner import __version__
from planner.cli.options import OF_INPUT, ParameterFile, Shown
from planner.errors import InputError, PlannerError, ReplayError, UsageError
from planner.findings import Finding, as_bad_as, gathered
from planner.stopwatch import exit_code
from planner.units import many

if TYPE_CHECKING:
    from planner.estate.assemble import Loaded
    from planner.report.file_bar import FileBar

_MODULES = {
    "load": "estates", "check": "estates", "reach": "estates", "explain": "explain",
    "collect": "estates", "evacuate": "plans",
    "headroom": "plans", "consolidate": "consolidate", "whatif": "whatif", "sweep": "sweep", "history": "history",
    "capacity": "capacity", "verify": "plans",
    "resume": "resume", "remedy": "remedy", "campaign": "campaign", "calibrate": "calibrate",
    "readiness": "readiness"}
"""The module of each command, in the order in which people come to need them."""


_FEW_FILES = 200
_SEVERITIES = (["error"], ["warning"], ["info"])


class _Commands(TyperGroup):
    """The commands; a module of theirs is imported when one of its commands is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """By that order."""
        self._import(*_MODULES.values())
        return [name for name in _MODULES if name in self.commands]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name in _MODULES and cmd_name not in self.commands:
            self._import(_MODULES[cmd_name])
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """``--strict`` alone is ``--strict warning``; what follows it is a severity or something of its own."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [
            "--strict=warning" if one == "--strict" and at < end and args[at + 1:at + 2] not in _SEVERITIES else one
            for at, one in enumerate(args)])

    def _import(self, *modules: str) -> None:
        for module in dict.fromkeys(modules):
            import_module(f"planner.cli.{module}")
        self.commands.update(get_group(app).commands)


app = typer.Typer(
    cls=_Commands, name="planner", no_args_is_help=True, rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Plans live moves of LPARs between IBM Power servers, from exported files alone. It never touches a machine.

    ESTATE is anything that holds one: a directory of exports, an estate workbook, a saved estate (JSON).

    Exit codes: 0 done · 1 check, verify or resume found what needs a person · 2 usage or unreadable input · 3 proved
    impossible · 4 no answer in time or from what was exported, or no plan that fits the window · 5 the program's own
    plan failed its replay""",
)


def fail(error: Exception) -> int:
    """Say what is wrong on stderr; the exit code."""
    if isinstance(error, InputError):
        try:
            write_findings(error.findings)
        except PlannerError as unwritten:
            sys.stderr.write(f"planner: {unwritten}\n")
    if isinstance(error, (InputError, ReplayError)):
        from planner.report.terminal import console, counts

        err = console(stderr=True)
        what = "This input cannot be used" if isinstance(error, InputError) else (
            "The planner's own plan failed its replay: a defect. Nothing was written")
        err.print(f"[bold red]{what}[/]: {counts(error.findings)}")
        shown = gathered(error.findings)
        for f in shown[:60]:
            err.print(f"  {f}", markup=False, soft_wrap=True)
        if len(shown) > 60:
            err.print(f"  … and {len(shown) - 60} more", markup=False)
        return error.exit_code
    if isinstance(error, PlannerError):
        sys.stderr.write(f"planner: {error}\n")
        return error.exit_code
    raise error


def load_estate(estate: Path, policy: list[Path] | None = None, *, of_then: bool = False) -> Loaded:
    from planner.estate.policy_file import loaded

    if estate.is_dir() and (estate / "plan.json").is_file():
        raise UsageError(f"{estate} holds a plan (plan.json), and no estate: give the estate of which it was made; "
                         "explain takes the plan besides, by --plan")
    merged = loaded([estate], policy or (), progress(), _asked.get("mapping"), _asked.get("parameters"),
                    of_then=of_then)
    strictly(merged.findings)
    return merged


_asked: dict[str, Any] = {}


def strictly(findings: Sequence[Finding]) -> None:
    """Raises UsageError when --strict was given and a finding is as bad as it says, or worse."""
    write_findings(findings)
    least = _asked.get("strict")
    bad = as_bad_as(findings, least) if least else []
    if bad:
        raise UsageError(f"--strict {least}: {many(len(bad), 'finding')} of that severity or "
                         f"worse, the first: {bad[0]}")


def write_findings(findings: Sequence[Finding]) -> None:
    """All of them into the file that --findings names, once."""
    path = _asked.pop("findings", None)
    if path is None:
        return
    from planner.report import output

    output.write_findings(path, findings)
    sys.stderr.write(f"written: {path}\n")


def _watched(line: Callable[..., str]) -> Callable[..., None] | None:
    """What writes a line on stderr, made of what it is told, when somebody watches."""
    def tell(*said: Any) -> None:
        sys.stderr.write(line(*said))
        sys.stderr.flush()
    return tell if sys.stderr.isatty() else None


def progress() -> Callable[[int, int], None] | None:
    """A bar of how many of many files are read, when somebody watches."""
    bars: list[FileBar] = []

    def at(done: int, of: int) -> None:
        from planner.report.file_bar import FileBar  # start-up: for many files alone

        if not bars:
            bars.append(FileBar(of))
        bars[0].at(done)

    return (lambda done, of: at(done, of) if of > _FEW_FILES else None) if sys.stderr.isatty() else None


def months_progress() -> Callable[[int, int], None] | None:
    """Told how many of the months are looked at."""
    return _watched(lambda done, of: f"\r\033[K{done} of {of} months" if done < of else "\r\033[K")


def working() -> Callable[[str], None] | None:
    """Told what is being worked on; no text takes the line away."""
    return _watched(lambda text: f"\r\033[K{text} …" if text else "\r\033[K")


def print_json(value: Any) -> None:
    from planner.report.output import json_text

    sys.stdout.write(json_text(value))


def show(renderable: Any) -> None:
    from planner.report.terminal import console

    console().print(renderable)


def tell(shown: Shown, document: Callable[[], Any], line: Callable[[], str], view: Callable[[], Any]) -> None:
    """The answer as it was asked for: its ``document`` as JSON, its one ``line`` (-q), or its ``view``."""
    if shown.as_json:
        print_json(document())
    elif shown.quiet:
        from planner.names import shown as seen

        sys.stdout.write(f"{seen(line())}\n")
    else:
        show(view())


def tell_more(shown: Shown, *lines: str) -> None:
    """What stands below an answer that is shown whole, such as where its files are."""
    if not (shown.as_json or shown.quiet):
        from planner.report.seen import Text

        for one in lines:
            show(Text(one))


def _groups(function: Callable[..., int]) -> tuple[dict[str, type], list[Parameter]]:
    """The groups of options among a command's parameters, and all parameters with the groups' fields in their place."""
    hints = get_type_hints(function, include_extras=True)
    groups, parameters = {}, []
    for one in signature(function).parameters.values():
        kind = hints[one.name]
        if is_dataclass(kind):
            groups[one.name] = cast(type, kind)
            of = get_type_hints(kind, include_extras=True)
            parameters += [Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=of[f.name])
                           for f in fields(kind)]
        else:
            parameters.append(one.replace(kind=Parameter.KEYWORD_ONLY, annotation=kind))
    return groups, parameters


def command(name: str, to: typer.Typer = app) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Register a command: its return value is the exit code, what a user can cause becomes a message and a code.

    A parameter whose type is a dataclass stands for the options that its fields declare. ``to``: the application of a
    group of commands, such as ``planner history``.
    """

    def register(function: Callable[..., int]) -> Callable[..., None]:
        groups, parameters = _groups(function)
        own = {p.name for p in parameters}
        if function.__name__ == "load_command" or any(p.name == "estate" for p in parameters):
            more = OF_INPUT | ({"parameters": ParameterFile} if "policy" in own else {})
            parameters += [Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
                           for name, kind in more.items() if name not in own]

        @wraps(function)
        def run(**options: Any) -> None:
            _asked.update({name: options[name] if name in own else options.pop(name, None)
                           for name in (*OF_INPUT, "parameters")})
            for group, kind in groups.items():
                options[group] = kind(**{f.name: options.pop(f.name) for f in fields(kind)})
            try:
                code = function(**options)
                sys.stdout.flush()
            except PlannerError as error:
                code = fail(error)
            except KeyboardInterrupt:
                sys.stderr.write("planner: interrupted\n")
                code = exit_code()
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                code = 0
            except OSError as error:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                sys.stderr.write(f"planner: the answer cannot be printed: {error.strerror or error}\n")
                code = 2
            raise typer.Exit(code)

        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        to.command(name)(run)
        return run

    return register


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"planner {__version__}\n")
        raise typer.Exit(0)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
                       ] = False,
) -> None:
    """Options of the command itself; its help is that of the application."""
