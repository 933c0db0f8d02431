"""Tables with a person's own headers: CSV, TSV and spreadsheets, read by a mapping file in TOML (docs/formats.md).

Units: ``GB`` and ``MB`` (binary) become MiB, ``cores`` and ``hundredths`` hundredths of a core, ``percent`` a float,
``count`` a whole number, ``yes-no`` a truth value, ``list`` (separated by ``,``, ``;``, ``|`` or line ends) a tuple
of texts. A column without a unit is text. Grouped digits (``1.024,5``) are refused, never guessed at.

``kind`` names a sheet of the estate workbook (``lpars`` or ``lpar``, ``servers``, ``zoning`` …), a field one of its
fields with or without its unit: ``memory`` is ``memory_mib``. ``kind = "usage"`` has samples of usage.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import MISSING, dataclass, replace
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import partial
from itertools import groupby, islice
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from planner.errors import InputError
from planner.estate.model import TABLES, EstateColumn, Table
from planner.findings import Finding, Severity, Source
from planner.formats import values
from planner.formats.archive import HEAD
from planner.formats.base import Format, NonValue, Reading, Record, decode, stated
from planner.formats.estate_workbook import key_of, parse_cell
from planner.formats.facts import Intake, Values
from planner.formats.samples import Extract, Kind, Sample, spans, whole
from planner.formats.values import Parser, non_value, yes_no
from planner.formats.workbook_cells import (
    Cell,
    CellLog,
    ErrorCell,
    Sheet,
    Workbook,
    looks_like_workbook,
    open_workbook,
    sheet_names,
    text_of,
)
from planner.toml_file import parsed

KIND = "table"
PREFIX = "table-"
USAGE = "table-usage"
_BY_NAME: dict[str, Table] = {}
for _table in TABLES:
    for _name in (_table.kind, _table.sheet.casefold().replace(" ", "_")):
        _BY_NAME[_name] = _BY_NAME[_name.removesuffix("es")] = _BY_NAME[_name.removesuffix("s")] = _table

Unit = Literal["GB", "MB", "cores", "hundredths", "percent", "count", "yes-no", "list"]
Text = Annotated[str, Field(min_length=1, max_length=200)]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")]

_HEADER_ROWS = 30
_DELIMITERS = (",", ";", "\t", "|")
_OF_UNIT: dict[str, Parser] = {
    "percent": values.number, "cores": partial(values.units, exact=False), "GB": values.gib, "MB": values.mib,
    "hundredths": partial(values.integral, most=values.MOST_UNITS), "count": values.integral}
_SUFFIXES = {"GB": {"gb", "gib", "g"}, "MB": {"mb", "mib", "m"}, "cores": {"core", "cores"}, "percent": {"%"}}
_NUMBERS = {mark: re.compile(rf"([0-9]{{1,15}}(?:{re.escape(mark)}[0-9]{{1,20}})?)\s*([^\s0-9.,]{{0,10}})")
            for mark in (".", ",")}
_SHOWN_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)")


def _normal(header: str) -> str:
    return " ".join(header.strip("\ufeff \t\n").casefold().split())


class TableMapping(BaseModel):
    """One ``[[table]]``: which sheets or files, which of their columns, and what these hold."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    kind: FieldName
    file: Text | None = None
    sheet: Text | None = None
    columns: Annotated[dict[Text, FieldName], Field(min_length=1, max_length=500)]
    units: dict[Text, Unit] = {}
    decimal: Literal[".", ","] = "."

    @model_validator(mode="after")
    def _consistent(self) -> TableMapping:
        if problems := "; ".join(self._problems()):
            raise ValueError(problems)
        return self

    def _problems(self) -> Iterator[str]:
        if self.file is None and self.sheet is None:
            yield "neither file nor sheet says where the table stands"
        headers = [_normal(header) for header in self.columns]
        yield from (f"the header {header!r} stands twice" for header in _repeated(headers))
        yield from (f"two headers become {name!r}" for name in _repeated(self.columns.values()))
        yield from (f"units names {header!r} twice" for header in _repeated(map(_normal, self.units)))
        known = set(headers)
        yield from (f"units names {header!r}, which is not in columns" for header in self.units
                    if _normal(header) not in known)

    def fields(self) -> dict[str, tuple[str, str | None]]:
        """Header, as compared → field and unit."""
        units = {_normal(header): unit for header, unit in self.units.items()}
        return {_normal(header): (name, units.get(_normal(header))) for header, name in self.columns.items()}

    def applies(self, file: str, sheet: str | None) -> bool:
        """Whether the table may stand in this file or on this sheet of it."""
        if sheet is not None and self.sheet is not None and not _fits(sheet, self.sheet):
            return False
        if self.file is None:
            return sheet is not None
        return _fits(file.replace("\\", "/").rpartition("/")[2], self.file)


