"""A saved estate: JSON with a published schema (docs/estate.schema.json)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from operator import attrgetter
from typing import Any

from planner.errors import InputError
from planner.estate.assemble import Loaded
from planner.estate.model import CLASSES, TABLES, Estate, sorted_estate
from planner.findings import Finding, Severity, Source, ordered

FORMAT = "planner-estate"
VERSION = 1
#: Of a saved estate, written or read: some 30,000 servers with all their LPARs, disks and places.
MOST_BYTES = 1 << 30

_FIELDS = {kind: tuple(f.name for f in fields(of)) for kind, of in CLASSES.items()}


def _plain(estate: Estate, names_of: Mapping[str, tuple[str, ...]]) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    for kind, names in names_of.items():
        values = attrgetter(*names)
        rows = [{n: v for n, v in zip(names, values(row), strict=True) if v or (v is not None and v != "" and v != ())}
                for row in getattr(estate, kind)]
        if rows:
            out[kind] = rows
    return out


def estate_json(estate: Estate) -> dict[str, Any]:
    """The estate as plain data; what is unknown or empty is left out, so that a file shows only what is stated."""
    return _plain(estate, _FIELDS)


def digest(estate: Estate) -> str:
    """SHA-256 of the estate's facts, to tell whether a plan belongs to it.

    The text is that of ``json.dumps`` with sorted keys and no spaces; pydantic writes it several times faster, but
    floats perhaps in another way, and parameters have some.
    """
    from pydantic_core import to_json

    plain = _plain(estate, {kind: tuple(sorted(_FIELDS[kind])) for kind in sorted(_FIELDS)})
    hashed = hashlib.sha256()
    for number, (kind, rows) in enumerate(plain.items()):
        hashed.update(f'{"," if number else "{"}"{kind}":'.encode())
        hashed.update(to_json(rows) if kind != "parameters" else
                      json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())
    hashed.update(b"}" if plain else b"{}")
    return hashed.hexdigest()


def dump(loaded: Loaded) -> str:
    """The text of a saved estate, provenance included; the format comes first, so that a file cut short is known.

    Raises InputError for one that would be larger than what is read again.
    """
    document = {
        "format": FORMAT, "version": VERSION, "estate": estate_json(loaded.estate),
        "provenance": {name: str(source) for name, source in sorted(loaded.provenance.items())},
    }
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if len(text) > MOST_BYTES // 4 and len(text.encode()) > MOST_BYTES:
        raise InputError([Finding("output.too-large", Severity.ERROR, "estate",
                                  f"the saved estate would be larger than {MOST_BYTES >> 20} MiB",
                                  "load the servers of one site, or of one console, at a time")])
    return text


def recognise(text: str) -> bool:
    """Whether this is a saved estate."""
    return text.lstrip()[:1] == "{" and f'"{FORMAT}"' in text


def _refused(file: str, message: str, fix: str) -> Loaded:
    finding = Finding("input.unreadable", Severity.ERROR, file, message, fix, Source(file))
    return Loaded(Estate(), {}, (finding,), {"saved-estate": 1})


@cache
def _reader() -> Any:
    """Validator of a whole document that is in order; what is not goes the slow way, which can say why.

    Its schema is that which pydantic draws from the classes, put together here in a tenth of the time: pydantic itself
    need not even be imported for a file without an error.
    """
    from pydantic_core import SchemaValidator
    from pydantic_core import core_schema as cs

    words, numbers = cs.str_schema(strict=True), cs.int_schema(strict=True)
    known: dict[str, Any] = {
        "str": words, "int": numbers, "bool": cs.bool_schema(strict=True), "float": cs.float_schema(strict=True),
        "int | None": cs.nullable_schema(numbers), "bool | None": cs.nullable_schema(cs.bool_schema(strict=True)),
        "tuple[str, ...]": cs.tuple_schema([words], variadic_item_index=0, strict=True),
        "tuple[int, ...]": cs.tuple_schema([numbers], variadic_item_index=0, strict=True)}

    def of(cls: type[Any], types: Mapping[str, Any]) -> Any:
        own = [cs.dataclass_field(f.name, types[str(f.type)] if f.default is MISSING else cs.with_default_schema(
            types[str(f.type)], default=f.default)) for f in fields(cls)]
        return cs.dataclass_schema(cls, cs.dataclass_args_schema(cls.__name__, own, extra_behavior="forbid"),
                                   [f.name for f in fields(cls)], slots=True, strict=True)

    rows = {f"tuple[{cls.__name__}, ...]": cs.tuple_schema([of(cls, known)], variadic_item_index=0, strict=True)
            for cls in CLASSES.values()}
    return SchemaValidator(cs.typed_dict_schema({
        "format": cs.typed_dict_field(cs.literal_schema([FORMAT])),
        "version": cs.typed_dict_field(cs.int_schema(strict=True, ge=VERSION, le=VERSION)),
        "estate": cs.typed_dict_field(of(Estate, rows), required=False),
        "provenance": cs.typed_dict_field(cs.dict_schema(words, words), required=False)}))


def _read_whole(text: str) -> tuple[Estate, Mapping[str, str]] | None:
    """Estate and provenance in one pass, or None when anything is not as it should be."""
    from pydantic_core import ValidationError

    try:
        document = _reader().validate_json(text)
    except ValidationError:
        return None
    return document.get("estate") or Estate(), document.get("provenance", {})


def parse(text: str, file: str) -> Loaded:
    """Read a saved estate; every problem is a finding."""
    read = _read_whole(text) or _read_slowly(text, file)
    if isinstance(read, Loaded):
        return read
    estate, places = read
    provenance = {name: Source(place) for name, place in places.items()}
    return Loaded(sorted_estate(estate), provenance, _duplicates(estate, file), {"saved-estate": 1})


def _read_slowly(text: str, file: str) -> tuple[Estate, Mapping[str, str]] | Loaded:
    """Step by step, so that whatever is wrong can be named."""
    from pydantic import TypeAdapter, ValidationError

    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        return _refused(file, f"not valid JSON: {error}", "save the estate again")
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return _refused(file, "not a saved estate", f'expected an object with "format": "{FORMAT}"')
    if document.get("version") != VERSION:
        return _refused(file, f"version {document.get('version')!r}; this program reads {VERSION}",
                        "save the estate again with this program")
    try:
        estate = TypeAdapter(Estate).validate_json(json.dumps(document.get("estate", {})))
    except ValidationError as error:
        found = [Finding("input.bad-value", Severity.ERROR, ".".join(map(str, e["loc"])),
                         f"{'.'.join(map(str, e['loc']))}: {e['msg']}, found {e.get('input')!r}"[:300],
                         "see docs/estate.schema.json", Source(file)) for e in error.errors()]
        return Loaded(Estate(), {}, ordered(found), {"saved-estate": 1})
    return estate, {name: str(place) for name, place in (document.get("provenance") or {}).items()}


def _duplicates(estate: Estate, file: str) -> tuple[Finding, ...]:
    found = []
    for table in TABLES:
        keys = [table.key_of(row) for row in getattr(estate, table.kind)]
        if len(set(keys)) == len(keys):
            continue
        seen: set[Any] = set()
        for one in keys:
            if one in seen:
                shown = " / ".join(map(str, one))
                found.append(Finding("input.duplicate", Severity.ERROR, shown, f"{table.kind}: {shown} stands twice",
                                     "keep one", Source(file)))
            seen.add(one)
    return ordered(found)


def schema() -> dict[str, Any]:
    """JSON Schema of a saved estate."""
    from pydantic import TypeAdapter

    inner = TypeAdapter(Estate).json_schema()
    definitions = inner.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "planner saved estate", "type": "object",
        "required": ["format", "version", "estate"], "additionalProperties": False,
        "properties": {
            "format": {"const": FORMAT}, "version": {"const": VERSION}, "estate": inner,
            "provenance": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "$defs": definitions,
    }
