"""Why there is no plan: an irreducible set of LPARs, servers and rules that conflict, and what would lift it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from planner.estate.policies import Group
from planner.findings import Finding, errors
from planner.grouping import grouped, inverted
from planner.optimise.placement import PlacementProgram
from planner.optimise.program import CUT, ONE_PLACE, Outcome, Program, Solution, Tag
from planner.optimise.solver import solve
from planner.plan.details import Conflict, WhyNot, mends, shortfall
from planner.reach import SLOTS
from planner.rules import Judge, Site, ledger
from planner.rules.base import REGISTRY, WHOLE
from planner.rules.firmware import goes_with, in_between
from planner.rules.ledger import MEMORY, POOLS, PROCESSORS, pool_words
from planner.stopwatch import now
from planner.units import many, show_cores, show_gib, some

_BUDGET_S = 20.0
_NAMED = 6
"""LPARs that a sentence names at most."""
_USAGE, _POOL_USAGE = "processor.usage", "processor.pool-usage"


class Asked(Protocol):
    """What a conflict must know of any question that has no answer."""

    site: Site
    judge: Judge
    come_back: bool


class Unanswered(Asked, Protocol):
    """What it must know of one that frees servers."""

    survivors: list[str]


def joined(conflicts: Sequence[Conflict]) -> Conflict:
    """The conflicts of parts of a site that have nothing to do with each other, as one."""
    if len(conflicts) == 1:
        return conflicts[0]

    def all_of(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(x for c in conflicts for x in getattr(c, name)))

    def merged(name: str) -> dict[str, Any]:
        return {k: v for c in conflicts for k, v in getattr(c, name).items()}

    lifts = dict.fromkeys(f"and {x}" if part and not number and not c.refusals else x
                          for part, c in enumerate(conflicts) for number, x in enumerate(c.lifts))
    return Conflict("; and: ".join(c.summary for c in conflicts), all_of("lpars"), all_of("servers"), all_of("rules"),
                    tuple(lifts), merged("refusals"), merged("shortfall"), irreducible=False,
                    unstated=all_of("unstated") if all(c.unstated for c in conflicts) else (),
                    sets=len(conflicts) if all(c.irreducible for c in conflicts) else 0)


def either(ways: Iterable[str]) -> tuple[str, ...]:
    """Ways of lifting a conflict of which each does so alone: all but the first begin with *or*."""
    return tuple(f"or {way}" if number else way for number, way in enumerate(dict.fromkeys(ways)))


Refused = Mapping[str, Mapping[str, Sequence[Finding]]]
"""LPAR → server → why it may not go there."""


def unproved(refused: Refused, *, alone: bool = False) -> tuple[str, ...]:
    """What has to be exported before a conflict of these LPARs is a proof: of each, what closes a server to it on
    unstated facts only; () where it is one already. ``alone``: each LPAR is a conflict of its own, so that one whose
    refusals are stated proves it."""
    gaps = {n: [f for why in by_server.values() if why and all(f.unstated for f in why) for f in why]
            for n, by_server in refused.items()}
    proof = alone and not all(gaps.values())
    return () if proof else tuple(dict.fromkeys(f"{f.message}: {f.fix}" for why in gaps.values() for f in why))


def with_gaps(conflict: Conflict, question: Asked) -> Conflict:
    """The conflict of a program, with what nobody states of where its LPARs may go, and what policies close to them."""
    site = question.site
    freed = site.goal.freed if site.goal else ()
    refused = {n: refusals_of(
        question.judge, n, [s for s in site.servers if s not in freed and s != site.start[n]],
        come_back=question.come_back) for n in conflict.lpars if n in site.start}
    return replace(conflict, unstated=unproved(refused), lifts=(*conflict.lifts, *_closed_by_policies(refused)))


def _closed_by_policies(refused: Refused) -> Iterator[str]:
    """Servers that nothing but policies closes to LPARs: what would open them."""
    closed = grouped((s, (n, why)) for n, by_server in refused.items() for s, why in by_server.items()
                     if s and why and all(f.rule.startswith("policy.") for f in why))
    for s, of in sorted(closed.items()):
        fixes = dict.fromkeys(f.fix for _, why in of for f in why)
        yield f"or open {s}, which policies alone close to {some(n for n, _ in of)}: {'; '.join(fixes)}"


def refusals_of(judge: Judge, lpar: str, servers: Sequence[str], *, come_back: bool) -> dict[str, list[Finding]]:
    """Server → why an LPAR may not go there, or not come home from there when it must; "": why it may not move."""
    ready = errors(judge.readiness(lpar))
    return {"": list(ready)} if ready else {s: _refused(judge, lpar, s, come_back=come_back) for s in servers}


def reasons_of(refused: Refused) -> dict[str, dict[str, list[WhyNot]]]:
    """LPAR → server → reasons."""
    return {n: {s: [WhyNot(f.rule, f.message, f.fix) for f in why] for s, why in by_server.items()}
            for n, by_server in refused.items()}


def _refused(judge: Judge, lpar: str, server: str, *, come_back: bool) -> list[Finding]:
    here = judge.site.start[lpar]
    home = judge.site.homes.get(lpar, here)
    refusals = list(errors(judge.move(lpar, here, server)))
    if not refusals and come_back and server != home:
        refusals = [replace(f, message=f"the way back: {f.message}", fix=_by_steps(judge, f, server, home))
                    for f in errors(judge.homeward.move(lpar, server, home))]
    return refusals


def _by_steps(judge: Judge, refusal: Finding, server: str, home: str) -> str:
    """How a way home that a new firmware level closes can be opened: by a level that goes with both."""
    now, then = judge.site.servers, judge.homeward.site.servers
    old, new = now[server].firmware, then[home].firmware
    if refusal.rule != "server.firmware" or new == now[home].firmware:
        return refusal.fix
    if goes_with(now[home].firmware, old, new):
        return f"in this order it works: {server} to {new} and everybody home, then {home} to {new}"
    steps = in_between(old, new)
    if not steps:
        return f"no level that is known here goes with both {old} and {new}: look it up in IBM's matrix"
    return (f"in this order it works: {home} to {steps[-1]} and everybody home, {server} to {new} and everybody home, "
            f"then {home} to {new} (levels that go with both: {', '.join(steps)})")


def stranded(question: Unanswered, names: Sequence[str]) -> Conflict:
    """LPARs that no rule lets go anywhere: each is a conflict of its own."""
    refused = {n: refusals_of(question.judge, n, question.survivors, come_back=question.come_back) for n in names}
    refusals = reasons_of(refused)
    if not question.survivors:
        return Conflict("every server of the estate is to be freed: there is none to go to", tuple(names), (), (),
                        ("free fewer servers",), refusals)
    units, mib = _too_large(question.site, refusals)
    start, judge = question.site.start, question.judge
    back = any(s and not errors(judge.move(n, start[n], s)) for n, by_server in refused.items() for s in by_server)
    what = _nowhere(names, {} if units or mib else refusals, back=back)
    if units or mib:
        what += f"; the other servers lack {_amounts(units, mib)} for {_them(names)} even without any other LPAR"
    leave = " ".join(f"--leave {n}" for n in names[:5]) + (" …" if len(names) > 5 else "")
    lifts = dict.fromkeys((*(x for n, by_server in refusals.items() for x in mends(n, by_server)),
                           f"or stop and leave them there: {leave}"))
    servers = sorted({s for by_server in refusals.values() for s in by_server if s})
    rules = dict.fromkeys(r.rule for by_server in refusals.values() for why in by_server.values() for r in why)
    return Conflict(what, tuple(names), tuple(servers), tuple(rules), tuple(lifts), refusals, shortfall(units, mib),
                    irreducible=len(names) == 1, unstated=unproved(refused, alone=True))


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _amounts(units: Mapping[str, int], mib: Mapping[str, int], others: Sequence[str] = ()) -> str:
    """What all servers lack together, of processors, of memory and of ``others``."""
    cores, memory = sum(units.values()), sum(mib.values())
    lacking = [*([f"{show_cores(cores)} cores"] if cores or not (memory or others) else ()),
               *([f"{show_gib(memory)} GiB of memory"] if memory else ()), *others]
    return " and ".join((", ".join(lacking[:-1]), lacking[-1]) if lacking[1:] else lacking)


def _nowhere(names: Sequence[str], refusals: Mapping[str, Mapping[str, Sequence[WhyNot]]], *, back: bool) -> str:
    home = " from which it could come home" if back else ""
    if len(names) == 1:
        return f"{names[0]} may go to no other server{home}{_reason(refusals.get(names[0], {}))}"
    told = [f"{n}{_reason(refusals.get(n, {}))}" for n in names[:_TOLD]]
    more = f", … ({len(names)} in all)" if len(names) > _TOLD else ""
    return (f"{len(names)} LPARs may go to no other server; each of them alone makes it impossible: "
            f"{', '.join(told)}{more}" + (" (the way back counts: see the reasons)" if back else ""))


_TOLD = 4
"""LPARs that a sentence names with their reasons."""


def _reason(refusals: Mapping[str, Sequence[WhyNot]]) -> str:
    """The reason that holds everywhere, where there is one."""
    everywhere = [{r.message for r in why} for why in refusals.values() if why]
    common = sorted(set.intersection(*everywhere)) if everywhere else []
    return f" ({common[0]})" if common else ""


def _too_large(site: Site, refusals: Mapping[str, Mapping[str, Sequence[WhyNot]]]
               ) -> tuple[dict[str, int], dict[str, int]]:
    """What the nearest server lacks for each LPAR that only its size keeps from going anywhere."""
    units: dict[str, int] = {}
    mib: dict[str, int] = {}
    for name, by_server in refusals.items():
        options = []
        for server, reasons in by_server.items():
            if server and all(REGISTRY[why.rule].fits for why in reasons):
                lacking = [ledger.takes(site, r, name, server)[WHOLE] - r.limits(site, server)[WHOLE]
                           for r in (MEMORY, PROCESSORS)]
                options.append((max(0, lacking[0]), max(0, lacking[1]), server))
        if options:
            memory, processors, server = min(options)
            if memory:
                mib[server] = max(mib.get(server, 0), memory)
            if processors:
                units[server] = max(units.get(server, 0), processors)
    return units, mib


class Lazy(Protocol):
    """A program of which some rows are added only when a solution breaks them."""

    program: Program

    def mend(self, solution: Solution) -> int: ...


def _infeasible(model: Lazy, gone: set[Tag], until: float) -> bool | None:
    """Whether the rows that are not ``gone`` are, with all that solutions turn out to break: True or False when proved,
    None when time ran out."""
    while (left := until - now()) > 0:
        bare = model.program.without(*gone)
        bare.minimise({})
        solution, known = solve(bare, left), len(model.program.rows)
        if not solution.found:
            return True if solution.outcome is Outcome.INFEASIBLE else None
        if not model.mend(solution) or gone.issuperset(r.tag for r in model.program.rows[known:]):
            return False
    return None


def reduced(model: Lazy, until: float) -> tuple[list[Tag], bool]:
    """Deletion filter over the rows' tags: what is left is infeasible, and irreducible when time allowed. Many are
    tried together, then by halves: it ends with what one after the other would leave."""
    dropped: set[Tag] = set()
    tried: set[Tag] = set()
    complete = True
    while now() < until and (tags := [t for t in _tags(model.program) if t not in tried]):
        tried.update(tags)
        parts = [tags]
        while parts and now() < until:
            part = parts.pop()
            proved = _infeasible(model, dropped.union(part), until)
            if proved:
                dropped.update(part)
            elif len(part) > 1:
                half = len(part) // 2
                parts += [part[half:], part[:half]]
            elif proved is None:
                complete = False
        complete = complete and not parts
    kept = [t for t in _tags(model.program) if t not in dropped]
    return kept, complete and tried.issuperset(kept)


def _tags(program: Program) -> list[Tag]:
    """What can be dropped: servers first, then groups, so that few rules stay; LPARs after them."""
    tags = dict.fromkeys(r.tag for r in program.rows if r.tag != CUT)
    return sorted(tags, key=lambda t: (t.rule == ONE_PLACE, t.family == "policy"))


@dataclass(frozen=True, slots=True)
class _Short:
    """What survivors lack: hundredths of a core and MiB by server; ``lifts``: what would do, for a person."""

    units: dict[str, int] = field(default_factory=dict)
    mib: dict[str, int] = field(default_factory=dict)
    lifts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """What they lack of anything else, for a person."""
    hours: tuple[str, ...] = ()
    """Of usage: hour, server or pool, and cores, where the least is lacking."""
    alone: bool = False
    """It is what the conflict's own rows lack, beside which groups conflict."""


