"""The estate workbook: one sheet a thing. Yields one record per row, each value with its cell."""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import Any

from planner.estate.model import CLASSES, TABLE, TABLES, EstateColumn, Table, Type
from planner.findings import Finding, Severity, Source
from planner.formats.base import Format, Reading, Record
from planner.formats.facts import Intake, state_of
from planner.formats.foreign import ENCRYPTED
from planner.formats.values import decimal_from, mib_from_gib, split_list, units_from_cores, whole_number, yes_no
from planner.units import column_letters

KIND = "estate-workbook"
#: Sheets that `load` writes for people and does not read back.
REPORT_SHEETS = ("Read me", "To fill", "Findings", "Sources", "Lists")
_REPORTS = {name.casefold() for name in REPORT_SHEETS}
SHEETS = {table.sheet.casefold() for table in TABLES}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def letters(column: int) -> str:
    """1 → ``A``, 28 → ``AB``."""
    return column_letters(column - 1)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return str(value).strip()


def _number_text(value: Any) -> str:
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        raise ValueError(f"{value.isoformat()} is a date or time, not a number")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{value!r} is not a number")
    return str(value)


def parse_cell(column: EstateColumn, value: Any) -> Any:
    """A cell's value in the program's units; raises ValueError that says what was expected."""
    parsed: Any
    if column.type is Type.TEXT:
        parsed = _as_text(value)
        if column.choices:
            by_fold = {c.casefold(): c for c in column.choices}
            if parsed.casefold() not in by_fold:
                raise ValueError(f"{parsed!r} is none of: {', '.join(column.choices)}")
            parsed = by_fold[parsed.casefold()]
        return parsed
    if column.type is Type.YES_NO:
        return yes_no(_as_text(value))
    if column.type is Type.LIST:
        parts = split_list(_as_text(value))
        return tuple(mib_from_gib(p) for p in parts) if column.field.endswith("_mib") else parts
    if column.type is Type.INTEGERS:
        return tuple(whole_number(p) for p in split_list(_as_text(value).replace(",", ";")))
    text = _number_text(value)
    read = {Type.INTEGER: whole_number, Type.CORES: units_from_cores, Type.GIB: mib_from_gib}
    number = read.get(column.type, lambda text: float(decimal_from(text)))(text)
    if wrong := column.outside(number):
        raise ValueError(f"{text} {wrong}")
    return number


class _Sheet:
    """Reads the rows of one sheet, collecting every problem on the way."""

    def __init__(self, table: Table, file: str) -> None:
        self.table, self.file = table, file
        self.records: list[Record] = []
        self.findings: list[Finding] = []

    def report(self, severity: Severity, rule: str, cell: str, message: str, fix: str) -> None:
        where = f"{self.table.sheet}!{cell}"
        self.findings.append(Finding(rule, severity, self.table.sheet, message, fix, Source(self.file, cell=where)))

    def columns(self, header: tuple[Any, ...]) -> dict[int, EstateColumn]:
        known = {c.header.casefold(): c for c in self.table.columns}
        columns: dict[int, EstateColumn] = {}
        for index, value in enumerate(header):
            if value is None or not _as_text(value):
                continue
            column = known.get(_as_text(value).casefold())
            cell = f"{letters(index + 1)}1"
            if column is None:
                self.unknown_column(_as_text(value), cell, header)
            elif column in columns.values():
                self.report(Severity.ERROR, "input.duplicate-column", cell, f"column {column.header!r} stands twice",
                            "keep one")
            else:
                columns[index] = column
        for column in self.table.columns:
            if column.required and column.field in self.table.key and column not in columns.values():
                self.report(Severity.ERROR, "input.missing-column", "A1", f"column {column.header!r} is missing",
                            "add it to row 1")
        return columns

    def unknown_column(self, name: str, cell: str, header: tuple[Any, ...]) -> None:
        """A warning; an error when it looks like a column that is not there."""
        present = {_as_text(v).casefold() for v in header if v is not None}
        absent = [c.header for c in self.table.columns if c.header.casefold() not in present]
        near = get_close_matches(name, absent, 1, 0.8)
        if near:
            self.report(Severity.ERROR, "input.unknown-column", cell, f"unknown column {name!r}",
                        f"is it {near[0]!r}? Then write it so; otherwise take the column away")
        else:
            self.report(Severity.WARNING, "input.unknown-column", cell, f"unknown column {name!r}",
                        "its values are not used; headers: " + ", ".join(c.header for c in self.table.columns))

    def read(self, rows: Iterable[tuple[Any, ...]]) -> None:
        iterator = iter(rows)
        columns = self.columns(tuple(next(iterator, ())))
        for number, row in enumerate(iterator, 2):
            if any(value is not None and _as_text(value) for value in row):
                self.row(number, row, columns)

    def row(self, number: int, row: tuple[Any, ...], columns: dict[int, EstateColumn]) -> None:
        fields: dict[str, Any] = {}
        cells: dict[str, int] = {}
        for index, column in columns.items():
            value = row[index] if index < len(row) else None
            if value is None or not _as_text(value):
                if column.field in self.table.key and column.required:
                    self.report(Severity.ERROR, "input.missing-value", f"{letters(index + 1)}{number}",
                                f"{column.header!r} is empty", "fill it or clear the row")
                continue
            cells[column.field] = index + 1
            try:
                fields[column.field] = parse_cell(column, value)
            except ValueError as error:
                expected = "pick one of the list" if column.choices else f"expected: {column.type.value}"
                self.report(Severity.ERROR, "input.bad-value", f"{letters(index + 1)}{number}",
                            f"{column.header}: {error}", expected)
        self.records.append(Record(self.table.kind, fields, Source(self.file, number, f"{self.table.sheet}!A{number}"),
                                   cells))


