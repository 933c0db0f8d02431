"""How fluid plan.html stays with many moves: processor time of its main thread to load, and for each kind of click.

    python benchmarks/pages.py [--moves 40 1000]

The page of an invented plan, small LPARs of one server in 20 lanes with waits between them, is opened in Chromium.
Milliseconds are the renderer's processor time (``Performance.getMetrics``, thread ticks), so
that a busy machine does not count; the last column is the ratio of the largest page to the smallest. The limits are
1 s to load and 100 ms for a click with 1,000 moves; exit code 1 where one is missed. What is drawn anew at another
width is drawn in slices of 12 ms, between which clicks are heard: it has no limit.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import CHROMIUM, Tab, tab  # tests/browser.py
from estates import BASE, estate, loaded, lpar, server  # tests/estates.py

from planner.jobs import Options, evacuate, window_from
from planner.plan.plan import Move, Wait, plan_json
from planner.plan.questions import Evacuate
from planner.report.page import plan_page

LOAD_MS, CLICK_MS, TIMES, LANES = 1000, 100, 5, 20
_TONIGHT = """const off = Date.parse("2026-12-05T22:30:00Z") - Date.now(), real = Date.now.bind(Date);
Date.now = () => real() + off;"""
_CLICKS = {
    "before: sort": ("before", 'document.querySelectorAll("#moves-table th button")[K % 4].click()'),
    "before: filter": ("before", 'const f = document.querySelector("#f-text"); f.value = K % 2 ? "1" : ""; '
                       'f.dispatchEvent(new Event("input", { bubbles: true }))'),
    "before: choose an LPAR": ("before", 'const r = document.querySelector("#r-lpar"); r.selectedIndex = K + 1; '
                               'r.dispatchEvent(new Event("change"))'),
    "during: first ticks": ("during", 'document.querySelectorAll(".tick.go")[0].click()'),
    "during: ticks half way": ("half", 'document.querySelectorAll(".tick.go")[0].click()'),
    "during: all of it drawn anew": ("half", 'await new Promise(go => setTimeout(go, 250))'),
}
_ANEW = [*_CLICKS][-1]
"""Where the window is made narrower, so that no bar of the picture stays where it is."""
_HALF = """let R = Engine.fresh(P);
const M = Engine.model(P), z = Engine.zero(M, R, Date.now());
const iso = s => new Date(z + 1000 * s).toISOString().slice(0, 19) + "+00:00";
for (const m of P.moves) if (m.start_s < P.moves[P.moves.length >> 1].start_s) {
  R = Engine.tick(M, R, m.n, "started", iso(m.start_s), "JK");
  R = Engine.tick(M, R, m.n, "arrived", iso(m.start_s + 50), "JK");
}
return `localStorage.setItem(${JSON.stringify("planner-record-" + P.plan)}, ${JSON.stringify(JSON.stringify(R))});`;"""
"""JavaScript that keeps a record of the evening in which the first half of the moves has arrived."""


def page_of(moves: int, to: Path) -> None:
    """Writes the page of a plan of so many moves."""
    rows = [lpar(f"lpar{n:04}", "A", 0.05, 1) for n in range(moves)]
    of = estate([server("A", 256, 8192), server("B", 256, 8192)], rows)
    made = [Move(p.name, "A", "B", number=n + 1, lane=n % LANES + 1, start_ms=60_000 * (n // LANES), duration_ms=60_000,
                 waits=(Wait(n, "arrived", "memory.capacity", "needs its room"),) if n % 3 == 0 and n % LANES else ())
            for n, p in enumerate(rows)]
    night = Options(10, window=window_from("2026-12-05 22:00/04:00"), zone="UTC")
    small = evacuate(loaded(BASE), Evacuate(servers=("A",)), night)
    plan = small.replace(moves=tuple(made), evening=None, before=(), peak=(), after=())
    to.write_text(plan_page(plan, of, plan_json(plan)["plan_sha256"]), encoding="utf-8")


def busy_ms(page: Tab) -> float:
    """Processor time that the page's main thread has used."""
    told = {m["name"]: m["value"] for m in page.ask("Performance.getMetrics")["metrics"]}
    return 1000 * float(told["TaskDuration"])


def measured(file: Path) -> dict[str, float]:
    """Milliseconds of each thing that a person does."""
    page, out = tab(), {}
    page.narrow(1400)
    loads = []
    for _ in range(TIMES):
        page.open("about:blank")
        before = busy_ms(page)
        page.open(file.as_uri(), _TONIGHT)
        loads.append(busy_ms(page) - before)
    out["load"] = statistics.median(loads)
    for name, (view, click) in _CLICKS.items():
        kept = f'if (location.protocol === "file:") {page.run(_HALF)}' if view == "half" else ""
        page.open(f"{file.as_uri()}#{'during' if view == 'half' else view}", f"{_TONIGHT}\n{kept}")
        page.run("await new Promise(go => setTimeout(go, 1500))")
        took = []
        for k in range(TIMES):
            before = busy_ms(page)
            if name == _ANEW:
                page.narrow(1390 - 10 * k)
            page.run(click.replace("K", str(k))
                     + "; document.body.offsetHeight; await new Promise(go => setTimeout(go))")
            took.append(busy_ms(page) - before)
            page.run("await new Promise(go => setTimeout(go, 700))")
        out[name] = statistics.median(took)
        page.narrow(1400)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--moves", type=int, nargs="+", default=[40, 1000])
    asked = parser.parse_args()
    if CHROMIUM is None:
        print("no Chromium is here")
        return 2
    tab().ask("Performance.enable", timeDomain="threadTicks")
    found = {}
    with tempfile.TemporaryDirectory() as where:
        for moves in asked.moves:
            file = Path(where) / f"{moves}.html"
            page_of(moves, file)
            found[f"{moves} moves, {file.stat().st_size / 1e6:.1f} MB"] = measured(file)
    first, last = next(iter(found.values())), [*found.values()][-1]
    print(f"{'processor time, ms':<26}" + "".join(f"{head:>24}" for head in found) + f"{'ratio':>8}{'limit':>8}")
    missed = 0
    for name in first:
        limit = LOAD_MS if name == "load" else math.inf if name == _ANEW else CLICK_MS
        missed += last[name] > limit
        most = "–" if limit == math.inf else limit
        print(f"{name:<26}" + "".join(f"{one[name]:>24.0f}" for one in found.values())
              + f"{last[name] / max(first[name], 0.1):>8.1f}{most:>8}" + ("  missed" if last[name] > limit else ""))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
