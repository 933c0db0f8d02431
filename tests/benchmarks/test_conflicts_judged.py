"""A slice of the benchmark of conflicts: every kind of goal, and those that were once called irreducible and were not."""

from collections import Counter

from conflicts import KINDS, judged

from planner.plan.choices import Status

ONCE_WRONG = (18, 40, 133, 297, 324)
"""Without one of the LPARs that were named hours that nobody had looked at were too full."""


def test_conflicts_are_enough_irreducible_and_right_by_brute_force() -> None:
    seen: Counter[str] = Counter()
    for seed in (*range(35), *ONCE_WRONG):
        told = judged(seed)
        if told:
            assert not told.failed, (seed, told)
            seen.update({told.kind: told.status is Status.INFEASIBLE, "possible": told.status is Status.OPTIMAL,
                         "used": told.used and told.irreducible})
    assert min(seen[kind] for kind in KINDS) > 2 and seen["possible"] > 3 and seen["used"] > 5, seen
