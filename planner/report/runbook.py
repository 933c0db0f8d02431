"""runbook.md: what people carry into the window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import assert_never

from planner.estate.model import Estate, Vnic
from planner.findings import Severity, assumed
from planner.names import quoted
from planner.plan.choices import BACK, OUT, Status
from planner.plan.plan import Backing, Move, Plan
from planner.plan.questions import Consolidate, Evacuate, Headroom, Resume, Whatif
from planner.report.commands import is_ivm
from planner.report.decisions import decisions
from planner.report.headroom import sentences
from planner.report.runbook_lanes import way_in_lanes
from planner.report.runbook_resume import recover_first, way_home_later
from planner.report.runbook_steps import items, lists, move_lines, on_consoles, sole_console, wave
from planner.report.site_checks import console_items, vios_items, vlan_table, where
from planner.report.text import (
    alike,
    between,
    clock_span,
    energy_lines,
    fit,
    headline,
    leg_tally,
    level_line,
    md,
    peak_words,
    seen_first,
    touched,
    used_cores,
    ways,
    window_text,
    windows,
)
from planner.report.turns import about
from planner.report.whatif_runbook import WAY_BACK, after_the_moves
from planner.rules import Site
from planner.units import MANY, cores, show_cores, some


def runbook(plan: Plan, estate: Estate) -> str:
    """The whole runbook as Markdown."""
    return "\n".join(_lines(plan, Site(estate, goal=plan.goal))) + "\n"


def _lines(plan: Plan, site: Site) -> Iterator[str]:
    yield f"# Runbook: {md(headline(plan))}\n"
    yield from _summary(plan)
    if isinstance(plan.goal, Resume):
        yield from recover_first(plan.goal, site)
    yield from _peaks(plan)
    yield from _stays(plan)
    yield from _warnings(plan)
    yield from _preparation(plan, site)
    yield from lists(plan, site)
    ids = {p.name: p.lpar_id for p in site.estate.lpars}
    if plan.leg(OUT) or plan.goal.freed or not plan.leg(BACK):
        yield "## The way out\n"
        yield from _way(plan, site, OUT, ids)
    match plan.goal:
        case Headroom() as goal:
            yield from _headroom(plan, goal, site)
        case Whatif() as goal:
            yield from after_the_moves(plan, goal)
        case Consolidate():
            yield from _powered_off(plan, site)
        case Evacuate():
            yield from _freed(plan, site)
        case Resume() as goal:
            yield from _freed(plan, site) if goal.servers and not goal.stuck else ()
        case other:
            assert_never(other)
    if plan.leg(BACK):
        yield "## The way back\n"
        done = ", now that the work is done" if plan.leg(OUT) or plan.goal.freed else ""
        yield f"- [ ] Every LPAR validated for the way home{done}:\n"
        first = {m.lpar: m for m in reversed(plan.leg(BACK))}
        yield from on_consoles(site, move_lines(site, (m for m in plan.leg(BACK) if first[m.lpar] is m), "v", ids))
        yield from _way(plan, site, BACK, ids)
    else:
        yield from _way_back_lines(plan, site, ids)
    yield from _trouble(plan)
    yield "## Assumptions\n"
    yield from (f"- {md(a)}" for a in plan.assumptions)


def _way(plan: Plan, site: Site, leg: str, ids: dict[str, int | None]) -> Iterator[str]:
    """All moves of one way; ``ids`` is kept up."""
    if plan.in_lanes and plan.leg(leg):
        yield from way_in_lanes(plan, site, leg, ids)
        return
    for number, moves in plan.waves(leg):
        yield from wave(plan, site, number, moves, ids)


def _summary(plan: Plan) -> Iterator[str]:
    yield from (f"**{md(line)}**\n" for line in seen_first(plan))
    if plan.levels:
        yield f"{leg_tally(plan, OUT)}. Every step was replayed against the rules.\n"
        yield from (f"- {md(line)}" for line in (*map(level_line, plan.levels), *energy_lines(plan), *plan.notes))
        yield ""
    else:
        proof = {Status.OPTIMAL: "proved optimal", Status.FEASIBLE: "feasible, not proved optimal"}[plan.status]
        yield (f"{leg_tally(plan, OUT if plan.leg(OUT) or not plan.leg(BACK) else BACK)}. The placement is {proof} "
               f"(cost {plan.objective:.1f} s, bound {plan.bound:.1f} s, gap {100 * (plan.gap or 0):.2f} %). "
               "Every step was replayed against the rules.")
    if len(parts := ways(plan)) > 1:
        yield f"{md(parts[-2][:1].upper() + parts[-2][1:])}. Way back: {parts[-1]}."
    if plan.in_lanes:
        least = "; *at least*: no order of these moves takes less, by the cost model" * bool(plan.at_least_s)
        yield f"*About*: predicted from memory, links and what runs beside{least}."
    for name, w in windows(plan):
        yield f"{name[:1].upper() + name[1:]}: {window_text(w)}. **{fit(plan, w)}**"
    yield ""


def _peaks(plan: Plan) -> Iterator[str]:
    """What servers use at most, before and after the way out, where a history was given."""
    if plan.goal.usage is None:
        return
    yield f"| server | {peak_words(plan).lower()} before → after / cores |\n|---|---|"
    concerned = touched(plan)
    yield from (f"| {md(b.server)} | {used_cores(b.used)} → {used_cores(a.used)} / {show_cores(a.units_limit)} |"
                for b, a in zip(plan.before, plan.after, strict=True) if b.server in concerned)
    yield ""


def _stays(plan: Plan) -> Iterator[str]:
    if plan.stays:
        yield f"Stays {'defined on the servers that go off' if plan.off else 'on the freed server(s)'}:\n"
        yield from (f"- {md(n)} on {md(s)}: {md(why)}" for n, s, why in plan.stays)
        yield ""


def _warnings(plan: Plan) -> Iterator[str]:
    moved = {m.lpar for m in plan.moves}
    shown = [f for f in plan.findings if f.severity is not Severity.ASSUMPTION
             and (f.severity is not Severity.INFO or f.subject in moved or f.subject == "plan")]
    if shown:
        yield "## Read this first\n"
        same: dict[tuple[str, str, str], dict[str, list[str]]] = {}
        for f in shown:
            what, colon, follows = f.message.partition(": ")
            key = (f.severity.value, colon + follows or f.message, f.fix)
            same.setdefault(key, {}).setdefault(what if colon else "", []).append(f.subject)
        for (severity, follows, fix), messages in same.items():
            text = "; ".join(f"{some(dict.fromkeys(subjects))}: {what}" for what, subjects in messages.items())
            yield f"- **{severity}** {md(text + follows)}" + (f" — {md(fix)}" if fix else "")
        if any(len({*subjects}) > MANY for messages in same.values() for subjects in messages.values()):
            yield "\nWhere not all names stand here: plan.xlsx, sheet Findings."
        yield ""


def _preparation(plan: Plan, site: Site) -> Iterator[str]:
    if told := [*decisions(plan)]:
        yield "## The decisions of the evening\n"
        yield from (f"- {md(line)}" for line in told)
        yield ""
    yield "## Before the window\n"
    usage = " --history HISTORY" if plan.goal.usage else ""
    for f in alike(assumed(plan.findings)):
        stay = "stay" if ", " in f.subject else "stays"
        yield f"- [ ] **Gate** {md(f.subject)} {stay} until this is settled: {md(f.message)} — {md(f.fix)}"
    yield f"- [ ] Fresh exports taken, plan verified against them: `planner verify PLAN ESTATE{usage}`"
    if not plan.moves:
        yield "No LPAR has to move.\n"
        return
    if sole_console(site):
        yield f"- Every console command of this runbook: on console {md(sole_console(site))}."
    yield from items([*console_items(plan.moves, site), *vios_items(plan.moves, site)])
    yield ""
    yield from vlan_table(plan.leg(OUT), site)
    if not plan.leg(OUT):
        return
    yield "- [ ] Every move validated today. Each line must end without an error; a warning is to be understood:\n"
    ids = {p.name: p.lpar_id for p in site.estate.lpars}
    yield from on_consoles(site, ((console, line + _room_note(site, m))
                                  for m in plan.leg(OUT) if m.source == site.start[m.lpar]
                                  for console, line in move_lines(site, [m], "v", ids)))
    if any(m.source != site.start[m.lpar] for m in plan.leg(OUT)):
        yield "Moves from a parking place can be validated only once the LPAR stands there.\n"
    if any(move.parking for move in plan.moves):
        yield "Parked LPARs move twice on the same evening: tell their owners.\n"


def _room_note(site: Site, move: Move) -> str:
    """A remark on a validation that must complain of room as long as earlier moves have not made it."""
    server = site.servers[move.target]
    there, more = site.at_start[move.target], site.held(move.lpar, move.target)
    if (there.units + more.units <= server.configurable_units
            and there.memory_mib + more.memory_mib <= server.configurable_memory_mib):
        return ""
    ready = f"move {move.number} may start" if move.lane else f"the waves ahead of wave {move.wave} are done"
    return f"    # finds too little room before {ready}: validate it again then"


def _freed(plan: Plan, site: Site) -> Iterator[str]:
    yield "### The work\n"
    stopped = [name for name in plan.goal.left if site.lpars[name].active]
    for name in stopped:
        yield f"- [ ] {md(name)} was left there on purpose: stopped by its owner (`shutdown -F` on the LPAR)"
    for server in plan.goal.freed:
        query = f"lssyscfg -r lpar -m {quoted(server)} -F name,state"
        rest = ("Running on" if not plan.goal.takes_along else "defined on" if not plan.goal.left else
                "defined, but what is left on purpose, on")
        yield f"- [ ] No client LPAR is {rest} {md(server)} any more{where(site, server)}: `{query}`"
    yield "- [ ] VIOSes of the freed server(s) shut down, firmware work done, VIOSes up again, RMC and MSP active"
    for name in stopped:
        yield f"- [ ] {md(name)} started again"
    stated = plan.goal.firmware_after
    for server, level in stated.items():
        yield (f"- [ ] {md(server)} has {md(level)}, with which the way back was judged{where(site, server)}: "
               f"`lslic -m {quoted(server)} -t sys -F ecnumber,activated_level`")
    if set(plan.goal.freed) - set(stated):
        yield ("- [ ] The new firmware level is in IBM's matrix with those of the other servers: put it into the "
               "estate and run `planner verify` again before anything comes back")
    if plan.work_s is not None and plan.leg(BACK):
        yield f"- [ ] Work over by {_back_begins(plan)}"
    yield ""


def _back_begins(plan: Plan) -> str:
    start = min(m.start_ms for m in plan.leg(BACK))
    predicted = plan.in_lanes and plan.back_from_s is None
    return f"about {about(plan, start)}" if predicted else clock_span(plan, start, None)


def _powered_off(plan: Plan, site: Site) -> Iterator[str]:
    """Switching off what is empty now, and on again before anything comes back."""
    yield "### Switching off\n"
    for server in plan.off:
        name, at = quoted(server), where(site, server)
        query = f"lssyscfg -r lpar -m {name} -F name,state"
        yield f"- [ ] No client LPAR is Running on {md(server)} any more{at}: `{query}`"
        if is_ivm(site, server):
            yield f"- [ ] Its console, VIOS {md(site.servers[server].console)}, shut down last, as padmin: `shutdown`"
            yield f"- [ ] {md(server)} powered off at its management module or ASMI: no IVM runs any more to do it"
            continue
        for vios in site.vioses_on(server):
            yield (f"- [ ] VIOS {md(vios.name)} shut down: `chsysstate -m {name} -r lpar -o osshutdown -n "
                   f"{quoted(vios.name)}`")
        yield (f"- [ ] {md(server)} powered off{at}: `chsysstate -m {name} -r sys -o off`; it says Power Off: "
               f"`lssyscfg -r sys -m {name} -F name,state`")
    if not plan.off:
        yield "Nothing is switched off."
    yield ""
    if plan.off:
        yield from _powered_on(plan, site)


def _powered_on(plan: Plan, site: Site) -> Iterator[str]:
    yield "### Switching on again\n"
    back = plan.leg(BACK)
    if back:
        yield (f"Everything below is done before the way back begins: "
               f"{_back_begins(plan)}.")
    else:
        yield "When a server is wanted again (its inactive LPARs stay defined on it):"
    yield ""
    for server in plan.off:
        name = quoted(server)
        if is_ivm(site, server):
            yield f"- [ ] {md(server)} powered on at its management module or ASMI; its VIOS starts, RMC and MSP active"
            continue
        yield f"- [ ] {md(server)} powered on{where(site, server)}: `chsysstate -m {name} -r sys -o on`"
        for vios in site.vioses_on(server):
            yield (f"- [ ] VIOS {md(vios.name)} activated (PROFILE: its own), RMC and MSP active: "
                   f"`chsysstate -m {name} -r lpar -o on -n {quoted(vios.name)} -f PROFILE`")
    yield ""


def _headroom(plan: Plan, goal: Headroom, site: Site) -> Iterator[str]:
    """What is to be looked at once the headroom is there, and what ends the time in which it is needed."""
    server = goal.server
    yield f"### The headroom on {md(server)}: {md(between(plan))}\n"
    yield from (f"- {md(line)}" for line in sentences(plan))
    yield ""
    at = where(site, server)
    yield (f"- [ ] Free processor units{at}: `lshwres -r proc -m {quoted(server)} --level sys -F "
           f"curr_avail_sys_proc_units` (asked for: {cores(goal.units):.2f})")
    yield (f"- [ ] Free memory{at}: `lshwres -r mem -m {quoted(server)} --level sys -F curr_avail_sys_mem` "
           f"(MB; asked for: {goal.memory_mib})")
    if goal.critical:
        yield ("- [ ] The critical LPARs can use it: uncapped with virtual processors to spare, or given more by DLPAR "
               f"({md(', '.join(goal.critical))}). What DLPAR gives now must be taken back before the way back.")
    if plan.leg(BACK):
        yield f"- [ ] It is over; nothing comes back before {_back_begins(plan)}"
    yield ""


def _way_back_lines(plan: Plan, site: Site, ids: dict[str, int | None]) -> Iterator[str]:
    yield "## The way back\n"
    if isinstance(plan.goal, Resume):
        yield from way_home_later(plan, plan.goal)
        return
    if not plan.leg(OUT):
        yield "Nothing moves, so nothing comes back.\n"
        return
    if isinstance(plan.goal, Whatif):
        yield WAY_BACK
        yield ""
    yield ("Not planned in time (`--return` does that). In this order, one after the other, each LPAR comes home; what "
           "held on the way out holds backwards. Validate each (`-o v`) first:\n")
    yield from on_consoles(site, move_lines(site, _homewards(plan, site), "m", ids))


def _homewards(plan: Plan, site: Site) -> Iterator[Move]:
    for m in reversed(plan.leg(OUT)):
        yield replace(m, source=m.target, target=m.source, source_msp=m.target_msp, target_msp=m.source_msp,
                       pool_id=site.pool_on(m.lpar, m.source),
                       disks=site.reach.disk_paths(m.lpar, m.source).mapping,
                       fibres=site.reach.own_fibres(m.lpar) if m.source == site.start[m.lpar] else (),
                       vnics=tuple(_returned(b, site.vnics.get(m.lpar, ())) for b in m.vnics if b.source_port)
                       if m.source == site.start[m.lpar] else (),
                       target_id=site.lpars[m.lpar].lpar_id if m.source == site.start[m.lpar] else None)


def _returned(b: Backing, own: Iterable[Vnic]) -> Backing:
    """A backing device on its way home to the port and the VIOS that it left."""
    vios = next((v.vios for v in own if (v.slot, v.device) == (b.slot, b.device)), "")
    return replace(b, vios=vios, port=b.source_port, source_port=b.port)


def _trouble(plan: Plan) -> Iterator[str]:
    yield "## If something fails\n"
    if plan.in_lanes:
        yield "- A validation fails: do not move that LPAR. Nothing has changed."
        yield ("- A move has failed, or runs where it was: hold back the moves that its line names, and what comes "
               "after these in their lanes or waits for them: they may need what it was to leave. All others go on. "
               "Planned anew from a fresh export, more of them may.")
        yield ("- Whenever nothing is in flight, all LPARs run, wherever they are then: at any such moment it can be "
               "left at that.")
        yield "- A move hangs: its stop and recover lines stand with it; an LPAR is never on both servers for good."
    else:
        yield ("- A validation fails: do not move that LPAR. Nothing has changed; moves of later waves that do not "
               "need its room may go on, otherwise stop here: every state between two waves is one in which everything "
               "runs.")
        yield "- A move hangs: its stop and recover lines stand in its wave; an LPAR is never on both servers for good."
    yield ("- Half-way and no further: the LPARs that have moved stay where they are and run. From a fresh export "
           "`planner resume PLAN ESTATE --back` plans their way home, `--on` the rest.\n")
