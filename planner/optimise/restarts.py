"""N+1 where a component is too large for every failure to be written out: room first, then failures as they are needed.

A placement is sought with rows that say of every server in sum what must be free elsewhere for it to fail. Of what is
found each failure is looked at by itself: LPARs restart by construction, else by a small program. A failure that a
placement does not stand is written out in full from then on. All rows hold of every placement that keeps N+1, so bounds
do as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from planner.grouping import inverted
from planner.optimise.consolidation_program import LINK, ConsolidationProgram
from planner.optimise.heuristics.packing import tightest
from planner.optimise.measure import Scale
from planner.optimise.placement import Candidates
from planner.optimise.program import Outcome, Program, Solution, Tag
from planner.optimise.solver import Effort, decided
from planner.optimise.split_pack import SET, SplitPack
from planner.plan.questions import Consolidate
from planner.rules import Site, ledger
from planner.rules.asking import refused_there
from planner.rules.base import WHOLE
from planner.rules.ledger import Ledger, takes
from planner.stopwatch import now

Targets = Callable[[str, str], Sequence[str]]
"""(LPAR, server that it may end on) → servers on which it may restart when that one fails."""
_WORK, _SECONDS = 0.5, 5.0
"""Work of CP-SAT for one failure, and wall clock at most."""
_STANDING = 2.0
"""Work of CP-SAT for a placement that stands failures which another does not."""
_SPARES = 2
"""Servers that are tried as the one on which all others restart."""
_RESERVE, SPARE = Tag("availability.n-plus-1", "in sum"), Tag("spare")


class Restarting:
    """Where LPARs restart, one failure after the other, when all have their places."""

    def __init__(self, site: Site, targets: Targets, servers: Sequence[str], goal: Consolidate, scale: Scale) -> None:
        self.site, self.targets, self.servers, self.goal, self.scale = site, targets, servers, goal, scale

    def of(self, where: Mapping[str, str], on: Collection[str], failures: Collection[str], deadline: float = math.inf
           ) -> tuple[dict[str, dict[str, str]], list[str]]:
        """Failed server → LPAR → where it restarts, of a placement (LPAR → server) on these servers; and the servers,
        of these failures, whose failure it was not found to stand."""
        room, there = Ledger(self.site, {**self.site.start, **where}), inverted(where.items())
        places, failing = {}, []
        for s in sorted({*failures} & {*there}):
            found = self.built(s, there, on, room)
            if found is None and now() < deadline:
                found = self.solved(s, where, on)
            if found is None:
                failing.append(s)
            else:
                places[s] = found
        return places, failing

    def built(self, failed: str, there: Mapping[str, Sequence[str]], on: Collection[str], room: Ledger
              ) -> dict[str, str] | None:
        """By construction, the largest first, each where it fits most tightly; ``room`` is as before afterwards."""
        names = sorted(there[failed], key=lambda n: (-self.site.share(n, failed), n))
        places: dict[str, str] = {}
        for n in names:
            room.leave(n, failed)
        for n in names:
            best = self.place(n, failed, on, room)
            if best is None:
                break
            room.arrive(n, best)
            places[n] = best
        for n, t in places.items():
            room.leave(n, t)
        for n in names:
            room.arrive(n, failed)
        kept = len(places) == len(names) and self.carried(there, places)
        return places if kept else None

    def place(self, lpar: str, failed: str, on: Collection[str], room: Ledger) -> str | None:
        """Where one restarts: of the servers where it fits, that where it fits most tightly."""
        return tightest(room, lpar, [t for t in self.targets(lpar, failed) if t in on])

    def carried(self, there: Mapping[str, Sequence[str]], places: Mapping[str, str]) -> bool:
        """Whether rules that are asked, and what was used, let servers carry what restarts there."""
        then = {t: [*there.get(t, ()), *more] for t, more in inverted(places.items()).items()}
        if any(True for t, names in then.items() for _ in refused_there(self.site, t, names)):
            return False
        return self.site.usage is None or not any(
            self.site.used.worst(t, names, pool) for t, names in then.items()
            for pool in (None, *sorted(self.site.pools.get(t, {}))))

    def solved(self, failed: str, where: Mapping[str, str], on: Collection[str]) -> dict[str, str] | None:
        """By a program of this failure alone."""
        goal = self.goal.replace(keep=tuple(s for s in self.servers if s in on),
                                 off=tuple(s for s in self.servers if s not in on))
        settled = Candidates({n: {s: 0} for n, s in where.items()})
        model = ConsolidationProgram(self.site, settled, self.servers, goal, self.scale)
        model.state_failures([failed], {(n, s): self.targets(n, s) for n, s in where.items() if s == failed})
        while True:
            solution = decided(model.program, Effort(_WORK, _SECONDS), 1.0)
            if not solution.found:
                return None
            if not model.mend(solution):
                return model.restart(solution).get(failed)


class RestartProgram(ConsolidationProgram):
    """The program of a component with N+1, failures written out as they are needed."""

    def __init__(self, site: Site, candidates: Candidates, servers: Sequence[str], goal: Consolidate, scale: Scale,
                 targets: Targets) -> None:
        super().__init__(site, candidates, servers, goal, scale)
        self.restarting = Restarting(site, targets, servers, goal, scale)
        self.written: set[str] = set()
        """Failures that are written out."""
        self.stood: dict[tuple[tuple[str, str], ...], dict[str, dict[str, str]]] = {}
        """Placements that stand every failure, with where LPARs restart."""
        for s in servers:
            self.add_reserve(s)

    def add_reserve(self, failed: str) -> None:
        """What is on a server fits, in sum, into what is free of the others on which any of it may restart."""
        program = self.program
        names = [*self.by_server[failed], *self.fixed[failed]]
        reach = {n: self.restarting.targets(n, failed) for n in names}
        for n in names:
            if not reach[n]:
                here, always = self.place(n, failed)
                program.at_most(dict.fromkeys(here, 1), -always, _RESERVE)
        targets = sorted({t for places in reach.values() for t in places})
        for resource in ledger.RESOURCES:
            rooms = {t: self.load(resource, t, [(n, self.x[n, t]) for n in self.by_server[t]]) for t in targets}
            if not all(WHOLE in room for room in rooms.values()):
                continue
            terms: dict[int, int] = {}
            held = 0
            for n in names:
                least = min((takes(self.site, resource, n, t)[WHOLE] for t in reach[n]), default=0)
                here, always = self.place(n, failed)
                terms |= dict.fromkeys(here, least)
                held += always * least
            for t, room in rooms.items():
                terms |= room[WHOLE][0]
                terms[self.on[t]] = -room[WHOLE][1]
            program.at_most(terms, -held, _RESERVE)

    def add_links(self, program: Program) -> None:
        """For restarts as well."""
        super().add_links(program)
        for (_, _, t), i in self.z.items():
            program.at_most({i: 1, self.on[t]: -1}, 0, LINK)

    def mend(self, solution: Solution) -> int:
        """As for any placement; then failures that it does not stand are written out."""
        failing = [] if (added := super().mend(solution)) else self.failing(solution)
        self.write_out(failing)
        return added + len(failing)

    def write_out(self, failures: Collection[str]) -> None:
        """All variables and rows of these failures."""
        self.written |= {*failures}
        self.state_failures(sorted(failures), {
            (n, s): self.restarting.targets(n, s) for s in sorted(failures)
            for n in (*self.by_server[s], *self.fixed[s])})

    def failing(self, solution: Solution) -> list[str]:
        """The servers, of those not written out, whose failure this solution was not found to stand; when there is
        none it is remembered where LPARs restart."""
        where = self._where(solution)
        on = {s for s, i in self.on.items() if solution.values[i]}
        places, failing = self.restarting.of(where, on, [s for s in self.survivors if s not in self.written])
        if not failing:
            self.stood[tuple(where.items())] = places | super().restart(solution)
        return failing

    def restart(self, solution: Solution) -> dict[str, dict[str, str]]:
        """Failed server → LPAR → where it restarts."""
        return self.stood.get(tuple(self._where(solution).items())) or super().restart(solution)

    def add_spare(self, spare: str) -> None:
        """Whatever fails restarts on this one server: more than is needed, for a placement that is quickly found."""
        left = {r: self.load(r, spare, [(n, self.x[n, spare]) for n in self.by_server[spare]])
                for r in ledger.RESOURCES}
        for failed in self.survivors:
            names = [n for n in (*self.by_server[failed], *self.fixed[failed]) if failed != spare
                     and spare in self.restarting.targets(n, failed)]
            for resource, room in left.items() if names else ():
                for part, (there, most) in room.items():
                    taken = {n: takes(self.site, resource, n, spare).get(part, 0) for n in names}
                    terms = {i: taken[n] for n in names for i in self.place(n, failed)[0]}
                    held = sum(taken[n] * self.place(n, failed)[1] for n in names)
                    self.program.at_most(there | terms, most - held, SPARE)


class RestartPack(SplitPack):
    """Both levels with N+1. A set is first packed without looking at failures, then so that one server has room for
    any other; where a failure is not stood by either, it is written out."""

    model: RestartProgram

    def on_set(self, values: tuple[float, ...], work: float, gap: float, floor: float = 0.0,
               likely: Mapping[int, int] | None = None) -> Solution:
        first = self.standing(values, "", work, gap)
        if first.found or first.outcome is Outcome.INFEASIBLE:
            return first
        found = self.spared(values, work, gap)
        return found if found.found else super().on_set(values, work, gap, floor, likely)

    def by_windows(self, best: Solution, floor: float, passes: int) -> Solution:
        """As it is: what a window changes elsewhere may be what failures need."""
        return best

    def spared(self, values: tuple[float, ...], work: float, gap: float) -> Solution:
        """The best placement on these servers when one of the largest is the spare of all; no bound of it holds."""
        on = [s for s, i in self.model.on.items() if values[i] > 0.5]
        largest = sorted(on, key=lambda s: (-self.model.site.limit(s).units, s))[:_SPARES]
        found = [x for s in largest if not self.late() and (x := self.standing(values, s, work, gap)).found]
        best = min(found, key=lambda x: x.objective or 0, default=Solution(Outcome.UNKNOWN))
        return replace(best, bound=None)

    def stood(self, values: Sequence[int], failing: Collection[str], floor: float) -> Solution:
        """A placement like this one, on the same servers, that stands these failures as well."""
        self.model.write_out(failing)
        return super().on_set((*values,), _STANDING, self.gap, floor)

    def standing(self, values: tuple[float, ...], spare: str, work: float, gap: float) -> Solution:
        """The best placement on the servers that are on in these values, if it stands all failures."""
        effort = Effort(work * self.effort, max(self.deadline - now(), 0.05))
        self.add_set(self.program, values)
        if spare:
            self.model.add_spare(spare)
        found = decided(self.program, effort, gap, self.likely(values))
        self.program.rows = [r for r in self.program.rows if r.tag not in (SET, SPARE)]
        if found.found and (ConsolidationProgram.mend(self.model, found) or self.model.failing(found)):
            return Solution(Outcome.UNKNOWN)
        return found

    def remembered(self) -> Solution | None:
        found = super().remembered()
        return None if found is None or self.model.failing(found) else found
