"""LPARs that are not activated: what is told of those that stay, and whether those that were migrated could start."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from planner.estate.capacity import Demand
from planner.findings import Finding, Severity
from planner.grouping import grouped
from planner.plan.choices import OUT
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate, Whatif
from planner.rules import Judge, Site
from planner.units import show_cores, show_gib


def profiles_left(site: Site, servers: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """(LPAR, server, why) of those that stay defined on servers that are emptied, with the answer of the rules to an
    inactive migration."""
    judge, option = Judge(site), " (--inactive)" if isinstance(site.goal, Evacuate | Whatif) else ""
    for p in site.estate.lpars:
        if p.server in servers and p.name not in site.start:
            verdict = judge.answer(p.name)
            yield p.name, p.server, (
                "not activated: holds nothing, but its profile stays, so the server is not empty; an inactive "
                f"migration{option}: {verdict.answer}" + (f" ({', '.join(verdict.targets)})" if verdict.targets else "")
                + "".join(f"; {f.message}" for f in (*verdict.refusals, *verdict.assumptions)[:2]))


def no_room_to_start(site: Site, plan: Plan) -> list[Finding]:
    """LPARs that were migrated inactive and could not be activated where the way out leaves them: each beside those
    that run there, then all of a server together."""
    free = {s.server: Demand(s.units_limit - s.units, s.memory_limit_mib - s.memory_mib) for s in plan.after}
    ends = {m.lpar: m.target for m in plan.leg(OUT) if m.inactive}
    out = []
    for server, names in grouped((server, name) for name, server in ends.items()).items():
        small = [n for n in names if not _fits(site.demand(n, server), free[server])]
        out += [_too_little(n, n, site.demand(n, server), server, free[server]) for n in small]
        rest = [n for n in names if n not in small]
        total = sum((site.demand(n, server) for n in rest), Demand(0, 0))
        if not _fits(total, free[server]):
            out.append(_too_little(server, f"all of {', '.join(rest)} together", total, server, free[server]))
    return out


def _fits(wanted: Demand, free: Demand) -> bool:
    return wanted.units <= free.units and wanted.memory_mib <= free.memory_mib


def _too_little(subject: str, who: str, wanted: Demand, server: str, free: Demand) -> Finding:
    return Finding("inactive.room", Severity.WARNING, subject,
                   f"{who} could not be activated on {server} as the way out leaves it: needed "
                   f"{show_cores(wanted.units)} cores and {show_gib(wanted.memory_mib)} GiB, free "
                   f"{show_cores(max(0, free.units))} and {show_gib(max(0, free.memory_mib))}",
                   "it moves all the same; make room before it is activated")
