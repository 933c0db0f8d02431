"""plan.html: a plan on one page that needs nothing else, before the evening, during it and after it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from planner.estate.model import Estate
from planner.plan.plan import Plan
from planner.report.page.block import page_block
from planner.report.text import headline
from planner.rules import Site

_STYLES, _SCRIPTS = ("plan.css",), ("plan.js", "plan_before.js")
_EVENING_STYLES, _EVENING_SCRIPTS = ("plan_cockpit.css",), ("plan_engine.js", "plan_cockpit.js")
"""Of plans that are carried out. In their order; what a script declares at its top level the next ones see."""
_IN_SCRIPT = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def plan_page(plan: Plan, estate: Estate, seal: str) -> str:
    """The page as HTML; the same plan gives the same bytes. ``seal``: the plan_sha256 of its plan.json.

    Its Content-Security-Policy lets nothing run or load but its own scripts and style, by their hashes: no markup may
    have a ``style`` or an ``on…`` attribute.
    """
    made = Environment(loader=PackageLoader("planner.report"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    evening = plan.verified and bool(plan.moves)
    style = Markup().join(_source(made, name) for name in _STYLES + _EVENING_STYLES * evening)
    scripts = [_source(made, name) for name in _SCRIPTS + _EVENING_SCRIPTS * evening]
    block = page_block(plan, Site(estate, goal=plan.goal), seal)
    return made.get_template("plan.html.j2").render(
        plan=plan, title=headline(plan), block=_json(block), evening=evening, style=style,
        scripts=scripts, style_hash=_hash(style), script_hashes=[_hash(one) for one in scripts])


def _source(made: Environment, name: str) -> Markup:
    """A file of the page as it stands."""
    assert made.loader is not None
    return Markup(made.loader.get_source(made, name)[0])


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(block: dict[str, Any]) -> Markup:
    """JSON that cannot end the element in which it stands, whatever is in the names."""
    return Markup(json.dumps(block, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPT))