def cell_source(record: Record, field: str) -> Source:
    """The cell of a field of a workbook record."""
    sheet = (record.source.cell or "!").split("!")[0]
    column = record.lines.get(field, 1)
    return Source(record.source.file, cell=f"{sheet}!{letters(column)}{record.source.line}")


def _refusal(file: str, message: str, fix: str) -> Reading:
    return Reading(KIND, (), (Finding("input.unreadable", Severity.ERROR, file, message, fix, Source(file)),))


def read_bytes(data: bytes, file: str) -> Reading:
    """Every sheet of an estate workbook; unreadable files and every bad cell are findings, all at once."""
    if data.startswith(_OLE):
        from planner.formats.workbook_cells import open_workbook  # start-up: xlrd, for an old workbook alone

        legacy = open_workbook(data, file)
        if isinstance(legacy, Finding):
            return Reading(KIND, (), (legacy,)) if legacy.rule == ENCRYPTED.rule else _refusal(
                file, legacy.message, legacy.fix)
        return _refusal(file, "this is an old .xls workbook", "save it as .xlsx")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            formulas = any(b"<f>" in archive.read(n) or b"<f " in archive.read(n) for n in archive.namelist()
                           if n.startswith("xl/worksheets/") and n.endswith(".xml"))
    except Exception:  # zipfile raises many kinds for damaged directories, NotImplementedError among them
        return _refusal(file, "not an .xlsx workbook, or a damaged one", "open it in a spreadsheet and save it again")
    import openpyxl  # start-up: for a workbook alone

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl finds odd in a part that is not read is nobody's concern
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            try:
                reading = _read_sheets(book, file)
            finally:
                book.close()
            return _with_unvalued(reading, data, file) if formulas else reading
    except Exception as error:  # openpyxl raises KeyError, ValueError, XML errors… for damaged parts
        return _refusal(file, f"a damaged workbook ({type(error).__name__})",
                        "open it in a spreadsheet and save it again")


def _with_unvalued(reading: Reading, data: bytes, file: str) -> Reading:
    """The same with an error for every formula whose value was not stored: its cell would read as empty."""
    import openpyxl  # start-up: for a workbook alone

    books = [openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=only) for only in (False, True)]
    empty = [Finding("input.bad-value", Severity.ERROR, name, f"the formula {text[:40]!r} has no stored value",
                     "open the workbook in a spreadsheet, let it calculate, and save it",
                     Source(file, cell=f"{name}!{column_letters(column)}{number}"))
             for name in (table.sheet for table in TABLES) if name in books[0].sheetnames
             for number, rows in enumerate(zip(*(b[name].iter_rows(values_only=True) for b in books), strict=False), 1)
             for column, (text, value) in enumerate(zip(*rows, strict=False))
             if isinstance(text, str) and text.startswith("=") and value is None]
    for book in books:
        book.close()
    return Reading(reading.kind, reading.records, (*reading.findings, *empty))


def _read_sheets(book: Any, file: str) -> Reading:
    records: list[Record] = []
    findings: list[Finding] = []
    by_name = {name.casefold(): name for name in book.sheetnames}
    for folded, name in by_name.items():
        if folded not in SHEETS and folded not in _REPORTS:
            findings.append(Finding("input.unknown-sheet", Severity.WARNING, name, f"unknown sheet {name!r}: not read",
                                    "sheets: " + ", ".join(t.sheet for t in TABLES), Source(file, cell=f"{name}!A1")))
    missing = [t.sheet for t in TABLES if t.mandatory and t.sheet.casefold() not in by_name]
    if missing:
        findings.append(Finding("input.missing-sheet", Severity.ERROR, file,
                                "the workbook has no sheet " + ", ".join(repr(m) for m in missing),
                                "add it, with its headers in row 1 (an empty sheet with headers will do)",
                                Source(file)))
    for table in TABLES:
        name = by_name.get(table.sheet.casefold())
        if name is not None:
            sheet = _Sheet(table, file)
            worksheet = book[name]
            worksheet.reset_dimensions()
            sheet.read(worksheet.iter_rows(values_only=True))
            records += sheet.records
            findings += sheet.findings
    return Reading(KIND, tuple(records), tuple(findings))


def key_of(table: Table, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key of a row that states these values, defaults in their place; MISSING where there is none."""
    defaults = {f.name: f.default for f in fields(CLASSES[table.kind])}
    return tuple(values.get(name, defaults.get(name, MISSING)) for name in table.key)


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    key = key_of(TABLE[record.kind], record.fields)
    if not any(part is None or part is MISSING for part in key):
        values = {name: (state_of(value) if name == "state" else value, cell_source(record, name))
                  for name, value in record.fields.items()}
        intake.rows.append((record.kind, key, values, Source(record.source.file, cell=record.source.cell), 0))


FORMAT = Format(KIND, lambda data: data.startswith(b"PK"), read_bytes, {"": _take}, binary=True)
