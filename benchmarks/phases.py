"""What each phase of a question takes: processor and wall-clock seconds, peak memory; and how good the answer is.

    python benchmarks/phases.py {QUESTION} [--json]

- ``open``: the estate read from its files and checked;
- ``reach``: for every LPAR every server that networks and storage lead to, with its paths;
- ``rules``: every rule on every LPAR and every server that it might go to;
- ``optimise``: the placement, found and proved or bounded, once the rules have been asked;
- ``schedule``: an order, and lanes;
- ``answer``: the question as a command asks it, on its own: rules for those alone that it is about, placement, lanes,
  range of minutes, the replay;
- ``verify``: the plan replayed from the estate alone, as ``planner verify`` does;
- ``report``: all papers.

Peak memory is of the phase (Linux counts anew when asked), with what stands from the phases before.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from scale_estates import SHAPES, save

from planner.estate.load import load
from planner.estate.model import Estate
from planner.jobs import Options, consolidate, evacuate
from planner.jobs.consolidation import timed
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.measure import scale_of
from planner.plan.choices import OUT
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate
from planner.reach import Reach
from planner.report.plan_files import plan_files
from planner.rules import Judge, Site
from planner.schedule.lanes import IN_LANES, laned
from planner.schedule.timetable import Timetable, timetable
from planner.verify import verify_plan

T = TypeVar("T")
DATA = Path(__file__).parents[1] / "data"
PHASES = ("open", "reach", "rules", "optimise", "schedule", "answer", "verify", "report")
TIME_LIMIT_S, GAP = 10.0, 0.01
"""Of a consolidation; an evacuation is asked for a proof at gap 0."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Processor seconds (forked processes too), wall-clock seconds, and the highest resident MB."""

    cpu_s: float
    wall_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Answered:
    """Phases of a question, and its answer: relative gap of each level; seconds in lanes over their bound."""

    servers: int
    lpars: int
    phases: dict[str, Phase]
    status: str
    verified: bool
    moves: int
    gaps: dict[str, float]
    to_bound: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """``files``: where the estate is read from, made in a scratch directory or lying in data/; what is asked of it."""

    files: Callable[[Path], list[Path]]
    goal: Callable[[Estate], Evacuate | Consolidate]


def _made(shape: str, servers: int, lpars: int) -> Callable[[Path], list[Path]]:
    return lambda scratch: [save(SHAPES[shape](servers, lpars, 1), scratch / "estate.json")]


