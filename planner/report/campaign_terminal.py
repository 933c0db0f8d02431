"""What the terminal shows of a campaign."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType

from planner.report.beside import beside_view
from planner.report.campaign_files import summary
from planner.report.campaign_json import CampaignDocument, LeftLine, StepLine
from planner.report.seen import Text
from planner.report.tables import listing
from planner.report.text import impossible_word, lift_lines
from planner.units import many, some

_FEW = 5


def campaign_line(document: CampaignDocument) -> str:
    """Its name, and how much of it is planned."""
    return f"{document.name}: {summary(document)}"


def campaign_view(document: CampaignDocument, *, whole: bool = False) -> RenderableType:
    """Steps, one-way doors, what is left and why; ``whole``: every way to lift that."""
    lines: list[RenderableType] = [*(Text(line, "yellow") for line in document.not_looked_at),
                                   Text(campaign_line(document), "bold")]
    steps = listing("", ("step", "starts", "server", "work", "stopped with it"),
                    ("out", "back", "ends", "in time", "verified"))
    for s in document.steps:
        back = str(s.moves_back) if s.refilled or not s.directory else "stay"
        steps.add_row(str(s.number), f"{s.start:%a %Y-%m-%d %H:%M}", Text(s.server), Text(s.work),
                      Text(some(s.stays, 4)), str(s.moves_out), back,
                      f"{s.end:%H:%M}", s.nights, "yes" if s.verified else "NO")
    lines += [steps] if document.steps else []
    lines += [Text(line, "yellow") for line in _warnings(document)]
    lines += [beside_view(s.beside, f"Other plans for {s.named}") for s in document.steps if s.beside]
    lines += [line for x in document.left for line in _left(x, None if whole else _FEW)]
    if document.away:
        lines.append(Text(f"{many(len(document.away), 'LPAR')} end elsewhere than they stood: "
                          f"{some(a.lpar for a in document.away)}"))
    frozen = sum(w.number == 0 for w in document.windows)
    if frozen:
        lines.append(Text(f"{many(frozen, 'window')} not used because of a freeze"))
    return Group(*lines, *(Text(n, "dim") for n in document.notes))


def _warnings(document: CampaignDocument) -> Iterator[str]:
    """Of nights too few, of what cannot be undone, and of paths that go down."""
    yield from (s.warning for s in document.steps if s.warning)
    for s in document.steps:
        yield from (f"one-way at step {s.number}, after {d.after}: {d.reason} ({many(len(d.lpars), 'LPAR')})"
                    for d in s.doors)
    yield from (_lost(s) for s in document.steps if s.lost)


def _left(x: LeftLine, most: int | None) -> list[RenderableType]:
    """A server that is in no window: why, and what would lift that."""
    word = impossible_word(bool(x.conflict.unstated)) if x.conflict else "LEFT"
    return [Text(f"{x.server}: {word}: {x.why}", "red"), *(Text(f"  {one}") for one in lift_lines(x.lifts[:most]))]


def _lost(s: StepLine) -> str:
    unknown = sorted({x.lpar for x in s.lost if not x.known})
    lpars = many(len({x.lpar for x in s.lost}), "LPAR")
    return (f"step {s.number}: {many(len(s.lost), 'path')} of {lpars} go down with one VIOS after the other, each has "
            "another" + (f"; of {some(unknown)} nobody states it" if unknown else ""))
