"""What a plan claims to be proved, proved anew (``verify --prove``): that nothing costs less, or that there is none.

The program is made here, of estate, question and rules, and knows nothing of the optimiser's: one place an LPAR, the
sums of ``counts.py``, groups. Whatever else refuses what a search finds is cut off as the replay's own checks say it.
Rows that are left out let more placements in, so what is proved of these holds for fewer. Of each LPAR the straight way
to its place counts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from planner.estate.model import Estate
from planner.estate.saved import digest
from planner.findings import Finding, Severity, errors
from planner.grouping import grouped, inverted
from planner.plan.choices import OUT, By, Measure, Status
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Headroom, Resume, Whatif
from planner.rules import Judge, Scope, Site
from planner.rules.base import REGISTRY
from planner.stopwatch import now
from planner.units import show_duration, some
from planner.verify.account import stays_on
from planner.verify.base import broken
from planner.verify.claims import surcharged
from planner.verify.counts import lacking, limits
from planner.verify.engines import Bounding, Certificate, Claimed, certificate, searched
from planner.verify.goals import Course, reached
from planner.verify.licences import licences_over
from planner.verify.unreachable import never_reached
from planner.verify.used import too_much_used

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.history.usage import Usage

_MOST = 200_000
"""Pairs of LPAR and server up to which a program is made."""
_PLACE, _APART, _TOGETHER, _MEASURE = "one place", "policy.keep-apart", "policy.keep-together", "measure"
_SAME_S = 0.2
_FINE, _WEIGHED = 1000, 10_000
"""Costs are in thousandths of what a plan states, ms; what stays on in ten-thousandths: of a watt, a core, a server."""


class Proven(StrEnum):
    """What became of a claim."""

    PROVED = "proved"
    REFUTED = "refuted"
    OPEN = "not proved"
    UNSEEN = "not looked at"


@dataclass(frozen=True, slots=True)
class Proof:
    """A claim, what became of it, ``by`` what, and in words what was looked at. ``certificate``: the multipliers that
    prove it when the rows are added up, for who wants to do so."""

    claim: str
    verdict: Proven
    by: str
    told: str
    certificate: Certificate | None = None

    def finding(self) -> Finding:
        """An error where it is refuted, a warning where it is not proved."""
        severity = {Proven.REFUTED: Severity.ERROR, Proven.OPEN: Severity.WARNING}
        told = f"{self.claim}: {self.verdict}{f' by {self.by}' if self.by else ''}; {self.told}"
        return Finding("plan.proof", severity.get(self.verdict, Severity.INFO), "plan", told)

    def as_json(self) -> dict[str, Any]:
        """With what proves it."""
        told: dict[str, Any] = {"claim": self.claim, "verdict": self.verdict, "by": self.by, "told": self.told}
        return told | ({"certificate": self.certificate.as_json()} if self.certificate else {})


_NOT_LOOKED_AT = {Measure.LICENCES: "licence cores", Measure.METERED: "core-minutes"}


def _proofs(plan: Plan, site: Site, judge: Judge, seconds: float) -> list[Proof]:
    if plan.conflict is not None and plan.conflict.states:
        return [_without_order(plan, site, judge)]
    if plan.status is Status.INFEASIBLE:
        return [*_impossible(_Placements(plan, site, judge), seconds)]
    if plan.status not in (Status.OPTIMAL, Status.FEASIBLE):
        return []
    shortest = [_shortest(plan, site, leg, least) for leg, least in plan.at_least_s.items()]
    if not isinstance(plan.goal, Consolidate):
        return [_bounded(_Placements(plan, site, judge), "bound (s)", plan.bound or 0.0, seconds), *shortest]
    if plan.goal.measure in _NOT_LOOKED_AT:
        what = _NOT_LOOKED_AT[plan.goal.measure]
        return [Proof("bounds of its levels", Proven.OPEN, "", f"{what} are not looked at here"), *shortest]
    first, second = (_Placements(plan, site, judge, level=n) for n in (0, 1))
    names = [f"bound of {x.name} ({x.unit})" for x in plan.levels]
    return [_bounded(of, name, x.bound, seconds)
            for of, name, x in zip((first, second), names, plan.levels, strict=True)] + shortest


def exit_code(found: Sequence[Proof]) -> int:
    """0 all that was looked at is proved; 1 something is refuted; 4 something is not proved."""
    became = {p.verdict for p in found}
    return 1 if Proven.REFUTED in became else 4 if Proven.OPEN in became else 0


def proofs(plan: Plan, estate: Estate, usage: Usage | None = None, seconds: float = 60.0) -> list[Proof]:
    """What a plan claims of bounds and impossibility, proved anew within so many seconds for each claim; ``usage``:
    what it was made with."""
    claim = "what it claims to be proved"
    if plan.altered:
        return [Proof(claim, Proven.REFUTED, "its seal", f"it is not as the planner wrote it: {plan.altered[0]}")]
    if plan.estate_digest != digest(estate):
        return [Proof(claim, Proven.OPEN, "", "it is claimed of another estate")]
    if plan.goal.usage and usage is None:
        return [Proof(claim, Proven.OPEN, "", "it was made with a usage history: --history FILE")]
    site = Site(estate, usage=usage, goal=plan.goal)
    if len(site.start) * len(site.servers) > _MOST:
        return [Proof(claim, Proven.OPEN, "", "the site is too large for this proof")]
    return _proofs(plan, site, Judge(site), seconds)


def _without_order(plan: Plan, site: Site, judge: Judge) -> Proof:
    """That placements may be there, and no order of moves leads to one."""
    claim = "that no order of moves reaches the goal"
    if never_reached(plan, site, judge):
        return Proof(claim, Proven.PROVED, "all states", "none of the states that moves can reach is as asked")
    return Proof(claim, Proven.OPEN, "", "it cannot be worked out again")


def _shortest(plan: Plan, site: Site, leg: str, least: float) -> Proof:
    """That a way takes at least so long: proved where its longest move alone does."""
    claim = f"least time of the way {leg} ({show_duration(least)})"
    longest = max((site.solo(m.lpar, m.source, m.target).duration_ms for m in plan.leg(leg)), default=0) / _FINE
    told = f"its longest move alone takes {show_duration(longest)}"
    if longest + _SAME_S >= least:
        return Proof(claim, Proven.PROVED, "exact arithmetic", told)
    return Proof(claim, Proven.UNSEEN, "", f"{told}; how moves share movers and links is not looked at here")


class _Placements:
    """Every placement that the question allows, as a program; more, where a rule has no row here."""

    def __init__(self, plan: Plan, site: Site, judge: Judge, level: int | None = None) -> None:
        self.plan, self.site, self.judge, self.goal, self.level = plan, site, judge, plan.goal, level
        self.freed = {*self.goal.freed, *(self.goal.off if isinstance(self.goal, Consolidate) else ())}
        self.program = Claimed()
        self.x: dict[tuple[str, str], int] = {}
        self.must = [n for n, s in site.start.items() if s in self.freed and n not in self.goal.left]
        self.ends = {n: self._ends(n) for n in site.start}
        for n, places in self.ends.items():
            for s, cost in places.items():
                self.x[n, s] = self.program.variable(f"{n} on {s}", cost)
            self.row(_PLACE, n, {self.x[n, s]: 1 for s in places}, 1, equal=True)
        self.on = {s: self.program.variable(f"{s} stays on") for s in site.servers
                   if level is not None and s not in self.freed}
        here = grouped((s, (n, i)) for (n, s), i in self.x.items())
        for s in site.servers:
            if s not in self.freed:
                self._sums(s, here.get(s, []))
                self._kept_apart(s)
        self._kept_together()
        if level is not None:
            self._measured(level)

    def row(self, rule: str, subject: str, terms: Mapping[int, int], most: int, *, equal: bool = False) -> None:
        self.program.rows.append(Bounding(rule, subject, {i: c for i, c in terms.items() if c}, most, equal))

    def _ends(self, name: str) -> dict[str, int]:
        """Where an LPAR may end, with what it costs to go there and, where that counts, home."""
        start, judge, back = self.site.start[name], self.judge, self.judge.homeward
        home = self.site.homes.get(name, start)
        placed = self.goal.places.get(name) if isinstance(self.goal, Resume) and name not in self.goal.unmoved else None

        def may(server: str) -> bool:
            if placed not in (None, server) or (server in self.freed and server != start):
                return False
            if server == start:
                return name not in self.must or placed == start
            return name not in self.goal.unmoved and judge.allowed(name, start, server) and (
                not self.goal.come_back or server == home or back.allowed(name, server, home))

        def cost(server: str) -> int:
            out = surcharged(name, start, server, judge) if server != start else 0
            again = self.goal.come_back and self.goal.back_counts and server != home
            return round(out + (surcharged(name, server, home, back) if again else 0))

        return {s: cost(s) for s in self.site.servers if may(s)}

    def _sums(self, server: str, here: Sequence[tuple[str, int]]) -> None:
        """What LPARs hold of a server together; of one whose room is asked for what is to be left of it."""
        goal, limit, base = self.goal, self.site.limit(server), self.site.base(server)
        left = {}
        if isinstance(goal, Headroom) and goal.server == server:
            if goal.units and goal.by is not By.USAGE:
                left["processor.capacity"] = limit.units - base.units - goal.units
            if goal.memory_mib:
                left["memory.capacity"] = limit.memory_mib - base.memory_mib - goal.memory_mib
        for one in limits(self.site, server):
            terms = {i: one.of(n) for n, i in here}
            most = left.get(one.rule, one.most)
            self.row(one.rule, server, terms, most)
            if server in self.on:
                self.row(one.rule, server, {**terms, self.on[server]: -max(most, 0)}, 0)
        for _, i in here if server in self.on else ():
            self.row("on", server, {i: 1, self.on[server]: -1}, 0)

    def _kept_apart(self, server: str) -> None:
        for rule, group in self.site.policies.kept_apart():
            old = set().union(*self.site.sharing(group.members, server))
            members = [n for n in group.members if (n, server) in self.x]
            new = {self.x[n, server]: 1 for n in members if n not in old}
            if len(new) > 1:
                self.row(rule, group.name, new, 1)
            for a, b in combinations(members, 2):
                if {a, b} & old and not self.site.may_share(a, b, server):
                    self.row(rule, group.name, {self.x[a, server]: 1, self.x[b, server]: 1}, 1)

    def _kept_together(self) -> None:
        """Groups of which one must go; whether others go at all is left to them."""
        for group in self.site.policies.together:
            members = [n for n in group.members if n in self.ends]
            for other in members[1:] if {*members} & {*self.must} else ():
                for s in self.site.servers:
                    pair = {self.x[n, s]: sign for n, sign in ((members[0], 1), (other, -1)) if (n, s) in self.x}
                    if pair:
                        self.row(_TOGETHER, group.name, pair, 0, equal=True)

    def _measured(self, level: int) -> None:
        """What stays on is made least, or is no more than it is in the plan while the moves are."""
        goal, site, costs = self.goal, self.site, self.program.cost
        assert isinstance(goal, Consolidate)
        everything = {*site.servers}
        idle = self.plan.levels[0].name.endswith("idle")
        weight = partial(stays_on, site, measure=goal.measure, idle=idle)
        terms = {i: round(_WEIGHED * weight({}, everything - {s})) for s, i in self.on.items()}
        if goal.measure is Measure.WATTS and not idle:
            alone = {s: weight({}, everything - {s}) for s in self.on}
            terms |= {i: round(_WEIGHED * (weight({n: s}, everything - {s}) - alone[s]))
                      for (n, s), i in self.x.items() if s in self.on}
        for s in goal.keep:
            self.row(_MEASURE, s, {self.on[s]: 1}, 1, equal=True)
        if level:
            self.row(_MEASURE, "plan", terms, math.ceil(_WEIGHED * self.plan.levels[0].objective + self.slack(0)))
        else:
            costs[:] = [terms.get(i, 0) for i in range(len(costs))]

    @property
    def fine(self) -> int:
        """How many of the costs are one of what the plan states."""
        return _WEIGHED if self.level == 0 else _FINE

    def slack(self, level: int | None) -> float:
        """By how much a bound may be off, as costs are counted: a ms, a mW, or a millionth, which no solver sees."""
        fine = _WEIGHED if level == 0 else _FINE
        claimed = fine * (self.plan.levels[level].objective if level is not None else self.plan.objective or 0.0)
        return max(fine / 1000, 1e-6 * claimed)

    @property
    def refutable(self) -> bool:
        """Whether all that must hold of an answer is known here: not what follows the moves of a what-if, nor where
        LPARs restart when a server fails, nor what a level leaves out of its scope, such as what a window has no time
        for."""
        plan, goal = self.plan, self.goal
        if isinstance(goal, Consolidate):
            return not goal.n_plus_1 and (plan.window is None or plan.status is Status.OPTIMAL) and (
                self.level != 1 or plan.levels[0].bound == plan.levels[0].objective)
        return not isinstance(goal, Whatif)

    def where(self, values: Sequence[int]) -> dict[str, str]:
        """LPAR → server."""
        return {n: s for (n, s), i in self.x.items() if values[i]}

    def own(self) -> list[int]:
        """The values of the plan's own placement, [] where it is not among those that are looked at."""
        after = self.site.start | {m.lpar: m.target for m in self.plan.leg(OUT)}
        values = [0] * len(self.program.cost)
        for n, s in after.items():
            if (n, s) not in self.x:
                return []
            values[self.x[n, s]] = 1
        for s, i in self.on.items():
            values[i] = int(s not in self.plan.off)
        sums = ((row, sum(c * values[i] for i, c in row.terms.items())) for row in self.program.rows)
        return values if all(n == row.most if row.equal else n <= row.most for row, n in sums) else []

    def wrong(self, where: Mapping[str, str]) -> list[Finding]:
        """What the rules and the replay's own counts refuse of these LPARs in these places."""
        site, there = self.site, inverted(where.items(), self.site.servers)
        found = [*self.judge.placement(where), *licences_over(site, where), *too_much_used(
            site, {s: [site.lpars[n] for n in names] for s, names in there.items()})]
        for s, names in there.items():
            found += lacking(site, s, names)
        if not isinstance(self.goal, Consolidate):
            found += reached(self.goal, Course(self.plan.replace(moves=()), site, self.judge, where, where, {}))
        elif self.level and self.measure(where) > self.plan.levels[0].objective + 1e-6:
            found.append(broken(_MEASURE, "", "more stays on"))
        return list(errors(found))

    def measure(self, where: Mapping[str, str]) -> float:
        """What stays on of a consolidation: every server but those that nobody is on and that may go off."""
        goal = self.goal
        assert isinstance(goal, Consolidate)
        off = {s for s in self.site.servers if s in self.freed or not (s in goal.keep or s in where.values())}
        return stays_on(self.site, where, off, goal.measure, self.plan.levels[0].name.endswith("idle"))

    def cost(self, where: Mapping[str, str], values: Sequence[int]) -> float:
        """What a placement costs, as costs are counted."""
        if self.level == 0:
            return self.fine * self.measure(where)
        return sum(c for c, v in zip(self.program.cost, values, strict=True) if v)

    def cut(self, where: Mapping[str, str], found: Sequence[Finding]) -> None:
        """Let this not come again: of each server that is refused those who are there, and as few of them as are
        refused alike; else all of it. (More LPARs never mend what a server is refused for.)"""
        servers = {f.subject for f in found} & self.site.servers.keys()
        for server in servers:
            few = {n: s for n, s in where.items() if s == server}
            for n in [*few] if len(few) < _FEW else ():
                rest = {m: s for m, s in few.items() if m != n}
                if any(f.subject == server for f in self.wrong(rest)):
                    few = rest
            self.row("refused", server, {self.x[pair]: 1 for pair in few.items()}, len(few) - 1)
        if not servers:
            self.row("refused", "", {self.x[pair]: 1 for pair in where.items()}, len(where) - 1)

    def ordered(self, where: Mapping[str, str]) -> bool:
        """Whether its moves can be made one after the other, each holding both sides: one order is looked for."""
        site, at = self.site, dict(self.site.start)
        left = [n for n, s in where.items() if s != at[n]]
        while left:
            for n in left:
                both = {m: (s,) for m, s in at.items()} | {n: (at[n], where[n])}
                there = [m for m, s in at.items() if s == where[n]] + [n]
                if not errors([*self.judge.server(where[n], there), *lacking(site, where[n], there),
                               *self.judge.groups(both, end=False)]):
                    break
            else:
                return False
            at[n] = where[n]
            left.remove(n)
        return True


