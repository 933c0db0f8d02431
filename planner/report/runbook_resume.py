"""The parts of a runbook that only a plan has that goes on with another: what is recovered first, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.estate.model import MIGRATING
from planner.grouping import grouped
from planner.names import commands_on, lpar_filter, quoted
from planner.plan.plan import Move, Plan
from planner.plan.questions import Resume
from planner.report.commands import consoles_for, migrlpar, state_query
from planner.report.runbook_steps import on_consoles
from planner.report.text import md
from planner.rules import Site
from planner.rules.site import own_name, plain_name


def recover_first(goal: Resume, site: Site) -> Iterator[str]:
    """What a person sees to before anything else: who is in migration, and who cannot be moved as it is."""
    if not goal.stuck:
        return
    moving = {plain_name(p.name) for p in site.estate.lpars if p.state in MIGRATING}
    hung = {n: s for n, s in goal.stuck.items() if plain_name(n) in moving and s in site.servers}
    yield "## Recover first\n"
    yield "What is planned below leaves these alone, and all that needs their room.\n"
    if rest := sorted(goal.stuck.keys() - hung.keys()):
        yield f"- [ ] Can be moved again (Read this first says how): {md(', '.join(rest))}"
    if hung:
        yield f"- [ ] In migration: {md(', '.join(sorted({plain_name(n) for n in hung})))}\n"
        yield from _recovery([Move(n, s, _other(n, goal, site)) for n, s in sorted(hung.items())], site)
    yield "- [ ] Exported anew, and the rest planned from there: `planner resume PLAN ESTATE --on` (or `--back`)\n"


def _recovery(moves: Sequence[Move], site: Site) -> Iterator[str]:
    """How far these are, how they are stopped and recovered, what shows where they run."""
    yield "How far each is:\n"
    yield from on_consoles(site, ((_console(site, m), commands_on(
        own, f"lslparmigr -r lpar -m {quoted(m.source)} {lpar_filter(own)}"))
        for m in moves for own in (own_name(site, m.lpar),)))
    yield "Only where it does not get on: stop (`s`), then recover (`r`).\n"
    yield from on_consoles(site, ((_console(site, m), migrlpar(m, site, step)) for m in moves for step in "sr"))
    yield "Where it runs then: `Running` on one server, not listed on the other:\n"
    ends = grouped((s, own_name(site, m.lpar)) for m in moves for s in dict.fromkeys((m.source, m.target)))
    yield from on_consoles(site, ((consoles_for(site, s, s)[0], state_query(s, dict.fromkeys(names)))
                                  for s, names in ends.items()))


def _console(site: Site, move: Move) -> str:
    return consoles_for(site, move.source, move.target)[0]


def _other(lpar: str, goal: Resume, site: Site) -> str:
    """The other end of a migration: the other server that lists it, else its place or its home; its source where none
    is known."""
    name, source = plain_name(lpar), goal.stuck[lpar]
    listed = [site.lpars[n].server for n in sorted(goal.stuck) if n in site.lpars and plain_name(n) == name]
    known = (*listed, goal.places.get(name, ""), goal.homes.get(name, ""), goal.away.get(name, ""))
    return next((s for s in known if s not in ("", source) and s in site.servers), source)


def way_home_later(plan: Plan, goal: Resume) -> Iterator[str]:
    """How the way home is planned that is not in this plan."""
    why = "It follows once all are where they shall be" if goal.then_home else "The plan that was begun has none"
    names = ", ".join(dict.fromkeys((*goal.away, *(m.lpar for m in plan.moves))))
    yield (f"{why}. From wherever they stand then: `planner resume PLAN ESTATE --back`, with this plan, which knows "
           f"their homes ({md(names)}).\n" if names else f"{why}.\n")
