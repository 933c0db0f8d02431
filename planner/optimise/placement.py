"""The placement program: which server each LPAR ends on. One method per family of rows, all of one shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from planner.estate.policies import Group
from planner.findings import Severity
from planner.optimise.solver import Program, Solution
from planner.rules import Judge, Site


def move_cost_ms(site: Site, judge: Judge, lpar: str, source: str, target: str) -> int:
    """Cost of a move in ms: its duration alone on the link, plus the risk surcharges of the cost model."""
    p = site.parameters
    warnings = sum(f.severity is Severity.WARNING for f in (*judge.readiness(lpar), *judge.move(lpar, source, target)))
    risk = p.risk_warning_s * warnings
    risk += p.risk_production_s if site.lpars[lpar].environment == "production" else 0
    risk += p.risk_heartbeat_s if site.is_heartbeat(lpar) else 0
    return site.solo(lpar, source, target).duration_ms + round(risk * 1000)


@dataclass(slots=True)
class Candidates:
    """Where each open LPAR may end, with the cost in ms; LPARs that are not in it stay where they are."""

    cost: dict[str, dict[str, int]] = field(default_factory=dict)

    def cheapest(self, lpar: str) -> int:
        """The least cost of placing an LPAR anywhere."""
        return min(self.cost[lpar].values())

    def bound(self) -> int:
        """Σ of each one's cheapest place: a lower bound of any placement."""
        return sum(self.cheapest(n) for n in self.cost)

    def only_cheapest(self) -> Candidates:
        """The same LPARs with their cheapest places alone."""
        return Candidates({n: {s: c for s, c in places.items() if c == min(places.values())}
                           for n, places in self.cost.items()})


def candidates_of(site: Site, judge: Judge, displaced: Sequence[str], survivors: Sequence[str],
                  shifting: Iterable[str] = (), *, come_back: bool = False) -> Candidates:
    """Displaced LPARs may go to any survivor that the rules allow; shifting ones may also stay, at no cost.

    With ``come_back`` only to where the rules allow the move home as well.
    """
    def places(name: str) -> dict[str, int]:
        source = site.start[name]
        return {s: move_cost_ms(site, judge, name, source, s) for s in judge.targets(name, survivors)
                if not come_back or judge.allowed(name, s, source)}

    out = Candidates()
    for name in displaced:
        out.cost[name] = places(name)
    for name in shifting:
        out.cost[name] = {site.start[name]: 0} | places(name)
    return out


