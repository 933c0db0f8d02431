"""Commands while the clock on the wall is set back: wrong by years, or back again at each look.

    python benchmarks/fault_clock.py [--only evacuate,history]

Each command of ``fault_points.py``, and those that only look, runs under the true clock and under others
(``fault_clock.c``, preloaded). What must hold: exit code, outputs and what is said are those of the true clock, but
where a night is over by the clock; no traceback; nothing takes longer. Exit code 1: something did not hold.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from fault_points import COMMANDS, Command, Tree, child, held, ran, restore, site, waited, warm  # noqa: E402

TRUE_S = 1_796_126_400
"""The true time, in seconds of 1970: noon of 2026-12-01, before all nights that are planned."""
CLOCKS = {"at zero": (0, 0), "in 1979": (300_000_000, 0), "an hour back at each look": (TRUE_S, -3600),
          "in 2040": (2_210_000_000, 0), "in 2108": (4_370_000_000, 0)}
"""What it is instead, and how much later it is with each look."""
MORE_S = 30
"""What a command may take beyond what it took under the true clock."""
NIGHT = ("evacuate", "a.json", "srv000", "--window", "2026-12-05 22:00/04:00", "--return", "--out", "plan")
STORE = ("history", "add", "usage", "--store", "u.db", "--zone", "UTC")
LOOKING = (
    Command("check", ("check", "a.json")), Command("verify", ("verify", "plan", "a.json"), (NIGHT,)),
    Command("explain", ("explain", "a.json", "lp00000", "--plan", "plan"), (NIGHT,)),
    Command("history show", ("history", "show", "--store", "u.db"), (STORE,)),
    Command("history forecast", ("history", "forecast", "--store", "u.db"), (STORE,)),
    Command("headroom by usage", ("headroom", "a.json", "srv000", "--cores", "1", "--when", "2026-02", "--history",
                                  "u.db", "--out", "out"), (STORE,)),
    Command("readiness since", ("readiness", "b.json", "--since", "rd", "--out", "out"),
            (("readiness", "a.json", "--out", "rd"),)),
    Command("sweep of two", ("sweep", "a.json", "s.toml", "--workers", "2", "--out", "out")))
NIGHTS = (
    Command("evacuate in a night", (*NIGHT[:-1], "out")),
    Command("resume now", ("resume", "plan", "a.json", "--on", "--out", "out"), (NIGHT,)))
ASKED = {"campaign", "resume", *(command.name for command in NIGHTS)}
"""Those that look whether a night is over: where it is by the clock, they tell so, and plan what is left."""


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    outputs: dict[str, Tree]
    said: str
    seconds: float

    def differs(self, other: Ran) -> Iterator[str]:
        if other.code != self.code:
            yield f"exit code {other.code} instead of {self.code}: {other.said[-300:]}"
        for one, files in self.outputs.items():
            wrong = {k for k in {*files, *other.outputs[one]} if files.get(k) != other.outputs[one].get(k)}
            if wrong:
                yield f"{one}: {', '.join(sorted(wrong))} not as under the true clock"
        if other.said != self.said:
            yield f"says {other.said[:300]!r} instead of {self.said[:300]!r}"


class Trial:
    """A directory in which a command runs, and what it has before that."""

    def __init__(self, command: Command, base: Path, place: Path, clock: Path) -> None:
        self.command, self.where, self.log = command, place / "work", place / "log"
        self.copy, self.clock = place / "copy", clock
        shutil.copytree(base, self.where)
        for args in command.before:
            code = ran(args, self.where, self.log)
            assert code in (0, 1), (args, code, self.log.with_suffix(".err").read_text())
        shutil.copytree(self.where, self.copy)

    def run(self, at_s: int, step_s: int) -> Ran:
        restore(self.where, self.copy)
        self.clock.write_text(f"{at_s - int(time.time())} {step_s}")
        began = time.monotonic()
        code = waited(child(self.command.args, self.where, self.log, lambda: None))
        took = time.monotonic() - began
        self.clock.unlink(missing_ok=True)
        said = "".join(self.log.with_suffix(s).read_text(errors="replace") for s in (".out", ".err"))
        return Ran(code, held(self.where, self.command.outputs), re.sub(r"\d[\d.,]* (s|min)\b", "some s", said), took)

    def wrong(self) -> Iterator[str]:
        """What did not hold, under all clocks."""
        right = self.run(TRUE_S, 0)
        if right.code not in (0, 1, 3, 4):
            yield f"true clock: exit code {right.code}: {right.said[-300:]}"
            return
        for name, clock in CLOCKS.items():
            got = self.run(*clock)
            if "Traceback" in got.said:
                yield f"{name}: traceback: {got.said[-600:]}"
            elif self.command.name not in ASKED or clock[0] <= TRUE_S:
                yield from (f"{name}: {w}" for w in right.differs(got))
            elif got.code not in range(5):
                yield f"{name}: exit code {got.code}: {got.said[-300:]}"
            if got.seconds > right.seconds + MORE_S:
                yield f"{name}: takes {got.seconds:.0f} s instead of {right.seconds:.0f} s"


def built(where: Path) -> Path:
    """What is to be preloaded, made in a directory."""
    library = where / "fault_clock.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, ROOT / "benchmarks" / "fault_clock.c"], check=True)
    return library


def preloaded(arguments: list[str]) -> int:
    """This program again, with a clock that can be set."""
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        environment = os.environ | {"LD_PRELOAD": str(built(Path(made))), "FAULT_CLOCK": f"{made}/clock",
                                    "COLUMNS": "100", "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, __file__, *arguments], env=environment, check=False).returncode


def main() -> int:
    asking = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asking.add_argument("--only", default="", help="commands, by the beginning of their names")
    only = [o for o in asking.parse_args().only.split(",") if o]
    if "FAULT_CLOCK" not in os.environ:
        return preloaded(sys.argv[1:])
    count = wrong = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        base = Path(made) / "base"
        base.mkdir()
        site(base)
        warm()
        for number, command in enumerate((*COMMANDS, *LOOKING, *NIGHTS)):
            if only and not any(command.name.startswith(o) for o in only):
                continue
            place = Path(made) / str(number)
            place.mkdir()
            told = list(Trial(command, base, place, Path(os.environ["FAULT_CLOCK"])).wrong())
            print(f"{command.name:<22} {len(told)} wrong", *told, sep="\n    ", flush=True)
            count, wrong = count + 1, wrong + len(told)
            shutil.rmtree(place, ignore_errors=True)
    print(f"{count} commands under {len(CLOCKS)} wrong clocks, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
