"""Other plans for the same question, which differ in what people choose by: who else moves, production, headroom, time.

Each is the same question with something asked besides (who stays, how much every server keeps spare), so that it is
planned, proved and replayed like any plan. The headroom that can be kept is found by halving: what is planned on the
way is the front of cost against the least headroom that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple, Protocol

from pydantic import Field

from planner.estate.model import Estate
from planner.findings import Finding, errors
from planner.plan.carried_out import carried_out
from planner.plan.choices import BACK, OUT, Status
from planner.plan.details import Change, Conflict, WhatifDetails
from planner.plan.plan import Move, Plan
from planner.plan.questions import Consolidate, Headroom, Resume
from planner.plan.wire import absent, empty
from planner.rules import Site
from planner.units import many


class Priced(Protocol):
    """An answer whose plan does not tell alone what it costs: of a scenario, with its restarts; of the rest of a plan,
    whichever question that answers."""

    @property
    def plan(self) -> Plan | None: ...
    @property
    def status(self) -> Status: ...
    @property
    def objective(self) -> float | None: ...
    @property
    def conflict(self) -> Conflict | None: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True)
class Offered:
    """An answer as it is offered: at another price than its plan's, or none (``plan`` None) where that does not do."""

    plan: Plan | None
    status: Status
    objective: float | None
    conflict: Conflict | None
    findings: tuple[Finding, ...]


def offered(plan: Plan, *, does: bool, objective: float | None) -> Offered:
    """A plan at this price; where it holds and all the same does not do, none was found."""
    held = plan.verified and not does
    return Offered(plan if plan.verified and does else None, Status.UNKNOWN if held else plan.status, objective,
                   plan.conflict, plan.findings)


Answer = Plan | Priced
Ask = Callable[[dict[str, object]], Answer]
"""The answer to the question with these fields besides."""
_STEP, _MOST = 5, 95
"""Per cent: what is kept spare is a multiple of this, up to that."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What people choose a plan by. ``moves``: who restarts elsewhere included; ``others``: LPARs that move though they
    stand on none of the servers that the question is about; ``headroom_percent``: the least share of its cores or
    memory that a server which holds more than before has left after the way out, of a scenario in the end;
    ``minutes``: until the last leg is over, the work between them included, in nine of ten nights where that is known,
    else as predicted; ``cost``: what the question makes least, in ``unit``; ``off``: servers that go off; ``restarts``:
    LPARs that are stopped and started elsewhere."""

    moves: int
    others: int
    production: int
    headroom_percent: int
    minutes: float
    cost: float
    unit: str
    off: Annotated[int, Field(exclude_if=empty)] = 0
    restarts: Annotated[int, Field(exclude_if=empty)] = 0


