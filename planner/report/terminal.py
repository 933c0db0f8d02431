"""What the terminal shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from planner.estate.assemble import Loaded
from planner.findings import Finding, Severity
from planner.plan.choices import BACK, OUT, Status
from planner.plan.plan import Plan
from planner.report.headroom import headroom_view
from planner.report.missing import Lack, missing
from planner.report.tables import listing
from planner.report.text import clock_span, energy_lines, headline, leg_tally, level_line, pause, windows
from planner.rules import Judge, Site
from planner.units import show_cores, show_duration, show_gib

_COLOUR = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_STATUS = {Status.OPTIMAL: "green", Status.FEASIBLE: "yellow", Status.INFEASIBLE: "red", Status.UNKNOWN: "red"}


MOST_ROWS = 200
"""Moves, and servers, that the terminal lists at most; the reports have them all."""
_MOST_STAYS = 20


def console(*, stderr: bool = False) -> Console:
    """A console that keeps lines whole when nobody watches."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not made.is_terminal:
        made = Console(stderr=stderr, highlight=False, width=140)
    return made


def findings_table(findings: Sequence[Finding], most: int = 40) -> RenderableType:
    """Findings, worst first; the count of what does not fit."""
    placed = any(f.source for f in findings[:most])
    table = listing("", ("", "subject", "what was found", "what to do", *(("where",) if placed else ())))
    for f in findings[:most]:
        table.add_row(Text(f.severity.value, _COLOUR[f.severity]), Text(f.subject), Text(f.message), Text(f.fix),
                      *((Text(str(f.source or ""), "dim"),) if placed else ()))
    if len(findings) > most:
        return Group(table, Text(f"… and {len(findings) - most} more (all of them: --json, or the reports)", "dim"))
    return table


def counts(findings: Iterable[Finding]) -> str:
    """``2 errors, 5 warnings``."""
    tally = Counter(f.severity.value for f in findings)
    shown = [f"{n} {word}{'s' if n != 1 and word != 'info' else ''}" for word in ("error", "warning", "info")
             if (n := tally[word])]
    return ", ".join(shown) or "no findings"


def loaded_view(loaded: Loaded, findings: Sequence[Finding]) -> RenderableType:
    """What was read and what there is to say about it."""
    table = listing("What was read", ("kind",), ("read", "values"))
    for kind, number in sorted(loaded.kinds.items()):
        table.add_row(kind, str(number), str(loaded.facts.get(kind, "")))
    e = loaded.estate
    facts = (f"{len(e.servers)} servers, {len(e.pools)} pools, {len(e.vioses)} VIOSes, {len(e.lpars)} LPARs, "
             f"{len(e.bridges)} bridged VLANs, {len({d.lun for d in e.disks})} LUNs in use, "
             f"{len(e.policies)} policies")
    parts: list[RenderableType] = [table, Text(facts), Text(""), Text(counts(loaded.findings), "bold")]
    shown = [f for f in findings if f.rule != "input.gap"]
    if shown:
        parts.append(findings_table(shown))
    lacks = missing(e)
    if lacks:
        parts += [Text(""), _lacks_table(lacks)]
    return Group(*parts)


def _lacks_table(lacks: Sequence[Lack]) -> RenderableType:
    table = listing("Still missing for planning (assumptions are made, and said, until it is there)",
                    ("fact", "missing for", "the command that gives it"))
    for lack in lacks:
        some = ", ".join(lack.names[:4]) + (" …" if len(lack.names) > 4 else "")
        table.add_row(lack.fact, Text(f"{len(lack.names)} of {lack.of}: {some}"), Text(lack.command))
    return table


