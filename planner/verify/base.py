"""What every part of the replay shares: the result, a breach as a finding, what a server holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

from planner.findings import Finding, Severity, errors
from planner.grouping import inverted
from planner.plan.plan import Plan, ServerState
from planner.plan.wire import Scaled
from planner.rules import Judge, Site
from planner.units import MIB_PER_GIB, show_gib


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
        if self.said == self.worked:
            return []
        said, worked = (_shown(*of)[:_MOST_SHOWN] for of in ((self.said, self.worked), (self.worked, self.said)))
        return [broken("plan.figures", self.subject,
                       f"{self.what}: the plan says {said}; its servers and moves make {worked}")]


def near(what: str, said: float | None, worked: float, slack: float = 0.0011, subject: str = "plan") -> Claim:
    """A claim of a figure that is rounded, by no more than ``slack``; from 1 on also by a ten-thousandth of it."""
    same = said is not None and abs(said - worked) <= max(slack, 1e-4 * abs(worked) if slack >= 1 else slack)
    return Claim(what, worked if same else said, worked, subject)


_MOST_SHOWN = 200
_OF_UNITS = {"units", "mib", "ms"}


def _shown(value: object, other: object = None) -> str:
    """A value in the reader's words and units; of rows, only what is not so in the ``other`` value as well."""
    match value:
        case float():
            return f"{value:,.3f}".rstrip("0").rstrip(".")
        case bool():
            return "yes" if value else "no"
        case Mapping():
            value = [f"{k}: {_shown(x)}" for k, x in value.items()]
        case tuple() | list() if isinstance(value, list) or all(map(is_dataclass, value)):
            value = [_shown(x) for x in value if not isinstance(other, (tuple, list)) or x not in other] or value
    if is_dataclass(value):
        return ", ".join(_fields(value, other)) or "the same"
    if isinstance(value, (tuple, list)):
        value = ", ".join(f"({_shown(x)})" if isinstance(x, tuple) else _shown(x) for x in value)
    return "nothing" if value is None or value == "" else str(value)


def _fields(row: Any, other: object) -> Iterator[str]:
    """The fields of a row in cores, GiB and seconds: those that are not the same in another row of its kind."""
    hints = get_type_hints(type(row), include_extras=True)
    for name in (f.name for f in fields(row)):
        value = getattr(row, name)
        if type(other) is not type(row) or getattr(other, name) != value:
            words = " ".join(w for w in name.split("_") if w not in _OF_UNITS)
            per = MIB_PER_GIB if name.endswith("_mib") else _per(hints[name])
            yield f"{words} {_shown(value) if value is None or not per else _measured(value, per, name)}".strip()


def _per(annotation: Any) -> int:
    """How many of a field's units JSON counts as one; 0 where it has them as they are."""
    own = (x.per for x in getattr(annotation, "__metadata__", ()) if isinstance(x, Scaled))
    return next(own, 0) or max((_per(x) for x in get_args(annotation)), default=0)


def _measured(value: int, per: int, name: str) -> str:
    if per == MIB_PER_GIB:
        return f"{show_gib(value)} GiB"
    return f"{_shown(value / per)} {'s' if name.endswith('_ms') else 'cores'}"


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
