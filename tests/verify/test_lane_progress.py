"""How far a plan in lanes has come: any set of moves that is closed under its order, told from where the LPARs stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations
from random import Random

import pytest
from estates import BASE, loaded, lpar, plan_of
from portion import portion
from timings import in_lanes, waits_for

from planner.findings import Severity
from planner.jobs import Options, evacuate
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, Wait
from planner.plan.questions import Evacuate
from planner.rules import Site
from planner.verify import verify_plan
from planner.verify.progress import done_of, out_of_order


def random_lanes(rng: Random) -> Plan:
    """Up to five LPARs that leave A, some over B, most of which come back in another order."""
    moves: list[Move] = []
    for leg in (OUT, BACK):
        names = rng.sample("vwxyz", rng.randint(2, 5)) if leg == OUT else [
            n for n in rng.sample("vwxyz", 5) if any(m.lpar == n for m in moves)][:rng.randint(1, 5)]
        here = len(moves)
        for name in names:
            at = next((m.target for m in reversed(moves) if m.lpar == name), "A")
            number = len(moves) + 1
            waits = [n for n in range(here + 1, number) if rng.random() < 0.3]
            moves.append(Move(name, at, "A" if leg == BACK else rng.choice("BC"), leg, number=number, lane=number,
                              start_ms=1000 * number, duration_ms=1000,
                              waits=tuple(Wait(n, "arrived", "", "") for n in waits)))
    return plan_of(moves)


def closed(plan: Plan, done: Sequence[Move]) -> bool:
    before = waits_for(plan.moves)
    numbers = {m.number for m in done}
    outs = {m.number for m in plan.leg(OUT)}
    return all(before[m.number] <= numbers and (m.leg == OUT or outs <= numbers) for m in done)


def places(done: Sequence[Move]) -> dict[str, str]:
    return dict.fromkeys("vwxyz", "A") | {m.lpar: m.target for m in done}


@pytest.mark.parametrize("seed", range(portion(30, 3)))
def test_the_fewest_closed_set_that_the_places_show_is_done(seed: int) -> None:
    plan = random_lanes(Random(seed))
    every = [list(c) for c in chain.from_iterable(combinations(plan.moves, n) for n in range(len(plan.moves) + 1))]
    whole = [c for c in every if closed(plan, c)]
    home = {m.lpar: "A" for m in plan.moves}
    for standing in {tuple(sorted(places(c).items())) for c in every}:
        found = done_of(plan, home, dict(standing))
        fits = [c for c in whole if places(c) == dict(standing)]
        if fits:
            assert found == min(fits, key=len) and not out_of_order(plan, found)
        else:
            assert not closed(plan, found) or places(found) != dict(standing)


def test_verify_says_who_is_next_in_each_lane_and_who_went_out_of_order() -> None:
    of = BASE.replace(lpars=(*BASE.lpars, lpar("a3", "A", 0.5, 4, lpar_id=40)))
    of = of.replace(networks=(), disks=())
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options())
    plan = in_lanes(plan, Site(of, goal=plan.goal))
    first, *rest = plan.leg(OUT)
    plan = plan.replace(moves=tuple(
        replace(m, waits=(Wait(first.number, "arrived", "", ""),)) if m is rest[-1] else m for m in plan.moves))
    half = verify_plan(plan, of.moved({rest[0].lpar: rest[0].target}))
    told = next(f for f in half.findings if f.rule == "plan.progress")
    assert half.holds and f"next: {first.lpar} (lane 1)" in told.message and rest[-1].lpar not in told.message
    early = verify_plan(plan, of.moved({rest[-1].lpar: rest[-1].target}))
    told = next(f for f in early.findings if f.rule == "plan.order")
    assert told.severity is Severity.WARNING and told.subject == rest[-1].lpar and first.lpar in told.message
