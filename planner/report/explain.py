"""Why and why not, on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType

from planner.findings import finding_json
from planner.jobs.explain import Explained
from planner.jobs.why_moves import WhyMove
from planner.plan.plan import Move
from planner.report.seen import Text
from planner.units import many, some

_FACTS = 4
"""Facts of a refusal that the terminal shows."""


def explained_json(e: Explained) -> dict[str, Any]:
    """One LPAR and one server."""
    return {"lpar": e.lpar, "from": e.source, "to": e.target, "allowed": not e.because,
            "because": [finding_json(b.finding) | {"facts": [
                {"sheet": f.sheet, "row": f.row, "column": f.header, "value": f.value, "source": f.source or None}
                for f in b.facts]} for b in e.because],
            "assumed": [finding_json(f) for f in e.taken], "beside_who_is_there": [finding_json(f) for f in e.beside],
            "hours": [{"where": h.where, "when": h.when, "used_cores": h.used / 1000, "limit_cores": h.limit / 1000}
                      for h in e.hours]}


def explained_line(answers: Sequence[Explained]) -> str:
    """``hxaix52 may go to A, if …; not to B (network.vlan)``."""
    may = [f"{e.target}{', if …' * bool(e.taken)}" for e in answers if not e.because]
    not_to = [f"{e.target} ({some(dict.fromkeys(b.finding.rule for b in e.because))})" for e in answers if e.because]
    told = [f"may go to {some(may)}"] * bool(may) + [f"may not go to {some(not_to)}"] * bool(not_to)
    return f"{answers[0].lpar} (on {answers[0].source}) {'; '.join(told)}"


def explained_view(answers: Sequence[Explained], *, whole: bool = False) -> RenderableType:
    """One paragraph a server; ``whole``: every fact."""
    parts: list[RenderableType] = []
    for e in answers:
        word = ("may not go", "bold red") if e.because else ("may go", "bold green")
        parts.append(Text.assemble(f"{e.lpar} (on {e.source}) ", word, f" to {e.target}"))
        for b in e.because:
            parts.append(Text(f"  {b.finding.message} [{b.finding.rule}]", "red"))
            facts = b.facts[:None if whole else _FACTS]
            parts += [Text(f"    {f.text}", "dim") for f in facts]
            if len(b.facts) > len(facts):
                parts.append(Text(f"    … and {many(len(b.facts) - len(facts), 'more fact')} (-v, --json)", "dim"))
            parts.append(Text(f"    what would mend it: {b.finding.fix}"))
        parts += [Text(f"  if {f.message} (settled by: {f.fix})", "yellow") for f in e.taken if not e.because]
        parts += [Text(f"  beside all who are there now: {f.message} [{f.rule}]", "yellow") for f in e.beside]
        parts += [Text(f"  {h.text}", "red" if h.used > h.limit else "dim") for h in e.hours]
    return Group(*parts)


def moves_json(told: Sequence[tuple[Move, WhyMove]]) -> list[dict[str, Any]]:
    """Moves of a plan, with why."""
    return [{"lpar": m.lpar, "from": m.source, "to": m.target, "leg": m.leg, "number": m.number, "why": w.made,
             "why_there": w.there, "instead": [
                 {"server": i.server, "more_points": i.more_ms / 1000, "breaks": [finding_json(f) for f in i.breaks]}
                 for i in w.instead]} for m, w in told]


def moves_line(told: Sequence[tuple[Move, WhyMove]]) -> str:
    """``hxaix52: A → B (out)``, each; none without moves."""
    return some(f"{m.lpar}: {m.source} → {m.target} ({m.leg}): {w.made}" for m, w in told)


def moves_view(told: Sequence[tuple[Move, WhyMove]]) -> RenderableType:
    """One paragraph a move."""
    parts: list[RenderableType] = []
    for m, w in told:
        parts += [Text(f"{m.lpar}: {m.source} → {m.target} ({m.leg})", "bold"), Text(f"  why: {w.made}"),
                  Text(f"  why there: {w.there}"), *(Text(f"  else {i.text}", "dim") for i in w.instead)]
    return Group(*parts)


def said(lines: Sequence[str]) -> RenderableType:
    """Lines as they are."""
    return Text("\n".join(lines))
