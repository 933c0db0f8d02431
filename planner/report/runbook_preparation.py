"""What is done once before the first move: gates, backups, monitors, checks, and each LPAR's tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.estate.policies import owners
from planner.findings import assumed
from planner.grouping import grouped
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.report.backups import backups
from planner.report.checklists import Checklist, Item, lists_for, lists_of
from planner.report.commands import overrides
from planner.report.decisions import between_the_ways
from planner.report.markdown import BOX, table
from planner.report.runbook_steps import items, move_lines, on_consoles, sole_console
from planner.report.site_checks import console_items, vios_items, vlan_table
from planner.report.text import alike, md, windows
from planner.report.turns import ids_before
from planner.rules import Site
from planner.units import show_cores, show_gib, some

_NAMED = 12
"""LPARs whose monitors are named one by one."""


def preparation(plan: Plan, site: Site) -> Iterator[str]:
    """The whole section."""
    yield "## Preparation\n"
    for f in alike(assumed(plan.findings)):
        stay = "stay" if ", " in f.subject else "stays"
        yield f"- [ ] **Gate** {md(f.subject)} {stay} until this is settled: {md(f.message)} — {md(f.fix)}"
    usage = " --history HISTORY" if plan.goal.usage else ""
    exported = Item("Fresh exports taken today, the plan verified against them",
                    f"planner verify PLAN ESTATE{usage} --another-estate")
    if not plan.moves:
        yield from items([exported])
        yield "\nNo LPAR has to move.\n"
        return
    if sole_console(site):
        yield f"- Every console command of this runbook: on console {md(sole_console(site))}."
    yield from items([exported, *backups(plan, site), *_silence(plan, site), *console_items(plan.moves, site),
                      *vios_items(plan.moves, site)])
    yield ""
    yield from vlan_table(plan.leg(OUT), site)
    yield from _each(plan, site)
    yield from _validations(plan, site)


def _silence(plan: Plan, site: Site) -> Iterator[Item]:
    """The monitors that would wake others: of whom, which alarms."""
    live = [site.lpars[n] for n in dict.fromkeys(m.lpar for m in plan.moves if not m.inactive)]
    if not live:
        return
    by_alarm = grouped((c.alarms, p.name) for p in live for c in lists_of(p) if c.alarms)
    said = "; ".join(f"{alarm}: {_all_or(sorted(names), len(live))}" for alarm, names in by_alarm.items())
    down = [v.name for s in (*plan.goal.freed, *plan.off) for v in site.vioses_on(s)]
    gone = f"; {md(', '.join((*plan.goal.freed, *plan.off)))} and {md(', '.join(down))}, which go down" if down else ""
    when = " and ".join(f"{w.start:%Y-%m-%d %H:%M} to {w.end:%Y-%m-%d %H:%M}" for _, w in windows(plan))
    yield Item(f"Monitors silent, {when or 'from the first move to the last check'}, half an hour before and after "
               f"too: {said}{gone}")


def _all_or(names: list[str], of: int) -> str:
    return "all that move" if len(names) == of else md(some(names, _NAMED))


def _each(plan: Plan, site: Site) -> Iterator[str]:
    """A row for each LPAR that moves: what it is, and a box for each of its tasks."""
    first: dict[str, Move] = {}
    for m in plan.moves:
        first.setdefault(m.lpar, m)
    live = [site.lpars[n] for n, m in first.items() if not m.inactive]
    lists = [c for c in lists_for(live) if c.before]
    yield ("Each LPAR and its tasks. A column in capitals is a list of the appendix: what stands under *before* there. "
           "*Validated*: its line below ends without an error; a warning is to be understood.\n")
    heads = ("LPAR", "Runs", "Cores", "GiB", "Disks", "Partition id", *(c.key for c in lists), "Saved", "Validated")
    whose = owners(site.estate)
    yield from table((*heads[:2], "Ask", *heads[2:]), [
        (*row[:2], md(whose.get(m.lpar, "")), *row[2:]) for _, m in sorted(first.items())
        for row in (_row(plan, site, m, lists),)])
    if any(m.parking for m in plan.moves):
        yield "Parked LPARs move twice on the same evening: tell their owners.\n"


def _row(plan: Plan, site: Site, m: Move, lists: list[Checklist]) -> tuple[str, ...]:
    p = site.lpars[m.lpar]
    own = [] if m.inactive else lists_of(p)
    what = ", ".join((*filter(None, (f"{p.os} {p.os_level}".strip(), p.environment)), *p.software))
    ids = _ids(p.lpar_id, (x for x in plan.moves if x.lpar == m.lpar))
    disks = len({d.lun for d in site.reach.disks_of(m.lpar)})
    return (md(p.name), md(what), show_cores(p.entitlement_units), show_gib(p.memory_mib), str(disks or ""),
            ids, *(BOX if c in own else "–" for c in lists), BOX,
            f"{BOX}{_remarks(plan, site, m)}" if m.leg == OUT else "")


def _ids(number: int | None, moves: Iterable[Move]) -> str:
    """``4 → 33 → 4``: its partition id now and after each move that changes it."""
    known = ["" if number is None else str(number)]
    for m in moves:
        if m.target_id is not None and str(m.target_id) != known[-1]:
            known.append(str(m.target_id))
    return " → ".join(known)


def _remarks(plan: Plan, site: Site, m: Move) -> str:
    """What its validation says on purpose: room that earlier moves make, and what it goes on in spite of."""
    server = site.servers[m.target]
    there, more = site.at_start[m.target], site.held(m.lpar, m.target)
    said = [f"expect {md(o.message)}" for o in overrides(m, site)]
    if (there.units + more.units > server.configurable_units
            or there.memory_mib + more.memory_mib > server.configurable_memory_mib):
        ready = f"before move {m.number} may start" if m.lane else f"before wave {m.wave}"
        said.insert(0, f"finds too little room today: again {ready}")
    return f" {'; '.join(said)}" if said else ""


def _validations(plan: Plan, site: Site) -> Iterator[str]:
    """The lines that validate the way out, as they are typed."""
    first = [m for m in plan.leg(OUT) if m.source == site.start[m.lpar]]
    if first:
        yield "Validation of every move of the way out; it changes nothing:\n"
        yield from on_consoles(site, move_lines(site, first, "v", ids_before(plan, site.estate)))
    if len(first) < len(plan.leg(OUT)):
        yield "Moves from a parking place can be validated only once the LPAR stands there.\n"


def validated_homewards(plan: Plan, site: Site) -> Iterator[str]:
    """The same for the way back, once what is between the ways is done."""
    over = between_the_ways(plan)[1].removesuffix(",")
    done = f", now that {over}" if plan.leg(OUT) or plan.goal.freed else ""
    yield f"- [ ] Every LPAR validated for the way home{done}:\n"
    first = {m.lpar: m for m in reversed(plan.leg(BACK))}
    moves = (m for m in plan.leg(BACK) if first[m.lpar] is m)
    yield from on_consoles(site, move_lines(site, moves, "v", ids_before(plan, site.estate)))
