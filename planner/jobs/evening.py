"""What can be decided in the evening of a plan in lanes, and until when, in nights as the spread has them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from planner.findings import errors
from planner.grouping import inverted
from planner.plan.choices import BACK, OUT
from planner.plan.evening import Evening, MoveRange, NightSpread, Turning
from planner.plan.plan import Move, Plan
from planner.plan.questions import Resume
from planner.rules import Judge, Site
from planner.schedule.lanes import Pacing, way_home
from planner.schedule.nights import Nights
from planner.schedule.play import Played

WORK, LEAST, MOST, _MOST_MOVES = 8_000, 40, 300, 1_500
"""Moves times nights at most; nights at least and at most; moves of a plan that is played at most."""
Drawn = Mapping[str, tuple[int, Played]]
"""Leg → when it begins (ms), and how it goes, in one night."""


def evening_of(plan: Plan, site: Site, judge: Judge, pacing: Pacing) -> Evening | None:
    """The evening of a plan; None where it has no lanes, where nobody asked for its nights, or where it has so many
    moves that no evening is one."""
    if not plan.in_lanes or not pacing.nights or len(plan.moves) > _MOST_MOVES:
        return None
    count = _count(plan)
    people = people_of(site, pacing)
    nights, random = Nights(plan, site, people), Random(1)
    drawn = [nights.night(random) for _ in range(count)]
    over = {leg: [_over(night[leg]) for night in drawn] for leg in nights.ways}
    return Evening(
        nights=count, confidence=pacing.confidence, people=people, out=_spread(over.get(OUT, [0])),
        back=_spread(over[BACK]) if BACK in over else None,
        moves=tuple(_ranges(plan, nights, drawn, pacing.confidence)),
        safe_after=tuple(_safe(plan, site, judge)), left_first=tuple(_left_first(plan, site)),
        turning=_turning(plan, site, judge, pacing, drawn), **_decided(plan, drawn, over, pacing.confidence))


def leg_spreads(plan: Plan, site: Site, count: int) -> dict[str, NightSpread]:
    """Leg → how long after its first move it is over, in so many nights; none of a plan without lanes."""
    if not plan.in_lanes:
        return {}
    nights, random = Nights(plan, site, math.ceil(site.parameters.people)), Random(1)
    drawn = [nights.night(random) for _ in range(count)]
    return {leg: _spread([round(1000 * night[leg][1].over) for night in drawn]) for leg in nights.ways}


def over_in_most_ms(plan: Plan, site: Site, pacing: Pacing) -> int:
    """When the last move of a plan in lanes is over in as many nights as are asked for."""
    nights, random = Nights(plan, site, people_of(site, pacing)), Random(1)
    ends = [max(map(_over, nights.night(random).values())) for _ in range(_count(plan))]
    return _quantile(ends, pacing.confidence)


def _count(plan: Plan) -> int:
    """How many nights are drawn."""
    return max(LEAST, min(MOST, WORK // len(plan.moves)))


def _over(way: tuple[int, Played]) -> int:
    """When a leg is over in a night, in ms of the plan."""
    return way[0] + round(1000 * way[1].over)


def _decided(plan: Plan, drawn: Sequence[Drawn], over: Mapping[str, Sequence[int]], confidence: float
             ) -> dict[str, Any]:
    """Until when what can be decided, where there is a window."""
    limit, home = plan.must_end_ms(OUT), plan.must_end_ms(BACK)
    if limit is None:
        return {}
    ends = [max(map(_over, night.values())) for night in drawn] if plan.back_from_s is None else over.get(OUT, [0])
    limits = {OUT: limit, BACK: math.inf if home is None else home}
    in_time = sum(all(_over(way) <= limits[leg] for leg, way in night.items()) for night in drawn)
    told: dict[str, Any] = {"in_time": in_time / len(drawn)}
    if (by := _begins_by(plan, OUT)) is not None:
        told["go_by_ms"] = by - _quantile(ends, confidence)
    if plan.back_from_s is not None:
        told["in_time_of"] = {leg: sum(end <= limits[leg] for end in ends) / len(drawn) for leg, ends in over.items()
                              if limits[leg] < math.inf}
    if BACK in over and home is not None:
        told["work_by_ms"] = home - _quantile([round(1000 * night[BACK][1].over) for night in drawn], confidence)
        told |= {"slack_ms": told["go_by_ms"]} if plan.back_from_s is None else {}
    return told


def _begins_by(plan: Plan, leg: str) -> int | None:
    """When a leg must be over, by which its moves have their latest begins; None without a window, and of a way out
    whose window is that of the way back as well: what is between them is to be long, so a late begin is none in time.
    """
    limit = plan.must_end_ms(leg)
    both = leg == OUT and limit is not None and plan.back_from_s is not None and limit > 1000 * plan.back_from_s
    return None if both else limit


def _turning(plan: Plan, site: Site, judge: Judge, pacing: Pacing, drawn: Sequence[Drawn]) -> Turning | None:
    """Until when a way back of all that has moved would fit, of a plan that has none."""
    end, moves = plan.must_end_ms(OUT), sorted(plan.leg(OUT), key=lambda m: m.number)
    if end is None or plan.leg(BACK) or not moves or isinstance(plan.goal, Resume):
        return None
    barred = [m.lpar for m in moves if not judge.homeward.allowed(m.lpar, m.target, m.source)]
    if barred:
        return Turning(barred=tuple(dict.fromkeys(barred)))

    def home_ms(first: int) -> int:
        """What the way back of so many moves takes at the asked confidence."""
        home = way_home(judge.homeward.site, moves[:first], plan.window, pacing.people)
        if not home:
            return end + 1
        nights, random = Nights(plan.replace(moves=home), site, people_of(site, pacing)), Random(1)
        return _quantile([round(1000 * nights.night(random)[BACK][1].over) for _ in range(LEAST)],
                         pacing.confidence)

    def over_ms(first: int) -> int:
        """When so many moves are over, likewise."""
        return _quantile([night[OUT][0] + round(1000 * max(night[OUT][1].end[:first])) for night in drawn],
                         pacing.confidence)

    whole = home_ms(len(moves))
    if end - whole >= over_ms(len(moves)):
        return Turning(end - whole, back_s=whole // 1000)
    low, high = 0, len(moves) - 1  # the moves after which it still fits
    while low < high:
        middle = (low + high + 1) // 2
        if over_ms(middle) + home_ms(middle) <= end:
            low = middle
        else:
            high = middle - 1
    return Turning(after=moves[low - 1].number if low else 0, back_s=home_ms(low) // 1000 if low else None)


def people_of(site: Site, pacing: Pacing) -> int:
    """How many people work the checklists."""
    return pacing.people or math.ceil(site.parameters.people)


def _quantile(values: Sequence[int], share: float) -> int:
    """The value that this share of them does not pass."""
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def _spread(values: Sequence[int]) -> NightSpread:
    return NightSpread(*(_quantile(values, share) for share in (0.5, 0.9, 0.97)))


def _ranges(plan: Plan, nights: Nights, drawn: Sequence[Drawn], confidence: float) -> Iterator[MoveRange]:
    """Each move's begin and end in most nights, and the latest begin with which what follows is over in time."""
    for leg, way in nights.ways.items():
        limit = _begins_by(plan, leg)
        ends = [max(map(_over, night.values())) if plan.back_from_s is None else _over(night[leg]) for night in drawn]
        for i, job in enumerate(way.leg.jobs):
            starts = [night[leg][0] + round(1000 * night[leg][1].start[i]) for night in drawn]
            over = [night[leg][0] + round(1000 * night[leg][1].end[i]) for night in drawn]
            rest = [end - start for end, start in zip(ends, starts, strict=True)]
            takes = [end - start for end, start in zip(over, starts, strict=True)]
            yield MoveRange(job.move.number, _quantile(starts, 0.1), _quantile(starts, 0.9), _quantile(over, 0.9),
                            None if limit is None else limit - _quantile(rest, confidence),
                            short_ms=_quantile(takes, 0.1), long_ms=_quantile(takes, 0.9), half_ms=_quantile(over, 0.5),
                            begun_ms=_quantile(starts, 0.5))


def _safe(plan: Plan, site: Site, judge: Judge) -> Iterator[int]:
    """The moves of the way out after which everything is whole, once all that has begun by then is over."""
    where = dict(site.start)
    parked = set[str]()
    for m in sorted(plan.leg(OUT), key=lambda m: m.number):
        where[m.lpar] = m.target
        (parked.add if m.parking else parked.discard)(m.lpar)
        holders = inverted(where.items(), site.servers)
        wrong = [*judge.groups({n: (s,) for n, s in where.items()}, end=True),
                 *judge.settled(m.target, holders[m.target])]
        if not parked and not errors(wrong):
            yield m.number


def _left_first(plan: Plan, site: Site) -> list[str]:
    """The LPARs of the way out in the order in which they are left where they are, if it gets late: those first for
    whom it is no matter to others, that are not production, that come last."""
    needed = {w.move for m in plan.moves for w in m.waits if w.until == "arrived"}

    def key(m: Move) -> tuple[bool, bool, int, int]:
        return (m.number in needed, site.lpars[m.lpar].environment == "production",
                -site.policies.priority.get(m.lpar, 1_000_000), -m.number)
    return list(dict.fromkeys(m.lpar for m in sorted(plan.leg(OUT), key=key)))
