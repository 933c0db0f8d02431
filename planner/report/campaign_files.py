"""The overview of a campaign: page (HTML, and as Markdown), workbook, calendar, JSON."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from planner.plan.wire import as_json
from planner.report.beside import beside_columns, beside_sheet, front_line, plan_rows
from planner.report.campaign_json import AwayLine, CampaignDocument, LeftLine, StepLine, WindowLine
from planner.report.campaign_page import campaign_page
from planner.report.ics import Appointment, calendar
from planner.report.output import json_text
from planner.report.text import md
from planner.scenarios.paths import Door
from planner.scenarios.vios_down import LostPath
from planner.sheets import Column, ended, heading, note, table
from planner.units import many, show_minutes, some
from planner.xlsx import Book, open_book


class _AtStep(NamedTuple):
    step: StepLine
    door: Door


class _Path(NamedTuple):
    step: StepLine
    lost: LostPath


_STEPS: tuple[Column[StepLine], ...] = (
    Column("Step", lambda s: s.number, "id", 6), Column("Window", lambda s: s.window, "id", 8),
    Column("Starts", lambda s: s.start, "time", 17), Column("Ends", lambda s: s.end, "time", 17),
    Column("To spare", lambda s: show_minutes(s.spare_s), "text", 12),
    Column("Nights in time", lambda s: s.nights, lambda s: "warn" if s.warning else "text", 12),
    Column("Server", lambda s: s.server, "wrap", 20), Column("Work", lambda s: s.work, "wrap", 24),
    Column("Minutes of work", lambda s: s.work_minutes, "id", 8),
    Column("Moves out", lambda s: s.moves_out, "id", 7), Column("Moves back", lambda s: s.moves_back, "id", 7),
    Column("Refilled", lambda s: s.refilled, "text", 9),
    Column("Placement", lambda s: s.status.value if s.status else "", "text", 12),
    Column("Verified", lambda s: s.verified, lambda s: "good" if s.verified else "bad", 9),
    Column("Stopped with it", lambda s: ", ".join(s.stays), "wrap", 18),
    Column("One-way doors", lambda s: len(s.doors), "id", 8), Column("Plan", lambda s: s.directory, "wrap", 18))
_WINDOWS: tuple[Column[WindowLine], ...] = (
    Column("Window", lambda w: w.number or None, "id", 9), Column("Starts", lambda w: w.start, "time", 17),
    Column("Ends", lambda w: w.end, "time", 17), Column("Zone", lambda w: w.zone, "text", 20),
    Column("Servers", lambda w: ", ".join(w.servers), "wrap", 44), Column("Not used", lambda w: w.why, "wrap", 40))
_LEFT: tuple[Column[LeftLine], ...] = (
    Column("Server", lambda x: x.server, "text", 24), Column("Status", lambda x: x.status.value, "bad", 12),
    Column("Why", lambda x: x.why, "wrap", 70), Column("What would lift it", lambda x: "; ".join(x.lifts), "wrap", 70))
_AWAY: tuple[Column[AwayLine], ...] = (
    Column("LPAR", lambda x: x.lpar, "text", 24), Column("Stood on", lambda x: x.before, "text", 24),
    Column("Stands on", lambda x: x.after, "text", 24))
_DOORS: tuple[Column[_AtStep], ...] = (
    Column("Step", lambda d: d.step.number, "id", 7), Column("Server", lambda d: d.step.server, "text", 24),
    Column("After", lambda d: d.door.after, "wrap", 34), Column("What cannot be undone", lambda d: d.door.reason,
                                                              "wrap", 80),
    Column("LPARs", lambda d: ", ".join(d.door.lpars), "wrap", 60))
_PATHS: tuple[Column[_Path], ...] = (
    Column("Step", lambda p: p.step.number, "id", 7), Column("VIOS down", lambda p: p.lost.vios, "text", 20),
    Column("LPAR", lambda p: p.lost.lpar, "text", 24), Column("Path", lambda p: p.lost.path, "wrap", 34),
    Column("Served meanwhile by", lambda p: ", ".join(p.lost.others) or "unknown: nobody states it",
           lambda p: "wrap" if p.lost.others else "warn", 34))


def campaign_overview(document: CampaignDocument) -> dict[str, bytes]:
    """Name → content of the files beside the plans' directories."""
    return {"campaign.json": json_text(as_json(document)).encode(), "overview.md": _page(document).encode(),
            "overview.html": campaign_page(document, summary(document)).encode(),
            "campaign.xlsx": _workbook(document), "campaign.ics": _calendar(document).encode()}


