"""docs/mutants.md: how many mutants there are, what became of those that were tried, and the survivors by reason.

The reasons are written by people, on the page itself: a heading of the third degree, its sentences, and below them the
mutants that it is about. A survivor without one goes to the last of them.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "mutants.md"
OPEN = "Not judged yet"
_HEAD = """# Mutation testing

`make mutants` (`benchmarks/mutants.py`) changes the program in one place, a mutant, and asks whether a test fails. It
wrote this page, but for the reasons below. *There are*: what the operators make of a module; *tried*: drawn from them
and judged, without those of which the compiler makes the same; *killed*: a test failed; *in time*: one did not end;
*no test*: none of those asked ({tests}) runs its lines. A survivor was met by up to {limit:.0f} s of the tests that
run its lines, the quickest first: what a longer one or a test of another room would find counts as survived here.
`make mutants ONLY="verify/ports cost" SAMPLE=50 SEED=1` tries some of some modules.

Of the code of {date}."""


@dataclass
class _Reason:
    """A heading with its sentences and mutants."""

    title: str
    words: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def _read(text: str) -> tuple[dict[str, str], list[_Reason]]:
    """The rows of the table by module, and the reasons."""
    rows = {m[1]: m[0] for m in re.finditer(r"^\| (\S+) \|.*$", text, re.M)}
    reasons = []
    for part in text.split("\n### ")[1:]:
        title, *lines = part.rstrip().splitlines()
        reasons.append(_Reason(title, [x for x in lines if x and not x.startswith("- ")],
                               [x.removeprefix("- ") for x in lines if x.startswith("- ")]))
    return rows, reasons


def _row(module: str, of: Sequence[tuple[str, str]], judged: Mapping[str, str]) -> str:
    count = Counter(outcome for _, outcome in of)
    tried = count["killed"] + count["timed out"] + count["survived"] + count["no test"]
    reasoned = sum(name in judged and outcome in ("survived", "no test") for name, outcome in of)
    share = f"{(count['killed'] + count['timed out']) / tried:.0%}" if tried else ""
    return (f"| {module} | {len(of) - count['same']} | {tried} | {count['killed']} | {count['timed out']} | "
            f"{count['survived']} | {count['no test']} | {reasoned} | {share} |")


def _sum(rows: Sequence[str]) -> str:
    """The row of all modules, those of earlier runs too."""
    cells = [[int(cell.strip() or 0) for cell in row.split("|")[2:9]] for row in rows]
    total = [sum(column) for column in zip(*cells, strict=True)]
    share = f"{(total[2] + total[3]) / total[1]:.0%}" if total[1] else ""
    return f"| all | {' | '.join(map(str, total))} | {share} |"


def _asked(text: str, tests: str) -> str:
    """The tests that were asked by the runs of which the page tells, with those of this one."""
    before = re.search(r"none of those asked \((.*)\) runs its lines", text)
    return ", ".join(dict.fromkeys(t for t in (*(before[1].split(", ") if before else ()), *tests.split(", ")) if t))


def write(found: Mapping[str, Sequence[tuple[str, str]]], tests: str = "", limit: float = 0) -> str:
    """Write the page of the names and outcomes of each module's mutants ('' : not tried); returns the table.

    A module of which none was tried keeps its row and its survivors.
    """
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    rows, reasons = _read(text)
    now = {module: of for module, of in found.items() if any(outcome for _, outcome in of)}
    left = {name for of in now.values() for name, outcome in of if outcome in ("survived", "no test")}
    gone = {name for of in now.values() for name, _ in of} - left
    mine = tuple(module.removeprefix("planner/").removesuffix(".py") + " " for module in now)
    for reason in reasons:
        reason.names = [n for n in reason.names if n in left or (n not in gone and not n.startswith(mine))]
    judged = {n: r.title for r in reasons if r.title != OPEN for n in r.names}
    last = next((r for r in reasons if r.title == OPEN), _Reason(OPEN))
    reasons = [*(r for r in reasons if r is not last), last]
    last.names = sorted({*last.names, *left} - judged.keys())
    head = ["| module | there are | tried | killed | in time | survived | no test | of these judged below | killed |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    table = [*head, *(_row(m, of, judged) if m in now else rows.get(m, f"| {m} | {len(of)} | 0 | | | | | | |")
                      for m, of in found.items())]
    table.append(_sum(table[2:]))
    date = subprocess.run(["git", "log", "-1", "--format=%cs"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    body = [line for r in reasons if r.names for line in (
        "", f"### {r.title}", "", *r.words, *([""] if r.words else []), *(f"- {n}" for n in r.names))]
    head = _HEAD.format(date=date, tests=_asked(text, tests), limit=limit)
    PAGE.write_text("\n".join([head, "", *table, "", "## What survived", *body, ""]), encoding="utf-8")
    return "\n".join(table)
