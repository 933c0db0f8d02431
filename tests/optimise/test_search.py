"""The local search that steps in when the solver finds nothing in its time."""

from __future__ import annotations

from collections import Counter

import pytest
from estates import evacuate_goal, judged, loaded
from hypothesis import given, settings
from portion import portion
from test_oracle import estates
from tight import FREED, tight

from planner.estate.model import Estate
from planner.jobs import Options, evacuate
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.heuristics.search import placement_by_search
from planner.optimise.placement import PlacementProgram, candidates_of
from planner.optimise.program import Outcome, Solution
from planner.optimise.solver import solve
from planner.plan.choices import Status
from planner.plan.questions import Evacuate


def wide_program(of: Estate) -> PlacementProgram:
    """The program in which survivors may move as well."""
    site, judge = judged(of)
    p = EvacuationProblem(site, judge, evacuate_goal(site, [FREED]))
    wide = candidates_of(site, judge, p.displaced, p.survivors, [n for n in p.wide.cost if n not in p.narrow.cost])
    return PlacementProgram(site, wide, p.survivors, p.displaced)


def test_what_it_finds_holds_and_it_finds_nearly_all_that_there_is() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(240, 4))
    @given(estates())
    def tried(of: Estate) -> None:
        model = wide_program(of)
        if any(not places for places in model.candidates.cost.values()):
            assert placement_by_search(model) == []
            return
        best = solve(model.program, 10)
        values = placement_by_search(model)
        if values:
            assert model.program.holds(values) and best.objective is not None
            assert model.program.value(values) >= best.objective
            seen["found"] += 1
            seen["best"] += model.program.value(values) == best.objective
        elif best.found:
            seen["missed"] += 1

    tried()
    assert seen["found"] > portion(50, 4) and seen["missed"] <= seen["found"] // 20 and seen["best"] > seen["found"] // 2, seen


@pytest.mark.parametrize("seed", range(portion(8)))
def test_a_tight_estate_is_placed_without_any_solver(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    of = tight(seed, shifting=True).estate
    monkeypatch.setattr("planner.optimise.placement.solve", lambda *_, **__: Solution(Outcome.UNKNOWN))
    plan = evacuate(loaded(of), Evacuate(servers=(FREED,)), Options(time_limit=30))
    assert plan.status is Status.FEASIBLE and plan.verified
    assert plan.bound is not None and plan.objective is not None and 0 < plan.bound < plan.objective
