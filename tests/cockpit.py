"""The cockpit of a plan's page outside a browser: its engine in node, a page of a plan for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Tab, shown

from planner.estate.model import Estate
from planner.plan.plan import Plan, plan_json
from planner.report.page.block import page_block
from planner.rules import Site

ENGINE = Path(__file__).parents[1] / "planner" / "report" / "templates" / "plan_engine.js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not here")

_PRELUDE = """
const fs = require("fs");
const [engine, given] = process.argv.slice(1).map(f => fs.readFileSync(f, "utf8"));
const Engine = new Function(engine + "; return Engine")(), { P, arg } = JSON.parse(given), M = P && Engine.model(P), Z = Date.parse("2026-12-05T22:00:00Z");
const iso = s => new Date(Z + 1000 * s).toISOString().slice(0, 19) + "+00:00";
const ticked = (R, ...events) => events.reduce((r, [n, event, s]) => r && Engine.tick(M, r, n, event, iso(s), "JK"), R);
const states = R => Engine.states(M, R), fresh = () => Engine.fresh(P);
const answer = (() => { BODY })();
process.stdout.write(JSON.stringify(answer));
"""


def block(plan: Plan, estate: Estate) -> dict[str, Any]:
    """What the page of a plan has of it."""
    return page_block(plan, Site(estate, goal=plan.goal), plan_json(plan)["plan_sha256"])


def in_node(tmp_path: Path, data: dict[str, Any] | None, body: str, arg: Any = None) -> Any:
    """What a piece of JavaScript returns that has ``Engine``, ``P``, its model ``M`` and ``arg``; ``Z``: 22:00 in UTC;
    ``ticked(record, [n, event, second], …)``, null where one of them cannot be."""
    assert NODE
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"P": data, "arg": arg}), encoding="utf-8")
    done = subprocess.run([NODE, "-e", _PRELUDE.replace("BODY", body), str(ENGINE), str(given)], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


AXE = Path(os.environ.get("AXE_CORE", ENGINE.parents[3] / "node_modules" / "axe-core" / "axe.min.js"))
"""axe-core of npm, where it is: ``npm install axe-core``, or the environment's AXE_CORE."""
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not here (npm install axe-core)")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is here")

_BEFORE = """
let shift = Date.parse("NOW") - Date.now();
const real = Date.now.bind(Date), later = setTimeout.bind(window), never = clearTimeout.bind(window), due = new Set(), saved = [];
Date.now = () => real() + shift;
let passed = 0;
const steady = performance.now.bind(performance);
performance.now = () => steady() + passed;
setTimeout = (what, ms = 0, ...more) => { const id = later(() => { due.delete(id); what(...more); }, ms); if (ms < 1000) due.add(id); return id; };
clearTimeout = id => { due.delete(id); never(id); };
Blob = class extends Blob { constructor(parts, options) { super(parts, options); saved.push(parts.join("")); } };
URL.createObjectURL = () => "#during";
for (const [key, value] of Object.entries(KEPT)) localStorage.setItem(key, value);
/* So much later by the page's clock, which is set back where that is negative; and all is done that it had begun. */
const wait = async ms => { shift += ms; passed += Math.max(0, ms); for (let quiet = 0; quiet < 3; quiet = due.size ? 0 : quiet + 1) await new Promise(go => later(go, 4)); };
const one = s => document.querySelector(s);
const tick = async (event, n) => { await wait(700); one(`[data-tick="${event}"][data-n="${n}"]`).click(); await wait(100); };
"""


def opened(tmp_path: Path, page: str, *, now: str = "2026-12-05T22:00:30Z", kept: dict[str, str] | None = None,
           width: int = 1400, at: str = "#during", dark: bool = False) -> Tab:
    """A page in a browser that has for its JavaScript ``one(selector)``, ``wait(ms)`` of the page's clock, ``tick(event, n)``, and what
    was ``saved``. ``kept``: what the browser had kept; ``width``: of the window, CSS pixels; ``at``: the view."""
    copy = tmp_path / "page.html"
    copy.write_text(page, encoding="utf-8")
    made = shown(copy.as_uri() + at, width, _BEFORE.replace("NOW", now).replace("KEPT", json.dumps(kept or {})), dark)
    made.run("await wait(0)")
    return made


def in_chromium(tmp_path: Path, page: str, body: str, library: str = "", **more: Any) -> dict[str, Any]:
    """What a piece of JavaScript returns in a page at #during, with ``wrong`` (errors, what its policy stopped, what it asked of
    the network) and ``saved`` (downloads). ``library``: a script more; ``more``: for :func:`opened`."""
    page_there = opened(tmp_path, page, **more)
    if library:
        page_there.run(library)
    answer = page_there.run(body)
    return {"answer": answer, "saved": page_there.run("return saved"), "wrong": page_there.wrong}


def axe_violations(tmp_path: Path, page: str, selector: str, first: str = "", **more: Any) -> list[Any]:
    """What axe-core finds against WCAG 2.2 AA and good practice in a part of a page: (rule, where) each. ``first``: JavaScript
    before it looks; ``more``: for :func:`in_chromium`."""
    told = in_chromium(tmp_path, page, f"""
      {first}
      for (const d of document.querySelectorAll("{selector} details")) d.open = true;
      const found = await axe.run("{selector}", {{ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }});
      return [found.passes.length, found.violations.map(v => [v.id, v.nodes.map(n => n.target.join(" "))])]""",
                       library=AXE.read_text(encoding="utf-8"), **more)
    assert told["wrong"] == [] and told["answer"][0] > 12
    violations: list[Any] = told["answer"][1]
    return violations
