"""A campaign file (TOML): which servers are worked on, in which windows and freezes; what is wrong is told at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from planner.errors import InputError
from planner.estate.catalogue import CATALOGUE
from planner.estate.model import Estate
from planner.findings import Finding, Severity, Source
from planner.names import spelt, unknown
from planner.plan.plan import Window
from planner.rules.versions import firmware_release
from planner.scenarios.build import problems
from planner.scenarios.file import scenario_from
from planner.scenarios.model import Scenario
from planner.toml_file import Place, line_of, read_toml

_RULE, _HELP = "input.bad-campaign", "see docs/campaign.md"
_MOST_WINDOWS = 1000


def _moment(value: object) -> object:
    """A clock time as TOML has it or as text, ``2026-12-05 22:00``."""
    if isinstance(value, str):
        try:
            return dt.datetime.strptime(value.strip().replace("T", " "), "%Y-%m-%d %H:%M")
        except ValueError:
            raise ValueError("a clock time like 2026-12-05 22:00") from None
    if not isinstance(value, dt.datetime) or value.tzinfo or value.second or value.microsecond:
        raise ValueError("a local clock time to the minute, like 2026-12-05 22:00")
    return value


def _day(value: object) -> object:
    """A day as TOML has it or as text, ``2026-12-24``."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("a day like 2026-12-24") from None
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ValueError("a day like 2026-12-24")
    return value


