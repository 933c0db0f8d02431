"""What a rule is: one sentence, a check that knows no solver, on what it binds, and how the programs keep it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from inspect import signature
from typing import Any, TypeVar

from planner.estate.capacity import Demand
from planner.estate.changes import Exempt, PutRow, Repair
from planner.estate.model import Policy
from planner.findings import Finding, Severity


class Scope(StrEnum):
    """What a check looks at."""

    LPAR = "lpar"
    """check(site, lpar): may it be moved at all"""
    MOVE = "move"
    """check(site, lpar, source, target): may it go from here to there"""
    SERVER = "server"
    """check(site, server, holders): does the server carry these LPARs"""
    GROUP = "group"
    """check(site, where): do these places (LPAR → servers that it holds) agree with the groups"""
    RESTART = "restart"
    """check(site, where, off, restart): may any one server fail after the plan (where: LPAR → server)"""
    FLIGHT = "flight"
    """check(site, moves, window): do the times of a plan's moves agree with limits and clocks"""


class Hold(StrEnum):
    """When a rule must hold (BtrPlace's discrete and continuous)."""

    END = "at the end"
    ALWAYS = "at every moment"


class On(StrEnum):
    """What brings an LPAR to another server."""

    LIVE = "live move"
    FAILOVER = "failover"
    """started there as it is, because its server failed"""
    RESTART = "restart"
    """stopped here and activated there on purpose, where its size and mode may change"""
    WORK = "restart before work"
    """the same before people have changed the LPAR's adapters or disks"""
    INACTIVE = "inactive migration"
    """migrated while it is not activated: no memory is copied, no mover carries it"""


MOVES = frozenset({On.LIVE})
"""A condition of live moves alone."""
MIGRATIONS = frozenset({On.LIVE, On.INACTIVE})
"""A condition of every migration, whether the LPAR runs or not."""
AS_IT_IS = frozenset({On.LIVE, On.FAILOVER, On.INACTIVE})
"""Binds an LPAR as it is; a planned restart changes that."""
UNTIL_WORK = frozenset({On.LIVE, On.FAILOVER, On.WORK})
"""A planned restart gets round it only after work on the LPAR."""
ANYHOW = frozenset({On.LIVE, On.FAILOVER, On.RESTART, On.INACTIVE})
"""However it gets there."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A breach of a rule: what is wrong and what would mend it. ``severity`` overrides the rule's own.

    See :func:`unknown` for what nobody states and is taken for granted; ``unstated``: see :func:`untold`.
    """

    message: str
    fix: str = ""
    severity: Severity | None = None
    subject: str = ""
    unstated: bool = False


def unknown(message: str, settle: str) -> Breach:
    """What nobody states and is taken for granted, with the command that settles it."""
    return Breach(message, settle, Severity.ASSUMPTION)


def untold(message: str, give: str) -> Breach:
    """What nobody states and cannot be planned without, with what has to be exported: a refusal, but no proof."""
    return Breach(message, give, unstated=True)


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """Something of a server that LPARs use up, in whole numbers.

    ``what``: what it is, for a person; ``by`` (site, lpar, server): what an LPAR takes there; ``most`` (site, server):
    what all may take, None: no limit; both by part of the server where it has several. A server that is over at the
    start does not rise.
    """

    what: str
    by: Callable[[Any, str, str], int | Mapping[str, int]]
    most: Callable[[Any, str], int | Mapping[str, int] | None]
    rare: bool = False
    """It seldom lacks: rows that nothing can break are left out of the programs."""

    def kept(self, site: Any, server: str, holders: Collection[str]) -> bool:
        """Whether these LPARs take no more than all may, whatever was taken at the start."""
        left = dict(by_part(self.most(site, server)))
        for n in holders if left else ():
            for part, amount in site.taken(self.by, n, server).items():
                left[part] -= amount
        return min(left.values(), default=0) >= 0

    def over(self, site: Any, server: str, holders: Collection[str]) -> tuple[int, int] | None:
        """(what these LPARs take, the most there is) where that is too much."""
        return next(((held, most) for _, held, most in self.parts_over(site, server, holders)), None)

    def parts_over(self, site: Any, server: str, holders: Collection[str]) -> Iterator[tuple[str, int, int]]:
        """The same with the part before it, of each part where it is too much."""
        most = by_part(self.most(site, server))
        if most:
            held, at_start = (Counter[str]() for _ in range(2))
            for names, into in ((holders, held), (site.residents(server), at_start)):
                for n in names:
                    into.update(site.taken(self.by, n, server))
            for part, limit in most.items():
                if held[part] > max(limit, at_start[part]):
                    yield part, held[part], limit


