"""The answer of a small estate does not hang on how busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from estates import BASE

from planner.jobs import Options
from planner.jobs.attempt import attempted
from planner.optimise.stages import Answer
from planner.plan.choices import Status
from planner.rules import Site
from planner.schedule.timetable import Timetable


class Placements:
    """Always another placement; counts how often it is asked, and how long it may take."""

    def __init__(self, servers: int) -> None:
        self.site = Site(BASE)
        self.site.servers |= {f"more {n}": self.site.servers["A"] for n in range(servers)}
        self.limits: list[float] = []

    def solve(self, time_limit: float, gap: float) -> Answer:
        self.limits.append(time_limit)
        where: Mapping[str, str] = {"a1": str(len(self.limits))}
        return Answer(Status.OPTIMAL, where)

    def refuse(self, answer: Answer) -> bool:
        return True


@pytest.mark.parametrize(("servers", "tries"), [(0, 3), (1000, 1)])
def test_a_small_estate_is_tried_a_few_times_whatever_the_clock_says(servers: int, tries: int) -> None:
    """Three placements had to be tried until one had an order; a busy machine had no time for the second."""
    problem = Placements(servers)
    found = attempted(problem, Options(), lambda answer, states: Timetable(
        reason="" if answer.placement["a1"] == "3" else "no order"), deadline=time.monotonic() - 1)
    assert len(problem.limits) == tries and (found.table is not None) == (tries == 3)
    assert min(problem.limits) >= (1 if tries == 3 else 0.1)
