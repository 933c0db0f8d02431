"""Asking the rules: is an LPAR ready, may it go there, does a placement hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from planner.findings import Finding, Severity
from planner.plan import Move, Window
from planner.rules.base import REGISTRY, Hold, Rule, Scope
from planner.rules.site import Site


def of_scope(scope: Scope) -> list[Rule]:
    """The rules of a scope in the order of their ids."""
    return [REGISTRY[i] for i in sorted(REGISTRY) if REGISTRY[i].scope is scope]


class Judge:
    """The rules applied to one site; answers are kept."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._lpar: dict[str, tuple[Finding, ...]] = {}
        self._move: dict[tuple[str, str, str], tuple[Finding, ...]] = {}
        self._lpar_rules, self._move_rules = of_scope(Scope.LPAR), of_scope(Scope.MOVE)

    def readiness(self, lpar: str) -> tuple[Finding, ...]:
        """What the rules say of moving this LPAR anywhere."""
        if lpar not in self._lpar:
            self._lpar[lpar] = tuple(f for r in self._lpar_rules for f in r.findings(lpar, self.site, lpar))
        return self._lpar[lpar]

    def move(self, lpar: str, source: str, target: str) -> tuple[Finding, ...]:
        """What the rules say of this LPAR going from one server to another, readiness left out."""
        key = (lpar, source, target)
        if key not in self._move:
            self._move[key] = tuple(f for r in self._move_rules for f in r.findings(lpar, self.site, *key))
        return self._move[key]

    def ready(self, lpar: str) -> bool:
        """No rule forbids moving it."""
        return not any(f.severity is Severity.ERROR for f in self.readiness(lpar))

    def allowed(self, lpar: str, source: str, target: str) -> bool:
        """No rule forbids this move."""
        return source != target and self.ready(lpar) and not any(
            f.severity is Severity.ERROR for f in self.move(lpar, source, target))

    def targets(self, lpar: str, among: Iterable[str] | None = None) -> list[str]:
        """The servers to which it may go from where it is."""
        source = self.site.lpars[lpar].server
        if not self.ready(lpar):
            return []
        return [s for s in (self.site.servers if among is None else among) if self.allowed(lpar, source, s)]

    def server(self, server: str, holders: Sequence[str]) -> list[Finding]:
        """What the rules for every moment say of a server that carries these LPARs."""
        return [f for r in of_scope(Scope.SERVER) if r.hold is Hold.ALWAYS
                for f in r.findings(server, self.site, server, holders)]

    def settled(self, server: str, holders: Sequence[str]) -> list[Finding]:
        """What the rules for the end say of a server that carries these LPARs from then on."""
        return [f for r in of_scope(Scope.SERVER) if r.hold is Hold.END
                for f in r.findings(server, self.site, server, holders)]

    def groups(self, where: Mapping[str, Sequence[str]], *, end: bool) -> list[Finding]:
        """What the rules say of these places; rules for the end only when ``end``."""
        return [f for r in of_scope(Scope.GROUP) if end or r.hold is Hold.ALWAYS
                for f in r.findings("", self.site, where)]

    def flights(self, moves: Sequence[Move], window: Window | None) -> list[Finding]:
        """What the rules say of the times of these moves."""
        return [f for r in of_scope(Scope.FLIGHT) for f in r.findings("", self.site, moves, window)]

    def restarts(self, where: Mapping[str, str], off: Collection[str],
                 restart: Mapping[str, Mapping[str, str]]) -> list[Finding]:
        """What the rules say of any one server failing after the plan; ``restart``: failed → LPAR → server."""
        return [f for r in of_scope(Scope.RESTART) for f in r.findings("", self.site, where, off, restart)]

    def placement(self, placement: Mapping[str, str]) -> list[Finding]:
        """Every breach of a final placement (active LPAR → server), moves from the start included."""
        found: list[Finding] = []
        for lpar, target in placement.items():
            source = self.site.start[lpar]
            if target != source:
                found += [*self.readiness(lpar), *self.move(lpar, source, target)]
        for server in self.site.servers:
            holders = [n for n, s in placement.items() if s == server]
            found += [*self.server(server, holders), *self.settled(server, holders)]
        found += self.groups({n: (s,) for n, s in placement.items()}, end=True)
        return [f for f in found if f.severity is Severity.ERROR]
