"""The one exception tree. Foreign exceptions are mapped into it at the boundary where they arise."""

from __future__ import annotations

from collections.abc import Iterable

from planner.findings import Finding


class PlannerError(Exception):
    """Anything a user can cause; carries the exit code that README lists."""

    exit_code = 2


class _WithFindings(PlannerError):
    """Holds *all* that is wrong, never only the first."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(f) for f in self.findings))


class InputError(_WithFindings):
    """Unusable input."""


class UsageError(PlannerError):
    """A command line that cannot be acted on: an unknown server, a window that ends before it starts…"""


class ReplayError(_WithFindings):
    """The program's own plan failed its replay: a defect, never written out as a plan."""

    exit_code = 5
