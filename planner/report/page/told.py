"""What is to be decided before the first move, and what a plan takes for granted with what settles it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from planner.estate.model import Estate
from planner.findings import assumed
from planner.plan.plan import Plan
from planner.report.finding_kinds import WORDS, FindingKind
from planner.report.missing import missing
from planner.report.page.answer import Line
from planner.report.text import alike
from planner.units import some


class Assumed(NamedTuple):
    """Something taken for granted, what hangs on it, and what settles it: a command, or words."""

    what: str
    whom: str
    settle: str
    command: bool


def before_go(found: Sequence[FindingKind], gates: int) -> Line:
    """How much is to be settled, decided and expected before the first move."""
    numbers = [(gates, "settle"), *((sum(k.word == word for k in found), word) for word in WORDS[1:3])]
    told = [f"{number} to {word}" for number, word in numbers if number]
    firsts = [f"{some(k.subjects, 3)}: {k.title}" for k in found if k.word in WORDS[:3]]
    if not told:
        return Line("Before “go”: nothing to decide", "No warning concerns these moves.", good=True)
    return Line(f"Before “go”: {', '.join(told)}", "; ".join(x[:160] + "…" * (len(x) > 160) for x in firsts[:3]) + ".")


def assumptions(plan: Plan, estate: Estate) -> Iterator[Assumed]:
    """First what single LPARs hang on, then facts that nobody states of what takes part, then the model's own."""
    for f in alike(assumed(plan.findings)):
        yield Assumed(f.message, f"{f.subject} stays until this is settled", f.fix, command=True)
    part = {x for m in plan.moves for x in (m.lpar, m.source, m.target, *m.vioses)}
    for lack in missing(estate):
        if whom := [n for n in lack.names if n in part]:
            yield Assumed(f"Not stated: {lack.fact}", some(whom, 8), lack.command, command=True)
    figures: list[str] = []
    for text in plan.assumptions:
        if text.startswith("Cost model: "):
            figures.append(text.removeprefix("Cost model: "))
        else:
            yield _of_model(text)
    if figures:
        yield Assumed("Minutes: the figures of the cost model", "; ".join(figures),
                      "planner calibrate LOG… --out parameters.toml", command=True)


_SETTLED = (
    ("Measured usage", "planner history add usage.db EXPORTS; then --history usage.db", True),
    ("Hash page table", "lshwres -r mem -m SYSTEM --level lpar -F lpar_name,curr_hpt_ratio", True),
    ("An LPAR whose busy cores", "lparstat 60 10    # on each LPAR, at the hour of the window", True),
    ("An inactive migration", "time one, and put inactive_s into sheet Parameters", False),
    ("Minutes are not calibrated", "planner calibrate LOG… --out parameters.toml", True),
    ("Minutes are calibrated", "planner calibrate LOG… --out parameters.toml", True),
    ("rPerf of a core", "put unknown_rperf_per_core into sheet Parameters", False),
    ("Clock times", "--zone ZONE, or the policy time-zone", False),
    ("How products are counted", "a policy licence says how your contract counts", False),
    ("Oracle's partitioning policy", "look into your contract", False))
"""How an assumption of the model begins, what settles it, and whether that is a command."""


def _of_model(text: str) -> Assumed:
    settle, command = next(((s, c) for begin, s, c in _SETTLED if text.startswith(begin)), ("", False))
    return Assumed(text, "", settle, command)