def _wherever(others: int) -> str:
    """That so many more LPARs may be put anywhere; "" where there are none."""
    if others < 1:
        return ""
    return f" (wherever {'1 LPAR that runs' if others == 1 else f'{others} LPARs that run'} there and may move " + (
        "is put)" if others == 1 else "are put)")


def _elastic(model: PlacementProgram, until: float, rows: Collection[Tag] | None = None
             ) -> tuple[dict[Tag, int], dict[str, str]]:
    """The least that rows of what is used up lack, as shares of what the survivors have of each, and the placement that
    lacks so little; nothing when groups alone conflict. ``rows``: of these alone; None: all."""
    program, site = model.program.without(), model.site
    program.rows = [r for r in program.rows if rows is None or r.tag in rows]
    units = sum(site.limit(s).units for s in model.survivors)
    whole = {r.rule: sum(sum(r.limits(site, s).values()) for s in model.survivors) for r in ledger.RESOURCES}
    whole |= {PROCESSORS.rule: units, POOLS.rule: units, _USAGE: 10 * units, _POOL_USAGE: 10 * units,
              MEMORY.rule: sum(site.limit(s).memory_mib for s in model.survivors)}
    slack: dict[Tag, int] = {}
    program.objective = {}
    for number, row in enumerate(program.rows):
        if row.tag.rule in whole:
            if row.tag not in slack:
                slack[row.tag] = program.variable(10_000_000, "lacking", str(row.tag))
                program.objective[slack[row.tag]] = max(1, round(1e9 / max(whole[row.tag.rule], 1)))
            terms, rhs = row.stated
            program.rows[number] = replace(row, terms={**terms, slack[row.tag]: -1}, rhs=rhs, divisor=1, rest=0)
    answer = solve(program, max(until - now(), 0.05), 0.001)
    if not answer.found:
        return {}, {}
    return {tag: answer.values[i] for tag, i in slack.items() if answer.values[i]}, model.placement(answer)


