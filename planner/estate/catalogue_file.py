"""A person's own catalogue of models (TOML): added to the packaged one, a model of the same type-model replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from planner.errors import InputError
from planner.estate.catalogue import CATALOGUE, Catalogue, model_of
from planner.estate.model import GENERATIONS
from planner.findings import Finding, Severity, Source
from planner.toml_file import Place, line_of, read_toml

_RULE, _HELP = "input.bad-catalogue", "see docs/whatif.md"


def read_catalogue(path: Path, base: Catalogue = CATALOGUE) -> Catalogue:
    """The catalogue with the models of this file; raises InputError with every problem of it."""
    text, document = read_toml(path, _RULE, _HELP)
    wrong = [Finding(_RULE, Severity.ERROR, path.name, f"{where}: {message}", _HELP,
                     Source(path.name, line_of(text, place))) for place, where, message in problems(document)]
    if wrong:
        raise InputError(wrong)
    return base.with_models(model_of(row) for row in document["model"])


def problems(document: Mapping[str, Any]) -> list[tuple[Place, str, str]]:
    """(place, the same in words, what is wrong) of everything in a catalogue document that cannot be used."""
    from pydantic import BaseModel, ConfigDict, Field, ValidationError  # start-up: few have a catalogue of their own

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")

    class ProcessorRow(Strict):
        ghz: Decimal = Field(gt=0, lt=20)
        generation: str = ""
        rperf: dict[str, Decimal] = Field(min_length=1)

    class WattsRow(Strict):
        cores: int = Field(gt=0, le=4096, strict=True)
        idle: int = Field(ge=0, le=200_000, strict=True)
        maximum: int = Field(gt=0, le=200_000, strict=True)
        source: str = ""
        confidence: str = Field(default="L", pattern="^[HML]$")

    class ModelRow(Strict):
        type_model: str = Field(min_length=1)
        name: str = ""
        generation: str
        max_memory_gib: int | None = Field(default=None, gt=0, strict=True)
        lmb_mib: tuple[int, ...] = ()
        modes: tuple[str, ...] = ()
        processor: list[ProcessorRow] = Field(min_length=1)
        watts: WattsRow | None = None
        source: str = ""
        confidence: str = Field(default="L", pattern="^[HML]$")

    class CatalogueDocument(Strict):
        defaults: dict[str, Any] | None = None
        generations: dict[str, str] = Field(default={})
        model: list[ModelRow] = Field(min_length=1)

    try:
        rows = CatalogueDocument.model_validate(dict(document)).model
    except ValidationError as error:
        return [(e["loc"], ".".join(map(str, e["loc"])), f"{e['msg']}, found {e.get('input')!r}"[:200])
                for e in error.errors()]
    out: list[tuple[Place, str, str]] = []
    for number, row in enumerate(rows):
        at, where = ("model", number), f"model.{number} ({row.type_model})"
        out += [(at, where, f"unknown generation {g!r}; one of: {', '.join(GENERATIONS)}")
                for g in {row.generation, *(p.generation for p in row.processor if p.generation)} - set(GENERATIONS)]
        for p in row.processor:
            wrong = [c for c, total in p.rperf.items() if not c.isdigit() or int(c) < 1 or total <= 0]
            out += [(at, where, f"{p.ghz} GHz: rperf {c!r} = {p.rperf[c]}: expected a number of cores and a figure "
                     "above 0") for c in wrong]
        if row.watts and row.watts.idle > row.watts.maximum:
            out.append((at, where, f"watts: {row.watts.idle} idle, {row.watts.maximum} at most"))
    return out
