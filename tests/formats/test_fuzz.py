"""A small, seeded share of ``benchmarks/fuzz_formats.py``, and inputs made to hurt: bombs, entities, formulas."""

from __future__ import annotations

import gzip
import importlib.util
import io
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from growth import linear
from portion import portion

from planner.findings import Severity
from planner.formats import registry

ROOT = Path(__file__).parents[2]
SHARE = portion(1500, 10)
MIB = 1 << 20


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_formats", ROOT / "benchmarks" / "fuzz_formats.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FUZZ = benchmark()


def test_no_mutated_input_raises_or_takes_long() -> None:
    found = [f"input {number} of {name}: {what}" for number, name, what, _ in FUZZ.problems(SHARE, 7, FUZZ.corpus())]
    assert found == []


def test_the_same_seed_gives_the_same_input() -> None:
    files = FUZZ.corpus()
    assert [FUZZ.mutated(n, files) for n in range(20)] == [FUZZ.mutated(n, files) for n in range(20)]


ENTITIES = '<!DOCTYPE a [<!ENTITY a0 "lolololol">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)) + "]>"
NAMESPACE = "http://www.ibm.com/xmlns/systems/power/firmware/uom/mc/2012_10/"


def test_entities_of_rest_xml_are_not_expanded() -> None:
    text = f'<?xml version="1.0"?>{ENTITIES}<feed xmlns="{NAMESPACE}"><entry>&a11;</entry></feed>'
    (reading,), peak = measured(text.encode())
    assert any(f.severity is Severity.ERROR for f in reading.findings)
    assert peak < 100 * MIB


def measured(data: bytes, name: str = "x") -> tuple[list[registry.Reading], int]:
    """The readings, in under 2 s, and the most memory that was held for them (bytes)."""
    tracemalloc.start()
    started = time.process_time()
    try:
        readings = registry.read_document(data, name)
        return readings, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert time.process_time() - started < 20, "grows faster than the text: a slow machine needs no tenth of this"


def estate_with(part: str, change: tuple[str, str]) -> bytes:
    """The sample's workbook with one of its parts changed."""
    out = io.BytesIO()
    with (zipfile.ZipFile(ROOT / "data" / "js22" / "js22.xlsx") as book,
          zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed):
        for info in book.infolist():
            data = book.read(info).decode() if info.filename == part else book.read(info)
            if isinstance(data, str):
                assert change[0] in data
                data = data.replace(*change, 1).encode()
            packed.writestr(info.filename, data)
    return out.getvalue()


@pytest.mark.parametrize(("part", "root"), [
    ("xl/workbook.xml", "<workbook"), ("xl/worksheets/sheet2.xml", "<worksheet"), ("xl/sharedStrings.xml", "<sst")])
def test_entities_of_a_workbook_are_not_expanded(part: str, root: str) -> None:
    (reading,), peak = measured(estate_with(part, (root, ENTITIES + root)), "e.xlsx")
    assert peak < 100 * MIB
    assert reading.kind in ("estate-workbook", "unrecognised")


def test_a_workbook_that_unpacks_to_much_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", '<workbook><sheets><sheet name="Servers"/><sheet name="LPARs"/></sheets>')
        packed.writestr("xl/worksheets/sheet1.xml", bytes(80 * MIB))
    (reading,), peak = measured(out.getvalue(), "e.xlsx")
    assert [f.rule for f in reading.findings] == ["input.decompression-bomb"]
    assert peak < 10 * MIB


@pytest.mark.parametrize("filler", [
    "<row/>" * 240_000, "<row>" + "<c/>" * 240_000 + "</row>"], ids=["rows", "cells"])
def test_a_workbook_of_very_many_empty_cells_is_refused(filler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry._MOST_CELLS == 1_000_000
    monkeypatch.setattr(registry, "_MOST_CELLS", 200_000)
    data = estate_with("xl/worksheets/sheet2.xml", ("</sheetData>", filler + "</sheetData>"))
    (reading,), peak = measured(data, "e.xlsx")
    assert [f.rule for f in reading.findings] == ["input.too-large"]
    assert peak < 20 * MIB


def test_cells_are_counted_across_pieces() -> None:
    part = b"<sheetData>" + b'<row r="1"><c r="A1"/></row>' * 100_000
    assert registry._cells(io.BytesIO(part)) == 200_000


def test_a_workbook_of_an_unknown_zip_version_is_damaged() -> None:
    data = bytearray((ROOT / "data" / "js22" / "js22.xlsx").read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 122
    (reading,) = registry.read_document(bytes(data), "e.xlsx")
    assert [f.severity for f in reading.findings] == [Severity.ERROR]


def test_a_document_that_is_compressed_is_not_unpacked_by_the_readers() -> None:
    (reading,), peak = measured(gzip.compress(bytes(50 * MIB)))
    assert reading.kind == "unrecognised"
    assert peak < 10 * MIB


def test_a_formula_gives_its_stored_value_or_none() -> None:
    """A formula is never evaluated; one whose value was not stored is an empty cell."""
    import openpyxl

    book = openpyxl.load_workbook(ROOT / "data" / "js22" / "js22.xlsx")
    sheet = book["Servers"]
    sheet.cell(2, 1).value = '=HYPERLINK("http://192.0.2.1/","x")'
    out = io.BytesIO()
    book.save(out)
    (reading,) = registry.read_document(out.getvalue(), "e.xlsx")
    values = [value for record in reading.records for value in record.fields.values()]
    assert not any(isinstance(value, str) and value.startswith("=") for value in values)
    assert [str(f.source) for f in reading.findings if "has no stored value" in f.message] == ["e.xlsx[Servers!A2]"]


@pytest.mark.parametrize("text", [
    "=cmd|' /C calc'!A0 : x\n" * 3, "a" * MIB, "\n" * MIB, " " * MIB, "-" * MIB, "$ " * (MIB // 2), "# " * (MIB // 2),
    "$ lspv\n" * 8_000, "ssh " * (MIB // 4), "ssh a " + "'" * MIB, "dsh -w " + "a," * (MIB // 2), "a: b\n" * 40_000,
    "HOST: a\n---\n" * 20_000, "HOSTS ----\n" * 20_000, "HOSTS ----\n" + "a\n" * 100_000, "----\na\n" * 3_000,
    "=" * MIB, "== a ==\n" * 20_000, "a@b:" * (MIB // 4), "a" * 80 + "@" + "b" * MIB, "### planner-collect\n" * 10_000,
    "Node Name : a\n" * 20_000, "2.2.1.4\nSVSA Physloc Client \n" * 2_000, "x[" * (MIB // 2), "```\n" * 15_000,
    "".join(f"h{n % 900}: l\n" for n in range(40_000)), "HOST: " + "a[0-999]," * 100 + "\n---\n",
], ids=lambda text: repr(text[:20]))
def test_text_made_to_take_long_does_not(text: str) -> None:
    assert linear(lambda read: registry.read_document(read.encode(), "x"), text)
