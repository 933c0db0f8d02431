"""Go on with a plan that was begun, or go home: from where everybody stands today to a verified plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from planner.errors import InputError, ReplayError, UsageError
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import digest
from planner.findings import Finding, Severity, errors, ordered
from planner.jobs.alternatives import Beside, Offered, alternatives, offered
from planner.jobs.attempt import Attempt, Case, finished, moves_cost_ms, unanswered
from planner.jobs.begun import Begun
from planner.jobs.common import Options, assumptions, left_behind, local_now, told_first, zoned
from planner.jobs.evacuation import evacuate_with
from planner.jobs.homes import stated_homes
from planner.jobs.recorded import Recorded
from planner.jobs.without_order import without_order
from planner.optimise.placement import move_cost_ms
from planner.optimise.stages import Answer
from planner.plan.choices import Status
from planner.plan.plan import Plan, Window
from planner.plan.questions import Evacuate, Headroom, Resume
from planner.rules import Judge, Site
from planner.schedule.order import going_straight
from planner.schedule.timetable import preference, timetable
from planner.units import some
from planner.verify.against import strangers

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.history.usage import Usage

Servers = Mapping[str, str]
"""LPAR → server."""
STRANDED = "resume.stranded"
"""Of somebody whom the plan has moved, or was to move, and who can no more get where he is to go."""


def resume(loaded: Loaded, plan: Plan, options: Options, *, on: bool, inactive: bool = False,
           now: dt.datetime | None = None, usage: Usage | None = None, record: Recorded | None = None,
           more: Mapping[str, Any] = MappingProxyType({})) -> Plan:
    """The rest of ``plan`` from today's estate: ``on`` to where its way out takes every LPAR, then home where it has a
    way back; else home at once, everybody whom it, or what it went on from, has moved, and who states a home.

    Who cannot be moved until a person has seen to it is left alone, with what depends on it (``plan.goal.stuck``,
    ``later``). Without a window in ``options`` the rest of the plan's own counts, from ``now`` on (None: the clock).
    ``usage``: what the plan was made with, read again; without it nothing measured is looked at. ``inactive``: those
    that are not activated come along. ``options.work_s``: the work that is left before the way back. ``record``: what
    was written down of the evening, as ``loaded`` has it. ``more``: who is to stay, and what is to be kept spare, asked
    besides what the plan was asked.

    Raises InputError for an estate that is another, or a plan that is none; UsageError; ReplayError.
    """
    _refuse_strangers(plan, loaded)
    begun = Begun(plan, loaded.estate, record)
    homeward = not on or begun.homeward
    goal = _besides(_question(begun, homeward=homeward, inactive=inactive, measured=usage is not None), more)
    options = _timed(_zoned(options, loaded, plan), plan, now)
    found = _Rest(begun, loaded, replace(options, work_s=0) if homeward else options, usage, goal).plan()
    said = [*begun.findings(homeward=homeward, inactive=goal.inactive), *_told(plan, options, usage),
            *(record.findings if record else ())]
    return found.replace(findings=ordered((*found.findings, *said)))


def _besides(goal: Resume, more: Mapping[str, Any]) -> Resume:
    stay = dict.fromkeys((*goal.stay, *more.get("stay", ())))
    return goal.replace(stay=tuple(stay), spare_percent=max(goal.spare_percent, more.get("spare_percent", 0)))


def _offered(plan: Plan, estate: Estate) -> Offered:
    """A rest at the price of all of its moves, home too, whichever question it answers; none where somebody does not
    get where he is to go."""
    cost = moves_cost_ms(Judge(Site(estate, goal=plan.goal)), plan.moves) / 1000
    return offered(plan, does=not reached(plan), objective=cost)


def rests_beside(loaded: Loaded, begun: Plan, first: Plan, options: Options, count: int, **asked: Any) -> Beside | None:
    """So many other plans at most for the rest of a plan, in what is left of the window for the ``first``; None where
    none are asked for, or that has no moves, or does not get everybody where he is to go. ``asked``: of :func:`resume`,
    as for the first.

    Raises what :func:`resume` does.
    """
    answer = _offered(first, loaded.estate)
    if not count or answer.plan is None or not first.moves:
        return None
    window = first.window and replace(first.window, fits=None, spare_s=None)
    again = replace(options, window=window, since=None)

    def ask(more: dict[str, object]) -> Offered:
        return _offered(resume(loaded, begun, again, **asked, more=more), loaded.estate)

    return alternatives(answer, loaded.estate, ask, count)


def reached(plan: Plan) -> int:
    """Exit code of a plan that goes on with another: 3 somebody cannot get where he is to go, 1 somebody has to be
    recovered first and what depends on it waits, else 0."""
    told = {f.rule for f in plan.findings}
    return 3 if STRANDED in told else 1 if told & {"resume.hung", "resume.stuck", "resume.later"} else 0


def _refuse_strangers(plan: Plan, loaded: Loaded) -> None:
    """Raises InputError for a plan that is none, and for an estate that is another or lacks servers of the plan."""
    if plan.status not in (Status.OPTIMAL, Status.FEASIBLE):
        raise InputError([Finding("plan.status", Severity.ERROR, "plan", f"its status is {plan.status}: there is "
                                  "nothing to go on with", "give a plan that was found")])
    lpars = {m.lpar for m in plan.moves}
    found = [f for f in strangers(plan, loaded.estate, same=False)
             if f.rule != "plan.known" or f.subject not in lpars]
    if found:
        raise InputError(found)


def _told(plan: Plan, options: Options, usage: Usage | None) -> Iterator[Finding]:
    if plan.goal.usage and usage is None:
        yield Finding("plan.usage", Severity.WARNING, "plan", "the plan was made with a usage history; without it the "
                      "rest is planned by entitlements alone", "give the history: --history FILE")
    if plan.window and options.window is None:
        yield Finding("timing.past", Severity.WARNING, "plan", f"the plan's window is over since "
                      f"{(plan.back_window or plan.window).end:%Y-%m-%d %H:%M}: the rest is planned without one",
                      "give a window to come: --window")


def _zoned(options: Options, loaded: Loaded, plan: Plan) -> Options:
    """With the zone of its clock times: as asked, else the plan's."""
    of_plan = plan.window.zone if plan.window and not options.zone else ""
    known = zoned(replace(options, zone=options.zone or of_plan), loaded.estate, None)
    return replace(known, zone_from="as the plan has it") if of_plan else known


