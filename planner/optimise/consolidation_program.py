"""The consolidation of one component as one integer program: exact, for components that are small enough.

On top of the placement program's rows: which servers stay on, and for N+1 where each LPAR restarts when its server
fails. Larger components are taken apart (:mod:`planner.optimise.large`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import permutations
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from planner.estate.licences import EnterprisePool
from planner.grouping import grouped, inverted
from planner.optimise.licences import added
from planner.optimise.measure import Scale
from planner.optimise.metering import meter_scale, metered, metered_of, pool_use
from planner.optimise.placement import Candidates, PlacementProgram
from planner.optimise.program import MEASURE, Program, Solution, Tag
from planner.plan.questions import Consolidate
from planner.rules import Site, ledger
from planner.rules.asking import refused_there
from planner.rules.base import WHOLE
from planner.rules.ledger import takes

if TYPE_CHECKING:
    from planner.optimise.metering import Series

Restarts = Mapping[tuple[str, str], Sequence[str]]
"""(LPAR, server that it may end on) → servers on which it may restart when that one fails."""
_RULE = "availability.n-plus-1"
_SHARES = (0.125, 0.25, 0.5, 1, 2, 4)
"""Of the slots above a pool's base at the start: so many times as many, those of most use, have rows at once."""
LINK, _HOME = Tag("link"), Tag("at home")


