"""Writing the estate workbook that a person can correct and feed back: load(save(estate)) == estate."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from operator import itemgetter
from types import SimpleNamespace
from typing import Any

from planner import __version__
from planner.estate.assemble import Loaded, fact_name
from planner.estate.model import TABLES, EstateColumn, Table, Type
from planner.formats.values import join_list
from planner.sheets import Column, findings_sheet, style, table, widths
from planner.units import column_letters, cores, gib
from planner.xlsx import Book, open_book

_KINDS = {Type.CORES: "cores", Type.GIB: "exact", Type.INTEGER: "id"}
_SPARE_ROWS = 200


def _cell(column: EstateColumn, value: Any) -> Any:
    if value is None or value == "" or value == ():
        return None
    if column.type is Type.CORES:
        return cores(value)
    if column.type is Type.GIB:
        return gib(value)
    if column.type is Type.YES_NO:
        return "yes" if value else "no"
    if column.type is Type.LIST:
        return join_list(gib(v) for v in value) if column.field.endswith("_mib") else join_list(value)
    if column.type is Type.INTEGERS:
        return join_list(value)
    if isinstance(value, float) and float(f"{value:.16G}") != value:
        return repr(value)  # XlsxWriter writes 16 digits: as text it is read back exactly
    return value


_MOST_TYPED = 255
"""Characters of a drop-down that Excel takes in the cell itself."""
_LONG = tuple(dict.fromkeys(c.choices for of in TABLES for c in of.columns if len(",".join(c.choices)) > _MOST_TYPED))


def _in_list(choices: Sequence[str]) -> str:
    """Where a drop-down too long for Excel stands on the hidden sheet; nothing for others."""
    if choices not in _LONG:
        return ""
    letter = column_letters(_LONG.index(tuple(choices)))
    return f"=Lists!${letter}$1:${letter}${len(choices)}"


def _lists(book: Book) -> None:
    sheet = book.sheet("Lists")
    for index, choices in enumerate(_LONG):
        for number, word in enumerate(choices):
            sheet.write_string(number, index, word)
    sheet.hide()


def _drop_down(sheet: Any, column: EstateColumn, index: int, rows: int) -> None:
    choices = column.choices or (("yes", "no") if column.type is Type.YES_NO else ())
    if choices:
        sheet.data_validation(1, index, rows + _SPARE_ROWS, index, {
            "validate": "list", "source": _in_list(choices) or list(choices), "error_title": column.header,
            "error_message": "Pick one of the list."})


def _estate_sheet(book: Book, loaded: Loaded, of: Table) -> None:
    rows = [*getattr(loaded.estate, of.kind), *_unfinished(loaded, of)]
    sheet = book.sheet(of.sheet)
    columns = tuple(_column(c, rows) for c in of.columns)
    for index, (column, shown) in enumerate(zip(of.columns, columns, strict=True)):
        unit = f"{column.comment} " if column.comment else ""
        sheet.write_comment(0, index, f"{unit}({column.type.value}{', required' if column.required else ''})")
        sheet.set_column(index, index, shown.width, style(book, _KINDS.get(column.type, "text")))
        _drop_down(sheet, column, index, len(rows))
    table(book, sheet, 0, columns, rows, height=None, filters=True, empty="")
    for number, index, what in _to_fill(of, rows):
        sheet.write_comment(number, index, f"Fill in {what}: {_depends(of)}.")
    sheet.freeze_panes(1, len(of.key) if of.key[0] != "kind" else 0)


_DEPENDS = {
    "servers": "until then nobody is planned onto this server",
    "lpars": "until then this LPAR is not planned, nor anybody onto the server where it runs",
    "vioses": "until then nobody is planned onto its server", "fibres": "until then its LPAR is not planned"}
_SIZES = ("configurable_units", "configurable_memory_mib", "entitlement_units", "virtual_processors", "memory_mib",
          "max_memory_mib")


def _depends(of: Table) -> str:
    return _DEPENDS.get(of.kind, "until then the estate cannot be planned with")


def _known(column: EstateColumn, row: Any) -> Any:
    """A required size of 0 is one that nothing states; a maximum is never missing beside a size, which it is taken from
    when nobody states it."""
    value = getattr(row, column.field)
    stated = column.field == "max_memory_mib" and row.memory_mib
    return None if column.required and column.field in _SIZES and value == 0 and not stated else value


def _to_fill(of: Table, rows: Sequence[Any]) -> Iterator[tuple[int, int, str]]:
    """Row and column on its sheet of every cell that a person must fill, and its header."""
    for number, row in enumerate(rows, 1):
        for index, column in enumerate(of.columns):
            if column.required and _cell(column, _known(column, row)) is None:
                yield number, index, column.header


def _fill_sheet(book: Book, loaded: Loaded) -> None:
    """All cells to fill on one sheet, where there are any."""
    cells = [(of.sheet, " / ".join(str(getattr(rows[number - 1], k) or "?") for k in of.key), what,
              f"{column_letters(index)}{number + 1}", _depends(of))
             for of in TABLES for rows in [[*getattr(loaded.estate, of.kind), *_unfinished(loaded, of)]]
             for number, index, what in _to_fill(of, rows)]
    if not cells:
        return
    sheet = book.sheet("To fill")
    columns = tuple(Column(header, itemgetter(at), "text", width) for at, (header, width) in enumerate(
        (("Sheet", 16), ("Item", 36), ("Fill in", 26), ("Cell", 8), ("What depends on it", 60))))
    table(book, sheet, 0, columns, cells, height=None, filters=True, empty="")
    widths(sheet, columns)
    sheet.freeze_panes(1, 0)


def _column(column: EstateColumn, rows: Sequence[Any]) -> Column:
    """As wide as its cells; a cell that lacks a required fact is coloured."""
    kind = _KINDS.get(column.type, "text")

    def value(row: Any) -> Any:
        return _cell(column, _known(column, row))

    def look(row: Any) -> str:
        return "bad" if value(row) is None else kind

    width = max([len(column.header), *(len(str(value(row) or "")) for row in rows)])
    return Column(column.header, value, look if column.required else kind, min(width + 2, 48))


def _unfinished(loaded: Loaded, table: Table) -> list[Any]:
    """Rows that lack a required fact; their empty cells are coloured for a person to fill."""
    return [SimpleNamespace(**{c.field: values.get(c.field) for c in table.columns})
            for kind, values in loaded.partial if kind == table.kind]


def _read_me(book: Book) -> None:
    sheet = book.sheet("Read me")
    sheet.set_column(0, 0, 110)
    lines = (
        "Estate workbook of the planner",
        "One sheet a thing, one row each. Correct what is wrong, fill what is missing, and give the file back:",
        "    planner load estate.xlsx          planner evacuate estate.xlsx SERVER",
        "Units stand in the headers: cores with two decimals, GiB (1 GiB = 1024 MiB). Point at a header to read more.",
        "Columns may stand in any order; columns and sheets that the planner does not know are reported and not read.",
        "Sheets Findings and Sources are for reading only: what was found, and where each fact came from.",
        f"Written by planner {__version__}.",
    )
    for number, line in enumerate(lines):
        sheet.write_string(number, 0, line, book.title if number == 0 else None)


def _sources(book: Book, loaded: Loaded) -> None:
    sheet = book.sheet("Sources")
    columns = tuple(Column(header, itemgetter(at), "text", width) for at, (header, width) in enumerate(
        (("Sheet", 16), ("Item", 36), ("Column", 26), ("Stated in", 50))))
    table(book, sheet, 0, columns, list(_stated(loaded)), height=None, filters=True, empty="")
    widths(sheet, columns)
    sheet.freeze_panes(1, 0)


def _stated(loaded: Loaded) -> Iterator[tuple[str, str, str, str]]:
    """Sheet, item, column and source of every fact of which a source is known."""
    for kind in TABLES:
        for row in getattr(loaded.estate, kind.kind):
            key = tuple(getattr(row, k) for k in kind.key)
            for column in kind.columns:
                source = loaded.provenance.get(fact_name(kind.kind, key, column.field))
                if source is not None:
                    yield kind.sheet, " / ".join(map(str, key)), column.header, str(source)


def workbook_bytes(loaded: Loaded) -> bytes:
    """The estate as an .xlsx file; the same estate gives the same bytes."""
    buffer = io.BytesIO()
    with open_book(buffer, "Estate", exact=True) as book:
        _read_me(book)
        _fill_sheet(book, loaded)
        for kind in TABLES:
            _estate_sheet(book, loaded, kind)
        findings_sheet(book, loaded.findings)
        _sources(book, loaded)
        _lists(book)
    return buffer.getvalue()
