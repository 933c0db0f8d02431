"""readiness.html: one page that needs nothing else: no network, no script; its figures are those of readiness.json."""

from __future__ import annotations

from planner.jobs.readiness.figures import ReadinessDocument
from planner.report import readiness_words as words
from planner.report.html import templates


def readiness_page(document: ReadinessDocument) -> str:
    """The page as HTML; the same document gives the same bytes."""
    return templates().get_template("readiness.html.j2").render(
        d=document, words=words, rows=list(zip(document.servers, document.lost, strict=True)),
        changes=list(words.since_lines(document)))
