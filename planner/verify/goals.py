"""Whether what was asked for is reached: one function a question, and what all of them share of the way back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

from planner.findings import Finding
from planner.plan.choices import BACK, OUT, By
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate, Headroom, Period, Question, Resume, Whatif
from planner.rules import Judge, Site
from planner.units import show_cores, show_gib
from planner.verify.base import broken
from planner.verify.used import used_when_failed

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    import numpy as np
    from numpy.typing import NDArray

    from planner.history.usage import Usage


@dataclass(frozen=True, slots=True)
class Course:
    """A plan played out: LPAR → server after the way out and in the ``end``; ``home``: before the plan, if elsewhere
    than where the estate has it."""

    plan: Plan
    site: Site
    judge: Judge
    middle: Mapping[str, str]
    end: Mapping[str, str]
    home: Mapping[str, str]
    begun: bool = False

    @property
    def coming_home(self) -> bool:
        """Whether only the way back is left, or nothing of a plan that has one: what the way out reached is over."""
        legs = {m.leg for m in self.plan.moves}
        return self.begun and OUT not in legs and (BACK in legs or self.plan.goal.come_back)


def goal_findings(course: Course) -> list[Finding]:
    """What of the question is not reached."""
    return [*reached(course.plan.goal, course), *_returned(course), *_worked(course), *_kept_out(course)]


@singledispatch
def reached(goal: Question, course: Course) -> list[Finding]:
    """What is not as asked at the end of the way out; registered for every question."""
    raise TypeError(f"no check of {type(goal).__name__}")


@reached.register
def _freeing(goal: Evacuate | Whatif, course: Course) -> list[Finding]:
    return _freed(course, goal.servers, goal.leave)


@reached.register
def _resumed(goal: Resume, course: Course) -> list[Finding]:
    """Everybody is where the question has him at the end of the way out, but who waits for what a person does first."""
    waiting = {*goal.later, *goal.stuck}
    wrong = [broken("goal.reached", n, "is to be left alone until a person has seen to it, and moves")
             for n in sorted(waiting & {m.lpar for m in course.plan.moves})]
    if not course.coming_home:
        wrong += [broken("goal.reached", n, f"is on {course.middle[n]} after the way out, not on {server}")
                  for n, server in sorted(goal.places.items())
                  if n not in waiting and course.middle.get(n, server) != server]
    return wrong + _freed(course, goal.servers, {*goal.leave, *waiting})


@reached.register
def _consolidate(goal: Consolidate, course: Course) -> list[Finding]:
    plan = course.plan
    wrong = [broken("goal.reached", s, "was to go off and stays on") for s in sorted(set(goal.off) - set(plan.off))]
    wrong += [broken("goal.reached", s, "was to stay on and goes off") for s in goal.keep if s in plan.off]
    if goal.n_plus_1 and not course.coming_home:
        wrong += course.judge.restarts(course.middle, plan.off, plan.restart)
        wrong += used_when_failed(course.site, course.middle, plan.restart)
    return wrong + _freed(course, plan.off)


@reached.register
def _headroom(goal: Headroom, course: Course) -> list[Finding]:
    """The headroom is there after the way out, and no critical LPAR has moved."""
    plan, site, server = course.plan, course.site, goal.server
    if server not in site.servers:
        return [broken("goal.reached", server, "the estate has no such server")]
    if course.coming_home:
        return []
    names = [n for n, s in course.middle.items() if s == server]
    holding, limit = site.holding(server, names), site.limit(server)
    units, memory = limit.units - holding.units, limit.memory_mib - holding.memory_mib
    wrong = [broken("goal.reached", n, "is critical and moves", "plan again, or take it out of the critical ones")
             for n in sorted({m.lpar for m in plan.moves})
             if n in goal.critical or (n in site.lpars and site.lpars[n].environment == "production")]
    if goal.units and goal.by is not By.USAGE and units < goal.units:
        wrong.append(broken("goal.reached", server, f"{show_cores(units)} cores are entitled to nobody after the way "
                            f"out; {show_cores(goal.units)} were asked for"))
    if goal.memory_mib and memory < goal.memory_mib:
        wrong.append(broken("goal.reached", server, f"{show_gib(memory)} GiB are free after the way out; "
                            f"{show_gib(goal.memory_mib)} were asked for"))
    if goal.units:
        wrong += _pool_headroom(goal, site, names)
        if goal.by is not By.ENTITLEMENT and site.usage is not None:
            wrong += _unused(goal, site, site.usage, names)
    return wrong + (_in_time(plan, goal.period) if goal.period else [])


def _freed(course: Course, servers: Collection[str], leave: Collection[str] = ()) -> list[Finding]:
    """Nobody is on these servers after the way out but those that are left on purpose."""
    wrong = [broken("goal.reached", s, "the estate has no such server")
             for s in servers if s not in course.site.servers]
    if course.coming_home:
        return wrong
    still = sorted((n, s) for n, s in course.middle.items() if s in servers and n not in leave)
    return wrong + [broken("goal.reached", n, f"is still on {s} after the way out") for n, s in still]


def _returned(course: Course) -> list[Finding]:
    """Everything is home after the way back."""
    if not course.plan.goal.come_back and not any(m.leg == BACK for m in course.plan.moves):
        return []
    stated = course.plan.goal.homes
    homes = {n: stated.get(n) or course.home.get(n, course.site.start[n]) for n in course.end}
    return [broken("goal.returned", lpar, f"ends on {server}, not back on {homes[lpar]}")
            for lpar, server in sorted((n, s) for n, s in course.end.items() if s != homes[n])]


def _kept_out(course: Course) -> list[Finding]:
    """Nobody comes to a server that takes nobody in but whoever was there before the plan, or has its home there."""
    goal, site = course.plan.goal, course.site
    return [broken("goal.not-a-target", m.lpar, f"goes to {m.target}, which is not a target")
            for m in course.plan.moves if m.target in goal.not_targets and m.lpar in site.lpars and m.target not in (
                course.home.get(m.lpar, site.start.get(m.lpar)), goal.homes.get(m.lpar), site.lpars[m.lpar].home)]


def _worked(course: Course) -> list[Finding]:
    """Nothing comes back before the work is over."""
    plan = course.plan
    outs, backs = plan.leg(OUT), plan.leg(BACK)
    if not outs or not backs:
        return []
    earliest = max((plan.back_from_s or 0) * 1000, max(m.end_ms for m in outs) + (plan.work_s or 0) * 1000)
    return [broken("goal.work-time", m.lpar, "starts back before the work is over")
            for m in backs if m.start_ms < earliest]


def _in_time(plan: Plan, period: Period) -> list[Finding]:
    """Who leaves has left before the time in which the headroom is needed, and comes back after it."""
    start, end = period.start, period.end
    out = [clock for m in plan.leg(OUT) if (clock := plan.clock(m.end_ms))]
    back = [clock for m in plan.leg(BACK) if (clock := plan.clock(m.start_ms))]
    wrong = []
    if (plan.window and plan.window.end > start) or max(out, default=start) > start:
        wrong.append(broken("goal.reached", "plan", f"the way out may last into the time of the headroom, which begins "
                            f"{start:%Y-%m-%d %H:%M}"))
    if min(back, default=end) < end:
        wrong.append(broken("goal.reached", "plan", f"the way back begins {min(back):%Y-%m-%d %H:%M}; the headroom is "
                            f"needed until {end:%Y-%m-%d %H:%M}"))
    if plan.window is None and plan.leg(BACK) and plan.leg(OUT) and (plan.work_s or 0) < (end - start).total_seconds():
        wrong.append(broken("goal.reached", "plan", "the way back begins before the time of the headroom is over"))
    return wrong


def _pool_headroom(goal: Headroom, site: Site, names: Sequence[str]) -> list[Finding]:
    """The shared pools of the critical LPARs leave that headroom together, when all of them have a maximum."""
    server = goal.server
    pools = {site.pool_on(n, server) for n in goal.critical if site.start.get(n) == server}
    limits = {p: site.pool_limit(server, p) for p in pools if p is not None}
    if not pools or None in pools or None in limits.values():
        return []
    wrong = []
    drawn = site.holding(server, names).pools
    free = sum((limit or 0) - drawn.get(p, 0) for p, limit in limits.items())
    if goal.by is not By.USAGE and free < goal.units:
        wrong.append(broken("goal.reached", server, f"pools {', '.join(map(str, sorted(limits)))} of the critical "
                            f"LPARs have {show_cores(free)} cores left after the way out; {show_cores(goal.units)} "
                            "were asked for"))
    if goal.by is not By.ENTITLEMENT and site.usage is not None:
        most = sum(site.used.limit(server, p) or 0 for p in limits)
        total = sum((site.used.on(server, names, p) for p in sorted(limits)), 0 * site.usage.starts)
        least = most - int(total[_needed(goal, site.usage)].max())
        if least < 10 * goal.units:
            wrong.append(broken("goal.reached", server, "at their peak the pools of the critical LPARs leave "
                                f"{show_cores(least // 10)} cores; {show_cores(goal.units)} were asked for"))
    return wrong


def _needed(goal: Headroom, usage: Usage) -> NDArray[np.bool_]:
    """The slots in which the headroom is needed: those of the goal's hours, or all."""
    return usage.starts >= 0 if goal.hours is None else usage.inside(goal.hours)


def _unused(goal: Headroom, site: Site, usage: Usage, names: Sequence[str]) -> list[Finding]:
    """The slot in which the history leaves least, if that is less than was asked for."""
    left = 10 * site.limit(goal.server).units - site.used.on(goal.server, names)
    left[~_needed(goal, usage)] = left.max()
    worst = int(left.argmin())
    if left[worst] >= 10 * goal.units:
        return []
    return [broken("goal.reached", goal.server, f"with the usage of {usage.when(worst):%Y-%m-%d %H:%M}, "
                   f"{show_cores(int(left[worst]) // 10)} cores are unused after the way out; {show_cores(goal.units)} "
                   "were asked for")]
