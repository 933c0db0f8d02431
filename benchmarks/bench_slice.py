"""A small slice of the benchmarks as ratios, beside those of the last release: `make bench-slice`.

    python benchmarks/bench_slice.py [--write]

Every phase of small questions (``phases.py``), the least of some runs, as a multiple of a fixed computation in the same
process: processor time, never seconds, so that a faster machine changes nothing. What takes ``WORSE`` times as much as
in ``slice.json``, in a second measurement as well, is told and makes the exit code 1. ``--write`` makes the ratios of
today those to compare with.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random

from phases import asked, cpu_s

BASELINE = Path(__file__).with_name("slice.json")
QUESTIONS, RUNS = ("modern-consolidate", "blocks-100-1000-evacuate"), 2
WORSE, LEAST = 2.0, 0.05
"""Factor from which a phase counts as worse; and the ratio below which it is too short to be measured."""


def reference() -> float:
    """Processor seconds of dictionaries, sorting and sums of chance numbers: nothing of the planner."""
    at, rng = cpu_s(), Random(1)
    counts: dict[int, int] = {}
    for _ in range(150_000):
        key = rng.randrange(5_000)
        counts[key] = counts.get(key, 0) + key
    sum(sorted(counts.values())[::3])
    return cpu_s() - at


def ratios(runs: int = RUNS) -> dict[str, float]:
    """``question phase`` → its processor time in times of the reference."""
    base, least = reference(), dict[str, float]()
    for question in QUESTIONS:
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as scratch:
                found = asked(question, Path(scratch))
            for name, phase in found.phases.items():
                key = f"{question} {name}"
                least[key] = min(least.get(key, phase.cpu_s), phase.cpu_s)
            base = min(base, reference())
    return {key: round(seconds / base, 3) for key, seconds in least.items()}


def worse(now: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """A line for each phase that takes ``WORSE`` times what it took, the worst first; what is missing is told too."""
    grown = {key: max(now[key], LEAST) / max(was, LEAST) for key, was in before.items() if key in now}
    return [*(f"{key}: not measured" for key in before if key not in now),
            *(f"{key}: {now[key]:.2f} times the reference, was {before[key]:.2f}: {grown[key]:.1f} times as much"
              for key in sorted(grown, key=grown.__getitem__, reverse=True) if grown[key] >= WORSE)]


def main() -> int:
    """Compare, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    began, now = cpu_s(), ratios()
    if given.write:
        BASELINE.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    before = json.loads(BASELINE.read_text(encoding="utf-8"))
    if worse(now, before):
        print("something seems worse: measured again, the least of both counts")
        now = {key: min(ratio, now.get(key, ratio)) for key, ratio in ratios().items()}
    for key, ratio in now.items():
        print(f"{key:40} {ratio:8.2f}   was {before.get(key, float('nan')):8.2f}")
    found = worse(now, before)
    print(f"{cpu_s() - began:.1f} s of processor; worse by a factor of {WORSE:g}:", "" if found else "nothing")
    for line in found:
        print(f"WORSE  {line}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
