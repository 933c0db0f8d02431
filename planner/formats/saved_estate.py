"""A saved estate: JSON with a published schema (docs/estate.schema.json), which ``load`` writes and reads back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from itertools import islice
from operator import attrgetter, eq
from typing import Any

from planner.estate.model import CLASSES, TABLES, Estate, sorted_estate
from planner.findings import Finding, Severity, Source, ordered
from planner.formats.base import Format, Reading, Record
from planner.formats.facts import Intake

KIND = "saved-estate"
FORMAT_NAME = "planner-estate"
VERSION = 1


def recognise(text: str) -> bool:
    """Whether this is a saved estate."""
    return text.lstrip()[:1] == "{" and f'"{FORMAT_NAME}"' in text


def types() -> dict[str, Any]:
    """The schema of each type that fields have."""
    from pydantic_core import core_schema as cs  # start-up: for a saved estate only

    words, numbers, decimals = cs.str_schema(strict=True), cs.int_schema(strict=True), cs.float_schema(strict=True)
    return {
        "str": words, "int": numbers, "bool": cs.bool_schema(strict=True), "float": decimals,
        "float | None": cs.nullable_schema(decimals),
        "int | None": cs.nullable_schema(numbers), "bool | None": cs.nullable_schema(cs.bool_schema(strict=True)),
        "tuple[str, ...]": cs.tuple_schema([words], variadic_item_index=0, strict=True),
        "tuple[int, ...]": cs.tuple_schema([numbers], variadic_item_index=0, strict=True)}


@cache
def _reader() -> Any:
    """Validator of a whole document that is in order; what is not goes the slow way, which can say why.

    Its schema is that which pydantic draws from the classes, put together here in a tenth of the time: pydantic itself
    need not even be imported for a file without an error.
    """
    from pydantic_core import SchemaValidator  # start-up: for a saved estate only
    from pydantic_core import core_schema as cs

    known = types()

    def of(cls: type[Any], types: Mapping[str, Any]) -> Any:
        own = [cs.dataclass_field(f.name, types[str(f.type)] if f.default is MISSING else cs.with_default_schema(
            types[str(f.type)], default=f.default)) for f in fields(cls)]
        return cs.dataclass_schema(cls, cs.dataclass_args_schema(cls.__name__, own, extra_behavior="forbid"),
                                   [f.name for f in fields(cls)], slots=True, strict=True)

    rows = {f"tuple[{cls.__name__}, ...]": cs.tuple_schema([of(cls, known)], variadic_item_index=0, strict=True)
            for cls in CLASSES.values()}
    return SchemaValidator(cs.typed_dict_schema({
        "format": cs.typed_dict_field(cs.literal_schema([FORMAT_NAME])),
        "version": cs.typed_dict_field(cs.int_schema(strict=True, ge=VERSION, le=VERSION)),
        "estate": cs.typed_dict_field(of(Estate, rows), required=False),
        "provenance": cs.typed_dict_field(cs.dict_schema(known["str"], known["str"]), required=False)}))


def _read_whole(text: str) -> tuple[Estate, Mapping[str, str]] | None:
    """Estate and provenance in one pass, or None when anything is not as it should be."""
    from pydantic_core import ValidationError  # start-up: for a saved estate only

    try:
        document = _reader().validate_json(text)
    except ValidationError:
        return None
    return document.get("estate") or Estate(), document.get("provenance", {})


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """The estate and the place of each fact, in one record; every problem is a finding."""
    whole = _read_whole(text)
    problems: tuple[Finding, ...] = ()
    if whole is None:
        try:
            whole = _read_slowly(text)
        except _Refused as refused:
            whole = Estate(), {}
            problems = tuple(Finding(rule, Severity.ERROR, subject or file, message, fix, Source(file))
                             for rule, subject, message, fix in refused.args)
    estate, provenance = sorted_estate(whole[0]), whole[1]
    record = Record(KIND, {"estate": estate, "provenance": provenance}, Source(file, first_line))
    return Reading(KIND, (record,), ordered((*problems, *_duplicates(estate, file))))


class _Refused(Exception):
    """Each argument: rule, subject, message, fix."""


def _read_slowly(text: str) -> tuple[Estate, Mapping[str, str]]:
    """Step by step, so that whatever is wrong can be named."""
    from pydantic import TypeAdapter, ValidationError  # start-up: for a file with an error only

    unreadable = "input.unreadable", ""
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _Refused((*unreadable, f"not valid JSON: {error}", "save the estate again")) from None
    except ValueError:
        raise _Refused((*unreadable, "a number in it has thousands of digits", "correct it")) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT_NAME:
        raise _Refused((*unreadable, "not a saved estate", f'expected an object with "format": "{FORMAT_NAME}"'))
    if document.get("version") != VERSION:
        raise _Refused((*unreadable, f"version {document.get('version')!r}; this program reads {VERSION}",
                        "save the estate again with this program"))
    try:
        estate = TypeAdapter(Estate).validate_json(json.dumps(document.get("estate", {})))
    except ValidationError as error:
        places = [(".".join(map(str, one["loc"])), one) for one in error.errors()]
        raise _Refused(*(("input.bad-value", place, f"{place}: {one['msg']}, found {one.get('input')!r}"[:300],
                          "see docs/estate.schema.json") for place, one in places)) from None
    return estate, {name: str(place) for name, place in (document.get("provenance") or {}).items()}


def _duplicates(estate: Estate, file: str) -> tuple[Finding, ...]:
    findings = []
    for table in TABLES:
        rows = getattr(estate, table.kind)
        keys = list(map(attrgetter(*table.key), rows))
        if not any(map(eq, keys, islice(keys, 1, None))):  # they are sorted
            continue
        seen: set[Any] = set()
        for one in map(table.key_of, rows):
            if one in seen:
                shown = " / ".join(map(str, one))
                findings.append(Finding("input.duplicate", Severity.ERROR, shown, f"{table.kind}: {shown} stands twice",
                                        "keep one", Source(file)))
            seen.add(one)
    return ordered(findings)


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    intake.saved = record.fields["estate"], record.fields["provenance"]


FORMAT = Format(KIND, recognise, read, {KIND: _take})
