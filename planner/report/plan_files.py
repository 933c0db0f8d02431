"""The files of a plan's directory, whichever command writes it."""

from __future__ import annotations

from planner.estate.model import Estate
from planner.parallel import beside
from planner.plan.plan import Plan, plan_json
from planner.report.lane_scripts import lane_scripts
from planner.report.output import json_text
from planner.report.page import plan_page
from planner.report.runbook import runbook
from planner.report.workbook import plan_workbook
from planner.rules import Site

_MANY_MOVES = 500
"""Moves from which on workbook and runbook are made side by side."""


def plan_files(plan: Plan, estate: Estate) -> dict[str, bytes]:
    """Name → content; of a plan that is not verified, plan.json and the page, which says what stands in its way."""
    document = plan_json(plan)
    files = {"plan.json": json_text(document).encode(),
             "plan.html": plan_page(plan, estate, document["plan_sha256"]).encode()}
    if plan.verified:
        files["runbook.md"], files["plan.xlsx"] = _both(plan, estate)
        scripts = lane_scripts(plan, Site(estate, goal=plan.goal), document["plan_sha256"])
        files |= {name: text.encode() for name, text in scripts}
    return files


def _both(plan: Plan, estate: Estate) -> tuple[bytes, bytes]:
    def written() -> bytes:
        return runbook(plan, estate).encode()

    def tabled() -> bytes:
        return plan_workbook(plan, estate)

    return beside(written, tabled) if len(plan.moves) > _MANY_MOVES else (written(), tabled())
