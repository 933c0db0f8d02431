"""Consolidation at scale: blocks of servers proved, a ring bounded, the same model given whole to HiGHS and CP-SAT.

    python benchmarks/consolidate_scale.py [--only blocks|ring|growth] [--runs N]

Whole processes, from a saved estate to the verified, scheduled and reported plan, with the default measure (watts).

- blocks of about 12 servers, 100 servers/4,000 LPARs and 500/10,000: both levels must be proved within the gap asked
  for (1 %), the servers that stay on exactly (gap 0); in 5 and 15 seconds;
- the very same first level as one program (``ConsolidationProgram``), given to HiGHS through the planner's own solver
  module and to OR-tools CP-SAT (extra ``benchmark``), one thread and as many seconds as our whole process took;
- a ring in which each LPAR sees the eight servers on both sides, 500/10,000: a gap of the first level of at most 1 %
  in 60 seconds;
- how time grows with LPARs at a fixed block size.

Exit code 1 when a claim does not hold. Times are those of this machine: ``processor`` seconds tell what it was kept
from by others.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import Run, median, power_law, run
from scale_estates import SHAPES, save

from planner.estate.load import load
from planner.goals.consolidate import Consolidate
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.consolidation_program import ConsolidationProgram
from planner.optimise.measure import scale_of
from planner.optimise.solver import Program
from planner.plan import Measure
from planner.rules import Judge, Site

PLANNER = [sys.executable, "-m", "planner.cli"]
BLOCKS = ((100, 4000, 5.0), (500, 10_000, 15.0))
"""(servers, LPARs, seconds)."""
RING = (500, 10_000, 60.0, 0.01)
GROWTH = (24, 48, 96, 192, 384)
EACH = 20
GAP = 0.01


def ours(file: Path, out: Path, runs: int, *, time_limit: float = 60.0) -> tuple[Run, dict[str, Any]]:
    """The median run of ``planner consolidate`` and its plan."""
    command = [*PLANNER, "consolidate", file, "--gap", str(GAP), "--time-limit", str(time_limit), "--out", out,
               "--force"]
    found = median([run(command) for _ in range(runs)])
    return found, json.loads((out / "plan.json").read_text())


def told(name: str, found: Run, plan: dict[str, Any]) -> None:
    levels = "; ".join(f"{x['name']} gap {100 * x['gap']:.2f} %" for x in plan.get("levels", ()))
    print(f"{name:34} {found.seconds:7.2f} s   processor {found.cpu_seconds:6.2f} s   peak {found.peak_mb:5.0f} MB   "
          f"{plan['status']}, {'verified' if plan['verified'] else 'NOT VERIFIED'}, "
          f"{len(plan.get('switched_off', ()))} off, {len(plan['moves'])} moves; {levels}", flush=True)


def monolith(file: Path) -> tuple[Program, int]:
    """The first level of the whole estate as one program, and the weight of one of its units in milliwatts."""
    site = Site(load([file]).usable().estate)
    goal = Consolidate(Measure.WATTS)
    problem = ConsolidationProblem(site, Judge(site), goal, scale_of(site, goal.measure))
    model = ConsolidationProgram(site, problem.candidates, list(site.servers), goal, problem.scale)
    return model.program, model.minimise_measure()


def cp_sat(program: Program, seconds: float) -> tuple[float | None, float | None]:
    """Objective and bound of OR-tools CP-SAT with one worker; raises ImportError without OR-tools."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    x = [model.new_int_var(0, u, f"v{i}") for i, u in enumerate(program.upper)]
    for row in program.rows:
        total = cp_model.LinearExpr.weighted_sum([x[i] for i in row.terms], list(row.terms.values()))
        model.add(total == row.rhs if row.equal else total <= row.rhs)
    aim = program.objective
    model.minimize(cp_model.LinearExpr.weighted_sum([x[i] for i in aim], list(aim.values())))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return (solver.objective_value if found else None), solver.best_objective_bound


def _baseline(name: str, value: float | None, bound: float | None, seconds: float, unit: int, best: float) -> None:
    gap = "no solution" if value is None or not value else f"gap {100 * (value - (bound or 0)) / value:.2f} %"
    ratio = "" if not value else f", {value * unit / best:.3f} x ours"
    print(f"{name:34} {seconds:7.2f} s   {gap}{ratio} (watts of idle servers; building the model not counted)",
          flush=True)


def baselines(file: Path, plan: dict[str, Any], seconds: float) -> None:
    """The same first level, whole, to both solvers, each for as long as we took in all."""
    program, unit = monolith(file)
    off = set(plan["switched_off"])
    site = Site(load([file]).usable().estate)
    scale = scale_of(site, Measure.WATTS)
    best = sum(w for s, w in scale.fixed.items() if s not in off)
    started = time.perf_counter()
    found = program.solve(seconds)
    value = None if found.objective is None else float(found.objective)
    _baseline("  HiGHS, one program", value, found.bound, time.perf_counter() - started, unit, best)
    try:
        started = time.perf_counter()
        value, bound = cp_sat(program, seconds)
        _baseline("  CP-SAT, one program", value, bound, time.perf_counter() - started, unit, best)
    except ImportError:
        print("  CP-SAT: not here (pip install 'planner[benchmark]')")


def blocks(scratch: Path, runs: int) -> bool:
    good = True
    for servers, lpars, limit in BLOCKS:
        file = save(SHAPES["blocks"](servers, lpars, 1), scratch / f"blocks-{servers}.json")
        found, plan = ours(file, scratch / "plan", runs)
        told(f"blocks {servers}/{lpars}", found, plan)
        proved = plan["status"] == "optimal" and plan["verified"] and plan["levels"][0]["gap"] == 0
        if not proved or found.seconds > limit:
            print(f"  DOES NOT HOLD: {'proved' if proved else 'not proved'}, {found.seconds:.1f} s of {limit:g} s")
            good = False
        baselines(file, plan, found.seconds)
    return good


def ring(scratch: Path, runs: int) -> bool:
    servers, lpars, limit, most = RING
    file = save(SHAPES["ring"](servers, lpars, 1), scratch / "ring.json")
    found, plan = ours(file, scratch / "plan", runs, time_limit=40)
    told(f"ring {servers}/{lpars}", found, plan)
    gap = plan["levels"][0]["gap"] if plan.get("levels") else 1.0
    if gap > most or found.seconds > limit or not plan["verified"]:
        print(f"  DOES NOT HOLD: gap {100 * gap:.2f} % of {100 * most:g} %, {found.seconds:.1f} s of {limit:g} s")
        return False
    return True


def growth(scratch: Path, runs: int) -> bool:
    sizes, seconds = [], []
    for servers in GROWTH:
        file = save(SHAPES["blocks"](servers, servers * EACH, 1), scratch / "growth.json")
        found, plan = ours(file, scratch / "plan", runs)
        told(f"blocks {servers}/{servers * EACH}", found, plan)
        sizes.append(float(servers * EACH))
        seconds.append(found.cpu_seconds)
    factor, exponent = power_law(sizes, seconds)
    print(f"processor seconds = {factor:.2e} × LPARs ^ {exponent:.2f} at blocks of about 12 servers, {EACH} LPARs each")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("blocks", "ring", "growth"))
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    parts = {"blocks": blocks, "ring": ring, "growth": growth}
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for name, part in parts.items():
            if given.only in (None, name):
                good = part(Path(scratch), given.runs) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
