"""Whether any order of moves leads where a question wants it: every state of a small part of a site.

A state is where each LPAR of the part is. From one to the next one LPAR moves and holds both servers meanwhile, where
the rules on single moves allow it and what is used up suffices; moves that fly together are allowed nothing more, since
who starts beside the departure of another fits after it as well. Anybody who may be moved may be parked anywhere.
Virtual ports and slots are counted as if every adapter could choose anew, and rules that are asked are left out: that a
state is reached here proves nothing, that none is reached which is wanted proves that there is no order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from planner.findings import errors
from planner.grouping import linked
from planner.rules import Judge, Site
from planner.rules.ledger import Ledger

_WORK, _ALL_WORK = 600_000, 3_000_000
"""Moves that are looked at in one search, and in all searches of a proof: bounds by work, not by the clock."""

Places = tuple[str, ...]
Keeps = tuple[str, str, str]
"""What keeps an LPAR from going somewhere: the id of a rule; server or group; part of the server."""
Reached = Callable[[Mapping[str, str], Collection[str]], bool]
"""(LPAR → server, those of whom it is asked) → whether everything else that is wanted is so."""


def _nothing_else(where: Mapping[str, str], asked: Collection[str]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Aim:
    """What moves are to reach: those who ``must`` leave the ``freed`` servers, or are asked for by ``reached``; who is
    ``unmoved`` does not move at all; ``about``: the servers that it is about beside those."""

    must: Collection[str] = ()
    freed: Collection[str] = ()
    unmoved: Collection[str] = ()
    about: Collection[str] = ()
    reached: Reached = _nothing_else
    come_back: bool = False


@dataclass(frozen=True, slots=True)
class NoOrder:
    """The proof that no order leads there: those of ``lpars`` cannot all leave (or come home: ``back``) while ``keeps``
    hold, whatever else; ``states``: so many can be reached. ``irreducible``: without any one of them an order exists,
    as far as is counted here."""

    lpars: tuple[str, ...]
    keeps: tuple[Keeps, ...]
    states: int
    back: bool
    irreducible: bool


@dataclass
class _StateSearch:
    """One search: what kept somebody from moving, how many states there are, and those that were wanted."""

    blocked: set[Keeps] = field(default_factory=set)
    seen: set[Places] = field(default_factory=set)
    wanted: list[Places] = field(default_factory=list)
    work: int = 0
    complete: bool = True


def no_order(site: Site, judge: Judge, aim: Aim) -> NoOrder | None:
    """The proof that no order of moves reaches the aim, and where everybody comes back home again; None where there is
    none. A part of the site is enough for it."""
    for servers in _parts(site, judge, {*(site.start[n] for n in aim.must), *aim.freed, *aim.about}):
        proof = _ClosedPart(site, judge, servers, aim).proof()
        if proof:
            return proof
    return None


def _parts(site: Site, judge: Judge, concerned: Collection[str]) -> Iterator[list[str]]:
    """Servers between which LPARs can move, of those parts that are concerned."""
    near = ((s, *(site.servers if (there := judge.near(n)) is None else sorted(there))) for n, s in site.start.items())
    yield from (part for part in linked(list(site.servers), near) if not set(concerned).isdisjoint(part))


def _open(judge: Judge, lpar: str, source: str, target: str) -> bool:
    """Whether no rule forbids a move by facts that are stated."""
    return all(f.unstated for f in errors((*judge.readiness(lpar), *judge.move(lpar, source, target))))


def _ready(judge: Judge, lpar: str) -> bool:
    """The same of moving it at all."""
    return all(f.unstated for f in errors(judge.readiness(lpar)))


def _kept_from(site: Site, lpar: str) -> Iterator[tuple[str, str, str]]:
    """Rule, group and member of all from which an LPAR is kept apart."""
    for rule, group in site.policies.kept_apart():
        yield from ((rule, group.name, n) for n in group.members if lpar in group.members and lpar != n in site.start)


class _ClosedPart:
    """Some servers, and who may move among them."""

    def __init__(self, site: Site, judge: Judge, servers: Sequence[str], aim: Aim) -> None:
        self.site, self.judge, self.servers, self.aim = site, judge, servers, aim
        self.pool = [n for n, s in sorted(site.start.items())
                     if s in servers and n not in aim.unmoved and _ready(judge, n)]
        self.must, self.work = [n for n in self.pool if n in aim.must], 0
        inside = {*self.pool}
        self.others = {n: s for n, s in site.start.items() if n not in inside}
        ledger = Ledger(site, self.others)
        self.keeps: list[Keeps] = [ledger.named(k) for k in range(ledger.size)]
        self.left = [ledger.spare(k) for k in range(ledger.size)]
        self.needs = {(n, s): ledger.needs(n, s) for n in self.pool for s in servers}
        self.apart = {n: [*_kept_from(site, n)] for n in self.pool}
        self.origin = tuple(site.start[n] for n in self.pool)
        self.home = tuple(site.homes.get(n, site.start[n]) for n in self.pool)

    def proof(self) -> NoOrder | None:
        """That nothing wanted is reached, with as little as is needed for that."""
        first, back = self._tried(set(), set(self.must))
        if first is None or first.wanted:
            return None
        kept, lpars, complete = set(first.blocked), set(self.must), True
        for keep in sorted(kept):
            again, _ = self._tried(kept - {keep}, lpars, all_kept=False)
            if again is not None and not again.wanted:
                kept.discard(keep)
            complete = complete and again is not None
        for name in self.must if len(self.must) > 1 else ():
            again, _ = self._tried(kept, lpars - {name}, all_kept=False)
            if again is not None and not again.wanted:
                lpars.discard(name)
            complete = complete and again is not None
        return NoOrder(tuple(sorted(lpars)), tuple(sorted(kept)), len(first.seen), back, complete)

    def _tried(self, kept: set[Keeps], must: set[str], *, all_kept: bool = True) -> tuple[_StateSearch | None, bool]:
        """The search of the way out, or where that leads somewhere of the way home, and whether it is that; None where
        it was not ended. Only what is ``kept`` counts, unless all is."""
        aim = self.aim
        names = [n for n in self.pool if n in must or self.site.start[n] not in aim.freed]

        def there(where: dict[str, str]) -> bool:
            return all(where[n] not in aim.freed for n in names) and aim.reached(self.others | where, must)

        def at_home(where: dict[str, str]) -> bool:
            return all(where[n] == h for n, h in zip(self.pool, self.home, strict=True)
                       if n in must or n not in self.must)

        only = None if all_kept else kept
        out = self._search(self.judge, [self.origin], there, only, every=aim.come_back)
        if not out.complete:
            return None, False
        if not (out.wanted and aim.come_back):
            return out, False
        back = self._search(self.judge.homeward, out.wanted, at_home, only, every=False)
        back.blocked |= out.blocked
        return (back if back.complete else None), True

    def _search(self, judge: Judge, origins: Sequence[Places], wanted: Callable[[dict[str, str]], bool],
                only: set[Keeps] | None, *, every: bool) -> _StateSearch:
        """All states, one after the other, until one is wanted, or ``every`` one of these."""
        found, ways = _StateSearch(seen={*origins}), dict[tuple[str, str], list[str]]()
        counted = [only is None or keep in only for keep in self.keeps]
        stack = list(origins)
        while stack:
            places = stack.pop()
            where = dict(zip(self.pool, places, strict=True))
            if wanted(where):
                found.wanted.append(places)
                if not every:
                    break
            found.work += len(self.pool) * len(self.servers)
            if found.work > _WORK or self.work + found.work > _ALL_WORK:
                found.complete = False
                break
            left = self.left.copy()
            for pair in where.items():
                for k, amount in self.needs[pair]:
                    left[k] -= amount
            for i, name in enumerate(self.pool):
                here = name, places[i]
                if here not in ways:
                    ways[here] = [s for s in self.servers if s != places[i] and _open(judge, name, places[i], s)]
                for target in ways[here]:
                    after = (*places[:i], target, *places[i + 1:])
                    if after not in found.seen and self._fits(name, target, left, counted, where, only, found.blocked):
                        found.seen.add(after)
                        stack.append(after)
        self.work += found.work
        return found

    def _fits(self, name: str, target: str, left: Sequence[int], counted: Sequence[bool], where: Mapping[str, str],
              only: set[Keeps] | None, blocked: set[Keeps]) -> bool:
        """Whether it may arrive there now; what keeps it from that is ``blocked``."""
        over = [self.keeps[k] for k, amount in self.needs[name, target] if amount > left[k] and counted[k]]
        over += [(rule, group, "") for rule, group, other in self.apart[name]
                 if (where.get(other) or self.others.get(other)) == target
                 and (only is None or (rule, group, "") in only) and not self.site.may_share(name, other, target)]
        if over and blocked.isdisjoint(over):
            blocked.add(over[0])
        return not over
