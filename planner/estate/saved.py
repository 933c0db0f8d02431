"""A saved estate: JSON with a published schema (docs/estate.schema.json)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from planner.estate.assemble import Loaded
from planner.estate.model import Estate, sorted_estate
from planner.findings import Finding, Severity, Source, ordered

FORMAT = "planner-estate"
VERSION = 1


def _compact(value: Any) -> Any:
    """Drop what is unknown or default-empty, so that a file shows only what is stated."""
    return {k: v for k, v in value.items() if v is not None and v not in ("", [], ())}


def estate_json(estate: Estate) -> dict[str, Any]:
    """The estate as plain data, unknown facts left out."""
    return {kind: [_compact(row) for row in rows] for kind, rows in asdict(estate).items() if rows}


def digest(estate: Estate) -> str:
    """SHA-256 of the estate's facts, to tell whether a plan belongs to it."""
    text = json.dumps(estate_json(estate), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def dump(loaded: Loaded) -> str:
    """The text of a saved estate, provenance included; the format comes first, so that a file cut short is known."""
    document = {
        "format": FORMAT, "version": VERSION, "estate": estate_json(loaded.estate),
        "provenance": {name: str(source) for name, source in sorted(loaded.provenance.items())},
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def recognise(text: str) -> bool:
    """Whether this is a saved estate."""
    return text.lstrip()[:1] == "{" and f'"{FORMAT}"' in text


def _refused(file: str, message: str, fix: str) -> Loaded:
    finding = Finding("input.unreadable", Severity.ERROR, file, message, fix, Source(file))
    return Loaded(Estate(), {}, (finding,), {"saved-estate": 1})


def parse(text: str, file: str) -> Loaded:
    """Read a saved estate; every problem is a finding."""
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
    provenance = {name: Source(str(text)) for name, text in (document.get("provenance") or {}).items()}
    return Loaded(sorted_estate(estate), provenance, _duplicates(estate, file), {"saved-estate": 1})


def _duplicates(estate: Estate, file: str) -> tuple[Finding, ...]:
    from planner.estate.model import KEYS

    found = []
    for kind, key in KEYS.items():
        seen: set[Any] = set()
        for row in getattr(estate, kind):
            if key(row) in seen:
                found.append(Finding("input.duplicate", Severity.ERROR, str(key(row)),
                                     f"{kind}: {key(row)} stands twice", "keep one", Source(file)))
            seen.add(key(row))
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
