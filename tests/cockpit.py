"""The cockpit of a plan's page outside a browser: its engine in node, a page of a plan for it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

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


CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
AXE = Path(os.environ.get("AXE_CORE", ENGINE.parents[3] / "node_modules" / "axe-core" / "axe.min.js"))
"""axe-core of npm, where it is: ``npm install axe-core``, or the environment's AXE_CORE."""
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not here (npm install axe-core)")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is here")

_BEFORE = """
const SHIFT = Date.parse("NOW") - Date.now(), real = Date.now.bind(Date);
Date.now = () => real() + SHIFT;
const wrong = [];
addEventListener("error", e => wrong.push(e.message));
addEventListener("securitypolicyviolation", e => wrong.push(e.violatedDirective + " " + e.blockedURI));
console.error = (...said) => wrong.push(said.join(" "));
const saved = [];
const Plain = Blob;
Blob = class extends Plain { constructor(parts, options) { super(parts, options); saved.push(parts.join("")); } };
URL.createObjectURL = () => "#during";
localStorage.clear();
for (const [key, value] of Object.entries(KEPT)) localStorage.setItem(key, value);
"""
_AFTER = """
(async () => {
  const wait = ms => new Promise(r => setTimeout(r, ms)), one = s => document.querySelector(s);
  const tick = async (event, n) => { await wait(700); one(`[data-tick="${event}"][data-n="${n}"]`).click(); await wait(100); };
  let answer;
  await wait(300);
  try { answer = await (async () => { BODY })(); } catch (error) { wrong.push(String(error.stack || error)); }
  const told = JSON.stringify({ answer, wrong, saved });
  if (parent !== window) parent.postMessage(told, "*");
  else document.body.replaceChildren(Object.assign(document.createElement("pre"), { id: "answer", textContent: told }));
})();
"""
_LEAST_WINDOW = 500
"""CSS pixels: Chromium has no window less wide."""
_FRAME = """<!doctype html><iframe src="page.html#during" style="width: WIDTHpx; height: 1200px; border: 0"></iframe>
<script>addEventListener("message", e => document.body.replaceChildren(Object.assign(document.createElement("pre"), { id: "answer", textContent: e.data })));</script>
"""


def _hashed(script: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"


def in_chromium(tmp_path: Path, page: str, body: str, *, now: str = "2026-12-05T22:00:30Z", kept: dict[str, str] | None = None,
                width: int = 1400, budget_ms: int = 60_000, library: str = "") -> dict[str, Any]:
    """What a piece of JavaScript returns in a page at #during, with ``wrong`` (errors, what its policy stopped) and ``saved``
    (downloads). Its policy stays as it is, but for these scripts. ``kept``: what the browser had kept; ``width``: of what the page
    is shown in, CSS pixels; ``library``: a script more."""
    assert CHROMIUM
    before = _BEFORE.replace("NOW", now).replace("KEPT", json.dumps(kept or {}))
    after = library + _AFTER.replace("BODY", body)
    copy = tmp_path / "page.html"
    copy.write_text(page.replace("script-src ", f"script-src {_hashed(before)} {_hashed(after)} ", 1).replace(
        "<style>", f"<script>{before}</script><style>", 1).replace("</body>", f"<script>{after}</script></body>"), encoding="utf-8")
    shown = copy.as_uri() + "#during"
    if width < _LEAST_WINDOW:
        (tmp_path / "frame.html").write_text(_FRAME.replace("WIDTH", str(width)), encoding="utf-8")
        shown = (tmp_path / "frame.html").as_uri()
    done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
                           f"--window-size={max(width, _LEAST_WINDOW)},1200", f"--virtual-time-budget={budget_ms}", "--dump-dom", shown],
                          capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout, re.S)
    assert found, (done.stdout[-500:], done.stderr[-1500:])
    answer: dict[str, Any] = json.loads(html.unescape(found[1]))
    return answer


def axe_violations(tmp_path: Path, page: str, selector: str, first: str = "", **more: Any) -> list[Any]:
    """What axe-core finds against WCAG 2.2 AA and good practice in a part of a page: (rule, where) each. ``first``: JavaScript
    before it looks; ``more``: for :func:`in_chromium`."""
    told = in_chromium(tmp_path, page, f"""
      {first}
      for (const d of document.querySelectorAll("{selector} details")) d.open = true;
      const found = await axe.run("{selector}", {{ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }});
      return [found.passes.length, found.violations.map(v => [v.id, v.nodes.map(n => n.target.join(" "))])]""",
                       library=AXE.read_text(encoding="utf-8"), budget_ms=120_000, **more)
    assert told["wrong"] == [] and told["answer"][0] > 12
    violations: list[Any] = told["answer"][1]
    return violations