def _freed(count: int) -> Callable[[Estate], Evacuate]:
    """So many servers, evenly spread."""
    return lambda of: Evacuate(servers=tuple(of.servers[(2 * n + 1) * len(of.servers) // (2 * count)].name
                                             for n in range(count)))


def _watts(of: Estate) -> Consolidate:
    return Consolidate()


QUESTIONS = {
    "modern-consolidate": Question(lambda scratch: [DATA / "modern"], _watts),
    "landscape-evacuate": Question(lambda scratch: [DATA / "landscape"], lambda of: Evacuate(
        servers=("SN8379A80_p595-2",), come_back=True)),
    **{f"{shape}-{servers}-{lpars}-{word}": Question(_made(shape, servers, lpars), goal)
       for shape in SHAPES for servers, lpars, word, goal in (
           (24, 240, "evacuate", _freed(2)), (24, 240, "consolidate", _watts),
           (100, 1000, "evacuate", _freed(2)), (100, 1000, "consolidate", _watts))},
    "blocks-504-10080-evacuate": Question(_made("blocks", 504, 10_080), _freed(21)),
    "blocks-504-10080-consolidate": Question(_made("blocks", 504, 10_080), _watts),
}


# ---- measuring -----------------------------------------------------------------------------------------------------

def cpu_s() -> float:
    """Processor seconds of this process and of those it has waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(r.ru_utime + r.ru_stime for r in both)


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not Linux, or not allowed: the peak is then that of all phases so far
        return


def _peak_mb() -> float:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


class Watch:
    """Runs phases and keeps what each took."""

    def __init__(self) -> None:
        self.phases: dict[str, Phase] = {}

    def __call__(self, name: str, do: Callable[[], T]) -> T:
        _forget_peak()
        wall, cpu = time.perf_counter(), cpu_s()
        found = do()
        self.phases[name] = Phase(cpu_s() - cpu, time.perf_counter() - wall, _peak_mb())
        return found


# ---- phases --------------------------------------------------------------------------------------------------------

def reached(estate: Estate) -> int:
    """How many pairs of LPAR and server have paths for all of its storage."""
    reach, count = Reach(estate), 0
    for p in estate.lpars:
        near = reach.near(p.name)
        for s in estate.servers:
            if s.name != p.server and (near is None or s.name in near):
                count += reach.disk_paths(p.name, s.name).reached and reach.fibre_paths(p.name, s.name).reached
    return count


def judged(estate: Estate, goal: Evacuate | Consolidate) -> tuple[Site, Judge]:
    """The site and what the rules say of every LPAR everywhere."""
    site = Site(estate, goal=goal)
    judge = Judge(site)
    for p in estate.lpars:
        judge.readiness(p.name)
        judge.targets(p.name)
    return site, judge


def placed(site: Site, judge: Judge, goal: Evacuate | Consolidate) -> dict[str, str]:
    """Where everybody goes who moves."""
    if isinstance(goal, Evacuate):
        return dict(EvacuationProblem(site, judge, goal).solve(TIME_LIMIT_S, 0.0).placement)
    problem = ConsolidationProblem(site, judge, goal, scale_of(site, goal.measure))
    return dict(problem.solve(TIME_LIMIT_S, GAP).placement)


def scheduled(site: Site, judge: Judge, goal: Evacuate | Consolidate, placement: dict[str, str]) -> Timetable:
    """The lanes of a placement."""
    table = timetable(site, judge, placement, None, come_back=goal.come_back) if isinstance(goal, Evacuate) else (
        timed(site, judge, placement, goal, Options()))
    return laned(site, table, None, IN_LANES) if table.found else table


def asked(name: str, scratch: Path) -> Answered:
    """Every phase of a question, one after the other in this process."""
    question, watch = QUESTIONS[name], Watch()
    files = question.files(scratch)
    loaded = watch("open", lambda: load(files).usable())
    estate = loaded.estate
    goal = question.goal(estate)
    watch("reach", lambda: reached(estate))
    site, judge = watch("rules", lambda: judged(estate, goal))
    placement = watch("optimise", lambda: placed(site, judge, goal))
    watch("schedule", lambda: scheduled(site, judge, goal, placement))
    plan: Plan = watch("answer", lambda: evacuate(loaded, goal, Options(TIME_LIMIT_S)) if isinstance(
        goal, Evacuate) else consolidate(loaded, goal, Options(TIME_LIMIT_S, GAP)))
    verified = watch("verify", lambda: verify_plan(plan, estate)).holds and plan.verified
    watch("report", lambda: plan_files(plan, estate))
    gaps = {x.name: x.gap for x in plan.levels} or {"moves": plan.gap or 0.0}
    least = plan.at_least_s.get(OUT, 0.0)
    return Answered(len(estate.servers), len(estate.lpars), watch.phases, plan.status.value, verified, len(plan.moves),
                    gaps, plan.leg_span_s(OUT) / least if least else None)


def main() -> None:
    """One question in this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = asked(given.question, Path(scratch))
    if given.json:
        print(json.dumps(asdict(found)))
        return
    for name, took in found.phases.items():
        print(f"{name:10} processor {took.cpu_s:7.2f} s   wall {took.wall_s:7.2f} s   peak {took.peak_mb:6.0f} MB")
    print(f"{found.status}, {'verified' if found.verified else 'NOT VERIFIED'}, {found.moves} moves; gaps "
          + ", ".join(f"{k} {v:.2%}" for k, v in found.gaps.items())
          + (f"; lanes {found.to_bound:.3f} of their bound" if found.to_bound else ""))


if __name__ == "__main__":
    main()
