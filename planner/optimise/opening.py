"""The cheapest set of changes that lets each of several servers be freed, one at a time: one program of all goals.

A change that lasts is bought once for all goals that use it, one for a window for each goal by itself. With a budget
not every goal has to be reached: as many as it opens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from planner.estate.changes import Repair
from planner.estate.prices import Prices
from planner.optimise.program import CUT, ONE_PLACE, Outcome, Program, Solution, Tag
from planner.optimise.remedy import Buying
from planner.optimise.solver import solve
from planner.stopwatch import now

_OPEN, _BUDGET = "opened", Tag("budget")


class Opening:
    """``models``: server → the program of freeing it; ``budget``: what all may cost together, None: all are opened.

    ``refused``: (server, changes) that with these alone it was not freed.
    """

    def __init__(self, models: Mapping[str, Buying], prices: Prices, budget: int | None,
                 refused: Sequence[tuple[str, frozenset[Repair]]]) -> None:
        self.models, self.prices, self.budget = models, prices, budget
        self.program = Program("the cheapest set of changes for all")
        self.lasting: dict[Repair, int] = {}
        """What is bought once: a variable each; of what is bought by number the change of one."""
        self.passing: dict[tuple[str, Repair], int] = {}
        self.first: dict[str, int] = {}
        self.open: dict[str, int] = {}
        for server, model in models.items():
            self.add_model(server, model)
        cost = {i: prices.cost(c) for c, i in self.lasting.items()}
        self.cost = cost | {i: prices.cost(c) for (_, c), i in self.passing.items()}
        self.add_budget()
        for server, changes in refused:
            self.add_refused(server, changes)

    def add_model(self, server: str, model: Buying) -> None:
        """The rows of one goal, which holds when the server is opened, and what it shares with the others."""
        offset = self.first[server] = len(self.program.upper)
        for upper, meaning in zip(model.program.upper, model.program.meaning, strict=True):
            self.program.variable(upper, server, *meaning)
        opened = self.open[server] = self.program.variable(1, _OPEN, server)
        for row in model.program.rows:
            moved = replace(row, terms={i + offset: c for i, c in row.terms.items()})
            if row.tag.rule == ONE_PLACE and row.tag.subject in model.displaced:
                moved = replace(moved, terms={**moved.terms, opened: -row.rhs}, rhs=0)
            self.program.rows.append(moved)
        for change, i in [*model.bought.items(), *((c, i) for c, (_, i) in model.amounts.items())]:
            if change.passing:
                self.passing[server, change] = i + offset
                continue
            if change not in self.lasting:
                self.lasting[change] = self.program.variable(model.program.upper[i], "buy for all", change.words)
            self.program.at_most({i + offset: 1, self.lasting[change]: -1}, 0, Tag(_OPEN, server))

    def add_budget(self) -> None:
        """All goals at the least cost; or as many as the budget opens, of equal numbers the cheapest."""
        if self.budget is None:
            for server, i in self.open.items():
                self.program.equals({i: 1}, 1, Tag(_OPEN, server))
            self.program.minimise(self.cost)
            return
        self.program.at_most(self.cost, self.budget, _BUDGET)
        self.program.minimise({**self.cost, **dict.fromkeys(self.open.values(), -self.budget - 1)})

    def add_refused(self, server: str, changes: frozenset[Repair]) -> None:
        """To open this server something beside these changes is bought, or more of something."""
        known = {(c.kind, c.subject): c.amount for c in changes if c.amount > 1}
        other = [i for c, i in self.lasting.items() if c not in changes and (c.kind, c.subject) not in known]
        other += [i for (of, c), i in self.passing.items() if of == server and c not in changes]
        for c, i in self.lasting.items():
            amount = known.get((c.kind, c.subject), int(c in changes))
            if amount and self.program.upper[i] > amount:
                more = self.program.variable(1, "more than", str(amount), c.words)
                self.program.at_most({more: amount + 1, i: -1}, 0, CUT)
                other.append(more)
        self.program.at_most({self.open[server]: 1, **dict.fromkeys(other, -1)}, 0, CUT)

    def changes(self, solution: Solution, server: str | None = None) -> tuple[Repair, ...]:
        """What is bought for all, and for one server's window."""
        numbered = {c: relief for m in self.models.values() for c, (relief, _) in m.amounts.items()}
        found = [numbered[c].change(solution.values[i]) if c in numbered else c
                 for c, i in self.lasting.items() if solution.values[i]]
        found += [c for (of, c), i in self.passing.items() if of == server and solution.values[i]]
        return tuple(sorted(found, key=lambda c: (self.prices.owner(c), c.kind, c.subject, c.words)))

    def part(self, server: str, solution: Solution) -> Solution:
        """A solution as the program of one server has it."""
        first = self.first[server]
        return replace(solution, values=solution.values[first:first + len(self.models[server].program.upper)])


def opening(models: Mapping[str, Buying], prices: Prices, budget: int | None,
            refused: Sequence[tuple[str, frozenset[Repair]]], deadline: float) -> tuple[Opening, Solution]:
    """The program solved, with every row that usage and asked rules turn out to need."""
    while True:
        whole = Opening(models, prices, budget, refused)
        solution = solve(whole.program, max(deadline - now(), 0.05))
        if not solution.found:
            return whole, solution
        mended = sum(model.mend(whole.part(s, solution)) for s, model in models.items()
                     if solution.values[whole.open[s]])
        if not mended:
            return whole, solution
        if now() > deadline:
            return whole, replace(solution, outcome=Outcome.UNKNOWN, values=())
