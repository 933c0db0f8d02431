"""People's own tables through a mapping: CSV, TSV, workbooks; and mappings that are wrong."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.findings import Finding, Source
from planner.formats.base import NonValue, Reading
from planner.formats.table import MappingFile, load_mapping, read, read_bytes, read_document, recognise, recognise_bytes

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "table"
SAMPLES = ROOT.parent / "shared" / "samples"
TOML = (FIXTURES / "mapping.toml").read_text()
TEXTS = {path.name: path.read_bytes().decode().replace("\r\n", "\n") for path in sorted(FIXTURES.glob("*.csv"))}


def mapping(text: str = TOML) -> MappingFile:
    loaded = load_mapping(text, "map.toml")
    assert isinstance(loaded, MappingFile), loaded
    return loaded


MAPPING = mapping()


def small(**changes: Any) -> MappingFile:
    """A mapping of one table with the columns Name (text) and Value (as given)."""
    base = {"kind": "lpar", "file": "*", "columns": {"Name": "name", "Value": "value"}}
    return MappingFile.model_validate({"table": [base | changes]})


def value(cell: str, unit: str | None = None, decimal: str = ".") -> Any:
    """What is read of one cell; None when it is refused."""
    chosen = small(units={"Value": unit} if unit else {}, decimal=decimal)
    quoted = cell.replace('"', '""')
    result = read(f'Name,Value\na,"{quoted}"\n', "t.csv", chosen)
    return result.records[0].fields.get("value")


def rules(result: Reading) -> list[tuple[str, str, str]]:
    return [(f.severity.value, f.rule, str(f.source)) for f in result.findings]


def _xlsx(sheets: dict[str, list[list[Any]]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return out.getvalue()


def test_csv_with_titles_units_and_quotes() -> None:
    result = read(TEXTS["lpars_plain.csv"], "lpars_plain.csv", MAPPING)
    assert rules(result) == [("info", "input.unknown-column", "lpars_plain.csv:3")]
    assert [(record.kind, record.source.line) for record in result.records] == [
        ("table-lpar", 4), ("table-lpar", 6), ("table-lpar", 8)]
    assert [record.fields for record in result.records] == [
        {"name": "erp01", "entitlement": 70, "memory": 33280, "virtual_processors": 4, "cpu_percent": 63.5,
         "production": True, "vlans": ("10", "20"), "owner": "Ana"},
        {"name": "web01", "entitlement": 20, "memory": 4096, "virtual_processors": 1, "cpu_percent": NonValue.EMPTY,
         "production": False, "vlans": ("30",), "owner": NonValue.DASH},
        {"name": "db01", "entitlement": 200, "memory": 65536, "virtual_processors": 2, "cpu_percent": 80.0,
         "production": True, "vlans": NonValue.NONE, "owner": "Zoë"}]


@pytest.mark.parametrize("name", ["partitionen.csv", "partitionen_tabs.csv"])
def test_decimal_comma_and_any_delimiter(name: str) -> None:
    result = read(TEXTS[name], name, MAPPING)
    assert result.findings == ()
    assert result.records[0].fields == {
        "name": "kasse01", "entitlement": 125, "memory": 4096 if "tabs" in name else 9728}


def test_workbook() -> None:
    data = _xlsx({
        "Server Ost": [["Liste"], ["System", "Units", "Mem MB", "Ort"], ["p10-ost", 2400, 1048576, "Halle 3"]],
        "Partitionen": [["Name", "Anteil", "Speicher"], ["kasse01", 0.1 + 0.2, 9.56], ["lager02", "1,25", "2 GB"]],
        "Notizen": [["frei"]]})
    result = read_bytes(data, "liste.xlsx", MAPPING)
    assert rules(result) == [
        ("info", "input.unknown-column", "liste.xlsx[Server Ost!A2]"),
        ("info", "input.unknown-sheet", "liste.xlsx[Partitionen!A1]"),
        ("info", "input.unknown-sheet", "liste.xlsx[Notizen!A1]")]
    assert [(record.kind, record.fields, record.source) for record in result.records] == [
        ("table-server", {"name": "p10-ost", "processing_units": 2400, "memory": 1048576},
         Source("liste.xlsx", cell="Server Ost!A3"))]
    mapped = mapping(TOML.replace('file = "partitionen*.csv"\n', ""))
    assert [record.fields for record in read_bytes(data, "liste.xlsx", mapped).records][1:] == [
        {"name": "kasse01", "entitlement": 30, "memory": 9789},
        {"name": "lager02", "entitlement": 125, "memory": 2048}]


def test_what_fits_a_mapping_is_its_table() -> None:
    text = TEXTS["partitionen.csv"]
    assert recognise(text, MAPPING) and not recognise("Name;Anteil\na;1\n", MAPPING)
    assert len(read(text, "partitionen.csv", MAPPING, 11).records) == 2
    assert read(text, "partitionen.csv", MAPPING, 11).records[0].source.line == 12
    assert read_document(text.encode(), "partitionen.csv", MAPPING) == read(text, "partitionen.csv", MAPPING)
    assert read_document(text.encode(), "other.csv", MAPPING) is None
    data = _xlsx({"Server": [["System"]]})
    assert recognise_bytes(data, MAPPING) and not recognise_bytes(_xlsx({"Other": [["System"]]}), MAPPING)
    assert not recognise_bytes(b"System,Units", MAPPING)
    assert recognise_bytes(_xlsx({"Any": [[], ["Value", "Name"]]}), small())
    assert rules(read_bytes(data, "b.xlsx", MAPPING)) == [
        ("error", "input.missing-column", "b.xlsx[Server!A1]"), ("error", "input.missing-column", "b.xlsx[Server!A1]")]


@pytest.mark.parametrize("cell, unit, decimal, expected", [
    ("0.5", "cores", ".", 50), ("0,5", "cores", ",", 50), ("1.5 cores", "cores", ".", 150),
    ("50", "hundredths", ".", 50), ("9.56", "GB", ".", 9789), ("2 GiB", "GB", ".", 2048),
    ("4096 MB", "MB", ".", 4096), ("12.5 %", "percent", ".", 12.5), ("7", "count", ".", 7),
    ("Yes", "yes-no", ".", True), ("nie", "yes-no", ".", False), ("a; b|c\nd", "list", ".", ("a", "b", "c", "d")),
    (" text ", None, ".", "text"), ("0", None, ".", "0"), ("unavailable", "GB", ".", NonValue.UNAVAILABLE),
    ("null", None, ".", NonValue.NULL), ("N/A", "count", ".", NonValue.UNAVAILABLE), ("", "GB", ".", NonValue.EMPTY),
])
def test_values(cell: str, unit: str | None, decimal: str, expected: Any) -> None:
    assert value(cell, unit, decimal) == expected


@pytest.mark.parametrize("cell, unit, decimal", [
    ("0,5", "cores", "."), ("0.5", "cores", ","), ("1.024,5", "GB", ","), ("1,024", "MB", "."), ("1 024", "MB", "."),
    ("0.505", "cores", "."), ("-1", "cores", "."), ("inf", "GB", "."), ("NaN", "percent", "."), ("1e5", "count", "."),
    ("2 TB", "GB", "."), ("2 MB", "GB", "."), ("2.5", "count", "."), ("50.5", "hundredths", "."), ("4096.5", "MB", "."),
    ("perhaps", "yes-no", "."), ("9" * 15, "cores", "."), ("#N/A", None, "."), ("#REF!", "GB", "."),
])
def test_refused_values(cell: str, unit: str | None, decimal: str) -> None:
    chosen = small(units={"Value": unit} if unit else {}, decimal=decimal)
    result = read(f'Name,Value\na,"{cell}"\n', "t.csv", chosen)
    assert rules(result) == [("warning", "input.bad-value", "t.csv:2")]
    assert result.records[0].fields == {"name": "a"}


def test_percent_of_a_spreadsheet_may_be_a_fraction() -> None:
    chosen = small(units={"Value": "percent"}, sheet="*")
    result = read_bytes(_xlsx({"S": [["Name", "Value"], ["a", 0.9], ["b", 90]]}), "p.xlsx", chosen)
    assert [record.fields["value"] for record in result.records] == [0.9, 90.0]
    assert rules(result) == [("warning", "input.ambiguous-percent", "p.xlsx[S!B2]")]
    assert result.findings[0].message == "value: 0.9 percent, or 90% as a spreadsheet shows it?"


def test_headers_missing_repeated_and_absent_altogether() -> None:
    chosen = small()
    assert rules(read("Name,Wert\na,1\n", "t.csv", chosen)) == [
        ("error", "input.missing-column", "t.csv:1"), ("info", "input.unknown-column", "t.csv:1")]
    result = read("Name,Value,value\na,1,2\n", "t.csv", chosen)
    assert rules(result) == [("error", "input.duplicate-column", "t.csv:1")]
    assert result.records[0].fields == {"name": "a", "value": "1"}
    assert rules(read("x,y\n1,2\n", "t.csv", chosen)) == [("error", "input.missing-column", "t.csv:1")]
    assert rules(read("", "t.csv", chosen)) == [("error", "input.missing-column", "t.csv:1")]


def test_no_table_for_this_file() -> None:
    assert rules(read(TEXTS["partitionen.csv"], "other.csv", MAPPING)) == [
        ("error", "input.missing-table", "other.csv")]
    assert rules(read_bytes(_xlsx({"X": [["a"]]}), "x.xlsx", MAPPING)) == [("error", "input.missing-table", "x.xlsx")]
    assert rules(read_bytes(b"PK\x03\x04", "x.xlsx", MAPPING)) == [("error", "input.corrupt-workbook", "x.xlsx")]


def test_a_quote_that_is_not_closed_loses_only_the_rest() -> None:
    result = read('Name,Value\na,1\n"b,2\nc,3\n', "t.csv", small())
    assert rules(result) == [("error", "input.truncated", "t.csv:3")]
    assert [record.fields["name"] for record in result.records] == ["a"]


def test_a_row_with_nothing_in_the_mapped_columns() -> None:
    result = read("Name,Value,Note\n,,see below\na,1,\n", "t.csv", small())
    assert ("warning", "input.unknown-text", "t.csv:2") in rules(result)
    assert len(result.records) == 1


def test_many_bad_cells_are_counted() -> None:
    result = read("Name,Value\n" + "a,?\n" * 100, "t.csv", small(units={"Value": "GB"}))
    assert [f.message for f in result.findings][3:] == ["97 more of these in column 'value'"]


def test_all_that_is_wrong_with_a_mapping_is_said_at_once() -> None:
    text = """
