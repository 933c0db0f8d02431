"""Answering an evacuation: displaced LPARs first, then chains through survivors, proved against the lower bound."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from planner.optimise.asked import displaced, survivors
from planner.optimise.conflict import Conflict, explain, joined
from planner.optimise.placement import Candidates, PlacementProgram, candidates_of
from planner.optimise.search import placement_by_search
from planner.optimise.solver import Outcome, Solution
from planner.plan.choices import Status
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site

_FIRST_SHARE = 0.5
"""Share of the time for the displaced LPARs alone: what is left is for opening the survivors."""
_BALANCE_NODES = 100
_BALANCE_GAP = 0.02
_BALANCE_VARIABLES = 4000


@dataclass(frozen=True, slots=True)
class Answer:
    """Where everything ends. ``objective_ms`` and ``bound_ms``: cost in ms; ``placement``: only LPARs that move."""

    status: Status
    placement: Mapping[str, str]
    objective_ms: int | None = None
    bound_ms: float | None = None
    conflict: Conflict | None = None


_SEARCHES = 20


def searched(model: PlacementProgram, solution: Solution) -> Solution:
    """A placement by local search that breaks no row, those of usage included; else the solution as it is."""
    for _ in range(_SEARCHES):
        found = placement_by_search(model)
        if not found:
            break
        other = Solution(Outcome.FEASIBLE, tuple(found), model.program.value(found), solution.bound, "search")
        if not model.add_usage(other):
            return other
    return solution


@dataclass(frozen=True, slots=True)
class Part:
    """What of an evacuation belongs together: LPARs that must go, and the servers among which they can cause moves."""

    displaced: Sequence[str]
    survivors: Sequence[str]
    direct: Candidates


def parts_of(problem: EvacuationProblem) -> list[Part]:
    """The connected components of reach among the surviving servers that have to do with a displaced LPAR."""
    site, leader = problem.site, {s: s for s in problem.survivors}

    def find(server: str) -> str:
        while leader[server] != server:
            leader[server] = server = leader[leader[server]]
        return server

    def link(servers: Iterable[str]) -> None:
        known = [find(s) for s in servers if s in leader]
        for other in known[1:]:
            leader[find(other)] = find(known[0])

    told: set[tuple[int, str]] = set()
    for name, server in site.start.items():
        near = problem.judge.near(name)
        if (id(near), server) not in told:
            told.add((id(near), server))
            link([server, *sorted(problem.survivors if near is None else near)])
    for group in site.policies.together:
        link(s for n in group.members if n in site.start
             for s in (site.start[n], *problem.direct.cost.get(n, ())))
    members: dict[str, list[str]] = {}
    for name in problem.displaced:
        members.setdefault(find(next(iter(problem.direct.cost[name]))), []).append(name)
    return [Part(names, [s for s in problem.survivors if find(s) == root],
                 Candidates({n: problem.direct.cost[n] for n in names})) for root, names in members.items()]


class EvacuationProblem:
    """One evacuation, solved in stages; ``cuts`` are placements of survivors that could not be scheduled."""

    def __init__(self, site: Site, judge: Judge, goal: Evacuate, *, come_back: bool = False,
                 part: Part | None = None) -> None:
        self.site, self.judge, self.goal, self.come_back = site, judge, goal, come_back
        self.displaced = displaced(goal, site) if part is None else list(part.displaced)
        self.survivors = survivors(goal, site) if part is None else list(part.survivors)
        self.cuts: list[Mapping[str, str]] = []
        self.direct = part.direct if part else candidates_of(site, judge, self.displaced, self.survivors,
                                                             come_back=come_back)
        self.is_part = part is not None

    def forbid(self, placement: Mapping[str, str]) -> None:
        """Never answer again with survivors placed like this."""
        self.cuts.append({n: s for n, s in placement.items() if n not in self.displaced})

    def solve(self, time_limit: float, gap: float) -> Answer:
        """The best placement that can be had in ``time_limit`` seconds. Deterministic unless time runs out."""
        deadline = time.monotonic() + time_limit
        if not self.displaced:
            return Answer(Status.OPTIMAL, {}, 0, 0.0)
        stranded = [n for n in self.displaced if not self.direct.cost[n]]
        if stranded:
            return Answer(Status.INFEASIBLE, {}, conflict=explain(self, stranded, None, deadline))
        if not self.is_part and not self.cuts:
            return self._by_parts(deadline, gap)
        bound = self.direct.bound()
        first, solution = self._stage(self.direct, time.monotonic() + _FIRST_SHARE * time_limit, gap)
        if solution.outcome is Outcome.OPTIMAL and solution.objective is not None and (
                solution.objective - bound <= gap * max(solution.objective, 1)):
            return self._finish(first, solution, Status.OPTIMAL, float(bound), deadline)
        return self._open(first, solution, float(bound), deadline, gap)

    def _by_parts(self, deadline: float, gap: float) -> Answer:
        """Parts of the site between which nothing can move are problems of their own: costs and bounds add up."""
        parts = parts_of(self)
        answers = []
        for number, part in enumerate(parts):
            share = max(deadline - time.monotonic(), 0.1) / (len(parts) - number)
            answers.append(EvacuationProblem(self.site, self.judge, self.goal, come_back=self.come_back,
                                             part=part).solve(share, gap))
        conflicts = [a.conflict for a in answers if a.conflict is not None]
        if conflicts:
            return Answer(Status.INFEASIBLE, {}, conflict=joined(conflicts))
        bound = sum(p.direct.bound() if a.bound_ms is None else a.bound_ms
                    for p, a in zip(parts, answers, strict=True))
        if any(a.status is Status.UNKNOWN for a in answers):
            return Answer(Status.UNKNOWN, {}, bound_ms=bound)
        proved = all(a.status is Status.OPTIMAL for a in answers)
        placement = dict(sorted(item for a in answers for item in a.placement.items()))
        return Answer(Status.OPTIMAL if proved else Status.FEASIBLE, placement,
                      sum(a.objective_ms or 0 for a in answers), bound)

    def _open(self, first: PlacementProgram, early: Solution, bound: float, deadline: float, gap: float) -> Answer:
        """Let survivors move too: needed when the first stage has no answer or none that is proved."""
        wide = candidates_of(self.site, self.judge, self.displaced, self.survivors, self._shifting(),
                             come_back=self.come_back)
        if len(wide.cost) == len(self.direct.cost):
            program, solution = first, early
        else:
            program, solution = self._stage(wide, deadline, gap)
        if solution.outcome is Outcome.INFEASIBLE and not self.cuts:
            return Answer(Status.INFEASIBLE, {}, conflict=explain(self, [], program, deadline))
        proved = max(bound, solution.bound or 0.0)
        best, found = (program, solution) if solution.found else (first, early)
        if early.found and found.objective is not None and early.objective is not None and (
                early.objective < found.objective):
            best, found = first, early
        if not found.found or found.objective is None:
            return Answer(Status.UNKNOWN, {}, bound_ms=proved)
        close = found.objective - proved <= max(gap * found.objective, 0.999)
        status = Status.OPTIMAL if close and not self.cuts else Status.FEASIBLE
        if self.cuts:
            proved = bound
        return self._finish(best, found, status, min(proved, found.objective), deadline)

    def _shifting(self) -> list[str]:
        """Survivors' LPARs that may move at all."""
        return [n for n, s in self.site.start.items() if s in self.survivors and self.judge.targets(n, self.survivors)]

    def _stage(self, candidates: Candidates, deadline: float, gap: float) -> tuple[PlacementProgram, Solution]:
        model = PlacementProgram(self.site, candidates, self.survivors, self.displaced)
        for cut in self.cuts:
            model.forbid(cut)
        solution = model.solve(deadline, gap)
        if solution.outcome is Outcome.UNKNOWN:
            # Not given to HiGHS to start from: in trials on tight estates that made it slower.
            solution = searched(model, solution)
        return model, solution

    def _finish(self, model: PlacementProgram, solution: Solution, status: Status, bound: float,
                deadline: float) -> Answer:
        placement = self._balanced(model, solution, deadline) or model.placement(solution)
        moving = {n: s for n, s in sorted(placement.items()) if s != self.site.start[n]}
        objective = sum(model.candidates.cost[n][s] for n, s in moving.items())
        return Answer(status, moving, objective, bound)

    def _balanced(self, model: PlacementProgram, solution: Solution, deadline: float) -> dict[str, str] | None:
        """Among placements of the same cost, one that fills no server more than it must (last in the order of aims).

        Bounded by nodes rather than time, so that the answer does not depend on the machine's speed.
        """
        best = model.placement(solution)
        cost = solution.objective or 0
        kept = model.candidates
        if cost == model.candidates.bound():
            kept = model.candidates.only_cheapest()
        choices = [places for places in kept.cost.values() if len(places) > 1]
        if not choices or len(model.x) > _BALANCE_VARIABLES or deadline - time.monotonic() < 1:
            return None
        narrow = PlacementProgram(self.site, kept, self.survivors, self.displaced)
        for cut in self.cuts:
            narrow.forbid(cut)
        if kept is model.candidates:
            narrow.program.at_most(narrow.program.objective, cost, "cost")
        rest = solution.values[len(model.x):]
        known = [int(best.get(n) == s) for n, s in narrow.x] + [*rest, self._fill_least(narrow, best)]
        for (server, pool), slots in sorted(model.slots.items(), key=str):
            for slot in sorted(slots):
                narrow.add_slot(server, pool, slot)
        answer = narrow.solve(deadline, _BALANCE_GAP, _BALANCE_NODES, known)
        if not answer.found:
            return None
        found = narrow.placement(answer)
        return found if sum(kept.cost[n][s] for n, s in found.items()) == cost else best

    def _fill_least(self, model: PlacementProgram, best: Mapping[str, str]) -> int:
        """Minimise the fullest server's share, in thousandths of its limit, processors and memory alike.

        Returns that share for ``best``, the last variable's value in a known solution.
        """
        program, site = model.program, self.site
        fullest, share = program.variable(100_000), 0
        for s in self.survivors:
            held, limit = site.holding(s, model.fixed[s]), site.limit(s)
            full = site.holding(s, [*model.fixed[s], *(n for n, t in best.items() if t == s)])
            for units in ("units", "memory_mib"):
                most = max(getattr(limit, units), 1)
                terms = {i: 1000 * getattr(site.demand(n, s), units) for (n, t), i in model.x.items() if t == s}
                program.at_most({**terms, fullest: -most}, -1000 * getattr(held, units), "balance")
                share = max(share, -(-1000 * getattr(full, units) // most))
        program.minimise({fullest: 1})
        return min(share, 100_000)
