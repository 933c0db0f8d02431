"""Other plans for the same question, which differ in what people choose by: who else moves, production, headroom, time.

Each is the same question with something asked besides (who stays, how much every server keeps spare), so that it is
planned, proved and replayed like any plan. The headroom that can be kept is found by halving: what is planned on the
way is the front of cost against the least headroom that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from planner.estate.model import Estate
from planner.plan.choices import OUT, Status
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Headroom
from planner.plan.wire import absent, empty

Ask = Callable[[dict[str, object]], Plan]
"""The plan for the question with these fields besides."""
_STEP, _MOST = 5, 95
"""Per cent: what is kept spare is a multiple of this, up to that."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What people choose a plan by. ``others``: LPARs that move though they stand on none of the servers that the
    question is about; ``headroom_percent``: the least share of its cores or memory that a server which takes LPARs in
    has left after the way out; ``minutes``: until the last leg is over, the work between them included, in nine of ten
    nights where that is known, else as predicted; ``cost``: what the question
    makes least, in ``unit``."""

    moves: int
    others: int
    production: int
    headroom_percent: int
    minutes: float
    cost: float
    unit: str
    off: Annotated[int, Field(exclude_if=empty)] = 0


@dataclass(frozen=True, slots=True)
class Alternative:
    """One plan beside the first: what it is ``best`` in, what it ``gives_up`` for that, its ``plan``; without one why
    there is none (``instead``)."""

    best: str
    traits: Annotated[Traits | None, Field(exclude_if=absent)] = None
    gives_up: tuple[str, ...] = ()
    instead: Annotated[str, Field(exclude_if=empty)] = ""
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


def traits_of(plan: Plan, estate: Estate) -> Traits:
    """The traits of a verified plan."""
    out = plan.leg(OUT)
    production = {p.name for p in estate.lpars if p.environment == "production"}
    moved, theirs = {m.lpar for m in out}, {m.lpar for m in out if m.source in _about(plan)}
    evening = plan.evening
    last = (evening.back or evening.out).most_ms / 1000 if evening else plan.total_s
    return Traits(moves=len(out), others=len(moved - theirs), production=len(moved & production),
                  headroom_percent=_least_left(plan, estate), minutes=round(last / 60, 1), off=len(plan.off),
                  cost=round(plan.objective or 0.0, 3), unit=plan.levels[0].unit if plan.levels else "points")


def _about(plan: Plan) -> frozenset[str]:
    """The servers whose LPARs a question is about."""
    goal = plan.goal
    own = (goal.server,) if isinstance(goal, Headroom) else plan.off if isinstance(goal, Consolidate) else goal.freed
    return frozenset(own)


def _least_left(plan: Plan, estate: Estate) -> int:
    """Whole per cent; 100 where no server takes anybody in."""
    rows = {s.name: s for s in estate.servers}
    before = {s.server: s for s in plan.before}
    shares = [100 - 100 * held / most for s in plan.after for held, was, most in (
        (s.units, before[s.server].units, rows[s.server].configurable_units),
        (s.memory_mib, before[s.server].memory_mib, rows[s.server].configurable_memory_mib)) if held > was and most]
    return max(0, int(min(shares, default=100)))


def alternatives(plan: Plan, estate: Estate, ask: Ask, count: int) -> Beside:
    """So many alternatives at most to a verified plan."""
    first = traits_of(plan, estate)
    made: list[Plan] = [plan]
    found = [*_staying(plan, estate, ask, made), _roomiest(plan, first, ask, made, estate)]
    found.append(_shortest(plan, first, made, estate))
    told = [a for a in found if a.traits is not None] + [a for a in found if a.traits is None]
    kept = tuple(compared(a, first) for a in _once(told)[:count])
    return Beside(first, kept, tuple(_front(traits_of(p, estate) for p in made)))


def _once(told: Sequence[Alternative]) -> list[Alternative]:
    """Those that are one plan as one."""
    out: list[Alternative] = []
    for a in told:
        same = next((n for n, b in enumerate(out) if a.plan and b.plan and a.plan.moves == b.plan.moves), None)
        if same is None:
            out.append(a)
        else:
            out[same] = replace(out[same], best=f"{out[same].best}; {a.best}")
    return out


def _staying(plan: Plan, estate: Estate, ask: Ask, made: list[Plan]) -> Iterator[Alternative]:
    """With nobody else moving; with no production moving but what must."""
    about = _about(plan)
    others = [p for p in estate.lpars if p.active and p.server not in about and p.name not in plan.goal.homes]
    moved = {m.lpar for m in plan.leg(OUT)}
    for best, names in (("no other LPAR moves", others), ("no production moves but what must", [
            p for p in others if p.environment == "production"])):
        if not moved & {p.name for p in names}:
            yield Alternative(best, instead="the first plan is that already")
            continue
        yield _asked(best, ask({"stay": tuple(p.name for p in names)}), estate, made)


def _asked(best: str, plan: Plan, estate: Estate, made: list[Plan]) -> Alternative:
    if plan.verified:
        made.append(plan)
        return Alternative(best, traits_of(plan, estate), plan=plan)
    why = plan.conflict.summary if plan.conflict else "no plan was found in the time"
    word = "impossible" if plan.status is Status.INFEASIBLE else "not found"
    return Alternative(best, instead=f"{word}: {why}")


def _roomiest(plan: Plan, first: Traits, ask: Ask, made: list[Plan], estate: Estate) -> Alternative:
    """The plan that leaves most headroom on the fullest server that takes LPARs in, to ``_STEP`` per cent."""
    low, high, best = first.headroom_percent // _STEP, _MOST // _STEP + 1, plan
    while high - low > 1:
        middle = (low + high) // 2
        tried = ask({"spare_percent": _STEP * middle})
        if tried.verified and tried.moves:
            made.append(tried)
            low, best = max(middle, traits_of(tried, estate).headroom_percent // _STEP), tried
        else:
            high = middle
    if best is plan:
        return Alternative("most headroom is left", instead=f"none was found that keeps {_STEP * (low + 1)} % free")
    return Alternative("most headroom is left", traits_of(best, estate), plan=best)


def _shortest(plan: Plan, first: Traits, made: Sequence[Plan], estate: Estate) -> Alternative:
    """Of all plans that were made that with the shortest evening."""
    best = min(made, key=lambda p: traits_of(p, estate).minutes)
    traits = traits_of(best, estate)
    if best is plan or traits.minutes >= first.minutes:
        return Alternative("the shortest evening", instead="the first plan has it, of all that were made")
    return Alternative("the shortest evening", traits, plan=best)


def compared(a: Alternative, first: Traits) -> Alternative:
    """With what it gives up, beside the first plan."""
    if a.traits is None:
        return a
    t = a.traits
    more = t.cost - first.cost
    up = [f"{more:+,.{3 if more < 1 else 0}f} {t.unit}"] if more > 0 else []
    up += [f"{t.minutes - first.minutes:+.0f} min"] if t.minutes >= first.minutes + 1 else []
    up += [f"{t.others - first.others} more of other servers move"] if t.others > first.others else []
    up += [f"{t.production - first.production} more of production move"] if t.production > first.production else []
    up += [f"{first.headroom_percent - t.headroom_percent} points of headroom"
           ] if t.headroom_percent < first.headroom_percent else []
    up += [f"{first.off - t.off} fewer servers go off"] if t.off < first.off else []
    return replace(a, gives_up=tuple(up) or ("nothing of what is compared here",))


def _front(points: Iterator[Traits]) -> Iterator[FrontPoint]:
    """The points that no other beats, the cheapest first."""
    best = -1
    for cost, less in sorted({(t.cost, -t.headroom_percent) for t in points}):
        if -less > best:
            best = -less
            yield FrontPoint(cost, best)
