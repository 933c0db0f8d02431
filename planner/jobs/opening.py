"""The cheapest changes with which every server of a site can be freed, one at a time; or what a budget opens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from planner.estate.changes import Repair, applied
from planner.estate.model import Estate
from planner.jobs.remedy import ChangeSet, Remedy, possible, unliftable
from planner.optimise.opening import opening
from planner.optimise.program import Outcome
from planner.optimise.remedy import Buying
from planner.stopwatch import now, stopped

_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Opened:
    """``today``: the servers that can be freed as it is; ``lasting``: what is changed once, and ``estate`` after it;
    ``sets``: server → what is done for its window beside, with the verified plan on the estate after both; ``closed``:
    server → why it is not opened; ``cost``: all of it; ``alone``: what one by one would cost; ``cheapest``: it is
    proved that no set on the price list does this for less."""

    today: tuple[str, ...]
    estate: Estate
    lasting: tuple[Repair, ...] = ()
    sets: dict[str, ChangeSet] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    cost: int = 0
    alone: int = 0
    cheapest: bool = False


def open_all(asked: Callable[[str], Remedy], servers: Collection[str], budget: int | None = None,
             progress: Callable[[str], None] | None = None) -> Opened:
    """``asked``: the goal of freeing one server; ``servers``: those that are to be opened."""
    tell = progress or (lambda text: None)
    told = {s: asked(s) for s in sorted(servers)}
    goals = {s: goal.at_any_time() for s, goal in told.items()}
    today, closed, alone = [], {}, 0
    models: dict[str, Buying] = {}
    for s, goal in goals.items():
        tell(f"{s} today")
        if possible(goal.today):
            today.append(s)
            continue
        model, shop = goal.model()
        if shop.stranded:
            closed[s] = "; ".join(unliftable(shop))
        else:
            solution = model.solve(now() + goal.options.time_limit / 4, 0.0)
            alone += goal.prices.total(model.changes(solution)) if solution.found else 0
            models[s] = model
    first = next(iter(goals.values()))
    found = _found(goals, models, budget, tell) if models else None
    if found is None:
        closed |= dict.fromkeys(models, "no set of changes was found for it")
        return Opened(tuple(today), closed=closed, alone=alone, estate=first.loaded.estate)
    lasting, sets, proved = found
    sets = {s: _planned(told[s], (*lasting, *of.changes), of) for s, of in sets.items()}
    cost = first.prices.total(lasting) + sum(s.cost for s in sets.values())
    closed |= {s: "not within the budget" for s in models if s not in sets}
    return Opened(tuple(today), applied(first.loaded.estate, lasting), lasting, sets, closed, cost=cost, alone=alone,
                  cheapest=proved)


def _planned(goal: Remedy, changes: tuple[Repair, ...], found: ChangeSet) -> ChangeSet:
    """What was found for a server, with its plan as it was asked for."""
    told = goal.tried(changes)
    return replace(found, plan=told.plan) if told else found


def _found(goals: dict[str, Remedy], models: dict[str, Buying], budget: int | None, tell: Callable[[str], None]
           ) -> tuple[tuple[Repair, ...], dict[str, ChangeSet], bool] | None:
    """What lasts of the program's answer once every server that it opens has a verified plan, with those, and without
    what none of them needs; whether it is proved."""
    refused: list[tuple[str, frozenset[Repair]]] = []
    first = next(iter(goals.values()))
    deadline = max(first.options.deadline(), now() + first.options.time_limit / 2)
    for number in range(1, _ROUNDS + 1):
        tell(f"all together, set {number}")
        whole, solution = opening(models, first.prices, budget, refused, deadline)
        if not solution.found or stopped():
            return None
        sets: dict[str, ChangeSet] = {}
        lasting = whole.changes(solution)
        for s in (s for s in models if solution.values[whole.open[s]]):
            tell(f"{s}, set {number}")
            changes = whole.changes(solution, s)
            told = goals[s].tried(changes)
            if told is None:
                refused.append((s, frozenset(changes)))
            else:
                own = tuple(c for c in changes if c not in lasting)
                sets[s] = ChangeSet(own, first.prices.total(own), told.plan, told.estate)
        if len(sets) == sum(solution.values[i] for i in whole.open.values()):
            less = _Less(goals, lasting, sets)
            less.run(deadline, tell)
            return less.lasting, less.sets, solution.outcome is Outcome.OPTIMAL and first.all_offered and not less.found
        if now() > deadline:
            return None
    return None


class _Less:
    """What is left of an answer when each change is left out in turn, the dearest first, as long as every server that
    it opens has its verified plan; ``found``: something was not needed."""

    def __init__(self, goals: Mapping[str, Remedy], lasting: tuple[Repair, ...], sets: dict[str, ChangeSet]) -> None:
        self.goals, self.lasting, self.sets, self.found = goals, lasting, sets, False
        self.prices = next(iter(goals.values())).prices

    def run(self, deadline: float, tell: Callable[[str], None]) -> None:
        """Each of them, while there is time."""
        changes = [("", c) for c in self.lasting] + [(s, c) for s, found in self.sets.items() for c in found.changes]
        for server, change in sorted(changes, key=lambda sc: (-self.prices.cost(sc[1]), sc[1].words, sc[0])):
            if now() > deadline or stopped():
                return
            tell(f"without {change.words}")
            self._without(server, change)

    def _without(self, server: str, change: Repair) -> None:
        lasting = tuple(c for c in self.lasting if server or c != change)
        sets = dict(self.sets)
        for s, found in self.sets.items():
            if server in ("", s):
                own = tuple(c for c in found.changes if c != change)
                told = self.goals[s].tried((*lasting, *own))
                if told is None:
                    return
                sets[s] = ChangeSet(own, self.prices.total(own), told.plan, told.estate)
        self.lasting, self.sets, self.found = lasting, sets, True
