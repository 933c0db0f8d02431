"""Lines and what is found in them: of a text, or of a stream that is too large to be held (nmon of a year)."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

from planner.findings import Finding, Severity, Source
from planner.formats.archive import Entry
from planner.formats.base import NonValue, clean
from planner.formats.values import flag, non_value, shown
from planner.units import some

MOST_BYTES = 4 << 30       # uncompressed, per file
_MOST_LINE = 1 << 18
_CHUNK = 1 << 20


class LineStream:
    """The lines of a file or of a member of an archive, without holding more than 2 MiB of it.

    Line ends are LF, CRLF or CR; the encoding is UTF-8, UTF-16 with a mark, or else Latin-1. Reading stops with a
    finding at ``limit`` bytes. Raises OSError as the system does.
    """

    def __init__(self, entry: Entry, limit: int = MOST_BYTES) -> None:
        self.entry = entry
        self.name = entry.shown
        self.limit = limit
        self.findings: list[Finding] = []

    def __iter__(self) -> Iterator[str]:
        carried = ""
        for text in self._decoded():
            *whole, carried = (carried + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
            yield from whole
            if len(carried) > _MOST_LINE:
                yield carried
                carried = ""
        if carried:
            self._cut(carried)
            yield carried

    def _cut(self, last: str) -> None:
        """Say that the last line has no end, unless it is said already why no more was read."""
        if self.entry.problem is None and not any(f.severity is Severity.ERROR for f in self.findings):
            self._report("input.truncated", Severity.WARNING, f"the last line has no end: the file is cut off after "
                         f"{last[-40:]!r}", "copy it again; what came before is read")

    def _report(self, rule: str, severity: Severity, what: str, fix: str) -> None:
        self.findings.append(Finding(rule, severity, self.name, what, fix, Source(self.name)))

    def _decoded(self) -> Iterator[str]:
        """Text in pieces; a CR at the end of a piece is held back until it is known whether LF follows."""
        decoder: codecs.IncrementalDecoder | None = None
        held = ""
        for chunk in self._chunks():
            decoder = decoder or _decoder_for(chunk)
            pending = decoder.getstate()[0]
            try:
                text = held + decoder.decode(chunk)
            except UnicodeDecodeError:
                self._report("input.encoding", Severity.WARNING, "neither UTF-8 nor UTF-16: read as Latin-1",
                             "check names with accents")
                decoder = codecs.getincrementaldecoder("latin-1")()
                text = held + (pending + chunk).decode("latin-1")
            held = "\r" if text.endswith("\r") else ""
            yield text.removesuffix("\r")
        yield held

    def _chunks(self) -> Iterator[bytes]:
        left = self.limit
        while chunk := self.entry.read1(_CHUNK):
            yield chunk[:left]
            left -= len(chunk)
            if left < 0:
                self._report("input.too-large", Severity.ERROR, f"more than {self.limit:,} bytes: the rest is "
                             "left out", "split the file")
                return


def _decoder_for(start: bytes) -> codecs.IncrementalDecoder:
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return codecs.getincrementaldecoder("utf-16")("replace")
    return codecs.getincrementaldecoder("utf-8-sig")()


#: field → its text and the line that states it
Raw = dict[str, tuple[str, int]]

_ERROR_TEXT = re.compile(
    r"HSC[A-Z]{1,3}[0-9A-Z]{3,6}\b|(?:\w{1,20}:\s?)?[0-9]{4}-[0-9]{3}\b|(?:-?(?:ba|k|)sh|lparstat)\b.*:"
    r"|No results were found|Nie znaleziono wynik"
)
_PROMPT = re.compile(r"[^\s$#]{0,100}\s?[$#](?:\s|$)")


def lines(text: str, first_line: int = 1) -> Iterator[tuple[int, str]]:
    """The lines that hold something, numbered, without blanks at their end."""
    for number, line in enumerate(clean(text).split("\n"), first_line):
        stripped = line.rstrip()
        if stripped:
            yield number, stripped


@lru_cache(maxsize=2)  # every format asks for that of the same text
def head(text: str, count: int = 50) -> tuple[str, ...]:
    """The first lines that hold something, prompts and error text left out."""
    said = (line.strip() for _, line in lines(text) if not (is_error(line) or is_prompt(line)))
    return tuple(islice(said, count))


def is_error(line: str) -> bool:
    """A message with a code of an HMC or of AIX, of a shell or of lparstat, or that nothing was found."""
    return _ERROR_TEXT.match(line.lstrip()[:200]) is not None


def is_prompt(line: str) -> bool:
    """A line of a terminal session: ``$ lsmap -all``, ``padmin@vio1 $``."""
    return _PROMPT.match(line.strip()) is not None


def is_rule(line: str) -> bool:
    return not line.strip("-= \t")


def pairs(key: re.Pattern[str], line: str) -> list[tuple[str, str]]:
    """The keys (group 1) of a line that begins with one, each with what stands between it and the next."""
    keys = list(key.finditer(line))
    if not keys or line[:keys[0].start()].strip():
        return []
    ends = [match.start() for match in keys[1:]] + [len(line)]
    return [(match[1], line[match.end():end].strip()) for match, end in zip(keys, ends, strict=True)]


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
    """The findings of one text: of each rule and severity the first ``FULL`` with their line, then their number."""

    FULL = 50

    def __init__(self, file: str) -> None:
        self.file = file
        self._findings: list[Finding] = []
        self._seen: Counter[tuple[str, Severity]] = Counter()
        self._beyond: dict[tuple[str, Severity], int] = {}
        self._said: set[str] = set()

    def source(self, line: int) -> Source:
        return Source(self.file, line)

    def add(self, severity: Severity, rule: str, message: str, fix: str, line: int, subject: str = "") -> None:
        """One more finding; its subject is the file when no other is given."""
        self._seen[rule, severity] += 1
        if self._seen[rule, severity] <= self.FULL:
            self._findings.append(Finding(rule, severity, subject or self.file, message, fix, self.source(line)))
        else:
            self._beyond.setdefault((rule, severity), line)

    def __len__(self) -> int:
        return len(self._findings)

    def about(self, subject: str, first: int) -> None:
        """The findings from this number on are about something whose name comes last."""
        self._findings[first:] = [replace(finding, subject=subject) for finding in self._findings[first:]]

    def once(self, what: str, severity: Severity, rule: str, message: str, fix: str, line: int) -> None:
        """Report unless ``what`` has been reported for this file."""
        if what not in self._said and len(self._said) < 1000:
            self._said.add(what)
            self.add(severity, rule, message, fix, line)

    def unknown(self, text: str, expected: str, line: int, subject: str = "") -> None:
        """A line that is not of this format, prompts and error text apart."""
        if is_error(text):
            self.add(Severity.WARNING, "input.error-text", f"an error message, not {expected}: {shown(text)}",
                     "mend its cause and export again", line, subject)
        elif is_prompt(text):
            self.add(Severity.INFO, "input.unknown-text", f"a prompt, not {expected}: {shown(text)}",
                     "left out; nothing to do", line, subject)
        else:
            self.add(Severity.WARNING, "input.unknown-text", f"found {shown(text)}, expected {expected}",
                     "left out; remove it or report the new line", line, subject)

    def new_keys(self, keys: Mapping[str, int], expected: str, fix: str, subject: str = "") -> None:
        """Keys that this format does not know, each with its line: one finding for all."""
        if keys:
            said = f"keys that are not known to {expected}: {some(sorted(keys), 20)}"
            self.add(Severity.INFO, "input.unknown-text", said, fix, min(keys.values()), subject)

    def new_key(self, key: str, line: int) -> None:
        """A key that this format does not know: said once for each key."""
        self.once(f"key {key}", Severity.WARNING, "input.unknown-text",
                  f"found the key {shown(key)}, expected a known one", "kept as text; report the new key", line)

    def bad_value(self, key: str, error: object, line: int, subject: str = "") -> None:
        self.add(Severity.WARNING, "input.bad-value", f"{key}: {error}", "taken as unknown; export again", line,
                 subject)

    def twice(self, what: str, line: int, subject: str = "") -> None:
        self.add(Severity.WARNING, "input.duplicate-key", f"{what} stands twice, expected once",
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

    def all(self) -> tuple[Finding, ...]:
        """The findings in the order they arose, then one for each rule that arose too often to list."""
        rest = [
            Finding(rule, severity, self.file, f"{self._seen[rule, severity] - self.FULL} more findings like the "
                    f"{self.FULL} above", "see to the first ones", self.source(line))
            for (rule, severity), line in self._beyond.items()
        ]
        return (*self._findings, *rest)
