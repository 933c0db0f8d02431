"""Where everything ends in a scenario: every LPAR placed so that it fits on arrival, in today's size, and in the end,
grown and resized."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from planner.estate.capacity import Demand
from planner.optimise.conflict import of_program
from planner.optimise.placement import Candidates, Moment, PlacementProgram
from planner.optimise.program import Outcome
from planner.optimise.stages import Answer, StagedProblem
from planner.plan.details import Conflict
from planner.plan.questions import Whatif
from planner.rules import Judge, Site
from planner.rules.base import WHOLE
from planner.rules.ledger import MEMORY, PROCESSORS, Amounts, Resource, allowed
from planner.rules.site import UsageOnSite
from planner.stopwatch import now

Pair = tuple[str, str]


class Phase(StrEnum):
    """Which sizes a program holds to."""

    ARRIVAL = "on arrival, before anything is resized"
    FINAL = "after growth and resizing"
    BOTH = "on arrival and after growth and resizing together"


_MOMENTS = {Phase.ARRIVAL: slice(0, 1), Phase.FINAL: slice(1, 2), Phase.BOTH: slice(0, 2)}


@dataclass(frozen=True, slots=True)
class Sizes:
    """What an LPAR holds on a server it may end on: ``arrival`` when it gets there, ``final`` in the end; and what it
    uses at each, where a history tells."""

    arrival: Callable[[str, str], Demand]
    final: Callable[[str, str], Demand]
    used: tuple[UsageOnSite, UsageOnSite] | None = None


def in_the_end(site: Site, resource: Resource, server: str) -> Amounts:
    """What LPARs may take of a server in the end."""
    room = site.limit_in_the_end(server) - site.base(server)
    whole = {PROCESSORS.rule: room.units, MEMORY.rule: room.memory_mib}
    return {WHOLE: whole[resource.rule]} if resource.rule in whole else resource.limits(site, server)


class ScenarioProgram(PlacementProgram):
    """The placement program with two sets of capacity rows: on arrival, and strictly in the end."""

    def __init__(self, site: Site, candidates: Candidates, survivors: Sequence[str], displaced: Iterable[str],
                 sizes: Sizes, phase: Phase = Phase.BOTH) -> None:
        self.sizes, self.phase = sizes, phase
        super().__init__(site, candidates, survivors, displaced)
        self.entitle("where LPARs end")

    def entitle(self, what: str) -> None:
        """Say what it decides, and in which scenario."""
        name = self.site.goal.scenario if isinstance(self.site.goal, Whatif) else ""
        self.program.title = f"{name}: {what}" if name else what

    def moments(self) -> Sequence[Moment]:
        """On arrival as for any placement; in the end a server holds its limit at most, whatever it holds today."""
        site, sizes = self.site, self.sizes
        arrival = Moment(sizes.arrival, lambda resource, s: allowed(site, resource, s))
        final = Moment(sizes.final, lambda resource, s: in_the_end(site, resource, s))
        return [arrival, final][_MOMENTS[self.phase]]

    def usages(self) -> Sequence[UsageOnSite]:
        """The same of what is used."""
        return list(self.sizes.used or ())[_MOMENTS[self.phase]]

    def room(self, resource: Resource, server: str) -> Amounts:
        """What LPARs may take of a server at the first of the moments."""
        return self.moments()[0].room(resource, server)


class ScenarioProblem(StagedProblem):
    """One scenario, solved in stages: the LPARs of retired servers first, then whatever may move live."""

    first_share, balances_cheapest = 0.4, False

    def __init__(self, site: Site, judge: Judge, survivors: Sequence[str], displaced: Sequence[str],
                 costs: Callable[[str], Mapping[str, int]], sizes: Sizes) -> None:
        super().__init__(site, judge)
        self.survivors, self.displaced, self.costs, self.sizes = list(survivors), list(displaced), costs, sizes
        self.narrow = Candidates({n: dict(costs(n)) for n in self.displaced})

    @cached_property
    def wide(self) -> Candidates:
        """The candidates when the LPARs of servers that stay may move as well."""
        more = {n: {s: 0} | places for n, s in self.site.start.items()
                if n not in self.narrow.cost and (places := dict(self.costs(n)))}
        return Candidates(self.narrow.cost | more)

    def model(self, candidates: Candidates, phase: Phase = Phase.BOTH) -> ScenarioProgram:
        """The placement that fits at each moment."""
        return ScenarioProgram(self.site, candidates, self.survivors, self.displaced, self.sizes, phase)

    def solve(self, time_limit: float, gap: float) -> Answer:
        """The cheapest placement in ``time_limit`` seconds. Every LPAR of a retired server must have candidates."""
        return self.staged(float(self.narrow.bound()), now() + time_limit, gap)

    def explain(self, model: PlacementProgram, deadline: float) -> Conflict:
        """Why there is no placement, and at which moment it fails."""
        left = max(deadline - now(), 2.0)
        for phase in (Phase.ARRIVAL, Phase.FINAL):
            alone = self.model(model.candidates, phase)
            if alone.solve(now() + left, 0.0).outcome is Outcome.INFEASIBLE:
                break
        else:
            return self._told(model, Phase.BOTH, left)
        return self._told(alone, phase, left)

    def _told(self, model: PlacementProgram, phase: Phase, left: float) -> Conflict:
        conflict = of_program(model, now() + left)
        return replace(conflict, summary=f"{phase.value}: {conflict.summary}")