def check_view(site: Site, judge: Judge) -> tuple[RenderableType, int]:
    """Readiness of every LPAR that is told of, and the number of active ones that are not ready."""
    table = listing("Readiness", ("LPAR", "server", "ready", "may go to", "what stands in the way"))
    refused = 0
    for name in judge.told():
        server = site.lpars[name].server
        found = [f for f in judge.readiness(name) if f.severity is Severity.ERROR]
        warned = [f for f in judge.readiness(name) if f.severity is Severity.WARNING]
        targets = judge.targets(name) if name in site.start else ()
        good = not found and bool(targets)
        refused += not good and name in site.start
        why = found or ([] if targets else _nearest(judge, site, name))
        word = Text("yes", "green") if good else Text("no", "red")
        reasons = "; ".join(f"{f.message} [{f.rule}]" for f in why)
        reasons += "" if good or reasons or len(site.servers) > 1 else "no other server is known"
        reasons += ("; " if reasons and warned else "") + "; ".join(f"({f.message})" for f in warned)
        table.add_row(Text(name), Text(server), word, Text(", ".join(targets) or "-"), Text(reasons))
    return table, refused


def _nearest(judge: Judge, site: Site, name: str) -> list[Finding]:
    """The refusals of the server that refuses for the fewest reasons."""
    options = [[f for f in judge.move(name, site.start[name], s) if f.severity is Severity.ERROR]
               for s in site.servers if s != site.start[name]]
    return min(options, key=len, default=[])


def reach_matrix(site: Site, judge: Judge, lpars: Sequence[str], servers: Sequence[str]) -> RenderableType:
    """LPAR × server: here, yes, or the rules that refuse."""
    table = listing("", ("LPAR", *servers))
    for name in lpars:
        cells: list[Text] = []
        for s in servers:
            if s == site.start.get(name):
                cells.append(Text("here", "dim"))
            elif name in site.start and judge.allowed(name, site.start[name], s):
                cells.append(Text("yes", "green"))
            else:
                rules = dict.fromkeys(f.rule for f in refusals(site, judge, name, s))
                cells.append(Text(", ".join(rules) or "not active", "red"))
        table.add_row(Text(name), *cells)
    return table


def refusals(site: Site, judge: Judge, lpar: str, server: str) -> list[Finding]:
    """Every reason why an LPAR may not go to a server."""
    source = site.lpars[lpar].server
    found = [*judge.readiness(lpar), *judge.move(lpar, source, server)]
    return [f for f in found if f.severity is Severity.ERROR]


def reach_detail(site: Site, judge: Judge, lpar: str, servers: Sequence[str]) -> RenderableType:
    """For one LPAR: each server with every reason, and the VIOS mapping where it may go."""
    source = site.lpars[lpar].server
    table = listing(f"Where {escape(lpar)} (on {escape(source)}) may go", ("server", "", "why", "what would mend it"))
    for s in servers:
        if s == source:
            continue
        bad = refusals(site, judge, lpar, s)
        if not bad:
            paths = site.reach.disk_paths(lpar, s).mapping + site.reach.fibre_paths(lpar, s).mapping
            time = site.solo(lpar, source, s)
            notes = [f"about {show_duration(time.duration_ms / 1000)}, stands still {time.suspend_ms / 1000:.1f} s"]
            notes += [f"slot {slot} → {vios}" for slot, vios in paths]
            notes += [f"warning: {f.message}" for f in (*judge.readiness(lpar), *judge.move(lpar, source, s))]
            table.add_row(Text(s), Text("yes", "green"), Text("; ".join(notes)), Text(""))
        for n, f in enumerate(bad):
            table.add_row(Text(s if n == 0 else ""), Text("no", "red") if n == 0 else Text(""),
                          Text(f"{f.message} [{f.rule}]"), Text(f.fix))
    return table


def plan_view(plan: Plan, where: str | None = None) -> RenderableType:
    """The plan on one screen."""
    if plan.status is Status.INFEASIBLE:
        return Group(_no_plan(plan), *headroom_view(plan))
    if plan.status is Status.UNKNOWN:
        return Group(Text("UNKNOWN: no plan", "bold red"), findings_table(plan.findings))
    waves = [_waves(plan)] if plan.moves else []
    parts: list[RenderableType] = [_head(plan), *waves, _servers(plan), *headroom_view(plan)]
    if plan.findings:
        parts += [Text(""), Text(counts(plan.findings), "bold"), findings_table(plan.findings, 15)]
    if where:
        parts.append(Text(f"\nReports: {where}", "bold"))
    return Group(*parts)


