"""overview.html: a campaign on one page that needs nothing else: no network, no script."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass

from markupsafe import Markup

from planner.report.beside import beside_table
from planner.report.campaign_json import CampaignDocument, WindowLine
from planner.report.html import templates

_WIDE, _HIGH, _LEFT = 1000, 26, 190
"""Of a window's row in the drawing: units of its view box; what its name takes on the left."""


@dataclass(frozen=True, slots=True)
class StepSpan:
    """A step in its window's row: from ``x`` on, so ``wide``; ``number``: of the step."""

    number: int
    server: str
    x: float
    wide: float


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A window in the drawing, as long as it is, all to one scale; ``why``: nothing is done in it."""

    name: str
    y: int
    wide: float
    spans: tuple[StepSpan, ...]
    why: str


def rows(document: CampaignDocument) -> list[WindowRow]:
    """The windows that are used or frozen, one below the other, each from its start on."""
    shown = [w for w in document.windows if w.servers or w.number == 0]
    longest = max((_seconds(w.start, w.end) for w in shown), default=1.0)

    def wide(seconds: float) -> float:
        return round((_WIDE - _LEFT) * seconds / longest, 1)

    def spans(w: WindowLine) -> tuple[StepSpan, ...]:
        return tuple(StepSpan(s.number, s.server, _LEFT + wide(_seconds(w.start, s.start)),
                              wide(_seconds(s.start, s.end))) for s in document.steps if w.number == s.window)

    return [WindowRow(_clock(w.start), n * _HIGH, wide(_seconds(w.start, w.end)), spans(w), w.why)
            for n, w in enumerate(shown)]


def _clock(t: dt.datetime) -> str:
    return f"{t:%a %Y-%m-%d %H:%M}"


def _seconds(start: dt.datetime, end: dt.datetime) -> float:
    return (end - start).total_seconds()


def campaign_page(document: CampaignDocument, said: str) -> str:
    """The page as HTML; the same document gives the same bytes. ``said``: the whole in a few words."""
    made = templates(clock=_clock, beside=beside_table)
    assert made.loader is not None
    style = Markup("").join(Markup(made.loader.get_source(made, name)[0]) for name in ("plan.css", "campaign.css"))  # nosec B704
    digest = "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    drawn = rows(document)
    return made.get_template("campaign.html.j2").render(
        document=document, said=said, style=style, style_hash=digest, rows=drawn, edge=_LEFT, high=_HIGH,
        size=(_WIDE, max(len(drawn), 1) * _HIGH))