_TRIES = 300
"""Placements that a search looks at."""
_WITHOUT_ORDER = 10
"""So many of which no order is found are enough."""
_FEW = 40
"""LPARs of a server of which fewer are looked for that are refused alike."""


def _bounded(of: _Placements, claim: str, bound: float, seconds: float) -> Proof:
    """Whether every placement costs as much as a bound says, as costs are counted."""
    claim, target = f"{claim} {bound:,.3f}", math.ceil(of.fine * bound - of.slack(of.level))
    if target <= 0:
        return Proof(claim, Proven.PROVED, "itself", "nothing costs less than nothing")
    own = of.own()
    if not own:
        return Proof(claim, Proven.OPEN, "", "the plan's own places are not among those that this proof looks at")
    if (cost := of.cost(of.where(own), own)) < target:
        return Proof(claim, Proven.REFUTED, "the plan itself", f"its places cost {cost / of.fine:,.3f}")
    by = certificate(of.program)
    if math.ceil(by.least()) >= target:
        return _exactly(claim, by)
    return _search(of, claim, target, seconds)


def _exactly(claim: str, by: Certificate) -> Proof:
    rows = [row for row, _ in by.used()]
    return Proof(claim, Proven.PROVED, "exact arithmetic", f"{len(rows)} rows added up ("
                 f"{', '.join(sorted({row.rule for row in rows}))})", by)


