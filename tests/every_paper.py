"""The papers of every command that prints some, made once a test run, whichever worker wants them first; what is wrong with one."""

from __future__ import annotations

import fcntl
from pathlib import Path

from browser import Tab
from landscape import build_usage, landscape
from typer.testing import CliRunner

from planner.cli import app
from planner.history.store import History

SERVER, WINDOW = "SN8379A80_p595-2", "2026-12-05 22:00/04:00"
ASKED = {
    "evacuation": ("evacuate", "data/landscape", SERVER, "--return", "--window", WINDOW, "--effort", "0.1"),
    "impossible": ("evacuate", "data/landscape", "SN1001C70_p570-1"),
    "headroom": ("headroom", "data/landscape", SERVER, "--cores", "2", "--memory", "64", "--no-curve"),
    "consolidation": ("consolidate", "data/modern", "--time-limit", "20"),
    "whatif": ("whatif", "data/landscape", "data/scenarios/power7-770.toml"),
    "campaign": ("campaign", "data/landscape", "campaign.toml"),
    "readiness": ("readiness", "data/modern"),
    "capacity": ("capacity", "data/landscape", "--history", "usage.db", "--month", "2026-11"),
}
_CAMPAIGN = f"""name = "Firmware"
[[work]]
server = "{SERVER}"
firmware = "EH350_149"
minutes = 60
[[window]]
start = 2026-12-05 22:00:00
end = 2026-12-06 04:00:00
"""


class Papers:
    """The directories of the commands' papers below one directory that all workers of a run share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, name: str) -> Path:
        """The directory of one command's, written where that has not happened yet."""
        out = self._root / name
        with (self._root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not out.exists():
                self._write(name, out)
        return out

    def _write(self, name: str, out: Path) -> None:
        own = self._root / f"{name}-input"
        own.mkdir()
        (own / "campaign.toml").write_text(_CAMPAIGN)
        if name == "capacity":
            with History.open(own / "usage.db") as history:
                build_usage.landscape_usage(landscape(), months=2, step_s=3600).into(history)
            out.mkdir()
        asked = [str(own / word) if word in ("campaign.toml", "usage.db") else word for word in ASKED[name]]
        done = CliRunner().invoke(app, [*asked, "--out", str(out / "capacity.xlsx" if name == "capacity" else out)])
        assert done.exit_code in (0, 3), (name, done.output)


_CROWDED = """
const odd = [], root = document.documentElement, all = document.querySelector(".view:not([hidden])") || document.body;
if (root.scrollWidth > root.clientWidth) odd.push("the page is wider than the window");
const shut = e => { const s = getComputedStyle(e); return s.overflowX !== "visible" || s.overflowY !== "visible" || s.clip !== "auto"; };
const within = (r, e) => {   // what of a box can be seen in the boxes that cut it
  let [l, t, right, b] = [r.left, r.top, r.right, r.bottom];
  for (; e && e !== document.body; e = e.parentElement) if (shut(e)) {
    const q = e.getBoundingClientRect();
    [l, t, right, b] = [Math.max(l, q.left), Math.max(t, q.top), Math.min(right, q.right), Math.min(b, q.bottom)];
  }
  return right - l > 1 && b - t > 3 ? { left: l, top: t, right, bottom: b } : null;
};
const boxes = [], walk = document.createTreeWalker(all, NodeFilter.SHOW_TEXT);
for (let node; (node = walk.nextNode());) {
  const e = node.parentElement, text = node.data.trim();
  if (!text || !e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || /^(SCRIPT|STYLE|TITLE|OPTION)$/i.test(e.tagName)) continue;
  if (/\\S…$/.test(text) && e.closest("svg")) odd.push("not all of it: " + text);
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const r of range.getClientRects()) { const seen = within(r, e); if (seen) boxes.push([text.slice(0, 60), seen, node]); }
}
for (const svg of all.querySelectorAll("svg")) {
  const s = svg.getBoundingClientRect();
  for (const t of svg.querySelectorAll("text")) {
    const r = t.getBoundingClientRect();
    if (r.width && (r.left < s.left - 1 || r.right > s.right + 1 || r.top < s.top - 1 || r.bottom > s.bottom + 1)) odd.push("cut: " + t.textContent);
  }
}
boxes.sort((a, b) => a[1].top - b[1].top);
boxes.forEach(([text, r, at], n) => {
  for (let k = n + 1; k < boxes.length && boxes[k][1].top < r.bottom - 3; k++) {
    const [other, q] = boxes[k], high = Math.min(r.bottom, q.bottom) - q.top;
    if (at !== boxes[k][2] && Math.min(r.right, q.right) - Math.max(r.left, q.left) > 1 && high > 0.4 * Math.min(r.bottom - r.top, q.bottom - q.top)) odd.push(text + " over " + other);
  }
});
return [boxes.length, odd];
"""


def crowded(page: Tab) -> list[str]:
    """What of the texts of the view that is shown is cut, lies over another, or makes the page wider than its window."""
    texts, odd = page.run(_CROWDED)
    assert texts
    found: list[str] = odd
    return found
