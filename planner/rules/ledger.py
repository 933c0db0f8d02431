"""What is used up on servers, and what of it is left: one ledger for optimiser and schedule. The replay has its own.

A :class:`Resource` is declared once; the rows of the programs, the counts here and the rows' tags follow from it. What
was there at the start is allowed: of a resource a server may hold its limit, or what it held at the start if that is
more; LPARs that are kept apart may stay together where they stood together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, product

from planner.estate.capacity import Demand
from planner.remember import remembered
from planner.rules.asking import may_arrive
from planner.rules.base import WHOLE, Hold, Scope, Use, by_part, declared_uses
from planner.rules.site import Site
from planner.units import show_cores, show_gib

Amounts = Mapping[str, int]
"""Part of a server → so much of it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that is used up. ``rule``: id of the rule that keeps it.

    ``takes`` (site, LPAR, server, size): what an LPAR of that size takes of the server's parts. ``limits`` (site,
    server): what LPARs may take of each part together, VIOSes and firmware deducted; a part that is not named has no
    limit. ``more`` (amount, server, part, site): how a person is told that so much is lacking. ``rare``: it seldom
    lacks, and rows that nothing can break are left out.
    """

    rule: str
    takes: Callable[[Site, str, str, Demand], Amounts]
    limits: Callable[[Site, str], Amounts]
    more: Callable[[int, str, str, Site], str]
    rare: bool = False


def _in_pool(site: Site, lpar: str, server: str, size: Demand) -> Amounts:
    pool = site.pool_on(lpar, server)
    return {} if pool is None else {str(pool): size.units}


def _pool_limits(site: Site, server: str) -> Amounts:
    limits = {str(pool): site.pool_limit(server, pool) for pool in site.pools.get(server, {})}
    return {pool: limit for pool, limit in limits.items() if limit is not None}


def pool_words(site: Site, server: str, part: str) -> str:
    """``POOL_DB (id 4)``; the id alone where it has no name."""
    pool = site.pools.get(server, {}).get(int(part)) if part.isdigit() else None
    return f"{pool.name} (id {part})" if pool and pool.name else part


PROCESSORS = Resource(
    "processor.capacity", lambda site, lpar, server, size: {WHOLE: size.units},
    lambda site, server: {WHOLE: site.room(server).units},
    lambda amount, server, part, site: f"{show_cores(amount)} more cores on {server}")
POOLS = Resource("processor.pool", _in_pool, _pool_limits,
                 lambda amount, server, part, site: f"{show_cores(amount)} more cores in pool "
                 f"{pool_words(site, server, part)} of {server}")
MEMORY = Resource(
    "memory.capacity", lambda site, lpar, server, size: {WHOLE: size.memory_mib},
    lambda site, server: {WHOLE: site.room(server).memory_mib},
    lambda amount, server, part, site: f"{show_gib(amount)} GiB more memory on {server}")


def resources() -> tuple[Resource, ...]:
    """Everything that is used up: these three, and what the rules declare."""
    return (PROCESSORS, POOLS, MEMORY, *(_declared(r.id, use) for r, use in declared_uses()))


def _declared(rule: str, use: Use) -> Resource:
    return Resource(rule, lambda site, lpar, server, size: site.taken(use.by, lpar, server),
                    lambda site, server: by_part(use.most(site, server)),
                    lambda amount, server, part, _: f"{amount} more {_so_many(use.what, amount)} on {server}" + (
                        part and f" ({part})"), use.rare)


def _so_many(what: str, amount: int) -> str:
    """``paging devices`` in the singular for one."""
    return what.removesuffix("s") if amount == 1 and what.endswith("s") else what


RESOURCES: tuple[Resource, ...] = resources()


def takes(site: Site, resource: Resource, lpar: str, server: str) -> Amounts:
    """What an LPAR takes of a resource on a server in its size of today."""
    return resource.takes(site, lpar, server, site.held(lpar, server))


def allowed(site: Site, resource: Resource, server: str) -> Amounts:
    """What LPARs may take of a server: the limit of each part, or what was taken at the start if that is more."""
    return _rules_of(site).allowed(resource, server)


def taken_together(site: Site, lpars: Sequence[str], server: str) -> dict[str, dict[str, int]]:
    """Rule → part → what these LPARs take of a server of what has a limit there, in their sizes of today."""
    rules, taken = _rules_of(site), dict[str, dict[str, int]]()
    for number, amount in (need for n in lpars for need in rules.needs(n, server)):
        rule, _, part = rules.names[number]
        of = taken.setdefault(rule, {})
        of[part] = of.get(part, 0) + amount
    return taken


def of_whole_servers(site: Site) -> list[Resource]:
    """The resources that every server has as a whole."""
    return [r for r in RESOURCES if all(WHOLE in allowed(site, r, s) for s in site.servers)]


class _Rules:
    """What never changes of a site's ledgers."""

    def __init__(self, site: Site) -> None:
        self.site, self.resources = site, RESOURCES
        self.number: dict[tuple[str, str, str], int] = {}
        self.most: list[int] = []
        self.counted: dict[str, list[tuple[Resource, dict[str, int]]]] = {s: [] for s in site.servers}
        """Server → what has limits there, with the number of the count of each part."""
        for s, r in product(site.servers, RESOURCES):
            limits = r.limits(site, s)
            if limits:
                numbers = dict(zip(limits, count(len(self.most)), strict=False))
                self.number |= {(r.rule, s, part): number for part, number in numbers.items()}
                self.most += limits.values()
                self.counted[s].append((r, numbers))
        self.whole = {s: (self.number[PROCESSORS.rule, s, WHOLE], self.number[MEMORY.rule, s, WHOLE])
                      for s in site.servers}
        """Server → the numbers of the counts of its cores and its memory."""
        self.others: dict[str, set[str]] = {}
        for _, group in site.policies.kept_apart():
            for n in group.members:
                self.others.setdefault(n, set()).update(set(group.members) - {n})
        self.names = [*self.number]
        """The id of the rule that keeps each count, the server, and its part."""
        self._ask()
        self._stand()

    @remembered
    def allowed(self, resource: Resource, server: str) -> Amounts:
        """Part of a server → what LPARs may take of it."""
        numbers = next((numbers for r, numbers in self.counted.get(server, ()) if r.rule == resource.rule), {})
        return {part: self.most[number] for part, number in numbers.items()}

    def _ask(self) -> None:
        """What is asked when an LPAR arrives, and what spares asking."""
        site = self.site
        of_server, self.of_groups = ([r for r in site.asked(scope) if r.hold is Hold.ALWAYS]
                                     for scope in (Scope.SERVER, Scope.GROUP))
        self.of_server = {False: of_server, True: [r for r in of_server if r.enough is None]}
        """Rules that are asked when an LPAR arrives on a server; and there is enough of what spares asking."""
        self.asks = bool(of_server or self.of_groups)
        self.room: list[int] = []
        self.sparing: list[tuple[Use, dict[str, dict[str, int]]]] = []
        """What spares asking while it is enough: server → part → number of its count in ``room``."""
        for use in dict.fromkeys(r.enough for r in of_server if r.enough is not None):
            parts = {s: by_part(use.most(site, s)) for s in site.servers}
            at = count(len(self.room))
            self.sparing.append((use, {s: dict(zip(parts[s], at, strict=False)) for s in site.servers}))
            self.room += [most for s in site.servers for most in parts[s].values()]

    def _stand(self) -> None:
        """What is there at the start: what is left of each count, and of ``room``; who is kept apart or asked about."""
        self.left, self.spare = [0] * len(self.most), self.room.copy()
        stands = ((n, s) for s in self.site.servers for n in self.site.residents(s))
        for n, s in stands:
            for number, amount in self.needs(n, s):
                self.left[number] -= amount
            for number, amount in self.most_taken(n, s) if self.sparing else ():
                self.spare[number] -= amount
        self.most = [max(most, -left) for most, left in zip(self.most, self.left, strict=True)]
        self.left = [most + left for most, left in zip(self.most, self.left, strict=True)]
        self.members = {s: frozenset(n for n in self.site.residents(s) if self.asks or n in self.others)
                        for s in self.site.servers}

    @remembered
    def needs(self, lpar: str, server: str) -> tuple[tuple[int, int], ...]:
        """(number of a count, amount) of all that an LPAR takes there of what has a limit."""
        site, size = self.site, self.site.held(lpar, server)
        return tuple([(numbers[part], amount) for r, numbers in self.counted[server]
                      for part, amount in r.takes(site, lpar, server, size).items() if part in numbers])

    @remembered
    def most_taken(self, lpar: str, server: str) -> tuple[tuple[int, int], ...]:
        """(number of a count in ``room``, amount) of all that an LPAR may take there of what spares asking."""
        return tuple((number, self.site.taken(use.by, lpar, server).get(part, 0)) for use, numbers in self.sparing
                     for part, number in numbers[server].items())


