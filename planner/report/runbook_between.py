"""What is between the ways: the work, switching off and on, the headroom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from planner.names import quoted
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate, Headroom, Resume, Whatif
from planner.report.commands import is_ivm
from planner.report.headroom import sentences
from planner.report.site_checks import where
from planner.report.text import between, clock_span, md
from planner.report.turns import about, by, must_begin_ms, until
from planner.report.whatif_runbook import after_the_moves
from planner.rules import Site
from planner.units import cores


def between_ways(plan: Plan, site: Site) -> Iterator[str]:
    """What is done when the way out is through, by what was asked."""
    match plan.goal:
        case Headroom() as goal:
            yield from _headroom(plan, goal, site)
        case Whatif() as goal:
            yield from after_the_moves(plan, goal)
        case Consolidate():
            yield from _powered_off(plan, site)
        case Evacuate() if plan.goal.stays_up:
            yield from _one_by_one(plan, site)
        case Evacuate():
            yield from _freed(plan, site)
        case Resume() as goal:
            yield from _freed(plan, site) if goal.servers and not goal.stuck else ()
        case other:
            assert_never(other)


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


def _one_by_one(plan: Plan, site: Site) -> Iterator[str]:
    """The VIOSes of servers whose LPARs run on, one after the other."""
    yield "### The work: one VIOS after the other, never two at once\n"
    for server in plan.goal.freed:
        for vios in site.vioses_on(server):
            yield (f"- [ ] Before {md(vios.name)} of {md(server)} goes down: the paths over the others are up "
                   "(`lspath` on the LPARs that stay, `lsmap -all` and `entstat -all` on the other VIOSes)")
            yield f"- [ ] {md(vios.name)} worked on and up again, RMC active, its paths back"
    if plan.work_s is not None and plan.leg(BACK):
        yield f"- [ ] Work over by {_back_begins(plan)}"
    yield ""


def _back_begins(plan: Plan) -> str:
    """When the way back begins: in half of the nights, and at the latest, where nights were drawn."""
    start, evening = min(m.start_ms for m in plan.leg(BACK)), plan.evening
    if not plan.in_lanes or plan.back_from_s is not None:
        return clock_span(plan, start, None)
    if evening is None or not plan.leg(OUT):
        return f"about {about(plan, start)}"
    last = must_begin_ms(plan)
    return (f"about {by(plan, evening.out.half_ms + 1000 * (plan.work_s or 0))}"
            + ("" if last is None else f", at the latest {until(plan, last)}"))


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