class ConsolidationProgram(PlacementProgram):
    """A placement program whose servers may be off; ``restarts`` is None unless N+1 is asked for."""

    def __init__(self, site: Site, candidates: Candidates, servers: Sequence[str], goal: Consolidate, scale: Scale,
                 restarts: Restarts | None = None) -> None:
        super().__init__(site, candidates, servers, ())
        self.scale = scale
        self.on: dict[str, int] = {s: self.program.variable(1, s, "stays on") for s in servers}
        self.z: dict[tuple[str, str, str], int] = {}
        self.restart_slots: set[tuple[str, str, int | None, int]] = set()
        self.add_on()
        self.add_asked(goal)
        self.weights: dict[int, int] = {}
        """Variable → what it weighs besides servers and loads."""
        self.add_licensed()
        self.meters: dict[str, int] = {}
        """Enterprise pool → what it meters."""
        self.fixed_uses: dict[str, Series] = {}
        self.add_metered()
        if restarts is not None:
            self.state_failures(self.survivors, restarts)

    def add_on(self) -> None:
        """A server that is off holds nothing; one that holds what cannot move is on."""
        for s in self.survivors:
            if self.fixed[s]:
                self.program.equals({self.on[s]: 1}, 1, Tag("on", s))
            terms = {self.x[n, s]: 1 for n in self.by_server[s]}
            if terms:
                self.program.at_most({**terms, self.on[s]: -len(terms)}, 0, Tag("on", s))
            for resource in ledger.RESOURCES if terms and not self.fixed[s] else ():
                if WHOLE in (room := self.room(resource, s)):
                    wanted = {self.x[n, s]: takes(self.site, resource, n, s)[WHOLE] for n in self.by_server[s]}
                    self.program.at_most({**wanted, self.on[s]: -room[WHOLE]}, 0, Tag("on", s))

    def add_asked(self, goal: Consolidate) -> None:
        """Servers that were asked to stay on or to go off."""
        for wanted, value, word in ((goal.keep, 1, "keep"), (goal.off, 0, "off")):
            for s in wanted:
                if s in self.on:
                    self.program.equals({self.on[s]: 1}, value, Tag(f"goal.{word}", s))

    def add_licensed(self) -> None:
        """What is made least is licence cores: their counts, and a variable that is 1 for what nothing changes."""
        for licensed, worth in self.scale.licensed.items():
            total = added(self.licence_cores(licensed, self.survivors).values())
            self.write_counts("licences", licensed.product)
            for i, c in total.terms.items():
                self.weights[i] = self.weights.get(i, 0) + worth * c
            if total.constant:
                always = self.program.variable(1, licensed.product, "whatever is chosen")
                self.counts.derived.append((always, lambda values: 1))
                self.program.equals({always: 1}, 1, Tag("licences", licensed.product))
                self.weights[always] = worth * total.constant

    def add_metered(self) -> None:
        """What is made least is metered: a variable for each pool of these servers, rows for slots of much use."""
        for pool in self.scale.metered:
            upper = int(metered(self._most_use(pool), pool.base_cores).sum())
            if not upper or pool.servers[0] not in self.on:
                continue
            i = self.program.variable(upper, pool.name, "metered: thousandths of a core × slots")
            self.meters[pool.name] = i
            self.counts.derived.append((i, partial(self._meter, pool)))
            self.weights[i], _ = meter_scale(self.site)
            start = pool_use(self.site, pool, {n: self.site.start[n] for n in self._members()}) - 1000 * pool.base_cores
            order, over = np.argsort(-start, kind="stable"), max(int((start > 0).sum()), 1)
            for count in sorted({min(max(int(over * share), 1), len(start)) for share in _SHARES}):
                self.add_meter_row(pool, np.sort(order[:count]))

    def _most_use(self, pool: EnterprisePool) -> Series:
        """What a pool uses were all there that may be, each where it uses most."""
        most = self._fixed_use(pool).copy()
        for n in self.candidates.cost:
            there = [metered_of(self.site, n, s) for s in pool.servers if (n, s) in self.x]
            most += np.max(there, axis=0) if there else 0
        return most

    def add_meter_row(self, pool: EnterprisePool, slots: NDArray[np.int64]) -> None:
        """What is used in these slots beyond the base of a pool is metered."""
        terms = {i: int(metered_of(self.site, n, s)[slots].sum()) for (n, s), i in self.x.items() if s in pool.servers}
        rest = 1000 * pool.base_cores * len(slots) - int(self._fixed_use(pool)[slots].sum())
        self.program.at_most({**terms, self.meters[pool.name]: -1}, rest, Tag("metered", pool.name))

    def add_meter_rows(self, solution: Solution) -> int:
        """Rows for the slots in which this solution is above the base, of pools that meter more than it says; their
        number."""
        added = 0
        for pool in (p for p in self.scale.metered if p.name in self.meters):
            above = metered(self._use(pool, solution.values), pool.base_cores)
            if int(above.sum()) > solution.values[self.meters[pool.name]]:
                self.add_meter_row(pool, np.flatnonzero(above))
                added += 1
        return added

    def _meter(self, pool: EnterprisePool, values: Sequence[int]) -> int:
        return int(metered(self._use(pool, values), pool.base_cores).sum())

    def _use(self, pool: EnterprisePool, values: Sequence[int]) -> Series:
        """What a pool uses with these values."""
        return sum((metered_of(self.site, n, s) for (n, s), i in self.x.items() if values[i] and s in pool.servers),
                   self._fixed_use(pool))

    def _fixed_use(self, pool: EnterprisePool) -> Series:
        """The same of its VIOSes and of LPARs that stay there."""
        known = self.fixed_uses.get(pool.name)
        if known is None:
            stay = {n: s for s in pool.servers for n in self.fixed.get(s, ())}
            known = self.fixed_uses[pool.name] = pool_use(self.site, pool, stay)
        return known

    def linked(self) -> Program:
        """The program for LPARs that may be split, which use no server that is on in part."""
        program = self.program.without()
        program.title = "which servers stay on, LPARs split"
        self.add_links(program)
        return program

    def add_links(self, program: Program) -> None:
        """LPAR on server ≤ server on, for every pair."""
        for (_, s), i in self.x.items():
            program.at_most({i: 1, self.on[s]: -1}, 0, LINK)

    def add_homes(self, where: Mapping[str, str]) -> None:
        """Who is at home on a server that is on stays, or where it is in this placement: arrivals from servers that go
        off have an order, exchanges among those that stay on may have none."""
        for (n, s), i in self.x.items():
            home = self.site.start[n]
            if s not in (home, where.get(n)) and (on := self.on.get(home)) is not None:
                self.program.at_most({i: 1, on: 1}, 1, _HOME)

    # ---- N+1 ----------------------------------------------------------------------------------------------------

    def state_failures(self, failing: Sequence[str], restarts: Restarts) -> None:
        """Where LPARs restart when one of these servers fails, with all rows of it."""
        for (n, s), targets in restarts.items():
            for t in targets if s in failing else ():
                self.z[n, s, t] = self.program.variable(1, n, "restarts on", t, "when it fails:", s)
        self.add_restart_places(failing)
        self.add_restart_room(failing)
        self.add_restart_apart(failing)

    def _members(self) -> list[str]:
        return [*self.candidates.cost, *(n for names in self.fixed.values() for n in names)]

    def add_restart_places(self, failing: Sequence[str]) -> None:
        """Whoever ends on a server has a place to restart when it fails."""
        targets = grouped(((n, s), i) for (n, s, _), i in self.z.items())
        for n in self._members():
            for s in failing:
                here, always = self.place(n, s)
                if here or always:
                    terms = dict.fromkeys(here, 1) | dict.fromkeys(targets.get((n, s), ()), -1)
                    self.program.at_most(terms, -always, Tag(_RULE, s))

    def add_restart_room(self, failing: Sequence[str]) -> None:
        """What restarts on a server fits beside what it carries, and only a server that is on takes anything."""
        arriving = grouped(((s, t), (n, i)) for (n, s, t), i in self.z.items() if s in failing)
        for (s, t), more in sorted(arriving.items()):
            tag = Tag(_RULE, s)
            self.program.at_most({**{i: 1 for _, i in more}, self.on[t]: -len(more)}, 0, tag)
            residents = [(n, self.x[n, t]) for n in self.by_server[t]]
            for resource in ledger.RESOURCES:
                for terms, rhs in self.load(resource, t, (*residents, *more)).values():
                    self.program.at_most(terms, rhs, tag)

    def add_usage(self, solution: Solution) -> int:
        """Rows of usage as for any placement, and those of what restarts on a server beside what it carries."""
        return super().add_usage(solution) + (self.add_restart_usage(solution) if self.site.usage and self.z else 0)

    def mend(self, solution: Solution) -> int:
        """As for any placement, and for what restarts on a server beside what it carries."""
        return super().mend(solution) + (self.add_restart_refused(solution) if self.z else 0) + (
            self.add_meter_rows(solution) if self.meters else 0)

    def add_restart_refused(self, solution: Solution) -> int:
        """Cuts for what rules without rows refuse of a server that takes in what restarts; their number."""
        there, added = inverted(self._where(solution).items()), 0
        for failed, places in self.restart(solution).items():
            for t, more in inverted(places.items()).items():
                for _, part in refused_there(self.site, t, [*there.get(t, ()), *more]):
                    terms = {self.z[n, failed, t] if n in more else self.x[n, t]: 1 for n in part
                             if n in more or (n, t) in self.x}
                    self.program.at_most(terms, len(terms) - 1, Tag(_RULE, failed))
                    added += 1
        return added

    def _where(self, solution: Solution) -> dict[str, str]:
        return {n: s for s, names in self.fixed.items() for n in names} | self.placement(solution)

    def add_slot(self, moment: int, server: str, pool: int | None, slot: int) -> bool:
        """The row of one slot, of a server that may go off so that one which is off gives nothing."""
        added = super().add_slot(moment, server, pool, slot)
        if added and not self.fixed[server]:
            row = self.program.rows.pop()
            terms, left = row.stated
            self.program.at_most({**terms, self.on[server]: -left}, 0, row.tag)
        return added

    def add_restart_usage(self, solution: Solution) -> int:
        """Rows for the slots in which this solution uses too much when a server fails, the worst of each bucket; their
        number."""
        where = inverted([*((n, s) for s, names in self.fixed.items() for n in names),
                          *self.placement(solution).items()], self.survivors)
        arriving = grouped(((s, t), n) for s, places in self.restart(solution).items() for n, t in places.items())
        used, added = self.site.used, 0
        for t, pool, room in self.usage_rooms():
            left = room - used.on(t, where[t], pool)
            for failed in [s for s, there in arriving if there == t]:
                over = used.of_all(t, arriving[failed, t], pool) - left
                for slot in used.usage.worst_by_bucket(over).values():
                    if over[slot] > 0:
                        added += self._restart_slot(failed, t, pool, slot, int(room[slot]))
        return added

    def _restart_slot(self, failed: str, target: str, pool: int | None, slot: int, room: int) -> bool:
        """The row of one slot; False when it stands already."""
        key = (failed, target, pool, slot)
        if key in self.restart_slots:
            return False
        self.restart_slots.add(key)
        used, only = self.site.used, slice(slot, slot + 1)
        coming = [(n, self.x[n, target]) for n in self.by_server[target]]
        coming += [(n, i) for (n, s, t), i in self.z.items() if (s, t) == (failed, target)]
        terms = {i: int(used.of(n, target, only)[0]) for n, i in coming
                 if pool is None or self.site.pool_on(n, target) == pool}
        held = int(used.on(target, self.fixed[target], pool, only)[0])
        self.program.at_most(terms, room - held, Tag(_RULE, failed))
        return True

    def add_restart_apart(self, failing: Sequence[str]) -> None:
        """Members of a group that is kept apart restart apart; who stood together at the start may again."""
        for _, group in self.site.policies.kept_apart():
            for s, t in permutations(self.survivors, 2):
                if s in failing and any((n, s, t) in self.z for n in group.members):
                    for terms, rhs in self.apart(group, t, partial(self._placed_when_failed, failed=s, target=t)):
                        self.program.at_most(terms, rhs, Tag(_RULE, s))

    def _placed_when_failed(self, lpar: str, failed: str, target: str) -> tuple[list[int], int]:
        """What places an LPAR on a server when another has failed: it is there, or restarts there."""
        here, always = self.place(lpar, target)
        again = self.z.get((lpar, failed, target))
        return [*here, *([] if again is None else [again])], always

    # ---- objectives ---------------------------------------------------------------------------------------------

    def minimise_measure(self) -> int:
        """Set the first objective, divided by its weights' common divisor, which is returned."""
        terms = {self.on[s]: self.scale.fixed[s] for s in self.survivors if self.scale.fixed[s]}
        terms |= {i: more for (n, s), i in self.x.items() if (more := self.scale.excess(n, s))}
        for i, more in self.weights.items():
            terms[i] = terms.get(i, 0) + more
        divisor = gcd(*terms.values()) or 1
        self.measure = {i: c // divisor for i, c in terms.items()}
        self.program.minimise(self.measure)
        return divisor

    def add_measure(self, most: int) -> None:
        """The first objective is ``most`` at most (as the program counts)."""
        self.program.at_most(self.measure, most, MEASURE)

    def standing(self, where: Mapping[str, str]) -> list[int]:
        """The values of a placement (LPAR → server, of all LPARs that count), restarts left out: what carries somebody
        is on, and what has to be."""
        must = {i for r in self.program.rows if r.equal and len(r.terms) == 1 and r.rhs == 1 for i in r.terms}
        used, values = set(where.values()), [0] * len(self.program.upper)
        for (n, s), i in self.x.items():
            values[i] = int(where.get(n) == s)
        for s, i in self.on.items():
            values[i] = int(s in used or i in must)
        return self.derive(values)

    def off(self, solution: Solution) -> list[str]:
        placed = set(self.placement(solution).values())
        return [s for s, i in self.on.items() if solution.values[i] == 0 and s not in placed]

    def restart(self, solution: Solution) -> dict[str, dict[str, str]]:
        """Failed server → LPAR → where it restarts."""
        where = self._where(solution)
        out: dict[str, dict[str, str]] = {}
        for (n, s, t), i in self.z.items():
            if solution.values[i] == 1 and where.get(n) == s:
                out.setdefault(s, {}).setdefault(n, t)
        return out
