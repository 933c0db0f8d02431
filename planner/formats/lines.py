"""The lines of a stream that is too large to be held: nmon of a year."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from planner.findings import Finding, Severity, Source
from planner.formats.archive import Entry

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
