"""Commands on the usage history: history add, show, forget, forecast. Start-up: each imports what it needs when run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import app, command, load_estate, months_progress, tell
from planner.cli.options import MappingFile, Percentile, PolicyFile, Shown, SiteCalendar, Store, month_from, numeric
from planner.errors import UsageError
from planner.findings import errors, finding_json
from planner.history.calendar import Calendar
from planner.names import named

if TYPE_CHECKING:
    from planner.formats.open import Document
    from planner.history.store import History

history_app = typer.Typer(
    name="history", no_args_is_help=True, rich_markup_mode="markdown",
    help="Usage over months, in one file: nmon, lparstat, lslparutil, HMC Scanner, tables. See docs/history.md.")
app.add_typer(history_app)

_CLOCKLESS = "lparstat, which prints no clock"


@command("add", history_app)
def add_command(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Files or directories with usage.")],
    store: Store, *,
    zone: Annotated[str | None, typer.Option("--zone", metavar="ZONE", help="The site's time zone, such as "
                                             "Australia/Melbourne: needed once.")] = None,
    force_zone: Annotated[bool, typer.Option("--force-zone", help="These sources alone are of another --zone than the "
                                             "history.")] = False,
    estate: Annotated[Path | None, typer.Option("--estate", metavar="ESTATE", help="Names the servers of which nmon "
                                                "knows the serial number.")] = None,
    mapping: MappingFile = None,
    start: Annotated[str | None, typer.Option("--start", metavar="TIME", rich_help_panel=_CLOCKLESS,
                                              help="When it was started: '2026-11-30 14:05', local.")] = None,
    interval: Annotated[int | None, numeric("--interval", 1, 86_400, "Its interval.", _CLOCKLESS, "SECONDS")] = None,
    lpar: Annotated[str, typer.Option("--lpar", metavar="NAME", rich_help_panel=_CLOCKLESS,
                                      help="The LPAR that it ran on.")] = "",
    shown: Shown,
) -> int:
    """Take usage into a history. The same file twice changes nothing. Exit code 1: a file could not be read.

    Example: planner history add nmon/ --store usage.duckdb --zone Australia/Melbourne --estate estate.xlsx
    """
    from planner.history.contents import log_of
    from planner.history.sources import read_sources, serial_numbers

    if force_zone and not zone:
        raise UsageError("--force-zone: say which zone with --zone")
    begun = None if start is None else _start_from(start)
    servers = {} if estate is None else serial_numbers(load_estate(estate).estate.servers)
    with _opened(store) as history:
        files = read_sources(list(dict.fromkeys(sources)), mapping, but=(store, log_of(store)))
        report = history.add(_watched(files), zone, start=begun, interval_s=interval, lpar=lpar, servers=servers,
                             force_zone=force_zone)
        stored = history.zone
    from planner.report.history_views import added_line, added_view

    tell(shown, lambda: {"store": str(store), "zone": stored, "files": report.files, "added": report.added,
                         "known": report.known, "changed": report.changed,
                         "findings": [finding_json(f) for f in report.findings]},
         lambda: added_line(report), lambda: added_view(report, str(store), stored, whole=shown.verbose))
    return 1 if errors(report.findings) else 0


def _start_from(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"--start {text!r} is not a time like '2026-11-30 14:05'") from None


@contextmanager
def _opened(store: Path) -> Iterator[History]:
    """The history, to be added to; a new one is taken away again when nothing was added."""
    from planner.history.contents import log_of
    from planner.history.store import History

    new = not store.exists()
    try:
        with History.open(store) as history:
            try:
                yield history
            except BaseException:
                if new:  # while nobody else can have it open
                    store.unlink(missing_ok=True)
                raise
    except BaseException:
        if new and not store.exists():
            log_of(store).unlink(missing_ok=True)
        raise


def _watched(files: Iterable[Document]) -> Iterator[Document]:
    """The files, with a line on stderr when somebody watches."""
    if not sys.stderr.isatty():
        yield from files
        return
    for number, file in enumerate(files, 1):
        sys.stderr.write(f"\r\033[Kread {number} files, the last: {file.name[-60:]}")
        sys.stderr.flush()
        yield file
    sys.stderr.write("\r\033[Kread; looking for gaps\n")
    sys.stderr.flush()


@command("show", history_app)
def show_command(
    store: Store, *,
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Only this month [default: all].")
                     ] = None,
    lpar: Annotated[str | None, typer.Option("--lpar", metavar="NAME", help="One LPAR by hour and kind of day.")
                    ] = None,
    server: Annotated[str | None, typer.Option("--server", metavar="NAME", help="What ran on a server, by hour and "
                                               "kind of day.")] = None,
    percentile: Percentile = "95", site: SiteCalendar, shown: Shown,
) -> int:
    """What is in a history: series, gaps, changes; with --month, --lpar or --server what was used when.

    Example: planner history show --store usage.duckdb --month 2026-11 --country AU --subdivision VIC
    """
    from planner.history.store import History

    if lpar is not None and server is not None:
        raise UsageError("give --lpar or --server, not both")
    asked = None if month is None else month_from(month)
    calendar = site.calendar()
    with History.open(store, read_only=True) as history:
        if lpar is not None or server is not None:
            _show_profile(history, calendar, lpar, server, asked, percentile, shown)
        elif asked is not None:
            _show_month(history, calendar, asked, percentile, shown)
        else:
            _show_summary(history, shown)
    return 0


def _show_summary(history: History, shown: Shown) -> None:
    from planner.report.history_views import summary_json, summary_line, summary_view

    summary, clock, name = history.show(), history.clock(), history.path.name
    tell(shown, lambda: summary_json(summary, clock), lambda: summary_line(summary, name),
         lambda: summary_view(summary, clock, name, whole=shown.verbose))


def _show_profile(history: History, site: Calendar, lpar: str | None, server: str | None,
                  month: tuple[int, int] | None, percentile: str, shown: Shown) -> None:
    from planner.history.profiles import exact_percentile, recorded
    from planner.report.history_views import profile_json, profile_line, profile_view

    share = exact_percentile(percentile)
    lpar, server = (None if name is None else named(what, name, names(), history.path.name) for name, what, names in (
        (lpar, "LPAR", history.names), (server, "server", history.servers)))
    profiles = recorded(history, site, lpars=None if lpar is None else [lpar], server=server, month=month,
                        percentile=share)
    who = lpar or server or ""
    tell(shown, lambda: profile_json(profiles, who, month, share), lambda: profile_line(profiles, who, month, share),
         lambda: profile_view(profiles, who, month, share, site))


def _show_month(history: History, site: Calendar, month: tuple[int, int], percentile: str, shown: Shown) -> None:
    from planner.history.profiles import exact_percentile, month_range, recorded
    from planner.report.history_views import month_json, month_line, month_view

    share = exact_percentile(percentile)
    begin, end = month_range(history.clock(), *month)
    rows = {server: recorded(history, site, server=server, month=month, percentile=share).peak()
            for server in (*history.servers(), "") if history.lpars_on(server, begin, end)}
    if not rows:
        raise UsageError(f"{history.path.name} has no usage of LPARs in {month[0]}-{month[1]:02d}; see what it has "
                         f"with: planner history show --store {history.path}")
    tell(shown, lambda: month_json(rows, month, share), lambda: month_line(rows, month, share),
         lambda: month_view(rows, month, share, site))


@command("forget", history_app)
def forget_command(
    store: Store, *,
    lpars: Annotated[list[str] | None, typer.Option("--lpar", metavar="NAME", help="Of this LPAR alone; may be given "
                                                    "several times.")] = None,
    server: Annotated[str | None, typer.Option("--server", metavar="NAME", help="Recorded on this server alone.")
                      ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="From this day on alone.")] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="YYYY-MM-DD", help="Before this day alone.")] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Say how much, and forget nothing.")] = False, shown: Shown,
) -> int:
    """Take samples out of a history for good: all that every option given is true of. Adding the files again brings
    them back.

    Example: planner history forget --store usage.duckdb --before 2025-01-01 --dry-run
    """
    from planner.formats.samples import Kind
    from planner.history.store import History
    from planner.report.history_views import forgotten_line, forgotten_view

    if lpars is None and server is None and since is None and before is None:
        raise UsageError("say what is to be forgotten: --lpar, --server, --since, --before, or several of them")
    first, end = (None if day is None else _day_from(option, day)
                  for option, day in (("--since", since), ("--before", before)))
    if first is not None and end is not None and first >= end:
        raise UsageError(f"--since {first:%Y-%m-%d} is not before --before {end:%Y-%m-%d}: the days are the wrong way "
                         "round, and no sample is in both")
    with History.open(store, read_only=not store.exists()) as history:
        clock, known = history.clock(), history.path.name
        try:
            whose = [named("LPAR", name, history.names(), known) for name in lpars or ()]
            where = "" if server is None else named("server", server, history.servers(*Kind), known)
        except UsageError:
            if not dry and history.unfinished:  # of one that was ended before it came to that
                history.compact()
            raise
        report = history.forget(whose, where, None if first is None else clock.instant(first),
                                None if end is None else clock.instant(end), dry=dry)
        if not dry and history.unfinished:
            history.compact()
    tell(shown, lambda: {"store": str(store), "forgotten": not dry, "samples": report.rows,
                         "entities": report.entities, "sources": report.sources},
         lambda: forgotten_line(report, str(store), dry=dry), lambda: forgotten_view(report, str(store), dry=dry))
    return 0


def _day_from(option: str, text: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d")
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a day like 2026-11-30") from None


class _Figure(StrEnum):
    """The monthly figure that is forecast."""

    MONTH_END = "month-end"
    PEAK = "peak"
    P95 = "p95"
    MEAN = "mean"


@command("forecast", history_app)
def forecast_command(
    store: Store, *,
    estate: Annotated[Path | None, typer.Option("--estate", metavar="ESTATE", help="For ceilings and pools, and the "
                                                "LPARs as they stand now.")] = None,
    policy: PolicyFile = None,
    horizon: Annotated[int, numeric("--horizon", 1, 120, "Months ahead.")] = 6,
    ceiling: Annotated[int, numeric("--ceiling", 1, 100, "Per cent of a server's or pool's cores, unless a policy "
                                       "says it.")] = 90,
    figure: Annotated[_Figure, typer.Option("--figure", help="What of each month is forecast: the peak of its "
                                            "month-end, of all of it, its 95th percentile or mean.")
                      ] = _Figure.MONTH_END,
    by_lpar: Annotated[bool, typer.Option("--by-lpar", help="Each LPAR as well.")] = False,
    site: SiteCalendar, shown: Shown,
) -> int:
    """What the next month-ends will use, how far such forecasts were off, and when a ceiling is reached.

    Example: planner history forecast --store usage.duckdb --estate estate.xlsx --country AU --subdivision VIC
    """
    from planner.history.store import History
    from planner.jobs.forecasts import ForecastQuestion, forecasts
    from planner.report.forecasts import forecasts_json, forecasts_line, forecasts_view

    calendar = site.calendar()
    if policy and estate is None:
        raise UsageError("--policy: its ceilings are those of servers: give their --estate")
    known = None if estate is None else load_estate(estate, policy).estate
    with History.open(store, read_only=True) as history:
        answers = forecasts(history, calendar, ForecastQuestion(horizon, figure.value, known, ceiling, by_lpar),
                            months_progress())
    if not any(one.forecast for one in answers):
        raise UsageError(f"{store.name} has no month of which enough is known, of all LPARs of a server; see what it "
                         f"has with: planner history show --store {store}")
    tell(shown, lambda: forecasts_json(answers, figure.value), lambda: forecasts_line(answers, figure.value),
         lambda: forecasts_view(answers, figure.value, calendar, None if known is None else ceiling,
                                whole=shown.verbose))
    return 0
