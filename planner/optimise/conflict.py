"""Why there is no plan: an irreducible set of LPARs, servers and rules that conflict, and what would lift it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from planner.findings import Finding, Severity
from planner.optimise.placement import PlacementProgram
from planner.optimise.solver import Outcome, Program
from planner.rules import Site
from planner.units import show_cores, show_gib

if TYPE_CHECKING:
    from planner.optimise.evacuate import EvacuationProblem

_BUDGET_S = 20.0
_BACK = "the way back: "


@dataclass(frozen=True, slots=True)
class Conflict:
    """A proof of impossibility in the reader's words.

    ``refusals``: LPAR → server (or "") → [(rule, reason)]; ``short_units`` and ``short_mib``: the least that the
    survivors lack, by server; ``irreducible``: take any one member away and the rest is possible.
    """

    summary: str
    lpars: tuple[str, ...]
    servers: tuple[str, ...]
    rules: tuple[str, ...]
    lifts: tuple[str, ...]
    refusals: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]] = field(default_factory=dict)
    short_units: Mapping[str, int] = field(default_factory=dict)
    short_mib: Mapping[str, int] = field(default_factory=dict)
    irreducible: bool = True

    def json(self) -> dict[str, Any]:
        """As plan.json has it: cores and GiB."""
        return {
            "summary": self.summary, "lpars": list(self.lpars), "servers": list(self.servers),
            "rules": list(self.rules), "lifts": list(self.lifts), "irreducible": self.irreducible,
            "shortfall": {"cores": sum(self.short_units.values()) / 100, "gib": sum(self.short_mib.values()) / 1024,
                          "by_server": {s: {"cores": self.short_units.get(s, 0) / 100,
                                            "gib": self.short_mib.get(s, 0) / 1024}
                                        for s in sorted({*self.short_units, *self.short_mib})}},
            "refusals": {n: {s: [{"rule": r, "reason": m} for r, m in reasons] for s, reasons in servers.items()}
                         for n, servers in self.refusals.items()},
        }


def joined(conflicts: Sequence[Conflict]) -> Conflict:
    """The conflicts of parts of a site that have nothing to do with each other, as one."""
    if len(conflicts) == 1:
        return conflicts[0]

    def all_of(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(x for c in conflicts for x in getattr(c, name)))

    def merged(name: str) -> dict[str, Any]:
        return {k: v for c in conflicts for k, v in getattr(c, name).items()}

    return Conflict("; and: ".join(c.summary for c in conflicts), all_of("lpars"), all_of("servers"), all_of("rules"),
                    all_of("lifts"), merged("refusals"), merged("short_units"), merged("short_mib"), irreducible=False)


def explain(problem: EvacuationProblem, stranded: Sequence[str], model: PlacementProgram | None,
            deadline: float) -> Conflict:
    """The conflict behind an evacuation that is proved impossible."""
    if stranded or model is None:
        return _stranded(problem, stranded)
    until = max(deadline, time.monotonic() + 2.0)
    until = min(until, time.monotonic() + _BUDGET_S)
    return _of_program(problem, model, until)


def _stranded(problem: EvacuationProblem, stranded: Sequence[str]) -> Conflict:
    """LPARs that no rule lets go anywhere: each is a conflict of its own."""
    refusals: dict[str, dict[str, list[tuple[str, str]]]] = {}
    rules: dict[str, None] = {}
    lifts: dict[str, None] = {}
    for name in stranded:
        ready = [f for f in problem.judge.readiness(name) if f.severity is Severity.ERROR]
        by_server = {"": ready} if ready else {
            s: _refused(problem, name, s) for s in problem.survivors}
        refusals[name] = {s: [(f.rule, f.message) for f in found] for s, found in by_server.items()}
        for found in by_server.values():
            for f in found:
                rules[f.rule] = None
                lifts[f"{name}: {f.fix}"] = None
    if not problem.survivors:
        return Conflict("every server of the estate is to be freed: there is none to go to", tuple(stranded), (), (),
                        ("free fewer servers",), refusals)
    count = len(stranded)
    what = (f"{stranded[0]} may go to no other server" if count == 1 else
            f"{count} LPARs may go to no other server; each of them alone makes it impossible")
    if any(message.startswith(_BACK) for by_server in refusals.values() for r in by_server.values()
           for _, message in r):
        what += " from which it could come home" if count == 1 else " (the way back counts: see the reasons)"
    servers = sorted({s for by_server in refusals.values() for s in by_server if s})
    leave = " ".join(f"--leave {n}" for n in stranded[:5]) + (" …" if count > 5 else "")
    lifts[f"or stop and leave them there: {leave}"] = None
    short_units, short_mib = _too_large(problem, refusals)
    if short_units or short_mib:
        what += (f"; the other servers lack {show_cores(sum(short_units.values()))} cores and "
                 f"{show_gib(sum(short_mib.values()))} GiB for it even without any other LPAR")
    return Conflict(what, tuple(stranded), tuple(servers), tuple(rules), tuple(lifts), refusals, short_units,
                    short_mib, irreducible=count == 1)


def _too_large(problem: EvacuationProblem, refusals: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]]
               ) -> tuple[dict[str, int], dict[str, int]]:
    """What the nearest server lacks for each LPAR that only its size keeps from going anywhere."""
    site = problem.site
    units: dict[str, int] = {}
    mib: dict[str, int] = {}
    for name, by_server in refusals.items():
        options = []
        for server, reasons in by_server.items():
            if server and {rule for rule, _ in reasons} <= {"memory.fits", "processor.fits"}:
                wanted, base, limit = site.demand(name, server), site.base(server), site.limit(server)
                options.append((max(0, wanted.memory_mib + base.memory_mib - limit.memory_mib),
                                max(0, wanted.units + base.units - limit.units), server))
        if options:
            memory, processors, server = min(options)
            if memory:
                mib[server] = max(mib.get(server, 0), memory)
            if processors:
                units[server] = max(units.get(server, 0), processors)
    return units, mib


def _refused(problem: EvacuationProblem, name: str, server: str) -> list[Finding]:
    """Why an LPAR may not go to a server, or not come home from it when it must."""
    home = problem.site.start[name]
    found = [f for f in problem.judge.move(name, home, server) if f.severity is Severity.ERROR]
    if not found and problem.come_back:
        found = [replace(f, message=f"{_BACK}{f.message}") for f in problem.judge.move(name, server, home)
                 if f.severity is Severity.ERROR]
    return found


def _infeasible(program: Program, until: float) -> bool | None:
    """True or False when proved, None when time ran out."""
    left = until - time.monotonic()
    if left <= 0:
        return None
    bare = program.without(set())
    bare.minimise({})
    outcome = bare.solve(left).outcome
    return True if outcome is Outcome.INFEASIBLE else False if outcome is not Outcome.UNKNOWN else None


def reduced(program: Program, until: float) -> tuple[list[str], bool]:
    """Deletion filter over the rows' tags: what is left is infeasible, and irreducible when time allowed."""
    tags = list(dict.fromkeys(r.tag for r in program.rows if r.tag != "cut"))
    # Rows of servers and groups go first, so that few rules stay; LPARs go after them.
    tags.sort(key=lambda t: t.startswith("lpar:"))
    kept = list(tags)
    complete = True
    for tag in tags:
        trial = program.without({t for t in tags if t not in kept} | {tag})
        proved = _infeasible(trial, until)
        if proved:
            kept.remove(tag)
        elif proved is None:
            complete = False
    return kept, complete


