"""A plan on one screen of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table

from planner.findings import Finding, Severity, assumed
from planner.grouping import grouped
from planner.plan.choices import BACK, OUT, Status
from planner.plan.details import Conflict, mends
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate, Headroom
from planner.report.answer import proof, verdict
from planner.report.decisions import NO_RETURN, decisions, spreads
from planner.report.enterprise import enterprise_lines
from planner.report.finding_kinds import kinds
from planner.report.headroom import headroom_view
from planner.report.licences import licence_lines
from planner.report.night_bar import NightBar
from planner.report.seen import Text
from planner.report.tables import Fitting, listing, without_empty
from planner.report.terminal import counts, findings_table
from planner.report.text import (
    alike,
    clock_span,
    energy_lines,
    fit,
    headline,
    impossible_word,
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
from planner.report.turns import about, lane_name, middle, numbers, start_order
from planner.units import many, show_cores, show_gib, some

_STATUS = {Status.OPTIMAL: "green", Status.FEASIBLE: "yellow", Status.INFEASIBLE: "red", Status.UNKNOWN: "red"}

MOST_ROWS = 200
"""Moves, and servers, that the terminal lists at most; the reports have them all."""
_MOST_STAYS = 20
_IN_PLAN = "all of them: -v, plan.xlsx, --json"
_MOST_FINDINGS = 15
_LEAST = ("movers", "stands still", "from")
"""Columns that a narrow terminal does without, the first of them first."""
_MOST_UNSTATED = 10
_NAMED, _WHEN, _FEW = 6, 26, 4
"""LPARs that a decision names, letters of its moment in a line, and findings of a kind that are told."""


def plan_line(plan: Plan) -> str:
    """The one line of an answer: ``FITS: over by 02:54 in 9 nights of 10; … free A and bring everything back``."""
    if plan.conflict is not None or plan.status is Status.INFEASIBLE:
        why = "" if plan.conflict is None else f": {plan.conflict.summary}"
        return f"{impossible_word(bool(plan.conflict and plan.conflict.unstated))}: {headline(plan)}{why}"
    if plan.status is Status.UNKNOWN:
        return f"UNKNOWN: {headline(plan)}: no answer in the time there was"
    found = verdict(plan)
    return f"{found.word}: {headline(plan)}: {found.sentence}; {proof(plan)[0]}"


def verified_line(plan: Plan, findings: Sequence[Finding], *, holds: bool, papers_fit: bool) -> Text:
    """Whether a plan holds, and whether the papers beside it are its own."""
    said = "there is no plan" if plan.conflict is not None else "the plan holds"
    line = Text(said, "bold green") if holds else Text("the plan does NOT hold", "bold red")
    line.append(f": {len(plan.moves)} moves replayed, {counts(findings)}", "not bold default")
    return line if papers_fit else line.append("; papers beside it are of another plan, or changed", "bold red")


def verified_view(line: Text, findings: Sequence[Finding], *, whole: bool) -> RenderableType:
    """That, and what was found; ``whole``: each finding."""
    return Group(line, *(findings_table(findings, where=_IN_PLAN, whole=whole),) * bool(findings))


def plan_view(plan: Plan, *, whole: bool = False) -> RenderableType:
    """The plan on one screen; ``whole``: every finding, and how each way is spread over the nights."""
    if plan.conflict is not None or plan.status is Status.INFEASIBLE:
        return Group(_no_plan(plan), *headroom_view(plan))
    if plan.status is Status.UNKNOWN:
        return Group(Text("UNKNOWN: no plan", "bold red"), _findings(plan, whole=whole))
    moves = [_in_lanes(plan) if plan.in_lanes else _waves(plan)] if plan.moves else []
    parts: list[RenderableType] = [_head(plan, whole=whole), *moves, _servers(plan), *headroom_view(plan)]
    if plan.findings:
        parts += [Text(""), Text(counts(plan.findings), "bold"), _findings(plan, whole=whole)]
    return Group(*parts)


def _findings(plan: Plan, *, whole: bool = False) -> RenderableType:
    """By kind, what is to be settled first; ``whole``: each of them."""
    rows = [*alike(assumed(plan.findings), None if whole else _NAMED), *(
        [f for f in plan.findings if f.severity is not Severity.ASSUMPTION] if whole else
        [k.as_one(_FEW, _NAMED) for k in kinds(plan.findings)])]
    return findings_table(rows, _MOST_FINDINGS, _IN_PLAN, whole=whole)


def _head(plan: Plan, *, whole: bool) -> RenderableType:
    """The answer, what proves it, the night and its decisions."""
    found, lines = verdict(plan), Text("".join(f"{line}\n" for line in seen_first(plan)), "yellow")
    lines.append_text(_title(plan))
    lines.append(found.word, "bold green" if found.good else "bold red")
    lines.append(f"   {found.sentence}")
    first, *levels = proof(plan)
    lines.append(f"\n{first}", _STATUS[plan.status])
    lines.append("   verified by replay" if plan.verified else "   NOT VERIFIED", "green" if plan.verified else "red")
    for line in levels:
        lines.append(f"\n{line}")
    for line in (*energy_lines(plan), *licence_lines(plan), *enterprise_lines(plan)):
        lines.append(f"\n{line}")
    for note in plan.notes:
        lines.append(f"\n{note}")
    if plan.moves:
        lines.append_text(_timed(plan))
    for line in spreads(plan) if whole else ():
        lines.append(f"\n{line}")
    stays = [Text("\n".join(_stays(plan)), "dim")] if plan.stays else []
    night = [NightBar(plan, plan.window)] if plan.window and plan.moves and plan.back_from_s is None else []
    return Panel(Group(lines, *_decided(plan, whole=whole), *stays, *night))


def _timed(plan: Plan) -> Text:
    """How many moves in what time, and whether each window holds them."""
    lines = Text("\n" + "; ".join(ways(plan)))
    if plan.back_from_s is None and plan.evening is None:
        lines.append(f"; total {show_total(plan)}")
    for name, w in windows(plan):
        lines.append(f"\n{name} {window_text(w)}: {fit(plan, w)}", "" if w.fits else "red")
    return lines


def _decided(plan: Plan, *, whole: bool) -> list[RenderableType]:
    """The decisions of an evening that was drawn, each by its moment; ``whole``: what else is done, too."""
    if plan.evening is None:
        return []
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(max_width=_WHEN)
    for d in decisions(plan):
        text = Text(f"{d.name}: ", "bold").append(d.told(None if whole else _NAMED), "not bold")
        for word, what in (("if", d.yes_if), ("else", d.otherwise)) if whole else ():
            text.append(f"; {word} {what}" * bool(what), "not bold")
        moment = d.moment if whole or not d.latest else f"by {d.latest}"
        table.add_row(Text(moment, "bold" if d.name == NO_RETURN else ""), text)
    return [table]


def _title(plan: Plan) -> Text:
    """What the plan is about, on lines of its own: the frame of a panel would cut it."""
    return Text("").append(f"{headline(plan)}\n", "bold")


def _stays(plan: Plan) -> list[str]:
    """Who stays where and why: a line for all whom one reason keeps on one server; on more than a few one for all."""
    by = grouped((((server, why), name) for name, server, why in plan.stays))
    alike = grouped((why, (server, names)) for (server, why), names in by.items())
    lines = []
    for why, told in alike.items():
        if len(told) > _FEW:
            whom = some((name for _, names in told for name in names), _NAMED)
            lines.append(f"stay where they are, on {many(len(told), 'server')}: {whom} ({why})")
        else:
            lines += [f"stays on {server}: {some(names, _MOST_STAYS)} ({why})" for server, names in told]
    more = [str(_more(len(lines) - _MOST_STAYS, "lines of who stays"))] if len(lines) > _MOST_STAYS else []
    return lines[:_MOST_STAYS] + more


def _waves(plan: Plan) -> RenderableType:
    rows, left = [], MOST_ROWS
    for leg in (OUT, BACK):
        for number, moves in plan.waves(leg):
            span = clock_span(plan, min(m.start_ms for m in moves), max(m.end_ms for m in moves))
            shown, left = moves[:max(left, 0)], left - len(moves)
            for n, m in enumerate(shown):
                rows.append({
                    "wave": f"{number}{' back' * (leg == BACK)}" if n == 0 else "", "when": span if n == 0 else "",
                    "LPAR": m.lpar + " (parking)" * m.parking, "from": m.source, "to": m.target,
                    "minutes": f"{m.duration_ms / 60000:.1f}", "stands still": stands_still(m), "movers": movers(m)})
    table = _narrowing(rows, {"wave", "when", "LPAR", "from", "to", "movers"}, folded={"when"})
    return table if left >= 0 else Group(table, _more(-left, "moves"))


def _narrowing(rows: list[dict[str, str]], words: set[str], folded: set[str]) -> Fitting:
    """The rows with as many columns as there is room for; ``folded``: the one that may take several lines."""
    return Fitting(*(without_empty("", [{k: v for k, v in row.items() if k not in narrow} for row in rows], words,
                                   rows[0].keys() - folded) for narrow in ((), _LEAST[:1], _LEAST[:2], _LEAST)))


def _in_lanes(plan: Plan) -> RenderableType:
    """The moves in the order in which they begin, as wide as there is room for."""
    at = middle(plan)
    moves = sorted([*start_order(plan, OUT), *start_order(plan, BACK)], key=lambda m: (m.leg == BACK, at[m]))
    rows = [{"no.": str(m.number), "lane": lane_name(m), "about": about(plan, at[m][0]),
             "LPAR": m.lpar + " (parking)" * m.parking, "from": m.source, "to": m.target,
             "waits for": numbers(m.waits_for), "minutes": f"{m.duration_ms / 60000:.1f}",
             "stands still": stands_still(m), "movers": movers(m)} for m in moves[:MOST_ROWS]]
    table = _narrowing(rows, {"lane", "about", "LPAR", "from", "to", "waits for", "movers"}, folded={"waits for"})
    said = Text("A move starts when the one before it in its lane is over and those that it waits for have arrived; "
                "the clock is a prediction.", "dim")
    more = [_more(len(moves) - MOST_ROWS, "moves")] if len(moves) > MOST_ROWS else []
    return Group(table, *more, said)


def _more(count: int, what: str) -> Text:
    return Text(f"… and {count} more {what} (plan.xlsx, runbook.md)", "dim")


def _servers(plan: Plan) -> RenderableType:
    measured = [peak_words(plan).lower()] if plan.goal.usage else []
    full = listing("Servers before → after (at most on the way) / limit",
                   ("server", "LPARs", "cores", "memory (GiB)", *measured))
    short = listing("Servers before → after / limit (at most on the way, where that is more)",
                    ("server", "LPARs", "cores", "GiB", *measured))
    concerned = touched(plan)
    states = [row for row in zip(plan.before, plan.peak, plan.after, strict=True) if row[0].server in concerned]
    for b, k, a in states[:MOST_ROWS]:
        used = [f"{used_cores(b.used)} → {used_cores(a.used)} / {show_cores(a.units_limit)}" for _ in measured]
        first = (Text(b.server), f"{b.lpars} → {a.lpars}")
        cores = [show_cores(x) for x in (b.units, a.units, k.units, a.units_limit)]
        gib = [show_gib(x) for x in (b.memory_mib, a.memory_mib, k.memory_mib, a.memory_limit_mib)]
        full.add_row(*first, *("{} → {} ({}) / {}".format(*x) for x in (cores, gib)), *used)
        peaks = (k.units > max(a.units, b.units), k.memory_mib > max(a.memory_mib, b.memory_mib))
        short.add_row(*first, *(f"{x[0]} → {x[1]} / {x[3]}" + f" ({x[2]})" * more
                                for x, more in zip((cores, gib), peaks, strict=True)), *used)
    more = [_more(len(states) - MOST_ROWS, "servers")] if len(states) > MOST_ROWS else []
    left = len(plan.before) - len(states)
    more += [_more(left, "that no move touches")] if left else []
    return Group(Fitting(full, short, whole=True), *more)


def _for_all(lifts: Sequence[str], names: Sequence[str]) -> list[str]:
    """What would lift a conflict; what does so for several LPARs once, with all of them."""
    whose = [next(((x.removeprefix(f"{n}: "), n) for n in names if x.startswith(f"{n}: ")), (x, "")) for x in lifts]
    return [f"{some(who, 8)}: {text}" if who[0] else text for text, who in grouped(whose).items()]


def _asked_next(plan: Plan) -> str:
    """The commands that go on from an impossible answer."""
    return "\nplanner remedy says the cheapest changes that make it possible, planner explain why not" if isinstance(
        plan.goal, Evacuate | Headroom) else ""


def _how_reduced(conflict: Conflict) -> str:
    """Whether all that is named is needed."""
    if conflict.irreducible:
        return "an irreducible set: without any one of these the rest is possible"
    return (f"{conflict.sets} irreducible sets: each is impossible by itself" if conflict.sets else
            "not fully reduced: time ran out")


def _no_plan(plan: Plan) -> RenderableType:
    conflict = plan.conflict
    if conflict is None:
        return _findings(plan)
    lines = _title(plan)
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
        lines.append(f"({_how_reduced(conflict)})\n", "dim")
    unstated = {n: {s: [why for why in found if f"{why.message}: {why.fix}" in conflict.unstated]
                    for s, found in by_server.items()} for n, by_server in conflict.refusals.items()}
    said = {text for name, by_server in unstated.items() for text in mends(name, by_server)}
    lifts = _for_all([x for x in conflict.lifts if x not in said], conflict.lpars)
    if lifts:
        lines.append("what would lift it:\n", "bold")
        lines.append("\n".join(f"  • {x}" for x in lifts[:20]))
        if len(lifts) > 20:
            lines.append(f"\n  … and {len(lifts) - 20} more (plan.json)", "dim")
    lines.append(_asked_next(plan), "dim")
    return Group(Panel(lines), *(_findings(plan),) * bool(plan.findings))
