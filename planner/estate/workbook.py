"""Writing the estate workbook that a person can correct and feed back: load(save(estate)) == estate."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

from planner import __version__
from planner.estate.assemble import Loaded, fact_name
from planner.findings import Finding
from planner.formats.estate_tables import TABLES, Column, Table, Type
from planner.formats.estate_workbook import join_list
from planner.units import cores, gib
from planner.xlsx import Book, open_book

_NUMBER_FORMAT = {Type.CORES: "0.00", Type.GIB: "#,##0.##", Type.INTEGER: "0"}
_ROOM = 200


def _cell(column: Column, value: Any) -> Any:
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


def _drop_down(book: Book, sheet: Any, column: Column, index: int, rows: int) -> None:
    choices = column.choices or (("yes", "no") if column.type is Type.YES_NO else ())
    if choices:
        sheet.data_validation(1, index, rows + _ROOM, index, {
            "validate": "list", "source": list(choices), "error_title": column.header,
            "error_message": "Pick one of the list."})


def _table(book: Book, loaded: Loaded, table: Table) -> None:
    rows = [*getattr(loaded.estate, table.kind), *_unfinished(loaded, table)]
    sheet = book.sheet(table.sheet)
    for index, column in enumerate(table.columns):
        sheet.write_string(0, index, column.header, book.header)
        unit = f"{column.comment} " if column.comment else ""
        sheet.write_comment(0, index, f"{unit}({column.type.value}{', required' if column.required else ''})")
        number_format = _NUMBER_FORMAT.get(column.type)
        body = book.format(num_format=number_format) if number_format else None
        width = max([len(column.header), *(len(str(_cell(column, getattr(r, column.field)) or "")) for r in rows)])
        sheet.set_column(index, index, min(width + 2, 48), body)
        _drop_down(book, sheet, column, index, len(rows))
        for number, row in enumerate(rows, 1):
            value = _cell(column, getattr(row, column.field))
            book.write(sheet, number, index, value, book.bad if value is None and column.required else body)
    sheet.freeze_panes(1, len(table.key) if table.key[0] != "kind" else 0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(table.columns) - 1)


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


def write_findings(book: Book, findings: tuple[Finding, ...], name: str = "Findings") -> None:
    """A sheet of findings, worst first."""
    sheet = book.sheet(name)
    book.row(sheet, 0, ("Severity", "Subject", "Rule", "What was found", "What to do", "Where"), book.header)
    for number, f in enumerate(findings, 1):
        style = {"error": book.bad, "warning": book.warn}.get(f.severity.value)
        cells = (f.severity.value, f.subject, f.rule, f.message, f.fix, str(f.source or ""))
        book.row(sheet, number, cells, book.wrap)
        book.write(sheet, number, 0, f.severity.value, style)
        # Spreadsheets other than Excel do not grow the row by themselves.
        lines = max(-(-len(text) // width) for text, width in zip(cells, (10, 19, 27, 68, 48, 29), strict=True))
        sheet.set_row(number, 15 * max(lines, 1))
    if not findings:
        sheet.write_string(1, 0, "Nothing was found.")
    for index, width in enumerate((10, 20, 28, 70, 50, 30)):
        sheet.set_column(index, index, width)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(findings), 1), 5)


def _sources(book: Book, loaded: Loaded) -> None:
    sheet = book.sheet("Sources")
    book.row(sheet, 0, ("Sheet", "Item", "Column", "Stated in"), book.header)
    number = 0
    for table in TABLES:
        for row in getattr(loaded.estate, table.kind):
            key = tuple(getattr(row, k) for k in table.key)
            for column in table.columns:
                source = loaded.provenance.get(fact_name(table.kind, key, column.field))
                if source is not None:
                    number += 1
                    book.row(sheet, number, (table.sheet, " / ".join(map(str, key)), column.header, str(source)))
    for index, width in enumerate((16, 36, 26, 50)):
        sheet.set_column(index, index, width)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(number, 1), 3)


def workbook_bytes(loaded: Loaded) -> bytes:
    """The estate as an .xlsx file; the same estate gives the same bytes."""
    buffer = io.BytesIO()
    with open_book(buffer, "Estate") as book:
        _read_me(book)
        for table in TABLES:
            _table(book, loaded, table)
        write_findings(book, loaded.findings)
        _sources(book, loaded)
    return buffer.getvalue()


