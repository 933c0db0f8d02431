"""The cheapest changes that make a goal possible, each set told with the verified plan on the estate that it makes.

Program, apply, whole plan with its order, and where that is not had: cut, and again. A set is told only when the plan
on the changed estate is verified and fits its window, and when it is so with no change less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from planner.estate.assemble import Loaded
from planner.estate.changes import Repair, applied, set_to
from planner.estate.model import Estate
from planner.estate.prices import PRICES, Prices
from planner.jobs.common import Options
from planner.jobs.evacuation import evacuate
from planner.jobs.headroom_plan import headroom
from planner.optimise.asked import displaced, may_leave, survivors
from planner.optimise.evacuate import Unexplained
from planner.optimise.headroom import HeadroomProblem
from planner.optimise.program import Outcome, Solution
from planner.optimise.remedy import Buying, HeadroomRemedy, Shop, part_with, shop_of, worth_buying
from planner.plan.choices import Status
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate, Headroom
from planner.rules import Judge, Site
from planner.rules.server import made_mover
from planner.schedule.lanes import Pacing
from planner.stopwatch import now, stopped
from planner.units import many, show_duration, some

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.history.usage import Usage
    from planner.jobs.peak_hours import UsageSpec

_TRIES = 60
"""Sets that are tried by the whole plan at most."""
_PAIRS = 20_000
"""LPARs that could stay times servers up to which changes are bought for them too."""
_FAST_MBIT, _SLOW_MBIT = 10_000, 1000
_LINK_SETS = 4
"""Sets of faster links that are tried at most."""
ANY_TIME = Pacing(waves=True, bounded=False, nights=False)
"""Whether a plan exists is asked, not how long it takes."""
_FOUND = (Status.OPTIMAL, Status.FEASIBLE)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A set of changes, what it costs, and what it makes possible: the verified plan and the estate that it is of."""

    changes: tuple[Repair, ...]
    cost: int
    plan: Plan
    estate: Estate


@dataclass(frozen=True, slots=True)
class Remedied:
    """What would make a goal possible. ``today``: the answer without any change; ``sets``: the cheapest first, none
    when it is possible today; ``cheapest``: it is proved that of what is on the price list no cheaper set will do;
    ``none``: that no set will do; ``said``: what else is to be told, such as what nothing lifts."""

    today: Plan
    sets: tuple[ChangeSet, ...] = ()
    cheapest: bool = False
    none: bool = False
    said: tuple[str, ...] = ()


def possible(plan: Plan) -> bool:
    """Whether a plan does what was asked: verified, and in its windows."""
    return plan.verified and plan.status in _FOUND and all(
        w is None or w.fits is not False for w in (plan.window, plan.back_window))


