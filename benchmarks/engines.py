"""HiGHS beside CP-SAT on the integer programs of evacuations, of the balance among equals, and of headroom's curve.

    python benchmarks/engines.py [--servers N] [--limit S] [--seed S] [--shape SHAPE]

Every program that the planner gives to a solver while it answers (blocks, ring and open; 24 and ``--servers`` servers,
10 and 40 LPARs a server; of fewer than 24 those alone, 10) is taken down and given to both, each alone, one worker, for
``--limit`` seconds, gap 0. A line a shape and question: programs, seconds of both, ratio, how many each proved. The
planner asks HiGHS where it is not slower in the sum. Exit code 1: two proofs contradict each other.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from copy import copy
from itertools import product

from scale_estates import blocks, open_estate, ring

from planner import evacuate, headroom
from planner.errors import PlannerError
from planner.estate.model import Estate
from planner.optimise.program import Outcome, Program, Solution
from planner.optimise.solver import Effort, decided, read_by, solve

SHAPES = {"blocks": blocks, "ring": ring, "open": open_estate}
EACH = (10, 40)
LARGE = 100


def programs(ask: Callable[[], object]) -> list[Program]:
    """Copies of all programs that are solved while this is asked."""
    seen: list[Program] = []

    def reader(program: Program) -> None:
        taken = copy(program)
        taken.upper, taken.rows, taken.objective = list(program.upper), list(program.rows), dict(program.objective)
        seen.append(taken)

    with read_by(reader):
        ask()
    return seen


def questions(estate: Estate) -> dict[str, Callable[[], object]]:
    """What is asked: two servers freed, and the curve of what headroom costs."""
    first, second = estate.servers[1].name, estate.servers[len(estate.servers) // 2].name
    return {"evacuate": lambda: evacuate(estate, first, second, time_limit=20.0),
            "headroom --curve": lambda: headroom(estate, first, cores=1, curve=True, time_limit=20.0)}


def timed(answer: Callable[[], Solution]) -> tuple[float, Solution]:
    started = time.perf_counter()
    found = answer()
    return time.perf_counter() - started, found


def line(name: str, taken: Sequence[Program], limit: float) -> bool:
    """Both engines on these programs; whether their proofs agree."""
    seconds, proved, agree = [0.0, 0.0], [0, 0], True
    for program in taken:
        both = [timed(lambda p=program: solve(p, limit)), timed(lambda p=program: decided(p, Effort(1e9, limit)))]
        for at, (took, found) in enumerate(both):
            seconds[at] += took
            proved[at] += found.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE)
        if all(found.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE) for _, found in both):
            (_, one), (_, other) = both
            agree = agree and one.outcome is other.outcome and one.objective == other.objective
    ratio = seconds[1] / max(seconds[0], 1e-9)
    print(f"{name:<40} {len(taken):>4}  HiGHS {seconds[0]:7.2f} s, {proved[0]:>3} proved   CP-SAT {seconds[1]:7.2f} s, "
          f"{proved[1]:>3} proved   CP-SAT/HiGHS {ratio:6.2f}{'' if agree else '  CONTRADICTION'}", flush=True)
    return agree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=LARGE)
    parser.add_argument("--limit", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shape", choices=SHAPES)
    asked = parser.parse_args()
    right = True
    sizes = [*product((24, asked.servers), EACH)] if asked.servers >= 24 else [(asked.servers, EACH[0])]
    for shape in [asked.shape] if asked.shape else SHAPES:
        for servers, each in sizes:
            estate = SHAPES[shape](servers, servers * each, asked.seed)
            for question, ask in questions(estate).items():
                name = f"{shape} {servers}/{servers * each:,} {question}"
                try:
                    right = line(name, programs(ask), asked.limit) and right
                except PlannerError as error:
                    print(f"{name:<40} {error}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
