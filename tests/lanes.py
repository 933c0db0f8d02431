"""Plans in lanes for tests of papers: made of plans in waves, whatever the scheduler does."""

from __future__ import annotations

from dataclasses import replace

from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan, Wait


def in_waves(plan: Plan) -> Plan:
    """The same moves in waves."""
    return plan.replace(moves=tuple(replace(m, number=0, lane=0, waits=()) for m in plan.moves), at_least_s={})


def in_lanes(plan: Plan) -> Plan:
    """The same plan in lanes: each move waits for all of the wave before it, the lane is its place in its wave."""
    if plan.in_lanes:
        return plan
    moves, number = [], 0
    for leg in (OUT, BACK):
        last: dict[int, int] = {}
        before: list[tuple[int, str]] = []
        for _, wave in plan.waves(leg):
            waits = before
            before = []
            for lane, m in enumerate(wave, 1):
                number += 1
                moves.append(replace(m, number=number, lane=lane, waits=tuple(
                    Wait(n, "arrived", "memory.capacity", f"needs the room that {name} leaves on {m.target}")
                    for n, name in waits if n != last.get(lane))))
                last[lane] = number
                before.append((number, m.lpar))
    return plan.replace(moves=tuple(moves), at_least_s={leg: 0.8 * plan.leg_span_s(leg) for leg in (OUT, BACK)})