def summary(document: CampaignDocument) -> str:
    """``2 of 3 servers in 2 windows, 80 moves``."""
    used = sum(bool(w.servers) for w in document.windows)
    every = len(document.steps) + len(document.left)
    return f"{len(document.steps)} of {many(every, 'server')} in {many(used, 'window')}, {many(document.moves, 'move')}"


def _doors(document: CampaignDocument) -> list[_AtStep]:
    return [_AtStep(s, d) for s in document.steps for d in s.doors]


def _paths(document: CampaignDocument) -> list[_Path]:
    return [_Path(s, x) for s in document.steps for x in s.lost]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return md(f"{value:%Y-%m-%d %H:%M}" if isinstance(value, dt.datetime) else "" if value is None else str(value))


def _lines(columns: Sequence[Column], rows: Sequence[object]) -> Iterator[str]:
    yield "| " + " | ".join(c.header for c in columns) + " |"
    yield "|" + "---|" * len(columns)
    yield from ("| " + " | ".join(_cell(c.value(row)) for c in columns) + " |" for row in rows)


def _page(document: CampaignDocument) -> str:
    lines = [f"# {md(document.name)}", "", *(f"**{md(line)}**\n" for line in document.not_looked_at),
             f"{summary(document)}. Each step is a plan of its own, in the directory that is named: carry out the one, "
             "export anew, `planner verify` the next against that.", "",
             *(f"**{md(s.warning)}.**\n" for s in document.steps if s.warning),
             *_lines(_STEPS, document.steps), "", *_beside(document)]
    for title, columns, rows in (
            ("One-way doors: to be decided before the step", _DOORS, _doors(document)),
            ("Paths that go down with a VIOS", _PATHS, _paths(document)), ("Not done", _LEFT, document.left),
            ("Windows", _WINDOWS, document.windows),
            ("Not where they stood", _AWAY, document.away)):
        if rows:
            lines += [f"## {title}", "", *_lines(columns, rows), ""]
    return "\n".join([*lines, *(f"- {md(n)}" for n in document.notes), ""])


def _beside(document: CampaignDocument) -> Iterator[str]:
    """Other plans for the steps."""
    for s in document.steps:
        if s.beside:
            rows = plan_rows(s.beside)
            yield from (f"## Other plans for {md(s.named)}", "", *_lines(beside_columns(rows), rows), "")
            if line := front_line(s.beside):
                yield from (f"{line}.", "")


def _workbook(document: CampaignDocument) -> bytes:
    buffer = io.BytesIO()
    with open_book(buffer, "Campaign") as book:
        _sheet(book, "Campaign", f"{document.name}: {summary(document)}", _STEPS, document.steps,
               (*document.not_looked_at, *document.notes))
        beside_sheet(book, "Step", [(s.named, s.beside) for s in document.steps if s.beside])
        _sheet(book, "Windows", "Windows and freezes", _WINDOWS, document.windows)
        _sheet(book, "One-way doors", "What cannot be undone", _DOORS, _doors(document))
        _sheet(book, "VIOS paths", "Paths that go down with one VIOS after the other", _PATHS, _paths(document))
        _sheet(book, "Not done", "Servers that are left", _LEFT, document.left)
        _sheet(book, "Away", "LPARs that end elsewhere than they stood", _AWAY, document.away)
    return buffer.getvalue()


def _sheet(book: Book, name: str, title: str, columns: Sequence[Column], rows: Sequence[object],
           notes: Sequence[str] = ()) -> None:
    sheet = book.sheet(name)
    heading(book, sheet, 0, title)
    written = table(book, sheet, 2, columns, rows)
    for row, text in enumerate(notes, written.last + 2):
        note(book, sheet, row, text)
    ended(sheet, written.last + len(notes) + 2, columns, freeze=(3, 0), repeat=2)


def _calendar(document: CampaignDocument) -> str:
    """One event a window that is used."""
    events = []
    for w in document.windows:
        told = "\n".join(f"{s.start:%H:%M} to {s.end:%H:%M} {s.server}: {s.work}; {s.moves_out} moves out, "
                         f"{s.moves_back} back"
                         + f"; in time in {s.nights} nights" * bool(s.nights)
                         + f"; plan {s.directory}" * bool(s.directory)
                         for s in document.steps if s.window == w.number)
        if told:
            events.append(Appointment(f"{document.estate_sha256[:16]}-{w.start:%Y%m%dT%H%M}", w.start, w.end,
                                f"{document.name}: {some(w.servers)}", told, w.zone))
    return calendar(events, "campaign")
