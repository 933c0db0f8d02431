"""Options that commands share: single ones, and groups that a command takes as one parameter (see app.command).

Start-up: what an option stands for is imported when it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.models import OptionInfo

from planner.errors import PlannerError, UsageError
from planner.findings import Severity
from planner.history.calendar import Calendar, month_in
from planner.stopwatch import began

if TYPE_CHECKING:
    from datetime import datetime

    from planner.estate.assemble import Loaded
    from planner.estate.catalogue import Catalogue
    from planner.jobs import Options
    from planner.jobs.peak_hours import UsageGiven, UsageSpec
    from planner.plan.plan import Window as WindowOfTime
    from planner.schedule.lanes import Pacing

_MOST_CLOSED_DAYS, YEAR_S = 366, 366 * 86_400
TIMES, _USAGE, _CALENDAR, _SOLVER, OUTPUT = (
    "Times of the work", "Usage history", "Calendar of the site", "Solver", "Output")



def numeric(name: str, least: float, most: float, text: str, panel: str | None = None, metavar: str = "N"
            ) -> OptionInfo:
    """An option that is a number from ``least`` to ``most``: what is beyond is told with both."""
    option: OptionInfo = typer.Option(name, min=least, max=most, metavar=metavar, rich_help_panel=panel, help=text)
    return option


Estate = Annotated[Path, typer.Argument(metavar="ESTATE", help="Directory of exports, workbook, or saved estate.")]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="plan.json, or the directory that holds it.")]
Json = Annotated[bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print the answer as JSON.")]
Strict = Annotated[Severity | None, typer.Option("--strict", metavar="[SEVERITY]", help="Exit code 2 when the input "
                                                 "has a finding this bad or worse: error, warning, info. Alone: "
                                                 "warning.")]
FindingsFile = Annotated[Path | None, typer.Option("--findings", metavar="FILE", help="Write every finding on the "
                                                   "input, one a row (CSV).")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", rich_help_panel=OUTPUT, help="Where the plan goes "
                                          "[default: reports/COMMAND-NAME].")]
PolicyFile = Annotated[list[Path] | None, typer.Option("--policy", metavar="FILE", help="More policies (TOML); may "
                                                       "be given several times.")]
AssumeNothing = Annotated[bool, typer.Option("--assume-nothing", help="Refuse what would rest on a fact that nobody "
                                             "states.")]
Inactive = Annotated[bool, typer.Option("--inactive/--no-inactive", help="Migrate what is not activated on a server "
                                        "that is retired.")]
Window = Annotated[str | None, typer.Option("--window", rich_help_panel=TIMES,
                                            help='"2026-12-05 22:00/04:00", local time.')]
FirmwareAfter = Annotated[list[str] | None, typer.Option(
    "--firmware-after", metavar="SERVER=LEVEL", rich_help_panel=TIMES, help="The level that a server has once the work "
    "is done: the way back is judged with it; may be given several times.")]
NotTargets = Annotated[list[str] | None, typer.Option(
    "--not-a-target", metavar="SERVER", help="This server takes nobody in; may be given several times.")]
Home = Annotated[Path | None, typer.Option("--home", metavar="PLAN", rich_help_panel=TIMES, help="Bring those home too "
                                           "that this earlier plan has moved away.")]
Zone = Annotated[str, typer.Option("--zone", metavar="ZONE", rich_help_panel=TIMES, help="Of the clock times, such as "
                                   "Europe/Berlin [default: the estate's, else the history's, else this machine's].")]
MappingFile = Annotated[Path | None, typer.Option("--mapping", metavar="FILE", help="What the columns of your own "
                                                  "tables mean (TOML, docs/formats.md).")]
ParameterFile = Annotated[Path | None, typer.Option("--parameters", metavar="FILE", help="Parameters of the cost "
                                                    "model (TOML), as planner calibrate writes it, in place of the "
                                                    "estate's own.")]
#: What every command that loads an estate has: name → option.
OF_INPUT = {"strict": Strict, "findings": FindingsFile, "mapping": MappingFile}
Store = Annotated[Path, typer.Option("--store", metavar="FILE", help="The usage history (one file).")]
HistoryFile = Annotated[Path | None, typer.Option("--history", metavar="FILE", rich_help_panel=_USAGE,
                                                  help="The usage history (made by planner history add).")]
Percentile = Annotated[str, typer.Option("--percentile", metavar="P", help="Percentile of the slots of a bucket.")]


@dataclass(frozen=True, slots=True)
class Shown:
    """How an answer is shown."""

    as_json: Json = False
    verbose: Annotated[bool, typer.Option("--verbose", "-v", rich_help_panel=OUTPUT, help="Show all there is to say: "
                                          "every finding, of a plan how its nights are spread.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Show the one line.")] = False


@dataclass(frozen=True, slots=True)
class Output(Shown):
    """How an answer is given that is written as well."""

    force: Annotated[bool, typer.Option("--force", rich_help_panel=OUTPUT, help="Overwrite files that were edited.")
                     ] = False


@dataclass(frozen=True, slots=True)
class OthersBeside:
    """Which other plans are made beside the first."""

    alternatives: Annotated[int, typer.Option("--alternatives", metavar="N", min=0, max=4, rich_help_panel=OUTPUT,
                                              help="So many other plans at most, verified too: nobody else moves, no "
                                              "production moves, most headroom left, the shortest evening; side by "
                                              "side, each in a directory of its own.")] = 0


def none_beside(why: str) -> Any:
    """The option for other plans of a command that makes none: refused, with the reason."""

    def refused(asked: int | None) -> None:
        if asked is not None:
            raise typer.BadParameter(f"there are none: {why}")

    return typer.Option("--alternatives", metavar="N", min=0, max=4, hidden=True, callback=refused)


@dataclass(frozen=True, slots=True)
class Solver:
    """When the solver may stop."""

    time_limit: Annotated[float, numeric("--time-limit", 0.1, YEAR_S, "Seconds for the command; for each plan, "
                                          "scenario, cell or server where it asks about many.", _SOLVER)] = 60.0
    gap: Annotated[float, numeric("--gap", 0.0, 1.0, "Relative gap that counts as proved.", _SOLVER)] = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How moves are put in time."""

    waves: Annotated[bool, typer.Option("--waves", rich_help_panel=TIMES, help="Moves in barrier waves: the next "
                                        "begins when all of one are over.")] = False
    people: Annotated[int, typer.Option("--people", metavar="N", min=0, max=1000, rich_help_panel=TIMES,
                                        show_default=False, help="So many moves at a time at most, one a "
                                        "person [default: as many as the machines support].")] = 0
    effort: Annotated[float, numeric("--effort", 0.0, 10_000.0, "So many times the usual work on a short order of the "
                                     "moves.", TIMES)] = 1.0
    confidence: Annotated[float, numeric("--confidence", 0.5, 0.999, "The share of nights that must be over in time.",
                                         TIMES)] = 0.9

    def pacing(self) -> Pacing:
        """For a job."""
        from planner.schedule.lanes import Pacing

        return Pacing(self.waves, self.people, self.effort, self.confidence)


