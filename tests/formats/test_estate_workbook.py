"""The estate workbook as people leave it: every cell that cannot be read is told with its place, all at once."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
import xlwt
from estates import BASE, cell_of, workbook_with
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from portion import portion

from planner.estate.model import TABLE, TABLES, EstateColumn, Type
from planner.findings import Finding, Severity
from planner.formats.base import Reading
from planner.formats.estate_workbook import (
    REPORT_SHEETS,
    cell_source,
    letters,
    parse_cell,
    read_bytes,
)
from planner.formats.values import join_list, split_list


def reading(cells: dict[str, Any] | None = None, without: tuple[str, ...] = ()) -> Reading:
    return read_bytes(workbook_with(BASE, cells or {}, without), "site.xlsx")


def only(found: Reading, rule: str) -> Finding:
    (one,) = [f for f in found.findings if f.rule == rule]
    return one


def column(sheet: str, header: str) -> EstateColumn:
    return next(c for t in TABLES if t.sheet == sheet for c in t.columns if c.header == header)


def lpar_a1(found: Reading) -> dict[str, Any]:
    return next(r.fields for r in found.records if r.kind == "lpars" and r.fields.get("name") == "a1")


def test_a_clean_workbook_has_no_finding_and_a_record_for_each_row() -> None:
    found = reading()
    assert found.findings == ()
    assert {t.kind: sum(r.kind == t.kind for r in found.records) for t in TABLES} == {
        t.kind: len(getattr(BASE, t.kind)) for t in TABLES}


@pytest.mark.parametrize(("sheet", "row", "header", "value", "told"), [
    ("LPARs", "a1", "Memory (GiB)", "eight", "'eight' is not a number"),
    ("LPARs", "a1", "Memory (GiB)", "8 GB", "is not a number"),
    ("LPARs", "a1", "Memory (GiB)", dt.datetime(2026, 1, 8), "is a date or time, not a number"),
    ("LPARs", "a1", "Memory (GiB)", True, "is not a number"),
    ("LPARs", "a1", "Memory (GiB)", -8, "-8 is below 0"),
    ("LPARs", "a1", "Memory (GiB)", "inf", "not a finite number"),
    ("LPARs", "a1", "Memory (GiB)", "1e400", "out of any range"),
    ("LPARs", "a1", "Entitlement (cores)", 0.125, "finer than a hundredth"),
    ("LPARs", "a1", "Virtual processors", 1.5, "is not a whole number"),
    ("LPARs", "a1", "Weight", 256, "256 is above 255"),
    ("LPARs", "a1", "Processors", "Split", "'Split' is none of: shared, dedicated"),
    ("LPARs", "a1", "RMC active", "maybe", "'maybe' is neither yes nor no"),
    ("VLANs", "A-v1", "VLAN", 4095, "4095 is above 4094"),
    ("VLANs", "A-v1", "VLAN", "ten", "'ten' is not a number"),
    ("LPAR networks", "a1", "Tagged VLANs", "40; x", "'x' is not a number"),
    ("Pools", "A", "Pool id", 64, "64 is above 63"),
])
def test_a_cell_that_cannot_be_read_is_told_with_its_place(sheet: str, row: str, header: str, value: Any,
                                                           told: str) -> None:
    from estates import pool

    of = BASE.replace(pools=(pool("A", 1, 5),))
    place = cell_of(of, sheet, row, header)
    found = read_bytes(workbook_with(of, {place: value}), "site.xlsx")
    one = only(found, "input.bad-value")
    assert one.severity is Severity.ERROR and told in one.message and header in one.message
    assert str(one.source) == f"site.xlsx[{place}]" and one.fix
    assert [f.rule for f in found.findings] == ["input.bad-value"]


def test_every_bad_cell_is_told_at_once() -> None:
    places = [cell_of(BASE, "LPARs", "a1", "Memory (GiB)"), cell_of(BASE, "LPARs", "b2", "Id"),
              cell_of(BASE, "Servers", "C", "LMB (MiB)"), cell_of(BASE, "VIOS", "B-v1", "Mover (MSP)")]
    found = reading(dict.fromkeys(places, "rubbish"))
    assert sorted(str(f.source) for f in found.findings) == sorted(f"site.xlsx[{p}]" for p in places)


@pytest.mark.parametrize(("header", "value", "name", "expected"), [
    ("Memory (GiB)", "8,5", "memory_mib", 8704), ("Memory (GiB)", " 8.5 ", "memory_mib", 8704),
    ("Memory (GiB)", 8, "memory_mib", 8192), ("Memory (GiB)", "1 024", "memory_mib", 1 << 20),
    ("Entitlement (cores)", "0,4", "entitlement_units", 40), ("Entitlement (cores)", 0.1 + 0.2, "entitlement_units", 30),
    ("RMC active", "X", "rmc_active", True), ("RMC active", 0, "rmc_active", False),
    ("RMC active", False, "rmc_active", False), ("OS", "aix", "os", "AIX"), ("Note", 42, "note", "42"),
    ("Note", 4.0, "note", "4"), ("Note", True, "note", "yes"), ("Note", dt.datetime(2026, 1, 8, 9), "note", "2026-01-08 09:00"),
    ("Software", "SAP; Oracle 10.2.0.4;; a\\;b", "software", ("SAP", "Oracle 10.2.0.4", "a;b"))])
def test_cells_as_people_fill_them(header: str, value: Any, name: str, expected: Any) -> None:
    found = reading({cell_of(BASE, "LPARs", "a1", header): value})
    assert found.findings == () and lpar_a1(found)[name] == expected


@pytest.mark.parametrize("empty", [None, "", "   "])
def test_an_empty_cell_states_nothing(empty: str | None) -> None:
    found = reading({cell_of(BASE, "LPARs", "a1", "OS"): empty})
    assert found.findings == () and "os" not in lpar_a1(found)


def test_an_empty_key_is_told_and_an_empty_row_is_passed_over() -> None:
    found = reading({"LPARs!A2": None})
    assert str(only(found, "input.missing-value").source) == "site.xlsx[LPARs!A2]"
    blank = {f"Zoning!{letters(n)}3": None for n in range(1, 6)}
    assert reading(blank).findings == ()


def test_missing_sheets_are_named_together() -> None:
    one = only(reading(without=("Zoning", "VLANs")), "input.missing-sheet")
    assert one.severity is Severity.ERROR and "'VLANs', 'Zoning'" in one.message and str(one.source) == "site.xlsx"


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.sheet)
def test_each_sheet_is_needed_or_not(table: Any) -> None:
    found = reading(without=(table.sheet,))
    assert bool(found.findings) is table.mandatory


def test_a_missing_key_column_is_told_and_any_order_will_do() -> None:
    assert str(only(reading({"LPARs!A1": None}), "input.missing-column").source) == "site.xlsx[LPARs!A1]"
    book = load_workbook(io.BytesIO(workbook_with(BASE, {})))
    sheet = book["Servers"]
    rows = [list(r) for r in sheet.iter_rows(values_only=True)]
    for y, row in enumerate(rows, 1):
        for x, value in enumerate(reversed(row), 1):
            sheet.cell(y, x).value = value
    out = io.BytesIO()
    book.save(out)
    turned = read_bytes(out.getvalue(), "site.xlsx")
    assert turned.findings == ()
    assert [r.fields for r in turned.records if r.kind == "servers"] == [
        r.fields for r in reading().records if r.kind == "servers"]


def test_headers_and_sheets_in_another_case_are_known() -> None:
    book = load_workbook(io.BytesIO(workbook_with(BASE, {"LPARs!A1": "  lpar "})))
    book["Servers"].title = "moved"
    book["moved"].title = "SERVERS"
    out = io.BytesIO()
    book.save(out)
    assert read_bytes(out.getvalue(), "site.xlsx").findings == ()


def test_unknown_columns_and_sheets_are_warned_of_and_report_sheets_are_not() -> None:
    width = len(TABLE["lpars"].columns) + 1
    book = load_workbook(io.BytesIO(workbook_with(BASE, {f"LPARs!{letters(width)}1": "Cost centre"})))
    book.create_sheet("Holidays")
    for name in REPORT_SHEETS:
        if name not in book.sheetnames:
            book.create_sheet(name)
    out = io.BytesIO()
    book.save(out)
    found = read_bytes(out.getvalue(), "site.xlsx")
    assert {(f.rule, f.severity) for f in found.findings} == {
        ("input.unknown-column", Severity.WARNING), ("input.unknown-sheet", Severity.WARNING)}
    assert "Cost centre" in only(found, "input.unknown-column").message


def test_a_column_that_stands_twice_is_an_error() -> None:
    width = len(TABLE["lpars"].columns) + 1
    one = only(reading({f"LPARs!{letters(width)}1": "Server"}), "input.duplicate-column")
    assert one.severity is Severity.ERROR and str(one.source) == f"site.xlsx[LPARs!{letters(width)}1]"


def test_each_value_knows_its_cell() -> None:
    record = next(r for r in reading().records if r.kind == "lpars" and r.fields["name"] == "b1")
    assert str(cell_source(record, "memory_mib")) == f"site.xlsx[{cell_of(BASE, 'LPARs', 'b1', 'Memory (GiB)')}]"


def _plain_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("hello.txt", "hello")
    return out.getvalue()


def _other_workbook() -> bytes:
    out = io.BytesIO()
    Workbook().save(out)
    return out.getvalue()


def _old_workbook() -> bytes:
    book, out = xlwt.Workbook(), io.BytesIO()
    book.add_sheet("Servers").write(0, 0, "Server")
    book.save(out)
    return out.getvalue()


GOOD = workbook_with(BASE, {})


@pytest.mark.parametrize(("data", "told"), [
    (b"", "not an .xlsx workbook, or a damaged one"), (b"PK\x03\x04broken", "damaged"), (GOOD[:-100], "damaged"),
    (GOOD[:2000], "damaged"), (_plain_zip(), "damaged workbook"),
    (_old_workbook(), "old .xls"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "workbook is damaged"),  # Thumbs.db begins like this
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000) + "EncryptedPackage".encode("utf-16-le"), "password")])
def test_what_is_no_workbook_is_refused_with_one_message(data: bytes, told: str) -> None:
    found = read_bytes(data, "site.xlsx")
    assert found.records == () and len(found.findings) == 1
    rule = "input.password" if told == "password" else "input.unreadable"
    assert found.findings[0].rule == rule and told in found.findings[0].message and found.findings[0].fix


def test_another_workbook_lacks_every_sheet() -> None:
    found = read_bytes(_other_workbook(), "site.xlsx")
    assert {f.rule for f in found.findings} == {"input.unknown-sheet", "input.missing-sheet"} and not found.records


def _entries() -> list[str]:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        return archive.namelist()


@pytest.mark.parametrize("part", [n for n in _entries() if n.endswith(".xml") and "comments" not in n and "theme" not in n])
def test_a_damaged_part_never_raises(part: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as good, zipfile.ZipFile(out, "w") as bad:
        for name in good.namelist():
            data = good.read(name)
            bad.writestr(name, data[:len(data) // 2] if name == part else data)
    found = read_bytes(out.getvalue(), "site.xlsx")
    assert all(f.rule == "input.unreadable" for f in found.findings)


@settings(max_examples=portion(100))
@given(st.binary(max_size=400), st.integers(0, len(GOOD)))
def test_no_bytes_whatever_raise(junk: bytes, at: int) -> None:
    assert isinstance(read_bytes(GOOD[:at] + junk, "x.xlsx"), Reading)
    assert isinstance(read_bytes(b"PK" + junk, "x.xlsx"), Reading)


CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True, allow_infinity=True), st.text(max_size=20),
                  st.datetimes(), st.dates(), st.times(), st.timedeltas())


@given(st.sampled_from([c for t in TABLES for c in t.columns]), CELLS)
def test_a_cell_is_read_or_refused_and_nothing_else(of: EstateColumn, value: Any) -> None:
    if value is None:
        return
    try:
        parsed = parse_cell(of, value)
    except ValueError as error:
        assert str(error)
        return
    kinds: dict[Type, type] = {Type.TEXT: str, Type.INTEGER: int, Type.NUMBER: float, Type.CORES: int, Type.GIB: int,
                               Type.YES_NO: bool, Type.LIST: tuple, Type.INTEGERS: tuple}
    assert type(parsed) is kinds[of.type]


@given(st.lists(st.text(min_size=1).map(str.strip).filter(bool), max_size=5))
def test_lists_survive_semicolons_and_backslashes(parts: list[str]) -> None:
    assert split_list(join_list(parts)) == tuple(parts)


@pytest.mark.parametrize(("number", "name"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (702, "ZZ"), (703, "AAA")])
def test_columns_are_lettered_as_spreadsheets_do(number: int, name: str) -> None:
    assert letters(number) == name


def test_headers_are_unique_and_say_their_unit() -> None:
    for table in TABLES:
        headers = [c.header.casefold() for c in table.columns]
        assert len(set(headers)) == len(headers)
        for c in table.columns:
            assert not (c.type is Type.CORES and "(cores)" not in c.header)
            assert not (c.type is Type.GIB and "(GiB)" not in c.header)
    assert column("Servers", "Server") is TABLE["servers"].columns[0]
