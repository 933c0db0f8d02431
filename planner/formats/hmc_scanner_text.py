"""Sheets of an HMC Scanner workbook as text: saved from a spreadsheet (text, CSV) or pasted out of it, one or several.

Cells stand between tabs, ``;``, ``,`` or ``|``. A sheet is known by the headers of its tables and the titles of its
blocks; a line with the name of a sheet alone begins it as well. The rest is that of :mod:`planner.formats.hmc_scanner`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice

from planner.findings import Finding, Severity, Source
from planner.formats.base import Format, Reading, clean
from planner.formats.lines import is_prompt
from planner.units import many

KIND = "hmc-scanner"

_SEPARATORS = "\t;,|"
_MOST_CELLS = 10_000_000
_HEAD_LINES = 100
_FIRST_ROWS, _MOST_ABOVE = 12, 8
_SYSTEM = frozenset({"managed system name", "managed system serial"})
#: Sheet → headers that show it in a row of them; where two fit, the first.
_HEADERS: tuple[tuple[str, frozenset[str]], ...] = tuple((sheet, frozenset(headers.split("|"))) for sheet, headers in (
    ("System_Summary", "managed system|serial|type model"), ("LPAR_Profiles", "lpar name|profile name"),
    ("LPAR_CPU", "name|curr cpu"), ("LPAR_MEM", "name|curr gb"), ("LPAR_Summary", "name|id|environment"),
    ("Physical_Slots", "lpar|location"), ("IO_slot_children", "physical location|wwpn"),
    ("Virtual_Ethernet", "lpar name|slot|port vlan id"), ("Virtual_Fibre", "lpar name|slot|type|wwpn #1"),
    ("Virtual_Fibre", "lpar name|slot|type|physical fc slot"), ("Virtual_SCSI", "lpar name|slot|type"),
    ("VSCSI_Map", "vios|client|backing device"), ("SEA", "vios|sea"), ("SEA", "vios|etherchannel"), ("FC", "vios|fc"),
    ("vNIC", "lpar|slot|des mode"), ("SRIOV Logical Ports", "lpar|logical port"),
    ("SRIOV Phys Ports", "physical port|max logical ports"), ("OnOff CoD", "type|activated|unreturned"),
    ("CoD Events", "time|event"), ("SW_cores", "lpar name|select|curr vps|curr ent")))
#: What stands first in a row that holds nothing else.
_TITLES = {"virtual switches": "Virtual_Ethernet", "virtual ethernet slots": "Virtual_Ethernet",
           "call home states": "Service Agent", "connection monitoring": "Service Agent"}
#: What stands first in a row of label and value.
_LABELS = {"manager name": "Header", "hmc scanner version": "Header", "system cores": "SW_cores", "hardware": "HMC",
           "build level": "HMC"}
_LEGENDS = frozenset({"red", "yellow", "bold", "pool color", "lpar color"})
_LEGEND = re.compile(r"(?:usage >|colored cells)", re.IGNORECASE)
_USAGE_TITLE = re.compile(r"(?:average|peak) (pool|lpar|processor) usage|average free memory gb")
_STATISTIC = frozenset({"reds %", "last ent", "last size"})
#: Of what stands first, what may be of other tables: it shows a sheet of a text that another row proves to be of these.
_COMMON = frozenset({"manager name", "system cores", "hardware", "connection monitoring"})
_HOUR, _DAY = re.compile(r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}"), re.compile(r"\d{4}/\d{1,2}/\d{1,2}")
_USAGE, _UNKNOWN = "usage", "with headers of its own"
#: One of these stands in every text that holds such a sheet.
_WORDS = ("managed system", "virtual ethernet slots", "curr cpu", "curr gb", "profile name", "port vlan id",
          "environment", "adapter description", "physical location", "remote lpar", "backing device", "uuid", " usage",
          "usage >", "average free memory", "hmc scanner version", "curr vps", "build level", "call home states",
          *_STATISTIC)
#: Sheets with decimal numbers; in others commas stand between VLANs, and points in versions.
_DECIMALS = frozenset({"system summary", "lpar profiles", "lpar cpu", "lpar mem", "vios disks"})
_COMMA, _POINT = re.compile(r"[0-9]{1,15},[0-9]{1,15}"), re.compile(r"[0-9]{1,15}\.[0-9]{1,15}")
_FIGURE = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,15})?")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
#: An error that a spreadsheet shows, a column that was too narrow, digits that it cut off.
_LOST = re.compile(r"#[^\W\d_a-z]{2,8}[!?]|#DIV/0!|#N/A|#NV|#{3,}|[0-9][.,]?[0-9]{0,15}E\+[0-9]{2}")
_RULE = re.compile(r"[-:=+ ]+")
_DECORATED = re.compile(r"[\W_]{0,20}(?:(?:work)?sheet|tab|page)?\W{0,3}([\w ]{2,40}?)(?:\.\w{3})?[\W_]{0,20}",
                        re.IGNORECASE)

Row = tuple[int, list[str]]


@dataclass(slots=True)
class _Page:
    """The rows of one sheet: its name, or that it is one of usage, and what of such a one it has by now."""

    name: str
    rows: list[Row] = field(default_factory=list)
    filled: bool = False
    titled: bool = False
    dated: bool = False

    def add(self, row: Row) -> None:
        self.rows.append(row)
        if first := _first(row[1]):
            self.filled = True
            self.titled = self.titled or _USAGE_TITLE.fullmatch(first) is not None
            self.dated = self.dated or first == "date"


def recognise(text: str) -> bool:
    """A row of headers, or a title, that only a sheet of HMC Scanner has."""
    return bool(_separator(text))


def is_whole(text: str) -> bool:
    """Whether a text is such sheets from its beginning on, so that nothing else is looked for in it."""
    separator = _separator(text)
    for _, cells in islice(_filled_rows(_rows(_head(text), separator)), _FIRST_ROWS) if separator else ():
        if _shown(cells):
            return True
        if is_prompt(cells[0]) and not _title(cells):
            return False
    return False


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One reading of all sheets in a text; a line tells where each fact stands."""
    from planner.formats.hmc_scanner import read_sheets  # start-up: the libraries that read workbooks
    from planner.formats.workbook_cells import ErrorCell, Sheet

    separator = _separator(text)
    if text.count(separator) > _MOST_CELLS:
        return Reading(KIND, (), (Finding("input.too-large", Severity.ERROR, file, f"more than {_MOST_CELLS:,} cells",
                                          "split the file by sheet", Source(file)),))
    before, pages = _pages(_rows(text, separator, first_line))
    _with_points(pages)
    sheets = [Sheet(page.name, tuple(tuple(
        ErrorCell.ERROR if _LOST.fullmatch(cell) else cell or None for cell in cells) for _, cells in page.rows),
        tuple(number for number, _ in page.rows)) for page in pages]
    reading = read_sheets(sheets, file)
    if not before:
        return reading
    said = Finding("input.unknown-text", Severity.INFO, file, f"{many(len(before), 'line')} before the first sheet: "
                   f"{' '.join(before[0][1]).strip()[:60]!r}", "nothing to do unless it should be a sheet",
                   Source(file, before[0][0]))
    return replace(reading, findings=(said, *reading.findings))