@dataclass(frozen=True, slots=True)
class _Short:
    """What survivors lack: MiB and units by server, units by pool; a server's units include its pools'."""

    units: dict[str, int]
    mib: dict[str, int]
    pools: dict[tuple[str, str], int]


def _elastic(model: PlacementProgram, until: float) -> _Short | None:
    """The least processors and memory that the survivors lack; None when groups alone conflict.

    Processors and memory count as shares of what the survivors have of each.
    """
    program = model.program.without(set())
    whole = {"processor.capacity": sum(model.site.limit(s).units for s in model.survivors),
             "memory.capacity": sum(model.site.limit(s).memory_mib for s in model.survivors)}
    whole["processor.pool"] = whole["processor.capacity"]
    whole["processor.usage"] = 10 * whole["processor.capacity"]
    slack: dict[int, tuple[str, str]] = {}
    of: dict[tuple[str, str], int] = {}
    program.objective = {}
    for number, row in enumerate(program.rows):
        rule, _, where = row.tag.partition(":")
        if rule in whole:
            extra = of.get((rule, where)) or program.variable(10_000_000)
            of[rule, where], slack[extra] = extra, (rule, where)
            terms, rhs = row.stated
            program.rows[number] = type(row)({**terms, extra: -1}, rhs, False, row.tag)
            program.objective[extra] = max(1, round(1e9 / max(whole[rule], 1)))
    answer = program.solve(max(until - time.monotonic(), 0.05), 0.001)
    return _shortage(model, {slack[i]: answer.values[i] for i in slack if answer.values[i]}) if answer.found else None


