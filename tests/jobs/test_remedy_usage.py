"""Remedies count what was used: a core where the peak of the sum lacks one, and an LPAR no smaller than its peak."""

from __future__ import annotations

import sys
from pathlib import Path

from estates import estate, loaded, lpar, policy, server

from planner import jobs
from planner.estate.model import Estate
from planner.estate.prices import PRICES, Price, Prices
from planner.jobs.peak_hours import UsageSpec
from planner.jobs.remedy import Remedied, Remedy, remedy
from planner.plan.choices import By
from planner.plan.questions import Evacuate, Headroom

sys.path.append(str(Path(__file__).parents[1] / "cli"))
from usage_columns import history_of

#: No LPAR is shut down here, so that something else has to be bought.
RUNNING = Prices({k: p if not k.startswith("stop") else Price(p.what, p.price, p.owner, allowed=False)
                  for k, p in PRICES.of.items()})


def asked(tmp_path: Path, of: Estate, used: dict[str, tuple[int, int]], goal: Evacuate | Headroom) -> Remedied:
    history_of(tmp_path / "usage.db", used)
    return remedy(Remedy(loaded(of), goal, jobs.Options(20.0), UsageSpec(tmp_path / "usage.db"), RUNNING))


def test_a_core_is_bought_where_the_peak_of_the_sum_lacks_one(tmp_path: Path) -> None:
    """a1 and b1 hold 1.00 and use 4.00 each: with 1.00 of VIOSes 9.00 of 8.00."""
    of = estate([server("A", 8, 64), server("B", 8, 64)], [lpar("a1", "A", 1, 8), lpar("b1", "B", 1, 8)])
    told = asked(tmp_path, of, {"a1": (4000, 10), "b1": (4000, 10)}, Evacuate(servers=("A",)))
    best = told.sets[0]
    assert [(c.kind, c.subject, c.amount) for c in best.changes] == [("core", "B", 1)] and best.cost == 100
    assert told.cheapest and best.plan.goal.usage is not None and best.plan.verified


def test_a_ceiling_holds_back_what_would_be_used(tmp_path: Path) -> None:
    of = estate([server("A", 8, 64), server("B", 10, 64)], [lpar("a1", "A", 1, 8), lpar("b1", "B", 1, 8)],
                [policy("cpu-ceiling", "B", "85")])
    told = asked(tmp_path, of, {"a1": (4000, 10), "b1": (4000, 10)}, Evacuate(servers=("A",)))
    assert [c.kind for c in told.sets[0].changes] == ["ceiling"]


def test_an_lpar_is_made_no_smaller_than_its_peak(tmp_path: Path) -> None:
    """B lacks 1.00 for the entitlement of a1, which never used more than 0.60."""
    of = estate([server("A", 8, 64), server("B", 4, 64)], [lpar("a1", "A", 2, 8), lpar("b1", "B", 2, 8)])
    told = asked(tmp_path, of, {"a1": (600, 100), "b1": (1900, 100)}, Evacuate(servers=("A",)))
    shrunk, = told.sets[0].changes
    assert shrunk.kind == "shrink" and "a1 to 0.60 cores" in shrunk.words


def test_headroom_by_usage(tmp_path: Path) -> None:
    of = estate([server("A", 8, 64), server("B", 8, 64)], [lpar("a1", "A", 1, 8), lpar("b1", "B", 1, 8)],
                [policy("pin", "*")])
    goal = Headroom(server="A", units=400, memory_mib=0, by=By.BOTH)
    told = asked(tmp_path, of, {"a1": (4000, 10), "b1": (1000, 10)}, goal)
    assert [c.kind for c in told.sets[0].changes] == ["pin"] and told.sets[0].plan.verified
    assert ("core", 1) in {(c.kind, c.amount) for s in told.sets for c in s.changes}
