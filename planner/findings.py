"""Findings: what the program has to say about an input, an LPAR, a plan; and where it saw it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from planner.units import some


class Severity(StrEnum):
    """How much a finding matters. Only an ERROR stops something; an ASSUMPTION is what nobody stated and a plan takes
    for granted until the command in ``fix`` has settled it."""

    ERROR = "error"
    ASSUMPTION = "assumption"
    WARNING = "warning"
    INFO = "info"


_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|\S*[0-9@/]\S*")
_ORDER = {severity: number for number, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Source:
    """A place in an input: a file and a line (text) or a cell (workbook)."""

    file: str
    line: int | None = None
    cell: str | None = None

    def __str__(self) -> str:
        if self.cell:
            return f"{self.file}[{self.cell}]"
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement: which rule, how bad, about whom, what was found, what to do, and where it was seen.

    ``unstated``: it stands on what nobody states, so that it proves nothing.
    """

    rule: str
    severity: Severity
    subject: str
    message: str
    fix: str = ""
    source: Source | None = None
    unstated: bool = False

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        fix = f" ({self.fix})" if self.fix else ""
        return f"{where}{self.message}{fix}"


def finding_json(f: Finding) -> dict[str, Any]:
    """One finding as every JSON output has it."""
    return {"rule": f.rule, "severity": f.severity, "subject": f.subject, "message": f.message, "fix": f.fix,
            "source": str(f.source) if f.source else None}


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Only the findings that stop something."""
    return tuple(f for f in findings if f.severity is Severity.ERROR)


def as_bad_as(findings: Iterable[Finding], severity: Severity) -> list[Finding]:
    """Those of this severity or worse, the worst first."""
    return [f for f in ordered(findings) if _ORDER[f.severity] <= _ORDER[severity]]


_MANY, _MOST_READ = 5, 2000
_AT_MOST = {"input.unrecognised": 1, "input.may-hold": 1}


def gathered(findings: Iterable[Finding]) -> list[Finding]:
    """For people: what is said of more than five in the same words is one finding, with their number and names; of
    files that are not read of more than one."""
    groups: dict[tuple[str, Severity, str], list[Finding]] = {}
    for f in findings:
        groups.setdefault((f.rule, f.severity, _wording(f)), []).append(f)
    return [f for (rule, *_), group in groups.items()
            for f in (group if len(group) <= _AT_MOST.get(rule, _MANY) else (_as_one(group),))]


def _wording(f: Finding) -> str:
    """A message without what differs from one subject to the next: names, numbers and what stands in quotes."""
    text = f.message.replace(f.subject, "#") if f.subject else f.message
    return _PARTICULAR.sub("#", text[:_MOST_READ]) + text[_MOST_READ:]  # its time grows with the square of a word


def _as_one(group: list[Finding]) -> Finding:
    subjects = list(dict.fromkeys(f.subject for f in group))
    return replace(group[0], subject=some(subjects, 8),
                   message=f"{len(group):,} such findings, the first: {group[0].message}")


def assumed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Only what is taken for granted."""
    return tuple(f for f in findings if f.severity is Severity.ASSUMPTION)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, then by subject and rule: the same order whatever order they arose in; repeats dropped."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (_ORDER[f.severity], f.subject, f.rule, str(f.source or ""), f.message)))
