"""plan.html: a plan on one page that needs nothing else, before the evening, during it and after it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from planner.estate.model import Estate
from planner.estate.policies import owners
from planner.findings import assumed
from planner.jobs.why_moves import why_moves
from planner.plan.plan import Plan
from planner.report.decisions import NO_RETURN, decisions
from planner.report.finding_kinds import kinds
from planner.report.html import templates
from planner.report.page.answer import Short, answer
from planner.report.page.block import page_block, short_names
from planner.report.page.blocked import blocked, links
from planner.report.page.held import SHOWN, WIDE, held
from planner.report.page.reached import reach_block
from planner.report.page.told import assumptions, before_go
from planner.report.text import alike, capital, headline, seen_first, window_text, windows
from planner.rules import Judge, Site

_STYLES, _SCRIPTS = ("plan.css",), ("plan.js", "plan_before.js")
_EVENING_STYLES, _EVENING_SCRIPTS = ("plan_cockpit.css",), ("plan_engine.js", "plan_cockpit.js")
"""Of plans that are carried out. In their order; what a script declares at its top level the next ones see."""
_NAMED = 6
"""LPARs that a decision names before a reader asks for all."""
_ROWS = 60
"""Lines of one kind of finding; the workbook has them all."""
_IN_SCRIPT = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def plan_page(plan: Plan, estate: Estate, seal: str) -> str:
    """The page as HTML; the same plan gives the same bytes. ``seal``: the plan_sha256 of its plan.json.

    Its Content-Security-Policy lets nothing run or load but its own scripts and style, by their hashes: no markup may
    have a ``style`` or an ``on…`` attribute.
    """
    if not plan.verified:
        plan = plan.replace(moves=())
    made, site, evening = templates(), Site(estate, goal=plan.goal), plan.verified and bool(plan.moves)
    style = Markup().join(_source(made, name) for name in _STYLES + _EVENING_STYLES * evening)
    scripts = [_source(made, name) for name in _SCRIPTS + _EVENING_SCRIPTS * evening]
    block = page_block(plan, site, seal)
    _explain(block, plan, site)
    return made.get_template("plan.html.j2").render(
        plan=plan, title=headline(plan), block=_json(block), evening=evening, style=style, scripts=scripts,
        style_hash=_hash(style), script_hashes=[_hash(one) for one in scripts],
        **_before(plan, site, _shortened(estate)))


def _explain(block: dict[str, Any], plan: Plan, site: Site) -> None:
    """Adds what Before draws besides: to each move ``why``: {``made``, ``there``, ``instead``: other targets in words},
    null where nobody knows; ``reach`` (:func:`reach_block`); ``freed``: the servers that are to be free; ``conflict``:
    :func:`links`."""
    judge = Judge(site)
    told = {(m.lpar, m.leg, m.source, m.target): w for m, w in why_moves(plan, site, judge)} if plan.verified else {}
    for row in block["moves"]:
        w = told.get((row["lpar"], row["leg"], row["from"], row["to"]))
        row["why"] = w and {"made": w.made, "there": w.there, "instead": [i.text for i in w.instead]}
    block |= {"reach": reach_block(plan, site, judge), "freed": [*plan.goal.freed, *plan.off],
              "conflict": links(plan.conflict) if plan.conflict else []}


def _before(plan: Plan, site: Site, short: Short) -> dict[str, Any]:
    """What the template says of a plan before the evening."""
    found, gates = kinds(plan.findings), len(alike(assumed(plan.findings)))
    whose = owners(site.estate)
    return {
        "seen": seen_first(plan), "windows": [f"{name} {window_text(w)}" for name, w in windows(plan)], "short": short,
        "lines": answer(plan, short, before_go(found, gates)) if plan.verified else [],
        "points": decisions(plan, whose) if plan.verified else [], "no_return": NO_RETURN,
        "named": _NAMED, "owned": bool(whose.keys() & {m.lpar for m in plan.moves}),
        "capital": capital, "kinds": found, "kind_rows": _ROWS,
        "blocked": None if plan.verified else blocked(plan, site, short), "held": held(plan, short), "wide": WIDE,
        "held_shown": SHOWN, "assumptions": [*assumptions(plan, site.estate)]}


def _shortened(estate: Estate) -> Short:
    """Puts what pictures call them for the names of servers in a text."""
    short = {name: one for name, one in short_names([s.name for s in estate.servers]).items() if one != name}
    if not short:
        return str
    names = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, sorted(short, key=len, reverse=True)))})(?![\w-])")
    return lambda text: names.sub(lambda m: short[m[1]], text)


def _source(made: Environment, name: str) -> Markup:
    """A file of the page as it stands."""
    assert made.loader is not None
    return Markup(made.loader.get_source(made, name)[0])  # nosec B704


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(block: dict[str, Any]) -> Markup:
    """JSON that cannot end the element in which it stands, whatever is in the names."""
    return Markup(json.dumps(block, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPT))  # nosec B704
