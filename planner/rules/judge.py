"""Asking the rules: is an LPAR ready, may it go there, does a placement hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from operator import itemgetter

from planner.estate.capacity import Demand
from planner.findings import Finding, Severity, assumed, errors
from planner.grouping import grouped, inverted
from planner.plan.plan import Move, Window
from planner.remember import remembered
from planner.rules.asking import stood_there
from planner.rules.base import MIGRATIONS, NAMELESS, REGISTRY, Breach, Hold, On, Rule, Scope, of_scope
from planner.rules.site import Site

Shape = Callable[[Site, str], Hashable]
_SOME, _HARDLY = 50, 3
"""Of so many LPARs of a site, shapes that take so few values are asked for as one."""


class Word(StrEnum):
    """Whether an LPAR may be moved."""

    READY = "ready"
    IF = "ready if"
    """Nothing forbids it, but something that nobody states is taken for granted."""
    NOT = "not ready"


@dataclass(frozen=True, slots=True)
class Readiness:
    """An LPAR's answer: where it may go; what is assumed there (of the target with least); what refuses it; what is
    to be looked at first (of the target with least), and what is to be known besides (likewise)."""

    answer: Word
    targets: tuple[str, ...] = ()
    assumptions: tuple[Finding, ...] = ()
    refusals: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


def _of(severity: Severity, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(f for f in findings if f.severity is severity)


class Judge:
    """The rules applied to one site; answers are kept."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._rules = {scope: of_scope(scope) for scope in Scope}
        self._move_rules = self._rules[Scope.MOVE]
        self._checks = [r.check for r in self._move_rules]
        self._own = {on: [n for n, r in enumerate(self._move_rules) if r.shape is None and on in r.binds]
                     for on in MIGRATIONS | {On.FAILOVER}}
        self._numbers: dict[tuple[On, bool, tuple[Shape, ...], Hashable], int] = {}
        self._shared: dict[tuple[str, str], dict[int, tuple[tuple[int, Breach], ...]]] = {}
        """(source, or "" for rules that do not look at it; target) → number of a shape → what the rules say that look
        at it."""
        self._last: dict[tuple[Hold, str], tuple[tuple[str, ...], tuple[Finding, ...]]] = {}

    def __reduce__(self) -> tuple[type[Judge], tuple[Site]]:
        """Made anew where it is sent to, as its site is."""
        return Judge, (self.site,)

    @cached_property
    def homeward(self) -> Judge:
        """The rules as they stand when LPARs come home, once the work is done."""
        return self if self.site.after_work is self.site else Judge(self.site.after_work)

    @remembered
    def readiness(self, lpar: str) -> tuple[Finding, ...]:
        """What the rules say of moving this LPAR anywhere."""
        site = self.site
        said = [(r, b) for r, check in self._of_lpars(site.migration(lpar)) for b in check(site, lpar)]
        return tuple(r.finding(b, lpar, site) for r, b in said)

    @remembered
    def _of_lpars(self, on: On) -> list[tuple[Rule, Callable[..., Iterable[Breach]]]]:
        """The rules on LPARs that bind there, with their checks."""
        return [(r, r.check) for r in self._rules[Scope.LPAR] if on in r.binds]

    @remembered
    def move(self, lpar: str, source: str, target: str) -> tuple[Finding, ...]:
        """What the rules say of this LPAR going from one server to another, readiness left out: those that bind on a
        live move, or on an inactive migration where it is not activated."""
        return self._found(self.site.migration(lpar), lpar, source, target)

    def barred(self, lpar: str, source: str, target: str, size: Demand) -> tuple[Finding, ...]:
        """What forbids even a planned restart on ``target``, in this size."""
        refusals = errors((*self.readiness(lpar), *self.move(lpar, source, target)))
        return tuple(f for f in refusals if On.RESTART in (rule := REGISTRY[f.rule]).binds
                     and not (rule.fits and rule.fits(self.site, size, target)))

    @remembered
    def restartable(self, lpar: str, source: str, target: str) -> bool:
        """No rule forbids starting an LPAR on ``target`` when ``source``, where it ran, is lost."""
        return (self.connected(lpar, target) and not self._unable(lpar)
                and not errors(self._found(On.FAILOVER, lpar, source, target)))

    @remembered
    def _unable(self, lpar: str) -> tuple[Finding, ...]:
        """What keeps an LPAR from being started on any other server."""
        return tuple(f for r in self._rules[Scope.LPAR] if On.FAILOVER in r.binds
                     for f in errors(r.findings(lpar, self.site, lpar)))

    def restart_refusals(self, lpar: str, source: str, target: str) -> list[Finding]:
        """Why an LPAR that ran on ``source`` cannot be started on ``target`` when ``source`` is lost."""
        moving = errors(self._found(On.FAILOVER, lpar, source, target))
        return sorted((*self._unable(lpar), *moving), key=lambda f: f.rule)

    def fewest(self, lpar: str, servers: Sequence[str], refusals: Callable[[str], Sequence[Finding]]
               ) -> tuple[str, tuple[Finding, ...]]:
        """The server of these with the fewest ``refusals``, the first of equals, with them; "" of none. Those where
        most of what it needs is served are asked first, and none where so much is not that it must have more."""
        lacks = self.site.reach.lacking(lpar, self.site.policies.ignorable_vlans)
        best: tuple[int, int, str, tuple[Finding, ...]] = (10**9, 0, "", ())
        for least, number, s in sorted((lacks[s], number, s) for number, s in enumerate(servers)):
            if least > best[0]:
                break
            if (least, number) < best[:2]:
                found = (*refusals(s),)
                best = min(best, (len(found), number, s, found), key=lambda b: b[:2])
        return best[2:]

    def _found(self, on: On, lpar: str, source: str, target: str) -> tuple[Finding, ...]:
        """The rules that look at shapes are asked once for each shape, and where they found something, which may have
        names of the LPAR, for each LPAR but of those that are nameless; the others once for each LPAR."""
        breaches: list[tuple[int, Breach]] = []
        by_source = {place: self._shared.setdefault((place, target), {}) for place in (source, "")}
        for shape, numbers, sourceless in self._shapes_of(lpar, on):
            known = by_source["" if sourceless else source]
            shared = known.get(shape)
            if shared is None:
                shared = known[shape] = self._asked(numbers, lpar, source, target)
            elif shared:
                own = dict.fromkeys(n for n, _ in shared if self._move_rules[n].shape not in NAMELESS)
                shared = (*(b for b in shared if b[0] not in own), *self._asked(own, lpar, source, target))
            breaches += shared
        if self._own[on]:
            breaches += self._asked(self._own[on], lpar, source, target)
        if not breaches:
            return ()
        breaches.sort(key=itemgetter(0))
        return tuple(self._move_rules[number].finding(breach, lpar, self.site) for number, breach in breaches)

    def _asked(self, numbers: Iterable[int], lpar: str, source: str, target: str) -> tuple[tuple[int, Breach], ...]:
        site, checks = self.site, self._checks
        return tuple([(n, b) for n in numbers for b in checks[n](site, lpar, source, target)])

    @remembered
    def _kinds(self, on: On) -> list[tuple[tuple[Shape, ...], tuple[int, ...], bool]]:
        """Kinds of shape, each with the rules that look at it, and whether those do not look at the source. Shapes in
        which the LPARs of a site do not differ, as a few of them show, are one kind, and those in which they hardly do:
        it is asked for once."""
        of_shape: dict[tuple[Shape, bool], list[int]] = grouped(
            ((r.shape, r.sourceless), n) for n, r in enumerate(self._move_rules)
            if r.shape is not None and on in r.binds)
        some = list(self.site.lpars)[::max(1, len(self.site.lpars) // _SOME)]
        differ = {of: len({of(self.site, n) for n in some}) for of, _ in of_shape}
        kinds = []
        for sourceless in (False, True):
            own = [of for of, without in of_shape if without is sourceless]
            same, hardly = (tuple(of for of in own if differ[of] in so) for so in (range(2), range(2, _HARDLY + 1)))
            kinds += [(kind, tuple(n for of in kind for n in of_shape[of, sourceless]), sourceless)
                      for kind in (same, hardly, *((of,) for of in own if differ[of] > _HARDLY)) if kind]
        return kinds

    @remembered
    def _shapes_of(self, lpar: str, on: On) -> tuple[tuple[int, tuple[int, ...], bool], ...]:
        """Numbers of an LPAR's shapes, one for each kind of shape, each with the rules that look at it, and whether
        these do not look at the source."""
        known = self._numbers
        return tuple((known.setdefault((on, sourceless, kind, tuple(of(self.site, lpar) for of in kind)), len(known)),
                      numbers, sourceless) for kind, numbers, sourceless in self._kinds(on))

    def answer(self, lpar: str) -> Readiness:
        """Ready, ready if …, or not, for a live move or, where it is not activated, an inactive migration: with the
        refusals of the LPAR, else those of the server that has fewest."""
        own, source = self.readiness(lpar), self.site.lpars[lpar].server
        targets = tuple(self.targets(lpar))
        if not targets:
            refused = errors(own) or self.fewest(lpar, [s for s in self.site.servers if s != source],
                                                 lambda s: errors(self.move(lpar, source, s)))[1]
            return Readiness(Word.NOT, (), (), refused, notes=_of(Severity.INFO, own))
        taken = (*assumed(own), *min((assumed(self.move(lpar, source, s)) for s in targets), key=len))
        warned = min((self.warnings(lpar, source, s) for s in targets), key=len)
        notes = min((self.notes(lpar, source, s) for s in targets), key=len)
        return Readiness(Word.IF if taken else Word.READY, targets, taken, (), warned, notes)

    def warnings(self, lpar: str, source: str, target: str) -> tuple[Finding, ...]:
        """What does not forbid this move, but is to be looked at before it."""
        return _of(Severity.WARNING, (*self.readiness(lpar), *self.move(lpar, source, target)))

    def notes(self, lpar: str, source: str, target: str) -> tuple[Finding, ...]:
        """What is to be known of this move besides."""
        return _of(Severity.INFO, (*self.readiness(lpar), *self.move(lpar, source, target)))

    @remembered
    def ready(self, lpar: str) -> bool:
        """No rule forbids moving it."""
        return not errors(self.readiness(lpar))

    def allowed(self, lpar: str, source: str, target: str) -> bool:
        """No rule forbids this move."""
        return source != target and self.ready(lpar) and not errors(self.move(lpar, source, target))

    def targets(self, lpar: str, among: Iterable[str] | None = None) -> list[str]:
        """The servers to which it may go from where it is."""
        source = self.site.lpars[lpar].server
        if not self.ready(lpar):
            return []
        near = self.near(lpar)
        return [s for s in (self.site.servers if among is None else among)
                if (near is None or s in near) and self.allowed(lpar, source, s)]

    def connected(self, lpar: str, server: str) -> bool:
        """Whether networks and storage reach a server at all: cheap to ask before the rules are."""
        near = self.near(lpar)
        return near is None or server in near

    @remembered
    def near(self, lpar: str) -> set[str] | None:
        """The servers to which its networks and storage reach; None: all."""
        return self.site.reach.near(lpar, self.site.policies.ignorable_vlans)

    def server(self, server: str, holders: Sequence[str]) -> tuple[Finding, ...]:
        """What the rules for every moment say of a server that carries these LPARs."""
        return self._carried(Hold.ALWAYS, server, holders)

    def settled(self, server: str, holders: Sequence[str]) -> tuple[Finding, ...]:
        """What the rules for the end say of a server that carries these LPARs from then on."""
        return self._carried(Hold.END, server, holders)

    def _carried(self, hold: Hold, server: str, holders: Sequence[str]) -> tuple[Finding, ...]:
        """The last answer of each server is kept: most servers carry the same from one plan of a site to the next."""
        names, known = (*holders,), self._last.get((hold, server))
        if known is None or known[0] != names:
            rules = self._of_servers(hold)
            enough = {use for use in {r.enough for r in rules} if use and use.kept(self.site, server, names)}
            known = self._last[hold, server] = names, (
                *(f for r in rules if r.enough not in enough and not stood_there(r, self.site, server, names)
                  for f in r.findings(server, self.site, server, names)),)
        return known[1]

    @remembered
    def _of_servers(self, hold: Hold) -> tuple[Rule, ...]:
        return tuple(r for r in self._rules[Scope.SERVER] if r.hold is hold and r.may_speak(self.site))

    def groups(self, where: Mapping[str, Sequence[str]], *, end: bool) -> list[Finding]:
        """What the rules say of these places; rules for the end only when ``end``."""
        return [f for r in self._rules[Scope.GROUP] if end or r.hold is Hold.ALWAYS
                for f in r.findings("", self.site, where)]

    def flights(self, moves: Sequence[Move], window: Window | None) -> list[Finding]:
        """What the rules say of the times of these moves."""
        return [f for r in self._rules[Scope.FLIGHT] for f in r.findings("", self.site, moves, window)]

    def restarts(self, where: Mapping[str, str], off: Collection[str],
                 restart: Mapping[str, Mapping[str, str]]) -> list[Finding]:
        """What the rules say of any one server failing after the plan; ``restart``: failed → LPAR → server."""
        return [f for r in self._rules[Scope.RESTART] for f in r.findings("", self.site, where, off, restart)]

    def placement(self, placement: Mapping[str, str]) -> list[Finding]:
        """Every breach of a final placement (active LPAR → server), moves from the start included."""
        findings: list[Finding] = []
        for lpar, target in placement.items():
            source = self.site.start[lpar]
            if target != source:
                findings += [*self.readiness(lpar), *self.move(lpar, source, target)]
        holders = inverted(placement.items(), self.site.servers)
        for server in self.site.servers:
            findings += [*self.server(server, holders[server]), *self.settled(server, holders[server])]
        findings += self.groups({n: (s,) for n, s in placement.items()}, end=True)
        return list(errors(findings))


class StrictJudge(Judge):
    """The rules where nothing is assumed, as another judge of the same estate has asked them: what that one assumes
    refuses. No rule of a move or an LPAR finds anything else for it."""

    def __init__(self, site: Site, asked: Judge) -> None:
        super().__init__(site)
        self._asked_before = asked

    @remembered
    def readiness(self, lpar: str) -> tuple[Finding, ...]:
        return _refused(self._asked_before.readiness(lpar))

    @remembered
    def move(self, lpar: str, source: str, target: str) -> tuple[Finding, ...]:
        return _refused(self._asked_before.move(lpar, source, target))


def _refused(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """With what is assumed as errors that prove nothing."""
    return tuple(replace(f, severity=Severity.ERROR, unstated=True) if f.severity is Severity.ASSUMPTION else f
                 for f in findings) if findings else ()