# --- rows -------------------------------------------------------------------------------------------------------------


def _head(text: str) -> str:
    return "\n".join(text[:1 << 16].split("\n", _HEAD_LINES)[:_HEAD_LINES])


@lru_cache(maxsize=2)
def _separator(text: str) -> str:
    """What stands between the cells; "" where this is no sheet of HMC Scanner."""
    head = text[:1 << 16]
    if not any(one in head for one in _SEPARATORS):
        return ""
    low = head.lower()
    if not any(word in low for word in _WORDS):
        return ""
    head = _head(text)
    found = {one: sum(map(_proves, (cells for _, cells in _rows(head, one))))
             for one in _SEPARATORS if one in head}
    best = max(found, key=lambda one: found[one], default="")
    return best if found.get(best) else ""


def _rows(text: str, separator: str, first_line: int = 1) -> list[Row]:
    """Rows of cells, each with the line on which it begins; by lines alone where double quotes do not pair."""
    text = clean(text)
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begin = first_line
    try:
        for cells in reader:
            rows.append((begin, [_cell(cell) for cell in cells]))
            begin = first_line + reader.line_num
    except csv.Error:
        rows = [(number, [_cell(cell).strip('"') for cell in line.split(separator)])
                for number, line in enumerate(text.split("\n"), first_line)]
    return [(number, _under(cells) if separator == "|" else cells) for number, cells in rows]