@dataclass(frozen=True, slots=True)
class Times(Pace):
    """When the moves happen, and whether they are undone."""

    window: Window = None
    come_back: Annotated[bool, typer.Option("--return", rich_help_panel=TIMES, help="Plan the way back as well.")
                         ] = False
    work: Annotated[str | None, typer.Option("--work", rich_help_panel=TIMES, help="Time for the work before the way "
                                             "back [default: 60m].")] = None
    firmware_after: FirmwareAfter = None
    zone: Zone = ""

    def options(self, solver: Solver, span: WindowOfTime | None = None) -> Options:
        """For a job, with another window if there is one; raises UsageError."""
        from planner.jobs import Options, span_from

        if self.work is not None and not self.come_back:
            raise UsageError("--work is the time before the way back: give --return as well")
        return Options(solver.time_limit, solver.gap, span or window_of(self.window), since=began(),
                       work_s=span_from(self.work or "60m"), zone=zone_known(self.zone),
                       pacing=self.pacing())


@dataclass(frozen=True, slots=True)
class SiteCalendar:
    """Which days are working days, and which of them month-end."""

    country: Annotated[str, typer.Option("--country", metavar="CODE", rich_help_panel=_CALENDAR, help="Country of the "
                                         "holidays (ISO 3166), such as AU. [default: no holidays]")] = ""
    subdivision: Annotated[str, typer.Option("--subdivision", metavar="CODE", rich_help_panel=_CALENDAR,
                                             help="State or region of the holidays, such as VIC.")] = ""
    closed: Annotated[list[str] | None, typer.Option(
        "--closed", metavar="DATE", rich_help_panel=_CALENDAR,
        help="A further day off, 2026-12-24, or several, 2026-12-24/2026-12-31; may be given several times.")] = None
    month_end_last: Annotated[int, numeric("--month-end-last", 0, 15, "Month-end days: so many last working days of a "
                                          "month …", _CALENDAR)] = 3
    month_end_first: Annotated[int, numeric("--month-end-first", 0, 15, "… and so many first ones of the next.",
                                           _CALENDAR)] = 2

    def calendar(self) -> Calendar:
        """The site's calendar; raises UsageError and InputError with all that is wrong."""
        days: set[date] = set()
        wrong = []
        for text in self.closed or ():
            try:
                days |= _days(text)
            except ValueError:
                wrong.append(repr(text))
        if wrong:
            raise UsageError(f"--closed {', '.join(wrong)}: not a day like 2026-12-24, nor days like "
                             f"2026-12-24/2026-12-31 (at most {_MOST_CLOSED_DAYS})")
        return Calendar(self.country.strip().upper(), self.subdivision.strip(), frozenset(days), self.month_end_last,
                        self.month_end_first)


