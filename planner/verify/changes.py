"""Changes of sizes and restarts, one after the other, after the live moves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from planner.estate.capacity import Demand, lpar_demand, min_units_per_vp
from planner.estate.model import Lpar
from planner.findings import Finding, errors, ordered
from planner.grouping import grouped
from planner.rules import Judge, Site
from planner.rules.base import Scope, of_scope
from planner.rules.modes import modes_of
from planner.units import show_cores, show_gib
from planner.verify.base import broken
from planner.verify.used import too_much_used


def replay_changes(site: Site, where: Mapping[str, str], changes: Sequence[Lpar], survivors: Collection[str],
                   use: Mapping[str, int] | None = None) -> tuple[Finding, ...]:
    """What is wrong with changing LPARs one after the other, restarts and new sizes, each to the row given.

    ``where``: LPAR → server before the first change. No change may take a server further over its limit, and in the
    end every survivor holds and uses its limit at most; nobody restarts where a rule forbids that; sizes and modes must
    suit the server; groups are kept apart in the end. ``use`` as in :func:`too_much_used`, of the end.
    """
    world = _World(site, where)
    wrong = [f for row in changes for f in (*_row_findings(site, row), *world.change(row))]
    judge = Judge(site)
    wrong += [f for row in changes if row.server != site.start[row.name] and row.server != where[row.name]
              for f in judge.barred(row.name, site.start[row.name], row.server,
                                    lpar_demand(row, site.servers[row.server]))]
    for s in sorted(survivors):
        holding, limit = world.held[s], site.limit_in_the_end(s)
        if holding.units > limit.units or holding.memory_mib > limit.memory_mib:
            wrong.append(broken("scenario.capacity", s, f"holds {show_cores(holding.units)} of "
                                f"{show_cores(limit.units)} cores and {show_gib(holding.memory_mib)} of "
                                f"{show_gib(limit.memory_mib)} GiB in the end"))
    wrong += [broken("scenario.retired", n, f"is still on {s}, which is retired")
              for n, s in sorted(world.at.items()) if s not in survivors]
    wrong += _used(site, where, changes, use or {})
    wrong += [f for r in of_scope(Scope.GROUP) for f in r.findings("", site, {n: (s,) for n, s in world.at.items()})]
    return ordered(errors(wrong))


def _used(site: Site, where: Mapping[str, str], changes: Sequence[Lpar], use: Mapping[str, int]) -> Iterator[Finding]:
    """What is used too much once all are where they end, who restarted as in the end; and in the end."""
    every = {row.name: row for row in changes}
    restarted = {n: row for n, row in every.items() if where.get(n) != row.server}
    for changed, counted, last in ((restarted, {n: u for n, u in use.items() if n in restarted}, False),
                                   (every, use, True)):
        rows = ((changed[n], changed[n].server) if n in changed else (site.lpars[n], s) for n, s in where.items())
        yield from too_much_used(site, grouped((s, row) for row, s in rows), counted, strict=last)


class _World:
    """Who is where, as which row, and what every server holds."""

    def __init__(self, site: Site, where: Mapping[str, str]) -> None:
        self.site, self.at = site, dict(where)
        self.rows = {n: site.lpars[n] for n in where}
        self.held = {s: self._sum(s) for s in site.servers}

    def _sum(self, server: str) -> Demand:
        rows = (self.rows[n] for n in sorted(self.at) if self.at[n] == server and self.rows[n].active)
        return sum((lpar_demand(row, self.site.servers[server]) for row in rows), self.site.base(server))

    def change(self, row: Lpar) -> list[Finding]:
        """Make a change; what it takes further over a limit."""
        wrong, touched = [], sorted({self.at[row.name], row.server})
        self.rows[row.name], self.at[row.name] = row, row.server
        for s in touched:
            before, now, limit = self.held[s], self._sum(s), self.site.limit_in_the_end(s)
            self.held[s] = now
            if now.units > max(limit.units, before.units):
                wrong.append(self._over(row, s, f"{show_cores(now.units)} of {show_cores(limit.units)} cores"))
            if now.memory_mib > max(limit.memory_mib, before.memory_mib):
                wrong.append(self._over(row, s, f"{show_gib(now.memory_mib)} of {show_gib(limit.memory_mib)} GiB"))
        return wrong

    @staticmethod
    def _over(row: Lpar, server: str, amounts: str) -> Finding:
        return broken("scenario.capacity", row.name, f"its change makes {server} hold {amounts}")


def _row_findings(site: Site, row: Lpar) -> list[Finding]:
    server, wrong = site.servers[row.server], []
    if row.processors != "dedicated":
        if row.entitlement_units < min_units_per_vp(server) * row.virtual_processors:
            wrong.append(broken("processor.minimum-per-vp", row.name, f"{show_cores(row.entitlement_units)} cores are "
                                f"too few for {row.virtual_processors} virtual processors on {row.server}"))
        if row.entitlement_units > 100 * row.virtual_processors:
            wrong.append(broken("estate.entitlement-above-vp", row.name, f"{show_cores(row.entitlement_units)} cores "
                                f"on {row.virtual_processors} virtual processors"))
    if row.memory_mib > row.max_memory_mib:
        wrong.append(broken("estate.memory-above-max", row.name, "more memory than its maximum"))
    known = modes_of(server)
    if known and row.current_mode and row.current_mode not in known:
        wrong.append(broken("processor.mode", row.name, f"{row.server} has no {row.current_mode} mode"))
    return wrong
