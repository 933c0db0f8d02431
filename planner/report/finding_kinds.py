"""Findings of a plan by kind, as page, runbook, workbook and terminal tell them: how many, of whom, what mends them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from planner.findings import Finding, Severity, assumed, ordered
from planner.grouping import grouped
from planner.report.text import alike
from planner.units import MANY, some

_EXPECTED = ("network.vlan", "partition.id-free", "partition.hardware-left")
"""Rules whose warnings say what is going to be seen, and leave nothing to decide."""
WORDS = ("stops it", "decide", "expect", "know")
_LISTS = re.compile(r" \([^()]{50,}\)")
"""What a title does without: long lists in brackets."""
_LONG = 160
"""Characters of a title; a longer one ends with its first part."""
_FIXES = 4


class FindingKind(NamedTuple):
    """Findings of one rule: what the reader does with them (``word``), the first of them, how many, each message with
    whom it is about, what all messages end with, and what mends them."""

    word: str
    title: str
    number: int
    rows: tuple[tuple[tuple[str, ...], str], ...]
    ending: str
    fixes: tuple[str, ...]
    rule: str
    severity: Severity

    @property
    def subjects(self) -> list[str]:
        """Whom they are about."""
        return list(dict.fromkeys(name for names, _ in self.rows for name in names))

    def told(self, most: int = MANY) -> str:
        """All of them in a sentence: ``a1: id 4 is taken; b1: id 6 is taken: each gets another``; ``most``: names, and
        messages."""
        said = [f"{some(names, most)}: {message}" for names, message in self.rows[:most]]
        more = [f"… ({len(self.rows)} in all)"] if len(self.rows) > most else []
        return "; ".join(said + more) + (f": {self.ending}" if self.ending else "")

    def as_one(self, most: int = MANY, names: int | None = None) -> Finding:
        """The kind as a finding of its own, for tables of findings: one message with all whom it is about, or with so
        many ``names``; of several messages as many as told."""
        whom = self.subjects
        subject, message = (some(whom, names or len(whom)), self.rows[0][1]) if len(self.rows) == 1 else (
            f"{self.number} ×", self.told(most))
        return Finding(self.rule, self.severity, subject, message, "; ".join(self.fixes))


def kinds(findings: Iterable[Finding]) -> list[FindingKind]:
    """What is to be decided first; assumptions apart."""
    rest = [f for f in ordered(findings) if f.severity is not Severity.ASSUMPTION]
    found = [_kind(rows) for rows in grouped(((f.rule, f.severity), f) for f in rest).values()]
    return sorted(found, key=lambda k: (WORDS.index(k.word), -k.number, k.rule))


def by_kind(findings: Sequence[Finding]) -> list[tuple[str, Finding]]:
    """What tables of findings show: what the reader does with each, and one finding of each kind; what is to be
    settled first."""
    return [*(("settle", f) for f in alike(assumed(findings))), *((k.word, k.as_one()) for k in kinds(findings))]


def _kind(rows: Sequence[Finding]) -> FindingKind:
    first, by_message = rows[0], grouped((f.message, f.subject) for f in rows)
    endings = {message.partition(": ")[2] for message in by_message}
    ending = endings.pop() if len(by_message) > 1 == len(endings) else ""
    title = _LISTS.sub("", _alike([*by_message]))
    return FindingKind(
        _word(first), title if len(title) < _LONG else title.partition("; ")[0], len(rows),
        tuple((tuple(dict.fromkeys(names)), message.partition(": ")[0] if ending else message)
              for message, names in by_message.items()),
        ending=ending, fixes=_few([*dict.fromkeys(f.fix for f in rows if f.fix)]), rule=first.rule,
        severity=first.severity)


def _few(fixes: Sequence[str]) -> tuple[str, ...]:
    """What mends them; of many what they have in common, else some and how many there are."""
    if len(fixes) <= _FIXES:
        return tuple(fixes)
    common = _alike(fixes)
    return (common,) if common not in fixes else (*fixes[:_FIXES], f"… ({len(fixes)} in all)")


def _alike(messages: Sequence[str]) -> str:
    """What messages have in common, word by word: ``id … is taken by … on A``; the first of those that differ in more
    than their half."""
    words = [m.split(" ") for m in messages]
    if len({len(w) for w in words}) > 1:
        return messages[0]
    same = [each[0] if len({*each}) == 1 else f"…{each[0][len(each[0].rstrip(':;,')):]}"
            for each in zip(*words, strict=True)]
    return messages[0] if 2 * sum(w.startswith("…") for w in same) > len(same) else " ".join(same)


def _word(f: Finding) -> str:
    if f.severity is Severity.ERROR:
        return WORDS[0]
    if f.severity is Severity.INFO:
        return WORDS[3]
    return WORDS[2] if f.rule in _EXPECTED else WORDS[1]
