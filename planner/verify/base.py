"""What every part of the replay shares: the result, a breach as a finding, what a server holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from planner.findings import Finding, Severity, errors
from planner.grouping import inverted
from planner.plan.plan import Plan, ServerState
from planner.rules import Judge, Site


@dataclass(frozen=True, slots=True)
class Replay:
    """What the replay found. ``holds``: no error. ``peak``: the most that each server held at any moment."""

    findings: tuple[Finding, ...]
    peak: tuple[ServerState, ...]
    before: tuple[ServerState, ...]
    after: tuple[ServerState, ...]

    @property
    def holds(self) -> bool:
        """No rule is broken at any moment."""
        return not errors(self.findings)


def broken(rule: str, subject: str, message: str, fix: str = "plan again") -> Finding:
    return Finding(rule, Severity.ERROR, subject, message, fix)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a plan says of something, and what its servers and moves make of it."""

    what: str
    said: object
    worked: object
    subject: str = "plan"

    def findings(self) -> list[Finding]:
        """The breach, when they differ."""
        return [] if self.said == self.worked else [broken(
            "plan.figures", self.subject, f"{self.what}: the plan says {_shown(self.said)}; its servers and moves make "
            f"{_shown(self.worked)}")]


def near(what: str, said: float | None, worked: float, slack: float = 0.0011, subject: str = "plan") -> Claim:
    """A claim of a figure that is rounded, by no more than ``slack``; from 1 on also by a ten-thousandth of it."""
    same = said is not None and abs(said - worked) <= max(slack, 1e-4 * abs(worked) if slack >= 1 else slack)
    return Claim(what, worked if same else said, worked, subject)


def _shown(value: object) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)[:200]


def server_states(site: Site, where: Mapping[str, Sequence[str]]) -> tuple[ServerState, ...]:
    """What every server holds when these LPARs hold these servers."""
    holders = inverted(((name, s) for name, servers in where.items() for s in dict.fromkeys(servers)), site.servers)
    return tuple(server_state(site, server, holders[server]) for server in site.servers)


def server_state(site: Site, server: str, names: Collection[str]) -> ServerState:
    """What a server holds with these LPARs."""
    holding, limit = site.holding(server, names), site.limit(server)
    return ServerState(server, len(names), holding.units, limit.units, holding.memory_mib, limit.memory_mib)


def after_work(plan: Plan, site: Site, judge: Judge) -> Judge:
    """The rules in the world of the way home: every server at the level that the question states for then."""
    stated = plan.goal.firmware_after
    if not stated:
        return judge
    servers = [replace(s, firmware=stated[s.name]) if s.name in stated else s for s in site.estate.servers]
    return Judge(Site(site.estate.replace(servers=tuple(servers)), site.home, site.usage, plan.goal))
