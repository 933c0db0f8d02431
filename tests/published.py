"""The published schema of plan.json, made and checked once."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema

from planner.plan.plan import schema


@cache
def _validator() -> jsonschema.Draft202012Validator:
    document = schema()
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def keeps_schema(plan: Any) -> bool:
    """Raises ``jsonschema.ValidationError`` for plan.json data that the schema does not allow."""
    _validator().validate(plan)
    return True
