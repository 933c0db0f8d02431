"""Tables with a person's own headers (a mapping file names the fields) → facts.

``kind`` names a sheet of the estate workbook (``lpars`` or ``lpar``, ``servers``, ``zoning`` …), a field one of its
fields (docs/estate-workbook.md) with or without its unit: ``memory`` is ``memory_mib``.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from planner.estate.model import CLASSES, TABLES, Column, Table
from planner.findings import Finding, Severity, Source
from planner.formats.base import NonValue, Record
from planner.formats.estate_workbook import parse_cell
from planner.formats.values import join_list

PREFIX = "table-"
_BY_NAME: dict[str, Table] = {}
for _table in TABLES:
    for _name in (_table.kind, _table.sheet.casefold().replace(" ", "_")):
        _BY_NAME[_name] = _BY_NAME[_name.removesuffix("es")] = _BY_NAME[_name.removesuffix("s")] = _table

Row = tuple[str, tuple[Any, ...], dict[str, tuple[Any, Source]], Source]


def _column(table: Table, name: str) -> Column | None:
    wanted = (name, f"{name}_mib", f"{name}_units")
    return next((c for c in table.columns if c.field in wanted), None)


def _bad(record: Record, rule: str, message: str, fix: str, where: Source | None = None,
         severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule, severity, record.kind.removeprefix(PREFIX), message, fix, where or record.source)


def take(record: Record) -> tuple[Row | None, list[Finding]]:
    """The facts of one row, and what is wrong with it."""
    kind = record.kind.removeprefix(PREFIX)
    table = _BY_NAME.get(kind)
    if table is None:
        known = ", ".join(t.kind for t in TABLES)
        return None, [_bad(record, "input.bad-mapping", f"kind {kind!r} is no sheet of the estate", f"one of: {known}")]
    values: dict[str, tuple[Any, Source]] = {}
    found: list[Finding] = []
    for name, value in record.fields.items():
        column = _column(table, name)
        if isinstance(value, NonValue):
            continue
        if column is None:
            found.append(_bad(record, "input.unknown-column", f"{name!r} is no field of {table.sheet}: not used",
                              "one of: " + ", ".join(c.field for c in table.columns), record.where(name),
                              Severity.WARNING))
            continue
        try:
            # A value with a unit in the mapping comes in the program's own units already; lists come as texts.
            if isinstance(value, tuple):
                value = join_list(value)
            values[column.field] = (parse_cell(column, value) if isinstance(value, str) else value, record.where(name))
        except ValueError as error:
            found.append(_bad(record, "input.bad-value", f"{column.header}: {error}", f"expected: {column.type.value}",
                              record.where(name)))
    defaults = {f.name: f.default for f in fields(CLASSES[table.kind])}
    key = tuple(values[k][0] if k in values else defaults.get(k, MISSING) for k in table.key)
    if any(part is MISSING for part in key):
        lacking = ", ".join(k for k, part in zip(table.key, key, strict=True) if part is MISSING)
        found.append(_bad(record, "input.missing-value", f"a row of {table.sheet} without {lacking}",
                          "map a column to it, or fill the cell"))
        return None, found
    return (table.kind, key, values, record.source), found
