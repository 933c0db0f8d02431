"""Whether a server can be freed for an evening: asked as ``planner evacuate --return`` asks it, in less time.

The placement need not be the cheapest, and the order of the moves is the first that holds; what is found is replayed
against all rules all the same, so that a yes is the yes of a verified plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from planner.findings import Finding, assumed
from planner.jobs.attempt import Attempt, attempted
from planner.jobs.common import Options
from planner.jobs.evening import leg_spreads
from planner.jobs.readiness.figures import Obstacle, ReadyWord, ServerFree
from planner.optimise.asked import displaced
from planner.optimise.evacuate import EvacuationPart, EvacuationProblem
from planner.optimise.heuristics.packing import packed
from planner.optimise.placement import PlacementProgram, candidates_of
from planner.optimise.stages import Answer
from planner.plan.choices import BACK, OUT, Status
from planner.plan.details import Conflict, and_elsewhere, told_once
from planner.plan.evening import NightSpread
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.remember import remembered
from planner.rules import Judge, Site
from planner.schedule.exact import small
from planner.schedule.lanes import Pacing, laned
from planner.schedule.timetable import Timetable, timetable
from planner.verify import replay

_NIGHTS, _NIGHT_MOVES = (20, 60), 600
"""Nights at least and at most that are drawn, and moves times nights."""
_QUICK = Pacing(effort=0.0, bounded=False)
_WORK_S = 3600


class QuickEvacuation(EvacuationProblem):
    """One evacuation whose answer need not be balanced; the conflict of a large site is not made irreducible.

    ``built``: the first answer is by construction, where that finds one, and the program's is the next, but where
    nothing else is tried (``alone``); what holds of it the replay says.
    """

    balances = False

    def __init__(self, site: Site, judge: Judge, goal: Evacuate, part: EvacuationPart | None = None, *,
                 built: bool = False, alone: bool = False) -> None:
        super().__init__(site, judge, goal, part)
        self.built, self.alone = built, alone

    def solve(self, time_limit: float, gap: float) -> Answer:
        cost = self.narrow.cost
        where = packed(self.site, self.narrow, self.survivors, checked=True, others=self.elsewhere) if (
            self.built and all(cost.values())) else None
        if where is None:
            self.built = False
            return Answer(Status.UNKNOWN, {}) if self.alone else super().solve(time_limit, gap)
        spent = sum((cost[n] if n in cost else self.elsewhere(n))[s] for n, s in where.items())
        return Answer(Status.FEASIBLE, dict(sorted(where.items())), spent, float(self.narrow.bound()))

    @remembered
    def elsewhere(self, lpar: str) -> Mapping[str, int]:
        """Where an LPAR that could stay may go, at which cost in ms."""
        return candidates_of(self.site, self.judge, (), self.survivors, (lpar,), come_back=self.come_back).cost[lpar]

    def refuse(self, answer: Answer) -> bool:
        if self.built:
            self.built = False
            return True
        return super().refuse(answer)

    def explain(self, model: PlacementProgram, deadline: float) -> Conflict | None:
        return super().explain(model, deadline) if small(self.site) else None


def attempt(site: Site, judge: Judge, goal: Evacuate, options: Options, among: Sequence[str] = (), *,
            alone: bool = False) -> tuple[Attempt[Answer], Plan | None]:
    """The attempt by construction, and where its plan does not hold, unless that is tried ``alone``, by the program;
    the plan in waves where it has one that holds. ``among``: the servers that are looked at, all when there are none.
    """
    names = displaced(goal, site) if among else ()
    part = EvacuationPart(names, among, candidates_of(site, judge, names, among, come_back=goal.come_back)) if (
        among) else None
    for built in (True,) if alone else (True, False):
        problem = QuickEvacuation(site, judge, goal, part, built=built, alone=alone)
        tried = attempted(problem, options, lambda answer, states: timetable(
            site, judge, answer.placement, None, come_back=goal.come_back, work_s=_WORK_S, states=states))
        plan = _replayed(site, judge, goal, tried)
        if plan or not problem.built:
            break
    return tried, plan


def _replayed(site: Site, judge: Judge, goal: Evacuate, tried: Attempt[Answer]) -> Plan | None:
    """The plan of an attempt in waves, where it has one that holds."""
    if tried.table is None:
        return None
    plan = Plan(goal=goal, status=Status.FEASIBLE, estate_digest="", work_s=_WORK_S if goal.come_back else None,
                moves=tried.table.moves)
    return plan if replay(plan, site, judge).holds else None


def _spreads(site: Site, plan: Plan, table: Timetable) -> dict[str, NightSpread]:
    """Leg → how long it takes in most nights, in lanes."""
    lanes = plan.replace(moves=laned(site, table, None, _QUICK).moves)
    return leg_spreads(lanes, site, max(_NIGHTS[0], min(_NIGHTS[1], _NIGHT_MOVES // max(1, len(lanes.moves)))))


def freed(judge: Judge, server: str, options: Options, *, timed: bool = True, inactive: bool = False,
          one_way: bool = True) -> ServerFree:
    """The answer for one server; ``timed``: with the time that it takes; ``inactive``: with its LPARs that are not
    activated, each by an inactive migration; ``one_way``: where they cannot all come home it is asked without that."""
    site = judge.site
    idle = tuple(p.name for p in site.estate.lpars if p.server == server and p.name not in site.start)
    goal = Evacuate(servers=(server,), inactive=inactive, assume_nothing=site.assume_nothing)
    if inactive and idle:
        site, idle = Site(site.estate, usage=site.usage, goal=goal), ()
        judge = Judge(site)
    found = _freed(judge, goal, options, timed=timed, one_way=one_way)
    return replace(found, stays=idle) if idle else found


def _freed(judge: Judge, goal: Evacuate, options: Options, *, timed: bool, one_way: bool) -> ServerFree:
    site, server = judge.site, goal.servers[0]
    names = site.residents(server)
    if not names:
        return ServerFree(server, ReadyWord.YES, "rules", 0)
    there, plan = None, None
    if not any(stays(judge, n) for n in names):
        there, plan = attempt(site, judge, goal.replace(come_back=True), options)
    tried = there
    if tried is None or (plan is None and one_way):
        tried, plan = attempt(site, judge, goal, options)
    if plan is None or tried.table is None:
        return _closed(server, len(names), tried)
    settles = tuple(dict.fromkeys(f"{f.subject}: {f.message}: {f.fix}" for f in _taken(judge, plan)))
    word = ReadyWord.ONE_WAY if not plan.goal.come_back else ReadyWord.IF if settles else ReadyWord.YES
    spreads = _spreads(site, plan, tried.table) if timed else {}
    found = ServerFree(server, word, "plan", len(names), len(plan.leg(OUT)),
                       sum(m.source != server for m in plan.leg(OUT)), spreads.get(OUT),
                       back=spreads.get(BACK), settles=settles)
    if word is not ReadyWord.ONE_WAY or there is None:
        return found
    closed = _closed(server, len(names), there)
    return replace(found, why=closed.why, obstacles=closed.obstacles)


def stays(judge: Judge, lpar: str) -> bool:
    """Whether the rules let it go nowhere: then its server cannot be freed, whether it would come home or not."""
    here = judge.site.start[lpar]
    near = judge.near(lpar) if judge.ready(lpar) else ()
    return not any(judge.allowed(lpar, here, s) for s in judge.site.servers if near is None or s in near)


def _taken(judge: Judge, plan: Plan) -> Iterator[Finding]:
    """What the moves of a plan take for granted."""
    for m in plan.moves:
        of = judge.homeward if m.leg == BACK else judge
        yield from assumed((*of.readiness(m.lpar), *of.move(m.lpar, m.source, m.target)))


def _closed(server: str, lpars: int, tried: Attempt[Answer]) -> ServerFree:
    """Why it cannot be freed, as far as it is known."""
    answer = tried.answer
    if answer is None or answer.status is Status.UNKNOWN:
        why = tried.reason or "no answer was found in the time"
        return ServerFree(server, ReadyWord.UNKNOWN, "order", lpars, why=why)
    if tried.table is not None:
        return ServerFree(server, ReadyWord.UNKNOWN, "order", lpars, why="the moves that were found do not hold in "
                          "their replay: planner evacuate tries further")
    conflict = answer.conflict
    if conflict is None:
        return ServerFree(server, ReadyWord.NO, "placement", lpars, why="the other servers have no room for all of it "
                          "by the rules: planner evacuate says what conflicts")
    told = tuple(Obstacle(n, r.rule, and_elsewhere(f"to {on[0]}: {r.message}", on) if on[0] else r.message, r.fix)
                 for n, by_server in conflict.refusals.items() for r, on in told_once(by_server))
    word = ReadyWord.NO if conflict.status is Status.INFEASIBLE else ReadyWord.UNKNOWN
    return ServerFree(server, word, "rules" if told else "placement", lpars, why=conflict.summary, obstacles=told or
                      tuple(Obstacle(", ".join(conflict.lpars), r, conflict.summary, "; ".join(conflict.lifts))
                            for r in conflict.rules), settles=conflict.unstated)
