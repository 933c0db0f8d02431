"""Going on from half-way: every state in which a plan can be left, gone on with and gone home from.

    python benchmarks/resume.py [--most N] [--waves] [--effort E]

The plan is that of the landscape sample: p595-2 freed, an hour of work, everybody home. Its moves are carried out on
the estate (server, id, pool, the VIOSes of its disks), in every set of moves that the order of the plan lets be done:
closed downwards, of the way out and of the way back. From each state the plan is resumed ``--on`` and ``--back``; the
new plan must be verified, and everybody must end at home; each is then carried out to its middle and resumed
``--back`` again. Where there are more states than ``--most``, so many evenly over all of them. The plan that is left
half-way is searched for as usual, those that go on with it with ``--effort`` times the usual work.

Exit code 1 when one of them is not as it must be.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time

from planner import jobs, verify_plan
from planner.estate.assemble import Loaded
from planner.estate.load import load
from planner.estate.model import Estate
from planner.jobs.begun import Begun
from planner.jobs.going_on import resume
from planner.plan.carried_out import carried_out
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, Window
from planner.plan.questions import Evacuate
from planner.schedule.lanes import Pacing

LANDSCAPE, FREED = Path(__file__).parents[1] / "data" / "landscape", "SN8379A80_p595-2"


def before(move: Move, leg: Sequence[Move]) -> Iterator[Move]:
    """What of its leg must be over before a move starts."""
    if not move.lane:
        yield from (m for m in leg if m.wave < move.wave)
        return
    awaited = {w.move for w in move.waits}
    yield from (m for m in leg if m.number in awaited or (m.lane == move.lane and (m.start_ms, m.number) < (
        move.start_ms, move.number)))


def closed_sets(leg: Sequence[Move]) -> list[tuple[Move, ...]]:
    """Every set of moves of a leg that can be done while the others are not begun, the smallest first."""
    needs = [sum(1 << leg.index(b) for b in before(m, leg)) for m in leg]
    layer, sets = {0}, [0]
    while layer:
        layer = {s | 1 << k for s in layer for k, need in enumerate(needs) if not s >> k & 1 and need & ~s == 0}
        sets += sorted(layer)
    return [tuple(m for k, m in enumerate(leg) if s >> k & 1) for s in sets]


def states(plan: Plan) -> Iterator[tuple[str, tuple[Move, ...]]]:
    """(leg that is under way, moves that are done) of every state in which a plan can be left."""
    out, back = plan.leg(OUT), plan.leg(BACK)
    yield from ((OUT, done) for done in closed_sets(out))
    yield from ((BACK, (*out, *done)) for done in closed_sets(back)[1:])


def places(estate: Estate) -> dict[str, str]:
    return {p.name: p.server for p in estate.lpars}


def wrong(rest: Plan, state: Estate, ends: Mapping[str, str]) -> str:
    """What is not as it must be of a plan after which everybody is to be there; else ``""``."""
    if not rest.verified or not verify_plan(rest, state).holds:
        return f"not verified: {'; '.join(f.message for f in rest.findings[:2])}"
    astray = {n for n, s in places(carried_out(state, rest.moves)).items() if ends[n] != s}
    return f"not where it is to be: {', '.join(sorted(astray))}" if astray else ""


def looked_at(plan: Plan, state: Estate, home: Estate, options: jobs.Options) -> Iterator[tuple[str, str]]:
    """(what was asked, what is wrong with the answer) from one state, and from half-way of each answer."""
    middle, under_way = places(carried_out(home, plan.leg(OUT))), not Begun(plan, state).homeward
    for on in (True, False):
        asked = "--on" if on else "--back"
        rest = resume(Loaded(state), plan, options, on=on)
        out = rest.replace(moves=rest.leg(OUT))
        ends = places(home) if plan.goal.come_back or not on else middle
        astray = on and under_way and places(carried_out(state, out.moves)) != middle
        yield asked, "the way out ends elsewhere" if astray else wrong(rest, state, ends)
        if not rest.verified:
            continue
        half = sorted(rest.moves, key=lambda m: m.start_ms)[:len(rest.leg(OUT) or rest.moves) // 2]
        later = carried_out(state, half)
        yield f"{asked}, again --back", wrong(resume(Loaded(later), rest, options, on=False), later, places(home))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--waves", action="store_true")
    parser.add_argument("--effort", type=float, default=0.02)
    given = parser.parse_args()
    loaded = load([LANDSCAPE])
    window = replace(jobs.window_from("2026-12-05 22:00/04:00"), zone="Europe/Berlin")
    options = jobs.Options(window=window, work_s=3600, zone=window.zone, pacing=Pacing(given.waves))
    plan = jobs.evacuate(loaded, Evacuate(servers=(FREED,), come_back=True), options)
    every = list(states(plan))
    chosen = every[::-(-len(every) // given.most)]
    print(f"{len(plan.leg(OUT))} moves out, {len(plan.leg(BACK))} back, {'lanes' if plan.in_lanes else 'waves'}: "
          f"{len(every)} states, {len(chosen)} of them looked at", flush=True)
    whole, failed = Window(window.start, window.end.replace(day=9), zone=window.zone), 0
    options = replace(options, window=whole, pacing=Pacing(given.waves, effort=given.effort))
    for leg in (OUT, BACK):
        tally: dict[str, list[float]] = {}
        for done in (done for of, done in chosen if of == leg):
            state = carried_out(loaded.estate, done)
            at = process_time()
            for asked, why in looked_at(plan, state, loaded.estate, options):
                tally.setdefault(asked, []).append(process_time() - at)
                at = process_time()
                if why:
                    failed += 1
                    print(f"FAILED {leg}, {len(done)} moves done, {asked}: {why}", flush=True)
        for asked, seconds in tally.items():
            print(f"{leg:4}  {asked:20} {len(seconds):6} plans, processor {sum(seconds) / len(seconds):6.3f} s each, "
                  f"{max(seconds):6.3f} s at most", flush=True)
    print("all verified, everybody home" if not failed else f"{failed} FAILED")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