@dataclass(frozen=True, slots=True)
class PlannedUsage(SiteCalendar):
    """Which usage of a history a plan must carry."""

    history: HistoryFile = None
    percentile: Annotated[str, typer.Option("--percentile", metavar="P", rich_help_panel=_USAGE, help="What counts of "
                                            "each LPAR's samples in an hour; 100: its peak.")] = "100"
    months: Annotated[int, numeric("--months", 1, 1200, "So many months back from the history's end.", _USAGE)] = 13
    growth: Annotated[int, numeric("--growth", -90, 1000, "Take so much more usage than was recorded.", _USAGE,
                                  "PERCENT")] = 0

    def spec(self) -> UsageSpec | None:
        """For a job; None without a history. Raises UsageError for options that need one."""
        calendar = self.calendar()
        if self.history is None and self.percentile == "100" and not self.growth:
            return None
        from planner.history.profiles import exact_percentile
        from planner.jobs.peak_hours import UsageSpec

        exact_percentile(self.percentile)
        if self.history is None:
            raise UsageError("--percentile and --growth are of the usage in a history: give --history as well")
        return UsageSpec(self.history, calendar, self.percentile, self.months, self.growth)

    def at_all_times(self, loaded: Loaded) -> UsageGiven | None:
        """What the partitions used in all hours; None without a history."""
        from planner.history.calendar import BUCKETS

        spec = self.spec()
        return None if spec is None else spec.read(loaded.estate, BUCKETS)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What scenarios are built and sized with."""

    catalogue: Annotated[Path | None, typer.Option("--catalogue", metavar="FILE", help="Models of your own (TOML): "
                                                   "added, or in place of those of the same type-model.")] = None
    window: Window = None
    zone: Zone = ""

    def models(self) -> Catalogue:
        """The catalogue of models."""
        from planner.estate.catalogue import CATALOGUE
        from planner.estate.catalogue_file import read_catalogue

        return CATALOGUE if self.catalogue is None else read_catalogue(self.catalogue)


def levels_from(texts: list[str] | None, *, come_back: bool) -> dict[str, str]:
    """``SERVER=LEVEL`` each, by server; raises UsageError."""
    levels: dict[str, str] = {}
    for text in texts or ():
        server, _, level = (part.strip() for part in text.rpartition("="))
        if not server or not level:
            raise UsageError(f"--firmware-after {text!r} is not like SERVER=LEVEL, such as p570-1=EM350_085")
        if levels.setdefault(server, level) != level:
            raise UsageError(f"--firmware-after: {server} is to have {levels[server]} and {level}")
    if levels and not come_back:
        raise UsageError("--firmware-after is for the way back: give --return as well")
    return levels


def homes_from(plan: Path | None, loaded: Loaded, where: Path, *, come_back: bool) -> dict[str, str]:
    """LPAR → where it stood before an earlier plan: that one, else the one in ``where``, which the new one replaces, as
    far as it was carried out. Raises UsageError without a way back."""
    from planner.jobs.homes import homes_of, moved_away
    from planner.plan.plan import read_plan

    if plan is not None and not come_back:
        raise UsageError("--home is for the way back: give --return as well")
    if plan is not None:
        return homes_of(read_plan(plan), loaded.estate)
    try:
        return moved_away(read_plan(where), loaded.estate) if come_back else {}
    except PlannerError:  # none is there, or one of another estate
        return {}


def zone_known(name: str) -> str:
    """The name of a zone, as typed; raises InputError when there is no such zone."""
    from planner.history.zones import zone_of

    return zone_of(name.strip()).key if name else ""


def window_of(text: str | None, option: str = "--window") -> WindowOfTime | None:
    """A window as it is typed; None where none is. Raises UsageError."""
    from planner.jobs import window_from

    return None if text is None else window_from(text, option)


def history_end(history: Path | None) -> datetime | None:
    """The local time of a history's last sample; None without one."""
    from planner.history.store import History

    if history is None:
        return None
    with History.open(history, read_only=True) as store:
        extent = store.extent()
        return store.clock().local(extent[1]) if extent else None


def _days(text: str) -> set[date]:
    first, _, last = text.partition("/")
    begin = date.fromisoformat(first.strip())
    count = (date.fromisoformat(last.strip()) - begin).days + 1 if last else 1
    if not 1 <= count <= _MOST_CLOSED_DAYS:
        raise ValueError(text)
    return {begin + timedelta(days=n) for n in range(count)}


def month_from(text: str, option: str = "--month") -> tuple[int, int]:
    """``2026-11`` as (year, month); raises UsageError."""
    month = month_in(text)
    if month is None:
        raise UsageError(f"{option} {text!r} is not a month like 2026-11")
    return month