class PlacementProgram:
    """Rows and variables of one placement question over a site."""

    def __init__(self, site: Site, candidates: Candidates, survivors: Sequence[str], displaced: Iterable[str]) -> None:
        self.site, self.candidates, self.survivors = site, candidates, list(survivors)
        self.displaced = set(displaced)
        self.program = Program()
        self.x: dict[tuple[str, str], int] = {
            (n, s): self.program.variable() for n, places in candidates.cost.items() for s in places}
        self.fixed: dict[str, list[str]] = {s: [] for s in self.survivors}
        for name, server in site.start.items():
            if name not in candidates.cost and server in self.fixed:
                self.fixed[server].append(name)
        self._by_server: dict[str, list[str]] = defaultdict(list)
        for n, s in self.x:
            self._by_server[s].append(n)
        self.add_one_place()
        self.add_processors()
        self.add_pools()
        self.add_memory()
        self.add_apart()
        self.add_together()
        self.add_cost()

    def add_one_place(self) -> None:
        """Every open LPAR ends on exactly one server."""
        for n, places in self.candidates.cost.items():
            self.program.equals({self.x[n, s]: 1 for s in places}, 1, f"lpar:{n}")

    def add_processors(self) -> None:
        """processor.capacity: entitlements of a server at most its limit, or what it held at the start."""
        for s in self.survivors:
            held = self.site.holding(s, self.fixed[s]).units
            allowed = max(self.site.limit(s).units, self.site.at_start[s].units)
            self.program.at_most({self.x[n, s]: self.site.demand(n, s).units for n in self._by_server[s]},
                                 allowed - held, f"processor.capacity:{s}")

    def add_memory(self) -> None:
        """memory.capacity: memory and hash page tables of a server at most its limit, or what it held."""
        for s in self.survivors:
            held = self.site.holding(s, self.fixed[s]).memory_mib
            allowed = max(self.site.limit(s).memory_mib, self.site.at_start[s].memory_mib)
            self.program.at_most({self.x[n, s]: self.site.demand(n, s).memory_mib for n in self._by_server[s]},
                                 allowed - held, f"memory.capacity:{s}")

    def add_pools(self) -> None:
        """processor.pool: entitlements in a pool at most its maximum less its reserve, or what it held."""
        for s in self.survivors:
            held = self.site.holding(s, self.fixed[s]).pools
            for pool_id in self.site.pools.get(s, {}):
                limit = self.site.pool_limit(s, pool_id)
                if limit is None:
                    continue
                allowed = max(limit, self.site.at_start[s].pools.get(pool_id, 0))
                terms = {self.x[n, s]: self.site.demand(n, s).units for n in self._by_server[s]
                         if self.site.pool_on(n, s) == pool_id}
                self.program.at_most(terms, allowed - held.get(pool_id, 0), f"processor.pool:{s}/{pool_id}")

    def add_apart(self) -> None:
        """policy.keep-apart and policy.cluster: at most one member a server; residents of old tolerate each other."""
        for kind, groups in (("keep-apart", self.site.policies.apart), ("cluster", self.site.policies.clusters)):
            for group in groups:
                open_to = {s for n in group.members for s in self.candidates.cost.get(n, ())}
                for s in self.survivors if open_to else ():
                    if s in open_to:
                        self._apart(group, s, f"policy.{kind}:{group.name}")

    def _apart(self, group: Group, s: str, tag: str) -> None:
        start = self.site.start
        old = [n for n in group.members if start.get(n) == s]
        new = [n for n in group.members if (n, s) in self.x and n not in old]
        self.program.at_most({self.x[n, s]: 1 for n in new}, 1, tag)
        movable = {self.x[n, s]: 1 for n in old if (n, s) in self.x}
        fixed = sum(1 for n in old if (n, s) not in self.x)
        for n in new:
            if old:
                self.program.at_most({**movable, self.x[n, s]: len(old)}, len(old) - fixed, tag)

    def add_together(self) -> None:
        """policy.keep-together: members end on one server, unless none of them moves."""
        for group in self.site.policies.together:
            members = [n for n in group.members if n in self.site.start]
            if len(members) > 1:
                self._together(members, f"policy.keep-together:{group.name}")

    def _together(self, members: Sequence[str], tag: str) -> None:
        program, start = self.program, self.site.start
        joined = program.variable()
        if any(n in self.displaced for n in members):
            program.equals({joined: 1}, 1, tag)
        else:
            for n in members:
                if n in self.candidates.cost:
                    program.at_most({self.x[n, start[n]]: -1, joined: -1}, -1, tag)
        everywhere = sorted({start[n] for n in members} | set(self.survivors))
        first = members[0]
        for other in members[1:]:
            for s in everywhere:
                a, here_a = self._place(first, s)
                b, here_b = self._place(other, s)
                # a - b ≤ 1 - joined and b - a ≤ 1 - joined
                for plus, minus, constant in ((a, b, here_b - here_a), (b, a, here_a - here_b)):
                    terms = dict.fromkeys(plus, 1) | dict.fromkeys(minus, -1)
                    program.at_most(terms | {joined: 1}, 1 + constant, tag)

    def _place(self, name: str, server: str) -> tuple[list[int], int]:
        """An LPAR's variable on a server, or the constant that it is there."""
        if name in self.candidates.cost:
            return ([self.x[name, server]] if (name, server) in self.x else []), 0
        return [], int(self.site.start[name] == server)

    def add_cost(self) -> None:
        """The objective: total migration cost in ms."""
        self.program.minimise({self.x[n, s]: c for n, places in self.candidates.cost.items()
                               for s, c in places.items()})

    def forbid(self, placement: Mapping[str, str]) -> None:
        """Cut off every placement that agrees with this one on these LPARs."""
        if placement and all((n, s) in self.x for n, s in placement.items()):
            terms = {self.x[n, s]: 1 for n, s in placement.items()}
            self.program.at_most(terms, len(terms) - 1, "cut")

    def placement(self, solution: Solution) -> dict[str, str]:
        """LPAR → server of a solution, for the open LPARs."""
        return {n: s for (n, s), i in self.x.items() if solution.values[i] == 1}
