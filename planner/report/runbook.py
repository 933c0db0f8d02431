"""runbook.md: what people carry into the window."""

from __future__ import annotations

from collections.abc import Iterator

from planner.estate.model import Estate
from planner.findings import Severity
from planner.grouping import grouped
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.plan.questions import Resume
from planner.report.finding_kinds import kinds
from planner.report.markdown import BOX, table
from planner.report.runbook_appendix import appendix
from planner.report.runbook_between import between_ways
from planner.report.runbook_cover import cover
from planner.report.runbook_home import unplanned_way_back
from planner.report.runbook_moves import every_lane, ways
from planner.report.runbook_preparation import preparation
from planner.report.runbook_recovery import recovery
from planner.report.runbook_resume import recover_first
from planner.report.text import md, peak_words, touched, used_cores
from planner.rules import Site
from planner.units import MANY, show_cores

_MODEL = "Cost model: "


def runbook(plan: Plan, estate: Estate) -> str:
    """The whole runbook as Markdown."""
    return "\n".join(_lines(plan, Site(estate, goal=plan.goal))) + "\n"


def _lines(plan: Plan, site: Site) -> Iterator[str]:
    yield from cover(plan, site)
    if isinstance(plan.goal, Resume):
        yield from recover_first(plan.goal, site)
    yield from _peaks(plan)
    yield from _stays(plan)
    yield from _warnings(plan)
    yield from preparation(plan, site)
    yield from every_lane(plan, site)
    yield from ways(plan, site, OUT)
    yield from between_ways(plan, site)
    if plan.leg(BACK):
        yield from ways(plan, site, BACK)
    else:
        yield from unplanned_way_back(plan, site)
    yield from recovery(plan, site)
    yield from appendix(plan, site)
    yield from _assumptions(plan)


def _assumptions(plan: Plan) -> Iterator[str]:
    """One a line, the parameters of the cost model in one."""
    yield "## Assumptions\n"
    yield from (f"- {md(a)}" for a in plan.assumptions if not a.startswith(_MODEL))
    if model := [a.removeprefix(_MODEL) for a in plan.assumptions if a.startswith(_MODEL)]:
        yield f"- {_MODEL}{md('; '.join(model))}"


def _peaks(plan: Plan) -> Iterator[str]:
    """What servers use at most, before and after the way out, where a history was given."""
    if plan.goal.usage is None:
        return
    yield f"| server | {peak_words(plan).lower()} before → after / cores |\n|---|---|"
    concerned = touched(plan)
    yield from (f"| {md(b.server)} | {used_cores(b.used)} → {used_cores(a.used)} / {show_cores(a.units_limit)} |"
                for b, a in zip(plan.before, plan.after, strict=True) if b.server in concerned)
    yield ""


def _stays(plan: Plan) -> Iterator[str]:
    if plan.stays:
        why = grouped((f"on {server}: {why}", name) for name, server, why in plan.stays)
        yield f"Stays {'defined on the servers that go off' if plan.off else 'on the freed server(s)'}:\n"
        yield from (f"- {md(', '.join(names))} {md(said)}" for said, names in why.items())
        yield ""


def _warnings(plan: Plan) -> Iterator[str]:
    moved = {m.lpar for m in plan.moves}
    shown = [f for f in plan.findings if f.severity is not Severity.ASSUMPTION
             and (f.severity is not Severity.INFO or f.subject in moved or f.subject == "plan")]
    if shown:
        yield "## Read this first\n"
        found = kinds(shown)
        yield from table(("Kind", "What was found", "What to do", "Settled"), [
            (k.word, md(k.told()), md("; ".join(k.fixes)), BOX) for k in found])
        if any(len(k.rows) > MANY or any(len(names) > MANY for names, _ in k.rows) for k in found):
            yield "Where not all names stand here: plan.xlsx, sheet All findings.\n"
