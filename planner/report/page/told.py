"""Findings by kind, and what a plan takes for granted with what settles it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from planner.estate.model import Estate
from planner.findings import Finding, Severity, assumed, ordered
from planner.grouping import grouped
from planner.plan.plan import Plan
from planner.report.missing import missing
from planner.report.page.answer import Line
from planner.report.text import alike
from planner.units import some

_EXPECTED = ("network.vlan", "partition.id-free", "partition.hardware-left")
"""Rules whose warnings say what is going to be seen, and leave nothing to decide."""
_WORDS = ("stops it", "decide", "expect", "know")
_LISTS = re.compile(r" \([^()]{50,}\)")
"""What a title does without: long lists in brackets."""
_LONG = 160
"""Characters of a title; a longer one ends with its first part."""
_ROWS = 60
"""Lines of one kind of finding; the workbook has them all."""


class FindingKind(NamedTuple):
    """Findings of one kind: what the reader does with them (``word``), the first of them, how many, each message with
    whom it is about, how many messages more there are, and what mends them."""

    word: str
    title: str
    number: int
    rows: tuple[tuple[str, str], ...]
    more: int
    fixes: tuple[str, ...]
    rule: str


class Assumed(NamedTuple):
    """Something taken for granted, what hangs on it, and what settles it: a command, or words."""

    what: str
    whom: str
    settle: str
    command: bool


def kinds(plan: Plan) -> list[FindingKind]:
    """The findings of a plan by kind, what is to be decided first; assumptions apart."""
    rest = [f for f in ordered(plan.findings) if f.severity is not Severity.ASSUMPTION]
    found = [_kind(rows) for rows in grouped(((f.rule, f.severity), f) for f in rest).values()]
    return sorted(found, key=lambda k: (_WORDS.index(k.word), -k.number, k.rule))


def _kind(rows: Sequence[Finding]) -> FindingKind:
    first, merged = rows[0], alike(rows)
    fixes = tuple(dict.fromkeys(f.fix for f in rows if f.fix))
    tails = {f.message.partition(": ")[2] for f in merged}
    told = [f.message.partition(": ")[0] if len(merged) > 1 == len(tails) else f.message for f in merged]
    title = _LISTS.sub("", first.message)
    return FindingKind(_word(first), title if len(title) < _LONG else title.partition("; ")[0], len(rows),
                tuple(zip((f.subject for f in merged), told, strict=True))[:_ROWS],
                max(0, len(merged) - _ROWS), fixes[:4], first.rule)


def _word(f: Finding) -> str:
    if f.severity is Severity.ERROR:
        return _WORDS[0]
    if f.severity is Severity.INFO:
        return _WORDS[3]
    return _WORDS[2] if f.rule in _EXPECTED else _WORDS[1]


def before_go(found: Sequence[FindingKind], gates: int) -> Line:
    """How much is to be settled, decided and expected before the first move."""
    numbers = [(gates, "settle"), *((sum(k.word == word for k in found), word) for word in _WORDS[1:3])]
    told = [f"{number} to {word}" for number, word in numbers if number]
    firsts = [f"{some(dict.fromkeys(s for s, _ in k.rows), 3)}: {k.title}" for k in found if k.word in _WORDS[:3]]
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
