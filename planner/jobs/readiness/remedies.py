"""The cheapest changes that let a server of a large site be freed, in less time than ``planner remedy`` takes for it.

Places are bought on the servers that serve most of what an LPAR needs, for the LPARs of the server alone; that is taken
only where the same is bought with room for all everywhere, so that nothing is bought that a move of others would save.
Else all is bought, and others may move, among the servers with most room: that no less would do elsewhere is not
claimed. The plan on the estate after the changes is found and replayed as that of today is, on those servers.
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
from planner.jobs.remedy import ANY_TIME, Remedy, remedy
from planner.optimise.remedy import QuickBuy, bought_alone, part_with
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site

if TYPE_CHECKING:  # start-up: of a history alone
    from planner.jobs.peak_hours import UsageSpec

Cost = tuple[tuple[Repair, ...], int]


def quick_remedy(site: Site, judge: Judge, server: str, options: Options, prices: Prices = PRICES, *,
                 usage: UsageSpec | None = None) -> Cost | None:
    """The changes and their price; None where that is not so quickly found. They are judged, and their plan replayed,
    on the part of the site in which they are made, each set with a placement by construction before any program is
    asked; where those of the server alone will not do for the least price, all is bought there."""
    goal, dear, part = Evacuate(servers=(server,), come_back=True), None, site.estate
    offers: list[QuickBuy] = []
    for alone, of in ((True, bought_alone(site, judge, server, prices, options.time_limit)), (False, offers)):
        for bought in of:
            if not offers:
                part = part_with(site, {server, *bought.among})
            if alone:
                offers.append(bought)
            after = Site(applied(part, bought.changes), usage=site.usage)
            if attempt(after, Judge(after), goal, options, bought.among, alone=alone)[1]:
                dear = bought.changes, prices.total(bought.changes)
                if bought.least:
                    return dear
    if part is site.estate:
        return dear
    as_asked = usage is None and not any(p.home for p in part.lpars)  # else the plan of today says homes and hours
    asked = Remedy(Loaded(part), goal, options, usage, prices, closed=as_asked)
    found = [(s.changes, s.cost) for s in remedy(asked, 1).sets]
    return min((*found, *filter(None, [dear])), key=lambda cost: cost[1], default=None)


def with_remedy(found: ServerFree, said: Verdicts, loaded: Loaded, usage: UsageSpec | None = None) -> ServerFree:
    """A server's answer with the cheapest changes that would make a plan possible, where there is none today."""
    if found.verdict.rank < ReadyWord.ONE_WAY.rank:
        return found
    goal = Evacuate(servers=(found.server,), inactive=said.inactive, come_back=True)
    options = replace(said.options, pacing=ANY_TIME)
    asked = Remedy(loaded, goal, options, usage)
    large = not (asked.all_offered or said.inactive)
    quick = quick_remedy(said.site, said.judge, found.server, options, usage=usage) if large else None
    if quick is None:
        sets = remedy(asked, 1).sets
        quick = (sets[0].changes, sets[0].cost) if sets else ((), 0)
    changes, cost = quick
    return replace(found, remedy=tuple(c.words for c in changes), remedy_cost=cost) if changes else found
