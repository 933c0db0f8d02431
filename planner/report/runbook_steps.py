"""The steps of a runbook: the lists, said once, each wave of moves, and what a lane's moves share with these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from planner.estate.consoles import consoles_of, same_console
from planner.findings import assumed
from planner.grouping import grouped, inverted
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.report.checklists import PERMANENT, Item, lists_for, lists_of, needs_rmc
from planner.report.commands import consoles_for, migrlpar, remark, state_query, vnic_lines
from planner.report.site_checks import AFTER_A_WAVE, WHILE_IT_MOVES
from planner.report.text import clock_span, md, movers, stands_still
from planner.rules import Site
from planner.rules.site import own_name
from planner.units import show_cores, show_duration, show_gib


def lists(plan: Plan, site: Site) -> Iterator[str]:
    """What is done for every LPAR of a kind, said once; the waves name the lists."""
    if not plan.moves:
        return
    yield "## The lists\n"
    whose = "move names the lists of its LPAR" if plan.in_lanes else "wave names the lists of its LPARs"
    yield f"Each {whose}: what to do on the LPAR before its move, and after it.\n"
    live = [m for m in plan.moves if not m.inactive]
    for one in lists_for(site.lpars[m.lpar] for m in live):
        yield f"### {one.key}: {one.title}\n"
        for word, listed in (("Before", one.before), ("After", one.after)):
            if listed:
                yield f"{word}:\n"
                yield from items(listed, "-")
                yield ""
    if plan.in_lanes:
        yield "### In every lane\n"
        yield from _LANES
        if gap := site.parameters.wave_gap_s:
            yield f"- Between a move and what comes after it: {show_duration(gap)} for checks (in the predicted times)."
    else:
        yield "### In every wave\n"
    if not plan.in_lanes and len(plan.moves) > len(plan.waves(OUT)) + len(plan.waves(BACK)):
        yield "- The moves of a wave start together (one session each); the next wave begins when all are over."
    yield ("- `migrlpar -o m` validates once more and moves only if that passes. An LPAR **has arrived** when its "
           "target says exactly `Running` and its source does not list it any more; `Migrating - Running` is still on "
           "its way.")
    if len(live) < len(plan.moves):
        yield ("- One that is marked *inactive* is `Not Activated` and stays so: the console migrates its last valid "
               "configuration by the same command, without movers. It has arrived when its target says exactly "
               "`Not Activated` and its source does not list it any more. Nobody activates it meanwhile; its lists "
               "are for the day on which it is activated there.")
    if any(needs_rmc(site.lpars[m.lpar]) for m in live):
        yield "- Its RMC (`rmc_state`; IBM i has none) is active again some minutes after that."
    yield ("- A move **hangs or fails half-way**: its stop line, then its recover line, on the console of its source; "
           f"then the queries {'of the move' if plan.in_lanes else 'of its wave'}, before anything else.")
    yield from items(WHILE_IT_MOVES if live else (), "-")
    if not plan.in_lanes:
        yield "- After the wave:"
        yield from items(AFTER_A_WAVE, "  -")
    yield ""


_LANES = (
    "- A lane is one session, to which one person sees: its moves go one after the other, beside those of the other "
    "lanes. When a move may start stands with it, and nothing else counts: it may be earlier or later than predicted, "
    "nobody waits for a clock but where *not before* is said.",
    "- **Tell all lanes** at once when a move has arrived, and when one has failed: others wait for it.",
)


def wave(plan: Plan, site: Site, number: int, moves: tuple[Move, ...], ids: dict[str, int | None]) -> Iterator[str]:
    """One wave: its moves, what is done before, the commands, what shows that all is well. ``ids`` is kept up."""
    start, end = min(m.start_ms for m in moves), max(m.end_ms for m in moves)
    zone = f", {md(plan.window.zone)}" if plan.window is not None and plan.window.zone else ""
    yield f"### Wave {number}: {clock_span(plan, start, end)}{zone}\n"
    yield "| LPAR | from | to | id | cores | GiB | disks | minutes | stands still | movers |"
    yield "|---|---|---|---|---:|---:|---:|---:|---:|---|"
    yield from (f"| {' | '.join(move_cells(site, m, ids.get(m.lpar)))} |" for m in moves)
    yield ""
    yield from _before(plan, site, moves)
    yield ""
    yield from on_consoles(site, move_lines(site, moves, "m", ids))
    for state, inactive in (("Running", False), ("Not Activated", True)):
        if coming := [m for m in moves if m.inactive is inactive]:
            yield f"- [ ] Arrived: exactly `{state}` on the target, not listed on the source any more:\n"
            yield from on_consoles(site, arrivals(site, coming))
    yield "Only if one hangs: stop (`s`), then recover (`r`).\n"
    yield from on_consoles(site, ((consoles_for(site, m.source, m.target)[0], migrlpar(m, site, step))
                                  for m in moves for step in "sr"))
    stays = not plan.leg(BACK)
    for m in moves:
        final = m.leg == OUT and not m.parking and stays
        after = ("still `Not Activated`, its profiles are there" if m.inactive else
                 f"after, lists {lists_named(site, m)}")
        yield f"- [ ] {md(m.lpar)}: {after}" + (f". {PERMANENT.text}" if final else "")
        ids[m.lpar] = m.target_id
    yield "- [ ] VIOSes looked at (In every wave)\n"


def _before(plan: Plan, site: Site, moves: Iterable[Move]) -> Iterator[str]:
    gated = {f.subject for f in assumed(plan.findings)}
    for m in moves:
        taken = m.leg == OUT and m.lpar in gated
        before = f"is `Not Activated` on {md(m.source)}" if m.inactive else f"before, lists {lists_named(site, m)}"
        yield f"- [ ] {md(m.lpar)}: {'its gates are settled; ' if taken else ''}{before}"
        yield from (f"  - {md(line)}" for line in vnic_lines(m, site))


def move_cells(site: Site, m: Move, own_id: int | None) -> tuple[str, ...]:
    """LPAR, from, to, id, cores, GiB, disks, minutes, stand-still and movers of a move, for a table."""
    p = site.lpars[m.lpar]
    disks = len({d.lun for d in site.reach.disks_of(m.lpar)})
    number = "" if own_id is None else str(own_id)
    changed = f"{number} → {m.target_id}" if m.target_id is not None and m.target_id != own_id else number
    return (md(m.lpar) + " (parking)" * m.parking, md(m.source), md(m.target), changed,
            show_cores(p.entitlement_units), show_gib(p.memory_mib), str(disks or ""), f"{m.duration_ms / 60000:.1f}",
            stands_still(m), md(movers(m)))


def lists_named(site: Site, m: Move) -> str:
    """The keys of the lists that a move's LPAR needs."""
    return " ".join(f"**{one.key}**" for one in lists_of(site.lpars[m.lpar]))