def _minutes(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_080:
        raise ValueError("whole minutes from 0 to 10080")
    return value


_Moment = Annotated[dt.datetime, BeforeValidator(_moment)]
_Day = Annotated[dt.date, BeforeValidator(_day)]
_Minutes = Annotated[int, BeforeValidator(_minutes)]
_Text = Annotated[str, Field(max_length=500)]
_Flag = Annotated[bool, Field(strict=True)]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WorkDefaults(_Given):
    """What is done on a server once it is empty: new levels of its firmware and its VIOSes (empty: as they are), so
    many ``minutes`` of work; ``refill``: who stood there comes back in the same window; who is in ``leave`` is stopped
    with the server; ``inactive``: LPARs that are not activated go as well.

    Without ``empty`` nobody leaves: the VIOSes are worked on one after the other, ``minutes`` each; with
    ``move_single`` those leave who would lose their only path."""

    firmware: _Text = ""
    vios: _Text = ""
    minutes: _Minutes = 60
    refill: _Flag = True
    leave: tuple[_Text, ...] = ()
    inactive: _Flag = False
    empty: _Flag = True
    move_single: _Flag = False

    @model_validator(mode="after")
    def _in_place(self) -> Self:
        if not self.empty and (self.firmware or not self.vios):
            raise ValueError("empty = false is for a new level of VIOSes alone, which vios is to state: new firmware "
                             "wants an empty server")
        if self.move_single and (self.empty or self.leave):
            raise ValueError("move_single is for empty = false without leave: of an empty server all are moved")
        return self


class CampaignWork(WorkDefaults):
    """The work on ``server``; in the file a name with wildcards, or ``site:NAME`` for all of a site. ``replace_by``: a
    new server that stands beside it, to which its LPARs go for good, as a scenario adds one."""

    server: Annotated[str, Field(min_length=1, max_length=500)]
    replace_by: Mapping[str, Any] = {}

    @model_validator(mode="after")
    def _replaced(self) -> Self:
        if self.replace_by and (self.refill or not self.empty or self.firmware or self.vios):
            raise ValueError("replace_by is with refill = false and without new levels: nobody comes back to a server "
                             "that goes")
        return self

    def arriving(self, wrong: list[Finding]) -> Scenario | None:
        """The scenario that adds the new server; problems are added to ``wrong``, and then there is none."""
        document = {"name": "replacement", "add": [dict(self.replace_by)], "retire": [self.server]}
        return scenario_from(document, "", "campaign", wrong)


class CampaignWindow(_Given):
    """When work may be done, local time; so many ``times``, each ``every_days`` after the one before."""

    start: _Moment
    end: _Moment
    every_days: Annotated[int, Field(ge=1, le=366, strict=True)] = 7
    times: Annotated[int, Field(ge=1, le=520, strict=True)] = 1

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if not self.start < self.end <= self.start + dt.timedelta(days=7):
            raise ValueError("the end is to be after the start, by 7 days at most")
        return self

    def each(self) -> Iterator[Window]:
        """Every window that it stands for."""
        for n in range(self.times):
            later = dt.timedelta(days=n * self.every_days)
            yield Window(self.start + later, self.end + later)


class Freeze(_Given):
    """Days, the last one included, of which no part may be in a window that is used."""

    first: _Day
    last: _Day
    why: _Text = ""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.last < self.first:
            raise ValueError("the last day is to be the first or after it")
        return self

    def holds(self, window: Window) -> bool:
        """Whether any of the window lies in it."""
        end = dt.datetime.combine(self.last, dt.time()) + dt.timedelta(days=1)
        return window.start < end and dt.datetime.combine(self.first, dt.time()) < window.end


class Campaign(_Given):
    """Servers to work on, in windows outside of freezes. ``pause_minutes``: between two servers of one window;
    ``spare_minutes``: what every window keeps free at its end;
    ``home_at_end``: the last one's plan brings everybody home; ``default``: the work on servers without a row of their
    own, where all are asked for."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    pause_minutes: _Minutes = 15
    spare_minutes: _Minutes = 30
    home_at_end: _Flag = False
    work: tuple[CampaignWork, ...] = ()
    default: WorkDefaults = WorkDefaults()
    window: tuple[CampaignWindow, ...]
    freeze: tuple[Freeze, ...] = ()

    @model_validator(mode="after")
    def _home(self) -> Self:
        if self.home_at_end and any(w.replace_by for w in self.work):
            raise ValueError("home_at_end is not for campaigns with replace_by: the homes go")
        return self

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if not 1 <= sum(w.times for w in self.window) <= _MOST_WINDOWS:
            raise ValueError(f"from 1 to {_MOST_WINDOWS} windows are to be given")
        every = sorted((w for row in self.window for w in row.each()), key=lambda w: (w.start, w.end))
        for one, after in pairwise(every):
            if after.start < one.end:
                raise ValueError(f"two windows overlap: {one.start:%Y-%m-%d %H:%M} and {after.start:%Y-%m-%d %H:%M}")
        return self

    def windows(self) -> tuple[list[Window], list[tuple[Window, Freeze]]]:
        """The windows in which work may be done, in order; and those that a freeze forbids."""
        free: list[Window] = []
        frozen: list[tuple[Window, Freeze]] = []
        for window in sorted((w for row in self.window for w in row.each()), key=lambda w: w.start):
            stop = next((f for f in self.freeze if f.holds(window)), None)
            if stop is None:
                free.append(window)
            else:
                frozen.append((window, stop))
        return free, frozen


def read_campaign(path: Path, estate: Estate, *, every: bool = False) -> Campaign:
    """The campaign of a file for an estate, its work by servers' own names; ``every``: on all servers. Raises
    InputError with every problem."""
    text, document = read_toml(path, _RULE, _HELP, float)
    wrong: list[Finding] = []
    works = _resolved(document, estate, lambda place, said: wrong.append(_problem(path.name, text, place, said)),
                      every=every)
    campaign: Campaign | None = None
    try:
        campaign = Campaign.model_validate(document)
    except ValidationError as error:
        wrong += [_problem(path.name, text, e["loc"], _said(e)) for e in error.errors()]
    for number, work in enumerate(campaign.work if campaign else ()):
        wrong += [_problem(path.name, text, ("work", number, "replace_by"), f.message.replace("add[0]", "of it"))
                  for f in _not_to_be_added(work, estate)]
    if wrong or campaign is None:
        raise InputError(sorted(wrong, key=lambda f: (f.source.line or 0) if f.source else 0))
    rows = [campaign.work[row].model_copy(update={"server": server}) if row is not None
            else CampaignWork(server=server, **campaign.default.model_dump()) for server, row in works.items()]
    return campaign.model_copy(update={"work": tuple(rows)})


def _not_to_be_added(work: CampaignWork, estate: Estate) -> Iterator[Finding]:
    """What is wrong with the new server of a replacement."""
    wrong: list[Finding] = []
    scenario = work.arriving(wrong) if work.replace_by else None
    yield from wrong
    yield from problems(estate, replace(scenario, retire=()), CATALOGUE) if scenario else ()


def _said(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "is no key of a campaign"
    if error["type"] == "missing":
        return "is missing"
    value = error["input"]
    found = f"found {value!r}, expected " if isinstance(value, (str, int, float, dt.date)) else ""
    return found + str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")


def _problem(file: str, text: str, place: Place, message: str) -> Finding:
    where = ".".join(map(str, place)) or "campaign"
    return Finding(_RULE, Severity.ERROR, file, f"{where}: {message}"[:400], _HELP, Source(file, line_of(text, place)))


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """(place, table) of everything that says what is done on servers, of whatever else may be wrong with it."""
    works = document.get("work")
    for number, row in enumerate(works if isinstance(works, list) else ()):
        if isinstance(row, dict):
            yield ("work", number), row
    if isinstance(document.get("default"), dict):
        yield ("default",), document["default"]


def _resolved(document: Mapping[str, Any], estate: Estate, wrong: Any, *, every: bool) -> dict[str, int | None]:
    """Server → its row of work, None where the default is meant; ``wrong`` is told what the estate does not know."""
    servers, lpars = [s.name for s in estate.servers], [p.name for p in estate.lpars]
    found: dict[str, int | None] = {}
    for place, row in _rows(document):
        _levels(row, place, wrong)
        _left(row, place, lpars, wrong)
        name = row.get("server")
        if len(place) == 1 or not isinstance(name, str):
            continue
        meant = [s for s in servers if fnmatchcase(s, spelt(name, servers))] or _of_site(estate, name)
        if not meant:
            wrong((*place, "server"), unknown("server", [name], servers))
        for server in meant:
            if server in found:
                wrong((*place, "server"), f"{server} has a row of work already")
            found.setdefault(server, int(place[1]))
    if every:
        found |= {s: None for s in servers if s not in found}
    if not found and not document.get("work"):
        wrong((), "no [[work]] says which servers are worked on: give one, or --all")
    return found


def _of_site(estate: Estate, name: str) -> list[str]:
    """The servers of a site that is named as ``site:NAME``, in the estate's order."""
    return [s.name for s in estate.servers if name.startswith("site:") and s.site == name.removeprefix("site:")]


def _levels(row: Mapping[str, Any], place: Place, wrong: Any) -> None:
    level = row.get("firmware")
    if isinstance(level, str) and level and firmware_release(level) is None:
        wrong((*place, "firmware"), f"found {level!r}, expected a level such as EM350_085, AM770_032 or FW860.10")


def _left(row: Mapping[str, Any], place: Place, lpars: Sequence[str], wrong: Any) -> None:
    names = row.get("leave")
    strange = [n for n in names if isinstance(n, str) and n not in lpars] if isinstance(names, list) else []
    if strange:
        wrong((*place, "leave"), unknown("LPAR", strange, lpars))