@dataclass(frozen=True)
class Remedy:
    """One goal on one estate, asked with changes of it. ``usage``: of a history, as for a plan; ``closed``: it is known
    that without a change there is no plan, and why is not asked."""

    loaded: Loaded
    goal: Evacuate | Headroom
    options: Options
    usage: UsageSpec | None = None
    prices: Prices = PRICES
    closed: bool = False

    def plan(self, estate: Estate, pacing: Pacing | None = None) -> Plan:
        """The whole plan on an estate; ``pacing``: another than was asked for."""
        loaded, fresh = Loaded(estate), replace(self.options, since=None, pacing=pacing or self.options.pacing)
        if isinstance(self.goal, Headroom):
            return headroom(loaded, self.goal, fresh, self.usage, curve=False)
        return evacuate(loaded, self.goal, fresh, self.usage)

    @cached_property
    def today(self) -> Plan:
        """The answer without a change."""
        blank = Plan(goal=self.goal, status=Status.INFEASIBLE, estate_digest="")
        return blank if self.closed else self.plan(self.loaded.estate)

    @cached_property
    def asked(self) -> Evacuate | Headroom:
        """The goal with its names, homes and hours as the plan has them."""
        goal = self.today.goal
        assert isinstance(goal, Evacuate | Headroom)
        return goal

    @cached_property
    def _used(self) -> Usage | None:
        from planner.jobs.peak_hours import usage_again  # start-up: of a history alone

        basis = self.asked.usage
        return usage_again(self.loaded.estate, self.usage.path, basis) if self.usage and basis else None

    def site(self, estate: Estate) -> Site:
        """An estate as the goal looks at it."""
        return Site(estate, usage=self._used, goal=self.asked)

    def placed(self, estate: Estate) -> bool:
        """Whether a placement may exist: no proof that there is none."""
        site = self.site(estate)
        of = HeadroomProblem(site, Judge(site), self.asked) if isinstance(self.asked, Headroom) else Unexplained(
            site, Judge(site), self.asked)
        return of.solve(self.options.time_limit, 1.0).status is not Status.INFEASIBLE

    def planned(self, changes: Sequence[Repair], pacing: Pacing | None = None) -> ChangeSet | None:
        """These changes with their verified plan, which may be too long; None when there is none."""
        estate = applied(self.loaded.estate, changes)
        plan = self.plan(estate, pacing) if self.placed(estate) else None
        return None if plan is None or not plan.verified else ChangeSet(
            tuple(changes), self.prices.total(tuple(changes)), plan, estate)

    def tried(self, changes: Sequence[Repair], pacing: Pacing | None = None) -> ChangeSet | None:
        """These changes with the plan that does what was asked; None when it is not had."""
        found = self.planned(changes, pacing)
        return found if found and possible(found.plan) else None

    def in_time(self, late: ChangeSet) -> ChangeSet | None:
        """Of a set whose plan does not fit its window one that does, with faster links or further movers, the cheapest
        of those that are tried; None when it does not fit even then."""
        offers = dict.fromkeys(_quicker(late, self.site(late.estate)))
        for offer in sorted(offers, key=lambda cs: (self.prices.total(cs), len(cs))):
            found = self.tried((*late.changes, *offer)) if offer and all(map(self.prices.allows, offer)) else None
            if found:
                return found
        return None

    def least(self, found: ChangeSet) -> ChangeSet:
        """The set without what it does not need: each change is left out in turn, the dearest first, and planned; in
        lanes, where a window asks how long it takes, else once for what is left."""
        pacing, most = self.at_any_time().options.pacing, found
        for change in sorted(found.changes, key=lambda c: (-self.prices.cost(c), c.words)):
            less = self.tried([c for c in found.changes if c != change], pacing)
            found = less or found
        return found if found is most or pacing is self.options.pacing else self.tried(found.changes) or most

    def at_any_time(self) -> Remedy:
        """The same without lanes, where no window asks how long a plan takes: for what is tried and not told."""
        timed = self.options.window or self.options.back_window
        return self if timed else replace(self, options=replace(self.options, pacing=ANY_TIME))

    def models(self) -> Iterator[tuple[Buying, Shop, bool]]:
        """The programs in which the sets are looked for, each where the one before found none; what can be bought in
        them, and whether the program is of all of the site: of a large one the part in which most is bought comes
        first."""
        if not (self.all_offered or isinstance(self.asked, Headroom)):
            site = self.site(self.loaded.estate)
            must = displaced(self.asked, site)
            among = worth_buying(site, Judge(site), must, survivors(self.asked, site))
            part = part_with(site, {*self.asked.servers, *among})
            if part is not site.estate:
                yield *self._evacuation(self.site(part), among), False
        yield *self.model(), True

    def model(self) -> tuple[Buying, Shop]:
        """The program of the goal, and what can be bought."""
        site = self.site(self.loaded.estate)
        judge = Judge(site)
        if isinstance(self.asked, Headroom):
            critical = {*self.asked.critical}
            may = [n for n in site.start if n not in critical] if self.all_offered else may_leave(self.asked, site)
            shop = shop_of(site, judge, self.prices, (), may, list(site.servers), for_may=self.all_offered)
            return HeadroomRemedy(site, shop, self.asked), shop
        return self._evacuation(site, survivors(self.asked, site))

    def _evacuation(self, site: Site, among: Sequence[str]) -> tuple[Buying, Shop]:
        """The program of an evacuation to servers ``among`` these."""
        assert isinstance(self.asked, Evacuate)
        judge, must = Judge(site), displaced(self.asked, site)
        offered = len(site.lpars) * len(among) <= _PAIRS
        may = [n for n, s in site.start.items() if s in among and (offered or judge.targets(n, among))]
        shop = shop_of(site, judge, self.prices, must, may, among, for_may=offered)
        return Buying(site, shop, among, must), shop

    @property
    def all_offered(self) -> bool:
        """Whether changes are bought for LPARs that could stay as well, wherever they are; else no set is called the
        cheapest."""
        return len(self.loaded.estate.lpars) * len(self.loaded.estate.servers) <= _PAIRS


def remedy(asked: Remedy, count: int = 3, progress: Callable[[str], None] | None = None) -> Remedied:
    """The ``count`` cheapest sets of changes that differ, none of them more than another.

    Raises UsageError and InputError as the question itself does, ReplayError for a plan that fails its replay.
    """
    tell = progress or (lambda text: None)
    tell("the answer of today")
    if possible(asked.today):
        return Remedied(asked.today)
    for model, shop, whole in asked.models():
        if shop.stranded and whole:
            return Remedied(asked.today, none=True, said=tuple(unliftable(shop)))
        search = _SetSearch(asked, model, count)
        none = not shop.stranded and search.run(
            max(asked.options.deadline(), now() + asked.options.time_limit / 2), tell) and whole
        if search.sets or stopped():
            break
    said = [f"{many(search.refused, 'cheaper set')} had a placement at best, but no verified plan in its window"] if (
        search.refused and search.sets) else []
    said += _too_late(search.late) if search.late and not search.sets else []
    return Remedied(asked.today, tuple(sorted(search.sets, key=lambda s: s.cost)), search.cheapest, none, tuple(said))