def _not_empty(tables: list[TableMapping]) -> list[TableMapping]:
    if not tables:
        raise ValueError("no [[table]] in it")
    return tables


class MappingFile(BaseModel):
    """A mapping file: all its tables."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    table: Annotated[list[TableMapping], AfterValidator(_not_empty)]


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern.casefold())


def _repeated(values: Iterable[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)


def load_mapping(text: str, file: str) -> MappingFile | tuple[Finding, ...]:
    """The mapping, or *all* that is wrong with it. Raises nothing."""
    try:
        return MappingFile.model_validate(parsed(text, file, "input.bad-mapping", "correct the mapping file", float))
    except ValidationError as error:
        return tuple(_mapping_finding(text, file, problem["loc"], problem["msg"]) for problem in error.errors())
    except InputError as error:
        return error.findings


def _mapping_finding(text: str, file: str, place: tuple[int | str, ...], message: str) -> Finding:
    heads = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*table\s*\]\]", line)]
    index = place[1] if len(place) > 1 and isinstance(place[1], int) else None
    line = heads[index] if index is not None and index < len(heads) else None
    parts = [str(part) for part in (place[2:] if index is not None else place)]
    return Finding("input.bad-mapping", Severity.ERROR, f"table {index + 1}" if index is not None else file,
                   f"{'.'.join(parts) + ': ' if parts else ''}{message.removeprefix('Value error, ')}",
                   "correct the mapping file", Source(file, line))


def read_document(data: bytes, file: str, mapping: MappingFile) -> Reading | None:
    """The table in a file or the tables in a workbook; None where the mapping fits none of it."""
    if looks_like_workbook(data):
        return read_bytes(data, file, mapping) if recognise_bytes(data, mapping) else None
    text, notes = decode(data, file)
    # A table is known by its headers and by its file's name.
    if not any(table.applies(file, None) for table in mapping.table) or not recognise(text[:HEAD], mapping):
        return None
    reading = read(text, file, mapping)
    return replace(reading, findings=(*notes, *reading.findings))


def nearly(data: bytes, file: str, mapping: MappingFile) -> list[Reading]:
    """What to say of a text that has some, not all, of the headers of a table for files of its name; else nothing."""
    tables = [table for table in mapping.table if table.applies(file, None)]
    text = decode(data[:HEAD], file)[0] if tables else ""
    heads = [head for mark in _DELIMITERS if (head := _find_head(_csv_head(text, mark), tables))]
    if not heads or looks_like_workbook(data):
        return []
    head = max(heads, key=lambda one: len(one.columns))
    lacking = ", ".join(repr(header) for header in head.table.columns if _normal(header) not in head.columns)
    return [Reading(KIND, (), (Finding(
        "input.missing-column", Severity.WARNING, file, f"a table without {lacking}, which the mapping names: not read",
        "correct the header in the table or in the mapping", Source(file, head.row + 1)),))]


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of a row and where each of them stands."""

    cells: tuple[Cell, ...]
    file: str
    number: int
    sheet: Sheet | None = None

    def source(self, column: int = 0) -> Source:
        if self.sheet:
            return Source(self.file, cell=self.sheet.address(self.number, column))
        return Source(self.file, self.number)


@dataclass(frozen=True, slots=True)
class _Head:
    """A header row: its place among the rows, and the column of each mapped header that it has."""

    table: TableMapping
    fields: dict[str, tuple[str, str | None]]
    row: int
    columns: dict[str, int]


def recognise(text: str, mapping: MappingFile) -> bool:
    """A row near the top has all the headers of one of the tables."""
    return any(_complete(_find_head(_csv_head(text, delimiter), mapping.table)) for delimiter in _DELIMITERS)


def recognise_bytes(data: bytes, mapping: MappingFile) -> bool:
    """A workbook with a sheet of a name that a table asks for, or with all headers of one that asks for none."""
    names = sheet_names(data)
    if any(table.sheet and _fits(name, table.sheet) for table in mapping.table for name in names):
        return True
    anywhere = [table for table in mapping.table if table.sheet is None]
    book = open_workbook(data, "") if names and anywhere else None
    return isinstance(book, Workbook) and any(_complete(_find_head(sheet.rows, anywhere)) for sheet in book.sheets)