def _shortage(model: PlacementProgram, lacking: Mapping[tuple[str, str], int]) -> _Short:
    """What rows lack, counted from the limits: a server that held more than its limit lacks that as well."""
    site, found = model.site, _Short({}, {}, {})
    for (rule, where), amount in sorted(lacking.items()):
        if rule == "memory.capacity":
            found.mib[where] = amount + model.room(where).memory_mib - site.limit(where).memory_mib
        elif rule == "processor.capacity":
            over = amount + model.room(where).units - site.limit(where).units
            found.units[where] = max(found.units.get(where, 0), over)
        elif rule == "processor.usage":
            found.units[where] = max(found.units.get(where, 0), -(-amount // 10))
        else:
            server, _, pool = where.rpartition("/")
            over = site.at_start[server].pools.get(int(pool), 0) - (site.pool_limit(server, int(pool)) or 0)
            found.pools[server, pool] = amount + max(0, over)
            found.units[server] = max(found.units.get(server, 0), found.pools[server, pool])
    return found


def _left_behind(model: PlacementProgram, until: float) -> list[str] | None:
    """The fewest displaced LPARs that would have to stay for the others to go."""
    program = model.program.without(set())
    stay = {}
    rows, program.rows = program.rows, []
    for row in rows:
        name = row.tag.removeprefix("lpar:") if row.tag.startswith("lpar:") else ""
        if name in model.displaced:
            stay[name] = program.variable()
            row = type(row)({**row.terms, stay[name]: 1}, row.rhs, row.equal, row.tag)
        program.rows.append(row)
    program.minimise(dict.fromkeys(stay.values(), 1))
    answer = program.solve(max(until - time.monotonic(), 0.05))
    return [n for n, i in stay.items() if answer.values[i]] if answer.found else None


def _of_program(problem: EvacuationProblem, model: PlacementProgram, until: float) -> Conflict:
    kept, complete = reduced(model.program, until)
    named = [t.removeprefix("lpar:") for t in kept if t.startswith("lpar:")]
    lpars = tuple(n for n in named if n in model.displaced)
    rows = [t for t in kept if not t.startswith("lpar:")]
    rules = tuple(dict.fromkeys(t.split(":", 1)[0] for t in rows))
    groups = [t.split(":", 1)[1] for t in rows if t.startswith("policy.")]
    places = [t for t in rows if not t.startswith("policy.")]
    servers = tuple(sorted({t.split(":", 1)[1].rsplit("/", 1)[0] if t.startswith("processor.pool")
                            else t.split(":", 1)[1] for t in places}))
    short_units: dict[str, int] = {}
    short_mib: dict[str, int] = {}
    lifts: list[str] = []
    if any(r.startswith(("processor.", "memory.")) for r in rules):
        elastic = _elastic(model, max(until, time.monotonic() + 2))
        if elastic:
            short_units, short_mib = elastic.units, elastic.mib
            for (server, pool), units in sorted(elastic.pools.items()):
                lifts.append(f"{show_cores(units)} more cores in pool {pool} of {server}")
            lifts += [f"{show_cores(u)} more cores on {s}" for s, u in sorted(short_units.items())
                      if u > max((p for (t, _), p in elastic.pools.items() if t == s), default=0)]
            lifts += [f"{show_gib(m)} GiB more memory on {s}" for s, m in sorted(short_mib.items())]
    lifts += tightenings(model.site, short_units, short_mib)
    lifts += [f"lift {t.split(':', 1)[0]} ({t.split(':', 1)[1]})" for t in rows if t.startswith("policy.")]
    behind = _left_behind(model, max(until, time.monotonic() + 2))
    if behind and len(behind) < len(model.displaced):
        lifts.append("leave behind and stop: " + ", ".join(sorted(behind)))
    summary = _summary(problem, lpars, rules, groups, short_units, short_mib)
    if len(named) > len(lpars):
        summary += f" (beside {len(named) - len(lpars)} LPARs that run there and cannot make more room)"
    return Conflict(summary, lpars, servers, rules, tuple(lifts), {}, short_units, short_mib, complete)


def tightenings(site: Site, short_units: Mapping[str, int], short_mib: Mapping[str, int]) -> list[str]:
    """Policies that hold back room which the servers would have."""
    policies = site.policies
    out = []
    for short, ceilings, reserves, word, show in (
            (short_units, policies.cpu_ceiling, policies.reserve_units, "cpu", show_cores),
            (short_mib, policies.memory_ceiling, policies.reserve_mib, "memory", show_gib)):
        for server in sorted(short):
            if ceilings.get(server, 100) < 100:
                out.append(f"lift the policy {word}-ceiling ({ceilings[server]} %) of {server}")
            if reserves.get(server):
                out.append(f"lift the policy reserve-{'cores' if word == 'cpu' else 'memory'} "
                           f"({show(reserves[server])}) of {server}")
    return out


def _summary(problem: EvacuationProblem, lpars: Sequence[str], rules: Sequence[str], groups: Sequence[str],
             units: Mapping[str, int], mib: Mapping[str, int]) -> str:
    parts = []
    if any(r.startswith(("processor.", "memory.")) for r in rules):
        parts.append(f"the other servers lack {show_cores(sum(units.values()))} cores and "
                     f"{show_gib(sum(mib.values()))} GiB of memory for what must go")
    if groups:
        parts.append(f"{' and '.join(r for r in rules if r.startswith('policy.'))} "
                     f"({', '.join(dict.fromkeys(groups))}) leaves no placement"
                     + (f" for {', '.join(lpars)}" if 0 < len(lpars) <= 6 else ""))
    return "; ".join(parts) or f"no placement of {', '.join(lpars) or 'the LPARs'} keeps every rule"
