"""Safe opening of workbooks (``.xlsx`` and BIFF8 ``.xls``) from bytes, for the readers whose exports are workbooks.

An ``.xlsx`` is unpacked here under limits, its sheets are measured (two cells far apart would make python-calamine
allocate all that lies between them, and abort the process), and only then read with python-calamine from a copy
packed anew without compression. An ``.xls`` is read with xlrd, which fails with an exception where python-calamine
aborts or never returns. What a formula cell holds is the value that was stored with it; a cell that shows an error
(``#N/A``) is :attr:`ErrorCell.ERROR`, and an empty one is None.
"""

from __future__ import annotations

import datetime as dt
import html
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import xlrd
from python_calamine import CalamineWorkbook

from planner.findings import Finding, Severity, Source
from planner.formats.archive import MIB, MOST_WORKBOOK, swollen
from planner.formats.base import NonValue
from planner.formats.foreign import ENCRYPTED, is_encrypted
from planner.formats.values import non_value
from planner.units import column_letters as column_letters

MAX_PARTS = 10_000
MAX_CELLS = 10_000_000
MAX_TEXT = 512 * MIB
_SHOWN_PER_COLUMN = 3

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP_MAGIC = b"PK\x03\x04"

_REF = re.compile(rb"""\br\s*=\s*["']([A-Za-z]+)(\d+)["']""")
_ROW_REF = re.compile(rb"""\br\s*=\s*["'](\d+)["']""")
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_EMPTY_ELEMENT = re.compile(rb"<(?:\w+:)?(?:c|row)\s[^<>]*/>")
_ERROR_CELL = re.compile(rb"""<(?:\w+:)?c\s[^<>]*\bt\s*=\s*["']e["'][^<>]*>""")
_COUNT = re.compile(rb"""(ount\s*=\s*["'])\+?\d{7,}""")
_SHARED = re.compile(rb"</(?:\w+:)?si>")
_VALUE = re.compile(rb"<(?:\w+:)?v[^<>]*>\s*(\d{1,9})\s*<")
_SHARED_PART = re.compile(rb"<(?:\w+:)?sst[\s>]")
_SHEET_TAG = re.compile(r"<(?:\w+:)?sheet\s[^<>]{1,2000}>")
_RELATION_TAG = re.compile(r"<(?:\w+:)?Relationship\s[^<>]{1,2000}>")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")


class ErrorCell(Enum):
    """A cell whose formula failed: it shows ``#N/A``, ``#REF!``, ``#DIV/0!`` or the like."""

    ERROR = "#ERROR"


