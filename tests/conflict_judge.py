"""Impossible goals on small random sites, and what a conflict names of them judged by brute force over placements.

What a server may hold is summed here from rows; of the planner take part the rules' own checks on single moves and what
an LPAR takes of a server, no program and no ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from random import Random
from typing import Any

from estates import estate, exactly, judged, lpar, policy, pool, server
from scarce import with_ports
from test_order_oracle import with_pools, with_slots, with_vnics

from planner.estate.model import Estate, Lpar
from planner.findings import errors
from planner.grouping import inverted
from planner.history.calendar import Bucket, DayKind
from planner.optimise import conflict as conflicts
from planner.optimise import consolidation as consolidations
from planner.optimise import headroom as headrooms
from planner.optimise.program import ONE_PLACE, Tag
from planner.plan.choices import By
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.rules import Judge, Site
from planner.rules.base import Scope, asked_rules, by_part, declared_uses

NOWHERE = ""
"""Stands for the place of an LPAR of which a conflict says nothing."""
Where = Mapping[str, str]
SCARCE: tuple[Callable[[Estate, int], Estate], ...] = (
    lambda of, seed: with_ports(of, Random(seed)), with_slots, with_pools, with_vnics)


@contextmanager
def tags_of_conflicts() -> Iterator[list[tuple[list[Tag], bool]]]:
    """What the deletion filter leaves of each conflict that is made meanwhile, and whether it had the time for all."""
    kept: list[tuple[list[Tag], bool]] = []
    real = conflicts.reduced

    def reduced(*given: Any) -> tuple[list[Tag], bool]:
        kept.append(real(*given))
        return kept[-1]

    modules = (conflicts, consolidations, headrooms)
    for module in modules:
        module.reduced = reduced  # type: ignore[attr-defined]
    try:
        yield kept
    finally:
        for module in modules:
            module.reduced = real  # type: ignore[attr-defined]


# ---- sites that are nearly too full ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drawn:
    """A site with what was used on it, hour by hour in thousandths of a core; None: no history."""

    estate: Estate
    rows: Mapping[str, Sequence[int]] | None


def drawn_site(seed: int) -> Drawn:
    """Two to four servers with little room on the others than A; policies; at times something else is scarce."""
    rng = Random(f"conflict {seed}")
    homes = "ABCD"[:rng.choice((2, 3, 3, 4))]
    lpars = [_lpar(rng, f"p{n}", "A" if n < 2 else rng.choice(homes)) for n in range(rng.choice((3, 4, 5, 6)))]
    tight = rng.random() < 0.6
    servers = [exactly(server(s), [p for p in lpars if p.server == s],
                       rng.choice((0, 0.5, 1, 1.5) if tight else (2, 3, 4)), rng.choice((1, 2, 4, 6) if tight else (6, 8, 12)))
               for s in homes]
    pools = [pool(s, 1, rng.choice((3, 4)), rng.choice((0, 0.5))) for s in homes if rng.random() < 0.25]
    of = estate(servers, lpars, [*_policies(rng, [p.name for p in lpars], homes)], pools=tuple(pools))
    if rng.random() < 0.4:
        of = rng.choice(SCARCE)(of, seed)
    rows = None if rng.random() < 0.5 else {
        p.name: [rng.choice((0, 5, 10, 15)) * p.entitlement_units for _ in range(3)] for p in of.lpars}
    return Drawn(of, rows)


def _lpar(rng: Random, name: str, home: str) -> Lpar:
    more: dict[str, Any] = {"pool_id": 1} if rng.random() < 0.4 else {}
    if rng.random() < 0.05:
        more["rmc_active"] = False
    return lpar(name, home, rng.choice((0.5, 1, 1.5)), rng.choice((2, 3, 4)), max_memory_mib=6144,
                environment=rng.choice(("non-production", "non-production", "production")), **more)


def _policies(rng: Random, names: Sequence[str], homes: str) -> Iterator[Any]:
    for number in range(rng.choice((0, 1, 1, 2))):
        kind = rng.choice(("keep-apart", "keep-together", "cluster", "pin", "fence", "memory-ceiling", "reserve-cores"))
        if kind in ("keep-apart", "keep-together", "cluster"):
            yield policy(kind, f"group {number}", "; ".join(rng.sample(list(names), rng.choice((2, 2, 3)))))
        elif kind in ("memory-ceiling", "reserve-cores"):
            yield policy(kind, rng.choice(homes), "80" if kind == "memory-ceiling" else "0.5")
        else:
            yield policy(kind, rng.choice(names), *(["; ".join(sorted({"A", rng.choice(homes)}))] if kind == "fence" else []))


def freed(seed: int, of: Estate) -> Evacuate:
    rng, names = Random(f"freed {seed}"), [s.name for s in of.servers]
    return Evacuate(servers=("A",) if len(names) < 4 or rng.random() < 0.6 else ("A", "B"), come_back=rng.random() < 0.4)


def headroom_on_a(seed: int, of: Estate, *, measured: bool) -> Headroom:
    """Much of A, by what is entitled, used or both; in an hour or in all; some LPARs are critical."""
    rng = Random(f"headroom {seed}")
    here = [p for p in of.lpars if p.server == "A"]
    least = next(s.configurable_units for s in of.servers if s.name == "A") - sum(v.entitlement_units for v in of.vioses if v.server == "A")
    return Headroom(server="A", units=rng.choice((0, *(max(50, least - n) for n in (0, 50, 100, 150)))),
                    memory_mib=1024 * rng.choice((0, 4, 6, 10, 14)) or 1024, by=rng.choice(list(By)) if measured else By.ENTITLEMENT,
                    critical=tuple(p.name for p in here if rng.random() < 0.2), come_back=rng.random() < 0.4,
                    hours=frozenset((Bucket(DayKind.MONTH_END, 1),)) if measured and rng.random() < 0.5 else None)


# ---- what is judged ----------------------------------------------------------------------------------------------


@dataclass
class Case:
    """A goal on a site. ``must``: LPARs that have to leave; ``places``: where each that may move may end."""

    site: Site
    judge: Judge
    must: Collection[str]
    places: Mapping[str, Sequence[str]]
    asked: Headroom | None = None
    come_back: bool = False
    fixed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fixed = {n: s for n, s in self.site.start.items() if n not in self.places}
        self.broken_on = cache(lambda server, names: frozenset(self._broken_on(server, names)))
        self.asked_ids = {r.id for r in asked_rules(Scope.SERVER, self.site)}

    @cached_property
    def lawful(self) -> list[Where]:
        """All placements of all LPARs that break nothing."""
        return [dict(zip(self.places, chosen, strict=True)) for chosen in product(*self.places.values())
                if not self.broken(dict(zip(self.places, chosen, strict=True)))]

    def without(self, tags: Collection[Tag], off: Tag | None = None) -> bool:
        """Whether a placement breaks none of these rows but one; LPARs without a row may be nowhere."""
        kept = {t for t in tags if t != off}
        named = {t.subject for t in kept if t.rule == ONE_PLACE}
        choices = [self.places[n] if n in named else (*self.places[n], NOWHERE) for n in self.places]
        return any(not kept & self.broken(dict(zip(self.places, chosen, strict=True))) for chosen in product(*choices))

    def broken(self, where: Where) -> frozenset[Tag]:
        """The rows that a placement breaks."""
        there = inverted((n, s) for n, s in sorted({**self.fixed, **where}.items()) if s != NOWHERE)
        found = set[Tag]().union(*(self.broken_on(s, tuple(there.get(s, ()))) for s in self.site.servers))
        return frozenset(found | set(self._groups({**self.fixed, **where})))

    def _groups(self, where: Where) -> Iterator[Tag]:
        start, policies = self.site.start, self.site.policies
        for rule, group in policies.kept_apart():
            here = [(a, b) for a in group.members for b in group.members if a < b and where.get(a) and where.get(a) == where.get(b)]
            if any(not start[a] == start[b] == where[a] for a, b in here):
                yield Tag(rule, group.name)
        for group in policies.together:
            members = [n for n in group.members if n in start]
            moved = any(n in self.must or where[n] != start[n] for n in members)
            if len(members) > 1 and moved and len({where[n] for n in members}) > 1:
                yield Tag("policy.keep-together", group.name)

    def _broken_on(self, server: str, names: Sequence[str]) -> Iterator[Tag]:
        site, asked = self.site, self.asked if self.asked and self.asked.server == server else None
        base, limit, here = site.base(server), site.limit(server), site.residents(server)
        wanted = {"processor.capacity": asked.units if asked and asked.by is not By.USAGE else 0,
                  "memory.capacity": -(-asked.memory_mib // 256) * 256 if asked else 0}
        counted: list[tuple[Tag, int, Callable[[str], int]]] = [
            (Tag("processor.capacity", server), limit.units - base.units, lambda n: site.held(n, server).units),
            (Tag("memory.capacity", server), limit.memory_mib - base.memory_mib, lambda n: site.held(n, server).memory_mib)]
        counted += [(Tag("processor.pool", server, str(k)), p.max_units - p.reserved_units, lambda n, k=k: site.held(n, server).units
                     if site.pool_on(n, server) == k else 0) for k, p in site.pools.get(server, {}).items() if p.max_units is not None]
        counted += [(Tag(rule.id, server, part), most, lambda n, use=use, part=part: site.taken(use.by, n, server).get(part, 0))
                    for rule, use in declared_uses() for part, most in by_part(use.most(site, server)).items()]
        for tag, most, of in counted:
            more = wanted.get(tag.rule, 0)
            room = most - more if more else max(most, sum(map(of, here)))
            if sum(map(of, names)) > room:
                yield tag
        told = errors((*self.judge.server(server, names), *self.judge.settled(server, names)))
        yield from (Tag(f.rule, server) for f in told if f.rule in self.asked_ids)
        if site.usage is not None:
            yield from self._overused(server, names, asked)
        if asked and asked.units:
            yield from self._pools_of_critical(server, names, asked)

    def _used(self, names: Sequence[str], pool_id: int | None = None, server: str = "") -> list[int]:
        usage = self.site.usage
        assert usage is not None
        total = [0] * len(usage.starts) if pool_id is not None else [
            sum(10 * v.entitlement_units for v in self.site.vioses_on(server))] * len(usage.starts)
        for n in names:
            if pool_id is None or self.site.pool_on(n, server) == pool_id:
                total = [a + int(b) for a, b in zip(total, usage.physc[usage.names.index(n)], strict=True)]
        return total

    def _needed(self, asked: Headroom) -> Collection[int]:
        """The slots in which headroom is needed: one an hour, of a day at the end of a month."""
        assert self.site.usage is not None
        return range(len(self.site.usage.starts)) if asked.hours is None else [b.hour for b in asked.hours]

    def _overused(self, server: str, names: Sequence[str], asked: Headroom | None) -> Iterator[Tag]:
        site = self.site
        for k, units in ((None, site.limit(server).units), *((k, p.max_units) for k, p in site.pools.get(server, {}).items()
                                                            if p.max_units is not None)):
            more = 10 * asked.units if asked and k is None and asked.by is not By.ENTITLEMENT else 0
            before, then = self._used(site.residents(server), k, server), self._used(names, k, server)
            needed = self._needed(asked) if more else ()
            if any(u > (10 * units - more if at in needed else max(10 * units, b))
                   for at, (u, b) in enumerate(zip(then, before, strict=True))):
                yield Tag("processor.usage", server) if k is None else Tag("processor.pool-usage", server, str(k))

    def _pools_of_critical(self, server: str, names: Sequence[str], asked: Headroom) -> Iterator[Tag]:
        site = self.site
        pools = sorted({site.pool_on(n, server) for n in asked.critical if site.start.get(n) == server} or {0}, key=str)
        rows = [site.pools.get(server, {}).get(k) for k in pools]
        if None in pools or any(row is None or row.max_units is None for row in rows):
            return
        if asked.by is not By.USAGE and sum(p.max_units - p.reserved_units - sum(  # type: ignore[union-attr,operator]
                site.held(n, server).units for n in names if site.pool_on(n, server) == k)
                for k, p in zip(pools, rows, strict=True)) < asked.units:
            yield Tag("headroom.pool", server)
        if asked.by is not By.ENTITLEMENT and site.usage is not None:
            total = [sum(u) for u in zip(*(self._used(names, k, server) for k in pools), strict=True)]
            if max(total[at] for at in self._needed(asked)) + 10 * asked.units > sum(10 * p.max_units for p in rows):  # type: ignore[union-attr,operator]
                yield Tag("headroom.pool-usage", server)


def case_of(site: Site, judge: Judge, goal: Evacuate | Headroom | Consolidate) -> Case:
    """What is judged of a goal."""
    freed_servers = goal.servers if isinstance(goal, Evacuate) else ()
    must = [n for n, s in sorted(site.start.items()) if s in freed_servers]
    critical = goal.critical if isinstance(goal, Headroom) else ()
    places = {}
    for n, home in sorted(site.start.items()):
        there = [s for s in judge.targets(n) if s not in freed_servers and (not goal.come_back or judge.allowed(n, s, home))]
        leaves = isinstance(goal, Headroom) and home == goal.server
        if n in must or ((there or leaves) and n not in critical):
            places[n] = there if n in must else [home, *there]
    return Case(site, judge, must, places, goal if isinstance(goal, Headroom) else None, goal.come_back)


def judged_site(of: Drawn) -> tuple[Site, Judge]:
    return judged(of.estate, of.rows)
