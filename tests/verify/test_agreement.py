"""Optimiser, scheduler and replay against each other: no plan of the program's own ever fails its replay."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from estates import loaded
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.model import Estate
from planner.jobs import Options, evacuate, window_from
from planner.plan.choices import Status
from planner.plan.plan import dump, parse
from planner.plan.questions import Evacuate
from planner.verify import verify_plan

sys.path.append(str(Path(__file__).parents[1] / "optimise"))
from test_oracle import estates

NIGHT = window_from("2026-12-05 22:00/04:00")


def test_every_plan_of_a_small_estate_passes_the_replay_and_reads_back() -> None:
    """Status, objective and bound agree; what is no plan has no moves."""
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(250))
    @given(estates(), st.booleans(), st.booleans())
    def planned(of: Estate, come_back: bool, by_night: bool) -> None:
        options = Options(20, 0.0, NIGHT if by_night else None, work_s=1800 if come_back else 0)
        plan = evacuate(loaded(of), Evacuate(servers=("A",), come_back=come_back), options)
        seen[plan.status] += 1
        if plan.status in (Status.INFEASIBLE, Status.UNKNOWN):
            assert not plan.moves and not plan.verified and plan.objective is None
            assert any(f.severity == "error" for f in plan.findings)
            assert (plan.conflict is not None) is (plan.status is Status.INFEASIBLE)
            return
        assert plan.verified and plan.objective is not None and plan.bound is not None and plan.gap is not None
        assert 0 <= plan.bound <= plan.objective and (plan.gap == 0) is (plan.status is Status.OPTIMAL)
        again = verify_plan(parse(dump(plan), "plan.json"), of)
        assert again.holds, [str(f) for f in again.findings]
        seen["parked"] += any(m.parking for m in plan.moves)

    planned()
    assert seen[Status.OPTIMAL] > portion(40) and seen[Status.INFEASIBLE] > portion(40), seen
    assert seen[Status.UNKNOWN] <= 5, seen
