"""Documents that hold usage → samples and counters, by what their formats take of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.errors import InputError
from planner.findings import Severity
from planner.formats import registry
from planner.formats.foreign import MAY_HOLD, NO_EXPORT
from planner.formats.open import ARCHIVE, Document, documents
from planner.formats.samples import Context, Extract

TOO_COARSE = "history.too-coarse"
_SINCE_BOOT = "input.since-boot"
_TIME_ORDER = "input.time-order"  # said by :meth:`Extract.instants`, which knows when summer time ends


def read_sources(paths: Sequence[Path], mapping: Path | None = None, *,
                 but: Collection[Path] = ()) -> Iterator[Document]:
    """What stands under these paths, one file or member of an archive at a time, ``but`` what directories hold for
    another purpose. Raises InputError for paths that are missing, all at once."""
    for document in documents(paths, mapping, but=but, streamed=True):
        if document.problems:
            raise InputError(document.problems)
        if not _is_archive(document) or document.readings[0].findings:
            yield document


def _is_archive(document: Document) -> bool:
    """Whether it stands for an archive, whose members are documents of their own."""
    return {reading.kind for reading in document.readings} == {ARCHIVE}


def extract(source: Document, context: Context) -> Extract:
    """All usage in a file. What cannot be used is a finding, never an exception."""
    out = Extract(source.name, context)
    for reading in source.readings:
        out.findings += [f for f in reading.findings if f.rule != _TIME_ORDER
                         and (f.severity is not Severity.INFO or f.rule.startswith((_SINCE_BOOT, "history.")))]
        form = registry.by_kind(reading.kind)
        if form and form.samples:
            form.samples(out, reading)
    if not out.samples and not out.counts:
        _say_why_nothing(source, out)
    return out


def _say_why_nothing(source: Document, out: Extract) -> None:
    """A file that gave nothing: an error where usage may stand in it that nobody sees."""
    out.findings = [replace(f, severity=Severity.ERROR) if f.rule == MAY_HOLD else f for f in out.findings]
    if not _is_archive(source) and not any(
            f.severity is Severity.ERROR or f.rule in (NO_EXPORT, TOO_COARSE) for f in out.findings):
        out.say("history.no-usage", Severity.INFO, "no usage in it",
                "nothing to do; see docs/history.md for what is read")


def serial_numbers(servers: Iterable[Any]) -> dict[str, str]:
    """Serial number → name of an estate's servers, for :class:`Context`."""
    return {server.serial: server.name for server in servers if server.serial}


def settings_of(context: Context, local: bool, clockless: bool) -> str:
    """What a person said that the meaning of a file depends on, as text that is compared."""
    zone = context.clock.name if context.clock and local else ""
    start = context.start.isoformat() if context.start and clockless else ""
    return "|".join((zone, start, str(context.interval_s or "") if clockless else "",
                     context.lpar if clockless else ""))


def has_lparstat(source: Document) -> bool:
    """Whether rows without a clock are in it."""
    return any(reading.kind == "lparstat-interval" for reading in source.readings)