def _rules_of(site: Site) -> _Rules:
    known = site.ledger
    if not isinstance(known, _Rules) or known.resources is not RESOURCES:
        known = site.ledger = _Rules(site)
    return known


class Ledger:
    """What every server has left, kept up to date as LPARs arrive and leave; both sides hold while a move flies."""

    def __init__(self, site: Site, placement: Mapping[str, str]) -> None:
        self.site, self._rules = site, _rules_of(site)
        rules, start = self._rules, site.start
        stands = {n for n, _ in placement.items() & start.items()}
        mostly = 2 * len(stands) > len(start)  # from what stands at the start to what is asked for is less to count
        self._left, self._room = (rules.left.copy(), rules.spare.copy()) if mostly else (
            rules.most.copy(), rules.room.copy())
        self._members: dict[str, frozenset[str]] = dict(rules.members) if mostly else {}
        """Server → the LPARs there that are kept apart from some other; all of them when rules are asked."""
        for lpar in start.keys() - stands if mostly else ():
            self.leave(lpar, start[lpar])
        for lpar in placement.keys() - stands if mostly else placement:
            self.arrive(lpar, placement[lpar])

    def copy(self) -> Ledger:
        other = object.__new__(type(self))
        other.site, other._rules, other._left = self.site, self._rules, self._left.copy()
        other._room, other._members = self._room.copy(), self._members.copy()
        return other

    def left(self, resource: Resource, server: str, part: str = WHOLE) -> int:
        """What is left of a part that has a limit; less than nothing where too much is held."""
        return self._left[self._rules.number[resource.rule, server, part]]

    def free(self, server: str) -> tuple[int, int]:
        """The hundredths of a core and the MiB that are left."""
        cores, memory = self._rules.whole[server]
        return self._left[cores], self._left[memory]

    def has_room(self, lpar: str, server: str) -> bool:
        """Whether cores and memory are enough for it there: for most that does not fit they are not."""
        held, (cores, memory) = self.site.held(lpar, server), self.free(server)
        return held.units <= cores and held.memory_mib <= memory

    def needs(self, lpar: str, server: str) -> Sequence[tuple[int, int]]:
        """(number of a count, amount) of all that an LPAR takes there of what has a limit."""
        return self._rules.needs(lpar, server)

    @property
    def size(self) -> int:
        """How many counts there are."""
        return len(self._left)

    def spare(self, number: int) -> int:
        """What is left of a count; less than nothing where too much is held."""
        return self._left[number]

    def named(self, number: int) -> tuple[str, str, str]:
        """The id of the rule that keeps a count, the server, and its part."""
        return self._rules.names[number]

    def fits(self, lpar: str, server: str) -> bool:
        """Whether it may arrive there now, everything else staying."""
        if not self.has_room(lpar, server):
            return False
        left = self._left
        for number, amount in self._rules.needs(lpar, server):
            if amount > left[number]:
                return False
        others = self._rules.others.get(lpar)
        if others and self._clashes(lpar, others, server):
            return False
        return not self._rules.asks or self._rules_let(lpar, server)

    def _rules_let(self, lpar: str, server: str) -> bool:
        """Whether the rules that are asked let it arrive there."""
        rules, room = self._rules, self._room
        enough = bool(rules.sparing)
        for number, amount in rules.most_taken(lpar, server) if enough else ():
            enough = enough and amount <= room[number]
        of_server = rules.of_server[enough]
        return not (of_server or rules.of_groups) or may_arrive(
            self.site, lpar, server, self._members, of_server, rules.of_groups)

    def _clashes(self, lpar: str, others: set[str], server: str) -> bool:
        here = others & self._members.get(server, frozenset())
        return not all(self.site.may_share(lpar, n, server) for n in here)

    def arrive(self, lpar: str, server: str) -> None:
        for number, amount in self._rules.needs(lpar, server):
            self._left[number] -= amount
        if lpar in self._rules.others or self._rules.asks:
            self._members[server] = self._members.get(server, frozenset()) | {lpar}
            self._take(lpar, server, 1)

    def leave(self, lpar: str, server: str) -> None:
        for number, amount in self._rules.needs(lpar, server):
            self._left[number] += amount
        if lpar in self._rules.others or self._rules.asks:
            self._members[server] -= {lpar}
            self._take(lpar, server, -1)

    def _take(self, lpar: str, server: str, times: int) -> None:
        """So often, of what spares asking."""
        for number, amount in self._rules.most_taken(lpar, server) if self._rules.sparing else ():
            self._room[number] -= times * amount

    def move(self, lpar: str, source: str, target: str) -> None:
        """It has arrived there and left here."""
        self.arrive(lpar, target)
        self.leave(lpar, source)