class _SetSearch:
    """The sets that were found so far. ``late``: the first whose plan does not fit its window."""

    def __init__(self, asked: Remedy, model: Buying, count: int) -> None:
        self.asked, self.model, self.count = asked, model, count
        self.sets: list[ChangeSet] = []
        self.cheapest, self.refused = False, 0
        self.late: ChangeSet | None = None

    def run(self, deadline: float, tell: Callable[[str], None]) -> bool:
        """Sets until there are enough, or none is left; whether it is proved that there is none at all."""
        for number in range(1, _TRIES + 1):
            tell(f"set {number}")
            solution = self.model.solve(deadline, 0.0)
            if not solution.found or stopped():
                return solution.outcome is Outcome.INFEASIBLE and not (self.sets or self.refused)
            self.take(solution)
            if len(self.sets) == self.count or now() > deadline:
                break
        return False

    def take(self, solution: Solution) -> None:
        """The set of a solution when it has its plan, without what it does not need; else it is refused."""
        changes = self.model.changes(solution)
        found = planned = self.asked.planned(changes)
        if planned is None or not possible(planned.plan):
            found = self.asked.in_time(planned) if planned and not self.late else None
            self.late, self.refused = self.late or planned, self.refused + (found is None)
            self.model.add_refusal(solution, {m.lpar for m in planned.plan.moves} if planned else None)
        if found is None:
            return
        least = self.asked.least(found)
        if found is planned:
            proved = solution.outcome is Outcome.OPTIMAL and least.changes == changes and not self.late and (
                self.asked.all_offered)
            self.cheapest = self.cheapest or (not self.sets and proved)
            self.model.add_difference(least.changes)
        if not any(_of_one(s, least) for s in self.sets):
            self.sets.append(least)


def _too_late(late: ChangeSet) -> list[str]:
    """By how much longer a window would have to be, for a set that needs nothing else."""
    with_ = f"with {'; '.join(c.words for c in late.changes)}: " if late.changes else ""
    return [f"{with_}a window that is {show_duration(-spare)} longer would do" if (spare := w.spare_s or 0) < 0 else
            f"{with_}the plan fits as predicted, but in too few nights: a longer window would do"
            for w in (late.plan.window, late.plan.back_window) if w and w.fits is False]


def _quicker(late: ChangeSet, site: Site) -> Iterator[tuple[Repair, ...]]:
    """Faster links for the pairs of movers that send most, one pair after the other; further movers; all of these."""
    sent: Counter[tuple[str, str]] = Counter()
    for m in late.plan.moves:
        sent[m.source_msp, m.target_msp] += m.bytes_sent
    pairs = [pair for pair, _ in sorted(sent.items(), key=lambda row: (-row[1], row[0])) if all(pair)]
    slow = [v for v in dict.fromkeys(v for pair in pairs for v in pair)
            if (site.vioses[v].link_mbit or _SLOW_MBIT) < _FAST_MBIT]
    faster = {v: set_to("link", "vioses", v, "link_mbit", _FAST_MBIT,
                        words=f"move over a link of 10 Gbit/s from and to {v}") for v in slow}
    for n in range(1, min(len(pairs), _LINK_SETS) + 1):
        yield tuple(faster[v] for v in slow if any(v in pair for pair in pairs[:n]))
    servers = {s for m in late.plan.moves for s in (m.source, m.target)}
    further = tuple(made_mover(site, v.name) for v in site.estate.vioses
                    if v.server in servers and v not in site.movers(v.server))
    yield from ((c,) for c in further)
    yield further
    yield *faster.values(), *further


def _of_one(a: ChangeSet, b: ChangeSet) -> bool:
    """Whether one of two sets is the other, or more than it, in a person's words."""
    first, second = ({c.shape for c in s.changes} for s in (a, b))
    return first <= second or second <= first


def unliftable(shop: Shop) -> list[str]:
    """Of those that no change lets go anywhere the rules that nothing lifts."""
    out = []
    for n in shop.stranded:
        why = dict.fromkeys(f"{f.message} ({f.rule})" for found in shop.blocked.get(n, {}).values() for f in found)
        out.append(f"no change that is known lets {n} go anywhere: {some(why, 4)}")
    return out
