"""The record of an evening (JSON), which the page of a plan keeps and gives: what was done with each move, when, by
whom (docs/resume.md), for ``resume`` and ``calibrate``.

Record ``evening-record``: ``plan`` (its SHA-256) and ``work`` (events). Record ``evening-move``, one a move with which
something was done: ``move``. A file that is wrong in anything has errors, and no records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le, MaxLen

from planner.findings import Finding, Severity, Source
from planner.formats.base import Format, Reading, Record

if TYPE_CHECKING:
    from pydantic import TypeAdapter

KIND, MOVE = "evening-record", "evening-move"
FORMAT_NAME = "planner-record"

#: What may come after what, of a move; after ``""`` the first.
NEXT: Mapping[str, tuple[str, ...]] = {
    "": ("started", "arrived", "failed"), "started": ("arrived", "failed"), "failed": ("stopped", "arrived"),
    "stopped": ("recovered", "arrived"), "recovered": ("started", "arrived", "failed"), "arrived": ()}
_WORK: Mapping[str, tuple[str, ...]] = {"": ("started",), "started": ("over",), "over": ()}
_STRICT = {"strict": True, "extra": "forbid"}
_Name = Annotated[str, MaxLen(200)]
_Note = Annotated[str, MaxLen(2000)]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done or seen: when, with an offset, and by whom."""

    __pydantic_config__ = _STRICT
    event: Literal["started", "arrived", "failed", "stopped", "recovered", "over"]
    at: datetime
    who: _Name
    note: _Note

    @property
    def local(self) -> datetime:
        """The clock on the wall."""
        return self.at.replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class MoveEvents:
    """What was done with a move of the plan."""

    __pydantic_config__ = _STRICT
    number: Annotated[int, Ge(1), Le(100_000)]
    lpar: _Name
    leg: Literal["out", "back"]
    source: _Name
    target: _Name
    source_mover: _Name
    target_mover: _Name
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """Something that was looked at on an LPAR after its move, in the words of the page."""

    __pydantic_config__ = _STRICT
    check: _Note
    lpar: _Name
    at: datetime
    who: _Name
    note: _Note


@dataclass(frozen=True, slots=True)
class EveningRecord:
    """The whole document."""

    __pydantic_config__ = _STRICT
    format: Literal["planner-record"]
    version: Literal[1]
    plan_sha256: str
    moves: tuple[MoveEvents, ...]
    work: tuple[Event, ...]
    checks: tuple[Signed, ...]


def recognise(text: str) -> bool:
    """Whether this is the record of an evening."""
    return text.lstrip("\ufeff \t\r\n")[:1] == "{" and f'"{FORMAT_NAME}"' in text


@cache
def _form() -> TypeAdapter[EveningRecord]:
    from pydantic import TypeAdapter  # start-up: for a record only

    return TypeAdapter(EveningRecord)


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """All that the record says; every problem is an error with its place in the file."""
    from pydantic import ValidationError  # start-up: for a record only

    try:
        record = _form().validate_json(text.lstrip("\ufeff"))
    except ValidationError as error:
        return Reading(KIND, (), tuple(
            _wrong(file, _place(one["loc"]), f"{one['msg']}, found {str(one['input'])[:60]!r}")
            for one in error.errors(include_url=False)[:20]))
    problems = tuple(_wrong(file, *said) for said in _impossible(record))
    if problems:
        return Reading(KIND, (), problems)
    head = Record(KIND, {"plan": record.plan_sha256, "work": record.work}, Source(file, first_line))
    return Reading(KIND, (head, *(Record(MOVE, {"move": move}, Source(file, cell=f"moves[{n}]"))
                                  for n, move in enumerate(record.moves))))


def _place(loc: Iterable[int | str]) -> str:
    """``moves[2].events[0].at``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _wrong(file: str, place: str, message: str) -> Finding:
    return Finding("record.wrong", Severity.ERROR, place or "record", message,
                   "export it again from the page of the plan; docs/resume.md has its form",
                   Source(file, cell=place or None))


def _impossible(record: EveningRecord) -> Iterator[tuple[str, str]]:
    """(place, what cannot be)."""
    seen: dict[int, int] = {}
    for n, move in enumerate(record.moves):
        if move.number in seen:
            yield f"moves[{n}]", f"move {move.number} stands in moves[{seen[move.number]}] already"
        seen.setdefault(move.number, n)
        yield from _out_of_turn(move.events, f"moves[{n}].events", NEXT, f"move {move.number} ({move.lpar})")
    yield from _out_of_turn(record.work, "work", _WORK, "the work")


def _out_of_turn(events: tuple[Event, ...], place: str, turns: Mapping[str, tuple[str, ...]], who: str
                 ) -> Iterator[tuple[str, str]]:
    naive = next((k for k, event in enumerate(events) if event.at.tzinfo is None), None)
    if naive is not None:
        yield f"{place}[{naive}].at", f"{events[naive].at} has no offset, such as 2026-12-05T22:03:10+01:00"
        return
    last = ""
    for k, event in enumerate(events):
        if event.event not in turns[last]:
            yield f"{place}[{k}]", f"{who} is {event.event} after it was {last or 'not begun'}: that cannot be"
            return
        last = event.event
    yield from ((f"{place}[{k}].at", f"{who} is {b.event} before it is {a.event}")
                for k, (a, b) in enumerate(pairwise(events), 1) if b.at < a.at)


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "what was done with a plan says nothing without it: resume --record, calibrate": ((KIND, "*"), (MOVE, "*")),
}

FORMAT = Format(KIND, recognise, read)
