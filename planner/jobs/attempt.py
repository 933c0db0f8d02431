"""Solve, put in order, and where there is no order forbid that and solve again: once for every question; then the plan
of what was found, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from planner.errors import ReplayError
from planner.estate.assemble import Loaded
from planner.findings import Finding, Severity, ordered
from planner.jobs.common import PROVED, Options, checked_plan
from planner.jobs.too_short import would_fit
from planner.optimise.placement import move_cost_ms
from planner.optimise.stages import Answer
from planner.plan.choices import BACK, OUT, Status
from planner.plan.details import Conflict, and_elsewhere, told_once
from planner.plan.plan import Move, Plan
from planner.rules import Judge, Site
from planner.schedule.exact import small
from planner.schedule.lanes import laned
from planner.schedule.order import QUICK, THOROUGH
from planner.schedule.timetable import Timetable
from planner.stopwatch import now, stopped

_TRIES = 12
_FIRST_S = 1.0
"""Seconds for a first answer where reading the estate and asking the rules took all the time."""
_LEAST_TRIES, _LEAST_S = 4, 2.0
"""So many answers are tried for a small site, each with so many seconds, whatever the clock says: a small estate's
answer does not depend on how busy the machine is."""


class Reply(Protocol):
    """What any question is answered with."""

    @property
    def status(self) -> Status: ...
    @property
    def placement(self) -> Mapping[str, str]: ...
    @property
    def conflict(self) -> Conflict | None: ...
    @property
    def bound_ms(self) -> float | None: ...


R = TypeVar("R", bound=Reply)


class Problem(Protocol[R]):
    """A question that can be asked again: ``refuse`` an answer, False when nothing else is left to be tried."""

    site: Site

    def solve(self, time_limit: float, gap: float) -> R: ...
    def refuse(self, answer: R) -> bool: ...


@dataclass(frozen=True, slots=True)
class Case:
    """What the answer to a question is made of."""

    loaded: Loaded
    site: Site
    judge: Judge
    options: Options


@dataclass(frozen=True, slots=True)
class Attempt(Generic[R]):
    """The answer that has an order, with its timetable; without one the last answer, None when a further try was not
    worth it, and the ``reason`` why those before it have no order; ``conflict``: the proof that none has."""

    answer: R | None
    table: Timetable | None = None
    reason: str = ""
    conflict: Conflict | None = None


def attempted(problem: Problem[R], options: Options, timed: Callable[[R, int], Timetable],
              keeps: Callable[[Timetable], bool] = lambda table: True, deadline: float | None = None,
              proved: Callable[[], Conflict | None] = lambda: None) -> Attempt[R]:
    """Answers from the cheapest on, until one has an order that ``keeps`` its windows; else the first that has an
    order. ``timed`` makes the timetable of an answer, searching so many states; only when none was found quickly for
    any answer are they searched thoroughly, one after the other, while there is time, unless it is ``proved`` that no
    order leads to any."""
    deadline = deadline or max(options.deadline(), now() + _FIRST_S)
    late: Attempt[R] | None = None
    answer, reason = None, ""
    tried: list[R] = []
    unhurried = small(problem.site)
    for number in range(1, _TRIES + 1):
        answer = problem.solve(max(deadline - now(), _LEAST_S if unhurried else 0.1), options.gap)
        if answer.status in (Status.INFEASIBLE, Status.UNKNOWN):
            break
        table = timed(answer, QUICK)
        if table.found and (keeps(table) or keeps(laned(problem.site, table, options.window, options.pacing))):
            return Attempt(answer, table)
        if table.found:
            late = late or Attempt(answer, table)
        else:
            tried.append(answer)
        reason, given, answer = table.reason or reason, answer, None
        over = now() > deadline and not (unhurried and number < _LEAST_TRIES)
        if not problem.refuse(given) or over:
            break
    return late or (tried and _at_length(tried, timed, proved, deadline)) or Attempt(answer, None, reason)


def _at_length(tried: Sequence[R], timed: Callable[[R, int], Timetable], proved: Callable[[], Conflict | None],
               deadline: float) -> Attempt[R] | None:
    """Of answers without an order that was found quickly: that it is proved that there is none, or the first of which
    one is found by a thorough search."""
    if (conflict := proved()) is not None:
        return Attempt(None, conflict=conflict)
    for given in tried:
        if now() > deadline:
            break
        table = timed(given, THOROUGH)
        if table.found:
            return Attempt(given, table)
    return None


def unanswered(blank: Plan, tried: Attempt[R], options: Options) -> Plan:
    """The plan that there is not: why it is impossible, or what would help to find one."""
    if tried.conflict is not None:
        return impossible(blank, tried.conflict)
    if tried.answer is not None and tried.answer.status is Status.INFEASIBLE and tried.answer.conflict is not None:
        return impossible(blank, tried.answer.conflict)
    when = "before the user interrupted" if stopped() else f"within {options.time_limit:g} s"
    message = f"a placement exists, but {tried.reason}" if tried.reason else (
        f"no answer {when}, and no proof that there is none")
    fix = "free more room first, lift policies, or ask for less" if tried.reason else (
        "give more time (--time-limit), free more room, or lift policies")
    note = Finding("plan.unknown", Severity.ERROR, "plan", message, fix)
    bound = None if tried.answer is None else tried.answer.bound_ms
    return blank.replace(status=Status.UNKNOWN, findings=(note, *blank.findings),
                         bound=None if bound is None else bound / 1000)


def interrupted() -> tuple[str, ...]:
    """That the user did not wait for more."""
    return ("interrupted by the user: the best so far",) if stopped() else ()


def impossible(blank: Plan, conflict: Conflict) -> Plan:
    """The plan that cannot be, with a finding for each refusal, those alike on several servers as one; else for each
    rule."""
    why = [Finding(r.rule, Severity.ERROR, name,
                   and_elsewhere(f"to {servers[0]}: {r.message}", servers) if servers[0] else r.message, r.fix)
           for name, by_server in conflict.refusals.items() for r, servers in told_once(by_server)]
    if not why:
        why = [Finding(rule, Severity.ERROR, ", ".join(conflict.servers) or ", ".join(conflict.lpars),
                       conflict.summary, "; ".join(conflict.lifts)) for rule in conflict.rules or ("goal.reached",)]
    return blank.replace(status=conflict.status, conflict=conflict, findings=(*why, *blank.findings))


def in_lanes(made: Callable[[Timetable], Plan], site: Site, table: Timetable, options: Options) -> Plan:
    """The plan that is made of a timetable in lanes; of the timetable in waves, and said so, should lanes fail their
    replay."""
    lanes = laned(site, table, options.window, options.pacing)
    try:
        return made(lanes)
    except ReplayError:
        if lanes is table:
            raise
        plan = made(table)
        failed = Finding("plan.lanes", Severity.WARNING, "plan", "its lanes failed their proof, a defect of the "
                         "planner: the plan is in waves, and verified", "report it, with the estate")
        return plan.replace(findings=ordered((*plan.findings, failed)))


def finished(case: Case, blank: Plan, answer: Answer, table: Timetable) -> Plan:
    """The plan of an answer in lanes, checked; and what would make it fit its window."""
    plan = in_lanes(lambda lanes: _checked(case, blank, answer, lanes), case.site, table, case.options)
    return plan.replace(findings=ordered((*plan.findings, *would_fit(plan, case.site, table, case.options.pacing))))


def moves_cost_ms(judge: Judge, moves: Iterable[Move]) -> int:
    """What these moves cost, those of the way back as they are judged then."""
    judges = {OUT: judge, BACK: judge.homeward}
    return sum(move_cost_ms(judges[m.leg].site, judges[m.leg], m.lpar, m.source, m.target) for m in moves)


def _checked(case: Case, blank: Plan, answer: Answer, table: Timetable) -> Plan:
    """The plan of a timetable, checked; what its moves cost is counted again."""
    counted = (OUT, BACK) if blank.goal.back_counts else (OUT,)
    objective = moves_cost_ms(case.judge, [m for m in table.moves if m.leg in counted])
    bound = min(answer.bound_ms or 0.0, float(objective))
    status = Status.OPTIMAL if objective - bound <= PROVED * objective + 0.999 else Status.FEASIBLE
    if status is Status.OPTIMAL:
        bound = float(objective)
    gap = 0.0 if objective == 0 else max(0.0, (objective - bound) / objective)
    plan = blank.replace(status=status, objective=objective / 1000, bound=bound / 1000, gap=round(gap, 6),
                         moves=table.moves, at_least_s=table.bounds_s, notes=(*blank.notes, *interrupted()))
    return checked_plan(plan, case.loaded, case.site, case.judge, case.options.pacing)
