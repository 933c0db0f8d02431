"""readiness.xlsx: one sheet a question: servers, who stands in the way, failures, LPARs, VIOSes, blockers, changes."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from planner.jobs.readiness.figures import (
    Blocker,
    ChangedVerdict,
    LparPlaces,
    Obstacle,
    ReadinessDocument,
    ServerFree,
    ServerLost,
    ViosDown,
)
from planner.plan.evening import NightSpread
from planner.report import readiness_words as words
from planner.sheets import Column, ended, heading, table
from planner.xlsx import Book, open_book


class _Reason(NamedTuple):
    of: str
    told: Obstacle


def _look(row: Any) -> str:
    return words.LOOK[row.verdict]


def _minutes(of: Callable[[ServerFree], NightSpread | None], at: str) -> Callable[[ServerFree], float | None]:
    return lambda f: None if (spread := of(f)) is None else round(getattr(spread, at) / 60_000, 1)


_SERVERS: tuple[Column[ServerFree], ...] = (
    Column("Server", lambda f: f.server, "text", 24), Column("Can be freed", lambda f: f.verdict.value, _look, 12),
    Column("Said by", lambda f: f.by, "text", 11), Column("LPARs", lambda f: f.lpars, "id", 8),
    Column("Moves out", lambda f: f.moves, "id", 8), Column("Of other servers", lambda f: f.others, "id", 8),
    Column("Out, half of nights (min)", _minutes(lambda f: f.out, "half_ms"), "tenth", 12),
    Column("Out, nine in ten (min)", _minutes(lambda f: f.out, "most_ms"), "tenth", 12),
    Column("Home, half of nights (min)", _minutes(lambda f: f.back, "half_ms"), "tenth", 12),
    Column("Home, nine in ten (min)", _minutes(lambda f: f.back, "most_ms"), "tenth", 12),
    Column("Why not", lambda f: f.why, "wrap", 48), Column("Remedy (points)", lambda f: f.remedy_cost, "id", 10),
    Column("Remedy", lambda f: "; ".join(f.remedy), "wrap", 48),
    Column("Not activated, stay", lambda f: ", ".join(f.stays), "wrap", 24))
_REASONS: tuple[Column[_Reason], ...] = (
    Column("Server", lambda r: r.of, "text", 24), Column("LPAR", lambda r: r.told.subject, "text", 20),
    Column("Rule", lambda r: r.told.rule, "text", 26), Column("Reason", lambda r: r.told.reason, "wrap", 70),
    Column("What would mend it", lambda r: r.told.fix, "wrap", 60))
_LOST: tuple[Column[ServerLost], ...] = (
    Column("Server that dies", lambda x: x.server, "text", 24),
    Column("All restart", lambda x: x.verdict.value, _look, 11), Column("LPARs", lambda x: x.lpars, "id", 8),
    Column("Without a place", lambda x: len(x.nowhere), "id", 9),
    Column("Without room", lambda x: len(x.left), "id", 9),
    Column("Where", words.restarts, "wrap", 90))
_LPARS: tuple[Column[LparPlaces], ...] = (
    Column("LPAR", lambda p: p.lpar, "text", 20), Column("Server", lambda p: p.server, "text", 24),
    Column("May move", lambda p: p.verdict.value, _look, 10), Column("Places", lambda p: len(p.places), "id", 8),
    Column("Which", lambda p: ", ".join(p.places), "wrap", 44),
    Column("Paths", words.path_words, "wrap", 44),
    Column("Why not", lambda p: "; ".join(o.reason for o in p.why), "wrap", 54))
_VIOSES: tuple[Column[ViosDown], ...] = (
    Column("VIOS", lambda v: v.vios, "text", 20), Column("Server", lambda v: v.server, "text", 24),
    Column("May go down alone", lambda v: v.verdict.value, _look, 12),
    Column("LPARs that lose their only path", lambda v: len(v.only), "id", 12),
    Column("Unknown", lambda v: len(v.unknown), "id", 9),
    Column("Who", words.vios_words, "wrap", 90))
_BLOCKERS: tuple[Column[Blocker], ...] = (
    Column("Kind", lambda b: b.kind, "text", 9), Column("Name", lambda b: b.name, "text", 34),
    Column("If it were", lambda b: b.how, "wrap", 40), Column("Opens", lambda b: len(b.opens), "id", 8),
    Column("Closes", lambda b: len(b.closes), "id", 8),
    Column("Evacuations of", lambda b: ", ".join((*b.opens, *b.closes)), "wrap", 90))
_CHANGES: tuple[Column[ChangedVerdict], ...] = (
    Column("Way", lambda c: "worse" if c.worse else "better", lambda c: "bad" if c.worse else "good", 8),
    Column("What", lambda c: c.line, "wrap", 60), Column("Before", lambda c: c.before.value, "text", 10),
    Column("Now", lambda c: c.after.value, "text", 10),
    Column("Rows that made it so", lambda c: "; ".join(c.causes), "wrap", 90),
    Column("Fewest", lambda c: "yes" if c.smallest else "none can be left out", "text", 18))


def readiness_workbook(document: ReadinessDocument) -> bytes:
    """The workbook; the same document gives the same bytes."""
    buffer = io.BytesIO()
    with open_book(buffer, "Readiness") as book:
        then = document.since
        if then is not None:
            _sheet(book, "Since", f"What is other than in {then.name}", _CHANGES, (*then.worse, *then.better))
        _sheet(book, "Servers", "Can each server be freed for an evening, and everybody brought home", _SERVERS,
               document.servers)
        reasons = [_Reason(f.server, o) for f in document.servers for o in f.obstacles]
        _sheet(book, "Why not", "What keeps servers from being freed", _REASONS, reasons)
        looks = [_Reason(f.server, Obstacle("", "", x)) for f in document.servers for x in f.settles]
        _sheet(book, "Look up", "What is taken for granted, with the command that settles it", (
            _REASONS[0], _REASONS[3]), looks)
        _sheet(book, "One dies", "Where LPARs restart when a server dies", _LOST, document.lost)
        homeless = [_Reason(x.server, o) for x in document.lost for o in x.nowhere]
        _sheet(book, "No place", "LPARs that no server could start when theirs dies", _REASONS, homeless)
        _sheet(book, "LPARs", "Where each LPAR may go today", _LPARS, document.lpars)
        _sheet(book, "VIOSes", "Which VIOS may go down while its server runs", _VIOSES, document.vioses)
        _sheet(book, "On one thing", "One thing that opens or closes evacuations", _BLOCKERS, document.blockers)
    return buffer.getvalue()


def _sheet(book: Book, name: str, title: str, columns: Sequence[Column[Any]], rows: Sequence[Any]) -> None:
    sheet = book.sheet(name)
    heading(book, sheet, 0, title)
    written = table(book, sheet, 2, columns, rows, filters=True)
    ended(sheet, written.last, columns, freeze=(3, 1), repeat=2)