def read(text: str, file: str, mapping: MappingFile, first_line: int = 1) -> Reading:
    """The table in a CSV or TSV; the delimiter is the one under which most headers are found."""
    tables = [table for table in mapping.table if table.applies(file, None)]
    if not tables:
        return _nothing(file, "no [[table]] of the mapping has a file pattern that fits this name")
    heads = {mark: _find_head(_csv_head(text, mark), tables) for mark in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda mark: len(head.columns) if (head := heads[mark]) else 0)
    log = CellLog(file, "correct the table and export it again")
    rows = list(_csv_rows(text, delimiter, file, first_line, log))
    records = _read_rows(log, rows, tables, Source(file, first_line))
    return Reading(KIND, tuple(records), log.closed())


def read_bytes(data: bytes, file: str, mapping: MappingFile) -> Reading:
    """The tables on the sheets of a workbook, at most one a sheet."""
    book = open_workbook(data, file)
    if isinstance(book, Finding):
        return Reading(KIND, (), (book,))
    log = CellLog(file, "correct the cell")
    records: list[Record] = []
    used = 0
    for sheet in book.sheets:
        tables = [table for table in mapping.table if table.applies(file, sheet.name)]
        rows = [_Row(cells, file, number, sheet) for number, cells in enumerate(sheet.rows)]
        where = Source(file, cell=sheet.address(0, 0))
        if tables:
            used += 1
            records += _read_rows(log, rows, tables, where)
        elif rows:
            log.say(Severity.INFO, "input.unknown-sheet", f"no [[table]] of the mapping is for sheet {sheet.name!r}",
                    "nothing to do unless it is needed", where)
    if not used:
        return _nothing(file, "no [[table]] of the mapping fits this workbook's name and sheets")
    return Reading(KIND, tuple(records), log.closed())


def _nothing(file: str, message: str) -> Reading:
    return Reading(KIND, (), (Finding("input.missing-table", Severity.ERROR, file, message,
                                      "correct file and sheet in the mapping", Source(file)),))


def _csv_head(text: str, delimiter: str) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    with suppress(csv.Error):
        for row in islice(csv.reader(io.StringIO(text[:HEAD]), delimiter=delimiter), _HEADER_ROWS):
            rows.append(tuple(row))
    return rows


def _csv_rows(text: str, delimiter: str, file: str, first_line: int, log: CellLog) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    begin = first_line
    try:
        for cells in reader:
            yield _Row(tuple(cell or None for cell in cells), file, begin)
            begin = first_line + reader.line_num
    except csv.Error as error:
        log.say(Severity.ERROR, "input.truncated", f"cannot be read on from this row: {error}",
                "look for a double quote that is not closed; what stands before is used", Source(file, begin))


def _find_head(rows: Iterable[tuple[Cell, ...]], tables: Iterable[TableMapping]) -> _Head | None:
    """The row, and the table, with the most of the table's headers; the first of equals."""
    best: _Head | None = None
    listed = [(table, table.fields()) for table in tables]
    for number, cells in enumerate(islice(rows, _HEADER_ROWS)):
        place: dict[str, int] = {}
        for column, cell in enumerate(cells):
            place.setdefault(_normal(text_of(cell)), column)
        for table, fields in listed:
            columns = {header: place[header] for header in fields if header in place}
            if columns and (best is None or len(columns) > len(best.columns)):
                best = _Head(table, fields, number, columns)
    return best


def _complete(head: _Head | None) -> bool:
    return head is not None and len(head.columns) == len(head.table.columns)


def _read_rows(log: CellLog, rows: list[_Row], tables: list[TableMapping], where: Source) -> list[Record]:
    head = _find_head((row.cells for row in rows), tables)
    if head is None:
        wanted = ", ".join(repr(header) for header in islice(tables[0].columns, 10))
        log.say(Severity.ERROR, "input.missing-column", f"no row near the top has any of the headers {wanted}",
                "correct the headers in the mapping", where)
        return []
    _report_headers(log, rows[head.row], head)
    records = (_record(log, row, head) for row in rows[head.row + 1:])
    return [record for record in records if record]