def _hours(model: PlacementProgram, lacking: Iterable[Tag], where: Mapping[str, str]) -> Iterator[str]:
    """``2026-11-30 10:00, a month-end day: pool 1 of B would use 12.80 of 12.00 cores``."""
    holders = inverted(sorted({**model.site.start, **where}.items()), model.survivors)
    used = [t for t in lacking if t.rule in (_USAGE, _POOL_USAGE)]
    for s, part in dict.fromkeys((t.subject, t.part) for t in used):
        if worst := model.site.used.worst(s, holders[s], int(part) if part else None):
            what = f"pool {pool_words(model.site, s, part)} of {s}" if part else s
            yield (f"{worst[2]}: {what} would use {show_cores(-(-worst[0] // 10))} of {show_cores(worst[1] // 10)} "
                   "cores")


def _least_lacking(model: PlacementProgram, until: float, rows: Collection[Tag]
                   ) -> tuple[dict[Tag, int], dict[str, str], bool]:
    """See :func:`_elastic`; of these rows alone, and that it is so, where groups alone conflict as well."""
    lacking, where = _elastic(model, until)
    return (lacking, where, False) if lacking else (*_elastic(model, until, rows), True)


def _shortage(model: PlacementProgram, until: float, rows: Collection[Tag]) -> _Short:
    """What rows lack, counted from the limits: a server that held more than its limit lacks that as well. A server's
    cores include those of its pools."""
    lacking, where, alone = _least_lacking(model, until, rows)
    units: dict[str, int] = {tag.subject: -(-lacking[tag] // 10) for tag in sorted(lacking, key=str)
                             if tag.rule == _USAGE}
    mib: dict[str, int] = {}
    pooled: dict[str, int] = {}
    lifts: list[str] = []
    others: list[str] = []
    for tag in sorted((t for t in lacking if t.rule == _POOL_USAGE), key=str):
        s, amount = tag.subject, -(-lacking[tag] // 10)
        units[s], pooled[s] = max(units.get(s, 0), amount), max(pooled.get(s, 0), amount)
        lifts.append(POOLS.more(amount, s, tag.part, model.site))
    for resource in sorted(ledger.RESOURCES, key=lambda r: r is not POOLS):
        for tag in sorted((t for t in lacking if t.rule == resource.rule), key=str):
            s = tag.subject
            over = model.room(resource, s)[tag.part] - resource.limits(model.site, s)[tag.part]
            amount = lacking[tag] + over
            if resource is MEMORY:
                mib[s] = amount
            if resource in (PROCESSORS, POOLS):
                units[s] = max(units.get(s, 0), amount)
            if resource is POOLS:
                pooled[s] = max(pooled.get(s, 0), amount)
            if resource is not PROCESSORS:
                lifts.append(resource.more(amount, s, tag.part, model.site))
            if resource not in (PROCESSORS, POOLS, MEMORY):
                others.append(lifts[-1].replace(" more ", " ", 1))
        if resource is PROCESSORS:
            lifts += [resource.more(u, s, "", model.site) for s, u in sorted(units.items()) if u > pooled.get(s, 0)]
    if alone and lifts:
        lifts = ["lift the policies on groups, which leave no placement either, and give " + " and ".join(lifts)]
    return _Short(units, mib, tuple(lifts), tuple(others), tuple(_hours(model, sorted(lacking, key=str), where)), alone)


def _left_behind(model: PlacementProgram, until: float) -> list[str]:
    """The fewest displaced LPARs that would have to stay for the others to go; [] when that is not known."""
    program = model.program.without()
    stay = {n: program.variable(1, n, "stays behind") for n in model.candidates.cost if n in model.displaced}
    for number, row in enumerate(program.rows):
        if row.tag.rule == ONE_PLACE and row.tag.subject in stay:
            program.rows[number] = replace(row, terms={**row.terms, stay[row.tag.subject]: 1})
    program.minimise(dict.fromkeys(stay.values(), 1))
    answer = solve(program, max(until - now(), 0.05))
    return [n for n, i in stay.items() if answer.values[i]] if answer.found else []


def of_program(model: PlacementProgram, deadline: float) -> Conflict:
    """The conflict behind a placement that is proved impossible."""
    until = min(max(deadline, now() + 2.0), now() + _BUDGET_S)
    model.fill_fullest_slots()
    tags, complete = reduced(model, until)
    named = [t.subject for t in tags if t.rule == ONE_PLACE]
    lpars = tuple(n for n in named if n in model.displaced)
    rows = [t for t in tags if t.rule != ONE_PLACE]
    servers = sorted({t.subject for t in rows if t.family != "policy"})
    short = _shortage(model, max(until, now() + 2), tags) if servers else _Short()
    held_back = " and ".join(tightenings(model.site, short.units, short.mib))
    lifts = [*filter(None, [" and ".join(short.lifts), held_back and f"as far as that gives it, {held_back}"]),
             *(f"lift {t.rule} ({t.subject})" for t in rows if t.family == "policy")]
    behind = _left_behind(model, max(until, now() + 2))
    if behind and len(behind) < len(model.displaced):
        lifts.append("leave behind and stop: " + ", ".join(sorted(behind)))
    summary = _summary(model.site, lpars, rows, short, goes=bool(model.displaced))
    summary += _wherever(len(named) - len(lpars))
    rules = tuple(dict.fromkeys(t.rule for t in rows))
    return Conflict(summary, lpars, servers=tuple(servers), rules=rules, lifts=either(lifts),
                    shortfall={} if short.alone else shortfall(short.units, short.mib), irreducible=complete)


def in_sum(site: Site, displaced: Collection[str], survivors: Sequence[str]) -> Conflict | None:
    """The conflict where all that must go or stands on the survivors takes more cores, memory or virtual ports of a
    fabric than they have together, whoever goes where; None where sums lack nothing. No program is asked; less may do
    than what is named."""
    leaving, staying = {*displaced}, {*survivors}
    those = [n for n, s in site.start.items() if n in leaving or s in staying]
    unlike = {site.servers[s].lmb_mib: s for s in survivors}.values()  # as :meth:`Site.demand` tells them apart
    lacks: dict[str, int] = {}
    for resource in (PROCESSORS, MEMORY):
        least = sum(min(ledger.takes(site, resource, n, s)[WHOLE] for s in unlike) for n in those)
        if (short := least - sum(ledger.allowed(site, resource, s)[WHOLE] for s in survivors)) > 0:
            lacks[resource.rule] = short
    ports = _ports_lacking(site, those, staying)
    if not (lacks or ports):
        return None
    units, mib = lacks.get(PROCESSORS.rule, 0), lacks.get(MEMORY.rule, 0)
    amounts = _amounts({"": units} if units else {}, {"": mib} if mib else {}, ports)
    return Conflict(f"the other servers lack {amounts} in sum for what must go{_wherever(len(those) - len(displaced))}",
                    tuple(sorted(displaced)), tuple(survivors), (*lacks, *(["storage.npiv-ports"] if ports else ())),
                    either((f"give the other servers {amounts} more", "free fewer servers, or leave LPARs behind and "
                            "stop them")), irreducible=False)


def _ports_lacking(site: Site, those: Collection[str], servers: set[str]) -> list[str]:
    """Of each fabric the virtual ports that servers lack in all, when these LPARs are on them: one an adapter. Who
    stands there over a port that no listing shows may stay so; a server of which none shows any port might have more.
    """
    reach = site.reach
    if not servers <= {reach.server_of.get(vios) for vios in reach.ported}:
        return []
    wanted = Counter(f.fabric for n in those for f in reach.fibres_of(n) if site.start[n] not in servers or (
        (f.vios, f.fabric) in reach.port_room and reach.server_of.get(f.vios) in servers))
    for (vios, fabric), room in reach.port_room.items():
        if reach.server_of.get(vios) in servers:
            wanted[fabric] -= room
    return [f"{many(short, 'virtual port')} of fabric {fabric}" for fabric, short in sorted(wanted.items()) if (
        short > 0 and fabric != SLOTS)]


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


def _summary(site: Site, lpars: Sequence[str], rows: Sequence[Tag], short: _Short, *, goes: bool) -> str:
    """``goes``: whether any LPAR must go."""
    few = 0 < len(lpars) <= _NAMED
    used_up, groups = [t for t in rows if t.family != "policy"], [t for t in rows if t.family == "policy"]
    parts = [_lack(lpars if few else (), used_up, short, goes=goes)] if used_up or short.others else []
    if groups:
        parts.append(f"{' and '.join(group_words(site, t.rule, t.subject) for t in groups)} leaves no placement"
                     + (f" for {', '.join(lpars)}" if few else ""))
    return "; ".join(parts) or f"no placement of {', '.join(lpars) or 'the LPARs'} keeps every rule"


def group_words(site: Site, rule: str, name: str) -> str:
    """``keeping a1, a2 apart (policy.keep-apart: central instances)``."""
    of: Mapping[str, tuple[str, Sequence[Group]]] = {
        "policy.keep-apart": ("keeping {} apart", site.policies.apart),
        "policy.cluster": ("keeping the cluster nodes {} apart", site.policies.clusters),
        "policy.keep-together": ("keeping {} together", site.policies.together)}
    words, groups = of.get(rule, ("", ()))
    members = next((g.members for g in groups if g.name == name), ())
    if not members:
        return f"{rule} ({name})"
    return f"{words.format(some(members, _NAMED))} ({rule}: {name})"


def _lack(lpars: Sequence[str], used_up: Sequence[Tag], short: _Short, *, goes: bool) -> str:
    """What is lacking of what is used up, for these LPARs, where, and as measured when."""
    who, whom = ("the other servers lack", "what must go") if goes else ("the servers lack", "what runs on them")
    rules = {t.rule for t in used_up}
    lacking = _amounts(short.units, short.mib, short.others) if short.units or short.mib or short.others else (
        f"room ({', '.join(sorted(rules))}; how much was not worked out in the time)")
    named = f": {', '.join(lpars)} to {' or '.join(dict.fromkeys(t.subject for t in used_up[:4]))}" if lpars else ""
    measured = rules & {_USAGE, _POOL_USAGE} and not rules & {PROCESSORS.rule, POOLS.rule} and short.hours
    peak = f" (as measured: the peak of the sum, such as {short.hours[0]})" if measured else ""
    return f"{who} {lacking} for {whom}{named}{peak}"