def _question(begun: Begun, *, homeward: bool, inactive: bool, measured: bool) -> Resume:
    """What is asked once nobody is stuck."""
    asked = begun.plan.goal
    leave = tuple(n for n in asked.left if n in begun.rows)
    along = inactive or getattr(asked, "inactive", False)
    homes = stated_homes(begun.estate, begun.homes, tuple(begun.homes.values()) if along else ())
    goal = Resume(servers=(), homes=homes, come_back=True, inactive=along, assume_nothing=asked.assume_nothing,
                  usage=asked.usage if measured else None, not_targets=asked.not_targets,
                  stay=_staying(begun, homes), spare_percent=asked.spare_percent)
    if homeward:
        return goal
    back = asked.come_back or (isinstance(asked, Resume) and asked.then_home)
    critical = asked.critical if isinstance(asked, Headroom | Resume) else ()
    return goal.replace(
        servers=asked.freed or begun.plan.off, leave=leave, critical=tuple(n for n in critical if n in begun.rows),
        places={n: s for n, s in sorted(begun.places.items()) if n in begun.rows}, come_back=back,
        homes=homes if back else {}, away={} if back else {n: homes[n] for n in homes if n in begun.homes},
        firmware_after=asked.firmware_after)


def _staying(begun: Begun, homes: Servers) -> tuple[str, ...]:
    """Of those that the plan leaves where they are those that need not go anywhere now either."""
    here = {n: row.server for n, row in begun.rows.items()}
    return tuple(n for n in begun.plan.goal.stay if n in here
                 and here[n] == begun.places.get(n, here[n]) == homes.get(n, here[n]))


def _timed(options: Options, plan: Plan, now: dt.datetime | None) -> Options:
    """With what is left of the plan's own window, where none was asked for; raises UsageError for a clock without
    one."""
    if options.window is not None:
        return options
    windows = [w for w in (plan.window, plan.back_window) if w]
    if now is not None and not windows:
        raise UsageError("--now is for the rest of the plan's window, and it has none: give --window")
    clock = (now or local_now(options.zone)).replace(second=0, microsecond=0)
    left = next((w for w in windows if clock < w.end), None)
    return options if left is None else replace(options, window=Window(max(clock, left.start), left.end,
                                                                       zone=options.zone))