def _report_headers(log: CellLog, row: _Row, head: _Head) -> None:
    for header, (name, _) in head.fields.items():
        if header not in head.columns:
            log.say(Severity.ERROR, "input.missing-column", f"there is no column {header!r} (for {name})",
                    "correct the header in the table or in the mapping", row.source())
    others: list[str] = []
    for column, cell in enumerate(row.cells):
        header = _normal(text_of(cell))
        if header in head.fields and column != head.columns[header]:
            log.say(Severity.ERROR, "input.duplicate-column", f"the header {header!r} stands twice",
                    "the first is used; rename one of them", row.source(column))
        elif header and header not in head.fields:
            others.append(text_of(cell)[:40])
    if others:
        log.say(Severity.INFO, "input.unknown-column", "columns that the mapping does not name: "
                + ", ".join(others[:30]), "left out; add them to the mapping if they are needed", row.source())


def _record(log: CellLog, row: _Row, head: _Head) -> Record | None:
    """The row's record; None for a row in which all mapped cells are empty."""
    fields: dict[str, Any] = {}
    for header, column in head.columns.items():
        name, unit = head.fields[header]
        cell = row.cells[column] if column < len(row.cells) else None
        try:
            fields[name] = _value(cell, unit, head.table.decimal)
        except ValueError as error:
            log.bad("input.bad-value", f"{name}: {error}", row.source(column), repr(header), Severity.WARNING)
        if unit == "percent" and isinstance(cell, int | float) and 0 < cell <= 1:
            log.bad("input.ambiguous-percent", f"{name}: {cell} percent, or {cell:.0%} as a spreadsheet shows it?",
                    row.source(column), repr(header), Severity.WARNING)
    if not fields or any(value is not NonValue.EMPTY for value in fields.values()):
        return Record(f"table-{head.table.kind}", fields, row.source())
    if stray := next((text_of(cell) for cell in row.cells if text_of(cell)), ""):
        log.bad("input.unknown-text", f"{stray[:60]!r} in a row without any value in the mapped columns",
                row.source(), "rows", Severity.WARNING)
    return None


def _value(cell: Cell, unit: str | None, decimal: str) -> Any:
    shown = text_of(cell)
    if isinstance(cell, ErrorCell) or _SHOWN_ERROR.match(shown):
        raise ValueError("the cell shows an error such as #N/A")
    none = non_value(shown)
    if none is not None:
        return none
    if unit is None:
        if isinstance(cell, float) and not abs(cell) < 2**53:
            raise ValueError(f"{cell!r} is a number of which a workbook keeps 15 digits; format the column as text")
        return shown
    if unit == "list":
        return tuple(part.strip() for part in re.split(r"[,;|\n]", shown) if part.strip())
    if unit == "yes-no":
        return yes_no(shown)
    return _OF_UNIT[unit](format(_number(cell, shown, unit, decimal), "f"))


def _number(cell: Cell, shown: str, unit: str, decimal: str) -> Decimal:
    """A number cell, or text with the table's decimal mark and at most the column's own unit behind it."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if not 0 <= cell < 10**15:
            raise ValueError(f"{cell!r} is negative or absurd")
        return Decimal(repr(cell))
    match = _NUMBERS[decimal].fullmatch(shown[:80])
    if not match:
        raise ValueError(f"{shown[:40]!r} is not a number with {decimal!r} as decimal mark and without grouping")
    if match[2] and match[2].lower() not in _SUFFIXES.get(unit, ()):
        raise ValueError(f"{shown[:40]!r} has the unit {match[2]!r}, but the mapping says {unit}")
    return Decimal(match[1].replace(",", "."))


# --- rows of the estate -----------------------------------------------------------------------------------------------


def _estate_column(table: Table, name: str) -> EstateColumn | None:
    wanted = (name, f"{name}_mib", f"{name}_units")
    return next((c for c in table.columns if c.field in wanted), None)


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    kind = record.kind.removeprefix(PREFIX)
    table = _BY_NAME.get(kind)
    if record.kind == USAGE:
        return
    if table is None:
        intake.once(Severity.ERROR, "input.bad-mapping", kind, f"kind {kind!r} is no sheet of the estate",
                   "one of: " + ", ".join(t.kind for t in TABLES), record.source)
        return
    taken = _estate_values(intake, record, table)
    key = key_of(table, {name: value for name, (value, _) in taken.items()})
    lacking = ", ".join(name for name, part in zip(table.key, key, strict=True) if part is MISSING)
    if lacking:
        intake.say(Severity.WARNING, "input.missing-value", kind, f"a row of {table.sheet} without {lacking}: left out",
                   "map a column to it, or fill the cell", record.source)
    else:
        intake.rows.append((table.kind, key, taken, record.source, 1))


def _estate_values(intake: Intake, record: Record, table: Table) -> Values:
    """A value with a unit in the mapping comes in the program's own units already; lists come as texts."""
    kind = record.kind.removeprefix(PREFIX)
    taken: Values = {}
    for name, value in stated(record).items():
        column, where = _estate_column(table, name), record.where(name)
        if column is None:
            intake.once(Severity.WARNING, "input.unknown-column", kind, f"{name!r} is no field of {table.sheet}: not "
                        "used", "one of: " + ", ".join(c.field for c in table.columns), where)
            continue
        text = values.join_list(value) if isinstance(value, tuple) else value
        try:
            taken[column.field] = (parse_cell(column, text) if isinstance(text, str) else text, where)
        except ValueError as error:
            intake.say(Severity.WARNING, "input.bad-value", kind, f"{column.header}: {error}",
                       f"expected: {column.type.value}", where)
    return taken


