"""What the readers of VIOS listings share: lines, values, physical locations, findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from planner.findings import Finding, Severity, Source
from planner.formats.base import NonValue, Reading, Record, clean, stated
from planner.formats.facts import ViosRef
from planner.formats.values import flag, non_value, shown

#: field → its text and the line that states it
Raw = dict[str, tuple[str, int]]

_ERROR_TEXT = re.compile(
    r"HSC[A-Z]{1,3}[0-9A-Z]{3,6}\b|(?:\w{1,20}:\s?)?0[0-9]{3}-[0-9]{3}\b"
    r"|No results were found|Nie znaleziono wynik"
)
_PROMPT = re.compile(r"[^\s$#]{0,100}\s?[$#](?:\s|$)")


def vios_of(record: Record, reading: Reading) -> ViosRef:
    """The VIOS whose listing a record is of."""
    have = stated(record)
    return ViosRef(reading.host, str(have.get("serial_num", "")), have.get("vios_partition_id"), record.source.file)


def lines(text: str, first_line: int = 1) -> Iterator[tuple[int, str]]:
    """The lines that hold something, numbered, without blanks at their end."""
    for number, line in enumerate(clean(text).split("\n"), first_line):
        stripped = line.rstrip()
        if stripped:
            yield number, stripped


def head(text: str, count: int = 50) -> list[str]:
    """The first lines that hold something, prompts and error text left out."""
    return [line.strip() for _, line in lines(text) if not (is_error(line) or is_prompt(line))][:count]


def is_error(line: str) -> bool:
    """A message with a code of an HMC or of AIX (``HSC…``, ``0516-010``), or that nothing was found."""
    return _ERROR_TEXT.match(line.lstrip()) is not None


def is_prompt(line: str) -> bool:
    """A line of a terminal session: ``$ lsmap -all``, ``padmin@vio1 $``."""
    return _PROMPT.match(line.strip()) is not None


def is_rule(line: str) -> bool:
    """A line of dashes or of equal signs."""
    return not line.strip("-= \t")


def word(text: str) -> str | NonValue:
    """Text, or the non-value that it is (``N/A`` is :attr:`NonValue.UNAVAILABLE`)."""
    none = non_value(text)
    return text if none is None else none


def boolean(text: str) -> bool | NonValue:
    """``true``, ``yes`` and their opposites; non-values as :func:`word` has them."""
    none = non_value(text)
    return flag(text) if none is None else none


def snake(name: str) -> str:
    """The name of a field for an export's key: ``Backing device`` → ``backing_device``."""
    return re.sub(r"\W+", "_", name).strip("_").lower() or "unnamed"


class Notes:
    """The findings of one text, in the order in which they arise."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._told: set[str] = set()

    def source(self, line: int) -> Source:
        """A line of the text."""
        return Source(self.file, line)

    def add(self, severity: Severity, rule: str, message: str, fix: str, line: int, subject: str = "") -> None:
        """One more finding; its subject is the file when no other is given."""
        self.findings.append(Finding(rule, severity, subject or self.file, message, fix, self.source(line)))

    def unknown(self, text: str, expected: str, line: int) -> None:
        """A line that is not of this format, prompts and error text apart."""
        if is_error(text):
            self.add(Severity.ERROR, "input.error-text", f"an error message: {shown(text)}, expected {expected}",
                     "mend its cause and export again", line)
        elif is_prompt(text):
            self.add(Severity.INFO, "input.unknown-text", f"a prompt: {shown(text)}, expected {expected}",
                     "left out; nothing to do", line)
        else:
            self.add(Severity.WARNING, "input.unknown-text", f"found {shown(text)}, expected {expected}",
                     "left out; remove it or report the new line", line)

    def new_key(self, key: str, line: int) -> None:
        """A key that this reader does not know: said once for each key."""
        if key not in self._told:
            self._told.add(key)
            self.add(Severity.WARNING, "input.unknown-text", f"found the key {shown(key)}, expected a known one",
                     "kept as text; report the new key", line)

    def bad_value(self, key: str, error: object, line: int, subject: str = "") -> None:
        """A value that cannot be read: its field stays unknown."""
        self.add(Severity.ERROR, "input.bad-value", f"{key}: {error}", "taken as unknown; export again", line, subject)

    def twice(self, what: str, line: int, subject: str = "") -> None:
        """Something that may stand once stands again."""
        self.add(Severity.ERROR, "input.duplicate-key", f"{what} stands twice, expected once",
                 "the first is used; keep one listing of one VIOS in a file", line, subject)

    def missing(self, what: str, line: int, subject: str = "", at_end: bool = False) -> None:
        """Something that every listing states is not there; at the end of the text it was probably cut off."""
        rule = "input.truncated" if at_end else "input.missing-value"
        verb = "ends without" if at_end else "has no"
        self.add(Severity.WARNING, rule, f"{verb} {what}", "export again and keep all lines", line, subject)

    def typed(
        self, raw: Raw, parsers: Mapping[str, Callable[[str], Any]], subject: str = "",
        other: Callable[[str], Any] = word,
    ) -> tuple[dict[str, Any], dict[str, int]]:
        """The fields as values (by ``other``, text, where no parser is named) and the line of each."""
        fields: dict[str, Any] = {}
        for name, (value, line) in raw.items():
            try:
                fields[name] = parsers.get(name, other)(value)
            except ValueError as error:
                self.bad_value(name, error, line, subject)
        return fields, {name: line for name, (_, line) in raw.items()}