def _cell(cell: str) -> str:
    if cell.startswith('="') and cell.endswith('"'):  # text, for a spreadsheet that is to leave it alone
        cell = cell[2:-1]
    cell = cell.replace("\xa0", " ").replace("\\n", "\n").strip()
    return cell[:-2] if cell.endswith(".0") and cell[:-2].isdecimal() else cell


def _under(cells: list[str]) -> list[str]:
    """A row as those below it are: without the line under the headers of a table in Markdown, with single bars where a
    wiki has two around headers."""
    if any("--" in cell for cell in cells) and all(_RULE.fullmatch(cell) for cell in cells if cell):
        return []
    if len(cells) > 6 and not any(cells[1::2]) and not cells[0] and all(cells[2:-1:2]):
        return ["", *cells[2::2]]
    return cells


def _filled_rows(rows: Iterable[Row]) -> Iterator[Row]:
    return ((number, cells) for number, cells in rows if any(cells))


def _key(cell: str) -> str:
    return " ".join(cell.lower().split())


def _first(cells: list[str]) -> str:
    return _key(next((cell for cell in cells if cell), ""))


def _name(sheet: str) -> str:
    return _key(sheet.replace("_", " "))


# --- which sheet ------------------------------------------------------------------------------------------------------


def _proves(cells: list[str]) -> bool:
    """Whether a row can only be of HMC Scanner."""
    return _shown(cells) not in ("", _UNKNOWN) and _first(cells) not in _COMMON


def _shown(cells: list[str]) -> str:
    """The sheet that a row shows, or that it is one of usage; "" where it shows none."""
    filled = [cell for cell in cells if cell]
    first = _key(filled[0]) if filled else ""
    if _is_usage(first, filled):
        return _USAGE
    if len(filled) < 2:
        return _TITLES.get(first, "")
    keys = {_key(cell) for cell in filled}
    if first in _LABELS and (first != "hardware" or "software" in keys):
        return _LABELS[first]
    if "uuid" in keys and any("@" in key for key in keys) and any(key.startswith("size") for key in keys):
        return "VIOS disks"
    if len(keys) < 3:
        return ""
    return next((sheet for sheet, headers in _HEADERS if headers <= keys and _is_of(sheet, keys)),
                _UNKNOWN if keys >= _SYSTEM else "")


def _is_usage(first: str, filled: list[str]) -> bool:
    """Whether a row is the legend, the title or a statistic of a sheet of usage."""
    return _USAGE_TITLE.fullmatch(first) is not None or _is_legend(filled) or (
        first in _STATISTIC and len(filled) > 1 and all(map(_FIGURE.fullmatch, filled[1:])))


def _is_of(sheet: str, keys: set[str]) -> bool:
    """Whether a row of headers is HMC Scanner's own, no person's who has the same words: it names the system, or most
    of it is known."""
    if keys >= _SYSTEM or sheet == "SW_cores":
        return True
    from planner.formats.hmc_scanner import headers_of  # start-up: as above

    known = len(keys & headers_of(sheet))
    return known >= 6 and known * 3 >= len(keys) * 2


def _is_legend(filled: list[str]) -> bool:
    return len(filled) == 2 and _key(filled[0]) in _LEGENDS and bool(_LEGEND.match(filled[1]))


def _title(cells: list[str]) -> str:
    """The name of the sheet that a line alone gives, whatever stands around it."""
    filled = [cell for cell in cells if cell]
    match = _DECORATED.fullmatch(filled[0][:80]) if len(filled) == 1 else None
    if not match:
        return ""
    from planner.formats.hmc_scanner import is_sheet  # start-up: as above

    return match[1] if is_sheet(match[1]) else ""


