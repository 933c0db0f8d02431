"""The cover of a runbook: the answer, the night to scale, and what is decided until when."""

from __future__ import annotations

from collections.abc import Iterator

from planner.estate.consoles import consoles_of
from planner.estate.policies import owners
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.report.answer import proof, verdict
from planner.report.decisions import NO_RETURN, decisions
from planner.report.licences import licence_lines
from planner.report.markdown import BOX, table
from planner.report.night import MOST_LANES, drawings
from planner.report.site_checks import concerned
from planner.report.text import capital, energy_lines, fit, headline, md, seen_first, ways, window_text, windows
from planner.report.turns import by
from planner.rules import Site
from planner.units import some

_LINE = "\\_\\_\\_\\_\\_\\_\\_\\_"


def cover(plan: Plan, site: Site) -> Iterator[str]:
    """The first page."""
    yield f"# Runbook: {md(headline(plan))}\n"
    yield from (f"**{md(line)}**\n" for line in seen_first(plan))
    consoles = dict.fromkeys(c for s in concerned(plan) for c in consoles_of(site.servers[s]))
    at = f"{'Consoles' if len(consoles) > 1 else 'Console'} {md(some(consoles))} · " * bool(consoles)
    yield f"{at}Estate {plan.estate_digest[:12]} · every step was replayed against the rules, none was broken\n"
    yield from _answer(plan)
    yield from (f"```text\n{drawing}\n```\n" for drawing in drawings(plan))
    yield from _decisions(plan, site)
    yield from _signed(plan)
    yield from _ends(plan)
    yield from _found(plan)


def _decisions(plan: Plan, site: Site) -> Iterator[str]:
    """What is decided, until when, by what, and what else is done."""
    rows = []
    for d in decisions(plan, owners(site.estate)):
        moment = md(d.moment)
        rows.append((f"**{moment}**" if moment and d.name == NO_RETURN else moment, f"**{d.name}:** {md(d.told())}",
                     md(d.yes_if), md(d.otherwise), BOX))
    if rows:
        yield "## Decisions\n"
        yield from table(("When", "What", "Yes, if", "Otherwise", "Decided"), rows)


def _signed(plan: Plan) -> Iterator[str]:
    """Who does what tonight, to be filled in."""
    lanes = max((len(plan.lanes(leg)) for leg in (OUT, BACK)), default=0) if plan.in_lanes else 0
    names = [f"Lane {n + 1}" for n in range(lanes)] if lanes <= MOST_LANES else [f"Lanes 1 to {lanes}"]
    heads = ["Lead", *names, "Owners on call", "Change"]
    yield from table(heads, [[_LINE] * len(heads)])


def _answer(plan: Plan) -> Iterator[str]:
    """Whether the evening holds, then each window as predicted."""
    found = verdict(plan)
    yield f"**{found.word}: {md(found.sentence)}.**\n"
    if plan.window is None:
        yield "No window was given: times count from the begin of the first move.\n"
    for name, w in windows(plan) if plan.moves else ():
        yield f"{capital(name)} {md(window_text(w))}: {fit(plan, w)}.\n"


def _found(plan: Plan) -> Iterator[str]:
    """How many moves, what is proved of them, what is saved."""
    told = "; ".join(ways(plan))
    least = " *At least*: no order of these moves takes less, by the cost model." * ("at least" in told)
    pace = " *About*: the bare moves, predicted from memory, links and what runs beside." * plan.in_lanes
    yield f"{md(capital(told))}.{pace}{least}\n"
    yield from (f"- {md(line)}" for line in (*proof(plan), *energy_lines(plan)))
    yield from (f"- {md(line)}" for line in (*licence_lines(plan), *plan.notes))
    yield ""


def _ends(plan: Plan) -> Iterator[str]:
    """By when each way is over in how many nights."""
    evening = plan.evening
    if evening is None:
        return
    ends = [(leg, spread) for leg, spread in ((OUT, evening.out), (BACK, evening.back)) if spread and plan.leg(leg)]
    yield from table(("Over by", "half of the nights", "9 of 10", "97 of 100"), [
        (f"Way {leg}", *(by(plan, ms) for ms in (x.half_ms, x.most_ms, x.nearly_all_ms))) for leg, x in ends])
    yield (f"Of {evening.nights} nights drawn, with {evening.people} people at the checklists.\n")
