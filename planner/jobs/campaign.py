"""Several servers emptied and worked on over several windows: in which order, in which window, each with its plan.

One server after the other is emptied by a plan of :func:`planner.jobs.evacuate`, made for the estate as it is then:
with everybody where the plan before left him, and the levels that hold by then. It goes into the first window in which
it is in time in as many nights as are asked for, and the next begins when it is over in as many. Orders are built up
together, the best first (a beam), with little work on each plan: of those that come to the same estate the one that is
there first, with the fewest moves, is gone on with. The best is then planned with all the work that is asked for.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planner.errors import InputError, ReplayError
from planner.estate.assemble import Loaded
from planner.estate.catalogue import CATALOGUE
from planner.estate.model import Estate, Policy, Server
from planner.estate.saved import digest
from planner.findings import Finding, errors
from planner.jobs.alternatives import Beside, Offered, alternatives, offered
from planner.jobs.common import Options, exit_code, zoned
from planner.jobs.evacuation import evacuate
from planner.plan.carried_out import carried_out
from planner.plan.choices import BACK, OUT, Status
from planner.plan.plan import Plan, Window
from planner.plan.questions import Evacuate
from planner.rules import Site
from planner.rules.firmware import firmware_mobile
from planner.scenarios.build import Built, build
from planner.scenarios.campaign_file import Campaign, CampaignWork, Freeze
from planner.scenarios.paths import Door, Way, activated, doors
from planner.scenarios.vios_down import LostPath, lost_paths
from planner.verify import verify_plan

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.jobs.peak_hours import UsageSpec

_ALL_ORDERS, _WIDTH = 4, 4
"""Up to so many servers no order is cut off; above, so many beginnings of orders are gone on with."""
_QUICK = 0.1
"""Of the effort that is asked for, while orders are tried."""
_ROUND = dt.timedelta(minutes=5)
"""The next server of a window begins at a clock time that is a whole number of these."""


@dataclass(frozen=True, slots=True)
class CampaignStep:
    """One server worked on: from ``start`` to ``end`` (moves and work, in as many nights as are asked for) in its
    ``window``, by a ``plan`` for the ``estate`` as it is then; ``doors``: what cannot be undone once it is done;
    ``lost``: the paths of those who stay that go down with one VIOS after the other. Without a plan nobody leaves."""

    work: CampaignWork
    window: Window
    start: dt.datetime
    end: dt.datetime
    plan: Plan | None
    estate: Estate
    doors: tuple[Door, ...] = ()
    lost: tuple[LostPath, ...] = ()
    assumed: tuple[str, ...] = ()
    """Of a new server that takes the place of this one."""
    beside: Beside | None = None
    """Other plans for this step, where such were asked for."""

    @property
    def before(self) -> Server:
        """The server with the level that it has until then."""
        return next(s for s in self.estate.servers if s.name == self.work.server)

    @property
    def in_time(self) -> float | None:
        """The share of nights that are over with what the window keeps free to spare; None where none were drawn."""
        return None if self.plan is None else self.plan.in_time(OUT)

    @property
    def too_few(self) -> bool:
        """Whether these are fewer than are asked for."""
        return self.plan is not None and self.plan.too_few(OUT)


@dataclass(frozen=True, slots=True)
class NotDone:
    """A server that is left: the ``plan`` that is impossible or unknown at that point, or that fits no window that is
    left; ``plan`` None: no window was left to try; ``lost``: the only paths of LPARs that are to stay."""

    work: CampaignWork
    plan: Plan | None = None
    lost: tuple[LostPath, ...] = ()

    @property
    def code(self) -> int:
        """3 proved impossible; 4 no answer, or windows too few."""
        proved = any(x.only for x in self.lost) or (self.plan is not None and self.plan.status is Status.INFEASIBLE)
        return 3 if proved else 4


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """A campaign, verified state by state. ``away``: LPAR → (where it stood at first, where it stands at the end)."""

    campaign: Campaign
    estate: Estate
    steps: tuple[CampaignStep, ...]
    left: tuple[NotDone, ...]
    windows: tuple[Window, ...]
    frozen: tuple[tuple[Window, Freeze], ...]
    end: Estate
    away: Mapping[str, tuple[str, str]]
    plans: int
    every_order: bool

    @property
    def exit_code(self) -> int:
        """0 every server is done; 3 one is proved impossible; 4 one has no plan, or the windows are too few."""
        return min((one.code for one in self.left), default=0)


@dataclass(frozen=True, slots=True)
class _State:
    """The beginning of an order: done by ``steps``, the next may begin at ``clock`` of window number ``slot``."""

    estate: Estate
    todo: tuple[CampaignWork, ...]
    steps: tuple[CampaignStep, ...] = ()
    slot: int = 0
    clock: dt.datetime | None = None
    left: tuple[NotDone, ...] = ()

    @property
    def moves(self) -> int:
        return sum(len(s.plan.moves) for s in self.steps if s.plan)

    @property
    def too_few(self) -> int:
        """Steps that are in time in fewer nights than are asked for."""
        return sum(s.too_few for s in self.steps)

    @property
    def worth(self) -> tuple[object, ...]:
        """Smaller is better: servers that are left, steps in time in too few nights, windows used, moves, minutes of
        moving, the order of the file."""
        used = len({s.window.start for s in self.steps})
        return (len(self.todo), self.too_few, used, self.moves,
                sum(s.plan.objective or 0 for s in self.steps if s.plan), self.clock or dt.datetime.min,
                tuple(s.work.server for s in self.steps))


def campaign(loaded: Loaded, asked: Campaign, options: Options, usage: UsageSpec | None = None, *,
             assume_nothing: bool = False, progress: Callable[[str], None] | None = None, others: int = 0
             ) -> CampaignResult:
    """The campaign with as many servers as can be done, in the fewest windows, with the fewest moves; up to so many
    ``others`` beside the plan of each step.

    ``options``: those of each plan, without a window. Raises ReplayError when one of its own plans does not hold.
    """
    options = zoned(options, loaded.estate, usage.zone() if usage else None)
    free, frozen = asked.windows()
    search = _Orders(loaded, asked, [replace(w, zone=options.zone) for w in free], options, usage, assume_nothing,
                     progress)
    best = search.thorough(search.best())
    for step in best.steps:
        _checked(step)
    if others:
        best = replace(best, steps=tuple(search.beside(best.steps, n, others) for n in range(len(best.steps))))
    then = {p.name: p.server for p in best.estate.lpars}
    away = {p.name: (p.server, then[p.name]) for p in loaded.estate.lpars if then[p.name] != p.server}
    return CampaignResult(asked, loaded.estate, best.steps, best.left, windows=tuple(search.windows),
                          frozen=tuple(frozen), end=best.estate, away=away, plans=search.plans,
                          every_order=search.every_order)


def _checked(step: CampaignStep) -> None:
    """Raises ReplayError when a plan does not hold in the estate that it begins in; with a usage history the plan was
    replayed with it when it was made."""
    if step.plan is not None and step.plan.goal.usage is None:
        played = verify_plan(step.plan, step.estate)
        if not played.holds:
            raise ReplayError(errors(played.findings))


@dataclass(slots=True)
class _Orders:
    loaded: Loaded
    asked: Campaign
    windows: list[Window]
    options: Options
    usage: UsageSpec | None
    assume_nothing: bool
    progress: Callable[[str], None] | None
    plans: int = 0
    every_order: bool = True
    effort: float = _QUICK
    known: dict[tuple[object, ...], Plan] = field(default_factory=dict)

    def best(self) -> _State:
        """The best order of those that are looked at, each plan by a quick search."""
        width = _WIDTH if len(self.asked.work) > _ALL_ORDERS else 10**6
        beam, ended = [_State(self.loaded.estate, self.asked.work)], []
        while beam:
            following: dict[tuple[str, tuple[str, ...]], _State] = {}
            for state in beam:
                made, left = self._followed(state)
                if not made:
                    ended.append(replace(state, left=left))
                for one in made:
                    key = digest(one.estate), tuple(w.server for w in one.todo)
                    if key not in following or _sooner(one) < _sooner(following[key]):
                        following[key] = one
            ranked = sorted(following.values(), key=lambda s: s.worth)
            self.every_order &= len(ranked) <= width
            beam = ranked[:width]
        return min(ended, key=lambda s: s.worth)

    def thorough(self, quick: _State) -> _State:
        """An order once more, with all the effort that is asked for, and what can be done besides; the order as it is
        where that makes it no better."""
        self.effort = 1.0
        state = _State(self.loaded.estate, self.asked.work)
        for step in quick.steps:
            one = self._one(state, step.work)
            if isinstance(one, NotDone):
                return quick
            state = one
        while (found := self._followed(state))[0]:
            state = min(found[0], key=lambda s: s.worth)
        return min(replace(state, left=found[1]), quick, key=lambda s: s.worth)

    def beside(self, steps: Sequence[CampaignStep], at: int, count: int) -> CampaignStep:
        """A step with other plans for it, from where it begins, in what it may use of its window."""
        step = steps[at]
        plan = step.plan
        if plan is None or not plan.moves or not isinstance(plan.goal, Evacuate):
            return step
        goal = plan.goal
        if self.progress:
            self.progress(f"other plans for step {at + 1}: {step.work.server}")
        options = replace(self.options, window=plan.window and replace(plan.window, fits=None, spare_s=None),
                          work_s=60 * _minutes(step.estate, step.work), since=None)

        def ask(more: dict[str, object]) -> Offered:
            other = evacuate(replace(self.loaded, estate=step.estate), goal.replace(**more), options, self.usage)
            return offered(other, does=exit_code(other) == 0, objective=other.objective)

        return replace(step, beside=alternatives(plan, step.estate, ask, count, lambda other: [
            *self._nights(plan, other), *self._later(steps, at, other)]))

    @staticmethod
    def _nights(plan: Plan, other: Plan) -> Iterator[str]:
        """That another plan for a step is in time in too few nights."""
        if other.too_few(OUT) and not plan.too_few(OUT):
            yield f"in time in {100 * (other.in_time(OUT) or 0):.0f} of 100 nights"

    def _later(self, steps: Sequence[CampaignStep], at: int, other: Plan) -> Iterator[str]:
        """What another plan for a step does to those after it: the first one whose plan does not hold then, where
        everybody stands elsewhere; the next of its window, where it is over later."""
        step = steps[at]
        end = step.start + dt.timedelta(milliseconds=_over_ms(other, 60_000 * _minutes(step.estate, step.work)))
        then = with_levels(carried_out(step.estate, other.moves), step.work)
        for number, later in enumerate(steps[at + 1:], at + 2):
            if number == at + 2 and later.window == step.window and (
                    later.start < end + dt.timedelta(minutes=self.asked.pause_minutes)):
                yield f"over at {end:%H:%M}, too late for step {number} in this window"
            here = _arrived(then, later.work).estate if later.work.replace_by else then
            if later.plan is not None and not self._holds(later.plan, here):
                yield f"step {number} and what comes after it are to be planned anew"
                return
            then = with_levels(carried_out(here, later.plan.moves if later.plan else ()), later.work)

    def _holds(self, plan: Plan, estate: Estate) -> bool:
        """Whether the moves of a plan hold in another estate than its own."""
        basis = plan.goal.usage
        used = self.usage.read(estate, basis.hours).usage if self.usage and basis else None
        return verify_plan(plan, estate, used, another_estate=True).holds

    def _followed(self, state: _State) -> tuple[list[_State], tuple[NotDone, ...]]:
        """What comes after a beginning: each server that can be next; and those that cannot, with the reason."""
        made, left = [], []
        for work in state.todo:
            one = self._one(state, work)
            if isinstance(one, NotDone):
                left.append(one)
            else:
                made.append(one)
        return made, tuple(left)

    def _one(self, state: _State, work: CampaignWork) -> _State | NotDone:
        """This server next, or why it cannot be."""
        here = self._with_new(state, work)
        return self._next(here, work) if work.empty else self._in_place(here, work)

    def _with_new(self, state: _State, work: CampaignWork) -> _State:
        """With the server that takes the place of this one beside it."""
        if not work.replace_by:
            return state
        return replace(state, estate=_arrived(state.estate, work).estate)

    def _next(self, state: _State, work: CampaignWork, lost: tuple[LostPath, ...] = ()) -> _State | NotDone:
        """This server next, in the first window in which it is in time in as many nights as are asked for; where it is
        so in none, alone in that in which it is in most. ``lost``: the paths that go down with one VIOS after the
        other, where those alone are moved who would lose their only one."""
        single = frozenset(x.lpar for x in lost if x.only or (self.assume_nothing and not x.known))
        stay = tuple(x for x in lost if x.lpar not in single)
        failed: Plan | None = None
        alone: list[tuple[int, Window, Plan]] = []
        too_short = {True: -1, False: -1}
        sometimes = any(p.active and p.kind == "blackout" for p in state.estate.policies)
        for slot, window in self._rooms(state, 60 * _minutes(state.estate, work)):
            whole = window.start == self.windows[slot].start
            if window.length_s <= too_short[whole] and not sometimes:
                continue
            plan = self._plan(state, work, window, single)
            if plan.status is Status.INFEASIBLE:
                return NotDone(work, plan)
            if plan.verified and exit_code(plan) == 0:
                if not plan.too_few(OUT):
                    return self._done(state, work, slot, window, plan, stay)
                alone += [(slot, window, plan)] * whole
            failed, too_short[whole] = plan, window.length_s
        if not alone:
            return NotDone(work, failed)
        return self._done(state, work, *max(alone, key=lambda found: found[2].in_time(OUT) or 0.0), stay)

    def _in_place(self, state: _State, work: CampaignWork) -> _State | NotDone:
        """Its VIOSes next, one after the other, where nobody who stays loses his only path with one of them."""
        site = Site(state.estate)
        vioses = site.vioses_on(work.server)
        lost = tuple(x for v in vioses for x in lost_paths(site, v.name) if x.lpar not in work.leave)
        refused = tuple(x for x in lost if x.only or (self.assume_nothing and not x.known))
        if refused and not work.move_single:
            return NotDone(work, lost=refused)
        if refused:
            return self._next(state, work, lost)
        span_s = 60 * _minutes(state.estate, work)
        for slot, window in self._rooms(state, span_s - 1):
            step = CampaignStep(work, self.windows[slot], window.start, window.at(1000 * span_s), None, state.estate,
                                lost=lost)
            return self._after(state, step, slot, with_levels(state.estate, work))
        return NotDone(work)

    def _rooms(self, state: _State, more_s: int) -> Iterator[tuple[int, Window]]:
        """What may be used yet of each window, where it is more than so many seconds."""
        for slot in range(state.slot, len(self.windows)):
            window = self._rest(state, slot)
            if window is not None and window.length_s > more_s:
                yield slot, window

    def _rest(self, state: _State, slot: int) -> Window | None:
        """What may be used yet of a window; None when nothing is."""
        window = self.windows[slot]
        until = window.at(window.ms_to(window.end) - 60_000 * self.asked.spare_minutes)
        if until <= window.start:
            return None
        window = replace(window, end=until)
        if slot != state.slot or state.clock is None:
            return window
        return replace(window, start=state.clock) if state.clock < window.end else None

    def _plan(self, state: _State, work: CampaignWork, window: Window, single: frozenset[str]) -> Plan:
        """The plan that empties a server in a window, or moves the ``single`` ones alone, made once for each estate
        that it begins in."""
        last = self.asked.home_at_end and len(state.todo) == 1
        key = digest(state.estate), work.server, window.start, window.end, last, self.effort
        if key not in self.known:
            self.plans += 1
            if self.progress:
                self.progress(f"plan {self.plans}: {work.server} after {len(state.steps)} of {len(self.asked.work)} "
                              f"servers, {window.start:%Y-%m-%d %H:%M}")
            back = work.refill or last
            firmware = {work.server: work.firmware} if work.firmware and back else {}
            there = {p.name for p in state.estate.lpars if p.server == work.server and (p.active or work.inactive)}
            homes = {p.name: p.server for p in self.loaded.estate.lpars} if last else {}
            leave = there - single if single else there & {*work.leave}
            goal = Evacuate(servers=(work.server,), come_back=back, firmware_after=firmware, inactive=work.inactive,
                            leave=tuple(sorted(leave)), stays_up=bool(single), not_targets=_not_targets(
                                state.estate, work), assume_nothing=self.assume_nothing,
                            homes={p.name: homes[p.name] for p in state.estate.lpars
                                   if homes.get(p.name, p.server) != p.server})
            until = window if back else replace(window, end=window.at(
                window.ms_to(window.end) - 60_000 * _minutes(state.estate, work)))
            pacing = replace(self.options.pacing, effort=self.effort * self.options.pacing.effort)
            options = replace(self.options, window=until, work_s=60 * _minutes(state.estate, work), since=None,
                              pacing=pacing)
            self.known[key] = evacuate(replace(self.loaded, estate=state.estate), goal, options, self.usage)
        return self.known[key]

    def _done(self, state: _State, work: CampaignWork, slot: int, window: Window, plan: Plan,
              lost: tuple[LostPath, ...]) -> _State:
        """The estate once the plan is carried out and the work done."""
        end = window.at(_over_ms(plan, 60_000 * _minutes(state.estate, work)))
        step = CampaignStep(work, self.windows[slot], window.start, end, plan, state.estate,
                            doors=tuple(_doors(state.estate, work, plan)), lost=lost,
                            assumed=_arrived(self.loaded.estate, work).assumptions if work.replace_by else ())
        return self._after(state, step, slot, with_levels(carried_out(state.estate, plan.moves), work))

    def _after(self, state: _State, step: CampaignStep, slot: int, then: Estate) -> _State:
        clock = step.end + dt.timedelta(minutes=self.asked.pause_minutes)
        return _State(then, tuple(w for w in state.todo if w is not step.work), (*state.steps, step), slot,
                      clock + (dt.datetime.min - clock) % _ROUND)


def _sooner(state: _State) -> tuple[object, ...]:
    """Of beginnings that come to the same estate the smaller one is gone on with."""
    return state.too_few, state.slot, state.clock, state.worth


def _over_ms(plan: Plan, work_ms: int) -> int:
    """The minute by which moves and work are over in as many nights as are asked for; as predicted where none were
    drawn."""
    freed = max((m.end_ms for m in plan.leg(OUT)), default=0)
    over = max((m.end_ms for m in plan.moves), default=0)
    limit, evening = plan.must_end_ms(OUT), plan.evening
    if evening is not None and evening.go_by_ms is not None and limit is not None:
        over = limit - evening.go_by_ms
        freed = 0 if plan.leg(BACK) else over
    return math.ceil(max(freed + work_ms, over) / 60_000) * 60_000


def _minutes(estate: Estate, work: CampaignWork) -> int:
    """Of work on a server as it is then: for each VIOS so many where they are worked on one after the other."""
    vioses = sum(v.server == work.server for v in estate.vioses)
    return work.minutes * (1 if work.empty else vioses)


def _arrived(estate: Estate, work: CampaignWork) -> Built:
    """The estate with the server that takes the place of another beside it."""
    wrong: list[Finding] = []
    scenario = work.arriving(wrong)
    if scenario is None:
        raise InputError(wrong)
    return build(estate, scenario, CATALOGUE)


def _not_targets(estate: Estate, work: CampaignWork) -> tuple[str, ...]:
    """Of a server that is replaced everybody goes to the new one."""
    own = {work.server, work.replace_by.get("name")}
    return tuple(s.name for s in estate.servers if s.name not in own) if work.replace_by else ()


def with_levels(estate: Estate, work: CampaignWork) -> Estate:
    """The estate with the levels that the work brings; a server that was replaced takes nobody in any more."""
    if work.replace_by:
        gone = Policy("not-a-target", work.server, note=f"replaced by {work.replace_by.get('name')}")
        estate = estate.replace(policies=(*estate.policies, gone))
    servers = (replace(s, firmware=work.firmware) if work.firmware and s.name == work.server else s
               for s in estate.servers)
    vioses = (replace(v, level=work.vios) if work.vios and v.server == work.server else v for v in estate.vioses)
    return estate.replace(servers=tuple(servers), vioses=tuple(vioses))


def _doors(estate: Estate, work: CampaignWork, plan: Plan) -> Iterator[Door]:
    """What this step closes: pairs of servers by their levels; LPARs that stand elsewhere and cannot come back as they
    are, or once they were activated again there."""
    yield from _levels_apart(estate, work)
    site = Site(with_levels(estate, work))
    stays = {m.lpar: m.target for m in sorted(plan.leg(OUT), key=lambda m: m.start_ms)}
    ways = {m.lpar: Way.INACTIVE if m.inactive else Way.LIVE for m in plan.leg(OUT)}
    final = {n: activated(site, site.lpars[n], target) for n, target in stays.items()}
    yield from doors(site, stays, final, ways)


def _levels_apart(estate: Estate, work: CampaignWork) -> Iterator[Door]:
    """Servers to and from which nobody moves any more with the new level, as IBM's matrices have it."""
    if not work.firmware:
        return
    own = next(s for s in estate.servers if s.name == work.server)
    for other in estate.servers:
        if other.name == own.name:
            continue
        pairs = (((own, other), (work.firmware, other.firmware)), ((other, own), (other.firmware, work.firmware)))
        for (source, target), after in pairs:
            if firmware_mobile(*after) is False and firmware_mobile(source.firmware, target.firmware) is not False:
                yield Door(f"firmware {work.firmware} on {own.name}", f"nobody moves from {source.name} ({after[0]}) "
                           f"to {target.name} ({after[1]}) any more (server.firmware)",
                           tuple(p.name for p in estate.lpars if p.server == source.name and p.active))