[[table]]
kind = "LPAR"
columns = { "A" = "a" }
units = { "A" = "TB" }
colour = "red"

[[table]]
kind = "lpar"
columns = { "A" = "a", "a " = "b", "C" = "b" }
units = { "Z" = "GB" }
"""
    found = load_mapping(text, "map.toml")
    assert isinstance(found, tuple)
    assert [(f.subject, f.message.partition(":")[0], f.source) for f in found] == [
        ("table 1", "kind", Source("map.toml", 2)), ("table 1", "units.A", Source("map.toml", 2)),
        ("table 1", "colour", Source("map.toml", 2)),
        ("table 2", "neither file nor sheet says where the table stands; the header 'a' stands twice; "
         "two headers become 'b'; units names 'Z', which is not in columns", Source("map.toml", 8))]


@pytest.mark.parametrize("text, line", [
    ("[[table]]\nkind = ", 2), ("", None), ("table = 3", None), ('table = ["x"]', None),
    ('[[table]]\nkind = "a"\nfile = 3\ncolumns = {"A" = "a"}', 1), ("a = " + "[" * 5000, None)])
def test_mappings_that_are_none(text: str, line: int | None) -> None:
    found = load_mapping(text, "map.toml")
    assert isinstance(found, tuple) and found
    assert all(isinstance(one, Finding) and one.rule == "input.bad-mapping" for one in found)
    assert [one.source for one in found] == [Source("map.toml", line)] or line is None


def test_order_of_findings_is_that_of_the_mapping() -> None:
    headers = [f"H{number}" for number in range(20)]
    random.Random(1).shuffle(headers)
    chosen = small(columns={"Name": "name"} | {header: header.lower() for header in headers})
    assert [f.message.split("'")[1] for f in read("Name\na\n", "t.csv", chosen).findings] == [
        header.lower() for header in headers]


PIECES = st.sampled_from([",", ";", '"', '""', "\n", "\t", "\x00", "\ud800", "1e9", "-", "Name", "é", "#N/A", "9" * 40])


@settings(max_examples=portion(300), deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), max_size=5))
def test_mutations_never_raise(name: str, edits: list[tuple[float, int, str]]) -> None:
    text = TEXTS[name]
    for place, cut, new in edits:
        start = int(place * len(text))
        text = text[:start] + new + text[start + cut:]
    recognise(text, MAPPING)
    assert isinstance(read(text, name, MAPPING), Reading)


@settings(max_examples=portion(200), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), max_size=5))
def test_mutated_mappings_never_raise(edits: list[tuple[float, int, str]]) -> None:
    text = TOML
    for place, cut, new in edits:
        start = int(place * len(text))
        text = text[:start] + new + text[start + cut:]
    assert isinstance(load_mapping(text, "map.toml"), MappingFile | tuple)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples here")
def test_samples_of_other_formats_are_not_claimed() -> None:
    for path in sorted(SAMPLES.rglob("*.txt")):
        assert not recognise(path.read_text(errors="replace"), MAPPING), path.name
