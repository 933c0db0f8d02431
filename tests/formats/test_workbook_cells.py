"""Opening of workbooks: what is read, and the one finding of each file that is refused."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.findings import Finding, Severity, Source
from planner.formats import workbook_cells
from planner.formats.workbook_cells import (
    ErrorCell,
    Sheet,
    Workbook,
    column_letters,
    looks_like_workbook,
    open_workbook,
    sheet_names,
    text_of,
)

SHEET = "xl/worksheets/sheet1.xml"


def _xlsx(sheets: dict[str, list[list[Any]]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        hour = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, dt.datetime):
                        sheet.write_datetime(number, column, value, hour if value.hour else day)
                    elif value is ErrorCell.ERROR:
                        sheet.write_formula(number, column, "=1/0", value="#DIV/0!")
                    elif value is not None:
                        sheet.write(number, column, value)
    return out.getvalue()


def _xls(sheets: dict[str, list[list[Any]]]) -> bytes:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, dt.datetime):
                    sheet.write(number, column, value, xlwt.easyxf(num_format_str="YYYY-MM-DD"))
                elif value is ErrorCell.ERROR:
                    sheet.row(number).set_cell_error(column, "#DIV/0!")
                elif value is not None:
                    sheet.write(number, column, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _edited(data: bytes, parts: dict[str, bytes]) -> bytes:
    """The workbook with some parts replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.get(name, old.read(name)))
    return out.getvalue()


def _sheet_xml(cells: str) -> bytes:
    return (f'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            f"<sheetData>{cells}</sheetData></worksheet>").encode()


def _refusal(data: bytes) -> Finding:
    found = open_workbook(data, "book.xlsx")
    assert isinstance(found, Finding)
    assert found.severity is Severity.ERROR
    assert found.source == Source("book.xlsx")
    assert found.fix
    return found


ROWS: dict[str, list[list[Any]]] = {
    "LPARs": [["Name", None, "GB"], [], ["aix01", True, 1.5], ["none ", None, 7887501], [ErrorCell.ERROR, "é"],
              [dt.datetime(2024, 3, 1), dt.datetime(2024, 3, 1, 6)]],
    "Empty": [],
}
READ = (
    Sheet("LPARs", (("Name", None, "GB"), (), ("aix01", True, 1.5), ("none ", None, 7887501.0),
                    (ErrorCell.ERROR, "é"), (dt.date(2024, 3, 1), dt.datetime(2024, 3, 1, 6)))),
    Sheet("Empty", ()),
)


def test_reads_xlsx() -> None:
    data = _xlsx(ROWS)
    assert open_workbook(data, "a.xlsx") == Workbook("a.xlsx", READ)
    assert sheet_names(data) == ("LPARs", "Empty")
    assert looks_like_workbook(data)


def test_reads_xls_to_the_same_cells() -> None:
    data = _xls(ROWS)
    assert open_workbook(data, "a.xls") == Workbook("a.xls", READ)
    assert sheet_names(data) == ("LPARs", "Empty")
    assert looks_like_workbook(data)


def test_addresses_and_shown_text() -> None:
    assert [column_letters(number) for number in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert Sheet("S", ()).address(3, 2) == "S!C4"
    assert [text_of(cell) for cell in (None, " a ", 4.0, 0.5, True, ErrorCell.ERROR)] == [
        "", "a", "4", "0.5", "true", "#ERROR"]


@pytest.mark.parametrize("data", [b"", b"name,cores\n", b"<html><table></table></html>", b"\x00" * 100])
def test_what_is_no_workbook(data: bytes) -> None:
    assert _refusal(data).rule == "input.not-a-workbook"
    assert not looks_like_workbook(data)
    assert sheet_names(data) == ()


def test_a_zip_that_is_no_workbook() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("content.xml", "<office/>")
    assert _refusal(out.getvalue()).rule == "input.not-a-workbook"


def test_ole_container_that_is_no_workbook() -> None:
    assert _refusal(workbook_cells.OLE_MAGIC + b"\x00" * 600).rule == "input.corrupt-workbook"


def test_truncated_and_mangled_zip() -> None:
    data = _xlsx(ROWS)
    assert _refusal(data[:-200]).rule == "input.corrupt-workbook"
    middle = data.index(b"xl/worksheets/sheet1.xml") + 40
    assert _refusal(data[:middle] + b"\xff" * 30 + data[middle + 30:]).rule == "input.corrupt-workbook"


def test_broken_xml_inside() -> None:
    data = _edited(_xlsx(ROWS), {SHEET: _sheet_xml('<row r="1"><c r="A1"><v>1</')})
    assert _refusal(data).rule == "input.corrupt-workbook"


def test_password_protected_xlsx_is_an_ole_container() -> None:
    container = workbook_cells.OLE_MAGIC + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le")
    assert _refusal(container).rule == "input.password"


def test_password_protected_zip_parts() -> None:
    data = bytearray(_xlsx(ROWS))
    position = data.find(b"PK\x01\x02")
    data[position + 8] |= 1
    assert _refusal(bytes(data)).rule == "input.password"


def test_password_protected_xls() -> None:
    data = _xls(ROWS)
    globals_bof = data.index(b"\x09\x08\x10\x00\x00\x06\x05\x00")
    code_page = data.index(b"\xe1\x00\x02\x00", globals_bof)
    protected = data[:code_page] + b"\x2f\x00" + data[code_page + 2:]
    assert _refusal(protected).rule == "input.password"


def test_bomb_by_ratio_is_refused_from_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_cells, "_parts", lambda *_: pytest.fail("unpacked"))
    data = _edited(_xlsx(ROWS), {SHEET: _sheet_xml(" " * (65 * workbook_cells.MIB))})
    found = _refusal(data)
    assert found.rule == "input.decompression-bomb"
    assert found.message.startswith("unpacks to 65 MiB from ")


def test_bomb_by_size_is_refused_from_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_cells, "MOST_WORKBOOK", 1000)
    assert _refusal(_xlsx(ROWS)).rule == "input.decompression-bomb"


