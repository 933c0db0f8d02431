"""Dataclasses as DataFrames: typed columns, and the unit in each column's name."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from pandas import DataFrame

_SHOWN = {"units": ("cores", 100), "mib": ("gib", 1024), "ms": ("s", 1000)}
"""Words in names of fields: the unit that a person sees, and how many of the field's make one."""
_UNIT = re.compile(r"(?<![a-z])(units|mib|ms)(?![a-z])")


def frame(rows: Iterable[Any], kind: type[Any], also: Mapping[str, type[Any]] | None = None) -> DataFrame:
    """Rows of a dataclass, one column a field (and property in ``also``): Int64, Float64, boolean, string, category
    where values are few, datetime64. Cores, GiB and seconds stand for hundredths, MiB and milliseconds
    (``entitlement_units`` becomes ``entitlement_cores``); lists are joined with ``; ``; what nobody states is <NA>."""
    import pandas as pd  # start-up: only those who ask for frames pay for pandas

    listed, columns = list(rows), {}
    hints = get_type_hints(kind)
    stated = {f.name: f.metadata for f in fields(kind)}
    for name, hint in {**{n: hints[n] for n in stated}, **(also or {})}.items():
        shown, convert, dtype = _column(name, hint, stated.get(name, {}))
        values = [None if (v := getattr(row, name)) is None or v == "" else convert(v) for row in listed]
        columns[shown] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(columns)


def _column(name: str, hint: Any, metadata: Mapping[str, Any]) -> tuple[str, Callable[[Any], Any], str]:
    """How a field is called, how its values are shown, and the type of its column."""
    options = [a for a in get_args(hint) if a is not types.NoneType] if get_origin(hint) in (
        Union, types.UnionType) else [hint]
    of = options[0]
    unit = _UNIT.search(name)
    if unit and of in (int, float):
        word, many = _SHOWN[unit[1]]
        return _UNIT.sub(word, name), lambda value: value / many, "Float64"
    if get_origin(of) is tuple:
        many = _SHOWN[unit[1]][1] if unit else 0
        return (_UNIT.sub(lambda m: _SHOWN[m[1]][0], name),
                lambda value: "; ".join(_text(v / many if many else v) for v in value) or None, "string")
    if get_origin(of) is Literal:
        return name, str, "category"
    if of is str:
        few = bool(getattr(metadata.get("column"), "choices", ()))
        return name, str, "category" if few else "string"
    known = {bool: "boolean", int: "Int64", float: "Float64", datetime: "datetime64[us]"}
    if of in known:
        return name, lambda value: value, known[of]
    return name, str, "category" if isinstance(of, type) and issubclass(of, StrEnum) else "string"


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " → ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