class _Rest:
    """What is left of a plan, being planned."""

    def __init__(self, begun: Begun, loaded: Loaded, options: Options, usage: Usage | None, goal: Resume) -> None:
        self.begun, self.loaded, self.options, self.usage = begun, loaded, options, usage
        self._ask(goal)

    def _ask(self, goal: Resume) -> None:
        self.goal = goal
        self.site = Site(self.loaded.estate, usage=self.usage, goal=goal)
        self.judge = Judge(self.site)

    @property
    def out(self) -> Servers:
        """LPAR → server of those whom the way out moves."""
        start, waiting = self.site.start, {*self.goal.stuck, *self.goal.later}
        return {n: s for n, s in self.goal.places.items() if start.get(n, s) != s and n not in waiting}

    def plan(self) -> Plan:
        """The plan of all, or of what does not depend on who is stuck."""
        if kept := [n for n in self.goal.stay if n in self.out]:
            reason = f"{some(kept)} would have to move, and {'is' if len(kept) == 1 else 'are'} asked to stay"
            return self._anew(reason) if self.goal.servers else unanswered(
                self._blank(), Attempt(None, None, reason), self.options)
        stuck = self._stuck()
        if stuck:
            self._leave_alone(stuck)
        lost = self._stranded()
        if lost and self.goal.servers and not stuck:
            return self._anew(next(iter(lost.values())).message)
        if lost:
            homes, waiting = self.goal.homes, {*self.goal.later, *(lost.keys() & self.out.keys())}
            self._ask(self.goal.replace(
                homes={n: s for n, s in homes.items() if n not in lost}, later=tuple(sorted(waiting)),
                away={**self.goal.away, **{n: homes[n] for n in sorted(lost.keys() & homes.keys())}}))
        plan = self._planned()
        return plan.replace(findings=ordered((*plan.findings, *lost.values(), *self._waiting(stuck))))

    # ---- who has to wait ----------------------------------------------------------------------------------------

    def _stuck(self) -> dict[str, tuple[Finding, ...]]:
        """Who should move and cannot be moved as it is, with what is to be mended; who is in migration in any case."""
        names = {*self.out, *(self.goal.homes.keys() & self.site.start.keys())}
        return {n: errors(self.judge.readiness(n)) if n in self.site.start else () for n in sorted(
            {*(n for n in names if not self.judge.ready(n)), *self.begun.hung})}

    def _leave_alone(self, stuck: Collection[str]) -> None:
        """Ask for what needs nothing of those that are stuck: straight moves that fit beside what they hold."""
        goal, hung = self.goal, self.begun.hung
        concerned = {*self.out, *goal.homes}
        sources = {n: hung[n].source if n in hung else self.site.start[n] for n in stuck}
        closed = {s for h in hung.values() for s in h.unlisted}
        if not closed and not concerned & {*stuck}:
            self._ask(goal.replace(stuck=sources))
            return
        wanted = self.out if goal.places else goal.homes
        judge = self.judge if goal.places else self.judge.homeward
        first = [n for n in preference(self.site, sorted(wanted.keys() & self.site.start.keys()), wanted)
                 if n not in stuck and wanted[n] not in closed]
        able = going_straight(self.site, judge, {n: wanted[n] for n in first})
        later = tuple(sorted(wanted.keys() - {*able, *stuck}))
        if goal.places:
            away = {n: s for n, s in (goal.homes or goal.away).items() if n in self.begun.homes}
            self._ask(goal.replace(stuck=sources, later=later, come_back=False, homes={}, away=away,
                                   then_home=goal.come_back))
        else:
            self._ask(goal.replace(stuck=sources, later=later, homes=able, away={
                n: s for n, s in goal.homes.items() if n not in able}))

    def _stranded(self) -> dict[str, Finding]:
        """Those that cannot go where they are to go, or not home from there; an error where the plan had moved them."""
        lost = {}
        for name in sorted({*self.out, *self.goal.homes} - self.goal.stuck.keys()):
            here = self.site.start[name]
            there = self.out.get(name, here)
            home = self.goal.homes.get(name, there)
            for judge, a, b in ((self.judge, here, there), (self.judge.homeward, there, home)):
                refusals = errors((*judge.readiness(name), *judge.move(name, a, b))) if a != b else ()
                if refusals and name not in lost:
                    severity = Severity.ERROR if name in self.begun.named else Severity.WARNING
                    lost[name] = Finding(
                        STRANDED if severity is Severity.ERROR else "plan.home", severity, name, f"cannot go from {a} "
                        f"to {b}: " + "; ".join(dict.fromkeys(f.message for f in refusals)),
                        "; ".join(dict.fromkeys(f.fix for f in refusals if f.fix)) or "mend that, then resume again")
        return lost

    def _waiting(self, stuck: Mapping[str, tuple[Finding, ...]]) -> Iterator[Finding]:
        """What is to be mended first, and what waits for that."""
        for f in (f for n, found in stuck.items() if n not in self.begun.hung for f in found):
            yield Finding("resume.stuck", Severity.WARNING, f.subject, f"has to move and cannot: {f.message}", f.fix)
        if stuck and self.goal.later:
            yield Finding("resume.later", Severity.WARNING, some(self.goal.later, 8),
                          f"is not planned now: it waits for {some(sorted(stuck))}",
                          "once that is recovered: export anew and resume this plan")
        if self.goal.then_home:
            yield Finding("resume.later", Severity.WARNING, "plan", "the way back is not planned yet: it waits for "
                          f"{some(sorted(stuck))}", "once that is recovered: export anew, resume this plan with --on")

    # ---- planning -----------------------------------------------------------------------------------------------

    def _planned(self) -> Plan:
        """The plan of the question as it is; where its places cannot be reached from here, another placement."""
        goal, site, options = self.goal, self.site, self.options
        blank = self._blank()
        table = timetable(site, self.judge, self.out, options.window, come_back=goal.come_back,
                          work_s=blank.work_s or 0, back_from_s=blank.back_from_s or 0, unmoved=goal.unmoved)
        reason = table.reason
        if table.found:
            answer = Answer(Status.OPTIMAL, self.out, bound_ms=self._bound())
            try:
                return finished(Case(self.loaded, site, self.judge, options), blank, answer, table)
            except ReplayError as error:
                if not goal.places:
                    raise
                reason = f"{error.findings[0].subject}: {error.findings[0].message}"
        if goal.servers and not goal.stuck:
            return self._anew(reason)
        proof = None if table.found else without_order(blank, site, self.judge)
        return unanswered(blank, Attempt(None, None, reason, proof), options)

    def _blank(self) -> Plan:
        goal, was, options = self.goal, self.begun.plan, self.options
        back, begin = self._back_from()
        stays = [(n, self.site.start[n], "left on purpose: stop it with the server")
                 for n in goal.leave if n in self.site.start] + left_behind(self.site, goal.servers)
        return Plan(goal=goal, status=Status.UNKNOWN, estate_digest=digest(self.loaded.estate), window=options.window,
                    back_window=back, back_from_s=begin, stays=tuple(stays),
                    work_s=None if not goal.come_back else options.work_s if begin is None else 0,
                    assumptions=assumptions(self.site, options), findings=told_first(self.loaded, self.site, options),
                    notes=(f"goes on with a plan of {len(was.moves)} moves",))

    def _back_from(self) -> tuple[Window | None, int | None]:
        """(the way back's own window, seconds from now before which nothing comes back), where the plan has them and
        they are to come."""
        was, window = self.begun.plan, self.options.window
        if window is None or was.window is None or was.back_from_s is None or not (
                self.goal.come_back and self.goal.places):
            return None, None
        begin = window.ms_to(was.window.at(1000 * was.back_from_s)) // 1000
        return (was.back_window, begin) if begin > 0 else (None, None)

    def _bound(self) -> float:
        """Milliseconds of cost that no way to these places, and home, undercuts: each straight, or a first and a last
        move over whatever server."""
        site, out = self.site, self.out
        legs = [(self.judge, n, site.start[n], s) for n, s in out.items()]
        if self.goal.come_back:
            ends = {**{n: site.start[n] for n in out}, **self.goal.homes}
            legs += [(self.judge.homeward, n, out.get(n, site.start[n]), s) for n, s in ends.items()]
        return float(sum(_least_ms(judge, *leg) for judge, *leg in legs))

    def _anew(self, reason: str) -> Plan:
        """Another placement for those that are still on the servers to be freed; ``reason``: why not the plan's own."""
        goal = self.goal
        asked = Evacuate(servers=goal.servers, leave=goal.leave, inactive=goal.inactive, come_back=goal.come_back,
                         homes=goal.homes, not_targets=goal.not_targets, firmware_after=goal.firmware_after,
                         assume_nothing=goal.assume_nothing, stay=goal.stay, spare_percent=goal.spare_percent,
                         usage=goal.usage, away=goal.away)
        plan = evacuate_with(self.loaded, asked, self.options, self.usage)
        return plan.replace(notes=(*plan.notes, f"the places of the earlier plan cannot be reached from here ({reason})"
                                   ": other places were looked for"))


def _least_ms(judge: Judge, lpar: str, here: str, there: str) -> int:
    """What no way of an LPAR undercuts: the straight move, or the shortest first and last of several."""
    if here == there:
        return 0
    site = judge.site
    others = [s for s in site.servers if s not in (here, there)]
    first = min((site.solo(lpar, here, s).duration_ms for s in others), default=0)
    last = min((site.solo(lpar, s, there).duration_ms for s in others), default=0)
    straight = move_cost_ms(site, judge, lpar, here, there)
    return min(straight, first + last) if others else straight
