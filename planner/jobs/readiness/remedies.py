"""The cheapest changes that let a server of a large site be freed, in less time than ``planner remedy`` takes for it.

Places are bought on the servers that serve most of what an LPAR needs, for the LPARs of the server alone; that is taken
only where the same is bought with room for all everywhere, so that nothing is bought that a move of others would save.
The plan on the estate after the changes is found and replayed as that of today is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.estate.assemble import Loaded
from planner.estate.changes import Repair, applied
from planner.estate.prices import PRICES, Prices
from planner.jobs.common import Options
from planner.jobs.readiness.figures import ReadyWord, ServerFree
from planner.jobs.readiness.freeing import attempt
from planner.jobs.readiness.verdicts import Verdicts
from planner.jobs.remedy import Remedy, remedy
from planner.optimise.program import Outcome, Solution
from planner.optimise.remedy import Buying, shop_of
from planner.optimise.solver import solve
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.rules.ledger import RESOURCES, Ledger
from planner.stopwatch import now

if TYPE_CHECKING:  # start-up: of a history alone
    from planner.jobs.peak_hours import UsageSpec

_PLACES = 12
"""Servers on which an LPAR that may go nowhere is offered places; and servers with most room, for those who may."""


def quick_remedy(site: Site, judge: Judge, server: str, options: Options, prices: Prices = PRICES
                 ) -> tuple[tuple[Repair, ...], int] | None:
    """The changes and their price; None where that is not so quickly found."""
    must = list(site.residents(server))
    offered = {n: _offered(site, judge, n, server) for n in must}
    among = _among(site, offered)
    shop = shop_of(site, judge, prices, must, (), among, only=offered, come_back=True)
    if shop.stranded:
        return None
    model = Buying(site, shop, among, must)
    solution = model.solve(now() + options.time_limit, 0.0)
    changes = model.changes(solution) if solution.outcome is Outcome.OPTIMAL else ()
    if not changes or not _whatever_the_room(model, solution, prices.total(changes), prices):
        return None
    after = Site(applied(site.estate, changes), usage=site.usage)
    _, plan = attempt(after, Judge(after), Evacuate(servers=(server,), come_back=True), options)
    return (changes, prices.total(changes)) if plan else None


def _offered(site: Site, judge: Judge, lpar: str, server: str) -> list[str]:
    """Where it may go; the servers that serve most of what it needs, where it may go nowhere."""
    others = [s for s in site.servers if s != server]
    if places := judge.targets(lpar, others):
        return places
    lacks = site.reach.lacking(lpar, site.policies.ignorable_vlans)
    return sorted(others, key=lambda s: lacks[s])[:_PLACES]


def _among(site: Site, offered: dict[str, list[str]]) -> list[str]:
    """The servers with most room, and for each LPAR some of its own."""
    room = Ledger(site, site.start)
    most = sorted({s for of in offered.values() for s in of}, key=lambda s: (-min(room.free(s)), s))[:_PLACES]
    own = {s for of in offered.values() if not {*of} & {*most} or len(of) <= _PLACES for s in of}
    return [s for s in site.servers if s in own or s in most]


def _whatever_the_room(model: Buying, solution: Solution, price: int, prices: Prices) -> bool:
    """Whether no less is bought where there is room for everybody everywhere."""
    counted = {r.rule for r in RESOURCES}
    free = model.program.without(*(row.tag for row in model.program.rows if row.tag.rule in counted))
    found = solve(free, 5.0)
    return found.outcome is Outcome.OPTIMAL and prices.total(model.changes(found)) >= price


def with_remedy(found: ServerFree, said: Verdicts, loaded: Loaded, usage: UsageSpec | None = None) -> ServerFree:
    """A server's answer with the cheapest changes that would make a plan possible, where there is none today."""
    if found.verdict.rank < ReadyWord.ONE_WAY.rank:
        return found
    goal = Evacuate(servers=(found.server,), inactive=said.inactive, come_back=True)
    asked = Remedy(loaded, goal, said.options, usage)
    large = not (asked.all_offered or said.inactive)
    quick = quick_remedy(said.site, said.judge, found.server, said.options) if large else None
    if quick is None:
        sets = remedy(asked, 1).sets
        quick = (sets[0].changes, sets[0].cost) if sets else ((), 0)
    changes, cost = quick
    return replace(found, remedy=tuple(c.words for c in changes), remedy_cost=cost) if changes else found