Alternatives = Collection[tuple[Repair, ...]]
"""Sets of changes of which each lifts a refusal alone."""
Lifts = Callable[..., Iterable[Alternatives]]
"""(site, lpar) of an LPAR rule, (site, lpar, source, target) of a MOVE rule, (site, name) of a rule on groups: what
lifts its refusal, of each of these one."""


def any_of(*changes: Repair) -> list[tuple[Repair, ...]]:
    """Alternatives of one change each."""
    return [(c,) for c in changes]


def fewer_paths(lpar: str) -> Repair:
    """That an LPAR stands on fewer paths than where it came from is accepted."""
    return Repair("redundancy", lpar, f"accept that {lpar} has fewer paths in the meantime (policy redundancy "
                  "if-possible)", (Exempt("redundancy", lpar), PutRow("policies", Policy(
                      "redundancy", lpar, "if-possible"))))


def kept_by_rows(site: Any, lpar: str, source: str, target: str) -> Iterable[Alternatives]:
    """Nothing needs to be lifted: rows of the program count the same, with what is bought."""
    return ()


@dataclass(frozen=True, slots=True)
class Relief:
    """What gives a server more of something: ``change`` (so many), by part what each gives, the ``most`` of them."""

    change: Callable[[int], Repair]
    gives: Mapping[str, int]
    most: int = 1


Reliefs = Callable[[Any, str], Iterable[Relief]]
"""(site, server) → what gives it more of what a SERVER rule counts."""


WHOLE = ""
"""The part of a server that is the server itself."""


def by_part(amount: int | Mapping[str, int] | None) -> Mapping[str, int]:
    """Part of a server → so much of it."""
    return {} if amount is None else {WHOLE: amount} if isinstance(amount, int) else amount


PRUNES = "prunes the candidate before the program is built"
ROWS = "a row per server in the program; every wave checked with both sides held"
ASKED = "what it refuses of an answer is cut off and the program solved again; asked again when an LPAR arrives"
"""For a rule that more LPARs never mend: no line in the optimiser. On a server, LPARs that stood together at the start
may; a rule on groups that forgives the start says so in its check, or holds at the end alone."""


