"""Many nights of one plan in lanes, each other than predicted as the spread of the parameters has it.

A move takes exp(N(0, common_sigma)) of its night and exp(N(0, duration_sigma)) of its own times what the model says;
the ``failed_share`` of moves fail somewhere on their way, are recovered, and tried again at once (docs/cost-model.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.rules import Site
from planner.schedule.chain import Broken
from planner.schedule.flight import NO_MOVERS, Pair
from planner.schedule.leg import Begins, Leg, flights_of
from planner.schedule.play import Night, Played, Waits, played

RECOVER_S = 180.0
"""Seconds from a failed move to the next try (stop, recover, validate): assumed."""


@dataclass(frozen=True, slots=True)
class _LegAsPlanned:
    leg: Leg
    pair: Sequence[Pair]
    after: Waits
    begin_ms: int


class Nights:
    """The nights of a plan in lanes. ``people``: how many work the checklists; 0: their time does not count."""

    def __init__(self, plan: Plan, site: Site, people: int) -> None:
        self.plan, self.site, self.people = plan, site, people
        self.ways: dict[str, _LegAsPlanned] = {}
        for name in (OUT, BACK):
            moves = sorted(plan.leg(name), key=lambda m: m.number)
            if moves:
                begin = min(m.start_ms for m in moves)
                self.ways[name] = _way(site, moves, begin, plan)

    def night(self, random: Random) -> dict[str, tuple[int, Played]]:
        """Leg → when it begins (ms), and its course in one night drawn."""
        common, out, over = random.gauss(0, self.site.parameters.common_sigma), {}, 0
        for name, way in self.ways.items():
            begin = max(way.begin_ms, over + 1000 * (self.plan.work_s or 0)) if name == BACK else way.begin_ms
            course = played(way.leg, way.pair, way.after, self._drawn(random, way.leg, common))
            over = begin + round(1000 * course.over)
            out[name] = begin, course
        return out

    def _drawn(self, random: Random, leg: Leg, common: float) -> Night:
        p, speed, overhead = leg.parameters, [], []
        for job in leg.jobs:
            factor = math.exp(common + random.gauss(0, p.duration_sigma))
            lost = (random.random() * job.move.duration_ms / 1000 + RECOVER_S
                    if random.random() < p.failed_share else 0.0)
            speed.append(1 / factor)
            overhead.append(factor + lost / max(job.load.overhead_s, 1e-3))
        return Night(speed, overhead, people=self.people, before_s=p.check_before_s if self.people else 0.0,
                     after_s=p.check_after_s if self.people else 0.0)


def _way(site: Site, moves: Sequence[Move], begin_ms: int, plan: Plan) -> _LegAsPlanned:
    leg = flights_of(site, moves, Begins(begin_ms, begin_ms), plan.window)
    index = {name: k for k, name in enumerate(leg.movers)}
    pair = [NO_MOVERS if m.inactive else (index[m.source_msp], index[m.target_msp]) for m in moves]
    place = {m.number: i for i, m in enumerate(moves)}
    after: list[dict[int, Broken | None]] = []
    last: dict[int, int] = {}
    for i, m in enumerate(moves):
        waits: dict[int, Broken | None] = {place[w.move]: Broken(w.rule, w.why, w.until == "arrived") for w in m.waits}
        if m.lane in last:
            waits.setdefault(last[m.lane], Broken("", "its lane"))
        last[m.lane] = i
        after.append(waits)
    return _LegAsPlanned(leg, pair, after, begin_ms)
