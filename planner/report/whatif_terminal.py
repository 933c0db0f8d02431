"""What the terminal shows of scenarios: side by side, then what each has to say."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType

from planner.jobs.scenario_result import ScenarioFigures
from planner.report.beside import beside_view
from planner.report.charts import shown
from planner.report.seen import Text
from planner.report.tables import WholeWords
from planner.report.text import impossible_word, lift_lines
from planner.report.whatif_json import WhatifDocument
from planner.report.whatif_page import cells
from planner.units import many

_FEW, _RESTARTS = 5, 8
_COLOUR = {"optimal": "green", "feasible": "yellow", "infeasible": "red", "unknown": "red"}


def whatif_line(document: WhatifDocument) -> str:
    """``to POWER7: OPTIMAL, growth: INFEASIBLE``: how each scenario is answered."""
    return ", ".join(f"{s.name}: {s.status.upper()}" for s in document.scenarios[1:])


def whatif_view(document: WhatifDocument, *, whole: bool = False) -> RenderableType:
    """The comparison, conflicts, one-way doors; ``whole``: every way to lift one, every restart."""
    table = WholeWords(box=None, padding=(0, 1), show_header=True, header_style="bold")
    table.add_column("")
    for s in document.scenarios:
        table.add_column(Text(s.name), justify="right", overflow="fold")
    table.add_row("status", *(Text("as it is") if n == 0 else Text(s.status.upper(), _COLOUR[s.status])
                              for n, s in enumerate(document.scenarios)))
    for row in cells(document):
        unit = f" ({row.unit})" if row.unit else ""
        table.add_row(Text(f"{row.label}{unit}"), *("–" if v is None else shown(float(v)) for v in row.figures))
    return Group(*(Text(f"{line}\n", "yellow") for line in document.first), table,
                 *(_remarks(s, whole=whole) for s in document.scenarios[1:]))


def _remarks(s: ScenarioFigures, *, whole: bool) -> RenderableType:
    few, restarts = (None, len(s.lpars)) if whole else (_FEW, _RESTARTS)
    lines = [Text(f"\n{s.name}", "bold")]
    if s.conflict:
        open_to = s.conflict.unstated
        lines.append(Text(f"  {impossible_word(bool(open_to))}: {s.conflict.summary}", "red"))
        lines += [Text(f"  to export: {x}") for x in open_to[:few]]
        lines += [Text(f"  {x}") for x in lift_lines(s.conflict.lifts[:few])]
    for door in s.doors:
        lines.append(Text(f"  one-way after {door.after}: {door.reason} ({many(len(door.lpars), 'LPAR')})", "yellow"))
    restarted = [x for x in s.lpars if x.way.startswith("restart")]
    for x in restarted[:restarts]:
        why = "; ".join(dict.fromkeys(r.reason for r in x.reasons))
        lines.append(Text(f"  {x.way}: {x.name}: {why}", "yellow"))
    if len(restarted) > restarts:
        lines.append(Text(f"  … and {len(restarted) - restarts} more restarts (-v)"))
    counts = Counter(f.severity.value for f in s.findings)
    if counts:
        lines.append(Text("  " + ", ".join(many(n, k) for k, n in sorted(counts.items()))
                          + ": whatif.xlsx, sheet Findings", "dim"))
    return Group(*lines, *([beside_view(s.beside, f"Other plans for {s.name}")] if s.beside else []))
