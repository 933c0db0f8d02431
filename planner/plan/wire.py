"""How values of the model stand in JSON: integers in the unit that people read, times as text, sets in order."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, NaiveDatetime, PlainSerializer, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core import core_schema as cs


def absent(value: object) -> bool:
    """Whether a field that may be left out was not stated."""
    return value is None


def empty(value: object) -> bool:
    """Whether a field that may be left out says nothing: False, None, or a collection of nothing."""
    return not value


BOUND: Any = {"x-checked": "bound"}
"""Of a field (``json_schema_extra``) that ties a plan to its estate: another value is another estate."""


def narrative(why: str) -> Any:
    """Of a field (``json_schema_extra``) with nothing to compare it with but the seal of its plan, and ``why``; every
    other is worked out again from the estate, what was asked and the moves."""
    return {"x-checked": "narrative", "x-why": why}


@dataclass(frozen=True, slots=True)
class Scaled:
    """An integer that JSON has as the number ``value / per``, within ``least`` and ``most`` (or above ``above``);
    ``digits``: so many decimals of it."""

    per: int
    least: float | None = None
    most: float | None = None
    above: float | None = None
    digits: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = cs.float_schema(ge=self.least, gt=self.above, le=self.most, allow_inf_nan=False)
        return cs.json_or_python_schema(
            cs.no_info_after_validator_function(self._whole, number), handler(source),
            serialization=cs.plain_serializer_function_ser_schema(
                lambda value: value / self.per if self.digits is None else round(value / self.per, self.digits),
                return_schema=number, when_used="json"))

    def _whole(self, value: float) -> int:
        if not math.isfinite(value * self.per):
            raise ValueError(f"{value} is too large")
        return round(value * self.per)


@dataclass(frozen=True, slots=True)
class Listed:
    """A value that JSON has as another type ``form``: read by ``read``, written by ``write``."""

    form: Any
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        form = handler.generate_schema(self.form)
        return cs.json_or_python_schema(
            cs.no_info_after_validator_function(self.read, form), cs.any_schema(),
            serialization=cs.plain_serializer_function_ser_schema(self.write, return_schema=form, when_used="json"))


Minutes = Annotated[NaiveDatetime, PlainSerializer(
    lambda t: t.isoformat(sep=" ", timespec="minutes"), return_type=str, when_used="json")]
"""Local time, ``2026-12-05 22:00``."""
Clock = Annotated[dt.datetime, PlainSerializer(
    lambda t: t.isoformat(sep=" ", timespec="seconds"), return_type=str, when_used="json")]
"""Local time, ``2026-12-05 22:00:00``."""


@cache
def adapter(of: Any) -> TypeAdapter[Any]:
    """What reads and writes a class of the model; made when first asked for, which takes some 20 ms for a plan."""
    return TypeAdapter(of)


def as_json(value: Any) -> Any:
    """An object of the model as plain data, as plan.json has it."""
    kind: Any = type(value)
    return None if value is None else adapter(kind).dump_python(value, mode="json", by_alias=True)


class WireSchema(GenerateJsonSchema):
    """What is written: every field but those that may be left out, and no other; types without titles and stories."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        if field["type"] == "typed-dict-field":
            return super().field_is_required(field, total)
        return "serialization_exclude_if" not in field

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def generate(self, schema: CoreSchema, mode: Any = "serialization") -> JsonSchemaValue:
        made = super().generate(schema, mode)
        for part in (made, *made.get("$defs", {}).values()):
            part.pop("description", None)
            part.pop("title", None)
            if "properties" in part:
                part["additionalProperties"] = False
        _mark({key: one for key, one in made.items() if key != "$defs"}, made.get("$defs", {}), "recomputed")
        return made


def _mark(part: Any, defined: dict[str, Any], above: str) -> None:
    """Says of every field how it is checked (``x-checked``): what it says itself, else what is said of what it is part
    of; of the parts of a class that stands in several places the strictest."""
    if isinstance(part, list):
        for one in part:
            _mark(one, defined, above)
    if not isinstance(part, dict):
        return
    for key, one in part.items():
        if key != "properties":
            _mark(one, defined, above)
        for field in one.values() if key == "properties" else ():
            if "x-why" not in field and field.get("x-checked") not in ("bound", "recomputed"):
                field["x-checked"] = above
            _mark(field, defined, field["x-checked"])
    if "$ref" in part:
        _mark(defined[part["$ref"].rpartition("/")[2]], defined, above)
