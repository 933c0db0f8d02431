"""How often `planner calibrate` recovers what was invented: all figures that it gives within their own intervals.

    python benchmarks/calibrate.py [--seeds 100] [--moves 40] [--odd 0.0]

Logs of invented moves in several forms (tests/move_logs.py) go in by the door of every log.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from move_logs import FORMS, Invented, invented

from planner.formats.registry import read_document
from planner.jobs.calibrate import Calibration, calibrate


def learned(of: Invented) -> Calibration:
    """What is learned from the logs of an invented site."""
    return calibrate(read_document(of.text.encode(), "moves"), of.estate)


def missed(of: Invented, found: Calibration) -> list[str]:
    """The figures whose interval does not hold the truth."""
    return [f"{f.name} {f.subject}".strip() for f in found.figures
            if f.value is not None and not f.why_not and (f.name, f.subject) in of.truth and f.low is not None
            and f.high is not None and not f.low <= of.truth[f.name, f.subject] <= f.high]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--odd", type=float, default=0.0)
    asked = parser.parse_args()
    worst = asked.seeds
    for form in FORMS:
        held, wrong, given = 0, Counter[str](), Counter[str]()
        for seed in range(asked.seeds):
            of = invented(seed, form, asked.moves, asked.odd)
            found = learned(of)
            off = missed(of, found)
            held += not off
            wrong.update(off)
            given.update(f"{f.name} {f.subject}".strip() for f in found.figures if not f.why_not)
        worst = min(worst, held)
        print(f"{form}: all within their intervals in {held} of {asked.seeds} seeds")
        print("   given: " + ", ".join(f"{name} {count}" for name, count in sorted(given.items())))
        print("   missed: " + (", ".join(f"{name} {count}" for name, count in sorted(wrong.items())) or "none"))
    return 0 if worst >= 0.9 * asked.seeds else 1


if __name__ == "__main__":
    sys.exit(main())