def _search(of: _Placements, claim: str, target: float, seconds: float, *, alone: bool = False) -> Proof:
    """By search: no placement below ``target``, or one; what the replay refuses of those found is cut off, unless the
    rows are to do ``alone``."""
    until, cuts, unordered = now() + seconds, 0, list[str]()
    for _ in range(_TRIES):
        left = until - now()
        if left <= 0:
            break
        found = searched(of.program, left)
        if found.least >= target - 1e-6 and not unordered:
            told = f"no placement costs less ({len(of.program.rows) - cuts} rows, {cuts} cuts)"
            return Proof(claim, Proven.PROVED, "CP-SAT", told)
        if not found.values:
            break
        where = of.where(found.values)
        refused = [] if alone else of.wrong(where)
        if not refused:
            cost = of.cost(where, found.values)
            if cost >= target:
                break
            told = _told(of, where, cost)
            if alone or (of.refutable and of.ordered(where)):
                return Proof(claim, Proven.REFUTED, "a placement that keeps the rules", told)
            unordered = [*unordered, told]
            if not of.refutable or len(unordered) > _WITHOUT_ORDER:
                break
        before = len(of.program.rows)
        of.cut(where, refused)
        cuts += len(of.program.rows) - before
    if unordered:
        why = "no order of such moves one after the other was found" if of.refutable else (
            "whether all that is asked holds then is not looked at here")
        return Proof(claim, Proven.OPEN, "", f"{unordered[0]}; {why}")
    return Proof(claim, Proven.OPEN, "", f"neither a proof nor a cheaper placement in {seconds:g} s")


