"""Messages of the HMC: a code, a sentence in the console's language, and the lines that belong to them.

The code survives localisation, the text does not; unknown codes are kept as they are. ``Errors:`` and ``Warnings:``
say how bad what follows is. A ``VIOS_DETAILED_ERROR`` block, up to ``End Detailed Message.``, is free text of the VIOS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from planner.findings import Source
from planner.formats.base import Record

KIND = "hmc-message"
BLOCK_START = "VIOS_DETAILED_ERROR"
BLOCK_END = "End Detailed Message"
#: Sentences of commands that found nothing to list.
NO_RESULTS = ("No results were found", "Nie znaleziono wyników")

_CODED = re.compile(r"(HSC[A-Z]{1,2}[A-Z0-9]{4,5}|[0-9]{4}-[0-9]{3}):?\s+(\S.*)")
_HEADINGS = {"Errors:": "error", "Error:": "error", "Warnings:": "warning", "Warning:": "warning"}
_NO_CONNECTION = re.compile(r"cannot communicate with partition (\S.{0,100}?)\.(?:\s|$)")


def coded(line: str) -> tuple[str, str] | None:
    """The code and the text of a message such as ``HSCLA246 The management console …``; None for other lines."""
    match = _CODED.match(line)
    return (match[1], match[2].rstrip()) if match else None


def heading(line: str) -> str | None:
    """``error`` or ``warning`` if the line announces such messages."""
    return _HEADINGS.get(line)


def found_nothing(line: str) -> bool:
    """Whether a command says that it has nothing to list."""
    return line.startswith(NO_RESULTS)


@dataclass(slots=True)
class Message:
    """A message while its lines come in. ``code`` is empty for lines under a heading that have none."""

    line: int
    code: str
    text: str
    severity: str | None
    context: dict[str, Any]
    details: list[str] = field(default_factory=list)
    detailed_error: list[str] = field(default_factory=list)
    block_line: int | None = None

    def add(self, number: int, line: str) -> None:
        """One more line of this message, of its text or of the block of the VIOS."""
        if line.startswith(BLOCK_START):
            self.block_line = number
        elif line.startswith(BLOCK_END):
            self.block_line = None
        else:
            (self.details if self.block_line is None else self.detailed_error).append(line)

    def record(self, file: str) -> Record:
        """All of it; ``lpar_name`` where the text names the LPAR that does not answer."""
        fields: dict[str, Any] = {"code": self.code, "text": self.text, **self.context}
        named = _NO_CONNECTION.search(self.text)
        if named:
            fields["lpar_name"] = named[1]
        if self.severity:
            fields["severity"] = self.severity
        fields["details"] = tuple(self.details)
        fields["vios_detailed_error"] = tuple(self.detailed_error)
        return Record(KIND, fields, Source(file, self.line))
