"""A saved estate: JSON with a published schema (docs/estate.schema.json)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from planner.errors import InputError
from planner.estate.assemble import Loaded, assemble
from planner.estate.model import CLASSES, Estate
from planner.findings import Finding, Severity
from planner.formats import saved_estate
from planner.formats.archive import MOST_SAVED
from planner.formats.saved_estate import FORMAT_NAME, VERSION

_FIELDS = {kind: tuple(f.name for f in fields(of)) for kind, of in CLASSES.items()}


def estate_json(estate: Estate) -> dict[str, Any]:
    """The estate as plain data; what is unknown or empty is left out, so that a file shows only what is stated."""
    out: dict[str, list[dict[str, Any]]] = {}
    for kind, names in _FIELDS.items():
        values = attrgetter(*names)
        rows = [{n: v for n, v in zip(names, values(row), strict=True) if v or (v is not None and v != "" and v != ())}
                for row in getattr(estate, kind)]
        if rows:
            out[kind] = rows
    return out


@cache
def _writer(kind: str) -> Any:
    """Writes the rows of a kind as JSON: their fields by name, without what is unknown or empty."""
    from pydantic_core import SchemaSerializer  # start-up: what only loads and checks does without pydantic
    from pydantic_core import core_schema as cs

    of, types, empty = CLASSES[kind], saved_estate.types(), {"str": "", "tuple[str, ...]": (), "tuple[int, ...]": ()}
    own = {f.name: cs.dataclass_field(f.name, cs.with_default_schema(
        types[str(f.type)], default=empty.get(str(f.type)))) for f in sorted(fields(of), key=attrgetter("name"))}
    return SchemaSerializer(cs.list_schema(cs.dataclass_schema(
        of, cs.dataclass_args_schema(of.__name__, [*own.values()]), [*own], slots=True)))


def digest(estate: Estate) -> str:
    """SHA-256 of the estate's facts, to tell whether a plan belongs to it.

    The text is that of ``json.dumps`` with sorted keys and no spaces; pydantic writes it many times faster, but
    floats perhaps in another way, and parameters have some.
    """
    hashed = hashlib.sha256()
    stated = [kind for kind in sorted(CLASSES) if getattr(estate, kind)]
    for number, kind in enumerate(stated):
        hashed.update(f'{"," if number else "{"}"{kind}":'.encode())
        hashed.update(_writer(kind).to_json(
            list(getattr(estate, kind)), exclude_defaults=True, warnings=False) if kind != "parameters" else json.dumps(
            estate_json(Estate(parameters=estate.parameters))[kind], ensure_ascii=False, sort_keys=True,
            separators=(",", ":")).encode())
    hashed.update(b"}" if stated else b"{}")
    return hashed.hexdigest()


def dump(loaded: Loaded) -> str:
    """The text of a saved estate, provenance included; the format comes first, so that a file cut short is known.

    Raises InputError for one that would be larger than what is read again.
    """
    document = {
        "format": FORMAT_NAME, "version": VERSION, "estate": estate_json(loaded.estate),
        "provenance": {name: str(source) for name, source in sorted(loaded.provenance.items())},
    }
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if len(text) > MOST_SAVED // 4 and len(text.encode()) > MOST_SAVED:
        raise InputError([Finding("output.too-large", Severity.ERROR, "estate",
                                  f"the saved estate would be larger than {MOST_SAVED >> 20} MiB",
                                  "load the servers of one site, or of one console, at a time")])
    return text


def parse(text: str, file: str) -> Loaded:
    """Read a saved estate; every problem is a finding."""
    return assemble([saved_estate.read(text, file)])


def schema() -> dict[str, Any]:
    """JSON Schema of a saved estate."""
    from pydantic import TypeAdapter  # start-up: only the published schema needs it

    inner = TypeAdapter(Estate).json_schema()
    definitions = inner.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "planner saved estate", "type": "object",
        "required": ["format", "version", "estate"], "additionalProperties": False,
        "properties": {
            "format": {"const": FORMAT_NAME}, "version": {"const": VERSION}, "estate": inner,
            "provenance": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "$defs": definitions,
    }
