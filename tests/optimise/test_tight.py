"""Random tight evacuations: all planned, all scheduled, all verified; and checked here by a loop of its own.

The issue: 8 servers, about 60 LPARs, survivors 98 % full of memory afterwards, known to be possible. Twice: where
the displaced LPARs alone need to move, and where survivors must make room first. Each has a few seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from estates import judged, loaded, move, plan_of
from portion import portion
from tight import FREED, FULL, SURVIVORS, Tight, tight

from planner.estate.model import Estate, Lpar
from planner.jobs import Options, evacuate
from planner.plan.choices import Status
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.verify import replay

SEEDS = range(portion(25, 8))
LIMIT_S = 2.0


def held(of: Estate, where: Mapping[str, set[str]], server: str) -> tuple[int, int]:
    """Hundredths of a core and MiB that a server holds, by its own arithmetic."""
    row = next(s for s in of.servers if s.name == server)
    block = row.lmb_mib or 1
    units, mib = 0, row.firmware_memory_mib or 0
    partitions: list[tuple[int, int, int]] = [
        (v.entitlement_units, v.memory_mib, v.memory_mib) for v in of.vioses if v.server == server]
    partitions += [(p.entitlement_units, p.memory_mib, p.max_memory_mib) for p in of.lpars if server in where[p.name]]
    for entitlement, memory, most in partitions:
        table = 1
        while table * 64 < most:
            table *= 2
        units += entitlement
        mib += -(-memory // block) * block + table
    return units, mib


def overfull(of: Estate, plan: Plan) -> list[str]:
    """Every server that holds more than it has at any moment of the plan; both sides hold a move in flight."""
    places = {p.name: {p.server} for p in of.lpars}
    found = []
    for time in sorted({t for m in plan.moves for t in (m.start_ms, m.end_ms)}):
        for m in plan.moves:
            if m.end_ms == time:
                places[m.lpar] = {m.target}
        for m in plan.moves:
            if m.start_ms == time:
                assert places[m.lpar] == {m.source}
                places[m.lpar] |= {m.target}
        for row in of.servers:
            units, mib = held(of, places, row.name)
            if units > row.configurable_units or mib > row.configurable_memory_mib:
                found.append(f"{row.name} at {time} ms holds {units} units and {mib} MiB")
    assert not any(FREED in at for at in places.values())
    return found


def _checked(case: Tight) -> Plan:
    plan = evacuate(loaded(case.estate), Evacuate(servers=(FREED,)), Options(time_limit=LIMIT_S))
    assert plan.status in (Status.OPTIMAL, Status.FEASIBLE) and plan.verified
    assert overfull(case.estate, plan) == []
    return plan


def largest(of: Estate) -> Lpar:
    return max((p for p in of.lpars if p.server == FREED), key=lambda p: p.memory_mib)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tight_evacuation_is_planned_scheduled_and_verified(seed: int) -> None:
    case = tight(seed, shifting=False)
    plan = _checked(case)
    assert {m.source for m in plan.moves} == {FREED} and plan.status is Status.OPTIMAL
    after = {s.server: s for s in plan.after}
    everything = [sum(getattr(after[s], what) for s in SURVIVORS) for what in ("memory_mib", "memory_limit_mib")]
    assert round(100 * everything[0] / everything[1], 2) == FULL


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tight_evacuation_in_which_survivors_must_shift_first(seed: int) -> None:
    case = tight(seed, shifting=True)
    site, _ = judged(case.estate)
    room = max(site.limit(s).memory_mib - site.at_start[s].memory_mib for s in SURVIVORS)
    assert site.demand(largest(case.estate).name, "B").memory_mib > room
    plan = _checked(case)
    assert any(m.source != FREED for m in plan.moves)


@pytest.mark.parametrize("shifting", [False, True])
def test_the_generators_own_way_is_a_plan(shifting: bool) -> None:
    """The evacuations are possible: the way that they were built by passes the replay."""
    for seed in SEEDS:
        case = tight(seed, shifting=shifting)
        now, moves = 0, []
        for n, (name, source, target) in enumerate(case.way, 1):
            moves.append(move(case.estate, name, source, target, start_ms=now, wave=n))
            now = moves[-1].end_ms
        played = replay(plan_of(moves, FREED), *judged(case.estate))
        assert played.holds, (seed, [str(f) for f in played.findings][:3])
