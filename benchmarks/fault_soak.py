"""A thousand commands one after the other: no file is left anywhere, and in one process no memory.

    python benchmarks/fault_soak.py [--commands 1000] [--calls 200]

Commands of all kinds, right ones and wrong ones, each in a process of its own, with a directory for temporary files of
their own: afterwards nothing is in it, and beside the outputs nothing is where they ran. Then the Python interface
loads an estate, plans and verifies again and again in one process: what that holds after the second half of the calls
is what it held after the first. Exit code 1: something is left.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from fault_points import child, site, waited, warm  # noqa: E402

MOST_GROWN = 200_000
"""Bytes in all the calls of the second half together."""

TURNS = (
    ("check", "a.json"), ("check", "nothing.json"), ("load", "a.json", "--out", "new.json", "--force"),
    ("load", "b.json", "--out", "new.xlsx", "--force"), ("reach", "a.json", "--graph", "g.dot", "--force"),
    ("evacuate", "a.json", "srv000", "--out", "out"), ("evacuate", "a.json", "srv001", "--out", "out"),
    ("evacuate", "a.json", "nobody", "--out", "out"), ("verify", "out", "a.json"), ("verify", "out", "b.json"),
    ("history", "add", "usage", "--store", "u.db", "--zone", "UTC"), ("history", "show", "--store", "u.db"),
    ("history", "forget", "--store", "u.db", "--lpar", "lp00001"), ("history", "add", "moves.csv", "--store", "x.db"),
    ("readiness", "a.json", "--out", "rd"), ("whatif", "a.json", "one.toml", "--out", "wi"),
    ("whatif", "a.json", "moves.csv", "--out", "wi"), ("calibrate", "moves.csv", "--out", "p.toml"),
    ("evacuate", "a.json", "srv000", "--out", "out", "--write-model", "m.lp", "--force"),
    ("campaign", "a.json", "one-window.toml", "--out", "ca"))
OUTPUTS = {"new.json", "new.xlsx", "g.dot", "out", "u.db", "rd", "wi", "p.toml", "m.lp", "ca"}


def commands(count: int) -> list[str]:
    """What so many commands leave that they should not."""
    wrong = []
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        where, temporary = Path(made) / "work", Path(made) / "tmp"
        where.mkdir()
        temporary.mkdir()
        site(where)
        inputs = {p.name for p in where.iterdir()}
        warm()
        os.environ |= {"TMPDIR": str(temporary), "COLUMNS": "100"}
        tempfile.tempdir = None
        for number in range(count):
            args = TURNS[number % len(TURNS)]
            code = waited(child(args, where, Path(made) / "log", lambda: None))
            if code not in range(5):
                wrong.append(f"{' '.join(args)}: exit code {code}")
        models = {p.name for p in where.glob("m-*.lp")}
        wrong += [f"left where it ran: {p.name}" for p in where.iterdir() if p.name not in inputs | OUTPUTS | models]
        wrong += [f"left among temporary files: {p.name}" for p in temporary.iterdir()]
        wrong += [f"left in out: {p}" for p in (where / "out").rglob(".planner-*")
                  if p.name != ".planner-manifest.json"]
    return wrong


def calls(count: int) -> tuple[int, int]:
    """(bytes held after the first half, after the second) of so many calls of the Python interface."""
    import planner

    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        site(Path(made))

        def once() -> None:
            estate = planner.load_estate(Path(made) / "a.json")
            plan = planner.evacuate(estate, "srv001")
            assert planner.verify_plan(plan, estate).holds

        for _ in range(5):
            once()
        tracemalloc.start()
        held = []
        for _ in range(2):
            for _ in range(count // 2):
                once()
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    return held[0], held[1]


def main() -> int:
    asking = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asking.add_argument("--commands", type=int, default=1000)
    asking.add_argument("--calls", type=int, default=200)
    asked = asking.parse_args()
    wrong = commands(asked.commands)
    first, second = calls(asked.calls)
    if second - first > MOST_GROWN:
        wrong.append(f"memory grew by {second - first:,} bytes in {asked.calls // 2} calls")
    print("\n".join(wrong))
    print(f"{asked.commands} commands, {asked.calls} calls of the Python interface ({second - first:+,} bytes in the "
          f"second half), {len(wrong)} left something")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