def _pages(rows: list[Row]) -> tuple[list[Row], list[_Page]]:
    """The lines before the first sheet, and the sheets, those without a row left out."""
    pages = [_Page("")]
    after_legend = False
    for row in rows:
        filled = [cell for cell in row[1] if cell]
        if len(filled) == 1 and (name := _title(row[1])):
            pages.append(_Page(name))
            continue
        shown = _shown(row[1]) if filled else ""
        legend = _is_legend(filled)
        if shown and _begins(pages[-1], shown, _key(filled[0]), legend and not after_legend):
            above = _above(pages[-1], shown, _key(filled[0]) in _STATISTIC)
            pages.append(_Page(shown))
            for one in above:
                pages[-1].add(one)
        after_legend = legend
        pages[-1].add(row)
    for page in pages:
        page.name = _usage_name(page) if page.name == _USAGE else page.name
    before = [row for row in _filled_rows(pages[0].rows) if row[1][0].lower() != "sep="]
    return before, [page for page in pages[1:] if any(any(cells) for _, cells in page.rows)]


def _begins(page: _Page, shown: str, first: str, legend: bool) -> bool:
    """Whether a row begins a sheet: one that the sheet so far does not have, or its beginning once more."""
    if shown == _UNKNOWN:
        return page.filled or not page.name
    if shown != _USAGE:
        return _name(shown) != _name(page.name)
    if "usage" not in _name(page.name):
        return True
    if _USAGE_TITLE.fullmatch(first):
        return page.dated or (page.titled and not first.startswith("peak"))
    return page.dated if first in _STATISTIC else legend and page.filled


def _above(page: _Page, shown: str, statistic: bool) -> list[Row]:
    """What stands right above the row that shows a sheet and is of it: the name of the system, or all up to an empty
    line where it is one of the statistics."""
    kept = len(page.rows)
    while kept and len(page.rows) - kept < _MOST_ABOVE and _goes_with(page.rows[kept - 1][1], shown, statistic):
        kept -= 1
    above = page.rows[kept:]
    del page.rows[kept:]
    return above


def _goes_with(cells: list[str], shown: str, statistic: bool) -> bool:
    filled = sum(map(bool, cells))
    if statistic:
        return filled > 0 and not _DAY.match(cells[0])
    return filled <= 1 and shown in ("Virtual_Ethernet", "SW_cores", _USAGE) and not _shown(cells)


def _usage_name(page: _Page) -> str:
    """The name that HMC Scanner gives the sheet: whose usage, by month, day or hour."""
    firsts = dict.fromkeys(_first(cells) for _, cells in page.rows)
    of = next((match[1] or "ram" for first in firsts if (match := _USAGE_TITLE.fullmatch(first))),
              "pool" if "last size" in firsts else "lpar")
    if of == "ram":
        return "Sys_RAM_Usage"
    if "date" not in firsts:
        return "CPU_Pool_Usage" if of == "pool" else "LPAR_CPU_Usage"
    by = "Hourly" if "hours" in firsts or any(map(_HOUR.fullmatch, firsts)) else "Daily"
    return f"CPU_Pool_{by}_Usage" if of == "pool" else f"LPAR_{by}_Usage_N1"


# --- numbers ----------------------------------------------------------------------------------------------------------


def _with_points(pages: list[_Page]) -> None:
    """Decimal commas as points, where a number of the text can have nothing else: ``0,7``, not ``1,024``."""
    rows = [cells for page in pages for _, cells in page.rows
            if _name(page.name) in _DECIMALS or "usage" in _name(page.name)]
    commas = any(_COMMA.fullmatch(cell) and not _GROUPED.fullmatch(cell) for cells in rows for cell in cells)
    points = any(_POINT.fullmatch(cell) and not _GROUPED.fullmatch(cell) for cells in rows for cell in cells)
    if not commas or points:
        return
    for cells in rows:
        for column, cell in enumerate(cells):
            if _COMMA.fullmatch(cell):
                cells[column] = cell.replace(",", ".")
            elif _POINT.fullmatch(cell):
                cells[column] = cell.replace(".", "")


FORMAT = Format(KIND, recognise, read)