def _head(plan: Plan) -> RenderableType:
    lines = Text()
    lines.append(plan.status.value.upper(), f"bold {_STATUS[plan.status]}")
    if not plan.levels:
        lines.append(f"   objective {plan.objective:.1f} s   bound {plan.bound:.1f} s   "
                     f"gap {100 * (plan.gap or 0):.2f} %")
    lines.append("   verified by replay" if plan.verified else "   NOT VERIFIED", "green" if plan.verified else "red")
    for level in plan.levels:
        lines.append(f"\n{level_line(level)}")
    for line in energy_lines(plan):
        lines.append(f"\n{line}")
    for note in plan.notes:
        lines.append(f"\n{note}")
    lines.append(f"\n{leg_tally(plan, OUT)}")
    if plan.leg(BACK):
        lines.append(f"; {pause(plan)}; {leg_tally(plan, BACK)}")
    if plan.back_from_s is None:
        lines.append(f"; total {show_duration(plan.total_s)}")
    for name, w in windows(plan):
        lines.append(f"\n{name} {w.start:%Y-%m-%d %H:%M} – {w.end:%Y-%m-%d %H:%M}: ")
        if w.fits:
            lines.append(f"fits, {show_duration(w.spare_s or 0)} to spare", "green")
        else:
            lines.append(f"DOES NOT FIT, {show_duration(-(w.spare_s or 0))} too long", "bold red")
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
                              f"{m.duration_ms / 60000:.1f}", f"{m.suspend_ms / 1000:.1f} s",
                              Text(f"{m.source_msp} → {m.target_msp}"))
    return table if left >= 0 else Group(table, _more(-left, "moves"))


def _more(count: int, what: str) -> Text:
    return Text(f"… and {count} more {what} (plan.xlsx, runbook.md)", "dim")


def _servers(plan: Plan) -> RenderableType:
    table = listing("Servers before → after (at most on the way) / limit", ("server", "LPARs", "cores", "memory (GiB)"))
    states = list(zip(plan.before, plan.peak, plan.after, strict=True))
    for b, k, a in states[:MOST_ROWS]:
        table.add_row(
            Text(b.server), f"{b.lpars} → {a.lpars}",
            f"{show_cores(b.units)} → {show_cores(a.units)} ({show_cores(k.units)}) / {show_cores(a.units_limit)}",
            f"{show_gib(b.memory_mib)} → {show_gib(a.memory_mib)} ({show_gib(k.memory_mib)}) / "
            f"{show_gib(a.memory_limit_mib)}")
    return table if len(states) <= MOST_ROWS else Group(table, _more(len(states) - MOST_ROWS, "servers"))


def _no_plan(plan: Plan) -> RenderableType:
    conflict = plan.conflict
    if conflict is None:
        return findings_table(plan.findings, 20)
    lines = Text()
    lines.append("IMPOSSIBLE (proved): ", "bold red")
    lines.append(f"{conflict.summary}\n")
    for key, values in (("lpars", conflict.lpars), ("servers", conflict.servers), ("rules", conflict.rules)):
        if values:
            lines.append(f"{key}: ", "bold")
            lines.append(", ".join(values) + "\n")
    if not conflict.refusals:
        lines.append("(an irreducible set: without any one of these the rest is possible)\n"
                     if conflict.irreducible else "(not fully reduced: time ran out)\n", "dim")
    lifts = conflict.lifts
    if lifts:
        lines.append("what would lift it:\n", "bold")
        lines.append("\n".join(f"  • {x}" for x in lifts[:20]))
        if len(lifts) > 20:
            lines.append(f"\n  … and {len(lifts) - 20} more (plan.json)", "dim")
    return Group(Panel(lines, title=Text(headline(plan)), title_align="left"), findings_table(plan.findings, 20))