Cell = str | int | float | bool | dt.date | dt.time | dt.timedelta | ErrorCell | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of one sheet from A1 on; empty cells at the end of a row and empty rows at the end are left out.

    ``lines``: of a sheet that was saved as text, the line of each row.
    """

    name: str
    rows: tuple[tuple[Cell, ...], ...]
    lines: tuple[int, ...] = ()

    def address(self, row: int, column: int) -> str:
        """``Sheet!C4`` of a row and a column that both count from 0."""
        return f"{self.name}!{column_letters(column)}{row + 1}"

    def source(self, file: str, row: int, column: int = 0) -> Source:
        """The place of a cell in the file."""
        return Source(file, line=self.lines[row]) if self.lines else Source(file, cell=self.address(row, column))


@dataclass(frozen=True, slots=True)
class Workbook:
    file: str
    sheets: tuple[Sheet, ...]


@dataclass(slots=True)
class CellLog:
    """The findings on the cells of one file; after three of one rule in one column only their number is kept."""

    file: str
    fix: str
    findings: list[Finding] = field(default_factory=list)
    _counts: Counter[tuple[str, str, Severity]] = field(default_factory=Counter)

    def say(self, severity: Severity, rule: str, message: str, fix: str, source: Source) -> None:
        self.findings.append(Finding(rule, severity, self.file, message, fix, source))

    def bad(self, rule: str, message: str, source: Source, column: str, severity: Severity = Severity.ERROR) -> None:
        self._counts[rule, column, severity] += 1
        if self._counts[rule, column, severity] <= _SHOWN_PER_COLUMN:
            self.say(severity, rule, message, self.fix, source)

    def closed(self) -> tuple[Finding, ...]:
        """All findings, with the number of those that were not kept."""
        for (rule, column, severity), count in self._counts.items():
            if count > _SHOWN_PER_COLUMN:
                message = f"{count - _SHOWN_PER_COLUMN} more of these in column {column}"
                self.say(severity, rule, message, self.fix, Source(self.file))
        return tuple(self.findings)


class _NotOpenedError(Exception):
    """Why a file is not opened: the finding's rule, message and fix."""

    def __init__(self, rule: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.rule, self.message, self.fix = rule, message, fix


def looks_like_workbook(data: bytes) -> bool:
    """Whether the bytes begin as ``.xlsx`` (zip) or ``.xls`` (OLE container) do; nothing more is checked."""
    return data.startswith((OLE_MAGIC, ZIP_MAGIC))


def sheet_names(data: bytes) -> tuple[str, ...]:
    """The names of the sheets without reading them; none when the file cannot be opened."""
    try:
        if data.startswith(OLE_MAGIC):
            return tuple(str(name) for name in _open_xls(data).sheet_names())
        return tuple(name for name, _ in _sheet_parts(_unpack(data, ("xl/workbook.xml",))))
    except _NotOpenedError:
        return ()


def open_workbook(data: bytes, file: str) -> Workbook | Finding:
    """All cells of a workbook, or the one finding that says why it is not read. Raises nothing."""
    try:
        if data.startswith(OLE_MAGIC):
            return Workbook(file, tuple(_xls_sheets(_open_xls(data))))
        return Workbook(file, tuple(_xlsx_sheets(data)))
    except _NotOpenedError as refused:
        return Finding(refused.rule, Severity.ERROR, file, refused.message, refused.fix, Source(file))


def text_of(cell: Cell) -> str:
    """What the cell shows, stripped: whole numbers without decimals, an empty cell as empty text."""
    if cell is None:
        return ""
    if isinstance(cell, ErrorCell):
        return str(cell.value)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell).strip()


def non_value_of(cell: Cell) -> NonValue | None:
    """The non-value that a cell is; None for a value."""
    return NonValue.EMPTY if cell is None else non_value(cell) if isinstance(cell, str) else None


def _corrupt(detail: object) -> _NotOpenedError:
    return _NotOpenedError("input.corrupt-workbook", f"the workbook is damaged: {str(detail)[:120]}",
                           "copy or export it again; opening and saving it in Excel may repair it")


def _password() -> _NotOpenedError:
    return _NotOpenedError(ENCRYPTED.rule, ENCRYPTED.what, ENCRYPTED.fix)


def _not_a_workbook(found: str) -> _NotOpenedError:
    return _NotOpenedError("input.not-a-workbook", f"not an .xlsx or .xls workbook: {found}",
                           "open it in Excel and save it as .xlsx")


def _bomb(message: str) -> _NotOpenedError:
    return _NotOpenedError("input.decompression-bomb", message, "check where the file comes from; export it again")


def _too_large(message: str) -> _NotOpenedError:
    return _NotOpenedError("input.too-large", message,
                           "delete the stray cells far from the data (or split the sheet) and save again")


