"""Draws sites and questions, puts them to the planner, and replays every answer with the checker written from docs/ alone.

    python tests/outside/prove.py [--goals N | --seconds S] [--workers N] [--from SEED] [--kind KIND] [--one SEED] [--out DIR]

Prints the counts by question and status; what was refuted is written to DIR (build/refuted), a directory a case with the
estate, the question, the plan, what is wrong and the command that repeats it. Exit code 1 if anything was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import answer
import brute
import draw
import goals_told
import kin
import typed

from planner.parallel import pool_of

Task = tuple[int, int, int, float, str, Path]


def case(seed: int, kind: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    document = draw.site(seed)
    return document, draw.asked(seed, document, kind)


def proved(seed: int, kind: str = "") -> tuple[str, str, list[str], Any]:
    """(question, status, what is wrong, the plans) of one drawn case."""
    document, asked = case(seed, kind)
    try:
        got = answer.ask(document, asked)
        wrong = [w for estate, plan in got.plans if plan["moves"] or plan["status"] in ("optimal", "feasible")
                 for w in goals_told.checked(estate, plan)]
        if got.status != "refused" and asked["kind"] in ("evacuate", "headroom", "consolidate"):
            wrong += brute.compared(document, asked, got.status, got.plans[0][1] if got.plans else None)
            if seed % 4 == 0:
                wrong += kin.compared(document, asked, got, seed)
        if seed % 25 == 0:
            wrong += typed.compared(document, asked, got, seed)
    except Exception:
        return asked["kind"], "traceback", [f"traceback: {traceback.format_exc()}"], []
    return asked["kind"], got.status, wrong, got.plans


def keep(out: Path, seed: int, kind: str, wrong: list[str], plans: Any) -> None:
    place = out / f"{seed}-{kind}"
    place.mkdir(parents=True, exist_ok=True)
    document, asked = case(seed, kind)
    (place / "estate.json").write_text(json.dumps(document, indent=1))
    for n, (estate, plan) in enumerate(plans):
        (place / f"plan-{n}.json").write_text(json.dumps(plan, indent=1))
        (place / f"estate-{n}.json").write_text(json.dumps(estate, indent=1))
    (place / "wrong.txt").write_text("\n".join([*wrong, "", json.dumps(asked),
                                                f"python tests/outside/prove.py --one {seed} --kind {kind}"]) + "\n")


@dataclass
class Tally:
    """What was counted, by question and status, by rule."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    refuted: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0

    def add(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.rules.update(other.rules)
        self.refuted += other.refuted
        self.cpu_s += other.cpu_s

    def printed(self) -> str:
        kinds = sorted({kind for kind, _ in self.counts})
        statuses = sorted({status for _, status in self.counts})
        lines = [f"{'':12}" + "".join(f"{s:>12}" for s in statuses) + f"{'all':>12}"]
        for kind in kinds:
            row = [self.counts[kind, s] for s in statuses]
            lines.append(f"{kind:12}" + "".join(f"{n:12,}" for n in (*row, sum(row))))
        lines += [f"{count:8,} answers broke {rule}" for rule, count in self.rules.most_common()]
        return "\n".join(lines)


def proved_all(given: Task) -> Tally:
    """Every ``step``-th case from ``seed`` on: so many, or until so many seconds are over."""
    seed, step, goals, seconds, kind, out = given
    tally, until = Tally(), time.monotonic() + seconds
    done = 0
    while done < goals if goals else time.monotonic() < until:
        asked, status, wrong, plans = proved(seed, kind)
        tally.counts[asked, status] += 1
        if wrong:
            tally.refuted += 1
            tally.rules.update({w.split(":")[0].split(" ")[0] for w in wrong})
            keep(out, seed, asked, wrong, plans)
        seed, done = seed + step, done + 1
    tally.cpu_s = time.process_time()
    return tally


def side_by_side(many: Sequence[Task]) -> Iterator[Tally]:
    """What each of these comes to, in a process each, none of which outlives this one."""
    with pool_of(len(many), "spawn") as pool:
        yield from pool.map(proved_all, many)


def main() -> int:
    """Exit code 1 if anything was refuted."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--goals", type=int, default=0)
    told.add_argument("--seconds", type=float, default=0.0)
    told.add_argument("--from", type=int, default=0, dest="first")
    told.add_argument("--kind", default="")
    told.add_argument("--one", type=int)
    told.add_argument("--workers", type=int, default=1)
    told.add_argument("--out", type=Path, default=Path("build/refuted"))
    given = told.parse_args()
    if given.one is not None:
        kind, status, wrong, _ = proved(given.one, given.kind)
        print(kind, status, *wrong, sep="\n")
        return bool(wrong)
    many = [(given.first + k, given.workers, -(-(given.goals - k) // given.workers), given.seconds, given.kind, given.out)
            for k in range(given.workers)]
    tally = Tally()
    for part in side_by_side(many):
        tally.add(part)
    print(tally.printed())
    print(f"{tally.counts.total():,} goals from seed {given.first} on: {tally.refuted} refuted, "
          f"{sum(n for (_, s), n in tally.counts.items() if s == 'traceback')} tracebacks; {tally.cpu_s:,.0f} CPU seconds")
    return bool(tally.refuted)


if __name__ == "__main__":
    sys.exit(main())
