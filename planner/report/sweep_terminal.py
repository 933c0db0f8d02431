"""What the terminal shows of a sweep: the best cells, what changes the answer, what has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType

from planner.jobs.sweep import FAILED
from planner.report.charts import shown
from planner.report.seen import Text
from planner.report.sweep import STATUSES, SweepResult
from planner.report.tables import WholeWords
from planner.units import some

_COLOUR = {"optimal": "green", "feasible": "yellow"}
_NAMES = {"servers": "servers", "cores": "cores", "memory_gib": "GiB", "watts": "W", "kwh": "kWh", "money": "money",
          "co2_kg": "kg CO₂", "headroom_cores_arrival": "free cores on arrival", "headroom_cores": "free cores",
          "headroom_gib_arrival": "free GiB on arrival", "headroom_gib": "free GiB", "headroom_percent": "% free",
          "month_end_percent_arrival": "% at month-end on arrival", "month_end_percent": "% at month-end",
          "moves": "live moves", "restarts": "restarts", "reactivations": "re-activations", "resized": "resized",
          "hours": "hours", "outage_minutes": "outage (min)", "waves": "waves",
          "lanes": "lanes"}
_ALWAYS = ("servers", "watts", "headroom_cores", "restarts", "hours")
_MOST_ROWS, _MOST_REASONS = 30, 8


def sweep_line(result: SweepResult) -> str:
    """How many cells, with which answers."""
    tally = ", ".join(f"{result.counts[s]} {s}" for s in STATUSES if result.counts[s])
    return f"{result.sweep.name}: {len(result.rows)} cells: {tally}"


def sweep_view(result: SweepResult, first: Sequence[str] = (), *, whole: bool = False) -> RenderableType:
    """What is said ``first``; best and frontier cells, what each parameter changes, cells
    without an answer; ``whole``: all of them."""
    return Group(*(Text(f"{line}\n", "yellow") for line in first), Text(sweep_line(result), "bold"), Text(""),
                 _frontier(result, len(result.rows) if whole else _MOST_ROWS), Text(""), _influence(result),
                 *_without(result, len(result.rows) if whole else _MOST_REASONS))


def _frontier(result: SweepResult, most: int) -> RenderableType:
    sweep = result.sweep
    wanted = [*(f"least {_NAMES[m]}" for m in sweep.minimise), *(f"most {_NAMES[m]}" for m in sweep.maximise)]
    measures = list(dict.fromkeys((*sweep.minimise, *sweep.maximise, *_ALWAYS)))
    table = WholeWords(box=None, padding=(0, 1), header_style="bold", title_justify="left", title_style="",
                  title=f"Cells that no other beats ({', '.join(wanted)}); ★ the best in this order")
    parameters = [p.name for p in sweep.parameters]
    for name in ("cell", *(p.replace(".", ".\n") for p in parameters), "", "status", *(_NAMES[m] for m in measures)):
        table.add_column(Text(name), overflow="fold", justify="left" if name in ("", "status") else "right")
    rows = {r.cell.number: r for r in result.rows}
    chosen = [(g, n) for g in result.frontier for n in g.cells]
    for group, number in chosen[:most]:
        row = rows[number]
        table.add_row(str(number), *(Text(_value(row.cell.values[p])) for p in parameters),
                      "★" if number == group.best else "", Text(row.answer.status, _COLOUR[row.answer.status]),
                      *(_value(row.answer.figures.get(m)) for m in measures))
    more = [Text(f"… and {len(chosen) - most} more (-v, results.json)", "dim")] if len(chosen) > most else []
    return Group(table, *more, *_nothing(result))


def _nothing(result: SweepResult) -> Iterator[RenderableType]:
    """What is given and carried by no cell."""
    for group in result.frontier:
        if not group.cells:
            given = ", ".join(f"{k} = {_value(v)}" for k, v in group.given.items())
            yield Text(f"no cell carries it{f' with {given}' if given else ''}", "red")


def _value(value: Any) -> str:
    return "–" if value is None else str(value) if isinstance(value, (str, bool)) else shown(float(value))


def _influence(result: SweepResult) -> RenderableType:
    lines = [Text("What changes the answer, all else equal")]
    measures = dict.fromkeys((*result.sweep.minimise, *result.sweep.maximise, *_ALWAYS))
    for effect in result.influence:
        parts = []
        of = effect.groups
        if effect.possible_differs:
            parts.append(f"whether it is possible in {effect.possible_differs} of {of} comparisons")
        parts += [f"{_NAMES[m]} by up to {shown(effect.figures[m].most)}"
                  for m in measures if m in effect.figures]
        rest = sum(m not in measures for m in effect.figures)
        parts += [f"{rest} more figures"] if rest and not parts else []
        text = "; ".join(parts) or ("nothing" if of else "nothing to compare")
        open_ = "" if effect.proved else " (some of it may be a solver that ran out of time)"
        lines.append(Text(f"  {effect.parameter}: {text}{open_}"))
    return Group(*lines)


def _without(result: SweepResult, most: int) -> Iterator[RenderableType]:
    """Why cells are impossible, have no answer in time, or failed."""
    for status, colour in (("infeasible", "yellow"), ("unknown", "red"), (FAILED, "red")):
        rows = [r for r in result.rows if r.answer.status == status]
        reasons: dict[str, list[int]] = {}
        for r in rows:
            reasons.setdefault(r.answer.reason, []).append(r.cell.number)
        if rows:
            yield Text(f"\n{len(rows)} {status}", colour)
        for reason, cells in list(reasons.items())[:most]:
            yield Text(f"  {_cells(cells)}: {reason}")
        if len(reasons) > most:
            yield Text(f"  … and {len(reasons) - most} more reasons (-v, results.json)", "dim")


def _cells(numbers: Sequence[int]) -> str:
    return f"cell{'s' if len(numbers) > 1 else ''} {some(numbers, 6)}"
