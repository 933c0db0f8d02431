"""What the sections of a runbook share: commands by the console at which they are typed, who has arrived, items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from planner.estate.consoles import consoles_of, same_console
from planner.grouping import grouped, inverted
from planner.plan.plan import Move
from planner.report.checklists import Item, needs_rmc
from planner.report.commands import consoles_for, migrlpar, remark, state_query
from planner.report.markdown import told
from planner.report.text import md
from planner.rules import Site
from planner.rules.site import own_name


def arrivals(site: Site, moves: Sequence[Move], others: Iterable[Move] = ()) -> Iterator[tuple[str, str]]:
    """(console, query): the targets with what must run there, of ``others`` too, then the sources with what must go."""
    ends = {m: consoles_for(site, m.source, m.target) for m in (*moves, *others)}
    for (console, server), names in inverted((m.lpar, (there, m.target)) for m, (_, there) in ends.items()).items():
        shown = list(dict.fromkeys(names))
        yield console, state_query(server, [own_name(site, n) for n in shown],
                                   rmc=any(needs_rmc(site.lpars[n]) and site.lpars[n].active for n in shown))
    for (console, server), names in inverted((m.lpar, (ends[m][0], m.source)) for m in moves).items():
        yield console, state_query(server, [own_name(site, n) for n in dict.fromkeys(names)], rmc=False)


def sole_console(site: Site) -> str:
    """The console that manages every server; ``""`` where there are several, or none is stated."""
    servers = site.estate.servers
    each = {s.console: s for s in servers}.values()
    return next((name for s in servers[:1] for name in consoles_of(s) if all(
        any(same_console(name, one) for one in consoles_of(other)) for other in each)), "")


def move_lines(site: Site, moves: Iterable[Move], operation: str, own: Mapping[Move, int | None]
               ) -> Iterator[tuple[str, str]]:
    """(console, line) of the validations or moves themselves, with what is to be known of their options. ``own``: move
    → its LPAR's partition id until then."""
    for m in moves:
        lines = *remark(m, site).splitlines(), migrlpar(m, site, operation, own[m])
        yield from ((consoles_for(site, m.source, m.target)[0], line) for line in lines)


_IN_LINES = 3
"""Commands that need no block of their own."""


def on_consoles(site: Site, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Commands (console, line) as blocks of their own, one for each console at which they are typed; above a block what
    is to be known of its commands. Of several consoles one that has few commands has each in a line."""
    sole = sole_console(site)
    alone, blocks = list[str](), list[str]()
    for console, lines in grouped(("" if sole else console, line) for console, line in rows).items():
        remarks = [f"- {md(line.removeprefix('# '))}" for line in dict.fromkeys(lines) if line.startswith("#")]
        commands = [line for line in dict.fromkeys(lines) if not line.startswith("#")]
        if console and len(commands) <= _IN_LINES and not remarks:
            alone += (f"- On console {md(console)}: {told(line)}" for line in commands)
            continue
        blocks += [f"On console {md(console)}:\n"] if console else ()
        blocks += [*remarks, ""] if remarks else ()
        blocks += ["```sh", *commands, "```\n"] if commands else ()
    yield from ([*alone, ""] if alone else ())
    yield from blocks


def items(of: Iterable[Item], mark: str = "- [ ]") -> Iterator[str]:
    """Things to do as lines of a list."""
    yield from (f"{mark} {item.text}{f': {told(item.command)}' if item.command else ''}" for item in of)
