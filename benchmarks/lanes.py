"""How short plans in lanes are, beside barrier waves, the printed lower bound, and the optimum of tiny ones.

    python benchmarks/lanes.py [--effort E] [--only SHAPE] [--plans N]

Evacuations of estates of ``scale_estates``: blocks with 1, 2 or 4 servers freed, open ones, rings, tight ones in
which survivors move as well, and tiny ones; no window, no way back. For each shape means of moves, seconds in waves,
in lanes, at least; mean and worst ratio of lanes to the bound and to waves; and for tiny legs to the shortest of
all orders, mover pairs and caps (every list that there is).
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import scale_estates

from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.jobs import Options, evacuate
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.rules import Site
from planner.schedule.bound import at_least
from planner.schedule.dispatch import Dispatch, listed
from planner.schedule.lanes import IN_LANES, Pacing, laned
from planner.schedule.leg import Leg, leg_of
from planner.schedule.timetable import Timetable

_WAVES = Options(time_limit=20, pacing=Pacing(waves=True))


@dataclass(frozen=True, slots=True)
class Row:
    """One evacuation: moves, seconds in waves, in lanes and at least, of its search, and of the shortest list."""

    moves: int
    waves: float
    lanes: float
    bound: float
    took: float
    exact: float | None = None


def _estate(shape: str, servers: int, lpars: int, seed: int, fill: float = 0.57) -> Estate:
    scale_estates.FILL, scale_estates._MOST_FILL = fill, max(0.85, fill + 0.2)
    return scale_estates.SHAPES[shape](servers, lpars, seed)


CASES = {
    "blocks, 1 freed": (14, lambda seed: _estate("blocks", 24, 480, seed), 1),
    "blocks, 2 freed": (12, lambda seed: _estate("blocks", 24, 480, seed), 2),
    "blocks, 4 freed": (8, lambda seed: _estate("blocks", 24, 480, seed), 4),
    "open, 2 freed": (12, lambda seed: _estate("open", 30, 300, seed), 2),
    "ring, 2 freed": (12, lambda seed: _estate("ring", 30, 300, seed), 2),
    "tight": (24, lambda seed: _estate("blocks", 5, 45, seed, 0.68), 1),
    "tiny": (30, lambda seed: _estate("blocks", 4, 14, seed), 1),
}
"""Name → (how many, the estate of a seed, servers freed)."""


def _freed(estate: Estate, count: int, seed: int) -> tuple[str, ...]:
    names = sorted({p.server for p in estate.lpars})
    return tuple(names[(7 * seed + 11 * n) % len(names)] for n in range(count))


def _planned(estate: Estate, freed: tuple[str, ...]) -> Plan:
    return evacuate(Loaded(estate), Evacuate(servers=freed), _WAVES)


def _exact(leg: Leg) -> float:
    """The shortest schedule of all lists; of each part by itself."""
    return max((_exact_part(leg.part(keep)) for keep in leg.parts()), default=0.0)


def _exact_part(leg: Leg) -> float:
    n, best = len(leg.jobs), float("inf")
    used = {v for job in leg.jobs for pair in job.pairs for v in pair}
    caps = [[*range(1, min(n, most) + 1)] if v in used else [most] for v, most in enumerate(leg.limit)]
    for order in itertools.permutations(range(n)):
        for pairs in itertools.product(*(range(len(job.pairs)) for job in leg.jobs)):
            for cap in itertools.product(*caps) if n <= 2 else (leg.limit, [1] * len(leg.limit)):
                found = Dispatch(leg, listed(leg, order, pairs, cap)).run(best)
                best = best if found is None else min(best, found.makespan)
    return best


def rows(name: str, effort: float, most: int) -> Iterator[Row]:
    """The evacuations of a shape that have a plan with moves, so many at most."""
    count, made, servers = CASES[name]
    count = min(count, most)
    for seed in range(1, 20 * count):
        if count == 0:
            return
        try:
            estate = made(seed)
        except ValueError:  # by chance no room for the last LPAR
            continue
        plan = _planned(estate, _freed(estate, servers, seed))
        if not plan.moves or (name == "tiny" and not 2 <= len(plan.moves) <= 4):
            continue
        if name == "tight" and all(m.source in plan.goal.freed for m in plan.moves) and seed % 2:
            continue
        count -= 1
        site = Site(estate, goal=plan.goal)
        began = time.process_time()
        table = laned(site, Timetable(plan.moves), None, replace(IN_LANES, effort=effort))
        took = time.process_time() - began
        ordered = sorted(plan.moves, key=lambda m: (m.start_ms, m.wave))
        exact = _exact(leg_of(site, ordered)) if name == "tiny" else None
        yield Row(len(plan.moves), plan.leg_span_s("out"), max(m.end_ms for m in table.moves) / 1000,
                  table.bounds_s.get("out", at_least(leg_of(site, ordered))), took, exact)


def main() -> None:
    """Print a line a shape, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--plans", type=int, default=100, help="of each shape, at most")
    given = parser.parse_args()
    print(f"{'shape':18} plans moves  waves  lanes  bound  lanes/bound worst  lanes/waves worst  lanes/optimum  s/plan")
    everything = []
    for name in [given.only] if given.only else CASES:
        found = [*rows(name, given.effort, given.plans)]
        everything += found
        _print(name, found)
    _print("all", everything)


def _print(name: str, found: list[Row]) -> None:
    to_bound, to_waves = [r.lanes / r.bound for r in found], [r.lanes / r.waves for r in found]
    ratios = [r.lanes / r.exact for r in found if r.exact]
    mean = statistics.fmean
    exact = f"{mean(ratios):.3f}, {max(ratios):.3f}" if ratios else ""
    print(f"{name:18} {len(found):5} {mean(r.moves for r in found):5.1f} {mean(r.waves for r in found):6.0f} "
          f"{mean(r.lanes for r in found):6.0f} {mean(r.bound for r in found):6.0f} {mean(to_bound):12.3f} "
          f"{max(to_bound):5.3f} {mean(to_waves):12.3f} {max(to_waves):5.3f} "
          f"{exact:>14} {mean(r.took for r in found):7.2f}", flush=True)


if __name__ == "__main__":
    main()
