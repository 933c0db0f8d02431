"""All benchmarks one after the other, and the page that tells what they found: `make bench`.

    python benchmarks/bench.py [--only NAME … [--into]] [--long] [--list] [--beside TEXT]

Every entry of ``registry.py`` runs as a process of its own. A whole run writes docs/benchmarks.md, after each entry;
with ``--only`` what was found is printed, and with ``--into`` put into that page, which names those that ran apart.
``--long`` takes the large sizes: hours. ``--beside`` says on the page what else the machine did.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from evacuate_scale import PROXLB
from measuring import Run, run
from phases import PHASES as PHASE_NAMES
from registry import PHASES, TEXTS, Entry

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
LIBRARIES = ("highspy", "ortools", "pulp", "numpy", "scipy", "networkx", "pandas", "duckdb", "openpyxl")
MOST_S, MOST_LONG_S = 600.0, 7200.0
"""Seconds after which an entry is ended, and said to have been."""
_WRONG = re.compile(r"\b(FAILED|WRONG|NOT VERIFIED|NO VERIFIED PLAN|CONTRADICTION|Traceback|over the limit)\b")
_MISSED = re.compile(r"\b(MISSED|SLOWER)\b")


@dataclass(frozen=True, slots=True)
class Result:
    """An entry with the arguments that it was run with, and the run."""

    entry: Entry
    arguments: str
    run: Run

    @property
    def answer(self) -> dict[str, Any]:
        """Of an entry of phases: :class:`phases.Answered`."""
        return dict(json.loads(self.run.output)) if self.entry in PHASES and not self.run.code else {}


def chosen(only: list[str], *, long: bool) -> list[tuple[Entry, str]]:
    """The entries that are run, with their arguments; both kinds in turn, since the page is written after each."""
    each = [e for two in zip_longest(PHASES, TEXTS) for e in two if e]
    wanted = [e for e in each if (e.name in only if only else long or e.page is not None)]
    return [(e, e.long if long or e.page is None else e.page) for e in wanted]


def measured(entry: Entry, arguments: str, most: float) -> Result:
    """One entry as a process."""
    more = ["--json"] if entry in PHASES else []
    script = ROOT / "benchmarks" / f"{entry.module}.py"
    return Result(entry, arguments, run([sys.executable, script, *arguments.split(), *more], most, ROOT))


# ---- the page ------------------------------------------------------------------------------------------------------

def machine() -> list[str]:
    """What it ran on: nothing that names the machine."""
    def read(file: str, key: str) -> str:
        path = Path(file)
        lines = path.read_text().splitlines() if path.exists() else []
        return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "not known")

    kib = read("/proc/meminfo", "MemTotal").split()[0]
    memory = f"{int(kib) / 2 ** 20:.0f} GiB" if kib.isdecimal() else kib
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    hbal = shutil.which("hbal")
    ganeti = subprocess.run([hbal, "--version"], capture_output=True, text=True).stdout.split("\n")[0] if hbal else (
        "ganeti-htools not here")
    return [f"- Machine: {os.cpu_count()} cores, {memory}, {read('/proc/cpuinfo', 'model name')}, {platform.system()}",
            f"- Python {platform.python_version()}; {versions}",
            f"- Peers: {ganeti}; {PROXLB}; HiGHS and CP-SAT as above"]


def misses(results: list[Result]) -> list[str]:
    """What is wrong or missed, worst first: wrong answers, then gaps, then lanes above their bound, then lines that say
    that an aim was missed."""
    wrong, gaps, lanes, aims = [], [], [], []
    for r in results:
        name = f"`{r.entry.name}`"
        lines = [line.strip() for line in r.run.output.splitlines()]
        wrong += [f"- {name}: {line}" for line in lines if _WRONG.search(line)]
        aims += [f"- {name}: {line}" for line in lines if _MISSED.search(line)]
        if r.run.code:
            wrong.append(f"- {name}: exit code {r.run.code} after {r.run.seconds:.0f} s")
        found = r.answer
        if found and not found["verified"]:
            wrong.append(f"- {name}: {found['status']}, not verified")
        gaps += [(gap, f"- {name}: {gap:.2%} between {level} and its bound") for level, gap in found.get(
            "gaps", {}).items() if gap]
        if (found.get("to_bound") or 0) > 1.0005:
            lanes.append((found["to_bound"], f"- {name}: lanes {found['to_bound']:.3f} times their bound"))
    worst = [text for part in (gaps, lanes) for _, text in sorted(part, reverse=True)]
    return [*wrong, *worst, *aims] or ["- nothing"]


def phase_rows(results: list[Result]) -> list[str]:
    """A row a question: processor and wall-clock seconds and MB of each phase."""
    rows = [f"| question | {' | '.join(PHASE_NAMES)} | answer |", "|---" * (len(PHASE_NAMES) + 2) + "|"]
    for r in results:
        if not (found := r.answer):
            continue
        cells = [f"{p['cpu_s']:.2f} · {p['wall_s']:.2f} · {p['peak_mb']:.0f}" for p in found["phases"].values()]
        told = (f"{found['status']}{'' if found['verified'] else ', NOT VERIFIED'}, {found['moves']} moves, "
                + ", ".join(f"{k} gap {v:.2%}" for k, v in found["gaps"].items()))
        rows.append(f"| `{r.entry.name}` ({found['servers']} servers, {found['lpars']:,} LPARs) | "
                    f"{' | '.join(cells)} | {told} |")
    return rows


def entry_rows(results: list[Result]) -> list[str]:
    """A row an entry, those of long runs too."""
    rows = ["| entry | what | processor s | wall s | peak MB | repeated with |", "|---|---|---:|---:|---:|---|"]
    by_name = {r.entry.name: r for r in results}
    for e in (*PHASES, *TEXTS):
        r = by_name.get(e.name)
        figures = f"{r.run.cpu_seconds:.1f} | {r.run.seconds:.1f} | {r.run.peak_mb:.0f}" if r else (
            "long runs only | |" if e.page is None else "not run | |")
        rows.append(f"| `{e.name}` | {e.about} | {figures} | `{e.command(r.arguments if r else e.page or e.long)}` |")
    return rows


def page(results: list[Result], beside: str, wall_s: float, load: tuple[float, float]) -> str:
    """docs/benchmarks.md."""
    cpu = sum(r.run.cpu_seconds for r in results)
    texts = [line for r in results if r.entry in TEXTS for line in printed(r)]
    return "\n".join([
        "# Benchmarks", "",
        "Written by `make bench` (`benchmarks/bench.py`) from the registry `benchmarks/registry.py`, of one run. "
        "`python benchmarks/bench.py --only NAME` repeats one row and prints it, `--long` takes the large sizes. "
        "Processor seconds are those to compare; wall-clock seconds and what ends by the clock (`--time-limit`, and "
        "the gaps that it leaves) depend on what else the machine did. A row that is *not run* was left out of this "
        "run; the command is what runs it.", "",
        *machine(),
        f"- The run: {len(results)} of {sum(e.page is not None for e in (*PHASES, *TEXTS))} entries, {cpu:.0f} s of "
        f"processor, {wall_s:.0f} s of wall clock; load average {load[0]:.1f} before, {load[1]:.1f} after"
        + (f"; {beside}" if beside else ""), "",
        "## Missed bounds and aims, worst first", "",
        "Wrong answers, then relative gaps to bounds, then lanes above the bound for their moves (docs/lanes.md), then "
        "aims of the benchmarks themselves, which are seconds of wall clock.", "",
        *misses(results), "",
        "## Phases", "",
        "Processor s · wall-clock s · peak MB of each phase (`benchmarks/phases.py` says what each is), one process a "
        "question. `optimise` comes after all rules were asked; `answer` is the whole question anew.", "",
        *phase_rows(results), "",
        "## Every entry", "", *entry_rows(results), "",
        "## What they printed", "", *texts])


def into(text: str, results: list[Result], beside: str, load: tuple[float, float]) -> str:
    """The page with these entries of ``TEXTS`` as they ran now: its row, what it printed, what of it is missed, and
    that it ran apart from the others."""
    for r in results:
        name = f"`{r.entry.name}`"
        row = next(line for line in entry_rows([r]) if line.startswith(f"| {name} "))
        text = "\n".join(row if line.startswith(f"| {name} ") else line for line in text.split("\n"))
        text = re.sub(rf"(?ms)^### {r.entry.name}\n.*?^```\n.*?^```\n\n?", "", text)
        text = re.sub(rf"(?m)^- ({name}: |Apart from that run: {name},).*\n", "", text)
        missed = [line for line in misses([r]) if name in line]
        head, aims, rest = re.split(r"(## Missed bounds.*?\n\n.*?\n\n)", text, maxsplit=1, flags=re.S)
        apart = (f"- Apart from that run: {name}, {r.run.cpu_seconds:.0f} s of processor; load average {load[0]:.1f} "
                 f"before, {load[1]:.1f} after" + (f"; {beside}" if beside else ""))
        rest = "".join(f"{line}\n" for line in missed) + (rest.removeprefix("- nothing\n") if missed else rest)
        text = "\n".join([f"{head.rstrip()}\n{apart}\n\n{aims}{rest.rstrip()}", "", *printed(r)])
    return text


def printed(r: Result) -> list[str]:
    """What an entry printed, under its name."""
    return [f"### {r.entry.name}", "", f"{r.entry.about}: `{r.entry.command(r.arguments)}`", "", "```",
            tidy(r.run.output), "```", ""]


def tidy(output: str) -> str:
    """Without paths of this machine."""
    return output.rstrip().replace(str(ROOT), ".").replace(str(Path.home()), "~").replace(tempfile.gettempdir(), "TMP")


def main() -> int:
    """Run, tell, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], choices=[e.name for e in (*PHASES, *TEXTS)], metavar="NAME")
    parser.add_argument("--into", action="store_true", help="put what --only ran into the page")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--list", action="store_true", help="name the entries")
    parser.add_argument("--beside", default="", help="what else ran, for the page")
    given = parser.parse_args()
    if given.list:
        print("\n".join(f"{e.name:32} {e.about}" for e in (*PHASES, *TEXTS)))
        return 0
    started, before, results = time.perf_counter(), os.getloadavg()[0], []
    for entry, arguments in chosen(given.only, long=given.long):
        results.append(measured(entry, arguments, MOST_LONG_S if given.long else MOST_S))
        found = results[-1].run
        print(f"{entry.name:32} processor {found.cpu_seconds:7.1f} s   wall {found.seconds:7.1f} s   peak "
              f"{found.peak_mb:6.0f} MB   exit code {found.code}", flush=True)
        text = page(results, given.beside, time.perf_counter() - started, (before, os.getloadavg()[0]))
        if not given.only:
            PAGE.write_text(text, encoding="utf-8")
    if given.into and given.only:
        ran = [r for r in results if r.entry in TEXTS]
        load = before, os.getloadavg()[0]
        PAGE.write_text(into(PAGE.read_text("utf-8"), ran, given.beside, load), encoding="utf-8")
    if given.only:
        print("\n".join([*misses(results), "", *phase_rows(results), "",
                         *(r.run.output for r in results if r.entry in TEXTS)]))
    else:
        print(f"written: {PAGE.relative_to(ROOT)}")
    return int(any(r.run.code for r in results))


if __name__ == "__main__":
    sys.exit(main())
