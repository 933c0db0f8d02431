"""The files of a plan's directory, whichever command writes it."""

from __future__ import annotations

from planner.estate.model import Estate
from planner.parallel import beside
from planner.plan.plan import Plan, plan_json
from planner.report.lane_scripts import lane_scripts
from planner.report.moves_csv import moves_csv
from planner.report.no_answer_book import no_answer_book
from planner.report.output import json_text
from planner.report.page import plan_page
from planner.report.papers import mark, marked
from planner.report.playbook import playbook
from planner.report.runbook import runbook
from planner.report.runbook_page import runbook_page
from planner.report.window_ics import window_ics
from planner.report.workbook import plan_workbook
from planner.rules import Site

_MANY_MOVES = 500
"""Moves from which on workbook and runbook are made side by side."""


def plan_files(plan: Plan, estate: Estate) -> dict[str, bytes]:
    """Name → content; without a verified plan plan.json, and page and workbook that say what stands in its way."""
    document = plan_json(plan)
    seal = document["plan_sha256"]
    files = {"plan.json": json_text(document).encode(),
             "plan.html": plan_page(plan, estate, seal).encode()}
    if plan.verified:
        files["runbook.md"], files["plan.xlsx"] = _both(plan, estate, seal)
        files["runbook.html"] = runbook_page(files["runbook.md"].decode()).encode()
        site = Site(estate, goal=plan.goal)
        files["moves.csv"] = moves_csv(plan, site).encode()
        if plan.window is not None:
            files["window.ics"] = window_ics(plan).encode()
        files |= {name: text.encode() for name, text in lane_scripts(plan, site)}
        files["playbook.yml"] = playbook(plan, site).encode()
    else:
        files["plan.xlsx"] = no_answer_book(plan, mark(seal))
    return marked(files, seal)


def _both(plan: Plan, estate: Estate, seal: str) -> tuple[bytes, bytes]:
    def written() -> bytes:
        return runbook(plan, estate).encode()

    def tabled() -> bytes:
        return plan_workbook(plan, estate, mark(seal))

    return beside(written, tabled) if len(plan.moves) > _MANY_MOVES else (written(), tabled())
