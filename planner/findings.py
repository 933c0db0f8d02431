"""Findings: what the program has to say about an input, an LPAR, a plan; and where it saw it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters. Only an ERROR stops something."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


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
    """One statement: which rule, how bad, about whom, what was found, what to do, and where it was seen."""

    rule: str
    severity: Severity
    subject: str
    message: str
    fix: str = ""
    source: Source | None = None

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


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, then by subject and rule: the same order whatever order they arose in; repeats dropped."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (_ORDER[f.severity], f.subject, f.rule, str(f.source or ""), f.message)))
