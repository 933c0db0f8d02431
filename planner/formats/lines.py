"""The lines of a stream that is too large to be held: nmon of a year."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path

from planner.findings import Finding, Severity, Source

MOST_BYTES = 4 << 30       # uncompressed, per file
_MOST_LINE = 1 << 18
_CHUNK = 1 << 20


class LineStream:
    """The lines of a file, compressed with gzip or not, without holding more than 2 MiB of it.

    Line ends are LF, CRLF or CR; the encoding is UTF-8, UTF-16 with a mark, or else Latin-1. Reading stops with a
    finding at ``limit`` bytes (uncompressed) and where gzip data are damaged. Raises OSError as the system does.
    """

    def __init__(self, path: Path, shown_as: str | None = None, limit: int = MOST_BYTES) -> None:
        self.path = path
        self.name = shown_as or path.name
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
        if not any(finding.severity is Severity.ERROR for finding in self.findings):
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
        with self.path.open("rb") as raw, ExitStack() as opened:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream = opened.enter_context(gzip.open(raw)) if packed else raw
            left = self.limit
            while chunk := self._next(stream):
                yield chunk[:left]
                left -= len(chunk)
                if left < 0:
                    self._report("input.too-large", Severity.ERROR, f"more than {self.limit:,} bytes: the rest is "
                                 "left out", "split the file")
                    return

    def _next(self, stream: gzip.GzipFile | BufferedReader) -> bytes:
        """The next piece; ``read1``, because ``read`` would lose what comes before the damage."""
        try:
            return stream.read1(_CHUNK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self._report("input.truncated", Severity.ERROR, f"the compressed file is damaged: {error}",
                         "copy it again; what came before is read")
            return b""


def _decoder_for(start: bytes) -> codecs.IncrementalDecoder:
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return codecs.getincrementaldecoder("utf-16")("replace")
    return codecs.getincrementaldecoder("utf-8-sig")()