@dataclass(frozen=True, slots=True)
class Alternative:
    """One plan beside the first: what it is ``best`` in, what it ``gives_up`` for that, its ``plan``, and the
    ``directory`` of it within that of the first; without one why there is none (``instead``)."""

    best: str
    traits: Annotated[Traits | None, Field(exclude_if=absent)] = None
    gives_up: tuple[str, ...] = ()
    instead: Annotated[str, Field(exclude_if=empty)] = ""
    directory: str | None = None
    plan: Annotated[Plan | None, Field(exclude=True)] = None


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A plan that no other one beats in both: what it costs, and the least headroom that it leaves."""

    cost: float
    headroom_percent: int


@dataclass(frozen=True, slots=True)
class Beside:
    """The traits of the first plan, the alternatives, and the front of cost against headroom of all plans that were
    made."""

    first: Traits
    alternatives: tuple[Alternative, ...]
    front: tuple[FrontPoint, ...]


class _MadePlan(NamedTuple):
    """A verified plan that was made, and what people choose it by."""

    plan: Plan
    traits: Traits


def _made(answer: Answer, estate: Estate) -> _MadePlan | None:
    """Of an answer with a verified plan."""
    plan = answer if isinstance(answer, Plan) else answer.plan
    if plan is None or not plan.verified:
        return None
    out, restarted = _leg(plan), restarts(plan)
    sources = {p.name: p.server for p in estate.lpars}
    production = {p.name for p in estate.lpars if p.environment == "production"}
    moved, about = {m.lpar for m in out} | {c.lpar for c in restarted}, _about(plan, estate)
    evening = plan.evening
    last = (evening.back or evening.out).most_ms / 1000 if evening else plan.total_s
    return _MadePlan(plan, Traits(
        moves=len(out) + len(restarted), others=sum(
            sources[n] not in about for n in moved - plan.goal.homes.keys()),
        production=len(moved & production), headroom_percent=_least_left(plan, estate), minutes=round(last / 60, 1),
        off=len(plan.off), restarts=len(restarted), cost=round(answer.objective or 0.0, 3),
        unit=plan.levels[0].unit if plan.levels else "points"))


def traits_of(answer: Answer, estate: Estate) -> Traits:
    """The traits of an answer; raises ValueError for one without a verified plan."""
    made = _made(answer, estate)
    if made is None:
        raise ValueError("there is no verified plan")
    return made.traits


def _leg(plan: Plan) -> tuple[Move, ...]:
    """The moves that one chooses by: those of the way out; of a plan that goes home alone those home."""
    return plan.leg(OUT) or plan.leg(BACK)


def restarts(plan: Plan) -> tuple[Change, ...]:
    """Of the plan of a scenario who restarts elsewhere once the live moves are over."""
    changes = plan.details.changes if isinstance(plan.details, WhatifDetails) else ()
    return tuple(c for c in changes if c.lpar in plan.goal.left)


def _about(plan: Plan, estate: Estate) -> frozenset[str]:
    """The servers whose LPARs a question is about; of headroom that was begun that on which the critical ones run."""
    goal = plan.goal
    if isinstance(goal, Headroom):
        return frozenset({goal.server})
    if isinstance(goal, Resume) and not goal.freed:
        return frozenset(p.server for p in estate.lpars if p.name in goal.critical)
    return frozenset(plan.off if isinstance(goal, Consolidate) else goal.freed)


def _least_left(plan: Plan, estate: Estate) -> int:
    """Whole per cent; 100 where no server holds more than before."""
    rows = {s.name: s for s in estate.servers}
    before = {s.server: s for s in plan.before}
    shares = [100 - 100 * held / most for s, (units, mib) in _held_after(plan, estate).items() for held, was, most in (
        (units, before[s].units, rows[s].configurable_units),
        (mib, before[s].memory_mib, rows[s].configurable_memory_mib)) if held > was and most]
    return max(0, int(min(shares, default=100)))


def _held_after(plan: Plan, estate: Estate) -> dict[str, tuple[int, int]]:
    """Server → hundredths of a core and MiB that it holds after the way out; of a scenario in the end, once all that
    follows the moves is done as well; where nobody leaves once everybody is home."""
    if plan.leg(OUT) and not isinstance(plan.details, WhatifDetails):
        return {s.server: (s.units, s.memory_mib) for s in plan.after}
    changes = plan.details.changes if isinstance(plan.details, WhatifDetails) else ()
    then, changed = carried_out(estate, plan.moves), {c.lpar: c for c in changes}
    rows = tuple(changed[p.name].done_to(p) if p.name in changed else p for p in then.lpars)
    return {s: (held.units, held.memory_mib) for s, held in Site(then.replace(lpars=rows)).at_start.items()}


def alternatives(answer: Answer, estate: Estate, ask: Ask, count: int,
                 besides: Callable[[Plan], Sequence[str]] = lambda _: ()) -> Beside:
    """So many alternatives at most to an answer; raises ValueError for one without a verified plan. ``besides``: what
    a plan gives up besides what its traits tell."""
    first = _made(answer, estate)
    if first is None:
        raise ValueError("there is no verified plan")
    search = _OtherPlans(first, estate, ask)
    found = [*search.staying(), search.roomiest()]
    found.append(search.shortest())
    told = [a for a in found if a.plan is not None] + [a for a in found if a.plan is None]
    kept = [compared(a, first.traits, besides) for a in _once(told)[:count]]
    named = tuple(a if a.plan is None else replace(a, directory=f"alternative-{n}") for n, a in enumerate(kept, 1))
    return Beside(first.traits, named, tuple(_front(m.traits for m in search.made)))


def _once(told: Sequence[Alternative]) -> list[Alternative]:
    """Those that are one plan as one."""
    out: list[Alternative] = []
    for a in told:
        same = next((n for n, b in enumerate(out) if a.plan and b.plan and _done(a.plan) == _done(b.plan)), None)
        if same is None:
            out.append(a)
        else:
            out[same] = replace(out[same], best=f"{out[same].best}; {a.best}")
    return out


def _done(plan: Plan) -> tuple[object, ...]:
    """What a plan does with LPARs."""
    return plan.moves, restarts(plan)


class _OtherPlans:
    """The search for other plans; what is ``made`` on the way is kept, the first plan first."""

    def __init__(self, first: _MadePlan, estate: Estate, ask: Ask) -> None:
        self.first, self.estate, self.ask, self.made = first, estate, ask, [first]

    def staying(self) -> Iterator[Alternative]:
        """With nobody else moving; with no production moving but what must."""
        plan = self.first.plan
        about = _about(plan, self.estate)
        others = [p for p in self.estate.lpars if p.active and p.server not in about and p.name not in plan.goal.homes]
        moved = {m.lpar for m in _leg(plan)}
        for best, names in (("no other LPAR moves", others), ("no production moves but what must", [
                p for p in others if p.environment == "production"])):
            if not moved & {p.name for p in names}:
                yield Alternative(best, instead="the first plan is that already")
                continue
            yield self._staying(best, tuple(p.name for p in names))

    def _staying(self, best: str, names: tuple[str, ...]) -> Alternative:
        answer = self.ask({"stay": names})
        made = _made(answer, self.estate)
        if made is None:
            return Alternative(best, instead=_why_not(answer))
        self.made.append(made)
        return _told(best, made)

    def roomiest(self) -> Alternative:
        """The plan that leaves most headroom on the fullest server that takes LPARs in, to ``_STEP`` per cent."""
        if not self.first.plan.leg(OUT):
            return Alternative("most headroom is left", instead="everybody goes home, and where that is is given")
        low, high, best = self.first.traits.headroom_percent // _STEP, _MOST // _STEP + 1, self.first
        while high - low > 1:
            middle = (low + high) // 2
            tried = _made(self.ask({"spare_percent": _STEP * middle}), self.estate)
            if tried is not None and tried.plan.moves and tried.traits.headroom_percent >= _STEP * middle:
                self.made.append(tried)
                low, best = tried.traits.headroom_percent // _STEP, tried
            else:
                high = middle
        if best is self.first:
            return Alternative("most headroom is left", instead=f"none was found that keeps {_STEP * (low + 1)} % free")
        return _told("most headroom is left", best)

    def shortest(self) -> Alternative:
        """Of all plans that were made that with the shortest evening."""
        best = min(self.made, key=lambda m: m.traits.minutes)
        if best is self.first or best.traits.minutes >= self.first.traits.minutes:
            return Alternative("the shortest evening", instead="the first plan has it, of all that were made")
        return _told("the shortest evening", best)


def _told(best: str, made: _MadePlan) -> Alternative:
    return Alternative(best, made.traits, plan=made.plan)


def _why_not(answer: Answer) -> str:
    """Why an answer has no plan."""
    if answer.status in (Status.OPTIMAL, Status.FEASIBLE):
        return "nobody is migrated then, all who must go restart"
    word = "impossible" if answer.status is Status.INFEASIBLE else "not found"
    if answer.conflict:
        return f"{word}: {answer.conflict.summary}"
    return f"{word}: {next((f.message for f in errors(answer.findings)), 'no plan was found in the time')}"


def compared(a: Alternative, first: Traits, besides: Callable[[Plan], Sequence[str]] = lambda _: ()) -> Alternative:
    """With what it gives up, beside the first plan."""
    if a.traits is None:
        return a
    t = a.traits
    more = t.cost - first.cost
    up = [f"{more:+,.{3 if more < 1 else 0}f} {t.unit}"] if more > 0 else []
    up += [f"{t.minutes - first.minutes:+.0f} min"] if t.minutes >= first.minutes + 1 else []
    up += [many(t.restarts - first.restarts, "more restart")] if t.restarts > first.restarts else []
    up += [f"{t.others - first.others} more of other servers move"] if t.others > first.others else []
    up += [f"{t.production - first.production} more of production move"] if t.production > first.production else []
    up += [f"{first.headroom_percent - t.headroom_percent} points of headroom"
           ] if t.headroom_percent < first.headroom_percent else []
    up += [f"{first.off - t.off} fewer servers go off"] if t.off < first.off else []
    up += besides(a.plan) if a.plan else ()
    return replace(a, gives_up=tuple(up) or ("nothing of what is compared here",))


def _front(points: Iterator[Traits]) -> Iterator[FrontPoint]:
    """The points that no other beats, the cheapest first."""
    best = -1
    for cost, less in sorted({(t.cost, -t.headroom_percent) for t in points}):
        if -less > best:
            best = -less
            yield FrontPoint(cost, best)