def arrivals(site: Site, moves: Sequence[Move]) -> Iterator[tuple[str, str]]:
    """(console, query): the targets with what must run there, then the sources with what must be gone."""
    ends = {m.lpar: consoles_for(site, m.source, m.target) for m in moves}
    for (console, server), names in inverted((m.lpar, (ends[m.lpar][1], m.target)) for m in moves).items():
        yield console, state_query(server, [own_name(site, n) for n in names],
                                   rmc=any(needs_rmc(site.lpars[n]) and site.lpars[n].active for n in names))
    for (console, server), names in inverted((m.lpar, (ends[m.lpar][0], m.source)) for m in moves).items():
        yield console, state_query(server, [own_name(site, n) for n in names], rmc=False) + "    # must find none"


def sole_console(site: Site) -> str:
    """The console that manages every server; ``""`` where there are several, or none is stated."""
    servers = site.estate.servers
    each = {s.console: s for s in servers}.values()
    return next((name for s in servers[:1] for name in consoles_of(s) if all(
        any(same_console(name, one) for one in consoles_of(other)) for other in each)), "")


def move_lines(site: Site, moves: Iterable[Move], operation: str, ids: Mapping[str, int | None]
               ) -> Iterator[tuple[str, str]]:
    """(console, line) of the validations or moves themselves, with what is to be known of their options."""
    for m in moves:
        lines = remark(m, site), migrlpar(m, site, operation, ids.get(m.lpar))
        yield from ((consoles_for(site, m.source, m.target)[0], line) for line in lines if line)


def on_consoles(site: Site, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Commands (console, line) as blocks of their own, one for each console at which they are typed.

    Comments stand above the commands, each once.
    """
    sole = sole_console(site)
    for console, commands in grouped(("" if sole else console, command) for console, command in rows).items():
        if console:
            yield f"On console {md(console)}:\n"
        yield "```sh"
        yield from dict.fromkeys(sorted(commands, key=lambda line: not line.startswith("#")))
        yield "```\n"


def items(of: Iterable[Item], mark: str = "- [ ]") -> Iterator[str]:
    """Things to do as lines of a list."""
    for item in of:
        command = f": `{item.command}`" if item.command else ""
        yield f"{mark} {item.text}{command}"
