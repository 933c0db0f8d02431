"""Consolidation at scale: blocks and the overlapping ring, beside the same model given whole to HiGHS and to CP-SAT.

    python benchmarks/consolidate_scale.py [--only blocks|shapes|n-plus-1|ring|growth|limits]
                                           [--minimise MEASURE] [--gap G] [--runs N] [--servers N] [--each N]

Whole processes, from a saved estate to the plan directory (loading, reach, rules, answer, order, replay, workbook,
runbook), in one run on one machine.

- ``blocks``: 100 servers/4,000 LPARs and 500/10,000 in blocks of about 12. The same model, built once and not counted,
  is given whole to HiGHS (one thread, as the planner calls it) and to OR-tools' CP-SAT (two workers), each for as long
  as our whole process took. They are asked for the first level alone, the measure of the servers that stay on; we order
  the moves and make their cost least as well.
- ``shapes``: blocks, ring and open in several sizes (``--servers`` at most), both levels against the gaps claimed.
- ``n-plus-1``: blocks, open and ring with ``--n-plus-1``: what stays on, and what of the blocks is within the gap.
- ``ring``: 500/10,000, every LPAR reaches 16 neighbours, one component, ``--time-limit 60``.
- ``limits``: blocks, ring and open of ``--servers`` at most, 6 LPARs a server, under time limits from a second on:
  the whole process ends in time with a verified plan, which more time makes no worse.
- ``growth``: blocks of 12 with 20 LPARs a server, up to 504 servers: the exponent of time against LPARs.

Gaps are (objective − bound) / objective. For watts the objective holds what the LPARs draw wherever they run; the gap
``of the choice`` leaves that out. ``optimal`` means: every level proved within ``--gap``.

Claims are printed as held or missed on this machine. Exit code 1: an answer that is not verified, whose objective is
not what its servers weigh, or whose claimed proof is contradicted by its own bound or by a baseline.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from measuring import Run, median, power_law, run
from monolith import Attempt, Whole
from scale_estates import blocks, open_estate, ring, save

from planner.estate.model import Estate
from planner.optimise.measure import scale_of
from planner.plan.choices import Measure
from planner.rules import Site

PLANNER = [sys.executable, "-m", "planner.cli"]
BLOCKS = ((100, 4_000, 5.0), (500, 10_000, 15.0))
"""Servers, LPARs, seconds claimed."""
RING = (500, 10_000, 60.0, 0.01)
"""Servers, LPARs, seconds, gap claimed."""
SHAPES: tuple[tuple[Callable[[int, int], Estate], int, float, float], ...] = (
    *((blocks, servers, 0.01, 0.02) for servers in (24, 100, 300, 500)), (ring, 60, 0.02, 0.12),
    (open_estate, 60, 0.02, 0.12))
"""Shape, servers, and the gaps claimed of the measure and of the moves."""
EACH, LARGE, LARGE_S = (4, 6, 10, 20, 40), 300, 150.0
"""LPARs a server; and servers from which on a plan may take so many seconds rather than ``--time-limit``."""
N_PLUS_1: tuple[tuple[Callable[[int, int], Estate], int, int, float], ...] = (
    (blocks, 24, 144, 0.01), (blocks, 100, 600, 0.01), (blocks, 100, 4_000, 0.01), (open_estate, 24, 144, 0.02),
    (ring, 60, 400, 0.5))
"""Shape, servers, LPARs, and the gap claimed of the measure; that of the ring is of a bound that knows one spare."""
LIMITS_S, LIMITED, LIMITED_EACH = (1, 5, 10, 20, 60), (24, 60, 100, 300, 500), 6
"""Seconds of time limits; servers, and LPARs a server, that are answered under them."""
WORSE = 0.01
"""By so much of itself the measure may be greater with more time, since the moves count within ``--gap``."""
GROWTH = (24, 48, 120, 240, 504)


@dataclass(slots=True)
class Tally:
    """What of the claims holds, and what is wrong with answers."""

    measure: Measure
    gap: float
    runs: int
    limit: float
    claims: list[tuple[bool, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def claim(self, held: bool, text: str) -> None:
        """A claim, held or missed."""
        self.claims.append((held, text))


@dataclass(frozen=True, slots=True)
class Answer:
    """The median run of several, and the last plan."""

    run: Run
    plan: dict[str, Any]

    @property
    def level(self) -> dict[str, Any]:
        """The first level; empty without a plan."""
        return self.plan["levels"][0] if self.plan.get("levels") else {}

    @property
    def optimal(self) -> bool:
        """Proved on every level and replayed."""
        return self.plan["status"] == "optimal" and bool(self.plan["verified"])


def ours(tally: Tally, estate: Estate, scratch: Path, limit: float, *more: str) -> Answer:
    """``planner consolidate`` as a whole process."""
    file, out = save(estate, scratch / "estate.json"), scratch / "plan"
    command = [*PLANNER, "consolidate", file, "--minimise", tally.measure.value, "--gap", str(tally.gap),
               "--time-limit", str(limit), "--out", out, "--force", *more]
    runs, plan = [], {}
    for _ in range(tally.runs):
        runs.append(run(command, time_limit=10 * limit))
        plan = json.loads((out / "plan.json").read_text())
    return Answer(median(runs), plan)


def checked(tally: Tally, name: str, estate: Estate, answer: Answer) -> None:
    """Counts what is wrong: no verified plan, another measure than it says, a proof that its bound denies."""
    plan, level = answer.plan, answer.level
    if not plan["verified"]:
        tally.wrong.append(f"{name}: {plan['status']}, no verified plan (exit code {answer.run.code})")
        return
    site = Site(estate)
    scale = scale_of(site, tally.measure)
    where = site.start | {m["lpar"]: m["target"] for m in plan["moves"] if m["leg"] == "out"}
    weighs = scale.at(plan["switched_off"], where) / scale.factor
    if abs(weighs - level["objective"]) > 1e-6:
        tally.wrong.append(f"{name}: says {level['objective']}, its servers weigh {weighs}")
    for each in plan["levels"]:
        if each["status"] == "optimal" and each["objective"] - each["bound"] > tally.gap * each["objective"] + 0.01:
            tally.wrong.append(f"{name}: {each['name']} claimed as proved at a gap of {each['gap']:.2%}")


def chosen_gap(tally: Tally, estate: Estate, level: dict[str, Any]) -> float:
    """The gap without what the LPARs weigh wherever they run."""
    scale = scale_of(Site(estate), tally.measure)
    rest = level["objective"] - scale.base / scale.factor
    return (level["objective"] - level["bound"]) / rest if rest else 0.0


def shown(tally: Tally, name: str, estate: Estate, answer: Answer) -> None:
    """The figures of an answer."""
    found, plan = answer.run, answer.plan
    print(f"{name}: {len(estate.servers)} servers, {len(estate.lpars):,} LPARs, minimise {tally.measure.value}, "
          f"gap asked for {tally.gap:.2%}")
    print(f"  planner consolidate   {found.seconds:7.2f} s   processor {found.cpu_seconds:6.2f} s   peak "
          f"{found.peak_mb:5.0f} MB   {plan['status']}{', verified' if plan['verified'] else ', NO VERIFIED PLAN'}")
    for level in plan.get("levels", ()):
        print(f"    {level['name']:14} {level['objective']:14,.1f} {level['unit']:7} bound {level['bound']:14,.1f}   "
              f"gap {level['gap']:7.3%}   {level['status']} ({level['scope']})")
    if answer.level:
        print(f"    {len(estate.servers) - len(plan['switched_off'])} servers on, {len(plan['switched_off'])} off, "
              f"{len(plan['moves'])} moves, gap of the choice {chosen_gap(tally, estate, answer.level):.3%}",
              flush=True)


# ---- baselines ---------------------------------------------------------------------------------------------------

def baselines(tally: Tally, name: str, estate: Estate, answer: Answer, factor: float) -> None:
    """The same model whole, for ``factor`` times as long as our process took."""
    limit, mine = factor * answer.run.seconds, answer.level.get("objective")
    whole = Whole(estate, tally.measure)
    print(f"  the same model whole, {limit:.1f} s each ({whole.size}; building is not counted)")
    peers: list[tuple[str, Callable[[float], Attempt]]] = [("HiGHS, one thread", whole.by_highs),
                                                           ("CP-SAT, 2 workers", whole.by_cp_sat)]
    for peer, solve in peers:
        found = solve(limit)
        told = "no solution" if found.objective is None else f"{found.objective:14,.1f}"
        gap = "" if found.gap is None else f"   gap {found.gap:7.3%}"
        times = "" if found.objective is None or mine is None else f"   {found.objective / mine:6.3f} x ours"
        print(f"    {peer:20} {found.seconds:6.2f} s   {found.status:10} {told}   bound {found.bound or 0:14,.1f}{gap}"
              f"{times}", flush=True)
        contradicted(tally, f"{name}, {peer}", answer, found)


def contradicted(tally: Tally, name: str, answer: Answer, found: Attempt) -> None:
    """A solution below our bound, or a bound above our objective: one of the two proofs is wrong."""
    level = answer.level
    if not level:
        return
    slack = 1e-6 * level["objective"]
    if found.objective is not None and found.objective < level["bound"] - slack:
        tally.wrong.append(f"{name}: has {found.objective}, below our bound {level['bound']}")
    if found.bound is not None and found.bound > level["objective"] + slack:
        tally.wrong.append(f"{name}: proves {found.bound}, above our plan's {level['objective']}")


# ---- parts -------------------------------------------------------------------------------------------------------

def of_blocks(tally: Tally, scratch: Path, factor: float) -> None:
    """Both sizes of blocks beside the baselines."""
    for servers, lpars, seconds in BLOCKS:
        estate, name = blocks(servers, lpars), f"blocks {servers}/{lpars:,}"
        answer = ours(tally, estate, scratch, tally.limit)
        shown(tally, name, estate, answer)
        checked(tally, name, estate, answer)
        if factor:
            baselines(tally, name, estate, answer, factor)
        tally.claim(answer.optimal and answer.run.seconds < seconds, f"{name} proved optimal in under {seconds:g} s: "
                    f"{answer.plan['status']} in {answer.run.seconds:.2f} s")
        level = answer.level
        if tally.measure is Measure.WATTS:  # what LPARs draw makes a continuum: asked for within the gap alone
            continue
        tally.claim(bool(level) and level["objective"] == level["bound"], f"{name}: what stays on is proved least, to "
                    f"the unit: gap {level['gap']:.3%}" if level else f"{name}: no plan")


def of_ring(tally: Tally, scratch: Path) -> None:
    """The overlapping ring with the time that the claim names."""
    servers, lpars, seconds, most = RING
    estate, name = ring(servers, lpars), f"ring {servers}/{lpars:,}"
    answer = ours(tally, estate, scratch, seconds)
    shown(tally, name, estate, answer)
    checked(tally, name, estate, answer)
    gap = chosen_gap(tally, estate, answer.level) if answer.level else None
    told = "no plan" if gap is None else f"{answer.level['gap']:.2%}, of the choice {gap:.2%}"
    tally.claim(gap is not None and answer.level["gap"] <= most and answer.run.seconds <= seconds,
                f"{name}: gap at most {most:.0%} in {seconds:g} s: {told} in {answer.run.seconds:.1f} s")


def of_shapes(tally: Tally, scratch: Path, factor: float, most: int, sizes: Sequence[int]) -> None:
    """Both levels of every shape and size of so many servers at most, beside the baselines."""
    for (shape, servers, *gaps), each in product(SHAPES, sizes):
        if servers > most:
            continue
        estate, name = shape(servers, servers * each), f"{shape.__name__} {servers}/{servers * each:,}"
        limit = LARGE_S if servers >= LARGE else tally.limit
        answer = ours(tally, estate, scratch, limit)
        shown(tally, name, estate, answer)
        checked(tally, name, estate, answer)
        if factor:
            baselines(tally, name, estate, answer, factor)
        levels = answer.plan.get("levels", ())
        held = bool(levels) and all(x["gap"] <= gap for x, gap in zip(levels, gaps, strict=True))
        told = " and ".join(f"{x['gap']:.2%}" for x in levels) or "no plan"
        tally.claim(held and in_time(answer, limit),
                    f"{name}: gaps at most {gaps[0]:.0%} and {gaps[1]:.0%} in {limit:g} s: {told} in "
                    f"{answer.run.seconds:.1f} s")


def of_n_plus_1(tally: Tally, scratch: Path, most: int) -> None:
    """Every one of so many servers at most, with N+1."""
    for shape, servers, lpars, gap in N_PLUS_1:
        if servers > most:
            continue
        estate, name = shape(servers, lpars), f"N+1, {shape.__name__} {servers}/{lpars:,}"
        answer = ours(tally, estate, scratch, tally.limit, "--n-plus-1")
        shown(tally, name, estate, answer)
        checked(tally, name, estate, answer)
        held = bool(answer.level) and answer.level["gap"] <= gap and in_time(answer, tally.limit)
        told = f"{answer.level['gap']:.2%}" if answer.level else "no plan"
        tally.claim(held, f"{name}: gap of the measure at most {gap:.0%} in {tally.limit:g} s: {told} in "
                    f"{answer.run.seconds:.1f} s")


def in_time(answer: Answer, limit: float) -> bool:
    """Whether the whole process kept its limit, to a tenth of it or two seconds."""
    return answer.run.seconds <= max(1.1 * limit, limit + 2)


def of_limits(tally: Tally, scratch: Path, most: int) -> None:
    """A row for every shape, size and limit."""
    for servers, shape in product(LIMITED, (blocks, ring, open_estate)):
        if servers > most:
            continue
        estate, best = shape(servers, LIMITED_EACH * servers), float("inf")
        for limit in LIMITS_S:
            name = f"{shape.__name__} {servers}/{len(estate.lpars):,}, {limit:g} s"
            answer = ours(tally, estate, scratch, limit)
            levels = ", ".join(f"{x['name']} gap {x['gap']:.2%}" for x in answer.plan.get("levels", ())) or "no plan"
            print(f"{name:28} {answer.run.seconds:7.2f} s   {answer.plan['status']:8} {levels}, off "
                  f"{len(answer.plan['switched_off'])}", flush=True)
            checked(tally, name, estate, answer)
            tally.claim(in_time(answer, limit), f"{name}: in {answer.run.seconds:.2f} s")
            objective = answer.level.get("objective", float("inf"))
            tally.claim(objective <= best * (1 + WORSE), f"{name}: {objective:,.0f}, with less time {best:,.0f}")
            best = min(best, objective)


def of_growth(tally: Tally, scratch: Path, most: int) -> None:
    """The exponent of time against LPARs at a fixed block size, of so many servers at most; of fewer than the smallest
    one estate alone, without an exponent."""
    start = median([run([*PLANNER, "--version"]) for _ in range(3)])
    print(f"Blocks of 12, 20 LPARs a server; bare start {start.seconds:.2f} s")
    rows, proved = [], True
    for servers in [n for n in GROWTH if n <= most] or [most]:
        estate = blocks(servers, 20 * servers)
        answer = ours(tally, estate, scratch, tally.limit)
        found, level = answer.run, answer.level
        print(f"{servers:5} servers {20 * servers:6,} LPARs   {found.seconds:7.2f} s   processor "
              f"{found.cpu_seconds:6.2f} s   peak {found.peak_mb:5.0f} MB   {answer.plan['status']}, "
              f"first level {level.get('status', 'none')}", flush=True)
        checked(tally, f"growth {servers}", estate, answer)
        rows.append((20 * servers, found.seconds, found.cpu_seconds))
        proved = proved and answer.optimal
    sizes = [n for n, _, _ in rows]
    if len(sizes) < 2:
        return
    wall, processor = (power_law(sizes, [r[k] for r in rows])[1] for k in (1, 2))
    bare = power_law(sizes, [max(r[2] - start.cpu_seconds, 0.01) for r in rows])[1]
    doubt = "" if proved else "; says nothing, since not all answers are proved"
    tally.claim(proved and bare <= 1.2, f"time near linear in LPARs at a fixed block size: exponent {wall:.2f} (wall "
                f"clock), {processor:.2f} (processor), {bare:.2f} (without the bare start; at most 1.2){doubt}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("blocks", "shapes", "n-plus-1", "ring", "growth", "limits"))
    parser.add_argument("--minimise", type=Measure, default=Measure.WATTS,
                        choices=[m for m in Measure if m not in (Measure.LICENCES, Measure.METERED)])
    parser.add_argument("--gap", type=float, default=0.01, help="gap that counts as proved (default 0.01)")
    parser.add_argument("--runs", type=int, default=1, help="runs of which the median counts")
    parser.add_argument("--time-limit", type=float, default=60.0, help="of the planner, but for the ring")
    parser.add_argument("--servers", type=int, default=GROWTH[-1], help="at most")
    parser.add_argument("--each", type=int, nargs="+", help="LPARs a server of the shapes")
    parser.add_argument("--baseline", type=float, default=1.0, metavar="X",
                        help="time of the baselines in times ours; 0 leaves them out")
    given = parser.parse_args()
    tally = Tally(given.minimise, given.gap, given.runs, given.time_limit)
    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start: times are wall clock, "
          "and mean little while others compute", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        if given.only in (None, "blocks"):
            of_blocks(tally, scratch, given.baseline)
        if given.only in (None, "shapes"):
            of_shapes(tally, scratch, given.baseline, given.servers, given.each or EACH)
        if given.only in (None, "n-plus-1"):
            of_n_plus_1(tally, scratch, given.servers)
        if given.only in (None, "ring"):
            of_ring(tally, scratch)
        if given.only in (None, "limits"):
            of_limits(tally, scratch, given.servers)
        if given.only in (None, "growth"):
            of_growth(tally, scratch, given.servers)
    print()
    for held, text in tally.claims:
        print(f"{'holds ' if held else 'MISSED'}  {text}")
    for text in tally.wrong:
        print(f"FAILED  {text}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
