"""What every format is made of (:class:`Format`), and the handling of text as sites export it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from planner.files import read_all
from planner.findings import Finding, Severity, Source
from planner.formats.facts import Intake, Values, ViosRef, sharing_of, state_of

if TYPE_CHECKING:  # start-up: an estate has no samples
    from planner.formats.samples import Extract

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)|\x0f|\x0e")


class NonValue(Enum):
    """Ways in which an export says that it has no value. They are different from each other and from 0."""

    EMPTY = ""
    DASH = "-"
    NONE = "none"
    NULL = "null"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that an export states.

    ``fields`` holds only what the export says (an absent key is an unknown fact, never a default);
    ``lines`` the line of each field where fields stand on lines of their own.
    """

    kind: str
    fields: dict[str, Any]
    source: Source
    lines: dict[str, int] = field(default_factory=dict)

    def where(self, name: str) -> Source:
        """The line that states this field."""
        return Source(self.source.file, self.lines.get(name, self.source.line), self.source.cell)


class Taken(NamedTuple):
    """When an export was taken, in seconds since 1970, and what says so."""

    at: float
    by: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one piece of text says: its records and what the reader has to say about it.

    ``host`` and ``command``: whose output it is, when a header, a prompt or a file of one host tells; ``taken``: when
    it was printed; ``folder``: the name of the file's folder, where it is not part of the name shown.
    """

    kind: str
    records: tuple[Record, ...] = ()
    findings: tuple[Finding, ...] = ()
    host: str = ""
    command: str = ""
    taken: Taken | None = field(default=None, compare=False)
    folder: str = field(default="", compare=False)


def stated(record: Record) -> dict[str, Any]:
    """The fields that have a value: none of the non-values."""
    return {k: v for k, v in record.fields.items() if not isinstance(v, NonValue)}


def pick(record: Record, wanted: dict[str, str]) -> Values:
    """Fields of a record under our names, each with its place."""
    have = record.fields
    return {ours: (have[theirs], record.where(theirs)) for theirs, ours in wanted.items()
            if theirs in have and not isinstance(have[theirs], NonValue)}


def state_from(record: Record, name: str) -> Values:
    """The state of a partition as a field says it; ``Not Available`` is a state like any other."""
    value = record.fields.get(name)
    if value is None or (isinstance(value, NonValue) and value is not NonValue.UNAVAILABLE):
        return {}
    return {"state": ("not available" if isinstance(value, NonValue) else state_of(str(value)), record.where(name))}


def migration_from(record: Record, name: str, *, active: bool) -> Values:
    """The state of a partition whose migration is under way or has failed, as a field says it: either is to be over, or
    recovered, before it moves again. Nothing where no migration is known."""
    state = str(stated(record).get(name, "")).lower().replace("_", " ")
    if state in ("", "not migrating", "invalid", "unknown"):
        return {}
    return {"state": ("migrating - running" if active else "migrating - not activated", record.where(name))}


def first(record: Record, ours: str, *theirs: str) -> Values:
    """The first of these fields that says something other than 0."""
    have = stated(record)
    for name in theirs:
        if have.get(name):
            return {ours: (have[name], record.where(name))}
    return {}


def vios_of(record: Record, reading: Reading) -> ViosRef:
    """The VIOS whose listing a record is of."""
    have = stated(record)
    return ViosRef(reading.host, str(have.get("serial_num", "")), have.get("vios_partition_id"), record.source.file)


def profile_sizes(record: Record, names: dict[str, str], mode: str, sharing: str) -> Values:
    """What an activation from this profile gives: ``names`` as for :func:`pick`, the fields of the two modes."""
    values, have = pick(record, names), stated(record)
    if have.get(mode) == "ded":
        values = {k: v for k, v in values.items() if k not in ("entitlement_units", "weight", "pool_id")}
        values["processors"] = ("dedicated", record.where(mode))
        if "virtual_processors" in values:
            number, source = values["virtual_processors"]
            values["entitlement_units"] = (number * 100, source)
    elif have.get(mode):
        values["processors"] = ("shared", record.where(mode))
        if sharing_of(str(have.get(sharing, ""))):
            values["sharing"] = (sharing_of(str(have[sharing])), record.where(sharing))
    return values


#: One record into the intake of an estate.
TakeFacts = Callable[[Intake, Record, Reading], None]
#: The usage of one reading into what a file gives to a history.
TakeSamples = Callable[["Extract", Reading], None]


@dataclass(frozen=True, slots=True)
class Format:
    """One export format: *recognise*, *read*, *take*.

    ``recognise`` looks at the content (the first 64 KiB of a text, all bytes of a ``binary`` one), never at a name.
    ``read(text, file, first_line=1)``, or ``read(data, file)``, returns a :class:`Reading` and raises nothing for any
    content. ``facts`` takes the records of a reading by their kind ("": of any other kind), ``samples`` all of it.
    ``inside`` gives the captures that a reading carries, to be read like any.
    """

    kind: str
    recognise: Callable[..., bool]
    read: Callable[..., Reading]
    facts: Mapping[str, TakeFacts] = field(default_factory=dict)
    samples: TakeSamples | None = None
    binary: bool = False
    inside: Callable[[Reading], Iterable[str]] | None = None


def _corrected(line: str) -> str:
    """A line as a terminal shows it after its backspaces."""
    shown: list[str] = []
    at = 0
    for char in line:
        if char == "\b":
            at = max(0, at - 1)
            continue
        shown[at:at + 1] = char
        at += 1
    return "".join(shown)


def clean(text: str) -> str:
    """Strip ANSI codes and titles of windows, apply backspaces, unify line ends (CRLF, bare CR)."""
    if "\x1b" in text or "\x0f" in text or "\x0e" in text:
        text = ANSI.sub("", text)
    if "\b" in text:
        text = "\n".join(_corrected(line) if "\b" in line else line for line in text.split("\n"))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unframed(text: str, first_line: int) -> tuple[str, int]:
    """An HMC's answer without the frame ``INFO{…}``, ``HEADERS{…}``, ``BODY{…END OF SECTION}`` of recorded answers."""
    start = re.search(r"^BODY\{[ \t]*$\n?", text, re.MULTILINE)
    if not start:
        return text, first_line
    end = text.find("END OF SECTION}", start.end())
    body = text[start.end():] if end < 0 else text[start.end():end]
    return body, first_line + text.count("\n", 0, start.end())


def decode(data: bytes, name: str) -> tuple[str, tuple[Finding, ...]]:
    """UTF-8 (with or without mark), UTF-16 with a mark, else Latin-1 with a finding. Never fails."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return clean(data.decode("utf-16", errors="replace")), ()
    try:
        return clean(data.decode("utf-8-sig")), ()
    except UnicodeDecodeError:
        note = Finding(
            "input.encoding", Severity.WARNING, name, "not UTF-8: read as Latin-1",
            "check names with accents", Source(name),
        )
        return clean(data.decode("latin-1")), (note,)


def read_text(path: Path, shown_as: str | None = None) -> tuple[str, tuple[Finding, ...]]:
    """The text of a file as :func:`decode` gives it. Raises OSError as the system does."""
    return decode(read_all(path), shown_as or path.name)
