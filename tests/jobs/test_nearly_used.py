"""What is measured on a server after a plan fills it nearly, whatever its entitlements say: told in one finding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from estates import estate, loaded, lpar, measured, policy, server, stating

from planner import jobs
from planner.findings import Finding
from planner.jobs.peak_hours import UsageGiven, UsageSpec
from planner.jobs.whatif import whatif
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.rules import Site
from planner.scenarios.model import Scenario

#: B has 10 cores; VIOSes use 1.00, b1 4.00 and a1 what is left.
OF = estate([server("A", 20, 128), server("B", 10, 128)], [lpar("a1", "A", 0.5, 8, virtual_processors=5),
                                                          lpar("b1", "B", 0.5, 8, virtual_processors=5)])


@dataclass(frozen=True)
class Given(UsageSpec):
    """What was used on B once a1 is there, in thousandths, as a history gives it."""

    used: int = 0

    def zone(self) -> str:
        return ""

    def read(self, of: Any, *_: Any) -> UsageGiven:
        return measured(of, {"a1": [self.used - 5000, 0], "b1": [4000, 4000]})


def given(used: int) -> Given:
    return Given(Path("usage.db"), used=used)


def full(findings: Any) -> list[Finding]:
    return [f for f in findings if f.rule == "estate.near-full"]


@pytest.mark.parametrize(("used", "words"), [(9500, None), (9501, "measured peak 95.0 % of the cores"),
                                             (10_000, "measured peak 100.0 % of the cores")])
def test_every_question_tells_what_its_plan_uses_nearly(used: int, words: str | None) -> None:
    spec = given(used)
    plans = [jobs.evacuate(loaded(OF), Evacuate(servers=("A",)), jobs.Options(), spec),
             jobs.consolidate(loaded(OF), Consolidate(off=("A",)), jobs.Options(), spec),
             jobs.headroom(loaded(OF), Headroom(server="A", units=1860, memory_mib=0), jobs.Options(), spec)]
    assert all(plan.verified and [m.target for m in plan.moves] == ["B"] for plan in plans)
    told = [full(plan.findings) for plan in plans]
    found = whatif(loaded(OF), Scenario("s", retire=("A",), frontier=False), jobs.Options(), used=spec.read(OF, ()))
    for one in (*told, [f for f in full(found.findings) if f.message.startswith("in the end")]):
        assert [f.message.partition("nearly full: ")[2] for f in one] == ([f"B: {words}"] if words else [])


def test_a_threshold_of_ones_own_is_the_only_one() -> None:
    spec = given(10_000)
    of = stating(OF, policy("cpu-warning", "B", "99"))
    assert not full(jobs.evacuate(loaded(of), Evacuate(servers=("A",)), jobs.Options(), spec).findings)


def test_a_server_that_takes_nobody_in_is_not_told() -> None:
    of = estate([*OF.servers, server("C", 10, 128)], [*OF.lpars, lpar("c1", "C", 0.5, 8)])
    spec = given(10_000)
    plan = jobs.evacuate(loaded(of), Evacuate(servers=("C",), not_targets=("B",)), jobs.Options(), spec)
    assert Site(of).start["a1"] == "A" and plan.verified and not full(plan.findings)