@cache
def _third_parameter(check: Callable[..., object]) -> str:
    """Its name: asked of every rule on moves for every site, and slow to find out."""
    return [*signature(check).parameters][2]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``binds``: on what it binds; ``source``: where it comes from; ``encoding``: how the programs keep it.

    ``own_rows``: they write rows for it alone. ``use``: what a SERVER rule counts. ``fits`` (site, demand, target): a
    MOVE rule that looks at nothing of the LPAR but its size. ``lasting``: it is of the two servers and the LPAR, not of
    what people want at the moment. ``shape`` (site, lpar) gives all that a MOVE rule looks at in the LPAR: LPARs of one
    shape get one answer for the same two servers, of a rule that is ``sourceless`` for the same target. None: it looks
    at the LPAR itself. ``concerns`` (site): it may have something to say there. ``enough``: while this is kept, a
    SERVER rule has nothing to say. ``lifts``: the changes that lift its refusals, None: none that is known; ``relief``:
    those that give a server more of what it counts.
    ``reads``: what of the estate a refusal rests on (:func:`planner.rules.facts.facts_of`).
    """

    id: str
    sentence: str
    scope: Scope
    severity: Severity
    hold: Hold
    binds: frozenset[On]
    encoding: str
    source: str
    check: Callable[..., Iterator[Breach]]
    own_rows: bool = False
    use: Use | None = None
    fits: Callable[[Any, Demand, str], bool] | None = None
    lasting: bool = True
    shape: Callable[[Any, str], Hashable] | None = None
    concerns: Callable[[Any], bool] | None = None
    enough: Use | None = None
    lifts: Lifts | None = None
    relief: Reliefs | None = None
    reads: tuple[str, ...] = ()

    @property
    def sourceless(self) -> bool:
        """Whether a MOVE rule looks at nothing of where an LPAR comes from: its check calls that ``_source``."""
        return _third_parameter(self.check) == "_source"

    def may_speak(self, site: Any) -> bool:
        """Whether it may have something to say on a site."""
        return self.concerns is None or self.concerns(site)

    def findings(self, subject: str, site: Any, *arguments: Any) -> list[Finding]:
        """The breaches as findings about ``subject``."""
        return [self.finding(b, subject, site) for b in self.check(site, *arguments)]

    def finding(self, b: Breach, subject: str, site: Any) -> Finding:
        """A breach as a finding; what would be assumed is an error on a site where nothing may be, and no proof."""
        severity = b.severity or self.severity
        refused = severity is Severity.ASSUMPTION and site.assume_nothing
        return Finding(self.id, Severity.ERROR if refused else severity, b.subject or subject, b.message, b.fix,
                       unstated=b.unstated or refused)


REGISTRY: dict[str, Rule] = {}


def of_scope(*scopes: Scope) -> list[Rule]:
    """The rules of these scopes in the order of their ids."""
    return [REGISTRY[i] for i in sorted(REGISTRY) if REGISTRY[i].scope in scopes]


def declared_uses() -> list[tuple[Rule, Use]]:
    """The rules that say what of a server is used up: the programs and the schedule count it."""
    return [(r, r.use) for r in of_scope(Scope.SERVER) if r.use is not None]


def asked_rules(scope: Scope, site: Any = None) -> list[Rule]:
    """The rules that the programs keep by asking them; of a ``site`` those that concern it."""
    return [r for r in of_scope(scope) if r.encoding == ASKED and (site is None or r.may_speak(site))]


S = TypeVar("S", bound=Callable[..., Hashable])
NAMELESS: set[Callable[..., Hashable]] = set()
"""Shapes of rules whose words name nothing of an LPAR but what its shape holds: those of one are those of all alike."""


def nameless(shape: S) -> S:
    """A shape that is one of ``NAMELESS``."""
    NAMELESS.add(shape)
    return shape


@nameless
def two_servers(site: Any, lpar: str) -> Hashable:
    """The shape of a rule that looks at source and target alone."""
    return ()


def _enforced(scope: Scope, encoding: str, rows: str, use: Use | None) -> bool:
    """Whether anything keeps a rule on servers or groups: rows of what it uses, asking, or rows of its own."""
    return (scope not in (Scope.SERVER, Scope.GROUP) or encoding == ASKED or bool(rows)
            or (use is not None and scope is Scope.SERVER))


def rule(id: str, sentence: str, scope: Scope, *, source: str, severity: Severity = Severity.ERROR,
         hold: Hold = Hold.ALWAYS, binds: frozenset[On] = MOVES, encoding: str = "", rows: str = "",
         use: Use | None = None, fits: Callable[[Any, Demand, str], bool] | None = None, lasting: bool = True,
         shape: Callable[[Any, str], Hashable] | None = None,
         concerns: Callable[[Any], bool] | None = None,
         enough: Use | None = None, lifts: Lifts | None = None, relief: Reliefs | None = None,
         reads: str = "") -> Callable[[Callable[..., Iterator[Breach]]], Rule]:
    """Register a check as a rule; raises ValueError when the id is taken or nothing says how the programs keep it.

    What looks at one LPAR prunes candidates, what declares a ``use`` becomes rows; everything else states its
    ``encoding``, on servers and groups ``ASKED``, or in ``rows`` which rows the programs write for it alone.
    """
    if id in REGISTRY:
        raise ValueError(f"rule {id} stands twice")
    coded = encoding or rows or (ROWS if use else PRUNES if scope in (Scope.LPAR, Scope.MOVE) else "")
    if not coded or (severity is Severity.ERROR and not _enforced(scope, coded, rows, use)):
        raise ValueError(f"rule {id}: say how the programs keep it: {'use=Use(…), or ' * (scope is not Scope.GROUP)}"
                         f"encoding=… (ASKED is always there)" + (f"; nothing keeps {coded[:60]!r}" if coded else ""))

    def register(check: Callable[..., Iterator[Breach]]) -> Rule:
        REGISTRY[id] = Rule(
            id, sentence, scope, severity=severity, hold=hold, binds=binds, encoding=coded, source=source, check=check,
            own_rows=bool(rows), use=use, fits=fits, lasting=lasting, shape=shape, concerns=concerns,
            enough=enough, lifts=lifts, relief=relief, reads=tuple(reads.split()))
        return REGISTRY[id]

    return register