def _told(of: _Placements, where: Mapping[str, str], cost: float) -> str:
    """A placement that costs less than is claimed to be possible, or is there where there is to be none."""
    moves = some((f"{n} to {s}" for n, s in sorted(where.items()) if s != of.site.start[n]), 6) or "nobody moves"
    return moves if of.plan.conflict else f"{cost / of.fine:,.3f} is enough: {moves}"


def _impossible(of: _Placements, seconds: float) -> Iterator[Proof]:
    """That no placement is what was asked; and that LPARs, servers and rules of the conflict are enough for that."""
    conflict, program = of.plan.conflict, of.program
    program.cost[:] = [0] * len(program.cost)
    yield _none(of, "that it is impossible", seconds)
    if conflict is None or not conflict.lpars:
        return
    claim = f"that {some(conflict.lpars, 3)}, the servers and the rules that are named conflict"
    loose = {n for n, places in of.ends.items() if n not in conflict.lpars and (
        n in of.must or (isinstance(of.goal, Headroom) and len(places) > 1))}
    of.program = Claimed(program.names, program.cost, [row for row in program.rows if (
        row.subject not in loose if row.rule == _PLACE else row.rule in conflict.rules and (
            row.subject in conflict.servers or row.subject not in of.site.servers))])
    open_to = [r for r in conflict.rules if r not in _rows_of(of) and not (
        r in REGISTRY and REGISTRY[r].scope in (Scope.LPAR, Scope.MOVE))]
    proof = _none(of, claim, seconds, alone=True)
    if proof.verdict is Proven.REFUTED and open_to:
        proof = replace(proof, verdict=Proven.OPEN, by="", told=f"there are no rows here of {some(open_to, 3)}")
    yield proof


def _rows_of(of: _Placements) -> Collection[str]:
    """The rules of which rows are made here."""
    groups = {rule for rule, _ in of.site.policies.kept_apart()} | {_TOGETHER}
    return groups | {one.rule for s in of.site.servers for one in limits(of.site, s)}


def _none(of: _Placements, claim: str, seconds: float, *, alone: bool = False) -> Proof:
    """That no placement keeps the rows; ``alone``: these rows and no other check."""
    by = certificate(of.program, impossible=True)
    if by.least() > 0:
        return _exactly(claim, by)
    return _search(of, claim, math.inf, seconds, alone=alone)
