"""What a rule is: one sentence, a check that knows no solver, and how the programs encode it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Breach:
    """A breach of a rule: what is wrong and what would mend it. ``severity`` overrides the rule's own."""

    message: str
    fix: str = ""
    severity: Severity | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``encoding`` says how optimiser and scheduler keep it; ``source`` where it comes from.

    ``shape`` (site, lpar) gives all that a MOVE rule looks at in the LPAR: LPARs of one shape get one answer for the
    same two servers. None: it looks at the LPAR itself.
    """

    id: str
    sentence: str
    scope: Scope
    severity: Severity
    hold: Hold
    encoding: str
    source: str
    check: Callable[..., Iterator[Breach]]
    shape: Callable[[Any, str], Hashable] | None = None

    def findings(self, subject: str, *arguments: Any) -> list[Finding]:
        """The breaches as findings about ``subject``."""
        return [self.finding(b, subject) for b in self.check(*arguments)]

    def finding(self, b: Breach, subject: str) -> Finding:
        """One breach as a finding."""
        return Finding(self.id, b.severity or self.severity, b.subject or subject, b.message, b.fix)


REGISTRY: dict[str, Rule] = {}
PRUNES = "prunes the candidate before the program is built"


def two_servers(site: Any, lpar: str) -> Hashable:
    """The shape of a rule that looks at source and target alone."""
    return ()


def rule(id: str, sentence: str, scope: Scope, *, source: str, severity: Severity = Severity.ERROR,
         hold: Hold = Hold.ALWAYS, encoding: str = PRUNES,
         shape: Callable[[Any, str], Hashable] | None = None) -> Callable[[Callable[..., Iterator[Breach]]], Rule]:
    """Register a check as a rule; raises ValueError when the id is taken."""

    def register(check: Callable[..., Iterator[Breach]]) -> Rule:
        if id in REGISTRY:
            raise ValueError(f"rule {id} stands twice")
        REGISTRY[id] = Rule(id, sentence, scope, severity, hold, encoding, source, check, shape)
        return REGISTRY[id]

    return register
