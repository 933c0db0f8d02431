"""A plan on one screen of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from planner.findings import Severity, assumed
from planner.grouping import grouped
from planner.plan.choices import BACK, OUT, Status
from planner.plan.details import mends
from planner.plan.plan import Plan
from planner.report.decisions import decisions
from planner.report.enterprise import enterprise_lines
from planner.report.headroom import headroom_view
from planner.report.licences import licence_lines
from planner.report.tables import Fitting, listing, without_empty
from planner.report.terminal import counts, findings_table
from planner.report.text import (
    clock_span,
    energy_lines,
    headline,
    impossible_word,
    level_line,
    movers,
    peak_words,
    seen_first,
    show_total,
    stands_still,
    touched,
    used_cores,
    ways,
    window_text,
    windows,
)
from planner.report.turns import about, lane_name, numbers, start_order
from planner.units import show_cores, show_duration, show_gib, some

_STATUS = {Status.OPTIMAL: "green", Status.FEASIBLE: "yellow", Status.INFEASIBLE: "red", Status.UNKNOWN: "red"}

MOST_ROWS = 200
"""Moves, and servers, that the terminal lists at most; the reports have them all."""
_MOST_STAYS = 20
_LEAST = ("movers", "stands still", "from")
"""Columns that a narrow terminal does without, the first of them first."""
_MOST_UNSTATED = 10


def plan_view(plan: Plan, where: str | None = None) -> RenderableType:
    """The plan on one screen."""
    if plan.conflict is not None or plan.status is Status.INFEASIBLE:
        return Group(_no_plan(plan), *headroom_view(plan))
    if plan.status is Status.UNKNOWN:
        return Group(Text("UNKNOWN: no plan", "bold red"), findings_table(plan.findings))
    moves = [_in_lanes(plan) if plan.in_lanes else _waves(plan)] if plan.moves else []
    parts: list[RenderableType] = [_head(plan), *moves, _servers(plan), *headroom_view(plan)]
    if plan.findings:
        taken = assumed(plan.findings)
        shown = [f for f in plan.findings if f.severity is not Severity.ASSUMPTION]
        parts += [Text(""), Text(counts(plan.findings), "bold")]
        parts += [findings_table(rows, 15) for rows in (taken, shown) if rows]
    if where:
        parts.append(Text(f"\nReports: {where}", "bold"))
    return Group(*parts)


def _head(plan: Plan) -> RenderableType:
    lines = Text("".join(f"{line}\n" for line in seen_first(plan)), "yellow")
    lines.append(plan.status.value.upper(), f"bold {_STATUS[plan.status]}")
    if not plan.levels:
        lines.append(f"   objective {plan.objective:.1f} s   bound {plan.bound:.1f} s   "
                     f"gap {100 * (plan.gap or 0):.2f} %")
    lines.append("   verified by replay" if plan.verified else "   NOT VERIFIED", "green" if plan.verified else "red")
    for level in plan.levels:
        lines.append(f"\n{level_line(level)}")
    for line in (*energy_lines(plan), *licence_lines(plan), *enterprise_lines(plan)):
        lines.append(f"\n{line}")
    for note in plan.notes:
        lines.append(f"\n{note}")
    lines.append("\n" + "; ".join(ways(plan)))
    if plan.back_from_s is None:
        lines.append(f"; total {show_total(plan)}")
    for name, w in windows(plan):
        lines.append(f"\n{name} {window_text(w)}: ")
        if w.fits:
            lines.append(f"fits, {show_duration(w.spare_s or 0)} to spare", "green")
        else:
            lines.append(f"DOES NOT FIT, {show_duration(-(w.spare_s or 0))} too long", "bold red")
    for line in decisions(plan):
        lines.append(f"\n{line}", "dim")
    for name, server, why in plan.stays[:_MOST_STAYS]:
        lines.append(f"\nstays: {name} on {server} ({why})", "dim")
    if len(plan.stays) > _MOST_STAYS:
        lines.append("\n")
        lines.append(_more(len(plan.stays) - _MOST_STAYS, "that stay"))
    return Panel(lines, title=Text(headline(plan)), title_align="left")


def _waves(plan: Plan) -> RenderableType:
    table = listing("", ("wave", "when", "LPAR", "from", "to"), ("minutes", "stands still"))
    table.add_column("movers", overflow="fold")
    left = MOST_ROWS
    for leg in (OUT, BACK):
        for number, moves in plan.waves(leg):
            span = clock_span(plan, min(m.start_ms for m in moves), max(m.end_ms for m in moves))
            shown, left = moves[:max(left, 0)], left - len(moves)
            for n, m in enumerate(shown):
                table.add_row(f"{number}{' back' if leg == BACK else ''}" if n == 0 else "", span if n == 0 else "",
                              Text(m.lpar + (" (parking)" if m.parking else "")), Text(m.source), Text(m.target),
                              f"{m.duration_ms / 60000:.1f}", stands_still(m), Text(movers(m)))
    return table if left >= 0 else Group(table, _more(-left, "moves"))


def _in_lanes(plan: Plan) -> RenderableType:
    """The moves in the order of their predicted starts, as wide as there is room for."""
    moves = [*start_order(plan, OUT), *start_order(plan, BACK)]
    rows = [{"no.": str(m.number), "lane": lane_name(m), "about": about(plan, m.start_ms),
             "LPAR": m.lpar + " (parking)" * m.parking, "from": m.source, "to": m.target,
             "waits for": numbers(m.waits_for), "minutes": f"{m.duration_ms / 60000:.1f}",
             "stands still": stands_still(m), "movers": movers(m)} for m in moves[:MOST_ROWS]]
    words = {"lane", "about", "LPAR", "from", "to", "waits for", "movers"}
    tables = [without_empty("", [{k: v for k, v in row.items() if k not in narrow} for row in rows], words,
                            rows[0].keys() - {"waits for"})
              for narrow in ((), _LEAST[:1], _LEAST[:2], _LEAST)]
    said = Text("A move starts when the one before it in its lane is over and those that it waits for have arrived; "
                "the clock is a prediction.", "dim")
    more = [_more(len(moves) - MOST_ROWS, "moves")] if len(moves) > MOST_ROWS else []
    return Group(Fitting(*tables), *more, said)


def _more(count: int, what: str) -> Text:
    return Text(f"… and {count} more {what} (plan.xlsx, runbook.md)", "dim")


def _servers(plan: Plan) -> RenderableType:
    measured = [peak_words(plan).lower()] if plan.goal.usage else []
    table = listing("Servers before → after (at most on the way) / limit",
                    ("server", "LPARs", "cores", "memory (GiB)", *measured))
    concerned = touched(plan)
    states = [row for row in zip(plan.before, plan.peak, plan.after, strict=True) if row[0].server in concerned]
    for b, k, a in states[:MOST_ROWS]:
        table.add_row(
            Text(b.server), f"{b.lpars} → {a.lpars}",
            f"{show_cores(b.units)} → {show_cores(a.units)} ({show_cores(k.units)}) / {show_cores(a.units_limit)}",
            f"{show_gib(b.memory_mib)} → {show_gib(a.memory_mib)} ({show_gib(k.memory_mib)}) / "
            f"{show_gib(a.memory_limit_mib)}",
            *(f"{used_cores(b.used)} → {used_cores(a.used)} / {show_cores(a.units_limit)}" for _ in measured))
    more = [_more(len(states) - MOST_ROWS, "servers")] if len(states) > MOST_ROWS else []
    left = len(plan.before) - len(states)
    more += [_more(left, "that no move touches")] if left else []
    return Group(table, *more)


def _for_all(lifts: Sequence[str], names: Sequence[str]) -> list[str]:
    """What would lift a conflict; what does so for several LPARs once, with all of them."""
    whose = [next(((x.removeprefix(f"{n}: "), n) for n in names if x.startswith(f"{n}: ")), (x, "")) for x in lifts]
    return [f"{some(who, 8)}: {text}" if who[0] else text for text, who in grouped(whose).items()]


def _no_plan(plan: Plan) -> RenderableType:
    conflict = plan.conflict
    if conflict is None:
        return findings_table(plan.findings, 20)
    lines = Text()
    lines.append(f"{impossible_word(bool(conflict.unstated))}: ", "bold red")
    lines.append(f"{conflict.summary}\n")
    if conflict.unstated:
        lines.append("to be exported, since nobody states it:\n", "bold")
        lines.append("".join(f"  • {x}\n" for x in conflict.unstated[:_MOST_UNSTATED]))
        if len(conflict.unstated) > _MOST_UNSTATED:
            lines.append(f"  … and {len(conflict.unstated) - _MOST_UNSTATED} more (plan.json)\n", "dim")
    for key, values in (("lpars", conflict.lpars), ("servers", conflict.servers), ("rules", conflict.rules)):
        if values:
            lines.append(f"{key}: ", "bold")
            lines.append(", ".join(values) + "\n")
    if not conflict.refusals:
        lines.append("(an irreducible set: without any one of these the rest is possible)\n"
                     if conflict.irreducible else "(not fully reduced: time ran out)\n", "dim")
    unstated = {n: {s: [why for why in found if f"{why.message}: {why.fix}" in conflict.unstated]
                    for s, found in by_server.items()} for n, by_server in conflict.refusals.items()}
    said = {text for name, by_server in unstated.items() for text in mends(name, by_server)}
    lifts = _for_all([x for x in conflict.lifts if x not in said], conflict.lpars)
    if lifts:
        lines.append("what would lift it:\n", "bold")
        lines.append("\n".join(f"  • {x}" for x in lifts[:20]))
        if len(lifts) > 20:
            lines.append(f"\n  … and {len(lifts) - 20} more (plan.json)", "dim")
    return Group(Panel(lines, title=Text(headline(plan)), title_align="left"), findings_table(plan.findings, 20))