def _unpack(data: bytes, only: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The parts of an ``.xlsx`` (only the named ones where names are given), none of them over the limits."""
    if not data.startswith(ZIP_MAGIC):
        raise _not_a_workbook(f"it begins with {data[:16]!r}" if data else "it is empty")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            _check_directory(infos, len(data))
            return _parts(archive, [info for info in infos if not only or info.filename in only])
    except _NotOpenedError:
        raise
    except Exception as error:  # zipfile and zlib raise many kinds for damaged archives
        raise _corrupt(error) from None


def _check_directory(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse by what the archive says of itself, before anything is unpacked."""
    if unpacked := swollen(infos, size, MOST_WORKBOOK):
        raise _bomb(unpacked)
    if any(info.flag_bits & 1 for info in infos):
        raise _password()
    names = {info.filename for info in infos}
    if len(names) < len(infos) or len(infos) > MAX_PARTS:
        raise _corrupt("it holds the same part twice" if len(infos) <= MAX_PARTS else f"it holds {len(infos)} parts")
    if "xl/workbook.xml" not in names:
        raise _not_a_workbook("a zip archive without xl/workbook.xml")


def _parts(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    room = MOST_WORKBOOK
    for info in infos:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _corrupt(f"{info.filename} is packed in a way that .xlsx does not use")
        with archive.open(info) as stream:
            part = stream.read(room + 1)
        room -= len(part)
        if room < 0:
            raise _bomb(f"unpacks to more than {MOST_WORKBOOK // MIB} MiB")
        parts[info.filename] = part
    return parts


def _attributes(tag: str) -> dict[str, str]:
    pairs = _ATTRIBUTE.findall(tag)
    return {name.rpartition(":")[2]: html.unescape(double or single) for name, double, single in pairs}


def _sheet_parts(parts: dict[str, bytes]) -> list[tuple[str, str]]:
    """(name of the sheet, name of its part) in the workbook's order; the part is '' where it is not known."""
    book = parts.get("xl/workbook.xml", b"").decode("utf-8", "replace")
    relations = parts.get("xl/_rels/workbook.xml.rels", b"").decode("utf-8", "replace")
    tags = [_attributes(tag) for tag in _RELATION_TAG.findall(relations)]
    targets = {tag.get("Id", ""): tag.get("Target", "") for tag in tags}
    sheets = [_attributes(tag) for tag in _SHEET_TAG.findall(book)]
    return [(s.get("name", ""), _part_name(targets.get(s.get("id", ""), ""))) for s in sheets]


def _part_name(target: str) -> str:
    return target.lstrip("/") if target.startswith(("/", "xl/")) or not target else "xl/" + target


def _xlsx_sheets(data: bytes) -> Iterator[Sheet]:
    parts = _measured(_unpack(data))
    errors = {name: _error_positions(parts.get(part, b"")) for name, part in _sheet_parts(parts)}
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(_packed(parts)))
        if len(set(book.sheet_names)) < len(book.sheet_names):
            raise _corrupt("two sheets have one name")
        for index, name in enumerate(book.sheet_names):
            rows = book.get_sheet_by_index(index).to_python(skip_empty_area=False)
            yield Sheet(name, _trimmed(_with_errors(rows, errors.get(name, ()))))
    except (KeyboardInterrupt, SystemExit, GeneratorExit, _NotOpenedError):
        raise
    except BaseException as error:  # a panic of the library is no Exception
        raise _corrupt(error) from None


def _packed(parts: dict[str, bytes]) -> bytes:
    """Packed anew; an absurd ``count`` is set to 0, since python-calamine reserves memory for what it promises."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, _COUNT.sub(rb"\g<1>0", part))
    return out.getvalue()


def _measured(parts: dict[str, bytes]) -> dict[str, bytes]:
    """The parts with sheets that stay within MAX_CELLS; formatted but empty cells are dropped where they do not."""
    total, checked = 0, {}
    shown = Counter(part for _, part in _sheet_parts(parts))
    for name, part in parts.items():
        if b"sheetData" in part:
            times = max(1, shown[name])
            area = _area(part) * times
            if total + area > MAX_CELLS:
                part = _EMPTY_ELEMENT.sub(b"", part)
                area = _area(part) * times
            total += area
            if total > MAX_CELLS:
                raise _too_large(f"the sheets reach over {total:,} cells (limit {MAX_CELLS:,}), last in {name}")
        checked[name] = part
    _check_shared_text(checked)
    return checked


def _area(part: bytes) -> int:
    """An upper bound of rows × columns of a sheet's part, counted from A1."""
    letters, digits = set(), set()
    count = 0
    for match in _REF.finditer(part):
        letters.add(match[1])
        digits.add(match[2])
        count += 1
    row_refs = _ROW_REF.findall(part)
    if any(len(one) > 3 for one in letters) or any(len(one) > 7 for one in (*digits, *row_refs)):
        raise _corrupt("a cell beyond XFD1048576")
    rows = max(map(int, (*digits, *row_refs)), default=0)
    columns = max((_column_number(one) for one in letters), default=0)
    if len(_CELL.findall(part)) > count:
        columns += max(len(_CELL.findall(row)) for row in _ROW.split(part))
    row_tags = len(_ROW.findall(part))
    if row_tags > len(row_refs):
        rows += row_tags
    return rows * columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _check_shared_text(parts: dict[str, bytes]) -> None:
    """Refuse when long shared texts are shown so often that the cells together would not fit in memory."""
    lengths = [len(text) for part in parts.values() if _SHARED_PART.search(part) for text in _SHARED.split(part)]
    longest = max(lengths, default=0)
    sheets = [part for part in parts.values() if b"sheetData" in part]
    if longest * sum(part.count(b"<") for part in sheets) <= MAX_TEXT:
        return
    shown = (int(match[1]) for part in sheets for match in _VALUE.finditer(part))
    if sum(lengths[index] for index in shown if index < len(lengths)) > MAX_TEXT:
        raise _bomb(f"the cells' texts add up to more than {MAX_TEXT // MIB} MiB")


def _error_positions(part: bytes) -> list[tuple[int, int]]:
    if b'"e"' not in part and b"'e'" not in part:
        return []
    refs = (_REF.search(tag) for tag in _ERROR_CELL.findall(part))
    return [(int(ref[2]) - 1, _column_number(ref[1]) - 1) for ref in refs if ref]


def _with_errors(rows: Any, positions: Iterable[tuple[int, int]]) -> list[list[Cell]]:
    grid: list[list[Cell]] = rows
    for row, column in positions:
        grid += [[] for _ in range(row + 1 - len(grid))]
        grid[row] += [None] * (column + 1 - len(grid[row]))
        grid[row][column] = ErrorCell.ERROR
    return grid


def _trimmed(rows: Iterable[Iterable[Cell]]) -> tuple[tuple[Cell, ...], ...]:
    trimmed = [tuple(_without_end([None if cell == "" else cell for cell in row])) for row in rows]
    return tuple(_without_end(trimmed))


def _without_end(items: list[Any]) -> list[Any]:
    """Without what is empty at the end."""
    while items and items[-1] in (None, ()):
        items.pop()
    return items


def _open_xls(data: bytes) -> Any:
    if is_encrypted(data):
        raise _password()
    try:
        return xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
    except Exception as error:  # xlrd lets many kinds through for damaged files
        raise _xls_refusal(error) from None


def _xls_refusal(error: Exception) -> _NotOpenedError:
    message = str(error)
    if "encrypted" in message:
        return _password()
    if "Can't find workbook" in message:
        return _not_a_workbook("an OLE container (as .doc and .msi are) without a workbook in it")
    return _corrupt(message or type(error).__name__)


def _xls_sheets(book: Any) -> Iterator[Sheet]:
    total = 0
    for index in range(book.nsheets):
        try:
            sheet = book.sheet_by_index(index)
            rows = [[_xls_cell(cell, book.datemode) for cell in sheet.row(row)] for row in range(sheet.nrows)]
            book.unload_sheet(index)
        except Exception as error:  # as in _open_xls
            raise _xls_refusal(error) from None
        total += sum(map(len, rows))
        if total > MAX_CELLS:
            raise _too_large(f"the sheets hold over {total:,} cells (limit {MAX_CELLS:,})")
        yield Sheet(str(sheet.name), _trimmed(rows))


def _xls_cell(cell: Any, date_mode: int) -> Cell:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return ErrorCell.ERROR
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _xls_date(cell.value, date_mode)
    value: Cell = bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value
    return value


def _xls_date(value: float, date_mode: int) -> Cell:
    try:
        moment: dt.datetime = xlrd.xldate_as_datetime(value, date_mode)
    except (ValueError, OverflowError):
        return value
    return moment if moment.time() != dt.time() else moment.date()
