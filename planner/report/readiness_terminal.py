"""What the terminal shows of readiness."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding

from planner.jobs.readiness.figures import ReadinessDocument
from planner.report import readiness_words as words
from planner.report.seen import Text
from planner.report.tables import Fitting, listing
from planner.units import many

_COLOUR = {"good": "green", "warn": "yellow", "bad": "red"}
_REASONS, _LINES = 4, 8


def readiness_line(document: ReadinessDocument) -> str:
    """How many servers can be freed, and what got worse."""
    then = document.since
    return words.said(document)[0] + ("" if then is None else
                                      f"; since {then.name} {len(then.worse)} worse, {len(then.better)} better")


def readiness_view(document: ReadinessDocument, *, whole: bool = False) -> RenderableType:
    """What changed first, then each server, what is in the way, what hangs on one thing; ``whole``: all of it."""
    most = None if whole else _LINES
    parts: list[RenderableType] = [*_since(document), *(Text(line) for line in words.said(document)), Text("")]
    parts.append(Fitting(_servers(document, wide=True), _servers(document, wide=False)))
    for f in document.servers:
        lines = words.reasons(f, None if whole else _REASONS)
        if lines:
            parts.append(Text(f"\n{f.server}: {f.verdict}", _COLOUR[words.LOOK[f.verdict]]))
            parts += map(_indented, lines)
    parts += _listed("When a server dies", [f"{x.server}: {words.restarts(x)}" for x in document.lost
                                            if x.nowhere or x.left], most)
    parts += _listed("VIOSes that may not go down alone", [
        f"{v.vios} ({v.server}): {words.vios_words(v)}" for v in document.vioses if v.only or v.unknown], most)
    parts += _listed("On one thing", [words.blocking(b) for b in document.blockers], most)
    parts += _listed("LPARs that may go nowhere", [
        f"{p.lpar} ({p.server}): {'; '.join(o.reason for o in p.why[:2])}" for p in words.stuck(document)], most)
    parts += _listed("Paths", [f"{p.lpar}: {words.path_words(p)}" for p in words.poorer(document)], most)
    return Group(*parts)


def _since(document: ReadinessDocument) -> list[RenderableType]:
    then = document.since
    if then is None:
        return []
    head = Text(f"Since {then.name}: {many(then.rows, 'row')} changed, {len(then.worse)} worse, "
                f"{len(then.better)} better{words.came_and_went(then)}", "bold")
    lines = [Text(f"  {line}", "red" if word == "worse" else "green") for word, line in words.since_lines(document)]
    return [head, *lines, Text("")]


def _servers(document: ReadinessDocument, *, wide: bool) -> RenderableType:
    """Each server in a line; ``wide``: with how many LPARs move and by when they are home."""
    head = ("LPARs", "moves", "out", "home again") if wide else ("LPARs", "out")
    table = listing("", ("server", "can be freed", "may die"), head)
    for f, lost in zip(document.servers, document.lost, strict=True):
        figures = (str(f.lpars), str(f.moves or ""), words.nights(f.out), words.nights(f.back))
        table.add_row(Text(f.server), Text(f.verdict, _COLOUR[words.LOOK[f.verdict]]),
                      Text(lost.verdict, _COLOUR[words.LOOK[lost.verdict]]),
                      *(figures if wide else (figures[0], figures[2])))
    return table


def _indented(line: str) -> RenderableType:
    return Padding(Text(line), (0, 0, 0, 2), expand=False)


def _listed(title: str, lines: list[str], most: int | None) -> list[RenderableType]:
    if not lines:
        return []
    shown = lines[:most]
    more = [Text(f"  … and {len(lines) - len(shown)} more: -v, readiness.xlsx", "dim")] if shown != lines else []
    return [Text(f"\n{title}", "bold"), *map(_indented, shown), *more]