# --- usage ------------------------------------------------------------------------------------------------------------

_USAGE_FIELDS = ("time", "name", "lpar", "entity", "server", "physc", "entitlement", "memory_used", "memory_total",
                 "span")
_UsageRow = tuple[tuple[Kind, str, str], datetime, Record]


def _take_samples(out: Extract, reading: Reading) -> None:
    rows = [row for record in reading.records if record.kind == USAGE and (row := _table_row(out, record))]
    rows.sort(key=lambda row: row[0])
    for key, series in groupby(rows, key=lambda row: row[0]):
        _table_series(out, key, list(series))


def _table_row(out: Extract, record: Record) -> _UsageRow | None:
    fields = stated(record)
    for name in fields.keys() - set(_USAGE_FIELDS):
        out.once(f"field {name}", "input.unknown-column", Severity.WARNING, f"{name!r} is no field of usage: not used",
                 "one of: " + ", ".join(_USAGE_FIELDS), record.source)
    name, entity = str(fields.get("name", fields.get("lpar", ""))), str(fields.get("entity", "lpar")).casefold()
    try:
        if entity not in {kind.value for kind in Kind}:
            raise ValueError("entity is not lpar, pool or server")
        time = values.time(str(fields.get("time", "")).strip())
        if not name:
            raise ValueError("no name")
    except ValueError as error:
        _bad_row(out, record, str(error))
        return None
    return (Kind(entity), name, str(fields.get("server", ""))), time, record


def _bad_row(out: Extract, record: Record, what: str) -> None:
    out.say("input.bad-value", Severity.WARNING, what, "the row is left out; correct it and add the file again",
            source=record.source)


def _table_series(out: Extract, key: tuple[Kind, str, str], rows: list[_UsageRow]) -> None:
    instants = out.instants([time for _, time, _ in rows], key[1])
    if instants is None:
        return
    timed = sorted(zip(instants, (record for _, _, record in rows), strict=True), key=lambda pair: pair[0])
    lengths = spans([at for at, _ in timed])
    for (at, record), span in zip(timed, lengths, strict=True):
        try:
            out.sample(_table_sample(record.fields, key, at, span), record.source)
        except ValueError as error:
            _bad_row(out, record, str(error))


def _table_sample(fields: dict[str, Any], key: tuple[Kind, str, str], at: int, span: int) -> Sample:
    """A figure with a unit in the mapping is in the program's units; text is a number of cores, or of seconds."""
    physc = _usage_quantity(fields, "physc", 1000, 10)
    entitled = _usage_quantity(fields, "entitlement", 100, 1)
    stated = _usage_quantity(fields, "span", 1, 1)
    for name in ("memory_used", "memory_total"):
        if isinstance(fields.get(name), str):
            raise ValueError(f"{name} has no unit: give it GB or MB in the mapping")
    return Sample(*key, at, stated or span, physc, entitled, whole(fields.get("memory_used")),
                  whole(fields.get("memory_total")))


def _usage_quantity(fields: dict[str, Any], name: str, of_text: int, of_number: int) -> int | None:
    value = fields.get(name)
    if value is None or isinstance(value, NonValue):
        return None
    if not isinstance(value, str):
        return int(value) * of_number
    try:
        number = values.decimal_from(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if number < 0:
        raise ValueError(f"{name}: {value[:40]!r} is negative")
    return int((number * of_text + Decimal("0.5")) // 1)


#: Its ``recognise`` and ``read`` ask for the mapping as well; see :func:`read_document`.
FORMAT = Format(KIND, recognise, read, {"": _take}, _take_samples)