def test_a_directory_that_lies_about_sizes_is_found_out() -> None:
    """The part is larger than its entry says: it is never unpacked beyond that, and its check sum fails."""
    data = bytearray(_edited(_xlsx(ROWS), {SHEET: _sheet_xml(" " * 1_000_000)}))
    entry = data.rindex(b"xl/worksheets/sheet1.xml") - 46
    data[entry + 24:entry + 28] = (100).to_bytes(4, "little")
    assert _refusal(bytes(data)).rule == "input.corrupt-workbook"


def test_two_cells_far_apart_do_not_take_the_process_down() -> None:
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    found = _refusal(_edited(_xlsx(ROWS), {SHEET: _sheet_xml(cells)}))
    assert found.rule == "input.too-large"
    assert "stray cells" in found.fix


def test_formatted_empty_cells_far_away_do_no_harm() -> None:
    cells = ('<row r="1"><c r="A1"><v>1</v></c><c r="B1" s="1"/></row><row r="1048576" s="2"/>'
             '<row r="1048575"><c r="XFD1048575" s="1"/></row>')
    book = open_workbook(_edited(_xlsx(ROWS), {SHEET: _sheet_xml(cells)}), "a.xlsx")
    assert isinstance(book, Workbook)
    assert book.sheets[0].rows == ((1.0,),)


def test_cells_without_references_are_counted() -> None:
    cells = "<row>" + "<c><v>1</v></c>" * 3 + "</row><row><c><v>2</v></c></row>"
    book = open_workbook(_edited(_xlsx(ROWS), {SHEET: _sheet_xml(cells)}), "a.xlsx")
    assert isinstance(book, Workbook)
    assert book.sheets[0].rows == ((1.0, 1.0, 1.0), (2.0,))


def test_cell_beyond_the_last_column() -> None:
    data = _edited(_xlsx(ROWS), {SHEET: _sheet_xml('<row r="1"><c r="AAAAAAAA1"><v>1</v></c></row>')})
    assert _refusal(data).rule == "input.corrupt-workbook"


def test_promised_counts_reserve_no_memory() -> None:
    strings = (b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="99999999999" '
               b'uniqueCount="99999999999"><si><t>one</t></si></sst>')
    data = _edited(_xlsx(ROWS), {SHEET: _sheet_xml('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'),
                                 "xl/sharedStrings.xml": strings})
    book = open_workbook(data, "a.xlsx")
    assert isinstance(book, Workbook)
    assert book.sheets[0].rows == (("one",),)


def test_a_long_shared_text_shown_very_often() -> None:
    """The file is small; the cells together would hold gigabytes."""
    text = b"<sst><si><t>" + b"x" * 3_000_000 + b"</t></si></sst>"
    row = "".join('<c t="s"><v>0</v></c>' for _ in range(200))
    data = _edited(_xlsx(ROWS), {SHEET: _sheet_xml(f"<row>{row}</row>"), "xl/sharedStrings.xml": text})
    assert _refusal(data).rule == "input.decompression-bomb"


def test_a_part_that_stands_twice() -> None:
    out = io.BytesIO(_xlsx(ROWS))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(SHEET, _sheet_xml(""))
    assert _refusal(out.getvalue()).rule == "input.corrupt-workbook"


XLSX = _xlsx(ROWS)


@settings(max_examples=portion(150), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), min_size=1, max_size=6))
def test_mutated_bytes_never_raise(edits: list[tuple[float, bytes]]) -> None:
    data = bytearray(XLSX)
    for place, new in edits:
        start = int(place * len(data))
        data[start:start + len(new)] = new
    assert isinstance(open_workbook(bytes(data), "a.xlsx"), Workbook | Finding)


@settings(max_examples=portion(150), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(['r="B2"', "<c>", "</row>", "9", '"'])), max_size=4))
def test_mutated_sheet_xml_never_raises(edits: list[tuple[float, str]]) -> None:
    with zipfile.ZipFile(io.BytesIO(XLSX)) as archive:
        xml = archive.read(SHEET).decode()
    for place, new in edits:
        start = int(place * len(xml))
        xml = xml[:start] + new + xml[start:]
    assert isinstance(open_workbook(_edited(XLSX, {SHEET: xml.encode()}), "a.xlsx"), Workbook | Finding)


@settings(max_examples=portion(150), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20))
def test_mutated_xls_never_raises(edits: list[tuple[float, int]]) -> None:
    data = bytearray(_xls(ROWS))
    for place, new in edits:
        data[min(int(place * len(data)), len(data) - 1)] = new
    assert isinstance(open_workbook(bytes(data), "a.xls"), Workbook | Finding)
