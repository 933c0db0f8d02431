"""Other plans beside the first one: side by side on the terminal, each as a directory, and for programs."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType

from planner.estate.model import Estate
from planner.jobs.alternatives import Alternative, Beside, Traits
from planner.plan.wire import as_json
from planner.report.plan_files import plan_files
from planner.report.seen import Text
from planner.report.tables import listing


def _named(beside: Beside) -> list[tuple[str, Alternative]]:
    """(directory, alternative) of those that there are."""
    return [(f"alternative-{number}", a) for number, a in enumerate(beside.alternatives, 1) if a.plan is not None]


def beside_files(beside: Beside, estate: Estate) -> dict[str, dict[str, bytes]]:
    """Directory → its files."""
    return {name: plan_files(a.plan, estate) for name, a in _named(beside) if a.plan is not None}


def beside_json(beside: Beside) -> dict[str, Any]:
    """Traits, what each gives up, where its plan is, and the front."""
    where = {a.best: name for name, a in _named(beside)}
    told: dict[str, Any] = as_json(beside)
    for row in told["alternatives"]:
        row["directory"] = where.get(row["best"])
    return told


def beside_view(beside: Beside) -> RenderableType:
    """A row for each plan, what it gives up, and the front."""
    off = bool(beside.first.off)
    table = listing("\nOther plans", ("plan",), ("moves", "others", "production", "headroom left", "minutes",
                                                 f"cost ({beside.first.unit})", *(("off",) if off else ())))
    found = _named(beside)
    rows = [("the first", beside.first), *((name, a.traits) for name, a in found)]
    for name, t in rows:
        if t is not None:
            table.add_row(Text(name), *_figures(t), *((str(t.off),) if off else ()))
    lines = [f"  {name}: {a.best}; for that {', '.join(a.gives_up)}" for name, a in found]
    lines += [f"  {a.best}: {a.instead}" for a in beside.alternatives if a.plan is None]
    points = " → ".join(f"{p.headroom_percent} % for {p.cost:,.0f}" for p in beside.front)
    front = [f"  least headroom left on a server that takes LPARs in, and its cost: {points}"] * (len(beside.front) > 1)
    return Group(table, *map(Text, lines + front))


def _figures(t: Traits) -> tuple[str, ...]:
    return (str(t.moves), str(t.others), str(t.production), f"{t.headroom_percent} %", f"{t.minutes:,.0f}",
            f"{t.cost:,.0f}")
